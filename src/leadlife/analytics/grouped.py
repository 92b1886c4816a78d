"""The leads behind every figure: each once, as of an instant, in groups. Figures that share a count take it here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from leadlife._base.arguments import expect
from leadlife.analytics.cautions import Caution, about_journeys, cautions, winners_only
from leadlife.analytics.lead_outcomes import LeadOutcome, by_lead, lead_outcomes
from leadlife.analytics.stage_names import StageNames
from leadlife.errors import Malformed, UnknownName, did_you_mean
from leadlife.journey import Journey
from leadlife.playbook.playbook import Playbook

SOURCE, LEAD_TYPE, PIPELINE = "source", "lead_type", "pipeline"
OWN = (SOURCE, LEAD_TYPE, PIPELINE, f"cycle.{SOURCE}", f"cycle.{LEAD_TYPE}", f"journey.{PIPELINE}")
"""The names to group by besides fields; the long form is for playbooks that have a field with the short name."""


class GroupedLeads(NamedTuple):
    """Leads as of an instant, in groups.

    Attributes:
        playbook: The playbook with the fields, the stages and the zone.
        by: What the groups are; None for no groups.
        journeys: Each journey once, as it was at the instant.
        rows: The outcome of each lead that had entered.
        groups: The same, by what they have in common; a lead with journeys in two pipelines is in two groups by those.
        warnings: What to keep in mind.
    """

    playbook: Playbook
    by: str | None
    journeys: tuple[Journey, ...]
    rows: tuple[LeadOutcome, ...]
    groups: dict[str | None, list[LeadOutcome]]
    warnings: tuple[Caution, ...]

    @classmethod
    def of(
        cls,
        journeys: Iterable[Journey],
        playbook: Playbook,
        *,
        as_of: datetime,
        by: str | None = None,
        attributes: Sequence[str] | None = None,
    ) -> GroupedLeads:
        """Return leads as of an instant, in groups.

        Args:
            journeys: The leads; one that comes twice counts once, with the most facts.
            playbook: The playbook with the fields, the stages and the zone.
            as_of: The instant.
            by: A field, or one of :data:`OWN`; None for no groups.
            attributes: The fields to examine for values on won leads only; by default all.

        Raises:
            UnknownName: ``by`` is neither a field nor one of these names.
        """
        expect("playbook", playbook, Playbook, hint="pass a playbook, such as preset('eight_stage')")
        if by is not None and not isinstance(by, str):
            raise Malformed("by must be the name of a field, or source, lead_type or pipeline")
        if by is not None and by not in (*playbook.fields, *OWN):
            hint = did_you_mean(by, [*playbook.fields, *OWN])
            raise UnknownName(f"cannot group by {by!r}: there is no such field", hint=hint)
        given = list(journeys)
        latest = each_once(given)
        # A stage may have been renamed after the instant, and the playbook may know the new name only.
        names = StageNames.of(latest, playbook.lifecycle)
        several = tuple(journey.as_of(at=as_of) for journey in latest)
        single = list(lead_outcomes(several, as_of, names))
        rows = by_lead(single, as_of, playbook.zone)
        warnings = (
            *about_journeys(rows, repeated=len(given) - len(several), known=names.known),
            *cautions(rows, as_of=as_of, zone=playbook.zone),
            *winners_only(rows, tuple(playbook.fields) if attributes is None else attributes),
        )
        groups: dict[str | None, list[LeadOutcome]] = {}
        if by is not None:
            for row in single if _is(by, PIPELINE, playbook) else rows:
                groups.setdefault(_key(row, by, playbook), []).append(row)
        return cls(playbook, by, several, tuple(rows), groups, warnings)

    @property
    def hides_rates(self) -> bool:
        """Whether the groups are those of a field that only won leads have, so that every rate would be 100 %."""
        return any(one.code == "winners_only" and one.figures["attribute"] == self.by for one in self.warnings)

    @property
    def is_by_source(self) -> bool:
        """Whether the groups are sources."""
        return self.by is not None and _is(self.by, SOURCE, self.playbook)


def _is(by: str, what: str, playbook: Playbook) -> bool:
    return by not in playbook.fields and by.endswith(what)


def _key(row: LeadOutcome, by: str, playbook: Playbook) -> str | None:
    if by in playbook.fields:
        value = row.fields.get(by)
        return None if value is None else str(value)
    if by.endswith(PIPELINE):
        return row.pipelines[0]
    return row.channel if by.endswith(SOURCE) else row.lead_type


def each_once(journeys: Iterable[Journey]) -> list[Journey]:
    """Return each journey once: of those that were handed in several times, the one with the most facts."""
    latest: dict[tuple[str, str], Journey] = {}
    for journey in journeys:
        known = latest.setdefault((journey.lead_id, journey.pipeline), journey)
        if journey.version > known.version:
            latest[journey.lead_id, journey.pipeline] = journey
    return list(latest.values())
