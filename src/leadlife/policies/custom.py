"""A policy of one's own: a plain function, or an object that scores, bound by name and version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator

from leadlife._model import LAX
from leadlife.errors import LeadlifeError, Malformed, PolicyError
from leadlife.policies.policy import Bands, Policy
from leadlife.policies.sight import Sight
from leadlife.scoring import Answer, Scale, Score, banded, micropoints


class Bound(Policy):
    """A function or an object of one's own as a policy.

    A file keeps only its name, version, scale and bands; whoever loads it binds the object. Not bound to any, it is a
    policy that the world answers: in a journey its score is the latest :class:`ScoreReported` of its name
    and version.

    >>> from datetime import datetime, UTC
    >>> from leadlife import Lead
    >>> def eagerness(lead, activities, *, at):
    ...     return {"was active": 10 * len(activities)}
    >>> Bound.of(eagerness).score(Lead(id="ada"), (), at=datetime(2026, 3, 2, tzinfo=UTC)).value
    0.0
    """

    op: Literal["bound"] = "bound"
    scale: Annotated[Scale, LAX] = Scale.POINTS
    bands: Bands = Field(default_factory=dict[str, float])
    call: Annotated[Any, Field(exclude=True, repr=False)] = None
    """A function ``(lead, activities, *, at)``, or an object with a method ``score`` of that form."""

    @field_validator("call")
    @classmethod
    def _callable(cls, value: Any) -> Any:
        if value is not None and not callable(value) and not callable(getattr(value, "score", None)):
            raise Malformed("a policy is a function or has a method score", hint="nothing is imported or evaluated")
        return value

    @classmethod
    def of(cls, call: Any, *, name: str | None = None, version: str | None = None, **more: Any) -> Self:
        """Return a function, or an object that scores, as a policy; its own name and version are taken by default.

        Raises:
            Malformed: It is neither, or has no name.
        """
        found = name or getattr(call, "name", None) or getattr(call, "__name__", None)
        if not isinstance(found, str) or found == "<lambda>":
            raise Malformed("a policy of one's own needs a name", hint="give name=, or define the function with def")
        told = version or str(getattr(call, "version", "1"))
        return cls(name=found, version=told, call=call, **more)

    def band_names(self) -> tuple[str, ...]:
        """Return its bands, the lowest first."""
        return tuple(sorted(self.bands, key=self.bands.__getitem__))

    def _assess(self, sight: Sight) -> Score:
        if self.call is None:
            raise PolicyError(self.name, "is named but not bound to a function")
        scoring = getattr(self.call, "score", self.call)
        try:
            answer = scoring(sight.lead, sight.in_order, at=sight.at)
        except Exception as error:
            if isinstance(error, PolicyError):
                raise
            raise PolicyError(self.name, f"raised {type(error).__name__}") from error
        return self.restate(answer, at=sight.at)

    def restate(self, answer: Any, *, at: datetime, why: str = "") -> Score:
        """Return an answer as a score.

        Args:
            answer: A number, points by reason, a score, or None for no answer.
            at: The instant it is for.
            why: The reason to give for a bare number; by default the policy's name.

        Raises:
            PolicyError: It is NaN, infinite, too large, no probability, or something else altogether.
        """
        try:
            score = self._restated(answer, at, why or self.meaning or self.name)
            # What code of one's own does with time is its own affair: it may change at once, unless it says when.
            return score if score.changes_at is not None else replace(score, changes_at=at)
        except PolicyError:
            raise
        except LeadlifeError as error:
            raise PolicyError(self.name, f"answered what is no score: {error.message}") from None

    def _restated(self, answer: Any, at: datetime, why: str) -> Score:
        if answer is None:
            return Score(self.name, self.version, at, answer=Answer.UNANSWERED, why=f"{self.name} has no answer")
        if isinstance(answer, Score):
            if answer.scale is not self.scale:
                raise PolicyError(self.name, f"answered a score in {answer.scale}, not in {self.scale}")
            if answer.at != at:
                raise PolicyError(self.name, "answered for another instant")
            return banded(self.renamed(answer), self.bands)
        if self.scale is Scale.PROBABILITY:
            if isinstance(answer, bool) or not isinstance(answer, int | float):
                raise PolicyError(self.name, f"answered {type(answer).__name__}, not a probability")
            chance = Score(self.name, self.version, at, micropoints(answer), scale=self.scale, probability=answer)
            return banded(chance, self.bands)
        points = answer if isinstance(answer, Mapping) else {why: answer}
        return Score.of(self.name, points, at=at, version=self.version, bands=self.bands)
