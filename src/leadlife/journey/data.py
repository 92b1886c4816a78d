"""What a journey holds. The functions of this package take it and return another; :class:`Journey` is their face."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from leadlife.facts import Fact, Retracted
from leadlife.journey.fold import fold
from leadlife.journey.log import FactLog
from leadlife.journey.state import State
from leadlife.journey.timers import pass_time
from leadlife.playbook.playbook import Playbook
from leadlife.playbook.registry import PlaybookRegistry


class JourneyData(NamedTuple):
    """One lead in one pipeline.

    Attributes:
        lead_id: Whose journey it is.
        pipeline: In which pipeline.
        registry: The playbooks at hand.
        log: The facts.
        folded: Where the lead stands after the last fact.
        shown: Where the lead stands at the instant that was asked for.
        horizon: Facts after this instant are hidden; None where none are.
        known: The fact already known, where the last one recorded was not new.
    """

    lead_id: str
    pipeline: str
    registry: PlaybookRegistry
    log: FactLog
    folded: State
    shown: State
    horizon: datetime | None = None
    known: Fact | None = None

    def shows(self, fact: Fact) -> bool:
        """Return whether a fact is seen; a retraction is, whatever its own instant."""
        return self.horizon is None or fact.at <= self.horizon or isinstance(fact, Retracted)

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The facts that are seen, in the order in which they were recorded."""
        return tuple(self.log.facts if self.horizon is None else filter(self.shows, self.log.facts))

    @property
    def playbook(self) -> Playbook:
        """The playbook in force; before the start, the one that it will begin under."""
        position = self.shown.position
        return position.playbook if position is not None else self.registry.override or self.registry.first

    def in_order(self, fact: Fact) -> bool:
        """Return whether a fact is not earlier than the last one."""
        return self.folded.at is None or fact.at >= self.folded.at

    def state_at(self, at: datetime) -> State:
        """Return where the lead stands at an instant, whether it lies before or after the last fact."""
        if self.folded.at is None or at >= self.folded.at:
            state = self.folded.copy()
            pass_time(state, at)
            return state
        return fold(self.log.in_fold_order(until=at), self.registry, until=at)

    def growable(self) -> JourneyData:
        """Return the journey without a horizon: only what is seen, as a log that can grow."""
        if self.horizon is None:
            return self
        kept: list[Fact] = []
        for fact in self.facts:
            winner = self.log.find(fact.key)
            # A fact that came second under its key does not take the place of one that is hidden here.
            if winner is fact or winner is None or self.shows(winner):
                kept.append(fact)
        return self._replace(log=self.log.keeping(kept), shown=self.folded, horizon=None, known=None)


def folded_anew(
    data: JourneyData, log: FactLog, *, registry: PlaybookRegistry | None = None, begin: State | None = None
) -> JourneyData:
    """Return a journey of a whole log.

    Args:
        data: Whose journey it is.
        log: The facts.
        registry: The playbooks, where they are others than before.
        begin: Where the lead stands after the whole log, if that is known.
    """
    registry = registry or data.registry
    state = begin or fold(log.in_fold_order(), registry)
    return JourneyData(data.lead_id, data.pipeline, registry, log, state, state)
