"""The table that naive Bayes learns from: how many leads were won and lost, by team, field and value.

The counts are whole numbers; the start value of 0.1 is added when they are read. So adding a lead and removing it again
leaves the table unchanged, and adding leads in any order gives the same table as a rebuild.
"""

from __future__ import annotations

import warnings
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any, NamedTuple, Self, TypeGuard

from pydantic import Field, model_validator

from leadlife._base.intervals import cuts_of
from leadlife._base.model import (
    EARLIEST,
    LATEST,
    LAX,
    SORTED,
    Definition,
    Instant,
    MappingOf,
    Model,
    Name,
    Names,
    Text,
    TupleOf,
    WrittenInstant,
    default,
)
from leadlife._base.numbers import plain
from leadlife._base.outcomes import several, whole
from leadlife._frozen import FrozenDict
from leadlife.criteria import Scalar
from leadlife.errors import Malformed, suggestion
from leadlife.timing import instant

STAGE = "stage"
START = 0.1
"""The start value of each count, as in Odoo: no share is ever 0, so no logarithm is infinite."""
MOST_PARTS = 1_000
BLOCK = 2_048
"""The number of leads that are counted at a time. Each field goes over them again, so they should fit in the cache."""
Key = tuple[str, Any]
"""What kind of value it is, and the value: 1, 1.0 and True are one number, and the text "1" is another value."""
Place = tuple[str | None, str, Key]
"""A team, a field and a value."""
Tallied = Mapping[Place, tuple[int, int]]


class ClosedLead(Model):
    """A lead that was won or lost, with its values when it closed.

    Attributes:
        won: Whether it was won.
        closed: The instant at which it closed.
        made: The instant at which it came in; a table may count only leads made since an instant.
        team: The team that it belonged to.
        stage: The stage in which it was lost. If it is not known, the lead counts in the first stage only, in which
            every lead has been. A won lead counts in all stages.
        values: Its fields.
    """

    won: bool
    closed: Instant
    made: Instant | None = None
    team: Name | None = None
    stage: Name | None = None
    values: Annotated[MappingOf[Name, Scalar | None], Field(repr=False)] = Field(
        default_factory=FrozenDict[str, Scalar | None]
    )


class CountedValue(Definition):
    """The numbers of won and lost leads of a team with a value; without a team, those of leads that have no team."""

    team: Name | None = None
    field: Name
    value: Annotated[Scalar | None, Field(repr=False)]
    won: Annotated[int, Field(ge=0)] = 0
    lost: Annotated[int, Field(ge=0)] = 0

    def stages_renamed(self, names: Mapping[str, str]) -> dict[str, Any]:
        """Return its value under new names, if it counts a stage."""
        if self.field != STAGE or not isinstance(self.value, str):
            return {}
        return {"value": names.get(self.value, self.value)}


class Counts(NamedTuple):
    """The numbers of won and lost leads, with the start values."""

    won: float
    lost: float


class Tally(NamedTuple):
    """The counts of one field by value, and their sums."""

    rows: dict[Key, Counts]
    won: float
    lost: float


class WinTable(Definition):
    """The numbers of won and lost leads by team, field and value, up to an instant. It is immutable.

    Attributes:
        at: The instant up to which it has learned; a score for an earlier instant would use outcomes of its future.
        stages: The stages, in order.
        fields: The fields whose values are counted.
        cuts: Numeric fields with their cuts: the intervals between the cuts are counted, not the numbers.
        tags: Fields that hold several values, with the text that separates them.
        blanks: Fields whose empty value is counted as a value; an empty value of another field is not counted.
        since: Leads made before this instant are not counted.
        rows: The counts, sorted.
    """

    at: WrittenInstant
    stages: Annotated[Names, Field(min_length=1)]
    fields: Names = default(())
    cuts: Annotated[MappingOf[Name, Annotated[tuple[float, ...], LAX]], SORTED] = Field(
        default_factory=FrozenDict[str, tuple[float, ...]]
    )
    tags: Annotated[MappingOf[Name, Annotated[Text, Field(min_length=1)]], SORTED] = Field(
        default_factory=FrozenDict[str, str]
    )
    blanks: Names = default(())
    since: WrittenInstant | None = None
    rows: TupleOf[CountedValue] = default(())

    @model_validator(mode="after")
    def _sound(self) -> Self:
        names = (STAGE, *self.fields, *self.cuts, *self.tags)
        if len(set(names)) < len(names):
            raise Malformed(
                "a field must be counted once only", hint="name it in one of fields, cuts and tags, and not 'stage'"
            )
        if any(left >= right for cuts in self.cuts.values() for left, right in pairwise(cuts)):
            raise Malformed("the cuts of a field must rise", hint="sort them, and give each once")
        if len(self._index) < len(self.rows):
            raise Malformed("two rows have the same team, field and value", hint="add their counts up")
        return self

    @cached_property
    def _index(self) -> dict[Place, tuple[int, int]]:
        return {(row.team, row.field, key_of(row.value)): (row.won, row.lost) for row in self.rows}

    def stages_renamed(self, names: Mapping[str, str]) -> dict[str, Any]:
        """Return its stages, under new names."""
        return {"stages": tuple(names.get(name, name) for name in self.stages)}

    @property
    def names(self) -> tuple[str, ...]:
        """All fields that are counted."""
        return (*self.fields, *self.cuts, *self.tags)

    def adding(self, lead: ClosedLead) -> Self:
        """Return the table with one more closed lead; its instant is the later one of the two.

        Raises:
            Malformed: The value is not a closed lead, or its stage is not one of the table's stages.
        """
        return self._changed(self._index, self.tally(self.taken([lead])), 1, max(self.at, lead.closed))

    def removing(self, lead: ClosedLead) -> Self:
        """Return the table without a lead that was counted, because it is open again. No count becomes negative.

        Raises:
            Malformed: The value is not a closed lead, or its stage is not one of the table's stages.
        """
        return self._changed(self._index, self.tally(self.taken([lead])), -1, self.at)

    def rebuilt(self, leads: Iterable[ClosedLead], *, at: datetime) -> Self:
        """Return the table with the counts of these leads only; leads closed after ``at`` are left out.

        Raises:
            Malformed: A value is not a closed lead, or its stage is not one of the table's stages.
        """
        now = instant(at)
        return self._changed({}, self.tally(self.taken(leads, at=now)), 1, now)

    def taken(self, leads: Iterable[ClosedLead], *, at: datetime = LATEST) -> list[ClosedLead]:
        """Return the leads that count: closed until ``at``, and not made before ``since``.

        Raises:
            Malformed: A value is not a closed lead.
        """
        given = several("closed leads", leads)
        if not all(isinstance(lead, ClosedLead) for lead in given):
            raise Malformed("a lead must be a ClosedLead", hint="pass ClosedLead(won=..., closed=...)")
        since = EARLIEST if self.since is None else self.since
        return [lead for lead in given if lead.closed <= at and (lead.made is None or lead.made >= since)]

    def cutting(self, leads: Iterable[ClosedLead], *fields: str, parts: int = 10) -> Self:
        """Return the table with numeric fields cut into parts of about equally many of these leads.

        The cuts follow the distinct numbers; a number that a whole part of the leads holds is an interval of its own. A
        field that all leads have the same number in is one interval, which tells nothing: a warning names it.

        Args:
            leads: The leads whose values decide on the cuts.
            fields: The fields to cut; they replace the fields that were cut before.
            parts: The number of parts: 10 for tenths.

        Raises:
            Malformed: Fewer than two leads have a number in one of the fields, ``parts`` is not from 2 to 1000, or the
                table has counted leads already.
        """
        if not 2 <= whole("parts", parts) <= MOST_PARTS:  # noqa: PLR2004 - one part needs no cut
            raise Malformed(f"parts must be from 2 to {MOST_PARTS}")
        if self.rows:
            raise Malformed(
                "this table has counted leads by its present cuts",
                hint="cut an empty table, then count: rebuilt(leads)",
            )
        rows = [lead.values for lead in self.taken(leads)]
        cuts: dict[str, tuple[float, ...]] = {}
        for field in fields:
            numbers = [float(number) for values in rows if _is_number(number := values.get(field))]
            if len(numbers) < 2:  # noqa: PLR2004 - a cut lies between two
                names = {name for values in rows for name in values}
                near = None if field in names else suggestion(field, names)
                raise Malformed(
                    f"field {field!r} has a number in {len(numbers)} of the leads, and cuts need 2",
                    hint=f"did you mean {near!r}?" if near else "pass more leads, or leave the field out",
                )
            cuts[field] = cuts_of(numbers, parts)
            if not cuts[field]:
                message = (
                    f"field {field!r} is {numbers[0]:.15g} in all {len(numbers)} leads: its one interval tells nothing"
                )
                warnings.warn(message, stacklevel=2)
        return self.replace(cuts=cuts)

    def _changed(self, before: Mapping[Place, tuple[int, int]], tally: Tallied, step: int, at: datetime) -> Self:
        counts = dict(before)
        for place, (won, lost) in tally.items():
            had_won, had_lost = counts.get(place, (0, 0))
            # A lead that is taken out may have been counted by other cuts or fields; a negative count would never heal.
            counts[place] = max(had_won + step * won, 0), max(had_lost + step * lost, 0)
        rows = tuple(
            CountedValue.checked({"team": team, "field": field, "value": key[1], "won": won, "lost": lost})
            for (team, field, key), (won, lost) in sorted(counts.items(), key=_order)
            if won or lost
        )
        return self.replace(rows=rows, at=at)

    def tally(self, leads: Sequence[ClosedLead]) -> Tallied:
        """Return how many of these leads were won and lost, by team, field and value.

        Raises:
            Malformed: The stage of a lead is not one of the table's stages.
        """
        counts: dict[Place, list[int]] = {}
        # In blocks, each by outcome and team: Counter counts whole columns at once, and no column grows beyond a block.
        for start in range(0, len(leads), BLOCK):
            groups: dict[tuple[bool, str | None], list[ClosedLead]] = {}
            for lead in leads[start : start + BLOCK]:
                groups.setdefault((lead.won, lead.team), []).append(lead)
            for (won, team), group in groups.items():
                for field, value, number in self._seen(group, won=won):
                    counts.setdefault((team, field, key_of(value)), [0, 0])[not won] += number  # won first, then lost
        return {place: (wins, losses) for place, (wins, losses) in counts.items()}

    def _seen(self, group: list[ClosedLead], *, won: bool) -> Iterator[tuple[str, Scalar | None, int]]:
        """Yield the values that leads of one outcome count as, each with the number of leads, field by field."""
        for stage, number in Counter([lead.stage for lead in group]).items():
            for passed in self._passed(stage, won=won):
                yield STAGE, passed, number
        rows = [lead.values for lead in group]
        for field in self.names:
            for value, number in Counter([row.get(field) for row in rows]).items():
                for one in self._counted(field, value):
                    yield field, one, number

    def _passed(self, stage: str | None, *, won: bool) -> tuple[str, ...]:
        """Return the stages in which a closed lead counts: all if it was won, else those up to its last stage."""
        if won:
            return self.stages
        if stage is None:
            return self.stages[:1]
        if stage not in self.stages:
            raise Malformed(
                f"stage {stage!r} is not a stage of the table", hint=f"use one of: {', '.join(self.stages)}"
            )
        return self.stages[: self.stages.index(stage) + 1]

    def values_of(self, values: Mapping[str, Scalar | None]) -> Iterator[tuple[str, Scalar | None]]:
        """Yield the fields and values of a lead that count; each tag is a value."""
        for field in self.names:
            for value in self._counted(field, values.get(field)):
                yield field, value

    def _counted(self, field: str, value: Scalar | None) -> Iterable[Scalar | None]:
        """Return what a value of a field counts as: itself, its interval, its tags, or nothing at all."""
        if field in self.tags:
            text = "" if value is None else str(plain(value))
            tags = [tag for tag in dict.fromkeys(tag.strip() for tag in text.split(self.tags[field])) if tag]
            return tags or ((None,) if field in self.blanks else ())
        if value is None or (isinstance(value, str) and not value.strip()):
            return (None,) if field in self.blanks else ()
        if field in self.cuts and _is_number(value):
            return (_interval(self.cuts[field], value),)
        return (value,)

    def counts(self, team: str | None, *, start: float = START, fewest_tagged: int = 0) -> dict[str, Tally]:
        """Return the counts of a team by field and value; the sums over all teams if it has no rows.

        Args:
            team: The team.
            start: The start value of each row; a sum over several teams begins with as many start values.
            fewest_tagged: Tags of fewer leads are left out.
        """
        own = self.team_of(team)
        key = own, start, fewest_tagged
        if key not in self._summed:
            summed: dict[str, dict[Key, Counts]] = {}
            for row in self.rows:
                if own is None or row.team == own:
                    values = summed.setdefault(row.field, {})
                    won, lost = values.get(key_of(row.value), (0.0, 0.0))
                    values[key_of(row.value)] = Counts(won + start + row.won, lost + start + row.lost)
            self._summed[key] = {
                field: _tally(
                    {value: row for value, row in rows.items() if field not in self.tags or sum(row) >= fewest_tagged}
                )
                for field, rows in summed.items()
            }
        return self._summed[key]

    def team_of(self, team: str | None) -> str | None:
        """Return the team if it has rows; else None, which means all teams."""
        return team if team in self._teams else None

    @cached_property
    def _teams(self) -> frozenset[str | None]:
        return frozenset(row.team for row in self.rows)

    @cached_property
    def _summed(self) -> dict[tuple[str | None, float, int], dict[str, Tally]]:
        return {}


def _tally(rows: dict[Key, Counts]) -> Tally:
    return Tally(rows, sum(row.won for row in rows.values()), sum(row.lost for row in rows.values()))


def key_of(value: Scalar | None) -> Key:
    """Return the key of a value. Where a frame library stored a number as float or bool, it is the same number."""
    if _is_number(value):
        return "number", plain(int(value) if isinstance(value, bool) else value)
    return "text" if isinstance(value, str) else "blank", value


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float)


def _interval(cuts: tuple[float, ...], number: float) -> str:
    """Return the interval of a number in words; it includes its lower end and excludes its upper end."""
    place = bisect_right(cuts, number)
    if not cuts:
        return "any number"
    if place == 0:
        return f"below {plain(cuts[0])}"
    if place == len(cuts):
        return f"{plain(cuts[-1])} or more"
    return f"{plain(cuts[place - 1])} to {plain(cuts[place])}"


def _order(item: tuple[Place, Any]) -> tuple[str, str, str, str]:
    (team, field, (kind, value)), _ = item
    return team or "", field, kind, str(value)
