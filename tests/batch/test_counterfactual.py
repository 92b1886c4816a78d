"""What if: the same facts under two playbooks, with what is exact and what is only estimated."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from batch.worlds import book
from leadlife import ActivityRecorded, EvidenceGiven, Journey, QualificationRule, Sold, StageReached
from leadlife.batch import Certainty, fact_columns, what_if
from leadlife.batch.causes import caused
from leadlife.criteria import count, evidence, field, holds, in_stage, score
from leadlife.errors import Malformed
from leadlife.reports.charts import what_if_chart

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def playbook(least, version, **changes):
    warm = QualificationRule(name="warm", enter=count("page_view") >= least)
    return book().with_qualifications(warm, version=version).replace(**changes)


def leads():
    """Return 4 leads that viewed 1, 2, 3 and 4 pages a week apart; the last two were won on day 60."""
    for place in range(4):
        begun = Journey.start(f"lead{place}", book(), at=AT, stage="name")
        views = [ActivityRecorded(kind="page_view", at=AT + timedelta(weeks=week)) for week in range(place + 1)]
        facts = list(views)
        if place >= 2:
            at = AT + timedelta(days=60)
            facts += [StageReached(stage="opportunity", at=at), Sold(at=at + timedelta(minutes=1))]
        yield begun.record_all(facts)


def test_who_when_and_how_good():
    found = what_if(list(leads()), playbook(3, "a"), playbook(2, "b"))
    assert (found.leads, found.won) == (4, 2)
    (warm,) = [one for one in found.qualifications if one.name == "warm"]
    assert (warm.granted_a, warm.granted_b, warm.both) == (2, 3, 2)
    assert (warm.precision_a, warm.precision_b) == (1.0, 2 / 3)
    assert (warm.recall_a, warm.recall_b) == (1.0, 1.0)
    assert (round(warm.days_before_a), round(warm.days_before_b)) == (46, 53)
    assert (warm.certainty, warm.why) == (Certainty.EXACT, "")
    rows = {row["lead"]: row for row in found.differing.to_pylist()}
    assert rows.keys() == {"lead1", "lead2", "lead3"}
    assert rows["lead1"]["qualifications_b"] == ["warm"]
    assert rows["lead1"]["since"] == (AT + timedelta(weeks=1)).timestamp() * 1e6
    weeks = [(str(row["week"]), row["a"], row["b"]) for row in found.weeks.to_pylist() if row["name"] == "warm"]
    assert [week for week in weeks if week[1:] != (0, 0)] == [("2026-03-09", 0, 3), ("2026-03-16", 2, 0)]
    assert len(weeks) == len({row["week"] for row in found.weeks.to_pylist()}) == 9  # also those in which nothing began


def test_the_load_on_a_stage_with_its_deadlines():
    found = what_if(list(leads()), playbook(3, "a"), playbook(2, "b"))
    stages = {one.stage: one for one in found.stages}
    assert (stages["opportunity"].entries_a, stages["opportunity"].team) == (2, "sales")
    assert stages["opportunity"].deadlines_a == 2
    assert stages["opportunity"].certainty is Certainty.ESTIMATED


@pytest.mark.parametrize(
    ("enter", "why"),
    [
        (field("size") >= 3, ""),
        (score("research") >= 3, ""),
        (evidence("fit"), "what a person asked"),
        (count("call") >= 1, "calls and other activities that both sides take part in"),
        (score("urgency") >= 20, "calls and other activities that both sides take part in"),
        (in_stage("lead"), "moves that people made"),
        (holds("sql"), "what a person asked"),
    ],
)
def test_a_figure_is_estimated_where_it_rests_on_what_the_old_playbookcaused(enter, why):
    a = book().replace(version="a")
    b = book().with_qualifications(QualificationRule(name="mine", enter=enter), version="b")
    facts = [lead.record(EvidenceGiven(name="fit", at=AT + timedelta(days=90))) for lead in leads()]
    assert why in caused("mine", a, b)
    assert bool(caused("mine", a, b)) is bool(why)
    found = what_if(facts, a, b)
    told = {one.name: one.certainty for one in found.qualifications}
    assert told.get("mine", Certainty.ESTIMATED if why else Certainty.EXACT) is (
        Certainty.ESTIMATED if why else Certainty.EXACT
    )
    assert caused("sqlx", a, b) == ""


def test_it_prints_and_draws_and_is_plain_values():
    told = []
    found = what_if(
        fact_columns(list(leads())), playbook(3, "a"), playbook(2, "b"), progress=lambda *at: told.append(at)
    )
    assert [side for side, _ in told] == ["a", "b"]
    text = str(found)
    assert "warm" in text
    assert "sal is estimated" in text
    assert json.loads(json.dumps(found.to_dict()))["differing"] == 3
    picture = what_if_chart(found).to_dict()
    assert picture["facet"]["row"]["field"] == "what"
    assert what_if_chart(found, names=["name"]).to_dict()
    with pytest.raises(Malformed, match="nothing is called 'wram'"):
        what_if_chart(found, names=["wram"])


def test_two_playbooks_that_come_to_the_same():
    same = what_if(list(leads()), playbook(3, "a"), playbook(3, "b"))
    assert same.differing.num_rows == 0
    with pytest.raises(Malformed, match="come to the same in every week"):
        what_if_chart(same)
    with pytest.raises(Malformed, match="the two playbooks are the same"):
        what_if(list(leads()), playbook(3, "a"), playbook(3, "a"))


def test_what_cannot_be_replayed_is_counted_on_both_sides():
    table = fact_columns(list(leads())).to_pylist()
    import pyarrow as pa

    from leadlife.batch import FACT_SCHEMA

    table[1]["kind"] = "actvity"
    found = what_if(
        pa.Table.from_pylist(table, schema=FACT_SCHEMA),
        playbook(3, "a"),
        playbook(2, "b"),
        as_of=AT + timedelta(days=90),
    )
    assert [(row["side"], row["lead"]) for row in found.set_aside.to_pylist()] == [("a", "lead0"), ("b", "lead0")]
    assert found.leads == 3  # it counts on neither side
    assert "1 leads are left out, because they cannot be replayed: 1 under a, 1 under b" in str(found)


def test_nothing_that_was_ever_granted_or_entered():
    facts = [Journey("ada", book()).record(ActivityRecorded(kind="call", at=AT))]
    text = str(what_if(facts, playbook(3, "a"), playbook(2, "b")))
    assert text.split("warm")[1].split()[:3] == ["0", "0", "0"]
    with pytest.raises(Malformed, match="two different playbooks are called eight_stage a"):
        what_if(facts, playbook(3, "a"), playbook(2, "a"))
