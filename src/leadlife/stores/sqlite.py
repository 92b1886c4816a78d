"""SQLite through the standard library: the store that needs nothing else, in a file or in memory."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from leadlife.errors import Damaged, Malformed, StoreUnavailable, Unreadable
from leadlife.stores.tables import PREFIX, SETTINGS, Table, tables

R = TypeVar("R", bound=tuple[Any, ...])

WAIT = 30.0
"""How many seconds a writer waits for another one."""


class SqliteSession:
    """One transaction on a connection of ``sqlite3``."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection: Any = connection

    def select(self, sql: str, /, **values: Any) -> Sequence[Sequence[Any]]:
        """Return the rows of a query."""
        found: list[tuple[Any, ...]] = self.connection.execute(sql, values).fetchall()
        return found

    def run(self, sql: str, /, **values: Any) -> int:
        """Execute a statement and return how many rows it changed."""
        count: int = self.connection.execute(sql, values).rowcount
        return count

    def insert(self, table: Table[R], rows: Sequence[R]) -> None:
        """Write new rows with their checksums."""
        self.connection.executemany(_insertion(table), map(table.sealed, rows))

    def positions(self, count: int) -> tuple[Sequence[int], int]:
        """Return positions for so many new facts: only one session writes at a time, so they follow the commits."""
        return counted(self, count), 0

    def lock(self, name: str) -> None:
        """Do nothing: a session that writes is alone."""

    def hold(self) -> None:
        """Do nothing: a session reads one state of the file."""

    def committed_below(self) -> int | None:
        """Return None: positions follow the commits."""
        return None


def counted(session: Any, count: int) -> range:
    """Return positions from the counter among the settings, which never goes back, even if rows are deleted."""
    kept = session.select(_COUNTER)
    if not kept:
        raise Damaged("the counter of positions is gone", hint="restore the store from a backup")
    last = int(SETTINGS.read(kept[0]).value) + count
    row = SETTINGS.sealed(SETTINGS.row("position", str(last)))
    session.run(_COUNT, value=row[1], checksum=row[2])
    return range(last - count + 1, last + 1)


_COUNTER = f"SELECT {SETTINGS.names} FROM {SETTINGS.name} WHERE name = 'position'"  # noqa: S608 - names of ours
_COUNT = f"UPDATE {SETTINGS.name} SET value = :value, checksum = :checksum WHERE name = 'position'"  # noqa: S608


@cache
def _insertion(table: Table[Any]) -> str:
    blanks = ", ".join("?" * len(table.named))
    return f"INSERT INTO {table.name} ({table.names}) VALUES ({blanks})"  # noqa: S608 - names of ours


class SqliteDatabase:
    """A file of SQLite, or memory. Threads and processes may share a file; connections are kept and used again."""

    def __init__(self, path: Path | None, *, read_only: bool = False) -> None:
        """Open a file, or memory where there is no path.

        Args:
            path: The file.
            read_only: Whether nothing is written, created or set in it.
        """
        self.path = path
        self._read_only = read_only
        self._idle: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        # Memory belongs to one connection, so there sessions take turns.
        self._alone = threading.Lock() if path is None else None
        self._owner: int | None = None
        self._closed = False
        self._process = os.getpid()
        self._inherited: list[sqlite3.Connection] = []

    def _connect(self) -> sqlite3.Connection:
        where = ":memory:" if self.path is None else str(self.path)
        if self._read_only:
            where = f"file:{quote(where)}?mode=ro"
        made = sqlite3.connect(where, timeout=WAIT, isolation_level=None, check_same_thread=False, uri=self._read_only)
        if self._read_only:
            return made
        try:
            made.execute("PRAGMA journal_mode = WAL")
            made.execute("PRAGMA synchronous = FULL")
            made.execute("PRAGMA secure_delete = ON")
        except BaseException:
            made.close()
            raise
        return made

    @contextmanager
    def _session(self, begin: str) -> Iterator[SqliteSession]:
        if self._closed:
            raise StoreUnavailable("the store is closed", hint="open it again")
        if self._alone is not None:
            self._acquire(self._alone)
        connection: sqlite3.Connection | None = None
        try:
            with self._guard:
                if self._process != os.getpid():
                    # A connection is never used, nor closed, by a process that was forked from the one that opened it.
                    self._process, self._inherited, self._idle = os.getpid(), self._idle, []
                connection = self._idle.pop() if self._idle else None
            connection = connection or self._connect()
            connection.execute(begin)
            try:
                yield SqliteSession(connection)
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise
        except sqlite3.DatabaseError as error:
            raise _restated(error) from error
        finally:
            self._hand_back(connection)
            if self._alone is not None:
                self._owner = None
                self._alone.release()

    def _acquire(self, alone: threading.Lock) -> None:
        if self._owner == threading.get_ident():
            raise Malformed(
                "a store in memory was called inside of another call to it", hint="make the calls one by one"
            )
        alone.acquire()
        self._owner = threading.get_ident()

    def _hand_back(self, connection: sqlite3.Connection | None) -> None:
        if connection is None:
            return
        with self._guard:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    @contextmanager
    def reading(self) -> Iterator[SqliteSession]:
        """Return a session that reads one state of the file, whoever writes meanwhile."""
        with self._session("BEGIN") as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[SqliteSession]:
        """Return a session that writes, alone."""
        with self._session("BEGIN IMMEDIATE") as session:
            yield session

    def create(self) -> None:
        """Create the tables that are not there yet."""
        with self.reading() as session:
            known = {row[0] for row in session.select("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if {table.name for table in tables()} <= known:
            return
        with self.writing() as session:
            for table in tables():
                for statement in table.ddl():
                    session.run(statement)
            begin_counting(session)

    def vacuum(self) -> None:
        """Write the file anew, without what was deleted, and empty the write-ahead log."""
        if self.path is None:
            return
        try:
            with closing(self._connect()) as connection:
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.DatabaseError as error:
            raise _restated(error) from error

    def close(self) -> None:
        """Close every connection that is not in use."""
        with self._guard:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def __del__(self) -> None:
        # Connections that are never closed warn from Python 3.13 on.
        for connection in getattr(self, "_idle", ()):
            connection.close()


def begin_counting(session: Any) -> None:
    """Write the counter of positions, if it is not there yet."""
    if not session.select(_COUNTER):
        session.insert(SETTINGS, [SETTINGS.row("position", "0")])


_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_TOOBIG", "SQLITE_MISMATCH")
_UNAVAILABLE = tuple(f"SQLITE_{one}" for one in ("BUSY", "LOCKED", "FULL", "IOERR", "NOMEM", "READONLY", "PROTOCOL"))


def _restated(error: sqlite3.DatabaseError) -> Exception:
    """Return an error of ours for what SQLite says of a file; a fault of a statement is returned as it is."""
    code = getattr(error, "sqlite_errorname", "")
    # Text that is not UTF-8 any more is refused by the driver itself, which has no code for it.
    if code.startswith(_DAMAGED) or str(error).startswith("Could not decode"):
        return Damaged(
            f"the file is not a store, or is damaged: {error}", hint="check the path, or restore it from a backup"
        )
    if code == "SQLITE_ERROR" and PREFIX in str(error):
        return Damaged(f"the file lacks a table of the store: {error}", hint="restore it from a backup")
    if code.startswith("SQLITE_CANTOPEN"):
        return Unreadable(f"the store cannot be opened: {error}")
    if code.startswith(_UNAVAILABLE):
        return StoreUnavailable(f"the store cannot answer now: {error}", hint="try again later")
    return error
