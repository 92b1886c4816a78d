"""Default rules of the presets: qualifications, readiness, and the scores that they read.

They are starting points. The points, thresholds and times are plausible round numbers and were not measured: both teams
should discuss and edit them before they sign.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from leadlife.criteria import AnyCriterion, count, evidence, score
from leadlife.leads import ActivityKind
from leadlife.qualification.rules import Hysteresis, QualificationRule, ReadinessRule
from leadlife.timing import Elapsed, days, elapsed

if TYPE_CHECKING:
    from leadlife.scoring import Points

TWO_WAY = ("reply", "call", "meeting", "form", "chat")
ONE_WAY = ("page_view", "product_page", "email_open", "click", "download", "webinar", "social")
SIGNALS = ("demo_request", "sample_used", "emergency")
ROLES = ("marketing", "sales")
"""The roles that these agreements name."""

ACTIVITY_KINDS = {
    **{kind: ActivityKind(two_way=True) for kind in TWO_WAY},
    **{kind: ActivityKind() for kind in ONE_WAY},
    **{kind: ActivityKind() for kind in SIGNALS},
}

BANT = {
    "budget": "has the money",
    "authority": "may decide",
    "need": "needs the offer now; of a customer, once more",
    "timing": "intends to buy within 30 days",
}
"""Budget, authority, need and timing: each is yes, no, or unknown until a person has asked the lead."""

BUYING = evidence("budget") & evidence("authority") & evidence("timing", within=days(30))
"""The lead has the money, may decide, and intends to buy within 30 days; the intent ends after 30 days."""


@cache
def urgency() -> Points:
    """Return the score of stress and urgency. Its half-lives are one to seven days."""
    from leadlife.scoring import Points  # noqa: PLC0415 - importing policies is slow; only scoring needs them

    return Points.model_validate(
        {
            "name": "urgency",
            "rules": [
                _rule("emergency", ("emergency",), 100, 1, elapsed(days=1)),
                _rule("asks for a demo", ("demo_request",), 60, 1, elapsed(days=7)),
                _rule("gets in touch", TWO_WAY, 10, 3, elapsed(days=3)),
            ],
            "meaning": "stress and urgency: how pressing the need is",
        }
    )


@cache
def research() -> Points:
    """Return the score of research activity. Its half-life is two weeks."""
    from leadlife.scoring import Points  # noqa: PLC0415 - as above

    fortnight = elapsed(days=14)
    return Points.model_validate(
        {
            "name": "research",
            "rules": [
                _rule("product pages", ("product_page",), 10, 5, fortnight),
                _rule("reads", ("page_view", "click"), 2, 10, fortnight),
                _rule("takes material", ("download",), 10, 3, fortnight),
                _rule("comes to a webinar", ("webinar",), 15, 2, fortnight),
                _rule("tries a sample", ("sample_used",), 20, 2, fortnight),
            ],
            "meaning": "research activity: how hard the lead looks for a solution",
        }
    )


def _rule(name: str, kinds: tuple[str, ...], points: int, at_most: int, half_life: Elapsed) -> dict[str, object]:
    return {
        "op": "activity",
        "name": name,
        "kinds": kinds,
        "points": points,
        "at_most": at_most,
        "half_life": half_life,
    }


def readiness_rule() -> ReadinessRule:
    """Return the rule of readiness: an emergency makes a lead late at once, and it is early again some days later."""
    return ReadinessRule(
        mid=Hysteresis(
            enter=(score("research") >= 20) | (score("urgency") >= 20),
            leave=(score("research") < 10) & (score("urgency") < 10),
            meaning="feels some stress, researches options without urgency",
        ),
        late=Hysteresis(
            enter=score("urgency") >= 50,
            leave=score("urgency") < 20,
            meaning="feels stress, researches with urgency, ready to purchase",
        ),
        team="marketing",
        meaning="a starting point, to be edited",
    )


def mql(enter: AnyCriterion, *, lasting: bool = False) -> QualificationRule:
    """Return the test of marketing.

    Args:
        enter: The criterion of entering.
        lasting: Whether a lead holds the qualification for its whole time, even when the activities that led to it have
            left their window.
    """
    return QualificationRule(
        name="mql",
        label="marketing qualified",
        team="marketing",
        enter=enter,
        lasting=lasting,
        valid_for=days(90),
        granted_by=("marketing",),
        meaning="engaged with marketing, some trust, not ready to be sold to",
    )


def pql() -> QualificationRule:
    """Return the test by use of the product. It does not require MQL."""
    return QualificationRule(
        name="pql",
        label="product qualified",
        team="marketing",
        enter=evidence("pql") | (count("sample_used", since_recycling=True) >= 1),
        valid_for=days(180),
        granted_by=("marketing", "sales"),
        meaning="has experienced the product's value in use: activation, a sample in hand, or a referral's word",
    )


def sql(enter: AnyCriterion) -> QualificationRule:
    """Return the test of sales. A lead fails it again when the evidence in ``enter`` is too old."""
    return QualificationRule(
        name="sql",
        label="sales qualified",
        team="sales",
        enter=enter,
        granted_by=("sales",),
        meaning="intends to buy within 30 days, has the money and the authority",
    )
