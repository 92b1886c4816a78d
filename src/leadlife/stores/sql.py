"""PostgreSQL and SQLite through SQLAlchemy Core: the store inside of a host's own database and migrations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

from leadlife.errors import Damaged, Malformed, MissingExtra, StoreUnavailable, Unreadable, VersionConflict
from leadlife.playbook.playbook import Playbook
from leadlife.stores import tables as layout
from leadlife.stores.context import OnNew
from leadlife.stores.sqlite import begin_counting, counted
from leadlife.stores.store import DatabaseStore

try:
    import sqlalchemy as sa
    from sqlalchemy import exc
except ModuleNotFoundError:
    raise MissingExtra("this store needs SQLAlchemy", hint="pip install 'leadlife[sql]'") from None

R = TypeVar("R", bound=tuple[Any, ...])

_POSITIONS = f"{layout.PREFIX}positions"
_SERIALIZATION = ("40001", "40P01")
"""What PostgreSQL says of a transaction that lost to another one."""


def _text_type() -> Any:
    """Text that is ordered by its characters, so that pages follow each other alike in every database."""
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def tables(metadata: sa.MetaData | None = None) -> sa.MetaData:
    """Return the tables of a store, put into a host's own metadata, so that its migrations create them.

    Args:
        metadata: Where they go; by default into new metadata.
    """
    metadata = sa.MetaData() if metadata is None else metadata
    for table in layout.tables():
        if table.name in metadata.tables:
            continue
        made = sa.Table(
            table.name,
            metadata,
            *(
                sa.Column(
                    column.name,
                    _text_type() if column.text else sa.BigInteger().with_variant(sa.Integer, "sqlite"),
                    nullable=column.null,
                    primary_key=column.name in table.key,
                    autoincrement=False,
                )
                for column in table.columns
            ),
            sa.Column("checksum", sa.Text, nullable=False),
        )
        for one in table.indexes:
            partial = sa.text(one.where) if one.where else None
            where: dict[str, Any] = {} if partial is None else {"sqlite_where": partial, "postgresql_where": partial}
            sa.Index(f"{layout.PREFIX}{one.name}", *(made.c[name] for name in one.columns), unique=one.unique, **where)
    sa.Sequence(_POSITIONS, metadata=metadata)  # used on PostgreSQL only
    return metadata


class SqlSession:
    """One transaction on a connection of SQLAlchemy."""

    def __init__(self, connection: sa.Connection, metadata: sa.MetaData, *, own: bool) -> None:
        self.connection: Any = connection
        self._own = own
        self._metadata = metadata
        self._postgres = connection.dialect.name == "postgresql"

    def select(self, sql: str, /, **values: Any) -> Sequence[Sequence[Any]]:
        """Return the rows of a query."""
        found: Sequence[Sequence[Any]] = self._execute(sa.text(sql), values).all()
        return found

    def run(self, sql: str, /, **values: Any) -> int:
        """Execute a statement and return how many rows it changed."""
        count: int = self._execute(sa.text(sql), values).rowcount
        return count

    def _execute(self, statement: Any, values: Any) -> Any:
        """Execute a statement; where the driver itself breaks, the connection is never used again."""
        try:
            return self.connection.execute(statement, values)
        except exc.SQLAlchemyError:
            raise
        except Exception as error:
            # Half of a message may have been sent: what is read next might answer it.
            self.connection.invalidate()
            raise Malformed(f"the database driver cannot take these values: {type(error).__name__}") from error

    def insert(self, table: layout.Table[R], rows: Sequence[R]) -> None:
        """Write new rows with their checksums."""
        if rows:
            named = [dict(zip(table.named, table.sealed(row), strict=True)) for row in rows]
            self._execute(sa.insert(self._metadata.tables[table.name]), named)

    def positions(self, count: int) -> tuple[Sequence[int], int]:
        """Return positions for so many new facts, and on PostgreSQL the number of this transaction."""
        if not self._postgres:
            return counted(self, count), 0
        sql = (
            f"SELECT nextval('{_POSITIONS}'), CAST(CAST(pg_current_xact_id() AS text) AS bigint) "  # noqa: S608
            "FROM generate_series(1, :count)"
        )
        found = self.select(sql, count=count)
        return sorted(row[0] for row in found), found[0][1]

    def lock(self, name: str) -> None:
        """Let nobody else who asks for the same name go on before this transaction ends."""
        if self._postgres:
            number = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), signed=True)
            self.select("SELECT CAST(pg_advisory_xact_lock(:number) AS text)", number=number)

    def hold(self) -> None:
        """Let everything that this session reads be of one instant, unless the transaction is the host's own."""
        if not self._own:
            return
        if self._postgres:
            self.connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        else:
            self.connection.exec_driver_sql("BEGIN")

    def committed_below(self) -> int | None:
        """Return the number below which every transaction has ended; None on SQLite, where one writes at a time."""
        if not self._postgres:
            return None
        sql = "SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)"
        return int(self.select(sql)[0][0])


class SqlDatabase:
    """An engine of SQLAlchemy, or a connection whose transaction the host commits itself."""

    def __init__(
        self, engine: sa.Engine | None, metadata: sa.MetaData, connection: sa.Connection | None = None
    ) -> None:
        self._engine = engine
        self._metadata = metadata
        self._connection = connection
        dialect = (engine or connection).dialect.name  # type: ignore[union-attr]  # one of the two is there
        if dialect not in ("postgresql", "sqlite"):
            raise Malformed(f"a store runs on PostgreSQL or SQLite, not on {dialect}")
        self._sqlite = dialect == "sqlite"
        if engine is not None and self._sqlite and engine.url.database in {None, "", ":memory:"}:
            raise Malformed("every connection would be to another database in memory", hint="use MemoryStore")

    @contextmanager
    def _session(self, *, writes: bool) -> Iterator[SqlSession]:
        if self._connection is not None:
            yield SqlSession(self._connection, self._metadata, own=False)
            return
        assert self._engine is not None  # noqa: S101
        try:
            with self._engine.connect() as connection:
                if writes and self._sqlite:
                    # Otherwise the driver would begin at the first change, after what was read may be out of date.
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                yield SqlSession(connection, self._metadata, own=True)
                connection.commit()
        except exc.DBAPIError as error:
            raise _restated(error) from error

    @contextmanager
    def reading(self) -> Iterator[SqlSession]:
        """Return a session that only reads."""
        with self._session(writes=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[SqlSession]:
        """Return a session that commits at its end, or takes back everything where an error leaves it."""
        with self._session(writes=True) as session:
            yield session

    def create(self) -> None:
        """Create the tables that are not there yet."""
        with self.writing() as session:
            self._metadata.create_all(session.connection, tables=self._own())
            begin_counting(session)
            if not self._sqlite:
                sa.Sequence(_POSITIONS).create(session.connection, checkfirst=True)

    def _own(self) -> list[sa.Table]:
        return [self._metadata.tables[table.name] for table in layout.tables()]

    def vacuum(self) -> None:
        """Write the tables anew, without what was deleted; nobody else can use them meanwhile."""
        if self._engine is None:
            raise Malformed("a store on a connection of the host cannot vacuum", hint="do it on the engine")
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if self._sqlite:
                connection.exec_driver_sql("VACUUM")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            for table in () if self._sqlite else self._own():
                connection.exec_driver_sql(f"VACUUM FULL {table.name}")

    def close(self) -> None:
        """Close the connections that are not in use; a host's connection stays open."""
        if self._engine is not None:
            self._engine.dispose()


def opened(url: str) -> SqlDatabase:
    """Return the database at a URL, which must be there: nothing is created.

    Raises:
        Malformed: It is not a URL of PostgreSQL or SQLite, or its driver is missing, or is one for asyncio.
        Unreadable: The database cannot be reached.
    """
    engine = engine_of(url)
    database = SqlDatabase(engine, tables())
    if engine.dialect.name == "sqlite" and not Path(str(engine.url.database)).is_file():
        raise Unreadable(f"{engine.url.database!r} cannot be read: there is no such file")
    try:
        engine.connect().close()
    except Exception as error:  # noqa: BLE001 - drivers raise whatever they meet
        raise Unreadable(f"the database cannot be reached: {getattr(error, 'orig', error)}") from None
    return database


def _restated(error: exc.DBAPIError) -> Exception:
    """Return an error of ours for what a database says; a fault of a statement is returned as it is."""
    text = str(error.orig)
    if any(code in text for code in _SERIALIZATION):
        return VersionConflict("the database gave way to another transaction", hint="try again")
    if layout.PREFIX in text and ("no such table" in text or "does not exist" in text):
        return Damaged("the database lacks a table of the store", hint="restore it from a backup")
    if "malformed" in text or "not a database" in text:
        return Damaged("the file of the store is damaged", hint="restore it from a backup")
    if isinstance(error, exc.OperationalError | exc.InterfaceError):
        return StoreUnavailable(f"the database cannot answer now: {text[:200]}", hint="try again later")
    return error


def engine_of(url: Any) -> sa.Engine:
    """Return the engine of a URL, or a host's own.

    Raises:
        Malformed: It is neither an engine nor a URL, its driver is missing, or it is one for asyncio.
    """
    if isinstance(url, sa.Engine):
        engine = url
    else:
        try:
            engine = sa.create_engine(url)
        except (exc.ArgumentError, ModuleNotFoundError, TypeError) as error:
            raise Malformed(f"this is not a URL of a database that can be opened: {error}") from None
        if engine.dialect.is_async:
            raise Malformed(f"{engine.dialect.driver} is a driver for asyncio", hint="use pg8000, or AsyncSqlStore")
    return engine


class SqlStore(DatabaseStore):
    """A store on PostgreSQL or SQLite through SQLAlchemy."""

    def __init__(
        self,
        engine: sa.Engine | str,
        playbooks: Playbook | Iterable[Playbook],
        *,
        metadata: sa.MetaData | None = None,
        on_new: OnNew | None = None,
        chained: bool = False,
        snapshot_every: int = 50,
    ) -> None:
        """Open a store, and create its tables where they are not there yet.

        Args:
            engine: The host's engine, or the URL of a database.
            playbooks: As of ``DatabaseStore``.
            metadata: The host's metadata, if ``tables`` put the tables there.
            on_new: As of ``DatabaseStore``.
            chained: As of ``DatabaseStore``.
            snapshot_every: As of ``DatabaseStore``.

        Raises:
            Malformed: It is another database than PostgreSQL or SQLite, or an argument cannot be understood.
        """
        self._metadata = tables(metadata)
        made = engine_of(engine)
        try:
            database = SqlDatabase(made, self._metadata)
            super().__init__(database, playbooks, on_new=on_new, chained=chained, snapshot_every=snapshot_every)
        except BaseException:
            if made is not engine:  # nobody else could close what was opened for it
                made.dispose()
            raise

    def within(self, connection: sa.Connection) -> DatabaseStore:
        """Return this store on a connection of the host: what it saves is committed, or not, with what the host writes.

        ``on_new`` is not called, because only the host knows whether it commits: it has what ``apply`` returns, and the
        outbox. A conflict is not retried.
        """
        if not isinstance(connection, sa.Connection):
            raise Malformed(
                "connection must be a Connection of SQLAlchemy", hint="with engine.begin() as connection: ..."
            )
        inner = object.__new__(DatabaseStore)
        inner._context = self._context._replace(on_new=None, database=SqlDatabase(None, self._metadata, connection))
        return inner
