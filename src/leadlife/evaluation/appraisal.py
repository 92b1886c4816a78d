"""What a score is worth, in figures and in words: over all leads, and by segment."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from math import sqrt
from typing import Any, NamedTuple

from leadlife._base.outcomes import Pairs, paired, several, whole
from leadlife.analytics.incidence import wilson
from leadlife.errors import Malformed
from leadlife.evaluation.probabilities import brier
from leadlife.evaluation.ranking import average_precision, gains, roc_auc

_Z95 = 1.959963984540054
EVEN = 0.5


class Signal(StrEnum):
    """How well a score tells won leads from lost ones, by its ROC-AUC.

    The steps at .7, .8 and .9 are those of Hosmer and Lemeshow (Applied Logistic Regression); they are conventions.
    """

    REVERSED = "reversed"
    """Lost leads score above won ones."""
    NONE = "none"
    """The interval holds one half."""
    WEAK = "weak"
    ACCEPTABLE = "acceptable"
    EXCELLENT = "excellent"
    OUTSTANDING = "outstanding"
    """From .9, where you look for leaks before you believe it."""


class Appraisal(NamedTuple):
    """What a score is worth.

    Attributes:
        leads: How many leads were judged.
        won: How many of them were won.
        roc_auc: See :func:`roc_auc`.
        interval: Its interval at 95 percent (Hanley and McNeil 1982), within 0 and 1.
        average_precision: See :func:`average_precision`.
        best_tenth: The lift of the best-scored tenth.
        brier: The Brier score, where the scores are probabilities.
        signal: What the ROC-AUC says.
    """

    leads: int
    won: int
    roc_auc: float
    interval: tuple[float, float]
    average_precision: float
    best_tenth: float
    brier: float | None
    signal: Signal

    def __str__(self) -> str:
        low, high = self.interval
        told = f"ROC-AUC {self.roc_auc:.3f} ({low:.3f} to {high:.3f}): {_WORDS[self.signal]}"
        exact = "" if self.brier is None else f"; Brier {self.brier:.4f}"
        return f"{told}; the best tenth holds {self.best_tenth:.2f} times the average{exact}"


_WORDS = {
    Signal.REVERSED: "the signal points the wrong way",
    Signal.NONE: "no signal, as far as these leads tell",
    Signal.WEAK: "the signal is weak",
    Signal.ACCEPTABLE: "the signal is acceptable",
    Signal.EXCELLENT: "the signal is excellent",
    Signal.OUTSTANDING: "the signal is outstanding, so look for leaks before you believe it",
}
_STEPS = ((0.9, Signal.OUTSTANDING), (0.8, Signal.EXCELLENT), (0.7, Signal.ACCEPTABLE))


class Segment(NamedTuple):
    """What a score is worth for some of the leads.

    Attributes:
        name: The segment.
        leads: How many leads are in it.
        won: How many were won.
        rate: The share that was won.
        interval: Wilson's interval of the rate, at 95 percent.
        mean_score: Their mean score: beside the rate, where the scores are probabilities.
        appraisal: What the score is worth there; None where there are too few leads to say.
        why: Why there is none.
    """

    name: Any
    leads: int
    won: int
    rate: float
    interval: tuple[float, float]
    mean_score: float
    appraisal: Appraisal | None
    why: str


def appraise(outcomes: Iterable[Any], scores: Iterable[Any], *, probabilities: bool = False) -> Appraisal:
    """Return what a score is worth.

    Args:
        outcomes: Whether each lead was won: True or False, 1 or 0.
        scores: What each scored, in the same order.
        probabilities: Whether the scores are probabilities, so that they can be held to what came of them.

    Raises:
        Malformed: The two do not pair, a score is no finite number or no probability, or only one outcome occurs.
    """
    pairs = paired(outcomes, scores)
    told, found = [outcome for _, outcome in pairs], [score for score, _ in pairs]
    auc = roc_auc(told, found)
    won = sum(told)
    interval = _interval(auc, won, len(told) - won)
    exact = brier(told, found).score if probabilities else None
    best = gains(told, found, shares=[0.1])[0].lift
    return Appraisal(len(told), won, auc, interval, average_precision(told, found), best, exact, _signal(auc, interval))


def _interval(auc: float, won: int, lost: int) -> tuple[float, float]:
    two_won, two_lost = auc / (2 - auc), 2 * auc * auc / (1 + auc)
    spread = auc * (1 - auc) + (won - 1) * (two_won - auc * auc) + (lost - 1) * (two_lost - auc * auc)
    error = _Z95 * sqrt(max(spread, 0.0) / (won * lost))
    return max(auc - error, 0.0), min(auc + error, 1.0)


def _signal(auc: float, interval: tuple[float, float]) -> Signal:
    if interval[0] <= EVEN <= interval[1]:
        return Signal.NONE
    if auc < EVEN:
        return Signal.REVERSED
    return next((signal for least, signal in _STEPS if auc >= least), Signal.WEAK)


def by_segment(
    outcomes: Iterable[Any],
    scores: Iterable[Any],
    segments: Iterable[Any],
    *,
    probabilities: bool = False,
    fewest: int = 10,
) -> tuple[Segment, ...]:
    """Return what a score is worth in each segment, the largest first.

    Args:
        outcomes: As in :func:`appraise`.
        scores: As in :func:`appraise`.
        segments: The segment of each lead, in the same order: anything that can be a key of a dictionary.
        probabilities: As in :func:`appraise`.
        fewest: With fewer won or lost leads than this, ranking them says little, and nothing is said of it.

    Raises:
        Malformed: The three do not pair, or a score is no finite number.
    """
    pairs, names, fewest = paired(outcomes, scores), several("segments", segments), max(whole("fewest", fewest), 1)
    if len(names) != len(pairs):
        raise Malformed(f"{len(names)} segments do not pair with {len(pairs)} leads")
    groups: dict[Any, Pairs] = {}
    try:
        for name, pair in zip(names, pairs, strict=True):
            groups.setdefault(name, []).append(pair)
    except TypeError:
        raise Malformed("a segment is one value, such as a name") from None
    told = [_segment(name, group, fewest, probabilities=probabilities) for name, group in groups.items()]
    return tuple(sorted(told, key=lambda one: (-one.leads, str(one.name))))


def _segment(name: Any, group: Pairs, fewest: int, *, probabilities: bool) -> Segment:
    leads, won = len(group), sum(outcome for _, outcome in group)
    rarer, sort = min((won, "won"), (leads - won, "lost"))
    few = rarer < fewest
    told = [outcome for _, outcome in group]
    found = [score for score, _ in group]
    return Segment(
        name,
        leads,
        won,
        won / leads,
        wilson(won, leads),
        sum(found) / leads,
        None if few else appraise(told, found, probabilities=probabilities),
        f"{rarer} {sort}, {fewest} are needed" if few else "",
    )
