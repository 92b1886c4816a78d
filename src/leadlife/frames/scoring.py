"""Scoring a frame of leads with the policies of a playbook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import narwhals as nw
from narwhals.typing import IntoFrameT
from tqdm import tqdm

from leadlife.errors import LeadlifeError, Malformed, did_you_mean
from leadlife.frames.cells import RowFault, Table, eager, like, report
from leadlife.frames.reading import Reader
from leadlife.playbook.playbook import Playbook
from leadlife.scoring import MICRO, Score, Sort
from leadlife.scoring.policy import Policy
from leadlife.scoring.view import ScoringView
from leadlife.timing import instant, zone_named

SHOWN_AFTER = 1.0
"""Seconds before progress is shown: who waits no longer needs none."""


def score_frame(
    playbook: Playbook,
    leads: IntoFrameT,
    activities: Any = None,
    *,
    at: datetime,
    scores: Iterable[str] | None = None,
    ledger: bool = False,
    progress: bool = True,
    id: str = "id",  # noqa: A002 - the column is called that
    lead: str = "lead",
    zone: str | None = None,
    faults: list[RowFault] | None = None,
) -> IntoFrameT:
    """Return the leads with their scores and bands: the same kind of frame, the same rows in the same order.

    Each policy adds a column of its name, and one with ``_band`` after it if it has bands. With ``ledger`` it also adds
    a column for each of its rules, such as ``engagement: demo`` and ``engagement: cap of web``, which add up to the
    score where that is in points, and one with ``_why`` after it that says why there is no score.

    A row that cannot be read or scored keeps its place with blank scores, and its fault is collected. So are rows of
    activities that cannot be read or whose lead is not there, and fields that a policy reads and the frame lacks.

    Args:
        playbook: Whose policies score, and which says what fields and activities there are.
        leads: One row a lead: its id, and a column for each field of the playbook that is known; others are passed on.
            Columns ``channel``, ``lead_type``, ``campaign`` and ``identified`` tell the lead's source, and whether it
            is in the database, unless the playbook has fields of these names.
        activities: One row an activity: columns ``lead``, ``kind`` and ``at``, perhaps ``id``; every other column is an
            attribute.
        at: The instant. Activities after it have no effect.
        scores: Which policies; by default all.
        ledger: Whether to tell the lines too.
        progress: Whether to show progress, on standard error, when it takes more than a second.
        id: The column of ``leads`` that holds the id.
        lead: The column of ``activities`` that holds it.
        zone: The zone of instants without an offset and of dates; by default the playbook's.
        faults: Collects what could not be read or scored; without it, a warning tells.

    Raises:
        Malformed: A frame is none, lacks a column that it needs, or already has one that would be added.
        UnknownName: The playbook has no such policy.
    """
    table, now = eager(leads, "leads"), instant(at)
    policies = _wanted(playbook, scores)
    found = list(_lacking(playbook, policies, table))
    reader = Reader(playbook, zone_named(playbook.zone if zone is None else zone), found)
    people = reader.leads(table, id)
    present = {person.id for person in people if person is not None}
    done = {} if activities is None else reader.activities(eager(activities, "activities"), lead, present)
    rows: list[dict[str, Score]] = []
    for place, person in enumerate(tqdm(people, "scoring", unit=" leads", delay=SHOWN_AFTER, disable=not progress)):
        seen = () if person is None else done.get(person.id, ())
        rows.append({} if person is None else _scored(policies, ScoringView(person, seen, now), place, found))
    report(found, faults)
    return like(leads, _with_scores(table, policies, rows, ledger=ledger))  # type: ignore[no-any-return]


def _wanted(playbook: Playbook, scores: Iterable[str] | None) -> list[Policy]:
    if not isinstance(playbook, Playbook):
        raise Malformed("leads are scored by a playbook", hint="eight_stage().with_score(policy)")
    names = [policy.name for policy in playbook.scores] if scores is None else scores
    policies = [playbook.policy(name) for name in ([names] if isinstance(names, str) else names)]
    if not policies:
        raise Malformed("there is no policy to score by", hint="playbook.with_score(policy)")
    return policies


def _lacking(playbook: Playbook, policies: Sequence[Policy], table: Table) -> Iterable[RowFault]:
    for policy in policies:
        for sort, name in dict.fromkeys(policy.inputs()):
            if sort == "field" and name in playbook.fields and name not in table.columns:
                hint = did_you_mean(name, table.columns)
                yield RowFault(
                    "leads", None, name, f"score {policy.name!r} reads this, and there is no such column ({hint})"
                )


def _scored(policies: Sequence[Policy], sight: ScoringView, row: int, found: list[RowFault]) -> dict[str, Score]:
    scores: dict[str, Score] = {}
    for policy in policies:
        try:
            scores[policy.name] = policy.assess(sight)
        except LeadlifeError as error:
            found.append(RowFault("leads", row, None, f"score {policy.name!r}: {error.message}"))
    return scores


def _with_scores(table: Table, policies: Sequence[Policy], rows: list[dict[str, Score]], *, ledger: bool) -> Table:
    added: dict[str, tuple[list[Any], type[nw.Float64 | nw.String]]] = {}
    for policy in policies:
        name = policy.name
        told = [row.get(name) for row in rows]
        answered = [score if score is not None and score.answered else None for score in told]
        added[name] = [None if score is None else score.value for score in answered], nw.Float64
        if policy.band_names():
            added[f"{name}_band"] = [None if score is None else score.band for score in answered], nw.String
        if ledger:
            lines = [None if score is None else _lines(score) for score in answered]
            for rule in sorted({rule for each in lines if each is not None for rule in each}):
                points = [None if each is None else each.get(rule, 0) / MICRO for each in lines]
                added[f"{name}: {rule}"] = points, nw.Float64
            added[f"{name}_why"] = [score.why or None if score is not None else None for score in told], nw.String
    taken = sorted(set(added) & set(table.columns))
    if taken:
        raise Malformed(f"the leads have a column {taken[0]!r} already", hint="drop or rename it, or the policy")
    series = [
        nw.new_series(name, values, dtype, backend=table.implementation) for name, (values, dtype) in added.items()
    ]
    return table.with_columns(*series)


def _lines(score: Score) -> dict[str, int]:
    """Return the micropoints of each rule, all its lines added up."""
    summed: dict[str, int] = {}
    for line in score.lines:
        name = f"cap of {line.rule}" if line.sort is Sort.CAP else line.rule
        summed[name] = summed.get(name, 0) + line.micropoints
    return summed
