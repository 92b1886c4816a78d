"""Appraisal of a score in figures and in words, over all leads and by segment."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from math import sqrt
from typing import Any, NamedTuple

from leadlife._base.outcomes import Pairs, is_blank, paired, several, whole
from leadlife.analytics.incidence import wilson
from leadlife.errors import Malformed
from leadlife.evaluation.probabilities import brier
from leadlife.evaluation.ranking import average_precision, gains, roc_auc

_Z95 = 1.959963984540054
EVEN = 0.5
"""The ROC-AUC of a score that ranks leads at random."""


class Signal(StrEnum):
    """How well a score ranks won leads above lost ones, by its ROC-AUC.

    The steps at .7, .8 and .9 are those of Hosmer and Lemeshow (Applied Logistic Regression); they are conventions.
    """

    REVERSED = "reversed"
    """Lost leads score above won leads."""
    NONE = "none"
    """The interval includes one half."""
    WEAK = "weak"
    ACCEPTABLE = "acceptable"
    EXCELLENT = "excellent"
    OUTSTANDING = "outstanding"
    """Look for leaks before you trust such a score; it begins at .9."""


class Appraisal(NamedTuple):
    """The quality of a score.

    Attributes:
        leads: The number of leads.
        won: The number of won leads.
        roc_auc: See :func:`roc_auc`.
        interval: The 95 percent interval of the ROC-AUC (Hanley and McNeil 1982), cut to 0 and 1.
        average_precision: See :func:`average_precision`.
        best_tenth: The lift of the best-scored tenth.
        brier: The Brier score; None if the scores are not probabilities.
        predicted: The mean probability; None if the scores are not probabilities. If it lies outside the 95 percent
            interval of the share of won leads (Wilson), the words say so: the leads are not like those that the score
            was learned from.
        signal: The ROC-AUC in one word.
    """

    leads: int
    won: int
    roc_auc: float
    interval: tuple[float, float]
    average_precision: float
    best_tenth: float
    brier: float | None
    predicted: float | None
    signal: Signal

    @property
    def miscalibrated(self) -> bool:
        """Whether the mean probability lies outside the 95 percent interval of the share of won leads."""
        low, high = wilson(self.won, self.leads)
        return self.predicted is not None and not low <= self.predicted <= high

    def __str__(self) -> str:
        low, high = self.interval
        ranking = f"ROC-AUC {self.roc_auc:.3f} ({low:.3f} to {high:.3f}): {_WORDS[self.signal]}"
        exact = "" if self.brier is None else f"; Brier {self.brier:.4f}"
        off = ""
        if self.predicted is not None and self.miscalibrated:
            off = f"; predicts {self.predicted:.2f} where {self.won / self.leads:.2f} came true"
        return f"{ranking}; the best tenth wins at {self.best_tenth:.2f} times the average rate{exact}{off}"


_WORDS = {
    Signal.REVERSED: "the signal points the wrong way",
    Signal.NONE: "no signal in these leads",
    Signal.WEAK: "the signal is weak",
    Signal.ACCEPTABLE: "the signal is acceptable",
    Signal.EXCELLENT: "the signal is excellent",
    Signal.OUTSTANDING: "the signal is outstanding, so look for leaks before you trust it",
}
_STEPS = ((0.9, Signal.OUTSTANDING), (0.8, Signal.EXCELLENT), (0.7, Signal.ACCEPTABLE))


class Segment(NamedTuple):
    """The quality of a score in one segment of the leads.

    Attributes:
        name: The segment; None for leads whose segment is blank.
        leads: The number of its leads.
        won: The number of its won leads.
        rate: The share of won leads.
        interval: Wilson's 95 percent interval of the rate.
        mean_score: The mean score. If the scores are calibrated probabilities, it is close to the rate.
        appraisal: The appraisal of the score in this segment; None if there are too few leads.
        why: The reason why there is no appraisal, else empty.
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
    """Return the quality of a score.

    Args:
        outcomes: Whether each lead was won: True or False, 1 or 0.
        scores: The score of each lead, in the same order.
        probabilities: Whether the scores are probabilities; then the Brier score is computed too.

    Raises:
        Malformed: The lengths differ, a score is not a finite number or not a probability, or all outcomes are equal.
    """
    pairs = paired(outcomes, scores)
    came, values = [outcome for _, outcome in pairs], [score for score, _ in pairs]
    auc = roc_auc(came, values)
    won = sum(came)
    interval = _interval(auc, won, len(came) - won)
    exact = brier(came, values).score if probabilities else None
    best = gains(came, values, shares=[0.1])[0].lift
    precision = average_precision(came, values)
    mean = sum(values) / len(values) if probabilities else None
    return Appraisal(len(came), won, auc, interval, precision, best, exact, mean, _signal(auc, interval))


def _interval(auc: float, won: int, lost: int) -> tuple[float, float]:
    # Hanley and McNeil's Q1 and Q2: the chances that one lead ranks right against two of the other outcome.
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
    """Return the quality of a score in each segment, the largest segment first.

    Args:
        outcomes: As in :func:`appraise`.
        scores: As in :func:`appraise`.
        segments: The segment of each lead, in the same order: any value that can be a key of a dictionary. All blanks
            (None, blank text, NaN) are one segment, whose name is None.
        probabilities: As in :func:`appraise`.
        fewest: A segment with fewer won leads or fewer lost leads gets no appraisal.

    Raises:
        Malformed: The lengths differ, or a score is not a finite number.
    """
    pairs, names, fewest = paired(outcomes, scores), several("segments", segments), max(whole("fewest", fewest), 1)
    if len(names) != len(pairs):
        raise Malformed(f"got {len(names)} segments for {len(pairs)} leads", hint="pass one segment for each lead")
    groups: dict[Any, Pairs] = {}
    try:
        for name, pair in zip(names, pairs, strict=True):
            groups.setdefault(None if is_blank(name) else name, []).append(pair)
    except TypeError:
        raise Malformed("a segment must be one value, such as a name") from None
    rows = [_segment(name, group, fewest, probabilities=probabilities) for name, group in groups.items()]
    return tuple(sorted(rows, key=lambda row: (-row.leads, str(row.name))))


def _segment(name: Any, group: Pairs, fewest: int, *, probabilities: bool) -> Segment:
    leads, won = len(group), sum(outcome for _, outcome in group)
    rarer, which = min((won, "won"), (leads - won, "lost"))
    few = rarer < fewest
    outcomes = [outcome for _, outcome in group]
    scores = [score for score, _ in group]
    return Segment(
        name,
        leads,
        won,
        won / leads,
        wilson(won, leads),
        sum(scores) / leads,
        None if few else appraise(outcomes, scores, probabilities=probabilities),
        f"{rarer} {which}, {fewest} are needed" if few else "",
    )
