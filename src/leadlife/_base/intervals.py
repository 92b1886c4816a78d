"""Intervals of numbers: cuts that follow the distinct values, so that a value which many share has one of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import groupby, pairwise


def cuts_of(numbers: Iterable[float], parts: int) -> tuple[float, ...]:
    """Return the numbers at which intervals begin, but for the first.

    A value that as many hold as fall to one part is an interval of its own. The values between two such are divided
    into intervals of about equally many, at least one. So 950 zeros beside fifty numbers from 1 to 5 are two intervals,
    where tenths of the ranks would see zeros only.

    Args:
        numbers: The numbers, in any order.
        parts: The number of intervals if no value is held by many.
    """
    counts = sorted(Counter(numbers).items())
    share = sum(count for _, count in counts) / parts
    begins: list[float] = []
    for many, run in groupby(counts, key=lambda item: item[1] >= share):
        values = list(run)
        begins.extend([value for value, _ in values] if many else _divided(values, share))
    return tuple(begins[1:])


def _divided(values: list[tuple[float, int]], share: float) -> list[float]:
    """Return where intervals of about equally many begin: each value belongs to the one that holds its middle rank."""
    total = sum(count for _, count in values)
    number = max(round(total / share), 1)
    places: list[int] = []
    before = 0
    for _, count in values:
        places.append(int((before + count / 2) * number / total))
        before += count
    begins: list[float] = [values[place][0] for place, (left, right) in enumerate(pairwise(places), 1) if left != right]
    return [values[0][0], *begins]
