"""Which facts SQL may count: those that stand, of leads about which there is no doubt. The others are set apart.

A lead is set apart, and folded, if it was merged or erased, or if one of its facts says nothing that a fact can hold:
then the fold tells what is wrong with it, as a replay does. Of leads with a key that comes twice, or with a
retraction, SQL counts what stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import duckdb
import pyarrow as pa

from leadlife._base.model import LONGEST_ID
from leadlife.batch import score_sql
from leadlife.batch.closed_forms import NoClosedForm
from leadlife.batch.dialects import DUCKDB, Dialect
from leadlife.batch.outputs import table_of
from leadlife.batch.rows import DATED, FIRST, LAST, RowReader
from leadlife.errors import LeadlifeError
from leadlife.facts import PlaybookAdopted, Started
from leadlife.playbook.playbook import Playbook

MOST_CONTENTS = 1_000_000
"""So many distinct contents are looked at; a log with more is folded."""
CONTENT = pa.schema(
    [
        *((name, pa.string()) for name in ("kind", "name", "value", "payload")),
        ("is_new", pa.bool_()),
        ("dated", pa.int64()),
    ]
)
"""What a row says, whoever says it; and when, where that decides whether it can be said."""
Content = tuple[str, "str | None", "str | None", "str | None", bool, "int | None"]


def _dated(dialect: Dialect) -> str:
    return f"CASE WHEN f.kind IN ({score_sql.listed(DATED, dialect)}) THEN f.at_us END"


def contents(facts: str, dialect: Dialect) -> str:
    """Return a query for the distinct contents of facts, one more of them at most than are looked at."""
    said = f"kind, name, value, payload, {score_sql.IS_NEW} AS is_new, {_dated(dialect)} AS dated"
    return f"SELECT DISTINCT {said} FROM {facts} AS f LIMIT {MOST_CONTENTS + 1}"


def unreadable(found: Sequence[Content], playbook: Playbook) -> list[Content]:
    """Return the contents that no fact can have; of one that nobody has recorded, in words of the playbook.

    Raises:
        NoClosedForm: There are too many to look at each.
    """
    if len(found) > MOST_CONTENTS:
        raise NoClosedForm(
            f"there are more than {MOST_CONTENTS:,} distinct contents to look at; say trusted=True if all stand"
        )
    return [content for content in found if not _holds(content, playbook)]


def _holds(content: Content, playbook: Playbook) -> bool:
    kind, name, value, payload, is_new, dated = content
    try:
        fact = RowReader(playbook.ref).content(kind, name, value, payload, at=dated)
        if is_new and not isinstance(fact, Started | PlaybookAdopted):
            playbook.admit(fact)
    except LeadlifeError:
        return False
    return True


def leads_apart(facts: str, dialect: Dialect, *, trusted: bool, bad: str | None = None) -> list[str]:
    """Return queries for the leads that are set apart.

    Args:
        facts: The name of the facts.
        dialect: The SQL to write.
        trusted: Whether all facts stand, as recorded facts do: then nothing but merges and erasures is looked for.
        bad: The name of the table of contents that no fact can have, if there are any.
    """
    special = score_sql.listed(score_sql.SPECIAL, dialect)
    doubts = [f"kind IN ({special})", f"at_us < {FIRST}", f"at_us >= {LAST}"]
    if trusted:
        return [_leads(facts, doubts)]
    doubts += ["seq < 0", f"recorded_at < {FIRST}", f"recorded_at >= {LAST}"]
    doubts += [*_no_id("id", dialect), *_no_id("own_key", dialect)]
    owners = f"(SELECT DISTINCT lead, pipeline FROM {facts})"  # far fewer than rows
    queries = [
        _leads(facts, doubts),
        _leads(owners, [*_no_id("lead", dialect), *_no_id("pipeline", dialect)]),
        _ids_with_two_keys(facts),
    ]
    if bad is not None:
        same = [f"f.{name} IS NOT DISTINCT FROM b.{name}" for name in CONTENT.names[:4]]
        same += [f"{score_sql.IS_NEW} = b.is_new", f"{_dated(dialect)} IS NOT DISTINCT FROM b.dated"]
        queries.append(f"SELECT DISTINCT f.lead FROM {facts} AS f JOIN {bad} AS b ON {' AND '.join(same)}")
    return queries


def _leads(facts: str, doubts: Iterable[str]) -> str:
    return f"SELECT DISTINCT lead FROM {facts} WHERE {' OR '.join(doubts)}"


def _no_id(name: str, dialect: Dialect) -> list[str]:
    """Return what tells that a text is not an identifier."""
    control = dialect.like.format(text=name, pattern=dialect.text(r"[\x00-\x1f\x7f]"))
    return [f"length({name}) NOT BETWEEN 1 AND {LONGEST_ID}", control]


def _ids_with_two_keys(facts: str) -> str:
    """Return a query for the leads with an id under two keys: it names one fact, so the fold says what is wrong."""
    return f"""
        SELECT DISTINCT lead FROM {facts}
        WHERE id IS NOT NULL AND lead IN (SELECT lead FROM {facts} WHERE own_key IS NOT NULL)
        GROUP BY lead, pipeline, id HAVING count(DISTINCT coalesce(own_key, id)) > 1"""


def set_apart(connection: duckdb.DuckDBPyConnection, playbook: Playbook, *, trusted: bool) -> int:
    """Name what counts ``counted``, and the leads that are folded ``apart``; return how many those are.

    Args:
        connection: Where the facts are named ``facts``.
        playbook: Whose names facts may use that nobody has recorded yet.
        trusted: Whether all facts stand.

    Raises:
        NoClosedForm: There are too many distinct contents to look at each.
    """
    bad = [] if trusted else unreadable(connection.execute(contents("facts", DUCKDB)).fetchall(), playbook)
    if bad:
        connection.register("bad", table_of(CONTENT, bad))
    queries = leads_apart("facts", DUCKDB, trusted=trusted, bad="bad" if bad else None)
    connection.execute(f"CREATE TEMP TABLE apart AS {' UNION '.join(queries)}")
    base = "facts" if trusted else _standing(connection)
    apart = _number(connection, "apart")
    rest = "WHERE lead NOT IN (FROM apart)" if apart else ""
    connection.execute(f"CREATE TEMP VIEW counted AS SELECT * FROM {base} {rest}")
    return apart


def _number(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])


def _standing(connection: duckdb.DuckDBPyConnection) -> str:
    """Return the name of the facts that stand. Few leads have a key twice or a retraction, so only those are sorted."""
    identity = "hash(lead, pipeline, coalesce(own_key, id))"
    connection.execute(
        f"CREATE TEMP TABLE dubious AS SELECT DISTINCT lead FROM facts WHERE kind = 'retracted' OR {identity} IN ("
        f"SELECT same FROM (SELECT {identity} AS same FROM facts WHERE coalesce(own_key, id) IS NOT NULL) "
        "GROUP BY same HAVING count(*) > 1)"
    )
    if not _number(connection, "dubious"):
        return "facts"
    # Which of two facts comes first that nobody has recorded yet is decided when they are recorded.
    connection.execute(
        f"INSERT INTO apart SELECT DISTINCT lead FROM facts WHERE lead IN (FROM dubious) AND {score_sql.IS_NEW}"
    )
    connection.execute(
        f"CREATE TEMP TABLE sorted_out AS {score_sql.standing('(FROM facts WHERE lead IN (FROM dubious))')}"
    )
    connection.execute(
        "CREATE TEMP VIEW stands AS SELECT * FROM facts WHERE lead NOT IN (FROM dubious) "
        "UNION ALL BY NAME FROM sorted_out"
    )
    return "stands"
