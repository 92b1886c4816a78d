"""The table that naive Bayes learns from: for each team, field and value, how many leads were won and lost.

Counts are whole numbers; the start value of 0.1 is added when they are read. So a lead counted in and taken back leaves
the table as it was, and any order of increments gives the table of a rebuild.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from statistics import quantiles
from typing import Annotated, Any, NamedTuple, Self, TypeGuard

from pydantic import Field, model_validator

from leadlife._base.model import (
    EARLIEST,
    LATEST,
    LAX,
    SORTED,
    Definition,
    Instant,
    Model,
    Name,
    Names,
    Text,
    TupleOf,
    WrittenInstant,
    default,
)
from leadlife._base.outcomes import several, whole
from leadlife.criteria import Scalar
from leadlife.errors import Malformed
from leadlife.timing import instant

STAGE = "stage"
START = 0.1
MOST_PARTS = 1_000
BLOCK = 2_048
"""So many leads are counted at a time as a processor keeps at hand: it goes over them once for each field."""
Key = tuple[str, Any]
"""A value with its type: 1, True and 1.0 are three values."""
Place = tuple[str | None, str, Key]
"""A team, a field and a value."""
Tallied = Mapping[Place, tuple[int, int]]


class ClosedLead(Model):
    """A lead that was won or lost, as it counts: what it was when it closed.

    Attributes:
        won: Whether it was won.
        closed: When.
        made: When it came in; a table may count only those made since an instant.
        team: Whose it was.
        stage: Where it stood when it was lost; where that is not known, it counts in the first stage, in which every
            lead has been. A won lead counts in every stage.
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


class Tally(NamedTuple):
    """The counts of one field: by value, and added up."""

    rows: dict[Key, Counts]
    won: float
    lost: float


class WinTable(Definition):
    """Won and lost by team, field and value: an immutable value with its own instant.

    Attributes:
        at: Up to when it has learned; a score before it would use outcomes of its own future.
        stages: The stages in sequence.
        fields: The fields that are counted.
        cuts: Numeric fields, each with the numbers at which a new interval begins: intervals are counted, not numbers.
        tags: Fields that hold several values, each with what separates them.
        blanks: Fields whose empty value is a value of its own; others are not counted where they are empty.
        since: Leads made before are not counted.
        rows: The counts, in an order of their own.
    """

    at: WrittenInstant
    stages: Annotated[Names, Field(min_length=1)]
    fields: Names = default(())
    cuts: Annotated[dict[Name, Annotated[tuple[float, ...], LAX]], SORTED] = Field(
        default_factory=dict[str, tuple[float, ...]]
    )
    tags: Annotated[dict[Name, Annotated[Text, Field(min_length=1)]], SORTED] = Field(default_factory=dict[str, str])
    blanks: Names = default(())
    since: WrittenInstant | None = None
    rows: TupleOf[Row] = default(())

    @model_validator(mode="after")
    def _sound(self) -> Self:
        names = (STAGE, *self.fields, *self.cuts, *self.tags)
        if len(set(names)) < len(names):
            raise Malformed("a field is counted once", hint="stages, cuts and tags are named apart from fields")
        if any(left >= right for cuts in self.cuts.values() for left, right in pairwise(cuts)):
            raise Malformed("the cuts of a field rise")
        if len(self._index) < len(self.rows):
            raise Malformed("two rows are about the same value")
        return self

    @cached_property
    def _index(self) -> dict[Place, tuple[int, int]]:
        return {(row.team, row.field, key_of(row.value)): (row.won, row.lost) for row in self.rows}

    @property
    def names(self) -> tuple[str, ...]:
        """Every field that is counted."""
        return (*self.fields, *self.cuts, *self.tags)

    def adding(self, lead: ClosedLead) -> Self:
        """Return the table with one more closed lead; its instant is the later of both.

        Raises:
            Malformed: The lead's stage is none of the table's.
        """
        return self._changed(self._index, self.tally(self.taken([lead])), 1, max(self.at, lead.closed))

    def removing(self, lead: ClosedLead) -> Self:
        """Return the table without a lead that was counted: it is open again. A count never falls below nothing.

        Raises:
            Malformed: The lead's stage is none of the table's.
        """
        return self._changed(self._index, self.tally(self.taken([lead])), -1, self.at)

    def rebuilt(self, leads: Iterable[ClosedLead], *, at: datetime) -> Self:
        """Return the table that these leads give, everything counted before forgotten; those closed after ``at`` wait.

        Raises:
            Malformed: A lead's stage is none of the table's, or this is no closed lead.
        """
        now = instant(at)
        return self._changed({}, self.tally(self.taken(leads, at=now)), 1, now)

    def taken(self, leads: Iterable[ClosedLead], *, at: datetime = LATEST) -> list[ClosedLead]:
        """Return the leads that count: closed at an instant, and not made before the table begins.

        Raises:
            Malformed: One is no closed lead.
        """
        told = several("closed leads", leads)
        if not all(isinstance(lead, ClosedLead) for lead in told):
            raise Malformed("a table counts closed leads", hint="Closed(won=..., closed=...)")
        since = EARLIEST if self.since is None else self.since
        return [lead for lead in told if lead.closed <= at and (lead.made is None or lead.made >= since)]

    def cutting(self, leads: Iterable[ClosedLead], *fields: str, parts: int = 10) -> Self:
        """Return the table with numeric fields cut where these leads fall into equal parts; equal cuts become one.

        Args:
            leads: The leads to learn from.
            fields: The fields, instead of those that were cut before.
            parts: How many: 10 for tenths.

        Raises:
            Malformed: Fewer than two leads have a number in one of the fields, or there are not two parts or more.
        """
        if not 2 <= whole("parts", parts) <= MOST_PARTS:  # noqa: PLR2004 - one part is no cut
            raise Malformed(f"a field is cut into 2 to {MOST_PARTS} parts")
        told = [lead.values for lead in self.taken(leads)]
        cuts: dict[str, tuple[float, ...]] = {}
        for field in fields:
            numbers = [float(number) for values in told if _is_number(number := values.get(field))]
            if len(numbers) < 2:  # noqa: PLR2004 - what a cut lies between
                raise Malformed(f"field {field!r} holds {len(numbers)} numbers, and cuts need 2")
            cuts[field] = tuple(sorted(set(quantiles(numbers, n=parts, method="inclusive"))))
        return self.replace(cuts=cuts)

    def _changed(self, before: Mapping[Place, tuple[int, int]], tally: Tallied, step: int, at: datetime) -> Self:
        counts = dict(before)
        for place, (won, lost) in tally.items():
            had_won, had_lost = counts.get(place, (0, 0))
            counts[place] = max(had_won + step * won, 0), max(had_lost + step * lost, 0)
        rows = tuple(
            Row.checked({"team": team, "field": field, "value": key[1], "won": won, "lost": lost})
            for (team, field, key), (won, lost) in sorted(counts.items(), key=_order)
            if won or lost
        )
        return self.replace(rows=rows, at=at)

    def tally(self, leads: Sequence[ClosedLead]) -> Tallied:
        """Return how many of these leads were won and lost, by team, field and value.

        Raises:
            Malformed: A lead's stage is none of the table's.
        """
        found: dict[Place, list[int]] = {}
        for start in range(0, len(leads), BLOCK):
            groups: dict[tuple[bool, str | None], list[ClosedLead]] = {}
            for lead in leads[start : start + BLOCK]:
                groups.setdefault((lead.won, lead.team), []).append(lead)
            for (won, team), group in groups.items():
                for field, value, leads_with in self._seen(group, won=won):
                    found.setdefault((team, field, key_of(value)), [0, 0])[not won] += leads_with
        return {place: (wins, losses) for place, (wins, losses) in found.items()}

    def _seen(self, group: list[ClosedLead], *, won: bool) -> Iterator[tuple[str, Scalar | None, int]]:
        """Yield what leads of one outcome count as, and how many of them, a column at a time."""
        for stage, leads_there in Counter([lead.stage for lead in group]).items():
            for passed in self._passed(stage, won=won):
                yield STAGE, passed, leads_there
        rows = [lead.values for lead in group]
        for field in self.names:
            for value, leads_with in _numbered([row.get(field) for row in rows]):
                for one in self._counted(field, value):
                    yield field, one, leads_with

    def _passed(self, stage: str | None, *, won: bool) -> tuple[str, ...]:
        """Return the stages in which a closed lead counts: all if it was won, else those up to where it stood."""
        if won:
            return self.stages
        if stage is None:
            return self.stages[:1]
        if stage not in self.stages:
            raise Malformed(f"stage {stage!r} is none of the table's", hint=f"they are {', '.join(self.stages)}")
        return self.stages[: self.stages.index(stage) + 1]

    def values_of(self, values: Mapping[str, Scalar | None]) -> Iterator[tuple[str, Scalar | None]]:
        """Yield the fields and values of a lead that count, a tag at a time."""
        for field in self.names:
            for value in self._counted(field, values.get(field)):
                yield field, value

    def _counted(self, field: str, value: Scalar | None) -> Iterable[Scalar | None]:
        """Return what a value of a field counts as: itself, its interval, its tags, or nothing."""
        if field in self.tags:
            tags = (tag.strip() for tag in value.split(self.tags[field])) if isinstance(value, str) else ()
            return [tag for tag in dict.fromkeys(tags) if tag]
        if value is None or value == "":
            return (None,) if field in self.blanks else ()
        if field in self.cuts and isinstance(value, int | float) and _is_number(value):
            return (_interval(self.cuts[field], value),)
        return (value,)

    def counts(self, team: str | None, *, start: float = START, fewest_tagged: int = 0) -> dict[str, Tally]:
        """Return won and lost by field and value for a team: its own rows, else those of all teams added up.

        Args:
            team: The team.
            start: What each row begins with, so that the sum over all teams begins with as many.
            fewest_tagged: Tags with fewer than this are left out.
        """
        speaks = self.team_of(team)
        wanted = speaks, start, fewest_tagged
        if wanted not in self._summed:
            summed: dict[str, dict[Key, Counts]] = {}
            for row in self.rows:
                if speaks is None or row.team == speaks:
                    values = summed.setdefault(row.field, {})
                    won, lost = values.get(key_of(row.value), (0.0, 0.0))
                    values[key_of(row.value)] = Counts(won + start + row.won, lost + start + row.lost)
            self._summed[wanted] = {
                field: _tally(
                    {key: row for key, row in rows.items() if field not in self.tags or sum(row) >= fewest_tagged}
                )
                for field, rows in summed.items()
            }
        return self._summed[wanted]

    def team_of(self, team: str | None) -> str | None:
        """Return the team whose own rows speak for it; None where all teams' do."""
        return team if team in self._teams else None

    @cached_property
    def _teams(self) -> frozenset[str | None]:
        return frozenset(row.team for row in self.rows)

    @cached_property
    def _summed(self) -> dict[tuple[str | None, float, int], dict[str, Tally]]:
        return {}


def _numbered(values: Sequence[Scalar | None]) -> Iterable[tuple[Scalar | None, int]]:
    """Return each value and how often it occurs; 1, True and 1.0 are three values."""
    if len(set(map(type, values)) - {type(None)}) <= 1:
        return Counter(values).items()
    typed = Counter(zip(map(type, values), values, strict=True))
    return [(value, number) for (_, value), number in typed.items()]


def _tally(rows: dict[Key, Counts]) -> Tally:
    return Tally(rows, sum(row.won for row in rows.values()), sum(row.lost for row in rows.values()))


def key_of(value: Scalar | None) -> Key:
    """Return a value with its type, as counts tell values apart."""
    return type(value).__name__, value


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _interval(cuts: tuple[float, ...], number: float) -> str:
    """Return the interval that holds a number, in words; it begins at its first number and ends before its last."""
    place = bisect_right(cuts, number)
    if not cuts:
        return "any number"
    if place == 0:
        return f"below {cuts[0]:.15g}"
    return f"{cuts[-1]:.15g} or more" if place == len(cuts) else f"{cuts[place - 1]:.15g} to {cuts[place]:.15g}"


def _order(item: tuple[Place, Any]) -> tuple[str, str, str, str]:
    (team, field, (kind, value)), _ = item
    return team or "", field, kind, str(value)
