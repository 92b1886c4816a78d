"""Naive Bayes: the probability that a lead is won, learned from leads that were won and lost before.

Without smoothing it gives the same numbers as the tests of Odoo's CRM. For the stage and for each value of a field, the
share among won leads and the share among lost leads are multiplied; the probability is the product of the won side,
divided by the sum of both products. The lines of the score are log-odds: positive for the lead, negative against it.
"""

from __future__ import annotations

from math import fsum, log
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from leadlife.scoring.learned.odds import chance_of
from leadlife.scoring.learned.policy import LEAST, MOST, PRIOR, Learned, Weighed, WinReason, line
from leadlife.scoring.learned.win_table import STAGE, key_of
from leadlife.scoring.policy import PolicyView

FEW = 10
"""The line of a value that fewer closed leads had says so."""


class _Weight(NamedTuple):
    """One factor, and the logarithm of its share among won leads over that among lost ones."""

    reason: WinReason
    odds: float
    few: bool = False

    @property
    def words(self) -> str:
        """The field and its value, and whether hardly any closed lead had it."""
        return f"{self.reason.field} {self.reason.value}" + f" (fewer than {FEW} closed leads had it)" * self.few


class NaiveBayes(Learned):
    """The probability that a pending lead is won, from 0.01 to 99.99 percent.

    There is no answer if the table has no counts of the first stage, or has learned from outcomes later than the
    instant. A value that no closed lead had is left out. There is no least number of closed leads.

    By Odoo's rule a value that one lead had, which was won, multiplies the odds by 11; the line of such a value says
    that few leads had it. With ``smoothing``, its win rate is mixed with so many further leads that have the average
    rate of the field (the m-estimate, Cestnik 1990), so that its effect goes to nothing as its count does.

    Attributes:
        smoothing: The number of leads with the average win rate that each value is mixed with; 0 for Odoo's numbers.
    """

    op: Literal["naive_bayes"] = "naive_bayes"
    smoothing: Annotated[float, Field(ge=0, le=1_000_000)] = 0.0

    def _weigh(self, view: PolicyView) -> Weighed | str:
        counts = self.table.counts(self._team(view), fewest_tagged=self.fewest_tagged)
        stages = counts[STAGE].rows if STAGE in counts else {}
        first = stages.get(key_of(self.table.stages[0]))
        if first is None:
            return "no lead has been won or lost yet"
        won, lost = first
        weights: list[_Weight] = []
        stage = self._stage(view)
        reached = stages.get(key_of(stage)) if isinstance(stage, str) else None
        if reached is not None:
            reason = WinReason(STAGE, str(stage), 1 - reached.lost / lost)
            weights.append(_Weight(reason, log(reached.won / won) - log(reached.lost / lost)))
        for field, value in self.table.values_of(view.fields):
            tally = counts.get(field)
            row = None if tally is None else tally.rows.get(key_of(value))
            if tally is not None and row is not None:
                mean = self.smoothing * tally.won / (tally.won + tally.lost)
                share_won = (row.won + mean) / tally.won
                share_lost = (row.lost + self.smoothing - mean) / tally.lost
                reason = WinReason(field, value, share_won / (share_won + share_lost))
                weights.append(_Weight(reason, log(share_won / share_lost), few=sum(row) < FEW))
        lines = [line(PRIOR, log(won / lost), "average win rate")]
        lines += [line(one.reason.field, one.odds, one.words) for one in weights]
        # Logarithms are added, because a product of hundreds of small shares would become 0 in a float. Odoo rounds a
        # percentage to two decimals, so this does too.
        percent = round(100 * chance_of(fsum([log(won / lost), *(one.odds for one in weights)])), 2)
        chance = min(max(round(percent / 100, 4), LEAST), MOST)
        return Weighed(chance, tuple(lines), tuple(one.reason for one in weights))
