"""Pressure: the first instant at which contact rules let one lead be sent one more touch, and what moved it there."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from datetime import date, datetime, timedelta
from functools import lru_cache
from math import ceil, log2
from typing import NamedTuple
from zoneinfo import ZoneInfo

from leadlife._base.model import EARLIEST
from leadlife.errors import Malformed
from leadlife.journey.contact import ContactState
from leadlife.playbook.contact_rules import Breach, Cap, CapPeriod, ContactRules, Fatigue
from leadlife.qualification.programmes import Touch
from leadlife.timing import Calendar, Elapsed, day_start, due, local_day, zone_named
from leadlife.timing.business_hours import WEEKDAYS
from leadlife.timing.windows import LONGEST_SEARCH, SendWindow, Spans, first_open_and_shut, quiet_spans

_TICK = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)
FURTHEST = timedelta(days=LONGEST_SEARCH)
"""A touch that finds no time so long is not planned."""
_MOST_MOVES = 500
_FADED = 40
"""After so many half-lives a touch tires nobody: less than a millionth of a millionth of its load is left."""
_NO_RULES = ContactRules()
_NamedWindow = tuple[Spans, str | SendWindow]
"""When a window is open, and its name, or the window of a touch."""


class Deferral(NamedTuple):
    """One move of a touch to a later instant.

    Attributes:
        moved_from: From when.
        moved_to: To when.
        rule: By which rule, in words.
    """

    moved_from: datetime
    moved_to: datetime
    rule: str

    def __str__(self) -> str:
        return f"{self.moved_from:%Y-%m-%d %H:%M} > {self.moved_to:%Y-%m-%d %H:%M} UTC by {self.rule}"


class NoTime(Exception):
    """The rules leave no time for a touch."""


class _CapState:
    """One cap, and the touches that it counts, in order."""

    __slots__ = (
        "at_most",
        "breach",
        "by_calendar",
        "cap",
        "channel",
        "counts",
        "days",
        "ends",
        "period",
        "sent",
        "zone",
    )

    def __init__(
        self,
        at_most: int,
        period: CapPeriod | Elapsed | Calendar,
        cap: Cap | None,
        zone: ZoneInfo,
        days: dict[datetime, date],
    ) -> None:
        self.at_most = at_most
        self.period = period
        self.channel: str | None = None if cap is None else cap.channel
        self.breach: Breach = Breach.DEFER if cap is None else cap.on_breach
        self.cap = cap
        """The cap; None for the gap between two touches."""
        self.by_calendar: bool = isinstance(self.period, CapPeriod)
        self.zone = zone
        self.days = days
        """Local days that are known already; the caps of a lead share them."""
        self.sent: list[datetime] = []
        self.counts: Counter[date] = Counter()
        """For a calendar period, how many touches each has, by its first day."""
        self.ends: dict[datetime, datetime] = {}
        """For a period that rolls along, when that of a touch ends."""

    @property
    def words(self) -> str:
        """The cap in words."""
        return f"the gap of {self.period}" if self.cap is None else self.cap.words

    def add(self, at: datetime) -> None:
        """Count a touch."""
        insort(self.sent, at)
        if self.by_calendar:
            self.counts[self.first_day(at)] += 1

    def first_day(self, at: datetime) -> date:
        """Return the first day of the calendar period of an instant."""
        day = self.days.get(at)
        if day is None:
            day = self.days[at] = local_day(at, self.zone)
        return day if self.period is CapPeriod.DAY else day - day.weekday() * _DAY

    def next(self, at: datetime) -> datetime:
        """Return the first instant at or after another at which one more touch breaks this cap in no period."""
        sent = self.sent
        if len(sent) < self.at_most:
            return at
        if self.by_calendar:
            first = self.first_day(at)
            if self.counts[first] < self.at_most:
                return at
            return day_start(first + (1 if self.period is CapPeriod.DAY else 7) * _DAY, self.zone)
        size = self.at_most
        # Of any at_most + 1 touches in a row, the last must not come before the period since the first has ended. A
        # group of at_most others with this one among them keeps it away until the period since their first has ended.
        if at >= sent[-1]:  # most are planned after all others
            return max(at, self.end_of(sent[-size]))
        place, latest = bisect_right(sent, at), at
        for begin in range(max(0, place - size), min(place, len(sent) - size) + 1):
            first, last = sent[begin], sent[begin + size - 1]
            if self.end_of(min(first, at)) > max(last, at):
                latest = max(latest, self.end_of(first))
        return latest

    def end_of(self, at: datetime) -> datetime:
        """Return when a period that begins at an instant ends."""
        end = self.ends.get(at)  # calendar arithmetic is slow, and each touch is asked about many times
        if end is None:
            end = self.ends[at] = due(at, self.period, self.zone)  # type: ignore[arg-type]  # it rolls along
        return end

    def is_full(self, at: datetime, *more: datetime) -> bool:
        """Return whether what was sent up to an instant, and some touches more, leave no room for another then."""
        before = [*self.sent[: bisect_right(self.sent, at)], *more]
        if isinstance(self.period, CapPeriod):
            first = self.first_day(at)
            return sum(self.first_day(one) == first for one in before) >= self.at_most
        return sum(self.end_of(one) > at for one in before) >= self.at_most

    def reach(self) -> timedelta:
        """Return how far back it may look."""
        if isinstance(self.period, CapPeriod):
            return (2 if self.period is CapPeriod.DAY else 9) * _DAY
        return self.period.bounds()[1]


class Pressure:
    """What was sent to one lead and what is planned for it, and when the rules allow more.

    Attributes:
        zone: The lead's time zone.
        zone_assumed: Whether it is the playbook's, because the lead's own is blank or unknown.
    """

    __slots__ = ("_caps", "_fatigue", "_guarded", "_loads", "_windows", "zone", "zone_assumed")

    def __init__(self, lead: ContactState) -> None:
        playbook = lead.playbook
        rules = playbook.contact_rules or _NO_RULES
        self.zone: ZoneInfo
        self.zone_assumed: bool
        self.zone, self.zone_assumed = _zone_of(lead, rules)
        days: dict[datetime, date] = {}
        zone, gap = self.zone, rules.minimum_gap
        self._caps = [] if gap is None else [_CapState(1, gap, None, zone, days)]
        self._caps += [
            _CapState(cap.at_most, cap.per, cap, zone, days) for cap in rules.caps_by_readiness[lead.readiness]
        ]
        self._fatigue: Fatigue | None = rules.fatigue
        self._windows: tuple[_NamedWindow, ...] = _windows(rules.quiet, rules.weekdays)
        self._loads: list[tuple[datetime, float]] = []
        self._guarded: list[tuple[datetime, _CapState]] = []

    def look_back(self, lead: ContactState, first: datetime) -> None:
        """Take in what was sent, as far back as it may count for a touch at or after an instant."""
        channels = lead.playbook.channels
        reaches = [cap.reach() for cap in self._caps]
        if self._fatigue is not None:
            reaches.append(_FADED * self._fatigue.half_life.bounds()[1])
        if not reaches:
            return
        reach = max(reaches)
        since = first - reach if reach < first - EARLIEST else EARLIEST
        for seen in lead.touches():
            if seen.at < since:
                break
            record = seen.value
            if not record.failed and not record.operational:
                self.add(seen.at, record.channel, channels[record.channel].load if record.channel in channels else 1.0)

    def add(self, at: datetime, channel: str, load: float) -> None:
        """Count a touch."""
        for cap in self._caps:
            if cap.channel in (None, channel):
                cap.add(at)
        if self._fatigue is not None:
            insort(self._loads, (at, load))

    def guard(self, due_at: datetime, channel: str) -> None:
        """Keep what is planned after this from filling a cap that is asked about a touch when it is due."""
        for cap in self._caps:
            if cap.breach is not Breach.DEFER and cap.channel in (None, channel):
                self._guarded.append((due_at, cap))

    def breach(self, due_at: datetime, channel: str) -> tuple[Breach, str] | None:
        """Return what a cap that does not defer says of a touch that is due at an instant, and which cap."""
        for cap in self._caps:
            if cap.breach is not Breach.DEFER and cap.channel in (None, channel) and cap.is_full(due_at):
                return cap.breach, cap.words
        return None

    def tiredness(self, at: datetime) -> float:
        """Return the load of the touches up to an instant that has not faded yet."""
        half_life = timedelta.max if self._fatigue is None else self._fatigue.half_life.bounds()[0]
        return sum(load * _faded((at - one) / half_life) for one, load in self._loads if one <= at)

    def earliest(self, at: datetime, touch: Touch, load: float) -> tuple[datetime, tuple[Deferral, ...]]:
        """Return the first instant at or after another at which a touch may be sent, and what moved it.

        Raises:
            NoTime: There is none within 400 days.
        """
        moves: list[Deferral] = []
        last, here = at + FURTHEST, at
        windows = self._windows if not touch.operational else ()
        if touch.window is not None:
            windows = (*windows, (touch.window.spans, touch.window))
        several = tuple([spans for spans, _ in windows])
        while True:
            later, rule = here, ""
            if not touch.operational:
                later, rule = self._under_pressure(here, touch.channel, load)
            if later is here and several:
                later, rule = self._in_windows(here, several, windows)
            if later == here:
                return here, tuple(moves)
            moves.append(Deferral(here, later, rule))
            here = later
            if here > last or len(moves) > _MOST_MOVES:
                raise NoTime(f"{rule} and the other rules leave no time for it in the 400 days from then")

    def _under_pressure(self, at: datetime, channel: str, load: float) -> tuple[datetime, str]:
        for cap in self._caps:
            if cap.channel not in (None, channel):
                continue
            later = cap.next(at)
            if later > at:
                return later, cap.words
        for due_at, cap in self._guarded:
            if at <= due_at and cap.channel in (None, channel) and cap.is_full(due_at, at):
                return due_at + _TICK, cap.words
        if self._fatigue is not None:
            return self._rested(self._fatigue, at, load), "fatigue: the lead rests"
        return at, ""

    def _rested(self, fatigue: Fatigue, at: datetime, load: float) -> datetime:
        """Return the first instant from which one more touch of a load keeps the lead within what it bears."""
        half_life = fatigue.half_life.bounds()[0]
        room = fatigue.rest_at - load
        if room < 0:
            raise NoTime("fatigue: one such touch alone is more than the lead bears")
        tired = self.tiredness(at)
        if tired > room:
            # The load halves with each half-life, and no lead is quite without any, so a part that has faded counts
            # as none.
            if room == 0:
                last = max(one for one, _ in self._loads if one <= at)
                wait = max(last - at + _FADED * half_life, timedelta())
            else:
                wait = max(ceil(log2(tired / room) * half_life / _SECOND), 1) * _SECOND
            if wait > FURTHEST:
                raise NoTime("fatigue: the lead rests for more than 400 days")
            return at + wait  # what is planned in between tires as well, so the rules are asked again then
        for one, _ in self._loads[bisect_left(self._loads, (at, 0.0)) :]:
            own = load * _faded((one - at) / half_life)
            if one > at and self.tiredness(one) + own > fatigue.rest_at:
                return one + _TICK
        return at

    def _in_windows(
        self, at: datetime, several: tuple[Spans, ...], windows: tuple[_NamedWindow, ...]
    ) -> tuple[datetime, str]:
        try:
            later, shut = first_open_and_shut(several, at, self.zone)
        except Malformed as error:
            raise NoTime(f"{error.message}: {', '.join(map(_window_words, windows))}") from None
        return later, " and ".join([_window_words(windows[place]) for place in shut])


def _window_words(window: _NamedWindow) -> str:
    return window[1] if isinstance(window[1], str) else f"its window, {window[1]}"


def _faded(half_lives: float) -> float:
    """Return what is left of a load after so many half-lives."""
    return float(2.0**-half_lives)


def _zone_of(lead: ContactState, rules: ContactRules) -> tuple[ZoneInfo, bool]:
    if rules.zone_field is None:
        return lead.playbook.zone_info, False
    named = lead.field(rules.zone_field)
    try:
        return zone_named(named.strip() if isinstance(named, str) else ""), False
    except Malformed:
        return lead.playbook.zone_info, True


@lru_cache(maxsize=512)
def _windows(quiet: str | None, weekdays: tuple[str, ...]) -> tuple[_NamedWindow, ...]:
    windows: list[_NamedWindow] = []
    if quiet is not None:
        windows.append((quiet_spans(quiet), f"quiet hours {quiet}"))
    if weekdays and len(weekdays) < len(WEEKDAYS):
        windows.append((SendWindow(weekdays=weekdays).spans, f"the weekdays {', '.join(weekdays)}"))
    return tuple(windows)
