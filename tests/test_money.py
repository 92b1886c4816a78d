"""Money is exact and keeps to its currency."""

from decimal import Decimal

import pytest

from leadlife import Malformed, Money
from leadlife.errors import CurrencyMismatch


def test_money_adds_up_and_compares_within_a_currency():
    one, two = Money.of("0.10", "EUR"), Money.of(Decimal("0.20"), "EUR")
    assert str(one + two) == "0.30 EUR"
    assert two - one == one
    assert one < two
    assert one <= one  # noqa: PLR0124


def test_currencies_never_mix():
    for mix in (
        lambda: Money.of(1, "EUR") + Money.of(1, "BRL"),
        lambda: Money.of(1, "EUR") < Money.of(1, "BRL"),
    ):
        with pytest.raises(CurrencyMismatch, match="EUR and BRL"):
            mix()


@pytest.mark.parametrize("amount", [1.5, True, "many", Decimal("NaN"), Decimal("Infinity"), "1e30", "0.0000001"])
def test_floats_and_nonsense_are_refused(amount):
    with pytest.raises(Malformed):
        Money.of(amount, "EUR") if not isinstance(amount, float) else Money(amount=amount, currency="EUR")


def test_a_currency_is_three_capital_letters():
    with pytest.raises(Malformed):
        Money.of(1, "eur")
    assert Money(amount=3, currency="EUR").amount == Decimal(3)


def test_money_is_summed_with_money_only():
    three = [Money.of("1.10", "EUR")] * 3
    assert str(sum(three)) == "3.30 EUR"
    assert str(sum(three, Money.of(1, "EUR"))) == "4.30 EUR"
    for wrong in (lambda: three[0] + 1, lambda: 1 + three[0], lambda: three[0] - 0.5, lambda: three[0] < "2 EUR"):
        with pytest.raises(Malformed, match="money is added to and compared with money"):
            wrong()
    assert str(Money(amount="12.50", currency="EUR") - Money.of(2, "EUR")) == "10.50 EUR"
