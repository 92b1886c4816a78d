"""Chances and small systems of linear equations, without a numeric package."""

from __future__ import annotations

from collections.abc import Sequence

from leadlife.errors import Malformed

_SINGULAR = 1e-12
_MOST = 1e12
_ROW = 1e-9
"""By how much a row of chances may miss 1, for the rounding of floats."""


def solved(matrix: Sequence[Sequence[float]], right: Sequence[Sequence[float]]) -> list[list[float]]:
    """Return X with ``matrix X = right``, by Gaussian elimination with partial pivoting.

    Args:
        matrix: A square matrix, row by row.
        right: As many rows, each with one number for each system.

    Raises:
        Malformed: The matrix is singular.
    """
    size = len(matrix)
    rows = [[*own, *known] for own, known in zip(matrix, right, strict=True)]
    for column in range(size):
        pivot = max(range(column, size), key=lambda row: abs(rows[row][column]))
        if abs(rows[pivot][column]) < _SINGULAR:
            raise Malformed("these equations have no single solution", hint="see that every state can be left for good")
        rows[column], rows[pivot] = rows[pivot], rows[column]
        top = rows[column]
        for row in range(size):
            factor = rows[row][column] / top[column]
            if row != column and factor:
                rows[row] = [one - factor * other for one, other in zip(rows[row], top, strict=True)]
    return [[value / rows[row][row] for value in rows[row][size:]] for row in range(size)]


def checked_row(place: object, row: Sequence[float], *, normalize: bool) -> list[float]:
    """Return a row of chances; one that does not add up to 1 is refused, or divided by its sum if that is asked for.

    Raises:
        Malformed: A chance is negative, or they do not add up to 1.
    """
    if any(value > _MOST for value in row):
        raise Malformed(f"the row of {place} holds a number that is too large for a chance")
    total = sum(row)
    if any(value < 0 for value in row) or total <= 0:
        raise Malformed(f"the row of {place} must hold chances, of which none is negative and one is positive")
    if abs(total - 1) > _ROW and not normalize:
        raise Malformed(f"the row of {place} adds up to {total:g}, not to 1", hint="correct it, or pass normalize=True")
    return [value / total for value in row] if normalize else list(row)
