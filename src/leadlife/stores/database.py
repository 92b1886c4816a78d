"""What a store asks of a database. Everything else about stores is written once, over these two protocols."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from leadlife.stores.tables import Table

R = TypeVar("R", bound=tuple[Any, ...])


class Session(Protocol):
    """One transaction. SQL is the part that SQLite and PostgreSQL share, with parameters written as ``:name``."""

    @property
    def connection(self) -> Any:
        """The driver's or SQLAlchemy's own connection, for a host that writes in the same transaction."""
        ...

    def select(self, sql: str, /, **values: Any) -> Sequence[Sequence[Any]]:
        """Return the rows of a query."""
        ...

    def run(self, sql: str, /, **values: Any) -> int:
        """Execute a statement and return how many rows it changed."""
        ...

    def insert(self, table: Table[R], rows: Sequence[R]) -> None:
        """Write new rows with their checksums."""
        ...

    def positions(self, count: int) -> tuple[Sequence[int], int]:
        """Return positions for so many new facts, ascending, and the horizon: the number of this transaction, or 0."""
        ...

    def lock(self, name: str) -> None:
        """Let nobody else who asks for the same name go on before this transaction ends."""
        ...

    def hold(self) -> None:
        """Let everything that this session reads be of one instant; called before it reads anything."""
        ...

    def committed_below(self) -> int | None:
        """Return the horizon below which every transaction has ended; None where positions follow the commits."""
        ...


class Database(Protocol):
    """Where sessions come from."""

    def reading(self) -> AbstractContextManager[Session]:
        """Return a session that only reads."""
        ...

    def writing(self) -> AbstractContextManager[Session]:
        """Return a session that commits at its end, or takes back everything where an error leaves it."""
        ...

    def create(self) -> None:
        """Create the tables that are not there yet."""
        ...

    def vacuum(self) -> None:
        """Write the files anew, without what was deleted."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...


def read(session: Session, table: Table[R], rest: str = "", /, **values: Any) -> list[R]:
    """Return checked rows of a table.

    Args:
        session: The transaction.
        table: The table.
        rest: What follows ``FROM``: conditions, order, limit.
        values: The parameters.

    Raises:
        Damaged: A row is not as it was written.
    """
    found = session.select(f"SELECT {table.names} FROM {table.name} {rest}", **values)  # noqa: S608 - names of ours
    return [table.read(row) for row in found]


def replace(session: Session, table: Table[R], row: R, condition: str = "", /, **values: Any) -> bool:
    """Write a row in the place of the one with its key; return whether there was one that meets the condition.

    Args:
        session: The transaction.
        table: The table.
        row: The new row.
        condition: What the old row must meet, besides its key.
        values: The parameters of the condition.
    """
    sealed = dict(zip(table.named, table.sealed(row), strict=True))
    assigned = ", ".join(f"{name} = :{name}" for name in sealed if name not in table.key)
    where = " AND ".join([*(f"{name} = :{name}" for name in table.key), *([condition] if condition else [])])
    sql = f"UPDATE {table.name} SET {assigned} WHERE {where}"  # noqa: S608 - names of ours
    return session.run(sql, **sealed, **values) == 1


def put(session: Session, table: Table[R], row: R) -> None:
    """Write a row, in the place of one with the same key if there is one."""
    if not replace(session, table, row):
        session.insert(table, [row])
