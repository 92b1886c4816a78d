"""Fields: the attributes of a lead that a playbook declares, each with its type."""

from typing import Self

from pydantic import model_validator

from leadlife._base.field_types import FieldType as FieldType  # noqa: PLC0414 - users import it from here
from leadlife._base.model import Definition, OneOf, Text, TupleOf, default
from leadlife.criteria.view import Scalar
from leadlife.errors import Malformed


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
