"""Credits add up to the conversions exactly, by every model, and nobody calls them causes."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlife._base.shares import divided
from leadlife.economics import AttributionModel, ChannelPath, attribute, removal_effects, shapley
from leadlife.errors import Malformed

CHANNELS = ("ads", "call", "email", "search")
MILLION = 1_000_000


@st.composite
def a_path(draw):
    channels = tuple(draw(st.lists(st.sampled_from(CHANNELS), max_size=5)))
    ages = tuple(draw(st.lists(st.integers(0, 400), min_size=len(channels), max_size=len(channels))))
    value = Decimal(draw(st.integers(-500, 90_000))).scaleb(-2)
    return ChannelPath(channels, draw(st.booleans()), ages, value)


paths = st.lists(a_path(), max_size=12)


@given(paths, st.sampled_from(AttributionModel))
def test_credits_add_up_exactly(several, model):
    found = attribute(several, model)
    won = [path for path in several if path.won]
    assert sum(one.conversions for one in found.credits) == len(won) * MILLION
    assert sum(one.value for one in found.credits) == sum((path.value for path in won), Decimal(0))
    assert found.conversions == len(won)


@given(paths, st.sampled_from(AttributionModel))
def test_a_channel_that_never_appears_gets_nothing_and_the_order_of_paths_is_irrelevant(several, model):
    found = attribute(several, model)
    seen = {channel for path in several for channel in path.channels}
    assert {one.channel for one in found.credits} - {None} == seen
    assert attribute(several[::-1], model) == found
    if model is AttributionModel.MARKOV:
        return  # a chain of first order also follows ways that no path took as a whole
    only_lost = {c for path in several for c in path.channels} - {c for p in several if p.won for c in p.channels}
    assert all(one.conversions == 0 for one in found.credits if one.channel in only_lost)


@given(paths, st.sampled_from(AttributionModel))
def test_two_channels_that_change_places_change_credits(several, model):
    swap = {"ads": "call", "call": "ads"}
    swapped = [path._replace(channels=tuple(swap.get(c, c) for c in path.channels)) for path in several]
    one = {credit.channel: credit.conversions for credit in attribute(several, model).credits}
    other = {credit.channel: credit.conversions for credit in attribute(swapped, model).credits}
    # The rest of a division goes to the first in the alphabet, so a millionth for each path may differ.
    for channel, credit in one.items():
        assert abs(other[swap.get(channel, channel)] - credit) <= len(several) + 1


@pytest.mark.parametrize(
    ("model", "shares"),
    [
        ("first", [1, 0, 0, 0]),
        ("last", [0, 0, 0, 1]),
        ("linear", [0.25] * 4),
        ("position", [0.4, 0.1, 0.1, 0.4]),
        ("shapley", [0.25] * 4),
    ],
)
def test_what_each_touch_gets(model, shares):
    found = attribute([ChannelPath(CHANNELS, True)], model)
    assert [found.share(channel) for channel in CHANNELS] == shares


def test_by_position_two_touches_get_half_each_and_one_gets_all():
    assert attribute([ChannelPath(("ads", "call"), True)], "position").share("ads") == 0.5
    assert attribute([ChannelPath(("ads",), True)], "position").share("ads") == 1


def test_a_channel_counts_once_for_a_shapley_value_and_twice_by_touch():
    path = [ChannelPath(("ads", "ads", "call"), True)]
    assert attribute(path, "shapley").share("ads") == 0.5
    assert attribute(path, "linear").share("ads") == pytest.approx(2 / 3)


def test_old_touches_keep_a_trace():
    path = [ChannelPath(("ads", "call"), True, (100_000.0, 0.0))]
    assert attribute(path, "time_decay").share("call") == 1
    ancient = [ChannelPath(("ads", "call"), True, (100_000.0, 100_000.0))]
    assert attribute(ancient, "time_decay").share("ads") == 0.5


def test_a_shapley_value_is_efficient_symmetric_and_blind_and_sampled_with_its_error_beyond_twelve():
    names = [f"c{number:02}" for number in range(14)]

    def worth(group):
        return len(group & {"c00", "c01"}) ** 2

    exact = shapley(worth, names[:12])
    assert sum(one.value for one in exact.values()) == pytest.approx(4)
    assert exact["c00"] == exact["c01"]
    assert exact["c05"].value == 0
    sampled = shapley(worth, names)
    assert sum(one.value for one in sampled.values()) == pytest.approx(4)
    assert abs(sampled["c00"].value - 2) < 4 * sampled["c00"].error
    assert shapley(worth, names) == sampled
    assert shapley(worth, names, seed=8) != sampled


def test_no_paths_and_no_conversions():
    assert attribute([], "markov").credits == ()
    assert removal_effects([]) == {}
    lost = [ChannelPath(("ads",), False)]
    assert removal_effects(lost) == {"ads": 0.0}
    found = attribute(lost, "markov")
    assert (found.conversions, found.share("ads")) == (0, 0.0)


def test_the_table_says_that_it_shows_no_causes():
    found = attribute([ChannelPath(("ads", "call"), True, value=Decimal("10.01")), ChannelPath((), True)], "linear")
    assert str(found) == (
        "2 conversions of 2 paths by linear; credits, not causes\n"
        "(none)        1.00            0.00  in 1 paths\n"
        "ads           0.50            5.01  in 1 paths\n"
        "call          0.50            5.00  in 1 paths"
    )


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: attribute([], "linaer"), "linear"),
        (lambda: attribute(["ads"], "linear"), "ChannelPath"),
        (lambda: attribute([ChannelPath(("a",), True, (), 0.1)], "linear"), "finite Decimal"),
        (lambda: attribute([ChannelPath(("a", "b"), True)], "time_decay"), "the age of each touch"),
        (lambda: attribute([ChannelPath(("a",), True, (float("nan"),))], "time_decay"), "finite"),
        (lambda: attribute([ChannelPath(("ads",), True)], "linear").share("adz"), "'ads'"),
        (lambda: shapley({frozenset("a"): 1.0}, ["a", "b"]), "nothing says what"),
        (lambda: shapley(len, ["a", "b"], samples=1), "2 or more"),
        (lambda: divided(10, [Fraction(0)]), "positive"),
        (lambda: divided(10, [Fraction(-1), Fraction(2)]), "negative"),
    ],
)
def test_bad_input_gets_a_clear_error(ask, message):
    with pytest.raises(Malformed, match=message):
        ask()


@given(st.integers(-1000, 1000), st.lists(st.integers(0, 9), min_size=1, max_size=6))
def test_parts_add_up_and_are_off_by_less_than_one(total, weights):
    if not sum(weights):
        return
    parts = divided(total, weights)
    assert sum(parts) == total
    assert all(
        abs(part - Fraction(total * weight, sum(weights))) < 1 for part, weight in zip(parts, weights, strict=True)
    )
