"""A programme as boxes and arrows: whom it is for, its touches one after another, and what ends it."""

from __future__ import annotations

from typing import NamedTuple

from leadlife.qualification.programmes import Programme, Touch
from leadlife.reports.rendering import escaped, folded, printable, quoted


class ProgrammeGraph(NamedTuple):
    """A programme as boxes and arrows.

    Attributes:
        name: Its name.
        audience: Whom it is for, in words.
        touches: The boxes of its touches: the label, and the label of the arrow that leads there.
        ends: What ends it, in words: goal, exit, duration.
    """

    name: str
    audience: str
    touches: tuple[tuple[str, str], ...]
    ends: tuple[str, ...]


def programme_graph(programme: Programme) -> ProgrammeGraph:
    """Return a programme as boxes and arrows."""
    ends = [f"goal: {programme.goal.sentence()}"] if programme.goal is not None else []
    ends += [f"exit: {programme.exit.sentence()}"] if programme.exit is not None else []
    ends += [f"at the latest after {programme.lasts}"] if programme.lasts is not None else []
    return ProgrammeGraph(
        programme.name,
        programme.audience.sentence(),
        tuple((f"{touch.name}, by {touch.channel}", _arrow(touch)) for touch in programme.touches),
        tuple(ends) or ("the audience is no longer true",),
    )


def _arrow(touch: Touch) -> str:
    parts = ["at once" if touch.wait is None else f"after {touch.wait}"]
    parts += [] if touch.window is None else [str(touch.window)]
    parts += [] if touch.when is None else [f"if {touch.when.sentence()}"]
    return "; ".join(parts)


def programme_mermaid(picture: ProgrammeGraph) -> str:
    """Return the graph as a Mermaid flowchart."""
    lines = ["flowchart TD", f'    audience(["{escaped(picture.audience)}"])']
    before = "audience"
    for number, (label, arrow) in enumerate(picture.touches, start=1):
        lines += [f'    t{number}["{escaped(label)}"]', f'    {before} -->|"{escaped(arrow)}"| t{number}']
        before = f"t{number}"
    for number, words in enumerate(picture.ends, start=1):
        lines += [f'    e{number}(["{escaped(words)}"])', f'    {before} -.->|"at any time"| e{number}']
    return "\n".join(lines)


def programme_dot(picture: ProgrammeGraph) -> str:
    """Return the graph in the language of Graphviz."""

    def label(text: str) -> str:
        return "\\n".join(quoted(line)[1:-1] for line in folded(text))

    lines = [
        "digraph programme {",
        '  rankdir=TB; node [fontname="Helvetica", fontsize=12, shape=box];',
        '  node [style="rounded,filled", fillcolor="#eef4f8"];',
        '  edge [fontname="Helvetica", fontsize=10, color="#5b6b75", arrowsize=0.7];',
        f'  audience [label="{label(picture.audience)}", shape=ellipse, fillcolor="#fbf3e2"];',
    ]
    before = "audience"
    for number, (text, arrow) in enumerate(picture.touches, start=1):
        lines.append(f'  t{number} [label="{label(text)}"];')
        lines.append(f'  {before} -> t{number} [label="{label(arrow)}"];')
        before = f"t{number}"
    for number, words in enumerate(picture.ends, start=1):
        lines.append(f'  e{number} [label="{label(words)}", shape=ellipse, fillcolor="#e4f3e6"];')
        lines.append(f'  {before} -> e{number} [style=dashed, label="at any time"];')
    return "\n".join([*lines, "}"])


def programme_text(picture: ProgrammeGraph) -> str:
    """Return the graph as lines of text."""
    lines = [f"{picture.name}, for leads of whom this is true: {picture.audience}"]
    lines += [f"  {arrow} -> {label}" for label, arrow in picture.touches]
    lines += [f"  ends: {words}" for words in picture.ends]
    return "\n".join(map(printable, lines))
