"""The outbox: the log as its readers see it, in the order of the commits, each with a bookmark of its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from leadlife.errors import Malformed
from leadlife.facts import Fact
from leadlife.stores.context import StoreContext
from leadlife.stores.database import Session, put, read
from leadlife.stores.encoding import decode
from leadlife.stores.tables import BOOKMARKS, FACTS, LEADS, BookmarkRow, FactRow

_WRITTEN = re.compile("[0-9]{1,18}:[0-9]{1,18}").fullmatch


class OutboxPosition(NamedTuple):
    """A place in the order of the commits.

    Attributes:
        horizon: The number of the transaction, on PostgreSQL; 0 elsewhere.
        number: The position within.
    """

    horizon: int = 0
    number: int = 0

    def __str__(self) -> str:
        return f"{self.horizon}:{self.number}"

    @classmethod
    def parse(cls, text: object) -> OutboxPosition:
        """Return the position that ``str`` wrote.

        Raises:
            Malformed: It is none.
        """
        if not isinstance(text, str) or _WRITTEN(text) is None:
            raise Malformed("a position is two whole numbers with a colon between", hint='such as "0:17"')
        horizon, _, number = text.partition(":")
        return cls(int(horizon), int(number))


BEGINNING = OutboxPosition()


class StoredFact(NamedTuple):
    """A fact as readers of the log get it.

    Attributes:
        position: Its place in the order of the commits.
        kind: ``observed``; ``derived``, which the playbook concluded; or ``withdrawn``, which it took back.
        fact: The fact, with its lead and its pipeline.
    """

    position: OutboxPosition
    kind: str
    fact: Fact


Handle = Callable[[StoredFact], object]
"""What a consumer does with a fact."""


def facts_since(session: Session, position: OutboxPosition, *, limit: int) -> tuple[StoredFact, ...]:
    """Return the facts after a position, in the order of the commits.

    A transaction that began earlier may commit later. So on PostgreSQL only what was written by transactions below the
    horizon is read, because all of them have ended: nothing can appear before a position that was handed out.
    """
    committed_below = session.committed_below()
    where = "WHERE (horizon, position) > (:horizon, :number)"
    values: dict[str, Any] = position._asdict()
    if committed_below is not None:
        where += " AND horizon < :committed_below"
        values["committed_below"] = committed_below
    rows = read(session, FACTS, f"{where} ORDER BY horizon, position LIMIT :limit", limit=limit, **values)
    facts = decode(rows, erased=lambda row: _is_erased(session, row)) if rows else []
    return tuple(StoredFact(place_of(row), row.kind, fact) for row, fact in zip(rows, facts, strict=True))


def _is_erased(session: Session, row: FactRow) -> bool:
    found = read(session, LEADS, "WHERE lead = :lead AND pipeline = :pipeline", lead=row.lead, pipeline=row.pipeline)
    return bool(found) and found[0].erased_at is not None


def place_of(row: FactRow) -> OutboxPosition:
    """Return where a row stands in the order of the commits."""
    return OutboxPosition(row.horizon, row.position)


def skip(context: StoreContext, consumer: str) -> OutboxPosition:
    """Move the bookmark of a consumer behind the last fact that is handed on by now."""
    with context.database.writing() as session:
        session.lock(f"bookmark\n{consumer}")
        committed_below = session.committed_below()
        where = "" if committed_below is None else "WHERE horizon < :committed_below"
        values = {} if committed_below is None else {"committed_below": committed_below}
        last = read(session, FACTS, f"{where} ORDER BY horizon DESC, position DESC LIMIT 1", **values)
        if not last:
            return BEGINNING
        put(session, BOOKMARKS, BookmarkRow(consumer, last[0].horizon, last[0].position))
        return place_of(last[0])


def bookmark(session: Session, consumer: str) -> OutboxPosition:
    """Return how far a consumer has read; the beginning, if it never has."""
    found = read(session, BOOKMARKS, "WHERE consumer = :consumer", consumer=consumer)
    return OutboxPosition(found[0].horizon, found[0].position) if found else BEGINNING


def deliver(context: StoreContext, consumer: str, handle: Handle, *, limit: int) -> int:
    """Hand the next facts to a consumer, each at least once: the bookmark follows after each has been handled."""
    with context.database.reading() as session:
        begin = bookmark(session, consumer)
        waiting = facts_since(session, begin, limit=limit)
    done = begin
    try:
        for one in waiting:
            handle(one)
            done = one.position
    finally:
        if done != begin:
            with context.database.writing() as session:
                session.lock(f"bookmark\n{consumer}")
                if bookmark(session, consumer) < done:  # another worker of this name may be further
                    put(session, BOOKMARKS, BookmarkRow(consumer, *done))
    return len(waiting)


def deliver_together(
    context: StoreContext, consumer: str, handle: Callable[[StoredFact, Any], object], *, limit: int
) -> int:
    """Hand the next facts to a consumer in the transaction that moves the bookmark, so each takes effect once."""
    with context.database.writing() as session:
        session.lock(f"bookmark\n{consumer}")
        waiting = facts_since(session, bookmark(session, consumer), limit=limit)
        for one in waiting:
            handle(one, session.connection)
        if waiting:
            put(session, BOOKMARKS, BookmarkRow(consumer, *waiting[-1].position))
    return len(waiting)
