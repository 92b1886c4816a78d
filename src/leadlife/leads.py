"""Leads: who they are, where they came from, what they consented to, what they did, and who acts on them."""

from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from leadlife._base.model import (
    LAX,
    Accepts,
    Definition,
    Id,
    Instant,
    Model,
    Name,
    Names,
    OneOf,
    Text,
    TupleOf,
    default,
)
from leadlife.criteria import Scalar
from leadlife.errors import Malformed


class LeadType(StrEnum):
    """How a lead came about; each type has its own close rate, pace, cost and playbook.

    The sales literature says *seeds*, *nets* and *spears* for the first three; ``LeadType("nets")`` reads them.
    """

    CULTIVATED = "cultivated"
    INTEREST = "interest"
    TARGETED = "targeted"
    REFERRAL = "referral"

    @classmethod
    def _missing_(cls, value: object) -> "LeadType | None":
        synonyms = {"seeds": cls.CULTIVATED, "nets": cls.INTEREST, "spears": cls.TARGETED}
        return synonyms.get(value) if isinstance(value, str) else None


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
"""The lead type that a channel implies, unless the host says otherwise."""


if TYPE_CHECKING:
    _LeadType = Accepts[LeadType | None, LeadType | str | None]
else:
    _LeadType = Annotated[LeadType, LAX] | None


class Source(Model):
    """Where a cycle came from: the channel, and the lead type it implies."""

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
    """What sort of actor did something."""

    PERSON = "person"
    SYSTEM = "system"
    IMPORTER = "importer"
    TIMER = "timer"


class Actor(Model):
    """Who did something, and in which roles. Plain text stands for a person without roles."""

    id: Id
    kind: OneOf[ActorKind] = default(ActorKind.PERSON)
    roles: Names = default(())


SYSTEM = "system"
TIMER = "timer"
_RESERVED = {SYSTEM: ActorKind.SYSTEM, TIMER: ActorKind.TIMER}


@lru_cache(maxsize=1_024)
def _named(name: str) -> Actor:
    return Actor(id=name, kind=_RESERVED.get(name, ActorKind.PERSON))


def actor(by: Actor | str = SYSTEM) -> Actor:
    """Return an actor: plain text names a person without roles; ``system`` and ``timer`` name themselves."""
    if isinstance(by, Actor):
        return by
    if not isinstance(by, str):
        raise Malformed("an actor is an Actor, or text that names a person")
    return _named(by)


def _as_actor(value: object) -> object:
    return _named(value) if isinstance(value, str) else value


if TYPE_CHECKING:
    AnyActor = Accepts[Actor, Actor | str]
    OptionalActor = Accepts[Actor | None, Actor | str | None]
else:
    AnyActor = Annotated[Actor, BeforeValidator(_as_actor)]
    OptionalActor = AnyActor | None


class Consent(Model):
    """A yes or no to one use of the lead's data, since when, and on what basis."""

    purpose: Name
    granted: bool
    since: Instant | None = None
    basis: Text | None = None


class Lead(Model):
    """A prospect: a person or an account, at any stage. The class is the person, not a level.

    ``journey.lead`` returns one as the facts tell it; ``Journey.start`` takes one and records its facts.
    """

    id: Id
    fields: dict[Name, Scalar] = Field(default_factory=dict[str, Scalar], repr=False)
    source: Source | None = None
    consents: TupleOf[Consent] = default(())
    identified: bool = False
    referred_by: Id | None = None


class ActivityKind(Definition):
    """A kind of activity that a playbook knows."""

    two_way: bool = False
    """Whether both sides take part, as in a reply or a call."""
    meaning: Text = ""


class Activity(Model):
    """One activity, as scoring policies read it."""

    id: Id | None = None
    kind: Name
    at: Instant
    attributes: dict[Name, Scalar] = Field(default_factory=dict[str, Scalar], repr=False)
