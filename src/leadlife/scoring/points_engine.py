"""The points engine: it prepares the rules of a points policy once, and adds them up for a lead.

The value of a line is ``sign(points) * floor(abs(micropoints) * factor + 0.5)``. The factor of a half-life is
``2.0 ** (-age / half_life)``, with ages in whole microseconds. So sums are whole numbers, the same in any order.

The same walk over the activities gives the sum alone, or the sum with its lines. For the sum alone it leaves out the
lines and stops earlier under a cap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from leadlife.criteria import Observation, View, matching
from leadlife.scoring.decay import Aged, steps_of, window_of
from leadlife.scoring.ledger import Contribution, LineKind
from leadlife.scoring.limits import UNLIMITED, Limits, clamped, limited, limits_within, sum_limits, weighted
from leadlife.scoring.nearly import Bounds, CountStep, Step, counting, decaying
from leadlife.scoring.rules import ActivityRule, AnyRule, FieldRule, TierRule
from leadlife.scoring.units import micropoints
from leadlife.timing import Calendar, local_day

_UNEVEN = timedelta(days=5)
"""The most by which calendar arithmetic can exchange the order of two instants.

One month after 28, 29, 30 and 31 January is the same day; and a zone may skip a whole day.
"""


class PreparedRule:
    """An activity rule, prepared for use.

    Attributes:
        rule: The rule as declared.
        matches: The test of an activity's attributes; None if any attributes match.
        sign: 1 or -1.
        size: The points without their sign, in micropoints.
        half_life: The half-life in microseconds, if the rule has one.
        timed: Whether the rule has steps or a window.
        uneven: Whether an older activity may keep more than a newer one for some days, because months differ in length.
        capped: Whether the rule has a cap.
        counting: How the number that it counts goes on, by the calendar of a zone; None if that has no running form.
        running: How its decayed count goes on with one more activity; None if it has no running form.
        key: The name under which that count is kept.
    """

    __slots__ = (
        "capped",
        "counting",
        "half_life",
        "key",
        "matches",
        "rule",
        "running",
        "sign",
        "size",
        "timed",
        "uneven",
    )

    def __init__(self, rule: ActivityRule) -> None:
        points = micropoints(rule.points)
        self.rule: ActivityRule = rule
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

    def prepare_running(self) -> None:
        """Prepare the running form of the rule's sum, if it has one.

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

    def ageing(self, zone: ZoneInfo) -> Callable[[datetime, datetime], Aged] | None:
        """Return how points age by steps or by a window; None if the rule has neither."""
        if self.rule.decay is not None:
            return steps_of(self.rule.decay, zone)
        return None if self.rule.window is None else window_of(self.rule.window, zone)


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
        half_life: The shortest half-life among them, in microseconds.
    """

    __slots__ = ("changes_at", "fading", "half_life", "lines", "rounding", "total")

    def __init__(self, *, lines: bool) -> None:
        self.total: int = 0
        self.lines: list[Contribution] | None = [] if lines else None
        self.changes_at: datetime | None = None
        self.fading: int = 0
        self.rounding: int = 0
        self.half_life: int | None = None

    def changes(self, at: datetime | None) -> None:
        """Record that time alone may change a line at an instant."""
        if at is not None and (self.changes_at is None or at < self.changes_at):
            self.changes_at = at

    def add(self, line: Contribution) -> None:
        """Append a line, if lines are wanted."""
        if self.lines is not None:
            self.lines.append(line)

    def limited(self, amount: int, limits: Limits, rule: str, what: str) -> int:
        """Return an amount limited by a floor and a cap, and append a line for what they change."""
        return clamped(amount, limits) if self.lines is None else limited(self.lines, amount, limits, rule, what)


class PointsEngine:
    """The rules of a points policy, prepared for use.

    Attributes:
        limits: The least and the greatest sum that the rules can give under their caps, in micropoints.
    """

    __slots__ = ("_groups", "_overall", "_rules", "_start", "limits")

    def __init__(self, rules: Iterable[AnyRule], groups: Mapping[str, Limits], overall: Limits, start: int) -> None:
        self._rules = tuple(PreparedRule(rule) if isinstance(rule, ActivityRule) else rule for rule in rules)
        for rule in self._rules:
            if isinstance(rule, PreparedRule):
                rule.prepare_running()
        self._groups = dict(groups)
        self._overall = overall
        self._start = start
        self.limits: Limits = self._limits()

    def _limits(self) -> Limits:
        by_group: dict[str | None, list[Limits]] = {group: [] for group in self._groups}
        for one in self._rules:
            rule = one.rule if isinstance(one, PreparedRule) else one
            by_group.setdefault(rule.group, []).append(_limits_of(rule))
        sums = [
            limits_within(sum_limits(*ranges), self._groups.get(group or "", UNLIMITED))
            for group, ranges in by_group.items()
        ]
        return limits_within(sum_limits((self._start, self._start), *sums), self._overall)

    def nearly(self, view: View) -> tuple[Bounds, Tally] | None:
        """Return bounds of the sum for a lead without adding up what fades, and how time may change it.

        None if no rule has a running form, or if an activity is later than the instant. What the tally says of fading
        is never too small.
        """
        if not any(isinstance(one, PreparedRule) and one.running for one in self._rules):
            return None
        tally = Tally(lines=False)
        sums: dict[str | None, Bounds] = {None: Bounds(self._start, self._start)}
        sums |= {name: Bounds(0, 0) for name in self._groups}
        for one in self._rules:
            group = one.rule.group if isinstance(one, PreparedRule) else one.group
            if isinstance(one, PreparedRule) and one.running is not None:
                added = _near_points(one, one.running, view, tally)
                if added is None:
                    return None
            else:
                worth = (
                    _activity_points(one, view, tally)
                    if isinstance(one, PreparedRule)
                    else _lead_points(one, view, tally)
                )
                added = Bounds(worth, worth)
            known = sums.get(group, Bounds(0, 0))
            sums[group] = Bounds(known.low + added.low, known.high + added.high)
        for group, limits in self._groups.items():
            sums[group] = Bounds(*(clamped(end, limits) for end in sums[group]))
        ends = (sum(part[end] for part in sums.values()) for end in (0, 1))
        return Bounds(*(clamped(end, self._overall) for end in ends)), tally

    def tally(self, view: View, *, lines: bool) -> Tally:
        """Return the sum for a lead and how time may change it, with or without lines.

        Without lines, the walk visits only the activities that count: those inside a window, those of which a half-life
        leaves something, the newest ones under a cap. It visits all activities of the rule's kinds only if the rule
        has a cap per day, or a test of attributes but neither cap nor ageing.
        """
        tally = Tally(lines=lines)
        sums: dict[str | None, int] = {None: self._start, **dict.fromkeys(self._groups, 0)}
        if self._start:
            tally.add(Contribution("start", LineKind.START, self._start, "starting points"))
        for one in self._rules:
            if isinstance(one, PreparedRule):
                group, worth = one.rule.group, _activity_points(one, view, tally)
            else:
                group, worth = one.group, _lead_points(one, view, tally)
            sums[group] = sums.get(group, 0) + worth
        for group, limits in self._groups.items():
            sums[group] = tally.limited(sums[group], limits, group, f"group {group}")
        tally.total = tally.limited(sum(sums.values()), self._overall, "total", "the total")
        return tally


def _activity_points(rule: PreparedRule, view: View, tally: Tally) -> int:
    """Return the sum of an activity rule, and record in the tally how time may change it."""
    kinds, lines = rule.rule.kinds, tally.lines
    if lines is None and not (rule.timed or rule.capped or rule.matches or rule.half_life):
        return (
            rule.sign * rule.size * sum([view.total(kind) for kind in kinds])
        )  # each counts in full: no need to visit them
    if lines is None and rule.counting is not None:
        key = f"{rule.key} {view.zone.key}"
        counts = [view.running(kind, key, rule.counting(view.zone)) for kind in kinds]
        return rule.sign * rule.size * sum([count.number for count in counts if count is not None])
    counted = [one for kind in kinds if view.total(kind) for one in _counted(rule, view, kind, tally)]
    if not counted:
        return 0
    worth = sum([one.size for one in counted])
    if rule.half_life is not None:
        tally.fading += worth
        tally.rounding += len(counted)
        tally.half_life = min(rule.half_life, tally.half_life or rule.half_life)
    if lines is not None:
        counted.sort(key=_place)
        name, reason, sign = rule.rule.name, rule.rule.reason, rule.sign
        for size, seen, factor in counted:
            # tuple.__new__ skips the keyword handling of the NamedTuple: a ledger spends most of its time in this loop.
            line = (name, LineKind.ACTIVITY, sign * size, reason, seen.fact or None, seen.at, factor)
            lines.append(tuple.__new__(Contribution, line))
    if rule.capped:
        for why, excess in _over_cap(rule.rule, counted, view.zone):
            worth -= excess
            if excess:
                tally.add(Contribution(rule.rule.name, LineKind.CAP, -rule.sign * excess, f"{rule.rule.reason}: {why}"))
    return rule.sign * worth


def _near_points(rule: PreparedRule, step: Step, view: View, tally: Tally) -> Bounds | None:
    """Return bounds of the sum of a rule with a running form; None if an activity is later than the instant."""
    half_life, low, high = rule.half_life or 1, 0, 0
    for kind in rule.rule.kinds:
        decayed = view.running(kind, rule.key, step)
        if decayed is None:
            continue
        if decayed.at > view.aged:
            return None
        bounds = Bounds.of(decayed, view.aged, half_life, rule.size)
        low, high = low + bounds.low, high + bounds.high
        tally.fading += bounds.high
        tally.rounding += decayed.number
        tally.half_life = min(half_life, tally.half_life or half_life)
    return Bounds(low, high) if rule.sign > 0 else Bounds(-high, -low)


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
    enough = None if every else rule.rule.at_most
    gone: datetime | None = None
    for seen in view.activities(kind):
        if matches is not None and not matches(seen.value):
            continue
        factor = 1.0
        if half_life is not None:
            age = at - seen.at
            factor = 2.0 ** (-((age.days * 86_400 + age.seconds) * 1_000_000 + age.microseconds) / half_life)
        elif ageing is not None:
            factor, changes = ageing(seen.at, at)
            tally.changes(changes)
        worth = int(size * factor + 0.5)
        if worth:
            yield Counted(worth, seen, factor)
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


def _lead_points(rule: FieldRule | TierRule, view: View, tally: Tally) -> int:
    """Return the points of a rule about the lead, and append a line if it adds something or is unknown."""
    amount, reason, unknown = _applied(rule, view)
    if unknown:
        tally.add(Contribution(rule.name, LineKind.UNKNOWN, 0, f"unknown: {rule.reason}"))
    elif amount:
        tally.add(Contribution(rule.name, LineKind.FIELD, amount, reason))
    criteria = (rule.when,) if isinstance(rule, FieldRule) else tuple(tier.when for tier in rule.tiers)
    for criterion in criteria:
        tally.changes(criterion.changes_at(view))
    return amount


def _applied(rule: FieldRule | TierRule, view: View) -> tuple[int, str, bool]:
    """Return the points of a rule, the reason, and whether the rule is unknown."""
    if isinstance(rule, FieldRule):
        answer = rule.when.predicate(view)
        if answer is None:
            return 0, "", True
        amount = rule.points if answer else rule.otherwise
        return micropoints(amount), rule.reason if answer else f"false: {rule.reason}", False
    answers = [(tier, tier.when.predicate(view)) for tier in rule.tiers]
    best = max((tier for tier, answer in answers if answer is True), key=attrgetter("points"), default=None)
    if best is not None:
        worth = weighted(micropoints(best.points), rule.percent, 100)
        return worth, f"{rule.reason}: {best.when.sentence()}", False
    return 0, "", any(answer is None for _, answer in answers)


def _limits_of(rule: AnyRule) -> Limits:
    if isinstance(rule, TierRule):
        worth = [weighted(micropoints(tier.points), rule.percent, 100) for tier in rule.tiers]
        return min(0, *worth), max(0, *worth)
    if isinstance(rule, FieldRule):
        both = (0, micropoints(rule.points), micropoints(rule.otherwise))
        return min(both), max(both)
    points = micropoints(rule.points)
    most = None if rule.at_most is None and points else points * (rule.at_most or 0)
    return (0, most) if points > 0 else (most, 0)
