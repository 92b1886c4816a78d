"""Naive Bayes: the probability that a lead is won, learned from leads that were won and lost before.

It gives the same numbers as the tests of Odoo's CRM. For the stage and for each value of a field, the share among won
leads and the share among lost leads are multiplied; the probability is the product of the won side, divided by the sum
of both products. The lines of the score are log-odds: positive for the lead, negative against it.
"""

from __future__ import annotations

from math import fsum, log
from typing import Literal, NamedTuple

from leadlife.scoring.learned.policy import LEAST, MOST, PRIOR, Learned, Reason, Weighed, chance_of, line
from leadlife.scoring.learned.win_table import STAGE, key_of
from leadlife.scoring.policy import PolicyView


class _Weight(NamedTuple):
    """One factor, and the logarithm of its share among won leads over that among lost ones."""

    reason: Reason
    odds: float


class NaiveBayes(Learned):
    """The probability that a pending lead is won, from 0.01 to 99.99 percent.

    There is no answer if the table has no counts of the first stage, or has learned from outcomes later than the
    instant. A value that no closed lead had is left out. There is no least number of closed leads.
    """

    op: Literal["naive_bayes"] = "naive_bayes"

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
            reason = Reason(STAGE, str(stage), 1 - reached.lost / lost)
            weights.append(_Weight(reason, log(reached.won / won) - log(reached.lost / lost)))
        for field, value in self.table.values_of(view.fields):
            tally = counts.get(field)
            row = None if tally is None else tally.rows.get(key_of(value))
            if tally is not None and row is not None:
                share_won, share_lost = row.won / tally.won, row.lost / tally.lost
                reason = Reason(field, value, share_won / (share_won + share_lost))
                weights.append(_Weight(reason, log(share_won / share_lost)))
        lines = [line(PRIOR, log(won / lost), "average win rate")]
        lines += [line(one.reason.field, one.odds, f"{one.reason.field} {one.reason.value}") for one in weights]
        # Logarithms are added, because a product of hundreds of small shares would become 0 in a float. Odoo rounds a
        # percentage to two decimals, so this does too.
        percent = round(100 * chance_of(fsum([log(won / lost), *(one.odds for one in weights)])), 2)
        chance = min(max(round(percent / 100, 4), LEAST), MOST)
        return Weighed(chance, tuple(lines), tuple(one.reason for one in weights))
