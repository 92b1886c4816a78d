"""Verification: every row is read and checked, the log against the states, and the chain against its head."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from leadlife.errors import LeadlifeError, Malformed
from leadlife.facts import Erased, PlaybookAdopted, Started
from leadlife.stores import chain
from leadlife.stores.database import Database, Session
from leadlife.stores.encoding import OBSERVED, decode
from leadlife.stores.tables import (
    FACTS,
    HELD,
    LEADS,
    PLAYBOOKS,
    SETTINGS,
    FactRow,
    HeldRow,
    LeadRow,
    PlaybookRow,
    SettingRow,
    SnapshotRow,
    Table,
    tables,
)

_BATCH = 1_000

Key = tuple[str, str]
"""A lead and its pipeline."""


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


def verify(database: Database, *, head: Any) -> Verification:
    """Check a whole store; see ``DatabaseStore.verify``. It needs no playbook, and writes nothing."""
    if head is not None and not (isinstance(head, str) and ":" in head):
        raise Malformed("a head is a position and a hash with a colon between", hint="pass what store.head() returned")
    with database.reading() as session:
        session.hold()  # or a lead that is saved meanwhile would have a log and no state
        found = _Found(_Chain(chain.stored_head(session), head))
        for table in tables():
            for row in _rows(session, table):
                found.look_at(table, row)
        return found.result()


class _Found:
    """What has been found so far. The log is read before the states; what they say of a lead is compared at the end."""

    def __init__(self, links: _Chain) -> None:
        self._links = links
        self._rows = 0
        self._breaks: list[Break] = []
        self._counts: Counter[Key] = Counter()
        self._leads: dict[Key, LeadRow] = {}
        self._held: set[tuple[str, str, str]] = set()
        self._emptied: dict[Key, int] = {}
        """Leads that have empty personal blocks, with the position of one."""
        self._tombstones: set[Key] = set()
        """Leads whose log says that they were erased."""
        self._snapshots: set[Key] = set()
        self._playbooks: set[tuple[str, str]] = set()
        self._named: dict[tuple[str, str], int] = {}
        """Playbooks that the log names, with the position of a fact that does."""
        self._settings: set[str] = set()

    def look_at(self, table: Table[Any], found: Sequence[Any]) -> None:
        """Check a row, and what it says of others."""
        self._rows += 1
        try:
            row = table.read(found)
        except LeadlifeError:
            self._break(table, _key(table, found), "its checksum does not fit")
            row = table.row._make(found[:-1])  # damaged as it is, what it says is compared with the rest
        if isinstance(row, FactRow):
            self._breaks += self._links.follow(row)
            try:
                self._of_fact(row)
            except Exception:  # noqa: BLE001 - a damaged file may hold anything
                problem = "its content cannot be read, or its personal block was changed"
                self._break(FACTS, str(row.position), problem)
        elif isinstance(row, LeadRow):
            self._leads[row.lead, row.pipeline] = row
        elif isinstance(row, HeldRow):
            self._held.add((row.lead, row.pipeline, row.name))
        elif isinstance(row, SnapshotRow):
            self._snapshots.add((row.lead, row.pipeline))
        elif isinstance(row, PlaybookRow):
            self._playbooks.add((row.id, row.version))
        elif isinstance(row, SettingRow):
            self._settings.add(row.name)

    def _break(self, table: Table[Any], key: str, problem: str) -> None:
        self._breaks.append(Break(table.name, key, problem))

    def _of_fact(self, row: FactRow) -> None:
        """Note what a fact says, and that it can be read."""
        key = (row.lead, row.pipeline)
        self._counts[key] += row.kind == OBSERVED
        if row.digest is not None and row.salt is None:
            self._emptied.setdefault(key, row.position)
        (fact,) = decode([row], erased=lambda _: True)
        if isinstance(fact, Erased):
            self._tombstones.add(key)
        if isinstance(fact, Started | PlaybookAdopted):
            self._named.setdefault((fact.playbook.id, fact.playbook.version), row.position)

    def result(self) -> Verification:
        """Return what was found."""
        self._breaks += self._links.end()
        for key, row in self._leads.items():
            for problem in self._faults_of(key, row):
                self._break(LEADS, ", ".join(key), problem)
        for key, count in self._counts.items():
            if key not in self._leads and count:
                self._break(LEADS, ", ".join(key), f"its state is missing, and the log holds {count} facts of it")
        for key, position in self._emptied.items():
            if key not in self._tombstones:
                self._break(FACTS, str(position), "its personal block is gone, and the lead was never erased")
        for playbook, position in self._named.items():
            if playbook not in self._playbooks:
                problem = f"it is missing, and the fact at position {position} names it"
                self._break(PLAYBOOKS, " ".join(playbook), problem)
        for name in sorted({"position", "schema"} - self._settings):
            self._break(SETTINGS, name, "it is missing")
        return Verification(self._rows, tuple(self._breaks), self._links.head)

    def _faults_of(self, key: Key, row: LeadRow) -> Iterator[str]:
        """Yield where a state and the rest do not say the same."""
        if self._counts[key] != row.version:
            yield f"the log holds {self._counts[key]} facts of it, and its state says {row.version}"
        if (row.erased_at is not None) is not (key in self._tombstones):
            yield "its state and its log disagree on whether it was erased"
        if row.erased_at is not None and key not in self._snapshots:
            yield "it was erased, and the snapshot of where it stood is missing"
        held = {name for lead, pipeline, name in self._held if (lead, pipeline) == key}
        if row.merged_into is None and held != set(_names(row.qualifications)):
            yield f"its state and {HELD.name} disagree on what it holds"


def _names(text: str) -> list[str]:
    try:
        return [str(name) for name in json.loads(text)]
    except ValueError:  # a break of its own, by its checksum
        return []


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
        # By the last key and not by OFFSET, which reads everything before it again.
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
