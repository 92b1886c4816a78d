"""The Aalen-Johansen incidence of winning, Wilson's interval of a share, and quantiles.

The incidence of one of several competing events is a sum over the days on which it happens: the share of leads without
any event before that day, times the hazard of that day (Aalen and Johansen 1978); see ``CompetingRisks``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import sqrt
from typing import NamedTuple

from leadlife.analytics.survival import CompetingRisks

Z_95 = 1.959963984540054
"""The 97.5 % point of the standard normal distribution."""

WON, LOST = "won", "lost"


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
        causes = ((WON, won), (LOST, lost), (None, open_))
        self._risks = CompetingRisks((days, cause) for cause, several in causes for days in several)

    def by(self, days: int) -> Risk:
        """Return the incidence by a day; its rate is None after the last day on which a lead was observed.

        Where that day decided the last of them, the rate stays as it is. The leads at risk are those that were observed
        for at least so many days.
        """
        risks = self._risks
        known = risks.is_decided or (risks.last is not None and days <= risks.last)
        rate = risks.incidence(WON, by=days) if WON in risks.causes else 0.0
        return Risk(days, rate if known else None, risks.at_risk(at=days))

    def first_reaching(self, share: float) -> int | None:
        """Return the first day on which the incidence reaches a share, or None if it does not."""
        day = self._risks.first_reaching(WON, share)
        return None if day is None else int(day)


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
