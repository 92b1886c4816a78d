"""Policies made of policies: a weighted sum, the highest, gated, capped, scaled, per lead type, a fallback, by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from leadlife._base.model import LAX, SORTED, Definition, Name, TupleOf
from leadlife.criteria import Criterion
from leadlife.errors import Malformed, PolicyError, PolicyNotBound
from leadlife.leads import LeadType
from leadlife.scoring import MICRO, Answer, Contribution, Score, Sort, banded
from leadlife.scoring import micropoints as exact
from leadlife.scoring.combining import answers, as_points, joined
from leadlife.scoring.limits import Limits, limited, limits_of, limits_within, sum_limits, weighted
from leadlife.scoring.policy import Amount, Banded, Part, Policy, PolicyView, Question
from leadlife.timing import earliest


class Weighted(Definition):
    """A part of a sum, and how much it counts."""

    policy: Part
    weight: Amount = 1


class WeightedSum(Banded):
    """The sum of several policies, each times its weight."""

    op: Literal["sum"] = "sum"
    of: Annotated[TupleOf[Weighted], Field(min_length=1, max_length=100)]

    def parts(self) -> tuple[Policy, ...]:
        """Return the policies that are added up."""
        return tuple(one.policy for one in self.of)

    def limits(self) -> Limits:
        """Return the weighted sums of the parts' limits."""
        return sum_limits(*(_scaled(one.policy.limits(), exact(one.weight)) for one in self.of))

    def _assess(self, view: PolicyView) -> Score:
        scores = [one.policy.assess(view) for one in self.of]
        weights = [exact(one.weight) for one in self.of]
        lines = (
            line for score, weight in zip(scores, weights, strict=True) for line in as_points(score, weight=weight)
        )
        return answers(self, scores) or banded(joined(self, scores, lines, weights=weights), self.bands)


class Scaled(Banded):
    """One policy times a number."""

    op: Literal["scaled"] = "scaled"
    of: Part
    by: Amount

    def parts(self) -> tuple[Policy, ...]:
        """Return the policy that is scaled."""
        return (self.of,)

    def limits(self) -> Limits:
        """Return the policy's limits times the number."""
        return _scaled(self.of.limits(), exact(self.by))

    def _assess(self, view: PolicyView) -> Score:
        score, by = self.of.assess(view), exact(self.by)
        lines = as_points(score, weight=by)
        return answers(self, [score]) or banded(joined(self, [score], lines, weights=[by]), self.bands)


class _Around(Policy):
    """A combinator around one policy, whose bands it keeps."""

    of: Part

    def parts(self) -> tuple[Policy, ...]:
        """Return the policy within."""
        return (self.of,)

    def band_names(self) -> tuple[str, ...]:
        """Return the bands of the policy within."""
        return self.of.band_names()

    def _taken(self, view: PolicyView) -> tuple[Score, list[Contribution]]:
        score = self.of.assess(view)
        return score, as_points(score)

    def _around(self, inner: Score, lines: list[Contribution], *, own: bool = False) -> Score:
        """Return a score with the bands of the policy within: by its cuts, else by its band, unless ``own`` bars it."""
        score = joined(self, [inner], lines)
        if inner.cuts:
            cuts = zip(inner.bands, inner.cuts, strict=True)
            return banded(score, {name: least / MICRO for name, least in cuts})
        if own:
            return replace(score, bands=inner.bands)
        return replace(score, bands=inner.bands, band=inner.band, parts=inner.parts)


class Capped(_Around):
    """A policy held between a floor and a cap."""

    op: Literal["capped"] = "capped"
    cap: Amount | None = None
    floor: Amount | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.cap is None and self.floor is None:
            raise Malformed("a capped policy has a cap or a floor")
        limits_of(self.floor, self.cap)
        return self

    def limits(self) -> Limits:
        """Return the policy's limits, held between the floor and the cap."""
        return limits_within(self.of.limits(), limits_of(self.floor, self.cap))

    def _assess(self, view: PolicyView) -> Score:
        inner, lines = self._taken(view)
        limited(lines, sum(line.micropoints for line in lines), limits_of(self.floor, self.cap), "cap", self.of.name)
        return answers(self, [inner]) or self._around(inner, lines)


class Gated(_Around):
    """A policy that counts only while a criterion is true; false and unknown close the gate, and it gives 0."""

    op: Literal["gated"] = "gated"
    when: Question

    def criteria(self) -> Iterator[tuple[str, Criterion]]:
        """Yield the criterion of the gate."""
        yield "when", self.when

    def limits(self) -> Limits:
        """Return the policy's limits, 0 included."""
        return _spread(self.of.limits(), (0, 0))

    def _assess(self, view: PolicyView) -> Score:
        inner, lines = self._taken(view)
        answer = self.when.predicate(view)
        if answer is not True:
            word = "unknown" if answer is None else "false"
            taken = -sum(line.micropoints for line in lines)
            lines.append(Contribution("gate", Sort.GATE, taken, f"{word}: {self.when.sentence()}"))
        score = answers(self, [inner]) or self._around(inner, lines, own=answer is not True)
        return replace(score, changes_at=earliest((inner.changes_at, self.when.changes_at(view))))


class Overridden(_Around):
    """A policy that a person can overrule: a number in a field of the lead takes its place until it is cleared.

    The automatic value is kept apart, in ``score.automatic``. Who is excluded stays excluded.
    """

    op: Literal["overridden"] = "overridden"
    field: Name

    def reads(self) -> Iterator[tuple[str, str, str]]:
        """Yield the field, which must hold a number."""
        yield "field", "number", self.field

    def _assess(self, view: PolicyView) -> Score:
        inner, lines = self._taken(view)
        seen = view.field(self.field)
        missing = answers(self, [inner])
        if inner.answer is Answer.EXCLUDED or seen is None:
            return missing or self._around(inner, lines)
        if isinstance(seen.value, bool) or not isinstance(seen.value, int | float):
            raise PolicyError(self.name, f"is overruled by field {self.field!r}, which holds no number")
        automatic = sum(line.micropoints for line in lines)
        try:
            by_hand = exact(seen.value)
        except Malformed as error:
            raise PolicyError(self.name, f"is overruled by field {self.field!r}: {error.message}") from None
        lines.append(Contribution(self.field, Sort.MANUAL, by_hand - automatic, "set by hand"))
        # What a person says does not fade; only what may exclude the lead can still change it.
        score = self._around(inner, lines, own=True)
        known = automatic if inner.answered else None
        return replace(score, automatic=known, fading=0, rounding=0, half_life=None)


class _Choosing(Policy):
    """A combinator that answers with one of its parts, as it is."""

    def limits(self) -> Limits:
        """Return the widest limits among the parts."""
        return _spread(*(part.limits() for part in self.parts()))

    def band_names(self) -> tuple[str, ...]:
        """Return every band of any part; where the parts differ, only those of one policy have an order."""
        return tuple(dict.fromkeys(name for part in self.parts() for name in part.band_names()))

    def _chosen(self, score: Score, note: str, *, until: datetime | None = None) -> Score:
        """Return a part's score as this policy's own; a note says which and why."""
        low, high = self.limits()
        told = Contribution(score.policy, Sort.NOTE, 0, note)
        return self.renamed(
            score, lines=(*score.lines, told), low=low, high=high, changes_at=earliest((score.changes_at, until))
        )

    def _unanswered(self, view: PolicyView, why: str) -> Score:
        return Score(self.name, self.version, view.at, answer=Answer.UNANSWERED, why=why, bands=self.band_names())


class Highest(_Choosing):
    """The highest of several policies; of equals the first. Who is excluded by one is excluded by all."""

    op: Literal["highest"] = "highest"
    of: Annotated[TupleOf[Part], Field(min_length=1, max_length=100)]

    def parts(self) -> tuple[Policy, ...]:
        """Return the policies that compete."""
        return self.of

    def _assess(self, view: PolicyView) -> Score:
        scores = [part.assess(view) for part in self.of]
        answered = [score for score in scores if score.answered]
        missing = answers(self, scores)
        if missing is not None and (missing.answer is Answer.EXCLUDED or not answered):
            return missing
        if len({score.scale for score in answered}) > 1:
            raise PolicyError(self.name, "compares points with probabilities")
        best = max(answered, key=lambda score: score.micropoints)
        chosen = self._chosen(
            best,
            f"the highest of {', '.join(part.name for part in self.of)}",
            until=earliest(score.changes_at for score in scores),
        )
        halves = [score.half_life for score in scores if score.half_life is not None]
        chosen = replace(
            chosen,
            fading=sum(score.fading for score in scores),
            rounding=sum(score.rounding for score in scores),
            half_life=min(halves, default=None),
        )
        if len({(score.bands, score.cuts) for score in answered}) == 1:
            return chosen
        # Another policy brings other bands: until it can overtake, the band is this one's.
        rivals = (chosen.fades_by(best.micropoints - score.micropoints) for score in answered if score is not best)
        return replace(chosen, changes_at=earliest((chosen.changes_at, *rivals)))


class PerLeadType(_Choosing):
    """One policy for each lead type, and perhaps one for the rest."""

    op: Literal["per_lead_type"] = "per_lead_type"
    cases: Annotated[dict[Annotated[LeadType, LAX], Part], Field(min_length=1), SORTED]
    otherwise: Part | None = None

    @field_validator("cases", mode="before")
    @classmethod
    def _each_once(cls, value: Any) -> Any:
        """Refuse two names of one lead type: one of the two policies would be lost."""
        if isinstance(value, Mapping):
            known = [kind.value for kind in (_lead_type(name) for name in value) if kind is not None]
            twice = next((name for name in known if known.count(name) > 1), None)
            if twice is not None:
                raise Malformed(f"lead type {twice!r} is named twice")
        return value

    def parts(self) -> tuple[Policy, ...]:
        """Return the policies of every case."""
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
    """The first of several policies that has an answer. One that breaks has none, and the ledger says so.

    Who is excluded by a policy that was asked has no score: exclusion is an answer.
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
                raise  # nobody handed it in: that is no answer to fall back from
            except PolicyError as error:
                failed.append(f"{part.name} {error.problem}")
                until = view.at
                continue
            if score.answer is not Answer.UNANSWERED:
                return self._chosen(score, "; ".join([*failed, f"answered by {part.name}"]), until=until)
            failed.append(score.why)
            until = earliest((until, score.changes_at))
        return replace(self._unanswered(view, "; ".join(failed)), changes_at=until)


def _scaled(limits: Limits, by: int) -> Limits:
    low, high = (None if bound is None else weighted(bound, by, MICRO) for bound in limits)
    return (high, low) if by < 0 else (low, high)


def _spread(*limits: Limits) -> Limits:
    lows, highs = [low for low, _ in limits], [high for _, high in limits]
    return (
        None if None in lows else min(low for low in lows if low is not None),
        None if None in highs else max(high for high in highs if high is not None),
    )
