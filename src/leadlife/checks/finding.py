"""What the checker finds: a code, how bad it is, where, the shortest story that shows it, and what to do."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    """The definition does not do what it says."""
    WARNING = "warning"
    """It does, and leads will be lost by it, or people surprised."""
    NOTE = "note"
    """Something to know, or to argue in the playbook's own words."""


class Code(StrEnum):
    """What is found; each has its place in the docs."""

    UNBUILDABLE = "unbuildable"
    UNREACHABLE = "unreachable_stage"
    TRAP = "trap"
    NO_WON_STAGE = "no_won_stage"
    NO_PATH_TO_WON = "no_path_to_won"
    NO_TIMED_EXIT = "no_timed_exit"
    ENDLESS_RECYCLING = "endless_recycling"
    NO_COOL_DOWN = "no_cool_down"
    CAN_BE_AVOIDED = "can_be_avoided"
    NEVER_TRUE = "never_true"
    SHADOWED = "shadowed"
    OVERLAP = "overlap"
    NOT_DECIDED = "not_decided"
    CUSTOM_GUARD = "custom_guard"
    HYSTERESIS = "hysteresis_reversed"
    CHASE = "chase"
    PERSONAL_UNFLAGGED = "personal_unflagged"
    STALE_SIGN_OFF = "stale_sign_off"


SEVERITIES: dict[Code, Severity] = {
    Code.UNBUILDABLE: Severity.ERROR,
    Code.UNREACHABLE: Severity.ERROR,
    Code.TRAP: Severity.ERROR,
    Code.NO_WON_STAGE: Severity.ERROR,
    Code.NO_PATH_TO_WON: Severity.ERROR,
    Code.NO_TIMED_EXIT: Severity.NOTE,
    Code.ENDLESS_RECYCLING: Severity.WARNING,
    Code.NO_COOL_DOWN: Severity.WARNING,
    Code.CAN_BE_AVOIDED: Severity.ERROR,
    Code.NEVER_TRUE: Severity.ERROR,
    Code.SHADOWED: Severity.ERROR,
    Code.OVERLAP: Severity.WARNING,
    Code.NOT_DECIDED: Severity.NOTE,
    Code.CUSTOM_GUARD: Severity.NOTE,
    Code.HYSTERESIS: Severity.ERROR,
    Code.CHASE: Severity.WARNING,
    Code.PERSONAL_UNFLAGGED: Severity.WARNING,
    Code.STALE_SIGN_OFF: Severity.WARNING,
}


class Finding(NamedTuple):
    """One thing that the checker found.

    Attributes:
        code: What it is.
        where: The path to the place, such as ``lifecycle.transitions.3.guard``.
        says: It, in one sentence.
        story: The shortest story that shows it, step by step; empty where there is none to tell.
        hint: What to do.
    """

    code: Code
    where: str
    says: str
    story: tuple[str, ...] = ()
    hint: str = ""

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return SEVERITIES[self.code]

    def __str__(self) -> str:
        story = f"\n    story: {', '.join(self.story)}" if self.story else ""
        hint = f"\n    hint: {self.hint}" if self.hint else ""
        return f"{self.severity} {self.code} at {self.where}: {self.says}{story}{hint}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {
            "code": self.code.value,
            "severity": self.severity.value,
            "where": self.where,
            "says": self.says,
            "story": list(self.story),
            "hint": self.hint,
        }
