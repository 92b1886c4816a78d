"""Corners of the formulas: cohorts, customers, chains, times."""

from __future__ import annotations

import sys
from math import inf, nan
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlife._base.linear import solved
from leadlife.analytics.survival import CompetingRisks
from leadlife.economics import (
    BgNbd,
    Cohort,
    GammaGamma,
    Purchases,
    SemiMarkov,
    bornhuetter_ferguson,
    cape_cod,
    chain_ladder,
    fit_bg_nbd,
    migration_value,
)
from leadlife.errors import Malformed, MissingExtra

MODEL = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
REGULAR = Purchases(frequency=2, recency=30.43, age=38.86)
FLAT = [[1, 2, 3, 3], [1, 2, 3], [1, 2], [1]]

times = st.lists(st.tuples(st.integers(0, 20), st.sampled_from([None, "won", "lost"])), max_size=20)


@given(times)
def test_causes_and_survival_add_up_to_one(observed):
    risks = CompetingRisks(observed)
    for time in range(22):
        parts = [risks.incidence(cause, by=time) for cause in risks.causes]
        assert sum(parts) + risks.survival(by=time) == pytest.approx(1)
    assert risks.unresolved == pytest.approx(risks.survival(by=21))
    assert risks.number == len(observed)
    assert risks.at_risk(at=0) == len(observed)
    assert 0 <= risks.restricted_mean(until=10) <= 10


@given(times)
def test_errors_are_those_of_a_share_where_nobody_is_censored(observed):
    ended = [(time, cause) for time, cause in observed if cause is not None]
    risks = CompetingRisks(ended)
    for cause in risks.causes:
        share = sum(own == cause and time <= 9 for time, own in ended) / len(ended)
        assert risks.incidence(cause, by=9) == pytest.approx(share)
        assert risks.incidence_error(cause, by=9) == pytest.approx((share * (1 - share) / len(ended)) ** 0.5, abs=1e-7)
    if ended:
        left = risks.survival(by=9)
        assert risks.error(by=9) == pytest.approx((left * (1 - left) / len(ended)) ** 0.5, abs=1e-7)


def test_a_growing_funnel_misleads_every_rate_but_the_incidence():
    """The lesson of ``lag_honesty``, in a simulation of our own: 12 % of leads are won, 135 days after they come."""
    random = Random(5)
    ends = []
    for number in range(20_000):
        observed = 365 - 365 * (number / 20_000) ** 0.5  # more leads come every day
        win = random.random() < 0.12
        wait = random.gammavariate(4, 34) if win else random.gammavariate(2, 60)
        ends.append((wait, "won" if win else "lost") if wait <= observed else (observed, None))
    won, lost = (sum(cause == name for _, cause in ends) for name in ("won", "lost"))
    honest = CompetingRisks(ends).incidence("won", by=330)
    naive = 1 - CompetingRisks((time, cause if cause == "won" else None) for time, cause in ends).survival(by=330)
    assert won / len(ends) < honest < won / (won + lost) + 0.05 < naive
    assert won / len(ends) < 0.08
    assert honest == pytest.approx(0.12, abs=0.01)
    assert naive > 0.2


def test_nothing_observed_is_nothing_known():
    risks = CompetingRisks([])
    assert (risks.number, risks.last, risks.unresolved, risks.median(), risks.is_decided) == (0, None, 1.0, None, False)
    assert risks.restricted_mean(until=5) == 5
    assert CompetingRisks([(3, None)]).median() is None


def test_the_ladder_carries_each_cohort_forward():
    found = chain_ladder(FLAT)
    assert found.factors == (2, 1.5, 1)
    assert [row.ultimate for row in found.rows] == [3, 3, 3, 3]
    assert found.error == 0
    blanks = chain_ladder([[*row, *[None] * place] for place, row in enumerate(FLAT)])
    assert blanks == found


def test_a_ladder_whose_spread_vanishes_before_the_end_is_sound():
    found = chain_ladder([[1, 2, 3, 3.3], [1, 2.5, 3.75], [1, 2], [1]])
    assert found.error > 0


@pytest.mark.parametrize(
    ("triangle", "message"),
    [
        ([[1, 2], [1]], "at least 4 cohorts"),
        ([[1, 2, 3, 4], [1, 2, 3], [1, 2], []], "has 0 ages, and should have 1"),
        ([[0, 2, 3, 4], [1, 2, 3], [1, 2], [1]], "nothing yet to grow from"),
        ([[1, nan, 3, 4], [1, 2, 3], [1, 2], [1]], "number"),
        ([[1, None, 3, 4], [1, 2, 3], [1, 2], [1]], "number"),
        ([[True, 2, 3, 4], [1, 2, 3], [1, 2], [1]], "number"),
        ("text", "list"),
    ],
)
def test_a_thin_or_broken_triangle_is_refused(triangle, message):
    with pytest.raises(Malformed, match=message):
        chain_ladder(triangle)


def test_young_cohorts_take_the_rate_of_all():
    old, young = Cohort(100, 10, 1.0), Cohort(100, 0, 0.0)
    found = cape_cod([old, young])
    assert found == (0.1, (10, 10))
    assert found.won == 20
    assert cape_cod([young]) == (None, (None,))
    assert cape_cod([young]).won is None
    assert cape_cod([]).won == 0
    assert cape_cod([Cohort(10, 10, 0.2)]).rate == 1


@pytest.mark.parametrize(
    "ask",
    [
        lambda: cape_cod([Cohort(1, 2, 0.5)]),
        lambda: cape_cod([Cohort(1, 1, 1.5)]),
        lambda: cape_cod([(1, 1, 0.5)]),
        lambda: bornhuetter_ferguson([], rate=1.2),
        lambda: bornhuetter_ferguson([], rate="x"),
    ],
)
def test_cohorts_are_checked(ask):
    with pytest.raises(Malformed):
        ask()


def test_a_customer_who_never_bought_again_is_alive_and_one_long_silent_is_not():
    assert MODEL.alive(Purchases(0, 0, 38)) == 1
    assert MODEL.alive(Purchases(20, 5, 38)) < 0.01
    assert MODEL.expected(REGULAR, time=0) == pytest.approx(0, abs=1e-12)
    assert MODEL.expected(Purchases(3_000, 38.859, 38.86), time=10) == pytest.approx(640, rel=0.2)


@given(st.floats(0, 300), st.floats(0, 300))
def test_more_time_brings_no_fewer_purchases(one, more):
    assert MODEL.expected(REGULAR, time=one + more) >= MODEL.expected(REGULAR, time=one) - 1e-9


@pytest.mark.parametrize("a", [0.999_999_999_9, 1.0, 1.000_000_1])
def test_the_formula_is_smooth_where_it_divides_zero_by_zero(a):
    near = MODEL._replace(a=1.001).expected(REGULAR, time=39)
    assert MODEL._replace(a=a).expected(REGULAR, time=39) == pytest.approx(near, rel=1e-3)
    edge = BgNbd(0.5, 1.0, 0.4, 0.6).expected(Purchases(0, 0, 10), time=5)
    assert edge == pytest.approx(BgNbd(0.5, 1.0, 0.4, 0.601).expected(Purchases(0, 0, 10), time=5), rel=1e-2)


def test_the_mean_amount_lies_between_that_of_the_customer_and_that_of_all():
    model = GammaGamma(p=6.25, q=3.74, v=15.44)
    everybody = model.p * model.v / (model.q - 1)
    assert model.expected_amount(purchases=0, mean=0) == pytest.approx(everybody)
    assert everybody < model.expected_amount(purchases=2, mean=60) < 60


@pytest.mark.parametrize(
    "ask",
    [
        lambda: MODEL.expected(REGULAR, time=-1),
        lambda: MODEL.expected(REGULAR, time=nan),
        lambda: MODEL.expected(Purchases(1, 5, 3), time=1),
        lambda: MODEL.expected(Purchases(1, 0, 3), time=1),
        lambda: MODEL.expected(Purchases(0, 0, inf), time=1),
        lambda: MODEL._replace(r=0).alive(REGULAR),
        lambda: GammaGamma(6, 1, 15).expected_amount(purchases=1, mean=5),
        lambda: GammaGamma(6, 3, 15).expected_amount(purchases=-1, mean=5),
        lambda: fit_bg_nbd([REGULAR]),
        lambda: fit_bg_nbd([Purchases(0, 0, 5)] * 20),
        lambda: migration_value([[0.5, 0.51], [0, 1]], [1, 0], discount=0.1),
        lambda: migration_value([[-1, 2], [0, 1]], [1, 0], discount=0.1),
        lambda: migration_value([[1]], [1, 0], discount=0.1),
        lambda: migration_value([], [], discount=0.1),
        lambda: migration_value([[1]], [1], discount=0),
        lambda: SemiMarkov.of({"a": {"won": 1}}, []),
        lambda: SemiMarkov.of({"a": {"won": 1}}, [-1]),
        lambda: SemiMarkov.of({"a": {"won": 0.5, "lost": 0.51}}, [1]),
        lambda: SemiMarkov.of({"a": {"b": 1}, "b": {"a": 1}}, [1, 1]).outlook(),
        lambda: CompetingRisks([(-1, None)]),
        lambda: CompetingRisks([(1, "won")]).incidence("lost", by=1),
    ],
)
def test_bad_input_gets_a_clear_error(ask):
    with pytest.raises(Malformed):
        ask()


def test_rows_are_divided_by_their_sum_only_if_that_is_asked_for():
    assert migration_value([[0.505, 0.505], [0, 1]], [1, 0], discount=1, normalize=True)[0] == pytest.approx(4 / 3)
    assert SemiMarkov.of({"a": {"won": 1, "lost": 1}}, {"a": 3}, {"a": 0}, normalize=True).outlook()["a"] == (
        0.5, 3, 0, 3,
    )  # fmt: skip


def test_a_stage_that_nobody_wins_from_has_no_time_to_a_win():
    assert SemiMarkov.of({"a": {"lost": 1}}, [5]).outlook()["a"] == (0, 5, 5, None)


def test_without_scipy_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(MissingExtra, match=r"leadlife\[value\]"):
        fit_bg_nbd([REGULAR] * 20)


def test_parameters_that_cannot_be_found_are_an_error(monkeypatch):
    scipy = pytest.importorskip("scipy.optimize")

    def stuck(loss, _start, **_how):
        assert loss([800.0, 0.0, 0.0, 0.0]) == 1e9  # e to the power of 800 is no float
        return scipy.OptimizeResult(success=False, message="it wandered")

    monkeypatch.setattr(scipy, "minimize", stuck)
    with pytest.raises(Malformed, match="wandered"):
        fit_bg_nbd([REGULAR] * 20)


def test_equations_are_solved_whatever_their_order():
    assert solved([[0, 1], [2, 0]], [[3], [8]]) == [[4], [3]]
