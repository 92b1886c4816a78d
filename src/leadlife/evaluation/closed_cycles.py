"""What journeys teach: their closed cycles, as the outcomes that a table of won and lost leads counts."""

from __future__ import annotations

from collections.abc import Iterator

from leadlife.errors import Malformed
from leadlife.journey import Journey
from leadlife.lifecycle.stages import StageStatus
from leadlife.scoring.learned.win_table import ClosedLead, WinTable

_OUTCOMES = {StageStatus.WON: True, StageStatus.LOST: False, StageStatus.DISQUALIFIED: False}


def outcomes(journey: Journey, *, team: str = "team") -> Iterator[ClosedLead]:
    """Yield each cycle of a journey that was won, lost or disqualified, as it was when it closed.

    Nothing that became known later is in it: the fields are those of that instant. A lost or disqualified cycle tells
    the stage that was left; a recycled one is not closed; one that was reopened is open again.

    Args:
        journey: The journey.
        team: The field that holds the lead's team.
    """
    if not isinstance(journey, Journey):
        raise Malformed("this is no journey")
    for cycle in journey.cycles:
        if cycle.outcome is None or cycle.outcome not in _OUTCOMES or cycle.ended is None:
            continue
        then = journey.as_of(at=cycle.ended)
        own = then.fields.get(team)
        yield ClosedLead(
            won=_OUTCOMES[cycle.outcome],
            closed=cycle.ended,
            made=cycle.opened,
            team=own if isinstance(own, str) else None,
            stage=_left(then),
            values=dict(then.fields),
        )


def _left(closed: Journey) -> str | None:
    return next((visit.stage for visit in reversed(closed.visits[:-1])), None)


def observe(table: WinTable, journey: Journey, *, before: Journey | None = None, team: str = "team") -> WinTable:
    """Return the table after a journey: what closed since ``before`` is added, what is open again is taken back.

    Args:
        table: What was counted so far.
        journey: The journey as it is now.
        before: The journey as it was when the table last counted it; None if it never did.
        team: The field that holds the lead's team.

    Raises:
        Malformed: This is no journey.
    """
    new = list(outcomes(journey, team=team))
    for one in outcomes(before, team=team) if before is not None else ():
        if one in new:
            new.remove(one)
        else:
            table = table.removing(_known(table, one))
    for one in new:
        table = table.adding(_known(table, one))
    return table


def _known(table: WinTable, lead: ClosedLead) -> ClosedLead:
    """Return a closed lead without a stage that the table does not count."""
    return lead if lead.stage in table.stages else lead.replace(stage=None)
