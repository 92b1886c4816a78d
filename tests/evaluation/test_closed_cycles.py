"""What journeys teach: closed cycles as they were when they closed, and tables that follow a journey."""

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
from leadlife.evaluation.closed_cycles import observe, outcomes
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


def test_a_closed_cycle_is_told_as_it_was_when_it_closed():
    lost = later(at_opportunity().move("lose", reason="pricing", at=T + 2 * DAY), 3, "Kyoto")
    (told,) = outcomes(lost)
    assert (told.won, told.closed, told.made, told.team, told.stage) == (False, T + 2 * DAY, T, "north", "opportunity")
    assert told.values["city"] == "Porto"
    assert list(outcomes(at_opportunity())) == []


def test_each_cycle_is_an_outcome_and_recycling_is_none():
    ada = at_opportunity().record(Sold(at=T + 2 * DAY))
    ada = ada.record(EvidenceGiven(name="need", at=T + 9 * DAY)).move("rebuy", at=T + 9 * DAY)
    ada = ada.move("recycle", reason="budget", at=T + 10 * DAY)
    assert [one.won for one in outcomes(ada)] == [True]
    assert len(ada.cycles) == 2


def test_a_table_follows_a_journey_and_forgets_what_was_reopened():
    before = at_opportunity()
    lost = before.move("lose", reason="pricing", at=T + 2 * DAY)
    counted = observe(TABLE, lost, before=before)
    assert observe(counted, later(lost, 3, "Kyoto"), before=lost) == counted
    again = lost.move("reopen", reason="bad timing", at=T + 4 * DAY)
    assert observe(counted, again, before=lost).rows == TABLE.rows
    won = again.record(Sold(at=T + 5 * DAY))
    straight = observe(TABLE, won)
    assert observe(observe(counted, again, before=lost), won, before=again).rows == straight.rows
    assert {row.field for row in straight.rows} == {"stage", "city"}


def test_a_lead_lost_in_a_stage_that_the_table_does_not_count_was_in_the_first():
    lost = at_opportunity().move("lose", reason="pricing", at=T + 2 * DAY)
    narrow = TABLE.replace(stages=("name", "customer"))
    assert {row.value for row in observe(narrow, lost).rows if row.field == "stage"} == {"name"}


def test_a_journey_is_scored_at_its_own_stage():
    taught = TABLE
    for number in range(4):
        journey = at_opportunity(f"lead {number}")
        end = {"at": T + 2 * DAY}
        closed = journey.record(Sold(**end)) if number % 2 else journey.move("lose", reason="pricing", **end)
        taught = observe(taught, closed)
    early = Journey.start("early", BOOK, stage="name", at=T).move("disqualify", reason="poor fit", at=T + DAY)
    taught = observe(taught, early)
    book = BOOK.with_score(NaiveBayes(name="win", table=taught, won=("customer",), lost=("lost",)))
    ada = at_opportunity(book=book)
    chances = [ada.score("win", at=T + days * DAY).probability for days in (2, 3)]
    assert chances[0] == chances[1]
    fresh = Journey.start("bo", book, stage="name", at=T + 3 * DAY)
    assert fresh.score("win", at=T + 3 * DAY).value < chances[0]
    assert ada.record(Sold(at=T + 4 * DAY)).score("win", at=T + 4 * DAY).value == 1
    assert ada.record(ActivityRecorded(kind="call", at=T + 4 * DAY)).score("win", at=T + 4 * DAY).value == chances[0]


def test_what_is_no_journey_teaches_nothing():
    with pytest.raises(Malformed, match="no journey"):
        observe(TABLE, "ada")
