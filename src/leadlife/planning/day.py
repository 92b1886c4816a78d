"""A day's work: the touches to send, the deadlines that come due, and what each owner has open."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from leadlife._base.arguments import expect, listed_of
from leadlife.errors import LeadlifeError, Malformed
from leadlife.journey import Journey
from leadlife.planning.planner import every_touch, plan
from leadlife.planning.plans import PlannedTouch, Unplanned
from leadlife.timing import due, instant

LONGEST = timedelta(days=400)


class Deadline(NamedTuple):
    """An answer or a move that comes due.

    Attributes:
        at: When.
        lead: Which lead.
        owner: Whose it is; None where nobody owns the lead.
        what: What comes due.
        missed: Whether a deadline of the same offer has passed already.
    """

    at: datetime
    lead: str
    owner: str | None
    what: str
    missed: bool

    def __str__(self) -> str:
        missed = ", not the first time" if self.missed else ""
        return f"{self.at:%Y-%m-%d %H:%M} UTC  {self.lead}  {self.what} ({self.owner or 'nobody'}){missed}"


class Waiting(NamedTuple):
    """A lead in the queue of an owner.

    Attributes:
        lead: Which lead.
        stage: Where it is.
        since: Since when it is there.
        offered: Whether it is offered to the owner and waits for the answer.
    """

    lead: str
    stage: str
    since: datetime
    offered: bool


class Day(NamedTuple):
    """A day's work.

    Attributes:
        begin: From when.
        end: Until when, exclusively.
        touches: What is to be sent, by time; of one instant, the larger priority first.
        deadlines: What comes due, by time.
        queues: The open leads of each owner, the longest in its stage first; those of nobody stand under None.
        failed: The leads that could not be planned for, and why.
    """

    begin: datetime
    end: datetime
    touches: tuple[PlannedTouch, ...]
    deadlines: tuple[Deadline, ...]
    queues: dict[str | None, tuple[Waiting, ...]]
    failed: tuple[Unplanned, ...]

    def __str__(self) -> str:
        lines = [f"from {self.begin:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M} UTC", "", "touches"]
        lines += [f"  {touch}" for touch in self.touches] or ["  none"]
        lines += ["", "deadlines", *([f"  {one}" for one in self.deadlines] or ["  none"]), "", "queues"]
        for owner, leads in self.queues.items():
            shown = ", ".join(
                f"{one.lead} in {one.stage} since {one.since:%Y-%m-%d}{' (offered)' if one.offered else ''}"
                for one in leads
            )
            lines.append(f"  {owner or 'nobody'}: {shown}")
        lines += [] if self.queues else ["  none"]
        lines += ["", *(f"! {one.lead}: {one.error.message}" for one in self.failed)] if self.failed else []
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the day as plain values, ready for JSON."""
        return {
            "begin": self.begin.isoformat(),
            "end": self.end.isoformat(),
            "touches": [
                {
                    "lead": touch.lead,
                    "at": touch.at.isoformat(),
                    "local": touch.local.isoformat(),
                    "channel": touch.channel,
                    "programme": touch.programme,
                    "touch": touch.touch,
                    "content": touch.content,
                    "priority": touch.priority,
                    "why": touch.why,
                    "key": touch.key,
                }
                for touch in self.touches
            ],
            "deadlines": [{**one._asdict(), "at": one.at.isoformat()} for one in self.deadlines],
            "queues": [
                {"owner": owner, "leads": [{**one._asdict(), "since": one.since.isoformat()} for one in leads]}
                for owner, leads in self.queues.items()
            ],
            "failed": [{"lead": one.lead, "error": one.error.to_dict()} for one in self.failed],
        }


def day_of(journeys: Iterable[Journey], *, at: datetime, lasts: timedelta = timedelta(days=1)) -> Day:
    """Return the work of a day, or of another time, for many leads; one that breaks stops no other.

    A lead whose facts lie inside the day already is shown at its present, so that what was sent is not to be sent
    again. One whose facts go on after the day is shown as it was when the day began.

    Args:
        journeys: The leads.
        at: When it begins.
        lasts: How long it lasts.

    Raises:
        Malformed: ``at`` is not an aware datetime, or the day lasts no time or more than 400 days.
    """
    begin = instant(at)
    expect("lasts", lasts, timedelta, hint="pass timedelta(days=1)")
    if not timedelta() < lasts <= LONGEST:
        raise Malformed("lasts is a timedelta above 0, of at most 400 days", hint="pass timedelta(days=1)")
    end = begin + lasts
    touches: list[PlannedTouch] = []
    deadlines: list[Deadline] = []
    queues: dict[str | None, list[Waiting]] = {}
    failed: list[Unplanned] = []
    for journey in listed_of("journeys", journeys, Journey):
        now = journey
        try:
            now = _seen(journey, begin, end)
            found = plan(now, at=max(begin, now.at or begin), limit=every_touch(now))
            touches += [touch for touch in found.touches if touch.at < end]
        except LeadlifeError as error:
            failed.append(Unplanned(journey.lead_id, error))  # its deadlines and its place in a queue stay
        deadlines += _deadlines(now, begin, end)
        for owner, waiting in _waiting(now):
            queues.setdefault(owner, []).append(waiting)
    touches.sort(key=lambda touch: (touch.at, -touch.priority, touch.lead, touch.programme))
    ordered = sorted(queues.items(), key=lambda item: (item[0] is None, item[0] or ""))
    return Day(
        begin=begin,
        end=end,
        touches=tuple(touches),
        deadlines=tuple(sorted(deadlines, key=lambda one: (one.at, one.lead))),
        queues={owner: tuple(sorted(leads, key=lambda one: (one.since, one.lead))) for owner, leads in ordered},
        failed=tuple(failed),
    )


def _seen(journey: Journey, begin: datetime, end: datetime) -> Journey:
    """Return a lead as the work of a day is seen from it."""
    if journey.at is None or journey.at <= begin:
        return journey.tick(begin)
    return journey if journey.at < end else journey.as_of(at=begin)


def _deadlines(journey: Journey, begin: datetime, end: datetime) -> list[Deadline]:
    found: list[Deadline] = []
    offer, stage = journey.handoff, journey.definition
    if offer is not None and offer.is_open and offer.deadline is not None and offer.deadline < end:
        what = f"an answer of {offer.to}"
        found.append(Deadline(offer.deadline, journey.lead_id, offer.to, what, offer.missed > 0))
    if stage is not None and stage.limit is not None:
        at = due(journey.visits[-1].entered, stage.limit.after, journey.playbook.zone_info)
        if begin <= at < end:
            what = f"the limit of {stage.id!r}, then {stage.limit.trigger}"
            found.append(Deadline(at, journey.lead_id, journey.owner, what, missed=False))
    return found


def _waiting(journey: Journey) -> list[tuple[str | None, Waiting]]:
    """Return who has a lead in their queue: its owner, and whoever it is offered to."""
    if journey.stage is None or journey.status is None or journey.status.closed:
        return []
    since = journey.visits[-1].entered
    found: list[tuple[str | None, Waiting]] = [
        (journey.owner, Waiting(journey.lead_id, journey.stage, since, offered=False))
    ]
    offer = journey.handoff
    if offer is not None and offer.is_open:
        found.append((offer.to, Waiting(journey.lead_id, journey.stage, since, offered=True)))
    return found
