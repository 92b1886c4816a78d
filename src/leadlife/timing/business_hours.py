"""Business hours: when a team works, and how long things take in its hours."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, get_args
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, model_validator

from leadlife._base.model import LATEST, Accepts, Definition, MappingOf, TupleOf, default
from leadlife._frozen import FrozenDict
from leadlife.errors import Malformed
from leadlife.timing.durations import Elapsed, read_duration
from leadlife.timing.zones import Zone, from_wall, instant, local_day, zone_named

OPENING = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s*-\s*(?:([01]?\d|2[0-3]):([0-5]\d)|24:00)", re.ASCII)
_DAY = timedelta(days=1)
DAY_MINUTES = 1_440
_NEVER = "there are not so many business hours before the year 2262"

Span = tuple[int, int]
"""The minutes after the midnight at which a local day begins; the end may lie on the next day."""


Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)


def span_of(text: str) -> Span:
    """Return the minutes of hours such as ``22:00-06:00``; an end that is not later lies on the next day."""
    begin, _, end = (part.strip() for part in text.partition("-"))
    first, last = (int(clock[:-3]) * 60 + int(clock[-2:]) for clock in (begin, end))
    return first, last if last > first else last + DAY_MINUTES


def _opening(value: Any) -> Any:
    match = OPENING.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise Malformed("an opening is two times of day", hint='write "09:00-17:30", "22:00-06:00" or "00:00-24:00"')
    first, last = span_of(match[0])
    return f"{_clock(first)}-{_clock(last) if last == DAY_MINUTES else _clock(last % DAY_MINUTES)}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _one_or_several(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _in_order(week: dict[Weekday, tuple[str, ...]]) -> FrozenDict[Weekday, tuple[str, ...]]:
    return FrozenDict({day: tuple(sorted(week[day], key=span_of)) for day in WEEKDAYS if week.get(day)})


def _keys(value: Any) -> Any:
    if isinstance(value, str):
        raise Malformed("holidays must be a list of dates", hint="write [date(2026, 12, 25)]")
    return tuple(value) if isinstance(value, Iterable) else value


def _day(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise Malformed("a holiday is a date", hint="write 2026-12-25") from None
    if isinstance(value, datetime):
        raise Malformed("a holiday is a date without a time", hint="pass at.date()")
    return value


def _once(found: tuple[date, ...]) -> tuple[date, ...]:
    return tuple(sorted(set(found)))


if TYPE_CHECKING:
    Week = Accepts[Mapping[str, tuple[str, ...]], Mapping[str, str | Iterable[str]]]
    Holidays = Accepts[tuple[date, ...], Iterable[date | str]]
else:
    Openings = Annotated[TupleOf[Annotated[str, BeforeValidator(_opening)]], BeforeValidator(_one_or_several)]
    Week = Annotated[MappingOf[Weekday, Openings], AfterValidator(_in_order)]
    Holidays = Annotated[TupleOf[Annotated[date, BeforeValidator(_day)]], BeforeValidator(_keys), AfterValidator(_once)]


class BusinessHours(Definition):
    """The hours in which a team works, by local time, and the holidays on which it does not.

    A time that the clocks skip is the first instant after the gap, and one that occurs twice is the first of the two,
    as everywhere in :mod:`leadlife.timing`. So ``00:00-24:00`` has 23 or 25 hours where clocks change. An opening
    includes its begin and excludes its end.

    >>> from datetime import datetime, timedelta, UTC
    >>> office = BusinessHours.weekdays("09:00-12:00", "13:00-17:00", zone="Europe/Berlin", holidays=["2026-12-25"])
    >>> friday = datetime(2026, 3, 6, 15, tzinfo=UTC)  # 16:00 in Berlin
    >>> office.add(friday, timedelta(hours=4)).isoformat()
    '2026-03-09T11:00:00+00:00'
    >>> office.between(friday, datetime(2026, 3, 9, 11, tzinfo=UTC))
    datetime.timedelta(seconds=14400)
    """

    zone: Zone
    week: Week
    """The openings of each weekday, such as ``09:00-17:30``; a weekday that is not named is closed.

    An opening whose end is not later than its begin goes on to the next day, and belongs to the day on which it begins.
    """
    holidays: Holidays = default(())
    """Local days on which no opening begins, such as the keys of a calendar of the ``holidays`` package."""

    @classmethod
    def weekdays(cls, *openings: str, zone: str, holidays: Iterable[date | str] = ()) -> Self:
        """Return the hours of a team that works from Monday to Friday.

        Raises:
            InvalidDefinition: An opening, the zone or a holiday cannot be read, or openings overlap.
        """
        return cls(zone=zone, week=dict.fromkeys(WEEKDAYS[:5], openings), holidays=holidays)

    @model_validator(mode="after")
    def _may_be_worked(self) -> Self:
        week = 7 * DAY_MINUTES
        spans = sorted(
            (place * DAY_MINUTES + begin, place * DAY_MINUTES + end)
            for place, openings in enumerate(self._spans)
            for begin, end in openings
        )
        if not spans:
            raise Malformed("no weekday has an opening", hint='write week={"monday": "09:00-17:00"}')
        first = spans[0]
        for before, after in pairwise([*spans, (first[0] + week, first[1] + week)]):
            if before[1] > after[0]:
                place, clock = divmod(after[0] % week, DAY_MINUTES)
                message = f"the opening of {WEEKDAYS[place]} at {_clock(clock)} begins before the one before it ends"
                raise Malformed(message, hint="write one opening")
        return self

    @cached_property
    def _spans(self) -> tuple[tuple[Span, ...], ...]:
        return tuple(tuple(sorted(map(span_of, self.week.get(day, ())))) for day in WEEKDAYS)

    @cached_property
    def _closed(self) -> frozenset[date]:
        return frozenset(self.holidays)

    def is_open(self, at: datetime) -> bool:
        """Return whether the team works at an instant.

        Raises:
            Malformed: The instant is not an aware datetime.
        """
        at = instant(at)
        return next((begin <= at for begin, _ in self._openings_from(at)), False)

    def opens(self, at: datetime) -> datetime:
        """Return the first instant (UTC) at or after another at which the team works.

        Raises:
            Malformed: The instant is not an aware datetime, or there is none before the year 2262.
        """
        return self.add(at, timedelta())

    def add(self, at: datetime, time_open: timedelta | Elapsed | str) -> datetime:
        """Return the instant (UTC) by which so much time has passed in business hours.

        A deadline that a day's work just meets is the end of that day, and not the begin of the next. No time at all
        leads to the first instant at or after ``at`` at which the team works.

        Args:
            at: The instant at which the time begins.
            time_open: A ``timedelta``, an elapsed duration or its text, such as ``PT8H``.

        Raises:
            Malformed: The instant is not an aware datetime, the time is negative or not an elapsed duration, or
                it does not end before the year 2262.
        """
        at, left = instant(at), _exact(time_open)
        for begin, end in self._openings_from(at):
            since = max(begin, at)
            if left <= end - since:
                return since + left
            left -= end - since
        raise Malformed(_NEVER)

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return the time in business hours from one instant to another; negative if the other is earlier.

        Raises:
            Malformed: An instant is not an aware datetime.
        """
        start, end = instant(start), instant(end)
        if end < start:
            return -self.between(end, start)
        total = timedelta()
        for begin, close in self._openings_from(start):
            if begin >= end:
                break
            total += min(close, end) - max(begin, start)
        return total

    def _openings_from(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the openings that end after an instant, in order."""
        zone = zone_named(self.zone)
        # The day before may have an opening that goes on past midnight, and the clocks may have gone back past it too.
        day = local_day(at, zone) - 2 * _DAY
        last = LATEST.date()
        while day < last:
            if day not in self._closed:
                for begin, end in _instants(self._spans[day.weekday()], day, zone):
                    if end > at:
                        yield begin, end
            day += _DAY


@lru_cache(maxsize=4_096)
def _instants(spans: tuple[Span, ...], day: date, zone: ZoneInfo) -> tuple[tuple[datetime, datetime], ...]:
    """Return the begins and ends (UTC) of the openings of a local day; one that the clocks skip is left out."""
    midnight = datetime.combine(day, time())
    both = [tuple(from_wall(midnight + timedelta(minutes=at), zone) for at in span) for span in spans]
    return tuple((begin, end) for begin, end in both if begin < end)


def _exact(time_open: Any) -> timedelta:
    if isinstance(time_open, timedelta) and time_open < timedelta():
        raise Malformed("the time must not be negative")
    duration = read_duration(time_open)
    if not isinstance(duration, Elapsed):
        raise Malformed("business hours are counted in elapsed time", hint="write timedelta(hours=8) or PT8H")
    return duration.bounds()[0]
