"""Small HTML tables, timelines and trees for notebooks: all text escaped, no scripts, no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

CELL = "padding:2px 10px;text-align:left;vertical-align:top"
COLOURS = {
    "open": "#cfe3ee",
    "recycled": "#f6e3b8",
    "won": "#bfe3c5",
    "lost": "#eccbc3",
    "disqualified": "#dddddd",
    "churned": "#ddd0e6",
    "true": "#bfe3c5",
    "false": "#eccbc3",
    "unknown": "#f6e3b8",
}
LEAST_WIDTH = 0.006
"""The width of the shortest bar, as a share of the whole; a shorter one could not be seen."""


class Bar(NamedTuple):
    """One bar of a timeline: label, begin and end as shares of the whole, key of its colour, and words beside it."""

    label: str
    begins: float
    ends: float
    colour: str
    words: str


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return an HTML table; a cell may have several lines."""
    header = "".join(f'<th style="{CELL}">{escape(name)}</th>' for name in head)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    caption = f'<div style="font-weight:600;margin:4px 0">{escape(title)}</div>'
    return f'<div>{caption}<table style="border-collapse:collapse"><tr>{header}</tr>{body}</table></div>'


def _cell(text: str) -> str:
    return f'<td style="{CELL}">{"<br>".join(map(escape, text.splitlines()))}</td>'


def timeline(title: str, bars: Iterable[Bar]) -> str:
    """Return the bars as an HTML table, one below the other on the same time axis."""
    rows = "".join(
        '<tr><td style="padding:1px 10px 1px 0;text-align:right;white-space:nowrap">'
        f'{escape(bar.label)}</td><td style="width:420px;background:#f5f5f5;padding:0">'
        f'<div style="margin-left:{bar.begins:.2%};width:{max(bar.ends - bar.begins, LEAST_WIDTH):.2%};'
        f'height:14px;background:{COLOURS.get(bar.colour, "#cccccc")}"></div></td>'
        f'<td style="padding:1px 0 1px 10px;white-space:nowrap;color:#555">{escape(bar.words)}</td></tr>'
        for bar in bars
    )
    caption = f'<div style="font-weight:600;margin:4px 0">{escape(title)}</div>'
    return f'<div>{caption}<table style="border-collapse:collapse">{rows}</table></div>'


def tree(lines: Iterable[tuple[int, str, str]]) -> str:
    """Return lines as an indented HTML tree; each line has a depth, a coloured word and a text."""
    rows = "".join(
        f'<div style="margin-left:{20 * depth}px;padding:1px 0"><span style="background:{COLOURS.get(word, "#cccccc")};'
        f'padding:0 6px;border-radius:3px">{escape(word)}</span> {escape(text)}</div>'
        for depth, word, text in lines
    )
    return f"<div>{rows}</div>"
