"""Scores for data frames: the same kind is returned, no row is lost, and faults are collected."""

import math
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlife import Activity, FieldSpec, Journey, Lead, Malformed, Playbook, days
from leadlife.criteria import field, it
from leadlife.errors import UnknownName
from leadlife.frames import closed_leads, fields_of, score_frame
from leadlife.playbook import FieldType
from leadlife.presets import eight_stage
from leadlife.scoring import ActivityRule, ClosedLead, CustomPolicy, FieldRule, Gated, PerLeadType, Points

T = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
ENGAGEMENT = Points(
    name="engagement",
    rules=(
        ActivityRule(name="demo", kinds=("form",), where={"form": it == "demo"}, points=25),
        ActivityRule(name="pages", kinds=("page_view",), points=4, window=days(30)),
        FieldRule(name="size", when=field("employees") >= 50, points=10),
    ),
    bands={"cold": 0, "warm": 30},
    cap=35,
)
BOOK = (
    eight_stage()
    .with_fields(
        employees=FieldSpec(type=FieldType.INTEGER),
        city=FieldSpec(),
        since=FieldSpec(type=FieldType.DATE),
        paying=FieldSpec(type=FieldType.BOOLEAN),
    )
    .with_score(ENGAGEMENT)
)
UNSCORED = Playbook(id="unscored", lifecycle={"stages": [{"id": "a"}], "transitions": []})
LEADS = {
    "id": ["ada", "bo", "cy"],
    "employees": [80, None, 10],
    "note": ["passed on", "", "too"],
}
ACTIVITIES = {
    "lead": ["ada", "ada", "bo", "bo", "cy"],
    "kind": ["form", "page_view", "page_view", "page_view", "form"],
    "at": [T - DAY, T - 2 * DAY, T - 40 * DAY, T + DAY, T - DAY],
    "form": ["demo", None, None, None, "newsletter"],
}
KINDS = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "polars lazy": pl.LazyFrame,
    "pyarrow": pa.table,
}


def values_of(frame, column):
    if isinstance(frame, pl.LazyFrame):
        frame = frame.collect()
    values = frame[column].to_pylist() if isinstance(frame, pa.Table) else list(frame[column])
    return [None if isinstance(value, float) and math.isnan(value) else value for value in values]


@pytest.mark.parametrize("kind", KINDS)
def test_any_frame_in_the_same_kind_out(kind):
    leads, activities = KINDS[kind](LEADS), KINDS[kind](ACTIVITIES)
    scored = score_frame(BOOK, leads, activities, at=T)
    assert type(scored) is type(leads)
    assert values_of(scored, "id") == ["ada", "bo", "cy"]
    assert values_of(scored, "note") == LEADS["note"]
    assert values_of(scored, "engagement") == [35, 0, 0]
    assert values_of(scored, "engagement_band") == ["warm", "cold", "cold"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_ledger_columns_add_up(kind):
    scored = score_frame(BOOK, KINDS[kind](LEADS), KINDS[kind](ACTIVITIES), at=T, ledger=True)
    rules = ["demo", "pages", "size", "cap of total"]
    lines = [values_of(scored, f"engagement: {rule}") for rule in rules]
    assert lines[0] == [25, 0, 0]
    assert lines[3] == [-4, 0, 0]
    assert [sum(each) for each in zip(*lines, strict=True)] == values_of(scored, "engagement")
    assert values_of(scored, "engagement_why") == [None] * 3


PEOPLE = st.lists(
    st.tuples(st.sampled_from([None, 10, 60]), st.lists(st.tuples(st.sampled_from(["form", "page_view"]), st.integers(-50, 5)), max_size=4)),
    max_size=5,
)  # fmt: skip


@given(PEOPLE)
def test_a_frame_scores_as_the_policy_does(people):
    leads = pl.DataFrame(
        {"id": [str(number) for number in range(len(people))], "employees": [size for size, _ in people]},
        schema={"id": pl.String, "employees": pl.Int64},
    )
    rows = [(str(place), kind, T + day * DAY, "demo") for place, (_, done) in enumerate(people) for kind, day in done]
    schema = {"lead": pl.String, "kind": pl.String, "at": pl.Datetime("us", "UTC"), "form": pl.String}
    scored = score_frame(BOOK, leads, pl.DataFrame(rows, schema=schema, orient="row"), at=T, progress=False)
    for place, (size, done) in enumerate(people):
        lead = Lead(id="x", fields={} if size is None else {"employees": size})
        seen = [Activity(kind=kind, at=T + day * DAY, attributes={"form": "demo"}) for kind, day in done]
        score = ENGAGEMENT.score(lead, seen, at=T)
        assert (scored["engagement"][place], scored["engagement_band"][place]) == (score.value, score.band)


def test_a_frame_scores_as_a_journey_does():
    ada = Journey.start(Lead(id="ada", fields={"employees": 80}), BOOK, stage="name", at=T - 3 * DAY)
    [value] = score_frame(BOOK, pd.DataFrame({"id": ["ada"], "employees": [80]}), at=T)["engagement"]
    assert value == ada.score("engagement", at=T).value


def test_the_index_of_a_pandas_frame_is_kept():
    leads = pd.DataFrame(LEADS, index=[7, 3, 7])
    scored = score_frame(BOOK, leads, pd.DataFrame(ACTIVITIES), at=T)
    assert list(scored.index) == [7, 3, 7]
    assert list(scored["engagement"]) == [35, 0, 0]
    assert list(leads.columns) == list(LEADS)


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame, pa.table])
def test_one_bad_cell_takes_no_number_from_the_others(kind):
    faults = []
    leads = kind({"id": ["a", "b", "c", "d", "e"], "employees": ["80", "abc", " 7", "1,234", "2.5"]})
    scored = score_frame(BOOK, leads, at=T, faults=faults)
    assert values_of(scored, "engagement") == [10, None, 0, None, None]
    assert [(one.row, one.reason) for one in faults] == [
        (place, "field 'employees' must be an integer") for place in (1, 3, 4)
    ]


@pytest.mark.parametrize("values", [[True, False], [True, None]])
def test_truths_are_no_numbers(values):
    faults = []
    scored = score_frame(BOOK, pd.DataFrame({"id": ["a", "b"], "employees": values}), at=T, faults=faults)
    assert values_of(scored, "engagement")[0] is None
    assert {one.reason for one in faults} == {"field 'employees' must be an integer"}


def test_dates_in_a_column_of_objects_are_dates():
    column = pd.DataFrame({"renewal": [date(2026, 3, 10), None, date(2026, 4, 1)], "mixed": [date(2026, 3, 10), 7, 8]})
    assert {name: str(spec.type) for name, spec in fields_of(column).items()} == {"renewal": "date", "mixed": "text"}


def test_a_row_that_cannot_be_read_keeps_its_place_and_is_a_fault():
    leads = pd.DataFrame({
        "id": ["ada", None, "ada", "dee", "eve"],
        "employees": [80, 1, 2, 2.5, math.nan],
    })  # fmt: skip
    activities = pd.DataFrame({
        "lead": ["ada", "nobody", "eve", "eve", "eve", None],
        "kind": ["form", "form", "from", None, "form", "form"],
        "at": [T, T, T, T, None, T],
        "form": ["demo"] * 6,
    })  # fmt: skip
    faults = []
    scored = score_frame(BOOK, leads, activities, at=T, faults=faults)
    assert values_of(scored, "engagement") == [35, None, None, None, 0]
    assert values_of(scored, "engagement_band") == ["warm", None, None, None, "cold"]
    assert [str(fault) for fault in faults] == [
        "leads, row 1, column 'id': the id is blank",
        "leads, row 2, column 'id': this id is already on row 0",
        "leads, row 3, column 'employees': field 'employees' must be an integer",
        "activities, row 1, column 'lead': no lead of this id could be read",
        "activities, row 2, column 'kind': activity 'from' is not declared",
        "activities, row 3, column 'kind': the kind is blank",
        "activities, row 4, column 'at': the instant is blank",
        "activities, row 5, column 'lead': the id is blank",
    ]
    with pytest.warns(UserWarning, match=r"8 rows or columns need a look; first: leads, row 1"):
        score_frame(BOOK, leads, activities, at=T)


def test_a_field_that_the_frame_lacks_is_a_fault():
    faults = []
    scored = score_frame(BOOK, pd.DataFrame({"id": ["ada"], "employes": [80]}), at=T, faults=faults)
    assert values_of(scored, "engagement") == [0]
    [fault] = faults
    assert (fault.row, fault.column) == (None, "employees")
    assert "did you mean 'employes'?" in fault.reason
    with pytest.warns(UserWarning, match="1 row or column needs a look"):
        score_frame(BOOK, pd.DataFrame({"id": ["ada"]}), at=T)


def test_a_policy_that_fails_is_a_fault_of_the_row():
    def moody(lead, activities, at):
        if lead.id == "bo":
            raise RuntimeError("not today")
        return 7

    book = BOOK.with_score(CustomPolicy.of(moody))
    faults = []
    scored = score_frame(book, pl.DataFrame(LEADS), pl.DataFrame(ACTIVITIES), at=T, faults=faults)
    assert values_of(scored, "moody") == [7, None, 7]
    assert values_of(scored, "engagement") == [35, 0, 0]
    assert [(fault.row, "score 'moody'" in fault.reason) for fault in faults] == [(1, True)]
    assert "moody_band" not in scored.columns


def test_the_reason_for_no_score_has_its_own_column():
    gated = Gated(name="gated", of=ENGAGEMENT, when=field("employees") >= 50)
    scored = score_frame(BOOK.with_score(gated), pl.DataFrame(LEADS), at=T, scores="gated", ledger=True)
    assert "engagement" not in scored.columns
    assert [why is None for why in scored["gated_why"]] == [value is not None for value in scored["gated"]]


def test_ids_are_compared_as_text():
    leads = pd.DataFrame({"id": [7, 8], "employees": [80, 10]})
    done = pd.DataFrame({"lead": [7.0, math.nan, 8.0], "kind": ["form"] * 3, "at": [T] * 3, "form": ["demo"] * 3})
    faults = []
    assert values_of(score_frame(BOOK, leads, done, at=T, faults=faults), "engagement") == [35, 25]
    assert len(faults) == 1
    odd = pd.DataFrame({"id": [True, 1.5], "employees": [1, 1]})
    score_frame(BOOK, odd, at=T, faults=faults)
    assert [fault.reason for fault in faults[1:]] == ["an id must be text or a whole number"] * 2


@pytest.mark.parametrize(
    "when",
    [
        ["2026-03-01T09:00:00+00:00", "2026-03-01"],
        [datetime(2026, 3, 1, 9), datetime(2026, 3, 1)],  # wall times, in the playbook's zone
        [date(2026, 3, 1)] * 2,
        pd.to_datetime(["2026-03-01T09:00", "2026-03-01T00:00:00.000000001"], format="ISO8601"),
        np.array(["2026-03-01T09:00", "2026-03-01"], dtype="datetime64[ns]"),
    ],
)
def test_instants_may_be_written_in_many_ways(when):
    done = pd.DataFrame({"lead": ["ada", "ada"], "kind": ["page_view"] * 2, "at": when})
    assert values_of(score_frame(BOOK, pd.DataFrame(LEADS), done, at=T), "engagement")[0] == 18


def test_wall_times_are_read_in_the_zone_that_is_named():
    done = pl.DataFrame({"lead": ["ada"], "kind": ["page_view"], "at": [datetime(2026, 3, 2, 10)]})
    assert values_of(score_frame(BOOK, pl.DataFrame(LEADS), done, at=T), "engagement")[0] == 10
    assert values_of(score_frame(BOOK, pl.DataFrame(LEADS), done, at=T, zone="Europe/Madrid"), "engagement")[0] == 14
    faults = []
    wrong = pl.DataFrame({"lead": ["ada"], "kind": ["page_view"], "at": ["yesterday"]})
    score_frame(BOOK, pl.DataFrame(LEADS), wrong, at=T, faults=faults)
    assert [fault.reason for fault in faults] == ["text for an instant must be ISO 8601"]
    first = pl.DataFrame({"lead": ["ada"], "kind": ["page_view"], "at": [datetime(1, 1, 1)]})
    score_frame(BOOK, pl.DataFrame(LEADS), first, at=T, faults=faults, zone="Asia/Tokyo")
    assert "the years 1678 to 2261" in faults[-1].reason


def test_cells_of_every_type_are_read():
    leads = pd.DataFrame({
        "id": ["ada", "bo"],
        "employees": pd.array([80, pd.NA], dtype="Int64"),
        "city": pd.Categorical(["Porto", None]),
        "since": pd.to_datetime(["2025-01-01", None]),
        "paying": pd.array([True, None], dtype="boolean"),
        "identified": [True, False],
        "channel": ["referral", None],
    })  # fmt: skip
    seen = {}

    def note(lead, activities, at):
        seen[lead.id] = lead, activities
        return 1

    done = pl.DataFrame(
        {"lead": ["ada"], "kind": ["call"], "at": [T], "id": ["c1"], "on": [date(2026, 1, 1)], "n": [2]}
    )
    score_frame(BOOK.with_score(CustomPolicy.of(note)), leads, done, at=T)
    ada, activities = seen["ada"]
    assert ada.fields == {"employees": 80, "city": "Porto", "since": "2025-01-01", "paying": True}
    assert (ada.identified, ada.source.lead_type) == (True, "referral")
    assert (seen["bo"][0].fields, seen["bo"][0].source, seen["bo"][0].identified) == ({}, None, False)
    assert activities[0] == Activity(id="c1", kind="call", at=T, attributes={"on": "2026-01-01", "n": 2})


def test_numbers_of_every_make_are_read():
    book = BOOK.with_fields(price=FieldSpec(type=FieldType.NUMBER))
    seen = {}

    def note(lead, activities, at):
        seen[lead.id] = lead.fields
        return 1

    book = book.with_score(CustomPolicy.of(note))
    prices = [
        pl.Series([1.5, math.nan]),
        pl.Series([Decimal("1.5"), None]),
        pd.Series([np.float64(1.5), None], dtype=object),
    ]
    for price in prices:
        frame = (pl if isinstance(price, pl.Series) else pd).DataFrame({"id": ["ada", "bo"], "price": price})
        score_frame(book, frame, at=T, scores="note")
        assert seen == {"ada": {"price": 1.5}, "bo": {}}


def test_an_invalid_source_is_a_fault():
    faults = []
    leads = pl.DataFrame({"id": ["ada", "bo"], "employees": [1, 2], "lead_type": ["hunted", "seeds"]})
    book = BOOK.with_score(PerLeadType(name="kind", cases={"cultivated": ENGAGEMENT}))
    assert values_of(score_frame(book, leads, at=T, faults=faults), "kind") == [None, 0]
    assert [fault.row for fault in faults] == [0]


def test_progress_is_shown_after_a_while(monkeypatch, capsys):

    monkeypatch.setattr("leadlife.frames.scoring.SHOWN_AFTER", 0.0)
    score_frame(BOOK, pl.DataFrame(LEADS), at=T)
    assert "scoring: 100%" in capsys.readouterr().err
    score_frame(BOOK, pl.DataFrame(LEADS), at=T, progress=False)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda: score_frame(BOOK, [1, 2], at=T), "the leads must be a data frame"),
        (lambda: score_frame(BOOK, pl.DataFrame(LEADS), "rows", at=T), "the activities must be a data frame"),
        (lambda: score_frame(BOOK, pl.DataFrame({"ids": ["a"]}), at=T), r"there is no column 'id' \(did you mean 'ids'"),
        (lambda: score_frame(BOOK, pl.DataFrame(LEADS), pl.DataFrame({"lead": ["a"]}), at=T), "no column 'kind'"),
        (lambda: score_frame(BOOK, pd.DataFrame([[1, 2, 3]], columns=["id", "n", "n"]), at=T), "two columns of the leads have the same name"),
        (lambda: score_frame(BOOK, pd.DataFrame([[1, 2]], columns=["id", 5]), at=T), "must have text names"),
        (lambda: score_frame(UNSCORED, pl.DataFrame(LEADS), at=T), "no policy to score with"),
        (lambda: score_frame(ENGAGEMENT, pl.DataFrame(LEADS), at=T), "score_frame needs a playbook"),
        (lambda: score_frame(BOOK, pl.DataFrame(LEADS), at="now"), "an instant must be an aware datetime"),
        (lambda: score_frame(BOOK, pl.DataFrame({**LEADS, "engagement": [1] * 3}), at=T), "already have a column 'engagement'"),
    ],
)  # fmt: skip
def test_arguments_that_cannot_be_used_are_refused(broken, message):
    with pytest.raises(Malformed, match=message):
        broken()


def test_an_unknown_policy_is_refused():
    with pytest.raises(UnknownName):
        score_frame(BOOK, pl.DataFrame(LEADS), at=T, scores=["enggagement"])


def test_fields_are_made_from_a_frame():
    frame = pl.DataFrame({"n": [1], "x": [1.5], "yes": [True], "day": [date(2026, 1, 1)], "text": ["a"]})
    kinds = {name: spec.type.value for name, spec in fields_of(frame).items()}
    assert kinds == {"n": "integer", "x": "number", "yes": "boolean", "day": "date", "text": "text"}
    assert set(fields_of(frame, "x")) == {"x"}
    with pytest.raises(Malformed, match="no column 'y'"):
        fields_of(frame, "y")


CLOSED = {
    "won": [1, 0, None, 2, 1],
    "end": [T, T, T, T, None],
    "begun": [T - DAY, None, T, T, T],
    "crew": ["north", None, None, None, None],
    "city": ["Porto", "", "Lima", "Oslo", "Rome"],
    "stood": ["sold", "offer", None, None, None],
}


def test_closed_leads_are_read_and_open_ones_skipped():
    faults = []
    found = closed_leads(
        pl.DataFrame(CLOSED), won="won", closed="end", made="begun", team="crew", stage="stood", fields=["city"], faults=faults
    )  # fmt: skip
    assert found == [
        ClosedLead(won=True, closed=T, made=T - DAY, team="north", stage="sold", values={"city": "Porto"}),
        ClosedLead(won=False, closed=T, stage="offer", values={"city": None}),
    ]
    assert [(fault.row, fault.reason) for fault in faults] == [
        (3, "an outcome must be True or False, 1 or 0"),
        (4, "the instant is blank"),
    ]
    at_once = closed_leads(pd.DataFrame(CLOSED).head(3), won="won", closed=T, fields="city")
    assert [lead.won for lead in at_once] == [True, False]
    with pytest.raises(Malformed, match="no column 'gone'"):
        closed_leads(pl.DataFrame(CLOSED), won="won", closed="gone", fields=[])
    with pytest.raises(Malformed, match="has a name that cannot be used"):
        closed_leads(pl.DataFrame({**CLOSED, "?": ["x"] * 5}), won="won", closed="end", fields=["?"])


def test_without_the_extra_the_error_names_it():
    for missing in ("narwhals", "tqdm"):
        code = (
            f"import sys; sys.modules[{missing!r}] = None\n"
            "from leadlife.errors import MissingExtra\n"
            "try:\n    import leadlife.frames\nexcept MissingExtra as error:\n    print(error, error.hint)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert f"leadlife.frames needs {missing}" in done.stdout
        assert "leadlife[frames]" in done.stdout
    broken = "import sys; sys.modules['leadlife.frames.learning'] = None; import leadlife.frames"
    done = subprocess.run([sys.executable, "-c", broken], capture_output=True, text=True)
    assert "ModuleNotFoundError" in done.stderr.splitlines()[-1]


def test_a_cell_that_is_no_attribute_is_a_fault_and_the_others_are_kept():
    from leadlife import ActivityKind
    from leadlife.criteria import count
    from leadlife.scoring import ActivityRule, Points

    kinds = {"form": ActivityKind(), "trial": ActivityKind(attributes={"seats": "integer", "E-Mail*": "text"})}
    policy = Points(
        name="p",
        rules=[
            ActivityRule(name="r", kinds="trial", points=5, where={"E-Mail*": "a"}),
            ActivityRule(name="f", kinds="form", points=3, where={"How many?": 5}),
        ],
    )
    book = BOOK.with_activity_kinds(**kinds).with_score(policy)
    activities = pl.DataFrame({
        "lead": ["ada", "ada", "ada"], "kind": ["form", "trial", "trial"], "at": [T] * 3,
        "How many?": [5, None, None], "E-Mail*": [None, "a", "a"], "seats": [None, "five", None], "odd\nname": [None, None, "x"],
    })  # fmt: skip
    faults = []
    scored = score_frame(book, pl.DataFrame({"id": ["ada"]}), activities, at=T, scores="p", faults=faults)
    assert scored["p"].to_list() == [13.0]
    assert [(one.row, one.column, one.reason) for one in faults] == [
        (1, "seats", "attribute 'seats' must be an integer"),
        (2, "odd\nname", "cannot be an attribute: a name or a value is not plain text or a number"),
    ]
    assert not book.faults_in(count("trial", seats=5) >= 1)
