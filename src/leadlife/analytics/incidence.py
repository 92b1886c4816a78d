"""How many get there by when: the Aalen-Johansen incidence, and the interval of a share.

The incidence of an event among competing ones is the sum, over the days on which it happens, of the share still at
risk just before that day times the day's hazard (Aalen and Johansen 1978). On one day events come before censorings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import sqrt
from typing import NamedTuple

Z_95 = 1.959963984540054
"""The 97.5 % point of the standard normal distribution."""

ROUNDING = 1e-9
"""What sums of floats may fall short of a share that is reached exactly."""


class Risk(NamedTuple):
    """The share that has had the event by some day, and how many were still at risk on that day."""

    days: int
    rate: float | None
    at_risk: int


class Incidence:
    """The cumulative incidence of won, against lost, among leads that are watched for different times.

    Args:
        won: Days from entry to won, of those who won.
        lost: Days from entry to lost or disqualified, of those who ended so.
        open_: Days from entry to the end of observation, of everybody else.
    """

    def __init__(self, *, won: Iterable[int], lost: Iterable[int], open_: Iterable[int]) -> None:
        wins, losses, censored = Counter(won), Counter(lost), Counter(open_)
        days = sorted({*wins, *losses, *censored})
        self._days = days
        self._risk: dict[int, int] = {}
        self._rate: dict[int, float] = {}
        at_risk = wins.total() + losses.total() + censored.total()
        free, rate = 1.0, 0.0
        for day in days:
            self._risk[day] = at_risk
            rate += free * wins[day] / at_risk
            free *= 1 - (wins[day] + losses[day]) / at_risk
            # Without competition it is one minus Kaplan-Meier, which rounds less than the sum does.
            self._rate[day] = rate if losses else 1 - free
            at_risk -= wins[day] + losses[day] + censored[day]

    def by(self, days: int) -> Risk:
        """Return the incidence by a day; its rate is None past the last follow-up.

        At risk are those whose time is at least so many days.
        """
        later = next((day for day in self._days if day >= days), None)
        if later is None:
            return Risk(days, None, 0)
        reached = [day for day in self._days if day <= days]
        return Risk(days, self._rate[reached[-1]] if reached else 0.0, self._risk[later])

    def first_reaching(self, share: float) -> int | None:
        """Return the first day on which the incidence reaches a share, or None."""
        return next((day for day in self._days if self._rate[day] >= share - ROUNDING), None)


def wilson(successes: int, trials: int, *, z: float = Z_95) -> tuple[float, float]:
    """Return Wilson's score interval for a share (Wilson 1927); for no trials at all, everything is possible."""
    if trials == 0:
        return 0.0, 1.0
    share, square = successes / trials, z * z
    middle = share + square / (2 * trials)
    reach = z * sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    whole = 1 + square / trials
    low = 0.0 if successes == 0 else (middle - reach) / whole
    high = 1.0 if successes == trials else (middle + reach) / whole
    return low, high


def quantile(ordered: Sequence[int], share: float) -> float | None:
    """Return a quantile of ordered numbers by linear interpolation between neighbours (type 7); None of none."""
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
