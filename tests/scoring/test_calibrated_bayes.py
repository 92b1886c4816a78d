"""Calibrated naive Bayes: smoothing, too few leads, and calibration."""

import json
from datetime import UTC, datetime, timedelta
from math import exp, log
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadlife import Lead, Malformed
from leadlife.evaluation import Isotonic, brier
from leadlife.scoring import Answer, CalibratedBayes, ClosedLead, LineKind, NaiveBayes, Score, WinTable, read_policy
from leadlife.testing import check_policy

T = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
EMPTY = WinTable(at=T, stages=("new", "offer", "sold"), fields=("city", "twin"), tags={"tags": ";"})
STRAIGHT = Isotonic(xs=(0.0, 1.0), ys=(0.0, 1.0))
RATES = {"Porto": 0.7, "Kyoto": 0.2, "Lima": 0.4}


def world(number=600, *, seed=1, **more):
    """Leads whose twin says the same as their city, which plain naive Bayes counts twice."""
    random = Random(seed)
    found = []
    for _ in range(number):
        city = random.choice(list(RATES))
        values = {"city": city, "twin": f"near {city}"}
        found.append(ClosedLead(won=random.random() < RATES[city], closed=T, stage="new", values=values, **more))
    return found


def learned(leads, **more):
    return CalibratedBayes.learned(leads, table=EMPTY, at=T, name="win", **more)


def lead(**fields):
    return Lead(id="ada", fields=fields)


def test_what_is_counted_twice_is_calibrated_away():
    leads, later = world(), world(seed=2)
    ours, plain = learned(leads), NaiveBayes(name="win", table=EMPTY.rebuilt(leads, at=T))
    won = [one.won for one in later]
    errors = [
        brier(won, [policy.value(lead(**one.values), (), at=T) for one in later]).score for policy in (ours, plain)
    ]
    assert errors[0] < errors[1]
    for city, rate in RATES.items():
        assert ours.value(lead(city=city, twin=f"near {city}"), (), at=T) == pytest.approx(rate, abs=0.07)
    assert plain.value(lead(city="Kyoto", twin="near Kyoto"), (), at=T) < 0.12


@given(st.randoms(use_true_random=False))
@settings(max_examples=5)
def test_the_order_of_the_leads_has_no_effect(random):
    leads = world(200)
    shuffled = random.sample(leads, len(leads))
    assert learned(shuffled) == learned(leads)


def test_a_value_is_drawn_towards_the_average_by_as_many_leads_as_the_smoothing_says():
    leads = [*world(400), ClosedLead(won=True, closed=T, values={"city": "Oslo"})]
    policy = learned(leads, smoothing=20.0)
    won, lost = sum(one.won for one in leads), sum(not one.won for one in leads)
    rate = won / (won + lost)
    [line] = [one for one in policy.score(lead(city="Oslo"), (), at=T).lines if one.rule == "city"]
    assert line.points == pytest.approx(log((1 + 20 * rate) / (20 * (1 - rate))) - log(rate / (1 - rate)), abs=1e-6)
    bold = learned(leads, smoothing=1.0)
    assert bold.score(lead(city="Oslo"), (), at=T).lines[1].micropoints > line.micropoints


def test_the_smoothing_that_errs_least_is_kept():
    policy = learned(world())
    assert policy.smoothing in (10.0, 20.0, 50.0, 100.0, 200.0)
    assert json.loads(policy.model_dump_json())["smoothing"] == policy.smoothing


def test_a_value_never_seen_adds_0_and_a_line_says_so():
    policy = learned(world())
    score = policy.score(lead(city="Atlantis"), (), at=T)
    [line] = [one for one in score.lines if one.rule == "city"]
    assert (line.micropoints, line.reason) == (0, "city Atlantis: never seen, so it adds 0")
    assert score.value == policy.value(lead(), (), at=T)
    assert policy.reasons(lead(city="Atlantis"), at=T) == ((), ())


def test_below_the_least_number_of_leads_it_refuses_with_the_number():
    few = [*world(600)[:60]]
    won = sum(one.won for one in few)
    why = f"{won} won and {60 - won} lost leads are too few to learn from: 50 of each are needed"
    with pytest.raises(Malformed, match=why):
        learned(few)
    assert learned(few, fewest=5).score(lead(), (), at=T).answered
    emptied = learned(world()).replace(table=EMPTY.rebuilt(few, at=T))
    score = emptied.score(lead(city="Porto"), (), at=T)
    assert (score.answer, score.why) == (Answer.UNANSWERED, why)
    assert emptied.reasons(lead(city="Porto"), at=T) == ((), ())
    bare = emptied.replace(table=EMPTY)
    assert bare.score(lead(), (), at=T).why.startswith("0 won and 0 lost leads are too few")


@pytest.mark.parametrize(("fewest", "parts"), [(50, 5), (7, 3), (1, 5), (5, 5), (10, 10), (13, 2)])
def test_just_enough_leads_are_enough(fewest, parts):
    number = max(fewest, parts)
    leads = [
        ClosedLead(won=place < number, closed=T, team="ab"[place % 2], values={"city": "Porto", "tags": "x;rare"})
        for place in range(2 * number)
    ]
    policy = learned(leads, fewest=fewest, parts=parts)
    score = policy.score(lead(city="Porto", tags="rare"), (), at=T)
    assert score.answered
    assert any("seen too rarely" in line.reason for line in score.lines) is (2 * number < 50)


def test_too_few_lost_leads_are_too_few_as_well():
    leads = [ClosedLead(won=number >= 20, closed=T, stage="new") for number in range(300)]
    with pytest.raises(Malformed, match="280 won and 20 lost leads are too few"):
        learned(leads)
    assert not learned(world()).replace(table=EMPTY.rebuilt(leads, at=T)).score(lead(), (), at=T).answered


def test_rare_values_without_a_signal_are_smoothed_away():
    random = Random(5)
    noise = [
        ClosedLead(won=random.random() < 0.4, closed=T, values={"city": f"c{random.randrange(150)}"})
        for _ in range(600)
    ]
    assert learned(noise).smoothing >= 20


@pytest.mark.parametrize("outcome", [True, False])
def test_one_outcome_only_is_refused(outcome):
    leads = [ClosedLead(won=outcome, closed=T) for _ in range(200)]
    with pytest.raises(Malformed, match="too few to learn from"):
        learned(leads)


def test_a_team_with_too_few_leads_is_scored_by_all_teams():
    leads = [*world(400, team="a"), *world(20, seed=3, team="b")]
    policy = learned(leads)
    asked = {"city": "Porto", "twin": "near Porto"}
    own, small, unheard, none = (
        policy.score(lead(**asked, **team), (), at=T) for team in ({"team": "a"}, {"team": "b"}, {"team": "z"}, {})
    )
    assert small.lines == unheard.lines == none.lines
    assert own.lines != none.lines


def test_outcomes_after_the_instant_teach_nothing():
    leads = world(300)
    later = [one.replace(closed=T + DAY, won=True) for one in leads]
    assert learned([*leads, *later]) == learned(leads)
    early = learned(leads).score(lead(), (), at=T - DAY)
    assert (early.answer, "after this instant" in early.why) == (Answer.UNANSWERED, True)


def test_the_stage_multiplies_the_odds_after_the_calibration():
    random = Random(4)
    leads = [one if one.won or random.random() < 0.7 else one.replace(stage="offer") for one in world()]
    policy = learned(leads, won=("sold",), lost=("gone",))
    score = policy.score(lead(city="Porto", stage="offer"), (), at=T)
    assert [line.rule for line in score.lines] == ["prior", "city", "calibration", "stage"]
    odds = exp(sum(line.points for line in score.lines))
    assert score.value == pytest.approx(odds / (1 + odds), abs=1e-5)
    assert score.value > policy.value(lead(city="Porto", stage="new"), (), at=T)
    assert policy.value(lead(stage="sold"), (), at=T) == 1
    assert policy.value(lead(stage="gone"), (), at=T) == 0
    assert all(line.kind is LineKind.FIELD for line in score.lines)
    assert Score.load(score.dump()) == score
    assert "stage" in {reason.field for reason in policy.reasons(lead(stage="offer"), at=T).for_it}


@settings(suppress_health_check=[HealthCheck.nested_given], max_examples=5)
@given(st.integers(0, 99))
def test_it_keeps_the_contract_of_a_policy(seed):
    policy = learned(world(300, seed=seed), bands={"no": 0, "yes": 0.5}, won=("sold",))
    fields = {"city": st.sampled_from(["Porto", "Oslo"]), "stage": st.sampled_from(EMPTY.stages)}
    check_policy(policy, fields=fields, examples=4)
    assert read_policy(policy.model_dump_json()) == policy


@pytest.mark.parametrize(
    "broken",
    [
        {"xs": [], "ys": []},
        {"xs": [0.1], "ys": [0.1, 0.2]},
        {"xs": [0.2, 0.2], "ys": [0.1, 0.2]},
        {"xs": [0.1, 0.2], "ys": [0.2, 0.1]},
        {"xs": [0.1, 2.0], "ys": [0.1, 0.2]},
    ],
)
def test_a_curve_rises(broken):
    with pytest.raises(Malformed):
        Isotonic(**broken)
