"""One currency: figures are in one, and others are converted by rates that the caller gives, with their dates."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, Field

from leadlife._base.arguments import listed_of
from leadlife._base.model import Accepts, Model
from leadlife.errors import CurrencyMismatch, Malformed
from leadlife.money import Money, exact_decimal

if TYPE_CHECKING:
    Rate = Accepts[Decimal, Decimal | float | str]
else:
    Rate = Annotated[Decimal, BeforeValidator(exact_decimal), Field(gt=0)]

PLACES = 6
"""Amounts have so many decimals at most."""


class ExchangeRate(Model):
    """What one unit of a currency is worth in another, from a day on.

    >>> ExchangeRate(currency="USD", to="EUR", since=date(2026, 3, 1), rate="0.92").rate
    Decimal('0.92')
    """

    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    to: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    since: date
    rate: Rate


class Converter:
    """Amounts in one currency.

    Attributes:
        currency: The currency; None as long as there is no money at all.
    """

    def __init__(self, currency: str | None, rates: Iterable[ExchangeRate]) -> None:
        self.currency = currency
        self._rates: dict[str, list[tuple[date, Decimal]]] = {}
        for rate in rates:
            if rate.to == currency:
                own_rates = self._rates.setdefault(rate.currency, [])
                if any(since == rate.since and worth != rate.rate for since, worth in own_rates):
                    problem = f"there are two rates from {rate.currency} to {currency} since {rate.since}"
                    raise Malformed(problem, hint="give one rate for each day")
                own_rates.append((rate.since, rate.rate))
        for own in self._rates.values():
            own.sort()

    @classmethod
    def of(cls, currencies: Iterable[str], *, currency: str | None, rates: Iterable[ExchangeRate]) -> Converter:
        """Return how amounts in some currencies become amounts in one.

        Args:
            currencies: The currencies that there are.
            currency: The one to report in; by default the only one that there is.
            rates: The rates of the others.

        Raises:
            CurrencyMismatch: There are several currencies, and none was chosen.
            Malformed: A rate is not an ExchangeRate.
        """
        known, several = listed_of("rates", rates, ExchangeRate), sorted(set(currencies))
        if currency is None and len(several) > 1:
            raise CurrencyMismatch(
                f"there is money in {', '.join(several)}, and a figure has one currency",
                hint="pass currency= and rates= with an ExchangeRate for each of the others, or leave some out",
            )
        chosen = currency if currency is not None else next(iter(several), None)
        if chosen is not None:
            Money.of(0, chosen)  # refuses what is not a currency
        return cls(chosen, known)

    def amount(self, money: Money, on: date) -> Decimal:
        """Return an amount in the one currency, at the rate of a day.

        Raises:
            CurrencyMismatch: There is no rate for that day.
            Malformed: The amount is too large.
        """
        if money.currency == self.currency:
            return money.amount
        known = self._rates.get(money.currency, [])
        place = bisect_right([since for since, _ in known], on)
        if not place:
            raise CurrencyMismatch(
                f"there is no rate from {money.currency} to {self.currency} for {on}",
                hint="pass an ExchangeRate whose since= is not later",
            )
        return exact(money.amount * known[place - 1][1])


def exact(amount: Decimal, places: int = PLACES) -> Decimal:
    """Return an amount with so many decimals.

    Raises:
        Malformed: It is too large for exact arithmetic.
    """
    try:
        return amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    except InvalidOperation:
        raise Malformed("an amount is too large for exact arithmetic", hint="correct the amount, or the rate") from None


def is_exact(value: object) -> bool:
    """Return whether a value is a finite decimal."""
    return isinstance(value, Decimal) and value.is_finite()


def checked_share(what: str, value: object) -> Decimal | None:
    """Return a share from 0 to 1 as a decimal; None stays None.

    Raises:
        Malformed: It is not a number, or not from 0 to 1.
    """
    if value is None:
        return None
    share = exact_decimal(value)
    if not isinstance(share, Decimal) or not share.is_finite() or not 0 <= share <= 1:
        raise Malformed(f"{what} must be a share from 0 to 1", hint='write 0.35 or "0.35"')
    return share
