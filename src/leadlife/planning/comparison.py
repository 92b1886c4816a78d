"""Two playbooks in the same simulated world: paired differences, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, sqrt
from statistics import fmean, stdev
from typing import NamedTuple

from leadlife._base.arguments import expect
from leadlife._base.outcomes import whole
from leadlife.planning.market import Market
from leadlife.planning.simulation import Simulation
from leadlife.planning.world import LABEL, Totals
from leadlife.playbook.playbook import Playbook

_T975 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
"""The 97.5 % quantile of Student's t, from 1 to 30 degrees of freedom; beyond, the last one is a little wide."""

FIGURES: tuple[tuple[str, Callable[[Totals], float]], ...] = (
    ("sales", lambda totals: totals.won),
    ("revenue", lambda totals: totals.revenue),
    ("cost", lambda totals: totals.cost),
    ("margin", lambda totals: totals.margin),
    ("touches", lambda totals: totals.touches),
    ("opt-outs", lambda totals: totals.opt_outs),
    ("offers to sales", lambda totals: totals.offers),
    ("deadlines missed", lambda totals: totals.missed),
    ("mean backlog", lambda totals: totals.backlog),
)


class Difference(NamedTuple):
    """One figure under two playbooks.

    Attributes:
        figure: Its name.
        a: Its mean under the first playbook, over the worlds.
        b: Its mean under the second.
        difference: The mean of b less a, in the same worlds.
        low: The lower end of the 95 % interval of this mean, by Student's t over the worlds.
        high: The upper end.
    """

    figure: str
    a: float
    b: float
    difference: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval excludes no difference."""
        return not self.low <= 0 <= self.high


class PlaybookComparison(NamedTuple):
    """Two playbooks in the same simulated worlds.

    Attributes:
        label: A text that says that the worlds are simulated.
        a: The first playbook, by id and version.
        b: The second.
        worlds: How many worlds there were, each with its own luck, which both playbooks met.
        leads: How many leads arrived in each.
        rows: One for each figure.
    """

    label: str
    a: str
    b: str
    worlds: int
    leads: int
    rows: tuple[Difference, ...]

    def __str__(self) -> str:
        head = f"{self.label}\n{self.worlds} worlds of {self.leads} leads; a is {self.a}, b is {self.b}\n"
        lines = [f"{'':18}{'a':>12}{'b':>12}{'b - a':>12}   95 % interval"]
        for row in self.rows:
            mark = "" if row.is_clear else "   may be none"
            lines.append(
                f"{row.figure:18}{row.a:>12,.1f}{row.b:>12,.1f}{row.difference:>+12,.1f}"
                f"   {row.low:+,.1f} to {row.high:+,.1f}{mark}"
            )
        return head + "\n".join(lines)


def compare(
    a: Playbook,
    b: Playbook,
    *,
    leads: int = 200,
    worlds: int = 10,
    market: Market | None = None,
    seed: int = 7,
    days: int = 360,
    progress: Callable[[int, int], None] | None = None,
) -> PlaybookComparison:
    """Return what changes in a simulated market if the second playbook takes the place of the first.

    Both meet the same leads and the same luck, world by world, so the differences are paired; the intervals come from
    the worlds, which are independent. They say what is due to luck, and nothing of whether the market is like yours.

    Args:
        a: The first playbook.
        b: The second.
        leads: How many leads arrive in each world.
        worlds: How many worlds, at least 2.
        market: What is true of the leads; by default an invented one.
        seed: The luck of the first world; the next one has the next seed.
        days: How long each lasts.
        progress: Called with the worlds that are done and all worlds.

    Raises:
        Malformed: There are fewer than 2 worlds, or a playbook lacks a word that the world uses.
    """
    for name, playbook in (("a", a), ("b", b)):
        expect(name, playbook, Playbook, hint="pass two playbooks")

    def under(playbook: Playbook) -> Callable[[int], Simulation]:
        return lambda luck: Simulation(leads, playbook=playbook, market=market, seed=luck, days=days)

    rows = in_the_same_worlds(under(a), under(b), worlds=worlds, seed=seed, progress=progress)
    return PlaybookComparison(LABEL, str(a.ref), str(b.ref), worlds, leads, rows)


def in_the_same_worlds(
    a: Callable[[int], Simulation],
    b: Callable[[int], Simulation],
    *,
    worlds: int,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Difference, ...]:
    """Run two ways of acting in the same worlds, and return how their figures differ.

    Args:
        a: Makes a world of the first way, from its seed.
        b: Makes a world of the second way.
        worlds: How many worlds, at least 2.
        seed: The seed of the first world; the next one has the next seed.
        progress: Called with the worlds that are done and all worlds.

    Raises:
        Malformed: There are fewer than 2 worlds, or the seed is not a whole number.
    """
    worlds, seed = whole("worlds", worlds, least=2), whole("seed", seed, least=-inf)
    both: list[tuple[Totals, Totals]] = []
    for number in range(worlds):
        both.append((_totals(a(seed + number)), _totals(b(seed + number))))
        if progress is not None:
            progress(number + 1, worlds)
    return tuple(_paired(name, of, both) for name, of in FIGURES)


def _totals(run: Simulation) -> Totals:
    for _ in run.stream():
        pass  # the journeys are dropped as they end; the totals stay
    return run.totals


def _paired(name: str, of: Callable[[Totals], float], both: Sequence[tuple[Totals, Totals]]) -> Difference:
    """Return a figure under two ways of acting, in the same worlds, with the interval of the mean difference."""
    pairs = [(of(one), of(other)) for one, other in both]
    steps = [other - one for one, other in pairs]
    mean, freedom = fmean(steps), len(steps) - 1
    reach = _T975[min(freedom, len(_T975)) - 1] * stdev(steps) / sqrt(len(steps))
    return Difference(
        name, fmean(one for one, _ in pairs), fmean(other for _, other in pairs), mean, mean - reach, mean + reach
    )
