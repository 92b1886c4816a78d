"""How fast naive Bayes learns and scores, against a plain loop and scikit-learn. ``--json`` prints one object.

Scoring one lead against a rebuild over 10,000 closed leads; a rebuild over 100,000 leads and 8 fields against the loop
that a careful engineer would write for the same counts, checked equal first; ROC-AUC on a million scores against
scikit-learn's. Rounds are interleaved; figures are medians.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from statistics import median
from time import perf_counter

from sklearn.metrics import roc_auc_score

from leadlife import Lead
from leadlife.evaluation import roc_auc
from leadlife.scoring import ClosedLead, NaiveBayes, WinTable
from leadlife.scoring.learned.win_table import START

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
STAGES = ("new", "qualified", "proposition", "won")
FIELDS = tuple(f"field{number}" for number in range(8))
TEAMS = (None, "north", "south")
EMPTY = WinTable(at=NOW, stages=STAGES, fields=FIELDS)


def made_up(number: int) -> list[ClosedLead]:
    """Return closed leads of a made-up world; the same every time."""
    random = Random(7)  # noqa: S311 - a made-up world
    return [
        ClosedLead(
            won=random.random() < 0.3,
            closed=NOW,
            team=random.choice(TEAMS),
            stage=random.choice(STAGES[:3]),
            values={
                field: f"value{int(random.paretovariate(1)) % (5 * place + 2)}" for place, field in enumerate(FIELDS)
            },
        )
        for _ in range(number)
    ]


def loop(leads: list[ClosedLead]) -> dict[tuple[str | None, str, object], list[int]]:
    """Return the same counts as a table, by a plain loop."""
    counts: dict[tuple[str | None, str, object], list[int]] = {}
    for lead in leads:
        side = 0 if lead.won else 1
        reached = STAGES if lead.won else STAGES[: STAGES.index(lead.stage) + 1] if lead.stage else ()
        for stage in reached:
            counts.setdefault((lead.team, "stage", stage), [0, 0])[side] += 1
        for field in FIELDS:
            value = lead.values.get(field)
            if value not in (None, ""):
                counts.setdefault((lead.team, field, value), [0, 0])[side] += 1
    return counts


def seconds(job: Callable[[], object], times: int = 1) -> float:
    begun = perf_counter()
    for _ in range(times):
        job()
    return (perf_counter() - begun) / times


def measure(rounds: int = 7) -> dict[str, float]:
    """Return seconds of each job, and the ratios that the goals are about."""
    many, some = made_up(100_000), made_up(10_000)
    told = {(row.team, row.field, row.value): [row.won, row.lost] for row in EMPTY.rebuilt(many, at=NOW).rows}
    if told != loop(many):
        raise SystemExit("the loop and the table disagree")
    policy = NaiveBayes(name="win", table=EMPTY.rebuilt(some, at=NOW))
    if START != 0.1:
        raise SystemExit("the table begins its counts elsewhere")
    lead = Lead(id="ada", fields={"stage": "qualified", "team": "north", **dict.fromkeys(FIELDS, "value1")})
    random = Random(1)  # noqa: S311 - made up as well
    scores = [round(random.random(), 6) for _ in range(1_000_000)]
    outcomes = [int(random.random() < score) for score in scores]
    if abs(roc_auc(outcomes, scores) - roc_auc_score(outcomes, scores)) > 1e-12:
        raise SystemExit("scikit-learn and we disagree")
    jobs: dict[str, tuple[Callable[[], object], int]] = {
        "score": (lambda: policy.value(lead, (), at=NOW), 2_000),
        "rebuild_10k": (lambda: EMPTY.rebuilt(some, at=NOW), 1),
        "rebuild_100k": (lambda: EMPTY.rebuilt(many, at=NOW), 1),
        "loop_100k": (lambda: loop(many), 1),
        "auc_million": (lambda: roc_auc(outcomes, scores), 1),
        "sklearn_million": (lambda: roc_auc_score(outcomes, scores), 1),
    }
    found: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, (job, times) in jobs.items():
            found[name].append(seconds(job, times))
    took = {name: median(each) for name, each in found.items()}
    return {
        "rebuild_vs_score": took["rebuild_10k"] / took["score"],
        "rebuild_vs_loop": took["rebuild_100k"] / took["loop_100k"],
        "auc_vs_sklearn": took["auc_million"] / took["sklearn_million"],
        **{f"{name}_ms": value * 1e3 for name, value in took.items()},
    }


GOALS = {"rebuild_vs_score": "at least 50", "rebuild_vs_loop": "at most 1.5"}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    figures = {name: round(value, 3) for name, value in measure().items()}
    if parser.parse_args().json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:20} {value:10.3f}" + (f"   goal: {GOALS[name]}" if name in GOALS else ""))
