"""Timers: what comes due by time alone. Expiries, stage limits and reviews fire in their order, at exact instants."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from leadlife._base.model import LATEST
from leadlife.errors import GuardError
from leadlife.journey.answers import Wake
from leadlife.journey.legality import check_move, cool_down_end
from leadlife.journey.moves import make_move
from leadlife.journey.records import FactStatus, Timer, TimerKind
from leadlife.journey.rule_evaluation import evaluate_rules
from leadlife.journey.state import Position, State
from leadlife.journey.view import JourneyView
from leadlife.leads import TIMER, actor
from leadlife.lifecycle.edges import Edge
from leadlife.lifecycle.stages import Limit
from leadlife.qualification.rule_index import horizon, timed_leaves
from leadlife.timing import due


def pass_time(state: State, until: datetime) -> None:
    """Let everything happen that comes due up to and at an instant."""
    position, rules = state.position, state.rules
    waits = rules is not None and rules.timer is not None
    if position is not None and (waits or position.stage in position.table.limits):
        coming = next_timer(state, until)
        while coming is not None:
            state.at = coming.at
            if coming.kind is TimerKind.LIMIT:
                _fire_limit(state, coming.at)
            evaluate_rules(state, coming.at)
            coming = next_timer(state, until)
    state.at = until


def next_timer(state: State, until: datetime) -> Timer | None:
    """Return what comes due next by time alone, if that is not after an instant."""
    limit = _limit_due(state, until)
    rule = None if state.rules is None else state.rules.timer
    if rule is not None and rule.at > until:
        rule = None
    return min((timer for timer in (limit, rule) if timer is not None), default=None)


def _limit_due(state: State, until: datetime) -> Timer | None:
    """Return when the present visit's limit comes due, if that is not after an instant."""
    position = state.position
    if position is None or position.limit_spent:
        return None
    found = position.table.limits.get(position.stage)
    # Calendar arithmetic is slow, so the shortest time that the limit can last is compared first.
    if found is None or until - position.entered < found.shortest:
        return None
    at = due(position.entered, found.limit.after, position.playbook.zone_info)
    if position.limit_from is not None:
        at = max(at, position.limit_from)
    return Timer(at, TimerKind.LIMIT, f"the limit of {position.stage!r} comes due") if at <= until else None


def _fire_limit(state: State, at: datetime) -> None:
    position = state.position
    limit: Limit | None = None if position is None else position.definition.limit
    if position is None or limit is None:
        return
    timer = actor(TIMER)
    edge = check_move(state, limit.trigger, at=at, by=timer, reason=limit.reason, any_role=True)
    if not isinstance(edge, Edge):
        state.position = position._replace(limit_spent=True)
        state.note(at, None, FactStatus.REFUSED, trigger=limit.trigger, refusals=edge)
        return
    moved = make_move(state, position, edge, at=at, fact=None, by=timer, reason=limit.reason)
    if edge.target is None:  # an internal move begins no visit that could be timed anew
        state.position = moved._replace(limit_spent=True)


def wake_at(state: State) -> Wake | None:
    """Return the next instant at which time alone changes something; None if only a fact can."""
    if state.at is None:
        return None
    wakes: list[Wake] = []
    coming = next_timer(state, LATEST)
    if coming is not None:
        wakes.append(Wake(coming.at, coming.why))
    if state.position is not None:
        cool = cool_down_end(state.position)
        if cool is not None and cool > state.at:
            wakes.append(Wake(cool, f"the cool-down of {state.position.stage!r} is over"))
        wakes += _openings(state, state.position, state.at)
    return min(wakes, default=None)


def _openings(state: State, position: Position, at: datetime) -> Iterator[Wake]:
    """Yield when time alone may change whether somebody may make a move; a lower bound."""
    view = JourneyView(state, at, brief=True)
    for trigger in position.table.from_here(position.stage):
        candidates = position.table.moves[position.stage, trigger]
        leaves = tuple(leaf for one in candidates for guard in one.edge.guards for leaf in timed_leaves(guard))
        with suppress(GuardError):  # whoever fires it is shown the error
            soonest = horizon(leaves, view).steady
            if soonest is not None and soonest > at:
                yield Wake(soonest, f"whether {trigger!r} is allowed may change")
