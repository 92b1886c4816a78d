"""Money: an exact amount in one currency."""

import re
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BeforeValidator, Field

from leadlife._base.model import Accepts, Model
from leadlife.errors import CurrencyMismatch, Malformed, article


def _exact(value: object) -> object:
    if isinstance(value, bool | float):
        what = "a number cannot be True or False" if isinstance(value, bool) else "an amount of money cannot be a float"
        raise Malformed(what, hint="pass text or a Decimal")
    if not isinstance(value, str | int):
        return value
    try:
        # Decimal accepts "1_000"; the replacement makes it fail, because an amount with an underscore is a mistake.
        return Decimal(value if isinstance(value, int) else value.replace("_", "no digit"))
    except ArithmeticError:
        raise Malformed("the text must be a decimal number", hint="write it like 12.50") from None


def exact_decimal(value: object) -> object:
    """Return a number as a decimal; a float is read as it is printed, so that 1.1 hours are 1.1 and no more.

    Raises:
        Malformed: It is text that is not a number.
    """
    return _exact(repr(value)) if isinstance(value, float) else _exact(value)


_EXACT = Context(prec=60)
"""The context of the host may round to fewer digits, and what a fact says must not hang on it."""
_MARKS = {".": "point", ",": "comma"}
_WRITTEN = {
    ".": re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?", re.ASCII),
    ",": re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?", re.ASCII),
}
if TYPE_CHECKING:
    Amount = Accepts[Decimal, Decimal | int | str]
else:
    Amount = Annotated[Decimal, BeforeValidator(_exact), Field(max_digits=20, decimal_places=6)]


def read_amount(text: str, decimal: str) -> Decimal:
    """Return an amount as people write it: ``1.234,50`` with a comma before the decimals, ``1,234.50`` with a point.

    Args:
        text: What is written.
        decimal: ``.`` or ``,``; the other one may stand between groups of three digits.

    Raises:
        Malformed: It is not written so. A mark that is out of its place is never left out.
    """
    if _WRITTEN[decimal].fullmatch(text) is None:
        hint = f"write it like {'1.234,50' if decimal == ',' else '1,234.50'}"
        raise Malformed(f"{text!r} is not an amount with a decimal {_MARKS[decimal]}", hint=hint)
    thousands = "." if decimal == "," else ","
    return Decimal(text.replace(thousands, "").replace(decimal, "."))


def short_decimal(number: Decimal) -> Decimal:
    """Return an equal decimal in its shortest spelling: 49.00 is 49, and 100 is not 1E+2."""
    short = number.normalize(_EXACT)
    return short.quantize(1, context=_EXACT) if short == short.to_integral_value(context=_EXACT) else short


class Money(Model):
    """An exact amount in one currency (ISO 4217, three capital letters).

    >>> Money.of("12.50", "BRL") + Money.of(2, "BRL")
    Money(amount=Decimal('14.50'), currency='BRL')
    """

    amount: Amount
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]

    @classmethod
    def of(cls, amount: str | int | Decimal, currency: str) -> Self:
        """Return money of an amount as text, int or Decimal; a float is refused, because it is not exact.

        Raises:
            Malformed: The text is not a number, or the currency is not three capital letters.
        """
        return cls.checked({"amount": amount, "currency": currency})

    def __add__(self, other: Self) -> Self:
        return type(self)(amount=_EXACT.add(self.amount, self._same(other)), currency=self.currency)

    def __radd__(self, other: Literal[0]) -> Self:
        """Add to nothing, where ``sum`` begins."""
        given: object = other
        self._same(self if given == 0 else given)
        return self

    def __sub__(self, other: Self) -> Self:
        return type(self)(amount=_EXACT.subtract(self.amount, self._same(other)), currency=self.currency)

    def __lt__(self, other: Self) -> bool:
        return self.amount < self._same(other)

    def __le__(self, other: Self) -> bool:
        return self.amount <= self._same(other)

    def canonical(self) -> Self:
        """Return the same money with the amount in its shortest spelling: 49.00 is 49."""
        return self.model_copy(update={"amount": short_decimal(self.amount)})

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def _same(self, other: object) -> Decimal:
        if not isinstance(other, Money):
            message = f"money is added to and compared with money, not with {article(type(other).__name__)}"
            raise Malformed(message, hint=f'write Money.of("12.50", {self.currency!r})')
        if other.currency != self.currency:
            raise CurrencyMismatch(
                f"cannot add or compare {self.currency} and {other.currency}",
                hint="convert one of them first, at a stated rate",
            )
        return other.amount
