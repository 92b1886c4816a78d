"""The base class of all criteria."""

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
"""A criterion as a function from a view to True, False or None."""


class Criterion(Definition):
    """The base of all criteria."""

    def test(self, view: View) -> bool | None:
        """Return True, False, or None for unknown."""
        return self.predicate(view)

    @cached_property
    def predicate(self) -> Predicate:
        """The criterion as a function of a view; it is built once, and :meth:`test` calls it."""
        return self._compiled()

    @cached_property
    def extent(self) -> tuple[int, int]:
        """The number of criteria that it consists of, itself included, and the number of their levels."""
        inner = [part.extent for part in self.parts()]
        return 1 + sum(nodes for nodes, _ in inner), 1 + max((levels for _, levels in inner), default=0)

    def _compiled(self) -> Predicate:
        raise NotImplementedError

    def sentence(self) -> str:
        """Return the criterion in words."""
        return self._sentence

    @cached_property
    def _sentence(self) -> str:
        # Kept, because every verdict has the sentences of all its parts, and a fold makes one at each grant.
        return self._in_words()

    def _in_words(self) -> str:
        raise NotImplementedError

    def verdict(self, view: View) -> Verdict:
        """Return the answer with the facts that it rests on."""
        seen = self._seen(view)
        facts = tuple(one.fact for one in seen)
        return Verdict(self.sentence(), self.test(view), facts, self.changes_at(view), found=self._found(view, seen))

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield what the answer depends on, as pairs of topic and name: ``("field", "employees")``; ``*`` means any."""
        for part in self.parts():
            yield from part.inputs()

    def parts(self) -> tuple[Criterion, ...]:
        """Return the criteria that this one consists of."""
        return ()

    def _found(self, view: View, seen: tuple[Observation, ...]) -> str:  # noqa: ARG002 - a value may be personal
        return ""

    def _seen(self, view: View) -> tuple[Observation, ...]:  # noqa: ARG002 - by default there are none
        return ()

    def changes_at(self, view: View) -> datetime | None:  # noqa: ARG002 - most answers change by facts only
        """Return the earliest instant at which time alone may change the answer; None means never."""
        return None

    def __and__(self, other: Criterion) -> AllOf:
        from leadlife.criteria.logic import AllOf  # noqa: PLC0415 - logic imports this module

        return AllOf.checked({"of": (*_flat(AllOf, self), *_flat(AllOf, other))})

    def __or__(self, other: Criterion) -> AnyOf:
        from leadlife.criteria.logic import AnyOf  # noqa: PLC0415 - as above

        return AnyOf.checked({"of": (*_flat(AnyOf, self), *_flat(AnyOf, other))})

    def __invert__(self) -> Not:
        from leadlife.criteria.logic import Not  # noqa: PLC0415 - as above

        return Not.checked({"of": self})

    def __bool__(self) -> NoReturn:
        # ``and``, ``or``, ``not`` and chained comparisons call this; they would silently drop one of the criteria.
        raise TypeError("a criterion has no truth value: join criteria with &, | and ~, and test them with test(view)")


def _flat(kind: type[AllOf | AnyOf], criterion: Any) -> tuple[Any, ...]:
    return criterion.of if isinstance(criterion, kind) else (criterion,)
