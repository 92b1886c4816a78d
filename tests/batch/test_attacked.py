"""What an attack on the batch found, and what it comes to since."""

import json
import threading
from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batch.test_scoring import called, points, values
from batch.worlds import book
from leadlife import Actor, FieldChanged, Journey, QualificationGranted
from leadlife.batch import fact_columns, facts_of, figures, replay, score_leads, work, write_facts
from leadlife.criteria import field
from leadlife.errors import Malformed
from leadlife.presets import eight_stage
from leadlife.scoring import ActivityRule, CustomPolicy, FieldRule, Points

AT = datetime(2026, 1, 1, tzinfo=UTC)
US = 1_767_225_600_000_000
LATER = AT + timedelta(days=1)


def call(lead="ada", **more):
    return {"lead": lead, "kind": "activity", "name": "call", "at": US, **more}


def table(*rows):
    return pa.Table.from_pylist(list(rows))


def playbook():
    rules = [
        ActivityRule(name="c", kinds="call", points=1),
        ActivityRule(name="d", kinds="download", points=7),
        FieldRule(name="s", when=field("city") == "Recife", points=100),
    ]
    return book(Points(name="own", rules=rules))


def agree(facts, at=LATER):
    """Check that SQL and the fold come to the same, and return the points by lead."""
    found = score_leads(facts, playbook(), "own", at=at)
    folded = replay(facts, playbook(), under=playbook(), as_of=at, tables=(), scores="own")
    assert sorted(map(str, found.table.to_pylist())) == sorted(map(str, folded.scores.to_pylist()))
    return {row["lead"]: row["value"] for row in found.table.to_pylist()}


def test_facts_written_onto_their_own_source_are_whole(tmp_path):
    path = tmp_path / "f.parquet"
    write_facts(table(call()), path)
    assert write_facts(path, path) == 1
    assert fact_columns(path).num_rows == 1
    with pytest.raises(Malformed, match="is not an empty folder"):
        write_facts(tmp_path, tmp_path, parts=2)
    with pytest.raises(Malformed, match="is not an empty folder"):
        write_facts(path, path, parts=2)
    assert fact_columns(tmp_path).num_rows == 1
    (tmp_path / "empty").mkdir()
    assert write_facts(path, tmp_path / "empty", parts=2) == 1


def test_a_fault_half_way_leaves_the_old_file(tmp_path):
    path = tmp_path / "f.parquet"
    write_facts(table(*[call()] * 10), path)
    bad = pa.table({"lead": ["a", None], "kind": ["activity"] * 2, "at": [US] * 2, "name": ["call"] * 2})
    with pytest.raises(Malformed):
        write_facts([table(call()), bad], path)
    assert fact_columns(path).num_rows == 10
    assert [one.name for one in tmp_path.iterdir()] == ["f.parquet"]


def test_a_grant_that_expires_is_checked_against_its_own_instant():
    sales = Actor(id="sam", roles=("sales",))

    def year(number):
        return datetime(number, 1, 1, tzinfo=UTC)

    begun = Journey.start("ada", eight_stage(), stage="name", at=year(1994))
    journey = begun.record(QualificationGranted(name="sal", at=year(1995), expires=year(1996), by=sales))
    assert list(facts_of(fact_columns(journey))) == list(journey.facts)
    assert replay(journey, eight_stage()).progress.leads == 1
    late = {**fact_columns(journey).to_pylist()[1], "at": US}
    with pytest.raises(Malformed, match="expires"):
        list(facts_of(table(late)))


@pytest.mark.parametrize("folder", ["lead=zed", "name=x", "at=7"])
def test_folders_and_file_names_say_nothing_of_the_facts(tmp_path, folder):
    (tmp_path / folder).mkdir()
    pq.write_table(table(call()), tmp_path / folder / "f.parquet")
    for source in (tmp_path / folder / "f.parquet", tmp_path):
        assert agree(source) == {"ada": 1.0}


@pytest.mark.parametrize("name", ["f[1].parquet", "f*.parquet", "f?.parquet"])
def test_a_file_name_is_no_pattern(tmp_path, name):
    pq.write_table(table(call()), tmp_path / name)
    pq.write_table(table(*[call("bo")] * 3), tmp_path / "f1.parquet")
    assert agree(tmp_path / name) == {"ada": 1.0}


def test_a_name_in_the_payload_is_refused_everywhere():
    rows = [call(name=None, payload='{"kind":"call"}'), {**call("bo"), "payload": None}]
    facts = table(*rows)
    assert agree(facts) == {"bo": 1.0}
    assert (
        "write it in the column name" in score_leads(facts, playbook(), "own", at=LATER).set_aside["reason"][0].as_py()
    )


def test_whoever_comes_first_under_a_key_is_the_same_in_sql():
    download = call(name="download", at=US + 10, key="k")
    for rows in ([download, call(key="k")], [call(key="k"), download]):
        assert agree(table(*rows)) == {"ada": 1.0}
    stamped = call(recorded_at=US + 100, seq=1, id="i1", key="k")
    blank = call(name="download", at=US + 5, recorded_at=None, seq=2, id="i2", key="k")
    assert agree(table(stamped, blank)) == {"ada": 7.0}


def test_two_values_of_a_field_at_one_instant_are_ordered_as_in_the_fold():
    rows = [
        {"lead": "ada", "kind": "attribute", "name": "city", "value": value, "id": id_, "at": US}
        for value, id_ in (('"Recife"', "a"), ('"Porto"', "b"))
    ]
    assert agree(table(*rows)) == agree(table(*rows[::-1]))


def test_the_order_of_playbooks_is_part_of_the_request(tmp_path):
    path = tmp_path / "f.parquet"
    write_facts(table(call()), path)
    x, y = (eight_stage().replace(version=version) for version in "xy")
    assert replay(path, [x, y], out=tmp_path / "o").leads["version"].to_pylist() == ["x"]
    with pytest.raises(Malformed, match="another replay"):
        replay(path, [y, x], out=tmp_path / "o")


def test_cohorts_take_whole_days_and_zones():
    come = replay(called("ada", book(), 1), book(), as_of=LATER)
    for wrong in ({"within": 1.5}, {"within": -1}, {"within": True}, {"zone": 5}):
        with pytest.raises(Malformed):
            figures.cohorts(come, **wrong)


def test_a_cap_that_no_engine_keeps_is_folded():
    many = book(points(rules=[ActivityRule(name="c", kinds="call", points=1, at_most=1_000_000)]))
    come = score_leads(called("ada", many, 1), many, "own", at=datetime(2026, 4, 1, tzinfo=UTC))
    assert come.ways == {"own": "rule 'c' counts up to 1,000,000 activities"}
    assert values(come) == {("ada", "own"): 1_000_000}


def test_numbers_of_workers_and_parts_are_whole(tmp_path):
    for wrong in ({"workers": "2"}, {"workers": 1.5}, {"partitions": 2.5}, {"workers": True}):
        with pytest.raises(Malformed, match="whole number from 1"):
            replay(table(call()), book(), **wrong)
    with pytest.raises(Malformed, match="workers must be a whole number"):
        score_leads(table(call()), playbook(), "own", at=LATER, workers=0)
    with pytest.raises(Malformed, match="parts must be a whole number"):
        write_facts(table(call()), tmp_path / "parts", parts=0)


def test_what_cannot_be_handed_to_another_process_is_said_so():
    lock = threading.Lock()

    def mine(_lead, _activities, *, at):
        with lock:
            return float(at.year)

    own = book(CustomPolicy.of(mine, name="mine"))
    with pytest.raises(Malformed, match="cannot be handed to another process"):
        replay(called("ada", own, 1), own, workers=2, scores="mine")


@pytest.mark.parametrize(
    "columns",
    [
        {"at": pa.array([2**64 - 1], pa.uint64())},
        {"at": pa.array([2**60], pa.timestamp("s", "UTC"))},
        {
            "lead": pa.Array.from_buffers(
                pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")]
            )
        },
    ],
)
def test_columns_whose_values_cannot_be_read_are_refused_in_our_words(columns):
    with pytest.raises(Malformed, match="the columns cannot be read"):
        replay(pa.table({"lead": ["ada"], "kind": ["activity"], "name": ["call"], "at": [US], **columns}), book())


def test_frames_that_are_no_columns_are_refused_in_our_words():
    twice = pd.DataFrame([["ada", "ada", "activity", US]], columns=["lead", "lead", "kind", "at"])
    with pytest.raises(Malformed, match="same name"):
        fact_columns(twice)
    with pytest.raises(Malformed, match="cannot be read as columns"):
        fact_columns(pd.DataFrame({"lead": ["\ud800"], "kind": ["activity"], "at": [US]}))


def test_a_mark_that_a_power_cut_left_empty_is_made_again(tmp_path):
    facts = tmp_path / "f.parquet"
    write_facts([called(f"lead{number}", book(), 1) for number in range(4)], facts)
    whole = replay(facts, book(), out=tmp_path / "o", partitions=2)
    (tmp_path / "o" / "done" / "0.json").write_text("")
    assert set(work.marked(tmp_path / "o")) == {1}
    assert replay(facts, book(), out=tmp_path / "o").progress == whole.progress


def test_a_field_that_was_cleared_has_no_value():
    facts = Journey("ada", playbook()).record(FieldChanged(name="city", value="Recife", at=AT))
    assert agree(facts.record(FieldChanged(name="city", value=None, at=AT)))["ada"] == 0.0


def test_one_id_under_two_keys_is_set_aside_in_sql_as_well():
    rows = [call(seq=0, id="x", key=None), call(seq=1, id="x", key="k"), call("bo", seq=0, id="y", key="k")]
    assert agree(table(*rows)) == {"bo": 1.0}


@pytest.mark.parametrize(
    "bad",
    [
        {"id": "a\x01"},
        {"id": ""},
        {"id": "a" * 301},
        {"key": "\x7f"},
        {"seq": -1},
        {"recorded_at": 2**62},
        {"lead": "c\ny"},
        {"pipeline": ""},
    ],
    ids=str,
)
def test_stamps_that_no_fact_can_have_are_set_aside_in_sql_as_well(bad):
    rows = [call(**{"lead": "cy", "seq": 0, "id": "y", "key": None} | bad), call(seq=0, id="x", key=None)]
    assert agree(table(*rows)) == {"ada": 1.0}


@pytest.mark.parametrize(("expires", "held"), [("2026-02-01T00:00:00Z", True), ("2025-12-01T00:00:00Z", False)])
def test_a_grant_is_held_against_its_own_instant_in_sql_as_well(expires, held):
    grant = {"kind": "qualified", "name": "mql", "payload": json.dumps({"expires": expires}), "seq": 1, "id": "g"}
    rows = [{"lead": "cy", "at": US, **grant}, call("cy", seq=0, id="y"), call(seq=0, id="x")]
    assert agree(table(*rows)) == ({"ada": 1.0, "cy": 1.0} if held else {"ada": 1.0})
