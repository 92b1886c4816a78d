"""The neutral graph as Mermaid, as Graphviz dot, and as text."""

from __future__ import annotations

from collections.abc import Iterable

from leadlife.lifecycle.stages import Stage, StageStatus, StageType
from leadlife.lifecycle.transitions import TransitionKind
from leadlife.reports.graph import Arrow, Graph

_DASHED = (TransitionKind.RECYCLE, TransitionKind.REENTRY, TransitionKind.BACKWARD, TransitionKind.REOPEN)
_SHAPES = {
    StageStatus.OPEN: ("[", "]"),
    StageStatus.RECYCLED: ("([", "])"),
    StageStatus.WON: ("[[", "]]"),
    StageStatus.LOST: ("(", ")"),
    StageStatus.DISQUALIFIED: ("(", ")"),
    StageStatus.CHURNED: ("(", ")"),
}
_DOT_SHAPES = {
    StageStatus.OPEN: 'shape=box, style="rounded,filled", fillcolor="#eef4f8"',
    StageStatus.RECYCLED: 'shape=box, style="rounded,filled,dashed", fillcolor="#fbf3e2"',
    StageStatus.WON: 'shape=box, style="filled", peripheries=2, fillcolor="#e4f3e6"',
    StageStatus.LOST: 'shape=ellipse, style="filled", fillcolor="#f6e9e6"',
    StageStatus.DISQUALIFIED: 'shape=ellipse, style="filled", fillcolor="#eeeeee"',
    StageStatus.CHURNED: 'shape=ellipse, style="filled,dashed", fillcolor="#f1ebf4"',
}
WIDEST = 34


def mermaid(picture: Graph) -> str:
    """Return the graph as a Mermaid flowchart. Many Markdown viewers draw it, for example GitHub."""
    names = {stage.id: f"s{place}" for place, stage in enumerate(picture.stages)}
    lines = ["flowchart LR"]
    for stage in picture.stages:
        left, right = ("{{", "}}") if stage.type is StageType.GATE else _SHAPES[stage.status]
        lines.append(f'    {names[stage.id]}{left}"{escaped(picture.title(stage))}"{right}')
    for arrow in picture.arrows:
        line = "-.->" if arrow.kind in _DASHED else "-->"
        label = "<br/>".join(map(escaped, arrow.labels()))
        lines.append(f'    {names[arrow.source]} {line}|"{label}"| {names[arrow.target]}')
    return "\n".join(lines)


def escaped(text: str) -> str:
    """Return a text as a Mermaid label: every character that could end the label becomes its character code."""
    return "".join(letter if letter.isalnum() or letter in " ,.-_/:+" else f"#{ord(letter)};" for letter in text)


def dot(picture: Graph) -> str:
    """Return the graph in the language of Graphviz. Draw it with ``dot -Tsvg``."""
    names = {stage.id: f"s{place}" for place, stage in enumerate(picture.stages)}
    lines = [
        "digraph lifecycle {",
        '  rankdir=LR; nodesep=0.35; ranksep=0.6; node [fontname="Helvetica", fontsize=12, color="#5b6b75"];',
        '  edge [fontname="Helvetica", fontsize=10, color="#5b6b75", arrowsize=0.7];',
    ]
    for stage in picture.stages:
        shape = (
            'shape=diamond, style="filled", fillcolor="#f3eef8"'
            if stage.type is StageType.GATE
            else _DOT_SHAPES[stage.status]
        )
        bold = (", penwidth=2" if stage.id in picture.entries else "") + (', group="path"' if stage.on_path else "")
        lines.append(f"  {names[stage.id]} [label={quoted(picture.title(stage))}, {shape}{bold}];")
    for arrow in picture.arrows:
        # Quote each line first and join with the two characters "\\n": dot reads them as a line break.
        label = "\\n".join(quoted(line)[1:-1] for text in arrow.labels() for line in folded(text))
        style = ", style=dashed" if arrow.kind in _DASHED else ""
        weight = (
            ', weight=9, penwidth=1.8, color="#2f4858"' if arrow.kind is TransitionKind.FORWARD else ', color="#9aa7ae"'
        )
        lines.append(f'  {names[arrow.source]} -> {names[arrow.target]} [label="{label}"{style}{weight}];')
    return "\n".join([*lines, "}"])


def quoted(text: str) -> str:
    """Return a text as a label of Graphviz."""
    clean = printable(text)
    return '"' + clean.replace("\\", "\\\\").replace('"', '\\"') + '"'


def printable(text: str) -> str:
    """Return a text on one line, without control characters that could command a terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def folded(text: str) -> list[str]:
    """Return a text as lines of at most ``WIDEST`` characters, except for longer words."""
    lines = [""]
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + len(word) >= WIDEST:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def text(picture: Graph) -> str:
    """Return the graph as lines of text: each stage, with the moves out of it below."""
    lines: list[str] = []
    for stage in picture.stages:
        here = [] if picture.standing is None else [f"{picture.standing.get(stage.id, 0):,} here"]
        details = [stage.status.value, *([stage.team] if stage.team else []), *_limits(stage), *here]
        start = "> " if stage.id in picture.entries else "  "
        lines.append(printable(f"{start}{stage.name}  ({', '.join(details)})"))
        lines += [f"      {line}" for line in _moves_out(stage.id, picture.arrows)]
    return "\n".join(lines)


def _limits(stage: Stage) -> list[str]:
    limits = [f"at most {stage.limit.after}, then {stage.limit.trigger}"] if stage.limit else []
    if stage.cool_down is not None:
        limits.append(f"cool-down {stage.cool_down}")
    if stage.reentry_limit is not None:
        limits.append(f"at most {stage.reentry_limit} returns")
    return limits


def _moves_out(source: str, arrows: Iterable[Arrow]) -> list[str]:
    mine = [arrow for arrow in arrows if arrow.source == source]
    width = max((len(arrow.labels()[0]) for arrow in mine), default=0)
    return [
        printable(f"{arrow.labels()[0]:<{width}} -> {arrow.target}  [{'; '.join((arrow.kind, *arrow.labels()[1:]))}]")
        for arrow in mine
    ]
