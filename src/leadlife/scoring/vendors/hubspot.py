"""HubSpot's scoring: groups of rules with limits on fit and on engagement, a total, and a label from A1 to C3."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from leadlife.criteria import AnyCriterion
from leadlife.errors import InvalidDefinition, did_you_mean
from leadlife.scoring.grid import Grid
from leadlife.scoring.points import Points, RuleGroup
from leadlife.scoring.policy import as_mapping
from leadlife.scoring.rules import ActivityRule, AnyRule, several_numbers, the_rules, together

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

    A group's sum is held within plus and minus its limit, the total within plus and minus ``limit``. The label is a
    letter for fit (A high, B middle, C low) and a digit for engagement (1 high, 2 middle, 3 low).

    Args:
        fit: Rules about who the lead is; each may name a group.
        engagement: Rules about what the lead did; each ages by a window or by steps, never both.
        high: For ``fit`` and ``engagement``, the least points of the high band.
        middle: The same for the middle band; below it is low.
        group_limits: The limit of each group that has one.
        limit: The limit of the total.
        exclude: A lead that matches one of these has no score.
        name: The policy's name.

    Raises:
        InvalidDefinition: A rule, a group or a threshold does not hold.
    """
    for word, told in (("high", high), ("middle", middle)):
        if set(as_mapping(word, told)) != {"fit", "engagement"}:
            raise InvalidDefinition(f"{word} names the least points for fit and for engagement")
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
                raise InvalidDefinition(f"rule {rule.name!r} ages by a window or by steps, not by a half-life")
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
