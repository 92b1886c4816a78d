"""Both naive Bayes policies on a real table, compared with the shared baselines; only intake columns are used."""

import csv
import json
import re
from datetime import UTC, datetime

import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold

from leadlife import Lead
from leadlife.evaluation import brier, calibration, roc_auc
from leadlife.scoring import CalibratedBayes, ClosedLead, NaiveBayes, WinTable

T = datetime(2026, 1, 1, tzinfo=UTC)


def word(column):
    return re.sub(r"[^\w ]", "", column).strip()


def values(row, baseline):
    numbers = {word(name): float(row[name]) if row[name] else None for name in baseline["numeric"]}
    return numbers | {word(name): row[name] for name in baseline["categorical"] if row[name]}


@pytest.fixture(scope="module")
def held_out(shared_data):
    """Return the scores of both policies for leads that they were not trained on, in five stratified splits."""
    baseline = json.loads((shared_data / "scoring_baselines.json").read_text())["x_education_intake_only"]
    with (shared_data / "x_education/leads.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    won = np.array([int(row["Converted"]) for row in rows])
    closed = [
        ClosedLead(won=bool(one), closed=T, values=values(row, baseline)) for one, row in zip(won, rows, strict=True)
    ]
    empty = WinTable(at=T, stages=("new", "won"), fields=tuple(map(word, baseline["categorical"])))
    found = {"plain": [0.0] * len(rows), "calibrated": [0.0] * len(rows)}
    for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(won, won):
        known = [closed[place] for place in train]
        table = empty.cutting(known, *map(word, baseline["numeric"]))
        policies = {
            "plain": NaiveBayes(name="win", table=table.rebuilt(known, at=T)),
            "calibrated": CalibratedBayes.learned(known, table=table, at=T, name="win"),
        }
        for place in test:
            fields = {name: value for name, value in closed[place].values.items() if value is not None}
            lead = Lead(id=str(place), fields={**fields, "stage": "new"})
            for name, policy in policies.items():
                found[name][place] = policy.value(lead, (), at=T)
    return won, found, baseline["odoo_style_naive_bayes"]["pooled_oof"]


def test_it_ranks_and_errs_like_the_baseline(held_out):
    won, found, expected = held_out
    assert roc_auc(won, found["plain"]) == pytest.approx(expected["roc_auc"], abs=0.01)
    assert brier(won, found["plain"]).score == pytest.approx(expected["brier"], abs=0.001)


def test_the_calibrated_one_ranks_no_worse_and_errs_less(held_out):
    won, found, expected = held_out
    assert roc_auc(won, found["calibrated"]) > max(expected["roc_auc"], roc_auc(won, found["plain"])) - 0.005
    assert brier(won, found["calibrated"]).score < min(expected["brier"], brier(won, found["plain"]).score)
    spread = calibration(won, found["calibrated"])
    assert sum(row.leads * abs(row.predicted - row.rate) for row in spread) / len(won) < 0.02
