"""The cells of data frames as plain values, and the rows that cannot be read."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isfinite
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import narwhals as nw
from pydantic import TypeAdapter, ValidationError

from leadlife._base.model import Name, identifier
from leadlife.errors import Fault, Malformed, did_you_mean
from leadlife.timing import from_wall, instant

_NAMED: TypeAdapter[str] = TypeAdapter(Name)
Table = nw.DataFrame[Any]


class RowFault(NamedTuple):
    """Something that could not be read or scored; the rest was.

    Attributes:
        frame: ``leads`` or ``activities``.
        row: Which row, counted from 0; None where it is about the whole column.
        column: Which column; None where it is about the whole row.
        reason: Why.
    """

    frame: str
    row: int | None
    column: str | None
    reason: str

    def __str__(self) -> str:
        place = [self.frame, *([] if self.row is None else [f"row {self.row}"])]
        return f"{', '.join([*place, *([] if self.column is None else [f'column {self.column!r}'])])}: {self.reason}"


def eager(frame: Any, what: str) -> Table:
    """Return a frame that can be read now.

    Raises:
        Malformed: It is no data frame.
    """
    try:
        wrapped = nw.from_native(frame)
    except TypeError:
        hint = "pandas, Polars, PyArrow, or what narwhals reads, its columns named by text"
        raise Malformed(f"the {what} are no data frame that can be read", hint=hint) from None
    except nw.exceptions.DuplicateError:
        raise Malformed(f"two columns of the {what} have one name") from None
    table = wrapped.collect() if isinstance(wrapped, nw.LazyFrame) else wrapped
    if not all(isinstance(name, str) for name in table.columns):
        raise Malformed(f"the columns of the {what} are named by text", hint="rename those that are not")
    return table


def like(native: Any, table: Table) -> Any:
    """Return a table as a frame of the kind that was given: lazy, if that was."""
    lazy = isinstance(nw.from_native(native), nw.LazyFrame)
    return table.lazy(backend=nw.from_native(native).implementation).to_native() if lazy else table.to_native()


def demand(table: Table, what: str, columns: Iterable[str]) -> None:
    """Check that columns are there.

    Raises:
        Malformed: One is not; near misses are suggested.
    """
    faults = [
        Fault(what, f"there is no column {name!r}", did_you_mean(name, table.columns))
        for name in columns
        if name not in table.columns
    ]
    if faults:
        raise Malformed(f"the {what} lack columns:", faults=faults)


def nameable(what: str, columns: Iterable[str]) -> None:
    """Check that columns can be called fields or attributes.

    Raises:
        Malformed: The name of one cannot be used.
    """
    for column in columns:
        try:
            _NAMED.validate_python(column)
        except ValidationError:
            hint = "words of letters, digits and . : / & + -; rename it, or leave it out"
            raise Malformed(f"column {column!r} of the {what} has no usable name", hint=hint) from None


def cells(table: Table, column: str) -> list[Any]:
    """Return a column as plain values; blank cells are None."""
    series = table[column]
    return [
        None if blank else _plain(value)
        for value, blank in zip(series.to_list(), series.is_null().to_list(), strict=True)
    ]


def _plain(value: Any) -> Any:
    item = getattr(value, "item", None)
    if item is not None and not isinstance(value, str | datetime):
        value = item()
    if isinstance(value, float | Decimal) and value != value:  # noqa: PLR0124 - NaN
        return None
    if isinstance(value, Decimal):
        return float(value)
    stamp = getattr(value, "to_pydatetime", None)
    return stamp(warn=False) if stamp is not None else None if value == "" else value


def scalar(value: Any) -> Any:
    """Return a value as fields and attributes hold it: a date, or the midnight a frame makes of it, is ISO text."""
    if isinstance(value, datetime):
        midnight = value.time() == datetime.min.time()
        return value.date().isoformat() if midnight and value.tzinfo is None else value.isoformat()
    return value.isoformat() if isinstance(value, date) else value


def lead_id(value: Any) -> str:
    """Return an id as text; a whole float is the integer that a column with gaps made of it.

    Raises:
        Malformed: It is blank or no id.
    """
    if value is None:
        raise Malformed("the id is blank")
    if isinstance(value, float) and isfinite(value) and value.is_integer():
        value = int(value)
    if isinstance(value, bool | float):
        raise Malformed("an id is text or a whole number")
    return identifier(str(value))


def moment(value: Any, zone: ZoneInfo) -> datetime:
    """Return an instant: of a datetime, a date, or ISO text; without an offset, it is a wall time in the zone.

    Raises:
        Malformed: It is none of these.
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise Malformed("this is no instant in ISO text", hint="make the column one of datetimes") from None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - a wall time, for now
    if isinstance(value, datetime) and value.tzinfo is None:
        value = from_wall(_within(value), zone)
    if not isinstance(value, datetime):
        raise Malformed("there is no instant" if value is None else "this is no instant")
    return instant(value.astimezone(UTC))


def _within(wall: datetime) -> datetime:
    """Return a wall time that calendars can reckon with; those at the ends of time cannot be moved."""
    if not 2 < wall.year < 9998:  # noqa: PLR2004 - far outside the years of any lead
        raise Malformed("an instant lies in the years 1678 to 2261")
    return wall


def report(found: Sequence[RowFault], faults: list[RowFault] | None) -> None:
    """Hand faults over: into the caller's list, else as one warning."""
    if faults is not None:
        faults.extend(found)
    elif found:
        told = "1 row or column" if len(found) == 1 else f"{len(found)} rows or columns"
        message = f"{told} could not be read or scored; first: {found[0]} (give faults=[] to collect them)"
        warnings.warn(message, stacklevel=3)
