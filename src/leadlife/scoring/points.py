"""The points policy: activity rules, field rules and tiers, in groups, with caps. One algebra for many systems.

The order is fixed: age each activity, cap per rule, cap per group, cap in total.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from leadlife._base.model import SORTED, Definition, Name, TupleOf, default
from leadlife.criteria import Criterion, View
from leadlife.errors import Fault, Malformed, did_you_mean, repeated
from leadlife.leads import Activity, Lead
from leadlife.scoring import MICRO, Answer, Contribution, Score, Sort, banded
from leadlife.scoring import micropoints as exact
from leadlife.scoring.limits import Limits, limits_of
from leadlife.scoring.points_engine import PointsEngine, Tally
from leadlife.scoring.policy import Amount, Banded, PolicyView, Question, band_faults, example
from leadlife.scoring.rules import ActivityRule, AnyRule, FieldRule, Rule, TierRule
from leadlife.scoring.view import LeadView
from leadlife.timing import earliest


class RuleGroup(Definition):
    """What the rules of one group may add up to."""

    cap: Amount | None = None
    floor: Amount | None = None

    @model_validator(mode="after")
    def _room(self) -> Self:
        limits_of(self.floor, self.cap)
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
    rules: Annotated[TupleOf[AnyRule], Field(max_length=10_000)] = default(())
    start: Amount = 0
    groups: Annotated[dict[Name, RuleGroup], SORTED] = Field(default_factory=dict[str, RuleGroup])
    cap: Amount | None = None
    floor: Amount | None = None
    exclude: TupleOf[Question] = default(())

    def _faults(self) -> Iterator[Fault]:
        yield from repeated("rules", (rule.name for rule in self.rules))
        for place, rule in enumerate(self.rules):
            if rule.group is not None and rule.group not in self.groups:
                hint = did_you_mean(rule.group, self.groups)
                yield Fault(f"rules.{place}.group", f"group {rule.group!r} is not declared", hint)
        # What the rules at hand cannot reach is no fault: the bands of a letter scale are what they are.
        yield from band_faults(self.bands, *limits_of(self.floor, self.cap))

    def limits(self) -> Limits:
        """Return the least and the most micropoints that it can give."""
        return self._engine.limits

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
        view = self._own(LeadView(lead, activities, at))
        return self._engine.tally(view, lines=False).total / MICRO if self._excluded(view) is None else 0.0

    @cached_property
    def _engine(self) -> PointsEngine:
        groups = {name: limits_of(group.floor, group.cap) for name, group in self.groups.items()}
        return PointsEngine(self.rules, groups, limits_of(self.floor, self.cap), exact(self.start))

    def _excluded(self, view: View) -> Criterion | None:
        return next((criterion for criterion in self.exclude if criterion.predicate(view) is True), None)

    def summary_of(self, view: View) -> Score | None:
        """Return the score with its lines summed up in one; None where the policy's calendar is not the view's."""
        if self.zone is not None and self.zone != view.zone.key:
            return None
        if self._excluded(view) is not None:
            return None
        tally = self._engine.tally(view, lines=False)
        return self._scored(view, tally, (Contribution("total", Sort.NOTE, tally.total, "the sum of its rules"),))

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
        excluding = (criterion.changes_at(view) for criterion in self.exclude)
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
                changes_at=earliest((tally.changes_at, *excluding)),
                fading=tally.fading,
                rounding=tally.rounding,
                half_life=tally.half_life,
            ),
            self.bands,
        )
