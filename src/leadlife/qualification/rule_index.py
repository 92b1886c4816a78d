"""The rulebook: a playbook's qualifications, readiness and automatic moves, made ready to be judged.

A rule is looked at again only when something that it reads has changed. Which rules read what is worked out here, once,
as bits of a whole number: the rules in the order in which they are judged, then the automatic moves of each stage.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from leadlife._base.model import EARLIEST
from leadlife.criteria import (
    BandIs,
    ByRole,
    Criterion,
    CustomGuard,
    HoldsQualification,
    ReadinessIs,
    ScoreIs,
    View,
    leaves_of,
)
from leadlife.errors import Fault, LeadlifeError
from leadlife.leads import Lead
from leadlife.lifecycle.lifecycle import Lifecycle
from leadlife.lifecycle.validation import circles
from leadlife.qualification.rules import Hysteresis, QualificationRule, ReadinessRule
from leadlife.timing import earliest

if TYPE_CHECKING:
    from leadlife.scoring.policy import Policy

LATE, MID = " late", " mid"
"""How the two segments of readiness are kept; no qualification can be called so."""
Input = tuple[str, str]
_UNTIMED = (HoldsQualification, ReadinessIs, CustomGuard)
"""Leaves whose answers change by what the rules do, or by code: never by a time that is known in advance."""


_STANDING = ("stage", "cycle", "qualification", "readiness")


class Horizon(NamedTuple):
    """Until when time alone leaves criteria as they are.

    Attributes:
        steady: Until then, surely.
        exact: When a window, an age or a step changes at an exact instant.
        fading: From when a half-life may take a score across a threshold; the review grid looks after it.
    """

    steady: datetime | None = None
    exact: datetime | None = None
    fading: datetime | None = None


FOR_EVER = Horizon()


class IndexedRule(NamedTuple):
    """A qualification, or a segment of readiness, ready to be judged.

    Attributes:
        name: The qualification's name, or :data:`LATE` or :data:`MID`.
        definition: What was declared.
        roles: Who may grant it by hand.
        enters: The leaves of what lets a lead in that time alone can change.
        leaves: The same of what throws it out.
        qualifies: Whether it is a qualification, which a win or a recycling takes away.
    """

    name: str
    definition: Hysteresis
    roles: tuple[str, ...]
    enters: tuple[Criterion, ...]
    leaves: tuple[Criterion, ...]
    qualifies: bool


class AutomaticMoves(NamedTuple):
    """The automatic moves out of a stage.

    Attributes:
        triggers: What is tried, in declared order.
        timed: The leaves of their guards that time alone can change.
        reads: What their guards read.
        always: Whether they read what nobody announces.
    """

    triggers: tuple[str, ...]
    timed: tuple[Criterion, ...]
    reads: frozenset[Input]
    always: bool


class RuleIndex:
    """Everything that moves by itself, and what it reads.

    Attributes:
        rules: In the order in which they are judged: readiness, then qualifications, each after those it reads.
        places: The place of each rule among them.
        automatic: The automatic moves of each stage that has some.
        moved: The bits of the rules that read the stage or the cycle.
        always: The bits of the rules that read code of one's own, which may answer anything.
        every: The bits of all rules.
        stands: The bits of the rules that are entered by where a lead stands alone: no evidence is behind them.
        any_fact: The bits of the rules that are entered by code of one's own, which any fact may confirm.
        segments: The bits of those that make readiness.
        blank: The bits of the rules that are true of a lead nobody knows anything about.
    """

    __slots__ = (
        "_confirmed",
        "_readers",
        "always",
        "any_fact",
        "automatic",
        "blank",
        "every",
        "moved",
        "places",
        "rules",
        "segments",
        "stands",
    )

    def __init__(
        self,
        lifecycle: Lifecycle,
        qualifications: tuple[QualificationRule, ...],
        readiness: ReadinessRule | None,
        policies: Mapping[str, Policy],
    ) -> None:
        segments = () if readiness is None else ((LATE, readiness.late), (MID, readiness.mid))
        made = [_ready(name, held, (), qualifies=False) for name, held in segments]
        made += [_ready(rule.name, rule, rule.granted_by, qualifies=True) for rule in _in_order(qualifications)]
        self.rules: tuple[IndexedRule, ...] = tuple(made)
        self.places: dict[str, int] = {rule.name: place for place, rule in enumerate(made)}
        self.every: int = (1 << len(made)) - 1
        self.segments: int = (1 << len(segments)) - 1
        self._readers: dict[Input, int] = {}
        self._confirmed: dict[Input, int] = {}
        self.always: int = 0
        self.any_fact: int = 0
        self.stands: int = 0
        for place, rule in enumerate(made):
            for _, criterion in rule.definition.criteria():
                self._reads(1 << place, criterion, policies)
        self._trace(policies)
        self.moved: int = self.always
        for (sort, _), bits in self._readers.items():
            if sort in ("stage", "cycle"):
                self.moved |= bits
        self.blank: int = _blank(made, policies)
        self.automatic: dict[str, AutomaticMoves] = dict(_automatic(lifecycle, policies))

    def _reads(self, bit: int, criterion: Criterion, policies: Mapping[str, Policy]) -> None:
        keys, opaque = _inputs(criterion, policies)
        for key in keys:
            self._readers[key] = self._readers.get(key, 0) | bit
        self.always |= bit if opaque else 0

    def _trace(self, policies: Mapping[str, Policy]) -> None:
        """Work out which facts confirm which rules: those that ``enter`` reads, itself or through other rules."""
        behind: dict[str, tuple[set[Input], bool]] = {}
        for place, rule in enumerate(self.rules):
            keys, opaque = (
                (set[Input](), False) if rule.definition.enter is None else _inputs(rule.definition.enter, policies)
            )
            for sort, name in tuple(keys):
                others = {"qualification": (name,), "readiness": (LATE, MID)}.get(sort, ())
                for more, code in (behind[other] for other in others if other in behind):
                    keys |= more
                    opaque = opaque or code
            behind[rule.name] = keys, opaque
            for key in keys:
                self._confirmed[key] = self._confirmed.get(key, 0) | 1 << place
            self.any_fact |= opaque << place
            self.stands |= (not opaque and all(sort in _STANDING for sort, _ in keys)) << place

    def confirmed(self, keys: Iterable[Input]) -> int:
        """Return the bits of the rules whose ``enter`` reads any of these, itself or through other rules."""
        return _bits(self._confirmed, keys)

    def __bool__(self) -> bool:
        return bool(self.rules or self.automatic)

    def readers(self, keys: Iterable[Input]) -> int:
        """Return the bits of the rules that read any of these."""
        return _bits(self._readers, keys)


def _bits(by_key: Mapping[Input, int], keys: Iterable[Input]) -> int:
    found = 0
    for key in keys:
        found |= by_key.get(key, 0)
    return found


def horizon(leaves: tuple[Criterion, ...], view: View) -> Horizon:
    """Return until when time alone leaves some criteria as they are.

    Raises:
        GuardError: A policy that they ask is broken.
    """
    if not leaves:
        return FOR_EVER
    exact: list[datetime | None] = []
    fading: list[datetime | None] = []
    for leaf in leaves:
        if isinstance(leaf, ScoreIs | BandIs):
            score = view.score(leaf.name)
            if score is not None:
                steps = score.changes_at
                exact.append(None if steps is None or steps <= view.at else steps)
                fading.append(score.fades_from(leaf.value if isinstance(leaf, ScoreIs) else None))
        else:
            exact.append(leaf.changes_at(view))
    soonest, fades = earliest(exact), earliest(fading)
    return Horizon(earliest((soonest, fades)), soonest, fades)


def rule_faults(qualifications: tuple[QualificationRule, ...], readiness: ReadinessRule | None) -> Iterator[Fault]:
    """Yield what is wrong with rules whatever they are about: roles, circles, readiness that reads qualifications."""
    for path, criterion in criteria_of(qualifications, readiness):
        for leaf in leaves_of(criterion):
            if isinstance(leaf, ByRole):
                yield Fault(path, "nobody asks a rule, so it has no role to look at", "say granted_by=")
            elif isinstance(leaf, HoldsQualification) and path.startswith("readiness"):
                yield Fault(path, "readiness is judged before qualifications and reads none", "ask for their evidence")
            elif isinstance(leaf, ReadinessIs) and path.startswith("readiness"):
                yield Fault(path, "readiness does not read itself")
            elif isinstance(leaf, CustomGuard) and leaf.call is None:
                yield Fault(path, f"guard {leaf.name!r} is named but not bound to a callable")
    for circle in _circles(qualifications):
        yield Fault("qualifications", f"qualifications that wait for one another: {' > '.join(circle)}")


def criteria_of(
    qualifications: tuple[QualificationRule, ...], readiness: ReadinessRule | None
) -> Iterator[tuple[str, Criterion]]:
    """Yield every criterion of the rules, with its path."""
    for place, rule in enumerate(qualifications):
        for name, criterion in rule.criteria():
            yield f"qualifications.{place}.{name}", criterion
    if readiness is not None:
        for segment in ("mid", "late"):
            for name, criterion in getattr(readiness, segment).criteria():
                yield f"readiness.{segment}.{name}", criterion


def _ready(name: str, held: Hysteresis, roles: tuple[str, ...], *, qualifies: bool) -> IndexedRule:
    return IndexedRule(name, held, roles, tuple(timed_leaves(held.enter)), tuple(timed_leaves(held.leave)), qualifies)


def timed_leaves(criterion: Criterion | None) -> Iterator[Criterion]:
    """Yield the leaves that time alone may change: those that say when they do."""
    for leaf in () if criterion is None else leaves_of(criterion):
        if not isinstance(leaf, _UNTIMED) and type(leaf).changes_at is not Criterion.changes_at:
            yield leaf


def _inputs(criterion: Criterion, policies: Mapping[str, Policy]) -> tuple[set[Input], bool]:
    """Return what a criterion reads, with scores traced to what they read; and whether code of one's own is in it."""
    keys: set[Input] = set()
    opaque = False
    for sort, name in criterion.inputs():
        if sort == "score" and name in policies:
            keys.update(("reported", part) for part in _parts(policies[name]))
            keys.update(policies[name].inputs())
            opaque = opaque or not policies[name].declares_all
        elif sort == "custom_guard":
            opaque = True
        keys.add((sort, name))
    return keys, opaque


def _parts(policy: Policy) -> Iterator[str]:
    yield policy.name
    for part in policy.parts():
        yield from _parts(part)


def _in_order(rules: tuple[QualificationRule, ...]) -> Iterator[QualificationRule]:
    """Yield qualifications so that each comes after those it reads."""
    waiting, done = list(rules), set[str]()
    while waiting:
        rule = next(one for one in waiting if not (_needs(one) & {other.name for other in waiting if other is not one}))
        waiting.remove(rule)
        done.add(rule.name)
        yield rule


def _needs(rule: QualificationRule) -> set[str]:
    return {name for _, criterion in rule.criteria() for sort, name in criterion.inputs() if sort == "qualification"}


def _circles(rules: tuple[QualificationRule, ...]) -> Iterator[tuple[str, ...]]:
    names = {rule.name for rule in rules}
    yield from circles({rule.name: sorted(_needs(rule) & names) for rule in rules})


def _blank(rules: list[IndexedRule], policies: Mapping[str, Policy]) -> int:
    """Return the bits of the rules that are true of a lead nobody knows anything about, or that cannot be told."""
    from leadlife.scoring.view import LeadView  # noqa: PLC0415 - a playbook without rules does not pay for it

    class _Unknown(LeadView):
        def score(self, name: str) -> Any:
            return policies[name].assess(self)

    nobody, bits = _Unknown(Lead(id="nobody"), (), EARLIEST), 0
    for place, rule in enumerate(rules):
        try:
            true = rule.definition.enter is not None and rule.definition.enter.test(nobody) is True
        except LeadlifeError:
            true = True  # whoever cannot tell is asked again
        bits |= true << place
    return bits


def _automatic(lifecycle: Lifecycle, policies: Mapping[str, Policy]) -> Iterator[tuple[str, AutomaticMoves]]:
    by_stage: dict[str, dict[str, None]] = {}
    for edge in lifecycle.edges:
        if edge.rule.automatic:
            by_stage.setdefault(edge.source, {})[edge.trigger] = None
    for stage, triggers in by_stage.items():
        guards = [
            guard
            for edge in lifecycle.edges
            if edge.source == stage and edge.trigger in triggers
            for guard in edge.guards
        ]
        told = [_inputs(guard, policies) for guard in guards]
        reads = frozenset[Any]().union(*(keys for keys, _ in told))
        always = any(opaque for _, opaque in told)
        yield (
            stage,
            AutomaticMoves(
                tuple(triggers), tuple(leaf for guard in guards for leaf in timed_leaves(guard)), reads, always
            ),
        )
