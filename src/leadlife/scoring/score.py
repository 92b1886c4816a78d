"""Scores: ledgers whose lines add up, and what a policy is.

Points are kept as whole micropoints (millionths), so that sums are exact whatever the order. The lines of a score in
points sum to its value; a score that does not is refused when it is made. The lines of a probability are log-odds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from math import inf, log2
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

from pydantic import ConfigDict, TypeAdapter, ValidationError

from leadlife._base.model import LATEST, Instant, read_json
from leadlife.errors import Malformed
from leadlife.leads import Activity, Lead
from leadlife.scoring.units import MICRO, micropoints
from leadlife.timing import earliest, instant

if TYPE_CHECKING:
    from leadlife.scoring.lines import Difference

MOST_MICROPOINTS = 10**300
_TICK = timedelta(microseconds=1)


class ScoringPolicy(Protocol):
    """Anything that scores a lead: a name, a version, and a pure function of a lead, its activities and an instant.

    The same input gives the same score, whatever the order of the activities; activities after ``at`` have no effect.
    """

    @property
    def name(self) -> str:
        """What the policy is called."""
        ...

    @property
    def version(self) -> str:
        """Which version of it this is."""
        ...

    def score(self, lead: Lead, activities: Sequence[Activity], *, at: datetime) -> Score:
        """Return the score of a lead at an instant."""
        ...


class Scale(StrEnum):
    """What a score's value means."""

    POINTS = "points"
    PROBABILITY = "probability"


class Answer(StrEnum):
    """Whether there is a score."""

    SCORED = "scored"
    EXCLUDED = "excluded"
    """A rule of the policy takes the lead out."""
    UNANSWERED = "unanswered"
    """The policy has nothing to say of this lead."""


class Sort(StrEnum):
    """What a line of a ledger stands for."""

    START = "start"
    ACTIVITY = "activity"
    FIELD = "field"
    UNKNOWN = "unknown"
    """A question that nobody has answered; it counts for nothing."""
    CAP = "cap"
    """What a cap or a floor takes away or adds."""
    GATE = "gate"
    MANUAL = "manual"
    """What a person's own value adds to the automatic one."""
    NOTE = "note"


class Contribution(NamedTuple):
    """One line of a ledger.

    Attributes:
        rule: Which rule, group or policy it comes from.
        sort: What it stands for.
        micropoints: What it adds, in millionths of a point (or of a log-odds).
        reason: Why, in words.
        activity: The id of the activity that it rests on, if it has one.
        at: When that was.
        factor: What is left of it after ageing, from 0 to 1.
    """

    rule: str
    sort: Sort
    micropoints: int
    reason: str
    activity: str | None = None
    at: Instant | None = None
    factor: float = 1.0

    @property
    def points(self) -> float:
        """What it adds, in points."""
        return self.micropoints / MICRO


class Trend(NamedTuple):
    """How a score has changed since an earlier instant, in micropoints."""

    since: Instant
    micropoints: int


class Lift(NamedTuple):
    """The single added activity that would lift the band: what it is, and the band it would lift to."""

    activity: Activity
    band: str


@dataclass(frozen=True, slots=True, repr=False)
class Score:
    """What a policy says of a lead at an instant, line by line.

    Attributes:
        policy: The policy's name.
        version: Its version.
        at: The instant.
        micropoints: The value in millionths; for a probability, rounded.
        lines: The ledger.
        scale: Points or probability.
        probability: The exact value, where the scale is probability.
        answer: Whether there is a score at all.
        why: Why there is none.
        low: The least it can be, in micropoints.
        high: The most it can be, in micropoints.
        band: The band or grade, if it falls into one.
        bands: Every band, the lowest first.
        cuts: The least micropoints of each band, in the same order; empty where the bands come from the parts.
        automatic: Where a person set the value, what the policy says itself.
        parts: The scores it is made of, where its band is made of theirs.
        trend: How it has changed since an earlier instant, if asked.
        lift: What would lift its band, if asked.
        changes_at: No earlier than this will time alone take a line away or a step off; None means never.
        fading: The sum of the lines, without sign, that fade with a half-life.
        rounding: By how many micropoints rounding may move the value while they fade.
        half_life: The shortest of these half-lives, in microseconds.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(
        allow_inf_nan=False, extra="forbid", hide_input_in_errors=True
    )

    policy: str
    version: str
    at: Instant
    micropoints: int = 0
    lines: tuple[Contribution, ...] = ()
    scale: Scale = Scale.POINTS
    probability: float | None = None
    answer: Answer = Answer.SCORED
    why: str = ""
    low: int | None = None
    high: int | None = None
    band: str | None = None
    bands: tuple[str, ...] = ()
    cuts: tuple[int, ...] = ()
    automatic: int | None = None
    parts: tuple[Score, ...] = ()
    trend: Trend | None = None
    lift: Lift | None = None
    changes_at: Instant | None = None
    fading: int = 0
    rounding: int = 0
    half_life: int | None = None

    def __post_init__(self) -> None:
        if self.scale is Scale.POINTS:
            total = 0
            for line in self.lines:
                total += line[2]
            if total != self.micropoints:
                raise Malformed("the lines of a score do not add up to it", hint="add a line for what is missing")
            if type(total) is not int or abs(total) > MOST_MICROPOINTS:
                raise Malformed("the lines of a score are whole micropoints")
        elif self.probability is None or not 0 <= self.probability <= 1:
            raise Malformed("a probability lies between 0 and 1")
        if self.band is not None and self.band not in self.bands:
            raise Malformed("the band of a score is one of its bands")
        until = self.changes_at
        if self.at.tzinfo is None or (until is not None and until.tzinfo is None):
            raise Malformed("an instant needs a time zone", hint="give an aware datetime")
        if until is not None and until >= LATEST:
            object.__setattr__(self, "changes_at", None)  # past the end of the calendar is never

    @classmethod
    def of(
        cls,
        policy: str,
        points: Mapping[str, float],
        *,
        at: datetime,
        version: str = "1",
        bands: Mapping[str, float] | None = None,
    ) -> Score:
        """Return a score from points by reason: what most classes of one's own want to answer.

        Raises:
            Malformed: A number of points is not finite, or is no number.
        """
        _check_parts(policy, version, points, bands or {})
        lines = tuple(
            Contribution(str(reason), Sort.FIELD, micropoints(number), str(reason)) for reason, number in points.items()
        )
        return banded(cls(policy, version, instant(at), sum(line.micropoints for line in lines), lines), bands or {})

    @property
    def answered(self) -> bool:
        """Whether there is a score at all."""
        return self.answer is Answer.SCORED

    @property
    def value(self) -> float:
        """The score in points, or the probability; 0 where there is none."""
        return self.micropoints / MICRO if self.probability is None else self.probability

    @property
    def activities(self) -> tuple[str, ...]:
        """Ids of the activities that it rests on."""
        return tuple(dict.fromkeys(line.activity for line in self.lines if line.activity is not None))

    @property
    def unknown(self) -> tuple[str, ...]:
        """The rules whose questions nobody has answered, which are what to ask next."""
        return tuple(line.rule for line in self.lines if line.sort is Sort.UNKNOWN)

    def points_by_rule(self) -> dict[str, float]:
        """Return what each rule adds, in points."""
        sums: dict[str, int] = {}
        for line in self.lines:
            sums[line.rule] = sums.get(line.rule, 0) + line.micropoints
        return {rule: amount / MICRO for rule, amount in sums.items()}

    def against(self, earlier: Score) -> Score:
        """Return the score with its trend against an earlier one; there is none where one of the two has no answer.

        Raises:
            Malformed: That is no score, or one on another scale.
        """
        comparable(earlier, self)
        if not (earlier.answered and self.answered):
            return self
        return replace(self, trend=Trend(earlier.at, self.micropoints - earlier.micropoints))

    def difference(self, earlier: Score) -> Difference:
        """Return what changed since another score of the same lead, line by line and in words."""
        from leadlife.scoring.lines import difference  # noqa: PLC0415 - only a reader pays for the words

        return difference(earlier, self)

    def __repr__(self) -> str:
        if not self.answered:
            return f"<Score {self.policy} {self.version}: {self.answer}>"
        band = f", band {self.band}" if self.band is not None else ""
        return f"<Score {self.policy} {self.version}: {self.value:g}{band}, {len(self.lines)} lines>"

    def __str__(self) -> str:
        return self.explain()

    def explain(self) -> str:
        """Return the ledger in words, a line each."""
        from leadlife.scoring.lines import explain  # noqa: PLC0415 - as above

        return explain(self)

    def _repr_html_(self) -> str:
        from leadlife.scoring.lines import html  # noqa: PLC0415 - as above

        return html(self)

    def dump(self) -> dict[str, Any]:
        """Return the score as plain values, ready for JSON, ``value`` among them; :meth:`load` reads them back."""
        dumped: dict[str, Any] = _adapter().dump_python(self, mode="json")
        dumped["lines"] = [dict(zip(Contribution._fields, line, strict=True)) for line in dumped["lines"]]
        dumped["parts"] = [part.dump() for part in self.parts]
        return {"value": self.value, **dumped}

    @classmethod
    def load(cls, data: Mapping[str, Any] | str | bytes) -> Score:
        """Read a score from what :meth:`dump` gave, or from its JSON text.

        Raises:
            Malformed: It is no score, or its lines do not add up.
        """
        plain = read_json(data) if isinstance(data, str | bytes) else data
        if not isinstance(plain, Mapping):
            raise Malformed("this is no score", hint="give what score.dump() gave")
        try:
            score = _adapter().validate_json(json.dumps(_without_value(plain)))
        except ValidationError as error:
            raise Malformed.from_validation("score", error) from None
        except (TypeError, ValueError, RecursionError):
            raise Malformed("this is no score", hint="give plain values, as score.dump() gave them") from None
        if plain.get("value", score.value) != score.value:
            raise Malformed("the value of a score is not what its lines add up to")
        return score

    def steady_until(self, threshold: float | None) -> datetime | None:
        """Return until when time alone surely keeps it on its side of a threshold, or, for None, in its band.

        It is a lower bound: a half-life takes away no more than a known share of what fades.
        """
        return earliest((self.fades_from(threshold), self.changes_at))

    def fades_from(self, threshold: float | None) -> datetime | None:
        """Return from when half-lives may take it across a threshold, or, for None, out of its band; a lower bound."""
        if threshold is None and self.parts:
            return earliest(part.steady_until(None) for part in self.parts)
        marks = self.cuts if threshold is None else (micropoints(threshold),)
        distance = min((abs(self.micropoints - mark) for mark in marks), default=None)
        return None if distance is None else self.fades_by(distance)

    def fades_by(self, distance: int) -> datetime | None:
        """Return when, at the earliest, half-lives take away so many micropoints; None where they never do."""
        spare = distance - self.rounding - 1
        if self.half_life is None or spare >= self.fading:
            return None
        if spare <= 0:
            return self.at + _TICK
        left = 1 - spare / self.fading
        try:
            wait = -self.half_life * log2(left) if left > 0 else inf
            end = self.at + max(timedelta(microseconds=wait * (1 - 1e-9)), _TICK)
        except OverflowError:
            return None
        return end if end < LATEST else None  # past the end of the calendar is never


def _check_parts(policy: object, version: object, *given: object) -> None:
    if not isinstance(policy, str) or not isinstance(version, str):
        raise Malformed("the name and the version of a policy are text")
    if not all(isinstance(one, Mapping) for one in given):
        raise Malformed("a score is made of points by reason, and least points by band")


def _without_value(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return a dumped score without the values that its ledgers give."""
    kept = {name: value for name, value in plain.items() if name != "value"}
    parts = plain.get("parts")
    if isinstance(parts, list):
        kept["parts"] = [_without_value(part) if isinstance(part, Mapping) else part for part in parts]
    return kept


@cache
def _adapter() -> TypeAdapter[Score]:
    return TypeAdapter(Score)


def banded(score: Score, bands: Mapping[str, float]) -> Score:
    """Return the score with the band it falls into: the one with the highest least value that it reaches."""
    if not bands:
        return score
    cuts = sorted((micropoints(least), name) for name, least in bands.items())
    if len({least for least, _ in cuts}) < len(cuts):
        raise Malformed("two bands begin at the same number of points")
    exact = score.micropoints if score.probability is None else score.probability * MICRO
    reached = [name for least, name in cuts if score.answered and exact >= least]
    return replace(
        score,
        band=reached[-1] if reached else None,
        bands=tuple(name for _, name in cuts),
        cuts=tuple(least for least, _ in cuts),
    )


def comparable(earlier: object, later: Score) -> None:
    """Check that two scores may be compared; one that there is not is on no scale.

    Raises:
        Malformed: One is no score, or is on another scale.
    """
    if not isinstance(earlier, Score):
        raise Malformed("this is no score")
    if earlier.answered and later.answered and earlier.scale is not later.scale:
        raise Malformed("two scores of different scales have no difference")


def rank(score: Score) -> int:
    """Return the place of a score's band among its bands, from 0; -1 where it has none."""
    return -1 if score.band is None else score.bands.index(score.band)
