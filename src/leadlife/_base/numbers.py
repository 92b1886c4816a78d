"""Numbers in their plain spelling."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pydantic import BeforeValidator

_EXACT = 2**53
"""From here on a float may stand for several whole numbers, so it is left as it is."""


def plain(value: Any) -> Any:
    """Return the plain number that equals a number of another spelling; any other value is returned as it is.

    A whole float or decimal is the whole number, another decimal the float, and a scalar of NumPy what it holds. So 1,
    1.0, ``Decimal("1.00")`` and ``numpy.int64(1)`` are one value, whatever a frame library made of a column.
    """
    if type(value) in (str, int, bool):  # by far the most values
        return value
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        value = value.item()
    if isinstance(value, Decimal) and value.is_finite():
        return int(value) if value == value.to_integral_value() else float(value)
    whole = isinstance(value, float) and value.is_integer() and abs(value) < _EXACT
    return int(value) if whole else value


PLAIN = BeforeValidator(plain)
"""Reads a number in whatever spelling."""
