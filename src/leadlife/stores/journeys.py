"""Loading and saving one lead: its rows become a journey, and what is new in a journey becomes rows."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from typing import NamedTuple

from leadlife.errors import (
    Damaged,
    LeadErased,
    LeadlifeError,
    Malformed,
    NeedsWholeLog,
    UnknownLead,
    UnknownPlaybook,
    VersionConflict,
)
from leadlife.facts import Fact
from leadlife.journey import Journey
from leadlife.journey.snapshot import Snapshot
from leadlife.stores import chain
from leadlife.stores.context import StoreContext
from leadlife.stores.database import Session, put, read, replace
from leadlife.stores.encoding import DERIVED, OBSERVED, WITHDRAWN, decode, encode, numbered
from leadlife.stores.lead_state import LeadState, lead_row
from leadlife.stores.tables import (
    FACTS,
    HELD,
    LEADS,
    SNAPSHOTS,
    FactRow,
    HeldRow,
    LeadRow,
    SnapshotRow,
    from_micros,
    to_micros,
)

_OF_LEAD = "WHERE lead = :lead AND pipeline = :pipeline"
_LOG = f"{_OF_LEAD} AND kind = '{OBSERVED}' AND position <= :last"


class Loaded(NamedTuple):
    """A journey as it was stored.

    Attributes:
        journey: The journey, as of the instant up to which its conclusions are stored.
        row: Its current state; None where the store does not know the lead.
    """

    journey: Journey
    row: LeadRow | None


class Saved(NamedTuple):
    """A lead that was saved, and what is new: a host notifies from it.

    Attributes:
        journey: The lead as it is now.
        facts: The observed facts that are new.
        derived: What the playbook concluded that is new.
        withdrawn: What it had concluded and takes back, because a late fact or a retraction changed the past.
        state: The current state as it was written.
        repeated: Whether the request had been carried out before under its key, so nothing is new.
    """

    journey: Journey
    facts: tuple[Fact, ...]
    derived: tuple[Fact, ...]
    withdrawn: tuple[Fact, ...]
    state: LeadState
    repeated: bool = False

    @property
    def new(self) -> tuple[Fact, ...]:
        """The observed and derived facts that are new."""
        return (*self.facts, *self.derived)


def lock_name(lead: str, pipeline: str) -> str:
    """Return the name under which a lead is locked."""
    return f"{lead}\n{pipeline}"


def find_row(session: Session, lead: str, pipeline: str) -> LeadRow | None:
    """Return the current state of a lead; None where the store does not know it."""
    found = read(session, LEADS, _OF_LEAD, lead=lead, pipeline=pipeline)
    return found[0] if found else None


def final_row(session: Session, lead: str, pipeline: str) -> LeadRow | None:
    """Return the current state of the lead that a lead goes on as: most often it goes on as itself."""
    row = find_row(session, lead, pipeline)
    while row is not None and row.merged_into is not None:
        row = find_row(session, row.merged_into, pipeline)
    return row


def known_row(session: Session, lead: str, pipeline: str) -> LeadRow:
    """Return the current state of the lead that a lead goes on as.

    Raises:
        UnknownLead: The store does not know it.
    """
    row = final_row(session, lead, pipeline)
    if row is None:
        raise UnknownLead(f"there is no lead {lead!r} in the pipeline {pipeline!r}", hint="start it first")
    return row


def load(session: Session, context: StoreContext, row: LeadRow, *, tail: bool = False) -> Journey:
    """Return the journey of a lead as of the instant up to which its conclusions are stored.

    Args:
        session: The transaction.
        context: What the store works with.
        row: The current state of the lead.
        tail: Whether facts from before the latest snapshot may be left out: a long log is then not read.

    Raises:
        Damaged: What is stored is not as it was written.
        UnknownPlaybook: The log names a playbook that is neither at hand nor stored.
    """
    try:
        journey = _replayed(session, context, row, tail=tail)
    except UnknownPlaybook as error:
        if not context.agreements.refresh(session):
            raise context.agreements.missing(error) from None
        journey = _replayed(session, context, row, tail=tail)
    as_of = from_micros(row.as_of)
    return journey if journey.at is None or journey.at >= as_of else journey.tick(as_of)


def _replayed(session: Session, context: StoreContext, row: LeadRow, *, tail: bool) -> Journey:
    snapshot, playbooks = sound_snapshot(session, row), context.agreements.all()
    if row.erased_at is not None and snapshot is None:
        raise Damaged(
            f"the tombstone of {row.lead!r} was made by another release of leadlife, which can read it",
            hint="its state and its figures are there: use store.state",
        )
    try:
        if snapshot is not None and tail:
            # What came after the snapshot may reach back before it: then the whole log is read.
            with suppress(NeedsWholeLog):
                new = log_of(session, row, after=int(snapshot.tail["next_seq"]))
                return _counted(Journey.resume_tail(snapshot, new, playbooks), row)
        facts = log_of(session, row)
        whole = Journey.replay(facts, playbooks) if snapshot is None else Journey.resume(snapshot, facts, playbooks)
    except (Damaged, UnknownPlaybook):
        raise
    except LeadlifeError as error:
        raise Damaged(f"the log of {row.lead!r} cannot be replayed: {error.message}") from error
    return _counted(whole, row)


def _counted(journey: Journey, row: LeadRow) -> Journey:
    """Return a journey that holds as many facts as its state says.

    Raises:
        Damaged: It does not.
    """
    if journey.version != row.version:
        raise Damaged(
            f"the log of {row.lead!r} holds {journey.version} facts, and its state says {row.version}",
            hint="restore it from a backup; leadlife verify lists what is damaged",
            details={"lead": row.lead, "pipeline": row.pipeline},
        )
    return journey


def sound_snapshot(session: Session, row: LeadRow) -> Snapshot | None:
    """Return the latest snapshot of a lead that this version of leadlife made; None without one."""
    found = read(session, SNAPSHOTS, _OF_LEAD, lead=row.lead, pipeline=row.pipeline) if row.snapshot else []
    if not found or found[0].version > row.version:  # somebody has saved the lead since its row was read
        return None
    snapshot = Snapshot.trusted(found[0].body)
    return snapshot if snapshot.is_sound else None


def log_of(session: Session, row: LeadRow, *, after: int = 0) -> list[Fact]:
    """Return the observed facts of a lead, in the order in which they were recorded, from a number on."""
    where = f"{_LOG} AND seq >= :after ORDER BY seq"
    found = read(session, FACTS, where, lead=row.lead, pipeline=row.pipeline, last=row.position, after=after)
    return decode(found, erased=lambda _: row.erased_at is not None) if found else []


def check_open(row: LeadRow | None) -> None:
    """Check that facts may be recorded of a lead.

    Raises:
        LeadErased: Its data were erased.
    """
    if row is not None and row.erased_at is not None:
        at = from_micros(row.erased_at)
        raise LeadErased(f"the data of this lead were erased at {at.isoformat()}", hint="start it under another id")


def save(session: Session, context: StoreContext, loaded: Loaded, journey: Journey, *, above: int = 0) -> Saved:
    """Write what is new in a journey, and its current state, in one transaction; nothing where nothing has changed.

    Args:
        session: The transaction.
        context: What the store works with.
        loaded: The lead as it was stored.
        journey: The lead as it is now.
        above: A revision that the new one must exceed, because clients have seen it under the same id.

    Raises:
        Malformed: The journey does not go on from the stored one, or holds no fact.
        VersionConflict: The lead was saved by somebody else since it was loaded.
    """
    before, row = loaded
    if not journey.goes_on_from(before):
        raise Malformed(
            "the journey does not go on from the stored one",
            hint="change the journey that the store loaded, and return what its verbs return",
        )
    if journey.at is None:
        raise Malformed("there is no fact to save", hint="start the journey first")
    if row is not None and journey.at < from_micros(row.as_of):
        # A writer whose clock is behind that of a sweep: what time has concluded by then is not concluded again.
        journey = journey.tick(from_micros(row.as_of))
    at = journey.at or from_micros(0)
    new, withdrawn = journey.facts_since(before), journey.withdrawn_since(before)
    facts = tuple(fact for fact in new if fact.caused_by is None)
    derived = new[len(facts) :]
    _check_numbers(facts)
    context.agreements.keep(session, facts)
    session.lock(lock_name(journey.lead_id, journey.pipeline))
    rows = [
        encode(fact, kind)
        for kind, several in ((OBSERVED, facts), (DERIVED, derived), (WITHDRAWN, withdrawn))
        for fact in several
    ]
    rows = placed(session, context, rows)
    made = lead_row(journey, at)._replace(
        revision=max(above, 0 if row is None else row.revision) + 1,
        position=rows[-1].position if rows else 0 if row is None else row.position,
        snapshot=0 if row is None else row.snapshot,
        recorded_at=to_micros(facts[-1].recorded_at) if facts else 0 if row is None else row.recorded_at,
    )
    # Where the log had to be read although there is a snapshot, a new one spares that from now on.
    reached_back = made.snapshot > 0 and not journey.is_tail
    grown = journey.version - made.snapshot >= context.snapshot_every
    keeps_snapshot = journey.stage is not None and (reached_back or grown)
    if keeps_snapshot:
        made = made._replace(snapshot=journey.version)
    if row is not None and made._replace(revision=row.revision) == row:
        return Saved(journey, (), (), (), LeadState.of(row))
    # The state is written first: if somebody else was faster, that says so before anything is written.
    _write_state(session, row, made)
    append(session, context, rows)
    if keeps_snapshot:
        body = journey.snapshot(tail=True, trusted=True).model_dump_json()
        put(session, SNAPSHOTS, SnapshotRow(made.lead, made.pipeline, made.version, body))
    return Saved(journey, facts, derived, withdrawn, LeadState.of(made))


def _check_numbers(facts: Sequence[Fact]) -> None:
    """Check that each new fact has a number of its own, and that there are more to come.

    Raises:
        Malformed: They have not: logs of several writers were joined.
    """
    numbers = [fact.seq for fact in facts]
    if any(after <= before for before, after in pairwise(numbers)) or any(number >= 2**62 for number in numbers):
        raise Malformed(
            "two facts of the journey have one number, or a number is too large",
            hint="record the facts one after another, instead of joining logs",
        )


def placed(session: Session, context: StoreContext, rows: list[FactRow]) -> list[FactRow]:
    """Return new rows of the log with their positions."""
    if not rows:
        return rows
    if context.chained:
        session.lock(chain.HEAD)  # one writer at a time, so that positions follow the commits
    positions, horizon = session.positions(len(rows))
    return numbered(rows, positions, horizon)


def append(session: Session, context: StoreContext, rows: list[FactRow]) -> None:
    """Write new rows of the log, in their order."""
    if rows:
        session.insert(FACTS, chain.linked(session, rows) if context.chained else rows)


def _write_state(session: Session, old: LeadRow | None, new: LeadRow) -> None:
    """Write the current state of a lead, if nobody else has since it was read.

    Raises:
        VersionConflict: Somebody has.
    """
    if old is None:
        if find_row(session, new.lead, new.pipeline) is not None:
            raise _conflict(new)
        session.insert(LEADS, [new])
    elif not replace(session, LEADS, new, "revision = :expected", expected=old.revision):
        raise _conflict(new)
    if old is None or old.merged_into is not None or old.qualifications != new.qualifications:
        session.run(f"DELETE FROM {HELD.name} {_OF_LEAD}", lead=new.lead, pipeline=new.pipeline)  # noqa: S608
        held = LeadState.of(new).qualifications
        session.insert(HELD, [HeldRow(name, new.lead, new.pipeline) for name in held])


def _conflict(row: LeadRow) -> VersionConflict:
    return VersionConflict(
        f"the lead {row.lead!r} was saved by somebody else in between",
        hint="load it again, and decide anew; store.apply does so by itself",
        details={"lead": row.lead, "pipeline": row.pipeline},
    )
