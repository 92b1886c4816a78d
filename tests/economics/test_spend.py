"""Spend: periods of whole days, read from files as people save them; what cannot be read is set aside."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlife import Money
from leadlife.economics import Spend, read_spend
from leadlife.errors import Malformed, Unreadable


def eur(amount):
    return Money.of(amount, "EUR")


@given(st.integers(0, 10**7), st.integers(1, 400))
def test_the_days_of_a_period_add_up(cents, days):
    spend = Spend(
        since=date(2026, 1, 1), until=date.fromordinal(date(2026, 1, 1).toordinal() + days - 1), amount=eur(1)
    )
    amount = Decimal(cents).scaleb(-2)
    parts = [part for _, part in spend.by_day(amount, last=date(2030, 1, 1))]
    assert (len(parts), sum(parts)) == (days, amount)
    assert max(parts) - min(parts) <= Decimal("0.01")
    assert [day for day, _ in spend.by_day(amount, last=date(2026, 1, 1))] == [date(2026, 1, 1)]


def test_days_and_months():
    assert Spend.day(date(2026, 2, 3), eur(1)).days == 1
    assert Spend.month("2024-02", eur(1)).until == date(2024, 2, 29)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Spend(since=date(2026, 2, 1), until=date(2026, 1, 1), amount=eur(1)), "at the earliest"),
        (lambda: Spend(since=date(26, 2, 1), until=date(2026, 1, 1), amount=eur(1)), "ten years"),
        (lambda: Spend.day(date(2026, 2, 3), eur(-1)), "negative"),
        (lambda: Spend(amount=eur(1)), "since"),
        (lambda: Spend.month("2026-13", eur(1)), "like 2026-02"),
        (lambda: Spend.month(None, eur(1)), "like 2026-02"),
        (lambda: read_spend(3), "path"),
    ],
)
def test_bad_input_gets_a_clear_error(make, message):
    with pytest.raises(Malformed, match=message):
        make()


def written(folder, text, *, encoding="utf-8"):
    path = folder / "spend.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_a_file_of_days_months_and_periods(tmp_path):
    text = (
        "month,day,since,until,utm,amount,currency\n"
        "2026-01,,,,ads,100.10,\n"
        ",2026-02-03,,,search,5,USD\n"
        "\n"
        ",,2026-03-01,2026-03-10,,7,\n"
    )
    found = read_spend(written(tmp_path, text), currency="EUR", columns={"source": "utm"})
    assert (found.read, found.set_aside) == (3, ())
    assert [(str(one.amount), one.source, one.days) for one in found.rows] == [
        ("100.10 EUR", "ads", 31),
        ("5 USD", "search", 1),
        ("7 EUR", None, 10),
    ]


def test_what_excel_makes_of_it(tmp_path):
    text = "\ufeffmonth;source;amount\r\n2026-01;ads;1.234,50\r\n"
    found = read_spend(written(tmp_path, text), currency="EUR", decimal_comma=True)
    assert str(found.rows[0].amount) == "1234.50 EUR"


def test_rows_that_cannot_be_read_are_set_aside_with_line_and_reason(tmp_path):
    text = (
        "month,source,amount,currency\n"
        "2026-01,ads,12.50,EUR\n"
        '"1/2026",ads,12.50,EUR\n'
        "2026-01,ads,lots,EUR\n"
        "2026-01,ads,,EUR\n"
        "2026-01,ads,5,\n"
        "2026-01,ads,-5,EUR\n"
        ",ads,5,EUR\n"
        "2026-01,ads,5\n"
        "2026-01,ads,5,EURO\n"
    )
    found = read_spend(written(tmp_path, text))
    assert (len(found.rows), found.read) == (1, 9)
    assert [(one.line, one.reason) for one in found.set_aside][:7] == [
        (3, "a month is written like 2026-02"),
        (4, "lots EUR is not an amount: write it like 1234.50, with a currency like EUR"),
        (5, "there is no amount"),
        (6, "there is no currency: pass currency="),
        (7, "spend must not be negative"),
        (8, "there is no day, no month, and no period"),
        (9, "the row has 3 cells where the header has 4"),
    ]
    assert found.set_aside[7].line == 10


def test_a_day_that_is_none_is_set_aside(tmp_path):
    found = read_spend(written(tmp_path, "day,amount,currency\n2026-02-30,1,EUR\n"))
    assert found.set_aside[0].reason == "a day is written like 2026-02-28"


@pytest.mark.parametrize(
    ("text", "encoding", "message"),
    [
        ("source,amount\nads,3\n", "utf-8", "needs an amount, and a day"),
        ("month,source\n2026-01,ads\n", "utf-8", "needs an amount"),
        ("", "utf-8", "needs an amount"),
        ("month,amount\n2026-01,é\n", "latin-1", "not text in UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path, text, encoding, message):
    with pytest.raises(Unreadable, match=message):
        read_spend(written(tmp_path, text, encoding=encoding))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(Unreadable, match="No such file"):
        read_spend(tmp_path / "none.csv")
