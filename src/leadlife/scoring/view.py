"""A lead and its activities as criteria and policies see them: for scores outside a journey."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cached_property
from operator import attrgetter
from zoneinfo import ZoneInfo

from leadlife.criteria import Observation, Scalar
from leadlife.errors import Malformed
from leadlife.leads import Activity, Lead, Source
from leadlife.timing import instant, zone_named


class LeadView:
    """A lead and its activities at an instant; nothing after ``at`` is seen.

    What a journey alone knows (stage, evidence, sales, qualifications) is missing.
    """

    def __init__(self, lead: Lead, activities: Iterable[Activity], at: datetime) -> None:
        """Look at a lead.

        Args:
            lead: The lead.
            activities: What it did, in any order.
            at: The instant.

        Raises:
            Malformed: A value is not a lead, not an activity, or not an instant.
        """
        if not isinstance(lead, Lead):
            raise Malformed(f"a policy scores a Lead, not a {type(lead).__name__}", hint="Lead(id=..., fields={...})")
        self.at: datetime = instant(at)
        self.lead: Lead = lead
        self.zone: ZoneInfo = zone_named("UTC")
        self._given = _until(activities, self.at)

    @cached_property
    def history(self) -> tuple[Activity, ...]:
        """The activities, oldest first, whatever the order in which they were given."""
        found = sorted(self._given, key=_when)
        if len(set(map(_when, found))) < len(found):
            found.sort(key=_order)
        return tuple(found)

    @cached_property
    def _by_kind(self) -> dict[str, list[Observation]]:
        found: dict[str, list[Observation]] = {}
        for place, one in enumerate(self.history):
            # Made as the tuple that it is: a score of a batch spends most of its time here.
            seen = tuple.__new__(Observation, (one.attributes, one.at, one.id or "", place))
            found.setdefault(one.kind, []).append(seen)
        return found

    @property
    def fields(self) -> dict[str, Scalar]:
        """The value of each field."""
        return self.lead.fields

    @property
    def source(self) -> Source | None:
        """Where the lead comes from."""
        return self.lead.source

    @property
    def identified(self) -> Observation | None:
        """Whether the lead is in the database."""
        return Observation(True, self.at, "", 0) if self.lead.identified else None

    @property
    def sold(self) -> None:
        """There are no sales to see."""

    @property
    def stage(self) -> None:
        """There is no stage to see."""

    @property
    def left(self) -> None:
        """There is no stage to see."""

    @property
    def cycle(self) -> None:
        """There are no cycles to see."""

    @property
    def readiness(self) -> None:
        """There is no readiness to see."""

    @property
    def roles(self) -> tuple[str, ...]:
        """There is no actor who asks."""
        return ()

    @property
    def keeps_reports(self) -> bool:
        """False: outside a journey no reported scores are remembered."""
        return False

    def reported(self, policy: str, version: str) -> None:
        """Return None: outside a journey no reported scores are remembered."""

    def field(self, name: str) -> Observation | None:
        """Return the value of a field."""
        value = self.lead.fields.get(name)
        return None if value is None else Observation(value, self.at, "", 0)

    def evidence(self, name: str) -> None:
        """Return None: there is no evidence to see."""

    def qualification(self, name: str) -> None:
        """Return None: there are no qualifications to see."""

    def score(self, name: str) -> None:
        """Return None: a policy sees no other score; combine policies instead."""

    def kinds(self) -> Iterable[str]:
        """Return the kinds of activity seen so far."""
        return self._by_kind

    def activities(
        self,
        kind: str,
        *,
        since_recycling: bool = False,  # noqa: ARG002 - nothing is recycled outside a journey
    ) -> Iterator[Observation]:
        """Return the activities of a kind, newest first."""
        return reversed(self._by_kind.get(kind, ()))

    def first(self, kind: str) -> Observation | None:
        """Return the first activity of a kind."""
        return next(iter(self._by_kind.get(kind, ())), None)

    def total(self, kind: str) -> int:
        """Return how many activities of a kind there are."""
        return len(self._by_kind.get(kind, ()))

    def in_zone(self, name: str) -> LeadView:
        """Return the same view by the calendar of another zone."""
        new = object.__new__(type(self))
        vars(new).update(vars(self), zone=zone_named(name))
        return new

    def adding(self, activity: Activity) -> LeadView:
        """Return the view of a lead that did one thing more."""
        new = object.__new__(type(self))
        kept = {name: value for name, value in vars(self).items() if name not in ("history", "_by_kind")}
        vars(new).update(kept, _given=(*self._given, activity))
        return new


_when = attrgetter("at")


def _order(one: Activity) -> tuple[datetime, str, str, str]:
    return one.at, one.id or "", one.kind, repr(sorted(one.attributes.items()))


def _until(activities: Iterable[Activity], at: datetime) -> tuple[Activity, ...]:
    try:
        known = tuple(activities)
    except TypeError:
        raise Malformed("activities must be a list of Activity") from None
    # The types are compared as a set first: in a batch they are all the same.
    if not all(isinstance(one, Activity) for one in set(map(type, known)) - {Activity} and known):
        raise Malformed("a policy reads activities", hint="Activity(kind=..., at=...), or the activity of a fact")
    return tuple([one for one in known if one.at <= at])
