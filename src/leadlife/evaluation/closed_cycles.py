"""From journeys to a win table: the closed cycles of a journey, and the update of the table with them."""

from __future__ import annotations

from collections.abc import Iterator

from leadlife.errors import Malformed
from leadlife.journey import Journey
from leadlife.lifecycle.stages import StageStatus
from leadlife.scoring.learned.win_table import ClosedLead, WinTable

_OUTCOMES = {StageStatus.WON: True, StageStatus.LOST: False, StageStatus.DISQUALIFIED: False}


def closed_cycles(journey: Journey, *, team: str = "team") -> Iterator[ClosedLead]:
    """Yield each cycle of a journey that was won, lost or disqualified, as it was when it closed.

    The fields are those of that instant, so nothing that became known later leaks in. The stage is the one that the
    lead left when the cycle closed. A recycled cycle is not closed, and a reopened cycle is open again.

    Args:
        journey: The journey.
        team: The field with the lead's team.

    Raises:
        Malformed: This is not a journey.
    """
    if not isinstance(journey, Journey):
        raise Malformed("closed cycles come from a journey", hint="pass a Journey")
    for cycle in journey.cycles:
        if cycle.outcome is None or cycle.outcome not in _OUTCOMES or cycle.ended is None:
            continue
        then = journey.as_of(at=cycle.ended)
        team_name = then.fields.get(team)
        yield ClosedLead(
            won=_OUTCOMES[cycle.outcome],
            closed=cycle.ended,
            made=cycle.opened,
            team=team_name if isinstance(team_name, str) else None,
            stage=_stage_before_last(then),
            values=dict(then.fields),
        )


def _stage_before_last(closed: Journey) -> str | None:
    return next((visit.stage for visit in reversed(closed.visits[:-1])), None)


def update_win_table(
    table: WinTable, journey: Journey, *, before: Journey | None = None, team: str = "team"
) -> WinTable:
    """Return a win table with the cycles added that closed since ``before``, and those removed that are open again.

    Args:
        table: The table so far.
        journey: The journey as it is now.
        before: The journey as it was when the table last counted it; None if it never did.
        team: The field with the lead's team.

    Raises:
        Malformed: This is not a journey.
    """
    new = list(closed_cycles(journey, team=team))
    # Two cycles may be equal, so each counted cycle cancels one of the new ones, not all that are equal to it.
    for counted in closed_cycles(before, team=team) if before is not None else ():
        if counted in new:
            new.remove(counted)
        else:
            table = table.removing(_for_table(table, counted))
    for lead in new:
        table = table.adding(_for_table(table, lead))
    return table


def _for_table(table: WinTable, lead: ClosedLead) -> ClosedLead:
    """Return a closed lead, without its stage if the table does not count that stage."""
    return lead if lead.stage in table.stages else lead.replace(stage=None)
