"""Where leads can go: a breadth-first search over stages, the stage that was left, and the returns that are used up.

The search considers one move at a time: a move is open if at least one lead could make it. It does not ask whether one
and the same lead could make all moves of a path. So it finds too many paths, never too few: a stage that it does not
reach is out of reach for every lead.
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

_MOST_COMBINATIONS = 1_000
_FEW_RETURNS = 1


class WalkState(NamedTuple):
    """One node of the search: everything about a lead's position that decides which moves are open.

    Attributes:
        stage: The stage.
        left: The stage that the lead left for this one. None where no reopening depends on it, which keeps the number
            of states small.
        used: The returns out of each limited stage since the last win, in the order of the stages.
    """

    stage: str
    left: str | None = None
    used: tuple[int, ...] = ()


class Step(NamedTuple):
    """One move of a walk, and the state that it leads to."""

    edge: Edge
    state: WalkState


class Walks:
    """All paths through a lifecycle, the shortest first."""

    def __init__(self, lifecycle: Lifecycle, playbook: Playbook | None = None) -> None:
        """Search a lifecycle. The playbook, if there is one, bounds the values of fields, scores and evidence."""
        self.lifecycle = lifecycle
        self.playbook = playbook
        self._budget = Budget()
        self._limits: Mapping[str, int] = {
            stage.id: stage.reentry_limit for stage in lifecycle.stages if stage.reentry_limit is not None
        }
        # Every combination of used returns is a state of its own, so many limited stages would multiply the search.
        self.shortened: bool = prod(limit + 1 for limit in self._limits.values()) > _MOST_COMBINATIONS
        """Whether the search follows only the first returns out of each stage; else there are too many states."""
        if self.shortened:
            self._limits = {stage: min(limit, _FEW_RETURNS) for stage, limit in self._limits.items()}

    def open_edges(self, stage: str, left: str | None) -> tuple[Edge, ...]:
        """Return the moves out of a stage that are open to some lead, if the lead came from the stage ``left``."""
        if (stage, left) not in self._open:
            edges: list[Edge] = []
            for trigger in self.lifecycle.table.from_here(stage):
                candidates = tuple(one for one in self.candidates[stage, trigger] if one.left in (None, left))
                edges += [
                    edge
                    for place, edge in enumerate(candidates)
                    if self.proof_of(stage, candidates, place, named=True).proof is not Proof.IMPOSSIBLE
                ]
            self._open[stage, left] = tuple(sorted(edges, key=lambda edge: edge.index))
        return self._open[stage, left]

    def edges_from(self, stage: str) -> tuple[Edge, ...]:
        """Return the moves out of a stage that are open to some lead, whatever stage it came from."""
        lefts = dict.fromkeys(edge.left for edge in self.lifecycle.edges if edge.source == stage)
        edges = [edge for left in (None, *lefts) for edge in self.open_edges(stage, left)]
        # Drop repetitions by identity: comparing edges would compare their whole guards.
        return tuple({id(edge): edge for edge in edges}.values())

    @cached_property
    def _open(self) -> dict[tuple[str, str | None], tuple[Edge, ...]]:
        return {}

    @cached_property
    def candidates(self) -> dict[tuple[str, str], tuple[Edge, ...]]:
        """The candidates of each stage and trigger, in declared order."""
        candidates: dict[tuple[str, str], list[Edge]] = {}
        for edge in self.lifecycle.edges:
            candidates.setdefault((edge.source, edge.trigger), []).append(edge)
        return {key: tuple(edges) for key, edges in candidates.items()}

    def proof_of(self, stage: str, candidates: tuple[Edge, ...], place: int, *, named: bool) -> Found:
        """Return whether some lead takes the candidate at a place: its guards are true, and those before it are not.

        Args:
            stage: The stage.
            candidates: The candidates of one trigger.
            place: Which of them.
            named: Whether the move names its target, which leaves only the transitions that lead there.
        """
        edge = candidates[place]
        leading = {one.index for one in candidates if not named or one.target == edge.target}
        before = tuple(one for one in candidates[:place] if one.index in leading)
        # A candidate without a guard is always taken, so none after it can be.
        if not all(earlier.guards for earlier in before):
            return Found(Proof.IMPOSSIBLE)
        if too_many(guard for one in (edge, *before) for guard in one.guards):
            return Found(Proof.NOT_DECIDED)
        own = [Goal(guard, True) for guard in edge.guards]
        return self.together([*own, *(Goal(joined(earlier.guards), False) for earlier in before)], stage)

    def together(self, goals: Sequence[Goal], stage: str) -> Found:
        """Return whether some lead in a stage meets all goals."""
        return together(goals, self.playbook, stage=stage, budget=self._budget) if goals else Found(Proof.POSSIBLE)

    def starts(self) -> Iterator[WalkState]:
        """Yield the states in which journeys may begin, referrals included."""
        entries = (*self.lifecycle.entries_for(referral=False), *self.lifecycle.referral_entries)
        for stage in dict.fromkeys(entry.stage for entry in entries):
            yield WalkState(stage, None, (0,) * len(self._limits))

    @cached_property
    def paths(self) -> dict[WalkState, tuple[Step, ...]]:
        """Every state that a lead can reach, with a shortest path to it."""
        return self.search(self.starts())

    def search(
        self, starts: Iterable[WalkState], *, avoiding: Callable[[Step], bool] | None = None
    ) -> dict[WalkState, tuple[Step, ...]]:
        """Return every state that can be reached from some starts, with a shortest path to it.

        Args:
            starts: The states in which the search begins.
            avoiding: Returns True for each step that the search must not take.
        """
        paths: dict[WalkState, tuple[Step, ...]] = dict.fromkeys(starts, ())
        # First in, first out: a state is first reached by one of its shortest paths, and that one is kept.
        waiting = deque(paths)
        while waiting:
            here = waiting.popleft()
            for step in self.next_steps(here):
                if step.state not in paths and not (avoiding is not None and avoiding(step)):
                    paths[step.state] = (*paths[here], step)
                    waiting.append(step.state)
        return paths

    def next_steps(self, state: WalkState) -> Iterator[Step]:
        """Yield the moves that are open in a state. Internal moves, which lead nowhere, are left out."""
        for edge in self.open_edges(state.stage, state.left):
            if edge.target is None:
                continue
            used = self._used(state, edge)
            if used is not None:
                yield Step(edge, WalkState(edge.target, self._left(edge), used))

    def _left(self, edge: Edge) -> str | None:
        # Remember the stage only where a reopening out of the target depends on it: fewer states to search.
        return edge.source if edge.target in self._reopened else None

    @cached_property
    def _reopened(self) -> frozenset[str]:
        return frozenset(edge.source for edge in self.lifecycle.edges if edge.left is not None)

    def _used(self, state: WalkState, edge: Edge) -> tuple[int, ...] | None:
        """Return the returns that are used up after a move, or None if the limit of the stage forbids the move."""
        # A win starts the count of returns again.
        if self.lifecycle.by_id[edge.target or ""].status is StageStatus.WON:
            return (0,) * len(self._limits)
        if edge.rule.kind is not TransitionKind.REENTRY or edge.source not in self._limits:
            return state.used
        place = list(self._limits).index(edge.source)
        if state.used[place] >= self._limits[edge.source]:
            return None
        return (*state.used[:place], state.used[place] + 1, *state.used[place + 1 :])


def joined(guards: tuple[Criterion, ...]) -> Criterion:
    """Return one criterion that is true if all guards are."""
    return guards[0] if len(guards) == 1 else AllOf.checked({"of": guards})


def story_of(start: str, path: Iterable[Step]) -> tuple[str, ...]:
    """Return a path in words: the stage where it begins, and each move with the stage that it leads to."""
    steps = [f"{step.edge.trigger} to {step.state.stage}" for step in path]
    return (f"start at {start}", *steps)
