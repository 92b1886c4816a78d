"""The end of observation of an export, and the dates that are doubtful: reported with their place, never guessed.

A date after the time of reading is planned: it is kept, and does not extend observation. A date far from the rest is
probably mistyped: among at least 20 dates, the few at one end (two, or up to one in fifty) are far if the gap
to the rest is longer than 90 days and than half the time that the rest spans.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from leadlife.analytics import Caution
from leadlife.io.tables import SetAside

ENOUGH = 20
"""The least number of dates of which some can be far from the rest."""
FEW = 50
"""At most one date in so many is far from the rest, or two."""
LONG_GAP = timedelta(days=90)
SPANS = 2
"""The gap is longer than the span of the rest divided by this."""
DAY = timedelta(days=1)


class Dated(NamedTuple):
    """A date in a cell."""

    at: datetime
    file: str
    line: int
    column: str
    day: str
    """Its local day, as the file has it."""


class ObservationWindow(NamedTuple):
    """What the dates of an export say about the time that it covers.

    Attributes:
        until: The latest date that is not doubtful; None if there is none.
        doubtful: The cells whose dates are after the time of reading or far from the rest, with the reason.
    """

    until: datetime | None
    doubtful: tuple[SetAside, ...]


def observed(dates: Iterable[Dated], now: datetime) -> ObservationWindow:
    """Return the end of observation, and the dates that are doubtful."""
    ordered = sorted(set(dates))  # a column may be mapped twice
    known = [dated for dated in ordered if dated.at <= now]
    found = [(dated, f"after the time of reading ({now:%Y-%m-%d})") for dated in ordered if dated.at > now]
    early, rest, late = _ends(known)
    found += [(dated, f"long before the next one ({rest[0].day}): mistyped?") for dated in early]
    found += [(dated, f"long after the one before ({rest[-1].day}): mistyped?") for dated in late]
    doubtful = (
        SetAside(dated.file, dated.line, f"column {dated.column!r}: {dated.day} is {why}") for dated, why in found
    )
    return ObservationWindow(rest[-1].at if rest else None, tuple(sorted(doubtful)))


def _ends(ordered: Sequence[Dated]) -> tuple[Sequence[Dated], Sequence[Dated], Sequence[Dated]]:
    """Return dates in three parts: those far before the rest, the rest, and those far after it."""
    few = max(len(ordered) // FEW, 2)
    first, last = 0, len(ordered)
    if len(ordered) < ENOUGH:
        return (), ordered, ()
    inner = ordered[few].at, ordered[-few - 1].at
    far = max(LONG_GAP, (inner[1] - inner[0]) / SPANS)
    for place in range(1, few + 1):
        if ordered[place].at - ordered[place - 1].at > far:
            first = place
        if ordered[-place].at - ordered[-place - 1].at > far:
            last = len(ordered) - place
    return ordered[:first], ordered[first:last], ordered[last:]


def cautions_of(observation: ObservationWindow, as_of: datetime | None) -> Iterator[Caution]:
    """Yield a caution about doubtful dates, and one about an end of observation that is not in the data."""
    doubtful = observation.doubtful
    if doubtful:
        one = len(doubtful) == 1
        several, extend = ("1 date is", "extends") if one else (f"{len(doubtful)} dates are", "extend")
        first = f"{doubtful[0].file} line {doubtful[0].line}, {doubtful[0].reason}"
        yield Caution(
            "doubtful_dates",
            f"{several} after the time of reading or far from the rest, and {extend} no observation; first: {first}",
            {"dates": len(doubtful)},
        )
    until = observation.until
    if as_of is not None and until is not None and as_of - until > DAY:
        days = (as_of - until).days
        yield Caution(
            "as_of_beyond_data",
            f"the end of observation is {days} days after the latest date of the data ({until:%Y-%m-%d}): the "
            "data do not know what happened since",
            {"days": days},
        )
