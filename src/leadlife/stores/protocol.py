"""What every store does: the protocol that an adapter to another database implements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

from leadlife.journey import Journey
from leadlife.stores.finding import Several
from leadlife.stores.journeys import Saved
from leadlife.stores.lead_state import LeadState
from leadlife.stores.outbox import OutboxPosition, StoredFact
from leadlife.stores.sweeping import Swept


class Store(Protocol):
    """Keeps journeys, and lists where their leads stand. ``leadlife.testing.check_store`` tries one out."""

    def load(self, lead: str, *, pipeline: str = "main") -> Journey:
        """Return the journey of a lead, with all of its facts.

        Raises:
            UnknownLead: There is no such lead.
        """
        ...

    def save(self, journey: Journey, *, expected_version: int) -> Saved:
        """Keep what is new in a journey, all of it or nothing.

        Args:
            journey: A journey that goes on from the stored one.
            expected_version: The version that the stored one had when it was loaded; 0 for a new lead.

        Raises:
            VersionConflict: The stored one has another version.
            Malformed: The journey does not go on from the stored one.
        """
        ...

    def facts_since(self, position: OutboxPosition = ..., *, limit: int = 500) -> Sequence[StoredFact]:
        """Return the facts after a position, of all leads, in the order of the commits."""
        ...

    def find(
        self,
        *,
        stage: Several = None,
        status: Several = None,
        owner: Several = None,
        qualification: str | None = None,
        due_by: datetime | None = None,
        after: LeadState | tuple[str, str] | None = None,
        limit: int = 50,
    ) -> Sequence[LeadState]:
        """Return a page of leads by their current state, in the order of their keys."""
        ...

    def sweep(self, now: datetime, *, batch: int = 100) -> Iterator[Swept]:
        """Let time pass for every lead that is due, and yield what changed."""
        ...
