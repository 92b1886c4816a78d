"""Outcomes, paired with scores and dealt into folds: what every measure and every calibration begins with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import inf, isfinite
from operator import index, itemgetter
from random import Random
from typing import Any, NamedTuple

from leadlife.errors import Malformed

Pairs = list[tuple[float, int]]
score_of = itemgetter(0)


class StratifiedSplit(NamedTuple):
    """The places of the leads to learn from, and of those to judge by; both rising."""

    train: tuple[int, ...]
    test: tuple[int, ...]


def several(what: str, values: Any) -> list[Any]:
    """Return values as a list.

    Raises:
        Malformed: They are not several.
    """
    if isinstance(values, Iterable) and not isinstance(values, str | bytes):
        return list(values)
    raise Malformed(f"{what} are several, in the order of the leads", hint="a list, or a column of a data frame")


def whole(what: str, value: Any, *, least: float = 0) -> int:
    """Return a whole number.

    Raises:
        Malformed: It is none, or too small.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__") or value < least:
        raise Malformed(f"{what}: a whole number is needed" + (f", {least} or more" if least >= 0 else ""))
    return index(value)


def real(what: str, value: Any) -> float:
    """Return a finite number.

    Raises:
        Malformed: It is none.
    """
    if isinstance(value, bool | str | bytes):
        raise Malformed(f"{what}: a number is needed")
    return _number(value)


def checked_outcomes(outcomes: Iterable[Any]) -> list[int]:
    """Return outcomes as ones and zeros.

    Raises:
        Malformed: One is neither won nor lost.
    """
    told = several("outcomes", outcomes)
    try:
        whole = all(outcome in (0, 1) for outcome in told)
    except (TypeError, ValueError):
        whole = False
    if not whole:
        raise Malformed("an outcome is won or not: True or False, 1 or 0")
    return [int(outcome) for outcome in told]


def paired(outcomes: Iterable[Any], scores: Iterable[Any]) -> Pairs:
    """Return each score with its outcome.

    Raises:
        Malformed: The two do not pair, or one is no outcome or no finite number.
    """
    told, found = checked_outcomes(outcomes), several("scores", scores)
    if len(told) != len(found) or not told:
        raise Malformed(f"{len(told)} outcomes do not pair with {len(found)} scores")
    return list(zip(map(_number, found), told, strict=True))


def paired_chances(outcomes: Iterable[Any], probabilities: Iterable[Any]) -> Pairs:
    """Return each probability with its outcome.

    Raises:
        Malformed: As :func:`paired`, or one is no probability.
    """
    pairs = paired(outcomes, probabilities)
    for chance, _ in pairs:
        as_chance(chance)
    return pairs


def as_chance(value: Any) -> float:
    """Return a probability as a float.

    Raises:
        Malformed: It is none.
    """
    found = _number(value)
    if not 0 <= found <= 1:
        raise Malformed("a probability lies between 0 and 1")
    return found


def won_of_both(outcomes: Iterable[int]) -> int:
    """Return how many were won, where some were and some were not.

    Raises:
        Malformed: All were, or none.
    """
    told = list(outcomes)
    won = sum(told)
    if won in (0, len(told)):
        which = "won" if won else "lost"
        raise Malformed(f"all of these leads were {which}: nothing tells one sort from the other")
    return won


def stratified_splits(outcomes: Iterable[Any], *, parts: int = 5, seed: int = 0) -> Iterator[StratifiedSplit]:
    """Yield the leads in parts, each with the same share of won ones, each part held out once.

    Args:
        outcomes: Whether each lead was won: True or False, 1 or 0.
        parts: How many.
        seed: The leads are shuffled; the same seed shuffles alike.

    Raises:
        Malformed: There are fewer won or lost leads than parts, or fewer than two parts.
    """
    told, parts, seed = checked_outcomes(outcomes), whole("parts", parts), whole("the seed", seed, least=-inf)
    fewest = min(sum(told), len(told) - sum(told))
    if not 2 <= parts <= fewest:  # noqa: PLR2004 - one part leaves none to learn from
        raise Malformed(f"{parts} parts need 2 or more, and as many won and lost leads; the rarer are {fewest}")
    random = Random(seed)  # noqa: S311 - a shuffle, not a secret
    part_of = [0] * len(told)
    for outcome in (0, 1):
        places = [place for place, one in enumerate(told) if one == outcome]
        random.shuffle(places)
        for number, place in enumerate(places):
            part_of[place] = number % parts
    for part in range(parts):
        train = tuple(place for place, one in enumerate(part_of) if one != part)
        yield StratifiedSplit(train, tuple(place for place, one in enumerate(part_of) if one == part))


def _number(value: Any) -> float:
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        raise Malformed("a score is a number") from None
    if not isfinite(found):
        raise Malformed("a score is a finite number")
    return found
