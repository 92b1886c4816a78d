"""The work list: who deserves the next hour, and why, in one line each.

Open deadlines come first. Then a lead is worth its expected margin for each hour that it still needs, and what a week
of waiting would lose of it. A share of the hours goes to leads that are drawn by chance, so that what is believed of
the others is put to the test.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from math import inf
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from leadlife._base.arguments import expect, listed, listed_of
from leadlife._base.outcomes import real, whole
from leadlife._base.text_tables import shown
from leadlife.analytics.grouped import each_once
from leadlife.economics.currency import ExchangeRate, checked_share
from leadlife.economics.expectations import Candidate, Expectations
from leadlife.errors import Malformed
from leadlife.journey import Journey
from leadlife.lifecycle.stages import StageStatus
from leadlife.playbook.lead_type_profiles import LeadTypeProfile
from leadlife.timing import instant

if TYPE_CHECKING:
    from leadlife.economics.profiles import EstimatedProfile

SLOT = 1.0
"""Time is given out an hour at a time."""


class Because(StrEnum):
    """Why a lead is on the work list."""

    DEADLINE = "deadline"
    WORTH = "worth"
    EXPLORED = "explored"


class WorkItem(NamedTuple):
    """One place on the work list.

    Attributes:
        lead: The lead.
        pipeline: Its pipeline.
        stage: Its stage.
        because: Why it is there.
        hours: How much time it gets.
        chance: The chance that it is won.
        margin: What is then left, expected: the chance times the margin of a win; where nothing says what is left of
            a sale, its revenue, and ``why`` says so.
        hours_left: How many hours it still needs.
        per_hour: The expected margin for each of these hours.
        loses: What a week of waiting loses of the expected margin.
        why: Why, in words.
    """

    lead: str
    pipeline: str
    stage: str
    because: Because
    hours: float
    chance: float
    margin: float
    hours_left: float
    per_hour: float
    loses: float
    why: str


class Worklist(NamedTuple):
    """Who deserves the next hours.

    Attributes:
        at: The instant.
        hours: How many hours there are.
        currency: The currency of margins; None where nothing says what a win brings: then a win counts as one.
        items: The leads, in order.
        left_out: How many open leads get no time.
        assumed: Which lead types rest on profiles that nobody has measured.
    """

    at: datetime
    hours: float
    currency: str | None
    items: tuple[WorkItem, ...]
    left_out: int
    assumed: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the list as plain values, ready for JSON."""
        items = [{**one._asdict(), "because": one.because.value} for one in self.items]
        return {**self._asdict(), "at": self.at.isoformat(), "items": items, "assumed": list(self.assumed)}

    def __str__(self) -> str:
        lines = [f"{place}. {shown(one.lead)}: {one.why}" for place, one in enumerate(self.items, start=1)]
        lines.append(f"{self.left_out} more open leads get no time in these {self.hours:g} hours")
        if self.assumed:
            lines.append(f"assumed, not measured: {', '.join(self.assumed)}")
        return "\n".join(lines)


def worklist(
    journeys: Iterable[Journey],
    *,
    at: datetime,
    hours: float,
    owner: str | None = None,
    profiles: Iterable[LeadTypeProfile | EstimatedProfile] | None = None,
    margin: Decimal | float | str | None = None,
    explore: float = 0.1,
    currency: str | None = None,
    rates: Iterable[ExchangeRate] = (),
    seed: int = 7,
) -> Worklist:
    """Return whose turn it is for the next hours.

    The chance that a lead is won comes from the stays of all leads, by its stage and by how long it has been there;
    where they are fewer than 30, from the profile of its type. Time and margin come from the profiles.

    Args:
        journeys: The leads; those of others teach as well.
        at: The instant; later facts are not read.
        hours: How many hours there are to give.
        owner: Only the leads that this person or team owns or is offered.
        profiles: What is expected of each lead type; by default what the playbook of each lead says.
        margin: The share of a sale that is left of it, where neither the sales nor the profiles say.
        explore: Which share of the hours goes to leads that are drawn by chance.
        currency: The currency; by default the only one that there is.
        rates: What other currencies are worth.
        seed: The luck of that draw.

    Raises:
        Malformed: An argument cannot be understood.
        CurrencyMismatch: There are several currencies and none is chosen, or a rate is missing.
    """
    now, time = instant(at), real("hours", hours)
    share = checked_share("explore", explore) or Decimal(0)
    if owner is not None:
        expect("owner", owner, str, hint="pass the id of a person or a team")
    if time <= 0:
        raise Malformed("hours must be more than 0")
    # What profile_from measured may be handed on as it is.
    plain: list[Any] | None = None
    if profiles is not None:
        plain = [getattr(one, "profile", one) for one in listed("profiles", profiles)]
    known = None if plain is None else listed_of("profiles", plain, LeadTypeProfile)
    usual = checked_share("margin", margin)
    several = [journey.as_of(at=now) for journey in each_once(listed_of("journeys", journeys, Journey))]
    several.sort(key=lambda one: (one.lead_id, one.pipeline))
    expected = Expectations(several, known, now=now, currency=currency, rates=rates, margin=usual)
    candidates = [
        expected.of(journey)
        for journey in several
        if journey.status is StageStatus.OPEN and (owner is None or owner in _owners(journey))
    ]
    random = Random(whole("seed", seed, least=-inf))  # noqa: S311 - a draw, no secret
    chosen = _chosen(candidates, time, share, now, random)
    unit = expected.currency or "wins"
    items = tuple(_item(one, because, part, unit, now) for one, because, part in chosen)
    assumed = tuple(sorted(kind for kind, profile in expected.used.items() if profile.assumed))
    return Worklist(now, time, expected.currency, items, len(candidates) - len(items), assumed)


def _owners(journey: Journey) -> tuple[str | None, ...]:
    offer = journey.handoff
    return journey.owner, offer.to if offer is not None and offer.is_open else None


def _chosen(
    candidates: list[Candidate], hours: float, explore: Decimal, now: datetime, random: Random
) -> Iterator[tuple[Candidate, Because, float]]:
    """Yield who gets time, why, and how much: deadlines, then worth, and now and then somebody drawn by chance."""
    urgent = sorted((one for one in candidates if _is_due(one, now)), key=lambda one: (one.deadline or now, one.lead))
    others = [one for one in candidates if not _is_due(one, now)]
    others.sort(key=lambda one: (-one.worth, one.lead, one.pipeline))
    left, place = hours, 0
    while left > 0 and (urgent or others):
        place += not urgent
        if urgent:
            chosen, because = urgent.pop(0), Because.DEADLINE
        elif place * explore // 1 > (place - 1) * explore // 1 and len(others) > 1:  # every so many places
            chosen, because = others.pop(random.randrange(1, len(others))), Because.EXPLORED
        else:
            chosen, because = others.pop(0), Because.WORTH
        time = min(SLOT, chosen.hours_left, left)
        left -= time
        yield chosen, because, time


def _is_due(one: Candidate, now: datetime) -> bool:
    return one.deadline is not None and one.deadline <= now + timedelta(days=1)


def _amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2f}"  # noqa: PLR2004 - two digits show


def _item(one: Candidate, because: Because, time: float, unit: str, now: datetime) -> WorkItem:
    hours = "1 hour" if one.hours_left == 1 else f"{one.hours_left:g} hours"
    part = "" if time >= one.hours_left else f", {time:g} of them now"
    worth = f"{_amount(one.margin)} {unit}{' of revenue' if one.is_revenue else ''} expected for {hours} of work{part}"
    those = "of its type are won" if one.by_type else "are won from there"
    place = f"{one.days:.0f} days in {one.stage}, {100 * one.chance:.0f} % {those}"
    if because is Because.DEADLINE and one.deadline is not None:
        past = "was due" if one.deadline < now else "is due"
        why = f"an answer {past} {one.deadline:%Y-%m-%d %H:%M} UTC; {worth}"
    elif because is Because.EXPLORED:
        why = f"drawn by chance, to see whether the figures are right; {worth}"
    else:
        waits = f", and a week of waiting loses {_amount(one.loses)}" if one.loses >= one.margin / 100 > 0 else ""
        why = f"{worth}{waits}; {place}"
    return WorkItem(
        one.lead,
        one.pipeline,
        one.stage,
        because,
        time,
        one.chance,
        one.margin,
        one.hours_left,
        one.per_hour,
        one.loses,
        why,
    )
