"""A simulated world for demos, docs and notebooks without a real export: seeded, invented and labelled as such.

Its leads follow the ``eight_stage`` preset. None of its rates is an estimate of real ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import exp, log1p
from random import Random
from typing import NamedTuple

from leadlife.facts import ActivityRecorded, EvidenceGiven, Fact, Moved, Sold
from leadlife.journey import Journey
from leadlife.leads import Actor, Lead, Source
from leadlife.playbook.playbook import Playbook
from leadlife.presets import eight_stage

LABEL = "a simulated world: seeded and made up, no real leads"
WORLD_BEGINS = datetime(2025, 1, 6, 9, tzinfo=UTC)
SALES = Actor(id="sales rep", roles=("sales",))
MARKETER = Actor(id="marketer", roles=("marketing",))


class Channel(NamedTuple):
    """An invented channel: its share of the leads, their success and their speed."""

    name: str
    share: float
    advance: float
    """The chance that a lead takes the next step."""
    pace: float
    """The mean days between steps."""


CHANNELS = (
    Channel("organic_search", 0.30, 0.80, 9.0),
    Channel("paid_search", 0.35, 0.66, 5.0),
    Channel("named_account", 0.10, 0.84, 14.0),
    Channel("referral", 0.10, 0.90, 6.0),
    Channel("conference", 0.15, 0.60, 8.0),
)

_STEPS: tuple[tuple[str, Actor, tuple[str, str] | None], ...] = (
    ("engage", MARKETER, ("activity", "call")),
    ("fit", MARKETER, ("evidence", "fit")),
    ("qualify", MARKETER, ("evidence", "mql")),
    ("accept", SALES, None),
    ("open", SALES, ("evidence", "sql")),
)


class World(NamedTuple):
    """A simulated world.

    Attributes:
        label: A text that says that the world is simulated.
        playbook: The playbook that its leads follow.
        journeys: Its leads.
        as_of: The end of observation.
    """

    label: str
    playbook: Playbook
    journeys: tuple[Journey, ...]
    as_of: datetime


def simulate(leads: int = 400, *, seed: int = 7, days: int = 360) -> World:
    """Return a simulated world with a number of leads that enter over a number of days; a seed gives the same world."""
    random, playbook = Random(seed), eight_stage()  # noqa: S311 - a toy world, not a secret
    as_of = WORLD_BEGINS + timedelta(days=days)
    journeys = tuple(
        _journey(f"simulated-{number:04}", random, playbook, days, as_of) for number in range(1, leads + 1)
    )
    return World(LABEL, playbook, journeys, as_of)


def _journey(lead: str, random: Random, playbook: Playbook, days: int, as_of: datetime) -> Journey:
    channel = random.choices(CHANNELS, weights=[one.share for one in CHANNELS])[0]
    at = WORLD_BEGINS + timedelta(days=random.uniform(0, days))
    source = Source(channel=channel.name)
    journey = Journey.start(Lead(id=lead, identified=True), playbook, at=at, stage="name", source=source)
    for fact in _steps(channel, random, at):
        if fact.at > as_of or journey.tick(fact.at).stage in ("recycled", "lost", "disqualified"):
            break
        journey = journey.record(fact)
    return journey


def _steps(channel: Channel, random: Random, at: datetime) -> Iterator[Fact]:
    for trigger, actor, need in _STEPS:
        at += timedelta(days=random.expovariate(1 / channel.pace))
        if random.random() > channel.advance:
            yield Moved(trigger="disqualify", reason="poor fit", at=at, by=actor)
            return
        if need is not None:
            kind, name = need
            yield ActivityRecorded(kind=name, at=at) if kind == "activity" else EvidenceGiven(name=name, at=at)
        yield Moved(trigger=trigger, at=at, by=actor)
    at += timedelta(days=random.expovariate(1 / (2 * channel.pace)))
    if random.random() < channel.advance:
        yield Sold(at=at, by=SALES)
    else:
        yield Moved(trigger="lose", reason=random.choice(("pricing", "competition")), at=at, by=SALES)


class Intake(NamedTuple):
    """A simulated table of leads with outcomes: answers to a form, counts of a website, and two leaks.

    Attributes:
        label: A text that says that the table is simulated.
        columns: The values of each column. ``won`` is the outcome. ``contract`` and ``tag`` are the leaks: they were
            filled in when the outcome was known.
    """

    label: str
    columns: dict[str, list[str | int | float | None]]


# Name, share of the leads, and effect on the log-odds of winning.
_ROLES = (("owner", 0.15, 0.9), ("manager", 0.35, 0.3), ("student", 0.3, -1.0), (None, 0.2, -0.4))
_SITES = (("demo form", 0.25, 0.8), ("newsletter", 0.45, -0.3), ("chat", 0.3, 0.0))
_ANSWERED, _NOTED = 0.8, 0.9


def intake(leads: int = 3_000, *, seed: int = 7) -> Intake:
    """Return a simulated table with a number of closed leads; a seed gives the same table."""
    random = Random(seed)  # noqa: S311 - a toy world, not a secret
    names = ("id", "channel", "first form", "role", "employees", "visits", "minutes", "contract", "tag", "won")
    columns: dict[str, list[str | int | float | None]] = {name: [] for name in names}
    for number in range(1, leads + 1):
        channel = random.choices(CHANNELS, weights=[one.share for one in CHANNELS])[0]
        role, _, role_effect = random.choices(_ROLES, weights=[one[1] for one in _ROLES])[0]
        form, _, form_effect = random.choices(_SITES, weights=[one[1] for one in _SITES])[0]
        employees = round(random.lognormvariate(3, 1.2))
        minutes = round(random.expovariate(1 / 9), 1)
        visits = 1 + int(minutes / 4 + random.expovariate(1 / 2))
        log_odds = (
            8 * (channel.advance - 0.75) + role_effect + form_effect + 0.4 * log1p(employees) + 0.09 * minutes - 3.2
        )
        won = random.random() < 1 / (1 + exp(-log_odds))
        row = (
            f"simulated-{number:04}",
            channel.name,
            form,
            role,
            employees if random.random() < _ANSWERED else None,
            visits,
            minutes,
            f"C-{number:05}" if won and random.random() < _NOTED else None,
            random.choice(("will buy", "called back") if won else ("not now", "no answer", "called back")),
            int(won),
        )
        for name, value in zip(names, row, strict=True):
            columns[name].append(value)
    return Intake(LABEL, columns)
