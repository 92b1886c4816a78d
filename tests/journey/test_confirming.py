"""What confirms a rule: what is known, for what the rule in force reads; moves, for a rule on the lead's state alone."""

from datetime import timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from leadlife import (
    ActivityRecorded,
    Actor,
    EvidenceGiven,
    Journey,
    Lifecycle,
    Playbook,
    QualificationRule,
    Stage,
    Transition,
    days,
)
from leadlife.criteria import count, evidence, holds, in_stage
from leadlife.testing import fact_drafts, playbooks
from stories import T0, at

BOSS = Actor(id="boss", roles="boss")
LIFE = Lifecycle(
    stages=(
        Stage(id="a"),
        Stage(id="b"),
        Stage(id="c"),
        Stage(id="won", status="won"),
        Stage(id="rest", status="recycled"),
    ),
    transitions=(
        *(Transition(trigger=f"to_{one}", sources="*", target=one, kind="forward") for one in "abc"),
        Transition(trigger="rest", sources="*", target="rest", kind="recycle"),
        Transition(trigger="back", sources="rest", target="a", kind="reentry"),
        Transition(trigger="win", sources="*", target="won", kind="forward"),
    ),
)


def book(version, *rules):
    return Playbook(
        id="p", version=version, lifecycle=LIFE, qualifications=rules, roles="boss",
        evidence={"fit": "", "need": ""}, activity_kinds={"call": {}},
    )  # fmt: skip


def rule(name, enter, **more):
    return QualificationRule(name=name, enter=enter, granted_by="boss", **more)


NONE = book("none")


class TestAdoption:
    def test_evidence_between_a_recycling_and_the_adoption_grants_under_the_new_rule(self):
        rested = Journey.start("ada", NONE, at=T0).move("rest", at=at(1))
        told = rested.record(EvidenceGiven(name="fit", at=at(2)))
        new = book("new", rule("fits", evidence("fit")))
        assert "fits" in told.adopt(new, at=at(3)).qualifications
        assert "fits" not in rested.adopt(new, at=at(3)).qualifications

    def test_evidence_that_only_the_old_rule_read_grants_nothing_under_the_new_one(self):
        old = book("old", rule("keen", evidence("need") | (count("call") >= 9)))
        new = book("new", rule("keen", count("call") >= 1))
        called = Journey.start("ada", old, at=T0).record(ActivityRecorded(kind="call", at=at(1)))
        rested = called.move("rest", at=at(2)).record(EvidenceGiven(name="need", value=False, at=at(3)))
        adopted = rested.adopt(new, at=at(4))
        assert "keen" not in adopted.qualifications
        assert "keen" in adopted.record(ActivityRecorded(kind="call", at=at(5))).qualifications

    def test_a_report_and_any_activity_count_as_what_they_are(self):
        rested = Journey.start("ada", NONE, at=T0).move("rest", at=at(1))
        called = rested.record(ActivityRecorded(kind="call", at=at(2)))
        new = book("new", rule("busy", count() >= 1))
        assert "busy" in called.adopt(new, at=at(3)).qualifications

    def test_adopting_renews_nothing(self):
        old = book("old", rule("here", in_stage("a"), valid_for=days(10)))
        lead = Journey.start("ada", old, at=T0)
        adopted = lead.adopt(book("new", rule("here", in_stage("a"), valid_for=days(10))), at=at(5))
        assert adopted.qualifications["here"].expires == at(10)

    @given(playbooks(), st.data())
    def test_another_playbook_and_adopting_it_at_once_agree(self, playbook, data):
        """As far as the adoption itself plays no part: its own line in the history, and its ordinal."""
        newer = playbook.replace(version="newer")
        drafts = sorted(data.draw(st.lists(fact_drafts(playbook), max_size=8)), key=lambda fact: fact.at)
        first = playbook.lifecycle.first.stage
        began = min([fact.at for fact in drafts], default=T0) - timedelta(days=1)
        one = Journey.start("x", playbook, at=began, stage=first)
        two = one.adopt(newer, at=began)
        for draft in drafts:
            one, two = one.record(draft), two.record(draft)
        hypothetical = one.under(newer)
        # Moves that chase one another go on with every fact, and the adoption is one more.
        assume(not [fact for fact in two.derived if getattr(fact, "code", "") == "endless_moves"])
        assert two.stage == hypothetical.stage
        assert set(two.qualifications) == set(hypothetical.qualifications)
        assert [visit.stage for visit in two.visits] == [visit.stage for visit in hypothetical.visits]


class TestRulesOnTheStateAlone:
    BOOK = book("one", rule("early", in_stage("a", "b")))

    def test_one_that_a_person_withdrew_comes_back_only_after_the_lead_was_elsewhere(self):
        """A rule on the stage alone that a person withdrew comes back when the lead enters such a stage from another."""
        lead = Journey.start("ada", self.BOOK, at=T0)
        gone = lead.withdraw("early", at=at(1), by=BOSS)
        assert "early" not in gone.qualifications
        next_ = gone.move("to_b", at=at(2))
        assert "early" not in next_.qualifications
        assert "early" not in next_.move("to_a", at=at(3)).qualifications
        away = next_.move("to_c", at=at(3))
        assert "early" in away.move("to_a", at=at(4)).qualifications

    def test_or_when_a_person_grants_it_again(self):
        gone = Journey.start("ada", self.BOOK, at=T0).withdraw("early", at=at(1), by=BOSS)
        granted = gone.grant("early", at=at(2), by=BOSS)
        assert "early" in granted.qualifications
        assert "early" in granted.move("to_b", at=at(3)).qualifications

    def test_one_that_lapsed_comes_back_with_the_next_visit(self):
        lead = Journey.start("ada", book("one", rule("early", in_stage("a", "b"), valid_for=days(3))), at=T0)
        assert "early" not in lead.tick(at(4)).qualifications
        assert "early" in lead.move("to_b", at=at(5)).qualifications

    @pytest.mark.parametrize("through", [False, True])
    def test_a_move_renews_it_be_it_read_directly_or_through_another(self, through):
        direct = rule("direct", in_stage("a", "b"), valid_for=days(10))
        indirect = rule("indirect", holds("state"), valid_for=days(10))
        lead = Journey.start("ada", book("one", rule("state", in_stage("a", "b")), direct, indirect), at=T0)
        moved = lead.move("to_b", at=at(5))
        assert moved.qualifications["indirect" if through else "direct"].expires == at(15)

    def test_a_move_does_not_renew_what_rests_on_evidence(self):
        lead = Journey.start("ada", book("one", rule("fits", evidence("fit"), valid_for=days(10))), at=T0)
        told = lead.record(EvidenceGiven(name="fit", at=at(1))).move("to_b", at=at(5))
        assert told.qualifications["fits"].expires == at(11)
