"""Measures: the same numbers as scikit-learn's, and thresholds."""

import json
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.isotonic import IsotonicRegression

from leadlife import Malformed
from leadlife.evaluation import Isotonic, average_precision, brier, calibration, gains, roc_auc, threshold

TIED = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5000001, 0.9, 1.0]) | st.floats(0, 1)
LEADS = st.lists(st.tuples(st.booleans(), TIED), min_size=2, max_size=60)


def split(leads):
    outcomes, chances = [outcome for outcome, _ in leads], [chance for _, chance in leads]
    assume(len(set(outcomes)) == 2)
    return outcomes, chances


@given(LEADS)
def test_ranking_is_measured_as_scikit_learn_does(leads):
    outcomes, chances = split(leads)
    assert roc_auc(outcomes, chances) == pytest.approx(metrics.roc_auc_score(outcomes, chances), abs=1e-12)
    expected = metrics.average_precision_score(outcomes, chances)
    assert average_precision(outcomes, chances) == pytest.approx(expected, abs=1e-12)


@given(LEADS)
def test_brier_is_scikit_learns_and_its_parts_add_up(leads):
    outcomes, chances = split(leads)
    parts = brier(outcomes, chances)
    assert parts.score == pytest.approx(metrics.brier_score_loss(outcomes, chances), abs=1e-12)
    assert parts.reliability - parts.resolution + parts.uncertainty == pytest.approx(parts.score, abs=1e-12)
    assert min(parts) >= 0


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 1000).map(lambda n: n / 1000)), min_size=2, max_size=60))
def test_the_isotonic_curve_is_scikit_learns_and_calibrates_no_worse(leads):
    outcomes, chances = split(leads)
    curve = Isotonic.fit(outcomes, chances)
    reference = IsotonicRegression(out_of_bounds="clip").fit(chances, outcomes)
    asked = sorted({*chances, 0.0, 0.3, 0.77, 1.0})
    assert [curve(one) for one in asked] == pytest.approx(list(reference.predict(asked)), abs=1e-7)
    assert list(curve.ys) == sorted(curve.ys)
    calibrated = [curve(chance) for chance in chances]
    assert brier(outcomes, calibrated).score <= brier(outcomes, chances).score + 1e-12


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 50).map(lambda n: n / 50)), min_size=1, max_size=60),
    st.floats(0.1, 20),
)
def test_a_prior_keeps_the_curve_from_being_certain(leads, prior):
    outcomes, chances = [outcome for outcome, _ in leads], [chance for _, chance in leads]
    curve, rate = Isotonic.fit(outcomes, chances, prior=prior), sum(outcomes) / len(outcomes)
    plain = Isotonic.fit(outcomes, chances)
    assert min(plain.ys) - 1e-12 <= min(curve.ys) <= rate + 1e-12
    assert rate - 1e-12 <= max(curve.ys) <= max(plain.ys) + 1e-12
    if 0 < rate < 1:
        assert 0 < curve.ys[0] <= curve.ys[-1] < 1


def test_few_lucky_leads_are_not_certain():
    curve = Isotonic.fit([0, 0, 0, 1, 0, 1, 1, 1], [0.1, 0.1, 0.2, 0.3, 0.4, 0.8, 0.9, 0.9], prior=2.0)
    assert (curve(0.9), curve(0.1)) == (pytest.approx(4 / 5), pytest.approx(1 / 5))


def test_the_published_isotonic_example(shared_data):
    example = json.loads((shared_data / "peer_expectations/worked_examples.json").read_text())["isotonic"]
    curve = Isotonic.fit(example["y"], example["x"])
    fitted = [curve(x) for x in example["x"]]
    assert fitted == pytest.approx(example["fitted"], abs=1e-10)
    assert brier(example["y"], example["x"]).score == pytest.approx(example["brier_before"], abs=1e-10)
    assert brier(example["y"], fitted).score == pytest.approx(example["brier_after"], abs=1e-10)


def test_the_worked_threshold_for_a_sales_capacity(shared_data):
    example = json.loads((shared_data / "peer_expectations/worked_examples.json").read_text())["capacity_threshold"]
    chances = np.random.default_rng(0).beta(0.6, 6, 1000)
    free = threshold(chances, value=4000, cost=200)
    assert (free.cut, free.leads, round(free.profit), free.next_lead_worth) == (
        example["p_star"],
        example["unlimited"]["leads"],
        example["unlimited"]["profit"],
        0,
    )
    for capacity, expected in example["capacity"].items():
        found = threshold(chances, value=4000, cost=200, capacity=int(capacity))
        assert (round(found.cut, 4), round(found.profit)) == (expected["cut"], expected["profit"])
        assert round(found.next_lead_worth) == expected["next_lead_worth"]
        assert found.leads == int(capacity)


@given(st.lists(st.floats(0, 1), max_size=30), st.integers(0, 40))
def test_one_more_slot_brings_the_stated_profit(chances, capacity):
    now, more = (threshold(chances, value=100, cost=7, capacity=capacity + extra) for extra in (0, 1))
    assert more.profit - now.profit == pytest.approx(now.next_lead_worth, abs=1e-9)
    assert now.profit <= threshold(chances, value=100, cost=7).profit + 1e-9


def test_gains_and_lift_of_the_best_scored():
    outcomes = [1, 1, 0, 1, 0, 0, 0, 0, 0, 0]
    table = gains(outcomes, range(10, 0, -1))
    assert [one.won for one in table] == [1, 2, 2, 3, 3, 3, 3, 3, 3, 3]
    assert (table[0].gain, table[0].lift, table[-1].lift) == pytest.approx((1 / 3, 1 / 0.3, 1))
    (quarter,) = gains(outcomes, range(10, 0, -1), shares=[0.25])
    assert (quarter.leads, quarter.won) == (3, 2)
    assert [one.won for one in gains([0, 1], [5, 5], shares=[0.5])] == [0]  # equal scores keep their order


def test_a_calibration_table_describes_each_bin():
    table = calibration([0, 1, 1, 1], [0.05, 0.1, 0.95, 1.0])
    assert [(row.low, row.high, row.leads, row.won) for row in table] == [
        (0.0, 0.1, 1, 0),
        (0.1, 0.2, 1, 1),
        (0.9, 1.0, 2, 2),
    ]
    assert table[-1].predicted == pytest.approx(0.975)
    assert table[-1].interval[0] < 1 == table[-1].interval[1]
    assert [row.leads for row in calibration([0, 1], [0.2, 0.9], bins=1)] == [2]


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda: Isotonic.fit([1, 0], [0.1, 0.2], prior=-1), "prior must be 0 or more"),
        (lambda: roc_auc([1, 1], [0.1, 0.2]), "all leads were won"),
        (lambda: average_precision([0, 0], [0.1, 0.2]), "all leads were lost"),
        (lambda: gains([0, 0], [0.1, 0.2]), "all leads were lost"),
        (lambda: roc_auc([1, 0], [0.1]), "got 2 outcomes and 1 scores"),
        (lambda: roc_auc([], []), "got 0 outcomes and 0 scores"),
        (lambda: roc_auc([1, 2], [0.1, 0.2]), "an outcome must be True or False"),
        (lambda: roc_auc([1, None], [0.1, 0.2]), "an outcome must be True or False"),
        (lambda: roc_auc([1, 0], [0.1, math.nan]), "lead 1 has no score"),
        (lambda: roc_auc([1, 0], [0.1, math.inf]), "finite"),
        (lambda: roc_auc([1, 0], [0.1, "x"]), "a score must be a number"),
        (lambda: roc_auc([1, 0], [0.1, 10**400]), "a score must be a number"),
        (lambda: brier([1, 0], [0.1, 1.2]), "from 0 to 1"),
        (lambda: calibration([1, 0], [0.1, 0.2], bins=0), "at least one bin"),
        (lambda: gains([1, 0], [0.1, 0.2], shares=[0]), "above 0 and up to 1"),
        (lambda: threshold([0.5], value=0, cost=1), "value must be above 0"),
        (lambda: threshold([0.5], value=1, cost=math.nan), "a finite number"),
        (lambda: threshold([0.5], value="1", cost=1), "value must be a number"),
        (lambda: threshold([0.5], value=1, cost=1, capacity=-1), "capacity must be a whole number, 0 or more"),
        (lambda: threshold([0.5], value=1, cost=1, capacity=1.5), "capacity must be a whole number"),
        (lambda: roc_auc(None, [1]), "outcomes must be a sequence"),
        (lambda: roc_auc([1, 0], "ab"), "scores must be a sequence"),
        (lambda: calibration([1, 0], [0.1, 0.2], bins=2.5), "bins must be a whole number"),
        (lambda: Isotonic.fit([1, 0], [0.1, 0.2])(math.nan), "a finite number"),
        (lambda: threshold([2], value=1, cost=1), "from 0 to 1"),
    ],
)
def test_what_cannot_be_measured_is_refused(broken, message):
    with pytest.raises(Malformed, match=message):
        broken()


def test_a_tie_at_the_capacity_is_counted():
    chances = [0.9, 0.5, 0.5, 0.5, 0.2]
    assert threshold(chances, value=10, cost=1, capacity=2).tied == 2
    assert threshold(chances, value=10, cost=1, capacity=2).cut == 0.5
    assert threshold(chances, value=10, cost=1, capacity=4).tied == 0
    assert threshold(chances, value=10, cost=1).tied == 0
    assert threshold(chances, value=10, cost=1, capacity=0).tied == 0
