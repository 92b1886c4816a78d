"""What a journey tells: where the lead stands, how it came there, and what is known."""

from __future__ import annotations

from datetime import datetime, timedelta

from leadlife.criteria import Observation, Readiness, Scalar
from leadlife.errors import Malformed, Refusal, RefusalCode
from leadlife.facts import (
    Evidence,
    Fact,
    Qualification,
    Retracted,
    sized,
)
from leadlife.journey import snapshot as snapshots
from leadlife.journey import story
from leadlife.journey.answers import Receipt
from leadlife.journey.fold import Books, fold, pass_time
from leadlife.journey.log import Log, LogEntry, Standing
from leadlife.journey.sight import lead_of
from leadlife.journey.snapshot import Snapshot
from leadlife.journey.state import Cycle, Mark, State, newest_first
from leadlife.journey.story import Visit
from leadlife.leads import SYSTEM, Lead, Source
from leadlife.lifecycle.stages import Stage, StageStatus
from leadlife.playbook.playbook import Playbook


class Reading:
    """The side of a :class:`Journey` that answers questions and changes nothing."""

    __slots__ = (
        "_base",
        "_books",
        "_horizon",
        "_known",
        "_length",
        "_log",
        "_owner",
        "_state",
        "lead_id",
        "pipeline",
    )

    lead_id: str
    """Whose journey it is."""
    pipeline: str
    """In which pipeline."""

    def _begin(self, lead_id: str, pipeline: str, books: Books) -> None:
        self.lead_id = lead_id
        self.pipeline = pipeline
        self._owner = sized(lead_id) + sized(pipeline)
        self._books = books
        self._log = Log()
        self._length = 0
        """How much of the log is seen: it may have grown for another journey."""
        self._base = State()
        """Where the lead stands after the last fact."""
        self._state = self._base
        """Where the lead stands at the instant that was asked for."""
        self._horizon: datetime | None = None
        """Set where facts after an instant are hidden."""
        self._known: Fact | None = None
        """The fact already known, where the last one recorded was not new."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Reading):
            return NotImplemented
        mine = (self.lead_id, self.pipeline, self.facts, self._state.story())
        return mine == (other.lead_id, other.pipeline, other.facts, other._state.story())

    def __hash__(self) -> int:
        return hash((self.lead_id, self.pipeline, self.version))

    def _repr_html_(self) -> str:
        from leadlife._base.html import Bar, timeline  # noqa: PLC0415 - only a notebook pays for it

        visits, at = self.visits, self._state.at
        if not visits or at is None:
            return timeline(f"{self!r}", ())
        begin = visits[0].entered
        whole = max((at - begin).total_seconds(), 1.0)
        statuses = self.playbook.lifecycle.by_id
        bars = [
            Bar(
                visit.stage,
                (visit.entered - begin).total_seconds() / whole,
                ((visit.left or at) - begin).total_seconds() / whole,
                statuses[visit.stage].status.value if visit.stage in statuses else "",
                f"{visit.entered:%Y-%m-%d}, {visit.time(at).total_seconds() / 86_400:.1f} days"
                + (f", cycle {visit.cycle}" if visit.cycle is not None else ""),
            )
            for visit in visits
        ]
        return timeline(f"{self!r}", bars)

    def __repr__(self) -> str:
        cycle = self.cycle
        number = f", cycle {cycle.number}" if cycle is not None else ""
        return f"<Journey at {self.stage!r}{number}, {self.version} facts>"

    # ------------------------------------------------------------------ where the lead stands

    @property
    def at(self) -> datetime | None:
        """Up to when it is told, which is the last fact or the instant that was asked for."""
        return self._state.at

    @property
    def stage(self) -> str | None:
        """The present stage; None before the start."""
        return self._state.stage

    @property
    def status(self) -> StageStatus | None:
        """The status of the present stage."""
        return self._state.status

    @property
    def playbook(self) -> Playbook:
        """The playbook in force; before the start, the one it will begin under."""
        return self._state.playbook or self._books.instead or self._books.first

    @property
    def definition(self) -> Stage | None:
        """The present stage as the playbook defines it."""
        return None if self.stage is None else self.playbook.lifecycle.by_id[self.stage]

    @property
    def cycle(self) -> Cycle | None:
        """The running cycle, or the one that a closed stage closed; None in a recycled stage."""
        return self._state.cycles[-1] if self._state.in_cycle else None

    @property
    def cycles(self) -> tuple[Cycle, ...]:
        """Every buying episode so far."""
        return self._state.cycles

    @property
    def high_water(self) -> str | None:
        """The furthest stage of the success path ever reached; each cycle has its own."""
        return self._state.high_water

    @property
    def source(self) -> Source | None:
        """Where the journey first came from."""
        return self._state.source

    @property
    def visits(self) -> tuple[Visit, ...]:
        """Every stay in a stage, in order."""
        return story.visits(self._state)

    def time_in_stages(self, *, cycle: int | None = None) -> dict[str, timedelta]:
        """Return how long the lead has stood in each stage up to :attr:`at`, re-entries added up.

        Args:
            cycle: Only the time that belongs to this cycle.
        """
        at = self.at
        return {} if at is None else story.time_in_stages(self._state, at, cycle=cycle)

    # ------------------------------------------------------------------ what is known

    @property
    def lead(self) -> Lead:
        """The lead as the facts tell it."""
        return lead_of(self._state, self.lead_id)

    @property
    def fields(self) -> dict[str, Scalar]:
        """The latest value of each field of the lead."""
        return {name: seen.value for name, seen in self._state.memory.fields.items() if seen.value is not None}

    @property
    def evidence(self) -> dict[str, Evidence]:
        """The latest yes or no of each name, however old."""
        return {name: self._told_evidence(name, seen) for name, seen in self._state.memory.evidence.items()}

    def _told_evidence(self, name: str, seen: Observation) -> Evidence:
        fact = self._log.named(seen.fact, self._length)
        by, source = (None, None) if fact is None else (fact.by, fact.source)
        return Evidence(name=name, value=seen.value, at=seen.at, fact=seen.fact, by=by, source=source)

    @property
    def qualifications(self) -> dict[str, Qualification]:
        """The qualifications that were granted, not withdrawn, and not expired at :attr:`at`."""
        return {
            name: Qualification(
                name=name,
                granted=latch.since,
                expires=latch.expires,
                evidence=latch.evidence,
                playbook=latch.playbook,
                by=latch.by or SYSTEM,
                verdict=latch.verdict,
            )
            for name, latch in self._state.latches.items()
            if latch.since is not None and name in self.playbook.qualification_by_name
        }

    @property
    def readiness(self) -> Readiness | None:
        """How close to buying the lead behaves; None where the playbook does not judge it, or before the start."""
        near = self._state.nearness
        return None if near is None else Readiness(near.segment)

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The observed facts, in the order in which they were recorded."""
        facts = self._log.facts[: self._length]
        return tuple(facts if self._horizon is None else (fact for fact in facts if self._shows(fact)))

    def _shows(self, fact: Fact) -> bool:
        """Return whether a fact belongs to the view; a retraction does, whatever its own instant."""
        return self._horizon is None or fact.at <= self._horizon or isinstance(fact, Retracted)

    @property
    def version(self) -> int:
        """How many observed facts there are; for optimistic concurrency."""
        return self._length if self._horizon is None else len(self.facts)

    @property
    def log(self) -> tuple[LogEntry, ...]:
        """Every observed fact and what became of it."""
        marks: dict[str | None, Mark] = {mark.fact: mark for mark in newest_first(self._state.marks) if mark.fact}
        return tuple(
            self._entry(fact, standing, marks.get(fact.id))
            for fact, standing in self._log.standing(self._length)
            if self._shows(fact)
        )

    @staticmethod
    def _entry(fact: Fact, standing: Standing, mark: Mark | None) -> LogEntry:
        if standing is not Standing.STANDS or mark is None:
            return LogEntry(fact, standing)
        return LogEntry(fact, Standing(mark.sort), mark.refusals)

    @property
    def refused(self) -> bool:
        """Whether the playbook refused any fact or timer so far."""
        return any(mark.refusals for mark in newest_first(self._state.marks))

    @property
    def receipt(self) -> Receipt:
        """What became of the fact that was recorded last.

        Raises:
            Malformed: Nothing has been recorded yet.
        """
        last = self._log.facts[self._length - 1] if self._length else None
        if last is not None and not self._shows(last):
            last = next(iter(self.facts[-1:]), None)
        fact = self._known or last
        if fact is None:
            raise Malformed("nothing has been recorded yet")
        standing = self._log.standing_of(fact, self._length)
        mark = next((mark for mark in newest_first(self._state.marks) if mark.fact == fact.id), None)
        entry = self._entry(fact, standing, mark)
        return Receipt(fact, entry.standing, self._known is None, entry.refusals)

    @property
    def derived(self) -> tuple[Fact, ...]:
        """The playbook's own conclusions up to :attr:`at` (fired moves, timers, gates); each names its cause."""
        return self._derived_in(self._state)

    def _derived_in(self, state: State) -> tuple[Fact, ...]:
        standing = self._log.standing(self._length)
        recorded = {fact.id or "": fact for fact, became in standing if became is Standing.STANDS}
        return story.derived_facts(state, recorded, self.lead_id, self.pipeline)

    def facts_since(self, earlier: Reading) -> tuple[Fact, ...]:
        """Return the facts that are new since an earlier version: observed ones as recorded, then derived ones."""
        observed = story.new_facts(self.facts, earlier.facts)
        return (*observed, *story.new_facts(self.derived, earlier.derived))

    def withdrawn_since(self, earlier: Reading) -> tuple[Fact, ...]:
        """Return the derived facts of an earlier version that no longer hold."""
        state = self._state
        if earlier.at is not None and (state.at is None or earlier.at > state.at):
            state = state.clone()
            pass_time(state, earlier.at)
        return story.new_facts(earlier.derived, self._derived_in(state))

    def snapshot(self) -> Snapshot:
        """Return where the journey stands after its whole log, for :meth:`Journey.resume`.

        Raises:
            Malformed: The journey tells what would have been under another playbook; that is nothing to keep.
        """
        if self._books.instead is not None:
            raise Malformed("a journey told under another playbook is not saved", hint="save the one it came from")
        facts = self.facts
        base = self._base
        if self._horizon is not None:
            base = fold(self._log.in_fold_order(self._length, until=self._horizon), self._books)
        return snapshots.save(base, self.lead_id, self.pipeline, facts)

    def _standing_at(self, at: datetime, *, late: bool) -> tuple[State, tuple[Refusal, ...]]:
        base = self._base
        if base.at is None or at >= base.at:
            state = base.clone()
            pass_time(state, at)
            return state, ()
        if late:
            facts = self._log.in_fold_order(self._length, until=at)
            return fold(facts, self._books, until=at), ()
        refusal = Refusal(
            RefusalCode.OUT_OF_ORDER,
            f"the last fact is of {base.at.isoformat()}, later than this",
            "say late=True if it happened then",
            {"last": base.at},
        )
        return base, (refusal,)
