"""Fields: the attributes of a lead that a playbook declares, each with its type."""

from datetime import date
from enum import StrEnum

from leadlife._base.model import Definition, OneOf, Text, TupleOf, default


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
        """Return whether a value is of this type; a date is ISO text such as ``2026-03-01``."""
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


class FieldSpec(Definition):
    """A field of the lead that the playbook knows."""

    type: OneOf[FieldType] = default(FieldType.TEXT)
    personal: bool = False
    """Whether its values are personal data."""
    choices: TupleOf[Text] = default(())
    """The values that a text field allows; none means any."""
    meaning: Text = ""
