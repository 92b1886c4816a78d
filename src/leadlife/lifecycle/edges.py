"""Edges: every legal move with one source and one target; wildcards, gates and reopening are written out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from leadlife.criteria import Criterion, Predicate, View, all_of
from leadlife.lifecycle.stages import Stage, StageType
from leadlife.lifecycle.transitions import EVERY_OPEN_STAGE, Transition, TransitionKind


@dataclass(frozen=True, slots=True)
class Edge:
    """One candidate: a single source, a single target, and all that must be true to take it.

    Attributes:
        source: The stage it leads out of.
        target: The stage it leads to; None for an internal move.
        rule: The transition it comes from, the ``index``-th of the lifecycle.
        guards: Criteria that must all be true: the rule's own, then those of the gates on the way.
        left: Set for reopening: only the lead that left this stage may return to it.
        via: The gates that are passed on the way.
    """

    source: str
    target: str | None
    rule: Transition
    index: int
    guards: tuple[Criterion, ...] = ()
    left: str | None = None
    via: tuple[str, ...] = ()

    @property
    def trigger(self) -> str:
        """The trigger that tries this candidate."""
        return self.rule.trigger

    @property
    def test(self) -> Predicate | None:
        """What decides: a function to True, False or None, or None where nothing needs deciding."""
        tests = [guard.predicate for guard in self.guards]
        if self.left is not None:
            tests.insert(0, self._was_left)
        if not tests:
            return None
        return tests[0] if len(tests) == 1 else all_of(tuple(tests))

    def _was_left(self, view: View) -> bool:
        return view.left == self.left


def expand(stages: Mapping[str, Stage], transitions: Iterable[Transition]) -> Iterator[Edge]:
    """Yield every candidate in declared order: wildcards, gates and reopening are written out."""
    rules = tuple(transitions)
    leading: dict[str, tuple[str, ...]] = {}
    for index, rule in enumerate(rules):
        for source in expand_sources(stages, rule):
            if rule.kind is TransitionKind.REOPEN and rule.target is None:
                if source not in leading:
                    leading[source] = _leading_into(stages, rules, source)
                for left in leading[source]:
                    yield Edge(source, left, rule, index, _own(rule), left=left)
            elif rule.target is None:
                yield Edge(source, None, rule, index, _own(rule))
            else:
                for target, guards, via in _through_gates(stages, rule.target, _own(rule), ()):
                    yield Edge(source, target, rule, index, guards, via=via)


def _own(rule: Transition) -> tuple[Criterion, ...]:
    return () if rule.guard is None else (rule.guard,)


def expand_sources(stages: Mapping[str, Stage], rule: Transition) -> tuple[str, ...]:
    """Return the stages that a transition leads out of, with a wildcard written out."""
    if rule.sources == EVERY_OPEN_STAGE:
        return tuple(
            stage.id
            for stage in stages.values()
            if not stage.status.closed and stage.type is not StageType.GATE and stage.id != rule.target
        )
    return tuple(dict.fromkeys(rule.sources))


def _through_gates(
    stages: Mapping[str, Stage], target: str, guards: tuple[Criterion, ...], via: tuple[str, ...]
) -> Iterator[tuple[str, tuple[Criterion, ...], tuple[str, ...]]]:
    stage = stages[target]
    if stage.type is not StageType.GATE:
        yield target, guards, via
        return
    for route in stage.routes:
        yield from _through_gates(stages, route.target, (*guards, route.guard), (*via, target))
    assert stage.default is not None  # noqa: S101 - a gate without one is a fault, and faults come first
    yield from _through_gates(stages, stage.default, guards, (*via, target))


def landings(stages: Mapping[str, Stage], target: str) -> set[str]:
    """Return the stages at which a move to a target may end: itself, or where the gates on the way lead."""
    found: set[str] = set()
    waiting, seen = [target], {target}
    while waiting:
        stage = stages.get(waiting.pop())
        if stage is None:  # an unknown name, which is reported where it is written
            continue
        onward = {route.target for route in stage.routes} | ({stage.default} if stage.default else set())
        if stage.type is not StageType.GATE:
            found.add(stage.id)
        waiting += onward - seen
        seen |= onward
    return found


def _leading_into(stages: Mapping[str, Stage], rules: tuple[Transition, ...], target: str) -> tuple[str, ...]:
    sources: dict[str, None] = {}
    for rule in rules:
        if rule.target is None:
            continue
        if target in landings(stages, rule.target):
            sources.update(dict.fromkeys(expand_sources(stages, rule)))
    sources.pop(target, None)
    return tuple(sources)
