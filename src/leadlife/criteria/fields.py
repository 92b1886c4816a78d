"""Criteria about values: the fields of a lead, and the attributes of its latest activity of a kind."""

from collections.abc import Iterator
from typing import Literal

from leadlife._base.model import Name
from leadlife.criteria.comparison import Comparing, Comparison
from leadlife.criteria.condition import Criterion, Predicate
from leadlife.criteria.view import Observation, View


class FieldIs(Comparing, Criterion):
    """Compares the latest value of a field; unknown if it is missing or of another type.

    The comparison ``known`` asks whether there is a value; it is never unknown.
    """

    op: Literal["field"] = "field"
    name: Name

    def _compiled(self) -> Predicate:
        name, holds = self.name, self.holding()
        missing = False if self.compare is Comparison.KNOWN else None

        def ask(view: View) -> bool | None:
            seen = view.field(name)
            return missing if seen is None else holds(seen.value)

        return ask

    def sentence(self) -> str:
        """Return the comparison in words."""
        return f"{self.name} {self.words()}"

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the field."""
        yield "field", self.name

    def _seen(self, view: View) -> tuple[Observation, ...]:
        seen = view.field(self.name)
        return () if seen is None else (seen,)


class LatestIs(Comparing, Criterion):
    """Compares an attribute of the latest activity of a kind; unknown if there is no such activity or attribute."""

    op: Literal["latest"] = "latest"
    kind: Name
    attribute: Name

    def _compiled(self) -> Predicate:
        kind, attribute, holds = self.kind, self.attribute, self.holding()
        missing = False if self.compare is Comparison.KNOWN else None

        def ask(view: View) -> bool | None:
            seen = next(view.activities(kind), None)
            return missing if seen is None or attribute not in seen.value else holds(seen.value[attribute])

        return ask

    def sentence(self) -> str:
        """Return the comparison in words."""
        return f"{self.attribute} of the latest {self.kind} {self.words()}"

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the activity kind."""
        yield "activity", self.kind

    def _seen(self, view: View) -> tuple[Observation, ...]:
        seen = next(view.activities(self.kind), None)
        return () if seen is None else (seen,)
