"""Pictures: the same graph in three languages, with criteria and counts on request; nothing in a label escapes."""

import re
import shutil
import subprocess

import pytest

from leadlife import Holds, Kind, Lifecycle, Limit, Route, Stage, Status, Transition, days, evidence, field
from leadlife.diagrams import dot, graph, mermaid, text
from leadlife.presets import eight_stage
from leadlife.simulation import simulate

EIGHT = eight_stage()
HOSTILE = 'x"];\n end <script>alert(1)</script> \\'
GATE = Stage(id="sort", holds=Holds.GATE, routes=(Route(guard=field("size") >= 50, target="big"),), default="small")
SORTING = Lifecycle(
    stages=(
        Stage(id="new", label=HOSTILE, limit=Limit(after=days(9), trigger="sort")),
        GATE,
        Stage(id="big"),
        Stage(id="small"),
        Stage(id="won", status=Status.WON),
    ),
    transitions=(
        Transition(trigger="sort", sources="new", target="sort", kind=Kind.FORWARD, guard=evidence("asked")),
        Transition(trigger="win", sources=("big", "small"), target="won", kind=Kind.FORWARD),
        Transition(trigger="note", sources="*", kind=Kind.SKIP),
    ),
)


def test_every_stage_and_every_move_is_drawn():
    drawn = dot(graph(EIGHT))
    boxes, arrows = (
        re.findall(r"^  s\d+ \[label", drawn, re.MULTILINE),
        re.findall(r"^  s\d+ -> s\d+ ", drawn, re.MULTILINE),
    )
    assert len(boxes) == len(EIGHT.lifecycle.stages)
    assert len(arrows) == len(graph(EIGHT).arrows) == mermaid(graph(EIGHT)).count("->|")


def test_criteria_are_told_on_the_arrows_gates_included():
    arrows = {(one.source, one.target): one.asks for one in graph(SORTING, criteria=True).arrows}
    assert arrows["new", "sort"] == ("evidence of asked",)
    assert arrows["sort", "big"] == ("size is at least 50",)
    assert arrows["sort", "small"] == ("else",)
    assert arrows["big", "won"] == ()
    assert all(one.asks == () for one in graph(SORTING).arrows)
    assert "evidence of asked" in text(graph(SORTING, criteria=True))
    assert "size is at least 50" in dot(graph(SORTING, criteria=True))


def test_counts_are_of_all_visits_and_add_up():
    world = simulate(60)
    picture = graph(world.playbook, journeys=world.journeys)
    assert sum(picture.standing.values()) == 60
    moved = sum(arrow.moved for arrow in {(one.source, one.target): one for one in picture.arrows}.values())
    assert moved == sum(len(journey.visits) - 1 for journey in world.journeys)
    [engage] = [one for one in picture.arrows if one.triggers == ("engage",)]
    assert engage.visits == sum(visit.stage == "name" for journey in world.journeys for visit in journey.visits)
    assert engage.labels()[-1] == f"{engage.moved} of {engage.visits}, {engage.moved / engage.visits:.1%} so far"
    never = next(one for one in picture.arrows if one.source == "awareness")
    assert never.labels()[-1] == "0 of 0"
    assert f"customer ({picture.standing['customer']})" in dot(picture)
    assert f"{picture.standing['customer']} here" in text(picture)


def test_labels_stay_labels():
    for drawn in (dot(graph(SORTING)), mermaid(graph(SORTING))):
        assert "<script>" not in mermaid(graph(SORTING))
        assert len([line for line in drawn.splitlines() if "end" in line]) == 1
    assert r"x\"]; end" in dot(graph(SORTING)).replace("  ", " ")


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@pytest.mark.parametrize("what", [EIGHT, SORTING])
def test_graphviz_understands_it(what):
    done = subprocess.run(["dot", "-Tsvg"], input=dot(graph(what, criteria=True)), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "<svg" in done.stdout
