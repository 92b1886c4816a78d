"""A number is one value, however it is spelt: integer, float, decimal, NumPy scalar, or what a frame made of it."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest

from leadlife import ActivityRecorded, FieldChanged, FieldSpec, Journey, Lead, Malformed
from leadlife.criteria import count, field
from leadlife.errors import InvalidDefinition
from leadlife.frames import closed_leads, fields_of, score_frame
from leadlife.presets import eight_stage
from leadlife.scoring import CalibratedBayes, ClosedLead, NaiveBayes, WinTable

T = datetime(2026, 1, 1, tzinfo=UTC)
ONES = [1, 1.0, Decimal(1), Decimal("1.00"), np.int64(1), np.int8(1), np.float32(1), np.float64(1)]
HALVES = [0.5, Decimal("0.50"), np.float32(0.5), np.float64(0.5)]
BOOK = eight_stage().with_fields(
    seats=FieldSpec(type="integer"), share=FieldSpec(type="number"), ok=FieldSpec(type="boolean")
)


@pytest.mark.parametrize("one", ONES, ids=repr)
def test_a_whole_number_is_stored_and_compared_as_one_value(one):
    lead = Lead(id="ada", fields={"seats": one})
    assert (lead.fields["seats"], type(lead.fields["seats"])) == (1, int)
    assert json.loads(lead.model_dump_json())["fields"] == {"seats": 1}
    assert Lead.model_validate_json('{"id": "ada", "fields": {"seats": 1.0}}') == lead
    assert (field("seats") == one) == (field("seats") == 1)
    journey = Journey.start(lead, BOOK, stage="name", at=T)
    ids = [journey.record(FieldChanged(name="seats", value=value, at=T)).log[-1].fact.id for value in (one, 1)]
    assert ids[0] == ids[1]
    assert journey.verdict(field("seats") == one, at=T).value is True
    assert journey.verdict(field("seats").between(one, 5), at=T).value is True
    assert journey.verdict(field("seats").one_of(one, 7), at=T).value is True
    seen = journey.record(ActivityRecorded(kind="page_view", attributes={"n": one}, at=T))
    assert seen.verdict(count("page_view", where={"n": one}) >= one, at=T).value is True


@pytest.mark.parametrize("half", HALVES, ids=repr)
def test_a_fraction_too(half):
    lead = Lead(id="ada", fields={"share": half})
    assert (lead.fields["share"], type(lead.fields["share"])) == (0.5, float)


@pytest.mark.parametrize("yes", [True, np.bool_(True)], ids=repr)
def test_yes_of_numpy_is_yes_and_no_number(yes):
    lead = Lead(id="ada", fields={"ok": yes})
    assert lead.fields["ok"] is True
    assert Journey.start(lead, BOOK, stage="name", at=T).verdict(field("ok") == True, at=T).value is True  # noqa: E712


def test_whole_numbers_that_a_float_cannot_tell_apart_are_left_alone():
    assert Lead(id="a", fields={"x": 2.0**60}).fields["x"] == 2.0**60
    assert Lead(id="a", fields={"x": np.int64(2**60 + 1)}).fields["x"] == 2**60 + 1
    assert Lead(id="a", fields={"x": Decimal(2**60 + 1)}).fields["x"] == 2**60 + 1


@pytest.mark.parametrize("odd", [Decimal("NaN"), Decimal("Infinity"), np.float64("nan"), Decimal(10) ** 30])
def test_what_is_no_number_of_64_bits_is_refused(odd):
    with pytest.raises(Malformed):
        Lead(id="a", fields={"x": odd})


def test_choices_may_be_numbers_and_a_number_of_another_spelling_is_one_of_them():
    book = eight_stage().with_fields(tier=FieldSpec(type="integer", choices=[1, 2.0, Decimal(3)]))
    assert book.fields["tier"].choices == (1, 2, 3)
    for one in ONES:
        book.fits("tier", one)
    with pytest.raises(Malformed, match="must be one of: 1, 2, 3"):
        book.fits("tier", 4)
    with pytest.raises(InvalidDefinition, match="the choice 'a' is not an integer"):
        FieldSpec(type="integer", choices=["a"])
    with pytest.raises(InvalidDefinition, match="the choice True is not an integer"):
        FieldSpec(type="integer", choices=[True])


VALUES = [1 + number % 3 for number in range(400)]
WON = [number % 3 == 0 or number % 7 == 0 for number in range(400)]


def frame(make, values):
    return make({"id": [str(number) for number in range(len(values))], "won": WON[: len(values)], "size": values})


@pytest.mark.parametrize("kind", ["naive", "calibrated"])
@pytest.mark.parametrize(
    "blank_then",
    [
        lambda values: pd.DataFrame({"size": [None, *values]}),
        lambda values: pl.DataFrame({"size": [None, *map(float, values)]}),
        lambda values: pd.DataFrame({"size": pd.Series([None, *values], dtype="Int64")}),
        lambda values: pd.DataFrame({"size": pd.Series([None, *map(Decimal, values)], dtype="object")}),
    ],
)
def test_one_blank_in_a_column_of_whole_numbers_changes_no_score(kind, blank_then):
    known = closed_leads(frame(pd.DataFrame, VALUES), won="won", closed=T, fields=["size"])
    table = WinTable(at=T, stages=("new",), fields=("size",))
    policy = (
        NaiveBayes(name="win", table=table.rebuilt(known, at=T))
        if kind == "naive"
        else CalibratedBayes.learned(known, table=table, at=T, name="win")
    )
    full = frame(pd.DataFrame, VALUES[:9])
    book = eight_stage().with_fields(**fields_of(full, "size")).with_score(policy)
    whole = score_frame(book, full, at=T, scores="win")["win"].to_list()
    assert len(set(whole)) > 1
    blank = blank_then(VALUES[:9])
    ids = [str(number) for number in range(10)]
    blank = blank.assign(id=ids) if isinstance(blank, pd.DataFrame) else blank.with_columns(id=pl.Series(ids))
    assert score_frame(book, blank, at=T, scores="win")["win"].to_list()[1:] == whole


def test_a_table_learned_from_a_column_with_a_blank_is_the_table_learned_without():
    table = WinTable(at=T, stages=("new",), fields=("size",), cuts={"age": (2.0,)})
    as_read = [
        [
            ClosedLead(won=won, closed=T, values={"size": spelt(size), "age": spelt(size)})
            for size, won in zip(VALUES, WON, strict=True)
        ]
        for spelt in (int, float, Decimal, np.int16)
    ]
    first, *others = (table.rebuilt(leads, at=T) for leads in as_read)
    assert all(other == first for other in others)


@pytest.mark.parametrize("odd", [np.datetime64("2026-01-01", "ns"), np.timedelta64(5, "s")])
def test_a_date_of_numpy_is_no_number(odd):
    with pytest.raises(Malformed):
        Lead(id="a", fields={"x": odd})
