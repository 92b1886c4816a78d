"""Measures of ranking: ROC-AUC, ROC curve, average precision, gains and lift."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import groupby
from math import ceil, fsum
from typing import Any, NamedTuple

from leadlife._base.outcomes import paired, real, score_of, won_of_both
from leadlife.errors import Malformed


class Gain(NamedTuple):
    """The won leads among the best-scored share of the leads.

    Attributes:
        share: The share of the leads, from 0 to 1.
        leads: The number of these leads, rounded up.
        won: The number of won leads among them.
        gain: The share of all won leads that are among them.
        lift: Their rate of won leads divided by the rate of all leads.
    """

    share: float
    leads: int
    won: int
    gain: float
    lift: float


def roc_auc(outcomes: Iterable[Any], scores: Iterable[Any]) -> float:
    """Return the ROC-AUC: the chance that a won lead scores above a lost one, ties counted half (Mann, Whitney 1947).

    Args:
        outcomes: Whether each lead was won: True or False, 1 or 0.
        scores: The score of each lead, in the same order.

    Raises:
        Malformed: The lengths differ, a score is not a finite number, or all outcomes are equal.
    """
    pairs = paired(outcomes, scores)
    won_of_both(outcome for _, outcome in pairs)
    won = sorted(score for score, outcome in pairs if outcome)
    lost = sorted(score for score, outcome in pairs if not outcome)
    # Each lost lead below a won one counts two and each tie one, in integers, so that only the division rounds.
    return sum(bisect_left(lost, score) + bisect_right(lost, score) for score in won) / (2 * len(won) * len(lost))


def roc_curve(outcomes: Iterable[Any], scores: Iterable[Any]) -> tuple[tuple[float, float], ...]:
    """Return the points of the ROC curve, from (0, 0) to (1, 1): the shares of lost and won leads above each score.

    Args:
        outcomes: As in :func:`roc_auc`.
        scores: As in :func:`roc_auc`.

    Raises:
        Malformed: As in :func:`roc_auc`.
    """
    pairs = paired(outcomes, scores)
    total = won_of_both(outcome for _, outcome in pairs)
    points, seen, won = [(0.0, 0.0)], 0, 0
    for _, tied in groupby(sorted(pairs, key=score_of, reverse=True), key=score_of):
        group = [outcome for _, outcome in tied]
        seen, won = seen + len(group), won + sum(group)
        points.append(((seen - won) / (len(pairs) - total), won / total))
    return tuple(points)


def average_precision(outcomes: Iterable[Any], scores: Iterable[Any]) -> float:
    """Return the average precision: the sum of each step of recall times the precision there.

    Args:
        outcomes: As in :func:`roc_auc`.
        scores: As in :func:`roc_auc`.

    Raises:
        Malformed: As in :func:`roc_auc`.
    """
    pairs = paired(outcomes, scores)
    total = won_of_both(outcome for _, outcome in pairs)
    seen = won = 0
    steps: list[float] = []
    for _, tied in groupby(sorted(pairs, key=score_of, reverse=True), key=score_of):
        group = [outcome for _, outcome in tied]
        seen, won = seen + len(group), won + sum(group)
        steps.append(sum(group) / total * won / seen)
    return fsum(steps)


def gains(outcomes: Iterable[Any], scores: Iterable[Any], *, shares: Sequence[float] = ()) -> tuple[Gain, ...]:
    """Return gains and lift of the best-scored leads. Leads with equal scores stay in the given order.

    Args:
        outcomes: As in :func:`roc_auc`.
        scores: As in :func:`roc_auc`.
        shares: The shares of the leads, each above 0 and up to 1; by default every tenth.

    Raises:
        Malformed: As in :func:`roc_auc`, or a share is not above 0 and up to 1.
    """
    pairs = paired(outcomes, scores)
    total = won_of_both(outcome for _, outcome in pairs)
    ranked = [outcome for _, outcome in sorted(pairs, key=score_of, reverse=True)]
    rows: list[Gain] = []
    for share in shares or [tenth / 10 for tenth in range(1, 11)]:
        if not 0 < real("a share", share) <= 1:
            raise Malformed("a share must be above 0 and up to 1")
        leads = ceil(round(share * len(ranked), 9))  # as a float, 0.07 * 100 is more than 7; ceil alone would give 8
        won = sum(ranked[:leads])
        rows.append(Gain(share, leads, won, won / total, won / leads * len(ranked) / total))
    return tuple(rows)
