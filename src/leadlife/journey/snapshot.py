"""Snapshots: a folded position on paper, so that a long log need not be judged again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from pydantic import Field, TypeAdapter, ValidationError

from leadlife._base.model import Id, Model
from leadlife.facts import Fact, PlaybookAdopted, PlaybookRef, Started, derive_id
from leadlife.journey.fold import Books
from leadlife.journey.latches import Alarm, Latch, Nearness, Turn
from leadlife.journey.state import Cycle, Mark, Memory, State, Step, oldest_first, trail_of
from leadlife.leads import Source
from leadlife.qualification.rule_index import Horizon

FORMAT = 2


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
    seal: str = ""
    """A hash of all the rest; a snapshot that was tampered with is dropped."""

    def sealed(self) -> str:
        """Return the seal that this snapshot should bear."""
        rest = self.model_dump(mode="json", exclude={"seal"})
        return derive_id(json.dumps(rest, sort_keys=True))

    def dump(self) -> dict[str, Any]:
        """Return the snapshot as plain values, ready for JSON."""
        return self.model_dump(mode="json")

    @classmethod
    def load(cls, data: dict[str, Any]) -> Snapshot:
        """Read a snapshot from what :meth:`dump` gave.

        Raises:
            Malformed: It is no snapshot.
        """
        return cls.model_validate(data)


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
    resets: tuple[int, ...]
    in_cycle: bool
    high_water: str | None
    source: Source | None
    steps: tuple[Step, ...]
    marks: tuple[Mark, ...]
    turns: tuple[Turn, ...]
    latches: dict[str, Latch]
    nearness: Nearness | None
    unjudged: int
    expected: Horizon
    due: datetime | None
    awaited: Alarm | None


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
    kept["turns"] = oldest_first(state.turns)
    position = _adapter().dump_python(Position(**kept), mode="json")
    unsealed = Snapshot(
        lead=lead,
        pipeline=pipeline,
        log=log_hash(facts),
        playbook=None if state.playbook is None else state.playbook.ref,
        position=dict(zip(Position._fields, position, strict=True)),
    )
    return unsealed.replace(seal=unsealed.sealed())


def restore(snapshot: Snapshot, facts: Iterable[Fact], books: Books) -> State | None:
    """Return the state that a snapshot holds, or None where it is broken: then the log is folded anew.

    Args:
        snapshot: What was saved.
        facts: The standing facts in fold order, from which memory is restored.
        books: The playbooks at hand.

    Raises:
        UnknownPlaybook: A playbook that the facts name is not at hand.
    """
    facts = tuple(facts)
    for fact in facts:
        if isinstance(fact, Started | PlaybookAdopted):
            books.find(fact.playbook)
    if snapshot.seal != snapshot.sealed():
        return None
    try:
        position = _adapter().validate_python(tuple(snapshot.position[name] for name in Position._fields))
    except (KeyError, ValidationError):
        return None
    state = State()
    state.lead = snapshot.lead
    for name in Position._fields:
        setattr(state, name, getattr(position, name))
    state.steps, state.marks = trail_of(position.steps), trail_of(position.marks)
    state.turns = trail_of(position.turns)
    if snapshot.playbook is not None:
        state.playbook = books.find(snapshot.playbook)
        state.table = state.playbook.lifecycle.table
        state.rules = state.playbook.rule_index if state.playbook.rule_index or state.latches else None
    memory = Memory()
    for ordinal, fact in enumerate(facts, start=1):
        memory = memory.learn(fact, ordinal)
    state.memory = memory
    return state
