"""What became of facts: the log with the status of each fact, the receipt, and what is new since an earlier version."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from operator import attrgetter, is_

from leadlife.errors import Malformed
from leadlife.facts import LOG_ACTS, Fact, Retracted
from leadlife.journey.answers import Receipt
from leadlife.journey.data import JourneyData, state_at
from leadlife.journey.history import derived_facts, entries_shared, new_facts
from leadlife.journey.log import LogEntry
from leadlife.journey.memory import newest_first
from leadlife.journey.past import KnownFact
from leadlife.journey.records import FactOutcome, FactStatus, Step
from leadlife.journey.state import State, outcomes_of
from leadlife.journey.waiting import pending_moves
from leadlife.lifecycle.transitions import FIRING

_COUNTING = (FactStatus.STANDS, FactStatus.PENDING, FactStatus.REDUNDANT, FactStatus.UNMATCHED)


def log_entries(data: JourneyData) -> tuple[LogEntry, ...]:
    """Return every observed fact and what became of it.

    Raises:
        NeedsWholeLog: The log is a tail.
    """
    if data.log.past is not None:
        raise data.log.past.needed()
    outcomes: dict[str, FactOutcome] = {one.fact: one for one in outcomes_of(data.shown) if one.fact is not None}
    ordered = _orders(data)
    return tuple(
        _entry(data, fact, status, outcomes.get(fact.id), ordered)
        for fact, status in data.log.with_status()
        if data.shows(fact)
    )


def standing(data: JourneyData) -> tuple[Fact, ...]:
    """Return the observed facts that count."""
    return tuple(one.fact for one in log_entries(data) if _counts(one))


def _counts(entry: LogEntry) -> bool:
    if entry.status is FactStatus.REFUSED:
        return entry.fact.type in FIRING  # only the move that it would have fired was refused
    return entry.status in _COUNTING


def _orders(data: JourneyData) -> dict[str, FactStatus]:
    """Return what became of the facts that ordered a move before it was legal: it was made, or it still pends."""
    steps = (entry for entry in newest_first(data.shown.history) if isinstance(entry, Step))
    made = {step.ordered_by: FactStatus.STANDS for step in steps if step.ordered_by is not None}
    return {**made, **{one.fact: FactStatus.PENDING for one in pending_moves(data.shown.position)}}


def _entry(
    data: JourneyData, fact: Fact, status: FactStatus, outcome: FactOutcome | None, ordered: dict[str, FactStatus]
) -> LogEntry:
    if status is not FactStatus.STANDS:
        return LogEntry(fact, status)
    if isinstance(fact, Retracted) and not data.log.has_target(fact):
        return LogEntry(fact, FactStatus.UNMATCHED)
    if outcome is None:
        shown = data.shown.at
        waits = shown is not None and fact.at > shown and not isinstance(fact, LOG_ACTS)
        return LogEntry(fact, FactStatus.PLANNED if waits else status)
    became = ordered.get(fact.id, outcome.status)
    return LogEntry(fact, became, () if became is FactStatus.STANDS else outcome.refusals)


def receipt(data: JourneyData) -> Receipt:
    """Return what became of the fact that was recorded last."""
    last = data.log.last
    if last is None and data.known is None and data.log.past is not None:
        raise data.log.past.needed()
    if last is not None and not data.shows(last):
        last = next(iter(data.tail[-1:]), None)
    fact = data.known or last
    if fact is None:
        raise Malformed("nothing has been recorded yet", hint="read the receipt after record, or after a verb")
    outcome = next((one for one in outcomes_of(data.shown) if one.fact == fact.id), None)
    entry = _entry(data, fact, data.log.status_of(fact), outcome, _orders(data))
    return Receipt(fact=fact, status=entry.status, new=data.known is None, refusals=entry.refusals)


def derived(data: JourneyData, state: State | None = None, *, after: int = 0) -> tuple[Fact, ...]:
    """Return the playbook's own conclusions, each naming its cause; those of the first so many entries are left out."""
    before = () if data.log.past is None else data.log.past.facts
    recorded = {known.id: known.recorded_at for known in before}
    recorded |= {fact.id: fact.recorded_at for fact, status in data.log.with_status() if status is FactStatus.STANDS}
    return derived_facts(state or data.shown, recorded, data.lead_id, data.pipeline, after=after)


def facts_since(data: JourneyData, earlier: JourneyData, live_since: datetime | None = None) -> tuple[Fact, ...]:
    """Return the facts that are new since an earlier version: observed ones as recorded, then derived ones."""
    _same_journey(data, earlier)
    new = (*_observed_since(data, earlier), *_derived_since(data, earlier))
    if live_since is None:
        return new
    causes = {fact.id: fact for fact in (*data.tail, *derived(data))}
    return tuple(fact for fact in new if fact.at >= live_since and not _follows_an_import(fact, causes))


def _observed_since(data: JourneyData, earlier: JourneyData) -> tuple[Fact, ...]:
    if goes_on_from(data, earlier):
        new = data.log.count - earlier.log.count
        return data.tail[len(data.tail) - new :]
    before = {} if earlier.log.past is None else earlier.log.past.by_id
    return tuple(fact for fact in new_facts(data.tail, earlier.tail) if fact.id not in before)


def _derived_since(data: JourneyData, earlier: JourneyData) -> tuple[Fact, ...]:
    shared = entries_shared(data.shown, earlier.shown)
    if shared is not None:  # most journeys only grow, so what was derived before need not be made to be compared
        return derived(data, after=shared)
    return new_facts(derived(data), derived(earlier))


def _follows_an_import(fact: Fact, causes: Mapping[str, Fact]) -> bool:
    """Return whether an importer recorded a fact, or the fact from which it follows at the same instant."""
    first = fact
    while first.caused_by is not None and first.caused_by in causes and causes[first.caused_by].at == fact.at:
        first = causes[first.caused_by]
    return first.imported


def withdrawn_since(data: JourneyData, earlier: JourneyData) -> tuple[Fact, ...]:
    """Return the derived facts of an earlier version that no longer hold."""
    _same_journey(data, earlier)
    state, then = data.shown, earlier.shown.at
    if entries_shared(state, earlier.shown) is not None:
        return ()
    if then is not None and (state.at is None or then > state.at):
        state = state_at(data, then)
    return new_facts(derived(earlier), derived(data, state))


def goes_on_from(data: JourneyData, earlier: JourneyData) -> bool:
    """Return whether the log of a journey is that of an earlier version, or a continuation of it."""
    count = earlier.log.count
    if data.owner != earlier.owner or data.log.count < count or not _is_whole(data) or not _is_whole(earlier):
        return False
    if data.log.past is earlier.log.past and all(map(is_, data.tail, earlier.tail)):
        return True  # grown from it in this process, as most are
    return _known(data)[:count] == _known(earlier)


def _is_whole(data: JourneyData) -> bool:
    """Return whether nothing is hidden, and no other playbook stands in."""
    return data.horizon is None and data.registry.override is None


def _known(data: JourneyData) -> list[KnownFact]:
    """Return what tells the facts of a journey apart, those before a tail included, in recorded order."""
    before = () if data.log.past is None else data.log.past.facts
    return sorted((*before, *map(KnownFact.of, data.tail)), key=attrgetter("seq"))


def _same_journey(data: JourneyData, earlier: JourneyData) -> None:
    if data.owner != earlier.owner:
        raise Malformed(
            f"the other journey is that of {earlier.lead_id!r} in {earlier.pipeline!r}",
            hint="pass an earlier version of this journey",
        )


def was_refused(data: JourneyData) -> bool:
    """Return whether the playbook refused any fact or timer so far."""
    return any(outcome.refusals for outcome in outcomes_of(data.shown))
