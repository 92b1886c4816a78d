"""Merging: two leads turn out to be one person, or one person to be two."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from leadlife.errors import Malformed
from leadlife.facts import LOG_ACTS, ConsentChanged, Fact, Merged, Retracted, Unmerged, derive_id
from leadlife.journey.data import JourneyData, folded_anew, growable
from leadlife.journey.fold import fold
from leadlife.journey.log import FactLog
from leadlife.journey.merges import MOVES, path_of
from leadlife.journey.recording import Clock, stamp
from leadlife.journey.records import FactStatus
from leadlife.leads import Actor
from leadlife.lifecycle.stages import StageStatus
from leadlife.playbook.registry import PlaybookRegistry

_STANDS_FURTHER = {
    StageStatus.WON: 5,
    StageStatus.OPEN: 4,
    StageStatus.RECYCLED: 3,
    StageStatus.CHURNED: 2,
    StageStatus.LOST: 1,
    StageStatus.DISQUALIFIED: 0,
}
"""Which of two records that came as far shows where a person stands: what lives tells more than what was closed."""

Rank = tuple[Any, ...]


def merge(data: JourneyData, other: JourneyData, *, at: datetime, by: Actor, now: datetime | None) -> JourneyData:
    """Return a journey with the facts of another lead, who is the same person; see :meth:`Journey.merge`."""
    data, other = _whole(data), _whole(other)
    _check(data, other)
    data = data._replace(registry=PlaybookRegistry((*data.registry.all(), *other.registry.all())))
    merged = data.log.merges is not None and data.log.merges.merged(other.lead_id)
    clock = Clock(now, verb=True)
    if not merged:
        mine, theirs = _rank(data), _rank(other)
        moves_of = other.lead_id if theirs > mine else data.lead_id
        data = _adding(data, Merged(loser=other.lead_id, moves_of=moves_of, at=at, by=by), clock)
    (new, known_here), recorded = _new_facts(data, other), max(now or at, data.log.recorded_at or at)
    keys = partial(_key_here, data.log, other.lead_id, known_here)
    for fact in new:
        if data.log.known(fact, keys(fact.key)) is None:  # both may know one fact that came second under a key
            data = data._replace(log=data.log.adding(_copied(data, other, fact, recorded, keys)))
    if not merged:
        for denied in _stricter(data, other, at=at, by=by):
            data = _adding(data, denied, clock)
    return data if merged and not new else folded_anew(data, data.log)


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
    if not other.log.length:
        raise Malformed("there is no fact to merge")
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


def _new_facts(data: JourneyData, other: JourneyData) -> tuple[list[Fact], dict[str, str]]:
    """Return the facts of another lead that this one does not have: the same event is not counted twice.

    What both were told under one key, or of one instant with one content, is one event. Each has moves of its own. What
    does not stand, on either side, is not the same as anything: it neither takes the place of an event nor gives it up.

    Returns:
        The facts, and by the keys of the events that both know, the keys that these have here.
    """
    have = {fact.id for fact in data.log.facts}
    mine = [fact for fact, status in data.log.with_status() if status is FactStatus.STANDS]
    own_ids = {fact.id for fact in mine}
    # Of each content, as many are the same as both have: what happened twice has happened twice.
    same: dict[bytes, list[str]] = {}
    for fact in mine:
        if path_of(fact)[:1] != (other.lead_id,):
            same.setdefault(fact.content(), []).append(fact.key)
    new, known_here = list[Fact](), dict[str, str]()
    for fact, status in other.log.with_status():
        if fact.id in have:
            continue
        if status is FactStatus.STANDS and not isinstance(fact, (*MOVES, *LOG_ACTS)):
            own = data.log.known(fact, fact.key) if fact.key != fact.id else None
            if own is not None and own.id in own_ids:
                known_here[fact.key] = own.key
                continue
            if keys := same.get(fact.content()):
                known_here[fact.key] = keys.pop(0)
                continue
        new.append(fact)
    return new, known_here


def _copied(data: JourneyData, other: JourneyData, fact: Fact, recorded: datetime, keys: Callable[[str], str]) -> Fact:
    """Return a fact of another lead with the stamps of this one, and with where it came from.

    Args:
        data: The journey so far.
        other: The journey that the fact is from.
        fact: The fact.
        recorded: When it became known here.
        keys: What the keys of the other lead are here.
    """
    update: dict[str, Any] = {"merged_from": (other.lead_id, *path_of(fact))}
    if isinstance(fact, Retracted) and other.log.with_id(fact.target) is None:
        update["target"] = keys(fact.target)
    return fact.model_copy(update=update).stamped(
        id=fact.id,
        key=keys(fact.key),
        lead=data.lead_id,
        pipeline=data.pipeline,
        seq=data.log.next_seq,
        recorded_at=recorded,
        fresh=True,
    )


def _key_here(before: FactLog, loser: str, known_here: Mapping[str, str], key: str) -> str:
    """Return what a key of the loser is here: another text where this lead knows something else under it."""
    if key in known_here:
        return known_here[key]
    holder = before.find(key)
    return key if holder is None or path_of(holder)[:1] == (loser,) else derive_id(loser, key)


def _stricter(data: JourneyData, other: JourneyData, *, at: datetime, by: Actor) -> Iterator[ConsentChanged]:
    """Yield a denial of each consent that only one of two records has given: the stricter one wins."""
    mine, theirs = ({name: seen.value[0] for name, seen in one.folded.memory.of("consent")} for one in (data, other))
    for purpose in sorted(mine.keys() & theirs.keys()):
        if mine[purpose] != theirs[purpose]:
            basis = "the stricter of two merged records"
            yield ConsentChanged(
                purpose=purpose, granted=False, basis=basis, at=at, by=by, merged_from=(other.lead_id,)
            )


def _rank(data: JourneyData) -> Rank:
    """Return how far the furthest record of a person stands: that of each lead that was merged into it by itself."""
    paths, merges = set(map(path_of, data.log.facts)), data.log.merges
    return max(_rank_alone(data, path) for path in paths if merges is None or not merges.is_out(path))


def _rank_alone(data: JourneyData, path: tuple[str, ...]) -> Rank:
    log = FactLog.of(fact.model_copy(update={"merged_from": None}) for fact in data.log.facts if path_of(fact) == path)
    lead = path[-1] if path else data.lead_id
    state = fold([fact for fact in log.in_fold_order() if not isinstance(fact, Merged | Unmerged)], data.registry)
    position = state.position
    if position is None:
        return 0, 0, 0, 0, 0, lead
    wins = sum(cycle.outcome is StageStatus.WON for cycle in position.episodes.cycles)
    rank = position.table.rank
    furthest, place = (rank.get(stage or "", -1) for stage in (position.high_water, position.stage))
    return 1, wins, furthest, _STANDS_FURTHER[position.status], place, lead
