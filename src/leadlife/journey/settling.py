"""Settling: after a fact or at a due instant, judge what it could have changed until nothing moves any more.

The order is fixed: scores, readiness, qualifications, then one automatic move, and again from the scores; at most as
many moves as there are stages. A rule is judged only if something that it reads has changed, or time may have done so.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from leadlife.criteria import Criterion
from leadlife.errors import GuardError
from leadlife.facts import (
    ActivityRecorded,
    EvidenceGiven,
    Fact,
    FieldChanged,
    Identified,
    QualificationGranted,
    QualificationWithdrawn,
    ScoreReported,
    Sold,
)
from leadlife.journey.holding import is_over, keep
from leadlife.journey.latches import (
    EXACT,
    GRID,
    LAPSED,
    LEFT,
    NEVER_HELD,
    NOT_SO,
    STARTS_AFRESH,
    UNDECLARED,
    Alarm,
    Latch,
    Nearness,
)
from leadlife.journey.moving import take
from leadlife.journey.ruling import cool_until, resting
from leadlife.journey.sight import StateView
from leadlife.journey.state import BEGUN, MOVED, State
from leadlife.leads import SYSTEM, TIMER, actor
from leadlife.lifecycle.edges import Edge
from leadlife.lifecycle.transitions import TransitionKind
from leadlife.playbook.playbook import Playbook
from leadlife.qualification.rule_index import FOR_EVER, LATE, MID, Automatic, Horizon, Key, Rule, RuleIndex, horizon
from leadlife.timing import due, earliest, grid_from

EARLY = "early"
TICK = timedelta(microseconds=1)
_SEGMENTS = {LATE: "late", MID: "mid"}


def settle(state: State, at: datetime, fact: Fact | None = None) -> None:
    """Judge what a fact, or time, could have changed, and take what follows from it."""
    rules, playbook = state.rules, state.playbook
    if rules is None or playbook is None:
        return
    if (playbook.readiness is None) is not (state.nearness is None):
        early = Nearness(EARLY, at, None if fact is None else fact.id, state.ordinal)
        state.nearness = None if playbook.readiness is None else early
        changed: tuple[Key, ...] = (("readiness", ""),)
    else:
        changed = ()
    keys = changed if fact is None else (*changed, *_keys(fact))
    settling = _Settling(state, playbook, rules, at=at, fact=fact, keys=keys)
    if settling.anything():
        settling.run()


def _keys(fact: Fact) -> tuple[Key, ...]:
    """Return what a fact changes, in the words in which rules say what they read."""
    match fact:
        case ActivityRecorded():
            return ("activity", fact.kind), ("activity", "*")
        case FieldChanged():
            return (("field", fact.name),)
        case EvidenceGiven():
            return (("evidence", fact.name),)
        case QualificationGranted() | QualificationWithdrawn():
            return (("qualification", fact.name),)
        case Identified():
            return (("identified", ""),)
        case Sold():
            return (("sold", ""),)
        case ScoreReported():
            return (("reported", fact.policy),)
        case _:
            return ()


def known_keys(state: State) -> Iterator[Key]:
    """Yield all that is known of a lead, in the same words."""
    memory = state.memory
    for sort, names in (("field", memory.fields), ("evidence", memory.evidence), ("activity", memory.activities)):
        for name in names:
            yield sort, name
    yield from (("reported", policy) for policy, _ in memory.reported)
    single = (("identified", memory.identified), ("sold", memory.sold))
    yield from ((sort, "") for sort, seen in single if seen)
    if memory.activities:
        yield "activity", "*"


class _Said(NamedTuple):
    """What the two criteria of a rule answer."""

    enter: bool | None
    leave: bool | None


class _Settling:
    """One evaluation, while it lasts."""

    __slots__ = ("at", "automatic", "bits", "book", "fact", "keys", "playbook", "said", "state", "touched", "view")

    def __init__(
        self,
        state: State,
        playbook: Playbook,
        rules: RuleIndex,
        *,
        at: datetime,
        fact: Fact | None,
        keys: tuple[Key, ...],
    ) -> None:
        self.state = state
        self.playbook = playbook
        self.book: RuleIndex = rules
        self.at = at
        self.fact = fact
        self.keys: set[Key] = set(keys)
        """All that has changed since the automatic moves were last tried."""
        if state.unjudged == BEGUN:
            self.keys.update(known_keys(state))
        self.touched: int = self.book.confirmed(self.keys) | (0 if fact is None else self.book.any_fact)
        """The rules that the fact may confirm: what lets a lead in reads what it changed."""
        self.bits: int = self.book.readers(self.keys) | self.touched
        """The rules that are still to be judged."""
        if isinstance(fact, QualificationGranted | QualificationWithdrawn) and fact.name in self.book.places:
            self.bits |= 1 << self.book.places[fact.name]
        self.automatic: Automatic | None = self.book.automatic.get(state.stage or "")
        self.said: str | None = None
        """What made readiness change, in words."""

    def anything(self) -> bool:
        """Return whether there is anything to judge; for most facts there is not."""
        state, book = self.state, self.book
        self.bits |= book.always
        if state.unjudged:
            self.bits |= book.moved if state.unjudged == MOVED else book.every
            if state.unjudged == BEGUN:
                self.bits &= self.touched | book.readers(self.keys) | book.moved | book.always | book.blank
            if not isinstance(self.fact, QualificationGranted | QualificationWithdrawn):
                self.touched |= book.stands
        if state.due is not None and state.due <= self.at:
            for place, rule in enumerate(book.rules):
                latch = state.latches.get(rule.name)
                if latch is not None and (_past(latch.steady, self.at) or _past(latch.expires, self.at)):
                    self.bits |= 1 << place
        return bool(self.bits or state.unjudged or self._may_move())

    def _may_move(self) -> bool:
        automatic = self.automatic
        if automatic is None:
            return False
        return (
            automatic.always
            or bool(self.state.unjudged)
            or not self.keys.isdisjoint(automatic.reads)
            or _past(self.state.expected.steady, self.at)
        )

    def run(self) -> None:
        """Judge, move, and again, until nothing moves."""
        state, left = self.state, len(self.playbook.lifecycle.stages)
        edge = self._settled()
        while edge is not None and left:
            self._take(edge)
            left -= 1
            edge = self._settled()
        if edge is not None:
            told = "the automatic moves do not come to rest: they chase one another"
            state.turn("unsettled", state.stage or "", fact=self._fact_id, by=self._by, reason=told)
        state.unjudged = 0 if edge is None else MOVED  # what is not at rest goes on with the next fact
        self._set_alarm()

    def _settled(self) -> Edge | None:
        """Judge every rule, and return the automatic move that is to be made then, if there is one."""
        self._judge_all()
        return self._move() if self._may_move() else None

    def _take(self, edge: Edge) -> None:
        """Make an automatic move, and note what is to be judged after it."""
        state = self.state
        reason = edge.rule.reasons[0] if edge.rule.needs_reason else None
        by = actor(TIMER if self.fact is None else SYSTEM)
        state.unjudged = 0
        take(state, edge, at=self.at, fact=self.fact, by=by, reason=reason, automatic=True)
        self.automatic = self.book.automatic.get(state.stage or "")
        self.keys = set()
        self.touched = self.book.stands
        self.bits |= (self.book.moved if state.unjudged == MOVED else self.book.every) | self.book.always

    @property
    def _fact_id(self) -> str | None:
        return None if self.fact is None else self.fact.id

    @property
    def _by(self) -> str:
        return TIMER if self.fact is None else SYSTEM

    def _judge_all(self) -> None:
        self.view = StateView(self.state, self.at, (), brief=True)
        self._forget_undeclared()
        for lowest, rule in self._waiting(self.book.segments):
            self._judge(rule, touched=bool(self.touched & lowest))
        if self._nearer():
            self._changed(("readiness", ""), self.book.segments)
        for lowest, rule in self._waiting(self.book.every):
            if self._judge(rule, touched=bool(self.touched & lowest)):
                self._changed(("qualification", rule.name), (lowest << 1) - 1)
        self.touched = 0

    def _waiting(self, among: int) -> Iterator[tuple[int, Rule]]:
        """Yield the rules that wait to be judged, in their order; judging one may add others after it."""
        while self.bits & among:
            waiting = self.bits & among
            lowest = waiting & -waiting
            self.bits ^= lowest
            yield lowest, self.book.rules[lowest.bit_length() - 1]

    def _changed(self, key: Key, judged: int) -> None:
        """Note that what a rule grants has changed, for those that read it and are not judged yet."""
        self.keys.add(key)
        self.bits |= self.book.readers((key,)) & ~judged

    def _forget_undeclared(self) -> None:
        """Let go of what an adopted playbook does not know any more."""
        for name in [name for name in self.state.latches if name not in self.book.places]:
            latch = self.state.latches[name]
            if latch.held and name not in _SEGMENTS:
                self.state.turn("withdrawn", name, fact=self._fact_id, by=self._by, reason=UNDECLARED)
            self.state.latches = {kept: one for kept, one in self.state.latches.items() if kept != name}

    def _judge(self, rule: Rule, *, touched: bool) -> bool:
        """Judge a rule, and return whether what is held has changed."""
        before = self.state.latches.get(rule.name, NEVER_HELD)
        latch, reason = self._let_go(rule, before._replace(touched=self.state.ordinal) if touched else before)
        try:
            judged = self._decided(rule, latch, reason, touched=touched)
        except GuardError as error:
            if latch.failed != error.message:
                self._tell_failure(_SEGMENTS.get(rule.name, rule.name), error)
            judged = latch._replace(failed=error.message, steady=None, exact=None, fading=None), reason, None
        keep(self.state, rule.name, judged[0])
        return self._told(rule, before, *judged)

    def _decided(
        self, rule: Rule, latch: Latch, reason: str | None, *, touched: bool
    ) -> tuple[Latch, str | None, Criterion | None]:
        """Return the latch as the rule's criteria now have it, why it was let go, and the criterion that decided."""
        said, criterion = self._answers(rule), None
        if latch.held:
            reason, criterion = _out(rule, latch, said)
            latch = self._renewed(rule, latch, said, touched=touched) if reason is None else latch.released(barred=0)
        elif said.enter is True and said.leave is not True and self._fresh(rule, latch):
            latch, criterion = self._granted(rule, latch), rule.held.enter
        ahead = horizon(_decisive(rule, latch, said), self.view)
        exact = self._later(ahead.exact)
        return latch._replace(failed=None, steady=ahead.steady, exact=exact, fading=ahead.fading), reason, criterion

    def _let_go(self, rule: Rule, latch: Latch) -> tuple[Latch, str | None]:
        """Return what is left of a latch that has lapsed, or that a win or a recycling takes away, and why."""
        if latch.held and is_over(latch, self.at):
            return latch.released(barred=self.state.ordinal), LAPSED
        # One that stands may be granted again by the very fact that closed the cycle.
        if latch.held and rule.qualifies and latch.ordinal < self.state.cut + (not self._stands(rule)):
            return latch.released(barred=0), STARTS_AFRESH
        return latch, None

    def _answers(self, rule: Rule) -> _Said:
        held = rule.held
        return _Said(
            None if held.enter is None else held.enter.test(self.view),
            None if held.leave is None else held.leave.test(self.view),
        )

    def _renewed(self, rule: Rule, latch: Latch, said: _Said, *, touched: bool) -> Latch:
        """Return the latch, which holds longer if the fact has confirmed it."""
        if not touched or said.enter is not True or rule.held.valid_for is None:
            return latch
        until = due(self.at, rule.held.valid_for, self.playbook.zone_info)
        return latch._replace(expires=until if latch.expires is None else max(latch.expires, until))

    def _fresh(self, rule: Rule, latch: Latch) -> bool:
        """Return whether a fact that confirms it is newer than the last win, recycling, lapse or word against it.

        What a lead holds by where it stands has no evidence that could be too old.
        """
        since = max(self.state.cut if rule.qualifies and not self._stands(rule) else 0, latch.barred)
        return since == 0 or latch.touched > since

    def _stands(self, rule: Rule) -> bool:
        return bool(self.book.stands >> self.book.places[rule.name] & 1)

    def _granted(self, rule: Rule, latch: Latch) -> Latch:
        state, held = self.state, rule.held
        assert held.enter is not None  # noqa: S101 - it was true
        verdict = held.enter.verdict(StateView(state, self.at, ())) if rule.qualifies else None
        return latch._replace(
            held=True,
            since=self.at,
            ordinal=state.ordinal,
            expires=None if held.valid_for is None else due(self.at, held.valid_for, self.playbook.zone_info),
            by=None,
            fact=self._fact_id,
            evidence=() if verdict is None else tuple(fact for fact in verdict.facts if fact),
            verdict=verdict,
            playbook=self.playbook.ref,
        )

    def _told(self, rule: Rule, before: Latch, latch: Latch, reason: str | None, criterion: Criterion | None) -> bool:
        """Tell what has changed, and return whether anything has."""
        said = None if criterion is None else criterion.sentence()
        if not rule.qualifies:
            self.said = self.said or (None if said is None else f"not {said}" if reason == NOT_SO else said)
            return before.held is not latch.held
        if before.held and (not latch.held or latch.since != before.since):
            lost = said if reason in (LEFT, NOT_SO) else None
            self.state.turn("withdrawn", rule.name, fact=self._fact_id, by=self._by, reason=reason, criterion=lost)
        if latch.held and (not before.held or latch.since != before.since):
            self.state.turn(
                "granted",
                rule.name,
                fact=self._fact_id,
                by=self._by,
                criterion=said,
                expires=latch.expires,
                evidence=latch.evidence,
            )
        return before.held is not latch.held or before.since != latch.since

    def _nearer(self) -> bool:
        """Tell the lead's readiness anew, and return whether it has changed."""
        state, latches = self.state, self.state.latches
        held = (segment for name, segment in _SEGMENTS.items() if latches.get(name, NEVER_HELD).held)
        segment = next(held, EARLY)
        if state.nearness is None or state.nearness.segment == segment:
            return False
        state.nearness = Nearness(segment, self.at, self._fact_id, state.ordinal)
        state.turn("readiness", segment, fact=self._fact_id, by=self._by, criterion=self.said)
        return True

    def _tell_failure(self, name: str, error: GuardError) -> None:
        self.state.turn("failed", name, fact=self._fact_id, by=self._by, reason=error.message)

    def _later(self, at: datetime | None) -> datetime | None:
        return at if at is not None and at > self.at else None

    def _move(self) -> Edge | None:
        """Return the automatic move that is to be taken now, if there is one."""
        state, automatic = self.state, self.automatic
        assert automatic is not None and state.table is not None  # noqa: S101, PT018 - the caller has looked
        for trigger in automatic.triggers:
            candidates = state.table.moves[state.stage or "", trigger]
            try:
                edge = next((one.edge for one in candidates if one.test is None or one.test(self.view) is True), None)
            except GuardError as error:
                self._tell_failure(trigger, error)
                continue
            if edge is not None and edge.rule.automatic and not self._rests(edge):
                return edge
        return None

    def _rests(self, edge: Edge) -> bool:
        return edge.rule.kind is TransitionKind.REENTRY and bool(resting(self.state, self.at))

    def _set_alarm(self) -> None:
        """Note when time alone will next change something."""
        state = self.state
        alarms: list[Alarm] = []
        dues: list[datetime | None] = []
        fading: list[tuple[datetime, str]] = []
        for name, latch in state.latches.items():
            told = "readiness" if name in _SEGMENTS else name
            if latch.expires is not None:
                alarms.append(Alarm(latch.expires, EXACT, f"{told} lapses"))
                dues.append(latch.expires)
            if latch.exact is not None:
                alarms.append(Alarm(latch.exact, EXACT, f"what {told} asks may change"))
            if latch.fading is not None:
                fading.append((latch.fading, told))
            if latch.steady is not None:
                dues.append(latch.steady)
        state.expected = FOR_EVER if self.automatic is None else self._ahead(self.automatic)
        if state.expected.exact is not None:
            alarms.append(Alarm(state.expected.exact, EXACT, "the lead may move by itself"))
        if state.expected.fading is not None:
            fading.append((state.expected.fading, "whether the lead moves by itself"))
        if fading:
            first, what = min(fading)
            review = grid_from(max(first, self.at + TICK), self.playbook.zone_info, self.playbook.review_days)
            alarms.append(Alarm(review, GRID, f"a fading score may change {what}"))
        state.awaited, state.due = min(alarms, default=None), earliest((*dues, state.expected.steady))

    def _ahead(self, automatic: Automatic) -> Horizon:
        """Return until when time alone leaves the automatic moves as they are."""
        try:
            ahead = horizon(automatic.timed, self.view)
        except GuardError:
            return FOR_EVER  # it was told when the move was tried
        ahead = ahead._replace(exact=self._later(ahead.exact))
        cool = cool_until(self.state) if any(map(self._reenters, automatic.triggers)) else None
        if cool is None or cool <= self.at:
            return ahead
        return ahead._replace(exact=earliest((ahead.exact, cool)), steady=earliest((ahead.steady, cool)))

    def _reenters(self, trigger: str) -> bool:
        plan = self.state.table
        assert plan is not None  # noqa: S101 - started
        return any(one.edge.rule.kind is TransitionKind.REENTRY for one in plan.moves[self.state.stage or "", trigger])


def _out(rule: Rule, latch: Latch, said: _Said) -> tuple[str | None, Criterion | None]:
    """Return why what is held must go, and the criterion that says so; nothing if it stays."""
    held = rule.held
    if held.leave is not None:
        return (LEFT, held.leave) if said.leave is True else (None, None)
    lasts = held.lasting or latch.by is not None or held.enter is None
    return (None, None) if lasts or said.enter is True else (NOT_SO, held.enter)


def _decisive(rule: Rule, latch: Latch, said: _Said) -> tuple[Criterion, ...]:
    """Return the leaves on which it depends whether time alone will change what is held."""
    if not latch.held:
        return (*rule.enters, *rule.leaves) if said.enter is True else rule.enters
    if rule.held.leave is not None:
        return rule.leaves
    return () if rule.held.lasting or latch.by is not None else rule.enters


def _past(instant: datetime | None, at: datetime) -> bool:
    return instant is not None and instant <= at
