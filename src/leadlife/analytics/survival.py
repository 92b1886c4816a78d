"""Times until an event where some are not over yet: Kaplan-Meier, and Aalen-Johansen for any number of causes.

Whoever has had no event by the end of observation is censored, not event-free for ever. At one time, events come before
censorings. Errors are those of Greenwood (1926) for the survival, and of Marubini and Valsecchi (1995, eq. 10.12) for
the incidence of one cause.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable
from math import inf, sqrt
from typing import NamedTuple

from leadlife._base.arguments import listed
from leadlife._base.outcomes import real
from leadlife.errors import Malformed, did_you_mean

ROUNDING = 1e-9
"""The tolerance for sums of floats that should reach a share exactly."""


def _check(one: object) -> None:
    """Check that a pair is a time and its cause."""
    if not isinstance(one, tuple) or len(one) != 2:  # noqa: PLR2004 - a pair
        raise Malformed("each time comes with its cause", hint='pass (12, "won"), or (12, None) while it runs')
    time, cause = one
    if not 0 <= real("a time", time) < inf:
        raise Malformed("times must be finite, and not negative")
    if cause is not None and not isinstance(cause, str):
        raise Malformed("a cause is a name, or None while the time runs")


class _Step(NamedTuple):
    """What happens at one time: how many were at risk, how many had each event, and the survival just before."""

    time: float
    at_risk: int
    events: dict[str, int]
    before: float

    @property
    def total(self) -> int:
        return sum(self.events.values())


class CompetingRisks:
    """How likely each of some causes has ended a time by a later one, from times of which some are still running.

    >>> stays = CompetingRisks([(3, "won"), (5, "lost"), (5, None), (8, "won")])
    >>> stays.incidence("won", by=4), stays.survival(by=4)
    (0.25, 0.75)

    Attributes:
        causes: The causes, in order.
        number: How many times there are.
        times: All times at which something happened, in order.
        last: The longest of them; None without any.
    """

    def __init__(self, times: Iterable[tuple[float, str | None]]) -> None:
        """Take the times.

        Args:
            times: Each time with the cause that ended it; None while it runs.

        Raises:
            Malformed: A time is negative or not finite.
        """
        # Each distinct pair is checked once: most times in whole days occur often.
        try:
            counts = Counter(listed("times", times))
        except TypeError:
            raise Malformed("each time comes with its cause", hint='pass (12, "won"), or (12, None)') from None
        for one in counts:
            _check(one)
        by_time: dict[float, dict[str | None, int]] = {}
        for (time, cause), number in counts.items():
            by_time.setdefault(time, {})[cause] = number
        self.causes: tuple[str, ...] = tuple(sorted({cause for _, cause in counts if cause is not None}))
        self.number: int = counts.total()
        self._steps: list[_Step] = []
        self._survival: list[float] = []
        self._incidence: dict[str, list[float]] = {cause: [] for cause in self.causes}
        at_risk, free, sums = self.number, 1.0, dict.fromkeys(self.causes, 0.0)
        for time in sorted(by_time):
            found = by_time[time]
            events = {cause: number for cause, number in found.items() if cause is not None}
            step = _Step(time, at_risk, events, free)
            for cause, number in events.items():
                sums[cause] += free * number / at_risk
            free *= 1 - step.total / at_risk
            at_risk -= sum(found.values())
            self._steps.append(step)
            self._survival.append(free)
            for cause, values in self._incidence.items():
                # Without a competing cause it equals one minus the survival, which rounds less than the sum.
                values.append(sums[cause] if len(self.causes) > 1 else 1 - free)
        self.times: tuple[float, ...] = tuple(step.time for step in self._steps)
        self.last: float | None = self.times[-1] if self.times else None

    def survival(self, *, by: float) -> float:
        """Return the share without any event by a time; after the last time, the share at that time."""
        place = bisect_right(self.times, by)
        return self._survival[place - 1] if place else 1.0

    def incidence(self, cause: str, *, by: float) -> float:
        """Return the share that a cause has ended by a time; after the last time, the share at that time.

        Raises:
            Malformed: There is no such cause.
        """
        place = bisect_right(self.times, by)
        values = self._known(cause)
        return values[place - 1] if place else 0.0

    def at_risk(self, *, at: float) -> int:
        """Return how many were observed for at least so long without an event before."""
        place = bisect_left(self.times, at)
        return self._steps[place].at_risk if place < len(self._steps) else 0

    @property
    def is_decided(self) -> bool:
        """Whether everybody who was observed to the last time had an event then, so that nothing is left to happen."""
        return bool(self._steps) and self._steps[-1].total == self._steps[-1].at_risk

    def first_reaching(self, cause: str, share: float) -> float | None:
        """Return the first time by which a cause has ended a share; None where that is not reached."""
        reached = zip(self.times, self._incidence.get(cause, [0.0] * len(self.times)), strict=True)
        return next((time for time, one in reached if one >= share - ROUNDING), None)

    @property
    def unresolved(self) -> float:
        """The share that had no event by the last time, of which the times tell nothing more."""
        return self._survival[-1] if self._survival else 1.0

    def median(self) -> float | None:
        """Return the first time by which half have had an event; None where that is not reached."""
        reached = (time for time, left in zip(self.times, self._survival, strict=True) if left <= 1 / 2 + ROUNDING)
        return next(reached, None)

    def restricted_mean(self, *, until: float) -> float:
        """Return the mean time up to a limit, at which all that last longer are cut off."""
        area, time, left = 0.0, 0.0, 1.0
        for step, after in zip(self._steps, self._survival, strict=True):
            if step.time >= until:
                break
            area += left * (step.time - time)
            time, left = step.time, after
        return area + left * (until - time)

    def error(self, *, by: float) -> float:
        """Return the standard error of the survival at a time (Greenwood)."""
        terms = [
            step.total / (step.at_risk * (step.at_risk - step.total))
            for step in self._steps
            if step.time <= by and step.at_risk > step.total
        ]
        return self.survival(by=by) * sqrt(sum(terms))

    def incidence_error(self, cause: str, *, by: float) -> float:
        """Return the standard error of the incidence of a cause at a time.

        Raises:
            Malformed: There is no such cause.
        """
        end, variance = self.incidence(cause, by=by), 0.0
        for step, now in zip(self._steps, self._known(cause), strict=True):
            if step.time > by:
                break
            own, total, risk = step.events.get(cause, 0), step.total, step.at_risk
            if risk > total:
                variance += (end - now) ** 2 * total / (risk * (risk - total))
            variance += step.before**2 * (risk - own) * own / risk**3
            variance -= 2 * (end - now) * step.before * own / risk**2
        return sqrt(max(variance, 0.0))

    def _known(self, cause: str) -> list[float]:
        if cause not in self._incidence:
            raise Malformed(f"nothing was ended by {cause!r}", hint=did_you_mean(cause, self.causes))
        return self._incidence[cause]
