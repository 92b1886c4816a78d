"""The command ``leadlife report``: one page about the leads of an export, or of a file of facts."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from leadlife.errors import Unreadable
from leadlife.io import load_mapping, read_export, unused_rows
from leadlife.io.fact_lines import read_facts
from leadlife.io.observation import cautions_of
from leadlife.journey import Journey
from leadlife.playbook.playbook import Playbook


class Read(NamedTuple):
    """Leads that were read, and what to say of the reading."""

    journeys: tuple[Journey, ...]
    playbook: Playbook
    until: datetime
    notes: tuple[str, ...]
    whole: bool = True


def add_report(commands: Any, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
    """Add the command, and return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "report", help="write one page about leads, for marketing and sales"
    )
    add = parser.add_argument
    add("source", type=Path, help="path of a mapping (TOML), or of facts, one JSON object on each line")
    add("-o", "--output", type=Path, default=Path("report.html"), help="the page (default report.html)")
    add("--data", type=Path, help="folder of the mapping's tables (default: that of the mapping)")
    add(
        "--playbook", action="append", default=[], metavar="WHAT", help="for facts: a preset or a file; may be repeated"
    )
    add("--spend", type=Path, help="CSV of what was spent: month or day, source, amount, currency")
    add("--currency", help="the currency of amounts of spend without one of their own")
    add("--margin", help="the share of a sale that is left of it, such as 0.4")
    add("--by", default="source", help="compare by source, lead_type or a field (default source)")
    add("--as-of", help="end of observation: a date, or an instant with its offset")
    add("--hours", type=float, default=8, help="hours of work for the work list (default 8)")
    add("--title", help="title of the page (default: the name of the source)")
    parser.set_defaults(run=run)
    return parser


def write_report(
    call: argparse.Namespace, playbooks: Sequence[Playbook], as_of: Callable[[str, str], datetime]
) -> bool:
    """Write the report, and return whether all facts and all spend could be read."""
    from leadlife.economics.spend import read_spend  # noqa: PLC0415 - only a report pays for it
    from leadlife.reports.report import lead_report  # noqa: PLC0415

    read = _read(call, playbooks)
    until = read.until if call.as_of is None else as_of(call.as_of, read.playbook.zone)
    spent = None if call.spend is None else read_spend(call.spend, currency=call.currency)
    notes = list(read.notes)
    if spent is not None and spent.set_aside:
        notes.append(f"{len(spent.set_aside)} of {spent.read} rows of spend could not be read")
        for one in spent.set_aside:
            print(f"  {one.file} line {one.line}: {one.reason}", file=sys.stderr)
    written = lead_report(
        read.journeys,
        as_of=until,
        spend=() if spent is None else spent.rows,
        playbook=read.playbook,
        title=call.title or call.source.stem,
        by=call.by,
        margin=call.margin,
        hours=call.hours,
        notes=notes,
    )
    try:
        call.output.write_text(written, encoding="utf-8")
    except OSError as error:
        raise Unreadable(f"{call.output.name!r} cannot be written: {error.strerror}") from None
    print(f"{len(read.journeys):,} leads as of {until:%Y-%m-%d}: {call.output}")
    for note in notes:
        print(f"! {note}")
    return read.whole and (spent is None or not spent.set_aside)


def _read(call: argparse.Namespace, playbooks: Sequence[Playbook]) -> Read:
    if call.source.suffix == ".toml":
        export = read_export(load_mapping(call.source), call.data or call.source.parent)
        cautions = (*unused_rows(export), *cautions_of(export.observation, None))
        return Read(
            tuple(export.journeys), export.playbook, export.observed_until, tuple(one.message for one in cautions)
        )
    if not playbooks:
        raise Unreadable("a file of facts needs its playbook", hint="add --playbook with a preset or a file")
    facts = read_facts(call.source, playbooks)
    notes = tuple(str(one) for one in facts.set_aside)
    latest = [journey.facts[-1].recorded_at for journey in facts.journeys]
    if not latest:
        raise Unreadable(f"{call.source.name!r} holds no lead that can be read", hint="\n".join(notes[:3]))
    return Read(facts.journeys, playbooks[0], max(latest), notes, whole=not facts.set_aside)
