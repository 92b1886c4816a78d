"""Which facts SQL may count: those that stand, of leads about which there is no doubt. The others are set apart.

A lead is set apart, and folded, if it was merged or erased, or if one of its facts says nothing that a fact can hold:
then the fold tells what is wrong with it, as a replay does. Of leads with a key that comes twice, or with a
retraction, SQL counts what stands.
"""

from __future__ import annotations

import duckdb
import pyarrow as pa

from leadlife.batch import score_sql
from leadlife.batch.closed_forms import NoClosedForm
from leadlife.batch.dialects import DUCKDB
from leadlife.batch.rows import FIRST, LAST, RowReader
from leadlife.errors import LeadlifeError
from leadlife.facts import PlaybookAdopted, Started
from leadlife.playbook.playbook import Playbook

MOST_CONTENTS = 1_000_000
"""So many distinct contents are looked at; a log with more is folded."""
_CONTENT = f"kind, name, value, payload, {score_sql.IS_NEW} AS is_new"


def set_apart(connection: duckdb.DuckDBPyConnection, playbook: Playbook, *, settled: bool) -> int:
    """Name what counts ``counted``, and the leads that are folded ``apart``; return how many those are.

    Args:
        connection: Where the facts are named ``facts``.
        playbook: Whose names facts may use that nobody has recorded yet.
        settled: Whether all facts stand, as recorded facts do: then nothing but merges and erasures is looked for.

    Raises:
        NoClosedForm: There are too many distinct contents to look at each.
    """
    kinds = score_sql.listed(score_sql.SPECIAL, DUCKDB)
    connection.execute(
        f"CREATE TEMP TABLE apart AS SELECT DISTINCT lead FROM facts WHERE kind IN ({kinds}) "
        f"OR at_us < {FIRST} OR at_us >= {LAST}"
    )
    if not settled:
        _set_unreadable_apart(connection, playbook)
    base = "facts" if settled else _standing(connection)
    apart = _number(connection, "apart")
    rest = "WHERE lead NOT IN (FROM apart)" if apart else ""
    connection.execute(f"CREATE TEMP VIEW counted AS SELECT * FROM {base} {rest}")
    return apart


def _number(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])


def _set_unreadable_apart(connection: duckdb.DuckDBPyConnection, playbook: Playbook) -> None:
    contents = connection.execute(f"SELECT DISTINCT {_CONTENT} FROM facts LIMIT {MOST_CONTENTS + 1}").fetchall()
    if len(contents) > MOST_CONTENTS:
        raise NoClosedForm(
            f"there are more than {MOST_CONTENTS:,} distinct contents to look at; say settled=True if all stand"
        )
    bad = [content for content in contents if not _holds(content, playbook)]
    if not bad:
        return
    names = ("kind", "name", "value", "payload", "is_new")
    columns = [
        pa.array(column, pa.bool_() if name == "is_new" else pa.string())
        for name, column in zip(names, zip(*bad, strict=True), strict=True)
    ]
    connection.register("bad", pa.table(columns, names))
    same = [f"f.{name} IS NOT DISTINCT FROM b.{name}" for name in names[:4]]
    same += ["(f.seq IS NULL OR f.id IS NULL) = b.is_new"]
    connection.execute(
        f"INSERT INTO apart SELECT DISTINCT f.lead FROM facts AS f JOIN bad AS b ON {' AND '.join(same)}"
    )


def _holds(content: tuple[str, str | None, str | None, str | None, bool], playbook: Playbook) -> bool:
    """Return whether a content is that of a fact; of one that nobody has recorded, in words of the playbook."""
    kind, name, value, payload, is_new = content
    try:
        fact = RowReader(playbook.ref).content(kind, name, value, payload)
        if is_new and not isinstance(fact, Started | PlaybookAdopted):
            playbook.admit(fact)
    except LeadlifeError:
        return False
    return True


def _standing(connection: duckdb.DuckDBPyConnection) -> str:
    """Return the name of the facts that stand. Few leads have a key twice or a retraction, so only those are sorted."""
    identity = "hash(lead, pipeline, coalesce(own_key, id))"
    connection.execute(
        f"CREATE TEMP TABLE dubious AS SELECT DISTINCT lead FROM facts WHERE kind = 'retracted' OR {identity} IN ("
        f"SELECT same FROM (SELECT {identity} AS same FROM facts WHERE coalesce(own_key, id) IS NOT NULL) "
        "GROUP BY same HAVING count(*) > 1)"
    )
    # An id names one fact: where it stands under two keys, the fold says that the log cannot be read.
    connection.execute(
        "INSERT INTO apart SELECT DISTINCT lead FROM facts WHERE id IS NOT NULL AND lead IN "
        "(SELECT lead FROM facts WHERE own_key IS NOT NULL) GROUP BY lead, pipeline, id "
        "HAVING count(DISTINCT coalesce(own_key, id)) > 1"
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
