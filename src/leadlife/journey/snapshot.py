"""Snapshots: where a journey stood, as plain values, so that a long log need not be folded again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, model_validator

from leadlife._base.model import LONGEST_ID, Id, Instant, MappingOf, Model, identifier, read_json
from leadlife._frozen import FrozenDict, frozen
from leadlife.errors import Malformed
from leadlife.facts import Fact, PlaybookAdopted, Started, derive_id
from leadlife.journey.memory import oldest_first, persistent_list
from leadlife.journey.ownership import Ownership
from leadlife.journey.records import FactOutcome, RuleChange, Step
from leadlife.journey.state import Position, RuleStates, State
from leadlife.playbook.registry import PlaybookRegistry

FORMAT = 7
_TRUSTED = "_trusted"
LIBRARY = "0.1.0"


MOST_LEVELS = 60
"""No state is nested deeper; what is would exhaust the stack."""


def _too_deep(value: Any) -> bool:
    waiting = [(value, 0)]
    while waiting:
        one, level = waiting.pop()
        if level > MOST_LEVELS:
            return True
        inner = one.values() if isinstance(one, dict) else one if isinstance(one, list | tuple) else ()
        waiting += [(part, level + 1) for part in inner]
    return False


def _id_or_blank(value: Any) -> str:
    try:
        return identifier(value)
    except Malformed:
        return "?"


class Snapshot(Model):
    """Where a journey stood after its whole log. It spares the fold, not the reading, and may be dropped at any time.

    ``dump()`` gives plain values for a host's table; ``Snapshot.load`` reads them back.
    """

    format: int = FORMAT
    library: str = LIBRARY
    """The version of leadlife that made it. A snapshot of another version or format is ignored."""
    lead: Id
    pipeline: Id
    log: str
    """A hash of the log that was folded."""
    count: Annotated[int, Field(ge=0)] = 0
    """How many facts that log held."""
    first: str = ""
    """The id of its first fact, which no tail of the log holds."""
    state: Annotated[MappingOf[str, Any], AfterValidator(frozen)] = Field(repr=False)
    tail: Annotated[MappingOf[str, Any], AfterValidator(frozen)] = Field(
        default_factory=FrozenDict[str, Any], repr=False
    )
    """What :meth:`Journey.resume_tail` needs instead of the facts: what is remembered, and which facts are known."""
    seal: str = ""
    """A hash of all the rest. A snapshot that was changed is ignored.

    It finds accidents, not forgery: keep snapshots where you keep the facts.
    """

    @model_validator(mode="before")
    @classmethod
    def _foreign(cls, data: Any) -> Any:
        """Keep of a snapshot of another version only where it comes from: its other keys may mean anything."""
        if not isinstance(data, dict):
            return data
        form, library = data.get("format", FORMAT), data.get("library", LIBRARY)
        own = type(form) is int and (form, library) == (FORMAT, LIBRARY) and ("library" in data or "format" not in data)
        if own and not _too_deep(data.get("state")):
            return data
        number = form if type(form) is int else 0
        maker = "before 0.1" if "library" not in data else "a broken one" if own else str(library)[:LONGEST_ID]
        kept = {name: _id_or_blank(data.get(name)) for name in ("lead", "pipeline")}
        return {**kept, "format": number, "library": maker, "log": "", "state": {}}

    @classmethod
    def trusted(cls, text: str) -> Snapshot:
        """Read the JSON of a snapshot from a store that has checked it: its seal is not looked at, which takes longest.

        Raises:
            Malformed: The text is not a snapshot.
        """
        data = read_json(text)
        if not isinstance(data, dict) or not cls.model_fields.keys() >= data.keys() >= {"lead", "pipeline", "state"}:
            raise Malformed("the text is not a snapshot", hint="pass what snapshot.model_dump_json() gave")
        made = cls.model_construct(**{"format": 0, "library": "", **data})
        vars(made)[_TRUSTED] = True
        return made

    @property
    def is_foreign(self) -> bool:
        """Whether another version of the library made it, so that it is ignored."""
        return (self.format, self.library) != (FORMAT, LIBRARY)

    @property
    def is_sound(self) -> bool:
        """Whether this version of the library made it, and nobody has changed it since."""
        try:
            return not self.is_foreign and (_TRUSTED in vars(self) or self.seal == self.sealed())
        except ValueError:  # a number of more digits than Python writes
            return False

    def sealed(self) -> str:
        """Return the seal that this snapshot should have."""
        rest = self.model_dump(mode="json", exclude={"seal"})
        return derive_id(json.dumps(rest, sort_keys=True))

    def dump(self) -> dict[str, Any]:
        """Return the snapshot as plain values, ready for JSON."""
        return self.model_dump(mode="json")

    @classmethod
    def load(cls, data: dict[str, Any]) -> Snapshot:
        """Read a snapshot from what :meth:`dump` gave.

        Raises:
            Malformed: The data are not a snapshot.
        """
        return cls.model_validate(data)


_Entry = tuple[Literal["step"], Step] | tuple[Literal["outcome"], FactOutcome] | tuple[Literal["change"], RuleChange]
"""A history entry under its name: named tuples are written as lists, so the name distinguishes them."""
_NAMES: dict[type[Any], Literal["step", "outcome", "change"]] = {
    Step: "step",
    FactOutcome: "outcome",
    RuleChange: "change",
}


class _Kept(NamedTuple):
    """A state without what the facts themselves restore."""

    at: Instant | None
    aged: Instant | None
    timed_moves: int
    ordinal: int
    position: Position | None
    ownership: Ownership | None
    rules: RuleStates | None
    history: tuple[_Entry, ...]


@cache
def _adapter() -> TypeAdapter[_Kept]:
    return TypeAdapter(_Kept)


def log_hash(facts: Iterable[Fact], before: str = "") -> str:
    """Return a hash of a log: of every fact's id, key and place.

    Args:
        facts: The facts, in the order in which they were recorded.
        before: The hash of the log that these facts go on from: so a tail knows the hash of its whole log.
    """
    # A chain and not a set: two logs of the same facts in another order are two logs.
    made = before
    for fact in facts:
        made = derive_id(made, f"{fact.id}\x00{fact.key}\x00{fact.seq}\x00{fact.recorded_at}")
    return made


def save(state: State, lead: str, pipeline: str, facts: Iterable[Fact]) -> Snapshot:
    """Return a snapshot of a state that folds these facts."""
    facts = tuple(facts)
    first = facts[0].id if facts else ""
    return sealed(lead=lead, pipeline=pipeline, log=log_hash(facts), count=len(facts), first=first, state=dumped(state))


def dumped(state: State) -> dict[str, Any]:
    """Return a state as plain values, without what the facts themselves restore."""
    history: Any = tuple((_NAMES[type(entry)], entry) for entry in oldest_first(state.history))
    kept = _Kept(
        at=state.at,
        aged=state.aged,
        timed_moves=state.timed_moves,
        ordinal=state.ordinal,
        position=state.position,
        ownership=state.ownership,
        rules=state.rules,
        history=history,
    )
    values = _adapter().dump_python(kept, mode="json")
    return dict(zip(_Kept._fields, values, strict=True))


def sealed(*, trusted: bool = False, **content: Any) -> Snapshot:
    """Return a snapshot with its seal; without one, and unchecked, for a store that has a checksum of its own."""
    if trusted:
        return Snapshot.model_construct(**content)
    unsealed = Snapshot(**content)
    return unsealed.replace(seal=unsealed.sealed())


def restore(snapshot: Snapshot, facts: Iterable[Fact], registry: PlaybookRegistry) -> State | None:
    """Return the state that a snapshot holds; None where the snapshot is broken, so that the log is folded anew.

    Args:
        snapshot: What was saved.
        facts: The standing facts in fold order, from which memory is restored.
        registry: The playbooks at hand.

    Raises:
        UnknownPlaybook: A playbook that the facts name is not at hand.
    """
    facts = tuple(facts)
    for fact in facts:
        if isinstance(fact, Started | PlaybookAdopted):
            registry.find(fact.playbook)
    try:
        values = tuple(snapshot.state[name] for name in _Kept._fields)
        kept = _adapter().validate_python(values, context={"registry": registry})
    except (KeyError, ValidationError):
        return None
    # A playbook of the same id and version may have been replaced by hand; then folding anew says what is wrong.
    position = kept.position
    if position is not None and position.stage not in position.playbook.lifecycle.by_id:
        return None
    state = State()
    state.lead = snapshot.lead
    state.at, state.aged, state.timed_moves, state.ordinal = kept.at, kept.aged, kept.timed_moves, kept.ordinal
    state.position, state.ownership, state.rules = kept.position, kept.ownership, kept.rules
    state.history = persistent_list(entry for _, entry in kept.history)
    # Memory is not saved: the facts are at hand, and learning them costs little beside folding them.
    for ordinal, fact in enumerate(facts, start=1):
        state.memory = state.memory.learn(fact, ordinal)
    return state
