"""Recycling rules: what the reason of a recycling decides."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from leadlife._base.model import Definition, Names, OneOf, Text, default
from leadlife.criteria import OptionalGuard
from leadlife.errors import Malformed
from leadlife.timing import OptionalDuration


class KeptScores(StrEnum):
    """What becomes of a lead's scores in points when it is recycled; the latest recycling that says so decides."""

    KEEP = "keep"
    HALVE = "halve"
    """What it had from before counts half; a score whose bands come from its parts is kept."""
    AFRESH = "afresh"
    """What it did before counts no more."""


class RecyclingRule(Definition):
    """What becomes of a lead that is recycled for some reasons. Its programme asks for the reason by itself.

    The programme of these leads has ``recycled_for("budget")`` in its audience. A lead whose returns are used up stays
    in the recycled stage, unless an automatic move out of it has ``return_count() >= 3`` as its guard.

    >>> from leadlife import days
    >>> RecyclingRule(reasons=["budget"], cool_down=days(90), most_returns=2).reasons
    ('budget',)
    """

    reasons: Names
    cool_down: OptionalDuration = default(None)
    """How long the lead is left in peace, in place of the stage's own cool-down."""
    most_returns: Annotated[int, Field(ge=0)] | None = None
    """How often a lead that is recycled for one of these reasons may return since its last won cycle."""
    scores: OneOf[KeptScores] = default(KeptScores.KEEP)
    """What becomes of the lead's scores in points; kept, halved, or started afresh."""
    woken_by: OptionalGuard = default(None)
    """What ends the cool-down early, such as evidence of an urgent need."""
    meaning: Text = ""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if not self.reasons:
            raise Malformed("a recycling rule needs at least one reason")
        return self
