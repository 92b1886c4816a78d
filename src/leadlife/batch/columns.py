"""Facts as Arrow columns, out of whatever holds them.

The schema is ``FACT_SCHEMA``. Whatever can be read as such columns is read in batches, so that memory is bounded by a
batch: Parquet files and folders, Arrow tables, readers and datasets, data frames, DuckDB relations, stores, journeys.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import narwhals as nw
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from leadlife.batch.rows import FactRow, RowReader, row_of
from leadlife.errors import Fault, Malformed, Unreadable, article, did_you_mean
from leadlife.facts import Fact
from leadlife.journey import Journey

FACT_SCHEMA: pa.Schema = pa.schema(
    [
        pa.field("lead", pa.string(), nullable=False),
        pa.field("pipeline", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("at", pa.int64(), nullable=False),
        pa.field("recorded_at", pa.int64()),
        pa.field("seq", pa.int64()),
        pa.field("id", pa.string()),
        pa.field("key", pa.string()),
        pa.field("name", pa.string()),
        pa.field("value", pa.string()),
        pa.field("payload", pa.string()),
    ]
)
"""The columns of facts; see ``FactRow`` for what each holds. Instants are microseconds since 1970, UTC."""

DEMANDED = ("lead", "kind", "at")
ROWS_A_BATCH = 50_000
PAGE = 500
Source = Any
"""Where facts come from: a path of a Parquet file or a folder of such, an Arrow table, reader or dataset, a data frame,
a DuckDB relation, a store, journeys, facts, or a list of those."""


def fact_columns(source: Source) -> pa.Table:
    """Return facts as one Arrow table with the columns ``FACT_SCHEMA``.

    Args:
        source: Where they come from.

    Raises:
        Malformed: A column is missing, unknown or of another type, or there is nothing that holds facts.
        Unreadable: A file cannot be read.
    """
    return open_columns(source).read_all()


def facts_of(columns: Source) -> Iterator[Fact]:
    """Yield the facts that columns hold, in the order of the rows.

    Raises:
        Malformed: As for ``fact_columns``; or a row holds no fact.
        Unreadable: A file cannot be read.
    """
    reader = RowReader()
    for batch in open_columns(columns):
        for row in rows_of(batch):
            yield reader.fact(row)


def rows_of(batch: pa.RecordBatch | pa.Table) -> Iterator[FactRow]:
    """Yield the rows of a batch that has the columns ``FACT_SCHEMA``."""
    return map(FactRow._make, zip(*(column.to_pylist() for column in batch.columns), strict=True))


def open_columns(source: Source) -> pa.RecordBatchReader:
    """Return a reader of facts in batches with the columns ``FACT_SCHEMA``.

    Raises:
        Malformed: As for ``fact_columns``.
        Unreadable: A file cannot be read.
    """
    if isinstance(source, list | tuple) and source and not isinstance(source[0], Fact | Journey):
        readers = [open_columns(one) for one in source]
        return _reader(batch for reader in readers for batch in reader)
    found = _native(source)
    if found is None:
        return _reader(_batches(_rows_of_python(source)))
    schema, batches = found
    check_columns(schema)
    return _reader(_conformed(batch) for batch in batches)


def _reader(batches: Iterator[pa.RecordBatch]) -> pa.RecordBatchReader:
    return pa.RecordBatchReader.from_batches(FACT_SCHEMA, batches)


def _native(source: Source) -> tuple[pa.Schema, Iterator[pa.RecordBatch]] | None:
    """Return the schema and the batches of what holds columns; None for what holds journeys or facts."""
    if isinstance(source, str | Path):
        return FACT_SCHEMA, (batch for file in parquet_files(source) for batch in _of_file(file))
    if isinstance(source, pa.RecordBatch):
        source = pa.Table.from_batches([source])
    if isinstance(source, pa.Table):
        return source.schema, iter(source.to_batches(max_chunksize=ROWS_A_BATCH))
    if isinstance(source, pa.RecordBatchReader):
        return source.schema, iter(source)
    if isinstance(source, ds.Dataset):
        return source.schema, _guarded(source.to_batches(batch_size=ROWS_A_BATCH), "the dataset")
    for read in ("to_arrow_reader", "fetch_record_batch"):  # a DuckDB relation, of new and of old
        if hasattr(source, read):
            return _native(getattr(source, read)(ROWS_A_BATCH))
    table = _of_frame(source)
    return None if table is None else _native(table)


def _of_frame(source: Source) -> pa.Table | None:
    """Return a data frame as a table; None for what is none."""
    try:
        frame = nw.from_native(source)
    except TypeError:
        return None
    except nw.exceptions.DuplicateError:
        raise Malformed("two columns of the frame have the same name", hint="rename one of them") from None
    eager = frame.collect() if isinstance(frame, nw.LazyFrame) else frame
    try:
        table = eager.to_arrow()
    except (pa.ArrowTypeError, pa.ArrowInvalid, UnicodeError) as error:
        problem = str(error).replace("\n", " ")[:200]
        hint = "each column holds one type: write the values as JSON text, with json.dumps"
        raise Malformed(f"the frame cannot be read as columns: {problem}", hint=hint) from None
    # pandas keeps the labels of filtered rows as a column of its own, which says nothing of the facts.
    return table.drop_columns([name for name in table.column_names if name.startswith("__index_level_")])


def parquet_files(path: str | Path) -> dict[Path, pa.Schema]:
    """Return the Parquet files of a path, a file or a folder, each with its columns, which can hold facts.

    Raises:
        Malformed: The columns of one cannot.
        Unreadable: One cannot be read, or there is none.
    """
    path = Path(path)
    if not path.exists():
        raise Unreadable(f"there is no file {path}", hint="check the path, and the folder that it starts from")
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    if not files:
        raise Unreadable(f"there is no Parquet file in {path}", hint="name a file, or a folder with *.parquet files")
    found: dict[Path, pa.Schema] = {}
    for file in files:
        try:
            found[file] = pq.read_schema(file)
        except (OSError, pa.ArrowInvalid) as error:
            raise unreadable(file, error) from None
        check_columns(found[file], str(file))
    return found


def _of_file(file: Path) -> Iterator[pa.RecordBatch]:
    try:
        with pq.ParquetFile(file) as opened:
            yield from opened.iter_batches(batch_size=ROWS_A_BATCH)
    except (OSError, pa.ArrowInvalid) as error:
        raise unreadable(file, error) from None


def _guarded(batches: Iterator[pa.RecordBatch], what: object) -> Iterator[pa.RecordBatch]:
    try:
        yield from batches
    except (OSError, pa.ArrowInvalid) as error:
        raise unreadable(what, error) from None


def unreadable(what: object, error: Exception) -> Unreadable:
    """Return the error of what cannot be read or written."""
    reason, hint = str(error).partition("\n")[0][:200], "take it out, or write it again from its source"
    if str(what).endswith((".csv", ".tsv", ".txt", ".json", ".jsonl")):
        hint = "facts as columns are Parquet; read this with pandas, Polars or DuckDB, and pass the frame"
    return Unreadable(f"{what} cannot be read: {reason}", hint=hint)


def check_columns(schema: pa.Schema, where: str = "the facts") -> None:
    """Check that columns can hold facts: all that must be there, none that nobody knows, each of a fitting type."""
    faults = [
        Fault(name, "this column is missing", did_you_mean(name, schema.names))
        for name in DEMANDED
        if name not in schema.names
    ]
    for field in schema:
        if field.name not in FACT_SCHEMA.names:
            faults.append(Fault(field.name, "facts have no such column", did_you_mean(field.name, FACT_SCHEMA.names)))
        elif not _fits(field):
            instants = field.name in ("at", "recorded_at")
            hint = "give microseconds, or instants with a zone" if instants else "cast it"
            if instants and "str" in str(field.type):
                hint = "read the texts as instants first: pd.to_datetime(at, utc=True)"
            expected = FACT_SCHEMA.field(field.name).type
            faults.append(Fault(field.name, f"this column is of type {field.type}, and should be {expected}", hint))
    if len(set(schema.names)) < len(schema.names):
        faults.append(Fault("", "two columns have the same name", "rename one of them"))
    if faults:
        raise Malformed(f"{where} cannot be read as columns:", faults=faults)


def _fits(field: pa.Field) -> bool:
    given, wanted = field.type, FACT_SCHEMA.field(field.name).type
    if pa.types.is_null(given):
        return True
    if pa.types.is_dictionary(given):
        given = given.value_type
    if wanted == pa.string():
        return bool(pa.types.is_string(given) or pa.types.is_large_string(given) or pa.types.is_string_view(given))
    if pa.types.is_timestamp(given):
        return field.name in ("at", "recorded_at") and given.tz is not None
    return bool(pa.types.is_integer(given))


def _conformed(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch with all columns in their order and of their types; what is missing is blank."""
    try:
        columns = [_column(batch, field) for field in FACT_SCHEMA]
    except pa.ArrowInvalid as error:
        problem = str(error).partition("\n")[0][:200]
        raise Malformed(
            f"the columns cannot be read: {problem}", hint="write UTF-8 texts, and instants of our years"
        ) from None
    _check_unit(columns[FACT_SCHEMA.names.index("at")])
    return pa.RecordBatch.from_arrays(columns, schema=FACT_SCHEMA)


def _check_unit(at: pa.Array) -> None:
    """Check that instants are microseconds: seconds and milliseconds of our days would all lie in January 1970."""
    ends = pc.call_function("min_max", [at]).as_py()
    first, last = ends["min"], ends["max"]
    if first is None or not first >= _SECOND or not last < _MILLISECONDS:
        return
    unit = "seconds" if last < _SECONDS else "milliseconds"
    raise Malformed(f"the instants look like {unit}, and must be microseconds since 1970", hint="multiply them")


_SECOND, _SECONDS, _MILLISECONDS = 900_000_000, 10_000_000_000, 10_000_000_000_000
"""Seconds since 1970 from 1998 to 2286, and the milliseconds up to then."""


def _column(batch: pa.RecordBatch, field: pa.Field) -> pa.Array:
    name = field.name
    if name not in batch.schema.names:
        column = pa.nulls(batch.num_rows, field.type)
    else:
        column = batch.column(name)
        if isinstance(column.type, pa.DictionaryType):
            column = column.dictionary_decode()
        if pa.types.is_timestamp(column.type):
            whole = pc.RoundTemporalOptions(unit="microsecond")
            column = pc.call_function("floor_temporal", [column], whole).cast(pa.timestamp("us", tz="UTC"))
        column = column.cast(field.type)
        column.validate(full=True)  # a text may hold any bytes until it is looked at
    if name == "pipeline":
        column = column.fill_null("main")
    if name in DEMANDED and column.null_count:
        place = pc.index(column.is_null(), True).as_py()
        message = f"{column.null_count} rows have no {name}, the first of its batch at row {place}"
        raise Malformed(message, hint="a fact says whose it is, what happened and when; leave such rows out")
    return column


def _batches(rows: Iterator[FactRow]) -> Iterator[pa.RecordBatch]:
    while some := list(islice(rows, ROWS_A_BATCH)):
        yield batch_of(some)


def batch_of(rows: Iterable[FactRow]) -> pa.RecordBatch:
    """Return rows as a batch with the columns ``FACT_SCHEMA``."""
    columns = list(zip(*rows, strict=True)) or [()] * len(FACT_SCHEMA)
    arrays = [pa.array(column, type=field.type) for column, field in zip(columns, FACT_SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=FACT_SCHEMA)


def _rows_of_python(source: Source) -> Iterator[FactRow]:
    """Yield the rows of a store, of journeys, or of facts."""
    if isinstance(source, Journey | Fact):
        source = (source,)
    things = _journeys_of(source) if hasattr(source, "find") and hasattr(source, "load") else source
    if not isinstance(things, Iterable) or isinstance(things, bytes | dict):
        hint = "give a path, an Arrow table, a data frame, a DuckDB relation, a store, journeys, or facts"
        raise Malformed(f"{article(type(source).__name__)} holds no facts", hint=hint)
    for place, one in enumerate(things):
        if isinstance(one, Journey):
            yield from (row_of(fact) for fact in one.facts)
        elif isinstance(one, Fact):
            yield row_of(one)
        else:
            raise Malformed(f"item {place} is {article(type(one).__name__)}, neither a journey nor a fact")


def _journeys_of(store: Any) -> Iterator[Journey]:
    """Yield the journeys of a store, a page at a time."""
    after = None
    while page := store.find(limit=PAGE, after=after):
        yield from (store.load(one.lead, pipeline=one.pipeline) for one in page)
        after = page[-1].key


def instants(table: pa.Table) -> pa.Table:
    """Return a table in which the columns that hold instants are timestamps in UTC instead of numbers."""
    for place, field in enumerate(table.schema):
        if (field.metadata or {}).get(b"unit") == b"us since 1970":
            as_times = table.column(place).cast(pa.timestamp("us", tz="UTC"))
            table = table.set_column(place, pa.field(field.name, as_times.type), as_times)
    return table


def instant_column(name: str) -> pa.Field:
    """Return the field of a column of instants in microseconds since 1970, which ``instants`` knows again."""
    return pa.field(name, pa.int64(), metadata={"unit": "us since 1970"})
