"""The lines of the values in TOML text, for faults: the standard parser gives values only.

The text was parsed before, so it is TOML. This scan follows tables, keys, strings and brackets; a value inside an
inline table has the line on which that begins.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

Where = tuple[str, ...]
_TOKEN = re.compile(
    r'"""(?:[^\\]|\\(?s:.))*?"""+'
    r"|'''(?s:.)*?'''+"
    r'|"(?:[^"\\\n]|\\.)*+"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*|\n|[\[\]{},=.]|[^\s\[\]{},=.\#\"']+"
)


class _Token(NamedTuple):
    text: str
    line: int


def toml_lines(text: str) -> Mapping[Where, int]:
    """Return the line of each table, key and item of a list, by its path; the first line is 1."""
    lines: dict[Where, int] = {}
    numbers: dict[Where, int] = {}
    here: Where = ()
    for statement in _statements(text):
        if statement[0].text == "[":
            here = place = _table(statement, numbers)
        else:
            keys, value = _assigned(statement)
            place = (*here, *keys)
            lines.update(_items(value, place))
        for length in range(1, len(place) + 1):  # whatever lies around it begins here at the latest
            lines.setdefault(place[:length], statement[0].line)
    return lines


def _statements(text: str) -> Iterator[list[_Token]]:
    """Yield the tokens of each header and each assignment, without comments; brackets may span lines."""
    line, depth, statement = 1, 0, list[_Token]()
    for found in _TOKEN.finditer(text):
        part = found.group()
        if part == "\n" and not depth:
            if statement:
                yield statement
            statement = []
        elif part != "\n" and not part.startswith("#"):
            statement.append(_Token(part, line))
            depth += (part in "[{") - (part in "]}")
        line += part.count("\n")
    if statement:
        yield statement


def _table(statement: list[_Token], numbers: dict[Where, int]) -> Where:
    """Return the path of a table; each table of a list has its place, and so have the lists around it."""
    many = statement[1].text == "["
    keys = [_plain(token.text) for token in statement if token.text not in "[]."]
    path: Where = ()
    for place, key in enumerate(keys):
        path = (*path, key)
        if many and place == len(keys) - 1:
            numbers[path] = numbers.get(path, -1) + 1
        if path in numbers:
            path = (*path, str(numbers[path]))
    return path


def _assigned(statement: list[_Token]) -> tuple[Where, list[_Token]]:
    at = next((place for place, token in enumerate(statement) if token.text == "="), len(statement))
    return tuple(_plain(token.text) for token in statement[:at] if token.text != "."), statement[at + 1 :]


def _items(value: list[_Token], place: Where) -> Iterator[tuple[Where, int]]:
    """Yield the items of a list with their lines."""
    if not value or value[0].text != "[":
        return
    depth, number, begins = 0, 0, True
    for token in value[1:]:
        if begins and token.text != "]":
            yield (*place, str(number)), token.line
            begins = False
        depth += (token.text in "[{") - (token.text in "]}")
        if token.text == "," and not depth:
            number, begins = number + 1, True


def _plain(token: str) -> str:
    if token.startswith('"'):
        return str(tomllib.loads(f"key = {token}")["key"])  # it may hold escapes
    return token[1:-1] if token.startswith("'") else token
