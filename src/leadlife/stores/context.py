"""What the functions of a store work with."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from leadlife.facts import Fact
from leadlife.stores.agreements import Agreements
from leadlife.stores.database import Database

OnNew = Callable[[tuple[Fact, ...]], object]
"""What a host does with new facts: it is called after they are committed."""


class StoreContext(NamedTuple):
    """What the functions of a store work with.

    Attributes:
        database: Where the rows are.
        agreements: The playbooks.
        chained: Whether the store keeps tamper evidence.
        on_new: What is called with new facts after they are committed; None for nothing.
        snapshot_every: After so many new facts a snapshot of a lead is kept.
    """

    database: Database
    agreements: Agreements
    chained: bool
    on_new: OnNew | None
    snapshot_every: int
