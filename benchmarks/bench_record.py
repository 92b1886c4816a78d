"""How fast a journey takes in facts under rules, in any order and however long it is. ``--json`` prints one object.

The agreement is ``eight_stage`` with a fifth qualification, two fading scores, readiness and automatic moves. The rival
is a bare guarded trigger of a shared ``transitions`` machine, timed in the same rounds: it keeps no history, no scores
and no reasons, so the ratio says what those cost.
"""

from __future__ import annotations

import argparse
import gc
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import median
from time import perf_counter
from typing import Any

from transitions import Machine

from leadlife import ActivityRecorded, EvidenceGiven, Fact, Journey, Playbook, QualificationRule, days, elapsed
from leadlife.criteria import count, readiness, score
from leadlife.presets import eight_stage
from leadlife.scoring import ActivityRule, Points

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
KINDS = ("page_view", "product_page", "click", "download", "webinar", "email_open", "social")
LENGTHS = (10, 100, 1_000, 10_000)
FEW = 1_000
WITHIN_A_JOURNEY = 50


def agreement() -> Playbook:
    keen = QualificationRule(
        name="keen",
        enter=(score("research") >= 30) | (readiness() >= "mid"),
        leave=score("research") < 10,
    )
    return eight_stage().automated("engage", "fit", "qualify", "open", version="bench").with_qualifications(keen)


def windowed() -> Playbook:
    """Return an agreement whose window holds all of a busy month: what must be looked at grows with how busy it is."""
    busy = QualificationRule(name="busy", enter=count("page_view", within=days(30)) >= 1_000)
    return agreement().with_qualifications(busy, version="windowed")


def fading() -> Playbook:
    """Return an agreement with a half-life and no cap: every activity of the life counts, however old."""
    heat = ActivityRule(name="all", kinds=KINDS, points=1, half_life=elapsed(days=30))
    views = ActivityRule(name="pages", kinds=("page_view",), points=1, where={"page": "/pricing"})
    days_seen = ActivityRule(name="days", kinds=("click",), points=1, at_most_per_day=1)
    policy = Points(name="heat", rules=(heat, views, days_seen))
    hot = QualificationRule(name="hot", enter=score("heat") >= 500, leave=score("heat") < 300)
    return agreement().with_score(policy).with_qualifications(hot, version="fading")


def facts(number: int, every: timedelta) -> Iterator[Fact]:
    """Yield a life: mostly activities, some evidence, now and then a call."""
    for place in range(number):
        at = START + place * every
        if place % 25 == 9:
            yield ActivityRecorded(kind="call", at=at)
        elif place % 10 == 4:
            yield EvidenceGiven(name="fit" if place % 20 == 4 else "mql", at=at)
        else:
            yield ActivityRecorded(kind=KINDS[place % len(KINDS)], at=at)


def took(job: Callable[[], Any]) -> float:
    gc.collect()
    begin = perf_counter()
    job()
    return perf_counter() - begin


def recording(playbook: Playbook, life: list[Fact]) -> Callable[[], Journey]:
    def job() -> Journey:
        journey = Journey.start("x", playbook, at=START, stage="name")
        for fact in life:
            journey = journey.record(fact)
        return journey

    return job


def at_once(playbook: Playbook, life: list[Fact]) -> Callable[[], Journey]:
    begun = Journey.start("x", playbook, at=START, stage="name")
    return lambda: begun.record_all(life)


def any_order(playbook: Playbook, length: int, rounds: int) -> float:
    """Return how many times as long facts take that come shuffled as the same facts in order, all recorded at once."""
    life = list(facts(length, timedelta(minutes=5)))
    shuffled = Random(7).sample(life, length)  # noqa: S311 - a shuffle, no secret
    pairs = [(took(at_once(playbook, shuffled)), took(at_once(playbook, life))) for _ in range(rounds)]
    return median(mine / rival for mine, rival in pairs)


def a_little_late(playbook: Playbook, length: int, rounds: int) -> float:
    """Return how many times as long a fact takes that comes ten facts late as one that comes last."""
    life = list(facts(length, timedelta(minutes=5)))
    late = life.pop(-10)
    told = at_once(playbook, life)()
    last = ActivityRecorded(kind="call", at=life[-1].at + timedelta(minutes=5))
    pairs = [(took(lambda: told.record(late)), took(lambda: told.record(last))) for _ in range(rounds)]
    return median(mine / rival for mine, rival in pairs)


class Thing:
    """A host's object, as ``transitions`` wants it."""

    state = "a"
    fit = True


def triggering(number: int) -> Callable[[], None]:
    machine = Machine(model=None, states=["a", "b"], initial="a", auto_transitions=False, send_event=True)
    machine.add_transition("go", "a", "b", conditions=[lambda event: event.model.fit])
    machine.add_transition("go", "b", "a", conditions=[lambda event: event.model.fit])
    thing, event = Thing(), machine.events["go"]

    def job() -> None:
        for _ in range(number):
            event.trigger(thing)

    return job


def measure(rounds: int) -> dict[str, Any]:
    playbook = agreement()
    life = list(facts(WITHIN_A_JOURNEY, timedelta(hours=7)))
    told = recording(playbook, life)()
    record, trigger = recording(playbook, life), triggering(WITHIN_A_JOURNEY)
    pairs = [(took(record), took(trigger)) for _ in range(rounds)]
    per_fact: dict[str, dict[str, float]] = {}
    for name, rules in (
        ("capped_and_fading", playbook),
        ("window_of_a_busy_month", windowed()),
        ("half_life_without_a_cap", fading()),
    ):
        per_fact[name] = {}
        for length in LENGTHS:
            # A busy life: five minutes between facts, so that a month's window holds thousands of them.
            job = recording(rules, list(facts(length, timedelta(minutes=5))))
            times = max(1, min(rounds, 2_000 // length))
            per_fact[name][str(length)] = median(took(job) for _ in range(times)) / length * 1e6
    return {
        "facts_per_second": round(WITHIN_A_JOURNEY / median(mine for mine, _ in pairs)),
        "record_vs_bare_trigger": round(median(rival / mine for mine, rival in pairs), 4),
        "microseconds_per_fact": {
            name: {length: round(cost, 1) for length, cost in costs.items()} for name, costs in per_fact.items()
        },
        "shuffled_vs_in_order": {
            str(length): round(any_order(playbook, length, 3), 2) for length in LENGTHS if length >= FEW
        },
        "ten_late_vs_last": {
            str(length): round(a_little_late(playbook, length, rounds), 1) for length in LENGTHS if length >= FEW
        },
        "what_happened": {
            "stage": told.stage,
            "qualifications": len(playbook.qualifications),
            "scores": len(playbook.scores),
            "derived_facts": len(told.derived),
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=41)
    call = parser.parse_args()
    found = measure(call.rounds)
    if call.json:
        print(json.dumps(found, indent=2))
        return
    print(f"shuffled facts take so many times as long as facts in order (goal 3): {found['shuffled_vs_in_order']}")
    print(f"a fact that is ten facts late, as against the last one: {found['ten_late_vs_last']}")
    happened = found["what_happened"]
    print(f"{found['facts_per_second']:,} facts a second in a life of {WITHIN_A_JOURNEY} (goal 10,000)")
    print(f"{found['record_vs_bare_trigger']:.3f} of the rate of a bare transitions trigger")
    print(f"at the end: {happened}")
    print("microseconds a fact, by the length of the life:")
    for name, costs in found["microseconds_per_fact"].items():
        print(f"  {name:24}" + "".join(f"{length:>8}: {cost:7.1f}" for length, cost in costs.items()))


if __name__ == "__main__":
    main()
