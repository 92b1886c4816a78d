"""The forecast: how many of the leads that are known will be won, when, and what that brings, with honest intervals.

From the stays of all leads so far comes the hazard of each move by the time spent in a stage; from the present stage
and age of each lead, the chance that its next win falls in each period ahead. Two errors make up the interval: the
leads that the model learned from are drawn anew (parameter error), and each lead wins or not by chance (process error).
Leads that are not known yet are not part of it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from math import inf
from random import Random
from statistics import fmean, pstdev
from typing import Any, NamedTuple

from leadlife._base.arguments import listed_of
from leadlife._base.outcomes import whole
from leadlife._base.text_tables import number, text_table
from leadlife.analytics.cautions import FEWEST
from leadlife.analytics.grouped import each_once
from leadlife.economics.currency import Converter, ExchangeRate
from leadlife.economics.ledger import BookingKind, bookings, currencies, episodes
from leadlife.economics.semi_markov import WON
from leadlife.economics.stays import LeadStays, stays_of
from leadlife.economics.win_chances import GriddedStays, on_grid, stay_beyond, win_chances
from leadlife.errors import Malformed
from leadlife.journey import Journey
from leadlife.timing import instant

MOST_DAYS, MOST_PERIODS = 3_660, 400
_STEPS = 40
"""A horizon is divided into so many steps at most."""
_DRAWS = 10
"""So often each lead's luck is drawn for each draw of the model."""
_LOW, _MIDDLE, _HIGH = 0.05, 0.5, 0.95


class Band(NamedTuple):
    """A figure of the future: its mean, its median, and the ends of its 90 % interval."""

    mean: float
    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float], mean: float) -> Band:
        """Return the band of some draws."""
        ordered = sorted(values)
        low, median, high = (
            ordered[min(int(share * len(ordered)), len(ordered) - 1)] for share in (_LOW, _MIDDLE, _HIGH)
        )
        return cls(mean, low, median, high)


class ForecastPeriod(NamedTuple):
    """One period of a forecast.

    Attributes:
        since: When it begins.
        until: When it ends.
        won: How many of the known leads are won in it.
        revenue: What that brings; None where no sale shows an amount.
    """

    since: datetime
    until: datetime
    won: Band
    revenue: Band | None


class Forecast(NamedTuple):
    """What the leads that are known will bring.

    Attributes:
        as_of: The instant.
        until: The end of the horizon.
        currency: The currency of revenue; None where there is no money.
        leads: How many leads are known.
        periods: The periods, in order.
        won: How many leads are won in all of them.
        revenue: What that brings.
        process_error: The standard deviation of ``won`` by the luck of each lead.
        parameter_error: The standard deviation of ``won`` because the hazards are not known exactly.
        beyond: How many of the leads stay where no stay so far shows what comes next.
    """

    as_of: datetime
    until: datetime
    currency: str | None
    leads: int
    periods: tuple[ForecastPeriod, ...]
    won: Band
    revenue: Band | None
    process_error: float
    parameter_error: float
    beyond: int

    def to_dict(self) -> dict[str, Any]:
        """Return the forecast as plain values, ready for JSON."""

        def band(one: Band | None) -> dict[str, float] | None:
            return None if one is None else one._asdict()

        return {
            **{name: value for name, value in self._asdict().items() if name != "periods"},
            "as_of": self.as_of.isoformat(),
            "until": self.until.isoformat(),
            "won": band(self.won),
            "revenue": band(self.revenue),
            "periods": [
                {
                    "since": one.since.isoformat(),
                    "until": one.until.isoformat(),
                    "won": band(one.won),
                    "revenue": band(one.revenue),
                }
                for one in self.periods
            ],
        }

    def __str__(self) -> str:
        head = ["from", "to", "won", "90 %", f"revenue {self.currency or ''}".strip(), "90 %"]
        rows = [
            [f"{one.since:%Y-%m-%d}", f"{one.until:%Y-%m-%d}", *_cells(one.won, 1), *_cells(one.revenue, 0)]
            for one in self.periods
        ]
        total = ["in all", "", *_cells(self.won, 1), *_cells(self.revenue, 0)]
        errors = f"error of the process {self.process_error:.1f}, of the model {self.parameter_error:.1f} wins"
        beyond = (
            f"; {self.beyond} leads have stayed longer than any stay shows, and count as not won" if self.beyond else ""
        )
        known = f"{self.leads} leads known on {self.as_of:%Y-%m-%d}; {errors}{beyond}"
        return "\n".join([text_table([head, *rows, total], total=True), known])


def _cells(band: Band | None, digits: int) -> list[str]:
    if band is None:
        return ["-", "-"]
    return [number(band.mean, digits), f"{number(band.low, 0)} to {number(band.high, 0)}"]


def forecast(
    journeys: Iterable[Journey],
    *,
    as_of: datetime,
    horizon_days: int = 90,
    period_days: int = 30,
    currency: str | None = None,
    rates: Iterable[ExchangeRate] = (),
    seed: int = 7,
    samples: int = 40,
) -> Forecast:
    """Return how many of the known leads are won within a horizon, and what that brings.

    Each lead counts with its next win; a customer may win again. The value of a win is drawn from those so far, of the
    same lead type where there are at least 30.

    Args:
        journeys: The leads.
        as_of: The instant; later facts are not read.
        horizon_days: How many days ahead.
        period_days: How many days one period lasts.
        currency: The currency; by default the only one that there is.
        rates: What other currencies are worth.
        seed: The luck of the draws.
        samples: How often the model is drawn anew.

    Raises:
        Malformed: No lead has entered, no lead has been won so far, or an argument cannot be understood.
        CurrencyMismatch: There are several currencies and none is chosen, or a rate is missing.
    """
    until = instant(as_of)
    horizon, period = whole("horizon_days", horizon_days, least=1), whole("period_days", period_days, least=1)
    samples, seed = whole("samples", samples, least=2), whole("seed", seed, least=-inf)
    if horizon > MOST_DAYS or horizon / period > MOST_PERIODS:
        problem = f"a forecast reaches {MOST_DAYS:,} days and has {MOST_PERIODS} periods at most"
        raise Malformed(problem, hint="ask for a shorter horizon, or for longer periods")
    several = [journey.as_of(at=until) for journey in each_once(listed_of("journeys", journeys, Journey))]
    converter = Converter.of(currencies(several), currency=currency, rates=rates)
    return forecast_of_stays(
        stays_of(several, as_of=until),
        as_of=until,
        horizon=horizon,
        period=period,
        values=values_of_wins(several, converter),
        currency=converter.currency,
        seed=seed,
        samples=samples,
    )


def forecast_of_stays(
    leads: Sequence[LeadStays],
    *,
    as_of: datetime,
    horizon: int,
    period: int,
    values: Mapping[str | None, Sequence[float]],
    currency: str | None,
    seed: int,
    samples: int,
) -> Forecast:
    """Return the forecast of leads whose stays are known; see ``forecast``.

    Args:
        leads: The stays of each lead.
        as_of: The instant.
        horizon: How many days ahead.
        period: How many days one period lasts.
        values: What won cycles brought, for all leads under None, and by lead type.
        currency: Their currency.
        seed: The luck of the draws.
        samples: How often the model is drawn anew.

    Raises:
        Malformed: No lead has been won so far.
    """
    if not any(stay.following == WON for lead in leads for stay in lead.stays):
        raise Malformed("no lead has been won so far, so nothing can be forecast", hint="wait for the first wins")
    step = min(max(horizon / _STEPS, 1.0), float(period))
    known = on_grid(leads, step)
    ends = [min(begin + period, horizon) for begin in range(0, horizon, period)]
    bounds = [end / step for end in ends]
    central = win_chances(known, [1.0] * len(leads), bounds)
    draws = _Draws.of(leads, known, bounds, values, seed=seed, samples=samples)
    average = _mean_value(leads, central, values)
    periods: list[ForecastPeriod] = []
    for place, end in enumerate(ends):
        begin = as_of + timedelta(days=ends[place - 1] if place else 0)
        won = Band.of((one[place] for one in draws.won), sum(own[place] for own in central))
        money = Band.of((one[place] for one in draws.revenue), average[place]) if values else None
        periods.append(ForecastPeriod(begin, as_of + timedelta(days=end), won, money))
    return Forecast(
        as_of,
        as_of + timedelta(days=horizon),
        currency if values else None,
        len(leads),
        tuple(periods),
        Band.of((float(sum(one)) for one in draws.won), sum(map(sum, central))),
        Band.of(map(sum, draws.revenue), sum(average)) if values else None,
        sum(chance * (1 - chance) for chance in map(sum, central)) ** 0.5,
        pstdev(draws.means),
        stay_beyond(known),
    )


class _Draws(NamedTuple):
    """Futures that were drawn: for each, wins and revenue by period; and the mean number of wins of each model."""

    won: list[list[int]]
    revenue: list[list[float]]
    means: list[float]

    @classmethod
    def of(
        cls,
        leads: Sequence[LeadStays],
        known: GriddedStays,
        bounds: Sequence[float],
        values: Mapping[str | None, Sequence[float]],
        *,
        seed: int,
        samples: int,
    ) -> _Draws:
        random, found = Random(seed), cls([], [], [])  # noqa: S311 - a sample, no secret
        for _ in range(samples):
            weights = [0.0] * len(leads)
            for place in random.choices(range(len(leads)), k=len(leads)):
                weights[place] += 1
            chances = win_chances(known, weights, bounds)
            found.means.append(sum(map(sum, chances)))
            for _ in range(_DRAWS):
                won, revenue = _drawn(chances, leads, values, len(bounds), random)
                found.won.append(won)
                found.revenue.append(revenue)
        return found


def _drawn(
    chances: Sequence[Sequence[float]],
    leads: Sequence[LeadStays],
    values: Mapping[str | None, Sequence[float]],
    periods: int,
    random: Random,
) -> tuple[list[int], list[float]]:
    won, revenue = [0] * periods, [0.0] * periods
    for own, lead in zip(chances, leads, strict=True):
        drawn = random.random()
        if drawn >= sum(own):
            continue  # not won in any period, as most are
        place = min(bisect_right(list(accumulate(own)), drawn), periods - 1)
        won[place] += 1
        if values:
            revenue[place] += random.choice(values.get(lead.lead_type) or values[None])
    return won, revenue


def _mean_value(
    leads: Sequence[LeadStays], chances: Sequence[Sequence[float]], values: Mapping[str | None, Sequence[float]]
) -> list[float]:
    means = {kind: fmean(several) for kind, several in values.items()}
    sums = [0.0] * len(chances[0])
    for lead, own in zip(leads, chances, strict=True):
        mean = means.get(lead.lead_type, means.get(None, 0.0))
        for place, chance in enumerate(own):
            sums[place] += chance * mean
    return sums


def values_of_wins(
    journeys: Sequence[Journey],
    converter: Converter,
    *,
    margins: bool = False,
    margin_share: Decimal | None = None,
) -> dict[str | None, list[float]]:
    """Return what each win has brought, for all leads under None, and for each lead type with at least 30 of them.

    Args:
        journeys: The leads, as of the instant that counts.
        converter: The currency.
        margins: Whether the margin is meant instead of the revenue; wins without a known one are left out.
        margin_share: The share of a sale that is left of it, where the sale does not say.
    """
    found: dict[str | None, list[float]] = {}
    for journey in sorted(journeys, key=lambda one: (one.lead_id, one.pipeline)):
        sums: dict[int | None, Decimal] = {}
        for one in bookings(journey, converter, margin_share=margin_share):
            amount = one.margin if margins else one.amount
            if one.kind in (BookingKind.SALE, BookingKind.REFUND) and amount is not None:
                sums[one.episode] = sums.get(one.episode, Decimal(0)) + amount
        for place, own in enumerate(episodes(journey) if sums else ()):
            if own.won and place in sums:
                kind = None if own.source is None or own.source.lead_type is None else own.source.lead_type.value
                for key in {kind, None}:
                    found.setdefault(key, []).append(float(sums[place]))
    return {key: own for key, own in found.items() if key is None or len(own) >= FEWEST}
