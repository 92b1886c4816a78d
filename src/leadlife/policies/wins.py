"""The table that naive Bayes learns from: for each team, field and value, how many leads were won and lost.

Counts are whole numbers; the start value of 0.1 is added when they are read. So a lead counted in and taken back leaves
the table as it was, and any order of increments gives the table of a rebuild.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, NamedTuple, Self

from pydantic import Field, model_validator

from leadlife._model import LAX, SORTED, Definition, Instant, Model, Name, Names, Text, WrittenInstant
from leadlife.criteria import Scalar
from leadlife.errors import Malformed
from leadlife.timing import instant

STAGE = "stage"
START = 0.1
Key = tuple[str, Any]
"""A value with its type: 1, True and 1.0 are three values."""


class Closed(Model):
    """A lead that was won or lost, as it counts: what it was when it closed.

    Attributes:
        won: Whether it was won.
        closed: When.
        made: When it came in; a table may count only those made since an instant.
        team: Whose it was.
        stage: Where it stood when it was lost; a won lead counts in every stage.
        values: Its fields.
    """

    won: bool
    closed: Instant
    made: Instant | None = None
    team: Name | None = None
    stage: Name | None = None
    values: Annotated[dict[Name, Scalar | None], Field(repr=False)] = Field(default_factory=dict[str, Scalar | None])


class Row(Definition):
    """How many leads of a team with a value were won and lost; no team stands for leads without one."""

    team: Name | None = None
    field: Name
    value: Annotated[Scalar | None, Field(repr=False)]
    won: Annotated[int, Field(ge=0)] = 0
    lost: Annotated[int, Field(ge=0)] = 0


class Counts(NamedTuple):
    """Won and lost, start values included."""

    won: float
    lost: float


class WinTable(Definition):
    """Won and lost by team, field and value: an immutable value with its own instant.

    Attributes:
        at: Up to when it has learned; a score before it would use outcomes of its own future.
        stages: The stages in sequence.
        fields: The fields that are counted.
        tags: Fields that hold several values, each with what separates them.
        blanks: Fields whose empty value is a value of its own; others are not counted where they are empty.
        since: Leads made before are not counted.
        rows: The counts, in an order of their own.
    """

    at: WrittenInstant
    stages: Annotated[Names, Field(min_length=1)]
    fields: Names = ()
    tags: Annotated[dict[Name, Annotated[Text, Field(min_length=1)]], SORTED] = Field(default_factory=dict[str, str])
    blanks: Names = ()
    since: WrittenInstant | None = None
    rows: Annotated[tuple[Row, ...], LAX] = ()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if STAGE in self.fields or set(self.tags) & set(self.fields):
            raise Malformed("a field is counted once", hint="stages and tags are named apart from fields")
        if len(self._index) < len(self.rows):
            raise Malformed("two rows are about the same value")
        return self

    @cached_property
    def _index(self) -> dict[tuple[str | None, str, Key], tuple[int, int]]:
        return {(row.team, row.field, key_of(row.value)): (row.won, row.lost) for row in self.rows}

    def adding(self, lead: Closed) -> Self:
        """Return the table with one more closed lead; its instant is the later of both.

        Raises:
            Malformed: The lead's stage is none of the table's.
        """
        return self._changed([lead], 1, max(self.at, _closed(lead).closed))

    def removing(self, lead: Closed) -> Self:
        """Return the table without a lead that was counted: it is open again. A count never falls below nothing.

        Raises:
            Malformed: The lead's stage is none of the table's.
        """
        return self._changed([_closed(lead)], -1, self.at)

    def rebuilt(self, leads: Iterable[Closed], *, at: datetime) -> Self:
        """Return the table that these leads give, everything counted before forgotten; those closed after ``at`` wait.

        Raises:
            Malformed: A lead's stage is none of the table's, or this is no closed lead.
        """
        now = instant(at)
        return self._changed((lead for lead in leads if _closed(lead).closed <= now), 1, now, anew=True)

    def _changed(self, leads: Iterable[Closed], step: int, at: datetime, *, anew: bool = False) -> Self:
        counts = {} if anew else dict(self._index)
        for lead in leads:
            if self.since is not None and lead.made is not None and lead.made < self.since:
                continue
            for field, value in self._counted(lead):
                place = lead.team, field, key_of(value)
                won, lost = counts.get(place, (0, 0))
                counts[place] = (max(won + step, 0), lost) if lead.won else (won, max(lost + step, 0))
        rows = tuple(
            Row(team=team, field=field, value=key[1], won=won, lost=lost)
            for (team, field, key), (won, lost) in sorted(counts.items(), key=_order)
            if won or lost
        )
        return self.replace(rows=rows, at=at)

    def _counted(self, lead: Closed) -> Iterator[tuple[str, Scalar | None]]:
        if lead.won:
            yield from ((STAGE, stage) for stage in self.stages)
        elif lead.stage is not None:
            if lead.stage not in self.stages:
                raise Malformed(
                    f"stage {lead.stage!r} is none of the table's", hint=f"they are {', '.join(self.stages)}"
                )
            yield from ((STAGE, stage) for stage in self.stages[: self.stages.index(lead.stage) + 1])
        yield from self.values_of(lead.values)

    def values_of(self, values: Mapping[str, Scalar | None]) -> Iterator[tuple[str, Scalar | None]]:
        """Yield the fields and values of a lead that count, a tag at a time."""
        for field in self.fields:
            value = values.get(field)
            if value not in (None, "") or field in self.blanks:
                yield field, None if value == "" else value
        for field, separator in self.tags.items():
            told = values.get(field)
            if isinstance(told, str):
                tags = (tag.strip() for tag in told.split(separator))
                yield from ((field, tag) for tag in dict.fromkeys(tags) if tag)

    def counts(self, team: str | None) -> dict[str, dict[Key, Counts]]:
        """Return won and lost by field and value for a team: its own rows, else those of all teams added up.

        Each row brings its own start value, so the sum over all teams starts at as many.
        """
        known = team is not None and any(row.team == team for row in self.rows)
        wanted = team if known else None
        if wanted not in self._summed:
            summed: dict[str, dict[Key, Counts]] = {}
            for row in self.rows:
                if not known or row.team == team:
                    values = summed.setdefault(row.field, {})
                    won, lost = values.get(key_of(row.value), (0.0, 0.0))
                    values[key_of(row.value)] = Counts(won + START + row.won, lost + START + row.lost)
            self._summed[wanted] = summed
        return self._summed[wanted]

    @cached_property
    def _summed(self) -> dict[str | None, dict[str, dict[Key, Counts]]]:
        return {}


def _closed(lead: object) -> Closed:
    if not isinstance(lead, Closed):
        raise Malformed("a table counts closed leads", hint="Closed(won=..., closed=...)")
    return lead


def key_of(value: Scalar | None) -> Key:
    """Return a value with its type, as counts tell values apart."""
    return type(value).__name__, value


def _order(item: tuple[tuple[str | None, str, Key], Any]) -> tuple[str, str, str, str]:
    (team, field, (kind, value)), _ = item
    return team or "", field, kind, str(value)
