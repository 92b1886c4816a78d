"""What the reference says of a lead at an instant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


class Step(NamedTuple):
    """The start, or a transition that was taken; the target of an internal move is None."""

    at: datetime
    trigger: str
    source: str | None
    target: str | None


class Change(NamedTuple):
    """A qualification that was granted (True) or withdrawn (False)."""

    at: datetime
    name: str
    granted: bool


@dataclass(frozen=True)
class Episode:
    """One cycle."""

    number: int
    opened: datetime
    outcome: str | None = None
    ended: datetime | None = None
    high_water: str | None = None


@dataclass(frozen=True)
class Reading:
    """Where a lead stands at an instant, and what led there.

    Attributes:
        at: The instant.
        stage: The present stage; None before the start.
        left: The stage before it.
        cycles: Every cycle.
        high_water: The furthest stage of the success path.
        held: Since when and until when each qualification is held.
        readiness: The segment; None where the playbook has no readiness.
        moves: The start and every transition.
        changes: Every grant and withdrawal.
        refused: The code of the first refusal of each refused fact, by its id.
        limits_refused: The instant, trigger and code of each limit that was refused.
        chased: Whether moves that follow one another once did not come to rest.
    """

    at: datetime
    stage: str | None
    left: str | None
    cycles: tuple[Episode, ...]
    high_water: str | None
    held: dict[str, tuple[datetime, datetime | None]]
    readiness: str | None
    moves: tuple[Step, ...]
    changes: tuple[Change, ...]
    refused: dict[str, str]
    limits_refused: tuple[tuple[datetime, str, str], ...]
    chased: bool
