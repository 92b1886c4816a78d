"""Returns: what each source, lead type or other group of leads cost, earned, and will have earned once it is mature.

Every figure is as of an instant: facts after it change nothing. A cost belongs to the group that caused it, that of the
lead's first cycle, and follows the lead through recycling. What is not known is None, with the reason beside it; no
division gives infinity.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from leadlife._base.arguments import expect, listed_of
from leadlife.analytics.cautions import Caution, small_group
from leadlife.analytics.grouped import SOURCE, GroupedLeads
from leadlife.analytics.incidence import quantile, wilson
from leadlife.analytics.lead_outcomes import LeadOutcome
from leadlife.economics.currency import Converter, ExchangeRate, checked_share
from leadlife.economics.customer_costs import unit_costs
from leadlife.economics.ledger import Booking, BookingKind, bookings, currencies
from leadlife.economics.maturity import Maturity
from leadlife.economics.spend import Spend
from leadlife.economics.spend_shares import spend_by_lead, spent_until
from leadlife.errors import Malformed
from leadlife.journey import Journey
from leadlife.playbook.playbook import Playbook
from leadlife.timing import instant, local_day, whole_days

_NOTHING = Decimal(0)
_COSTS = (BookingKind.COST, BookingKind.EFFORT)


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

    def to_dict(self) -> dict[str, Any]:
        """Return the row as plain values, ready for JSON; money is text."""
        return {
            name: str(value) if isinstance(value, Decimal) else dict(value) if isinstance(value, Mapping) else value
            for name, value in self._asdict().items()
        }


class Returns(NamedTuple):
    """What groups of leads cost and earned, as of an instant.

    Attributes:
        as_of: The instant.
        by: What the groups are.
        currency: The currency of all money; None where there is none.
        rows: The groups, the one with the most leads first; a source with spend and no lead is among them.
        total: All leads.
        unassigned: Spend that belongs to no group: without a source, or where no lead came of it.
        warnings: What to keep in mind.
    """

    as_of: datetime
    by: str
    currency: str | None
    rows: tuple[ReturnsRow, ...]
    total: ReturnsRow
    unassigned: Decimal
    warnings: tuple[Caution, ...]

    def row(self, key: str | None) -> ReturnsRow:
        """Return the row of a group.

        Raises:
            KeyError: There is none.
        """
        return next((row for row in self.rows if row.key == key), None) or _missing(key)

    def to_dict(self) -> dict[str, Any]:
        """Return the table as plain values, ready for JSON."""
        return {
            "as_of": self.as_of.isoformat(),
            "by": self.by,
            "currency": self.currency,
            "rows": [row.to_dict() for row in self.rows],
            "total": self.total.to_dict(),
            "unassigned": str(self.unassigned),
            "warnings": [caution.to_dict() for caution in self.warnings],
        }

    def __str__(self) -> str:
        from leadlife.economics.tables import returns_table  # noqa: PLC0415 - only printing needs it

        return returns_table(self)


def _missing(key: str | None) -> ReturnsRow:
    raise KeyError(key)


class _Books(NamedTuple):
    """What is known of the money of one group.

    Attributes:
        spend: What was spent on the group as a whole.
        costed: Whether anything is known of its cost, be it that there was none.
        bookings: Each booking of its leads, with the age of the lead in days.
    """

    spend: Decimal
    costed: bool
    bookings: tuple[tuple[int, Booking], ...]


def returns(
    journeys: Iterable[Journey],
    spend: Iterable[Spend] = (),
    *,
    as_of: datetime,
    by: str = SOURCE,
    playbook: Playbook | None = None,
    currency: str | None = None,
    rates: Iterable[ExchangeRate] = (),
    margin: Decimal | float | str | None = None,
) -> Returns:
    """Return what groups of leads cost and earned.

    Args:
        journeys: The leads; their order is irrelevant.
        spend: What was spent on sources. Of a period that goes on after ``as_of``, the days until then count.
        as_of: The end of observation.
        by: ``source``, ``lead_type``, ``pipeline`` or a field, as for ``leadlife.analytics.funnel``.
        playbook: The playbook with the fields and the zone; by default that of the first lead by id.
        currency: The currency to report in; by default the only one that there is.
        rates: What other currencies are worth, and from when on.
        margin: The share of a sale that is left of it, where the sale does not say; without it, that is unknown.

    Raises:
        CurrencyMismatch: There are several currencies and none is chosen, or a rate is missing.
        UnknownName: ``by`` is no such name.
        Malformed: An argument cannot be understood, or there is no lead and no playbook.
    """
    until, usual = instant(as_of), checked_share("margin", margin)
    several = listed_of("journeys", journeys, Journey)
    expect("by", by, str, hint="pass source, lead_type, pipeline or a field")
    found = GroupedLeads.of(several, playbook or common_playbook(several, as_of=until), as_of=until, by=by)
    last = local_day(until, found.playbook.zone_info)
    spent = [one for one in listed_of("spend", spend, Spend) if one.since <= last]
    known = currencies(found.journeys) | {one.amount.currency for one in spent}
    converter = Converter.of(known, currency=currency, rates=rates)
    shared = _shared(found, spent, converter, last=last)
    booked, left = _booked(found, converter, usual)
    books = {
        key: _Books(
            shared.sums.get(key, _NOTHING),
            key in shared.sums or any(one.kind in _COSTS for _, one in booked.get(key, ())),
            tuple(sorted(booked.get(key, ()), key=_when)),
        )
        for key in {**found.groups, **shared.sums}
    }
    pattern = Maturity.of(found.rows, as_of=until, zone=found.playbook.zone_info)
    rows = [_row(key, found.groups.get(key, []), own, pattern) for key, own in books.items()]
    rows.sort(key=lambda row: (-row.leads, row.key is None, row.key or ""))
    costs = [one for one in left if one.kind in _COSTS]
    unassigned = shared.unassigned + sum((one.amount or _NOTHING for one in costs), _NOTHING)
    everything = _Books(
        sum((own.spend for own in books.values()), shared.unassigned),
        bool(books) and all(own.costed for own in books.values()),
        tuple(
            sorted(
                [*(pair for own in books.values() for pair in own.bookings), *((0, one) for one in costs)], key=_when
            )
        ),
    )
    warnings = list(found.warnings)
    if left:
        message = f"{len(left)} amounts of leads that have not entered belong to no group"
        warnings.append(Caution("not_entered", message, {"bookings": len(left)}))
    warnings += [caution for row in rows if row.leads for caution in small_group(row.key, row.leads, row.won)]
    total = _row("total", found.rows, everything, pattern)
    return Returns(until, by, converter.currency, tuple(rows), total, unassigned, tuple(warnings))


def common_playbook(journeys: Sequence[Journey], *, as_of: datetime) -> Playbook:
    """Return the playbook of the first lead by id, as of an instant.

    Raises:
        Malformed: There is no lead.
    """
    first = min(journeys, key=lambda one: (one.lead_id, one.pipeline), default=None)
    if first is None:
        raise Malformed("there is no lead, so nothing says what to group by", hint="pass playbook=")
    return first.as_of(at=as_of).playbook


def _when(pair: tuple[int, Booking]) -> tuple[datetime, str, str]:
    return pair[1].at, pair[1].lead, pair[1].pipeline


def _booked(
    found: GroupedLeads, converter: Converter, usual: Decimal | None
) -> tuple[dict[str | None, list[tuple[int, Booking]]], list[Booking]]:
    """Return the bookings of each group with the age of their leads, and those of leads that have not entered."""
    entries = {
        (row.lead, pipeline): (key, row.entered)
        for key, rows in found.groups.items()
        for row in rows
        for pipeline in row.pipelines
    }
    own: dict[str | None, list[tuple[int, Booking]]] = {}
    left: list[Booking] = []
    zone = found.playbook.zone_info
    for journey in found.journeys:
        key, entered = entries.get((journey.lead_id, journey.pipeline), (None, None))
        for booking in bookings(journey, converter, margin_share=usual):
            if entered is None:
                left.append(booking)
            else:
                own.setdefault(key, []).append((max(whole_days(entered, booking.at, zone), 0), booking))
    return own, left


class _Shared(NamedTuple):
    """Spend by group; a group with a row of it is there, even if the row says that nothing was spent."""

    sums: dict[str | None, Decimal]
    unassigned: Decimal


def _shared(found: GroupedLeads, spent: Sequence[Spend], converter: Converter, *, last: date) -> _Shared:
    """Return the spend of each group, and what belongs to none.

    By source, a row belongs to its source. By anything else, it follows the leads that came of it.
    """
    sums: dict[str | None, Decimal] = {}
    unassigned = _NOTHING
    if found.is_by_source:
        for one in spent:
            amount = spent_until(one, converter, last=last)
            if one.source is None:
                unassigned += amount
            else:
                sums[one.source] = sums.get(one.source, _NOTHING) + amount
        return _Shared(sums, unassigned)
    # A lead in two pipelines came once, so its first group by name bears its part.
    groups: dict[str, str | None] = {}
    for key in sorted(found.groups, key=lambda key: key or "", reverse=True):
        groups.update((row.lead, key) for row in found.groups[key])
    shares = spend_by_lead(found.rows, spent, converter, last=last, zone=found.playbook.zone_info)
    for lead, amount in shares.by_lead.items():
        sums[groups[lead]] = sums.get(groups[lead], _NOTHING) + amount
    return _Shared(sums, sum((amount for _, amount in shares.without), unassigned))


def _row(key: str | None, rows: Sequence[LeadOutcome], books: _Books, pattern: Maturity) -> ReturnsRow:
    won = sorted(row.days for row in rows if row.won)
    low, high = wilson(len(won), len(rows)) if rows else (None, None)
    own, cohorts = Maturity.of(rows, as_of=pattern.as_of, zone=pattern.zone), pattern.cohorts(rows)
    money, unknown = _Sums.of(books.bookings), dict[str, str]()
    cost = _cost(books, money, unknown)
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
        spend=books.spend,
        own_costs=money.costs,
        cost=cost,
        cost_per_lead=units.cost_per_lead,
        cac_now=units.cac_now,
        cac_matured=units.cac_matured,
        revenue=money.revenue,
        recovered=money.recovered,
        margin=margin,
        roi=_roi(margin, cost, unknown),
        payback_days=_payback(books.bookings, margin, cost, unknown),
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
            if one.kind in _COSTS:
                costs += amount
                hours += one.hours or _NOTHING
                unpaid += (one.hours or _NOTHING) if one.amount is None else _NOTHING
                continue
            revenue += amount
            recovered += amount if one.recovered else _NOTHING
            margin += one.margin or _NOTHING
            silent += one.margin is None
        return cls(revenue, recovered, margin, costs, hours, silent, unpaid)


def _cost(books: _Books, money: _Sums, unknown: dict[str, str]) -> Decimal | None:
    if not books.costed:
        unknown["cost"] = "no spend and no cost is known; a row of spend of 0 says that there was none"
    elif money.unpaid_hours:
        unknown["cost"] = f"{money.unpaid_hours} hours have no rate"
    else:
        return books.spend + money.costs
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
