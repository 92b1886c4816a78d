"""From an export to journeys: every row ends as used, refused or set aside, and the three add up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from leadlife._base.model import LONGEST_ID
from leadlife.analytics import Caution
from leadlife.errors import Malformed, Unreadable
from leadlife.facts import ActivityRecorded, Fact, FieldChanged, Identified, Sold, StageReached, Started
from leadlife.io.dates import Read, parser, prove
from leadlife.io.mapping import ActivityColumn, DateColumn, EntryColumn, ExportMapping, SaleColumn, StageColumn, Table
from leadlife.io.tables import Row, SetAside, Sheet, read_sheet
from leadlife.journey import Journey, Standing
from leadlife.leads import Actor, ActorKind, Source
from leadlife.money import Money
from leadlife.playbook.playbook import Playbook
from leadlife.timing import day_start, local_day, zone_named

Progress = Callable[[int, int], None]
MOST_UNUSED = 0.05
ENTRY_RANK = -2


class RowCount(NamedTuple):
    """What became of a file's rows: ``used + refused + set_aside == read``."""

    file: str
    read: int
    used: int
    refused: int
    set_aside: int


class Export(NamedTuple):
    """An export, read.

    Attributes:
        mapping: What the columns say.
        playbook: What the rows were replayed through.
        journeys: One for each lead, in the order of entry.
        rows: What became of each file's rows.
        set_aside: The rows that could not be read, each with line and reason.
        refused: The rows of which the playbook refused at least one fact, each with line and reason.
        observed_until: The latest date in any mapped date column; all facts are recorded then.
    """

    mapping: ExportMapping
    playbook: Playbook
    journeys: tuple[Journey, ...]
    rows: tuple[RowCount, ...]
    set_aside: tuple[SetAside, ...]
    refused: tuple[SetAside, ...]
    observed_until: datetime


class _Draft(NamedTuple):
    """A fact of a row, before it has its place in the log."""

    at: datetime
    rank: int
    file: int
    line: int
    fact: Fact


Dates = list[tuple[DateColumn, datetime | None]]


class _Unread(Exception):
    """A row cannot be read, for this reason."""


class _Entered(NamedTuple):
    line: int
    at: datetime
    source: Source | None
    drafts: list[_Draft]


def read_export(mapping: ExportMapping, folder: Path | str, *, progress: Progress | None = None) -> Export:
    """Read the tables of an export and replay every lead.

    Args:
        mapping: What the columns say.
        folder: Where the files lie.
        progress: Called with leads done and leads in all, now and then.

    Raises:
        Unreadable: A file or a mapped column is missing, or not one row has a date.
        AmbiguousDates: A date column states no format and proves none.
    """
    playbook = mapping.playbook()
    sheets = [read_sheet(table, Path(folder)) for table in mapping.tables]
    reading = _Reading(mapping, playbook, sheets)
    for place in sorted(range(len(sheets)), key=lambda place: sheets[place].table.entry is None):
        reading.read(place)
    return reading.replay(progress)


class _Reading:
    """One reading of an export: what is known so far of its leads and rows."""

    def __init__(self, mapping: ExportMapping, playbook: Playbook, sheets: list[Sheet]) -> None:
        self.mapping = mapping
        self.playbook = playbook
        self.sheets = sheets
        self.leads: dict[str, _Entered] = {}
        self.aside = [aside for sheet in sheets for aside in sheet.aside]
        self.latest: datetime | None = None
        self.importer = Actor(id="import", kind=ActorKind.IMPORTER)

    def read(self, place: int) -> None:
        """Read a sheet's rows into drafts of facts."""
        sheet = self.sheets[place]
        readers = [(date, self._reader(date, sheet)) for date in sheet.table.dates()]
        seen: dict[tuple[str, ...], int] = {}
        for row in sheet.rows:
            known = seen.setdefault(row.whole, row.line)
            try:
                self._read_row(place, sheet.table, row, readers, copy_of=None if known == row.line else known)
            except _Unread as reason:
                self.aside.append(SetAside(sheet.table.file, row.line, str(reason)))
            except Malformed as error:
                first = error.faults[0] if error.faults else error
                self.aside.append(SetAside(sheet.table.file, row.line, f"a value does not fit: {first}"))

    def _reader(self, date: DateColumn, sheet: Sheet) -> Read:
        zone = zone_named(date.zone or self.mapping.zone)
        if date.format is not None:
            return parser(date.format, zone)
        values = (row.cells[date.column] for row in sheet.rows)
        return prove(date.column, (text for text in values if text is not None), zone)

    def _read_row(
        self, place: int, table: Table, row: Row, readers: list[tuple[DateColumn, Read]], *, copy_of: int | None
    ) -> None:
        if copy_of is not None:
            raise _Unread(f"a copy of line {copy_of}")
        lead = _lead_id(row.cells[table.lead])
        dates = [(date, _read_date(date.column, row, read)) for date, read in readers]
        for _, at in dates:
            if at is not None and (self.latest is None or at > self.latest):
                self.latest = at
        if table.entry is not None:
            entered = self._entering(lead, table, row, dates[0][1])
        elif lead in self.leads:
            entered = self.leads[lead]
        else:
            raise _Unread("no lead of this id has entered")
        drafts = list(self._drafts(place, table, row, dates, entered))
        entered.drafts.extend(drafts)
        self.leads[lead] = entered

    def _entering(self, lead: str, table: Table, row: Row, at: datetime | None) -> _Entered:
        if at is None:
            raise _Unread("the entry date is blank")
        if lead in self.leads:
            raise _Unread(f"the lead has already entered on line {self.leads[lead].line}")
        return _Entered(row.line, at, self._source(table, row), [])

    def _source(self, table: Table, row: Row) -> Source | None:
        if table.source is None:
            return None
        channel = row.cells[table.source.channel] if table.source.channel else None
        campaign = row.cells[table.source.campaign] if table.source.campaign else None
        if channel is None and campaign is None:
            return None
        return Source(channel=channel, campaign=campaign, lead_type=self.mapping.lead_types.get(channel or ""))

    def _drafts(self, place: int, table: Table, row: Row, dates: Dates, entered: _Entered) -> Iterator[_Draft]:
        zone = self.playbook.zone_info
        for at, rank, kind, content in self._told(table, row, dates, entered):
            stands = max(at, entered.at)
            # A day without a clock begins before an entry at noon of that day, but is not before it.
            early = at < entered.at and at != day_start(local_day(entered.at, zone), zone)
            dated = {"dated": at} if early else {}
            fact = kind.checked({**content, **dated, "at": stands, "by": self.importer})
            yield _Draft(stands, rank, place, row.line, fact)

    def _told(
        self, table: Table, row: Row, dates: Dates, entered: _Entered
    ) -> Iterator[tuple[datetime, int, type[Fact], dict[str, Any]]]:
        """Yield what a row says: when, in which rank at one instant, which sort of fact, and its content."""
        ranks = self.playbook.lifecycle.table.rank
        # An attribute has no date of its own: it stands with the row's first, and never before entry.
        own = max(next((at for _, at in dates if at is not None), entered.at), entered.at)
        for name, column in table.attributes.items():
            if row.cells[column] is not None:
                yield own, -1, FieldChanged, {"name": name, "value": row.cells[column]}
        for date, at in dates:
            if isinstance(date, EntryColumn):
                stage = date.stage or self.playbook.lifecycle.first.stage
                start = {"stage": stage, "playbook": self.playbook.ref, "source": entered.source}
                yield entered.at, ENTRY_RANK, Started, start
            elif at is not None:
                yield at, *_meant(date, table, row, ranks)

    def replay(self, progress: Progress | None) -> Export:
        """Record every lead's facts in order, and count what became of the rows."""
        if self.latest is None or not self.leads:
            raise Unreadable("not one row could be read", hint=self._first_reason())
        refused: dict[tuple[int, int], str] = {}
        journeys: list[Journey] = []
        for number, (lead, entered) in enumerate(self.leads.items(), start=1):
            journeys.append(self._journey(lead, entered, refused))
            if progress is not None and number % 500 == 0:
                progress(number, len(self.leads))
        aside = sorted(self.aside)
        counts = tuple(
            RowCount(
                sheet.table.file,
                len(sheet.rows) + len(sheet.aside),
                len(sheet.rows)
                + len(sheet.aside)
                - sum(one.file == sheet.table.file for one in aside)
                - sum(file == place for file, _ in refused),
                sum(file == place for file, _ in refused),
                sum(one.file == sheet.table.file for one in aside),
            )
            for place, sheet in enumerate(self.sheets)
        )
        told = (SetAside(self.sheets[file].table.file, line, why) for (file, line), why in refused.items())
        return Export(
            self.mapping, self.playbook, tuple(journeys), counts, tuple(aside), tuple(sorted(told)), self.latest
        )

    def _journey(self, lead: str, entered: _Entered, refused: dict[tuple[int, int], str]) -> Journey:
        drafts = sorted(entered.drafts, key=lambda one: (one.rank != ENTRY_RANK, *one[:4]))
        journey = Journey(lead, self.playbook).record_all((one.fact for one in drafts), recorded_at=self.latest)
        if journey.refused:
            said = {one.fact.content(): (one.file, one.line) for one in reversed(drafts)}
            for entry in journey.log:
                if entry.standing is Standing.REFUSED:
                    refused.setdefault(said[entry.fact.content()], entry.refusals[0].message)
        return journey

    def _first_reason(self) -> str:
        return f"line {self.aside[0].line}: {self.aside[0].reason}" if self.aside else "the files have no rows"


def unused_rows(export: Export) -> Iterator[Caution]:
    """Yield a caution for each file of which more than one row in twenty was refused or set aside."""
    for count in export.rows:
        unused = count.refused + count.set_aside
        if unused > MOST_UNUSED * count.read:
            yield Caution(
                "unused_rows",
                f"{unused} of {count.read} rows of {count.file} were refused or set aside: look at the reasons first",
                {"file": count.file, "unused": unused, "read": count.read},
            )


def _lead_id(text: str | None) -> str:
    if text is None:
        raise _Unread("the lead's id is blank")
    if len(text) > LONGEST_ID or not text.isprintable():
        raise _Unread("the lead's id is too long or holds control characters")
    return text


def _read_date(column: str, row: Row, read: Read) -> datetime | None:
    text = row.cells[column]
    if text is None:
        return None
    try:
        return read(text)
    except (ValueError, OverflowError):
        raise _Unread(f"column {column!r} does not hold a date of its format") from None


def _meant(date: DateColumn, table: Table, row: Row, ranks: dict[str, int]) -> tuple[int, type[Fact], dict[str, Any]]:
    """Return what a date in a column means: its rank at one instant, the sort of fact, and its content."""
    # Two rows may tell of two sales or calls at one instant: each row's is its own.
    key = f"{table.file}:{row.line}:{date.column}"
    match date:
        case ActivityColumn(kind=kind):
            return -1, ActivityRecorded, {"kind": kind, "key": f"{key}:{kind}"}
        case StageColumn(stage=stage, infer_gaps=infer_gaps):
            return ranks.get(stage, len(ranks) + 1), StageReached, {"stage": stage, "infer_gaps": infer_gaps}
        case SaleColumn():
            return len(ranks), Sold, {**_sale(date, row), "key": key}
        case _:
            return 0, Identified, {}


def _sale(sale: SaleColumn, row: Row) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if sale.amount is not None and sale.currency is not None and (text := row.cells[sale.amount]) is not None:
        try:
            content["amount"] = Money(amount=Decimal(text), currency=sale.currency)
        except (ArithmeticError, Malformed):
            raise _Unread(f"column {sale.amount!r} does not hold an amount of money") from None
    if sale.product is not None and row.cells[sale.product] is not None:
        content["product"] = row.cells[sale.product]
    return content
