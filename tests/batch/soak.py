"""Many simulated facts through a replay and a score, held against what is known of every lead.

``python tests/batch/soak.py LEADS [WORKERS]``: about 22 facts a lead. ``python tests/batch/soak.py one FACT_SCHEMA``: one lead.
It prints seconds, rates and memory.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from leadlife import Points
from leadlife.batch import FACT_SCHEMA, replay, score_leads
from leadlife.presets import eight_stage
from leadlife.scoring import ActivityRule
from leadlife.testing.fact_columns import KINDS, generated_facts

LATER = datetime(2026, 6, 1, tzinfo=UTC)


def main(leads: int, workers: int) -> None:
    counting = Points(name="views", rules=[ActivityRule(name="views", kinds="page_view", points=1)])
    with tempfile.TemporaryDirectory() as folder:
        path, begin = Path(folder) / "facts.parquet", perf_counter()
        stages: dict[str, str] = {}
        views: dict[str, int] = {}
        with pq.ParquetWriter(str(path), FACT_SCHEMA, compression="zstd") as writer:
            for batch, truth in generated_facts(leads):
                writer.write_batch(batch)
                names = truth.lead.to_pylist()
                stages |= dict(zip(names, truth.stage.to_pylist(), strict=True))
                views |= dict(zip(names, truth.activities[:, KINDS.index("page_view")].tolist(), strict=True))
        facts = pq.read_metadata(path).num_rows
        told(f"{facts:,} facts of {leads:,} leads made", begin)
        begin = perf_counter()
        come = replay(path, eight_stage(), out=Path(folder) / "out", workers=workers, tables=("leads", "visits"))
        rate = facts / (perf_counter() - begin)
        told(f"replayed by {workers} workers, {rate:,.0f} facts a second: {come.progress}", begin)
        found = dict(zip(come.leads["lead"].to_pylist(), come.leads["stage"].to_pylist(), strict=True))
        assert found == stages, "a lead stands somewhere else"
        assert come.progress.facts == facts, "facts were lost"
        for trusted in (True, False):
            begin = perf_counter()
            scored = score_leads(
                path, eight_stage().with_score(counting), "views", at=LATER, trusted=trusted, workers=workers
            )
            told(f"scored, {'trusted' if trusted else 'looking for what does not stand'}", begin)
            worth = dict(zip(scored.table["lead"].to_pylist(), scored.table["micropoints"].to_pylist(), strict=True))
            assert worth == {lead: number * 1_000_000 for lead, number in views.items()}, "a score is another"
    print("every lead is where it should be, and every score is what it should be")


def one(facts: int) -> None:
    """Replay one lead with so many facts."""
    number = np.arange(facts)
    kinds = pa.array(["page_view", "email_open", "social", "click"]).take(pa.array(number % 4))
    columns = {
        "lead": pa.array(["ada"]).take(pa.array(np.zeros(facts, np.int64))),
        "pipeline": pa.array(["main"]).take(pa.array(np.zeros(facts, np.int64))),
        "kind": pa.array(["activity"]).take(pa.array(np.zeros(facts, np.int64))),
        "at": pa.array(1_735_689_600_000_000 + number * 15_000_000),
        "recorded_at": pa.array(1_735_689_600_000_000 + number * 15_000_000),
        "seq": pa.array(number),
        "id": pa.array(np.char.add("f", number.astype(str))),
        "name": kinds,
    }
    table, begin = pa.table(columns), perf_counter()
    come = replay(table, eight_stage(), partitions=1, tables=("leads",))
    assert come.leads["facts"].to_pylist() == [facts]
    told(f"one lead with {facts:,} facts", begin)


def told(what: str, begin: float) -> None:
    own, others = (resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(f"{perf_counter() - begin:8.1f} s  {what} (peak {own:,.0f} MB, a worker {others:,.0f} MB)", flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "one":
        one(int(sys.argv[2]))
    else:
        main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 2)
