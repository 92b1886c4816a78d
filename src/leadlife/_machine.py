"""From a lifecycle's words to moves: expanded edges, one ``transitions`` machine, and the plan read back from it.

This is the only module that uses ``transitions``. A machine is built from edges that are already expanded (wildcards,
gates, reopening), never has a model of its own, and knows no strings that it could import or call. Journeys run on the
plan, which is compiled from that machine through its public attributes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from leadlife.criteria import Ask, Condition, View, all_of
from leadlife.stages import EVERY_OPEN_STAGE, Holds, Kind, Limit, Stage, Status, Transition

if TYPE_CHECKING:
    from transitions import EventData, Machine


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
    guards: tuple[Condition, ...] = ()
    left: str | None = None
    via: tuple[str, ...] = ()

    @property
    def trigger(self) -> str:
        """The trigger that tries this candidate."""
        return self.rule.trigger

    @property
    def test(self) -> Ask | None:
        """What decides: a function to True, False or None, or None where nothing needs deciding."""
        tests = [guard.ask for guard in self.guards]
        if self.left is not None:
            tests.insert(0, self._was_left)
        if not tests:
            return None
        return tests[0] if len(tests) == 1 else all_of(tuple(tests))

    def _was_left(self, view: View) -> bool:
        return view.left == self.left


def expand(stages: Mapping[str, Stage], transitions: Iterable[Transition]) -> Iterator[Edge]:
    """Yield every candidate in declared order: wildcards, gates and reopening spelt out."""
    rules = tuple(transitions)
    leading: dict[str, tuple[str, ...]] = {}
    for index, rule in enumerate(rules):
        for source in expand_sources(stages, rule):
            if rule.kind is Kind.REOPEN and rule.target is None:
                if source not in leading:
                    leading[source] = _leading_into(stages, rules, source)
                for left in leading[source]:
                    yield Edge(source, left, rule, index, _own(rule), left=left)
            elif rule.target is None:
                yield Edge(source, None, rule, index, _own(rule))
            else:
                for target, guards, via in _through_gates(stages, rule.target, _own(rule), ()):
                    yield Edge(source, target, rule, index, guards, via=via)


def _own(rule: Transition) -> tuple[Condition, ...]:
    return () if rule.guard is None else (rule.guard,)


def expand_sources(stages: Mapping[str, Stage], rule: Transition) -> tuple[str, ...]:
    """Return the stages that a transition leads out of, a wildcard spelt out."""
    if rule.sources == EVERY_OPEN_STAGE:
        return tuple(
            stage.id
            for stage in stages.values()
            if not stage.status.closed and stage.holds is not Holds.GATE and stage.id != rule.target
        )
    return tuple(dict.fromkeys(rule.sources))


def _through_gates(
    stages: Mapping[str, Stage], target: str, guards: tuple[Condition, ...], via: tuple[str, ...]
) -> Iterator[tuple[str, tuple[Condition, ...], tuple[str, ...]]]:
    stage = stages[target]
    if stage.holds is not Holds.GATE:
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
        stage = stages[waiting.pop()]
        onward = {route.target for route in stage.routes} | ({stage.default} if stage.default else set())
        if stage.holds is not Holds.GATE:
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


class _Check:
    """An edge as ``transitions`` sees it: a resolved callable that answers a real bool."""

    __slots__ = ("edge", "test", "view")

    def __init__(self, edge: Edge, view: Callable[[Any], View] | None) -> None:
        self.edge = edge
        self.test = edge.test
        self.view = view

    def __call__(self, event: EventData) -> bool:
        if self.test is None:
            return True
        subject = event.kwargs["view"] if self.view is None else self.view(event.model)
        return self.test(subject) is True


def build_machine(
    stages: Iterable[Stage], edges: Iterable[Edge], *, initial: str, view: Callable[[Any], View] | None = None
) -> Machine:
    """Return a fresh machine without a model, whose guards read ``view(model)`` or the event's ``view=``."""
    from transitions import Machine  # noqa: PLC0415 - paid for by the first lifecycle that is compiled

    machine = Machine(
        model=None,
        states=[stage.id for stage in stages if stage.holds is not Holds.GATE],
        initial=initial,
        auto_transitions=False,
        send_event=True,
        queued=False,
        on_exception=None,
    )
    for edge in edges:
        machine.add_transition(edge.trigger, edge.source, edge.target, conditions=[_Check(edge, view)])
    return machine


@dataclass(frozen=True, slots=True)
class Candidate:
    """An edge with its test at hand."""

    edge: Edge
    test: Ask | None

    def __reduce__(self) -> tuple[Any, ...]:
        return candidate_of, (self.edge,)


def candidate_of(edge: Edge) -> Candidate:
    """Return an edge with its test at hand; a test is a function, so pickling makes it anew."""
    return Candidate(edge, edge.test)


class Plan:
    """The legal moves as one table: ``{(stage, trigger): candidates}``, in declared order.

    Attributes:
        moves: The table.
        triggers: All triggers, in declared order.
        firing: The triggers that a kind of fact fires.
        known: The same, as a set.
        limits: The limit of each stage that has one, and the shortest it can last.
        reach: ``{source: {target: edges}}``, in declared order.
        status: The status of each stage.
        rank: The place of each stage on the success path, from 0.
    """

    __slots__ = ("firing", "known", "limits", "moves", "rank", "reach", "status", "triggers")

    def __init__(self, stages: tuple[Stage, ...], machine: Machine) -> None:
        moves: dict[tuple[str, str], tuple[Candidate, ...]] = {}
        for trigger, event in machine.events.items():
            for source, found in event.transitions.items():
                checks = [condition.func for one in found for condition in one.conditions]
                moves[source, trigger] = tuple(
                    candidate_of(check.edge) for check in checks if isinstance(check, _Check)
                )
        self.moves: dict[tuple[str, str], tuple[Candidate, ...]] = moves
        edges = [candidate.edge for candidates in moves.values() for candidate in candidates]
        edges.sort(key=lambda edge: edge.index)
        self.triggers: tuple[str, ...] = tuple(dict.fromkeys(edge.trigger for edge in edges))
        self.reach: dict[str, dict[str, list[Edge]]] = {}
        firing: dict[str, dict[str, None]] = {}
        for edge in edges:
            if edge.target is not None:
                self.reach.setdefault(edge.source, {}).setdefault(edge.target, []).append(edge)
            if edge.rule.on is not None:
                firing.setdefault(edge.rule.on, {})[edge.trigger] = None
        self.firing: dict[str, tuple[str, ...]] = {kind: tuple(triggers) for kind, triggers in firing.items()}
        self.known: frozenset[str] = frozenset(self.triggers)
        self.status: dict[str, Status] = {stage.id: stage.status for stage in stages}
        self.limits: dict[str, tuple[Limit, timedelta]] = {
            stage.id: (stage.limit, stage.limit.after.bounds()[0]) for stage in stages if stage.limit is not None
        }
        path = [stage.id for stage in stages if stage.on_path and stage.holds is not Holds.GATE]
        self.rank: dict[str, int] = {stage: place for place, stage in enumerate(path)}

    def take(self, stage: str, trigger: str, view: View) -> Edge | None:
        """Return the first declared candidate whose test is true, if there is one."""
        for candidate in self.moves.get((stage, trigger), ()):
            if candidate.test is None or candidate.test(view) is True:
                return candidate.edge
        return None

    def from_here(self, stage: str) -> tuple[str, ...]:
        """Return the triggers that are declared from a stage."""
        return tuple(trigger for trigger in self.triggers if (stage, trigger) in self.moves)

    def shortest_forward(self, source: str, target: str) -> tuple[Edge, ...]:
        """Return the shortest chain of forward moves on the success path; empty if there is none."""
        paths: dict[str, tuple[Edge, ...]] = {source: ()}
        waiting = [source]
        while waiting and target not in paths:
            here = waiting.pop(0)
            for stage, edges in self.reach.get(here, {}).items():
                forward = next((e for e in edges if e.rule.kind is Kind.FORWARD and stage in self.rank), None)
                if forward is not None and stage not in paths:
                    paths[stage] = (*paths[here], forward)
                    waiting.append(stage)
        return paths.get(target, ())
