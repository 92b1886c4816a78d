"""What a simulation leaves behind: a world of leads, labelled as simulated, and what its time came to."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from leadlife.journey import Journey
from leadlife.playbook.playbook import Playbook

LABEL = "a simulated world: seeded and made up, no real leads"


class Totals(NamedTuple):
    """What a simulated year came to.

    Attributes:
        leads: How many leads arrived, recommended ones among them.
        won: How many sales there were.
        revenue: What they brought.
        cost: What leads, touches and calls cost.
        touches: How many touches were sent.
        opt_outs: How many leads unsubscribed.
        offers: How many leads were offered to sales.
        missed: How many of these offers missed a deadline.
        backlog: The mean number of offered leads that waited for sales, over the days.
        facts: How many facts were recorded.
    """

    leads: int = 0
    won: int = 0
    revenue: float = 0.0
    cost: float = 0.0
    touches: int = 0
    opt_outs: int = 0
    offers: int = 0
    missed: int = 0
    backlog: float = 0.0
    facts: int = 0

    @property
    def margin(self) -> float:
        """Revenue less cost."""
        return self.revenue - self.cost


class World(NamedTuple):
    """A simulated world.

    Attributes:
        label: A text that says that the world is simulated.
        playbook: The playbook that its leads follow.
        journeys: Its leads.
        as_of: The end of observation.
        totals: What the time came to.
    """

    label: str
    playbook: Playbook
    journeys: tuple[Journey, ...]
    as_of: datetime
    totals: Totals
