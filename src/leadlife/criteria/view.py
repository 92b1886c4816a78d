"""What a criterion may look at, and what it answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, NamedTuple, NoReturn, Protocol
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field

from leadlife._model import Text
from leadlife.errors import Malformed


def _no_whole_number(value: object) -> object:
    if isinstance(value, int):
        raise Malformed("a whole number lies between -2**63 and 2**63")
    return value


Scalar = (
    bool | Annotated[int, Field(ge=-(2**63), lt=2**63)] | Annotated[float, BeforeValidator(_no_whole_number)] | Text
)
"""What a field or an activity attribute holds; a date is kept as ISO text."""


class Observation(NamedTuple):
    """Something seen: its value, when it was so, and which fact says so."""

    value: Any
    at: datetime
    fact: str
    ordinal: int


class View(Protocol):
    """What a criterion may look at: one lead at one instant."""

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
    def left(self) -> str | None:
        """The stage that was left for the present one."""
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

    def activities(self, kind: str, *, since_recycling: bool) -> Iterator[Observation]:
        """The activities of a kind, newest first."""
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
    """

    sentence: str
    value: bool | None
    facts: tuple[str, ...] = ()
    changes_at: datetime | None = None
    parts: tuple[Verdict, ...] = ()

    @property
    def word(self) -> str:
        """The answer as a word, which is true, false or unknown."""
        return {True: "true", False: "false", None: "unknown"}[self.value]

    def __bool__(self) -> NoReturn:
        raise TypeError("a verdict has three values: ask verdict.value")

    def __str__(self) -> str:
        return f"{self.sentence}: {self.word}"
