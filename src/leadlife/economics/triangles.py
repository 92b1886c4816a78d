"""What cohorts have still to bring: chain ladder with Mack's errors, Cape Cod and Bornhuetter-Ferguson.

A triangle has one row for each cohort, the oldest first, and in it the cumulative amount by age: the oldest cohort was
seen at all ages, the next one at one age fewer, and so on.

The chain ladder carries each cohort forward by the factors of the older ones; Mack (1993, 1994) gives the errors. It
needs a mature triangle. Young cohorts of few wins are better served by the other two, which spread what is still to
come by how far leads of that age have developed: Bornhuetter and Ferguson (1972) with a rate that is given, Cape Cod
(Stanard 1985) with the rate that the cohorts themselves show.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite, sqrt
from typing import NamedTuple

from leadlife._base.arguments import listed, listed_of
from leadlife._base.outcomes import real
from leadlife.errors import Malformed

_LEAST, _MOST = 1e-6, 1e15
FEWEST_COHORTS = 4
"""Mack's errors need at least so many cohorts."""


class LadderRow(NamedTuple):
    """One cohort of a chain ladder.

    Attributes:
        seen: The amount so far.
        ultimate: What it comes to at the last age.
        still_to_come: The difference.
        error: Mack's standard error of what is still to come.
    """

    seen: float
    ultimate: float
    still_to_come: float
    error: float


class ChainLadder(NamedTuple):
    """A triangle carried forward to its last age.

    Attributes:
        factors: For each age but the last, by what the amount grows until the next age.
        rows: The cohorts, the oldest first.
        still_to_come: What is still to come, over all cohorts.
        error: Mack's standard error of that.
    """

    factors: tuple[float, ...]
    rows: tuple[LadderRow, ...]
    still_to_come: float
    error: float


def chain_ladder(triangle: Iterable[Sequence[float | None]]) -> ChainLadder:
    """Return a triangle carried forward to its last age, with Mack's standard errors.

    Args:
        triangle: For each cohort, the oldest first, its cumulative amounts by age; None, or nothing, where it is too
            young.

    Raises:
        Malformed: There are fewer than 4 cohorts, the rows do not get shorter one by one, an amount is not a finite
            number, or an age has nothing to grow from. Such a triangle is too thin: use ``cape_cod``.
    """
    rows = [_numbers(place, row) for place, row in enumerate(listed("triangle", triangle))]
    size = len(rows)
    if size < FEWEST_COHORTS:
        problem = f"a chain ladder needs at least {FEWEST_COHORTS} cohorts, not {size}"
        raise Malformed(problem, hint="cape_cod(...) serves young cohorts")
    for place, row in enumerate(rows):
        if len(row) != size - place:
            raise Malformed(
                f"the cohort at place {place} has {len(row)} ages, and should have {size - place}",
                hint="give the oldest cohort first, each next one with one age fewer",
            )
    if any(not _LEAST <= value <= _MOST for row in rows for value in row):
        problem = "a cohort has nothing yet to grow from, or an amount too large, so there is no factor"
        raise Malformed(problem, hint="cape_cod(...) serves thin cohorts")
    factors: list[float] = []
    spreads: list[float] = []
    for age in range(size - 1):
        older = rows[: size - 1 - age]
        base = sum(row[age] for row in older)
        factor = sum(row[age + 1] for row in older) / base
        factors.append(factor)
        if len(older) > 1:
            squares = sum(row[age] * (row[age + 1] / row[age] - factor) ** 2 for row in older)
            spreads.append(squares / (len(older) - 1))
    # Of the last age there is one cohort only, so Mack extrapolates its spread.
    last, before = spreads[-1], spreads[-2]
    spreads.append(min(last**2 / before if before else 0.0, before, last))
    return _carried(rows, factors, spreads)


def _numbers(place: int, row: Sequence[float | None]) -> list[float]:
    kept = list(listed(f"the cohort at place {place}", row))
    while kept and kept[-1] is None:
        kept.pop()
    return [real(f"an amount of the cohort at place {place}", value) for value in kept]


def _carried(rows: list[list[float]], factors: list[float], spreads: list[float]) -> ChainLadder:
    size = len(rows)
    whole: list[list[float]] = []
    for row in rows:
        filled = list(row)
        for age in range(len(row) - 1, size - 1):
            filled.append(filled[age] * factors[age])
        whole.append(filled)
    bases = [sum(row[age] for row in rows[: size - 1 - age]) for age in range(size - 1)]
    shares = [spread / factor**2 for spread, factor in zip(spreads, factors, strict=True)]
    errors: list[float] = []
    total = 0.0
    for place, (row, filled) in enumerate(zip(rows, whole, strict=True)):
        ages = range(len(row) - 1, size - 1)
        own = sum(shares[age] * (1 / filled[age] + 1 / bases[age]) for age in ages)
        square = filled[-1] ** 2 * own
        errors.append(sqrt(square))
        # The factors are shared, so the errors of the cohorts hang together (Mack 1993, the corollary of theorem 3).
        later = sum(other[-1] for other in whole[place + 1 :])
        total += square + filled[-1] * later * sum(2 * shares[age] / bases[age] for age in ages)
    found = tuple(
        LadderRow(row[-1], filled[-1], filled[-1] - row[-1], error)
        for row, filled, error in zip(rows, whole, errors, strict=True)
    )
    return ChainLadder(tuple(factors), found, sum(row.still_to_come for row in found), sqrt(total))


class Cohort(NamedTuple):
    """Leads that came together.

    Attributes:
        leads: How many.
        won: How many were won so far.
        developed: Which share of their wins leads of this age have had, from 0 to 1.
    """

    leads: int
    won: float
    developed: float


class Matured(NamedTuple):
    """Cohorts with what is still to come.

    Attributes:
        rate: The share of leads that is won in the end, on which this rests; None where nothing has developed.
        ultimates: For each cohort, how many are won in the end; None without a rate.
    """

    rate: float | None
    ultimates: tuple[float | None, ...]

    @property
    def won(self) -> float | None:
        """How many are won in the end, over all cohorts; None without a rate."""
        known = [one for one in self.ultimates if one is not None]
        return sum(known) if len(known) == len(self.ultimates) else None


def bornhuetter_ferguson(cohorts: Iterable[Cohort], *, rate: float) -> Matured:
    """Return what cohorts come to, if the share that is still undeveloped wins at a given rate.

    >>> bornhuetter_ferguson([Cohort(leads=240, won=6, developed=0.5)], rate=0.05).won
    12.0

    Args:
        cohorts: The cohorts.
        rate: The share of leads that is won in the end, from 0 to 1.

    Raises:
        Malformed: A number is out of its range.
    """
    several = _checked(cohorts)
    if not 0 <= real("rate", rate) <= 1:
        raise Malformed("rate must be a share from 0 to 1")
    # A cohort has no more wins than leads, even where more are won than its age would let expect.
    ends = (min(one.won + one.leads * rate * (1 - one.developed), float(one.leads)) for one in several)
    return Matured(rate, tuple(ends))


def cape_cod(cohorts: Iterable[Cohort]) -> Matured:
    """Return what cohorts come to, at the rate that they show together: wins over leads, each by how far it developed.

    Args:
        cohorts: The cohorts.

    Raises:
        Malformed: A number is out of its range.
    """
    several = _checked(cohorts)
    developed = sum(one.leads * one.developed for one in several)
    if not developed:
        return Matured(None, (None,) * len(several))
    rate = min(sum(one.won for one in several) / developed, 1.0)
    return bornhuetter_ferguson(several, rate=rate)


def _checked(cohorts: Iterable[Cohort]) -> tuple[Cohort, ...]:
    several = listed_of("cohorts", cohorts, Cohort)
    for place, one in enumerate(several):
        if any(isinstance(value, bool) or not isinstance(value, int | float) for value in one[:1] + one[2:]):
            raise Malformed(f"the cohort at place {place} must hold numbers only")
        if not (one.leads >= 0 and isfinite(one.leads) and 0 <= one.won <= one.leads and 0 <= one.developed <= 1):
            problem = f"the cohort at place {place} is not sound: {one}"
            raise Malformed(problem, hint="won is at most leads, and developed a share from 0 to 1")
    return several
