"""Reward rules: what a customer earns for a referral."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from leadlife._base.model import Definition, Name, Text
from leadlife.errors import Malformed
from leadlife.money import Money


class RewardRule(Definition):
    """A reward for whoever referred a person, once that person has paid for the first time.

    >>> from leadlife import Money
    >>> RewardRule(name="thank you", amount=Money.of(50, "EUR"), most_rewards=10).amount
    Money(amount=Decimal('50'), currency='EUR')
    """

    name: Name
    amount: Money
    most_rewards: Annotated[int, Field(ge=1)] | None = None
    """How many rewards one referrer may earn in all. Without one, any number."""
    clawback: bool = True
    """Whether the reward is taken back when the first payment is given back in full."""
    meaning: Text = ""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.amount.amount <= 0:
            raise Malformed("a reward must be more than 0")
        return self
