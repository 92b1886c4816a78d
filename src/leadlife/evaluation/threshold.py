"""Where to cut: whom to call, for a value, a cost and a sales capacity."""

from __future__ import annotations

from collections.abc import Iterable
from math import fsum
from typing import Any, NamedTuple

from leadlife._base.outcomes import as_chance, real, several, whole
from leadlife.errors import Malformed


class Threshold(NamedTuple):
    """Where to cut.

    Attributes:
        cut: The least probability that is worth a call, or that the capacity reaches.
        leads: How many leads are called.
        profit: What the calls are expected to bring, their cost taken off.
        next_lead_worth: What one more slot would bring; 0 where nobody worth it is left.
    """

    cut: float
    leads: int
    profit: float
    next_lead_worth: float


def threshold(probabilities: Iterable[Any], *, value: float, cost: float, capacity: int | None = None) -> Threshold:
    """Return where to cut so that the calls bring most: a lead is called if it is expected to bring more than it costs.

    Args:
        probabilities: Of winning, for each lead.
        value: What a won lead brings.
        cost: What a call costs.
        capacity: How many leads can be called; None for any number.

    Raises:
        Malformed: One is no probability, or value, cost or capacity are no positive numbers.
    """
    value, cost = real("value", value), real("cost", cost)
    if value <= 0 or cost < 0:
        raise Malformed("value is above nothing, and cost is not below it")
    capacity = None if capacity is None else whole("capacity", capacity)
    ranked = sorted(map(as_chance, several("probabilities", probabilities)), reverse=True)
    worth = [one for one in ranked if one * value > cost]
    called = worth if capacity is None else worth[:capacity]
    left = worth[len(called) :]
    return Threshold(
        called[-1] if left and called else cost / value,
        len(called),
        fsum(one * value - cost for one in called),
        left[0] * value - cost if left else 0.0,
    )
