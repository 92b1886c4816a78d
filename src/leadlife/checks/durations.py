"""Which of several durations can be over at the same time, for every possible start.

Exact durations have one order. Calendar durations do not: a month is 28 to 31 days, and a local day is 23 to 25 hours.
So which of two durations ends first can depend on the day on which both begin.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from leadlife.timing import Calendar, Elapsed, due

Lasting = Elapsed | Calendar
_NOON = datetime(2015, 1, 1, 12, tzinfo=UTC)
_SAMPLED = (*range(731), *range(3_653, 4_018))
"""The starts that are tried, as days after 1 January 2015: every day of 2015, 2016 (a leap year) and 2025.

Their months have every length from 28 to 31 days and their local days every length from 23 to 25 hours. The year 2025
stands for the present clock rules of a zone. One start a day is enough: a clock change moves the end of a day whatever
the hour of the start.
"""


_YEARS = range(1980, 2038)
"""The years whose clock changes are looked up: some zones changed their offset once, and never like that again."""


def stages_of(durations: Iterable[Lasting], zone: ZoneInfo) -> dict[frozenset[Lasting], timedelta]:
    """Return each set of durations that can be over while the others are not, with an age at which this is so.

    Durations whose order never changes give one chain of sets. If the order depends on the calendar (a month and
    30 days, a day and 24 hours), the function tries a start at noon of every day of 2015, 2016 and 2025, and of the
    days before each change of the zone's offset.

    Args:
        durations: The durations. All of them begin at the same instant.
        zone: The time zone whose calendar they follow.
    """
    return _stages(frozenset(durations), zone)


def may_end_first(one: Lasting, other: Lasting, zone: ZoneInfo) -> bool:
    """Return whether the first duration can be over while the second is not, if both begin at the same instant."""
    return any(one in over and other not in over for over in stages_of((one, other), zone))


@lru_cache(maxsize=256)
def _stages(durations: frozenset[Lasting], zone: ZoneInfo) -> dict[frozenset[Lasting], timedelta]:
    found: dict[frozenset[Lasting], timedelta] = {frozenset(): timedelta()}
    for start in _starts(durations, zone):
        ends = {duration: due(start, duration, zone) for duration in durations}
        for end in sorted(set(ends.values())):
            # Equal ends are over together, so the set is built from the instant and not from one duration.
            over = frozenset(duration for duration in durations if ends[duration] <= end)
            found.setdefault(over, end - start)
    return found


def _starts(durations: frozenset[Lasting], zone: ZoneInfo) -> Iterator[datetime]:
    # In UTC every day has 24 hours, so only months vary.
    exact = zone.key == "UTC" and not any(isinstance(one, Calendar) and one.months for one in durations)
    ranked = sorted(durations, key=lambda one: one.bounds())
    # If no neighbour in the ranking can overtake the next one, one start shows the only order there is.
    always = exact or all(_never_longer(shorter, longer) for shorter, longer in pairwise(ranked))
    for day in _SAMPLED[:1] if always else _SAMPLED:
        yield _NOON + timedelta(days=day)
    yield from () if always or exact else _before_changes(zone)


@lru_cache(maxsize=16)
def _before_changes(zone: ZoneInfo) -> tuple[datetime, ...]:
    """Return the hours of the three days around each change of a zone's offset."""
    first, last = datetime(_YEARS[0], 1, 1, 12, tzinfo=UTC), datetime(_YEARS[-1], 12, 31, 12, tzinfo=UTC)
    noons = [first + timedelta(days=day) for day in range((last - first).days)]
    offsets = [noon.astimezone(zone).utcoffset() for noon in noons]
    changed = [noon for noon, (one, other) in zip(noons, pairwise(offsets), strict=False) if one != other]
    return tuple(noon - timedelta(hours=back) for noon in changed for back in range(-24, 49, 3))


def _never_longer(shorter: Lasting, longer: Lasting) -> bool:
    """Return whether the first duration is at most as long as the second for every start."""
    # Compare two calendar durations part by part: their bounds overlap (a month and two), their order is still fixed.
    if isinstance(shorter, Calendar) and isinstance(longer, Calendar):
        return shorter.months <= longer.months and shorter.days <= longer.days
    return shorter.bounds()[1] <= longer.bounds()[0]
