"""Splits: stratified ones share the won leads fairly, and one in time uses nothing from the future."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlife import Malformed
from leadlife.evaluation import stratified_splits, train_early_test_late
from leadlife.scoring import ClosedLead

T = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@given(st.lists(st.booleans(), min_size=10, max_size=60), st.integers(2, 5), st.integers(0, 9))
def test_each_lead_is_held_out_once_and_the_won_are_shared_fairly(outcomes, parts, seed):
    outcomes = [*outcomes, *[True, False] * parts]
    found = list(stratified_splits(outcomes, parts=parts, seed=seed))
    assert sorted(place for split in found for place in split.test) == list(range(len(outcomes)))
    for train, test in found:
        assert set(train) | set(test) == set(range(len(outcomes)))
        assert not set(train) & set(test)
    won = [sum(outcomes[place] for place in split.test) for split in found]
    assert max(won) - min(won) <= 1
    assert list(stratified_splits(np.array(outcomes, dtype=int), parts=parts, seed=seed)) == found


def test_another_seed_shuffles_differently():
    outcomes = [True, False] * 50
    assert list(stratified_splits(outcomes)) != list(stratified_splits(outcomes, seed=1))


def made(opened, ended):
    return ClosedLead(won=True, made=T + opened * DAY, closed=T + ended * DAY)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=2, max_size=40), st.integers(1, 99))
def test_training_uses_nothing_from_the_future_and_no_lead_is_lost(spans, day):
    leads = [made(opened, opened + length) for opened, length in spans]
    at = T + day * DAY
    try:
        split = train_early_test_late(leads, at=at)
    except Malformed:
        assert not any(lead.closed < at for lead in leads) or not any(lead.made >= at for lead in leads)
        return
    assert all(lead.closed < at for lead in split.train)
    assert all(lead.made >= at for lead in split.test)
    assert all(lead.made < at <= lead.closed for lead in split.between)
    assert len(split.train) + len(split.test) + len(split.between) == len(leads)


def test_by_default_seven_tenths_of_the_outcomes_come_before():
    split = train_early_test_late([made(day, day) for day in range(10)])
    assert (split.at, len(split.train), len(split.test)) == (T + 6 * DAY, 6, 4)
    half = train_early_test_late([made(day, day + 3) for day in range(10)], share=0.5)
    assert (half.at, len(half.train), len(half.between), len(half.test)) == (T + 7 * DAY, 4, 3, 3)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda: list(stratified_splits([1, 1, 1, 0], parts=2)), "2 parts cannot be made of 3 won and 1 lost leads"),
        (lambda: list(stratified_splits([1, 0], parts="2")), "parts must be a whole number"),
        (lambda: list(stratified_splits([1, 0], parts=1)), "make 2 parts or more"),
        (lambda: train_early_test_late([]), "no closed leads to split"),
        (lambda: train_early_test_late([ClosedLead(won=True, closed=T)]), "closed leads with made"),
        (lambda: train_early_test_late(["lead"]), "closed leads with made"),
        (lambda: train_early_test_late([made(3, 1)]), "closed before it was made"),
        (lambda: train_early_test_late([made(1, 1)], share=1), "share must be above 0 and below 1"),
        (lambda: train_early_test_late([made(1, 1)], at=T), "a split at 2026-01-01 leaves no leads to train on"),
        (
            lambda: train_early_test_late([made(1, 1)], at=T + 9 * DAY),
            "a split at 2026-01-10 leaves no leads to test on",
        ),
    ],
)
def test_what_cannot_be_split_is_refused(broken, message):
    with pytest.raises(Malformed, match=message):
        broken()
