"""Fields: the attributes of a lead that a playbook declares, each with its type."""

from datetime import date
from enum import StrEnum
from typing import Self

from pydantic import model_validator

from leadlife._base.model import Definition, OneOf, Text, TupleOf, default
from leadlife._base.numbers import plain
from leadlife.criteria.view import Scalar
from leadlife.errors import Malformed


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


class FieldSpec(Definition):
    """A field of the lead that the playbook knows."""

    type: OneOf[FieldType] = default(FieldType.TEXT)
    personal: bool = False
    """Whether its values are personal data."""
    choices: TupleOf[Scalar] = default(())
    """The values that the field allows; none means any. ``1`` and ``1.0`` are one value."""
    meaning: Text = ""

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        odd = next((choice for choice in self.choices if not self.type.accepts(choice)), None)
        if odd is not None:
            raise Malformed(f"the choice {odd!r} is not {self.type.words}", hint="correct it, or the type of the field")
        return self
