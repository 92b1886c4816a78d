"""Criteria about scores: comparisons of the value and of the band."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from leadlife._base.model import Name
from leadlife._base.numbers import PLAIN
from leadlife.criteria.comparison import WORDS, Relation
from leadlife.criteria.condition import Criterion, Predicate
from leadlife.criteria.view import Scored, Verdict, View
from leadlife.timing import earliest

MODEST: Any = Field(ge=-1_000_000_000_000, le=1_000_000_000_000)
"""A threshold that can be converted to micropoints."""


class _AboutScore(Criterion):
    name: Name

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the score."""
        yield "score", self.name

    def verdict(self, view: View) -> Verdict:
        """Return the answer, with the activities that the score rests on as its facts."""
        score = view.score(self.name)
        facts = () if score is None else score.activities
        found = "there is no score" if score is None else self._words(score)
        return Verdict(self.sentence(), self.test(view), facts, self.changes_at(view), found=found)

    def _words(self, score: Scored) -> str:
        if not score.answered:
            return f"there is no score: {score.why}"
        return f"it is {score.value:g}, " + ("in no band" if score.band is None else f"band {score.band}")

    def _answered(self, view: View) -> Scored | None:
        score = view.score(self.name)
        return score if score is not None and score.answered else None

    def changes_at(self, view: View) -> datetime | None:
        """Return the earliest instant at which time alone may change the answer; None means never."""
        score = view.score(self.name)
        return None if score is None else earliest((score.changes_at, self.fades_from(score, view)))

    def fades_from(self, score: Scored, view: View) -> datetime | None:
        """Return the instant before which half-lives cannot change the answer; None means never."""
        fades = score.fades_from(self.threshold)
        # A score counts from its own instant, and half-lives may be aged to an earlier one.
        return fades if fades is None or view.aged is view.at else fades - (view.at - view.aged)

    @property
    def threshold(self) -> float | None:
        """The value that the score is compared with; None for the bounds of the bands."""
        return None


class ScoreIs(_AboutScore):
    """Compares a score, in points or as a probability; unknown if the lead has no score."""

    op: Literal["score"] = "score"
    compare: Relation
    value: Annotated[Annotated[int, MODEST] | Annotated[float, MODEST], PLAIN]

    def _compiled(self) -> Predicate:
        value, relation = self.value, self.compare.relation

        def ask(view: View) -> bool | None:
            score = self._answered(view)
            return None if score is None else score.compares(relation, value)

        return ask

    def _in_words(self) -> str:
        """Return the criterion in words."""
        return f"score {self.name} {WORDS[self.compare]} {self.value}"

    @property
    def threshold(self) -> float:
        """The value that the score is compared with."""
        return self.value


class BandIs(_AboutScore):
    """Compares the band (or grade) of a score, by the order of the bands; unknown without a score or a band."""

    op: Literal["band"] = "band"
    compare: Relation
    value: Name

    def _compiled(self) -> Predicate:
        value, relation = self.value, self.compare.relation

        def ask(view: View) -> bool | None:
            score = self._answered(view)
            if score is None or score.band is None or value not in score.bands:
                return None
            return relation(score.bands.index(score.band), score.bands.index(value))

        return ask

    def _in_words(self) -> str:
        """Return the criterion in words."""
        return f"band of {self.name} {WORDS[self.compare]} {self.value}"
