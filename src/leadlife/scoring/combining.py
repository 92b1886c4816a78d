"""What combinators share: lines taken over from parts, and what several scores say together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from leadlife.scoring import MICRO, Answer, Contribution, Scale, Score, Sort
from leadlife.scoring.limits import weighted
from leadlife.timing import earliest

if TYPE_CHECKING:
    from leadlife.scoring.policy import Policy


def as_points(score: Score, *, weight: int = MICRO) -> list[Contribution]:
    """Return a part's lines under its own name, times a weight in millionths.

    The whole is weighed, not line by line: what rounding the lines leaves over, a few millionths, is a line of its own.
    A probability counts as one line of so many points: its log-odds are no points.
    """
    worth = weighted(score.micropoints, weight, MICRO)
    if score.scale is Scale.PROBABILITY:
        return [Contribution(score.policy, Sort.FIELD, worth, f"probability by {score.policy}")]
    lines = [
        line._replace(rule=f"{score.policy}/{line.rule}", micropoints=weighted(line.micropoints, weight, MICRO))
        for line in score.lines
    ]
    left_over = worth - sum(line.micropoints for line in lines)
    if left_over:
        lines.append(Contribution(f"{score.policy}/rounding", Sort.NOTE, left_over, "rounding"))
    return lines


def answers(policy: Policy, scores: Iterable[Score]) -> Score | None:
    """Return a score that says why there is none, if a part has none: who is excluded by one is excluded by all."""
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
    """Return a score of a policy's own, made of lines, that may change whenever one of its parts may."""
    written = tuple(lines)
    told = list(zip(scores, weights or [MICRO] * len(scores), strict=True))
    low, high = policy.limits()
    return Score(
        policy.name,
        policy.version,
        scores[0].at,
        sum(line.micropoints for line in written),
        written,
        low=low,
        high=high,
        changes_at=earliest(score.changes_at for score in scores),
        fading=sum(abs(weighted(score.fading, weight, MICRO)) for score, weight in told),
        rounding=sum(abs(weighted(score.rounding, weight, MICRO)) + 2 for score, weight in told),
        half_life=min((score.half_life for score in scores if score.half_life is not None), default=None),
    )
