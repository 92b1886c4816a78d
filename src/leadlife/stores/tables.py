"""The tables of a store: one named tuple for each, whose fields are its columns.

Instants are whole microseconds since 1970 in UTC, which every database keeps exactly. Every row ends with a checksum
over all its other columns, except those that an erasure empties.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import blake2b
from typing import Any, Generic, NamedTuple, TypeVar, get_args, get_type_hints

from leadlife.errors import Damaged

SCHEMA = 1
"""The version of the tables and of what stands in them."""

PREFIX = "leadlife_"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(at: datetime) -> int:
    """Return an instant as whole microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the instant so many microseconds after 1970."""
    return _EPOCH + micros * _MICROSECOND


class FactRow(NamedTuple):
    """A fact: an observed one, or what the playbook concluded, or took back, when a lead was saved.

    Attributes:
        position: Its place in the store, unique; with the horizon, the order of the commits.
        horizon: The number of the transaction that wrote it, on PostgreSQL; 0 where positions alone are in order.
        kind: ``observed``, ``derived`` or ``withdrawn``.
        lead: Whose.
        pipeline: In which pipeline.
        seq: The journey's own counter.
        id: The id of the fact.
        recorded_at: When it became known.
        schema: The schema number of the content.
        body: The content as JSON, without what stands in other columns.
        digest: The salted hash of the personal block; None without one.
        chain: The hash of this row and of all before it, where the store keeps tamper evidence.
        personal: The personal part of the content as JSON: a key of the host, flagged fields, free text.
        salt: What the digest was salted with.
    """

    position: int
    horizon: int
    kind: str
    lead: str
    pipeline: str
    seq: int
    id: str
    recorded_at: int
    schema: int
    body: str
    digest: str | None
    chain: str | None
    personal: str | None
    salt: str | None


class LeadRow(NamedTuple):
    """Where a lead stands: what lists and boards read without replaying anybody.

    Attributes:
        lead: Whose.
        pipeline: In which pipeline.
        version: How many observed facts there are.
        revision: How often the row was written; time alone changes it as well.
        position: The position of the last row of the lead in the log.
        playbook: The id of the playbook in force.
        playbook_version: Its version.
        stage: The present stage; None before the start.
        status: Its status.
        cycle: The number of the running cycle.
        owner: Who owns the lead.
        readiness: How close to buying it behaves.
        qualifications: The names of what is held, as JSON.
        scores: The scores that have bands, as JSON: value and band.
        recorded_at: When the latest observed fact became known.
        as_of: As of when all this was so.
        wake_at: When time alone changes something of it next; None if only a fact can.
        snapshot: The version that the latest snapshot was made of; 0 without one.
        merged_into: The lead that it goes on as; None for most.
        erased_at: When its data were erased.
    """

    lead: str
    pipeline: str
    version: int
    revision: int
    position: int
    playbook: str
    playbook_version: str
    stage: str | None
    status: str | None
    cycle: int | None
    owner: str | None
    readiness: str | None
    qualifications: str
    scores: str
    recorded_at: int
    as_of: int
    wake_at: int | None
    snapshot: int
    merged_into: str | None
    erased_at: int | None


class HeldRow(NamedTuple):
    """A qualification that a lead holds."""

    name: str
    lead: str
    pipeline: str


class SnapshotRow(NamedTuple):
    """A snapshot, from which a journey goes on without its earlier facts."""

    lead: str
    pipeline: str
    version: int
    body: str


class RequestRow(NamedTuple):
    """A request that was carried out under an idempotency key.

    Attributes:
        lead: Whose.
        pipeline: In which pipeline.
        key: A hash of the key, because keys may be personal.
        content: A hash of what was asked for; empty where the host did not say.
        at: When it was carried out, by the clock of the journey.
    """

    lead: str
    pipeline: str
    key: str
    content: str
    at: int


class BookmarkRow(NamedTuple):
    """How far a consumer has read."""

    consumer: str
    horizon: int
    position: int


class PlaybookRow(NamedTuple):
    """A playbook that a log names."""

    id: str
    version: str
    digest: str
    body: str


class SettingRow(NamedTuple):
    """What holds for the whole store: the schema, the head of the chain, the counter of positions."""

    name: str
    value: str


R = TypeVar("R", bound=tuple[Any, ...])


class Column(NamedTuple):
    """A column: its name, whether it holds text or else an integer, whether it may be empty."""

    name: str
    text: bool
    null: bool


class Index(NamedTuple):
    """An index of a table."""

    name: str
    columns: tuple[str, ...]
    unique: bool = False
    where: str = ""


class Table(Generic[R]):
    """A table, and how its rows are checked.

    Attributes:
        name: Its name in the database.
        row: The named tuple.
        columns: Its columns without the checksum, in the order of the named tuple.
        key: The columns of the primary key.
        indexes: The indexes beside it.
    """

    def __init__(
        self, name: str, row: type[R], key: str, *, indexes: Iterable[Index] = (), erasable: Sequence[str] = ()
    ) -> None:
        hints = get_type_hints(row)
        self.name: str = PREFIX + name
        self.row: type[R] = row
        self.columns: tuple[Column, ...] = tuple(
            Column(field, hint is str or str in get_args(hint), type(None) in get_args(hint))
            for field, hint in hints.items()
        )
        self.key: tuple[str, ...] = tuple(key.split())
        self.indexes: tuple[Index, ...] = tuple(indexes)
        self.names: str = ", ".join(self._all)
        self._sealed = len(self.columns) - len(erasable)

    @property
    def _all(self) -> tuple[str, ...]:
        return (*(column.name for column in self.columns), "checksum")

    def sealed(self, row: R) -> tuple[Any, ...]:
        """Return a row with its checksum, as it is written."""
        return (*row, checksum(row[: self._sealed]))

    def read(self, found: Sequence[Any]) -> R:
        """Return a row that was read.

        Raises:
            Damaged: It is not as it was written.
        """
        row, kept = tuple(found[:-1]), found[-1]
        if checksum(row[: self._sealed]) != kept:
            key = {name: row[place] for place, (name, *_) in enumerate(self.columns) if name in self.key}
            raise Damaged(
                f"a row of {self.name} is not as it was written",
                hint="restore it from a backup; leadlife verify lists every such row",
                details={"table": self.name, "row": {name: str(value) for name, value in key.items()}},
            )
        made: R = self.row._make(row)  # type: ignore[attr-defined]  # every row is a named tuple
        return made

    @property
    def named(self) -> tuple[str, ...]:
        """The names of all columns, the checksum last."""
        return self._all

    def ddl(self) -> list[str]:
        """Return the statements that create the table in SQLite."""

        def typed(column: Column) -> str:
            alone = self.key == (column.name,) and not column.text
            kind = "TEXT" if column.text else "INTEGER"
            return f"{column.name} {kind}{' PRIMARY KEY' * alone}{'' if column.null else ' NOT NULL'}"

        lines = [*map(typed, self.columns), "checksum TEXT NOT NULL"]
        if not any(" PRIMARY KEY" in line for line in lines):
            lines.append(f"PRIMARY KEY ({', '.join(self.key)})")
        made = [f"CREATE TABLE IF NOT EXISTS {self.name} ({', '.join(lines)})"]
        made += [
            f"CREATE {'UNIQUE ' * one.unique}INDEX IF NOT EXISTS {PREFIX}{one.name} ON {self.name} "
            f"({', '.join(one.columns)}){f' WHERE {one.where}' if one.where else ''}"
            for one in self.indexes
        ]
        return made


def checksum(values: Sequence[Any]) -> str:
    """Return the checksum of the columns of a row."""
    # A damaged file may hold bytes where text was written.
    return blake2b(json.dumps(values, default=repr).encode(), digest_size=8).hexdigest()


def _lead_index(column: str) -> Index:
    return Index(f"leads_by_{column}", (column, "lead", "pipeline"))


FACTS: Table[FactRow] = Table(
    "facts",
    FactRow,
    "position",
    indexes=[
        Index("facts_of_a_lead", ("lead", "pipeline", "seq"), unique=True, where="kind = 'observed'"),
        Index("facts_committed", ("horizon", "position")),
    ],
    erasable=("personal", "salt"),
)
LEADS: Table[LeadRow] = Table(
    "leads",
    LeadRow,
    "lead pipeline",
    indexes=[_lead_index(column) for column in ("stage", "status", "owner", "wake_at", "merged_into")],
)
HELD: Table[HeldRow] = Table(
    "held", HeldRow, "name lead pipeline", indexes=[Index("held_by_lead", ("lead", "pipeline"))]
)
SNAPSHOTS: Table[SnapshotRow] = Table("snapshots", SnapshotRow, "lead pipeline")
REQUESTS: Table[RequestRow] = Table("requests", RequestRow, "lead pipeline key")
BOOKMARKS: Table[BookmarkRow] = Table("bookmarks", BookmarkRow, "consumer")
PLAYBOOKS: Table[PlaybookRow] = Table("playbooks", PlaybookRow, "id version")
SETTINGS: Table[SettingRow] = Table("settings", SettingRow, "name")


@cache
def tables() -> tuple[Table[Any], ...]:
    """Return every table of a store."""
    return FACTS, LEADS, HELD, SNAPSHOTS, REQUESTS, BOOKMARKS, PLAYBOOKS, SETTINGS
