"""Scores: ledgers whose lines add up to a value, and the protocol of a scoring policy.

Points are kept as whole micropoints (millionths), so that sums are exact in any order. The lines of a score in points
must add up to its value, or the score is refused. The lines of a probability are log-odds.

This file passes 400 lines, because all that may be asked of a score is in one class.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from math import inf, log2
from typing import Any, ClassVar, Protocol

from pydantic import ConfigDict, TypeAdapter, ValidationError

from leadlife._base.model import LATEST, Instant, read_json
from leadlife._base.validation import restated
from leadlife.errors import Malformed
from leadlife.leads import Activity, Lead
from leadlife.scoring.ledger import Answer, Contribution, Lift, LineKind, Scale, Trend
from leadlife.scoring.ledger_text import ScoreDifference, difference, explain, html
from leadlife.scoring.units import MICRO, micropoints
from leadlife.timing import earliest, instant

MOST_MICROPOINTS = 10**300
"""The largest size of a sum: one that a float can still hold, so that ``value`` never overflows."""
_TICK = timedelta(microseconds=1)


class ScoringPolicy(Protocol):
    """Anything that scores a lead: a name, a version, and a pure function of a lead, its activities and an instant.

    The same input gives the same score, whatever the order of the activities; activities after ``at`` have no effect.
    """

    @property
    def name(self) -> str:
        """The name of the policy."""
        ...

    @property
    def version(self) -> str:
        """The version of the policy."""
        ...

    def score(self, lead: Lead, activities: Sequence[Activity], *, at: datetime) -> Score:
        """Return the score of a lead at an instant."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class Score:
    """The score of a lead by one policy at one instant, with the lines that make it.

    Attributes:
        policy: The name of the policy.
        version: The version of the policy.
        at: The instant that the score is for.
        micropoints: The value in millionths; for a probability, rounded.
        lines: The lines of the ledger.
        scale: Points or probability.
        probability: The exact value, if the scale is probability.
        answer: Whether the policy gave a score.
        why: Why there is no score, if there is none.
        low: The least value that the policy can give, in micropoints; None if it has no lower bound.
        high: The greatest value that the policy can give, in micropoints; None if it has no upper bound.
        band: The band (or grade) of the value; None if it is below the lowest band.
        bands: The names of all bands, the lowest first.
        cuts: The least micropoints of each band, in the same order; empty if the bands come from the parts.
        automatic: The value before a person set it by hand, in micropoints; None if it was not set by hand.
        parts: The scores of the parts, if the band is made of their bands.
        trend: The change since an earlier instant, if it was asked for.
        lift: The activity that would raise the band, if it was asked for.
        changes_at: The earliest instant at which time alone may remove a line or take a step off one; None means never.
            Half-lives are not counted here: see :meth:`steady_until`.
        fading: The sum of the sizes of the lines that fade with a half-life, in micropoints.
        rounding: The most micropoints by which rounding may move the value while these lines fade.
        half_life: Their joint half-life, in microseconds: together they fade no faster.
        gap: How far, in micropoints, the value is from that of another part with other bands, where the highest part
            gives the bands; None if no other part could change them.
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
    gap: int | None = None

    def __post_init__(self) -> None:
        if self.scale is Scale.POINTS:
            total = 0
            for line in self.lines:
                total += line[2]  # by place, not by name: this loop runs for each score of a batch
            if total != self.micropoints:
                raise Malformed(
                    "the lines of a score do not add up to its micropoints", hint="add a line for the difference"
                )
            # A float that is equal to a whole number would pass the comparison above, but sums of it are not exact.
            if type(total) is not int or abs(total) > MOST_MICROPOINTS:
                raise Malformed("the lines of a score must be whole micropoints", hint="use micropoints(points)")
        elif self.probability is None or not 0 <= self.probability <= 1:
            raise Malformed("a probability must be between 0 and 1")
        if self.band is not None and self.band not in self.bands:
            raise Malformed(f"the band {self.band!r} must be one of the bands of the score", hint="list it in bands")
        until = self.changes_at
        if self.at.tzinfo is None or (until is not None and until.tzinfo is None):
            raise Malformed("an instant needs a time zone", hint="give an aware datetime")
        if until is not None and until >= LATEST:
            object.__setattr__(self, "changes_at", None)  # an instant past the end of the calendar never comes

    @classmethod
    def of(
        cls,
        policy: str,
        points: Mapping[str, float],
        *,
        at: datetime,
        version: str = "1",
        bands: Mapping[str, float] | None = None,
        changes_at: datetime | None = None,
    ) -> Score:
        """Return a score with one line for each reason: the shortest way for a custom policy to answer.

        Args:
            policy: The name of the policy.
            points: The points for each reason.
            at: The instant that the score is for.
            version: The version of the policy.
            bands: The least points of each band.
            changes_at: The next instant at which time alone may change it, where that is known.

        Raises:
            Malformed: A number of points is not a finite number, a name or the version is not text, or two bands begin
                at the same number of points.
        """
        _check_parts(policy, version, points, bands or {})
        lines = tuple(
            Contribution(str(reason), LineKind.FIELD, micropoints(number), str(reason))
            for reason, number in points.items()
        )
        total = sum(line.micropoints for line in lines)
        return banded(cls(policy, version, instant(at), total, lines, changes_at=changes_at), bands or {})

    @property
    def answered(self) -> bool:
        """Whether the policy gave a score."""
        return self.answer is Answer.SCORED

    @property
    def value(self) -> float:
        """The score in points, or the probability; 0 if there is no score."""
        return self.micropoints / MICRO if self.probability is None else self.probability

    @property
    def activities(self) -> tuple[str, ...]:
        """The ids of the activities that the score rests on."""
        return tuple(dict.fromkeys(line.activity for line in self.lines if line.activity is not None))

    @property
    def unknown(self) -> tuple[str, ...]:
        """The names of the rules whose criterion is unknown, which is what to find out next."""
        return tuple(line.rule for line in self.lines if line.kind is LineKind.UNKNOWN)

    def points_by_rule(self) -> dict[str, float]:
        """Return the points that each rule adds."""
        sums: dict[str, int] = {}
        for line in self.lines:
            sums[line.rule] = sums.get(line.rule, 0) + line.micropoints
        return {rule: amount / MICRO for rule, amount in sums.items()}

    def against(self, earlier: Score) -> Score:
        """Return the score with its trend since an earlier score; without a trend if one of the two has no value.

        Raises:
            Malformed: ``earlier`` is not a score, or has another scale.
        """
        _check_comparable(earlier, self)
        if not (earlier.answered and self.answered):
            return self
        return replace(self, trend=Trend(earlier.at, self.micropoints - earlier.micropoints))

    def difference(self, earlier: Score) -> ScoreDifference:
        """Return the changes since another score of the same lead, rule by rule and in words.

        Raises:
            Malformed: ``earlier`` is not a score, or has another scale.
        """
        _check_comparable(earlier, self)
        return difference(earlier, self)

    def __repr__(self) -> str:
        if not self.answered:
            return f"<Score {self.policy} {self.version}: {self.answer}>"
        band = f", band {self.band}" if self.band is not None else ""
        return f"<Score {self.policy} {self.version}: {self.value:g}{band}, {len(self.lines)} lines>"

    def __str__(self) -> str:
        return self.explain()

    def explain(self) -> str:
        """Return the score and its lines as text, one row for each line."""
        return explain(self)

    def _repr_html_(self) -> str:
        return html(self)

    def dump(self) -> dict[str, Any]:
        """Return the score as plain values, ready for JSON, with ``value`` added; :meth:`load` reads them back."""
        dumped: dict[str, Any] = _adapter().dump_python(self, mode="json")
        dumped["lines"] = [dict(zip(Contribution._fields, line, strict=True)) for line in dumped["lines"]]
        dumped["parts"] = [part.dump() for part in self.parts]
        return {"value": self.value, **dumped}

    @classmethod
    def load(cls, data: Mapping[str, Any] | str | bytes) -> Score:
        """Return a score from the plain values that :meth:`dump` returned, or from their JSON text.

        Raises:
            Malformed: The data are not a score, or its lines do not add up to its value.
        """
        plain = read_json(data) if isinstance(data, str | bytes) else data
        if not isinstance(plain, Mapping):
            raise Malformed("a score must be a mapping or JSON text", hint="pass the result of score.dump()")
        try:
            score = _adapter().validate_json(json.dumps(_without_value(plain)))
        except ValidationError as error:
            raise restated(Malformed, "score", error) from None
        except (TypeError, ValueError, RecursionError):
            raise Malformed("a score must hold plain values only", hint="pass the result of score.dump()") from None
        if plain.get("value", score.value) != score.value:
            raise Malformed(
                "the value of a score must be what its lines add up to",
                hint="pass the result of score.dump() unchanged",
            )
        return score

    def steady_until(self, threshold: float | None) -> datetime | None:
        """Return the instant before which time alone cannot take the value across a threshold; None means never.

        Without a threshold, the instant before which time alone cannot change the band. It is a lower bound: the true
        instant may be later. See :meth:`fades_by` for its derivation.

        Raises:
            Malformed: The threshold is not a finite number.
        """
        return earliest((self.fades_from(threshold), self.changes_at))

    def fades_from(self, threshold: float | None) -> datetime | None:
        """Return the instant before which half-lives cannot take the value across a threshold; None means never.

        Without a threshold, the instant before which they cannot change the band.

        Raises:
            Malformed: The threshold is not a finite number.
        """
        if threshold is None and self.parts:
            return earliest(part.steady_until(None) for part in self.parts)
        thresholds = self.cuts if threshold is None else (micropoints(threshold),)
        distances = [abs(self.micropoints - limit) for limit in thresholds]
        if threshold is None and self.gap is not None:
            distances.append(self.gap)
        distance = min(distances, default=None)
        return None if distance is None else self.fades_by(distance)

    def room(self, threshold: float | None) -> int | None:
        """Return by how many micropoints the value may rise and stay on its side of a threshold, or in its band.

        None means that it may rise without end.
        """
        if not self.answered or self.probability is not None or (threshold is None and self.parts):
            return 0
        here = self.micropoints
        return room(here, here, bands_above(here, self.cuts) if threshold is None else (micropoints(threshold),))

    def compares(self, relation: Callable[[float, float], bool], value: float) -> bool:
        """Return whether the value stands in a relation to another."""
        return relation(self.value, value)

    def fades_by(self, distance: int) -> datetime | None:
        """Return the instant before which half-lives cannot move the value by so many micropoints; None means never."""
        return fades_by(distance, self.at, self.fading, self.rounding, self.half_life)


def room(low: int, high: int, limits: Iterable[int]) -> int | None:
    """Return by how many micropoints a sum between two bounds may rise without reaching the next limit above it.

    None where no limit is above it; 0 where it is not sure on which side of a limit it is.
    """
    above = [limit - high for limit in limits if low <= limit]
    return max(min(above) - 1, 0) if above else None


def bands_above(low: int, cuts: Iterable[int]) -> list[int]:
    """Return the cuts of bands that a value has not reached; one that it is at is reached."""
    return [cut for cut in cuts if cut > low]


def joint_half_life(sums: Iterable[tuple[int, int | None]]) -> int | None:
    """Return a half-life by which several fading sums together fade no slower than they do; None if none fades.

    ``2 ** -x`` is convex. So what is left of the sums ``f`` with the half-lives ``h`` is never less than what is left
    of the whole with their harmonic mean, weighted by the sums: ``sum(f) / sum(f / h)``.

    Args:
        sums: The size of each sum, and its half-life; None where it does not fade.
    """
    fading = [(size, half_life) for size, half_life in sums if half_life is not None]
    half_lives = {half_life for _, half_life in fading}
    if len(half_lives) < 2:  # noqa: PLR2004 - one half-life is its own mean, exactly
        return next(iter(half_lives), None)
    shortest = min(half_lives)
    try:
        rate = sum(size / half_life for size, half_life in fading)
        # A share of 1e-9 is taken off for the error of the floats.
        return max(shortest, int(sum(size for size, _ in fading) / rate * (1 - 1e-9)))
    except (OverflowError, ZeroDivisionError):
        return shortest


def fades_by(distance: int, at: datetime, fading: int, rounding: int, half_life: int | None) -> datetime | None:
    """Return the instant before which half-lives cannot move a sum by so many micropoints; None means never.

    If all fading lines had the same sign and their joint half-life ``h``, the value would move by
    ``fading * (1 - 2 ** (-t / h))`` in the time ``t``. No real mixture moves faster. Solved for ``t``:
    ``t = -h * log2(1 - distance / fading)``. Attributes of a :class:`Score` are the other arguments.
    """
    # Each fading line may be off by rounding, now and later; one micropoint more makes the bound strict.
    spare = distance - rounding - 1
    if half_life is None or spare >= fading:
        return None
    if spare <= 0:
        return at + _TICK
    left = 1 - spare / fading
    try:
        wait = -half_life * log2(left) if left > 0 else inf
        # A share of 1e-9 is taken off, so that the error of the floats above cannot make the bound too late.
        end = at + max(timedelta(microseconds=wait * (1 - 1e-9)), _TICK)
    except OverflowError:
        return None
    return end if end < LATEST else None  # an instant past the end of the calendar never comes


def _check_parts(policy: object, version: object, *given: object) -> None:
    if not isinstance(policy, str) or not isinstance(version, str):
        raise Malformed("the name and the version of a policy must be text")
    if not all(isinstance(one, Mapping) for one in given):
        raise Malformed("points and bands must be mappings", hint="pass {reason: points} and {band: least points}")


def _without_value(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return a dumped score without ``value``, in its parts as well: it follows from the lines and is not stored."""
    kept = {name: value for name, value in plain.items() if name != "value"}
    parts = plain.get("parts")
    if isinstance(parts, list):
        kept["parts"] = [_without_value(part) if isinstance(part, Mapping) else part for part in parts]
    return kept


@cache
def _adapter() -> TypeAdapter[Score]:
    return TypeAdapter(Score)


def banded(score: Score, bands: Mapping[str, float]) -> Score:
    """Return the score with its band: of the bands whose least value it reaches, the highest.

    Raises:
        Malformed: Two bands begin at the same number of points, or a least value is not a finite number.
    """
    if not bands:
        return score
    cuts = sorted((micropoints(least), name) for name, least in bands.items())
    if len({least for least, _ in cuts}) < len(cuts):
        raise Malformed("two bands begin at the same number of points", hint="give each band its own least points")
    # A probability is compared unrounded: rounded up to a millionth, it could reach a band that it does not reach.
    exact = score.micropoints if score.probability is None else score.probability * MICRO
    reached = [name for least, name in cuts if score.answered and exact >= least]
    return replace(
        score,
        band=reached[-1] if reached else None,
        bands=tuple(name for _, name in cuts),
        cuts=tuple(least for least, _ in cuts),
    )


def _check_comparable(earlier: object, later: Score) -> None:
    """Check that two scores may be compared; a score without a value may be compared with any.

    Raises:
        Malformed: ``earlier`` is not a score, or the two have different scales.
    """
    if not isinstance(earlier, Score):
        raise Malformed(f"a score can be compared with a score only, not with {type(earlier).__name__}")
    if earlier.answered and later.answered and earlier.scale is not later.scale:
        raise Malformed("two scores of different scales cannot be compared", hint="compare points with points")


def rank(score: Score) -> int:
    """Return the place of a score's band among its bands, from 0; -1 if it has no band."""
    return -1 if score.band is None else score.bands.index(score.band)
