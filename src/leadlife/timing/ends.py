"""The instants at which durations end, and the grid of reviews."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from leadlife._base.model import LATEST, utc
from leadlife.timing.durations import MICROSECOND, Calendar, Elapsed
from leadlife.timing.zones import day_start, from_wall, local_day, whole_days

_MEAN_MONTH = 30.436875


def due(start: datetime, duration: Elapsed | Calendar, zone: ZoneInfo) -> datetime:
    """Return the instant (UTC) at which a duration that begins at ``start`` ends."""
    if isinstance(duration, Elapsed):
        return utc(start) + timedelta(microseconds=duration.microseconds)
    if zone.key == "UTC" and not duration.months:
        return utc(start) + timedelta(days=duration.days)  # the same as below, and much faster
    local = start.astimezone(zone)
    wall = local.replace(tzinfo=None)
    if not duration.months:
        days = timedelta(days=duration.days)
        later = utc(start) + days
        there = later.astimezone(zone)
        # Two datetimes of one zone are subtracted by what their clocks show.
        if there - local == days and not there.fold:
            return later  # no clock has changed in between, so this is the same local time
        return from_wall(wall + days, zone)
    from dateutil.relativedelta import relativedelta  # noqa: PLC0415 - needed for months only

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
        done = ((at - start) // MICROSECOND) // every.microseconds
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


def earliest(instants: Iterable[datetime | None]) -> datetime | None:
    """Return the earliest of some instants; None means never, and so does one past the end of the calendar."""
    first = None
    for at in instants:  # a plain loop: every evaluation of a rule comes here several times
        if at is not None and (first is None or at < first):
            first = at
    return None if first is None or first >= LATEST else first


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
