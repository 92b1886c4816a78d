"""Replaying many journeys: divided by lead, folded beside one another, with the answers as columns.

This file passes 400 lines, because one replay is a story from the question to the columns.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import cached_property
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from leadlife.batch import work
from leadlife.batch.columns import FACT_SCHEMA, ROWS_A_BATCH, Source, open_columns
from leadlife.batch.folding import Folder, without_collector
from leadlife.batch.outputs import TABLES, Asked, Output, schema_of
from leadlife.batch.partitions import ROWS_A_PARTITION, checked_number, divide, number_of_partitions
from leadlife.errors import Malformed, Unreadable, did_you_mean
from leadlife.facts import Fact
from leadlife.journey import Journey
from leadlife.playbook.playbook import Playbook
from leadlife.playbook.registry import PlaybookRegistry
from leadlife.timing import instant

ALL = ("leads", "visits", "cycles", "qualifications", "derived", "refusals")
"""The tables that are made if nobody says which; ``grants`` is made where it is asked for."""
FORMAT = 1


class Progress(NamedTuple):
    """How far a replay has come.

    Attributes:
        done: How many partitions are done.
        partitions: How many there are.
        leads: How many journeys were folded so far.
        facts: How many facts those have.
        set_aside: How many journeys could not be folded.
        later: How many begin after the instant that was asked for; they are in no table.
    """

    done: int
    partitions: int
    leads: int
    facts: int
    set_aside: int
    later: int = 0

    def __str__(self) -> str:
        aside = f", {self.set_aside:,} set aside" if self.set_aside else ""
        later = f", {self.later:,} came later" if self.later else ""
        return f"{self.done} of {self.partitions} parts, {self.leads:,} leads, {self.facts:,} facts{aside}{later}"


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

        Its instants are microseconds since 1970, UTC; ``instants`` makes timestamps of them.

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
        folder = self.folder or Path()
        if not (folder / name).is_dir():
            raise _no_table(name, (path.name for path in folder.iterdir()))
        return ds.dataset(folder / name, schema=schema_of(name), format="parquet")

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
    made = [one for one in known if one in TABLES or one == "set_aside"]
    return Malformed(f"there is no table {name!r}: it was not asked for", hint=did_you_mean(name, made))


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

    Each journey is folded as ``Journey.replay`` folds it; facts that no journey has recorded yet are recorded in
    order of time. They are divided by lead, so memory is bounded by a part, in whatever order they come. A journey that
    cannot be folded is set aside with the reason, and the others go on.

    Args:
        facts: Where the facts come from: see ``fact_columns``.
        playbook: Every playbook that the facts name; the first is that of journeys that nobody has recorded yet.
        as_of: As of when; by default each journey's own latest fact.
        tables: Which tables are wanted: ``leads``, ``visits``, ``cycles``, ``qualifications``, ``grants``,
            ``refusals``, ``derived``.
        scores: The policies to score each lead by; the table is ``scores``.
        out: A folder for the tables. If the work is broken off, the same call goes on where it was. Without it, the
            tables are kept in memory.
        workers: How many processes fold beside one another.
        partitions: Into how many parts the facts are divided; by default by their number.
        under: A playbook that stands in for every other: what would have been.
        progress: Called after each part with how far the work is.

    Raises:
        Malformed: The facts are not such columns, a table or a policy is unknown, or the folder holds another replay or
            lies among the facts.
        Unreadable: A file cannot be read.
        MissingExtra: Several workers are asked for, and loky is not installed.
    """
    registry = PlaybookRegistry(PlaybookRegistry.of(playbook), override=under)
    asked = asked_of(registry, as_of, tables, scores)
    checked_number("workers", workers)
    if partitions is not None:
        checked_number("partitions", partitions)
    rows = _rows(facts)
    if rows is None and not isinstance(facts, str | Path):
        facts = _begun(facts)
        rows = _rows(facts)
    small = rows is not None and rows <= ROWS_A_PARTITION
    if out is None and workers == 1 and partitions is None and small:
        return _at_once(facts, registry, asked, progress)
    number = partitions or number_of_partitions(rows, workers)
    task = _Task(facts, registry, asked, workers)
    if out is not None:
        if isinstance(facts, str | Path) and Path(out).resolve().is_relative_to(Path(facts).resolve()):
            raise Malformed(f"{out} lies among the facts, which would be read with the tables", hint="choose another")
        return _in_folder(task, Path(out), number, progress)
    with tempfile.TemporaryDirectory(prefix="leadlife-") as folder:
        done = _in_folder(task, Path(folder), number, progress)
        kept = {name: done.table(name) for name in (*asked.tables, "set_aside")}
    return Replayed(kept, None, done.progress, asked.as_of)


def asked_of(
    registry: PlaybookRegistry,
    as_of: datetime | None,
    tables: Sequence[str],
    scores: Sequence[str],
) -> Asked:
    """Return what is asked of each journey.

    Raises:
        Malformed: A table or a policy is unknown.
    """
    names = (tables,) if isinstance(tables, str) else tuple(tables)
    policies = (scores,) if isinstance(scores, str) else tuple(scores)
    known = [name for name in TABLES if name != "scores"]
    for name in names:
        if name not in known:
            raise Malformed(f"there is no table {name!r}", hint=did_you_mean(str(name), known))
    for policy in policies:
        (registry.first if registry.override is None else registry.override).policy(policy)
    wanted = (*dict.fromkeys(names), *(("scores",) if policies else ()))
    return Asked(None if as_of is None else instant(as_of), wanted, policies)


def _rows(facts: Source) -> int | None:
    """Return how many facts there are, where that is known without reading them."""
    if isinstance(facts, str | Path):
        path = Path(facts)
        files = path.rglob("*.parquet") if path.is_dir() else [path]
        try:
            return sum(int(pq.read_metadata(file).num_rows) for file in files)
        except (OSError, pa.ArrowInvalid):
            return None  # reading it says why
    if isinstance(facts, list | tuple):
        found = [_rows(one) for one in facts]
        return None if None in found else sum(one for one in found if one is not None)
    if isinstance(facts, Journey):
        return facts.version
    if isinstance(facts, Fact):
        return 1
    rows = facts.num_rows if isinstance(facts, pa.Table | pa.RecordBatch) else None
    return None if rows is None else int(rows)


def _begun(facts: Source) -> Source:
    """Return facts as a table where they are few; else as a reader, of which the first part has been read."""
    reader, batches, rows = open_columns(facts), list[pa.RecordBatch](), 0
    for batch in reader:
        batches.append(batch)
        rows += batch.num_rows
        if rows > ROWS_A_PARTITION:
            return pa.RecordBatchReader.from_batches(FACT_SCHEMA, chain(batches, reader))
    return pa.Table.from_batches(batches, FACT_SCHEMA)


def _at_once(
    facts: Source, registry: PlaybookRegistry, asked: Asked, progress: Callable[[Progress], object] | None
) -> Replayed:
    """Replay what fits into memory, without any file."""
    table = open_columns(facts).read_all().sort_by([("lead", "ascending"), ("pipeline", "ascending")])
    output = Output(asked)
    with without_collector():
        for _ in Folder(registry, output).fold_all(table.to_batches(max_chunksize=ROWS_A_BATCH)):
            pass
    come = Progress(1, 1, output.leads, output.facts, output.left_out, output.later)
    if progress is not None:
        progress(come)
    return Replayed(output.take(), None, come, asked.as_of)


def _in_folder(task: _Task, out: Path, number: int, progress: Callable[[Progress], object] | None) -> Replayed:
    """Replay by way of files, and go on with what was begun before."""
    # What is marked as done is never done again, so a call that was broken off goes on, and a finished one reads.
    number = _prepared(task, out, number)
    job = work.Job(uuid4().hex, tuple(task.registry), task.registry.override, task.asked, out / "parts", out)
    done = work.marked(out)
    left = [one for one in range(number) if one not in done]
    come = _sum(done.values(), number)
    for one in work.here(job, left) if task.workers == 1 else work.side_by_side(job, left, task.workers):
        done[one.number] = one
        come = _sum(done.values(), number)
        if progress is not None:
            progress(come)
    shutil.rmtree(out / "parts", ignore_errors=True)
    shutil.rmtree(out / "working", ignore_errors=True)
    return Replayed(None, out, come, task.asked.as_of)


def _sum(done: Iterable[work.Done], number: int) -> Progress:
    parts = list(done)
    sums = (sum(numbers) for numbers in zip(*(one[1:] for one in parts), strict=True))
    return Progress(len(parts), number, *(sums if parts else (0, 0, 0, 0)))


def _prepared(task: _Task, out: Path, number: int) -> int:
    """Divide the facts, unless that is done, and return into how many parts.

    Raises:
        Malformed: The folder holds something else.
    """
    manifest = out / "manifest.json"
    if out.exists() and not out.is_dir():
        raise Malformed(f"{out} is a file", hint="name a folder for the tables")
    known: dict[str, Any] = {}
    if manifest.is_file():
        try:
            known = json.loads(manifest.read_text(encoding="utf-8"))
            number = int(known["partitions"])
        except (ValueError, KeyError, TypeError):
            raise Unreadable(f"{manifest} cannot be read", hint="choose another folder, or remove this one") from None
        whole = (out / "parts").is_dir() or len(work.marked(out)) == number
        digest = known["digest"] if not whole or task.has_files else _digest(open_columns(task.facts))
        if (known["request"], known["digest"]) != (task.request(), digest):
            hint = "the facts, playbooks, as_of, tables and scores must be the same; choose another folder"
            raise Malformed(f"{out} holds the tables of another replay", hint=hint)
        if whole:
            return number
    elif out.is_dir() and any(out.iterdir()):
        raise Malformed(f"{out} is not empty, and holds no replay", hint="choose an empty folder")
    for name in ("working", "done", "set_aside", *task.asked.tables):
        (out / name).mkdir(parents=True, exist_ok=True)
    # The manifest comes before the work, so that a call that dies while dividing is known to be this one; the parts get
    # their name last, so that half of them is never taken for all.
    note = {"partitions": number, "request": task.request(), "digest": None}
    _write(manifest, note)
    hashed, facts = blake2b(digest_size=16), open_columns(task.facts)
    divide(facts if task.has_files else _hashing(facts, hashed), out / "dividing", number, threads=task.workers)
    _write(manifest, note if task.has_files else {**note, "digest": hashed.hexdigest()})
    (out / "dividing").replace(out / "parts")
    return number


def _write(manifest: Path, note: dict[str, Any]) -> None:
    # Written beside and then renamed: whoever is interrupted leaves the old manifest or the new one, never half of one.
    written = manifest.with_suffix(".new")
    written.write_text(json.dumps(note, indent=2), encoding="utf-8")
    written.replace(manifest)


def _hashing(facts: pa.RecordBatchReader, hashed: blake2b) -> pa.RecordBatchReader:
    """Return the same facts, which are hashed while they are read, however they are cut into batches."""

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in facts:
            # Row by row: how facts are cut into batches, and what Arrow keeps beside them, says nothing of them.
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                hashed.update(repr(row).encode("utf-8", "surrogatepass"))
            yield batch

    return pa.RecordBatchReader.from_batches(FACT_SCHEMA, batches())


def _digest(facts: pa.RecordBatchReader) -> str:
    hashed = blake2b(digest_size=16)
    for _ in _hashing(facts, hashed):
        pass
    return hashed.hexdigest()


class _Task(NamedTuple):
    """What a call of ``replay`` asks for."""

    facts: Source
    registry: PlaybookRegistry
    asked: Asked
    workers: int

    @property
    def has_files(self) -> bool:
        """Whether the facts are files, which are known again by name, size and time; others by their content."""
        return isinstance(self.facts, str | Path)

    def request(self) -> dict[str, object]:
        """Return what tells one replay from another, as plain values."""
        asked, under = self.asked, self.registry.override
        return {
            "format": FORMAT,
            "facts": list(_fingerprint(self.facts)),
            "playbooks": [str(one.digest) for one in self.registry],
            "under": None if under is None else under.digest,
            "as_of": None if asked.as_of is None else asked.as_of.isoformat(),
            "tables": list(asked.tables),
            "scores": list(asked.scores),
        }


def _fingerprint(facts: Source) -> Iterator[list[object]]:
    """Yield name, size and time of each file."""
    if isinstance(facts, str | Path):
        path = Path(facts)
        for file in sorted(path.rglob("*.parquet")) if path.is_dir() else [path]:
            if file.is_file():
                found = file.stat()
                yield [str(file.absolute()), found.st_size, found.st_mtime_ns]
