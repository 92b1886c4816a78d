"""Plans as values: the touches of a lead that are to be sent, those that are not, and why."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from leadlife.errors import LeadlifeError
from leadlife.facts import TouchFailed, TouchSent, derive_id
from leadlife.leads import SYSTEM, Actor
from leadlife.planning.pressure import Deferral


class Why(StrEnum):
    """Why a touch is passed over, or why a programme sends nothing."""

    NOT_STARTED = "the journey has not begun"
    NO_PROGRAMME = "the lead takes part in no programme"
    UNSUBSCRIBED = "the lead withdrew its consent"
    NO_CONSENT = "the lead has not given its consent"
    WHEN = "its condition was not true when it was due"
    SENT_BEFORE = "the same content was sent before"
    CAP = "a cap was reached"
    FAILED = "it failed as often as it may be tried"
    TOO_LATE = "it was of use for a time that is over"
    NO_TIME = "the rules leave no time for it"
    HOLDOUT = "the lead is held out for comparison"
    ALL_SENT = "every touch was sent or passed over"
    GONE = "the touch that was sent last is no longer in the programme"
    ENDS_FIRST = "the lead leaves the programme before"


class PlannedTouch(NamedTuple):
    """A touch that is to be sent.

    Attributes:
        lead: To whom.
        pipeline: In which pipeline.
        programme: In which programme.
        touch: Which touch of it.
        channel: By which channel.
        content: What is shown.
        operational: Whether it is not marketing.
        attempt: Which attempt it is, from 1.
        priority: The programme's priority, less what fatigue takes off it.
        due: When its wait is over.
        at: When it is to be sent (UTC).
        zone: The lead's time zone.
        zone_assumed: Whether that is the playbook's, because the lead's own is blank or unknown.
        deferrals: What moved it from when it was due, or from the instant that was asked for, to ``at``.
        enrolled: When the lead entered the programme.
        number: Which sending it is, from 1: another one than before, if the fact of that was taken back.
    """

    lead: str
    pipeline: str
    programme: str
    touch: str
    channel: str
    content: str
    operational: bool
    attempt: int
    priority: int
    due: datetime
    at: datetime
    zone: ZoneInfo
    zone_assumed: bool
    deferrals: tuple[Deferral, ...]
    enrolled: datetime
    number: int = 1

    @property
    def key(self) -> str:
        """The name of the sending, which no other lead's has. Facts that say twice that it was sent share it."""
        owner = (self.lead, self.pipeline)
        return sending_key(owner, self.programme, self.touch, self.enrolled, self.attempt, number=self.number)

    @property
    def local(self) -> datetime:
        """When it is to be sent, by the lead's clock."""
        return self.at.astimezone(self.zone)

    @property
    def why(self) -> str:
        """Why it is sent, and why then."""
        words = [f"in {self.programme} since {self.enrolled:%Y-%m-%d}, due {self.due:%Y-%m-%d %H:%M} UTC"]
        if self.attempt > 1:
            words.append(f"attempt {self.attempt}")
        words += map(str, self.deferrals)
        if self.zone_assumed:
            words.append(f"the lead's time zone is unknown, so {self.zone.key} is taken")
        return "; ".join(words)

    def sent(self, *, at: datetime, by: Actor | str = SYSTEM) -> TouchSent:
        """Return the fact that it was sent; recording it twice changes nothing, because both have one key."""
        return TouchSent(at=at, by=by, key=self.key, **self._said())

    def failed(
        self, *, at: datetime, reason: str | None = None, permanent: bool = False, by: Actor | str = SYSTEM
    ) -> TouchFailed:
        """Return the fact that it could not be sent, or came back."""
        key = failure_key(self.key)
        return TouchFailed(at=at, by=by, key=key, reason=reason, permanent=permanent, **self._said())

    def _said(self) -> dict[str, Any]:
        """Return what both facts say of it."""
        return {
            "channel": self.channel,
            "programme": self.programme,
            "touch": self.touch,
            "message": self.content,
            "operational": self.operational,
            "attempt": self.attempt,
            "enrolled": self.enrolled,
            "lead": self.lead,
            "pipeline": self.pipeline,
        }

    def __str__(self) -> str:
        return f"{self.local:%Y-%m-%d %H:%M %Z}  {self.channel}  {self.content}  to {self.lead}  ({self.why})"


def sending_key(
    owner: tuple[str, str], programme: str, touch: str, enrolled: datetime, attempt: int, *, number: int
) -> str:
    """Return the key of a sending, which no other sending has; the owner is the lead and the pipeline."""
    return f"touch/{derive_id(*owner, programme, touch, enrolled.isoformat(), str(attempt), str(number))}"


def failure_key(key: str) -> str:
    """Return the key of the fact that a sending failed; it has one of its own, because what was sent may come back."""
    return f"{key}/failed"


class PassedOver(NamedTuple):
    """A touch that is not sent.

    Attributes:
        programme: In which programme.
        touch: Which touch.
        due: When it was due, or is.
        why: Why it is passed over.
        detail: More about it, such as the cap; may be empty.
    """

    programme: str
    touch: str
    due: datetime
    why: Why
    detail: str = ""

    def __str__(self) -> str:
        return _reason(self.why, self.detail)


class Silence(NamedTuple):
    """Why a programme, or a lead without any, is sent nothing more.

    Attributes:
        programme: The programme; None where the lead takes part in none.
        why: Why.
        detail: More about it; may be empty.
        ask_again: When time alone may change it; None where only a fact can.
    """

    programme: str | None
    why: Why
    detail: str = ""
    ask_again: datetime | None = None

    def __str__(self) -> str:
        return _reason(self.why, self.detail)


class Plan(NamedTuple):
    """What one lead is to be sent.

    Attributes:
        lead: Who.
        pipeline: In which pipeline.
        at: The instant that was asked for.
        touches: The next touches of all programmes, in the order of time.
        passed_over: The touches that are not sent, and why.
        silences: The programmes that send nothing more, and why; never empty where there is no touch.
        ask_again: When to plan again if no fact comes before: at the next touch, or when time alone changes something;
            None where only a fact can.
    """

    lead: str
    pipeline: str
    at: datetime
    touches: tuple[PlannedTouch, ...]
    passed_over: tuple[PassedOver, ...]
    silences: tuple[Silence, ...]
    ask_again: datetime | None

    @property
    def due(self) -> tuple[PlannedTouch, ...]:
        """The touches to send now."""
        return tuple(touch for touch in self.touches if touch.at <= self.at)

    def __str__(self) -> str:
        lines = [str(touch) for touch in self.touches]
        lines += [f"not {one.touch} of {one.programme}: {one}" for one in self.passed_over]
        for silence in self.silences:
            again = "" if silence.ask_again is None else f"; ask again {silence.ask_again:%Y-%m-%d %H:%M} UTC"
            lines.append(f"{silence.programme or 'nothing'}: {silence}{again}")
        return "\n".join(lines)


class Confirmation(NamedTuple):
    """Whether a planned touch may be sent at an instant.

    Attributes:
        ok: Whether it may.
        reason: Why not; empty where it may.
        moved_to: When it is to be sent instead, where it has only moved.
    """

    ok: bool
    reason: str = ""
    moved_to: datetime | None = None

    def __bool__(self) -> bool:
        return self.ok


class Unplanned(NamedTuple):
    """A lead that could not be planned for, and why; the others were.

    Attributes:
        lead: Who.
        error: What went wrong.
    """

    lead: str
    error: LeadlifeError


def _reason(why: Why, detail: str) -> str:
    return f"{why} ({detail})" if detail else why.value
