"""Moves that wait: each is made as soon as it is legal, without another order.

In this order: what facts ordered that found their move not yet legal, then the limit of the present visit if its move
was refused, then the automatic moves. One move is made at a time.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from leadlife.errors import GuardError, Refusal, RefusalCode
from leadlife.journey.legality import check_move, check_reentry, cool_down_end
from leadlife.journey.records import LimitState, PendingMove
from leadlife.journey.state import Position, State
from leadlife.journey.view import JourneyView
from leadlife.leads import TIMER, actor
from leadlife.lifecycle.edges import Edge
from leadlife.lifecycle.stages import StageStatus
from leadlife.lifecycle.transitions import TransitionKind
from leadlife.qualification.rule_index import FOR_EVER, Horizon, RuleIndex, horizon
from leadlife.qualification.rule_inputs import MoveReads
from leadlife.timing import earliest

SOLD = "sold"


class WaitingMove(NamedTuple):
    """A move that waited and is legal now.

    Attributes:
        edge: The edge to take.
        by: Who ordered it; None for an automatic move, which nobody did.
        reason: Why.
        ordered_by: The id of the fact that ordered it.
    """

    edge: Edge
    by: str | None
    reason: str | None
    ordered_by: str | None = None


def pending_moves(position: Position | None) -> tuple[PendingMove, ...]:
    """Return what facts have ordered in the running cycle and was not yet legal; nothing pends in a closed stage."""
    if position is None or position.status is not StageStatus.OPEN or not position.episodes.in_cycle:
        return ()
    # The playbook in force may know no such order any more.
    return tuple(one for one in position.episodes.cycles[-1].pending if (one.on, one.trigger) in position.table.pending)


def waits_here(position: Position, index: RuleIndex) -> tuple[MoveReads, ...]:
    """Return what the guards of all moves read that wait in the present stage."""
    if not (position.waits or position.stage in index.automatic):
        return ()
    triggers = dict.fromkeys(one.trigger for one in pending_moves(position))
    if position.limit is LimitState.REFUSED and position.stage in position.table.limits:
        triggers[position.table.limits[position.stage].limit.trigger] = None
    triggers |= dict.fromkeys(index.automatic.get(position.stage, ()))
    found = (index.moves.get((position.stage, trigger)) for trigger in triggers)
    return tuple(reads for reads in found if reads is not None)


class BrokenMove(NamedTuple):
    """An automatic move that may wait for ever, because its guard broke: its trigger, and what happened."""

    trigger: str
    message: str


def next_move(state: State, position: Position, view: JourneyView, index: RuleIndex) -> WaitingMove | BrokenMove | None:
    """Return the move to make now, if there is one; else an automatic move whose guard broke, if there is one."""
    for pending in pending_moves(position):
        table = position.table
        if (pending.on, pending.trigger) in table.pending and (position.stage, pending.trigger) in table.moves:
            edge = check_move(state, pending.trigger, at=view.at, by=pending.by, for_rules=True)
            if isinstance(edge, Edge):
                return WaitingMove(edge, pending.by.id, None, pending.fact)
    if position.limit is LimitState.REFUSED and position.stage in position.table.limits:
        found = limit_move(state, position, view.at)
        if isinstance(found, Edge):
            return WaitingMove(found, TIMER, position.table.limits[position.stage].limit.reason)
    return _automatic_move(position, view, index)


def limit_move(state: State, position: Position, at: datetime) -> Edge | tuple[Refusal, ...]:
    """Return the edge that the limit of the present stage takes, or why it takes none."""
    limit = position.table.limits[position.stage].limit
    edge = check_move(state, limit.trigger, at=at, by=actor(TIMER), reason=limit.reason, any_role=True, for_rules=True)
    if isinstance(edge, Edge) and _forgets_a_sale(position, edge):
        hint = "the sale fires its own move as soon as that is legal; else move the lead yourself"
        message = f"a sale is pending, so {edge.trigger!r} does not recycle the lead by itself"
        return (Refusal(RefusalCode.SALE_PENDING, message, hint, {"trigger": edge.trigger}),)
    return edge


def _automatic_move(position: Position, view: JourneyView, index: RuleIndex) -> WaitingMove | BrokenMove | None:
    broken: BrokenMove | None = None
    for trigger in index.automatic.get(position.stage, ()):
        try:
            candidates = position.table.moves[position.stage, trigger]
            edge = next((one.edge for one in candidates if one.test is None or one.test(view) is True), None)
        except GuardError as error:
            broken = broken or BrokenMove(trigger, error.message)
            continue
        if edge is not None and edge.rule.automatic and not _must_wait(position, edge, view):
            return WaitingMove(edge, None, edge.rule.reasons[0] if edge.rule.needs_reason else None)
    return broken


def _must_wait(position: Position, edge: Edge, view: JourneyView) -> bool:
    reenters = edge.rule.kind is TransitionKind.REENTRY
    return (reenters and bool(check_reentry(position, view.at, view))) or _forgets_a_sale(position, edge)


def _forgets_a_sale(position: Position, edge: Edge) -> bool:
    """Return whether a move would recycle a lead whose sale still waits to be counted."""
    recycles = edge.target is not None and position.table.status[edge.target] is StageStatus.RECYCLED
    return recycles and any(one.on == SOLD for one in pending_moves(position))


def moves_horizon(position: Position, view: JourneyView, waiting: tuple[MoveReads, ...]) -> Horizon:
    """Return until when time alone leaves the moves that wait as they are."""
    if not waiting:
        return FOR_EVER
    ahead = horizon(tuple(leaf for reads in waiting for leaf in reads.timed), view)
    cool = cool_down_end(position) if any(reads.reenters for reads in waiting) else None
    if cool is None or cool <= view.at:
        return ahead
    return ahead._replace(exact=earliest((ahead.exact, cool)), steady=earliest((ahead.steady, cool)))
