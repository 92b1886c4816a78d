"""Naive Bayes: how likely a lead is won, from how leads like it were won and lost before.

The rule is the one that Odoo's CRM is tested by, to the digit: shares of won and lost leads for the stage and for each
field's value are multiplied, and the product of the won side is taken as a share of both. The lines of the score are
log-odds: what speaks for the lead is positive, what speaks against it negative.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from math import log
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from leadlife._model import Name, Names
from leadlife.criteria import Scalar
from leadlife.leads import Lead
from leadlife.policies.policy import Banded
from leadlife.policies.sight import Sight
from leadlife.policies.wins import STAGE, Counts, Key, WinTable, key_of
from leadlife.scoring import MICRO, Answer, Contribution, Scale, Score, Sort, banded, micropoints

LEAST, MOST = 0.01, 99.99
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


class Weight(NamedTuple):
    """One factor: its share among won leads and among lost ones."""

    reason: Reason
    won: float
    lost: float


class Reasons(NamedTuple):
    """The most telling reasons for and against, the most extreme first."""

    for_it: tuple[Reason, ...]
    against_it: tuple[Reason, ...]


class NaiveBayes(Banded):
    """The probability that a pending lead is won, from 0.01 to 99.99 percent.

    A lead in a won stage has 100 percent, one in a lost stage 0. There is no answer where the table knows nothing of
    the first stage, or has learned from outcomes later than the instant asked for.

    Attributes:
        table: What it has learned.
        won: Stages that are won.
        lost: Stages that are lost.
        stage: The field that holds the lead's stage; where there is none, a journey's own stage is taken.
        team: The field that holds the lead's team.
        fewest_tagged: A tag that fewer leads had is left out.
        contacts: Fields that say whether a way of contact is correct: ``correct`` is never told as a reason against,
            anything else never as a reason for.
    """

    op: Literal["naive_bayes"] = "naive_bayes"
    table: WinTable
    won: Names = ()
    lost: Names = ()
    stage: Name = STAGE
    team: Name = "team"
    fewest_tagged: Annotated[int, Field(ge=0)] = 50
    contacts: Names = ()

    def limits(self) -> tuple[int | None, int | None]:
        """Return 0 and 1."""
        return 0, MICRO

    def reads(self) -> Iterator[tuple[str, str, str]]:
        """Yield the fields that are counted."""
        for name in (*self.table.fields, *self.table.tags):
            yield "table", "field", name

    def reasons(self, lead: Lead, *, at: datetime) -> Reasons:
        """Return what speaks most for a pending lead and against it: three of each, the most extreme first.

        Raises:
            Malformed: This is no lead, or no instant.
        """
        weighed = self._weigh(Sight(lead, (), at))
        found = [] if isinstance(weighed, str) else [one.reason for one in weighed if self._telling(one.reason)]
        for_it = sorted((one for one in found if one.score > EVEN), key=lambda one: -one.score)
        against = sorted((one for one in found if one.score < EVEN), key=lambda one: one.score)
        return Reasons(tuple(for_it[:SHOWN]), tuple(against[:SHOWN]))

    def _telling(self, reason: Reason) -> bool:
        if reason.field not in self.contacts:
            return reason.field != PRIOR
        return (reason.score > EVEN) is (reason.value == "correct")

    def _assess(self, sight: Sight) -> Score:
        stage = self._stage(sight)
        weighed = self._weigh(sight)
        if stage in self.won or stage in self.lost:
            return self._chance(sight, 1.0 if stage in self.won else 0.0, ())
        if isinstance(weighed, str):
            none = Score(self.name, self.version, sight.at, answer=Answer.UNANSWERED, why=weighed)
            return banded(none, self.bands)
        for_it = against = 1.0
        for one in weighed:
            for_it, against = for_it * one.won, against * one.lost
        percent = round(100 * for_it / (for_it + against), 2)
        lines = tuple(
            Contribution(
                one.reason.field,
                Sort.FIELD,
                micropoints(log(one.won / one.lost)),
                "how often leads are won" if one.reason.field == PRIOR else f"{one.reason.field} {one.reason.value}",
            )
            for one in weighed
        )
        return self._chance(sight, round(min(max(percent, LEAST), MOST) / 100, 4), lines)

    def _chance(self, sight: Sight, probability: float, lines: tuple[Contribution, ...]) -> Score:
        score = Score(
            self.name,
            self.version,
            sight.at,
            micropoints(probability),
            lines,
            scale=Scale.PROBABILITY,
            probability=probability,
            low=0,
            high=MICRO,
        )
        return banded(score, self.bands)

    def _stage(self, sight: Sight) -> object:
        return sight.lead.fields.get(self.stage, sight.standing)

    def _weigh(self, sight: Sight) -> list[Weight] | str:
        """Return the shares of won and lost leads, the prior first, or why there are none."""
        table = self.table
        if table.at > sight.at:
            return "the table has learned from outcomes that were still to come"
        team = sight.lead.fields.get(self.team)
        counts = table.counts(team if isinstance(team, str) else None)
        stages = counts.get(STAGE, {})
        first = stages.get(key_of(table.stages[0]))
        if first is None:
            return "no lead has been won or lost yet"
        won, lost = first
        found = [Weight(Reason(PRIOR, None, won / (won + lost)), won / (won + lost), lost / (won + lost))]
        stage = self._stage(sight)
        reached = stages.get(key_of(stage)) if isinstance(stage, str) else None
        if reached is not None:
            told = Reason(STAGE, str(stage), 1 - reached.lost / lost)
            found.append(Weight(told, reached.won / won, reached.lost / lost))
        for field, value in table.values_of(sight.lead.fields):
            rows = self._kept(field, counts.get(field, {}))
            row = rows.get(key_of(value))
            if row is not None:
                share_won = row.won / sum(one.won for one in rows.values())
                share_lost = row.lost / sum(one.lost for one in rows.values())
                told = Reason(field, value, share_won / (share_won + share_lost))
                found.append(Weight(told, share_won, share_lost))
        return found

    def _kept(self, field: str, rows: Mapping[Key, Counts]) -> Mapping[Key, Counts]:
        if field not in self.table.tags:
            return rows
        return {key: row for key, row in rows.items() if row.won + row.lost >= self.fewest_tagged}
