"""Cycles, recycling, reopening, repeating, referring: the funnel is not linear."""

import pytest

from leadlife import (
    ActivityRecorded,
    EvidenceGiven,
    Identified,
    Journey,
    Lead,
    LeadType,
    Lifecycle,
    MoveRefused,
    Playbook,
    Retracted,
    Sold,
    Source,
    Stage,
    Transition,
    errors,
)
from leadlife.lifecycle.stages import EntryStage, StageStatus
from leadlife.presets import eight_stage
from stories import DAY, T0, at


@pytest.fixture
def opportunity():
    journey = Journey.start("ada", eight_stage(), at=T0, stage="name", source=Source(channel="conference"))
    journey = journey.record(Identified(at=T0)).record(EvidenceGiven(name="sql", at=at(1)))
    return journey.move("rush_to_opportunity", at=at(1))


def test_the_lifetime_is_first_sale_second_sale_referral(opportunity):
    won = opportunity.record(Sold(at=at(5)))
    again = won.record(EvidenceGiven(name="need", at=at(200))).move("rebuy", at=at(200)).record(Sold(at=at(210)))
    mine, theirs = again.refer("bob", at=at(220), evidence=["fit"])
    assert [cycle.outcome for cycle in mine.cycles] == [StageStatus.WON, StageStatus.WON]
    assert [cycle.number for cycle in mine.cycles] == [1, 2]
    assert theirs.stage == "target"
    assert theirs.lead.referred_by == "ada"
    assert theirs.source.lead_type is LeadType.REFERRAL
    assert mine.facts[-1].who == "bob"


def test_a_referral_without_fit_begins_as_a_name(opportunity):
    _, theirs = opportunity.refer(Lead(id="bob"), at=at(2))
    assert theirs.stage == "name"
    with pytest.raises(MoveRefused):
        opportunity.refer("eve", at=at(2), stage="target")
    with pytest.raises(MoveRefused):
        opportunity.refer("eve", at=at(2), stage="opportunity")


def test_a_sale_that_made_a_win_does_not_make_the_next(opportunity):
    won = opportunity.record(Sold(at=at(5)))
    again = won.record(EvidenceGiven(name="need", at=at(9))).move("rebuy", at=at(9))
    with pytest.raises(errors.GuardNotMet):
        again.move("win", at=at(10))
    with pytest.raises(errors.GuardNotMet):
        won.record(Sold(at=at(20))).move("rebuy", at=at(21))


def test_an_early_sale_is_kept_and_counts_later():
    journey = Journey.start("ada", eight_stage(), at=T0, stage="name").record(Identified(at=T0))
    early = journey.record(Sold(at=at(1)))
    assert early.stage == "name"
    assert early.receipt.status == "pending"
    open_ = early.record(EvidenceGiven(name="sql", at=at(2))).move("rush_to_opportunity", at=at(2))
    assert open_.stage == "customer"
    assert [entry.status for entry in open_.log if isinstance(entry.fact, Sold)] == ["stands"]


def test_recycling_ends_the_cycle_and_only_new_evidence_opens_the_next(opportunity):
    cold = opportunity.recycle("budget", at=at(10))
    assert cold.cycle is None
    assert cold.cycles[0].outcome is StageStatus.RECYCLED
    assert cold.cycles[0].high_water == "opportunity"
    with pytest.raises(errors.GuardNotMet):
        cold.move("return", at=at(50))
    warm = cold.record(ActivityRecorded(kind="reply", at=at(50), source=Source(channel="email")))
    back = warm.move("return", at=at(51), source=Source(channel="social"))
    assert back.stage == "engagement"
    assert back.cycle.number == 2
    assert back.cycle.source.channel == "social"
    assert back.cycle.reentry_from == "recycled"
    assert back.high_water == "opportunity"
    assert back.cycle.high_water == "engagement"
    assert back.source.channel == "conference"


def test_a_two_way_contact_before_the_recycling_does_not_bring_the_lead_back():
    journey = Journey.start("ada", eight_stage(), at=T0, stage="name").record(Identified(at=T0))
    journey = journey.record(ActivityRecorded(kind="call", at=at(1))).record(EvidenceGiven(name="sql", at=at(1)))
    cold = journey.move("rush_to_opportunity", at=at(2)).recycle("budget", at=at(3))
    with pytest.raises(errors.GuardNotMet):
        cold.move("return", at=at(40))


def test_evidence_at_the_instant_of_the_recycling_counts_when_it_was_recorded_later(opportunity):
    before = opportunity.record(EvidenceGiven(name="mql", at=at(10))).recycle("budget", at=at(10))
    after = opportunity.recycle("budget", at=at(10)).record(EvidenceGiven(name="mql", at=at(10)))
    assert not before.may("return", at=at(41))
    assert after.may("return", at=at(41))


def test_the_fourth_return_since_the_last_win_is_refused_and_a_win_resets_the_count(opportunity):
    journey, day = opportunity, 10
    for _ in range(3):
        journey = journey.recycle("budget", at=at(day))
        journey = journey.record(EvidenceGiven(name="mql", at=at(day + 40))).move("return", at=at(day + 40))
        day += 41
    journey = journey.recycle("budget", at=at(day)).record(EvidenceGiven(name="mql", at=at(day + 40)))
    with pytest.raises(errors.RecycleLimitReached):
        journey.move("return", at=at(day + 40))
    assert journey.move("disqualify", reason="poor fit", at=at(day + 40)).stage == "disqualified"
    rushed = journey.record(EvidenceGiven(name="sql", at=at(day + 41))).move("rush_to_opportunity", at=at(day + 41))
    won = rushed.record(Sold(at=at(day + 42)))
    assert won.stage == "customer"
    next_time = won.record(EvidenceGiven(name="need", at=at(day + 43))).move("rebuy", at=at(day + 43))
    cold = next_time.recycle("budget", at=at(day + 44)).record(EvidenceGiven(name="mql", at=at(day + 90)))
    assert cold.move("return", at=at(day + 90)).stage == "lead"
    # Taking the win back brings the old count back, and the later return was one too many.
    sale = next(fact for fact in won.facts if fact.type == "sold")
    undone = cold.move("return", at=at(day + 90)).record(Retracted(target=sale.id, at=at(day + 91)))
    assert undone.stage == "recycled"


def test_reopening_voids_the_closing(opportunity):
    lost = opportunity.move("lose", reason="pricing", at=at(10))
    assert lost.cycle.outcome is StageStatus.LOST
    back = lost.reopen("other", note="they called again", at=at(20))
    assert back.stage == "opportunity"
    assert back.cycle.number == 1
    assert back.cycle.outcome is None
    assert back.cycle.ended is None
    assert [visit.stage for visit in back.visits][-2:] == ["lost", "opportunity"]
    assert back.visits[-2].cycle == 1


def test_lost_then_recycled_stays_lost(opportunity):
    cold = opportunity.move("lose", reason="pricing", at=at(10)).recycle("pricing", at=at(20))
    assert cold.cycles[0].outcome is StageStatus.LOST
    assert cold.cycles[0].ended == at(10)
    assert cold.visits[-1].cycle is None


def test_a_closing_out_of_recycled_belongs_to_no_cycle_and_reopens_to_recycled(opportunity):
    gone = opportunity.recycle("budget", at=at(10)).move("disqualify", reason="poor fit", at=at(11))
    assert gone.cycle is None
    back = gone.reopen("other", note="mistake", at=at(20))
    assert back.stage == "recycled"
    assert len(back.cycles) == 1
    assert back.wake_at.at == at(50)


def test_a_customer_never_left_in_peace_too_long_is_rushed_back(opportunity):
    won = opportunity.record(Sold(at=at(5)))
    urgent = won.record(EvidenceGiven(name="urgent_need", at=at(30))).move("rush_to_sales", at=at(30))
    assert urgent.stage == "sales_lead"
    assert urgent.cycle.number == 2


def test_reopening_a_win_takes_it_back():
    stages = (
        Stage(id="open"),
        Stage(id="won", status="won"),
        Stage(id="cold", status="recycled", on_path=False, reentry_limit=1),
    )
    rules = (
        Transition(trigger="win", sources="open", target="won", kind="forward"),
        Transition(trigger="undo", sources="won", kind="reopen"),
        Transition(trigger="again", sources="won", target="open", kind="repeat"),
        Transition(trigger="rest", sources=("open", "won"), target="cold", kind="recycle"),
        Transition(trigger="back", sources="cold", target="open", kind="reentry"),
    )
    book = Playbook(id="p", lifecycle=Lifecycle(stages=stages, transitions=rules))
    journey = Journey.start("x", book, at=T0).move("rest", at=at(1)).move("back", at=at(2))
    won = journey.move("win", at=at(3))
    undone = won.move("undo", at=at(4))
    assert undone.cycle.number == 2
    assert undone.cycle.outcome is None
    assert not undone.move("rest", at=at(5)).may("back", at=at(6))
    repeated = won.move("again", at=at(4))
    assert repeated.cycle.number == 3
    assert repeated.move("rest", at=at(5)).may("back", at=at(6))
    kept = won.recycle("x", at=at(4)) if won.playbook.lifecycle.reasons else won.move("rest", at=at(4))
    assert kept.cycles[-1].outcome is StageStatus.WON


def test_a_journey_may_begin_in_a_closed_or_recycled_stage():
    stages = (
        Stage(id="open"),
        Stage(id="won", status="won"),
        Stage(id="cold", status="recycled", on_path=False),
        Stage(id="gone", status="disqualified", on_path=False),
    )
    rules = (
        Transition(trigger="again", sources="won", target="open", kind="repeat"),
        Transition(trigger="back", sources=("cold", "gone"), target="open", kind="reentry"),
        Transition(trigger="drop", sources="cold", target="gone", kind="exit"),
    )
    book = Playbook(
        id="p", lifecycle=Lifecycle(stages=stages, transitions=rules, entries=["open", "won", "cold", "gone"])
    )
    won = Journey.start("x", book, at=T0, stage="won")
    assert (won.cycle.number, won.cycle.outcome) == (1, StageStatus.WON)
    assert won.move("again", at=at(1)).cycle.number == 2
    cold = Journey.start("x", book, at=T0, stage="cold")
    assert cold.cycles == ()
    assert cold.move("back", at=at(1)).cycle.number == 1
    assert cold.move("drop", at=at(1)).move("back", at=at(2)).cycle.number == 1
    gone = Journey.start("x", book, at=T0, stage="gone").move("back", at=at(1))
    assert (gone.cycle.number, gone.cycle.outcome) == (1, None)


def test_time_in_stages_is_kept_per_cycle_and_over_all(opportunity):
    cold = opportunity.recycle("budget", at=at(10))
    back = cold.record(EvidenceGiven(name="mql", at=at(50))).move("return", at=at(50)).tick(at(52))
    assert back.time_in_stages()["recycled"] == 40 * DAY
    assert back.time_in_stages(cycle=1) == {"name": DAY, "opportunity": 9 * DAY}
    assert back.time_in_stages(cycle=2) == {"lead": 2 * DAY}
    assert back.visits[-1].time(back.at) == 2 * DAY


def test_going_back_lowers_no_mark():
    rules = (
        Transition(trigger="on", sources="a", target="b", kind="forward"),
        Transition(trigger="back", sources="b", target="a", kind="backward"),
    )
    book = Playbook(id="p", lifecycle=Lifecycle(stages=(Stage(id="a"), Stage(id="b")), transitions=rules))
    back = Journey.start("x", book, at=T0).move("on", at=at(1)).move("back", at=at(2))
    assert (back.stage, back.high_water, back.cycle.high_water) == ("a", "b", "b")


def test_reopening_a_stage_into_which_nothing_leads_is_refused_as_such():
    stages = (Stage(id="a"), Stage(id="shut", status="lost"))
    moves = (Transition(trigger="reopen", sources="shut", kind="reopen"),)
    life = Lifecycle(stages=stages, transitions=moves, entries=(EntryStage(stage="shut"),))
    shut = Journey.start("ada", Playbook(id="p", lifecycle=life), at=T0, stage="shut")
    with pytest.raises(errors.ClosedStage, match="nothing leads into 'shut', so there is no stage to which 'reopen'"):
        shut.reopen(at=at(1))
