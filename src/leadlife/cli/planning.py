"""The commands about planning: ``leadlife plan`` and ``leadlife simulate``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from leadlife.analytics import funnel
from leadlife.errors import UnknownName, Unreadable, did_you_mean
from leadlife.io.fact_lines import read_facts
from leadlife.planning.comparison import PlaybookComparison, compare
from leadlife.planning.day import day_of
from leadlife.planning.simulation import simulate
from leadlife.planning.world import Totals
from leadlife.playbook.playbook import Playbook
from leadlife.timing import instant

MOST_SHOWN = 10
_WIDTH = 30


def plan_day(playbooks: Sequence[Playbook], facts: Path, at: str, *, as_json: bool) -> bool:
    """Print the day's work of the leads in a file of facts, and return whether everything could be read."""
    try:
        begin = instant(datetime.fromisoformat(at))
    except ValueError:
        raise Unreadable("--at must be an instant with its offset", hint="write 2026-03-02T09:00:00+00:00") from None
    read = read_facts(facts, playbooks)
    day = day_of(read.journeys, at=begin)
    if as_json:
        aside = [one._asdict() for one in read.set_aside]
        print(json.dumps({**day.to_dict(), "read": read.read, "set_aside": aside}, indent=2))
    else:
        print(f"{read.read} facts of {len(read.journeys)} leads, {len(read.set_aside)} lines or leads set aside")
        for one in read.set_aside[:MOST_SHOWN]:
            print(f"  {one}")
        if len(read.set_aside) > MOST_SHOWN:
            print(f"  ... and {len(read.set_aside) - MOST_SHOWN} more; --json lists them all")
        print(day)
    return not read.set_aside and not day.failed


def drawn_programme(playbook: Playbook, name: str, form: str) -> str:
    """Return a programme of a playbook as mermaid, dot or text.

    Raises:
        UnknownName: There is none of this name.
    """
    from leadlife.reports import programme_graph as drawing  # noqa: PLC0415 - only who draws one pays for it

    known = playbook.programme_by_name
    if name not in known:
        raise UnknownName(f"there is no programme {name!r}", hint=did_you_mean(name, known))
    picture = drawing.programme_graph(known[name])
    forms = {"mermaid": drawing.programme_mermaid, "dot": drawing.programme_dot, "text": drawing.programme_text}
    return forms[form](picture)


def simulate_one(playbook: Playbook, call: argparse.Namespace) -> None:
    """Print what a simulated time under a playbook comes to, and its funnel."""
    world = simulate(call.leads, playbook=playbook, seed=call.seed, days=call.days, progress=_progress("days"))
    counted = funnel(world.journeys, world.playbook, as_of=world.as_of, by="lead_type")
    if call.json:
        print(json.dumps({"label": world.label, **_plain(world.totals), "funnel": counted.to_dict()}, indent=2))
        return
    print(world.label)
    print(f"{call.leads} leads over {call.days} days under {playbook.ref}\n")
    print("\n".join(f"  {name.replace('_', ' '):12}{value:>14,.1f}" for name, value in _plain(world.totals).items()))
    print(f"\n{counted}")


def simulate_two(a: Playbook, b: Playbook, call: argparse.Namespace) -> None:
    """Print the paired differences of two playbooks in the same simulated worlds."""
    leads = max(call.leads // call.worlds, 1)
    found = compare(a, b, leads=leads, worlds=call.worlds, seed=call.seed, days=call.days, progress=_progress("worlds"))
    if call.json:
        rows = [{**row._asdict(), "is_clear": row.is_clear} for row in found.rows]
        print(json.dumps({**found._asdict(), "rows": rows}, indent=2))
    else:
        print(f"{found}\n\n{_bars(found)}")


def _plain(totals: Totals) -> dict[str, float]:
    return {**totals._asdict(), "margin": totals.margin}


def _bars(found: PlaybookComparison) -> str:
    """Return a bar for each figure: by how much of a the second playbook differs, from -100 % to +100 %."""
    lines = ["b compared with a"]
    for row in found.rows:
        if not row.a:
            lines.append(f"{row.figure:18}{'':{_WIDTH}}|{'':{_WIDTH}} {'from none' if row.b else 'none'}")
            continue
        share = row.difference / abs(row.a)
        length = min(round(abs(share) * _WIDTH), _WIDTH)
        left, right = ("#" * length, "") if share < 0 else ("", "#" * length)
        lines.append(f"{row.figure:18}{left:>{_WIDTH}}|{right:{_WIDTH}} {share:+.0%}")
    return "\n".join(lines)


def _progress(what: str) -> Callable[[int, int], None] | None:
    if not sys.stderr.isatty():
        return None

    def show(done: int, whole: int) -> None:
        bar = "#" * (done * _WIDTH // whole)
        print(f"\r  [{bar:{_WIDTH}}] {done:,} of {whole:,} {what}", end="" if done < whole else "\n", file=sys.stderr)

    return show
