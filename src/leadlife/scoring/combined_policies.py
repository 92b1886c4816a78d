"""Policies made of policies: weighted sum, highest, gated, capped, scaled, overridden, per lead type, fallback."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from leadlife._base.model import LAX, SORTED, Definition, MappingOf, Name, TupleOf
from leadlife.criteria import Criterion
from leadlife.errors import Malformed, PolicyError, PolicyNotBound
from leadlife.leads import LeadType
from leadlife.scoring import MICRO, Answer, Contribution, LineKind, Score, banded
from leadlife.scoring import micropoints as exact
from leadlife.scoring.combined_scores import answers, as_points, joined
from leadlife.scoring.limits import Limits, limited, limits_of, limits_within, sum_limits, weighted
from leadlife.scoring.policy import Amount, Banded, Policy, PolicyView, Question
from leadlife.scoring.reading import Part
from leadlife.scoring.score import joint_half_life
from leadlife.timing import earliest


class Weighted(Definition):
    """A part of a sum, and its weight."""

    policy: Part
    weight: Amount = 1


class WeightedSum(Banded):
    """The sum of several policies, each multiplied by its weight."""

    op: Literal["sum"] = "sum"
    of: Annotated[TupleOf[Weighted], Field(min_length=1, max_length=100)]

    def parts(self) -> tuple[Policy, ...]:
        """Return the policies that are added up."""
        return tuple(part.policy for part in self.of)

    def limits(self) -> Limits:
        """Return the weighted sums of the parts' limits."""
        return sum_limits(*(_scaled(part.policy.limits(), exact(part.weight)) for part in self.of))

    def _assess(self, view: PolicyView) -> Score:
        scores = [part.policy.assess(view) for part in self.of]
        weights = [exact(part.weight) for part in self.of]
        lines = (
            line for score, weight in zip(scores, weights, strict=True) for line in as_points(score, weight=weight)
        )
        return answers(self, scores) or banded(joined(self, scores, lines, weights=weights), self.bands)


class Scaled(Banded):
    """One policy, multiplied by a number."""

    op: Literal["scaled"] = "scaled"
    of: Part
    by: Amount

    def parts(self) -> tuple[Policy, ...]:
        """Return the policy that is scaled."""
        return (self.of,)

    def limits(self) -> Limits:
        """Return the limits of the policy, multiplied by the number."""
        return _scaled(self.of.limits(), exact(self.by))

    def _assess(self, view: PolicyView) -> Score:
        score, by = self.of.assess(view), exact(self.by)
        lines = as_points(score, weight=by)
        return answers(self, [score]) or banded(joined(self, [score], lines, weights=[by]), self.bands)


class _Around(Policy):
    """A policy that changes the value of one other policy, and keeps its bands."""

    of: Part

    def parts(self) -> tuple[Policy, ...]:
        """Return the policy that is changed."""
        return (self.of,)

    def band_names(self) -> tuple[str, ...]:
        """Return the bands of the policy that is changed."""
        return self.of.band_names()

    def _inner(self, view: PolicyView) -> tuple[Score, list[Contribution]]:
        score = self.of.assess(view)
        return score, as_points(score)

    def _around(self, inner: Score, lines: list[Contribution], *, replaced: bool = False) -> Score:
        """Return the score that lines make, with the bands of the inner policy.

        The band follows from the cuts of the inner policy. Without cuts (the bands of a grid come from its parts), the
        inner band is kept, unless the value was ``replaced`` by another one: then there is no band.
        """
        score = replace(joined(self, [inner], lines), gap=inner.gap)
        if inner.cuts:
            cuts = zip(inner.bands, inner.cuts, strict=True)
            return banded(score, {name: least / MICRO for name, least in cuts})
        if replaced:
            return replace(score, bands=inner.bands)
        return replace(score, bands=inner.bands, band=inner.band, parts=inner.parts)


class Capped(_Around):
    """A policy whose value is limited by a floor and a cap."""

    op: Literal["capped"] = "capped"
    cap: Amount | None = None
    floor: Amount | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.cap is None and self.floor is None:
            raise Malformed("a capped policy must have a cap or a floor", hint="give cap, floor or both")
        limits_of(self.floor, self.cap)
        return self

    def limits(self) -> Limits:
        """Return the limits of the policy after the floor and the cap."""
        return limits_within(self.of.limits(), limits_of(self.floor, self.cap))

    def _assess(self, view: PolicyView) -> Score:
        inner, lines = self._inner(view)
        limited(lines, sum(line.micropoints for line in lines), limits_of(self.floor, self.cap), "cap", self.of.name)
        return answers(self, [inner]) or self._around(inner, lines)


class Gated(_Around):
    """A policy that counts only while a criterion is true; while it is false or unknown, the value is 0."""

    op: Literal["gated"] = "gated"
    when: Question

    def criteria(self) -> Iterator[tuple[str, Criterion]]:
        """Yield the criterion of the gate."""
        yield "when", self.when

    def limits(self) -> Limits:
        """Return the limits of the policy, extended to include 0."""
        return _spread(self.of.limits(), (0, 0))

    def _assess(self, view: PolicyView) -> Score:
        inner, lines = self._inner(view)
        answer = self.when.predicate(view)
        if answer is not True:
            word = "unknown" if answer is None else "false"
            total = sum(line.micropoints for line in lines)
            lines.append(Contribution("gate", LineKind.GATE, -total, f"{word}: {self.when.sentence()}"))
        score = answers(self, [inner]) or self._around(inner, lines, replaced=answer is not True)
        return replace(score, changes_at=earliest((inner.changes_at, self.when.changes_at(view))))


class Overridden(_Around):
    """A policy that a person can override: a number in a field of the lead replaces the value until it is cleared.

    The automatic value is kept in ``score.automatic``. A lead that the policy excludes stays excluded.
    """

    op: Literal["overridden"] = "overridden"
    field: Name

    def reads(self) -> Iterator[tuple[str, str, str]]:
        """Yield the field, which must be a number."""
        yield "field", "number", self.field

    def _assess(self, view: PolicyView) -> Score:
        inner, lines = self._inner(view)
        seen = view.field(self.field)
        missing = answers(self, [inner])
        if inner.answer is Answer.EXCLUDED or seen is None:
            return missing or self._around(inner, lines)
        if isinstance(seen.value, bool) or not isinstance(seen.value, int | float):
            raise PolicyError(self.name, f"cannot be overridden: field {self.field!r} must be a number")
        automatic = sum(line.micropoints for line in lines)
        try:
            by_hand = exact(seen.value)
        except Malformed as error:
            raise PolicyError(self.name, f"cannot be overridden by field {self.field!r}: {error.message}") from None
        lines.append(Contribution(self.field, LineKind.MANUAL, by_hand - automatic, "set by hand"))
        # A value that a person set does not fade, so the inner half-lives are dropped. changes_at is kept, because time
        # may still exclude the lead.
        score = self._around(inner, lines, replaced=True)
        kept = automatic if inner.answered else None
        return replace(score, automatic=kept, fading=0, rounding=0, half_life=None)


class _Choosing(Policy):
    """A policy that gives the unchanged score of one of its parts."""

    def limits(self) -> Limits:
        """Return the least and the greatest limit of all parts."""
        return _spread(*(part.limits() for part in self.parts()))

    def band_names(self) -> tuple[str, ...]:
        """Return the bands of all parts; only the bands of the same part have an order."""
        return tuple(dict.fromkeys(name for part in self.parts() for name in part.band_names()))

    def _chosen(self, score: Score, note: str, *, until: datetime | None = None) -> Score:
        """Return the score of a part under this policy's name; a note line says which part and why."""
        low, high = self.limits()
        line = Contribution(score.policy, LineKind.NOTE, 0, note)
        return self.renamed(
            score, lines=(*score.lines, line), low=low, high=high, changes_at=earliest((score.changes_at, until))
        )

    def _unanswered(self, view: PolicyView, why: str) -> Score:
        return Score(self.name, self.version, view.at, answer=Answer.UNANSWERED, why=why, bands=self.band_names())


class Highest(_Choosing):
    """The highest of several policies; of equal ones the first. A lead that one part excludes is excluded."""

    op: Literal["highest"] = "highest"
    of: Annotated[TupleOf[Part], Field(min_length=1, max_length=100)]

    def parts(self) -> tuple[Policy, ...]:
        """Return the policies that are compared."""
        return self.of

    def _assess(self, view: PolicyView) -> Score:
        scores = [part.assess(view) for part in self.of]
        answered = [score for score in scores if score.answered]
        missing = answers(self, scores)
        if missing is not None and (missing.answer is Answer.EXCLUDED or not answered):
            return missing
        if len({score.scale for score in answered}) > 1:
            raise PolicyError(self.name, "cannot compare points with probabilities")
        best = max(answered, key=lambda score: score.micropoints)
        chosen = self._chosen(
            best,
            f"the highest of {', '.join(part.name for part in self.of)}",
            until=earliest(score.changes_at for score in scores),
        )
        # Any part may fade, and another may become the highest: the bound must hold for all of them together.
        chosen = replace(
            chosen,
            fading=sum(score.fading for score in scores),
            rounding=sum(score.rounding for score in scores),
            half_life=joint_half_life((score.fading, score.half_life) for score in scores),
        )
        # Another part may have other bands. The band is certain only until another part may become the highest. That is
        # a matter of half-lives, and so of the review grid, not of an exact instant.
        gaps = [score.gap for score in answered if score.gap is not None]
        if len({(score.bands, score.cuts) for score in answered}) > 1:
            gaps += [best.micropoints - score.micropoints for score in answered if score is not best]
        return replace(chosen, gap=min(gaps, default=None))


class PerLeadType(_Choosing):
    """One policy for each lead type, and optionally one for all other leads."""

    op: Literal["per_lead_type"] = "per_lead_type"
    cases: Annotated[MappingOf[Annotated[LeadType, LAX], Part], Field(min_length=1), SORTED]
    otherwise: Part | None = None

    @field_validator("cases", mode="before")
    @classmethod
    def _each_once(cls, value: Any) -> Any:
        """Refuse two names of one lead type, such as ``nets`` and ``interest``: one of the policies would be lost."""
        if isinstance(value, Mapping):
            known = [kind.value for kind in (_lead_type(name) for name in value) if kind is not None]
            twice = next((name for name in known if known.count(name) > 1), None)
            if twice is not None:
                raise Malformed(f"lead type {twice!r} is given twice", hint="keep one of its names")
        return value

    def parts(self) -> tuple[Policy, ...]:
        """Return the policies of all cases."""
        return (*self.cases.values(), *(() if self.otherwise is None else (self.otherwise,)))

    def reads(self) -> Iterator[tuple[str, str, str]]:
        """Yield the lead type."""
        yield "cases", "source", "lead_type"

    def _assess(self, view: PolicyView) -> Score:
        source = view.source
        kind = None if source is None else source.lead_type
        part = self.cases.get(kind, self.otherwise) if kind is not None else self.otherwise
        if part is None:
            return self._unanswered(view, f"no policy for leads of type {kind or 'unknown'}")
        return self._chosen(part.assess(view), f"for leads of type {kind or 'unknown'}")


def _lead_type(name: Any) -> LeadType | None:
    try:
        return LeadType(name)
    except ValueError:
        return None


class Fallback(_Choosing):
    """The first of several policies that gives a score. A policy that raises is skipped, and a note line says so.

    Exclusion counts as an answer: a lead that a policy excludes has no score, and later policies are not asked.
    """

    op: Literal["fallback"] = "fallback"
    of: Annotated[TupleOf[Part], Field(min_length=1, max_length=100)]

    def parts(self) -> tuple[Policy, ...]:
        """Return the policies, in the order in which they are asked."""
        return self.of

    def _assess(self, view: PolicyView) -> Score:
        failed: list[str] = []
        until: datetime | None = None
        for part in self.of:
            try:
                score = part.assess(view)
            except PolicyNotBound:
                raise  # the caller forgot to pass a function; falling back would hide that
            except PolicyError as error:
                failed.append(f"{part.name} {error.problem}")
                until = view.at  # a policy that raised may answer at any instant
                continue
            if score.answer is not Answer.UNANSWERED:
                return self._chosen(score, "; ".join([*failed, f"answered by {part.name}"]), until=until)
            failed.append(score.why)
            until = earliest((until, score.changes_at))
        return replace(self._unanswered(view, "; ".join(failed)), changes_at=until)


def _scaled(limits: Limits, by: int) -> Limits:
    low, high = (None if bound is None else weighted(bound, by, MICRO) for bound in limits)
    return (high, low) if by < 0 else (low, high)  # a negative factor exchanges the two


def _spread(*limits: Limits) -> Limits:
    lows, highs = [low for low, _ in limits], [high for _, high in limits]
    return (
        None if None in lows else min(low for low in lows if low is not None),
        None if None in highs else max(high for high in highs if high is not None),
    )
