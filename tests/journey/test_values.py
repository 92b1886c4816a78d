"""A journey is a value: threads that grow one ancestor each hold their own facts; copies are equal and cost what they hold."""

import copy
import pickle
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from leadlife import ActivityRecorded, Journey, Lifecycle, Malformed, Playbook, Stage, Started, Transition
from leadlife.criteria import View
from leadlife.errors import NotPermitted
from leadlife.journey.view import JourneyView
from leadlife.presets import eight_stage
from stories import T0

DAY = timedelta(days=1)


def slow(view: View) -> bool | None:
    time.sleep(0.001)  # long enough for another thread to come between the check and the append
    return None


def test_threads_that_grow_one_journey_each_end_in_their_own_fact():
    life = eight_stage().lifecycle
    slowed = tuple(
        rule.replace(guard=slow, automatic=True, on=None) if rule.trigger == "engage" else rule
        for rule in life.transitions
    )
    book = eight_stage().with_lifecycle(life.replace(transitions=slowed), version="slow")
    ancestor = Journey.start("ada", book, stage="name", at=T0)

    def grown(number):
        fact = ActivityRecorded(kind="call", at=T0 + DAY, attributes={"number": number})
        return number, ancestor.record(fact).record(ActivityRecorded(kind="page_view", at=T0 + 2 * DAY))

    with ThreadPoolExecutor(8) as pool:
        for number, journey in pool.map(grown, range(160)):
            assert journey.facts[-2].attributes == {"number": number}
            assert journey.version == ancestor.version + 2
            assert Journey.replay(journey.facts, book) == journey
    assert ancestor.version == 1


def test_a_pickle_and_a_deep_copy_are_equal_and_grow_with_the_facts_alone():
    def journey(number):
        facts = (ActivityRecorded(kind="call", at=T0 + place * DAY / 10) for place in range(number))
        return Journey.start("ada", eight_stage(), stage="name", at=T0).record_all(facts)

    small, large = journey(200), journey(2_000)
    assert len(pickle.dumps(large)) < 14 * len(pickle.dumps(small))
    for again in (pickle.loads(pickle.dumps(large)), copy.deepcopy(large)):
        assert again == large
        late = ActivityRecorded(kind="page_view", at=T0 + DAY)
        assert again.record(late) == large.record(late)


class TestCorners:
    def test_a_late_withdrawal_by_hand_is_refused_by_the_playbook_of_its_instant(self):
        ada = Journey.start("ada", eight_stage(), stage="name", at=T0).record(
            ActivityRecorded(kind="call", at=T0 + 3 * DAY)
        )
        with pytest.raises(NotPermitted):
            ada.withdraw("sql", at=T0 + DAY, by="mia")
        assert ada.version == 2

    def test_who_referred_a_lead_is_remembered_once(self):
        ref = eight_stage().ref
        ada = Journey("ada", eight_stage())
        for referrer, days in (("bo", 0), ("cy", 1)):
            ada = ada.record(Started(stage="name", playbook=ref, referred_by=referrer, at=T0 + days * DAY))
        assert (ada.lead.referred_by, ada.receipt.status) == ("bo", "refused")

    def test_a_view_before_the_start_needs_a_playbook_only_where_it_asks_for_one(self):
        view = JourneyView(Journey("ada", eight_stage())._data.shown, T0)
        assert (view.stage, view.left, view.cycle, view.source, view.readiness) == (None, None, None, None, None)
        with pytest.raises(Malformed, match="has not started"):
            _ = view.zone

    def test_a_custom_policy_scores_a_lead_before_the_start(self):
        def calls(lead, activities, *, at):
            return len(activities)

        bo = Journey("bo", eight_stage().with_score(calls)).record(ActivityRecorded(kind="call", at=T0))
        assert bo.score("calls", at=T0).value == 1

    def test_a_lead_off_the_path_has_no_high_water_after_an_adoption(self):
        stages = (Stage(id="side", on_path=False), Stage(id="main"), Stage(id="won", status="won"))
        book = Playbook(
            id="p",
            lifecycle=Lifecycle(stages=stages, transitions=[Transition(trigger="win", sources="main", target="won")]),
        )
        ada = Journey.start("ada", book, stage="side", at=T0).adopt(book.replace(version="2"), at=T0 + DAY)
        assert (ada.high_water, ada.cycle.high_water, ada.playbook.version) == (None, None, "2")
