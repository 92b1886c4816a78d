"""The Aalen-Johansen incidence of winning, Wilson's interval of a share, and quantiles.

The incidence of one of several competing events is a sum over the days on which it happens: the share of leads without
any event before that day, times the hazard of that day (Aalen and Johansen 1978). On the same day, events come before
censorings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import sqrt
from typing import NamedTuple

Z_95 = 1.959963984540054
"""The 97.5 % point of the standard normal distribution."""

ROUNDING = 1e-9
"""The tolerance for sums of floats that should reach a share exactly."""


class Risk(NamedTuple):
    """The share of leads with the event by a day, and the number of leads still at risk on that day."""

    days: int
    rate: float | None
    at_risk: int


class Incidence:
    """The cumulative incidence of winning, with losing as the competing event, for leads observed for different times.

    Args:
        won: For each won lead, the days from entry to the win.
        lost: For each lost or disqualified lead, the days from entry to that end.
        open_: For each other lead, the days from entry to the end of observation.
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
            # Without a competing event it equals one minus Kaplan-Meier, which rounds less than the sum.
            self._rate[day] = rate if losses else 1 - free
            at_risk -= wins[day] + losses[day] + censored[day]
        self._decided = bool(days) and not censored[days[-1]]

    def by(self, days: int) -> Risk:
        """Return the incidence by a day; its rate is None after the last day on which a lead was observed.

        Where that day decided the last of them, the rate stays as it is. The leads at risk are those that were observed
        for at least so many days.
        """
        later = next((day for day in self._days if day >= days), None)
        if later is None:
            return Risk(days, self._rate[self._days[-1]] if self._decided else None, 0)
        reached = [day for day in self._days if day <= days]
        return Risk(days, self._rate[reached[-1]] if reached else 0.0, self._risk[later])

    def first_reaching(self, share: float) -> int | None:
        """Return the first day on which the incidence reaches a share, or None if it does not."""
        return next((day for day in self._days if self._rate[day] >= share - ROUNDING), None)


def wilson(successes: int, trials: int, *, z: float = Z_95) -> tuple[float, float]:
    """Return Wilson's score interval of a share (Wilson 1927), or 0 to 1 if there are no trials."""
    if trials == 0:
        return 0.0, 1.0
    share, square = successes / trials, z * z
    middle = share + square / (2 * trials)
    reach = z * sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    whole = 1 + square / trials
    # The ends that are exactly 0 or 1 in theory are set, because rounding would miss them.
    low = 0.0 if successes == 0 else (middle - reach) / whole
    high = 1.0 if successes == trials else (middle + reach) / whole
    return low, high


def quantile(ordered: Sequence[int], share: float) -> float | None:
    """Return a quantile of ordered numbers, interpolated linearly (Hyndman and Fan's type 7), or None if empty."""
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
