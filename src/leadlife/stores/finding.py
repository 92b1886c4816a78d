"""Work lists: leads by their current state, in the order of their keys, without replaying anybody."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, NamedTuple

from leadlife._base.arguments import listed
from leadlife.errors import Malformed
from leadlife.lifecycle.stages import StageStatus
from leadlife.stores.agreements import Agreements
from leadlife.stores.checking import limit_of, text_of
from leadlife.stores.database import Session, read
from leadlife.stores.lead_state import LeadState
from leadlife.stores.tables import HELD, LEADS, to_micros
from leadlife.timing import instant

MOST_VALUES = 500
"""So many stages, statuses or owners may be asked for at once."""

Several = str | Iterable[str] | None
"""One value, several, or None for any."""


class Wanted(NamedTuple):
    """Which leads are asked for; None stands for any.

    Attributes:
        pipeline: In which pipeline.
        stage: In which stage, or one of several.
        status: In which status.
        owner: Whose.
        qualification: Which qualification they hold.
        playbook: The id of the playbook in force.
        due_by: Those that time alone changes by then.
        erased: Whether tombstones are listed too.
        merged: Whether leads that go on as others are listed too.
    """

    pipeline: str | None = None
    stage: Several = None
    status: Several = None
    owner: Several = None
    qualification: str | None = None
    playbook: str | None = None
    due_by: datetime | None = None
    erased: bool = False
    merged: bool = False

    def where(self) -> tuple[str, dict[str, Any]]:
        """Return the condition in SQL, and its parameters."""
        values: dict[str, Any] = {}
        hidden = (("erased_at", self.erased), ("merged_into", self.merged))
        parts = [f"{column} IS NULL" for column, listed_too in hidden if not listed_too]
        for column, asked in (("stage", self.stage), ("status", self.status), ("owner", self.owner)):
            values_of = several(column, asked)
            if values_of is not None:
                names = {f"{column}{place}": value for place, value in enumerate(values_of)}
                parts.append(f"{column} IN ({', '.join(f':{name}' for name in names)})" if names else "1 = 0")
                values |= names
        for column, value in (("pipeline", self.pipeline), ("playbook", self.playbook)):
            if value is not None:
                parts.append(f"{column} = :{column}")
                values[column] = text_of(column, value)
        if self.due_by is not None:
            parts.append("wake_at <= :due_by")
            values["due_by"] = to_micros(instant(self.due_by))
        if self.qualification is not None:
            parts.append(
                f"(lead, pipeline) IN (SELECT lead, pipeline FROM {HELD.name} WHERE name = :qualification)"  # noqa: S608
            )
            values["qualification"] = text_of("qualification", self.qualification)
        return " AND ".join(parts) or "1 = 1", values


def several(name: str, asked: Several) -> tuple[str, ...] | None:
    """Return the values that are asked for; None for any.

    Raises:
        Malformed: A value is not text, or not a status.
    """
    if asked is None:
        return None
    given = (asked,) if isinstance(asked, str) else listed(name, asked)
    if len(given) > MOST_VALUES:
        raise Malformed(f"{name} has {len(given)} values, and may have {MOST_VALUES}", hint="ask more than once")
    values = tuple(text_of(name, value) for value in given)
    if name == "status":
        for value in values:
            if value not in set(StageStatus):
                raise Malformed(f"{value!r} is not a status", hint=f"one of {', '.join(StageStatus)}")
    return values


def checked(session: Session, wanted: Wanted, agreements: Agreements) -> Wanted:
    """Return what is asked for, once its names are found in a playbook of the store: a typing error finds nobody.

    Raises:
        UnknownName: No playbook declares a name.
    """
    stages = several("stage", wanted.stage)
    agreements.check_names(session, "stage", stages or ())
    for what, name in (("qualification", wanted.qualification), ("playbook", wanted.playbook)):
        agreements.check_names(session, what, () if name is None else (text_of(what, name),))
    return wanted._replace(stage=stages)


def find(
    session: Session, wanted: Wanted, *, after: LeadState | tuple[str, str] | None, limit: int
) -> tuple[LeadState, ...]:
    """Return a page of leads in the order of their keys (lead, then pipeline)."""
    where, values = wanted.where()
    if after is not None:
        key: Any = after.key if isinstance(after, LeadState) else after
        if not isinstance(key, tuple) or len(key) != 2:  # noqa: PLR2004 - a lead and a pipeline
            raise Malformed(
                "after must be the last lead of the page before", hint="or its lead and pipeline as a tuple"
            )
        where += " AND (lead, pipeline) > (:after_lead, :after_pipeline)"
        values |= {"after_lead": text_of("after", key[0]), "after_pipeline": text_of("after", key[1])}
    rest = f"WHERE {where} ORDER BY lead, pipeline LIMIT :limit"
    values["limit"] = limit_of("limit", limit)
    return tuple(LeadState.of(row) for row in read(session, LEADS, rest, **values))


def live(open_session: Callable[[], AbstractContextManager[Session]], wanted: Wanted) -> Iterator[LeadState]:
    """Yield every lead that is asked for, in the order of the keys, with a session for each page."""
    last: LeadState | None = None
    while True:
        with open_session() as session:
            page = find(session, wanted, after=last, limit=500)
        yield from page
        if not page:
            return
        last = page[-1]


def count(session: Session, wanted: Wanted) -> dict[tuple[str, str | None], int]:
    """Return how many leads there are, by pipeline and stage."""
    where, values = wanted.where()
    sql = f"SELECT pipeline, stage, COUNT(*) FROM {LEADS.name} WHERE {where} GROUP BY pipeline, stage"  # noqa: S608
    return {(row[0], row[1]): int(row[2]) for row in session.select(sql, **values)}
