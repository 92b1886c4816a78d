"""Changing a lead: load it, run a function of the journey, save it, and do it again if somebody else was faster."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from leadlife.errors import Damaged, KeyReused, Malformed, NeedsWholeLog, UnknownLead, VersionConflict
from leadlife.facts import derive_id
from leadlife.journey import Journey
from leadlife.stores.context import StoreContext
from leadlife.stores.database import Session, read
from leadlife.stores.journeys import Loaded, Saved, check_open, final_row, load, lock_name, save
from leadlife.stores.lead_state import LeadState
from leadlife.stores.tables import REQUESTS, LeadRow, RequestRow, to_micros

Change = Callable[[Journey], Journey]
"""A change of a journey: it takes the lead as it is, and returns what a verb returned. It may run more than once."""


def apply(
    context: StoreContext,
    lead: str,
    change: Change,
    *,
    pipeline: str,
    key: str | None = None,
    content: str | bytes | None = None,
    expected_version: int | None = None,
    expected_revision: int | None = None,
    create: bool = True,
) -> Saved:
    """Change a lead, and return what is new; see ``DatabaseStore.apply``."""
    request = None if key is None else _request(lead, pipeline, key, content)
    asked = _Asked(lead, pipeline, change, request, expected_version, expected_revision, create)
    # Nearly always nobody else changes the lead meanwhile, so no lock is held while the host's function runs. Whoever
    # was too late does it again under the lock, and cannot be too late a second time: no retry loop, no starving.
    try:
        saved = _at_once(context, asked)
    except VersionConflict:
        saved = _locked(context, asked)
    notify(context, saved)
    return saved


class _Asked(NamedTuple):
    """What is asked for."""

    lead: str
    pipeline: str
    change: Change
    request: RequestRow | None
    expected_version: int | None
    expected_revision: int | None
    create: bool

    @property
    def name(self) -> str:
        """The name under which the lead is locked."""
        return lock_name(self.lead, self.pipeline)


def notify(context: StoreContext, saved: Saved) -> None:
    """Tell the host what is new; an error of the host's says that the facts are saved all the same."""
    if context.on_new is None or not saved.new:
        return
    try:
        context.on_new(saved.new)
    except Exception as error:
        error.add_note("leadlife: the facts are saved; only on_new failed")
        raise


def _request(lead: str, pipeline: str, key: object, content: object) -> RequestRow:
    if not isinstance(key, str) or not key:
        raise Malformed("an idempotency key must be text", hint="pass the key of the request, or leave it out")
    if content is not None and not isinstance(content, str | bytes):
        raise Malformed("content must be text or bytes", hint="pass the body of the request")
    return RequestRow(lead, pipeline, derive_id(key), "" if content is None else derive_id(content), 0)


def _at_once(context: StoreContext, asked: _Asked) -> Saved:
    """Load, change and save; the change runs outside of the transaction that writes, which is kept short so."""
    with context.database.reading() as session:
        row = final_row(session, asked.lead, asked.pipeline)
        if _is_done(session, asked.request):
            return _again(session, context, row)
        loaded = _loaded(session, context, row, asked)
    changed, loaded = _changed(context, asked.change, loaded)
    with context.database.writing() as session:
        session.lock(asked.name)
        # Asked again under the lock: the same request may have been sent twice, and the other one been faster.
        if _is_done(session, asked.request):
            return _again(session, context, final_row(session, asked.lead, asked.pipeline))
        return _saved(session, context, loaded, changed, asked.request)


def _locked(context: StoreContext, asked: _Asked) -> Saved:
    """Do it again with the lead locked, so that nobody can be faster a second time."""
    with context.database.writing() as session:
        session.lock(asked.name)
        row = final_row(session, asked.lead, asked.pipeline)
        if _is_done(session, asked.request):
            return _again(session, context, row)
        loaded = _loaded(session, context, row, asked)
        changed, loaded = _changed(context, asked.change, loaded, session)
        return _saved(session, context, loaded, changed, asked.request)


def _loaded(session: Session, context: StoreContext, row: LeadRow | None, asked: _Asked) -> Loaded:
    check_open(row)
    _check_expected("version", asked.lead, asked.expected_version, 0 if row is None else row.version)
    _check_expected("revision", asked.lead, asked.expected_revision, 0 if row is None else row.revision)
    if row is None:
        if not asked.create:
            raise UnknownLead(
                f"there is no lead {asked.lead!r} in the pipeline {asked.pipeline!r}", hint="start it first"
            )
        return Loaded(Journey(asked.lead, context.agreements.first, pipeline=asked.pipeline), None)
    return Loaded(load(session, context, row, tail=True), row)


def _check_expected(what: str, lead: str, expected: int | None, found: int) -> None:
    if expected == 0 < found:
        raise VersionConflict(f"the lead {lead!r} is there already", hint="change it with store.apply")
    if expected is not None and expected != found:
        raise VersionConflict(
            f"the lead {lead!r} has {what} {found}, not {expected}",
            hint="load it again, and decide anew",
            details={"lead": lead, what: found, "expected": expected},
        )


def _changed(
    context: StoreContext, change: Change, loaded: Loaded, session: Session | None = None
) -> tuple[Journey, Loaded]:
    """Return what a change makes of a lead; where that needs facts from before the snapshot, the whole log is read."""
    try:
        return _run(change, loaded.journey), loaded
    except NeedsWholeLog:
        row = loaded.row
        if row is None:
            raise
    if session is not None:
        whole = load(session, context, row)
    else:
        with context.database.reading() as reading:
            whole = load(reading, context, row)
    return _run(change, whole), Loaded(whole, row)


def _run(change: Change, journey: Journey) -> Journey:
    changed = change(journey)
    if not isinstance(changed, Journey):
        raise Malformed(
            f"the change must return a Journey, not {type(changed).__name__}",
            hint="return what the verb returned, such as: lambda journey: journey.move(...)",
        )
    return changed


def _saved(
    session: Session, context: StoreContext, loaded: Loaded, changed: Journey, request: RequestRow | None
) -> Saved:
    saved = save(session, context, loaded, changed)
    if request is not None:
        session.insert(REQUESTS, [request._replace(at=to_micros(saved.state.as_of))])
    return saved


def _is_done(session: Session, request: RequestRow | None) -> bool:
    """Return whether a request was carried out before.

    Raises:
        KeyReused: Another one was, under the same key.
    """
    if request is None:
        return False
    where = "WHERE lead = :lead AND pipeline = :pipeline AND key = :key"
    found = read(session, REQUESTS, where, lead=request.lead, pipeline=request.pipeline, key=request.key)
    if found and request.content and found[0].content and found[0].content != request.content:
        raise KeyReused("this key was sent before with another request", hint="a key names one request; use a new one")
    return bool(found)


def forget_keys(context: StoreContext, before: datetime) -> int:
    """Delete the requests that were carried out before an instant, and return how many there were."""
    sql = f"DELETE FROM {REQUESTS.name} WHERE at < :before"  # noqa: S608 - a name of ours
    with context.database.writing() as session:
        return session.run(sql, before=to_micros(before))


def _again(session: Session, context: StoreContext, row: LeadRow | None) -> Saved:
    """Return what a request that was carried out before gets: the lead as it is now, and nothing new."""
    check_open(row)
    if row is None:
        raise Damaged("a request is kept of a lead that the store does not know")
    return Saved(load(session, context, row, tail=True), (), (), (), LeadState.of(row), repeated=True)
