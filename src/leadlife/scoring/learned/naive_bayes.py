"""Naive Bayes: how likely a lead is won, from how leads like it were won and lost before.

The rule is the one that Odoo's CRM is tested by, to the digit: shares of won and lost leads for the stage and for each
field's value are multiplied, and the product of the won side is taken as a share of both. The lines of the score are
log-odds: what speaks for the lead is positive, what speaks against it negative.
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

    There is no answer where the table knows nothing of the first stage, or has learned from outcomes later than the
    instant asked for. A value that no closed lead had is left out; there is no least number of closed leads.
    """

    op: Literal["naive_bayes"] = "naive_bayes"

    def _weigh(self, view: PolicyView) -> Weighed | str:
        counts = self.table.counts(self._team(view), fewest_tagged=self.fewest_tagged)
        stages = counts[STAGE].rows if STAGE in counts else {}
        first = stages.get(key_of(self.table.stages[0]))
        if first is None:
            return "no lead has been won or lost yet"
        won, lost = first
        found: list[_Weight] = []
        stage = self._stage(view)
        reached = stages.get(key_of(stage)) if isinstance(stage, str) else None
        if reached is not None:
            told = Reason(STAGE, str(stage), 1 - reached.lost / lost)
            found.append(_Weight(told, log(reached.won / won) - log(reached.lost / lost)))
        for field, value in self.table.values_of(view.fields):
            tally = counts.get(field)
            row = None if tally is None else tally.rows.get(key_of(value))
            if tally is not None and row is not None:
                share_won, share_lost = row.won / tally.won, row.lost / tally.lost
                told = Reason(field, value, share_won / (share_won + share_lost))
                found.append(_Weight(told, log(share_won / share_lost)))
        lines = [line(PRIOR, log(won / lost), "how often leads are won")]
        lines += [line(one.reason.field, one.odds, f"{one.reason.field} {one.reason.value}") for one in found]
        percent = round(100 * chance_of(fsum([log(won / lost), *(one.odds for one in found)])), 2)
        return Weighed(min(max(round(percent / 100, 4), LEAST), MOST), tuple(lines), tuple(one.reason for one in found))
