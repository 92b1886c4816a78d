"""The journey: the fold of facts through a playbook, and its face."""

from __future__ import annotations

from leadlife.journey.answers import Decision, Option, Receipt, Wake
from leadlife.journey.journey import Journey
from leadlife.journey.log import LogEntry, Standing
from leadlife.journey.snapshot import Snapshot
from leadlife.journey.state import Cycle
from leadlife.journey.story import Explanation, Line, Visit

__all__ = [
    "Cycle",
    "Decision",
    "Explanation",
    "Journey",
    "Line",
    "LogEntry",
    "Option",
    "Receipt",
    "Snapshot",
    "Standing",
    "Visit",
    "Wake",
]
