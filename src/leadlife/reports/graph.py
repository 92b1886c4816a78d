"""A lifecycle as boxes and arrows: one neutral graph for all output formats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from leadlife.journey import Journey
from leadlife.lifecycle.edges import Edge
from leadlife.lifecycle.lifecycle import Lifecycle
from leadlife.lifecycle.stages import Stage, StageStatus, StageType
from leadlife.lifecycle.transitions import TransitionKind
from leadlife.playbook.playbook import Playbook


class Arrow(NamedTuple):
    """All moves of one kind from one stage to another.

    Attributes:
        source: The stage that the moves lead out of.
        target: The stage that they lead to.
        triggers: Their triggers.
        kind: Their kind.
        asks: Their guards in words; empty unless criteria are drawn.
        moved: The number of moves in the given journeys; None without journeys.
        visits: The number of visits to the source in the given journeys, including visits that have not ended.
    """

    source: str
    target: str
    triggers: tuple[str, ...]
    kind: TransitionKind
    asks: tuple[str, ...] = ()
    moved: int | None = None
    visits: int = 0

    def labels(self) -> tuple[str, ...]:
        """Return the label of the arrow, line by line."""
        lines = (", ".join(self.triggers), *self.asks)
        if self.moved is None:
            return lines
        share = f", {self.moved / self.visits:.1%} so far" if self.visits else ""
        return (*lines, f"{self.moved:,} of {self.visits:,}{share}")


class Graph(NamedTuple):
    """A lifecycle as boxes and arrows.

    Attributes:
        stages: The boxes.
        arrows: The arrows.
        entries: The stages in which journeys begin.
        standing: The number of leads in each stage; None without journeys.
    """

    stages: tuple[Stage, ...]
    arrows: tuple[Arrow, ...]
    entries: tuple[str, ...]
    standing: dict[str, int] | None = None

    def title(self, stage: Stage) -> str:
        """Return the label of a box."""
        limit = "" if stage.limit is None else f", {stage.limit.after}"
        here = "" if self.standing is None else f" ({self.standing.get(stage.id, 0):,})"
        return f"{stage.name}{limit}{here}"


def graph(
    what: Playbook | Lifecycle,
    *,
    success_path: bool = False,
    criteria: bool = False,
    journeys: Iterable[Journey] | None = None,
) -> Graph:
    """Return a lifecycle as boxes and arrows.

    Args:
        what: The lifecycle to draw, or the playbook that has it.
        success_path: Whether to draw only the stages of the success path, gates and recycled stages, with the forward,
            recycling and reentry moves between them.
        criteria: Whether the arrows show their guards.
        journeys: Journeys through the lifecycle. The arrows show the number of moves and of visits to their source,
            including visits that have not ended. The boxes show the number of leads in each stage.
    """
    lifecycle = what.lifecycle if isinstance(what, Playbook) else what
    kept = [stage for stage in lifecycle.stages if not success_path or _on_success_path(stage)]
    ids = {stage.id for stage in kept}
    labels: dict[tuple[str, str, TransitionKind], tuple[dict[str, None], dict[str, None]]] = {}
    for edge in lifecycle.edges:
        kind = edge.rule.kind
        if success_path and kind not in (TransitionKind.FORWARD, TransitionKind.RECYCLE, TransitionKind.REENTRY):
            continue
        # An edge that passes gates is drawn step by step: each gate is a box of its own.
        for source, target in pairwise([edge.source, *edge.via, edge.target or edge.source]):
            if source in ids and target in ids:
                triggers, asks = labels.setdefault((source, target, kind), ({}, {}))
                triggers[edge.trigger] = None  # a dict keeps the declared order, a set would not
                if criteria:
                    asks.update(dict.fromkeys(_guards_between(lifecycle, edge, source, target)))
    entries = tuple(entry.stage for entry in (lifecycle.entries or (lifecycle.first,)) if entry.stage in ids)
    given = None if journeys is None else list(journeys)
    moves, visits = _traffic(given or ())
    arrows = tuple(
        Arrow(source, target, tuple(triggers), kind, tuple(asks))
        if given is None
        else _counted(Arrow(source, target, tuple(triggers), kind, tuple(asks)), moves, visits)
        for (source, target, kind), (triggers, asks) in labels.items()
    )
    standing = None if given is None else Counter(journey.stage for journey in given if journey.stage is not None)
    return Graph(tuple(kept), arrows, entries, None if standing is None else dict(standing))


def _guards_between(lifecycle: Lifecycle, edge: Edge, source: str, target: str) -> Iterator[str]:
    """Yield the guards between two boxes: those of the gate at the source, or the guard of the transition."""
    stage = lifecycle.by_id[source]
    if stage.type is StageType.GATE:
        yield from (route.guard.sentence() for route in stage.routes if route.target == target)
        if stage.default == target:
            yield "else"
    elif edge.rule.guard is not None:
        yield edge.rule.guard.sentence()


def _on_success_path(stage: Stage) -> bool:
    return stage.on_path or stage.type is StageType.GATE or stage.status is StageStatus.RECYCLED


def _traffic(journeys: Iterable[Journey]) -> tuple[Counter[tuple[str, str]], Counter[str]]:
    """Return the number of moves between each two stages, and the number of visits to each stage."""
    moves: Counter[tuple[str, str]] = Counter()
    visits: Counter[str] = Counter()
    for journey in journeys:
        stages = [visit.stage for visit in journey.visits]
        moves.update(pairwise(stages))
        visits.update(stages)
    return moves, visits


def _counted(arrow: Arrow, moves: Counter[tuple[str, str]], visits: Counter[str]) -> Arrow:
    return arrow._replace(moved=moves[arrow.source, arrow.target], visits=visits[arrow.source])
