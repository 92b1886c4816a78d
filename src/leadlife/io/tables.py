"""Tables in files: rows with their lines, and those that cannot be read kept aside with the reason."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from leadlife.errors import Fault, Unreadable, did_you_mean
from leadlife.io.mapping import Table

if TYPE_CHECKING:
    from _csv import Reader as CsvReader


class SetAside(NamedTuple):
    """A row that could not be read: where it stands and why. Its cells stay in the file."""

    file: str
    line: int
    reason: str


class Row(NamedTuple):
    """A row: the line it begins on, the cells of the columns that the mapping names (blank ones are None), and all."""

    line: int
    cells: dict[str, str | None]
    whole: tuple[str, ...]


class Sheet(NamedTuple):
    """A file that was read: its table, its rows, and those that could not be split into cells."""

    table: Table
    rows: list[Row]
    aside: list[SetAside]


def read_sheet(table: Table, folder: Path) -> Sheet:
    """Read a table's file.

    Raises:
        Unreadable: There is no such file, it has no header, or a column that the mapping names is missing.
    """
    path = folder / table.file
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
            return _read(table, csv.reader(lines, delimiter=table.delimiter, strict=True))
    except OSError:
        raise Unreadable(f"cannot read {table.file!r} in the data folder") from None


def _read(table: Table, reader: CsvReader) -> Sheet:
    try:
        header = next(reader, None)
    except csv.Error:
        header = None
    if header is None:
        raise Unreadable(f"{table.file!r} has no header")
    if _problem(header, len(header)) is not None:
        raise Unreadable(f"the header of {table.file!r} is not valid UTF-8", hint="save the file as UTF-8")
    faults = [
        Fault(table.file, f"there is no column {name!r}", did_you_mean(name, header))
        for name in table.columns()
        if header.count(name) == 0
    ]
    faults += [Fault(table.file, f"column {n!r} occurs twice") for n in table.columns() if header.count(n) > 1]
    if faults:
        raise Unreadable("the mapping does not fit the file:", faults=faults)
    places = {name: header.index(name) for name in table.columns()}
    sheet = Sheet(table, [], [])
    for line, cells in _records(reader):
        problem = cells if isinstance(cells, str) else _problem(cells, len(header))
        if problem is not None or isinstance(cells, str):
            sheet.aside.append(SetAside(table.file, line, str(problem)))
        elif cells:
            sheet.rows.append(Row(line, {name: _said(cells[at], table) for name, at in places.items()}, tuple(cells)))
    return sheet


def _records(reader: CsvReader) -> Iterator[tuple[int, list[str] | str]]:
    """Yield each record with the line it begins on, or the reason why it is none."""
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, f"the row cannot be split into cells: {error}"
            continue
        yield line, cells


def _problem(cells: list[str], width: int) -> str | None:
    if cells and len(cells) != width:
        return f"the row has {len(cells)} cells where the header has {width}"
    if any("\udc80" <= letter <= "\udcff" for cell in cells for letter in cell if letter > "\ud7ff"):
        return "the row is not valid UTF-8"
    return None


def _said(cell: str, table: Table) -> str | None:
    text = cell.strip()
    return None if not text or text in table.blank else text
