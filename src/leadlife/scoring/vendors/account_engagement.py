"""The grades of Account Engagement: thirteen letters, a start at D, and moves by thirds of a letter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from leadlife.criteria import AnyCriterion
from leadlife.errors import Malformed
from leadlife.scoring.point_rules import FieldRule
from leadlife.scoring.points import Points

LETTERS = ("F", "D-", "D", "D+", "C-", "C", "C+", "B-", "B", "B+", "A-", "A", "A+")
START = LETTERS.index("D")
MOST_THIRDS = 3


def _pairs(criteria: Any) -> Iterator[tuple[str, Any, Any]]:
    for name, pair in criteria.items() if isinstance(criteria, Mapping) else [("", criteria)]:
        if not isinstance(pair, tuple) or len(pair) != 2:  # noqa: PLR2004 - a pair
            raise Malformed(
                "criteria must map each name to a criterion and its thirds",
                hint='pass {"size": (field("employees") >= 50, 2)}',
            )
        yield name, *pair


def account_engagement(criteria: Mapping[str, tuple[AnyCriterion, int]], *, name: str = "grade") -> Points:
    """Return a policy that grades as Salesforce Account Engagement does.

    The grade begins at D. A criterion moves it by 1 to 3 thirds of a letter: up if it is true, down if it is false, not
    at all if it is unknown. The ends are F and A+. The value is the place of the letter, from 0.

    Args:
        criteria: Each criterion and its thirds, by name.
        name: The name of the policy.

    Raises:
        Malformed: A criterion has less than one third or more than three.
    """
    rules: list[FieldRule] = []
    for rule, when, thirds in _pairs(criteria):
        if thirds not in range(1, MOST_THIRDS + 1):
            raise Malformed(f"criterion {rule!r} must have 1 to {MOST_THIRDS} thirds of a letter, as a whole number")
        rules.append(FieldRule(name=rule, when=when, points=thirds, otherwise=-thirds))
    return Points(
        name=name,
        rules=tuple(rules),
        start=START,
        floor=0,
        cap=len(LETTERS) - 1,
        bands={letter: place for place, letter in enumerate(LETTERS)},
        meaning="the grades of Account Engagement",
    )
