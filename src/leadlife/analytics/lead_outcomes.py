"""The rows behind a funnel: one for each lead, from first entry to first win, as of an instant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from leadlife.analytics.stage_names import StageNames
from leadlife.criteria import Scalar
from leadlife.facts import Sold
from leadlife.journey import Journey, Visit
from leadlife.lifecycle.stages import StageStatus
from leadlife.lifecycle.transitions import TransitionKind
from leadlife.timing import whole_days, zone_named


class LeadOutcome(NamedTuple):
    """The outcome of a lead as of an instant.

    Attributes:
        lead: The lead's id.
        pipelines: The pipelines of its journeys.
        fields: The known fields.
        channel: The channel of the first cycle.
        lead_type: The lead type of the first cycle.
        entered: The instant of first entry.
        ended: won, lost or disqualified; None while the lead is open or recycled.
        ended_at: The instant of that end.
        days: The whole calendar days from entry to the end, or to the end of observation.
        cycles: The number of cycles.
        reached: Every stage in which the lead ever was, under its latest name; not those that it only passed through.
        won_ever: Whether it was ever in a won stage, even if that win was reopened later.
        sold_at: The instant of the first sale.
        before_entry: For each fact that the source dates before entry, the whole days before entry.
    """

    lead: str
    pipelines: tuple[str, ...]
    fields: dict[str, Scalar]
    channel: str | None
    lead_type: str | None
    entered: datetime
    ended: StageStatus | None
    ended_at: datetime | None
    days: int
    cycles: int
    reached: frozenset[str]
    won_ever: bool
    sold_at: datetime | None
    before_entry: tuple[int, ...]

    @property
    def won(self) -> bool:
        """Whether a win stands. A customer who churned was won; a win that was reopened does not stand."""
        return self.ended is StageStatus.WON


def lead_outcomes(journeys: Iterable[Journey], as_of: datetime, names: StageNames) -> Iterator[LeadOutcome]:
    """Yield the outcome of each journey whose lead had entered by an instant."""
    for journey in journeys:
        then = journey.as_of(at=as_of)
        visits = then.visits
        if not visits:
            continue
        entered = visits[0].entered
        ended, ended_at = _end(then, visits)
        source = then.cycles[0].source if then.cycles else then.source
        facts, zone = then.standing, then.playbook.zone_info
        yield LeadOutcome(
            lead=then.lead_id,
            pipelines=(then.pipeline,),
            fields=then.fields,
            channel=None if source is None else source.channel,
            lead_type=None if source is None or source.lead_type is None else source.lead_type.value,
            entered=entered,
            ended=ended,
            ended_at=ended_at,
            days=whole_days(entered, ended_at or as_of, zone),
            cycles=len(then.cycles),
            reached=frozenset(names.latest(visit.stage) for visit in visits if not visit.passed),
            won_ever=ended is StageStatus.WON or any(visit.status is StageStatus.WON for visit in visits),
            sold_at=min((fact.at for fact in facts if isinstance(fact, Sold)), default=None),
            before_entry=tuple(whole_days(fact.dated, entered, zone) for fact in facts if fact.dated is not None),
        )


def by_lead(rows: Iterable[LeadOutcome], as_of: datetime, zone: str) -> list[LeadOutcome]:
    """Return one outcome for each lead; the journeys of one lead in several pipelines are taken together."""
    grouped: dict[str, list[LeadOutcome]] = {}
    for row in rows:
        grouped.setdefault(row.lead, []).append(row)
    return [rows[0] if len(rows) == 1 else _together(rows, as_of, zone) for rows in grouped.values()]


def _together(rows: list[LeadOutcome], as_of: datetime, zone: str) -> LeadOutcome:
    """Return the outcome of one lead from its journeys: it entered with the first, and a win in any is a win."""
    rows = sorted(rows, key=lambda row: (row.entered, row.pipelines))
    wins = [row for row in rows if row.won]
    # Without a win, the lead has ended when all of its journeys have, with the last of them.
    ends = wins or (rows if all(row.ended is not None for row in rows) else [])
    pick = min if wins else max
    end = pick(ends, key=lambda row: row.ended_at or as_of, default=None)
    sales = [row.sold_at for row in rows if row.sold_at is not None]
    entered, ended_at = rows[0].entered, None if end is None else end.ended_at
    return rows[0]._replace(
        pipelines=tuple(pipeline for row in rows for pipeline in row.pipelines),
        fields={name: value for row in rows for name, value in row.fields.items()},
        ended=None if end is None else end.ended,
        ended_at=ended_at,
        days=whole_days(entered, ended_at or as_of, zone_named(zone)),
        cycles=sum(row.cycles for row in rows),
        reached=frozenset[str]().union(*(row.reached for row in rows)),
        won_ever=any(row.won_ever for row in rows),
        sold_at=min(sales, default=None),
        before_entry=tuple(days for row in rows for days in row.before_entry),
    )


def _end(journey: Journey, visits: Sequence[Visit]) -> tuple[StageStatus | None, datetime | None]:
    """Return the end of a lead and its instant: the first win, else the lost or disqualified stage it is in."""
    wins = [cycle.ended for cycle in journey.cycles if cycle.outcome is StageStatus.WON and cycle.ended is not None]
    wins += wins_outside_cycles(visits)
    if wins:
        return StageStatus.WON, min(wins)
    status = journey.status
    if status in (StageStatus.LOST, StageStatus.DISQUALIFIED):
        return status, visits[-1].entered
    return None, None


def wins_outside_cycles(visits: Sequence[Visit]) -> Iterator[datetime]:
    """Yield wins directly from a recycled or churned stage, which belong to no cycle, except those reopened later."""
    # The kind of the next visit is how this one was left; the last visit has not been left.
    after = (*(visit.kind for visit in visits[1:]), "")
    for visit, left_by in zip(visits, after, strict=False):
        if visit.cycle is None and left_by != TransitionKind.REOPEN and visit.status is StageStatus.WON:
            yield visit.entered
