"""The lead scoring of Eloqua: weighted tiers on a profile and an engagement axis, and a rating from A1 to D4."""

from __future__ import annotations

from collections.abc import Iterable

from leadlife.errors import InvalidDefinition
from leadlife.scoring.grid import Grid
from leadlife.scoring.point_rules import TierRule, several_numbers, the_rules
from leadlife.scoring.points import Points

CUTS = (75, 50, 25, 0)
"""The usual cuts; in Eloqua each model may set its own."""


def eloqua(
    *,
    profile: Iterable[TierRule],
    engagement: Iterable[TierRule],
    cuts: tuple[float, float, float, float] = CUTS,
    name: str = "eloqua",
) -> Grid:
    """Return a policy that scores as Eloqua's lead scoring model does.

    Each axis is a sum over its rules: the points of the best tier that is true, times the weight of the rule. Weights
    are whole percent and need not add up to 100. The profile gives the letter A to D, engagement the digit 1 to 4.

    Args:
        profile: Rules about who the lead is: tiers from 0 to 100 points, and the weight as ``percent``.
        engagement: Rules about what the lead did, such as ``count("open", within=days(7)) >= 3``.
        cuts: The least points of each of the four levels, the best first.
        name: The name of the policy.

    Raises:
        InvalidDefinition: A rule is not a TierRule, or the cuts are not four numbers.
    """
    if len(several_numbers(cuts)) != len(CUTS):
        raise InvalidDefinition(f"cuts must be {len(CUTS)} numbers, the best level first", hint="pass (75, 50, 25, 0)")

    def axis(side: str, rules: Iterable[TierRule], labels: str) -> Points:
        return Points(name=side, rules=the_rules(rules, TierRule), bands=dict(zip(labels, cuts, strict=True)))

    return Grid(
        name=name,
        fit=axis("profile", profile, "ABCD"),
        engagement=axis("engagement", engagement, "1234"),
        meaning="the algebra of Eloqua's lead scoring",
    )
