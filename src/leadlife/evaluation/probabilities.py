"""Do probabilities mean what they say."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import groupby
from math import fsum
from typing import Any, NamedTuple

from leadlife._base.outcomes import paired_chances, score_of, whole
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


def brier(outcomes: Iterable[Any], probabilities: Iterable[Any]) -> Brier:
    """Return the Brier score with its decomposition.

    Args:
        outcomes: As in :func:`roc_auc`; one outcome alone will do.
        probabilities: What each lead was given, from 0 to 1.

    Raises:
        Malformed: The two do not pair, or one is no probability.
    """
    pairs = paired_chances(outcomes, probabilities)
    number = len(pairs)
    rate = sum(outcome for _, outcome in pairs) / number
    reliability: list[float] = []
    resolution: list[float] = []
    for chance, group in groupby(sorted(pairs), key=score_of):
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


def calibration(outcomes: Iterable[Any], probabilities: Iterable[Any], *, bins: int = 10) -> tuple[Bin, ...]:
    """Return what came of probabilities, in bins of equal width; empty bins are left out.

    Args:
        outcomes: As in :func:`brier`.
        probabilities: As in :func:`brier`.
        bins: How many.

    Raises:
        Malformed: As in :func:`brier`, or there is no bin.
    """
    if whole("bins", bins) < 1:
        raise Malformed("a calibration table has at least one bin")
    pairs = paired_chances(outcomes, probabilities)
    edges = [place / bins for place in range(1, bins)]
    rows: list[Bin] = []
    for place, group in groupby(sorted(pairs), key=lambda pair: bisect_right(edges, pair[0])):
        found = list(group)
        won = sum(outcome for _, outcome in found)
        predicted = fsum(chance for chance, _ in found) / len(found)
        ends = place / bins, (place + 1) / bins
        rows.append(Bin(*ends, len(found), predicted, won, won / len(found), wilson(won, len(found))))
    return tuple(rows)
