"""The commands about many leads: ``leadlife replay`` and ``leadlife what-if``. They need the extra ``batch``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadlife.errors import Malformed
from leadlife.io.fact_lines import read_facts
from leadlife.playbook.playbook import Playbook

if TYPE_CHECKING:
    from leadlife.batch import Progress

MOST_SHOWN = 10
_LINES = (".jsonl", ".ndjson", ".json")


def add_replay(commands: Any, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
    """Add the command ``replay``."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "replay", help="replay the facts of many leads into tables: stages, visits, cycles, qualifications"
    )
    parser.add_argument("what", help="name of a preset, or path of a playbook")
    parser.add_argument("--also", action="append", default=[], metavar="FILE", help="a playbook that the facts name")
    parser.add_argument("--out", type=Path, help="folder for the tables; a call that was broken off goes on there")
    parser.add_argument(
        "--score", action="append", default=[], metavar="POLICY", help="score each lead by a policy; it needs --out"
    )
    parser.add_argument(
        "--under", metavar="FILE", help="a playbook that stands in for every other: what would have been"
    )
    _shared(parser)
    parser.set_defaults(run=run)
    return parser


def add_what_if(commands: Any, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
    """Add the command ``what-if``."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "what-if", help="replay the same facts under two playbooks, and show what would have been otherwise"
    )
    parser.add_argument("a", help="name of a preset, or path of a playbook: the one that was in force")
    parser.add_argument("b", help="the other playbook, given in the same way")
    parser.add_argument("--chart", type=Path, help="write the weeks as a picture: .svg, .png or .html (extra report)")
    _shared(parser)
    parser.set_defaults(run=run)
    return parser


def _shared(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--facts", type=Path, required=True, help="a Parquet file or a folder of such, or facts as JSON lines"
    )
    parser.add_argument(
        "--as-of",
        help="a date, whose whole day counts, or an instant with its offset (default: each lead's latest fact)",
    )
    parser.add_argument("--workers", type=int, default=1, help="number of processes (default 1)")


def run_replay(
    call: argparse.Namespace, playbooks: Sequence[Playbook], under: Playbook | None, as_of: datetime | None
) -> bool:
    """Replay facts, print what came of it, and return whether everything could be read."""
    from leadlife.batch import figures, replay  # noqa: PLC0415 - only who replays needs the extra

    if call.score and call.out is None:
        raise Malformed("--score needs --out, the folder for the table of scores")
    facts, aside = _facts(call.facts, playbooks)
    come = replay(
        facts,
        playbooks,
        as_of=as_of,
        scores=call.score,
        under=under,
        out=call.out,
        workers=call.workers,
        progress=_progress("") if sys.stderr.isatty() else None,
    )
    counts = figures.stage_counts(come).to_pylist()
    failed = come.set_aside.to_pylist()
    if call.json:
        out = None if call.out is None else str(call.out)
        print(json.dumps({**come.progress._asdict(), "stages": counts, "out": out, "problems": [*aside, *failed]}))
        return not aside and not failed
    print(come.progress)
    print("\n".join(f"  {row['stage']:20}{row['leads_now']:>12,} now{row['leads_ever']:>12,} ever" for row in counts))
    if call.out is not None:
        print(f"the tables are in {call.out}")
    _print_problems([*aside, *failed])
    return not aside and not failed


def run_what_if(call: argparse.Namespace, a: Playbook, b: Playbook, as_of: datetime | None) -> bool:
    """Print what would have been otherwise, and return whether everything could be read."""
    from leadlife.batch import what_if  # noqa: PLC0415 - as above

    if call.chart is not None:
        _check_picture(call.chart)
    facts, aside = _facts(call.facts, [a, b])
    watched = sys.stderr.isatty()
    found = what_if(
        facts,
        a,
        b,
        as_of=as_of,
        workers=call.workers,
        progress=(lambda side, come: _progress(f"{side}: ")(come)) if watched else None,
    )
    if call.json:
        print(json.dumps({**found.to_dict(), "problems": aside}, indent=2))
    else:
        print(found)
        _print_problems([*aside, *found.set_aside.to_pylist()])
    if call.chart is not None:
        from leadlife.reports.charts import what_if_chart  # noqa: PLC0415 - as above

        what_if_chart(found).save(str(call.chart))
    return not aside and not found.set_aside.num_rows


def _check_picture(path: Path) -> None:
    """Check that a picture can be written, before the work begins."""
    if path.suffix not in (".svg", ".png", ".html", ".pdf", ".json"):
        raise Malformed(
            f"--chart cannot write {path.suffix or 'a file without a suffix'}", hint="name an .svg, .png or .html"
        )
    if not path.parent.is_dir():
        raise Malformed(f"--chart: there is no folder {path.parent}", hint="make it first")


def _facts(path: Path, playbooks: Sequence[Playbook]) -> tuple[Any, list[dict[str, Any]]]:
    """Return where facts come from, and the lines and leads of JSON lines that could not be read."""
    if path.suffix.lower() not in _LINES:
        return path, []
    read = read_facts(path, playbooks)
    return list(read.journeys), [one._asdict() for one in read.set_aside]


def _progress(side: str) -> Callable[[Progress], None]:
    def show(come: Progress) -> None:
        print(f"\r  {side}{come}", end="" if come.done < come.partitions else "\n", file=sys.stderr, flush=True)

    return show


def _print_problems(problems: Sequence[dict[str, Any]]) -> None:
    for one in problems[:MOST_SHOWN]:
        print(f"  set aside: {', '.join(f'{name} {value}' for name, value in one.items() if value is not None)}")
    if len(problems) > MOST_SHOWN:
        print(f"  ... and {len(problems) - MOST_SHOWN:,} more; --json lists them all")
