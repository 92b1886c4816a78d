"""The ledger of one lead: every sale, refund, cost and hour, booked to the episode in which it fell.

An episode is a buying cycle, or a win without one, straight out of recycling. A fact belongs to the episode that had
begun last; what comes after one has ended, such as an invoice, still belongs to it, and what comes before the first one
to the first. So money follows a lead through recycling, and each amount is booked once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from leadlife.analytics.lead_outcomes import wins_outside_cycles
from leadlife.economics.currency import Converter, exact
from leadlife.errors import Malformed
from leadlife.facts import CostIncurred, EffortSpent, Refunded, Sold
from leadlife.journey import Journey
from leadlife.leads import Source
from leadlife.lifecycle.stages import StageStatus
from leadlife.money import Money
from leadlife.timing import local_day

_MONEY = (Sold, Refunded, CostIncurred, EffortSpent)
_NOTHING = Decimal(0)


class BookingKind(StrEnum):
    """What a booking is."""

    SALE = "sale"
    REFUND = "refund"
    COST = "cost"
    EFFORT = "effort"


class Episode(NamedTuple):
    """A buying cycle, or a win without one.

    Attributes:
        begin: When it began; a win without a cycle begins when it is won.
        cycle: The number of the cycle; None for a win without one.
        ended: When it ended; None while it runs.
        won: Whether it was won.
        recovered: Whether it began out of a recycled stage.
        source: Where it came from; None where that is not known.
        opened_by: The id of the fact that opened it; None where time did.
    """

    begin: datetime
    cycle: int | None
    ended: datetime | None
    won: bool
    recovered: bool
    source: Source | None
    opened_by: str | None


class Booking(NamedTuple):
    """One amount of one lead.

    Attributes:
        lead: The lead.
        pipeline: Its pipeline.
        episode: The place of its episode among those of the lead; None where the lead has none.
        cycle: The number of the cycle; None where that is none.
        at: When.
        kind: What it is.
        amount: In the currency of the ledger: positive for a sale and for a cost, negative for a refund; None where it
            is not known.
        margin: Of a sale, what is left of it; of a refund, what that takes away; None where it is not known.
        hours: Of effort, the hours.
        recovered: Whether its episode began out of a recycled stage.
    """

    lead: str
    pipeline: str
    episode: int | None
    cycle: int | None
    at: datetime
    kind: BookingKind
    amount: Decimal | None
    margin: Decimal | None = None
    hours: Decimal | None = None
    recovered: bool = False


def currencies(journeys: Iterable[Journey]) -> set[str]:
    """Return the currencies of all money that some leads have."""
    return {money.currency for journey in journeys for fact in _about_money(journey) for money in _money_of(fact)}


def _about_money(journey: Journey) -> list[Sold | Refunded | CostIncurred | EffortSpent]:
    """Return the standing facts about money, in order."""
    # Whether a fact stands takes longer to find out than whether there is one at all, and most leads have none.
    if not any(isinstance(fact, _MONEY) for fact in journey.facts):
        return []
    found = [fact for fact in journey.standing if isinstance(fact, _MONEY)]
    return sorted(found, key=lambda one: (one.at, one.seq))


def _money_of(fact: Sold | Refunded | CostIncurred | EffortSpent) -> tuple[Money, ...]:
    money = fact.rate if isinstance(fact, EffortSpent) else fact.amount
    return () if money is None else (money,)


def episodes(journey: Journey) -> list[Episode]:
    """Return the episodes of a lead, in the order in which they began."""
    recycled, before = set[datetime](), None
    for visit in journey.visits:
        if before is StageStatus.RECYCLED and visit.status is not StageStatus.RECYCLED:
            recycled.add(visit.entered)
        before = visit.status
    found = [
        Episode(
            cycle.opened,
            cycle.number,
            cycle.ended,
            cycle.outcome is StageStatus.WON,
            cycle.opened in recycled,
            cycle.source,
            cycle.opened_by,
        )
        for cycle in journey.cycles
    ]
    found += [Episode(at, None, at, True, at in recycled, None, None) for at in wins_outside_cycles(journey.visits)]
    # Of what begins at one instant, a win without a cycle comes first: only a cycle can follow it.
    return sorted(found, key=lambda one: (one.begin, one.cycle or 0))


def margin_of(booking: Booking) -> Decimal:
    """Return what a sale or a refund leaves after its cost.

    Raises:
        Malformed: Nobody says.
    """
    if booking.margin is None:
        raise Malformed("a sale or refund says nothing of its margin", hint="pass margin=, the usual share")
    return booking.margin


def bookings(journey: Journey, converter: Converter, *, margin_share: Decimal | None = None) -> Iterator[Booking]:
    """Yield the bookings of a lead, oldest first.

    Args:
        journey: The lead, as of the instant that counts.
        converter: The currency; see ``Converter.of``.
        margin_share: The share of a sale that is left of it, where the sale does not say; None where that is unknown.

    Raises:
        CurrencyMismatch: There is no rate for an amount.
        Malformed: An amount is too large.
    """
    facts = _about_money(journey)
    if not facts:
        return
    known, zone = episodes(journey), journey.playbook.zone_info
    begins = [one.begin for one in known]
    days = [local_day(fact.at, zone) for fact in facts]
    amounts = _SaleMoney(
        converter, margin_share, [(f, day) for f, day in zip(facts, days, strict=True) if isinstance(f, Sold)]
    )
    for fact, day in zip(facts, days, strict=True):
        place = max(bisect_right(begins, fact.at) - 1, 0) if known else None
        own = None if place is None else known[place]
        kind, amount, margin = amounts.booked(fact, day)
        yield Booking(
            journey.lead_id,
            journey.pipeline,
            place,
            None if own is None else own.cycle,
            fact.at,
            kind,
            amount,
            margin,
            fact.hours if isinstance(fact, EffortSpent) else None,
            own is not None and own.recovered,
        )


class _Sale:
    """A sale, and what of it has not been given back yet."""

    __slots__ = ("amount", "fact", "left", "margin")

    def __init__(self, fact: Sold, amount: Decimal, margin: Decimal | None) -> None:
        self.fact = fact
        self.amount = amount
        self.margin = margin
        self.left = amount


class _SaleMoney:
    """The amounts of one lead in one currency, and what refunds take from the margin of which sale."""

    def __init__(self, converter: Converter, share: Decimal | None, sales: list[tuple[Sold, date]]) -> None:
        self._converter = converter
        self._share = share
        self._sales = [
            _Sale(fact, amount, self._margin(fact, amount, day))
            for fact, day in sales
            if (amount := self._amount(fact.amount, day)) is not None
        ]

    def booked(
        self, fact: Sold | Refunded | CostIncurred | EffortSpent, day: date
    ) -> tuple[BookingKind, Decimal | None, Decimal | None]:
        """Return the kind, the amount and the margin."""
        if isinstance(fact, Sold):
            amount = self._amount(fact.amount, day)
            return BookingKind.SALE, amount, None if amount is None else self._margin(fact, amount, day)
        if isinstance(fact, Refunded):
            back = self._converter.amount(fact.amount, day)
            return BookingKind.REFUND, -back, self._lost(back, fact)
        if isinstance(fact, CostIncurred):
            return BookingKind.COST, self._converter.amount(fact.amount, day), None
        rate = self._amount(fact.rate, day)
        return BookingKind.EFFORT, None if rate is None else exact(rate * fact.hours), None

    def _amount(self, money: Money | None, day: date) -> Decimal | None:
        return None if money is None else self._converter.amount(money, day)

    def _margin(self, fact: Sold, amount: Decimal, day: date) -> Decimal | None:
        if fact.margin is not None:
            return self._amount(fact.margin, day)
        return None if self._share is None else exact(amount * self._share)

    def _lost(self, back: Decimal, refund: Refunded) -> Decimal | None:
        """Return what a refund takes from the margin: as large a part of that of its sale as it takes of the amount.

        One that names no sale gives back the latest ones before it first, each up to its amount.
        """
        if refund.sale is not None:
            own = [one for one in self._sales if refund.sale in (one.fact.id, one.fact.key)]
        else:
            own = [one for one in reversed(self._sales) if one.fact.at <= refund.at]
        lost, left = _NOTHING, back
        for sale in own:
            part = min(left, max(sale.left, _NOTHING))
            if part and sale.margin is None:
                return None
            if part and sale.margin is not None:
                lost += exact(part * sale.margin / sale.amount)
            sale.left -= part
            left -= part
        if left and self._share is None:
            return None
        return -lost - (_NOTHING if self._share is None else exact(left * self._share))
