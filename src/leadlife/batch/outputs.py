"""What a replay gives, as columns: where leads stand, their visits, cycles, qualifications, conclusions and scores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

import pyarrow as pa

from leadlife.batch.columns import FACT_SCHEMA, instant_column
from leadlife.batch.rows import micros, row_of
from leadlife.errors import PolicyError
from leadlife.facts import LOG_ACTS
from leadlife.journey import FactStatus, Journey

_WHO = [pa.field("lead", pa.string(), nullable=False), pa.field("pipeline", pa.string(), nullable=False)]
_WORDS = pa.list_(pa.string())

LEADS: pa.Schema = pa.schema(
    [
        *_WHO,
        pa.field("playbook", pa.string()),
        pa.field("version", pa.string()),
        pa.field("stage", pa.string()),
        pa.field("status", pa.string()),
        instant_column("entered"),
        pa.field("cycle", pa.int32()),
        pa.field("cycles", pa.int32()),
        pa.field("high_water", pa.string()),
        pa.field("readiness", pa.string()),
        pa.field("owner", pa.string()),
        pa.field("qualifications", _WORDS),
        pa.field("facts", pa.int64()),
        pa.field("refused", pa.int64()),
        instant_column("first_at"),
        instant_column("last_at"),
        instant_column("as_of"),
        instant_column("wake_at"),
        pa.field("problem", pa.string()),
    ]
)
"""One row a journey, with where it stands and when time alone changes something next.

A journey that was set aside has a row as well, with blanks and the reason in ``problem``.
"""

VISITS: pa.Schema = pa.schema(
    [
        *_WHO,
        pa.field("visit", pa.int32()),
        pa.field("stage", pa.string()),
        pa.field("status", pa.string()),
        instant_column("entered"),
        instant_column("ended"),
        pa.field("cycle", pa.int32()),
        pa.field("kind", pa.string()),
        pa.field("passed", pa.bool_()),
        pa.field("reason", pa.string()),
    ]
)
"""One row a visit of a stage, in order from 1; ``ended`` is blank while it lasts."""

CYCLES: pa.Schema = pa.schema(
    [
        *_WHO,
        pa.field("cycle", pa.int32()),
        instant_column("opened"),
        instant_column("ended"),
        pa.field("outcome", pa.string()),
        pa.field("channel", pa.string()),
        pa.field("lead_type", pa.string()),
        pa.field("campaign", pa.string()),
        pa.field("high_water", pa.string()),
        pa.field("reentry_from", pa.string()),
    ]
)
"""One row a buying episode; ``outcome`` is blank while it runs."""

QUALIFICATIONS: pa.Schema = pa.schema(
    [
        *_WHO,
        pa.field("name", pa.string()),
        instant_column("granted"),
        instant_column("expires"),
        pa.field("by", pa.string()),
        pa.field("evidence", _WORDS),
    ]
)
"""One row a qualification that is held."""

GRANTS: pa.Schema = pa.schema(
    [
        *_WHO,
        pa.field("name", pa.string()),
        instant_column("granted"),
        instant_column("ended"),
        pa.field("by", pa.string()),
    ]
)
"""One row a time that a qualification was granted; ``ended`` is blank while it is held."""

REFUSALS: pa.Schema = pa.schema(
    [
        *_WHO,
        pa.field("id", pa.string()),
        pa.field("kind", pa.string()),
        instant_column("at"),
        pa.field("why", pa.string()),
    ]
)
"""One row a fact that the playbook refused, with the first reason; the fact is kept, and did not move the lead."""

SCORES: pa.Schema = pa.schema(
    [
        *_WHO,
        pa.field("policy", pa.string()),
        pa.field("version", pa.string()),
        pa.field("micropoints", pa.int64()),
        pa.field("value", pa.float64()),
        pa.field("band", pa.string()),
        pa.field("why", pa.string()),
    ]
)
"""One row a score; a lead without one has blanks, and ``why`` says why. The value of a probability is one."""

SET_ASIDE: pa.Schema = pa.schema([*_WHO, pa.field("facts", pa.int64()), pa.field("reason", pa.string())])
"""One row a journey that could not be replayed, with the number of its facts and the reason."""


class Asked(NamedTuple):
    """What is asked of each journey.

    Attributes:
        as_of: As of when; None for its own latest fact.
        tables: Which tables are wanted.
        scores: Which policies are scored.
    """

    as_of: datetime | None
    tables: tuple[str, ...]
    scores: tuple[str, ...]


Row = tuple[Any, ...]


def _leads(journey: Journey, asked: Asked) -> Iterator[Row]:  # noqa: ARG001 - the signature of all of these
    playbook, facts, cycle, visits = journey.playbook, journey.facts, journey.cycle, journey.visits
    wake = journey.wake_at
    yield (
        playbook.id,
        playbook.version,
        journey.stage,
        journey.status,
        micros(visits[-1].entered) if visits else None,
        None if cycle is None else cycle.number,
        len(journey.cycles),
        journey.high_water,
        journey.readiness,
        journey.owner,
        sorted(journey.qualifications),
        len(facts),
        sum(entry.status == "refused" for entry in journey.log),
        min((micros(fact.at) for fact in facts), default=None),
        max((micros(fact.at) for fact in facts), default=None),
        _micros(journey.at),
        None if wake is None else micros(wake.at),
        None,
    )


def _visits(journey: Journey, asked: Asked) -> Iterator[Row]:  # noqa: ARG001
    for number, one in enumerate(journey.visits, 1):
        ended = _micros(one.left)
        yield number, one.stage, one.status, micros(one.entered), ended, one.cycle, one.kind, one.passed, one.reason


def _cycles(journey: Journey, asked: Asked) -> Iterator[Row]:  # noqa: ARG001
    for one in journey.cycles:
        source = one.source
        origin = (None, None, None) if source is None else (source.channel, source.lead_type, source.campaign)
        times = micros(one.opened), _micros(one.ended)
        yield one.number, *times, one.outcome, *origin, one.high_water, one.reentry_from


def _qualifications(journey: Journey, asked: Asked) -> Iterator[Row]:  # noqa: ARG001
    for name, one in sorted(journey.qualifications.items()):
        yield name, micros(one.granted), _micros(one.expires), one.by, list(one.evidence)


def _grants(journey: Journey, asked: Asked) -> Iterator[Row]:  # noqa: ARG001
    for one in journey.grants:
        yield one.name, micros(one.granted), _micros(one.ended), one.by


def _refusals(journey: Journey, asked: Asked) -> Iterator[Row]:  # noqa: ARG001
    for entry in journey.log:
        if entry.refusals:
            first = entry.refusals[0]
            yield entry.fact.id, entry.fact.type, micros(entry.fact.at), f"{first.message} ({first.hint})"


def _derived(journey: Journey, asked: Asked) -> Iterator[Row]:  # noqa: ARG001
    for fact in journey.derived:
        yield row_of(fact)[2:]


def _scores(journey: Journey, asked: Asked) -> Iterator[Row]:
    at = journey.at if asked.as_of is None else asked.as_of
    if at is None or not any(entry.status in _FOLDED and not isinstance(entry.fact, LOG_ACTS) for entry in journey.log):
        return  # nothing is known of the lead
    for name in asked.scores:
        policy = journey.playbook.policy(name)
        try:
            score = journey.score(name, at=at)
        except PolicyError as error:
            yield name, policy.version, None, None, None, error.message
            continue
        if score.answered:
            yield name, score.version, score.micropoints, score.value, score.band, None
        else:
            yield name, score.version, None, None, None, score.why


_FOLDED = (FactStatus.STANDS, FactStatus.REFUSED, FactStatus.REDUNDANT, FactStatus.PENDING)


def _micros(at: datetime | None) -> int | None:
    return None if at is None else micros(at)


TABLES: dict[str, tuple[pa.Schema, Callable[[Journey, Asked], Iterator[Row]]]] = {
    "leads": (LEADS, _leads),
    "visits": (VISITS, _visits),
    "cycles": (CYCLES, _cycles),
    "qualifications": (QUALIFICATIONS, _qualifications),
    "grants": (GRANTS, _grants),
    "refusals": (REFUSALS, _refusals),
    "derived": (FACT_SCHEMA, _derived),
    "scores": (SCORES, _scores),
}
"""The tables that a replay gives, each with its columns and how the rows of a journey are made."""


def schema_of(name: str) -> pa.Schema:
    """Return the columns of a table that a replay gives."""
    return SET_ASIDE if name == "set_aside" else TABLES[name][0]


class Output:
    """The rows of some tables, which grow journey by journey.

    Attributes:
        asked: What is asked of each journey.
        leads: How many journeys were added.
        facts: How many facts those have.
        left_out: How many journeys were set aside.
        later: How many begin after the instant that was asked for.
    """

    def __init__(self, asked: Asked) -> None:
        self.asked: Asked = asked
        self.leads: int = 0
        self.facts: int = 0
        self.left_out: int = 0
        self.later: int = 0
        self._rows: dict[str, list[Row]] = {name: [] for name in asked.tables}
        self._aside: list[Row] = []

    def add(self, journey: Journey, facts: int) -> None:
        """Add the rows of a journey; all of its tables or none.

        Raises:
            LeadlifeError: It cannot be asked for one of them.
        """
        who = journey.lead_id, journey.pipeline
        rows = {name: [(*who, *row) for row in TABLES[name][1](journey, self.asked)] for name in self.asked.tables}
        for name, some in rows.items():
            self._rows[name] += some
        self.leads += 1
        self.facts += facts

    def set_aside(self, lead: str, pipeline: str, facts: int, reason: str) -> None:
        """Note that a journey could not be replayed, and why."""
        self.left_out += 1
        self._aside.append((lead, pipeline, facts, reason))
        if "leads" in self._rows:
            blank = dict.fromkeys(LEADS.names)
            self._rows["leads"].append(tuple({**blank, **_problem(lead, pipeline, facts, reason)}.values()))

    @property
    def held(self) -> int:
        """How many rows are held."""
        return sum(map(len, self._rows.values()))

    def take(self) -> dict[str, pa.Table]:
        """Return the tables so far, and begin new ones."""
        taken = {name: table_of(TABLES[name][0], rows) for name, rows in self._rows.items()}
        taken["set_aside"] = table_of(SET_ASIDE, self._aside)
        self._rows = {name: [] for name in self._rows}
        self._aside = []
        return taken


def _problem(lead: str, pipeline: str, facts: int, reason: str) -> dict[str, object]:
    return {"lead": lead, "pipeline": pipeline, "facts": facts, "problem": reason}


def table_of(schema: pa.Schema, rows: Iterable[Row]) -> pa.Table:
    """Return rows as a table."""
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
