"""Where leads can come: a search over stages, the stage that was left, and the returns that are used up.

Guards are taken one move at a time: a move is open if some lead could make it. What one move needs of an earlier one is
not followed, so a way that is found is legal in every step, and a stage that no way leads to is beyond all leads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from math import prod
from typing import NamedTuple

from leadlife.checks.proofs import Budget, Found, Goal, Proof, together, too_many
from leadlife.criteria import AllOf, Criterion
from leadlife.lifecycle.edges import Edge
from leadlife.lifecycle.lifecycle import Lifecycle
from leadlife.lifecycle.stages import StageStatus
from leadlife.lifecycle.transitions import TransitionKind
from leadlife.playbook.playbook import Playbook

_MOST_RETURNS = 1_000
_FEW = 1


class Spot(NamedTuple):
    """Where a lead stands, as far as it decides what may follow.

    Attributes:
        stage: The stage.
        left: The stage that was left for it, where a reopening could ask.
        used: How many returns out of each limited stage are used up since the last win, in the order of the stages.
    """

    stage: str
    left: str | None = None
    used: tuple[int, ...] = ()


class Step(NamedTuple):
    """One move of a walk."""

    edge: Edge
    spot: Spot


class Walks:
    """Every way through a lifecycle, the shortest first."""

    def __init__(self, lifecycle: Lifecycle, playbook: Playbook | None = None) -> None:
        """Look at a lifecycle, with the words of its playbook if it has one."""
        self.lifecycle = lifecycle
        self.playbook = playbook
        self._budget = Budget()
        self._limits: Mapping[str, int] = {
            stage.id: stage.reentry_limit for stage in lifecycle.stages if stage.reentry_limit is not None
        }
        self.shortened: bool = prod(limit + 1 for limit in self._limits.values()) > _MOST_RETURNS
        """Whether only the first few returns are followed, for there are too many ways to use them up."""
        if self.shortened:
            self._limits = {stage: min(limit, _FEW) for stage, limit in self._limits.items()}

    def open_edges(self, stage: str, left: str | None) -> tuple[Edge, ...]:
        """Return the moves out of a stage that some lead could make who left this one for it."""
        if (stage, left) not in self._open:
            found: list[Edge] = []
            for trigger in self.lifecycle.table.from_here(stage):
                candidates = tuple(one for one in self.candidates[stage, trigger] if one.left in (None, left))
                found += [
                    edge
                    for place, edge in enumerate(candidates)
                    if self.proof_of(stage, candidates, place).proof is not Proof.IMPOSSIBLE
                ]
            self._open[stage, left] = tuple(sorted(found, key=lambda edge: edge.index))
        return self._open[stage, left]

    def edges_from(self, stage: str) -> tuple[Edge, ...]:
        """Return the moves out of a stage that some lead could make."""
        lefts = dict.fromkeys(edge.left for edge in self.lifecycle.edges if edge.source == stage)
        found = [edge for left in (None, *lefts) for edge in self.open_edges(stage, left)]
        return tuple({id(edge): edge for edge in found}.values())

    @cached_property
    def _open(self) -> dict[tuple[str, str | None], tuple[Edge, ...]]:
        return {}

    @cached_property
    def candidates(self) -> dict[tuple[str, str], tuple[Edge, ...]]:
        """The candidates of each trigger from each stage, in declared order."""
        found: dict[tuple[str, str], list[Edge]] = {}
        for edge in self.lifecycle.edges:
            found.setdefault((edge.source, edge.trigger), []).append(edge)
        return {key: tuple(edges) for key, edges in found.items()}

    def proof_of(self, stage: str, candidates: tuple[Edge, ...], place: int) -> Found:
        """Return whether a candidate can be taken: its own guards true, and those before it not."""
        edge = candidates[place]
        before = candidates[:place]
        if not all(earlier.guards for earlier in before):
            return Found(Proof.IMPOSSIBLE)
        if too_many(guard for one in (edge, *before) for guard in one.guards):
            return Found(Proof.NOT_DECIDED)
        own = [Goal(guard, True) for guard in edge.guards]
        return self.together([*own, *(Goal(joined(earlier.guards), False) for earlier in before)], stage)

    def together(self, goals: Sequence[Goal], stage: str) -> Found:
        """Return whether some lead who stands in a stage answers all of these as wanted."""
        return together(goals, self.playbook, stage=stage, budget=self._budget) if goals else Found(Proof.POSSIBLE)

    def starts(self) -> Iterator[Spot]:
        """Yield where leads may begin."""
        entries = (*self.lifecycle.entries_for(referral=False), *self.lifecycle.referral_entries)
        for stage in dict.fromkeys(entry.stage for entry in entries):
            yield Spot(stage, None, (0,) * len(self._limits))

    @cached_property
    def ways(self) -> dict[Spot, tuple[Step, ...]]:
        """Every spot that a lead can come to, with a shortest way there."""
        return self.search(self.starts())

    def search(
        self, starts: Iterable[Spot], *, avoiding: Callable[[Step], bool] | None = None
    ) -> dict[Spot, tuple[Step, ...]]:
        """Return every spot that can be come to, with a shortest way there."""
        found: dict[Spot, tuple[Step, ...]] = dict.fromkeys(starts, ())
        waiting = deque(found)
        while waiting:
            here = waiting.popleft()
            for step in self.onward(here):
                if step.spot not in found and not (avoiding is not None and avoiding(step)):
                    found[step.spot] = (*found[here], step)
                    waiting.append(step.spot)
        return found

    def onward(self, spot: Spot) -> Iterator[Step]:
        """Yield the moves that lead on from a spot."""
        for edge in self.open_edges(spot.stage, spot.left):
            if edge.target is None:
                continue
            used = self._used(spot, edge)
            if used is not None:
                yield Step(edge, Spot(edge.target, self._left(edge), used))

    def _left(self, edge: Edge) -> str | None:
        return edge.source if edge.target in self._reopened else None

    @cached_property
    def _reopened(self) -> frozenset[str]:
        return frozenset(edge.source for edge in self.lifecycle.edges if edge.left is not None)

    def _used(self, spot: Spot, edge: Edge) -> tuple[int, ...] | None:
        """Return the returns that are used up after a move; None where it is one too many."""
        if self.lifecycle.by_id[edge.target or ""].status is StageStatus.WON:
            return (0,) * len(self._limits)
        if edge.rule.kind is not TransitionKind.REENTRY or edge.source not in self._limits:
            return spot.used
        place = list(self._limits).index(edge.source)
        if spot.used[place] >= self._limits[edge.source]:
            return None
        return (*spot.used[:place], spot.used[place] + 1, *spot.used[place + 1 :])


def joined(guards: tuple[Criterion, ...]) -> Criterion:
    """Return several guards as one."""
    return guards[0] if len(guards) == 1 else AllOf.checked({"of": guards})


def told(start: str, way: Iterable[Step]) -> tuple[str, ...]:
    """Return a walk as a story: where it began, and each move with the stage it led to."""
    steps = [f"{step.edge.trigger} to {step.spot.stage}" for step in way]
    return (f"start at {start}", *steps)
