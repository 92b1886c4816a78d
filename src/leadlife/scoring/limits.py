"""Floors and caps of sums, in whole micropoints."""

from __future__ import annotations

from leadlife.errors import Malformed
from leadlife.scoring.ledger import Contribution, LineKind
from leadlife.scoring.units import micropoints

Limits = tuple[int | None, int | None]
"""The least and the greatest amount, in micropoints; None means that there is no bound."""

UNLIMITED: Limits = (None, None)


def limits_of(floor: float | None, cap: float | None) -> Limits:
    """Return a floor and a cap in micropoints.

    Raises:
        Malformed: The floor is above the cap.
    """
    if cap is not None and floor is not None and cap < floor:
        raise Malformed(f"the floor {floor:g} is above the cap {cap:g}", hint="lower the floor or raise the cap")
    return None if floor is None else micropoints(floor), None if cap is None else micropoints(cap)


def clamped(amount: int, limits: Limits) -> int:
    """Return an amount limited by a floor and a cap."""
    floor, cap = limits
    if cap is not None and amount > cap:
        return cap
    return floor if floor is not None and amount < floor else amount


def limited(lines: list[Contribution], amount: int, limits: Limits, rule: str, what: str) -> int:
    """Return an amount limited by a floor and a cap, and append a line for what they change."""
    allowed = clamped(amount, limits)
    if allowed != amount:
        word = "cap" if allowed < amount else "floor"
        lines.append(Contribution(rule, LineKind.CAP, allowed - amount, f"{word} of {what}"))
    return allowed


def weighted(amount: int, weight: int, whole: int) -> int:
    """Return ``amount * weight / whole`` in whole micropoints, rounded half away from zero."""
    # In integers only: a float quotient is not exact, and other engines (SQL, JavaScript) may round it differently.
    size = (2 * abs(amount * weight) + whole) // (2 * whole)
    return size if amount * weight > 0 else -size


def sum_limits(*limits: Limits) -> Limits:
    """Return the limits of a sum; it has no bound if one of its parts has none."""
    lows, highs = [low for low, _ in limits], [high for _, high in limits]
    return (
        None if None in lows else sum(low for low in lows if low is not None),
        None if None in highs else sum(high for high in highs if high is not None),
    )


def limits_within(limits: Limits, within: Limits) -> Limits:
    """Return limits after a floor and a cap; where a limit is missing, the floor or the cap takes its place."""
    low, high = limits
    return (
        within[0] if low is None else clamped(low, within),
        within[1] if high is None else clamped(high, within),
    )
