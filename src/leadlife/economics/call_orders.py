"""In which order sales calls the leads that wait: first come, by score, or by worth; compared in a simulated world."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from leadlife._base.arguments import expect
from leadlife.economics.expectations import Expectations
from leadlife.errors import Malformed, did_you_mean
from leadlife.journey import Journey
from leadlife.planning.comparison import PlaybookComparison, in_the_same_worlds
from leadlife.planning.market import Market
from leadlife.planning.simulation import CallOrder, Simulation
from leadlife.planning.world import LABEL
from leadlife.playbook.playbook import Playbook

RELEARNED = timedelta(days=30)
"""So often the stays of all leads are read anew."""


def first_come(waiting: Sequence[Journey], _everybody: Sequence[Journey], _at: datetime) -> list[str]:
    """Return the leads in the order in which they were offered."""
    return [journey.lead_id for journey in waiting]


def by_score(waiting: Sequence[Journey], _everybody: Sequence[Journey], at: datetime) -> list[str]:
    """Return the leads with the highest scores first, all scores of the playbook in points together."""

    def points(journey: Journey) -> float:
        found = [journey.tick(at).score(policy.name, at=at) for policy in journey.playbook.scores]
        return sum(one.value for one in found if one.answered and one.probability is None)

    return [journey.lead_id for journey in sorted(waiting, key=points, reverse=True)]


class ByWorth:
    """The leads of which an hour is worth most first: what is expected of them, and what waiting would lose."""

    def __init__(self) -> None:
        self._learned: datetime | None = None
        self._known: Expectations | None = None

    def __call__(self, waiting: Sequence[Journey], everybody: Sequence[Journey], at: datetime) -> list[str]:
        """Return the leads in this order."""
        if self._known is None or self._learned is None or at - self._learned >= RELEARNED:
            known = [journey.as_of(at=at) for journey in everybody]
            self._known, self._learned = Expectations(known, None, now=at, currency=None, rates=()), at
        expected = self._known
        worth = {journey.lead_id: expected.of_stranger(journey.tick(at), at=at).worth for journey in waiting}
        return sorted(worth, key=lambda lead: -worth[lead])


ORDERS: dict[str, Callable[[], CallOrder]] = {
    "first_come": lambda: first_come,
    "score": lambda: by_score,
    "worth": ByWorth,
}
"""The orders by name; each is made anew for a world, because one may learn in it."""


def compare_orders(
    a: str,
    b: str,
    *,
    playbook: Playbook | None = None,
    leads: int = 200,
    worlds: int = 10,
    market: Market | None = None,
    seed: int = 7,
    days: int = 360,
) -> PlaybookComparison:
    """Return what changes in a simulated market if sales calls leads in another order, in the same worlds.

    Args:
        a: The first order: ``first_come``, ``score`` or ``worth``.
        b: The second.
        playbook: What the leads follow; by default ``eight_stage``.
        leads: How many leads arrive in each world.
        worlds: How many worlds, at least 2.
        market: What is true of the leads; by default an invented one.
        seed: The luck of the first world; the next one has the next seed.
        days: How long each lasts.

    Raises:
        Malformed: There is no such order, or fewer than 2 worlds.
    """
    for order in (a, b):
        expect("an order", order, str, hint="pass first_come, score or worth")
        if order not in ORDERS:
            raise Malformed(f"there is no order {order!r}", hint=did_you_mean(order, ORDERS))

    def under(order: str) -> Callable[[int], Simulation]:
        return lambda luck: Simulation(
            leads, playbook=playbook, market=market, seed=luck, days=days, order=ORDERS[order]()
        )

    rows = in_the_same_worlds(under(a), under(b), worlds=worlds, seed=seed)
    return PlaybookComparison(LABEL, a, b, worlds, leads, rows)
