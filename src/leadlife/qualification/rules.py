"""Rules that grant and withdraw qualifications, and rules that decide on readiness."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from leadlife._base.model import Definition, Name, Names, Text, default
from leadlife.criteria import Criterion, OptionalGuard
from leadlife.errors import Malformed
from leadlife.lifecycle.sign_off import Signable
from leadlife.timing import OptionalDuration


class Hysteresis(Definition):
    """A state that begins by one criterion and may end by another.

    With ``enter`` alone, the state lasts as long as ``enter`` is true. With ``leave``, it lasts until that is true, so
    that a signal that goes up and down between the two changes nothing. With ``lasting``, it never ends by itself.
    """

    enter: OptionalGuard = default(None)
    """The criterion that begins the state; it must be true, unknown is not enough."""
    leave: OptionalGuard = default(None)
    """The criterion that ends the state; while it is true, ``enter`` cannot begin it."""
    lasting: bool = False
    """Whether the state continues when ``enter`` is no longer true."""
    valid_for: OptionalDuration = default(None)
    """How long the state lasts after the latest fact that confirms it.

    A fact confirms it if ``enter`` reads the fact and is true after it. At the end of this duration the state lapses,
    and only a newer fact can begin it again.
    """
    meaning: Text = ""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.lasting and self.leave is not None:
            raise Malformed("lasting and leave cannot be given together", hint="give one of the two")
        return self

    def criteria(self) -> tuple[tuple[str, Criterion], ...]:
        """Return the criteria that are given, each with its name."""
        both = (("enter", self.enter), ("leave", self.leave))
        return tuple((name, criterion) for name, criterion in both if criterion is not None)


class QualificationRule(Hysteresis, Signable):
    """A qualification that a lead may hold: MQL, PQL, SAL, SQL, or any other.

    It is granted and withdrawn. After a win or a recycling it is withdrawn, and only a newer fact that ``enter`` reads
    grants it again.

    >>> from leadlife import days
    >>> from leadlife.criteria import evidence
    >>> QualificationRule(name="sql", enter=evidence("intent", within=days(30)), granted_by="sales").name
    'sql'
    """

    name: Name
    label: Text | None = None
    """The text that people see; by default the name."""
    team: Name | None = None
    """The team that decides on it."""
    granted_by: Names = default(())
    """The roles that may grant and withdraw it by hand; without roles, it cannot be granted by hand."""

    @model_validator(mode="after")
    def _granted(self) -> Self:
        if self.enter is None and not self.granted_by:
            raise Malformed(f"qualification {self.name!r} can never be granted", hint="give enter, granted_by or both")
        return self


class ReadinessRule(Signable):
    """How close to buying a lead behaves: early, mid or late. It is independent of the stage and of qualifications.

    A lead is late while the state ``late`` lasts, else mid while ``mid`` lasts, else early.
    """

    mid: Hysteresis
    late: Hysteresis
    team: Name | None = None
    meaning: Text = ""

    @model_validator(mode="after")
    def _entered(self) -> Self:
        for name in ("mid", "late"):
            if getattr(self, name).enter is None:
                raise Malformed(f"{name} needs a criterion to begin", hint=f"give {name} an enter")
        return self
