"""The types that the values of fields and attributes may have."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from leadlife._base.numbers import plain


class FieldType(StrEnum):
    """The type of a field's values."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"

    @property
    def words(self) -> str:
        """The type with its article, such as ``an integer``, for messages."""
        return _WITH_ARTICLE[self]

    def accepts(self, value: object) -> bool:
        """Return whether a value is of this type, however it is spelt; a date is ISO text such as ``2026-03-01``."""
        value = plain(value)
        if isinstance(value, bool):
            return self is FieldType.BOOLEAN
        if isinstance(value, int):
            return self in (FieldType.INTEGER, FieldType.NUMBER)
        if isinstance(value, float):
            return self is FieldType.NUMBER
        return self is FieldType.TEXT or (self is FieldType.DATE and _is_date(str(value)))


_WITH_ARTICLE = {
    FieldType.TEXT: "text",
    FieldType.INTEGER: "an integer",
    FieldType.NUMBER: "a number",
    FieldType.BOOLEAN: "true or false",
    FieldType.DATE: "a date such as 2026-03-01",
}


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
