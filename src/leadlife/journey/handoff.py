"""Handoff: who owns a lead, to whom it is offered, and what becomes of an offer by an answer, or by time alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from leadlife._base.model import Instant
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
from leadlife.journey.records import FactStatus, RuleChangeKind
from leadlife.journey.view import JourneyView
from leadlife.leads import ActorKind
from leadlife.timing import Calendar, Elapsed, due, earliest

if TYPE_CHECKING:
    from leadlife.journey.state import Position, State
    from leadlife.playbook.handoff_rules import AnswerTime
    from leadlife.playbook.playbook import Playbook

_TICK = timedelta(microseconds=1)


class OfferStatus(StrEnum):
    """What became of an offer."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    EXPIRED = "expired"
    """Nobody answered, and the lead went back to its owner."""
    VOID = "void"
    """The lead was closed or recycled, or offered to another, before the answer."""


class Offer(NamedTuple):
    """A lead that is offered to a person or a team. While it is open, the lead has two owners.

    Attributes:
        to: To whom.
        by: Who offered it.
        at: When it was offered for the first time.
        fact: The id of the fact.
        status: What became of it.
        number: How many times it has been offered by now; the playbook may offer it again.
        deadline: By when it is to be answered; None where there is no deadline, or the clock stands still.
        hours: The business hours in which the time for the answer counts; None for all hours.
        missed: How often a deadline passed without an answer.
        left: How much of the time was left when the clock was stopped, in microseconds; None while it goes on.
        answered: When it was accepted or rejected.
        reason: Why it was rejected.
        overdue: Since when it is past its first deadline; None while it is not.
        holds: The qualifications that the lead held when it was offered, which let it through.
        within: How long the answer may take, where the offer itself says so.
        cycle: The number of the latest cycle when it was made; None where none had begun.
    """

    to: str
    by: str
    at: Instant
    fact: str
    status: OfferStatus = OfferStatus.OPEN
    number: int = 1
    deadline: Instant | None = None
    hours: str | None = None
    missed: int = 0
    left: int | None = None
    answered: Instant | None = None
    reason: str | None = None
    overdue: Instant | None = None
    holds: tuple[str, ...] = ()
    within: Elapsed | Calendar | None = None
    cycle: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is still to be answered."""
        return self.status is OfferStatus.OPEN


class Ownership(NamedTuple):
    """Who owns a lead.

    Attributes:
        owner: The owner; None where nobody does.
        since: Since when.
        offer: The latest offer.
        offers: The offers before it, oldest first.
    """

    owner: str | None = None
    since: Instant | None = None
    offer: Offer | None = None
    offers: tuple[Offer, ...] = ()

    @property
    def deadline(self) -> datetime | None:
        """By when the open offer is to be answered."""
        return None if self.offer is None or not self.offer.is_open else self.offer.deadline

    def with_offer(self, offer: Offer) -> Ownership:
        """Return it with another offer after the present one."""
        offers = self.offers if self.offer is None else (*self.offers, self.offer)
        return self._replace(offer=offer, offers=offers)


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
