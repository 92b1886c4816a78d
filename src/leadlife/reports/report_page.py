"""The page of a report: headings, tables, charts, and the styles for a phone, a screen and paper."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

_STYLE = """
:root { color-scheme: light; --ink: #1d2733; --soft: #5b6876; --line: #dfe4ea; --back: #f6f8fa; --mark: #2f6690; }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; color: var(--ink);
  background: var(--back); }
main { max-width: 1080px; margin: 0 auto; padding: 16px; }
h1 { font-size: 1.7rem; margin: 8px 0 0; }
h2 { font-size: 1.25rem; margin: 0 0 4px; }
.sub, .lead, .note { color: var(--soft); margin: 4px 0 12px; }
section { background: #fff; border: 1px solid var(--line); border-radius: 8px; padding: 16px; margin: 16px 0; }
.short li { margin: 4px 0; }
svg { width: 100%; max-width: 860px; min-width: 400px; height: auto; display: block; margin: 0 0 8px; }
.wide { overflow-x: auto; }
table { margin: 0 0 10px; border-collapse: collapse; width: 100%; font-size: 0.875rem;
  font-variant-numeric: tabular-nums; }
th, td { padding: 5px 10px; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th { color: var(--soft); font-weight: 600; vertical-align: bottom; }
th:first-child, td:first-child, td.words, th.words { text-align: left; }
td.words { white-space: normal; }
td.long { min-width: 200px; }
details { margin: 8px 0 0; }
summary { cursor: pointer; color: var(--mark); }
dt { font-weight: 600; margin-top: 6px; }
dd { margin: 0; color: var(--soft); }
nav a { color: var(--mark); margin-right: 14px; white-space: nowrap; text-decoration: none; }
@media print { body { background: #fff; font-size: 11px; } section { break-inside: avoid; border: 0; padding: 0; }
  nav, summary { display: none; } .wide { overflow: visible; } svg { max-width: 480px; }
  table { font-size: 9px; } td, th { white-space: normal; padding: 2px 4px; } }
@media (max-width: 600px) { main { padding: 8px; } section { padding: 10px; }
  td, th { padding: 4px 6px; } table { font-size: 0.8rem; } }
"""
_KINDS = {"why": "words long", "next": "words long", "lead": "words", "stage": "words"}
"""Columns of words, which are read from the left, and need some room where they are long."""


class Table(NamedTuple):
    """A table: its columns, and the cells of its rows."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


class Section(NamedTuple):
    """One section of the page.

    Attributes:
        title: Its title.
        lead: What it shows, in one sentence.
        chart: The SVG; empty where there is none.
        tables: Its tables.
        meaning: What the figures mean, on demand.
        note: What keeps it from being shown, or what it leaves out.
    """

    title: str
    lead: str
    chart: str = ""
    tables: Sequence[Table] = ()
    meaning: Sequence[tuple[str, str]] = ()
    note: str = ""


def page(title: str, under: str, in_short: Sequence[str], sections: Sequence[Section], warnings: Sequence[str]) -> str:
    """Return the whole page."""
    links = "".join(f'<a href="#s{place}">{escape(one.title)}</a> ' for place, one in enumerate(sections))
    short = "".join(f"<li>{escape(line)}</li>" for line in in_short)
    listed = "".join(f"<li>{escape(line)}</li>" for line in warnings) or "<li>Nothing was noticed.</li>"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>"
        f'<h1>{escape(title)}</h1><p class="sub">{escape(under)}</p><nav>{links}<a href="#warnings">Warnings</a></nav>'
        f'<section class="short"><h2>In short</h2><ul>{short}</ul></section>'
        + "".join(_section(place, one) for place, one in enumerate(sections))
        + f'<section id="warnings"><h2>Warnings</h2><ul>{listed}</ul></section>'
        "</main></body></html>\n"
    )


def _section(place: int, one: Section) -> str:
    lead = f'<p class="lead">{escape(one.lead)}</p>' if one.lead else ""
    chart = f'<div class="wide">{one.chart}</div>' if one.chart else ""
    note = f'<p class="note">{escape(one.note)}</p>' if one.note else ""
    meaning = ""
    if one.meaning:
        entries = "".join(f"<dt>{escape(name)}</dt><dd>{escape(words)}</dd>" for name, words in one.meaning)
        meaning = f"<details><summary>What the figures mean</summary><dl>{entries}</dl></details>"
    tables = "".join(map(_table, one.tables))
    return f'<section id="s{place}"><h2>{escape(one.title)}</h2>{lead}{chart}{tables}{note}{meaning}</section>'


def _table(one: Table) -> str:
    kinds = [f' class="{_KINDS[name]}"' if name in _KINDS else "" for name in one.head]
    head = "".join(f"<th{kind}>{escape(name)}</th>" for name, kind in zip(one.head, kinds, strict=True))
    rows = "".join(
        f"<tr>{''.join(f'<td{kind}>{escape(cell)}</td>' for cell, kind in zip(row, kinds, strict=True))}</tr>"
        for row in one.rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
