"""Moving: what a legal move does to a state."""

from __future__ import annotations

from datetime import datetime

from leadlife.facts import Fact
from leadlife.journey.cycles import raise_mark, turn_cycle
from leadlife.journey.ruling import closes
from leadlife.journey.state import ALL, MOVED, State, Step, Trail
from leadlife.leads import Actor
from leadlife.lifecycle.edges import Edge
from leadlife.lifecycle.stages import StageStatus
from leadlife.lifecycle.transitions import TransitionKind


def take(
    state: State,
    edge: Edge,
    *,
    at: datetime,
    fact: Fact | None,
    by: Actor,
    reason: str | None = None,
    derived: bool = True,
    waived: tuple[str, ...] = (),
    automatic: bool = False,
) -> None:
    """Make the move that was found legal."""
    rule, source, target = edge.rule, edge.source, edge.target
    if target is not None:
        enter(state, target, at=at, fact=fact, source=source, kind=rule.kind)
    assert state.playbook is not None  # noqa: S101 - started
    step = Step(
        at,
        rule.kind,
        rule.trigger,
        source,
        target,
        None if fact is None else fact.id,
        derived,
        by.id,
        reason,
        edge.via,
        waived,
        state.cycles[-1].number if state.in_cycle else None,
        edge.index,
        state.playbook.ref,
        (),
        automatic,
    )
    state.steps = Trail(step, state.steps)


def enter(
    state: State,
    target: str,
    *,
    at: datetime,
    fact: Fact | None,
    source: str | None = None,
    kind: TransitionKind | None = None,
) -> None:
    """Let the lead stand in a stage from now on."""
    assert state.table is not None  # noqa: S101 - started
    status = state.table.status
    before = None if source is None else status[source]
    after = status[target]
    if kind is TransitionKind.REOPEN and before is StageStatus.WON and not state.in_cycle:
        state.resets = state.resets[:-1]
    reentry_from = source if kind is TransitionKind.REENTRY and before is StageStatus.RECYCLED else None
    cycles = len(state.cycles)
    turn_cycle(state, before, after, target, kind=kind, at=at, fact=fact, reentry_from=reentry_from)
    raise_mark(state, target)
    if closes(after):
        state.cut = state.ordinal
    # What is cut off, and whose source counts, changes every answer; else only the stage has changed.
    state.unjudged = max(state.unjudged, ALL if closes(after) or len(state.cycles) != cycles else MOVED)
    if not state.in_cycle and after is StageStatus.WON:
        state.resets = (*state.resets, len(state.cycles))
    state.left = source
    state.stage = target
    state.entered = at
    state.spent = False
    state.floor = None
