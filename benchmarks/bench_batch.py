"""How fast many leads are replayed and scored. ``--json`` prints one object.

The facts are simulated: ``leadlife.testing.fact_columns``. The rivals are written by hand for just this policy: the
query that a good engineer writes in DuckDB (the largest so many by a window, and by the newer aggregate), in Polars
and in pandas. All answers are compared first, to the last micropoint. One core each, unless it says otherwise;
``POLARS_MAX_THREADS=1`` is set here. A replay, and what-if, are timed over fewer leads, because they fold each of them.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

os.environ["POLARS_MAX_THREADS"] = "1"

import duckdb
import pandas as pd
import polars as pl
import pyarrow.parquet as pq

from leadlife import Playbook, QualificationRule
from leadlife.batch import FACT_SCHEMA, replay, score_leads, what_if
from leadlife.batch.rows import micros
from leadlife.criteria import score as score_of
from leadlife.presets import eight_stage
from leadlife.testing.fact_columns import generated_facts

LEADS = 500_000
AT = datetime(2026, 1, 1, tzinfo=UTC)
NOW = micros(AT)
HALF_LIFE = 14 * 86_400e6
POLICY = "research"
RULES = {"product_page": 0, "page_view": 1, "click": 1, "download": 2, "webinar": 3, "sample_used": 4}
WORTH = {"product_page": 10e6, "page_view": 2e6, "click": 2e6, "download": 10e6, "webinar": 15e6, "sample_used": 20e6}
MOST = {0: 5, 1: 10, 2: 3, 3: 2, 4: 2}


def took(job: Callable[[], Any]) -> float:
    gc.collect()
    begin = perf_counter()
    job()
    return perf_counter() - begin


def written(leads: int, path: Path) -> int:
    """Write simulated facts, and return how many there are."""
    rows = 0
    with pq.ParquetWriter(str(path), FACT_SCHEMA, compression="zstd") as writer:
        for batch, _ in generated_facts(leads):
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def _case(values: dict[str, Any]) -> str:
    return "CASE name " + " ".join(f"WHEN '{kind}' THEN {value}" for kind, value in values.items()) + " END"


def duckdb_query(path: Path, *, window: bool) -> str:
    """Return the query of a good engineer, who keeps the largest so many by a window or by ``max(value, most)``."""
    valued = f"""
        SELECT lead, {_case(RULES)} AS rule,
            CAST(floor({_case(WORTH)} * pow(2.0, ("at" - {NOW}) / {HALF_LIFE}) + 0.5) AS BIGINT) AS worth
        FROM '{path}' WHERE "at" <= {NOW}"""  # noqa: S608
    if not window:
        sums = " + ".join(
            f"coalesce(list_sum(max(worth, {most}) FILTER (WHERE rule = {rule})), 0)" for rule, most in MOST.items()
        )
        return f"SELECT lead, CAST({sums} AS BIGINT) AS score FROM ({valued}) GROUP BY lead"  # noqa: S608
    most = "CASE rule " + " ".join(f"WHEN {rule} THEN {most}" for rule, most in MOST.items()) + " END"
    return f"""
        SELECT lead, CAST(coalesce(sum(worth) FILTER (WHERE place <= {most}), 0) AS BIGINT) AS score
        FROM (SELECT *, row_number() OVER (PARTITION BY lead, rule ORDER BY worth DESC) AS place FROM ({valued}))
        GROUP BY lead"""  # noqa: S608


def by_duckdb(path: Path, *, window: bool) -> Any:
    with duckdb.connect(config={"threads": 1}) as connection:
        return connection.sql(duckdb_query(path, window=window)).to_arrow_table()


def by_polars(path: Path) -> pl.DataFrame:
    aged = 2.0 ** ((pl.col("at") - NOW) / HALF_LIFE)
    worth = pl.col("name").replace_strict(WORTH, default=None, return_dtype=pl.Float64) * aged
    rule = pl.col("name").replace_strict(RULES, default=None, return_dtype=pl.Int8)
    valued = (
        pl.scan_parquet(path)
        .filter(pl.col("at") <= NOW)
        .select("lead", rule=rule, worth=(worth + 0.5).floor().cast(pl.Int64))
    )
    sums = [pl.col("worth").filter(pl.col("rule") == rule).top_k(most).sum() for rule, most in MOST.items()]
    return valued.group_by("lead").agg(pl.sum_horizontal(sums).alias("score")).collect()


def by_pandas(path: Path) -> Any:
    facts = pd.read_parquet(path, columns=["lead", "name", "at"])
    facts = facts[facts["at"] <= NOW]
    leads = facts["lead"].unique()
    facts = facts[facts["name"].isin(RULES)]
    worth = facts["name"].map(WORTH) * 2.0 ** ((facts["at"] - NOW) / HALF_LIFE)
    facts = facts.assign(rule=facts["name"].map(RULES), worth=(worth + 0.5) // 1)
    facts = facts.sort_values("worth", ascending=False)
    place = facts.groupby(["lead", "rule"]).cumcount()
    kept = facts[place < facts["rule"].map(MOST)]
    return kept.groupby("lead")["worth"].sum().reindex(leads, fill_value=0).astype("int64")


def scoring(path: Path, rounds: int) -> dict[str, Any]:
    playbook = eight_stage()

    def ours() -> Any:
        return score_leads(path, playbook, POLICY, at=AT, trusted=True).table

    mine = ours().select(["lead", "micropoints"]).sort_by("lead")
    expected = mine["micropoints"].to_pylist()
    answers = {
        "duckdb": by_duckdb(path, window=False).sort_by("lead")["score"].to_pylist(),
        "duckdb_window": by_duckdb(path, window=True).sort_by("lead")["score"].to_pylist(),
        "polars": by_polars(path).sort("lead")["score"].to_list(),
        "pandas": by_pandas(path).sort_index().tolist(),
    }
    wrong = [name for name, answer in answers.items() if answer != expected]
    if wrong:
        raise SystemExit(f"{', '.join(wrong)} came to another score")
    del answers, expected, mine
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        times.setdefault("ours", []).append(took(ours))
        times.setdefault("duckdb", []).append(took(lambda: by_duckdb(path, window=False)))
        times.setdefault("duckdb_window", []).append(took(lambda: by_duckdb(path, window=True)))
        times.setdefault("polars", []).append(took(lambda: by_polars(path)))
        times.setdefault("pandas", []).append(took(lambda: by_pandas(path)))
    own = times.pop("ours")
    checked = took(lambda: score_leads(path, playbook, POLICY, at=AT))
    return {
        "score_seconds": round(median(own), 2),
        **{
            f"score_vs_{name}": round(median(mine / rival for mine, rival in zip(own, theirs, strict=True)), 2)
            for name, theirs in times.items()
        },
        "score_seconds_with_settling": round(checked, 2),
    }


def own_process(job: str, *arguments: object) -> dict[str, float]:
    """Run one job in a process of its own, and return its seconds and its greatest memory in MB."""
    told = subprocess.run(  # noqa: S603 - this file itself
        [sys.executable, __file__, "--job", job, *map(str, arguments)], capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(told.stdout.splitlines()[-1])
    return found


def run_job(job: str, arguments: list[str]) -> dict[str, float]:
    path = Path(arguments[0])
    if job == "replay":
        workers = int(arguments[1])
        with tempfile.TemporaryDirectory() as folder:
            seconds = took(lambda: replay(path, eight_stage(), workers=workers, out=Path(folder) / "out"))
    elif job == "what_if":
        seconds = took(lambda: what_if(path, warm(40, "a"), warm(25, "b")))
    else:
        seconds = took(lambda: score_leads(path, eight_stage(), POLICY, at=AT, trusted=True))
    # The greatest memory of this process alone: what getrusage says is inherited from the process that began it.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return {"seconds": seconds, "peak_mb": int(status.split("VmHWM:")[1].split()[0]) / 1024}


def warm(least: int, version: str) -> Playbook:
    rule = QualificationRule(name="warm", enter=score_of(POLICY) >= least, leave=score_of(POLICY) < 10)
    return eight_stage().with_qualifications(rule, version=version)


def measure(leads: int, rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "facts.parquet"
        rows = written(leads, whole)
        found: dict[str, Any] = {"facts": rows, "leads": leads, **scoring(whole, rounds)}
        found["score_peak_mb"] = round(own_process("score", whole)["peak_mb"])
        flat = {}
        for few in (leads // 1_000, leads // 100, leads // 10):
            part = Path(folder) / f"{few}.parquet"
            flat[written(few, part)] = part
        costs = {number: own_process("replay", part, 1) for number, part in flat.items()}
        found["replay_microseconds_per_fact"] = {
            str(number): round(cost["seconds"] / number * 1e6, 1) for number, cost in costs.items()
        }
        most = max(flat)
        alone, beside = costs[most], own_process("replay", flat[most], 2)
        found["replay_facts_per_second_per_core"] = round(most / alone["seconds"])
        found["replay_scaling_to_two"] = round(alone["seconds"] / beside["seconds"], 2)
        found["replay_peak_mb"] = round(alone["peak_mb"])
        supposed = own_process("what_if", flat[most])
        found["what_if_facts_per_second"] = round(most / supposed["seconds"])
        found["what_if_peak_mb"] = round(supposed["peak_mb"])
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--leads", type=int, default=LEADS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--job", nargs="+")
    call = parser.parse_args()
    if call.job:
        print(json.dumps(run_job(call.job[0], call.job[1:])))
        return
    found = measure(call.leads, call.rounds)
    print(json.dumps(found) if call.json else "\n".join(f"{name:34} {value}" for name, value in found.items()))


if __name__ == "__main__":
    main()
