"""How fast a score and a criterion are, against the same written by hand. ``--json`` prints one object.

One lead of 50 activities under 20 rules with half-lives; a criterion of ten nodes over three leads. The loops are what
a careful engineer would write for just this policy and just this question, and the answers are compared first.
Rounds are interleaved; figures are medians.
"""

from __future__ import annotations

import argparse
import gc
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter

from leadlife import Activity, ActivityRecorded, FieldChanged, FieldSpec, Journey, Lead, elapsed
from leadlife.criteria import count, field, it
from leadlife.journey.view import JourneyView
from leadlife.playbook.fields import FieldType
from leadlife.presets import eight_stage
from leadlife.scoring import ActivityRule, Points

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
KINDS = tuple(f"kind{number}" for number in range(20))

POLICY = Points(
    name="engagement",
    rules=tuple(
        ActivityRule(name=kind, kinds=(kind,), points=5 + place, half_life=elapsed(days=7 + place))
        for place, kind in enumerate(KINDS)
    ),
)
ADA = Lead(id="ada")
ACTIVITIES = tuple(
    Activity(id=str(number), kind=KINDS[number * 7 % 20], at=NOW - number * DAY * 1.3) for number in range(50)
)
BY_KIND = {kind: (5 + place, (7 + place) * 86_400.0) for place, kind in enumerate(KINDS)}


def loop(activities: Sequence[Activity], now: datetime) -> float:
    """Return the sum that the policy gives, as somebody would write it who needs no other."""
    total = 0.0
    for activity in activities:
        if activity.at <= now:
            rule = BY_KIND.get(activity.kind)
            if rule is not None:
                points, half_life = rule
                total += points * 2.0 ** (-(now - activity.at).total_seconds() / half_life)
    return total


def looping(rounds: int) -> None:
    for _ in range(rounds):
        loop(ACTIVITIES, NOW)


def valuing(rounds: int) -> None:
    for _ in range(rounds):
        POLICY.value(ADA, ACTIVITIES, at=NOW)


def writing(rounds: int) -> None:
    for _ in range(rounds):
        POLICY.score(ADA, ACTIVITIES, at=NOW)


CRITERION = ((field("employees") >= 50) & field("country").one_of("DE", "AT", "CH") & ~field("blocked").known()) | (
    (count("call") >= 2)
    & (count("page_view", page=it.contains("pricing"), within=elapsed(days=7)) >= 2)
    & field("title").contains("vp")
)
COUNTRIES = {"DE", "AT", "CH"}


class Known:
    """What an application of one's own would hold of a lead."""

    def __init__(self, fields: Mapping[str, object], seen: list[tuple[str, datetime, str]]) -> None:
        self.fields = fields
        self.by_kind: dict[str, list[tuple[datetime, str]]] = {}
        for kind, at, page in sorted(seen, key=lambda one: one[1], reverse=True):
            self.by_kind.setdefault(kind, []).append((at, page))


def by_hand(known: Known, now: datetime) -> bool:
    """Return what the criterion answers where nothing is unknown, as an ``if`` would."""
    fields = known.fields
    size = fields.get("employees")
    if isinstance(size, int) and size >= 50 and fields.get("country") in COUNTRIES and fields.get("blocked") is None:
        return True
    if len(known.by_kind.get("call", ())) < 2:
        return False
    views, oldest = 0, now - timedelta(days=7)
    for at, page in known.by_kind.get("page_view", ()):
        if at <= oldest:
            break
        if "pricing" in page.casefold():
            views += 1
    title = fields.get("title")
    return views >= 2 and isinstance(title, str) and "vp" in title.casefold()


def world() -> tuple[list[Known], list[JourneyView]]:
    book = eight_stage().with_fields(
        employees=FieldSpec(type=FieldType.INTEGER), country=FieldSpec(), blocked=FieldSpec(), title=FieldSpec()
    )
    known: list[Known] = []
    views: list[JourneyView] = []
    for employees, country, title in ((80, "DE", "CEO"), (20, "FR", "VP Sales"), (60, "FR", "Clerk")):
        fields: dict[str, int | str] = {"employees": employees, "country": country, "title": title}
        journey = Journey.start("x", book, stage="name", at=NOW - 40 * DAY)
        for name, value in fields.items():
            journey = journey.record(FieldChanged(name=name, value=value, at=NOW - 40 * DAY))
        seen: list[tuple[str, datetime, str]] = []
        for number in range(12):
            kind, page = ("call", "") if number % 4 == 0 else ("page_view", "/Pricing" if number % 2 else "/blog")
            seen.append((kind, NOW - (12 - number) * DAY, page))
            journey = journey.record(ActivityRecorded(kind=kind, at=seen[-1][1], attributes={"page": page}))
        known.append(Known(fields, seen))
        views.append(JourneyView(journey.tick(NOW)._data.shown, NOW, ()))  # noqa: SLF001 - the criterion alone is timed
    return known, views


KNOWN, VIEWS = world()


def asking(rounds: int) -> None:
    for _ in range(rounds):
        for view in VIEWS:
            CRITERION.test(view)


def branching(rounds: int) -> None:
    for _ in range(rounds):
        for known in KNOWN:
            by_hand(known, NOW)


def microseconds(job: Callable[[int], None], rounds: int) -> float:
    gc.collect()
    begun = perf_counter()
    job(rounds)
    return (perf_counter() - begun) / rounds * 1e6


JOBS: dict[str, tuple[Callable[[int], None], int]] = {
    "loop": (looping, 400),
    "value": (valuing, 400),
    "ledger": (writing, 200),
    "if": (branching, 3_000),
    "criterion": (asking, 1_000),
}


def measure(times: int = 9) -> dict[str, float]:
    """Return microseconds of each job, and the ratios that the goals are about."""
    if abs(POLICY.value(ADA, ACTIVITIES, at=NOW) - loop(ACTIVITIES, NOW)) > 1e-4:
        raise SystemExit("the loop and the policy disagree")
    if [CRITERION.test(view) is True for view in VIEWS] != [by_hand(known, NOW) for known in KNOWN]:
        raise SystemExit("the if and the criterion disagree")
    rounds: dict[str, list[float]] = {name: [] for name in JOBS}
    for _ in range(times):
        for name, (job, number) in JOBS.items():
            rounds[name].append(microseconds(job, number))
    took = {name: median(found) for name, found in rounds.items()}
    return {
        "value_vs_loop": took["value"] / took["loop"],
        "ledger_vs_loop": took["ledger"] / took["loop"],
        "criterion_vs_if": took["criterion"] / took["if"],
        **{f"{name}_us": value for name, value in took.items()},
    }


GOALS = {"value_vs_loop": 3, "ledger_vs_loop": 8, "criterion_vs_if": 12}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    found = {name: round(value, 2) for name, value in measure().items()}
    if parser.parse_args().json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:18} {value:8.2f}" + (f"   goal: at most {GOALS[name]}" if name in GOALS else ""))
