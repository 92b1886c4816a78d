"""Time: elapsed and calendar durations, local days, and the instants at which durations end.

An *elapsed* duration is exact seconds. A *calendar* duration changes the local date and keeps the local time of a zone:
one month after 31 January is the last day of February, and one day after noon is noon, even if the clocks changed that
night. A local time that the clocks skip is read as the first instant after the gap; one that occurs twice, as the first
of the two.
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, model_serializer

from leadlife._base.model import LATEST, Accepts, Model, utc
from leadlife.errors import Malformed

_ISO = re.compile(
    r"^P(?:(?P<years>\d{1,5})Y)?(?:(?P<months>\d{1,5})M)?(?:(?P<weeks>\d{1,5})W)?(?:(?P<days>\d{1,6})D)?"
    r"(?P<clock>T(?:(?P<hours>\d{1,9})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,12}(?:\.\d{1,6})?)S)?)?$",
    re.ASCII,
)
_CENTURY_MONTHS = 1_200
_CENTURY_DAYS = 36_525
_MEAN_MONTH = 30.436875
_MICROSECONDS = timedelta(microseconds=1)
_SECOND = 1_000_000


class Elapsed(Model):
    """An exact duration in microseconds, at most a hundred years, written as ``PT36H``, ``PT90M`` or ``PT5S``."""

    microseconds: Annotated[int, Field(ge=0, le=_CENTURY_DAYS * 86_400 * _SECOND)]

    def __bool__(self) -> bool:
        return self.microseconds > 0

    def __str__(self) -> str:
        for name, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
            if self.microseconds and not self.microseconds % (size * _SECOND):
                return _counted(self.microseconds // (size * _SECOND), name)
        return f"{self.microseconds / _SECOND:g} seconds"

    def bounds(self) -> tuple[timedelta, timedelta]:
        """Return the shortest and the longest time that the duration can take; here they are equal."""
        exact = timedelta(microseconds=self.microseconds)
        return exact, exact

    @model_serializer
    def _iso(self) -> str:
        whole, rest = divmod(self.microseconds, _SECOND)
        if rest:
            return f"PT{whole}.{rest:06d}S"
        unit, size = next((unit for unit in (("H", 3_600), ("M", 60)) if whole and not whole % unit[1]), ("S", 1))
        return f"PT{whole // size}{unit}"


class Calendar(Model):
    """A duration in months and days of a zone's calendar, at most a hundred years. Written as ``P1M`` or ``P14D``."""

    months: Annotated[int, Field(ge=0, le=_CENTURY_MONTHS)] = 0
    days: Annotated[int, Field(ge=0, le=_CENTURY_DAYS)] = 0

    def __bool__(self) -> bool:
        return self.months > 0 or self.days > 0

    def __str__(self) -> str:
        parts = [_counted(self.months, "month")] if self.months else []
        if self.days or not parts:
            parts.append(_counted(self.days, "day"))
        return " and ".join(parts)

    def bounds(self) -> tuple[timedelta, timedelta]:
        """Return the shortest and the longest time that the duration can take in any zone."""
        # A zone can change its offset in between. The widest offsets are UTC-12 and UTC+14, 26 hours apart.
        shift = timedelta(hours=26)
        least = timedelta(days=28 * self.months + self.days) - shift
        return max(least, timedelta()), timedelta(days=31 * self.months + self.days) + shift

    @model_serializer
    def _iso(self) -> str:
        months = f"{self.months}M" if self.months else ""
        return f"P{months}{self.days}D" if self.days or not months else f"P{months}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def parse_duration(text: Any) -> Elapsed | Calendar:
    """Return the duration of an ISO 8601 text: ``P1M`` and ``P14D`` are calendar, ``PT36H`` is elapsed.

    Raises:
        Malformed: The text is not such a duration, is longer than a hundred years, or mixes both kinds.
    """
    match = _ISO.fullmatch(text) if isinstance(text, str) else None
    if match is None or text in ("P", "PT") or text.endswith("T"):
        raise Malformed("must be an ISO 8601 duration", hint="write P14D, P1M or PT36H")
    part = {name: value or "0" for name, value in match.groupdict().items()}
    if match["clock"] is None:
        months = int(part["years"]) * 12 + int(part["months"])
        return Calendar(months=months, days=int(part["weeks"]) * 7 + int(part["days"]))
    if any(match[name] is not None for name in ("years", "months", "weeks", "days")):
        raise Malformed(
            "a duration must be either calendar (days, months) or elapsed (hours, seconds), not both",
            hint="P1D is a calendar day, PT24H is exactly 24 hours",
        )
    whole, _, fraction = part["seconds"].partition(".")
    seconds = int(part["hours"]) * 3_600 + int(part["minutes"]) * 60 + int(whole)
    return Elapsed(microseconds=seconds * _SECOND + int(fraction.ljust(6, "0")))


def read_duration(value: object) -> object:
    """Return a duration from its ISO 8601 text or a ``timedelta``; durations and mappings are returned unchanged.

    Raises:
        Malformed: The value is of another type, or the text is not a duration.
    """
    if isinstance(value, str):
        return parse_duration(value)
    if isinstance(value, timedelta):
        return Elapsed(microseconds=value // _MICROSECONDS)
    if not isinstance(value, Elapsed | Calendar | dict):
        raise Malformed("must be a duration", hint="write days(14), elapsed(hours=36) or text such as P14D")
    return value


def _positive(value: Elapsed | Calendar) -> Elapsed | Calendar:
    if not value:
        raise Malformed("a duration must be longer than 0", hint="write P1D for a day, PT1H for an hour")
    return value


Duration = Annotated[Elapsed | Calendar, BeforeValidator(read_duration)]
"""An elapsed or a calendar duration; its ISO 8601 text is read as well, and a ``timedelta`` as elapsed."""

if TYPE_CHECKING:
    PositiveDuration = Accepts[Elapsed | Calendar, Elapsed | Calendar | timedelta | str]
    OptionalDuration = Accepts[Elapsed | Calendar | None, Elapsed | Calendar | timedelta | str | None]
else:
    PositiveDuration = Annotated[Elapsed | Calendar, BeforeValidator(read_duration), AfterValidator(_positive)]
    OptionalDuration = PositiveDuration | None
"""A duration longer than 0."""


def days(number: int) -> Calendar:
    """Return so many calendar days."""
    return Calendar(days=number)


def weeks(number: int) -> Calendar:
    """Return so many calendar weeks."""
    return Calendar(days=_times(7, number))


def months(number: int) -> Calendar:
    """Return so many calendar months."""
    return Calendar(months=number)


def years(number: int) -> Calendar:
    """Return so many calendar years."""
    return Calendar(months=_times(12, number))


def _times(size: int, number: Any) -> Any:
    # Another type is passed on unchanged, so that the model refuses it: 7 * "1" would be text.
    return size * number if isinstance(number, int) else number


def elapsed(**parts: float) -> Elapsed:
    """Return an exact duration from the arguments of a ``timedelta``: ``elapsed(hours=36)``.

    Raises:
        Malformed: An argument is not one of a ``timedelta``, or the duration is negative or above a hundred years.
    """
    try:
        return Elapsed(microseconds=timedelta(**parts) // _MICROSECONDS)
    except (TypeError, OverflowError, ValueError) as error:
        if isinstance(error, Malformed):
            raise
        raise Malformed("must be the arguments of a timedelta", hint="write elapsed(hours=36)") from None


@lru_cache(maxsize=256)
def zone_named(name: str) -> ZoneInfo:
    """Return the time zone of an IANA name.

    Raises:
        Malformed: There is no zone of this name (on a system without zone data, install ``tzdata``).
    """
    # These name whatever the machine is set to, or count leap seconds: the same playbook would mean two things.
    if name in ("localtime", "posixrules", "Factory", "leapseconds") or str(name).startswith(("right/", "posix/")):
        raise Malformed(f"the time zone {name!r} depends on the machine", hint="use an IANA name such as Europe/Berlin")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Malformed("there is no such time zone", hint="use an IANA name such as America/Sao_Paulo") from None


def _known_zone(name: str) -> str:
    zone_named(name)
    return name


Zone = Annotated[str, Field(max_length=100), AfterValidator(_known_zone)]
"""The IANA name of a time zone."""


def from_wall(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant (UTC) of a naive local time in a zone; for a skipped time, the first instant after the gap."""
    if zone.key == "UTC":
        return wall.replace(tzinfo=UTC)
    from dateutil import tz  # noqa: PLC0415 - needed outside UTC only

    local = wall.replace(tzinfo=zone, fold=0)
    if tz.datetime_exists(local):
        return local.astimezone(UTC)
    # In a gap, fold=0 means the offset before the change and fold=1 the offset after it. The change lies between the
    # two instants, and bisection finds it.
    low, high = local.replace(fold=1).astimezone(UTC), local.astimezone(UTC)
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        low, high = (middle, high) if middle.astimezone(zone).utcoffset() == before else (low, middle)
    return high.replace(microsecond=0)


def due(start: datetime, duration: Elapsed | Calendar, zone: ZoneInfo) -> datetime:
    """Return the instant (UTC) at which a duration that begins at ``start`` ends."""
    if isinstance(duration, Elapsed):
        return utc(start) + timedelta(microseconds=duration.microseconds)
    if zone.key == "UTC" and not duration.months:
        return utc(start) + timedelta(days=duration.days)  # the same as below, and much faster
    from dateutil.relativedelta import relativedelta  # noqa: PLC0415 - as above

    wall = start.astimezone(zone).replace(tzinfo=None)
    return from_wall(wall + relativedelta(months=duration.months, days=duration.days), zone)


def shifted(day: date, duration: Calendar, *, backwards: bool = False) -> date:
    """Return the day that lies so many months and days after (or before) another; the calendar's ends are the limit."""
    from dateutil.relativedelta import relativedelta  # noqa: PLC0415 - as above

    step = relativedelta(months=duration.months, days=duration.days)
    try:
        return day - step if backwards else day + step
    except (OverflowError, ValueError):
        return date.min if backwards else date.max


def steps(start: datetime, every: Elapsed | Calendar, at: datetime, zone: ZoneInfo) -> tuple[int, datetime | None]:
    """Return the number of whole durations between two instants, and the end of the next one.

    Each step is counted from ``start``: the monthly steps after 31 January are the last days of February, March and
    April. The end of the next one is None if it is after the year 2261.
    """
    if isinstance(every, Elapsed):
        done = ((at - start) // _MICROSECONDS) // every.microseconds
        return done, _nth(start, every, done + 1, zone)
    # A first guess from the mean length of a month. Sums of month lengths differ from the mean by less than one step,
    # so two less are never too many, and the loop below needs a few rounds only.
    done = max(int(whole_days(start, at, zone) / (every.months * _MEAN_MONTH + every.days)) - 2, 0)
    following = _nth(start, every, done + 1, zone)
    while following is not None and following <= at:
        done += 1
        following = _nth(start, every, done + 1, zone)
    return done, following


def _nth(start: datetime, every: Elapsed | Calendar, number: int, zone: ZoneInfo) -> datetime | None:
    try:
        if isinstance(every, Elapsed):
            return utc(start + timedelta(microseconds=every.microseconds * number))
        from dateutil.relativedelta import relativedelta  # noqa: PLC0415 - as above

        wall = start.astimezone(zone).replace(tzinfo=None)
        return utc(from_wall(wall + relativedelta(months=every.months * number, days=every.days * number), zone))
    except (OverflowError, ValueError):
        return None


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant (UTC) of a local day."""
    return from_wall(datetime(day.year, day.month, day.day), zone)  # noqa: DTZ001 - a local time, on purpose


def local_day(at: datetime, zone: ZoneInfo) -> date:
    """Return the local day of an instant in a zone."""
    return at.date() if zone.key == "UTC" and at.tzinfo is UTC else at.astimezone(zone).date()


def day_reached(at: datetime, zone: ZoneInfo) -> date:
    """Return the latest local day that has begun by an instant: one that has begun stays so where clocks go back."""
    day = local_day(at, zone)
    following = day + timedelta(days=1) if day < date.max else day
    return following if following > day and at >= day_start(following, zone) else day


def whole_days(start: datetime, end: datetime, zone: ZoneInfo) -> int:
    """Return the number of local midnights between two instants in a zone."""
    return (local_day(end, zone) - local_day(start, zone)).days


def earliest(instants: Iterable[datetime | None]) -> datetime | None:
    """Return the earliest of some instants; None means never, and so does one past the end of the calendar."""
    return min((at for at in instants if at is not None and at < LATEST), default=None)


def instant(at: Any) -> datetime:
    """Return an aware datetime in UTC.

    Raises:
        Malformed: It is not a datetime, is naive, or is outside the years 1678 to 2261.
    """
    if not isinstance(at, datetime):
        raise Malformed("an instant must be an aware datetime", hint="pass datetime(..., tzinfo=UTC)")
    return utc(at)


def grid_from(at: datetime, zone: ZoneInfo, every: int) -> datetime:
    """Return the first instant of the review grid at or after ``at``.

    The grid is the starts of local days, every so many days. It is counted from a fixed day, so that it does not depend
    on when anybody asks.
    """
    day = local_day(at, zone)
    day += timedelta(days=-day.toordinal() % every)
    # Where the clocks fall back past midnight, a day begins and the day before it goes on: so the next start may still
    # lie before the instant, and one more step is needed.
    while (start := day_start(day, zone)) < at:
        day += timedelta(days=every)
    return start


def grid_before(at: datetime, zone: ZoneInfo, every: int) -> datetime:
    """Return the last instant of the review grid before ``at``."""
    day = local_day(at, zone)
    # One step too far first, because the next day may have begun already where the clocks fell back past midnight.
    day += timedelta(days=every - day.toordinal() % every)
    while (start := day_start(day, zone)) >= at:
        day -= timedelta(days=every)
    return start
