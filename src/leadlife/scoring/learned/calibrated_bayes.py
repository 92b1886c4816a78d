"""Naive Bayes whose probabilities mean what they say: shrunk, calibrated, and silent where too little is known.

Where it differs from :class:`NaiveBayes`:

- Smoothing. A value's win rate is drawn towards the average, as if ``smoothing`` further leads of average luck had had
  it (the m-estimate, Cestnik 1990). How many is chosen by what would have erred least, and kept in the policy.
- Unseen values. One that no closed lead had has the average rate, so it counts for nothing, and a line says so; so
  does a tag that too few leads had.
- Little data. With fewer than ``fewest`` won or lost leads a team is judged by all teams; with fewer in all there is no
  answer, and the number is told.
- Calibration. An isotonic curve turns the product of the fields into what came true, learned from leads that were held
  out; each level part of it is mixed with two leads of average luck, so that a few lucky ones do not make it certain.
  The stage multiplies the odds afterwards: closed leads have no stage that could be learned from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from math import fsum, log
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import Field

from leadlife._base.outcomes import stratified_splits, whole
from leadlife.criteria import Scalar
from leadlife.errors import Malformed
from leadlife.scoring.learned.isotonic import Isotonic
from leadlife.scoring.learned.policy import LEAST, MOST, PRIOR, Learned, Reason, Weighed, chance_of, line, log_odds
from leadlife.scoring.learned.win_table import STAGE, ClosedLead, Counts, Key, WinTable, key_of
from leadlife.scoring.policy import PolicyView
from leadlife.timing import instant

CANDIDATES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
"""The smoothings that are tried, unless one is given."""
DIGITS = 6
PRIOR_LEADS = 2.0
"""With so many leads of average luck each level part of the curve is mixed."""
HARDLY = 0.05
"""What moves the log-odds by less is no reason for anything."""


class _Odds(NamedTuple):
    """What a table says: the average log-odds, and how far each value of a field moves them."""

    prior: float
    moves: Mapping[tuple[str, Key], float]


class CalibratedBayes(Learned):
    """The probability that a pending lead is won, as often true as it says; :meth:`learned` makes one.

    Attributes:
        curve: From the raw probability to the calibrated one.
        smoothing: How many leads of average luck each value is mixed with.
        fewest: The least number of won leads, and of lost ones, to learn from.
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
        """Return the policy that closed leads teach; their order means nothing.

        Args:
            leads: The leads; those that closed after ``at`` wait.
            table: What to count; its own counts are forgotten.
            at: The instant up to which it learns.
            name: The policy's name.
            smoothing: How many leads of average luck each value is mixed with; by default the number among
                ``CANDIDATES`` with which held-out leads, calibrated, have the least Brier score.
            fewest: The least number of won leads, and of lost ones.
            parts: In how many parts the leads are held out, one after another, to learn the curve.
            more: Other fields of the policy, such as ``bands``, ``won`` and ``lost``.

        Raises:
            Malformed: There are too few won or lost leads, with both numbers.
        """
        now, parts = instant(at), whole("parts", parts, least=2)
        empty = cls(name=name, table=table, curve=_AS_IT_IS, smoothing=smoothing or 10.0, fewest=fewest, **more)
        told = sorted(table.taken(leads, at=now), key=_content)
        won, least = sum(lead.won for lead in told), max(fewest, parts)
        if min(won, len(told) - won) < least:
            raise Malformed(_too_few(won, len(told) - won, least))
        outcomes = [lead.won for lead in told]
        tried: list[tuple[float, float, Isotonic]] = []
        candidates = CANDIDATES if smoothing is None else (smoothing,)
        for each, raw in empty._held_out(told, now, parts, candidates).items():
            curve = Isotonic.fit(outcomes, raw, prior=PRIOR_LEADS)
            error = fsum((curve(chance) - outcome) ** 2 for chance, outcome in zip(raw, outcomes, strict=True))
            tried.append((error, -each, curve))
        _, best, curve = min(tried, key=lambda one: one[:2])
        return empty.replace(table=table.rebuilt(told, at=now), smoothing=-best, curve=curve)

    def _held_out(
        self, leads: Sequence[ClosedLead], at: datetime, parts: int, smoothings: Sequence[float]
    ) -> dict[float, list[float]]:
        """Return the raw probability of each lead as the others teach it, by smoothing."""
        found = {float(each): [0.0] * len(leads) for each in smoothings}
        fewest = max(1, self.fewest * (parts - 1) // parts)  # what the other parts hold where the whole holds enough
        places = [self._places(lead.values) for lead in leads]
        for train, test in stratified_splits((lead.won for lead in leads), parts=parts):
            table = self.table.rebuilt([leads[place] for place in train], at=at)
            for each, chances in found.items():
                others = self.replace(table=table, smoothing=each, fewest=fewest)
                for place in test:
                    odds = others._known(leads[place].team)  # noqa: SLF001 - its own kind
                    assert isinstance(odds, _Odds)  # noqa: S101 - the other parts hold won and lost leads
                    chances[place] = chance_of(fsum([odds.prior, *(odds.moves.get(one, 0.0) for one in places[place])]))
        return found

    def _places(self, values: Mapping[str, Scalar | None]) -> list[tuple[str, Key]]:
        return [(field, key_of(value)) for field, value in self.table.values_of(values)]

    def _weigh(self, view: PolicyView) -> Weighed | str:
        found = self._known(self._team(view))
        if isinstance(found, str):
            return found
        lines = [line(PRIOR, found.prior, "how often leads are won")]
        reasons: list[Reason] = []
        moved = [found.prior]
        for field, key in self._places(view.fields):
            odds, value = found.moves.get((field, key)), key[1]
            if odds is None:
                seen = "seen too seldom" if field in self.table.tags else "never seen"
                lines.append(line(field, 0.0, f"{field} {value}: {seen}, so it counts for nothing"))
            else:
                lines.append(line(field, odds, f"{field} {value}"))
                moved.append(odds)
                if abs(odds) > HARDLY:
                    reasons.append(Reason(field, value, chance_of(odds)))
        raw = fsum(moved)
        odds = log_odds(_clamped(self.curve(chance_of(raw))))
        lines.append(line("calibration", odds - raw, "what came true of such leads"))
        stage = self._stage(view)
        passed = found.moves.get((STAGE, key_of(stage))) if isinstance(stage, str) else None
        if passed is not None:
            odds += passed
            lines.append(line(STAGE, passed, f"stage {stage}"))
            reasons.append(Reason(STAGE, str(stage), chance_of(passed)))
        return Weighed(round(_clamped(chance_of(odds)), DIGITS), tuple(lines), tuple(reasons))

    def _known(self, team: str | None) -> _Odds | str:
        """Return what is known of a team, of all teams where that is too little, or how little even that is."""
        speaks = self.table.team_of(team)
        if speaks not in self._learned:
            odds = self._odds(speaks)
            self._learned[speaks] = self._known(None) if isinstance(odds, str) and speaks is not None else odds
        return self._learned[speaks]

    @cached_property
    def _learned(self) -> dict[str | None, _Odds | str]:
        return {}

    def _odds(self, team: str | None) -> _Odds | str:
        counts = self.table.counts(team, start=0.0, fewest_tagged=self.fewest_tagged)
        nobody = Counts(0.0, 0.0)
        won, lost = counts[STAGE].rows.get(key_of(self.table.stages[0]), nobody) if STAGE in counts else nobody
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


_AS_IT_IS = Isotonic(xs=(0.0, 1.0), ys=(0.0, 1.0))


def _clamped(chance: float) -> float:
    return min(max(chance, LEAST), MOST)


def _content(lead: ClosedLead) -> str:
    return repr((lead.won, lead.closed, lead.made, lead.team, lead.stage, sorted(lead.values.items())))


def _too_few(won: int, lost: int, fewest: int) -> str:
    return f"{won} won and {lost} lost leads are too few to learn from: {fewest} of each are needed"
