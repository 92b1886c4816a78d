"""Checks of what callers pass: text that every database takes, numbers that fit, files, positions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from leadlife._base.model import identifier
from leadlife._base.outcomes import whole
from leadlife.errors import Malformed
from leadlife.stores.outbox import OutboxPosition

MOST = 2**31 - 1


def text_of(what: str, value: Any) -> str:
    """Return a name that a database can be asked for.

    Raises:
        Malformed: It is not text, is empty or too long, or holds control characters or half characters.
    """
    if not isinstance(value, str):
        raise Malformed(f"{what} must be text, not {type(value).__name__}")
    return identifier(value)


def limit_of(what: str, value: Any) -> int:
    """Return how many are asked for: a whole number from 1, at most what a database takes."""
    return min(whole(what, value, least=1), MOST)


def number_of(what: str, value: Any) -> int:
    """Return a version or a revision; one that is larger than any can be is not there, and no error."""
    return min(whole(what, value), 2**62)


def file_of(value: Any) -> Path:
    """Return the path of a file.

    Raises:
        Malformed: It is not a path.
    """
    if not isinstance(value, Path | str) or "\0" in str(value) or not str(value).isprintable():
        raise Malformed("path must be the path of a file", hint="pass a pathlib.Path, or text")
    return Path(value)


def position_of(value: Any) -> OutboxPosition:
    """Return a position in the order of the commits.

    Raises:
        Malformed: It is none.
    """
    hint = "pass that of a stored fact, or OutboxPosition.parse(text)"
    if not isinstance(value, OutboxPosition):
        raise Malformed("position must be an OutboxPosition", hint=hint)
    if not all(type(part) is int and 0 <= part < 2**63 for part in value):
        raise Malformed("a position is two whole numbers", hint=hint)
    return value


def function_of(what: str, value: Any) -> None:
    """Check that a value can be called.

    Raises:
        Malformed: It cannot.
    """
    if not callable(value):
        raise Malformed(f"{what} must be a function, not {type(value).__name__}")
