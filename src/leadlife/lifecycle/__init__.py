"""The lifecycle: stages, legal transitions, their validation, and the transition table that journeys run on."""

from leadlife.lifecycle.lifecycle import Lifecycle
from leadlife.lifecycle.sign_off import SignOff
from leadlife.lifecycle.stages import EntryStage, Limit, Reason, Route, Stage, StageStatus, StageType
from leadlife.lifecycle.transitions import Transition, TransitionKind

__all__ = [
    "EntryStage",
    "Lifecycle",
    "Limit",
    "Reason",
    "Route",
    "SignOff",
    "Stage",
    "StageStatus",
    "StageType",
    "Transition",
    "TransitionKind",
]
