"""What is expected of each open lead: its chance, its margin, the work that it still needs, what waiting loses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from statistics import fmean
from typing import NamedTuple

from leadlife.analytics.cautions import FEWEST
from leadlife.economics.currency import Converter, ExchangeRate
from leadlife.economics.forecasting import values_of_wins
from leadlife.economics.ledger import currencies
from leadlife.economics.leverage import WINDOW_DAYS, chance_at
from leadlife.economics.stays import LeadStays, StageModel, stays_of
from leadlife.facts import EffortSpent
from leadlife.journey import Journey
from leadlife.playbook.lead_type_profiles import LeadTypeProfile

USUAL_HOURS = 2.0
"""How long a lead takes where no profile says so."""
LEAST_HOURS = 0.5
"""A lead that has had all its hours still takes half an hour."""
WEEK = 7


class Candidate(NamedTuple):
    """An open lead, and what is expected of it.

    Attributes:
        lead: The lead.
        pipeline: Its pipeline.
        stage: Its stage.
        days: For how many days it has been there.
        chance: The chance that it is won.
        margin: That chance times the margin of a win.
        hours_left: How many hours it still needs.
        loses: What a week of waiting loses of the expected margin.
        deadline: By when an offer of it is to be answered; None without one.
        by_type: Whether the chance is that of its type, because too few leads show that of its stage.
        is_revenue: Whether the margin is revenue, because nothing says what is left of it.
    """

    lead: str
    pipeline: str
    stage: str
    days: float
    chance: float
    margin: float
    hours_left: float
    loses: float
    deadline: datetime | None
    by_type: bool = False
    is_revenue: bool = False

    @property
    def per_hour(self) -> float:
        """The expected margin for each hour that it still needs."""
        return self.margin / self.hours_left

    @property
    def worth(self) -> float:
        """What an hour now is worth: a part of the margin, and of what waiting would lose."""
        return (self.margin + self.loses) / self.hours_left


class Expectations:
    """What is expected of leads, from the stays of all of them and from profiles.

    Attributes:
        currency: The currency of margins; None where there is no money.
        used: The profiles that were asked for, by lead type.
    """

    def __init__(
        self,
        journeys: Sequence[Journey],
        profiles: Iterable[LeadTypeProfile] | None,
        *,
        now: datetime,
        currency: str | None,
        rates: Iterable[ExchangeRate],
        margin: Decimal | None = None,
    ) -> None:
        """Learn from leads.

        Args:
            journeys: The leads, as of the instant.
            profiles: What is expected of each lead type; None for what the playbook of each lead says.
            now: The instant.
            currency: The currency; None for the only one that there is.
            rates: What other currencies are worth.
            margin: The share of a sale that is left of it, where neither sales nor profiles say.

        Raises:
            CurrencyMismatch: There are several currencies and none is chosen, or a rate is missing.
        """
        self._profiles = None if profiles is None else _by_type(profiles)
        several = (
            [one for journey in journeys for one in journey.playbook.lead_types]
            if self._profiles is None
            else list(self._profiles.values())
        )
        prices = [one.value for one in several if one.value is not None]
        units = currencies(journeys) | {price.currency for price in prices}
        self._converter = Converter.of(units, currency=currency, rates=rates)
        self._now = now
        self._margin = margin
        stays = stays_of(journeys, as_of=now)
        self._stays = {(one.lead, one.pipeline): one for one in stays}
        self._model = StageModel.of(stays)
        self._won: dict[str, float] = {}
        # Before the first move is seen there is nothing to learn from; then profiles alone say what to expect.
        if any(one.moves for one in self._model.stages):
            self._won = {stage: one.won for stage, one in self._model.semi_markov().outlook().items()}
        values = values_of_wins(journeys, self._converter).get(None)
        margins = values_of_wins(journeys, self._converter, margins=True, margin_share=margin).get(None)
        known = values or [float(self._converter.amount(price, now.date())) for price in prices]
        self._value = fmean(known) if known else 1.0
        self._gain = fmean(margins) if margins else None
        self.currency: str | None = self._converter.currency if known else None
        self.used: dict[str, LeadTypeProfile] = {}

    def of(self, journey: Journey) -> Candidate:
        """Return what is expected of an open lead that was learned from."""
        return self._candidate(journey, self._stays[journey.lead_id, journey.pipeline])

    def of_stranger(self, journey: Journey, *, at: datetime) -> Candidate:
        """Return what is expected of an open lead at an instant, whether it was learned from or not."""
        return self._candidate(journey, stays_of([journey], as_of=at)[0])

    def _candidate(self, journey: Journey, lead: LeadStays) -> Candidate:
        profile = self._profile(journey, lead.lead_type)
        gain, is_revenue = self._gain_of(profile)
        chance, later, by_type = self._chances(lead, profile)
        spent = sum((float(fact.hours) for fact in journey.standing if isinstance(fact, EffortSpent)), 0.0)
        needed = USUAL_HOURS if profile is None or profile.effort_hours is None else float(profile.effort_hours)
        offer = journey.handoff
        return Candidate(
            lead.lead,
            lead.pipeline,
            lead.present.stage,
            lead.present.days,
            chance,
            chance * gain,
            max(needed - spent, LEAST_HOURS),
            max(chance - later, 0.0) / WINDOW_DAYS * WEEK * gain,  # a chance that rises by waiting loses nothing
            offer.deadline if offer is not None and offer.is_open else None,
            by_type,
            is_revenue and self.currency is not None,
        )

    def _gain_of(self, profile: LeadTypeProfile | None) -> tuple[float, bool]:
        """Return the margin of a win, as the profile or the wins so far say; else its revenue, and that it is that."""
        share, price = (None, None) if profile is None else (profile.margin, profile.value)
        if price is None and share is None and self._gain is not None:
            return self._gain, False
        value = self._value if price is None else float(self._converter.amount(price, self._now.date()))
        if share is None and self._margin is not None:
            share = float(self._margin)
        return value * (1.0 if share is None else share), share is None

    def _profile(self, journey: Journey, lead_type: str | None) -> LeadTypeProfile | None:
        known = _by_type(journey.playbook.lead_types) if self._profiles is None else self._profiles
        if lead_type is None or lead_type not in known:
            return None
        self.used[lead_type] = known[lead_type]
        return known[lead_type]

    def _chances(self, lead: LeadStays, profile: LeadTypeProfile | None) -> tuple[float, float, bool]:
        """Return the chance that a lead is won now, and some days later, and whether it is that of its type."""
        stage, days = lead.present.stage, lead.present.days
        rate = None if profile is None else profile.close_rate
        known = stage in self._won and stage in self._model.risks
        if known and (rate is None or self._model.risks[stage].number >= FEWEST):
            now, later = (chance_at(self._model.risks[stage], self._won, at) for at in (days, days + WINDOW_DAYS))
            return now, later, False
        return rate or 0.0, rate or 0.0, rate is not None


def _by_type(profiles: Iterable[LeadTypeProfile]) -> Mapping[str, LeadTypeProfile]:
    return {one.lead_type.value: one for one in profiles}
