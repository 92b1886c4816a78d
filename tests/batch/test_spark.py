"""The same replay and the same scores on Spark, in local mode and over Spark Connect. It needs Java and pyspark."""

import os
import shutil
import sys
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from batch.worlds import book
from leadlife import ActivityRecorded, FieldChanged, Identified, Journey, Retracted
from leadlife.batch import countable, fact_columns, replay, score_leads
from leadlife.batch import spark as on_spark
from leadlife.criteria import at_least, count, field, identified, it
from leadlife.errors import Malformed, MissingExtra
from leadlife.scoring import ActivityRule, CustomPolicy, FieldRule, Grid, Points, Scaled
from leadlife.timing import elapsed

if shutil.which("java") is None:
    pytest.skip("Spark needs Java, which is not on this machine", allow_module_level=True)
pytest.importorskip("pyspark", reason="Spark is not installed: make spark installs it")

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATER = AT + timedelta(days=20)


MODE = os.environ.get("LEADLIFE_SPARK", "local")
"""``local`` or ``connect``: one process of Python holds one of them, and make spark runs both."""


@pytest.fixture(scope="module")
def spark():
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    if MODE == "local":
        builder = SparkSession.builder.config("spark.ui.enabled", "false").config(
            "spark.driver.bindAddress", "127.0.0.1"
        )
        session = builder.master("local[2]").getOrCreate()
        session.sparkContext.setLogLevel("ERROR")
    else:
        pytest.importorskip("grpc", reason="Spark Connect needs grpcio: make spark installs it")
        session = SparkSession.builder.remote("local[2]").getOrCreate()
    session.conf.set("spark.sql.shuffle.partitions", "2")
    session.conf.set(
        "spark.sql.codegen.wholeStage", "false"
    )  # a few rows: to compile a query takes longer than to run it
    session.conf.set("spark.sql.adaptive.enabled", "false")
    yield session
    session.stop()


def policies():
    mine = Points(
        name="mine",
        rules=[
            ActivityRule(name="calls", kinds=("call", "form"), points=10, half_life=elapsed(days=7), at_most=2),
            ActivityRule(name="pages", kinds="page_view", points=3, where={"page": it == "/it's"}),
            FieldRule(name="size", when=(field("size") >= 5) | identified(), points=4, otherwise=-2),
        ],
        exclude=[field("city") == "it's \\ odd"],
        bands={"low": 0, "high": 9},
        floor=-5,
    )
    other = Points(
        name="other", rules=[FieldRule(name="r", when=at_least(1, count("call") >= 2, identified()), points=7)]
    )
    grid = Grid(name="grid", fit=mine, engagement=mine.replace(name="again"))
    return [mine, other, Scaled(name="scaled", of=mine, by=-0.333333), grid]


def journeys(playbook):
    for place in range(6):
        begun = Journey.start(f"lead{place}", playbook, at=AT, stage="name")
        calls = [ActivityRecorded(kind="call", at=AT + timedelta(hours=7 * hour)) for hour in range(place)]
        pages = [ActivityRecorded(kind="page_view", at=AT, attributes={"page": page}) for page in ("/it's", "/blog")]
        said = [FieldChanged(name="size", value=place + 2, at=AT), FieldChanged(name="city", value="Recife", at=AT)]
        if place == 4:
            said += [
                FieldChanged(name="city", value="it's \\ odd", at=AT),
                FieldChanged(name="size", value=None, at=AT),
            ]
        done = begun.record_all([*calls, *pages, *said, *([Identified(at=AT)] if place % 2 else [])])
        yield done.record(Retracted(target=done.facts[1].id, at=AT)) if place == 3 else done


def framed(spark, facts):
    return spark.createDataFrame(fact_columns(facts))


def rows(table):
    return sorted(map(str, table.to_pylist()))


def test_every_table_is_that_of_the_processes(spark):
    playbook = book(*policies())
    facts = list(journeys(playbook))
    bad = fact_columns(facts).to_pylist()[0] | {"lead": "bad", "kind": "actvity", "payload": None, "name": None}
    table = pa.concat_tables([fact_columns(facts), pa.Table.from_pylist([bad], schema=fact_columns(facts).schema)])
    mine = replay(table, playbook, as_of=LATER, scores="mine")
    frame = spark.createDataFrame(table)
    for name in ("leads", "visits", "derived", "set_aside"):
        found = on_spark.replay(frame, playbook, as_of=LATER, table=name, partitions=2)
        assert rows(found.toArrow()) == rows(mine.table(name)), name
    found = on_spark.replay(frame, playbook, as_of=LATER, table="scores", scores="mine")
    assert rows(found.toArrow()) == rows(mine.scores)


def test_scores_are_those_of_duckdb_to_the_last_micropoint(spark):
    def counted(_lead, activities, *, at):  # a function inside of one travels as it is
        return float(len(activities)) + at.year * 0

    playbook = book(*policies(), CustomPolicy.of(counted, name="own"))
    facts = list(journeys(playbook))
    for names in (["mine", "other", "scaled", "grid"], ["mine", "own"]):
        found = on_spark.score_leads(framed(spark, facts), playbook, names, at=LATER)
        assert rows(found.toArrow()) == rows(score_leads(facts, playbook, names, at=LATER).table)
    settled = on_spark.score_leads(framed(spark, facts[:2]), playbook, "mine", at=LATER, trusted=True)
    assert rows(settled.toArrow()) == rows(score_leads(facts[:2], playbook, "mine", at=LATER).table)


def test_merged_leads_are_folded(spark):
    playbook = book(*policies())
    ada, bo, cy = list(journeys(playbook))[:3]
    facts = [ada.merge(bo, at=AT + timedelta(days=1)), cy]
    found = on_spark.score_leads(framed(spark, facts), playbook, "mine", at=LATER)
    assert rows(found.toArrow()) == rows(score_leads(facts, playbook, "mine", at=LATER).table)


def test_a_lead_with_a_fact_that_cannot_be_read_is_folded(spark):
    playbook = book(*policies())
    facts = fact_columns(list(journeys(playbook)))
    plain = facts.to_pylist()[1] | {"name": "call", "kind": "activity", "payload": None, "value": None, "key": None}
    bad = [
        plain | {"lead": "words", "name": "cal", "seq": None, "id": None},
        plain | {"lead": "json", "payload": "["},
        plain | {"lead": "stamp", "id": "a\x01"},
        plain | {"lead": "keys", "id": "x"},
        plain | {"lead": "keys", "id": "x", "seq": 7, "key": "k"},
    ]
    table = pa.concat_tables([facts, pa.Table.from_pylist(bad, schema=facts.schema)])
    mine = score_leads(table, playbook, "mine", at=LATER)
    assert sorted(mine.set_aside["lead"].to_pylist()) == ["json", "keys", "stamp", "words"]
    found = on_spark.score_leads(spark.createDataFrame(table), playbook, "mine", at=LATER)
    assert rows(found.toArrow()) == rows(mine.table)


def test_a_log_with_too_many_contents_is_refused_with_the_way_out(spark, monkeypatch):
    monkeypatch.setattr(countable, "MOST_CONTENTS", 1)
    with pytest.raises(Malformed, match="more than 1 distinct contents"):
        on_spark.score_leads(framed(spark, list(journeys(book(*policies())))), book(*policies()), "mine", at=LATER)


def test_instants_and_missing_columns_are_read(spark):
    from pyspark.sql import functions as f

    playbook = book()
    frame = framed(spark, list(journeys(playbook)))
    frame = frame.withColumn("at", f.timestamp_micros("at")).drop("pipeline", "key")
    found = on_spark.replay(frame, playbook)
    assert found.count() == 6


def test_what_holds_no_facts_is_refused_before_anything_runs(spark):
    frame = spark.createDataFrame([("ada", "activity", 1.5)], "lead STRING, kind STRING, at DOUBLE")
    with pytest.raises(Malformed, match="at: this column is of type"):
        on_spark.replay(frame, book())
    good = framed(spark, list(journeys(book()))[:1])
    with pytest.raises(Malformed, match="there is no table 'lead'"):
        on_spark.replay(good, book(), table="lead")
    with pytest.raises(Malformed, match="needs the names of policies"):
        on_spark.replay(good, book(), table="scores")


def test_too_many_distinct_values_are_refused_with_the_way_out(spark, monkeypatch):
    monkeypatch.setattr(on_spark, "MOST_DISTINCT", 1)
    with pytest.raises(Malformed, match="more than 1 distinct values"):
        on_spark.score_leads(framed(spark, list(journeys(book(*policies())))), book(*policies()), "mine", at=LATER)


def test_another_python_is_refused_in_local_mode(spark, monkeypatch):
    if not hasattr(spark, "_jsc"):
        pytest.skip("over Spark Connect, the workers' Python is not to be seen from here")
    frame = framed(spark, list(journeys(book()))[:1])
    monkeypatch.setattr(spark.sparkContext, "pythonExec", "python-of-nowhere")
    with pytest.raises(MissingExtra, match="'python-of-nowhere', which is not there"):
        on_spark.replay(frame, book())
    monkeypatch.setattr(spark.sparkContext, "pythonExec", shutil.which("python3", path="/usr/bin:/bin") or "sh")
    with pytest.raises(MissingExtra, match="without leadlife"):
        on_spark.replay(frame, book())
