"""Real tables, whole, through the columns, the replay and the figures: Olist, the support desk, and CDNOW's customers."""

import csv
import gzip
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from leadlife import ActivityKind, Lifecycle, Playbook, Points, Sold, Stage, StageReached, Started, Transition
from leadlife.analytics import funnel
from leadlife.batch import fact_columns, figures, replay, score_leads
from leadlife.batch.columns import batch_of
from leadlife.batch.rows import row_of
from leadlife.criteria import count
from leadlife.io import load_mapping, read_export
from leadlife.presets import eight_stage
from leadlife.scoring import ActivityRule

MAPPING = Path(__file__).parents[2] / "examples/olist/olist.toml"


def test_the_whole_of_olist_comes_to_the_figures_of_its_funnel(shared_data):
    export = read_export(load_mapping(MAPPING), shared_data / "olist")
    table = fact_columns(list(export.journeys))
    come = replay(table, export.playbook, as_of=export.observed_until, tables=("leads", "visits", "cycles"))
    total = funnel(export.journeys, export.playbook, as_of=export.observed_until).total
    (row,) = figures.funnel(come).to_pylist()
    assert (row["leads"], row["won_standing"]) == (total.leads, total.won_standing) == (8_000, 842)
    assert come.set_aside.num_rows == 0
    counts = {one["stage"]: one["leads_ever"] for one in figures.stage_counts(come).to_pylist()}
    assert {stage: number for stage, number in total.reached.items() if number} == counts


def desk(kinds):
    """Return a support desk as a lifecycle: a ticket is taken in charge, and closed."""
    life = Lifecycle(
        stages=[Stage(id="new"), Stage(id="working"), Stage(id="closed", status="won")],
        transitions=[
            Transition(trigger="take", sources="new", target="working", guard=count("Take in charge ticket") >= 1, automatic=True),
            Transition(trigger="close", sources="working", target="closed", guard=count("Closed") >= 1, automatic=True),
        ],
    )  # fmt: skip
    work = Points(name="work", rules=[ActivityRule(name="any", kinds=sorted(kinds), points=1)])
    return Playbook(id="desk", lifecycle=life, activity_kinds={kind: ActivityKind() for kind in kinds}, scores=[work])


def test_the_whole_support_desk_closes_the_tickets_that_were_closed(shared_data):
    with gzip.open(shared_data / "helpdesk/helpdesk_events.csv.gz", "rt", encoding="utf-8") as lines:
        events = list(csv.DictReader(lines))
    seen = defaultdict(Counter)
    for event in events:
        seen[event["case_id"]][event["activity"]] += 1
    playbook = desk({event["activity"] for event in events})
    first = {event["case_id"]: datetime.fromisoformat(event["timestamp"]) for event in reversed(events)}
    begins = [
        row_of(Started(stage="new", playbook=playbook.ref, at=at - timedelta(seconds=1)), lead=case)
        for case, at in first.items()
    ]
    table = pa.table(
        {
            "lead": [event["case_id"] for event in events],
            "kind": ["activity"] * len(events),
            "name": [event["activity"] for event in events],
            "at": pa.array([datetime.fromisoformat(event["timestamp"]).astimezone(UTC) for event in events]),
        }
    )
    come = replay([table, batch_of(begins)], playbook)
    assert (come.progress.leads, come.progress.facts) == (4_580, 21_348 + 4_580)
    assert come.set_aside.num_rows == 0
    stages = Counter(come.leads["stage"].to_pylist())
    taken = {case for case, counted in seen.items() if counted["Take in charge ticket"]}
    closed = {case for case in taken if seen[case]["Closed"]}
    assert stages == {"closed": len(closed), "working": len(taken) - len(closed), "new": 4_580 - len(taken)}
    scored = score_leads(table, playbook, "work", at=datetime(2020, 1, 1, tzinfo=UTC))
    assert scored.ways == {"work": "sql"}
    assert {row["lead"]: row["value"] for row in scored.table.to_pylist()} == {
        case: float(counted.total()) for case, counted in seen.items()
    }


def test_the_customers_of_cdnow_are_all_won_and_their_repeats_are_kept(shared_data):
    with (shared_data / "cdnow/cdnow_customers_summary.csv").open(encoding="utf-8") as lines:
        customers = list(csv.DictReader(lines))
    playbook, end = eight_stage(), datetime(1997, 10, 1, tzinfo=UTC)
    rows = []
    for one in customers:
        begin = end - timedelta(weeks=float(one["T"]))
        facts = [Started(stage="name", playbook=playbook.ref, at=begin), StageReached(stage="opportunity", at=begin)]
        rows += [row_of(fact, lead=one["ID"]) for fact in (*facts, Sold(at=begin))]
        if int(one["frequency"]):  # of the repeats, the table tells the instant of the last one only
            rows.append(row_of(Sold(at=begin + timedelta(weeks=float(one["recency"]))), lead=one["ID"]))
    come = replay(pa.Table.from_batches([batch_of(rows)]), playbook, as_of=end)
    assert come.progress.leads == len(customers) == 2_357
    assert set(come.leads["stage"].to_pylist()) == {"customer"}
    (row,) = figures.funnel(come).to_pylist()
    assert (row["won_standing"], row["rate"]) == (2_357, 1.0)
    assert sum(one["facts"] for one in come.leads.to_pylist()) == len(rows)
