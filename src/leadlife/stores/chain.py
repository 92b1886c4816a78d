"""Tamper evidence: each row of the log holds a hash of itself and of the row before it, if the store is asked to.

The hash covers every stored column, the position included, and of a personal block its salted digest. So an erasure
leaves the chain whole, and whoever keeps the head elsewhere can prove that nothing was changed, left out or put in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import blake2b

from leadlife.stores.database import Session, put, read
from leadlife.stores.tables import SETTINGS, FactRow, SettingRow

HEAD = "chain"
"""The setting that holds the position and the hash of the last link."""

EMPTY = "0:"
"""The head before the first fact."""

_SEALED = FactRow._fields.index("chain")


def begin(session: Session) -> None:
    """Let a new store keep tamper evidence, from its first fact on."""
    session.insert(SETTINGS, [SettingRow(HEAD, EMPTY)])


def head(session: Session) -> str | None:
    """Return the head, as ``position:hash``; None where the store keeps no chain."""
    found = read(session, SETTINGS, "WHERE name = :name", name=HEAD)
    return found[0].value if found else None


def stored_head(session: Session) -> str | None:
    """Return the head without a check of its row, as a verification wants it; None where there is none."""
    sql = f"SELECT value FROM {SETTINGS.name} WHERE name = :name"  # noqa: S608 - a name of ours
    found = session.select(sql, name=HEAD)
    return str(found[0][0]) if found else None


def linked(session: Session, rows: Iterable[FactRow]) -> list[FactRow]:
    """Return rows with their links, and move the head."""
    made, link = list[FactRow](), (head(session) or "").partition(":")[2]
    for row in rows:
        link = next_link(link, row)
        made.append(row._replace(chain=link))
    put(session, SETTINGS, SettingRow(HEAD, f"{made[-1].position}:{link}"))
    return made


def next_link(before: str, row: FactRow) -> str:
    """Return the hash of a row and of the link before it."""
    return blake2b(json.dumps([before, *row[:_SEALED]], default=repr).encode(), digest_size=32).hexdigest()
