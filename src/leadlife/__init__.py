"""A journey is a lead's facts replayed through a playbook.

A *playbook* is the agreement between marketing and sales as one immutable value. *Facts* are what happened, with two
clocks. A *journey* is the fold of facts through a playbook: stage, cycle, timers, and why.

The names here are those of the README and the tutorial. Everything else has a home of its own: ``leadlife.criteria``
builds guards, ``leadlife.scoring`` scores, ``leadlife.presets`` holds ready-made playbooks.
"""

from __future__ import annotations

from leadlife._base.lazy import lazily

__version__ = "0.1.0"

_HOMES = {
    "Activity": "leadlife.leads",
    "ActivityKind": "leadlife.leads",
    "ActivityRecorded": "leadlife.facts",
    "ActivityRule": "leadlife.scoring.rules",
    "Actor": "leadlife.leads",
    "Consent": "leadlife.leads",
    "ConsentChanged": "leadlife.facts",
    "CostIncurred": "leadlife.facts",
    "EvidenceGiven": "leadlife.facts",
    "Fact": "leadlife.facts",
    "FieldChanged": "leadlife.facts",
    "FieldRule": "leadlife.scoring.rules",
    "FieldSpec": "leadlife.playbook.fields",
    "Identified": "leadlife.facts",
    "Journey": "leadlife.journey",
    "Lead": "leadlife.leads",
    "LeadType": "leadlife.leads",
    "LeadlifeError": "leadlife.errors",
    "Lifecycle": "leadlife.lifecycle.lifecycle",
    "Limit": "leadlife.lifecycle.stages",
    "Malformed": "leadlife.errors",
    "Money": "leadlife.money",
    "MoveRefused": "leadlife.errors",
    "Moved": "leadlife.facts",
    "Playbook": "leadlife.playbook.playbook",
    "PlaybookAdopted": "leadlife.facts",
    "Points": "leadlife.scoring.points",
    "QualificationGranted": "leadlife.facts",
    "QualificationRule": "leadlife.qualification.rules",
    "QualificationWithdrawn": "leadlife.facts",
    "Referred": "leadlife.facts",
    "Retracted": "leadlife.facts",
    "Score": "leadlife.scoring.score",
    "ScoreReported": "leadlife.facts",
    "Sold": "leadlife.facts",
    "Source": "leadlife.leads",
    "Stage": "leadlife.lifecycle.stages",
    "StageReached": "leadlife.facts",
    "Started": "leadlife.facts",
    "Transition": "leadlife.lifecycle.transitions",
    "check": "leadlife.checks.check",
    "days": "leadlife.timing",
    "diff": "leadlife.checks.diff",
    "elapsed": "leadlife.timing",
    "load_fact": "leadlife.facts",
    "load_playbook": "leadlife.io.playbook_files",
}
"""Each public name and the module that defines it; a module is imported when one of its names is first used."""

__all__ = list(_HOMES)

__getattr__, __dir__ = lazily(__name__, _HOMES)
