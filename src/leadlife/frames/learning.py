"""From a frame to what policies learn from: its fields, and its closed leads."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import narwhals as nw

from leadlife._base.outcomes import checked_outcomes
from leadlife.errors import LeadlifeError
from leadlife.frames.cells import RowFault, cells, demand, eager, moment, nameable, report, scalar
from leadlife.playbook.fields import FieldSpec, FieldType
from leadlife.scoring.learned.win_table import ClosedLead
from leadlife.timing import instant, zone_named


def fields_of(frame: Any, *columns: str) -> dict[str, FieldSpec]:
    """Return what a playbook is told of a frame's columns: ``playbook.with_fields(**fields_of(frame))``.

    Args:
        frame: The frame.
        columns: Which columns; by default all.

    Raises:
        Malformed: This is no frame, or there is no such column.
    """
    table = eager(frame, "leads")
    names = columns or tuple(table.columns)
    demand(table, "leads", names)
    return {name: FieldSpec(type=_kind(table.schema[name])) for name in names}


def _kind(dtype: nw.dtypes.DType) -> FieldType:
    if dtype == nw.Boolean:
        return FieldType.BOOLEAN
    if dtype.is_integer():
        return FieldType.INTEGER
    if dtype.is_numeric():
        return FieldType.NUMBER
    return FieldType.DATE if dtype == nw.Date else FieldType.TEXT


def closed_leads(
    frame: Any,
    *,
    won: str,
    closed: str | datetime,
    fields: Iterable[str],
    made: str | None = None,
    team: str | None = None,
    stage: str | None = None,
    zone: str = "UTC",
    faults: list[RowFault] | None = None,
) -> list[ClosedLead]:
    """Return the closed leads of a frame, one for each row that can be read.

    Args:
        frame: One row a lead.
        won: The column that says whether it was won: true or false, 1 or 0; a blank means that it is open, and such
            a row is passed over.
        closed: The column that says when it closed, or one instant for all, where that is not known.
        fields: The columns to learn from.
        made: The column that says when it came in.
        team: The column of its team.
        stage: The column of the stage in which it was lost.
        zone: The zone of instants without an offset and of dates.
        faults: Collects the rows that could not be read; without it, a warning tells.

    Raises:
        Malformed: This is no frame, or lacks a column.
    """
    table, where = eager(frame, "leads"), zone_named(zone)
    names = [fields] if isinstance(fields, str) else list(fields)
    nameable("leads", names)
    own = [column for column in (made, team, stage) if column is not None]
    demand(table, "leads", [won, *([closed] if isinstance(closed, str) else ()), *names, *own])
    columns = {name: cells(table, name) for name in {won, *names, *own, *([closed] if isinstance(closed, str) else ())}}
    found: list[RowFault] = []
    leads: list[ClosedLead] = []
    for row in range(len(table)):
        cell = {name: column[row] for name, column in columns.items()}
        if cell[won] is None:
            continue
        try:
            leads.append(
                ClosedLead(
                    won=checked_outcomes([cell[won]])[0] == 1,
                    closed=moment(cell[closed], where) if isinstance(closed, str) else instant(closed),
                    made=None if made is None or cell[made] is None else moment(cell[made], where),
                    team=None if team is None or cell[team] is None else str(cell[team]),
                    stage=None if stage is None or cell[stage] is None else str(cell[stage]),
                    values={name: scalar(cell[name]) for name in names},
                )
            )
        except LeadlifeError as error:
            found.append(RowFault("leads", row, None, error.message))
    report(found, faults)
    return leads
