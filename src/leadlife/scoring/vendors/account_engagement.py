"""Account Engagement's grades: thirteen letters, begun at D, moved by thirds of a letter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from leadlife.criteria import AnyCriterion
from leadlife.errors import Malformed
from leadlife.scoring.points import Points
from leadlife.scoring.rules import FieldRule

LETTERS = ("F", "D-", "D", "D+", "C-", "C", "C+", "B-", "B", "B+", "A-", "A", "A+")
START = LETTERS.index("D")
MOST_THIRDS = 3


def _pairs(criteria: Any) -> Iterator[tuple[str, Any, Any]]:
    for name, told in criteria.items() if isinstance(criteria, Mapping) else [("", criteria)]:
        if not isinstance(told, tuple) or len(told) != 2:  # noqa: PLR2004 - a pair
            raise Malformed("criteria are pairs by name", hint='{"size": (field("employees") >= 50, 2)}')
        yield name, *told


def account_engagement(criteria: Mapping[str, tuple[AnyCriterion, int]], *, name: str = "grade") -> Points:
    """Return a policy that grades as Salesforce Account Engagement does.

    The grade begins at D. A criterion that matches moves it up by 1 to 3 thirds of a letter, one that does not moves it
    down by as many, and one that is unknown leaves it; F and A+ are the ends. The value is the letter's place, from 0.

    Args:
        criteria: Each criterion by name, with its thirds.
        name: The policy's name.

    Raises:
        Malformed: A criterion weighs less than one third or more than three.
    """
    rules: list[FieldRule] = []
    for rule, when, thirds in _pairs(criteria):
        if thirds not in range(1, MOST_THIRDS + 1):
            raise Malformed(f"criterion {rule!r} weighs 1 to {MOST_THIRDS} thirds of a letter")
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
