"""The scoring of HubSpot: groups of rules with limits, for fit and for engagement, and a label from A1 to C3."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from leadlife.criteria import AnyCriterion
from leadlife.errors import InvalidDefinition, did_you_mean
from leadlife.scoring.grid import Grid
from leadlife.scoring.point_rules import ActivityRule, AnyRule, several_numbers, the_rules, together
from leadlife.scoring.points import Points, RuleGroup
from leadlife.scoring.policy import as_mapping

LIMIT = 100


def hubspot(
    *,
    fit: Iterable[AnyRule],
    engagement: Iterable[AnyRule],
    high: Mapping[str, float],
    middle: Mapping[str, float],
    group_limits: Mapping[str, float] | None = None,
    limit: float = LIMIT,
    exclude: Iterable[AnyCriterion] = (),
    name: str = "hubspot",
) -> Grid:
    """Return a policy that scores as HubSpot's combined score does.

    The sum of a group is limited to plus or minus its limit, and the total to plus or minus ``limit``. The label is a
    letter for fit (A high, B middle, C low) and a digit for engagement (1 high, 2 middle, 3 low).

    Args:
        fit: Rules about who the lead is; each may name a group.
        engagement: Rules about what the lead did; each may age by a window or by steps, not by a half-life.
        high: The least points of the high band, for ``fit`` and for ``engagement``.
        middle: The least points of the middle band, for both; what is lower is the low band.
        group_limits: The limit of each group that has one.
        limit: The limit of the total.
        exclude: A lead for which one of these criteria is true has no score.
        name: The name of the policy.

    Raises:
        InvalidDefinition: A value is not a rule, a rule has a half-life, no rule is in a group that has a limit, or a
            threshold is missing.
    """
    for word, thresholds in (("high", high), ("middle", middle)):
        if set(as_mapping(word, thresholds)) != {"fit", "engagement"}:
            raise InvalidDefinition(
                f"{word} must have the keys fit and engagement, and no others",
                hint='pass {"fit": 50, "engagement": 50}',
            )
    excluded = tuple(together(exclude))
    limits = as_mapping("group limits", group_limits or {})
    several_numbers([limit, *limits.values()])
    sides: tuple[tuple[Any, ...], ...] = (the_rules(fit), the_rules(engagement))
    used = {rule.group for rules in sides for rule in rules if rule.group is not None}
    for group in limits:
        if group not in used:
            raise InvalidDefinition(f"no rule is in group {group!r}", hint=did_you_mean(group, used))
    groups = {group: RuleGroup(cap=most, floor=-most) for group, most in limits.items()}

    def axis(side: str, rules: tuple[Any, ...], bands: tuple[str, str, str]) -> Points:
        for rule in rules:
            if isinstance(rule, ActivityRule) and rule.half_life is not None:
                raise InvalidDefinition(
                    f"rule {rule.name!r} must not have a half_life", hint="give it a window or a decay"
                )
        own = dict.fromkeys(rule.group for rule in rules if rule.group is not None)
        return Points(
            name=side,
            rules=rules,
            groups={group: groups.get(group, RuleGroup()) for group in own},
            exclude=excluded,
            bands={bands[0]: high[side], bands[1]: middle[side], bands[2]: -1_000_000},
        )

    return Grid(
        name=name,
        fit=axis("fit", sides[0], ("A", "B", "C")),
        engagement=axis("engagement", sides[1], ("1", "2", "3")),
        cap=limit,
        floor=-limit,
        meaning="the algebra of HubSpot's combined score",
    )
