"""The journey: one lead in one pipeline, as a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Self

from leadlife._base.model import identifier
from leadlife.errors import Malformed, StageConflict
from leadlife.facts import (
    ConsentChanged,
    EvidenceGiven,
    Fact,
    FieldChanged,
    Identified,
    PlaybookAdopted,
    Referred,
    Started,
)
from leadlife.journey import snapshot as snapshots
from leadlife.journey.fold import Books, fold
from leadlife.journey.log import Log, observed
from leadlife.journey.qualifying import Qualifying
from leadlife.journey.ruling import best_entry
from leadlife.journey.snapshot import Snapshot
from leadlife.journey.state import State
from leadlife.leads import SYSTEM, Actor, Lead, LeadType, Source, actor
from leadlife.lifecycle.transitions import TransitionKind
from leadlife.playbook.playbook import Playbook
from leadlife.timing import instant


class Journey(Qualifying):
    """One lead in one pipeline: a lead's facts replayed through a playbook.

    A journey is a value. Every verb returns a new one and leaves the old one as it was; both share one log.

    >>> from datetime import datetime, UTC
    >>> from leadlife import Journey
    >>> from leadlife.presets import eight_stage
    >>> journey = Journey.start("ada", eight_stage(), stage="name", at=datetime(2026, 3, 2, 9, tzinfo=UTC))
    >>> journey.stage
    'name'
    """

    __slots__ = ()

    def __init__(
        self,
        lead_id: str,
        playbook: Playbook,
        *,
        pipeline: str = "main",
    ) -> None:
        """Begin an empty journey, before any fact. Most callers want :meth:`start` or :meth:`replay`."""
        self._begin(identifier(lead_id), identifier(pipeline), Books((playbook,)))

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
        recorded_at: datetime | None = None,
    ) -> Journey:
        """Return a journey that begins at a stage.

        What a :class:`Lead` already says of itself (fields, consents, being identified) is recorded as facts first.

        Args:
            lead: The lead, or just its id.
            playbook: The agreement it begins under.
            at: When.
            stage: Where; by default the first entry that is open to it.
            pipeline: In which pipeline.
            by: Who says so.
            source: Where the first cycle comes from; by default the lead's own source.
            evidence: Names of what is already known to be so, such as ``["fit"]``.
            recorded_at: When it became known; by default at once.

        Raises:
            Malformed: An argument cannot be understood.
            MoveRefused: No journey begins at that stage.
        """
        if not isinstance(lead, str | Lead):
            raise Malformed("a lead is a Lead, or the text of its id")
        at, who_says, referred_by = instant(at), actor(by), None
        journey = cls(lead if isinstance(lead, str) else lead.id, playbook, pipeline=pipeline)
        told: list[Fact] = [EvidenceGiven(name=name, at=at, by=who_says) for name in evidence]
        if isinstance(lead, Lead):
            source, referred_by = source or lead.source, lead.referred_by
            told = [*_told_by(lead, at, who_says), *told]
        for fact in told:
            journey = journey.record(fact, recorded_at=recorded_at)
        if stage is None:
            waiting = journey._base.clone()
            waiting.playbook, waiting.lead = playbook, journey.lead_id
            stage = best_entry(waiting, at=at, by=who_says, referral=referred_by is not None)
        started = Started.checked(
            {
                "stage": stage,
                "playbook": playbook.ref,
                "at": at,
                "by": who_says,
                "source": source,
                "referred_by": referred_by,
            }
        )
        journey = journey.record(started, recorded_at=recorded_at)
        refusals = journey.receipt.refusals if journey.stage is None else ()
        if refusals:
            raise refusals[0].error(refusals[1:])
        return journey

    @classmethod
    def replay(cls, facts: Iterable[Fact], playbook: Playbook | Iterable[Playbook]) -> Journey:
        """Return the journey that recorded facts tell, in whatever order they are given.

        Derived facts among them are ignored: the fold makes them anew.

        Args:
            facts: The facts of one journey, as :meth:`facts_since` gave them or :func:`load_fact` reads them.
            playbook: Every playbook that the facts name.

        Raises:
            Malformed: The facts belong to several journeys, or lack their stamps.
            UnknownPlaybook: A playbook is named that is not at hand.
        """
        kept = observed(facts)
        if not kept:
            raise Malformed("there is no fact to replay", hint="Journey(lead, playbook) is an empty journey")
        return cls._of(Log.of(kept), _books(playbook))

    @classmethod
    def resume(cls, snapshot: Snapshot, facts: Iterable[Fact], playbook: Playbook | Iterable[Playbook]) -> Journey:
        """Return the journey of a whole log, sparing the fold where the snapshot fits it.

        Raises:
            Malformed: The facts cannot be replayed.
            UnknownPlaybook: A playbook is named that is not at hand.
        """
        kept = observed(facts)
        if not kept:
            raise Malformed("there is no fact to replay", hint="Journey(lead, playbook) is an empty journey")
        books, log = _books(playbook), Log.of(kept)
        fits = (snapshot.format, snapshot.lead, snapshot.pipeline, snapshot.log) == (
            snapshots.FORMAT,
            kept[0].lead,
            kept[0].pipeline,
            snapshots.log_hash(log.facts),
        )
        base = snapshots.restore(snapshot, log.in_fold_order(len(log.facts)), books) if fits else None
        return cls._of(log, books, base)

    def recycle(
        self,
        reason: str,
        *,
        at: datetime,
        by: Actor | str = SYSTEM,
        note: str | None = None,
        late: bool = False,
    ) -> Journey:
        """Return the journey after the lead went back into marketing's care.

        Raises:
            MoveRefused: No transition of kind recycle may be taken from here.
        """
        return self._move_of(TransitionKind.RECYCLE, "recycle", reason, at=at, by=by, note=note, late=late)

    def reopen(
        self,
        reason: str | None = None,
        *,
        at: datetime,
        by: Actor | str = SYSTEM,
        note: str | None = None,
        late: bool = False,
    ) -> Journey:
        """Return the journey back in the stage that was left for a closed one; the closing is void.

        Raises:
            MoveRefused: No transition of kind reopen may be taken from here.
        """
        return self._move_of(TransitionKind.REOPEN, "reopen", reason, at=at, by=by, note=note, late=late)

    def _move_of(
        self,
        kind: TransitionKind,
        usual: str,
        reason: str | None,
        *,
        at: datetime,
        by: Actor | str,
        note: str | None,
        late: bool,
    ) -> Journey:
        state, _ = self._standing_at(instant(at), late=late)
        trigger = usual
        if state.table is not None and state.stage is not None:
            edges = (
                candidate.edge
                for name in state.table.from_here(state.stage)
                for candidate in state.table.moves[state.stage, name]
            )
            trigger = next((edge.trigger for edge in edges if edge.rule.kind is kind), usual)
        return self.move(trigger, at=at, by=by, reason=reason, note=note, late=late)

    def refer(
        self,
        who: Lead | str,
        *,
        at: datetime,
        by: Actor | str = SYSTEM,
        stage: str | None = None,
        evidence: Iterable[str] = (),
        source: Source | None = None,
    ) -> tuple[Journey, Journey]:
        """Return this journey, which now has a referral, and the journey of the person who was referred.

        Args:
            who: The person referred, or their id.
            at: When.
            by: Who says so.
            stage: Where the other journey begins; by default the best entry open to a referral.
            evidence: What is already known of them, such as ``["fit"]``.
            source: Where their first cycle comes from; by default a referral.

        Raises:
            MoveRefused: No journey of a referred lead begins at that stage.
        """
        other = Lead(id=who) if isinstance(who, str) else who
        other = other.replace(
            referred_by=self.lead_id,
            source=source or other.source or Source(channel="referral", lead_type=LeadType.REFERRAL),
        )
        at, who_says = instant(at), actor(by)
        theirs = Journey.start(
            other, self.playbook, at=at, stage=stage, pipeline=self.pipeline, by=who_says, evidence=evidence
        )
        return self.record(Referred(who=other.id, at=at, by=who_says)), theirs

    def adopt(
        self,
        playbook: Playbook,
        *,
        at: datetime,
        by: Actor | str = SYSTEM,
        stages: Mapping[str, str] | None = None,
    ) -> Journey:
        """Return the journey under another playbook, or another version, from now on.

        Args:
            playbook: The agreement in force from ``at``.
            at: When; never before the last fact.
            by: Who decided it.
            stages: Old stage ids to new ones, where they differ.

        Raises:
            MoveRefused: The lead stands in a stage that the playbook does not have and ``stages`` does not map.
        """
        fact = PlaybookAdopted(playbook=playbook.ref, stages=dict(stages or {}), at=at, by=by)  # type: ignore[arg-type]
        journey = self._writable()
        journey = journey._next(journey._base, books=journey._books.adding(playbook)).record(fact)
        refusals = journey.receipt.refusals
        if refusals:
            raise refusals[0].error(refusals[1:])
        return journey

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
            expected_stage: Where the host believes the object stands; by default where the journey stands.

        Raises:
            StageConflict: The object stands elsewhere; nothing was changed.
            MoveRefused: The playbook does not allow the move; nothing was changed.
        """
        at = instant(at)
        before = self.stage if self._base.at is None or at < self._base.at else self.as_of(at=at).stage
        expected = before if expected_stage is None else expected_stage
        found = getattr(thing, attribute)
        if not found == expected == before:
            raise StageConflict(
                f"the object stands in {found!r}, the journey in {before!r}, and {expected!r} was expected",
                hint="load both afresh; where time has moved the journey, tick it and set the object first",
            )
        moved = self.move(trigger, at=at, by=by, reason=reason, note=note)
        setattr(thing, attribute, moved.stage)
        return moved

    @classmethod
    def _of(cls, log: Log, books: Books, base: State | None = None) -> Self:
        """Return the journey of a whole log."""
        first, length = log.facts[0], len(log.facts)
        new = object.__new__(cls)
        new._begin(str(first.lead), str(first.pipeline), books)
        new._log, new._length = log, length
        new._base = new._state = base or fold(log.in_fold_order(length), books)
        return new


def _books(playbook: Playbook | Iterable[Playbook]) -> Books:
    return Books((playbook,) if isinstance(playbook, Playbook) else playbook)


def _told_by(lead: Lead, at: datetime, by: Actor) -> Iterable[Fact]:
    if lead.identified:
        yield Identified(at=at, by=by)
    for name, value in lead.fields.items():
        yield FieldChanged(name=name, value=value, at=at, by=by)
    for consent in lead.consents:
        yield ConsentChanged(
            purpose=consent.purpose,
            granted=consent.granted,
            basis=consent.basis,
            at=consent.since or at,
            by=by,
        )
