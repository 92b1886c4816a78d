"""Scores: ledgers whose lines add up, what a policy is, and how two scores differ."""

from __future__ import annotations

from leadlife.scoring.score import (
    Answer,
    Contribution,
    Lift,
    Scale,
    Score,
    ScoringPolicy,
    Sort,
    Trend,
    banded,
    rank,
)
from leadlife.scoring.units import MICRO, micropoints

__all__ = [
    "MICRO",
    "Answer",
    "Contribution",
    "Lift",
    "Scale",
    "Score",
    "ScoringPolicy",
    "Sort",
    "Trend",
    "banded",
    "micropoints",
    "rank",
]
