"""Waits: how long until something follows, in exact time, by the calendar, or in business hours."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator

from leadlife._base.model import Accepts, Definition, Name
from leadlife.errors import Malformed
from leadlife.timing.business_hours import BusinessHours
from leadlife.timing.durations import Calendar, Elapsed, read_duration
from leadlife.timing.ends import due


def _elapsed(value: object) -> object:
    if isinstance(value, Calendar) or not value:
        raise Malformed("business hours are counted in elapsed time above 0", hint="write PT8H or timedelta(hours=8)")
    return value


if TYPE_CHECKING:
    PositiveElapsed = Accepts[Elapsed, Elapsed | timedelta | str]
else:
    PositiveElapsed = Annotated[Elapsed | Calendar, BeforeValidator(read_duration), AfterValidator(_elapsed)]


class BusinessTime(Definition):
    """A time that passes only while a team works: ``PT8H`` in its hours is a day's work."""

    op: Literal["business_time"] = "business_time"
    time_open: PositiveElapsed
    """An elapsed duration, such as ``PT8H``."""
    hours: Name
    """The name of the business hours in the playbook."""

    def __str__(self) -> str:
        return f"{self.time_open} of {self.hours}"


def in_hours(time_open: "timedelta | Elapsed | str", hours: str) -> BusinessTime:
    """Return a wait in business hours of the playbook.

    >>> str(in_hours("PT8H", "office"))
    '8 hours of office'
    """
    return BusinessTime(time_open=time_open, hours=hours)


def _read_wait(value: object) -> object:
    if isinstance(value, BusinessTime) or (isinstance(value, Mapping) and "time_open" in value):
        return value
    return read_duration(value)


if TYPE_CHECKING:
    Wait = Accepts[Elapsed | Calendar | BusinessTime | None, Elapsed | Calendar | BusinessTime | timedelta | str | None]
else:
    Wait = Annotated[Elapsed | Calendar | BusinessTime, BeforeValidator(_read_wait)] | None
"""An elapsed duration, a calendar duration, or a time in business hours; None means no wait."""


def waited(
    start: datetime,
    wait: "Elapsed | Calendar | BusinessTime | None",
    zone: ZoneInfo,
    hours: Mapping[str, BusinessHours],
) -> datetime:
    """Return the instant (UTC) at which a wait that begins at ``start`` is over."""
    if wait is None:
        return start
    if isinstance(wait, BusinessTime):
        return hours[wait.hours].add(start, wait.time_open)
    return due(start, wait, zone)
