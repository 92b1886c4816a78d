"""What counts as newer: after a recycling, a lapse or a word against it, only a fact that confirms a rule grants it."""

from datetime import UTC, datetime, timedelta

from leadlife import (
    ActivityRecorded,
    Actor,
    Identified,
    Journey,
    Lifecycle,
    Playbook,
    QualificationRule,
    Stage,
    Transition,
    days,
    elapsed,
)
from leadlife.checks import Code, check
from leadlife.criteria import CustomGuard, count, days_in_stage, evidence, holds, in_stage, inactive, readiness, score
from leadlife.facts import EvidenceGiven, RuleFailed, ScoreReported, StageReached
from leadlife.lifecycle import TransitionKind
from leadlife.presets import eight_stage
from leadlife.qualification import Hysteresis, ReadinessRule
from leadlife.scoring import ActivityRule, CustomPolicy, Points, WeightedSum

DAY = timedelta(days=1)
T = datetime(2026, 3, 2, 9, tzinfo=UTC)


def called(kind, at):
    return ActivityRecorded(kind=kind, at=at)


def started(playbook):
    return Journey.start("ada", playbook, stage="name", at=T)


def ruled(*rules):
    return eight_stage().with_qualifications(*rules, version="2")


def near(**segments):
    return eight_stage().replace(readiness=ReadinessRule(**segments), version="2")


def test_what_a_lead_holds_by_where_it_stands_is_held_again_when_it_stands_there_again():
    journey = started(eight_stage()).record(StageReached(stage="sales_lead", at=T + DAY, infer_gaps=True))
    assert "sal" in journey.qualifications
    journey = journey.recycle("bad timing", at=T + 2 * DAY)
    assert "sal" not in journey.qualifications
    journey = journey.record(Identified(at=T + 40 * DAY)).record(EvidenceGiven(name="urgent_need", at=T + 40 * DAY))
    journey = journey.move("rush_to_sales", at=T + 40 * DAY)
    assert "sal" in journey.qualifications


def test_a_fact_confirms_through_other_rules():
    book = ruled(
        QualificationRule(name="a", enter=count("call") >= 1),
        QualificationRule(name="b", enter=holds("a")),
        QualificationRule(name="hot", enter=readiness() == "late"),
    ).replace(
        readiness=ReadinessRule(mid=Hysteresis(enter=count("call") >= 1), late=Hysteresis(enter=count("meeting") >= 1))
    )
    journey = started(book).record(called("call", T + DAY)).record(called("meeting", T + DAY))
    assert {"a", "b", "hot"} <= journey.qualifications.keys()
    journey = journey.record(StageReached(stage="lead", at=T + 2 * DAY, infer_gaps=True))
    journey = journey.recycle("bad timing", at=T + 3 * DAY)
    assert journey.readiness == "late"
    assert not journey.qualifications  # what lies behind readiness is older than the recycling
    journey = journey.record(called("call", T + 4 * DAY)).record(called("meeting", T + 4 * DAY))
    assert {"a", "b", "hot"} <= journey.qualifications.keys()


RESTING = {
    "stages": [
        {"id": "a"},
        {"id": "idle", "status": "recycled", "cool_down": "P5D", "reentry_limit": 2},
        {"id": "won", "status": "won"},
    ],
    "transitions": [
        {"trigger": "rest", "sources": "a", "target": "idle", "kind": "recycle", "needs_reason": True},
        {"trigger": "wake", "sources": "idle", "target": "a", "kind": "reentry", "automatic": True,
         "guard": days_in_stage() >= 5},
        {"trigger": "win", "sources": "a", "target": "won", "kind": "forward"},
    ],
    "reasons": ["later"],
}  # fmt: skip


def test_what_stands_follows_the_stage_and_nothing_else():
    rules = (
        QualificationRule(name="here", enter=in_stage("a")),
        QualificationRule(name="resting", enter=in_stage("idle")),
        QualificationRule(name="vip", granted_by="sales"),
    )
    journey = Journey.start(
        "ada", Playbook(id="rest", lifecycle=RESTING, qualifications=rules, roles="sales"), stage="a", at=T
    )
    assert set(journey.qualifications) == {"here"}
    journey = journey.move("rest", reason="later", at=T + DAY)
    assert set(journey.qualifications) == {"resting"}
    granted = journey.grant("vip", at=T + 2 * DAY, by=Actor(id="sam", roles=("sales",)))
    assert granted.qualifications["resting"].granted == T + DAY  # not withdrawn and granted again
    assert set(journey.tick(T + 20 * DAY).qualifications) == {"here"}  # back by time alone, without a newer fact


def test_what_another_rule_reads_renews():
    book = ruled(
        QualificationRule(name="a", enter=count("call") >= 1),
        QualificationRule(name="b", enter=holds("a"), valid_for=days(30)),
    )
    journey = started(book).record(called("call", T + DAY)).record(called("call", T + 9 * DAY))
    assert journey.qualifications["b"].expires == T + 39 * DAY


def test_readiness_that_lapses_stays_gone_until_it_is_confirmed():
    book = near(
        mid=Hysteresis(enter=count("call") >= 1, valid_for=days(7)), late=Hysteresis(enter=count("meeting") >= 1)
    )
    journey = started(book).record(called("call", T + DAY)).tick(T + 400 * DAY)
    assert (journey.readiness, journey.wake_at) == ("early", None)
    assert journey.record(called("call", T + 401 * DAY)).readiness == "mid"


def test_only_what_enter_reads_confirms():
    book = ruled(
        QualificationRule(name="q", enter=count("call") >= 1, leave=evidence("fit") & inactive(days(900)),
                          valid_for=days(30))
    )  # fmt: skip
    journey = started(book).record(called("call", T + DAY))
    lapses = journey.qualifications["q"].expires
    assert journey.record(EvidenceGiven(name="fit", value=False, at=T + 20 * DAY)).qualifications["q"].expires == lapses
    later = journey.record(called("call", T + 20 * DAY))
    assert later.qualifications["q"].expires == T + 50 * DAY


def test_a_report_confirms_only_what_reads_that_score():
    calls = Points(name="calls", rules=(ActivityRule(name="c", kinds=("call",), points=20),))
    model = CustomPolicy(name="model", version="1")
    both = WeightedSum(name="both", of=({"policy": calls.replace(name="mine")}, {"policy": model}))
    book = eight_stage().with_score(calls).with_score(model).with_score(both)
    book = book.with_qualifications(
        QualificationRule(name="q", enter=score("calls") >= 20, valid_for=days(30)),
        QualificationRule(name="m", enter=score("model") >= 1, valid_for=days(30)),
        QualificationRule(name="w", enter=score("both") >= 1, valid_for=days(30)),
    )
    journey = started(book).record(called("call", T + DAY))
    journey = journey.record(ScoreReported(policy="model", version="1", value=1.0, at=T + 20 * DAY))
    assert journey.qualifications["q"].expires == T + 31 * DAY
    assert journey.qualifications["m"].expires == journey.qualifications["w"].expires == T + 50 * DAY


def test_what_readiness_was_lost_for_is_told_as_not_true_any_more():
    fade = Points(name="fade", rules=(ActivityRule(name="c", kinds=("call",), points=20, half_life=elapsed(days=2)),))
    book = eight_stage().with_score(fade)
    book = book.replace(
        readiness=ReadinessRule(mid=Hysteresis(enter=score("fade") >= 15), late=Hysteresis(enter=score("fade") >= 1000))
    )
    [last] = [
        line for line in started(book).record(called("call", T)).tick(T + 10 * DAY).explain() if "early" in line.text
    ]
    assert last.at == datetime(2026, 3, 4, tzinfo=UTC)
    assert last.criterion == "not score fade is at least 15"


def test_a_broken_automatic_guard_is_told_by_its_name_and_stops_no_other():
    def boom(view):
        raise RuntimeError

    fine = Transition(trigger="fine", sources="name", target="target", kind=TransitionKind.SKIP, guard=count("call") >= 1, automatic=True)  # fmt: skip
    broken = Transition(trigger="broken", sources="name", target="lead", kind=TransitionKind.SKIP, guard=CustomGuard(name="boom", call=boom), automatic=True)  # fmt: skip
    for moves, place in (((broken, fine), "target"), ((fine.replace(guard=count("call") >= 9), broken), "name")):
        book = eight_stage().with_lifecycle(eight_stage().lifecycle.with_transitions(*moves), version="2")
        journey = started(book).record(called("call", T + DAY))
        assert journey.stage == place
        assert {fact.rule for fact in journey.derived if isinstance(fact, RuleFailed)} == {"broken"}


def test_a_veto_on_another_signal_is_no_hysteresis():
    veto = QualificationRule(name="o", enter=evidence("fit"), leave=inactive(days(30)))
    turned = QualificationRule(name="t", enter=count("call") >= 1, leave=count("call") >= 5)
    found = [one.where for one in check(ruled(veto, turned)) if one.code is Code.HYSTERESIS]
    assert found == [f"qualifications.{len(eight_stage().qualifications) + 1}"]


def test_a_rule_on_the_stage_that_is_held_is_held_for_criteria_and_for_decisions_alike():
    kept = QualificationRule(name="kept", enter=in_stage("customer"))
    again = QualificationRule(name="again", enter=holds("kept"))
    stages = (Stage(id="deal"), Stage(id="customer", status="won"))
    life = Lifecycle(stages=stages, transitions=[Transition(trigger="win", sources="deal", target="customer")])
    book = Playbook(id="p", lifecycle=life, qualifications=[kept, again])
    won = Journey.start("ada", book, stage="deal", at=T).move("win", at=T + timedelta(days=1))
    assert set(won.qualifications) == {"kept", "again"}
    assert won.verdict(holds("kept"), at=T + timedelta(days=1)).value is True
    assert won.decision("kept", at=T + timedelta(days=1)).held
