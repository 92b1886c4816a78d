"""Recycling as a protocol: the reason decides on the programme, the cool-down and the limit; leads may be woken."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlife import ActivityRecorded, Actor, EvidenceGiven, Journey, Lead, Money, Sold, Transition, days
from leadlife.criteria import CustomGuard, count, evidence, in_stage, recycled_for, return_count, score
from leadlife.errors import CoolingDown, RecycleLimitReached
from leadlife.facts import StageReached
from leadlife.planning.recycling_report import recycled
from leadlife.playbook.contact_rules import Channel
from leadlife.playbook.recycling_rules import RecyclingRule
from leadlife.presets import eight_stage
from leadlife.qualification.programmes import Programme, Touch
from leadlife.scoring import FieldRule, Points
from leadlife.scoring.halving import halved
from leadlife.scoring.ledger import Answer
from leadlife.scoring.score import Score

T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
SALES = Actor(id="sam", roles=("sales",))
CHEAPER = Programme(
    name="cheaper",
    audience=in_stage("recycled") & recycled_for("pricing"),
    exit=~in_stage("recycled"),
    reentry="per_cycle",
    touches=[Touch(name="offer", channel="email", wait="P60D")],
)
RULES = (
    RecyclingRule(reasons=["pricing"], cool_down=days(90), woken_by=evidence("urgent_need")),
    RecyclingRule(reasons=["bad timing", "budget"], cool_down=days(10), most_returns=1),
)
BOOK = eight_stage().replace(channels={"email": Channel()}, programmes=[CHEAPER], recycling=RULES)


def recycled_lead(reason, *, book=BOOK, name="ann", at=T0):
    journey = Journey.start(Lead(id=name, identified=True), book, at=at, stage="name")
    journey = journey.record(EvidenceGiven(name="fit", at=at)).record(EvidenceGiven(name="mql", at=at))
    journey = journey.record(StageReached(stage="engagement", at=at)).record(StageReached(stage="target", at=at))
    return journey.move("qualify", at=at).move("recycle", at=at, reason=reason)


def returning(journey, at):
    return journey.record(EvidenceGiven(name="fit", at=at)).move("return", at=at)


def test_the_reason_decides_on_the_cool_down():
    with pytest.raises(CoolingDown, match="2026-05-31"):
        returning(recycled_lead("pricing"), T0 + 60 * DAY)
    assert returning(recycled_lead("pricing"), T0 + 90 * DAY).stage == "target"
    assert returning(recycled_lead("budget"), T0 + 10 * DAY).stage == "target"
    with pytest.raises(CoolingDown):
        returning(recycled_lead("competition"), T0 + 29 * DAY)  # the stage's own cool-down
    assert recycled_lead("budget").wake_at.at == T0 + 10 * DAY


def test_a_strong_intent_wakes_a_lead_before_its_cool_down_is_over():
    journey = recycled_lead("pricing").record(EvidenceGiven(name="urgent_need", at=T0 + 5 * DAY))
    assert returning(journey, T0 + 5 * DAY).stage == "target"
    other = recycled_lead("competition").record(EvidenceGiven(name="urgent_need", at=T0 + 5 * DAY))
    with pytest.raises(CoolingDown):
        returning(other, T0 + 5 * DAY)


def test_an_automatic_return_looks_again_when_a_lead_is_woken():
    automatic = BOOK.automated("return")
    journey = recycled_lead("pricing", book=automatic).record(EvidenceGiven(name="fit", at=T0 + DAY))
    assert journey.stage == "recycled"
    assert journey.record(EvidenceGiven(name="urgent_need", at=T0 + 2 * DAY)).stage == "target"
    assert journey.tick(T0 + 90 * DAY).stage == "target"


def test_code_that_breaks_wakes_nobody():
    def broken(_view):
        raise RuntimeError("out of order")

    rule = RecyclingRule(reasons=["pricing"], woken_by=CustomGuard(name="broken", call=broken))
    with pytest.raises(CoolingDown):
        returning(recycled_lead("pricing", book=BOOK.replace(recycling=[rule])), T0 + DAY)


def test_returns_are_limited_by_the_reason():
    journey = returning(recycled_lead("budget"), T0 + 10 * DAY)
    journey = journey.record(EvidenceGiven(name="mql", at=T0 + 11 * DAY)).move("qualify", at=T0 + 11 * DAY)
    with pytest.raises(RecycleLimitReached, match="1 times"):
        returning(journey.move("recycle", at=T0 + 12 * DAY, reason="bad timing"), T0 + 30 * DAY)
    assert returning(journey.move("recycle", at=T0 + 12 * DAY, reason="competition"), T0 + 60 * DAY).stage == "target"


def test_a_lead_whose_returns_are_used_up_retires_by_an_automatic_move():
    retire = Transition(
        trigger="retire",
        sources="recycled",
        target="disqualified",
        guard=return_count() >= 1,
        automatic=True,
        needs_reason=True,
        reasons=["unresponsive"],
    )
    life = BOOK.lifecycle
    book = BOOK.with_lifecycle(life.replace(transitions=(*life.transitions, retire)))
    journey = returning(recycled_lead("budget", book=book), T0 + 10 * DAY)
    journey = journey.record(EvidenceGiven(name="mql", at=T0 + 11 * DAY)).move("qualify", at=T0 + 11 * DAY)
    journey = journey.move("recycle", at=T0 + 12 * DAY, reason="bad timing")
    assert (journey.stage, journey.visits[-1].reason) == ("disqualified", "unresponsive")


def test_the_reason_decides_on_the_programme():
    assert list(recycled_lead("pricing").enrolments) == ["cheaper"]
    assert list(recycled_lead("budget").enrolments) == []
    back = returning(recycled_lead("pricing"), T0 + 90 * DAY)
    assert not back.enrolments
    assert [one.type for one in back.derived if "programme" in one.type] == ["programme_entered", "programme_left"]
    assert "left the programme cheaper: its exit is true" in str(back.explain())


def test_the_criteria_say_what_they_ask():
    assert recycled_for("a", "b").sentence() == "led to its stage for the reason a or b"
    assert (return_count() >= 2).sentence() == "the number of returns since the last win is at least 2"
    nobody = Journey("ann", BOOK)
    assert nobody.verdict(recycled_for("pricing"), at=T0).value is None
    assert nobody.verdict(return_count() >= 1, at=T0).value is None
    verdict = recycled_lead("pricing").verdict(recycled_for("pricing"), at=T0)
    assert verdict.value is True
    assert verdict.facts


ACTIVITIES = ("demo_request", "product_page", "call", "download", "page_view")


def scored(kept, before, after, *, at, valid=90):
    """Return a lead with activities before and after a recycling, under a rule that keeps scores so."""
    rule = RecyclingRule(reasons=["pricing"], cool_down=days(1), scores=kept)
    journey = recycled_lead("pricing", book=BOOK.replace(recycling=[rule]))
    for number, kind in enumerate(before):
        early = ActivityRecorded(kind=kind, at=T0 - timedelta(hours=number + 1))
        journey = journey.record(early)
    for number, kind in enumerate(after):
        journey = journey.record(ActivityRecorded(kind=kind, at=T0 + timedelta(hours=30 * (number + 1))))
    return journey


@given(
    st.lists(st.sampled_from(ACTIVITIES), max_size=6),
    st.lists(st.sampled_from(ACTIVITIES), max_size=6),
    st.integers(0, 60),
    st.sampled_from(["research", "urgency"]),
)
def test_scores_are_kept_halved_or_started_afresh(before, after, wait, name):
    at = T0 + timedelta(hours=30 * (len(after) + 1)) + wait * DAY
    keep, halve, afresh, only = (
        scored(kept, early, after, at=at)
        for kept, early in (("keep", before), ("halve", before), ("afresh", before), ("keep", ()))
    )
    whole, half, fresh = (journey.score(name, at=at) for journey in (keep, halve, afresh))
    assert fresh.micropoints == only.score(name, at=at).micropoints
    assert half.micropoints == fresh.micropoints + (whole.micropoints - fresh.micropoints) // 2
    assert sum(line.micropoints for line in half.lines) == half.micropoints
    # What rules conclude agrees with the ledger, and so it does when time alone passes.
    for journey in (halve, afresh):
        then = journey.tick(at)
        now = then.contact_state(at=at)
        for threshold in (5, 10, 20, 40):
            asked = score(name) >= threshold
            known = then.verdict(asked, at=at).value
            assert known is (journey.score(name, at=at).micropoints >= threshold * 1_000_000)
            assert now.is_true(asked, at) in (True, False)
        assert Journey.resume(journey.snapshot(), journey.facts, journey.playbook).tick(at) == then
        assert Journey.replay(reversed(journey.facts), journey.playbook).tick(at) == then


def test_a_half_is_a_line_of_its_own_and_bands_follow_the_value():
    fading = scored("halve", ["demo_request"], ["call"], at=T0)
    ledger = fading.score("urgency", at=T0 + 2 * DAY)
    assert ledger.lines[-1].reason == "half of what it had before the recycling"
    assert fading.score("urgency", at=T0 + 2 * DAY, lift=True).lift is None
    assert scored("afresh", ["demo_request"], [], at=T0).score("urgency", at=T0 + DAY, lift=True).value == 0
    assert fading.score("urgency", at=T0 + 2 * DAY, since=T0).trend is not None


def test_scores_of_which_no_half_can_be_taken_are_kept():
    at = T0
    whole = Score.of("p", {"a": 4.0}, at=at, bands={"low": 0, "high": 3})
    fresh = Score.of("p", {"a": 1.0}, at=at, bands={"low": 0, "high": 3})
    assert (halved(whole, fresh).value, halved(whole, fresh).band) == (2.5, "low")
    grid = replace(whole, cuts=())
    assert halved(grid, fresh) is grid
    none = replace(whole, answer=Answer.UNANSWERED, lines=(), micropoints=0, band=None)
    assert halved(none, fresh) is none


def test_the_report_says_for_each_reason_who_came_back_and_what_they_earned():
    back = returning(recycled_lead("pricing"), T0 + 90 * DAY)
    back = back.record(EvidenceGiven(name="sql", at=T0 + 91 * DAY)).move("rush_to_opportunity", at=T0 + 91 * DAY)
    won = back.record(Sold(amount=Money.of(100, "EUR"), at=T0 + 92 * DAY))
    again = returning(recycled_lead("pricing", name="bob"), T0 + 100 * DAY)
    waiting = recycled_lead("pricing", name="cy")
    never = recycled_lead("budget", name="dee").move("disqualify", at=T0 + DAY, reason="duplicate")
    rows = recycled([won, again, waiting, never], as_of=T0 + 200 * DAY)
    first, second = rows
    assert (first.reason, first.recyclings, first.leads, first.waiting, first.returned, first.won) == (
        "pricing",
        3,
        3,
        1,
        2,
        1,
    )
    assert (first.median_stay, first.earned) == (95 * DAY, (Money.of(100, "EUR"),))
    assert (second.returned, second.earned, second.median_stay) == (0, (), DAY)
    assert str(first) == (
        "pricing: 3 recyclings of 3 leads, 2 came back, after 95 days in the median, 1 won, earned 100 EUR"
    )
    assert recycled([won], as_of=T0 + DAY)[0].waiting == 1
    assert str(recycled([waiting], as_of=T0 + DAY)[0]) == (
        "pricing: 1 recyclings of 1 leads, 0 came back, 0 won, earned nothing"
    )


def test_a_question_about_a_count_starts_afresh_with_its_score():
    called = Points(name="called", rules=[FieldRule(name="once", when=count("call") >= 1, points=5)])
    rule = RecyclingRule(reasons=["pricing"], scores="afresh")
    journey = recycled_lead("pricing", book=BOOK.replace(recycling=[rule]).with_score(called))
    early = journey.record(ActivityRecorded(kind="call", at=T0 - DAY))
    assert early.score("called", at=T0 + DAY).value == 0
    assert early.record(ActivityRecorded(kind="call", at=T0 + DAY)).score("called", at=T0 + DAY).value == 5
