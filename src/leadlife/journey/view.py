"""A journey as criteria and policies see it: a state at one instant, asked by somebody in some roles.

This file passes 400 lines, because it answers each question that criteria and policies may ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from functools import reduce
from itertools import takewhile
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo

from leadlife.criteria import Observation, Scalar
from leadlife.errors import GuardError, LeadlifeError, Malformed, PolicyError
from leadlife.facts import report_name
from leadlife.journey.memory import Memory, PersistentList, newest_first, running
from leadlife.journey.state import State
from leadlife.leads import Activity, Consent, Lead, Source
from leadlife.playbook.playbook import Playbook
from leadlife.timing import grid_before, grid_from, zone_named

if TYPE_CHECKING:
    from leadlife.scoring.ledger import Lift
    from leadlife.scoring.policy import Policy
    from leadlife.scoring.score import Score
    from leadlife.scoring.score_bounds import NearScore

_TICK = timedelta(microseconds=1)


R = TypeVar("R")


class JourneyView:
    """A state as criteria and policies see it."""

    __slots__ = (
        "_after",
        "_aged",
        "_brief",
        "_history",
        "_playbook",
        "_scores",
        "_source",
        "_state",
        "_zone",
        "at",
        "roles",
    )

    def __init__(
        self,
        state: State,
        at: datetime,
        roles: tuple[str, ...] = (),
        *,
        playbook: Playbook | None = None,
        brief: bool = False,
        for_rules: bool = False,
        zone: ZoneInfo | None = None,
        source: Source | None = None,
    ) -> None:
        """Look at a state.

        Args:
            state: Where the lead stands.
            at: The instant.
            roles: Of whoever asks.
            playbook: The agreement that a journey not yet started is asked under.
            brief: Whether the sum of a score is enough, without every line of its ledger.
            for_rules: Whether the rules ask, for which half-lives are aged up to the last fact or review only.
            zone: The zone whose calendar windows follow; by default the playbook's.
            source: Where a journey not yet started would come from.
        """
        self._source = source
        self._state = state
        self._playbook = playbook
        # Most moves ask for no score, no zone and no activity objects: these are made when they are first read.
        self._scores: dict[str, Score | NearScore] | None = None
        self._zone = zone
        self._history: tuple[Activity, ...] | None = None
        self._aged: datetime | None = None if for_rules else at
        self._brief = brief
        self._after: int = 0
        """Activities up to this ordinal are left out, for a score that was started afresh."""
        self.at: datetime = at
        self.roles: tuple[str, ...] = roles

    # ------------------------------------------------------------------ what criteria read

    @property
    def playbook(self) -> Playbook:
        """The playbook in force, or the one that a journey not yet started is asked under."""
        position = self._state.position
        if position is not None:
            return position.playbook
        if self._playbook is None:
            raise Malformed("the journey has not started, so no playbook is in force", hint="start it first")
        return self._playbook

    @property
    def aged(self) -> datetime:
        """The instant up to which half-lives are aged; for rules, the later of the last fact and the last review."""
        if self._aged is None:
            since, playbook = self._state.aged, self.playbook
            # ``at`` itself, and not an equal instant: where the two are one object, nothing needs to be converted.
            self._aged = self.at
            if since != self.at:
                review = grid_before(self.at, playbook.zone_info, playbook.review_days)
                self._aged = review if since is None else max(since, review)
        return self._aged

    def next_review(self, first: datetime) -> datetime:
        """Return the next review, at or after an instant; that of ``at`` itself only if it has not had its turn yet."""
        playbook = self.playbook
        return grid_from(max(first, self.aged + _TICK), playbook.zone_info, playbook.review_days)

    def reviewed(self) -> JourneyView:
        """Return the view of the same lead at the instant ``aged``."""
        return self if self.aged is self.at else JourneyView(self._state, self.aged, self.roles, brief=self._brief)

    @property
    def _cut(self) -> int:
        position = self._state.position
        return 0 if position is None else position.cut

    @property
    def zone(self) -> ZoneInfo:
        """The zone whose calendar windows follow."""
        return self._zone or self.playbook.zone_info

    @property
    def identified(self) -> Observation | None:
        """The fact that identified the lead."""
        return self._state.memory.latest.get(("identified", ""))

    @property
    def sold(self) -> Observation | None:
        """The latest sale since the lead last entered a won or recycled stage."""
        return self._fresh(self._state.memory.latest.get(("sold", "")))

    @property
    def stage(self) -> Observation | None:
        """The present stage, since when, and the fact that led there."""
        here = self._state.position
        return None if here is None else Observation(here.stage, here.entered, here.entered_by or "", self.ordinal)

    @property
    def ordinal(self) -> int:
        """How many facts have been folded."""
        return self._state.ordinal

    @property
    def left(self) -> str | None:
        """The stage that was left for the present one."""
        return None if self._state.position is None else self._state.position.left

    @property
    def cycle(self) -> int | None:
        """The number of the latest cycle."""
        return None if self._state.position is None else len(self._state.position.episodes.cycles)

    @property
    def reason(self) -> str | None:
        """The reason of the move that led to the present stage."""
        return None if self._state.position is None else self._state.position.reason

    @property
    def returns(self) -> int | None:
        """How often the lead has returned from recycling since it last won."""
        return None if self._state.position is None else self._state.position.returns()

    @property
    def readiness(self) -> Observation | None:
        """How close to buying the lead behaves; None where the playbook has no readiness."""
        near = None if self._state.rules is None else self._state.rules.readiness
        return None if near is None else Observation(near.segment, near.since, near.fact or "", near.ordinal)

    def field(self, name: str) -> Observation | None:
        """Return the latest value of a field; a cleared one is missing."""
        seen = self._state.memory.latest.get(("field", name))
        return None if seen is None or seen.value is None else seen

    def shows(self, name: str) -> bool:
        """Return whether a field's value may stand in a message: it is declared, and not personal."""
        spec = self.playbook.fields.get(name)
        return spec is not None and not spec.personal

    def consent(self, purpose: str) -> Observation | None:
        """Return what the lead said last about one use of its data."""
        seen = self._state.memory.latest.get(("consent", purpose))
        return None if seen is None else seen._replace(value=seen.value[0])

    def evidence(self, name: str) -> Observation | None:
        """Return the latest yes or no since the lead last entered a won or recycled stage."""
        return self._fresh(self._state.memory.latest.get(("evidence", name)))

    def qualification(self, name: str) -> Observation | None:
        """Return the grant that holds, made since the lead last entered a won or recycled stage."""
        rule = None if self._state.rules is None else self._state.rules.by_name.get(name)
        position = self._state.position
        if rule is None or rule.since is None or position is None or rule.moves < position.cut_moves:
            return None
        return Observation((rule.expires, rule.evidence), rule.since, rule.fact or "", rule.ordinal)

    def kinds(self) -> Iterable[str]:
        """Return the kinds of activity seen so far."""
        return self._state.memory.activities.keys()

    def activities(self, kind: str, *, since_recycling: bool = False) -> Iterator[Observation]:
        """Return the activities of a kind, newest first."""
        seen = newest_first(self._state.memory.activities.get(kind))
        after = max(self._after, self._cut if since_recycling else 0)
        return takewhile(lambda one: one.ordinal > after, seen) if after else seen

    def instants(self, kind: str, most: int | None = None) -> list[datetime]:
        """Return when the activities of a kind happened, the newest first; only so many of them, if that is given."""
        here, after, found = self._state.memory.activities.get(kind), self._after, list[datetime]()
        while here is not None and here.item.ordinal > after and len(found) != most:
            found.append(here.item.at)
            here = here.before
        return found

    def first(self, kind: str) -> Observation | None:
        """Return the first activity of a kind."""
        if self._after:
            return next(reversed(tuple(self.activities(kind))), None)
        seen = self._state.memory.activities.get(kind)
        return None if seen is None else seen.first

    def total(self, kind: str) -> int:
        """Return how many activities of a kind there are in all."""
        if self._after:
            return sum(1 for _ in self.activities(kind))
        return self._state.memory.number_of(kind)

    def running(self, kind: str, key: str, step: Callable[[R | None, Observation], R | None]) -> R | None:
        """Return what a step makes of the activities of a kind, the oldest first."""
        if self._after:
            return reduce(step, reversed(tuple(self.activities(kind))), None)
        return running(self._state.memory.activities.get(kind), key, step)

    def score(self, name: str) -> Score | NearScore:
        """Return the score by a policy of the playbook, worked out once for this view.

        Raises:
            GuardError: The policy broke.
        """
        if self._scores is None:
            self._scores = {}
        if name not in self._scores:
            try:
                self._scores[name] = self._score(name)
            except PolicyError as error:
                raise GuardError(error.policy, error.problem, what="policy") from error
            except LeadlifeError as error:
                raise GuardError(name, f"has no score: {error.message}", what="policy") from error
        return self._scores[name]

    def _score(self, name: str) -> Score | NearScore:
        if self._brief and self._state.lead is not None:
            here = self._state.position
            summary = None if here is not None and here.scores_cut else self.playbook.policy(name).summary_of(self)
            if summary is not None:
                return summary
        return self.full_score(name)

    def _fresh(self, seen: Observation | None) -> Observation | None:
        return None if seen is None or seen.ordinal <= self._cut else seen

    # ------------------------------------------------------------------ what policies read besides

    @property
    def lead(self) -> Lead:
        """The lead as policies see it, from the source of the running cycle where that is known."""
        return lead_of(self._state, self._state.lead or "", source=self.source)

    @property
    def source(self) -> Source | None:
        """Where the running cycle comes from, or else the journey."""
        here = self._state.position
        if here is None:
            return self._source
        episodes = here.episodes
        return (episodes.cycles[-1].source if episodes.in_cycle else None) or here.source

    @property
    def fields(self) -> dict[str, Scalar]:
        """The latest value of each field."""
        return {name: seen.value for name, seen in self._state.memory.of("field") if seen.value is not None}

    @property
    def history(self) -> tuple[Activity, ...]:
        """Every activity as an object, oldest first, for custom policies, which take a list."""
        if self._history is None:
            self._history = tuple(
                Activity.checked({"id": seen.fact or None, "kind": kind, "at": seen.at, "attributes": seen.value})
                for kind, seen in sorted(_with_kind(self._state.memory), key=lambda pair: pair[1].ordinal)
                if seen.ordinal > self._after
            )
        return self._history

    def reported(self, policy: str, version: str) -> Observation | None:
        """Return the latest score that was reported for a policy."""
        return self._state.memory.latest.get(("reported", report_name(policy, version)))

    @property
    def keeps_reports(self) -> bool:
        """True, because a journey remembers the scores that were reported for policies outside it."""
        return True

    def in_zone(self, name: str) -> JourneyView:
        """Return the same view by the calendar of another zone."""
        zone = zone_named(name)
        new = JourneyView(self._state, self.at, self.roles, playbook=self._playbook, brief=self._brief, zone=zone)
        new._source = self._source
        new._aged = self._aged
        new._after = self._after
        return new

    def _afresh(self, after: int) -> JourneyView:
        """Return the same view without the activities up to an ordinal."""
        new = JourneyView(self._state, self.at, self.roles, playbook=self._playbook, brief=self._brief, zone=self._zone)
        new._source = self._source
        new._aged = self._aged
        new._after = after
        return new

    def adding(self, activity: Activity) -> JourneyView:
        """Return the view of a lead that did one thing more."""
        state = self._state.copy()
        state.ordinal += 1
        known, kind = state.memory.activities, activity.kind
        seen = Observation(activity.attributes, activity.at, activity.id or "", state.ordinal)
        state.memory = Memory(state.memory.latest, {**known, kind: PersistentList(seen, known.get(kind))})
        new = JourneyView(state, self.at, self.roles, playbook=self._playbook, brief=self._brief, zone=self._zone)
        new._after = self._after
        return new

    def full_score(self, name: str) -> Score:
        """Return the score by a policy of the playbook, with every line of its ledger.

        Raises:
            UnknownName: The playbook has no such policy.
            PolicyError: The policy broke.
            Malformed: There is no lead to score yet.
        """
        return self.score_by(self._policy(name))

    def score_by(self, policy: Policy) -> Score:
        """Return the score by a policy, with every line; what was before a recycling counts as its reason says."""
        here = self._state.position
        if here is None or not here.scores_cut:
            return policy.assess(self)
        fresh = policy.assess(self._afresh(here.scores_cut))
        if here.scores_kept == "afresh":
            return fresh
        from leadlife.scoring.halving import halved  # noqa: PLC0415 - a playbook without scores pays for none

        return halved(policy.assess(self), fresh)

    def lift(self, name: str) -> Lift | None:
        """Return the single added activity that would lift the band of a score, if one would.

        The search tries what the rules reward, and every kind of the playbook, which custom policies may reward.

        Raises:
            UnknownName: The playbook has no such policy.
            PolicyError: The policy broke.
            Malformed: There is no lead to score yet.
        """
        here = self._state.position
        afresh = here is not None and here.scores_cut
        if here is not None and afresh and here.scores_kept != "afresh":
            return None  # half of what was before may hide what would lift the band
        view = self._afresh(here.scores_cut) if here is not None and afresh else self
        return self._policy(name).lift_of(view, kinds=self.playbook.activity_kinds)

    def _policy(self, name: str) -> Policy:
        policy = self.playbook.policy(name)
        if self._state.lead is None:
            raise Malformed("there is no lead to score yet", hint="record a fact first")
        return policy


def lead_of(state: State, lead_id: str, *, source: Source | None) -> Lead:
    """Return the lead that the facts describe."""
    memory = state.memory
    consents = tuple(
        Consent(purpose=purpose, granted=seen.value[0], since=seen.at, basis=seen.value[1])
        for purpose, seen in memory.of("consent")
    )
    referred_by = memory.latest.get(("referred_by", ""))
    return Lead(
        id=lead_id,
        fields={name: seen.value for name, seen in memory.of("field") if seen.value is not None},
        source=source,
        consents=consents,
        identified=("identified", "") in memory.latest,
        referred_by=None if referred_by is None else referred_by.value,
    )


def _with_kind(memory: Memory) -> Iterator[tuple[str, Observation]]:
    return ((kind, seen) for kind, activities in memory.activities.items() for seen in newest_first(activities))
