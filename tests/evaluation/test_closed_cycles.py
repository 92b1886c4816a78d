"""Closed cycles are yielded as they were when they closed, and win tables follow a journey."""

from datetime import UTC, datetime, timedelta

import pytest

from leadlife import (
    ActivityRecorded,
    EvidenceGiven,
    FieldChanged,
    FieldSpec,
    Journey,
    Malformed,
    Sold,
    StageReached,
)
from leadlife.evaluation.closed_cycles import closed_cycles, update_win_table
from leadlife.presets import eight_stage
from leadlife.scoring import NaiveBayes, WinTable

T = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
STAGES = ("name", "engagement", "target", "lead", "sales_lead", "opportunity", "customer")
TABLE = WinTable(at=T, stages=STAGES, fields=("city",))
BOOK = eight_stage().with_fields(city=FieldSpec(), team=FieldSpec())


def at_opportunity(who="ada", book=BOOK):
    ada = Journey.start(who, book, stage="name", at=T).record(FieldChanged(name="city", value="Porto", at=T))
    ada = ada.record(FieldChanged(name="team", value="north", at=T))
    return ada.record(StageReached(stage="opportunity", infer_gaps=True, at=T + DAY))


def later(journey, days, city):
    return journey.record(FieldChanged(name="city", value=city, at=T + days * DAY))


def test_a_closed_cycle_is_yielded_as_it_was_when_it_closed():
    lost = later(at_opportunity().move("lose", reason="pricing", at=T + 2 * DAY), 3, "Kyoto")
    (cycle,) = closed_cycles(lost)
    assert (cycle.won, cycle.closed, cycle.made, cycle.team, cycle.stage) == (
        False,
        T + 2 * DAY,
        T,
        "north",
        "opportunity",
    )
    assert cycle.values["city"] == "Porto"
    assert list(closed_cycles(at_opportunity())) == []


def test_each_cycle_is_an_outcome_and_recycling_is_none():
    ada = at_opportunity().record(Sold(at=T + 2 * DAY))
    ada = ada.record(EvidenceGiven(name="need", at=T + 9 * DAY)).move("rebuy", at=T + 9 * DAY)
    ada = ada.move("recycle", reason="budget", at=T + 10 * DAY)
    assert [one.won for one in closed_cycles(ada)] == [True]
    assert len(ada.cycles) == 2


def test_a_table_follows_a_journey_and_removes_what_was_reopened():
    before = at_opportunity()
    lost = before.move("lose", reason="pricing", at=T + 2 * DAY)
    counted = update_win_table(TABLE, lost, before=before)
    assert update_win_table(counted, later(lost, 3, "Kyoto"), before=lost) == counted
    again = lost.move("reopen", reason="bad timing", at=T + 4 * DAY)
    assert update_win_table(counted, again, before=lost).rows == TABLE.rows
    won = again.record(Sold(at=T + 5 * DAY))
    straight = update_win_table(TABLE, won)
    assert update_win_table(update_win_table(counted, again, before=lost), won, before=again).rows == straight.rows
    assert {row.field for row in straight.rows} == {"stage", "city"}


def test_a_lead_lost_in_a_stage_that_the_table_does_not_count_was_in_the_first():
    lost = at_opportunity().move("lose", reason="pricing", at=T + 2 * DAY)
    narrow = TABLE.replace(stages=("name", "customer"))
    assert {row.value for row in update_win_table(narrow, lost).rows if row.field == "stage"} == {"name"}


def test_a_journey_is_scored_at_its_own_stage():
    learned = TABLE
    for number in range(4):
        journey = at_opportunity(f"lead {number}")
        end = {"at": T + 2 * DAY}
        closed = journey.record(Sold(**end)) if number % 2 else journey.move("lose", reason="pricing", **end)
        learned = update_win_table(learned, closed)
    early = Journey.start("early", BOOK, stage="name", at=T).move("disqualify", reason="poor fit", at=T + DAY)
    learned = update_win_table(learned, early)
    book = BOOK.with_score(NaiveBayes(name="win", table=learned, won=("customer",), lost=("lost",)))
    ada = at_opportunity(book=book)
    chances = [ada.score("win", at=T + days * DAY).probability for days in (2, 3)]
    assert chances[0] == chances[1]
    fresh = Journey.start("bo", book, stage="name", at=T + 3 * DAY)
    assert fresh.score("win", at=T + 3 * DAY).value < chances[0]
    assert ada.record(Sold(at=T + 4 * DAY)).score("win", at=T + 4 * DAY).value == 1
    assert ada.record(ActivityRecorded(kind="call", at=T + 4 * DAY)).score("win", at=T + 4 * DAY).value == chances[0]


def test_only_a_journey_updates_a_table():
    with pytest.raises(Malformed, match="closed cycles come from a journey"):
        update_win_table(TABLE, "ada")
