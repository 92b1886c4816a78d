"""Recording: how a journey grows. Verbs and recorded facts take one path into the fold; verbs raise what it refuses.

This file passes 400 lines, because one fact and many take the same path and are read together.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from leadlife.errors import Fault, Malformed, Refusal, article, did_you_mean
from leadlife.facts import (
    DERIVED,
    FACT_TYPES,
    LOG_ACTS,
    Fact,
    Merged,
    Moved,
    PlaybookAdopted,
    Retracted,
    Started,
    TouchFailed,
    TouchSent,
    Unmerged,
    content_id,
)
from leadlife.journey.data import JourneyData, Passing, folded, folded_anew, growable, state_at, state_before
from leadlife.journey.fold import apply, fold
from leadlife.journey.log import FactLog, fold_order
from leadlife.journey.queries import option
from leadlife.journey.records import FactStatus
from leadlife.journey.state import outcomes_of
from leadlife.playbook.playbook import Playbook
from leadlife.timing import instant

F = TypeVar("F", bound=Fact)

FURTHEST = timedelta(days=5 * 365)
"""A fact dated further ahead of the clock than this must be said to be planned: more often, a year is mistyped."""
SKEW = timedelta(minutes=5)
"""How far two clocks may be apart: a verb's own instant may lie so much after ``now``."""


class Clock(NamedTuple):
    """What the caller says about when a fact is recorded; see :meth:`Journey.record`.

    Attributes:
        now: The clock of whoever records; None where nobody gives one.
        planned: Whether the fact may lie far ahead.
        verb: Whether it is a verb, which happens now: it is never planned.
    """

    now: datetime | None = None
    planned: bool = False
    verb: bool = False


VERB = Clock(verb=True)
"""A verb without a clock, as most are."""


def verb(now: datetime | None) -> Clock:
    """Return the clock of a verb."""
    return VERB if now is None else Clock(now, verb=True)


def record(data: JourneyData, fact: Fact, clock: Clock) -> JourneyData:
    """Return the journey with one more fact.

    Args:
        data: The journey.
        fact: What happened.
        clock: When it becomes known. For a verb, a refusal is raised, and nothing added; otherwise the fact is kept and
            marked.

    Raises:
        Malformed: The fact cannot be understood, or uses a name that the playbook does not declare.
        MoveRefused: The fact is refused, and it is a verb.
    """
    asked, data = data, growable(data)
    _checked(data, fact)
    stamped, known, taken = _stamped(data, fact, clock)
    if known is not None:
        return asked._replace(known=known)
    _check_names(data, fact, data.folded.at)
    if clock.verb and not data.in_order(stamped):
        _raise(apply(state_before(data, fact.at), stamped, data.registry))
    return _grown(data, stamped, taken=taken, raising=clock.verb)


def _grown(data: JourneyData, stamped: Fact, *, taken: bool, raising: bool) -> JourneyData:
    """Return the journey with a stamped fact that is new to it, and with the planned facts whose time has come."""
    if isinstance(stamped, Retracted):
        return folded_anew(data, data.log.adding(stamped))
    # A fact that came second under its key, or that was retracted in advance, is kept and does nothing.
    counts = not taken and not data.log.is_retracted(stamped)
    if counts and not data.planned and stamped.at <= stamped.recorded_at and data.in_order(stamped):
        # Most facts come in order while none is planned, so there is nothing to sort.
        after = data.folded.copy()
        refusals = apply(after, stamped, data.registry)
        if raising and refusals:
            _raise(refusals)
        return data.grown(data.log.adding(stamped), after)
    if raising and not counts:
        _raise(apply(data.folded.copy(), stamped, data.registry))
    # The clock of this record is the journey's new present: planned facts up to it take effect first.
    present, due, planned = stamped.recorded_at, [stamped] if counts else [], data.planned
    if planned or stamped.at > present:
        due = sorted((*planned, *due), key=fold_order)
        planned = tuple(fact for fact in due if fact.at > present)
        del due[len(due) - len(planned) :]
    if not due:
        return data.grown(data.log.adding(stamped), data.folded, planned)
    if not data.in_order(due[0]):
        return _folded_again(data, data.log.adding(stamped), due[0], planned)
    after = data.folded.copy()
    for fact in due:
        refusals = apply(after, fact, data.registry)
        if raising and fact is stamped:
            _raise(refusals)
    return data.grown(data.log.adding(stamped), after, planned)


def _folded_again(data: JourneyData, log: FactLog, earliest: Fact, planned: tuple[Fact, ...]) -> JourneyData:
    """Return the journey of a log in which everything from a fact on is folded again.

    The fold goes on from the last checkpoint before that fact, so a fact that is a little late costs little.
    """
    checkpoints = data.folded.checkpoints
    while checkpoints is not None and fold_order(checkpoints.item[0]) >= fold_order(earliest):
        checkpoints = checkpoints.before
    facts, begin = log.in_fold_order(), None
    del facts[len(facts) - len(planned) :]
    if checkpoints is None and log.past is not None:
        return data.grown(log, folded(log, facts, data.registry), planned)
    if checkpoints is not None:
        last, begin = checkpoints.item
        begin = begin.copy()
        begin.checkpoints = checkpoints
        facts = facts[bisect_right(facts, fold_order(last), key=fold_order) :]
    return data.grown(log, fold(facts, data.registry, begin=begin), planned)


def record_all(data: JourneyData, facts: Iterable[Fact], clock: Clock) -> JourneyData:
    """Return the journey with many more facts, as :func:`record` gives it one after another, at less cost.

    Facts that come in order are folded as they come. From the first one that is late or planned on, facts are gathered
    and folded together at the end: one sort and one fold, whatever the order.

    Raises:
        Malformed: A fact cannot be recorded; none of them is.
    """
    asked, data = data, growable(data)
    # One log and one state take all facts, because no caller sees those in between.
    now, waiting = data.grown(data.log.copy(), data.folded.copy()), list[Fact](data.planned)
    several, changing = len(data.registry.by_name) > 1, any(map(_changes_names, waiting))
    reached, last_known = _Reached(now, waiting), None
    for fact in facts:
        _checked(now, fact)
        stamped, known, taken = _stamped(now, fact, clock)
        last_known = known
        if known is not None:
            asked = asked._replace(known=known)
            continue
        if isinstance(fact, PlaybookAdopted) or (several and changing):
            # Names are checked against the playbook in force, which a fact that waits may change.
            now, waiting = _with_waiting(now, waiting)
            changing, reached = any(map(_changes_names, waiting)), _Reached(now, waiting)
        _check_names(now._replace(planned=tuple(waiting) if changing else ()), fact, reached.latest)
        changing = changing or _changes_names(fact)
        if isinstance(stamped, Retracted):
            now, _ = _with_waiting(now, waiting)
            now = _grown(now, stamped, taken=taken, raising=False)
            now, waiting = now._replace(planned=()), list(now.planned)
            reached = _Reached(now, waiting)
            continue
        counts = not taken and not now.log.is_retracted(stamped)
        if counts and (waiting or not now.in_order(stamped) or stamped.at > stamped.recorded_at):
            waiting.append(stamped)
        elif counts:
            apply(now.folded, stamped, data.registry)
        reached.add(stamped, counts=counts)
        now = now.grown(now.log.adding(stamped), now.folded)
    if now.log.length == data.log.length:
        return asked  # nothing is new, so nothing of what is shown changes
    now, planned = _with_waiting(now, waiting)
    return now._replace(planned=tuple(planned), known=last_known)


class _Reached:
    """Up to where facts have taken effect, whether they are folded yet or wait to be."""

    def __init__(self, data: JourneyData, waiting: Iterable[Fact]) -> None:
        self.latest: datetime | None = data.folded.at
        self._ahead: list[datetime] = [fact.at for fact in waiting]

    def add(self, stamped: Fact, *, counts: bool) -> None:
        """Go on to the instant at which a fact is recorded; planned facts take effect until then, and so may itself."""
        if counts:
            self._ahead.append(stamped.at)
        due = [at for at in self._ahead if at <= stamped.recorded_at]
        if due:
            self._ahead = [at for at in self._ahead if at > stamped.recorded_at]
            self.latest = max(due) if self.latest is None else max(self.latest, *due)


def _changes_names(fact: Fact) -> bool:
    return isinstance(fact, Started | PlaybookAdopted)


def _with_waiting(data: JourneyData, waiting: list[Fact]) -> tuple[JourneyData, list[Fact]]:
    """Return the journey in which those of the facts in its log that wait are folded whose time has come; the rest."""
    present = data.present
    waiting = sorted(waiting, key=fold_order)
    planned = [fact for fact in waiting if present is not None and fact.at > present]
    if len(planned) < len(waiting):
        data = _folded_again(data, data.log, waiting[0], tuple(planned))._replace(planned=())
    return data, planned


def move(data: JourneyData, fact: Moved, clock: Clock, *, late: bool) -> JourneyData:
    """Return the journey after a trigger was fired.

    Raises:
        MoveRefused: The playbook does not allow it.
        Malformed: An argument cannot be understood, or the move's key names another fact.
    """
    asked, data = data, growable(data)
    stamped, known, taken = _stamped(data, fact, clock, fresh=True)
    if known is not None:
        if data.log.is_retracted(known):
            raise Malformed("this move was recorded and retracted", hint="pass a new key= to make it again")
        outcomes = (one for one in outcomes_of(data.folded) if one.fact == known.id)
        _raise(next((one.refusals for one in outcomes if one.status is FactStatus.REFUSED), ()))
        if data.log.has_merges and data.log.status_of(known) is FactStatus.MERGED:
            hint = "pass a new key= to make it"
            raise Malformed("this move is recorded, and the moves of the lead that it was merged with stand", hint=hint)
        return asked._replace(known=known)
    if taken:
        raise Malformed("another fact is already recorded under this key", hint="a key names one fact; use a new one")
    if not data.in_order(stamped):
        _raise(option(data, fact, late=late).refusals)
    return _grown(data, stamped, taken=False, raising=True)


def stamp(data: JourneyData, fact: F, clock: Clock) -> F:
    """Return a fact with its journey's stamps; one that is known already gets another id."""
    return _stamped(data, fact, clock)[0]


def _raise(refusals: tuple[Refusal, ...]) -> None:
    if refusals:
        raise refusals[0].error(refusals[1:])


def ticked(data: JourneyData, at: datetime) -> JourneyData:
    """Return the journey after time has passed up to an instant.

    Raises:
        Malformed: The instant lies before the one that is shown.
    """
    if data.shown.at is not None and at < data.shown.at:
        raise Malformed("time passes forward only", hint="as_of(at=...) returns the past")
    data = growable(data)
    return data._replace(showing=state_at(data, at), known=None)


def as_of(data: JourneyData, at: datetime | None, recorded_at: datetime | None) -> JourneyData:
    """Return the journey as it was at an instant, as it was known at an instant."""
    data = growable(data)
    log = data.log
    if recorded_at is not None:
        known_by = instant(recorded_at)
        if log.past is not None and known_by < log.past.facts[-1].recorded_at:
            raise log.past.needed()
        facts = log.facts
        length = bisect_right(facts, known_by, key=_when_recorded)
        log = log if length == len(facts) else log.upto(length)
    until = instant(at if at is not None else recorded_at)
    if log.past is not None and until < log.past.order[0]:
        raise log.past.needed()
    if log is data.log and (data.folded.at is None or until >= data.folded.at):
        hides = any(fact.at > until and not isinstance(fact, LOG_ACTS) for fact in log.facts)
        return data._replace(showing=state_at(data, until), horizon=until if hides else None, known=None)
    state = folded(log, log.in_fold_order(until=until), data.registry)
    return data.grown(log, state)._replace(horizon=until, showing=Passing(state, until))


def _when_recorded(fact: Fact) -> datetime:
    return fact.recorded_at


def _checked(data: JourneyData, fact: Fact) -> None:
    """Check that a fact from outside may be recorded in this journey."""
    if type(fact) not in FACT_TYPES:
        raise Malformed(
            f"{article(type(fact).__name__)} is not a fact", hint="see leadlife.facts for the types of facts"
        )
    if fact.caused_by is not None or isinstance(fact, DERIVED):
        raise Malformed("a derived fact is not recorded: the journey concludes it", hint="record what it rests on")
    if fact.merged_from is not None or fact.same_as is not None or isinstance(fact, Merged | Unmerged):
        raise Malformed("leads are merged as a whole", hint="use journey.merge and journey.unmerge")
    if isinstance(fact, Retracted) and data.log.has_merges:
        target = data.log.with_id(fact.target) or data.log.find(fact.target)
        if isinstance(target, Merged | Unmerged):
            raise Malformed("a merge is not retracted", hint="use unmerge, or merge again")
    if fact.lead not in (None, data.lead_id) or fact.pipeline not in (None, data.pipeline):
        belongs = f"{(fact.lead or data.lead_id)!r} in {(fact.pipeline or data.pipeline)!r}"
        hint = "record it there; a new fact needs no lead and no pipeline"
        raise Malformed(f"the fact belongs to another journey, that of {belongs}", hint=hint)


def _stamped(data: JourneyData, fact: F, clock: Clock, *, fresh: bool = False) -> tuple[F, Fact | None, bool]:
    """Return the fact with its stamps; the fact known under its key with the same content; whether the key is taken."""
    log = data.log
    if clock.now is not None:
        clock = clock._replace(now=instant(clock.now))
    fact_id = fact.id or _new_id(data, fact)
    key = fact.key or fact_id
    taken = log.has_key(key)
    known = log.known(fact, key) if taken else None
    if known is None and fact.id == fact_id and log.names(fact_id) and log.key_of(fact_id) != key:
        raise Malformed("another fact already has this id", hint="an id names one fact; leave it out")
    if not taken and fact.key not in (None, fact_id) and log.key_of(key) is not None:
        hint = "a retraction could not tell the two apart; use another key"
        raise Malformed("the key is the id of another fact", hint=hint)
    if known is not None:
        return fact, known, taken  # the clock of a retry plays no part
    stamped = fact.stamped(
        id=fact_id,
        key=key,
        lead=data.lead_id,
        pipeline=data.pipeline,
        seq=log.next_seq,
        recorded_at=recording_instant(log.recorded_at, fact.at, clock),
        fresh=fresh,
    )
    return stamped, known, taken


def recording_instant(latest: datetime | None, at: datetime, clock: Clock) -> datetime:
    """Return when a fact becomes known: at the caller's clock, else with the fact itself; never before an earlier one.

    Raises:
        Malformed: The fact lies too far ahead.
    """
    if clock is VERB and latest is not None and latest <= at <= latest + FURTHEST:
        return at
    now = clock.now
    known = latest if now is None or (latest is not None and latest > now) else now
    if known is None:
        if clock.planned:
            raise Malformed("a first fact that is planned needs a clock", hint="pass now=")
        return at
    if at <= known:
        return known
    if clock.verb and now is not None:
        if at - known > SKEW:
            message = f"a verb happens now, and {at.isoformat()} is later than {known.isoformat()}"
            raise Malformed(message, hint="record a planned fact instead, or correct at")
        return at
    if at - known > FURTHEST and not clock.planned:
        message = f"{at.isoformat()} is more than five years after {known.isoformat()}"
        hint = "correct the year, or pass now=" if clock.verb else "correct the year, or pass planned=True"
        raise Malformed(message, hint=hint)
    return known if now is not None or clock.planned else at


def _new_id(data: JourneyData, fact: Fact) -> str:
    """Return the id of a fact that has none: of its content, and of how often the log holds it already."""
    content = fact.content()
    fact_id = content_id(data.owner, content, 0)
    if not data.log.names(fact_id) or data.log.key_of(fact_id) is None:  # what nothing names is asked for only once
        return fact_id
    return _next_id(data, content)


def _next_id(data: JourneyData, content: bytes) -> str:
    """Return the id of a fact whose content the log holds already."""

    def free(number: int) -> bool:
        return data.log.key_of(content_id(data.owner, content, number)) is None

    # Numbers are given in turn, so the first free one lies between the last power of two that is taken and the next.
    beyond = 1
    while not free(beyond):
        beyond *= 2
    number = bisect_left(range(beyond), True, beyond // 2, key=free)
    return content_id(data.owner, content, number)


def _check_names(data: JourneyData, fact: Fact, latest: datetime | None) -> None:
    """Check a fact's names against the playbook in force; those of a late fact against any at hand."""
    if isinstance(fact, Started):
        data.registry.find(fact.playbook).lifecycle.stage(fact.stage)
    elif isinstance(fact, PlaybookAdopted):
        _check_adoption(data, fact)
    else:
        # A planned adoption may have another playbook in force by then.
        playbook = data.playbook_of(state_at(data, fact.at) if data.planned else data.folded)
        try:
            playbook.admit(fact)
        except Malformed:
            # What was sent under an earlier playbook may come back after another one was adopted.
            late = latest is not None and fact.at < latest
            others = data.registry.all() if late or isinstance(fact, TouchSent | TouchFailed) else ()
            if not any(_admits(playbook, fact) for playbook in others):
                raise


def _check_adoption(data: JourneyData, fact: PlaybookAdopted) -> None:
    if not data.in_order(fact):
        raise Malformed("a playbook is never adopted late", hint="adopt it at or after the last fact")
    in_force = data.playbook_of(state_at(data, fact.at) if data.planned else data.folded)
    new, old = data.registry.find(fact.playbook).lifecycle.by_id, in_force.lifecycle.by_id
    faults: list[Fault] = []
    for name, target in fact.stages.items():
        path = f"stages.{name}"
        if name not in old:
            faults.append(Fault(path, "the playbook in force has no such stage", did_you_mean(name, old)))
        if name in new and name != target:
            faults.append(Fault(path, "the new playbook still has this stage, so it keeps its name"))
        if target not in new:
            faults.append(Fault(path, f"the new playbook has no stage {target!r}", did_you_mean(target, new)))
    if faults:
        raise Malformed("this relabelling does not fit:", faults=faults)


def _admits(playbook: Playbook, fact: Fact) -> bool:
    try:
        playbook.admit(fact)
    except Malformed:
        return False
    return True
