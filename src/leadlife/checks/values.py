"""Sample values: a few values of a subject that stand for all its values, as far as the criteria about it can tell.

A criterion answers the same for all numbers between two neighbouring constants. So a number is tried at every
constant, between the constants and beyond them, within the limits of a score. A date is tried on the days around the
constants. A value that may be missing is tried missing. Texts have a module of their own.

If no sample makes the criteria true together, the checker calls them impossible. So the samples may contain too much,
but they must not leave out a case.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import chain, combinations, pairwise
from typing import Any

from leadlife.checks.durations import stages_of
from leadlife.checks.subjects import MISSING, cuts_of, policy_of, zone_of
from leadlife.checks.texts import sample_texts
from leadlife.criteria import (
    BandIs,
    ByRole,
    ConsentIs,
    ConsentState,
    CountIs,
    Criterion,
    CustomGuard,
    CycleIs,
    DateIs,
    DaysInStage,
    FieldHas,
    FieldIs,
    HasEvidence,
    InStage,
    LatestIs,
    Readiness,
    ReadinessIs,
    RecycledFor,
    ReturnsAre,
    ScoreIs,
    SeenIs,
    SourceIs,
    SumIs,
)
from leadlife.playbook.fields import FieldType
from leadlife.playbook.playbook import Playbook
from leadlife.scoring import MICRO

OTHER = "something else"
_SOME_DAY = date(2026, 1, 1).toordinal()


def values_of(leaves: Sequence[Any], playbook: Playbook | None, *, stage: str | None) -> Iterable[Any]:  # noqa: C901, PLR0912 - one case a kind of leaf
    """Return values of one subject that stand for all its values, as far as these leaves can distinguish them.

    Args:
        leaves: All leaves that ask about the subject.
        playbook: The playbook that declares fields and scores; None if there is none.
        stage: The stage of the lead; None for any stage.
    """
    first: Criterion = leaves[0]
    match first:
        case FieldIs():
            return chain([MISSING], _field_values(first.name, leaves, playbook))
        case FieldHas():
            return [MISSING, True, False]
        case DateIs():
            return [MISSING, *_days_ahead(leaves)]
        case SourceIs():
            return [MISSING, *sorted({name for leaf in leaves for name in leaf.names}), OTHER]
        case ConsentIs():
            return [MISSING, *ConsentState]
        case LatestIs():
            return chain([MISSING], _comparable(leaves))
        case CountIs() | DaysInStage() | ReturnsAre():
            return [near for near in _near(leaf.value for leaf in leaves) if near >= 0]
        case CycleIs():
            return [near for near in _near(leaf.value for leaf in leaves) if near >= 1]
        case SumIs():
            return [MISSING, *_numbers(leaf.value for leaf in leaves)]
        case ScoreIs() | BandIs():
            return [MISSING, *_score_values(first.name, leaves, playbook)]
        case SeenIs():
            return [MISSING, *_ages((leaf.age for leaf in leaves), playbook)]
        case HasEvidence():
            ages = _ages((leaf.within for leaf in leaves if leaf.within is not None), playbook)
            return [MISSING, *((given, *age) for given in (True, False) for age in ages)]
        case InStage():
            return [stage] if stage is not None else [*sorted({name for leaf in leaves for name in leaf.names}), OTHER]
        case RecycledFor():
            return [*sorted({name for leaf in leaves for name in leaf.reasons}), OTHER]
        case ReadinessIs():
            return [MISSING, *Readiness]
        case ByRole():
            return _role_sets(leaves)
        case CustomGuard():
            return [True, False, MISSING]
        case _:
            return [True, False]


_LARGE = 2**53


def _near(constants: Iterable[float]) -> list[int]:
    """Return the whole numbers at and next to each constant.

    All whole numbers between two constants are answered alike, so the neighbours of a constant stand for them.
    """
    # A fraction lies between its floor and the next whole number: both are in the list.
    return sorted({int(value // 1) + step for value in constants for step in (-1, 0, 1)})


def _numbers(constants: Iterable[float], low: float | None = None, high: float | None = None) -> list[float]:
    """Return the constants within limits, the limits, the middle of each two neighbours, and a number beyond.

    Args:
        constants: The numbers that the subject is compared with.
        low: The least value that the subject can have; None if there is none.
        high: The greatest value that the subject can have; None if there is none.
    """
    ends = [end for end in (low, high) if end is not None]
    inside = {value for value in constants if (low is None or value >= low) and (high is None or value <= high)}
    # Between two numbers so large that no fraction fits, a whole number may, which a float cannot hold.
    large = {int(one) + step for one in inside if abs(one) >= _LARGE for step in (-1, 1)}
    known = sorted({*inside, *ends, *large}) or [0]
    beyond = [*([known[0] - 1] if low is None else []), *([known[-1] + 1] if high is None else [])]
    return sorted({*known, *((one + other) / 2 for one, other in pairwise(known)), *beyond})


def _score_values(name: str, leaves: Sequence[Any], playbook: Playbook | None) -> list[Any]:
    cuts, policy = cuts_of(name, playbook), policy_of(name, playbook)
    # Bands that are not cut from the value are tried by their names; unknown bands are plain yes-or-no questions.
    if not cuts and any(isinstance(leaf, BandIs) for leaf in leaves):
        return [True, False] if policy is None else [*policy.band_names()]
    constants = [*(cut for cut, _ in cuts), *(leaf.value for leaf in leaves if isinstance(leaf, ScoreIs))]
    low, high = (None, None) if policy is None else policy.limits()
    return _numbers(constants, *(None if end is None else end / MICRO for end in (low, high)))


def _ages(durations: Iterable[Any], playbook: Playbook | None) -> list[tuple[timedelta, frozenset[Any]]]:
    """Return sample ages, each with the durations that are over at this age."""
    zone = zone_of(playbook)
    return [(age, over) for over, age in stages_of(durations, zone).items()]


def _field_values(name: str, leaves: Sequence[Any], playbook: Playbook | None) -> Iterable[Any]:
    spec = None if playbook is None else playbook.fields.get(name)
    if spec is None:
        return _comparable(leaves)
    if spec.choices:
        return spec.choices
    match spec.type:
        case FieldType.TEXT:
            return sample_texts(leaves)
        case FieldType.BOOLEAN:
            return [True, False]
        case FieldType.DATE:
            return _dates(leaves)
        case FieldType.INTEGER:
            return _near(_constants(leaves, float) or [0])
        case _:
            return _numbers(_constants(leaves, float))


def _days_ahead(leaves: Sequence[DateIs]) -> Iterator[tuple[int, frozenset[Any]]]:
    """Yield how many days a date lies ahead, with each choice of the windows whose months are long just then."""
    uneven = list(dict.fromkeys(leaf.window for leaf in leaves if leaf.reach[0] < leaf.reach[1]))
    for days in _near([0, *(end for leaf in leaves for end in leaf.reach)]):
        for size in range(len(uneven) + 1):
            for chosen in combinations(uneven, size):
                yield days, frozenset[Any](chosen)


def _constants(leaves: Iterable[Any], kind: type) -> list[Any]:
    """Return the constants of one type in comparisons; ``float`` stands for every number, without True and False."""
    constants = [value for leaf in leaves for value in leaf.values()]
    if kind is float:
        return [value for value in constants if isinstance(value, int | float) and not isinstance(value, bool)]
    return [value for value in constants if isinstance(value, kind)]


def _comparable(leaves: Sequence[Any]) -> Iterable[Any]:
    """Return samples of every type: of a value without a declared type, the criteria do not show the type."""
    return chain(_numbers(_constants(leaves, float)), (True, False), sample_texts(leaves))


def _role_sets(leaves: Sequence[Any]) -> Iterable[tuple[str, ...]]:
    """Return sets of roles that stand for all sets: one for each combination of leaves that a set can make true."""
    by_answer: dict[frozenset[int], tuple[str, ...]] = {frozenset(): ()}
    for name in sorted({name for leaf in leaves for name in leaf.names}):
        true = frozenset(place for place, leaf in enumerate(leaves) if name in leaf.names)
        if true not in by_answer:
            by_answer.update(
                {also | true: (*names, name) for also, names in [*by_answer.items()] if also | true not in by_answer}
            )
    return by_answer.values()


def _dates(leaves: Sequence[Any]) -> list[str]:
    """Return the days at and next to each constant, within the range of the calendar."""
    dates = filter(FieldType.DATE.accepts, _constants(leaves, str))
    constants = [date.fromisoformat(text).toordinal() for text in dates] or [_SOME_DAY]
    return [date.fromordinal(day).isoformat() for day in _near(constants) if 0 < day <= date.max.toordinal()]
