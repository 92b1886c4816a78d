"""Criteria about where a lead stands: evidence, qualifications, stage, cycle, readiness, a sale."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from leadlife._base.model import Name, Names, OneOf, default
from leadlife.criteria.comparison import COUNTED, WORDS, Relation
from leadlife.criteria.condition import Criterion, Predicate
from leadlife.criteria.view import Observation, View
from leadlife.timing import Calendar, OptionalDuration, due, whole_days


class HasEvidence(Criterion):
    """The latest yes or no of this name; none at all, or one that is too old, is unknown."""

    op: Literal["evidence"] = "evidence"
    name: Name
    within: OptionalDuration = default(None)
    """Older evidence counts no more."""

    def _compiled(self) -> Predicate:
        name = self.name

        def ask(view: View) -> bool | None:
            seen = view.evidence(name) if self.within is None else self._young(view)
            return None if seen is None else bool(seen.value)

        return ask

    def sentence(self) -> str:
        """Return the question in words."""
        return f"evidence of {self.name}" + ("" if self.within is None else f" less than {self.within} old")

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the evidence."""
        yield "evidence", self.name

    def _young(self, view: View) -> Observation | None:
        seen = view.evidence(self.name)
        if seen is None or self.within is None:
            return seen
        return seen if view.at < due(seen.at, self.within, view.zone) else None

    def _seen(self, view: View) -> tuple[Observation, ...]:
        seen = self._young(view)
        return () if seen is None else (seen,)

    def changes_at(self, view: View) -> datetime | None:
        """Return when, at the earliest, time alone changes the answer; None for never."""
        seen = self._young(view)
        return None if seen is None or self.within is None else due(seen.at, self.within, view.zone)


class HoldsQualification(Criterion):
    """Whether the lead holds a qualification: granted, neither withdrawn nor expired; never unknown."""

    op: Literal["holds"] = "holds"
    name: Name

    def _compiled(self) -> Predicate:
        name = self.name

        def ask(view: View) -> bool:
            seen = view.qualification(name)
            if seen is None or seen.value is None:
                return False
            expires = seen.value[0]
            return expires is None or view.at < expires

        return ask

    def sentence(self) -> str:
        """Return the question in words."""
        return f"holds {self.name}"

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the qualification."""
        yield "qualification", self.name

    def _seen(self, view: View) -> tuple[Observation, ...]:
        seen = view.qualification(self.name)
        return () if seen is None else (seen,)

    def changes_at(self, view: View) -> datetime | None:
        """Return when, at the earliest, time alone changes the answer; None for never."""
        seen = view.qualification(self.name)
        expires = None if seen is None or seen.value is None else seen.value[0]
        return expires if expires is not None and view.at < expires else None


class IsIdentified(Criterion):
    """Whether the lead is in the database; false when no fact says so."""

    op: Literal["identified"] = "identified"

    def _compiled(self) -> Predicate:
        return lambda view: view.identified is not None

    def sentence(self) -> str:
        """Return the question in words."""
        return "identified"

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield being identified."""
        yield "identified", ""

    def _seen(self, view: View) -> tuple[Observation, ...]:
        return () if view.identified is None else (view.identified,)


class IsSold(Criterion):
    """Whether a sale is recorded since the lead last entered a won or recycled stage."""

    op: Literal["sold"] = "sold"

    def _compiled(self) -> Predicate:
        return lambda view: view.sold is not None

    def sentence(self) -> str:
        """Return the question in words."""
        return "a sale is recorded"

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield a sale."""
        yield "sold", ""

    def _seen(self, view: View) -> tuple[Observation, ...]:
        return () if view.sold is None else (view.sold,)


class InStage(Criterion):
    """Whether the lead stands in one of these stages; unknown before the start."""

    op: Literal["stage"] = "stage"
    names: Annotated[Names, Field(min_length=1)]

    def _compiled(self) -> Predicate:
        names = frozenset(self.names)

        def ask(view: View) -> bool | None:
            seen = view.stage
            return None if seen is None else seen.value in names

        return ask

    def sentence(self) -> str:
        """Return the question in words."""
        return f"in stage {' or '.join(self.names)}"

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the stages."""
        for name in self.names:
            yield "stage", name

    def _seen(self, view: View) -> tuple[Observation, ...]:
        return () if view.stage is None else (view.stage,)


class DaysInStage(Criterion):
    """Compares how many whole days, on the wall clock, the lead has stood in the present stage."""

    op: Literal["days_in_stage"] = "days_in_stage"
    compare: Relation
    value: Annotated[int, Field(ge=0, le=36_000)]

    def _compiled(self) -> Predicate:
        value, relation = self.value, self.compare.relation

        def ask(view: View) -> bool | None:
            seen = view.stage
            return None if seen is None else relation(_full_days(seen.at, view.at, view.zone), value)

        return ask

    def sentence(self) -> str:
        """Return the question in words."""
        return f"in the present stage for {COUNTED[self.compare]} {self.value} days"

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the stage."""
        yield "stage", "*"

    def _seen(self, view: View) -> tuple[Observation, ...]:
        return () if view.stage is None else (view.stage,)

    def changes_at(self, view: View) -> datetime | None:
        """Return when, at the earliest, time alone changes the answer; None for never."""
        seen = view.stage
        if seen is None:
            return None
        number = _full_days(seen.at, view.at, view.zone)
        turning = (self.value, self.value + 1)  # the answer can change when the count comes to one of these
        return next((due(seen.at, Calendar(days=day), view.zone) for day in turning if number < day), None)


def _full_days(start: datetime, end: datetime, zone: ZoneInfo) -> int:
    days = max(whole_days(start, end, zone), 0)
    if days and due(start, Calendar(days=days), zone) > end:
        return days - 1
    # Where the clocks fall back past midnight, the day that was over stays over.
    return days + 1 if due(start, Calendar(days=days + 1), zone) <= end else days


class CycleIs(Criterion):
    """Compares the number of the latest cycle; unknown before the start."""

    op: Literal["cycle"] = "cycle"
    compare: Relation
    value: Annotated[int, Field(ge=0, le=1_000_000)]

    def _compiled(self) -> Predicate:
        value, relation = self.value, self.compare.relation

        def ask(view: View) -> bool | None:
            number = view.cycle
            return None if number is None else relation(number, value)

        return ask

    def sentence(self) -> str:
        """Return the question in words."""
        return f"the cycle's number {WORDS[self.compare]} {self.value}"

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the cycle."""
        yield "cycle", ""


class Readiness(StrEnum):
    """How close to buying a lead behaves, from the farthest to the nearest."""

    EARLY = "early"
    MID = "mid"
    LATE = "late"


_NEARER = {segment: place for place, segment in enumerate(Readiness)}


class ReadinessIs(Criterion):
    """Compares how close to buying the lead behaves; unknown where nobody has judged it."""

    op: Literal["readiness"] = "readiness"
    compare: Relation
    value: OneOf[Readiness]

    def _compiled(self) -> Predicate:
        place, relation = _NEARER[self.value], self.compare.relation

        def ask(view: View) -> bool | None:
            seen = view.readiness
            return None if seen is None else relation(_NEARER[Readiness(seen.value)], place)

        return ask

    def sentence(self) -> str:
        """Return the question in words."""
        return f"readiness {WORDS[self.compare]} {self.value}"

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the readiness."""
        yield "readiness", ""

    def _seen(self, view: View) -> tuple[Observation, ...]:
        return () if view.readiness is None else (view.readiness,)

    def changes_at(self, view: View) -> datetime | None:
        """Return when, at the earliest, time alone changes the answer; None for never."""
        return None if view.readiness is None else view.at + timedelta(microseconds=1)
