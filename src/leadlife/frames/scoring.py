"""Scoring a frame of leads with the policies of a playbook."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import narwhals as nw
from narwhals.typing import IntoFrameT
from tqdm import tqdm

from leadlife._base.blanks import Blanks, DeclaredBlanks
from leadlife.errors import LeadlifeError, Malformed, did_you_mean
from leadlife.evaluation.drift import drift
from leadlife.frames.cells import RowFault, Table, eager, like, report
from leadlife.frames.reading import Reader
from leadlife.leads import Lead
from leadlife.playbook.playbook import Playbook
from leadlife.scoring import MICRO, LineKind, Score
from leadlife.scoring.learned.policy import Learned
from leadlife.scoring.policy import Policy
from leadlife.scoring.view import LeadView
from leadlife.timing import instant, zone_named

SHOWN_AFTER = 1.0
"""The seconds before progress is shown; a short run needs none."""


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
    blanks: Blanks = (),
    faults: list[RowFault] | None = None,
) -> IntoFrameT:
    """Return the leads with their scores and bands: the same kind of frame, with the same rows in the same order.

    Each policy adds a column with its name; a policy with bands adds a column with ``_band`` after the name. With
    ``ledger``, each policy also adds a column for each of its rules, such as ``engagement: demo`` and ``engagement: cap
    of web``, and a column with ``_why`` after the name, with the reason where there is no score. The columns of the
    rules add up to the score if the score is in points.

    A row that cannot be read or scored keeps its place with blank scores, and is a fault. Rows of activities that
    cannot be read or whose lead is missing are faults too, and so are fields that a policy reads and the frame lacks,
    and fields whose values have drifted from those that a policy was learned from (see ``leadlife.evaluation.drift``).

    Args:
        playbook: The playbook with the policies, the fields and the kinds of activity.
        leads: A frame with one row for each lead: the id, and columns for fields of the playbook; other columns are
            kept as they are. The columns ``channel``, ``lead_type`` and ``campaign`` are the lead's source, and
            ``identified`` is whether the lead is in the database, unless the playbook has fields with these names.
        activities: A frame with one row for each activity: the columns ``lead``, ``kind`` and ``at``, and optionally
            ``id``; each other column is an attribute.
        at: The instant of the scores. Activities after it have no effect.
        scores: The names of the policies; by default all.
        ledger: Whether to add the lines of the ledger.
        progress: Whether to show progress on standard error if it takes more than a second.
        id: The column of ``leads`` with the id.
        lead: The column of ``activities`` with the id of the lead.
        zone: The zone of dates and of instants without an offset; by default the zone of the playbook.
        blanks: Values that mean "not answered", for every column or by column; empty cells always do.
        faults: A list that collects what could not be read or scored; without it, one warning reports it.

    Raises:
        Malformed: An argument is not a data frame, lacks a column, or already has a column that would be added.
        UnknownName: The playbook has no policy of a name in ``scores``.
    """
    table, now = eager(leads, "leads"), instant(at)
    policies = _selected(playbook, scores)
    found = list(_missing_fields(playbook, policies, table))
    seen = None if activities is None else eager(activities, "activities")
    declared = DeclaredBlanks(blanks, [*table.columns, *(() if seen is None else seen.columns)])
    reader = Reader(playbook, zone_named(playbook.zone if zone is None else zone), found, declared)
    people = reader.leads(table, id)
    present = {person.id for person in people if person is not None}
    by_lead = {} if seen is None else reader.activities(seen, lead, present)
    rows: list[dict[str, Score]] = []
    for row, person in enumerate(tqdm(people, "scoring", unit=" leads", delay=SHOWN_AFTER, disable=not progress)):
        theirs = () if person is None else by_lead.get(person.id, ())
        rows.append({} if person is None else _scored(policies, LeadView(person, theirs, now), row, found))
    found += _silent(policies, rows)
    found += _drifted(policies, people)
    report(found, faults)
    return like(leads, _with_scores(table, policies, rows, ledger=ledger))  # type: ignore[no-any-return]


def _selected(playbook: Playbook, scores: Iterable[str] | None) -> list[Policy]:
    if not isinstance(playbook, Playbook):
        raise Malformed("score_frame needs a playbook", hint="pass one such as eight_stage().with_score(policy)")
    names = [policy.name for policy in playbook.scores] if scores is None else scores
    policies = [playbook.policy(name) for name in ([names] if isinstance(names, str) else names)]
    if not policies:
        raise Malformed("there is no policy to score with", hint="add one: playbook.with_score(policy)")
    return policies


def _missing_fields(playbook: Playbook, policies: Sequence[Policy], table: Table) -> Iterable[RowFault]:
    for policy in policies:
        for topic, name in dict.fromkeys(policy.inputs()):
            if topic == "field" and name in playbook.fields and name not in table.columns:
                hint = did_you_mean(name, table.columns)
                yield RowFault(
                    "leads",
                    None,
                    name,
                    f"score {policy.name!r} reads this field, and the frame has no such column ({hint})",
                )


def _silent(policies: Sequence[Policy], rows: Sequence[dict[str, Score]]) -> Iterator[RowFault]:
    """Yield a fault for each policy that answers for nobody, with its reason."""
    for policy in policies:
        scores = [row[policy.name] for row in rows if policy.name in row]
        why = next((score.why for score in scores if score.why), "it has no answer")
        if scores and not any(score.answered for score in scores):
            yield RowFault("leads", None, None, f"score {policy.name!r}: no lead has a score: {why}")


def _drifted(policies: Sequence[Policy], people: Sequence[Lead | None]) -> Iterator[RowFault]:
    """Yield a fault for each field whose values are not those that a policy was learned from."""
    leads = [person for person in people if person is not None]
    for policy in policies:
        if isinstance(policy, Learned) and policy.table.rows and leads:
            for moved in drift(policy, leads).fields:
                if moved.drifted:
                    yield RowFault("leads", None, moved.field, f"score {policy.name!r}: {moved}")


def _scored(policies: Sequence[Policy], view: LeadView, row: int, found: list[RowFault]) -> dict[str, Score]:
    scores: dict[str, Score] = {}
    for policy in policies:
        try:
            scores[policy.name] = policy.assess(view)
        except LeadlifeError as error:
            found.append(RowFault("leads", row, None, f"score {policy.name!r}: {error.message}"))
    return scores


def _with_scores(table: Table, policies: Sequence[Policy], rows: list[dict[str, Score]], *, ledger: bool) -> Table:
    added: dict[str, tuple[list[Any], type[nw.Float64 | nw.String]]] = {}
    for policy in policies:
        name = policy.name
        scores = [row.get(name) for row in rows]
        answered = [score if score is not None and score.answered else None for score in scores]
        added[name] = [None if score is None else score.value for score in answered], nw.Float64
        if policy.band_names():
            added[f"{name}_band"] = [None if score is None else score.band for score in answered], nw.String
        if ledger:
            lines = [None if score is None else _lines(score) for score in answered]
            # A rule without a line for a lead adds 0; a blank means that the lead has no score.
            for rule in sorted({rule for each in lines if each is not None for rule in each}):
                points = [None if each is None else each.get(rule, 0) / MICRO for each in lines]
                added[f"{name}: {rule}"] = points, nw.Float64
            added[f"{name}_why"] = [score.why or None if score is not None else None for score in scores], nw.String
    taken = sorted(set(added) & set(table.columns))
    if taken:
        raise Malformed(
            f"the leads already have a column {taken[0]!r}", hint="drop or rename the column, or rename the policy"
        )
    series = [
        nw.new_series(name, values, dtype, backend=table.implementation) for name, (values, dtype) in added.items()
    ]
    return table.with_columns(*series)


def _lines(score: Score) -> dict[str, int]:
    """Return the micropoints of each rule: the sum of its lines."""
    summed: dict[str, int] = {}
    for line in score.lines:
        name = f"cap of {line.rule}" if line.kind is LineKind.CAP else line.rule
        summed[name] = summed.get(name, 0) + line.micropoints
    return summed
