"""Leads: their fields, source, consents and activities, and the actors who act on them."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from leadlife._base.field_types import FieldType
from leadlife._base.model import (
    LAX,
    Accepts,
    Definition,
    Id,
    Instant,
    Label,
    MappingOf,
    Model,
    Name,
    Names,
    OneOf,
    Text,
    TupleOf,
    default,
)
from leadlife._frozen import FrozenDict
from leadlife.criteria import LeadType as LeadType  # noqa: PLC0414 - users import it from here
from leadlife.criteria import Scalar
from leadlife.errors import Malformed, did_you_mean

CHANNELS: dict[str, LeadType] = {
    "organic_search": LeadType.CULTIVATED,
    "public_relations": LeadType.CULTIVATED,
    "local_group": LeadType.CULTIVATED,
    "social": LeadType.CULTIVATED,
    "expert_content": LeadType.CULTIVATED,
    "email": LeadType.INTEREST,
    "conference": LeadType.INTEREST,
    "display": LeadType.INTEREST,
    "paid_search": LeadType.INTEREST,
    "direct_contact": LeadType.TARGETED,
    "named_account": LeadType.TARGETED,
    "referral": LeadType.REFERRAL,
}
"""The lead type that each channel implies, unless another lead type is given."""


if TYPE_CHECKING:
    _LeadType = Accepts[LeadType | None, LeadType | str | None]
else:
    _LeadType = Annotated[LeadType, LAX] | None


class Source(Model):
    """Where a cycle came from: the channel, and the lead type that it implies."""

    channel: Id | None = None
    lead_type: _LeadType = default(None)
    campaign: Id | None = None

    @model_validator(mode="before")
    @classmethod
    def _implied(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("lead_type") is None:
            return {**data, "lead_type": CHANNELS.get(str(data.get("channel")))}
        return data


class ActorKind(StrEnum):
    """The kind of an actor."""

    PERSON = "person"
    SYSTEM = "system"
    IMPORTER = "importer"
    TIMER = "timer"


class Actor(Model):
    """Who did something, and in which roles. Plain text is read as a person without roles."""

    id: Id
    kind: OneOf[ActorKind] = default(ActorKind.PERSON)
    roles: Names = default(())


_STORED = frozenset(Actor.model_fields)
SYSTEM = "system"
TIMER = "timer"
_RESERVED = {SYSTEM: ActorKind.SYSTEM, TIMER: ActorKind.TIMER}


@lru_cache(maxsize=1_024)
def _named(name: str) -> Actor:
    return Actor(id=name, kind=_RESERVED.get(name, ActorKind.PERSON))


def actor(by: Actor | str = SYSTEM) -> Actor:
    """Return an actor; text is a person without roles, except for ``system`` and ``timer``.

    Raises:
        Malformed: ``by`` is neither an Actor nor text, or the text is not a valid id.
    """
    if isinstance(by, Actor):
        return by
    if not isinstance(by, str):
        raise Malformed(f"an actor must be an Actor or text, not {type(by).__name__}", hint='pass Actor(id="sam")')
    return _named(by)


@lru_cache(maxsize=1_024)
def _stored(name: str, kind: str, roles: tuple[str, ...]) -> Actor:
    return Actor(id=name, kind=kind, roles=roles)


def _as_actor(value: object) -> object:
    if isinstance(value, str):
        return _named(value)
    if not isinstance(value, dict) or value.keys() != _STORED:
        return value
    # A stored fact: a log names few actors, many times each.
    name, kind, roles = value["id"], value["kind"], value["roles"]
    if type(name) is type(kind) is str and type(roles) is list and all(type(role) is str for role in roles):
        try:
            return _stored(name, kind, tuple(roles))
        except Malformed:
            return value  # pydantic names each fault with its path
    return value


if TYPE_CHECKING:
    AnyActor = Accepts[Actor, Actor | str]
    OptionalActor = Accepts[Actor | None, Actor | str | None]
else:
    AnyActor = Annotated[Actor, BeforeValidator(_as_actor)]
    OptionalActor = AnyActor | None


class Consent(Model):
    """Whether the lead agrees to one use of its data, since when, and on what basis."""

    purpose: Name
    granted: bool
    since: Instant | None = None
    basis: Text | None = None


if TYPE_CHECKING:
    _Fields = Accepts[Mapping[str, Scalar], Mapping[str, Scalar | date | Decimal]]
    Attributes = Accepts[Mapping[str, Scalar], Mapping[str, Scalar | date | Decimal]]
else:
    _Fields, Attributes = MappingOf[Name, Scalar], MappingOf[Label, Scalar]


class Lead(Model):
    """A prospect, a person or an account, at any stage. The class does not mean a level of qualification.

    ``journey.lead`` returns the lead that the facts describe; ``Journey.start`` accepts a lead and records its facts.
    """

    id: Id
    fields: _Fields = default(Field(default_factory=FrozenDict[str, Scalar], repr=False))
    source: Source | None = None
    consents: TupleOf[Consent] = default(())
    identified: bool = False
    referred_by: Id | None = None


if TYPE_CHECKING:
    _Types = Accepts[Mapping[str, FieldType], Mapping[str, FieldType | str]]
else:
    _Types = MappingOf[Label, Annotated[FieldType, LAX]]


class ActivityKind(Definition):
    """A kind of activity that a playbook declares."""

    two_way: bool = False
    """Whether both sides take part, as in a reply or a call."""
    meaning: Text = ""
    attributes: _Types = default(Field(default_factory=FrozenDict[str, FieldType]))
    """The attributes that activities of this kind have, each with its type; none means that any are allowed."""

    def fault_in(self, attributes: Mapping[str, Any]) -> tuple[str, str] | None:
        """Return the first attribute that is not declared or not of its type, with the reason; None if all fit."""
        if not self.attributes:
            return None
        for name, value in attributes.items():
            declared = self.attributes.get(name)
            if declared is None:
                return name, f"is not declared ({did_you_mean(name, self.attributes)})"
            if not declared.accepts(value):
                return name, f"must be {declared.words}"
        return None


class Activity(Model):
    """One activity, as criteria and scoring policies read it."""

    id: Id | None = None
    kind: Name
    at: Instant
    attributes: Attributes = default(Field(default_factory=FrozenDict[str, Scalar], repr=False))
