"""Stays in stages: how long leads stay, and where they go next, from histories of which some are still running.

The next stages are competing risks. A stay that lasts is censored, so a stage that is slow does not look like one that
is never left. What the stays cannot tell, because the longest of them still last, is reported as unresolved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from leadlife._base.arguments import listed_of
from leadlife.analytics.grouped import each_once
from leadlife.analytics.survival import CompetingRisks
from leadlife.economics.semi_markov import WON, SemiMarkov
from leadlife.errors import Malformed
from leadlife.journey import Journey
from leadlife.journey.history import Visit
from leadlife.lifecycle.stages import StageStatus
from leadlife.timing import instant

_DAY = timedelta(days=1)
UNRESOLVED = "unresolved"


class Stay(NamedTuple):
    """One stay of a lead in a stage.

    Attributes:
        stage: The stage.
        days: How long it lasted, or has lasted.
        following: The next stage; ``won`` for any won stage; None while it lasts.
    """

    stage: str
    days: float
    following: str | None


class LeadStays(NamedTuple):
    """The stays of one lead.

    Attributes:
        lead: The lead.
        pipeline: Its pipeline.
        lead_type: The type of its latest cycle; None where it is not known.
        stays: Its stays, oldest first; the last one lasts.
    """

    lead: str
    pipeline: str
    lead_type: str | None
    stays: tuple[Stay, ...]

    @property
    def present(self) -> Stay:
        """The stay that lasts."""
        return self.stays[-1]


def stays_of(journeys: Iterable[Journey], *, as_of: datetime) -> list[LeadStays]:
    """Return the stays of the leads that had entered by an instant, sorted by lead.

    Raises:
        Malformed: An argument cannot be understood.
    """
    until = instant(as_of)
    found: list[LeadStays] = []
    for journey in each_once(listed_of("journeys", journeys, Journey)):
        then = journey.as_of(at=until)
        visits = [visit for visit in then.visits if not visit.passed]
        if not visits:
            continue
        stays = [
            Stay(_state(visit.stage), visit.time(until) / _DAY, None if after is None else _next(after))
            for visit, after in zip(visits, [*visits[1:], None], strict=True)
        ]
        source = then.cycles[-1].source if then.cycles else then.source
        lead_type = None if source is None or source.lead_type is None else source.lead_type.value
        found.append(LeadStays(then.lead_id, then.pipeline, lead_type, tuple(stays)))
    return sorted(found, key=lambda one: (one.lead, one.pipeline))


def _next(visit: Visit) -> str:
    """Return what a stay leads to: any won stage is a win."""
    return WON if visit.status is StageStatus.WON else _state(visit.stage)


def _state(stage: str) -> str:
    """Return the name of a stage that is not an end of the model, whatever the playbook calls it."""
    return f"in {stage}" if stage in (WON, UNRESOLVED) else stage


class StageStays(NamedTuple):
    """What the stays in one stage show.

    Attributes:
        stage: The stage.
        stays: How many there are.
        running: How many of them last.
        moves: For each next stage, the chance that it comes next, as far as the longest stays show.
        unresolved: The share of which the longest stays do not show what comes next.
        mean_days: The mean stay, cut off at the longest one.
        longest_days: The longest stay.
    """

    stage: str
    stays: int
    running: int
    moves: Mapping[str, float]
    unresolved: float
    mean_days: float
    longest_days: float


class StageModel(NamedTuple):
    """What stays show of all stages.

    Attributes:
        stages: For each stage, in order of its name.
        risks: For each stage, the competing risks behind it.
    """

    stages: tuple[StageStays, ...]
    risks: Mapping[str, CompetingRisks]

    @classmethod
    def of(cls, leads: Iterable[LeadStays]) -> StageModel:
        """Return the model of some stays."""
        times: dict[str, list[tuple[float, str | None]]] = {}
        for lead in leads:
            for stay in lead.stays:
                times.setdefault(stay.stage, []).append((stay.days, stay.following))
        risks = {stage: CompetingRisks(times[stage]) for stage in sorted(times)}
        return cls(tuple(_stage(stage, times[stage], own) for stage, own in risks.items()), risks)

    def semi_markov(self) -> SemiMarkov:
        """Return the chain of these stages; what is unresolved ends it, and so does a stage that nobody has left.

        Raises:
            Malformed: There are no stays.
        """
        left = [one for one in self.stages if one.moves]
        if not left:
            raise Malformed("nobody has left a stage yet, so nothing can be expected of one", hint="wait for a move")
        moves = {
            one.stage: {**one.moves, UNRESOLVED: one.unresolved} if one.unresolved > 0 else dict(one.moves)
            for one in left
        }
        for one in left:
            if not _ends(one.stage, moves):
                # Leads have only gone round in a circle so far, and one of so many may leave it.
                moves[one.stage][UNRESOLVED] = 1 / (one.stays + 1)
        return SemiMarkov.of(moves, {one.stage: one.mean_days for one in left}, normalize=True)


def _ends(stage: str, moves: Mapping[str, Mapping[str, float]]) -> bool:
    """Return whether anything that ends the chain can be reached from a stage."""
    seen, waiting = {stage}, [stage]
    while waiting:
        for following in moves[waiting.pop()]:
            if following not in moves:
                return True
            if following not in seen:
                seen.add(following)
                waiting.append(following)
    return False


def _stage(stage: str, times: Sequence[tuple[float, str | None]], risks: CompetingRisks) -> StageStays:
    last = risks.last or 0.0
    return StageStays(
        stage,
        len(times),
        sum(following is None for _, following in times),
        {cause: risks.incidence(cause, by=last) for cause in risks.causes},
        risks.unresolved,
        risks.restricted_mean(until=last),
        last,
    )


def stage_model(journeys: Iterable[Journey], *, as_of: datetime) -> StageModel:
    """Return how long leads stay in each stage and where they go next, as of an instant.

    Args:
        journeys: The leads.
        as_of: The end of observation.

    Raises:
        Malformed: An argument cannot be understood.
    """
    return StageModel.of(stays_of(journeys, as_of=as_of))
