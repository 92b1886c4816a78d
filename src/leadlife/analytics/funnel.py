"""The honest funnel: leads, not log rows, from first entry to first won, as of an instant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from leadlife.analytics.cautions import Caution, cautions, small_group, winners_only
from leadlife.analytics.incidence import Incidence, Risk, quantile, wilson
from leadlife.analytics.lead_outcomes import LeadOutcome, lead_outcomes
from leadlife.errors import UnknownName, did_you_mean
from leadlife.journey import Journey
from leadlife.lifecycle.stages import StageType
from leadlife.playbook.playbook import Playbook
from leadlife.timing import instant

HORIZONS = (30, 90, 180, 365)
SOURCE, LEAD_TYPE = "source", "lead_type"
OWN = (SOURCE, LEAD_TYPE, f"cycle.{SOURCE}", f"cycle.{LEAD_TYPE}")
"""What a funnel may be grouped by beside fields; the longer spelling is for when a field has the shorter name."""


class DaysToWon(NamedTuple):
    """Whole calendar days from entry to won: quartiles of those who got there, and of everybody the half."""

    q25: float | None
    q50: float | None
    q75: float | None
    half_by: int | None
    """The first day by which half of all leads are won; None if the incidence never reaches one half."""


class FunnelGroup(NamedTuple):
    """The figures of some leads.

    Attributes:
        key: What they have in common; None where that is blank.
        leads: How many distinct leads entered.
        cycles: How many buying episodes they had.
        reached: How many ever stood in each stage.
        won: How many were won at least once.
        rate: won / leads so far; None where the data cannot bear it.
        low: The lower end of its 95 % Wilson interval.
        high: The upper end.
        rate_by_horizon: The Aalen-Johansen incidence of won by so many days after entry.
        days_to_won: How long it takes.
    """

    key: str | None
    leads: int
    cycles: int
    reached: dict[str, int]
    won: int
    rate: float | None
    low: float | None
    high: float | None
    rate_by_horizon: tuple[Risk, ...]
    days_to_won: DaysToWon

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values, ready for JSON."""
        return {
            **self._asdict(),
            "rate_by_horizon": [risk._asdict() for risk in self.rate_by_horizon],
            "days_to_won": self.days_to_won._asdict(),
        }


class Funnel(NamedTuple):
    """A funnel as of an instant, over all leads and by group, with what to mind when reading it."""

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
        """Return one flat row a group, the total last, ready for a data frame."""
        flat: list[dict[str, Any]] = []
        for name, group in [*((group.key, group) for group in self.groups), ("total", self.total)]:
            row: dict[str, Any] = {"group": name, "leads": group.leads, "cycles": group.cycles}
            row |= {f"reached_{stage}": number for stage, number in group.reached.items()}
            row |= {"won": group.won, "rate": group.rate, "low": group.low, "high": group.high}
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
    """Return the funnel of some leads as of an instant.

    A lead counts once, from its first entry to its first win. Lost or disqualified ends it unless it has left that
    stage again; recycled leads stay at risk; everybody else is censored at ``as_of``.

    Args:
        journeys: The leads.
        playbook: Whose stages are counted.
        as_of: The end of observation.
        by: A field of the lead; or of the first cycle ``source`` or ``lead_type`` (``cycle.source`` and
            ``cycle.lead_type`` where a field has that name); or nothing.
        attributes: The fields that are examined for being filled in on winners only; by default all.

    Raises:
        UnknownName: There is nothing to group by of that name.
    """
    until = instant(as_of)
    names = tuple(playbook.fields) if attributes is None else tuple(attributes)
    if by is not None and by not in (*playbook.fields, *OWN):
        known = [*playbook.fields, *OWN]
        raise UnknownName(f"there is nothing called {by!r} to group by", hint=did_you_mean(by, known))
    rows = list(lead_outcomes(journeys, until))
    stages = [stage.id for stage in playbook.lifecycle.stages if stage.type is not StageType.GATE]
    warned = [*cautions(rows, as_of=until, zone=playbook.zone), *winners_only(rows, names)]
    hidden = any(one.code == "winners_only" and one.figures["attribute"] == by for one in warned)
    groups: list[FunnelGroup] = []
    total = _group(None, rows, stages, hidden=False)
    if by is None and rows:
        warned += small_group("total", total.leads, total.won)
    if by is not None:
        parts: dict[str | None, list[LeadOutcome]] = {}
        for row in rows:
            parts.setdefault(_key(row, by, playbook), []).append(row)
        groups = [_group(key, part, stages, hidden=hidden) for key, part in parts.items()]
        groups.sort(key=lambda group: (-group.leads, group.key is None, group.key or ""))
        for group in groups:
            warned += small_group(group.key, group.leads, group.won)
    return Funnel(until, by, total, tuple(groups), tuple(warned))


def _key(row: LeadOutcome, by: str, playbook: Playbook) -> str | None:
    if by in playbook.fields:
        value = row.fields.get(by)
        return None if value is None else str(value)
    return row.channel if by.endswith(SOURCE) else row.lead_type


def _group(key: str | None, rows: Sequence[LeadOutcome], stages: Sequence[str], *, hidden: bool) -> FunnelGroup:
    won = sorted(row.days for row in rows if row.won)
    lost = [row.days for row in rows if row.ended is not None and not row.won]
    incidence = Incidence(won=won, lost=lost, open_=[row.days for row in rows if row.ended is None])
    low, high = wilson(len(won), len(rows))
    bears = bool(rows) and not hidden
    risks = tuple(incidence.by(days) for days in HORIZONS)
    return FunnelGroup(
        key=key,
        leads=len(rows),
        cycles=sum(row.cycles for row in rows),
        reached={stage: sum(stage in row.reached for row in rows) for stage in stages},
        won=len(won),
        rate=len(won) / len(rows) if bears else None,
        low=low if bears else None,
        high=high if bears else None,
        rate_by_horizon=tuple(risk._replace(rate=None) for risk in risks) if hidden else risks,
        days_to_won=DaysToWon(
            quantile(won, 0.25),
            quantile(won, 0.5),
            quantile(won, 0.75),
            None if hidden else incidence.first_reaching(0.5),
        ),
    )


def _table(told: Funnel) -> str:
    head = [told.by or "", "leads", "won", "rate", "95 %", *(f"{days} d" for days in HORIZONS), "q25", "q50", "q75"]
    body = [_cells("(blank)" if group.key is None else group.key, group) for group in told.groups]
    rows = [head, *body, _cells("total", told.total)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(head))]
    lines = [
        "  ".join(_set(cell, width, first=n == 0) for n, (cell, width) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]
    rule = "-" * len(lines[0])
    return "\n".join([lines[0], rule, *lines[1:-1], *([rule] if body else []), lines[-1]])


def _set(cell: str, width: int, *, first: bool) -> str:
    return cell.ljust(width) if first else cell.rjust(width)


def _cells(name: str, group: FunnelGroup) -> list[str]:
    def percent(share: float | None) -> str:
        return "-" if share is None else f"{100 * share:.1f} %"

    between = "-" if group.low is None or group.high is None else f"{100 * group.low:.1f}-{100 * group.high:.1f}"
    quartiles = (group.days_to_won.q25, group.days_to_won.q50, group.days_to_won.q75)
    return [
        "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in name),
        str(group.leads),
        str(group.won),
        percent(group.rate),
        between,
        *(percent(risk.rate) for risk in group.rate_by_horizon),
        *("-" if days is None else f"{days:g}" for days in quartiles),
    ]
