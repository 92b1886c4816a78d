"""The past of a tail: what a journey still knows of facts that a snapshot has folded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from leadlife.errors import NeedsWholeLog
from leadlife.facts import Fact, derive_id

if TYPE_CHECKING:
    from leadlife.journey.state import State


class KnownFact(NamedTuple):
    """What is kept of a fact before the tail of a log: enough to know it again, and when it was recorded."""

    key: str
    id: str
    content: str
    """A hash of its content, without its instant."""
    seq: int
    at: datetime
    recorded_at: datetime

    @classmethod
    def of(cls, fact: Fact) -> KnownFact:
        """Return what is kept of a stamped fact."""
        return cls(fact.key, fact.id, derive_id(fact.content(timeless=True)), fact.seq, fact.at, fact.recorded_at)


class Past:
    """What lies before the tail of a log: the facts that a snapshot has folded, as far as a tail must know them.

    Attributes:
        lead: Whose facts they are.
        pipeline: In which pipeline.
        facts: The facts, in the order in which they were recorded.
        retracted: The ids and keys that were retracted.
        merged: The leads that were merged into this one.
        order: The place in the fold of the last fact that took effect; a tail begins after it.
        begin: Where the lead stood after it.
        log: The hash of the log that the snapshot was made of.
        next_seq: What the journey's counter came to then.
    """

    __slots__ = (
        "begin",
        "by_id",
        "by_key",
        "facts",
        "lead",
        "log",
        "merged",
        "next_seq",
        "order",
        "pipeline",
        "retracted",
    )

    def __init__(  # noqa: PLR0917 - one for each attribute
        self,
        lead: str,
        pipeline: str,
        facts: Iterable[KnownFact],
        retracted: Iterable[str],
        merged: Iterable[str],
        order: tuple[Any, ...],
        begin: State,
        log: str,
        next_seq: int,
    ) -> None:
        self.log: str = log
        self.next_seq: int = next_seq
        self.lead: str = lead
        self.pipeline: str = pipeline
        self.facts: tuple[KnownFact, ...] = tuple(facts)
        self.retracted: frozenset[str] = frozenset(retracted)
        self.merged: tuple[str, ...] = tuple(merged)
        self.order: tuple[Any, ...] = order
        self.begin: State = begin
        self.by_id: Mapping[str, KnownFact] = {one.id: one for one in self.facts}
        self.by_key: dict[str, list[KnownFact]] = {}
        for one in self.facts:
            self.by_key.setdefault(one.key, []).append(one)

    def known(self, fact: Fact, key: str) -> Fact | None:
        """Return a fact that was recorded before under a key with the same content, with its stamps of then."""
        same = self.by_key.get(key, [])
        content = derive_id(fact.content(timeless=True)) if same else ""
        found = next((one for one in same if one.content == content), None)
        if found is None:
            return None
        stamps: dict[str, Any] = {"id": found.id, "key": key, "seq": found.seq, "recorded_at": found.recorded_at}
        return fact.model_copy(update={"at": found.at}).stamped(lead=self.lead, pipeline=self.pipeline, **stamps)

    def has(self, target: str) -> bool:
        """Return whether an id or a key is that of one of these facts."""
        return target in self.by_id or target in self.by_key

    def needed(self) -> NeedsWholeLog:
        """Return the error of what reaches back before the tail."""
        saved = len(self.facts)
        return NeedsWholeLog(f"this reaches back before the tail of a journey, into {saved} facts", saved=saved)
