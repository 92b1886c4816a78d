"""Numbers in their plain spelling."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import BeforeValidator

from leadlife.errors import Malformed

_NUMPY_KINDS = frozenset("biufU")
_EXACT = 2**53
"""From here on a float may stand for several whole numbers, so it is left as it is."""


def plain(value: Any) -> Any:
    """Return the plain value that equals a value of another spelling; any other is returned as it is.

    A date is its ISO text. A whole float or decimal is the whole number, another decimal the float, and a scalar of
    NumPy what it holds. So 1, 1.0, ``Decimal("1.00")`` and ``numpy.int64(1)`` are one value, whatever a frame library
    made of a column.

    Raises:
        Malformed: It is a date or a duration of NumPy, which would be read as a number.
    """
    if type(value) in (str, int, bool):  # by far the most values
        return value
    if type(value) is date:
        return value.isoformat()
    if getattr(value, "shape", None) == () and hasattr(value, "dtype"):
        if value.dtype.kind not in _NUMPY_KINDS:
            raise Malformed("a date or a duration of NumPy is not a plain value", hint="convert it to ISO text")
        value = value.item()
    if isinstance(value, Decimal) and value.is_finite():
        if value == value.to_integral_value():
            return int(value)
        return float(value) or value  # one too small for a float is left, and refused as no plain number
    whole = isinstance(value, float) and value.is_integer() and abs(value) < _EXACT
    return int(value) if whole else value


PLAIN = BeforeValidator(plain)
"""Reads a number in whatever spelling."""
