"""A journey is a lead's facts replayed through a playbook.

A *playbook* is the agreement between marketing and sales as one immutable value; *facts* are what happened, with two
clocks; a *journey* is the fold of facts through a playbook: stage, cycle, timers, and why.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "Activity": "leadlife.activities",
    "ActivityKind": "leadlife.activities",
    "ActivityRecorded": "leadlife.facts",
    "Actor": "leadlife.leads",
    "AttributeChanged": "leadlife.facts",
    "Calendar": "leadlife.timing",
    "Consent": "leadlife.leads",
    "ConsentChanged": "leadlife.facts",
    "CostIncurred": "leadlife.facts",
    "Elapsed": "leadlife.timing",
    "Entry": "leadlife.stages",
    "Evidence": "leadlife.facts",
    "EvidenceGiven": "leadlife.facts",
    "Fact": "leadlife.facts",
    "FieldSpec": "leadlife.playbook",
    "FieldType": "leadlife.playbook",
    "Holds": "leadlife.stages",
    "Identified": "leadlife.facts",
    "InvalidDefinition": "leadlife.errors",
    "Journey": "leadlife.journey",
    "Kind": "leadlife.stages",
    "Lead": "leadlife.leads",
    "LeadType": "leadlife.leads",
    "LeadlifeError": "leadlife.errors",
    "Lifecycle": "leadlife.lifecycle",
    "Limit": "leadlife.stages",
    "Malformed": "leadlife.errors",
    "Money": "leadlife.money",
    "MoveRefused": "leadlife.errors",
    "Moved": "leadlife.facts",
    "Opaque": "leadlife.criteria",
    "Option": "leadlife.journey",
    "Playbook": "leadlife.playbook",
    "PlaybookAdopted": "leadlife.facts",
    "Qualification": "leadlife.facts",
    "QualificationGranted": "leadlife.facts",
    "QualificationWithdrawn": "leadlife.facts",
    "Reason": "leadlife.stages",
    "Referred": "leadlife.facts",
    "Refusal": "leadlife.errors",
    "Retracted": "leadlife.facts",
    "Route": "leadlife.stages",
    "ScoreReported": "leadlife.facts",
    "Snapshot": "leadlife.journey",
    "Sold": "leadlife.facts",
    "Source": "leadlife.leads",
    "Stage": "leadlife.stages",
    "StageReached": "leadlife.facts",
    "Started": "leadlife.facts",
    "Status": "leadlife.stages",
    "Transition": "leadlife.stages",
    "View": "leadlife.criteria",
    "count": "leadlife.criteria",
    "days": "leadlife.timing",
    "elapsed": "leadlife.timing",
    "evidence": "leadlife.criteria",
    "field": "leadlife.criteria",
    "identified": "leadlife.criteria",
    "load_fact": "leadlife.facts",
    "months": "leadlife.timing",
    "role": "leadlife.criteria",
    "sold": "leadlife.criteria",
    "weeks": "leadlife.timing",
    "years": "leadlife.timing",
}
"""Each public name and the module it lives in: a name costs its import when it is first used."""

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'leadlife' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
