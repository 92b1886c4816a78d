"""A market: the known truth of a simulated world, and draws that two playbooks share.

Every number is invented, and none is an estimate of a real one. A market is data: change it, and see what a playbook
does in yours.
"""

from __future__ import annotations

from hashlib import blake2b
from math import log
from typing import Annotated, Self

from pydantic import Field, model_validator

from leadlife._base.model import Definition, MappingOf, Name, OneOf, TupleOf, default
from leadlife._frozen import FrozenDict
from leadlife.errors import Malformed
from leadlife.leads import LeadType

Share = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(ge=0, le=1_000)]


class MarketSource(Definition):
    """Where simulated leads come from, and what is true of them.

    Attributes are invented; see :class:`Market`.
    """

    channel: Name
    lead_type: OneOf[LeadType]
    share: Share
    """Its share of the arrivals."""
    fits: Share
    """The share of its leads that fit the offer; no other ever buys."""
    begins_mid: Share = 0.0
    """The share that compares options when it arrives; the others only learn."""
    cost: Rate = 0.0
    """What one of its leads costs."""


class Market(Definition):
    """The truth of a simulated world.

    A lead is early, mid or late by its hidden *interest*. It moves on by itself at a slow rate, and each touch that
    reaches it fresh may move it on at once. A late lead that nobody sells to has bought elsewhere after a while.
    Touches tire: the more of them in the last weeks, the less they help, and the more likely the lead unsubscribes.
    """

    sources: TupleOf[MarketSource] = default(
        tuple(
            MarketSource(channel=channel, lead_type=kind, share=share, fits=fits, begins_mid=mid, cost=cost)
            for channel, kind, share, fits, mid, cost in (
                ("organic_search", "cultivated", 0.40, 0.55, 0.1, 20),
                ("paid_search", "interest", 0.35, 0.25, 0.25, 45),
                ("named_account", "targeted", 0.15, 0.75, 0.2, 160),
                ("recommendation", "referral", 0.10, 0.8, 0.5, 0),
            )
        )
    )
    to_mid: Rate = 1 / 150
    """How often an early lead becomes mid by itself, per day."""
    to_late: Rate = 1 / 100
    """How often a mid lead becomes late by itself, per day."""
    patience: Annotated[float, Field(gt=0, le=1_000_000)] = 45.0
    """The mean number of days after which a late lead that nobody sells to has bought elsewhere, and is early again."""
    visits: TupleOf[Rate] = default((1 / 40, 1 / 14, 1 / 6))
    """How often an early, a mid and a late lead is seen, per day."""
    misjudged: Share = 0.15
    """The share of the leads that do not fit and that marketing takes for fitting all the same."""
    lift: Share = 0.16
    """How likely a touch moves a fresh lead on from early to mid, or from mid to late."""
    tires: Annotated[float, Field(gt=0, le=1_000_000)] = 1.6
    """The load of touches at which a touch helps only half as much."""
    recovers: Annotated[float, Field(gt=0, le=1_000_000)] = 21.0
    """The days in which half of this load fades."""
    opts_out: Share = 0.003
    """How likely a fresh lead unsubscribes upon a touch."""
    opts_out_tired: Share = 0.02
    """How much more likely it is with each unit of load."""
    bolts: Share = 0.1
    """How likely a touch, for each unit of load beyond two, drives a mid or late lead away, back to early."""
    sales_calls_per_day: Annotated[float, Field(gt=0, le=1_000_000)] = 4.0
    """How many offered leads sales can look at on a working day, for each thousand leads a year."""
    wins: Share = 0.55
    """How likely an opportunity with a late lead that fits is won."""
    days_to_decide: Annotated[float, Field(gt=0, le=1_000_000)] = 25.0
    """The mean number of days from an opportunity to its decision."""
    deal: Annotated[float, Field(gt=0, le=1_000_000_000)] = 900.0
    """The mean amount of a sale."""
    refers: Share = 0.25
    """How likely a customer recommends somebody."""
    touch_cost: MappingOf[Name, Rate] = default(FrozenDict({"email": 0.5, "phone": 9.0}))
    """What a touch of each channel costs; one that is not named costs nothing."""
    call_cost: Rate = 35.0
    """What it costs that sales looks at an offered lead."""
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "EUR"

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not self.sources or abs(sum(source.share for source in self.sources) - 1) > 1e-9:  # noqa: PLR2004 - rounding
            raise Malformed("the shares of the sources add up to 1")
        if len(self.visits) != 3:  # noqa: PLR2004 - early, mid and late
            raise Malformed("visits are three rates: of early, mid and late leads")
        return self


class Luck:
    """Draws that depend only on a seed and on what they are for, so that two playbooks meet the same luck."""

    __slots__ = ("_seed",)

    def __init__(self, seed: int) -> None:
        self._seed = f"{seed}".encode()

    def share(self, *what: str | int) -> float:
        """Return a number from 0 to 1, without 1, for something that happens to somebody."""
        text = b"\x00".join([self._seed, *(str(one).encode() for one in what)])
        return int.from_bytes(blake2b(text, digest_size=7).digest()) / 2.0**56

    def days(self, rate: float, *what: str | int) -> float:
        """Return an exponential number of days at a rate per day; endless at a rate of 0."""
        return -log(1 - self.share(*what)) / rate if rate > 0 else float("inf")
