"""A custom policy: a function, or an object with a method ``score``, bound by name and version."""

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
    """Your own function or object as a policy.

    A file keeps only its name, version, scale and bands; the program that loads the file binds the function again. A
    custom policy that is not bound gets its scores from outside: in a journey its score is the latest
    :class:`ScoreReported` of its name and version.

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
    timeless: bool = False
    """Whether the function leaves ``at`` unread, so that only facts change its answer.

    Otherwise time may change it at any moment: rules look at it again at every review, unless the function returns a
    :class:`Score` whose ``changes_at`` says when.
    """

    @field_validator("call")
    @classmethod
    def _callable(cls, value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, type):
            raise Malformed(f"a policy must be an instance, not the class {value.__name__!r}", hint="call the class")
        scoring = getattr(value, "score", value)
        if not callable(scoring):
            raise Malformed(
                "a policy must be a function, or an object with a method score", hint="pass the function itself"
            )
        try:
            signature(scoring).bind(None, (), at=None)
        except TypeError:
            raise Malformed(
                "a policy must take (lead, activities, *, at)", hint="def my_policy(lead, activities, *, at): ..."
            ) from None
        except ValueError:
            return value  # a built-in callable may have no signature to check
        return value

    @model_validator(mode="before")
    @classmethod
    def _bind(cls, data: Any, info: ValidationInfo) -> Any:
        """Bind the function that was passed to :func:`read_policy` under this policy's name."""
        functions: Mapping[str, Any] = (info.context or {}).get("policies") or {}
        name = data.get("name") if isinstance(data, dict) else None
        if isinstance(name, str) and name in functions and "call" not in data:
            return {**data, "call": functions[name]}
        return data

    @classmethod
    def of(
        cls,
        call: Any,
        *,
        name: str | None = None,
        version: str | None = None,
        scale: Scale = Scale.POINTS,
        bands: Mapping[str, float] | None = None,
        timeless: bool = False,
        meaning: str = "",
    ) -> Self:
        """Return a function, or an object with a method ``score``, as a policy.

        Args:
            call: The function or the object.
            name: The name of the policy; by default that of the function or object.
            version: The version; by default that of the object, else 1.
            scale: What the answers mean.
            bands: The least value of each band.
            timeless: Whether the function leaves ``at`` unread, so that only facts change its answer.
            meaning: What the policy is about, in words.

        Raises:
            Malformed: ``call`` cannot be called with ``(lead, activities, at=...)``, or has no name.
        """
        own_name = name or getattr(call, "name", None) or getattr(call, "__name__", None)
        if not isinstance(own_name, str) or own_name == "<lambda>":
            if call is not None and not callable(call) and not hasattr(call, "score"):
                raise Malformed(
                    f"a policy cannot be made of {type(call).__name__}",
                    hint="pass a policy, its data, a named function, or an object with a method score",
                )
            raise Malformed("a custom policy needs a name", hint="give name=, or define the function with def")
        own_version = version or str(getattr(call, "version", "1"))
        least = bands if isinstance(bands, dict) or bands is None else dict(as_mapping("bands", bands))
        return cls(
            name=own_name,
            version=own_version,
            scale=scale,
            bands=least or {},
            timeless=timeless,
            meaning=meaning,
            call=call,
        )

    @property
    def declares_all(self) -> bool:
        """Whether no function is bound, so that it reads only what is reported; your own code may read anything."""
        return self.call is None

    def limits(self) -> tuple[int | None, int | None]:
        """Return 0 and 1 (in micropoints) for a probability, else no bounds."""
        return (0, MICRO) if self.scale is Scale.PROBABILITY else (None, None)

    def _assess(self, view: PolicyView) -> Score:
        if self.call is None and view.keeps_reports:
            report = view.reported(self.name, self.version)
            if report is None:
                return self._unanswered(view.at, f"{self.name} is not bound and has not been reported")
            # A reported score is valid until the next report; time alone does not change it.
            return replace(self.score_of(report.value, at=view.at, why="reported"), changes_at=None)
        if self.call is None:
            raise PolicyNotBound(self.name, "is not bound to a function")
        score = self._called(view, view.at)
        if score.changes_at == view.at and view.aged != view.at:
            # It does not say when time changes it, so the rules of a journey ask for it as of the last review; unless
            # it said then that it would change by now.
            reviewed = self._called(view, view.aged)
            if reviewed.changes_at is None or not view.aged < reviewed.changes_at <= view.at:
                score = replace(reviewed, at=view.at, changes_at=view.at)
        return replace(score, changes_at=None) if self.timeless else score

    def _called(self, view: PolicyView, at: datetime) -> Score:
        scoring = getattr(self.call, "score", self.call)
        try:
            answer = scoring(view.lead, view.history, at=at)
        except Exception as error:
            if isinstance(error, PolicyError):
                raise
            raise PolicyError(self.name, f"raised {type(error).__name__}") from error
        return self.score_of(answer, at=at)

    def _unanswered(self, at: datetime, why: str) -> Score:
        return banded(Score(self.name, self.version, at, answer=Answer.UNANSWERED, why=why), self.bands)

    def score_of(self, answer: Any, *, at: datetime, why: str = "") -> Score:
        """Return the answer of a custom policy as a score.

        Args:
            answer: A number, points by reason, a score, or None for no answer.
            at: The instant that the answer is for.
            why: The reason of the line for a plain number; by default the meaning or the name of the policy.

        Raises:
            PolicyError: The answer is NaN, infinite, too large, not a probability, or of another type.
        """
        try:
            score = self._as_score(answer, at, why or self.meaning or self.name)
            # Nothing is known about how custom code depends on time, so its score may change at once. A score that says
            # when it changes is believed.
            return score if score.changes_at is not None else replace(score, changes_at=at)
        except PolicyError:
            raise
        except LeadlifeError as error:
            raise PolicyError(self.name, f"gave an invalid score: {error.message}") from error
        except Exception as error:  # a custom mapping may raise anything
            raise PolicyError(self.name, f"gave an invalid score: {type(error).__name__}") from error

    def _as_score(self, answer: Any, at: datetime, why: str) -> Score:
        if answer is None:
            return self._unanswered(at, f"{self.name} has no answer")
        if isinstance(answer, Score):
            if answer.scale is not self.scale:
                raise PolicyError(self.name, f"gave a score in {answer.scale}, not in {self.scale}")
            if answer.at != at:
                raise PolicyError(self.name, "gave a score for another instant")
            return banded(self.renamed(answer), self.bands)
        if self.scale is Scale.PROBABILITY:
            if isinstance(answer, bool) or not isinstance(answer, int | float):
                raise PolicyError(self.name, f"gave {type(answer).__name__}, not a probability")
            chance = Score(self.name, self.version, at, micropoints(answer), scale=self.scale, probability=answer)
            return banded(chance, self.bands)
        points = answer if isinstance(answer, Mapping) else {why: answer}
        return Score.of(self.name, points, at=at, version=self.version, bands=self.bands)
