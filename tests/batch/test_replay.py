"""Replaying many journeys: bad ones are set aside, broken-off work goes on, and a process that dies loses nothing."""

import json
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from batch.dying import deadly
from batch.worlds import book
from leadlife import ActivityRecorded, EvidenceGiven, Journey, Moved, Retracted
from leadlife.batch import FACT_SCHEMA, fact_columns, instants, replay, replays, work, write_facts
from leadlife.batch.columns import batch_of
from leadlife.batch.outputs import SET_ASIDE
from leadlife.batch.partitions import number_of_partitions
from leadlife.batch.rows import FactRow
from leadlife.errors import Malformed, UnknownName, Unreadable
from leadlife.scoring import CustomPolicy

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def journeys(number=8, playbook=None):
    playbook = playbook or book()
    for place in range(number):
        begun = Journey.start(f"lead{place}", playbook, at=AT, stage="name")
        calls = [ActivityRecorded(kind="call", at=AT + timedelta(hours=hour)) for hour in range(place + 1)]
        yield begun.record_all([*calls, EvidenceGiven(name="fit", at=AT + timedelta(days=9))])


def row(**values):
    plain = {"lead": "ada", "pipeline": "main", "kind": "activity", "at": 0, "name": "call"}
    return FactRow(**{**dict.fromkeys(FACT_SCHEMA.names), **plain, **values})


def stages(come):
    return dict(zip(come.leads["lead"].to_pylist(), come.leads["stage"].to_pylist(), strict=True))


def test_a_bad_lead_is_set_aside_with_the_reason_and_the_others_go_on():
    bad = [
        row(lead="bad kind", kind="actvity"),
        row(lead="bad value", kind="attribute", name="size", value="{"),
        row(
            lead="unknown playbook",
            kind="started",
            name="name",
            payload=json.dumps({"playbook": {"id": "other", "version": "1", "digest": "0" * 32}}),
            seq=0,
            id="x",
        ),
        row(lead="undeclared", name="yodel"),
        row(lead="two ids", seq=0, id="x"),
        row(lead="two ids", seq=1, id="x", key="k"),
    ]
    table = pa.concat_tables([fact_columns(list(journeys())), pa.Table.from_batches([batch_of(bad)])])
    come = replay(table, book())
    reasons = {one["lead"]: one["reason"] for one in come.set_aside.to_pylist()}
    assert reasons.keys() == {"bad kind", "bad value", "unknown playbook", "undeclared", "two ids"}
    assert "is not a kind of fact" in reasons["bad kind"]
    assert "JSON" in reasons["bad value"]
    assert "playbook other 1 is not at hand" in reasons["unknown playbook"]
    assert "yodel" in reasons["undeclared"]
    assert "two facts of one id have different keys" in reasons["two ids"]
    assert sum(one["facts"] for one in come.set_aside.to_pylist()) == len(bad)
    assert (come.progress.leads, come.progress.set_aside) == (8, 5)
    # Every lead has a row among the leads, so none is missed by who reads only those.
    problems = {one["lead"]: one["problem"] for one in come.leads.to_pylist()}
    assert problems == {**dict.fromkeys(f"lead{place}" for place in range(8)), **reasons}


def test_own_code_that_breaks_in_no_known_way_sets_its_lead_aside():
    def breaks(lead, _activities, *, at):
        if lead.id == "lead1":
            raise MemoryError
        return 1.0

    playbook = book(CustomPolicy.of(breaks, name="mine"))
    come = replay(list(journeys(3, playbook)), playbook, tables=(), scores="mine")
    told = {one["lead"]: (one["value"], one["why"]) for one in come.scores.to_pylist()}
    aside = {one["lead"]: one["reason"] for one in come.set_aside.to_pylist()}
    assert told.keys() | aside.keys() == {"lead0", "lead1", "lead2"}
    assert told["lead0"] == (1.0, None)
    assert "MemoryError" in str((told.get("lead1"), aside.get("lead1")))


def test_facts_that_nobody_has_recorded_are_recorded_in_order_of_time():
    playbook = book()
    started = fact_columns(next(journeys(1))).to_pylist()[0]
    new = [
        row(at=20, kind="evidence", name="fit", value="true"),
        row(at=10, name="call"),
        row(at=0, kind="started", name="name", payload=started["payload"]),
        row(at=10, name="page_view"),
    ]
    alone = Journey.start("ada", playbook, at=datetime(1970, 1, 1, tzinfo=UTC), stage="name")
    for order in (new, new[::-1]):
        come = replay(pa.Table.from_batches([batch_of(order)]), playbook)
        assert come.leads.to_pylist()[0]["facts"] == 4
        assert (stages(come), come.set_aside.num_rows) == ({"ada": "name"}, 0)
    assert alone.stage == "name"
    mixed = [*new, row(lead="lead0", at=micros(AT) + 5, name="call")]
    table = pa.concat_tables([fact_columns(list(journeys(1))), pa.Table.from_batches([batch_of(mixed)])])
    assert replay(table, playbook).leads.to_pylist()[1]["facts"] == 4


def micros(at):
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def test_rows_that_come_twice_count_once():
    table = fact_columns(list(journeys()))
    twice = pa.concat_tables([table, table])
    assert replay(twice, book()).leads.drop_columns(["facts"]) == replay(table, book()).leads.drop_columns(["facts"])


def test_as_of_leaves_out_who_came_later_and_says_so():
    come = replay(
        [*journeys(2), Journey.start("late", book(), at=AT + timedelta(days=30), stage="name")],
        book(),
        as_of=AT + timedelta(days=1),
        scores="urgency",
    )
    assert stages(come) == {"lead0": "name", "lead1": "name"}
    assert (come.progress.leads, come.progress.later) == (2, 1)
    assert come.leads["as_of"].to_pylist() == [micros(AT + timedelta(days=1))] * 2
    assert instants(come.leads)["as_of"][0].as_py() == AT + timedelta(days=1)
    assert "1 came later" in str(come.progress)


def test_what_would_have_been_under_another_playbook():
    other = book().automated("engage", version="automated")
    facts = list(journeys(3))
    assert set(stages(replay(facts, book())).values()) == {"name"}
    assert set(stages(replay(facts, book(), under=other)).values()) == {"engagement"}
    assert set(stages(replay(facts, book(), under=other, partitions=2)).values()) == {"engagement"}


def test_an_adopted_playbook_must_be_at_hand():
    new = book().replace(version="2")
    adopted = next(journeys(1)).adopt(new, at=AT + timedelta(days=10))
    assert replay(adopted, [book(), new]).leads["version"].to_pylist() == ["2"]
    assert "not at hand" in replay(adopted, book()).set_aside["reason"][0].as_py()


def test_a_folder_is_gone_on_with_and_refuses_another_request(tmp_path):
    facts, out = tmp_path / "facts.parquet", tmp_path / "out"
    write_facts(list(journeys()), facts)
    told = []
    whole = replay(facts, book(), out=out, partitions=3, progress=told.append)
    assert [come.done for come in told] == [1, 2, 3]
    assert told[-1] == whole.progress
    assert {path.name for path in out.iterdir()} == {"manifest.json", "done", "set_aside", *replay_tables()}
    again = replay(facts, book(), out=out, partitions=7)  # done: nothing is folded, whatever the number
    assert again.progress == whole.progress
    assert again.leads.sort_by("lead") == whole.leads.sort_by("lead")
    with pytest.raises(Malformed, match="holds the tables of another replay"):
        replay(facts, book(), out=out, as_of=AT)
    write_facts(list(journeys(3)), facts)
    with pytest.raises(Malformed, match="holds the tables of another replay"):
        replay(facts, book(), out=out)
    (out / "manifest.json").write_text("{")
    with pytest.raises(Unreadable, match="manifest.json cannot be read"):
        replay(facts, book(), out=out)
    with pytest.raises(Malformed, match="is not empty, and holds no replay"):
        replay(facts, book(), out=tmp_path)


def test_tables_among_the_facts_are_refused(tmp_path):
    write_facts(list(journeys(2)), tmp_path / "facts.parquet")
    for out in (tmp_path, tmp_path / "a" / ".." / "out"):
        with pytest.raises(Malformed, match="lies among the facts"):
            replay(tmp_path, book(), out=out)
    assert [path.name for path in tmp_path.iterdir()] == ["facts.parquet"]


def replay_tables():
    return {"leads", "visits", "cycles", "qualifications", "derived", "refusals"}


def test_work_that_was_broken_off_goes_on_where_it_was(tmp_path, monkeypatch):
    facts, out, folded = tmp_path / "facts.parquet", tmp_path / "out", []
    write_facts(list(journeys()), facts)
    fold_part = work.fold_part

    def breaking(job, number, without=frozenset()):
        folded.append(number)
        if folded.count(number) == 1 and number == 2:
            raise KeyboardInterrupt
        return fold_part(job, number, without)

    monkeypatch.setattr(work, "fold_part", breaking)
    with pytest.raises(KeyboardInterrupt):
        replay(facts, book(), out=out, partitions=4)
    come = replay(facts, book(), out=out, partitions=9)
    assert folded == [0, 1, 2, 2, 3]
    assert come.leads.sort_by("lead") == replay(facts, book()).leads.sort_by("lead")


def test_a_crash_while_dividing_begins_again(tmp_path, monkeypatch):
    facts, out = tmp_path / "facts.parquet", tmp_path / "out"
    write_facts(list(journeys()), facts)

    def breaks(*_args, **_options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(replays, "divide", breaks)
        with pytest.raises(KeyboardInterrupt):
            replay(facts, book(), out=out)
    assert replay(facts, book(), out=out).progress.leads == 8


def test_large_output_is_written_in_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(work, "ROWS_A_GROUP", 5)
    come = replay(list(journeys()), book(), out=tmp_path / "out", partitions=1)
    assert come.leads.sort_by("lead") == replay(list(journeys()), book()).leads.sort_by("lead")


def test_several_processes_come_to_the_same():
    facts = list(journeys())
    come = replay(facts, book(), workers=2, partitions=4)
    for table in replay_tables():
        assert sorted(map(str, come.table(table).to_pylist())) == sorted(
            map(str, replay(facts, book()).table(table).to_pylist())
        )


@pytest.mark.parametrize(("deaths", "aside"), [(1, 0), (3, 1)])
def test_a_process_that_dies_loses_nothing(tmp_path, monkeypatch, deaths, aside):
    left = tmp_path / "left"
    left.write_text(str(deaths))
    monkeypatch.setenv("LEADLIFE_DIES", str(left))
    playbook = book(deadly())
    facts = list(journeys(6, playbook))
    come = replay(facts, playbook, workers=2, partitions=2, tables=("leads",), scores="deadly")
    assert come.progress.set_aside == aside
    assert come.leads.num_rows == 6
    assert come.scores.num_rows == 6 - aside
    if aside:
        (one,) = come.set_aside.to_pylist()
        assert (one["lead"], one["reason"]) == ("lead3", work.DIED)


def test_a_process_that_dies_before_it_begins_is_said_so(tmp_path):
    class Dying:
        def __init__(self, **_options):
            pass

        def submit(self, *_work):
            raise MemoryError

    (tmp_path / "working").mkdir()
    (tmp_path / "working" / "3.begun").write_bytes(b"12345678")  # of an earlier process
    job = work.Job("token", (), None, None, tmp_path / "parts", tmp_path)
    with pytest.raises(Unreadable, match="before the first journey of part 3"):
        work._alone(job, 3, Dying, MemoryError)


def test_a_fault_in_the_facts_ends_the_dividing_with_its_own_error(tmp_path):
    def facts():
        yield from next(journeys(1)).facts
        yield 7

    with pytest.raises(Malformed, match="neither a journey nor a fact"):
        replay(facts(), book(), out=tmp_path / "out")


def test_arguments_are_checked():
    facts = list(journeys(1))
    for wrong in ({"workers": 0}, {"partitions": 0}, {"tables": ["lead"]}, {"tables": "vists"}):
        with pytest.raises(Malformed):
            replay(facts, book(), **wrong)
    with pytest.raises(UnknownName, match="urgncy"):
        replay(facts, book(), scores="urgncy")
    come = replay(facts, book(), tables="leads")
    with pytest.raises(Malformed, match="there is no table 'visits': it was not asked for"):
        come.table("visits")
    assert repr(come) == "<Replayed 1 of 1 parts, 1 leads, 3 facts>"
    assert come.set_aside.schema == SET_ASIDE


def test_a_table_of_a_folder_that_was_not_asked_for_is_named(tmp_path):
    come = replay(list(journeys(1)), book(), tables="leads", out=tmp_path / "out")
    with pytest.raises(Malformed, match="there is no table 'visits'"):
        come.table("visits")


def test_facts_of_unknown_number_are_divided_if_they_are_many(monkeypatch):
    facts = [fact for journey in journeys() for fact in journey.facts]
    assert replay(iter(facts), book()).progress.partitions == 1
    monkeypatch.setattr(replays, "ROWS_A_PARTITION", 3)
    monkeypatch.setattr("leadlife.batch.columns.ROWS_A_BATCH", 2)
    many = replay(iter(facts), book())
    assert (many.progress.partitions, many.progress.leads, many.progress.facts) == (20, 8, len(facts))


def test_facts_are_divided_by_their_number():
    assert number_of_partitions(10, 1) == 1
    assert number_of_partitions(10, 2) == 8
    assert number_of_partitions(2_000_000, 2) == 8
    assert number_of_partitions(100_000_000, 2) == 400
    assert number_of_partitions(None, 1) == 20
    assert number_of_partitions(10**12, 2) == 1_000


def test_every_time_a_qualification_was_granted_has_a_row():
    granted = next(journeys(1)).record_all(
        [
            EvidenceGiven(name="mql", value=value, at=AT + timedelta(days=day))
            for day, value in ((20, True), (21, False), (22, True))
        ]
    )
    come = replay(granted, book(), tables="grants")
    assert [(one["name"], one["ended"] is None) for one in come.table("grants").to_pylist()] == [
        (one.name, one.ended is None) for one in granted.grants
    ]
    assert len(granted.grants) == 2


def test_a_lead_of_which_every_fact_was_retracted_has_no_score():
    begun = Journey("ada", book()).record(ActivityRecorded(kind="call", at=AT))
    gone = begun.record(Retracted(target=begun.facts[0].id, at=AT))
    come = replay(gone, book(), scores="urgency")
    assert (come.leads.num_rows, come.scores.num_rows, come.set_aside.num_rows) == (1, 0, 0)


def test_facts_in_memory_are_known_again_by_their_content(tmp_path):
    table = fact_columns(list(journeys()))
    whole = replay(table, book(), out=tmp_path / "out", partitions=2)
    assert replay(table, book(), out=tmp_path / "out").progress == whole.progress
    with pytest.raises(Malformed, match="holds the tables of another replay"):
        replay(table.slice(0, 9), book(), out=tmp_path / "out")
    (tmp_path / "file").write_text("x")
    with pytest.raises(Malformed, match="is a file"):
        replay(table, book(), out=tmp_path / "file")


def test_a_start_that_names_no_playbook_is_under_the_first_one():
    new = [row(kind="started", name="name"), row(at=9, name="call")]
    come = replay(pa.Table.from_batches([batch_of(new)]), book())
    assert stages(come) == {"ada": "name"}
    other = book().replace(version="other")
    assert replay(pa.Table.from_batches([batch_of(new)]), book(), under=other).leads["version"].to_pylist() == ["other"]


def test_every_fault_of_a_lead_is_told_with_its_place():
    bad = [
        row(kind="started", name="name"),
        row(at=10, name="cal"),
        row(at=20, kind="attribute", name="size", value='"big"'),
        row(at=30, name="call"),
    ]
    (one,) = replay(pa.Table.from_batches([batch_of(bad)]), book()).set_aside.to_pylist()
    assert "activity 'cal' 1970-01-01T00:00:00.000010+00:00" in one["reason"]
    assert "call" in one["reason"]  # what it may have meant
    assert "attribute 'size' 1970-01-01T00:00:00.000020+00:00" in one["reason"]
    unread = [row(kind="actvity"), row(at=2**62), row(payload="[]", id="x", seq=1)]
    (one,) = replay(pa.Table.from_batches([batch_of(unread)]), book()).set_aside.to_pylist()
    assert "actvity" in one["reason"]
    assert str(2**62) in one["reason"] or "payload" in one["reason"]


def test_what_was_refused_has_a_row_with_the_reason():
    refused = next(journeys(1)).record(Moved(trigger="win", at=AT + timedelta(days=20), by="sam"))
    (one,) = replay(refused, book()).table("refusals").to_pylist()
    assert (one["kind"], one["id"]) == ("moved", refused.facts[-1].id)
    assert "'win' is not a legal move from 'name'" in one["why"]
