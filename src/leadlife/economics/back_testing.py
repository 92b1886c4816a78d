"""Forecasts of the past, beside what came: how far a forecast can be trusted here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from math import inf
from typing import NamedTuple

from leadlife._base.arguments import listed_of
from leadlife._base.outcomes import whole
from leadlife.analytics.grouped import each_once
from leadlife.economics.forecasting import Forecast, forecast_of_stays
from leadlife.economics.stays import stays_of
from leadlife.errors import Malformed
from leadlife.journey import Journey
from leadlife.lifecycle.stages import StageStatus
from leadlife.timing import instant


class BackTest(NamedTuple):
    """A forecast of the past, beside what came.

    Attributes:
        forecast: The forecast.
        won: How many of the leads that were known then were won within the horizon.
        covered: Whether that lies in the 90 % interval.
    """

    forecast: Forecast
    won: int
    covered: bool

    def __str__(self) -> str:
        band = self.forecast.won
        verdict = "covered" if self.covered else "not covered"
        span = f"{self.forecast.as_of:%Y-%m-%d} to {self.forecast.until:%Y-%m-%d}"
        return f"{span}: forecast {band.mean:.1f} ({band.low:.0f} to {band.high:.0f}), came {self.won}, {verdict}"


def back_test(
    journeys: Iterable[Journey],
    *,
    cut_offs: Iterable[datetime],
    horizon_days: int = 90,
    until: datetime | None = None,
    seed: int = 7,
    samples: int = 40,
) -> tuple[BackTest, ...]:
    """Return forecasts from instants of the past, beside what came of the leads that were known then.

    Money plays no part, so leads may have paid in any currencies.

    Args:
        journeys: The leads.
        cut_offs: The instants; what was recorded later is not read.
        horizon_days: How many days ahead of each.
        until: The end of observation; by default the latest instant that is known of any lead.
        seed: The luck of the draws.
        samples: How often the model is drawn anew.

    Raises:
        Malformed: A horizon is not over by the end of observation, or as for ``forecast``.
    """
    horizon, samples = whole("horizon_days", horizon_days, least=1), whole("samples", samples, least=2)
    several = each_once(listed_of("journeys", journeys, Journey))
    known = [journey.facts[-1].recorded_at for journey in several if journey.facts]
    last = instant(until) if until is not None else max(known, default=None)
    found: list[BackTest] = []
    for cut_off in listed_of("cut_offs", cut_offs, datetime):
        at = instant(cut_off)
        end = at + timedelta(days=horizon)
        if last is None or end > last:
            problem = f"the {horizon} days from {at:%Y-%m-%d} on are not over by the end of observation"
            raise Malformed(problem, hint="choose earlier cut-offs, or pass until=")
        ahead = forecast_of_stays(
            stays_of(several, as_of=at),
            as_of=at,
            horizon=horizon,
            period=horizon,
            values={},
            currency=None,
            seed=whole("seed", seed, least=-inf),
            samples=samples,
        )
        won = sum(_is_won(journey, at, ahead.until) for journey in several)
        found.append(BackTest(ahead, won, ahead.won.low <= won <= ahead.won.high))
    return tuple(found)


def _is_won(journey: Journey, since: datetime, until: datetime) -> bool:
    visits = journey.as_of(at=until).visits
    known = bool(visits) and visits[0].entered <= since
    return known and any(visit.status is StageStatus.WON and since < visit.entered <= until for visit in visits)
