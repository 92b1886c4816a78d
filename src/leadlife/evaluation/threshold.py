"""The threshold of probability for a call, given the value of a win, the cost of a call and the sales capacity."""

from __future__ import annotations

from collections.abc import Iterable
from math import fsum
from typing import Any, NamedTuple

from leadlife._base.outcomes import as_chance, real, several, whole
from leadlife.errors import Malformed


class Threshold(NamedTuple):
    """A threshold, with its expected profit.

    Attributes:
        cut: The least probability to call: the break-even point, or the probability of the last lead within capacity.
        leads: The number of leads to call.
        profit: The expected value of the calls minus their cost.
        next_lead_worth: The expected profit of calling one more lead; 0 if no lead worth a call is left.
        tied: How many leads that capacity leaves out have just the probability of the cut. If there are any, calling
            everybody at or above the cut exceeds the capacity: choose among the tied by a rule of your own.
    """

    cut: float
    leads: int
    profit: float
    next_lead_worth: float
    tied: int


def threshold(probabilities: Iterable[Any], *, value: float, cost: float, capacity: int | None = None) -> Threshold:
    """Return the threshold with the greatest expected profit: a lead is called if probability times value exceeds cost.

    Args:
        probabilities: The probability of winning, for each lead.
        value: The value of a won lead.
        cost: The cost of a call, in the same unit.
        capacity: The greatest number of leads to call; None for no limit. It may end within leads of one probability:
            see ``tied``.

    Raises:
        Malformed: A probability is not from 0 to 1, value is not above 0, or cost or capacity is below 0.
    """
    value, cost = real("value", value), real("cost", cost)
    if value <= 0 or cost < 0:
        raise Malformed("value must be above 0, and cost must be 0 or more")
    capacity = None if capacity is None else whole("capacity", capacity)
    ranked = sorted(map(as_chance, several("probabilities", probabilities)), reverse=True)
    worth = [one for one in ranked if one * value > cost]
    called = worth if capacity is None else worth[:capacity]
    left = worth[len(called) :]
    return Threshold(
        # If capacity ends before the leads worth a call do, the last lead called is the cut; else break-even is.
        called[-1] if left and called else cost / value,
        len(called),
        fsum(one * value - cost for one in called),
        left[0] * value - cost if left else 0.0,
        left.count(called[-1]) if called else 0,
    )
