"""Isotonic calibration: a curve that never falls, from raw probabilities to observed win rates."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import groupby, pairwise
from typing import Annotated, Any, NamedTuple, Self

from pydantic import Field, model_validator

from leadlife._base.model import Definition, TupleOf
from leadlife._base.outcomes import as_chance, paired_chances, real, score_of
from leadlife.errors import Malformed

Chance = Annotated[float, Field(ge=0, le=1)]


class Isotonic(Definition):
    """A curve that never falls, from raw to calibrated probabilities; linear between its points, constant outside.

    Attributes:
        xs: The raw probabilities of its points, strictly rising.
        ys: The calibrated probabilities of its points, never falling.
    """

    xs: TupleOf[Chance]
    ys: TupleOf[Chance]

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if not self.xs or len(self.xs) != len(self.ys):
            raise Malformed("xs and ys must have the same length, at least 1")
        if any(left >= right for left, right in pairwise(self.xs)):
            raise Malformed("each of xs must be greater than the one before")
        if any(left > right for left, right in pairwise(self.ys)):
            raise Malformed("none of ys may be less than the one before")
        return self

    @classmethod
    def fit(cls, outcomes: Iterable[Any], probabilities: Iterable[Any], *, prior: float = 0.0) -> Self:
        """Return the curve that is nearest to the outcomes (pool adjacent violators, Ayer and others 1955).

        Args:
            outcomes: Whether each lead was won: True or False, 1 or 0. They may all be the same.
            probabilities: The raw probability of each lead, from 0 to 1, in the same order.
            prior: The number of leads with the average win rate that each level part of the curve is mixed with. With a
                few, a small part in which all leads were won does not become certain. With 0 it is the plain curve.

        Raises:
            Malformed: The two differ in length, a value is not a probability, or the prior is negative.
        """
        if real("the prior", prior) < 0:
            raise Malformed("the prior must be 0 or more")
        pairs = sorted(paired_chances(outcomes, probabilities))
        rate = sum(outcome for _, outcome in pairs) / len(pairs)
        # Equal probabilities are one pool from the start: a curve has one value at each place.
        tied = ((chance, [outcome for _, outcome in group]) for chance, group in groupby(pairs, key=score_of))
        pools = _rising_pools(_Pool(sum(won), len(won), chance, chance) for chance, won in tied)
        if prior:
            # Mixing moves small pools more than large ones, so that neighbours may fall again: pool once more.
            pools = _rising_pools(
                pool._replace(won=pool.won + prior * rate, leads=pool.leads + prior) for pool in pools
            )
        ends = [(place, pool.height) for pool in pools for place in dict.fromkeys((pool.first, pool.last))]
        return cls(xs=tuple(x for x, _ in ends), ys=tuple(y for _, y in ends))

    def __call__(self, probability: float) -> float:
        """Return the calibrated probability.

        Raises:
            Malformed: The value is not a probability.
        """
        probability = as_chance(probability)
        place = bisect_right(self.xs, probability)
        if place == 0:
            return self.ys[0]
        if place == len(self.xs):
            return self.ys[-1]
        left, right = self.xs[place - 1], self.xs[place]
        low, high = self.ys[place - 1], self.ys[place]
        return low + (high - low) * (probability - left) / (right - left)


class _Pool(NamedTuple):
    """A level part of the curve: its won leads, all its leads, and its first and last raw probability."""

    won: float
    leads: float
    first: float
    last: float

    @property
    def height(self) -> float:
        return self.won / self.leads


def _rising_pools(pools: Iterable[_Pool]) -> list[_Pool]:
    """Return the pools, with neighbours merged until each pool is higher than the one before."""
    risen: list[_Pool] = []
    for pool in pools:
        risen.append(pool)
        while len(risen) > 1 and risen[-2].height >= risen[-1].height:
            right, left = risen.pop(), risen.pop()
            risen.append(_Pool(left.won + right.won, left.leads + right.leads, left.first, right.last))
    return risen
