"""Where the lead is: its stage and visit, its cycles, and what counts no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from leadlife.leads import Actor
from leadlife.lifecycle.edges import Edge
from leadlife.lifecycle.lifecycle import Lifecycle
from leadlife.lifecycle.stages import StageStatus
from leadlife.lifecycle.transitions import TransitionKind
from reference.reading import Episode


class Moment(NamedTuple):
    """When something happens.

    Attributes:
        at: The instant.
        step: The number of the step; each fact, limit, review and hour is one.
        ordinal: How many facts are folded.
    """

    at: datetime
    step: int
    ordinal: int


class Order(NamedTuple):
    """A fact that waits, within its cycle, until its trigger may be fired."""

    cycle: int
    trigger: str
    by: Actor
    kind: str


@dataclass
class Position:
    """Where the lead is.

    Attributes:
        stage: The present stage.
        entered: Since when.
        entered_in: The step of that entry.
        left: The stage before.
        visit: The number of visits so far.
        cut: Facts up to this ordinal count no more: the lead entered a won, recycled or churned stage.
        cut_visit: The visit that began then.
        cycles: Every cycle.
        in_cycle: Whether the present time belongs to the latest one.
        high_water: The furthest stage of the success path.
        returns: The recycled stage of each reentry, and None for each win that stands, in order.
        limit: The limit of this visit: running, waiting (it was refused and is tried again), or spent.
        orders: The facts that wait.
    """

    stage: str
    entered: datetime
    entered_in: int = 0
    left: str | None = None
    visit: int = 0
    cut: int = 0
    cut_visit: int = 0
    cycles: list[Episode] = field(default_factory=list)
    in_cycle: bool = False
    high_water: str | None = None
    returns: list[str | None] = field(default_factory=list)
    limit: str = "running"
    orders: list[Order] = field(default_factory=list)

    @classmethod
    def begun(cls, stage: str, lifecycle: Lifecycle, now: Moment) -> Position:
        """Return the position of a lead that begins at a stage."""
        here, status = cls(stage, now.at), lifecycle.by_id[stage].status
        if status is not StageStatus.RECYCLED:
            outcome = str(status) if status.closed else None
            here.cycles.append(Episode(1, now.at, outcome, now.at if outcome else None))
            here.in_cycle = True
        here._arrive(lifecycle, now)
        return here

    def take(self, edge: Edge, lifecycle: Lifecycle, now: Moment) -> None:
        """Make a move: a visit begins, and a cycle may end, begin, or be resumed."""
        self.orders = [order for order in self.orders if order.trigger != edge.trigger]
        before = lifecycle.by_id[edge.source]
        if edge.target is None:
            # An internal move begins no visit, so a limit that fires one would fire it for ever.
            if self.limit == "waiting" and before.limit is not None and before.limit.trigger == edge.trigger:
                self.limit = "spent"
            return
        after, reopening = lifecycle.by_id[edge.target].status, edge.rule.kind is TransitionKind.REOPEN
        if edge.rule.kind is TransitionKind.REENTRY and before.status is StageStatus.RECYCLED:
            self.returns.append(edge.source)
        if reopening and before.status is StageStatus.WON:
            del self.returns[last_win(self.returns)]
        self._turn(before.status, after, reopening=reopening, at=now.at)
        self.left, self.stage, self.entered = edge.source, edge.target, now.at
        self._arrive(lifecycle, now)

    def _turn(self, before: StageStatus, after: StageStatus, *, reopening: bool, at: datetime) -> None:
        """Let the cycle end, begin or be resumed. A closing out of a recycled stage belongs to no cycle."""
        resuming = before.closed and (reopening or before is not StageStatus.WON)
        if after is StageStatus.OPEN and self.in_cycle and resuming:
            self.cycles[-1] = replace(self.cycles[-1], outcome=None, ended=None)
        elif after is StageStatus.OPEN and before is not StageStatus.OPEN:
            self.cycles.append(Episode(len(self.cycles) + 1, at))
            self.in_cycle, self.orders = True, []
        elif after is not StageStatus.OPEN and before is StageStatus.OPEN:
            self.cycles[-1] = replace(self.cycles[-1], outcome=str(after), ended=at)
        if after in (StageStatus.RECYCLED, StageStatus.CHURNED):
            self.in_cycle = False

    def _arrive(self, lifecycle: Lifecycle, now: Moment) -> None:
        status = lifecycle.by_id[self.stage].status
        self.visit, self.entered_in, self.limit = self.visit + 1, now.step, "running"
        if status in (StageStatus.WON, StageStatus.RECYCLED, StageStatus.CHURNED):
            self.cut, self.cut_visit = now.ordinal, self.visit
        if status is StageStatus.WON:
            self.returns.append(None)
        path = [stage.id for stage in lifecycle.stages if stage.on_path]
        self.high_water = self._further(self.high_water, path)
        if self.in_cycle:
            latest = self.cycles[-1]
            self.cycles[-1] = replace(latest, high_water=self._further(latest.high_water, path))

    def _further(self, mark: str | None, path: list[str]) -> str | None:
        reached = [stage for stage in (mark, self.stage) if stage in path]
        return max(reached, key=path.index, default=mark)

    def returned(self, stage: str) -> int:
        """Return how often the lead has reentered from a recycled stage since the last win that stands."""
        return self.returns[last_win(self.returns) + 1 :].count(stage)

    def relabel(self, renamed: Callable[[str | None], str | None]) -> None:
        """Take the stage names of an adopted playbook; no visit begins."""
        self.stage = renamed(self.stage) or self.stage
        self.left, self.high_water = renamed(self.left), renamed(self.high_water)
        self.cycles = [replace(one, high_water=renamed(one.high_water)) for one in self.cycles]
        self.returns = [renamed(one) for one in self.returns]


def last_win(returns: list[str | None]) -> int:
    """Return the place of the last win among reentries; -1 if there is none."""
    return max((place for place, one in enumerate(returns) if one is None), default=-1)
