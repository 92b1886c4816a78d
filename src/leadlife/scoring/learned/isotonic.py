"""Isotonic calibration: a curve that never falls, from raw probabilities to observed win rates."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import groupby, pairwise
from typing import Annotated, Any, NamedTuple, Self

from pydantic import Field, model_validator

from leadlife._base.model import Definition, TupleOf
from leadlife._base.outcomes import as_chance, paired_chances, real, score_of
from leadlife.errors import Malformed

RAW_SHARE = 0.02
"""The share of the raw probability that a strict curve keeps."""
_LEARN = "let fitted(...) work the curve out"
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
            raise Malformed("xs and ys must have the same length, at least 1", hint=_LEARN)
        if any(left >= right for left, right in pairwise(self.xs)):
            raise Malformed("each of xs must be greater than the one before", hint=_LEARN)
        if any(left > right for left, right in pairwise(self.ys)):
            raise Malformed("none of ys may be less than the one before", hint=_LEARN)
        return self

    @classmethod
    def fit(
        cls, outcomes: Iterable[Any], probabilities: Iterable[Any], *, prior: float = 0.0, strict: bool = False
    ) -> Self:
        """Return the curve that is nearest to the outcomes (pool adjacent violators, Ayer and others 1955).

        Args:
            outcomes: Whether each lead was won: True or False, 1 or 0. They may all be the same.
            probabilities: The raw probability of each lead, from 0 to 1, in the same order.
            prior: The number of leads with the average win rate that each level part of the curve is mixed with. With a
                few, a small part in which all leads were won does not become certain. With 0 it is the plain curve.
            strict: Whether the curve rises strictly from 0 to 1, so that leads keep their order where the plain curve
                is level. Each level part is then a point at the mean of its raw probabilities (centred isotonic
                regression, Oron and Flournoy 2017), and one part in fifty is the raw probability itself, which also
                counts beyond the outermost points.

        Raises:
            Malformed: The two differ in length, a value is not a probability, or the prior is negative.
        """
        if real("the prior", prior) < 0:
            raise Malformed("the prior must be 0 or more")
        pairs = sorted(paired_chances(outcomes, probabilities))
        rate = sum(outcome for _, outcome in pairs) / len(pairs)
        # Equal probabilities are one pool from the start: a curve has one value at each place.
        tied = ((chance, [outcome for _, outcome in group]) for chance, group in groupby(pairs, key=score_of))
        pools = _rising_pools(
            _Pool(sum(won), len(won), chance, chance, chance * len(won), len(won)) for chance, won in tied
        )
        if prior:
            # Mixing moves small pools more than large ones, so that neighbours may fall again: pool once more.
            pools = _rising_pools(
                pool._replace(won=pool.won + prior * rate, leads=pool.leads + prior) for pool in pools
            )
        points = [(pool.mean, pool.height) for pool in pools] if strict else list(_level(pools))
        if strict:
            points = [(x, (1 - RAW_SHARE) * y + RAW_SHARE * x) for x, y in _outwards(points)]
        return cls(xs=tuple(x for x, _ in points), ys=tuple(y for _, y in points))

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


def _level(pools: Iterable[_Pool]) -> Iterator[tuple[float, float]]:
    """Yield the points of a plain curve: the two ends of each level part."""
    for pool in pools:
        for place in dict.fromkeys((pool.first, pool.last)):
            yield place, pool.height


def _outwards(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the points of a curve with one at 0 and one at 1, as level as it is outside its points."""
    first, last = points[0], points[-1]
    return [(0.0, first[1])] * (first[0] > 0) + points + [(1.0, last[1])] * (last[0] < 1)


class _Pool(NamedTuple):
    """A level part of the curve: its won leads, all its leads (both with the prior), and its raw probabilities."""

    won: float
    leads: float
    first: float
    last: float
    summed: float
    real: int

    @property
    def height(self) -> float:
        return self.won / self.leads

    @property
    def mean(self) -> float:
        # Within its ends, whatever the error of the floats: so the means of pools rise as the pools do.
        return min(max(self.summed / self.real, self.first), self.last)

    def joined(self, right: _Pool) -> _Pool:
        return _Pool(
            won=self.won + right.won,
            leads=self.leads + right.leads,
            first=self.first,
            last=right.last,
            summed=self.summed + right.summed,
            real=self.real + right.real,
        )


def _rising_pools(pools: Iterable[_Pool]) -> list[_Pool]:
    """Return the pools, with neighbours merged until each pool is higher than the one before."""
    risen: list[_Pool] = []
    for pool in pools:
        risen.append(pool)
        while len(risen) > 1 and risen[-2].height >= risen[-1].height:
            right, left = risen.pop(), risen.pop()
            risen.append(left.joined(right))
    return risen
