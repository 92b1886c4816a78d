"""The fit of a lead to the profile of the ideal customer, with grades."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from leadlife._base.model import Definition, Name, Text, TupleOf, default
from leadlife.criteria import Criterion
from leadlife.errors import Fault, repeated
from leadlife.scoring import MICRO, Score
from leadlife.scoring.point_rules import FieldRule
from leadlife.scoring.points import Points
from leadlife.scoring.policy import Banded, Bands, PolicyView, Question, band_faults

GRADES: dict[str, float] = {"A": 75, "B": 50, "C": 25, "D": 0}


class Trait(Definition):
    """One trait of the ideal customer, and its share of the profile in whole percent."""

    name: Name
    when: Question
    percent: Annotated[int, Field(ge=1, le=100)]
    meaning: Text = ""


class Fit(Banded):
    """A score from 0 to 100: the sum of the percentages of the traits that are true.

    An unknown trait adds 0, and the ledger lists it: it is what to find out next.

    Attributes:
        traits: The traits of the ideal customer; the percentages add up to 100.
        exclude: A lead for which one of these criteria is true has no score.
        bands: The grades; the default cuts at 75, 50 and 25 are a starting point.
    """

    op: Literal["fit"] = "fit"
    traits: Annotated[TupleOf[Trait], Field(min_length=1)]
    exclude: TupleOf[Question] = default(())
    bands: Bands = Field(default_factory=GRADES.copy)

    def _faults(self) -> Iterator[Fault]:
        yield from repeated("traits", (trait.name for trait in self.traits))
        total = sum(trait.percent for trait in self.traits)
        if total != 100:  # noqa: PLR2004 - percent
            yield Fault("traits", f"the percentages must add up to 100, not {total}", "change a percent")
        yield from band_faults(self.bands, 0, 100 * MICRO)

    @cached_property
    def points(self) -> Points:
        """The same as a points policy."""
        return Points(
            name=self.name,
            version=self.version,
            rules=tuple(
                FieldRule(name=trait.name, when=trait.when, points=trait.percent, meaning=trait.meaning)
                for trait in self.traits
            ),
            cap=100,
            floor=0,
            exclude=self.exclude,
            bands=self.bands,
        )

    def criteria(self) -> Iterator[tuple[str, Criterion]]:
        """Yield every criterion, with its path."""
        for place, trait in enumerate(self.traits):
            yield f"traits.{place}.when", trait.when
        for place, criterion in enumerate(self.exclude):
            yield f"exclude.{place}", criterion

    def limits(self) -> tuple[int | None, int | None]:
        """Return 0 and 100 points, in micropoints."""
        return self.points.limits()

    def _assess(self, view: PolicyView) -> Score:
        return self.points.assess(view)
