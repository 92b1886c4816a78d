"""Drift: whether the leads that are scored are still like those that a score was learned from.

The population stability index of a field is the sum, over its values, of ``(after - before) * ln(after / before)``,
where both are shares of the leads and half a lead is added to each count. The step at .1 is a convention of credit
scoring (Siddiqi, Credit Risk Scorecards, 2006). Chance alone gives an index too: about ``(1/n + 1/m)`` times a
chi-square with as many degrees of freedom as there are values less one (Yurdakul 2018). A field has drifted if its
index passes both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import log, sqrt
from typing import Any, NamedTuple

from leadlife._base.intervals import cuts_of
from leadlife._base.model import EARLIEST
from leadlife._base.outcomes import as_chance, several
from leadlife.analytics.incidence import wilson
from leadlife.errors import Malformed
from leadlife.leads import Lead
from leadlife.scoring.learned.policy import Learned
from leadlife.scoring.learned.win_table import STAGE, ClosedLead, Key, WinTable, key_of

STEP = 0.1
"""The index from which a field may have drifted."""
_Z999 = 3.090232306167813
MANY_NUMBERS = 20
"""A field of more different numbers is compared by tenths of the leads before."""
BLANK, UNSEEN = key_of(None), ("unseen", None)


class FieldDrift(NamedTuple):
    """How far the shares of a field's values moved.

    Attributes:
        field: The field.
        psi: The population stability index; 0 if all shares are equal.
        drifted: Whether the index is at least .1 and more than chance gives in 999 of 1,000 cases.
        value: The value whose share moved most; blanks and values that were never seen before are one value each.
        before: Its share among the leads that the score was learned from.
        after: Its share among the leads that are scored.
    """

    field: str
    psi: float
    drifted: bool
    value: str
    before: float
    after: float

    def __str__(self) -> str:
        shares = f"{self.value} was {self.before:.0%} of the leads and is {self.after:.0%}"
        return f"field {self.field!r} has drifted (stability index {self.psi:.2f}): {shares}"


class Drift(NamedTuple):
    """What changed between the leads that a score was learned from and others.

    Attributes:
        leads: The numbers of leads, before and after.
        rates: The shares of won leads, before and after; None if the leads after are open.
        rate_drifted: Whether the 95 percent intervals of the two rates (Wilson) lie apart.
        predicted: The mean of the predicted probabilities of the leads after; None if none were given.
        miscalibrated: Whether that mean lies outside the 95 percent interval of the share that came true.
        fields: The fields, the one with the greatest index first.
    """

    leads: tuple[int, int]
    rates: tuple[float, float | None]
    rate_drifted: bool
    predicted: float | None
    miscalibrated: bool
    fields: tuple[FieldDrift, ...]

    @property
    def findings(self) -> tuple[str, ...]:
        """What drifted, in sentences; empty if nothing did."""
        before, after = self.rates
        found = [str(field) for field in self.fields if field.drifted]
        if self.rate_drifted:
            found.insert(0, f"{before:.0%} of the leads were won before, and {after:.0%} after")
        if self.miscalibrated:
            found.insert(0, f"the score predicts {self.predicted:.2f} where {after:.2f} came true: learn it anew")
        return tuple(found)

    def __str__(self) -> str:
        return "; ".join(self.findings) or f"no drift between {self.leads[0]} leads before and {self.leads[1]} after"


class _Side(NamedTuple):
    """The leads of one side: their number, the won ones (None if they are open), and the counts of each field."""

    leads: int
    won: int | None
    counts: dict[str, Counter[Key]]


Training = Learned | WinTable | Iterable[ClosedLead]


def drift(training: Training, scored: Iterable[ClosedLead | Lead], *, predicted: Iterable[Any] | None = None) -> Drift:
    """Return what changed between the leads that a score was learned from and the leads that it scores.

    For the drift between early and late leads, pass both halves of ``train_early_test_late``.

    Args:
        training: A learned policy, its table, or the closed leads.
        scored: The leads that are scored: closed ones, whose outcomes are compared too, or open ones.
        predicted: The predicted probability of each scored lead, in the same order.

    Raises:
        Malformed: An argument is none of these, a side has no leads, or there are not as many probabilities as leads.
    """
    after = [_checked(lead) for lead in several("the scored leads", scored)]
    if isinstance(training, Learned | WinTable):
        table = training.table if isinstance(training, Learned) else training
        before = _learned(table)
    else:
        known = [_checked(lead) for lead in several("the training leads", training)]
        table = _table_of(known)
        before = _counted(table, known)
    now = _counted(table, after)
    if not before.leads or not now.leads or before.won is None:
        raise Malformed("drift needs closed leads before and leads after", hint="pass at least one of each")
    chances = None if predicted is None else [as_chance(chance) for chance in several("probabilities", predicted)]
    if chances is not None and len(chances) != now.leads:
        raise Malformed(f"got {len(chances)} probabilities for {now.leads} leads", hint="pass one for each lead")
    fields = sorted((_moved(name, before, now) for name in table.names), key=lambda one: (-one.psi, one.field))
    rate, mean = None if now.won is None else now.won / now.leads, None if chances is None else sum(chances) / now.leads
    low, high = wilson(before.won, before.leads)
    now_low, now_high = (0.0, 1.0) if now.won is None else wilson(now.won, now.leads)
    return Drift(
        leads=(before.leads, now.leads),
        rates=(before.won / before.leads, rate),
        rate_drifted=now_low > high or now_high < low,
        predicted=mean,
        miscalibrated=mean is not None and rate is not None and not now_low <= mean <= now_high,
        fields=tuple(fields),
    )


def _checked(lead: Any) -> ClosedLead | Lead:
    if not isinstance(lead, ClosedLead | Lead):
        raise Malformed("drift compares leads", hint="pass ClosedLead(won=..., closed=...) or Lead(id=...)")
    return lead


def _values(lead: ClosedLead | Lead) -> Mapping[str, Any]:
    return lead.values if isinstance(lead, ClosedLead) else lead.fields


def _table_of(leads: Sequence[ClosedLead | Lead]) -> WinTable:
    """Return a table that counts every field of these leads, those of many numbers by tenths."""
    names = sorted({name for lead in leads for name in _values(lead)} - {STAGE})
    cuts: dict[str, tuple[float, ...]] = {}
    for name in names:
        known = [value for lead in leads if (value := _values(lead).get(name)) is not None]
        numbers = [float(value) for value in known if isinstance(value, int | float)]
        if len(set(numbers)) > MANY_NUMBERS and len(numbers) > len(known) / 2:  # a few may be texts
            cuts[name] = cuts_of(numbers, 10)
    return WinTable(at=EARLIEST, stages=("any",), fields=[name for name in names if name not in cuts], cuts=cuts)


def _learned(table: WinTable) -> _Side:
    """Return what a table has counted; a lead without a value of a field was blank."""
    tallies = table.counts(None, start=0.0)
    first = {key[1]: row for key, row in tallies[STAGE].rows.items()} if STAGE in tallies else {}
    won, lost = first.get(table.stages[0], (0.0, 0.0))
    leads = int(won + lost)
    counts: dict[str, Counter[Key]] = {}
    for name in table.names:
        rows = tallies[name].rows if name in tallies else {}
        counted = Counter({key: int(sum(row)) for key, row in rows.items()})
        blank = leads - counted.total()
        if name not in table.tags and blank > 0:
            counted[BLANK] += blank
        counts[name] = counted
    return _Side(leads, int(won), counts)


def _counted(table: WinTable, leads: Sequence[ClosedLead | Lead]) -> _Side:
    counts: dict[str, Counter[Key]] = {name: Counter() for name in table.names}
    for lead in leads:
        blank = dict.fromkeys(name for name in table.names if name not in table.tags)
        for name, value in table.values_of(_values(lead)):
            counts[name][key_of(value)] += 1
            blank.pop(name, None)
        for name in blank:
            counts[name][BLANK] += 1
    closed = [lead for lead in leads if isinstance(lead, ClosedLead)]
    return _Side(len(leads), sum(lead.won for lead in closed) if len(closed) == len(leads) else None, counts)


def _moved(name: str, before: _Side, after: _Side) -> FieldDrift:
    was, now = before.counts[name], Counter[Key]()
    for value, count in after.counts[name].items():
        now[value if value in was or value == BLANK else UNSEEN] += count
    values = sorted({*was, *now}, key=repr)
    half = 0.5 * len(values)
    shares = {
        value: ((was[value] + 0.5) / (before.leads + half), (now[value] + 0.5) / (after.leads + half))
        for value in values
    }
    psi = sum((there - here) * log(there / here) for here, there in shares.values())
    by_chance = (1 / before.leads + 1 / after.leads) * _chi_square(len(values) - 1)
    farthest = max(values, key=lambda value: abs(shares[value][1] - shares[value][0]), default=BLANK)
    words = {BLANK: "(blank)", UNSEEN: "(never seen)"}.get(farthest, str(farthest[1]))
    here, there = was[farthest] / before.leads, now[farthest] / after.leads
    return FieldDrift(name, psi, psi >= STEP and psi > by_chance, words, here, there)


def _chi_square(freedom: int) -> float:
    """Return the value that a chi-square stays below in 999 of 1,000 cases (Wilson and Hilferty 1931)."""
    if freedom < 1:
        return 0.0
    spread = 2 / (9 * freedom)
    return freedom * (1 - spread + _Z999 * sqrt(spread)) ** 3
