"""What a customer is worth with all that were referred, directly and further on, less the rewards for it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from leadlife._base.arguments import listed_of
from leadlife.analytics.grouped import each_once
from leadlife.economics.currency import Converter, ExchangeRate, checked_share
from leadlife.economics.ledger import BookingKind, bookings, currencies, margin_of
from leadlife.journey import Journey
from leadlife.planning.reward_ledger import rewards
from leadlife.timing import instant, local_day

_NOTHING = Decimal(0)


class ReferralValue(NamedTuple):
    """What one person has brought.

    Attributes:
        person: Who.
        own: The margin of the person's own sales.
        referred: The margin of everybody who was referred by the person, directly or further on.
        people: How many these are.
        rewards: What the person is owed for it.
    """

    person: str
    own: Decimal
    referred: Decimal
    people: int
    rewards: Decimal

    @property
    def total(self) -> Decimal:
        """What the person has brought in all, less the rewards."""
        return self.own + self.referred - self.rewards


def referral_value(
    journeys: Iterable[Journey],
    *,
    as_of: datetime,
    currency: str | None = None,
    rates: Iterable[ExchangeRate] = (),
    margin: Decimal | float | str | None = None,
) -> tuple[ReferralValue, ...]:
    """Return what each person has brought, the one with the most first.

    Whoever is, by referrals, the own referrer counts for nobody else in that circle.

    Args:
        journeys: The leads.
        as_of: The end of observation.
        currency: The currency; by default the only one that there is.
        rates: What other currencies are worth.
        margin: The share of a sale that is left of it, where the sale does not say.

    Raises:
        Malformed: A sale says nothing of its margin and ``margin`` is not given, or an argument cannot be understood.
        CurrencyMismatch: There are several currencies and none is chosen, or a rate is missing; or a payment that
            was rewarded was refunded in another currency.
    """
    until, usual = instant(as_of), checked_share("margin", margin)
    given = each_once(listed_of("journeys", journeys, Journey))
    several = [then for journey in given if (then := journey.as_of(at=until)).facts]
    ledger = rewards(several, as_of=until)
    unit = {money.currency for owed in ledger.owed.values() for money in owed}
    converter = Converter.of(currencies(several) | unit, currency=currency, rates=rates)
    own: dict[str, Decimal] = {}
    referrers: dict[str, str] = {}
    for journey in sorted(several, key=lambda one: (one.facts[0].at, one.lead_id, one.pipeline)):
        own[journey.lead_id] = own.get(journey.lead_id, _NOTHING) + _margin(journey, converter, usual)
        if journey.lead.referred_by is not None:
            referrers.setdefault(journey.lead_id, journey.lead.referred_by)
    brought: dict[str, list[str]] = {}
    for person in own:
        for above in _above(person, referrers):
            brought.setdefault(above, []).append(person)
    day = local_day(until, several[0].playbook.zone_info) if several else until.date()
    found = [
        ReferralValue(
            person,
            own.get(person, _NOTHING),
            sum((own[other] for other in brought.get(person, ())), _NOTHING),
            len(brought.get(person, ())),
            sum((converter.amount(money, day) for money in ledger.owed.get(person, ())), _NOTHING),
        )
        for person in sorted({*own, *brought})
    ]
    return tuple(sorted(found, key=lambda one: (-one.total, one.person)))


def _margin(journey: Journey, converter: Converter, usual: Decimal | None) -> Decimal:
    total = _NOTHING
    for one in bookings(journey, converter, margin_share=usual):
        if one.kind in (BookingKind.SALE, BookingKind.REFUND):
            total += margin_of(one)
    return total


def _above(person: str, referrers: dict[str, str]) -> list[str]:
    """Return who referred a person, directly and further on; nobody of a circle that comes back to the person."""
    path: list[str] = []
    here = referrers.get(person)
    while here is not None and here not in path:
        if here == person:
            return []
        path.append(here)
        here = referrers.get(here)
    return path
