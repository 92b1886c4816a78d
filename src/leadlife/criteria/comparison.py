"""Comparisons of a value, whether it is a field, an attribute of an activity, or a sum."""

import operator
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from leadlife._base.model import SORTED, Accepts, Definition, Label, OneOf, TupleOf
from leadlife.criteria.view import Scalar
from leadlife.errors import Malformed

Test = Callable[[Any], "bool | None"]
MOST_VALUES = 1_000


class Comparison(StrEnum):
    """How a value is compared. Parts of a text are compared without regard to upper and lower case."""

    EQ = "=="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    IN = "in"
    BETWEEN = "between"
    CONTAINS = "contains"
    STARTS = "starts with"
    ENDS = "ends with"
    KNOWN = "known"

    @property
    def relation(self) -> Callable[[Any, Any], bool]:
        """The function that compares two values.

        Raises:
            KeyError: This is not one of the six relations.
        """
        return _RELATIONS[self]


_RELATIONS: dict[Comparison, Callable[[Any, Any], bool]] = {
    Comparison.EQ: operator.eq,
    Comparison.NE: operator.ne,
    Comparison.LT: operator.lt,
    Comparison.LE: operator.le,
    Comparison.GT: operator.gt,
    Comparison.GE: operator.ge,
}
_TEXTUAL: dict[Comparison, Callable[[str, str], bool]] = {
    Comparison.CONTAINS: operator.contains,
    Comparison.STARTS: str.startswith,
    Comparison.ENDS: str.endswith,
}
WORDS = {
    Comparison.EQ: "is",
    Comparison.NE: "is not",
    Comparison.LT: "is less than",
    Comparison.LE: "is at most",
    Comparison.GT: "is more than",
    Comparison.GE: "is at least",
}
COUNTED = {
    Comparison.EQ: "exactly",
    Comparison.NE: "any number but",
    Comparison.LT: "fewer than",
    Comparison.LE: "at most",
    Comparison.GT: "more than",
    Comparison.GE: "at least",
}


def _relation(value: object) -> Comparison:
    if value not in tuple(_RELATIONS):  # a tuple, because the value may not be hashable
        raise Malformed(f"must be one of: {', '.join(_RELATIONS)}")
    return Comparison(str(value))


AnyComparison = OneOf[Comparison]
Relation = Annotated[OneOf[Comparison], BeforeValidator(_relation)]
"""One of the six relations. Numbers can be compared by these only."""

Several = Annotated[TupleOf[Scalar], Field(min_length=1, max_length=MOST_VALUES)]


class Comparing(Definition):
    """A comparison, and the value or values to compare with."""

    compare: AnyComparison
    value: Scalar | Several | None = None
    """One value; several for ``in``; the lowest and the highest for ``between``; None for ``known``."""

    def __eq__(self, other: object) -> bool:
        # In Python True == 1. A criterion about True is another one than a criterion about 1.
        return isinstance(other, Comparing) and super().__eq__(other) and _kinds(self) == _kinds(other)

    def __hash__(self) -> int:
        return hash(self.model_dump_json())

    @model_validator(mode="after")
    def _fits(self) -> Self:
        several = isinstance(self.value, tuple)
        match self.compare:
            case Comparison.KNOWN:
                fits, wanted = self.value is None, "takes no value"
            case Comparison.IN:
                fits, wanted = several, "needs a list of values"
            case Comparison.BETWEEN:
                fits = isinstance(self.value, tuple) and len(self.value) == 2 and _ordered(*self.value)  # noqa: PLR2004 - a pair
                wanted = "needs the lowest and the highest value, in this order"
            case Comparison.CONTAINS | Comparison.STARTS | Comparison.ENDS:
                fits, wanted = isinstance(self.value, str) and self.value != "", "needs a text"
            case _:
                fits, wanted = self.value is not None and not several, "needs one value"
        if not fits:
            raise Malformed(f"{self.compare.value!r} {wanted}")
        return self

    def values(self) -> tuple[Scalar, ...]:
        """Return the values that are compared to."""
        if isinstance(self.value, tuple):
            return self.value
        return () if self.value is None else (self.value,)

    def words(self) -> str:
        """Return the comparison in words, without its subject."""
        values = [words_of(value) for value in self.values()]
        match self.compare:
            case Comparison.KNOWN:
                return "is known"
            case Comparison.IN:
                return f"is one of {', '.join(values)}" if len(values) > 1 else f"is {values[0]}"
            case Comparison.BETWEEN:
                return f"is between {values[0]} and {values[1]}"
            case Comparison.CONTAINS | Comparison.STARTS | Comparison.ENDS:
                return f"{self.compare} {self.value!r}"
            case _:
                return f"{WORDS[self.compare]} {values[0]}"

    def holding(self) -> Test:
        """Return the comparison as a function of the value; it returns None if the value is of another type."""
        compare, value = self.compare, self.value
        if compare is Comparison.KNOWN:
            return lambda _value: True
        if isinstance(value, tuple):
            return _among(value) if compare is Comparison.IN else _between(value)
        kinds = _comparable(value)
        if compare in _TEXTUAL:
            part, matches = str(value).casefold(), _TEXTUAL[compare]
            return lambda found: matches(found.casefold(), part) if type(found) is str else None
        relation = _RELATIONS[compare]
        # type() and not isinstance(): a bool is an int in Python, and must not be compared with a number here.
        return lambda found: relation(found, value) if type(found) in kinds else None


def _kinds(criterion: Comparing) -> list[type]:
    return [type(value) for value in criterion.values()]


def words_of(value: Scalar) -> str:
    """Return a value in words."""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _comparable(value: object) -> tuple[type, ...]:
    """Return the types of the values that a value can be compared with."""
    return (type(value),) if isinstance(value, bool | str) else (int, float)


def _ordered(low: Scalar, high: Scalar) -> bool:
    return type(high) in _comparable(low) and low <= high  # type: ignore[operator]


def _among(values: tuple[Scalar, ...]) -> Test:
    by_type: dict[type, set[Scalar]] = {}  # by type, because a set alone would find True in {1}
    for value in values:
        for kind in _comparable(value):
            by_type.setdefault(kind, set()).add(value)

    def holds(found: Any) -> bool | None:
        known = by_type.get(type(found))
        return None if known is None else found in known

    return holds


def _between(values: tuple[Any, ...]) -> Test:
    low, high = values
    kinds = _comparable(low)
    return lambda found: low <= found <= high if type(found) in kinds else None


class Match(Comparing):
    """A comparison of an attribute of an activity: ``it >= 10``, ``it.contains("pricing")``."""

    def sentence(self, name: str) -> str:
        """Return the comparison in words."""
        return f"{name} {self.words()}"

    def example(self) -> Scalar:
        """Return a value that matches."""
        first = next(iter(self.values()), True)
        if self.compare not in (Comparison.GT, Comparison.LT, Comparison.NE):
            return first
        if isinstance(first, bool):
            return not first
        if isinstance(first, str):
            return f"{first}+"
        return first - 1 if self.compare is Comparison.LT else first + 1


def _as_match(value: object) -> object:
    if isinstance(value, Match | dict):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        several = tuple(value) if isinstance(value, list | tuple) else tuple(sorted(value, key=repr))
        return {"compare": Comparison.IN, "value": several}
    return {"compare": Comparison.EQ, "value": value}


if TYPE_CHECKING:
    Where = Accepts[dict[str, Match], Mapping[str, object]]
else:
    Where = Annotated[dict[Label, Annotated[Match, BeforeValidator(_as_match)]], Field(max_length=20), SORTED]
"""What the attributes of an activity must be, by name: a value, one of several values, or a comparison."""


def where_words(where: dict[str, Match]) -> str:
    """Return what attributes must be, in words that follow the kind of an activity."""
    sentences = " and ".join(match.sentence(name) for name, match in where.items())
    return f" where {sentences}" if sentences else ""


def matching(where: dict[str, Match]) -> Callable[[Any], bool] | None:
    """Return a function that tests the attributes of an activity; None if any attributes match.

    An attribute that is missing or of another type does not match: whether an activity counts is never unknown.
    """
    if not where:
        return None
    tests = [(name, match.holding()) for name, match in where.items()]
    if len(tests) == 1:
        ((name, test),) = tests
        return lambda attributes: name in attributes and test(attributes[name]) is True
    return lambda attributes: all(name in attributes and holds(attributes[name]) is True for name, holds in tests)
