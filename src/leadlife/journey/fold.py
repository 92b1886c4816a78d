"""The fold: one fact after another through the playbook in force."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from leadlife.errors import Refusal, RefusalCode, did_you_mean
from leadlife.facts import (
    Fact,
    Moved,
    PlaybookAdopted,
    QualificationGranted,
    QualificationWithdrawn,
    StageReached,
    Started,
)
from leadlife.journey.handoff import HANDOFF_ACTS
from leadlife.journey.legality import NOT_STARTED, check_entry, check_move, check_reentry, may_ever_fire, no_way
from leadlife.journey.manual_qualification import grant_or_withdraw, grant_with_stage
from leadlife.journey.memory import PersistentList
from leadlife.journey.merge_status import Joined
from leadlife.journey.moves import begin, join, make_move, reinterpreted, with_pending
from leadlife.journey.records import (
    Due,
    FactStatus,
    LimitState,
    PendingMove,
    Step,
    StepKind,
)
from leadlife.journey.rule_evaluation import evaluate_rules
from leadlife.journey.state import Position, RuleStates, State
from leadlife.journey.timers import pass_time, watch_moves
from leadlife.journey.view import JourneyView
from leadlife.lifecycle.edges import Edge
from leadlife.lifecycle.stages import Stage, StageStatus, StageType
from leadlife.lifecycle.transitions import TransitionKind
from leadlife.playbook.playbook import Playbook
from leadlife.playbook.registry import PlaybookRegistry

CHECKPOINT_EVERY = 64
"""After so many facts the state is kept, which spares a late fact most of the fold."""

Refusals = tuple[Refusal, ...]


def fold(
    facts: Iterable[Fact], registry: PlaybookRegistry, *, until: datetime | None = None, begin: State | None = None
) -> State:
    """Return where a lead stands after facts in fold order, and after time up to an instant."""
    state = State() if begin is None else begin.copy()
    for fact in facts:
        apply(state, fact, registry)
    if until is not None:
        pass_time(state, until)
    return state


def apply(state: State, fact: Fact, registry: PlaybookRegistry) -> Refusals:
    """Fold one fact into a state, and return why it did not move the lead; empty where it did, or is not a move.

    In this order: what comes due before the fact, the fact itself, the rules.
    """
    # First what time alone brings until then: a limit that came due before the fact is not undone by it.
    pass_time(state, fact.at)
    state.aged = fact.at
    state.timed_moves = 0
    state.ordinal += 1
    state.lead = fact.lead
    state.memory = state.memory.learn(fact, state.ordinal)
    refusals = _act(state, fact, registry)
    evaluate_rules(state, fact.at, fact, refused=bool(refusals))
    if not state.ordinal % CHECKPOINT_EVERY:
        state.checkpoints = PersistentList((fact, state.copy()), state.checkpoints)
    return refusals


def _act(state: State, fact: Fact, registry: PlaybookRegistry) -> Refusals:
    """Let a fact move the lead, if it is one that does."""
    act = _ACTS.get(type(fact))
    if act is not None:
        return act(state, fact, registry)
    position = state.position
    if position is not None and position.table.firing:
        orders = _orders(position, fact.events)
        if orders:
            return _fire(state, position, fact, orders)
    return ()


def _orders(position: Position, events: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return what a fact is to transitions, with each trigger that it fires, the more exact name first."""
    firing = position.table.firing
    return [(event, trigger) for event in events if event in firing for trigger in firing[event]]


def _refuse(state: State, fact: Fact, refusals: Refusals, *, trigger: str | None = None) -> Refusals:
    state.note(fact.at, fact.id, FactStatus.REFUSED, trigger=trigger, refusals=refusals)
    return refusals


def _start(state: State, fact: Started, registry: PlaybookRegistry) -> Refusals:
    if state.position is not None:
        refusal = Refusal(RefusalCode.ILLEGAL_MOVE, "the journey has already started", "a journey starts once")
        return _refuse(state, fact, (refusal,), trigger=StepKind.STARTED)
    playbook, referral = registry.find(fact.playbook), fact.referred_by is not None
    refusals = check_entry(state, playbook, fact.stage, at=fact.at, by=fact.by, referral=referral, source=fact.source)
    if refusals:
        return _refuse(state, fact, refusals, trigger=StepKind.STARTED)
    position = begin(state, playbook, fact.stage, at=fact.at, fact=fact)
    state.append(_own_step(position, fact, StepKind.STARTED, target=fact.stage))
    state.rules = RuleStates({}) if playbook.rule_index else None
    _fire_stated(state, fact)
    return ()


def _join(state: State, fact: Joined, registry: PlaybookRegistry) -> Refusals:
    """Let a person go on where the lead stood whose moves stand; but never back from where the person stands."""
    position = state.position
    if position is None:
        return _start(state, fact, registry)
    playbook = registry.find(fact.playbook)
    before = position.stage
    position, moved = join(state, position, playbook, fact.stage, at=fact.at, fact=fact)
    if not moved:
        state.note(fact.at, fact.id, FactStatus.REDUNDANT)
        return ()
    step = _own_step(position, fact, StepKind.MERGED, target=fact.stage)
    state.append(step._replace(source=before))
    _fire_stated(state, fact)
    return ()


def _fire_stated(state: State, fact: Started) -> None:
    """Let the start fire what the lead's own statements would fire now: nothing stated before it is without effect.

    Activities and sales before the start are history; they fire nothing.
    """
    for events in state.memory.stated_events():
        position = state.position
        orders = [] if position is None else _orders(position, events)
        if position is not None and orders:
            _fire(state, position, fact, orders, stated=True)


def _own_step(
    position: Position,
    fact: Fact,
    kind: StepKind,
    *,
    target: str | None = None,
    relabelled: tuple[tuple[str, str], ...] = (),
) -> Step:
    return Step(
        at=fact.at,
        kind=kind,
        trigger=kind,
        source=None,
        target=target,
        fact=fact.id,
        derived=False,
        by=fact.by.id,
        playbook=position.playbook.ref,
        cycle=position.cycle_number,
        relabelled=relabelled,
    )


def _move(state: State, fact: Moved, _registry: PlaybookRegistry) -> Refusals:
    edge = check_move(
        state, fact.trigger, at=fact.at, by=fact.by, reason=fact.reason, note=fact.note, target=fact.target
    )
    if state.position is None or not isinstance(edge, Edge):
        return _refuse(state, fact, edge if isinstance(edge, tuple) else (NOT_STARTED,), trigger=fact.trigger)
    make_move(state, state.position, edge, at=fact.at, fact=fact, by=fact.by.id, reason=fact.reason, derived=False)
    return ()


def _fire(
    state: State, position: Position, fact: Fact, orders: list[tuple[str, str]], *, stated: bool = False
) -> Refusals:
    """Fire the first trigger that a fact may fire; if none may, the first one's refusals are kept.

    Triggers that may wait and are not legal yet are ordered, whether another one is fired or not.

    Args:
        state: Where the lead stands.
        position: Its position.
        fact: The fact.
        orders: What the fact is to transitions, each with a trigger that it fires.
        stated: Whether the journey's start fires what was known before; then no refusal is kept.
    """
    # All are asked before any is fired: whether an order waits must not hang on a move that another order makes.
    asked = [(event, trigger, check_move(state, trigger, at=fact.at, by=fact.by)) for event, trigger in orders]
    waiting = tuple(
        PendingMove(trigger, event, fact.id, fact.at, fact.by)
        for event, trigger, edge in asked
        if not isinstance(edge, Edge)
        and (event, trigger) in position.table.pending
        and may_ever_fire(position.playbook, trigger, fact.by)
    )
    if waiting and position.status is StageStatus.OPEN and position.episodes.in_cycle:
        position = state.position = position._replace(episodes=with_pending(position.episodes, waiting))
        watch_moves(state)
    for _, _, edge in asked:
        if isinstance(edge, Edge):
            make_move(state, position, edge, at=fact.at, fact=fact, by=fact.by.id)
            return ()
    _, first, refusals = asked[0]
    return () if stated or isinstance(refusals, Edge) else _refuse(state, fact, refusals, trigger=first)


def _reach(state: State, fact: StageReached, _registry: PlaybookRegistry) -> Refusals:
    position = state.position
    if position is None:
        return _refuse(state, fact, (NOT_STARTED,))
    if fact.stage == position.stage:
        state.note(fact.at, fact.id, FactStatus.REDUNDANT)
        return ()
    edges = position.table.reach.get(position.stage, {}).get(fact.stage, ())
    direct = next((edge for edge in edges if edge.left is None or edge.left == position.left), None)
    chain: tuple[Edge, ...] = () if direct is None else (direct,)
    if not chain and fact.infer_gaps:
        chain = position.table.shortest_forward(position.stage, fact.stage)
    if not chain:
        return _refuse(state, fact, (no_way(position, fact.stage),))
    view = JourneyView(state, fact.at, brief=True)
    refusals = check_reentry(position, fact.at, view) if chain[0].rule.kind is TransitionKind.REENTRY else ()
    if refusals:
        return _refuse(state, fact, tuple(refusals), trigger=chain[0].trigger)
    for edge in chain:
        inferred = edge is not chain[-1]
        waived = (*_waived(edge), "inferred") if inferred else _waived(edge)
        position = make_move(
            state, position, edge, at=fact.at, fact=fact, by=fact.by.id, derived=inferred, waived=waived
        )
    grant_with_stage(state, position, fact, fact.stage)
    return ()


def _waived(edge: Edge) -> tuple[str, ...]:
    rule = edge.rule
    asked = (("guard", bool(edge.guards)), ("role", bool(rule.roles)), ("reason", rule.needs_reason))
    return tuple(name for name, wanted in asked if wanted)


def _adopt(state: State, fact: PlaybookAdopted, registry: PlaybookRegistry) -> Refusals:
    before = state.position
    if before is None:
        return _refuse(state, fact, (NOT_STARTED,), trigger=StepKind.ADOPTED)
    playbook = registry.find(fact.playbook)
    stages = playbook.lifecycle.by_id
    labels = _new_labels(fact, playbook)
    stage = labels.get(before.stage, before.stage)
    refusal: Refusal | None = None
    if stage not in stages or stages[stage].type is StageType.GATE:
        hint = f"map the stage in stages=; {did_you_mean(before.stage, stages)}"
        refusal = Refusal(RefusalCode.ILLEGAL_MOVE, f"{playbook.ref} has no stage {stage!r}", hint)
    elif stages[stage].status is StageStatus.CHURNED and before.status not in (StageStatus.WON, StageStatus.CHURNED):
        message = f"{stage!r} is a churned stage, and {before.stage!r} is not a customer's"
        refusal = Refusal(RefusalCode.ILLEGAL_MOVE, message, "map the stage to another one in stages=")
    if refusal is not None:
        return _refuse(state, fact, (refusal,), trigger=StepKind.ADOPTED)

    def renamed(name: str | None) -> str | None:
        return None if name is None else labels.get(name, name)

    position = before._replace(
        playbook=playbook,
        stage=stage,
        left=renamed(before.left),
        high_water=_high_water(before, before.high_water, labels, playbook),
        episodes=before.episodes._replace(
            cycles=tuple(
                cycle._replace(
                    reentry_from=renamed(cycle.reentry_from),
                    high_water=_high_water(before, cycle.high_water, labels, playbook),
                )
                for cycle in before.episodes.cycles
            )
        ),
        limit=_limit_state(before, playbook, stages[stage]),
        limit_from=fact.at,
    )
    if before.status is not position.status:
        position = reinterpreted(position, before.status, position.status, fact.at)
    state.position = position
    state.append(_own_step(position, fact, StepKind.ADOPTED, relabelled=tuple(labels.items())))
    known = state.rules
    if playbook.rule_index or position.waits or (known is not None and known.by_name):
        # Where the new playbook has no rules, what was held is still to be let go.
        state.rules = RuleStates({}, due=Due.ALL) if known is None else known._replace(due=Due.ALL)
    else:
        state.rules = None
    pass_time(state, fact.at)  # a limit that is already past fires at the adoption
    return ()


def _limit_state(before: Position, playbook: Playbook, stage: Stage) -> LimitState:
    """Return where the limit of a visit stands under an adopted playbook: one that is spent stays so, another runs."""
    if before.limit is not LimitState.SPENT or stage.limit is None or before.definition.limit != stage.limit:
        return LimitState.RUNNING
    candidates = playbook.lifecycle.table.moves.get((stage.id, stage.limit.trigger), ())
    return LimitState.SPENT if all(one.edge.target is None for one in candidates) else LimitState.RUNNING


def _new_labels(fact: PlaybookAdopted, playbook: Playbook) -> dict[str, str]:
    """Return the new names of stages: what the adoption says, else the aliases that the playbook declares.

    A stage that the playbook still has keeps its name: relabelling is not a move.
    """
    labels = {**playbook.lifecycle.former_names, **fact.stages}
    return {old: new for old, new in labels.items() if old not in playbook.lifecycle.by_id}


def _high_water(before: Position, mark: str | None, labels: dict[str, str], playbook: Playbook) -> str | None:
    """Return a high-water mark on the new path; one that it has not falls back to the furthest stage that it has."""
    old, new = before.table.rank, playbook.lifecycle.table.rank
    place = old.get(mark or "", -1)
    passed = [labels.get(stage, stage) for stage, at in old.items() if at <= place]
    kept = next((stage for stage in reversed(passed) if stage in new), mark)
    return kept if kept is None else labels.get(kept, kept)


_ACTS: dict[type[Fact], Callable[[State, Any, PlaybookRegistry], Refusals]] = {
    Started: _start,
    Moved: _move,
    Joined: _join,
    StageReached: _reach,
    PlaybookAdopted: _adopt,
    QualificationGranted: lambda state, fact, _registry: grant_or_withdraw(state, fact),
    QualificationWithdrawn: lambda state, fact, _registry: grant_or_withdraw(state, fact),
    **HANDOFF_ACTS,
}
