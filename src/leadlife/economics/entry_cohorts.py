"""Cohorts: the leads that entered in one month, what became of them so far, and what will have become of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple

from leadlife._base.arguments import listed_of
from leadlife.analytics.grouped import GroupedLeads
from leadlife.analytics.incidence import wilson
from leadlife.economics.group_returns import common_playbook
from leadlife.economics.maturity import Maturity
from leadlife.economics.triangles import Cohort, bornhuetter_ferguson, cape_cod
from leadlife.journey import Journey
from leadlife.playbook.playbook import Playbook
from leadlife.timing import instant, local_day


class MonthCohort(NamedTuple):
    """The leads that entered in one month.

    Attributes:
        month: Its first day.
        leads: How many.
        won: How many of them are won so far.
        rate: won / leads.
        low: The lower end of its 95 % Wilson interval.
        high: The upper end.
        developed: Which share of their wins leads of that age have had, as all leads show it.
        matured_won: How many will be won in the end, by Bornhuetter and Ferguson with the rate of all leads; None where
            nothing shows a rate.
    """

    month: date
    leads: int
    won: int
    rate: float
    low: float
    high: float
    developed: float
    matured_won: float | None


def cohorts(
    journeys: Iterable[Journey], *, as_of: datetime, playbook: Playbook | None = None
) -> tuple[MonthCohort, ...]:
    """Return the leads by the month in which they entered, oldest first.

    Args:
        journeys: The leads.
        as_of: The end of observation.
        playbook: The playbook with the zone; by default that of the first lead by id.

    Raises:
        Malformed: An argument cannot be understood, or there is no lead and no playbook.
    """
    until = instant(as_of)
    several = listed_of("journeys", journeys, Journey)
    found = GroupedLeads.of(several, playbook or common_playbook(several, as_of=until), as_of=until)
    zone = found.playbook.zone_info
    pattern = Maturity.of(found.rows, as_of=until, zone=zone)
    rate = cape_cod(pattern.cohorts(found.rows)).rate
    by_month: dict[date, list[Cohort]] = {}
    for row in found.rows:
        first = local_day(row.entered, zone).replace(day=1)
        by_month.setdefault(first, []).extend(pattern.cohorts([row]))
    cohorts_: list[MonthCohort] = []
    for month, own in sorted(by_month.items()):
        leads, won = sum(one.leads for one in own), int(sum(one.won for one in own))
        matured = None if rate is None else bornhuetter_ferguson(own, rate=rate).won
        developed = sum(one.leads * one.developed for one in own) / leads
        cohorts_.append(MonthCohort(month, leads, won, won / leads, *wilson(won, leads), developed, matured))
    return tuple(cohorts_)
