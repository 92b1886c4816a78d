"""Dates in text: each column has a stated format, or its values fit exactly one known format; nothing is guessed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from leadlife._base.model import utc
from leadlife.errors import AmbiguousDates, Malformed
from leadlife.timing import day_start, from_wall, local_day

ISO = "iso"
# Each part differs from strptime's default (1900-01-01), so a part that a format lacks shows in what comes back.
_PROBE = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
_DAY_FIRST = ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y")
_MONTH_FIRST = ("%m/%d/%Y", "%m.%d.%Y", "%m-%d-%Y")
_DAYS = (*_DAY_FIRST, *_MONTH_FIRST, "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d")
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
CANDIDATES = (ISO, *(day + clock for day in _DAYS for clock in _CLOCKS))
"""The formats that are tried on a column whose format is not stated."""

Read = Callable[[str], datetime]
NOON = 12
MANY_TIMES = 20
"""So many different times of an ISO column, all from 1 to 12 o'clock, may have lost their AM and PM."""
NEARLY_ALL = 0.9
"""The share of instants at one clock time, from which they are taken for midnights of a zone."""
ENOUGH_DAYS = 5
"""From so many different days on, instants at one clock time are taken for midnights of a zone."""
AN_HOUR_APART = (timedelta(hours=1), timedelta(hours=23))


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
    if "%p" in text and "%I" not in text:
        raise Malformed("AM and PM change hours of %I only", hint="use %I in place of %H")
    if "%Z" in text:
        raise Malformed("the name of a zone is read and ignored", hint="use %z for an offset, or state zone = ...")
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


def midnights(read: Read, theirs: ZoneInfo, zone: ZoneInfo) -> Read:
    """Return a reader of instants that stand for days of one zone: each is read as that day in another zone.

    The reader raises ValueError for an instant that is not a midnight there.
    """

    def read_day(text: str) -> datetime:
        at = read(text)
        day = local_day(at, theirs)
        if at != day_start(day, theirs):
            raise ValueError("this is not a midnight of the zone")
        return day_start(day, zone)

    return read_day


def prove(column: str, values: Iterable[str], zone: ZoneInfo, *, days: bool = True) -> Read:
    """Return the reader of the only known format that fits every value of a column.

    Two formats that read all values as the same instants count as one, except day-first and month-first: these would
    differ on the next row. Clock times from 1 to 12 only do not prove that the clock has 24 hours, and instants that
    are all midnights of another zone do not prove on which day something happened.

    Args:
        column: The name of the column, for messages.
        values: Its values.
        zone: The zone of wall times, and of the days.
        days: Whether instants have to prove their days; not if the mapping names the zone of their midnights.

    Raises:
        AmbiguousDates: No known format fits all values, or more than one does, or what they mean is not proved.
    """
    readers = {form: parser(form, zone) for form in CANDIDATES}
    instants: dict[str, list[datetime]] = {form: [] for form in CANDIDATES}
    texts = list(dict.fromkeys(values))
    for text in texts:
        # A format that fails once is dropped here, so each value is tried with the remaining formats only.
        for form in list(instants):
            at = _try_read(readers[form], text)
            if at is None:
                del instants[form]
            else:
                instants[form].append(at)
        if not instants:
            fits = {form: sum(_try_read(readers[form], one) is not None for one in texts) for form in CANDIDATES}
            best = max(fits, key=lambda form: fits[form])
            most = f"; {best} fits {fits[best]} of {len(texts)}" if fits[best] else ""
            form = best if fits[best] else "%d/%m/%Y"
            raise AmbiguousDates(
                f"no known date format fits every value of column {column!r}{most}",
                hint=f'state its format in the mapping, such as format = "{form}": rows of another are set aside',
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
    _prove_clock(column, fitting[0], texts)
    if fitting[0] == ISO and days:
        _prove_days(column, texts, instants[ISO], zone)
    return readers[fitting[0]]


def _prove_clock(column: str, form: str, texts: list[str]) -> None:
    """Check that a clock without AM and PM has 24 hours: some time is before 1:00 or from 13:00 on.

    ISO 8601 has 24 hours, so there a few times in the morning prove nothing else.
    """
    if form == ISO:
        walls = [datetime.fromisoformat(text) for text in texts if len(text) > len("2026-01-01")]
        walls = [wall for wall in walls if wall.tzinfo is None]
        if len(walls) < MANY_TIMES:
            return
    elif "%H" in form:
        walls = [datetime.strptime(text, form) for text in texts]  # noqa: DTZ007 - only the hour counts
    else:
        return
    hours = {wall.hour for wall in walls}
    if hours and 0 not in hours and max(hours) <= NOON:
        raise AmbiguousDates(
            f"column {column!r} has times from 1 to 12 o'clock only, without AM or PM: morning or afternoon?",
            hint=f'export the column with AM and PM, or state format = "{form}" if its clock has 24 hours',
            details={"column": column, "formats": [form]},
        )


def _prove_days(column: str, texts: list[str], instants: list[datetime], zone: ZoneInfo) -> None:
    """Check that instants with an offset are not all midnights of another zone, which stand for days."""
    written = [datetime.fromisoformat(text) for text in texts]
    exact = [(one, at) for one, at in zip(written, instants, strict=True) if one.tzinfo is not None]
    if len({local_day(at, zone) for _, at in exact}) < ENOUGH_DAYS:
        return
    if all(at == day_start(local_day(at, zone), zone) for _, at in exact):
        return  # days of the zone in which they are counted
    clocks = Counter(timedelta(hours=at.hour, minutes=at.minute, seconds=at.second) for _, at in exact)
    # In summer and in winter, the same midnight is at two clock times of UTC.
    pairs = [
        clocks[one] + max((clocks[other] for other in clocks if abs(one - other) in AN_HOUR_APART), default=0)
        for one in clocks
    ]
    at_midnight = sum(one.time() == time.min for one, _ in exact)
    if max(*pairs, at_midnight) >= NEARLY_ALL * len(exact):
        raise AmbiguousDates(
            f"column {column!r} has one clock time only ({texts[0][11:]}): are its values midnights of another zone?",
            hint='state the zone in the mapping (midnights = "Europe/Berlin"), or format = "iso" for instants',
            details={"column": column, "formats": [ISO]},
        )


def _try_read(read: Read, text: str) -> datetime | None:
    try:
        return read(text)
    except (ValueError, OverflowError):
        return None


def _first_of(fitting: Iterable[str], days: tuple[str, ...]) -> str | None:
    return next((form for form in fitting if form.startswith(days)), None)
