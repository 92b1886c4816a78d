"""From a frame to the input of learned policies: its fields and its closed leads."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import narwhals as nw

from leadlife._base.blanks import Blanks, DeclaredBlanks
from leadlife._base.outcomes import checked_outcomes
from leadlife.errors import LeadlifeError, Malformed
from leadlife.frames.cells import RowFault, cell_instant, cells, demand, eager, nameable, report, scalar
from leadlife.playbook.fields import FieldSpec, FieldType
from leadlife.scoring.learned.win_table import ClosedLead
from leadlife.timing import instant, zone_named


def fields_of(frame: Any, *columns: str, blanks: Blanks = ()) -> dict[str, FieldSpec]:
    """Return the columns of a frame as fields of a playbook: ``playbook.with_fields(**fields_of(frame))``.

    Args:
        frame: The frame.
        columns: The columns; by default all.
        blanks: Values that mean "not answered", for every column or by column; they do not count for the type.

    Raises:
        Malformed: This is not a data frame, or a column is missing.
    """
    table = eager(frame, "leads")
    names = columns or tuple(table.columns)
    demand(table, "leads", names)
    declared = DeclaredBlanks(blanks, table.columns)
    return {name: FieldSpec(type=_kind(table.schema[name], cells(table, name, declared))) for name in names}


def _kind(dtype: nw.dtypes.DType, values: list[Any]) -> FieldType:
    """Return the type of a column. Where frames store objects or categories, the values decide."""
    known = [value for value in values if value is not None]
    plain_dtype = dtype == nw.Boolean or dtype.is_numeric() or dtype in (nw.Date, nw.Datetime, nw.String)
    if not plain_dtype and known:
        if all(isinstance(value, bool) for value in known):
            return FieldType.BOOLEAN
        if dtype == nw.Object and all(map(FieldType.DATE.accepts, known)):
            return FieldType.DATE  # objects of Python's date, which are cells as their ISO text
        # From the narrowest: a column of whole numbers is one of numbers too. In a column of numbers, True is 1.
        numbers = [int(value) if isinstance(value, bool) else value for value in known]
        kinds = (FieldType.INTEGER, FieldType.NUMBER)
        return next((kind for kind in kinds if all(map(kind.accepts, numbers))), FieldType.TEXT)
    if dtype.is_float() and known and all(isinstance(value, int) for value in known) and len(known) < len(values):
        return FieldType.INTEGER  # whole numbers, which a blank made floats
    if dtype == nw.Boolean:
        return FieldType.BOOLEAN
    if dtype.is_integer():
        return FieldType.INTEGER
    if dtype.is_numeric():
        return FieldType.NUMBER
    days = dtype == nw.Datetime and bool(known) and all(FieldType.DATE.accepts(scalar(value)) for value in known)
    return FieldType.DATE if dtype == nw.Date or days else FieldType.TEXT


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
    blanks: Blanks = (),
    faults: list[RowFault] | None = None,
) -> list[ClosedLead]:
    """Return the closed leads of a frame, one for each row that can be read.

    Args:
        frame: A frame with one row for each lead.
        won: The column of outcomes: true or 1 if the lead was won, else false or 0. A row with a blank is an open lead
            and is skipped.
        closed: The column of the instants at which the leads closed, or one instant for all leads.
        fields: The columns to learn from.
        made: The column of the instants at which the leads came in.
        team: The column of the leads' teams.
        stage: The column of the stages in which leads were lost.
        zone: The zone of dates and of instants without an offset.
        blanks: Values that mean "not answered", for every column or by column; empty cells always do.
        faults: A list that collects the rows that could not be read; without it, one warning reports them.

    Raises:
        Malformed: This is not a data frame, or it lacks a column.
    """
    table, zone_info = eager(frame, "leads"), zone_named(zone)
    names = [fields] if isinstance(fields, str) else list(fields)
    nameable("leads", names)
    other = [
        column for column in (made, team, stage, closed if isinstance(closed, str) else None) if column is not None
    ]
    demand(table, "leads", [won, *names, *other])
    declared = DeclaredBlanks(blanks, table.columns)
    columns = {name: cells(table, name, declared, asked=name in names) for name in {won, *names, *other}}
    outcomes = _outcomes(won, columns[won])
    at_once = None if isinstance(closed, str) else instant(closed)
    found: list[RowFault] = []
    leads: list[ClosedLead] = []
    for row in range(len(table)):  # row by row, so that one faulty row does not hide the others
        cell = {name: column[row] for name, column in columns.items()}
        if outcomes[row] is None:
            continue
        try:
            leads.append(
                ClosedLead(
                    won=checked_outcomes([outcomes[row]])[0] == 1,
                    closed=at_once or cell_instant(cell[str(closed)], zone_info),
                    made=None if made is None or cell[made] is None else cell_instant(cell[made], zone_info),
                    team=None if team is None or cell[team] is None else str(cell[team]),
                    stage=None if stage is None or cell[stage] is None else str(cell[stage]),
                    values={name: scalar(cell[name]) for name in names},
                )
            )
        except LeadlifeError as error:
            found.append(RowFault("leads", row, None, error.message))
    report(found, faults)
    return leads


_WORDS = {"true": 1, "yes": 1, "y": 1, "won": 1, "1": 1, "false": 0, "no": 0, "n": 0, "lost": 0, "0": 0}


def _outcomes(column: str, values: list[Any]) -> list[Any]:
    """Return outcomes as they are.

    Raises:
        Malformed: No outcome is true or false; where they are words, the hint says what to pass.
    """
    known = [value for value in values if value is not None]
    texts = {value for value in known if isinstance(value, str)}
    if known and len(texts) == len(set(known)):
        won = sorted(text for text in texts if _WORDS.get(text.strip().casefold()) == 1)
        shown = ", ".join(map(repr, sorted(texts)[:4]))
        raise Malformed(
            f"the outcomes in column {column!r} are words: {shown}",
            hint=f"pass a column that is true for won leads, such as frame[{column!r}] == {(won or ['won'])[0]!r}",
        )
    return values
