"""Starting: how a journey begins, by a first fact, by a referral, or from a stored log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from leadlife.errors import Malformed, NeedsWholeLog, StageConflict
from leadlife.facts import ConsentChanged, EvidenceGiven, Fact, FieldChanged, Identified, Referred, Started
from leadlife.journey import snapshot as snapshots
from leadlife.journey.data import JourneyData, effective_and_planned, folded_anew
from leadlife.journey.fold import apply
from leadlife.journey.legality import best_entry
from leadlife.journey.log import FactLog, observed_facts
from leadlife.journey.recording import Clock, record, verb
from leadlife.journey.snapshot import Snapshot
from leadlife.journey.state import State
from leadlife.leads import Actor, Lead, LeadType, Source
from leadlife.playbook.playbook import Playbook
from leadlife.playbook.registry import PlaybookRegistry


class Start(NamedTuple):
    """What :meth:`Journey.start` was asked for; see there."""

    lead: Lead | str
    playbook: Playbook
    at: datetime
    stage: str | None
    by: Actor
    source: Source | None
    evidence: tuple[str, ...]
    now: datetime | None


def start(empty: JourneyData, request: Start) -> JourneyData:
    """Return a journey that begins at a stage: what is known of the lead first, then the start."""
    data, lead, at, by = empty, request.lead, request.at, request.by
    source, referred_by = request.source, None
    facts: list[Fact] = []
    if isinstance(lead, Lead):
        source, referred_by = source or lead.source, lead.referred_by
        facts += _stated_by(lead, at, by)
    facts += (EvidenceGiven.checked({"name": name, "at": at, "by": by}) for name in request.evidence)
    clock = verb(request.now)
    for fact in facts:
        if fact.at <= at:
            data = record(data, fact, clock)
    stage = request.stage
    if stage is None:
        referral = referred_by is not None
        stage = best_entry(data.folded, request.playbook, at=at, by=by, referral=referral, source=source)
    content = {
        "stage": stage,
        "playbook": request.playbook.ref,
        "at": at,
        "by": by,
        "source": source,
        "referred_by": referred_by,
    }
    data = record(data, Started.checked(content), clock)
    for fact in facts:
        if fact.at > at:  # said of a time after the start: it takes effect then
            data = record(data, fact, Clock(request.now or at, planned=True))
    return data


def _stated_by(lead: Lead, at: datetime, by: Actor) -> Iterator[Fact]:
    """Yield what a lead states about itself, as facts."""
    if lead.identified:
        yield Identified(at=at, by=by)
    for name, value in lead.fields.items():
        yield FieldChanged(name=name, value=value, at=at, by=by)
    for consent in lead.consents:
        since = consent.since or at
        yield ConsentChanged(purpose=consent.purpose, granted=consent.granted, basis=consent.basis, at=since, by=by)


def referral(
    referrer: str, who: Lead | str, source: Source | None, *, at: datetime, by: Actor
) -> tuple[Lead, Referred]:
    """Return a referred person, linked to who referred them, and the fact of the referral."""
    person = Lead(id=who) if isinstance(who, str) else who
    if person.id == referrer:
        raise Malformed("a lead cannot refer itself", hint="name the person who was referred")
    source = source or person.source or Source(channel="referral", lead_type=LeadType.REFERRAL)
    return person.replace(referred_by=referrer, source=source), Referred(who=person.id, at=at, by=by)


def replay(facts: Iterable[Fact], registry: PlaybookRegistry, *, snapshot: Snapshot | None = None) -> JourneyData:
    """Return the journey of recorded facts; with a snapshot, without folding those that it has folded.

    Raises:
        NeedsWholeLog: The facts are not the log of the snapshot, or a continuation of it.
    """
    log = FactLog.of(observed_facts(facts))
    first = log.facts[0]
    begin = None if snapshot is None or not snapshot.is_sound else _resumed(snapshot, log, registry)
    empty = JourneyData.empty(first.lead, first.pipeline, registry)
    return folded_anew(empty, log, begin=begin)


def _resumed(snapshot: Snapshot, log: FactLog, registry: PlaybookRegistry) -> State | None:
    """Return where the lead stands after a log that goes on from that of a snapshot; None where it is folded anew."""
    known, first = log.upto(snapshot.count), log.facts[0]
    own = (first.lead, first.pipeline) == (snapshot.lead, snapshot.pipeline)
    if not own or known.length < snapshot.count or log.with_id(snapshot.first) is None:
        saved, given = snapshot.count, log.length
        problem = (
            f"the {given} facts are not the log of {saved} facts that the snapshot was made of, or its continuation"
        )
        raise NeedsWholeLog(problem, saved=saved, given=given)
    if snapshots.log_hash(known.facts) != snapshot.log:
        return None  # another writer's facts were joined in between
    before, after = effective_and_planned(known)[0], effective_and_planned(log)[0]
    state = snapshots.restore(snapshot, before, registry)
    # A late fact, and a retraction, change what was folded.
    if state is None or after[: len(before)] != before:
        return None
    for fact in after[len(before) :]:
        apply(state, fact, registry)
    return state


def check_stage(thing: object, attribute: str, journey: str | None, expected: str | None) -> None:
    """Check that a host's object is where the journey is, and where the host believes it to be.

    Raises:
        StageConflict: It is not.
        Malformed: It has no such attribute.
    """
    if not hasattr(thing, str(attribute)):
        message = f"the {type(thing).__name__} has no attribute {attribute!r}"
        raise Malformed(message, hint="pass attribute=, the name under which the object keeps its stage")
    found = getattr(thing, attribute)
    expected = journey if expected is None else expected
    if not found == expected == journey:
        raise StageConflict(
            f"the object is in {found!r}, the journey in {journey!r}, and {expected!r} was expected",
            hint="load both afresh; where time has moved the journey, tick it and set the object first",
        )
