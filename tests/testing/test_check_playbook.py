"""`check_playbook` passes the presets, and finds each fault that is planted in a playbook."""

import random
import subprocess
import sys
from itertools import count as counter

import pytest
from hypothesis import Phase, find, settings

from leadlife import Actor, FieldSpec, Journey, Malformed, Playbook, QualificationRule, Stage, Started, Transition
from leadlife.criteria import CustomGuard, count, evidence, holds, identified, score, sold
from leadlife.lifecycle import TransitionKind
from leadlife.presets import PRESETS, mql_pql_sql
from leadlife.scoring import CustomPolicy, WeightedSum
from leadlife.testing import check_playbook, playbooks, walks
from leadlife.testing import playbook as checking

BOOK = mql_pql_sql()


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_keeps_the_laws(name):
    check_playbook(PRESETS[name](), examples=25)


def moved(*rules, stages=()):
    life = BOOK.lifecycle
    if stages:
        life = life.replace(stages=(*life.stages, *stages), transitions=(*life.transitions, *rules))
        return BOOK.with_lifecycle(life)
    return BOOK.with_lifecycle(life.with_transitions(*rules))


def changed(trigger, **changes):
    life = BOOK.lifecycle
    rules = tuple(rule.replace(**changes) if rule.trigger == trigger else rule for rule in life.transitions)
    return BOOK.with_lifecycle(life.replace(transitions=rules))


def guarded(call):
    return changed("lose", guard=CustomGuard(name="mine", call=call))


def scored(call, **more):
    mine = QualificationRule(name="keen", enter=score("mine") >= 1)
    return BOOK.with_score(CustomPolicy.of(call, name="mine", **more)).with_qualifications(mine)


def jump(target, **more):
    return Transition(trigger="jump", sources="lead", target=target, kind=TransitionKind.SKIP, **more)


def raising(lead, activities, *, at):
    if len(activities) > 1:
        raise ZeroDivisionError
    return 0


def not_a_number(lead, activities, *, at):
    return float("nan") if activities else 0


def random_score(lead, activities, *, at):
    return random.random() * 3


def at_random(view):
    return random.random() < 0.5


FAULTS = {
    "a trap": (moved(jump("limbo"), stages=(Stage(id="limbo"),)), "leads cannot leave 'limbo'"),
    "a stage that nobody reaches": (
        moved(
            Transition(trigger="leave", sources="far", target="lost", kind=TransitionKind.EXIT),
            stages=(Stage(id="far"),),
        ),
        "no lead reaches 'far'",
    ),
    "a guard that is never true": (changed("lose", guard=holds("sql") & ~holds("sql")), "no lead can meet the guard"),
    "a candidate that is never taken": (
        moved(Transition(trigger="lose", sources="sql", target="lost", kind=TransitionKind.EXIT, needs_reason=True)),
        "is never taken",
    ),
    "hysteresis with its bounds exchanged": (
        BOOK.with_qualifications(
            QualificationRule(name="keen", enter=score("research") >= 10, leave=score("research") < 20)
        ),
        "a lead that enters",
    ),
    "automatic moves in a circle": (
        moved(
            jump("mql", guard=count("call") >= 1, automatic=True),
            Transition(
                trigger="back",
                sources="mql",
                target="lead",
                kind=TransitionKind.BACKWARD,
                guard=count("call") >= 1,
                automatic=True,
            ),
        ),
        "automatic moves come to an end",
    ),
    "a guard that raises": (guarded(lambda view: 1 / 0), "its guards answer: lose: guard 'mine' raised"),
    "a guard that returns text": (guarded(lambda view: "yes"), "its guards answer: lose"),
    "a guard that answers at random": (
        guarded(at_random),
        "(its guards answer the same each time|can be (repeated|made)|the same journey)",
    ),
    "a policy that raises": (scored(raising), "raised ZeroDivisionError"),
    "a policy that answers NaN": (scored(not_a_number), "its (rules can be evaluated|policies answer)"),
    "a policy that no rule reads, and raises": (
        BOOK.with_score(CustomPolicy.of(raising, name="mine")),
        "its policies answer: mine: .*raised ZeroDivisionError",
    ),
    "a policy that scores at random": (scored(random_score), "(the same|can be repeated)"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_planted_fault_is_found_and_named(fault, monkeypatch):
    # To make the example small is hypothesis' work, and takes most of the time.
    phases = [phase for phase in checking.PHASES if phase is not Phase.shrink]
    monkeypatch.setattr(checking, "PHASES", phases)
    playbook, message = FAULTS[fault]
    with pytest.raises(AssertionError, match=message) as error:
        check_playbook(playbook, examples=200)
    assert "playbook 'mql_pql_sql' breaks the law" in str(error.value)


def test_findings_that_are_intended_are_left_out():
    check_playbook(FAULTS["a trap"][0], examples=5, ignore=("trap", "no_path_to_won"))


def fickle(answer):
    life = {
        "stages": [{"id": "a"}, {"id": "b"}, {"id": "won", "status": "won"}],
        "transitions": [
            {"trigger": "go", "sources": "a", "target": "b", "kind": "forward",
             "guard": CustomGuard(name="fickle", call=lambda view: answer())},
            {"trigger": "win", "sources": ["a", "b"], "target": "won", "kind": "forward", "on": "sold"},
        ],
    }  # fmt: skip
    return Playbook(id="fickle", lifecycle=life)


def test_a_guard_that_allows_and_then_refuses_is_found():
    answers = random.Random(3)
    with pytest.raises(AssertionError, match=r"(a move that is allowed can be made|answer the same|can be repeated)"):
        check_playbook(fickle(lambda: answers.random() < 0.5), examples=300)


def test_a_move_that_was_allowed_and_is_refused_is_found():
    from leadlife.testing.playbook import EPOCH, _moved

    answers = counter()
    book = fickle(lambda: next(answers) < 1)  # yes to the question, no to the move
    journey = Journey("fickle", book).record(Started(stage="a", playbook=book.ref, at=EPOCH))
    with pytest.raises(AssertionError, match="a move that is allowed can be made: go at"):
        _moved(lambda options: find(options, bool), journey, EPOCH, Actor(id="sam"))


def test_walks_use_every_name_of_a_playbook():
    fields = {
        "size": FieldSpec(type="integer"), "share": FieldSpec(type="number"), "on": FieldSpec(type="boolean"),
        "since": FieldSpec(type="date"), "tier": FieldSpec(choices=("a", "b")), "city": FieldSpec(),
    }  # fmt: skip
    life = {
        "stages": [{"id": "a"}, {"id": "won", "status": "won"}],
        "transitions": [
            {"trigger": "win", "sources": "a", "target": "won", "kind": "forward", "guard": count() >= 1},
            {"trigger": "sell", "sources": "a", "target": "won", "kind": "forward", "guard": identified() & sold()},
        ],
    }
    both = WeightedSum(
        name="both",
        of=(
            {"policy": CustomPolicy.of(lambda lead, activities, *, at: 1, name="one")},
            {"policy": CustomPolicy(name="two")},
        ),
    )
    book = Playbook(id="wordy", lifecycle=life, fields=fields, scores=(both,))
    check_playbook(book, examples=60, ignore=("no_timed_exit",))


def test_only_a_playbook_can_be_checked():
    with pytest.raises(Malformed, match="check_playbook needs a playbook"):
        check_playbook(BOOK.lifecycle)


def test_opaque_guards_and_policies_survive_the_file():
    check_playbook(scored(lambda lead, activities, *, at: len(activities)), examples=5)
    check_playbook(guarded(lambda view: True), examples=5)


def test_walks_follow_the_playbook_and_reach_its_end():
    # That there are such walks is asked, not which one is the smallest: that takes half a minute.
    any_one = settings(max_examples=5_000, phases=[Phase.generate], database=None, deadline=None)
    far = find(walks(BOOK), lambda one: one.stage == "customer" and len(one.cycles) > 0, settings=any_one)
    assert far.playbook == BOOK
    assert find(playbooks(), lambda one: bool(one.qualifications), settings=any_one).rule_index
    assert find(walks(BOOK), lambda one: evidence("need").test(_view(one)) is False, settings=any_one)


def _view(journey):
    from leadlife.journey.view import JourneyView

    return JourneyView(journey._data.shown, journey.at, ())


def test_the_pytest_plugin_is_thin_and_its_fixtures_work(tmp_path):
    (tmp_path / "test_mine.py").write_text(
        "import sys\n"
        "def test_thin():\n"
        "    assert not [name for name in sys.modules if name.startswith('leadlife.') and 'testing' not in name\n"
        "                and name not in ('leadlife._base', 'leadlife._base.lazy', 'leadlife._frozen', 'leadlife.errors')]\n"
        "def test_laws(check_playbook, check_policy):\n"
        "    from leadlife.presets import ibm\n"
        "    check_playbook(ibm(), examples=2)\n"
        "    check_policy(ibm().scores[0], examples=2)\n"
    )
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "2 passed" in run.stdout


def test_no_single_fact_makes_a_comparison_of_a_field_true():
    from leadlife.criteria import field
    from leadlife.testing.playbook import _supporting_facts

    assert list(_supporting_facts(field("size") > 1, BOOK)) == []
