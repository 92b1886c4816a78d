"""Timers: what comes due by time alone, and what happens then: limits, deadlines, reviews and expiries."""

from __future__ import annotations

from datetime import datetime

from leadlife.journey.handoff import expire_offer
from leadlife.journey.moves import make_move
from leadlife.journey.records import Due, FactStatus, LimitState, RuleChangeKind, Timer, TimerKind
from leadlife.journey.rule_evaluation import evaluate_rules
from leadlife.journey.state import Position, RuleStates, State
from leadlife.journey.waiting import limit_move
from leadlife.leads import TIMER
from leadlife.lifecycle.edges import Edge
from leadlife.timing import due

MOST_TIMED_MOVES = 100_000
"""So many moves by time alone since the last fact are a circle."""


def pass_time(state: State, until: datetime) -> None:
    """Let everything happen that comes due up to and at an instant."""
    position, rules = state.position, state.rules
    waits = (rules is not None and rules.timer is not None) or state.ownership is not None
    if position is not None and (waits or position.stage in position.table.limits):
        last, coming = None, next_timer(state, until)
        while coming is not None and (last is None or coming > last):  # a timer that is not later would never end
            last, state.at = coming, coming.at
            moves = 0 if state.position is None else state.position.moves
            if coming.kind is TimerKind.GRID:
                state.aged = coming.at
            elif coming.kind is TimerKind.LIMIT:
                _fire_limit(state, state.position or position, coming.at)
            else:
                _expire(state, state.position or position, coming.at)
            evaluate_rules(state, coming.at)
            if state.position is not None and state.position.moves > moves:
                state.timed_moves += state.position.moves - moves
                if state.timed_moves >= MOST_TIMED_MOVES:
                    _stop(state, state.position, coming.at)
                    break
            coming = next_timer(state, until)
    state.at = until


def _stop(state: State, position: Position, at: datetime) -> None:
    """Note that time alone moves the lead in a circle; it goes on with the next fact."""
    reason = f"time alone has moved the lead {MOST_TIMED_MOVES:,} times since the last fact: the moves form a circle"
    state.note_timed(position, RuleChangeKind.ENDLESS_MOVES, position.stage, at=at, reason=reason)


def next_timer(state: State, until: datetime) -> Timer | None:
    """Return what comes due next by time alone, if that is not after an instant."""
    if state.timed_moves >= MOST_TIMED_MOVES:
        return None
    limit, answer = _limit_due(state, until), _answer_due(state, until)
    rule = None if state.rules is None else state.rules.timer
    if rule is not None and rule.at > until:
        rule = None
    # At one instant the order of their kinds decides, which is fixed, so that every replay agrees.
    found = [timer for timer in (answer, limit, rule) if timer is not None]
    return min(found) if found else None


def _limit_due(state: State, until: datetime) -> Timer | None:
    """Return when the present visit's limit comes due, if that is not after an instant."""
    position = state.position
    if position is None or position.limit is not LimitState.RUNNING:
        return None
    found = position.table.limits.get(position.stage)
    # Calendar arithmetic is slow, so the shortest time that the limit can last is compared first.
    if found is None or until - position.entered < found.shortest:
        return None
    at = due(position.entered, found.limit.after, position.playbook.zone_info)
    if position.limit_from is not None:
        at = max(at, position.limit_from)
    return Timer(at, TimerKind.LIMIT, f"the limit of {position.stage!r} comes due") if at <= until else None


def _fire_limit(state: State, position: Position, at: datetime) -> None:
    limit, edge = position.table.limits[position.stage].limit, limit_move(state, position, at)
    if not isinstance(edge, Edge):
        state.position = position._replace(limit=LimitState.REFUSED)
        state.note(at, None, FactStatus.REFUSED, trigger=limit.trigger, refusals=edge)
        watch_moves(state)
        return
    moved = make_move(state, position, edge, at=at, fact=None, by=TIMER, reason=limit.reason)
    if edge.target is None:  # an internal move begins no visit that could be timed anew
        state.position = moved._replace(limit=LimitState.SPENT)


def watch_moves(state: State) -> None:
    """Let the rules look at the moves that wait; where the playbook has no other rules, from now on."""
    rules = state.rules or RuleStates({}, due=Due.NOTHING)
    state.rules = rules._replace(due=max(rules.due, Due.MOVED))


def _expire(state: State, position: Position, at: datetime) -> None:
    """Let the deadline of an open offer pass, if that is what is due; other exact timers only evaluate the rules."""
    known = state.ownership
    if known is not None and known.offer is not None and known.deadline == at:
        expire_offer(state, position, known, known.offer, at=at)


def _answer_due(state: State, until: datetime) -> Timer | None:
    """Return when the answer to an open offer comes due, if that is not after an instant."""
    known = state.ownership
    if known is None or known.offer is None or known.deadline is None or known.deadline > until:
        return None
    return Timer(known.deadline, TimerKind.EXACT, f"the answer of {known.offer.to!r} comes due")
