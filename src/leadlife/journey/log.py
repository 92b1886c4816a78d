"""The log: a journey's facts in the order in which they were recorded, and which of them stand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import repeat
from operator import itemgetter
from threading import Lock
from typing import Any, NamedTuple

from leadlife.errors import Fault, Malformed, Refusal, article
from leadlife.facts import DERIVED, FACT_TYPES, LOG_ACTS, Fact, Retracted
from leadlife.journey.merge_status import Merges, joined, path_of
from leadlife.journey.past import Past
from leadlife.journey.records import FactStatus

_STAMPS = ("id", "key", "lead", "pipeline", "seq", "recorded_at")
_stamps_of = itemgetter(*_STAMPS)
_appending = Lock()
"""Held while a fact is added to a list that several journeys share, so that two threads never add at one place."""


class LogEntry(NamedTuple):
    """A recorded fact and what became of it."""

    fact: Fact
    status: FactStatus
    refusals: tuple[Refusal, ...] = ()


class _Shared:
    """The facts that journeys share which grew from one another, with an index. It grows at its end only."""

    __slots__ = ("conflicts", "facts", "ids", "keys", "merges", "retractions")

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
        self.merges: list[int] | None = None
        """The positions of what merges leads and takes them apart again."""

    def append(self, fact: Fact) -> None:
        # Indexes that nearly no log needs are made by the first fact that needs them: a journey is to stay small.
        place, key = len(self.facts), fact.key
        self.facts.append(fact)
        if key != fact.id:
            ids = self.ids = {} if self.ids is None else self.ids
            ids.setdefault(fact.id, place)
        if self.keys.setdefault(key, place) != place:
            conflicts = self.conflicts = {} if self.conflicts is None else self.conflicts
            conflicts.setdefault(key, []).append(place)
        elif isinstance(fact, LOG_ACTS):
            self._note(fact, place)

    def _note(self, fact: Fact, place: int) -> None:
        """Keep the place of a fact that says something of others."""
        if isinstance(fact, Retracted):
            self.retractions = {} if self.retractions is None else self.retractions
            self.retractions.setdefault(fact.target, place)
        else:
            self.merges = [] if self.merges is None else self.merges
            self.merges.append(place)


class FactLog:
    """The facts of one journey: the first so many of a list that it may share with journeys it grew from.

    Immutable: another journey that grows the same list is never seen here. A log may be the tail of one, whose past a
    snapshot has folded.
    """

    __slots__ = ("_merges", "_shared", "length", "next_seq", "past")

    def __init__(
        self, shared: _Shared | None = None, length: int = 0, next_seq: int = 0, past: Past | None = None
    ) -> None:
        self._shared = _Shared() if shared is None else shared
        self.length: int = length
        self.next_seq: int = next_seq
        """The next value of the journey's counter."""
        self.past: Past | None = past
        """What lies before this tail; None for a whole log."""
        self._merges: Merges | None = None

    @classmethod
    def of(cls, facts: Iterable[Fact], *, past: Past | None = None, next_seq: int = 0) -> FactLog:
        """Return the log of stamped facts, in whatever order they are given; duplicates are left out."""
        shared = _Shared()
        for fact in sorted(facts, key=recorded_order):
            # Nearly every fact has a key that no other has. For one that has not, what is there is looked at.
            if fact.key in shared.keys or past is not None:
                known = cls(shared, len(shared.facts), past=past).known(fact, fact.key)
                if known is not None:
                    continue
            shared.append(fact)
            next_seq = max(next_seq, fact.seq + 1)
        return cls(shared, len(shared.facts), next_seq, past)

    @property
    def facts(self) -> list[Fact]:
        """The facts, in the order in which they were recorded."""
        return self._shared.facts[: self.length]

    @property
    def count(self) -> int:
        """How many facts there are, those before a tail included."""
        return self.length + (0 if self.past is None else len(self.past.facts))

    @property
    def recorded_at(self) -> datetime | None:
        """When the latest fact was recorded; None before the first."""
        own = self._shared.facts[self.length - 1].recorded_at if self.length else None
        before = None if self.past is None else self.past.facts[-1].recorded_at
        # A planned fact is in the tail, though others may have been recorded after it.
        return before if own is None or (before is not None and before > own) else own

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
            return FactLog(shared, length + 1, max(self.next_seq, following), self.past)
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
        shared, next_seq = _Shared(), 0 if self.past is None else self.past.facts[-1].seq + 1
        for fact in facts:
            shared.append(fact)
            next_seq = max(next_seq, fact.seq + 1)
        return FactLog(shared, len(shared.facts), next_seq, self.past)

    def find(self, key: str) -> Fact | None:
        """Return the fact that has a key."""
        place = self._shared.keys.get(key)
        return None if place is None or place >= self.length else self._shared.facts[place]

    @property
    def has_retractions(self) -> bool:
        """Whether any fact of it was retracted."""
        return self._shared.retractions is not None or (self.past is not None and bool(self.past.retracted))

    def names(self, text: str) -> bool:
        """Return whether a text is the id or the key of a fact."""
        shared, length = self._shared, self.length
        if shared.keys.get(text, length) < length or (shared.ids is not None and shared.ids.get(text, length) < length):
            return True
        return self.past is not None and self.past.has(text)

    def has_target(self, retraction: Retracted) -> bool:
        """Return whether a retraction takes any fact of this log out; a retraction is not taken out."""
        places = (names.get(retraction.target) for names in (self._shared.keys, self._shared.ids) if names is not None)
        found = [self._shared.facts[place] for place in places if place is not None and place < self.length]
        return any(not isinstance(fact, Retracted) for fact in found)

    def has_key(self, key: str) -> bool:
        """Return whether a fact has this key."""
        if self.past is not None and key in self.past.by_key:
            return True
        if self._shared.merges is not None:
            return self._counting(key) is not None
        return self._shared.keys.get(key, self.length) < self.length

    def _counting(self, key: str) -> Fact | None:
        """Return the fact that has a key, of those whose lead was not taken out again: a key may be used anew then."""
        merges, first = self.merges, self.find(key)
        if first is None or merges is None or not merges.is_out(path_of(first)):
            return first
        return next((one for one in self._rivals(key) if not merges.is_out(path_of(one))), None)

    def _rivals(self, key: str) -> Iterator[Fact]:
        """Yield the facts that came second under a key."""
        places = (self._shared.conflicts or {}).get(key, [])
        return (self._shared.facts[place] for place in places if place < self.length)

    def known(self, fact: Fact, key: str) -> Fact | None:
        """Return the fact that has a key and the same content, conflicting or not.

        The instant is not part of the comparison: a request that is sent again under its key has another clock.
        """
        if self.past is not None:
            before = self.past.known(fact, key)
            if before is not None:
                return before
        merges = self.merges
        known = self.with_key(key, like=fact)
        return next((one for one in known if merges is None or not merges.is_out(path_of(one))), None)

    def with_key(self, key: str, *, like: Fact) -> Iterator[Fact]:
        """Yield the facts of a whole log that have a key and the content of another one, at whatever instant."""
        first = self.find(key)
        if first is not None:
            content = like.content(timeless=True)
            yield from (one for one in (first, *self._rivals(key)) if one.content(timeless=True) == content)

    def key_of(self, fact_id: str) -> str | None:
        """Return the key of the fact that has an id; None if no fact has it."""
        if self.past is not None and fact_id in self.past.by_id:
            return self.past.by_id[fact_id].key
        found = self.with_id(fact_id)
        return None if found is None else found.key

    def with_id(self, fact_id: str) -> Fact | None:
        """Return the fact that has an id.

        Raises:
            NeedsWholeLog: It lies before the tail.
        """
        if self.past is not None and fact_id in self.past.by_id:
            raise self.past.needed()
        same, ids = self.find(fact_id), self._shared.ids
        if same is not None and same.id == fact_id:
            return same
        place = self.length if ids is None else ids.get(fact_id, self.length)
        return self._shared.facts[place] if place < self.length else None

    def is_retracted(self, fact: Fact) -> bool:
        """Return whether a retraction takes a fact out; a retraction cannot be retracted."""
        retractions, past = self._shared.retractions, self.past
        if past is not None and not isinstance(fact, Retracted) and not past.retracted.isdisjoint((fact.id, fact.key)):
            return True
        if retractions is None or isinstance(fact, Retracted):
            return False
        return min(retractions.get(fact.id, self.length), retractions.get(fact.key, self.length)) < self.length

    def status_of(self, fact: Fact) -> FactStatus:
        """Return whether a fact of the log stands, before any playbook looks at it."""
        before = [] if self.past is None else self.past.by_key.get(fact.key, [])
        if before and self.past is not None and self.past.merged:
            raise self.past.needed()  # whether it counts is said by merges before the tail
        if before:
            if before[0].id != fact.id:
                return FactStatus.CONFLICTING
            return FactStatus.RETRACTED if self.is_retracted(fact) else FactStatus.STANDS
        merges = self.merges
        out = merges is not None and merges.is_out(path_of(fact))
        if not out and self._counting(fact.key) is not fact:
            return FactStatus.CONFLICTING
        if self.is_retracted(fact):
            return FactStatus.RETRACTED
        return FactStatus.STANDS if merges is None else merges.status_of(fact)

    @property
    def has_merges(self) -> bool:
        """Whether leads were ever merged, so that the facts of one instant take turns."""
        return self._shared.merges is not None or (self.past is not None and bool(self.past.merged))

    @property
    def losers(self) -> tuple[str, ...]:
        """The leads that are merged into this one now."""
        merges = self.merges
        if merges is not None:
            return merges.losers
        return () if self.past is None else self.past.merged

    @property
    def merges(self) -> Merges | None:
        """What the merges of this log say of its facts; None where nothing was ever merged."""
        places = self._shared.merges
        if places is None or places[0] >= self.length:
            return None
        if self._merges is None:
            self._merges = Merges(self.facts, self.is_retracted)
        return self._merges

    def with_status(self) -> Iterator[tuple[Fact, FactStatus]]:
        """Yield every fact, and whether it stands."""
        if self._all_stand:
            return zip(self.facts, repeat(FactStatus.STANDS))
        return ((fact, self.status_of(fact)) for fact in self.facts)

    @property
    def _all_stand(self) -> bool:
        """Whether nothing was ever said of another fact or under its key, as in nearly every log."""
        shared = self._shared
        return self.past is None and shared.conflicts is None and shared.retractions is None and shared.merges is None

    def in_fold_order(self, *, until: datetime | None = None) -> list[Fact]:
        """Return the standing facts that are folded, by ``at``, ``seq`` and ``id``."""
        if self._all_stand:
            facts = self.facts
        else:
            standing = (fact for fact, status in self.with_status() if status is FactStatus.STANDS)
            facts = [fact for fact in standing if not isinstance(fact, LOG_ACTS)]
        if until is not None:
            facts = [fact for fact in facts if fact.at <= until]
        facts.sort(key=fold_order)
        return facts if self.merges is None else joined(facts)


def recorded_order(fact: Fact) -> tuple[Any, ...]:
    """Return the key by which a log is sorted."""
    return fact.recorded_at, fact.seq, fact.id


def fold_order(fact: Fact) -> tuple[Any, ...]:
    """Return the key by which facts are folded.

    At one instant the leads of a merged person take turns by their ids, so that it does not matter who was merged into
    whom; of one lead, the counter decides.
    """
    origin = fact.merged_from
    return fact.at, fact.lead if origin is None else origin[-1], fact.seq, fact.id


def observed_facts(facts: Iterable[Fact]) -> list[Fact]:
    """Return the facts of a stored log that a fold reads: derived ones are outputs and are left out.

    Raises:
        Malformed: There is no fact to read, a fact lacks a stamp, or the facts belong to more than one journey.
    """
    kept: list[Fact] = []
    faults: list[Fault] = []
    for place, fact in enumerate(facts):
        if type(fact) not in FACT_TYPES:
            faults.append(
                Fault(str(place), f"{article(type(fact).__name__)} is not a fact", "read stored ones with load_fact")
            )
            continue
        if fact.caused_by is not None or type(fact) in DERIVED:
            continue
        if None in _stamps_of(vars(fact)):
            missing = [name for name in _STAMPS if vars(fact)[name] is None]
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
