"""The default store: a file of SQLite, or memory."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from leadlife.errors import Malformed
from leadlife.playbook.playbook import Playbook
from leadlife.stores.checking import file_of
from leadlife.stores.context import OnNew
from leadlife.stores.sqlite import SqliteDatabase
from leadlife.stores.store import DatabaseStore


class SqliteStore(DatabaseStore):
    """A store in a file of SQLite: durable, for many threads and processes of one machine.

    >>> import tempfile
    >>> from datetime import datetime, UTC
    >>> from leadlife.presets import eight_stage
    >>> from leadlife.stores import SqliteStore
    >>> with tempfile.TemporaryDirectory() as folder, SqliteStore(f"{folder}/leads.db", eight_stage()) as store:
    ...     saved = store.start("ada", at=datetime(2026, 3, 2, 9, tzinfo=UTC), stage="name")
    ...     store.find(stage="name")[0].lead
    'ada'
    """

    def __init__(
        self,
        path: Path | str,
        playbooks: Playbook | Iterable[Playbook],
        *,
        on_new: OnNew | None = None,
        chained: bool = False,
        snapshot_every: int = 50,
    ) -> None:
        """Open the file, or create it; arguments and errors as of ``DatabaseStore``."""
        file = file_of(path)
        if str(path) == ":memory:" or str(path).startswith("file:"):
            raise Malformed("path must be the path of a file", hint="MemoryStore keeps leads in memory")
        database = SqliteDatabase(file)
        super().__init__(database, playbooks, on_new=on_new, chained=chained, snapshot_every=snapshot_every)


class MemoryStore(DatabaseStore):
    """A store in memory, for tests and notebooks: it is gone when it is closed."""

    def __init__(
        self,
        playbooks: Playbook | Iterable[Playbook],
        *,
        on_new: OnNew | None = None,
        chained: bool = False,
        snapshot_every: int = 50,
    ) -> None:
        """Create the store; arguments and errors as of ``DatabaseStore``."""
        database = SqliteDatabase(None)
        super().__init__(database, playbooks, on_new=on_new, chained=chained, snapshot_every=snapshot_every)
