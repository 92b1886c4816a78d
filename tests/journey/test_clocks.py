"""The two clocks: when it was so, and when it became known; what is planned, what is mistyped, what is late."""

from datetime import UTC, datetime, timedelta

import pytest

from leadlife import (
    ActivityRecorded,
    Identified,
    Journey,
    Lifecycle,
    Malformed,
    Moved,
    Playbook,
    PlaybookAdopted,
    QualificationRule,
    Retracted,
    Stage,
    StageReached,
    load_fact,
)
from leadlife.journey.recording import FURTHEST, SKEW
from leadlife.presets import eight_stage
from stories import SALES, T0, at

MINUTE = timedelta(minutes=1)


@pytest.fixture
def lead():
    return Journey.start("ada", eight_stage(), at=T0, stage="name").record(Identified(at=T0))


def call(days, **more):
    return ActivityRecorded(kind="call", at=at(days), **more)


class TestTheClockOfWhoeverRecords:
    def test_a_record_is_known_at_the_clock_and_the_journey_stands_there(self, lead):
        known = lead.record(call(1), now=at(2))
        assert known.facts[-1].recorded_at == known.at == at(2)

    def test_time_passes_up_to_the_present(self, lead):
        taken = lead.record(StageReached(stage="sales_lead", infer_gaps=True, at=at(1)))
        assert taken.stage == "sales_lead"
        stalled = taken.record(call(2), now=at(300))
        assert stalled.stage == stalled.tick(at(300)).stage == "recycled"
        assert stalled.visits[-1].entered < at(300)

    def test_it_never_decreases_and_an_earlier_clock_is_no_error(self, lead):
        behind = lead.record(call(1), now=at(5)).record(call(2), now=at(3))
        assert [fact.recorded_at for fact in behind.facts[-2:]] == [at(5), at(5)]
        assert behind == Journey.replay(behind.facts, eight_stage())

    def test_two_servers_with_two_clocks_record_in_any_order(self, lead):
        fast, slow = at(4) + 3 * MINUTE, at(4)
        both = lead.record(call(3.9, key="a"), now=fast).move("engage", at=slow, now=slow, by=SALES)
        assert both.stage == "engagement"
        assert both.facts[-1].recorded_at == fast


class TestPlannedFacts:
    def test_it_is_kept_announced_and_takes_effect_when_its_time_comes(self, lead):
        planned = lead.record(call(10), now=at(1))
        assert (planned.receipt.status, planned.receipt.new, planned.version) == ("planned", True, 3)
        assert planned.at == planned.facts[-1].recorded_at == at(1)
        assert planned.wake_at == (at(10), "a planned fact takes effect: activity")
        assert not planned.may("engage", at=at(9))
        assert planned.may("engage", at=at(10))
        assert [entry.status for entry in planned.tick(at(9)).log][-1] == "planned"
        assert [entry.status for entry in planned.tick(at(10)).log][-1] == "stands"
        assert planned.tick(at(10)).wake_at is None or planned.tick(at(10)).wake_at.at > at(10)

    def test_it_refuses_nothing_that_happens_before(self, lead):
        moved = lead.record(call(10), now=at(1)).record(call(2)).move("engage", at=at(3))
        assert moved.stage == "engagement"
        assert moved.log[2].status == "planned"

    def test_a_later_record_lets_it_take_effect_first(self, lead):
        later = lead.record(call(10), now=at(1)).move("engage", at=at(11))
        assert later.stage == "engagement"

    def test_a_planned_move_is_made_at_its_time_and_evaluated_then(self, lead):
        early = lead.record(Moved(trigger="engage", at=at(10)), now=at(1))
        assert early.stage == "name"
        assert early.tick(at(12)).stage == "name"
        assert early.tick(at(12)).log[-1].status == "refused"
        assert early.record(call(5), now=at(5)).tick(at(12)).stage == "engagement"

    def test_a_retraction_takes_it_back_and_leaves_no_trace_in_the_clock(self, lead):
        planned = lead.record(call(10), now=at(1))
        undone = planned.record(Retracted(target=planned.facts[-1].id, at=at(2)), now=at(2))
        assert undone.at == at(2)
        assert undone.wake_at == lead.tick(at(2)).wake_at
        assert not undone.may("engage", at=at(11))

    def test_views_of_the_past_know_only_what_was_planned_then(self, lead):
        planned = lead.record(call(10), now=at(3))
        assert planned.as_of(recorded_at=at(2)) == lead.as_of(recorded_at=at(2))
        assert len(planned.as_of(at=at(4)).facts) == len(lead.facts)
        assert len(planned.as_of(at=at(10), recorded_at=at(3)).facts) == len(planned.facts)
        assert len(planned.as_of(at=at(10), recorded_at=at(2)).facts) == len(lead.facts)

    def test_it_survives_replay_snapshot_and_many_at_once(self, lead):
        planned = lead.record_all([call(10), call(2), call(30), call(4)], now=at(3))
        assert planned == lead.record(call(10), now=at(3)).record(call(2), now=at(3)).record(
            call(30), now=at(3)
        ).record(call(4), now=at(3))
        stored = [load_fact(fact.dump()) for fact in planned.facts]
        assert Journey.replay(reversed(stored), eight_stage()) == planned
        assert Journey.resume(planned.snapshot(), stored, eight_stage()) == planned
        assert planned.tick(at(40)).version == planned.version
        assert len(planned.record(call(12)).as_of(at=at(12)).facts) == 6

    def test_a_planned_adoption_takes_effect_at_its_time(self, lead):
        rule = QualificationRule(name="vip", granted_by="sales")
        newer = eight_stage().replace(version="new", qualifications=(*eight_stage().qualifications, rule))
        both = Journey.replay(lead.facts, (eight_stage(), newer))
        planned = both.record(PlaybookAdopted(playbook=newer.ref, at=at(10)), now=at(1))
        assert planned.playbook.version != "new"
        assert planned.tick(at(10)).playbook.version == "new"
        assert planned.grant("vip", at=at(11), by=SALES).qualifications["vip"].granted == at(11)
        more = planned.record_all([call(12), call(11)], now=at(13))
        assert more.playbook.version == "new"

    def test_a_verb_happens_now(self, lead):
        with pytest.raises(Malformed, match="a verb happens now"):
            lead.move("engage", at=at(10), now=at(1))
        with pytest.raises(Malformed, match="a verb happens now"):
            lead.adopt(eight_stage().replace(version="new"), at=at(10), now=at(1))
        skewed = lead.record(call(1)).move("engage", at=at(2) + SKEW, now=at(2))
        assert skewed.stage == "engagement"
        assert skewed.facts[-1].recorded_at == at(2) + SKEW


class TestMistypedYears:
    FAR = datetime(2206, 3, 2, tzinfo=UTC)

    def test_a_fact_far_ahead_is_an_error_unless_it_is_said_to_be_planned(self, lead):
        far = ActivityRecorded(kind="call", at=self.FAR)
        for clock in ({}, {"now": at(1)}):
            with pytest.raises(Malformed, match="more than five years after"):
                lead.record(far, **clock)
            with pytest.raises(Malformed, match="more than five years after"):
                lead.record_all([call(1), far], **clock)
            planned = lead.record(far, planned=True, **clock)
            assert planned.receipt.status == "planned"
            assert planned.at < at(2)
            assert planned.record(call(3)).facts[-1].recorded_at == at(3)
        with pytest.raises(Malformed, match="pass now="):
            lead.move("engage", at=self.FAR)

    def test_the_span_itself_is_no_error(self, lead):
        assert lead.record(ActivityRecorded(kind="call", at=T0 + FURTHEST)).at == T0 + FURTHEST

    def test_a_first_fact_that_is_planned_needs_a_clock(self):
        empty = Journey("ada", eight_stage())
        with pytest.raises(Malformed, match="needs a clock"):
            empty.record(call(1), planned=True)
        begun = empty.record(call(1), now=T0)
        assert (begun.at, begun.receipt.status) == (T0, "planned")

    def test_what_a_retraction_takes_out_leaves_the_clock_alone(self, lead):
        far = lead.record(ActivityRecorded(kind="call", at=self.FAR), planned=True, now=at(1))
        undone = far.record(Retracted(target=far.facts[-1].id, at=at(2)), now=at(2))
        assert undone.record(call(3), now=at(3)).facts[-1].recorded_at == at(3)


def test_an_empty_playbook_takes_planned_facts():
    book = Playbook(id="p", lifecycle=Lifecycle(stages=(Stage(id="a"),), transitions=()))
    assert Journey.start("x", book, at=T0).record(Identified(at=at(3)), now=at(1)).tick(at(4)).lead.identified


class TestViewsAndWhatIsPlanned:
    """What an attacker found: views of the past beside planned facts, and the present of what is shown."""

    def moved(self, lead):
        return lead.record(call(1)).record(Moved(trigger="engage", at=at(5)), now=at(2))

    def test_the_snapshot_of_a_view_fits_the_facts_of_the_view(self, lead):
        later = self.moved(lead).record(call(100), now=at(10))
        view = later.as_of(at=at(20))
        assert Journey.resume(view.snapshot(), view.facts, eight_stage()) == Journey.replay(view.facts, eight_stage())

    def test_a_view_hides_what_lies_ahead_be_it_retracted(self, lead):
        gone = lead.record(call(50, key="m"), now=at(1)).record(Retracted(target="m", at=at(2)), now=at(2))
        one = gone.as_of(at=at(3), recorded_at=at(2))
        two = gone.record(call(60)).as_of(at=at(3), recorded_at=at(2))
        assert (one, one.version) == (two, two.version)

    def test_a_view_announces_nothing_that_it_hides(self, lead):
        planned = lead.record(call(50), now=at(1))
        assert planned.wake_at.at == at(50)
        assert planned.as_of(at=at(3)).wake_at == lead.as_of(at=at(3)).wake_at

    def test_time_passes_forward_only_from_what_is_shown(self, lead):
        with pytest.raises(Malformed, match="forward"):
            lead.tick(at(50)).tick(at(30))
        past = self.moved(lead).as_of(at=at(1.5))
        assert past.tick(at(1.7)).at == at(1.7)

    def test_a_retry_of_a_planned_fact_needs_no_second_word_that_it_is_planned(self, lead):
        far = ActivityRecorded(kind="call", at=datetime(2206, 3, 2, tzinfo=UTC), key="r")
        once = lead.record(far, planned=True, now=at(1))
        assert once.record(far, now=at(2)) == once
        moved = self.moved(lead).tick(at(6))
        keyed = lead.record(call(1)).move("engage", at=at(2), key="k")
        assert keyed.move("engage", at=at(9), key="k", now=at(3)) == keyed
        assert moved.stage == "engagement"

    def test_an_adoption_that_is_planned_after_another_is_evaluated_by_the_playbook_of_that_time(self):
        def book(version, stage):
            return Playbook(id="p", version=version, lifecycle=Lifecycle(stages=(Stage(id=stage),), transitions=()))

        one, two, three = book("1", "a"), book("2", "b"), book("3", "c")
        begun = Journey.replay(Journey.start("x", one, at=T0).facts, (one, two, three))
        both = begun.record(PlaybookAdopted(playbook=two.ref, stages={"a": "b"}, at=at(10)), now=at(1)).record(
            PlaybookAdopted(playbook=three.ref, stages={"b": "c"}, at=at(20)), now=at(1)
        )
        assert [both.tick(at(day)).stage for day in (9, 10, 20)] == ["a", "b", "c"]

    def test_many_at_once_and_one_by_one_refuse_the_same_late_adoption(self, lead):
        facts = [call(4), call(10), PlaybookAdopted(playbook=eight_stage().ref, at=at(7))]
        with pytest.raises(Malformed, match="never adopted late"):
            lead.record_all(facts, now=at(12))

    def test_names_are_looked_up_once_for_many_late_facts_under_several_playbooks(self, lead, monkeypatch):
        from leadlife.journey import recording

        folds = []
        real = recording._folded_again
        monkeypatch.setattr(recording, "_folded_again", lambda *given: folds.append(1) or real(*given))
        both = Journey.replay(lead.facts, (eight_stage(), eight_stage().replace(version="new")))
        both.record_all([call(day) for day in (9, 3, 7, 1, 5)])
        assert len(folds) == 1
