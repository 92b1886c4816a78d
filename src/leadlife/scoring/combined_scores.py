"""Functions that the combined policies share: lines copied from parts, and one score made of several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from leadlife.scoring import MICRO, Answer, Contribution, LineKind, Scale, Score
from leadlife.scoring.limits import weighted
from leadlife.scoring.score import joint_half_life
from leadlife.timing import earliest

if TYPE_CHECKING:
    from leadlife.scoring.policy import Policy


def as_points(score: Score, *, weight: int = MICRO) -> list[Contribution]:
    """Return the lines of a part, named ``part/rule``, times a weight in millionths.

    The value is multiplied by the weight as a whole. The lines are multiplied one by one, and the rounding errors of
    these products, a few millionths, become a separate line. A probability becomes one line with as many points: the
    lines of a probability are log-odds, which do not add up to it.
    """
    worth = weighted(score.micropoints, weight, MICRO)
    if score.scale is Scale.PROBABILITY:
        return [Contribution(score.policy, LineKind.FIELD, worth, f"probability by {score.policy}")]
    lines = [
        line._replace(rule=f"{score.policy}/{line.rule}", micropoints=weighted(line.micropoints, weight, MICRO))
        for line in score.lines
    ]
    left_over = worth - sum(line.micropoints for line in lines)
    if left_over:
        lines.append(Contribution(f"{score.policy}/rounding", LineKind.NOTE, left_over, "rounding"))
    return lines


def answers(policy: Policy, scores: Iterable[Score]) -> Score | None:
    """Return the score without a value that a policy gives if one of its parts has no value, else None.

    A part that excludes the lead comes before parts that have no answer.
    """
    missing = [score for score in scores if not score.answered]
    if not missing:
        return None
    first = next((score for score in missing if score.answer is Answer.EXCLUDED), missing[0])
    return Score(
        policy.name,
        policy.version,
        first.at,
        answer=first.answer,
        why=first.why,
        bands=policy.band_names(),
        changes_at=earliest(score.changes_at for score in missing),
    )


def joined(
    policy: Policy, scores: Sequence[Score], lines: Iterable[Contribution], *, weights: Sequence[int] = ()
) -> Score:
    """Return the score that a policy makes of lines; it may change whenever one of its parts may change."""
    kept = tuple(lines)
    weighted_scores = list(zip(scores, weights or [MICRO] * len(scores), strict=True))
    low, high = policy.limits()
    fading = [abs(weighted(score.fading, weight, MICRO)) for score, weight in weighted_scores]
    return Score(
        policy.name,
        policy.version,
        scores[0].at,
        sum(line.micropoints for line in kept),
        kept,
        low=low,
        high=high,
        changes_at=earliest(score.changes_at for score in scores),
        fading=sum(fading),
        # Multiplying by the weight rounds as well, now and later: two micropoints more for each part.
        rounding=sum(abs(weighted(score.rounding, weight, MICRO)) + 2 for score, weight in weighted_scores),
        half_life=joint_half_life(zip(fading, (score.half_life for score in scores), strict=True)),
    )
