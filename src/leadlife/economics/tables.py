"""Figures as text tables: one line for each group, with what is unknown as a dash."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leadlife.economics.group_returns import Returns
    from leadlife.economics.returns_row import ReturnsRow


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
    return "\n".join([lines[0], rule, *([*lines[1:-1], rule, lines[-1]] if total else lines[1:])])


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


def returns_table(figures: Returns) -> str:
    """Return the text of a table of returns."""
    head = ["leads", "won", "rate", "matured", "cost", "per lead", "CAC now", "CAC matured", "revenue", "margin", "ROI"]
    rows = [[figures.by, *head], *map(_cells, figures.rows), _cells(figures.total)]
    lines = [text_table(rows, total=True)]
    if figures.unassigned:
        lines.append(f"{money(figures.unassigned)} of the cost belongs to no group")
    lines += [f"! {caution.message}" for caution in figures.warnings]
    return "\n".join(
        [f"in {figures.currency}, as of {figures.as_of:%Y-%m-%d}" if figures.currency else "no money", *lines]
    )


def _cells(row: ReturnsRow) -> list[str]:
    return [
        shown(row.key),
        str(row.leads),
        str(row.won),
        percent(row.rate),
        percent(row.matured_rate),
        money(row.cost),
        money(row.cost_per_lead),
        money(row.cac_now),
        money(row.cac_matured),
        money(row.revenue),
        money(row.margin),
        percent(row.roi),
    ]
