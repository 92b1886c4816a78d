"""The playbook: the agreement between marketing and sales as one immutable, versioned value."""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum
from functools import cached_property
from hashlib import blake2b
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from leadlife._model import LAX, Definition, Name, Text
from leadlife.activities import ActivityKind
from leadlife.criteria import Condition, FieldIs, leaves_of
from leadlife.errors import Fault, InvalidDefinition, Malformed, UnknownName, did_you_mean
from leadlife.facts import (
    ActivityRecorded,
    AttributeChanged,
    EvidenceGiven,
    Fact,
    PlaybookRef,
    StageReached,
)
from leadlife.lifecycle import Lifecycle
from leadlife.timing import Zone, zone_named


class FieldType(StrEnum):
    """What a field holds."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"

    def accepts(self, value: object) -> bool:
        """Return whether a value is of this type; a date is ISO text such as ``2026-03-01``."""
        if isinstance(value, bool):
            return self is FieldType.BOOLEAN
        if isinstance(value, int):
            return self in (FieldType.INTEGER, FieldType.NUMBER)
        if isinstance(value, float):
            return self is FieldType.NUMBER
        return self is FieldType.TEXT or (self is FieldType.DATE and _is_date(str(value)))


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


class FieldSpec(Definition):
    """A field of the lead that the playbook knows."""

    type: Annotated[FieldType, LAX] = FieldType.TEXT
    personal: bool = False
    """Whether it holds personal data."""
    choices: Annotated[tuple[Text, ...], LAX] = ()
    """The values that a text field allows; none means any."""
    meaning: Text = ""


class Playbook(Definition):
    """The agreement as one value: the lifecycle and the words that criteria and facts may use.

    Raises:
        InvalidDefinition: A criterion asks for something that is not declared; all faults are named together.
    """

    id: Name
    version: Name = "1"
    zone: Zone = "UTC"
    """The zone whose calendar days, limits and windows follow."""
    lifecycle: Lifecycle
    fields: dict[Name, FieldSpec] = Field(default_factory=dict[str, FieldSpec])
    activity_kinds: dict[Name, ActivityKind] = Field(default_factory=dict[str, ActivityKind])
    evidence: dict[Name, Text] = Field(default_factory=dict[str, str])
    """The yes-or-no questions that people and systems answer, each with its meaning."""
    meaning: Text = ""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        faults = [fault for path, guard in _guards(self.lifecycle) for fault in self._guard_faults(path, guard)]
        if faults:
            raise InvalidDefinition("the playbook has faults", faults=faults)
        return self

    def _guard_faults(self, path: str, guard: Condition) -> Iterator[Fault]:
        for leaf in leaves_of(guard):
            for sort, name in leaf.inputs():
                known = self._vocabulary.get(sort)
                if known is not None and name not in known:
                    yield Fault(path, f"{sort} {name!r} is not declared", did_you_mean(name, known))
            if isinstance(leaf, FieldIs) and leaf.name in self.fields:
                spec = self.fields[leaf.name]
                if not spec.type.accepts(leaf.value):
                    yield Fault(path, f"field {leaf.name!r} holds {spec.type}, which this value is not")
                elif spec.choices and leaf.value not in spec.choices:
                    yield Fault(path, f"field {leaf.name!r} is never this", f"it holds: {', '.join(spec.choices)}")

    @cached_property
    def _vocabulary(self) -> dict[str, Mapping[str, Any]]:
        return {"field": self.fields, "activity": self.activity_kinds, "evidence": self.evidence}

    @cached_property
    def digest(self) -> str:
        """A hash of the content; two playbooks with the same digest say the same."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return blake2b(text.encode(), digest_size=16).hexdigest()

    @cached_property
    def ref(self) -> PlaybookRef:
        """How facts name this playbook."""
        return PlaybookRef(id=self.id, version=self.version, digest=self.digest)

    @cached_property
    def zone_info(self) -> ZoneInfo:
        """The zone, ready for arithmetic."""
        return zone_named(self.zone)

    def admit(self, fact: Fact) -> None:
        """Check that a fact uses only words that this playbook declares.

        Raises:
            UnknownName: A stage, activity kind, field or evidence is not declared; near misses are suggested.
            Malformed: A field's value is not of its type, or not one of its choices.
        """
        if isinstance(fact, AttributeChanged):
            self._declared("field", fact.name)
            self._fits(fact.name, fact.value)
        elif isinstance(fact, ActivityRecorded):
            self._declared("activity", fact.kind)
        elif isinstance(fact, EvidenceGiven):
            self._declared("evidence", fact.name)
        elif isinstance(fact, StageReached):
            self.lifecycle.stage(fact.stage)

    def _fits(self, name: str, value: Any) -> None:
        spec = self.fields[name]
        if value is None:
            return
        if not spec.type.accepts(value):
            raise Malformed(f"field {name!r} holds {spec.type}, which this value is not")
        if spec.choices and value not in spec.choices:
            raise Malformed(f"field {name!r} holds one of {', '.join(spec.choices)}")

    def _declared(self, sort: str, name: str) -> None:
        known = self._vocabulary[sort]
        if name not in known:
            raise UnknownName(f"{sort} {name!r} is not declared", hint=did_you_mean(name, known))

    def with_lifecycle(self, lifecycle: Lifecycle, *, version: str | None = None) -> Self:
        """Return the playbook with another lifecycle, and another version if one is given."""
        return self.replace(lifecycle=lifecycle, version=version or self.version)

    def with_fields(self, **fields: FieldSpec) -> Self:
        """Return the playbook with further fields; those of the same name are replaced."""
        return self.replace(fields={**self.fields, **fields})

    def with_activity_kinds(self, **kinds: ActivityKind) -> Self:
        """Return the playbook with further activity kinds; those of the same name are replaced."""
        return self.replace(activity_kinds={**self.activity_kinds, **kinds})


def _guards(lifecycle: Lifecycle) -> Iterator[tuple[str, Condition]]:
    for place, rule in enumerate(lifecycle.transitions):
        if rule.guard is not None:
            yield f"lifecycle.transitions.{place}.guard", rule.guard
    for place, stage in enumerate(lifecycle.stages):
        for number, route in enumerate(stage.routes):
            yield f"lifecycle.stages.{place}.routes.{number}.guard", route.guard
    for name, entries in (("entries", lifecycle.entries), ("referral_entries", lifecycle.referral_entries)):
        for place, entry in enumerate(entries):
            if entry.guard is not None:
                yield f"lifecycle.{name}.{place}.guard", entry.guard
