"""Olist's 8,000 real leads, routed to an invented team: capacity, backlog and missed deadlines by month.

The leads, their dates and their sales are real; the team, its hours and how long it works on a lead are simulated.

    python examples/olist/routing.py FOLDER
"""

from __future__ import annotations

import sys
from collections import Counter, deque
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple

from leadlife import Journey
from leadlife.io import load_mapping, read_export
from leadlife.planning import Member, RoutingRule, RoutingState, Team, route
from leadlife.timing import BusinessHours

LABEL = "real leads of Olist; the team, its hours and its work are simulated"
OFFICE = BusinessHours.weekdays("09:00-18:00", zone="America/Sao_Paulo")
WORKED_ON = timedelta(days=12)
"""How long a member works on a lead that is not won; invented."""
ANSWER = timedelta(hours=9)
"""A lead is to be taken within one working day."""


class Month(NamedTuple):
    """A month of routing: leads that came, that were taken late, and that still waited at its end."""

    month: str
    came: int
    late: int
    waiting: int
    longest: timedelta


def team(size: int, capacity: int) -> Team:
    """Return a team of equal members with so many open leads each at most."""
    members = [Member(id=f"rep {number:02}", capacity=capacity, hours=OFFICE) for number in range(1, size + 1)]
    return Team(members=members, rules=[RoutingRule(name="new leads", queue="new leads")])


def routed(journeys: list[Journey], members: Team) -> tuple[list[Month], Counter[str]]:
    """Return what each month was like, and how many leads each member got."""
    entered = {journey.lead_id: journey.visits[0].entered for journey in journeys}
    won = {journey.lead_id: visit.entered for journey in journeys for visit in journey.visits if visit.status == "won"}
    coming = deque(sorted(journeys, key=lambda journey: (entered[journey.lead_id], journey.lead_id)))
    waiting: deque[Journey] = deque()
    ends: dict[date, list[str]] = {}
    state, got = RoutingState(), Counter[str]()
    came, late, longest, left = Counter[str](), Counter[str](), dict[str, timedelta](), dict[str, int]()
    day, last = entered[coming[0].lead_id].date(), entered[coming[-1].lead_id].date() + timedelta(days=120)
    while day <= last and (coming or waiting):
        now = datetime.combine(day, time(13), UTC)  # ten o'clock in São Paulo
        for member in ends.pop(day, []):
            state = state.closed(member)
        while coming and entered[coming[0].lead_id] <= now:
            came[f"{entered[coming[0].lead_id]:%Y-%m}"] += 1
            waiting.append(coming.popleft())
        room = sum((member.capacity or 0) - state.loads.get(member.id, 0) for member in members.members)
        taken = [waiting.popleft() for _ in range(min(room, len(waiting)))]  # nobody has room for the others
        made = route(taken, members, state, at=now)
        state, still = made.state, deque[Journey]()
        for journey, assignment in zip(taken, made.made, strict=True):
            if assignment.member is None:
                still.append(journey)
                continue
            got[assignment.member] += 1
            waited, month = OFFICE.between(entered[journey.lead_id], now), f"{entered[journey.lead_id]:%Y-%m}"
            late[month] += waited > ANSWER
            longest[month] = max(longest.get(month, timedelta()), waited)
            until = won.get(journey.lead_id, now + WORKED_ON)
            ends.setdefault(max(until, now).date() + timedelta(days=1), []).append(assignment.member)
        waiting.extendleft(reversed(still))  # at the weekend nobody works, whatever room there is
        left[f"{day:%Y-%m}"] = len(waiting)
        day += timedelta(days=1)
    months = [Month(one, came[one], late[one], left.get(one, 0), longest.get(one, timedelta())) for one in sorted(came)]
    return months, got


def main(folder: Path, size: int = 12, capacity: int = 25) -> None:
    """Print the months under a team of a size."""
    export = read_export(load_mapping(Path(__file__).with_name("olist.toml")), folder)
    months, got = routed(list(export.journeys), team(size, capacity))
    print(LABEL)
    print(f"{size} members with at most {capacity} open leads each\n")
    print("month      came  taken late  waiting at the end  longest wait in working hours")
    for one in months:
        hours = one.longest.total_seconds() / 3_600
        print(f"{one.month}  {one.came:>5}  {one.late:>10}  {one.waiting:>18}  {hours:>12.0f}")
    print(f"\neach member got {min(got.values())} to {max(got.values())} leads")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
