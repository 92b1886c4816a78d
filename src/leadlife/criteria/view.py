"""What a criterion may look at, and what it answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, NamedTuple, NoReturn, Protocol
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field

from leadlife._base.model import Text
from leadlife.errors import Malformed


def _no_whole_number(value: object) -> object:
    if isinstance(value, int):
        raise Malformed("a whole number lies between -2**63 and 2**63")
    return value


Number = Annotated[int, Field(ge=-(2**63), lt=2**63)] | Annotated[float, BeforeValidator(_no_whole_number)]
"""A whole number of 64 bits, or a finite fraction."""

Scalar = bool | Number | Text
"""What a field or an activity attribute holds; a date is kept as ISO text."""


class Observation(NamedTuple):
    """Something seen: its value, when it was so, and which fact says so."""

    value: Any
    at: datetime
    fact: str
    ordinal: int


class Scored(Protocol):
    """What a criterion may ask of a score."""

    @property
    def answered(self) -> bool:
        """Whether there is a score at all."""
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
        """The band, or grade, that it falls into."""
        ...

    @property
    def bands(self) -> tuple[str, ...]:
        """Every band, the lowest first."""
        ...

    @property
    def activities(self) -> tuple[str, ...]:
        """Ids of the activities that it rests on."""
        ...

    @property
    def changes_at(self) -> datetime | None:
        """No earlier than this will time alone take a line away or a step off; None means never."""
        ...

    def fades_from(self, threshold: float | None) -> datetime | None:
        """Return from when half-lives may take it across a threshold, or, for None, out of its band."""
        ...

    def steady_until(self, threshold: float | None) -> datetime | None:
        """Return until when time alone surely keeps it on its side of a threshold, or, for None, in its band."""
        ...


class View(Protocol):
    """What criteria read: one lead at one instant. Policies read the same view, and the lead itself besides."""

    @property
    def at(self) -> datetime:
        """The instant of the question."""
        ...

    @property
    def zone(self) -> ZoneInfo:
        """The zone whose calendar windows follow."""
        ...

    @property
    def identified(self) -> Observation | None:
        """The fact that put the lead into the database."""
        ...

    @property
    def sold(self) -> Observation | None:
        """The latest sale since the lead last entered a won or recycled stage."""
        ...

    @property
    def stage(self) -> Observation | None:
        """The present stage, and since when."""
        ...

    @property
    def left(self) -> str | None:
        """The stage that was left for the present one."""
        ...

    @property
    def cycle(self) -> int | None:
        """The number of the latest cycle."""
        ...

    @property
    def readiness(self) -> Observation | None:
        """How close to buying the lead behaves, which is early, mid or late."""
        ...

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles of whoever asks."""
        ...

    def field(self, name: str) -> Observation | None:
        """The latest value of a field."""
        ...

    def evidence(self, name: str) -> Observation | None:
        """The latest yes or no since the lead last entered a won or recycled stage."""
        ...

    def qualification(self, name: str) -> Observation | None:
        """The latest grant or withdrawal since then; its value is None, or when the grant ends and what it rests on."""
        ...

    def score(self, name: str) -> Scored | None:
        """The score by a policy of the playbook; None where there is none."""
        ...

    def kinds(self) -> Iterable[str]:
        """The kinds of activity seen so far."""
        ...

    def activities(self, kind: str, *, since_recycling: bool = False) -> Iterator[Observation]:
        """The activities of a kind, newest first."""
        ...

    def first(self, kind: str) -> Observation | None:
        """The first activity of a kind."""
        ...

    def total(self, kind: str) -> int:
        """How many activities of a kind there are in all."""
        ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of a criterion, as a tree that can be read and checked.

    Attributes:
        sentence: The question in words.
        value: True, False, or None for unknown.
        facts: Ids of the facts that were looked at.
        changes_at: No earlier than this will the answer change by time alone; None means never.
        parts: The verdicts of the parts, in order.
        needs: How many of the parts must be true, where there are parts; 0 says that the one part must not be.
        found: What was found instead, where that is no personal data: a score, a band, a number of activities.
    """

    sentence: str
    value: bool | None
    facts: tuple[str, ...] = ()
    changes_at: datetime | None = None
    parts: tuple[Verdict, ...] = ()
    needs: int = 0
    found: str = ""

    @property
    def word(self) -> str:
        """The answer as a word, which is true, false or unknown."""
        return {True: "true", False: "false", None: "unknown"}[self.value]

    def recomputed(self) -> bool | None:
        """Return the answer that the parts give, worked out anew; a leaf's own is taken as it stands."""
        if not self.parts:
            return self.value
        answers = [part.recomputed() for part in self.parts]
        if not self.needs:
            return None if answers[0] is None else not answers[0]
        return enough(self.needs, answers)

    def tree(self, indent: str = "") -> str:
        """Return the verdict and its parts, a line each."""
        below = "".join(f"\n{part.tree(indent + '  ')}" for part in self.parts)
        until = "" if self.changes_at is None or self.parts else f", until {self.changes_at:%Y-%m-%d %H:%M} at least"
        return f"{indent}{self.word}: {self.sentence}{self._told()}{until}{below}"

    def _repr_html_(self) -> str:
        from leadlife._base.html import tree  # noqa: PLC0415 - only a notebook pays for it

        return tree(self.lines())

    def lines(self, depth: int = 0) -> Iterator[tuple[int, str, str]]:
        """Yield the verdict and its parts, each with how deep it lies, its answer and its sentence."""
        yield depth, self.word, f"{self.sentence}{self._told()}"
        for part in self.parts:
            yield from part.lines(depth + 1)

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict and its parts as plain values, ready for JSON."""
        return {
            "sentence": self.sentence,
            "value": self.value,
            "found": self.found,
            "facts": list(self.facts),
            "changes_at": None if self.changes_at is None else self.changes_at.isoformat(),
            "parts": [part.to_dict() for part in self.parts],
        }

    def _told(self) -> str:
        return f" ({self.found})" if self.found else ""

    def __bool__(self) -> NoReturn:
        raise TypeError("a verdict has three values: ask verdict.value")

    def __str__(self) -> str:
        return f"{self.sentence}: {self.word}{self._told()}"


def enough(needed: int, answers: Iterable[bool | None]) -> bool | None:
    """Return whether at least so many answers are true, after Kleene: and is all of them, or is one."""
    sure = maybe = 0
    for answer in answers:
        if answer is True:
            sure += 1
        elif answer is None:
            maybe += 1
    if sure >= needed:
        return True
    return None if sure + maybe >= needed else False
