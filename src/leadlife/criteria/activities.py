"""Criteria about activities: their number, their sums, and how long ago they were.

A window is half-open: an activity counts from its instant until, but not at, its instant plus the window.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from math import fsum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from leadlife._base.model import Label, Names, OneOf, default
from leadlife._base.numbers import PLAIN
from leadlife._frozen import FrozenDict
from leadlife.criteria.comparison import COUNTED, WORDS, Comparison, Match, Relation, Where, matching, where_words
from leadlife.criteria.condition import Criterion, Predicate
from leadlife.criteria.view import Number, Observation, View
from leadlife.timing import Calendar, Elapsed, OptionalDuration, PositiveDuration, due


def _each_once(kinds: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(kinds))


_UNEVEN = timedelta(days=5)
"""The most by which calendar arithmetic can exchange the order of two instants.

One month after 28, 29, 30 and 31 January is the same day; and a zone may skip a whole day.
"""

Kinds = Annotated[Names, AfterValidator(_each_once)]
"""Activity kinds; none means any kind."""


class Counting(Criterion):
    """The base of a criterion about several activities: it selects which of them count."""

    kinds: Kinds = default(())
    where: Where = default(Field(default_factory=FrozenDict[str, Match]))
    within: OptionalDuration = default(None)
    since_recycling: bool = False

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the activity kinds; ``*`` means any kind."""
        for kind in self.kinds or ("*",):
            yield "activity", kind

    def _selection(self) -> str:
        """Return the selection in words."""
        what = " or ".join(self.kinds) or "any activity"
        window = f" within {self.within}" if self.within is not None else ""
        fresh = " since the recycling or win" if self.since_recycling else ""
        return f"{what}{where_words(self.where)}{window}{fresh}"

    def _seen(self, view: View) -> tuple[Observation, ...]:
        return tuple(self._counted(view))

    def _counted(self, view: View) -> Iterator[Observation]:
        matches = matching(self.where)
        for kind in self.kinds or view.kinds():
            for one in self._in_window(view, kind):
                if matches is None or matches(one.value):
                    yield one

    def _in_window(self, view: View, kind: str) -> Iterator[Observation]:
        seen = view.activities(kind, since_recycling=self.since_recycling)
        return seen if self.within is None else _within(seen, self.within, view)

    def changes_at(self, view: View) -> datetime | None:
        """Return the earliest instant at which time alone may change the answer; None means never."""
        within = self.within
        if within is None:
            return None
        counted = [seen.at for seen in self._counted(view)]
        # The oldest activity leaves the window first, unless months of unequal length or a clock change exchange two of
        # them. So the ends of all that are hardly newer are compared.
        latest = min(counted, default=view.at) + _UNEVEN
        return min((due(at, within, view.zone) for at in counted if at <= latest), default=None)


def _within(seen: Iterator[Observation], window: Elapsed | Calendar, view: View) -> Iterator[Observation]:
    # The exact end of a calendar window is costly. The bounds decide without it for all activities but those near it.
    at, (shortest, longest) = view.at, window.bounds()
    for one in seen:
        age = at - one.at
        if age >= longest:
            return
        if age < shortest or at < due(one.at, window, view.zone):
            yield one


class CountIs(Counting):
    """Compares the number of activities with a number; never unknown."""

    op: Literal["count"] = "count"
    compare: Relation = default(Comparison.GE)
    value: Annotated[int, PLAIN, Field(ge=0, le=1_000_000)] = 1

    def _compiled(self) -> Predicate:
        kinds, value, relation = self.kinds, self.value, self.compare.relation
        if kinds and not self.where and self.within is None and not self.since_recycling:
            return lambda view: relation(sum([view.total(kind) for kind in kinds]), value)
        if len(kinds) == 1 and isinstance(self.within, Elapsed) and not self.since_recycling:
            return self._recent(kinds[0], timedelta(microseconds=self.within.microseconds))

        def ask(view: View) -> bool:
            number = 0
            for _ in self._counted(view):
                number += 1
                if number > value:  # more activities cannot change the answer
                    break
            return relation(number, value)

        return ask

    def _recent(self, kind: str, window: timedelta) -> Predicate:
        """Return the most common question, one kind in an exact window, as one fast loop."""
        matches, value, relation = matching(self.where), self.value, self.compare.relation

        def ask(view: View) -> bool:
            number, oldest = 0, view.at - window
            for one in view.activities(kind):
                if one.at <= oldest or number > value:
                    break
                if matches is None or matches(one.value):
                    number += 1
            return relation(number, value)

        return ask

    def _found(self, view: View, seen: tuple[Observation, ...]) -> str:  # noqa: ARG002 - signature of the base class
        return f"there are {len(seen)}" if len(seen) != 1 else "there is 1"

    def _in_words(self) -> str:
        """Return the criterion in words."""
        return f"{COUNTED[self.compare]} {self.value} of {self._selection()}"


class SumIs(Counting):
    """Compares the sum of a numeric attribute over activities; unknown if one of them has no number there.

    Without any activity the sum is 0. Fractions are added with ``math.fsum``, which rounds once, so their order has no
    effect.
    """

    op: Literal["sum"] = "sum"
    attribute: Label
    compare: Relation
    value: Annotated[Number, PLAIN]

    def _compiled(self) -> Predicate:
        attribute, value, relation = self.attribute, self.value, self.compare.relation

        def ask(view: View) -> bool | None:
            total = _sum(one.value.get(attribute) for one in self._counted(view))
            return None if total is None else relation(total, value)

        return ask

    def _in_words(self) -> str:
        """Return the criterion in words."""
        return f"the sum of {self.attribute} over {self._selection()} {WORDS[self.compare]} {self.value}"


def _sum(values: Iterable[object]) -> float | None:
    numbers: list[int | float] = []
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        numbers.append(value)
    if all(isinstance(number, int) for number in numbers):
        return sum(numbers)  # exact, where fsum would round above 2**53
    try:
        return fsum(numbers)
    except OverflowError:
        return None


class End(StrEnum):
    """The first or the last of several activities."""

    FIRST = "first"
    LAST = "last"


class SeenIs(Criterion):
    """Compares the age of the first or the last activity; unknown if there is none."""

    op: Literal["seen"] = "seen"
    end: OneOf[End] = default(End.LAST)
    kinds: Kinds = default(())
    age: PositiveDuration
    older: bool
    """True: the activity is at least ``age`` ago. False: it is less than ``age`` ago."""

    def _compiled(self) -> Predicate:
        older = self.older

        def ask(view: View) -> bool | None:
            seen = self._end(view)
            return None if seen is None else (view.at >= due(seen.at, self.age, view.zone)) is older

        return ask

    def _in_words(self) -> str:
        """Return the criterion in words."""
        how = "at least" if self.older else "less than"
        return f"{self.end} {' or '.join(self.kinds) or 'activity'} {how} {self.age} ago"

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the activity kinds; ``*`` means any kind."""
        for kind in self.kinds or ("*",):
            yield "activity", kind

    def _end(self, view: View) -> Observation | None:
        kinds = self.kinds or view.kinds()
        if self.end is End.FIRST:
            firsts = (seen for seen in map(view.first, kinds) if seen is not None)
            return min(firsts, key=_order, default=None)
        lasts = (seen for seen in (next(view.activities(kind), None) for kind in kinds) if seen is not None)
        return max(lasts, key=_order, default=None)

    def _seen(self, view: View) -> tuple[Observation, ...]:
        seen = self._end(view)
        return () if seen is None else (seen,)

    def changes_at(self, view: View) -> datetime | None:
        """Return the earliest instant at which time alone may change the answer; None means never."""
        seen = self._end(view)
        at = None if seen is None else due(seen.at, self.age, view.zone)
        return at if at is not None and at > view.at else None


def _order(seen: Observation) -> tuple[datetime, int]:
    return seen.at, seen.ordinal
