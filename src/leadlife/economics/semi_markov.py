"""A semi-Markov model of the stages: where leads go next, and how long they stay; what follows for sales and time.

A lead in a stage moves to a next one by chance, and stays there for a time of its own; what came before plays no part.
The formulas are those of absorbing chains (Kemeny and Snell 1960), with the moments of the stays added up along the
way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import NamedTuple

from leadlife._base.arguments import expect, listed
from leadlife._base.linear import checked_row, solved
from leadlife._base.outcomes import real
from leadlife.errors import Malformed

WON = "won"
_MOST = 1e9


class StageOutlook(NamedTuple):
    """What is to be expected of a lead that has just entered a stage.

    Attributes:
        won: The chance that it is won.
        days_to_end: The mean number of days until it ends, won or not.
        sd_days_to_end: The standard deviation of that number.
        days_to_won: The mean number of days until it is won, of those that are; None where none is.
    """

    won: float
    days_to_end: float
    sd_days_to_end: float
    days_to_won: float | None


class SemiMarkov(NamedTuple):
    """A semi-Markov model of stages.

    Attributes:
        moves: For each stage, the chance of each next stage or end; ends have no row of their own.
        mean_days: For each stage, how many days a lead stays on average.
        cv: For each stage, the standard deviation of the stay as a share of its mean.
    """

    moves: Mapping[str, Mapping[str, float]]
    mean_days: Mapping[str, float]
    cv: Mapping[str, float]

    @classmethod
    def of(
        cls,
        moves: Mapping[str, Mapping[str, float]],
        mean_days: Mapping[str, float] | Sequence[float],
        cv: Mapping[str, float] | Sequence[float] | None = None,
        *,
        normalize: bool = False,
    ) -> SemiMarkov:
        """Return a model of given numbers.

        Args:
            moves: For each stage, the chance of each next stage or end.
            mean_days: The mean stay in each stage, by name or in the order of ``moves``.
            cv: The coefficient of variation of each stay; by default 1, as of an exponential one.
            normalize: Whether rows that do not add up to 1 are divided by their sums.

        Raises:
            Malformed: A row does not add up to 1, a number is negative, or a stage has no stay.
        """
        expect("moves", moves, Mapping, hint='pass {"offer": {"won": 0.4, "lost": 0.6}}')
        if WON in moves:
            raise Malformed(f"{WON!r} is the end of a sale, and no stage", hint="call the stage otherwise")
        stages = list(moves)
        rows: dict[str, dict[str, float]] = {}
        for stage, row in moves.items():
            expect(f"the row of {stage}", row, Mapping, hint="pass the chance of each next stage by its name")
            chances = [real(f"the chance from {stage} to {name}", chance) for name, chance in row.items()]
            rows[stage] = dict(zip(row, checked_row(repr(stage), chances, normalize=normalize), strict=True))
        days, spread = _by_stage("mean_days", mean_days, stages), _by_stage("cv", cv or [1.0] * len(stages), stages)
        return cls(rows, days, spread)

    def outlook(self) -> dict[str, StageOutlook]:
        """Return what is to be expected of a lead that has just entered each stage.

        Raises:
            Malformed: Some stages are never left for good.
        """
        stages = list(self.moves)
        matrix = [[(here == there) - self.moves[here].get(there, 0.0) for there in stages] for here in stages]
        stays = [self.mean_days[stage] for stage in stages]
        firsts = solved(
            matrix, [[self.moves[stage].get(WON, 0.0), stay] for stage, stay in zip(stages, stays, strict=True)]
        )
        won = {stage: row[0] for stage, row in zip(stages, firsts, strict=True)}
        ends = {stage: row[1] for stage, row in zip(stages, firsts, strict=True)}
        right: list[list[float]] = []
        for stage, stay in zip(stages, stays, strict=True):
            onward = sum(chance * ends.get(there, 0.0) for there, chance in self.moves[stage].items())
            # The square of the whole time: of the stay, twice the stay with what follows, and of what follows.
            square = stay * stay * (1 + self.cv[stage] ** 2) + 2 * stay * onward
            right.append([square, stay * won[stage]])
        seconds = solved(matrix, right)
        found: dict[str, StageOutlook] = {}
        for stage, (square, timed) in zip(stages, seconds, strict=True):
            spread = sqrt(max(square - ends[stage] ** 2, 0.0))
            found[stage] = StageOutlook(won[stage], ends[stage], spread, timed / won[stage] if won[stage] else None)
        return found


def _by_stage(what: str, given: Mapping[str, float] | Sequence[float], stages: Sequence[str]) -> dict[str, float]:
    named = given if isinstance(given, Mapping) else dict(zip(stages, listed(what, given), strict=False))
    found: dict[str, float] = {}
    for stage in stages:
        if stage not in named:
            raise Malformed(f"{what} says nothing of the stage {stage!r}", hint="give one number for each stage")
        value = real(f"{what} of {stage}", named[stage])
        if not 0 <= value <= _MOST:
            raise Malformed(f"{what} of {stage!r} must be a number from 0 to {_MOST:.0e}")
        found[stage] = value
    return found
