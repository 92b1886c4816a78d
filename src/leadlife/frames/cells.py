"""The cells of data frames as plain values, and the rows that cannot be read."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import narwhals as nw
from pydantic import TypeAdapter, ValidationError

from leadlife._base.blanks import DeclaredBlanks
from leadlife._base.model import Name, identifier
from leadlife._base.numbers import plain
from leadlife.errors import Fault, Malformed, did_you_mean
from leadlife.timing import from_wall, instant

_NAME: TypeAdapter[str] = TypeAdapter(Name)
Table = nw.DataFrame[Any]


class RowFault(NamedTuple):
    """A row or column that could not be read or scored.

    Attributes:
        frame: ``leads`` or ``activities``.
        row: The row, counted from 0; None for a fault of the whole column.
        column: The column; None for a fault of the whole row.
        reason: The reason.
    """

    frame: str
    row: int | None
    column: str | None
    reason: str

    def __str__(self) -> str:
        row = "" if self.row is None else f", row {self.row}"
        column = "" if self.column is None else f", column {self.column!r}"
        return f"{self.frame}{row}{column}: {self.reason}"


def eager(frame: Any, what: str) -> Table:
    """Return a frame as a narwhals table; a lazy frame is collected.

    Raises:
        Malformed: It is not a data frame, or its columns have equal names or names that are not text.
    """
    try:
        wrapped = nw.from_native(frame)
    except TypeError:
        hint = "pass a frame of pandas, Polars, PyArrow or another library that narwhals reads, with text column names"
        raise Malformed(f"the {what} must be a data frame", hint=hint) from None
    except nw.exceptions.DuplicateError:
        raise Malformed(f"two columns of the {what} have the same name", hint="rename one of them") from None
    table = wrapped.collect() if isinstance(wrapped, nw.LazyFrame) else wrapped
    if not all(isinstance(name, str) for name in table.columns):
        raise Malformed(f"the columns of the {what} must have text names", hint="rename the columns that have not")
    return table


def like(native: Any, table: Table) -> Any:
    """Return a table as a frame of the same kind as ``native``: lazy if that is lazy."""
    lazy = isinstance(nw.from_native(native), nw.LazyFrame)
    return table.lazy(backend=nw.from_native(native).implementation).to_native() if lazy else table.to_native()


def demand(table: Table, what: str, columns: Iterable[str]) -> None:
    """Check that a table has columns.

    Raises:
        Malformed: A column is missing. Similar names are suggested.
    """
    faults = [
        Fault(what, f"there is no column {name!r}", did_you_mean(name, table.columns))
        for name in columns
        if name not in table.columns
    ]
    if faults:
        raise Malformed(f"the {what} lack columns:", faults=faults)


def nameable(what: str, columns: Iterable[str]) -> None:
    """Check that the names of columns can be names of fields or attributes.

    Raises:
        Malformed: A name cannot be used.
    """
    for column in columns:
        try:
            _NAME.validate_python(column)
        except ValidationError:
            hint = "a name has words of letters, digits and . : / & + -; rename the column, or leave it out"
            raise Malformed(f"column {column!r} of the {what} has a name that cannot be used", hint=hint) from None


def cells(table: Table, column: str, blanks: DeclaredBlanks, *, asked: bool = True) -> list[Any]:
    """Return a column as plain Python values; a blank cell is None, and so is a value that means "not answered"."""
    series, blank = table[column], blanks.of(column, asked=asked)
    values = zip(series.to_list(), series.is_null().to_list(), strict=True)
    return [None if empty or blank(value) else _plain(value) for value, empty in values]


def _plain(value: Any) -> Any:
    # Frames store whole numbers with blanks among them as floats. A Timestamp of pandas has no such value.
    to_datetime = getattr(value, "to_pydatetime", None)
    if to_datetime is not None:
        return to_datetime(warn=False)  # it would warn of nanoseconds, which are below our resolution
    return plain(value)


def scalar(value: Any) -> Any:
    """Return a value as a field or attribute stores it; a date, or the midnight of a date column, becomes ISO text."""
    if isinstance(value, datetime):
        midnight = value.time() == datetime.min.time()
        return value.date().isoformat() if midnight and value.tzinfo is None else value.isoformat()
    return value.isoformat() if isinstance(value, date) else value


def lead_id(value: Any) -> str:
    """Return an id as text.

    Raises:
        Malformed: The cell is blank or cannot be an id.
    """
    if value is None:
        raise Malformed("the id is blank")
    if isinstance(value, bool | float):
        raise Malformed("an id must be text or a whole number")
    return identifier(str(value))


def cell_instant(value: Any, zone: ZoneInfo) -> datetime:
    """Return the instant in a cell: a datetime, or ISO text, which dates are too; without an offset, a wall time there.

    Raises:
        Malformed: The cell holds none of these.
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise Malformed("text for an instant must be ISO 8601", hint="convert the column to datetimes") from None
    if isinstance(value, datetime) and value.tzinfo is None:
        value = from_wall(_in_range(value), zone)
    if not isinstance(value, datetime):
        raise Malformed(
            "the instant is blank" if value is None else "an instant must be a datetime, a date or ISO text"
        )
    return instant(value.astimezone(UTC))


def _in_range(wall: datetime) -> datetime:
    # Moving a wall time of the first or last year to UTC can leave the range of datetime; the exact check comes later.
    if not 2 < wall.year < 9998:  # noqa: PLR2004 - far outside the years of any lead
        raise Malformed("an instant must be in the years 1678 to 2261")
    return wall


def report(found: Sequence[RowFault], faults: list[RowFault] | None) -> None:
    """Add faults to the caller's list, or issue one warning if there is no list."""
    if faults is not None:
        faults.extend(found)
    elif found:
        number = "1 row or column needs" if len(found) == 1 else f"{len(found)} rows or columns need"
        message = f"{number} a look; first: {found[0]} (pass faults=[] to collect them)"
        warnings.warn(message, stacklevel=3)  # the line that called score_frame or closed_leads
