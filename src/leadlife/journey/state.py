"""Where a lead stands after some facts: what the fold carries from one fact to the next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import takewhile
from typing import Any, NamedTuple

from leadlife._base.model import Instant
from leadlife.errors import Refusal
from leadlife.facts import Fact
from leadlife.journey.memory import Memory, PersistentList, newest_first, oldest_first
from leadlife.journey.ownership import Ownership
from leadlife.journey.records import (
    Cycle,
    Due,
    FactOutcome,
    FactStatus,
    HistoryEntry,
    LimitState,
    ReadinessState,
    RuleChange,
    RuleChangeKind,
    RuleState,
    Timer,
)
from leadlife.leads import TIMER, Source
from leadlife.lifecycle.stages import Stage, StageStatus
from leadlife.lifecycle.table import TransitionTable
from leadlife.playbook.registry import RegisteredPlaybook
from leadlife.qualification.rule_index import FOR_EVER, Horizon


class Episodes(NamedTuple):
    """The cycles of a journey.

    Attributes:
        cycles: Every buying episode so far.
        in_cycle: Whether the present time belongs to the last cycle.
        wins_outside: How many cycles there were at each standing win that belongs to none.
    """

    cycles: tuple[Cycle, ...]
    in_cycle: bool
    wins_outside: tuple[int, ...]


class Position(NamedTuple):
    """Where a started lead stands.

    Attributes:
        playbook: The agreement in force.
        stage: The present stage.
        entered: When the present visit began.
        entered_by: The id of the fact that led here; None where time did.
        left: The stage that was left for the present one.
        episodes: The cycles so far.
        high_water: The furthest stage of the success path ever reached.
        source: Where the journey first came from.
        cut: The ordinal at the last entry into a won or recycled stage; older evidence no longer counts.
        cut_moves: How many visits had begun with it; what was granted in earlier ones no longer counts.
        moves: How many visits have begun so far.
        limit: Where this visit's limit stands.
        limit_from: The adoption since which this visit's limit counts: it cannot fire earlier.
        reason: The reason of the move that led to the present stage.
        scores_cut: The ordinal at the last recycling whose reason halves scores or starts them afresh; 0 without one.
        scores_kept: What that reason says of the scores from before.
    """

    playbook: RegisteredPlaybook
    stage: str
    entered: Instant
    entered_by: str | None
    left: str | None
    episodes: Episodes
    high_water: str | None
    source: Source | None
    cut: int
    cut_moves: int = 0
    moves: int = 1
    limit: LimitState = LimitState.RUNNING
    limit_from: Instant | None = None
    reason: str | None = None
    scores_cut: int = 0
    scores_kept: str = "keep"

    @property
    def table(self) -> TransitionTable:
        """The legal moves of the playbook in force."""
        return self.playbook.lifecycle.table

    @property
    def definition(self) -> Stage:
        """The present stage as the playbook defines it."""
        return self.playbook.lifecycle.by_id[self.stage]

    @property
    def status(self) -> StageStatus:
        """The status of the present stage."""
        return self.playbook.lifecycle.table.status[self.stage]

    @property
    def waits(self) -> bool:
        """Whether a refused limit or an order of a fact may wait to become legal."""
        cycles = self.episodes.cycles
        return self.limit is LimitState.REFUSED or bool(cycles and cycles[-1].pending)

    @property
    def cycle_number(self) -> int | None:
        """The number of the cycle that the present time belongs to."""
        return self.episodes.cycles[-1].number if self.episodes.in_cycle else None

    def reentries(self, reasons: tuple[str, ...] | None = None) -> int:
        """Return how many reentries out of the present stage there were since the last standing win.

        Args:
            reasons: Only those of recyclings for one of these reasons.
        """
        since = self._since_last_win()
        counts = (reasons is None or cycle.reentry_reason in reasons for cycle in since)
        return sum(cycle.reentry_from == self.stage and one for cycle, one in zip(since, counts, strict=True))

    def returns(self) -> int:
        """Return how many reentries out of any recycled stage there were since the last standing win."""
        return sum(cycle.reentry_from is not None for cycle in self._since_last_win())

    def _since_last_win(self) -> list[Cycle]:
        """Return the cycles after the last standing win, the latest first."""
        wins_outside = self.episodes.wins_outside
        cycles = reversed(self.episodes.cycles[wins_outside[-1] if wins_outside else 0 :])
        return list(takewhile(lambda cycle: cycle.outcome is not StageStatus.WON, cycles))


class RuleStates(NamedTuple):
    """Where the rules of the playbook stand.

    Attributes:
        by_name: Where each rule stands that has been evaluated.
        readiness: How close to buying the lead behaves; None where no readiness is declared.
        due: What is still to be evaluated since the stage last changed.
        moves_steady: Until when time alone leaves the automatic moves of the present stage as they are.
        look_again: From when time may have changed what a rule answers: a fact after it evaluates again.
        timer: When time alone changes something, at an exact instant or on the review grid.
        moves: How many visits had begun when the rules were last evaluated.
        broken: The guard that broke when an automatic move of this visit was tried, and how; it is reported once.
    """

    by_name: dict[str, RuleState]
    readiness: ReadinessState | None = None
    due: Due = Due.BEGUN
    moves_steady: Horizon = FOR_EVER
    look_again: Instant | None = None
    timer: Timer | None = None
    moves: int = 0
    broken: tuple[str, str] | None = None


class State:
    """Where a lead stands after some facts.

    A state changes while it is being folded and never afterwards: a fold begins with :meth:`copy`.

    Attributes:
        lead: Whose facts are folded; None before the first.
        at: Up to when it is folded.
        aged: Up to when half-lives are aged for rules: the later of the last fact and the last review that was due.
        timed_moves: How often time alone has moved the lead since the last fact.
        ordinal: How many facts have been folded.
        memory: What is known about the lead.
        position: Where the lead stands; None before the start.
        ownership: Who owns the lead, and to whom it is offered; None as long as no fact has said anything of it.
        rules: Where the rules stand; None before the start, and where the playbook has no rules.
        history: Steps, refusals and changes of rules, in the order in which they happened.
        checkpoints: Every so many facts, the fact and the state after it: a late fact folds on from the last before it.
    """

    __slots__ = (
        "aged",
        "at",
        "checkpoints",
        "history",
        "lead",
        "memory",
        "ordinal",
        "ownership",
        "position",
        "rules",
        "timed_moves",
    )

    def __init__(self) -> None:
        self.lead: str | None = None
        self.at: datetime | None = None
        self.aged: datetime | None = None
        self.timed_moves: int = 0
        self.ordinal: int = 0
        self.memory: Memory = NOTHING_KNOWN
        self.position: Position | None = None
        self.ownership: Ownership | None = None
        self.rules: RuleStates | None = None
        self.history: PersistentList[HistoryEntry] | None = None
        self.checkpoints: PersistentList[tuple[Fact, State]] | None = None

    def copy(self) -> State:
        """Return a copy to fold further; everything in it is immutable and shared."""
        new = object.__new__(State)
        # Written out instead of a loop over the slots: every move makes a copy, and the loop takes three times as long.
        new.lead = self.lead
        new.at = self.at
        new.aged = self.aged
        new.timed_moves = self.timed_moves
        new.ordinal = self.ordinal
        new.memory = self.memory
        new.position = self.position
        new.ownership = self.ownership
        new.rules = self.rules
        new.history = self.history
        new.checkpoints = self.checkpoints
        return new

    def __getstate__(self) -> dict[str, Any]:
        # Checkpoints are states themselves: with them, a pickle or a deep copy would grow with the square of the facts.
        return {name: getattr(self, name) for name in State.__slots__ if name != "checkpoints"}

    def __setstate__(self, kept: dict[str, Any]) -> None:
        for name, value in kept.items():
            setattr(self, name, value)
        self.checkpoints = None

    def append(self, entry: HistoryEntry) -> None:
        """Add a link to the history."""
        self.history = PersistentList(entry, self.history)

    def note(
        self,
        at: datetime,
        fact: str | None,
        status: FactStatus,
        *,
        trigger: str | None = None,
        refusals: tuple[Refusal, ...] = (),
    ) -> None:
        """Add what became of a fact or timer that did not move the lead."""
        playbook = None if self.position is None else self.position.playbook.ref
        if any(refusal.cause is not None for refusal in refusals):  # an exception holds on to whole stacks
            refusals = tuple(replace(refusal, cause=None) for refusal in refusals)
        self.append(FactOutcome(at, fact, status, trigger, refusals, playbook))

    def note_timed(self, position: Position, kind: RuleChangeKind, name: str, *, at: datetime, reason: str) -> None:
        """Add what time alone concluded."""
        change = RuleChange(
            at=at,
            kind=kind,
            name=name,
            fact=None,
            by=TIMER,
            derived=True,
            playbook=position.playbook.ref,
            reason=reason,
        )
        self.append(change)

    def content(self) -> tuple[Any, ...]:
        """Return everything that two equal states agree on, as one comparable value."""
        position, memory = self.position, self.memory
        return (
            self.at,
            self.ordinal,
            None if position is None else (position.playbook.ref, *position[1:]),
            self.rules,
            oldest_first(self.history),
            memory.latest,
            {kind: oldest_first(activities) for kind, activities in memory.activities.items()},
            oldest_first(memory.touches),
            self.ownership,
        )


NOTHING_KNOWN = Memory()


def outcomes_of(state: State) -> Iterator[FactOutcome]:
    """Yield what became of facts and timers that did not move the lead, the latest first."""
    return (entry for entry in newest_first(state.history) if isinstance(entry, FactOutcome))
