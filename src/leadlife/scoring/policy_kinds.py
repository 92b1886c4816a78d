"""The kinds of policy that a file may hold."""

from __future__ import annotations

from functools import cache

from leadlife.scoring.combined_policies import (
    Capped,
    Fallback,
    Gated,
    Highest,
    Overridden,
    PerLeadType,
    Scaled,
    WeightedSum,
)
from leadlife.scoring.custom import CustomPolicy
from leadlife.scoring.fit import Fit
from leadlife.scoring.grid import Grid
from leadlife.scoring.learned.calibrated_bayes import CalibratedBayes
from leadlife.scoring.learned.naive_bayes import NaiveBayes
from leadlife.scoring.points import Points
from leadlife.scoring.policy import Policy

_KINDS: tuple[type[Policy], ...] = (
    Points,
    Fit,
    Grid,
    WeightedSum,
    Scaled,
    Capped,
    Gated,
    Overridden,
    Highest,
    PerLeadType,
    Fallback,
    CustomPolicy,
    NaiveBayes,
    CalibratedBayes,
)


@cache
def kinds_of_policy() -> dict[str, type[Policy]]:
    """Return the class of each kind of policy, by its ``op``."""
    return {kind.model_fields["op"].default: kind for kind in _KINDS}
