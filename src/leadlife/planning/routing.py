"""Routing: who gets which lead, by ordered rules, skills, territories, load, hours and a fair turn.

A state goes in and a new one comes out, so that a batch that is split, or a process that starts again, goes on where
the last one ended; it never begins with the senior member again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Self

from pydantic import Field, model_validator

from leadlife._base.arguments import expect, listed_of
from leadlife._base.model import Definition, Id, MappingOf, Name, Names, OneOf, Text, TupleOf, default, identifier
from leadlife._base.outcomes import whole
from leadlife._frozen import FrozenDict
from leadlife.criteria import OptionalGuard
from leadlife.errors import Fault, GuardError, InvalidDefinition, Malformed, did_you_mean, repeated
from leadlife.journey import Journey
from leadlife.timing import BusinessHours, instant

if TYPE_CHECKING:
    from leadlife.playbook.playbook import Playbook


class Member(Definition):
    """A person who takes leads."""

    id: Id
    skills: Names = default(())
    territories: Names = default(())
    """The territories that the member covers; none means all."""
    weight: Annotated[int, Field(ge=1, le=1_000)] = 1
    """How large a share the member takes, in ``weighted`` turns."""
    capacity: Annotated[int, Field(ge=0)] | None = None
    """How many leads the member can work on at a time. Without one, any number."""
    hours: BusinessHours | None = None
    """When the member takes leads. Without one, always."""


class AssignmentMethod(StrEnum):
    """Whose turn it is among those who may take a lead."""

    ROUND_ROBIN = "round_robin"
    """The one who was assigned a lead least recently; what was assigned by hand counts."""
    WEIGHTED = "weighted"
    """Smooth weighted round robin; over any stretch, each has about its share, and nobody has a long run."""
    LEAST_LOADED = "least_loaded"
    """The one with the fewest open leads; of these, the one least recently assigned."""


class RoutingRule(Definition):
    """Who may take some leads."""

    name: Name
    when: OptionalGuard = default(None)
    """The leads that it is for. Without one, all."""
    members: Names = default(())
    """Who may take them; none means the whole team."""
    skills: Names = default(())
    """The skills that a member must have, all of them."""
    method: OneOf[AssignmentMethod] = default(AssignmentMethod.ROUND_ROBIN)
    queue: Name | None = None
    """Where the lead waits if nobody may take it; by default under the rule's name."""


class Team(Definition):
    """The members of a team and the rules by which leads are routed to them; the first rule that is true counts.

    >>> team = Team(members=[Member(id="ann"), Member(id="bob", capacity=20)])
    >>> [member.id for member in team.members]
    ['ann', 'bob']
    """

    members: TupleOf[Member]
    rules: TupleOf[RoutingRule] = default((RoutingRule(name="everybody"),))
    territory_field: Name | None = None
    """The field of a lead that names its territory."""
    account_field: Name | None = None
    """The field of a lead that names its account; whoever owns that gets the lead first, if they may take it."""
    meaning: Text = ""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        names = [member.id for member in self.members]
        faults = [*repeated("members", names), *repeated("rules", (rule.name for rule in self.rules))]
        if faults:
            raise InvalidDefinition("the team has faults", faults=faults)
        for rule in self.rules:
            for name in rule.members:
                if name not in names:
                    raise Malformed(
                        f"rule {rule.name!r} names {name!r}, who is not in the team", hint=did_you_mean(name, names)
                    )
        return self


class RoutingState(Definition):
    """What routing remembers from one batch to the next; :func:`route` returns the new one.

    Attributes are plain values, so a state is stored as JSON: ``state.model_dump_json()``.
    """

    assigned: MappingOf[str, int] = Field(default_factory=FrozenDict[str, int])
    """For each member, the number of the latest assignment; the larger, the more recent."""
    number: Annotated[int, Field(ge=0)] = 0
    """How many assignments there have been."""
    credits: MappingOf[str, MappingOf[str, int]] = Field(default_factory=FrozenDict[str, Any])
    """For each rule of ``weighted`` turns, how far each member is ahead of its share or behind."""
    loads: MappingOf[str, Annotated[int, Field(ge=0)]] = Field(default_factory=FrozenDict[str, int])
    """How many open leads each member has."""
    owners: MappingOf[str, str] = Field(default_factory=FrozenDict[str, str])
    """Who owns each account."""

    def by_hand(self, member: str, *, account: str | None = None) -> Self:
        """Return the state after somebody was assigned a lead by hand; it counts as a turn.

        Raises:
            Malformed: The member is not an id.
        """
        member = identifier(member)
        number, loads = self.number + 1, {**self.loads, member: self.loads.get(member, 0) + 1}
        owners = self.owners if account is None else {**self.owners, account: member}
        return self.replace(assigned={**self.assigned, member: number}, number=number, loads=loads, owners=owners)

    def closed(self, member: str, leads: int = 1) -> Self:
        """Return the state after a member has so many open leads fewer.

        Raises:
            Malformed: The member has not so many, or that is not a whole number.
        """
        member = identifier(member)
        left = self.loads.get(member, 0) - whole("leads", leads, least=0)
        if left < 0:
            raise Malformed(f"{member!r} has only {self.loads.get(member, 0)} open leads", hint="count what is open")
        return self.replace(loads={**self.loads, member: left})


class Skipped(NamedTuple):
    """A member who did not get a lead, and why."""

    member: str
    why: str


class Assignment(NamedTuple):
    """Who got a lead, and why.

    Attributes:
        lead: Which lead.
        member: Who got it; None where it waits in a queue.
        rule: The rule that decided; None where no rule is for this lead.
        why: Why this member, or why nobody.
        skipped: Those whose turn it was before, and why they did not get it.
        queue: Where it waits; None where somebody got it.
    """

    lead: str
    member: str | None
    rule: str | None
    why: str
    skipped: tuple[Skipped, ...] = ()
    queue: str | None = None

    def __str__(self) -> str:
        skipped = "".join(f"; not {one.member}: {one.why}" for one in self.skipped)
        return f"{self.lead} to {self.member or f'the queue {self.queue}'}: {self.why}{skipped}"


class Assignments(NamedTuple):
    """What became of a batch.

    Attributes:
        made: One for each lead, in their order.
        state: What routing remembers after it, for the next batch.
    """

    made: tuple[Assignment, ...]
    state: RoutingState

    @property
    def waiting(self) -> tuple[Assignment, ...]:
        """Those that wait in a queue."""
        return tuple(one for one in self.made if one.member is None)

    def __str__(self) -> str:
        return "\n".join(map(str, self.made))


def route(leads: Iterable[Journey], team: Team, state: RoutingState | None = None, *, at: datetime) -> Assignments:
    """Return who gets each lead, in the order in which they are given.

    Args:
        leads: The leads.
        team: Who takes leads, and by which rules.
        state: What the batch before remembered; None for the first.
        at: When they are routed, for business hours and for the rules.

    Raises:
        Malformed: ``at`` is not an aware datetime.
        InvalidDefinition: A rule asks for something that the playbook of a lead does not have.
    """
    at = instant(at)
    expect("team", team, Team, hint="pass Team(members=[...])")
    if state is not None:
        expect("state", state, RoutingState, hint="pass the state of the batch before, or None")
    router = _Router(team, state or RoutingState(), at)
    made = tuple(router.assign(journey) for journey in listed_of("leads", leads, Journey))
    return Assignments(made, router.state())


class _Seat:
    """A member while leads are routed."""

    __slots__ = ("asleep", "assigned", "capacity", "id", "load", "place", "skills", "territories", "weight")

    def __init__(self, member: Member, place: int, state: RoutingState, at: datetime) -> None:
        self.id = member.id
        self.place = place
        self.weight = member.weight
        self.skills = frozenset(member.skills)
        self.territories = frozenset(member.territories)
        self.capacity = member.capacity
        self.asleep: bool = member.hours is not None and not member.hours.is_open(at)
        self.load: int = state.loads.get(member.id, 0)
        self.assigned: int = state.assigned.get(member.id, 0)

    def objection(self, territory: str | None) -> str | None:
        """Return why the member may not take a lead; None where nothing speaks against it."""
        if self.capacity is not None and self.load >= self.capacity:
            return f"has {self.load} open lead{'' if self.load == 1 else 's'}, the most it can"
        if self.asleep:
            return "does not work at this hour"
        if territory is not None and self.territories and territory not in self.territories:
            return f"does not cover {territory}"
        return None


class _Router:
    """Routing while it lasts, on seats and dictionaries that no caller sees."""

    def __init__(self, team: Team, state: RoutingState, at: datetime) -> None:
        self._team = team
        self._at = at
        self._before = state
        self._number: int = state.number
        self._owners: dict[str, str] = dict(state.owners)
        self._seats = {member.id: _Seat(member, place, state, at) for place, member in enumerate(team.members)}
        self._pools: dict[str, dict[str, _Seat]] = {rule.name: self._pool(rule) for rule in team.rules}
        self._credits: dict[str, dict[str, int]] = {
            rule.name: dict(state.credits.get(rule.name, {})) for rule in team.rules
        }
        self._checked: set[int] = set()

    def _pool(self, rule: RoutingRule) -> dict[str, _Seat]:
        """Return who a rule is for, by name and by skill, the one first who was assigned a lead least recently."""
        named = self._seats.values() if not rule.members else [self._seats[name] for name in rule.members]
        able = [seat for seat in named if seat.skills.issuperset(rule.skills)]
        able.sort(key=lambda seat: (seat.assigned, seat.place))
        return {seat.id: seat for seat in able}

    def state(self) -> RoutingState:
        before, seats = self._before, self._seats.values()
        earned = {rule: held for rule, held in {**before.credits, **self._credits}.items() if held}
        return RoutingState(
            # Whoever has left the team is remembered as well, for the day on which they come back.
            assigned={**before.assigned, **{seat.id: seat.assigned for seat in seats if seat.assigned}},
            number=self._number,
            credits=earned,
            loads={**before.loads, **{seat.id: seat.load for seat in seats if seat.load}},
            owners=self._owners,
        )

    def assign(self, journey: Journey) -> Assignment:
        """Return who gets a lead."""
        self._check(journey.playbook)
        rule = self._rule(journey)
        if rule is None:
            return Assignment(journey.lead_id, None, None, "no rule is for this lead", (), "no rule")
        territory, account = self._asked(journey)
        owner = None if account is None else self._seats.get(self._owners.get(account, ""))
        # An account's owner keeps it wherever the lead is.
        if owner is not None and owner.objection(None) is None:
            self._take(owner, account)
            return Assignment(journey.lead_id, owner.id, rule.name, f"owns the account {account}")
        skipped: list[Skipped] = []
        chosen, why = self._turn(rule, territory, skipped)
        if chosen is None:
            why = "nobody may take it" if self._pools[rule.name] else "nobody has the skills"
            return Assignment(journey.lead_id, None, rule.name, why, tuple(skipped), rule.queue or rule.name)
        self._take(chosen, account)
        return Assignment(journey.lead_id, chosen.id, rule.name, why, tuple(skipped))

    def _asked(self, journey: Journey) -> tuple[str | None, str | None]:
        """Return the territory and the account of a lead; None where they are blank."""
        team = self._team
        if team.territory_field is None and team.account_field is None:
            return None, None
        fields = journey.fields
        return _asked_text(fields.get(team.territory_field or "")), _asked_text(fields.get(team.account_field or ""))

    def _rule(self, journey: Journey) -> RoutingRule | None:
        state = None
        for rule in self._team.rules:
            if rule.when is None:
                return rule
            state = state or journey.contact_state(at=self._at)
            with suppress(GuardError):  # code that breaks selects nothing, as anywhere
                if state.is_true(rule.when, self._at):
                    return rule
        return None

    def _check(self, playbook: Playbook) -> None:
        """Check once for each playbook that the team uses only what it declares."""
        if id(playbook) in self._checked:
            return
        named = (("territory_field", self._team.territory_field), ("account_field", self._team.account_field))
        faults = [
            Fault(path, f"field {name!r} is not declared", did_you_mean(name, playbook.fields))
            for path, name in named
            if name is not None and name not in playbook.fields
        ]
        faults += [
            fault
            for place, rule in enumerate(self._team.rules)
            if rule.when is not None
            for fault in playbook.faults_in(rule.when, path=f"rules.{place}.when")
        ]
        if faults:
            raise InvalidDefinition("the team asks for what the playbook does not have:", faults=faults)
        self._checked.add(id(playbook))

    def _turn(self, rule: RoutingRule, territory: str | None, skipped: list[Skipped]) -> tuple[_Seat | None, str]:
        """Return whose turn it is, and why; those whose turn would have been before are noted as skipped."""
        first_only, able = rule.method is AssignmentMethod.ROUND_ROBIN, list[_Seat]()
        for seat in self._pools[rule.name].values():
            objection = seat.objection(territory)
            if objection is not None:
                skipped.append(Skipped(seat.id, objection))
                continue
            able.append(seat)
            if first_only:
                return seat, "was assigned a lead least recently"
        if not able:
            return None, ""
        if rule.method is AssignmentMethod.LEAST_LOADED:
            chosen = min(able, key=attrgetter("load"))  # of equals, the first
            return chosen, f"has the fewest open leads, {chosen.load}"
        # Smooth weighted round robin: each earns its weight; the richest is chosen, and pays what all have earned.
        earned, total, chosen, most = self._credits[rule.name], 0, able[0], None
        for seat in able:
            total += seat.weight
            mine = earned[seat.id] = earned.get(seat.id, 0) + seat.weight
            if most is None or mine > most or (mine == most and seat.place < chosen.place):
                chosen, most = seat, mine
        earned[chosen.id] -= total
        return chosen, f"is the furthest behind its share, weight {chosen.weight}"

    def _take(self, seat: _Seat, account: str | None) -> None:
        # Turns are numbered and not dated, so that two assignments of one instant keep their order.
        self._number += 1
        seat.assigned = self._number
        seat.load += 1
        for pool in self._pools.values():
            if seat.id in pool:
                pool[seat.id] = pool.pop(seat.id)  # a dictionary keeps the order in which its keys were added
        # An account whose owner has left the team gets another one.
        if account is not None and self._owners.get(account) not in self._seats:
            self._owners[account] = seat.id


def _asked_text(value: object) -> str | None:
    """Return a value as text to compare; None for a blank."""
    text = "" if value is None else str(value).strip()
    return text or None


def assignment_loads(journeys: Iterable[Journey]) -> Mapping[str, int]:
    """Return how many open leads each owner has, from the journeys themselves."""
    loads: dict[str, int] = {}
    for journey in listed_of("journeys", journeys, Journey):
        if journey.owner is not None and journey.status is not None and not journey.status.closed:
            loads[journey.owner] = loads.get(journey.owner, 0) + 1
    return loads
