"""Lead-type profiles as the leads themselves show them, in place of what the teams had assumed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from leadlife.analytics.cautions import FEWEST
from leadlife.analytics.grouped import LEAD_TYPE
from leadlife.analytics.incidence import wilson
from leadlife.economics.currency import ExchangeRate, exact
from leadlife.economics.group_returns import returns
from leadlife.economics.returns_row import ReturnsRow
from leadlife.economics.spend import Spend, SpendTable
from leadlife.journey import Journey
from leadlife.leads import LeadType
from leadlife.money import Money
from leadlife.playbook.lead_type_profiles import LeadTypeProfile
from leadlife.playbook.playbook import Playbook

_MOST_DAYS = 3_660


class EstimatedProfile(NamedTuple):
    """The profile of one lead type, with what it rests on.

    Attributes:
        profile: The profile; it is measured, not assumed. What nobody knows is None.
        leads: The number of leads.
        won: The number of won leads.
        low: The lower end of the 95 % interval of the close rate.
        high: The upper end.
        weight: How much of the close rate is the type's own, from 0 to 1; the rest is that of all leads.
        unknown: For each figure that is None, why.
    """

    profile: LeadTypeProfile
    leads: int
    won: int
    low: float
    high: float
    weight: float
    unknown: dict[str, str]

    def __str__(self) -> str:
        rate = self.profile.close_rate or 0.0
        thin = (
            "" if self.leads >= FEWEST else f", thin: {100 * (1 - self.weight):.0f} % of the rate is that of all leads"
        )
        between = f"{100 * self.low:.1f} to {100 * self.high:.1f}"
        return f"{self.profile.lead_type}: {100 * rate:.1f} % ({between}) of {self.leads} leads{thin}"


def profile_from(
    journeys: Iterable[Journey],
    spend: SpendTable | Iterable[Spend] = (),
    *,
    as_of: datetime,
    playbook: Playbook | None = None,
    currency: str | None = None,
    rates: Iterable[ExchangeRate] = (),
    margin: Decimal | float | str | None = None,
) -> tuple[EstimatedProfile, ...]:
    """Return the profile of each lead type that there is, as its leads show it.

    The close rate is the matured one. It is shrunk towards that of all leads, as if 30 leads with that rate had come
    besides, so that a type with few leads does not look better or worse than it can be known to be.

    Args:
        journeys: The leads.
        spend: What was spent on sources.
        as_of: The end of observation.
        playbook: The playbook with the fields and the zone; by default that of the first lead by id.
        currency: The currency; by default the only one that there is.
        rates: What other currencies are worth.
        margin: The share of a sale that is left of it, where the sale does not say.

    Raises:
        Malformed: As for ``returns``.
    """
    found = returns(
        journeys, spend, as_of=as_of, by=LEAD_TYPE, playbook=playbook, currency=currency, rates=rates, margin=margin
    )
    pool = 0.0 if not found.total.leads else (found.total.matured_won or 0.0) / found.total.leads
    known = {one.value for one in LeadType}
    return tuple(_profile(row, pool, found.currency) for row in found.rows if row.key in known and row.leads)


def _profile(row: ReturnsRow, pool: float, currency: str | None) -> EstimatedProfile:
    own = row.won if row.matured_won is None else row.matured_won
    number = row.leads + FEWEST
    rate = min((own + FEWEST * pool) / number, 1.0)
    low, high = wilson(round(rate * number), number)
    unknown = dict(row.unknown)

    def each(amount: Decimal | None, count: int, name: str) -> Money | None:
        if amount is not None and amount < 0:
            unknown[name] = "more came back than was paid"
            return None
        if amount is None or not count or currency is None:
            unknown.setdefault(name, "nobody is won so far" if not count else "no money is known")
            return None
        return Money(amount=exact(amount / count, places=2), currency=currency)

    cycle_days = row.days_to_won[1]
    if cycle_days is None or not 0 < cycle_days <= _MOST_DAYS:
        unknown["cycle_days"] = (
            "nobody is won so far" if cycle_days is None else f"{cycle_days:g} days are not the length of a cycle"
        )
        cycle_days = None
    if not row.hours:
        unknown["effort_hours"] = "no hours are known"
    margin = None
    if row.margin is not None and row.revenue > 0:
        margin = float(min(max(row.margin / row.revenue, Decimal(0)), Decimal(1)))
    elif row.margin is not None:
        unknown["margin"] = "there is no revenue"
    profile = LeadTypeProfile(
        lead_type=LeadType(row.key or ""),
        close_rate=rate,
        cycle_days=cycle_days,
        effort_hours=exact(row.hours / row.leads, places=2) if row.hours else None,
        cost=each(row.cost, row.leads, "cost"),
        value=each(row.revenue or None, row.won, "value"),
        margin=margin,
        assumed=False,
        meaning=f"measured on {row.leads} leads",
    )
    return EstimatedProfile(profile, row.leads, row.won, min(low, rate), max(high, rate), row.leads / number, unknown)
