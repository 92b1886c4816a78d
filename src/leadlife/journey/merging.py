"""Merging: two leads turn out to be one person, or one person to be two."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from leadlife.errors import Malformed
from leadlife.facts import LOG_ACTS, ConsentChanged, Fact, Merged, Refunded, Retracted, Unmerged, derive_id
from leadlife.journey.data import JourneyData, folded_anew, growable, state_at
from leadlife.journey.fold import fold
from leadlife.journey.log import FactLog
from leadlife.journey.merge_status import MOVES, path_of
from leadlife.journey.recording import Clock, recording_instant, stamp
from leadlife.journey.records import FactStatus
from leadlife.journey.state import State
from leadlife.leads import Actor
from leadlife.lifecycle.stages import StageStatus
from leadlife.playbook.registry import PlaybookRegistry
from leadlife.timing import instant

_STANDS_FURTHER = {
    StageStatus.WON: 5,
    StageStatus.OPEN: 4,
    StageStatus.RECYCLED: 3,
    StageStatus.CHURNED: 2,
    StageStatus.LOST: 1,
    StageStatus.DISQUALIFIED: 0,
}
"""Which of two records that came as far shows where a person stands: what lives tells more than what was closed."""

_TICK = timedelta(microseconds=1)
Rank = tuple[Any, ...]


def merge(data: JourneyData, other: JourneyData, *, at: datetime, by: Actor, now: datetime | None) -> JourneyData:
    """Return a journey with the facts of another lead, who is the same person; see :meth:`Journey.merge`."""
    data, other = _whole(data), _whole(other)
    _check(data, other)
    data = data._replace(registry=PlaybookRegistry((*data.registry.all(), *other.registry.all())))
    before, clock = data, Clock(None if now is None else instant(now), verb=True)
    merged = data.log.merges is not None and data.log.merges.merged(other.lead_id)
    if not merged:
        # Both are ranked as they stand at one present: what is planned is not reached yet, and limits have come due.
        present = max(one for one in (at, clock.now, data.present, other.present) if one is not None)
        mine, theirs = _rank(data, present), _rank(other, present)
        moves_of = other.lead_id if theirs > mine else data.lead_id
        data = _adding(data, Merged(loser=other.lead_id, moves_of=moves_of, at=at, by=by), clock)
    recorded, incoming = recording_instant(data.log.recorded_at, at, clock), list[Fact]()
    for fact in _Incoming(data.log, other).facts():
        if data.log.known(fact, fact.key) is None:  # both may know one fact that came second under a key
            stamps = {"lead": data.lead_id, "seq": data.log.next_seq, "recorded_at": recorded}
            incoming.append(fact.model_copy(update=stamps))
            data = data._replace(log=data.log.adding(incoming[-1]))
    purposes = {fact.purpose for fact in incoming if isinstance(fact, ConsentChanged)}
    for denied in _stricter(before, other, purposes, at=at, by=by):
        data = _adding(data, denied, clock)
    return folded_anew(data, data.log) if incoming or not merged else data


def unmerge(data: JourneyData, loser: str, *, at: datetime, by: Actor, now: datetime | None) -> JourneyData:
    """Return a journey without the facts of a lead that was merged into it; see :meth:`Journey.unmerge`."""
    data = _whole(data)
    if data.log.merges is None or not data.log.merges.merged(loser):
        raise Malformed(f"{loser!r} is not merged into this lead", hint="name the lead that was the loser of a merge")
    data = _adding(data, Unmerged(loser=loser, at=at, by=by), Clock(now, verb=True))
    return folded_anew(data, data.log)


def _whole(data: JourneyData) -> JourneyData:
    if data.log.past is not None:
        raise data.log.past.needed()
    return growable(data)


def _check(data: JourneyData, other: JourneyData) -> None:
    """Check that two journeys can be those of one person.

    Raises:
        Malformed: They cannot.
    """
    if data.pipeline != other.pipeline:
        raise Malformed("leads are merged within one pipeline", hint="merge them in each pipeline")
    if data.registry.override is not None or other.registry.override is not None:
        raise Malformed("a journey under another playbook is not merged", hint="merge the journeys that they came from")
    if not other.log.length or not data.log.length:
        raise Malformed("there is no fact to merge", hint="start both leads first, or record what is known of them")
    mine, theirs = _leads(data), _leads(other)
    known = data.log.merges is not None and data.log.merges.merged(other.lead_id)
    if data.lead_id in theirs or (mine & theirs and not known):
        raise Malformed("a merge must not go in a circle", hint="merge into the lead that is left of them")


def _leads(data: JourneyData) -> set[str]:
    """Return the leads that are one person in a journey."""
    paths, merges = set(map(path_of, data.log.facts)), data.log.merges
    return {data.lead_id, *(lead for path in paths if merges and not merges.is_out(path) for lead in path)}


def _adding(data: JourneyData, fact: Fact, clock: Clock) -> JourneyData:
    """Return a journey whose log has one more fact of its own; nothing is folded yet."""
    return data._replace(log=data.log.adding(stamp(data, fact, clock)))


class _Incoming:
    """The facts of a lead that come into the log of another one, under names that mean the same there.

    What both recorded under one key with one content is one event and is not counted twice; so is, of what came without
    a key, what has one instant and one content. Nothing else is the same, so that what is one event does not depend on
    who else is merged. What does not stand, on either side, is not the same as anything: it neither takes the place of
    an event nor gives it up. Each lead has moves of its own.
    """

    def __init__(self, log: FactLog, other: JourneyData) -> None:
        self._log = log
        self._other = other
        self._loser = other.lead_id
        self._names: dict[str, str] = {}
        """The ids and keys of events that both know, with those that they have here."""
        self._referred = {name for fact in log.facts if path_of(fact)[:1] != (self._loser,) for name in _named_by(fact)}
        """What facts of this lead refer to, whether it is there or not: it is not what the loser calls so."""
        self._standing = [fact for fact, status in log.with_status() if status is FactStatus.STANDS]
        self._by_event = {_event_in(log, fact): fact for fact in self._standing}
        """The fact that stands of each event: the one that holds its key may be out with its lead."""

    def facts(self) -> list[Fact]:
        """Return what is new, with its id, its key and what it refers to as they are here."""
        have = {fact.id for fact in self._log.facts}
        # Of each content, as many are the same as both have: what happened twice has happened twice.
        same: dict[bytes, list[Fact]] = {}
        for fact in self._standing:
            if not _has_key(fact) and path_of(fact)[:1] != (self._loser,):
                same.setdefault(fact.content(), []).append(fact)
        coming = [one for one in self._other.log.with_status() if self._id(one[0].id) not in have]
        # An event that several leads of the other person recorded is one event here as well.
        events, keys = dict[str, Fact](), dict[str, list[str]]()
        for fact, _ in coming:
            keys.setdefault(_event_in(self._other.log, fact), []).append(fact.key)
        for fact, status in coming:
            counts = status is FactStatus.STANDS and not isinstance(fact, (*MOVES, *LOG_ACTS))
            name = _event_in(self._other.log, fact)
            event = self._event(fact, keys[name], same) if counts else None
            if event is not None:
                events[name] = event
                self._names[fact.id], self._names[fact.key] = event.id, event.key
        # Kept though it counts once: the other fact may be taken out, and this lead is ranked by all that it knows.
        return [self._copied(fact, events.get(_event_in(self._other.log, fact))) for fact, _ in coming]

    def _event(self, fact: Fact, keys: list[str], same: dict[bytes, list[Fact]]) -> Fact | None:
        """Return the fact of this log that is the same event as one that stands in the other."""
        if _has_key(fact):
            # One fact of an event has its key, and it need not be the one that stands.
            holders = (one for key in keys for one in self._log.with_key(key, like=fact))
            known = (self._by_event.get(_event_in(self._log, one)) for one in holders)
            return next((one for one in known if one is not None), None)
        equal = same.get(fact.content())
        return equal.pop(0) if equal else None

    def _copied(self, fact: Fact, event: Fact | None) -> Fact:
        update: dict[str, Any] = {"merged_from": (self._loser, *path_of(fact))}
        update["id"] = self._id(fact.id)
        update["key"] = self._key(fact.key)
        if event is not None:
            # A key has one holder; what has none still has none.
            update["key"] = derive_id(self._loser, fact.key) if _has_key(fact) else update["id"]
            update["same_as"] = event.id
        elif fact.same_as is not None:
            update["same_as"] = self._id(fact.same_as)
        if isinstance(fact, Retracted):
            update["target"] = self._reference(fact.target)
        elif isinstance(fact, Refunded) and fact.sale is not None:
            update["sale"] = self._names.get(fact.sale) or self._reference(fact.sale)
        return fact.model_copy(update=update)

    def _reference(self, name: str) -> str:
        """Return what a name in a fact of the loser is here: never that of a fact that only has the same name."""
        return self._id(name) if self._other.log.with_id(name) is not None else self._key(name)

    def _id(self, name: str) -> str:
        return name if self._is_free(self._log.with_id(name)) else derive_id(self._loser, name)

    def _key(self, name: str) -> str:
        if name in self._names:
            return self._names[name]
        free = self._is_free(self._log.find(name)) and name not in self._referred
        return name if free else derive_id(self._loser, name)

    def _is_free(self, holder: Fact | None) -> bool:
        """Return whether a name means nothing here, or what it means with the loser."""
        return holder is None or path_of(holder)[:1] == (self._loser,)


def _event_in(log: FactLog, fact: Fact) -> str:
    """Return the id of the first fact of a log that is of the same event as a fact of it."""
    return fact.id if log.merges is None else log.merges.first_of.get(fact.id, fact.id)


def _has_key(fact: Fact) -> bool:
    return fact.key != fact.id


def _named_by(fact: Fact) -> tuple[str, ...]:
    """Return the names of other facts in a fact."""
    if isinstance(fact, Retracted):
        return (fact.target,)
    return (fact.sale,) if isinstance(fact, Refunded) and fact.sale is not None else ()


def _stricter(
    data: JourneyData, other: JourneyData, purposes: set[str], *, at: datetime, by: Actor
) -> Iterator[ConsentChanged]:
    """Yield a denial of each of some consents that only one of two records has given: the stricter one wins.

    It comes after what both have said, so that nothing said before the merge outlives it.
    """
    mine, theirs = (dict(one.folded.memory.of("consent")) for one in (data, other))
    for purpose in sorted(purposes & mine.keys() & theirs.keys()):
        said = mine[purpose], theirs[purpose]
        if said[0].value[0] != said[1].value[0]:
            yield ConsentChanged(
                purpose=purpose,
                granted=False,
                basis="the stricter of two merged records",
                at=max(at, *(one.at + _TICK for one in said)),
                by=by,
                merged_from=(other.lead_id,),
            )


def _rank(data: JourneyData, present: datetime) -> Rank:
    """Return how far a person stands: the furthest record by itself, or what the person has done as one since.

    Records are ranked one by one, so that the order in which three are merged does not matter.
    """
    paths, merges = set(map(path_of, data.log.facts)), data.log.merges
    ranks = [_rank_alone(data, path, present) for path in paths if merges is None or not merges.is_out(path)]
    last = max((fact.seq for fact in data.log.facts if isinstance(fact, Merged)), default=None)
    if last is not None and any(
        fact.seq > last and fact.merged_from is None and isinstance(fact, MOVES) for fact in data.log.facts
    ):
        ranks.append(_rank_of(state_at(data, present), data.lead_id))
    return max(ranks)


def _rank_alone(data: JourneyData, path: tuple[str, ...], present: datetime) -> Rank:
    log = FactLog.of(fact.model_copy(update={"merged_from": None}) for fact in data.log.facts if path_of(fact) == path)
    facts = [fact for fact in log.in_fold_order(until=present) if not isinstance(fact, Merged | Unmerged)]
    return _rank_of(fold(facts, data.registry, until=present), path[-1] if path else data.lead_id)


def _rank_of(state: State, lead: str) -> Rank:
    position = state.position
    if position is None:
        return 0, 0, 0, 0, 0, lead
    wins = sum(cycle.outcome is StageStatus.WON for cycle in position.episodes.cycles)
    rank = position.table.rank
    furthest, place = (rank.get(stage or "", -1) for stage in (position.high_water, position.stage))
    return 1, wins, furthest, _STANDS_FURTHER[position.status], place, lead
