"""Kinds of transitions: what is implied, what must be stated, and what the docs page shows."""

import re
from pathlib import Path

import pytest

from leadlife import Lifecycle, Stage, Transition
from leadlife.criteria import evidence
from leadlife.errors import InvalidDefinition
from leadlife.lifecycle import Route, StageStatus, TransitionKind

STAGES = (
    Stage(id="a"), Stage(id="b"), Stage(id="c"), Stage(id="won", status="won"), Stage(id="twin", status="won"),
    Stage(id="rest", status="recycled"), Stage(id="lost", status="lost"), Stage(id="out", status="disqualified"),
    Stage(id="side", on_path=False),
)  # fmt: skip


def lifecycle(source, target, *, stages=STAGES, **more):
    return Lifecycle(stages=stages, transitions=[Transition(trigger="go", sources=source, target=target, **more)])


@pytest.mark.parametrize(
    ("source", "target", "kind"),
    [
        ("a", "rest", "recycle"), ("won", "rest", "recycle"), ("lost", "rest", "recycle"), ("out", "rest", "recycle"),
        ("a", "lost", "exit"), ("rest", "out", "exit"), ("side", "lost", "exit"),
        ("a", "won", "forward"), ("rest", "won", "forward"), ("side", "won", "forward"),
        ("rest", "b", "reentry"), ("rest", "side", "reentry"),
        ("won", "a", "repeat"), ("won", "side", "repeat"),
        ("a", "b", "forward"), ("b", "c", "forward"), ("a", "c", "skip"), ("c", "a", "backward"), ("b", "a", "backward"),
        (["a", "b"], "lost", "exit"), ("*", "rest", "recycle"), ("*", "lost", "exit"), (["rest"], "a", "reentry"),
    ],
)  # fmt: skip
def test_a_kind_that_the_statuses_and_the_path_imply_need_not_be_stated(source, target, kind):
    made = lifecycle(source, target)
    assert made.transitions[0].kind is TransitionKind(kind)
    assert {edge.rule.kind for edge in made.edges} == {TransitionKind(kind)}
    assert Lifecycle.model_validate_json(made.model_dump_json()) == made
    assert made == lifecycle(source, target, kind=kind)


@pytest.mark.parametrize(
    ("source", "target", "why"),
    [
        ("a", "side", 'a > side may be anything.*for example kind="forward"'),
        ("side", "a", "side > a may be anything"),
        ("a", "a", "a > a may be anything"),
        ("lost", "b", 'lost > b may be anything.*kind="repeat", kind="reentry" or kind="reopen"'),
        ("won", "lost", "won > lost may be anything"),
        ("won", "twin", "won > twin may be anything"),
        ("out", "a", "out > a may be anything"),
        (["a", "b"], "c", 'a > c skip, b > c forward.*for example kind="skip" for all of them, or declare'),
        ("*", "b", "a > b forward, c > b backward, rest > b reentry"),
        ("a", None, "has no target"),
    ],
)
def test_what_is_not_implied_must_be_stated_and_the_error_shows_the_line(source, target, why):
    with pytest.raises(InvalidDefinition, match=why):
        lifecycle(source, target)
    assert lifecycle(source, target, kind="backward" if source not in ("lost", "out", "won") else "repeat")


def test_a_stated_kind_overrules_what_is_implied():
    assert lifecycle("a", "c", kind="forward").transitions[0].kind is TransitionKind.FORWARD


def test_a_gate_whose_routes_differ_implies_nothing_and_one_whose_routes_agree_does():
    def gated(*routes):
        stages = (*STAGES, Stage(id="gate", type="gate", routes=routes, default="b"))
        return lifecycle("a", "gate", stages=stages)

    with pytest.raises(InvalidDefinition, match="a > b forward, a > c skip"):
        gated(Route(guard=evidence("x"), target="c"))
    assert gated(Route(guard=evidence("x"), target="b")).transitions[0].kind is TransitionKind.FORWARD


def test_an_unknown_stage_is_the_only_fault_of_its_transition():
    with pytest.raises(InvalidDefinition) as caught:
        lifecycle("a", "nowhere")
    assert [fault.path for fault in caught.value.faults] == ["transitions.0.target"]


def test_the_docs_page_shows_every_legal_combination():
    page = (Path(__file__).parents[2] / "docs" / "kinds.md").read_text()
    shown = set()
    for kind, source, targets in re.findall(r"^\| (\w+) \| (\w+) \| ([\w*, ]+) \| `", page, re.MULTILINE):
        shown |= {(kind, source, target.strip("* ")) for target in targets.split(",")}
    legal = set()
    for kind in TransitionKind:
        for source in StageStatus:
            for target in StageStatus:
                ends = (Stage(id="first"), Stage(id="x", status=source), Stage(id="y", status=target))
                try:
                    lifecycle("x", "y", stages=ends, kind=kind)
                except InvalidDefinition:
                    continue
                legal.add((kind.value, source.value, target.value))
    assert shown == legal


@pytest.mark.parametrize(("source", "target"), [("won", "lost"), ("lost", "won"), ("lost", "out"), ("lost", "a")])
def test_every_kind_that_an_error_suggests_out_of_a_closed_stage_is_legal(source, target):
    with pytest.raises(InvalidDefinition) as refused:
        lifecycle(source, target)
    kinds = re.findall(r'kind="(\w+)"', refused.value.faults[0].hint)
    assert ("reentry" in kinds) is (target == "a")
    assert {"repeat", "reopen"} <= set(kinds)
    for kind in kinds:
        assert lifecycle(source, target, kind=kind)


def test_an_implied_kind_is_implied_anew_wherever_its_transition_goes():
    made = lifecycle("a", "b")
    order = {stage.id: stage for stage in STAGES}
    turned = made.replace(stages=(order["b"], order["a"], *STAGES[2:]))
    assert turned.transitions[0].kind is TransitionKind.BACKWARD
    further = made.transitions[0].replace(target="c")
    assert made.with_transitions(further).transitions[-1].kind is TransitionKind.SKIP
    stated = lifecycle("a", "b", kind="skip")
    assert stated.transitions[0].replace(target="c").kind is TransitionKind.SKIP
    assert stated.replace(stages=turned.stages).transitions[0].kind is TransitionKind.SKIP


def test_an_implied_kind_that_is_no_longer_implied_must_be_stated():
    made = lifecycle("a", "b")
    aside = tuple(stage.replace(on_path=False) if stage.id == "b" else stage for stage in STAGES)
    with pytest.raises(InvalidDefinition, match="kind of 'go' is not implied"):
        made.replace(stages=aside)
