"""Whether criteria can be true, or fail, together: a search over what their leaves ask about, with a witness."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from leadlife.checks.subjects import Subject, answer, nested, subject_of, words, zone_of
from leadlife.checks.values import values_of
from leadlife.criteria import AllOf, AnyOf, AtLeast, Criterion, Not, leaves_of
from leadlife.playbook.playbook import Playbook

MOST_ATOMS = 12
_TRUE, _FALSE, _UNKNOWN = 1, 2, 4
_ANY = _TRUE | _FALSE | _UNKNOWN
_BIT = {True: _TRUE, False: _FALSE, None: _UNKNOWN}


class Proof(StrEnum):
    """What a search came to."""

    POSSIBLE = "possible"
    IMPOSSIBLE = "impossible"
    NOT_DECIDED = "not decided"


class Goal(NamedTuple):
    """A criterion, and whether it must be true, or must not."""

    criterion: Criterion
    true: bool


class Budget:
    """How many steps may still be searched, over all questions of one definition, so that no file takes for ever."""

    def __init__(self, steps: int = 2_000_000) -> None:
        """Begin with so many steps."""
        self.steps: int = steps

    def spend(self) -> bool:
        """Take one step, and return whether there was one."""
        self.steps -= 1
        return self.steps >= 0


class Found(NamedTuple):
    """What a search came to.

    Attributes:
        proof: Whether there is such a lead.
        witness: One, in words.
        lead: The same as values, by what criteria ask about.
    """

    proof: Proof
    witness: tuple[str, ...] = ()
    lead: Mapping[Subject, Any] = MappingProxyType({})


class _Option(NamedTuple):
    """A subject, the places of the leaves that ask about it, and each value with what they answer.

    Besides, the counts that it is no more than, and those that it is no less than: what is counted within less.
    """

    subject: Subject
    places: tuple[int, ...]
    values: tuple[tuple[Any, tuple[int, ...]], ...]
    no_more: frozenset[Subject]
    no_less: frozenset[Subject]

    def agrees(self, value: Any, chosen: Mapping[Subject, Any]) -> bool:
        """Return whether a value fits those that are already chosen for others."""
        return all(value <= chosen[other] for other in self.no_more & chosen.keys()) and all(
            value >= chosen[other] for other in self.no_less & chosen.keys()
        )


_May = Callable[[Sequence[int]], int]
"""The answers that a criterion may have, as bits, given those that its leaves may have."""


def too_many(criteria: Iterable[Criterion]) -> bool:
    """Return whether criteria ask more questions together than are searched."""
    asked: set[str] = set()
    for criterion in criteria:
        asked.update(map(_key, leaves_of(criterion)))
        if len(asked) > MOST_ATOMS:
            return True
    return False


def together(
    goals: Sequence[Goal],
    playbook: Playbook | None = None,
    *,
    stage: str | None = None,
    budget: Budget | None = None,
) -> Found:
    """Return whether some lead answers all of these criteria as wanted.

    Args:
        goals: What is wanted.
        playbook: Whose fields, choices and scores bound what a lead may be.
        stage: Where the lead stands.
        budget: How many steps may be searched; where they are used up, nothing is decided.
    """
    if too_many(goal.criterion for goal in goals):
        return Found(Proof.NOT_DECIDED)
    budget = Budget() if budget is None else budget
    places: dict[str, int] = {}
    leaves: list[Criterion] = []
    for goal in goals:
        for leaf in leaves_of(goal.criterion):
            if places.setdefault(_key(leaf), len(leaves)) == len(leaves):
                leaves.append(leaf)
    wanted = [(_compiled(goal.criterion, places), _TRUE if goal.true else _FALSE | _UNKNOWN) for goal in goals]
    chosen = _search(wanted, _options(leaves, playbook, stage), [_ANY] * len(leaves), {}, budget)
    if chosen is None:
        return Found(Proof.IMPOSSIBLE if budget.steps >= 0 else Proof.NOT_DECIDED)
    told = tuple(words(subject, value) for subject, value in sorted(chosen.items()))
    return Found(Proof.POSSIBLE, told, MappingProxyType(chosen))


def _key(leaf: Criterion) -> str:
    return leaf.model_dump_json()


def _options(leaves: Sequence[Criterion], playbook: Playbook | None, stage: str | None) -> list[_Option]:
    """Return the subjects, those with the fewest values first; values that are answered alike are one."""
    subjects: dict[Subject, list[int]] = {}
    for place, leaf in enumerate(leaves):
        subjects.setdefault(subject_of(leaf, playbook), []).append(place)
    options: list[_Option] = []
    zone = zone_of(playbook)
    for subject, asking in subjects.items():
        own = [leaves[place] for place in asking]
        no_more = frozenset(other for other in subjects if nested(subject, other, zone))
        no_less = frozenset(other for other in subjects if nested(other, subject, zone))
        tied = [leaves[place] for other in no_more | no_less for place in subjects[other]]
        distinct: dict[tuple[Any, ...], tuple[Any, tuple[int, ...]]] = {}
        for value in values_of([*own, *tied], playbook, stage=stage):
            answers = tuple(_BIT[answer(leaf, value, playbook)] for leaf in own)
            distinct.setdefault((*answers, value) if tied else answers, (value, answers))
        options.append(_Option(subject, tuple(asking), tuple(distinct.values()), no_more, no_less))
    return sorted(options, key=lambda option: len(option.values))


def _search(
    wanted: Sequence[tuple[_May, int]],
    options: Sequence[_Option],
    known: list[int],
    chosen: dict[Subject, Any],
    budget: Budget,
) -> dict[Subject, Any] | None:
    """Return a value for every subject with which all is as wanted, if there is one."""
    if not budget.spend() or not all(may(known) & bits for may, bits in wanted):
        return None
    if not options:
        return chosen
    option = options[0]
    for value, answers in option.values:
        if option.agrees(value, chosen):
            then = list(known)
            for place, bits in zip(option.places, answers, strict=True):
                then[place] = bits
            found = _search(wanted, options[1:], then, {**chosen, option.subject: value}, budget)
            if found is not None:
                return found
    return None


def _compiled(criterion: Criterion, places: dict[str, int]) -> _May:
    match criterion:
        case Not():
            inner = _compiled(criterion.of, places)
            return lambda known: _turned(inner(known))
        case AllOf() | AnyOf() | AtLeast():
            parts = [_compiled(part, places) for part in criterion.of]
            needed = _needed(criterion)
            return lambda known: _enough([part(known) for part in parts], needed)
        case _:
            place = places[_key(criterion)]
            return lambda known: known[place]


def _needed(criterion: AllOf | AnyOf | AtLeast) -> int:
    if isinstance(criterion, AtLeast):
        return criterion.number
    return len(criterion.of) if isinstance(criterion, AllOf) else 1


def _turned(bits: int) -> int:
    return (bits & _UNKNOWN) | (_FALSE if bits & _TRUE else 0) | (_TRUE if bits & _FALSE else 0)


def _enough(parts: Sequence[int], needed: int) -> int:
    """Return what "at least so many of these" may be."""
    size = len(parts)
    may_hold = sum(part & _TRUE > 0 for part in parts)
    may_fail = sum(part & _FALSE > 0 for part in parts)
    true = _TRUE if may_hold >= needed else 0
    false = _FALSE if size - may_fail < needed else 0
    # Unknown: the sure ones are too few, yet with the unknown ones they would do.
    must_hold = sum(part == _TRUE for part in parts)
    may_count = size - sum(part == _FALSE for part in parts)
    in_doubt = any(part & _UNKNOWN for part in parts)
    return true | false | (_UNKNOWN if in_doubt and must_hold < needed <= may_count else 0)
