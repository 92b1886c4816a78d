"""Micropoints: points in whole millionths, so that sums are exact whatever the order."""

from __future__ import annotations

from math import isfinite

from leadlife.errors import Malformed

MICRO = 1_000_000
MOST_POINTS = 1_000_000_000_000


def micropoints(points: object) -> int:
    """Return a number of points as whole micropoints, rounded half away from zero.

    Raises:
        Malformed: It is no finite number, or larger than a million million.
    """
    if isinstance(points, bool) or not isinstance(points, int | float):
        raise Malformed(f"points are a number, not {type(points).__name__}")
    if abs(points) > MOST_POINTS or not isfinite(points):
        raise Malformed("points are a finite number, of a million million at most")
    if isinstance(points, int):
        return points * MICRO
    size = int(abs(points) * MICRO + 0.5)
    return size if points > 0 else -size
