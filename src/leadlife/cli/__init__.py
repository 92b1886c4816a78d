"""The command line: ``leadlife demo``, ``draw``, ``check``, ``diff``, ``funnel`` and ``plugins``.

Exit codes: 0 done; 1 the input was read but says something wrong (a faulty mapping, a finding); 2 the input
could not be read, or the call is wrong.
"""

from __future__ import annotations

import argparse
import gc
import io
import json
import os
import sys
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

from leadlife.analytics import Funnel, funnel
from leadlife.checks import Severity, check, diff, report, unbuildable
from leadlife.cli.demo import demo
from leadlife.errors import InvalidDefinition, LeadlifeError, Malformed, Unreadable, suggestion
from leadlife.io import Export, as_mapping, load_mapping, read_export, read_with, unused_rows
from leadlife.io.playbook_files import as_playbook, read_document
from leadlife.playbook.playbook import Playbook
from leadlife.plugins import Plugin, PluginGroup, find_policy, find_preset, find_reader, plugins
from leadlife.presets import PRESETS, preset
from leadlife.reports import agreement, dot, graph, mermaid, text
from leadlife.timing import day_start, instant, zone_named

DONE, WRONG, UNREADABLE = 0, 1, 2
MOST_SHOWN = 10
AGREEMENT = "agreement"
_FORMATS = {"mermaid": mermaid, "dot": dot, "text": text}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    call = _parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that knows few letters still gets all words
    try:
        code = _run(call)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has gone; let Python's own last flush go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        print(f"leadlife: {error.strerror}", file=sys.stderr)
        return UNREADABLE
    return code


def _run(call: argparse.Namespace) -> int:
    collecting = gc.isenabled()
    gc.disable()  # a run makes values without circles: collecting would only walk them again and again
    try:
        code: int = call.run(call) or DONE
    except LeadlifeError as error:
        if call.json:
            print(json.dumps({"error": error.to_dict()}, indent=2))
        print(f"leadlife: {error}", file=sys.stderr)
        return UNREADABLE if isinstance(error, Unreadable) else WRONG
    finally:
        if collecting:
            gc.enable()
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="leadlife", description="The life of a lead: legal moves, honest funnels.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    shown = commands.add_parser("demo", help="walk a simulated funnel, no file needed")
    shown.add_argument("--leads", type=_whole, default=400, help="how many leads the simulated world has (default 400)")
    shown.add_argument("--seed", type=int, default=7, help="another seed, another world (default 7)")
    shown.set_defaults(run=_demo)

    drawn = commands.add_parser("draw", help="draw a lifecycle, or print the agreement in words")
    drawn.add_argument("what", nargs="?", default="eight_stage", help="a preset, or the path of a playbook or mapping")
    drawn.add_argument("--format", choices=(*_FORMATS, AGREEMENT), default="text")
    drawn.add_argument("--success-path", action="store_true", help="only the success path and the recycling loop")
    drawn.add_argument("--criteria", action="store_true", help="say on the arrows what their guards ask")
    drawn.add_argument("--data", type=Path, help="the folder of a mapping's tables: counts and shares on the arrows")
    drawn.set_defaults(run=_draw)

    checked = commands.add_parser("check", help="prove a definition: traps, dead ends, guards that overlap")
    checked.add_argument(
        "what", nargs="?", default="eight_stage", help="a preset, or the path of a playbook or mapping"
    )
    checked.add_argument(
        "--at-least", choices=[one.value for one in Severity], default="note", help="leave out what is less bad"
    )
    checked.set_defaults(run=_check)

    compared = commands.add_parser("diff", help="compare two definitions: what changed, what became legal and illegal")
    compared.add_argument("before", help="a preset, or the path of a playbook or mapping")
    compared.add_argument("after", help="the same, as it is to be")
    compared.add_argument("--rename", action="append", default=[], metavar="OLD=NEW", help="a stage's new name")
    compared.set_defaults(run=_diff)

    read = commands.add_parser("funnel", help="read an export and print its honest funnel")
    read.add_argument("mapping", type=Path, help="the mapping, a TOML file")
    read.add_argument("--data", type=Path, help="the folder of the tables (default: where the mapping lies)")
    read.add_argument("--by", help="a mapped attribute, or source, or lead_type")
    read.add_argument("--as-of", help="end of observation: a date, or an instant with offset (default: latest date)")
    read.set_defaults(run=_funnel)

    read.add_argument(
        "--reader", help="read by what an installed package brings under this name; MAPPING is its source"
    )

    listed = commands.add_parser("plugins", help="list the policies, presets and readers of installed packages")
    listed.add_argument("--load", action="store_true", help="load each, and say which are broken")
    listed.set_defaults(run=_plugins)

    for command in (shown, drawn, checked, compared, read, listed):
        command.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _whole(text: str) -> int:
    number = int(text)
    if not 0 < number <= 100_000:  # noqa: PLR2004 - a demo's patience
        raise argparse.ArgumentTypeError("between 1 and 100,000")
    return number


def _demo(call: argparse.Namespace) -> None:
    told = demo(leads=call.leads, seed=call.seed)
    if call.json:
        print(json.dumps(told.to_dict(), indent=2))
        return
    print(told)


def _draw(call: argparse.Namespace) -> None:
    playbook = _playbook(call.what)
    if call.format == AGREEMENT:
        drawing = agreement(playbook)
    else:
        journeys = None if call.data is None else read_export(load_mapping(call.what), call.data).journeys
        picture = graph(playbook, success_path=call.success_path, criteria=call.criteria, journeys=journeys)
        drawing = _FORMATS[call.format](picture)
    if call.json:
        print(json.dumps({"playbook": str(playbook.ref), "format": call.format, "drawing": drawing}, indent=2))
        return
    print(drawing)


def _check(call: argparse.Namespace) -> int:
    try:
        found = check(_playbook(call.what))
    except InvalidDefinition as error:
        found = unbuildable(error)
    worse = list(Severity)[: list(Severity).index(Severity(call.at_least)) + 1]
    found = tuple(finding for finding in found if finding.severity in worse)
    if call.json:
        print(json.dumps({"findings": [finding.to_dict() for finding in found]}, indent=2))
    else:
        print(report(found))
    return WRONG if found else DONE


def _diff(call: argparse.Namespace) -> int:
    pairs = [text.partition("=") for text in call.rename]
    if not all(old and new for old, _, new in pairs):
        raise Malformed("a new name is written OLD=NEW", hint="--rename opportunity=deal")
    names = {old: new for old, _, new in pairs}
    found = diff(_playbook(call.before), _playbook(call.after), renamed=names)
    print(json.dumps(found.to_dict(), indent=2) if call.json else found)
    return WRONG if found.changes else DONE


def _plugins(call: argparse.Namespace) -> int:
    rows = [{**one.to_dict(), "broken": _broken(one) if call.load else ""} for one in plugins()]
    if call.json:
        print(json.dumps({"plugins": rows}, indent=2))
    elif not rows:
        print("no installed package brings policies, presets or readers")
    else:
        told = [str(one) for one in plugins()]
        print(
            "\n".join(f"{one}: {row['broken']}" if row["broken"] else one for one, row in zip(told, rows, strict=True))
        )
    return WRONG if any(row["broken"] for row in rows) else DONE


def _broken(brought: Plugin) -> str:
    """Return what is wrong with a plugin, or nothing."""
    finders = {PluginGroup.POLICIES: find_policy, PluginGroup.PRESETS: find_preset, PluginGroup.READERS: find_reader}
    try:
        finders[brought.group](brought.name)
    except LeadlifeError as error:
        return error.message
    return ""


def _playbook(what: str) -> Playbook:
    if what in PRESETS:
        return preset(what)
    if Path(what).suffix in (".toml", ".json") or os.path.exists(what):  # noqa: PTH110 - unlike Path's, it survives any text
        document = read_document(what)
        return as_mapping(document).playbook() if "tables" in document.data else as_playbook(document)
    known = (*PRESETS, *(one.name for one in plugins(PluginGroup.PRESETS)))
    if what in known:
        return find_preset(what)
    near = suggestion(what, known)
    hint = f"did you mean {near!r}?" if near else f"presets are: {', '.join(known)}"
    raise Unreadable(f"{what!r} is neither a preset nor a file", hint=hint)


def _funnel(call: argparse.Namespace) -> None:
    export = _export(call)
    until = None if call.as_of is None else _as_of(call.as_of, export.mapping.zone)
    told = funnel(export.journeys, export.playbook, as_of=until or export.observed_until, by=call.by)
    told = told._replace(warnings=(*unused_rows(export), *told.warnings))
    if call.json:
        rows = [{**count._asdict()} for count in export.rows]
        aside = [one._asdict() for one in export.set_aside]
        refused = [one._asdict() for one in export.refused]
        found = {**told.to_dict(), "rows": rows, "set_aside": aside, "refused": refused}
        print(json.dumps(found, indent=2))
        return
    print(_report(told, export))


def _export(call: argparse.Namespace) -> Export:
    if call.reader is not None:
        return read_with(call.reader, call.mapping)
    folder = call.data if call.data is not None else call.mapping.parent
    return read_export(load_mapping(call.mapping), folder, progress=_progress if sys.stderr.isatty() else None)


def _as_of(said: str, zone: str) -> datetime:
    try:
        if "T" not in said and " " not in said:
            return day_start(date.fromisoformat(said) + timedelta(days=1), zone_named(zone)) - timedelta(microseconds=1)
        return instant(datetime.fromisoformat(said))
    except (ValueError, OverflowError):
        hint = "write 2018-11-14, or 2018-11-14T18:00:00+00:00"
        raise Unreadable("--as-of is a date, or an instant with its offset", hint=hint) from None


def _progress(done: int, whole: int) -> None:
    print(f"\r  {done:,} of {whole:,} leads", end="" if done < whole else "\n", file=sys.stderr, flush=True)


def _report(told: Funnel, export: Export) -> str:
    zone = zone_named(export.mapping.zone)
    lines = [f"as of {told.as_of.astimezone(zone):%Y-%m-%d %H:%M %Z}, {export.mapping.zone}", "", str(told), ""]
    lines += [
        f"{count.file}: {count.read:,} rows read, {count.used:,} used, {count.refused:,} refused, "
        f"{count.set_aside:,} set aside"
        for count in export.rows
    ]
    kept = [("set aside", one) for one in export.set_aside] + [("refused", one) for one in export.refused]
    lines += [f"  {what}: {one.file} line {one.line}: {one.reason}" for what, one in kept[:MOST_SHOWN]]
    if len(kept) > MOST_SHOWN:
        lines.append(f"  ... and {len(kept) - MOST_SHOWN:,} more; --json lists them all")
    lines += ["", *(f"! {caution.message}" for caution in told.warnings)]
    return "\n".join(lines)
