"""Splits of closed leads in time: a score is evaluated on leads that it was not trained on."""

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
        train: The leads that closed before it, the earliest first.
        test: The leads that came in at it or later, the earliest first.
        between: The leads that came in before it and closed at it or later. They are on neither side: their outcome
            was not known at the instant, and part of their history lies before it.
    """

    at: datetime
    train: tuple[ClosedLead, ...]
    test: tuple[ClosedLead, ...]
    between: tuple[ClosedLead, ...]


def train_early_test_late(leads: Iterable[ClosedLead], *, at: datetime | None = None, share: float = 0.7) -> Split:
    """Return closed leads split at an instant, so that training uses nothing from the future of the test leads.

    Args:
        leads: Closed leads with ``made``, the instant at which they came in.
        at: The instant of the split; by default the instant before which ``share`` of the outcomes was known.
        share: The share of outcomes before the split, above 0 and below 1. Not used if ``at`` is given.

    Raises:
        Malformed: A lead has no ``made``, or no lead is left to train on or to test on.
    """
    known = sorted(_dated(several("closed leads", leads)), key=lambda lead: (lead.closed, lead.made))
    if not 0 < real("a share", share) < 1:
        raise Malformed("share must be above 0 and below 1")
    if at is None and not known:
        raise Malformed("there are no closed leads to split")
    cut = known[ceil(share * len(known)) - 1].closed if at is None else instant(at)
    train = tuple(lead for lead in known if lead.closed < cut)
    later = sorted((lead for lead in known if lead.closed >= cut), key=_made)
    test = tuple(lead for lead in later if _made(lead) >= cut)
    if not train or not test:
        use = "test on" if train else "train on"
        raise Malformed(
            f"a split at {cut:%Y-%m-%d} leaves no leads to {use}", hint="choose another instant with at= or share="
        )
    return Split(cut, train, test, tuple(lead for lead in later if _made(lead) < cut))


def _dated(leads: Iterable[Any]) -> Iterator[ClosedLead]:
    for lead in leads:
        if not isinstance(lead, ClosedLead) or lead.made is None:
            raise Malformed("a split in time needs closed leads with made", hint="ClosedLead(..., made=...)")
        if lead.made > lead.closed:
            raise Malformed("a lead closed before it was made", hint="made must not be later than closed")
        yield lead


def _made(lead: ClosedLead) -> datetime:
    return lead.made or lead.closed
