"""Outcomes paired with scores, and stratified splits: the input of every measure and every calibration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import inf, isfinite
from operator import index, itemgetter
from random import Random
from typing import Any, NamedTuple

from leadlife.errors import Malformed

Pairs = list[tuple[float, int]]
"""Scores or probabilities, each with its outcome: 1 for won, 0 for lost."""
score_of = itemgetter(0)


class StratifiedSplit(NamedTuple):
    """The positions of the leads to train on and of the leads to test on, both in rising order."""

    train: tuple[int, ...]
    test: tuple[int, ...]


def several(what: str, values: Any) -> list[Any]:
    """Return values as a list.

    Raises:
        Malformed: The value is not iterable, or is text.
    """
    if isinstance(values, Iterable) and not isinstance(values, str | bytes):
        return list(values)
    raise Malformed(
        f"{what} must be a sequence in the order of the leads", hint="pass a list, or a column of a data frame"
    )


def is_blank(value: Any) -> bool:
    """Return whether a cell is empty: None, blank text, NaN, or what a data frame uses in its place."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return True
    try:
        return bool(value != value)  # noqa: PLR0124 - only NaN and its like differ from themselves
    except ArithmeticError:
        return True  # a signalling NaN of decimal
    except (TypeError, ValueError):
        return type(value).__name__ == "NAType"  # pandas.NA, which refuses to say; a whole array refuses too


def whole(what: str, value: Any, *, least: float = 0) -> int:
    """Return a value as an int.

    Raises:
        Malformed: It is not a whole number, or less than ``least``.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__") or value < least:
        raise Malformed(f"{what} must be a whole number" + (f", {least} or more" if least >= 0 else ""))
    return index(value)


def real(what: str, value: Any) -> float:
    """Return a value as a finite float.

    Raises:
        Malformed: It is not a finite number.
    """
    if isinstance(value, bool | str | bytes):
        raise Malformed(f"{what} must be a number")
    return _number(value)


def checked_outcomes(outcomes: Iterable[Any]) -> list[int]:
    """Return outcomes as ones and zeros.

    Raises:
        Malformed: An outcome is not True, False, 1 or 0.
    """
    values = several("outcomes", outcomes)
    try:
        valid = all(outcome in (0, 1) for outcome in values)
    except (TypeError, ValueError):  # the truth of pandas.NA, or of an array, is undefined
        valid = False
    if not valid:
        raise Malformed("an outcome must be True or False, 1 or 0")
    return [int(outcome) for outcome in values]


def paired(outcomes: Iterable[Any], scores: Iterable[Any]) -> Pairs:
    """Return each score with its outcome.

    Raises:
        Malformed: There are not as many scores as outcomes, or none; or an outcome or a score is not valid.
    """
    won, values = checked_outcomes(outcomes), several("scores", scores)
    if len(won) != len(values) or not won:
        raise Malformed(f"got {len(won)} outcomes and {len(values)} scores", hint="pass one score for each outcome")
    blank = next((place for place, value in enumerate(values) if is_blank(value)), None)
    if blank is not None:
        raise Malformed(f"lead {blank} has no score", hint="leave out the leads without a score, and their outcomes")
    return list(zip(map(_number, values), won, strict=True))


def paired_chances(outcomes: Iterable[Any], probabilities: Iterable[Any]) -> Pairs:
    """Return each probability with its outcome.

    Raises:
        Malformed: As in :func:`paired`, or a value is not a probability.
    """
    pairs = paired(outcomes, probabilities)
    for chance, _ in pairs:
        as_chance(chance)
    return pairs


def as_chance(value: Any) -> float:
    """Return a probability as a float.

    Raises:
        Malformed: It is not a number from 0 to 1.
    """
    chance = _number(value)
    if not 0 <= chance <= 1:
        raise Malformed("a probability must be from 0 to 1")
    return chance


def won_of_both(outcomes: Iterable[int]) -> int:
    """Return how many leads were won, after checking that some were lost too.

    Raises:
        Malformed: All were won, or all were lost.
    """
    values = list(outcomes)
    won = sum(values)
    if won in (0, len(values)):
        which = "won" if won else "lost"
        raise Malformed(f"all leads were {which}", hint="pass leads of both outcomes")
    return won


def stratified_splits(outcomes: Iterable[Any], *, parts: int = 5, seed: int = 0) -> Iterator[StratifiedSplit]:
    """Yield splits for cross-validation: each of the parts is the test once, and all have the same share of won leads.

    Args:
        outcomes: Whether each lead was won: True or False, 1 or 0.
        parts: The number of parts.
        seed: The seed of the shuffle; the same seed gives the same splits.

    Raises:
        Malformed: There are fewer than two parts, or fewer won or lost leads than parts.
    """
    won, parts, seed = checked_outcomes(outcomes), whole("parts", parts), whole("the seed", seed, least=-inf)
    fewest = min(sum(won), len(won) - sum(won))
    if not 2 <= parts <= fewest:  # noqa: PLR2004 - one part leaves none to learn from
        raise Malformed(
            f"{parts} parts cannot be made of {sum(won)} won and {len(won) - sum(won)} lost leads",
            hint="make 2 parts or more, each with at least one won and one lost lead",
        )
    random = Random(seed)  # noqa: S311 - a shuffle, not a secret
    part_of = [0] * len(won)
    for outcome in (0, 1):  # won and lost leads are dealt out separately, which makes their shares equal
        places = [place for place, one in enumerate(won) if one == outcome]
        random.shuffle(places)
        for number, place in enumerate(places):
            part_of[place] = number % parts
    for part in range(parts):
        train = tuple(place for place, one in enumerate(part_of) if one != part)
        yield StratifiedSplit(train, tuple(place for place, one in enumerate(part_of) if one == part))


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise Malformed("a score must be a number") from None
    if not isfinite(number):
        raise Malformed("a score must be a finite number")
    return number
