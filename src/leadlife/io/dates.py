"""Dates in text: each column has a stated format, or its values fit exactly one known format; nothing is guessed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from leadlife._base.model import utc
from leadlife.errors import AmbiguousDates, Malformed
from leadlife.timing import from_wall

ISO = "iso"
# Each part differs from strptime's default (1900-01-01), so a part that a format lacks shows in what comes back.
_PROBE = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
_DAY_FIRST = ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y")
_MONTH_FIRST = ("%m/%d/%Y", "%m.%d.%Y", "%m-%d-%Y")
_DAYS = (*_DAY_FIRST, *_MONTH_FIRST, "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d")
_CLOCKS = ("", " %H:%M", " %H:%M:%S")
CANDIDATES = (ISO, *(day + clock for day in _DAYS for clock in _CLOCKS))
"""The formats that are tried on a column whose format is not stated."""

Read = Callable[[str], datetime]


def check_format(text: str) -> str:
    """Return a date format after checking that it has a whole date and one meaning.

    Raises:
        Malformed: It lacks year, month or day, has hours from 1 to 12 without AM or PM, or would read the ``Z`` of an
            offset as a plain letter.
    """
    if text == ISO:
        return text
    try:
        # Without a year strptime assumes 1900, and newer Pythons warn, so such a format is not tried at all.
        has_year = re.search("%[YyGcx]", text) is not None
        back = datetime.strptime(_PROBE.strftime(text), text) if has_year else None  # noqa: DTZ007 - only the date counts
    except (ValueError, TypeError, re.error):
        back = None
    if back is None or back.date() != _PROBE.date():
        raise Malformed("this format does not hold a whole date", hint='write it like "%Y-%m-%d", or "iso"')
    if "%I" in text and "%p" not in text:
        raise Malformed("hours from 1 to 12 need %p", hint="use %H for hours from 0 to 23")
    if "Z" in re.sub("%.", "", text):
        raise Malformed("a letter Z in a format is read as a letter, not as UTC", hint='use %z, or "iso"')
    return text


def parser(form: str, zone: ZoneInfo) -> Read:
    """Return a function that reads text of a format as an instant in UTC and raises ValueError for other text.

    Text without a clock time means the first instant of that local day. Text without an offset is wall time in the
    zone.
    """
    dense = re.search("%[YmdHMS]%[YmdHMS]", form) is not None

    @lru_cache(maxsize=65_536)  # the same days recur in a column, and calendar arithmetic is slow
    def read(text: str) -> datetime:
        wall = datetime.fromisoformat(text) if form == ISO else datetime.strptime(text, form)  # noqa: DTZ007
        # strptime accepts "2026115" for "%Y%m%d" and has to guess where the month ends.
        if dense and wall.strftime(form) != text:
            raise ValueError("digits without separators need their full width")
        return utc(wall.astimezone(UTC) if wall.tzinfo is not None else from_wall(wall, zone))

    return read


def prove(column: str, values: Iterable[str], zone: ZoneInfo) -> Read:
    """Return the reader of the only known format that fits every value of a column.

    Two formats that read all values as the same instants count as one, except day-first and month-first: these would
    differ on the next row.

    Raises:
        AmbiguousDates: No known format fits all values, or more than one does.
    """
    readers = {form: parser(form, zone) for form in CANDIDATES}
    instants: dict[str, list[datetime]] = {form: [] for form in CANDIDATES}
    texts = list(dict.fromkeys(values))
    for text in texts:
        # A format that fails once is dropped here, so each value is tried with the remaining formats only.
        read_as = {form: _try_read(readers[form], text) for form in instants}
        instants = {form: [*instants[form], at] for form, at in read_as.items() if at is not None}
        if not instants:
            raise AmbiguousDates(
                f"no known date format fits every value of column {column!r}",
                hint='state its format in the mapping, such as format = "%d/%m/%Y"',
                details={"column": column, "values": len(texts)},
            )
    fitting = list(instants)
    differ = any(read_as != instants[fitting[0]] for read_as in instants.values())
    day, month = _first_of(fitting, _DAY_FIRST), _first_of(fitting, _MONTH_FIRST)
    either_way = bool(texts and day and month)
    if differ or either_way:
        both = f"day-first ({day}) and month-first ({month}) alike" if day and month else " and ".join(fitting)
        raise AmbiguousDates(
            f"column {column!r} fits {both}",
            hint="state the right one in the mapping with format = ...; formats are never guessed",
            details={"column": column, "formats": fitting},
        )
    return readers[fitting[0]]


def _try_read(read: Read, text: str) -> datetime | None:
    try:
        return read(text)
    except (ValueError, OverflowError):
        return None


def _first_of(fitting: Iterable[str], days: tuple[str, ...]) -> str | None:
    return next((form for form in fitting if form.startswith(days)), None)
