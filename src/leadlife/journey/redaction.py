"""Redaction: a journey stays where it stands, with the same history, while its facts lose what was personal in them."""

from __future__ import annotations

from collections.abc import Iterable

from leadlife._base.arguments import listed_of
from leadlife.errors import Malformed
from leadlife.facts import Fact
from leadlife.journey.data import JourneyData, effective_and_planned
from leadlife.journey.log import FactLog, observed_facts
from leadlife.journey.memory import oldest_first, persistent_list
from leadlife.journey.records import HistoryEntry, RuleChange
from leadlife.journey.state import NOTHING_KNOWN


def redacted(data: JourneyData, facts: Iterable[Fact]) -> JourneyData:
    """Return a journey with the same history, whose facts are replaced by others with the same ids.

    Raises:
        Malformed: The facts are not those of the journey, one for one.
        NeedsWholeLog: The log is a tail.
    """
    log = FactLog.of(observed_facts(listed_of("facts", facts, Fact)))
    if list(map(_stamps, log.facts)) != list(map(_stamps, data.facts)):
        hint = "replace each fact by one of the same type, with the same stamps and the same instant"
        raise Malformed("these are not the facts of the journey", hint=hint)
    effective, planned = effective_and_planned(log)
    state, memory = data.folded.copy(), NOTHING_KNOWN
    for ordinal, fact in enumerate(effective, start=1):
        memory = memory.learn(fact, ordinal)
    state.memory = memory
    state.history = persistent_list(map(_without_words, oldest_first(state.history)))
    state.checkpoints = None  # they hold what was known before
    empty = JourneyData.empty(data.lead_id, data.pipeline, data.registry)
    return empty.grown(log, state, planned)


def _stamps(fact: Fact) -> tuple[object, ...]:
    """Return what a redaction leaves as it is. A key may be personal, so it may become another text."""
    at = fact.at, fact.recorded_at
    return (fact.type, fact.id, fact.lead, fact.pipeline, fact.seq, *at, fact.merged_from)


def _without_words(entry: HistoryEntry) -> HistoryEntry:
    """Return an entry of the history without what a person wrote in own words."""
    return entry._replace(reason=None) if isinstance(entry, RuleChange) and not entry.derived else entry
