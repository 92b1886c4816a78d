"""Text tables: figures in columns, with what is unknown as a dash."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal


def text_table(rows: Sequence[Sequence[str]], *, total: bool = False) -> str:
    """Return rows of cells as aligned text: the first column to the left, all others to the right, under a rule."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    rule = "-" * len(lines[0])
    under = [rule] if len(rows) > 2 else []  # noqa: PLR2004 - a table without rows but the total needs no second rule
    return "\n".join([lines[0], rule, *([*lines[1:-1], *under, lines[-1]] if total else lines[1:])])


def shown(name: str | None) -> str:
    """Return a name from the data without control characters, which could change what a terminal shows."""
    if name is None:
        return "(blank)"
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in name)


def money(amount: Decimal | None) -> str:
    """Return an amount with two decimals; a dash where it is unknown."""
    return "-" if amount is None else f"{amount:,.2f}"


def percent(share: float | None) -> str:
    """Return a share in percent; a dash where it is unknown."""
    return "-" if share is None else f"{100 * share:.1f} %"


def number(value: float | None, digits: int = 1) -> str:
    """Return a number with some decimals; a dash where it is unknown."""
    return "-" if value is None else f"{value:,.{digits}f}"
