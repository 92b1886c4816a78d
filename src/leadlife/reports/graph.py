"""A lifecycle as boxes and arrows: one neutral graph, whoever draws it."""

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
    """Moves from one stage to another.

    Attributes:
        source: Where they lead out of.
        target: Where they lead to.
        triggers: The triggers that make them.
        kind: What they mean.
        asks: What their guards ask, in words, where criteria are drawn.
        moved: How many moves there were, where journeys are given.
        visits: How many visits to the source there were, those that go on included.
    """

    source: str
    target: str
    triggers: tuple[str, ...]
    kind: TransitionKind
    asks: tuple[str, ...] = ()
    moved: int | None = None
    visits: int = 0

    def labels(self) -> tuple[str, ...]:
        """Return what stands beside the arrow, line by line."""
        told = (", ".join(self.triggers), *self.asks)
        if self.moved is None:
            return told
        share = f", {self.moved / self.visits:.1%} so far" if self.visits else ""
        return (*told, f"{self.moved:,} of {self.visits:,}{share}")


class Graph(NamedTuple):
    """A lifecycle as boxes and arrows.

    Attributes:
        stages: The boxes.
        arrows: The arrows.
        entries: Where journeys begin.
        standing: How many stand in each stage, where journeys are given.
    """

    stages: tuple[Stage, ...]
    arrows: tuple[Arrow, ...]
    entries: tuple[str, ...]
    standing: dict[str, int] | None = None

    def title(self, stage: Stage) -> str:
        """Return what stands in a box."""
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
        what: The lifecycle that is drawn, or the playbook that has it.
        success_path: Only the stages of the success path and those of recycling, with the forward moves between them,
            one way into recycling and the ways out of it.
        criteria: Whether the arrows say what their guards ask.
        journeys: Journeys through it: the arrows say how many moves there were, of how many visits to their source,
            those that go on included; the boxes say how many stand there.
    """
    lifecycle = what.lifecycle if isinstance(what, Playbook) else what
    kept = [stage for stage in lifecycle.stages if not success_path or _on_loop(stage)]
    ids = {stage.id for stage in kept}
    found: dict[tuple[str, str, TransitionKind], tuple[dict[str, None], dict[str, None]]] = {}
    for edge in lifecycle.edges:
        kind = edge.rule.kind
        if success_path and kind not in (TransitionKind.FORWARD, TransitionKind.RECYCLE, TransitionKind.REENTRY):
            continue
        for source, target in pairwise([edge.source, *edge.via, edge.target or edge.source]):
            if source in ids and target in ids:
                triggers, asks = found.setdefault((source, target, kind), ({}, {}))
                triggers[edge.trigger] = None
                if criteria:
                    asks.update(dict.fromkeys(_asked(lifecycle, edge, source, target)))
    entries = tuple(entry.stage for entry in (lifecycle.entries or (lifecycle.first,)) if entry.stage in ids)
    walked = None if journeys is None else list(journeys)
    moves, visits = _traffic(walked or ())
    arrows = tuple(
        Arrow(source, target, tuple(triggers), kind, tuple(asks))
        if walked is None
        else _counted(Arrow(source, target, tuple(triggers), kind, tuple(asks)), moves, visits)
        for (source, target, kind), (triggers, asks) in found.items()
    )
    standing = None if walked is None else Counter(journey.stage for journey in walked if journey.stage is not None)
    return Graph(tuple(kept), arrows, entries, None if standing is None else dict(standing))


def _asked(lifecycle: Lifecycle, edge: Edge, source: str, target: str) -> Iterator[str]:
    """Yield what is asked on the way from one box to the next: by the gate there, else by the transition itself."""
    stage = lifecycle.by_id[source]
    if stage.type is StageType.GATE:
        yield from (route.guard.sentence() for route in stage.routes if route.target == target)
        if stage.default == target:
            yield "else"
    elif edge.rule.guard is not None:
        yield edge.rule.guard.sentence()


def _on_loop(stage: Stage) -> bool:
    return stage.on_path or stage.type is StageType.GATE or stage.status is StageStatus.RECYCLED


def _traffic(journeys: Iterable[Journey]) -> tuple[Counter[tuple[str, str]], Counter[str]]:
    """Return how many moves there were from stage to stage, and how many visits to each stage."""
    moves: Counter[tuple[str, str]] = Counter()
    visits: Counter[str] = Counter()
    for journey in journeys:
        stages = [visit.stage for visit in journey.visits]
        moves.update(pairwise(stages))
        visits.update(stages)
    return moves, visits


def _counted(arrow: Arrow, moves: Counter[tuple[str, str]], visits: Counter[str]) -> Arrow:
    return arrow._replace(moved=moves[arrow.source, arrow.target], visits=visits[arrow.source])
