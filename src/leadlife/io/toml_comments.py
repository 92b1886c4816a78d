"""Playbooks as TOML for people to edit: their comments, order and spelling are kept. Needs the extra ``toml``."""

from __future__ import annotations

import json
from collections.abc import MutableMapping
from typing import Any

from leadlife.errors import LeadlifeError, MissingExtra, Unreadable
from leadlife.io.playbook_files import as_playbook, parse_toml, plain_of
from leadlife.playbook.playbook import Playbook

try:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError
    from tomlkit.items import AoT, InlineTable
except ModuleNotFoundError:
    raise MissingExtra("leadlife.io.toml_comments needs tomlkit", hint="pip install 'leadlife[toml]'") from None

WIDEST = 200
"""The longest list of tables on one line, in characters; a longer list gets a line for each table."""
NAMES = ("id", "stage", "trigger", "name", "op")
"""The keys that identify a table in a list; the first that the table has is used."""


def dump_toml(playbook: Playbook, *, onto: str = "") -> str:
    """Return a playbook as TOML.

    Args:
        playbook: The playbook.
        onto: The text of an earlier file. Its comments, order and spelling are kept where the values are unchanged.

    Raises:
        Unreadable: The earlier text is not TOML.
    """
    try:
        document = tomlkit.parse(onto)
    except (TOMLKitError, RecursionError):
        raise Unreadable("the earlier text is not TOML") from None
    if _says(onto, playbook):
        return onto
    _update(document, plain_of(playbook))
    return tomlkit.dumps(document)


def _says(text: str, playbook: Playbook) -> bool:
    """Return whether a text reads as the playbook already, whatever it leaves out or spells in another way."""
    try:
        return plain_of(as_playbook(parse_toml(text))) == plain_of(playbook)
    except LeadlifeError:
        return False


def _update(table: MutableMapping[str, Any], data: dict[str, Any]) -> None:
    for key in [key for key in table if key not in data]:
        del table[key]
    for key, value in data.items():
        old = table.get(key)
        if isinstance(old, AoT) and _are_tables(value):
            _update_tables(old, value)
        elif isinstance(old, MutableMapping) and not isinstance(old, InlineTable) and isinstance(value, dict):
            _update(old, value)
        elif old is None or not _alike(old, value):  # an equal value keeps its spelling and comment
            table[key] = _new(value)


def _alike(item: Any, value: Any) -> bool:
    """Return whether a value of the earlier text says the same; one name may be written without its list."""
    plain = item.unwrap() if hasattr(item, "unwrap") else item
    return json.dumps(plain) == json.dumps(value) or (isinstance(plain, str) and [plain] == value)


def _update_tables(tables: Any, value: list[dict[str, Any]]) -> None:
    """Change an array of tables to the new value; a table that is still there keeps its comments."""
    for place in reversed(range(len(tables))):  # from the end, so that the places still to visit do not shift
        if not any(_same(tables[place], data) for data in value):
            del tables[place]
    for place, data in enumerate(value):
        if place < len(tables) and _same(tables[place], data):
            _update_row(tables[place], data)
            continue
        further = next((at for at in range(place, len(tables)) if _same(tables[at], data)), None)
        moved = _new_table(data) if further is None else tables[further]
        if further is not None:
            del tables[further]
            _update_row(moved, data)
        tables.insert(place, moved)
    # Two old tables may be the same as one new table; what is left over is at the end.
    while len(tables) > len(value):
        del tables[-1]


def _update_row(row: MutableMapping[str, Any], data: dict[str, Any]) -> None:
    for key in [key for key in row if key not in data]:
        del row[key]
    for key, value in data.items():
        if key not in row or not _alike(row[key], value):
            row[key] = _inline(value)


def _same(one: MutableMapping[str, Any], other: dict[str, Any]) -> bool:
    """Return whether two tables define the same thing: a transition by trigger, sources and target, else by name.

    Tables without a name are the same if they say the same.
    """
    name = next((name for name in NAMES if name in other), None)
    if name == "trigger":
        return all(_alike(one.get(key), other.get(key)) for key in ("trigger", "sources", "target"))
    return _alike(one, other) if name is None else one.get(name) == other[name]


def _are_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _new(value: Any) -> Any:
    """Return a value as TOML: a list of tables, or a mapping that holds lists or mappings, as tables; others inline."""
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
    """Return a value as inline TOML; a long list of tables gets a line for each table."""
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
