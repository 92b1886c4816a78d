"""Scores: ledgers whose lines add up, and the policies that give them.

A score is a ledger: its lines add up to its value. A policy is a value with a name and a version;
``policy.score(lead, activities, at=...)`` returns a score. A policy is data (points, fit, grid, combined, learned, or
the scoring of one of four vendors) or your own code (:class:`CustomPolicy`).
"""

from __future__ import annotations

from leadlife._base.lazy import homes_of, lazily

_HOMES = homes_of(
    __name__,
    {
        "combined_policies": "Capped Fallback Gated Highest Overridden PerLeadType Scaled Weighted WeightedSum",
        "custom": "CustomPolicy",
        "decay": "Shape StepDecay",
        "fit": "Fit Trait",
        "grid": "Grid",
        "learned.calibrated_bayes": "CalibratedBayes",
        "learned.isotonic": "Isotonic",
        "learned.naive_bayes": "NaiveBayes",
        "learned.win_table": "ClosedLead WinTable",
        "ledger": "Answer Contribution Lift LineKind Scale Trend",
        "points": "Points RuleGroup",
        "policy": "Policy",
        "reading": "read_policy",
        "point_rules": "ActivityRule FieldRule Tier TierRule",
        "score": "Score ScoringPolicy banded rank",
        "units": "MICRO micropoints",
        "vendors.account_engagement": "account_engagement",
        "vendors.eloqua": "eloqua",
        "vendors.hubspot": "hubspot",
        "vendors.mautic": "mautic",
    },
)
"""Each public name and the module that defines it; a module is imported when one of its names is first used."""

__all__ = list(_HOMES)

__getattr__, __dir__ = lazily(__name__, _HOMES)
