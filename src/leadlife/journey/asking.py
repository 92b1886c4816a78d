"""Asking: what may be done, what is so, what the lead is worth, and when time will change it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from leadlife._base.model import LATEST
from leadlife.criteria import Criterion, Verdict
from leadlife.errors import GuardError, InvalidDefinition, Malformed, RefusalCode
from leadlife.journey import story
from leadlife.journey.answers import Option, Wake
from leadlife.journey.fold import next_due
from leadlife.journey.reading import Reading
from leadlife.journey.ruling import cool_until, verdict
from leadlife.journey.sight import StateView, lift_of, score_of
from leadlife.journey.state import State
from leadlife.journey.story import Explanation
from leadlife.leads import SYSTEM, Actor, actor
from leadlife.lifecycle.edges import Edge
from leadlife.playbook.playbook import Playbook
from leadlife.qualification.rule_index import horizon, timed_leaves
from leadlife.timing import instant

if TYPE_CHECKING:
    from leadlife.scoring import Score


class Asking(Reading):
    """The side of a :class:`Journey` that answers questions by the playbook in force, at any instant."""

    __slots__ = ()

    def may(
        self,
        trigger: str,
        *,
        at: datetime,
        by: Actor | str = SYSTEM,
        reason: str | None = None,
        note: str | None = None,
        target: str | None = None,
        late: bool = False,
    ) -> Option:
        """Return whether a trigger may be fired, and if not, every reason why not.

        The content is what :meth:`Journey.move` would raise.
        """
        at, who = instant(at), actor(by)
        if not isinstance(trigger, str):
            raise Malformed("a trigger is a name")
        state, early = self._standing_at(at, late=late)
        ruling = verdict(state, trigger, at=at, by=who, reason=reason, note=note, target=target)
        rules = () if state.table is None else state.table.moves.get((state.stage or "", trigger), ())
        if isinstance(ruling, Edge):
            refusals, edge = early, ruling
        else:
            first = ruling[0].code is RefusalCode.NOT_STARTED
            refusals, edge = (*ruling, *early) if first else (*early, *ruling), None
        rule = edge.rule if edge is not None else rules[0].edge.rule if rules else None
        listed = () if rule is None else rule.reasons or tuple(self.playbook.lifecycle.reason_by_id)
        return Option(
            trigger,
            not refusals,
            None if rule is None else rule.kind,
            None if edge is None else edge.target,
            rule is not None and rule.needs_reason,
            listed if rule is not None and (rule.needs_reason or rule.reasons) else (),
            refusals,
        )

    def options(self, *, at: datetime, by: Actor | str = SYSTEM, reason: str | None = None) -> tuple[Option, ...]:
        """Return every trigger of the playbook in declared order, allowed or why not: what a CRM shows as buttons.

        Args:
            at: When.
            by: Who asks.
            reason: The reason that would be given; without one, a move that needs a reason is refused for it.
        """
        return tuple(
            self.may(trigger, at=at, by=by, reason=reason) for trigger in self.playbook.lifecycle.table.triggers
        )

    def score(self, name: str, *, at: datetime, since: datetime | None = None, lift: bool = False) -> Score:
        """Return the lead's score by a policy of the playbook in force: a ledger whose lines add up.

        Args:
            name: The policy.
            at: The instant. Facts after it have no effect.
            since: An earlier instant, to tell the trend, by the same policy; there is none where there was no score
                then.
            lift: Whether to look for the single activity that would lift the band; it tries one after another.

        Raises:
            UnknownName: The playbook has no such policy.
            PolicyError: The policy broke.
            Malformed: There is no lead to score yet, or ``since`` lies after ``at``.
        """
        state, at = self._told_at(at)
        playbook = state.playbook or self.playbook
        score = score_of(state, playbook, name, at)
        if since is not None:
            score = self._with_trend(score, playbook, name, instant(since))
        return replace(score, lift=lift_of(state, playbook, name, at)) if lift else score

    def _with_trend(self, score: Score, playbook: Playbook, name: str, since: datetime) -> Score:
        if since > score.at:
            raise Malformed("a trend is told since an earlier instant", hint="since= lies after at=")
        then = self._told_at(since)[0]
        return score if then.lead is None else score.against(score_of(then, playbook, name, since))

    def verdict(self, criterion: Criterion, *, at: datetime, by: Actor | str = SYSTEM) -> Verdict:
        """Return the answer of any criterion about this lead, as a tree that says why.

        Args:
            criterion: The question; it need not be in the playbook.
            at: The instant. Facts after it have no effect.
            by: Who asks, for criteria about roles.

        Raises:
            InvalidDefinition: The criterion asks for something that the playbook does not have.
            GuardError: A callable in it, or a policy that it asks, broke.
        """
        state, at = self._told_at(at)
        if state.playbook is None:
            state.playbook = self.playbook
        faults = state.playbook.faults_in(criterion)
        if faults:
            raise InvalidDefinition("the criterion has faults", faults=faults)
        return criterion.verdict(StateView(state, at, actor(by).roles))

    def _told_at(self, at: datetime) -> tuple[State, datetime]:
        at = instant(at)
        return self._standing_at(at, late=True)[0], at

    @property
    def wake_at(self) -> Wake | None:
        """The next instant after :attr:`at` at which time alone changes something; None if only a fact can."""
        state = self._state
        if state.at is None:
            return None
        wakes: list[Wake] = []
        coming = next_due(state, LATEST)
        if coming is not None:
            wakes.append(Wake(coming.at, coming.why))
        cool = cool_until(state)
        if cool is not None and cool > state.at:
            wakes.append(Wake(cool, f"the cool-down of {state.stage!r} is over"))
        wakes += self._openings(state, state.at)
        return min(wakes, default=None)

    @staticmethod
    def _openings(state: State, at: datetime) -> Iterator[Wake]:
        """Yield when time alone may change whether somebody may make a move; a lower bound."""
        if state.table is None or state.stage is None:
            return
        view = StateView(state, at, (), brief=True)
        for trigger in state.table.from_here(state.stage):
            guards = [guard for one in state.table.moves[state.stage, trigger] for guard in one.edge.guards]
            with suppress(GuardError):  # who fires it is told
                soonest = horizon(tuple(leaf for guard in guards for leaf in timed_leaves(guard)), view).steady
                if soonest is not None and soonest > at:
                    yield Wake(soonest, f"whether {trigger!r} is allowed may change")

    def explain(self) -> Explanation:
        """Return the chain of facts that led to the present stage, line by line."""
        return story.explain(self._state, self._books)
