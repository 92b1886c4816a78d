"""How a points policy reckons: its rules made ready once, then a lead's activities run through them.

A line is ``sign(points) * floor(abs(micropoints) * factor + 0.5)`` with the factor of a half-life being
``2.0 ** (-age / half_life)``, ages in whole microseconds: so sums are whole numbers, and no order changes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from leadlife.criteria import View, matching
from leadlife.errors import Malformed
from leadlife.leads import Activity
from leadlife.scoring import Contribution, Sort
from leadlife.scoring import micropoints as exact
from leadlife.scoring.decay import Aged, steps_of, window_of
from leadlife.scoring.rules import ActivityRule, AnyRule, FieldRule, TierRule
from leadlife.scoring.view import ScoringView
from leadlife.timing import Calendar, local_day

_UNEVEN = timedelta(days=5)
"""By how much at most calendar arithmetic may change the order of two instants."""
Limits = tuple[int | None, int | None]
Ageing = Callable[[datetime, datetime], Aged]


class Ready:
    """An activity rule, ready to be applied."""

    __slots__ = (
        "at_most",
        "at_most_per_day",
        "capped",
        "group",
        "half_life",
        "matches",
        "name",
        "reason",
        "rule",
        "sign",
        "size",
        "timed",
        "uneven",
    )

    def __init__(self, rule: ActivityRule) -> None:
        points = exact(rule.points)
        self.rule: ActivityRule = rule
        self.name: str = rule.name
        self.reason: str = rule.reason
        self.group: str | None = rule.group
        self.matches: Callable[[Any], bool] | None = matching(rule.where)
        self.sign: int = -1 if points < 0 else 1
        self.size: int = abs(points)
        self.half_life: int | None = None if rule.half_life is None else rule.half_life.microseconds
        self.timed: bool = rule.decay is not None or rule.window is not None
        self.uneven: bool = isinstance(rule.window, Calendar) or (
            rule.decay is not None and isinstance(rule.decay.every, Calendar)
        )
        """Whether an older activity may keep more than a newer one, for a while."""
        self.at_most: int | None = rule.at_most
        self.at_most_per_day: int | None = rule.at_most_per_day
        self.capped: bool = rule.at_most is not None or rule.at_most_per_day is not None


Found = tuple["Ready", Activity, int, float, "datetime | None"]
"""A rule, an activity that it counts, its worth now without sign, what is left of it, when a step changes that."""


class Ledger:
    """The lines of a score while they are written."""

    __slots__ = ("changes_at", "fading", "half_life", "lines", "rounding", "total")

    def __init__(self) -> None:
        self.lines: list[Contribution] = []
        self.total: int = 0
        self.changes_at: datetime | None = None
        self.fading: int = 0
        self.rounding: int = 0
        self.half_life: int | None = None

    def changes(self, at: datetime | None) -> None:
        """Note that time alone may change a line at an instant."""
        if at is not None and (self.changes_at is None or at < self.changes_at):
            self.changes_at = at


class PointsEngine:
    """The rules of a points policy, made ready once."""

    __slots__ = ("activity_rules", "by_kind", "groups", "limits", "order", "overall", "start")

    def __init__(self, rules: Iterable[AnyRule], groups: Mapping[str, Limits], overall: Limits, start: int) -> None:
        self.order: tuple[AnyRule, ...] = tuple(rules)
        self.groups: dict[str, Limits] = dict(groups)
        self.overall: Limits = overall
        self.start: int = start
        self.activity_rules: dict[str, Ready] = {}
        self.by_kind: dict[str, list[Ready]] = {}
        for rule in self.order:
            if isinstance(rule, ActivityRule):
                ready = self.activity_rules[rule.name] = Ready(rule)
                for kind in rule.kinds:
                    self.by_kind.setdefault(kind, []).append(ready)
        self.limits: Limits = self._limits()

    def _limits(self) -> Limits:
        """Return the least and the most that the rules can add up to under their caps."""
        by_group: dict[str | None, list[Limits]] = {group: [] for group in self.groups}
        for rule in self.order:
            by_group.setdefault(rule.group, []).append(_range(rule))
        sums = [held(added(*ranges), self.groups.get(group or "", _FREE)) for group, ranges in by_group.items()]
        return held(added((self.start, self.start), *sums), self.overall)

    def total(self, sight: ScoringView) -> int:
        """Return the sum alone, in micropoints."""
        sums: dict[str | None, int] = {None: self.start, **dict.fromkeys(self.groups, 0)}
        capped: dict[Ready, list[tuple[int, Activity]]] = {}
        for rule, activity, size, _, _ in self._found(sight, sight.given):
            if rule.capped:
                capped.setdefault(rule, []).append((size, activity))
            else:
                sums[rule.group] = sums.get(rule.group, 0) + rule.sign * size
        for rule, found in capped.items():
            worth = sum(size for size, _ in found) - sum(lost for _, lost in _surplus(rule, found, sight.zone))
            sums[rule.group] = sums.get(rule.group, 0) + rule.sign * worth
        for one in self.order:
            if not isinstance(one, ActivityRule):
                sums[one.group] = sums.get(one.group, 0) + _judged(one, sight)[0]
        total = sum(clamped(amount, self.groups.get(group or "", _FREE)) for group, amount in sums.items())
        return clamped(total, self.overall)

    def summary(self, view: View) -> Ledger:
        """Return the same sum as :meth:`ledger`, and what time will do to it, without the lines.

        It looks at no more activities than count: those in a window, those that a half-life has left anything of, the
        latest few under a cap. Only a rule that caps by the day, or that picks by an attribute without any cap or
        ageing, must look at all of its kind.
        """
        ledger = Ledger()
        sums: dict[str | None, int] = {None: self.start, **dict.fromkeys(self.groups, 0)}
        for rule in self.order:
            if isinstance(rule, ActivityRule):
                worth = standing(self.activity_rules[rule.name], view, ledger)
            else:
                worth = _judge(rule, view, ledger)
            sums[rule.group] = sums.get(rule.group, 0) + worth
        total = sum(clamped(amount, self.groups.get(group or "", _FREE)) for group, amount in sums.items())
        ledger.total = clamped(total, self.overall)
        return ledger

    def ledger(self, sight: ScoringView) -> Ledger:
        """Return every line, and the sum that they make."""
        ledger = Ledger()
        found: dict[str, list[Found]] = {}
        for one in self._found(sight, sight.in_order):
            found.setdefault(one[0].name, []).append(one)
        sums: dict[str | None, int] = {None: self.start}
        if self.start:
            ledger.lines.append(Contribution("start", Sort.START, self.start, "what every lead begins with"))
        for rule in self.order:
            if isinstance(rule, ActivityRule):
                mine = found.get(rule.name)
                worth = 0 if mine is None else _write(self.activity_rules[rule.name], mine, sight, ledger)
            else:
                worth = _judge(rule, sight, ledger)
            sums[rule.group] = sums.get(rule.group, 0) + worth
        for group, limits in self.groups.items():
            sums[group] = cut(ledger.lines, sums.get(group, 0), limits, group, f"group {group}")
        ledger.total = cut(ledger.lines, sum(sums.values()), self.overall, "total", "the total")
        return ledger

    def _found(self, sight: ScoringView, activities: Iterable[Activity]) -> list[Found]:
        at, by_kind = sight.at, self.by_kind
        ageing: dict[Ready, Ageing] = {}
        found: list[Found] = []
        for activity in activities:
            rules = by_kind.get(activity.kind)
            if rules is None:
                continue
            age = at - activity.at
            micros = (age.days * 86_400 + age.seconds) * 1_000_000 + age.microseconds
            for rule in rules:
                if rule.matches is not None and not rule.matches(activity.attributes):
                    continue
                half_life, size = rule.half_life, rule.size
                if half_life is not None:
                    factor = 2.0 ** (-micros / half_life)
                    found.append((rule, activity, int(size * factor + 0.5), factor, None))
                elif rule.timed:
                    if rule not in ageing:
                        ageing[rule] = _ageing(rule, sight.zone)
                    factor, changes = ageing[rule](activity.at, at)
                    found.append((rule, activity, int(size * factor + 0.5), factor, changes))
                else:
                    found.append((rule, activity, size, 1.0, None))
        return found


_FREE: Limits = (None, None)


def _ageing(rule: Ready, zone: ZoneInfo) -> Ageing:
    if rule.rule.decay is not None:
        return steps_of(rule.rule.decay, zone)
    return window_of(rule.rule.window, zone)


class Dated(Protocol):
    """Anything that was at an instant."""

    @property
    def at(self) -> datetime:
        """When."""
        ...


def _surplus(rule: Ready, found: Sequence[tuple[int, Dated]], zone: ZoneInfo) -> Iterator[tuple[str, int]]:
    """Yield what the caps of a rule take away, each with its reason: first per day, then in all."""
    sizes = [size for size, _ in found]
    if rule.at_most_per_day is not None:
        by_day: dict[Any, list[int]] = {}
        for size, activity in found:
            by_day.setdefault(local_day(activity.at, zone), []).append(size)
        kept: list[int] = []
        for day in by_day.values():
            day.sort(reverse=True)
            kept += day[: rule.at_most_per_day]
        yield f"at most {rule.at_most_per_day} a day", sum(sizes) - sum(kept)
        sizes = kept
    if rule.at_most is not None and len(sizes) > rule.at_most:
        yield f"at most {rule.at_most}", sum(sorted(sizes)[: -rule.at_most])


def standing(rule: Ready, view: View, ledger: Ledger) -> int:
    """Return what an activity rule adds up to, and note in a ledger what time will do to it."""
    if not (rule.timed or rule.capped or rule.matches or rule.half_life):
        return rule.sign * rule.size * sum([view.total(kind) for kind in rule.rule.kinds])
    found: list[tuple[int, Dated]] = []
    ends: list[datetime] = []
    for kind in rule.rule.kinds:
        if view.total(kind):
            _look(rule, view, kind, found, ends)
    if not found:
        return 0
    worth = sum(size for size, _ in found)
    if rule.half_life is not None and worth:
        ledger.fading += worth
        ledger.rounding += len(found)
        ledger.half_life = min(rule.half_life, ledger.half_life or rule.half_life)
    for end in ends:
        ledger.changes(end)
    if rule.at_most_per_day is not None or (rule.at_most is not None and len(found) > rule.at_most):
        worth -= sum(lost for _, lost in _surplus(rule, found, view.zone))
    return rule.sign * worth


def _look(rule: Ready, view: View, kind: str, found: list[tuple[int, Dated]], ends: list[datetime]) -> None:
    """Gather the activities of a kind that count, newest first, until no older one can."""
    at, half_life, size, seen = view.at, rule.half_life, rule.size, 0
    ageing = _ageing(rule, view.zone) if rule.timed else None
    # Of equal activities the newest are worth most, unless months of unequal length turn two of them round.
    enough = rule.at_most if rule.at_most_per_day is None and not rule.uneven else None
    gone: datetime | None = None
    for one in view.activities(kind):
        if rule.matches is not None and not rule.matches(one.value):
            continue
        worth = size
        if half_life is not None:
            age = at - one.at
            worth = int(
                size * 2.0 ** (-((age.days * 86_400 + age.seconds) * 1_000_000 + age.microseconds) / half_life) + 0.5
            )
        elif ageing is not None:
            factor, changes = ageing(one.at, at)
            worth = int(size * factor + 0.5)
            if changes is not None:
                ends.append(changes)
        if worth:
            found.append((worth, one))
            seen += 1
            if seen == enough:
                return
        elif gone is None:
            gone = one.at
        if gone is not None and (half_life is not None or gone - one.at > _UNEVEN):
            return


def _write(rule: Ready, found: list[Found], sight: ScoringView, ledger: Ledger) -> int:
    """Write a line for each activity and for what the rule's caps take away, and return what they add up to."""
    name, reason, sign, lines = rule.name, rule.reason, rule.sign, ledger.lines
    whole = cut_away = 0
    for _, activity, size, factor, changes in found:
        if size:
            # Made as the tuple that it is: most of the time of a ledger goes into its lines.
            line = (name, Sort.ACTIVITY, sign * size, reason, activity.id, activity.at, factor)
            lines.append(tuple.__new__(Contribution, line))
            whole += size
        if changes is not None:
            ledger.changes(changes)
    if rule.half_life is not None and whole:
        ledger.fading += whole
        ledger.rounding += len(found)
        ledger.half_life = min(rule.half_life, ledger.half_life or rule.half_life)
    if rule.capped:
        for why, lost in _surplus(rule, [(one[2], one[1]) for one in found], sight.zone):
            if lost:
                lines.append(Contribution(name, Sort.CAP, -sign * lost, f"{reason}: {why}"))
                cut_away += lost
    return sign * (whole - cut_away)


def _judged(rule: FieldRule | TierRule, sight: View) -> tuple[int, bool | None, str]:
    """Return what a rule about the lead gives, whether it applies, and why."""
    if isinstance(rule, FieldRule):
        answer = rule.when.predicate(sight)
        if answer is None:
            return 0, None, f"not known: {rule.reason}"
        if answer:
            return exact(rule.points), True, rule.reason
        return exact(rule.otherwise), False, f"not so: {rule.reason}"
    answers = [(tier, tier.when.predicate(sight)) for tier in rule.tiers]
    best = max((tier for tier, answer in answers if answer is True), key=lambda tier: tier.points, default=None)
    if best is not None:
        worth = weighed(exact(best.points), rule.percent, 100)
        return worth, True, f"{rule.reason}: {best.when.sentence()}"
    if any(answer is None for _, answer in answers):
        return 0, None, f"not known: {rule.reason}"
    return 0, False, ""


def _judge(rule: FieldRule | TierRule, sight: View, ledger: Ledger) -> int:
    """Write a line for a rule about the lead, if it has something to say, and return what it adds."""
    amount, answer, reason = _judged(rule, sight)
    if answer is None:
        ledger.lines.append(Contribution(rule.name, Sort.UNKNOWN, 0, reason))
    elif amount:
        ledger.lines.append(Contribution(rule.name, Sort.FIELD, amount, reason))
    asked = (rule.when,) if isinstance(rule, FieldRule) else tuple(tier.when for tier in rule.tiers)
    for criterion in asked:
        ledger.changes(criterion.changes_at(sight))
    return amount


def weighed(amount: int, weight: int, whole: int) -> int:
    """Return a share of an amount in whole micropoints, rounded half away from zero."""
    size = (2 * abs(amount * weight) + whole) // (2 * whole)
    return size if amount * weight > 0 else -size


def bounds(floor: float | None, cap: float | None) -> Limits:
    """Return a floor and a cap in micropoints.

    Raises:
        Malformed: The floor lies above the cap.
    """
    if cap is not None and floor is not None and cap < floor:
        raise Malformed("a cap lies above its floor")
    return None if floor is None else exact(floor), None if cap is None else exact(cap)


def clamped(amount: int, limits: Limits) -> int:
    """Return an amount held between a floor and a cap."""
    floor, cap = limits
    if cap is not None and amount > cap:
        return cap
    return floor if floor is not None and amount < floor else amount


def cut(lines: list[Contribution], amount: int, limits: Limits, rule: str, what: str) -> int:
    """Write a line for what a cap takes away or a floor adds, and return what is left."""
    left = clamped(amount, limits)
    if left != amount:
        word = "cap" if left < amount else "floor"
        lines.append(Contribution(rule, Sort.CAP, left - amount, f"{word} of {what}"))
    return left


def _range(rule: AnyRule) -> Limits:
    if isinstance(rule, TierRule):
        worth = [weighed(exact(tier.points), rule.percent, 100) for tier in rule.tiers]
        return min(0, *worth), max(0, *worth)
    if isinstance(rule, FieldRule):
        both = (0, exact(rule.points), exact(rule.otherwise))
        return min(both), max(both)
    points = exact(rule.points)
    most = None if rule.at_most is None and points else points * (rule.at_most or 0)
    return (0, most) if points > 0 else (most, 0)


def added(*limits: Limits) -> Limits:
    """Return the limits of a sum: open where one of the parts is."""
    lows, highs = [low for low, _ in limits], [high for _, high in limits]
    return (
        None if None in lows else sum(low for low in lows if low is not None),
        None if None in highs else sum(high for high in highs if high is not None),
    )


def held(limits: Limits, within: Limits) -> Limits:
    """Return limits after a floor and a cap: an open end is where the floor or the cap is."""
    low, high = limits
    return (
        within[0] if low is None else clamped(low, within),
        within[1] if high is None else clamped(high, within),
    )
