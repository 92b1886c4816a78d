"""The sweep: what time alone changes, for the leads that are due and for no others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple

from leadlife.errors import LeadlifeError, VersionConflict
from leadlife.facts import Fact
from leadlife.journey import Journey
from leadlife.stores.applying import notify
from leadlife.stores.context import StoreContext
from leadlife.stores.database import Session
from leadlife.stores.journeys import Loaded, Saved, load, save
from leadlife.stores.tables import LEADS, to_micros

_COLUMNS = LEADS.named
_DUE = (
    f"SELECT {LEADS.names} FROM {LEADS.name} "  # noqa: S608 - names of ours
    "WHERE wake_at <= :now AND (wake_at, lead, pipeline) > (:wake_at, :lead, :pipeline) "
    "ORDER BY wake_at, lead, pipeline LIMIT :limit"
)


class Swept(NamedTuple):
    """A lead that time alone changed, or one that could not be looked at.

    Attributes:
        lead: Whose.
        pipeline: In which pipeline.
        saved: The lead as it is now, and what is new; None where it failed.
        error: Why it could not be looked at; it stays due, and the others are swept all the same.
    """

    lead: str
    pipeline: str
    saved: Saved | None
    error: LeadlifeError | None = None

    @property
    def new(self) -> tuple[Fact, ...]:
        """What the playbook concluded that is new; nothing where the lead could not be looked at."""
        return () if self.saved is None else self.saved.new


def sweep(context: StoreContext, now: datetime, *, batch: int) -> Iterator[Swept]:
    """Let time pass for every lead that is due, so many of them in one transaction."""
    last: tuple[Any, ...] = (-(2**63), "", "")
    while True:
        with context.database.reading() as session:
            values = dict(zip(("wake_at", "lead", "pipeline"), last, strict=True))
            due = session.select(_DUE, now=to_micros(now), limit=batch, **values)
            looked = [_looked_at(session, context, row, now) for row in due]
        yield from _saved(context, looked)
        if len(due) < batch:
            return
        last = tuple(due[-1][_COLUMNS.index(name)] for name in ("wake_at", "lead", "pipeline"))


class _Ticked(NamedTuple):
    loaded: Loaded
    journey: Journey


def _looked_at(session: Session, context: StoreContext, found: Sequence[Any], now: datetime) -> _Ticked | Swept:
    """Return a lead after time has passed, or why that cannot be said; one bad lead never stops the others."""
    try:
        row = LEADS.read(found)
        journey = load(session, context, row, tail=True)
        return _Ticked(Loaded(journey, row), journey.tick(now))
    except LeadlifeError as error:
        lead, pipeline = (str(found[_COLUMNS.index(name)]) for name in LEADS.key)
        return Swept(lead, pipeline, None, error)


def _saved(context: StoreContext, looked: Sequence[_Ticked | Swept]) -> Iterator[Swept]:
    """Save what was looked at, and yield what changed; where another worker was faster, nothing is saved."""
    try:
        swept = _in_one(context, looked)
    except VersionConflict:
        # The database gave way to another transaction and took back the whole batch: each is tried by itself.
        swept = []
        for one in looked:
            with suppress(VersionConflict):
                swept += _in_one(context, [one])
    failed: Exception | None = None
    for done in swept:  # all of them before any is yielded: the caller may stop anywhere
        if done.saved is not None:
            try:
                notify(context, done.saved)
            except Exception as error:  # noqa: BLE001 - it is the host's, and raised once the other leads are done
                failed = failed or error
    for done in swept:
        if done.saved is None or done.saved.new or done.saved.withdrawn:
            yield done
    if failed is not None:
        raise failed


def _in_one(context: StoreContext, looked: Iterable[_Ticked | Swept]) -> list[Swept]:
    """Save several leads in one transaction."""
    swept: list[Swept] = []
    with context.database.writing() as session:
        for one in looked:
            if isinstance(one, Swept):
                swept.append(one)
                continue
            with suppress(VersionConflict):
                saved = save(session, context, one.loaded, one.journey)
                swept.append(Swept(saved.state.lead, saved.state.pipeline, saved))
    return swept
