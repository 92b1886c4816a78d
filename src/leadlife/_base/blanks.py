"""Blanks: what an empty cell is, and which values of a column mean "not answered"."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from leadlife._base.numbers import plain
from leadlife._base.outcomes import is_blank
from leadlife.errors import Malformed

Blanks = Iterable[Any] | Mapping[str, Iterable[Any]]
"""Values that mean "not answered": for every column, or by column."""


def blank_in(blanks: Blanks, column: str) -> Callable[[Any], bool]:
    """Return a function that tells whether a cell of a column is blank.

    An empty cell always is (see :func:`is_blank`). Texts are compared without case and without space at the ends, and
    a number equals its text, because one library reads ``-1`` and another ``"-1"``.

    Raises:
        Malformed: The values are not a list of values, nor a mapping of such lists by column.
    """
    given = blanks.get(column, ()) if isinstance(blanks, Mapping) else blanks
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise Malformed(
            "blanks must be a list of values, or a mapping from columns to such lists",
            hint='blanks=["unknown", -1] or blanks={"age": [999]}',
        )
    declared = frozenset(map(_form, given))
    return lambda value: is_blank(value) or (bool(declared) and _form(value) in declared)


def _form(value: Any) -> str:
    return str(plain(value)).strip().casefold()
