"""Measures of probabilities: the Brier score and the calibration table."""

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
    """The mean squared error of probabilities, and its decomposition (Murphy 1973).

    ``score`` is ``reliability - resolution + uncertainty``, with the leads grouped by their probability.

    Attributes:
        score: The mean squared error; 0 is best.
        reliability: The mean squared distance of the probabilities from the rates of their groups; 0 is best.
        resolution: The mean squared distance of these rates from the rate of all leads; more is better.
        uncertainty: The score of a constant forecast: the rate of all leads.
    """

    score: float
    reliability: float
    resolution: float
    uncertainty: float


class Bin(NamedTuple):
    """One row of a calibration table.

    Attributes:
        low: The lower end, included.
        high: The upper end, included in the last bin only.
        leads: The number of leads in the bin.
        predicted: Their mean probability.
        won: The number of won leads.
        rate: The share of won leads.
        interval: Wilson's 95 percent interval of the rate.
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
        outcomes: As in :func:`roc_auc`, but all of them may be equal.
        probabilities: The probability of each lead, from 0 to 1.

    Raises:
        Malformed: The lengths differ, or a value is not a probability.
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
    """Return a calibration table: the rate of won leads in bins of equal width. Empty bins are left out.

    Args:
        outcomes: As in :func:`brier`.
        probabilities: As in :func:`brier`.
        bins: The number of bins.

    Raises:
        Malformed: As in :func:`brier`, or there are no bins.
    """
    if whole("bins", bins) < 1:
        raise Malformed("a calibration table needs at least one bin")
    pairs = paired_chances(outcomes, probabilities)
    # Only the inner edges: bisect puts 1.0 into the last bin, and an edge into the bin above it.
    edges = [place / bins for place in range(1, bins)]
    rows: list[Bin] = []
    for place, group in groupby(sorted(pairs), key=lambda pair: bisect_right(edges, pair[0])):
        in_bin = list(group)
        won = sum(outcome for _, outcome in in_bin)
        predicted = fsum(chance for chance, _ in in_bin) / len(in_bin)
        ends = place / bins, (place + 1) / bins
        rows.append(Bin(*ends, len(in_bin), predicted, won, won / len(in_bin), wilson(won, len(in_bin))))
    return tuple(rows)
