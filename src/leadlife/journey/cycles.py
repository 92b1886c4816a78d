"""Cycles: how moves open, resume and end buying episodes, and raise the marks of how far a lead has come."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from leadlife.facts import Fact
from leadlife.journey.state import Cycle, State
from leadlife.leads import Source
from leadlife.lifecycle.stages import StageStatus
from leadlife.lifecycle.transitions import TransitionKind


def turn_cycle(
    state: State,
    before: StageStatus | None,
    after: StageStatus,
    target: str,
    *,
    kind: TransitionKind | None,
    at: datetime,
    fact: Fact | None,
    reentry_from: str | None,
) -> None:
    """Open, resume or end a cycle, as the statuses on both sides of a move say."""
    if after is StageStatus.OPEN:
        if not state.in_cycle or (before is StageStatus.WON and kind is not TransitionKind.REOPEN):
            _open_cycle(state, at, fact, reentry_from, target)
        elif before is not StageStatus.OPEN:
            _change_cycle(state, outcome=None, ended=None)
    else:
        if before is None and after.closed:
            _open_cycle(state, at, fact, None, target)
        _end_cycle(state, before, after, at)


def _open_cycle(state: State, at: datetime, fact: Fact | None, reentry_from: str | None, target: str) -> None:
    assert state.table is not None  # noqa: S101 - started
    source: Source | None = None if fact is None else fact.source
    opened_by = None if fact is None else fact.id
    number = len(state.cycles) + 1
    high_water = target if target in state.table.rank else None
    state.cycles = (*state.cycles, Cycle(number, at, opened_by, source, reentry_from, None, None, high_water))
    state.in_cycle = True


def _end_cycle(state: State, before: StageStatus | None, after: StageStatus, at: datetime) -> None:
    closing_again = before is not None and before.closed and (after is StageStatus.RECYCLED or after is before)
    if state.in_cycle and not closing_again:
        _change_cycle(state, outcome=after, ended=at)
    if after is StageStatus.RECYCLED:
        state.in_cycle = False


def _change_cycle(state: State, **changes: Any) -> None:
    state.cycles = (*state.cycles[:-1], state.cycles[-1]._replace(**changes))


def raise_mark(state: State, target: str) -> None:
    """Raise the high-water marks to a stage, if it lies further along the success path."""
    assert state.table is not None  # noqa: S101 - started
    rank = state.table.rank
    place = rank.get(target)
    if place is not None:
        if place > rank.get(state.high_water or "", -1):
            state.high_water = target
        if state.in_cycle and place > rank.get(state.cycles[-1].high_water or "", -1):
            _change_cycle(state, high_water=target)


def reinterpret(state: State, before: StageStatus, after: StageStatus, at: datetime) -> None:
    """Settle the cycle of a lead whose stage means something else under the adopted playbook."""
    if after is not StageStatus.OPEN:
        _end_cycle(state, before, after, at)
    elif before is StageStatus.WON:
        state.in_cycle = False
    elif state.in_cycle:
        _change_cycle(state, outcome=None, ended=None)
