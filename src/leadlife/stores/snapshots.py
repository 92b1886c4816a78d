"""Snapshots: where a lead stood after so many facts, so that a long log need not be read again."""

from __future__ import annotations

from leadlife.stores.context import StoreContext
from leadlife.stores.database import put, replace
from leadlife.stores.finding import Wanted, live
from leadlife.stores.journeys import find_row, load, lock_name, sound_snapshot
from leadlife.stores.tables import LEADS, SNAPSHOTS, SnapshotRow


def compact(context: StoreContext) -> int:
    """Make the snapshots that are not of the present version anew; see ``DatabaseStore.compact``."""
    made = 0
    for state in live(context.database.reading, Wanted()):
        with context.database.writing() as session:
            session.lock(lock_name(state.lead, state.pipeline))
            row = find_row(session, state.lead, state.pipeline)
            if row is None or row.erased_at is not None or row.stage is None:
                continue
            if row.snapshot == row.version and sound_snapshot(session, row) is not None:
                continue
            body = load(session, context, row).snapshot(tail=True, trusted=True).model_dump_json()
            put(session, SNAPSHOTS, SnapshotRow(row.lead, row.pipeline, row.version, body))
            replace(session, LEADS, row._replace(snapshot=row.version, revision=row.revision + 1))
        made += 1
    return made
