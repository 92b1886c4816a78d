"""Naive Bayes with smoothed win rates and calibrated probabilities; without an answer if the data are too few.

The differences to :class:`NaiveBayes`:

- Smoothing. The win rate of a value is mixed with ``smoothing`` further leads that have the average win rate (the
  m-estimate, Cestnik 1990), so that its effect goes to nothing as its count does. Their number is chosen by the least
  error on held-out leads, and kept in the policy. It is never chosen below 10: how much the common values of a field
  differ says little about a value, or a blank, that one lead had.
- Unseen values. A value that no closed lead had gets the average win rate: it adds 0, and a line says so. The same
  holds for a tag that too few leads had.
- Little data. A team with fewer than ``fewest`` won or lost leads is scored by the leads of all teams. If these are too
  few as well, there is no answer, and the reason states both numbers.
- Calibration. An isotonic curve maps the raw probability of the fields to the share of won leads among held-out leads.
  Each level part of the curve is mixed with two leads of the average win rate, so that a few won leads at one end do
  not make it certain. It rises strictly (see ``Isotonic``), so no two leads of unlike raw probability get the
  same: the calibration keeps ranks, which a level part would lose. The stage multiplies the odds after the calibration,
  because closed leads have no open stage to learn from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from math import fsum, log
from operator import itemgetter
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import Field

from leadlife._base.outcomes import stratified_splits, whole
from leadlife.criteria import Scalar
from leadlife.errors import Malformed
from leadlife.scoring.learned.isotonic import Isotonic
from leadlife.scoring.learned.odds import chance_of, log_odds
from leadlife.scoring.learned.policy import LEAST, MOST, PRIOR, Learned, Weighed, WinReason, line
from leadlife.scoring.learned.win_table import STAGE, ClosedLead, Counts, Key, WinTable, key_of
from leadlife.scoring.policy import PolicyView
from leadlife.timing import instant

CANDIDATES = (10.0, 20.0, 50.0, 100.0, 200.0)
"""The numbers of smoothing leads that are tried, unless one is given."""
DIGITS = 12
"""The decimals of a probability: more than the floats of two machines agree in, and enough to tell leads apart."""
PRIOR_LEADS = 2.0
"""The number of leads with the average win rate that each level part of the curve is mixed with."""
NEARLY = 1.005
"""An error that exceeds the least by half a percent is as good, and the stronger smoothing is kept."""
HARDLY = 0.05
"""A value that moves the log-odds by less is not given as a reason."""


class _Odds(NamedTuple):
    """The content of a table as log-odds: the average, and how far each value of a field moves it."""

    prior: float
    moves: Mapping[tuple[str, Key], float]


class CalibratedBayes(Learned):
    """The calibrated probability that a pending lead is won; :meth:`learned` makes such a policy.

    Attributes:
        curve: The curve from raw to calibrated probabilities.
        smoothing: The number of leads with the average win rate that each value is mixed with.
        fewest: The least number of won leads, and of lost leads, to learn from.
    """

    op: Literal["calibrated_bayes"] = "calibrated_bayes"
    curve: Isotonic
    smoothing: Annotated[float, Field(gt=0, le=1_000_000)] = 10.0
    fewest: Annotated[int, Field(ge=1)] = 50

    @classmethod
    def learned(
        cls,
        leads: Iterable[ClosedLead],
        *,
        table: WinTable,
        at: datetime,
        name: str,
        smoothing: float | None = None,
        fewest: int = 50,
        parts: int = 5,
        **more: Any,
    ) -> Self:
        """Return a policy that is learned from closed leads; their order has no effect.

        Args:
            leads: The leads; those that closed after ``at`` are left out.
            table: The table that defines what is counted; its counts are discarded.
            at: The instant up to which the policy learns.
            name: The name of the policy.
            smoothing: The number of leads with the average win rate that each value is mixed with. By default the
                greatest of ``CANDIDATES`` that gives held-out leads nearly the least Brier score after calibration.
            fewest: The least number of won leads, and of lost leads.
            parts: The number of parts; each is held out once, to learn the curve.
            more: Other fields of the policy, such as ``bands``, ``won`` and ``lost``.

        Raises:
            Malformed: There are too few won or lost leads; the message states both numbers.
        """
        now, parts = instant(at), whole("parts", parts, least=2)
        empty = cls(name=name, table=table, curve=_IDENTITY, smoothing=smoothing or 10.0, fewest=fewest, **more)
        # The split into parts depends on the order of the leads, so they are sorted by their content.
        used = sorted(table.taken(leads, at=now), key=_content)
        won, least = sum(lead.won for lead in used), max(fewest, parts)
        if min(won, len(used) - won) < least:
            raise Malformed(_too_few(won, len(used) - won, least))
        outcomes = [lead.won for lead in used]
        tried: list[tuple[float, Isotonic, float]] = []
        candidates = CANDIDATES if smoothing is None else (smoothing,)
        for each, raw in empty._held_out(used, now, parts, candidates).items():
            curve = Isotonic.fit(outcomes, raw, prior=PRIOR_LEADS, strict=True)
            error = fsum((curve(chance) - outcome) ** 2 for chance, outcome in zip(raw, outcomes, strict=True))
            tried.append((each, curve, error))
        least_error = min(error for _, _, error in tried)
        best, curve, _ = max((one for one in tried if one[2] <= least_error * NEARLY), key=itemgetter(0))
        return empty.replace(table=table.rebuilt(used, at=now), smoothing=best, curve=curve)

    def _held_out(
        self, leads: Sequence[ClosedLead], at: datetime, parts: int, smoothings: Sequence[float]
    ) -> dict[float, list[float]]:
        """Return, for each smoothing, the raw probability of each lead, learned from the other parts."""
        raw = {float(each): [0.0] * len(leads) for each in smoothings}
        fewest = max(1, self.fewest * (parts - 1) // parts)  # the share of the leads that the other parts hold
        places = [self._places(lead.values) for lead in leads]
        for train, test in stratified_splits((lead.won for lead in leads), parts=parts):
            table = self.table.rebuilt([leads[place] for place in train], at=at)
            for each, chances in raw.items():
                others = self.replace(table=table, smoothing=each, fewest=fewest)
                for place in test:
                    odds = others._known(leads[place].team)  # noqa: SLF001 - same class
                    assert isinstance(odds, _Odds)  # noqa: S101 - the other parts hold enough won and lost leads
                    chances[place] = chance_of(fsum([odds.prior, *(odds.moves.get(key, 0.0) for key in places[place])]))
        return raw

    def _places(self, values: Mapping[str, Scalar | None]) -> list[tuple[str, Key]]:
        return [(field, key_of(value)) for field, value in self.table.values_of(values)]

    def _weigh(self, view: PolicyView) -> Weighed | str:
        known = self._known(self._team(view))
        if isinstance(known, str):
            return known
        lines = [line(PRIOR, known.prior, "average win rate")]
        reasons: list[WinReason] = []
        moved = [known.prior]
        for field, value in self.table.values_of(view.fields):
            odds = known.moves.get((field, key_of(value)))
            if odds is None:
                seen = "seen too rarely" if field in self.table.tags else "never seen"
                lines.append(line(field, 0.0, f"{field} {value}: {seen}, so it adds 0"))
            else:
                lines.append(line(field, odds, f"{field} {value}"))
                moved.append(odds)
                if abs(odds) > HARDLY:
                    reasons.append(WinReason(field, value, chance_of(odds)))
        raw = fsum(moved)
        odds = log_odds(_clamped(self.curve(chance_of(raw))))
        lines.append(line("calibration", odds - raw, "calibration on held-out leads"))
        stage = self._stage(view)
        passed = known.moves.get((STAGE, key_of(stage))) if isinstance(stage, str) else None
        if passed is not None:
            odds += passed
            lines.append(line(STAGE, passed, f"stage {stage}"))
            reasons.append(WinReason(STAGE, str(stage), chance_of(passed)))
        return Weighed(round(_clamped(chance_of(odds)), DIGITS), tuple(lines), tuple(reasons))

    def _known(self, team: str | None) -> _Odds | str:
        """Return the odds of a team, or of all teams if it has too few leads; or the reason why there are none."""
        own = self.table.team_of(team)
        if own not in self._learned:
            odds = self._odds(own)
            self._learned[own] = self._known(None) if isinstance(odds, str) and own is not None else odds
        return self._learned[own]

    @cached_property
    def _learned(self) -> dict[str | None, _Odds | str]:
        return {}

    def _odds(self, team: str | None) -> _Odds | str:
        counts = self.table.counts(team, start=0.0, fewest_tagged=self.fewest_tagged)
        # Every lead has been in the first stage, so its counts are those of all leads.
        none = Counts(0.0, 0.0)
        won, lost = counts[STAGE].rows.get(key_of(self.table.stages[0]), none) if STAGE in counts else none
        if min(won, lost) < self.fewest:
            return _too_few(int(won), int(lost), self.fewest)
        rate = won / (won + lost)
        prior, extra_won, extra_lost = log_odds(rate), self.smoothing * rate, self.smoothing * (1 - rate)
        moves = {
            (field, key): log((row.won + extra_won) / (row.lost + extra_lost)) - prior
            for field, tally in counts.items()
            for key, row in tally.rows.items()
        }
        return _Odds(prior, moves)


_IDENTITY = Isotonic(xs=(0.0, 1.0), ys=(0.0, 1.0))


def _clamped(chance: float) -> float:
    return min(max(chance, LEAST), MOST)


def _content(lead: ClosedLead) -> str:
    return repr((lead.won, lead.closed, lead.made, lead.team, lead.stage, sorted(lead.values.items())))


def _too_few(won: int, lost: int, fewest: int) -> str:
    return f"{won} won and {lost} lost leads are too few to learn from: {fewest} of each are needed"
