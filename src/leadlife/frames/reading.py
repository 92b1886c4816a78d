"""Reading frames of leads and of activities; a row that cannot be read is a fault, and the others are read."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from leadlife.errors import LeadlifeError
from leadlife.frames.cells import RowFault, Table, cells, demand, lead_id, moment, nameable, scalar
from leadlife.leads import Activity, Lead, Source
from leadlife.playbook.fields import FieldType
from leadlife.playbook.playbook import Playbook

SOURCE = ("channel", "lead_type", "campaign")
IDENTIFIED = "identified"
R = TypeVar("R")


class _Unread(Exception):
    """A cell cannot be read, for this reason."""

    def __init__(self, column: str | None, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason


class Reader:
    """Reads frames by the words of a playbook, and collects what it could not read."""

    def __init__(self, playbook: Playbook, zone: ZoneInfo, faults: list[RowFault]) -> None:
        """Begin to read.

        Args:
            playbook: Which fields and kinds of activity there are.
            zone: Where wall times are told.
            faults: Takes what cannot be read.
        """
        self._playbook = playbook
        self._zone = zone
        self._faults = faults

    def leads(self, table: Table, id: str) -> list[Lead | None]:  # noqa: A002 - the column is called that
        """Return a lead for each row, or None where there is a fault.

        Raises:
            Malformed: There is no column of ids.
        """
        demand(table, "leads", [id])
        declared = self._playbook.fields
        told = {name for name in (IDENTIFIED, *SOURCE) if name not in declared}
        columns = {name: cells(table, name) for name in table.columns if name == id or name in declared or name in told}
        first: dict[str, int] = {}
        people: list[Lead | None] = []
        for row in range(len(table)):
            try:
                people.append(self._lead({name: column[row] for name, column in columns.items()}, id, first, row))
            except _Unread as fault:
                self._faults.append(RowFault("leads", row, fault.column, fault.reason))
                people.append(None)
        return people

    def _lead(self, row: dict[str, Any], id: str, first: dict[str, int], place: int) -> Lead:  # noqa: A002
        key = _told(id, lead_id, row[id])
        if first.setdefault(key, place) != place:
            raise _Unread(id, f"this id stands on row {first[key]} already")
        declared = self._playbook.fields
        values = {name: _typed(row[name], declared[name].type) for name in row if name in declared}
        for name, value in values.items():
            _told(name, partial(self._playbook.fits, name), value)
        source = {name: row[name] for name in SOURCE if name in row and name not in declared and row[name] is not None}
        identified = IDENTIFIED in row and IDENTIFIED not in declared and row[IDENTIFIED]
        return _told(
            None,
            Lead.checked,
            {
                "id": key,
                "fields": {name: value for name, value in values.items() if value is not None},
                "source": _told(None, Source.checked, source) if source else None,
                "identified": identified or False,
            },
        )

    def activities(self, table: Table, lead: str, present: Collection[str]) -> dict[str, list[Activity]]:
        """Return the activities of each lead.

        Args:
            table: The frame.
            lead: The column of the lead's id.
            present: The ids of the leads that could be read.

        Raises:
            Malformed: A column is missing, or one has no name that an attribute could have.
        """
        demand(table, "activities", [lead, "kind", "at"])
        nameable("activities", set(table.columns) - {lead, "id"})
        columns = {name: cells(table, name) for name in table.columns}
        done: dict[str, list[Activity]] = {}
        for row in range(len(table)):
            cell = {name: column[row] for name, column in columns.items() if column[row] is not None}
            try:
                key = _told(lead, lead_id, cell.pop(lead, None))
                if key not in present:
                    raise _Unread(lead, "no lead of this id could be read")  # noqa: TRY301 - told like any other
                done.setdefault(key, []).append(self._activity(cell))
            except _Unread as fault:
                self._faults.append(RowFault("activities", row, fault.column, fault.reason))
        return done

    def _activity(self, cell: dict[str, Any]) -> Activity:
        kind, when, name = (cell.pop(column, None) for column in ("kind", "at", "id"))
        if not isinstance(kind, str) or kind not in self._playbook.activity_kinds:
            raise _Unread("kind", "there is no activity" if kind is None else f"activity {kind!r} is not declared")
        at = _told("at", lambda told: moment(told, self._zone), when)
        return _told(
            None,
            Activity.checked,
            {
                "id": None if name is None else _told("id", lead_id, name),
                "kind": kind,
                "at": at,
                "attributes": {attribute: scalar(value) for attribute, value in cell.items()},
            },
        )


def _told(column: str | None, read: Callable[[Any], R], value: Any) -> R:
    """Return what is read of a cell; what is wrong with it is told of its column."""
    try:
        return read(value)
    except LeadlifeError as error:
        raise _Unread(column, error.message) from None


def _typed(value: Any, kind: FieldType) -> Any:
    """Return a cell as a field holds it: frames keep whole numbers with gaps between them as floats."""
    value = scalar(value)
    whole = kind is FieldType.INTEGER and isinstance(value, float) and value.is_integer()
    return int(value) if whole else value
