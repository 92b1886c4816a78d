"""What holds for the whole store: its schema, and whether it keeps tamper evidence."""

from __future__ import annotations

from leadlife.errors import Unreadable
from leadlife.stores import chain
from leadlife.stores.database import Session, read
from leadlife.stores.tables import SCHEMA, SETTINGS, SettingRow

_SCHEMA = "schema"


def open_store(session: Session, *, chained: bool) -> bool:
    """Check the schema of a store, or note that of a new one; return whether it keeps tamper evidence.

    Raises:
        Unreadable: A later release of leadlife wrote it.
    """
    session.lock("settings")
    found = read(session, SETTINGS, "WHERE name = :name", name=_SCHEMA)
    if not found:
        session.insert(SETTINGS, [SettingRow(_SCHEMA, str(SCHEMA))])
        if chained:
            chain.begin(session)
    elif int(found[0].value) > SCHEMA:
        raise Unreadable(
            f"the store has schema {found[0].value}, and this release of leadlife knows {SCHEMA}",
            hint="update leadlife",
        )
    return chain.head(session) is not None
