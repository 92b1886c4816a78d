"""Partitions: facts divided by a hash of the lead into Parquet files, so that each part fits into memory."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from leadlife.batch.columns import FACT_SCHEMA, Source, open_columns
from leadlife.errors import LeadlifeError, Malformed, Unreadable

ROWS_A_PARTITION = 250_000
"""So many facts of common size take some 500 MB while they are folded."""
MOST_PARTITIONS = 1_000
_MEMORY = "2GB"
"""So much is kept in memory while facts are divided; what is more waits on the disk."""
_WAITING = 5_000_000
"""Without any word of how many facts there are, they are divided as if there were so many."""


def number_of_partitions(rows: int | None, workers: int) -> int:
    """Return into how many parts facts are divided: each small enough, and several for each worker."""
    wanted = -(-(_WAITING if rows is None else rows) // ROWS_A_PARTITION)
    return min(max(wanted, 1 if workers == 1 else 4 * workers), MOST_PARTITIONS)


def write_facts(source: Source, path: str | Path, *, parts: int | None = None) -> int:
    """Write facts into a Parquet file, or divided into a folder, and return how many.

    Args:
        source: Where they come from: see ``fact_columns``.
        path: The file, which is replaced when the new one is complete; with ``parts``, a new or empty folder.
        parts: Into how many parts they are divided by lead: the folder ``part=0`` and so on. Each holds whole leads, so
            what folds one needs no other.

    Raises:
        Malformed: As for ``fact_columns``.
        Unreadable: A file cannot be read or written.
    """
    path = Path(path)
    if parts is not None:
        checked_number("parts", parts)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise Malformed(f"{path} is not an empty folder", hint="choose another one; nothing was written")
        beside = path.with_name(f"{path.name}.new")
        written = divide(open_columns(source), beside, parts, threads=1)
        if path.exists():
            path.rmdir()
        beside.replace(path)
        return written
    # Beside, and under its name when it is complete: so a fault leaves the old file, which may be the source itself.
    reader, written, beside = open_columns(source), 0, path.with_name(f"{path.name}.new")
    try:
        with pq.ParquetWriter(str(beside), FACT_SCHEMA) as writer:
            for batch in reader:
                writer.write_batch(batch)
                written += batch.num_rows
        beside.replace(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise Unreadable(f"{path} cannot be written: {str(error).partition(chr(10))[0][:200]}") from None
    finally:
        beside.unlink(missing_ok=True)
    return written


def checked_number(name: str, number: object) -> None:
    """Check that a number of workers or parts is one.

    Raises:
        Malformed: It is not a whole number from 1.
    """
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise Malformed(f"{name} must be a whole number from 1", hint=f"this machine has {os.cpu_count()} processors")


def divide(facts: pa.RecordBatchReader, folder: Path, number: int, *, threads: int) -> int:
    """Write facts into so many parts by a hash of the lead, and return how many facts there are.

    All facts of a lead, in every pipeline, come into one part. Whatever was in the folder before is removed.

    Raises:
        Malformed: A batch has no fact where one should be.
        Unreadable: A file cannot be read.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with duckdb.connect(config={"threads": threads, "preserve_insertion_order": False}) as connection:
        connection.execute(f"SET temp_directory = '{_quoted(folder / 'spill')}'")
        connection.execute(f"SET memory_limit = '{_MEMORY}'")
        faults: list[LeadlifeError] = []
        connection.register("facts", noting(facts, faults))
        try:
            columns = ", ".join(f'"{name}"' for name in FACT_SCHEMA.names)  # ``at`` is a word of SQL
            connection.execute(
                f"COPY (SELECT {columns}, hash(lead) % {number} AS part FROM facts) TO '{_quoted(folder)}' "
                "(FORMAT parquet, PARTITION_BY (part), COMPRESSION zstd, OVERWRITE_OR_IGNORE)"
            )
        except duckdb.Error as error:
            raise faults[0] if faults else Unreadable(f"the facts cannot be divided: {error}") from None
    shutil.rmtree(folder / "spill", ignore_errors=True)
    return sum(pq.read_metadata(file).num_rows for file in folder.rglob("*.parquet"))


def part(folder: Path, number: int) -> pa.Table:
    """Return the facts of one part, sorted by lead and pipeline."""
    files = sorted((folder / f"part={number}").glob("*.parquet"))
    tables = [pq.ParquetFile(file).read(columns=FACT_SCHEMA.names).cast(FACT_SCHEMA) for file in files]
    table = pa.concat_tables(tables) if tables else FACT_SCHEMA.empty_table()
    return table.sort_by([("lead", "ascending"), ("pipeline", "ascending")])


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def noting(facts: pa.RecordBatchReader, faults: list[LeadlifeError]) -> pa.RecordBatchReader:
    """Return the same facts; an error of ours that ends the reading is noted, because DuckDB restates it as a text."""

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            yield from facts
        except LeadlifeError as error:
            faults.append(error)
            raise

    return pa.RecordBatchReader.from_batches(FACT_SCHEMA, batches())
