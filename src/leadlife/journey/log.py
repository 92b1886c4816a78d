"""The log: a journey's facts in the order in which they were recorded, and which of them stand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from threading import Lock
from typing import Any, NamedTuple

from leadlife.errors import Fault, Malformed, Refusal
from leadlife.facts import DERIVED, FACTS, Fact, Retracted
from leadlife.journey.records import FactStatus

_STAMPS = ("id", "key", "lead", "pipeline", "seq", "recorded_at")
_appending = Lock()
"""Held while a fact is added to a list that several journeys share, so that two threads never add at one place."""


class LogEntry(NamedTuple):
    """A recorded fact and what became of it."""

    fact: Fact
    standing: FactStatus
    refusals: tuple[Refusal, ...] = ()


class _Shared:
    """The facts that journeys share which grew from one another, with an index. It grows at its end only."""

    __slots__ = ("conflicts", "facts", "ids", "keys", "retractions")

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.keys: dict[str, int] = {}
        """Key to the first position that has it."""
        self.ids: dict[str, int] | None = None
        """Id to the first position that has it, where the key is another; most facts have one text as both."""
        self.conflicts: dict[str, list[int]] | None = None
        """Key to the positions of the facts that came second under it."""
        self.retractions: dict[str, int] | None = None
        """Id or key of a target to the position of its first retraction."""

    def append(self, fact: Fact) -> None:
        place, key = len(self.facts), fact.key
        self.facts.append(fact)
        if key != fact.id:
            ids = self.ids = {} if self.ids is None else self.ids
            ids.setdefault(fact.id, place)
        if self.keys.setdefault(key, place) != place:
            conflicts = self.conflicts = {} if self.conflicts is None else self.conflicts
            conflicts.setdefault(key, []).append(place)
        elif isinstance(fact, Retracted):
            self.retractions = {} if self.retractions is None else self.retractions
            self.retractions.setdefault(fact.target, place)


class FactLog:
    """The facts of one journey: the first so many of a list that it may share with journeys it grew from.

    Immutable: another journey that grows the same list is never seen here.
    """

    __slots__ = ("_shared", "length", "next_seq")

    def __init__(self, shared: _Shared | None = None, length: int = 0, next_seq: int = 0) -> None:
        self._shared = _Shared() if shared is None else shared
        self.length: int = length
        self.next_seq: int = next_seq
        """The next value of the journey's counter."""

    @classmethod
    def of(cls, facts: Iterable[Fact]) -> FactLog:
        """Return the log of stamped facts, in whatever order they are given; duplicates are left out."""
        log = cls()
        for fact in sorted(facts, key=recorded_order):
            if log.known(fact, fact.key) is None:
                log = log.adding(fact)
        return log

    @property
    def facts(self) -> list[Fact]:
        """The facts, in the order in which they were recorded."""
        return self._shared.facts[: self.length]

    @property
    def last(self) -> Fact | None:
        """The fact that was recorded last."""
        return self._shared.facts[self.length - 1] if self.length else None

    def adding(self, fact: Fact) -> FactLog:
        """Return the log with one more stamped fact."""
        shared, length, following = self._shared, self.length, fact.seq + 1
        with _appending:
            alone = length == len(shared.facts)
            if alone:
                shared.append(fact)
        if alone:
            return FactLog(shared, length + 1, max(self.next_seq, following))
        # Another journey has grown the list: this one goes on with a copy of its own part.
        return self.copy().adding(fact)

    def copy(self) -> FactLog:
        """Return the same log on a list of its own."""
        return self.upto(self.length)

    def upto(self, length: int) -> FactLog:
        """Return the first so many facts, on a list of their own."""
        return self.keeping(self._shared.facts[:length])

    def keeping(self, facts: Iterable[Fact]) -> FactLog:
        """Return the log of some of these facts, given in recorded order."""
        shared, next_seq = _Shared(), 0
        for fact in facts:
            shared.append(fact)
            next_seq = max(next_seq, fact.seq + 1)
        return FactLog(shared, len(shared.facts), next_seq)

    def find(self, key: str) -> Fact | None:
        """Return the fact that has a key."""
        place = self._shared.keys.get(key)
        return None if place is None or place >= self.length else self._shared.facts[place]

    def has_key(self, key: str) -> bool:
        """Return whether a fact has this key."""
        return self._shared.keys.get(key, self.length) < self.length

    def known(self, fact: Fact, key: str) -> Fact | None:
        """Return the fact that has a key and the same content, conflicting or not.

        The instant is no part of the comparison: a request that is sent again under its key has another clock.
        """
        first = self.find(key)
        if first is None:
            return None
        content, conflicts = fact.content(timeless=True), self._shared.conflicts
        places = [] if conflicts is None else conflicts.get(key, [])
        rivals = (self._shared.facts[place] for place in places if place < self.length)
        return next((one for one in (first, *rivals) if one.content(timeless=True) == content), None)

    def with_id(self, fact_id: str) -> Fact | None:
        """Return the fact that has an id."""
        same, ids = self.find(fact_id), self._shared.ids
        if same is not None and same.id == fact_id:
            return same
        place = self.length if ids is None else ids.get(fact_id, self.length)
        return self._shared.facts[place] if place < self.length else None

    def is_retracted(self, fact: Fact) -> bool:
        """Return whether a retraction takes a fact out; a retraction cannot be retracted."""
        retractions = self._shared.retractions
        if retractions is None or isinstance(fact, Retracted):
            return False
        return min(retractions.get(fact.id, self.length), retractions.get(fact.key, self.length)) < self.length

    def status_of(self, fact: Fact) -> FactStatus:
        """Return whether a fact of the log stands, before any playbook looks at it."""
        if self._shared.facts[self._shared.keys[fact.key]] is not fact:
            return FactStatus.CONFLICTING
        return FactStatus.RETRACTED if self.is_retracted(fact) else FactStatus.STANDS

    def with_status(self) -> Iterator[tuple[Fact, FactStatus]]:
        """Yield every fact, and whether it stands."""
        return ((fact, self.status_of(fact)) for fact in self.facts)

    def in_fold_order(self, *, until: datetime | None = None) -> list[Fact]:
        """Return the standing facts that are folded, by ``at``, ``seq`` and ``id``."""
        facts = [
            fact
            for fact, status in self.with_status()
            if status is FactStatus.STANDS and not isinstance(fact, Retracted) and (until is None or fact.at <= until)
        ]
        facts.sort(key=fold_order)
        return facts


def recorded_order(fact: Fact) -> tuple[Any, ...]:
    """Return the key by which a log is sorted."""
    return fact.recorded_at, fact.seq, fact.id


def fold_order(fact: Fact) -> tuple[Any, ...]:
    """Return the key by which facts are folded."""
    return fact.at, fact.seq, fact.id


def observed_facts(facts: Iterable[Fact]) -> list[Fact]:
    """Return the facts of a stored log that a fold reads: derived ones are outputs and are left out.

    Raises:
        Malformed: There is no fact to read, a fact lacks a stamp, or the facts belong to more than one journey.
    """
    kept: list[Fact] = []
    faults: list[Fault] = []
    for place, fact in enumerate(facts):
        if type(fact) not in FACTS:
            faults.append(
                Fault(str(place), f"a {type(fact).__name__} is not a fact", "read stored ones with load_fact")
            )
            continue
        if fact.caused_by is not None or isinstance(fact, DERIVED):
            continue
        missing = [name for name in _STAMPS if getattr(fact, name) is None]
        if missing:
            hint = "only recorded facts can be replayed: use journey.record for new ones"
            faults.append(Fault(str(place), f"the fact has no {', '.join(missing)}", hint))
            continue
        if kept and (fact.lead, fact.pipeline) != (kept[0].lead, kept[0].pipeline):
            faults.append(Fault(str(place), "the fact belongs to another journey", "replay one journey at a time"))
        kept.append(fact)
    if faults:
        raise Malformed("this log cannot be replayed:", faults=faults[:20])
    if not kept:
        raise Malformed("there is no fact to replay", hint="Journey(lead, playbook) is an empty journey")
    _check_ids(kept)
    return kept


def _check_ids(facts: Iterable[Fact]) -> None:
    keys: dict[str, str] = {}
    for fact in facts:
        if keys.setdefault(fact.id, fact.key) != fact.key:
            raise Malformed("two facts of one id have different keys", hint="an id names one fact")
