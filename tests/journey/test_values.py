"""A journey is a value: threads that grow one ancestor each hold their own facts; copies are equal and cost what they hold."""

import copy
import pickle
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from stories import T0

from leadlife import ActivityRecorded, Journey
from leadlife.criteria import View
from leadlife.presets import eight_stage

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
