"""The journey: one lead in one pipeline, as a value.

Every public method of a journey is in this file: first where a journey comes from, then the verbs, then the queries.
Each is a signature with its meaning and delegates to a function of this package. It passes 400 lines for that reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from leadlife._base.arguments import expect, listed
from leadlife._base.model import identifier
from leadlife.criteria import Criterion, Readiness, Scalar, Verdict
from leadlife.errors import Malformed, article
from leadlife.facts import Fact, Moved, PlaybookAdopted, QualificationGranted
from leadlife.facts import QualificationWithdrawn as Withdrawn
from leadlife.journey import fact_outcomes, history, merging, queries, recording, redaction, starting, tails
from leadlife.journey.answers import Evidence, Option, Qualification, QualificationDecision, Receipt, Wake
from leadlife.journey.contact import ContactState, Enrolment
from leadlife.journey.data import JourneyData, folded_anew, growable
from leadlife.journey.history import Explanation, Grant, Visit
from leadlife.journey.log import LogEntry
from leadlife.journey.ownership import Offer
from leadlife.journey.recording import Clock, verb
from leadlife.journey.records import Cycle, PendingMove
from leadlife.journey.snapshot import Snapshot
from leadlife.journey.view import lead_of
from leadlife.journey.waiting import pending_moves
from leadlife.leads import SYSTEM, Actor, Lead, Source, actor
from leadlife.lifecycle.stages import Stage, StageStatus
from leadlife.lifecycle.transitions import TransitionKind
from leadlife.playbook.playbook import Playbook
from leadlife.playbook.registry import PlaybookRegistry
from leadlife.timing import instant

if TYPE_CHECKING:
    from leadlife.scoring.score import Score


class Journey:
    """One lead in one pipeline: a lead's facts replayed through a playbook.

    A journey is a value. Every verb returns a new one and leaves the old one as it was.

    >>> from datetime import datetime, UTC
    >>> from leadlife import Journey
    >>> from leadlife.presets import eight_stage
    >>> journey = Journey.start("ada", eight_stage(), stage="name", at=datetime(2026, 3, 2, 9, tzinfo=UTC))
    >>> journey.stage
    'name'
    """

    __slots__ = ("_data",)

    # ------------------------------------------------------------------ where a journey comes from

    def __init__(self, lead_id: str, playbook: Playbook | Iterable[Playbook], *, pipeline: str = "main") -> None:
        """Begin an empty journey, before any fact, under a playbook or the first of several.

        Most callers want :meth:`start` or :meth:`replay`.
        """
        registry = PlaybookRegistry.of(playbook)
        self._data = JourneyData.empty(identifier(lead_id), identifier(pipeline), registry)

    @classmethod
    def _of(cls, data: JourneyData) -> Journey:
        new = object.__new__(cls)
        new._data = data
        return new

    @classmethod
    def start(
        cls,
        lead: Lead | str,
        playbook: Playbook,
        *,
        at: datetime,
        stage: str | None = None,
        pipeline: str = "main",
        by: Actor | str = SYSTEM,
        source: Source | None = None,
        evidence: Iterable[str] = (),
        now: datetime | None = None,
    ) -> Journey:
        """Return a journey that begins at a stage.

        What a :class:`Lead` already states (fields, consents, being identified) is recorded as facts first.

        Args:
            lead: The lead, or just its id.
            playbook: The agreement it begins under.
            at: When.
            stage: Where; by default the first entry that is open to it.
            pipeline: In which pipeline.
            by: Who starts it.
            source: Where the first cycle comes from; by default the lead's own source.
            evidence: Names of what is already known to be so, such as ``["fit"]``.
            now: The clock of whoever records it; by default ``at``.

        Raises:
            Malformed: An argument cannot be understood.
            MoveRefused: No journey begins at that stage.
        """
        if not isinstance(lead, str | Lead):
            raise _no_lead(lead)
        expect("playbook", playbook, Playbook, hint="a journey begins under one; pass the others when it is replayed")
        if source is not None:
            expect("source", source, Source, hint='pass Source(channel="email")')
        empty = cls(lead if isinstance(lead, str) else lead.id, playbook, pipeline=pipeline)
        known = listed("evidence", evidence)
        request = starting.Start(lead, playbook, instant(at), stage, actor(by), source, known, now)
        return cls._of(starting.start(empty._data, request))

    @classmethod
    def replay(cls, facts: Iterable[Fact], playbook: Playbook | Iterable[Playbook]) -> Journey:
        """Return the journey of recorded facts, in whatever order they are given.

        Derived facts among them are ignored: the fold makes them anew.

        Args:
            facts: The facts of one journey, as :meth:`facts_since` gave them or :func:`load_fact` reads them.
            playbook: Every playbook that the facts name.

        Raises:
            Malformed: The facts belong to several journeys, or lack their stamps.
            UnknownPlaybook: A playbook is named that is not at hand.
        """
        return cls._of(starting.replay(listed("facts", facts), PlaybookRegistry.of(playbook)))

    @classmethod
    def resume(cls, snapshot: Snapshot, facts: Iterable[Fact], playbook: Playbook | Iterable[Playbook]) -> Journey:
        """Return the journey of a whole log, without folding what the snapshot has folded.

        The log may go on from that of the snapshot. A snapshot of another version of leadlife, or one that was changed,
        is ignored.

        Raises:
            NeedsWholeLog: The facts are not the log of the snapshot, or a continuation of it: only its tail, say.
            Malformed: The facts cannot be replayed.
            UnknownPlaybook: A playbook is named that is not at hand.
        """
        expect("snapshot", snapshot, Snapshot, hint="read a stored one with Snapshot.model_validate_json")
        return cls._of(starting.replay(listed("facts", facts), PlaybookRegistry.of(playbook), snapshot=snapshot))

    @classmethod
    def resume_tail(
        cls, snapshot: Snapshot, new_facts: Iterable[Fact], playbook: Playbook | Iterable[Playbook]
    ) -> Journey:
        """Return the journey that goes on from a snapshot, without its earlier facts: what a store wants.

        It records, moves, decides and derives as the whole journey does. What reaches back before the snapshot raises
        :class:`NeedsWholeLog`: ``facts``, ``log``, ``under``, a late fact, the retraction of an earlier fact.

        Args:
            snapshot: What ``journey.snapshot(tail=True)`` returned.
            new_facts: The facts that were recorded since, in any order; those from before are left out.
            playbook: Every playbook that the journey has been under and the facts name.

        Raises:
            NeedsWholeLog: The snapshot keeps no tail, was changed, or is of another version; or the facts are not its
                continuation, or reach back before it.
            Malformed: The facts cannot be replayed.
            UnknownPlaybook: A playbook is named that is not at hand.
        """
        expect("snapshot", snapshot, Snapshot, hint="read a stored one with Snapshot.model_validate_json")
        return cls._of(tails.resume(snapshot, listed("new_facts", new_facts), PlaybookRegistry.of(playbook)))

    # ------------------------------------------------------------------ verbs: each returns a new journey

    def record(self, fact: Fact, *, now: datetime | None = None, planned: bool = False) -> Journey:
        """Return the journey with one more fact. Never refuses for legality: an illegal move is kept and marked.

        Args:
            fact: What happened. It may be late: the journey is folded anew from its place. It may be planned, which
                means that its ``at`` lies after ``now``: then it takes effect when its time comes.
            now: The clock of whoever records it, which becomes ``recorded_at``; an earlier one than that of the latest
                record is raised to it. Without it, the later of the fact's ``at`` and the latest record.
            planned: Whether the fact may lie more than five years ahead, or lies ahead though no ``now`` is given.

        Raises:
            Malformed: The fact cannot be understood, uses a name that the playbook does not declare, or lies so far
                ahead that its year is probably mistyped.
        """
        return self._of(recording.record(self._data, fact, Clock(now, planned)))

    def record_all(self, facts: Iterable[Fact], *, now: datetime | None = None, planned: bool = False) -> Journey:
        """Return the journey with many more facts: what :meth:`record` gives one after another, at less cost.

        Args:
            facts: What happened, in the order in which it is recorded.
            now: As for :meth:`record`, for all of them.
            planned: As for :meth:`record`.

        Raises:
            Malformed: A fact cannot be recorded; none of them is.
        """
        return self._of(recording.record_all(self._data, listed("facts", facts), Clock(now, planned)))

    def move(
        self,
        trigger: str,
        *,
        at: datetime,
        by: Actor | str = SYSTEM,
        reason: str | None = None,
        note: str | None = None,
        target: str | None = None,
        source: Source | None = None,
        key: str | None = None,
        late: bool = False,
        now: datetime | None = None,
    ) -> Journey:
        """Return the journey after a trigger was fired, or raise and add nothing.

        Args:
            trigger: What is fired.
            at: When.
            by: Who fires it, in which roles.
            reason: Why; some transitions need one.
            note: Free text that says more.
            target: Narrows the candidates to those that lead there.
            source: Where the cycle comes from, if the move opens one.
            key: The idempotency key; firing again under it changes nothing.
            late: Whether ``at`` may lie before the last fact.
            now: The clock of whoever records it, which ``at`` exceeds by five minutes at most; by default the later of
                ``at`` and the latest record.

        Raises:
            MoveRefused: The playbook does not allow it; the subclass and its hint say why.
            Malformed: An argument cannot be understood.
        """
        given: dict[str, object] = {"trigger": trigger, "at": at, "by": by}
        # Only what is given is handed on: every value that pydantic checks takes its time.
        if reason is not None:
            given["reason"] = reason
        if note is not None:
            given["note"] = note
        if target is not None:
            given["target"] = target
        if source is not None:
            given["source"] = source
        if key is not None:
            given["key"] = key
        return self._of(recording.move(self._data, Moved.checked(given), verb(now), late=late))

    def recycle(
        self,
        reason: str,
        *,
        at: datetime,
        by: Actor | str = SYSTEM,
        note: str | None = None,
        key: str | None = None,
        late: bool = False,
        now: datetime | None = None,
    ) -> Journey:
        """Return the journey after the lead went back into marketing's care.

        Of several transitions of kind recycle, the first one that may be taken is.

        Raises:
            MoveRefused: No transition of kind recycle may be taken from here.
        """
        kind, at, who = TransitionKind.RECYCLE, instant(at), actor(by)
        trigger = queries.trigger_of_kind(self._data, kind, "recycle", at=at, by=who, key=key, late=late)
        return self.move(trigger, at=at, by=who, reason=reason, note=note, key=key, late=late, now=now)

    def reopen(
        self,
        reason: str | None = None,
        *,
        at: datetime,
        by: Actor | str = SYSTEM,
        note: str | None = None,
        key: str | None = None,
        late: bool = False,
        now: datetime | None = None,
    ) -> Journey:
        """Return the journey back in the stage that was left for a closed one; the closing is void.

        Raises:
            MoveRefused: No transition of kind reopen may be taken from here.
        """
        kind, at, who = TransitionKind.REOPEN, instant(at), actor(by)
        trigger = queries.trigger_of_kind(self._data, kind, "reopen", at=at, by=who, key=key, late=late)
        return self.move(trigger, at=at, by=who, reason=reason, note=note, key=key, late=late, now=now)

    def grant(
        self,
        name: str,
        *,
        at: datetime,
        by: Actor | str = SYSTEM,
        expires: datetime | None = None,
        evidence: Iterable[str] = (),
        now: datetime | None = None,
    ) -> Journey:
        """Return the journey after somebody granted a qualification by hand, or raise and add nothing.

        Args:
            name: The qualification.
            at: When.
            by: Who, in which roles.
            expires: When it lapses; by default as its rule says.
            evidence: Ids of the facts that it rests on.
            now: As for :meth:`move`.

        Raises:
            NotPermitted: The playbook does not let them.
            UnknownName: There is no such qualification.
            Malformed: An argument cannot be understood.
        """
        content = {"name": name, "at": at, "by": by, "expires": expires, "evidence": listed("evidence", evidence)}
        return self._of(recording.record(self._data, QualificationGranted.checked(content), verb(now)))

    def withdraw(
        self,
        name: str,
        reason: str | None = None,
        *,
        at: datetime,
        by: Actor | str = SYSTEM,
        now: datetime | None = None,
    ) -> Journey:
        """Return the journey after somebody withdrew a qualification by hand, or raise and add nothing.

        Its rule grants it again only when a newer fact that it reads confirms it.

        Raises:
            NotPermitted: The playbook does not let them.
            UnknownName: There is no such qualification.
            Malformed: An argument cannot be understood.
        """
        fact = Withdrawn.checked({"name": name, "at": at, "by": by, "reason": reason})
        return self._of(recording.record(self._data, fact, verb(now)))

    def refer(
        self,
        who: Lead | str,
        *,
        at: datetime,
        by: Actor | str = SYSTEM,
        stage: str | None = None,
        evidence: Iterable[str] = (),
        source: Source | None = None,
        now: datetime | None = None,
    ) -> tuple[Journey, Journey]:
        """Return this journey, which now has a referral, and the journey of the person who was referred.

        Args:
            who: The person referred, or their id.
            at: When.
            by: Who reports it.
            stage: Where the other journey begins; by default the best entry open to a referral.
            evidence: What is already known of them, such as ``["fit"]``.
            source: Where their first cycle comes from; by default a referral.
            now: As for :meth:`move`.

        Raises:
            MoveRefused: No journey of a referred lead begins at that stage.
        """
        if not isinstance(who, str | Lead):
            raise _no_lead(who)
        referred, referral = starting.referral(self.lead_id, who, source, at=instant(at), by=actor(by))
        theirs = Journey.start(
            referred, self.playbook, at=at, stage=stage, pipeline=self.pipeline, by=by, evidence=evidence, now=now
        )
        return self._of(recording.record(self._data, referral, verb(now))), theirs

    def adopt(
        self,
        playbook: Playbook,
        *,
        at: datetime,
        by: Actor | str = SYSTEM,
        stages: Mapping[str, str] | None = None,
        now: datetime | None = None,
    ) -> Journey:
        """Return the journey under another playbook, or another version, from now on.

        Args:
            playbook: The agreement in force from ``at``.
            at: When; never before the last fact.
            by: Who decided it.
            stages: Old stage ids to new ones, where they differ.
            now: As for :meth:`move`.

        Raises:
            MoveRefused: The lead is in a stage that the playbook does not have and ``stages`` does not map.
        """
        expect("playbook", playbook, Playbook, hint="pass the new Playbook itself")
        fact = PlaybookAdopted.checked({"playbook": playbook.ref, "stages": stages or {}, "at": at, "by": by})
        data = growable(self._data)
        data = data._replace(registry=data.registry.adding(playbook))
        return self._of(recording.record(data, fact, verb(now)))

    def merge(self, other: Journey, *, at: datetime, by: Actor | str = SYSTEM, now: datetime | None = None) -> Journey:
        """Return the journey with the facts of another lead who turned out to be the same person.

        The earlier start stands. The moves stand of the one that came further: more wins, then the further stage of the
        success path ever reached, then won before open, recycled, churned, lost and disqualified. The moves of the
        other are kept and marked. All other facts unite; what both recorded counts once. Of two consents the stricter
        one wins. It does not matter who is merged into whom, except for the id; merging again adds only what is new.

        Args:
            other: The journey of the other lead, in the same pipeline.
            at: When it was found out; never an instant at which it takes effect, because it was always so.
            by: Who found it out.
            now: As for :meth:`move`.

        Raises:
            Malformed: The two cannot be one person, or were merged the other way round.
            NeedsWholeLog: One of the journeys is a tail.
            UnknownPlaybook: The other journey names a playbook that is not at hand here.
        """
        expect("other", other, Journey, hint="pass the journey of the other lead")
        return self._of(merging.merge(self._data, other._data, at=instant(at), by=actor(by), now=now))

    def unmerge(self, loser: str, *, at: datetime, by: Actor | str = SYSTEM, now: datetime | None = None) -> Journey:
        """Return the journey without the facts of a lead that was merged into it; they are kept and marked.

        What was recorded here since the merge stays here.

        Raises:
            Malformed: That lead is not merged into this one.
            NeedsWholeLog: The journey is a tail.
        """
        return self._of(merging.unmerge(self._data, loser, at=instant(at), by=actor(by), now=now))

    def drive(
        self,
        thing: object,
        trigger: str,
        *,
        at: datetime,
        by: Actor | str = SYSTEM,
        reason: str | None = None,
        note: str | None = None,
        attribute: str = "stage",
        expected_stage: str | None = None,
        now: datetime | None = None,
    ) -> Journey:
        """Check a move, make it, and set the stage of a host's own object.

        Args:
            thing: Any object that keeps its stage in an attribute.
            trigger: What is fired.
            at: When.
            by: Who fires it.
            reason: Why.
            note: Free text that says more.
            attribute: Where the object keeps its stage.
            expected_stage: Where the host believes the object is; by default where the journey is.
            now: As for :meth:`move`.

        Raises:
            StageConflict: The object is elsewhere; nothing was changed.
            Malformed: The object has no such attribute.
            MoveRefused: The playbook does not allow the move; nothing was changed.
        """
        last = self._data.folded.at
        before = self.stage if last is None or instant(at) < last else self.as_of(at=at).stage
        starting.check_stage(thing, attribute, before, expected_stage)
        moved = self.move(trigger, at=at, by=by, reason=reason, note=note, now=now)
        setattr(thing, attribute, moved.stage)
        return moved

    # ------------------------------------------------------------------ other views of the same facts

    def tick(self, at: datetime) -> Journey:
        """Return the journey after time has passed: limits that came due have fired. The log is unchanged.

        Raises:
            Malformed: The instant lies before the present; :meth:`as_of` answers for the past.
        """
        return self._of(recording.ticked(self._data, instant(at)))

    def as_of(self, *, at: datetime | None = None, recorded_at: datetime | None = None) -> Journey:
        """Return the journey as it was at an instant, as it was known at an instant.

        Facts recorded strictly after ``recorded_at`` and facts dated after ``at`` do not count; nor does what a
        retraction known by then takes out.

        Args:
            at: The instant; by default ``recorded_at``, and without that the present.
            recorded_at: Only what was known then; by default everything known now.
        """
        if at is None and recorded_at is None:
            return self
        return self._of(recording.as_of(self._data, at, recorded_at))

    def under(self, playbook: Playbook) -> Journey:
        """Return what would have been: the same observed facts, all under this playbook."""
        data = growable(self._data)
        if data.log.past is not None:
            raise data.log.past.needed()
        return self._of(folded_anew(data, data.log, registry=data.registry.overridden(playbook)))

    def snapshot(self, *, tail: bool = False, trusted: bool = False) -> Snapshot:
        """Return where the journey is after its whole log, for :meth:`resume`, or for :meth:`resume_tail`.

        A snapshot is made anew where it is missing or does not fit, so it may be dropped at any time.

        Args:
            tail: Whether it also keeps what :meth:`resume_tail` needs instead of the facts: what is remembered of the
                lead, which is as personal as the facts, and which keys and contents are known.
            trusted: Whether one with a tail goes without its seal, for a store that has a checksum of its own and
                reads it back with ``Snapshot.trusted``.

        Raises:
            Malformed: The journey is one under another playbook, or nothing has taken effect yet.
        """
        return queries.snapshot(self._data, tail=tail, trusted=trusted)

    def redacted(self, facts: Iterable[Fact]) -> Journey:
        """Return the journey where it stands, with the same history, and its facts replaced by others of the same ids.

        So a store takes personal data out and keeps the figures: facts that are folded anew without a field might lead
        elsewhere. Save the snapshot of what is returned, and resume from it.

        Args:
            facts: Each fact of the journey, without what was personal in it.

        Raises:
            Malformed: The facts are not those of the journey, one for one.
            NeedsWholeLog: The journey is a tail.
        """
        return self._of(redaction.redacted(self._data, facts))

    # ------------------------------------------------------------------ queries: where the lead is

    @property
    def lead_id(self) -> str:
        """Whose journey it is."""
        return self._data.lead_id

    @property
    def pipeline(self) -> str:
        """In which pipeline."""
        return self._data.pipeline

    @property
    def playbook(self) -> Playbook:
        """The playbook in force; before the start, the one it will begin under."""
        return self._data.playbook

    @property
    def at(self) -> datetime | None:
        """The present, which is the instant of the latest record, or the instant that was asked for."""
        return self._data.shown.at

    @property
    def stage(self) -> str | None:
        """The present stage; None before the start."""
        position = self._data.shown.position
        return None if position is None else position.stage

    @property
    def status(self) -> StageStatus | None:
        """The status of the present stage."""
        position = self._data.shown.position
        return None if position is None else position.status

    @property
    def definition(self) -> Stage | None:
        """The present stage as the playbook defines it."""
        position = self._data.shown.position
        return None if position is None else position.definition

    @property
    def cycle(self) -> Cycle | None:
        """The running cycle, or the one that a closed stage closed; None in a recycled stage."""
        position = self._data.shown.position
        return position.episodes.cycles[-1] if position is not None and position.episodes.in_cycle else None

    @property
    def cycles(self) -> tuple[Cycle, ...]:
        """Every buying episode so far."""
        position = self._data.shown.position
        return () if position is None else position.episodes.cycles

    @property
    def pending(self) -> tuple[PendingMove, ...]:
        """The moves of the running cycle that facts ordered before they were legal; each is made as soon as it is."""
        return pending_moves(self._data.shown.position)

    @property
    def high_water(self) -> str | None:
        """The furthest stage of the success path ever reached; each cycle has its own."""
        position = self._data.shown.position
        return None if position is None else position.high_water

    @property
    def source(self) -> Source | None:
        """Where the journey first came from."""
        position = self._data.shown.position
        return None if position is None else position.source

    @property
    def visits(self) -> tuple[Visit, ...]:
        """Every stay in a stage, in order."""
        return history.visits_of(self._data.shown, self._data.registry)

    @property
    def grants(self) -> tuple[Grant, ...]:
        """Every time that a qualification was granted, in order, by its rule or by a person."""
        return history.grants_of(self._data.shown)

    def time_in_stages(self, *, cycle: int | None = None) -> dict[str, timedelta]:
        """Return how long the lead has been in each stage up to :attr:`at`; several visits are added up.

        Args:
            cycle: Only the time that belongs to this cycle.
        """
        at = self.at
        return {} if at is None else history.time_in_stages(self._data.shown, self._data.registry, at, cycle=cycle)

    # ------------------------------------------------------------------ queries: what is known

    @property
    def lead(self) -> Lead:
        """The lead that the facts describe."""
        return lead_of(self._data.shown, self.lead_id, source=self.source)

    @property
    def fields(self) -> dict[str, Scalar]:
        """The latest value of each field of the lead."""
        return {name: seen.value for name, seen in self._data.shown.memory.of("field") if seen.value is not None}

    @property
    def evidence(self) -> dict[str, Evidence]:
        """The latest yes or no of each name, however old."""
        return queries.evidence(self._data)

    @property
    def qualifications(self) -> dict[str, Qualification]:
        """The qualifications that were granted, not withdrawn, and not expired at :attr:`at`."""
        return queries.qualifications(self._data)

    @property
    def readiness(self) -> Readiness | None:
        """How close to buying the lead behaves; None where the playbook has no readiness, or before the start."""
        rules = self._data.shown.rules
        return None if rules is None or rules.readiness is None else Readiness(rules.readiness.segment)

    @property
    def enrolments(self) -> dict[str, Enrolment]:
        """The programmes that the lead takes part in at :attr:`at`."""
        return queries.enrolments(self._data)

    @property
    def owner(self) -> str | None:
        """Who owns the lead; while an offer to hand it over is open, the offer names the second owner."""
        known = self._data.shown.ownership
        return None if known is None else known.owner

    @property
    def handoff(self) -> Offer | None:
        """The latest offer to hand the lead over, answered or not; None before the first."""
        known = self._data.shown.ownership
        return None if known is None else known.offer

    @property
    def handoffs(self) -> tuple[Offer, ...]:
        """Every offer to hand the lead over, the oldest first."""
        known = self._data.shown.ownership
        return () if known is None or known.offer is None else (*known.offers, known.offer)

    def contact_state(self, *, at: datetime) -> ContactState:
        """Return what a planner reads of the lead at an instant; facts after it have no effect.

        Raises:
            Malformed: The instant is not an aware datetime.
        """
        return ContactState(self._data, instant(at))

    # ------------------------------------------------------------------ queries: by the playbook in force

    def may(
        self,
        trigger: str,
        *,
        at: datetime,
        by: Actor | str = SYSTEM,
        reason: str | None = None,
        note: str | None = None,
        target: str | None = None,
        late: bool = False,
    ) -> Option:
        """Return whether a trigger may be fired, and if not, every reason why not.

        The content is what :meth:`Journey.move` would raise.

        Raises:
            Malformed: An argument cannot be understood.
        """
        asked = {"trigger": trigger, "at": at, "by": by, "reason": reason, "note": note, "target": target}
        return queries.option(self._data, Moved.checked(asked), late=late)

    def options(
        self, *, at: datetime, by: Actor | str = SYSTEM, reason: str | None = None, every: bool = False
    ) -> tuple[Option, ...]:
        """Return the triggers that lead out of the stage, allowed or why not: what a CRM shows as buttons.

        A reason or a note that is missing is a need of the button (``needs``), and no refusal.

        Args:
            at: When. Limits that come due before then have moved the lead.
            by: Who asks.
            reason: The reason that would be given.
            every: Whether to return every trigger of the playbook, in declared order.
        """
        asked = {"at": at, "by": by, "reason": reason}
        moves = [
            Moved.checked({"trigger": one, **asked}) for one in queries.triggers(self._data, instant(at), every=every)
        ]
        return tuple(queries.option(self._data, move, late=False, asking=True) for move in moves)

    def score(self, name: str, *, at: datetime, since: datetime | None = None, lift: bool = False) -> Score:
        """Return the lead's score by a policy of the playbook in force: a ledger whose lines add up.

        Args:
            name: The policy.
            at: The instant. Facts after it have no effect.
            since: An earlier instant, for the trend, by the same policy; there is none where there was no score then.
            lift: Whether to look for the single activity that would lift the band; it tries one after another.

        Raises:
            UnknownName: The playbook has no such policy.
            PolicyError: The policy broke.
            Malformed: There is no lead to score yet, or ``since`` lies after ``at``.
        """
        then = None if since is None else instant(since)
        return queries.score(self._data, name, instant(at), since=then, lift=lift)

    def verdict(self, criterion: Criterion, *, at: datetime, by: Actor | str = SYSTEM) -> Verdict:
        """Return the answer of any criterion about this lead, as a tree that says why.

        Args:
            criterion: The question; it need not be in the playbook.
            at: The instant. Facts after it have no effect.
            by: Who asks, for criteria about roles.

        Raises:
            InvalidDefinition: The criterion asks for something that the playbook does not have.
            GuardError: A callable in it, or a policy that it asks, broke.
        """
        return queries.verdict(self._data, criterion, instant(at), actor(by))

    def decision(self, name: str, *, at: datetime) -> QualificationDecision:
        """Return what a qualification needs at an instant: whether it holds, on what, and what is missing.

        Raises:
            UnknownName: There is no such qualification.
            GuardError: A callable or a policy that its criteria ask broke.
        """
        return queries.decision(self._data, name, instant(at))

    @property
    def wake_at(self) -> Wake | None:
        """The next instant after :attr:`at` at which time alone changes something; None if only a fact can."""
        return queries.wake_at(self._data)

    @property
    def due_at(self) -> Wake | None:
        """The next instant after :attr:`at` at which time alone makes the playbook conclude something.

        A limit, a deadline, an expiry, a rule that changes its answer, or a planned fact that takes effect; None if
        only a fact can. Unlike :attr:`wake_at` it says nothing of which moves will be allowed. A sweep waits for it.
        Where many reviews in a row conclude nothing, it is the last of them that was looked at.
        """
        return queries.due_at(self._data)

    # ------------------------------------------------------------------ queries: facts and what became of them

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The observed facts, in the order in which they were recorded."""
        return self._data.facts

    @property
    def version(self) -> int:
        """How many observed facts there are; for optimistic concurrency."""
        return self._data.log.count if self._data.horizon is None else len(self._data.tail)

    @property
    def merged(self) -> tuple[str, ...]:
        """The leads that are merged into this one now, the first one first."""
        return self._data.log.losers

    @property
    def is_tail(self) -> bool:
        """Whether facts from before a snapshot are missing, so that what reaches back to them raises NeedsWholeLog."""
        return self._data.log.past is not None

    @property
    def log(self) -> tuple[LogEntry, ...]:
        """Every observed fact and what became of it."""
        return fact_outcomes.log_entries(self._data)

    @property
    def standing(self) -> tuple[Fact, ...]:
        """The observed facts that count at :attr:`at`, in the order in which they were recorded.

        Left out is what was retracted, conflicts with an earlier fact under its key, is planned for later, or was
        refused. A sale or an activity counts even if the move that it would have fired was refused.
        """
        return fact_outcomes.standing(self._data)

    @property
    def refused(self) -> bool:
        """Whether the playbook refused any fact or timer so far."""
        return fact_outcomes.was_refused(self._data)

    @property
    def receipt(self) -> Receipt:
        """What became of the fact that was recorded last.

        Raises:
            Malformed: Nothing has been recorded yet.
        """
        return fact_outcomes.receipt(self._data)

    @property
    def derived(self) -> tuple[Fact, ...]:
        """The playbook's own conclusions up to :attr:`at` (fired moves, timers, gates); each names its cause."""
        return fact_outcomes.derived(self._data)

    def goes_on_from(self, earlier: Journey) -> bool:
        """Return whether this is a later version of a journey, or the same: its facts are the first of these facts.

        What is not the whole log as it stands (``as_of``, ``under``) goes on from nothing.
        """
        expect("earlier", earlier, Journey, hint="pass an earlier version of this journey")
        return fact_outcomes.goes_on_from(self._data, earlier._data)

    def facts_since(self, earlier: Journey, *, live_since: datetime | None = None) -> tuple[Fact, ...]:
        """Return the facts that are new since an earlier version: observed ones as recorded, then derived ones.

        Args:
            earlier: The earlier version.
            live_since: The instant from which a host acts on what happens. Then history is left out: what is dated
                earlier, what an importer recorded, and what followed from that at once. A limit that comes due later is
                live, whoever brought the lead there.

        Raises:
            Malformed: The other journey belongs to another lead or pipeline.
        """
        expect("earlier", earlier, Journey, hint="pass an earlier version of this journey")
        since = None if live_since is None else instant(live_since)
        return fact_outcomes.facts_since(self._data, earlier._data, since)

    def withdrawn_since(self, earlier: Journey) -> tuple[Fact, ...]:
        """Return the derived facts of an earlier version that no longer hold.

        Raises:
            Malformed: The other journey belongs to another lead or pipeline.
        """
        expect("earlier", earlier, Journey, hint="pass an earlier version of this journey")
        return fact_outcomes.withdrawn_since(self._data, earlier._data)

    def explain(self) -> Explanation:
        """Return the chain of facts that led to the present stage, line by line."""
        return history.explain(self._data.shown, self._data.registry)

    # ------------------------------------------------------------------ as a Python value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Journey):
            return NotImplemented
        mine, theirs = self._data, other._data
        return (mine.lead_id, mine.pipeline, mine.identity, mine.shown.content()) == (
            theirs.lead_id,
            theirs.pipeline,
            theirs.identity,
            theirs.shown.content(),
        )

    def __hash__(self) -> int:
        return hash((self.lead_id, self.pipeline, self.version))

    def __repr__(self) -> str:
        number = f", cycle {self.cycle.number}" if self.cycle is not None else ""
        return f"<Journey at {self.stage!r}{number}, {self.version} facts>"

    def _repr_html_(self) -> str:
        return history.timeline_html(f"{self!r}", self._data.shown, self._data.registry)


def _no_lead(value: object) -> Malformed:
    return Malformed(f"a lead is a Lead, or the text of its id, not {article(type(value).__name__)}")
