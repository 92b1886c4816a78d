"""Pictures of a lifecycle: one neutral graph, rendered as Mermaid or as text."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from leadlife.lifecycle import Lifecycle
from leadlife.playbook import Playbook
from leadlife.stages import Holds, Kind, Stage, Status


class Arrow(NamedTuple):
    """Moves from one stage to another: the triggers that make them, and what they mean."""

    source: str
    target: str
    triggers: tuple[str, ...]
    kind: Kind


class Graph(NamedTuple):
    """A lifecycle as boxes and arrows."""

    stages: tuple[Stage, ...]
    arrows: tuple[Arrow, ...]
    entries: tuple[str, ...]


def graph(what: Playbook | Lifecycle, *, success_path: bool = False) -> Graph:
    """Return a lifecycle as boxes and arrows.

    Args:
        what: The lifecycle that is drawn, or the playbook that has it.
        success_path: Only the stages of the success path and those of recycling, with the forward moves between them,
            one way into recycling and the ways out of it.
    """
    lifecycle = what.lifecycle if isinstance(what, Playbook) else what
    kept = [stage for stage in lifecycle.stages if not success_path or _on_loop(stage)]
    ids = {stage.id for stage in kept}
    arrows: dict[tuple[str, str, Kind], dict[str, None]] = {}
    for edge in lifecycle.edges:
        kind = edge.rule.kind
        stops = [edge.source, *edge.via, edge.target or edge.source]
        if success_path and kind not in (Kind.FORWARD, Kind.RECYCLE, Kind.REENTRY):
            continue
        for source, target in pairwise(stops):
            if source in ids and target in ids:
                arrows.setdefault((source, target, kind), {})[edge.trigger] = None
    drawn = tuple(Arrow(source, target, tuple(names), kind) for (source, target, kind), names in arrows.items())
    entries = tuple(entry.stage for entry in (lifecycle.entries or (lifecycle.first,)) if entry.stage in ids)
    return Graph(tuple(kept), drawn, entries)


def _on_loop(stage: Stage) -> bool:
    return stage.on_path or stage.holds is Holds.GATE or stage.status is Status.RECYCLED


_DASHED = (Kind.RECYCLE, Kind.REENTRY, Kind.BACKWARD, Kind.REOPEN)
_SHAPES = {
    Status.OPEN: ("[", "]"),
    Status.RECYCLED: ("([", "])"),
    Status.WON: ("[[", "]]"),
    Status.LOST: ("(", ")"),
    Status.DISQUALIFIED: ("(", ")"),
}


def mermaid(picture: Graph) -> str:
    """Return the graph as a Mermaid flowchart, which many readers of Markdown draw by themselves."""
    names = {stage.id: f"s{place}" for place, stage in enumerate(picture.stages)}
    lines = ["flowchart LR"]
    for stage in picture.stages:
        left, right = ("{{", "}}") if stage.holds is Holds.GATE else _SHAPES[stage.status]
        lines.append(f'    {names[stage.id]}{left}"{_escaped(_titled(stage))}"{right}')
    for arrow in picture.arrows:
        line = "-.->" if arrow.kind in _DASHED else "-->"
        label = _escaped(", ".join(arrow.triggers))
        lines.append(f'    {names[arrow.source]} {line}|"{label}"| {names[arrow.target]}')
    return "\n".join(lines)


def _titled(stage: Stage) -> str:
    return stage.name if stage.limit is None else f"{stage.name}, {stage.limit.after}"


def _escaped(text: str) -> str:
    return "".join(letter if letter.isalnum() or letter in " ,.-_/:+" else f"#{ord(letter)};" for letter in text)


def text(picture: Graph) -> str:
    """Return the graph as lines of text: each stage, and under it the ways out."""
    lines: list[str] = []
    for stage in picture.stages:
        marks = [stage.status.value, *([stage.team] if stage.team else []), *_timed(stage)]
        start = "> " if stage.id in picture.entries else "  "
        lines.append(f"{start}{stage.name}  ({', '.join(marks)})")
        lines += [f"      {line}" for line in _ways_out(stage.id, picture.arrows)]
    return "\n".join(lines)


def _timed(stage: Stage) -> list[str]:
    found = [f"at most {stage.limit.after}, then {stage.limit.trigger}"] if stage.limit else []
    if stage.cool_down is not None:
        found.append(f"cool-down {stage.cool_down}")
    if stage.reentry_limit is not None:
        found.append(f"at most {stage.reentry_limit} returns")
    return found


def _ways_out(source: str, arrows: Iterable[Arrow]) -> list[str]:
    mine = [arrow for arrow in arrows if arrow.source == source]
    width = max((len(", ".join(arrow.triggers)) for arrow in mine), default=0)
    return [f"{', '.join(arrow.triggers):<{width}} -> {arrow.target}  [{arrow.kind}]" for arrow in mine]
