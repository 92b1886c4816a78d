"""Naive Bayes on a real table, under the protocol of the shared baselines: what is known when a lead comes in."""

import csv
import json
import re
from bisect import bisect_right
from datetime import UTC, datetime

import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold

from leadlife import Lead
from leadlife.evaluate import brier, roc_auc
from leadlife.policies import Closed, NaiveBayes, WinTable

T = datetime(2026, 1, 1, tzinfo=UTC)


def word(column):
    return re.sub(r"[^\w ]", "", column).strip()


def values(row, cuts, categorical):
    numbers = {word(name): str(bisect_right(cut, float(row[name]))) for name, cut in cuts.items() if row[name]}
    return numbers | {word(name): row[name] for name in categorical if row[name]}


def test_on_x_education_it_ranks_and_errs_as_the_baseline_does(shared_data):
    told = json.loads((shared_data / "scoring_baselines.json").read_text())["x_education_intake_only"]
    with (shared_data / "x_education/leads.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    won = np.array([int(row["Converted"]) for row in rows])
    columns = (*told["numeric"], *told["categorical"])
    empty = WinTable(at=T, stages=("new", "won"), fields=tuple(map(word, columns)))
    chances = [0.0] * len(rows)
    for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(won, won):
        cuts = {
            name: list(
                np.quantile([float(rows[place][name]) for place in train if rows[place][name]], np.arange(1, 10) / 10)
            )
            for name in told["numeric"]
        }
        known = {place: values(rows[place], cuts, told["categorical"]) for place in (*train, *test)}
        closed = [Closed(won=bool(won[place]), closed=T, stage="new", values=known[place]) for place in train]
        policy = NaiveBayes(name="win", table=empty.rebuilt(closed, at=T))
        for place in test:
            lead = Lead(id=str(place), fields={**known[place], "stage": "new"})
            chances[place] = policy.value(lead, (), at=T)
    expected = told["odoo_style_naive_bayes"]["pooled_oof"]
    assert roc_auc(won, chances) == pytest.approx(expected["roc_auc"], abs=0.01)
    assert brier(won, chances).score == pytest.approx(expected["brier"], abs=0.001)
