"""The few words in which the SQL of two engines differs."""

from __future__ import annotations

from typing import NamedTuple


class Dialect(NamedTuple):
    """How an engine writes what the engines write in different ways.

    Attributes:
        big: The name of a type of whole numbers that holds products of two of 63 bits.
        divided_by: The sign of a division of whole numbers without rest.
        top: The sum of the so many largest of some values in a group: ``{value}``, ``{where}`` and ``{most}``.
    """

    big: str
    divided_by: str
    top: str


DUCKDB = Dialect(
    big="HUGEINT",
    divided_by="//",
    top="list_sum(max({value}, {most}) FILTER (WHERE {where}))",
)
SPARK = Dialect(
    big="DECIMAL(38, 0)",
    divided_by="div",
    top=(
        "aggregate(slice(sort_array(collect_list(CASE WHEN {where} THEN {value} END), false), 1, {most}), "
        "CAST(0 AS BIGINT), (acc, one) -> acc + one)"
    ),
)
