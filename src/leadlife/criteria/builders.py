"""The Python spelling of criteria: ``field("employees") >= 50``, ``count("call", within=days(7)) >= 2``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, ClassVar, Generic, TypeVar

from leadlife.criteria.activities import CountIs, End, SeenIs, SumIs
from leadlife.criteria.comparison import Comparison, Match
from leadlife.criteria.condition import Criterion
from leadlife.criteria.custom import ByRole
from leadlife.criteria.fields import FieldIs, LatestIs
from leadlife.criteria.logic import AtLeast
from leadlife.criteria.scores import BandIs, ScoreIs
from leadlife.criteria.standing import (
    CycleIs,
    DaysInStage,
    HasEvidence,
    HoldsQualification,
    InStage,
    IsIdentified,
    IsSold,
    ReadinessIs,
)
from leadlife.errors import Malformed
from leadlife.timing import Calendar, Elapsed

C = TypeVar("C")
Window = Elapsed | Calendar | timedelta


class Number(Generic[C]):
    """The left side of a comparison with a number, or with a word that has an order, that becomes a criterion."""

    __hash__: ClassVar[None] = None  # type: ignore[assignment]

    def __init__(self, make: Callable[..., C], **given: Any) -> None:
        self._make = make
        self._given = given

    def _is(self, compare: Comparison, value: Any) -> C:
        return self._make(**self._given, compare=compare, value=value)

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


class Value(Number[C]):
    """The left side of a comparison with any value."""

    __hash__ = None

    def one_of(self, *values: Any) -> C:
        """Return the criterion that it is one of these values."""
        return self._is(Comparison.IN, values)

    def between(self, lowest: Any, highest: Any) -> C:
        """Return the criterion that it lies between two values, both included."""
        return self._is(Comparison.BETWEEN, (lowest, highest))

    def contains(self, text: str) -> C:
        """Return the criterion that it contains a text, whatever the case."""
        return self._is(Comparison.CONTAINS, text)

    def starts_with(self, text: str) -> C:
        """Return the criterion that it starts with a text, whatever the case."""
        return self._is(Comparison.STARTS, text)

    def ends_with(self, text: str) -> C:
        """Return the criterion that it ends with a text, whatever the case."""
        return self._is(Comparison.ENDS, text)

    def known(self) -> C:
        """Return the criterion that there is a value; never unknown itself."""
        return self._is(Comparison.KNOWN, None)


class Moment:
    """The first or the last activity, waiting to be asked how long ago it was."""

    def __init__(self, end: End, kinds: tuple[str, ...]) -> None:
        self._end = end
        self._kinds = kinds

    def within(self, age: Window) -> SeenIs:
        """Return the criterion that it was less than so long ago."""
        return SeenIs(end=self._end, kinds=self._kinds, age=age, older=False)

    def before(self, age: Window) -> SeenIs:
        """Return the criterion that it was at least so long ago."""
        return SeenIs(end=self._end, kinds=self._kinds, age=age, older=True)


it: Value[Match] = Value(Match)
"""An attribute of an activity: ``count("page_view", page=it.contains("pricing"), seconds=it >= 30)``."""


def field(name: str) -> Value[FieldIs]:
    """Return a field of the lead, to be compared: ``field("employees") >= 50``."""
    return Value(FieldIs, name=name)


def latest(kind: str, attribute: str) -> Value[LatestIs]:
    """Return an attribute of the latest activity of a kind, to be compared: ``latest("form", "budget") >= 500``."""
    return Value(LatestIs, kind=kind, attribute=attribute)


def count(
    *kinds: str,
    within: Window | None = None,
    since_recycling: bool = False,
    where: Mapping[str, Any] | None = None,
    **attributes: Any,
) -> Number[CountIs]:
    """Return a number of activities, to be compared: ``count("page_view", page="/pricing", within=days(7)) >= 2``.

    Args:
        kinds: The activity kinds that count; none means any.
        within: Count only those not older than this.
        since_recycling: Count only those after the lead last entered a won or recycled stage.
        where: What attributes must be, for names that are no Python words.
        attributes: What attributes must be: a value, several values, or a comparison of ``it``.
    """
    given = _attributes(where, attributes)
    return Number(CountIs, kinds=kinds, where=given, within=within, since_recycling=since_recycling)


def total(
    attribute: str,
    *kinds: str,
    within: Window | None = None,
    since_recycling: bool = False,
    where: Mapping[str, Any] | None = None,
    **attributes: Any,
) -> Number[SumIs]:
    """Return the sum of an attribute over activities, to be compared: ``total("minutes", "call") >= 30``.

    Args:
        attribute: The numeric attribute that is added up.
        kinds: The activity kinds that count; none means any.
        within: As in :func:`count`.
        since_recycling: As in :func:`count`.
        where: As in :func:`count`.
        attributes: As in :func:`count`.
    """
    given = _attributes(where, attributes)
    return Number(SumIs, attribute=attribute, kinds=kinds, where=given, within=within, since_recycling=since_recycling)


def _attributes(where: Mapping[str, Any] | None, attributes: Mapping[str, Any]) -> dict[str, Any]:
    if where is not None and not isinstance(where, Mapping):
        raise Malformed("where= is a mapping of attributes")
    twice = [name for name in where or () if name in attributes]
    if twice:
        raise Malformed(f"attribute {twice[0]!r} is asked for twice")
    return {**(where or {}), **attributes}


def first_seen(*kinds: str) -> Moment:
    """Return the first activity, of these kinds or any: ``first_seen("form").within(days(30))``."""
    return Moment(End.FIRST, kinds)


def last_seen(*kinds: str) -> Moment:
    """Return the last activity, of these kinds or any: ``last_seen("login").before(days(14))``."""
    return Moment(End.LAST, kinds)


def inactive(age: Window, *kinds: str) -> SeenIs:
    """Return the question whether the last activity was at least so long ago: ``inactive(days(14))``."""
    return last_seen(*kinds).before(age)


def score(name: str) -> Number[ScoreIs]:
    """Return a score of the playbook, to be compared: ``score("engagement") >= 50``."""
    return Number(ScoreIs, name=name)


def band(name: str) -> Number[BandIs]:
    """Return the band, or grade, of a score, to be compared in the order of the bands: ``band("fit") >= "B"``."""
    return Number(BandIs, name=name)


def evidence(name: str, *, within: Window | None = None) -> HasEvidence:
    """Return the question whether the latest evidence of this name says yes.

    Args:
        name: The evidence.
        within: Older evidence counts no more: the answer is then unknown.
    """
    return HasEvidence(name=name, within=within)


def holds(name: str) -> HoldsQualification:
    """Return the question whether the lead holds a qualification."""
    return HoldsQualification(name=name)


def identified() -> IsIdentified:
    """Return the question whether the lead is in the database."""
    return IsIdentified()


def sold() -> IsSold:
    """Return the question whether a sale is recorded since the lead last entered a won or recycled stage."""
    return IsSold()


def in_stage(*names: str) -> InStage:
    """Return the question whether the lead stands in one of these stages."""
    return InStage(names=names)


def days_in_stage() -> Number[DaysInStage]:
    """Return the number of whole days in the present stage, to be compared: ``days_in_stage() >= 5``."""
    return Number(DaysInStage)


def cycle() -> Number[CycleIs]:
    """Return the number of the latest cycle, to be compared: ``cycle() >= 2``."""
    return Number(CycleIs)


def readiness() -> Number[ReadinessIs]:
    """Return how close to buying the lead behaves, to be compared: ``readiness() >= "mid"``."""
    return Number(ReadinessIs)


def role(*names: str) -> ByRole:
    """Return the question whether the actor has one of these roles."""
    return ByRole(names=names)


def at_least(number: int, *criteria: Criterion) -> AtLeast:
    """Return the question whether at least so many criteria are true."""
    return AtLeast.checked({"number": number, "of": criteria})
