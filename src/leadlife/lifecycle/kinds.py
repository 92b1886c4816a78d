"""Kinds of transitions, as far as the statuses of the stages and the order of the success path imply them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from leadlife.errors import Fault
from leadlife.lifecycle.edges import expand_sources, landings
from leadlife.lifecycle.stages import Stage, StageStatus, StageType
from leadlife.lifecycle.transitions import EVERY_OPEN_STAGE, Transition, TransitionKind


def path_ranks(stages: Iterable[Stage]) -> dict[str, int]:
    """Return the place of each stage on the success path, from 0. A gate holds nobody and has no place."""
    path = [stage.id for stage in stages if stage.on_path and stage.type is not StageType.GATE]
    return {stage: place for place, stage in enumerate(path)}


def implied_kind(source: Stage, target: Stage, rank: Mapping[str, int]) -> TransitionKind | None:
    """Return what a move from one stage to another means; None where the statuses and the path do not imply it."""
    if target.status is StageStatus.RECYCLED:
        return TransitionKind.RECYCLE
    if source.status is StageStatus.WON and target.status is StageStatus.CHURNED:
        return TransitionKind.CHURN
    if source.status.closed:  # only a customer who buys again is clear: a reentry and a reopening look alike
        customer = source.status in (StageStatus.WON, StageStatus.CHURNED)
        return TransitionKind.REPEAT if customer and target.status is StageStatus.OPEN else None
    if target.status in (StageStatus.LOST, StageStatus.DISQUALIFIED):
        return TransitionKind.EXIT
    if target.status is StageStatus.WON:
        return TransitionKind.FORWARD
    if target.status is StageStatus.CHURNED:
        return None  # no kind is legal: only a customer churns
    if source.status is StageStatus.RECYCLED:
        return TransitionKind.REENTRY
    if source.id not in rank or target.id not in rank:
        return None
    steps = rank[target.id] - rank[source.id]
    if steps == 0:
        return None
    return TransitionKind.BACKWARD if steps < 0 else TransitionKind.FORWARD if steps == 1 else TransitionKind.SKIP


def with_kinds(
    stages: Mapping[str, Stage], transitions: Iterable[Transition]
) -> tuple[tuple[Transition, ...], list[Fault]]:
    """Return the transitions with the kinds that are implied, and a fault for each that must state its kind."""
    filled: list[Transition] = []
    faults: list[Fault] = []
    for place, rule in enumerate(transitions):
        kinds = {} if rule.states_kind else _implied_kinds(stages, rule)
        kind = next(iter(kinds.values())) if len(set(kinds.values())) == 1 else None
        if kind is not None:
            rule = rule.with_implied(kind)  # noqa: PLW2901 - the same transition, completed
        elif kinds:
            faults.append(Fault(f"transitions.{place}.kind", _why(rule, kinds), _line(stages, kinds)))
        elif not rule.states_kind and rule.target is None:
            message = f"{rule.trigger!r} has no target, so its kind must be stated"
            faults.append(Fault(f"transitions.{place}.kind", message, 'for example kind="forward"'))
        filled.append(rule)
    return tuple(filled), faults


def _implied_kinds(stages: Mapping[str, Stage], rule: Transition) -> dict[tuple[str, str], TransitionKind | None]:
    """Return the kind of each edge of a transition; empty where it names a stage that is not declared."""
    named = () if rule.sources == EVERY_OPEN_STAGE else rule.sources
    if rule.target is None or any(name not in stages for name in (*named, rule.target, *_routes(stages))):
        return {}
    rank = path_ranks(stages.values())
    # In declared order, so that the message reads like the definition.
    targets = [name for name in stages if name in landings(stages, rule.target)]
    return {
        (source, target): implied_kind(stages[source], stages[target], rank)
        for source in expand_sources(stages, rule)
        for target in targets
    }


def _routes(stages: Mapping[str, Stage]) -> Iterator[str]:
    for stage in stages.values():
        yield from (route.target for route in stage.routes)
        if stage.default is not None:
            yield stage.default


def _why(rule: Transition, kinds: Mapping[tuple[str, str], TransitionKind | None]) -> str:
    edges = [f"{source} > {target} {kind or 'may be anything'}" for (source, target), kind in kinds.items()]
    shown = ", ".join(edges[:4]) + (", ..." if len(edges) > 4 else "")  # noqa: PLR2004 - enough to see why
    return f"the kind of {rule.trigger!r} is not implied ({shown}), so it must be stated"


def _line(stages: Mapping[str, Stage], kinds: Mapping[tuple[str, str], TransitionKind | None]) -> str:
    """Return the line to write: a kind that is legal for every edge."""
    if any(stages[target].status is StageStatus.CHURNED for _, target in kinds):
        return "only a customer churns: let it lead out of won stages alone, and to churned stages alone"
    if any(stages[source].status is StageStatus.CHURNED for source, _ in kinds):
        return 'kind="repeat", the only one that leads out of a churned stage'
    if any(stages[source].status.closed for source, _ in kinds):
        if all(stages[target].status is StageStatus.OPEN for _, target in kinds):
            return 'kind="repeat", kind="reentry" or kind="reopen", which lead out of a closed stage'
        return 'kind="repeat" or kind="reopen", which lead out of a closed stage'  # a reentry leads to an open stage
    implied = [kind for kind in kinds.values() if kind is not None and kind is not TransitionKind.REENTRY]
    commonest = max(implied, key=implied.count, default=TransitionKind.FORWARD)
    several = " for all of them, or declare a transition for each" if len(set(kinds.values())) > 1 else ""
    return f'for example kind="{commonest}"{several}'
