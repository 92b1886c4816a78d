"""Criteria about the state of a lead: evidence, qualifications, stage, cycle, readiness, a sale."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from leadlife._base.model import Name, Names, OneOf, default
from leadlife._base.numbers import PLAIN
from leadlife.criteria.comparison import COUNTED, WORDS, Relation
from leadlife.criteria.condition import Criterion, Predicate
from leadlife.criteria.view import Observation, View
from leadlife.timing import Calendar, OptionalDuration, due, whole_days


class HasEvidence(Criterion):
    """Whether the latest evidence of this name is yes; unknown if there is none, or only evidence that is too old."""

    op: Literal["evidence"] = "evidence"
    name: Name
    within: OptionalDuration = default(None)
    """Evidence of this age or older is ignored."""

    def _compiled(self) -> Predicate:
        name = self.name

        def ask(view: View) -> bool | None:
            seen = view.evidence(name) if self.within is None else self._recent(view)
            return None if seen is None else bool(seen.value)

        return ask

    def _in_words(self) -> str:
        """Return the criterion in words."""
        return f"evidence of {self.name}" + ("" if self.within is None else f" less than {self.within} old")

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the evidence."""
        yield "evidence", self.name

    def _recent(self, view: View) -> Observation | None:
        seen = view.evidence(self.name)
        if seen is None or self.within is None:
            return seen
        return seen if view.at < due(seen.at, self.within, view.zone) else None

    def _seen(self, view: View) -> tuple[Observation, ...]:
        seen = self._recent(view)
        return () if seen is None else (seen,)

    def changes_at(self, view: View) -> datetime | None:
        """Return the earliest instant at which time alone may change the answer; None means never."""
        seen = self._recent(view)
        return None if seen is None or self.within is None else due(seen.at, self.within, view.zone)


class HoldsQualification(Criterion):
    """Whether the lead holds a qualification: granted, and neither withdrawn nor expired. Never unknown."""

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

    def _in_words(self) -> str:
        """Return the criterion in words."""
        return f"holds {self.name}"

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the qualification."""
        yield "qualification", self.name

    def _seen(self, view: View) -> tuple[Observation, ...]:
        seen = view.qualification(self.name)
        return () if seen is None else (seen,)

    def changes_at(self, view: View) -> datetime | None:
        """Return the earliest instant at which time alone may change the answer; None means never."""
        seen = view.qualification(self.name)
        expires = None if seen is None or seen.value is None else seen.value[0]
        return expires if expires is not None and view.at < expires else None


class IsIdentified(Criterion):
    """Whether the lead is identified, which means that it is in the database; false if no fact records it."""

    op: Literal["identified"] = "identified"

    def _compiled(self) -> Predicate:
        return lambda view: view.identified is not None

    def _in_words(self) -> str:
        """Return the criterion in words."""
        return "identified"

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the topic ``identified``."""
        yield "identified", ""

    def _seen(self, view: View) -> tuple[Observation, ...]:
        return () if view.identified is None else (view.identified,)


class IsSold(Criterion):
    """Whether a sale is recorded since the lead last entered a won or recycled stage."""

    op: Literal["sold"] = "sold"

    def _compiled(self) -> Predicate:
        return lambda view: view.sold is not None

    def _in_words(self) -> str:
        """Return the criterion in words."""
        return "a sale is recorded"

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the topic ``sold``."""
        yield "sold", ""

    def _seen(self, view: View) -> tuple[Observation, ...]:
        return () if view.sold is None else (view.sold,)


class InStage(Criterion):
    """Whether the lead is in one of these stages; unknown before the start."""

    op: Literal["stage"] = "stage"
    names: Annotated[Names, Field(min_length=1)]

    def _compiled(self) -> Predicate:
        names = frozenset(self.names)

        def ask(view: View) -> bool | None:
            seen = view.stage
            return None if seen is None else seen.value in names

        return ask

    def _in_words(self) -> str:
        """Return the criterion in words."""
        return f"in stage {' or '.join(self.names)}"

    def stages_renamed(self, names: Mapping[str, str]) -> dict[str, Any]:
        """Return its stages under new names; see :meth:`leadlife.Playbook.renamed`."""
        return {"names": tuple(names.get(name, name) for name in self.names)}

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the stages."""
        for name in self.names:
            yield "stage", name

    def _seen(self, view: View) -> tuple[Observation, ...]:
        return () if view.stage is None else (view.stage,)


class DaysInStage(Criterion):
    """Compares the number of whole calendar days that the lead has been in the present stage."""

    op: Literal["days_in_stage"] = "days_in_stage"
    compare: Relation
    value: Annotated[int, PLAIN, Field(ge=0, le=36_000)]

    def _compiled(self) -> Predicate:
        value, relation = self.value, self.compare.relation

        def ask(view: View) -> bool | None:
            seen = view.stage
            return None if seen is None else relation(_full_days(seen.at, view.at, view.zone), value)

        return ask

    def _in_words(self) -> str:
        """Return the criterion in words."""
        return f"in the present stage for {COUNTED[self.compare]} {self.value} days"

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the stage."""
        yield "stage", "*"

    def _seen(self, view: View) -> tuple[Observation, ...]:
        return () if view.stage is None else (view.stage,)

    def changes_at(self, view: View) -> datetime | None:
        """Return the earliest instant at which time alone may change the answer; None means never."""
        seen = view.stage
        if seen is None:
            return None
        number = _full_days(seen.at, view.at, view.zone)
        changing = (self.value, self.value + 1)  # the answer can change only when the number reaches one of these
        return next((due(seen.at, Calendar(days=day), view.zone) for day in changing if number < day), None)


def _full_days(start: datetime, end: datetime, zone: ZoneInfo) -> int:
    # The midnights between the two are the number of days, or one more if the time of day is not reached yet.
    days = max(whole_days(start, end, zone), 0)
    if days and due(start, Calendar(days=days), zone) > end:
        return days - 1
    # If the clocks go back past midnight, the local date goes back too. A day that was complete stays complete.
    return days + 1 if due(start, Calendar(days=days + 1), zone) <= end else days


class CycleIs(Criterion):
    """Compares the number of the latest cycle; unknown before the start."""

    op: Literal["cycle"] = "cycle"
    compare: Relation
    value: Annotated[int, PLAIN, Field(ge=0, le=1_000_000)]

    def _compiled(self) -> Predicate:
        value, relation = self.value, self.compare.relation

        def ask(view: View) -> bool | None:
            number = view.cycle
            return None if number is None else relation(number, value)

        return ask

    def _in_words(self) -> str:
        """Return the criterion in words."""
        return f"the cycle's number {WORDS[self.compare]} {self.value}"

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the cycle."""
        yield "cycle", ""


class RecycledFor(Criterion):
    """Whether the lead was led into its present stage for one of these reasons; unknown before the start."""

    op: Literal["recycled_for"] = "recycled_for"
    reasons: Annotated[Names, Field(min_length=1)]

    def _compiled(self) -> Predicate:
        reasons = frozenset(self.reasons)

        def ask(view: View) -> bool | None:
            return None if view.stage is None else view.reason in reasons

        return ask

    def _in_words(self) -> str:
        """Return the criterion in words."""
        return f"led to its stage for the reason {' or '.join(self.reasons)}"

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the reasons, and the stage, because every move may change the answer."""
        for reason in self.reasons:
            yield "reason", reason
        yield "stage", "*"

    def _seen(self, view: View) -> tuple[Observation, ...]:
        return () if view.stage is None else (view.stage,)


class ReturnsAre(Criterion):
    """Compares how often the lead has returned from recycling since it last won; unknown before the start."""

    op: Literal["returns"] = "returns"
    compare: Relation
    value: Annotated[int, PLAIN, Field(ge=0, le=1_000_000)]

    def _compiled(self) -> Predicate:
        value, relation = self.value, self.compare.relation

        def ask(view: View) -> bool | None:
            number = view.returns
            return None if number is None else relation(number, value)

        return ask

    def _in_words(self) -> str:
        """Return the criterion in words."""
        return f"the number of returns since the last win {WORDS[self.compare]} {self.value}"

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the cycle."""
        yield "cycle", ""


class Readiness(StrEnum):
    """How close to buying a lead behaves, from far to near."""

    EARLY = "early"
    MID = "mid"
    LATE = "late"


_PLACES = {segment: place for place, segment in enumerate(Readiness)}


class ReadinessIs(Criterion):
    """Compares the readiness of the lead; unknown if the playbook has no readiness rule."""

    op: Literal["readiness"] = "readiness"
    compare: Relation
    value: OneOf[Readiness]

    def _compiled(self) -> Predicate:
        place, relation = _PLACES[self.value], self.compare.relation

        def ask(view: View) -> bool | None:
            seen = view.readiness
            return None if seen is None else relation(_PLACES[Readiness(seen.value)], place)

        return ask

    def _in_words(self) -> str:
        """Return the criterion in words."""
        return f"readiness {WORDS[self.compare]} {self.value}"

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the readiness."""
        yield "readiness", ""

    def _seen(self, view: View) -> tuple[Observation, ...]:
        return () if view.readiness is None else (view.readiness,)

    def changes_at(self, view: View) -> datetime | None:
        """Return the earliest instant at which time alone may change the answer; None means never."""
        # A rule decides on readiness, and this criterion does not know when the rule will: it may be any moment.
        return None if view.readiness is None else view.at + timedelta(microseconds=1)
