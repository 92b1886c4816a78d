"""The same replay and the same scores on Spark: on a cluster, in local mode, or over Spark Connect.

Needs the extra ``spark``, and Java where Spark itself runs. A replay is lazy, and nothing is collected: its facts are
divided by lead with a shuffle, and each part is folded in Python beside the others. leadlife must be installed for the
Python of the workers.
"""

# pyright: reportMissingImports=false
# pyspark is large, so the machine that checks the types need not have it.

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyarrow as pa

from leadlife.batch import score_sql
from leadlife.batch.closed_forms import ClosedForms, NoClosedForm
from leadlife.batch.columns import FACT_SCHEMA, check_columns
from leadlife.batch.countable import CONTENT, contents, leads_apart, unreadable
from leadlife.batch.dialects import SPARK
from leadlife.batch.folding import Folder, without_collector
from leadlife.batch.outputs import TABLES, Asked, Output, schema_of
from leadlife.batch.replays import asked_of
from leadlife.batch.rows import micros
from leadlife.batch.scoring import MOST_DISTINCT, attributes_of, translated, wanted_policies
from leadlife.errors import Malformed, MissingExtra, did_you_mean
from leadlife.playbook.playbook import Playbook
from leadlife.playbook.registry import PlaybookRegistry
from leadlife.timing import instant

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ROWS_A_BATCH = 10_000
"""So many rows go back to Spark at a time."""
_OR_FOLD = "score by leadlife.batch.spark.replay(..., table='scores', scores=[...])"
_SPARK_TYPES = {
    pa.string(): "STRING",
    pa.int8(): "TINYINT",
    pa.int32(): "INT",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
    pa.list_(pa.string()): "ARRAY<STRING>",
}


def replay(
    facts: DataFrame,
    playbook: Playbook | Iterable[Playbook],
    *,
    as_of: datetime | None = None,
    table: str = "leads",
    scores: Sequence[str] = (),
    under: Playbook | None = None,
    partitions: int | None = None,
) -> DataFrame:
    """Return one table of a replay as a Spark data frame; see ``leadlife.batch.replay`` for what each means.

    It is lazy. A journey that cannot be folded has a row in the table ``leads``, with the reason in ``problem``, and in
    the table ``set_aside``.

    Args:
        facts: The facts, with the columns ``leadlife.batch.FACT_SCHEMA``; ``lead``, ``kind`` and ``at`` must be there.
        playbook: Every playbook that the facts name.
        as_of: As of when; by default each journey's own latest fact.
        table: ``leads``, ``visits``, ``cycles``, ``qualifications``, ``derived``, ``scores`` or ``set_aside``.
        scores: The policies to score by, for the table ``scores``.
        under: A playbook that stands in for every other.
        partitions: Into how many parts the facts are divided; by default as Spark is set up.

    Raises:
        Malformed: A column is missing, unknown or of another type; or a table or policy is unknown.
        MissingExtra: In local mode, the Python that Spark would start is another one, or lacks leadlife.
    """
    if table != "set_aside" and table not in TABLES:
        raise Malformed(f"there is no table {table!r}", hint=did_you_mean(table, [*TABLES, "set_aside"]))
    if (table == "scores") is not bool(scores):
        raise Malformed("the table 'scores' needs the names of policies", hint="pass table='scores', scores=[...]")
    registry = PlaybookRegistry(PlaybookRegistry.of(playbook), override=under)
    asked = asked_of(registry, as_of, [] if table in ("scores", "set_aside") else [table], scores)
    _check_python(facts.sparkSession)
    conformed = _conformed(facts)
    by_lead = conformed.repartition("lead") if partitions is None else conformed.repartition(partitions, "lead")
    fold = _folding(tuple(registry), registry.override, asked, table)
    return by_lead.sortWithinPartitions("lead", "pipeline").mapInArrow(fold, _ddl(schema_of(table)))


def _folding(
    playbooks: tuple[Playbook, ...], override: Playbook | None, asked: Asked, table: str
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return what a worker does with the batches of one part, which are sorted by lead and pipeline."""

    def fold(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        output = Output(asked)
        folder = Folder(PlaybookRegistry(playbooks, override=override), output)
        cast = (batch.cast(FACT_SCHEMA) for batch in batches)
        with without_collector():
            for _ in folder.fold_all(cast):
                if output.held >= ROWS_A_BATCH:
                    yield from output.take()[table].to_batches(max_chunksize=ROWS_A_BATCH)
            yield from output.take()[table].to_batches(max_chunksize=ROWS_A_BATCH)

    return fold


def score_leads(
    facts: DataFrame, playbook: Playbook, policies: Sequence[str] = (), *, at: datetime, trusted: bool = False
) -> DataFrame:
    """Return scores as a Spark data frame with the columns ``SCORES``; see ``leadlife.batch.score_leads``.

    What has a closed form runs as Spark SQL, the rest is folded. It is lazy but for what must be known beforehand: the
    distinct values of the fields that criteria ask about, the distinct attributes where rules ask for some, whether any
    lead was merged or erased, and, unless all is trusted, the distinct contents, are looked up at once.

    Args:
        facts: The facts, as for ``replay``.
        playbook: Whose policies score, for all leads.
        policies: The names of the policies; by default all of the playbook.
        at: The instant.
        trusted: Whether all facts stand: each can be read, no key comes twice, and nothing was retracted.

    Raises:
        Malformed: As for ``replay``.
        MissingExtra: As for ``replay``, where something must be folded.
    """
    at, spark = instant(at), facts.sparkSession
    wanted = wanted_policies(playbook, policies)
    forms, closed, ways = translated(playbook, wanted, at, SPARK)
    given = _conformed(facts)
    tables: list[DataFrame] = []
    if closed:
        named = given.withColumnRenamed("at", "at_us").withColumnRenamed("key", "own_key")
        views = _Views(spark)
        base = views.add("facts", named)
        apart = _apart(views, base, playbook, trusted=trusted)
        if apart.limit(1).count():
            base = views.add("counted", named.join(apart, "lead", "left_anti"))
            rest = given.join(apart, "lead", "left_semi")
            names = [policy.name for policy, _ in closed]
            tables.append(replay(rest, playbook, under=playbook, as_of=at, table="scores", scores=names))
        if not trusted:
            base = views.add("stands", spark.sql(score_sql.standing(base)))
        _small_tables(views, forms, base, micros(at))
        query = score_sql.scores(base, forms, closed, at=micros(at), dialect=SPARK, suffix=views.suffix)
        tables.append(spark.sql(query))
    folded = [name for name, way in ways.items() if way != "sql"]
    if folded:
        tables.append(replay(given, playbook, under=playbook, as_of=at, table="scores", scores=folded))
    first, *others = tables
    for other in others:
        first = first.unionByName(other)
    return first


def _apart(views: _Views, facts: str, playbook: Playbook, *, trusted: bool) -> DataFrame:
    """Return the leads that are folded.

    Raises:
        Malformed: There are too many distinct contents to look at each.
    """
    # Which of two facts comes first that nobody has recorded yet is decided when they are recorded.
    queries = [f"SELECT DISTINCT lead FROM {facts} WHERE {score_sql.IS_NEW} AND coalesce(own_key, id) IS NOT NULL"]
    bad = None
    if not trusted:
        rows = views.spark.sql(contents(facts, SPARK)).collect()
        try:
            found = unreadable([tuple(row) for row in rows], playbook)
        except NoClosedForm as error:
            raise Malformed(str(error), hint=_OR_FOLD) from None
        if found:
            bad = views.table("bad", found, _ddl(CONTENT))
    queries += leads_apart(facts, SPARK, trusted=trusted, bad=bad)
    return views.spark.sql(" UNION ".join(queries))


class _Views:
    """Temporary views under names of their own, so that two calls in one session never meet."""

    def __init__(self, spark: SparkSession) -> None:
        self.spark: SparkSession = spark
        self.suffix: str = f"_{uuid4().hex[:12]}"

    def add(self, name: str, frame: DataFrame) -> str:
        """Name a data frame, and return its name."""
        own = f"{name}{self.suffix}"
        frame.createOrReplaceTempView(own)
        return own

    def table(self, name: str, rows: Sequence[tuple[Any, ...]], columns: str) -> str:
        """Name a small table, and return its name."""
        return self.add(name, self.spark.createDataFrame(list(rows), columns))


def _small_tables(views: _Views, forms: ClosedForms, base: str, at: int) -> None:
    rules = [tuple(rule) for rule in score_sql.term_rules(forms.terms, at)]
    columns = "term INT, kind STRING, size BIGINT, half_life DOUBLE, after BIGINT, tested BOOLEAN"
    views.table("term_rule", rules, columns)
    matched = [
        (place, row["name"], row["payload"])
        for place, term in enumerate(forms.terms)
        if term.matches is not None
        for row in _few(views.spark.sql(score_sql.attributes_seen(base, term, at, SPARK)))
        if term.matches(attributes_of(row["payload"]))
    ]
    views.table("term_match", matched, "term INT, name STRING, payload STRING")
    if forms.verdicts:
        fields = [verdict.field for verdict in forms.verdicts]
        latest = views.spark.sql(score_sql.latest_fields(base, fields, at, SPARK))
        views.add("latest", latest)
        seen = [(row["name"], row["value"]) for row in _few(latest.select("name", "value").distinct())]
        rows = score_sql.verdict_rows(forms, seen)
        views.table("field_verdict", rows, "place INT, field STRING, value_of STRING, code INT")


def _few(frame: DataFrame) -> list[Any]:
    rows: list[Any] = frame.limit(MOST_DISTINCT + 1).collect()
    if len(rows) > MOST_DISTINCT:
        raise Malformed(f"there are more than {MOST_DISTINCT:,} distinct values to ask about", hint=_OR_FOLD)
    return rows


def _conformed(facts: DataFrame) -> DataFrame:
    """Return facts with all columns in their order and of their types; instants as timestamps become microseconds."""
    from pyspark.sql import functions as f  # noqa: PLC0415
    from pyspark.sql.types import TimestampType  # noqa: PLC0415

    schema = facts.schema
    check_columns(_arrow(schema))
    columns = []
    for field in FACT_SCHEMA:
        if field.name not in schema.names:
            column = f.lit(None)
        elif isinstance(schema[field.name].dataType, TimestampType):
            column = f.unix_micros(f.col(field.name))
        else:
            column = f.col(field.name)
        column = column.cast(_SPARK_TYPES[field.type])
        column = f.coalesce(column, f.lit("main")) if field.name == "pipeline" else column
        columns.append(column.alias(field.name))
    return facts.select(*columns)


def _arrow(schema: Any) -> pa.Schema:
    """Return the columns of a Spark data frame as Arrow would have them, for the check of columns."""
    from pyspark.sql.types import IntegralType, StringType, TimestampType  # noqa: PLC0415

    known = ((StringType, pa.string()), (IntegralType, pa.int64()), (TimestampType, pa.timestamp("us", tz="UTC")))
    return pa.schema(
        [
            pa.field(one.name, next((arrow for kind, arrow in known if isinstance(one.dataType, kind)), pa.binary()))
            for one in schema.fields
        ]
    )


def _ddl(schema: pa.Schema) -> str:
    return ", ".join(f"`{field.name}` {_SPARK_TYPES[field.type]}" for field in schema)


_CHECK = "import sys, leadlife.batch.spark; print(*sys.version_info[:2])"


def _check_python(spark: SparkSession) -> None:
    """Check that the Python that Spark starts on this machine is of our version, and has leadlife.

    On a cluster, and over Spark Connect, the workers' Python is not to be seen from here.

    Raises:
        MissingExtra: It is another one.
    """
    if not hasattr(spark, "_jsc") or not str(spark.sparkContext.master).startswith("local"):
        return
    python = spark.sparkContext.pythonExec
    found = shutil.which(python)
    hint = f"set PYSPARK_PYTHON={sys.executable} before the session starts"
    if found is None:
        raise MissingExtra(f"Spark would start {python!r}, which is not there", hint=hint)
    if os.path.samefile(found, sys.executable):  # noqa: PTH121
        return
    answer = subprocess.run([found, "-c", _CHECK], capture_output=True, text=True, check=False)  # noqa: S603
    if answer.stdout.split() != [str(part) for part in sys.version_info[:2]]:
        raise MissingExtra(f"Spark would start {found}, a Python of another version, or without leadlife", hint=hint)
