"""Facts as rows of plain values, and back: what a column holds of a fact.

Most facts of a large log say the same as many others: somebody viewed a page, a field has a value. So what a row says
is validated once for each distinct content, and a row costs no more than a copy of that with its own instants and ids.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from leadlife._base.model import EARLIEST, LATEST, identifier
from leadlife.errors import LeadlifeError, Malformed, did_you_mean
from leadlife.facts import FACT_TYPES, Fact, PlaybookRef, Started, load_fact

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
FIRST, LAST = (EARLIEST - EPOCH) // _TICK, (LATEST - EPOCH) // _TICK
"""The instants that a fact may have, in microseconds since 1970: from the first one to before the last."""
MOST_CONTENTS = 100_000
"""So many distinct contents are kept; a log in which each is another one gains nothing by it."""

_NAMES = ("kind", "name", "trigger", "stage", "purpose", "policy", "target", "segment", "programme")
_VALUES = ("value", "granted")
DATED = ("qualified",)
"""Kinds of facts whose content is checked against their instant: what is granted expires later."""
_OWN_COLUMNS = {"type", "schema", "at", "recorded_at", "seq", "id", "key", "lead", "pipeline"}


class FactRow(NamedTuple):
    """One fact as plain values, in the order of the columns.

    Attributes:
        lead: Whose journey it belongs to.
        pipeline: In which pipeline.
        kind: The type of the fact, such as ``activity`` or ``moved``.
        at: When it was so, in microseconds since 1970, UTC.
        recorded_at: When the journey learned it; None for a fact that no journey has recorded yet.
        seq: The journey's counter; None likewise.
        id: Its id; None likewise.
        key: The idempotency key; None where it is the id.
        name: What it is about: the kind of an activity, a field, a piece of evidence, a trigger, a stage.
        value: The value as JSON; None where there is none.
        payload: All the rest as a JSON object; None where everything else is as by default.
    """

    lead: str
    pipeline: str
    kind: str
    at: int
    recorded_at: int | None
    seq: int | None
    id: str | None
    key: str | None
    name: str | None
    value: str | None
    payload: str | None


def micros(at: datetime) -> int:
    """Return an instant in microseconds since 1970, UTC."""
    return (at - EPOCH) // _TICK


def moment(number: int) -> datetime:
    """Return the instant of a number of microseconds since 1970, UTC.

    Raises:
        Malformed: It lies outside the years 1678 to 2261.
    """
    if not FIRST <= number < LAST:
        raise Malformed(f"{number} microseconds since 1970 are outside the years 1678 to 2261", hint=_unit_of(number))
    return EPOCH + timedelta(microseconds=number)


def _unit_of(number: int) -> str:
    return "instants are microseconds; these may be nanoseconds" if FIRST <= number // 1_000 < LAST else ""


@cache
def _types() -> Mapping[str, type[Fact]]:
    return {str(one.model_fields["type"].default): one for one in FACT_TYPES}


@cache
def _columns_of(kind: type[Fact]) -> tuple[str | None, str | None]:
    """Return the fields of a type of fact that stand in the columns ``name`` and ``value``."""
    fields = kind.model_fields
    return next((one for one in _NAMES if one in fields), None), next((one for one in _VALUES if one in fields), None)


def row_of(fact: Fact, *, lead: str | None = None, pipeline: str = "main") -> FactRow:
    """Return a fact as a row.

    Args:
        fact: The fact; it may be new, without stamps.
        lead: Whose it is, where the fact has no stamp that says so.
        pipeline: In which pipeline, likewise.

    Raises:
        Malformed: Nobody says whose it is.
    """
    # What is the same in nearly every row has a column of its own, which compresses to nothing; the rest is JSON.
    named, valued = _columns_of(type(fact))
    rest = {name: value for name, value in fact.dump().items() if name not in _OWN_COLUMNS}
    name = None if named is None else rest.pop(named, None)
    value = None if valued is None or valued not in rest else _text(rest.pop(valued))
    if rest.get("by") == {"id": "system", "kind": "system", "roles": []}:
        del rest["by"]
    if not rest.get("attributes", True):
        del rest["attributes"]
    stamps = vars(fact)
    owner = stamps["lead"] or lead
    if owner is None:
        raise Malformed("this fact has no lead", hint="record it first, or pass lead=")
    new = stamps["seq"] is None
    return FactRow(
        lead=owner,
        pipeline=stamps["pipeline"] or pipeline,
        kind=fact.type,
        at=micros(fact.at),
        recorded_at=None if new else micros(fact.recorded_at),
        seq=None if new else fact.seq,
        id=stamps["id"],
        key=None if stamps["key"] == stamps["id"] else stamps["key"],
        name=name,
        value=value,
        payload=_text(rest) if rest else None,
    )


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


class RowReader:
    """Reads rows as facts. It keeps what distinct contents came to, so one reader serves many rows."""

    def __init__(self, playbook: PlaybookRef | None = None) -> None:
        """Begin.

        Args:
            playbook: Under which a journey begins whose start names none.
        """
        self._playbook = playbook
        self._contents: dict[tuple[str, str | None, str | None, str | None], Fact] = {}
        self._owners: dict[tuple[str, str], None] = {}

    def fact(self, row: FactRow) -> Fact:
        """Return the fact of one row.

        Raises:
            Malformed: The row says nothing that a fact can hold.
        """
        lead, pipeline, kind, at, recorded_at, seq, id, key, name, value, payload = row  # noqa: A001 - the column's name
        # A log says few different things, many times each: one validation serves all rows of one content.
        content = (kind, name, value, payload)
        known = self._contents.get(content)
        if known is None:
            known = self.content(*content, at=at if kind in DATED else None)
        if (lead, pipeline) not in self._owners:
            self._own(lead, pipeline)
        when = moment(at)
        if seq is None or id is None:
            new = known.stamped(id=id, key=key, lead=None, pipeline=None, seq=None, recorded_at=None)  # type: ignore[arg-type]
        else:
            new = known.stamped(
                id=identifier(id),
                key=id if key is None else identifier(key),
                lead=lead,
                pipeline=pipeline,
                seq=_counted(seq),
                recorded_at=when if recorded_at is None or recorded_at == at else moment(recorded_at),
            )
        vars(new)["at"] = when  # the content was read with an instant of another row; a fact is frozen for others only
        return new

    def _own(self, lead: str, pipeline: str) -> None:
        if len(self._owners) >= MOST_CONTENTS:  # a file of a million leads must not fill the memory
            self._owners.clear()
        self._owners[identifier(lead), identifier(pipeline)] = None

    def content(
        self, kind: str, name: str | None, value: str | None, payload: str | None, *, at: int | None = None
    ) -> Fact:
        """Return a fact of a content.

        Args:
            kind: As the columns; so are the others.
            name: As the column.
            value: As the column.
            payload: As the column.
            at: Its instant; without one it may be of any, and is kept for other rows.

        Raises:
            Malformed: It says nothing that a fact can hold.
        """
        of_kind = _types().get(kind)
        if of_kind is None:
            raise Malformed(f"{kind!r} is not a kind of fact", hint=did_you_mean(str(kind), _types()))
        data = _said(kind, of_kind, name, value, payload)
        if of_kind is Started and self._playbook is not None:
            data.setdefault("playbook", self._playbook.model_dump(mode="json"))
        read = load_fact({**data, "type": kind, "at": "2000-01-01T00:00:00Z" if at is None else moment(at).isoformat()})
        if at is not None:
            return read
        if len(self._contents) >= MOST_CONTENTS:
            self._contents.clear()
        self._contents[kind, name, value, payload] = read
        return read


def _said(kind: str, of_kind: type[Fact], name: str | None, value: str | None, payload: str | None) -> dict[str, Any]:
    """Return what the columns of a row say, by the fields of its kind of fact.

    Raises:
        Malformed: Something stands in the wrong column, or is not JSON.
    """
    named, valued = _columns_of(of_kind)
    data = _object(payload)
    for column, field in (("name", named), ("value", valued)):
        if field in data:
            raise Malformed(f"{field!r} stands in the payload", hint=f"write it in the column {column}")
    for column, field, cell in (("name", named, name), ("value", valued, value_of(value))):
        if cell is None:
            continue
        if field is None:
            raise Malformed(f"a fact of kind {kind!r} has no {column}", hint=f"leave the column {column} empty")
        data[field] = cell
    own = sorted(_OWN_COLUMNS.intersection(data) - {"schema"})
    if own:
        raise Malformed(f"the payload holds {', '.join(own)}, which are columns", hint="write it in its column")
    return data


def _counted(seq: int) -> int:
    if not 0 <= seq < 2**63:
        raise Malformed("seq must be a whole number from 0")
    return seq


def value_of(value: str | None) -> Any:
    """Return the value of the column ``value``.

    Raises:
        Malformed: It is not JSON.
    """
    if value is None:
        return None
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise Malformed("the value is not JSON", hint='text stands in quotes: "Recife"') from None


def _object(payload: str | None) -> dict[str, Any]:
    if payload is None:
        return {}
    try:
        data = json.loads(payload)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise Malformed("the payload is not a JSON object", hint='write {"attributes": {"page": "/pricing"}}')
    return data


def reason_of(error: LeadlifeError) -> str:
    """Return in one line why something could not be read or folded; it holds no values of a lead."""
    found = error.faults if isinstance(error, Malformed) else ()
    faults = "; ".join(f"{fault.path}: {fault.message}" if fault.path else fault.message for fault in found[:3])
    hint = f"({error.hint})" if error.hint and not faults else ""
    return " ".join(f"{error.message.partition(chr(10))[0]} {faults} {hint}".split())
