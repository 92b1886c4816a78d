"""Blanks: what an empty cell is, and which values of a column mean "not answered"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from leadlife._base.numbers import plain
from leadlife._base.outcomes import is_blank
from leadlife.errors import Malformed, did_you_mean

Blanks = Iterable[Any] | Mapping[str, Iterable[Any]]
"""Values that mean "not answered": for every column, or by column."""
_NUMBER = re.compile(r"-?\d+\.\d+")


class DeclaredBlanks:
    """The values that mean "not answered", read once.

    An empty cell always does. Texts are compared without case and without space at the ends, and a number equals its
    text, because one library reads ``-1``, another ``"-1"`` or ``"-1.0"``.
    """

    def __init__(self, blanks: Blanks, columns: Iterable[str] | None = None) -> None:
        """Read what was declared.

        Args:
            blanks: The values, for every column or by column.
            columns: The columns that there are, for suggestions; None if they are not known.

        Raises:
            Malformed: The values are not a list of values, nor a mapping of such lists by column; or one of these
                columns is not there.
        """
        by_column = {name: _forms(values) for name, values in blanks.items()} if isinstance(blanks, Mapping) else {}
        known = list(by_column if columns is None else columns)
        strange = next((name for name in by_column if name not in known), None)
        if strange is not None:
            raise Malformed(f"blanks name a column {strange!r}, which is not there", hint=did_you_mean(strange, known))
        self._by_column: Mapping[str, frozenset[str]] = by_column
        self._everywhere: frozenset[str] = frozenset() if isinstance(blanks, Mapping) else _forms(blanks)

    def of(self, column: str, *, asked: bool = True) -> Callable[[Any], bool]:
        """Return a function that tells whether a cell of a column is blank.

        Args:
            column: The column.
            asked: Whether its values are answers. Ids, dates and outcomes are not: what is declared for every column
                does not count there.
        """
        declared = self._by_column.get(column, self._everywhere if asked else frozenset())
        if not declared:
            return is_blank
        return lambda value: is_blank(value) or _form(value) in declared


def _forms(values: Any) -> frozenset[str]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise Malformed(
            "blanks must be a list of values, or a mapping from columns to such lists",
            hint='blanks=["unknown", -1] or blanks={"age": [999]}',
        )
    return frozenset(map(_form, values))


def _form(value: Any) -> str:
    text = str(plain(value)).strip().casefold()
    return str(plain(float(text))) if _NUMBER.fullmatch(text) else text
