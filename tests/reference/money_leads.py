"""Leads with money, under the reference preset."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from leadlife import Actor, EvidenceGiven, FieldSpec, Journey, Lead, Money, Moved, Sold, Source
from leadlife.presets import eight_stage

T0 = datetime(2026, 1, 5, 9, tzinfo=UTC)
DAY = timedelta(days=1)
SALES = Actor(id="sam", roles=("sales",))
BOOK = eight_stage().replace(fields={"region": FieldSpec()})


def eur(amount):
    return Money.of(amount, "EUR")


class Made:
    """A lead that is being made; every step returns a new one."""

    def __init__(self, name, *, source="ads", day=0, pipeline="main", book=BOOK, fields=None, **lead):
        own = Lead(
            id=name, identified=True, source=Source(channel=source) if source else None, fields=fields or {}, **lead
        )
        self.journey = Journey.start(own, book, at=T0 + day * DAY, stage="name", pipeline=pipeline)

    def add(self, fact, day=None, **content):
        made = fact(at=T0 + day * DAY, **content) if isinstance(fact, type) else fact
        self.journey = self.journey.record(made)
        return self

    def opportunity(self, day):
        self.add(EvidenceGiven, day, name="sql", by=SALES)
        return self.add(Moved, day, trigger="rush_to_opportunity", by=SALES)

    def won(self, day, amount="100.00", **more):
        self.opportunity(day)
        return self.add(Sold, day, amount=eur(amount), by=SALES, **more)

    def lost(self, day):
        self.opportunity(day)
        return self.add(Moved, day, trigger="lose", reason="pricing", by=SALES)

    def recycled(self, day):
        return self.add(Moved, day, trigger="recycle", reason="pricing", by=SALES)


@pytest.fixture
def made():
    return Made
