"""Transfer: a store as JSON lines, one for each playbook, fact and tombstone, and back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

from leadlife._base.model import read_json
from leadlife.errors import LeadlifeError, Malformed, Unreadable
from leadlife.facts import Fact, load_fact
from leadlife.io.fact_lines import LineSetAside
from leadlife.journey import Journey
from leadlife.playbook.playbook import Playbook
from leadlife.stores import applying
from leadlife.stores.context import StoreContext
from leadlife.stores.database import Session, put, read
from leadlife.stores.encoding import OBSERVED, encode
from leadlife.stores.finding import Wanted, live
from leadlife.stores.journeys import append, find_row, log_of, placed
from leadlife.stores.merging import redirect
from leadlife.stores.tables import LEADS, PLAYBOOKS, SNAPSHOTS, LeadRow, SnapshotRow


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
    try:
        with path.open("w", encoding="utf-8") as file, context.database.reading() as session:
            session.hold()
            for line in _lines(session):
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
                count += 1
    except OSError as error:
        raise Unreadable(f"{path.name!r} cannot be written: {error.strerror}") from None
    return count


def _lines(session: Session) -> Iterator[dict[str, Any]]:
    for playbook in read(session, PLAYBOOKS, "ORDER BY id, version"):
        yield {"playbook": json.loads(playbook.body)}
    for state in live(lambda: nullcontext(session), Wanted(erased=True, merged=True)):
        row = find_row(session, state.lead, state.pipeline)
        if row is None:
            continue
        facts = [fact.dump() for fact in log_of(session, row)]
        if row.erased_at is None:
            yield from facts
            continue
        snapshot = read(session, SNAPSHOTS, "WHERE lead = :lead AND pipeline = :pipeline", **_key(row))
        yield {"tombstone": {"state": row._asdict(), "snapshot": [one.body for one in snapshot], "facts": facts}}


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
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is no UTF-8 text"
        raise Unreadable(f"{path.name!r} cannot be read: {reason}") from None
    for (lead, pipeline), lines in by_lead.items():
        imported.take(lead, pipeline, lines)
    return imported.result()


class _Line(NamedTuple):
    number: int
    fact: Fact


class _Import:
    """What has been read of a file so far."""

    def __init__(self, context: StoreContext) -> None:
        self._context = context
        self._leads = self._facts = self._known = 0
        self._aside: list[LineSetAside] = []
        self._losers: list[tuple[str, str, str]] = []

    def result(self) -> Imported:
        """Return what was read, once every lead that was merged goes on as the other one again."""
        with self._context.database.writing() as session:
            for loser, pipeline, lead in self._losers:
                redirect(session, loser, pipeline, lead)
        return Imported(self._leads, self._facts, self._known, tuple(sorted(self._aside)))

    def read(self, number: int, text: str) -> _Line | None:
        """Return the fact of a line; take in a playbook or a tombstone at once; set aside what is neither."""
        try:
            data = _object(text)
            if "playbook" in data and "type" not in data:
                self._take_playbook(data["playbook"])
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
        playbook = Playbook.model_validate_json(json.dumps(data))
        with self._context.database.writing() as session:
            self._context.agreements.add(session, playbook)

    def _take_tombstone(self, data: Any) -> None:
        try:
            row = LeadRow(**data["state"])
            facts = [load_fact(one) for one in data["facts"]]
            bodies = [str(one) for one in data["snapshot"]]
        except (KeyError, TypeError):
            raise Malformed("the tombstone lacks its state, its snapshot or its facts") from None
        with self._context.database.writing() as session:
            if read(session, LEADS, "WHERE lead = :lead AND pipeline = :pipeline", **_key(row)):
                self._known += len(facts)
                return
            rows = placed(session, self._context, [encode(fact, OBSERVED, lambda _: True) for fact in facts])
            session.insert(LEADS, [row._replace(revision=1, position=rows[-1].position)])
            append(session, self._context, rows)
            for body in bodies:
                put(session, SNAPSHOTS, SnapshotRow(row.lead, row.pipeline, row.version, body))
        self._leads += 1
        self._facts += len(facts)

    def take(self, lead: str, pipeline: str, lines: Sequence[_Line]) -> None:
        """Take in the facts of a lead, or set them aside together."""
        try:
            journey = Journey.replay([line.fact for line in lines], self._context.agreements.all())
            saved = applying.apply(self._context, lead, lambda stored: _joined(stored, journey), pipeline=pipeline)
        except LeadlifeError as error:
            self._aside.append(LineSetAside(lines[0].number, lead, error.message))
            return
        self._leads += bool(saved.facts)
        self._facts += len(saved.facts)
        self._known += len(lines) - len(saved.facts)
        self._losers += [(loser, pipeline, lead) for loser in journey.merged]


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
