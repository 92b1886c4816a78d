"""Leak alarms: columns that know the outcome, because somebody filled them in when they knew it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from math import isfinite, log, sqrt
from statistics import quantiles
from typing import Any, NamedTuple

from leadlife._base.outcomes import checked_outcomes, several, stratified_splits, won_of_both
from leadlife.errors import Malformed
from leadlife.evaluation.ranking import roc_auc
from leadlife.timing import instant

PLACEHOLDERS = frozenset(
    {"", "-", "--", "?", "n/a", "na", "nan", "none", "not specified", "null", "select", "undefined", "unknown"}
)
"""Texts, in any case, by which forms and exports often say that nothing was answered."""
NEARLY_ALL = 0.99
SURE = log(1e-6)
STANDS_OUT = 4.0
TOO_GOOD, TOO_GOOD_TOGETHER = 0.85, 0.95
REMARKABLE, LATE_NAME = 0.70, 0.60
FEW_NUMBERS = 20
_LATE_WORDS = re.compile(r"(?i)\b(last|latest|tags?|status|stage|quality|clos\w*|won|lost|reason|deal|outcome)\b")


class LeakSign(StrEnum):
    """What makes a column suspect."""

    FILLED_FOR_WON = "filled_for_won"
    """It is filled in for won leads and for hardly any other."""
    FILLED_FOR_LOST = "filled_for_lost"
    """It is filled in for lost leads and for hardly any other."""
    FILLED_LATER = "filled_later"
    """It was filled in after the outcome."""
    TOO_GOOD = "too_good"
    """Alone it ranks leads better than what is known beforehand ever does."""
    REMARKABLE = "remarkable"
    """It ranks leads well, and perhaps too well; ask when it is filled in."""
    LATE_NAME = "late_name"
    """It says something, and is named like what people keep up to date; ask when it is filled in."""


class LeakWarning(NamedTuple):
    """One column that may know the outcome.

    Attributes:
        column: The column; None for the scores themselves.
        sign: What makes it suspect.
        certain: Whether the data alone show it. Otherwise it is a question, for somebody who knows the column.
        words: What was found, with its numbers.
    """

    column: str | None
    sign: LeakSign
    certain: bool
    words: str


class Profile(NamedTuple):
    """What a column holds.

    Attributes:
        column: Its name.
        filled: The share of rows that are not blank.
        distinct: How many different values it holds, blanks not counted.
        commonest: The commonest value; None where all are blank.
        share: Its share of the rows that are not blank.
        numeric: Whether all its values are numbers.
        placeholders: Values that look as if they meant "not answered", with their counts, where they are not blanks
            already.
        variants: Values that differ in case or outer space only, a group each.
        roc_auc: How well it ranks leads by itself, each fifth of them by the others; None where no outcomes are given
            or only one occurs.
    """

    column: str
    filled: float
    distinct: int
    commonest: Any
    share: float
    numeric: bool
    placeholders: tuple[tuple[str, int], ...]
    variants: tuple[tuple[str, ...], ...]
    roc_auc: float | None


def profile(
    columns: Mapping[str, Iterable[Any]], *, outcomes: Iterable[Any] | None = None, blanks: Iterable[str] = ("",)
) -> tuple[Profile, ...]:
    """Return what each column holds.

    Args:
        columns: The values of each column, in the order of the leads.
        outcomes: Whether each lead was won, to tell how well each column ranks.
        blanks: Texts that mean nothing was answered; None and NaN always do.

    Raises:
        Malformed: A column has another length than the others, or holds values that cannot be compared.
    """
    told = None if outcomes is None else checked_outcomes(outcomes)
    table = _table(columns, told, blanks)
    ranks = told is not None and _enough(told)
    return tuple(_profile(name, values, told if ranks else None) for name, values in table.items())


def leaks(
    outcomes: Iterable[Any],
    columns: Mapping[str, Iterable[Any]],
    *,
    blanks: Iterable[str] = ("",),
    filled: Mapping[str, Iterable[datetime | None]] | None = None,
    closed: Iterable[datetime] | None = None,
    scores: Iterable[Any] | None = None,
) -> tuple[LeakWarning, ...]:
    """Return an alarm for each column that may know the outcome, at most one each, the certain ones first.

    What looks strong by luck is no alarm: a sign must be next to impossible under outcomes that are shuffled. What
    these signs cannot see is a column that was filled in late and says little; only those who keep it know.

    Args:
        outcomes: Whether each lead was won: True or False, 1 or 0.
        columns: The values of each column, in the order of the leads.
        blanks: Texts that mean nothing was answered; None and NaN always do.
        filled: When each value of a column was filled in, where that is known.
        closed: When each lead was won or lost; needed with ``filled``.
        scores: What a model made of these columns gave each lead: held-out scores, if at all possible.

    Raises:
        Malformed: Columns, instants or scores do not pair with the outcomes, or only one outcome occurs.
    """
    told = checked_outcomes(outcomes)
    won_of_both(told)
    table = _table(columns, told, blanks)
    later = _filled_later(table, filled or {}, closed, len(told))
    alarms = [alarm for name, values in table.items() if (alarm := later.get(name) or _alarm(name, values, told))]
    if scores is not None:
        auc = roc_auc(told, scores)
        if auc >= TOO_GOOD_TOGETHER and _stands_out(auc, told):
            words = f"the scores rank leads with ROC-AUC {auc:.3f}: too good to be true"
            alarms.insert(0, LeakWarning(None, LeakSign.TOO_GOOD, True, words))
    return tuple(sorted(alarms, key=lambda alarm: not alarm.certain))


def _table(
    columns: Mapping[str, Iterable[Any]], outcomes: Sequence[int] | None, blanks: Iterable[str]
) -> dict[str, list[Any]]:
    """Return each column as a list in which None alone is blank."""
    empty = frozenset([blanks] if isinstance(blanks, str) else blanks)
    if not hasattr(columns, "items"):
        raise Malformed("columns are told by name", hint="{name: frame[name] for name in frame.columns}")
    table = {
        str(name): [_cleared(value, empty, str(name)) for value in several("the values of a column", values)]
        for name, values in columns.items()
    }
    size = len(outcomes) if outcomes is not None else len(next(iter(table.values()), ()))
    for name, values in table.items():
        if len(values) != size:
            raise Malformed(f"column {name!r} has {len(values)} values, and there are {size} leads")
    return table


def _cleared(value: Any, empty: frozenset[str], column: str) -> Any:
    try:
        blank = value is None or value in empty or bool(value != value)  # noqa: PLR0124 - NaN
        hash(value)
    except (TypeError, ValueError):
        raise Malformed(f"column {column!r} holds values that are no text, number or date") from None
    return None if blank else value


def _profile(name: str, values: list[Any], outcomes: list[int] | None) -> Profile:
    known = [value for value in values if value is not None]
    counted = Counter(known)
    top = counted.most_common(1)
    texts = [value for value in counted if isinstance(value, str)]
    spelt: dict[str, list[str]] = {}
    for text in texts:
        spelt.setdefault(text.strip().casefold(), []).append(text)
    return Profile(
        name,
        len(known) / len(values) if values else 0.0,
        len(counted),
        top[0][0] if top else None,
        top[0][1] / len(known) if top else 0.0,
        bool(known) and all(number is not None for number in map(_as_number, counted)),
        tuple((text, counted[text]) for text in texts if text.strip().casefold() in PLACEHOLDERS),
        tuple(tuple(sorted(group)) for group in spelt.values() if len(group) > 1),
        None if outcomes is None else _alone(values, outcomes),
    )


def _filled_later(
    table: Mapping[str, list[Any]],
    filled: Mapping[str, Iterable[datetime | None]],
    closed: Iterable[datetime] | None,
    leads: int,
) -> dict[str, LeakWarning]:
    if filled and closed is None:
        raise Malformed("whether a column was filled in after the outcome needs closed=", hint="when each lead closed")
    ends = [instant(end) for end in closed or ()]
    found: dict[str, LeakWarning] = {}
    for name, instants in filled.items():
        when = several("instants", instants)
        if name not in table or not len(when) == len(ends) == leads:
            raise Malformed(f"the instants of column {name!r} do not pair with {leads} leads")
        known = [(instant(one), end) for one, end in zip(when, ends, strict=True) if one is not None]
        late = sum(one > end for one, end in known)
        if late:
            words = f"{late} of {len(known)} values were filled in after the outcome"
            found[name] = LeakWarning(name, LeakSign.FILLED_LATER, True, words)
    return found


def _alarm(name: str, values: list[Any], outcomes: list[int]) -> LeakWarning | None:
    known = [outcome for value, outcome in zip(values, outcomes, strict=True) if value is not None]
    won, base = sum(known), sum(outcomes) / len(outcomes)
    if len(known) < len(values):
        for sign, some, rate in (
            (LeakSign.FILLED_FOR_WON, won, base),
            (LeakSign.FILLED_FOR_LOST, len(known) - won, 1 - base),
        ):
            if some >= NEARLY_ALL * len(known) and some * log(rate) < SURE:
                which = "won" if sign is LeakSign.FILLED_FOR_WON else "lost"
                return LeakWarning(name, sign, True, f"filled in for {len(known)} leads, of which {some} were {which}")
    if not _enough(outcomes):
        return None
    auc = _alone(values, outcomes)
    if not _stands_out(auc, outcomes):
        return None
    told = f"alone it ranks leads with ROC-AUC {auc:.3f}"
    if auc >= TOO_GOOD:
        return LeakWarning(name, LeakSign.TOO_GOOD, True, told)
    if auc >= REMARKABLE:
        return LeakWarning(name, LeakSign.REMARKABLE, False, f"{told}: when is it filled in?")
    if auc >= LATE_NAME and _LATE_WORDS.search(name):
        return LeakWarning(name, LeakSign.LATE_NAME, False, f"{told}, and is named like what is kept up to date")
    return None


_PARTS = 5


def _enough(outcomes: Sequence[int]) -> bool:
    return _PARTS <= sum(outcomes) <= len(outcomes) - _PARTS


def _stands_out(auc: float, outcomes: Sequence[int]) -> bool:
    """Return whether a ROC-AUC is next to impossible by luck: four standard errors of no signal above one half."""
    won, lost = sum(outcomes), len(outcomes) - sum(outcomes)
    return (auc - 0.5) / sqrt((won + lost + 1) / (12 * won * lost)) > STANDS_OUT


def _alone(values: list[Any], outcomes: list[int]) -> float:
    """Return the ROC-AUC of a column by itself: each fifth of the leads is scored by the rates of the others."""
    keys = _coarse(values)
    base = sum(outcomes) / len(outcomes)
    scores = [0.0] * len(keys)
    for train, test in stratified_splits(outcomes, parts=_PARTS):
        leads = Counter(keys[place] for place in train)
        won = Counter(keys[place] for place in train if outcomes[place])
        for place in test:
            scores[place] = (won[keys[place]] + base) / (leads[keys[place]] + 1)
    return roc_auc(outcomes, scores)


def _coarse(values: list[Any]) -> list[Any]:
    """Return many different numbers as tenths, anything else as it is."""
    numbers = [_as_number(value) for value in values]
    known = [number for number in numbers if number is not None]
    if len(set(known)) <= FEW_NUMBERS or len(known) < sum(value is not None for value in values):
        return values
    cuts = quantiles(known, n=10, method="inclusive")
    return [None if number is None else bisect_right(cuts, number) for number in numbers]


def _as_number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if isfinite(number) else None
