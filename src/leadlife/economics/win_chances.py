"""The chance that each lead is won in each period ahead, from the stays of all leads, on a grid of steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from math import ceil, floor
from operator import mul
from typing import NamedTuple

from leadlife.economics.semi_markov import WON
from leadlife.economics.stays import LeadStays

_FEW = 10
"""A hazard at an age that fewer stays reached is that of all such ages together."""
_SWEEPS = 8
"""Moves within one step follow each other; so many of them at most."""


class GriddedStays(NamedTuple):
    """Leads with their stays on a grid of steps: for each lead, pairs of stage, step and next stage."""

    grid: tuple[tuple[tuple[str, int, str | None], ...], ...]
    present: tuple[tuple[str, int], ...]


def on_grid(leads: Sequence[LeadStays], step: float) -> GriddedStays:
    """Return stays in whole steps of so many days."""
    grid = tuple(tuple((stay.stage, round(stay.days / step), stay.following) for stay in lead.stays) for lead in leads)
    return GriddedStays(grid, tuple((stays[-1][0], stays[-1][1]) for stays in grid))


class _Hazards:
    """The hazards of the moves out of one stage, by the steps spent in it."""

    __slots__ = ("_by_step", "_tail", "_tail_from", "last")

    def __init__(self, events: Mapping[int, Mapping[str, float]], lasting: Mapping[int, float]) -> None:
        steps = sorted({*events, *lasting})
        self.last = steps[-1] if steps else -1
        at_risk = sum(sum(own.values()) for own in events.values()) + sum(lasting.values())
        self._by_step: list[dict[str, float]] = []
        tail: dict[str, float] = {}
        exposed = 0.0
        self._tail_from = self.last + 1
        for step in range(self.last + 1):
            own = events.get(step, {})
            if at_risk < _FEW and step:
                self._tail_from = min(self._tail_from, step)
                exposed += at_risk
                for following, count in own.items():
                    tail[following] = tail.get(following, 0.0) + count
            else:
                self._by_step.append({name: count / at_risk for name, count in own.items()} if at_risk > 0 else {})
            at_risk -= sum(own.values()) + lasting.get(step, 0.0)
        self._tail = {name: count / exposed for name, count in tail.items()} if exposed > 0 else {}

    def at(self, step: int) -> Mapping[str, float]:
        """Return the chance of each move in one step, of a lead that is there still."""
        if step < len(self._by_step):
            return self._by_step[step]
        return self._tail if step <= self.last else {}

    def moves(self, age: int, steps: int, *, first: float = 1.0) -> dict[str, list[float]]:
        """Return the chance of each move in each step ahead.

        Args:
            age: How many steps a lead has stayed.
            steps: How many steps ahead.
            first: How much of the first step lies ahead.
        """
        left, found = 1.0, dict[str, list[float]]()
        for ahead in range(steps + 1):
            own, share = self.at(age + ahead), 1.0 if ahead else first
            for following, chance in own.items():
                found.setdefault(following, [0.0] * (steps + 1))[ahead] = left * chance * share
            left *= max(1 - share * sum(own.values()), 0.0)
        return found


def _hazards(known: GriddedStays, weights: Sequence[float]) -> dict[str, _Hazards]:
    events: dict[str, dict[int, dict[str, float]]] = {}
    lasting: dict[str, dict[int, float]] = {}
    for stays, weight in zip(known.grid, weights, strict=True):
        if not weight:
            continue
        for stage, step, following in stays:
            if following is None:
                own = lasting.setdefault(stage, {})
                own[step] = own.get(step, 0.0) + weight
            else:
                at = events.setdefault(stage, {}).setdefault(step, {})
                at[following] = at.get(following, 0.0) + weight
    return {stage: _Hazards(events.get(stage, {}), lasting.get(stage, {})) for stage in {*events, *lasting}}


def win_chances(known: GriddedStays, weights: Sequence[float], bounds: Sequence[float]) -> list[list[float]]:
    """Return for each lead the chance that its next win falls in each period.

    Args:
        known: The stays.
        weights: How often each lead counts in the hazards.
        bounds: The end of each period, in steps.
    """
    hazards, steps = _hazards(known, weights), ceil(bounds[-1])
    won = {WON: [1.0] * (steps + 1), **{stage: list(accumulate(own)) for stage, own in _fresh(hazards, steps).items()}}
    by_place: dict[tuple[str, int], list[float]] = {}
    for stage, age in set(known.present):
        # A lead stands in the middle of its present step, on average.
        moves = hazards[stage].moves(age, steps, first=0.5) if stage in hazards else {}
        onward = [(chances, won[following]) for following, chances in moves.items() if following in won]
        by_then = [_won_by(bound - 0.5, onward) for bound in bounds]
        by_place[stage, age] = [later - earlier for earlier, later in pairwise((0.0, *by_then))]
    return [by_place[place] for place in known.present]


def _won_by(end: float, onward: Sequence[tuple[list[float], list[float]]]) -> float:
    """Return the chance that a lead is won by the end of a step, or of a part of one.

    By then a lead is won that has moved on in time for what comes after that.
    """
    whole = floor(end)
    ends = [
        sum(sum(map(mul, chances[: step + 1], reversed(after[: step + 1]))) for chances, after in onward)
        if step >= 0
        else 0.0
        for step in (whole, whole + 1)
    ]
    return ends[0] + (end - whole) * (ends[1] - ends[0])


def _fresh(hazards: Mapping[str, _Hazards], steps: int) -> dict[str, list[float]]:
    """Return for each stage the chance that a lead that has just entered it is won in each step ahead."""
    moves = {stage: own.moves(0, steps) for stage, own in hazards.items()}
    found = {stage: [0.0] * (steps + 1) for stage in hazards}
    onward = {
        stage: [(chances, found[following]) for following, chances in ahead.items() if following in found]
        for stage, ahead in moves.items()
    }
    nothing = [0.0] * (steps + 1)
    for step in range(steps + 1):
        base = {
            stage: ahead.get(WON, nothing)[step]
            + sum(sum(map(mul, chances[1 : step + 1], reversed(after[:step]))) for chances, after in onward[stage])
            for stage, ahead in moves.items()
        }
        for stage, total in base.items():
            found[stage][step] = total
        # Moves within one step: what follows at once is added, until nothing changes any more.
        for _ in range(_SWEEPS):
            for stage, total in base.items():
                found[stage][step] = total + sum(chances[0] * after[step] for chances, after in onward[stage])
    return found


def stay_beyond(known: GriddedStays) -> int:
    """Return how many leads have stayed longer than any that has moved on from their stage."""
    hazards = _hazards(known, [1.0] * len(known.grid))
    moving = {stage: max((n for n in range(own.last + 1) if own.at(n)), default=-1) for stage, own in hazards.items()}
    return sum(age > moving[stage] >= 0 for stage, age in known.present)
