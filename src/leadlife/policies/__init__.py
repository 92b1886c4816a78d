"""Scoring policies that are data: points, fit, grids, four systems' own, and what combines them.

Every policy is a value with a name and a version. ``score(lead, activities, at=...)`` returns a ledger.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from leadlife._lazy import lazily

if TYPE_CHECKING:
    from leadlife.policies.policy import Policy

_HOMES = {
    "ActivityRule": "leadlife.policies.rules",
    "Bound": "leadlife.policies.custom",
    "CalibratedBayes": "leadlife.policies.calibrated_bayes",
    "Capped": "leadlife.policies.combined",
    "Closed": "leadlife.policies.wins",
    "Fallback": "leadlife.policies.combined",
    "FieldRule": "leadlife.policies.rules",
    "Fit": "leadlife.policies.fit",
    "Gated": "leadlife.policies.combined",
    "Grid": "leadlife.policies.grid",
    "Group": "leadlife.policies.points",
    "Highest": "leadlife.policies.combined",
    "Isotonic": "leadlife.policies.isotonic",
    "NaiveBayes": "leadlife.policies.naive_bayes",
    "Overridden": "leadlife.policies.combined",
    "PerLeadType": "leadlife.policies.combined",
    "Points": "leadlife.policies.points",
    "Policy": "leadlife.policies.policy",
    "Scaled": "leadlife.policies.combined",
    "Shape": "leadlife.policies.ageing",
    "StepDecay": "leadlife.policies.ageing",
    "Tier": "leadlife.policies.rules",
    "TierRule": "leadlife.policies.rules",
    "Trait": "leadlife.policies.fit",
    "Weighted": "leadlife.policies.combined",
    "WeightedSum": "leadlife.policies.combined",
    "WinTable": "leadlife.policies.wins",
    "account_engagement": "leadlife.policies.account_engagement",
    "eloqua": "leadlife.policies.eloqua",
    "hubspot": "leadlife.policies.hubspot",
    "mautic": "leadlife.policies.mautic",
    "read_policy": "leadlife.policies.policy",
}
_KINDS = (
    "Points",
    "Fit",
    "Grid",
    "WeightedSum",
    "Scaled",
    "Capped",
    "Gated",
    "Overridden",
    "Highest",
    "PerLeadType",
    "Fallback",
    "Bound",
    "NaiveBayes",
    "CalibratedBayes",
)

__all__ = list(_HOMES)

__getattr__, __dir__ = lazily(__name__, _HOMES)


@cache
def kinds_of_policy() -> dict[str, type[Policy]]:
    """Return every kind of declared policy by its ``op``: the closed set that a file may hold."""
    found = [getattr(import_module(_HOMES[name]), name) for name in _KINDS]
    return {kind.model_fields["op"].default: kind for kind in found}
