"""Criteria about a date in a field, against the day on which they are asked: a renewal, a birthday, an end of contract.

A day is a local day of the view's zone. All answers change at the first instant of a day, which is known in advance.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Literal, Self

from pydantic import model_validator

from leadlife._base.model import Name, OneOf, default
from leadlife.criteria.condition import Criterion, Predicate
from leadlife.criteria.view import Observation, View
from leadlife.errors import Malformed
from leadlife.timing import Calendar, OptionalDuration, day_reached, day_start, shifted

DAY = timedelta(days=1)


class DateRelation(StrEnum):
    """How a date lies to the present day."""

    PAST = "past"
    FUTURE = "future"
    WITHIN = "within"
    ANNIVERSARY = "anniversary"


WORDS = {
    DateRelation.PAST: "is in the past",
    DateRelation.FUTURE: "is in the future",
    DateRelation.ANNIVERSARY: "has its anniversary today",
}


class DateIs(Criterion):
    """Whether the date in a field is past, ahead, ahead within some days or months, or has its anniversary.

    Unknown if the field has no value, or one that is not a date. The present day is neither past nor future; it is
    within every number of days. The anniversary of 29 February is 28 February where a year has none.
    """

    op: Literal["date"] = "date"
    name: Name
    relation: OneOf[DateRelation]
    window: OptionalDuration = default(None)
    """For ``within``: how many days or months the date may lie ahead."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.relation is DateRelation.WITHIN) != (self.window is not None):
            raise Malformed("only 'within' has a window, and it needs one", hint='field("renewal").within(days(30))')
        if self.window is not None and not isinstance(self.window, Calendar):
            raise Malformed("a date lies ahead by days or months, not by hours", hint="days(30) or months(1)")
        return self

    def _compiled(self) -> Predicate:
        def ask(view: View) -> bool | None:
            day = self._date(view)
            return None if day is None else self._lies(day, day_reached(view.at, view.zone))

        return ask

    def _date(self, view: View) -> date | None:
        seen = view.field(self.name)
        if seen is None or not isinstance(seen.value, str):
            return None
        try:
            return date.fromisoformat(seen.value)
        except ValueError:
            return None

    def _lies(self, day: date, today: date) -> bool:
        match self.relation:
            case DateRelation.PAST:
                return day < today
            case DateRelation.FUTURE:
                return day > today
            case DateRelation.WITHIN:
                return self._first_day(day) <= today <= day
            case _:
                return today.year > day.year and today == anniversary(day, today.year)

    @property
    def reach(self) -> tuple[int, int]:
        """The fewest and the most days that the date may lie ahead by ``within``, as months differ in length."""
        window = self.window if isinstance(self.window, Calendar) else Calendar()
        return 28 * window.months + window.days, 31 * window.months + window.days

    def _first_day(self, day: date) -> date:
        """Return the first day from which the date is within the window."""
        window = self.window
        assert isinstance(window, Calendar)  # noqa: S101 - checked when declared
        first = shifted(day, Calendar(months=window.months, days=window.days), backwards=True)
        # Months of unequal length: 30 January and a month is 28 February, and so is 28 January and a month.
        while first > date.min and shifted(first - DAY, window) >= day:
            first -= DAY
        while shifted(first, window) < day:
            first += DAY
        return first

    def _in_words(self) -> str:
        """Return the criterion in words."""
        words = f"lies within the next {self.window}" if self.window is not None else WORDS[self.relation]
        return f"{self.name} {words}"

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the field."""
        yield "field", self.name

    def _seen(self, view: View) -> tuple[Observation, ...]:
        seen = view.field(self.name)
        return () if seen is None else (seen,)

    def changes_at(self, view: View) -> datetime | None:
        """Return the instant at which the present day changes the answer; None means never."""
        day = self._date(view)
        if day is None:
            return None
        today = day_reached(view.at, view.zone)
        try:
            changes = [day_start(one, view.zone) for one in self._change_days(day, today) if one > today]
        except (OverflowError, ValueError):  # beyond the calendar
            return None
        return min((change for change in changes if change > view.at), default=None)

    def _change_days(self, day: date, today: date) -> Iterator[date]:
        """Yield the days on which the answer may change."""
        match self.relation:
            case DateRelation.PAST:
                yield day + DAY
            case DateRelation.FUTURE:
                yield day
            case DateRelation.WITHIN:
                yield self._first_day(day)
                yield day + DAY
            case _:
                for year in (max(today.year, day.year + 1), max(today.year, day.year) + 1):
                    yield anniversary(day, year)
                    yield anniversary(day, year) + DAY


def anniversary(day: date, year: int) -> date:
    """Return the anniversary of a day in a year; of 29 February it is 28 February where the year has none."""
    try:
        return day.replace(year=year)
    except ValueError:
        return day.replace(year=year, day=28)
