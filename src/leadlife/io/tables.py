"""Tables in files: rows with their line numbers, and the rows that cannot be read with the reason."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from leadlife._base.blanks import DeclaredBlanks
from leadlife.criteria.view import Scalar
from leadlife.errors import Fault, Unreadable, did_you_mean
from leadlife.io.mapping import MappedTable

if TYPE_CHECKING:
    from _csv import Reader as CsvReader


class SetAside(NamedTuple):
    """A row that could not be used: its file, its line and the reason, but none of its cells."""

    file: str
    line: int
    reason: str


class SheetRow(NamedTuple):
    """A row of a table.

    Attributes:
        line: The line on which it begins; the first line of the file is 1.
        cells: The cells of the columns that the mapping names; a blank cell is None.
        whole: All cells as they are in the file.
    """

    line: int
    cells: dict[str, str | None]
    whole: tuple[str, ...]


class Sheet(NamedTuple):
    """A file that was read: its table, its rows, and the rows that could not be split into cells."""

    table: MappedTable
    rows: list[SheetRow]
    aside: list[SetAside]


def read_sheet(table: MappedTable, folder: Path, blanks: Iterable[Scalar] = ()) -> Sheet:
    """Read the file of a table.

    Args:
        table: The table.
        folder: The folder of the file.
        blanks: Values that mean "not answered", besides those of the table.

    Raises:
        Unreadable: The file does not exist, has no header, or lacks a column that the mapping names.
    """
    path = folder / table.file
    try:
        # Bytes that are not UTF-8 become lone surrogates, so that one bad row does not make the whole file unreadable.
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
            blank = DeclaredBlanks((*blanks, *table.blanks)).of(table.file)
            return _read(table, csv.reader(lines, delimiter=table.delimiter, strict=True), blank)
    except OSError:
        raise Unreadable(f"cannot read {table.file!r} in the data folder") from None


def _read(table: MappedTable, reader: CsvReader, blank: Callable[[Any], bool]) -> Sheet:
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
    unsplit = _other_delimiter(header) if faults else ""
    if unsplit:
        raise Unreadable(f"the header of {table.file!r} is not split into columns", hint=unsplit)
    if faults:
        raise Unreadable("the mapping does not fit the file:", faults=faults)
    places = {name: header.index(name) for name in table.columns()}
    sheet = Sheet(table, [], [])
    for line, cells in csv_records(reader, table.file):
        problem = cells if isinstance(cells, str) else _problem(cells, len(header))
        if problem is not None or isinstance(cells, str):
            sheet.aside.append(SetAside(table.file, line, str(problem)))
        elif cells:
            sheet.rows.append(
                SheetRow(line, {name: _text(cells[place], blank) for name, place in places.items()}, tuple(cells))
            )
    return sheet


def _other_delimiter(header: list[str]) -> str:
    """Return a hint where the header was not split: what a spreadsheet saves has other delimiters than commas."""
    alone = header[0] if len(header) == 1 else ""
    if "".join(header).lower().startswith("sep="):
        return "take out the first line, sep=, which only a spreadsheet understands"
    found = next((mark for mark in (";", "\t", "|", ",") if mark in alone), None)
    return "" if found is None else f"state delimiter = {json.dumps(found)} for this table"


def csv_records(reader: CsvReader, file: str) -> Iterator[tuple[int, list[str] | str]]:
    """Yield each record with the line on which it begins; a record that cannot be split is its reason, as text."""
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "field limit" in str(error):
                # The reader would go on inside of the cell, and take what is left of it for rows.
                hint = "close the quote that opens there, or leave out the column"
                raise Unreadable(f"{file!r}, line {line}: a cell is too long to be read", hint=hint) from None
            swallowed = reader.line_num - line
            more = f", and {swallowed} lines after it belong to it: is a quote not closed?" if swallowed > 1 else ""
            yield line, f"the row cannot be split into cells: {error}{more}"
            continue
        yield line, cells


def _problem(cells: list[str], width: int) -> str | None:
    if cells and len(cells) != width:
        return f"the row has {len(cells)} cells where the header has {width}"
    # These letters are what "surrogateescape" puts in place of bad bytes.
    if any("\udc80" <= letter <= "\udcff" for cell in cells for letter in cell):
        return "the row is not valid UTF-8"
    return None


def _text(cell: str, blank: Callable[[Any], bool]) -> str | None:
    return None if blank(cell) else cell.strip()
