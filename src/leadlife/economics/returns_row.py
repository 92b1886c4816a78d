"""One row of returns: what one group of leads cost and earned, from its leads and its bookings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from leadlife._base.text_tables import money, percent, shown
from leadlife.analytics.incidence import quantile, wilson
from leadlife.analytics.lead_outcomes import LeadOutcome
from leadlife.economics.customer_costs import unit_costs
from leadlife.economics.ledger import Booking, BookingKind
from leadlife.economics.maturity import Maturity

_NOTHING = Decimal(0)
COSTS = (BookingKind.COST, BookingKind.EFFORT)
"""The kinds of booking that cost something."""
COLUMNS = ("leads", "won", "rate", "matured", "cost", "per lead", "CAC now", "CAC matured", "revenue", "margin", "ROI")
"""What a table shows of each row."""


class ReturnsRow(NamedTuple):
    """What one group of leads cost and earned; money is in the currency of the table.

    Attributes:
        key: What the group has in common; None for a blank.
        leads: The number of distinct leads that entered.
        cycles: The number of their cycles.
        won: The number of leads with a win that stands, as the funnel counts them.
        rate: won / leads as it stands; None without leads.
        low: The lower end of the 95 % Wilson interval of that rate.
        high: The upper end.
        matured_rate: The Aalen-Johansen incidence of winning by ``matured_days``; open leads are censored, not lost.
        matured_low: The lower end of its 95 % interval.
        matured_high: The upper end.
        matured_days: The last day after entry that at least 10 leads of the group reached.
        matured_won: How many leads are won in the end, by Cape Cod.
        days_to_won: The quartiles of the days from entry to the win, of won leads.
        hours: The hours of effort.
        spend: What was spent on the group as a whole.
        own_costs: What was spent on its leads one by one, hours included.
        cost: Both together; None where nothing is known of either.
        cost_per_lead: cost / leads.
        cac_now: cost / won so far.
        cac_matured: cost / matured_won.
        revenue: Sales less refunds.
        recovered: The part of the revenue from cycles that began out of a recycled stage.
        margin: What is left of the revenue, before ``cost``; None where some sale says nothing of it.
        roi: (margin - cost) / cost.
        payback_days: The age of the leads at which their margin had paid back the cost; None where it has not.
        unknown: For each figure that is None, why.
    """

    key: str | None
    leads: int
    cycles: int
    won: int
    rate: float | None
    low: float | None
    high: float | None
    matured_rate: float | None
    matured_low: float | None
    matured_high: float | None
    matured_days: int | None
    matured_won: float | None
    days_to_won: tuple[float | None, float | None, float | None]
    hours: Decimal
    spend: Decimal
    own_costs: Decimal
    cost: Decimal | None
    cost_per_lead: Decimal | None
    cac_now: Decimal | None
    cac_matured: Decimal | None
    revenue: Decimal
    recovered: Decimal
    margin: Decimal | None
    roi: float | None
    payback_days: int | None
    unknown: Mapping[str, str]

    def record(self, by: str) -> dict[str, Any]:
        """Return the row for a data frame: the group under a name, money as floats, the quartiles in three columns."""
        names = ("days_to_won_q25", "days_to_won_q50", "days_to_won_q75")
        plain = {
            name: float(value) if isinstance(value, Decimal) else value
            for name, value in self._asdict().items()
            if name not in ("key", "unknown", "days_to_won")
        }
        return {by: self.key, **plain, **dict(zip(names, self.days_to_won, strict=True))}

    def to_dict(self) -> dict[str, Any]:
        """Return the row as plain values, ready for JSON; money is text."""
        return {
            name: str(value) if isinstance(value, Decimal) else dict(value) if isinstance(value, Mapping) else value
            for name, value in self._asdict().items()
        }

    def cells(self) -> list[str]:
        """Return what a table shows of it, with ``COLUMNS`` after its key."""
        return [
            shown(self.key),
            str(self.leads),
            str(self.won),
            percent(self.rate),
            percent(self.matured_rate),
            money(self.cost),
            money(self.cost_per_lead),
            money(self.cac_now),
            money(self.cac_matured),
            money(self.revenue),
            money(self.margin),
            percent(self.roi),
        ]


class GroupMoney(NamedTuple):
    """What is known of the money of one group.

    Attributes:
        spend: What was spent on the group as a whole.
        costed: Whether anything is known of its cost, even if only that there was none.
        bookings: Each booking of its leads, with the age of the lead in days.
    """

    spend: Decimal
    costed: bool
    bookings: tuple[tuple[int, Booking], ...]


def row_of(key: str | None, rows: Sequence[LeadOutcome], amounts: GroupMoney, pattern: Maturity) -> ReturnsRow:
    """Return the row of one group.

    Args:
        key: What the group has in common.
        rows: The outcomes of its leads.
        amounts: Its money.
        pattern: How far leads have developed by their age.
    """
    won = sorted(row.days for row in rows if row.won)
    low, high = wilson(len(won), len(rows)) if rows else (None, None)
    own, cohorts = Maturity.of(rows, as_of=pattern.as_of, zone=pattern.zone), pattern.cohorts(rows)
    money, unknown = _Sums.of(amounts.bookings), dict[str, str]()
    cost = _cost(amounts, money, unknown)
    units = unit_costs(cost, cohorts, unknown=unknown.get("cost", ""))
    unknown |= units.unknown
    margin = _margin(money, unknown)
    between = own.interval
    return ReturnsRow(
        key=key,
        leads=len(rows),
        cycles=sum(row.cycles for row in rows),
        won=len(won),
        rate=len(won) / len(rows) if rows else None,
        low=low,
        high=high,
        matured_rate=own.rate,
        matured_low=None if between is None else between[0],
        matured_high=None if between is None else between[1],
        matured_days=own.days,
        matured_won=units.matured_won,
        days_to_won=(quantile(won, 0.25), quantile(won, 0.5), quantile(won, 0.75)),
        hours=money.hours,
        spend=amounts.spend,
        own_costs=money.costs,
        cost=cost,
        cost_per_lead=units.cost_per_lead,
        cac_now=units.cac_now,
        cac_matured=units.cac_matured,
        revenue=money.revenue,
        recovered=money.recovered,
        margin=margin,
        roi=_roi(margin, cost, unknown),
        payback_days=_payback(amounts.bookings, margin, cost, unknown),
        unknown=unknown,
    )


class _Sums(NamedTuple):
    """The sums of some bookings."""

    revenue: Decimal
    recovered: Decimal
    margin: Decimal
    costs: Decimal
    hours: Decimal
    silent_sales: int
    unpaid_hours: Decimal

    @classmethod
    def of(cls, pairs: Iterable[tuple[int, Booking]]) -> _Sums:
        revenue = recovered = margin = costs = hours = unpaid = _NOTHING
        silent = 0
        for _, one in pairs:
            amount = one.amount or _NOTHING
            if one.kind in COSTS:
                costs += amount
                hours += one.hours or _NOTHING
                unpaid += (one.hours or _NOTHING) if one.amount is None else _NOTHING
                continue
            revenue += amount
            recovered += amount if one.recovered else _NOTHING
            margin += one.margin or _NOTHING
            silent += one.margin is None
        return cls(revenue, recovered, margin, costs, hours, silent, unpaid)


def _cost(amounts: GroupMoney, money: _Sums, unknown: dict[str, str]) -> Decimal | None:
    if not amounts.costed:
        unknown["cost"] = "no row of spend says what the source cost; one of 0 says that it cost nothing"
    elif money.unpaid_hours:
        unknown["cost"] = f"{money.unpaid_hours} hours have no rate"
    else:
        return amounts.spend + money.costs
    return None


def _margin(money: _Sums, unknown: dict[str, str]) -> Decimal | None:
    if not money.silent_sales:
        return money.margin
    unknown["margin"] = f"{money.silent_sales} sales or refunds say nothing of their margin; margin= says what is usual"
    return None


def _roi(margin: Decimal | None, cost: Decimal | None, unknown: dict[str, str]) -> float | None:
    if cost is None or margin is None:
        unknown["roi"] = unknown["cost" if cost is None else "margin"]
    elif not cost:
        unknown["roi"] = "it cost nothing"
    else:
        return float((margin - cost) / cost)
    return None


def _payback(
    pairs: Iterable[tuple[int, Booking]], margin: Decimal | None, cost: Decimal | None, unknown: dict[str, str]
) -> int | None:
    """Return the age of the leads by which their margin had paid back the cost."""
    if cost is None or margin is None:
        unknown["payback_days"] = unknown["cost" if cost is None else "margin"]
        return None
    earned, paid = _NOTHING, None
    for days, one in sorted(pairs, key=lambda pair: pair[0]):
        earned += one.margin or _NOTHING
        if earned < cost:
            paid = None  # a refund may take it back
        elif paid is None and one.margin is not None:
            paid = days
    if paid is not None:
        return paid
    unknown["payback_days"] = "the margin has not paid back the cost so far"
    return None
