"""Eloqua's lead scoring: weighted tiers on a profile and an engagement axis, and a rating from A1 to D4."""

from __future__ import annotations

from collections.abc import Iterable

from leadlife.errors import InvalidDefinition
from leadlife.scoring.grid import Grid
from leadlife.scoring.points import Points
from leadlife.scoring.rules import TierRule, several_numbers, the_rules

CUTS = (75, 50, 25, 0)
"""The usual default; the vendor lets each model set its own."""


def eloqua(
    *,
    profile: Iterable[TierRule],
    engagement: Iterable[TierRule],
    cuts: tuple[float, float, float, float] = CUTS,
    name: str = "eloqua",
) -> Grid:
    """Return a policy that scores as Eloqua's lead scoring model does.

    An axis is the sum over its criteria of weight times the points of the best matching tier; weights are whole
    percent and need not add up to 100. The letter A to D is cut from the profile, the digit 1 to 4 from engagement.

    Args:
        profile: Criteria about who the lead is: tiers from 0 to 100 points, each rule with its ``percent``.
        engagement: Criteria about what the lead did, such as ``count("open", within=days(7)) >= 3``.
        cuts: The least points of each of the four levels, the best first.
        name: The policy's name.

    Raises:
        InvalidDefinition: A rule or a cut does not hold.
    """
    if len(several_numbers(cuts)) != len(CUTS):
        raise InvalidDefinition(f"the levels are cut by {len(CUTS)} numbers, the best first")

    def axis(side: str, rules: Iterable[TierRule], labels: str) -> Points:
        return Points(name=side, rules=the_rules(rules, TierRule), bands=dict(zip(labels, cuts, strict=True)))

    return Grid(
        name=name,
        fit=axis("profile", profile, "ABCD"),
        engagement=axis("engagement", engagement, "1234"),
        meaning="the algebra of Eloqua's lead scoring",
    )
