"""The log: facts in the order in which they were recorded, and which of them stand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from leadlife.errors import Fault, Malformed, Refusal
from leadlife.facts import DERIVED, FACTS, Fact, Retracted

_STAMPS = ("id", "key", "lead", "pipeline", "seq", "recorded_at")
_ID_ONLY = "\x00"
"""Prefix for ids that are not keys; no id or key holds it."""


class Standing(StrEnum):
    """What became of a recorded fact."""

    STANDS = "stands"
    REFUSED = "refused"
    REDUNDANT = "redundant"
    CONFLICTING = "conflicting"
    RETRACTED = "retracted"


class LogEntry(NamedTuple):
    """A fact of the log and what became of it."""

    fact: Fact
    standing: Standing
    refusals: tuple[Refusal, ...] = ()


class Log:
    """Facts in recorded order, shared by the journeys that grew from one another.

    A journey sees a prefix. Whoever appends to a prefix that is not the whole copies it first.
    """

    __slots__ = ("conflicts", "facts", "keys", "next_seq", "retractions")

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.keys: dict[str, int] = {}
        """Key, or id under a prefix where it differs, to the first position that has it."""
        self.next_seq: int = 0
        """The counter's next value."""
        self.conflicts: dict[str, list[int]] | None = None
        """Key to the positions of the facts that lost it."""
        self.retractions: dict[str, int] | None = None
        """Id of a target to the position of its first retraction."""

    @classmethod
    def of(cls, facts: Iterable[Fact]) -> Log:
        """Return a log of recorded facts, in recorded order, duplicates left out."""
        log = cls()
        for fact in sorted(facts, key=recorded_order):
            if log.known(fact, fact.key or "", len(log.facts)) is None:
                log.append(fact)
        return log

    def find(self, key: str, length: int) -> Fact | None:
        """Return the fact that has a key, among the first ones."""
        place = self.keys.get(key)
        return None if place is None or place >= length else self.facts[place]

    def known(self, fact: Fact, key: str, length: int) -> Fact | None:
        """Return the one of the first facts that has a key and says the same, conflicting or not."""
        content = fact.content()
        places = [] if self.conflicts is None else self.conflicts.get(key, [])
        rivals = (self.facts[place] for place in places if place < length)
        return next((one for one in (self.find(key, length), *rivals) if one and one.content() == content), None)

    def named(self, fact_id: str, length: int) -> Fact | None:
        """Return the one of the first facts that has this id."""
        place = self.keys.get(_ID_ONLY + fact_id)
        if place is not None and place < length:
            return self.facts[place]
        same = self.find(fact_id, length)
        return same if same is not None and same.id == fact_id else None

    def append(self, fact: Fact) -> None:
        """Add a fact that has its stamps."""
        place = len(self.facts)
        self.facts.append(fact)
        if fact.seq is not None and fact.seq >= self.next_seq:
            self.next_seq = fact.seq + 1
        key, fact_id = fact.key or "", fact.id or ""
        if key != fact_id:
            self.keys.setdefault(_ID_ONLY + fact_id, place)
        if self.keys.setdefault(key, place) != place:
            conflicts = self.conflicts = {} if self.conflicts is None else self.conflicts
            conflicts.setdefault(key, []).append(place)
        elif isinstance(fact, Retracted):
            self.retractions = {} if self.retractions is None else self.retractions
            self.retractions.setdefault(fact.target, place)

    def prefix(self, length: int, *, copy: bool = False) -> Log:
        """Return the log itself if that is all of it, else, or on request, a copy of its first facts."""
        if length == len(self.facts) and not copy:
            return self
        log = Log()
        for fact in self.facts[:length]:
            log.append(fact)
        return log

    def retracted(self, fact: Fact, length: int) -> bool:
        """Return whether one of the first facts takes this one out."""
        if self.retractions is None or isinstance(fact, Retracted):
            return False
        place = self.retractions.get(fact.id or "")
        return place is not None and place < length

    def standing(self, length: int) -> Iterator[tuple[Fact, Standing]]:
        """Yield the first facts, each with whether it stands, before any is judged by a playbook."""
        for fact in self.facts[:length]:
            yield fact, self.standing_of(fact, length)

    def standing_of(self, fact: Fact, length: int) -> Standing:
        """Return whether one of the first facts stands, before any is judged by a playbook."""
        if self.facts[self.keys[fact.key or ""]] is not fact:
            return Standing.CONFLICTING
        return Standing.RETRACTED if self.retracted(fact, length) else Standing.STANDS

    def in_fold_order(self, length: int, *, until: datetime | None = None) -> list[Fact]:
        """Return the standing facts that are folded, by ``at``, ``seq`` and ``id``."""
        facts = [
            fact
            for fact, standing in self.standing(length)
            if standing is Standing.STANDS and not isinstance(fact, Retracted) and (until is None or fact.at <= until)
        ]
        facts.sort(key=fold_order)
        return facts


def recorded_order(fact: Fact) -> tuple[Any, ...]:
    """Return the key by which a log is sorted."""
    return fact.recorded_at, fact.seq, fact.id


def fold_order(fact: Fact) -> tuple[Any, ...]:
    """Return the key by which facts are folded."""
    return fact.at, fact.seq, fact.id


def observed(facts: Iterable[Fact]) -> list[Fact]:
    """Return the facts of a stored log that a fold reads: derived ones are outputs and stay out.

    Raises:
        Malformed: A fact lacks a stamp, or the facts belong to more than one journey.
    """
    kept: list[Fact] = []
    faults: list[Fault] = []
    owner: tuple[str | None, str | None] | None = None
    for place, fact in enumerate(facts):
        if type(fact) not in FACTS:
            faults.append(Fault(str(place), "this is not a fact", "read stored ones with load_fact"))
            continue
        if fact.caused_by is not None or isinstance(fact, DERIVED):
            continue
        missing = [name for name in _STAMPS if getattr(fact, name) is None]
        if missing:
            hint = "only recorded facts can be replayed: use journey.record for new ones"
            faults.append(Fault(str(place), f"the fact has no {', '.join(missing)}", hint))
            continue
        if fact.recorded_at is not None and fact.recorded_at < fact.at:
            faults.append(Fault(str(place), "the fact was recorded before it happened", "check at and recorded_at"))
        owner = owner or (fact.lead, fact.pipeline)
        if (fact.lead, fact.pipeline) != owner:
            faults.append(Fault(str(place), "the fact belongs to another journey", "replay one journey at a time"))
        kept.append(fact)
    if faults:
        raise Malformed("this log cannot be replayed:", faults=faults[:20])
    _distinct_ids(kept)
    return kept


def _distinct_ids(facts: Iterable[Fact]) -> None:
    keys: dict[str, str] = {}
    for fact in facts:
        if keys.setdefault(fact.id or "", fact.key or "") != fact.key:
            raise Malformed("two facts of one id have different keys", hint="an id names one fact")
