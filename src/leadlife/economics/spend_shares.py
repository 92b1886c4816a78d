"""Spend and the leads that came of it: each row is divided among the leads of its source that entered in its period."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from leadlife._base.shares import divided
from leadlife.analytics.lead_outcomes import LeadOutcome
from leadlife.economics.currency import Converter
from leadlife.economics.spend import Spend
from leadlife.money import Money
from leadlife.timing import local_day

_NOTHING = Decimal(0)


class SpendShares(NamedTuple):
    """Spend by lead.

    Attributes:
        by_lead: For each lead that came of a row of spend, its part, which may be nothing.
        without: The rows of which no lead came, each with its amount.
    """

    by_lead: dict[str, Decimal]
    without: tuple[tuple[Spend, Decimal], ...]


def spend_by_lead(
    rows: Iterable[LeadOutcome], spent: Sequence[Spend], converter: Converter, *, last: date, zone: ZoneInfo
) -> SpendShares:
    """Return what was spent for each lead: an equal part, in cents or finer, so that the parts add up.

    Args:
        rows: The leads, each once.
        spent: The spend.
        converter: The currency.
        last: The last day that counts.
        zone: The zone of local days.

    Raises:
        CurrencyMismatch: There is no rate for an amount.
    """
    came: dict[str | None, list[tuple[str, date]]] = {}
    for row in rows:
        came.setdefault(row.channel, []).append((row.lead, local_day(row.entered, zone)))
    shares: dict[str, Decimal] = {}
    without: list[tuple[Spend, Decimal]] = []
    for one in spent:
        amount = spent_until(one, converter, last=last)
        known = () if one.source is None else came.get(one.source, ())
        causing = sorted(lead for lead, day in known if one.since <= day <= one.until)
        if not causing:
            without.append((one, amount))
        for lead, part in zip(causing, _parts(amount, len(causing)), strict=True):
            shares[lead] = shares.get(lead, _NOTHING) + part
    return SpendShares(shares, tuple(without))


def spent_until(spend: Spend, converter: Converter, *, last: date) -> Decimal:
    """Return what was spent by the end of a day, in one currency.

    Raises:
        CurrencyMismatch: There is no rate for an amount.
    """
    unit, days = spend.amount.currency, spend.by_day(spend.amount.amount, last=last)
    return sum((converter.amount(Money(amount=part, currency=unit), day) for day, part in days), _NOTHING)


def _parts(amount: Decimal, number: int) -> list[Decimal]:
    places = max(2, -int(amount.as_tuple().exponent))
    return (
        [Decimal(part).scaleb(-places) for part in divided(int(amount.scaleb(places)), [1] * number)] if number else []
    )
