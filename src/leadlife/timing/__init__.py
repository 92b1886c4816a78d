"""Time: elapsed and calendar durations, local days, and the instants at which durations end.

An *elapsed* duration is exact seconds. A *calendar* duration changes the local date and keeps the local time of a zone:
one month after 31 January is the last day of February, and one day after noon is noon, even if the clocks changed that
night. A local time that the clocks skip is read as the first instant after the gap; one that occurs twice, as the first
of the two.
"""

from typing import TYPE_CHECKING

from leadlife._base.lazy import lazily
from leadlife.timing.durations import (
    Calendar,
    Duration,
    Elapsed,
    OptionalDuration,
    PositiveDuration,
    days,
    elapsed,
    months,
    parse_duration,
    read_duration,
    weeks,
    years,
)
from leadlife.timing.ends import due, earliest, grid_before, grid_from, shifted, steps
from leadlife.timing.zones import Zone, day_reached, day_start, from_wall, instant, local_day, whole_days, zone_named

if TYPE_CHECKING:
    from leadlife.timing.business_hours import BusinessHours
else:  # it is imported when it is first used: most playbooks need none
    __getattr__, _ = lazily(__name__, {"BusinessHours": "leadlife.timing.business_hours"})

__all__ = [
    "BusinessHours",
    "Calendar",
    "Duration",
    "Elapsed",
    "OptionalDuration",
    "PositiveDuration",
    "Zone",
    "day_reached",
    "day_start",
    "days",
    "due",
    "earliest",
    "elapsed",
    "from_wall",
    "grid_before",
    "grid_from",
    "instant",
    "local_day",
    "months",
    "parse_duration",
    "read_duration",
    "shifted",
    "steps",
    "weeks",
    "whole_days",
    "years",
    "zone_named",
]
