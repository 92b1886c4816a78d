"""The planner: which touches one lead is to be sent, when, why then, and why nothing else.

A plan is a pure function of a journey and an instant. Each programme goes through its touches in order; the order of
the checks of one touch is fixed: consent for the channel's purpose, ``when``, content that was sent before, caps that
skip, then pressure and windows, which only move it. What a touch needs is evaluated when it is *due*: at the instant
at which its wait is over, whenever somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from hashlib import blake2b
from heapq import heapify, heappop, heappush

from leadlife._base.arguments import expect
from leadlife._base.model import LATEST
from leadlife._base.outcomes import whole
from leadlife.errors import LeadlifeError, Malformed
from leadlife.journey import Journey
from leadlife.journey.contact import ContactState, Enrolment
from leadlife.planning.plans import (
    Confirmation,
    PassedOver,
    Plan,
    PlannedTouch,
    Silence,
    Unplanned,
    Why,
    failure_key,
    sending_key,
)
from leadlife.planning.pressure import NoTime, Pressure
from leadlife.playbook.contact_rules import Breach
from leadlife.qualification.programmes import Programme, Touch
from leadlife.timing import due, earliest, instant
from leadlife.timing.waits import waited


def plan(journey: Journey, *, at: datetime, limit: int = 10) -> Plan:
    """Return the next touches of one lead, and why there are no others.

    Args:
        journey: The lead.
        at: From when on; not before the journey's present.
        limit: How many touches at most.

    Raises:
        Malformed: ``at`` is not an aware datetime or lies before the journey's present, or the limit is not positive.
    """
    expect("journey", journey, Journey, hint="plan_all(journeys, at=...) plans for many")
    at = instant(at)
    limit = whole("limit", limit, least=1)
    if journey.at is not None and at < journey.at:
        raise Malformed("at= lies before the journey's present", hint="plan(journey.as_of(at=...), at=...) plans then")
    return _Planner(journey.contact_state(at=at), limit).plan()


def every_touch(journey: Journey) -> int:
    """Return a limit under which the plan of a lead is whole."""
    return sum(len(programme.touches) for programme in journey.playbook.programmes) or 1


def confirm(planned: PlannedTouch, journey: Journey, *, at: datetime) -> Confirmation:
    """Return whether a planned touch may still be sent, to be asked just before it is.

    Args:
        planned: The touch.
        journey: The lead as it is known now.
        at: The instant of sending.

    Raises:
        Malformed: The journey is another lead's, or ``at`` is not an aware datetime or lies before its present.
    """
    expect("planned", planned, PlannedTouch, hint="pass one of plan(...).touches")
    expect("journey", journey, Journey, hint="pass the lead that the touch was planned for")
    if (planned.lead, planned.pipeline) != (journey.lead_id, journey.pipeline):
        raise Malformed("the touch was planned for another journey", hint="pass the journey that it was planned for")
    now = plan(journey, at=at, limit=every_touch(journey))
    for touch in now.touches:
        if touch.key == planned.key:
            if touch.at <= now.at:
                return Confirmation(ok=True)
            moved = [str(one) for one in touch.deferrals]
            reason = "; ".join(moved) if moved else f"it is due {touch.due.isoformat()}"
            return Confirmation(ok=False, reason=reason, moved_to=touch.at)
    for passed in now.passed_over:
        if (passed.programme, passed.touch) == (planned.programme, planned.touch):
            return Confirmation(ok=False, reason=str(passed))
    for silence in now.silences:
        if silence.programme == planned.programme and silence.why is not Why.ALL_SENT:
            return Confirmation(ok=False, reason=str(silence))
    if planned.programme not in {one.programme for one in journey.contact_state(at=at).enrolments}:
        return Confirmation(ok=False, reason=f"the lead takes no part in {planned.programme} any more")
    return Confirmation(ok=False, reason="it was sent, or another touch has taken its place")


def plan_all(journeys: Iterable[Journey], *, at: datetime, limit: int = 10) -> Iterator[Plan | Unplanned]:
    """Return the plan of each of many leads, one after another; one that cannot be planned for stops no other.

    A lead whose present lies after ``at`` is planned for at its present.

    Raises:
        Malformed: ``at`` is not an aware datetime, the limit is not positive, or the journeys cannot be iterated over.
    """
    at = instant(at)
    limit = whole("limit", limit, least=1)
    expect("journeys", journeys, Iterable, hint="pass a list, even of one")
    return (_planned_or_not(journey, at, limit) for journey in journeys)


def _planned_or_not(journey: Journey, at: datetime, limit: int) -> Plan | Unplanned:
    try:
        expect("journey", journey, Journey, hint="plan_all takes journeys")
        return plan(journey, at=at if journey.at is None else max(at, journey.at), limit=limit)
    except LeadlifeError as error:
        return Unplanned(getattr(journey, "lead_id", ""), error)


def in_holdout(programme: Programme, lead: str) -> bool:
    """Return whether a lead is held out from a programme: decided by a hash, so it is the same wherever it is asked."""
    if not programme.holdout:
        return False
    # Names hold no null, so no two pairs of names make one text; of the hash, 64 bits are a number from 0 to 1.
    digest = blake2b(f"{programme.name}\x00{lead}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) < programme.holdout * 2**64


class _Stream:
    """A programme that a lead takes part in: which touch is next, and when it is due."""

    __slots__ = ("attempt", "base", "enrolment", "first_try", "place", "planned", "programme", "retry_at")

    def __init__(self, programme: Programme, enrolment: Enrolment) -> None:
        self.programme = programme
        self.enrolment = enrolment
        self.place: int = 0
        self.base: datetime = enrolment.since
        """From when the next touch waits."""
        self.attempt: int = 1
        self.first_try: datetime | None = None
        """When the touch was tried for the first time; None before that."""
        self.retry_at: datetime | None = None
        """From when it may be tried again."""
        self.planned: int = 0

    @property
    def touch(self) -> Touch:
        return self.programme.touches[self.place]

    def pass_on(self, base: datetime) -> None:
        self.place, self.base, self.attempt = self.place + 1, base, 1
        self.first_try = self.retry_at = None

    @property
    def is_over(self) -> bool:
        return self.place >= len(self.programme.touches)


class _Planner:
    """The plan of one lead while it is made."""

    __slots__ = ("_lead", "_limit", "_messages", "_passed", "_playbook", "_pressure", "_silences", "_touches")

    def __init__(self, lead: ContactState, limit: int) -> None:
        self._lead = lead
        self._limit = limit
        self._playbook = lead.playbook
        self._pressure = Pressure(lead)
        self._touches: list[PlannedTouch] = []
        self._passed: list[PassedOver] = []
        self._silences: list[Silence] = []
        self._messages: dict[str, datetime] = {}
        """The content that is planned so far, and when."""

    def plan(self) -> Plan:
        """Return the plan."""
        lead = self._lead
        streams = [stream for stream in map(self._stream, lead.enrolments) if stream is not None]
        if streams:
            all_due = [due_at for due_at in map(self._due, streams) if due_at is not None]
            self._pressure.look_back(lead, min([lead.at, *all_due]))
        # A programme of lower priority is planned around those of higher ones, and so never moves their touches.
        for priority in sorted({stream.programme.priority for stream in streams}, reverse=True):
            self._plan_equals([stream for stream in streams if stream.programme.priority == priority])
        if not lead.started:
            self._silences.append(Silence(None, Why.NOT_STARTED))
        elif not self._touches and not self._silences:
            self._silences.append(Silence(None, Why.NO_PROGRAMME))
        touches = sorted(self._touches, key=lambda one: (one.at, -one.priority, one.programme))[: self._limit]
        again = earliest(
            (lead.changes_at, *(one.at for one in touches[:1]), *(one.ask_again for one in self._silences))
        )
        return Plan(
            lead.lead_id, lead.pipeline, lead.at, tuple(touches), tuple(self._passed), tuple(self._silences), again
        )

    def _stream(self, enrolment: Enrolment) -> _Stream | None:
        """Return a programme's stream as it stands; None where it sends nothing."""
        programme = self._playbook.programme_by_name[enrolment.programme]
        if in_holdout(programme, self._lead.lead_id):
            self._silences.append(Silence(programme.name, Why.HOLDOUT))
            return None
        # Where a stream stands is read from what was sent, so a planner keeps nothing between two calls.
        stream, tried = _Stream(programme, enrolment), list(self._lead.touches_of(enrolment))
        if not tried:
            return stream
        places = [programme.place_of(seen.value.touch) for seen in tried]
        known = [place for place in places if place is not None]
        if not known:
            self._silences.append(Silence(programme.name, Why.GONE, f"{tried[0].value.touch!r}"))
            return None
        furthest = max(known)
        # What comes back late, of a touch before the furthest, changes nothing any more.
        own = [seen for seen in tried if seen.value.touch == programme.touches[furthest].name]
        last = max(own, key=lambda seen: (seen.value.attempt, seen.ordinal))
        stream.place, touch, record = furthest, programme.touches[furthest], last.value
        if record.failed and not record.final and record.attempt < touch.attempts:
            stream.attempt, stream.first_try = record.attempt + 1, own[-1].at
            wait = touch.retry_after
            stream.retry_at = last.at if wait is None else due(last.at, wait, self._pressure.zone)
            return stream
        if record.failed:
            detail = "it would fail again" if record.final else f"attempt {record.attempt} of {touch.attempts}"
            self._passed.append(PassedOver(programme.name, touch.name, own[-1].at, Why.FAILED, detail))
        stream.pass_on(last.at)
        return stream

    def _plan_equals(self, streams: list[_Stream]) -> None:
        """Plan the programmes of one priority: of their next touches, the one with the nearest deadline first."""
        heap = [entry for entry in map(self._next_due, streams) if entry is not None]
        heapify(heap)
        while heap:
            _, due_at, _, stream = heappop(heap)
            if self._place(stream, due_at):
                entry = self._next_due(stream)
                if entry is not None:
                    heappush(heap, entry)

    def _next_due(self, stream: _Stream) -> tuple[datetime, datetime, str, _Stream] | None:
        """Return the deadline of a stream's next touch, and when it is due; None where there is none."""
        if stream.planned >= self._limit:
            return None
        if stream.is_over:
            if not stream.planned:
                self._silences.append(Silence(stream.programme.name, Why.ALL_SENT))
            return None
        touch, zone = stream.touch, self._pressure.zone
        due_at = self._due(stream)
        if due_at is None:
            self._silences.append(Silence(stream.programme.name, Why.NO_TIME, "its wait ends after the year 2261"))
            return None
        deadline = LATEST if touch.within is None else due(due_at, touch.within, zone)
        return deadline, due_at, stream.programme.name, stream

    def _due(self, stream: _Stream) -> datetime | None:
        """Return when a stream's next touch is due; None where it has none, or that is never."""
        if stream.is_over:
            return None
        if stream.first_try is not None:
            return stream.first_try
        wait, zone = stream.touch.wait, self._pressure.zone
        with suppress(Malformed, OverflowError):
            return earliest((waited(stream.base, wait, zone, self._playbook.business_hours),))
        return None

    def _place(self, stream: _Stream, due_at: datetime) -> bool:
        """Plan a stream's next touch or pass it over, and return whether the stream goes on."""
        programme, touch = stream.programme, stream.touch
        why, detail = self._objection(stream, due_at)
        if why is None:
            full = None if touch.operational else self._pressure.breach(due_at, touch.channel)
            if full is not None and full[0] is Breach.EXIT:
                self._silences.append(Silence(programme.name, Why.CAP, full[1]))
                return False
            if full is not None:
                why, detail = Why.CAP, full[1]
        if why is not None:
            self._passed.append(PassedOver(programme.name, touch.name, due_at, why, detail))
            stream.pass_on(due_at)
            return True
        return self._schedule(stream, due_at)

    def _objection(self, stream: _Stream, due_at: datetime) -> tuple[Why | None, str]:
        """Return why a touch is not sent at all, whatever the pressure."""
        programme, touch = stream.programme, stream.touch
        channel = self._playbook.channels[touch.channel]
        if channel.purpose is not None:
            consent = self._lead.consent(channel.purpose)
            if consent is False:
                return Why.UNSUBSCRIBED, channel.purpose
            if consent is None and not touch.operational:
                return Why.NO_CONSENT, channel.purpose
        if stream.attempt > 1:
            return None, ""  # its due_at has come already
        if touch.when is not None and not self._lead.is_true(touch.when, due_at):
            return Why.WHEN, touch.when.sentence()
        if not touch.operational and self._sent_before(programme.content_of(touch), due_at):
            return Why.SENT_BEFORE, programme.content_of(touch)
        return None, ""

    def _sent_before(self, content: str, due_at: datetime) -> bool:
        sent = self._messages.get(content) or self._lead.last_sent(content)
        if sent is None:
            return False
        rules = self._playbook.contact_rules
        again = None if rules is None else rules.repeat_after
        return again is None or due(sent, again, self._pressure.zone) > due_at

    def _schedule(self, stream: _Stream, due_at: datetime) -> bool:
        """Plan a touch at the first instant that pressure and windows allow, and return whether the stream goes on."""
        programme, touch, lead = stream.programme, stream.touch, self._lead
        load = self._playbook.channels[touch.channel].load
        try:
            at, deferrals = self._pressure.earliest(max(due_at, stream.retry_at or due_at, lead.at), touch, load)
        except NoTime as error:
            self._silences.append(Silence(programme.name, Why.NO_TIME, str(error)))
            return False
        useful = None if touch.within is None else due(due_at, touch.within, self._pressure.zone)
        if useful is not None and at >= useful:
            self._passed.append(PassedOver(programme.name, touch.name, due_at, Why.TOO_LATE, f"until {useful}"))
            stream.pass_on(due_at)
            return True
        expires = stream.enrolment.expires
        if expires is not None and at >= expires:
            if not stream.planned:
                self._silences.append(Silence(programme.name, Why.ENDS_FIRST, f"on {expires}", expires))
            return False
        planned = PlannedTouch(
            lead=lead.lead_id,
            pipeline=lead.pipeline,
            programme=programme.name,
            touch=touch.name,
            channel=touch.channel,
            content=programme.content_of(touch),
            operational=touch.operational,
            attempt=stream.attempt,
            priority=programme.priority - self._tired(at),
            due=due_at,
            at=at,
            zone=self._pressure.zone,
            zone_assumed=self._pressure.zone_assumed,
            deferrals=deferrals,
            enrolled=stream.enrolment.since,
            number=self._number(stream),
        )
        self._touches.append(planned)
        if not touch.operational:
            self._pressure.add(at, touch.channel, load)
            self._pressure.guard(due_at, touch.channel)
            self._messages[planned.content] = at
        stream.planned += 1
        stream.pass_on(at)
        return True

    def _number(self, stream: _Stream) -> int:
        """Return the number of a sending: the first whose key no fact has had that was taken back since."""
        number = 1
        while self._lead.has_retractions and self._is_used(stream, number):
            number += 1
        return number

    def _is_used(self, stream: _Stream, number: int) -> bool:
        """Return whether a fact says of a sending that it was sent or failed; it may have been retracted."""
        lead, enrolment = self._lead, stream.enrolment
        owner = (lead.lead_id, lead.pipeline)
        named = (enrolment.programme, stream.touch.name)
        key = sending_key(owner, *named, enrolment.since, stream.attempt, number=number)
        return lead.has_key(key) or lead.has_key(failure_key(key))

    def _tired(self, at: datetime) -> int:
        rules = self._playbook.contact_rules
        fatigue = None if rules is None else rules.fatigue
        if fatigue is None or fatigue.tired_at is None or self._pressure.tiredness(at) < fatigue.tired_at:
            return 0
        return fatigue.lowers_by
