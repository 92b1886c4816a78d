"""Cautions: warnings, by stated rules, about figures that the data do not support."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from leadlife.analytics.incidence import Risk, quantile
from leadlife.analytics.lead_outcomes import LeadOutcome
from leadlife.timing import local_day, zone_named

FEWEST = 30
"""With fewer leads or conversions than this, the figures of a group are mostly noise."""
FEW_AT_RISK = 10
"""A rate by a horizon that fewer leads reached is reported."""


class Caution(NamedTuple):
    """A warning about figures: a code for programs, a sentence for people, and the numbers behind it."""

    code: str
    message: str
    figures: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the caution as plain values, ready for JSON."""
        return {"code": self.code, "message": self.message, "figures": self.figures}


def about_journeys(rows: Sequence[LeadOutcome], *, repeated: int, known: Container[str]) -> Iterator[Caution]:
    """Yield the cautions about what was handed in: journeys that came twice, leads with several, foreign stages."""
    if repeated:
        journeys = _counted(repeated, "journey")
        message = f"{journeys} handed in more than once: each counts once, with the most facts"
        yield Caution("repeated_journey", message, {"repeated": repeated})
    several = sum(len(row.pipelines) > 1 for row in rows)
    if several:
        message = f"{_counted(several, 'lead')} with journeys in several pipelines: each counts once, by its first win"
        yield Caution("several_pipelines", f"{message}; by='pipeline' counts them in each", {"leads": several})
    foreign: dict[str, int] = {}
    for row in rows:
        for stage in row.reached:
            if stage not in known:
                foreign[stage] = foreign.get(stage, 0) + 1
    for stage, leads in sorted(foreign.items()):
        yield Caution(
            "foreign_stage",
            f"{_counted(leads, 'lead')} reached {stage!r}, which the playbook does not have, so no figure shows it: "
            "if the stage was renamed, declare the old id in its aliases",
            {"stage": stage, "leads": leads},
        )


def cautions(rows: Sequence[LeadOutcome], *, as_of: datetime, zone: str) -> Iterator[Caution]:
    """Yield the cautions about all leads together."""
    yield from _left_truncation(rows, zone)
    still_open = sum(row.ended is None for row in rows)
    if still_open:
        day = local_day(as_of, zone_named(zone)).isoformat()
        yield Caution(
            "right_censoring",
            f"{still_open} of {len(rows)} leads are still open on {day}: they are censored, not lost",
            {"open": still_open, "leads": len(rows), "as_of": as_of.isoformat()},
        )
    early = [days for row in rows for days in row.before_entry]
    if early:
        leads = sum(bool(row.before_entry) for row in rows)
        yield Caution(
            "before_entry",
            f"{_counted(len(early), 'fact')} of {_counted(leads, 'lead')} dated up to {_counted(max(early), 'day')} "
            "before the lead's entry: counted at entry, with 0 days to the event",
            {"facts": len(early), "leads": leads, "most_days": max(early)},
        )
    unwon = sum(row.sold_at is not None and not row.won for row in rows)
    if unwon:
        yield Caution(
            "sold_not_won",
            f"{_counted(unwon, 'lead')} with a sale never reached a won stage: the playbook refused the move",
            {"leads": unwon},
        )


def _left_truncation(rows: Sequence[LeadOutcome], zone: str) -> Iterator[Caution]:
    """Yield a caution if the record of sales probably began later than the record of leads."""
    sales = [row.sold_at for row in rows if row.sold_at is not None]
    usual = quantile(sorted(row.days for row in rows if row.won), 0.75)
    if not sales or usual is None:
        return
    # Three in four wins take at most the usual time. A first sale that comes later than that, although many leads had
    # entered, was probably not the first.
    calendar = zone_named(zone)
    first_sale, first_entry = local_day(min(sales), calendar), local_day(min(row.entered for row in rows), calendar)
    between = sum(local_day(row.entered, calendar) < first_sale for row in rows)
    if (first_sale - first_entry).days > usual and between >= FEWEST:
        yield Caution(
            "left_truncation",
            f"no sale is recorded before {first_sale} although leads entered from {first_entry} on ({between} of them "
            f"before that day, and three in four wins take at most {usual:g} days): early sales are probably missing",
            {
                "first_sale": first_sale.isoformat(),
                "first_entry": first_entry.isoformat(),
                "entered_between": between,
                "days_to_won_q75": usual,
            },
        )


def winners_only(rows: Sequence[LeadOutcome], attributes: Iterable[str]) -> Iterator[Caution]:
    """Yield a caution for each attribute that only converted leads have: a rate by it would always be 100 %."""
    lost = any(not row.won for row in rows)
    for name in attributes:
        filled = [row for row in rows if row.fields.get(name) is not None]
        if filled and lost and all(row.won for row in filled):
            yield Caution(
                "winners_only",
                f"attribute {name!r} is filled in for converted leads only ({len(filled)} of them), "
                "so no rate by it is given",
                {"attribute": name, "filled": len(filled)},
            )


def small_group(name: str | None, leads: int, won: int) -> Iterator[Caution]:
    """Yield a caution for a group with too few leads or conversions for a reliable rate."""
    if leads < FEWEST or won < FEWEST:
        label = "the blank group" if name is None else f"group {name!r}"
        yield Caution(
            "small_group",
            f"{label} has {_counted(leads, 'lead')} and {won} won, fewer than {FEWEST}: read the interval",
            {"group": name, "leads": leads, "won": won},
        )


def thin_horizon(name: str | None, risks: Iterable[Risk]) -> Iterator[Caution]:
    """Yield a caution where rates by a horizon rest on a few leads that were observed for so long."""
    thin = [risk for risk in risks if risk.rate is not None and 0 < risk.at_risk < FEW_AT_RISK]
    if thin:
        label = "the blank group" if name is None else f"group {name!r}"
        rests = " and ".join(f"by {risk.days} days on {_counted(risk.at_risk, 'lead')}" for risk in thin)
        yield Caution(
            "thin_horizon",
            f"{label}: few leads were observed so long, so the rate rests {rests}",
            {"group": name, "horizons": [risk.days for risk in thin], "at_risk": [risk.at_risk for risk in thin]},
        )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
