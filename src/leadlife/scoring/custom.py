"""A policy of one's own: a plain function, or an object that scores, bound by name and version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from inspect import signature
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from leadlife._base.model import OneOf, default
from leadlife.errors import LeadlifeError, Malformed, PolicyError, PolicyNotBound
from leadlife.scoring import MICRO, Answer, Scale, Score, banded, micropoints
from leadlife.scoring.policy import Banded, PolicyView, as_mapping


class CustomPolicy(Banded):
    """A function or an object of one's own as a policy.

    A file keeps only its name, version, scale and bands; whoever loads it binds the object. Not bound to any, it is a
    policy that the world answers: in a journey its score is the latest :class:`ScoreReported` of its name
    and version.

    >>> from datetime import datetime, UTC
    >>> from leadlife import Lead
    >>> def eagerness(lead, activities, *, at):
    ...     return {"was active": 10 * len(activities)}
    >>> CustomPolicy.of(eagerness).score(Lead(id="ada"), (), at=datetime(2026, 3, 2, tzinfo=UTC)).value
    0.0
    """

    op: Literal["custom_policy"] = "custom_policy"
    scale: OneOf[Scale] = default(Scale.POINTS)
    call: Annotated[Any, Field(exclude=True, repr=False)] = None
    """A function ``(lead, activities, *, at)``, or an object with a method ``score`` of that form."""

    @field_validator("call")
    @classmethod
    def _callable(cls, value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, type):
            raise Malformed("this is a class", hint="give an instance of it")
        scoring = getattr(value, "score", value)
        if not callable(scoring):
            raise Malformed("a policy is a function or has a method score", hint="nothing is imported or evaluated")
        try:
            signature(scoring).bind(None, (), at=None)
        except TypeError:
            raise Malformed("a policy is called with (lead, activities, at=...)") from None
        except ValueError:
            return value  # a built-in callable may tell no signature
        return value

    @model_validator(mode="before")
    @classmethod
    def _bind(cls, data: Any, info: ValidationInfo) -> Any:
        """Bind what :func:`read_policy` was given under this policy's name."""
        given: Mapping[str, Any] = (info.context or {}).get("policies") or {}
        name = data.get("name") if isinstance(data, dict) else None
        return {**data, "call": given[name]} if isinstance(name, str) and name in given and "call" not in data else data

    @classmethod
    def of(
        cls,
        call: Any,
        *,
        name: str | None = None,
        version: str | None = None,
        scale: Scale = Scale.POINTS,
        bands: Mapping[str, float] | None = None,
        meaning: str = "",
    ) -> Self:
        """Return a function, or an object that scores, as a policy.

        Args:
            call: The function or the object.
            name: What it is called; by default its own name.
            version: Which version this is; by default its own, else 1.
            scale: What its answers mean.
            bands: Each band and its least value.
            meaning: What it is about, in words.

        Raises:
            Malformed: It is neither, cannot be called so, or has no name.
        """
        found = name or getattr(call, "name", None) or getattr(call, "__name__", None)
        if not isinstance(found, str) or found == "<lambda>":
            if call is not None and not callable(call) and not hasattr(call, "score"):
                raise Malformed(
                    "this is no policy", hint="a policy is data, a named function, or an object that scores"
                )
            raise Malformed("a policy of one's own needs a name", hint="give name=, or define the function with def")
        told = version or str(getattr(call, "version", "1"))
        given = bands if isinstance(bands, dict) or bands is None else dict(as_mapping("bands", bands))
        return cls(name=found, version=told, scale=scale, bands=given or {}, meaning=meaning, call=call)

    @property
    def declares_all(self) -> bool:
        """False, for code of one's own may read anything."""
        return False

    def limits(self) -> tuple[int | None, int | None]:
        """Return 0 and 1 for a probability, else no bounds."""
        return (0, MICRO) if self.scale is Scale.PROBABILITY else (None, None)

    def _assess(self, view: PolicyView) -> Score:
        if self.call is None and view.keeps_reports:
            report = view.reported(self.name, self.version)
            if report is None:
                return self._unanswered(view.at, f"{self.name} is not bound and has not been reported")
            # A report stands until the next one: time does nothing to it.
            return replace(self.score_of(report.value, at=view.at, why="reported"), changes_at=None)
        if self.call is None:
            raise PolicyNotBound(self.name, "is named but not bound to a function")
        scoring = getattr(self.call, "score", self.call)
        try:
            answer = scoring(view.lead, view.history, at=view.at)
        except Exception as error:
            if isinstance(error, PolicyError):
                raise
            raise PolicyError(self.name, f"raised {type(error).__name__}") from error
        return self.score_of(answer, at=view.at)

    def _unanswered(self, at: datetime, why: str) -> Score:
        return banded(Score(self.name, self.version, at, answer=Answer.UNANSWERED, why=why), self.bands)

    def score_of(self, answer: Any, *, at: datetime, why: str = "") -> Score:
        """Return an answer as a score.

        Args:
            answer: A number, points by reason, a score, or None for no answer.
            at: The instant it is for.
            why: The reason to give for a bare number; by default the policy's name.

        Raises:
            PolicyError: It is NaN, infinite, too large, no probability, or something else altogether.
        """
        try:
            score = self._as_score(answer, at, why or self.meaning or self.name)
            # What code of one's own does with time is its own affair: it may change at once, unless it says when.
            return score if score.changes_at is not None else replace(score, changes_at=at)
        except PolicyError:
            raise
        except LeadlifeError as error:
            raise PolicyError(self.name, f"answered what is no score: {error.message}") from None
        except Exception as error:  # a mapping of one's own may do anything
            raise PolicyError(self.name, f"answered what is no score: {type(error).__name__}") from error

    def _as_score(self, answer: Any, at: datetime, why: str) -> Score:
        if answer is None:
            return self._unanswered(at, f"{self.name} has no answer")
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
