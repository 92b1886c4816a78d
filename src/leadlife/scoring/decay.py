"""How the points of an activity age: by a half-life, by steps, or by a window."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field

from leadlife._base.model import Accepts, Definition, OneOf, default
from leadlife.errors import Malformed
from leadlife.timing import Calendar, Elapsed, PositiveDuration, due, read_duration, steps


class Shape(StrEnum):
    """How each step reduces the points."""

    LINEAR = "linear"
    """Each step takes the same share of the first value, as in 100, 75, 50, 25, 0."""
    GEOMETRIC = "geometric"
    """Each step takes the same share of what is left, as in 100, 75, 56.25."""


class StepDecay(Definition):
    """A loss of so many percent at each step."""

    percent: Annotated[int, Field(ge=1, le=100)]
    every: PositiveDuration
    shape: OneOf[Shape] = default(Shape.LINEAR)

    def factor(self, number: int) -> float:
        """Return the share that is left after so many steps, from 0 to 1."""
        if self.shape is Shape.LINEAR:
            return max(0, 100 - number * self.percent) / 100
        left: float = ((100 - self.percent) / 100) ** number
        return left


def _exact(value: object) -> object:
    """Refuse calendar time and plain numbers, with a hint: a half-life divides by a fixed number of microseconds."""
    if isinstance(value, int | float):
        raise Malformed("a half-life needs a unit", hint="write elapsed(days=7)")
    value = read_duration(value)
    if isinstance(value, Calendar):
        hint = f"write elapsed(days={value.days})" if not value.months else "write elapsed(days=30)"
        raise Malformed("a half-life must be exact time, not calendar days or months", hint=hint)
    return value


def _lasting(value: Elapsed) -> Elapsed:
    if not value:
        raise Malformed("a half-life must be longer than 0", hint="write elapsed(days=7)")
    return value


if TYPE_CHECKING:
    OptionalHalfLife = Accepts[Elapsed | None, Elapsed | timedelta | str | None]
else:
    OptionalHalfLife = Annotated[Elapsed, BeforeValidator(_exact), AfterValidator(_lasting)] | None
"""The exact time after which half of the points are left: ``elapsed(days=7)``."""


class Aged(NamedTuple):
    """The share that is left of an activity's points, and the instant of the next step."""

    factor: float
    changes_at: datetime | None


def steps_of(decay: StepDecay, zone: ZoneInfo) -> Callable[[datetime, datetime], Aged]:
    """Return a function from the instant of an activity and the present instant to what the steps leave."""

    def aged(then: datetime, now: datetime) -> Aged:
        number, following = steps(then, decay.every, now, zone)
        left = decay.factor(number)
        return Aged(left, following if left else None)

    return aged


def window_of(window: Any, zone: ZoneInfo) -> Callable[[datetime, datetime], Aged]:
    """Return the same function for a window: everything is left before its end, and nothing at its end."""

    def aged(then: datetime, now: datetime) -> Aged:
        end = due(then, window, zone)
        return Aged(1.0, end) if now < end else Aged(0.0, None)

    return aged
