"""The grid: a fit letter and an engagement digit, such as A1."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, Self

from pydantic import model_validator

from leadlife.errors import Fault, InvalidDefinition
from leadlife.scoring import Score, rank
from leadlife.scoring.combined_scores import answers, as_points, joined
from leadlife.scoring.limits import Limits, limited, limits_of, limits_within, sum_limits
from leadlife.scoring.policy import Amount, Policy, PolicyView
from leadlife.scoring.reading import Part


class Grid(Policy):
    """Two policies with bands; the band of the grid is the band of fit followed by the band of engagement.

    The value is the sum of both, limited by ``floor`` and ``cap``. The bands are ordered by fit, then by engagement.
    """

    op: Literal["grid"] = "grid"
    fit: Part
    engagement: Part
    cap: Amount | None = None
    floor: Amount | None = None

    @model_validator(mode="after")
    def _banded(self) -> Self:
        faults = [
            Fault(side, "an axis of a grid needs bands", "give the policy bands")
            for side, part in (("fit", self.fit), ("engagement", self.engagement))
            if not part.band_names()
        ]
        cells = self.band_names()
        if not faults and len(set(cells)) < len(cells):
            faults.append(Fault("", "two cells have the same name", "rename a band so that each pair is unique"))
        if faults:
            raise InvalidDefinition("the grid has faults:", faults=faults)
        return self

    def parts(self) -> tuple[Policy, ...]:
        """Return the two axes."""
        return self.fit, self.engagement

    def limits(self) -> Limits:
        """Return the sums of the axes' limits, after the floor and the cap."""
        return limits_within(sum_limits(self.fit.limits(), self.engagement.limits()), limits_of(self.floor, self.cap))

    def band_names(self) -> tuple[str, ...]:
        """Return the names of all cells, the lowest first."""
        return tuple(f"{row}{column}" for row in self.fit.band_names() for column in self.engagement.band_names())

    def _assess(self, view: PolicyView) -> Score:
        axes = (self.fit.assess(view), self.engagement.assess(view))
        missing = answers(self, axes)
        if missing is not None:
            return missing
        lines = [line for axis in axes for line in as_points(axis)]
        limited(lines, sum(line.micropoints for line in lines), limits_of(self.floor, self.cap), "total", "the total")
        score = joined(self, axes, lines)
        cell = None if any(rank(axis) < 0 for axis in axes) else f"{axes[0].band}{axes[1].band}"
        return replace(score, band=cell, bands=self.band_names(), parts=axes)
