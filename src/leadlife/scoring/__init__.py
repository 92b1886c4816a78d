"""Scores: ledgers whose lines add up, and the policies that give them.

A score is a ledger: its lines add up to its value. A policy is a value with a name and a version;
``policy.score(lead, activities, at=...)`` returns a score. A policy is data (points, fit, grid, combined, learned, or
the scoring of one of four vendors) or your own code (:class:`CustomPolicy`).
"""

from __future__ import annotations

from leadlife._base.lazy import lazily

_HOMES = {
    "ActivityRule": "leadlife.scoring.rules",
    "Answer": "leadlife.scoring.ledger",
    "CalibratedBayes": "leadlife.scoring.learned.calibrated_bayes",
    "Capped": "leadlife.scoring.combined",
    "ClosedLead": "leadlife.scoring.learned.win_table",
    "Contribution": "leadlife.scoring.ledger",
    "CustomPolicy": "leadlife.scoring.custom",
    "Fallback": "leadlife.scoring.combined",
    "FieldRule": "leadlife.scoring.rules",
    "Fit": "leadlife.scoring.fit",
    "Gated": "leadlife.scoring.combined",
    "Grid": "leadlife.scoring.grid",
    "Highest": "leadlife.scoring.combined",
    "Isotonic": "leadlife.scoring.learned.isotonic",
    "Lift": "leadlife.scoring.ledger",
    "LineKind": "leadlife.scoring.ledger",
    "MICRO": "leadlife.scoring.units",
    "NaiveBayes": "leadlife.scoring.learned.naive_bayes",
    "Overridden": "leadlife.scoring.combined",
    "PerLeadType": "leadlife.scoring.combined",
    "Points": "leadlife.scoring.points",
    "Policy": "leadlife.scoring.policy",
    "RuleGroup": "leadlife.scoring.points",
    "Scale": "leadlife.scoring.ledger",
    "Scaled": "leadlife.scoring.combined",
    "Score": "leadlife.scoring.score",
    "ScoringPolicy": "leadlife.scoring.score",
    "Shape": "leadlife.scoring.decay",
    "StepDecay": "leadlife.scoring.decay",
    "Tier": "leadlife.scoring.rules",
    "TierRule": "leadlife.scoring.rules",
    "Trait": "leadlife.scoring.fit",
    "Trend": "leadlife.scoring.ledger",
    "Weighted": "leadlife.scoring.combined",
    "WeightedSum": "leadlife.scoring.combined",
    "WinTable": "leadlife.scoring.learned.win_table",
    "account_engagement": "leadlife.scoring.vendors.account_engagement",
    "banded": "leadlife.scoring.score",
    "eloqua": "leadlife.scoring.vendors.eloqua",
    "hubspot": "leadlife.scoring.vendors.hubspot",
    "mautic": "leadlife.scoring.vendors.mautic",
    "micropoints": "leadlife.scoring.units",
    "rank": "leadlife.scoring.score",
    "read_policy": "leadlife.scoring.policy",
}
"""Each public name and the module that defines it; a module is imported when one of its names is first used."""

__all__ = list(_HOMES)

__getattr__, __dir__ = lazily(__name__, _HOMES)
