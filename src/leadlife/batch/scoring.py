"""Scores of many leads by SQL: what has a closed form runs in DuckDB, and the rest is folded."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa

from leadlife.batch import score_sql
from leadlife.batch.closed_forms import ClosedForms, Form, NoClosedForm
from leadlife.batch.columns import DEMANDED, FACT_SCHEMA, Source, open_columns, parquet_files
from leadlife.batch.countable import set_apart
from leadlife.batch.dialects import DUCKDB, Dialect
from leadlife.batch.outputs import SCORES, SET_ASIDE, table_of
from leadlife.batch.partitions import checked_number, noting
from leadlife.batch.replays import replay
from leadlife.batch.rows import micros
from leadlife.errors import LeadlifeError, Malformed, Unreadable
from leadlife.playbook.playbook import Playbook
from leadlife.playbook.recycling_rules import KeptScores
from leadlife.scoring.policy import Policy
from leadlife.timing import instant

SQL = "sql"
MOST_DISTINCT = 1_000_000
"""So many distinct values of a field, or attributes of activities, are asked about; with more, a policy is folded."""


class ScoreTable(NamedTuple):
    """The scores of many leads.

    Attributes:
        table: One row a lead and policy, with the columns ``SCORES``.
        ways: For each policy ``sql``, or why it was folded.
        folded: How many leads were folded besides: merged or erased ones, and those with a fact that cannot be read.
        set_aside: The leads that had to be folded and could not be, with the reason.
    """

    table: pa.Table
    ways: Mapping[str, str]
    folded: int
    set_aside: pa.Table


def score_leads(
    facts: Source,
    playbook: Playbook,
    policies: Sequence[str] = (),
    *,
    at: datetime,
    trusted: bool = False,
    workers: int = 1,
) -> ScoreTable:
    """Score many leads at an instant by policies of a playbook.

    Points, fit, grid and the policies made of them are compiled to SQL, wherever they have a closed form. The others
    are folded. Each lead's score is that of ``journey.under(playbook).as_of(at=at).score(name, at=at)``, to the last
    micropoint.

    Args:
        facts: Where the facts come from: see ``fact_columns``.
        playbook: Whose policies score, for all leads.
        policies: The names of the policies; by default all of the playbook.
        at: The instant.
        trusted: Whether all facts stand as a journey has recorded them: each can be read, no key comes twice, and
            nothing was retracted. Then that is not looked for, which is much faster.
        workers: How many threads and processes work.

    Raises:
        Malformed: The facts are not such columns, or a policy is unknown.
        Unreadable: A file cannot be read.
    """
    at = instant(at)
    checked_number("workers", workers)
    forms, closed, ways = translated(playbook, wanted_policies(playbook, policies), at, DUCKDB)
    with duckdb.connect(config={"threads": workers}) as connection:
        try:
            _relation(connection, facts)
            tables, apart, aside = [], 0, [table_of(SET_ASIDE, ())]
            if closed:
                try:
                    apart = set_apart(connection, playbook, trusted=trusted)
                    tables.append(_by_sql(connection, forms, closed, micros(at)))
                except NoClosedForm as reason:
                    ways |= {policy.name: str(reason) for policy, _ in closed}
            folded = [name for name, way in ways.items() if way != SQL]
            rest = [name for name, way in ways.items() if way == SQL] if apart else []
            for some, query in ((folded, ""), (rest, "WHERE lead IN (FROM apart)")):
                if some:
                    come = replay(
                        connection.sql(f"SELECT {_AS_GIVEN} FROM facts {query}"),
                        playbook,
                        under=playbook,
                        as_of=at,
                        tables=(),
                        scores=some,
                        workers=workers,
                    )
                    tables.append(come.scores)
                    aside.append(come.set_aside)
        except duckdb.Error as error:
            raise Unreadable(f"the facts cannot be read: {error}") from None
    return ScoreTable(pa.concat_tables(tables), ways, apart, pa.concat_tables(aside))


def wanted_policies(playbook: Playbook, names: str | Sequence[str]) -> list[Policy]:
    """Return the policies of some names; all of the playbook where there are none.

    Raises:
        Malformed: A name is unknown, or the playbook has no scores.
    """
    names = (names,) if isinstance(names, str) else tuple(names) or tuple(playbook.score_by_name)
    if not names:
        raise Malformed(f"playbook {playbook.ref} has no scores", hint="add one: playbook.with_score(policy)")
    return [playbook.policy(name) for name in dict.fromkeys(names)]


def translated(
    playbook: Playbook, policies: Iterable[Policy], at: datetime, dialect: Dialect
) -> tuple[ClosedForms, list[tuple[Policy, Form]], dict[str, str]]:
    """Return the closed forms of policies, and for each policy ``sql``, or why it has none."""
    forms, closed, ways = ClosedForms(playbook, at, dialect), list[tuple[Policy, Form]](), dict[str, str]()
    cut = any(rule.scores is not KeptScores.KEEP for rule in playbook.recycling)
    for policy in policies:
        try:
            if cut:
                raise NoClosedForm("a recycling halves scores or starts them afresh")  # noqa: TRY301
            closed.append((policy, forms.form(policy)))
            ways[policy.name] = SQL
        except NoClosedForm as reason:
            ways[policy.name] = str(reason)
    return forms, closed, ways


def _by_sql(
    connection: duckdb.DuckDBPyConnection,
    forms: ClosedForms,
    closed: list[tuple[Policy, Form]],
    at: int,
) -> pa.Table:
    """Return the scores by policies that have a closed form.

    Raises:
        NoClosedForm: There are too many distinct values to ask about.
    """
    base = "counted"
    connection.register("term_rule", _table(score_sql.TermRule._fields, score_sql.term_rules(forms.terms, at), _RULE))
    matched = [
        (place, name, payload)
        for place, term in enumerate(forms.terms)
        if term.matches is not None
        for name, payload in _distinct(connection, score_sql.attributes_seen(base, term, at, DUCKDB))
        if term.matches(attributes_of(payload))
    ]
    types: tuple[pa.DataType, ...] = (pa.int32(), pa.string(), pa.string())
    connection.register("term_match", _table(("term", "name", "payload"), matched, types))
    if forms.verdicts:
        fields = [verdict.field for verdict in forms.verdicts]
        connection.execute(f"CREATE TEMP TABLE latest AS {score_sql.latest_fields(base, fields, at, DUCKDB)}")
        seen = _distinct(connection, "SELECT DISTINCT name, value FROM latest")
        rows = score_sql.verdict_rows(forms, seen)
        connection.register("field_verdict", _table(("place", "field", "value_of", "code"), rows, (*types, pa.int8())))
    query = score_sql.scores(base, forms, closed, at=at, dialect=DUCKDB)
    return connection.sql(query).to_arrow_table().cast(SCORES)


_RULE = (pa.int32(), pa.string(), pa.int64(), pa.float64(), pa.int64(), pa.bool_())


def _table(names: Sequence[str], rows: Iterable[tuple[object, ...]], types: Sequence[pa.DataType]) -> pa.Table:
    return table_of(pa.schema([pa.field(name, kind) for name, kind in zip(names, types, strict=True)]), rows)


def _distinct(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = connection.execute(f"{query} LIMIT {MOST_DISTINCT + 1}").fetchall()
    if len(found) > MOST_DISTINCT:
        raise NoClosedForm(f"there are more than {MOST_DISTINCT:,} distinct values to ask about")
    return found


def attributes_of(payload: str) -> dict[str, object]:
    """Return the attributes of an activity out of the column ``payload``."""
    found = json.loads(payload) if payload else {}
    attributes: dict[str, object] = found.get("attributes", {})
    return attributes


def _relation(connection: duckdb.DuckDBPyConnection, facts: Source) -> None:
    """Name facts ``facts``, with the columns ``FACT_SCHEMA``; files are read where they lie, only what is asked for.

    Raises:
        Malformed: The facts are not such columns.
        Unreadable: A file cannot be read.
    """
    files = parquet_files(facts) if isinstance(facts, str | Path) else {}
    # DuckDB rounds instants of other units in its own way, so those are read in ours.
    if files and not any(_is_finer(schema) for schema in files.values()):
        selects = [_select(file, schema) for file, schema in files.items()]
        connection.execute(f"CREATE TEMP VIEW facts AS {' UNION ALL '.join(selects)}")
        for name in DEMANDED:
            query = f"SELECT count(*) FROM facts WHERE {_RENAMED.get(name, name)} IS NULL"
            blank = connection.execute(query).fetchall()[0][0]
            if blank:
                raise Malformed(f"{blank} rows have no {name}", hint="a fact says whose it is, what happened and when")
        return
    faults: list[LeadlifeError] = []
    connection.register("given", noting(open_columns(facts), faults))
    columns = ", ".join(f'"{name}" AS {_RENAMED.get(name, name)}' for name in FACT_SCHEMA.names)
    try:
        connection.execute(f"CREATE TEMP TABLE facts AS SELECT {columns} FROM given")
    except duckdb.Error:
        if faults:
            raise faults[0] from None
        raise


_RENAMED = {"at": "at_us", "key": "own_key"}
_AS_GIVEN = ", ".join(f'{_RENAMED.get(name, name)} AS "{name}"' for name in FACT_SCHEMA.names)


def _is_finer(schema: pa.Schema) -> bool:
    return any(pa.types.is_timestamp(field.type) and field.type.unit != "us" for field in schema)


def _select(file: Path, schema: pa.Schema) -> str:
    columns = []
    for field in FACT_SCHEMA:
        name, wanted = f'"{field.name}"', "VARCHAR" if field.type == pa.string() else "BIGINT"
        if field.name not in schema.names:
            value = "NULL"
        elif pa.types.is_timestamp(schema.field(field.name).type):
            value = f"epoch_us({name})"
        else:
            value = name
        value = f"coalesce({value}, 'main')" if field.name == "pipeline" else value
        columns.append(f"CAST({value} AS {wanted}) AS {_RENAMED.get(field.name, field.name)}")
    # The name is not a pattern, and the folders that it lies in say nothing of the facts.
    name = "".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(file))
    return f"SELECT {', '.join(columns)} FROM read_parquet({DUCKDB.text(name)}, hive_partitioning = FALSE)"
