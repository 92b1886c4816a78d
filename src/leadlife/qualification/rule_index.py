"""The index of a playbook's rules: which qualification, readiness and automatic move reads what.

A rule is evaluated again only if something that it reads has changed. What each rule reads is found once, when the
playbook is prepared. A set of rules is an integer in which bit ``n`` means rule ``n``, so that union and intersection
are single operations; a journey asks for them after every fact.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from leadlife._base.model import EARLIEST
from leadlife._frozen import FrozenDict
from leadlife.criteria import BandIs, Criterion, ScoreIs, View
from leadlife.errors import GuardError, LeadlifeError
from leadlife.leads import Lead
from leadlife.lifecycle.lifecycle import Lifecycle
from leadlife.qualification.room import room_of
from leadlife.qualification.rule_inputs import (
    Input,
    MoveReads,
    automatic_moves,
    in_reading_order,
    inputs_of,
    rises_of,
    timed_leaves,
    waiting_moves,
)
from leadlife.qualification.rules import Hysteresis, QualificationRule, ReadinessRule
from leadlife.timing import earliest

if TYPE_CHECKING:
    from leadlife.qualification.programmes import Programme
    from leadlife.scoring.policy import Policy

LATE, MID = " late", " mid"
"""The names of the two segments of readiness among the rules; no name of a qualification begins with a space."""
_PROGRAMME = " in "


def programme_key(name: str) -> str:
    """Return the name under which a programme stands among the rules: it may share one with a qualification."""
    return _PROGRAMME + name


def programme_of(key: str) -> str | None:
    """Return the programme that a rule of this name stands for; None for another rule."""
    return key.removeprefix(_PROGRAMME) if key.startswith(_PROGRAMME) else None


_STATES = ("stage", "reason", "cycle", "qualification", "readiness")
"""Topics that are the state of a lead, not evidence about it."""


class Horizon(NamedTuple):
    """The instants before which time alone does not change the answers of some criteria. None means never.

    Attributes:
        steady: The earlier one of the two below.
        exact: The next instant at which a window, an age or a step ends.
        fading: The instant from which a half-life may take a score across a threshold. From then on, the rules are
            evaluated on the review grid.
    """

    steady: datetime | None = None
    exact: datetime | None = None
    fading: datetime | None = None


FOR_EVER = Horizon()


class IndexedRule(NamedTuple):
    """A qualification, a segment of readiness or a programme, prepared for use.

    Attributes:
        name: The name of the qualification, :data:`LATE`, :data:`MID`, or the :func:`programme_key` of a programme.
        definition: The rule as declared.
        roles: The roles that may grant it by hand.
        enters: The leaves of ``enter`` whose answer time alone can change.
        leaves: The leaves of ``leave`` whose answer time alone can change.
        qualifies: Whether it is a qualification; a win or a recycling withdraws those.
        programme: The programme, where it decides who takes part in one.
        rises: The kinds of activity that change it by raising its scores, and in no other way, each with the most
            micropoints that one more activity adds to any of them.
        room: By how many micropoints the scores of a lead about which nothing is known may rise before it holds.
    """

    name: str
    definition: Hysteresis
    roles: tuple[str, ...]
    enters: tuple[Criterion, ...]
    leaves: tuple[Criterion, ...]
    qualifies: bool
    programme: Programme | None = None
    rises: tuple[tuple[str, int], ...] = ()
    room: int = 0


class RuleIndex:
    """The rules of a playbook, and what each of them reads.

    Attributes:
        rules: The rules in the order of evaluation: readiness, then qualifications, each after those that it reads,
            then programmes.
        places: The place of each rule in this order, by its name; it is the number of its bit.
        automatic: The triggers of automatic moves of each stage that has any, in declared order.
        moves: What the guards read of each stage and trigger that may wait to become legal.
        moved: The bits of the rules that read the stage or the cycle, or that a move confirms.
        always: The bits of the rules that contain custom code, which may read anything.
        every: The bits of all rules.
        on_state: The bits of the rules whose ``enter`` reads only the state of the lead, so that no fact confirms it.
        by_stage: Those of them that read the stage, directly or through other rules: a new visit confirms them.
        evidence: What the ``enter`` of each rule reads, directly or through other rules; None for custom code.
        any_fact: The bits of the rules whose ``enter`` contains custom code, so that any fact may confirm it.
        segments: The bits of the segments of readiness.
        blank: The bits of the rules whose ``enter`` is, or may be, true for a lead about which nothing is known.
        by_score: The bits of the rules that an activity of a kind changes by raising their scores, and in no other way.
    """

    __slots__ = (
        "_activities",
        "_confirmed",
        "_readers",
        "always",
        "any_fact",
        "automatic",
        "blank",
        "by_score",
        "by_stage",
        "every",
        "evidence",
        "moved",
        "moves",
        "on_state",
        "places",
        "rules",
        "segments",
    )

    def __init__(
        self,
        lifecycle: Lifecycle,
        qualifications: tuple[QualificationRule, ...],
        readiness: ReadinessRule | None,
        policies: Mapping[str, Policy],
        *,
        programmes: tuple[Programme, ...] = (),
        wakers: tuple[Criterion, ...] = (),
    ) -> None:
        segments = () if readiness is None else ((LATE, readiness.late), (MID, readiness.mid))
        rules = [_prepared(name, segment, (), qualifies=False) for name, segment in segments]
        rules += [
            _prepared(rule.name, rule, rule.granted_by, qualifies=True) for rule in in_reading_order(qualifications)
        ]
        for one in programmes:  # after all others, which their audiences may read
            prepared = _prepared(programme_key(one.name), one.rule, (), qualifies=False)
            rules.append(prepared._replace(programme=one))
        rules = [rule._replace(rises=tuple(rises_of(rule.definition, policies).items())) for rule in rules]
        self.blank: int
        rules, self.blank = _of_unknown_lead(rules, policies)
        self.rules: tuple[IndexedRule, ...] = tuple(rules)
        self.places: Mapping[str, int] = FrozenDict({rule.name: place for place, rule in enumerate(rules)})
        self.every: int = (1 << len(rules)) - 1
        self.segments: int = (1 << len(segments)) - 1
        self._readers: dict[Input, int] = {}
        self._confirmed: dict[Input, int] = {}
        self.always: int = 0
        self.any_fact: int = 0
        self.on_state: int = 0
        self.by_stage: int = 0
        self.evidence: dict[str, frozenset[Input] | None] = {}
        for place, rule in enumerate(rules):
            for _, criterion in rule.definition.criteria():
                self._reads(1 << place, criterion, policies)
        self._trace(policies)
        self.evidence = FrozenDict(self.evidence)
        self.moved: int = self.always | self.by_stage
        for (topic, _), bits in self._readers.items():
            if topic in ("stage", "cycle"):
                self.moved |= bits
        self.by_score: dict[str, int] = {}
        for place, rule in enumerate(rules):
            for kind, _ in rule.rises:
                self.by_score[kind] = self.by_score.get(kind, 0) | 1 << place
        kinds = {name for topic, name in (*self._readers, *self._confirmed) if topic == "activity"}
        self._activities: dict[str, tuple[int, int]] = {kind: self._of_activity(kind) for kind in (*kinds, "*")}
        self.automatic: Mapping[str, tuple[str, ...]] = automatic_moves(lifecycle)
        self.moves: Mapping[tuple[str, str], MoveReads] = waiting_moves(lifecycle, policies, wakers)

    def _reads(self, bit: int, criterion: Criterion, policies: Mapping[str, Policy]) -> None:
        keys, has_code = inputs_of(criterion, policies)
        for key in keys:
            self._readers[key] = self._readers.get(key, 0) | bit
        self.always |= bit if has_code else 0

    def _trace(self, policies: Mapping[str, Policy]) -> None:
        """Find which facts confirm which rules: those that ``enter`` reads, directly or through other rules.

        The rules are in order of evaluation, so one pass is enough: what a rule reads comes before it.
        """
        behind: dict[str, tuple[set[Input], bool]] = {}
        for place, rule in enumerate(self.rules):
            keys, has_code = (
                (set[Input](), False) if rule.definition.enter is None else inputs_of(rule.definition.enter, policies)
            )
            for topic, name in tuple(keys):
                others = {"qualification": (name,), "readiness": (LATE, MID)}.get(topic, ())
                for more, code in (behind[other] for other in others if other in behind):
                    keys |= more
                    has_code = has_code or code
            behind[rule.name] = keys, has_code
            self.evidence[rule.name] = None if has_code else frozenset(keys)
            for key in keys:
                self._confirmed[key] = self._confirmed.get(key, 0) | 1 << place
            self.any_fact |= has_code << place
            # A bool is 0 or 1, so shifting it sets the rule's bit, or none.
            on_state = rule.definition.enter is not None and not has_code and all(topic in _STATES for topic, _ in keys)
            self.on_state |= on_state << place
            self.by_stage |= (on_state and any(topic == "stage" for topic, _ in keys)) << place

    def reads_only_state(self, name: str) -> bool:
        """Return whether a rule is entered by the lead's state alone, so that no evidence of it can be too old."""
        return name in self.places and bool(self.on_state >> self.places[name] & 1)

    def confirmed(self, keys: Iterable[Input]) -> int:
        """Return the bits of the rules whose ``enter`` reads any of these, directly or through other rules."""
        return _bits(self._confirmed, keys)

    def _of_activity(self, kind: str) -> tuple[int, int]:
        keys = ("activity", kind), ("activity", "*")
        confirmed = self.confirmed(keys) | self.any_fact
        return self.readers(keys) | confirmed | self.always, confirmed

    def of_activity(self, kind: str) -> tuple[int, int]:
        """Return the bits of the rules that an activity may change, and of those among them that it may confirm."""
        return self._activities.get(kind) or self._activities["*"]

    def first(self, bits: int) -> tuple[int, IndexedRule]:
        """Return the first of some rules, with its bit: the lowest one that is set."""
        lowest = bits & -bits
        return lowest, self.rules[lowest.bit_length() - 1]

    def __bool__(self) -> bool:
        return bool(self.rules or self.automatic)

    def readers(self, keys: Iterable[Input]) -> int:
        """Return the bits of the rules that read any of these."""
        return _bits(self._readers, keys)


def _bits(by_key: Mapping[Input, int], keys: Iterable[Input]) -> int:
    bits = 0
    for key in keys:
        bits |= by_key.get(key, 0)
    return bits


def horizon(leaves: tuple[Criterion, ...], view: View) -> Horizon:
    """Return the instants before which time alone does not change the answers of some criteria."""
    if not leaves:
        return FOR_EVER
    exact: list[datetime | None] = []
    fading: list[datetime | None] = []
    for leaf in leaves:
        try:
            changes, fades = _changes_of(leaf, view)
        except GuardError:
            changes, fades = view.at, None
        # Custom code that breaks, or does not say when it changes, is asked again at the next review.
        exact.append(None if changes is None or changes <= view.at else changes)
        fading.append(view.aged if changes is not None and changes <= view.at else fades)
    soonest, fades = earliest(exact), earliest(fading)
    return Horizon(earliest((soonest, fades)), soonest, fades)


def _changes_of(leaf: Criterion, view: View) -> tuple[datetime | None, datetime | None]:
    """Return when a leaf may change at an exact instant, and from when a half-life may change it."""
    if not isinstance(leaf, ScoreIs | BandIs):
        return leaf.changes_at(view), None
    score = view.score(leaf.name)
    return (None, None) if score is None else (score.changes_at, leaf.fades_from(score, view))


def _prepared(name: str, rule: Hysteresis, roles: tuple[str, ...], *, qualifies: bool) -> IndexedRule:
    return IndexedRule(
        name=name,
        definition=rule,
        roles=roles,
        enters=tuple(timed_leaves(rule.enter)),
        leaves=tuple(timed_leaves(rule.leave)),
        qualifies=qualifies,
    )


def _of_unknown_lead(rules: list[IndexedRule], policies: Mapping[str, Policy]) -> tuple[list[IndexedRule], int]:
    """Return the rules with their room for a lead about which nothing is known, and the bits of those true for it.

    A rule that raises for it counts as true.
    """
    from leadlife.scoring.view import LeadView  # noqa: PLC0415 - not needed for a playbook without rules

    class _Unknown(LeadView):
        def score(self, name: str) -> Any:
            return policies[name].assess(self)

    unknown, bits = _Unknown(Lead(id="unknown"), (), EARLIEST), 0
    found: list[IndexedRule] = []
    for place, rule in enumerate(rules):
        enter, room = rule.definition.enter, 0
        try:
            true = enter is not None and enter.test(unknown) is True
            room = 0 if true or not rule.rises else room_of(enter, unknown)
        except LeadlifeError:
            true = True  # so it is evaluated again for each lead
        bits |= true << place
        found.append(rule._replace(room=room))
    return found, bits
