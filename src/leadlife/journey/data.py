"""What a journey holds: its log, and where the lead stands by it, now and at other instants."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from leadlife.facts import LOG_ACTS, Fact, Merged, Retracted, Unmerged, sized
from leadlife.journey.fold import apply, fold
from leadlife.journey.log import FactLog, fold_order
from leadlife.journey.state import State
from leadlife.journey.timers import pass_time
from leadlife.playbook.playbook import Playbook
from leadlife.playbook.registry import PlaybookRegistry


class JourneyData(NamedTuple):
    """One lead in one pipeline.

    Attributes:
        lead_id: Whose journey it is.
        pipeline: In which pipeline.
        owner: The lead and the pipeline as they go into the id of a fact.
        registry: The playbooks at hand.
        log: The facts.
        folded: Where the lead stands after the last fact that has taken effect.
        showing: Where the lead stands at the instant that was asked for, or what works that out.
        planned: The facts that have not taken effect yet, in fold order: they are dated after the present.
        horizon: Facts after this instant are hidden; None where none are.
        known: The fact already known, where the last one recorded was not new.
    """

    lead_id: str
    pipeline: str
    owner: bytes
    registry: PlaybookRegistry
    log: FactLog
    folded: State
    showing: State | Passing
    planned: tuple[Fact, ...] = ()
    horizon: datetime | None = None
    known: Fact | None = None

    @classmethod
    def empty(cls, lead_id: str, pipeline: str, registry: PlaybookRegistry) -> JourneyData:
        """Return a journey before any fact."""
        state = State()
        return cls(lead_id, pipeline, sized(lead_id) + sized(pipeline), registry, FactLog(), state, state)

    def grown(self, log: FactLog, state: State, planned: tuple[Fact, ...] = ()) -> JourneyData:
        """Return the journey with another log, and where the lead stands after what has taken effect of it."""
        present = log.recorded_at
        showing: State | Passing = state
        if present is not None and present != state.at:
            showing = Passing(state, present)
        return JourneyData(self.lead_id, self.pipeline, self.owner, self.registry, log, state, showing, planned)

    @property
    def shown(self) -> State:
        """Where the lead stands at the instant that was asked for; by default the present."""
        showing = self.showing
        return showing.state if isinstance(showing, Passing) else showing

    @property
    def present(self) -> datetime | None:
        """When the latest fact became known; what is dated after it is planned. None before the first fact."""
        return self.log.recorded_at

    def shows(self, fact: Fact) -> bool:
        """Return whether a fact is seen; what acts on the log is, whatever its own instant.

        A fact that came second under its key is hidden with the first one, whose place it would take.
        """
        if self.horizon is None:
            return True
        first = self.log.find(fact.key)
        return self._precedes_horizon(fact) and (first is None or self._precedes_horizon(first))

    def _precedes_horizon(self, fact: Fact) -> bool:
        return self.horizon is None or fact.at <= self.horizon or isinstance(fact, LOG_ACTS)

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The facts that are seen, in the order in which they were recorded.

        Raises:
            NeedsWholeLog: The log is a tail.
        """
        if self.log.past is not None:
            raise self.log.past.needed()
        return self.tail

    @property
    def tail(self) -> tuple[Fact, ...]:
        """The facts that are seen; of a tail, those that came after its snapshot."""
        return tuple(self.log.facts if self.horizon is None else filter(self.shows, self.log.facts))

    @property
    def identity(self) -> tuple[Any, ...]:
        """The facts that are seen, and of those before a tail what is kept of them."""
        return (() if self.log.past is None else self.log.past.facts, self.tail)

    @property
    def playbook(self) -> Playbook:
        """The playbook in force; before the start, the one that it will begin under."""
        return self.playbook_of(self.shown)

    def playbook_of(self, state: State) -> Playbook:
        """Return the playbook in force in a state; before the start, the one that the journey will begin under."""
        return self.registry.override or self.registry.first if state.position is None else state.position.playbook

    def in_order(self, fact: Fact) -> bool:
        """Return whether a new fact is folded after every one that has taken effect."""
        last = self.folded.at
        if last is None or fact.at > last:
            return True
        return fact.at == last and (not self.log.has_merges or self._comes_last(fact))

    def _comes_last(self, fact: Fact) -> bool:
        """Return whether a fact of the last instant is folded last: the leads of a merged person take turns there."""
        # The order of the fold without the id, which only tells facts of one number apart.
        place, past = (fact.at, self.lead_id, self.log.next_seq), self.log.past
        if past is not None and past.order[:3] > place:
            raise past.needed()
        return all(fold_order(one)[:3] <= place for one in self.log.facts if one.at == fact.at)


class Passing:
    """A state to which time is added when it is first asked for, because most callers record on without asking."""

    __slots__ = ("_begin", "_passed", "until")

    def __init__(self, begin: State, until: datetime) -> None:
        self._begin = begin
        self._passed: State | None = None
        self.until: datetime = until

    @property
    def state(self) -> State:
        """Where the lead stands at the instant."""
        if self._passed is None:
            passed = self._begin.copy()
            pass_time(passed, self.until)
            self._passed = passed
        return self._passed


def state_at(data: JourneyData, at: datetime) -> State:
    """Return where the lead stands at an instant: facts that are planned until then have taken effect."""
    if data.folded.at is None or at >= data.folded.at:
        state = data.folded.copy()
        for fact in data.planned:
            if fact.at <= at:
                apply(state, fact, data.registry)
        pass_time(state, at)
        return state
    return folded(data.log, data.log.in_fold_order(until=at), data.registry, until=at)


def state_before(data: JourneyData, at: datetime) -> State:
    """Return where the lead stands when a fact that is recorded now is folded at an instant."""
    if not data.log.has_merges or (data.folded.at is not None and at > data.folded.at):
        return state_at(data, at)
    place, past = (at, data.lead_id, data.log.next_seq), data.log.past
    if past is not None and past.order[:3] > place:
        raise past.needed()
    before = [fact for fact in data.log.in_fold_order(until=at) if fold_order(fact)[:3] <= place]
    return folded(data.log, before, data.registry, until=at)


def folded(log: FactLog, facts: list[Fact], registry: PlaybookRegistry, *, until: datetime | None = None) -> State:
    """Return where a lead stands after facts of a log, from the beginning, or from where its tail goes on.

    Raises:
        NeedsWholeLog: The log is a tail, and a fact or the instant lies before it.
    """
    past = log.past
    if past is None:
        return fold(facts, registry, until=until)
    early = bool(facts) and fold_order(facts[0]) <= past.order
    undone = any(
        isinstance(fact, Merged | Unmerged) or (isinstance(fact, Retracted) and past.has(fact.target))
        for fact in log.facts
    )
    if early or undone or (until is not None and until < past.order[0]):
        raise past.needed()
    return fold(facts, registry, until=until, begin=past.begin)


def folded_anew(
    data: JourneyData, log: FactLog, *, registry: PlaybookRegistry | None = None, begin: State | None = None
) -> JourneyData:
    """Return a journey of a whole log.

    Args:
        data: Whose journey it is.
        log: The facts.
        registry: The playbooks, where they are others than before.
        begin: Where the lead stands after all facts that have taken effect, if that is known.
    """
    data = data._replace(registry=registry or data.registry)
    facts, planned = effective_and_planned(log)
    return data.grown(log, begin or folded(log, facts, data.registry), planned)


def effective_and_planned(log: FactLog) -> tuple[list[Fact], tuple[Fact, ...]]:
    """Return the facts of a log that have taken effect, and those that are dated after its present, in fold order."""
    facts, present = log.in_fold_order(), log.recorded_at
    effective = len(facts)
    while effective and present is not None and facts[effective - 1].at > present:
        effective -= 1
    return facts[:effective], tuple(facts[effective:])


def growable(data: JourneyData) -> JourneyData:
    """Return the journey without a horizon: only what is seen, as a log that can grow."""
    if data.horizon is None:
        return data
    log = data.log.keeping(data.tail)
    return folded_anew(data, log, begin=None if effective_and_planned(log)[1] else data.folded)
