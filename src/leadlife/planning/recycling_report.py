"""The report on recycling: for each reason, how many leads went back, how long they stayed, and what they earned."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import NamedTuple

from leadlife._base.arguments import listed_of
from leadlife.facts import Sold
from leadlife.journey import Journey
from leadlife.journey.history import Visit
from leadlife.lifecycle.stages import StageStatus
from leadlife.money import Money
from leadlife.timing import instant


class RecycledReason(NamedTuple):
    """What became of the leads that were recycled for one reason.

    Attributes:
        reason: The reason; None where none was given.
        recyclings: How often leads were recycled for it; one lead may be counted several times.
        leads: How many leads.
        waiting: How many of the recyclings last still.
        returned: After how many of them the lead came back to an open stage.
        won: After how many of them the lead was won before it was recycled again.
        median_stay: The median time until the lead left the recycled stage, over those that did; None without any.
        earned: What those leads bought after they came back and before they were recycled again, in each currency.
    """

    reason: str | None
    recyclings: int
    leads: int
    waiting: int
    returned: int
    won: int
    median_stay: timedelta | None
    earned: tuple[Money, ...]

    def __str__(self) -> str:
        earned = ", ".join(map(str, self.earned)) or "nothing"
        stay = "" if self.median_stay is None else f", after {self.median_stay.days} days in the median"
        return (
            f"{self.reason or 'no reason'}: {self.recyclings} recyclings of {self.leads} leads, {self.returned} came "
            f"back{stay}, {self.won} won, earned {earned}"
        )


class _Recycling(NamedTuple):
    lead: str
    visit: Visit
    returned: bool
    won: bool
    sales: tuple[Money, ...]


def recycled(journeys: Iterable[Journey], *, as_of: datetime) -> tuple[RecycledReason, ...]:
    """Return what became of recycled leads, by reason, the most frequent first.

    Args:
        journeys: The leads.
        as_of: The instant; what happens after it does not count.

    Raises:
        Malformed: ``as_of`` is not an aware datetime.
    """
    as_of = instant(as_of)
    by_reason: dict[str | None, list[_Recycling]] = {}
    for journey in listed_of("journeys", journeys, Journey):
        for one in _recyclings(journey.as_of(at=as_of)):
            by_reason.setdefault(one.visit.reason, []).append(one)
    rows = [_row(reason, several) for reason, several in by_reason.items()]
    return tuple(sorted(rows, key=lambda row: (-row.recyclings, row.reason or "")))


def _recyclings(journey: Journey) -> list[_Recycling]:
    visits = journey.visits
    places = [place for place, visit in enumerate(visits) if visit.status is StageStatus.RECYCLED]
    sales = [fact for fact in journey.standing if isinstance(fact, Sold) and fact.amount is not None] if places else []
    found: list[_Recycling] = []
    for number, place in enumerate(places):
        visit = visits[place]
        end = places[number + 1] if number + 1 < len(places) else len(visits)
        after = visits[place + 1 : end]
        until = visits[end].entered if end < len(visits) else None
        returned = bool(after) and after[0].status in (StageStatus.OPEN, StageStatus.WON)
        bought = tuple(
            fact.amount
            for fact in sales
            if fact.amount is not None
            and visit.left is not None
            and returned
            and visit.left <= fact.at
            and (until is None or fact.at < until)
        )
        won = any(one.status is StageStatus.WON for one in after)
        found.append(_Recycling(journey.lead_id, visit, returned, won, bought))
    return found


def _row(reason: str | None, several: list[_Recycling]) -> RecycledReason:
    stays = [(one.visit.left - one.visit.entered).total_seconds() for one in several if one.visit.left is not None]
    sums: dict[str, Decimal] = {}
    for one in several:
        for money in one.sales:
            sums[money.currency] = sums.get(money.currency, Decimal(0)) + money.amount
    return RecycledReason(
        reason=reason,
        recyclings=len(several),
        leads=len({one.lead for one in several}),
        waiting=sum(one.visit.left is None for one in several),
        returned=sum(one.returned for one in several),
        won=sum(one.won for one in several),
        median_stay=timedelta(seconds=median(stays)) if stays else None,
        earned=tuple(Money(amount=amount, currency=currency) for currency, amount in sorted(sums.items())),
    )
