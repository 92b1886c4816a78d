"""Time zones: the instants of local times and days, and the local days of instants."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from leadlife._base.model import utc
from leadlife.errors import Malformed


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
    local = wall.replace(tzinfo=zone, fold=0)
    at = local.astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == wall.replace(fold=0):  # the clocks show it
        return at
    # In a gap, fold=0 means the offset before the change and fold=1 the offset after it. The change lies between the
    # two instants, and bisection finds it.
    low, high = local.replace(fold=1).astimezone(UTC), local.astimezone(UTC)
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        low, high = (middle, high) if middle.astimezone(zone).utcoffset() == before else (low, middle)
    return high.replace(microsecond=0)


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


def instant(at: Any) -> datetime:
    """Return an aware datetime in UTC.

    Raises:
        Malformed: It is not a datetime, is naive, or is outside the years 1678 to 2261.
    """
    if not isinstance(at, datetime):
        raise Malformed("an instant must be an aware datetime", hint="pass datetime(..., tzinfo=UTC)")
    return utc(at)
