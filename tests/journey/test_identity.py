"""Identity: a second identical event is a second event; a key makes a request that is sent again the same request."""

from datetime import timedelta

import pytest

from leadlife import (
    ActivityRecorded,
    CostIncurred,
    EvidenceGiven,
    FieldChanged,
    FieldSpec,
    Identified,
    Journey,
    Lifecycle,
    Malformed,
    Money,
    Playbook,
    PlaybookAdopted,
    Retracted,
    Sold,
    Stage,
    StageReached,
    Started,
)
from leadlife.criteria import count
from leadlife.leads import Actor
from leadlife.presets import eight_stage
from stories import T0, at

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SAM = Actor(id="sam", roles=("sales",))


@pytest.fixture
def deal():
    ada = Journey.start("ada", eight_stage(), stage="name", at=T0)
    for stage in ("engagement", "target", "lead", "sales_lead", "opportunity"):
        ada = ada.record(StageReached(stage=stage, at=T0 + HOUR))
    return ada


def test_lost_reopened_and_lost_again_at_one_instant_is_lost(deal):
    at = T0 + DAY
    lost = deal.move("lose", reason="pricing", at=at, by=SAM)
    again = lost.reopen("pricing", at=at, by=SAM).move("lose", reason="pricing", at=at, by=SAM)
    assert (again.stage, again.receipt.new, again.version) == ("lost", True, lost.version + 2)


def test_a_stage_reached_lost_and_reached_again_on_one_day_is_reached(deal):
    day = T0 + DAY
    for stage in ("lost", "opportunity"):
        deal = deal.record(StageReached(stage=stage, at=day))
    assert deal.stage == "opportunity"
    assert deal.record(StageReached(stage="lost", at=day)).stage == "lost"


def test_two_page_views_in_one_second_are_two():
    ada = Journey.start("ada", eight_stage(), stage="name", at=T0)
    view = ActivityRecorded(kind="page_view", at=T0 + HOUR)
    twice = ada.record(view).record(view)
    assert twice.verdict(count("page_view") == 2, at=T0 + DAY).value is True
    assert len({fact.id for fact in twice.facts}) == 3


class TestKeys:
    def test_a_retry_under_its_key_with_another_clock_is_the_same_request(self, deal):
        once = deal.move("lose", reason="pricing", at=T0 + DAY, by=SAM, key="request 7")
        retried = once.move("lose", reason="pricing", at=T0 + DAY + HOUR, by=SAM, key="request 7")
        assert (retried.facts, retried.receipt.new) == (once.facts, False)
        assert retried.receipt.fact.at == T0 + DAY
        call = ActivityRecorded(kind="call", at=T0 + 2 * DAY, key="call 1")
        called = once.record(call)
        assert called.record(call.replace(at=T0 + 3 * DAY)).facts == called.facts

    def test_another_content_under_a_key_is_a_conflict(self, deal):
        lost = deal.move("lose", reason="pricing", at=T0 + DAY, by=SAM, key="request 7")
        with pytest.raises(Malformed, match="already recorded under this key"):
            lost.move("lose", reason="budget", at=T0 + DAY, by=SAM, key="request 7")
        kept = lost.record(Sold(at=T0 + 2 * DAY, key="request 7"))
        assert (kept.receipt.status, kept.version) == ("conflicting", lost.version + 1)

    def test_a_retraction_may_name_the_key(self):
        ada = Journey.start("ada", eight_stage(), stage="name", at=T0)
        called = ada.record(ActivityRecorded(kind="call", at=T0 + HOUR, key="call 1"))
        taken = called.record(Retracted(target="call 1", at=T0 + DAY))
        assert taken.log[1].status == "retracted"

    def test_a_retraction_that_takes_nothing_out_says_so(self):
        ada = Journey.start("ada", eight_stage().automated("engage", version="2"), stage="name", at=T0)
        called = ada.record(ActivityRecorded(kind="call", at=T0 + HOUR, key="call 1"))
        [moved] = called.derived
        for target in ("call-1", moved.id):
            nothing = called.record(Retracted(target=target, at=T0 + DAY))
            assert (nothing.receipt.status, nothing.stage) == ("unmatched", "engagement")
            assert nothing.standing == (*called.standing, nothing.facts[-1])
        # A retraction cannot be retracted.
        taken = called.record(Retracted(target="call 1", at=T0 + DAY))
        again = taken.record(Retracted(target=taken.facts[-1].id, at=T0 + DAY))
        assert [one.status for one in again.log[1:]] == ["retracted", "stands", "unmatched"]
        # One that came before its fact takes it out as soon as it is there; also in a tail, whose facts are before it.
        early = ada.record(Retracted(target="call 2", at=T0)).record(ActivityRecorded(kind="call", at=T0, key="call 2"))
        assert [one.status for one in early.log[1:]] == ["stands", "retracted"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Sold(amount=Money.of("49", "EUR"), at=T0), Sold(amount=Money.of("49.00", "EUR"), at=T0)),
        (
            CostIncurred(amount=Money.of("9.5", "EUR"), at=T0),
            CostIncurred(amount=Money.of("9.50", "EUR"), at=T0),
        ),
        (Sold(amount=Money.of("0.50", "EUR"), at=T0), Sold(amount=Money.of("0.5", "EUR"), at=T0)),
        (FieldChanged(name="size", value=1, at=T0), FieldChanged(name="size", value=1.0, at=T0)),
        (
            ActivityRecorded(kind="call", attributes={"minutes": 5}, at=T0),
            ActivityRecorded(kind="call", attributes={"minutes": 5.0}, at=T0),
        ),
    ],
)
def test_one_number_in_two_spellings_is_one_content(one, other):
    assert one.content() == other.content()
    journey = Journey("ada", eight_stage().with_fields(size=FieldSpec(type="number")))
    known = journey.record(one.replace(key="k")).record(other.replace(key="k"))
    assert (known.version, known.receipt.new) == (1, False)


def test_a_boolean_is_no_number():
    assert FieldChanged(name="x", value=True, at=T0).content() != FieldChanged(name="x", value=1, at=T0).content()


def test_many_facts_know_their_keys_and_the_playbook_in_force():
    ada = Journey.start("ada", eight_stage(), stage="name", at=T0)
    newer = eight_stage().replace(version="2")
    both = Journey.replay(ada.facts, (ada.playbook, newer))
    call = ActivityRecorded(kind="call", at=T0 + HOUR, key="call 1")
    adopted = PlaybookAdopted(playbook=newer.ref, at=T0 + 2 * HOUR)
    many = both.record_all((call, adopted, call.replace(at=T0 + DAY)))
    assert (many.version, many.playbook) == (3, newer)


def test_what_is_new_is_asked_of_one_journey(deal):
    other = Journey.start("bo", eight_stage(), stage="name", at=T0)
    for ask in (deal.facts_since, deal.withdrawn_since):
        assert ask(deal) == ()
        with pytest.raises(Malformed, match="that of 'bo' in 'main'"):
            ask(other)


def test_many_facts_are_checked_against_the_playbook_that_late_ones_bring_into_force():
    book = Playbook(
        id="p", lifecycle=Lifecycle(stages=[Stage(id="a")], transitions=[]), evidence={"x": "x", "old": "x"}
    )
    newer = book.replace(version="2", evidence={"x": "x", "new": "x"})
    begun = Journey("ada", book).record(EvidenceGiven(name="x", at=T0 + 5 * DAY))
    both = Journey.replay(begun.facts, [book, newer])
    late = Started(stage="a", playbook=newer.ref, at=T0)
    new, old = (EvidenceGiven(name=name, at=T0 + 6 * DAY) for name in ("new", "old"))
    assert both.record_all([late, new]) == both.record(late).record(new)
    with pytest.raises(Malformed, match="evidence 'old' is not declared"):
        both.record_all([late, old])


def test_a_retry_changes_nothing_of_what_is_shown():
    lead = Journey.start("ada", eight_stage(), at=T0, stage="name").record(Identified(at=at(1), key="r0"))
    seen = lead.tick(at(300))
    for again in (
        seen.record(Identified(at=at(299), key="r0"), now=at(299)),
        seen.record(Identified(at=at(1), key="r0")),
    ):
        assert (again.at, again.stage, again.receipt.new) == (seen.at, seen.stage, False)
        assert again == seen
    many = seen.record_all([Identified(at=at(1), key="r0")])
    assert (many.at, many.stage, many.receipt.new) == (seen.at, seen.stage, False)
    assert seen.record_all([]) == seen
    with pytest.raises(Malformed):
        seen.record(Identified(at=at(1), key="r0"), now="today")
    past = lead.as_of(at=T0)
    assert past.record(Identified(at=at(1), key="r1")).version == past.version + 1
