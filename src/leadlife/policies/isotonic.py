"""Isotonic calibration: a curve that never falls, from raw probabilities to those that came true."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import groupby, pairwise
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from leadlife._model import LAX, Definition
from leadlife._outcomes import paired_chances, score_of
from leadlife.errors import Malformed

Chance = Annotated[float, Field(ge=0, le=1)]


class Isotonic(Definition):
    """A curve that never falls, from raw probabilities to calibrated ones: straight between its points, flat beyond.

    Attributes:
        xs: Where its points lie, rising.
        ys: How high they are, never falling.
    """

    xs: Annotated[tuple[Chance, ...], LAX]
    ys: Annotated[tuple[Chance, ...], LAX]

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if not self.xs or len(self.xs) != len(self.ys):
            raise Malformed("a curve has as many heights as places, and at least one")
        if any(left >= right for left, right in pairwise(self.xs)):
            raise Malformed("the places of a curve rise")
        if any(left > right for left, right in pairwise(self.ys)):
            raise Malformed("an isotonic curve never falls")
        return self

    @classmethod
    def fit(cls, outcomes: Iterable[Any], probabilities: Iterable[Any]) -> Self:
        """Return the curve nearest to what came of probabilities (pool adjacent violators, Ayer and others 1955).

        Args:
            outcomes: Whether each lead was won: True or False, 1 or 0. One outcome alone will do.
            probabilities: What each was given, from 0 to 1, in the same order.

        Raises:
            Malformed: The two do not pair, or one is no probability.
        """
        pools: list[tuple[int, int, float, float]] = []
        for chance, group in groupby(sorted(paired_chances(outcomes, probabilities)), key=score_of):
            came = [outcome for _, outcome in group]
            pools.append((sum(came), len(came), chance, chance))
            while len(pools) > 1 and pools[-2][0] * pools[-1][1] >= pools[-1][0] * pools[-2][1]:
                won, leads, _, last = pools.pop()
                earlier_won, earlier_leads, first, _ = pools.pop()
                pools.append((earlier_won + won, earlier_leads + leads, first, last))
        ends = [(place, won / leads) for won, leads, *span in pools for place in dict.fromkeys(span)]
        return cls(xs=tuple(x for x, _ in ends), ys=tuple(y for _, y in ends))

    def __call__(self, probability: float) -> float:
        """Return the calibrated probability."""
        place = bisect_right(self.xs, probability)
        if place == 0:
            return self.ys[0]
        if place == len(self.xs):
            return self.ys[-1]
        left, right = self.xs[place - 1], self.xs[place]
        low, high = self.ys[place - 1], self.ys[place]
        return low + (high - low) * (probability - left) / (right - left)
