"""The ledger of one lead: every sale, refund, cost and hour, booked to the cycle in which it fell.

A fact belongs to the cycle that had begun last; what comes after a cycle has ended, such as an invoice, still belongs
to it, and what comes before the first one to the first. So money follows a lead through recycling, and each amount is
booked once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from leadlife.economics.currency import Converter
from leadlife.facts import CostIncurred, EffortSpent, Fact, Refunded, Sold
from leadlife.journey import Journey
from leadlife.journey.records import Cycle
from leadlife.lifecycle.stages import StageStatus
from leadlife.money import Money
from leadlife.timing import local_day

_MONEY = (Sold, Refunded, CostIncurred, EffortSpent)


class BookingKind(StrEnum):
    """What a booking is."""

    SALE = "sale"
    REFUND = "refund"
    COST = "cost"
    EFFORT = "effort"


class Booking(NamedTuple):
    """One amount of one lead.

    Attributes:
        lead: The lead.
        pipeline: Its pipeline.
        cycle: The number of the cycle; None where the lead has none.
        at: When.
        kind: What it is.
        amount: In the currency of the ledger: positive for a sale and for a cost, negative for a refund; None where it
            is not known.
        margin: Of a sale, what is left of it; of a refund, what that takes away; None where it is not known.
        hours: Of effort, the hours.
        recovered: Whether it falls in a cycle that began out of a recycled stage.
    """

    lead: str
    pipeline: str
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


def _money_of(fact: Fact) -> tuple[Money, ...]:
    if isinstance(fact, EffortSpent):
        return () if fact.rate is None else (fact.rate,)
    if isinstance(fact, Sold | CostIncurred | Refunded):
        return () if fact.amount is None else (fact.amount,)
    return ()


def bookings(journey: Journey, converter: Converter, *, margin_share: Decimal | None = None) -> Iterator[Booking]:
    """Yield the bookings of a lead, oldest first.

    Args:
        journey: The lead, as of the instant that counts.
        converter: The currency.
        margin_share: The share of a sale that is left of it, where the sale does not say; None where that is unknown.

    Raises:
        CurrencyMismatch: There is no rate for an amount.
    """
    facts = _about_money(journey)
    if not facts:
        return
    cycles, recovered = journey.cycles, _recovered(journey)
    zone, place = journey.playbook.zone_info, -1
    sales: list[Sold] = []
    for fact in facts:
        while place + 1 < len(cycles) and cycles[place + 1].opened <= fact.at:
            place += 1
        cycle = cycles[max(place, 0)].number if cycles else None
        own = _Own(converter, local_day(fact.at, zone), margin_share, sales)
        kind, amount, margin = own.booked(fact)
        hours = fact.hours if isinstance(fact, EffortSpent) else None
        yield Booking(
            journey.lead_id, journey.pipeline, cycle, fact.at, kind, amount, margin, hours, recovered=cycle in recovered
        )
        if isinstance(fact, Sold):
            sales.append(fact)


class _Own(NamedTuple):
    """What the booking of one fact needs: the currency, the day, the usual margin, and the sales before it."""

    converter: Converter
    day: date
    margin_share: Decimal | None
    sales: list[Sold]

    def booked(
        self, fact: Sold | Refunded | CostIncurred | EffortSpent
    ) -> tuple[BookingKind, Decimal | None, Decimal | None]:
        """Return the kind, the amount and the margin."""
        if isinstance(fact, Sold):
            amount = self._amount(fact.amount)
            return BookingKind.SALE, amount, self._usual(amount) if fact.margin is None else self._amount(fact.margin)
        if isinstance(fact, Refunded):
            back = -self.converter.amount(fact.amount, self.day)
            return BookingKind.REFUND, back, self._lost(back, fact)
        if isinstance(fact, CostIncurred):
            return BookingKind.COST, self.converter.amount(fact.amount, self.day), None
        rate = self._amount(fact.rate)
        return BookingKind.EFFORT, None if rate is None else _short(rate * fact.hours), None

    def _amount(self, money: Money | None) -> Decimal | None:
        return None if money is None else self.converter.amount(money, self.day)

    def _usual(self, amount: Decimal | None) -> Decimal | None:
        return None if amount is None or self.margin_share is None else _short(amount * self.margin_share)

    def _lost(self, amount: Decimal, refund: Refunded) -> Decimal | None:
        """Return what a refund takes from the margin: as large a part of that of its sale as it takes of the amount."""
        named = (one for one in reversed(self.sales) if refund.sale in (None, one.id, one.key))
        sale = next(named, None)
        if sale is None or sale.margin is None or sale.amount is None or not sale.amount.amount:
            return self._usual(amount)
        return _short(amount * sale.margin.amount / sale.amount.amount)


def _short(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.000001"))


def _recovered(journey: Journey) -> set[int | None]:
    """Return the numbers of the cycles that began out of a recycled stage."""
    openings = {cycle.opened: cycle for cycle in journey.cycles}
    found: set[int | None] = set()
    before: StageStatus | None = None
    for visit in journey.visits:
        cycle: Cycle | None = openings.get(visit.entered)
        if before is StageStatus.RECYCLED and visit.status is not StageStatus.RECYCLED and cycle is not None:
            found.add(cycle.number)
        before = visit.status
    return found
