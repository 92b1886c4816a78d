"""What every policy that has learned from won and lost leads has in common: its table, and how it tells its reasons."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from math import exp, log
from typing import Annotated, NamedTuple

from pydantic import Field

from leadlife._base.model import Name, Names, default
from leadlife.criteria import Scalar
from leadlife.leads import Lead
from leadlife.scoring import MICRO, Answer, Contribution, Scale, Score, Sort, banded, micropoints
from leadlife.scoring.learned.win_table import STAGE, WinTable
from leadlife.scoring.policy import Banded, PolicyView
from leadlife.scoring.view import LeadView

LEAST, MOST = 0.0001, 0.9999
"""No pending lead is certain."""
EVEN = 0.5
SHOWN = 3
PRIOR = "prior"


class Reason(NamedTuple):
    """What speaks for a lead, above one half, or against it, below.

    Attributes:
        field: The field, or ``stage``.
        value: Its value.
        score: From 0 to 1.
    """

    field: str
    value: Scalar | None
    score: float


class Reasons(NamedTuple):
    """The most telling reasons for and against, the most extreme first."""

    for_it: tuple[Reason, ...]
    against_it: tuple[Reason, ...]


class Weighed(NamedTuple):
    """A lead, weighed.

    Attributes:
        probability: That it is won.
        lines: What makes it so, as log-odds.
        reasons: What speaks for it and against it.
    """

    probability: float
    lines: tuple[Contribution, ...]
    reasons: tuple[Reason, ...]


class Learned(Banded):
    """A probability that a pending lead is won, learned from a table; the shape that such policies share.

    Attributes:
        table: What it has learned.
        won: Stages that are won: a lead there has 100 percent.
        lost: Stages that are lost: a lead there has none.
        stage: The field that holds the lead's stage; where there is none, a journey's own stage is taken.
        team: The field that holds the lead's team.
        fewest_tagged: A tag that fewer leads had is left out.
        contacts: Fields that say whether a way of contact is correct: ``correct`` is never told as a reason against,
            anything else never as a reason for.
    """

    table: WinTable
    won: Names = default(())
    lost: Names = default(())
    stage: Name = STAGE
    team: Name = "team"
    fewest_tagged: Annotated[int, Field(ge=0)] = 50
    contacts: Names = default(())

    @property
    def declares_all(self) -> bool:
        """False, for it also looks at teams, tags and the stage."""
        return False

    def limits(self) -> tuple[int | None, int | None]:
        """Return 0 and 1."""
        return 0, MICRO

    def reads(self) -> Iterator[tuple[str, str, str]]:
        """Yield the fields that are counted."""
        for name in self.table.names:
            yield "table", "field", name

    def reasons(self, lead: Lead, *, at: datetime) -> Reasons:
        """Return what speaks most for a pending lead and against it: three of each, the most extreme first.

        Raises:
            Malformed: This is no lead, or no instant.
        """
        weighed = self._judged(LeadView(lead, (), at))
        found = [] if isinstance(weighed, str) else [one for one in weighed.reasons if self._telling(one)]
        for_it = sorted((one for one in found if one.score > EVEN), key=lambda one: -one.score)
        against = sorted((one for one in found if one.score < EVEN), key=lambda one: one.score)
        return Reasons(tuple(for_it[:SHOWN]), tuple(against[:SHOWN]))

    def _telling(self, reason: Reason) -> bool:
        return reason.field not in self.contacts or (reason.score > EVEN) is (reason.value == "correct")

    def _assess(self, view: PolicyView) -> Score:
        stage = self._stage(view)
        if stage in self.won or stage in self.lost:
            return self._chance(view, 1.0 if stage in self.won else 0.0, ())
        weighed = self._judged(view)
        if isinstance(weighed, str):
            none = Score(self.name, self.version, view.at, answer=Answer.UNANSWERED, why=weighed)
            return banded(none, self.bands)
        return self._chance(view, weighed.probability, weighed.lines)

    def _chance(self, view: PolicyView, probability: float, lines: tuple[Contribution, ...]) -> Score:
        score = Score(
            self.name,
            self.version,
            view.at,
            micropoints(probability),
            lines,
            scale=Scale.PROBABILITY,
            probability=probability,
            low=0,
            high=MICRO,
        )
        return banded(score, self.bands)

    def _stage(self, view: PolicyView) -> object:
        return view.fields.get(self.stage, None if view.stage is None else view.stage.value)

    def _team(self, view: PolicyView) -> str | None:
        team = view.fields.get(self.team)
        return team if isinstance(team, str) else None

    def _judged(self, view: PolicyView) -> Weighed | str:
        """Return a pending lead weighed, or why it is not."""
        if self.table.at > view.at:
            return "the table has learned from outcomes that were still to come"
        return self._weigh(view)

    def _weigh(self, view: PolicyView) -> Weighed | str:
        raise NotImplementedError


def line(field: str, odds: float, reason: str) -> Contribution:
    """Return a line of log-odds."""
    return Contribution(field, Sort.FIELD, micropoints(odds), reason)


def chance_of(odds: float) -> float:
    """Return the probability whose log-odds these are."""
    return 1 / (1 + exp(-odds)) if odds > 0 else exp(odds) / (1 + exp(odds))


def log_odds(probability: float) -> float:
    """Return the logarithm of the odds of a probability between 0 and 1."""
    return log(probability / (1 - probability))
