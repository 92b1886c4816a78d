"""Scores by SQL in the cases that the laws seldom meet: merged leads, halves, own code, too many values, strange names."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from batch.worlds import book
from leadlife import (
    ActivityKind,
    ActivityRecorded,
    FieldChanged,
    Identified,
    Journey,
    Lifecycle,
    Playbook,
    Retracted,
    Stage,
    Transition,
)
from leadlife.batch import FACT_SCHEMA, countable, fact_columns, replay, score_leads, scoring, write_facts
from leadlife.batch.columns import batch_of
from leadlife.batch.rows import FactRow
from leadlife.criteria import at_least, count, field, identified
from leadlife.errors import Malformed, UnknownName, Unreadable
from leadlife.facts import Merged
from leadlife.playbook.recycling_rules import RecyclingRule
from leadlife.scoring import (
    ActivityRule,
    Capped,
    CustomPolicy,
    Fallback,
    FieldRule,
    Gated,
    Grid,
    Highest,
    Points,
    Scaled,
    StepDecay,
    Weighted,
    WeightedSum,
)
from leadlife.timing import days, elapsed

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATER = AT + timedelta(days=10)


def called(lead, playbook, *hours):
    calls = [ActivityRecorded(kind="call", at=AT + timedelta(hours=hour)) for hour in hours]
    return Journey.start(lead, playbook, at=AT, stage="name").record_all(calls)


def points(name="own", **changes):
    rule = ActivityRule(name="calls", kinds="call", points=10, half_life=elapsed(days=7))
    return Points(**{"name": name, "rules": [rule], **changes})


def values(come):
    return {(row["lead"], row["policy"]): row["micropoints"] for row in come.table.to_pylist()}


def test_halves_are_rounded_away_from_zero_as_in_a_ledger():
    start = Points(name="start", start=0.000001)
    for by, worth in ((0.5, 1), (-0.5, -1), (1.5, 2), (0.499999, 0)):
        playbook = book(Scaled(name="scaled", of=start, by=by))
        assert values(score_leads(called("ada", playbook), playbook, "scaled", at=LATER)) == {("ada", "scaled"): worth}


def test_a_merged_lead_is_folded_and_the_others_are_not():
    playbook = book(points())
    other = called("bo", playbook, 1, 2)
    ada = called("ada", playbook, 3)
    merged = ada.merge(other, at=AT + timedelta(days=1), by="sam")
    facts = [merged, called("cy", playbook, 5)]
    assert any(isinstance(fact, Merged) for fact in merged.facts)
    come = score_leads(facts, playbook, "own", at=LATER)
    assert (come.ways, come.folded) == ({"own": "sql"}, 1)
    alone = replay(facts, playbook, as_of=LATER, tables=(), scores="own")
    assert sorted(map(str, come.table.to_pylist())) == sorted(map(str, alone.scores.to_pylist()))


def test_what_a_recycling_halves_is_folded():
    playbook = book(points()).replace(recycling=(RecyclingRule(reasons="bad timing", scores="halve"),))
    come = score_leads(called("ada", playbook, 1), playbook, "own", at=LATER)
    assert come.ways == {"own": "a recycling halves scores or starts them afresh"}
    assert come.table.num_rows == 1


def test_own_code_is_folded_and_both_ways_stand_in_one_table():
    playbook = book(points(), CustomPolicy.of(lambda _lead, seen, *, at: float(len(seen)), name="mine"))
    come = score_leads(called("ada", playbook, 1, 2), playbook, ["own", "mine"], at=LATER)
    assert come.ways == {"own": "sql", "mine": "policies of type CustomPolicy are not translated"}
    assert values(come)["ada", "mine"] == 2_000_000
    assert come.set_aside.num_rows == 0


def test_all_policies_of_the_playbook_are_asked_if_nobody_says_which():
    playbook = book(points())
    assert {policy for _, policy in values(score_leads(called("ada", playbook), playbook, at=LATER))} == {
        "urgency",
        "research",
        "own",
    }


def test_too_many_distinct_values_are_folded(monkeypatch):
    monkeypatch.setattr(scoring, "MOST_DISTINCT", 1)
    playbook = book(Points(name="own", rules=[FieldRule(name="size", when=field("size") >= 5, points=3)]))
    facts = [Journey(f"lead{size}", playbook).record(FieldChanged(name="size", value=size, at=AT)) for size in range(9)]
    come = score_leads(facts, playbook, "own", at=LATER)
    assert come.ways == {"own": "there are more than 1 distinct values to ask about"}
    assert sorted(values(come).values()) == [0] * 5 + [3_000_000] * 4


def test_texts_with_quotes_and_backslashes_are_kept():
    odd = 'it\'s \\ "odd" -- ; DROP TABLE facts'
    playbook = book(points(exclude=[field("city") == odd]))
    ada = called("o'hara", playbook, 1).record(FieldChanged(name="city", value=odd, at=AT))
    (row,) = score_leads(ada, playbook, "own", at=LATER).table.to_pylist()
    assert (row["lead"], row["why"]) == ("o'hara", ada.score("own", at=LATER).why)
    assert odd in row["why"]


def test_a_retraction_counts_though_it_is_dated_after_the_instant():
    playbook = book(points())
    ada = called("ada", playbook, 1, 2)
    target = ada.facts[-1]

    facts = ada.record(Retracted(target=target.id, at=LATER + timedelta(days=9)))
    come = score_leads(facts, playbook, "own", at=LATER)
    assert values(come)["ada", "own"] == facts.as_of(at=LATER).score("own", at=LATER).micropoints
    claimed = score_leads(facts, playbook, "own", at=LATER, trusted=True)
    assert values(claimed)["ada", "own"] > values(come)["ada", "own"]  # the claim was wrong, and nothing was looked for


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        (points(rules=[ActivityRule(name="r", kinds="call", points=1, at_most_per_day=1)]), "has a cap per day"),
        (points(rules=[ActivityRule(name="r", kinds="call", points=1, once_per="page")]), "has a cap per value"),
        (points(rules=[ActivityRule(name="r", kinds="call", points=1, window=days(9))]), "a window of calendar days"),
        (points(exclude=[count("call", within=days(3)) >= 1]), "a window of calendar days"),
        (points(exclude=[count(within=elapsed(days=3)) >= 1]), "counts activities of any kind"),
    ],
)
def test_what_has_no_closed_form_says_why(policy, why):
    come = score_leads(called("ada", book(policy), 1), book(policy), "own", at=LATER)
    assert why in come.ways["own"]


def test_files_are_read_where_they_lie_and_blank_leads_are_refused(tmp_path):
    playbook = book(Points(name="own", rules=[FieldRule(name="known", when=identified(), points=2)]))
    facts = Journey("ada", playbook).record(Identified(at=AT))
    write_facts(facts, tmp_path / "a.parquet")
    write_facts(called("bo", playbook), tmp_path / "b.parquet")
    assert values(score_leads(tmp_path, playbook, "own", at=LATER)) == {("ada", "own"): 2_000_000, ("bo", "own"): 0}
    table = fact_columns(facts).set_column(0, "lead", [[None]])
    import pyarrow.parquet as pq

    pq.write_table(table.cast(table.schema), tmp_path / "c.parquet")
    with pytest.raises(Malformed, match="lead"):
        score_leads(tmp_path, playbook, "own", at=LATER)


def test_instants_and_missing_columns_in_a_file_are_read(tmp_path):
    import pyarrow.parquet as pq

    playbook = book(points())
    plain = pa.table(
        {"lead": ["ada"], "kind": ["activity"], "name": ["call"], "at": pa.array([AT], pa.timestamp("ns", "UTC"))}
    )
    pq.write_table(plain, tmp_path / "a.parquet")
    assert values(score_leads(tmp_path / "a.parquet", playbook, "own", at=AT)) == {("ada", "own"): 10_000_000}


def test_a_file_that_breaks_while_it_is_read_is_named(tmp_path):
    playbook = book(points())
    path = tmp_path / "a.parquet"
    write_facts([called(f"lead{number}", playbook, 1, 2, 3) for number in range(200)], path)
    data = bytearray(path.read_bytes())
    data[100 : len(data) // 2] = bytes(len(data) // 2 - 100)
    path.write_bytes(data)
    with pytest.raises(Unreadable, match="cannot be read"):
        score_leads(path, playbook, "own", at=LATER)


def test_unknown_policies_and_playbooks_without_any_are_refused():
    with pytest.raises(UnknownName):
        score_leads(called("ada", book()), book(), "urgncy", at=LATER)

    life = Lifecycle(
        stages=[Stage(id="a"), Stage(id="w", status="won")],
        transitions=[Transition(trigger="go", sources="a", target="w")],
    )
    with pytest.raises(Malformed, match="has no scores"):
        score_leads(called("ada", book()), Playbook(id="p", lifecycle=life), at=LATER)


def test_bands_around_a_policy_are_found_as_in_a_ledger():
    own, other = points(bands={"low": 0, "high": 15}), points("other", start=3, bands={"few": 0, "many": 12})
    grid = Grid(name="grid", fit=own, engagement=other)
    made = [
        Capped(name="one", of=grid, cap=50),
        Gated(name="two", of=grid, when=identified()),
        Capped(name="three", of=Fallback(name="first", of=[own, other]), cap=9),
        Gated(name="four", of=Capped(name="inner", of=own, cap=9), when=count("call") >= 1),
        WeightedSum(name="five", of=[Weighted(policy=own), Weighted(policy=other, weight=-0.5)], bands={"any": 0}),
        Scaled(name="six", of=own, by=-0.333333),
    ]
    for policy in made:
        playbook = book(policy)
        ada = called("ada", playbook, 1, 2)
        come, expected = score_leads(ada, playbook, policy.name, at=LATER), ada.score(policy.name, at=LATER)
        (row,) = come.table.to_pylist()
        assert (come.ways, row["band"]) == ({policy.name: "sql"}, expected.band)
        assert row["micropoints"] == expected.micropoints


def test_the_highest_inside_another_policy_is_folded():
    policy = Capped(name="around", of=Highest(name="best", of=[points(bands={"any": 0}), points("other")]), cap=9)
    come = score_leads(called("ada", book(policy), 1), book(policy), "around", at=LATER)
    assert "bands around the highest" in come.ways["around"]


def test_steps_are_folded():
    rule = ActivityRule(name="r", kinds="call", points=1, decay=StepDecay(percent=25, every=elapsed(days=1)))
    come = score_leads(called("ada", book(points(rules=[rule])), 1), book(points(rules=[rule])), "own", at=LATER)
    assert come.ways["own"] == "rule 'r' decays by steps"


def new_rows(**changes):
    plain = {"lead": "ada", "pipeline": "main", "kind": "activity", "at": 1, "name": "call"}
    return FactRow(**{**dict.fromkeys(FACT_SCHEMA.names), **plain, **changes})


@pytest.mark.parametrize(
    "bad",
    [
        {"kind": "activty"},
        {"name": "cal"},
        {"payload": '{"page": "/x"}'},
        {"payload": "["},
        {"kind": "attribute", "name": "size", "value": '"80"'},
        {"kind": "attribute", "name": "sizes", "value": "80"},
        {"kind": "attribute", "name": "city", "value": "Recife"},
        {"at": 2**62},
    ],
)
def test_a_lead_with_a_fact_that_cannot_be_read_is_set_aside_as_a_replay_does(bad):
    playbook = book(points())
    rows = [new_rows(), new_rows(lead="bo"), new_rows(lead="bo", **bad)]
    table = pa.Table.from_batches([batch_of(rows)])
    come = score_leads(table, playbook, "own", at=LATER)
    assert come.table["lead"].to_pylist() == ["ada"]
    assert come.set_aside["lead"].to_pylist() == ["bo"]
    assert come.set_aside["reason"] == replay(table, playbook, as_of=LATER).set_aside["reason"]


def test_a_recorded_fact_is_not_held_against_the_words_of_the_playbook():
    playbook = book(points())
    facts = called("ada", playbook, 1)
    fewer = playbook.replace(activity_kinds={**playbook.activity_kinds, "other": ActivityKind()}, version="2")
    assert values(score_leads(facts, fewer, "own", at=LATER)) == values(score_leads(facts, playbook, "own", at=LATER))


def test_a_log_with_too_many_contents_is_folded(monkeypatch):
    monkeypatch.setattr(countable, "MOST_CONTENTS", 1)
    rows = [new_rows(), new_rows(lead="bo"), new_rows(lead="bo", kind="activty")]
    come = score_leads(pa.Table.from_batches([batch_of(rows)]), book(points()), "own", at=LATER)
    assert come.set_aside["lead"].to_pylist() == ["bo"]
    assert "distinct contents" in come.ways["own"]


def test_a_blank_lead_in_a_stream_is_refused_in_our_words():
    table = pa.table({"lead": pa.array(["ada", None]), "kind": ["activity"] * 2, "at": [1, 2]})
    with pytest.raises(Malformed, match="^1 rows have no lead"):
        score_leads(table, book(points()), "own", at=LATER)


def test_a_stream_that_breaks_in_another_way_is_unreadable():
    def batches():
        yield batch_of([new_rows()])
        raise OSError("the line is cut")

    with pytest.raises(Unreadable, match="the line is cut"):
        score_leads(pa.RecordBatchReader.from_batches(FACT_SCHEMA, batches()), book(points()), "own", at=LATER)


@pytest.mark.parametrize("size", [None, 5, 50])
@pytest.mark.parametrize("city", [None, "Kiel", "Bonn"])
def test_so_many_of_several_criteria_are_counted_as_in_a_ledger(size, city):
    """Unknown parts leave the whole unknown as long as they may decide."""
    parts = [field("size") >= 10, field("city") == "Kiel", count("call") >= 1]
    for number in (1, 2, 3):
        own = points(rules=[FieldRule(name="fits", when=at_least(number, *parts), points=7, otherwise=2)])
        playbook = book(own)
        ada = called("ada", playbook, 1)
        for name, value in (("size", size), ("city", city)):
            ada = ada if value is None else ada.record(FieldChanged(name=name, value=value, at=AT + timedelta(hours=2)))
        come = score_leads(ada, playbook, "own", at=LATER)
        assert come.ways == {"own": "sql"}
        assert values(come)["ada", "own"] == ada.score("own", at=LATER).micropoints
