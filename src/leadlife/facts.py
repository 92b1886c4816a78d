"""Facts: what happened, append-only, each with two clocks.

``at`` is when it was so; ``recorded_at`` is when we learned it. A host writes a fact with ``at`` and its content; the
journey stamps ``lead``, ``pipeline``, ``seq``, ``recorded_at``, ``id`` and ``key`` when it records it.

This file passes 400 lines, because every type of fact stands here, one short class each.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Self, TypeAlias, TypeVar, get_args

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError, model_validator
from pydantic.fields import FieldInfo

from leadlife._base.model import (
    LAX,
    LONGEST_TEXT,
    SORTED,
    Accepts,
    Id,
    Instant,
    MappingOf,
    Model,
    Name,
    OneOf,
    Text,
    TupleOf,
    default,
)
from leadlife._base.validation import restated
from leadlife._frozen import FrozenDict
from leadlife.criteria import Readiness, Scalar
from leadlife.errors import Malformed
from leadlife.leads import Activity, ActorKind, AnyActor, Attributes, Source, actor
from leadlife.money import Money, exact_decimal, short_decimal
from leadlife.timing import OptionalDuration

_STAMPS = {"id", "key", "seq", "recorded_at", "claimed_recorded_at", "lead", "pipeline", "merged_from", "same_as"}
_TIMELESS = {*_STAMPS, "at"}


class PlaybookRef(Model):
    """Which playbook: its id, its version, and the digest of its content."""

    id: Name
    version: Name
    digest: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]

    def __str__(self) -> str:
        return f"{self.id} {self.version}"


if TYPE_CHECKING:
    # Every recorded fact has its stamps, so reading one gives no None; only before the recording there is none.
    _Text = Accepts[str, str | None]
    _Seq = Accepts[int, int | None]
    _When = Accepts[datetime, datetime | None]
    _Leads = Accepts[tuple[str, ...] | None, Iterable[str] | None]
    Hours = Accepts[Decimal, Decimal | float | str]
    _Attributes: TypeAlias = Attributes
    _Value = Accepts[Scalar | None, Scalar | date | Decimal | None]
else:
    _Leads = Annotated[tuple[Id, ...], LAX] | None
    Hours = Annotated[Decimal, BeforeValidator(exact_decimal), Field(gt=0, le=100_000, decimal_places=6)]
    _Attributes = Annotated[Attributes, SORTED]
    _Value = Annotated[Scalar | None, Field(repr=False)]
    _Text = Id | None
    _Seq = Annotated[int, Field(ge=0, lt=2**63)] | None
    _When = Instant | None


class Remembered(NamedTuple):
    """What a journey remembers of a fact.

    Attributes:
        topic: What it is about: field, activity, evidence, consent, identified, sold, reported, referred_by or touch.
        name: Which one: a field, a kind of activity, a policy with its version. Of one name the latest counts;
            activities and touches are all kept.
        value: The content.
    """

    topic: str
    name: str
    value: Any


class Fact(Model):
    """What every fact has.

    A type of fact that a journey should remember describes that itself, in :meth:`remembered` and :meth:`changes`.
    """

    type: str
    schema_version: Annotated[Literal[1], Field(alias="schema")] = 1
    at: Instant
    """When it was so."""
    by: AnyActor = default(Field(default_factory=actor))
    """Who did it, or who reports it."""
    source: Source | None = None
    """Where it came from; the fact that opens a cycle gives the cycle its source."""
    key: _Text = default(None)
    """The name of a request, under which a retry is known; the id when not given."""
    id: _Text = default(None)
    """When not given, a hash of lead, pipeline, content and how many facts of this content the log held before it."""
    lead: _Text = default(None)
    """Whose journey it belongs to; None before it is recorded, like the other stamps."""
    pipeline: _Text = default(None)
    seq: _Seq = default(None)
    """The journey's own counter."""
    recorded_at: _When = default(None)
    """When the journey learned it."""
    claimed_recorded_at: Instant | None = None
    """When the source claims to have recorded it; kept beside, never trusted."""
    dated: Instant | None = None
    """The source's own date, where it lies before the entry; the fact is then dated at the entry."""
    caused_by: Id | None = None
    """The fact just before a derived one in the chain; None for observed facts."""
    merged_from: _Leads = default(None)
    """The leads through which it came, the nearest first, where its lead was merged into this one; None for its own."""
    same_as: Id | None = None
    """The id of a fact of another merged lead that tells of the same event; while that one is here, it counts alone."""

    def remembered(self) -> Remembered | None:
        """Return what a journey remembers of this fact; None for facts that only act on the journey."""
        return None

    def changes(self) -> tuple[tuple[str, str], ...]:
        """Return the inputs of criteria that this fact changes, as pairs such as ``("field", "employees")``."""
        known = self.remembered()
        return () if known is None else ((known.topic, known.name),)

    @property
    def events(self) -> tuple[str, ...]:
        """What it is to the ``on`` of a transition, the more exact name first."""
        return (self.type,)

    @property
    def imported(self) -> bool:
        """Whether an importer recorded it, so that it is history, and no reason for a host to act."""
        return self.by.kind is ActorKind.IMPORTER

    @property
    def before_entry(self) -> bool:
        """Whether the source dates it before the lead's entry."""
        return self.dated is not None

    def content(self, *, timeless: bool = False) -> bytes:
        """Return the content as canonical JSON: everything but the id, the key and the stamps.

        Args:
            timeless: Whether the instant is left out as well: a request that is sent again has another clock.
        """
        said = self._canonical()
        return said.__pydantic_serializer__.to_json(said, exclude_none=True, exclude=_TIMELESS if timeless else _STAMPS)

    def _canonical(self) -> Self:
        """Return the fact with its numbers in one spelling: 1.0 is 1, and 49.00 is 49."""
        return self

    def dump(self) -> dict[str, Any]:
        """Return the fact as plain values, ready for JSON; :func:`load_fact` reads them back."""
        return self.model_dump(mode="json", exclude_none=True)

    def stamped(
        self,
        *,
        id: str,  # noqa: A002 - the field's name
        key: str,
        lead: str,
        pipeline: str,
        seq: int,
        recorded_at: datetime,
        fresh: bool = False,
    ) -> Self:
        """Return a copy with its journey's stamps, which need no validation, for the journey has made them.

        A ``fresh`` fact, which the journey has just made itself, is stamped in place, which spares the copy.
        """
        # pydantic's copy would look at every field again; these stamps are the journey's own, so their types are known.
        new = self
        if not fresh:
            new = object.__new__(type(self))
            object.__setattr__(new, "__dict__", self.__dict__.copy())
            object.__setattr__(new, "__pydantic_fields_set__", self.__pydantic_fields_set__)
            object.__setattr__(new, "__pydantic_extra__", None)
            object.__setattr__(new, "__pydantic_private__", None)
        values = vars(new)
        values["id"], values["key"], values["lead"], values["pipeline"] = id, key, lead, pipeline
        values["seq"], values["recorded_at"] = seq, recorded_at
        return new


F = TypeVar("F", bound=Fact)


def is_free_text(field: FieldInfo) -> bool:
    """Return whether an attribute of a fact is text in a person's own words, such as a note."""
    longest = [one.max_length for one in field.metadata if getattr(one, "max_length", None)]
    return LONGEST_TEXT in longest or any(
        is_free_text(FieldInfo.from_annotation(part)) for part in get_args(field.annotation) if get_args(part)
    )


def derive_id(*parts: str | bytes) -> str:
    """Return a short hash of texts, in which no two different lists of texts look alike."""
    return blake2b(b"".join(map(sized, parts)), digest_size=16).hexdigest()


def sized(text: str | bytes) -> bytes:
    """Return a text after its length, so that joined texts stay distinct."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return b"%d:%b" % (len(data), data)


def report_name(policy: str, version: str) -> str:
    """Return the name under which the report of a policy is remembered; no policy's own name holds a line break."""
    return f"{policy}\n{version}"


def content_id(owner: bytes, content: bytes, number: int) -> str:
    """Return the id of a fact.

    Args:
        owner: The lead and the pipeline, each after its length.
        content: The content as canonical JSON.
        number: How many facts of this content the log holds already: a second identical event is a second event.
    """
    return blake2b(b"%b%d:%d:%b" % (owner, number, len(content), content), digest_size=16).hexdigest()


def _with(fact: F, name: str, value: Any) -> F:
    """Return a fact with another spelling of one value; itself where the spelling is the same."""
    if repr(vars(fact)[name]) == repr(value):
        return fact
    return fact.model_copy(update={name: value})


class Started(Fact):
    """The journey begins, under a playbook."""

    type: Literal["started"] = "started"
    stage: Name
    playbook: PlaybookRef
    referred_by: Id | None = None

    def remembered(self) -> Remembered | None:
        """Return who referred the lead, if anybody did."""
        return None if self.referred_by is None else Remembered("referred_by", "", self.referred_by)


class Identified(Fact):
    """The lead is in the database from now on: contact details, a newsletter."""

    type: Literal["identified"] = "identified"

    def remembered(self) -> Remembered:
        """Return that the lead is identified."""
        return Remembered("identified", "", True)


class ActivityRecorded(Fact):
    """Something the lead did, or that was done with them."""

    type: Literal["activity"] = "activity"
    kind: Name
    attributes: _Attributes = default(Field(default_factory=FrozenDict[str, Scalar], repr=False))

    @property
    def activity(self) -> Activity:
        """The activity as scoring policies read it."""
        return Activity(id=self.id, kind=self.kind, at=self.at, attributes=self.attributes)

    def remembered(self) -> Remembered:
        """Return the activity's attributes under its kind."""
        return Remembered("activity", self.kind, self.attributes)

    def changes(self) -> tuple[tuple[str, str], ...]:
        """Return the kind of activity, and any activity."""
        return ("activity", self.kind), ("activity", "*")


class FieldChanged(Fact):
    """A field of the lead has a value from now on; None clears it."""

    type: Literal["attribute"] = "attribute"
    name: Name
    value: _Value = default(None)

    def remembered(self) -> Remembered:
        """Return the value of the field."""
        return Remembered("field", self.name, self.value)


def consent_event(*, granted: bool) -> str:
    """Return the name under which a transition waits for a consent that is granted, or withdrawn."""
    return "consent_granted" if granted else "consent_withdrawn"


class ConsentChanged(Fact):
    """The lead consented to one use of their data, or withdrew that consent."""

    type: Literal["consent"] = "consent"
    purpose: Name
    granted: bool
    basis: Text | None = None

    def remembered(self) -> Remembered:
        """Return the consent and its basis."""
        return Remembered("consent", self.purpose, (self.granted, self.basis))

    @property
    def events(self) -> tuple[str, ...]:
        """Whether it was granted or withdrawn, and that a consent changed."""
        return consent_event(granted=self.granted), self.type


class Moved(Fact):
    """Somebody fired a trigger. ``target`` only narrows the candidates."""

    type: Literal["moved"] = "moved"
    trigger: Name
    target: Name | None = None
    reason: Name | None = None
    note: Annotated[Text | None, Field(repr=False)] = None


class StageReached(Fact):
    """An import knows only that a stage was reached, not by which trigger.

    The first declared transition there is taken; guard, role and reason are waived and marked so.
    """

    type: Literal["stage_reached"] = "stage_reached"
    stage: Name
    infer_gaps: bool = False
    """Whether the shortest chain of forward moves on the success path may be inferred."""


class EvidenceGiven(Fact):
    """A yes or no to a named question, such as ``fit`` or ``sql``."""

    type: Literal["evidence"] = "evidence"
    name: Name
    value: bool = True
    note: Annotated[Text | None, Field(repr=False)] = None

    def remembered(self) -> Remembered:
        """Return the yes or no."""
        return Remembered("evidence", self.name, self.value)


class Sold(Fact):
    """A sale."""

    type: Literal["sold"] = "sold"
    amount: Money | None = None
    margin: Money | None = None
    """What is left of the amount after the cost of what was sold; None where it is not known."""
    product: Id | None = None

    @model_validator(mode="after")
    def _one_currency(self) -> Self:
        if self.margin is not None and (self.amount is None or self.amount.currency != self.margin.currency):
            raise Malformed("a margin is part of an amount in the same currency", hint="give both in one currency")
        return self

    def remembered(self) -> Remembered:
        """Return that there was a sale."""
        return Remembered("sold", "", True)

    def _canonical(self) -> Self:
        short = self if self.amount is None else _with(self, "amount", self.amount.canonical())
        return short if self.margin is None else _with(short, "margin", self.margin.canonical())


class CostIncurred(Fact):
    """Money spent on the lead."""

    type: Literal["cost"] = "cost"
    amount: Money
    category: Name | None = None

    def _canonical(self) -> Self:
        return _with(self, "amount", self.amount.canonical())


class EffortSpent(Fact):
    """Somebody worked on the lead."""

    type: Literal["effort"] = "effort"
    hours: Hours
    who: Id | None = None
    """Who worked; None where it is whoever recorded it, or nobody says."""
    rate: Money | None = None
    """What an hour costs; None where that is not known, so the hours count and their cost does not."""
    category: Name | None = None

    def _canonical(self) -> Self:
        short = _with(self, "hours", short_decimal(self.hours))
        return short if self.rate is None else _with(short, "rate", self.rate.canonical())


class Refunded(Fact):
    """Money was given back. It changes what was earned, never the stage."""

    type: Literal["refunded"] = "refunded"
    amount: Money
    sale: Id | None = None
    """The id or the key of the sale; None where it is not known."""

    @model_validator(mode="after")
    def _positive(self) -> Self:
        if self.amount.amount <= 0:
            raise Malformed("a refund must be more than 0", hint="record what came in as a sale")
        return self

    def _canonical(self) -> Self:
        return _with(self, "amount", self.amount.canonical())


class Referred(Fact):
    """The lead referred another person."""

    type: Literal["referred"] = "referred"
    who: Id


class ScoreReported(Fact):
    """The answer of a model outside the playbook, as observed."""

    type: Literal["score"] = "score"
    policy: Name
    version: Name
    value: float

    def remembered(self) -> Remembered:
        """Return the reported value under the policy and its version."""
        return Remembered("reported", report_name(self.policy, self.version), self.value)

    def changes(self) -> tuple[tuple[str, str], ...]:
        """Return the policy, in whatever version."""
        return (("reported", self.policy),)


class QualificationGranted(Fact):
    """A qualification holds from now on, until it expires or is withdrawn."""

    type: Literal["qualified"] = "qualified"
    name: Name
    expires: Instant | None = None
    evidence: TupleOf[Id] = default(())

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.expires is not None and self.expires <= self.at:
            raise Malformed("a qualification expires after it was granted")
        return self

    def changes(self) -> tuple[tuple[str, str], ...]:
        """Return the qualification."""
        return (("qualification", self.name),)


class QualificationWithdrawn(Fact):
    """A qualification no longer holds."""

    type: Literal["unqualified"] = "unqualified"
    name: Name
    reason: Text | None = None

    def changes(self) -> tuple[tuple[str, str], ...]:
        """Return the qualification."""
        return (("qualification", self.name),)


class TouchRecord(NamedTuple):
    """What a journey remembers of a touch.

    Attributes:
        channel: By which channel.
        programme: In which programme; None for a message outside programmes.
        touch: Which touch of it.
        message: The content.
        operational: Whether it was no marketing, so that contact rules do not count it.
        failed: Whether it did not arrive.
        attempt: Which attempt it was, from 1.
        final: Whether it is not tried again: it was sent, or its failure is permanent.
        enrolled: When the lead had entered the programme; None where that was not said.
    """

    channel: str
    programme: str | None
    touch: str | None
    message: str | None
    operational: bool
    failed: bool
    attempt: int
    final: bool
    enrolled: datetime | None = None


class _Touched(Fact):
    """What a touch that was sent and one that failed have in common."""

    channel: Name
    programme: Name | None = None
    """The programme; None for a message outside programmes."""
    touch: Name | None = None
    """The name of the touch in its programme."""
    message: Id | None = None
    """The content, such as the id of a template; the same content is not sent twice."""
    operational: bool = False
    """Whether it is not marketing but needed, such as an invoice; contact rules do not count it."""
    attempt: Annotated[int, Field(ge=1)] = 1
    enrolled: Instant | None = None
    """When the lead had entered the programme, so that the touch is known to belong to it, whatever its clock."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.programme is None) is not (self.touch is None):
            raise Malformed("programme and touch are given together", hint="give both, or neither")
        return self

    def _record(self, *, failed: bool, final: bool) -> TouchRecord:
        return TouchRecord(
            channel=self.channel,
            programme=self.programme,
            touch=self.touch,
            message=self.message,
            operational=self.operational,
            failed=failed,
            attempt=self.attempt,
            final=final,
            enrolled=self.enrolled,
        )


class TouchSent(_Touched):
    """A message was sent to the lead, in a programme or outside all."""

    type: Literal["touch_sent"] = "touch_sent"

    def remembered(self) -> Remembered:
        """Return what was sent."""
        return Remembered("touch", self.channel, self._record(failed=False, final=True))


class TouchFailed(_Touched):
    """A message could not be sent, or came back."""

    type: Literal["touch_failed"] = "touch_failed"
    reason: Text | None = None
    permanent: bool = False
    """Whether it would fail again, as for an address that does not exist; then it is not tried again."""

    def remembered(self) -> Remembered:
        """Return what failed."""
        return Remembered("touch", self.channel, self._record(failed=True, final=self.permanent))


class OwnerAssigned(Fact):
    """Somebody owns the lead from now on, by hand or by routing; None: nobody does."""

    type: Literal["assigned"] = "assigned"
    owner: Id | None = None


class HandoffOffered(Fact):
    """A lead is offered to a person or a team, who are to accept or reject it."""

    type: Literal["handoff_offered"] = "handoff_offered"
    to: Id
    answer_within: OptionalDuration = default(None)
    """How long the answer may take; by default as the playbook's handoff rules say."""


class HandoffAccepted(Fact):
    """The lead that was offered is taken: by the person who says so, else by whom it was offered to."""

    type: Literal["handoff_accepted"] = "handoff_accepted"


class HandoffRejected(Fact):
    """The lead that was offered is given back, with a reason."""

    type: Literal["handoff_rejected"] = "handoff_rejected"
    reason: Name
    note: Annotated[Text | None, Field(repr=False)] = None


class HandoffPaused(Fact):
    """The clock of an offered lead stands still while the customer is to answer, or goes on again."""

    type: Literal["handoff_paused"] = "handoff_paused"
    paused: bool = True


class Retracted(Fact):
    """A fact was recorded in error. It acts on the log, whatever its own ``at``, and cannot be retracted."""

    type: Literal["retracted"] = "retracted"
    target: Id
    """The id of the fact that is taken out."""


class Merged(Fact):
    """Another lead turned out to be the same person: its facts are kept here too. It acts on the log, whenever it was.

    ``journey.merge`` makes it, together with the facts of the other lead.
    """

    type: Literal["merged"] = "merged"
    loser: Id
    """The lead that goes on as this one."""
    moves_of: Id
    """Whose moves stand, this lead's or the other one's; those of the other are kept, marked, and move nothing."""


class Unmerged(Fact):
    """It was another person after all: the facts of that lead count here no more. It acts on the log."""

    type: Literal["unmerged"] = "unmerged"
    loser: Id


class Erased(Fact):
    """The personal data of the lead were taken out of the log. It moves nothing; the counts and the figures stay."""

    type: Literal["erased"] = "erased"
    reason: Name | None = None


class PlaybookAdopted(Fact):
    """Another playbook, or another version, is in force from now on."""

    type: Literal["adopted"] = "adopted"
    playbook: PlaybookRef
    stages: Annotated[MappingOf[Name, Name], SORTED] = Field(default_factory=FrozenDict[str, str])
    """Old stage ids to new ones, where they differ. Relabelling is neither a move nor a visit."""


class ReadinessChanged(Fact):
    """Derived: the lead now behaves as if it were this close to buying."""

    type: Literal["readiness"] = "readiness"
    segment: OneOf[Readiness]


class ProgrammeEntered(Fact):
    """Derived: the lead takes part in a programme from now on."""

    type: Literal["programme_entered"] = "programme_entered"
    programme: Name


class ProgrammeLeft(Fact):
    """Derived: the lead takes part in a programme no more."""

    type: Literal["programme_left"] = "programme_left"
    programme: Name
    reason: Text | None = None


class HandoffExpired(Fact):
    """Derived: the answer to an offered lead did not come in time."""

    type: Literal["handoff_expired"] = "handoff_expired"
    to: Id
    then: Text
    """What the playbook declares for it, who is offered the lead now, or that it went back."""


class RuleFailed(Fact):
    """Derived: a rule could not be evaluated, or the automatic moves did not come to an end; nothing else changed."""

    type: Literal["rule_failed"] = "rule_failed"
    rule: Name
    code: Name
    message: Text


class TimerRefused(Fact):
    """Derived: a stage limit came due, and its move was refused."""

    type: Literal["timer_refused"] = "timer_refused"
    trigger: Name
    code: Name


AnyFact = Annotated[
    Started
    | Identified
    | ActivityRecorded
    | FieldChanged
    | ConsentChanged
    | Moved
    | StageReached
    | EvidenceGiven
    | Sold
    | CostIncurred
    | EffortSpent
    | Refunded
    | Referred
    | ScoreReported
    | QualificationGranted
    | QualificationWithdrawn
    | TouchSent
    | TouchFailed
    | OwnerAssigned
    | HandoffOffered
    | HandoffAccepted
    | HandoffRejected
    | HandoffPaused
    | Retracted
    | Merged
    | Unmerged
    | Erased
    | PlaybookAdopted
    | ReadinessChanged
    | ProgrammeEntered
    | ProgrammeLeft
    | HandoffExpired
    | RuleFailed
    | TimerRefused,
    Field(discriminator="type"),
]
"""Any fact."""


FACT_TYPES: frozenset[type[Fact]] = frozenset(get_args(get_args(AnyFact)[0]))
"""The closed set of types that can be stored and read back."""

LOG_ACTS = (Retracted, Merged, Unmerged)
"""Types that act on the log, whatever their own instant, and are never folded."""

DERIVED: tuple[type[Fact], ...] = (
    ReadinessChanged,
    ProgrammeEntered,
    ProgrammeLeft,
    HandoffExpired,
    RuleFailed,
    TimerRefused,
)
"""Types that only a playbook concludes; they are never recorded."""


@cache
def _adapter() -> TypeAdapter[Any]:
    return TypeAdapter(AnyFact)


def load_fact(data: Mapping[str, Any] | str | bytes) -> Fact:
    """Read a fact from what :meth:`Fact.dump` gave, or from its JSON text.

    Raises:
        Malformed: It is not a fact that this version can read; each fault is named with its path.
    """
    try:
        text = data if isinstance(data, str | bytes) else json.dumps(dict(data), allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise Malformed("a fact is made of plain JSON values") from None
    try:
        fact: Fact = _adapter().validate_json(text)
    except ValidationError as error:
        raise restated(Malformed, "fact", error, data=_plain(text)) from None
    return fact


def _plain(text: str | bytes) -> Any:
    """Return the values of a JSON text for the paths of an error; None where it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
