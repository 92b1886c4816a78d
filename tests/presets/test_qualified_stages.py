"""A stage that stands for a qualification and that qualification never part company."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlife import (
    ActivityRecorded,
    Actor,
    EvidenceGiven,
    Identified,
    Journey,
    Moved,
    QualificationGranted,
    QualificationRule,
    QualificationWithdrawn,
    Retracted,
    Sold,
    StageReached,
)
from leadlife.criteria import evidence, identified
from leadlife.presets import ibm, mql_pql_sql

T0 = datetime(2026, 1, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
BOTH = Actor(id="kim", roles=("marketing", "sales"))


def facts_of(playbook):
    when = st.integers(0, 200).map(lambda day: T0 + day * DAY)
    tests = st.sampled_from([rule.name for rule in playbook.qualifications])

    def one(fact, **fields):
        return st.builds(fact, at=when, by=st.just(BOTH), **fields)

    return st.one_of(
        one(ActivityRecorded, kind=st.sampled_from(["product_page", "sample_used", "reply"])),
        one(EvidenceGiven, name=st.sampled_from(list(playbook.evidence)), value=st.booleans()),
        one(QualificationGranted, name=tests),
        one(QualificationWithdrawn, name=tests),
        one(StageReached, stage=tests, infer_gaps=st.booleans()),
        one(Moved, trigger=st.sampled_from(["recycle", "go_dormant", "return"]), reason=st.just("no decision")),
        one(Sold),
        one(Identified),
    )


@pytest.mark.parametrize("playbook", [ibm(), mql_pql_sql()], ids=["ibm", "mql_pql_sql"])
@given(data=st.data())
def test_whoever_stands_in_the_stage_of_a_qualification_holds_it(playbook, data):
    journey = Journey.start("x", playbook, at=T0, stage="lead")
    for fact in data.draw(st.lists(facts_of(playbook), max_size=12)):
        journey = journey.record(fact)
        tests = {rule.name for rule in playbook.qualifications}
        assert journey.stage not in tests or journey.stage in journey.qualifications
        later = journey.tick(journey.at + data.draw(st.integers(0, 100)) * DAY)
        assert later.stage not in tests or later.stage in later.qualifications


@pytest.mark.parametrize("playbook", [ibm(), mql_pql_sql()], ids=["ibm", "mql_pql_sql"])
def test_an_import_that_says_the_stage_says_the_qualification(playbook):
    new = Journey.start("a", playbook, at=T0, stage="lead")
    imported = new.record(StageReached(stage="sql", at=T0 + DAY, by="import", infer_gaps=True))
    assert (imported.stage, imported.qualifications["sql"].by) == ("sql", "import")
    assert "the import says that sql was reached" in str(imported.explain())
    undone = imported.record(Retracted(target=imported.facts[-1].id, at=T0 + 2 * DAY))
    assert (undone.stage, undone.qualifications) == ("lead", {})


def test_what_an_import_says_holds_until_the_qualification_is_left_which_may_be_at_once():
    left = QualificationRule(name="sql", enter=evidence("urgent_need"), leave=~identified())
    playbook = mql_pql_sql()
    rules = tuple(left if rule.name == "sql" else rule for rule in playbook.qualifications)
    new = Journey.start("a", playbook.replace(qualifications=rules), at=T0, stage="lead")
    imported = new.record(StageReached(stage="sql", at=T0 + DAY, infer_gaps=True))
    assert (imported.stage, imported.qualifications.keys() & {"sql"}) == ("lead", set())
    known = new.record(Identified(at=T0)).record(StageReached(stage="sql", at=T0 + DAY, infer_gaps=True))
    assert (known.stage, known.qualifications.keys()) == ("sql", {"sql"})


def test_what_is_held_already_is_not_granted_again():
    journey = Journey.start("a", mql_pql_sql(), at=T0).record(EvidenceGiven(name="urgent_need", at=T0 + DAY))
    journey = journey.record(StageReached(stage="mql", at=T0 + 2 * DAY)).record(
        StageReached(stage="sql", at=T0 + 2 * DAY)
    )
    assert (journey.stage, journey.qualifications["sql"].by) == ("sql", "system")
    assert journey.tick(T0 + 5 * DAY).stage == "mql"  # the need was urgent for three days


def test_a_lost_qualification_leads_back_to_the_best_that_is_held():
    journey = Journey.start("a", mql_pql_sql(), at=T0)
    journey = journey.record(EvidenceGiven(name="pql", at=T0)).record(StageReached(stage="sql", at=T0 + DAY))
    assert journey.withdraw("sql", at=T0 + 2 * DAY, by=BOTH).stage == "pql"
    alone = Journey.start("b", mql_pql_sql(), at=T0).record(StageReached(stage="sql", at=T0 + DAY, infer_gaps=True))
    assert alone.withdraw("sql", at=T0 + 2 * DAY, by=BOTH).stage == "lead"
