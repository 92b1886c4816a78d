"""Criteria about values: the fields of a lead, and the attributes of its latest activity of a kind."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from leadlife._base.model import Label, Name, Text
from leadlife.criteria.comparison import Comparing, Comparison, words_of
from leadlife.criteria.condition import Criterion, Predicate
from leadlife.criteria.view import Observation, Verdict, View
from leadlife.errors import Malformed


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

    def _in_words(self) -> str:
        """Return the comparison in words."""
        return f"{self.name} {self.words()}"

    def verdict(self, view: View) -> Verdict:
        """Return the answer with the facts that it rests on, and with the value, unless that may be personal."""
        verdict, seen = super().verdict(view), view.field(self.name)
        if seen is None or verdict.value is True or not view.shows(self.name):
            return verdict
        found = words_of(seen.value)
        needed = self.words().removeprefix("is ")
        # Only what begins with "is" can be turned into what is needed; other comparisons keep their own sentence.
        lacks = "" if needed == self.words() else f"{self.name} is {found}, needs {needed}"
        return replace(verdict, found=f"it is {found}", lacks=lacks)

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the field."""
        yield "field", self.name

    def _seen(self, view: View) -> tuple[Observation, ...]:
        seen = view.field(self.name)
        return () if seen is None else (seen,)


_SEPARATORS = re.compile(r"[;,|\n]")


class FieldHas(Criterion):
    """Whether a field that holds several values has one of them: ``Java`` is not in ``JavaScript; SQL``.

    Values are compared whole, without regard to case and to space around them. Unknown if the field is missing or holds
    no text.
    """

    op: Literal["has"] = "has"
    name: Name
    value: Annotated[Text, Field(min_length=1)]
    separator: Annotated[str, Field(min_length=1, max_length=9)] | None = None
    """The text between two values; by default ``;``, ``,``, ``|`` or a new line."""

    @model_validator(mode="after")
    def _one_value(self) -> Self:
        if not self.value.strip() or len(self._apart(self.value)) > 1:
            hint = "join has(...) with &, or name another separator"
            raise Malformed("a question about several values asks for one at a time", hint=hint)
        return self

    def _apart(self, text: str) -> list[str]:
        return _SEPARATORS.split(text) if self.separator is None else text.split(self.separator)

    def _compiled(self) -> Predicate:
        name = self.name

        def ask(view: View) -> bool | None:
            seen = view.field(name)
            return None if seen is None else self.holds(seen.value)

        return ask

    def holds(self, found: object) -> bool | None:
        """Return whether a value of the field has the one that is asked for; None if it is not text."""
        if not isinstance(found, str):
            return None
        return self.value.strip().casefold() in (one.strip().casefold() for one in self._apart(found))

    def _in_words(self) -> str:
        """Return the criterion in words."""
        return f"{self.name} has {self.value}"

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
    attribute: Label

    def _compiled(self) -> Predicate:
        kind, attribute, holds = self.kind, self.attribute, self.holding()
        missing = False if self.compare is Comparison.KNOWN else None

        def ask(view: View) -> bool | None:
            seen = next(view.activities(kind), None)
            return missing if seen is None or attribute not in seen.value else holds(seen.value[attribute])

        return ask

    def _in_words(self) -> str:
        """Return the comparison in words."""
        return f"{self.attribute} of the latest {self.kind} {self.words()}"

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the activity kind."""
        yield "activity", self.kind

    def _seen(self, view: View) -> tuple[Observation, ...]:
        seen = next(view.activities(self.kind), None)
        return () if seen is None else (seen,)
