"""The Python spelling of criteria: ``field("employees") >= 50``, ``count("call", within=days(7)) >= 2``."""

from __future__ import annotations

from typing import Any, ClassVar

from leadlife.criteria.condition import Comparison
from leadlife.criteria.leaves import ByRole, CountIs, FieldIs, HasEvidence, IsIdentified, IsSold
from leadlife.timing import Calendar, Elapsed


class _Comparable:
    """The left side of a comparison that becomes a criterion."""

    __hash__: ClassVar[None]  # type: ignore[assignment]

    def _is(self, compare: Comparison, value: Any) -> Any:
        raise NotImplementedError

    def __eq__(self, value: object) -> Any:
        return self._is(Comparison.EQ, value)

    def __ne__(self, value: object) -> Any:
        return self._is(Comparison.NE, value)

    def __lt__(self, value: Any) -> Any:
        return self._is(Comparison.LT, value)

    def __le__(self, value: Any) -> Any:
        return self._is(Comparison.LE, value)

    def __gt__(self, value: Any) -> Any:
        return self._is(Comparison.GT, value)

    def __ge__(self, value: Any) -> Any:
        return self._is(Comparison.GE, value)


class FieldReference(_Comparable):
    """A field of the lead, waiting to be compared."""

    __hash__ = None

    def __init__(self, name: str) -> None:
        self.name = name

    def _is(self, compare: Comparison, value: Any) -> FieldIs:
        return FieldIs(name=self.name, compare=compare, value=value)


class CountReference(_Comparable):
    """A number of activities, waiting to be compared."""

    __hash__ = None

    def __init__(self, kinds: tuple[str, ...], within: Elapsed | Calendar | None, *, since_recycling: bool) -> None:
        self.kinds = kinds
        self.within = within
        self.since_recycling = since_recycling

    def _is(self, compare: Comparison, value: Any) -> CountIs:
        return CountIs(
            kinds=self.kinds,
            compare=compare,
            value=value,
            within=self.within,
            since_recycling=self.since_recycling,
        )


def field(name: str) -> FieldReference:
    """Return a field of the lead, to be compared: ``field("employees") >= 50``."""
    return FieldReference(name)


def count(*kinds: str, within: Elapsed | Calendar | None = None, since_recycling: bool = False) -> CountReference:
    """Return a number of activities, to be compared: ``count("call", "reply", within=days(7)) >= 2``.

    Args:
        kinds: The activity kinds that count.
        within: Count only those not older than this.
        since_recycling: Count only those after the lead last entered a won or recycled stage.
    """
    return CountReference(kinds, within, since_recycling=since_recycling)


def evidence(name: str) -> HasEvidence:
    """Return the question whether the latest evidence of this name says yes."""
    return HasEvidence(name=name)


def identified() -> IsIdentified:
    """Return the question whether the lead is in the database."""
    return IsIdentified()


def sold() -> IsSold:
    """Return the question whether a sale is recorded since the lead last entered a won or recycled stage."""
    return IsSold()


def role(*names: str) -> ByRole:
    """Return the question whether the actor has one of these roles."""
    return ByRole(names=names)
