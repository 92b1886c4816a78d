"""Criteria that do not read facts: the role of the actor, and a function of the host."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from leadlife._base.model import Name, Names
from leadlife.criteria.condition import Criterion, Predicate
from leadlife.criteria.view import View
from leadlife.errors import GuardError, Malformed


class ByRole(Criterion):
    """Whether the actor has one of these roles."""

    op: Literal["role"] = "role"
    names: Annotated[Names, Field(min_length=1)]

    def _compiled(self) -> Predicate:
        names = frozenset(self.names)
        return lambda view: not names.isdisjoint(view.roles)

    def sentence(self) -> str:
        """Return the criterion in words."""
        return f"asked by {' or '.join(self.names)}"

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the roles."""
        for name in self.names:
            yield "role", name


class CustomGuard(Criterion):
    """A guard that is a Python callable, with a name and a version. The checker and the diagrams cannot look into it.

    A file keeps only the name and the version; the program that loads it binds the callable again. The callable takes a
    :class:`View` and returns True, False, or None for unknown. Any other answer is an error.
    """

    op: Literal["custom_guard"] = "custom_guard"
    name: Name
    version: Name = "1"
    call: Annotated[Any, Field(exclude=True, repr=False)] = None
    """A function from a :class:`View` to True, False or None."""

    @field_validator("call")
    @classmethod
    def _callable(cls, value: Any) -> Any:
        if value is not None and not callable(value):
            raise Malformed("call must be a function", hint="pass the function itself: names are not imported")
        return value

    def test(self, view: View) -> bool | None:
        """Return the callable's answer.

        Raises:
            GuardError: The callable is not bound, raised, or returned another value.
        """
        if self.call is None:
            raise GuardError(self.name, "is named but not bound to a callable")
        try:
            answer = self.call(view)
        except Exception as error:
            raise GuardError(self.name, f"raised {type(error).__name__}") from error
        # Compared with ``is``: 1 or a numpy bool would equal True, but a guard must not pass by accident.
        if answer is None or answer is True or answer is False:
            return answer
        raise GuardError(self.name, f"answered {type(answer).__name__}, not True, False or None")

    def _compiled(self) -> Predicate:
        return self.test

    def sentence(self) -> str:
        """Return the callable's name."""
        return f"{self.name} (version {self.version})"

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the callable's name."""
        yield "custom_guard", self.name
