"""One door, stateful: whatever is called, in whatever order, no lead leaves the declared graph."""

import contextlib
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from leadlife import Journey, LeadlifeError, Moved, Retracted
from leadlife.errors import MoveRefused
from leadlife.journey import Snapshot
from leadlife.testing import at_times, fact_drafts, playbooks

TRIGGERS = st.sampled_from(["go", "skip", "leave", "back", "again", "nonsense"])
REASONS = st.sampled_from([None, "timing", "other", "unheard"])


class AnyCalls(RuleBasedStateMachine):
    """Every public verb, in any order, on any of the values it has given so far."""

    @initialize(playbook=playbooks(), at=at_times())
    def begin(self, playbook, at):
        self.playbook = playbook
        self.edges = {(edge.source, edge.target) for edge in playbook.lifecycle.edges}
        self.entries = {entry.stage for entry in playbook.lifecycle.entries}
        self.journey = Journey("x", playbook)
        with contextlib.suppress(MoveRefused):
            self.journey = Journey.start("x", playbook, at=at)
        self.earlier = self.journey

    @rule(data=st.data())
    def record(self, data):
        self.earlier = self.journey
        self.journey = self.journey.record(data.draw(fact_drafts(self.playbook)))

    @rule(trigger=TRIGGERS, at=at_times(), reason=REASONS, late=st.booleans(), key=st.sampled_from([None, "k"]))
    def move(self, trigger, at, reason, late, key):
        before = (self.journey._data.shown.content(), self.journey.facts)
        option = self.journey.may(trigger, at=at, reason=reason, late=late)
        try:
            after = self.journey.move(trigger, at=at, reason=reason, late=late, key=key)
        except LeadlifeError:
            assert (self.journey._data.shown.content(), self.journey.facts) == before
        else:
            assert option or not after.receipt.new
            self.earlier, self.journey = self.journey, after

    @rule(at=at_times(), reason=REASONS, verb=st.sampled_from(["recycle", "reopen"]))
    def verbs(self, at, reason, verb):
        with contextlib.suppress(LeadlifeError):
            self.journey = getattr(self.journey, verb)(reason, at=at, late=True)

    @rule(data=st.data(), at=at_times())
    def retract(self, data, at):
        if self.journey.facts:
            target = data.draw(st.sampled_from(self.journey.facts))
            self.journey = self.journey.record(Retracted(target=target.id, at=at))

    @rule(data=st.data())
    def record_many(self, data):
        drafts = data.draw(st.lists(fact_drafts(self.playbook), min_size=1, max_size=4))
        one = self.journey
        for draft in drafts:
            one = one.record(draft)
        self.earlier, self.journey = self.journey, self.journey.record_all(drafts)
        assert self.journey == one

    @rule(number=st.integers(0, 90))
    def pass_time(self, number):
        if self.journey.at is not None:
            self.journey = self.journey.tick(self.journey.at + timedelta(days=number))

    @rule(at=at_times())
    def go_back_and_live_on(self, at):
        view = self.journey.as_of(at=at)
        self.journey = view.record(Moved(trigger="go", at=at))

    @rule()
    def save_and_load(self):
        if self.journey.facts:
            snapshot = Snapshot.load(self.journey.snapshot().dump())
            assert Journey.resume(snapshot, self.journey.facts, self.playbook) == Journey.replay(
                self.journey.facts, self.playbook
            )

    @rule()
    def take_another_branch(self):
        self.journey, self.earlier = self.earlier, self.journey

    @invariant()
    def stays_in_the_graph(self):
        for journey in (self.journey, self.earlier):
            visits = journey.visits
            if visits:
                assert visits[0].stage in self.entries
            for before, after in zip(visits, visits[1:], strict=False):
                assert (before.stage, after.stage) in self.edges

    @invariant()
    def equals_its_own_replay(self):
        facts = self.journey.facts
        if facts:
            at = self.journey.at or facts[0].at
            again = Journey.replay(facts[::-1], self.playbook)
            assert again.as_of(at=at)._data.shown.content() == self.journey.as_of(at=at)._data.shown.content()


AnyCalls.TestCase.settings = settings(
    max_examples=40, stateful_step_count=20, deadline=None, suppress_health_check=list(settings().suppress_health_check)
)
TestAnyCalls = AnyCalls.TestCase
