"""Appraisals of scores, in figures and words, over all leads and by segment."""

import math
from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from leadlife import Malformed
from leadlife.evaluation import Signal, appraise, brier, by_segment, roc_auc, roc_curve


def leads(strength, number=2_000, seed=2):
    random = Random(seed)
    outcomes = [random.random() < 0.3 for _ in range(number)]
    return outcomes, [random.gauss(strength if outcome else 0, 1) for outcome in outcomes]


@pytest.mark.parametrize(
    ("strength", "signal"),
    [
        (0, Signal.NONE),
        (0.4, Signal.WEAK),
        (0.9, Signal.ACCEPTABLE),
        (1.4, Signal.EXCELLENT),
        (3, Signal.OUTSTANDING),
        (-1, Signal.REVERSED),
    ],
)
def test_the_signal_is_named(strength, signal):
    appraisal = appraise(*leads(strength))
    assert appraisal.signal is signal
    assert appraisal.interval[0] <= appraisal.roc_auc <= appraisal.interval[1]
    assert appraisal.brier is None
    assert f"ROC-AUC {appraisal.roc_auc:.3f}" in str(appraisal)


def test_the_words_of_a_weak_signal():
    outcomes, scores = leads(0.4)
    chances = [1 / (1 + np.exp(-score)) for score in scores]
    appraisal = appraise(outcomes, chances, probabilities=True)
    assert appraisal.brier == brier(outcomes, chances).score
    assert str(appraisal).endswith(
        f"times the average rate; Brier {appraisal.brier:.4f}; predicts 0.52 where 0.29 came true"
    )
    assert "the signal is weak" in str(appraisal)


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    truth = roc_auc(*leads(0.8, 60_000, seed=99))
    intervals = [appraise(*leads(0.8, 300, seed=seed)).interval for seed in range(120)]
    assert 0.88 <= sum(low <= truth <= high for low, high in intervals) / len(intervals) <= 1


def test_the_interval_is_as_wide_as_the_area_spreads():
    areas = []
    for seed in range(150):
        random = Random(seed)
        scores = [random.gauss(1.2, 1) for _ in range(12)] + [random.gauss(0, 1) for _ in range(600)]
        areas.append(appraise([1] * 12 + [0] * 600, scores))
    mean = sum(one.roc_auc for one in areas) / len(areas)
    spread = (sum((one.roc_auc - mean) ** 2 for one in areas) / len(areas)) ** 0.5
    width = sum(one.interval[1] - one.interval[0] for one in areas) / len(areas) / 2 / 1.96
    assert width == pytest.approx(spread, rel=0.25)


def test_segments_are_appraised_where_there_are_enough_leads():
    outcomes, scores = leads(1)
    names = ["many"] * 1_900 + ["few"] * 95 + [None] * 5
    many, few, unnamed = by_segment(outcomes, scores, names)
    assert (many.name, many.leads, few.name, unnamed.leads) == ("many", 1_900, "few", 5)
    assert many.appraisal == appraise(outcomes[:1_900], scores[:1_900])
    assert many.rate == sum(outcomes[:1_900]) / 1_900
    assert (unnamed.appraisal, "are needed" in unnamed.why) == (None, True)
    assert sum(one.leads for one in (many, few, unnamed)) == len(outcomes)
    blanks = [None, "", "  ", math.nan, float("nan"), pd.NA, pd.NaT]
    [blank] = by_segment([1, 0, 0, 1, 0, 0, 1], range(7), blanks)
    assert (blank.name, blank.leads) == (None, 7)
    assert by_segment([1], [0.5], ["x"], probabilities=True)[0].why == "0 lost, 10 are needed"


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0, 0.5, 1])), min_size=2, max_size=30))
def test_the_curve_is_scikit_learns(pairs):
    outcomes, scores = [outcome for outcome, _ in pairs], [score for _, score in pairs]
    if len(set(outcomes)) < 2:
        return
    false, true, _ = metrics.roc_curve(outcomes, scores, drop_intermediate=False)
    assert pytest.approx(np.array([false, true]), abs=1e-12) == np.array(roc_curve(outcomes, scores)).T


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda: appraise([1, 1], [1, 2]), "all leads were won"),
        (lambda: appraise([1, 0], [1, 2], probabilities=True), "from 0 to 1"),
        (lambda: by_segment([1, 0], [1, 2], ["x"]), "got 1 segments for 2 leads"),
        (lambda: by_segment([1, 0], [1, 2], [[], []]), "a segment must be one value"),
        (lambda: roc_curve([1, 1], [1, 2]), "all leads were won"),
        (lambda: roc_auc([np.array([1, 2]), 0], [1, 2]), "an outcome must be True or False"),
    ],
)
def test_what_cannot_be_appraised_is_refused(broken, message):
    with pytest.raises(Malformed, match=message):
        broken()
