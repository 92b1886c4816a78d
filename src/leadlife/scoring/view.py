"""A lead and its activities at an instant, as policies and their criteria see them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from operator import attrgetter
from zoneinfo import ZoneInfo

from leadlife.criteria import Observation
from leadlife.errors import Malformed
from leadlife.leads import Activity, Lead
from leadlife.timing import instant, zone_named


class ScoringView:
    """What a policy sees: nothing after ``at``, and of the lead no more than its fields and its source.

    It is a :class:`View`; whatever a journey alone knows (stage, evidence, sales) is missing from it.
    """

    def __init__(
        self,
        lead: Lead,
        activities: Iterable[Activity],
        at: datetime,
        *,
        reports: Mapping[tuple[str, str], float] | None = None,
        standing: str | None = None,
        ordered: bool = False,
    ) -> None:
        """Look at a lead.

        Args:
            lead: The lead.
            activities: What it did, in any order.
            at: The instant.
            reports: By name and version, what was last reported for policies that the world answers; None where
                nobody keeps reports.
            standing: The stage the lead stands in, where a journey knows it: for policies that have learned from
                stages, not for criteria.
            ordered: Whether the activities are in an order of their own, oldest first, as a journey's are: of two at
                one instant the later recorded is then the latest.

        Raises:
            Malformed: This is no lead, no activity, or no instant.
        """
        if not isinstance(lead, Lead):
            raise Malformed("a policy scores a Lead", hint="Lead(id=..., fields={...})")
        self.at: datetime = instant(at)
        self.lead: Lead = lead
        self.given: tuple[Activity, ...] = _seen(activities, self.at)
        self.zone: ZoneInfo = zone_named("UTC")
        self.reports: Mapping[tuple[str, str], float] | None = reports
        self.standing: str | None = standing
        self.ordered: bool = ordered

    def in_zone(self, name: str) -> ScoringView:
        """Return the same sight by another zone's calendar."""
        new = object.__new__(type(self))
        vars(new).update(vars(self), zone=zone_named(name))
        return new

    def adding(self, activity: Activity) -> ScoringView:
        """Return the sight of a lead that did one thing more."""
        new = object.__new__(type(self))
        kept = {name: value for name, value in vars(self).items() if name not in ("in_order", "_by_kind")}
        vars(new).update(kept, given=(*self.given, activity))
        return new

    @cached_property
    def in_order(self) -> tuple[Activity, ...]:
        """The activities, oldest first; the order in which they were given means nothing, but in a journey."""
        if self.ordered:
            return self.given
        found = sorted(self.given, key=_when)
        if len(set(map(_when, found))) < len(found):
            found.sort(key=_order)
        return tuple(found)

    @cached_property
    def _by_kind(self) -> dict[str, list[Observation]]:
        found: dict[str, list[Observation]] = {}
        for place, one in enumerate(self.in_order):
            found.setdefault(one.kind, []).append(Observation(one.attributes, one.at, one.id or "", place))
        return found

    @cached_property
    def _fields(self) -> dict[str, Observation]:
        return {name: Observation(value, self.at, "", 0) for name, value in self.lead.fields.items()}

    @property
    def identified(self) -> Observation | None:
        """Whether the lead is in the database."""
        return Observation(True, self.at, "", 0) if self.lead.identified else None

    @property
    def sold(self) -> None:
        """A policy sees no sales."""

    @property
    def stage(self) -> None:
        """A policy sees no stage."""

    @property
    def left(self) -> None:
        """A policy sees no stage."""

    @property
    def cycle(self) -> None:
        """A policy sees no cycles."""

    @property
    def readiness(self) -> None:
        """A policy sees no readiness."""

    @property
    def roles(self) -> tuple[str, ...]:
        """Nobody asks."""
        return ()

    def field(self, name: str) -> Observation | None:
        """Return the value of a field."""
        return self._fields.get(name)

    def evidence(self, name: str) -> None:
        """A policy sees no evidence."""

    def qualification(self, name: str) -> None:
        """A policy sees no qualifications."""

    def score(self, name: str) -> None:
        """A policy sees no other score: combine policies instead."""

    def kinds(self) -> Iterable[str]:
        """Return the kinds of activity seen so far."""
        return self._by_kind

    def activities(
        self,
        kind: str,
        *,
        since_recycling: bool = False,  # noqa: ARG002 - a policy knows no recycling
    ) -> Iterator[Observation]:
        """Yield the activities of a kind, newest first."""
        yield from reversed(self._by_kind.get(kind, []))

    def first(self, kind: str) -> Observation | None:
        """Return the first activity of a kind."""
        return next(iter(self._by_kind.get(kind, [])), None)

    def total(self, kind: str) -> int:
        """Return how many activities of a kind there are."""
        return len(self._by_kind.get(kind, []))


_when = attrgetter("at")


def _order(one: Activity) -> tuple[datetime, str, str, str]:
    return one.at, one.id or "", one.kind, repr(sorted(one.attributes.items()))


def _seen(activities: Iterable[Activity], at: datetime) -> tuple[Activity, ...]:
    try:
        known = tuple(activities)
    except TypeError:
        raise Malformed("activities are several: a list of Activity") from None
    if not all(isinstance(one, Activity) for one in set(map(type, known)) - {Activity} and known):
        raise Malformed("a policy reads activities", hint="Activity(kind=..., at=...), or the activity of a fact")
    return tuple([one for one in known if one.at <= at])
