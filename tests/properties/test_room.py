"""The law of room: a rule that an activity cannot change is not evaluated, and nothing that is concluded tells it."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, reject
from hypothesis import strategies as st

from leadlife import (
    ActivityRecorded,
    ActivityRule,
    Actor,
    EvidenceGiven,
    FieldChanged,
    FieldSpec,
    Journey,
    Lead,
    Moved,
    Points,
    QualificationRule,
    days,
)
from leadlife import QualificationGranted as Granted
from leadlife import QualificationWithdrawn as Withdrawn
from leadlife.criteria import evidence, field, role, score
from leadlife.errors import InvalidDefinition
from leadlife.presets import eight_stage
from leadlife.scoring import FieldRule
from leadlife.scoring.score import room
from leadlife.testing import points_policies
from leadlife.testing.strategies import EPOCH
from leadlife.timing import elapsed
from properties.test_rules import concluded, evaluating_everything

KINDS = ("call", "page_view", "download")


@st.composite
def raising(draw):
    """Generate policies that activities can only raise: these leave rules room."""
    fades = [None, elapsed(hours=5), elapsed(days=2), elapsed(days=9)]
    rules = [
        ActivityRule(
            name=f"r{number}",
            kinds=draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=2, unique=True)),
            points=draw(st.sampled_from([1, 3, 7.5])),
            half_life=draw(st.sampled_from(fades)),
            at_most=draw(st.sampled_from([None, 2, 5])),
        )
        for number in range(draw(st.integers(1, 3)))
    ]
    known = FieldRule(name="size", when=field("size") >= 10, points=draw(st.sampled_from([-4, 6])))
    cap = draw(st.sampled_from([None, 12, 30]))
    return Points(name="own", rules=[*rules, known], cap=cap, bands={"low": 0, "mid": 5, "high": 11})


def thresholds(name):
    number = st.sampled_from([3, 5, 8.5, 10, 15, 22])
    asked = score(name)
    over = number.map(lambda least: asked >= least) | number.map(lambda least: asked > least)
    under = number.map(lambda least: asked < least) | number.map(lambda least: asked <= least)
    leaves = over | under | st.sampled_from([score("research") >= 20, evidence("fit"), evidence("mql"), role("sales")])
    pairs = st.tuples(leaves, leaves)
    return leaves | leaves.map(lambda c: ~c) | pairs.map(lambda p: p[0] & p[1]) | pairs.map(lambda p: p[0] | p[1])


@st.composite
def agreements(draw):
    policy = draw(raising() | points_policies("own"))
    rules = [
        QualificationRule(
            name=name,
            enter=draw(thresholds("own")),
            leave=draw(st.none() | thresholds("own")),
            valid_for=draw(st.sampled_from([None, days(1), days(4)])),
            granted_by=("sales",),
        )
        for name in ("one", "two")
    ]
    book = eight_stage().automated("qualify", "fit") if draw(st.booleans()) else eight_stage()
    number, text = FieldSpec(type="integer"), FieldSpec(type="text")
    try:
        return book.with_fields(size=number, city=text).with_score(policy).with_qualifications(*rules)
    except InvalidDefinition:  # a threshold that a generated policy never reaches
        reject()


SALES = Actor(id="sam", roles=("sales",))
MOVES = ("engage", "fit", "qualify", "recycle", "return", "lose", "rush_to_sales")


@st.composite
def lives(draw):
    at, facts = EPOCH, []
    for step in draw(st.lists(st.sampled_from([*"aaaaaaaa", "e", "m", "g", "w"]), max_size=40)):
        at += timedelta(hours=draw(st.sampled_from([0, 1, 5, 30, 100])))
        facts.append(
            {
                "a": lambda at: ActivityRecorded(kind=draw(st.sampled_from(KINDS)), at=at),
                "e": lambda at: EvidenceGiven(
                    name=draw(st.sampled_from(["fit", "mql"])), value=draw(st.booleans()), at=at
                ),
                "m": lambda at: Moved(trigger=draw(st.sampled_from(MOVES)), reason="bad timing", at=at, by="sam"),
                "g": lambda at: Granted(name=draw(st.sampled_from(["one", "two"])), at=at, by=SALES),
                "w": lambda at: Withdrawn(name=draw(st.sampled_from(["one", "two"])), at=at, by=SALES),
            }[step](at)
        )
    return facts


@given(agreements(), lives(), st.integers(0, 5))
def test_what_is_left_out_would_have_changed_nothing(book, life, later):
    begun = Journey.start("ada", book, stage="name", at=EPOCH)
    journey = begun.record_all(life)
    until = journey.at + timedelta(days=later)
    with evaluating_everything():
        whole = begun.record_all(life)
        expected = [concluded(whole), concluded(whole.tick(until))]
    assert [concluded(journey), concluded(journey.tick(until))] == expected


def test_a_score_in_another_zone_and_an_excluded_lead_leave_room_as_they_should():
    calls = Points(name="own", zone="Asia/Tokyo", rules=[ActivityRule(name="r", kinds="call", points=3)])
    shut = Points(name="shut", rules=calls.rules, exclude=[field("size") == 0])
    rules = [
        QualificationRule(name="one", enter=score("own") >= 7),
        QualificationRule(name="two", enter=score("shut") >= 7),
    ]
    fields = {"size": FieldSpec(type="integer")}
    book = eight_stage().with_fields(**fields).with_score(calls).with_score(shut).with_qualifications(*rules)
    journey = Journey.start("ada", book, stage="name", at=EPOCH).record(FieldChanged(name="size", value=0, at=EPOCH))
    held = []
    for hour in range(1, 5):
        journey = journey.record(ActivityRecorded(kind="call", at=EPOCH + timedelta(hours=hour)))
        held.append(sorted(journey.qualifications))
    assert held == [[], [], ["one"], ["one"]]
    assert "two" in journey.record(FieldChanged(name="size", value=9, at=journey.at)).qualifications


def test_room_is_what_is_left_below_the_next_limit():
    assert room(10, 10, [20, 40]) == 9
    assert room(10, 12, [20]) == 7
    assert room(30, 30, [20]) is None
    assert room(10, 30, [20]) == 0  # it is not sure on which side it is
    assert room(20, 20, [20]) == 0
    assert room(0, 0, []) is None


def test_a_probability_and_a_score_without_an_answer_leave_no_room():
    calls = Points(name="own", rules=[ActivityRule(name="r", kinds="call", points=3)], bands={"low": 0, "high": 5})
    own = calls.score(Lead(id="ada"), [], at=EPOCH)
    assert (own.room(7), own.room(None), own.room(-1)) == (6_999_999, 4_999_999, None)
    assert replace(own, answer="excluded", lines=(), micropoints=0).room(7) == 0
