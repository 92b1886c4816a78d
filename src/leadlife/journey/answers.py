"""What a journey answers with: what is held and known, an option, a decision, the next waking, a receipt."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from leadlife._base.model import Id, Instant, Model, Name, TupleOf, default
from leadlife.criteria import Verdict
from leadlife.errors import Refusal
from leadlife.facts import Fact, PlaybookRef
from leadlife.journey.records import FactStatus
from leadlife.leads import OptionalActor, Source
from leadlife.lifecycle.transitions import TransitionKind


class Evidence(Model):
    """The latest yes or no to a question: since when, by whom, and from where."""

    name: Name
    value: bool
    at: Instant
    fact: Id
    by: OptionalActor = default(None)
    source: Source | None = None

    def age(self, at: datetime) -> timedelta:
        """Return how old it is at an instant."""
        return at - self.at


class Qualification(Model):
    """A named test that a lead passes: since when, until when, on what evidence, under which agreement."""

    name: Name
    granted: Instant
    expires: Instant | None = None
    evidence: TupleOf[Id] = default(())
    """Ids of the facts that the answer rested on when it was granted."""
    playbook: PlaybookRef | None = None
    """The agreement under which it was granted."""
    by: Id = "system"
    """Who granted it, a person or the playbook's own rule."""
    verdict: Annotated[Verdict | None, Field(repr=False)] = None
    """The answer that granted it, as a tree; None where a person did."""

    def holds(self, at: Instant) -> bool:
        """Return whether it holds at an instant: from its granting until, but not at, its expiry."""
        return self.granted <= at and (self.expires is None or at < self.expires)


class Option(NamedTuple):
    """What a CRM shows as a button: a trigger, and whether it may be fired; true where it may.

    Attributes:
        trigger: The trigger.
        allowed: Whether it may be fired now, by this actor, with this reason.
        kind: What the move means.
        target: Where it leads; None where that depends on guards that are not true, or the move is internal.
        needs_reason: Whether a reason must be given.
        reasons: The reasons to choose from.
        refusals: Why not, in order.
        needs: What is still to be given, and refuses nothing where it is asked for: ``reason``, ``note``.
        on: The kind of fact that fires it; None where only somebody does.
        automatic: Whether the guard alone makes the move, so that it needs no button.
    """

    trigger: str
    allowed: bool
    kind: TransitionKind | None
    target: str | None
    needs_reason: bool
    reasons: tuple[str, ...]
    refusals: tuple[Refusal, ...]
    needs: tuple[str, ...] = ()
    on: str | None = None
    automatic: bool = False

    def __bool__(self) -> bool:
        return self.allowed

    def _repr_html_(self) -> str:
        from leadlife._base.html import tree  # noqa: PLC0415 - only a notebook pays for it

        label = f"{self.trigger} to {self.target}" if self.target is not None else self.trigger
        why = [(1, refusal.code.value, refusal.message) for refusal in self.refusals]
        return tree([(0, "true" if self.allowed else "false", label), *why])

    def to_dict(self) -> dict[str, Any]:
        """Return the option as plain values, ready for JSON."""
        return {**self._asdict(), "refusals": [refusal.to_dict() for refusal in self.refusals]}


class QualificationDecision(NamedTuple):
    """Whether a qualification holds, and what it needs; true where it holds.

    Attributes:
        name: The qualification.
        held: Whether it holds.
        since: Since when.
        expires: When it lapses, if nothing confirms it before.
        by: Who granted it; ``system`` is its rule.
        enter: What its rule answers to letting the lead in, as a tree.
        leave: What it answers to throwing them out.
        granted_by: The roles that may grant and withdraw it by hand.
        playbook: The agreement in force.
    """

    name: str
    held: bool
    since: datetime | None
    expires: datetime | None
    by: str | None
    enter: Verdict | None
    leave: Verdict | None
    granted_by: tuple[str, ...]
    playbook: PlaybookRef

    def __bool__(self) -> bool:
        return self.held

    @property
    def missing(self) -> tuple[str, ...]:
        """The questions that no fact answers, which are what to ask next."""
        return tuple(dict.fromkeys(_unanswered(self.enter)))

    def __str__(self) -> str:
        until = "" if self.expires is None else f" until {self.expires:%Y-%m-%d %H:%M} UTC"
        head = f"{self.name}: held{until}, granted by {self.by}" if self.held else f"{self.name}: not held"
        trees = [
            f"  {word}:\n{verdict.tree('    ')}"
            for word, verdict in (("enter", self.enter), ("leave", self.leave))
            if verdict is not None
        ]
        return "\n".join([f"{head} ({self.playbook})", *trees])

    def _repr_html_(self) -> str:
        from leadlife._base.html import tree  # noqa: PLC0415 - only a notebook pays for it

        lines = [(0, "true" if self.held else "false", self.name)]
        for word, verdict in (("enter", self.enter), ("leave", self.leave)):
            if verdict is not None:
                lines.append((1, word, ""))
                lines += [(depth + 2, answer, sentence) for depth, answer, sentence in verdict.lines()]
        return tree(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the decision as plain values, ready for JSON."""
        return {
            "name": self.name,
            "held": self.held,
            "since": None if self.since is None else self.since.isoformat(),
            "expires": None if self.expires is None else self.expires.isoformat(),
            "by": self.by,
            "enter": None if self.enter is None else self.enter.to_dict(),
            "leave": None if self.leave is None else self.leave.to_dict(),
            "missing": list(self.missing),
            "granted_by": list(self.granted_by),
            "playbook": str(self.playbook),
        }


def _unanswered(verdict: Verdict | None) -> Iterator[str]:
    if verdict is None or verdict.value is True:
        return
    if not verdict.parts and verdict.value is None:
        yield verdict.sentence
    for part in verdict.parts:
        yield from _unanswered(part)


class Wake(NamedTuple):
    """The next instant at which time alone can change something, and why."""

    at: datetime
    why: str

    def __str__(self) -> str:
        return f"{self.why} at {self.at}"


class Receipt(NamedTuple):
    """What became of the fact that was recorded last.

    Attributes:
        fact: The fact, with its stamps.
        status: What became of it.
        new: Whether it was appended; a fact already known under its key is not.
        refusals: Why it did not move the lead.
    """

    fact: Fact
    status: FactStatus
    new: bool
    refusals: tuple[Refusal, ...]
