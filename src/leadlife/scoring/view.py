"""The view of a lead and its activities that criteria and policies read outside a journey."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from operator import attrgetter, eq
from typing import TypeVar
from zoneinfo import ZoneInfo

from leadlife.criteria import Observation, Scalar
from leadlife.criteria.view import OutsideJourney
from leadlife.errors import Malformed
from leadlife.leads import Activity, Lead, Source
from leadlife.timing import instant, zone_named

R = TypeVar("R")


class LeadView(OutsideJourney):
    """A lead and its activities at an instant, without those after ``at``.

    What exists in a journey only is missing here.
    """

    def __init__(self, lead: Lead, activities: Iterable[Activity], at: datetime) -> None:
        """Make the view.

        Args:
            lead: The lead.
            activities: Its activities, in any order.
            at: The instant.

        Raises:
            Malformed: The lead is not a Lead, an activity is not an Activity, or the instant is not an aware datetime.
        """
        if not isinstance(lead, Lead):
            raise Malformed(f"lead must be a Lead, not {type(lead).__name__}", hint="pass Lead(id=..., fields={...})")
        self.at: datetime = instant(at)
        self.lead: Lead = lead
        self.zone: ZoneInfo = zone_named("UTC")
        self._given = _until(activities, self.at)

    @property
    def history(self) -> tuple[Activity, ...]:
        """The activities, the oldest first; their given order has no effect."""
        return self._history

    @cached_property
    def _history(self) -> tuple[Activity, ...]:
        ordered = sorted(self._given, key=_when)
        instants = [activity.at for activity in ordered]
        # The full key is expensive. It is needed only if two activities have the same instant.
        if any(map(eq, instants, instants[1:])):
            ordered.sort(key=_order)
        return tuple(ordered)

    @cached_property
    def _by_kind(self) -> dict[str, list[Observation]]:
        by_kind: dict[str, list[Observation]] = {}
        for place, activity in enumerate(self._history):
            # tuple.__new__ skips the keyword handling of the NamedTuple: scoring a batch spends most of its time here.
            seen = tuple.__new__(Observation, (activity.attributes, activity.at, activity.id or "", place))
            by_kind.setdefault(activity.kind, []).append(seen)
        return by_kind

    @cached_property
    def _instants(self) -> dict[str, list[datetime]]:
        by_kind: dict[str, list[datetime]] = {}
        for activity in self._given:
            by_kind.setdefault(activity.kind, []).append(activity.at)
        for instants in by_kind.values():
            instants.sort(reverse=True)
        return by_kind

    @property
    def aged(self) -> datetime:
        """The instant itself: outside a journey there are no reviews."""
        return self.at

    def reviewed(self) -> LeadView:
        """Return the view itself, for the same reason."""
        return self

    @property
    def fields(self) -> Mapping[str, Scalar]:
        """The value of each field."""
        return self.lead.fields

    @property
    def source(self) -> Source | None:
        """The source of the lead."""
        return self.lead.source

    @property
    def identified(self) -> Observation | None:
        """Whether the lead is in the database."""
        return Observation(True, self.at, "", 0) if self.lead.identified else None

    def field(self, name: str) -> Observation | None:
        """Return the value of a field."""
        value = self.lead.fields.get(name)
        return None if value is None else Observation(value, self.at, "", 0)

    def shows(self, name: str) -> bool:  # noqa: ARG002 - signature of the protocol
        """Return False: outside a journey nobody says which fields are personal."""
        return False

    def consent(self, purpose: str) -> Observation | None:
        """Return what the lead agreed to, or not, for one use of its data."""
        found = [one.granted for one in self.lead.consents if one.purpose == purpose]
        return Observation(found[-1], self.at, "", 0) if found else None

    def kinds(self) -> Iterable[str]:
        """Return the kinds of activity so far."""
        return self._by_kind.keys()

    def activities(
        self,
        kind: str,
        *,
        since_recycling: bool = False,  # noqa: ARG002 - nothing is recycled outside a journey
    ) -> Iterator[Observation]:
        """Return the activities of a kind, the newest first."""
        return reversed(self._by_kind.get(kind, ()))

    def instants(self, kind: str, most: int | None = None) -> Sequence[datetime]:
        """Return when the activities of a kind happened, the newest first; only so many of them, if that is given."""
        # Most scores need no more than this, and the observations take longer to make than the sum.
        found = self._instants.get(kind, ())
        return found if most is None else found[:most]

    def first(self, kind: str) -> Observation | None:
        """Return the first activity of a kind."""
        return next(iter(self._by_kind.get(kind, ())), None)

    def total(self, kind: str) -> int:
        """Return how many activities of a kind there are."""
        return len(self._instants.get(kind, ()))

    def running(
        self,
        kind: str,
        key: str,  # noqa: ARG002 - nothing is kept outside a journey
        step: Callable[[R | None, Observation], R | None],
    ) -> R | None:
        """Return what a step makes of the activities of a kind, the oldest first."""
        done: R | None = None
        for seen in self._by_kind.get(kind, ()):
            done = step(done, seen)
        return done

    def in_zone(self, name: str) -> LeadView:
        """Return the same view with the calendar of another zone."""
        # Copied without __init__, which would validate and filter all activities again. Cached properties are kept.
        new = object.__new__(type(self))
        vars(new).update(vars(self), zone=zone_named(name))
        return new

    def adding(self, activity: Activity) -> LeadView:
        """Return the same view with one more activity."""
        new = object.__new__(type(self))
        kept = {name: value for name, value in vars(self).items() if name not in ("_history", "_by_kind", "_instants")}
        vars(new).update(kept, _given=(*self._given, activity))
        return new


_when = attrgetter("at")


def _order(activity: Activity) -> tuple[datetime, str, str, str]:
    return activity.at, activity.id or "", activity.kind, repr(sorted(activity.attributes.items()))


def _until(activities: Iterable[Activity], at: datetime) -> tuple[Activity, ...]:
    try:
        values = tuple(activities)
    except TypeError:
        raise Malformed("activities must be a list of Activity") from None
    # The set of types is usually {Activity}. Only if it holds others, each value is checked.
    if not all(isinstance(value, Activity) for value in set(map(type, values)) - {Activity} and values):
        raise Malformed(
            "activities must be a list of Activity", hint="pass Activity(kind=..., at=...), or the activity of a fact"
        )
    return tuple([activity for activity in values if activity.at <= at])
