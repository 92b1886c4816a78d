"""A finding of the checker: its code, severity, place, the shortest story that shows it, and what to do."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple


class Severity(StrEnum):
    """The severity of a finding."""

    ERROR = "error"
    """The definition cannot work as it is written."""
    WARNING = "warning"
    """The definition works, but it will lose leads or surprise people."""
    NOTE = "note"
    """Something to know. If it is intended, give the reason in the playbook."""


class Code(StrEnum):
    """The kind of a finding. ``docs/findings`` has a page for each code."""

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
    LIMIT_MAY_WAIT = "limit_may_wait"
    NAMESAKES = "guard_namesakes"
    NOT_DECIDED = "not_decided"
    CUSTOM_GUARD = "custom_guard"
    HYSTERESIS = "hysteresis_reversed"
    CHASE = "chase"
    PERSONAL_UNFLAGGED = "personal_unflagged"
    STALE_SIGN_OFF = "stale_sign_off"
    NO_PROGRAMME_EXIT = "no_programme_exit"
    NEVER_OPEN = "never_open"
    TOUCH_IMPOSSIBLE = "touch_impossible"
    ENDLESS_REWARD = "endless_reward"
    NO_DEADLINE = "no_deadline"


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
    Code.LIMIT_MAY_WAIT: Severity.WARNING,
    Code.NAMESAKES: Severity.WARNING,
    Code.NOT_DECIDED: Severity.NOTE,
    Code.CUSTOM_GUARD: Severity.NOTE,
    Code.HYSTERESIS: Severity.ERROR,
    Code.CHASE: Severity.WARNING,
    Code.PERSONAL_UNFLAGGED: Severity.WARNING,
    Code.STALE_SIGN_OFF: Severity.WARNING,
    Code.NO_PROGRAMME_EXIT: Severity.WARNING,
    Code.NEVER_OPEN: Severity.ERROR,
    Code.TOUCH_IMPOSSIBLE: Severity.ERROR,
    Code.ENDLESS_REWARD: Severity.WARNING,
    Code.NO_DEADLINE: Severity.WARNING,
}


class Finding(NamedTuple):
    """One thing that the checker found.

    Attributes:
        code: The kind of the finding.
        where: The path to the place, such as ``lifecycle.transitions.3.guard``.
        message: What is wrong, in one sentence.
        story: The shortest story that shows the problem, step by step. Empty if a story would show nothing.
        hint: What to do.
    """

    code: Code
    where: str
    message: str
    story: tuple[str, ...] = ()
    hint: str = ""

    @property
    def severity(self) -> Severity:
        """The severity of the code."""
        return SEVERITIES[self.code]

    def __str__(self) -> str:
        story = f"\n    story: {', '.join(self.story)}" if self.story else ""
        hint = f"\n    hint: {self.hint}" if self.hint else ""
        return f"{self.severity} {self.code} at {self.where}: {self.message}{story}{hint}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {
            "code": self.code.value,
            "severity": self.severity.value,
            "where": self.where,
            "message": self.message,
            "story": list(self.story),
            "hint": self.hint,
        }
