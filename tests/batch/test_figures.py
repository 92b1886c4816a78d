"""Figures by SQL are those of the funnel over journeys, on generated logs and on real ones."""

from datetime import UTC, datetime, timedelta
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch.worlds import book, instants, logs
from leadlife import Journey, Started
from leadlife.analytics import funnel
from leadlife.batch import facts_of, figures, replay
from leadlife.errors import Malformed
from leadlife.presets import eight_stage
from leadlife.testing import histories, playbooks
from leadlife.testing.fact_columns import KINDS, generated_facts

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def agrees(journeys, playbook, at):
    come = replay(journeys, playbook, as_of=at)
    total = funnel(journeys, playbook, as_of=at).total
    (row,) = figures.funnel(come).to_pylist()
    assert (row["leads"], row["won_standing"], row["won_ever"]) == (total.leads, total.won_standing, total.won_ever)
    assert row["rate"] == total.rate
    counts = {one["stage"]: one for one in figures.stage_counts(come).to_pylist()}
    reached = {stage: number for stage, number in total.reached.items() if number}
    assert {stage: one["leads_ever"] for stage, one in counts.items() if one["leads_ever"]} == reached
    whole = figures.cohorts(come, every="year", zone="Asia/Tokyo").to_pylist()
    assert (sum(one["leads"] for one in whole), sum(one["won"] for one in whole)) == (total.leads, total.won_standing)
    return come


@settings(max_examples=20)
@given(st.data())
def test_the_funnel_is_that_of_the_journeys(data):
    playbook = data.draw(playbooks())
    journey = data.draw(histories(playbook))
    if journey.facts:
        agrees([journey], playbook, data.draw(instants()))


@settings(max_examples=20)
@given(st.data())
def test_of_several_leads_as_well(data):
    playbook = book()
    facts = sorted(data.draw(logs(playbook).filter(bool)), key=lambda fact: (fact.lead, fact.pipeline))
    by_lead = [list(some) for _, some in groupby(facts, lambda fact: (fact.lead, fact.pipeline))]
    agrees([Journey.replay(some, playbook) for some in by_lead], playbook, data.draw(instants()))


def test_simulated_facts_come_to_what_is_known_of_them():
    playbook, batches, truth = eight_stage(), [], {}
    for batch, known in generated_facts(300, activities=6, seed=5):
        batches.append(batch)
        truth |= dict(zip(known.lead.to_pylist(), known.stage.to_pylist(), strict=True))
        calls = known.activities[:, KINDS.index("call")].sum()
    come = replay(batches, playbook)
    assert dict(zip(come.leads["lead"].to_pylist(), come.leads["stage"].to_pylist(), strict=True)) == truth
    assert come.set_aside.num_rows == 0
    kinds = [fact.kind for fact in facts_of(batches) if fact.type == "activity"]
    assert kinds.count("call") == calls
    agrees(
        [Journey.replay(list(some), playbook) for _, some in groupby(facts_of(batches), lambda one: one.lead)][:40],
        playbook,
        datetime(2025, 8, 1, tzinfo=UTC),
    )
    again = next(iter(generated_facts(300, activities=6, seed=5)))[0]
    assert again == batches[0]


def test_time_in_stage_counts_what_ended_and_sums_up_what_lasts():
    playbook = eight_stage()
    ada = Journey("ada", playbook).record(Started(stage="name", playbook=playbook.ref, at=AT))
    come = replay([ada], playbook, as_of=AT + timedelta(days=3))
    (row,) = figures.time_in_stage(come).to_pylist()
    assert (row["visits"], row["lasting"], row["q50"], row["days"]) == (1, 1, None, 3.0)
    own = replay([ada.tick(AT + timedelta(days=2))], playbook)
    assert figures.time_in_stage(own).to_pylist()[0]["days"] == 0.0


def test_cohorts_follow_the_calendar_of_a_zone_and_say_if_they_are_complete():
    playbook = eight_stage()
    new_year = datetime(2026, 1, 1, 2, tzinfo=UTC)  # still December in Recife
    ada = Journey("ada", playbook).record(Started(stage="name", playbook=playbook.ref, at=new_year))
    come = replay([ada], playbook, as_of=new_year + timedelta(days=20))
    assert str(figures.cohorts(come, zone="America/Recife").to_pylist()[0]["cohort"]) == "2025-12-01"
    assert str(figures.cohorts(come, every="quarter").to_pylist()[0]["cohort"]) == "2026-01-01"
    assert [figures.cohorts(come, within=days).to_pylist()[0]["complete"] for days in (20, 21)] == [True, False]
    with pytest.raises(Malformed, match="there is no period 'day'"):
        figures.cohorts(come, every="day")
    with pytest.raises(Malformed):
        figures.cohorts(come, zone="Mars/Olympus")
