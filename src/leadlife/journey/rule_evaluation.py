"""Rule evaluation: after a fact or a timer, evaluate what it could have changed until nothing moves any more.

The order is fixed: scores, readiness, qualifications, then one move that waits, and again from the scores; at most as
many moves as there are stages. A rule is evaluated only if something that it reads has changed, or if time may have
changed it. This file passes 400 lines, because one evaluation is one story that is read from top to bottom.

Rules are numbered by the :class:`RuleIndex`, so a set of rules is a set of bits in a whole number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from leadlife._base.model import LATEST
from leadlife.criteria import Criterion
from leadlife.errors import GuardError
from leadlife.facts import ActivityRecorded, Fact, QualificationGranted, QualificationWithdrawn, StageReached
from leadlife.journey.concerned_rules import (
    ConcernedRules,
    concerned_rules,
    end_of_validity,
    only_renews,
    renewed_rule,
    renewed_states,
    view_for_rules,
)
from leadlife.journey.moves import make_move
from leadlife.journey.records import (
    NEVER_HELD,
    Due,
    ReadinessState,
    RuleChange,
    RuleChangeKind,
    RuleState,
    Timer,
    TimerKind,
    Withdrawal,
)
from leadlife.journey.state import Position, RuleStates, State
from leadlife.journey.view import JourneyView
from leadlife.journey.waiting import BrokenMove, WaitingMove, moves_horizon, next_move, waits_here
from leadlife.leads import SYSTEM, TIMER
from leadlife.qualification.room import ENDLESS, room_of
from leadlife.qualification.rule_index import (
    LATE,
    MID,
    IndexedRule,
    RuleIndex,
    horizon,
    programme_of,
)
from leadlife.qualification.rule_inputs import Input, MoveReads
from leadlife.timing import due, earliest

if TYPE_CHECKING:
    from leadlife.qualification.programmes import Programme

EARLY = "early"
_TICK = timedelta(microseconds=1)
_SEGMENTS = {LATE: "late", MID: "mid"}


def evaluate_rules(state: State, at: datetime, fact: Fact | None = None, *, refused: bool = False) -> None:
    """Evaluate what a fact, or time, could have changed, and take what follows from it.

    Args:
        state: Where the lead stands after the fact, or at the instant.
        at: The instant.
        fact: The fact.
        refused: Whether it was refused. A grant or withdrawal by hand that was refused says nothing; any other fact
            still counts as evidence.
    """
    position, rules = state.position, state.rules
    if rules is None or position is None:
        return
    concerned = None
    ready = (position.playbook.readiness is None) is (rules.readiness is None)
    if type(fact) is ActivityRecorded and ready and not rules.due:
        concerned, rules = concerned_rules(state, position, rules, at, fact.kind)
        if only_renews(state, position, rules, at, concerned):
            return
    evaluation = _Evaluation(state, position, rules, at=at, fact=fact, refused=refused, concerned=concerned)
    if evaluation.has_work():
        evaluation.run()
    elif evaluation.renewing:
        evaluation.renew()


def _granted_or_withdrawn(fact: Fact | None, states: Mapping[str, RuleState]) -> str | None:
    """Return the qualification that a fact itself grants or withdraws, by hand or as an import."""
    if isinstance(fact, QualificationGranted | QualificationWithdrawn):
        return fact.name
    if isinstance(fact, StageReached) and states.get(fact.stage, NEVER_HELD).fact == fact.id:
        return fact.stage
    return None


class _Answers(NamedTuple):
    """What the two criteria of a rule answer."""

    enter: bool | None
    leave: bool | None


class _Evaluation:
    """One evaluation, while it lasts.

    Once it runs, the states of the rules by name are a copy of its own, which the view reads and which is changed in
    place: copies of the lead's state are made before an evaluation and after it, never while it runs.
    """

    __slots__ = (
        "at",
        "changed",
        "confirmed",
        "fact",
        "index",
        "moves",
        "playbook",
        "position",
        "readiness",
        "reason",
        "renewing",
        "rules",
        "state",
        "states",
        "view",
        "waiting",
    )

    def __init__(
        self,
        state: State,
        position: Position,
        rules: RuleStates,
        *,
        at: datetime,
        fact: Fact | None,
        refused: bool,
        concerned: ConcernedRules | None,
    ) -> None:
        self.state = state
        self.position = position
        self.rules = rules
        self.at = at
        self.fact = fact
        self.playbook = position.playbook
        self.index: RuleIndex = self.playbook.rule_index
        self.states: dict[str, RuleState] = rules.by_name
        self.readiness: ReadinessState | None = rules.readiness
        self.reason: str | None = None
        """The criterion that changed readiness, in words."""
        silent = fact is None or (refused and isinstance(fact, QualificationGranted | QualificationWithdrawn))
        self.changed: set[Input] = set(() if fact is None or silent else fact.changes())
        """All inputs that have changed since the automatic moves were last tried."""
        if (self.playbook.readiness is None) is not (self.readiness is None):
            begins = ReadinessState(EARLY, at, self._fact_id, state.ordinal)
            self.readiness = None if self.playbook.readiness is None else begins
            self._write()
            self.changed.add(("readiness", ""))
        if rules.due is Due.BEGUN:
            self.changed.update(state.memory.inputs())
        if concerned is None:
            confirmed = self.index.confirmed(self.changed) | (0 if fact is None else self.index.any_fact)
            concerned = ConcernedRules(self.index.readers(self.changed) | confirmed, confirmed, 0, None)
        self.view: JourneyView = concerned.view or view_for_rules(state, at)
        self.waiting: int = concerned.waiting
        """The rules that are still to be evaluated."""
        self.confirmed: int = concerned.confirmed
        """The rules that the fact may confirm: what lets a lead in reads what the fact changed."""
        self.renewing: int = concerned.renewing
        """The rules whose answer stays, and which hold longer because the fact has confirmed them."""
        named = None if type(fact) is ActivityRecorded else _granted_or_withdrawn(fact, self.states)
        if named is not None and named in self.index.places:
            self.waiting |= 1 << self.index.places[named]
        self.moves: tuple[MoveReads, ...] = waits_here(position, self.index)
        """What the guards of the moves read that wait in the present stage."""

    def has_work(self) -> bool:
        """Return whether there is anything to evaluate; for most facts there is not."""
        rules, index = self.rules, self.index
        self.waiting |= index.always
        if self.position.moves > rules.moves:
            self.confirmed |= index.by_stage
        if rules.due:
            self.waiting |= index.moved if rules.due is Due.MOVED else index.every
            if rules.due is Due.BEGUN:
                # Nothing was known before: only rules that something is known about, or that need nothing, can be true.
                self.waiting &= self.confirmed | index.readers(self.changed) | index.moved | index.always | index.blank
        if rules.look_again is not None and rules.look_again <= self.at:
            for place, rule in enumerate(index.rules):
                rule_state = self.states.get(rule.name)
                if rule_state and (_is_past(rule_state.steady, self.at) or _is_past(rule_state.expires, self.at)):
                    self.waiting |= 1 << place
        return bool(self.waiting or rules.due or self._may_move())

    def _may_move(self) -> bool:
        if not self.moves:
            return False
        if self.rules.due or _is_past(self.rules.moves_steady.steady, self.at):
            return True
        return any(move.always or not self.changed.isdisjoint(move.reads) for move in self.moves)

    def renew(self) -> None:
        """Let the rules hold longer whose answer stays, and which the fact has confirmed."""
        self._renew()
        self.state.rules = self._timed(Due.NOTHING)

    def _renew(self) -> None:
        renewing = self.renewing & ~self.waiting  # what is evaluated all the same is renewed then
        self.states, _ = renewed_states(self.states, self.playbook, renewing, self.at)

    def run(self) -> None:
        """Evaluate, move, and again, until nothing moves."""
        self._renew()
        left = len(self.playbook.lifecycle.stages)
        move = self._evaluated()
        while move is not None and left:
            self._take(move)
            left -= 1
            move = self._evaluated()
        if move is not None:
            message = "the automatic moves do not come to rest: they chase one another"
            self._append(RuleChangeKind.ENDLESS_MOVES, self.position.stage, reason=message)
        # Moves that were cut off go on with the next fact.
        self.rules = self.state.rules = self._timed(Due.NOTHING if move is None else Due.MOVED)

    def _evaluated(self) -> WaitingMove | None:
        """Evaluate every rule that waits, and return the move to make then, if one waits that is legal."""
        self._write()
        self._evaluate_all()
        found = next_move(self.state, self.position, self.view, self.index) if self._may_move() else None
        if not isinstance(found, BrokenMove):
            return found
        if self.rules.broken != found:
            self._append(RuleChangeKind.FAILED, found.trigger, reason=found.message)
            self.rules = self.rules._replace(broken=found)
        return None

    def _write(self) -> None:
        """Let the state, which the view reads, have what was evaluated so far."""
        rules = self.rules
        if rules.by_name is not self.states or rules.readiness is not self.readiness:
            self.rules = rules._replace(by_name=self.states, readiness=self.readiness)
        self.state.rules = self.rules

    def _take(self, move: WaitingMove) -> None:
        """Make a move that waited, and note what is to be evaluated after it."""
        state, by = self.state, move.by or (TIMER if self.fact is None else SYSTEM)
        moves = self.position.moves
        self.rules = self.rules._replace(due=Due.NOTHING, broken=None)
        self._write()
        self.position = make_move(
            state,
            self.position,
            move.edge,
            at=self.at,
            fact=self.fact,
            by=by,
            reason=move.reason,
            automatic=move.by is None,
            ordered_by=move.ordered_by,
        )
        self.rules = self.rules if state.rules is None else state.rules
        if move.edge.target is None:
            # No visit has begun, so nothing has changed; but a move that comes after this one may be legal.
            self.rules = self.rules._replace(due=Due.MOVED)
        self.moves = waits_here(self.position, self.index)
        self.view = view_for_rules(state, self.at)
        self.changed = set()
        # What the fact confirms is true after it, whether before or after the moves that follow from it.
        self.confirmed |= self.index.by_stage if self.position.moves > moves else 0
        self.waiting |= self.index.moved if self.rules.due is Due.MOVED else self.index.every
        self.waiting |= self.index.always

    @property
    def _fact_id(self) -> str | None:
        return None if self.fact is None else self.fact.id

    # ------------------------------------------------------------------ rules

    def _evaluate_all(self) -> None:
        if self.rules.due:  # an adoption has everything evaluated
            self._forget_undeclared()
        for lowest, rule in self._next_rules(self.index.segments):
            self._evaluate(rule, confirmed=bool(self.confirmed & lowest))
        if self._readiness_changed():
            self._note_change(("readiness", ""), self.index.segments)
        for lowest, rule in self._next_rules(self.index.every):
            if self._evaluate(rule, confirmed=bool(self.confirmed & lowest)):
                self._note_change(("qualification", rule.name), (lowest << 1) - 1)

    def _next_rules(self, among: int) -> Iterator[tuple[int, IndexedRule]]:
        """Yield the rules that wait, in their order; evaluating one may add others after it."""
        while self.waiting & among:
            lowest, rule = self.index.first(self.waiting & among)
            self.waiting ^= lowest
            yield lowest, rule

    def _note_change(self, changed: Input, evaluated: int) -> None:
        """Let the rules wait that read what a rule has changed, unless they were evaluated before it."""
        self.changed.add(changed)
        self.waiting |= self.index.readers((changed,)) & ~evaluated

    def _forget_undeclared(self) -> None:
        """Let go of what an adopted playbook does not declare any more."""
        for name in [name for name in self.states if name not in self.index.places]:
            programme, known = programme_of(name), self.states[name]
            if programme is not None:
                # That the lead once took part is kept, for the day on which the programme is declared again.
                if known.held:
                    self._append(RuleChangeKind.LEFT, programme, reason=Withdrawal.UNDECLARED)
                    self.states[name] = known.left(self.at)
                continue
            if known.held and name not in _SEGMENTS:
                self._append(RuleChangeKind.WITHDRAWN, name, reason=Withdrawal.UNDECLARED)
            del self.states[name]

    def _evaluate(self, rule: IndexedRule, *, confirmed: bool) -> bool:
        """Evaluate a rule, and return whether what is held has changed."""
        before = self.states.get(rule.name, NEVER_HELD)
        after, withdrawal = self._released(rule, before)
        criterion: Criterion | None = None
        try:
            after, withdrawal, criterion = self._decided(rule, after, withdrawal, confirmed=confirmed)
        except GuardError as error:
            if after.failed != error.message:
                name = _SEGMENTS.get(rule.name) or programme_of(rule.name) or rule.name
                self._append(RuleChangeKind.FAILED, name, reason=error.message)
            ahead = horizon((*rule.enters, *rule.leaves), self.view)
            # What custom code does later is not known, so it is asked again at each review.
            after = after._replace(
                failed=error.message, steady=self.view.aged, exact=ahead.exact, fading=self.view.aged, room=0
            )
        if after is not before or rule.name not in self.states:
            self.states[rule.name] = after
        return self._report(rule, before, after, withdrawal, criterion)

    def _released(self, rule: IndexedRule, known: RuleState) -> tuple[RuleState, Withdrawal | None]:
        """Return what is left of a rule that has lapsed, or that a win or a recycling ended, and why."""
        if rule.programme is not None:
            return (known.left(self.at), Withdrawal.LAPSED) if known.is_over(self.at) else (known, None)
        if known.held and known.is_over(self.at):
            by_stage = self.index.by_stage >> self.index.places[rule.name] & 1
            moves = None if self.index.reads_only_state(rule.name) and not by_stage else self.position.moves
            return known.barred_from(self.state.ordinal, moves), Withdrawal.LAPSED
        if known.held and rule.qualifies and known.moves < self.position.cut_moves:
            return known.released(), Withdrawal.STARTS_AFRESH
        return known, None

    def _decided(
        self, rule: IndexedRule, known: RuleState, withdrawal: Withdrawal | None, *, confirmed: bool
    ) -> tuple[RuleState, Withdrawal | None, Criterion | None]:
        """Return where the rule stands by its criteria, why it was withdrawn, and the criterion that decided."""
        answers, criterion = self._answers(rule), None
        if (known.overruled or known.barred_moves) and answers.enter is not True:
            known = known._replace(overruled=False, barred_moves=0)
        if known.held:
            withdrawal, criterion = self._withdrawn(rule, known, answers)
            if withdrawal is None:
                known = (
                    renewed_rule(rule, known, self.at, self.playbook.zone_info)
                    if confirmed and answers.enter is True
                    else known
                )
            else:
                known = known.released() if rule.programme is None else known.left(self.at)
        elif answers.enter is True and answers.leave is not True and self._is_fresh(rule, known):
            known, criterion = self._granted(rule, known), rule.definition.enter
        ahead = horizon(_decisive(rule, known, answers), self.view)
        steady, exact = ahead.steady, ahead.exact
        again = None if rule.programme is None else self._reentry_at(rule.programme, known)
        if again is not None and again > self.at:
            steady, exact = earliest((steady, again)), earliest((exact, again))
        room = self._room(rule, known, answers)
        return known.awaiting(steady, exact, ahead.fading, room), withdrawal, criterion

    def _room(self, rule: IndexedRule, known: RuleState, answers: _Answers) -> int:
        """Return up to which sum of points offered by activities the rule stays as it is, as long as time allows.

        Points that are not negative only fade. So a score that is above a threshold stays there until time takes it
        down, whatever is added; and one below it stays there as long as no more is added than is missing.
        """
        if not rule.rises or self.position.scores_cut:
            return 0
        definition = rule.definition
        decides = definition.enter
        if known.held and definition.leave is not None:
            decides = definition.leave
        elif known.held and (definition.lasting or known.by is not None):
            decides = None
        if known.held and decides is not definition.enter:
            # What time changes is looked at for what decides alone; how long it holds would hang on ``enter``.
            sure = definition.valid_for is None
        else:
            sure = known.held is (answers.enter is True)
        room = room_of(decides, self.view) if sure else 0
        return min(self.state.memory.offered(rule.rises) + room, ENDLESS) if room else 0

    def _withdrawn(
        self, rule: IndexedRule, known: RuleState, answers: _Answers
    ) -> tuple[Withdrawal | None, Criterion | None]:
        """Return why what is held must be withdrawn, and the criterion that says so; nothing if it stays."""
        withdrawal, criterion = _withdrawn_by_criteria(rule, known, answers)
        if rule.programme is None or withdrawal is not Withdrawal.LEFT:
            return withdrawal, criterion
        goal = rule.programme.goal
        if goal is not None and goal.predicate(self.view) is True:
            return Withdrawal.GOAL, goal
        return Withdrawal.EXIT, rule.programme.exit

    def _reentry_at(self, programme: Programme, known: RuleState) -> datetime | None:
        """Return from when a lead may enter a programme again; None where time alone does not decide it."""
        reentry = programme.reentry
        if known.held or known.ended is None or isinstance(reentry, str):
            return None
        return due(known.ended, reentry, self.playbook.zone_info)

    def _may_enter(self, programme: Programme, known: RuleState) -> bool:
        """Return whether a lead may take part in a programme, for the first time or again."""
        if known.cycle is None:
            return True
        again = self._reentry_at(programme, known)
        if again is not None:
            return again <= self.at
        return programme.reentry == "per_cycle" and len(self.position.episodes.cycles) > known.cycle

    def _answers(self, rule: IndexedRule) -> _Answers:
        enter, leave = rule.definition.enter, rule.definition.leave
        return _Answers(
            None if enter is None else enter.predicate(self.view),
            None if leave is None else leave.predicate(self.view),
        )

    def _is_fresh(self, rule: IndexedRule, known: RuleState) -> bool:
        """Return whether what confirms the rule is newer than the last win, recycling, lapse or withdrawal.

        It is worked out from what is known, for what the rule in force reads. A rule on the lead's state alone is
        confirmed by moves, which no win and no recycling cuts off.
        """
        if rule.programme is not None:
            return self._may_enter(rule.programme, known)
        if self.index.reads_only_state(rule.name):
            return not known.overruled and self.position.moves > known.barred_moves
        since = max(self.position.cut if rule.qualifies else 0, known.barred)
        return since == 0 or self._newest_evidence(rule) > since

    def _newest_evidence(self, rule: IndexedRule) -> int:
        inputs = self.index.evidence[rule.name]
        if inputs is None:
            return self.state.ordinal  # custom code may read any fact
        others = (self.states.get(name, NEVER_HELD) for topic, name in inputs if topic == "qualification")
        return max([self.state.memory.newest(inputs), *(other.by_hand for other in others)])

    def _granted(self, rule: IndexedRule, known: RuleState) -> RuleState:
        definition, verdict = rule.definition, None
        if rule.qualifies and definition.enter is not None:
            # The brief view sums scores up; the verdict that is kept shows their lines.
            verdict = definition.enter.verdict(JourneyView(self.state, self.at, for_rules=True))
        return known._replace(
            held=True,
            since=self.at,
            ordinal=self.state.ordinal,
            moves=self.position.moves,
            expires=end_of_validity(rule, self.at, self.playbook.zone_info),
            by=None,
            fact=self._fact_id,
            evidence=() if verdict is None else tuple(fact for fact in verdict.facts if fact),
            verdict=verdict,
            playbook=self.playbook.ref,
            cycle=len(self.position.episodes.cycles) if rule.programme is not None else None,
            ended=None,
        )

    def _report(
        self,
        rule: IndexedRule,
        before: RuleState,
        after: RuleState,
        withdrawal: Withdrawal | None,
        criterion: Criterion | None,
    ) -> bool:
        """Add to the history what has changed, and return whether anything has."""
        sentence = None if criterion is None else criterion.sentence()
        if rule.programme is not None:
            name = rule.programme.name
            if before.held and (not after.held or after.since != before.since):
                ended = sentence if withdrawal is not Withdrawal.LAPSED else None
                self._append(RuleChangeKind.LEFT, name, reason=withdrawal, criterion=ended)
            if after.held and (not before.held or after.since != before.since):
                self._append(RuleChangeKind.ENTERED, name, criterion=sentence, expires=after.expires)
            return False  # no criterion reads it
        if not rule.qualifies:
            if self.reason is None and sentence is not None:
                self.reason = f"not {sentence}" if withdrawal is Withdrawal.NOT_SO else sentence
            return before.held is not after.held
        # Withdrawn and granted again by one fact: both are reported.
        if before.held and (not after.held or after.since != before.since):
            lost = sentence if withdrawal in (Withdrawal.LEFT, Withdrawal.NOT_SO) else None
            self._append(RuleChangeKind.WITHDRAWN, rule.name, reason=withdrawal, criterion=lost)
        if after.held and (not before.held or after.since != before.since):
            self._append(
                RuleChangeKind.GRANTED, rule.name, criterion=sentence, expires=after.expires, evidence=after.evidence
            )
        return before.held is not after.held or before.since != after.since

    def _readiness_changed(self) -> bool:
        """Work out the lead's readiness anew, and return whether it has changed."""
        held = (segment for name, segment in _SEGMENTS.items() if self.states.get(name, NEVER_HELD).held)
        segment = next(held, EARLY)
        if self.readiness is None or self.readiness.segment == segment:
            return False
        self.readiness = ReadinessState(segment, self.at, self._fact_id, self.state.ordinal)
        self._write()
        self._append(RuleChangeKind.READINESS, segment, criterion=self.reason)
        return True

    def _append(
        self,
        kind: RuleChangeKind,
        name: str,
        *,
        reason: str | None = None,
        criterion: str | None = None,
        expires: datetime | None = None,
        evidence: tuple[str, ...] = (),
    ) -> None:
        self.state.append(
            RuleChange(
                at=self.at,
                kind=kind,
                name=name,
                fact=self._fact_id,
                by=TIMER if self.fact is None else SYSTEM,
                derived=True,
                playbook=self.playbook.ref,
                reason=reason,
                criterion=criterion,
                expires=expires,
                evidence=evidence,
            )
        )

    # ------------------------------------------------------------------ when time alone changes something

    def _timed(self, due: Due) -> RuleStates:
        """Return where the rules stand after the evaluation, and when time alone changes something."""
        exact: list[tuple[datetime, str, str]] = []
        fading: list[tuple[datetime, str, str]] = []
        look_again = LATEST
        for name, known in self.states.items():
            if known.expires is not None:
                exact.append((known.expires, "{} lapses", name))
                look_again = min(look_again, known.expires)
            if known.steady is None:
                continue
            look_again = min(look_again, known.steady)
            if known.exact is not None:
                exact.append((known.exact, "the criteria of {} may change", name))
            if known.fading is not None:
                fading.append((known.fading, "a review may change {}", name))
        ahead = moves_horizon(self.position, self.view, self.moves)
        if ahead.exact is not None:
            exact.append((ahead.exact, "a move that waits may become possible", ""))
        if ahead.fading is not None:
            fading.append((ahead.fading, "a review may change whether a move that waits is possible", ""))
        look_again = look_again if ahead.steady is None else min(look_again, ahead.steady)
        again = look_again if look_again < LATEST else None
        timer, moves = self._next_timer(exact, fading), self.position.moves
        return RuleStates(self.states, self.readiness, due, ahead, again, timer, moves, self.rules.broken)

    def _next_timer(
        self, exact: list[tuple[datetime, str, str]], fading: list[tuple[datetime, str, str]]
    ) -> Timer | None:
        timer = _first_timer(exact, TimerKind.EXACT) if exact else None
        if not fading:
            return timer
        gone = _first_timer(fading, TimerKind.GRID)
        review = Timer(self.view.next_review(gone.at), gone.kind, gone.why)
        return review if timer is None else min(timer, review)


def _first_timer(found: list[tuple[datetime, str, str]], kind: TimerKind) -> Timer:
    """Return the first of some timers, each given by its instant, what it is about and the name of the rule.

    Words are made for those of the first instant only.
    """
    if len(found) == 1:
        at, about, name = found[0]
        return Timer(at, kind, about.format(_label(name)))
    first = min(found)[0]
    return min(Timer(at, kind, about.format(_label(name))) for at, about, name in found if at == first)


def _label(name: str) -> str:
    return "readiness" if name in _SEGMENTS else programme_of(name) or name


def _withdrawn_by_criteria(
    rule: IndexedRule, known: RuleState, answers: _Answers
) -> tuple[Withdrawal | None, Criterion | None]:
    """Return why what is held must be withdrawn, and the criterion that says so; nothing if it stays."""
    definition = rule.definition
    if definition.leave is not None:
        return (Withdrawal.LEFT, definition.leave) if answers.leave is True else (None, None)
    lasts = definition.lasting or known.by is not None or definition.enter is None
    return (None, None) if lasts or answers.enter is True else (Withdrawal.NOT_SO, definition.enter)


def _decisive(rule: IndexedRule, known: RuleState, answers: _Answers) -> tuple[Criterion, ...]:
    """Return the leaves of criteria that decide whether time alone will change what is held."""
    if not known.held:
        return (*rule.enters, *rule.leaves) if answers.enter is True else rule.enters
    if rule.definition.leave is not None:
        return rule.leaves
    return () if rule.definition.lasting or known.by is not None else rule.enters


def _is_past(instant: datetime | None, at: datetime) -> bool:
    return instant is not None and instant <= at
