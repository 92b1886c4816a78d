"""Evaluating scores: do they tell won leads from lost ones, do probabilities mean what they say, and where to cut.

Plain sequences in, plain values out.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import groupby
from math import ceil, fsum, isfinite
from typing import Any, NamedTuple

from leadlife.analytics.incidence import wilson
from leadlife.errors import Malformed


class Brier(NamedTuple):
    """The mean squared error of probabilities, and what it is made of (Murphy 1973).

    ``score`` is ``reliability - resolution + uncertainty``, with the leads grouped by the probability that they got.

    Attributes:
        score: The mean squared error; 0 is best.
        reliability: How far the probabilities lie from what came of them; 0 is best.
        resolution: How far what came of them lies from the average; more is better.
        uncertainty: What anybody gets who always says the average.
    """

    score: float
    reliability: float
    resolution: float
    uncertainty: float


class Gain(NamedTuple):
    """What the best-scored share of the leads holds.

    Attributes:
        share: The share of the leads, from 0 to 1.
        leads: How many that are, rounded up.
        won: How many of them were won.
        gain: Their share of all that were won.
        lift: Their rate over the rate of all.
    """

    share: float
    leads: int
    won: int
    gain: float
    lift: float


class Bin(NamedTuple):
    """One row of a calibration table.

    Attributes:
        low: The least probability in it.
        high: The probability below which it ends; the last holds its end.
        leads: How many leads got such a probability.
        predicted: Their mean probability.
        won: How many were won.
        rate: The share that was won.
        interval: Wilson's interval of the rate, at 95 percent.
    """

    low: float
    high: float
    leads: int
    predicted: float
    won: int
    rate: float
    interval: tuple[float, float]


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


def roc_auc(outcomes: Iterable[Any], scores: Iterable[Any]) -> float:
    """Return the chance that a won lead scores above a lost one, ties counting half (Mann and Whitney 1947).

    Args:
        outcomes: Whether each lead was won: True or False, 1 or 0.
        scores: What each scored, in the same order.

    Raises:
        Malformed: The two do not pair, a score is no finite number, or only one outcome occurs.
    """
    pairs = _paired(outcomes, scores)
    won = _both(pairs)
    below, wins_above = 0, 0
    for _, tied in groupby(sorted(pairs, key=_score), key=_score):
        group = [outcome for _, outcome in tied]
        losses = len(group) - sum(group)
        wins_above += sum(group) * (2 * below + losses)
        below += losses
    return wins_above / (2 * won * (len(pairs) - won))


def average_precision(outcomes: Iterable[Any], scores: Iterable[Any]) -> float:
    """Return the area under the curve of precision over recall: each step of recall times the precision there.

    Args:
        outcomes: As in :func:`roc_auc`.
        scores: As in :func:`roc_auc`.

    Raises:
        Malformed: As in :func:`roc_auc`.
    """
    pairs = _paired(outcomes, scores)
    total = _both(pairs)
    seen = won = 0
    steps: list[float] = []
    for _, tied in groupby(sorted(pairs, key=_score, reverse=True), key=_score):
        group = [outcome for _, outcome in tied]
        seen, won = seen + len(group), won + sum(group)
        steps.append(sum(group) / total * won / seen)
    return fsum(steps)


def brier(outcomes: Iterable[Any], probabilities: Iterable[Any]) -> Brier:
    """Return the Brier score with its decomposition.

    Args:
        outcomes: As in :func:`roc_auc`; one outcome alone will do.
        probabilities: What each lead was given, from 0 to 1.

    Raises:
        Malformed: The two do not pair, or one is no probability.
    """
    pairs = _chances(outcomes, probabilities)
    number = len(pairs)
    rate = sum(outcome for _, outcome in pairs) / number
    reliability: list[float] = []
    resolution: list[float] = []
    for chance, group in groupby(sorted(pairs), key=_score):
        came = [outcome for _, outcome in group]
        share = sum(came) / len(came)
        reliability.append(len(came) * (chance - share) ** 2)
        resolution.append(len(came) * (share - rate) ** 2)
    return Brier(
        fsum((chance - outcome) ** 2 for chance, outcome in pairs) / number,
        fsum(reliability) / number,
        fsum(resolution) / number,
        rate * (1 - rate),
    )


def gains(outcomes: Iterable[Any], scores: Iterable[Any], *, shares: Sequence[float] = ()) -> tuple[Gain, ...]:
    """Return gains and lift of the best-scored leads; equals keep the order in which they are given.

    Args:
        outcomes: As in :func:`roc_auc`.
        scores: As in :func:`roc_auc`.
        shares: Of the leads, from above 0 to 1; by default every tenth.

    Raises:
        Malformed: As in :func:`roc_auc`, or a share lies outside 0 to 1.
    """
    pairs = _paired(outcomes, scores)
    total = _both(pairs)
    ranked = [outcome for _, outcome in sorted(pairs, key=_score, reverse=True)]
    told: list[Gain] = []
    for share in shares or [tenth / 10 for tenth in range(1, 11)]:
        if not 0 < share <= 1:
            raise Malformed("a share lies above 0, up to 1")
        leads = ceil(round(share * len(ranked), 9))
        won = sum(ranked[:leads])
        told.append(Gain(share, leads, won, won / total, won / leads * len(ranked) / total))
    return tuple(told)


def calibration(outcomes: Iterable[Any], probabilities: Iterable[Any], *, bins: int = 10) -> tuple[Bin, ...]:
    """Return what came of probabilities, in bins of equal width; empty bins are left out.

    Args:
        outcomes: As in :func:`brier`.
        probabilities: As in :func:`brier`.
        bins: How many.

    Raises:
        Malformed: As in :func:`brier`, or there is no bin.
    """
    if bins < 1:
        raise Malformed("a calibration table has at least one bin")
    pairs = _chances(outcomes, probabilities)
    edges = [place / bins for place in range(1, bins)]
    rows: list[Bin] = []
    for place, group in groupby(sorted(pairs), key=lambda pair: bisect_right(edges, pair[0])):
        found = list(group)
        won = sum(outcome for _, outcome in found)
        predicted = fsum(chance for chance, _ in found) / len(found)
        ends = place / bins, (place + 1) / bins
        rows.append(Bin(*ends, len(found), predicted, won, won / len(found), wilson(won, len(found))))
    return tuple(rows)


class Isotonic(NamedTuple):
    """A curve that never falls, from raw probabilities to calibrated ones: straight between its points, flat beyond.

    Attributes:
        xs: Where its points lie, rising.
        ys: How high they are, never falling.
    """

    xs: tuple[float, ...]
    ys: tuple[float, ...]

    @classmethod
    def fit(cls, outcomes: Iterable[Any], probabilities: Iterable[Any]) -> Isotonic:
        """Return the curve nearest to what came of probabilities (pool adjacent violators, Ayer and others 1955).

        Raises:
            Malformed: As in :func:`brier`.
        """
        pools: list[tuple[float, int, list[float]]] = []
        for chance, group in groupby(sorted(_chances(outcomes, probabilities)), key=_score):
            came = [outcome for _, outcome in group]
            pools.append((float(sum(came)), len(came), [chance]))
            while len(pools) > 1 and pools[-2][0] * pools[-1][1] >= pools[-1][0] * pools[-2][1]:
                won, leads, places = pools.pop()
                earlier = pools.pop()
                pools.append((earlier[0] + won, earlier[1] + leads, earlier[2] + places))
        points = [(place, won / leads) for won, leads, places in pools for place in _ends(places)]
        return cls(tuple(x for x, _ in points), tuple(y for _, y in points))

    def __call__(self, probability: float) -> float:
        """Return the calibrated probability."""
        place = bisect_right(self.xs, probability)
        if place == 0:
            return self.ys[0]
        if place == len(self.xs):
            return self.ys[-1]
        left, right = self.xs[place - 1], self.xs[place]
        low, high = self.ys[place - 1], self.ys[place]
        return low + (high - low) * (probability - left) / (right - left)


def _ends(places: list[float]) -> list[float]:
    return places[:1] if len(places) == 1 else [places[0], places[-1]]


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
    if not (isfinite(value) and isfinite(cost) and value > 0 and cost >= 0) or (capacity is not None and capacity < 0):
        raise Malformed("value is above nothing, cost and capacity are not below it")
    ranked = sorted((_chance(one) for one in probabilities), reverse=True)
    worth = [one for one in ranked if one * value > cost]
    called = worth if capacity is None else worth[:capacity]
    left = worth[len(called) :]
    return Threshold(
        called[-1] if left and called else cost / value,
        len(called),
        fsum(one * value - cost for one in called),
        left[0] * value - cost if left else 0.0,
    )


def _score(pair: tuple[float, int]) -> float:
    return pair[0]


def _paired(outcomes: Iterable[Any], scores: Iterable[Any]) -> list[tuple[float, int]]:
    told, found = list(outcomes), list(scores)
    if len(told) != len(found) or not told:
        raise Malformed(f"{len(told)} outcomes do not pair with {len(found)} scores")
    if any(outcome not in (0, 1) for outcome in told):
        raise Malformed("an outcome is won or not: True or False, 1 or 0")
    return [(_number(score), int(outcome)) for score, outcome in zip(found, told, strict=True)]


def _chances(outcomes: Iterable[Any], probabilities: Iterable[Any]) -> list[tuple[float, int]]:
    return [(_chance(chance), outcome) for chance, outcome in _paired(outcomes, probabilities)]


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise Malformed("a score is a number") from None
    if not isfinite(number):
        raise Malformed("a score is a finite number")
    return number


def _chance(value: Any) -> float:
    number = _number(value)
    if not 0 <= number <= 1:
        raise Malformed("a probability lies between 0 and 1")
    return number


def _both(pairs: list[tuple[float, int]]) -> int:
    won = sum(outcome for _, outcome in pairs)
    if won in (0, len(pairs)):
        which = "won" if won else "lost"
        raise Malformed(f"all of these leads were {which}: nothing tells one sort from the other")
    return won
