"""The base of the policies that learn from won and lost leads: their table, and the reasons that they give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from leadlife._base.model import Name, Names, default
from leadlife.criteria import Scalar
from leadlife.leads import Lead
from leadlife.scoring import MICRO, Answer, Contribution, LineKind, Scale, Score, banded, micropoints
from leadlife.scoring.learned.win_table import STAGE, WinTable
from leadlife.scoring.policy import Banded, PolicyView
from leadlife.scoring.view import LeadView

LEAST, MOST = 0.0001, 0.9999
"""The least and the greatest probability of a pending lead: none is certain."""
EVEN = 0.5
SHOWN = 3
"""The number of reasons on each side."""
PRIOR = "prior"


class WinReason(NamedTuple):
    """A value that makes winning a lead more likely or less likely.

    Attributes:
        field: The field, or ``stage``.
        value: Its value.
        score: From 0 to 1; above one half it is a reason for the lead, below one half against it.
    """

    field: str
    value: Scalar | None
    score: float


class WinReasons(NamedTuple):
    """The strongest reasons for and against a lead, the strongest first."""

    for_it: tuple[WinReason, ...]
    against_it: tuple[WinReason, ...]


class Weighed(NamedTuple):
    """The probability that a lead is won, and how it comes about.

    Attributes:
        probability: The probability.
        lines: The lines of the ledger, as log-odds.
        reasons: The reasons for and against the lead.
    """

    probability: float
    lines: tuple[Contribution, ...]
    reasons: tuple[WinReason, ...]


class Learned(Banded):
    """The base of a policy that learns, from a table, the probability that a pending lead is won.

    Attributes:
        table: The counts that it has learned from.
        won: The won stages: a lead in one of them has a probability of 1.
        lost: The lost stages: a lead in one of them has a probability of 0.
        stage: The field that holds the stage of the lead; if it has no value, the stage of the journey is used.
        team: The field that holds the team of the lead.
        fewest_tagged: Tags of fewer leads are left out.
        contacts: Fields that state whether a way to contact the lead is correct. The value ``correct`` is never given
            as a reason against the lead, any other value never as a reason for it.
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
        """False, because it also reads the team and the stage."""
        return False

    def stages_renamed(self, names: Mapping[str, str]) -> dict[str, Any]:
        """Return its won and lost stages, under new names."""
        stages = {"won": self.won, "lost": self.lost}
        return {field: tuple(names.get(name, name) for name in several) for field, several in stages.items()}

    def limits(self) -> tuple[int | None, int | None]:
        """Return 0 and 1, in micropoints."""
        return 0, MICRO

    def reads(self) -> Iterator[tuple[str, str, str]]:
        """Yield the fields that are counted."""
        for name in self.table.names:
            yield "table", "field", name

    def reasons(self, lead: Lead, *, at: datetime) -> WinReasons:
        """Return the three strongest reasons for a pending lead and the three against it, the strongest first.

        Raises:
            Malformed: The lead is not a Lead, or the instant is not an aware datetime.
        """
        weighed = self._weighed(LeadView(lead, (), at))
        reasons = [] if isinstance(weighed, str) else [one for one in weighed.reasons if self._plausible(one)]
        for_it = sorted((one for one in reasons if one.score > EVEN), key=lambda one: -one.score)
        against = sorted((one for one in reasons if one.score < EVEN), key=lambda one: one.score)
        return WinReasons(tuple(for_it[:SHOWN]), tuple(against[:SHOWN]))

    def _plausible(self, reason: WinReason) -> bool:
        """Return False for a correct contact as a reason against the lead, and for a wrong one as a reason for it."""
        return reason.field not in self.contacts or (reason.score > EVEN) is (reason.value == "correct")

    def _assess(self, view: PolicyView) -> Score:
        stage = self._stage(view)
        if stage in self.won or stage in self.lost:
            return self._chance(view, 1.0 if stage in self.won else 0.0, ())
        weighed = self._weighed(view)
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

    def _weighed(self, view: PolicyView) -> Weighed | str:
        """Return the probability of a pending lead, or why there is none."""
        if self.table.at > view.at:
            return "the table has learned from outcomes after this instant"
        return self._weigh(view)

    def _weigh(self, view: PolicyView) -> Weighed | str:
        raise NotImplementedError


def line(field: str, odds: float, reason: str) -> Contribution:
    """Return a line of log-odds."""
    return Contribution(field, LineKind.FIELD, micropoints(odds), reason)
