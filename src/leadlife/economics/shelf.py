"""The shelf life of spend: how much margin a unit of it has earned by its age, and what it will still earn.

A unit of spend is as old as the lead that it brought. What leads of one age earn is compared with the spend that has
reached this age, so young spend does not look poor. The sum over the ages is the curve; what a unit that is younger
has still to earn is the rest of it. Intervals come from drawing the leads anew, with a seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Any, NamedTuple

from leadlife._base.arguments import listed_of
from leadlife._base.outcomes import whole
from leadlife._base.text_tables import money, number, percent, shown, text_table
from leadlife.analytics.cautions import FEW_AT_RISK, FEWEST, Caution
from leadlife.analytics.grouped import OWN, GroupedLeads
from leadlife.economics.currency import Converter, ExchangeRate, checked_share
from leadlife.economics.group_returns import common_playbook
from leadlife.economics.ledger import BookingKind, bookings, currencies, margin_of
from leadlife.economics.paths import check_programme
from leadlife.economics.spend import Spend, SpendTable, spend_rows
from leadlife.economics.spend_shares import spend_by_lead, spent_until
from leadlife.errors import Malformed
from leadlife.facts import ProgrammeEntered
from leadlife.journey import Journey
from leadlife.planning.planner import in_holdout
from leadlife.playbook.playbook import Playbook
from leadlife.timing import instant, local_day, whole_days

READINESS = "readiness"
_LOW, _HIGH = 0.025, 0.975


class ShelfPoint(NamedTuple):
    """The curve at one age.

    Attributes:
        days: The age of the spend.
        earned: How much margin a unit of spend has earned by then.
        low: The lower end of its 95 % interval.
        high: The upper end.
        spend: How much of the spend has reached this age.
    """

    days: int
    earned: float
    low: float
    high: float
    spend: Decimal


class ShelfCurve(NamedTuple):
    """The shelf life of one group's spend.

    Attributes:
        key: What the group has in common; None for a blank.
        leads: How many leads came of the spend.
        spend: The spend.
        seen: The margin that it has earned so far.
        to_come: What it will still earn, within the ages that any spend has reached.
        low: The lower end of the 95 % interval of ``to_come``.
        high: The upper end.
        points: The curve, by age.
        half_days: The age by which it has earned half of what it will; None where it earns nothing.
        ninety_days: The age by which it has earned nine tenths.
        payback_days: The age by which a unit has earned itself back; None where it does not.
    """

    key: str | None
    leads: int
    spend: Decimal
    seen: Decimal
    to_come: float
    low: float
    high: float
    points: tuple[ShelfPoint, ...]
    half_days: int | None
    ninety_days: int | None
    payback_days: int | None

    @property
    def earns(self) -> float:
        """How much margin a unit of spend earns in all, within the ages that were reached."""
        return self.points[-1].earned if self.points else 0.0


class ShelfLife(NamedTuple):
    """The shelf life of spend, as of an instant.

    Attributes:
        as_of: The instant.
        by: What the groups are; None for all spend together.
        currency: The currency.
        step_days: How many days lie between two points.
        curves: One for each group, the one with the most spend first.
        unassigned: Spend that is in no curve, because no lead of a group came of it.
        warnings: What to keep in mind.
    """

    as_of: datetime
    by: str | None
    currency: str | None
    step_days: int
    curves: tuple[ShelfCurve, ...]
    unassigned: Decimal
    warnings: tuple[Caution, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the curves as plain values, ready for JSON; exact money is text."""

        def plain(row: Any) -> dict[str, Any]:
            return {name: str(one) if isinstance(one, Decimal) else one for name, one in row._asdict().items()}

        return {
            "as_of": self.as_of.isoformat(),
            "by": self.by,
            "currency": self.currency,
            "step_days": self.step_days,
            "unassigned": str(self.unassigned),
            "curves": [{**plain(one), "points": [plain(point) for point in one.points]} for one in self.curves],
            "warnings": [caution.to_dict() for caution in self.warnings],
        }

    def __str__(self) -> str:
        head = [
            self.by or "spend",
            "leads",
            "spend",
            "seen",
            "to come",
            "95 %",
            "earns",
            "half by",
            "90 % by",
            "paid back",
        ]
        rows = [head]
        for one in self.curves:
            between = f"{one.low:,.0f} to {one.high:,.0f}"
            days = ("-" if age is None else f"{age} d" for age in (one.half_days, one.ninety_days, one.payback_days))
            figures = [money(one.spend), money(one.seen), number(one.to_come, 2), between, percent(one.earns)]
            rows.append(["all" if self.by is None else shown(one.key), str(one.leads), *figures, *days])
        left = [f"{money(self.unassigned)} of the spend is in no curve"] if self.unassigned else []
        return "\n".join([text_table(rows), *left])


class _Unit(NamedTuple):
    """A lead, or spend without one: what it cost, how old it is in steps, and its margin by step."""

    cost: Decimal
    age: int
    margin: dict[int, Decimal]
    is_lead: bool = True


def shelf_life(
    journeys: Iterable[Journey],
    spend: SpendTable | Iterable[Spend],
    *,
    as_of: datetime,
    by: str | None = None,
    programme: str | None = None,
    playbook: Playbook | None = None,
    currency: str | None = None,
    rates: Iterable[ExchangeRate] = (),
    margin: Decimal | float | str | None = None,
    step_days: int = 30,
    seed: int = 7,
    samples: int = 200,
) -> ShelfLife:
    """Return how much margin spend earns by its age, and how much of that is still to come.

    Args:
        journeys: The leads.
        spend: What was spent on sources. Leads without spend count in no curve.
        as_of: The end of observation.
        by: ``readiness`` for the readiness of leads at entry, or as for ``returns``; None for all together.
        programme: Compare the leads that took part in a programme with those that were held out of it, instead.
        playbook: The playbook with the fields and the zone; by default that of the first lead by id.
        currency: The currency; by default the only one that there is.
        rates: What other currencies are worth.
        margin: The share of a sale that is left of it, where the sale does not say.
        step_days: How many days lie between two points of a curve.
        seed: The luck of the samples.
        samples: How often leads are drawn anew for the intervals.

    Raises:
        Malformed: A sale says nothing of its margin and ``margin`` is not given, or an argument cannot be understood.
        CurrencyMismatch: There are several currencies and none is chosen, or a rate is missing.
    """
    until, usual = instant(as_of), checked_share("margin", margin)
    step, samples = whole("step_days", step_days, least=1), whole("samples", samples, least=2)
    if by is not None and programme is not None:
        raise Malformed("give by= or programme=, not both")
    several = listed_of("journeys", journeys, Journey)
    own = by if by in OWN or by not in (READINESS, None) else None
    found = GroupedLeads.of(several, playbook or common_playbook(several, as_of=until), as_of=until, by=own)
    if programme is not None:
        check_programme(programme, found.journeys)
    zone = found.playbook.zone_info
    last = local_day(until, zone)
    # What cost nothing has no margin per unit, so a free source is in no curve.
    spent = [one for one in spend_rows(spend) if one.since <= last and one.amount.amount]
    spent.sort(key=lambda one: (one.since, one.until, one.source or "", one.amount.currency, one.amount.amount))
    known = currencies(found.journeys) | {one.amount.currency for one in spent}
    converter = Converter.of(known, currency=currency, rates=rates)
    shares = spend_by_lead(found.rows, spent, converter, last=last, zone=zone)
    entered = {row.lead: row.entered for row in found.rows}
    margins: dict[str, dict[int, Decimal]] = {}
    for journey in found.journeys:
        if journey.lead_id in shares.by_lead:
            for days, amount in _margins(journey, entered[journey.lead_id], converter, usual):
                at = margins.setdefault(journey.lead_id, {})
                at[days // step] = at.get(days // step, Decimal(0)) + amount
    keys = _keys(found, by, programme)
    units: dict[str | None, list[_Unit]] = {}
    for lead, cost in sorted(shares.by_lead.items()):
        if lead in keys:
            age = whole_days(entered[lead], until, zone) // step
            units.setdefault(keys[lead], []).append(_Unit(cost, age, margins.get(lead, {})))
    if by is None and programme is None:
        for one, amount in shares.without:
            units.setdefault(None, []).append(_Unit(amount, (last - one.since).days // step, {}, is_lead=False))
    curves = [_curve(key, own_units, step, seed=seed, samples=samples) for key, own_units in units.items()]
    curves.sort(key=lambda curve: (-curve.spend, curve.key is None, curve.key or ""))
    warnings = [*found.warnings, *_thin(curves)]
    whole_spend = sum((spent_until(one, converter, last=last) for one in spent), Decimal(0))
    left = whole_spend - sum((curve.spend for curve in curves), Decimal(0))
    return ShelfLife(until, by or programme, converter.currency, step, tuple(curves), left, tuple(warnings))


def _margins(
    journey: Journey, entered: datetime, converter: Converter, usual: Decimal | None
) -> Iterable[tuple[int, Decimal]]:
    zone = journey.playbook.zone_info
    for one in bookings(journey, converter, margin_share=usual):
        if one.kind in (BookingKind.SALE, BookingKind.REFUND):
            yield max(whole_days(entered, one.at, zone), 0), margin_of(one)


def _keys(found: GroupedLeads, by: str | None, programme: str | None) -> dict[str, str | None]:
    """Return the group of each lead; a lead that is in none is left out."""
    if programme is not None:
        keys: dict[str, str | None] = {}
        for journey in sorted(found.journeys, key=_by_name):
            known = journey.playbook.programme_by_name.get(programme)
            entries = (fact for fact in journey.derived if isinstance(fact, ProgrammeEntered))
            if known is not None and any(fact.programme == programme for fact in entries):
                keys.setdefault(journey.lead_id, "held out" if in_holdout(known, journey.lead_id) else "took part")
        return keys
    if found.by is not None:
        # A lead in two pipelines is in one curve, that of the first by name.
        names = sorted(found.groups, key=lambda key: key or "", reverse=True)
        return {row.lead: key for key in names for row in found.groups[key]}
    if by != READINESS:
        return {row.lead: None for row in found.rows}
    at = {row.lead: row.entered for row in found.rows}
    several = sorted(found.journeys, key=_by_name, reverse=True)
    then = [journey.as_of(at=at[journey.lead_id]) for journey in several if journey.lead_id in at]
    near = {journey.lead_id: journey.readiness for journey in then}
    return {lead: None if readiness is None else readiness.value for lead, readiness in near.items()}


def _by_name(journey: Journey) -> tuple[str, str]:
    return journey.lead_id, journey.pipeline


def _curve(key: str | None, units: Sequence[_Unit], step: int, *, seed: int, samples: int) -> ShelfCurve:
    grown = _growth(units, lambda _: 1.0)
    sums = _sums(grown)
    random = Random(seed)  # noqa: S311 - a sample, no secret
    drawn: list[list[float]] = []
    rests: list[float] = []
    for _ in range(samples):
        counts = [0] * len(units)
        for place in random.choices(range(len(units)), k=len(units)):
            counts[place] += 1
        own = _growth(units, counts.__getitem__, steps=len(grown))
        drawn.append(_sums(own))
        rests.append(_rest(units, own))
    spend = sum((unit.cost for unit in units), Decimal(0))
    points: list[ShelfPoint] = []
    for place, earned in enumerate(sums):
        ordered = sorted(one[place] for one in drawn)
        reached = sum((unit.cost for unit in units if unit.age > place), Decimal(0))
        points.append(ShelfPoint((place + 1) * step, earned, _part(ordered, _LOW), _part(ordered, _HIGH), reached))
    total, rests = (sums[-1] if sums else 0.0), sorted(rests)
    return ShelfCurve(
        key,
        sum(unit.is_lead for unit in units),
        spend,
        sum((amount for unit in units for amount in unit.margin.values()), Decimal(0)),
        _rest(units, grown),
        _part(rests, _LOW),
        _part(rests, _HIGH),
        tuple(points),
        _reaches(points, total / 2) if total > 0 else None,
        _reaches(points, total * 0.9) if total > 0 else None,
        _reaches(points, 1.0),
    )


def _growth(units: Sequence[_Unit], weight: Callable[[int], float], *, steps: int | None = None) -> list[float]:
    """Return how much margin a unit of spend earns in each step, of the spend that has lasted through the step."""
    if steps is None:
        # The curve ends at the age that enough of them have reached; beyond it, single sales would look like a trend.
        ages = sorted((unit.age for unit in units), reverse=True)
        steps = ages[min(FEW_AT_RISK, len(ages)) - 1] if ages else 0
    earned, spent = [0.0] * steps, [0.0] * (steps + 1)
    for place, unit in enumerate(units):
        times = weight(place)
        if times:
            spent[min(unit.age, steps)] += times * float(unit.cost)
            for at, amount in unit.margin.items():
                if at < min(unit.age, steps):
                    earned[at] += times * float(amount)
    grown: list[float] = [0.0] * steps
    lasting = 0.0
    for place in range(steps - 1, -1, -1):
        lasting += spent[place + 1]
        grown[place] = earned[place] / lasting if lasting else 0.0
    return grown


def _sums(grown: Sequence[float]) -> list[float]:
    sums, total = [], 0.0
    for one in grown:
        total += one
        sums.append(total)
    return sums


def _rest(units: Sequence[_Unit], grown: Sequence[float]) -> float:
    """Return what all units have still to earn, from their age on."""
    ahead = [*reversed(_sums(list(reversed(grown)))), 0.0]
    return sum(float(unit.cost) * ahead[min(unit.age, len(grown))] for unit in units)


def _part(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def _reaches(points: Sequence[ShelfPoint], earned: float) -> int | None:
    return next((point.days for point in points if point.earned >= earned - 1e-12), None)


def _thin(curves: Iterable[ShelfCurve]) -> Iterable[Caution]:
    for one in curves:
        if one.leads < FEWEST:
            label = "all spend" if one.key is None else repr(one.key)
            message = f"the curve of {label} rests on {one.leads} leads, fewer than {FEWEST}: read the intervals"
            yield Caution("thin_curve", message, {"group": one.key, "leads": one.leads})
