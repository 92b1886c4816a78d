"""Leak warnings: columns that depend on the outcome because they were filled in after it was known."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from math import isfinite, log, sqrt
from typing import Any, NamedTuple

from leadlife._base.blanks import Blanks, DeclaredBlanks
from leadlife._base.intervals import cuts_of
from leadlife._base.numbers import plain
from leadlife._base.outcomes import checked_outcomes, is_blank, several, stratified_splits, won_of_both
from leadlife.errors import Malformed
from leadlife.evaluation.ranking import roc_auc
from leadlife.timing import instant

PLACEHOLDERS = frozenset(
    {"", "-", "--", "?", "n/a", "na", "nan", "none", "not specified", "null", "select", "undefined", "unknown"}
)
"""Texts, in upper or lower case, that forms and exports often use for a missing answer."""
NEARLY_ALL = 0.99
"""The share of a column's values with one outcome, from which the column is filled in for that outcome."""
SURE = log(1e-6)
"""The logarithm of the chance of such a column without a leak, below which it is certain."""
STANDS_OUT = 4.0
"""The distance of a ROC-AUC from one half, in standard errors, above which it is not luck."""
TOO_GOOD, TOO_GOOD_TOGETHER = 0.85, 0.95
REMARKABLE, LATE_NAME = 0.70, 0.60
FEW_TO_STAND_APART = 3
"""The least number of different numbers of which one can stand apart."""
FEW_NUMBERS = 20
"""Up to so many different numbers, a column is used as it is; more are put into ten groups."""
_LATE_WORDS = re.compile(r"(?i)\b(last|latest|tags?|status|stage|quality|clos\w*|won|lost|reason|deal|outcome)\b")


class LeakSign(StrEnum):
    """The reason to suspect a column."""

    FILLED_FOR_WON = "filled_for_won"
    """It is filled in for won leads and hardly any others."""
    FILLED_FOR_LOST = "filled_for_lost"
    """It is filled in for lost leads and hardly any others."""
    FILLED_LATER = "filled_later"
    """Some of its values were filled in after the outcome."""
    TOO_GOOD = "too_good"
    """Alone it ranks leads better than anything that is known beforehand."""
    REMARKABLE = "remarkable"
    """Alone it ranks leads well, perhaps too well. Ask when it is filled in."""
    LATE_NAME = "late_name"
    """It ranks leads, and its name suggests a column that people keep up to date. Ask when it is filled in."""


class LeakWarning(NamedTuple):
    """A warning that a column may depend on the outcome.

    Attributes:
        column: The column; None for the scores of a model.
        sign: The reason to suspect it.
        certain: Whether the data alone prove the leak. If not, ask a person who knows the column.
        words: A sentence with the numbers.
    """

    column: str | None
    sign: LeakSign
    certain: bool
    words: str


class Profile(NamedTuple):
    """The profile of a column.

    Attributes:
        column: The name of the column.
        filled: The share of rows that are not blank.
        distinct: The number of different values, without blanks.
        commonest: The most common value; None if all are blank.
        share: The share of the most common value among the rows that are not blank.
        numeric: Whether all values are numbers.
        placeholders: Texts that probably mean "not answered" but do not count as blank, with their counts.
        sentinels: Numbers that probably mean it too, with their counts: several leads share one that stands apart. It
            is the only one below 0; or it is the least or the greatest, and further from the next number than twice the
            width of the middle half of the others. If it means "not answered", declare it in ``blanks``.
        variants: Groups of values that differ only in case or in space at the ends.
        roc_auc: The ROC-AUC of the column alone: each fifth of the leads is scored with the rates of the others. None
            if there are no outcomes, or fewer than five leads of one outcome.
    """

    column: str
    filled: float
    distinct: int
    commonest: Any
    share: float
    numeric: bool
    placeholders: tuple[tuple[str, int], ...]
    sentinels: tuple[tuple[float, int], ...]
    variants: tuple[tuple[str, ...], ...]
    roc_auc: float | None


def profile(
    columns: Mapping[str, Iterable[Any]], *, outcomes: Iterable[Any] | None = None, blanks: Blanks = ()
) -> tuple[Profile, ...]:
    """Return the profile of each column.

    Args:
        columns: The values of each column, in the order of the leads.
        outcomes: Whether each lead was won; they are needed to compute how well each column ranks.
        blanks: Values that mean "not answered", for every column or by column; empty cells always do.

    Raises:
        Malformed: The columns have different lengths, or a column has values that cannot be compared.
    """
    won = None if outcomes is None else checked_outcomes(outcomes)
    table = _table(columns, won, blanks)
    ranked = won if won is not None and _enough(won) else None
    return tuple(_profile(name, values, ranked) for name, values in table.items())


def leaks(
    outcomes: Iterable[Any],
    columns: Mapping[str, Iterable[Any]],
    *,
    blanks: Blanks = (),
    filled: Mapping[str, Iterable[datetime | None]] | None = None,
    closed: Iterable[datetime] | None = None,
    scores: Iterable[Any] | None = None,
) -> tuple[LeakWarning, ...]:
    """Return a warning for each column that may depend on the outcome, at most one each, the certain ones first.

    Luck causes no warning: with shuffled outcomes, each sign would be almost impossible. A column that was filled in
    late but ranks leads weakly causes no warning either; only the people who fill it in know that.

    Args:
        outcomes: Whether each lead was won: True or False, 1 or 0.
        columns: The values of each column, in the order of the leads.
        blanks: Values that mean "not answered", for every column or by column; empty cells always do.
        filled: For columns where it is known, the instant at which each value was filled in.
        closed: The instant at which each lead was won or lost; needed with ``filled``.
        scores: The scores of a model of these columns, if possible for leads that it was not trained on.

    Raises:
        Malformed: Columns, instants or scores do not have one value for each lead, or all outcomes are equal.
    """
    won = checked_outcomes(outcomes)
    won_of_both(won)
    table = _table(columns, won, blanks)
    later = _filled_later(table, {} if filled is None else filled, closed, len(won))
    warnings = [
        warning for name, values in table.items() if (warning := later.get(name) or _warning(name, values, won))
    ]
    if scores is not None:
        auc = roc_auc(won, scores)
        if auc >= TOO_GOOD_TOGETHER and _stands_out(auc, won):
            words = f"the scores rank leads with ROC-AUC {auc:.3f}, better than is plausible without a leak"
            warnings.insert(0, LeakWarning(None, LeakSign.TOO_GOOD, True, words))
    return tuple(sorted(warnings, key=lambda warning: not warning.certain))


def _table(
    columns: Mapping[str, Iterable[Any]], outcomes: Sequence[int] | None, blanks: Blanks
) -> dict[str, list[Any]]:
    """Return each column as a list in which every blank is None."""
    if not hasattr(columns, "items"):
        raise Malformed("columns must be a mapping by name", hint="pass {name: frame[name] for name in frame.columns}")
    declared = DeclaredBlanks(blanks, map(str, columns))
    table = {
        str(name): _blank_as_none(several("the values of a column", values), declared.of(str(name)), str(name))
        for name, values in columns.items()
    }
    size = len(outcomes) if outcomes is not None else len(next(iter(table.values()), ()))
    for name, values in table.items():
        if len(values) != size:
            raise Malformed(f"column {name!r} has {len(values)} values, but there are {size} leads")
    return table


def _blank_as_none(values: list[Any], blank: Callable[[Any], bool], column: str) -> list[Any]:
    found = [None if blank(value) else value for value in values]
    try:
        set(found)
    except TypeError:
        raise Malformed(f"column {column!r} has values that are not text, numbers or dates") from None
    return found


def _profile(name: str, values: list[Any], outcomes: list[int] | None) -> Profile:
    known = [value for value in values if value is not None]
    counted = Counter(known)
    top = counted.most_common(1)
    numbers = [number for number in map(_as_number, known) if number is not None]
    texts = [value for value in counted if isinstance(value, str)]
    variants: dict[str, list[str]] = {}
    for text in texts:
        variants.setdefault(text.strip().casefold(), []).append(text)
    return Profile(
        name,
        len(known) / len(values) if values else 0.0,
        len(counted),
        top[0][0] if top else None,
        top[0][1] / len(known) if top else 0.0,
        bool(numbers) and len(numbers) == len(known) and not all(isinstance(value, bool) for value in counted),
        tuple((text, counted[text]) for text in texts if text.strip().casefold() in PLACEHOLDERS),
        tuple(_sentinels(numbers)),
        tuple(tuple(sorted(group)) for group in variants.values() if len(group) > 1),
        None if outcomes is None else _alone(values, outcomes),
    )


def _sentinels(numbers: Sequence[float]) -> Iterator[tuple[float, int]]:
    """Yield the ends of the numbers that stand apart from the others and that several leads share."""
    counts = Counter(numbers)
    values = sorted(counts)
    if len(values) < FEW_TO_STAND_APART:
        return
    for end, next_one in ((values[0], values[1]), (values[-1], values[-2])):
        others = sorted(number for number in numbers if number != end)
        middle_half = others[3 * len(others) // 4] - others[len(others) // 4]
        alone_negative = end < 0 <= next_one
        if counts[end] > 1 and (alone_negative or abs(end - next_one) > 2 * middle_half > 0):
            yield plain(end), counts[end]


def _filled_later(
    table: Mapping[str, list[Any]],
    filled: Mapping[str, Iterable[datetime | None]],
    closed: Iterable[datetime] | None,
    leads: int,
) -> dict[str, LeakWarning]:
    if not hasattr(filled, "items"):
        raise Malformed("filled must be a mapping by column", hint="pass {name: instants of the values}")
    given = dict(filled.items())
    if given and closed is None:
        raise Malformed("filled= needs closed= too", hint="pass the instant at which each lead closed")
    ends = [instant(end) for end in (() if closed is None else several("the instants of closing", closed))]
    found: dict[str, LeakWarning] = {}
    for name, instants in given.items():
        when = several("instants", instants)
        if name not in table or not len(when) == len(ends) == leads:
            raise Malformed(
                f"the instants of column {name!r} do not fit {leads} leads",
                hint="pass one instant or None for each lead",
            )
        known = [(instant(at), end) for at, end in zip(when, ends, strict=True) if not is_blank(at)]
        late = sum(at > end for at, end in known)
        if late:
            words = f"{late} of {len(known)} values were filled in after the outcome"
            found[name] = LeakWarning(name, LeakSign.FILLED_LATER, True, words)
    return found


def _warning(name: str, values: list[Any], outcomes: list[int]) -> LeakWarning | None:
    known = [outcome for value, outcome in zip(values, outcomes, strict=True) if value is not None]
    won, base = sum(known), sum(outcomes) / len(outcomes)
    if len(known) < len(values):  # a column without blanks is not filled in for one outcome only
        for sign, some, rate in (
            (LeakSign.FILLED_FOR_WON, won, base),
            (LeakSign.FILLED_FOR_LOST, len(known) - won, 1 - base),
        ):
            # Without a leak, the chance that so many leads all have this outcome is about rate ** some.
            if some >= NEARLY_ALL * len(known) and some * log(rate) < SURE:
                which = "won" if sign is LeakSign.FILLED_FOR_WON else "lost"
                return LeakWarning(
                    name, sign, True, f"filled in for {len(known)} leads, and {some} of them were {which}"
                )
    if not _enough(outcomes):
        return None
    auc = _alone(values, outcomes)
    if not _stands_out(auc, outcomes):
        return None
    words = f"alone it ranks leads with ROC-AUC {auc:.3f}"
    if auc >= TOO_GOOD:
        return LeakWarning(name, LeakSign.TOO_GOOD, True, words)
    if auc >= REMARKABLE:
        return LeakWarning(name, LeakSign.REMARKABLE, False, f"{words}: when is it filled in?")
    if auc >= LATE_NAME and _LATE_WORDS.search(name):
        return LeakWarning(
            name, LeakSign.LATE_NAME, False, f"{words}, and its name suggests that people keep it up to date"
        )
    return None


_PARTS = 5


def _enough(outcomes: Sequence[int]) -> bool:
    """Return whether each part of the cross-validation gets a won lead and a lost one."""
    return _PARTS <= sum(outcomes) <= len(outcomes) - _PARTS


def _stands_out(auc: float, outcomes: Sequence[int]) -> bool:
    """Return whether luck cannot explain a ROC-AUC: it is more than four standard errors above one half.

    The standard error is that of the Mann-Whitney statistic without any signal.
    """
    won, lost = sum(outcomes), len(outcomes) - sum(outcomes)
    return (auc - 0.5) / sqrt((won + lost + 1) / (12 * won * lost)) > STANDS_OUT


def _alone(values: list[Any], outcomes: list[int]) -> float:
    """Return the ROC-AUC of a column alone: each fifth of the leads is scored with the rates of the others."""
    keys = _grouped(values)
    base = sum(outcomes) / len(outcomes)
    scores = [0.0] * len(keys)
    for train, test in stratified_splits(outcomes, parts=_PARTS):
        leads = Counter(keys[place] for place in train)
        won = Counter(keys[place] for place in train if outcomes[place])
        for place in test:
            # One lead of the average rate is added, so that a value seen once or never does not score 0 or 1.
            scores[place] = (won[keys[place]] + base) / (leads[keys[place]] + 1)
    return roc_auc(outcomes, scores)


def _grouped(values: list[Any]) -> list[Any]:
    """Return numbers as numbers, and many different ones as the numbers of ten groups; other values unchanged."""
    numbers = [_as_number(value) for value in values]
    known = [number for number in numbers if number is not None]
    if len(known) < sum(value is not None for value in values):
        return values
    if len(set(known)) <= FEW_NUMBERS:
        return numbers
    cuts = cuts_of(known, 10)
    return [None if number is None else bisect_right(cuts, number) for number in numbers]


def _as_number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if isfinite(number) else None
