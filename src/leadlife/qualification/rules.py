"""Rules that grant and withdraw: named tests of a lead, and how close to buying it behaves."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from leadlife._base.model import Definition, Name, Names, Text, default
from leadlife.criteria import Criterion, OptionalGuard
from leadlife.errors import Malformed
from leadlife.lifecycle.sign_off import Signable
from leadlife.timing import OptionalDuration


class Hysteresis(Definition):
    """Something that is entered by one criterion and left by another.

    With ``enter`` alone it holds as long as that is true. With ``leave`` it stays until that is true: the band between
    the two is the hysteresis in which a trembling signal changes nothing. ``lasting`` stays whatever comes.
    """

    enter: OptionalGuard = default(None)
    """What lets a lead in; it must be true, not merely unknown."""
    leave: OptionalGuard = default(None)
    """What throws it out again; where this and ``enter`` are both true, nobody gets in."""
    lasting: bool = False
    """Whether it stays even when ``enter`` is true no more."""
    valid_for: OptionalDuration = default(None)
    """How long it holds after the latest fact that confirms it, one that ``enter`` reads and after which it is true.

    At that very instant it lapses, and only a newer fact grants it again.
    """
    meaning: Text = ""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.lasting and self.leave is not None:
            raise Malformed("what is lasting has no leave", hint="say lasting=True, or what makes it leave")
        return self

    def criteria(self) -> tuple[tuple[str, Criterion], ...]:
        """Return its criteria, each with its name."""
        both = (("enter", self.enter), ("leave", self.leave))
        return tuple((name, criterion) for name, criterion in both if criterion is not None)


class QualificationRule(Hysteresis, Signable):
    """A named test that a lead passes or fails: MQL, PQL, SAL, SQL, or any other.

    It goes both ways, and after a win or a recycling it starts afresh: what was held is withdrawn, and only a newer
    fact that ``enter`` reads grants it again.

    >>> from leadlife import days
    >>> from leadlife.criteria import evidence
    >>> QualificationRule(name="sql", enter=evidence("intent", within=days(30)), granted_by="sales").name
    'sql'
    """

    name: Name
    label: Text | None = None
    """What people call it; the name when not given."""
    team: Name | None = None
    """Whose test it is."""
    granted_by: Names = default(())
    """Roles that may grant and withdraw it by hand; none means nobody."""

    @model_validator(mode="after")
    def _granted(self) -> Self:
        if self.enter is None and not self.granted_by:
            raise Malformed(
                f"nobody may grant {self.name!r}", hint="say what lets a lead in (enter), or who may grant (granted_by)"
            )
        return self


class ReadinessRule(Signable):
    """How close to buying a lead behaves, from urgency and research: an axis of its own.

    A lead is late while ``late`` holds, else mid while ``mid`` holds, else early.
    """

    mid: Hysteresis
    late: Hysteresis
    team: Name | None = None
    meaning: Text = ""

    @model_validator(mode="after")
    def _entered(self) -> Self:
        for name in ("mid", "late"):
            if getattr(self, name).enter is None:
                raise Malformed(f"nothing makes a lead {name}", hint=f"say what does: {name}=Held(enter=...)")
        return self
