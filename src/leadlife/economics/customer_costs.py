"""What one lead and one customer cost, as it stands and once the leads are mature."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from leadlife._base.arguments import listed_of
from leadlife.economics.currency import exact, is_exact
from leadlife.economics.triangles import Cohort, bornhuetter_ferguson, cape_cod
from leadlife.errors import Malformed


class UnitCosts(NamedTuple):
    """What one lead and one customer cost, to the cent.

    Attributes:
        cost_per_lead: The cost over all leads.
        matured_won: How many leads are won in the end; None where nothing says so.
        cac_now: The cost over the leads that are won so far.
        cac_matured: The cost over those that are won in the end.
        unknown: For each of these that is None, why.
    """

    cost_per_lead: Decimal | None
    matured_won: float | None
    cac_now: Decimal | None
    cac_matured: Decimal | None
    unknown: Mapping[str, str]


def unit_costs(
    cost: Decimal | None, cohorts: Iterable[Cohort], *, rate: float | None = None, unknown: str = ""
) -> UnitCosts:
    """Return what one lead and one customer cost.

    >>> found = unit_costs(Decimal(12_000), [Cohort(leads=240, won=6, developed=0.5)], rate=0.05)
    >>> [str(one) for one in (found.cost_per_lead, found.cac_now, found.cac_matured)], found.matured_won
    (['50.00', '2000.00', '1000.00'], 12.0)

    Args:
        cost: What all of them cost; None where that is not known.
        cohorts: The leads, by age.
        rate: The share of leads that is won in the end, for Bornhuetter and Ferguson's method; by default the rate
            that the cohorts show, by Cape Cod.
        unknown: Why the cost is not known.

    Raises:
        Malformed: A cohort is not sound, or the rate is not a share.
    """
    several = listed_of("cohorts", cohorts, Cohort)
    if cost is not None and not is_exact(cost):
        raise Malformed("a cost must be a finite Decimal", hint='pass Decimal("12000"), not a float')
    won = (cape_cod(several) if rate is None else bornhuetter_ferguson(several, rate=rate)).won
    matured = won if several else None
    why: dict[str, str] = {}
    if matured is None:
        why["matured_won"] = "no lead has come so far that it shows how many will be won" if several else "no lead came"

    def per(name: str, number: float | None, nobody: str) -> Decimal | None:
        if cost is None:
            why[name] = unknown
        elif not number:
            why[name] = nobody
        else:
            try:
                return exact(cost / Decimal(repr(number)), places=2)
            except Malformed:
                why[name] = "it is too large to be given exactly"
        return None

    return UnitCosts(
        per("cost_per_lead", sum(one.leads for one in several), "no lead came"),
        matured,
        per("cac_now", sum(one.won for one in several), "nobody is won so far"),
        per("cac_matured", matured, "nothing says that anybody will be won"),
        why,
    )
