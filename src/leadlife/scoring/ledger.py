"""The values that a score is made of: its lines, its scale, and what may be added to it on request."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from leadlife._base.model import Instant
from leadlife.leads import Activity
from leadlife.scoring.units import MICRO


class Scale(StrEnum):
    """What the value of a score means."""

    POINTS = "points"
    PROBABILITY = "probability"


class Answer(StrEnum):
    """Whether a policy gave a score."""

    SCORED = "scored"
    EXCLUDED = "excluded"
    """A rule of the policy excludes the lead."""
    UNANSWERED = "unanswered"
    """The policy has no score for this lead."""


class LineKind(StrEnum):
    """Where a line of a ledger comes from."""

    START = "start"
    ACTIVITY = "activity"
    FIELD = "field"
    UNKNOWN = "unknown"
    """A criterion that is unknown; the line adds 0."""
    CAP = "cap"
    """What a cap takes away or a floor adds."""
    GATE = "gate"
    MANUAL = "manual"
    """The difference between a value that a person set and the automatic value."""
    NOTE = "note"


class Contribution(NamedTuple):
    """One line of a ledger.

    Attributes:
        rule: The name of the rule, group or policy that the line comes from.
        kind: Where the line comes from.
        micropoints: What the line adds, in millionths of a point (or of a log-odds).
        reason: Why, in words.
        activity: The id of the activity that the line rests on, if it has one.
        at: The instant of that activity.
        factor: The share that is left after ageing, from 0 to 1.
    """

    rule: str
    kind: LineKind
    micropoints: int
    reason: str
    activity: str | None = None
    at: Instant | None = None
    factor: float = 1.0

    @property
    def points(self) -> float:
        """What the line adds, in points."""
        return self.micropoints / MICRO


class Trend(NamedTuple):
    """The change of a score since an earlier instant, in micropoints."""

    since: Instant
    micropoints: int


class Lift(NamedTuple):
    """One more activity that would raise the band: the activity, and the band after it."""

    activity: Activity
    band: str
