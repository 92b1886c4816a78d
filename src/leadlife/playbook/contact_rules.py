"""Contact rules: how much pressure a lead is put under at most, and at which of its hours."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from leadlife._base.model import Accepts, Definition, Name, OneOf, Text, TupleOf, default
from leadlife.criteria import Readiness
from leadlife.errors import Malformed
from leadlife.timing import Calendar, Elapsed, OptionalDuration, PositiveDuration
from leadlife.timing.durations import read_word_or_duration
from leadlife.timing.windows import Hours, Weekdays

if TYPE_CHECKING:
    from datetime import timedelta


class Channel(Definition):
    """A way to reach a lead, such as ``email``."""

    purpose: Name | None = None
    """The use of the lead's data that needs its consent; None where no consent is needed."""
    load: Annotated[float, Field(gt=0, le=1_000)] = 1.0
    """How much one touch tires a lead."""
    meaning: Text = ""


class Breach(StrEnum):
    """What becomes of a touch that a cap holds back."""

    DEFER = "defer"
    """It is sent as soon as the cap allows it."""
    SKIP = "skip"
    """It is passed over."""
    EXIT = "exit"
    """The programme sends this lead nothing more."""


class CapPeriod(StrEnum):
    """The local calendar periods that a cap may count in."""

    DAY = "day"
    WEEK = "week"


def _period(value: Any) -> Any:
    problem, hint = "per is day, week or a duration", 'write per="day", per="week" or per="P30D"'
    found = read_word_or_duration(value, CapPeriod, problem, hint=hint)
    if not found:
        raise Malformed("a period must be longer than 0", hint='write per="PT24H"')
    return found


if TYPE_CHECKING:
    Period = Accepts[CapPeriod | Elapsed | Calendar, CapPeriod | Elapsed | Calendar | timedelta | str]
    Load = float
    OptionalReadiness = Accepts[Readiness | None, Readiness | str | None]
else:
    Period = Annotated[CapPeriod | Elapsed | Calendar, BeforeValidator(_period)]
    Load = Annotated[float, Field(gt=0, le=1_000_000)]
    OptionalReadiness = OneOf[Readiness] | None


class Cap(Definition):
    """At most so many touches in a period."""

    at_most: Annotated[int, Field(ge=1, le=1_000)]
    per: Period
    """``day`` or ``week`` of the lead's calendar, or a duration that rolls along, such as ``P30D``."""
    channel: Name | None = None
    """The channel that it counts. Without one, all of them together."""
    readiness: OptionalReadiness = default(None)
    """The segment of readiness that it is for. Without one, all."""
    on_breach: OneOf[Breach] = default(Breach.DEFER)

    @cached_property
    def words(self) -> str:
        """The cap in words."""
        what = f"{self.channel} touch" if self.channel else "touch"
        plural = "" if self.at_most == 1 else "es"
        whom = f" while readiness is {self.readiness}" if self.readiness else ""
        return f"at most {self.at_most} {what}{plural} per {self.per}{whom}"

    def __str__(self) -> str:
        return self.words


class Fatigue(Definition):
    """How touches tire a lead: each adds the load of its channel, which fades with a half-life."""

    half_life: PositiveDuration
    """An elapsed duration."""
    rest_at: Load
    """The load that is not exceeded; past it, the lead rests."""
    tired_at: Load | None = None
    """The load from which on touches lose priority against those of other leads."""
    lowers_by: Annotated[int, Field(ge=1)] = 1
    """So much priority they lose then."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if not isinstance(self.half_life, Elapsed):
            raise Malformed("a half-life is elapsed time", hint="write PT168H for a week")
        if self.tired_at is not None and self.tired_at > self.rest_at:
            raise Malformed("tired_at is more than rest_at, so it would never be reached")
        return self


class ContactRules(Definition):
    """The rules that keep an eager programme from spoiling a lead. They do not hold back operational touches.

    >>> rules = ContactRules(quiet="21:00-08:00", caps=[Cap(at_most=2, per="week"), Cap(at_most=1, per="day")])
    >>> print(rules.caps[0])
    at most 2 touches per week
    """

    zone_field: Name | None = None
    """The field of a lead that names its time zone; where it is blank or unknown, the playbook's zone is taken."""
    quiet: Hours | None = None
    """The hours of the lead's day in which nothing is sent, such as ``21:00-08:00``."""
    weekdays: Weekdays = default(())
    """The weekdays of the lead on which something is sent; none means any."""
    minimum_gap: OptionalDuration = default(None)
    """The least time between two touches."""
    caps: TupleOf[Cap] = default(())
    fatigue: Fatigue | None = None
    repeat_after: OptionalDuration = default(None)
    """After how long the same content may be sent again. Without one, never."""
    meaning: Text = ""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.quiet == "00:00-24:00":
            raise Malformed("quiet hours of the whole day leave no time to send anything", hint="shorten them")
        return self

    @cached_property
    def caps_by_readiness(self) -> Mapping[str | None, tuple[Cap, ...]]:
        """The caps that are for each segment of readiness; None stands for a lead of which it is not known."""
        segments: tuple[str | None, ...] = (None, *Readiness)
        return {one: tuple(cap for cap in self.caps if cap.readiness in (None, one)) for one in segments}
