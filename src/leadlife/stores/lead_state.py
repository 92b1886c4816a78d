"""The current state of a lead: what lists and boards read without replaying anybody, and when time alone changes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from leadlife._base.model import LATEST
from leadlife.criteria import Readiness
from leadlife.errors import LeadlifeError
from leadlife.journey import Journey
from leadlife.lifecycle.stages import StageStatus
from leadlife.playbook.playbook import Playbook
from leadlife.stores.tables import LeadRow, from_micros, to_micros
from leadlife.timing import earliest, grid_from

_TICK = timedelta(microseconds=1)
MOST_LOOKS = 40
"""So many reviews are tried to find the one that changes something; then the lead is woken to look again."""


class BandedScore(NamedTuple):
    """A score with its band, as of the instant of the state."""

    value: float
    band: str | None


class LeadState(NamedTuple):
    """Where a lead stood when it was last saved or swept.

    Attributes:
        lead: Whose.
        pipeline: In which pipeline.
        version: How many observed facts there are; for optimistic concurrency.
        revision: How often the state was written; a sweep raises it as well, so it serves as an ETag.
        playbook: The id and the version of the playbook in force.
        stage: The present stage; None before the start.
        status: Its status.
        cycle: The number of the running cycle; None outside of cycles.
        owner: Who owns the lead.
        readiness: How close to buying it behaves.
        qualifications: What it holds.
        scores: The scores that have bands. A value fades on after ``as_of``; its band is right until ``wake_at``.
        recorded_at: When the latest observed fact became known.
        as_of: As of when all this was so.
        wake_at: When time alone changes something of this next: ``journey.due_at``, or a change of band. None if only a
            fact can.
        merged_into: The lead that it goes on as; None for most.
        erased_at: When its data were erased.
    """

    lead: str
    pipeline: str
    version: int
    revision: int
    playbook: tuple[str, str]
    stage: str | None
    status: StageStatus | None
    cycle: int | None
    owner: str | None
    readiness: Readiness | None
    qualifications: tuple[str, ...]
    scores: Mapping[str, BandedScore]
    recorded_at: datetime
    as_of: datetime
    wake_at: datetime | None
    merged_into: str | None
    erased_at: datetime | None

    @property
    def key(self) -> tuple[str, str]:
        """The lead and the pipeline, in whose order lists stand."""
        return self.lead, self.pipeline

    @classmethod
    def of(cls, row: LeadRow) -> LeadState:
        """Return what a row says."""
        return cls(
            lead=row.lead,
            pipeline=row.pipeline,
            version=row.version,
            revision=row.revision,
            playbook=(row.playbook, row.playbook_version),
            stage=row.stage,
            status=None if row.status is None else StageStatus(row.status),
            cycle=row.cycle,
            owner=row.owner,
            readiness=None if row.readiness is None else Readiness(row.readiness),
            qualifications=tuple(json.loads(row.qualifications)),
            scores={name: BandedScore(*one) for name, one in json.loads(row.scores).items()},
            recorded_at=from_micros(row.recorded_at),
            as_of=from_micros(row.as_of),
            wake_at=None if row.wake_at is None else from_micros(row.wake_at),
            merged_into=row.merged_into,
            erased_at=None if row.erased_at is None else from_micros(row.erased_at),
        )


def lead_row(journey: Journey, at: datetime) -> LeadRow:
    """Return the row of a journey that has at least one fact; what the store itself counts is left at 0.

    Args:
        journey: The journey.
        at: Its present.
    """
    playbook, cycle = journey.playbook, journey.cycle
    scores = scores_of(journey, at)
    wake = next_change(journey, at)
    return LeadRow(
        lead=journey.lead_id,
        pipeline=journey.pipeline,
        version=journey.version,
        revision=0,
        position=0,
        playbook=playbook.id,
        playbook_version=playbook.version,
        stage=journey.stage,
        status=journey.status,
        cycle=None if cycle is None else cycle.number,
        owner=journey.owner,
        readiness=journey.readiness,
        qualifications=json.dumps(sorted(journey.qualifications)),
        scores=json.dumps({name: list(one) for name, one in scores.items()}),
        recorded_at=0,
        as_of=to_micros(at),
        wake_at=None if wake is None else to_micros(wake),
        snapshot=0,
        merged_into=None,
        erased_at=None,
    )


def scores_of(journey: Journey, at: datetime) -> dict[str, BandedScore]:
    """Return the scores of a journey that have bands; one whose policy breaks is left out."""
    found: dict[str, BandedScore] = {}
    if journey.stage is None:
        return found
    for name in _banded(journey.playbook):
        # Code of the host that breaks must not keep a lead from being saved: that score is not listed.
        with suppress(LeadlifeError):
            score = journey.score(name, at=at)
            if score.answered:
                found[name] = BandedScore(score.value, score.band)
    return found


def _banded(playbook: Playbook) -> tuple[str, ...]:
    return tuple(name for name, policy in playbook.score_by_name.items() if policy.band_names())


def next_change(journey: Journey, at: datetime) -> datetime | None:
    """Return when time alone changes something of the lead's state next; None if only a fact can.

    Reviews at which nothing changes are passed over, so a score that fades within its band wakes nobody. After so many
    of them the search ends, and the instant is one at which to look again.
    """
    due = journey.due_at
    last = LATEST if due is None else due.at
    if journey.stage is not None:
        for name in _banded(journey.playbook):
            with suppress(LeadlifeError):
                last = _band_change(journey, name, at, last)
    return None if last >= LATEST else last


def _band_change(journey: Journey, name: str, at: datetime, last: datetime) -> datetime:
    """Return the first instant at which the band of a score is another, exact or on the review grid; at most ``last``.

    Args:
        journey: The journey.
        name: The policy.
        at: The present.
        last: When something else changes; from then on the score may be another anyway.
    """
    playbook, here = journey.playbook, at
    score = journey.score(name, at=at)
    band = score.band
    # A policy may announce changes for ever that change no band; so the search is bounded.
    for _ in range(MOST_LOOKS):
        fades = score.fades_from(None)
        if fades is not None:
            fades = grid_from(max(fades, here + _TICK), playbook.zone_info, playbook.review_days)
        change = earliest((score.changes_at, fades))
        if change is None or change >= last:
            return last
        here, score = change, journey.score(name, at=change)
        if score.band != band:
            return here
    return here
