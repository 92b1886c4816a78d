"""Merging: a lead goes on as another one, and every request for it is one for that other one."""

from __future__ import annotations

from datetime import datetime

from leadlife.errors import Malformed
from leadlife.leads import Actor
from leadlife.stores.applying import notify
from leadlife.stores.context import StoreContext
from leadlife.stores.database import Session, replace
from leadlife.stores.journeys import Loaded, Saved, check_open, find_row, known_row, load, lock_name, save
from leadlife.stores.lead_state import LeadState
from leadlife.stores.tables import HELD, LEADS, LeadRow


def merge(
    context: StoreContext,
    survivor: str,
    loser: str,
    *,
    at: datetime,
    by: Actor,
    now: datetime | None,
    pipeline: str,
) -> Saved:
    """Let a lead go on as another one; see ``DatabaseStore.merge``."""
    if survivor == loser:
        raise Malformed("a merge must not go in a circle", hint="name two leads")
    with context.database.writing() as session:
        for name in sorted((survivor, loser)):
            session.lock(lock_name(name, pipeline))
        row, other = (known_row(session, name, pipeline) for name in (survivor, loser))
        for one in (row, other):
            check_open(one)
        journey = load(session, context, row)
        if row.lead == other.lead:  # they are one person already
            return Saved(journey, (), (), (), LeadState.of(row), repeated=True)
        merged = journey.merge(load(session, context, other), at=at, by=by, now=now)
        saved = save(session, context, Loaded(journey, row), merged, above=other.revision)
        redirect(session, other.lead, pipeline, row.lead)
    notify(context, saved)
    return saved


def redirect(session: Session, lead: str, pipeline: str, target: str) -> None:
    """Let a lead that is stored go on as another one."""
    row = find_row(session, lead, pipeline)
    if row is None or row.merged_into == target:
        return
    replace(session, LEADS, row._replace(merged_into=target, wake_at=None, revision=row.revision + 1))
    held = f"DELETE FROM {HELD.name} WHERE lead = :lead AND pipeline = :pipeline"  # noqa: S608 - a name of ours
    session.run(held, lead=lead, pipeline=pipeline)


def unmerge(
    context: StoreContext, loser: str, *, at: datetime, by: Actor, now: datetime | None, pipeline: str
) -> tuple[Saved, Saved]:
    """Let a lead go on as itself again; see ``DatabaseStore.unmerge``."""
    with context.database.writing() as session:
        row = find_row(session, loser, pipeline)
        if row is None or row.merged_into is None:
            raise Malformed(f"{loser!r} is not merged into another lead", hint="name the lead that was the loser")
        for name in sorted((loser, row.merged_into)):
            session.lock(lock_name(name, pipeline))
        into = known_row(session, loser, pipeline)
        check_open(into)
        journey = load(session, context, into)
        taken = save(session, context, Loaded(journey, into), journey.unmerge(loser, at=at, by=by, now=now))
        own = stand_alone(session, context, row, above=taken.state.revision)
    notify(context, taken)
    return taken, own


def stand_alone(session: Session, context: StoreContext, row: LeadRow, *, above: int) -> Saved:
    """Let a lead that went on as another one go on as itself: its log was never touched, its state is written anew."""
    alone = load(session, context, row)
    return save(session, context, Loaded(alone, row), alone, above=above)
