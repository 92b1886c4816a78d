"""The journey: a lead's facts replayed through a playbook."""

from __future__ import annotations

from leadlife.journey.answers import Option, QualificationDecision, Receipt, Wake
from leadlife.journey.history import Explanation, Grant, Line, Visit
from leadlife.journey.journey import Journey
from leadlife.journey.log import LogEntry
from leadlife.journey.records import Cycle, FactStatus
from leadlife.journey.snapshot import Snapshot

__all__ = [
    "Cycle",
    "Explanation",
    "FactStatus",
    "Grant",
    "Journey",
    "Line",
    "LogEntry",
    "Option",
    "QualificationDecision",
    "Receipt",
    "Snapshot",
    "Visit",
    "Wake",
]
