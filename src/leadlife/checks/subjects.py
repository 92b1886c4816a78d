"""What a criterion asks about: each subject, the values that stand for all it may be, and what a leaf answers to one.

A number is tried at every constant that it is compared with, between them and beyond; a text at every constant, at
texts made of the parts that are looked for, and at one that is none of them; what may be missing is tried missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import combinations, pairwise
from typing import Any

from leadlife.criteria import (
    BandIs,
    ByRole,
    Comparison,
    Condition,
    CountIs,
    CycleIs,
    DaysInStage,
    FieldIs,
    HasEvidence,
    InStage,
    LatestIs,
    Opaque,
    Readiness,
    ReadinessIs,
    ScoreIs,
    SeenIs,
    SumIs,
)
from leadlife.playbook import FieldType, Playbook
from leadlife.policies.policy import Banded, Policy
from leadlife.scoring import MICRO
from leadlife.timing import Calendar, Elapsed

Answer = bool | None
Subject = tuple[str, ...]
MISSING = None
MOST_PARTS = 4
OTHER = "something else"
_DAY = timedelta(days=1)
_NEARER = {segment: place for place, segment in enumerate(Readiness)}


def subject_of(leaf: Condition, playbook: Playbook | None = None) -> Subject:  # noqa: C901 - one case a kind of leaf
    """Return what a leaf asks about; two leaves of one subject hang together, two of different ones do not."""
    match leaf:
        case FieldIs():
            return "field", leaf.name
        case LatestIs():
            return "latest", leaf.kind, leaf.attribute
        case CountIs():
            return "count", *_counted(leaf)
        case SumIs():
            return "sum", leaf.attribute, *_counted(leaf)
        case SeenIs():
            return "seen", leaf.end, *sorted(leaf.kinds)
        case ScoreIs():
            return "score", leaf.name
        case BandIs():
            if _policy(leaf.name, playbook) is None:
                return "band", leaf.name, leaf.sentence()
            return ("score" if _cuts(leaf.name, playbook) else "band"), leaf.name
        case HasEvidence():
            return "evidence", leaf.name
        case ByRole():
            return ("roles",)
        case Opaque():
            return "opaque", leaf.name, leaf.version
        case _:
            told = next(iter(leaf.inputs()))
            return (told[0], *([told[1]] if told[0] == "qualification" else ()), *_apart(leaf))


def _apart(leaf: Condition) -> tuple[str, ...]:
    return ("days",) if isinstance(leaf, DaysInStage) else ()


def _counted(leaf: CountIs | SumIs) -> tuple[str, ...]:
    where = ";".join(match.sentence(name) for name, match in leaf.where.items())
    return ",".join(sorted(leaf.kinds)), where, str(leaf.within or ""), "since" if leaf.since_recycling else ""


def _policy(name: str, playbook: Playbook | None) -> Policy | None:
    return None if playbook is None else next((one for one in playbook.scores if one.name == name), None)


def _cuts(name: str, playbook: Playbook | None) -> list[tuple[float, str]]:
    """Return where the bands of a score begin, if its policy says so, the lowest first."""
    found = _policy(name, playbook)
    return sorted((cut, band) for band, cut in found.bands.items()) if isinstance(found, Banded) else []


def values_of(leaves: Sequence[Condition], playbook: Playbook | None, *, stage: str | None) -> list[Any]:  # noqa: C901, PLR0912 - as above
    """Return values of one subject that stand for all it may be, as far as these leaves can tell them apart."""
    first = leaves[0]
    match first:
        case FieldIs():
            return _field_values(first.name, leaves, playbook)
        case LatestIs():
            return [MISSING, *_comparable(leaves)]
        case CountIs() | DaysInStage():
            return sorted({near for leaf in leaves for near in _near(leaf.value) if near >= 0})  # type: ignore[attr-defined]
        case CycleIs():
            return sorted({near for leaf in leaves for near in _near(leaf.value) if near >= 1})  # type: ignore[attr-defined]
        case SumIs():
            return [MISSING, *_numbers(leaf.value for leaf in leaves)]  # type: ignore[attr-defined]
        case ScoreIs() | BandIs():
            return _score_values(first.name, leaves, playbook)
        case SeenIs():
            return [MISSING, *_ages(leaf.age for leaf in leaves if isinstance(leaf, SeenIs))]
        case HasEvidence():
            ages = list(_ages(w.within for w in leaves if isinstance(w, HasEvidence) and w.within is not None))
            return [MISSING, *((said, *age) for said in (True, False) for age in ages)]
        case InStage():
            return [stage] if stage is not None else sorted({name for leaf in leaves for name in leaf.names} | {OTHER})  # type: ignore[attr-defined]
        case ReadinessIs():
            return [MISSING, *Readiness]
        case ByRole():
            names = sorted({name for leaf in leaves for name in leaf.names})  # type: ignore[attr-defined]
            return [(), *((name,) for name in names), tuple(names)]
        case Opaque():
            return [True, False, MISSING]
        case _:
            return [True, False]


def answer(leaf: Condition, value: Any, playbook: Playbook | None = None) -> Answer:  # noqa: C901, PLR0912 - as above
    """Return what a leaf answers where its subject is this."""
    match leaf:
        case FieldIs() | LatestIs():
            if value is MISSING:
                return False if leaf.compare is Comparison.KNOWN else None
            return leaf.holding()(value)
        case CountIs() | DaysInStage() | CycleIs():
            return leaf.compare.relation(value, leaf.value)
        case SumIs():
            return None if value is MISSING else leaf.compare.relation(value, leaf.value)
        case ScoreIs():
            return None if not isinstance(value, int | float) else leaf.compare.relation(value, leaf.value)
        case BandIs():
            return _band_answer(leaf, value, playbook)
        case SeenIs():
            return None if value is MISSING else (str(leaf.age) in value[1]) is leaf.older
        case HasEvidence():
            if value is MISSING:
                return None
            said, _, passed = value
            return bool(said) if leaf.within is None or str(leaf.within) not in passed else None
        case InStage():
            return value in leaf.names
        case ReadinessIs():
            return None if value is MISSING else leaf.compare.relation(_NEARER[value], _NEARER[leaf.value])
        case ByRole():
            return any(name in leaf.names for name in value)
        case _:
            return value if isinstance(value, bool) else None


def words(subject: Subject, value: Any) -> str:  # noqa: C901 - as above
    """Return a subject that is this, in words."""
    sort, *rest = subject
    name = " ".join(part for part in rest if part)
    match sort:
        case "field" | "score" | "band" | "sum" | "latest":
            return f"{name} unknown" if value is MISSING else f"{sort + ' ' if sort != 'field' else ''}{name} {value}"
        case "count":
            return f"{value} of {_counted_words(*rest)}"
        case "evidence":
            if value is MISSING:
                return f"no evidence of {name}"
            old = f", {value[1] / _DAY:g} days old" if value[1] else ""
            return f"evidence of {name}: {'yes' if value[0] else 'no'}{old}"
        case "seen":
            return f"{name}: none" if value is MISSING else f"{name} {value[0] / _DAY:g} days ago"
        case "roles":
            return f"asked by {' and '.join(value) or 'somebody without a role'}"
        case "opaque":
            return f"{rest[0]} answers {value}"
        case "stage" if rest == ["days"]:
            return f"{value} days in the stage"
        case "stage":
            return f"in stage {value}"
        case "readiness" | "cycle":
            return f"{sort} {'unknown' if value is MISSING else value}"
        case _:
            told = {"sold": "a sale", "identified": "identified", "qualification": f"holds {name}"}[sort]
            return told if value else f"not: {told}"


def _counted_words(kinds: str, where: str, window: str, since: str) -> str:
    what = " or ".join(kinds.split(",")) if kinds else "any activity"
    told = [f" where {where}" if where else "", f" within {window}" if window else ""]
    return f"{what}{''.join(told)}{' since the recycling or win' if since else ''}"


def _ages(durations: Iterable[Elapsed | Calendar]) -> Iterator[tuple[timedelta, frozenset[str]]]:
    """Yield ages, each with the durations that are over by then; a month is over sooner or later, so both are tried."""
    spans = {str(duration): duration.bounds() for duration in durations}
    marks = sorted({timedelta(), *(mark for span in spans.values() for mark in span)})
    for age in [*marks, *((low + high) / 2 for low, high in pairwise(marks)), marks[-1] + _DAY]:
        over = frozenset(name for name, (_, longest) in spans.items() if longest <= age)
        doubtful = [name for name, (shortest, longest) in spans.items() if shortest <= age < longest]
        for number in range(min(len(doubtful), MOST_PARTS) + 1):
            for chosen in combinations(doubtful, number):
                yield age, over | set(chosen)


def _near(value: int) -> tuple[int, int, int]:
    return value - 1, value, value + 1


def _numbers(constants: Iterable[float]) -> list[float]:
    """Return every constant, a number between each two, and one beyond each end."""
    known = sorted(set(constants))
    between = [(low + high) / 2 for low, high in pairwise(known)]
    return sorted({*known, *between, known[0] - 1, known[-1] + 1})


def _comparable(leaves: Sequence[Any]) -> list[Any]:
    """Return values that tell comparisons apart, by the type of what they compare to."""
    constants = [value for leaf in leaves for value in leaf.values()]
    numbers = [value for value in constants if isinstance(value, int | float) and not isinstance(value, bool)]
    texts = [value for value in constants if isinstance(value, str)]
    found: list[Any] = _numbers(numbers) if numbers else []
    if texts or not constants:
        found += list(dict.fromkeys([*texts, *_made_of_parts(leaves), OTHER, ""]))
    return found + ([True, False] if any(isinstance(value, bool) for value in constants) else [])


def _made_of_parts(leaves: Sequence[Any]) -> Iterator[str]:
    """Yield texts that hold several of the parts that are looked for."""
    parts = {(leaf.compare, leaf.value) for leaf in leaves if leaf.compare in _TEXTUAL}
    for compare, value in parts:
        yield from {Comparison.STARTS: (f"{value}~",), Comparison.ENDS: (f"~{value}",)}.get(compare, (f"~{value}~",))
    for number in range(2, min(len(parts), MOST_PARTS) + 1):
        for chosen in combinations(sorted(parts, key=lambda part: (_TEXTUAL.index(part[0]), part[1])), number):
            yield " ".join(str(value) for _, value in chosen)


_TEXTUAL = [Comparison.STARTS, Comparison.CONTAINS, Comparison.ENDS]


def _field_values(name: str, leaves: Sequence[Condition], playbook: Playbook | None) -> list[Any]:
    spec = None if playbook is None else playbook.fields.get(name)
    found = _comparable(leaves)
    if spec is not None:
        found = list(spec.choices) or [value for value in found if spec.type.accepts(value)]
        if spec.type is FieldType.INTEGER:
            numbers = [value for leaf in leaves for value in leaf.values()]  # type: ignore[attr-defined]
            found = sorted({near for value in numbers for near in _near(int(value // 1))}) or [0]
        if spec.type is FieldType.BOOLEAN:
            found = [True, False]
    return [MISSING, *found]


def _score_values(name: str, leaves: Sequence[Condition], playbook: Playbook | None) -> list[Any]:
    cuts, policy = _cuts(name, playbook), _policy(name, playbook)
    if not cuts and any(isinstance(leaf, BandIs) for leaf in leaves):
        return [MISSING, True, False] if policy is None else [MISSING, *policy.band_names()]
    constants = [*(cut for cut, _ in cuts), *(leaf.value for leaf in leaves if isinstance(leaf, ScoreIs))]
    low, high = (None, None) if policy is None else policy.limits()
    found = [
        value
        for value in _numbers(constants)
        if (low is None or value * MICRO >= low) and (high is None or value * MICRO <= high)
    ]
    return [MISSING, *found]


def _band_answer(leaf: BandIs, value: Any, playbook: Playbook | None) -> Answer:
    cuts, policy = _cuts(leaf.name, playbook), _policy(leaf.name, playbook)
    if value is MISSING or policy is None:
        return value if isinstance(value, bool) else None
    bands = policy.band_names()
    reached = sum(value >= cut for cut, _ in cuts) - 1 if cuts else bands.index(value)
    return None if reached < 0 else leaf.compare.relation(reached, bands.index(leaf.value))
