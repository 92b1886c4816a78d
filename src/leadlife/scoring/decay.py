"""How an activity's points age: a half-life, or steps, or a window; never two of them."""

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
    """How steps take points away."""

    LINEAR = "linear"
    """Each takes the same share of the first value, as in 100, 75, 50, 25, 0."""
    GEOMETRIC = "geometric"
    """Each takes the same share of what is left, as in 100, 75, 56.25."""


class StepDecay(Definition):
    """So many percent are lost at each step."""

    percent: Annotated[int, Field(ge=1, le=100)]
    every: PositiveDuration
    shape: OneOf[Shape] = default(Shape.LINEAR)

    def factor(self, number: int) -> float:
        """Return what is left after so many steps, from 0 to 1."""
        if self.shape is Shape.LINEAR:
            return max(0, 100 - number * self.percent) / 100
        left: float = ((100 - self.percent) / 100) ** number
        return left


def _exact(value: object) -> object:
    value = read_duration(value)
    if isinstance(value, Calendar):
        hint = f"write elapsed(days={value.days})" if not value.months else "write elapsed(days=30)"
        raise Malformed("a half-life is exact time, not days on a calendar", hint=hint)
    if isinstance(value, int | float):
        raise Malformed("a half-life needs a unit", hint="write elapsed(days=7)")
    return value


def _lasting(value: Elapsed) -> Elapsed:
    if not value:
        raise Malformed("a half-life lasts longer than nothing")
    return value


if TYPE_CHECKING:
    OptionalHalfLife = Accepts[Elapsed | None, Elapsed | timedelta | str | None]
else:
    OptionalHalfLife = Annotated[Elapsed, BeforeValidator(_exact), AfterValidator(_lasting)] | None
"""Exact time, after which half is left: ``elapsed(days=7)``."""


class Aged(NamedTuple):
    """What is left of an activity's points, and when a step will next take some of it."""

    factor: float
    changes_at: datetime | None


def steps_of(decay: StepDecay, zone: ZoneInfo) -> Callable[[datetime, datetime], Aged]:
    """Return how points age in steps, as a function of when the activity was and of now."""

    def aged(then: datetime, now: datetime) -> Aged:
        number, following = steps(then, decay.every, now, zone)
        left = decay.factor(number)
        return Aged(left, following if left else None)

    return aged


def window_of(window: Any, zone: ZoneInfo) -> Callable[[datetime, datetime], Aged]:
    """Return how points end with a window: whole until, but not at, its end."""

    def aged(then: datetime, now: datetime) -> Aged:
        end = due(then, window, zone)
        return Aged(1.0, end) if now < end else Aged(0.0, None)

    return aged
