"""Activity rules at work: each is prepared once, and then adds up the activities of a lead.

The value of a line is ``sign(points) * floor(abs(micropoints) * factor + 0.5)``. The factor of a half-life is
``2.0 ** (-age / half_life)``, with ages in whole microseconds. So sums are whole numbers, the same in any order.

The same walk over the activities gives the sum alone, or the sum with its lines. For the sum alone it leaves out the
lines and stops earlier under a cap; rules of the simplest forms then need no walk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from leadlife.criteria import Observation, View, matching
from leadlife.scoring.decay import Aged, steps_of, window_of
from leadlife.scoring.ledger import Contribution, LineKind
from leadlife.scoring.limits import Limits, clamped, limited
from leadlife.scoring.point_rules import ActivityRule
from leadlife.scoring.score import joint_half_life
from leadlife.scoring.score_bounds import Bounds, CountStep, Step, counting, decaying
from leadlife.scoring.units import micropoints
from leadlife.timing import Calendar, local_day
from leadlife.timing.durations import MICROSECOND

_UNEVEN = timedelta(days=5)
"""The most by which calendar arithmetic can exchange the order of two instants.

One month after 28, 29, 30 and 31 January is the same day; and a zone may skip a whole day.
"""


class PreparedRule:
    """An activity rule, prepared for use.

    Attributes:
        rule: The rule as declared.
        kinds: The kinds of activity that it counts.
        group: Its group, if it has one.
        at_most: Its cap on the number of activities, if it has one.
        reason: The rule in words, for the lines of a ledger.
        matches: The test of an activity's attributes; None if any attributes match.
        sign: 1 or -1.
        size: The points without their sign, in micropoints.
        half_life: The half-life in microseconds, if the rule has one.
        timed: Whether the rule has steps or a window.
        uneven: Whether an older activity may keep more than a newer one for some days, because months differ in length.
        capped: Whether the rule has a cap.
        short: How the sum alone is worked out; None if that needs the general walk.
        counting: How the number that it counts goes on, by the calendar of a zone; None if that has no running form.
        running: How its decayed count goes on with one more activity; None if it has no running form.
        key: The name under which that count is kept.
    """

    __slots__ = (
        "at_most",
        "capped",
        "counting",
        "group",
        "half_life",
        "key",
        "kinds",
        "matches",
        "reason",
        "rule",
        "running",
        "short",
        "sign",
        "size",
        "timed",
        "uneven",
    )

    def __init__(self, rule: ActivityRule) -> None:
        points = micropoints(rule.points)
        self.rule: ActivityRule = rule
        self.kinds: tuple[str, ...] = rule.kinds
        self.group: str | None = rule.group
        self.at_most: int | None = rule.at_most
        self.reason: str = rule.reason
        self.matches: Callable[[Any], bool] | None = matching(rule.where)
        self.sign: int = -1 if points < 0 else 1
        self.size: int = abs(points)
        self.half_life: int | None = None if rule.half_life is None else rule.half_life.microseconds
        self.timed: bool = rule.decay is not None or rule.window is not None
        self.uneven: bool = isinstance(rule.window, Calendar) or (
            rule.decay is not None and isinstance(rule.decay.every, Calendar)
        )
        self.running: Step | None = None
        self.counting: Callable[[ZoneInfo], CountStep] | None = None
        self.key: str = ""
        self.capped: bool = any(cap is not None for cap in (rule.once_per, rule.at_most, rule.at_most_per_day))
        self.short: ShortForm | None = None

    def prepare_forms(self) -> None:
        """Prepare the running form of the rule's sum and the short form, if it has them.

        A half-life without a cap has one, and so has a count without ageing: of what matches, or at most so many a day.
        A cap counts the kinds of a rule together, so a count by day has one for one kind only.
        """
        rule, per_day = self.rule, self.rule.at_most_per_day
        where = ";".join(f"{name} {match.model_dump_json()}" for name, match in rule.where.items())
        if self.half_life is not None and not self.capped:
            self.running, self.key = decaying(self.half_life, self.matches), f"{self.half_life} {where}"
        by_day = per_day is not None and len(rule.kinds) == 1 and rule.at_most is None and rule.once_per is None
        if not self.timed and self.half_life is None and (by_day or (self.matches is not None and not self.capped)):
            self.counting, self.key = partial(counting, self.matches, per_day), f"count {per_day} {where}"
        self.short = _short_form(self)

    def ageing(self, zone: ZoneInfo) -> Callable[[datetime, datetime], Aged] | None:
        """Return how points age by steps or by a window; None if the rule has neither."""
        if self.rule.decay is not None:
            return steps_of(self.rule.decay, zone)
        return None if self.rule.window is None else window_of(self.rule.window, zone)


ShortForm = Callable[[PreparedRule, View, "Tally"], int]
"""Works out the sum of a rule, without its sign and its lines, and records in the tally how time may change it."""


class Counted(NamedTuple):
    """An activity that a rule counts: its present points without sign, the activity, and the share that is left."""

    size: int
    seen: Observation
    factor: float


class Tally:
    """A sum that is being added up. The attributes mean the same as those of a :class:`Score`.

    Attributes:
        total: The sum, in micropoints.
        lines: The lines of the ledger; None if only the sum is wanted.
        changes_at: The earliest instant at which time alone may remove a line or take a step off one.
        fading: The sum of the sizes that fade with a half-life.
        rounding: The most micropoints by which rounding may move the sum while they fade.
        recovers: Whether something below zero fades, so that the sum may rise by it.
    """

    __slots__ = ("_fading", "changes_at", "fading", "lines", "recovers", "rounding", "total")

    def __init__(self, *, lines: bool) -> None:
        self.total: int = 0
        self.lines: list[Contribution] | None = [] if lines else None
        self.changes_at: datetime | None = None
        self.fading: int = 0
        self.rounding: int = 0
        self.recovers: bool = False
        self._fading: list[tuple[int, int]] = []

    @property
    def half_life(self) -> int | None:
        """The joint half-life of what fades, in microseconds."""
        return joint_half_life(self._fading)

    def changes(self, at: datetime | None) -> None:
        """Record that time alone may change a line at an instant."""
        if at is not None and (self.changes_at is None or at < self.changes_at):
            self.changes_at = at

    def fades(self, worth: int, number: int, half_life: int, sign: int) -> None:
        """Record that so much, of so many activities, fades with a half-life."""
        self.recovers = self.recovers or sign < 0
        self.fading += worth
        self.rounding += number
        self._fading.append((worth, half_life))

    def add(self, line: Contribution) -> None:
        """Append a line, if lines are wanted."""
        if self.lines is not None:
            self.lines.append(line)

    def limited(self, amount: int, limits: Limits, rule: str, what: str) -> int:
        """Return an amount limited by a floor and a cap, and append a line for what they change."""
        return clamped(amount, limits) if self.lines is None else limited(self.lines, amount, limits, rule, what)


def activity_points(rule: PreparedRule, view: View, tally: Tally) -> int:
    """Return the sum of an activity rule, and record in the tally how time may change it."""
    if tally.lines is None and rule.short is not None:
        return rule.sign * rule.short(rule, view, tally)
    counted = [one for kind in rule.kinds for one in _counted(rule, view, kind, tally)]
    if not counted:
        return 0
    worth = sum([one.size for one in counted])
    if rule.half_life is not None:
        tally.fades(worth, len(counted), rule.half_life, rule.sign)
    if tally.lines is not None:
        _write_lines(rule, counted, tally.lines)
    if rule.capped:
        for why, excess in _over_cap(rule.rule, counted, view.zone):
            worth -= excess
            if excess:
                tally.add(Contribution(rule.rule.name, LineKind.CAP, -rule.sign * excess, f"{rule.reason}: {why}"))
    return rule.sign * worth


def near_points(rule: PreparedRule, step: Step, view: View, tally: Tally) -> Bounds | None:
    """Return bounds of the sum of a rule with a running form; None if an activity is later than the instant."""
    half_life, low, high = rule.half_life or 1, 0, 0
    for kind in rule.kinds:
        decayed = view.running(kind, rule.key, step)
        if decayed is None:
            continue
        if decayed.at > view.aged:
            return None
        bounds = Bounds.of(decayed, view.aged, half_life, rule.size)
        low, high = low + bounds.low, high + bounds.high
        tally.fades(bounds.high, decayed.number, half_life, rule.sign)
    return Bounds(low, high) if rule.sign > 0 else Bounds(-high, -low)


def _write_lines(rule: PreparedRule, counted: list[Counted], lines: list[Contribution]) -> None:
    """Append a line for each activity that counts, the oldest first."""
    if len(rule.kinds) == 1:
        counted.reverse()
    else:
        counted.sort(key=_place)
    name, reason, sign = rule.rule.name, rule.reason, rule.sign
    for size, seen, factor in counted:
        # tuple.__new__ skips the keyword handling of the NamedTuple: a ledger spends most of its time in this loop.
        line = (name, LineKind.ACTIVITY, sign * size, reason, seen.fact or None, seen.at, factor)
        lines.append(tuple.__new__(Contribution, line))


# ------------------------------------------------------------------ the sum alone, for rules of simple forms


def _whole_sum(rule: PreparedRule, view: View, tally: Tally) -> int:  # noqa: ARG001 - the signature of a short form
    """Return the sum of a rule whose activities all count in full, so that there is no need to visit them."""
    return rule.size * sum([view.total(kind) for kind in rule.kinds])


def _counted_sum(rule: PreparedRule, view: View, tally: Tally) -> int:  # noqa: ARG001 - the signature of a short form
    """Return the sum of a rule whose number has a running form."""
    step = None if rule.counting is None else rule.counting(view.zone)
    key = f"{rule.key} {view.zone.key}"
    counts = [] if step is None else [view.running(kind, key, step) for kind in rule.kinds]
    return rule.size * sum([count.number for count in counts if count is not None])


def _faded_sum(rule: PreparedRule, view: View, tally: Tally) -> int:
    """Return the sum of a rule with a half-life, no test of attributes and at most a cap on the number.

    The same as the general walk, without an object for each activity: rules that decide on a lead are evaluated after
    every fact, and nearly all of them are of this form.
    """
    at, size, half_life, most = view.aged, rule.size, rule.half_life or 1, rule.at_most
    sizes: list[int] = []
    for kind in rule.kinds:
        sizes += [
            int(size * 2.0 ** (((when - at) // MICROSECOND) / half_life) + 0.5) for when in view.instants(kind, most)
        ]
    worth = sum(sizes)
    if not worth:
        return 0
    tally.fades(worth, len(sizes) - sizes.count(0), half_life, rule.sign)
    if most is not None and len(sizes) > most:
        worth = sum(sorted(sizes)[-most:])
    return worth


def _short_form(rule: PreparedRule) -> ShortForm | None:
    """Return how the sum alone is worked out, for a rule that needs no general walk."""
    if rule.counting is not None:
        return _counted_sum
    if rule.matches is not None or rule.timed:
        return None
    if rule.half_life is not None:
        return None if rule.rule.once_per is not None or rule.rule.at_most_per_day is not None else _faded_sum
    return None if rule.capped else _whole_sum


# ------------------------------------------------------------------ the general walk, and caps


def _place(counted: Counted) -> int:
    return counted.seen.ordinal


def _counted(rule: PreparedRule, view: View, kind: str, tally: Tally) -> Iterator[Counted]:
    """Yield the activities of a kind that count, the newest first, until no older one can count."""
    half_life, size, number = rule.half_life, rule.size, 0
    at = view.at if half_life is None else view.aged
    matches, ageing = rule.matches, rule.ageing(view.zone) if rule.timed else None
    # Newer activities have at least as many points left as older ones, unless months of unequal length exchange two of
    # them. So a cap can stop the walk after the newest few. With lines it cannot: a ledger shows what the cap removes.
    every = tally.lines is not None or rule.uneven or rule.rule.at_most_per_day or rule.rule.once_per is not None
    enough = None if every else rule.at_most
    gone: datetime | None = None
    for seen in view.activities(kind):
        if matches is not None and not matches(seen.value):
            continue
        factor = 1.0
        if half_life is not None:
            factor = 2.0 ** (-((at - seen.at) // MICROSECOND) / half_life)
        elif ageing is not None:
            factor, changes = ageing(seen.at, at)
            tally.changes(changes)
        worth = int(size * factor + 0.5)
        if worth:
            yield tuple.__new__(Counted, (worth, seen, factor))
            number += 1
            if number == enough:
                return
        elif gone is None:
            gone = seen.at
        # If one activity has faded to 0, all older ones have too; with steps or windows of months, only those that are
        # older by more than _UNEVEN.
        if gone is not None and (half_life is not None or gone - seen.at > _UNEVEN):
            return


def _over_cap(rule: ActivityRule, counted: Iterable[Counted], zone: ZoneInfo) -> Iterator[tuple[str, int]]:
    """Yield what the caps of a rule take away, each with its reason: first per value, then per day, then in total."""
    counted = list(counted)
    if rule.once_per is not None:
        before, counted = sum(one.size for one in counted), _each_value_once(rule.once_per, counted)
        yield f"once per {rule.once_per}", before - sum(one.size for one in counted)
    sizes = [one.size for one in counted]
    if rule.at_most_per_day is not None:
        by_day: dict[Any, list[int]] = {}
        for one in counted:
            by_day.setdefault(local_day(one.seen.at, zone), []).append(one.size)
        kept: list[int] = []
        for day in by_day.values():
            day.sort(reverse=True)
            kept += day[: rule.at_most_per_day]
        yield f"at most {rule.at_most_per_day} a day", sum(sizes) - sum(kept)
        sizes = kept
    if rule.at_most is not None and len(sizes) > rule.at_most:
        yield f"at most {rule.at_most}", sum(sorted(sizes)[: -rule.at_most])


def _each_value_once(attribute: str, counted: Iterable[Counted]) -> list[Counted]:
    """Return the activity with the most points of each value of an attribute, the oldest of equal ones."""
    best: dict[Any, Counted] = {}
    for one in sorted(counted, key=_place):
        value = one.seen.value.get(attribute)
        key = isinstance(value, bool), value  # in a set, True is 1
        if key not in best or one.size > best[key].size:
            best[key] = one
    return list(best.values())
