"""Snapshots: a folded position on paper, so that a long log need not be judged again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from pydantic import Field, TypeAdapter, ValidationError

from leadlife._model import Id, Model
from leadlife.facts import Fact, PlaybookRef, derive_id
from leadlife.journey.fold import Books
from leadlife.journey.state import Cycle, Mark, Memory, State, Step, Trail, oldest_first
from leadlife.leads import Source

FORMAT = 1


class Snapshot(Model):
    """Where a journey stood after its whole log. It spares the fold, not the reading, and may be dropped at any time.

    ``dump()`` gives plain values for a host's table; ``Snapshot.load`` reads them back.
    """

    format: int = FORMAT
    lead: Id
    pipeline: Id
    log: str
    """A hash of the log that was folded; another log makes the snapshot worthless, never wrong."""
    playbook: PlaybookRef | None
    position: dict[str, Any] = Field(repr=False)

    def dump(self) -> dict[str, Any]:
        """Return the snapshot as plain values, ready for JSON."""
        return self.model_dump(mode="json")

    @classmethod
    def load(cls, data: dict[str, Any]) -> Snapshot:
        """Read a snapshot from what :meth:`dump` gave.

        Raises:
            Malformed: It is no snapshot.
        """
        return cls(**data)


class Position(NamedTuple):
    """A state without what the facts themselves restore."""

    at: datetime | None
    stage: str | None
    entered: datetime | None
    left: str | None
    spent: bool
    floor: datetime | None
    cut: int
    ordinal: int
    cycles: tuple[Cycle, ...]
    in_cycle: bool
    high_water: str | None
    source: Source | None
    steps: tuple[Step, ...]
    marks: tuple[Mark, ...]


@cache
def _adapter() -> TypeAdapter[Position]:
    return TypeAdapter(Position)


def log_hash(facts: Iterable[Fact]) -> str:
    """Return what tells one log from another: every fact's id, key and place."""
    return derive_id(*(f"{fact.id}\x00{fact.key}\x00{fact.seq}\x00{fact.recorded_at}" for fact in facts))


def save(state: State, lead: str, pipeline: str, facts: Iterable[Fact]) -> Snapshot:
    """Return a snapshot of a state that folds these facts."""
    kept = {name: getattr(state, name) for name in Position._fields}
    kept |= {"steps": oldest_first(state.steps), "marks": oldest_first(state.marks)}
    position = _adapter().dump_python(Position(**kept), mode="json")
    return Snapshot(
        lead=lead,
        pipeline=pipeline,
        log=log_hash(facts),
        playbook=None if state.playbook is None else state.playbook.ref,
        position=dict(zip(Position._fields, position, strict=True)),
    )


def restore(snapshot: Snapshot, facts: Iterable[Fact], books: Books) -> State | None:
    """Return the state that a snapshot holds, or None where it cannot be read or fits no playbook at hand.

    Args:
        snapshot: What was saved.
        facts: The standing facts in fold order, from which memory is restored.
        books: The playbooks at hand.

    Raises:
        UnknownPlaybook: The playbook in force is not at hand.
    """
    try:
        position = _adapter().validate_python(tuple(snapshot.position[name] for name in Position._fields))
    except (KeyError, ValidationError):
        return None
    state = State()
    for name in Position._fields:
        setattr(state, name, getattr(position, name))
    state.steps = state.marks = None
    for step in position.steps:
        state.steps = Trail(step, state.steps)
    for mark in position.marks:
        state.marks = Trail(mark, state.marks)
    if snapshot.playbook is not None:
        state.playbook = books.find(snapshot.playbook)
        state.plan = state.playbook.lifecycle.plan
    memory = Memory()
    for ordinal, fact in enumerate(facts, start=1):
        memory = memory.learn(fact, ordinal)
    state.memory = memory
    return state
