"""``leadlife verify``: whether every row of a store is as it was written."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from leadlife.errors import Unreadable
from leadlife.stores.database import Database
from leadlife.stores.sqlite import SqliteDatabase
from leadlife.stores.verifying import verify


def add_verify(commands: Any) -> argparse.ArgumentParser:
    """Add the command and return its parser."""
    asked: argparse.ArgumentParser = commands.add_parser(
        "verify", help="check every row of a store, and its tamper evidence"
    )
    asked.add_argument("store", help="path of a SQLite file, or the URL of a database")
    asked.add_argument("--head", help="the head of the chain that was kept elsewhere")
    asked.set_defaults(run=_verify)
    return asked


def _verify(call: argparse.Namespace) -> int:
    database = _opened(call.store)
    try:
        found = verify(database, head=call.head)
    finally:
        database.close()
    if call.json:
        breaks = [one._asdict() for one in found.breaks]
        print(json.dumps({"rows": found.rows, "sound": found.sound, "breaks": breaks, "head": found.head}, indent=2))
    else:
        print(found)
    return 0 if found.sound else 1


def _opened(store: str) -> Database:
    """Return the database of a store, which must be there: nothing is created."""
    if "://" in store:
        from leadlife.stores.sql import opened  # noqa: PLC0415 - only a URL needs SQLAlchemy

        return opened(store)
    path = Path(store)
    if not path.is_file():
        raise Unreadable(f"{path.name!r} cannot be read: there is no such file")
    return SqliteDatabase(path, read_only=True)
