"""Whole amounts divided so that the parts add up."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from leadlife.errors import Malformed


def divided(total: int, weights: Sequence[Fraction | int]) -> list[int]:
    """Return whole parts of a whole amount, in proportion to weights; they add up to it exactly.

    Each part is rounded down, and what is left goes, one by one, to the largest remainders (Hamilton's method); of
    equal remainders, to the first.

    Raises:
        Malformed: A weight is negative, or all of them are zero.
    """
    whole = sum(weights, Fraction(0))
    if whole <= 0 or any(weight < 0 for weight in weights):
        raise Malformed("weights must not be negative, and at least one must be positive")
    exact = [Fraction(abs(total)) * weight / whole for weight in weights]
    parts = [int(share) for share in exact]
    order = sorted(range(len(parts)), key=lambda place: parts[place] - exact[place])
    for place in order[: abs(total) - sum(parts)]:
        parts[place] += 1
    return parts if total >= 0 else [-part for part in parts]
