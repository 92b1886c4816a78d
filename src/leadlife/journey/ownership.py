"""Ownership: who owns a lead, and to whom it is offered."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from leadlife._base.model import Instant
from leadlife.timing import Calendar, Elapsed


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
