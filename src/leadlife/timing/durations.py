"""Elapsed and calendar durations, and their ISO 8601 texts."""

import re
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_serializer

from leadlife._base.model import Accepts, Model
from leadlife.errors import Malformed

_ISO = re.compile(
    r"^P(?:(?P<years>\d{1,5})Y)?(?:(?P<months>\d{1,5})M)?(?:(?P<weeks>\d{1,5})W)?(?:(?P<days>\d{1,6})D)?"
    r"(?P<clock>T(?:(?P<hours>\d{1,9})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,12}(?:\.\d{1,6})?)S)?)?$",
    re.ASCII,
)
_CENTURY_MONTHS = 1_200
_CENTURY_DAYS = 36_525
MICROSECOND = timedelta(microseconds=1)
_SECOND = 1_000_000


class Elapsed(Model):
    """An exact duration in microseconds, at most a hundred years, written as ``PT36H``, ``PT90M`` or ``PT5S``."""

    microseconds: Annotated[int, Field(ge=0, le=_CENTURY_DAYS * 86_400 * _SECOND)]

    def __bool__(self) -> bool:
        return self.microseconds > 0

    def __str__(self) -> str:
        for name, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
            if self.microseconds and not self.microseconds % (size * _SECOND):
                return _counted(self.microseconds // (size * _SECOND), name)
        return f"{self.microseconds / _SECOND:g} seconds"

    def bounds(self) -> tuple[timedelta, timedelta]:
        """Return the shortest and the longest time that the duration can take; here they are equal."""
        exact = timedelta(microseconds=self.microseconds)
        return exact, exact

    @model_serializer
    def _iso(self) -> str:
        whole, rest = divmod(self.microseconds, _SECOND)
        if rest:
            return f"PT{whole}.{rest:06d}S"
        unit, size = next((unit for unit in (("H", 3_600), ("M", 60)) if whole and not whole % unit[1]), ("S", 1))
        return f"PT{whole // size}{unit}"


class Calendar(Model):
    """A duration in months and days of a zone's calendar, at most a hundred years. Written as ``P1M`` or ``P14D``."""

    months: Annotated[int, Field(ge=0, le=_CENTURY_MONTHS)] = 0
    days: Annotated[int, Field(ge=0, le=_CENTURY_DAYS)] = 0

    def __bool__(self) -> bool:
        return self.months > 0 or self.days > 0

    def __str__(self) -> str:
        parts = [_counted(self.months, "month")] if self.months else []
        if self.days or not parts:
            parts.append(_counted(self.days, "day"))
        return " and ".join(parts)

    def bounds(self) -> tuple[timedelta, timedelta]:
        """Return the shortest and the longest time that the duration can take in any zone."""
        # A zone can change its offset in between. The widest offsets are UTC-12 and UTC+14, 26 hours apart.
        shift = timedelta(hours=26)
        least = timedelta(days=28 * self.months + self.days) - shift
        return max(least, timedelta()), timedelta(days=31 * self.months + self.days) + shift

    @model_serializer
    def _iso(self) -> str:
        months = f"{self.months}M" if self.months else ""
        return f"P{months}{self.days}D" if self.days or not months else f"P{months}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def parse_duration(text: Any) -> Elapsed | Calendar:
    """Return the duration of an ISO 8601 text: ``P1M`` and ``P14D`` are calendar, ``PT36H`` is elapsed.

    Raises:
        Malformed: The text is not such a duration, is longer than a hundred years, or mixes both kinds.
    """
    match = _ISO.fullmatch(text) if isinstance(text, str) else None
    if match is None or text in ("P", "PT") or text.endswith("T"):
        raise Malformed("must be an ISO 8601 duration", hint="write P14D, P1M or PT36H")
    part = {name: value or "0" for name, value in match.groupdict().items()}
    if match["clock"] is None:
        months = int(part["years"]) * 12 + int(part["months"])
        return Calendar(months=months, days=int(part["weeks"]) * 7 + int(part["days"]))
    if any(match[name] is not None for name in ("years", "months", "weeks", "days")):
        raise Malformed(
            "a duration must be either calendar (days, months) or elapsed (hours, seconds), not both",
            hint="P1D is a calendar day, PT24H is exactly 24 hours",
        )
    whole, _, fraction = part["seconds"].partition(".")
    seconds = int(part["hours"]) * 3_600 + int(part["minutes"]) * 60 + int(whole)
    return Elapsed(microseconds=seconds * _SECOND + int(fraction.ljust(6, "0")))


def read_duration(value: object) -> object:
    """Return a duration from its ISO 8601 text or a ``timedelta``; durations and mappings are returned unchanged.

    Raises:
        Malformed: The value is of another type, or the text is not a duration.
    """
    if isinstance(value, str):
        return parse_duration(value)
    if isinstance(value, timedelta):
        return Elapsed(microseconds=value // MICROSECOND)
    if not isinstance(value, Elapsed | Calendar | dict):
        raise Malformed("must be a duration", hint="write days(14) or elapsed(hours=36)")
    return value


def read_word_or_duration(value: object, words: type[StrEnum], problem: str, *, hint: str) -> object:
    """Return a word of an enumeration, or a duration, from their text.

    Raises:
        Malformed: The text is neither: then with the problem and the hint that were given.
    """
    if isinstance(value, str):
        if value in words.__members__.values():
            return words(value)
        if not value.startswith("P"):
            raise Malformed(problem, hint=hint)
    return read_duration(value)


def _positive(value: Elapsed | Calendar) -> Elapsed | Calendar:
    if not value:
        raise Malformed("a duration must be longer than 0", hint="write P1D for a day, PT1H for an hour")
    return value


Duration = Annotated[Elapsed | Calendar, BeforeValidator(read_duration)]
"""An elapsed or a calendar duration; its ISO 8601 text is read as well, and a ``timedelta`` as elapsed."""

if TYPE_CHECKING:
    PositiveDuration = Accepts[Elapsed | Calendar, Elapsed | Calendar | timedelta | str]
    OptionalDuration = Accepts[Elapsed | Calendar | None, Elapsed | Calendar | timedelta | str | None]
else:
    PositiveDuration = Annotated[Elapsed | Calendar, BeforeValidator(read_duration), AfterValidator(_positive)]
    OptionalDuration = PositiveDuration | None
"""A duration longer than 0."""


def days(number: int) -> Calendar:
    """Return so many calendar days."""
    return Calendar(days=number)


def weeks(number: int) -> Calendar:
    """Return so many calendar weeks."""
    return Calendar(days=_times(7, number))


def months(number: int) -> Calendar:
    """Return so many calendar months."""
    return Calendar(months=number)


def years(number: int) -> Calendar:
    """Return so many calendar years."""
    return Calendar(months=_times(12, number))


def _times(size: int, number: Any) -> Any:
    # Another type is passed on unchanged, so that the model refuses it: 7 * "1" would be text.
    return size * number if isinstance(number, int) else number


def elapsed(**parts: float) -> Elapsed:
    """Return an exact duration from the arguments of a ``timedelta``: ``elapsed(hours=36)``.

    Raises:
        Malformed: An argument is not one of a ``timedelta``, or the duration is negative or above a hundred years.
    """
    try:
        return Elapsed(microseconds=timedelta(**parts) // MICROSECOND)
    except (TypeError, OverflowError, ValueError) as error:
        if isinstance(error, Malformed):
            raise
        raise Malformed("must be the arguments of a timedelta", hint="write elapsed(hours=36)") from None
