"""The criteria that look at a lead themselves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator

from leadlife._model import Name, Names
from leadlife.criteria.condition import COUNTED, WORDS, AnyComparison, Comparison, Condition
from leadlife.criteria.view import Observation, Scalar, View
from leadlife.errors import GuardError, Malformed
from leadlife.timing import Calendar, Duration, Elapsed, due


def _each_once(kinds: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(kinds))


class FieldIs(Condition):
    """Compares the latest value of a field. Missing, or of another type: unknown."""

    op: Literal["field"] = "field"
    name: Name
    compare: AnyComparison
    value: Scalar

    def test(self, view: View) -> bool | None:
        """Return the comparison's answer, or None where there is nothing comparable."""
        seen = view.field(self.name)
        if seen is None or _order_of(seen.value) is not _order_of(self.value):
            return None
        return self.compare.holds(seen.value, self.value)

    def sentence(self) -> str:
        """Return the comparison in words."""
        return f"{self.name} {WORDS[self.compare]} {self.value}"

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the field."""
        yield "field", self.name

    def _seen(self, view: View) -> tuple[Observation, ...]:
        seen = view.field(self.name)
        return () if seen is None else (seen,)


def _order_of(value: object) -> type:
    if isinstance(value, bool):
        return bool
    return float if isinstance(value, int | float) else type(value)


class CountIs(Condition):
    """Compares how many activities there were; never unknown.

    A window is half-open: an activity counts from its instant until, but not at, its instant plus the window.
    """

    op: Literal["count"] = "count"
    kinds: Annotated[Names, Field(min_length=1), AfterValidator(_each_once)]
    compare: AnyComparison = Comparison.GE
    value: Annotated[int, Field(ge=0, le=1_000_000)] = 1
    within: Duration | None = None
    since_recycling: bool = False

    def test(self, view: View) -> bool:
        """Return the comparison's answer."""
        if self.within is None and not self.since_recycling:
            return self.compare.holds(sum(view.total(kind) for kind in self.kinds), self.value)
        return self.compare.holds(sum(1 for _ in self._counted(view)), self.value)

    def sentence(self) -> str:
        """Return the question in words."""
        window = f" within {self.within}" if self.within is not None else ""
        fresh = " since the recycling or win" if self.since_recycling else ""
        return f"{COUNTED[self.compare]} {self.value} of {' or '.join(self.kinds)}{window}{fresh}"

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the activity kinds."""
        for kind in self.kinds:
            yield "activity", kind

    def _counted(self, view: View) -> Iterator[Observation]:
        for kind in self.kinds:
            seen = view.activities(kind, since_recycling=self.since_recycling)
            yield from seen if self.within is None else _within(seen, self.within, view)

    def _seen(self, view: View) -> tuple[Observation, ...]:
        return tuple(self._counted(view))

    def _changes(self, view: View) -> datetime | None:
        if self.within is None:
            return None
        return min((due(seen.at, self.within, view.zone) for seen in self._counted(view)), default=None)


def _within(seen: Iterator[Observation], window: Elapsed | Calendar, view: View) -> Iterator[Observation]:
    shortest, longest = window.bounds()
    for one in seen:
        age = view.at - one.at
        if age >= longest:
            return
        if age < shortest or view.at < due(one.at, window, view.zone):
            yield one


class HasEvidence(Condition):
    """The latest yes or no of this name; none at all is unknown."""

    op: Literal["evidence"] = "evidence"
    name: Name

    def test(self, view: View) -> bool | None:
        """Return the latest yes or no."""
        seen = view.evidence(self.name)
        return None if seen is None else bool(seen.value)

    def sentence(self) -> str:
        """Return the question in words."""
        return f"evidence of {self.name}"

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the evidence."""
        yield "evidence", self.name

    def _seen(self, view: View) -> tuple[Observation, ...]:
        seen = view.evidence(self.name)
        return () if seen is None else (seen,)


class IsIdentified(Condition):
    """Whether the lead is in the database; false when no fact says so."""

    op: Literal["identified"] = "identified"

    def test(self, view: View) -> bool:
        """Return whether the lead is identified."""
        return view.identified is not None

    def sentence(self) -> str:
        """Return the question in words."""
        return "identified"

    def _seen(self, view: View) -> tuple[Observation, ...]:
        return () if view.identified is None else (view.identified,)


class IsSold(Condition):
    """Whether a sale is recorded since the lead last entered a won or recycled stage."""

    op: Literal["sold"] = "sold"

    def test(self, view: View) -> bool:
        """Return whether there is such a sale."""
        return view.sold is not None

    def sentence(self) -> str:
        """Return the question in words."""
        return "a sale is recorded"

    def _seen(self, view: View) -> tuple[Observation, ...]:
        return () if view.sold is None else (view.sold,)


class ByRole(Condition):
    """Whether the actor who asks has one of these roles."""

    op: Literal["role"] = "role"
    names: Annotated[Names, Field(min_length=1)]

    def test(self, view: View) -> bool:
        """Return whether the actor has one of the roles."""
        return any(name in view.roles for name in self.names)

    def sentence(self) -> str:
        """Return the question in words."""
        return f"asked by {' or '.join(self.names)}"

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the roles."""
        for name in self.names:
            yield "role", name


class Opaque(Condition):
    """A guard that is a Python callable: named and versioned, but closed to proofs, batches and diagrams.

    A file keeps only the name and the version; whoever loads it binds the callable. The callable takes a
    :class:`View` and answers True, False, or None for unknown; anything else is an error, never a yes.
    """

    op: Literal["opaque"] = "opaque"
    name: Name
    version: Name = "1"
    call: Annotated[Any, Field(exclude=True, repr=False)] = None
    """Takes a :class:`View` and answers True, False or None."""

    @field_validator("call")
    @classmethod
    def _callable(cls, value: Any) -> Any:
        if value is not None and not callable(value):
            raise Malformed("a guard's call is a callable", hint="nothing in a definition is imported or evaluated")
        return value

    def test(self, view: View) -> bool | None:
        """Return the callable's answer.

        Raises:
            GuardError: The callable is not bound, raised, or answered something else.
        """
        if self.call is None:
            raise GuardError(self.name, "is named but not bound to a callable")
        try:
            answer = self.call(view)
        except Exception as error:
            raise GuardError(self.name, f"raised {type(error).__name__}") from error
        if answer is None or answer is True or answer is False:
            return answer
        raise GuardError(self.name, f"answered {type(answer).__name__}, not True, False or None")

    def sentence(self) -> str:
        """Return the callable's name."""
        return f"{self.name} (version {self.version})"

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the callable's name."""
        yield "opaque", self.name
