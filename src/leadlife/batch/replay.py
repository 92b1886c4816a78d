"""Replaying many journeys: divided by lead, folded beside one another, with the answers as columns."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from leadlife.batch import work
from leadlife.batch.columns import FACTS, ROWS_A_BATCH, Source, open_columns
from leadlife.batch.folding import Folder
from leadlife.batch.outputs import SET_ASIDE, TABLES, Asked, Output
from leadlife.batch.partitions import ROWS_A_PARTITION, divide, number_of_partitions
from leadlife.errors import Malformed, Unreadable, did_you_mean
from leadlife.playbook.playbook import Playbook
from leadlife.playbook.registry import PlaybookRegistry
from leadlife.timing import instant

ALL = ("leads", "visits", "cycles", "qualifications", "derived")
FORMAT = 1


class Progress(NamedTuple):
    """How far a replay has come.

    Attributes:
        done: How many partitions are done.
        partitions: How many there are.
        leads: How many journeys were folded so far.
        facts: How many facts those have.
        set_aside: How many journeys could not be folded.
    """

    done: int
    partitions: int
    leads: int
    facts: int
    set_aside: int

    def __str__(self) -> str:
        aside = f", {self.set_aside:,} set aside" if self.set_aside else ""
        return f"{self.done} of {self.partitions} parts, {self.leads:,} leads, {self.facts:,} facts{aside}"


class Replayed:
    """What a replay gave: a table for each question, and what was set aside.

    Attributes:
        as_of: As of when; None for each journey's own latest fact.
        folder: Where the tables are; None where they are in memory only.
        progress: How many journeys and facts there were.
    """

    def __init__(
        self, tables: dict[str, pa.Table] | None, folder: Path | None, progress: Progress, as_of: datetime | None
    ) -> None:
        """Take the tables, or the folder that they are in."""
        self._tables = tables
        self.folder: Path | None = folder
        self.progress: Progress = progress
        self.as_of: datetime | None = as_of

    def table(self, name: str) -> pa.Table:
        """Return one of the tables: ``leads``, ``visits``, ``cycles``, ``qualifications``, ``derived``, ``scores``.

        Its instants are microseconds since 1970, UTC; :func:`instants` makes timestamps of them.

        Raises:
            Malformed: It was not asked for.
        """
        if self._tables is not None:
            if name not in self._tables:
                raise _no_table(name, self._tables)
            return self._tables[name]
        return self.dataset(name).to_table()

    def dataset(self, name: str) -> ds.Dataset:
        """Return one of the tables as a dataset, which is read in parts.

        Raises:
            Malformed: It was not asked for.
        """
        if self._tables is not None:
            return ds.dataset(self.table(name))
        assert_folder = self.folder or Path()
        if not (assert_folder / name).is_dir():
            raise _no_table(name, (path.name for path in assert_folder.iterdir()))
        schema = SET_ASIDE if name == "set_aside" else TABLES[name][0]
        return ds.dataset(assert_folder / name, schema=schema, format="parquet")

    @cached_property
    def leads(self) -> pa.Table:
        """Where each lead stands, one row a journey."""
        return self.table("leads")

    @cached_property
    def visits(self) -> pa.Table:
        """Every visit of a stage."""
        return self.table("visits")

    @cached_property
    def cycles(self) -> pa.Table:
        """Every buying episode."""
        return self.table("cycles")

    @cached_property
    def qualifications(self) -> pa.Table:
        """What is held."""
        return self.table("qualifications")

    @cached_property
    def derived(self) -> pa.Table:
        """What the playbook concluded, as facts."""
        return self.table("derived")

    @cached_property
    def scores(self) -> pa.Table:
        """The scores that were asked for."""
        return self.table("scores")

    @cached_property
    def set_aside(self) -> pa.Table:
        """The journeys that could not be folded, with the reason."""
        return self.table("set_aside")

    def __repr__(self) -> str:
        return f"<Replayed {self.progress}>"


def _no_table(name: str, known: Iterable[str]) -> Malformed:
    names = [one for one in known if one in TABLES or one == "set_aside"]
    hint = did_you_mean(name, names) or f"ask for it: tables=[..., {name!r}]"
    return Malformed(f"there is no table {name!r}", hint=hint)


def replay(
    facts: Source,
    playbook: Playbook | Iterable[Playbook],
    *,
    as_of: datetime | None = None,
    tables: Sequence[str] = ALL,
    scores: Sequence[str] = (),
    out: str | Path | None = None,
    workers: int = 1,
    partitions: int | None = None,
    under: Playbook | None = None,
    progress: Callable[[Progress], object] | None = None,
) -> Replayed:
    """Replay the facts of many journeys, and return where each stands, as columns.

    Each journey is folded as :meth:`Journey.replay` folds it; facts that no journey has recorded yet are recorded in
    order of time. They are divided by lead, so memory is bounded by a part, in whatever order they come. A journey that
    cannot be folded is set aside with the reason, and the others go on.

    Args:
        facts: Where the facts come from: see :func:`fact_columns`.
        playbook: Every playbook that the facts name; the first is that of journeys that nobody has recorded yet.
        as_of: As of when; by default each journey's own latest fact.
        tables: Which tables are wanted: ``leads``, ``visits``, ``cycles``, ``qualifications``, ``derived``.
        scores: The policies to score each lead by; the table is ``scores``.
        out: A folder for the tables. If the work is broken off, the same call goes on where it was. Without it, the
            tables are kept in memory.
        workers: How many processes fold beside one another.
        partitions: Into how many parts the facts are divided; by default by their number.
        under: A playbook that stands in for every other: what would have been.
        progress: Is told after each part how far the work is.

    Raises:
        Malformed: The facts are no such columns, a table or a policy is unknown, or the folder holds another replay.
        Unreadable: A file cannot be read.
        MissingExtra: Several workers are asked for, and loky is not installed.
    """
    registry = PlaybookRegistry.of(playbook) if under is None else PlaybookRegistry(_listed(playbook), override=under)
    asked = _asked(registry, under, as_of, tables, scores)
    if not isinstance(workers, int) or workers < 1:
        raise Malformed("workers must be a whole number from 1", hint=f"this machine has {os.cpu_count()} processors")
    rows = _rows(facts)
    small = rows is not None and rows <= ROWS_A_PARTITION
    if out is None and workers == 1 and partitions is None and small:
        return _at_once(facts, registry, asked, progress)
    number = partitions or number_of_partitions(rows, workers)
    if out is not None:
        return _in_folder(facts, registry, asked, Path(out), number, workers, progress)
    with tempfile.TemporaryDirectory(prefix="leadlife-") as folder:
        done = _in_folder(facts, registry, asked, Path(folder), number, workers, progress)
        kept = {name: done.table(name) for name in (*asked.tables, "set_aside")}
    return Replayed(kept, None, done.progress, asked.as_of)


def _listed(playbook: Playbook | Iterable[Playbook]) -> Iterable[Playbook]:
    return (playbook,) if isinstance(playbook, Playbook) else playbook


def _asked(
    registry: PlaybookRegistry,
    under: Playbook | None,
    as_of: datetime | None,
    tables: Sequence[str],
    scores: Sequence[str],
) -> Asked:
    names = (tables,) if isinstance(tables, str) else tuple(tables)
    policies = (scores,) if isinstance(scores, str) else tuple(scores)
    for name in names:
        if name not in ALL:
            hint = did_you_mean(str(name), ALL) or f"tables are: {', '.join(ALL)}; name policies in scores="
            raise Malformed(f"there is no table {name!r}", hint=hint)
    for policy in policies:
        (under or registry.first).policy(policy)
    wanted = (*dict.fromkeys(names), *(("scores",) if policies else ()))
    return Asked(None if as_of is None else instant(as_of), wanted, policies)


def _rows(facts: Source) -> int | None:
    """Return how many facts there are, where that is known without reading them."""
    if isinstance(facts, str | Path):
        path = Path(facts)
        files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
        try:
            return sum(pq.read_metadata(file).num_rows for file in files)
        except (OSError, pa.ArrowInvalid):
            return None  # reading it says why
    if isinstance(facts, pa.Table | pa.RecordBatch):
        return int(facts.num_rows)
    try:
        return len(facts)
    except TypeError:
        return None


def _at_once(
    facts: Source, registry: PlaybookRegistry, asked: Asked, progress: Callable[[Progress], object] | None
) -> Replayed:
    """Replay what fits into memory, without any file."""
    table = open_columns(facts).read_all().sort_by([("lead", "ascending"), ("pipeline", "ascending")])
    output = Output(asked)
    for _ in Folder(registry, output).fold_all(table.to_batches(max_chunksize=ROWS_A_BATCH)):
        pass
    come = Progress(1, 1, output.leads, output.facts, output.left_out)
    if progress is not None:
        progress(come)
    return Replayed(output.take(), None, come, asked.as_of)


def _in_folder(
    facts: Source,
    registry: PlaybookRegistry,
    asked: Asked,
    out: Path,
    number: int,
    workers: int,
    progress: Callable[[Progress], object] | None,
) -> Replayed:
    """Replay by way of files, and go on with what was begun before."""
    number = _prepared(facts, registry, asked, out, number, workers)
    playbooks = tuple(registry.by_name.values())
    job = work.Job(uuid4().hex, playbooks, registry.override, asked, out / "parts", out)
    done = work.marked(out)
    left = [one for one in range(number) if one not in done]
    come = _sum(done.values(), number)
    folded = work.here(job, left) if workers == 1 else work.side_by_side(job, left, workers)
    for one in folded:
        done[one.number] = one
        come = _sum(done.values(), number)
        if progress is not None:
            progress(come)
    shutil.rmtree(out / "parts", ignore_errors=True)
    shutil.rmtree(out / "working", ignore_errors=True)
    return Replayed(None, out, come, asked.as_of)


def _sum(done: Iterable[work.Done], number: int) -> Progress:
    parts = list(done)
    sums = (sum(one.leads for one in parts), sum(one.facts for one in parts), sum(one.set_aside for one in parts))
    return Progress(len(parts), number, *sums)


def _prepared(
    facts: Source, registry: PlaybookRegistry, asked: Asked, out: Path, number: int, workers: int
) -> int:
    """Divide the facts, unless that is done, and return into how many parts.

    Raises:
        Malformed: The folder holds something else.
    """
    manifest = out / "manifest.json"
    request = _request(facts, registry, asked)
    if manifest.is_file():
        try:
            known = json.loads(manifest.read_text(encoding="utf-8"))
        except ValueError:
            raise Unreadable(f"{manifest} cannot be read", hint="choose another folder, or remove this one") from None
        if known.get("request") != request:
            hint = "choose another folder, or remove this one: facts, playbooks, as_of, tables and scores must be the same"
            raise Malformed(f"{out} holds the tables of another replay", hint=hint)
        if (out / "parts").is_dir() or len(work.marked(out)) == known["partitions"]:
            return int(known["partitions"])
    elif out.is_dir() and any(out.iterdir()):
        raise Malformed(f"{out} is not empty, and holds no replay", hint="choose an empty folder")
    for name in ("working", "done", "set_aside", *asked.tables):
        (out / name).mkdir(parents=True, exist_ok=True)
    divided = out / "dividing"
    divide(open_columns(facts), divided, number, threads=workers)
    divided.replace(out / "parts")
    manifest.write_text(json.dumps({"partitions": number, "request": request}, indent=2), encoding="utf-8")
    return number


def _request(facts: Source, registry: PlaybookRegistry, asked: Asked) -> dict[str, object]:
    """Return what tells one replay from another, as plain values."""
    return {
        "format": FORMAT,
        "facts": list(_fingerprint(facts)),
        "columns": FACTS.names,
        "playbooks": sorted(str(one.digest) for one in registry.by_name.values()),
        "under": None if registry.override is None else registry.override.digest,
        "as_of": None if asked.as_of is None else asked.as_of.isoformat(),
        "tables": list(asked.tables),
        "scores": list(asked.scores),
    }


def _fingerprint(facts: Source) -> Iterator[list[object]]:
    """Yield name, size and time of each file; facts that come from no file are taken to be the same."""
    if isinstance(facts, str | Path):
        path = Path(facts)
        for file in sorted(path.rglob("*.parquet")) if path.is_dir() else [path]:
            if file.is_file():
                found = file.stat()
                yield [str(file.absolute()), found.st_size, found.st_mtime_ns]
