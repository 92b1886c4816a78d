"""The transition table: the legal moves as one dictionary, which journeys run on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from leadlife._frozen import FrozenDict, frozen
from leadlife.criteria import Predicate, View
from leadlife.lifecycle.edges import Edge
from leadlife.lifecycle.kinds import path_ranks
from leadlife.lifecycle.machine import EdgeCheck
from leadlife.lifecycle.stages import Limit, Stage, StageStatus
from leadlife.lifecycle.transitions import TransitionKind

if TYPE_CHECKING:
    from transitions import Machine


@dataclass(frozen=True, slots=True)
class Candidate:
    """An edge with its test at hand."""

    edge: Edge
    test: Predicate | None

    def __reduce__(self) -> tuple[Any, ...]:
        return candidate_of, (self.edge,)


def candidate_of(edge: Edge) -> Candidate:
    """Return an edge with its test at hand; a test is a function, so pickling makes it anew."""
    return Candidate(edge, edge.test)


class TimedLimit(NamedTuple):
    """The limit of a stage, and the shortest time that it can last in any zone."""

    limit: Limit
    shortest: timedelta


class TransitionTable:
    """The legal moves as one table: ``{(stage, trigger): candidates}``, in declared order.

    Attributes:
        moves: The table.
        triggers: All triggers, in declared order.
        firing: The triggers that a kind of fact fires.
        pending: The kinds of fact and the triggers that wait if they are not yet legal.
        known: The same, as a set.
        limits: The limit of each stage that has one.
        reach: ``{source: {target: edges}}``, in declared order.
        status: The status of each stage.
        rank: The place of each stage on the success path, from 0.
    """

    __slots__ = ("firing", "known", "limits", "moves", "pending", "rank", "reach", "status", "triggers")

    def __init__(self, stages: tuple[Stage, ...], machine: Machine) -> None:
        moves: dict[tuple[str, str], tuple[Candidate, ...]] = {}
        for trigger, event in machine.events.items():
            for source, found in event.transitions.items():
                checks = [condition.func for one in found for condition in one.conditions]
                moves[source, trigger] = tuple(
                    candidate_of(check.edge) for check in checks if isinstance(check, EdgeCheck)
                )
        self.moves: Mapping[tuple[str, str], tuple[Candidate, ...]] = FrozenDict(moves)
        edges = [candidate.edge for candidates in moves.values() for candidate in candidates]
        edges.sort(key=lambda edge: edge.index)
        self.triggers: tuple[str, ...] = tuple(dict.fromkeys(edge.trigger for edge in edges))
        reach: dict[str, dict[str, tuple[Edge, ...]]] = {}
        firing: dict[str, dict[str, None]] = {}
        for edge in edges:
            if edge.target is not None:
                targets = reach.setdefault(edge.source, {})
                targets[edge.target] = (*targets.get(edge.target, ()), edge)
            if edge.rule.on is not None:
                firing.setdefault(edge.rule.on, {})[edge.trigger] = None
        self.reach: Mapping[str, Mapping[str, tuple[Edge, ...]]] = frozen(reach)
        self.firing: Mapping[str, tuple[str, ...]] = FrozenDict(
            {kind: tuple(triggers) for kind, triggers in firing.items()}
        )
        self.pending: frozenset[tuple[str, str]] = frozenset(
            (edge.rule.on, edge.trigger) for edge in edges if edge.rule.pending and edge.rule.on is not None
        )
        self.known: frozenset[str] = frozenset(self.triggers)
        self.status: Mapping[str, StageStatus] = FrozenDict({stage.id: stage.status for stage in stages})
        self.limits: Mapping[str, TimedLimit] = FrozenDict(
            {
                stage.id: TimedLimit(stage.limit, stage.limit.after.bounds()[0])
                for stage in stages
                if stage.limit is not None
            }
        )
        self.rank: Mapping[str, int] = FrozenDict(path_ranks(stages))

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
                forward = next((e for e in edges if e.rule.kind is TransitionKind.FORWARD and stage in self.rank), None)
                if forward is not None and stage not in paths:
                    paths[stage] = (*paths[here], forward)
                    waiting.append(stage)
        return paths.get(target, ())
