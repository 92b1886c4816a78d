"""The playbook: the agreement between marketing and sales as one immutable, versioned value."""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator

from leadlife._base.model import LAX, Accepts, Definition, MappingOf, Name, Names, Text, TupleOf, default
from leadlife._base.numbers import plain
from leadlife._frozen import FrozenDict
from leadlife.criteria import BandIs, Criterion, ScoreIs, leaves_of
from leadlife.errors import Fault, InvalidDefinition, Malformed, UnknownName, article, did_you_mean, repeated
from leadlife.facts import (
    ActivityRecorded,
    Fact,
    FieldChanged,
    PlaybookRef,
    StageReached,
    TouchFailed,
    TouchSent,
)
from leadlife.leads import ActivityKind
from leadlife.lifecycle.lifecycle import Lifecycle
from leadlife.lifecycle.renaming import with_stages_renamed
from leadlife.playbook.engagement import (
    ENGAGEMENT_MODELS,
    AnyContactRules,
    AnyHandoffRules,
    LeadTypeProfiles,
    NamedChannels,
    NamedHours,
    Programmes,
    RecyclingRules,
    RewardRules,
    engagement_criteria,
    engagement_faults,
)
from leadlife.playbook.fields import FieldSpec, FieldType
from leadlife.playbook.misfits import attribute_misfits, field_misfits, guard_namesakes, policy_namesakes
from leadlife.playbook.words import type_words, words_of
from leadlife.qualification.rule_faults import criteria_of, rule_faults
from leadlife.qualification.rule_index import RuleIndex
from leadlife.qualification.rules import QualificationRule, ReadinessRule
from leadlife.timing import Zone, zone_named


def _as_policy(value: Any, info: ValidationInfo | None) -> Any:
    from leadlife.scoring.reading import as_part  # noqa: PLC0415 - only a playbook that scores pays for policies

    return as_part(value, info)


if TYPE_CHECKING:
    from leadlife.playbook.recycling_rules import RecyclingRule
    from leadlife.qualification.programmes import Programme
    from leadlife.scoring import ScoringPolicy
    from leadlife.scoring.policy import Policy, Scoring

    Scores = Accepts[tuple[Policy, ...], Iterable[Policy | ScoringPolicy | Scoring]]
else:
    Scores = Annotated[tuple[Annotated[Any, BeforeValidator(_as_policy)], ...], LAX]


class Playbook(Definition):
    """The agreement as one value: the lifecycle, the scoring policies, and the words that criteria and facts may use.

    Raises:
        InvalidDefinition: A criterion asks for something that is not declared; all faults are named together.
    """

    id: Name
    version: Name = "1"
    zone: Zone = "UTC"
    """The zone whose calendar days, limits and windows follow."""
    lifecycle: Lifecycle
    fields: MappingOf[Name, FieldSpec] = Field(default_factory=FrozenDict[str, FieldSpec])
    roles: Names = default(())
    """The roles that actors may have, for firing transitions and for granting qualifications."""
    activity_kinds: MappingOf[Name, ActivityKind] = Field(default_factory=FrozenDict[str, ActivityKind])
    evidence: MappingOf[Name, Text] = Field(default_factory=FrozenDict[str, str])
    """The yes-or-no questions that people and systems answer, each with its meaning."""
    purposes: MappingOf[Name, Text] = Field(default_factory=FrozenDict[str, str])
    """The uses of a lead's data that need its consent, each with its meaning; without any, a fact may name others."""
    scores: Scores = default(())
    """The scoring policies, each under its own name; :meth:`with_score` adds one."""
    qualifications: TupleOf[QualificationRule] = default(())
    """The named tests, each granted and withdrawn by its own criteria."""
    readiness: ReadinessRule | None = None
    """How close to buying a lead behaves; None where the playbook has no such rule."""
    review_days: Annotated[int, Field(ge=1, le=366)] = 1
    """Every so many local days, at their first instant, thresholds under half-lives are looked at again."""
    business_hours: NamedHours = Field(default_factory=FrozenDict[str, Any])
    """The hours in which teams work, each under a name."""
    channels: NamedChannels = Field(default_factory=FrozenDict[str, Any])
    """The ways to reach a lead, each under a name."""
    programmes: Programmes = default(())
    """The streams of touches that nurture leads."""
    contact_rules: AnyContactRules = None
    """How much pressure a lead is put under at most."""
    handoff: AnyHandoffRules = None
    """How soon an offered lead is to be answered."""
    recycling: RecyclingRules = default(())
    """What the reason of a recycling decides."""
    rewards: RewardRules = default(())
    """What a customer earns for a referral."""
    lead_types: LeadTypeProfiles = default(())
    """What is expected of leads of each type."""
    meaning: Text = ""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        faults = list(repeated("scores", (policy.name for policy in self.scores)))
        for place, policy in enumerate(self.scores):
            faults += self._policy_faults(f"scores.{place}", policy)
        faults += repeated("qualifications", (rule.name for rule in self.qualifications))
        for path, guard in self.criteria():
            faults += self.faults_in(guard, path=path)
        faults += guard_namesakes(self.criteria())
        faults += policy_namesakes(self.scores)
        faults += repeated("roles", self.roles)
        for path, role in self._roles_used():
            faults += self._unknown(path, "role", role)
        faults += rule_faults(self.qualifications, self.readiness)
        faults += engagement_faults(self)
        if faults:
            raise InvalidDefinition("the playbook has faults", faults=faults)
        return self

    def faults_in(self, criterion: Criterion, *, path: str = "") -> tuple[Fault, ...]:
        """Return what a criterion asks for that this playbook does not have, with suggestions; empty if nothing."""
        if not isinstance(criterion, Criterion):
            raise Malformed(
                f"{article(type(criterion).__name__)} is not a criterion", hint='write one like field("size") >= 50'
            )
        unknown = (fault for topic, name in criterion.inputs() for fault in self._unknown(path, topic, name))
        return (*unknown, *self._misasked(path, criterion))

    def criteria(self) -> Iterator[tuple[str, Criterion]]:
        """Yield every criterion of the lifecycle and of the rules, with its path; those of policies are their own."""
        yield from self.lifecycle.guards()
        yield from criteria_of(self.qualifications, self.readiness)
        yield from engagement_criteria(self)

    def _roles_used(self) -> Iterator[tuple[str, str]]:
        """Yield every role that a transition or a qualification names, with its path."""
        for place, rule in enumerate(self.lifecycle.transitions):
            for number, role in enumerate(rule.roles):
                yield f"lifecycle.transitions.{place}.roles.{number}", role
        for place, qualification in enumerate(self.qualifications):
            for number, role in enumerate(qualification.granted_by):
                yield f"qualifications.{place}.granted_by.{number}", role

    def _misasked(self, path: str, criterion: Criterion) -> Iterator[Fault]:
        for leaf in leaves_of(criterion):
            yield from field_misfits(path, leaf, self.fields)
            yield from attribute_misfits(path, leaf, self.activity_kinds)
            if isinstance(leaf, ScoreIs | BandIs) and leaf.name in self.score_by_name:
                yield from self.score_by_name[leaf.name].faults_in(leaf, path=path)

    def _policy_faults(self, path: str, policy: "Policy") -> Iterator[Fault]:
        for place, topic, name in policy.reads():
            if topic == "number" and name in self.fields and self.fields[name].type not in _NUMERIC:
                kind = self.fields[name].type
                yield Fault(f"{path}.{place}", f"field {name!r} is {kind.words}, but the rule needs a number")
            yield from self._unknown(f"{path}.{place}", "field" if topic == "number" else topic, name)
        for place, criterion in policy.criteria():
            yield from self._misasked(f"{path}.{place}", criterion)
        for part in policy.parts():
            yield from self._policy_faults(f"{path}/{part.name}", part)

    def _unknown(self, path: str, topic: str, name: str) -> Iterator[Fault]:
        known = self._vocabulary.get(topic)
        if known is not None and name != "*" and name not in known:
            yield Fault(path, f"{topic} {name!r} is not declared", did_you_mean(name, known))

    @cached_property
    def _vocabulary(self) -> dict[str, Mapping[str, Any]]:
        return {
            "field": self.fields,
            "activity": self.activity_kinds,
            "evidence": self.evidence,
            "score": self.score_by_name,
            "stage": self.lifecycle.by_id,
            "qualification": self.qualification_by_name,
            "role": dict.fromkeys(self.roles),
            "consent": self.purposes,
            "channel": self.channels,
            "programme": self.programme_by_name,
            **({"reason": self.lifecycle.reason_by_id} if self.lifecycle.reasons else {}),
        }

    @cached_property
    def qualification_by_name(self) -> Mapping[str, QualificationRule]:
        """The qualifications by their names, in declared order."""
        return FrozenDict({rule.name: rule for rule in self.qualifications})

    @cached_property
    def rule_index(self) -> RuleIndex:
        """The rules and automatic moves, indexed by what they read."""
        wakers = tuple(rule.woken_by for rule in self.recycling if rule.woken_by is not None)
        return RuleIndex(
            self.lifecycle,
            self.qualifications,
            self.readiness,
            self._zoned,
            programmes=self.programmes,
            wakers=wakers,
        )

    @cached_property
    def programme_by_name(self) -> Mapping[str, "Programme"]:
        """The programmes by their names, in declared order."""
        return FrozenDict({programme.name: programme for programme in self.programmes})

    @cached_property
    def recycling_by_reason(self) -> Mapping[str, "RecyclingRule"]:
        """The recycling rule of each reason that has one."""
        return FrozenDict({reason: rule for rule in self.recycling for reason in rule.reasons})

    @cached_property
    def score_by_name(self) -> Mapping[str, "Policy"]:
        """The scoring policies by their names, in declared order."""
        return FrozenDict({policy.name: policy for policy in self.scores})

    def policy(self, name: str) -> "Policy":
        """Return a scoring policy, which counts days in this playbook's zone unless it names its own.

        Raises:
            UnknownName: There is none of this name.
        """
        if self.score_by_name.get(str(name)) is None:
            raise UnknownName(f"score {name!r} is not declared", hint=did_you_mean(str(name), self.score_by_name))
        return self._zoned[str(name)]

    @cached_property
    def _zoned(self) -> dict[str, "Policy"]:
        plain = self.zone == "UTC"
        return {
            name: policy if plain or policy.zone is not None else policy.replace(zone=self.zone)
            for name, policy in self.score_by_name.items()
        }

    @cached_property
    def digest(self) -> str:
        """A hash of the content. Sign-offs are not part of it."""
        content = self.model_dump(mode="json", exclude=_SIGNATURES)
        kept = {name: value for name, value in content.items() if value or name not in ENGAGEMENT_MODELS}
        text = json.dumps(kept, sort_keys=True)
        return blake2b(text.encode(), digest_size=16).hexdigest()

    @cached_property
    def ref(self) -> PlaybookRef:
        """How facts name this playbook."""
        return PlaybookRef(id=self.id, version=self.version, digest=self.digest)

    @cached_property
    def zone_info(self) -> ZoneInfo:
        """The zone, ready for arithmetic."""
        return zone_named(self.zone)

    def _repr_html_(self) -> str:
        from leadlife._base.html import table  # noqa: PLC0415 - only a notebook pays for it

        words = {
            "fields": [f"{name}: {spec.type}{', personal' * spec.personal}" for name, spec in self.fields.items()],
            "activities": [", ".join(self.activity_kinds)] if self.activity_kinds else [],
            "evidence": [f"{name}: {meaning}" if meaning else name for name, meaning in self.evidence.items()],
            "scores": [f"{policy.name} (version {policy.version})" for policy in self.scores],
        }
        rows = [(name, "\n".join(values)) for name, values in words.items() if values]
        return table(f"playbook {self.ref}", ("words", ""), rows) + self.lifecycle._repr_html_()

    def admit(self, fact: Fact) -> None:
        """Check that a fact uses only words that this playbook declares.

        Raises:
            UnknownName: A stage, activity kind, field or evidence is not declared; near misses are suggested.
            Malformed: A field's value is not of its type, or not one of its choices; or an attribute of an activity is
                not declared, or not of its type.
        """
        if isinstance(fact, FieldChanged):
            self._declared("field", fact.name)
            self.fits(fact.name, fact.value)
        elif isinstance(fact, ActivityRecorded):
            self._declared("activity", fact.kind)
            fault = self.activity_kinds[fact.kind].fault_in(fact.attributes)
            if fault is not None:
                raise Malformed(f"attribute {fault[0]!r} of activity {fact.kind!r} {fault[1]}")
        elif isinstance(fact, StageReached):
            self.lifecycle.stage(fact.stage)
        else:
            for topic, name in words_of(fact):
                # Purposes and channels may be left undeclared; then facts may use any.
                if name is not None and (topic not in _OPEN or self._vocabulary[topic]):
                    self._declared(topic, name)
            if isinstance(fact, TouchSent | TouchFailed) and fact.programme is not None:
                known = {touch.name: touch for touch in self.programme_by_name[fact.programme].touches}
                if fact.touch not in known:
                    message = f"touch {fact.touch!r} is not declared in the programme {fact.programme!r}"
                    raise UnknownName(message, hint=did_you_mean(fact.touch or "", known))

    def fits(self, name: str, value: Any) -> None:
        """Check that a declared field may hold a value; it may always be empty.

        Raises:
            Malformed: The value is not of its type, or not one of its choices.
        """
        spec = self.fields[name]
        if value is None:
            return
        if not spec.type.accepts(value):
            raise Malformed(f"field {name!r} must be {spec.type.words}", hint=f"got {type_words(value)}")
        if spec.choices and plain(value) not in spec.choices:
            raise Malformed(f"field {name!r} must be one of: {', '.join(map(str, spec.choices))}")

    def _declared(self, topic: str, name: str) -> None:
        known = self._vocabulary[topic]
        if name not in known:
            raise UnknownName(f"{topic} {name!r} is not declared", hint=did_you_mean(name, known))

    def with_lifecycle(self, lifecycle: Lifecycle, *, version: str | None = None) -> Self:
        """Return the playbook with another lifecycle, and another version if one is given."""
        return self.replace(lifecycle=lifecycle, version=version or self.version)

    def renamed(self, old: str, new: str, *, version: str | None = None) -> Self:
        """Return the playbook in which a stage has a new id, with every reference to it; the old one is an alias.

        References in code of your own are not known here. Sign-offs of what names the stage are due again.

        Args:
            old: The present id.
            new: The new one.
            version: The version of the new playbook; leads that adopt it keep their history under the new id.

        Raises:
            UnknownName: There is no such stage.
            InvalidDefinition: The new id is that of another stage.
        """
        lifecycle = self.lifecycle.renamed(old, new)
        renamed = with_stages_renamed(self, {old: new})
        return renamed.replace(lifecycle=lifecycle, version=version or self.version)

    def automated(self, *triggers: str, version: str | None = None) -> Self:
        """Return the playbook whose guarded moves of these triggers are made as soon as their guards are true.

        Raises:
            InvalidDefinition: A trigger is not declared, or one of its moves cannot be automatic.
        """
        return self.with_lifecycle(self.lifecycle.automated(*triggers), version=version)

    def with_fields(self, **fields: FieldSpec) -> Self:
        """Return the playbook with further fields; those of the same name are replaced."""
        return self.replace(fields={**self.fields, **fields})

    def with_roles(self, *roles: str) -> Self:
        """Return the playbook with further roles."""
        return self.replace(roles=tuple(dict.fromkeys((*self.roles, *roles))))

    def with_activity_kinds(self, **kinds: ActivityKind) -> Self:
        """Return the playbook with further activity kinds; those of the same name are replaced."""
        return self.replace(activity_kinds={**self.activity_kinds, **kinds})

    def with_qualifications(self, *rules: QualificationRule, version: str | None = None) -> Self:
        """Return the playbook with further qualifications; those of the same name are replaced in their place."""
        new = {rule.name: rule for rule in rules}
        kept = tuple(new.pop(rule.name, rule) for rule in self.qualifications)
        return self.replace(qualifications=(*kept, *new.values()), version=version or self.version)

    def with_score(self, *policies: "ScoringPolicy | Scoring", version: str | None = None) -> Self:
        """Return the playbook with further scoring policies, and another version if one is given.

        Policies of the same name are replaced.
        A named function, or an object that scores, is bound by its name and version; see ``leadlife.CustomPolicy``.
        """
        bound = [_as_policy(policy, None) for policy in policies]
        new = {policy.name: policy for policy in bound}
        if len(new) < len(bound):
            twice = next(
                policy.name for place, policy in enumerate(bound) if policy.name in {p.name for p in bound[:place]}
            )
            raise Malformed(f"two of these policies are called {twice!r}", hint="give each a name of its own")
        kept = tuple(new.pop(policy.name, policy) for policy in self.scores)
        return self.replace(scores=(*kept, *new.values()), version=version or self.version)


_SIGNATURES: Any = {
    "lifecycle": {"transitions": {"__all__": {"signed"}}},
    "qualifications": {"__all__": {"signed"}},
    "readiness": {"signed"},
}


_NUMERIC = (FieldType.INTEGER, FieldType.NUMBER)
_OPEN = ("consent", "channel")
