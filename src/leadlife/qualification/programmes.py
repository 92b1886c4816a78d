"""Programmes: streams of touches that nurture a lead, whom they are for, and when they end.

Taking part in a programme is decided like a qualification: the audience is what lets a lead in, the goal and the exit
are what lets it out. So entering and leaving are facts that a playbook derives, at their exact instants.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from leadlife._base.model import Accepts, Definition, Id, Name, Text, TupleOf, default
from leadlife.criteria import Criterion, Guard, OptionalGuard
from leadlife.errors import Malformed, repeated
from leadlife.qualification.rules import Hysteresis
from leadlife.timing import Calendar, Elapsed, OptionalDuration
from leadlife.timing.durations import read_word_or_duration
from leadlife.timing.waits import Wait
from leadlife.timing.windows import SendWindow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    OptionalWindow = Accepts[SendWindow | None, SendWindow | Mapping[str, object] | None]
else:
    OptionalWindow = SendWindow | None


class Touch(Definition):
    """One message of a programme: by which channel, with what content, and when its turn comes."""

    name: Name
    channel: Name
    content: Id | None = None
    """What is shown, such as the id of a template; by default the programme's name and the touch's."""
    wait: Wait = default(None)
    """How long after the touch before it was sent, or after entering the programme. Without one, at once."""
    when: OptionalGuard = default(None)
    """The touch is sent only if this is true when its turn comes; else it is passed over."""
    window: OptionalWindow = default(None)
    """The lead's local times at which it may be sent."""
    within: OptionalDuration = default(None)
    """How long it is of use once its turn has come; after that it is passed over."""
    operational: bool = False
    """Whether it is not marketing but needed, such as an invoice; contact rules do not hold it back."""
    attempts: Annotated[int, Field(ge=1, le=20)] = 1
    """How often it is tried in all, if it fails."""
    retry_after: OptionalDuration = default(None)
    """How long after a failure it is tried again. Without one, at once."""


class Reentry(StrEnum):
    """Whether a lead that has left a programme may take part again."""

    NEVER = "never"
    PER_CYCLE = "per_cycle"
    """Once in each cycle."""


def _reentry(value: Any) -> Any:
    problem, hint = "reentry is never, per_cycle, or how long after leaving", 'write "never" or "P90D"'
    return read_word_or_duration(value, Reentry, problem, hint=hint)


if TYPE_CHECKING:
    AnyReentry = Accepts[Reentry | Elapsed | Calendar, Reentry | Elapsed | Calendar | timedelta | str]
else:
    AnyReentry = Annotated[Reentry | Elapsed | Calendar, BeforeValidator(_reentry)]


class Programme(Definition):
    """A stream of touches for an audience, until its goal is met or its exit is true.

    >>> from leadlife.criteria import evidence, readiness, sold
    >>> early = Programme(
    ...     name="early to mid",
    ...     audience=readiness() == "early",
    ...     goal=readiness() == "mid",
    ...     exit=sold(),
    ...     touches=[
    ...         Touch(name="guide", channel="email"),
    ...         Touch(name="story", channel="email", wait="P7D"),
    ...     ],
    ... )
    >>> [touch.name for touch in early.touches]
    ['guide', 'story']
    """

    name: Name
    audience: Guard
    """The leads that take part; they enter when this becomes true."""
    touches: TupleOf[Touch]
    goal: OptionalGuard = default(None)
    """What the programme is for; a lead that meets it leaves."""
    exit: OptionalGuard = default(None)
    """What else ends it. Without a goal and an exit, it ends when the audience is no longer true."""
    lasts: OptionalDuration = default(None)
    """How long a lead takes part at most."""
    reentry: AnyReentry = default(Reentry.NEVER)
    """Whether a lead that has left may take part again; never, once per cycle, or so long after leaving."""
    priority: int = 0
    """Where two programmes want to send, the larger goes first."""
    holdout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """The share of the leads that take part without being sent anything, for comparison. A hash of the lead decides."""
    meaning: Text = ""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if not self.touches:
            raise Malformed(f"programme {self.name!r} has no touches", hint="give it at least one")
        twice = next(repeated("touches", (touch.name for touch in self.touches)), None)
        if twice is not None:
            raise Malformed(f"programme {self.name!r} has two touches of one name", hint="a touch is known by its name")
        return self

    @property
    def rule(self) -> Hysteresis:
        """The rule that decides who takes part."""
        ends = [one for one in (self.goal, self.exit) if one is not None]
        leave = None if not ends else ends[0] if len(ends) == 1 else ends[0] | ends[1]
        return Hysteresis(enter=self.audience, leave=leave, valid_for=self.lasts)

    def criteria(self) -> tuple[tuple[str, Criterion], ...]:
        """Return every criterion, each with its path inside the programme."""
        own = (("audience", self.audience), ("goal", self.goal), ("exit", self.exit))
        touches = ((f"touches.{place}.when", touch.when) for place, touch in enumerate(self.touches))
        return tuple((path, one) for path, one in (*own, *touches) if one is not None)

    def content_of(self, touch: Touch) -> str:
        """Return the content of one of its touches."""
        return touch.content or f"{self.name} > {touch.name}"

    def place_of(self, touch: str | None) -> int | None:
        """Return the place of the touch of a name; None where there is none."""
        return next((place for place, one in enumerate(self.touches) if one.name == touch), None)
