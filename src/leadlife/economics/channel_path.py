"""What attribution reads: the channels of each buying cycle, and what leads that were held out by chance show."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple


class ChannelPath(NamedTuple):
    """The channels that one buying cycle came through, in order.

    Attributes:
        channels: The channel of each touch; none where nothing is known.
        won: Whether it was won in the end.
        ages: How many days before the end of the path each touch was; needed for decay by time only.
        value: What was earned, in the currency of all paths.
    """

    channels: tuple[str, ...]
    won: bool
    ages: tuple[float, ...] = ()
    value: Decimal = Decimal(0)


class ChannelPaths(NamedTuple):
    """The paths of all cycles that have ended.

    Attributes:
        paths: For each cycle that was won, lost, disqualified or recycled, its path.
        running: How many cycles had not ended; they count neither way.
        currency: The currency of all values; None where there is no money.
    """

    paths: tuple[ChannelPath, ...]
    running: int
    currency: str | None


class HoldoutLift(NamedTuple):
    """How much more often leads were won that a programme wrote to than those that were held out by chance.

    Attributes:
        programme: The programme.
        treated: How many leads took part.
        treated_won: How many of them were won after they had entered it.
        held: How many were held out.
        held_won: How many of them were won after they would have entered it.
        difference: The difference of the two shares; None without leads on both sides.
        low: The lower end of its 95 % interval.
        high: The upper end.
    """

    programme: str
    treated: int
    treated_won: int
    held: int
    held_won: int
    difference: float | None
    low: float | None
    high: float | None

    def __str__(self) -> str:
        sides = (
            f"{self.treated_won} of {self.treated} won with {self.programme}, {self.held_won} of {self.held} held out"
        )
        if self.difference is None or self.low is None or self.high is None:
            return f"{sides}: nothing to compare"
        return f"{sides}: {100 * self.difference:+.1f} points ({100 * self.low:+.1f} to {100 * self.high:+.1f})"
