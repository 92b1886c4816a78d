"""Work on partitions: one after another here, or side by side in processes of their own.

A partition is folded as a whole and written at once, so what was begun and not done is simply done again. Where a
process dies, it is known at which journey: if it dies there a second time, that journey is set aside.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from pickle import PicklingError
from typing import Any, NamedTuple, Self

import pyarrow as pa
import pyarrow.parquet as pq

from leadlife.batch import partitions
from leadlife.batch.columns import ROWS_A_BATCH
from leadlife.batch.folding import Folder, without_collector
from leadlife.batch.outputs import Asked, Output, schema_of
from leadlife.errors import Malformed, MissingExtra, Unreadable
from leadlife.playbook.playbook import Playbook
from leadlife.playbook.registry import PlaybookRegistry

ROWS_A_GROUP = 100_000
DIED = "the process died while this journey was folded, twice: it may need more memory than there is"
_PLACE = struct.Struct("<q")


class Job(NamedTuple):
    """What every worker needs to know.

    Attributes:
        token: A name for this job, under which a worker keeps the playbooks.
        playbooks: The playbooks.
        override: A playbook that stands in for every other.
        asked: What is asked of each journey.
        facts: The folder of the divided facts.
        out: The folder of the tables.
    """

    token: str
    playbooks: tuple[Playbook, ...]
    override: Playbook | None
    asked: Asked
    facts: Path
    out: Path


class Done(NamedTuple):
    """What became of one partition: how many journeys and facts were folded, were set aside, or begin later."""

    number: int
    leads: int
    facts: int
    set_aside: int
    later: int


_REGISTRIES: dict[str, PlaybookRegistry] = {}


def fold_part(job: Job, number: int, without: frozenset[int] = frozenset()) -> Done:
    """Fold one partition, and write its tables.

    Args:
        job: What every worker needs to know.
        number: The number of the partition.
        without: The places of journeys that are not folded, because a process died at them.
    """
    registry = _REGISTRIES.get(job.token)
    if registry is None:
        _REGISTRIES.clear()
        registry = _REGISTRIES[job.token] = PlaybookRegistry(job.playbooks, override=job.override)
    output = Output(job.asked)
    facts = partitions.part(job.facts, number).to_batches(max_chunksize=ROWS_A_BATCH)
    with without_collector(), _Tables(job, number) as tables, _begun(job, number).open("wb", buffering=0) as begun:

        def begins(place: int) -> str | None:
            os.pwrite(begun.fileno(), _PLACE.pack(place), 0)  # a few bytes of cache, which outlive the process
            return DIED if place in without else None

        for _ in Folder(registry, output).fold_all(facts, begins):
            if output.held >= ROWS_A_GROUP:
                tables.write(output.take())
        tables.write(output.take())
    done = Done(number, output.leads, output.facts, output.left_out, output.later)
    _begun(job, number).unlink()
    mark(job.out, done)
    return done


def _begun(job: Job, number: int) -> Path:
    return job.out / "working" / f"{number}.begun"


def mark(out: Path, done: Done) -> None:
    """Note that a partition is done: from now on nobody folds it again."""
    path = out / "done" / f"{done.number}.json"
    written = path.with_suffix(".new")
    written.write_text(json.dumps(done._asdict()), encoding="utf-8")
    written.replace(path)


def marked(out: Path) -> dict[int, Done]:
    """Return the partitions that are done, by their number."""
    found: dict[int, Done] = {}
    for path in (out / "done").glob("*.json"):
        with suppress(ValueError, TypeError):  # a power cut may leave an empty file: then it is done again
            done = Done(**json.loads(path.read_text(encoding="utf-8")))
            found[done.number] = done
    return found


class _Tables:
    """The files of one partition; they appear under their names when all of them are complete."""

    def __init__(self, job: Job, number: int) -> None:
        names = (*job.asked.tables, "set_aside")
        self._paths = {name: job.out / "working" / f"{number}.{name}" for name in names}
        self._final = {name: job.out / name / f"part-{number:05}.parquet" for name in names}
        self._writers: dict[str, pq.ParquetWriter] = {}

    def __enter__(self) -> Self:
        for name, path in self._paths.items():
            self._writers[name] = pq.ParquetWriter(str(path), schema_of(name), compression="zstd")
        return self

    def write(self, tables: dict[str, pa.Table]) -> None:
        for name, table in tables.items():
            self._writers[name].write_table(table)

    def __exit__(self, kind: object, *_: object) -> None:
        for name, writer in self._writers.items():
            writer.close()
            if kind is None:
                self._paths[name].replace(self._final[name])


def here(job: Job, numbers: Sequence[int]) -> Iterator[Done]:
    """Fold partitions one after another in this process."""
    return (fold_part(job, number) for number in numbers)


def side_by_side(job: Job, numbers: Sequence[int], workers: int) -> Iterator[Done]:
    """Fold partitions in so many processes, and yield each when it is done.

    Raises:
        Malformed: A playbook holds code that no other process can be given.
        MissingExtra: loky is not installed.
        Unreadable: A process dies twice before it has begun with a part.
    """
    try:
        from concurrent.futures.process import BrokenProcessPool  # noqa: PLC0415

        from loky import as_completed, get_reusable_executor  # noqa: PLC0415
    except ModuleNotFoundError:
        raise MissingExtra("several workers need loky", hint="pip install 'leadlife[batch]', or workers=1") from None
    waiting = list(numbers)
    executor = get_reusable_executor(max_workers=workers)
    try:
        lost: list[int] = []
        futures = {executor.submit(fold_part, job, number): number for number in waiting}
        for future in as_completed(futures):
            try:
                yield future.result()
            except BrokenProcessPool:
                lost.append(futures[future])
            except (PicklingError, TypeError) as error:
                hint = "use workers=1, or define what the playbook holds in a module"
                raise Malformed(f"the playbook cannot be handed to another process: {error}", hint=hint) from None
        for number in sorted(lost):
            yield _alone(job, number, get_reusable_executor, BrokenProcessPool)
    finally:
        get_reusable_executor(max_workers=workers).shutdown(wait=True, kill_workers=True)


def _alone(job: Job, number: int, executor: Callable[..., Any], broken: type[Exception]) -> Done:
    """Fold one partition in a process of its own, and leave out the journeys at which it dies twice.

    Raises:
        Unreadable: It dies before the first of them.
    """
    without: set[int] = set()
    last: int | None = None
    begun = _begun(job, number)
    while True:
        begun.unlink(missing_ok=True)
        try:
            done: Done = (
                executor(max_workers=1, kill_workers=True).submit(fold_part, job, number, frozenset(without)).result()
            )
        except broken:
            kept = begun.read_bytes() if begun.is_file() else b""
            if not kept:
                problem = f"the process died before the first journey of part {number}"
                raise Unreadable(problem, hint="it may need more memory: give partitions= a larger number") from None
            place = _PLACE.unpack(kept)[0]
            if place == last:
                without.add(place)
            last = place
        else:
            return done
