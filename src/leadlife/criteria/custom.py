"""Criteria that do not read facts: the role of the actor, and a function of the host."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from leadlife._base.model import LATEST, Name, Names
from leadlife.criteria.condition import Criterion, Predicate
from leadlife.criteria.view import Scored, View
from leadlife.errors import GuardError, Malformed


class ByRole(Criterion):
    """Whether the actor has one of these roles."""

    op: Literal["role"] = "role"
    names: Annotated[Names, Field(min_length=1)]

    def _compiled(self) -> Predicate:
        names = frozenset(self.names)
        return lambda view: not names.isdisjoint(view.roles)

    def _in_words(self) -> str:
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

    What it reads of the view decides its answer. If it reads the instant, ``view.at``, time alone may change the answer
    at any moment: a journey asks it again at every review, unless ``next_change`` says when. In a rule, ``view.at`` is
    then the instant of the last fact or review.
    """

    op: Literal["custom_guard"] = "custom_guard"
    name: Name
    version: Name = "1"
    call: Annotated[Any, Field(exclude=True, repr=False)] = None
    """A function from a :class:`View` to True, False or None."""
    next_change: Annotated[Any, Field(exclude=True, repr=False)] = None
    """A function from a :class:`View` to the next instant at which time alone may change the answer; None for never."""

    @field_validator("call", "next_change")
    @classmethod
    def _callable(cls, value: Any, info: ValidationInfo) -> Any:
        if value is not None and not callable(value):
            raise Malformed(
                f"{info.field_name} must be a function", hint="pass the function itself: names are not imported"
            )
        return value

    def test(self, view: View) -> bool | None:
        """Return the callable's answer.

        Raises:
            GuardError: The callable is not bound, raised, or returned another value.
        """
        return self._asked(view if self.next_change is not None else _reviewed(view))

    def changes_at(self, view: View) -> datetime | None:
        """Return the earliest instant at which time alone may change the answer; None means never.

        It is the instant of the view itself if nothing says when, which means that it may be any moment.

        Raises:
            GuardError: A callable is not bound, raised, or returned another value.
        """
        if self.next_change is None:
            watched = _WatchedView(_reviewed(view))
            self._asked(watched)
            return view.at if watched.time_was_read else None
        changes = self._called(self.next_change, view)
        if changes is None:
            return None
        if not isinstance(changes, datetime) or changes.utcoffset() is None:
            raise GuardError(self.name, "gave a next_change that is neither None nor an aware datetime")
        if changes <= view.at:
            return view.at
        return None if changes >= LATEST else changes.astimezone(UTC)

    def _asked(self, view: Any) -> bool | None:
        if self.call is None:
            raise GuardError(self.name, "is not bound to a function")
        answer = self._called(self.call, view)
        # Compared with ``is``: 1 or a numpy bool would equal True, but a guard must not pass by accident.
        if answer is None or answer is True or answer is False:
            return answer
        raise GuardError(self.name, f"answered {type(answer).__name__}, not True, False or None")

    def _called(self, function: Any, view: Any) -> Any:
        try:
            return function(view)
        except Exception as error:
            raise GuardError(self.name, f"raised {type(error).__name__}") from error

    def _compiled(self) -> Predicate:
        return self.test

    def _in_words(self) -> str:
        """Return the callable's name."""
        return f"{self.name} (version {self.version})"

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the callable's name."""
        yield "custom_guard", self.name


def _reviewed(view: View) -> View:
    """Return the view for which custom code is asked that does not say when it changes."""
    # A host's own machine may pass any object as the view, which then has no instants to tell apart.
    return view if getattr(view, "aged", None) is getattr(view, "at", None) else view.reviewed()


_TIMELESS = frozenset(
    (
        "activities",
        "consent",
        "cycle",
        "evidence",
        "field",
        "fields",
        "first",
        "history",
        "identified",
        "keeps_reports",
        "kinds",
        "lead",
        "left",
        "qualification",
        "readiness",
        "reported",
        "roles",
        "running",
        "shows",
        "sold",
        "source",
        "stage",
        "total",
        "zone",
    )
)
"""What a view offers that time alone does not change, or that other rules change."""


class _WatchedView:
    """A view that notes whether custom code reads the time.

    The same code with the same facts reads the same, so code that has not read the time will not read it later either.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self.time_was_read = False

    @property
    def at(self) -> datetime:
        """The instant for which the code is asked."""
        self.time_was_read = True
        return self._view.at

    @property
    def aged(self) -> datetime:
        """The same instant."""
        return self.at

    def score(self, name: str) -> Scored | None:
        """The score by a policy; time may change it where half-lives or windows do."""
        score = self._view.score(name)
        if score is not None and (score.changes_at is not None or score.fading):
            self.time_was_read = True
        return score

    def reviewed(self) -> "_WatchedView":
        """The same view, which is watched already."""
        return self

    def __getattr__(self, name: str) -> Any:
        if name not in _TIMELESS:
            self.time_was_read = True  # whatever else a view offers may lead to the time
        return getattr(self._view, name)
