"""The published worked examples, to the digits given."""

from __future__ import annotations

import csv
import json

import pytest

from leadlife.analytics.survival import CompetingRisks
from leadlife.economics import (
    BgNbd,
    ChannelPath,
    Cohort,
    Purchases,
    SemiMarkov,
    attribute,
    bornhuetter_ferguson,
    cape_cod,
    chain_ladder,
    fit_bg_nbd,
    migration_value,
    removal_effects,
    shapley,
)


@pytest.fixture(scope="module")
def published(shared_data):
    return json.loads((shared_data / "peer_expectations/worked_examples.json").read_text())


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_competing_risks_of_a_transplant(published, shared_data):
    causes = {"0": None, "1": "mortality", "2": "relapse"}
    times = [(float(row["time"]), causes[row["status"]]) for row in rows_of(shared_data / "survival/bmt.csv")]
    risks = CompetingRisks(times)
    for month, both in published["competing_risks"]["cif_at"].items():
        found = [risks.incidence(cause, by=float(month)) for cause in ("mortality", "relapse")]
        assert found == pytest.approx(both, abs=5e-5)
    for cause, end in published["competing_risks"]["cif_end"].items():
        assert risks.incidence(cause, by=1e9) == pytest.approx(end, abs=5e-6)


def test_the_survival_of_flies(published, shared_data):
    rows = rows_of(shared_data / "survival/waltons_dataset.csv")
    flies = [(float(row["T"]), "dead" if row["E"] == "1" else None, row["group"]) for row in rows]
    expected = published["kaplan_meier"]
    every = CompetingRisks((time, cause) for time, cause, _ in flies)
    assert (every.number, every.median()) == (expected["n"], expected["median"])
    assert sum(cause == "dead" for _, cause, _ in flies) == expected["events"]
    for group, median in (("control", "control_median"), ("miR-137", "miR137_median")):
        assert CompetingRisks((time, cause) for time, cause, own in flies if own == group).median() == expected[median]


def test_the_survival_agrees_with_lifelines_with_its_errors(shared_data):
    lifelines = pytest.importorskip("lifelines")
    rows = rows_of(shared_data / "survival/waltons_dataset.csv")
    mine = CompetingRisks((float(row["T"]), "dead" if row["E"] == "1" else None) for row in rows)
    theirs = lifelines.KaplanMeierFitter().fit([float(row["T"]) for row in rows], [int(row["E"]) for row in rows])
    for time in (10, 33, 56, 70):
        assert mine.survival(by=time) == pytest.approx(float(theirs.predict(time)))
    assert mine.restricted_mean(until=60) == pytest.approx(lifelines.utils.restricted_mean_survival_time(theirs, t=60))
    # lifelines keeps the sum of Greenwood's formula.
    assert mine.error(by=56) == pytest.approx(
        mine.survival(by=56) * float(theirs._cumulative_sq_.loc[:56].iloc[-1]) ** 0.5
    )


def test_the_chain_ladder_of_raa(published, shared_data):
    by_origin: dict[str, list[float]] = {}
    for row in rows_of(shared_data / "triangles/raa.csv"):
        by_origin.setdefault(row["origin"], []).append(float(row["cumulative"]))
    ladder, expected = chain_ladder(by_origin.values()), published["chain_ladder"]
    assert ladder.factors == pytest.approx(expected["factors"], abs=5e-5)
    assert ladder.still_to_come == pytest.approx(expected["still_to_come"], abs=5e-3)
    assert ladder.error == pytest.approx(expected["standard_error_mack"], abs=5e-3)


def test_a_cohort_that_is_half_developed():
    cohort = Cohort(leads=240, won=6, developed=0.5)
    assert bornhuetter_ferguson([cohort], rate=0.05).won == 12
    assert cape_cod([cohort]) == (0.05, (12,))


def test_a_semi_markov_model(published):
    example = published["semi_markov"]
    outlook = SemiMarkov.of(example["p"], example["mean_stay_days"], example["cv_stay"]).outlook()
    for name, places in (("won", 6), ("days_to_end", 4), ("sd_days_to_end", 4), ("days_to_won", 4)):
        expected = example[{"won": "p_won"}.get(name, f"mean_{name}".replace("mean_sd", "sd"))]
        assert [round(getattr(one, name), places) for one in outlook.values()] == expected


def test_the_value_of_customers_by_recency(published):
    example = published["markov_clv"]
    buys, margin, cost = example["recency_repurchase_probability"], example["margin"], example["mailing_cost"]

    def value(mailed, periods=None):
        """Return the values if customers are mailed up to a recency."""
        moves = [[0.0] * 5 for _ in range(5)]
        for place in range(5):
            moves[place][0] = buys[place] if place < mailed else 0.0
            moves[place][min(place + 1, 4) if place < mailed else 4] += 1 - moves[place][0]
        earned = [(margin if not place else 0) - (cost if place < mailed else 0) for place in range(5)]
        return migration_value(moves, earned, discount=example["discount_rate"], periods=periods)

    # The source rounds to three digits, and the first value to two.
    assert value(4) == pytest.approx(example["value_infinite_horizon"], abs=6e-4)
    assert value(4, 4) == pytest.approx(example["value_four_periods"], abs=5.1e-4)
    assert max(range(5), key=lambda mailed: value(mailed)[0]) == 3, "stop mailing at recency 4"
    assert value(3)[:3] == pytest.approx(example["value_under_best_policy"], abs=5e-4)


def test_the_purchases_of_a_customer(published):
    example = published["bg_nbd"]
    ask = example["expected_purchases"]
    customer = Purchases(ask["frequency"], ask["recency"], ask["T"])
    assert BgNbd(**example["params"]).expected(customer, time=ask["t"]) == pytest.approx(ask["value"], abs=5e-8)


def test_the_parameters_of_cdnow_are_found(published, shared_data):
    pytest.importorskip("scipy")
    rows = rows_of(shared_data / "cdnow/cdnow_customers_summary.csv")
    customers = [Purchases(int(row["frequency"]), float(row["recency"]), float(row["T"])) for row in rows]
    assert fit_bg_nbd(customers) == pytest.approx(tuple(published["bg_nbd"]["params"].values()), abs=2e-3)


@pytest.mark.parametrize("name", ["markov_removal", "three_journeys"])
def test_removal_effects(published, name):
    example = published["attribution"][name]
    paths = [ChannelPath(tuple(path.split(">")), bool(won)) for path, won in example["paths"]]
    assert removal_effects(paths) == pytest.approx(example["removal_effect"])
    found = attribute(paths, "markov")
    assert {channel: found.share(channel) for channel in example["shares"]} == pytest.approx(example["shares"])
    assert found.conversions / found.paths == pytest.approx(example["base"], abs=5e-7)


def test_decay_by_time(published):
    example = published["attribution"]["time_decay_7_day"]
    found = attribute([ChannelPath(("a", "b", "c"), True, tuple(example["touch_ages_days"]))], "time_decay")
    assert [found.share(name) for name in "abc"] == pytest.approx(example["shares"], abs=5e-7)


def test_a_shapley_value(published):
    example = published["attribution"]["shapley"]
    worth = {frozenset(group): value for group, value in example["v"].items()}
    found = {name: one.value for name, one in shapley(worth, ["A", "B", "C"]).items()}
    assert found == pytest.approx(example["phi"], abs=5e-7)
