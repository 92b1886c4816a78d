"""Charts contain the figures of the evaluation as data that Altair can draw."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from random import Random

import pytest

from leadlife import Lead, Malformed
from leadlife.criteria import field
from leadlife.evaluation import calibration, roc_auc, threshold
from leadlife.planning.comparison import Difference, PlaybookComparison
from leadlife.reports.charts import (
    calibration_chart,
    comparison_chart,
    gains_chart,
    ledger_chart,
    roc_chart,
    threshold_chart,
)
from leadlife.scoring import FieldRule, Points

T = datetime(2026, 1, 1, tzinfo=UTC)
RANDOM = Random(1)
CHANCES = [RANDOM.random() for _ in range(2_000)]
WON = [int(RANDOM.random() < chance) for chance in CHANCES]
SCORES = {"ours": CHANCES, "worse": [0.5 * chance + 0.5 * RANDOM.random() for chance in CHANCES]}


def values(chart, layer):
    document = json.loads(chart.to_json())
    data = document["layer"][layer]["data"]
    return data["values"] if "values" in data else document["datasets"][data["name"]]


def test_the_roc_chart_shows_the_area_and_stays_small():
    rows = values(roc_chart(WON, SCORES), 1)
    assert {row["score"] for row in rows} == {
        f"{name}, area {roc_auc(WON, scores):.3f}" for name, scores in SCORES.items()
    }
    assert len(rows) < 1_700
    assert (rows[0]["lost"], rows[0]["won"]) == (0, 0)
    assert (rows[-1]["lost"], rows[-1]["won"]) == (1, 1)


def test_the_gains_chart_rises_to_all():
    rows = [row for row in values(gains_chart(WON, SCORES), 1) if row["score"] == "ours"]
    assert [row["won"] for row in rows] == sorted(row["won"] for row in rows)
    assert rows[-1] == {"leads": 1, "won": 1, "score": "ours"}


def test_the_calibration_chart_shows_each_bin():
    rows = values(calibration_chart(WON, {"ours": CHANCES}, bins=5), 2)
    assert [row["rate"] for row in rows] == pytest.approx([row.rate for row in calibration(WON, CHANCES, bins=5)])
    assert all(row["low"] <= row["rate"] <= row["high"] for row in rows)


def test_the_comparison_chart_shows_what_is_clear_and_what_may_be_luck():
    rows = (
        Difference("sales", 10.0, 8.0, -2.0, -3.0, -1.0),
        Difference("cost", 100.0, 101.0, 1.0, -5.0, 7.0),
        Difference("touches", 0.0, 5.0, 5.0, 4.0, 6.0),
    )
    shown = values(comparison_chart(PlaybookComparison("a simulated world", "calm 1", "eager 2", 4, 50, rows)), 0)
    assert [(row["figure"], row["change"], row["clear"]) for row in shown] == [
        ("sales", -0.2, "clear"),
        ("cost", 0.01, "may be luck"),
    ]


@pytest.mark.parametrize("capacity", [None, 100])
def test_the_threshold_chart_marks_where_to_stop(capacity):
    chart = threshold_chart(CHANCES, value=1_000, cost=300, capacity=capacity)
    best = threshold(CHANCES, value=1_000, cost=300, capacity=capacity)
    [mark] = values(chart, 1)
    assert (mark["leads"], mark["profit"]) == (best.leads, pytest.approx(best.profit))
    near = [row["profit"] for row in values(chart, 0)]
    if capacity is None:
        assert max(near) <= best.profit + 1e-9


def test_the_ledger_chart_shows_every_line():
    rules = [
        FieldRule(name="size", when=field("size") >= 50, points=10, meaning="large"),
        FieldRule(name="free", when=field("free").known(), points=-5, meaning="free mail"),
    ]
    score = Points(name="fit", rules=tuple(rules), bands={"low": 0}).score(
        Lead(id="ada", fields={"size": 80, "free": True}), (), at=T
    )
    chart = ledger_chart(score)
    assert [(row["points"], row["side"]) for row in values(chart, 0)] == [(10, "for"), (-5, "against")]
    assert json.loads(chart.to_json())["title"] == "fit: 5, band low"
    with pytest.raises(Malformed, match="a score that has lines"):
        ledger_chart(Points(name="none", rules=()).score(Lead(id="bo"), (), at=T))


@pytest.mark.parametrize(
    "broken",
    [
        lambda: roc_chart([1, 1], {"x": [1, 2]}),
        lambda: roc_chart([1, 0], [0.1, 0.2]),
        lambda: roc_chart([1, 0], {}),
        lambda: calibration_chart([1, 0], {"x": [1, 2]}),
        lambda: threshold_chart([2], value=1, cost=1),
        lambda: ledger_chart("score"),
    ],
)
def test_what_cannot_be_drawn_is_refused(broken):
    with pytest.raises(Malformed):
        broken()


def test_without_the_extra_the_error_names_it():
    code = (
        "import sys; sys.modules['altair'] = None\nfrom leadlife.errors import MissingExtra\n"
        "try:\n    import leadlife.reports.charts\nexcept MissingExtra as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "leadlife[plots]" in done.stdout
