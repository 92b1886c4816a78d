"""Recording: how a journey grows by facts, and how it is told anew as of an instant or under another playbook."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime
from typing import Self, TypeVar

from leadlife.errors import Fault, Malformed, did_you_mean
from leadlife.facts import DERIVED, FACTS, Fact, Moved, PlaybookAdopted, Retracted, Started, content_id
from leadlife.journey.asking import Asking
from leadlife.journey.fold import Books, apply, commit, fold, pass_time, prepare
from leadlife.journey.log import Log, fold_order
from leadlife.journey.ruling import verdict
from leadlife.journey.state import State
from leadlife.leads import SYSTEM, Actor, Source
from leadlife.lifecycle.edges import Edge
from leadlife.playbook.playbook import Playbook
from leadlife.timing import instant

F = TypeVar("F", bound=Fact)


class Recording(Asking):
    """The side of a :class:`Journey` that takes in facts. Every verb returns a new value."""

    __slots__ = ()

    def record(self, fact: Fact, *, recorded_at: datetime | None = None) -> Self:
        """Return the journey with one more fact. Never refuses for legality: an illegal move is kept and marked.

        Args:
            fact: What happened. It may be late: the journey is folded anew from its place.
            recorded_at: When it became known; by default the later of its ``at`` and the latest known.

        Raises:
            Malformed: The fact cannot be understood, names what the playbook does not declare, or is recorded
                before it happened or before an earlier record.
        """
        journey = self._writable()
        stamped, known = journey._stamp(fact, recorded_at)
        if known is not None:
            return journey._next(journey._base, known=known)
        journey._admit(fact)
        if not journey._counts(stamped):
            return journey._grown(stamped, journey._base)
        if isinstance(stamped, Retracted):
            return journey._grown(stamped)
        if not journey._in_order(stamped):
            return journey._grown(stamped, late=stamped)
        base = journey._base.clone()
        apply(base, stamped, journey._books)
        return journey._grown(stamped, base)

    def record_all(self, facts: Iterable[Fact], *, recorded_at: datetime | None = None) -> Self:
        """Return the journey with many more facts: what :meth:`record` gives one after another, at less cost.

        Args:
            facts: What happened, in the order in which it is recorded.
            recorded_at: When all of it became known; by default as for each alone.

        Raises:
            Malformed: A fact cannot be recorded; none of them is.
        """
        start = self._writable()
        journey = start._next(start._base.clone(), log=start._log.prefix(start._length, copy=True))
        for fact in facts:
            stamped, known = journey._stamp(fact, recorded_at)
            if known is not None:
                continue
            if isinstance(stamped, Retracted) or not journey._in_order(stamped) or not journey._counts(stamped):
                journey = journey.record(fact, recorded_at=recorded_at)
                journey = journey._next(journey._base.clone())
                continue
            journey._admit(fact)
            apply(journey._base, stamped, journey._books)
            journey._log.append(stamped)
            journey._length += 1
        return journey

    def move(
        self,
        trigger: str,
        *,
        at: datetime,
        by: Actor | str = SYSTEM,
        reason: str | None = None,
        note: str | None = None,
        target: str | None = None,
        source: Source | None = None,
        key: str | None = None,
        late: bool = False,
        recorded_at: datetime | None = None,
    ) -> Self:
        """Return the journey after a trigger was fired, or raise and add nothing.

        Args:
            trigger: What is fired.
            at: When.
            by: Who fires it, in which roles.
            reason: Why; some transitions need one.
            note: Free text that says more.
            target: Narrows the candidates to those that lead there.
            source: Where the cycle comes from, if the move opens one.
            key: The idempotency key; firing again under it changes nothing.
            late: Whether ``at`` may lie before the last fact.
            recorded_at: When it became known; by default the later of ``at`` and the latest known.

        Raises:
            MoveRefused: The playbook does not allow it; the subclass and its hint say why.
            Malformed: An argument cannot be understood.
        """
        fact = Moved.checked(
            {
                "trigger": trigger,
                "at": at,
                "by": by,
                "reason": reason,
                "note": note,
                "target": target,
                "source": source,
                "key": key,
            }
        )
        journey = self._writable()
        stamped, known = journey._stamp(fact, recorded_at, fresh=True)
        if known is not None and journey._log.retracted(known, journey._length):
            raise Malformed("this very move was retracted", hint="pass a new key= to make it again")
        if known is not None:
            return journey._next(journey._base, known=known)
        if stamped.key in journey._log.keys:
            hint = "a key names one fact; use a new one"
            raise Malformed("another fact is already recorded under this key", hint=hint)
        if not journey._in_order(stamped):
            return journey._move_late(fact, late=late, recorded_at=recorded_at)
        base = journey._base.clone()
        prepare(base, fact.at)
        ruling = verdict(base, trigger, at=fact.at, by=fact.by, reason=reason, note=note, target=target)
        if not isinstance(ruling, Edge):
            raise ruling[0].error(ruling[1:])
        if not journey._counts(stamped):
            return journey._grown(stamped, journey._base)
        commit(base, stamped, ruling)
        return journey._grown(stamped, base)

    def _move_late(self, fact: Moved, *, late: bool, recorded_at: datetime | None) -> Self:
        option = self.may(
            fact.trigger,
            at=fact.at,
            by=fact.by,
            reason=fact.reason,
            note=fact.note,
            target=fact.target,
            late=late,
        )
        if not option:
            raise option.refusals[0].error(option.refusals[1:])
        return self.record(fact, recorded_at=recorded_at)

    def as_of(self, *, at: datetime | None = None, recorded_at: datetime | None = None) -> Self:
        """Return the journey as it was at an instant, as it was known at an instant.

        Facts recorded strictly after ``recorded_at`` and facts dated after ``at`` do not count; what a retraction known
        by then takes out does not count either.

        Args:
            at: The instant; by default ``recorded_at``, and without that the present.
            recorded_at: Only what was known then; by default everything known now.
        """
        journey = self._writable()
        length = journey._length
        if recorded_at is not None:
            known_by = instant(recorded_at)
            length = bisect_right(journey._log.facts, known_by, 0, length, key=_recorded)
        elif at is None:
            return self
        until = instant(at if at is not None else recorded_at)
        if length == journey._length and (journey._base.at is None or until >= journey._base.at):
            state = journey._base.clone()
            pass_time(state, until)
            return journey._next(journey._base, state=state)
        facts = journey._log.in_fold_order(length, until=until)
        base = fold(facts, journey._books)
        state = base.clone()
        pass_time(state, until)
        return journey._next(base, state=state, length=length, horizon=until)

    def tick(self, at: datetime) -> Self:
        """Return the journey after time has passed: limits that came due have fired. The log is unchanged.

        Raises:
            Malformed: The instant lies before the last fact; ask :meth:`as_of` for the past.
        """
        at = instant(at)
        if self._base.at is not None and at < self._base.at:
            raise Malformed("time passes forward only", hint="as_of(at=...) returns the past")
        return self.as_of(at=at)

    def under(self, playbook: Playbook) -> Self:
        """Return what would have been: the same observed facts, all under this playbook."""
        journey = self._writable()
        books = Books(journey._books.all(), instead=Books((playbook,)).first)
        base = fold(journey._log.in_fold_order(journey._length), books)
        return journey._next(base, books=books)

    def _next(
        self,
        base: State,
        *,
        state: State | None = None,
        log: Log | None = None,
        length: int | None = None,
        books: Books | None = None,
        horizon: datetime | None = None,
        known: Fact | None = None,
    ) -> Self:
        """Return a journey that differs from this one in what is given."""
        new = object.__new__(type(self))
        new.lead_id = self.lead_id
        new.pipeline = self.pipeline
        new._owner = self._owner
        new._books = books or self._books
        new._log = log or self._log
        new._length = self._length if length is None else length
        new._base = base
        new._state = state or base
        new._horizon = horizon
        new._known = known
        return new

    def _grown(self, stamped: Fact, base: State | None = None, *, late: Fact | None = None) -> Self:
        """Return the journey whose log is one fact longer; without a state at hand, folded anew.

        Args:
            stamped: The new fact.
            base: Where the lead stands after it, if that is known.
            late: The only fact that is new to the fold: what came before it need not be folded again.
        """
        self._log.append(stamped)
        length = self._length + 1
        if base is None:
            facts, begin = self._log.in_fold_order(length), None
            saved = self._base.saved
            while late is not None and saved is not None and fold_order(saved.item[0]) >= fold_order(late):
                saved = saved.before
            if late is not None and saved is not None:
                begin = saved.item[1].clone()
                begin.saved = saved
                facts = facts[bisect_right(facts, fold_order(saved.item[0]), key=fold_order) :]
            base = fold(facts, self._books, begin=begin)
        return self._next(base, length=length)

    def _writable(self) -> Self:
        """Return a journey whose log ends where it does: itself, unless others have grown it or it hides a future."""
        if self._horizon is None:
            log = self._log.prefix(self._length)
            return self if log is self._log else self._next(self._base, log=log)
        log = Log()
        for fact in self.facts:
            winner = self._log.find(fact.key or "", self._length)
            # A fact that lost its key to one that is hidden here does not come alive by that.
            if winner is fact or winner is None or self._shows(winner):
                log.append(fact)
        return self._next(self._base, log=log, length=len(log.facts))

    def _in_order(self, fact: Fact) -> bool:
        return self._base.at is None or fact.at >= self._base.at

    def _counts(self, stamped: Fact) -> bool:
        """Return whether a new fact has its key for itself and is not retracted in advance."""
        log = self._log
        return stamped.key not in log.keys and (log.retractions is None or not log.retracted(stamped, self._length))

    def _stamp(self, fact: F, recorded_at: datetime | None, *, fresh: bool = False) -> tuple[F, Fact | None]:
        """Return the fact with its stamps; and the fact already known that says the same under the same key."""
        if type(fact) not in FACTS:
            raise Malformed("only facts can be recorded", hint="see leadlife.facts for their types")
        if fact.caused_by is not None or isinstance(fact, DERIVED):
            raise Malformed("a derived fact is the fold's own output and is never recorded")
        if fact.lead not in (None, self.lead_id) or fact.pipeline not in (None, self.pipeline):
            raise Malformed("the fact belongs to another journey")
        length, log = self._length, self._log
        latest = log.facts[length - 1].recorded_at if length else None
        if recorded_at is None:
            recorded = fact.at if latest is None or fact.at > latest else latest
        else:
            recorded = instant(recorded_at)
            if recorded < fact.at:
                raise Malformed("a fact cannot be recorded before it happened", hint="check at and recorded_at")
            if latest is not None and recorded < latest:
                raise Malformed("recorded_at never decreases", hint=f"the latest is {latest.isoformat()}")
        fact_id = fact.id or content_id(self._owner, fact.key, fact.content())
        key = fact.key or fact_id
        known = log.known(fact, key, length) if key in log.keys else None
        if fact.id is not None and known is None:
            namesake = log.named(fact_id, length)
            if namesake is not None and namesake.key != key:
                raise Malformed("another fact already has this id", hint="an id names one fact; leave it out")
        stamped = fact.stamped(
            id=fact_id,
            key=key,
            lead=self.lead_id,
            pipeline=self.pipeline,
            seq=log.next_seq,
            recorded_at=recorded,
            fresh=fresh,
        )
        return stamped, known

    def _admit(self, fact: Fact) -> None:
        """Check a fact's words against the playbook in force, or for a late one against any at hand."""
        if isinstance(fact, Started):
            self._books.find(fact.playbook).lifecycle.stage(fact.stage)
            return
        if isinstance(fact, PlaybookAdopted):
            self._admit_adoption(fact)
            return
        try:
            self.playbook.admit(fact)
        except Malformed:
            others = () if self._in_order(fact) else self._books.all()
            if not any(_admits(playbook, fact) for playbook in others):
                raise

    def _admit_adoption(self, fact: PlaybookAdopted) -> None:
        new = self._books.find(fact.playbook).lifecycle.by_id
        if not self._in_order(fact):
            raise Malformed("a playbook is never adopted late", hint="adopt it at or after the last fact")
        old = self.playbook.lifecycle.by_id
        faults = [
            Fault(f"stages.{name}", "the playbook in force has no such stage", did_you_mean(name, old))
            for name in fact.stages
            if name not in old
        ]
        faults += [
            Fault(f"stages.{name}", "the new playbook still has this stage, so it keeps its name")
            for name, target in fact.stages.items()
            if name in new and name != target
        ]
        faults += [
            Fault(f"stages.{name}", f"the new playbook has no stage {target!r}", did_you_mean(target, new))
            for name, target in fact.stages.items()
            if target not in new
        ]
        if faults:
            raise Malformed("this relabelling does not fit:", faults=faults)


def _admits(playbook: Playbook, fact: Fact) -> bool:
    try:
        playbook.admit(fact)
    except Malformed:
        return False
    return True


def _recorded(fact: Fact) -> datetime:
    assert fact.recorded_at is not None  # noqa: S101 - a log holds stamped facts
    return fact.recorded_at
