"""The rules of a points policy: points for activities, for a criterion, or for the best of several tiers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from leadlife._base.model import Accepts, Definition, Label, Name, Text, TupleOf, default, op_of
from leadlife._frozen import FrozenDict
from leadlife.criteria import Criterion, Kinds, Match, Where, where_words
from leadlife.errors import InvalidDefinition, Malformed
from leadlife.scoring import micropoints
from leadlife.scoring.decay import OptionalHalfLife, StepDecay
from leadlife.scoring.policy import Amount, Question
from leadlife.timing import OptionalDuration

R = TypeVar("R", bound="Rule")
Times = Annotated[int, Field(ge=1, le=1_000_000)]


class Rule(Definition):
    """The base of every rule: a name, an optional group, and words for the ledger."""

    name: Name
    group: Name | None = None
    meaning: Text = ""


class ActivityRule(Rule):
    """Points for each activity of some kinds, optionally with caps and ageing.

    A rule has at most one of ``half_life``, ``decay`` and ``window``. A cap keeps the activities with the most points
    after ageing: with ``at_most=1`` one activity counts, without a cap all do. A day is a local day of the policy's
    zone. With ``once_per``, each value of an attribute counts once, before the other caps: a page, however often it is
    viewed. Activities without the attribute count once together.
    """

    op: Literal["activity"] = "activity"
    kinds: Annotated[Kinds, Field(min_length=1)]
    where: Where = default(Field(default_factory=FrozenDict[str, Match]))
    points: Amount
    once_per: Label | None = None
    at_most: Times | None = None
    at_most_per_day: Times | None = None
    half_life: OptionalHalfLife = default(None)
    decay: StepDecay | None = None
    window: OptionalDuration = default(None)

    @model_validator(mode="after")
    def _one_ageing(self) -> Self:
        ways = [name for name in ("half_life", "decay", "window") if getattr(self, name) is not None]
        if len(ways) > 1:
            raise Malformed(f"a rule must age in one way, not by {' and '.join(ways)}", hint=f"keep {ways[0]} only")
        return self

    @property
    def reason(self) -> str:
        """Why the rule gives points, in words."""
        return self.meaning or f"{' or '.join(self.kinds)}{where_words(self.where)}"


class FieldRule(Rule):
    """Points if a criterion is true, and optionally other points if it is false.

    An unknown criterion gives 0 points, and the ledger lists it.
    """

    op: Literal["field"] = "field"
    when: Question
    points: Amount
    otherwise: Amount = 0

    @property
    def reason(self) -> str:
        """Why the rule gives points, in words."""
        return self.meaning or self.when.sentence()


class Tier(Definition):
    """One tier of a tier rule: a criterion, and the points if it is true."""

    when: Question
    points: Amount


if TYPE_CHECKING:
    _Tiers = Accepts[tuple[Tier, ...], Iterable[Tier | tuple[Criterion, float] | dict[str, Any]]]
else:
    _Tiers = TupleOf[Tier]


class TierRule(Rule):
    """The points of the best tier whose criterion is true, times a weight in whole percent."""

    op: Literal["tiers"] = "tiers"
    tiers: Annotated[_Tiers, Field(min_length=1, max_length=100)]
    percent: Annotated[int, Field(ge=0, le=1_000)] = 100

    @field_validator("tiers", mode="before")
    @classmethod
    def _pairs(cls, value: Any) -> Any:
        """Accept pairs of a criterion and its points as well."""
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
        InvalidDefinition: A value is not a rule of this kind.
    """
    values = tuple(together(rules))
    for value in values:
        if not isinstance(value, kind):
            names = "ActivityRule, FieldRule or TierRule" if kind is Rule else kind.__name__
            raise InvalidDefinition(f"each rule must be of type {names}, not {type(value).__name__}")
    return values


def together(values: Any) -> Iterable[Any]:
    """Return an iterable unchanged, and any other value as a tuple of one."""
    return values if isinstance(values, Iterable) else (values,)


def several_numbers(values: Any) -> tuple[float, ...]:
    """Return numbers of points as a tuple; anything but a list or a tuple is read as none.

    Raises:
        Malformed: One of them is not a finite number.
    """
    numbers = tuple(values) if isinstance(values, list | tuple) else ()
    for number in numbers:
        micropoints(number)
    return numbers


AnyRule = Annotated[
    Annotated[ActivityRule, Tag("activity")] | Annotated[FieldRule, Tag("field")] | Annotated[TierRule, Tag("tiers")],
    Discriminator(op_of),
]
"""Any rule of a points policy."""
