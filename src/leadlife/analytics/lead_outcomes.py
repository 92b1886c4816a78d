"""The rows behind a funnel: one for each lead, from first entry to first win, as of an instant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from leadlife.criteria import Scalar
from leadlife.facts import Sold
from leadlife.journey import Journey, Visit
from leadlife.lifecycle.stages import StageStatus
from leadlife.lifecycle.transitions import TransitionKind
from leadlife.timing import whole_days


class LeadOutcome(NamedTuple):
    """The outcome of a lead as of an instant.

    Attributes:
        fields: The known fields.
        channel: The channel of the first cycle.
        lead_type: The lead type of the first cycle.
        entered: The instant of first entry.
        ended: won, lost or disqualified; None while the lead is open or recycled.
        ended_at: The instant of that end.
        days: The whole calendar days from entry to the end, or to the end of observation.
        cycles: The number of cycles.
        reached: Every stage in which the lead ever was.
        sold_at: The instant of the first sale.
        before_entry: For each fact that the source dates before entry, the whole days before entry.
    """

    fields: dict[str, Scalar]
    channel: str | None
    lead_type: str | None
    entered: datetime
    ended: StageStatus | None
    ended_at: datetime | None
    days: int
    cycles: int
    reached: frozenset[str]
    sold_at: datetime | None
    before_entry: tuple[int, ...]

    @property
    def won(self) -> bool:
        """Whether it was ever won."""
        return self.ended is StageStatus.WON


def lead_outcomes(journeys: Iterable[Journey], as_of: datetime) -> Iterator[LeadOutcome]:
    """Yield the outcome of each lead that had entered by an instant."""
    for journey in journeys:
        then = journey.as_of(at=as_of)
        visits = then.visits
        if not visits:
            continue
        entered = visits[0].entered
        ended, ended_at = _end(then, visits)
        source = then.cycles[0].source if then.cycles else then.source
        facts, zone = then.facts, then.playbook.zone_info
        yield LeadOutcome(
            fields=then.fields,
            channel=None if source is None else source.channel,
            lead_type=None if source is None or source.lead_type is None else source.lead_type.value,
            entered=entered,
            ended=ended,
            ended_at=ended_at,
            days=whole_days(entered, ended_at or as_of, zone),
            cycles=len(then.cycles),
            reached=frozenset(visit.stage for visit in visits),
            sold_at=min((fact.at for fact in facts if isinstance(fact, Sold)), default=None),
            before_entry=tuple(whole_days(fact.dated, entered, zone) for fact in facts if fact.dated is not None),
        )


def _end(journey: Journey, visits: Sequence[Visit]) -> tuple[StageStatus | None, datetime | None]:
    """Return the end of a lead and its instant: the first win, else the lost or disqualified stage it is in."""
    wins = [cycle.ended for cycle in journey.cycles if cycle.outcome is StageStatus.WON and cycle.ended is not None]
    wins += _wins_outside_cycles(journey, visits)
    if wins:
        return StageStatus.WON, min(wins)
    status = journey.status
    if status in (StageStatus.LOST, StageStatus.DISQUALIFIED):
        return status, visits[-1].entered
    return None, None


def _wins_outside_cycles(journey: Journey, visits: Sequence[Visit]) -> Iterator[datetime]:
    """Yield wins directly from a recycled stage, which belong to no cycle, except those that were reopened."""
    stages = journey.playbook.lifecycle.by_id
    # The kind of the next visit is how this one was left; the last visit has not been left.
    after = (*(visit.kind for visit in visits[1:]), "")
    for visit, left_by in zip(visits, after, strict=True):
        if visit.cycle is None and left_by != TransitionKind.REOPEN:
            stage = stages.get(visit.stage)
            if stage is not None and stage.status is StageStatus.WON:
                yield visit.entered
