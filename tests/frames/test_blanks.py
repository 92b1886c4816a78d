"""Values that mean "not answered" are declared once, wherever a table is read or learned from, and suspected."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

import numpy as np
import pandas as pd
import polars as pl
import pytest

from leadlife import FieldSpec, Malformed
from leadlife.criteria import field
from leadlife.evaluation import leaks, profile
from leadlife.frames import closed_leads, fields_of, score_frame
from leadlife.io import load_mapping, read_export
from leadlife.presets import eight_stage
from leadlife.scoring import FieldRule, NaiveBayes, Points, WinTable

T = datetime(2026, 1, 1, tzinfo=UTC)
ANSWERS = ["web", "Select", "unknown ", "NULL", "", "  ", None, "fair"]
AGES = [30, 999, -1, 40, 50, None, 999, 20]
BLANKS = ["select", "unknown", "NULL", 999, "-1"]


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize("blanks", [BLANKS, {"channel": BLANKS, "age": [-1, 999.0]}])
def test_closed_leads_know_a_blank_whatever_stands_for_it(make, blanks):
    frame = make({"won": [1, 0] * 4, "channel": ANSWERS, "age": AGES})
    leads = closed_leads(frame, won="won", closed=T, fields=["channel", "age"], blanks=blanks)
    assert [dict(lead.values)["channel"] for lead in leads] == ["web", *[None] * 6, "fair"]
    assert [dict(lead.values)["age"] for lead in leads] == [30, None, None, 40, 50, None, None, 20]


def test_a_blank_by_column_is_a_value_elsewhere():
    frame = pd.DataFrame({"won": [1, 0], "balance": [-1, 5], "age": [-1, 30]})
    first, _ = closed_leads(frame, won="won", closed=T, fields=["balance", "age"], blanks={"age": [-1]})
    assert dict(first.values) == {"balance": -1, "age": None}


def test_an_outcome_that_is_not_known_is_an_open_lead():
    frame = pd.DataFrame({"won": [1, 0, -1, 9], "age": [1, 2, 3, 4]})
    assert len(closed_leads(frame, won="won", closed=T, fields=["age"], blanks={"won": [-1, 9]})) == 2


def test_scoring_knows_the_same_blanks():
    frame = pd.DataFrame({"id": ["a", "b", "c"], "channel": ["web", "Select", None], "age": [30, 999, None]})
    fields = fields_of(frame, "channel", "age", blanks=BLANKS)
    assert (fields["channel"].type, fields["age"].type) == ("text", "integer")
    known = closed_leads(
        pd.DataFrame({"won": [1, 0] * 20, "channel": ["web", "fair"] * 20, "age": [30, 60] * 20}),
        won="won",
        closed=T,
        fields=["channel", "age"],
    )
    table = WinTable(at=T, stages=("new",), fields=("channel", "age")).rebuilt(known, at=T)
    book = eight_stage().with_fields(**fields).with_score(NaiveBayes(name="win", table=table))
    scored = score_frame(book, frame, at=T, scores="win", blanks=BLANKS, faults=[])["win"].to_list()
    assert scored[1] == scored[2] != scored[0]


def test_the_type_of_a_column_is_that_of_its_answers():
    mixed = pd.DataFrame(
        {"age": pd.Series([30, "unknown", 40], dtype="object"), "ok": [True, None, False], "x": [None] * 3}
    )
    assert fields_of(mixed)["age"].type == "text"
    found = fields_of(mixed, blanks=["unknown"])
    assert [found[name].type for name in ("age", "ok", "x")] == ["integer", "boolean", "text"]
    halves = pd.DataFrame(
        {"age": pd.Series([30.5, "unknown"], dtype="object"), "size": [1.0, np.nan], "rate": [1.0, 2.0]}
    )
    found = fields_of(halves, blanks=["unknown"])
    assert [found[name].type for name in ("age", "size", "rate")] == ["number", "integer", "number"]


def test_an_export_knows_them_for_every_table_and_for_one(tmp_path):
    (tmp_path / "leads.csv").write_text("id,created,channel,size\na,2026-01-02,Select,-1\nb,2026-01-03,fair,n/a\n")
    (tmp_path / "shop.toml").write_text(
        'id = "shop"\nzone = "UTC"\npreset = "eight_stage"\nblanks = ["select", -1]\n'
        '[[tables]]\nfile = "leads.csv"\nlead = "id"\nblanks = ["N/A"]\n[tables.entry]\ncolumn = "created"\nformat = "iso"\n'
        '[tables.source]\nchannel = "channel"\n[tables.attributes]\nsize = "size"\n'
    )
    export = read_export(load_mapping(tmp_path / "shop.toml"), tmp_path)
    a, b = export.journeys
    assert (a.source, b.source.channel) == (None, "fair")
    assert [dict(one.lead.fields) for one in (a, b)] == [{}, {}]


@pytest.mark.parametrize("broken", ["unknown", 3, {"age": "unknown"}, {"age": 3}])
def test_blanks_that_are_no_list_are_refused(broken):
    with pytest.raises(Malformed, match="blanks must be a list of values"):
        closed_leads(pd.DataFrame({"won": [1], "age": [2]}), won="won", closed=T, fields=["age"], blanks=broken)


def test_a_number_that_stands_apart_is_suspected():
    random = Random(3)
    ages = [random.randrange(18, 80) for _ in range(200)]
    columns = {
        "age": [*ages, *[999] * 7],
        "visits": [*(random.randrange(9) for _ in range(200)), *[-1] * 7],
        "plain": [*ages, *ages[:7]],
        "long tail": [round(random.lognormvariate(3, 1)) for _ in range(207)],
        "one giant": [*ages, *ages[:6], 5_000],
        "balance": [random.randrange(-50, 50) for _ in range(207)],
        "two": [0, 1] * 103 + [1],
        "zeros": [0] * 190 + [1, 2, 3, 4, 5] * 3 + [9, 9],
        "flag": [True, False] * 103 + [True],
    }
    found = {one.column: one.sentinels for one in profile(columns)}
    assert found.pop("age") == ((999, 7),)
    assert found.pop("visits") == ((-1, 7),)
    assert set(found.values()) == {()}
    declared = {one.column: one.sentinels for one in profile(columns, blanks={"age": [999], "visits": [-1]})}
    assert set(declared.values()) == {()}
    assert not {one.column: one.numeric for one in profile(columns)}["flag"]


def test_leaks_look_past_declared_blanks():
    outcomes = [1, 0] * 100
    code = ["x" if won else "Select" for won in outcomes]
    assert [one.sign for one in leaks(outcomes, {"code": code}, blanks=["select"])] == ["filled_for_won"]


def test_outcomes_in_words_say_what_to_pass():
    frame = pd.DataFrame({"outcome": ["yes", "no", None], "age": [1, 2, 3]})
    with pytest.raises(
        Malformed, match=r"outcomes in column 'outcome' are words: 'no', 'yes' .*frame\['outcome'\] == 'yes'"
    ):
        closed_leads(frame, won="outcome", closed=T, fields=["age"])
    with pytest.raises(Malformed, match=r"frame\['outcome'\] == 'won'"):
        closed_leads(frame.replace({"yes": "gewonnen"}), won="outcome", closed=T, fields=["age"])


def test_what_is_declared_for_every_column_is_no_outcome_no_id_and_no_date():
    frame = pd.DataFrame({"won": [1, 0, 0, 1], "visits": [0, 5, 3, 0], "id": ["0", "1", "2", "3"]})
    leads = closed_leads(frame, won="won", closed=T, fields="visits", blanks=[0])
    assert [(lead.won, dict(lead.values)["visits"]) for lead in leads] == [
        (True, None),
        (False, 5),
        (False, 3),
        (True, None),
    ]
    book = (
        eight_stage()
        .with_fields(**fields_of(frame, "visits"))
        .with_score(Points(name="p", rules=[FieldRule(name="r", when=field("visits").known(), points=1)]))
    )
    assert score_frame(book, frame, at=T, scores="p", blanks=[0])["p"].to_list() == [0, 1, 1, 0]


def test_blanks_that_can_be_read_once_serve_every_column():
    columns = {"a": ["unknown", "x"], "b": ["unknown", "x"]}
    assert [one.filled for one in profile(columns, blanks=map(str, ["unknown"]))] == [0.5, 0.5]
    frame = pd.DataFrame({"won": [1, 0], "a": [-1, 2], "b": [-1, 2]})
    first, _ = closed_leads(frame, won="won", closed=T, fields=["a", "b"], blanks=(one for one in [-1]))
    assert dict(first.values) == {"a": None, "b": None}


def test_a_column_that_is_not_there_is_told():
    frame = pd.DataFrame({"won": [1], "age": [2]})
    with pytest.raises(Malformed, match="a column 'agee', which is not there .did you mean 'age'"):
        closed_leads(frame, won="won", closed=T, fields=["age"], blanks={"agee": [-1]})
    with pytest.raises(Malformed, match="'agee'"):
        leaks([1, 0], {"age": [1, 2]}, blanks={"agee": [-1]})


@pytest.mark.parametrize("spelt", ["-1", "-1.0", " -1 ", -1, -1.0, np.int64(-1)])
def test_a_number_is_blank_however_it_is_spelt(spelt):
    assert profile({"a": [spelt, "5"]}, blanks=[-1])[0].filled == 0.5


def test_categories_and_mixed_objects_have_the_type_of_their_values():
    frame = pd.DataFrame(
        {
            "n": pd.Series([1, 2, 1], dtype="category"),
            "b": pd.Series([True, False, True], dtype="category"),
            "m": pd.Series([True, 1, 0.0], dtype="object"),
            "t": pd.Series(["a", "b", "a"], dtype="category"),
        }
    )
    kinds = {name: str(spec.type) for name, spec in fields_of(frame).items()}
    assert kinds == {"n": "integer", "b": "boolean", "m": "integer", "t": "text"}
    book = (
        eight_stage()
        .with_fields(**fields_of(frame))
        .with_score(
            Points(
                name="p",
                rules=[
                    FieldRule(name="r", when=field("m") == 1, points=1),
                    FieldRule(name="s", when=field("n") == 2, points=10),
                ],
            )
        )
    )
    faults = []
    assert score_frame(book, frame.assign(id=["x", "y", "z"]), at=T, scores="p", faults=faults)["p"].to_list() == [
        1,
        11,
        0,
    ]
    assert faults == []


def test_instants_in_any_column_type_serve_the_search_for_leaks():
    c, now = {"a": [1, 2, 3, 4]}, [pd.Timestamp(T)] * 4
    for closed in (pd.Series(now), np.array(now), tuple(now)):
        assert (
            leaks([1, 0, 1, 0], c, closed=closed, filled={"a": [pd.Timestamp(T), None, pd.NaT, pd.Timestamp(T)]}) == ()
        )
    assert leaks([1, 0, 1, 0], c, filled=pd.DataFrame({"a": now}), closed=now) == ()
    with pytest.raises(Malformed, match="filled must be a mapping"):
        leaks([1, 0, 1, 0], c, filled=[1], closed=now)


def test_a_signalling_nan_is_blank():
    assert profile({"a": [Decimal("sNaN"), 1]})[0].filled == 0.5


def test_a_policy_that_answers_for_nobody_is_told():
    known = closed_leads(pd.DataFrame({"won": [1, 0] * 20, "a": [1, 2] * 20}), won="won", closed=T, fields=["a"])
    table = WinTable(at=T, stages=("new",), fields=("a",)).rebuilt(known, at=T)
    book = eight_stage().with_fields(a=FieldSpec(type="integer")).with_score(NaiveBayes(name="win", table=table))
    faults = []
    before = score_frame(
        book, pd.DataFrame({"id": ["x"], "a": [1]}), at=T - timedelta(days=1), scores="win", faults=faults
    )
    assert before["win"].isna().all()
    assert "no lead has a score: the table has learned from outcomes after this instant" in str(faults[0])


def test_one_argument_that_is_wrong_is_one_error_and_dates_are_dates():
    frame = pd.DataFrame(
        {
            "won": [1, 0],
            "d": pd.to_datetime(["2026-01-01", "2026-02-01"]),
            "t": pd.to_datetime(["2026-01-01 10:00", "2026-02-01 00:00"]),
        }
    )
    with pytest.raises(Malformed, match="time zone"):
        closed_leads(frame, won="won", closed=datetime(2026, 1, 1), fields=["d"])
    assert {name: str(spec.type) for name, spec in fields_of(frame, "d", "t").items()} == {"d": "date", "t": "text"}


def test_a_column_of_days_says_when_leads_were_closed():
    frame = pd.DataFrame({"size": [1, 2], "won": [1, 0], "closed": [date(2026, 1, 1), date(2026, 2, 1)]})
    leads = closed_leads(frame, won="won", closed="closed", fields=["size"], zone="Europe/Berlin")
    assert [lead.closed for lead in leads] == [
        datetime(2025, 12, 31, 23, tzinfo=UTC),
        datetime(2026, 1, 31, 23, tzinfo=UTC),
    ]
