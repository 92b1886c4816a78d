"""The funnel: distinct leads, from first entry to first win, as of an instant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from leadlife._base.text_tables import percent, shown, text_table
from leadlife.analytics.cautions import FEWEST, Caution, small_group, thin_horizon
from leadlife.analytics.grouped import GroupedLeads
from leadlife.analytics.incidence import Incidence, Risk, quantile, wilson
from leadlife.analytics.lead_outcomes import LeadOutcome
from leadlife.journey import Journey
from leadlife.lifecycle.stages import StageType
from leadlife.playbook.playbook import Playbook
from leadlife.timing import instant

HORIZONS = (30, 90, 180, 365)


class DaysToWon(NamedTuple):
    """Whole calendar days from entry to the first win: the quartiles over won leads, and the median over all leads."""

    q25: float | None
    q50: float | None
    q75: float | None
    half_by: int | None
    """The first day by which half of all leads are won; None if the incidence does not reach one half."""


class FunnelGroup(NamedTuple):
    """The figures of a group of leads.

    Attributes:
        key: The value that the group has in common; None for a blank.
        leads: The number of distinct leads that entered.
        cycles: The number of their cycles.
        reached: For each stage, the number of leads that were ever in it. A lead that automatic moves led in and out
            at one instant was not; one that an import dates so was.
        won_standing: The number of leads with a win that stands; those who churned later are among them. The printed
            table shows this number, and every rate and duration is about it.
        won_ever: The number of leads that were ever won; those whose win was reopened later are among them.
        rate: won_standing / leads so far; None if the data do not support a rate.
        low: The lower end of the 95 % Wilson interval of the rate.
        high: The upper end of that interval.
        rate_by_horizon: The Aalen-Johansen incidence of the first win by 30, 90, 180 and 365 days after entry.
        days_to_won: The days from entry to the first win.
    """

    key: str | None
    leads: int
    cycles: int
    reached: dict[str, int]
    won_standing: int
    won_ever: int
    rate: float | None
    low: float | None
    high: float | None
    rate_by_horizon: tuple[Risk, ...]
    days_to_won: DaysToWon

    @property
    def won(self) -> int:
        """The number of leads with a win that stands, which the printed table shows."""
        return self.won_standing

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values, ready for JSON."""
        return {
            **self._asdict(),
            "rate_by_horizon": [risk._asdict() for risk in self.rate_by_horizon],
            "days_to_won": self.days_to_won._asdict(),
        }


class Funnel(NamedTuple):
    """A funnel as of an instant, over all leads and by group, with cautions."""

    as_of: datetime
    by: str | None
    total: FunnelGroup
    groups: tuple[FunnelGroup, ...]
    warnings: tuple[Caution, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the funnel as plain values, ready for JSON."""
        return {
            "as_of": self.as_of.isoformat(),
            "by": self.by,
            "total": self.total.to_dict(),
            "groups": [group.to_dict() for group in self.groups],
            "warnings": [caution.to_dict() for caution in self.warnings],
        }

    def rows(self) -> list[dict[str, Any]]:
        """Return one flat row for each group, with the total last, ready for a data frame."""
        flat: list[dict[str, Any]] = []
        for name, group in [*((group.key, group) for group in self.groups), ("total", self.total)]:
            row: dict[str, Any] = {"group": name, "leads": group.leads, "cycles": group.cycles}
            row |= {f"reached_{stage}": number for stage, number in group.reached.items()}
            row |= {"won_standing": group.won_standing, "won_ever": group.won_ever}
            row |= {"rate": group.rate, "low": group.low, "high": group.high}
            row |= {f"rate_{risk.days}": risk.rate for risk in group.rate_by_horizon}
            flat.append(row | group.days_to_won._asdict())
        return flat

    def __str__(self) -> str:
        return _table(self)


def funnel(
    journeys: Iterable[Journey],
    playbook: Playbook,
    *,
    as_of: datetime,
    by: str | None = None,
    attributes: Sequence[str] | None = None,
) -> Funnel:
    """Return the funnel of leads as of an instant.

    A lead counts once, however many journeys it has, from its first entry to its first win that stands. It ends when it
    is lost or disqualified, unless it has left that stage again. Recycled leads stay at risk. All other leads are
    censored at ``as_of``. Only facts that stand are read, and former names of stages count with the present ones.

    Args:
        journeys: The leads.
        playbook: The playbook with the stages to count.
        as_of: The end of observation.
        by: A field of the lead, or ``source`` or ``lead_type`` of its first cycle, or the ``pipeline`` of its journeys
            (``cycle.source``, ``cycle.lead_type`` and ``journey.pipeline`` if the playbook has fields of these names);
            None for no groups. A lead with journeys in two pipelines counts in both groups, and once in the total.
        attributes: The fields to examine for values on won leads only; by default all.

    Raises:
        UnknownName: ``by`` is neither a field nor one of these names.
    """
    until = instant(as_of)
    found = GroupedLeads.of(journeys, playbook, as_of=until, by=by, attributes=attributes)
    stages = [stage.id for stage in playbook.lifecycle.stages if stage.type is not StageType.GATE]
    warnings = list(found.warnings)
    total = _group(None, found.rows, stages, hidden=False)
    if by is None and found.rows:
        warnings += small_group("total", total.leads, total.won_standing)
    if len(found.rows) >= FEWEST:
        warnings += thin_horizon("total", total.rate_by_horizon)
    groups = [_group(key, part, stages, hidden=found.hides_rates) for key, part in found.groups.items()]
    groups.sort(key=lambda group: (-group.leads, group.key is None, group.key or ""))
    for group in groups:
        warnings += small_group(group.key, group.leads, group.won_standing)
        if group.leads >= FEWEST:
            warnings += thin_horizon(group.key, group.rate_by_horizon)
    return Funnel(until, by, total, tuple(groups), tuple(warnings))


def _group(key: str | None, rows: Sequence[LeadOutcome], stages: Sequence[str], *, hidden: bool) -> FunnelGroup:
    won = sorted(row.days for row in rows if row.won)
    lost = [row.days for row in rows if row.ended is not None and not row.won]
    incidence = Incidence(won=won, lost=lost, open_=[row.days for row in rows if row.ended is None])
    low, high = wilson(len(won), len(rows))
    is_known = bool(rows) and not hidden
    risks = tuple(incidence.by(days) for days in HORIZONS)
    return FunnelGroup(
        key=key,
        leads=len(rows),
        cycles=sum(row.cycles for row in rows),
        reached={stage: sum(stage in row.reached for row in rows) for stage in stages},
        won_standing=len(won),
        won_ever=sum(row.won_ever for row in rows),
        rate=len(won) / len(rows) if is_known else None,
        low=low if is_known else None,
        high=high if is_known else None,
        rate_by_horizon=tuple(risk._replace(rate=None) for risk in risks) if hidden else risks,
        days_to_won=DaysToWon(
            quantile(won, 0.25),
            quantile(won, 0.5),
            quantile(won, 0.75),
            None if hidden else incidence.first_reaching(0.5),
        ),
    )


def _table(figures: Funnel) -> str:
    head = [figures.by or "", "leads", "won", "rate", "95 %", *(f"{days} d" for days in HORIZONS), "q25", "q50", "q75"]
    body = [_cells(group.key, group) for group in figures.groups]
    rows = [head, *body, _cells("total", figures.total)]
    return text_table(rows, total=True)


def _cells(name: str | None, group: FunnelGroup) -> list[str]:
    between = "-" if group.low is None or group.high is None else f"{100 * group.low:.1f}-{100 * group.high:.1f}"
    quartiles = (group.days_to_won.q25, group.days_to_won.q50, group.days_to_won.q75)
    return [
        shown(name),
        str(group.leads),
        str(group.won_standing),
        percent(group.rate),
        between,
        *(percent(risk.rate) for risk in group.rate_by_horizon),
        *("-" if days is None else f"{days:g}" for days in quartiles),
    ]
