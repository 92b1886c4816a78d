"""Spend: what was paid for a source over a day or a period, whether a lead came of it or not."""

from __future__ import annotations

import csv
from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, NamedTuple, Self

from pydantic import model_validator

from leadlife._base.arguments import expect, listed_of
from leadlife._base.model import Model, Name
from leadlife._base.shares import divided
from leadlife.errors import Malformed, Unreadable, did_you_mean
from leadlife.io.tables import SetAside, csv_records
from leadlife.money import Money, read_amount

_DELIMITERS = (",", ";", "\t")
_COLUMNS = ("amount", "source", "currency", "day", "month", "since", "until")
_DAY = timedelta(days=1)
MOST_DAYS = 3_700
"""A period lasts ten years at most: more often, a year is mistyped."""


class Spend(Model):
    """An amount that was spent on a source, over a period of whole days.

    >>> Spend.month("2026-02", Money.of(900, "EUR"), source="ads").until
    datetime.date(2026, 2, 28)
    """

    since: date
    """The first day."""
    until: date
    """The last day, which is part of the period."""
    amount: Money
    """How much, in all. Nothing, written out, says that a source costs nothing; no row at all leaves that unknown."""
    source: Annotated[Name | None, "the channel of a Source"] = None
    """The channel that it was spent on; None where it belongs to none."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.until < self.since:
            raise Malformed("a period ends on its first day at the earliest", hint="exchange since and until")
        if self.days > MOST_DAYS:
            raise Malformed("a period lasts ten years at most", hint="correct the year")
        if self.amount.amount < 0:
            raise Malformed("spend must not be negative", hint="record what came back as money earned, or leave it out")
        return self

    @classmethod
    def day(cls, day: date, amount: Money, *, source: str | None = None) -> Self:
        """Return what was spent on one day."""
        return cls(since=day, until=day, amount=amount, source=source)

    @classmethod
    def month(cls, month: str, amount: Money, *, source: str | None = None) -> Self:
        """Return what was spent in a month, such as ``2026-02``.

        Raises:
            Malformed: It is not a month.
        """
        first = _month(month)
        return cls(
            since=first, until=first.replace(day=monthrange(first.year, first.month)[1]), amount=amount, source=source
        )

    @property
    def days(self) -> int:
        """How many days the period lasts."""
        return (self.until - self.since).days + 1

    def by_day(self, amount: Decimal, *, last: date) -> Iterator[tuple[date, Decimal]]:
        """Yield what falls to each day up to a last one: an equal part of an amount, so that all parts add up."""
        # Divided in whole units of the last decimal, so that no cent is lost between the days.
        places = max(2, -int(amount.as_tuple().exponent))
        parts = divided(int(amount.scaleb(places)), [1] * self.days) if amount else [0] * self.days
        for number, part in enumerate(parts):
            day = self.since + number * _DAY
            if day > last:
                return
            yield day, Decimal(part).scaleb(-places)


class SpendTable(NamedTuple):
    """The spend of a file.

    Attributes:
        rows: What could be read.
        read: How many rows the file has, but for blank ones.
        set_aside: What could not be read, with line and reason.
    """

    rows: tuple[Spend, ...]
    read: int
    set_aside: tuple[SetAside, ...]


def spend_rows(spend: SpendTable | Iterable[Spend]) -> tuple[Spend, ...]:
    """Return the rows of spend, of a table that was read or of a list.

    Raises:
        Malformed: It holds something else.
    """
    return spend.rows if isinstance(spend, SpendTable) else listed_of("spend", spend, Spend)


def read_spend(
    path: Path | str,
    *,
    currency: str | None = None,
    columns: Mapping[str, str] | None = None,
    decimal_comma: bool = False,
) -> SpendTable:
    """Return the spend of a CSV file with a header; a row that cannot be read is set aside, and counted.

    The columns are ``amount``, ``source``, ``currency``, and either ``day``, ``month``, or ``since`` and ``until``.
    Days are written like 2026-02-28 and months like 2026-02. Commas, semicolons or tabs may separate cells.

    Args:
        path: The file.
        currency: The currency of amounts without one of their own.
        columns: What the file calls a column, by the name above: ``{"source": "utm_source"}``.
        decimal_comma: Whether amounts are written like 1234,50.

    Raises:
        Unreadable: The file cannot be read, or has no amount or no period.
        Malformed: An argument has the wrong type.
    """
    if not isinstance(path, Path | str):
        raise Malformed("path must be the path of a file")
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not text in UTF-8"
        raise Unreadable(f"{file.name!r} cannot be read: {reason}") from None
    lines, delimiter = _opened(text)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    records = csv_records(reader, file.name)
    header = [cell.strip().casefold() for cell in _header(next(records, (1, [])), file.name)]
    places = _places(header, columns, file.name)
    rows: list[Spend] = []
    aside: list[SetAside] = []
    read = 0
    for line, cells in records:
        if not isinstance(cells, str) and not any(cell.strip() for cell in cells):
            continue
        read += 1
        place = line + len(text.splitlines()) - len(lines)
        if isinstance(cells, str):
            aside.append(SetAside(file.name, place, cells))
            continue
        try:
            rows.append(_row(cells, places, len(header), currency, decimal_comma=decimal_comma))
        except Malformed as error:
            reason = "; ".join(fault.message for fault in error.faults) or error.message
            aside.append(SetAside(file.name, place, reason))
    return SpendTable(tuple(rows), read, tuple(aside))


def _opened(text: str) -> tuple[list[str], str]:
    """Return the lines from the header on, and what separates cells; Excel may say so in a first line ``sep=;``."""
    lines = text.splitlines(keepends=True)
    while lines and not lines[0].strip():
        del lines[0]
    if lines and lines[0].strip().lower().startswith("sep=") and len(lines[0].strip()) == len("sep=;"):
        return lines[1:], lines[0].strip()[-1]
    return lines, max(_DELIMITERS, key=lines[0].count) if lines else ","


def _header(found: tuple[int, list[str] | str], file: str) -> list[str]:
    if isinstance(found[1], str):
        raise Unreadable(f"the header of {file!r} cannot be read: {found[1]}")
    return found[1]


def _places(header: list[str], columns: Mapping[str, str] | None, file: str) -> dict[str, int]:
    """Return the place of each column that there is.

    Raises:
        Malformed: A column is named that nobody knows.
        Unreadable: The file lacks a column, or has one twice.
    """
    if columns is not None:
        expect("columns", columns, Mapping, hint='pass {"source": "utm_source"}')
    given = dict(columns or {})
    for name, own in given.items():
        if name not in _COLUMNS or not isinstance(own, str):
            raise Malformed(f"spend has no column {name!r}", hint=did_you_mean(str(name), _COLUMNS))
        if own.casefold() not in header:
            raise Unreadable(f"{file!r} has no column {own!r}", hint=did_you_mean(own, header))
    names = {name: given.get(name, name).casefold() for name in _COLUMNS}
    twice = [own for own in names.values() if header.count(own) > 1]
    if twice:
        raise Unreadable(f"column {twice[0]!r} of {file!r} occurs twice")
    places = {name: header.index(own) for name, own in names.items() if own in header}
    if "amount" not in places or not ({"day", "month"} & set(places) or {"since", "until"} <= set(places)):
        raise Unreadable(
            f"{file!r} needs an amount, and a day, a month, or since and until",
            hint=f"it has the columns {', '.join(header)}; name others in columns=",
        )
    return places


def _row(
    cells: list[str], places: Mapping[str, int], width: int, currency: str | None, *, decimal_comma: bool
) -> Spend:
    if len(cells) != width:
        raise Malformed(f"the row has {len(cells)} cells where the header has {width}")
    given = {name: cells[place].strip() for name, place in places.items()}
    amount = given["amount"]
    if not amount:
        raise Malformed("there is no amount")
    if decimal_comma:
        amount = str(read_amount(amount, ","))
    unit = given.get("currency") or currency
    if unit is None:
        raise Malformed("there is no currency: pass currency=")
    money, source = _money(amount, unit), given.get("source") or None
    day, month, since, until = (given.get(name) for name in ("day", "month", "since", "until"))
    if bool(day) + bool(month) + bool(since or until) > 1:
        raise Malformed("give a day, a month or a period, one of them")
    if day:
        return Spend.day(_date(day), money, source=source)
    if month:
        return Spend.month(month, money, source=source)
    if since and until:
        return Spend(since=_date(since), until=_date(until), amount=money, source=source)
    raise Malformed("there is no day, no month, and no period")


def _money(amount: str, unit: str) -> Money:
    try:
        return Money.of(amount, unit)
    except Malformed:
        raise Malformed(f"{amount} {unit} is not an amount: write it like 1234.50, with a currency like EUR") from None


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Malformed("a day is written like 2026-02-28") from None


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except (ValueError, TypeError):
        raise Malformed("a month is written like 2026-02") from None
