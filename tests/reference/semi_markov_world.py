"""A semi-Markov world with known truth: stays of leads up to an instant, and how many are won after it."""

from __future__ import annotations

from random import Random

from leadlife.economics.stays import LeadStays, Stay

MOVES = {
    "new": [("working", 0.5), ("lost", 0.5)],
    "working": [("offer", 0.5), ("new", 0.1), ("lost", 0.4)],
    "offer": [("won", 0.45), ("lost", 0.55)],
}
DAYS = {"new": 20, "working": 30, "offer": 15}


def semi_markov_world(seed, *, leads=400, observed=200, horizon=60):
    """Return the stays of leads, and how many of them are won within the horizon."""
    random = Random(seed)
    found, won = [], 0
    for number in range(leads):
        at, stage, stays, seen = -random.random() * observed, "new", [], False
        while stage in MOVES and at <= horizon:
            days = random.gammavariate(2, DAYS[stage] / 2)
            following = random.choices([name for name, _ in MOVES[stage]], [share for _, share in MOVES[stage]])[0]
            if not seen:
                seen = at + days > 0
                stays.append(Stay(stage, -at, None) if seen else Stay(stage, days, following))
            at, stage = at + days, following
        if not seen:
            stays.append(Stay("customer" if stage == "won" else stage, -at, None))
        won += stage == "won" and 0 < at <= horizon
        found.append(LeadStays(f"lead-{number:04}", "main", None, tuple(stays)))
    return found, won


def coverage(worlds, *, samples=20):
    """Return in which share of the worlds the 90 % interval of the forecast holds what came."""
    from datetime import UTC, datetime

    from leadlife.economics.forecasting import forecast_of_stays

    hits = 0
    for seed in range(worlds):
        leads, won = semi_markov_world(seed)
        ahead = forecast_of_stays(
            leads,
            as_of=datetime(2026, 1, 1, tzinfo=UTC),
            horizon=60,
            period=60,
            values={},
            currency=None,
            seed=seed,
            samples=samples,
        )
        hits += ahead.won.low <= won <= ahead.won.high
    return hits / worlds
