"""Scores that are known closely enough: bounds of a sum instead of the sum, until somebody asks for the sum.

A rule with a half-life and no cap adds up all activities, so its sum costs more with every activity. Its decayed count
has a running form: with each activity it is aged and one is added, in floats. Each line is rounded to a micropoint, so
the true sum lies within half a micropoint for each activity, and the error of the floats, of points times the count. A
threshold outside these bounds is decided without the sum; inside them, the sum is added up. So the answers are those of
the ledger.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from datetime import date, datetime, timedelta
from math import ceil, floor
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from leadlife.criteria import Observation
from leadlife.scoring.score import Score, bands_above, fades_by, room
from leadlife.scoring.units import MICRO, exact_threshold
from leadlife.timing import local_day

FLOAT_ERROR = 1e-9
"""More than the share by which the floats of a decayed count can be off: each step adds one part in 2**52 at most."""
_MICROSECOND = timedelta(microseconds=1)


class Decayed(NamedTuple):
    """A decayed count of activities, as of the latest of them.

    Attributes:
        units: The sum of what a half-life leaves of one for each.
        number: How many there are.
        at: The instant of the latest.
    """

    units: float
    number: int
    at: datetime

    def left(self, at: datetime, half_life: int) -> float:
        """Return the decayed count at a later instant."""
        age: int = (at - self.at) // _MICROSECOND
        return self.units * float(2.0 ** (-age / half_life))


Step = Callable[[Decayed | None, Observation], Decayed | None]


def decaying(half_life: int, matches: Callable[[Any], bool] | None) -> Step:
    """Return how a decayed count goes on with one more activity."""

    def step(before: Decayed | None, seen: Observation) -> Decayed | None:
        if matches is not None and not matches(seen.value):
            return before
        if before is None:
            return Decayed(1.0, 1, seen.at)
        return Decayed(before.left(seen.at, half_life) + 1.0, before.number + 1, seen.at)

    return step


class Counted(NamedTuple):
    """A number of activities, with the local day of the latest and how many of that day are counted."""

    number: int
    day: date | None
    of_day: int


CountStep = Callable[[Counted | None, Observation], Counted | None]


def counting(matches: Callable[[Any], bool] | None, per_day: int | None, zone: ZoneInfo) -> CountStep:
    """Return how a number of activities goes on with one more: of those that match, at most so many a day."""

    def step(before: Counted | None, seen: Observation) -> Counted | None:
        if matches is not None and not matches(seen.value):
            return before
        number, last, of_day = before or Counted(0, None, 0)
        if per_day is None:
            return Counted(number + 1, None, 0)
        day = local_day(seen.at, zone)
        if day != last:
            return Counted(number + 1, day, 1)
        return Counted(number + 1, day, of_day + 1) if of_day < per_day else before

    return step


class Bounds(NamedTuple):
    """Whole micropoints between which an amount lies."""

    low: int
    high: int

    @classmethod
    def of(cls, decayed: Decayed, at: datetime, half_life: int, size: int) -> Bounds:
        """Return the bounds of the sum of activities that give so many micropoints each when they are new."""
        near = size * decayed.left(at, half_life)
        error = decayed.number / 2 + near * FLOAT_ERROR + 1
        return cls(max(floor(near - error), 0), ceil(near + error))


class NearScore:
    """A score whose sum is worked out only if its bounds do not decide; else as a :class:`Score` answers criteria."""

    __slots__ = (
        "_cuts",
        "_known",
        "_sum",
        "at",
        "bands",
        "bounds",
        "changes_at",
        "fading",
        "half_life",
        "recovers",
        "rounding",
    )

    answered = True
    why = ""

    def __init__(
        self,
        exact: Callable[[], Score],
        bounds: Bounds,
        bands: list[tuple[int, str]],
        *,
        at: datetime,
        changes_at: datetime | None,
        fading: int,
        rounding: int,
        half_life: int | None,
        recovers: bool,
    ) -> None:
        """Take what the rules know nearly.

        Args:
            exact: What works the score out.
            bounds: The bounds of the sum, in micropoints.
            bands: The least micropoints of each band with its name, the lowest first.
            at: The instant of the score.
            changes_at: As for a score.
            fading: As for a score; it may be too large.
            rounding: As for a score; it may be too large.
            half_life: As for a score.
            recovers: Whether the sum may rise while it fades, because something in it is below zero.
        """
        self._sum = exact
        self._known: Score | None = None
        self._cuts = [least for least, _ in bands]
        self.bounds: Bounds = bounds
        self.bands: tuple[str, ...] = tuple(name for _, name in bands)
        self.at: datetime = at
        self.changes_at: datetime | None = changes_at
        self.fading: int = fading
        self.rounding: int = rounding
        self.half_life: int | None = half_life
        self.recovers: bool = recovers

    @property
    def exact(self) -> Score:
        """The score itself."""
        if self._known is None:
            self._known = self._sum()
        return self._known

    @property
    def value(self) -> float:
        """The score in points."""
        return self.exact.value

    @property
    def activities(self) -> tuple[str, ...]:
        """The ids of the activities that the score rests on."""
        return self.exact.activities

    @property
    def band(self) -> str | None:
        """The band of the value."""
        low, high = (bisect_right(self._cuts, end) for end in self.bounds)
        if low != high:
            return self.exact.band
        return self.bands[low - 1] if low else None

    def compares(self, relation: Callable[[float, float], bool], value: float) -> bool:
        """Return whether the value stands in one of the six relations to another."""
        least, most = self.bounds
        low = least / MICRO
        if least < most and low <= value <= most / MICRO:
            return relation(self.exact.value, value)
        # The sum is known, or both ends, and all between them, are on one side of the value.
        return relation(low, value)

    def room(self, threshold: float | None) -> int | None:
        """Return by how many micropoints the value may rise and stay on its side of a threshold, or in its band."""
        limits = bands_above(self.bounds.low, self._cuts) if threshold is None else (exact_threshold(threshold),)
        return room(*self.bounds, limits)

    def fades_from(self, threshold: float | None) -> datetime | None:
        """Return an instant before which half-lives cannot take the value across a threshold; None means never."""
        low, high = self.bounds
        limits = self._cuts if threshold is None else (exact_threshold(threshold),)
        # What only falls never reaches a threshold above it. So a lead far from it is not looked at again and again.
        distances = [max(low - limit, limit - high, 0) for limit in limits if self.recovers or limit <= high]
        if not distances:
            return None
        return fades_by(min(distances), self.at, self.fading, self.rounding, self.half_life)
