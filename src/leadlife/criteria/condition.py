"""What every criterion can do, and how values are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

from leadlife._model import LAX, Definition
from leadlife.criteria.view import Observation, Verdict, View

if TYPE_CHECKING:
    from leadlife.criteria.logic import AllOf, AnyOf, Not


class Comparison(StrEnum):
    """How a value is compared."""

    EQ = "=="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="

    def holds(self, left: Any, right: Any) -> bool:
        """Return whether the comparison is true of two comparable values."""
        return bool(_OPERATORS[self](left, right))


_OPERATORS: dict[Comparison, Callable[[Any, Any], Any]] = {
    Comparison.EQ: lambda left, right: left == right,
    Comparison.NE: lambda left, right: left != right,
    Comparison.LT: lambda left, right: left < right,
    Comparison.LE: lambda left, right: left <= right,
    Comparison.GT: lambda left, right: left > right,
    Comparison.GE: lambda left, right: left >= right,
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
AnyComparison = Annotated[Comparison, LAX]


class Condition(Definition):
    """What every criterion can do."""

    def test(self, view: View) -> bool | None:
        """Return True, False, or None for unknown."""
        raise NotImplementedError

    def sentence(self) -> str:
        """Return the question in plain words."""
        raise NotImplementedError

    def judge(self, view: View) -> Verdict:
        """Return the answer with the facts it rests on."""
        seen = self._seen(view)
        return Verdict(self.sentence(), self.test(view), tuple(o.fact for o in seen), self._changes(view))

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield what the answer depends on, as pairs such as ``("field", "employees")``."""
        yield from ()

    def parts(self) -> tuple[Condition, ...]:
        """Return the criteria that this one is made of."""
        return ()

    def _seen(self, view: View) -> tuple[Observation, ...]:  # noqa: ARG002 - a hook with nothing to see
        return ()

    def _changes(self, view: View) -> datetime | None:  # noqa: ARG002 - most answers wait for a fact
        return None

    def __and__(self, other: Condition) -> AllOf:
        from leadlife.criteria.logic import AllOf  # noqa: PLC0415 - logic is made of conditions

        return AllOf.checked({"of": (*_flat(AllOf, self), *_flat(AllOf, other))})

    def __or__(self, other: Condition) -> AnyOf:
        from leadlife.criteria.logic import AnyOf  # noqa: PLC0415 - as above

        return AnyOf.checked({"of": (*_flat(AnyOf, self), *_flat(AnyOf, other))})

    def __invert__(self) -> Not:
        from leadlife.criteria.logic import Not  # noqa: PLC0415 - as above

        return Not.checked({"of": self})

    def __bool__(self) -> NoReturn:
        raise TypeError("a criterion is a question, not an answer: join criteria with &, | and ~")


def _flat(kind: type[AllOf | AnyOf], criterion: Any) -> tuple[Any, ...]:
    return criterion.of if isinstance(criterion, kind) else (criterion,)
