"""Renaming a stage rewrites every reference; stages and transitions are inserted where they belong."""

from datetime import UTC, datetime, timedelta

import pytest

from leadlife import FieldSpec, Journey, Lifecycle, Playbook, QualificationRule, Stage, Transition, diff
from leadlife.criteria import evidence, in_stage
from leadlife.errors import InvalidDefinition, Malformed, UnknownName
from leadlife.lifecycle import EntryStage, Limit, Route
from leadlife.presets import eight_stage
from leadlife.scoring import NaiveBayes
from leadlife.scoring.learned.win_table import CountedValue, WinTable
from leadlife.timing import days

T0 = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def book():
    stages = (
        Stage(id="lead", limit=Limit(after=days(9), trigger="drop")),
        Stage(id="gate", type="gate", routes=[Route(guard=in_stage("lead"), target="demo")], default="demo"),
        Stage(id="demo"),
        Stage(id="won", status="won"),
        Stage(id="lost", status="lost"),
    )
    moves = (
        Transition(trigger="show", sources="lead", target="gate"),
        Transition(trigger="win", sources=("demo",), target="won"),
        Transition(trigger="back", sources="demo", target="lead"),
        Transition(trigger="drop", sources="*", target="lost"),
        Transition(trigger="again", sources="lost", target="demo", kind="reentry", guard=~in_stage("demo")),
    )
    table = WinTable(at=T0, stages=["lead", "demo"], rows=[CountedValue(field="stage", value="demo", won=1)])
    return Playbook(
        id="p",
        lifecycle=Lifecycle(
            stages=stages, transitions=moves, entries=("lead", EntryStage(stage="demo", guard=evidence("fit")))
        ),
        evidence={"fit": ""},
        scores=[NaiveBayes(name="odds", table=table, won=["won"], lost=["demo"])],
        qualifications=[QualificationRule(name="seen", enter=in_stage("demo") & evidence("fit"))],
    )


def test_a_renamed_stage_is_renamed_wherever_it_is_named():
    old, new = book(), book().renamed("demo", "meeting", version="2")
    assert (new.version, new.lifecycle.stage("meeting").aliases) == ("2", ("demo",))
    text = new.replace(
        lifecycle=new.lifecycle.with_stages(new.lifecycle.stage("meeting").replace(aliases=()))
    ).model_dump(mode="json")
    assert "demo" not in str(text)
    assert str(text).count("meeting") == str(old.model_dump(mode="json")).count("demo")
    changes = diff(old, new)
    assert (changes.now_legal, changes.now_illegal, changes.stages) == ((), (), {"demo": "meeting"})


def test_a_lifecycle_is_renamed_alone():
    life = book().lifecycle.renamed("demo", "meeting").renamed("meeting", "talk")
    assert life.stage("talk").aliases == ("demo", "meeting")
    assert life.renamed("talk", "demo").stage("demo").aliases == ("meeting", "talk")
    with pytest.raises(UnknownName, match="no stage 'demos'"):
        life.renamed("demos", "x")
    with pytest.raises(InvalidDefinition, match="lead"):
        life.renamed("talk", "lead")


def test_what_names_no_stage_stays_the_same():
    assert eight_stage().renamed("opportunity", "deal").readiness == eight_stage().readiness


def test_leads_that_adopt_it_take_the_new_name_without_a_map():
    old, new = book(), book().renamed("demo", "meeting", version="2")
    shown = Journey.start("a", old, at=T0).move("show", at=T0 + DAY)
    adopted = shown.adopt(new, at=T0 + 2 * DAY)
    assert (adopted.stage, [visit.stage for visit in adopted.visits]) == ("meeting", ["lead", "meeting"])
    assert adopted.high_water == "meeting"


@pytest.mark.parametrize(
    ("first", "second", "why"), [(["b"], [], "is the id of a stage"), (["x"], ["x"], "a former id of 'a' already")]
)
def test_aliases_are_unambiguous(first, second, why):
    with pytest.raises(InvalidDefinition, match=why):
        Lifecycle(stages=[Stage(id="a", aliases=first), Stage(id="b", aliases=second)], transitions=[])


def test_stages_are_inserted_where_they_belong():
    life = book().lifecycle
    new = (Stage(id="x"), Stage(id="y"))
    assert [one.id for one in life.with_stages(*new, before="demo").stages][2:5] == ["x", "y", "demo"]
    assert [one.id for one in life.with_stages(*new, after="demo").stages][2:5] == ["demo", "x", "y"]
    assert [one.id for one in life.with_stages(*new).stages][-2:] == ["x", "y"]
    assert life.with_stages(life.stage("demo"), before="lead") == life


def test_transitions_are_inserted_where_they_are_tried():
    life = book().lifecycle
    new = Transition(trigger="win", sources="lead", target="won", guard=evidence("fit"))
    assert [one.trigger for one in life.with_transitions(new, before="win").transitions][:3] == ["show", "win", "win"]
    assert life.with_transitions(new, before="win").transitions[1].guard is not None
    assert life.with_transitions(new, after="win").transitions[2].guard is not None
    with pytest.raises(UnknownName, match="did you mean 'win'"):
        life.with_transitions(new, before="wim")
    with pytest.raises(UnknownName, match="no stage 'demos'"):
        life.with_stages(Stage(id="x"), after="demos")
    with pytest.raises(Malformed, match="not both"):
        life.with_stages(Stage(id="x"), after="demo", before="demo")


def test_a_learned_policy_counts_the_stage_under_its_new_id():
    from leadlife.scoring import ClosedLead, NaiveBayes, WinTable

    table = WinTable(at=T0, stages=("lead", "customer"), fields=("city",))
    leads = [ClosedLead(won=won, closed=T0, values={"city": "Porto"}) for won in (True, False)]
    policy = NaiveBayes(name="win", table=table.rebuilt(leads, at=T0), won=("customer",))
    book = eight_stage().with_fields(city=FieldSpec()).with_score(policy).renamed("customer", "client")
    renamed = book.policy("win")
    assert (renamed.won, renamed.table.stages) == (("client",), ("lead", "client"))
    assert {row.value for row in renamed.table.rows if row.field == "stage"} == {"lead", "client"}


def test_an_id_that_another_stage_has_is_one_fault():
    with pytest.raises(InvalidDefinition, match="'customer' is the id of another stage"):
        eight_stage().renamed("lead", "customer")
