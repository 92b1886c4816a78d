"""Facts as columns: what is read as such, and what is refused, with the place and the remedy."""

from datetime import UTC, datetime

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from batch.worlds import book
from leadlife import ActivityRecorded, EvidenceGiven, FieldChanged, Journey, Sold, Source
from leadlife.batch import FACT_SCHEMA, fact_columns, facts_of, instants, write_facts
from leadlife.errors import Malformed, Unreadable
from leadlife.money import Money
from leadlife.stores import MemoryStore

AT = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)


def journey(lead="ada"):
    begun = Journey.start(lead, book(), at=AT, stage="name", by="sam", source=Source(channel="email"))
    return begun.record_all(
        [
            ActivityRecorded(kind="call", at=AT, attributes={"minutes": 4.5, "page": "/it's"}, key="k-1"),
            ActivityRecorded(kind="page_view", at=AT),
            FieldChanged(name="city", value="São Paulo", at=AT),
            FieldChanged(name="city", value=None, at=AT),
            EvidenceGiven(name="fit", value=False, at=AT, note="a word"),
            Sold(amount=Money(amount="49.00", currency="EUR"), at=AT),
        ]
    )


def table(**columns):
    return pa.table({"lead": ["ada"], "kind": ["activity"], "at": [0], "name": ["call"], **columns})


def test_a_row_says_what_a_fact_says():
    rows = fact_columns(journey()).to_pylist()
    assert [row["kind"] for row in rows] == ["started", *["activity"] * 2, *["attribute"] * 2, "evidence", "sold"]
    assert (rows[1]["name"], rows[1]["key"]) == ("call", "k-1")
    assert rows[1]["payload"] == '{"attributes":{"minutes":4.5,"page":"/it\'s"}}'
    assert rows[2]["payload"] is None  # everything else is as by default
    assert (rows[3]["value"], rows[4]["value"], rows[5]["value"]) == ('"São Paulo"', None, "false")
    assert instants(fact_columns(journey())).schema == FACT_SCHEMA  # a host's own columns stay numbers


def sources(tmp_path):
    facts = journey()
    made = fact_columns(facts)
    pq.write_table(made, tmp_path / "one.parquet")
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    pq.write_table(made.slice(0, 3), folder / "a.parquet")
    pq.write_table(made.slice(3), folder / "deep" / "b.parquet")
    store = MemoryStore(book())
    store.save(facts, expected_version=0)
    return {
        "a journey": facts,
        "journeys": [facts],
        "facts": facts.facts,
        "a generator of facts": (fact for fact in facts.facts),
        "a table": made,
        "a batch": made.to_batches()[0],
        "a reader": made.to_reader(),
        "a dataset": ds.dataset(made),
        "a file": tmp_path / "one.parquet",
        "the name of a file": str(tmp_path / "one.parquet"),
        "a folder": folder,
        "a list of files": [folder / "a.parquet", folder / "deep" / "b.parquet"],
        "pandas": made.to_pandas(),
        "Polars": pl.from_arrow(made),
        "a lazy frame": pl.from_arrow(made).lazy(),
        "DuckDB": duckdb.connect().from_arrow(made),
        "a store": store,
    }


def test_whatever_holds_facts_gives_the_same(tmp_path):
    expected = sorted(journey().facts, key=lambda fact: fact.seq)
    for what, source in sources(tmp_path).items():
        found = sorted(facts_of(source), key=lambda fact: fact.seq)
        assert found == expected, what


def test_facts_are_written_and_counted(tmp_path):
    assert write_facts(journey(), tmp_path / "facts.parquet") == 7
    assert list(facts_of(tmp_path / "facts.parquet")) == list(journey().facts)


def test_facts_are_divided_so_that_each_part_holds_whole_leads(tmp_path):
    facts = [journey(f"lead{number}") for number in range(20)]
    assert write_facts(facts, tmp_path / "parts", parts=3) == 140
    parts = [fact_columns(tmp_path / "parts" / f"part={number}") for number in range(3)]
    leads = [set(part["lead"].to_pylist()) for part in parts]
    assert sum(map(len, leads)) == len(set.union(*leads)) == 20


def test_instants_with_a_zone_are_read_and_nanoseconds_cut_off():
    at = pd.DataFrame({"lead": ["ada"], "kind": ["activity"], "name": ["call"]})
    at["at"] = pd.to_datetime(["2026-03-02T06:30:00.123456789-03:00"])
    assert next(facts_of(at)).at == AT


def test_blanks_become_defaults():
    (fact,) = facts_of(table(pipeline=pa.nulls(1), payload=pa.nulls(1, pa.string())))
    assert (fact.kind, fact.lead) == ("call", None)  # nobody has recorded it yet
    assert fact_columns(table()).to_pylist()[0]["pipeline"] == "main"


def test_words_may_be_dictionaries_or_large():
    kind = pa.array(["activity"]).dictionary_encode()
    assert next(facts_of(table(kind=kind, lead=pa.array(["ada"], pa.large_string())))).kind == "call"


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"lead": pa.array([7])}, "lead: this column is of type int64, and should be string"),
        ({"at": ["2026-03-02"]}, "at: this column is of type string, and should be int64"),
        ({"at": pa.array([0], pa.timestamp("us"))}, "give microseconds, or instants with a zone"),
        ({"at": pa.array([0.5])}, "at: this column is of type double"),
        ({"seq": pa.array([datetime(2026, 1, 1, tzinfo=UTC)])}, "seq: this column is of type timestamp"),
        ({"payload": pa.array([{"a": 1}])}, "payload: this column is of type struct"),
        ({"nmae": ["x"]}, "nmae: facts have no such column .*name"),
        ({"zzz": ["x"]}, "declared are: lead, pipeline"),
        ({"lead": pa.array([None], pa.string())}, "1 rows have no lead"),
        ({"at": pa.array([None], pa.int64())}, "1 rows have no at"),
    ],
)
def test_columns_that_hold_no_facts_are_named(columns, says):
    with pytest.raises(Malformed, match=says):
        list(facts_of(table(**columns)))


def test_a_missing_column_is_named_with_what_it_may_be_called():
    with pytest.raises(Malformed, match="lead: this column is missing .*leads"):
        fact_columns(pa.table({"leads": ["ada"], "kind": ["activity"], "at": [0]}))
    twice = pa.table([pa.array(["a"]), pa.array(["a"]), pa.array(["x"]), pa.array([0])], ["lead", "lead", "kind", "at"])
    with pytest.raises(Malformed, match="two columns have the same name"):
        fact_columns(twice)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"kind": ["activty"]}, "'activty' is not a kind of fact .*activity"),
        ({"value": ["true"]}, "a fact of kind 'activity' has no value"),
        ({"payload": ['{"kind": "call"}']}, "'kind' stands in the payload .write it in the column name"),
        ({"payload": ["[]"]}, "the payload is not a JSON object"),
        ({"payload": ["{"]}, "the payload is not a JSON object"),
        ({"payload": ['{"lead": "bo"}']}, "the payload holds lead, which are columns"),
        ({"payload": ['{"colour": "red"}']}, "colour"),
        ({"name": [None]}, "kind"),
        ({"name": ["\x00"]}, "kind"),
        ({"at": [1_772_442_000_000_000_000]}, "these may be nanoseconds"),
        ({"at": [2**62]}, "outside the years 1678 to 2261"),
        ({"lead": [""]}, "an id is text"),
        ({"seq": [-1], "id": ["x"]}, "seq must be a whole number"),
        ({"seq": [0], "id": ["\n"]}, "an id is text"),
        ({"kind": ["attribute"], "value": ["Recife"]}, "the value is not JSON"),
    ],
)
def test_a_row_that_is_no_fact_is_refused_with_the_reason(row, says):
    with pytest.raises(Malformed, match=says):
        list(facts_of(table(**row)))


def test_a_file_that_is_no_parquet_or_is_cut_off_is_named(tmp_path):
    whole = tmp_path / "whole.parquet"
    write_facts([journey(f"lead{number}") for number in range(300)], whole)
    (tmp_path / "text.parquet").write_text("lead,kind,at")
    with pytest.raises(Unreadable, match=r"text\.parquet cannot be read"):
        fact_columns(tmp_path)
    (tmp_path / "text.parquet").unlink()
    data = bytearray(whole.read_bytes())
    data[200 : len(data) // 2] = bytes(len(data) // 2 - 200)  # the footer is sound, and what it points to is not
    whole.write_bytes(data)
    with pytest.raises(Unreadable, match=r"whole\.parquet cannot be read"):
        fact_columns(whole)
    with pytest.raises(Unreadable, match="there is no file .*none"):
        fact_columns(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(Unreadable, match="there is no Parquet file"):
        fact_columns(tmp_path / "empty")
    with pytest.raises(Unreadable, match="cannot be written"):
        write_facts(journey(), tmp_path / "no" / "folder.parquet")
    with pytest.raises(Unreadable, match="the dataset cannot be read"):
        list(facts_of(ds.dataset(whole)))


def test_what_holds_no_facts_is_said_so():
    for nothing in (7, b"x", {"a": 1}, object()):
        with pytest.raises(Malformed, match="holds no facts"):
            fact_columns(nothing)
    with pytest.raises(Malformed, match="item 0 is an int, neither a journey nor a fact"):
        fact_columns(iter([7]))
    with pytest.raises(Malformed, match="this fact has no lead"):
        fact_columns([ActivityRecorded(kind="call", at=AT)])
    assert fact_columns([]).num_rows == 0


@pytest.mark.parametrize(("at", "unit"), [(1_772_442_000, "seconds"), (1_772_442_000_000, "milliseconds")])
def test_seconds_and_milliseconds_are_refused(at, unit):
    with pytest.raises(Malformed, match=f"the instants look like {unit}"):
        fact_columns(table(at=[at]))
    assert fact_columns(table(at=[0])).num_rows == 1


def test_the_labels_of_a_filtered_pandas_frame_are_left_out():
    frame = pd.DataFrame({"lead": ["ada", "bo"], "kind": ["activity"] * 2, "name": ["call"] * 2, "at": [0, 0]})
    assert fact_columns(frame[frame["lead"] == "bo"]).num_rows == 1


def test_a_column_of_mixed_values_is_refused_in_our_words():
    frame = pd.DataFrame({"lead": ["ada"] * 2, "kind": ["attribute"] * 2, "at": [0, 0], "value": [1, "x"]})
    with pytest.raises(Malformed, match="write the values as JSON text"):
        fact_columns(frame)


def test_hints_for_csv_and_for_texts_in_place_of_instants(tmp_path):
    (tmp_path / "facts.csv").write_text("lead,kind,at")
    with pytest.raises(Unreadable, match="read this with pandas"):
        fact_columns(tmp_path / "facts.csv")
    with pytest.raises(Malformed, match="read the texts as instants first"):
        fact_columns(table(at=["2026-03-02T09:00:00Z"]))
