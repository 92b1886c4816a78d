"""Evaluation of scores: how well they rank leads, how well probabilities are calibrated, and which threshold to use.

All functions take plain sequences and return plain values.
"""

from leadlife._base.outcomes import StratifiedSplit, stratified_splits
from leadlife.evaluation.appraisal import Appraisal, Segment, Signal, appraise, by_segment
from leadlife.evaluation.drift import Drift, FieldDrift, drift
from leadlife.evaluation.leaks import LeakSign, LeakWarning, Profile, leaks, profile
from leadlife.evaluation.probabilities import Bin, Brier, brier, calibration
from leadlife.evaluation.ranking import Gain, average_precision, gains, roc_auc, roc_curve
from leadlife.evaluation.splits import Split, train_early_test_late
from leadlife.evaluation.threshold import Threshold, threshold
from leadlife.scoring.learned.isotonic import Isotonic

__all__ = [
    "Appraisal",
    "Bin",
    "Brier",
    "Drift",
    "FieldDrift",
    "Gain",
    "Isotonic",
    "LeakSign",
    "LeakWarning",
    "Profile",
    "Segment",
    "Signal",
    "Split",
    "StratifiedSplit",
    "Threshold",
    "appraise",
    "average_precision",
    "brier",
    "by_segment",
    "calibration",
    "drift",
    "gains",
    "leaks",
    "profile",
    "roc_auc",
    "roc_curve",
    "stratified_splits",
    "threshold",
    "train_early_test_late",
]
