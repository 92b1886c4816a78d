"""The points engine: it prepares the rules of a points policy once, and adds them up for a lead.

The order is fixed: each rule under its own caps, then each group under its limits, then the total.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import attrgetter

from leadlife.criteria import View
from leadlife.scoring.activity_points import PreparedRule, Tally, activity_points, near_points
from leadlife.scoring.ledger import Contribution, LineKind
from leadlife.scoring.limits import UNLIMITED, Limits, clamped, limits_within, sum_limits, weighted
from leadlife.scoring.point_rules import ActivityRule, AnyRule, FieldRule, TierRule
from leadlife.scoring.score_bounds import Bounds
from leadlife.scoring.units import micropoints


class PointsEngine:
    """The rules of a points policy, prepared for use.

    Attributes:
        limits: The least and the greatest sum that the rules can give under their caps, in micropoints.
    """

    __slots__ = ("_groups", "_overall", "_rules", "_runs", "_start", "limits")

    def __init__(self, rules: Iterable[AnyRule], groups: Mapping[str, Limits], overall: Limits, start: int) -> None:
        self._rules = tuple(PreparedRule(rule) if isinstance(rule, ActivityRule) else rule for rule in rules)
        for rule in self._rules:
            if isinstance(rule, PreparedRule):
                rule.prepare_forms()
        self._runs = any(isinstance(one, PreparedRule) and one.running is not None for one in self._rules)
        self._groups = dict(groups)
        self._overall = overall
        self._start = start
        self.limits: Limits = self._limits()

    def _limits(self) -> Limits:
        by_group: dict[str | None, list[Limits]] = {group: [] for group in self._groups}
        for one in self._rules:
            rule = one.rule if isinstance(one, PreparedRule) else one
            by_group.setdefault(rule.group, []).append(_limits_of(rule))
        sums = [
            limits_within(sum_limits(*ranges), self._groups.get(group or "", UNLIMITED))
            for group, ranges in by_group.items()
        ]
        return limits_within(sum_limits((self._start, self._start), *sums), self._overall)

    def nearly(self, view: View) -> tuple[Bounds, Tally] | None:
        """Return bounds of the sum for a lead without adding up what fades, and how time may change it.

        None if no rule has a running form, or if an activity is later than the instant. What the tally says of fading
        is never too small.
        """
        if not self._runs:
            return None
        tally = Tally(lines=False)
        sums: dict[str | None, Bounds] = {None: Bounds(self._start, self._start)}
        sums |= {name: Bounds(0, 0) for name in self._groups}
        for one in self._rules:
            group = one.group
            if isinstance(one, PreparedRule) and one.running is not None:
                added = near_points(one, one.running, view, tally)
                if added is None:
                    return None
            else:
                worth = (
                    activity_points(one, view, tally)
                    if isinstance(one, PreparedRule)
                    else _lead_points(one, view, tally)
                )
                added = Bounds(worth, worth)
            # Bounds are added and cut like the sums that they enclose, so they enclose the result as well.
            known = sums.get(group, Bounds(0, 0))
            sums[group] = Bounds(known.low + added.low, known.high + added.high)
        for group, limits in self._groups.items():
            sums[group] = Bounds(*(clamped(end, limits) for end in sums[group]))
        ends = (sum(part[end] for part in sums.values()) for end in (0, 1))
        return Bounds(*(clamped(end, self._overall) for end in ends)), tally

    def tally(self, view: View, *, lines: bool) -> Tally:
        """Return the sum for a lead and how time may change it, with or without lines.

        Without lines, the walk visits only the activities that count: those inside a window, those of which a half-life
        leaves something, the newest ones under a cap. It visits all activities of the rule's kinds only if the rule
        has a cap per day, or a test of attributes but neither cap nor ageing.
        """
        tally = Tally(lines=lines)
        sums: dict[str | None, int] = {None: self._start, **dict.fromkeys(self._groups, 0)}
        if self._start:
            tally.add(Contribution("start", LineKind.START, self._start, "starting points"))
        seen = set[str]() if lines else set(view.kinds())
        for one in self._rules:
            if isinstance(one, PreparedRule):
                if not lines and seen.isdisjoint(one.kinds):  # a lead has few kinds, and a policy many rules
                    continue
                group, worth = one.group, activity_points(one, view, tally)
            else:
                group, worth = one.group, _lead_points(one, view, tally)
            sums[group] = sums.get(group, 0) + worth
        for group, limits in self._groups.items():
            sums[group] = tally.limited(sums[group], limits, group, f"group {group}")
        tally.total = tally.limited(sum(sums.values()), self._overall, "total", "the total")
        return tally


def _lead_points(rule: FieldRule | TierRule, view: View, tally: Tally) -> int:
    """Return the points of a rule about the lead, and append a line if it adds something or is unknown."""
    amount, reason, unknown = _applied(rule, view)
    if unknown:
        tally.add(Contribution(rule.name, LineKind.UNKNOWN, 0, f"unknown: {rule.reason}"))
    elif amount:
        tally.add(Contribution(rule.name, LineKind.FIELD, amount, reason))
    criteria = (rule.when,) if isinstance(rule, FieldRule) else tuple(tier.when for tier in rule.tiers)
    for criterion in criteria:
        tally.changes(criterion.changes_at(view))
    return amount


def _applied(rule: FieldRule | TierRule, view: View) -> tuple[int, str, bool]:
    """Return the points of a rule, the reason, and whether the rule is unknown."""
    if isinstance(rule, FieldRule):
        answer = rule.when.predicate(view)
        if answer is None:
            return 0, "", True
        amount = rule.points if answer else rule.otherwise
        return micropoints(amount), rule.reason if answer else f"false: {rule.reason}", False
    answers = [(tier, tier.when.predicate(view)) for tier in rule.tiers]
    best = max((tier for tier, answer in answers if answer is True), key=attrgetter("points"), default=None)
    if best is not None:
        worth = weighted(micropoints(best.points), rule.percent, 100)
        return worth, f"{rule.reason}: {best.when.sentence()}", False
    return 0, "", any(answer is None for _, answer in answers)


def _limits_of(rule: AnyRule) -> Limits:
    if isinstance(rule, TierRule):
        worth = [weighted(micropoints(tier.points), rule.percent, 100) for tier in rule.tiers]
        return min(0, *worth), max(0, *worth)
    if isinstance(rule, FieldRule):
        both = (0, micropoints(rule.points), micropoints(rule.otherwise))
        return min(both), max(both)
    points = micropoints(rule.points)
    most = None if rule.at_most is None and points else points * (rule.at_most or 0)
    return (0, most) if points > 0 else (most, 0)
