"""What if: history replayed under two playbooks, and what would have been otherwise.

The facts stay as they are: what people did, asked and sold is what it was. So a figure under another playbook is exact
only as far as nothing that it rests on was caused by the old one. Where it rests on calls, on what a person asked, or
on moves that people made, it is an estimate, and is marked so.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from leadlife.batch.causes import caused
from leadlife.batch.columns import Source
from leadlife.batch.difference_text import difference_text
from leadlife.batch.figures import DAY, WON
from leadlife.batch.partitions import write_facts
from leadlife.batch.replays import Progress, Replayed, replay
from leadlife.errors import Malformed
from leadlife.playbook.playbook import Playbook

TABLES = ("leads", "visits", "cycles", "grants", "derived")


class Certainty(StrEnum):
    """How far a figure under the other playbook can be trusted."""

    EXACT = "exact"
    ESTIMATED = "estimated"


class QualificationChange(NamedTuple):
    """What becomes of one qualification.

    Attributes:
        name: The qualification.
        granted_a: The leads that were ever granted it, under the first playbook.
        granted_b: The same under the second.
        both: Those under both.
        precision_a: The share of those granted that were won, afterwards or before; None where nobody was.
        precision_b: The same under the second.
        recall_a: The share of the won leads that were granted it before they were won.
        recall_b: The same under the second.
        days_before_a: The median time from the first grant to the win, in days.
        days_before_b: The same under the second.
        certainty: Whether the figures of the second are exact.
        why: What they rest on that the first playbook caused.
    """

    name: str
    granted_a: int
    granted_b: int
    both: int
    precision_a: float | None
    precision_b: float | None
    recall_a: float | None
    recall_b: float | None
    days_before_a: float | None
    days_before_b: float | None
    certainty: Certainty
    why: str


class StageLoad(NamedTuple):
    """What a stage asks of a team: how many leads came, how long they stayed, and how many deadlines passed.

    Attributes:
        stage: The stage.
        team: Whose it is, under the second playbook if it has the stage.
        entries_a: How many visits began.
        entries_b: The same under the second.
        a_week_a: The mean of them for a week of the observed time.
        a_week_b: The same under the second.
        days_a: The days that leads spent there, together.
        days_b: The same under the second.
        deadlines_a: How many of the visits had a time limit; each begins a deadline.
        deadlines_b: The same under the second.
        passed_a: How many limits time fired.
        passed_b: The same under the second.
        certainty: Whether the figures of the second are exact.
    """

    stage: str
    team: str
    entries_a: int
    entries_b: int
    a_week_a: float
    a_week_b: float
    days_a: float
    days_b: float
    deadlines_a: int
    deadlines_b: int
    passed_a: int
    passed_b: int
    certainty: Certainty


class WhatIf(NamedTuple):
    """The difference between two playbooks over the same facts.

    Attributes:
        a: The first playbook.
        b: The second.
        leads: How many journeys there are.
        won: How many leads have a win that stands, by the facts under the first playbook.
        qualifications: What becomes of each qualification.
        stages: What becomes of each stage.
        weeks: What began in each week: ``week``, ``what`` (``granted`` or ``entered``), ``name``, ``a`` and ``b``.
        differing: The journeys that come out otherwise: where they stand and what they hold, under both, and from when.
        set_aside: The journeys that could not be replayed under one of them, with the ``side`` and the reason. They
            count on neither side, so that the same leads are compared.
    """

    a: Playbook
    b: Playbook
    leads: int
    won: int
    qualifications: tuple[QualificationChange, ...]
    stages: tuple[StageLoad, ...]
    weeks: pa.Table
    differing: pa.Table
    set_aside: pa.Table

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values, ready for JSON; the tables as numbers of rows."""
        return {
            "a": str(self.a.ref),
            "b": str(self.b.ref),
            "leads": self.leads,
            "won": self.won,
            "differing": self.differing.num_rows,
            "set_aside": self.set_aside.to_pylist(),
            "qualifications": [one._asdict() for one in self.qualifications],
            "stages": [one._asdict() for one in self.stages],
        }

    def __str__(self) -> str:
        return difference_text(self)


def what_if(
    facts: Source,
    a: Playbook,
    b: Playbook,
    *,
    as_of: datetime | None = None,
    workers: int = 1,
    progress: Callable[[str, Progress], object] | None = None,
) -> WhatIf:
    """Replay the same facts under two playbooks, and return the difference.

    Args:
        facts: Where the facts come from: see ``fact_columns``.
        a: The first playbook, as a rule the one that was in force.
        b: The second.
        as_of: The end of observation; by default each journey's own latest fact.
        workers: How many processes fold beside one another.
        progress: Called with ``"a"`` or ``"b"`` and how far that replay is.

    Raises:
        Malformed: The facts are not such columns, or the two playbooks are the same.
        Unreadable: A file cannot be read.
    """
    if a.digest == b.digest:
        raise Malformed("the two playbooks are the same", hint="change one, and give it another version")
    if (a.id, a.version) == (b.id, b.version):
        raise Malformed(f"two different playbooks are called {a.ref}", hint="give one of them another version")
    with tempfile.TemporaryDirectory(prefix="leadlife-") as folder:
        if not isinstance(facts, str | Path | pa.Table):
            copy = Path(folder) / "facts.parquet"  # what can be read once only must serve twice
            write_facts(facts, copy)
            facts = copy
        sides: dict[str, Replayed] = {}
        for name, playbook in (("a", a), ("b", b)):
            sides[name] = replay(
                facts,
                playbook,
                under=playbook,
                as_of=as_of,
                tables=TABLES,
                out=Path(folder) / name,
                workers=workers,
                progress=None if progress is None else _naming(progress, name),
            )
        return _compared(sides, a, b)


def _naming(progress: Callable[[str, Progress], object], name: str) -> Callable[[Progress], object]:
    return lambda come: progress(name, come)


def _compared(sides: dict[str, Replayed], a: Playbook, b: Playbook) -> WhatIf:
    with duckdb.connect() as connection:
        for side, come in sides.items():
            for table in TABLES:
                connection.register(f"whole_{table}_{side}", come.dataset(table))
            connection.register(f"aside_{side}", come.set_aside)
        aside = connection.sql(_ASIDE).to_arrow_table()
        connection.execute(
            "CREATE TEMP TABLE out AS SELECT DISTINCT lead, pipeline FROM aside_a "
            "UNION SELECT lead, pipeline FROM aside_b"
        )
        for name in (f"{table}_{side}" for table in TABLES for side in sides):
            connection.execute(
                f"CREATE TEMP VIEW {name} AS SELECT * FROM whole_{name} ANTI JOIN out USING (lead, pipeline)"
            )
        connection.execute(f"CREATE TEMP TABLE won AS WITH {WON.format(side='_a')} SELECT * FROM won")
        zone = b.zone_info.key
        weeks = connection.sql(_WEEKS.format(zone=zone)).to_arrow_table()
        differing = connection.sql(_DIFFERING).to_arrow_table()
        span = _rows(connection, "SELECT (max(last_at) - min(first_at)) / 604800000000 FROM leads_a")[0][0]
        counted = _rows(connection, "SELECT (SELECT count(*) FROM leads_a), (SELECT count(*) FROM won)")[0]
        return WhatIf(
            a,
            b,
            counted[0],
            counted[1],
            tuple(_qualification(connection, name, a, b, counted[1]) for name in _names(connection, a, b)),
            tuple(_stages(connection, a, b, max(span or 0, 1))),
            weeks,
            differing,
            aside,
        )


def _rows(connection: duckdb.DuckDBPyConnection, query: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
    return connection.execute(query, values or []).fetchall()


_ASIDE = """
    SELECT 'a' AS side, * FROM aside_a UNION ALL SELECT 'b', * FROM aside_b ORDER BY lead, pipeline, side"""


def _names(connection: duckdb.DuckDBPyConnection, a: Playbook, b: Playbook) -> list[str]:
    """Return every qualification that is declared or was ever granted."""
    granted = _rows(connection, "SELECT DISTINCT name FROM (FROM grants_a UNION ALL FROM grants_b)")
    return sorted({row[0] for row in granted} | a.qualification_by_name.keys() | b.qualification_by_name.keys())


_WEEKS = """
    WITH begun AS (
        SELECT 'a' AS side, 'granted' AS what, name, granted AS at_us FROM grants_a
        UNION ALL SELECT 'b', 'granted', name, granted FROM grants_b
        UNION ALL SELECT 'a', 'entered', stage, entered FROM visits_a WHERE NOT passed
        UNION ALL SELECT 'b', 'entered', stage, entered FROM visits_b WHERE NOT passed
    ), dated AS (
        SELECT side, what, name, CAST(date_trunc('week', timezone('{zone}', make_timestamptz(at_us))) AS DATE) AS week
        FROM begun
    ), calendar AS (
        SELECT CAST(unnest(generate_series(min(week), max(week), INTERVAL 7 DAY)) AS DATE) AS week FROM dated
    )
    SELECT week, what, name, count(*) FILTER (WHERE side = 'a') AS a, count(*) FILTER (WHERE side = 'b') AS b
    FROM calendar CROSS JOIN (SELECT DISTINCT what, name FROM dated) LEFT JOIN dated USING (week, what, name)
    GROUP BY ALL ORDER BY ALL"""
"""Every week has a row for each name, also where nothing began: else a chart would go on with the week before."""

_DIFFERING = """
    WITH first_otherwise AS (
        SELECT lead, pipeline, min(at_us) AS since FROM (
            SELECT lead, pipeline, at_us FROM (
                (SELECT lead, pipeline, stage AS name, entered AS at_us FROM visits_a
                    EXCEPT ALL SELECT lead, pipeline, stage, entered FROM visits_b)
                UNION ALL
                (SELECT lead, pipeline, stage, entered FROM visits_b
                    EXCEPT ALL SELECT lead, pipeline, stage, entered FROM visits_a)
                UNION ALL
                (SELECT lead, pipeline, name, granted FROM grants_a
                    EXCEPT ALL SELECT lead, pipeline, name, granted FROM grants_b)
                UNION ALL
                (SELECT lead, pipeline, name, granted FROM grants_b
                    EXCEPT ALL SELECT lead, pipeline, name, granted FROM grants_a)
            )
        ) GROUP BY lead, pipeline
    )
    SELECT lead, pipeline, since, a.stage AS stage_a, b.stage AS stage_b, a.qualifications AS qualifications_a,
        b.qualifications AS qualifications_b
    FROM first_otherwise JOIN leads_a AS a USING (lead, pipeline) JOIN leads_b AS b USING (lead, pipeline)
    ORDER BY since, lead, pipeline"""

_GRANTED = f"""
    WITH first AS (
        SELECT lead, min(granted) FILTER (WHERE side = 'a') AS a, min(granted) FILTER (WHERE side = 'b') AS b
        FROM (SELECT 'a' AS side, * FROM grants_a UNION ALL SELECT 'b', * FROM grants_b) WHERE name = $1 GROUP BY lead
    )
    SELECT count(a), count(b), count(*) FILTER (WHERE a IS NOT NULL AND b IS NOT NULL),
        count(won_at) FILTER (WHERE a IS NOT NULL), count(won_at) FILTER (WHERE b IS NOT NULL),
        count(*) FILTER (WHERE a <= won_at), count(*) FILTER (WHERE b <= won_at),
        median((won_at - a) / {DAY}) FILTER (WHERE a <= won_at), median((won_at - b) / {DAY}) FILTER (WHERE b <= won_at)
    FROM first LEFT JOIN won USING (lead)"""


def _qualification(
    connection: duckdb.DuckDBPyConnection, name: str, a: Playbook, b: Playbook, won: int
) -> QualificationChange:
    in_a, in_b, both, won_a, won_b, before_a, before_b, days_a, days_b = _rows(connection, _GRANTED, [name])[0]
    why = caused(name, a, b)
    return QualificationChange(
        name,
        in_a,
        in_b,
        both,
        _share(won_a, in_a),
        _share(won_b, in_b),
        _share(before_a, won),
        _share(before_b, won),
        days_a,
        days_b,
        Certainty.ESTIMATED if why else Certainty.EXACT,
        why,
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


_STAGES = f"""
    SELECT stage,
        count(*) FILTER (WHERE side = 'a'), count(*) FILTER (WHERE side = 'b'),
        coalesce(sum(days) FILTER (WHERE side = 'a'), 0), coalesce(sum(days) FILTER (WHERE side = 'b'), 0)
    FROM (
        SELECT 'a' AS side, v.stage, (coalesce(v.ended, t.as_of) - v.entered) / {DAY} AS days
            FROM visits_a AS v JOIN leads_a AS t USING (lead, pipeline) WHERE NOT passed
        UNION ALL
        SELECT 'b', v.stage, (coalesce(v.ended, t.as_of) - v.entered) / {DAY}
            FROM visits_b AS v JOIN leads_b AS t USING (lead, pipeline) WHERE NOT passed
    ) GROUP BY stage"""

_FIRED = """
    SELECT v.stage, count(*) FROM visits_{side} AS v JOIN derived_{side} AS d
        ON d.lead = v.lead AND d.pipeline = v.pipeline AND d.kind = 'moved' AND d."at" = v.ended
    WHERE d.payload ->> '$.by.kind' = 'timer' GROUP BY v.stage"""


def _stages(connection: duckdb.DuckDBPyConnection, a: Playbook, b: Playbook, weeks: float) -> Iterable[StageLoad]:
    fired = {side: dict(_rows(connection, _FIRED.format(side=side))) for side in ("a", "b")}
    found = {row[0]: row[1:] for row in _rows(connection, _STAGES)}
    order = dict.fromkeys(stage.id for playbook in (b, a) for stage in playbook.lifecycle.stages)
    for stage in order:
        if stage not in found:
            continue
        in_a, in_b, days_a, days_b = found[stage]
        known = b.lifecycle.by_id.get(stage) or a.lifecycle.by_id[stage]
        limited = [stage in one.lifecycle.by_id and one.lifecycle.by_id[stage].limit is not None for one in (a, b)]
        yield StageLoad(
            stage,
            str(known.team),
            in_a,
            in_b,
            in_a / weeks,
            in_b / weeks,
            days_a,
            days_b,
            in_a if limited[0] else 0,
            in_b if limited[1] else 0,
            fired["a"].get(stage, 0),
            fired["b"].get(stage, 0),
            # How many come to the first stage depends on no playbook; all else follows from what people did under one.
            Certainty.EXACT if stage in (a.lifecycle.first.stage, b.lifecycle.first.stage) else Certainty.ESTIMATED,
        )
