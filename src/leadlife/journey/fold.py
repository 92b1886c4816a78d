"""The fold: one fact after another through the playbook in force."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from leadlife.errors import Malformed, Refusal, RefusalCode, UnknownPlaybook, did_you_mean
from leadlife.facts import (
    Fact,
    Moved,
    PlaybookAdopted,
    PlaybookRef,
    QualificationGranted,
    QualificationWithdrawn,
    StageReached,
    Started,
)
from leadlife.journey.cycles import reinterpret
from leadlife.journey.holding import Decision, decide
from leadlife.journey.latches import LIMIT, Alarm
from leadlife.journey.moving import enter, take
from leadlife.journey.ruling import NOT_STARTED, judge_entry, present, resting, verdict
from leadlife.journey.settling import settle
from leadlife.journey.state import ALL, BEGUN, State, Step, Trail
from leadlife.leads import TIMER, actor
from leadlife.lifecycle.edges import Edge
from leadlife.lifecycle.stages import StageType
from leadlife.lifecycle.transitions import TransitionKind
from leadlife.playbook.playbook import Playbook
from leadlife.timing import due

STARTED = "started"
ADOPTED = "adopted"
SAVED_EVERY = 64


class Books:
    """The playbooks at hand, by id and version; ``instead`` of all of them, one may be tried."""

    __slots__ = ("by_name", "first", "instead")

    def __init__(self, playbooks: Iterable[Playbook], *, instead: Playbook | None = None) -> None:
        self.by_name: dict[tuple[str, str], Playbook] = {}
        for book in playbooks:
            if not isinstance(book, Playbook):
                raise Malformed("this is not a playbook", hint="make one, or take leadlife.presets.eight_stage()")
            known = self.by_name.setdefault((book.id, book.version), book)
            if known is not book and known.digest != book.digest:
                raise Malformed(f"two playbooks are called {book.ref} and differ", hint="give one a new version")
        if not self.by_name:
            raise Malformed("a journey needs at least one playbook")
        self.first: Playbook = next(iter(self.by_name.values()))
        self.instead: Playbook | None = instead

    def find(self, ref: PlaybookRef) -> Playbook:
        """Return the playbook that a fact names.

        Raises:
            UnknownPlaybook: It is not at hand, or what is at hand under its name says something else.
        """
        if self.instead is not None:
            return self.instead
        if self.first.ref is ref:
            return self.first
        book = self.by_name.get((ref.id, ref.version))
        if book is None:
            names = [f"{name} {version}" for name, version in self.by_name]
            raise UnknownPlaybook(f"playbook {ref} is not at hand", hint=did_you_mean(str(ref), names))
        if book.digest != ref.digest:
            raise UnknownPlaybook(
                f"playbook {ref} is not the one that the log names: its content has changed",
                hint="give the changed one a new version, or ask what would have been with journey.under(playbook)",
            )
        return book

    def all(self) -> tuple[Playbook, ...]:
        """Return every playbook at hand."""
        return tuple(self.by_name.values())

    def adding(self, playbook: Playbook) -> Books:
        """Return the books with one more at hand."""
        return Books((*self.by_name.values(), playbook), instead=self.instead)


def fold(facts: Iterable[Fact], books: Books, *, until: datetime | None = None, begin: State | None = None) -> State:
    """Return where a lead stands after facts in fold order, and after time up to an instant."""
    state = State() if begin is None else begin.clone()
    for fact in facts:
        apply(state, fact, books)
    if until is not None:
        pass_time(state, until)
    return state


def apply(state: State, fact: Fact, books: Books) -> None:
    """Fold one fact into a state: timers due, the fact, the move that it makes or fires."""
    prepare(state, fact.at)
    state.lead = fact.lead
    state.memory = state.memory.learn(fact, state.ordinal)
    _apply(state, fact, books)
    settle(state, fact.at, fact)
    if not state.ordinal % SAVED_EVERY:
        state.saved = Trail((fact, state.clone()), state.saved)


def _apply(state: State, fact: Fact, books: Books) -> None:
    mover = _MOVERS.get(type(fact))
    if mover is not None:
        mover(state, fact, books)
    elif state.table is not None:
        triggers = state.table.firing.get(fact.type)
        if triggers:
            _fire(state, fact, triggers)


def prepare(state: State, at: datetime) -> None:
    """Let time pass up to a fact, and give the fact its place."""
    pass_time(state, at)
    state.ordinal += 1


def pass_time(state: State, until: datetime) -> None:
    """Let everything happen that comes due up to and at an instant: what lapses, stage limits, reviews."""
    plan = state.table
    if plan is None or (state.awaited is None and state.stage not in plan.limits):
        state.at = until
        return
    coming = next_due(state, until)
    while coming is not None:
        state.at = coming.at
        if coming.turn == LIMIT:
            _time_out(state, coming.at)
        settle(state, coming.at)
        coming = next_due(state, until)
    state.at = until


def next_due(state: State, until: datetime) -> Alarm | None:
    """Return what comes due next by time alone, if that is not after an instant."""
    limit, alarm = limit_due(state, until), state.awaited
    if alarm is not None and alarm.at > until:
        alarm = None
    if limit is None:
        return alarm
    mine = Alarm(limit, LIMIT, f"the limit of {state.stage!r} comes due")
    return mine if alarm is None else min(mine, alarm)


def limit_due(state: State, until: datetime) -> datetime | None:
    """Return when the present visit's limit comes due, if that is not after an instant."""
    plan, stage, entered = state.table, state.stage, state.entered
    if plan is None or stage is None or entered is None or state.spent:
        return None
    found = plan.limits.get(stage)
    if found is None or until - entered < found[1]:
        return None
    assert state.playbook is not None  # noqa: S101 - it comes with the plan
    at = due(entered, found[0].after, state.playbook.zone_info)
    if state.floor is not None and at < state.floor:
        at = state.floor
    return at if at <= until else None


def _time_out(state: State, at: datetime) -> None:
    limit = present(state).limit
    assert limit is not None  # noqa: S101 - it has come due
    timer = actor(TIMER)
    ruling = verdict(state, limit.trigger, at=at, by=timer, reason=limit.reason, any_role=True)
    if isinstance(ruling, Edge):
        take(state, ruling, at=at, fact=None, by=timer, reason=limit.reason)
        state.spent = ruling.target is None  # an internal move begins no visit that could be timed anew
    else:
        state.spent = True
        state.mark(None, "refused", limit.trigger, ruling)


def _start(state: State, fact: Started, books: Books) -> None:
    if state.stage is not None:
        refusal = Refusal(RefusalCode.ILLEGAL_MOVE, "the journey has already started", "a journey starts once")
        state.mark(fact.id, "refused", STARTED, (refusal,))
        return
    state.playbook = books.find(fact.playbook)
    refusals = judge_entry(state, fact.stage, at=fact.at, by=fact.by, referral=fact.referred_by is not None)
    if refusals:
        state.playbook = None
        state.mark(fact.id, "refused", STARTED, refusals)
        return
    state.table = state.playbook.lifecycle.table
    state.source = fact.source
    enter(state, fact.stage, at=fact.at, fact=fact)
    number = state.cycles[-1].number if state.in_cycle else None
    step = Step(
        fact.at,
        STARTED,
        STARTED,
        None,
        fact.stage,
        fact.id,
        False,
        fact.by.id,
        None,
        (),
        (),
        number,
        None,
        state.playbook.ref,
    )
    state.steps = Trail(step, state.steps)
    state.rules = state.playbook.rule_index or None
    state.unjudged = BEGUN


def commit(state: State, fact: Moved, edge: Edge) -> None:
    """Make the move that a fact asks for and the ruling allows, and what follows from it."""
    take(state, edge, at=fact.at, fact=fact, by=fact.by, reason=fact.reason, derived=False)
    settle(state, fact.at, fact)


def _move(state: State, fact: Moved, _books: Books) -> None:
    ruling = verdict(
        state, fact.trigger, at=fact.at, by=fact.by, reason=fact.reason, note=fact.note, target=fact.target
    )
    if isinstance(ruling, Edge):
        take(state, ruling, at=fact.at, fact=fact, by=fact.by, reason=fact.reason, derived=False)
    else:
        state.mark(fact.id, "refused", fact.trigger, ruling)


def _fire(state: State, fact: Fact, triggers: tuple[str, ...]) -> None:
    first: tuple[str, tuple[Refusal, ...]] | None = None
    for trigger in triggers:
        ruling = verdict(state, trigger, at=fact.at, by=fact.by)
        if isinstance(ruling, Edge):
            take(state, ruling, at=fact.at, fact=fact, by=fact.by)
            return
        first = first or (trigger, ruling)
    assert first is not None  # noqa: S101 - there is at least one trigger
    state.mark(fact.id, "refused", *first)


def _reach(state: State, fact: StageReached, _books: Books) -> None:
    if state.table is None or state.stage is None:
        state.mark(fact.id, "refused", None, (NOT_STARTED,))
        return
    if fact.stage == state.stage:
        state.mark(fact.id, "redundant", None, ())
        return
    edges = state.table.reach.get(state.stage, {}).get(fact.stage, ())
    direct = next((edge for edge in edges if edge.left is None or edge.left == state.left), None)
    chain: tuple[Edge, ...] = () if direct is None else (direct,)
    if not chain and fact.infer_gaps:
        chain = state.table.shortest_forward(state.stage, fact.stage)
    if not chain:
        state.mark(fact.id, "refused", None, (_no_way(state, fact.stage),))
        return
    refusals = resting(state, fact.at) if chain[0].rule.kind is TransitionKind.REENTRY else ()
    if refusals:
        state.mark(fact.id, "refused", chain[0].trigger, tuple(refusals))
        return
    for edge in chain:
        last = edge is chain[-1]
        waived = _waived(edge) if last else (*_waived(edge), "inferred")
        take(state, edge, at=fact.at, fact=fact, by=fact.by, derived=not last, waived=waived)


def _waived(edge: Edge) -> tuple[str, ...]:
    rule = edge.rule
    asked = (("guard", bool(edge.guards)), ("role", bool(rule.roles)), ("reason", rule.needs_reason))
    return tuple(name for name, there in asked if there)


def _no_way(state: State, stage: str) -> Refusal:
    assert state.table is not None and state.stage is not None  # noqa: S101, PT018 - started
    allowed = tuple(state.table.reach.get(state.stage, {}))
    status = state.status
    code = RefusalCode.CLOSED_STAGE if status is not None and status.closed else RefusalCode.ILLEGAL_MOVE
    hint = f"reachable from here: {', '.join(allowed) or 'nothing'}"
    details = {"stage": state.stage, "target": stage, "allowed": allowed}
    return Refusal(code, f"no declared move leads from {state.stage!r} to {stage!r}", hint, details)


def _adopt(state: State, fact: PlaybookAdopted, books: Books) -> None:
    if state.stage is None or state.playbook is None:
        state.mark(fact.id, "refused", ADOPTED, (NOT_STARTED,))
        return
    playbook = books.find(fact.playbook)
    names = playbook.lifecycle.by_id
    new = fact.stages

    def renamed(stage: str | None) -> str | None:
        # A stage that the playbook still has keeps its name: relabelling is not a move.
        return stage if stage is None or stage in names else new.get(stage, stage)

    stage = renamed(state.stage)
    if stage not in names or names[stage].type is StageType.GATE:
        hint = f"say in stages= where it goes; {did_you_mean(state.stage, names)}"
        refusal = Refusal(RefusalCode.ILLEGAL_MOVE, f"{playbook.ref} has no stage {stage!r}", hint)
        state.mark(fact.id, "refused", ADOPTED, (refusal,))
        return
    before, after = present(state).status, names[stage].status
    rank = {} if state.table is None else state.table.rank
    state.playbook, state.table, state.stage = playbook, playbook.lifecycle.table, stage

    def mark(stage: str | None) -> str | None:
        # A high-water mark that the new path no longer has falls back to the furthest stage before it that it has.
        place = rank.get(stage or "", -1)
        kept = [renamed(one) for one, at in rank.items() if at <= place]
        return next((one for one in reversed(kept) if one in state.table.rank), renamed(stage)) if state.table else None

    state.left, state.high_water = renamed(state.left), mark(state.high_water)
    state.cycles = tuple(
        cycle._replace(reentry_from=renamed(cycle.reentry_from), high_water=mark(cycle.high_water))
        for cycle in state.cycles
    )
    if before is not after:
        reinterpret(state, before, after, fact.at)
    number = state.cycles[-1].number if state.in_cycle else None
    step = Step(
        fact.at,
        ADOPTED,
        ADOPTED,
        None,
        None,
        fact.id,
        False,
        fact.by.id,
        None,
        (),
        (),
        number,
        None,
        playbook.ref,
        tuple(new.items()),
    )
    state.steps = Trail(step, state.steps)
    state.floor = fact.at
    # Where nothing moves by itself any more, what was held is still to be let go.
    state.rules = playbook.rule_index if playbook.rule_index or state.latches else None
    state.unjudged = ALL
    pass_time(state, fact.at)


def _decide(state: State, fact: Decision, _books: Books) -> None:
    decide(state, fact)


_MOVERS: dict[type[Fact], Callable[[State, Any, Books], None]] = {
    Started: _start,
    Moved: _move,
    StageReached: _reach,
    PlaybookAdopted: _adopt,
    QualificationGranted: _decide,
    QualificationWithdrawn: _decide,
}
