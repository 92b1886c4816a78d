"""The commands: what each of them takes, and what it prints."""

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
from typing import Any

from leadlife.analytics import Funnel, funnel
from leadlife.checks import Severity, check, diff, report, unbuildable
from leadlife.cli.arguments import lead_count, world_count
from leadlife.cli.batching import add_replay, add_what_if, run_replay, run_what_if
from leadlife.cli.demo import demo
from leadlife.cli.importing import imported_playbook
from leadlife.cli.planning import drawn_programme, plan_day, simulate_one, simulate_two
from leadlife.cli.reporting import add_report, write_report
from leadlife.cli.verifying import add_verify
from leadlife.errors import InvalidDefinition, LeadlifeError, Malformed, Unreadable, suggestion
from leadlife.io import Export, as_mapping, load_mapping, read_export, read_with, unused_rows
from leadlife.io.observation import cautions_of
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
            stream.reconfigure(errors="backslashreplace")  # a terminal with few characters gets escapes, not an error
    try:
        code = _run(call)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of the pipe has closed it. Python flushes stdout once more at exit: send that to the null device.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        print(f"leadlife: {error.strerror}", file=sys.stderr)
        return UNREADABLE
    return code


def _run(call: argparse.Namespace) -> int:
    collecting = gc.isenabled()
    gc.disable()  # values here form no reference cycles, so collecting would only cost time
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
    parser = argparse.ArgumentParser(
        prog="leadlife", description="Lead lifecycles: draw, check and compare playbooks, and count funnels."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    demonstrated = _add_demo(commands)
    drawn, checked, compared = _add_draw(commands), _add_check(commands), _add_diff(commands)
    read, planned, simulated = _add_funnel(commands), _add_plan(commands), _add_simulate(commands)
    reported, verified = add_report(commands, _report_page), add_verify(commands)
    replayed, supposed = add_replay(commands, _replay), add_what_if(commands, _what_if)
    listed = _add_plugins(commands)
    for command in (drawn, checked, compared, planned, simulated, reported, replayed, supposed):
        command.add_argument(
            "--python",
            action="store_true",
            help="read definitions as package.module:NAME, a playbook or a function that returns one; this runs code",
        )
    every = (demonstrated, drawn, checked, compared, read, planned, simulated, reported, replayed, supposed)
    for command in (*every, verified, listed):
        command.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _add_demo(commands: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        "demo", help="show one journey and the funnel of simulated leads; needs no file"
    )
    parser.add_argument("--leads", type=lead_count, default=400, help="number of simulated leads (default 400)")
    parser.add_argument("--seed", type=int, default=7, help="seed of the simulation (default 7)")
    parser.set_defaults(run=_demo)
    return parser


def _add_draw(commands: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        "draw", help="draw a lifecycle, or print the agreement in words"
    )
    parser.add_argument(
        "what", nargs="?", default="eight_stage", help="name of a preset, or path of a playbook or mapping"
    )
    parser.add_argument("--format", choices=(*_FORMATS, AGREEMENT), default="text")
    parser.add_argument("--success-path", action="store_true", help="draw only the success path and recycling")
    parser.add_argument("--criteria", action="store_true", help="show the guards on the arrows")
    parser.add_argument("--programme", help="draw one of the playbook's programmes, by its name")
    parser.add_argument(
        "--data", type=Path, help="folder of the mapping's tables: show counts and shares on the arrows"
    )
    parser.set_defaults(run=_draw)
    return parser


def _add_check(commands: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        "check", help="check a definition for traps, dead ends and overlapping guards"
    )
    parser.add_argument(
        "what", nargs="?", default="eight_stage", help="name of a preset, or path of a playbook or mapping"
    )
    parser.add_argument(
        "--at-least",
        choices=[one.value for one in Severity],
        default="note",
        help="least severity to print (default note)",
    )
    parser.set_defaults(run=_check)
    return parser


def _add_diff(commands: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        "diff", help="compare two definitions: changes, and moves that became legal or illegal"
    )
    parser.add_argument("before", help="name of a preset, or path of a playbook or mapping")
    parser.add_argument("after", help="the new definition, given in the same way")
    parser.add_argument(
        "--rename", action="append", default=[], metavar="OLD=NEW", help="new name of a renamed stage; may be repeated"
    )
    parser.set_defaults(run=_diff)
    return parser


def _add_funnel(commands: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser("funnel", help="read an export and print its funnel")
    parser.add_argument("mapping", type=Path, help="path of the mapping, a TOML file")
    parser.add_argument("--data", type=Path, help="folder of the tables (default: the folder of the mapping)")
    parser.add_argument("--by", help="group by a mapped attribute, by source, lead_type or pipeline")
    parser.add_argument(
        "--as-of", help="end of observation: a date, or an instant with its offset (default: latest date in the tables)"
    )
    parser.add_argument("--reader", help="name of a reader of an installed package; MAPPING is then its source")
    parser.set_defaults(run=_funnel)
    return parser


def _add_plan(commands: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        "plan", help="print the day's touches, the deadlines due, and the queue of each owner"
    )
    parser.add_argument("what", help="name of a preset, or path of a playbook")
    parser.add_argument("--facts", type=Path, required=True, help="path of the facts, one JSON object on each line")
    parser.add_argument("--at", required=True, help="when the day begins, with its offset: 2026-03-02T09:00:00+00:00")
    parser.add_argument(
        "--also",
        action="append",
        default=[],
        metavar="FILE",
        help="an earlier playbook that the facts name",
    )
    parser.set_defaults(run=_plan)
    return parser


def _add_simulate(commands: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        "simulate", help="run eight_stage or a variant, or compare two, in a simulated market"
    )
    parser.add_argument(
        "what", nargs="?", default="eight_stage_nurture", help="name of a preset, or path of a playbook"
    )
    parser.add_argument("other", nargs="?", help="a second playbook, to compare in the same worlds")
    parser.add_argument("--leads", type=lead_count, default=400, help="number of leads that arrive (default 400)")
    parser.add_argument("--worlds", type=world_count, default=8, help="to compare: number of worlds (default 8)")
    parser.add_argument("--days", type=lead_count, default=360, help="how long it lasts (default 360)")
    parser.add_argument("--seed", type=int, default=7, help="seed of the simulation (default 7)")
    parser.set_defaults(run=_simulate)
    return parser


def _add_plugins(commands: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        "plugins", help="list the policies, presets and readers of installed packages"
    )
    parser.add_argument("--load", action="store_true", help="load each plugin and report those that fail")
    parser.set_defaults(run=_plugins)
    return parser


def _demo(call: argparse.Namespace) -> None:
    shown = demo(leads=call.leads, seed=call.seed)
    print(json.dumps(shown.to_dict(), indent=2) if call.json else shown)


def _draw(call: argparse.Namespace) -> None:
    playbook = _playbook(call.what, python=call.python)
    if call.format == AGREEMENT:
        drawing = agreement(playbook)
    elif call.programme is not None:
        drawing = drawn_programme(playbook, call.programme, call.format)
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
        findings = check(_playbook(call.what, python=call.python))
    except InvalidDefinition as error:
        findings = unbuildable(error)
    severities = list(Severity)[: list(Severity).index(Severity(call.at_least)) + 1]
    findings = tuple(finding for finding in findings if finding.severity in severities)
    if call.json:
        print(json.dumps({"findings": [finding.to_dict() for finding in findings]}, indent=2))
    else:
        print(report(findings))
    return WRONG if findings else DONE


def _diff(call: argparse.Namespace) -> int:
    pairs = [text.partition("=") for text in call.rename]
    if not all(old and new for old, _, new in pairs):
        raise Malformed("--rename needs OLD=NEW", hint="write, for example, --rename opportunity=deal")
    names = {old: new for old, _, new in pairs}
    before, after = (_playbook(what, python=call.python) for what in (call.before, call.after))
    difference = diff(before, after, renamed=names)
    print(json.dumps(difference.to_dict(), indent=2) if call.json else difference)
    return WRONG if difference.changes else DONE


def _plan(call: argparse.Namespace) -> int:
    playbooks = [_playbook(one, python=call.python) for one in (call.what, *call.also)]
    whole = plan_day(playbooks, call.facts, call.at, as_json=call.json)
    return DONE if whole else WRONG


def _simulate(call: argparse.Namespace) -> None:
    playbook = _playbook(call.what, python=call.python)
    if call.other is None:
        simulate_one(playbook, call)
    else:
        simulate_two(playbook, _playbook(call.other, python=call.python), call)


def _report_page(call: argparse.Namespace) -> int:
    playbooks = [_playbook(one, python=call.python) for one in call.playbook]
    return DONE if write_report(call, playbooks, _as_of) else WRONG


def _replay(call: argparse.Namespace) -> int:
    playbooks = [_playbook(one, python=call.python) for one in (call.what, *call.also)]
    under = None if call.under is None else _playbook(call.under, python=call.python)
    return DONE if run_replay(call, playbooks, under, _until(call, playbooks[0])) else WRONG


def _what_if(call: argparse.Namespace) -> int:
    a, b = (_playbook(one, python=call.python) for one in (call.a, call.b))
    return DONE if run_what_if(call, a, b, _until(call, b)) else WRONG


def _until(call: argparse.Namespace, playbook: Playbook) -> datetime | None:
    return None if call.as_of is None else _as_of(call.as_of, playbook.zone)


def _plugins(call: argparse.Namespace) -> int:
    rows = [{**one.to_dict(), "broken": _broken(one) if call.load else ""} for one in plugins()]
    if call.json:
        print(json.dumps({"plugins": rows}, indent=2))
    elif not rows:
        print("no installed package provides policies, presets or readers")
    else:
        for one, row in zip(plugins(), rows, strict=True):
            print(row["broken"] or one)
    return WRONG if any(row["broken"] for row in rows) else DONE


def _broken(plugin: Plugin) -> str:
    """Return why a plugin cannot be loaded or is never found; an empty text if it can be used."""
    if plugin.group is PluginGroup.PRESETS and plugin.name in PRESETS:
        return plugin.fault("a preset of leadlife has this name and is found first; rename the entry point").message
    finders = {PluginGroup.POLICIES: find_policy, PluginGroup.PRESETS: find_preset, PluginGroup.READERS: find_reader}
    try:
        finders[plugin.group](plugin.name)
    except LeadlifeError as error:
        return error.message
    return ""


def _playbook(what: str, *, python: bool = False) -> Playbook:
    if python:
        return imported_playbook(what)
    if what in PRESETS:
        return preset(what)
    if Path(what).suffix in (".toml", ".json") or os.path.exists(what):  # noqa: PTH110 - Path.exists raises for a name that is too long
        document = read_document(what)
        return as_mapping(document).playbook() if "tables" in document.data else as_playbook(document)
    known = tuple(dict.fromkeys((*PRESETS, *(one.name for one in plugins(PluginGroup.PRESETS)))))
    if what in known:
        return find_preset(what)
    near = suggestion(what, known)
    hint = f"did you mean {near!r}?" if near else f"presets are: {', '.join(known)}"
    if ":" in what:
        hint = "for a playbook in Python code, which this runs, add --python"
    raise Unreadable(f"{what!r} is neither a preset nor a file", hint=hint)


def _funnel(call: argparse.Namespace) -> None:
    export = _export(call)
    until = None if call.as_of is None else _as_of(call.as_of, export.mapping.zone)
    counted = funnel(export.journeys, export.playbook, as_of=until or export.observed_until, by=call.by)
    cautions = (*unused_rows(export), *cautions_of(export.observation, until))
    counted = counted._replace(warnings=(*cautions, *counted.warnings))
    if call.json:
        rows = [{**count._asdict()} for count in export.rows]
        aside = [one._asdict() for one in export.set_aside]
        refused = [one._asdict() for one in export.refused]
        doubtful = [one._asdict() for one in export.observation.doubtful]
        document = {**counted.to_dict(), "rows": rows, "set_aside": aside, "refused": refused, "doubtful": doubtful}
        print(json.dumps(document, indent=2))
        return
    print(_report(counted, export))


def _export(call: argparse.Namespace) -> Export:
    if call.reader is not None:
        return read_with(call.reader, call.mapping)
    folder = call.data if call.data is not None else call.mapping.parent
    return read_export(load_mapping(call.mapping), folder, progress=_progress if sys.stderr.isatty() else None)


def _as_of(text: str, zone: str) -> datetime:
    try:
        if "T" not in text and " " not in text:
            # A date includes the whole day: the last microsecond before the next one.
            return day_start(date.fromisoformat(text) + timedelta(days=1), zone_named(zone)) - timedelta(microseconds=1)
        return instant(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        hint = "write 2018-11-14, or 2018-11-14T18:00:00+00:00"
        raise Unreadable("--as-of must be a date, or an instant with its offset", hint=hint) from None


def _progress(done: int, whole: int) -> None:
    print(f"\r  {done:,} of {whole:,} leads", end="" if done < whole else "\n", file=sys.stderr, flush=True)


def _report(counted: Funnel, export: Export) -> str:
    zone = zone_named(export.mapping.zone)
    lines = [f"as of {counted.as_of.astimezone(zone):%Y-%m-%d %H:%M %Z}, {export.mapping.zone}", "", str(counted), ""]
    lines += [
        f"{count.file}: {count.read:,} rows read, {count.used:,} used, {count.refused:,} refused, "
        f"{count.set_aside:,} set aside"
        for count in export.rows
    ]
    kept = [("set aside", one) for one in export.set_aside] + [("refused", one) for one in export.refused]
    kept += [("doubtful", one) for one in export.observation.doubtful]
    lines += [f"  {what}: {one.file} line {one.line}: {one.reason}" for what, one in kept[:MOST_SHOWN]]
    if len(kept) > MOST_SHOWN:
        lines.append(f"  ... and {len(kept) - MOST_SHOWN:,} more; --json lists them all")
    lines += ["", *(f"! {caution.message}" for caution in counted.warnings)]
    return "\n".join(lines)
