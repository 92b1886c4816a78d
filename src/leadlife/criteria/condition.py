"""What every criterion can do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

from leadlife._base.model import Definition
from leadlife.criteria.view import Observation, Verdict, View

if TYPE_CHECKING:
    from leadlife.criteria.logic import AllOf, AnyOf, Not

Predicate = Callable[[View], "bool | None"]
"""A question as a function of a view, to True, False or None."""


def all_of(asked: tuple[Predicate, ...]) -> Predicate:
    """Return whether all are true, as one question: false when one is false, else unknown when one is."""

    def ask(view: View) -> bool | None:
        known: bool | None = True
        for part in asked:
            value = part(view)
            if value is False:
                return False
            if value is None:
                known = None
        return known

    return ask


class Criterion(Definition):
    """What every criterion can do."""

    def test(self, view: View) -> bool | None:
        """Return True, False, or None for unknown."""
        return self.predicate(view)

    @cached_property
    def predicate(self) -> Predicate:
        """The question as a function of a view, which :meth:`test` calls; worked out once."""
        return self._compiled()

    @cached_property
    def extent(self) -> tuple[int, int]:
        """How many criteria it is made of, itself included, and on how many levels."""
        inner = [part.extent for part in self.parts()]
        return 1 + sum(nodes for nodes, _ in inner), 1 + max((levels for _, levels in inner), default=0)

    def _compiled(self) -> Predicate:
        raise NotImplementedError

    def sentence(self) -> str:
        """Return the question in plain words."""
        raise NotImplementedError

    def verdict(self, view: View) -> Verdict:
        """Return the answer with the facts it rests on."""
        seen = self._seen(view)
        facts = tuple(one.fact for one in seen)
        return Verdict(self.sentence(), self.test(view), facts, self.changes_at(view), found=self._found(view, seen))

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield what the answer depends on, as pairs such as ``("field", "employees")``; ``*`` stands for any."""
        for part in self.parts():
            yield from part.inputs()

    def parts(self) -> tuple[Criterion, ...]:
        """Return the criteria that this one is made of."""
        return ()

    def _found(self, view: View, seen: tuple[Observation, ...]) -> str:  # noqa: ARG002 - a value may be personal
        return ""

    def _seen(self, view: View) -> tuple[Observation, ...]:  # noqa: ARG002 - a hook with nothing to see
        return ()

    def changes_at(self, view: View) -> datetime | None:  # noqa: ARG002 - most answers wait for a fact
        """Return when, at the earliest, time alone changes the answer; None for never."""
        return None

    def __and__(self, other: Criterion) -> AllOf:
        from leadlife.criteria.logic import AllOf  # noqa: PLC0415 - logic is made of conditions

        return AllOf.checked({"of": (*_flat(AllOf, self), *_flat(AllOf, other))})

    def __or__(self, other: Criterion) -> AnyOf:
        from leadlife.criteria.logic import AnyOf  # noqa: PLC0415 - as above

        return AnyOf.checked({"of": (*_flat(AnyOf, self), *_flat(AnyOf, other))})

    def __invert__(self) -> Not:
        from leadlife.criteria.logic import Not  # noqa: PLC0415 - as above

        return Not.checked({"of": self})

    def __bool__(self) -> NoReturn:
        raise TypeError("a criterion is a question, not an answer: join criteria with &, | and ~")


def _flat(kind: type[AllOf | AnyOf], criterion: Any) -> tuple[Any, ...]:
    return criterion.of if isinstance(criterion, kind) else (criterion,)
