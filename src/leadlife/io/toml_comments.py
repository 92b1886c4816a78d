"""Playbooks as TOML that people write in: what they wrote around the values stays; needs the extra ``toml``."""

from __future__ import annotations

import json
from collections.abc import MutableMapping
from typing import Any

from leadlife.errors import MissingExtra, Unreadable
from leadlife.io.playbook_files import plain_of
from leadlife.playbook.playbook import Playbook

try:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError
    from tomlkit.items import AoT, InlineTable
except ModuleNotFoundError:
    raise MissingExtra("leadlife.io.toml_comments needs tomlkit", hint="pip install 'leadlife[toml]'") from None

WIDEST = 200
"""What is longer takes a line for each of its tables."""
NAMES = ("id", "stage", "trigger", "name", "op")
"""By which of its keys a table is known again among others, the first that it has."""


def dump_toml(playbook: Playbook, *, onto: str = "") -> str:
    """Return a playbook as TOML.

    Args:
        playbook: The playbook.
        onto: The text of an earlier file: its comments, order and spelling stay wherever the values do.

    Raises:
        Unreadable: The earlier text is no TOML.
    """
    try:
        document = tomlkit.parse(onto)
    except (TOMLKitError, RecursionError):
        raise Unreadable("the earlier text is no TOML") from None
    _update(document, plain_of(playbook))
    return tomlkit.dumps(document)


def _update(table: MutableMapping[str, Any], data: dict[str, Any]) -> None:
    for key in [key for key in table if key not in data]:
        del table[key]
    for key, value in data.items():
        here = table.get(key)
        if isinstance(here, AoT) and _are_tables(value):
            _update_tables(here, value)
        elif isinstance(here, MutableMapping) and not isinstance(here, InlineTable) and isinstance(value, dict):
            _update(here, value)
        elif here is None or _plain(here) != json.dumps(value):
            table[key] = _new(value)


def _plain(item: Any) -> str:
    return json.dumps(item.unwrap() if hasattr(item, "unwrap") else item)


def _update_tables(tables: Any, value: list[dict[str, Any]]) -> None:
    """Bring an array of tables to what it is to be: those that are known again keep what is written around them."""
    for place in reversed(range(len(tables))):
        if not any(_same(tables[place], data) for data in value):
            del tables[place]
    for place, data in enumerate(value):
        if place < len(tables) and _same(tables[place], data):
            _update_row(tables[place], data)
            continue
        known = next((at for at in range(place, len(tables)) if _same(tables[at], data)), None)
        moved = _new_table(data) if known is None else tables[known]
        if known is not None:
            del tables[known]
            _update_row(moved, data)
        tables.insert(place, moved)
    while len(tables) > len(value):
        del tables[-1]


def _update_row(row: MutableMapping[str, Any], data: dict[str, Any]) -> None:
    for key in [key for key in row if key not in data]:
        del row[key]
    for key, value in data.items():
        if key not in row or _plain(row[key]) != json.dumps(value):
            row[key] = _inline(value)


def _same(one: MutableMapping[str, Any], other: dict[str, Any]) -> bool:
    """Return whether two tables are about the same thing: a transition by trigger, sources and target."""
    name = next((name for name in NAMES if name in other), None)
    if name == "trigger":
        return all(one.get(key) == other.get(key) for key in ("trigger", "sources", "target"))
    return name is not None and one.get(name) == other[name]


def _are_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _new(value: Any) -> Any:
    """Return a value as it stands in the file: lists of tables and mappings of them as tables, all else on its line."""
    if _are_tables(value):
        tables = tomlkit.aot()
        for one in value:
            tables.append(_new_table(one))
        return tables
    if isinstance(value, dict) and any(isinstance(one, dict | list) for one in value.values()):
        table = tomlkit.table()
        for key, one in value.items():
            table[key] = _new(one) if _are_tables(one) else _inline(one)
        return table
    return _inline(value)


def _new_table(data: dict[str, Any]) -> Any:
    table = tomlkit.table()
    for key, value in data.items():
        table[key] = _inline(value)
    return table


def _inline(value: Any) -> Any:
    """Return a value as it stands on one line; long lists of tables take a line for each."""
    if isinstance(value, dict):
        inline = tomlkit.inline_table()
        for key, one in value.items():
            inline[key] = _inline(one)
        return inline
    if isinstance(value, list):
        array = tomlkit.array()
        array.extend(_inline(one) for one in value)
        return array.multiline(_are_tables(value) and len(str(value)) > WIDEST)
    return value
