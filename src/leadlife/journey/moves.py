"""Moves: what a legal move does to a state, and how it opens, resumes and ends cycles."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from leadlife.facts import Fact
from leadlife.journey.records import Cycle, Due, Step
from leadlife.journey.state import Position, State
from leadlife.leads import Actor, Source
from leadlife.lifecycle.edges import Edge
from leadlife.lifecycle.stages import StageStatus
from leadlife.lifecycle.transitions import TransitionKind
from leadlife.playbook.playbook import Playbook


def make_move(
    state: State,
    position: Position,
    edge: Edge,
    *,
    at: datetime,
    fact: Fact | None,
    by: Actor,
    reason: str | None = None,
    derived: bool = True,
    waived: tuple[str, ...] = (),
    automatic: bool = False,
) -> Position:
    """Make a move that was found legal, and return where the lead stands then."""
    rule, fact_id = edge.rule, None if fact is None else fact.id
    if edge.target is not None:
        position = _enter(state, position, edge.target, kind=rule.kind, at=at, fact=fact)
    state.append(
        Step(
            at=at,
            kind=rule.kind,
            trigger=rule.trigger,
            source=edge.source,
            target=edge.target,
            fact=fact_id,
            derived=derived,
            by=by.id,
            playbook=position.playbook.ref,
            cycle=position.cycle_number,
            reason=reason,
            via=edge.via,
            waived=waived,
            rule=edge.index,
            automatic=automatic,
        )
    )
    return position


def begin(state: State, playbook: Playbook, stage: str, *, at: datetime, fact: Fact) -> Position:
    """Let the journey begin at a stage."""
    status, table = playbook.lifecycle.by_id[stage].status, playbook.lifecycle.table
    opens = status is StageStatus.OPEN or status.closed
    cycles = _Cycles((), in_cycle=False)
    if opens:
        cycles = cycles.opened(at, fact, None, stage if stage in table.rank else None)
    if status.closed:
        cycles = cycles.changed(outcome=status, ended=at)
    position = state.position = Position(
        playbook=playbook,
        stage=stage,
        entered=at,
        entered_by=fact.id,
        left=None,
        cycles=cycles.cycles,
        in_cycle=cycles.in_cycle,
        wins_outside=(),
        high_water=stage if stage in table.rank else None,
        source=fact.source,
        cut=state.ordinal if cuts_evidence(status) else 0,
    )
    return position


def _enter(
    state: State, before: Position, target: str, *, kind: TransitionKind, at: datetime, fact: Fact | None
) -> Position:
    """Let the lead stand in a stage from now on."""
    status, table, source = before.table.status, before.table, before.stage
    was, now = status[source], status[target]
    wins_outside = before.wins_outside
    if kind is TransitionKind.REOPEN and was is StageStatus.WON and not before.in_cycle:
        wins_outside = wins_outside[:-1]
    returned_from = source if kind is TransitionKind.REENTRY and was is StageStatus.RECYCLED else None
    cycles = _Cycles(before.cycles, in_cycle=before.in_cycle)
    if now is StageStatus.OPEN:
        if not cycles.in_cycle or (was is StageStatus.WON and kind is not TransitionKind.REOPEN):
            cycles = cycles.opened(at, fact, returned_from, target if target in table.rank else None)
        elif was is not StageStatus.OPEN:
            cycles = cycles.changed(outcome=None, ended=None)  # a closing that is void
    else:
        cycles = cycles.ended(was, now, at)
    if not cycles.in_cycle and now is StageStatus.WON:
        wins_outside = (*wins_outside, len(cycles.cycles))
    place = table.rank.get(target, -1)
    if cycles.in_cycle and place > table.rank.get(cycles.cycles[-1].high_water or "", -1):
        cycles = cycles.changed(high_water=target)
    if state.rules is not None:
        # What is cut off, and whose source counts, changes every answer; else only the stage has changed.
        everything = cuts_evidence(now) or len(cycles.cycles) != len(before.cycles)
        state.rules = state.rules._replace(due=max(state.rules.due, Due.ALL if everything else Due.MOVED))
    position = state.position = Position(
        playbook=before.playbook,
        stage=target,
        entered=at,
        entered_by=None if fact is None else fact.id,
        left=source,
        cycles=cycles.cycles,
        in_cycle=cycles.in_cycle,
        wins_outside=wins_outside,
        high_water=target if place > table.rank.get(before.high_water or "", -1) else before.high_water,
        source=before.source,
        cut=state.ordinal if cuts_evidence(now) else before.cut,
    )
    return position


def cuts_evidence(status: StageStatus) -> bool:
    """Return whether entering a stage of this status cuts off older evidence."""
    return status in (StageStatus.WON, StageStatus.RECYCLED)


class _Cycles(NamedTuple):
    """The cycles of a position, and whether the present time belongs to the last one."""

    cycles: tuple[Cycle, ...]
    in_cycle: bool

    def opened(self, at: datetime, fact: Fact | None, returned_from: str | None, high_water: str | None) -> _Cycles:
        source: Source | None = None if fact is None else fact.source
        new = Cycle(
            number=len(self.cycles) + 1,
            opened=at,
            opened_by=None if fact is None else fact.id,
            source=source,
            reentry_from=returned_from,
            outcome=None,
            ended=None,
            high_water=high_water,
        )
        return _Cycles((*self.cycles, new), in_cycle=True)

    def changed(self, **changes: Any) -> _Cycles:
        return _Cycles((*self.cycles[:-1], self.cycles[-1]._replace(**changes)), in_cycle=self.in_cycle)

    def ended(self, was: StageStatus, now: StageStatus, at: datetime) -> _Cycles:
        # A lost lead that is recycled, or closed alike again, keeps the outcome that it has.
        closed_already = was.closed and (now is StageStatus.RECYCLED or now is was)
        cycles = self.changed(outcome=now, ended=at) if self.in_cycle and not closed_already else self
        return cycles._replace(in_cycle=False) if now is StageStatus.RECYCLED else cycles


def reinterpreted(position: Position, was: StageStatus, now: StageStatus, at: datetime) -> Position:
    """Return the position of a lead whose stage has another status under the adopted playbook."""
    cycles = _Cycles(position.cycles, in_cycle=position.in_cycle)
    if now is not StageStatus.OPEN:
        cycles = cycles.ended(was, now, at)
    elif was is StageStatus.WON:
        cycles = cycles._replace(in_cycle=False)
    elif cycles.in_cycle:
        cycles = cycles.changed(outcome=None, ended=None)
    return position._replace(cycles=cycles.cycles, in_cycle=cycles.in_cycle)
