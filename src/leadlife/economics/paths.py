"""The channels that each buying cycle came through, and what keeping leads out of a programme shows.

The path of a cycle holds the channel of its own source, those of the touches that were sent, but for operational ones,
and those of activities that name a source. It begins where the cycle before it ended, so nurture between two cycles
belongs to the second one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from math import sqrt

from leadlife._base.arguments import expect, listed_of
from leadlife._base.model import LATEST
from leadlife.analytics.grouped import each_once
from leadlife.analytics.incidence import wilson
from leadlife.economics.channel_path import ChannelPath, ChannelPaths, HoldoutLift
from leadlife.economics.currency import Converter, ExchangeRate
from leadlife.economics.ledger import BookingKind, bookings, currencies, episodes
from leadlife.errors import UnknownName, did_you_mean
from leadlife.facts import ActivityRecorded, Fact, ProgrammeEntered, TouchSent
from leadlife.journey import Journey
from leadlife.planning.planner import in_holdout
from leadlife.timing import instant

_DAY = timedelta(days=1)


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
    several = [journey.as_of(at=until) for journey in each_once(listed_of("journeys", journeys, Journey))]
    converter = Converter.of(currencies(several), currency=currency, rates=rates)
    paths: list[ChannelPath] = []
    running = 0
    for journey in several:
        running += sum(cycle.outcome is None for cycle in journey.cycles)
        paths += _paths(journey, converter, kinds or {})
    return ChannelPaths(tuple(paths), running, converter.currency)


def _paths(journey: Journey, converter: Converter, kinds: Mapping[str, str]) -> Iterator[ChannelPath]:
    touched = sorted(
        (fact.at, isinstance(fact, TouchSent), fact.seq, name, fact.id)
        for fact in journey.standing
        if (name := _channel(fact, kinds))
    )
    values: dict[int | None, Decimal] = {}
    for one in bookings(journey, converter):
        if one.kind in (BookingKind.SALE, BookingKind.REFUND) and one.amount is not None:
            values[one.episode] = values.get(one.episode, Decimal(0)) + one.amount
    passed = 0
    for place, own in enumerate(episodes(journey)):
        if own.ended is None:
            continue
        channel = None if own.source is None else own.source.channel
        steps = [] if channel is None else [(own.begin, -1, channel)]
        # What the lead does at the very end may have ended it; what is sent then is already the answer to it.
        while passed < len(touched) and touched[passed][:2] < (own.ended, True):
            at, _, seq, name, fact = touched[passed]
            if fact != own.opened_by:  # it has brought the source of the cycle, which is there already
                steps.append((at, seq, name))
            passed += 1
        steps.sort()
        named = tuple(name for _, _, name in steps)
        ages = tuple((own.ended - at) / _DAY for at, _, _ in steps)
        yield ChannelPath(named, own.won, ages, values.get(place, Decimal(0)) if own.won else Decimal(0))


def _channel(fact: Fact, kinds: Mapping[str, str]) -> str | None:
    if isinstance(fact, TouchSent):
        return None if fact.operational else fact.channel
    if isinstance(fact, ActivityRecorded):
        return kinds.get(fact.kind) if fact.source is None else fact.source.channel
    return None


def check_programme(programme: str, journeys: Iterable[Journey]) -> None:
    """Check that the playbook of some lead declares a programme.

    Raises:
        UnknownName: None does.
    """
    names = {name for journey in journeys for name in journey.playbook.programme_by_name}
    expect("programme", programme, str, hint="pass the name of a programme")
    if names and programme not in names:
        raise UnknownName(f"there is no programme {programme!r}", hint=did_you_mean(programme, names))


def holdout_lift(journeys: Iterable[Journey], programme: str, *, as_of: datetime) -> HoldoutLift:
    """Return how a programme compares with its holdout.

    Leads are held out by chance, so the difference shows what the programme does, which no attribution can. The
    interval is Newcombe's (1998, method 10), from those of Wilson.

    Args:
        journeys: The leads.
        programme: Its name.
        as_of: The end of observation.

    Raises:
        UnknownName: No playbook declares it.
        Malformed: An argument cannot be understood.
    """
    several = [journey.as_of(at=instant(as_of)) for journey in each_once(listed_of("journeys", journeys, Journey))]
    check_programme(programme, several)
    entered: dict[str, datetime] = {}
    held_out: dict[str, bool] = {}
    for journey in several:
        known = journey.playbook.programme_by_name.get(programme)
        entries = (
            fact.at for fact in journey.derived if isinstance(fact, ProgrammeEntered) and fact.programme == programme
        )
        first = min(entries, default=None)
        if first is not None and known is not None:
            entered[journey.lead_id] = min(first, entered.get(journey.lead_id, first))
            held_out[journey.lead_id] = in_holdout(known, journey.lead_id)
    won = {
        journey.lead_id
        for journey in several
        for own in episodes(journey)
        if own.won and own.ended is not None and own.ended >= entered.get(journey.lead_id, LATEST)
    }
    counts = {side: [0, 0] for side in (True, False)}
    for lead, side in held_out.items():
        counts[side][0] += 1
        counts[side][1] += lead in won
    (held, held_won), (treated, treated_won) = counts[True], counts[False]
    difference = low = high = None
    if held and treated:
        one, other = treated_won / treated, held_won / held
        (low_one, high_one), (low_other, high_other) = wilson(treated_won, treated), wilson(held_won, held)
        difference = one - other
        low = difference - sqrt((one - low_one) ** 2 + (high_other - other) ** 2)
        high = difference + sqrt((high_one - one) ** 2 + (other - low_other) ** 2)
    return HoldoutLift(programme, treated, treated_won, held, held_won, difference, low, high)
