"""Queries: what may be done, what a qualification needs, the score, and when time alone changes something."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from leadlife._base.model import LATEST
from leadlife.criteria import Criterion, Observation, Verdict
from leadlife.errors import InvalidDefinition, Malformed, Refusal, RefusalCode, UnknownName, did_you_mean
from leadlife.facts import Moved
from leadlife.journey import snapshot as snapshots
from leadlife.journey import tails
from leadlife.journey.answers import Evidence, Option, Qualification, QualificationDecision, Wake
from leadlife.journey.contact import Enrolment, enrolled
from leadlife.journey.data import JourneyData, growable, state_at, state_before
from leadlife.journey.legality import check_move, cool_down_end
from leadlife.journey.snapshot import Snapshot
from leadlife.journey.state import Position, State
from leadlife.journey.timers import next_timer, pass_time
from leadlife.journey.view import JourneyView
from leadlife.leads import SYSTEM, Actor
from leadlife.lifecycle.edges import Edge
from leadlife.lifecycle.transitions import Transition, TransitionKind
from leadlife.qualification.rule_index import horizon
from leadlife.qualification.rule_inputs import timed_leaves
from leadlife.timing import earliest

if TYPE_CHECKING:
    from leadlife.scoring.score import Score

_TICK = timedelta(microseconds=1)
MOST_REVIEWS = 40
"""So many reviews are looked at to find the next one that concludes something."""


def option(data: JourneyData, move: Moved, *, late: bool, asking: bool = False) -> Option:
    """Return whether a move may be made, and if not, every reason why not.

    Args:
        data: The journey.
        move: The move.
        late: Whether it may lie before the last fact.
        asking: Whether a reason or a note that is missing will be asked for, and so refuses nothing.
    """
    trigger, at, last = move.trigger, move.at, data.folded.at
    early: tuple[Refusal, ...] = ()
    if last is not None and at < last and not late:
        message = f"the last fact is of {last.isoformat()}, later than this"
        hint = "pass late=True if it happened then"
        early, state = (Refusal(RefusalCode.OUT_OF_ORDER, message, hint, {"last": last}),), data.folded
    else:
        state = state_before(data, at)
    edge = check_move(
        state,
        trigger,
        at=at,
        by=move.by,
        reason=move.reason,
        note=move.note,
        target=move.target,
        asking=asking,
    )
    refusals = early
    if not isinstance(edge, Edge):
        refusals = (*edge, *early) if edge[0].code is RefusalCode.NOT_STARTED else (*early, *edge)
    position = state.position
    candidates = () if position is None else position.table.moves.get((position.stage, trigger), ())
    rule = edge.rule if isinstance(edge, Edge) else candidates[0].edge.rule if candidates else None
    targets = {candidate.edge.target for candidate in candidates}
    asks_reason = rule is not None and (rule.needs_reason or bool(rule.reasons))
    listed = () if rule is None else rule.reasons or tuple(data.playbook.lifecycle.reason_by_id)
    return Option(
        trigger=trigger,
        allowed=not refusals,
        kind=None if rule is None else rule.kind,
        target=edge.target if isinstance(edge, Edge) else next(iter(targets)) if len(targets) == 1 else None,
        needs_reason=rule is not None and rule.needs_reason,
        reasons=listed if asks_reason else (),
        refusals=refusals,
        needs=tuple(_needs(data, rule, move)),
        on=None if rule is None else rule.on,
        automatic=rule is not None and rule.automatic,
    )


def _needs(data: JourneyData, rule: Transition | None, move: Moved) -> Iterator[str]:
    """Yield what is still to be given for a move."""
    if rule is not None and rule.needs_reason and move.reason is None:
        yield "reason"
    known = data.playbook.lifecycle.reason_by_id.get(move.reason or "")
    if known is not None and known.needs_note and not (move.note or "").strip():
        yield "note"


def triggers(data: JourneyData, at: datetime, *, every: bool) -> tuple[str, ...]:
    """Return the triggers that lead out of the stage at an instant, or every trigger, in declared order."""
    table = data.playbook.lifecycle.table
    position = _present_or_later(data, at).position
    if every:
        return table.triggers
    return () if position is None else position.table.from_here(position.stage)


def trigger_of_kind(
    data: JourneyData, kind: TransitionKind, usual: str, *, at: datetime, by: Actor, key: str | None, late: bool
) -> str:
    """Return the trigger of a kind that leads out of the present stage.

    Of several, it is the first that may be fired; else the first one, so that its refusal is what is raised. The usual
    one where there is none.
    """
    known = None if key is None else data.log.find(key)
    if isinstance(known, Moved) and _is_of_kind(data, known.trigger, kind):  # it was fired before, and is sent again
        return known.trigger
    state = state_before(data, at) if late else _present_or_later(data, at)
    if state.position is None:
        return usual
    table, stage = state.position.table, state.position.stage
    leads = [
        trigger
        for trigger in table.from_here(stage)
        if any(candidate.edge.rule.kind is kind for candidate in table.moves[stage, trigger])
    ]
    for trigger in leads if len(leads) > 1 else ():
        edge = check_move(state, trigger, at=at, by=by, asking=True)
        if isinstance(edge, Edge) and edge.rule.kind is kind:
            return trigger
    return leads[0] if leads else usual


def _present_or_later(data: JourneyData, at: datetime) -> State:
    return data.folded if data.folded.at is not None and at < data.folded.at else state_before(data, at)


def _is_of_kind(data: JourneyData, trigger: str, kind: TransitionKind) -> bool:
    return any(rule.trigger == trigger and rule.kind is kind for rule in data.playbook.lifecycle.transitions)


def score(data: JourneyData, name: str, at: datetime, *, since: datetime | None, lift: bool) -> Score:
    """Return the lead's score by a policy of the playbook in force at an instant."""
    view = _view_at(data, at)
    found = view.full_score(name)
    if since is not None:
        if since > at:
            raise Malformed("since= lies after at=", hint="pass an earlier instant to compare with")
        then = state_at(data, since)
        if then.lead is not None:
            # The trend compares by one policy: that of the playbook in force at the later instant.
            found = found.against(JourneyView(then, since, playbook=view.playbook).score_by(view.playbook.policy(name)))
    return replace(found, lift=view.lift(name)) if lift else found


def verdict(data: JourneyData, criterion: Criterion, at: datetime, by: Actor) -> Verdict:
    """Return the answer of a criterion about this lead."""
    view = _view_at(data, at, by.roles)
    faults = view.playbook.faults_in(criterion)
    if faults:
        raise InvalidDefinition("the criterion has faults", faults=faults)
    return criterion.verdict(view)


def _view_at(data: JourneyData, at: datetime, roles: tuple[str, ...] = ()) -> JourneyView:
    return JourneyView(state_at(data, at), at, roles, playbook=data.playbook)


def decision(data: JourneyData, name: str, at: datetime) -> QualificationDecision:
    """Return what a qualification needs at an instant, and whether it holds."""
    state = state_at(data, at)
    view = JourneyView(state, at, playbook=data.playbook, for_rules=True)
    rule = view.playbook.qualification_by_name.get(str(name))
    if rule is None:
        hint = did_you_mean(str(name), view.playbook.qualification_by_name)
        raise UnknownName(f"there is no qualification {name!r}", hint=hint)
    known = None if state.rules is None else state.rules.by_name.get(name)
    held = known is not None and known.held
    return QualificationDecision(
        name=name,
        held=held,
        since=None if known is None else known.since,
        expires=None if known is None else known.expires,
        by=(known.by or SYSTEM) if known is not None and held else None,
        enter=None if rule.enter is None else rule.enter.verdict(view),
        leave=None if rule.leave is None else rule.leave.verdict(view),
        granted_by=rule.granted_by,
        playbook=view.playbook.ref,
    )


def evidence(data: JourneyData) -> dict[str, Evidence]:
    """Return the latest yes or no of each name, however old."""

    def stated(name: str, seen: Observation) -> Evidence:
        fact = data.log.with_id(seen.fact)
        by, source = (None, None) if fact is None else (fact.by, fact.source)
        return Evidence(name=name, value=seen.value, at=seen.at, fact=seen.fact, by=by, source=source)

    return {name: stated(name, seen) for name, seen in data.shown.memory.of("evidence")}


def qualifications(data: JourneyData) -> dict[str, Qualification]:
    """Return the qualifications that hold."""
    rules = data.shown.rules
    return {
        name: Qualification(
            name=name,
            granted=known.since,
            expires=known.expires,
            evidence=known.evidence,
            playbook=known.playbook,
            by=known.by or SYSTEM,
            verdict=known.verdict,
        )
        for name, known in ({} if rules is None else rules.by_name).items()
        if known.since is not None and name in data.playbook.qualification_by_name
    }


def enrolments(data: JourneyData) -> dict[str, Enrolment]:
    """Return the programmes that the lead takes part in."""
    return {one.programme: one for one in enrolled(data.shown)}


def snapshot(data: JourneyData, *, tail: bool, trusted: bool) -> Snapshot:
    """Return where the journey stands after its whole log."""
    if data.registry.override is not None:
        raise Malformed("a journey under another playbook is not saved", hint="save the journey that it came from")
    data = growable(data)
    if tail:
        return tails.save(data, trusted=trusted)
    return snapshots.save(data.folded, data.lead_id, data.pipeline, data.facts)


def due_at(data: JourneyData) -> Wake | None:
    """Return the next instant at which time alone makes the playbook conclude something.

    Reviews that conclude nothing are passed over, up to so many of them.
    """
    state = data.shown
    soonest: Wake | None = None
    for _ in range(MOST_REVIEWS):
        soonest = min(_due(data, state), default=None)
        if soonest is None or any(fact.at == soonest.at for fact in data.planned):
            break
        later = state.copy()
        pass_time(later, soonest.at)
        if later.history is not state.history:
            break
        state = later
    return soonest


def _due(data: JourneyData, state: State) -> Iterator[Wake]:
    if state.at is None:
        return
    # Where facts are hidden, what lies after the instant is not known there.
    planned = (fact for fact in data.planned if data.horizon is None and fact.at > state.at)
    yield from (Wake(fact.at, f"a planned fact takes effect: {fact.type}") for fact in islice(planned, 1))
    coming = next_timer(state, LATEST)
    if coming is not None:
        yield Wake(coming.at, coming.why)


def wake_at(data: JourneyData) -> Wake | None:
    """Return the next instant at which time alone changes something; None if only a new fact can."""
    state = data.shown
    if state.at is None:
        return None
    wakes = [*_due(data, state)]
    if state.position is not None:
        cool = earliest((cool_down_end(state.position),))
        if cool is not None and cool > state.at:
            wakes.append(Wake(cool, f"the cool-down of {state.position.stage!r} is over"))
        wakes += _openings(state, state.position, state.at)
    return min(wakes, default=None)


def _openings(state: State, position: Position, at: datetime) -> Iterator[Wake]:
    """Yield when time alone may change whether a move is allowed; a lower bound."""
    view = JourneyView(state, at, brief=True, for_rules=True)
    for trigger in position.table.from_here(position.stage):
        candidates = position.table.moves[position.stage, trigger]
        leaves = tuple(leaf for one in candidates for guard in one.edge.guards for leaf in timed_leaves(guard))
        ahead = horizon(leaves, view)
        review = None if ahead.fading is None else view.next_review(max(ahead.fading, at + _TICK))
        soonest = earliest((ahead.exact, review))
        if soonest is not None:
            yield Wake(soonest, f"whether {trigger!r} is allowed may change")
