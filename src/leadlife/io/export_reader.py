"""From an export to journeys: each row is used, refused or set aside, and the three counts add up to all rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from leadlife._base.model import LONGEST_ID
from leadlife.analytics import Caution
from leadlife.errors import Malformed, Unreadable
from leadlife.facts import ActivityRecorded, Fact, FieldChanged, Identified, Sold, StageReached, Started
from leadlife.io.dates import Read, midnights, parser, prove
from leadlife.io.mapping import (
    ActivityColumn,
    DateColumn,
    EntryColumn,
    ExportMapping,
    MappedTable,
    SaleColumn,
    StageColumn,
)
from leadlife.io.observation import Dated, ObservationWindow, observed
from leadlife.io.tables import SetAside, Sheet, SheetRow, read_sheet
from leadlife.journey import FactStatus, Journey
from leadlife.journey.recording import FURTHEST
from leadlife.leads import Actor, ActorKind, Source
from leadlife.money import Money, read_amount
from leadlife.playbook.playbook import Playbook
from leadlife.timing import day_start, instant, local_day, zone_named

Progress = Callable[[int, int], None]
MOST_UNUSED = 0.05
"""The largest share of a file's rows that may be unused without a caution."""
_THOUSANDS = re.compile(r"[+-]?\d{1,3}([.,]\d{3})+")
ENTRY_RANK = -2
"""Below every other rank, so that a lead's entry comes first among the facts of one instant."""


class RowCount(NamedTuple):
    """The counts of a file's rows: ``used + refused + set_aside == read``."""

    file: str
    read: int
    used: int
    refused: int
    set_aside: int


class Export(NamedTuple):
    """An export that was read.

    Attributes:
        mapping: The meaning of the columns.
        playbook: The playbook that the rows were replayed through.
        journeys: One for each lead, in the order in which the files list their entries.
        rows: The counts for each file.
        set_aside: The rows that could not be read, each with line and reason.
        refused: The rows with at least one fact that the playbook refused, each with line and reason.
        observation: The end of observation, and the dates that are doubtful. All facts are recorded at that end, so
            later ones are planned.
    """

    mapping: ExportMapping
    playbook: Playbook
    journeys: tuple[Journey, ...]
    rows: tuple[RowCount, ...]
    set_aside: tuple[SetAside, ...]
    refused: tuple[SetAside, ...]
    observation: ObservationWindow

    @property
    def observed_until(self) -> datetime:
        """The latest date in any mapped date column that is neither after the time of reading nor far from the rest."""
        assert self.observation.until is not None  # noqa: S101 - an export without any such date is not readable
        return self.observation.until


class _Draft(NamedTuple):
    """A fact of a row, with the keys that order it among the facts of its lead."""

    at: datetime
    rank: int
    file: int
    line: int
    fact: Fact


Dates = list[tuple[DateColumn, datetime | None]]


class _RowError(Exception):
    """The reason why a row cannot be read."""


class _Entry(NamedTuple):
    """The entry of a lead, and the facts that were read of it so far."""

    line: int
    at: datetime
    source: Source | None
    drafts: list[_Draft]


def read_export(
    mapping: ExportMapping, folder: Path | str, *, now: datetime | None = None, progress: Progress | None = None
) -> Export:
    """Read the tables of an export and replay every lead.

    Args:
        mapping: The meaning of the columns.
        folder: The folder with the files.
        now: The time of reading, by default the clock's. Later dates are planned: they do not extend observation.
        progress: A function that is called after every 500 leads with the number done and the number of all leads.

    Raises:
        Unreadable: A file or a mapped column is missing, or no row could be read.
        AmbiguousDates: A date column has no stated format, and its values do not fit exactly one.
    """
    playbook = mapping.playbook()
    sheets = [read_sheet(table, Path(folder), mapping.blanks) for table in mapping.tables]
    reading = _Reading(mapping, playbook, sheets, datetime.now(UTC) if now is None else instant(now))
    # The table with the entries comes first: a row of another table belongs to a lead that has entered.
    for place in sorted(range(len(sheets)), key=lambda place: sheets[place].table.entry is None):
        reading.read(place)
    return reading.replay(progress)


class _Reading:
    """One reading of an export: the leads and rows so far."""

    def __init__(self, mapping: ExportMapping, playbook: Playbook, sheets: list[Sheet], now: datetime) -> None:
        self.mapping = mapping
        self.playbook = playbook
        self.sheets = sheets
        self.leads: dict[str, _Entry] = {}
        self.aside = [aside for sheet in sheets for aside in sheet.aside]
        self.now = now
        self.dates: list[Dated] = []
        self.importer = Actor(id="import", kind=ActorKind.IMPORTER)

    def read(self, place: int) -> None:
        """Turn the rows of a sheet into drafts of facts."""
        sheet = self.sheets[place]
        readers = [(date, self._reader(date, sheet)) for date in sheet.table.dates()]
        seen: dict[tuple[str, ...], int] = {}
        for row in sheet.rows:
            first_line = seen.setdefault(row.whole, row.line)
            try:
                self._read_row(place, sheet.table, row, readers, copy_of=None if first_line == row.line else first_line)
            except _RowError as error:
                self.aside.append(SetAside(sheet.table.file, row.line, str(error)))
            except Malformed as error:
                first_fault = error.faults[0] if error.faults else error
                self.aside.append(SetAside(sheet.table.file, row.line, f"a value does not fit: {first_fault}"))

    def _reader(self, date: DateColumn, sheet: Sheet) -> Read:
        zone = zone_named(date.zone or self.mapping.zone)
        if date.format is not None:
            read = parser(date.format, zone)
        else:
            values = (row.cells[date.column] for row in sheet.rows)
            known = (text for text in values if text is not None)
            read = prove(date.column, known, zone, days=date.midnights is None)
        return read if date.midnights is None else midnights(read, zone_named(date.midnights), zone)

    def _read_row(
        self,
        place: int,
        table: MappedTable,
        row: SheetRow,
        readers: list[tuple[DateColumn, Read]],
        *,
        copy_of: int | None,
    ) -> None:
        if copy_of is not None:
            raise _RowError(f"a copy of line {copy_of}")
        lead = _lead_id(row.cells[table.lead])
        dates = [(date, _read_date(date.column, row, read)) for date, read in readers]
        for date, at in dates:
            if at is not None and at > self.now + FURTHEST:
                day = self._day(date, at)
                raise _RowError(f"column {date.column!r} holds {day}, more than five years ahead: mistyped?")
        self.dates += [
            Dated(at, table.file, row.line, date.column, self._day(date, at)) for date, at in dates if at is not None
        ]
        if table.entry is not None:
            entry = self._entry(lead, table, row, dates[0][1])
        elif lead in self.leads:
            entry = self.leads[lead]
        else:
            raise _RowError("no lead of this id has entered")
        # All facts of the row are built before any is kept, so that a faulty row leaves no half of itself behind.
        drafts = list(self._drafts(place, table, row, dates, entry))
        entry.drafts.extend(drafts)
        self.leads[lead] = entry

    def _day(self, date: DateColumn, at: datetime) -> str:
        """Return the local day of an instant in the zone of its column."""
        return local_day(at, zone_named(date.zone or self.mapping.zone)).isoformat()

    def _entry(self, lead: str, table: MappedTable, row: SheetRow, at: datetime | None) -> _Entry:
        if at is None:
            raise _RowError("the entry date is blank")
        if lead in self.leads:
            raise _RowError(f"the lead has already entered on line {self.leads[lead].line}")
        return _Entry(row.line, at, self._source(table, row), [])

    def _source(self, table: MappedTable, row: SheetRow) -> Source | None:
        if table.source is None:
            return None
        channel = row.cells[table.source.channel] if table.source.channel else None
        campaign = row.cells[table.source.campaign] if table.source.campaign else None
        if channel is None and campaign is None:
            return None
        return Source(channel=channel, campaign=campaign, lead_type=self.mapping.lead_types.get(channel or ""))

    def _drafts(self, place: int, table: MappedTable, row: SheetRow, dates: Dates, entry: _Entry) -> Iterator[_Draft]:
        zone, seen = self.playbook.zone_info, Counter[str]()
        name = table.key and row.cells[table.key]
        named = f"key {name}" if name else f"line {row.line}"
        for at, rank, kind, content in self._contents(table, row, dates, entry):
            counted_at = max(at, entry.at)
            # A day without a clock time begins before an entry at noon of the same day, but is not earlier than it.
            early = at < entry.at and at != day_start(local_day(entry.at, zone), zone)
            dated = {"dated": at} if early else {}
            # Read again, the same row gives the same facts, known by their keys.
            column = content.pop("column")
            seen[column] += 1  # two facts of one kind from one column are two facts
            key = f"{table.file}:{named}:{column}" + (f"#{seen[column]}" if seen[column] > 1 else "")
            fact = kind.checked({**content, **dated, "at": counted_at, "by": self.importer, "key": key})
            yield _Draft(counted_at, rank, place, row.line, fact)

    def _contents(
        self, table: MappedTable, row: SheetRow, dates: Dates, entry: _Entry
    ) -> Iterator[tuple[datetime, int, type[Fact], dict[str, Any]]]:
        """Yield the facts of a row: instant, rank among the facts of one instant, class and content."""
        ranks = self.playbook.lifecycle.table.rank
        # An attribute has no date: it gets the first date of its row, but never one before entry.
        attributes_at = max(next((at for _, at in dates if at is not None), entry.at), entry.at)
        for name, column in table.attributes.items():
            if row.cells[column] is not None:
                yield (
                    attributes_at,
                    -1,
                    FieldChanged,
                    {"name": name, "value": row.cells[column], "column": f"field:{name}"},
                )
        for date, at in dates:
            if isinstance(date, EntryColumn):
                stage = date.stage or self.playbook.lifecycle.first.stage
                start = {"stage": stage, "playbook": self.playbook.ref, "source": entry.source, "column": "entry"}
                yield entry.at, ENTRY_RANK, Started, start
            elif at is not None:
                yield at, *_content(date, row, ranks)

    def replay(self, progress: Progress | None) -> Export:
        """Record the facts of every lead in order, and count the rows by what became of them."""
        observation = observed(self.dates, self.now)
        if self.leads and observation.until is None:
            raise Unreadable("every date lies after the time of reading", hint="check the years, or pass now=")
        if observation.until is None or not self.leads:
            raise Unreadable("no row could be read", hint=self._first_reason())
        refused: dict[tuple[int, int], str] = {}
        journeys: list[Journey] = []
        for number, (lead, entry) in enumerate(self.leads.items(), start=1):
            journeys.append(self._journey(lead, entry, refused, observation.until))
            if progress is not None and number % 500 == 0:
                progress(number, len(self.leads))
        refused_rows = Counter(place for place, _ in refused)
        rows_aside = Counter(one.file for one in self.aside)
        counts = tuple(
            _counted(sheet, refused_rows[place], rows_aside[sheet.table.file])
            for place, sheet in enumerate(self.sheets)
        )
        aside = sorted(self.aside)
        refusals = sorted(SetAside(self.sheets[file].table.file, line, why) for (file, line), why in refused.items())
        return Export(self.mapping, self.playbook, tuple(journeys), counts, tuple(aside), tuple(refusals), observation)

    def _journey(self, lead: str, entry: _Entry, refused: dict[tuple[int, int], str], until: datetime) -> Journey:
        drafts, conflicting = self._told_apart(entry, refused)
        facts = (draft.fact for draft in (*drafts, *conflicting))
        journey = Journey(lead, self.playbook).record_all(facts, now=until, planned=True)
        if journey.refused:
            refusals = {one.fact.key: one.refusals for one in journey.log if one.status is FactStatus.REFUSED}
            for draft in drafts:  # a row of the same key and content fares as the first
                if draft.fact.key in refusals:
                    refused.setdefault((draft.file, draft.line), refusals[draft.fact.key][0].message)
        return journey

    def _told_apart(self, entry: _Entry, refused: dict[tuple[int, int], str]) -> tuple[list[_Draft], list[_Draft]]:
        """Return a lead's facts in order, and those of rows that contradict an earlier row of the same key."""
        first: dict[str | None, _Draft] = {}
        kept, conflicting = [], []
        for draft in sorted(entry.drafts, key=lambda draft: (draft.file, draft.line)):
            known = first.setdefault(draft.fact.key, draft)
            if known.fact == draft.fact:
                kept.append(draft)
            else:
                conflicting.append(draft)
                file = self.sheets[known.file].table.file
                refused[draft.file, draft.line] = f"its key is that of line {known.line} of {file}, with other content"
        # By instant, rank, file and line. Facts cannot be compared, so they are not part of the key.
        return sorted(kept, key=lambda draft: draft[:4]), conflicting

    def _first_reason(self) -> str:
        return f"line {self.aside[0].line}: {self.aside[0].reason}" if self.aside else "the files have no rows"


def _counted(sheet: Sheet, refused: int, aside: int) -> RowCount:
    read = len(sheet.rows) + len(sheet.aside)
    return RowCount(sheet.table.file, read, read - refused - aside, refused, aside)


def unused_rows(export: Export) -> Iterator[Caution]:
    """Yield a caution for each file with more than 5 % of its rows refused or set aside."""
    for count in export.rows:
        unused = count.refused + count.set_aside
        if unused > MOST_UNUSED * count.read:
            yield Caution(
                "unused_rows",
                f"{unused} of {count.read} rows of {count.file} were refused or set aside: read the reasons first",
                {"file": count.file, "unused": unused, "read": count.read},
            )


def _lead_id(text: str | None) -> str:
    if text is None:
        raise _RowError("the lead's id is blank")
    if len(text) > LONGEST_ID or not text.isprintable():
        raise _RowError("the lead's id is too long or holds control characters")
    return text


def _read_date(column: str, row: SheetRow, read: Read) -> datetime | None:
    text = row.cells[column]
    if text is None:
        return None
    try:
        return read(text)
    except (ValueError, OverflowError):
        raise _RowError(f"column {column!r} does not hold a date of its format") from None


def _content(date: DateColumn, row: SheetRow, ranks: Mapping[str, int]) -> tuple[int, type[Fact], dict[str, Any]]:
    """Return the fact that a date in a column stands for: its rank at one instant, its class and its content."""
    match date:
        case ActivityColumn(kind=kind):
            return -1, ActivityRecorded, {"kind": kind, "column": f"{date.column}:{kind}"}
        case StageColumn(stage=stage, infer_gaps=infer_gaps):
            content = {"stage": stage, "infer_gaps": infer_gaps, "column": f"{date.column}:{stage}"}
            return ranks.get(stage, len(ranks) + 1), StageReached, content
        case SaleColumn():
            return len(ranks), Sold, {**_sale(date, row), "column": f"sold:{date.column}"}
        case _:
            return 0, Identified, {"column": f"identified:{date.column}"}


def _amount(text: str, sale: SaleColumn) -> Decimal:
    """Return an amount of money; a number that may have thousands or decimals is not guessed."""
    if sale.decimal is None and _THOUSANDS.fullmatch(text):
        raise _RowError(f"column {sale.amount!r} holds {text}: thousands or decimals? State decimal in the mapping")
    try:
        return read_amount(text, sale.decimal or ".")
    except Malformed as error:  # what the cell holds is not shown: it may be a name in the wrong column
        stated = "" if sale.decimal is not None else ', or state decimal = "," in the mapping'
        raise _RowError(f"column {sale.amount!r} does not hold an amount of money: {error.hint}{stated}") from None


def _sale(sale: SaleColumn, row: SheetRow) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if sale.amount is not None and sale.currency is not None and (text := row.cells[sale.amount]) is not None:
        try:
            content["amount"] = Money(amount=_amount(text, sale), currency=sale.currency)
        except (ArithmeticError, Malformed):
            raise _RowError(f"column {sale.amount!r} does not hold an amount of money") from None
    if sale.product is not None and row.cells[sale.product] is not None:
        content["product"] = row.cells[sale.product]
    return content
