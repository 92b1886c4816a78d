"""The functions that make criteria in Python: ``field("employees") >= 50``, ``count("call", within=days(7)) >= 2``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, ClassVar, Generic, TypeVar

from leadlife.criteria.activities import CountIs, End, SeenIs, SumIs
from leadlife.criteria.comparison import Comparison, Match
from leadlife.criteria.condition import Criterion
from leadlife.criteria.custom import ByRole
from leadlife.criteria.dates import DateIs, DateRelation
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
from leadlife.criteria.logic import AtLeast
from leadlife.criteria.origin import ConsentIs, SourceIs, SourcePart
from leadlife.criteria.scores import BandIs, ScoreIs
from leadlife.errors import Malformed
from leadlife.timing import Calendar, Elapsed

C = TypeVar("C")
Window = Elapsed | Calendar | timedelta | str


class NumberOperand(Generic[C]):
    """The left side of a comparison with a number, or with a word that has an order. Comparing it makes a criterion."""

    # It defines ``==`` as a comparison, so it must not be found in sets and dictionaries.
    __hash__: ClassVar[None] = None  # type: ignore[assignment]

    def __init__(self, make: Callable[..., C], **arguments: Any) -> None:
        self._make = make
        self._arguments = arguments

    @property
    def unfinished(self) -> str:
        """What was written so far, for the error of a criterion that compares nothing."""
        names = [str(name) for name in (self._arguments.get("name"), *self._arguments.get("kinds", ())) if name]
        return f"{self._make.__name__.removesuffix('Is').lower()} {', '.join(names)}".strip()

    def __repr__(self) -> str:
        return f"<{self.unfinished}, to be compared>"

    def _is(self, compare: Comparison, value: Any) -> C:
        return self._make(**self._arguments, compare=compare, value=value)

    def __eq__(self, value: object) -> C:  # type: ignore[override]
        return self._is(Comparison.EQ, value)

    def __ne__(self, value: object) -> C:  # type: ignore[override]
        return self._is(Comparison.NE, value)

    def __lt__(self, value: Any) -> C:
        return self._is(Comparison.LT, value)

    def __le__(self, value: Any) -> C:
        return self._is(Comparison.LE, value)

    def __gt__(self, value: Any) -> C:
        return self._is(Comparison.GT, value)

    def __ge__(self, value: Any) -> C:
        return self._is(Comparison.GE, value)


class ValueOperand(NumberOperand[C]):
    """The left side of a comparison with any value. Comparing it makes a criterion."""

    __hash__ = None

    def one_of(self, *values: Any) -> C:
        """Return a criterion: the value is one of these, given one by one or as one list."""
        listed = len(values) == 1 and isinstance(values[0], list | tuple)
        return self._is(Comparison.IN, values[0] if listed else values)

    def between(self, lowest: Any, highest: Any) -> C:
        """Return a criterion: the value is between two values, both included."""
        return self._is(Comparison.BETWEEN, (lowest, highest))

    def contains(self, text: str) -> C:
        """Return a criterion: the value contains a text, in upper or lower case."""
        return self._is(Comparison.CONTAINS, text)

    def starts_with(self, text: str) -> C:
        """Return a criterion: the value starts with a text, in upper or lower case."""
        return self._is(Comparison.STARTS, text)

    def ends_with(self, text: str) -> C:
        """Return a criterion: the value ends with a text, in upper or lower case."""
        return self._is(Comparison.ENDS, text)

    def known(self) -> C:
        """Return a criterion: there is a value. It is never unknown."""
        return self._is(Comparison.KNOWN, None)


class FieldOperand(ValueOperand[FieldIs]):
    """A field on the left side of a comparison. Its methods ask about dates and about several values, too."""

    __hash__ = None

    def __init__(self, name: str) -> None:
        super().__init__(FieldIs, name=name)
        self._name = name

    def has(self, value: str, *, separator: str | None = None) -> FieldHas:
        """Return a criterion: one of the values in the field is this one; ``has("Java")`` is not JavaScript.

        Args:
            value: The value.
            separator: The text between two values; by default ``;``, ``,``, ``|`` or a new line.
        """
        return FieldHas(name=self._name, value=value, separator=separator)

    def past(self) -> DateIs:
        """Return a criterion: the date in the field lies before the present day."""
        return DateIs(name=self._name, relation=DateRelation.PAST)

    def future(self) -> DateIs:
        """Return a criterion: the date in the field lies after the present day."""
        return DateIs(name=self._name, relation=DateRelation.FUTURE)

    def within(self, window: Window) -> DateIs:
        """Return a criterion: the date in the field is today, or at most so many days or months ahead."""
        if isinstance(window, timedelta) and not window % timedelta(days=1):
            window = Calendar(days=window.days)  # a date has no clock, so a day is a day of the calendar
        return DateIs(name=self._name, relation=DateRelation.WITHIN, window=window)

    def anniversary(self) -> DateIs:
        """Return a criterion: today is the anniversary of the date in the field, in a later year."""
        return DateIs(name=self._name, relation=DateRelation.ANNIVERSARY)


class SeenOperand:
    """The first or the last activity. Its methods make a criterion about its age."""

    def __init__(self, end: End, kinds: tuple[str, ...]) -> None:
        self._end = end
        self._kinds = kinds

    def within(self, age: Window) -> SeenIs:
        """Return a criterion: the activity was less than so long ago."""
        return SeenIs(end=self._end, kinds=self._kinds, age=age, older=False)

    def before(self, age: Window) -> SeenIs:
        """Return a criterion: the activity was at least so long ago."""
        return SeenIs(end=self._end, kinds=self._kinds, age=age, older=True)


it: ValueOperand[Match] = ValueOperand(Match)
"""An attribute of an activity, to compare: ``count("page_view", page=it.contains("pricing"), seconds=it >= 30)``."""


def field(name: str) -> FieldOperand:
    """Return a field of the lead, to compare: ``field("employees") >= 50``, ``field("renewal").within(days(30))``."""
    return FieldOperand(name)


def latest(kind: str, attribute: str) -> ValueOperand[LatestIs]:
    """Return an attribute of the latest activity of a kind, to compare: ``latest("form", "budget") >= 500``."""
    return ValueOperand(LatestIs, kind=kind, attribute=attribute)


def count(
    *kinds: str,
    within: Window | None = None,
    since_recycling: bool = False,
    where: Mapping[str, Any] | None = None,
    **attributes: Any,
) -> NumberOperand[CountIs]:
    """Return a number of activities, to compare: ``count("page_view", page="/pricing", within=days(7)) >= 2``.

    Args:
        kinds: The activity kinds that count; none means any kind.
        within: Count only activities that are younger than this.
        since_recycling: Count only activities after the lead last entered a won or recycled stage.
        where: What attributes must be, for names that are not Python identifiers.
        attributes: What attributes must be: a value, several values, or a comparison of ``it``.

    Raises:
        Malformed: ``where`` is not a mapping, or an attribute is given twice.
    """
    matches = _attributes(where, attributes)
    return NumberOperand(CountIs, kinds=kinds, where=matches, within=within, since_recycling=since_recycling)


def total(
    attribute: str,
    *kinds: str,
    within: Window | None = None,
    since_recycling: bool = False,
    where: Mapping[str, Any] | None = None,
    **attributes: Any,
) -> NumberOperand[SumIs]:
    """Return the sum of an attribute over activities, to compare: ``total("minutes", "call") >= 30``.

    Args:
        attribute: The numeric attribute that is added up.
        kinds: The activity kinds that count; none means any kind.
        within: As in :func:`count`.
        since_recycling: As in :func:`count`.
        where: As in :func:`count`.
        attributes: As in :func:`count`.

    Raises:
        Malformed: As in :func:`count`.
    """
    matches = _attributes(where, attributes)
    return NumberOperand(
        SumIs, attribute=attribute, kinds=kinds, where=matches, within=within, since_recycling=since_recycling
    )


def _attributes(where: Mapping[str, Any] | None, attributes: Mapping[str, Any]) -> dict[str, Any]:
    if where is not None and not isinstance(where, Mapping):
        raise Malformed("where must be a mapping of attributes", hint='write where={"page-no": 3}')
    twice = [name for name in where or () if name in attributes]
    if twice:
        raise Malformed(f"attribute {twice[0]!r} is given twice", hint="give it in where or as an argument")
    return {**(where or {}), **attributes}


def first_seen(*kinds: str) -> SeenOperand:
    """Return the first activity of these kinds (none means any): ``first_seen("form").within(days(30))``."""
    return SeenOperand(End.FIRST, kinds)


def last_seen(*kinds: str) -> SeenOperand:
    """Return the last activity of these kinds (none means any): ``last_seen("login").before(days(14))``."""
    return SeenOperand(End.LAST, kinds)


def inactive(age: Window, *kinds: str) -> SeenIs:
    """Return a criterion: the last activity was at least so long ago: ``inactive(days(14))``."""
    return last_seen(*kinds).before(age)


def score(name: str) -> NumberOperand[ScoreIs]:
    """Return a score of the playbook, to compare: ``score("engagement") >= 50``."""
    return NumberOperand(ScoreIs, name=name)


def band(name: str) -> NumberOperand[BandIs]:
    """Return the band (or grade) of a score, to compare in the order of the bands: ``band("fit") >= "B"``."""
    return NumberOperand(BandIs, name=name)


def evidence(name: str, *, within: Window | None = None) -> HasEvidence:
    """Return a criterion: the latest evidence of this name is yes.

    Args:
        name: The name of the evidence.
        within: Evidence of this age or older is ignored; the criterion is then unknown.
    """
    return HasEvidence(name=name, within=within)


def holds(name: str) -> HoldsQualification:
    """Return a criterion: the lead holds a qualification."""
    return HoldsQualification(name=name)


def channel(*names: str) -> SourceIs:
    """Return a criterion: the running cycle comes from one of these channels."""
    return SourceIs(part=SourcePart.CHANNEL, names=names)


def lead_type(*names: str) -> SourceIs:
    """Return a criterion: the running cycle is of one of these lead types: ``lead_type("referral")``."""
    return SourceIs(part=SourcePart.LEAD_TYPE, names=names)


def campaign(*names: str) -> SourceIs:
    """Return a criterion: the running cycle comes from one of these campaigns."""
    return SourceIs(part=SourcePart.CAMPAIGN, names=names)


def consent(purpose: str) -> NumberOperand[ConsentIs]:
    """Return the consent to one use of the lead's data, to compare: ``consent("email") == "granted"``."""
    return NumberOperand(ConsentIs, name=purpose)


def identified() -> IsIdentified:
    """Return a criterion: the lead is identified, which means that it is in the database."""
    return IsIdentified()


def sold() -> IsSold:
    """Return a criterion: a sale is recorded since the lead last entered a won or recycled stage."""
    return IsSold()


def in_stage(*names: str) -> InStage:
    """Return a criterion: the lead is in one of these stages."""
    return InStage(names=names)


def days_in_stage() -> NumberOperand[DaysInStage]:
    """Return the number of whole days in the present stage, to compare: ``days_in_stage() >= 5``."""
    return NumberOperand(DaysInStage)


def recycled_for(*reasons: str) -> RecycledFor:
    """Return a criterion: the lead was led into its present stage for one of these reasons."""
    return RecycledFor(reasons=reasons)


def return_count() -> NumberOperand[ReturnsAre]:
    """Return how often the lead has returned from recycling since it last won, to compare: ``return_count() >= 3``."""
    return NumberOperand(ReturnsAre)


def cycle() -> NumberOperand[CycleIs]:
    """Return the number of the latest cycle, to compare: ``cycle() >= 2``."""
    return NumberOperand(CycleIs)


def readiness() -> NumberOperand[ReadinessIs]:
    """Return the readiness of the lead, to compare: ``readiness() >= "mid"``."""
    return NumberOperand(ReadinessIs)


def role(*names: str) -> ByRole:
    """Return a criterion: the actor has one of these roles."""
    return ByRole(names=names)


def at_least(number: int, *criteria: Criterion) -> AtLeast:
    """Return a criterion: at least so many of these criteria are true."""
    return AtLeast.checked({"number": number, "of": criteria})
