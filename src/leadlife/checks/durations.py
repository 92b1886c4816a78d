"""Which of several durations can be over at one time, whenever they began."""

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
"""Days after the first of 2015: that year and the next, and 2025."""


def stages_of(durations: Iterable[Lasting], zone: ZoneInfo) -> dict[frozenset[Lasting], timedelta]:
    """Return each set of durations that can be over while the others are not, with an age at which they are.

    Durations whose order never changes give one row of sets. Where it depends on the calendar (a month and 30 days, a
    day and 24 hours), they begin at every noon of 2015, 2016 (a leap year) and 2025.

    Args:
        durations: The durations; they all begin at one instant.
        zone: Whose calendar they follow.
    """
    return _stages(frozenset(durations), zone)


def may_end_first(one: Lasting, other: Lasting, zone: ZoneInfo) -> bool:
    """Return whether the first can be over while the second is not, if both begin at one instant."""
    return any(one in over and other not in over for over in stages_of((one, other), zone))


@lru_cache(maxsize=256)
def _stages(durations: frozenset[Lasting], zone: ZoneInfo) -> dict[frozenset[Lasting], timedelta]:
    found: dict[frozenset[Lasting], timedelta] = {frozenset(): timedelta()}
    for start in _starts(durations, zone):
        ends = {duration: due(start, duration, zone) for duration in durations}
        for end in sorted(set(ends.values())):
            over = frozenset(duration for duration in durations if ends[duration] <= end)
            found.setdefault(over, end - start)
    return found


def _starts(durations: frozenset[Lasting], zone: ZoneInfo) -> Iterator[datetime]:
    exact = zone.key == "UTC" and not any(isinstance(one, Calendar) and one.months for one in durations)
    ranked = sorted(durations, key=lambda one: one.bounds())
    always = exact or all(_never_longer(shorter, longer) for shorter, longer in pairwise(ranked))
    for day in _SAMPLED[:1] if always else _SAMPLED:
        yield _NOON + timedelta(days=day)


def _never_longer(shorter: Lasting, longer: Lasting) -> bool:
    if isinstance(shorter, Calendar) and isinstance(longer, Calendar):
        return shorter.months <= longer.months and shorter.days <= longer.days
    return shorter.bounds()[1] <= longer.bounds()[0]
