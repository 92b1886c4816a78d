"""Diagrams: the same graph in three formats, with criteria and counts on request, and with escaped labels."""

import re
import shutil
import subprocess

import pytest

from leadlife import Lifecycle, Limit, Stage, Transition, days
from leadlife.criteria import evidence, field
from leadlife.lifecycle import Route, StageStatus, StageType, TransitionKind
from leadlife.planning.simulation import simulate
from leadlife.presets import eight_stage
from leadlife.reports import dot, graph, mermaid, text

EIGHT = eight_stage()
HOSTILE = 'x"];\n end <script>alert(1)</script> \\'
GATE = Stage(id="sort", type=StageType.GATE, routes=(Route(guard=field("size") >= 50, target="big"),), default="small")
SORTING = Lifecycle(
    stages=(
        Stage(id="new", label=HOSTILE, limit=Limit(after=days(9), trigger="sort")),
        GATE,
        Stage(id="big"),
        Stage(id="small"),
        Stage(id="won", status=StageStatus.WON),
    ),
    transitions=(
        Transition(trigger="sort", sources="new", target="sort", kind=TransitionKind.FORWARD, guard=evidence("asked")),
        Transition(trigger="win", sources=("big", "small"), target="won", kind=TransitionKind.FORWARD),
        Transition(trigger="note", sources="*", kind=TransitionKind.SKIP),
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


def test_criteria_are_shown_on_the_arrows_gates_included():
    arrows = {(one.source, one.target): one.asks for one in graph(SORTING, criteria=True).arrows}
    assert arrows["new", "sort"] == ("evidence of asked",)
    assert arrows["sort", "big"] == ("size is at least 50",)
    assert arrows["sort", "small"] == ("else",)
    assert arrows["big", "won"] == ()
    assert all(one.asks == () for one in graph(SORTING).arrows)
    assert "evidence of asked" in text(graph(SORTING, criteria=True))
    assert "size is at least 50" in dot(graph(SORTING, criteria=True))


def test_counts_include_all_visits_and_add_up():
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


def test_long_labels_are_folded():
    drawn = dot(graph(EIGHT, criteria=True))
    widest = max(len(line) for label in re.findall(r'label="(.*?)"', drawn) for line in label.split("\\n"))
    assert "\\n" in drawn
    assert widest <= 60


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


def test_the_agreement_is_in_words_and_escapes_markup(capsys):
    from datetime import date

    from leadlife import QualificationRule, Stage
    from leadlife.cli import main
    from leadlife.criteria import evidence
    from leadlife.lifecycle import Route
    from leadlife.playbook import sign
    from leadlife.presets import PRESETS, mql_pql_sql
    from leadlife.reports import agreement

    for name, made in PRESETS.items():
        assert main(["draw", name, "--format", "agreement"]) == 0
        words = capsys.readouterr().out
        for stage in made().lifecycle.stages:
            assert stage.id.replace("_", "_") in words
        for rule in made().qualifications:
            assert f"### {rule.name}" in words
    hostile = QualificationRule(
        name="evil", label="<script>|*x*\x1b", enter=evidence("pql"), leave=~evidence("pql"), granted_by="sales"
    )
    gate = Stage(id="sort", type="gate", routes=(Route(guard=evidence("pql"), target="pql"),), default="lead")
    life = mql_pql_sql().lifecycle
    sources = [rule.replace(sources="*") if rule.trigger == "disqualify" else rule for rule in life.transitions]
    life = life.replace(stages=(*life.stages, gate), transitions=tuple(sources))
    life = life.with_stages(life.stage("customer").replace(must_pass=True))
    book = sign(mql_pql_sql().with_lifecycle(life).with_qualifications(hostile), "sales", on=date(2026, 3, 2), by="sam")
    book = book.with_qualifications(book.qualification_by_name["evil"].replace(valid_for=days(9)))
    words = agreement(book.replace(review_days=3, readiness=None))
    assert "\\<script\\>|\\*x\\* " in words
    assert "sales (stale)" in words
    assert "| evil | sales | 2026-03-02 | 1 | sam | stale |" in words
    assert "goes to pql if evidence of pql; else goes to lead" in words
    assert "every stage that is neither closed nor a gate" in words
    assert "every path to a sale passes this stage" in words
    assert "- ends when: not (evidence of pql)" in words
    plain = agreement(PRESETS["eight_stage"]().replace(meaning="", review_days=2))
    assert "evaluated again every 2 days" in plain
    assert "- marketing may grant and withdraw it by hand" in plain
    assert "- no role may grant and withdraw it by hand" in plain
    words = agreement(mql_pql_sql().with_qualifications(QualificationRule(name="vip", granted_by="sales")))
    assert "### vip\n\n- sales may grant and withdraw it by hand" in words
