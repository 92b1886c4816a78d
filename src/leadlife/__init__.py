"""A journey is a lead's facts replayed through a playbook.

A *playbook* is the agreement between marketing and sales as one immutable value. *Facts* are what happened, with two
clocks. A *journey* is the fold of facts through a playbook: stage, cycle, timers, and why.

The names here are the nouns of a playbook, the facts, and what acts on them. Everything else has a home of its own:
``leadlife.criteria`` builds guards, ``leadlife.scoring`` scores, ``leadlife.presets`` holds ready-made playbooks.
"""

from __future__ import annotations

from leadlife._base.lazy import homes_of, lazily

__version__ = "0.1.0"

_HOMES = homes_of(
    __name__,
    {
        "checks.check": "check",
        "checks.diff": "diff",
        "errors": "LeadlifeError Malformed MoveRefused",
        "facts": "ActivityRecorded ConsentChanged CostIncurred EvidenceGiven Fact FieldChanged Identified Moved "
        "PlaybookAdopted QualificationGranted QualificationWithdrawn Referred Retracted ScoreReported "
        "Sold StageReached Started load_fact",
        "io.playbook_files": "load_playbook",
        "journey": "Journey",
        "leads": "Activity ActivityKind Actor Consent Lead LeadType Source",
        "lifecycle.lifecycle": "Lifecycle",
        "lifecycle.stages": "Limit Stage",
        "lifecycle.transitions": "Transition",
        "money": "Money",
        "playbook.fields": "FieldSpec",
        "playbook.playbook": "Playbook",
        "qualification.rules": "QualificationRule",
        "scoring.points": "Points",
        "scoring.point_rules": "ActivityRule FieldRule",
        "scoring.score": "Score",
        "timing": "days elapsed",
    },
)
"""Each public name and the module that defines it; a module is imported when one of its names is first used."""

__all__ = list(_HOMES)

__getattr__, __dir__ = lazily(__name__, _HOMES)
