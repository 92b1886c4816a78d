"""Transfer: a store as JSON lines, one for each playbook, fact and tombstone, and back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from leadlife._base.model import read_json
from leadlife.errors import LeadlifeError, Malformed, Unreadable
from leadlife.facts import Erased, Fact, Merged, Unmerged, load_fact
from leadlife.io.fact_lines import LineSetAside
from leadlife.journey import Journey
from leadlife.journey.snapshot import Snapshot
from leadlife.playbook.playbook import Playbook
from leadlife.stores import applying
from leadlife.stores.context import StoreContext
from leadlife.stores.database import Session, put, read
from leadlife.stores.encoding import OBSERVED, encode
from leadlife.stores.erasing import erase
from leadlife.stores.finding import Wanted, live
from leadlife.stores.journeys import Saved, append, find_row, load, log_of, placed
from leadlife.stores.lead_state import LeadState
from leadlife.stores.merging import redirect, stand_alone
from leadlife.stores.tables import (
    HELD,
    LEADS,
    PLAYBOOKS,
    REQUESTS,
    SNAPSHOTS,
    HeldRow,
    LeadRow,
    RequestRow,
    SnapshotRow,
    from_micros,
    tables,
)

R = TypeVar("R", bound=tuple[Any, ...])


class Imported(NamedTuple):
    """What was read of a file.

    Attributes:
        leads: How many leads have new facts.
        facts: How many facts are new.
        known: How many facts were there before.
        set_aside: What could not be taken in, with its line and the reason; everything else was.
    """

    leads: int
    facts: int
    known: int
    set_aside: tuple[LineSetAside, ...]


def write_lines(context: StoreContext, path: Path) -> int:
    """Write a store as JSON lines, and return how many lines there are; see ``DatabaseStore.write_lines``."""
    count = 0
    # An earlier file stays as it is until the new one is whole.
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        with unfinished.open("w", encoding="utf-8") as file, context.database.reading() as session:
            session.hold()
            for line in _lines(session):
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
                count += 1
        unfinished.replace(path)
    except OSError as error:
        raise Unreadable(f"{path.name!r} cannot be written: {error.strerror}") from None
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
    return count


def _lines(session: Session) -> Iterator[dict[str, Any]]:
    for playbook in read(session, PLAYBOOKS, "ORDER BY id, version"):
        yield {"playbook": json.loads(playbook.body)}
    for state in live(lambda: nullcontext(session), Wanted(erased=True, merged=True)):
        of_lead = "WHERE lead = :lead AND pipeline = :pipeline"
        (row,) = read(session, LEADS, of_lead, lead=state.lead, pipeline=state.pipeline)
        facts = [fact.dump() for fact in log_of(session, row)]
        if row.erased_at is None:
            yield from facts
            continue
        snapshot = read(session, SNAPSHOTS, "WHERE lead = :lead AND pipeline = :pipeline", **_key(row))
        yield {"tombstone": {"state": row._asdict(), "snapshot": [one.body for one in snapshot], "facts": facts}}

    for request in read(session, REQUESTS, "ORDER BY lead, pipeline, key"):
        yield {"request": request._asdict()}


def _key(row: LeadRow) -> dict[str, str]:
    return {"lead": row.lead, "pipeline": row.pipeline}


def read_lines(context: StoreContext, path: Path) -> Imported:
    """Take in JSON lines; see ``DatabaseStore.read_lines``."""
    imported = _Import(context)
    by_lead: dict[tuple[str, str], list[_Line]] = {}
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, text in enumerate(file, start=1):
                line = imported.read(number, text) if text.strip() else None
                if line is not None:
                    by_lead.setdefault((line.fact.lead, line.fact.pipeline), []).append(line)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not UTF-8 text"
        raise Unreadable(f"{path.name!r} cannot be read: {reason}") from None
    # Those into which others were merged come first: they say who stands alone again, and whose own lines can be taken.
    for (lead, pipeline), lines in sorted(by_lead.items(), key=lambda one: not _has_merges(one[1])):
        imported.take(lead, pipeline, lines)
    return imported.result()


class _Line(NamedTuple):
    number: int
    fact: Fact


def _has_merges(lines: Sequence[_Line]) -> bool:
    return any(isinstance(line.fact, Merged | Unmerged) for line in lines)


class _Import:
    """What has been read of a file so far."""

    def __init__(self, context: StoreContext) -> None:
        self._context = context
        self._leads = self._facts = self._known = 0
        self._aside: list[LineSetAside] = []
        self._losers: list[tuple[str, str, str]] = []
        self._requests: list[RequestRow] = []

    def result(self) -> Imported:
        """Return what was read, once every lead that was merged goes on as the other one again."""
        with self._context.database.writing() as session:
            for loser, pipeline, lead in self._losers:
                redirect(session, loser, pipeline, lead)
            for request in self._requests:
                if find_row(session, request.lead, request.pipeline) is not None:
                    put(session, REQUESTS, request)
        return Imported(self._leads, self._facts, self._known, tuple(sorted(self._aside)))

    def read(self, number: int, text: str) -> _Line | None:
        """Return the fact of a line; take in a playbook or a tombstone at once; set aside what is neither."""
        try:
            data = _object(text)
            if "playbook" in data and "type" not in data:
                self._take_playbook(data["playbook"])
            elif "request" in data:
                self._requests.append(_as_row(RequestRow, data["request"]))
            elif "tombstone" in data:
                self._take_tombstone(data["tombstone"])
            else:
                fact = load_fact(text)
                if not all(getattr(fact, name) is not None for name in ("lead", "pipeline", "id", "key", "seq")):
                    raise Malformed("the fact has no stamps: only recorded facts can be taken in")
                return _Line(number, fact)
        except LeadlifeError as error:
            self._aside.append(LineSetAside(number, None, error.message))
        return None

    def _take_playbook(self, data: Any) -> None:
        with self._context.database.writing() as session:
            agreements = self._context.agreements
            name = (str(data.get("id")), str(data.get("version"))) if isinstance(data, dict) else ("", "")
            # One at hand has its functions bound; a log that names another content says so.
            at_hand = agreements.registry.by_name.get(name)
            agreements.add(session, at_hand or Playbook.model_validate_json(json.dumps(data)))

    def _take_tombstone(self, data: Any) -> None:
        tombstone = _Tombstone.read(data, self._context)
        row = tombstone.row
        with self._context.database.writing() as session:
            known = find_row(session, row.lead, row.pipeline)
            if known is None:
                tombstone.write(session, self._context)
                self._leads += 1
                self._facts += row.version
                return
        self._known += row.version
        if known.erased_at is None:
            erased = Erased(at=from_micros(row.erased_at or 0), by="import", reason="requested")
            erase(self._context, row.lead, erased, pipeline=row.pipeline)

    def take(self, lead: str, pipeline: str, lines: Sequence[_Line]) -> None:
        """Take in the facts of a lead, or set them aside together."""
        try:
            journey = Journey.replay([line.fact for line in lines], self._context.agreements.all())
            if self._is_merged(journey):
                self._known += len(lines)
                return
            saved = applying.apply(self._context, lead, lambda stored: _joined(stored, journey), pipeline=pipeline)
        except LeadlifeError as error:
            self._aside.append(LineSetAside(lines[0].number, lead, error.message))
            return
        self._leads += bool(saved.facts)
        self._facts += len(saved.facts)
        self._known += len(lines) - len(saved.facts)
        self._losers += [(loser, pipeline, lead) for loser in journey.merged]
        if _has_merges(lines):
            self._part(lead, pipeline, saved)

    def _part(self, lead: str, pipeline: str, saved: Saved) -> None:
        """Let every stored lead go on as itself that is not merged into this one any more."""
        of_survivor = "WHERE merged_into = :lead AND pipeline = :pipeline"
        with self._context.database.writing() as session:
            for row in read(session, LEADS, of_survivor, lead=lead, pipeline=pipeline):
                if row.lead not in saved.journey.merged:
                    stand_alone(session, self._context, row, above=saved.state.revision)

    def _is_merged(self, journey: Journey) -> bool:
        """Return whether a lead is stored that goes on as another one, and its own log holds these facts.

        Raises:
            Malformed: It does not hold them.
        """
        with self._context.database.reading() as session:
            row = find_row(session, journey.lead_id, journey.pipeline)
            if row is None or row.merged_into is None:
                return False
            if not load(session, self._context, row).goes_on_from(journey):
                raise Malformed(
                    "the lead was merged into another one, and the file holds more of it", hint="unmerge it first"
                )
            return True


class _Tombstone(NamedTuple):
    """A lead that was erased, as a line holds it."""

    row: LeadRow
    facts: tuple[Fact, ...]
    snapshot: str

    @classmethod
    def read(cls, data: Any, context: StoreContext) -> _Tombstone:
        """Return a tombstone whose state, log and snapshot fit each other.

        Raises:
            Malformed: They do not.
        """
        try:
            row = _as_row(LeadRow, data["state"])
            facts = tuple(load_fact(one) for one in data["facts"])
            (body,) = data["snapshot"]
            stands = Journey.resume_tail(Snapshot.trusted(body), [], context.agreements.all())
            LeadState.of(row)
            whole = (stands.lead_id, stands.pipeline, stands.stage, stands.version)
            fits = whole == (row.lead, row.pipeline, row.stage, row.version) == (*whole[:3], len(facts))
            log = Journey.replay(facts, context.agreements.all())
            fits = fits and row.erased_at is not None and (log.lead_id, log.pipeline) == whole[:2]
        except Exception as error:  # noqa: BLE001 - a line may hold anything
            raise Malformed(f"the tombstone cannot be read: {type(error).__name__}") from None
        if not fits:
            raise Malformed("the state, the log and the snapshot of the tombstone do not fit each other")
        return cls(row, facts, body)

    def write(self, session: Session, context: StoreContext) -> None:
        """Write the tombstone where there is no such lead."""
        row, key = self.row, _key(self.row)
        rows = placed(session, context, [encode(fact, OBSERVED) for fact in self.facts])
        session.insert(LEADS, [row._replace(revision=1, position=rows[-1].position, snapshot=row.version)])
        append(session, context, rows)
        put(session, SNAPSHOTS, SnapshotRow(row.lead, row.pipeline, row.version, self.snapshot))
        session.insert(HELD, [HeldRow(name, **key) for name in LeadState.of(row).qualifications])


def _as_row(kind: type[R], data: Any) -> R:
    """Return a row that a line holds.

    Raises:
        Malformed: A column is missing, unknown, or of another type.
    """
    columns = {column.name: column for table in tables() if table.row is kind for column in table.columns}
    if not isinstance(data, dict) or data.keys() != columns.keys():
        raise Malformed("the line does not hold the columns of a row")
    for name, value in data.items():
        column = columns[name]
        text = isinstance(value, str) and value.isprintable()
        number = type(value) is int and abs(value) < 2**62
        if not (text if column.text else number) and not (value is None and column.null):
            raise Malformed(f"the column {name!r} of the line has a value that does not fit")
    return kind(**data)


def _joined(stored: Journey, journey: Journey) -> Journey:
    """Return the longer of two logs, one of which goes on from the other."""
    if not stored.version or journey.goes_on_from(stored):
        return journey
    if stored.goes_on_from(journey):
        return stored
    raise Malformed("the log of the file and the stored one part ways", hint="record its facts one by one instead")


def _object(text: str) -> dict[str, Any]:
    data = read_json(text)
    if not isinstance(data, dict):
        raise Malformed("a line is a JSON object")
    return data
