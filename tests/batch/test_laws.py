"""The law of batches: however facts are divided and ordered, a lead comes to what its journey comes to alone."""

from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch.worlds import book, closed_policies, instants, logs, zones
from leadlife import Journey
from leadlife.batch import FACT_SCHEMA, fact_columns, facts_of, replay, score_leads
from leadlife.batch import instants as as_times
from leadlife.batch.rows import micros
from leadlife.testing import histories, playbooks
from leadlife.testing.scoring_strategies import policies


def one_by_one(facts, playbook, until=None):
    """Return each journey by lead and pipeline, replayed alone."""
    by_lead = sorted(facts, key=lambda fact: (fact.lead, fact.pipeline))
    found = {
        who: Journey.replay(list(some), playbook)
        for who, some in groupby(by_lead, lambda fact: (fact.lead, fact.pipeline))
    }
    if until is None:
        return found
    then = {who: journey.as_of(at=until) for who, journey in found.items()}
    return {who: journey for who, journey in then.items() if journey.facts}


def agrees(come, journeys):
    leads = {(row["lead"], row["pipeline"]): row for row in come.leads.to_pylist()}
    assert leads.keys() == journeys.keys()
    assert not come.set_aside.num_rows
    rows = {name: come.table(name).to_pylist() for name in ("visits", "cycles", "qualifications", "derived")}
    for who, journey in journeys.items():
        row = leads[who]
        assert (row["stage"], row["status"], row["facts"]) == (journey.stage, journey.status, len(journey.facts))
        assert row["qualifications"] == sorted(journey.qualifications)
        assert row["readiness"] == journey.readiness
        assert row["wake_at"] == (None if journey.wake_at is None else micros(journey.wake_at.at))
        mine = {name: [row for row in some if (row["lead"], row["pipeline"]) == who] for name, some in rows.items()}
        assert [(one["stage"], one["entered"]) for one in mine["visits"]] == [
            (visit.stage, micros(visit.entered)) for visit in journey.visits
        ]
        assert [(one["cycle"], one["outcome"]) for one in mine["cycles"]] == [
            (cycle.number, cycle.outcome) for cycle in journey.cycles
        ]
        assert [(one["name"], one["granted"]) for one in mine["qualifications"]] == [
            (name, micros(held.granted)) for name, held in sorted(journey.qualifications.items())
        ]
        assert [one["id"] for one in mine["derived"]] == [fact.id for fact in journey.derived]


@given(st.data())
def test_a_batch_comes_to_what_journeys_come_to_alone(data):
    playbook = book()
    facts = data.draw(logs(playbook))
    if facts:
        until = data.draw(st.none() | instants())
        agrees(replay(facts, playbook, as_of=until), one_by_one(facts, playbook, until))


@given(st.data())
def test_of_any_playbook_as_well(data):
    playbook = data.draw(playbooks())
    journey = data.draw(histories(playbook))
    if journey.facts:
        facts = data.draw(st.permutations(journey.facts))
        agrees(replay(facts, playbook), one_by_one(facts, playbook))


@settings(max_examples=10)
@given(st.data(), st.integers(1, 5))
def test_into_however_many_parts_the_facts_are_divided(data, parts):
    playbook = book()
    facts = data.draw(logs(playbook, most=6))
    if facts:
        agrees(replay(facts, playbook, partitions=parts), one_by_one(facts, playbook))


@given(st.data())
def test_columns_hold_facts_without_loss(data):
    playbook = data.draw(playbooks())
    journey = data.draw(histories(playbook))
    facts = [*journey.facts, *journey.derived]
    table = fact_columns(facts)
    assert table.schema == FACT_SCHEMA
    assert list(facts_of(table)) == facts
    assert as_times(table).num_rows == len(facts)


@given(st.data())
def test_scores_by_sql_are_those_of_journeys_to_the_last_micropoint(data):
    policy = data.draw(closed_policies())
    assert scored_as_journeys(data, policy).ways == {policy.name: "sql"}


@settings(max_examples=25)
@given(st.data())
def test_what_has_no_closed_form_is_folded_and_comes_to_the_same(data):
    scored_as_journeys(data, data.draw(policies()))


def scored_as_journeys(data, policy):
    playbook = book(policy, zone=data.draw(zones))
    facts = data.draw(logs(playbook).filter(bool))
    at = data.draw(instants())
    come = score_leads(facts, playbook, policy.name, at=at)
    found = {(row["lead"], row["pipeline"]): row for row in come.table.to_pylist()}
    journeys = {who: journey for who, journey in one_by_one(facts, playbook, at).items() if journey._data.shown.lead}
    assert found.keys() == journeys.keys()
    for who, journey in journeys.items():
        expected, row = journey.score(policy.name, at=at), found[who]
        if expected.answered:
            assert (row["micropoints"], row["band"]) == (expected.micropoints, expected.band), come.ways
        else:
            assert (row["micropoints"], row["why"]) == (None, expected.why)
    return come


def test_a_table_that_was_not_asked_for_is_named():
    facts = Journey.start("ada", book(), at=micros_at(), stage="name").facts
    with pytest.raises(ValueError, match="there is no table 'visits'"):
        replay(facts, book(), tables="leads").table("visits")


def micros_at():
    from leadlife.testing.strategies import EPOCH

    return EPOCH
