"""The few words in which the SQL of two engines differs."""

from __future__ import annotations

from typing import NamedTuple


class Dialect(NamedTuple):
    """How an engine writes what the engines write in different ways.

    Attributes:
        big: The name of a type of whole numbers that holds products of two of 63 bits.
        divided_by: The sign of a division of whole numbers without rest.
        like: Whether a text holds what a pattern describes: ``{text}`` and ``{pattern}``.
        top: The sum of the so many largest of some values in a group: ``{value}``, ``{where}`` and ``{most}``.
        escapes: What is written in place of some characters of a text, one after another.
    """

    big: str
    divided_by: str
    like: str
    top: str
    escapes: tuple[tuple[str, str], ...]

    def text(self, text: str) -> str:
        """Return a text as the engine writes it."""
        for plain, escaped in self.escapes:
            text = text.replace(plain, escaped)
        return f"'{text}'"


DUCKDB = Dialect(
    big="HUGEINT",
    divided_by="//",
    like="regexp_matches({text}, {pattern})",
    top="list_sum(max({value}, {most}) FILTER (WHERE {where}))",
    escapes=(("'", "''"),),
)
SPARK = Dialect(
    big="DECIMAL(38, 0)",
    divided_by="div",
    like="regexp({text}, {pattern})",
    top=(
        "aggregate(slice(sort_array(collect_list(CASE WHEN {where} THEN {value} END), false), 1, {most}), "
        "CAST(0 AS BIGINT), (acc, one) -> acc + one)"
    ),
    escapes=(("\\", "\\\\"), ("'", "\\'")),
)
