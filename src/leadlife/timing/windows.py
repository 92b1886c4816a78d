"""Windows: the local times at which something may be sent, and the first instant inside them."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, model_validator

from leadlife._base.model import Accepts, Definition, TupleOf, default
from leadlife.errors import Malformed
from leadlife.timing.business_hours import DAY_MINUTES, OPENING, WEEKDAYS, Span, Weekday, span_of
from leadlife.timing.zones import from_wall

_DAY = timedelta(days=1)
_WEEK_MINUTES = 7 * DAY_MINUTES
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
LONGEST_SEARCH = 400
"""So many days are looked through for a window that is open; every weekday has come many times by then."""


def _hours(value: Any) -> Any:
    if not isinstance(value, str) or OPENING.fullmatch(value.strip()) is None:
        raise Malformed("hours are two times of day", hint='write "09:00-17:30" or, over night, "22:00-06:00"')
    begin, end = (part.strip().rjust(5, "0") for part in value.split("-"))
    if begin == end:
        raise Malformed("hours must not begin when they end", hint='write "00:00-24:00" for the whole day')
    return f"{begin}-{end}"


def _clock(value: Any) -> Any:
    if not isinstance(value, str) or _CLOCK.fullmatch(value.strip()) is None:
        raise Malformed("a time of day is an hour and a minute", hint='write "16:00"')
    return value.strip().rjust(5, "0")


def _ordered(days: tuple[Weekday, ...]) -> tuple[Weekday, ...]:
    return tuple(day for day in WEEKDAYS if day in days)


if TYPE_CHECKING:
    from collections.abc import Iterable

    Hours = str
    Clock = str
    Weekdays = Accepts[tuple[Weekday, ...], Iterable[str]]
else:
    Hours = Annotated[str, BeforeValidator(_hours)]
    Clock = Annotated[str, BeforeValidator(_clock)]
    Weekdays = Annotated[TupleOf[Weekday], AfterValidator(_ordered)]


class SendWindow(Definition):
    """The local times at which something may be sent. It includes the begin of its hours and excludes their end.

    >>> from datetime import datetime, UTC
    >>> from zoneinfo import ZoneInfo
    >>> office = SendWindow(hours="09:00-17:00", weekdays=["monday", "tuesday"])
    >>> office.first(datetime(2026, 3, 6, 15, tzinfo=UTC), ZoneInfo("Europe/Berlin")).isoformat()
    '2026-03-09T08:00:00+00:00'
    """

    hours: Hours | None = None
    """Such as ``09:00-17:30``; hours over night, such as ``22:00-06:00``, belong to the weekday on which they begin."""
    at: Clock | None = None
    """The very minute, such as ``16:00``: once it has passed, that of the next day."""
    weekdays: Weekdays = default(())
    """The weekdays; none means any."""

    @model_validator(mode="after")
    def _one(self) -> "SendWindow":
        if self.hours is not None and self.at is not None:
            raise Malformed("hours and at cannot be given together", hint="give one of the two")
        if self.hours is None and self.at is None and not self.weekdays:
            raise Malformed("a window needs hours, at or weekdays", hint='write hours="09:00-17:00"')
        return self

    @cached_property
    def spans(self) -> "Spans":
        """The minutes of each weekday in which it is open, from midnight; the end may lie on the next day."""
        if self.at is not None:
            first = _minutes(self.at)
            span = (first, first + 1)
        elif self.hours is not None:
            span = span_of(self.hours)
        else:
            span = (0, DAY_MINUTES)
        days = self.weekdays or WEEKDAYS
        return tuple((span,) if day in days else () for day in WEEKDAYS)

    def is_open(self, at: datetime, zone: ZoneInfo) -> bool:
        """Return whether the window is open at an instant, by the clock of a zone."""
        return _is_open(self.spans, at.astimezone(zone).replace(tzinfo=None))

    def first(self, at: datetime, zone: ZoneInfo) -> datetime:
        """Return the first instant (UTC) at or after another at which the window is open.

        A minute that the clocks skip is open on no such day; one that comes twice is open twice.

        Raises:
            Malformed: It does not open in the 400 days after.
        """
        return first_open((self.spans,), at, zone)

    def __str__(self) -> str:
        days = f" on {', '.join(self.weekdays)}" if self.weekdays else ""
        return f"{f'at {self.at}' if self.at is not None else self.hours or 'all day'}{days}"


Spans = tuple[tuple[Span, ...], ...]
"""For each weekday, the minutes from midnight in which something is open; an end may lie on the next day."""


def quiet_spans(hours: str) -> Spans:
    """Return when it is not quiet, for quiet hours such as ``21:00-08:00``."""
    first, last = span_of(hours)
    if last <= DAY_MINUTES:
        spans = tuple(one for one in ((0, first), (last, DAY_MINUTES)) if one[0] < one[1])
    else:
        spans = ((last - DAY_MINUTES, first),)
    return tuple(spans for _ in WEEKDAYS)


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def _is_open(spans: Spans, wall: datetime) -> bool:
    minutes, weekday = wall.hour * 60 + wall.minute, wall.weekday()
    return any(begin <= minutes < end for begin, end in spans[weekday]) or any(
        begin <= minutes + DAY_MINUTES < end for begin, end in spans[weekday - 1]
    )


def first_open(several: tuple[Spans, ...], at: datetime, zone: ZoneInfo) -> datetime:
    """Return the first instant (UTC) at or after another at which all of some windows are open.

    The answer is exact where clocks change: it is the given instant, the begin of a window as the clocks show it for
    the first or the second time, or the instant of a change that leads into a window.

    Raises:
        Malformed: They are not open together in the 400 days after.
    """
    return first_open_and_shut(several, at, zone)[0]


def first_open_and_shut(several: tuple[Spans, ...], at: datetime, zone: ZoneInfo) -> tuple[datetime, tuple[int, ...]]:
    """Return the same as :func:`first_open`, and the places of the windows that were not open at the given instant."""
    local = at.astimezone(zone)
    minute = (local.weekday() * 24 + local.hour) * 60 + local.minute
    ahead = _minutes_ahead(several)[minute]
    if ahead == 0:
        return at, ()
    shut = tuple(place for place, spans in enumerate(several) if _minutes_ahead((spans,))[minute])
    if ahead > 0:
        found = at - timedelta(seconds=at.second, microseconds=at.microsecond) + timedelta(minutes=ahead)
        # Where no clock changes in between, and no second is part of the offset, that is the minute.
        if found.astimezone(zone).utcoffset() == local.utcoffset() and local.second == at.second:
            return found, shut
    return _searched(several, at, local.date(), zone, days=LONGEST_SEARCH if ahead > 0 else 0), shut


def _searched(several: tuple[Spans, ...], at: datetime, day: date, zone: ZoneInfo, *, days: int) -> datetime:
    """Return the first instant at which all windows are open, looked for day by day."""
    begins = _begins(several)
    for later in range(-1, days):
        here = day + later * _DAY
        for found in _openings(begins, here, zone):
            if found >= at and all(_is_open(spans, found.astimezone(zone).replace(tzinfo=None)) for spans in several):
                return found
    raise Malformed("the windows are not open together in the 400 days from then", hint="widen one of them")


def ever_open(several: tuple[Spans, ...]) -> bool:
    """Return whether all of some windows are open together in any minute of a week."""
    return _minutes_ahead(several)[0] >= 0


@lru_cache(maxsize=512)
def _minutes_ahead(several: tuple[Spans, ...]) -> tuple[int, ...]:
    """Return for each minute of a local week how many minutes later all windows are open; -1 if they never are."""
    opened = [True] * _WEEK_MINUTES
    for spans in several:
        mine = [False] * _WEEK_MINUTES
        for day, parts in enumerate(spans):
            for begin, end in parts:
                for minute in range(begin, end):
                    mine[(day * DAY_MINUTES + minute) % _WEEK_MINUTES] = True
        opened = [one and other for one, other in zip(opened, mine, strict=True)]
    ahead, later = [-1] * _WEEK_MINUTES, -1
    for minute in range(2 * _WEEK_MINUTES - 1, -1, -1):  # twice around, because the next opening may be next week's
        later = 0 if opened[minute % _WEEK_MINUTES] else later + 1 if later >= 0 else -1
        if minute < _WEEK_MINUTES:
            ahead[minute] = later
    return tuple(ahead)


@lru_cache(maxsize=1_024)
def _begins(several: tuple[Spans, ...]) -> tuple[tuple[int, ...], ...]:
    """Return for each weekday the minutes at which any of the windows begins."""
    return tuple(
        tuple(sorted({0, *(begin for spans in several for begin, _ in spans[day])})) for day in range(len(WEEKDAYS))
    )


@lru_cache(maxsize=65_536)
def _openings(begins: tuple[tuple[int, ...], ...], day: date, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Return the instants of a local day at which a window may begin, in order; clocks that change may open one."""
    midnight = datetime.combine(day, time())
    found: set[datetime] = set()
    for begin in begins[day.weekday()]:
        wall = midnight + timedelta(minutes=begin)
        first = from_wall(wall, zone)
        found.add(first)
        # A time that comes twice opens the window twice; there and back again tells it from one that is skipped.
        second = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
        if second > first and second.astimezone(zone).replace(tzinfo=None) == wall:
            found.add(second)
    found.update(_changes(day, zone))
    return tuple(sorted(found))


def _changes(day: date, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield the instants at which clocks change on a local day."""
    low = from_wall(datetime.combine(day, time()), zone)
    high = from_wall(datetime.combine(day + _DAY, time()), zone)
    if low.astimezone(zone).utcoffset() == high.astimezone(zone).utcoffset():
        return
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):  # clocks change on whole seconds
        middle = low + (high - low) // 2
        low, high = (middle, high) if middle.astimezone(zone).utcoffset() == before else (low, middle)
    yield high.replace(microsecond=0)
