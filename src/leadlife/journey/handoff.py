"""Handoff: what becomes of an owner and of an offer by facts, by an answer, or by time alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from leadlife.errors import GuardError, Malformed, Refusal, RefusalCode, did_you_mean
from leadlife.facts import (
    Fact,
    HandoffAccepted,
    HandoffOffered,
    HandoffPaused,
    HandoffRejected,
    OwnerAssigned,
    TouchFailed,
    TouchSent,
)
from leadlife.journey.legality import NOT_STARTED
from leadlife.journey.ownership import Offer, OfferStatus, Ownership
from leadlife.journey.records import FactStatus, RuleChangeKind
from leadlife.journey.view import JourneyView
from leadlife.leads import ActorKind
from leadlife.timing import Elapsed, due, earliest

if TYPE_CHECKING:
    from leadlife.journey.state import Position, State
    from leadlife.playbook.handoff_rules import AnswerTime
    from leadlife.playbook.playbook import Playbook

_TICK = timedelta(microseconds=1)


UNOWNED = Ownership()


def void_offer(state: State) -> None:
    """Let an open offer end, because the lead was closed or recycled."""
    known = state.ownership
    if known is not None and known.offer is not None and known.offer.is_open:
        state.ownership = known._replace(offer=known.offer._replace(status=OfferStatus.VOID, deadline=None))


def expire_offer(state: State, position: Position, known: Ownership, offer: Offer, *, at: datetime) -> None:
    """Let the deadline of the open offer pass: it goes back, is offered again, or to another, as the playbook says."""
    rules = position.playbook.handoff
    on_expiry = "return" if rules is None else rules.on_expiry
    late = offer._replace(missed=offer.missed + 1, deadline=None, overdue=offer.overdue or at)
    escalates = on_expiry == "escalate" and rules is not None and offer.to != rules.escalate_to
    if rules is None or offer.number >= rules.most_offers or not (escalates or on_expiry == "reoffer"):
        state.ownership = known._replace(offer=late._replace(status=OfferStatus.EXPIRED))
        then = f"the lead goes back to {known.owner or 'nobody'}"
    else:
        to = (rules.escalate_to or offer.to) if escalates else offer.to
        deadline, hours = _deadline(state, position.playbook, at, offer.within)
        state.ownership = known._replace(
            offer=late._replace(to=to, number=offer.number + 1, deadline=deadline, hours=hours)
        )
        then = f"it is offered to {to}" if escalates else "it is offered again"
    state.note_timed(position, RuleChangeKind.EXPIRED, offer.to, at=at, reason=then)


def _deadline(state: State, playbook: Playbook, at: datetime, answer_within: Any) -> tuple[datetime | None, str | None]:
    """Return by when an offer is to be answered, and in which hours that counts."""
    rule = _answer_time(state, playbook, at)
    hours = None if rule is None else rule.hours
    within = answer_within if answer_within is not None else None if rule is None else rule.within
    if within is None:
        return None, hours
    if hours is not None and isinstance(within, Elapsed):
        with suppress(Malformed):  # past the end of the calendar: it never comes due
            return playbook.business_hours[hours].add(at, within), hours
        return None, hours
    return earliest((due(at, within, playbook.zone_info),)), None


def _answer_time(state: State, playbook: Playbook, at: datetime) -> AnswerTime | None:
    view = JourneyView(state, at, brief=True, for_rules=True)
    for rule in () if playbook.handoff is None else playbook.handoff.answer:
        try:
            if rule.when is None or rule.when.predicate(view) is True:
                return rule
        except GuardError:
            continue  # custom code that broke selects nothing, as anywhere
    return None


def _refused(state: State, fact: Fact, *refusals: Refusal) -> tuple[Refusal, ...]:
    state.note(fact.at, fact.id, FactStatus.REFUSED, refusals=refusals)
    return refusals


def _assign(state: State, fact: OwnerAssigned, _registry: object) -> tuple[Refusal, ...]:
    known = state.ownership or UNOWNED
    if known.owner == fact.owner:
        state.note(fact.at, fact.id, FactStatus.REDUNDANT)
        return ()
    state.ownership = known._replace(owner=fact.owner, since=fact.at)
    return ()


def _offer(state: State, fact: HandoffOffered, _registry: object) -> tuple[Refusal, ...]:
    position = state.position
    if position is None:
        return _refused(state, fact, NOT_STARTED)
    if position.status.closed:
        message = f"the lead is closed, in {position.stage!r}, so it is not handed over"
        return _refused(state, fact, Refusal(RefusalCode.CLOSED_STAGE, message, "reopen it first"))
    void_offer(state)
    deadline, hours = _deadline(state, position.playbook, fact.at, fact.answer_within)
    known, rules = state.ownership or UNOWNED, {} if state.rules is None else state.rules.by_name
    holds = tuple(name for name in position.playbook.qualification_by_name if name in rules and rules[name].held)
    offer = Offer(
        to=fact.to,
        by=fact.by.id,
        at=fact.at,
        fact=fact.id,
        deadline=deadline,
        hours=hours,
        holds=holds,
        within=fact.answer_within,
        cycle=len(position.episodes.cycles) or None,
    )
    state.ownership = known.with_offer(offer)
    return ()


def _open_offer(state: State) -> tuple[Ownership, Offer] | Refusal:
    known = state.ownership
    if known is None or known.offer is None or not known.offer.is_open:
        hint = "record a HandoffOffered fact first"
        return Refusal(RefusalCode.ILLEGAL_MOVE, "no offer to hand the lead over is open", hint)
    return known, known.offer


def _accept(state: State, fact: HandoffAccepted, _registry: object) -> tuple[Refusal, ...]:
    found = _open_offer(state)
    if isinstance(found, Refusal):
        return _refused(state, fact, found)
    known, offer = found
    done = offer._replace(status=OfferStatus.ACCEPTED, answered=fact.at, deadline=None, left=None)
    owner = fact.by.id if fact.by.kind is ActorKind.PERSON else offer.to
    state.ownership = known._replace(owner=owner, since=fact.at, offer=done)
    return ()


def _reject(state: State, fact: HandoffRejected, _registry: object) -> tuple[Refusal, ...]:
    found = _open_offer(state)
    if isinstance(found, Refusal):
        return _refused(state, fact, found)
    known, offer = found
    rules = None if state.position is None else state.position.playbook.handoff
    listed = () if rules is None else rules.reasons
    if listed and fact.reason not in listed:
        message = f"{fact.reason!r} is not a reason to reject an offer"
        return _refused(state, fact, Refusal(RefusalCode.REASON_NOT_LISTED, message, did_you_mean(fact.reason, listed)))
    done = offer._replace(status=OfferStatus.REJECTED, answered=fact.at, deadline=None, left=None, reason=fact.reason)
    state.ownership = known._replace(offer=done)
    return ()


def _pause(state: State, fact: HandoffPaused, _registry: object) -> tuple[Refusal, ...]:
    found = _open_offer(state)
    if isinstance(found, Refusal) or state.position is None:
        return _refused(state, fact, found if isinstance(found, Refusal) else NOT_STARTED)
    known, offer = found
    playbook = state.position.playbook
    hours = playbook.business_hours.get(offer.hours) if offer.hours is not None else None
    if fact.paused and offer.deadline is not None:
        # The time that is left is kept, and not the deadline, because the clock goes on at another hour.
        span = offer.deadline - fact.at if hours is None else hours.between(fact.at, offer.deadline)
        state.ownership = known._replace(offer=offer._replace(deadline=None, left=span // _TICK))
    elif not fact.paused and offer.left is not None:
        left = timedelta(microseconds=offer.left)
        deadline: datetime | None = None
        with suppress(Malformed):  # past the end of the calendar: it never comes due
            deadline = earliest((fact.at + left,)) if hours is None else hours.add(fact.at, left)
        state.ownership = known._replace(offer=offer._replace(deadline=deadline, left=None))
    else:
        state.note(fact.at, fact.id, FactStatus.REDUNDANT)
    return ()


def _touch(state: State, fact: TouchSent | TouchFailed, _registry: object) -> tuple[Refusal, ...]:
    """Refuse a touch of a programme before the lead's journey has begun; it counts as a touch all the same."""
    if state.position is None and fact.programme is not None:
        return _refused(state, fact, NOT_STARTED)
    return ()


HANDOFF_ACTS: dict[type[Fact], Callable[[State, Any, Any], tuple[Refusal, ...]]] = {
    OwnerAssigned: _assign,
    HandoffOffered: _offer,
    HandoffAccepted: _accept,
    HandoffRejected: _reject,
    HandoffPaused: _pause,
    TouchSent: _touch,
    TouchFailed: _touch,
}
