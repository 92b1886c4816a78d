"""The findings of pydantic in the words of this library, without the values that caused them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, get_args

from leadlife.errors import Fault, LeadlifeError, Malformed, article, suggestion

if TYPE_CHECKING:
    from pydantic import ValidationError

M = TypeVar("M", bound=Malformed)

_NOUNS = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "string": "text",
    "bytes": "bytes",
    "datetime": "a date and time, such as 2026-03-02T09:00:00Z",
    "date": "a date, such as 2026-03-02",
    "time_delta": "a duration",
    "tuple": "a list",
    "list": "a list",
    "iterable": "a list",
    "set": "a set",
    "frozen_set": "a set",
    "dict": "a mapping",
    "mapping": "a mapping",
}
"""What a value must be, by the type that pydantic expected."""

_NO_DATETIME = f"must be {_NOUNS['datetime']}"
_TYPES = {
    f"{expected}_{problem}": noun
    for expected, noun in _NOUNS.items()
    for problem in ("type", "parsing", "from_float", "from_date_parsing")
}
"""The same by the type of the finding, such as ``int_type``, ``int_parsing`` and ``int_from_float``."""

LONGEST_SHOWN = 40
"""So much of a name is shown in an error."""
_NO_SUCH_KEY = "there is no such key"
_MISSING = object()

_PHRASES = {
    "missing": ("must be given", ""),
    "extra_forbidden": (_NO_SUCH_KEY, ""),
    "timezone_aware": ("needs a time zone", "such as 2026-03-02T09:00:00Z, or in Python datetime(..., tzinfo=UTC)"),
    "finite_number": ("must be a finite number", ""),
    "none_required": ("must be None", ""),
    "union_tag_not_found": ("must be of a known kind, or a mapping whose {discriminator} names the kind", ""),
    "union_tag_invalid": ("{discriminator} must be one of: {expected_tags}", ""),
    "model_type": ("must be {a_class}, or a table of its keys", ""),
    "dataclass_type": ("must be {a_class}, or a table of its keys", ""),
    "is_instance_of": ("must be of type {class}", ""),
    "json_invalid": ("is not valid JSON: {error}", ""),
    "greater_than": ("must be more than {gt}", ""),
    "greater_than_equal": ("must be at least {ge}", ""),
    "less_than": ("must be less than {lt}", ""),
    "less_than_equal": ("must be at most {le}", ""),
    "string_too_short": ("must have at least {min_length} characters", ""),
    "string_too_long": ("must have at most {max_length} characters", ""),
    "string_unicode": ("must be text that can be written: it holds half of a character", ""),
    "decimal_max_digits": ("must have at most {max_digits} digits", ""),
    "decimal_max_places": ("must have at most {decimal_places} decimals", ""),
    "decimal_whole_digits": ("must have at most {whole_digits} digits before the decimals", ""),
    "int_parsing_size": ("must be a shorter number", ""),
    "date_from_datetime_inexact": ("must be a date without a time", ""),
    "callable_type": ("must be a function", ""),
    "too_short": ("must have at least {min_length} items", ""),
    "too_long": ("must have at most {max_length} items", ""),
    "enum": ("must be one of: {expected}", ""),
    "literal_error": ("must be one of: {expected}", ""),
}
"""A message and a hint for each type of finding; the names in braces are filled from the finding's context."""

_PATTERNS = {
    r"^\w(?:[\w .:/&+\-]*[\w.+\-])?$": (
        "is not a valid name",
        "begin with a letter or a digit; use letters, digits, spaces and . : / & + - _",
    ),
    r"^[^\x00-\x1f\x7f]+$": ("must be text of at least one character, without control characters", ""),
    r"^[^/\\\x00:]+$": ("must be the name of a file, without a folder", ""),
    "^[0-9a-f]{16}$": ("must be a hash of 16 hexadecimal digits", ""),
    "^[0-9a-f]{32}$": ("must be a hash of 32 hexadecimal digits", ""),
    "^[A-Z]{3}$": ("must be a currency code of three capital letters", "such as EUR"),
}
"""A message and a hint for each pattern that texts must match. The models that declare them import this module."""

_LABELS = ("constrained-", "function-", "tuple[", "literal[")
"""How pydantic begins the names of the branches of a union, which it adds to the path of a finding."""
_PLAIN_LABELS = frozenset(("bool", "int", "float", "str"))


class Finding(NamedTuple):
    """One finding of pydantic.

    Attributes:
        path: The keys and positions that lead to the value.
        message: What is wrong.
        hint: What to do about it, or an empty string.
        cause: The error that a validator raised, if one did.
        choices: The words that are legal, where one was expected.
        tag: The key below the path that holds the word, where that is not the value itself.
    """

    path: tuple[str | int, ...]
    message: str
    hint: str = ""
    cause: object = None
    choices: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()


def findings(errors: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Return the findings of a ``ValidationError``, given as its ``errors()``, in our words.

    The branches of a union become one finding. A finding about the length of a list is left out if its items have
    findings, because an item that was refused may be the missing one.
    """
    grouped: dict[tuple[str | int, ...], list[Mapping[str, Any]]] = {}
    unions = {error["loc"][:-1] for error in errors if error["loc"] and _is_label(error["loc"][-1])}
    for error in errors:
        path = tuple(part for part in error["loc"] if not _is_label(part))
        if error["loc"][:-1] in unions and error["loc"][-1] in _PLAIN_LABELS:
            path = path[:-1]
        grouped.setdefault(path, []).append(error)
    found: list[Finding] = []
    for path, group in grouped.items():
        inner = any(other[: len(path)] == path != other for other in grouped)
        union = (inner or len(group) > 1) and any(error["loc"][:-1] in unions for error in group)
        if inner and (union or group[0]["type"] == "too_short"):
            continue
        found += [_union(path, group)] if union else [_finding(path, error) for error in group]
    return found


def _is_label(part: str | int) -> bool:
    return isinstance(part, str) and part.startswith(_LABELS)


def _finding(path: tuple[str | int, ...], error: Mapping[str, Any]) -> Finding:
    message, hint = _words(error)
    context = error.get("ctx", {})
    if len(path) > 1 and path[-1] == "[key]":  # a key of a mapping is at fault, and not the value there
        key = str(path[-2])
        shown = key if len(key) <= LONGEST_SHOWN else f"{key[:LONGEST_SHOWN]}..."
        return Finding(path[:-2], f"the name {shown!r} {message}", hint, context.get("error"))
    listed = re.findall(r"'([^']*)'", context.get("expected") or context.get("expected_tags") or "")
    tagged = "expected_tags" in context  # the word is below the path, under the key that names the kind
    tag = (str(context.get("discriminator", "")).strip("'").removesuffix("_of()"),) if tagged else ()
    return Finding(path, message, hint, context.get("error"), tuple(listed), tag)


def _union(path: tuple[str | int, ...], group: Iterable[Mapping[str, Any]]) -> Finding:
    """Return one finding for the branches of a union.

    If the value is of the type of one branch, such as a number that is too large, that branch's finding is the one that
    helps. Else the finding lists the types of all branches.
    """
    nouns: dict[str, None] = {}
    for error in group:
        if error["type"] not in _TYPES:
            return _finding(path, error)
        nouns[_TYPES[error["type"]]] = None
    if "a number" in nouns:
        nouns.pop("a whole number", None)
    *others, last = nouns
    return Finding(path, f"must be {', '.join(others)} or {last}" if others else f"must be {last}")


def _words(error: Mapping[str, Any]) -> tuple[str, str]:
    kind, context = error["type"], dict(error.get("ctx", {}))
    if kind in _TYPES:
        return f"must be {_TYPES[kind]}", ""
    if kind == "string_pattern_mismatch" and context["pattern"] in _PATTERNS:
        return _PATTERNS[context["pattern"]]
    if kind in _PHRASES:
        for key in {"expected", "expected_tags"} & context.keys():  # such as 'a', 'b' or 'c'
            context[key] = ", ".join(re.findall(r"'([^']*)'", context[key])) or context[key]
        if "discriminator" in context:  # the name of a key in quotes, or of the function that finds it
            context["discriminator"] = context["discriminator"].strip("'").removesuffix("_of()")
        if "class_name" in context:
            context["a_class"] = article(context["class_name"])
        message, hint = _PHRASES[kind]
        return re.sub(r"\b1 (item|character)s\b", r"1 \1", message.format(**context)), hint
    said = error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return said.replace("Input should", "must"), ""


def restated(kind: type[M], name: str, error: ValidationError, *, model: Any = None, data: Any = None) -> M:
    """Return the findings of pydantic about a value as one error of ours, without the values that caused them.

    Args:
        kind: The class of the error.
        name: What was validated, such as the name of a class.
        error: The error of pydantic.
        model: The model that was validated, for suggestions of its keys.
        data: What was validated, so that a path names only what was written.
    """
    faults: list[Fault] = []
    for finding in findings(error.errors(include_url=False, include_input=False)):
        parts, cause = _as_written(finding.path, data), finding.cause
        path = ".".join(map(str, parts))
        if isinstance(cause, Malformed) and cause.faults:
            prefix = f"{path}." if path else ""
            faults.extend(Fault(prefix + f.path, f.message, f.hint) for f in cause.faults)
        elif isinstance(cause, LeadlifeError):
            faults.append(Fault(path, cause.message, cause.hint))
        else:
            hint = finding.hint
            if finding.message == _NO_SUCH_KEY:
                hint = _meant(str(parts[-1]), parts[:-1], model, data)
            elif finding.message == _NO_DATETIME and _is_iso(_at(data, parts)):
                hint = "in Python, pass a datetime, such as datetime(2026, 3, 2, 9, tzinfo=UTC)"
            elif not hint and finding.choices:
                near = suggestion(str(_at(data, (*parts, *finding.tag))), finding.choices)
                hint = f"did you mean {near!r}?" if near else ""
            faults.append(Fault(path, finding.message, hint))
    return kind(f"{name} has {len(faults)} fault{'s' if len(faults) != 1 else ''}:", faults=faults)


def _is_iso(value: Any) -> bool:
    """Return whether a value is a date and time as text, which JSON holds and Python code does not pass."""
    try:
        return isinstance(value, str) and bool(datetime.fromisoformat(value))
    except ValueError:
        return False


def _meant(key: str, place: tuple[str | int, ...], model: Any, data: Any) -> str:
    """Return a hint for a key that is not legal at a place: a near one that is, or where the key itself is legal."""
    near = suggestion(key, _keys_at(model, place, data))
    if near:
        return f"did you mean {near!r}?"
    for length in reversed(range(len(place))):
        if key in _keys_at(model, place[:length], data):
            outer = ".".join(map(str, place[:length]))
            return f"{key!r} is a key of {outer or 'the whole: write it before any table'}"
    return ""


def _at(data: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        data = _child(data, part)
    return data


def _as_written(path: tuple[str | int, ...], data: Any) -> tuple[str | int, ...]:
    """Return a path without the tags of unions, which pydantic adds and nobody wrote."""
    parts: list[str | int] = []
    here = data
    for part in path:
        inner = _child(here, part)
        if inner is _MISSING and isinstance(part, str) and part in _tags_of(here):
            continue
        parts.append(part)
        here = inner
    return tuple(parts)


def _child(value: Any, part: str | int) -> Any:
    if isinstance(value, Mapping):
        return value.get(part, _MISSING)
    if isinstance(value, list | tuple) and isinstance(part, int):
        return value[part] if part < len(value) else _MISSING
    return (
        getattr(value, part, _MISSING) if isinstance(part, str) and hasattr(type(value), "model_fields") else _MISSING
    )


def _tags_of(value: Any) -> tuple[Any, ...]:
    """Return the values by which a union may have chosen the model of a value."""
    return tuple(tag for name in ("op", "type") if (tag := _child(value, name)) is not _MISSING)


def _keys_at(model: Any, path: tuple[str | int, ...], data: Any) -> tuple[str, ...]:
    """Return the keys that are legal at a place: those of the model that is declared there."""
    models, here = [model], data
    for part in path:
        here = _child(here, part)
        fields = [one.model_fields[part] for one in models if isinstance(part, str) and part in _fields_of(one)]
        if fields:
            models = [one for field in fields for one in _models_in(field.annotation)]
    tags = _tags_of(here)
    chosen = [one for one in models if any(_default_of(one, name) in tags for name in ("op", "type"))] or models
    return tuple(dict.fromkeys(name for one in chosen for name in _fields_of(one)))


def _fields_of(model: Any) -> Mapping[str, Any]:
    fields: Mapping[str, Any] = getattr(model, "model_fields", {})
    return fields


def _default_of(model: Any, name: str) -> Any:
    field = _fields_of(model).get(name)
    return _MISSING if field is None else field.default


def _models_in(annotation: Any) -> Iterator[Any]:
    """Yield the models within an annotation: in a tuple, a dictionary or a union."""
    if hasattr(annotation, "model_fields"):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)
