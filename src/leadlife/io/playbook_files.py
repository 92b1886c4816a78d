"""Definitions as files: playbooks to and from JSON and TOML, with the lines of their faults and limits on their size.

A file is data. Nothing in it is imported, evaluated or formatted. Guards and policies that are code are kept by name
and version; the code is bound when the file is loaded.
"""

from __future__ import annotations

import json
import re
import tomllib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, time
from importlib import import_module
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from leadlife._base.arguments import expect
from leadlife._base.model import Definition
from leadlife.criteria import CustomGuard
from leadlife.errors import Fault, InvalidDefinition, Malformed, Unreadable, article
from leadlife.io.toml_lines import toml_lines
from leadlife.playbook.engagement import ENGAGEMENT_MODELS
from leadlife.playbook.playbook import Playbook
from leadlife.scoring.policy_kinds import kinds_of_policy

LARGEST_FILE = 1_000_000
MOST_LEVELS = 100
MOST_NODES = 100_000
LONGEST_NUMBER = 30
MOST_DOTS = 1_000
# The possessive "*+" keeps the search linear: an unclosed string full of backslashes cannot make it backtrack.
_TOKEN = re.compile(r'[\[\]{},:]|"(?:[^"\\]|\\(?s:.))*+"?|[^\s\[\]{},:"]+')
_ASSIGNMENT = re.compile(r'\b(\w+)=("[^"]*"|True|False|\d+)')
"""A keyword of Python with a plain value, as hints show it."""
Where = tuple[str, ...]


class Document(NamedTuple):
    """A file that was read.

    Attributes:
        name: The name of the file.
        data: Its plain values.
        lines: The line of each value, by its path. The first line is 1.
        json: Whether it is JSON, and not TOML.
    """

    name: str
    data: dict[str, Any]
    lines: Mapping[Where, int]
    json: bool = False

    def line_of(self, path: str) -> int | None:
        """Return the line of a value, or of the innermost value around it that has a line."""
        here: Where = ()
        parts = path.split(".")
        while parts:
            # A key may hold dots itself, so the longest part of the path that is a key counts.
            size = next((size for size in range(len(parts), 0, -1) if (*here, ".".join(parts[:size])) in self.lines), 0)
            if not size:
                break
            here, parts = (*here, ".".join(parts[:size])), parts[size:]
        return self.lines.get(here) if here else None


def read_document(source: Path | str) -> Document:
    """Return the plain values in a file: JSON if the name ends with ``.json``, else TOML.

    Raises:
        Unreadable: The file cannot be read, is too large, is nested too deep, or has the wrong format.
    """
    if not isinstance(source, Path | str):
        hint = "pass its path; for plain values use Playbook.model_validate"
        raise Unreadable(f"a file is named by a path or text, not by {article(type(source).__name__)}", hint=hint)
    path = Path(source)
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)  # one byte more shows that there is more, even of an endless device
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise Unreadable(f"cannot read {path.name or str(path)!r}: {reason}", hint="check the path") from None
    if len(raw) > LARGEST_FILE:
        raise Unreadable(f"{path.name!r} is larger than {LARGEST_FILE:,} bytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable(f"{path.name!r} is not valid UTF-8", hint="save the file as UTF-8") from None
    return parse_json(text, name=path.name) if path.suffix == ".json" else parse_toml(text, name=path.name)


def parse_json(text: str, *, name: str = "the definition") -> Document:
    """Return the plain values in JSON text; errors as in :func:`read_document`."""
    if len(text) > LARGEST_FILE:
        raise Unreadable(f"{name!r} is larger than {LARGEST_FILE:,} bytes")
    lines = _lines_of(text, name)  # first, because json.loads recurses and would fail on deep nesting
    try:
        data = json.loads(text, parse_constant=_constant, parse_int=_integer, parse_float=_float)
    except json.JSONDecodeError as error:
        raise Unreadable(f"{name!r} is not JSON: line {error.lineno}: {error.msg}") from None
    except ValueError as error:
        raise Unreadable(f"{name!r} holds {error}") from None
    if not isinstance(data, dict):
        raise Unreadable(f"{name!r} must hold an object with keys at the top")
    return Document(name, data, lines, json=True)


def parse_toml(text: str, *, name: str = "the definition") -> Document:
    """Return the plain values in TOML text; errors as in :func:`read_document`."""
    if len(text) > LARGEST_FILE:
        raise Unreadable(f"{name!r} is larger than {LARGEST_FILE:,} bytes")
    # tomllib's time grows with the square of the parts of a dotted key, so long keys are counted before it reads them.
    if any(line.count(".", 0, line.find("=") % (len(line) + 1)) > MOST_DOTS for line in text.splitlines()):
        raise Unreadable(f"{name!r} has a key of more than {MOST_DOTS} parts")
    try:
        data = tomllib.loads(text)
        beyond = next(_beyond_json(data), None)
    except tomllib.TOMLDecodeError as error:
        raise Unreadable(f"{name!r} is not TOML: {error}") from None
    except RecursionError:
        raise Unreadable(f"{name!r} is nested too deep") from None
    except ValueError:  # an integer of more digits than Python converts
        raise Unreadable(f"{name!r} has a number of too many digits") from None
    if beyond is not None:
        path, value = beyond
        if isinstance(value, float):
            raise Unreadable(f"{name!r}: {path} is not a finite number")
        hint = f'write it as text, such as "{value.isoformat()}"'
        raise Unreadable(f"{name!r}: {path} is a TOML date or time", hint=hint)
    _check_size(data, name)
    return Document(name, data, toml_lines(text))


def load_playbook(
    source: Path | str,
    *,
    policies: Mapping[str, Any] | None = None,
    guards: Mapping[str, Callable[..., bool | None]] | None = None,
) -> Playbook:
    """Return the playbook in a file: JSON if the name ends with ``.json``, else TOML.

    Args:
        source: The file.
        policies: Your functions and objects by name. The policies in the file that are code are bound to them.
        guards: Your functions by name. The guards in the file that are code are bound to them.

    Raises:
        Unreadable: The file cannot be read, is too large, is nested too deep, or has the wrong format.
        InvalidDefinition: The file is not a valid playbook. Each fault has its path and its line.
    """
    return as_playbook(read_document(source), policies=policies, guards=guards)


def as_playbook(
    document: Document,
    *,
    policies: Mapping[str, Any] | None = None,
    guards: Mapping[str, Callable[..., bool | None]] | None = None,
) -> Playbook:
    """Return the playbook that a document describes; arguments and errors as in :func:`load_playbook`."""
    for name, given in (("guards", guards), ("policies", policies)):
        if given is not None:
            expect(name, given, Mapping, hint=f"pass {name}={{'own': own}}: each function under its name in the file")
    data = _with_guards(document.data, guards or {})
    try:
        return Playbook.model_validate(data, context={"policies": policies or {}})
    except InvalidDefinition as error:
        raise InvalidDefinition(f"{document.name!r} has faults:", faults=located(document, error)) from None


def located(document: Document, error: Malformed) -> tuple[Fault, ...]:
    """Return the faults of a document with their lines, and for an unknown key with the nearest known one."""
    faults = error.faults or (Fault("", error.message, error.hint),)
    return tuple(_located(document, fault) for fault in faults)


def _located(document: Document, fault: Fault) -> Fault:
    line = document.line_of(fault.path)
    where = fault.path if line is None else f"{fault.path} (line {line})"
    return Fault(where, fault.message, _as_written(fault.hint, json=document.json))


def _as_written(hint: str, *, json: bool) -> str:
    """Return a hint as the file is written: ``type="sla"`` is ``type = "sla"`` in TOML, ``"type": "sla"`` in JSON."""

    def assignment(found: re.Match[str]) -> str:
        key, value = found.group(1), {"True": "true", "False": "false"}.get(found.group(2), found.group(2))
        return f'"{key}": {value}' if json else f"{key} = {value}"

    hint = re.sub(r"\bdays\((\d+)\)", r'"P\1D"', hint)
    hint = re.sub(r"\belapsed\(days=(\d+)\)", lambda found: f'"PT{24 * int(found.group(1))}H"', hint)
    hint = re.sub(r"\belapsed\(hours=(\d+)\)", r'"PT\1H"', hint)
    return _ASSIGNMENT.sub(assignment, hint)


def dump_playbook(playbook: Playbook) -> str:
    """Return a playbook as JSON, in declared order and without default values, so that diffs show real changes only.

    Your own code in guards and policies is kept by name and version.
    """
    return json.dumps(plain_of(playbook), indent=2, ensure_ascii=False) + "\n"


def plain_of(playbook: Playbook) -> dict[str, Any]:
    """Return a playbook as plain values, in declared order and without default values."""
    plain: dict[str, Any] = _without_defaults(playbook, playbook.model_dump(mode="json"))
    return plain


def playbook_schema() -> dict[str, Any]:
    """Return the JSON Schema of a playbook's file, including the policies that are data."""
    schema = Playbook.model_json_schema(mode="validation")
    kinds: list[dict[str, Any]] = []
    for kind in kinds_of_policy().values():
        own = kind.model_json_schema(mode="validation")
        # Nested definitions move to the top, because "#/$defs/" references start there.
        schema.setdefault("$defs", {}).update(own.pop("$defs", {}))
        own["properties"]["op"] = {"const": own["properties"]["op"].get("const", "")}
        schema["$defs"][kind.__name__] = own
        kinds.append({"$ref": f"#/$defs/{kind.__name__}"})
    schema["properties"]["scores"] = {"type": "array", "items": {"oneOf": kinds}, "default": []}
    _describe_engagement(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _describe_engagement(schema: dict[str, Any]) -> None:
    """Add to a schema what a playbook declares about engaging leads, whose models are imported when first used."""
    for field, (module, name) in ENGAGEMENT_MODELS.items():
        own = getattr(import_module(module), name).model_json_schema(mode="validation")
        schema["$defs"].update(own.pop("$defs", {}))
        schema["$defs"][name] = own
        item, given = {"$ref": f"#/$defs/{name}"}, schema["properties"][field]
        if given.get("type") == "array":
            given["items"] = item
        elif given.get("type") == "object":
            given["additionalProperties"] = item
        else:
            schema["properties"][field] = {"anyOf": [item, {"type": "null"}], "default": None}


def _without_defaults(value: Any, dumped: Any) -> Any:
    """Return a value as plain values without its defaults; ``op`` stays, because it names the kind.

    The value and its dump are walked together: only the model knows defaults, and only the dump has plain values.
    """
    if isinstance(value, Definition) and isinstance(dumped, dict):
        fields = type(value).model_fields
        return {
            name: _without_defaults(getattr(value, name), plain)
            for name, plain in dumped.items()
            if name not in fields or name == "op" or getattr(value, name) != _default(fields[name])
        }
    if isinstance(value, tuple) and isinstance(dumped, list):
        return [_without_defaults(one, plain) for one, plain in zip(value, dumped, strict=True)]
    if isinstance(value, dict) and isinstance(dumped, dict):
        return {name: _without_defaults(one, dumped[name]) for name, one in value.items()}
    return dumped


def _default(field: Any) -> Any:
    return field.get_default(call_default_factory=True)


def _beyond_json(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values that TOML has and JSON has not, each with its path: dates, times and numbers without end."""
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    elif isinstance(value, date | time) or (isinstance(value, float) and not isfinite(value)):
        yield path, value
    for name, inner in items:
        yield from _beyond_json(inner, f"{path}.{name}" if path else str(name))


def _with_guards(data: Any, guards: Mapping[str, Callable[..., bool | None]]) -> Any:
    """Return plain values with each code guard of a known name bound to its function."""
    if isinstance(data, Mapping):
        name = data.get("name")
        if data.get("op") == "custom_guard" and isinstance(name, str) and name in guards:
            return CustomGuard.model_validate({**data, "call": guards[name]})
        return {name: _with_guards(value, guards) for name, value in data.items()}
    return [_with_guards(value, guards) for value in data] if isinstance(data, list) else data


def _check_size(data: Any, name: str) -> None:
    waiting, nodes = [(data, 1)], 0
    while waiting:
        value, level = waiting.pop()
        nodes += 1
        if level > MOST_LEVELS or nodes > MOST_NODES:
            raise Unreadable(f"{name!r} is nested more than {MOST_LEVELS} levels deep, or holds too many values")
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        waiting += [(one, level + 1) for one in inner]


def _constant(constant: str) -> Any:
    raise ValueError(f"{constant}, which is not a number")


def _integer(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:  # converting digits takes quadratic time
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def _float(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError("a number that is too large")
    return number


class _Frame:
    """A mapping or list that is being read: its path, and the key or position of its next value."""

    def __init__(self, path: Where, *, mapping: bool) -> None:
        self.path = path
        self.keys: set[str] | None = set() if mapping else None
        self.next: str = "0"
        self.wants_key: bool = mapping


def _unescaped(word: str) -> str:
    """Return the key that a JSON string spells: two spellings of one key are one key."""
    try:
        return str(json.loads(word))
    except ValueError:
        return word[1:-1]  # json.loads reports it afterwards


def _lines_of(text: str, name: str) -> dict[Where, int]:
    """Return the line of each value, and refuse what ``json.loads`` accepts: repeated keys and very deep nesting.

    This scan knows brackets, commas, colons and strings only. ``json.loads`` reports all other errors afterwards.
    """
    starts = [0, *(newline.end() for newline in re.finditer("\n", text))]
    lines: dict[Where, int] = {}
    frames: list[_Frame] = []
    for number, token in enumerate(_TOKEN.finditer(text)):
        word, line = token.group(), bisect_right(starts, token.start())
        if number > 4 * MOST_NODES:  # a value has at most four tokens: key, colon, value and comma
            raise Unreadable(f"{name!r} holds more than {MOST_NODES:,} values")
        frame = frames[-1] if frames else None
        if word in "]}":
            frames = frames[:-1]
        elif word == ":" or (frame is None and word == ","):
            continue
        elif word == "," and frame is not None:
            frame.wants_key = frame.keys is not None
            frame.next = str(int(frame.next) + 1) if frame.keys is None else ""
        elif frame is not None and frame.wants_key and frame.keys is not None:
            key = _unescaped(word)
            if key in frame.keys:
                raise Unreadable(f"{name!r} has the key {key[:80]!r} twice: line {line}")
            frame.keys.add(key)
            frame.next, frame.wants_key = key, False
            lines[(*frame.path, key)] = line
        else:
            path = () if frame is None else (*frame.path, frame.next)
            lines.setdefault(path, line)
            if word in "[{":
                if len(frames) >= MOST_LEVELS:
                    raise Unreadable(f"{name!r} is nested more than {MOST_LEVELS} levels deep: line {line}")
                frames.append(_Frame(path, mapping=word == "{"))
    return lines
