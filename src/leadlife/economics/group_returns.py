"""Returns: what each source, lead type or other group of leads cost, earned, and will have earned once it is mature.

Every figure is as of an instant: facts after it change nothing. A cost belongs to the group that caused it, that of the
lead's first cycle, and follows the lead through recycling. What is not known is None, with the reason beside it; no
division gives infinity.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from leadlife._base.arguments import expect, listed_of
from leadlife._base.text_tables import money, text_table
from leadlife.analytics.cautions import Caution, small_group
from leadlife.analytics.grouped import SOURCE, GroupedLeads
from leadlife.economics.currency import Converter, ExchangeRate, checked_share
from leadlife.economics.ledger import Booking, bookings, currencies
from leadlife.economics.maturity import Maturity
from leadlife.economics.returns_row import COLUMNS, COSTS, GroupMoney, ReturnsRow, row_of
from leadlife.economics.spend import Spend, SpendTable, spend_rows
from leadlife.economics.spend_shares import spend_by_lead, spent_until
from leadlife.errors import Malformed
from leadlife.journey import Journey
from leadlife.playbook.playbook import Playbook
from leadlife.timing import instant, local_day, whole_days

_NOTHING = Decimal(0)


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

    def records(self) -> list[dict[str, Any]]:
        """Return one flat row for each group, and one for all, ready for a data frame; money is in floats."""
        return [row.record(self.by) for row in (*self.rows, self.total)]

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
        head = [self.by, *COLUMNS]
        lines = [text_table([head, *(one.cells() for one in self.rows), self.total.cells()], total=True)]
        if self.unassigned:
            lines.append(f"{money(self.unassigned)} of the cost belongs to no group")
        lines += [f"! {caution.message}" for caution in self.warnings]
        return "\n".join([f"in {self.currency}, as of {self.as_of:%Y-%m-%d}" if self.currency else "no money", *lines])


def _missing(key: str | None) -> ReturnsRow:
    raise KeyError(key)


def returns(
    journeys: Iterable[Journey],
    spend: SpendTable | Iterable[Spend] = (),
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
        UnknownName: ``by`` is not such a name.
        Malformed: An argument cannot be understood, or there is no lead and no playbook.
    """
    until, usual = instant(as_of), checked_share("margin", margin)
    several = listed_of("journeys", journeys, Journey)
    expect("by", by, str, hint="pass source, lead_type, pipeline or a field")
    found = GroupedLeads.of(several, playbook or common_playbook(several, as_of=until), as_of=until, by=by)
    last = local_day(until, found.playbook.zone_info)
    spent = [one for one in spend_rows(spend) if one.since <= last]
    known = currencies(found.journeys) | {one.amount.currency for one in spent}
    converter = Converter.of(known, currency=currency, rates=rates)
    shared = _shared(found, spent, converter, last=last)
    booked, left = _booked(found, converter, usual)
    books = {
        key: GroupMoney(
            shared.sums.get(key, _NOTHING),
            key in shared.sums and key not in shared.unknown,
            tuple(sorted(booked.get(key, ()), key=_when)),
        )
        for key in {**found.groups, **shared.sums}
    }
    pattern = Maturity.of(found.rows, as_of=until, zone=found.playbook.zone_info)
    rows = [row_of(key, found.groups.get(key, []), own, pattern) for key, own in books.items()]
    rows.sort(key=lambda row: (-row.leads, row.key is None, row.key or ""))
    costs = [one for one in left if one.kind in COSTS]
    unassigned = shared.unassigned + sum((one.amount or _NOTHING for one in costs), _NOTHING)
    everything = GroupMoney(
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
    back = {(one.lead, one.pipeline): _NOTHING for _, one in everything.bookings}
    for _, one in everything.bookings:
        if one.kind not in COSTS:
            back[one.lead, one.pipeline] += one.amount or _NOTHING
    if over := sum(amount < 0 for amount in back.values()):
        message = f"{over} leads were given back more than they had paid"
        warnings.append(Caution("refunded_more", message, {"leads": over}))
    warnings += [caution for row in rows if row.leads for caution in small_group(row.key, row.leads, row.won)]
    total = row_of("total", found.rows, everything, pattern)
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
    unknown: frozenset[str | None] = frozenset()
    """The groups with a lead of whose source nobody says what was spent on it."""


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
    unknown = frozenset(
        key for key, rows in found.groups.items() if any(row.lead not in shares.by_lead for row in rows)
    )
    return _Shared(sums, sum((amount for _, amount in shares.without), unassigned), unknown)
