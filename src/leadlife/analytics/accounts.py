"""Accounts: several leads of one company, or of one group of buyers, seen as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from leadlife._base.arguments import listed_of
from leadlife.errors import Malformed
from leadlife.journey import Journey
from leadlife.lifecycle.stages import StageStatus


class Account(NamedTuple):
    """The leads of one account.

    Attributes:
        name: The account.
        journeys: Its leads, in the order in which they were given.
        role_of: By lead, the role in the buying group; leads without one are left out.
    """

    name: str
    journeys: tuple[Journey, ...]
    role_of: Mapping[str, str]

    @property
    def leads(self) -> tuple[str, ...]:
        """The ids of its leads."""
        return tuple(journey.lead_id for journey in self.journeys)

    @property
    def furthest(self) -> Journey | None:
        """The lead that stands furthest along, a customer or else the furthest on the success path of those in play."""
        started = [journey for journey in self.journeys if journey.stage is not None]
        return max(started, key=_how_far, default=None)

    @property
    def stages(self) -> dict[str, int]:
        """How many of its leads stand in each stage."""
        return dict(Counter(journey.stage for journey in self.journeys if journey.stage is not None))

    @property
    def wins(self) -> int:
        """How often its leads bought."""
        return sum(cycle.outcome is StageStatus.WON for journey in self.journeys for cycle in journey.cycles)

    @property
    def qualifications(self) -> dict[str, tuple[str, ...]]:
        """By qualification, the leads that hold it."""
        held: dict[str, list[str]] = {}
        for journey in self.journeys:
            for name in journey.qualifications:
                held.setdefault(name, []).append(journey.lead_id)
        return {name: tuple(leads) for name, leads in sorted(held.items())}

    @property
    def roles(self) -> dict[str, tuple[str, ...]]:
        """By role in the buying group, the leads that have it."""
        found: dict[str, list[str]] = {}
        for lead, role in self.role_of.items():
            found.setdefault(role, []).append(lead)
        return {role: tuple(leads) for role, leads in sorted(found.items())}

    def missing(self, roles: Iterable[str]) -> tuple[str, ...]:
        """Return the roles of a complete buying group that no lead of the account has."""
        return tuple(role for role in roles if role not in self.roles)


def _how_far(journey: Journey) -> tuple[int, int]:
    won = journey.status is StageStatus.WON
    in_play = journey.status is StageStatus.OPEN
    rank = journey.playbook.lifecycle.table.rank
    return 2 if won else 1 if in_play else 0, rank.get(journey.stage or "", -1)


def roll_up(
    journeys: Iterable[Journey], *, account: str | Callable[[Journey], str | None], role: str | None = None
) -> tuple[Account, ...]:
    """Return the accounts of journeys, by name; leads without an account are left out.

    It is a view: nothing is stored, and a lead may change its account with the next fact.

    Args:
        journeys: The leads.
        account: The field that names a lead's account, or a function that does.
        role: The field that names a lead's role in the buying group.

    Raises:
        Malformed: An argument cannot be understood.
    """
    if not (isinstance(account, str) or callable(account)):
        raise Malformed("account must be the name of a field, or a function of a journey")
    members: dict[str, list[Journey]] = {}
    for journey in listed_of("journeys", journeys, Journey):
        name = _text(journey.fields.get(account)) if isinstance(account, str) else account(journey)
        if name is not None:
            members.setdefault(name, []).append(journey)
    return tuple(
        Account(name, tuple(several), {} if role is None else _roles(several, role))
        for name, several in sorted(members.items())
    )


def _roles(journeys: Iterable[Journey], field: str) -> dict[str, str]:
    named = ((journey.lead_id, _text(journey.fields.get(field))) for journey in journeys)
    return {lead: role for lead, role in named if role is not None}


def _text(value: object) -> str | None:
    return None if value is None else str(value)
