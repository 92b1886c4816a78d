"""Tails: a journey that goes on from a snapshot and the facts recorded since, without the facts before.

The snapshot keeps what a fold reads of earlier facts (what is remembered of the lead), and what recording reads (keys,
ids, and hashes of contents). Whatever else reaches back raises NeedsWholeLog.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from leadlife._frozen import FrozenDict
from leadlife.criteria import Observation
from leadlife.errors import Malformed, NeedsWholeLog
from leadlife.facts import Fact, Retracted, TouchRecord, load_fact
from leadlife.journey import snapshot as snapshots
from leadlife.journey.data import JourneyData, effective_and_planned, folded_anew
from leadlife.journey.log import FactLog, fold_order, observed_facts
from leadlife.journey.memory import Memory, oldest_first, persistent_list
from leadlife.journey.past import KnownFact, Past
from leadlife.journey.records import FactStatus
from leadlife.journey.snapshot import Snapshot
from leadlife.playbook.registry import PlaybookRegistry


def save(data: JourneyData, *, trusted: bool) -> Snapshot:
    """Return a snapshot from which a tail goes on.

    Args:
        data: The journey.
        trusted: Whether it goes without a seal.

    Raises:
        Malformed: Nothing has taken effect yet.
    """
    log, past = data.log, data.log.past
    effective, planned = effective_and_planned(log)
    if not effective and past is None:
        raise Malformed("nothing has taken effect yet", hint="take the snapshot once the journey has begun")
    # Planned facts are saved whole: the tail has still to fold them.
    waiting = {fact.id for fact in planned}
    known = [
        *(() if past is None else past.facts),
        *(KnownFact.of(fact) for fact in log.facts if fact.id not in waiting),
    ]
    retracted = [*(() if past is None else sorted(past.retracted))]
    retracted += [
        fact.target for fact, status in log.with_status() if isinstance(fact, Retracted) and status is FactStatus.STANDS
    ]
    last = fold_order(effective[-1]) if effective else past.order  # type: ignore[union-attr]  # one of the two is there
    tail = {
        "memory": _memory(data.folded.memory),
        "known": [[*one[:-2], one.at.isoformat(), one.recorded_at.isoformat()] for one in known],
        "retracted": retracted,
        "merged": log.losers,
        "planned": [fact.dump() for fact in planned],
        "order": [last[0].isoformat(), *last[1:]],
        "next_seq": log.next_seq,
    }
    return snapshots.sealed(
        trusted=trusted,
        lead=data.lead_id,
        pipeline=data.pipeline,
        log=hash_of(log),
        count=log.count,
        first=known[0].id,
        state=snapshots.dumped(data.folded),
        tail=tail,
    )


def hash_of(log: FactLog) -> str:
    """Return the hash of a whole log, also of one whose beginning a snapshot has folded."""
    past = log.past
    if past is None:
        return snapshots.log_hash(log.facts)
    return snapshots.log_hash((fact for fact in log.facts if fact.seq >= past.next_seq), past.log)


def resume(snapshot: Snapshot, new_facts: Iterable[Fact], registry: PlaybookRegistry) -> JourneyData:
    """Return the journey that goes on from a snapshot with the facts recorded since."""
    given = list(new_facts)
    counts = {"saved": snapshot.count, "given": len(given)}
    if not snapshot.tail:
        raise NeedsWholeLog(
            "the snapshot keeps no tail: it was made by snapshot(), not by snapshot(tail=True)", **counts
        )
    kept = snapshot.tail
    state = snapshots.restore(snapshot, (), registry) if snapshot.is_sound else None
    if state is None:
        raise NeedsWholeLog("the snapshot was changed, or made by another version of leadlife", **counts)
    state.memory = _remembered(kept["memory"])
    known = [
        KnownFact(key, fact, content, seq, _when(at), _when(recorded))
        for key, fact, content, seq, at, recorded in kept["known"]
    ]
    order = (_when(kept["order"][0]), *kept["order"][1:])
    first = kept["next_seq"]
    past = Past(
        lead=snapshot.lead,
        pipeline=snapshot.pipeline,
        facts=known,
        retracted=kept["retracted"],
        merged=kept.get("merged", ()),
        order=order,
        begin=state,
        log=snapshot.log,
        next_seq=first,
    )
    planned = [load_fact(one) for one in kept["planned"]]
    # A host may pass facts that the snapshot has folded already; only what is new has to follow without a gap.
    before = {*past.by_id, *(fact.id for fact in planned)}
    new = [fact for fact in (observed_facts(given) if given else []) if fact.id not in before]
    owners = {(fact.lead, fact.pipeline) for fact in new}
    numbers = sorted(fact.seq for fact in new)
    if any(fact.merged_from is not None for fact in new):
        problem = "facts of a merged lead came in, and the whole log says which of them count"
        raise NeedsWholeLog(problem, **counts)
    if owners - {(snapshot.lead, snapshot.pipeline)} or numbers != list(range(first, first + len(numbers))):
        problem = (
            "the facts do not go on from the snapshot: some are of another journey, are missing, or came in between"
        )
        raise NeedsWholeLog(problem, **counts)
    log = FactLog.of((*planned, *new), past=past, next_seq=first)
    return folded_anew(JourneyData.empty(snapshot.lead, snapshot.pipeline, registry), log)


def _memory(memory: Memory) -> dict[str, Any]:
    """Return what is remembered as plain values."""
    return {
        "latest": [[*name, *_plain(seen)] for name, seen in memory.latest.items()],
        "activities": [[kind, [*map(_plain, oldest_first(seen))]] for kind, seen in memory.activities.items()],
        "touches": [*map(_plain, oldest_first(memory.touches))],
    }


def _plain(seen: Observation) -> list[Any]:
    value = dict(seen.value) if isinstance(seen.value, Mapping) else seen.value
    if isinstance(value, TouchRecord):
        value = value._replace(enrolled=None if value.enrolled is None else value.enrolled.isoformat())  # type: ignore[arg-type]
    return [list(value) if isinstance(value, tuple) else value, seen.at.isoformat(), seen.fact, seen.ordinal]


def _remembered(kept: Mapping[str, Any]) -> Memory:
    latest = {(topic, name): _latest(topic, *plain) for topic, name, *plain in kept["latest"]}
    activities = {kind: _activities(seen) for kind, seen in kept["activities"]}
    touches = persistent_list(_touch(*plain) for plain in kept["touches"])
    return Memory(latest, activities, touches)


def _latest(topic: str, *plain: Any) -> Observation:
    return _touch(*plain) if topic == "message" else _seen(*plain)


def _touch(value: Iterable[Any], at: str, fact: str, ordinal: int) -> Observation:
    record = TouchRecord(*value)
    enrolled: Any = record.enrolled  # as text
    return Observation(record._replace(enrolled=enrolled and _when(enrolled)), _when(at), fact, ordinal)


def _activities(kept: Iterable[Any]) -> Any:
    return persistent_list(_seen(FrozenDict(value), *rest) for value, *rest in kept)


def _seen(value: Any, at: str, fact: str, ordinal: int) -> Observation:
    return Observation(tuple(value) if isinstance(value, list) else value, _when(at), fact, ordinal)


def _when(text: str) -> datetime:
    return datetime.fromisoformat(text)
