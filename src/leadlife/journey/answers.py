"""What a journey answers with: an option, the next waking, a receipt."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from leadlife.errors import Refusal
from leadlife.facts import Fact
from leadlife.journey.log import Standing
from leadlife.stages import Kind


class Option(NamedTuple):
    """What a CRM shows as a button: a trigger, and whether it may be fired; true where it may.

    Attributes:
        trigger: The trigger.
        allowed: Whether it may be fired now, by this actor, with this reason.
        kind: What the move means.
        target: Where it leads; None where no candidate's guard is true, or the move is internal.
        needs_reason: Whether a reason must be given.
        reasons: The reasons to choose from.
        refusals: Why not, in order.
    """

    trigger: str
    allowed: bool
    kind: Kind | None
    target: str | None
    needs_reason: bool
    reasons: tuple[str, ...]
    refusals: tuple[Refusal, ...]

    def __bool__(self) -> bool:
        return self.allowed

    def _repr_html_(self) -> str:
        from leadlife._html import tree  # noqa: PLC0415 - only a notebook pays for it

        says = f"{self.trigger} to {self.target}" if self.target is not None else self.trigger
        why = [(1, refusal.code.value, refusal.message) for refusal in self.refusals]
        return tree([(0, "true" if self.allowed else "false", says), *why])

    def to_dict(self) -> dict[str, Any]:
        """Return the option as plain values, ready for JSON."""
        return {**self._asdict(), "refusals": [refusal.to_dict() for refusal in self.refusals]}


class Wake(NamedTuple):
    """The next instant at which time alone can change something, and why."""

    at: datetime
    why: str


class Receipt(NamedTuple):
    """What became of the fact that was recorded last.

    Attributes:
        fact: The fact, with its stamps.
        standing: What became of it.
        new: Whether it was appended; a fact already known under its key is not.
        refusals: Why it did not move the lead.
    """

    fact: Fact
    standing: Standing
    new: bool
    refusals: tuple[Refusal, ...]
