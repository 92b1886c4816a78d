"""What merges say of the facts of a log: which of them count, and whose moves stand.

A log with merges is a tree. Its own facts have no origin; those of a lead that was merged in name it, and the leads
that had been merged into that one before come after it. At each level, one of two leads goes on with its moves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from leadlife.facts import (
    Fact,
    HandoffAccepted,
    HandoffOffered,
    HandoffPaused,
    HandoffRejected,
    Merged,
    Moved,
    OwnerAssigned,
    PlaybookAdopted,
    StageReached,
    Started,
    Unmerged,
)
from leadlife.journey.records import FactStatus

MOVES = (
    Started,
    Moved,
    StageReached,
    PlaybookAdopted,
    OwnerAssigned,
    HandoffOffered,
    HandoffAccepted,
    HandoffRejected,
    HandoffPaused,
)
"""What says where one record of a person stands and who works on it; of two records, that of one stands."""

Path = tuple[str, ...]


class Joined(Started):
    """The start of the lead whose moves stand, where another one had started before: the person goes on from there."""

    @classmethod
    def of(cls, fact: Started) -> Joined:
        """Return a start that joins."""
        return cls.model_construct(**vars(fact))


class Merges:
    """The merges of a log as they are now."""

    def __init__(self, facts: Sequence[Fact], is_retracted: Callable[[Fact], bool]) -> None:
        """Take in the facts of a log, in recorded order."""
        self._latest: dict[tuple[Path, str], Merged | Unmerged] = {}
        starts: list[Started] = []
        repeats: dict[str, str] = {}
        retracted = set[str]()
        for fact in facts:
            if fact.same_as is not None:
                repeats[fact.id] = fact.same_as
            if is_retracted(fact):
                retracted.add(fact.id)
                continue
            if isinstance(fact, Merged | Unmerged):
                self._latest[path_of(fact), fact.loser] = fact
            elif isinstance(fact, Started):
                starts.append(fact)
        self._standing: dict[Path, list[Merged]] = {}
        for (path, _), fact in self._latest.items():
            if isinstance(fact, Merged):
                self._standing.setdefault(path, []).append(fact)
        self.first_of: Mapping[str, str] = _first_of(repeats)
        """The first fact of each event that several leads have recorded, by the id of each of its facts."""
        self._duplicates: frozenset[str] = self._repeated(facts, retracted) if repeats else frozenset()
        # A person starts once: with the first start of any record that counts, whoever's moves stand later.
        counting = (fact for fact in starts if not self.is_out(path_of(fact)))
        self._first_start = min(counting, key=_start_order, default=None)

    @property
    def losers(self) -> tuple[str, ...]:
        """The leads that are merged into this one now."""
        standing = sorted(self._standing.get((), ()), key=lambda one: one.seq)
        return tuple(one.loser for one in standing)

    def merged(self, loser: str) -> bool:
        """Return whether a lead is merged into this one now."""
        return isinstance(self._latest.get(((), loser)), Merged)

    def status_of(self, fact: Fact) -> FactStatus:
        """Return whether a fact counts; it is neither in conflict nor retracted."""
        path = path_of(fact)
        if self.is_out(path):
            return FactStatus.UNMERGED
        if fact.id in self._duplicates:
            return FactStatus.DUPLICATE
        if not isinstance(fact, MOVES) or fact is self._first_start or self._acts(fact, path):
            return FactStatus.STANDS
        return FactStatus.MERGED

    def _repeated(self, facts: Sequence[Fact], retracted: set[str]) -> frozenset[str]:
        """Return the ids of facts that do not count, because another lead has recorded the same event.

        Of one event at one instant, that fact counts which is folded first, so that it does not matter who was merged
        into whom; of several instants, which only a key makes one, that of the lead that was merged into. Whoever
        retracts one of them retracts the event.
        """
        events: dict[str, list[Fact]] = {}
        for fact in facts:
            if fact.id in self.first_of and not self.is_out(path_of(fact)):
                events.setdefault(self.first_of[fact.id], []).append(fact)
        repeated = {fact.id for several in events.values() for fact in several}
        counting = {
            min((one for one in several if one.at == several[0].at), key=lambda one: (_origin(one), one.seq)).id
            for several in events.values()
            if retracted.isdisjoint(fact.id for fact in several)
        }
        return frozenset(repeated - counting)

    def is_out(self, path: Path) -> bool:
        """Return whether a lead through which a fact came was taken out again."""
        return not all(isinstance(self._latest.get((path[:depth], path[depth])), Merged) for depth in range(len(path)))

    def _acts(self, fact: Fact, path: Path) -> bool:
        """Return whether the moves of a fact's own lead stand, at every level up to this journey."""
        for depth in range(len(path) + 1):
            since = fact.seq
            if depth < len(path):
                joined_by = self._latest[path[:depth], path[depth]]
                if not isinstance(joined_by, Merged) or joined_by.moves_of != joined_by.loser:
                    return False
                since = joined_by.seq
            # What happened after a merge is the person's own, whose record it came by does not matter any more.
            later = (one for one in self._standing.get(path[:depth], ()) if one.seq > since)
            if any(one.moves_of == one.loser for one in later):
                return False
        return True


def _first_of(repeats: Mapping[str, str]) -> dict[str, str]:
    """Return the first fact of an event by the id of each that repeats it, directly or through another one."""
    first_of = {name: name for name in repeats.values()}
    for name, other in repeats.items():
        seen = {name}
        while other in repeats and other not in seen:  # a hostile log may go in a circle
            seen.add(other)
            other = repeats[other]  # noqa: PLW2901 - a repetition of a repetition is one of the first
        first_of[name] = other
    return first_of


def _origin(fact: Fact) -> str:
    """Return the lead that a fact is of, wherever it was merged into."""
    return fact.lead if fact.merged_from is None else fact.merged_from[-1]


def path_of(fact: Fact) -> Path:
    """Return the leads through which a fact came to a journey; empty for its own."""
    return fact.merged_from or ()


def joined(facts: list[Fact]) -> list[Fact]:
    """Return the facts of a merged person, in fold order, in which every start but the first joins."""
    first: Started | None = None
    made: list[Fact] = []
    for fact in facts:
        if isinstance(fact, Started):
            if first is not None and path_of(first) != path_of(fact):
                fact = Joined.of(fact)  # noqa: PLW2901 - the same fact, in the part that it plays
            first = first or fact
        made.append(fact)
    return made


def _start_order(fact: Started) -> tuple[object, ...]:
    return fact.at, _origin(fact), fact.seq
