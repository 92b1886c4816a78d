"""Isotonic calibration: a curve that never falls, from raw probabilities to those that came true."""

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
    """A curve that never falls, from raw probabilities to calibrated ones: straight between its points, flat beyond.

    Attributes:
        xs: Where its points lie, rising.
        ys: How high they are, never falling.
    """

    xs: TupleOf[Chance]
    ys: TupleOf[Chance]

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
    def fit(cls, outcomes: Iterable[Any], probabilities: Iterable[Any], *, prior: float = 0.0) -> Self:
        """Return the curve nearest to what came of probabilities (pool adjacent violators, Ayer and others 1955).

        Args:
            outcomes: Whether each lead was won: True or False, 1 or 0. One outcome alone will do.
            probabilities: What each was given, from 0 to 1, in the same order.
            prior: With how many leads of average luck each level part of the curve is mixed, so that few leads at an
                end, all of them won, do not make it certain. With none it is the plain curve.

        Raises:
            Malformed: The two do not pair, one is no probability, or the prior is below nothing.
        """
        if real("the prior", prior) < 0:
            raise Malformed("the prior of a curve is a number of leads")
        pairs = sorted(paired_chances(outcomes, probabilities))
        rate = sum(outcome for _, outcome in pairs) / len(pairs)
        tied = ((chance, [outcome for _, outcome in group]) for chance, group in groupby(pairs, key=score_of))
        pools = _rising_pools(_Pool(sum(came), len(came), chance, chance) for chance, came in tied)
        if prior:
            pools = _rising_pools(one._replace(won=one.won + prior * rate, leads=one.leads + prior) for one in pools)
        ends = [(place, one.height) for one in pools for place in dict.fromkeys((one.first, one.last))]
        return cls(xs=tuple(x for x, _ in ends), ys=tuple(y for _, y in ends))

    def __call__(self, probability: float) -> float:
        """Return the calibrated probability.

        Raises:
            Malformed: This is no probability.
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
    """A level part of the curve: its won leads, all its leads, and where it begins and ends."""

    won: float
    leads: float
    first: float
    last: float

    @property
    def height(self) -> float:
        return self.won / self.leads


def _rising_pools(pools: Iterable[_Pool]) -> list[_Pool]:
    """Return the pools, neighbours made one until each is higher than the one before."""
    risen: list[_Pool] = []
    for pool in pools:
        risen.append(pool)
        while len(risen) > 1 and risen[-2].height >= risen[-1].height:
            right, left = risen.pop(), risen.pop()
            risen.append(_Pool(left.won + right.won, left.leads + right.leads, left.first, right.last))
    return risen
