"""How fast leads are planned for, routed and simulated. ``--json`` prints one object.

A plan is compared with a rival that only adds the waits up and moves each touch into its window with plain datetimes:
it knows no cap, no consent, no reason. The cost of a plan is shown for histories of 10 to 10,000 facts.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter, process_time
from typing import Any
from zoneinfo import ZoneInfo

from leadlife import ActivityRecorded, FieldSpec, Journey, Lead
from leadlife.criteria import in_stage
from leadlife.facts import TouchSent
from leadlife.planning import AssignmentMethod, Member, RoutingRule, Team, plan, route, simulate
from leadlife.playbook.contact_rules import Cap, Channel, ContactRules
from leadlife.presets import eight_stage, eight_stage_nurture
from leadlife.qualification.programmes import Programme, Touch

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
BOOK = eight_stage().replace(
    fields={"zone": FieldSpec()},
    channels={"email": Channel()},
    programmes=[
        Programme(
            name="letters",
            audience=in_stage("name"),
            exit=in_stage("target"),
            touches=[
                Touch(name=f"t{number}", channel="email", wait="P3D", window={"hours": "09:00-17:00"})
                for number in range(5)
            ],
        )
    ],
    contact_rules=ContactRules(
        zone_field="zone", quiet="21:00-08:00", caps=[Cap(at_most=1, per="day"), Cap(at_most=2, per="P7D")]
    ),
)


def lead(name: str = "ann") -> Journey:
    return Journey.start(Lead(id=name, identified=True, fields={"zone": "Europe/Berlin"}), BOOK, at=START, stage="name")


def on_plan(journey: Journey, rounds: int) -> None:
    at = journey.at or START
    for _ in range(rounds):
        plan(journey, at=at, limit=5)


def on_plain_dates(_journey: Journey, rounds: int) -> None:
    """Add up the waits and move each touch into its window: the rival."""
    for _ in range(rounds):
        at = START
        for _ in range(5):
            local = (at + timedelta(days=3)).astimezone(BERLIN)
            if local.hour < 9:
                local = local.replace(hour=9, minute=0)
            elif local.hour >= 17:
                local = (local + timedelta(days=1)).replace(hour=9, minute=0)
            at = local.astimezone(UTC)


def seconds(job: Callable[[Journey, int], None], journey: Journey, rounds: int) -> float:
    begun = perf_counter()
    job(journey, rounds)
    return (perf_counter() - begun) / rounds


def with_history(facts: int) -> Journey:
    """Return a lead of so many facts, half of them touches of long ago."""
    journey, at = lead(), START - timedelta(days=900)
    step = timedelta(days=800) / facts
    history: list[ActivityRecorded | TouchSent] = []
    for number in range(facts):
        at += step
        if number % 2:
            history.append(ActivityRecorded(kind="page_view", at=at))
        else:
            history.append(TouchSent(channel="email", message=f"old {number % 50}", at=at))
    return journey.record_all(history)


def routed(leads: int) -> dict[str, float]:
    """Return the CPU seconds that routing takes, by whose turn it is."""
    journeys = [lead(f"lead-{number}") for number in range(500)] * (leads // 500)
    members = [Member(id=f"m{number}", capacity=leads) for number in range(50)]
    found: dict[str, float] = {}
    for method in AssignmentMethod:
        team = Team(members=members, rules=[RoutingRule(name="all", method=method)])
        begun = process_time()
        route(journeys, team, at=START)
        found[method.value] = process_time() - begun
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    journey = lead()
    pairs = [(seconds(on_plan, journey, 500), seconds(on_plain_dates, journey, 2_000)) for _ in range(arguments.rounds)]
    by_facts = {
        facts: median(seconds(on_plan, with_history(facts), 200) for _ in range(3)) * 1e6
        for facts in (10, 100, 1_000, 10_000)
    }
    simulated: dict[str, float] = {}
    for playbook in (eight_stage(), eight_stage_nurture()):
        begun = process_time()
        world = simulate(300, playbook=playbook)
        simulated[playbook.id] = world.totals.facts / (process_time() - begun)
    result: dict[str, Any] = {
        "plans_per_second": 1 / median(mine for mine, _ in pairs),
        "plan_vs_plain_dates": median(mine / theirs for mine, theirs in pairs),
        "microseconds_by_facts": by_facts,
        "seconds_to_route_100000_leads": routed(100_000),
        "simulated_facts_per_second": simulated,
    }
    if arguments.json:
        print(json.dumps(result, indent=2))
        return
    for name, value in result.items():
        print(f"{name}: {value:,.2f}" if isinstance(value, float) else f"{name}: {value}")


if __name__ == "__main__":
    main()
