"""The parts of a batch by themselves: what a worker does, what is kept of rows, and what happens when it breaks."""

from datetime import UTC, datetime

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batch.test_replay import journeys
from batch.test_scoring import called, points, values
from batch.worlds import book
from leadlife import QualificationRule
from leadlife.batch import FACT_SCHEMA, fact_columns, facts_of, partitions, replay, rows, score_leads, work
from leadlife.batch.causes import caused
from leadlife.batch.outputs import Asked
from leadlife.batch.partitions import divide, noting
from leadlife.criteria import evidence, field, holds
from leadlife.errors import Malformed, Unreadable

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def job(folder, playbook):
    for name in ("leads", "set_aside", "working", "done"):
        (folder / name).mkdir()
    divide(fact_columns(list(journeys(4, playbook))).to_reader(), folder / "parts", 1, threads=1)
    return work.Job("token", (playbook,), None, Asked(None, ("leads",), ()), folder / "parts", folder)


def test_a_worker_leaves_out_the_journeys_at_which_one_died(tmp_path):
    done = work.fold_part(job(tmp_path, book()), 0, frozenset({1, 3}))
    assert done == work.Done(0, 2, 8, 2, 0)
    assert work.marked(tmp_path) == {0: done}
    aside = pq.read_table(tmp_path / "set_aside").to_pylist()
    assert [(one["lead"], one["reason"]) for one in aside] == [("lead1", work.DIED), ("lead3", work.DIED)]


def test_a_part_that_breaks_leaves_no_table_under_its_name(tmp_path, monkeypatch):
    asked = job(tmp_path, book())

    def breaks(*_args):
        raise OSError("the disk is full")
        yield

    monkeypatch.setattr(work.Folder, "fold_all", breaks)
    with pytest.raises(OSError, match="the disk is full"):
        work.fold_part(asked, 0)
    assert not list((tmp_path / "leads").iterdir())
    assert work.marked(tmp_path) == {}


def test_what_ends_the_reading_is_noted_as_it_is(tmp_path):
    faults = []

    def batches():
        yield from fact_columns(list(journeys(1))).to_batches()
        raise Malformed("a row is bad")

    with pytest.raises(Malformed):
        list(noting(pa.RecordBatchReader.from_batches(FACT_SCHEMA, batches()), faults))
    assert [str(fault) for fault in faults] == ["a row is bad"]
    with pytest.raises(Malformed, match="a row is bad"):
        divide(pa.RecordBatchReader.from_batches(FACT_SCHEMA, batches()), tmp_path / "parts", 2, threads=1)


def test_a_disk_that_cannot_be_written_is_said_so(tmp_path, monkeypatch):
    class Full:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def register(self, *_):
            return None

        def execute(self, query):
            if query.startswith("COPY"):
                raise duckdb.IOException("no space left on device")

    monkeypatch.setattr(partitions.duckdb, "connect", lambda **_options: Full())
    with pytest.raises(Unreadable, match="no space left on device"):
        divide(fact_columns(list(journeys(1))).to_reader(), tmp_path / "parts", 2, threads=1)


def test_what_is_kept_of_rows_is_bounded(monkeypatch):
    monkeypatch.setattr(rows, "MOST_CONTENTS", 2)
    facts = [fact for journey in journeys(5) for fact in journey.facts]
    assert list(facts_of(fact_columns(facts))) == facts


def test_every_table_has_a_name():
    come = replay(list(journeys(3)), book(), scores="urgency")
    tables = (come.leads, come.visits, come.cycles, come.qualifications, come.derived, come.scores, come.set_aside)
    names = ("leads", "visits", "cycles", "qualifications", "derived", "scores", "set_aside")
    assert [come.table(name) for name in names] == list(tables)


def test_files_with_few_columns_and_with_instants_are_read_where_they_lie(tmp_path):
    at = pa.array([AT], pa.timestamp("us", "UTC"))
    pq.write_table(
        pa.table({"lead": ["ada"], "kind": ["activity"], "name": ["call"], "at": at}), tmp_path / "a.parquet"
    )
    playbook = book(points())
    assert values(score_leads(tmp_path, playbook, "own", at=AT)) == {("ada", "own"): 10_000_000}


def test_a_lead_that_the_policy_excludes_says_why_in_a_folded_table():
    playbook = book(points(exclude=[~field("size").known()]))
    come = replay(called("ada", playbook, 1), playbook, tables=(), scores="own")
    (row,) = come.scores.to_pylist()
    assert (row["micropoints"], row["why"]) == (None, "not (size is known)")


def test_a_fault_of_ours_sets_one_lead_aside_and_not_a_million(monkeypatch):
    def breaks(self, journey, facts):
        if journey.lead_id == "lead1":
            raise RuntimeError("a fault of ours")
        self.leads += 1

    monkeypatch.setattr("leadlife.batch.outputs.Output.add", breaks)
    come = replay(list(journeys(3)), book())
    assert come.set_aside["reason"].to_pylist() == ["unexpected RuntimeError"]
    assert come.progress.leads == 2


def test_a_rule_that_reads_another_twice_names_its_cause_once():
    once = QualificationRule(name="one", enter=evidence("fit"))
    twice = QualificationRule(name="two", enter=holds("one") & ~holds("one") | holds("one"))
    assert caused("two", book(), book().with_qualifications(once, twice)) == "what a person asked"
