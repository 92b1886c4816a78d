"""Reading frames of leads and activities; a row that cannot be read is a fault, and the others are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, TypeAdapter, ValidationError

from leadlife._base.blanks import DeclaredBlanks
from leadlife._base.model import Label
from leadlife._base.numbers import plain
from leadlife.criteria import Scalar
from leadlife.errors import LeadlifeError
from leadlife.frames.cells import RowFault, Table, cell_instant, cells, demand, lead_id, scalar
from leadlife.leads import Activity, ActivityKind, Lead, Source
from leadlife.playbook.fields import FieldType
from leadlife.playbook.playbook import Playbook

SOURCE = ("channel", "lead_type", "campaign")
IDENTIFIED = "identified"
_NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d{1,15})?", re.ASCII)
R = TypeVar("R")
_ATTRIBUTES: TypeAdapter[dict[str, Scalar]] = TypeAdapter(dict[Label, Scalar], config=ConfigDict(strict=True))


class _CellError(Exception):
    """The reason why a cell cannot be read, with its column."""

    def __init__(self, column: str | None, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason


class Reader:
    """A reader of frames for the fields and activity kinds of a playbook; it collects the faults."""

    def __init__(self, playbook: Playbook, zone: ZoneInfo, faults: list[RowFault], blanks: DeclaredBlanks) -> None:
        """Create a reader.

        Args:
            playbook: The playbook with the fields and kinds of activity.
            zone: The zone of wall times.
            faults: The list that collects the faults.
            blanks: Values that mean "not answered", for every column or by column.
        """
        self._playbook = playbook
        self._zone = zone
        self._faults = faults
        self._blanks = blanks

    def leads(self, table: Table, id: str) -> list[Lead | None]:  # noqa: A002 - the column is called that
        """Return a lead for each row, or None for a row with a fault.

        Raises:
            Malformed: The column of ids is missing.
        """
        demand(table, "leads", [id])
        declared = self._playbook.fields
        # A field of the playbook takes precedence over a column of the same name that would give the source.
        special = {name for name in (IDENTIFIED, *SOURCE) if name not in declared}
        used = [name for name in table.columns if name == id or name in declared or name in special]
        columns = {name: cells(table, name, self._blanks, asked=name in declared) for name in used}
        for name in declared.keys() & columns.keys():
            columns[name] = _in_kind(columns[name], declared[name].type)
        first: dict[str, int] = {}
        people: list[Lead | None] = []
        for row in range(len(table)):
            try:
                people.append(self._lead({name: column[row] for name, column in columns.items()}, id, first, row))
            except _CellError as fault:
                self._faults.append(RowFault("leads", row, fault.column, fault.reason))
                people.append(None)
        return people

    def _lead(self, row: dict[str, Any], id: str, first: dict[str, int], place: int) -> Lead:  # noqa: A002
        key = _read(id, lead_id, row[id])
        if first.setdefault(key, place) != place:
            raise _CellError(id, f"this id is already on row {first[key]}")
        declared = self._playbook.fields
        values = {name: scalar(row[name]) for name in row if name in declared}
        for name, value in values.items():
            _read(name, partial(self._playbook.fits, name), value)  # it raises if the value does not fit
        source = {name: row[name] for name in SOURCE if name in row and name not in declared and row[name] is not None}
        identified = IDENTIFIED in row and IDENTIFIED not in declared and row[IDENTIFIED]
        return _read(
            None,
            Lead.checked,
            {
                "id": key,
                "fields": {name: value for name, value in values.items() if value is not None},
                "source": _read(None, Source.checked, source) if source else None,
                "identified": identified or False,
            },
        )

    def activities(self, table: Table, lead: str, present: Collection[str]) -> dict[str, list[Activity]]:
        """Return the activities by the id of the lead.

        Args:
            table: The frame.
            lead: The column of the lead's id.
            present: The ids of the leads that could be read.

        Raises:
            Malformed: A column is missing.
        """
        demand(table, "activities", [lead, "kind", "at"])
        special = (lead, "id", "kind", "at")
        columns = {name: cells(table, name, self._blanks, asked=name not in special) for name in table.columns}
        done: dict[str, list[Activity]] = {}
        for row in range(len(table)):
            cell = {name: column[row] for name, column in columns.items() if column[row] is not None}
            try:
                key = _read(lead, lead_id, cell.pop(lead, None))
                if key not in present:
                    raise _CellError(lead, "no lead of this id could be read")  # noqa: TRY301 - reported like the faults of other cells
                done.setdefault(key, []).append(self._activity(cell, row))
            except _CellError as fault:
                self._faults.append(RowFault("activities", row, fault.column, fault.reason))
        return done

    def _activity(self, cell: dict[str, Any], row: int) -> Activity:
        kind, when, name = (cell.pop(column, None) for column in ("kind", "at", "id"))
        if not isinstance(kind, str) or kind not in self._playbook.activity_kinds:
            raise _CellError("kind", "the kind is blank" if kind is None else f"activity {kind!r} is not declared")
        at = _read("at", partial(cell_instant, zone=self._zone), when)
        return _read(
            None,
            Activity.checked,
            {
                "id": None if name is None else _read("id", lead_id, name),
                "kind": kind,
                "at": at,
                "attributes": dict(self._attributes(self._playbook.activity_kinds[kind], cell, row)),
            },
        )

    def _attributes(self, kind: ActivityKind, cell: dict[str, Any], row: int) -> Iterator[tuple[str, Any]]:
        """Yield the attributes that can be kept; each of the others is a fault of its own, and the rest is not lost."""
        for name, value in cell.items():
            try:
                [read] = _in_kind([value], kind.attributes.get(name))
                kept = _ATTRIBUTES.validate_python({name: scalar(read)})
            except (ValidationError, LeadlifeError):
                reason: str | None = "cannot be an attribute: a name or a value is not plain text or a number"
            else:
                fault = kind.fault_in(kept)
                reason = None if fault is None else f"attribute {fault[0]!r} {fault[1]}"
                if reason is None:
                    yield from kept.items()
            if reason is not None:
                self._faults.append(RowFault("activities", row, name, reason))


def _in_kind(column: list[Any], kind: FieldType | None) -> list[Any]:
    """Return the cells of a column as what is declared reads them.

    One bad cell makes a frame keep a column of numbers as text, so text that is nothing but a number is the number. Of
    numbers with some truths among them, True is 1.
    """
    if kind not in (FieldType.INTEGER, FieldType.NUMBER) or all(isinstance(one, bool | None) for one in column):
        return column
    return [_number(one) for one in column]


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    found = _NUMBER.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return value
    return int(value) if found[1] is None else plain(float(value))


def _read(column: str | None, read: Callable[[Any], R], value: Any) -> R:
    """Return what ``read`` makes of a cell; its error becomes a fault of the column."""
    try:
        return read(value)
    except LeadlifeError as error:
        raise _CellError(column, error.message) from None
