"""Lead-type profiles: what the teams expect of each type of lead, until their own figures say better."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from leadlife._base.model import Accepts, Definition, Name, OneOf, Text, default
from leadlife.errors import Malformed
from leadlife.leads import LeadType
from leadlife.money import Money, exact_decimal

Share = Annotated[float, Field(ge=0, le=1)]
if TYPE_CHECKING:
    OptionalHours = Accepts[Decimal | None, Decimal | float | str | None]
else:
    OptionalHours = Annotated[Decimal, BeforeValidator(exact_decimal), Field(ge=0, le=100_000)] | None


class LeadTypeProfile(Definition):
    """What is expected of leads of one type.

    >>> LeadTypeProfile(lead_type="referral", close_rate=0.3, cycle_days=20).assumed
    True
    """

    lead_type: OneOf[LeadType]
    close_rate: Share | None = None
    """The share of leads that is won in the end."""
    cycle_days: Annotated[float, Field(gt=0, le=3_660)] | None = None
    """The days from entry to the sale, in the median."""
    effort_hours: OptionalHours = default(None)
    """The hours of work for a lead, on average over all leads of the type."""
    cost: Money | None = None
    """What a lead costs."""
    value: Money | None = None
    """What a sale brings."""
    margin: Share | None = None
    """The share of a sale that is left of it."""
    follow_up: Name | None = None
    """The programme that follows up on such leads."""
    assumed: bool = True
    """Whether these are starting points that nobody has measured."""
    meaning: Text = ""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if any(money is not None and money.amount < 0 for money in (self.cost, self.value)):
            raise Malformed("the cost and the value of a lead must not be negative")
        if self.cost is not None and self.value is not None and self.cost.currency != self.value.currency:
            raise Malformed("cost and value must be in one currency", hint="convert one of them")
        return self
