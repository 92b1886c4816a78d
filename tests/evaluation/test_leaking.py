"""Leak warnings: planted leaks are found, and shuffled outcomes cause no warning."""

import csv
import math
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from leadlife import Malformed
from leadlife.evaluation import LeakSign, leaks, profile

T = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def world(number=800, seed=3):
    random = Random(seed)
    won = [random.random() < 0.3 for _ in range(number)]
    columns = {
        "city": [random.choice(["Porto", "Kyoto"]) for _ in won],
        "size": [random.gauss(30 if one else 25, 10) for one in won],
        "contract": [f"no {place}" if one and random.random() < 0.8 else "" for place, one in enumerate(won)],
        "regret": [None if one or random.random() < 0.5 else "too dear" for one in won],
        "hint": [one if random.random() < 0.9 else not one for one in won],
        "warmth": [random.gauss(14 if one else 0, 12) for one in won],
        "last call": [random.random() < (0.55 if one else 0.2) for one in won],
    }
    return won, columns


def signs(warnings):
    return {warning.column: warning.sign for warning in warnings}


def test_planted_leaks_are_found():
    won, columns = world()
    found = leaks(won, columns)
    assert signs(found) == {
        "contract": LeakSign.FILLED_FOR_WON,
        "regret": LeakSign.FILLED_FOR_LOST,
        "hint": LeakSign.TOO_GOOD,
        "warmth": LeakSign.REMARKABLE,
        "last call": LeakSign.LATE_NAME,
    }
    assert [warning.certain for warning in found] == [True, True, True, False, False]
    assert all(warning.words for warning in found)


@pytest.mark.parametrize("seed", range(30))
def test_shuffled_outcomes_cause_no_warning(seed):
    won, columns = world(seed=seed)
    Random(seed + 1_000).shuffle(won)
    assert leaks(won, columns, scores=columns["size"]) == ()


def test_a_few_leads_prove_nothing():
    won = [True, False] * 4
    assert leaks(won, {"contract": ["x" if one else "" for one in won], "hint": won}) == ()


def test_luck_among_few_leads_causes_no_warning():
    warnings = 0
    for seed in range(150):
        won, columns = world(24, seed)
        Random(seed + 1_000).shuffle(won)
        warnings += (
            len(leaks(won, {name: columns[name] for name in ("city", "size", "warmth")})) if sum(won) >= 5 else 0
        )
    assert warnings <= 1


def test_what_was_filled_in_after_the_outcome_is_found():
    won, columns = world(50)
    closed = [T + 10 * DAY] * 50
    when = {"city": [T] * 25 + [None] * 20 + [T + 11 * DAY] * 5, "size": [T + 10 * DAY] * 50}
    found = leaks(won, columns, filled=when, closed=closed)
    [warning] = [one for one in found if one.sign is LeakSign.FILLED_LATER]
    assert (warning.column, warning.words) == ("city", "5 of 30 values were filled in after the outcome")


def test_scores_that_are_too_good_are_not_believed():
    won, columns = world()
    first = leaks(won, {}, scores=[one + Random(place).random() / 2 for place, one in enumerate(won)])
    assert [(warning.column, warning.sign) for warning in first] == [(None, LeakSign.TOO_GOOD)]
    assert leaks(won, {}, scores=columns["size"]) == ()


def test_a_profile_describes_a_column():
    column = ["Google", "google", " google ", "Select", "Select", "", None, math.nan, "bing", "bing"]
    city, price = profile({"source": column, "price": ["1", "2.5", *["3"] * 8]}, outcomes=[1, 0] * 5)
    assert (city.filled, city.distinct, city.commonest, city.share, city.numeric) == (0.7, 5, "Select", 2 / 7, False)
    assert city.placeholders == (("Select", 2),)
    assert city.variants == ((" google ", "Google", "google"),)
    assert (price.numeric, price.filled) == (True, 1)
    assert price.roc_auc is not None
    other = profile({"source": column}, blanks=("", "Select"))[0]
    assert (other.filled, other.placeholders, other.roc_auc) == (0.5, (), None)
    empty, odd = profile({"empty": ["", None], "odd": ["inf", True]})
    assert (empty.filled, empty.distinct, empty.commonest, empty.share, empty.numeric) == (0, 0, None, 0, False)
    assert odd.numeric is False
    assert profile({}) == ()
    assert profile({"none": []})[0].filled == 0
    assert profile({"a": ["x"] * 4}, outcomes=[1, 1, 1, 0])[0].roc_auc is None


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda: leaks([1, 1], {"a": [1, 2]}), "all leads were won"),
        (lambda: leaks([1, 0], {"a": [1]}), "'a' has 1 values, but there are 2 leads"),
        (lambda: leaks([1, 0], {"a": [[], {}]}), "not text, numbers or dates"),
        (lambda: leaks([1, 0], {"a": [1, 2]}, filled={"a": [T, T]}), "filled= needs closed="),
        (lambda: leaks([1, 0], {"a": [1, 2]}, filled={"b": [T, T]}, closed=[T, T]), "instants of column 'b'"),
        (lambda: leaks([1, 0], {"a": [1, 2]}, filled={"a": [T]}, closed=[T, T]), "instants of column 'a'"),
        (lambda: profile([[1, 2]]), "columns must be a mapping by name"),
        (lambda: profile({"a": 5}), "values of a column must be a sequence"),
        (lambda: profile({"a": [1, 2], "b": [1]}), "'b' has 1 values"),
    ],
)
def test_what_cannot_be_examined_is_refused(broken, message):
    with pytest.raises(Malformed, match=message):
        broken()


def test_on_x_education_it_warns_of_columns_filled_in_after_contact(shared_data):
    with (shared_data / "x_education/leads.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    won = [row["Converted"] == "1" for row in rows]
    apart = ("Prospect ID", "Lead Number", "Converted")
    columns = {name: [row[name] for row in rows] for name in rows[0] if name not in apart}
    found = leaks(won, columns)
    assert [warning.column for warning in found if warning.certain] == ["Tags"]
    asked = {warning.column for warning in found if not warning.certain}
    late = {"Lead Quality", "Lead Profile", "Last Activity", "Last Notable Activity"}
    assert late <= asked <= late | {"Total Time Spent on Website", "What is your current occupation"}
    profiles = {one.column: one for one in profile(columns)}
    assert ("Google", "google") in profiles["Lead Source"].variants
    assert sum(one.distinct == 1 for one in profiles.values()) == 5
    assert profiles["City"].placeholders == (("Select", 2249),)
