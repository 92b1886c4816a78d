"""Holding leads out: a score is judged by leads that it has not learned from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from math import ceil
from typing import Any, NamedTuple

from leadlife._base.outcomes import real, several
from leadlife.errors import Malformed
from leadlife.scoring.learned.win_table import ClosedLead
from leadlife.timing import instant


class Split(NamedTuple):
    """Closed leads, split at an instant.

    Attributes:
        at: The instant.
        train: Those whose outcome was known before it, the earliest first.
        test: Those that came in at it or later, the earliest first.
        between: Those that came in before it and closed at it or later: their outcome was not known, so they teach
            nothing, and a score at that instant may have been made of what they did before.
    """

    at: datetime
    train: tuple[ClosedLead, ...]
    test: tuple[ClosedLead, ...]
    between: tuple[ClosedLead, ...]


def train_early_test_late(leads: Iterable[ClosedLead], *, at: datetime | None = None, share: float = 0.7) -> Split:
    """Return closed leads split at an instant, so that nothing is learned from the future of those judged.

    Args:
        leads: Closed leads that say when they were made.
        at: The instant; by default the one before which ``share`` of the outcomes was known.
        share: Above 0 and below 1.

    Raises:
        Malformed: A lead does not say when it was made, or one side of the instant is empty.
    """
    known = sorted(_dated(several("closed leads", leads)), key=lambda lead: (lead.closed, lead.made))
    if not 0 < real("a share", share) < 1:
        raise Malformed("a share of outcomes lies above 0 and below 1")
    if at is None and not known:
        raise Malformed("there are no closed leads to split")
    cut = known[ceil(share * len(known)) - 1].closed if at is None else instant(at)
    train = tuple(lead for lead in known if lead.closed < cut)
    later = sorted((lead for lead in known if lead.closed >= cut), key=_made)
    test = tuple(lead for lead in later if _made(lead) >= cut)
    if not train or not test:
        side = "test" if train else "learn from"
        raise Malformed(
            f"no lead is left to {side} at {cut:%Y-%m-%d}", hint="split at another instant: at=, or another share="
        )
    return Split(cut, train, test, tuple(lead for lead in later if _made(lead) < cut))


def _dated(leads: Iterable[Any]) -> Iterator[ClosedLead]:
    for lead in leads:
        if not isinstance(lead, ClosedLead) or lead.made is None:
            raise Malformed("a split in time needs closed leads that say when they were made", hint="Closed(made=...)")
        if lead.made > lead.closed:
            raise Malformed("a lead closed before it was made")
        yield lead


def _made(lead: ClosedLead) -> datetime:
    return lead.made or lead.closed
