"""A state as criteria and policies see it: at one instant, asked by somebody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import takewhile
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from leadlife.criteria import Observation
from leadlife.errors import GuardError, LeadlifeError, Malformed, PolicyError
from leadlife.journey.state import State, newest_first
from leadlife.leads import Activity, Consent, Lead
from leadlife.playbook.playbook import Playbook

if TYPE_CHECKING:
    from leadlife.scoring import Lift, Score
    from leadlife.scoring.view import ScoringView


class StateView:
    """A state as criteria see it, at one instant, asked by somebody."""

    __slots__ = ("_brief", "_cut", "_memory", "_scores", "_state", "at", "roles")

    def __init__(self, state: State, at: datetime, roles: tuple[str, ...], *, brief: bool = False) -> None:
        """Look at a state.

        Args:
            state: Where the lead stands.
            at: The instant.
            roles: Of whoever asks.
            brief: Whether it is enough what scores come to, without every line of their ledgers.
        """
        self._state = state
        self._memory = state.memory
        self._cut = state.cut
        self._scores: dict[str, Score] | None = None
        self._brief = brief
        self.at: datetime = at
        self.roles: tuple[str, ...] = roles

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the playbook in force."""
        return self._playbook.zone_info

    @property
    def _playbook(self) -> Playbook:
        assert self._state.playbook is not None  # noqa: S101 - guards belong to a playbook
        return self._state.playbook

    @property
    def identified(self) -> Observation | None:
        """The fact that identified the lead."""
        return self._memory.identified

    @property
    def sold(self) -> Observation | None:
        """The latest sale since the lead last entered a won or recycled stage."""
        return self._fresh(self._memory.sold)

    @property
    def stage(self) -> Observation | None:
        """The present stage, since when, and the fact that led there."""
        state = self._state
        if state.stage is None or state.entered is None:
            return None
        entering = next((step for step in newest_first(state.steps) if step.target is not None), None)
        fact = None if entering is None else entering.fact
        return Observation(state.stage, state.entered, fact or "", state.ordinal)

    @property
    def left(self) -> str | None:
        """The stage that was left for the present one."""
        return self._state.left

    @property
    def cycle(self) -> int | None:
        """The number of the latest cycle."""
        return None if self._state.stage is None else len(self._state.cycles)

    @property
    def readiness(self) -> Observation | None:
        """How close to buying the lead behaves; None where the playbook does not judge it."""
        near = self._state.nearness
        return None if near is None else Observation(near.segment, near.since, near.fact or "", near.ordinal)

    def field(self, name: str) -> Observation | None:
        """Return the latest value of a field; a cleared one is missing."""
        seen = self._memory.fields.get(name)
        return None if seen is None or seen.value is None else seen

    def evidence(self, name: str) -> Observation | None:
        """Return the latest yes or no since the lead last entered a won or recycled stage."""
        return self._fresh(self._memory.evidence.get(name))

    def qualification(self, name: str) -> Observation | None:
        """Return the grant that holds, made since the lead last entered a won or recycled stage."""
        latch = self._state.latches.get(name)
        if latch is None or latch.since is None or latch.ordinal <= self._cut:
            return None
        return Observation((latch.expires, latch.evidence), latch.since, latch.fact or "", latch.ordinal)

    def score(self, name: str) -> Score:
        """Return the score by a policy of the playbook in force, worked out once for this view.

        Raises:
            GuardError: The policy broke.
        """
        if self._scores is None:
            self._scores = {}
        if name not in self._scores:
            try:
                self._scores[name] = self._score(name)
            except PolicyError as error:
                raise GuardError(error.policy, error.problem) from error
            except LeadlifeError as error:
                raise GuardError(name, f"has no score: {error.message}") from error
        return self._scores[name]

    def _score(self, name: str) -> Score:
        wanted = self._brief and self._state.lead is not None
        shown = self._playbook.policy(name).glance(self) if wanted else None
        return shown or score_of(self._state, self._playbook, name, self.at)

    def kinds(self) -> Iterable[str]:
        """Return the kinds of activity seen so far."""
        return self._memory.activities

    def activities(self, kind: str, *, since_recycling: bool = False) -> Iterator[Observation]:
        """Return the activities of a kind, newest first."""
        seen = newest_first(self._memory.activities.get(kind))
        return takewhile(lambda one: one.ordinal > self._cut, seen) if since_recycling else seen

    def first(self, kind: str) -> Observation | None:
        """Return the first activity of a kind."""
        trail = self._memory.activities.get(kind)
        return None if trail is None else trail.first

    def total(self, kind: str) -> int:
        """Return how many activities of a kind there are in all."""
        trail = self._memory.activities.get(kind)
        return 0 if trail is None else trail.size

    def _fresh(self, seen: Observation | None) -> Observation | None:
        return None if seen is None or seen.ordinal <= self._cut else seen


def lead_of(state: State, lead_id: str) -> Lead:
    """Return the lead as the facts tell it."""
    memory = state.memory
    consents = tuple(
        Consent(purpose=purpose, granted=seen.value[0], since=seen.at, basis=seen.value[1])
        for purpose, seen in memory.consents.items()
    )
    return Lead(
        id=lead_id,
        fields={name: seen.value for name, seen in memory.fields.items() if seen.value is not None},
        source=state.source,
        consents=consents,
        identified=memory.identified is not None,
        referred_by=memory.referred_by,
    )


def activities_of(state: State) -> list[Activity]:
    """Return every activity so far, oldest first."""
    seen = [(one, kind) for kind, trail in state.memory.activities.items() for one in newest_first(trail)]
    seen.sort(key=lambda pair: pair[0].ordinal)
    return [
        Activity.checked({"id": one.fact, "kind": kind, "at": one.at, "attributes": one.value}) for one, kind in seen
    ]


def score_of(state: State, playbook: Playbook, name: str, at: datetime) -> Score:
    """Return the score by a policy of a playbook.

    A policy that is named but not bound to an object is one that the world answers: its score is the latest report
    under its name and version.

    Raises:
        UnknownName: The playbook has no such policy.
        PolicyError: The policy broke.
        Malformed: Nobody is there to be scored.
    """
    policy = playbook.policy(name)
    blind = policy.declares_all and not any(sort == "activity" for sort, _ in policy.inputs())
    return policy.assess(_sight(state, at, blind=blind))


def lift_of(state: State, playbook: Playbook, name: str, at: datetime) -> Lift | None:
    """Return the single added activity that would lift a score's band, if one would.

    What the rules reward is tried, and every kind of the playbook, for what code of one's own may reward.
    """
    return playbook.policy(name).lift_of(_sight(state, at), kinds=playbook.activity_kinds)


def _sight(state: State, at: datetime, *, blind: bool = False) -> ScoringView:
    from leadlife.scoring.view import ScoringView  # noqa: PLC0415 - only a journey that is scored pays for it

    reports = {key: seen.value for key, seen in state.memory.reported.items()}
    seen = [] if blind else activities_of(state)
    return ScoringView(_scored_lead(state), seen, at, reports=reports, standing=state.stage, ordered=True)


def _scored_lead(state: State) -> Lead:
    """Return the lead as policies see it: its source is that of the running cycle, if that has one.

    Raises:
        Malformed: No fact has been told yet.
    """
    if state.lead is None:
        raise Malformed("there is no lead to score yet", hint="record a fact first")
    lead = lead_of(state, state.lead)
    cycle = state.cycles[-1] if state.in_cycle else None
    return lead if cycle is None or cycle.source is None else lead.replace(source=cycle.source)
