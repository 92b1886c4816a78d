"""Stores: journeys in a database, with work lists, a sweep of what is due, and an outbox.

``SqliteStore`` and ``MemoryStore`` need nothing else; ``SqlStore`` and ``AsyncSqlStore`` need SQLAlchemy
(``pip install leadlife[sql]``) and run on PostgreSQL and SQLite.
"""

from __future__ import annotations

from leadlife._base.lazy import homes_of, lazily

_HOMES = homes_of(
    __name__,
    {
        "database": "Database Session",
        "journeys": "Saved",
        "lead_state": "BandedScore LeadState",
        "outbox": "BEGINNING OutboxPosition StoredFact",
        "protocol": "Store",
        "async_sql": "AsyncSqlStore",
        "sql": "SqlStore",
        "sqlite_store": "MemoryStore SqliteStore",
        "store": "DatabaseStore",
        "sweeping": "Swept",
    },
)

__all__ = list(_HOMES)

__getattr__, __dir__ = lazily(__name__, _HOMES)
