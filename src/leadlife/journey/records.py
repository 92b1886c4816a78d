"""What the fold keeps: the entries of the history, cycles, and where each rule stands; never changed in place."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import NamedTuple

from leadlife._base.model import Instant
from leadlife.criteria import Verdict
from leadlife.errors import Refusal
from leadlife.facts import PlaybookRef
from leadlife.leads import Actor, Source
from leadlife.lifecycle.stages import StageStatus


class StepKind(StrEnum):
    """The steps of a history that no transition makes."""

    STARTED = "started"
    ADOPTED = "adopted"
    MERGED = "merged"
    """The lead goes on where the lead stood that was merged into it."""


class Step(NamedTuple):
    """The start, a transition that was taken, or the adoption of a playbook.

    Attributes:
        at: When.
        kind: The kind of the transition, or a :class:`StepKind`.
        trigger: What was fired.
        source: The stage before.
        target: The stage after; None where no visit began.
        fact: The id of the observed fact that moved the lead; None where time alone did.
        derived: Whether the move is the playbook's own conclusion.
        by: Who.
        playbook: The agreement in force.
        cycle: The cycle that the time from here on belongs to.
        reason: Why.
        via: The gates on the way.
        waived: What was not asked for or inferred: guard, role, reason, inferred.
        rule: The place of the transition in its lifecycle.
        relabelled: The stages that an adoption renamed, as pairs of old and new.
        automatic: Whether the guard alone made the move.
        ordered_by: The id of the fact that ordered the move before it was legal; None for most.
    """

    at: Instant
    kind: str
    trigger: str
    source: str | None
    target: str | None
    fact: str | None
    derived: bool
    by: str
    playbook: PlaybookRef
    cycle: int | None
    reason: str | None = None
    via: tuple[str, ...] = ()
    waived: tuple[str, ...] = ()
    rule: int | None = None
    relabelled: tuple[tuple[str, str], ...] = ()
    automatic: bool = False
    ordered_by: str | None = None


class FactStatus(StrEnum):
    """What became of a recorded fact."""

    STANDS = "stands"
    REFUSED = "refused"
    REDUNDANT = "redundant"
    PENDING = "pending"
    """It ordered a move that is not legal yet, and makes it as soon as it is."""
    PLANNED = "planned"
    """It is dated after the present, and takes effect when its time comes."""
    CONFLICTING = "conflicting"
    RETRACTED = "retracted"
    MERGED = "merged"
    """It would move the lead, and the moves of the other lead stand that it was merged with."""
    UNMERGED = "unmerged"
    """It is of a lead that was merged into this one and taken out again."""
    DUPLICATE = "duplicate"
    """It is of a merged lead, and another one that is merged here has recorded the same event."""
    UNMATCHED = "unmatched"
    """It retracts nothing, because its target is mistyped, a derived fact, a retraction, or not recorded yet."""


class FactOutcome(NamedTuple):
    """What became of a fact, or of a timer, that did not move the lead as it would have.

    Attributes:
        at: When.
        fact: The id of the fact; None for a timer.
        status: ``refused`` or ``redundant``; what else may become of a fact, its place in the log says.
        trigger: What would have been fired; None where there is no trigger.
        refusals: Every reason.
        playbook: The agreement in force; None before the start.
    """

    at: Instant
    fact: str | None
    status: FactStatus
    trigger: str | None
    refusals: tuple[Refusal, ...]
    playbook: PlaybookRef | None


class RuleChangeKind(StrEnum):
    """What the rules concluded."""

    GRANTED = "granted"
    WITHDRAWN = "withdrawn"
    READINESS = "readiness"
    ENTERED = "entered"
    """A programme."""
    LEFT = "left"
    """A programme."""
    EXPIRED = "expired"
    """An offer to hand the lead over."""
    FAILED = "failed"
    """A rule could not be evaluated."""
    ENDLESS_MOVES = "endless_moves"
    """The automatic moves did not come to rest."""


class Withdrawal(StrEnum):
    """Why the playbook ends a qualification, or the part that a lead takes in a programme."""

    NOT_SO = "not so any more"
    LEFT = "left"
    LAPSED = "lapsed"
    STARTS_AFRESH = "a win or a recycling ended it"
    UNDECLARED = "not declared any more"
    GOAL = "its goal is met"
    """Of a programme."""
    EXIT = "its exit is true"
    """Of a programme."""


class RuleChange(NamedTuple):
    """A qualification granted or withdrawn, a change of readiness, or a rule that failed.

    Attributes:
        at: When.
        kind: What happened.
        name: The qualification, the segment of readiness, or the rule.
        fact: The id of the observed fact behind it; None where time alone did it.
        by: Who.
        derived: Whether it is the playbook's own conclusion.
        playbook: The agreement in force.
        reason: Why, in words.
        criterion: The criterion that decided, in words.
        expires: When it lapses.
        evidence: Ids of the facts that the answer rests on.
    """

    at: Instant
    kind: RuleChangeKind
    name: str
    fact: str | None
    by: str
    derived: bool
    playbook: PlaybookRef
    reason: str | None = None
    criterion: str | None = None
    expires: Instant | None = None
    evidence: tuple[str, ...] = ()


HistoryEntry = Step | FactOutcome | RuleChange


class PendingMove(NamedTuple):
    """A move that a fact ordered before it was legal; it is made as soon as it is, within the cycle.

    Attributes:
        trigger: What is fired then.
        on: The kind of the fact.
        fact: The id of the fact.
        at: When it was ordered.
        by: Who ordered it, in which roles.
    """

    trigger: str
    on: str
    fact: str
    at: Instant
    by: Actor


class LimitState(StrEnum):
    """Where the limit of the present visit stands."""

    RUNNING = "running"
    REFUSED = "refused"
    """It came due and its move was refused; it is made as soon as it is legal."""
    SPENT = "spent"
    """It came due, and its move left the lead where it was."""


class Cycle(NamedTuple):
    """One buying episode.

    Attributes:
        number: From 1.
        opened: When it began.
        opened_by: The id of the fact that opened it; None where time did.
        source: Where it came from; None when unknown.
        reentry_from: The recycled stage from which a reentry opened it.
        outcome: won, lost, disqualified or recycled; None while it runs.
        ended: When it ended.
        high_water: The furthest stage of the success path reached in it.
        pending: Moves that facts ordered in it before they were legal.
        reentry_reason: The reason for which the lead had been recycled before that reentry.
    """

    number: int
    opened: Instant
    opened_by: str | None
    source: Source | None
    reentry_from: str | None
    outcome: StageStatus | None
    ended: Instant | None
    high_water: str | None
    pending: tuple[PendingMove, ...] = ()
    reentry_reason: str | None = None


class RuleState(NamedTuple):
    """Where a rule stands: whether it holds, since when, on what, and when to look at it again.

    Attributes:
        held: Whether it holds.
        since: Since when; None while it does not hold.
        ordinal: How many facts had been folded when it was granted.
        moves: How many visits had begun then; it counts as long as no later one cuts off what is older.
        expires: When it lapses.
        by: Who granted it; None for the rule itself.
        fact: The id of the fact at which it was granted; None where time alone granted it.
        evidence: Ids of the facts that the answer rested on.
        verdict: The answer that granted it.
        playbook: The agreement under which it was granted.
        barred: Facts up to this ordinal grant it no more, because it lapsed or was withdrawn by hand.
        barred_moves: How many visits had begun then; a later one grants a rule on the lead's state alone again, and so
            does its criterion once it has been seen not true.
        overruled: Whether a rule on the lead's state alone is not granted again before it has been seen not true: a
            person withdrew it, or it lapsed and reads no stage that the lead could enter anew.
        by_hand: The ordinal of the latest fact by which a person granted or withdrew it.
        steady: Until when time alone surely changes nothing of its criteria; None for ever.
        exact: When a window, an age or a step changes at an exact instant.
        fading: From when a half-life may change the answer; the review grid looks after it.
        failed: Why it could not be evaluated the last time.
        cycle: For a programme, how many cycles had begun when it was last entered; None if it never was.
        ended: For a programme, when it was last left.
        room: Up to how many points that activities have offered its scores in all, in micropoints, the answer stays;
            0 where that is not known, as in snapshots of old.
    """

    held: bool = False
    since: Instant | None = None
    ordinal: int = 0
    moves: int = 0
    expires: Instant | None = None
    by: str | None = None
    fact: str | None = None
    evidence: tuple[str, ...] = ()
    verdict: Verdict | None = None
    playbook: PlaybookRef | None = None
    barred: int = 0
    barred_moves: int = 0
    overruled: bool = False
    by_hand: int = 0
    steady: Instant | None = None
    exact: Instant | None = None
    fading: Instant | None = None
    failed: str | None = None
    cycle: int | None = None
    ended: Instant | None = None
    room: int = 0

    def released(self) -> RuleState:
        """Return what is left of the rule's state once it holds no more."""
        return RuleState(
            barred=self.barred,
            barred_moves=self.barred_moves,
            overruled=self.overruled,
            by_hand=self.by_hand,
            failed=self.failed,
            cycle=self.cycle,
        )

    def left(self, at: Instant) -> RuleState:
        """Return what is left of taking part in a programme."""
        return RuleState(failed=self.failed, cycle=self.cycle, ended=at)

    def barred_from(self, ordinal: int, moves: int | None) -> RuleState:
        """Return what is left once it holds no more, and nothing known so far may grant it again.

        Without ``moves``, no new visit grants it again either.
        """
        return self.released()._replace(barred=ordinal, barred_moves=moves or 0, overruled=moves is None)

    def awaiting(
        self, steady: datetime | None, exact: datetime | None, fading: datetime | None, room: int
    ) -> RuleState:
        """Return the rule's state once it was evaluated, with what it takes for the answer to change.

        Args:
            steady: As the attribute.
            exact: As the attribute.
            fading: As the attribute.
            room: As the attribute.
        """
        known = (self.failed, self.steady, self.exact, self.fading, self.room)
        if known == (None, steady, exact, fading, room):
            return self  # as it is for most rules: a copy of so many fields takes its time
        return self._replace(failed=None, steady=steady, exact=exact, fading=fading, room=room)

    def is_over(self, at: datetime) -> bool:
        """Return whether what is held has lapsed at an instant."""
        return self.expires is not None and self.expires <= at


NEVER_HELD = RuleState()


class ReadinessState(NamedTuple):
    """How close to buying the lead behaves, since when, and the fact behind it."""

    segment: str
    since: Instant
    fact: str | None
    ordinal: int


class TimerKind(IntEnum):
    """The order of timers that are due at one instant: expiries, then limits, then the review grid."""

    EXACT = 0
    LIMIT = 1
    GRID = 2


class Timer(NamedTuple):
    """When time alone may change something, and what; timers compare in the order in which they fire."""

    at: Instant
    kind: TimerKind
    why: str


class Due(IntEnum):
    """What is still to be evaluated since the stage last changed; the larger includes the smaller."""

    NOTHING = 0
    MOVED = 1
    """What reads the stage."""
    ALL = 2
    """Everything, because a cycle began, or older evidence no longer counts."""
    BEGUN = 3
    """Everything, for the first time."""
