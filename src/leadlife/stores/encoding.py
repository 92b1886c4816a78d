"""How a fact is written in a row and read back, with its personal part in a block of its own."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from leadlife.errors import Damaged
from leadlife.facts import ActivityRecorded, AnyFact, Fact, FieldChanged, derive_id, is_free_text
from leadlife.stores.tables import FactRow, from_micros, to_micros
from leadlife.stores.upcasting import upcast

OBSERVED, DERIVED, WITHDRAWN = "observed", "derived", "withdrawn"

_COLUMNS = frozenset(("id", "key", "seq", "recorded_at", "lead", "pipeline"))
"""The stamps of a fact, which stand in columns."""

_KEYS = frozenset(("key", "target", "sale"))
"""What may name a fact by a key of the host, which may say anything: its own key, and those of facts it is about."""

_ALIAS = re.compile("erased-[0-9a-f]{16}|[0-9a-f]{32}").fullmatch
"""What is left of such a name after an erasure: an alias, or the id of a fact."""


def encode(fact: Fact, kind: str) -> FactRow:
    """Return the row of a recorded fact, without its position."""
    body, block = _parts(fact)
    salt = None if block is None else secrets.token_hex(8)
    return FactRow(
        position=0,
        horizon=0,
        kind=kind,
        lead=fact.lead,
        pipeline=fact.pipeline,
        seq=fact.seq,
        id=fact.id,
        recorded_at=to_micros(fact.recorded_at),
        schema=fact.schema_version,
        body=body,
        digest=None if salt is None else derive_id(salt, block or ""),
        chain=None,
        personal=block,
        salt=salt,
    )


def _parts(fact: Fact) -> tuple[str, str | None]:
    """Return the content of a fact as JSON, and its personal part, if it has one."""
    apart = _personal_names(fact)
    own_key = fact.key != fact.id
    if not apart and not own_key:
        return _json(fact, _COLUMNS), None
    block = json.loads(_json(fact, frozenset(type(fact).model_fields) - apart)) if apart else {}
    if own_key:
        block["key"] = fact.key
    return _json(fact, _COLUMNS | apart), json.dumps(block, ensure_ascii=False, separators=(",", ":"))


def _json(fact: Fact, left_out: frozenset[str]) -> str:
    return fact.__pydantic_serializer__.to_json(fact, exclude_none=True, exclude=set(left_out)).decode()


def _personal_names(fact: Fact) -> frozenset[str]:
    """Return the attributes of a fact that stand in its personal block, because a person may have to be forgotten.

    The value of every field does: a later playbook may flag the field. What is kept after an erasure is decided then.
    """
    if isinstance(fact, FieldChanged):
        return frozenset() if fact.value is None else frozenset(("value",))
    if isinstance(fact, ActivityRecorded):
        return frozenset(("attributes",)) if fact.attributes else frozenset()
    if fact.caused_by is not None:
        return frozenset()  # the playbook's own words
    return frozenset(name for name in _apart(type(fact)) if getattr(fact, name) is not None)


@cache
def _apart(kind: type[Fact]) -> tuple[str, ...]:
    """Return the attributes of a type of fact that are free text, or name another fact by a key of the host."""
    return tuple(name for name, field in kind.model_fields.items() if is_free_text(field) or name in _KEYS - {"key"})


@cache
def _adapter() -> TypeAdapter[list[Any]]:
    return TypeAdapter(list[AnyFact])


def decode(rows: Sequence[FactRow], *, erased: Callable[[FactRow], bool]) -> list[Fact]:
    """Return the facts of rows, all at once, which costs a third of reading them one by one.

    Args:
        rows: The rows.
        erased: Whether the lead of a row was erased, so that its personal block may be empty.

    Raises:
        Damaged: A row holds no fact that this version can read, or its personal block is not as it was written.
    """
    texts = [_text(row, erased) for row in rows]
    try:
        facts: list[Fact] = _adapter().validate_json(f"[{','.join(texts)}]")
    except ValidationError as error:
        place = error.errors()[0]["loc"][:1]
        row = rows[place[0]] if place and isinstance(place[0], int) else rows[0]
        raise _unreadable(row) from None
    for row, fact in zip(rows, facts, strict=True):
        fact.stamped(
            id=row.id,
            # A key of the host stands in the personal block; most facts have none, and their id serves.
            key=getattr(fact, "key", None) or row.id,
            lead=row.lead,
            pipeline=row.pipeline,
            seq=row.seq,
            recorded_at=from_micros(row.recorded_at),
            fresh=True,
        )
    return facts


def _text(row: FactRow, erased: Callable[[FactRow], bool]) -> str:
    """Return the whole content of a row as JSON, in the present schema."""
    text = row.body
    if row.digest is not None and (row.salt is None or row.personal is None):
        # Only an erasure empties a block, and leaves nothing in it but aliases.
        if not erased(row) or not _is_erased(row.personal):
            raise _unreadable(row)
    elif row.personal is not None and derive_id(row.salt or "", row.personal) != row.digest:
        raise _unreadable(row)
    if row.personal is not None:
        text = f"{text[:-1]},{row.personal[1:]}"
    return upcast(text, row.schema)


def aliased(row: FactRow, aliases: dict[str, str], personal: Callable[[str], bool]) -> FactRow:
    """Return a row without what is personal in it.

    Args:
        row: The row of a fact with a personal block.
        aliases: By name of a fact, what stands for it afterwards: ids stand for themselves, and a key of the host gets
            an alias, the same one wherever it stands, so that retries and retractions keep their meaning.
        personal: Whether the values of a field are personal.
    """
    block, body = json.loads(row.personal or "{}"), json.loads(row.body)
    if body["type"] == "attribute" and block.keys() == {"value"} and not personal(body["name"]):
        return row
    names = {name: value for name, value in block.items() if name in _KEYS}
    left = {name: aliases.setdefault(value, f"erased-{secrets.token_hex(8)}") for name, value in names.items()}
    return row._replace(personal=json.dumps(left, separators=(",", ":")) if left else None, salt=None)


def _is_erased(block: str | None) -> bool:
    """Return whether a block holds nothing but aliases."""
    return block is None or all(name in _KEYS and _ALIAS(value) for name, value in json.loads(block).items())


def _unreadable(row: FactRow) -> Damaged:
    return Damaged(
        f"the fact at position {row.position} cannot be read",
        hint="restore it from a backup, or read it with the version of leadlife that wrote it",
        details={"position": row.position, "lead": row.lead, "pipeline": row.pipeline},
    )


def numbered(rows: Iterable[FactRow], positions: Iterable[int], horizon: int) -> list[FactRow]:
    """Return rows with the positions that the database gave."""
    return [row._replace(position=place, horizon=horizon) for row, place in zip(rows, positions, strict=True)]
