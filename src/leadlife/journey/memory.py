"""Memory: the latest of each name, all activities and touches, in lists that share their past."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from operator import itemgetter
from typing import Any, Generic, TypeVar

from leadlife.criteria import Observation
from leadlife.facts import Fact, TouchRecord, consent_event

T = TypeVar("T")
R = TypeVar("R")
KEPT_EVERY = 64


class PersistentList(Generic[T]):
    """One item and the list before it. Immutable: two lists may share one past.

    Attributes:
        item: The newest item.
        before: The list without it; None where this is the first item.
        first: The oldest item.
        size: How many items there are.
    """

    __slots__ = ("_running", "before", "first", "item", "size")

    def __init__(self, item: T, before: PersistentList[T] | None) -> None:
        self.item: T = item
        self.before: PersistentList[T] | None = before
        self.first: T = item if before is None else before.first
        self.size: int = 1 if before is None else before.size + 1
        self._running: dict[str, Any] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        # Pickle would follow the links one by one and run out of stack, so the items are handed over as one tuple.
        return persistent_list, (oldest_first(self),)


def running(items: PersistentList[T] | None, key: str, step: Callable[[R | None, T], R | None]) -> R | None:
    """Return what a step makes of a list, the oldest item first; it goes on from where it was last asked for.

    What is made of a list is kept with it under the key, and of the lists before it with every 64th only, so that late
    facts go on from there. Two threads may both work it out; they get the same.
    """
    waiting: list[PersistentList[T]] = []
    here, made = items, None
    while here is not None:
        kept = here._running
        if kept is not None and key in kept:
            made = kept[key]
            break
        waiting.append(here)
        here = here.before
    known = here
    for one in reversed(waiting):
        made = step(made, one.item)
        if one is items or not one.size % KEPT_EVERY:
            one._running = {**(one._running or {}), key: made}
    if known is not None and known is not items and known.size % KEPT_EVERY:
        known._running = None
    return made


def persistent_list(items: Iterable[T]) -> PersistentList[T] | None:
    """Return a persistent list of items that are given oldest first; None where there are none."""
    made: PersistentList[T] | None = None
    for item in items:
        made = PersistentList(item, made)
    return made


def newest_first(items: PersistentList[T] | None) -> Iterator[T]:
    """Yield the items, the newest first."""
    while items is not None:
        yield items.item
        items = items.before


def oldest_first(items: PersistentList[T] | None) -> tuple[T, ...]:
    """Return the items in the order in which they were added."""
    return tuple(newest_first(items))[::-1]


_STATED = {"identified": "identified", "field": "attribute", "consent": "consent", "evidence": "evidence"}
"""What is known of a lead by statements, each with the type of its facts."""


class Memory:
    """What is known about a lead: the latest of each name, and every activity. Immutable.

    Attributes:
        latest: By topic and name, as :meth:`Fact.remembered` gives them, the latest observation.
        activities: By kind, every activity.
        touches: Every touch that was sent or failed.
    """

    __slots__ = ("activities", "latest", "touches")

    def __init__(
        self,
        latest: dict[tuple[str, str], Observation] | None = None,
        activities: dict[str, PersistentList[Observation]] | None = None,
        touches: PersistentList[Observation] | None = None,
    ) -> None:
        self.latest: dict[tuple[str, str], Observation] = {} if latest is None else latest
        self.activities: dict[str, PersistentList[Observation]] = {} if activities is None else activities
        self.touches: PersistentList[Observation] | None = touches

    def learn(self, fact: Fact, ordinal: int) -> Memory:
        """Return what is known after a fact."""
        known = fact.remembered()
        if known is None:
            return self
        topic, name, value = known
        seen = Observation(value, fact.at, fact.id or "", ordinal)
        if topic == "activity":
            activities = {**self.activities, name: PersistentList(seen, self.activities.get(name))}
            return Memory(self.latest, activities, self.touches)
        if topic == "touch":
            return self._touched(seen)
        if topic == "referred_by" and (topic, name) in self.latest:
            return self  # a person is referred once
        return Memory({**self.latest, (topic, name): seen}, self.activities, self.touches)

    def _touched(self, seen: Observation) -> Memory:
        """Return what is known after a touch: besides all touches, when each message was last sent."""
        record: TouchRecord = seen.value
        latest = self.latest
        if record.message is not None and not record.failed and not record.operational:
            latest = {**latest, ("message", record.message): seen}
        return Memory(latest, self.activities, PersistentList(seen, self.touches))

    def number_of(self, kind: str) -> int:
        """Return how many activities of a kind there are."""
        seen = self.activities.get(kind)
        return 0 if seen is None else seen.size

    def offered(self, most: Iterable[tuple[str, int]]) -> int:
        """Return how many points activities have offered in all, if one of each kind offers so many at most."""
        total, activities = 0, self.activities
        for kind, one in most:
            seen = activities.get(kind)
            if seen is not None:
                total += one * seen.size
        return total

    def of(self, topic: str) -> Iterator[tuple[str, Observation]]:
        """Yield every name of a topic with its latest observation."""
        return ((name, seen) for (about, name), seen in self.latest.items() if about == topic)

    def stated_events(self) -> Iterator[tuple[str, ...]]:
        """Yield each statement that is known of the lead, oldest first, as what it is to the ``on`` of a transition."""
        stated = [(seen.ordinal, topic, seen) for (topic, _), seen in self.latest.items() if topic in _STATED]
        for _, topic, seen in sorted(stated, key=itemgetter(0)):
            exact = (consent_event(granted=seen.value[0]),) if topic == "consent" else ()
            yield (*exact, _STATED[topic])

    def newest(self, inputs: Container[tuple[str, str]]) -> int:
        """Return the ordinal of the latest fact about any of these inputs of criteria; 0 where there is none."""
        ordinals = [
            # The report of a policy is kept by version; criteria name the policy alone.
            seen.ordinal
            for (topic, name), seen in self.latest.items()
            if (topic, name.partition("\n")[0]) in inputs
        ]
        ordinals += [
            seen.item.ordinal
            for kind, seen in self.activities.items()
            if ("activity", kind) in inputs or ("activity", "*") in inputs
        ]
        return max(ordinals, default=0)

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the inputs of criteria that something is known about."""
        for topic, name in self.latest:
            # The report of a policy is kept by version; criteria name the policy alone.
            yield topic, name.partition("\n")[0]
        for kind in self.activities:
            yield "activity", kind
        if self.activities:
            yield "activity", "*"
