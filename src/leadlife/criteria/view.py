"""What a criterion reads (a view), and what it answers (a verdict).

This file passes 400 lines, because each thing that can be asked says here what its absence means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, NamedTuple, NoReturn, Protocol, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field

from leadlife._base.model import Text
from leadlife._base.numbers import PLAIN
from leadlife.errors import Malformed


def _no_whole_number(value: object) -> object:
    """Refuse a whole number as a float: one that has more than 64 bits would silently lose digits."""
    if isinstance(value, int):
        raise Malformed("a whole number must be between -2**63 and 2**63")
    return value


Number = Annotated[int, Field(ge=-(2**63), lt=2**63)] | Annotated[float, BeforeValidator(_no_whole_number)]
"""A whole number of 64 bits, or a finite fraction."""

Scalar = Annotated[bool | Number | Text, PLAIN]
"""The value of a field or of an attribute of an activity. A number is kept plain, a date as ISO text."""


class Observation(NamedTuple):
    """A value, the instant from which it is valid, and the fact that it comes from.

    Attributes:
        value: The value; for an activity, its attributes.
        at: The instant.
        fact: The id of the fact; empty if there is none.
        ordinal: The place of the fact in the log, which orders facts of the same instant.
    """

    value: Any
    at: datetime
    fact: str
    ordinal: int


class Scored(Protocol):
    """What a criterion reads of a score."""

    @property
    def answered(self) -> bool:
        """Whether there is a score."""
        ...

    @property
    def why(self) -> str:
        """Why there is none."""
        ...

    @property
    def value(self) -> float:
        """The score, in points or as a probability."""
        ...

    @property
    def band(self) -> str | None:
        """The band (or grade) of the value, if it has one."""
        ...

    def room(self, threshold: float | None) -> int | None:
        """Return by how many micropoints it may rise on its side of a threshold, or in its band; None for any."""
        ...

    @property
    def bands(self) -> tuple[str, ...]:
        """The names of all bands, the lowest first."""
        ...

    @property
    def activities(self) -> tuple[str, ...]:
        """The ids of the activities that the score rests on."""
        ...

    @property
    def changes_at(self) -> datetime | None:
        """The earliest instant at which time alone may remove a line or take a step off one; None means never."""
        ...

    @property
    def fading(self) -> int:
        """The sum of the sizes of the lines that fade with a half-life, in micropoints."""
        ...

    def compares(self, relation: Callable[[float, float], bool], value: float) -> bool:
        """Whether the value stands in one of the six relations to another."""
        ...

    def fades_from(self, threshold: float | None) -> datetime | None:
        """Return the instant before which half-lives cannot take the value across a threshold.

        For None, the instant before which they cannot change the band.
        """
        ...


R = TypeVar("R")


class View(Protocol):
    """What criteria read: one lead at one instant. Policies read the same view, and the lead itself as well."""

    @property
    def at(self) -> datetime:
        """The instant for which criteria are evaluated."""
        ...

    @property
    def aged(self) -> datetime:
        """The instant up to which half-lives are aged.

        It is ``at``, but for the rules of a journey: for these it is the later of the last fact and the last review, so
        that nothing else that comes due by time changes what they answer.
        """
        ...

    def reviewed(self) -> View:
        """The same lead at the instant ``aged``, for which custom code is asked."""
        ...

    @property
    def zone(self) -> ZoneInfo:
        """The zone of days and months."""
        ...

    @property
    def identified(self) -> Observation | None:
        """The fact that identified the lead."""
        ...

    @property
    def sold(self) -> Observation | None:
        """The latest sale since the lead last entered a won or recycled stage."""
        ...

    @property
    def source(self) -> Any:
        """Where the running cycle comes from, with channel, lead type and campaign; None if nobody said."""
        ...

    def consent(self, purpose: str) -> Observation | None:
        """What the lead said last about one use of its data: True if consent is granted."""
        ...

    def shows(self, name: str) -> bool:
        """Whether a field's value may stand in a message: it is declared, and not personal."""
        ...

    @property
    def stage(self) -> Observation | None:
        """The present stage, and the instant at which the lead entered it."""
        ...

    @property
    def left(self) -> str | None:
        """The stage before the present one."""
        ...

    @property
    def cycle(self) -> int | None:
        """The number of the latest cycle."""
        ...

    @property
    def reason(self) -> str | None:
        """The reason of the move that led to the present stage; None where none was given."""
        ...

    @property
    def returns(self) -> int | None:
        """How often the lead has returned from recycling since it last won."""
        ...

    @property
    def readiness(self) -> Observation | None:
        """How close to buying the lead behaves, which is early, mid or late."""
        ...

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles of the actor."""
        ...

    def field(self, name: str) -> Observation | None:
        """The latest value of a field."""
        ...

    def evidence(self, name: str) -> Observation | None:
        """The latest evidence, yes or no, since the lead last entered a won or recycled stage."""
        ...

    def qualification(self, name: str) -> Observation | None:
        """The latest grant or withdrawal since then.

        Its value is None for a withdrawal; for a grant, a pair of its end (or None) and what it rests on.
        """
        ...

    def score(self, name: str) -> Scored | None:
        """The score by a policy of the playbook; None if there is no such policy."""
        ...

    def kinds(self) -> Iterable[str]:
        """The kinds of activity so far."""
        ...

    def activities(self, kind: str, *, since_recycling: bool = False) -> Iterator[Observation]:
        """The activities of a kind, the newest first."""
        ...

    def instants(self, kind: str, most: int | None = None) -> Sequence[datetime]:
        """When the activities of a kind happened, the newest first; only so many of them, if that is given."""
        ...

    def first(self, kind: str) -> Observation | None:
        """The first activity of a kind."""
        ...

    def total(self, kind: str) -> int:
        """The number of activities of a kind."""
        ...

    def running(self, kind: str, key: str, step: Callable[[R | None, Observation], R | None]) -> R | None:
        """What a step makes of the activities of a kind, the oldest first; None where there are none.

        It is kept under the key, so that one more activity costs one more step.
        """
        ...


class OutsideJourney:
    """The part of a :class:`View` that exists in a journey only: stage, evidence, sales and what rules conclude.

    A view of a lead without a journey extends it, so a criterion that reads such things is unknown there.
    """

    @property
    def sold(self) -> None:
        """None, because outside a journey there are no sales."""

    @property
    def stage(self) -> None:
        """None, because outside a journey there is no stage."""

    @property
    def left(self) -> None:
        """None, because outside a journey there is no stage."""

    @property
    def cycle(self) -> None:
        """None, because outside a journey there are no cycles."""

    @property
    def reason(self) -> None:
        """None, because outside a journey there are no moves."""

    @property
    def returns(self) -> None:
        """None, because outside a journey there is no recycling."""

    @property
    def readiness(self) -> None:
        """None, because outside a journey there is no readiness."""

    @property
    def roles(self) -> tuple[str, ...]:
        """Empty, because outside a journey there is no actor."""
        return ()

    @property
    def keeps_reports(self) -> bool:
        """False, because outside a journey there are no reported scores."""
        return False

    def reported(self, policy: str, version: str) -> None:
        """Return None: outside a journey there are no reported scores."""

    def evidence(self, name: str) -> None:
        """Return None: outside a journey there is no evidence."""

    def qualification(self, name: str) -> None:
        """Return None: outside a journey there are no qualifications."""

    def score(self, name: str) -> None:
        """Return None: a policy cannot read the score of another policy; combine policies instead."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of a criterion, as a tree that people can read and programs can check.

    Attributes:
        sentence: The criterion in words.
        value: True, False, or None for unknown.
        facts: The ids of the facts that the answer rests on.
        changes_at: The earliest instant at which time alone may change the answer; None means never.
        parts: The verdicts of the parts, in order.
        needs: If there are parts, how many of them must be true; 0 means that the only part must be false.
        found: The value that was compared, unless it may be personal: a score, a band, a number of activities.
        failure: Why it is not answered, if custom code or a policy broke.
        lacks: What is found and what is needed, where a value may be shown: ``seats is 5, needs at least 10``.
    """

    sentence: str
    value: bool | None
    facts: tuple[str, ...] = ()
    changes_at: datetime | None = None
    parts: tuple[Verdict, ...] = ()
    needs: int = 0
    found: str = ""
    failure: str = ""
    lacks: str = ""

    def unmet(self) -> tuple[str, ...]:
        """Return what keeps the answer from being true, part by part, each with what was found; empty if it is true."""
        if self.value is True:
            return ()
        if self.parts and self.needs == len(self.parts):  # all of them are needed
            return tuple(text for part in self.parts for text in part.unmet())
        inner = "; ".join(text for part in self.parts for text in part.unmet()) if self.needs else ""
        if inner:
            return (f"{self.sentence}: {self.word} ({inner})",)
        return (self.lacks or str(self),)

    @property
    def word(self) -> str:
        """The answer as a word, which is true, false, unknown or not answered."""
        return "not answered" if self.failure else {True: "true", False: "false", None: "unknown"}[self.value]

    def recomputed(self) -> bool | None:
        """Return the answer computed from the leaves, to check ``value``; the answer of a leaf is taken as it is."""
        if not self.parts:
            return self.value
        answers = [part.recomputed() for part in self.parts]
        if not self.needs:
            return None if answers[0] is None else not answers[0]
        return enough(self.needs, answers)

    def tree(self, indent: str = "") -> str:
        """Return the verdict and its parts as text, one line each."""
        below = "".join(f"\n{part.tree(indent + '  ')}" for part in self.parts)
        until = "" if self.changes_at is None or self.parts else f", until {self.changes_at:%Y-%m-%d %H:%M} at least"
        return f"{indent}{self.word}: {self.sentence}{self._found_words()}{until}{below}"

    def _repr_html_(self) -> str:
        from leadlife._base.html import tree  # noqa: PLC0415 - only notebooks need it

        return tree(self.lines())

    def lines(self, depth: int = 0) -> Iterator[tuple[int, str, str]]:
        """Yield the verdict and its parts, each as its depth, its answer and its sentence."""
        yield depth, self.word, f"{self.sentence}{self._found_words()}"
        for part in self.parts:
            yield from part.lines(depth + 1)

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict and its parts as plain values, ready for JSON."""
        return {
            "sentence": self.sentence,
            "value": self.value,
            "found": self.found,
            "failure": self.failure,
            "facts": list(self.facts),
            "changes_at": None if self.changes_at is None else self.changes_at.isoformat(),
            "parts": [part.to_dict() for part in self.parts],
        }

    def _found_words(self) -> str:
        found = self.failure or self.found
        return f" ({found})" if found else ""

    def __bool__(self) -> NoReturn:
        raise TypeError("a verdict has three values, so it has no truth value: read verdict.value")

    def __str__(self) -> str:
        return f"{self.sentence}: {self.word}{self._found_words()}"


def enough(needed: int, answers: Iterable[bool | None]) -> bool | None:
    """Return whether at least so many answers are true, after Kleene.

    It is true if enough are true already, false if not enough can become true, else unknown. *And* needs all of them,
    *or* needs one.
    """
    sure = maybe = 0
    for answer in answers:
        if answer is True:
            sure += 1
        elif answer is None:
            maybe += 1
    if sure >= needed:
        return True
    return None if sure + maybe >= needed else False
