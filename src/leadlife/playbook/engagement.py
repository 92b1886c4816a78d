"""What a playbook declares about engaging leads, from channels and programmes to rewards and types of lead.

The models are imported when a playbook first declares one, because most playbooks declare none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator

from leadlife._base.deferred import read_as
from leadlife._base.model import LAX, Accepts, MappingOf, Name
from leadlife.criteria import ByRole, Criterion, leaves_of
from leadlife.errors import Fault, did_you_mean, repeated
from leadlife.lifecycle.validation import unbound_faults

ENGAGEMENT_MODELS: dict[str, tuple[str, str]] = {
    "business_hours": ("leadlife.timing.business_hours", "BusinessHours"),
    "channels": ("leadlife.playbook.contact_rules", "Channel"),
    "programmes": ("leadlife.qualification.programmes", "Programme"),
    "contact_rules": ("leadlife.playbook.contact_rules", "ContactRules"),
    "handoff": ("leadlife.playbook.handoff_rules", "HandoffRules"),
    "recycling": ("leadlife.playbook.recycling_rules", "RecyclingRule"),
    "rewards": ("leadlife.playbook.reward_rules", "RewardRule"),
    "lead_types": ("leadlife.playbook.lead_type_profiles", "LeadTypeProfile"),
}
"""The fields of a playbook about engaging leads, each with the module and the name of its model.

A playbook's digest leaves them out while they are empty, so that playbooks without them keep theirs.
"""

if TYPE_CHECKING:
    from leadlife.playbook.contact_rules import Channel, ContactRules
    from leadlife.playbook.handoff_rules import HandoffRules
    from leadlife.playbook.lead_type_profiles import LeadTypeProfile
    from leadlife.playbook.playbook import Playbook
    from leadlife.playbook.recycling_rules import RecyclingRule
    from leadlife.playbook.reward_rules import RewardRule
    from leadlife.qualification.programmes import Programme
    from leadlife.timing import BusinessHours

    NamedHours = Mapping[str, BusinessHours]
    NamedChannels = Mapping[str, Channel]
    Programmes = Accepts[tuple[Programme, ...], Iterable[Programme]]
    AnyContactRules = ContactRules | None
    AnyHandoffRules = HandoffRules | None
    RecyclingRules = Accepts[tuple[RecyclingRule, ...], Iterable[RecyclingRule]]
    RewardRules = Accepts[tuple[RewardRule, ...], Iterable[RewardRule]]
    LeadTypeProfiles = Accepts[tuple[LeadTypeProfile, ...], Iterable[LeadTypeProfile]]
else:

    def _one(field: str) -> Any:
        return Annotated[Any, BeforeValidator(read_as(*ENGAGEMENT_MODELS[field]))]

    def _several(field: str) -> Any:
        return Annotated[tuple[_one(field), ...], LAX]

    NamedHours = MappingOf[Name, _one("business_hours")]
    NamedChannels = MappingOf[Name, _one("channels")]
    Programmes = _several("programmes")
    AnyContactRules = _one("contact_rules") | None
    AnyHandoffRules = _one("handoff") | None
    RecyclingRules = _several("recycling")
    RewardRules = _several("rewards")
    LeadTypeProfiles = _several("lead_types")


def engagement_criteria(playbook: Playbook) -> Iterator[tuple[str, Criterion]]:
    """Yield every criterion about engaging leads, with its path."""
    for place, programme in enumerate(playbook.programmes):
        yield from ((f"programmes.{place}.{path}", criterion) for path, criterion in programme.criteria())
    for place, answer in enumerate(() if playbook.handoff is None else playbook.handoff.answer):
        if answer.when is not None:
            yield f"handoff.answer.{place}.when", answer.when
    for place, rule in enumerate(playbook.recycling):
        if rule.woken_by is not None:
            yield f"recycling.{place}.woken_by", rule.woken_by


def engagement_faults(playbook: Playbook) -> Iterator[Fault]:
    """Yield what programmes and rules name that the playbook does not declare, and what is declared twice."""
    yield from repeated("programmes", (one.name for one in playbook.programmes))
    yield from repeated("rewards", (one.name for one in playbook.rewards))
    yield from repeated("lead_types", (str(one.lead_type) for one in playbook.lead_types))
    yield from repeated("recycling", (reason for rule in playbook.recycling for reason in rule.reasons))
    for path, named, names, known in _references(playbook):
        if named is not None and named not in known:
            yield Fault(path, f"{names} {named!r} is not declared", did_you_mean(named, known))
    for path, criterion in engagement_criteria(playbook):
        for leaf in leaves_of(criterion):
            if isinstance(leaf, ByRole):
                yield Fault(path, "a rule cannot read the role: no actor evaluates it", "take this criterion out")
        yield from unbound_faults(path, criterion)


def _references(playbook: Playbook) -> Iterator[tuple[str, str | None, str, Mapping[str, Any]]]:
    """Yield every name that a rule uses: its path, the name, what it names, and what is declared."""
    hours, channels = playbook.business_hours, playbook.channels
    for name, channel in channels.items():
        if playbook.purposes:
            yield f"channels.{name}.purpose", channel.purpose, "purpose", playbook.purposes
    for place, programme in enumerate(playbook.programmes):
        for number, touch in enumerate(programme.touches):
            path = f"programmes.{place}.touches.{number}"
            yield f"{path}.channel", touch.channel, "channel", channels
            yield f"{path}.wait.hours", getattr(touch.wait, "hours", None), "business hours", hours
    rules, handoff = playbook.contact_rules, playbook.handoff
    if rules is not None:
        yield "contact_rules.zone_field", rules.zone_field, "field", playbook.fields
        for place, cap in enumerate(rules.caps):
            yield f"contact_rules.caps.{place}.channel", cap.channel, "channel", channels
    for place, answer in enumerate(() if handoff is None else handoff.answer):
        yield f"handoff.answer.{place}.hours", answer.hours, "business hours", hours
    yield from _references_of_leads(playbook)


def _references_of_leads(playbook: Playbook) -> Iterator[tuple[str, str | None, str, Mapping[str, Any]]]:
    for place, profile in enumerate(playbook.lead_types):
        yield f"lead_types.{place}.follow_up", profile.follow_up, "programme", playbook.programme_by_name
    for place, rule in enumerate(playbook.recycling):
        for reason in rule.reasons if playbook.lifecycle.reason_by_id else ():
            yield f"recycling.{place}.reasons", reason, "reason", playbook.lifecycle.reason_by_id
