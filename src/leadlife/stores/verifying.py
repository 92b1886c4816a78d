"""Verification: every row is read and checked, the log against the states, and the chain against its head."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from leadlife.errors import LeadlifeError, Malformed
from leadlife.stores import chain
from leadlife.stores.database import Database, Session
from leadlife.stores.encoding import OBSERVED, decode
from leadlife.stores.tables import FACTS, LEADS, SETTINGS, FactRow, LeadRow, Table, tables

_BATCH = 1_000


class Break(NamedTuple):
    """A place where a store is not as it was written.

    Attributes:
        table: The table.
        key: The key of the row, as text.
        problem: What is wrong.
    """

    table: str
    key: str
    problem: str

    def __str__(self) -> str:
        return f"{self.table} {self.key}: {self.problem}"


class Verification(NamedTuple):
    """What a verification found.

    Attributes:
        rows: How many rows were read.
        breaks: What is not as it was written, in the order of the log.
        head: The head of the chain, to be kept elsewhere; None where the store keeps no tamper evidence.
    """

    rows: int
    breaks: tuple[Break, ...]
    head: str | None

    @property
    def sound(self) -> bool:
        """Whether everything is as it was written."""
        return not self.breaks

    def __str__(self) -> str:
        found = f"{self.rows} rows read: " + ("all are as they were written" if self.sound else "some are damaged")
        kept = "no tamper evidence is kept" if self.head is None else f"head of the chain: {self.head}"
        return "\n".join([found, *map(str, self.breaks[:20]), kept])


def verify(database: Database, *, head: str | None) -> Verification:
    """Check a whole store; see ``DatabaseStore.verify``. It needs no playbook, and writes nothing."""
    if head is not None and ":" not in str(head):
        raise Malformed("a head is a position and a hash with a colon between", hint="pass what store.head() returned")
    with database.reading() as session:
        session.hold()
        found = _Found(_Chain(chain.stored_head(session), head))
        for table in tables():
            for row in _rows(session, table):
                found.look_at(table, row)
        return found.result()


class _Found:
    """What has been found so far."""

    def __init__(self, links: _Chain) -> None:
        self._links = links
        self._rows = 0
        self._breaks: list[Break] = []
        self._counts: dict[tuple[str, str], int] = {}

    def look_at(self, table: Table[Any], found: Sequence[Any]) -> None:
        """Check a row, and what it says of others."""
        self._rows += 1
        try:
            row = table.read(found)
        except LeadlifeError:
            self._breaks.append(Break(table.name, _key(table, found), "its checksum does not fit"))
            row = table.row._make(found[:-1])
        if isinstance(row, FactRow):
            self._breaks += self._of_fact(row)
            self._breaks += self._links.follow(row)
        if isinstance(row, LeadRow):
            self._breaks += self._of_lead(row)

    def _of_fact(self, row: FactRow) -> Iterator[Break]:
        if row.kind == OBSERVED:
            self._counts[row.lead, row.pipeline] = self._counts.get((row.lead, row.pipeline), 0) + 1
        try:
            decode([row])
        except LeadlifeError:
            yield Break(FACTS.name, str(row.position), "its content cannot be read, or its personal block was changed")

    def _of_lead(self, row: LeadRow) -> Iterator[Break]:
        held = self._counts.pop((row.lead, row.pipeline), 0)
        if held != row.version:
            key = f"{row.lead}, {row.pipeline}"
            yield Break(LEADS.name, key, f"the log holds {held} facts of it, and its state says {row.version}")

    def result(self) -> Verification:
        """Return what was found."""
        breaks = [*self._breaks, *self._links.end()]
        breaks += [
            Break(LEADS.name, f"{lead}, {pipeline}", f"its state is missing, and the log holds {count} facts of it")
            for (lead, pipeline), count in self._counts.items()
        ]
        return Verification(self._rows, tuple(breaks), self._links.head)


def _rows(session: Session, table: Table[Any]) -> Iterator[Sequence[Any]]:
    """Yield every row of a table unchecked, in the order of its key, a batch at a time."""
    keys = ", ".join(table.key)
    places = [table.named.index(name) for name in table.key]
    after, values = "", dict[str, Any]()
    while True:
        sql = f"SELECT {table.names} FROM {table.name} {after} ORDER BY {keys} LIMIT {_BATCH}"  # noqa: S608
        found = session.select(sql, **values)
        yield from found
        if len(found) < _BATCH:
            return
        blanks = ", ".join(f":after{place}" for place in places)
        after, values = f"WHERE ({keys}) > ({blanks})", {f"after{place}": found[-1][place] for place in places}


def _key(table: Table[Any], found: Sequence[Any]) -> str:
    return ", ".join(str(found[table.named.index(name)]) for name in table.key)


class _Chain:
    """Follows the links of the log, and says where they part."""

    def __init__(self, stored: str | None, kept: str | None) -> None:
        self.head = stored
        self._kept = kept
        self._link = ""
        self._parted = False
        self._at_kept: str | None = None

    def follow(self, row: FactRow) -> Iterator[Break]:
        """Yield the first place at which the chain parts."""
        if self._parted or (self.head is None and row.chain is None):
            return
        self._link = chain.next_link(self._link, row)
        if row.chain != self._link:
            self._parted = True
            yield Break(FACTS.name, str(row.position), "the chain parts here: this row or one before it was changed")
        elif self._kept is not None and self._kept.startswith(f"{row.position}:"):
            self._at_kept = f"{row.position}:{self._link}"

    def end(self) -> Iterator[Break]:
        """Yield what the heads say: the stored one, and the one that was kept elsewhere."""
        if self.head is None:
            if self._link:
                yield Break(SETTINGS.name, chain.HEAD, "the head of the chain was taken away")
            elif self._kept is not None:
                yield Break(FACTS.name, self._kept, "the store keeps no tamper evidence: it is another one")
            return
        if self._parted:
            return
        if self._link != self.head.partition(":")[2]:
            yield Break(FACTS.name, self.head, "the log ends before the head of the chain: its tail was cut")
        elif self._kept is not None and self._kept not in {self._at_kept, chain.EMPTY}:
            yield Break(FACTS.name, self._kept, "the log does not hold this head: it was cut or rewritten")
