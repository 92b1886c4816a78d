"""The rules of a points policy: for an activity, for what is true of the lead, for the best of several tiers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from leadlife._base.model import Accepts, Definition, Name, Text, TupleOf, default, op_of
from leadlife.criteria import Criterion, Kinds, Match, Where, where_words
from leadlife.errors import InvalidDefinition, Malformed
from leadlife.scoring import micropoints
from leadlife.scoring.decay import OptionalHalfLife, StepDecay
from leadlife.scoring.policy import Amount, Question
from leadlife.timing import OptionalDuration

R = TypeVar("R", bound="Rule")
Times = Annotated[int, Field(ge=1, le=1_000_000)]


class Rule(Definition):
    """What every rule has: a name, perhaps a group, and words for the ledger."""

    name: Name
    group: Name | None = None
    meaning: Text = ""


class ActivityRule(Rule):
    """Points for each activity of some kinds, perhaps capped, perhaps ageing.

    Of ``half_life``, ``decay`` and ``window`` at most one. A cap counts the activities of the largest aged value:
    ``at_most=1`` is once, none is every time; per day means the local day of the policy's zone.
    """

    op: Literal["activity"] = "activity"
    kinds: Annotated[Kinds, Field(min_length=1)]
    where: Where = default(Field(default_factory=dict[str, Match]))
    points: Amount
    at_most: Times | None = None
    at_most_per_day: Times | None = None
    half_life: OptionalHalfLife = default(None)
    decay: StepDecay | None = None
    window: OptionalDuration = default(None)

    @model_validator(mode="after")
    def _one_ageing(self) -> Self:
        found = [name for name in ("half_life", "decay", "window") if getattr(self, name) is not None]
        if len(found) > 1:
            raise Malformed(f"a rule ages in one way, not by {' and '.join(found)}", hint=f"keep {found[0]} alone")
        return self

    @property
    def reason(self) -> str:
        """Why it gives points, in words."""
        return self.meaning or f"{' or '.join(self.kinds)}{where_words(self.where)}"


class FieldRule(Rule):
    """Points if a criterion is true, and perhaps others if it is false; unknown gives none and is told."""

    op: Literal["field"] = "field"
    when: Question
    points: Amount
    otherwise: Amount = 0

    @property
    def reason(self) -> str:
        """Why it gives points, in words."""
        return self.meaning or self.when.sentence()


class Tier(Definition):
    """One of several levels: what must be true, and the points it gives."""

    when: Question
    points: Amount


if TYPE_CHECKING:
    _Tiers = Accepts[tuple[Tier, ...], Iterable[Tier | tuple[Criterion, float] | dict[str, Any]]]
else:
    _Tiers = TupleOf[Tier]


class TierRule(Rule):
    """The points of the best tier that is true, times a weight in whole percent."""

    op: Literal["tiers"] = "tiers"
    tiers: Annotated[_Tiers, Field(min_length=1, max_length=100)]
    percent: Annotated[int, Field(ge=0, le=1_000)] = 100

    @field_validator("tiers", mode="before")
    @classmethod
    def _pairs(cls, value: Any) -> Any:
        """Take pairs of a criterion and its points as well."""
        if not isinstance(value, list | tuple):
            return value
        return tuple(
            {"when": one[0], "points": one[1]} if isinstance(one, list | tuple) and len(one) == 2 else one  # noqa: PLR2004 - a pair
            for one in value
        )

    @property
    def reason(self) -> str:
        """What the tiers are about, in words."""
        return self.meaning or self.name


def the_rules(rules: Any, kind: type[R] = Rule) -> tuple[R, ...]:  # type: ignore[assignment]
    """Return rules as a tuple.

    Raises:
        InvalidDefinition: These are no rules of the kind that is wanted.
    """
    found = tuple(together(rules))
    if not all(isinstance(rule, kind) for rule in found):
        raise InvalidDefinition(f"these are rules of another kind than {kind.__name__}, or none")
    return found


def together(values: Any) -> Iterable[Any]:
    """Return what can be gone through as it is, and one thing as the only one."""
    return values if isinstance(values, Iterable) else (values,)


def several_numbers(values: Any) -> tuple[float, ...]:
    """Return numbers of points as a tuple.

    Raises:
        InvalidDefinition: These are no numbers.
    """
    found = tuple(values) if isinstance(values, list | tuple) else ()
    for value in found:
        micropoints(value)
    return found


AnyRule = Annotated[
    Annotated[ActivityRule, Tag("activity")] | Annotated[FieldRule, Tag("field")] | Annotated[TierRule, Tag("tiers")],
    Discriminator(op_of),
]
"""Any rule of a points policy."""
