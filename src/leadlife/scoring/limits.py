"""Floors and caps in micropoints: what holds a sum between two limits, and what a sum can come to at all."""

from __future__ import annotations

from leadlife.errors import Malformed
from leadlife.scoring.score import Contribution, Sort
from leadlife.scoring.units import micropoints

Limits = tuple[int | None, int | None]
"""The least and the most, in micropoints; None where there is no bound."""

UNLIMITED: Limits = (None, None)


def limits_of(floor: float | None, cap: float | None) -> Limits:
    """Return a floor and a cap in micropoints.

    Raises:
        Malformed: The floor lies above the cap.
    """
    if cap is not None and floor is not None and cap < floor:
        raise Malformed(f"the floor ({floor:g}) lies above the cap ({cap:g})", hint="lower the floor or raise the cap")
    return None if floor is None else micropoints(floor), None if cap is None else micropoints(cap)


def clamped(amount: int, limits: Limits) -> int:
    """Return an amount held between a floor and a cap."""
    floor, cap = limits
    if cap is not None and amount > cap:
        return cap
    return floor if floor is not None and amount < floor else amount


def limited(lines: list[Contribution], amount: int, limits: Limits, rule: str, what: str) -> int:
    """Write a line for what a cap takes away or a floor adds, and return what is left."""
    left = clamped(amount, limits)
    if left != amount:
        word = "cap" if left < amount else "floor"
        lines.append(Contribution(rule, Sort.CAP, left - amount, f"{word} of {what}"))
    return left


def weighted(amount: int, weight: int, whole: int) -> int:
    """Return ``amount * weight / whole`` in whole micropoints, rounded half away from zero."""
    # In whole numbers throughout, for a float would round differently on other engines.
    size = (2 * abs(amount * weight) + whole) // (2 * whole)
    return size if amount * weight > 0 else -size


def sum_limits(*limits: Limits) -> Limits:
    """Return the limits of a sum; without a bound where one of the parts has none."""
    lows, highs = [low for low, _ in limits], [high for _, high in limits]
    return (
        None if None in lows else sum(low for low in lows if low is not None),
        None if None in highs else sum(high for high in highs if high is not None),
    )


def limits_within(limits: Limits, within: Limits) -> Limits:
    """Return limits after a floor and a cap; where there is no bound, the floor or the cap is the bound."""
    low, high = limits
    return (
        within[0] if low is None else clamped(low, within),
        within[1] if high is None else clamped(high, within),
    )
