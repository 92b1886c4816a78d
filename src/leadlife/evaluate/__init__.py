"""Evaluating scores: do they tell won leads from lost ones, do probabilities mean what they say, and where to cut.

Plain sequences in, plain values out.
"""

from leadlife._outcomes import Fold, folds
from leadlife.evaluate.appraising import Appraisal, Segment, Signal, appraise, by_segment
from leadlife.evaluate.cutting import Threshold, threshold
from leadlife.evaluate.leaking import Alarm, Profile, Sign, leaks, profile
from leadlife.evaluate.probabilities import Bin, Brier, brier, calibration
from leadlife.evaluate.ranking import Gain, average_precision, gains, roc_auc, roc_curve
from leadlife.evaluate.splitting import Split, train_early_test_late
from leadlife.policies.isotonic import Isotonic

__all__ = [
    "Alarm",
    "Appraisal",
    "Bin",
    "Brier",
    "Fold",
    "Gain",
    "Isotonic",
    "Profile",
    "Segment",
    "Sign",
    "Signal",
    "Split",
    "Threshold",
    "appraise",
    "average_precision",
    "brier",
    "by_segment",
    "calibration",
    "folds",
    "gains",
    "leaks",
    "profile",
    "roc_auc",
    "roc_curve",
    "threshold",
    "train_early_test_late",
]
