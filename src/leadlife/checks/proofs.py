"""Whether some lead can meet several criteria at once: a search over the subjects that their leaves ask about.

A criterion has three answers: true, false and unknown. For each leaf, the search keeps the *set* of answers that are
still possible, as three bits of an integer. A leaf whose subject has no value yet may have every answer (``_ANY``). A
criterion computes the set of its own possible answers from the sets of its parts. So the search can give up a branch as
soon as one goal has no wanted answer left, long before every subject has a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from leadlife.checks.subjects import Subject, answer, nested, subject_of, words, zone_of
from leadlife.checks.values import values_of
from leadlife.criteria import AllOf, AnyOf, AtLeast, Criterion, InStage, Not, leaves_of
from leadlife.playbook.playbook import Playbook

MOST_QUESTIONS = 12
_TRUE, _FALSE, _UNKNOWN = 1, 2, 4
_ANY = _TRUE | _FALSE | _UNKNOWN
_BIT = {True: _TRUE, False: _FALSE, None: _UNKNOWN}
_WANTED = {True: _TRUE, False: _FALSE | _UNKNOWN}


class Proof(StrEnum):
    """The conclusion of a search."""

    POSSIBLE = "possible"
    IMPOSSIBLE = "impossible"
    NOT_DECIDED = "not decided"


class Goal(NamedTuple):
    """A criterion, and whether it must be true. If not, it may be false or unknown.

    Attributes:
        criterion: The criterion.
        true: Whether it must be true.
        stage: The stage in which it is asked, where the goals of one search are asked in several stages.
    """

    criterion: Criterion
    true: bool
    stage: str | None = None


class Budget:
    """The number of steps left, over all searches of one definition: it bounds the time that any file can take."""

    def __init__(self, steps: int = 2_000_000) -> None:
        """Start with a number of steps."""
        self.steps: int = steps

    def spend(self) -> bool:
        """Use one step, and return whether there was one left."""
        self.steps -= 1
        return self.steps >= 0


class Found(NamedTuple):
    """The result of a search.

    Attributes:
        proof: Whether there is a lead that meets all goals.
        witness: Such a lead in words.
        lead: The same lead as values, by the subjects that criteria ask about.
    """

    proof: Proof
    witness: tuple[str, ...] = ()
    lead: Mapping[Subject, Any] = MappingProxyType({})


class _Option(NamedTuple):
    """A subject, and the values that the search tries for it.

    Attributes:
        subject: The subject.
        places: The places of the leaves that ask about it.
        values: Each value, with the answers of those leaves as bits.
        no_more: Counts that are never smaller than this one, because they count all that it counts.
        no_less: Counts that are never larger than this one.
    """

    subject: Subject
    places: tuple[int, ...]
    values: tuple[tuple[Any, tuple[int, ...]], ...]
    no_more: frozenset[Subject]
    no_less: frozenset[Subject]

    def agrees(self, value: Any, chosen: Mapping[Subject, Any]) -> bool:
        """Return whether a value is consistent with the values that other counts already have."""
        return all(value <= chosen[other] for other in self.no_more & chosen.keys()) and all(
            value >= chosen[other] for other in self.no_less & chosen.keys()
        )


_May = Callable[[Sequence[int]], int]
"""A function from the possible answers of all leaves to the possible answers of a criterion, both as bits."""


def too_many(criteria: Iterable[Criterion]) -> bool:
    """Return whether criteria ask more different questions together than the search accepts."""
    asked: set[str] = set()
    for criterion in criteria:
        asked.update(map(_key, leaves_of(criterion)))
        if len(asked) > MOST_QUESTIONS:
            return True
    return False


def together(
    goals: Sequence[Goal],
    playbook: Playbook | None = None,
    *,
    stage: str | None = None,
    budget: Budget | None = None,
) -> Found:
    """Return whether some lead meets all goals, with such a lead if there is one.

    Args:
        goals: The criteria, and how each must be answered.
        playbook: The playbook whose fields, choices and scores bound the values of a lead.
        stage: The stage of the lead; None for any stage.
        budget: The steps that the search may use. Without enough steps, the result is "not decided".
    """
    if too_many(goal.criterion for goal in goals):
        return Found(Proof.NOT_DECIDED)
    budget = Budget() if budget is None else budget
    places: dict[str, int] = {}
    leaves: list[Criterion] = []
    # Equal leaves of different goals share one place: they are the same question, with one answer.
    for goal in goals:
        for leaf in leaves_of(goal.criterion):
            if goal.stage is not None and isinstance(leaf, InStage):
                continue  # its answer is known
            if places.setdefault(_key(leaf), len(leaves)) == len(leaves):
                leaves.append(leaf)
    wanted = [(_compiled(goal.criterion, places, goal.stage), _WANTED[goal.true]) for goal in goals]
    options = _options(leaves, playbook, budget, stage=stage)
    chosen = _search(wanted, options, [_ANY] * len(leaves), {}, budget)
    if chosen is None:
        return Found(Proof.IMPOSSIBLE if budget.steps >= 0 else Proof.NOT_DECIDED)
    witness = tuple(words(subject, value) for subject, value in sorted(chosen.items()))
    return Found(Proof.POSSIBLE, witness, MappingProxyType(chosen))


def _key(leaf: Criterion) -> str:
    return leaf.model_dump_json()


def _options(
    leaves: Sequence[Criterion], playbook: Playbook | None, budget: Budget, *, stage: str | None
) -> list[_Option]:
    """Return the subjects with the values to try, those with the fewest values first: they cut the most branches.

    If the budget runs out, values are missing, and the search comes to no decision.
    """
    subjects: dict[Subject, list[int]] = {}
    for place, leaf in enumerate(leaves):
        subjects.setdefault(subject_of(leaf, playbook), []).append(place)
    options: list[_Option] = []
    zone = zone_of(playbook)
    for subject, asking in subjects.items():
        own = [leaves[place] for place in asking]
        no_more = frozenset(other for other in subjects if nested(subject, other, zone))
        no_less = frozenset(other for other in subjects if nested(other, subject, zone))
        # A count that lies within another needs the constants of both, or the two could never agree.
        tied = [leaves[place] for other in no_more | no_less for place in subjects[other]]
        distinct: dict[tuple[Any, ...], tuple[Any, tuple[int, ...]]] = {}
        for value in values_of([*own, *tied], playbook, stage=stage):
            if not budget.spend():
                break
            answers = tuple(_BIT[answer(leaf, value, playbook)] for leaf in own)
            # One value for each combination of answers is enough, unless other counts are compared with the value.
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
    """Return a value for every subject such that all goals are met, or None if there is none."""
    # ``may(known) & bits`` is empty if no value of the remaining subjects can give a wanted answer.
    if not budget.spend() or not all(may(known) & bits for may, bits in wanted):
        return None
    if not options:
        return chosen
    option = options[0]
    for value, answers in option.values:
        if option.agrees(value, chosen):
            narrowed = list(known)
            for place, bits in zip(option.places, answers, strict=True):
                narrowed[place] = bits
            found = _search(wanted, options[1:], narrowed, {**chosen, option.subject: value}, budget)
            if found is not None:
                return found
    return None


def _compiled(criterion: Criterion, places: dict[str, int], stage: str | None = None) -> _May:
    """Return a criterion as a function of the possible answers of its leaves: compiled once, called in every step."""
    match criterion:
        case Not():
            inner = _compiled(criterion.of, places, stage)
            return lambda known: _negated(inner(known))
        case AllOf() | AnyOf() | AtLeast():
            parts = [_compiled(part, places, stage) for part in criterion.of]
            needed = _needed(criterion)
            return lambda known: _enough([part(known) for part in parts], needed)
        case InStage() if stage is not None:
            answered = _BIT[stage in criterion.names]
            return lambda _known: answered
        case _:
            place = places[_key(criterion)]
            return lambda known: known[place]


def _needed(criterion: AllOf | AnyOf | AtLeast) -> int:
    """Return how many parts must be true: all, one, or a given number. So one function serves all three."""
    if isinstance(criterion, AtLeast):
        return criterion.number
    return len(criterion.of) if isinstance(criterion, AllOf) else 1


def _negated(bits: int) -> int:
    """Return the answers of "not": true and false change places, unknown stays."""
    return (bits & _UNKNOWN) | (_FALSE if bits & _TRUE else 0) | (_TRUE if bits & _FALSE else 0)


def _enough(parts: Sequence[int], needed: int) -> int:
    """Return the possible answers of "at least ``needed`` of these parts"."""
    size = len(parts)
    may_hold = sum(part & _TRUE > 0 for part in parts)
    may_fail = sum(part & _FALSE > 0 for part in parts)
    true = _TRUE if may_hold >= needed else 0
    false = _FALSE if size - may_fail < needed else 0
    # Unknown is possible if the parts that must be true are too few, and those that may be true or unknown are enough.
    must_hold = sum(part == _TRUE for part in parts)
    may_count = size - sum(part == _FALSE for part in parts)
    some_unknown = any(part & _UNKNOWN for part in parts)
    return true | false | (_UNKNOWN if some_unknown and must_hold < needed <= may_count else 0)
