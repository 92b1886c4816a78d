"""A simulated table of leads with outcomes, for learning without a real export: seeded, invented and labelled as such.

None of its rates is an estimate of real ones.
"""

from __future__ import annotations

from math import exp, log1p
from random import Random
from typing import NamedTuple

LABEL = "a simulated table: seeded and made up, no real leads"

# Name, share of the leads, and effect on the log-odds of winning.
_CHANNELS = (
    ("organic_search", 0.30, 0.4),
    ("paid_search", 0.35, -0.72),
    ("named_account", 0.10, 0.72),
    ("referral", 0.10, 1.2),
    ("conference", 0.15, -1.2),
)


class Intake(NamedTuple):
    """A simulated table of leads with outcomes: answers to a form, counts of a website, and two leaks.

    Attributes:
        label: A text that says that the table is simulated.
        columns: The values of each column. ``won`` is the outcome. ``contract`` and ``tag`` are the leaks: they were
            filled in when the outcome was known.
    """

    label: str
    columns: dict[str, list[str | int | float | None]]


_ROLES = (("owner", 0.15, 0.9), ("manager", 0.35, 0.3), ("student", 0.3, -1.0), (None, 0.2, -0.4))
_SITES = (("demo form", 0.25, 0.8), ("newsletter", 0.45, -0.3), ("chat", 0.3, 0.0))
_ANSWERED, _NOTED = 0.8, 0.9


def intake(leads: int = 3_000, *, seed: int = 7) -> Intake:
    """Return a simulated table with a number of closed leads; a seed gives the same table."""
    random = Random(seed)  # noqa: S311 - a toy world, not a secret
    names = ("id", "channel", "first form", "role", "employees", "visits", "minutes", "contract", "tag", "won")
    columns: dict[str, list[str | int | float | None]] = {name: [] for name in names}
    for number in range(1, leads + 1):
        channel, _, channel_effect = random.choices(_CHANNELS, weights=[one[1] for one in _CHANNELS])[0]
        role, _, role_effect = random.choices(_ROLES, weights=[one[1] for one in _ROLES])[0]
        form, _, form_effect = random.choices(_SITES, weights=[one[1] for one in _SITES])[0]
        employees = round(random.lognormvariate(3, 1.2))
        minutes = round(random.expovariate(1 / 9), 1)
        visits = 1 + int(minutes / 4 + random.expovariate(1 / 2))
        log_odds = channel_effect + role_effect + form_effect + 0.4 * log1p(employees) + 0.09 * minutes - 3.2
        won = random.random() < 1 / (1 + exp(-log_odds))
        row = (
            f"simulated-{number:04}",
            channel,
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
