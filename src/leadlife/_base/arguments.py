"""Checks of arguments that no model checks: a value of the wrong type is named, and what to pass instead."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from leadlife.errors import Malformed, article

T = TypeVar("T")


def expect(what: str, value: object, kind: type, *, hint: str) -> None:
    """Check that an argument has a type.

    Raises:
        Malformed: It has another type.
    """
    if not isinstance(value, kind):
        raise Malformed(f"{what} must be {article(kind.__name__)}, not {article(type(value).__name__)}", hint=hint)


def listed(what: str, values: Iterable[T]) -> tuple[T, ...]:
    """Return several values as a tuple. Text is refused, because it would be taken letter by letter.

    Raises:
        Malformed: The argument is text, or cannot be iterated over.
    """
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise Malformed(
            f"{what} must be a list, not {article(type(values).__name__)}", hint="pass a list, even of one value"
        )
    return tuple(values)


def listed_of(what: str, values: Iterable[T], kind: type[T]) -> tuple[T, ...]:
    """Return several values of a type as a tuple.

    Raises:
        Malformed: The argument cannot be iterated over, or one of the values has another type.
    """
    several = listed(what, values)
    for place, value in enumerate(several):
        if not isinstance(value, kind):
            problem = (
                f"{what} must hold {kind.__name__}s only; the one at place {place} is {article(type(value).__name__)}"
            )
            raise Malformed(problem, hint=f"pass a list of {kind.__name__}s")
    return several
