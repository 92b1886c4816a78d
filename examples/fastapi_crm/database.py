"""The store of the CRM: its database, its playbook, and the clock that it goes by."""

import os
from datetime import UTC, datetime

from leadlife import FieldSpec, Points
from leadlife.presets import eight_stage
from leadlife.scoring import ActivityRule
from leadlife.stores import SqlStore
from leadlife.timing import elapsed

INTEREST = Points(
    name="interest",
    rules=[
        ActivityRule(name="talks", kinds=("call", "meeting", "reply"), points=20, half_life=elapsed(days=14)),
        ActivityRule(name="reads", kinds=("page_view", "download"), points=5, half_life=elapsed(days=7), at_most=6),
    ],
    bands={"cold": 0, "warm": 15, "hot": 35},
)
PLAYBOOK = (
    eight_stage()
    .with_fields(name=FieldSpec(personal=True), email=FieldSpec(personal=True), employees=FieldSpec(type="integer"))
    .with_score(INTEREST)
)


def open_store(url: str | None = None) -> SqlStore:
    """Open the store, and create its tables where they are not there yet."""
    return SqlStore(url or os.environ.get("CRM_DATABASE", "sqlite:///crm.db"), PLAYBOOK)


def clock() -> datetime:
    """Return the time. It is looked at once in each request, and handed on."""
    return datetime.now(UTC)
