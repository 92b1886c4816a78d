"""What is held of a rule, and what became of it: slotted records that the fold carries along."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from leadlife.criteria import Verdict
from leadlife.facts import PlaybookRef

NOT_SO = "not so any more"
LEFT = "left"
LAPSED = "lapsed"
STARTS_AFRESH = "starts afresh"
UNDECLARED = "not declared any more"


class Latch(NamedTuple):
    """Whether a rule holds, since when, on what, and when to look at it again.

    Attributes:
        held: Whether it holds.
        since: Since when; None while it does not hold.
        ordinal: How many facts had been folded when it was granted.
        expires: When it lapses.
        by: Who granted it; None for the rule itself.
        fact: The fact at which it was granted; None where time alone did it.
        evidence: Ids of the facts that the answer rested on.
        verdict: The answer that granted it.
        playbook: The agreement under which it was granted.
        touched: The ordinal of the latest fact that could confirm it.
        barred: Facts up to this ordinal grant it no more: it lapsed, or was withdrawn by hand.
        steady: Until when time alone surely changes nothing of its criteria; None for ever.
        exact: When a window, an age or a step changes at an exact instant.
        fading: From when a half-life may change what they answer; the review grid looks after it.
        failed: Why it could not be judged when last looked at.
    """

    held: bool = False
    since: datetime | None = None
    ordinal: int = 0
    expires: datetime | None = None
    by: str | None = None
    fact: str | None = None
    evidence: tuple[str, ...] = ()
    verdict: Verdict | None = None
    playbook: PlaybookRef | None = None
    touched: int = 0
    barred: int = 0
    steady: datetime | None = None
    exact: datetime | None = None
    fading: datetime | None = None
    failed: str | None = None

    def released(self, *, barred: int) -> Latch:
        """Return what is left of it when it holds no more."""
        return Latch(
            touched=self.touched,
            barred=max(barred, self.barred),
            failed=self.failed,
        )


NEVER_HELD = Latch()


class Nearness(NamedTuple):
    """How close to buying the lead behaves, since when, and the fact behind it."""

    segment: str
    since: datetime
    fact: str | None
    ordinal: int


class Alarm(NamedTuple):
    """When time alone may change what a rule says, its turn among those of one instant, and what it is about."""

    at: datetime
    turn: int
    why: str


EXACT, LIMIT, GRID = 0, 1, 2
"""At one instant, expiries come first, then limits, then the review grid."""


class Turn(NamedTuple):
    """A qualification granted or withdrawn, readiness changed, a rule that failed: a link beside the steps.

    Attributes:
        at: When.
        sort: granted, withdrawn, readiness, failed or unsettled.
        name: The qualification, the segment of readiness, or the rule.
        reason: Why, in words.
        criterion: What was true, in words.
        expires: When it lapses.
        evidence: Ids of the facts that the answer rested on.
        fact: The observed fact behind it; None where time alone did it.
        by: Who.
        derived: Whether it is the playbook's own conclusion.
        playbook: The agreement in force.
        steps: How many steps the chain had then.
        marks: How many facts and timers had been refused then.
    """

    at: datetime
    sort: str
    name: str
    reason: str | None
    criterion: str | None
    expires: datetime | None
    evidence: tuple[str, ...]
    fact: str | None
    by: str
    derived: bool
    playbook: PlaybookRef
    steps: int
    marks: int
