"""Stock transitions and the plan agree on every lifecycle that the strategies make."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transitions import MachineError

from leadlife import Lifecycle, Stage, Transition
from leadlife.criteria import CustomGuard, evidence
from leadlife.errors import GuardError
from leadlife.journey.view import JourneyView
from leadlife.testing import histories, playbooks


class Thing:
    """A host's object."""


@given(st.data())
def test_the_plan_takes_what_the_machine_takes(data):
    playbook = data.draw(playbooks())
    journey = data.draw(histories(playbook, most=6))
    if journey.stage is None:
        return
    lifecycle = playbook.lifecycle
    for stage in lifecycle.table.status:
        if lifecycle.by_id[stage].type == "gate":
            continue
        roles = data.draw(st.sampled_from([(), ("sales",)]))
        view = JourneyView(journey._data.shown, journey.at, roles)
        machine = lifecycle.machine(view=lambda _thing, view=view: view)
        for trigger in lifecycle.table.triggers:
            thing = Thing()
            machine.set_state(stage, thing)
            edge = lifecycle.table.take(stage, trigger, view)
            try:
                taken = machine.events[trigger].trigger(thing)
            except MachineError:
                assert (stage, trigger) not in lifecycle.table.moves
                continue
            assert taken is (edge is not None)
            assert thing.state == (stage if edge is None or edge.target is None else edge.target)


def build(*guards):
    stages = (Stage(id="a"), *(Stage(id=f"b{n}") for n in range(len(guards))))
    rules = tuple(
        Transition(trigger="go", sources="a", target=f"b{n}", kind="forward", guard=guard)
        for n, guard in enumerate(guards)
    )
    return Lifecycle(stages=stages, transitions=rules)


def opaque(answer):
    def call(_view):
        if isinstance(answer, Exception):
            raise answer
        return answer

    return CustomGuard(name="g", call=call)


@pytest.mark.parametrize("answers", [(False, None, True), (None, False), (True, True), (False, True, None)])
def test_the_first_candidate_that_is_true_is_taken(answers):
    lifecycle = build(*map(opaque, answers))
    machine = lifecycle.machine(view=lambda _thing: None)
    thing = Thing()
    machine.set_state("a", thing)
    machine.events["go"].trigger(thing)
    edge = lifecycle.table.take("a", "go", None)
    expected = f"b{answers.index(True)}" if True in answers else "a"
    assert thing.state == expected
    assert (edge.target if edge else "a") == expected


@pytest.mark.parametrize("answer", [1, "yes", ValueError("x")])
def test_a_guard_that_raises_or_is_merely_truthy_stops_both(answer):
    lifecycle = build(opaque(answer))
    machine = lifecycle.machine(view=lambda _thing: None)
    thing = Thing()
    machine.set_state("a", thing)
    with pytest.raises(GuardError):
        machine.events["go"].trigger(thing)
    with pytest.raises(GuardError):
        lifecycle.table.take("a", "go", None)
    assert thing.state == "a"


def test_a_machine_without_a_view_takes_it_from_the_event():
    machine = build(evidence("fit")).machine()
    thing = Thing()
    machine.set_state("a", thing)
    seen = SimpleNamespace(evidence=lambda _name: SimpleNamespace(value=True))
    assert machine.events["go"].trigger(thing, view=seen)
    assert thing.state == "b0"


def test_the_machine_has_no_automatic_transitions_and_no_model():
    machine = build(evidence("fit")).machine()
    assert list(machine.events) == ["go"]
    assert machine.models == []
    assert machine.initial == "a"
