"""What the rules and the moves that wait read: found once, when a playbook is prepared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from leadlife._frozen import FrozenDict
from leadlife.criteria import Criterion, HoldsQualification, ReadinessIs, leaves_of
from leadlife.lifecycle.edges import Edge
from leadlife.lifecycle.lifecycle import Lifecycle
from leadlife.lifecycle.transitions import TransitionKind
from leadlife.qualification.rules import Hysteresis, QualificationRule

if TYPE_CHECKING:
    from leadlife.scoring.policy import Policy

Input = tuple[str, str]
"""What a criterion reads: a topic and a name, such as ``("field", "employees")``."""

_UNTIMED = (HoldsQualification, ReadinessIs)
"""Leaves whose answers change by other rules, never at an instant that is known in advance."""


class MoveReads(NamedTuple):
    """What the guards of a trigger read, out of one stage.

    Attributes:
        timed: The leaves of the guards whose answer time alone can change.
        reads: What the guards read.
        always: Whether it must be tried after every fact, because custom code in a guard may read anything.
        reenters: Whether it may be a reentry, which a cool-down refuses.
    """

    timed: tuple[Criterion, ...]
    reads: frozenset[Input]
    always: bool
    reenters: bool


def inputs_of(criterion: Criterion, policies: Mapping[str, Policy]) -> tuple[set[Input], bool]:
    """Return what a criterion reads, including what its scores read, and whether it contains custom code."""
    keys: set[Input] = set()
    has_code = False
    for topic, name in criterion.inputs():
        if topic == "score" and name in policies:
            keys.update(("reported", part) for part in _parts(policies[name]))
            keys.update(policies[name].inputs())
            has_code = has_code or not policies[name].declares_all
        elif topic == "custom_guard":
            has_code = True
        keys.add((topic, name))
    return keys, has_code


def _parts(policy: Policy) -> Iterator[str]:
    yield policy.name
    for part in policy.parts():
        yield from _parts(part)


def in_reading_order(rules: tuple[QualificationRule, ...]) -> Iterator[QualificationRule]:
    """Yield qualifications so that each comes after those that it reads; circles were refused before."""
    waiting = list(rules)
    while waiting:
        rule = next(one for one in waiting if not (needs(one) & {other.name for other in waiting if other is not one}))
        waiting.remove(rule)
        yield rule


def needs(rule: QualificationRule) -> set[str]:
    """Return the qualifications that a rule reads."""
    return {name for _, criterion in rule.criteria() for topic, name in criterion.inputs() if topic == "qualification"}


def rises_of(rule: Hysteresis, policies: Mapping[str, Policy]) -> dict[str, int]:
    """Return the kinds of activity that can change a rule only by raising its scores, each with the most that one adds.

    Each kind counts for the score that it raises most: no score of the rule rises by more than the sum of these.
    """
    read = {(topic, name) for _, criterion in rule.criteria() for topic, name in criterion.inputs()}
    scores = [policies[name].rises() for topic, name in read if topic == "score" and name in policies]
    if ("activity", "*") in read or any(topic == "custom_guard" for topic, _ in read):
        return {}
    rises: dict[str, int] = {}
    for found in scores:
        if found is None:
            return {}
        for kind, most in found.items():
            if ("activity", kind) not in read:
                rises[kind] = max(most, rises.get(kind, 0))
    return rises


def timed_leaves(criterion: Criterion | None) -> Iterator[Criterion]:
    """Yield the leaves of a criterion whose answer time alone may change: those that define ``changes_at``."""
    for leaf in () if criterion is None else leaves_of(criterion):
        if not isinstance(leaf, _UNTIMED) and type(leaf).changes_at is not Criterion.changes_at:
            yield leaf


def automatic_moves(lifecycle: Lifecycle) -> Mapping[str, tuple[str, ...]]:
    """Return the triggers of automatic moves of each stage that has any, in declared order."""
    found: dict[str, dict[str, None]] = {}
    for edge in lifecycle.edges:
        if edge.rule.automatic:
            found.setdefault(edge.source, {})[edge.trigger] = None
    return FrozenDict({stage: tuple(triggers) for stage, triggers in found.items()})


def waiting_moves(
    lifecycle: Lifecycle, policies: Mapping[str, Policy], wakers: tuple[Criterion, ...]
) -> Mapping[tuple[str, str], MoveReads]:
    """Return what the guards read of each stage and trigger that may wait to become legal."""
    waiting: dict[tuple[str, str], list[Edge]] = {}
    by_trigger: dict[tuple[str, str], list[Edge]] = {}
    pending = {edge.trigger for edge in lifecycle.edges if edge.rule.pending}
    for edge in lifecycle.edges:
        move, limit = (edge.source, edge.trigger), lifecycle.by_id[edge.source].limit
        by_trigger.setdefault(move, []).append(edge)
        limits = limit is not None and limit.trigger == edge.trigger
        if edge.rule.automatic or edge.trigger in pending or limits:
            waiting[move] = by_trigger[move]
    return FrozenDict({move: _move_reads(edges, policies, wakers) for move, edges in waiting.items()})


def _move_reads(edges: list[Edge], policies: Mapping[str, Policy], wakers: tuple[Criterion, ...]) -> MoveReads:
    reenters = any(edge.rule.kind is TransitionKind.REENTRY for edge in edges)
    # What ends a cool-down early decides on a reentry as its guards do.
    asked = [*(guard for edge in edges for guard in edge.guards), *(wakers if reenters else ())]
    inputs = [inputs_of(guard, policies) for guard in asked]
    return MoveReads(
        tuple(leaf for guard in asked for leaf in timed_leaves(guard)),
        frozenset[Any]().union(*(keys for keys, _ in inputs)),
        any(has_code for _, has_code in inputs),
        reenters,
    )
