"""Handoff rules: how soon an offered lead is to be answered, and what happens if it is not."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator

from leadlife._base.model import LAX, Accepts, Definition, Id, Name, Names, OneOf, Text, TupleOf, default
from leadlife.criteria import OptionalGuard
from leadlife.errors import Malformed
from leadlife.timing import PositiveDuration

if TYPE_CHECKING:
    from collections.abc import Sequence


if TYPE_CHECKING:
    Shares = Accepts[tuple[float, float] | None, Sequence[float] | None]
else:
    Shares = Annotated[tuple[float, float], LAX] | None


class AnswerTime(Definition):
    """How long the answer to an offered lead may take, for some leads."""

    within: PositiveDuration
    hours: Name | None = None
    """The business hours of the playbook in which it counts, for an elapsed duration. Without one, at all hours."""
    when: OptionalGuard = default(None)
    """The leads that it is for, such as ``lead_type("referral")``. Without one, all."""


class OnExpiry(StrEnum):
    """What happens to an offer that was not answered in time."""

    RETURN = "return"
    """It ends, and the owner of before keeps the lead."""
    REOFFER = "reoffer"
    """It is made again to the same, with a new deadline."""
    ESCALATE = "escalate"
    """It is made to another."""


class HandoffRules(Definition):
    """How a lead is handed over: offered, and then accepted or rejected by a deadline.

    >>> from leadlife.criteria import lead_type
    >>> rules = HandoffRules(
    ...     answer=[AnswerTime(within="PT1H", when=lead_type("referral")), AnswerTime(within="PT8H")],
    ...     on_expiry="escalate",
    ...     escalate_to="head of sales",
    ... )
    >>> len(rules.answer)
    2
    """

    answer: TupleOf[AnswerTime] = default(())
    """The first one whose ``when`` is true counts; without any, an offer has no deadline."""
    on_expiry: OneOf[OnExpiry] = default(OnExpiry.RETURN)
    escalate_to: Id | None = None
    """Who is offered the lead on escalation."""
    most_offers: Annotated[int, Field(ge=1, le=100)] = 3
    """After so many offers without an answer, the lead goes back to its owner."""
    reasons: Names = default(())
    """The reasons that a rejection may give; none means any."""
    acceptance: Shares = default(None)
    """The least and the largest share of accepted offers that both teams agree on, such as 0.6 and 0.9."""
    meaning: Text = ""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if (self.on_expiry is OnExpiry.ESCALATE) is not (self.escalate_to is not None):
            raise Malformed("escalate_to belongs to on_expiry='escalate'", hint="give both, or neither")
        if self.acceptance is not None and not 0 <= self.acceptance[0] < self.acceptance[1] <= 1:
            raise Malformed("acceptance is two shares, the smaller first", hint="write (0.6, 0.9)")
        return self
