"""What a fold carries along: slotted records that share their past instead of copying it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from leadlife.criteria import Observation
from leadlife.errors import Refusal
from leadlife.facts import (
    ActivityRecorded,
    ConsentChanged,
    EvidenceGiven,
    Fact,
    FieldChanged,
    Identified,
    PlaybookRef,
    ScoreReported,
    Sold,
    Started,
)
from leadlife.journey.latches import Alarm, Latch, Nearness, Turn
from leadlife.leads import Source
from leadlife.lifecycle.stages import StageStatus
from leadlife.lifecycle.table import TransitionTable
from leadlife.playbook.playbook import Playbook
from leadlife.qualification.rule_index import FOR_EVER, Horizon, RuleIndex

T = TypeVar("T")


class Trail(Generic[T]):
    """A list that grows at one end, shares its past with its ancestors, and costs the same however long."""

    __slots__ = ("before", "first", "item", "size")

    def __init__(self, item: T, before: Trail[T] | None) -> None:
        self.item: T = item
        self.before: Trail[T] | None = before
        self.first: T = item if before is None else before.first
        self.size: int = 1 if before is None else before.size + 1

    def __reduce__(self) -> tuple[Any, ...]:
        # Item by item: the default would follow the links and run out of stack.
        return trail_of, (oldest_first(self),)


def trail_of(items: Iterable[T]) -> Trail[T] | None:
    """Return a trail of items, given oldest first."""
    trail: Trail[T] | None = None
    for item in items:
        trail = Trail(item, trail)
    return trail


def newest_first(trail: Trail[T] | None) -> Iterator[T]:
    """Yield the items, the latest first."""
    while trail is not None:
        yield trail.item
        trail = trail.before


def oldest_first(trail: Trail[T] | None) -> tuple[T, ...]:
    """Return the items in the order in which they came."""
    return tuple(newest_first(trail))[::-1]


class Step(NamedTuple):
    """One taken transition, or the start, or a relabelling: a link in the chain that explains a stage."""

    at: datetime
    kind: str
    trigger: str
    source: str | None
    target: str | None
    fact: str | None
    """The observed fact that moved the lead; None where time alone did."""
    derived: bool
    """Whether the move is the playbook's own conclusion."""
    by: str
    reason: str | None
    via: tuple[str, ...]
    waived: tuple[str, ...]
    """What was waived or inferred: guard, role, reason, inferred."""
    cycle: int | None
    """The cycle to which the time from here on belongs."""
    rule: int | None
    """Which transition of the lifecycle."""
    playbook: PlaybookRef
    relabelled: tuple[tuple[str, str], ...] = ()
    automatic: bool = False
    """Whether its guard alone made it."""


class Cycle(NamedTuple):
    """One buying episode.

    Attributes:
        number: From 1.
        opened: When it began.
        opened_by: The id of the fact that opened it; None where time did.
        source: Where it came from; None when unknown.
        reentry_from: The recycled stage that a reentry led out of to open it.
        outcome: won, lost, disqualified or recycled; None while it runs.
        ended: When it ended.
        high_water: The furthest stage of the success path reached in it.
    """

    number: int
    opened: datetime
    opened_by: str | None
    source: Source | None
    reentry_from: str | None
    outcome: StageStatus | None
    ended: datetime | None
    high_water: str | None


class Mark(NamedTuple):
    """What became of a fact, or of a timer, that did not move the lead as it would have."""

    fact: str | None
    at: datetime
    sort: str
    """refused or redundant."""
    trigger: str | None
    refusals: tuple[Refusal, ...]
    steps: int
    """How many steps the chain had then."""
    playbook: PlaybookRef | None
    """The playbook in force."""


class Memory:
    """What is known about a lead: the latest of each sort, and every activity. Immutable."""

    __slots__ = (
        "activities",
        "consents",
        "evidence",
        "fields",
        "identified",
        "referred_by",
        "reported",
        "sold",
    )

    def __init__(self) -> None:
        self.fields: dict[str, Observation] = {}
        self.consents: dict[str, Observation] = {}
        self.evidence: dict[str, Observation] = {}
        self.activities: dict[str, Trail[Observation]] = {}
        self.reported: dict[tuple[str, str], Observation] = {}
        """By name and version of a policy, the latest score that was reported for it."""
        self.identified: Observation | None = None
        self.sold: Observation | None = None
        self.referred_by: str | None = None

    def learn(self, fact: Fact, ordinal: int) -> Memory:
        """Return what is known after a fact."""
        reader = _READERS.get(type(fact))
        if reader is None or (isinstance(fact, Started) and fact.referred_by is None):
            return self
        slot, name, value = reader(fact)
        seen = Observation(value, fact.at, fact.id or "", ordinal)
        new = object.__new__(Memory)
        new.fields, new.consents, new.evidence = self.fields, self.consents, self.evidence
        new.activities, new.reported = self.activities, self.reported
        new.identified, new.sold, new.referred_by = self.identified, self.sold, self.referred_by
        if slot == "activities":
            assert name is not None  # noqa: S101 - the table below pairs them
            new.activities = {**self.activities, name: Trail(seen, self.activities.get(name))}
        elif slot == "referred_by":
            new.referred_by = self.referred_by or value
        elif name is None:
            setattr(new, slot, seen)
        else:
            setattr(new, slot, {**getattr(self, slot), name: seen})
        return new


_READERS: dict[type[Fact], Any] = {
    ActivityRecorded: lambda fact: ("activities", fact.kind, fact.attributes),
    FieldChanged: lambda fact: ("fields", fact.name, fact.value),
    ConsentChanged: lambda fact: ("consents", fact.purpose, (fact.granted, fact.basis)),
    EvidenceGiven: lambda fact: ("evidence", fact.name, fact.value),
    Identified: lambda _fact: ("identified", None, True),
    ScoreReported: lambda fact: ("reported", (fact.policy, fact.version), fact.value),
    Sold: lambda _fact: ("sold", None, True),
    Started: lambda fact: ("referred_by", None, fact.referred_by),
}

NOTHING = Memory()


class State:
    """Where a lead stands after some facts. Mutable while it is being folded, never afterwards."""

    __slots__ = (
        "at",
        "awaited",
        "cut",
        "cycles",
        "due",
        "entered",
        "expected",
        "floor",
        "high_water",
        "in_cycle",
        "latches",
        "lead",
        "left",
        "marks",
        "memory",
        "nearness",
        "ordinal",
        "playbook",
        "resets",
        "rules",
        "saved",
        "source",
        "spent",
        "stage",
        "steps",
        "table",
        "turns",
        "unjudged",
    )

    def __init__(self) -> None:
        self.lead: str | None = None
        """Whose facts are folded; None before the first."""
        self.playbook: Playbook | None = None
        self.table: TransitionTable | None = None
        self.at: datetime | None = None
        """Up to when it is folded."""
        self.stage: str | None = None
        self.entered: datetime | None = None
        self.left: str | None = None
        """The stage that was left for the present one."""
        self.spent: bool = False
        """Whether this visit's limit has fired and left the lead where it was."""
        self.floor: datetime | None = None
        """The adoption since which this visit's limit counts: it cannot fire earlier."""
        self.cut: int = 0
        """The ordinal at the last entry into a won or recycled stage; older evidence no longer counts."""
        self.ordinal: int = 0
        """How many facts have been folded."""
        self.cycles: tuple[Cycle, ...] = ()
        self.resets: tuple[int, ...] = ()
        """How many cycles there were at each standing win that belongs to none."""
        self.in_cycle: bool = False
        """Whether the present time belongs to the last cycle."""
        self.high_water: str | None = None
        self.source: Source | None = None
        self.steps: Trail[Step] | None = None
        self.marks: Trail[Mark] | None = None
        self.memory: Memory = NOTHING
        self.rules: RuleIndex | None = None
        """What moves by itself under the playbook in force; None where nothing does."""
        self.latches: dict[str, Latch] = {}
        """What is held of each rule that has been looked at."""
        self.nearness: Nearness | None = None
        """How close to buying the lead behaves; None where no readiness is declared."""
        self.turns: Trail[Turn] | None = None
        self.unjudged: int = 0
        """Whether the stage, or everything, has changed since the rules were judged."""
        self.expected: Horizon = FOR_EVER
        """Until when time alone leaves the automatic moves of the present stage as they are."""
        self.due: datetime | None = None
        """From when time may have changed what a rule answers: a fact after it looks again."""
        self.awaited: Alarm | None = None
        """When time alone changes it, at an exact instant or on the review grid."""
        self.saved: Trail[tuple[Fact, State]] | None = None
        """Every so many facts, the fact and the state after it: a late fact folds anew from the last before it."""

    def clone(self) -> State:
        """Return a copy to fold further; the past is shared."""
        new = object.__new__(State)
        new.lead = self.lead
        new.playbook = self.playbook
        new.table = self.table
        new.at = self.at
        new.stage = self.stage
        new.entered = self.entered
        new.left = self.left
        new.spent = self.spent
        new.floor = self.floor
        new.cut = self.cut
        new.ordinal = self.ordinal
        new.cycles = self.cycles
        new.in_cycle = self.in_cycle
        new.resets = self.resets
        new.saved = self.saved
        new.high_water = self.high_water
        new.source = self.source
        new.steps = self.steps
        new.marks = self.marks
        new.memory = self.memory
        new.rules = self.rules
        new.latches = self.latches
        new.nearness = self.nearness
        new.turns = self.turns
        new.unjudged = self.unjudged
        new.expected = self.expected
        new.due = self.due
        new.awaited = self.awaited
        return new

    @property
    def status(self) -> StageStatus | None:
        """The status of the present stage."""
        if self.playbook is None or self.stage is None:
            return None
        return self.playbook.lifecycle.by_id[self.stage].status

    def mark(self, fact: str | None, sort: str, trigger: str | None, refusals: tuple[Refusal, ...]) -> None:
        """Keep what became of a fact or timer that did not move the lead."""
        at = self.at
        assert at is not None  # noqa: S101 - a fold sets it before anything is judged
        steps = 0 if self.steps is None else self.steps.size
        playbook = None if self.playbook is None else self.playbook.ref
        self.marks = Trail(Mark(fact, at, sort, trigger, refusals, steps, playbook), self.marks)

    def turn(
        self,
        sort: str,
        name: str,
        *,
        fact: str | None,
        by: str,
        reason: str | None = None,
        criterion: str | None = None,
        expires: datetime | None = None,
        evidence: tuple[str, ...] = (),
        derived: bool = True,
    ) -> None:
        """Keep what became of a rule."""
        assert self.at is not None and self.playbook is not None  # noqa: S101, PT018 - rules belong to a playbook
        steps = 0 if self.steps is None else self.steps.size
        marks = 0 if self.marks is None else self.marks.size
        told = Turn(
            self.at,
            sort,
            name,
            reason,
            criterion,
            expires,
            evidence,
            fact,
            by,
            derived,
            self.playbook.ref,
            steps,
            marks,
        )
        self.turns = Trail(told, self.turns)

    def reentries_from(self, stage: str) -> int:
        """Return how many reentries out of a recycled stage there were since the last standing win."""
        number = 0
        for cycle in reversed(self.cycles[self.resets[-1] if self.resets else 0 :]):
            if cycle.outcome is StageStatus.WON:
                break
            number += cycle.reentry_from == stage
        return number

    def story(self) -> tuple[Any, ...]:
        """Return everything that two equal states agree on, as one comparable value."""
        memory = self.memory
        return (
            self.playbook and self.playbook.ref,
            *(getattr(self, name) for name in State.__slots__ if name not in _SHARED),
            oldest_first(self.steps),
            oldest_first(self.marks),
            oldest_first(self.turns),
            *(getattr(memory, name) for name in Memory.__slots__ if name != "activities"),
            {kind: oldest_first(trail) for kind, trail in memory.activities.items()},
        )


_SHARED = frozenset({"lead", "marks", "memory", "table", "playbook", "rules", "saved", "steps", "turns"})
MOVED, ALL, BEGUN = 1, 2, 3
"""What is unjudged: what reads the stage; everything; everything, for the first time."""
