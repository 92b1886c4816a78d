"""A lifecycle is checked when it is built, and every fault is told at once."""

import pytest

from leadlife import Lifecycle, Limit, Malformed, Stage, Transition, days, errors
from leadlife.criteria import CustomGuard, evidence
from leadlife.errors import InvalidDefinition
from leadlife.lifecycle import EntryStage, Reason, Route
from leadlife.lifecycle.transitions import FIRING
from leadlife.presets import eight_stage

OPEN, WON = Stage(id="open"), Stage(id="won", status="won")
COLD = Stage(id="cold", status="recycled", on_path=False)
WIN = Transition(trigger="win", sources="open", target="won", kind="forward")
GATE = Stage(id="gate", type="gate", default="open")
LIMIT = Limit(after=days(1), trigger="win")


def rule(**changes):
    return WIN.replace(**changes)


def faults(stages=(OPEN, WON), rules=(WIN,), **more):
    with pytest.raises(InvalidDefinition) as caught:
        Lifecycle(stages=stages, transitions=rules, **more)
    assert caught.value.faults
    return str(caught.value)


@pytest.mark.parametrize(
    ("said", "case"),
    [
        ("'open' is declared twice", {"stages": (OPEN, WON, OPEN)}),
        ("'r' is declared twice", {"reasons": ("r", Reason(id="r"))}),
        ("transitions.0.target: 'wom' is not declared (did you mean 'won'?)", {"rules": (rule(target="wom"),)}),
        ("sources.0: 'opn' is not declared", {"rules": (rule(sources="opn"),)}),
        ("entries.0: 'x' is not declared", {"entries": "x"}),
        ("referral_entries.0: 'x' is not declared", {"referral_entries": ["x"]}),
        ("no journey begins there", {"stages": (OPEN, WON, GATE), "entries": ["gate"]}),
        ("at least one open stage", {"stages": (WON,), "rules": ()}),
        ("kind forward does not lead out of it", {"rules": (rule(sources="won", target="open"),)}),
        ("a gate is left by its routes", {"stages": (OPEN, WON, GATE), "rules": (rule(sources="gate"),)}),
        ("a gate needs a default", {"stages": (OPEN, WON, GATE.replace(default=None))}),
        ("default: 'x' is not declared", {"stages": (OPEN, WON, GATE.replace(default="x"))}),
        (
            "routes.0.target: 'x' is not declared",
            {"stages": (OPEN, WON, GATE.replace(routes=(Route(guard=evidence("a"), target="x"),)))},
        ),
        ("so its status is open", {"stages": (OPEN, WON, GATE.replace(status="won"))}),
        ("only a gate has routes", {"stages": (OPEN.replace(default="won"), WON)}),
        ("gates that lead into each other: gate > gate", {"stages": (OPEN, WON, GATE.replace(default="gate"))}),
        ("a stage of type sla needs a limit", {"stages": (OPEN.replace(type="sla"), WON)}),
        ("of type inventory has no limit", {"stages": (OPEN.replace(limit=LIMIT, type="inventory"), WON)}),
        (
            "limit.trigger: no transition 'go' leads out of 'open'",
            {"stages": (OPEN.replace(type="sla", limit=LIMIT.replace(trigger="go")), WON)},
        ),
        (
            "limit.reason: 'bored' is not declared",
            {"stages": (OPEN.replace(type="sla", limit=LIMIT.replace(reason="bored")), WON)},
        ),
        ("only a recycled stage has a cool-down", {"stages": (OPEN.replace(cool_down=days(1)), WON)}),
        ("status recycled is not on the success path", {"stages": (OPEN, WON, COLD.replace(on_path=True))}),
        ("kind recycle leads to a stage of status recycled", {"rules": (rule(kind="recycle"),)}),
        ("kind exit needs a target", {"rules": (rule(kind="exit", target=None),)}),
        ("kind reopen leads out of a closed stage", {"rules": (rule(kind="reopen", target=None),)}),
        ("kind reentry leads to a stage of status open", {"rules": (rule(kind="reentry"),)}),
        ("leads out of named stages", {"rules": (rule(sources="*", kind="reentry", target="open"),)}),
        ("on: 'slod' is not declared (did you mean 'sold'?)", {"rules": (rule(on="slod"),)}),
        ("reasons.0: 'x' is not declared", {"rules": (rule(reasons="x"),)}),
        ("a reason is needed, but none is declared", {"rules": (rule(needs_reason=True),)}),
        (
            "limit: 'win' needs a reason, and the limit gives none",
            {
                "stages": (OPEN.replace(limit=LIMIT, type="sla"), WON),
                "rules": (rule(needs_reason=True),),
                "reasons": "r",
            },
        ),
        (
            "'r' is not a reason for 'win'",
            {
                "stages": (OPEN.replace(limit=LIMIT.replace(reason="r"), type="sla"), WON),
                "rules": (rule(reasons="s"),),
                "reasons": ["r", "s"],
            },
        ),
        (
            "'r' needs a note, and a limit gives none",
            {
                "stages": (OPEN.replace(limit=LIMIT.replace(reason="r"), type="sla"), WON),
                "reasons": [Reason(id="r", needs_note=True)],
            },
        ),
        (
            "it can never fire what needs one",
            {"rules": (rule(on="sold", needs_reason=True),), "reasons": ["r"]},
        ),
        (
            "kind reentry leads to a stage of status open",
            {"rules": (rule(kind="reentry", target="g"),), "stages": (OPEN, WON, GATE.replace(id="g", default="won"))},
        ),
        ("must be a list", {"entries": 7}),
        ("must be a list", {"reasons": 7}),
        ("is not bound to a function", {"rules": (rule(guard=CustomGuard(name="x")),)}),
        ("is not bound to a function", {"entries": [EntryStage(stage="open", guard=CustomGuard(name="x"))]}),
    ],
)
def test_each_fault_is_named_with_its_path(said, case):
    assert said in faults(**case)


def test_all_faults_are_told_at_once():
    told = faults(stages=(OPEN, WON, OPEN), rules=(rule(target="x"), rule(sources="y")), entries="z")
    assert told.count("\n  - ") == 4


def test_time_alone_must_not_lead_in_a_circle():
    a = Stage(id="a", type="sla", limit=Limit(after=days(1), trigger="tick"))
    b = Stage(id="b", type="sla", limit=Limit(after=days(1), trigger="tick"))
    rules = (
        Transition(trigger="tick", sources="a", target="b", kind="forward"),
        Transition(trigger="tick", sources="b", target="a", kind="backward"),
    )
    assert "time alone would move a lead in a circle: a > b > a" in faults((a, b), rules)


def test_gates_that_multiply_are_bounded():
    gates = [
        Stage(id=f"g{n}", type="gate", routes=[Route(guard=evidence("a"), target=f"g{n + 1}")], default=f"g{n + 1}")
        for n in range(18)
    ]
    stages = (OPEN, WON, *gates, Stage(id="g18", type="gate", default="open"))
    assert "more than 20,000 moves" in faults(stages, (rule(target="g0"),))


@pytest.mark.parametrize(
    "bad",
    [
        lambda: Stage(id=""),
        lambda: Stage(id="a\nb"),
        lambda: Stage(id="{{x}}"),
        lambda: Stage(id="x" * 101),
        lambda: Stage(id="a", colour="red"),
        lambda: Stage(id=1),
        lambda: Stage.model_validate("open"),
        lambda: Stage.model_validate_json("[]"),
        lambda: Stage(id="a", status="sold"),
        lambda: Stage(id="a", reentry_limit=-1),
        lambda: Transition(trigger="t", sources=(), target="b", kind="forward"),
        lambda: Transition(trigger="t", sources=7, target="b", kind="forward"),
        lambda: Lifecycle(stages=(), transitions=()),
        lambda: Lifecycle(stages=7, transitions=()),
    ],
)
def test_malformed_words_are_refused_with_our_error(bad):
    with pytest.raises(InvalidDefinition):
        bad()


def test_lists_texts_and_plain_words_are_read():
    made = Lifecycle(stages=[OPEN, WON], transitions=[WIN], entries="open", reasons=["price", Reason(id="x")])
    assert made.first.stage == "open"
    assert list(made.reason_by_id) == ["price", "x"]
    assert made.stage("won").status == "won"
    with pytest.raises(errors.UnknownName, match="did you mean 'won'"):
        made.stage("wno")


def test_the_first_declared_stage_is_the_start():
    assert Lifecycle(stages=(OPEN, WON), transitions=(WIN,)).first.stage == "open"


def test_a_lifecycle_is_edited_by_making_another():
    made = Lifecycle(stages=(OPEN, WON), transitions=(WIN,))
    lose = Transition(trigger="lose", sources="*", target="lost", kind="exit")
    more = made.with_stages(Stage(id="lost", status="lost", on_path=False), OPEN.replace(team="m"))
    more = more.with_transitions(lose)
    assert [stage.id for stage in more.stages] == ["open", "won", "lost"]
    assert more.stage("open").team == "m"
    assert [edge.source for edge in more.edges if edge.trigger == "lose"] == ["open"]
    assert more.without("lose").table.triggers == ("win",)
    with pytest.raises(InvalidDefinition, match="did you mean 'lose'"):
        more.without("loose")
    with pytest.raises(InvalidDefinition):
        eight_stage().lifecycle.without("recycle")


def test_the_words_that_fire_are_types_of_fact_and_the_answers_of_a_consent():
    from leadlife import facts

    types = {kind.model_fields["type"].default for kind in facts.Fact.__subclasses__()}
    assert set(FIRING) - types == {facts.consent_event(granted=answer) for answer in (True, False)}


def test_a_model_is_frozen():
    with pytest.raises(Exception, match="a Stage is immutable"):
        OPEN.id = "x"
    assert isinstance(Malformed("x"), ValueError)
