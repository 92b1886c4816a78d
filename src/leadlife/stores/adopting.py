"""Adoption: every live lead comes under another playbook, or another version, with its stages renamed where need be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from leadlife.errors import LeadlifeError, Malformed, did_you_mean
from leadlife.journey import Journey
from leadlife.leads import Actor
from leadlife.playbook.playbook import Playbook
from leadlife.stores import applying
from leadlife.stores.context import StoreContext
from leadlife.stores.finding import Wanted, live
from leadlife.stores.journeys import known_row, load
from leadlife.stores.lead_state import LeadState


class NeedsPerson(NamedTuple):
    """A lead that cannot come under the playbook as it is.

    Attributes:
        lead: Whose.
        pipeline: In which pipeline.
        stage: Where it stands.
        reason: Why; most often the playbook has no such stage, and none was said to stand in for it.
    """

    lead: str
    pipeline: str
    stage: str | None
    reason: str


class Adoption(NamedTuple):
    """What an adoption did, or would do.

    Attributes:
        moved: How many leads went from which stage to which; most stay in a stage of the same name.
        already: How many leads were under the playbook before.
        needs_person: The leads that stay under their playbook until a person decides.
        dry_run: Whether nothing was saved.
    """

    moved: Mapping[tuple[str | None, str | None], int]
    already: int
    needs_person: tuple[NeedsPerson, ...]
    dry_run: bool


def adopt(
    context: StoreContext,
    playbook: Playbook,
    *,
    at: datetime,
    by: Actor,
    stages: Mapping[str, str],
    pipeline: str | None,
    dry_run: bool,
) -> Adoption:
    """Let every live lead adopt a playbook; see ``DatabaseStore.adopt``."""
    with context.database.reading() as session:
        context.agreements.refresh(session)  # other processes may have stored some since
        context.agreements.check(session, playbook)
    _check_stages(context, playbook, stages)
    if not dry_run:
        with context.database.writing() as session:
            context.agreements.add(session, playbook)
        context.agreements.begin_with(playbook)
    moved, already, needing = Counter[tuple[str | None, str | None]](), 0, list[NeedsPerson]()
    for state in live(context.database.reading, Wanted(pipeline=pipeline)):
        if state.playbook == (playbook.id, playbook.version):
            already += 1
            continue

        def change(journey: Journey) -> Journey:
            old = journey.playbook.lifecycle.by_id
            when = at if journey.at is None else max(at, journey.at)
            fitting = {name: target for name, target in stages.items() if name in old}
            return journey.adopt(playbook, at=when, by=by, stages=fitting)

        try:
            adopted = _tried(context, state, change) if dry_run else _adopted(context, state, change)
        except LeadlifeError as error:
            needing.append(NeedsPerson(state.lead, state.pipeline, state.stage, str(error)))
        else:
            moved[state.stage, adopted.stage] += 1
    return Adoption(dict(moved), already, tuple(needing), dry_run)


def _check_stages(context: StoreContext, playbook: Playbook, stages: Mapping[str, str]) -> None:
    """Check that every stage that is renamed is one of a playbook at hand, and its new name one of the new playbook."""
    old = {stage for one in context.agreements.all() for stage in one.lifecycle.by_id}
    new = playbook.lifecycle.by_id
    for name, target in stages.items():
        if name not in old:
            raise Malformed(f"no playbook has a stage {name!r}", hint=did_you_mean(name, old))
        if target not in new:
            raise Malformed(f"the new playbook has no stage {target!r}", hint=did_you_mean(target, new))


def _tried(context: StoreContext, state: LeadState, change: applying.Change) -> Journey:
    with context.database.reading() as session:
        return change(load(session, context, known_row(session, state.lead, state.pipeline), tail=True))


def _adopted(context: StoreContext, state: LeadState, change: applying.Change) -> Journey:
    return applying.apply(context, state.lead, change, pipeline=state.pipeline).journey
