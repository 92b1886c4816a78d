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
from leadlife.facts import ActivityRecorded, AnyFact, Fact, FieldChanged, Retracted, derive_id, is_free_text
from leadlife.stores.tables import FactRow, from_micros, to_micros
from leadlife.stores.upcasting import upcast

OBSERVED, DERIVED, WITHDRAWN = "observed", "derived", "withdrawn"

_COLUMNS = frozenset(("id", "key", "seq", "recorded_at", "lead", "pipeline"))
"""The stamps of a fact, which stand in columns."""

_KEYS = frozenset(("key", "target"))
"""What names a fact by a key of the host."""

_ID = re.compile("[0-9a-f]{32}").fullmatch
_ALIAS = re.compile("erased-[0-9a-f]{16}").fullmatch

Personal = Callable[[str], bool]
"""Whether the values of a field are personal."""


def encode(fact: Fact, kind: str, personal: Personal) -> FactRow:
    """Return the row of a recorded fact, without its position."""
    body, block = _parts(fact, personal)
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


def _parts(fact: Fact, personal: Personal) -> tuple[str, str | None]:
    """Return the content of a fact as JSON, and its personal part, if it has one."""
    apart = _personal_names(fact, personal)
    own_key = fact.key != fact.id
    if not apart and not own_key:
        return _json(fact, _COLUMNS), None
    block = json.loads(_json(fact, frozenset(type(fact).model_fields) - apart)) if apart else {}
    if own_key:
        block["key"] = fact.key
    return _json(fact, _COLUMNS | apart), json.dumps(block, ensure_ascii=False, separators=(",", ":"))


def _json(fact: Fact, left_out: frozenset[str]) -> str:
    return fact.__pydantic_serializer__.to_json(fact, exclude_none=True, exclude=set(left_out)).decode()


def _personal_names(fact: Fact, personal: Personal) -> frozenset[str]:
    """Return the attributes of a fact that are personal and said."""
    if isinstance(fact, FieldChanged):
        return frozenset(("value",)) if fact.value is not None and personal(fact.name) else frozenset()
    if isinstance(fact, Retracted):
        return frozenset() if _ID(fact.target) else frozenset(("target",))  # a key of the host may say anything
    if isinstance(fact, ActivityRecorded):
        told = any(isinstance(value, str) for value in fact.attributes.values())
        return frozenset(("attributes",)) if told else frozenset()
    if fact.caused_by is not None:
        return frozenset()  # the playbook's own words
    return frozenset(name for name in _free_text(type(fact)) if getattr(fact, name) is not None)


@cache
def _free_text(kind: type[Fact]) -> tuple[str, ...]:
    return tuple(name for name, field in kind.model_fields.items() if is_free_text(field))


@cache
def _adapter() -> TypeAdapter[list[Any]]:
    return TypeAdapter(list[AnyFact])


def decode(rows: Sequence[FactRow]) -> list[Fact]:
    """Return the facts of rows, all at once, which costs a third of reading them one by one.

    Raises:
        Damaged: A row holds no fact that this version can read, or its personal block is not as it was written.
    """
    texts = [_text(row) for row in rows]
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


def _text(row: FactRow) -> str:
    """Return the whole content of a row as JSON, in the present schema."""
    text = row.body
    if row.personal is not None:
        known = derive_id(row.salt, row.personal) == row.digest if row.salt is not None else _is_erased(row.personal)
        if not known:
            raise _unreadable(row)
        text = f"{text[:-1]},{row.personal[1:]}"
    return upcast(text, row.schema)


def aliased(block: str, aliases: dict[str, str]) -> str | None:
    """Return what is left of a personal block after an erasure: an alias for each key, so that retries stay one fact.

    Args:
        block: The block.
        aliases: By key, its alias; new ones are added. The same key gets the same alias within a lead.
    """
    keys = {name: value for name, value in json.loads(block).items() if name in _KEYS}
    left = {name: aliases.setdefault(value, f"erased-{secrets.token_hex(8)}") for name, value in keys.items()}
    return json.dumps(left, separators=(",", ":")) if left else None


def _is_erased(block: str) -> bool:
    """Return whether a block holds nothing but aliases."""
    return all(name in _KEYS and _ALIAS(value) for name, value in json.loads(block).items())


def _unreadable(row: FactRow) -> Damaged:
    return Damaged(
        f"the fact at position {row.position} cannot be read",
        hint="restore it from a backup, or read it with the version of leadlife that wrote it",
        details={"position": row.position, "lead": row.lead, "pipeline": row.pipeline},
    )


def numbered(rows: Iterable[FactRow], positions: Iterable[int], horizon: int) -> list[FactRow]:
    """Return rows with the positions that the database gave."""
    return [row._replace(position=place, horizon=horizon) for row, place in zip(rows, positions, strict=True)]
