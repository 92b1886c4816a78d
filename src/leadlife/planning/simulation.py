"""A simulated world through the real fold: leads arrive, are nurtured by a playbook's plan, sold to, and recommend.

The world is seeded, invented and labelled so. It plays the teams and the leads; the playbook decides on every touch,
every qualification and every deadline. What happens is drawn by what it is for, so two playbooks meet the same luck.

This file passes 400 lines, because all that can happen to a simulated lead stands here, one short method each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import accumulate
from itertools import count as counting
from math import inf
from typing import Any

from leadlife._base.arguments import expect, listed_of
from leadlife._base.outcomes import whole
from leadlife.errors import Malformed, did_you_mean
from leadlife.facts import (
    ActivityRecorded,
    ConsentChanged,
    EvidenceGiven,
    Fact,
    FieldChanged,
    HandoffAccepted,
    HandoffOffered,
    HandoffRejected,
    Moved,
    Referred,
    Sold,
)
from leadlife.journey import Journey
from leadlife.leads import Actor, Lead, Source
from leadlife.money import Money
from leadlife.planning.market import Luck, Market, MarketSource
from leadlife.planning.planner import plan
from leadlife.planning.plans import PlannedTouch
from leadlife.planning.world import LABEL, Totals, World
from leadlife.playbook.playbook import Playbook
from leadlife.presets import eight_stage

WORLD_BEGINS = datetime(2025, 1, 6, 9, tzinfo=UTC)
SALES = Actor(id="sales rep", roles=("sales",))
MARKETER = Actor(id="marketer", roles=("marketing",))
EARLY, MID, LATE = 0, 1, 2
_SEEN = (("page_view", "email_open"), ("product_page", "download"), ("demo_request", "form"))
_NEEDED = ("fit", "mql", "sql", "need")
_TEAM = ("engage", "fit", "qualify", "return")
"""Moves that the teams make as soon as they may; in the world they are automatic."""
MOST_DAYS = 36_500
_ZONES = ("Europe/Berlin", "America/New_York", "Asia/Tokyo", "America/Sao_Paulo")
_REASONS = ("bad timing", "poor fit", "pricing", "competition", "missing features")
_LOST = ("pricing", "competition", "missing features")


def simulate(
    leads: int = 400,
    *,
    playbook: Playbook | None = None,
    market: Market | None = None,
    seed: int = 7,
    days: int = 360,
    progress: Callable[[int, int], None] | None = None,
) -> World:
    """Return a simulated world, in which so many leads arrive over a number of days; a seed gives the same world.

    Args:
        leads: How many leads arrive by themselves; customers recommend more.
        playbook: What the leads follow; by default ``eight_stage``, which sends nothing. It needs the moves and the
            evidence of ``eight_stage``.
        market: What is true of the leads; by default an invented one.
        seed: The luck.
        days: How long it lasts.
        progress: Called with the days that have passed and all days.

    Raises:
        Malformed: The playbook lacks a word that the world uses, or a number is not positive.
    """
    run = Simulation(leads, playbook=playbook, market=market, seed=seed, days=days)
    journeys = sorted(run.stream(progress=progress), key=lambda journey: journey.lead_id)
    return World(LABEL, run.playbook, tuple(journeys), run.ends, run.totals)


class _Someone:
    """A lead while its time in the world lasts."""

    __slots__ = ("consents", "fits", "generation", "interest", "journey", "load", "loaded", "open", "planned", "seen")

    def __init__(self, journey: Journey, fits: bool, interest: int, since: float) -> None:  # noqa: FBT001 - a plain fact
        self.journey = journey
        self.fits = fits
        self.interest = interest
        self.load: float = 0.0
        self.loaded: float = since
        self.consents: bool = True
        self.open: int = 0
        """How many events are still to come."""
        self.generation: int = 0
        """Rises with each change of interest, so that what was foreseen before it is dropped."""
        self.seen: int = 0
        self.planned: int = 0
        """Rises with each plan, so that what an older one foresaw is dropped."""


Event = tuple[float, int, str, str, Any]
CallOrder = Callable[[Sequence[Journey], Sequence[Journey], datetime], Sequence[str]]
"""Takes the leads that wait for a call, as they were offered, all leads of the world, and the instant. It returns the
ids of those that wait, in the order in which sales calls them."""
_NOON = 0.5


class Simulation:
    """A simulated world while it runs; :meth:`stream` yields its leads as their time in it ends.

    Attributes:
        playbook: The playbook that the leads follow.
        ends: The end of observation.
        totals: What it has come to so far.
    """

    def __init__(
        self,
        leads: int,
        *,
        playbook: Playbook | None = None,
        market: Market | None = None,
        seed: int = 7,
        days: int = 360,
        order: CallOrder | None = None,
    ) -> None:
        """Prepare a world; :func:`simulate` says what the arguments mean.

        Args:
            leads: How many leads arrive by themselves.
            playbook: What the leads follow.
            market: What is true of the leads.
            seed: The luck.
            days: How long it lasts.
            order: In which order sales calls the leads that wait; by default each has its turn when it is offered.

        Raises:
            Malformed: An argument cannot be understood; while it runs, that the order leaves out a lead that waits.
        """
        leads, days = whole("leads", leads, least=1), whole("days", days, least=1)
        if days > MOST_DAYS:
            raise Malformed(f"days is at most {MOST_DAYS:,}", hint="simulate a few years")
        if market is not None:
            expect("market", market, Market, hint="pass Market(...), or None")
        if order is not None and not callable(order):
            raise Malformed(f"order must be a function, not {order!r}", hint="or pass names to compare_orders")
        if playbook is not None:
            expect("playbook", playbook, Playbook, hint="pass a playbook, such as preset('eight_stage_nurture')")
        self._market = market or Market()
        self.playbook: Playbook = _played(playbook or eight_stage())
        self._luck = Luck(whole("seed", seed, least=-inf))
        self._leads, self._days = leads, days
        self.ends: datetime = WORLD_BEGINS + timedelta(days=days)
        self._people: dict[str, _Someone] = {}
        self._queue: list[Event] = []
        self._order = counting()
        self._calls: Counter[int] = Counter()
        self._waited: float = 0.0
        self._sums: Counter[str] = Counter()
        self._revenue: float = 0.0
        self._cost: float = 0.0
        self._order_of_calls = order
        self._waiting: dict[str, float] = {}
        """The leads that wait for a call, each with the day of its offer, where an order decides."""
        self._desk_days: set[int] = set()
        self._capacity: float = max(self._market.sales_calls_per_day * leads / 1_000 * 360 / days, 0.2)

    @property
    def totals(self) -> Totals:
        """What it has come to so far."""
        return Totals(**self._sums, revenue=self._revenue, cost=self._cost, backlog=self._waited / self._days)

    def stream(self, *, progress: Callable[[int, int], None] | None = None) -> Iterator[Journey]:
        """Yield each lead when nothing more can happen to it; the memory holds only the others."""
        # Only arrivals are known in advance; a lead is made when it arrives, so that the memory holds few at a time.
        for number in range(1, self._leads + 1):
            name = f"simulated-{number:05}"
            self._push(self._luck.share(name, "arrives") * self._days, name, "arrive", None)
        shown = 0
        while self._queue:
            day, _, name, what, more = heappop(self._queue)
            if progress is not None and int(day) > shown:
                shown = int(day)
                progress(shown, self._days)
            if what == "desk":
                self._desk(day)
                continue
            self._happen(day, name, what, more)
            if not self._people[name].open:
                yield self._leave(name)
        if progress is not None:
            progress(self._days, self._days)

    def _leave(self, name: str) -> Journey:
        journey = self._people.pop(name).journey
        self._sums["missed"] += sum(offer.missed > 0 for offer in journey.tick(self.ends).handoffs)
        self._sums["facts"] += journey.version
        return journey

    # ------------------------------------------------------------------ events

    def _push(self, day: float, name: str, what: str, more: Any) -> None:
        if day < self._days:
            someone = self._people.get(name)
            if someone is not None:
                someone.open += 1
            heappush(self._queue, (day, next(self._order), name, what, more))

    def _happen(self, day: float, name: str, what: str, more: Any) -> None:
        if what == "arrive":
            self._arrive(day, name, more)
            return
        someone = self._people[name]
        someone.open -= 1
        at = WORLD_BEGINS + timedelta(days=day)
        if what == "seen" and more == someone.generation:
            self._seen(someone, name, at, day)
        elif what == "moves on" and more == someone.generation:
            self._interest(someone, name, day, someone.interest + 1 if someone.interest < LATE else EARLY)
        elif what == "touch" and more == someone.planned:
            self._touch(someone, name, at, day)
        elif what == "call":
            self._call(someone, name, at, day)
        elif what == "decision":
            self._decide(someone, name, at, day)

    def _arrive(self, day: float, name: str, referrer: str | None) -> None:
        source, luck = self._source(name, referrer), self._luck
        at = WORLD_BEGINS + timedelta(days=day)
        lead = Lead(
            id=name,
            identified=True,
            referred_by=referrer,
            source=Source(channel=source.channel, lead_type=source.lead_type),
        )
        journey = Journey.start(lead, self.playbook, at=at, stage="name", by=MARKETER)
        if "marketing" in self.playbook.purposes:
            journey = journey.record(ConsentChanged(purpose="marketing", granted=True, at=at))
        if "time_zone" in self.playbook.fields:
            zone = _ZONES[int(luck.share(name, "zone") * len(_ZONES))]
            journey = journey.record(FieldChanged(name="time_zone", value=zone, at=at))
        interest = MID if luck.share(name, "interest") < source.begins_mid else EARLY
        someone = _Someone(journey, luck.share(name, "fits") < source.fits, interest, day)
        self._people[name] = someone
        self._sums["leads"] += 1
        self._cost += source.cost
        self._foresee(someone, name, day)
        self._replan(someone, name, at)

    def _source(self, name: str, referrer: str | None) -> MarketSource:
        sources = self._market.sources
        if referrer is not None:
            return next((one for one in sources if one.lead_type == "referral"), sources[-1])
        drawn, ends = self._luck.share(name, "source"), accumulate(source.share for source in sources)
        # The shares add up to 1 but for rounding, so the last one takes what is left.
        return next((source for source, end in zip(sources, ends, strict=True) if drawn < end), sources[-1])

    def _foresee(self, someone: _Someone, name: str, day: float) -> None:
        """Draw what the lead does next by itself, at its present interest."""
        market, luck, interest = self._market, self._luck, someone.interest
        rate = (market.to_mid, market.to_late, 1 / market.patience)[interest]
        self._push(day + luck.days(rate, name, "moves on", someone.generation), name, "moves on", someone.generation)
        self._next_visit(someone, name, day)

    def _next_visit(self, someone: _Someone, name: str, day: float) -> None:
        wait = self._luck.days(self._market.visits[someone.interest], name, "seen", someone.seen)
        self._push(day + wait, name, "seen", someone.generation)

    def _interest(self, someone: _Someone, name: str, day: float, interest: int) -> None:
        someone.interest = interest
        someone.generation += 1
        self._foresee(someone, name, day)

    def _seen(self, someone: _Someone, name: str, at: datetime, day: float) -> None:
        kinds = _SEEN[someone.interest]
        kind = kinds[self._luck.share(name, "kind", someone.seen) < 0.5]  # noqa: PLR2004 - as often one as the other
        someone.seen += 1
        self._record(someone, ActivityRecorded(kind=kind, at=at))
        seems = someone.fits or self._luck.share(name, "seems to fit") < self._market.misjudged
        if someone.interest >= MID and seems and "fit" not in someone.journey.evidence:
            self._record(someone, EvidenceGiven(name="fit", at=at, by=MARKETER))
        if kind == "demo_request" and seems:
            self._record(someone, EvidenceGiven(name="mql", at=at, by=MARKETER))
        self._next_visit(someone, name, day)
        self._offer(someone, name, at, day)
        self._replan(someone, name, at)

    # ------------------------------------------------------------------ nurture

    def _replan(self, someone: _Someone, name: str, at: datetime) -> None:
        """Look when the playbook would touch the lead next, or when to look again."""
        if self.playbook.programmes and someone.consents:
            self._look_again(someone, name, plan(someone.journey, at=at, limit=1).ask_again, at)

    def _look_again(self, someone: _Someone, name: str, again: datetime | None, at: datetime) -> None:
        someone.planned += 1
        if again is not None:
            self._push((max(again, at) - WORLD_BEGINS) / timedelta(days=1), name, "touch", someone.planned)

    def _touch(self, someone: _Someone, name: str, at: datetime, day: float) -> None:
        journey = someone.journey
        found = plan(journey, at=at, limit=1)
        if not found.due:
            self._look_again(someone, name, found.ask_again, at)
            return
        for touch in found.due:
            self._record(someone, touch.sent(at=at))
            self._sums["touches"] += 1
            self._cost += self._market.touch_cost.get(touch.channel, 0.0)
            self._respond(someone, name, touch, at, day)
        self._replan(someone, name, at)

    def _respond(self, someone: _Someone, name: str, touch: PlannedTouch, at: datetime, day: float) -> None:
        """Let a touch help, or harm, by how tired the lead is of touches."""
        market, luck = self._market, self._luck
        load = someone.load * 2.0 ** (-(day - someone.loaded) / market.recovers)
        someone.load, someone.loaded = load + 1, day
        # Drawn by what it is for, and not by its instant: the same touch meets the same luck under another playbook.
        about = (name, touch.content, touch.enrolled.date().isoformat())
        if luck.share(*about, "opts out") < market.opts_out + market.opts_out_tired * load:
            someone.consents = False
            self._sums["opt_outs"] += 1
            self._record(someone, ConsentChanged(purpose="marketing", granted=False, at=at))
        elif someone.interest > EARLY and luck.share(*about, "bolts") < market.bolts * max(load - 2, 0.0):
            self._interest(someone, name, day, EARLY)
        elif someone.interest < LATE and luck.share(*about, "helps") < market.lift * 2.0 ** (-load / market.tires):
            self._interest(someone, name, day, someone.interest + 1)

    # ------------------------------------------------------------------ sales

    def _offer(self, someone: _Someone, name: str, at: datetime, day: float) -> None:
        """Offer a lead to sales once it has come so far; sales looks at it on the first day with time left."""
        journey = someone.journey
        if journey.stage != "lead" or (journey.handoff is not None and journey.handoff.is_open):
            return
        self._record(someone, HandoffOffered(to="sales", at=at, by=MARKETER))
        self._sums["offers"] += 1
        if self._order_of_calls is not None:
            self._waiting[name] = day
            someone.open += 1
            self._open_desk(day)
            return
        first = int(day)
        while (WORLD_BEGINS + timedelta(days=first)).weekday() > 4 or self._calls[first] + 1 > self._budget(first):  # noqa: PLR2004 - Saturday
            first += 1
        self._calls[first] += 1
        # Half an hour passes before a call at the least, so that no answer comes at the instant of its offer.
        called = max(day, first + 0.01) + 0.02
        self._waited += min(called, float(self._days)) - day
        self._push(called, name, "call", None)

    def _open_desk(self, day: float) -> None:
        """Let sales look at the leads that wait, at noon of the next working day."""
        first = int(day) + (day % 1 >= _NOON)
        while (WORLD_BEGINS + timedelta(days=first)).weekday() > 4:  # noqa: PLR2004 - Saturday
            first += 1
        if first not in self._desk_days:
            self._desk_days.add(first)
            self._push(first + _NOON, "", "desk", None)

    def _desk(self, day: float) -> None:
        """Let sales call the first of those that wait, by the order, as many as there is time for."""
        at = WORLD_BEGINS + timedelta(days=day)
        waiting = [self._people[name].journey for name in self._waiting]
        everybody = [someone.journey for someone in self._people.values()]
        given = self._order_of_calls(waiting, everybody, at) if self._order_of_calls is not None else ()
        called = listed_of("what the order returns", given, str)
        # An order of one's own that drops a lead would leave it waiting for ever, and no figure would show it.
        if sorted(called) != sorted(self._waiting):
            problem = "order must return the ids of all leads that wait, each once"
            raise Malformed(problem, hint="return [journey.lead_id for journey in waiting], sorted")
        for name in called[: self._budget(int(day))]:
            self._waited += day - self._waiting.pop(name)
            self._people[name].open -= 1
            self._push(day + 0.02, name, "call", None)
        if self._waiting:
            self._open_desk(day + 1)

    def _budget(self, day: int) -> int:
        """Return how many calls sales has time for on a day: what is left of a fraction counts on the next day."""
        return int(self._capacity * (day + 1)) - int(self._capacity * day)

    def _call(self, someone: _Someone, name: str, at: datetime, day: float) -> None:
        journey = someone.journey.tick(at)
        someone.journey = journey
        self._cost += self._market.call_cost
        if journey.handoff is None or not journey.handoff.is_open or journey.stage != "lead":
            return
        if not someone.fits or someone.interest == EARLY:
            self._record(someone, HandoffRejected(reason="no need", at=at, by=SALES))
            if someone.fits:
                self._move(someone, "recycle", at, reason="bad timing")
            else:
                self._move(someone, "disqualify", at, reason="poor fit")
            self._replan(someone, name, at)
            return
        self._record(someone, HandoffAccepted(at=at, by=SALES))
        self._move(someone, "accept", at)
        if someone.interest == MID and self._luck.share(name, "sells", len(journey.handoffs)) > 0.5:  # noqa: PLR2004 - one in two
            self._move(someone, "recycle", at, reason="bad timing")
            self._replan(someone, name, at)
            return
        self._record(someone, EvidenceGiven(name="sql", at=at, by=SALES))
        self._move(someone, "open", at)
        wait = self._luck.days(1 / self._market.days_to_decide, name, "decides", len(journey.cycles))
        self._push(day + wait, name, "decision", None)

    def _decide(self, someone: _Someone, name: str, at: datetime, day: float) -> None:
        journey = someone.journey = someone.journey.tick(at)
        if journey.stage != "opportunity":
            return
        cycle = len(journey.cycles)
        chance = self._market.wins * (1.0 if someone.interest == LATE else 0.4)
        if self._luck.share(name, "wins", cycle) >= chance:
            reason = _LOST[int(self._luck.share(name, "loses", cycle) * len(_LOST))]
            self._move(someone, "lose", at, reason=reason)
            if reason != "competition":  # whoever has bought elsewhere is left alone
                self._move(someone, "recycle", at, reason=reason)
            self._interest(someone, name, day, EARLY)
        else:
            amount = round(self._market.deal * (0.5 + self._luck.share(name, "amount", cycle)))
            self._record(someone, Sold(amount=Money.of(amount, self._market.currency), at=at, by=SALES))
            self._sums["won"] += 1
            self._revenue += amount
            if self._luck.share(name, "refers", cycle) < self._market.refers:
                friend = f"{name}-friend-{cycle}"
                self._record(someone, Referred(who=friend, at=at))
                self._push(day + self._luck.days(1 / 30, name, "friend", cycle), friend, "arrive", name)
        self._replan(someone, name, at)

    # ------------------------------------------------------------------ the fold

    def _record(self, someone: _Someone, fact: Fact) -> None:
        someone.journey = someone.journey.record(fact)

    def _move(self, someone: _Someone, trigger: str, at: datetime, *, reason: str | None = None) -> None:
        self._record(someone, Moved(trigger=trigger, at=at, by=SALES, reason=reason))


def _played(playbook: Playbook) -> Playbook:
    """Return the playbook with the moves that the teams make at once as automatic ones.

    Raises:
        Malformed: It lacks a word that the world uses.
    """
    life, listed = playbook.lifecycle, () if playbook.handoff is None else playbook.handoff.reasons
    kinds = {kind for several in _SEEN for kind in several}
    asked: Iterable[tuple[str, Iterable[str], Collection[str]]] = (
        ("stage", ("name", "lead", "opportunity"), life.by_id),
        (
            "trigger",
            (*_TEAM, "accept", "open", "lose", "recycle", "disqualify"),
            {rule.trigger for rule in life.transitions},
        ),
        ("evidence", _NEEDED, playbook.evidence),
        ("activity", kinds, playbook.activity_kinds),
        ("role", ("sales", "marketing"), playbook.roles),
        ("reason", _REASONS, life.reason_by_id if life.reasons else _REASONS),
        ("reason to reject", ("no need",), listed or ("no need",)),
    )
    for what, needed, known in asked:
        for name in sorted(needed):
            if name not in known:
                hint = f"simulate with the words of eight_stage; {did_you_mean(name, known)}"
                raise Malformed(f"the simulated world needs the {what} {name!r}", hint=hint)
    waiting = {rule.trigger for rule in life.transitions if not rule.automatic}
    return playbook.automated(*(trigger for trigger in _TEAM if trigger in waiting))
