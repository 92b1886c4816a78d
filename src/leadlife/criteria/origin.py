"""Criteria about where a lead comes from and what it agreed to: the source of the running cycle, and consent."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from leadlife._base.model import Id, Name, OneOf, TupleOf
from leadlife.criteria.comparison import WORDS, Comparison, Relation
from leadlife.criteria.condition import Criterion, Predicate
from leadlife.criteria.view import Observation, View
from leadlife.errors import Malformed, did_you_mean


class LeadType(StrEnum):
    """How a lead came about. The types differ in close rate, pace and cost, so each may have its own playbook.

    The sales literature calls the first three *seeds*, *nets* and *spears*; ``LeadType("nets")`` accepts these names.
    """

    CULTIVATED = "cultivated"
    INTEREST = "interest"
    TARGETED = "targeted"
    REFERRAL = "referral"

    @classmethod
    def _missing_(cls, value: object) -> "LeadType | None":
        synonyms = {"seeds": cls.CULTIVATED, "nets": cls.INTEREST, "spears": cls.TARGETED}
        return synonyms.get(value) if isinstance(value, str) else None


class SourcePart(StrEnum):
    """What is known of a source."""

    CHANNEL = "channel"
    LEAD_TYPE = "lead_type"
    CAMPAIGN = "campaign"


class SourceIs(Criterion):
    """Whether the running cycle comes from one of these channels, lead types or campaigns; unknown if nobody said."""

    op: Literal["source"] = "source"
    part: OneOf[SourcePart]
    names: Annotated[TupleOf[Id], Field(min_length=1)]

    @field_validator("names")
    @classmethod
    def _of_the_part(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        """Read lead types by their synonyms too, and refuse what is none; channels and campaigns are free."""
        if info.data.get("part") is not SourcePart.LEAD_TYPE:
            return names
        return tuple(dict.fromkeys(_lead_type(name) for name in names))

    def _compiled(self) -> Predicate:
        part, names = self.part.value, frozenset(self.names)

        def ask(view: View) -> bool | None:
            source = view.source
            found = None if source is None else getattr(source, part)
            return None if found is None else str(found) in names

        return ask

    def _in_words(self) -> str:
        """Return the criterion in words."""
        return f"{self.part.replace('_', ' ')} is {' or '.join(self.names)}"

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the cycle, which brings its source."""
        yield "cycle", ""

    def _found(self, view: View, seen: tuple[Observation, ...]) -> str:  # noqa: ARG002 - signature of the base class
        found = getattr(view.source, self.part.value, None)
        return "" if found is None else f"it is {found}"


def _lead_type(name: str) -> str:
    try:
        return LeadType(name).value
    except ValueError:
        raise Malformed(
            f"there is no lead type {name!r}", hint=did_you_mean(name, [str(one) for one in LeadType])
        ) from None


class ConsentState(StrEnum):
    """What the lead said about one use of its data."""

    GRANTED = "granted"
    WITHDRAWN = "withdrawn"


class ConsentIs(Criterion):
    """Whether consent to one use of the lead's data is granted, or withdrawn; unknown if the lead never said."""

    op: Literal["consent"] = "consent"
    name: Name
    """The purpose."""
    compare: Relation
    value: OneOf[ConsentState]

    @model_validator(mode="after")
    def _equal_or_not(self) -> Self:
        if self.compare not in (Comparison.EQ, Comparison.NE):
            raise Malformed("consent has no order", hint='consent("email") == "granted"')
        return self

    def _compiled(self) -> Predicate:
        name, wanted = self.name, (self.value is ConsentState.GRANTED) is (self.compare is Comparison.EQ)

        def ask(view: View) -> bool | None:
            seen = view.consent(name)
            return None if seen is None else bool(seen.value) is wanted

        return ask

    def _in_words(self) -> str:
        """Return the criterion in words."""
        return f"consent to {self.name} {WORDS[self.compare]} {self.value}"

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the consent."""
        yield "consent", self.name

    def _seen(self, view: View) -> tuple[Observation, ...]:
        seen = view.consent(self.name)
        return () if seen is None else (seen,)
