"""Erasure: what is personal about a lead goes; a tombstone, the counts and the figures stay."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from leadlife.errors import LeadlifeError, UnknownLead
from leadlife.facts import Erased
from leadlife.journey import Journey
from leadlife.stores.applying import notify
from leadlife.stores.context import StoreContext
from leadlife.stores.database import Session, put, read, replace
from leadlife.stores.encoding import aliased
from leadlife.stores.journeys import Loaded, Saved, find_row, known_row, load, lock_name, log_of, save
from leadlife.stores.lead_state import LeadState
from leadlife.stores.tables import FACTS, LEADS, REQUESTS, SNAPSHOTS, LeadRow, SnapshotRow, from_micros, to_micros

_OF_LEAD = "WHERE lead = :lead AND pipeline = :pipeline"


def erase(context: StoreContext, lead: str, erased: Erased, *, pipeline: str | None = None) -> tuple[LeadState, ...]:
    """Erase what is personal about a lead and return its tombstones; see ``DatabaseStore.erase``."""
    with context.database.reading() as session:
        rows = [row for row in _persons(session, lead) if pipeline in (None, row.pipeline)]
    tombstones: list[LeadState] = []
    for row in rows:
        with context.database.writing() as session:
            session.lock(lock_name(row.lead, row.pipeline))
            saved = _erased(session, context, row, erased)
        if isinstance(saved, Saved):
            notify(context, saved)
        tombstones.append(saved.state if isinstance(saved, Saved) else saved)
    return tuple(tombstones)


def _persons(session: Session, lead: str) -> list[LeadRow]:
    """Return every record of a person, the ones that were merged included, by pipeline.

    Raises:
        UnknownLead: The store does not know the lead.
    """
    rows = read(session, LEADS, "WHERE lead = :lead ORDER BY pipeline", lead=lead)
    if not rows:
        raise UnknownLead(f"there is no lead {lead!r}")
    found: list[LeadRow] = []
    for row in rows:
        waiting = [known_row(session, row.lead, row.pipeline)]
        while waiting:
            one = waiting.pop(0)
            found.append(one)
            losers = "WHERE merged_into = :lead AND pipeline = :pipeline ORDER BY lead"
            waiting += read(session, LEADS, losers, lead=one.lead, pipeline=one.pipeline)
    return found


def _erased(session: Session, context: StoreContext, row: LeadRow, erased: Erased) -> Saved | LeadState:
    """Erase a lead in one pipeline; what was erased before is left as it is."""
    found = find_row(session, row.lead, row.pipeline)
    if found is None or found.erased_at is not None:
        return LeadState.of(found or row)
    row = found
    journey = load(session, context, row)
    when = erased.at if journey.at is None else max(erased.at, journey.at)
    saved = save(session, context, Loaded(journey, row), journey.record(erased.replace(at=when)))
    _empty(session, context, row)
    state = find_row(session, row.lead, row.pipeline) or row
    # The facts are read back without what was personal, and the lead stays where it stands: folded anew without a
    # field that a guard reads, it might not.
    stands = saved.journey.redacted(log_of(session, state._replace(erased_at=to_micros(when))))
    snapshot = stands.snapshot(tail=True, trusted=True).model_dump_json()
    put(session, SNAPSHOTS, SnapshotRow(row.lead, row.pipeline, state.version, snapshot))
    tombstone = state._replace(
        snapshot=state.version, erased_at=to_micros(when), wake_at=None, merged_into=row.merged_into
    )
    replace(session, LEADS, tombstone)
    return saved._replace(journey=stands, state=LeadState.of(tombstone))


def _empty(session: Session, context: StoreContext, row: LeadRow) -> None:
    """Empty the personal blocks of a lead, and delete its requests, whose keys are hashes of what may be personal."""
    key: dict[str, Any] = {"lead": row.lead, "pipeline": row.pipeline}
    context.agreements.refresh(session)  # a playbook of another process may flag a field
    rows = read(session, FACTS, f"{_OF_LEAD} ORDER BY position", **key)
    aliases = {fact.id: fact.id for fact in rows}
    for fact in rows:
        if fact.personal is not None:
            replace(session, FACTS, aliased(fact, aliases, context.agreements.is_personal))
    session.run(f"DELETE FROM {REQUESTS.name} {_OF_LEAD}", **key)  # noqa: S608 - names of ours


def outdated(
    context: StoreContext, statuses: tuple[str, ...], before: datetime, *, batch: int = 500
) -> Iterator[LeadState]:
    """Yield the leads in some statuses of which nothing was recorded since an instant, in the order of their keys."""
    names = {f"status{place}": status for place, status in enumerate(statuses)}
    where = (
        f"WHERE erased_at IS NULL AND status IN ({', '.join(f':{name}' for name in names)}) AND recorded_at < :before "
        "AND (lead, pipeline) > (:lead, :pipeline) ORDER BY lead, pipeline LIMIT :batch"
    )
    last: tuple[str, str] = ("", "")
    while True:
        with context.database.reading() as session:
            values = {"before": to_micros(before), "batch": batch, "lead": last[0], "pipeline": last[1], **names}
            rows = read(session, LEADS, where, **values)
        yield from map(LeadState.of, rows)
        if len(rows) < batch:
            return
        last = (rows[-1].lead, rows[-1].pipeline)


def export(session: Session, context: StoreContext, lead: str) -> dict[str, Any]:
    """Return everything that is known of a lead, in every pipeline; see ``DatabaseStore.export``."""
    rows = read(session, LEADS, "WHERE lead = :lead ORDER BY pipeline", lead=lead)
    if not rows:
        raise UnknownLead(f"there is no lead {lead!r}")
    final = [known_row(session, row.lead, row.pipeline) for row in rows]
    return {"lead": lead, "pipelines": {row.pipeline: _known(load(session, context, row), row) for row in final}}


def _known(journey: Journey, row: LeadRow) -> dict[str, Any]:
    """Return what is known of a lead in one pipeline, with every automated decision and its explanation."""
    at = from_micros(row.as_of)
    names = journey.playbook.qualification_by_name if journey.stage is not None else {}
    policies = journey.playbook.score_by_name if journey.stage is not None else {}
    return {
        "as_of": at.isoformat(),
        "erased_at": None if row.erased_at is None else from_micros(row.erased_at).isoformat(),
        "stage": journey.stage,
        "status": journey.status,
        "owner": journey.owner,
        "playbook": str(journey.playbook.ref),
        "fields": dict(journey.fields),
        "consents": [one.model_dump(mode="json") for one in journey.lead.consents],
        "facts": [fact.dump() for fact in journey.facts],
        "decisions": [fact.dump() for fact in journey.derived],
        "explanation": [line.to_dict() for line in journey.explain()],
        "qualifications": {name: _decided(journey, name, at) for name in names},
        "scores": {name: _scored(journey, name, at) for name in policies},
    }


def _decided(journey: Journey, name: str, at: datetime) -> dict[str, Any]:
    """Return a decision about a qualification; where code of the host breaks, that, so that all the rest is there."""
    try:
        return journey.decision(name, at=at).to_dict()
    except LeadlifeError as error:
        return {"error": error.to_dict()}


def _scored(journey: Journey, name: str, at: datetime) -> dict[str, Any]:
    try:
        return journey.score(name, at=at).dump()
    except LeadlifeError as error:
        return {"error": error.to_dict()}
