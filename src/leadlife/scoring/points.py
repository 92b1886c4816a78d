"""The points policy: activity rules, field rules and tiers, in groups, with caps. One algebra for many systems.

The order is fixed: age each activity, cap per rule, cap per group, cap in total.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from leadlife._base.model import LAX, SORTED, Definition, Name
from leadlife.criteria import Criterion, View
from leadlife.errors import Fault, Malformed, did_you_mean, repeated
from leadlife.leads import Activity, Lead
from leadlife.scoring import MICRO, Answer, Contribution, Score, Sort, banded
from leadlife.scoring import micropoints as exact
from leadlife.scoring.points_engine import Ledger, Limits, PointsEngine, bounds
from leadlife.scoring.policy import Amount, Banded, Question, band_faults, example
from leadlife.scoring.rules import ActivityRule, AnyRule, FieldRule, Rule, TierRule
from leadlife.scoring.view import ScoringView
from leadlife.timing import earliest


class RuleGroup(Definition):
    """What the rules of one group may add up to."""

    cap: Amount | None = None
    floor: Amount | None = None

    @model_validator(mode="after")
    def _room(self) -> Self:
        bounds(self.floor, self.cap)
        return self


class Points(Banded):
    """Points by rules.

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
        rules: What gives points.
        start: What every lead begins with.
        groups: Caps and floors of groups of rules.
        cap: The most that it can give.
        floor: The least that it can give.
        exclude: Who matches one of these has no score.
        bands: Each band and its least points.
    """

    op: Literal["points"] = "points"
    rules: Annotated[tuple[AnyRule, ...], LAX, Field(max_length=10_000)] = ()
    start: Amount = 0
    groups: Annotated[dict[Name, RuleGroup], SORTED] = Field(default_factory=dict[str, RuleGroup])
    cap: Amount | None = None
    floor: Amount | None = None
    exclude: Annotated[tuple[Question, ...], LAX] = ()

    def _faults(self) -> Iterator[Fault]:
        yield from repeated("rules", (rule.name for rule in self.rules))
        for place, rule in enumerate(self.rules):
            if rule.group is not None and rule.group not in self.groups:
                hint = did_you_mean(rule.group, self.groups)
                yield Fault(f"rules.{place}.group", f"group {rule.group!r} is not declared", hint)
        # What the rules at hand cannot reach is no fault: the bands of a letter scale are what they are.
        yield from band_faults(self.bands, *bounds(self.floor, self.cap))

    def limits(self) -> Limits:
        """Return the least and the most micropoints that it can give."""
        return self._plan.limits

    def criteria(self) -> Iterator[tuple[str, Criterion]]:
        """Yield every criterion, with its path."""
        for place, criterion in enumerate(self.exclude):
            yield f"exclude.{place}", criterion
        for place, rule in enumerate(self.rules):
            if isinstance(rule, FieldRule):
                yield f"rules.{place}.when", rule.when
            if isinstance(rule, TierRule):
                for number, tier in enumerate(rule.tiers):
                    yield f"rules.{place}.tiers.{number}.when", tier.when

    def reads(self) -> Iterator[tuple[str, str, str]]:
        """Yield the fields and the activity kinds that its rules read."""
        yield from super().reads()
        for place, rule in enumerate(self.rules):
            if isinstance(rule, ActivityRule):
                for kind in rule.kinds:
                    yield f"rules.{place}.kinds", "activity", kind

    def examples(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield an activity for each rule that rewards one."""
        for rule in self.rules:
            if isinstance(rule, ActivityRule) and rule.points > 0:
                yield rule.kinds[0], example(rule.where)
        yield from super().examples()

    def with_rules(self, *rules: AnyRule) -> Self:
        """Return the policy with further rules; those of the same name are replaced in their place.

        Raises:
            Malformed: This is no rule, or two have one name.
        """
        if not all(isinstance(rule, Rule) for rule in rules):
            raise Malformed("this is no rule", hint="ActivityRule, FieldRule or TierRule")
        new = {rule.name: rule for rule in rules}
        if len(new) < len(rules):
            raise Malformed("two of these rules have one name")
        kept = tuple(new.pop(rule.name, rule) for rule in self.rules)
        return self.replace(rules=(*kept, *new.values()))

    def without_rules(self, *names: str) -> Self:
        """Return the policy without some rules.

        Raises:
            Malformed: There is no such rule.
        """
        known = [rule.name for rule in self.rules]
        for name in names:
            if name not in known:
                raise Malformed(f"there is no rule {name!r}", hint=did_you_mean(str(name), known))
        return self.replace(rules=tuple(rule for rule in self.rules if rule.name not in names))

    def value(self, lead: Lead, activities: Iterable[Activity], *, at: datetime) -> float:
        """Return the points alone: the same number as the ledger's, sooner."""
        sight = self._own(ScoringView(lead, activities, at))
        return self._plan.total(sight) / MICRO if self._excluded(sight) is None else 0.0

    @cached_property
    def _plan(self) -> PointsEngine:
        groups = {name: bounds(group.floor, group.cap) for name, group in self.groups.items()}
        return PointsEngine(self.rules, groups, bounds(self.floor, self.cap), exact(self.start))

    def _excluded(self, sight: ScoringView) -> Criterion | None:
        return next((criterion for criterion in self.exclude if criterion.predicate(sight) is True), None)

    def glance(self, view: View) -> Score | None:
        """Return the score with its lines summed up in one; None by another calendar than the view's."""
        if self.zone is not None and self.zone != view.zone.key:
            return None
        if any(criterion.predicate(view) is True for criterion in self.exclude):
            return None
        summed = self._plan.summary(view)
        return self._scored(view, summed, (Contribution("total", Sort.NOTE, summed.total, "the sum of its rules"),))

    def _assess(self, sight: ScoringView) -> Score:
        excluded, plan = self._excluded(sight), self._plan
        if excluded is not None:
            why = excluded.sentence()
            until = excluded.changes_at(sight)
            out = Score(self.name, self.version, sight.at, answer=Answer.EXCLUDED, why=why, changes_at=until)
            return banded(out, self.bands)
        ledger = plan.ledger(sight)
        return self._scored(sight, ledger, tuple(ledger.lines))

    def _scored(self, view: View, ledger: Ledger, lines: tuple[Contribution, ...]) -> Score:
        excluding = (criterion.changes_at(view) for criterion in self.exclude)
        low, high = self._plan.limits
        return banded(
            Score(
                self.name,
                self.version,
                view.at,
                ledger.total,
                lines,
                low=low,
                high=high,
                changes_at=earliest((ledger.changes_at, *excluding)),
                fading=ledger.fading,
                rounding=ledger.rounding,
                half_life=ledger.half_life,
            ),
            self.bands,
        )
