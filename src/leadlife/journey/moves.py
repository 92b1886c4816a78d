"""Moves: what a legal move does to a state, and how it opens, resumes and ends cycles."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from leadlife.facts import Fact
from leadlife.journey.handoff import void_offer
from leadlife.journey.memory import PersistentList
from leadlife.journey.records import Cycle, Due, LimitState, PendingMove, Step
from leadlife.journey.state import Episodes, Position, RuleStates, State
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
    by: str,
    reason: str | None = None,
    derived: bool = True,
    waived: tuple[str, ...] = (),
    automatic: bool = False,
    ordered_by: str | None = None,
) -> Position:
    """Make a move that was found legal, and return where the lead stands then."""
    rule = edge.rule
    cycles = position.episodes.cycles
    if cycles and cycles[-1].pending:
        # Whoever ordered this move has what they wanted, whether their order or somebody else made it.
        left = tuple(one for one in cycles[-1].pending if one.trigger != rule.trigger)
        position = state.position = position._replace(episodes=_changed(position.episodes, pending=left))
    if edge.target is not None:
        position = _enter(state, position, edge.target, rule.kind, at=at, fact=fact, reason=reason)
    elif position.limit is LimitState.REFUSED and position.table.limits[position.stage].limit.trigger == rule.trigger:
        # An internal move begins no visit; a limit that still waited for it would make it again, for ever.
        position = state.position = position._replace(limit=LimitState.SPENT)
    episodes = position.episodes
    cycle, ref = episodes.cycles[-1].number if episodes.in_cycle else None, position.playbook.ref
    fact_id = None if fact is None else fact.id
    # Given by place, here and in _enter: every move passes here, and keywords would double the cost of both records.
    step = Step(
        at,
        rule.kind,
        rule.trigger,
        edge.source,
        edge.target,
        fact_id,
        derived,
        by,
        ref,
        cycle,
        reason,
        edge.via,
        waived,
        edge.index,
        (),
        automatic,
        ordered_by,
    )
    state.history = PersistentList(step, state.history)
    return position


def begin(state: State, playbook: Playbook, stage: str, *, at: datetime, fact: Fact) -> Position:
    """Let the journey begin at a stage."""
    table = playbook.lifecycle.table
    status, high_water = table.status[stage], stage if stage in table.rank else None
    episodes, cuts = Episodes((), in_cycle=False, wins_outside=()), status.cuts_evidence
    if status is not StageStatus.RECYCLED:
        episodes = _opened(episodes, at, fact, None, high_water=high_water)
    if status.closed:
        episodes = _changed(episodes, outcome=status, ended=at)
    position = state.position = Position(
        playbook=playbook,
        stage=stage,
        entered=at,
        entered_by=fact.id,
        left=None,
        episodes=episodes,
        high_water=high_water,
        source=fact.source,
        cut=state.ordinal if cuts else 0,
        cut_moves=1 if cuts else 0,
    )
    return position


def join(
    state: State, position: Position, playbook: Playbook, stage: str, *, at: datetime, fact: Fact
) -> tuple[Position, bool]:
    """Let a merged person go on under a playbook in a stage, unless further along already; return whether it moved."""
    table = playbook.lifecycle.table
    here = position.stage if position.stage in table.status else stage
    before = state.position = position._replace(playbook=playbook, stage=here)
    if state.rules is None and playbook.rule_index:
        state.rules = RuleStates({})
    both_open = table.status[here] is table.status[stage] is StageStatus.OPEN
    if here == position.stage and both_open and table.rank.get(here, -1) >= table.rank.get(stage, -1):
        return before, False
    return _enter(state, before, stage, TransitionKind.SKIP, at=at, fact=fact, reason=None), True


def _enter(
    state: State,
    before: Position,
    target: str,
    kind: TransitionKind,
    *,
    at: datetime,
    fact: Fact | None,
    reason: str | None,
) -> Position:
    """Let the lead stand in a stage from now on."""
    table, source, episodes = before.playbook.lifecycle.table, before.stage, before.episodes
    rank, was, now = table.rank, table.status[source], table.status[target]
    place, is_open = rank.get(target, -1), now is StageStatus.OPEN
    if not (was is now and is_open and episodes.in_cycle):  # most moves are within a cycle and change none
        episodes = _turned(episodes, was, now, before, kind=kind, at=at, fact=fact)
    if state.ownership is not None and not is_open:
        void_offer(state)
    if episodes.in_cycle and place > rank.get(episodes.cycles[-1].high_water or "", -1):
        episodes = _changed(episodes, high_water=target)
    cuts = not is_open and now.cuts_evidence
    if state.rules is not None:
        # What is cut off, and whose source counts, changes every answer; else only the stage has changed.
        everything = cuts or len(episodes.cycles) != len(before.episodes.cycles)
        state.rules = state.rules._replace(due=max(state.rules.due, Due.ALL if everything else Due.MOVED))
    high_water = target if place > rank.get(before.high_water or "", -1) else before.high_water
    entered_by, moves = None if fact is None else fact.id, before.moves + 1
    cut, cut_moves = (state.ordinal, moves) if cuts else (before.cut, before.cut_moves)
    position = state.position = Position(
        before.playbook,
        target,
        at,
        entered_by,
        source,
        episodes,
        high_water,
        before.source,
        cut,
        cut_moves,
        moves,
        LimitState.RUNNING,
        None,
        reason,
        before.scores_cut,
        before.scores_kept,
    )
    if reason is not None and now is StageStatus.RECYCLED:
        rule = before.playbook.recycling_by_reason.get(reason)
        if rule is not None and rule.scores != "keep":
            position = state.position = position._replace(scores_cut=state.ordinal, scores_kept=rule.scores)
    return position


def _turned(
    episodes: Episodes,
    was: StageStatus,
    now: StageStatus,
    before: Position,
    *,
    kind: TransitionKind,
    at: datetime,
    fact: Fact | None,
) -> Episodes:
    """Open, resume or end a cycle, as the statuses on both sides of a move demand."""
    if kind is TransitionKind.REOPEN and was is StageStatus.WON and not episodes.in_cycle:
        episodes = episodes._replace(wins_outside=episodes.wins_outside[:-1])
    if now is StageStatus.OPEN:
        if not episodes.in_cycle or (was is StageStatus.WON and kind is not TransitionKind.REOPEN):
            returned = kind is TransitionKind.REENTRY and was is StageStatus.RECYCLED
            opened = _opened(episodes, at, fact, before.stage if returned else None)
            return _changed(opened, reentry_reason=before.reason) if returned and before.reason else opened
        return episodes if was is StageStatus.OPEN else _changed(episodes, outcome=None, ended=None)  # a void closing
    episodes = _ended(episodes, was, now, at)
    if not episodes.in_cycle and now is StageStatus.WON:
        episodes = episodes._replace(wins_outside=(*episodes.wins_outside, len(episodes.cycles)))
    return episodes


def _opened(
    episodes: Episodes, at: datetime, fact: Fact | None, returned_from: str | None, *, high_water: str | None = None
) -> Episodes:
    new = Cycle(
        number=len(episodes.cycles) + 1,
        opened=at,
        opened_by=None if fact is None else fact.id,
        source=None if fact is None else fact.source,
        reentry_from=returned_from,
        outcome=None,
        ended=None,
        high_water=high_water,
    )
    return Episodes((*episodes.cycles, new), in_cycle=True, wins_outside=episodes.wins_outside)


def with_pending(episodes: Episodes, orders: tuple[PendingMove, ...]) -> Episodes:
    """Return the episodes in whose last cycle more moves are ordered; an order that is a repetition adds nothing."""
    known = episodes.cycles[-1].pending
    kept: dict[tuple[str, str, tuple[str, ...]], PendingMove] = {}
    for one in (*known, *orders):
        kept.setdefault((one.trigger, one.on, one.by.roles), one)
    return _changed(episodes, pending=tuple(kept.values()))


def _changed(episodes: Episodes, **changes: Any) -> Episodes:
    """Return the episodes with the last cycle changed."""
    return episodes._replace(cycles=(*episodes.cycles[:-1], episodes.cycles[-1]._replace(**changes)))


def _ended(episodes: Episodes, was: StageStatus, now: StageStatus, at: datetime) -> Episodes:
    # A lost lead that is recycled, or closed alike again, keeps the outcome that it has; a customer who churns was won.
    outside = now in (StageStatus.RECYCLED, StageStatus.CHURNED)
    closed_already = was.closed and (outside or now is was)
    if episodes.in_cycle and not closed_already:
        episodes = _changed(episodes, outcome=now, ended=at)
    return episodes._replace(in_cycle=False) if outside else episodes


def reinterpreted(position: Position, was: StageStatus, now: StageStatus, at: datetime) -> Position:
    """Return the position of a lead whose stage has another status under the adopted playbook."""
    episodes = position.episodes
    if now is not StageStatus.OPEN:
        episodes = _ended(episodes, was, now, at)
    elif was is StageStatus.WON:
        episodes = episodes._replace(in_cycle=False)
    elif episodes.in_cycle:
        episodes = _changed(episodes, outcome=None, ended=None)
    return position._replace(episodes=episodes)
