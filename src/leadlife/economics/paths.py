"""The channels that each buying cycle came through, and what keeping leads out of a programme shows.

The path of a cycle holds the channel of its own source, those of the touches that were sent, but for operational ones,
and those of activities that name a source. It begins where the cycle before it ended, so nurture between two cycles
belongs to the second one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from math import sqrt
from typing import NamedTuple

from leadlife._base.arguments import expect, listed_of
from leadlife.analytics.incidence import wilson
from leadlife.analytics.lead_outcomes import wins_outside_cycles
from leadlife.economics.attribution import ChannelPath
from leadlife.economics.currency import Converter, ExchangeRate
from leadlife.economics.ledger import BookingKind, bookings, currencies
from leadlife.facts import ActivityRecorded, Fact, ProgrammeEntered, TouchSent
from leadlife.journey import Journey
from leadlife.lifecycle.stages import StageStatus
from leadlife.planning.planner import in_holdout
from leadlife.timing import instant

_DAY = timedelta(days=1)


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


class _Ending(NamedTuple):
    """The end of a cycle: when, whether it was won, and from which source and when it had begun."""

    at: datetime
    won: bool
    opened: datetime | None = None
    opened_by: str | None = None
    channel: str | None = None

    @property
    def begin(self) -> datetime:
        """When it had begun; a win without a cycle begins when it ends."""
        return self.at if self.opened is None else self.opened


def channel_paths(
    journeys: Iterable[Journey],
    *,
    as_of: datetime,
    kinds: Mapping[str, str] | None = None,
    currency: str | None = None,
    rates: Iterable[ExchangeRate] = (),
) -> ChannelPaths:
    """Return the channels that each cycle came through.

    Args:
        journeys: The leads.
        as_of: The end of observation.
        kinds: The channels of kinds of activity, for those that name no source: ``{"webinar": "events"}``.
        currency: The currency of values; by default the only one that there is.
        rates: What other currencies are worth, and from when on.

    Raises:
        CurrencyMismatch: There are several currencies and none is chosen, or a rate is missing.
        Malformed: An argument cannot be understood.
    """
    until = instant(as_of)
    if kinds is not None:
        expect("kinds", kinds, Mapping, hint='pass {"webinar": "events"}')
    several = [journey.as_of(at=until) for journey in listed_of("journeys", journeys, Journey)]
    converter = Converter.of(currencies(several), currency=currency, rates=rates)
    paths: list[ChannelPath] = []
    running = 0
    for journey in several:
        running += sum(cycle.outcome is None for cycle in journey.cycles)
        paths += _paths(journey, converter, kinds or {})
    return ChannelPaths(tuple(paths), running, converter.currency)


def _paths(journey: Journey, converter: Converter, kinds: Mapping[str, str]) -> Iterator[ChannelPath]:
    endings = sorted(_endings(journey))
    touched = sorted(
        (fact.at, isinstance(fact, TouchSent), fact.seq, name, fact.id)
        for fact in journey.standing
        if (name := _channel(fact, kinds))
    )
    values = _values(journey, endings, converter)
    place = 0
    for end in endings:
        steps = [] if end.channel is None or end.opened is None else [(end.opened, -1, end.channel)]
        # What the lead does at the very end may have ended it; what is sent then is already the answer to it.
        while place < len(touched) and touched[place][:2] < (end.at, True):
            at, _, seq, channel, fact = touched[place]
            if fact != end.opened_by:  # it has brought the source of the cycle, which is there already
                steps.append((at, seq, channel))
            place += 1
        steps.sort()
        channels, ages = tuple(name for _, _, name in steps), tuple((end.at - at) / _DAY for at, _, _ in steps)
        yield ChannelPath(channels, end.won, ages, values.get(end.begin, Decimal(0)) if end.won else Decimal(0))


def _values(journey: Journey, endings: Iterable[_Ending], converter: Converter) -> dict[datetime, Decimal]:
    """Return what was earned from each begin of a cycle, or win without one, until the next."""
    begins = sorted({*(cycle.opened for cycle in journey.cycles), *(end.begin for end in endings)})
    values: dict[datetime, Decimal] = {}
    for one in bookings(journey, converter):
        if one.kind in (BookingKind.SALE, BookingKind.REFUND) and one.amount is not None and begins:
            begin = begins[max(bisect_right(begins, one.at) - 1, 0)]
            values[begin] = values.get(begin, Decimal(0)) + one.amount
    return values


def _endings(journey: Journey) -> Iterator[_Ending]:
    for cycle in journey.cycles:
        if cycle.ended is not None:
            channel = None if cycle.source is None else cycle.source.channel
            won = cycle.outcome is StageStatus.WON
            yield _Ending(cycle.ended, won, cycle.opened, cycle.opened_by, channel)
    for at in wins_outside_cycles(journey.visits):
        yield _Ending(at, won=True)


def _channel(fact: Fact, kinds: Mapping[str, str]) -> str | None:
    if isinstance(fact, TouchSent):
        return None if fact.operational else fact.channel
    if isinstance(fact, ActivityRecorded):
        return kinds.get(fact.kind) if fact.source is None else fact.source.channel
    return None


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


def holdout_lift(journeys: Iterable[Journey], programme: str, *, as_of: datetime) -> HoldoutLift:
    """Return how a programme compares with its holdout.

    Leads are held out by chance, so the difference shows what the programme does, which no attribution can. The
    interval is Newcombe's (1998, method 10), from those of Wilson.

    Args:
        journeys: The leads.
        programme: Its name.
        as_of: The end of observation.

    Raises:
        Malformed: An argument cannot be understood.
    """
    until = instant(as_of)
    counts = {True: [0, 0], False: [0, 0]}
    for journey in listed_of("journeys", journeys, Journey):
        then = journey.as_of(at=until)
        entries = (fact for fact in then.derived if isinstance(fact, ProgrammeEntered))
        entered = next((fact.at for fact in entries if fact.programme == programme), None)
        known = then.playbook.programme_by_name.get(programme)
        if entered is None or known is None:
            continue
        own = counts[in_holdout(known, then.lead_id)]
        own[0] += 1
        own[1] += any(end.won and end.at >= entered for end in _endings(then))
    (held, held_won), (treated, treated_won) = counts[True], counts[False]
    difference = low = high = None
    if held and treated:
        one, other = treated_won / treated, held_won / held
        (low_one, high_one), (low_other, high_other) = wilson(treated_won, treated), wilson(held_won, held)
        difference = one - other
        low = difference - sqrt((one - low_one) ** 2 + (high_other - other) ** 2)
        high = difference + sqrt((high_one - one) ** 2 + (other - low_other) ** 2)
    return HoldoutLift(programme, treated, treated_won, held, held_won, difference, low, high)
