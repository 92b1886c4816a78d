"""A journey that goes on from a snapshot and the facts since: as the whole one does, or NeedsWholeLog, never wrongly."""

import json
import pickle
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from leadlife import (
    ActivityRecorded,
    EvidenceGiven,
    Journey,
    Lead,
    Malformed,
    QualificationRule,
    Retracted,
    Sold,
    elapsed,
    load_fact,
)
from leadlife.criteria import score
from leadlife.errors import NeedsWholeLog
from leadlife.journey.snapshot import Snapshot
from leadlife.presets import eight_stage
from leadlife.scoring import ActivityRule, Points
from leadlife.testing import fact_drafts, histories, playbooks

T = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
HEAT = Points(
    name="heat", rules=[ActivityRule(name="r", kinds=["call", "page_view"], points=3, half_life=elapsed(days=4))]
)
BOOK = (
    eight_stage()
    .automated("engage", "fit", "qualify", "open")
    .with_score(HEAT)
    .with_qualifications(QualificationRule(name="hot", enter=score("heat") >= 6, leave=score("heat") < 3))
)
FACTS = [
    *(ActivityRecorded(kind="call", at=T + number * DAY, attributes={"n": number, "ok": True}) for number in range(4)),
    EvidenceGiven(name="fit", at=T + 4 * DAY),
    EvidenceGiven(name="mql", at=T + 5 * DAY, by="sam"),
    ActivityRecorded(kind="page_view", at=T + 6 * DAY),
    Sold(at=T + 7 * DAY),
]


def whole(facts=FACTS):
    ada = Journey.start(Lead(id="ada", identified=True, fields={}), BOOK, stage="name", at=T)
    return ada.record_all(facts)


def cut(journey, number):
    """Return the journey of the first facts, and the facts after."""
    facts = sorted(journey.facts, key=lambda fact: fact.seq)
    return Journey.replay(facts[:number], BOOK), facts[number:]


def stored(snapshot):
    return Snapshot.load(json.loads(json.dumps(snapshot.dump())))


def seen(journey):
    data = journey._data
    return (journey.stage, journey.version, data.shown.content(), data.log.next_seq, journey.wake_at, journey.derived)


@pytest.mark.parametrize("number", range(2, 11))
def test_a_tail_goes_on_as_the_whole_journey_does(number):
    ada = whole()
    early, rest = cut(ada, number)
    again = Journey.resume_tail(stored(early.snapshot(tail=True)), [load_fact(fact.dump()) for fact in rest], BOOK)
    assert seen(again) == seen(ada)
    for call in (
        lambda one: one.record(ActivityRecorded(kind="call", at=T + 20 * DAY)),
        lambda one: one.tick(T + 90 * DAY),
        lambda one: one.record(EvidenceGiven(name="sql", at=T + 9 * DAY)).tick(T + 10 * DAY),
    ):
        assert seen(call(again)) == seen(call(ada))
        assert [fact.id for fact in call(again).facts_since(again)] == [fact.id for fact in call(ada).facts_since(ada)]
    assert again.score("heat", at=T + 9 * DAY) == ada.score("heat", at=T + 9 * DAY)
    assert again.decision("hot", at=T + 9 * DAY) == ada.decision("hot", at=T + 9 * DAY)
    assert again.lead == ada.lead
    assert str(again.explain()) == str(ada.explain())
    # A tail of a tail.
    twice = Journey.resume_tail(stored(again.snapshot(tail=True)), [], BOOK)
    assert seen(twice) == seen(ada)
    assert twice.snapshot(tail=True) == again.snapshot(tail=True)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_of_any_life_a_tail_is_the_whole_or_says_that_it_needs_it(data):
    book = data.draw(playbooks())
    life = data.draw(histories(book))
    facts = sorted(life.facts, key=lambda fact: (fact.recorded_at, fact.seq))
    assume(len(facts) > 1)
    number = data.draw(st.integers(1, len(facts) - 1))
    early = Journey.replay(facts[:number], life.playbook if life.stage is None else book)
    try:
        again = Journey.resume_tail(stored(early.snapshot(tail=True)), facts[number:], book)
    except (NeedsWholeLog, Malformed):
        return
    ada = Journey.replay(facts, book)
    assert seen(again) == seen(ada)
    draft = data.draw(fact_drafts(book))
    try:
        more = again.record(draft)
    except NeedsWholeLog:
        return
    except Malformed as error:
        with pytest.raises(type(error)):
            ada.record(draft)
        return
    assert seen(more) == seen(ada.record(draft))


def tail(number=6):
    early, rest = cut(whole(), number)
    return early, Journey.resume_tail(early.snapshot(tail=True), rest, BOOK)


@pytest.mark.parametrize(
    "reaching_back",
    [
        lambda one: one.facts,
        lambda one: one.log,
        lambda one: one.standing,
        lambda one: one.under(eight_stage()),
        lambda one: one.record(ActivityRecorded(kind="call", at=T + DAY / 2)),
        lambda one: one.record_all([ActivityRecorded(kind="call", at=T + DAY / 2)]),
        lambda one: one.move("recycle", at=T + DAY, late=True, reason="budget"),
        lambda one: one.as_of(at=T + DAY),
        lambda one: one.as_of(recorded_at=T + DAY),
        lambda one: one.record(Retracted(target=cut(whole(), 6)[0].facts[3].id, at=T + 20 * DAY)),
        lambda one: tail(8)[1].evidence,
    ],
)
def test_what_reaches_back_needs_the_whole_log(reaching_back):
    _, again = tail()
    with pytest.raises(NeedsWholeLog):
        reaching_back(again)


def test_what_lies_in_the_tail_may_be_undone_and_may_come_late_within_it():
    ada = whole()
    early, again = tail(6)
    last = again._data.tail[-1]
    gone = Retracted(target=last.id, at=T + 20 * DAY)
    assert seen(again.record(gone)) == seen(ada.record(gone))
    late = ActivityRecorded(kind="call", at=T + 6 * DAY + DAY / 2)
    assert seen(again.record(late)) == seen(ada.record(late))
    assert seen(again.as_of(at=T + 6 * DAY)) is not None
    assert again.as_of(at=T + 6 * DAY).stage == ada.as_of(at=T + 6 * DAY).stage
    assert early.stage != ada.stage


def test_a_retry_of_a_fact_before_the_tail_is_known():
    ada = whole([*FACTS[:4], ActivityRecorded(kind="call", at=T + 5 * DAY, key="k1"), *FACTS[6:]])
    early, rest = cut(ada, 7)
    again = Journey.resume_tail(early.snapshot(tail=True), rest, BOOK)
    retry = ActivityRecorded(kind="call", at=T + 30 * DAY, key="k1")
    known = again.record(retry)
    assert (known.version, known.receipt.new, known.receipt.status) == (ada.version, False, "stands")
    assert known.receipt.fact.id == ada.record(retry).receipt.fact.id
    other = ActivityRecorded(kind="page_view", at=T + 30 * DAY, key="k1")
    assert again.record(other).receipt.status == ada.record(other).receipt.status == "conflicting"
    with pytest.raises(Malformed, match="already recorded under this key"):
        again.move("recycle", at=T + 30 * DAY, key="k1", reason="budget")
    same = ActivityRecorded(kind="call", at=T + DAY, attributes={"n": 1, "ok": True}, id=early.facts[3].id)
    assert again.record(same).version == again.version
    assert [one.id for one in again.record(FACTS[6].model_copy(update={"at": T + 8 * DAY})).facts_since(again)][:1]


def test_planned_facts_stay_planned():
    plain = Journey.start("ada", BOOK, stage="name", at=T).record(
        ActivityRecorded(kind="call", at=T + 9 * DAY), now=T + DAY
    )
    again = Journey.resume_tail(stored(plain.snapshot(tail=True)), [], BOOK)
    assert seen(again) == seen(plain)
    assert seen(again.tick(T + 10 * DAY)) == seen(plain.tick(T + 10 * DAY))
    assert again.record(EvidenceGiven(name="fit", at=T + 2 * DAY), now=T + 2 * DAY).stage == plain.stage


def test_what_is_no_continuation_needs_the_whole_log():
    ada = whole()
    early, rest = cut(ada, 6)
    kept = early.snapshot(tail=True)
    with pytest.raises(NeedsWholeLog):
        Journey.resume_tail(early.snapshot(), rest, BOOK)
    with pytest.raises(NeedsWholeLog):
        Journey.resume_tail(kept, rest[1:], BOOK)
    with pytest.raises(NeedsWholeLog):
        Journey.resume_tail(kept, [*rest[:1], *rest[2:]], BOOK)
    with pytest.raises(NeedsWholeLog):
        Journey.resume_tail(kept.replace(count=99), rest, BOOK)
    other = Journey.start("bo", BOOK, stage="name", at=T)
    with pytest.raises(NeedsWholeLog):
        Journey.resume_tail(kept, other.facts, BOOK)
    assert seen(Journey.resume_tail(kept, ada.facts, BOOK)) == seen(ada), "facts from before are left out"
    assert seen(Journey.resume_tail(kept, rest[::-1], BOOK)) == seen(ada)
    with pytest.raises(Malformed, match="nothing has taken effect"):
        Journey("cy", BOOK).snapshot(tail=True)
    with pytest.raises(NeedsWholeLog):
        Journey.resume_tail(kept, [], BOOK).receipt  # noqa: B018 - it raises
    gone = Journey.replay([*ada.facts], BOOK).record(Retracted(target=ada.facts[3].id, at=T + 20 * DAY))
    with pytest.raises(NeedsWholeLog):
        Journey.resume_tail(kept, gone.facts, BOOK)


def test_a_snapshot_with_a_tail_resumes_a_whole_log_too():
    ada = whole()
    assert Journey.resume(ada.snapshot(tail=True), ada.facts, BOOK) == ada
    assert ada.snapshot().tail == {}


def test_an_id_of_an_earlier_fact_names_that_one_only():
    early, again = tail(6)
    taken = ActivityRecorded(kind="page_view", at=T + 30 * DAY, id=early.facts[3].id, key="another")
    with pytest.raises(Malformed, match="another fact already has this id"):
        again.record(taken)


def test_a_retraction_in_advance_holds_in_the_tail():
    ada = whole(FACTS[:4]).record(Retracted(target="later", at=T + 4 * DAY))
    again = Journey.resume_tail(stored(ada.snapshot(tail=True)), [], BOOK)
    late = ActivityRecorded(kind="call", at=T + 5 * DAY, key="later")
    assert seen(again.record(late)) == seen(ada.record(late))
    assert again.record(late).receipt.status == "retracted"


def test_a_tail_whose_state_cannot_be_read_needs_the_whole_log():
    early, rest = cut(whole(), 6)
    broken = early.snapshot(tail=True).replace(state={})
    with pytest.raises(NeedsWholeLog):
        Journey.resume_tail(broken.replace(seal=broken.sealed()), rest, BOOK)


def test_the_error_says_what_was_wrong():
    journey = whole()
    with pytest.raises(NeedsWholeLog, match="keeps no tail: it was made by snapshot"):
        Journey.resume_tail(journey.snapshot(), [], BOOK)
    with pytest.raises(NeedsWholeLog, match="was changed, or made by another version"):
        Journey.resume_tail(journey.snapshot(tail=True).replace(count=3), [], BOOK)
    first, rest = cut(journey, 6)
    with pytest.raises(NeedsWholeLog, match="do not go on from the snapshot"):
        Journey.resume_tail(first.snapshot(tail=True), rest[1:], BOOK)
    with pytest.raises(NeedsWholeLog, match="reaches back before the tail") as caught:
        assert Journey.resume_tail(first.snapshot(tail=True), rest, BOOK).facts
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.details) == (str(caught.value), caught.value.details)
