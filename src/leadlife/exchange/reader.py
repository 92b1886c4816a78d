"""From an export to journeys: every row ends as used, refused or set aside, and the three add up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from leadlife._model import LONGEST_ID
from leadlife.errors import Malformed, Unreadable
from leadlife.exchange.dates import Read, parser, prove
from leadlife.exchange.mapping import ActivityColumn, DateColumn, Mapping, SaleColumn, StageColumn, Table
from leadlife.exchange.tables import Row, SetAside, Sheet, read_sheet
from leadlife.facts import ActivityRecorded, AttributeChanged, Fact, Identified, Sold, StageReached, Started
from leadlife.journey import Journey, Standing
from leadlife.leads import Actor, ActorKind, Source
from leadlife.money import Money
from leadlife.playbook import Playbook
from leadlife.timing import zone_named

Progress = Callable[[int, int], None]


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

    mapping: Mapping
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
    kind: type[Fact]
    content: dict[str, Any]


class _Unread(Exception):
    """A row cannot be read, for this reason."""


class _Entered(NamedTuple):
    line: int
    at: datetime
    source: Source | None
    drafts: list[_Draft]


def read_export(mapping: Mapping, folder: Path | str, *, progress: Progress | None = None) -> Export:
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

    def __init__(self, mapping: Mapping, playbook: Playbook, sheets: list[Sheet]) -> None:
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
        readers = {date.column: self._reader(date, sheet) for date in sheet.table.dates()}
        seen: dict[tuple[str | None, ...], int] = {}
        for row in sheet.rows:
            known = seen.setdefault(tuple(row.cells.values()), row.line)
            try:
                self._read_row(place, sheet.table, row, readers, copy_of=None if known == row.line else known)
            except _Unread as reason:
                self.aside.append(SetAside(sheet.table.file, row.line, str(reason)))

    def _reader(self, date: DateColumn, sheet: Sheet) -> Read:
        zone = zone_named(date.zone or self.mapping.zone)
        if date.format is not None:
            return parser(date.format, zone)
        values = (row.cells[date.column] for row in sheet.rows)
        return prove(date.column, (text for text in values if text is not None), zone)

    def _read_row(self, place: int, table: Table, row: Row, readers: dict[str, Read], *, copy_of: int | None) -> None:
        if copy_of is not None:
            raise _Unread(f"a copy of line {copy_of}")
        lead = _lead_id(row.cells[table.lead])
        dates = {date.column: _read_date(date.column, row, readers) for date in table.dates()}
        if table.entry is not None:
            self._enter(lead, table, row, dates[table.entry.column])
        if lead not in self.leads:
            raise _Unread("no lead of this id has entered")
        entered = self.leads[lead]
        drafts = list(self._drafts(place, table, row, dates, entered))
        entered.drafts.extend(drafts)
        found = [at for at in dates.values() if at is not None]
        self.latest = max([*found, *([self.latest] if self.latest is not None else [])], default=None)

    def _enter(self, lead: str, table: Table, row: Row, at: datetime | None) -> None:
        if at is None:
            raise _Unread("the entry date is blank")
        if lead in self.leads:
            raise _Unread(f"the lead has already entered on line {self.leads[lead].line}")
        self.leads[lead] = _Entered(row.line, at, self._source(table, row), [])

    def _source(self, table: Table, row: Row) -> Source | None:
        if table.source is None:
            return None
        channel = row.cells[table.source.channel] if table.source.channel else None
        campaign = row.cells[table.source.campaign] if table.source.campaign else None
        if channel is None and campaign is None:
            return None
        return Source(channel=channel, campaign=campaign, lead_type=self.mapping.lead_types.get(channel or ""))

    def _drafts(
        self, place: int, table: Table, row: Row, dates: dict[str, datetime | None], entered: _Entered
    ) -> Iterator[_Draft]:
        for at, rank, kind, content in self._told(table, row, dates, entered):
            early = {"dated": at} if at < entered.at else {}
            yield _Draft(max(at, entered.at), rank, place, row.line, kind, {**content, **early})

    def _told(
        self, table: Table, row: Row, dates: dict[str, datetime | None], entered: _Entered
    ) -> Iterator[tuple[datetime, int, type[Fact], dict[str, Any]]]:
        """Yield what a row says: when, in which rank at one instant, which sort of fact, and its content."""
        ranks = self.playbook.lifecycle.plan.rank
        if table.entry is not None:
            stage = table.entry.stage or self.playbook.lifecycle.first.stage
            yield entered.at, -2, Started, {"stage": stage, "playbook": self.playbook.ref, "source": entered.source}
        # An attribute has no date of its own: it stands with the row's first, and never before entry.
        own = max(next((at for at in dates.values() if at is not None), entered.at), entered.at)
        for name, column in table.attributes.items():
            if row.cells[column] is not None:
                yield own, -1, AttributeChanged, {"name": name, "value": row.cells[column]}
        single = () if table.identified is None else (table.identified,)
        for date in (*single, *table.activities, *table.stages, *table.sales):
            at = dates[date.column]
            if at is not None:
                yield at, *_meant(date, row, ranks)

    def replay(self, progress: Progress | None) -> Export:
        """Record every lead's facts in order, and count what became of the rows."""
        if self.latest is None:
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
        start, *rest = entered.drafts
        drafts = (start, *sorted(rest, key=lambda one: one[:4]))
        facts = (one.kind.checked({**one.content, "at": one.at, "by": self.importer}) for one in drafts)
        journey = Journey(lead, self.playbook).record_all(facts, recorded_at=self.latest)
        if journey.refused:
            marked = {entry.fact.content(): entry for entry in journey.log if entry.standing is Standing.REFUSED}
            for one in drafts:
                said = one.kind.checked({**one.content, "at": one.at, "by": self.importer}).content()
                if said in marked:
                    refused.setdefault((one.file, one.line), marked[said].refusals[0].message)
        return journey

    def _first_reason(self) -> str:
        return f"line {self.aside[0].line}: {self.aside[0].reason}" if self.aside else "the files have no rows"


def _lead_id(text: str | None) -> str:
    if text is None:
        raise _Unread("the lead's id is blank")
    if len(text) > LONGEST_ID or not text.isprintable():
        raise _Unread("the lead's id is too long or holds control characters")
    return text


def _read_date(column: str, row: Row, readers: dict[str, Read]) -> datetime | None:
    text = row.cells[column]
    if text is None:
        return None
    try:
        return readers[column](text)
    except (ValueError, OverflowError):
        raise _Unread(f"column {column!r} does not hold a date of its format") from None


def _meant(date: DateColumn, row: Row, ranks: dict[str, int]) -> tuple[int, type[Fact], dict[str, Any]]:
    """Return what a date in a column means: its rank at one instant, the sort of fact, and its content."""
    match date:
        case ActivityColumn(kind=kind):
            return -1, ActivityRecorded, {"kind": kind}
        case StageColumn(stage=stage, infer_gaps=infer_gaps):
            return ranks.get(stage, len(ranks) + 1), StageReached, {"stage": stage, "infer_gaps": infer_gaps}
        case SaleColumn():
            return len(ranks), Sold, _sale(date, row)
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
