"""Micropoints: points in whole millionths, so that sums are exact in any order."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import isfinite

from leadlife.errors import Malformed

MICRO = 1_000_000
"""The number of micropoints in a point."""
MOST_POINTS = 1_000_000_000_000


def micropoints(points: object) -> int:
    """Return a number of points as whole micropoints, rounded half away from zero.

    Raises:
        Malformed: It is not a finite number, or its size is above a million million.
    """
    if isinstance(points, bool) or not isinstance(points, int | float):
        raise Malformed(f"points must be a number, not {type(points).__name__}")
    # The size is compared first: isfinite would raise OverflowError for an int that no float can hold.
    if abs(points) > MOST_POINTS or not isfinite(points):
        raise Malformed("points must be a finite number of at most a million million")
    if isinstance(points, int):
        return points * MICRO
    # int() cuts towards zero. So the size is rounded without its sign: round() would round halves to even numbers.
    size = int(abs(points) * MICRO + 0.5)
    return size if points > 0 else -size


exact_threshold: Callable[[object], int] = lru_cache(maxsize=1_024, typed=True)(micropoints)
"""The same for a threshold of a rule, which is asked for again and again."""
