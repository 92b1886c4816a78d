"""The store for asyncio, over SQLAlchemy's: the same code runs on the connections of an asynchronous engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import greenlet_spawn

from leadlife.errors import Malformed
from leadlife.journey import Journey
from leadlife.playbook.playbook import Playbook
from leadlife.stores.context import OnNew
from leadlife.stores.journeys import Saved
from leadlife.stores.lead_state import LeadState
from leadlife.stores.outbox import BEGINNING, OutboxPosition, StoredFact
from leadlife.stores.sql import SqlStore
from leadlife.stores.store import MAIN
from leadlife.stores.sweeping import Swept

T = TypeVar("T")


def _engine_of(url: Any) -> AsyncEngine:
    """Return the engine of a URL, or a host's own.

    Raises:
        Malformed: It is neither an engine for asyncio nor a URL of one.
    """
    if isinstance(url, AsyncEngine):
        return url
    try:
        return create_async_engine(url)
    except (exc.ArgumentError, exc.InvalidRequestError, ModuleNotFoundError, TypeError) as error:
        raise Malformed(f"this is not a URL of a database with a driver for asyncio: {error}") from None


class AsyncSqlStore:
    """A store for asyncio. Each method is that of ``SqlStore``, awaited, with the same meaning.

    Every other method of it runs by ``run``, such as ``await store.run(lambda store: store.count())``.
    """

    def __init__(self, engine: AsyncEngine, store: SqlStore) -> None:
        """Take what ``open`` made."""
        self._engine = engine
        self._store = store

    @classmethod
    async def open(
        cls,
        engine: AsyncEngine | str,
        playbooks: Playbook | Iterable[Playbook],
        *,
        metadata: sa.MetaData | None = None,
        on_new: OnNew | None = None,
        chained: bool = False,
        snapshot_every: int = 50,
    ) -> AsyncSqlStore:
        """Open a store, and create its tables where they are not there yet; arguments as of ``SqlStore``."""
        made = _engine_of(engine)
        store = await greenlet_spawn(
            SqlStore,
            made.sync_engine,
            playbooks,
            metadata=metadata,
            on_new=on_new,
            chained=chained,
            snapshot_every=snapshot_every,
        )
        return cls(made, store)

    async def run(self, work: Callable[[SqlStore], T]) -> T:
        """Return what a function of the store returns; it runs where its waiting for the database is awaited."""
        # Inside of it, whatever uses the engine awaits its driver instead of blocking: it is how SQLAlchemy itself runs
        # an AsyncSession over its synchronous one.
        result: T = await greenlet_spawn(work, self._store)
        return result

    async def start(self, *args: Any, **options: Any) -> Saved:
        """Start a lead; see ``SqlStore.start``."""
        return await self.run(lambda store: store.start(*args, **options))

    async def load(self, lead: str, *, pipeline: str = MAIN) -> Journey:
        """Return the journey of a lead; see ``SqlStore.load``."""
        return await self.run(lambda store: store.load(lead, pipeline=pipeline))

    async def state(self, lead: str, *, pipeline: str = MAIN) -> LeadState:
        """Return where a lead stands; see ``SqlStore.state``."""
        return await self.run(lambda store: store.state(lead, pipeline=pipeline))

    async def apply(self, lead: str, change: Callable[[Journey], Journey], **options: Any) -> Saved:
        """Change a lead; see ``SqlStore.apply``."""
        return await self.run(lambda store: store.apply(lead, change, **options))

    async def save(self, journey: Journey, *, expected_version: int) -> Saved:
        """Keep what is new in a journey; see ``SqlStore.save``."""
        return await self.run(lambda store: store.save(journey, expected_version=expected_version))

    async def find(self, **wanted: Any) -> tuple[LeadState, ...]:
        """Return a page of leads; see ``SqlStore.find``."""
        return await self.run(lambda store: store.find(**wanted))

    async def facts_since(self, position: OutboxPosition = BEGINNING, *, limit: int = 500) -> tuple[StoredFact, ...]:
        """Return the facts after a position; see ``SqlStore.facts_since``."""
        return await self.run(lambda store: store.facts_since(position, limit=limit))

    async def sweep(self, now: datetime, *, batch: int = 100) -> AsyncIterator[Swept]:
        """Let time pass for every lead that is due, and yield what changed; see ``SqlStore.sweep``."""
        waiting = await self.run(lambda store: store.sweep(now, batch=batch))
        while (swept := await self.run(lambda _: next(waiting, None))) is not None:
            yield swept

    async def close(self) -> None:
        """Close the connections that are not in use."""
        await self._engine.dispose()
