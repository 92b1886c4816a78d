"""Which move pays most if it goes better, and what a day of indecision costs.

Both rest on the stays so far. The chance that a lead is won falls, or does not, with the days that it has spent in its
stage; how fast it falls, times what a sale brings, is the cost of a day.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from statistics import fmean
from typing import NamedTuple

from leadlife._base.arguments import listed_of
from leadlife._base.outcomes import whole
from leadlife._base.text_tables import number, percent, shown, text_table
from leadlife.analytics.grouped import each_once
from leadlife.analytics.survival import CompetingRisks
from leadlife.economics.currency import Converter, ExchangeRate
from leadlife.economics.forecasting import values_of_wins
from leadlife.economics.ledger import currencies
from leadlife.economics.semi_markov import WON, SemiMarkov
from leadlife.economics.stays import UNRESOLVED, LeadStays, StageModel, stays_of
from leadlife.journey import Journey
from leadlife.timing import instant

POINT = 0.01
WINDOW_DAYS = 14
"""How fast a chance falls is read over so many days, because it falls in steps."""


class Lever(NamedTuple):
    """What one point more of a move brings.

    Attributes:
        stage: From which stage.
        following: To which.
        chance: The chance of this move so far.
        leads: How many leads are in the stage now.
        won: How many more of all present leads are won, if the chance rises by one point at the cost of all others.
        revenue: What that brings; None where no win shows an amount.
    """

    stage: str
    following: str
    chance: float
    leads: int
    won: float
    revenue: float | None


class Levers(NamedTuple):
    """The moves, the one that pays most first.

    Attributes:
        as_of: The instant.
        currency: The currency of revenue.
        rows: The moves.
    """

    as_of: datetime
    currency: str | None
    rows: tuple[Lever, ...]

    def __str__(self) -> str:
        rows = [["from", "to", "chance", "leads now", "won per point", f"revenue {self.currency or ''}".strip()]]
        for one in self.rows:
            figures = [percent(one.chance), str(one.leads), number(one.won, 3), number(one.revenue, 0)]
            rows.append([one.stage, one.following, *figures])
        return text_table(rows)


class _Outlook(NamedTuple):
    """What the stays show of the present leads."""

    leads: list[LeadStays]
    model: StageModel
    chain: SemiMarkov
    value: float | None
    currency: str | None

    @classmethod
    def of(
        cls, journeys: Iterable[Journey], as_of: datetime, currency: str | None, rates: Iterable[ExchangeRate]
    ) -> _Outlook:
        several = [journey.as_of(at=as_of) for journey in each_once(listed_of("journeys", journeys, Journey))]
        converter = Converter.of(currencies(several), currency=currency, rates=rates)
        leads = stays_of(several, as_of=as_of)
        model = StageModel.of(leads)
        values = values_of_wins(several, converter)
        return cls(leads, model, model.semi_markov(), fmean(values[None]) if values else None, converter.currency)

    def present(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for lead in self.leads:
            counts[lead.present.stage] = counts.get(lead.present.stage, 0) + 1
        return counts


def levers(
    journeys: Iterable[Journey],
    *,
    as_of: datetime,
    currency: str | None = None,
    rates: Iterable[ExchangeRate] = (),
) -> Levers:
    """Return which move, improved by one point, wins most of the present leads.

    Args:
        journeys: The leads.
        as_of: The end of observation.
        currency: The currency; by default the only one that there is.
        rates: What other currencies are worth.

    Raises:
        Malformed: Nobody has left a stage yet, or an argument cannot be understood.
        CurrencyMismatch: There are several currencies and none is chosen, or a rate is missing.
    """
    until = instant(as_of)
    seen = _Outlook.of(journeys, until, currency, rates)
    present, before = seen.present(), seen.chain.outlook()
    rows: list[Lever] = []
    for stage, row in seen.chain.moves.items():
        for following, chance in row.items():
            if following == UNRESOLVED or chance > 1 - POINT:
                continue
            left = (1 - chance - POINT) / (1 - chance)
            other = {name: own * left for name, own in row.items()} | {following: chance + POINT}
            after = seen.chain._replace(moves={**seen.chain.moves, stage: other}).outlook()
            won = sum(count * (after[name].won - before[name].won) for name, count in present.items() if name in before)
            revenue = None if seen.value is None else won * seen.value
            rows.append(Lever(stage, following, chance, present.get(stage, 0), won, revenue))
    rows.sort(key=lambda one: (-one.won, one.stage, one.following))
    return Levers(until, None if seen.value is None else seen.currency, tuple(rows))


class WaitingLead(NamedTuple):
    """A lead whose waiting costs something.

    Attributes:
        lead: The lead.
        pipeline: Its pipeline.
        stage: Where it waits.
        days: For how many days.
        chance: The chance that it is won.
        per_day: What another day costs, on average over the days ahead.
    """

    lead: str
    pipeline: str
    stage: str
    days: float
    chance: float
    per_day: float


class StageIndecision(NamedTuple):
    """What a day costs in one stage.

    Attributes:
        stage: The stage.
        leads: How many leads are in it.
        days: For how many days they have been there, on average.
        chance: The chance to win when a lead enters it.
        chance_now: The mean chance of those that are in it.
        per_day: What a day costs, of all of them together.
    """

    stage: str
    leads: int
    days: float
    chance: float
    chance_now: float
    per_day: float


class Indecision(NamedTuple):
    """What a day of dwell costs.

    Attributes:
        as_of: The instant.
        currency: The currency; None where no win shows an amount: then a day costs wins.
        stages: The stages, the most expensive first.
        leads: The leads that cost most.
    """

    as_of: datetime
    currency: str | None
    stages: tuple[StageIndecision, ...]
    leads: tuple[WaitingLead, ...]

    def __str__(self) -> str:
        unit = self.currency or "wins"
        rows = [["stage", "leads", "days", "chance", "chance now", f"{unit} a day"]]
        for one in self.stages:
            chances = [percent(one.chance), percent(one.chance_now)]
            rows.append([one.stage, str(one.leads), number(one.days), *chances, number(one.per_day, 2)])
        lines = [
            f"{shown(one.lead)}: {one.days:.0f} days in {one.stage}, {percent(one.chance)}, {one.per_day:.2f} a day"
            for one in self.leads
        ]
        return "\n".join([text_table(rows), *lines])


def indecision(
    journeys: Iterable[Journey],
    *,
    as_of: datetime,
    most_leads: int = 10,
    currency: str | None = None,
    rates: Iterable[ExchangeRate] = (),
) -> Indecision:
    """Return what a day of dwell costs in each stage, and the leads that cost most.

    Args:
        journeys: The leads.
        as_of: The end of observation.
        most_leads: How many leads to list.
        currency: The currency; by default the only one that there is.
        rates: What other currencies are worth.

    Raises:
        Malformed: Nobody has left a stage yet, or an argument cannot be understood.
        CurrencyMismatch: There are several currencies and none is chosen, or a rate is missing.
    """
    until, most = instant(as_of), whole("most_leads", most_leads)
    seen = _Outlook.of(journeys, until, currency, rates)
    won = {stage: one.won for stage, one in seen.chain.outlook().items()}
    value = 1.0 if seen.value is None else seen.value
    waiting: list[WaitingLead] = []
    for lead in seen.leads:
        stage, days = lead.present.stage, lead.present.days
        if stage in won:
            now, later = (chance_at(seen.model.risks[stage], won, at) for at in (days, days + WINDOW_DAYS))
            waiting.append(
                WaitingLead(lead.lead, lead.pipeline, stage, days, now, max(now - later, 0.0) / WINDOW_DAYS * value)
            )
    stages: list[StageIndecision] = []
    for stage in sorted({one.stage for one in waiting}):
        own = [one for one in waiting if one.stage == stage]
        stages.append(
            StageIndecision(
                stage,
                len(own),
                fmean(one.days for one in own),
                won[stage],
                fmean(one.chance for one in own),
                sum(one.per_day for one in own),
            )
        )
    stages.sort(key=lambda one: (-one.per_day, one.stage))
    waiting = [one for one in waiting if one.per_day > 0]
    waiting.sort(key=lambda one: (-one.per_day, one.lead, one.pipeline))
    return Indecision(until, None if seen.value is None else seen.currency, tuple(stages), tuple(waiting[:most]))


def chance_at(risks: CompetingRisks, won: dict[str, float], days: float) -> float:
    """Return the chance that a lead is won that has been in a stage for some days.

    Args:
        risks: The stays in the stage.
        won: For each next stage, the chance that a lead is won that enters it.
        days: The days so far; longer than any stay, the chance is that at the longest one.
    """
    last = risks.last or 0.0
    days = min(days, risks.times[-2] if len(risks.times) > 1 else 0.0)
    left = risks.survival(by=days)
    if left <= 0:
        return 0.0
    onward = {WON: 1.0, **won}
    ahead = sum(
        (risks.incidence(cause, by=last) - risks.incidence(cause, by=days)) * onward.get(cause, 0.0)
        for cause in risks.causes
    )
    return min(max(ahead / left, 0.0), 1.0)
