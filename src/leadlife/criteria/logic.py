"""Criteria made of criteria: and, or, not, at least; and the types of a guard. The logic is Kleene's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from leadlife._base.model import Accepts, TupleOf, op_of, read_json
from leadlife._base.validation import restated
from leadlife.criteria.activities import CountIs, SeenIs, SumIs
from leadlife.criteria.condition import Criterion, Predicate
from leadlife.criteria.custom import ByRole, CustomGuard
from leadlife.criteria.dates import DateIs
from leadlife.criteria.fields import FieldHas, FieldIs, LatestIs
from leadlife.criteria.lead_state import (
    CycleIs,
    DaysInStage,
    HasEvidence,
    HoldsQualification,
    InStage,
    IsIdentified,
    IsSold,
    ReadinessIs,
    RecycledFor,
    ReturnsAre,
)
from leadlife.criteria.origin import ConsentIs, SourceIs
from leadlife.criteria.scores import BandIs, ScoreIs
from leadlife.criteria.view import Verdict, View, enough
from leadlife.errors import GuardError, InvalidDefinition, Malformed
from leadlife.timing import earliest

MOST_NODES = 200
MOST_LEVELS = 40


def all_of(predicates: tuple[Predicate, ...]) -> Predicate:
    """Return the conjunction of predicates after Kleene: false if one is false, else unknown if one is unknown.

    One that raises a GuardError matters only if no other one is false.
    """
    return _joined(predicates, decisive=False)


def _joined(predicates: tuple[Predicate, ...], *, decisive: bool) -> Predicate:
    """Return the answer of several predicates as one: the decisive answer of any decides, whatever else is unknown."""

    def ask(view: View) -> bool | None:
        answer: bool | None = not decisive
        broken: GuardError | None = None
        for predicate in predicates:
            try:
                value = predicate(view)
            except GuardError as error:
                broken = broken or error
                continue
            if value is decisive:
                return decisive
            if value is None:
                answer = None  # go on: a later one may still decide
        if broken is not None:
            raise broken
        return answer

    return ask


class _Whole(Criterion):
    """A criterion made of others, of limited size."""

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        nodes, levels = self.extent
        if nodes > MOST_NODES or levels > MOST_LEVELS:
            raise Malformed(
                f"a criterion may have at most {MOST_NODES} nodes and {MOST_LEVELS} levels",
                hint="make it smaller",
            )
        return self


class _Joined(_Whole):
    of: Annotated[TupleOf[AnyCriterion], Field(min_length=1)]

    def changes_at(self, view: View) -> datetime | None:
        """Return the earliest instant at which time alone may change the answer of a part; None means never."""
        return earliest(_changes_of(part, view) for part in self.parts())

    def parts(self) -> tuple[Criterion, ...]:
        """Return the parts."""
        return self.of

    def verdict(self, view: View) -> Verdict:
        """Return the answer with the answers of the parts."""
        return _whole(self, view, self._needed())

    def _needed(self) -> int:
        raise NotImplementedError


class AllOf(_Joined):
    """True if all parts are true, false if one is false, else unknown."""

    op: Literal["and"] = "and"

    def _compiled(self) -> Predicate:
        return all_of(tuple(part.predicate for part in self.of))

    def _in_words(self) -> str:
        """Return the sentences of the parts, joined by and."""
        return " and ".join(_bracketed(part, AnyOf) for part in self.of)

    def _needed(self) -> int:
        return len(self.of)


class AnyOf(_Joined):
    """True if one part is true, false if all are false, else unknown."""

    op: Literal["or"] = "or"

    def _compiled(self) -> Predicate:
        return _joined(tuple(part.predicate for part in self.of), decisive=True)

    def _in_words(self) -> str:
        """Return the sentences of the parts, joined by or."""
        return " or ".join(_bracketed(part, AllOf) for part in self.of)

    def _needed(self) -> int:
        return 1


class AtLeast(_Joined):
    """True if so many parts are true, false if too many are false, else unknown."""

    op: Literal["at_least"] = "at_least"
    number: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.number > len(self.of):
            raise Malformed(
                f"at least {self.number} of {len(self.of)} criteria can never be true",
                hint=f"give a number of at most {len(self.of)}",
            )
        return self

    def _compiled(self) -> Predicate:
        predicates, number = tuple(part.predicate for part in self.of), self.number

        def ask(view: View) -> bool | None:
            answers: list[bool | None] = []
            broken: GuardError | None = None
            for predicate in predicates:
                try:
                    answers.append(predicate(view))
                except GuardError as error:
                    broken = broken or error
                    answers.append(None)
            answer = enough(number, answers)
            if answer is None and broken is not None:
                raise broken
            return answer

        return ask

    def _in_words(self) -> str:
        """Return how many of the parts are needed, and their sentences."""
        return f"at least {self.number} of: ({'; '.join(part.sentence() for part in self.of)})"

    def _needed(self) -> int:
        return self.number


class Not(_Whole):
    """True if the part is false, false if it is true, unknown if it is unknown."""

    op: Literal["not"] = "not"
    of: AnyCriterion

    def _compiled(self) -> Predicate:
        predicate = self.of.predicate

        def ask(view: View) -> bool | None:
            value = predicate(view)
            return None if value is None else not value

        return ask

    def _in_words(self) -> str:
        """Return the negation in words."""
        return f"not ({self.of.sentence()})"

    def verdict(self, view: View) -> Verdict:
        """Return the answer with the answer of the part."""
        return _whole(self, view, 0)

    def changes_at(self, view: View) -> datetime | None:
        """Return the earliest instant at which time alone may change the answer of a part; None means never."""
        return self.of.changes_at(view)

    def parts(self) -> tuple[Criterion, ...]:
        """Return the part."""
        return (self.of,)


def _bracketed(part: Criterion, other: type[Criterion]) -> str:
    return f"({part.sentence()})" if isinstance(part, other) else part.sentence()


def verdict_of(criterion: Criterion, view: View) -> Verdict:
    """Return the answer of a criterion; of one that breaks, that it is not answered, and why."""
    try:
        return criterion.verdict(view)
    except GuardError as error:
        return Verdict(criterion.sentence(), None, changes_at=view.at, failure=error.message)


def _changes_of(criterion: Criterion, view: View) -> datetime | None:
    try:
        return criterion.changes_at(view)
    except GuardError:
        return view.at  # what is broken may answer at any moment


def _whole(whole: Criterion, view: View, needs: int) -> Verdict:
    parts = tuple(verdict_of(part, view) for part in whole.parts())
    changes = earliest(part.changes_at for part in parts)
    facts = tuple(dict.fromkeys(fact for part in parts for fact in part.facts))
    return Verdict(whole.sentence(), whole.test(view), facts, changes, parts, needs)


AnyCriterion = Annotated[
    Annotated[FieldIs, Tag("field")]
    | Annotated[FieldHas, Tag("has")]
    | Annotated[DateIs, Tag("date")]
    | Annotated[LatestIs, Tag("latest")]
    | Annotated[CountIs, Tag("count")]
    | Annotated[SumIs, Tag("sum")]
    | Annotated[SeenIs, Tag("seen")]
    | Annotated[ScoreIs, Tag("score")]
    | Annotated[BandIs, Tag("band")]
    | Annotated[HasEvidence, Tag("evidence")]
    | Annotated[HoldsQualification, Tag("holds")]
    | Annotated[SourceIs, Tag("source")]
    | Annotated[ConsentIs, Tag("consent")]
    | Annotated[IsIdentified, Tag("identified")]
    | Annotated[IsSold, Tag("sold")]
    | Annotated[InStage, Tag("stage")]
    | Annotated[DaysInStage, Tag("days_in_stage")]
    | Annotated[CycleIs, Tag("cycle")]
    | Annotated[RecycledFor, Tag("recycled_for")]
    | Annotated[ReturnsAre, Tag("returns")]
    | Annotated[ReadinessIs, Tag("readiness")]
    | Annotated[ByRole, Tag("role")]
    | Annotated[AllOf, Tag("and")]
    | Annotated[AnyOf, Tag("or")]
    | Annotated[AtLeast, Tag("at_least")]
    | Annotated[Not, Tag("not")]
    | Annotated[CustomGuard, Tag("custom_guard")],
    Discriminator(op_of),
]
"""Any criterion."""


def _as_guard(value: Any) -> Any:
    if isinstance(value, Criterion):
        return value
    if hasattr(value, "unfinished"):
        raise Malformed(f"{value.unfinished} must be compared", hint="for example with >= 1 or ==")
    if isinstance(value, str):
        raise Malformed(
            "a guard must be a criterion or a function, not text",
            hint='pass the function itself, or in a file a table such as {"op": "sold"}; text is never imported',
        )
    if not callable(value):
        return value
    if getattr(value, "__module__", "") == "leadlife.criteria.builders":
        raise Malformed(
            f"{value.__name__} is a builder of criteria, not a guard", hint=f"call it: {value.__name__}(...)"
        )
    name = getattr(value, "__name__", "")
    if not name or name == "<lambda>":
        raise Malformed(
            "a guard that is a function needs a name", hint="define it with def, or use CustomGuard(name=...)"
        )
    return CustomGuard(name=name, call=value)


if TYPE_CHECKING:
    Guard = Accepts[Criterion, Criterion | Callable[[View], bool | None]]
    OptionalGuard = Accepts[Criterion | None, Criterion | Callable[[View], bool | None] | None]
else:
    Guard = Annotated[AnyCriterion, BeforeValidator(_as_guard)]
    OptionalGuard = Guard | None
"""A criterion that guards a move. A function with a name is read as a :class:`CustomGuard`."""


@cache
def _adapter() -> TypeAdapter[Any]:
    return TypeAdapter(AnyCriterion)


def read_criterion(data: Mapping[str, Any] | str | bytes) -> Criterion:
    """Return the criterion that plain values or a JSON text describe, as ``model_dump(mode="json")`` returns them.

    Raises:
        InvalidDefinition: The data do not describe a criterion; every fault is listed.
    """
    plain = read_json(data) if isinstance(data, str | bytes) else data
    try:
        criterion: Criterion = _adapter().validate_python(plain)
    except ValidationError as error:
        raise restated(InvalidDefinition, "the criterion", error, data=plain) from None
    return criterion


def leaves_of(criterion: Criterion) -> Iterator[Criterion]:
    """Yield the criteria inside a criterion that have no parts themselves, from left to right."""
    if not criterion.parts():
        yield criterion
    for part in criterion.parts():
        yield from leaves_of(part)
