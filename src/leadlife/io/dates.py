"""Dates in text: every column states its format, or its values prove one; nothing is guessed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

from leadlife._base.model import utc
from leadlife.errors import AmbiguousDates, Malformed
from leadlife.timing import from_wall

ISO = "iso"
_PROBE = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
_DAY_FIRST = ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y")
_MONTH_FIRST = ("%m/%d/%Y", "%m.%d.%Y", "%m-%d-%Y")
_DAYS = (*_DAY_FIRST, *_MONTH_FIRST, "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d")
_CLOCKS = ("", " %H:%M", " %H:%M:%S")
CANDIDATES = (ISO, *(day + clock for day in _DAYS for clock in _CLOCKS))
"""The formats that a column without a stated one may prove."""

Read = Callable[[str], datetime]


def check_format(text: str) -> str:
    """Return a format that holds a whole date and means one thing.

    Raises:
        Malformed: It does not say year, month and day, has hours without saying which half of the day, or swallows an
            offset as a letter.
    """
    if text == ISO:
        return text
    try:
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
    """Return what turns a text of a format into an instant (UTC); it raises ValueError on any other text.

    A text without a clock stands for the first instant of the local day, one without an offset for the wall time.
    """
    dense = re.search("%[YmdHMS]%[YmdHMS]", form) is not None

    @lru_cache(maxsize=65_536)  # a column repeats its days, and calendars are slow
    def read(text: str) -> datetime:
        wall = datetime.fromisoformat(text) if form == ISO else datetime.strptime(text, form)  # noqa: DTZ007
        if dense and wall.strftime(form) != text:
            raise ValueError("digits without separators need their full width")
        return utc(wall.astimezone(UTC) if wall.tzinfo is not None else from_wall(wall, zone))

    return read


def prove(column: str, values: Iterable[str], zone: ZoneInfo) -> Read:
    """Return the reader of the one format that fits every value of a column.

    Raises:
        AmbiguousDates: No known format fits them all, or more than one does.
    """
    readings = {form: parser(form, zone) for form in CANDIDATES}
    told: dict[str, list[datetime]] = {form: [] for form in CANDIDATES}
    texts = list(dict.fromkeys(values))
    for text in texts:
        read_as = {form: _tried(readings[form], text) for form in told}
        told = {form: [*told[form], at] for form, at in read_as.items() if at is not None}
        if not told:
            raise AmbiguousDates(
                f"no known date format fits every value of column {column!r}",
                hint='state its format in the mapping, such as format = "%d/%m/%Y"',
                details={"column": column, "values": len(texts)},
            )
    fitting = list(told)
    differ = any(found != told[fitting[0]] for found in told.values())
    if differ or _either_way(fitting, texts):
        day, month = _named(fitting, _DAY_FIRST), _named(fitting, _MONTH_FIRST)
        both = f"day-first ({day}) and month-first ({month}) alike" if day and month else " and ".join(fitting)
        raise AmbiguousDates(
            f"column {column!r} fits {both}",
            hint="state which it is with format = in the mapping; nothing is guessed",
            details={"column": column, "formats": fitting},
        )
    return readings[fitting[0]]


def _tried(read: Read, text: str) -> datetime | None:
    try:
        return read(text)
    except (ValueError, OverflowError):
        return None


def _either_way(fitting: list[str], texts: list[str]) -> bool:
    """Return whether day-first and month-first both fit, even where they happen to mean the same."""
    return bool(texts and _named(fitting, _DAY_FIRST) and _named(fitting, _MONTH_FIRST))


def _named(fitting: Iterable[str], days: tuple[str, ...]) -> str:
    return ", ".join(islice((form for form in fitting if form.startswith(days)), 1))
