"""The points policy: activity rules, field rules and tiers, in groups, with caps.

The order is fixed: age each activity, cap each rule, cap each group, cap the total.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from leadlife._base.model import SORTED, Definition, MappingOf, Name, TupleOf, default
from leadlife._frozen import FrozenDict
from leadlife.criteria import CountIs, Criterion, View
from leadlife.errors import Fault, Malformed, did_you_mean, repeated
from leadlife.leads import Activity, Lead
from leadlife.scoring import MICRO, Answer, Contribution, LineKind, Score, banded
from leadlife.scoring import micropoints as exact
from leadlife.scoring.activity_points import Tally
from leadlife.scoring.limits import Limits, limits_of
from leadlife.scoring.point_rules import ActivityRule, AnyRule, FieldRule, Rule, TierRule
from leadlife.scoring.points_engine import PointsEngine
from leadlife.scoring.policy import Amount, Banded, PolicyView, Question, band_faults, example
from leadlife.scoring.score_bounds import Bounds, NearScore
from leadlife.scoring.view import LeadView
from leadlife.timing import earliest

_NOT_ONLY_ABOUT_THE_LEAD = ("activity", "score", "custom_guard")
"""Topics that an activity, or anything, may change."""


class RuleGroup(Definition):
    """The limits of the sum of one group of rules."""

    cap: Amount | None = None
    floor: Amount | None = None

    @model_validator(mode="after")
    def _room(self) -> Self:
        limits_of(self.floor, self.cap)
        return self


class Points(Banded):
    """A policy that adds up the points of rules.

    >>> from datetime import datetime, UTC
    >>> from leadlife import Activity, Lead, elapsed
    >>> policy = Points(
    ...     name="engagement",
    ...     rules=[ActivityRule(name="demo", kinds=("demo",), points=25, half_life=elapsed(days=30))],
    ...     bands={"cold": 0, "warm": 10},
    ... )
    >>> demo = Activity(kind="demo", at=datetime(2026, 3, 1, tzinfo=UTC))
    >>> score = policy.score(Lead(id="ada"), [demo], at=datetime(2026, 3, 31, tzinfo=UTC))
    >>> score.value, score.band
    (12.5, 'warm')

    Attributes:
        rules: The rules that give points.
        start: The points that every lead begins with.
        groups: The caps and floors of groups of rules.
        cap: The greatest total.
        floor: The least total.
        exclude: A lead for which one of these criteria is true has no score.
        bands: The least points of each band.
    """

    op: Literal["points"] = "points"
    rules: Annotated[TupleOf[AnyRule], Field(max_length=10_000)] = default(())
    start: Amount = 0
    groups: Annotated[MappingOf[Name, RuleGroup], SORTED] = Field(default_factory=FrozenDict[str, RuleGroup])
    cap: Amount | None = None
    floor: Amount | None = None
    exclude: TupleOf[Question] = default(())

    def _faults(self) -> Iterator[Fault]:
        yield from repeated("rules", (rule.name for rule in self.rules))
        for place, rule in enumerate(self.rules):
            if rule.group is not None and rule.group not in self.groups:
                hint = did_you_mean(rule.group, self.groups)
                yield Fault(f"rules.{place}.group", f"group {rule.group!r} is not declared", hint)
        # Bands are compared with cap and floor only, not with what the present rules can reach: a scale of letters is
        # declared as a whole, even if no rule leads to some of them yet.
        yield from band_faults(self.bands, *limits_of(self.floor, self.cap))

    def limits(self) -> Limits:
        """Return the least and the greatest micropoints that the policy can give."""
        return self._engine.limits

    def criteria(self) -> Iterator[tuple[str, Criterion]]:
        """Yield each criterion with its path."""
        for place, criterion in enumerate(self.exclude):
            yield f"exclude.{place}", criterion
        for place, rule in enumerate(self.rules):
            if isinstance(rule, ActivityRule) and rule.where:
                yield f"rules.{place}", CountIs.checked({"kinds": rule.kinds, "where": rule.where})
            if isinstance(rule, FieldRule):
                yield f"rules.{place}.when", rule.when
            if isinstance(rule, TierRule):
                for number, asked in enumerate(_asked(rule)):
                    yield f"rules.{place}.tiers.{number}.when", asked

    def reads(self) -> Iterator[tuple[str, str, str]]:
        """Yield the fields and the activity kinds that the rules read."""
        yield from super().reads()
        for place, rule in enumerate(self.rules):
            if isinstance(rule, ActivityRule):
                for kind in rule.kinds:
                    yield f"rules.{place}.kinds", "activity", kind

    def examples(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield an activity for each rule that gives points for one."""
        for rule in self.rules:
            if isinstance(rule, ActivityRule) and rule.points > 0:
                yield rule.kinds[0], example(rule.where)
        yield from super().examples()

    def with_rules(self, *rules: AnyRule) -> Self:
        """Return the policy with further rules; a rule with the name of an old one replaces it in its place.

        Raises:
            Malformed: A value is not a rule, or two of the rules have the same name.
        """
        for rule in rules:
            if not isinstance(rule, Rule):
                raise Malformed(f"a rule must be an ActivityRule, FieldRule or TierRule, not {type(rule).__name__}")
        new = {rule.name: rule for rule in rules}
        if len(new) < len(rules):
            raise Malformed("two of these rules have the same name", hint="pass each rule once")
        kept = tuple(new.pop(rule.name, rule) for rule in self.rules)
        return self.replace(rules=(*kept, *new.values()))

    def without_rules(self, *names: str) -> Self:
        """Return the policy without the rules of these names.

        Raises:
            Malformed: There is no rule of one of these names.
        """
        known = [rule.name for rule in self.rules]
        for name in names:
            if name not in known:
                raise Malformed(f"there is no rule {name!r}", hint=did_you_mean(str(name), known))
        return self.replace(rules=tuple(rule for rule in self.rules if rule.name not in names))

    def value(self, lead: Lead, activities: Iterable[Activity], *, at: datetime) -> float:
        """Return the value of the score without building its lines, which is much faster.

        It is 0 for a lead that the policy excludes.
        """
        view = self._own(LeadView(lead, activities, at))
        return self._engine.tally(view, lines=False).total / MICRO if self._excluded(view) is None else 0.0

    @cached_property
    def _engine(self) -> PointsEngine:
        groups = {name: limits_of(group.floor, group.cap) for name, group in self.groups.items()}
        return PointsEngine(self.rules, groups, limits_of(self.floor, self.cap), exact(self.start))

    def rises(self) -> Mapping[str, int] | None:
        """Return the most micropoints by which one more activity of each kind may raise the score.

        Caps only make it less. A rule with negative points may lower the score, and its half-life raises it again.
        """
        asked = [*self.exclude, *(criterion for rule in self.rules for criterion in _asked(rule))]
        if any(topic in _NOT_ONLY_ABOUT_THE_LEAD for criterion in asked for topic, _ in criterion.inputs()):
            return None
        rises: dict[str, int] = {}
        for rule in self.rules:
            if isinstance(rule, ActivityRule):
                if rule.points < 0:
                    return None
                for kind in rule.kinds:
                    rises[kind] = rises.get(kind, 0) + exact(rule.points)
        return rises

    def _excluded(self, view: View) -> Criterion | None:
        return next((criterion for criterion in self.exclude if criterion.predicate(view) is True), None)

    def summary_of(self, view: View) -> Score | NearScore | None:
        """Return what criteria ask of the score: its sum, which may be known nearly until it is asked for.

        None if the policy has a zone other than the view's, or excludes the lead.
        """
        if self.zone is not None and self.zone != view.zone.key:
            return None
        if self._excluded(view) is not None:
            return None
        near = self._engine.nearly(view)
        if near is None:
            tally = self._engine.tally(view, lines=False)
            near = Bounds(tally.total, tally.total), tally
        bounds, tally = near
        return NearScore(
            lambda: self._summed(view),
            bounds,
            self._least,
            at=view.at,
            changes_at=self._changes_at(view, tally),
            fading=tally.fading,
            rounding=tally.rounding,
            half_life=tally.half_life,
            recovers=tally.recovers,
        )

    @cached_property
    def _least(self) -> list[tuple[int, str]]:
        """The least micropoints of each band, the lowest first."""
        return sorted((exact(least), name) for name, least in self.bands.items())

    def _summed(self, view: View) -> Score:
        tally = self._engine.tally(view, lines=False)
        return self._scored(view, tally, (Contribution("total", LineKind.NOTE, tally.total, "the sum of its rules"),))

    def _changes_at(self, view: View, tally: Tally) -> datetime | None:
        return earliest((tally.changes_at, *(criterion.changes_at(view) for criterion in self.exclude)))

    def _assess(self, view: PolicyView) -> Score:
        excluded = self._excluded(view)
        if excluded is not None:
            why = excluded.sentence()
            until = excluded.changes_at(view)
            out = Score(self.name, self.version, view.at, answer=Answer.EXCLUDED, why=why, changes_at=until)
            return banded(out, self.bands)
        tally = self._engine.tally(view, lines=True)
        return self._scored(view, tally, tuple(tally.lines or ()))

    def _scored(self, view: View, tally: Tally, lines: tuple[Contribution, ...]) -> Score:
        low, high = self._engine.limits
        return banded(
            Score(
                self.name,
                self.version,
                view.at,
                tally.total,
                lines,
                low=low,
                high=high,
                changes_at=self._changes_at(view, tally),
                fading=tally.fading,
                rounding=tally.rounding,
                half_life=tally.half_life,
            ),
            self.bands,
        )


def _asked(rule: AnyRule) -> tuple[Criterion, ...]:
    """Return the criteria of a rule about the lead."""
    if isinstance(rule, TierRule):
        return tuple(tier.when for tier in rule.tiers)
    return (rule.when,) if isinstance(rule, FieldRule) else ()
