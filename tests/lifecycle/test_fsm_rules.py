"""Rules of state-machine behaviour that W3C's SCXML tests check, where they fit a flat lifecycle.

The numbers are those of the W3C tests; docs/decisions/core.md says which are declined and why.
"""

from datetime import UTC, datetime, timedelta

import pytest

from leadlife import ActivityKind, ActivityRecorded, Journey, Lifecycle, Playbook, Stage, Transition

T0 = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


def journey(*rules, stages=None):
    made = stages or (Stage(id="a"), Stage(id="b"), Stage(id="c"))
    book = Playbook(
        id="p", lifecycle=Lifecycle(stages=made, transitions=rules), activity_kinds={"call": ActivityKind()}
    )
    return Journey.start("x", book, at=T0)


def go(source, target, **more):
    return Transition(**{"trigger": "go", "sources": source, "target": target, "kind": "forward", **more})


def test_355_without_an_explicit_start_the_first_declared_stage_is_the_start():
    assert journey().stage == "a"


def test_387_388_580_reopening_re_enters_the_stage_that_was_left_and_is_never_a_stage_itself():
    stages = (Stage(id="a"), Stage(id="b"), Stage(id="lost", status="lost", on_path=False))
    rules = (
        go("a", "b"),
        Transition(trigger="lose", sources=("a", "b"), target="lost", kind="exit"),
        Transition(trigger="reopen", sources="lost", kind="reopen"),
    )
    began = journey(*rules, stages=stages)
    assert began.move("lose", at=T0 + HOUR).reopen(at=T0 + 2 * HOUR).stage == "a"
    assert began.move("go", at=T0).move("lose", at=T0 + HOUR).reopen(at=T0 + 2 * HOUR).stage == "b"
    assert "reopen" not in began.playbook.lifecycle.by_id


def test_403a_the_first_declared_transition_whose_guard_holds_is_taken():
    assert journey(go("a", "b"), go("a", "c")).move("go", at=T0).stage == "b"


def test_403bc_a_transition_is_taken_once_and_a_pre_empted_one_leaves_no_trace():
    moved = journey(go("a", "b"), go("a", "c"), go("b", "c")).move("go", at=T0)
    assert [visit.stage for visit in moved.visits] == ["a", "b"]
    assert len(moved.explain()) == 2


def test_419_a_fired_move_comes_before_the_next_fact():
    fired = journey(go("a", "b", on="activity"), go("b", "c"))
    told = fired.record(ActivityRecorded(kind="call", at=T0 + HOUR)).move("go", at=T0 + HOUR)
    assert [visit.stage for visit in told.visits] == ["a", "b", "c"]


def test_503_a_transition_without_a_target_neither_leaves_nor_re_enters():
    told = journey(go("a", None)).move("go", at=T0 + HOUR).tick(T0 + 3 * HOUR)
    assert told.time_in_stages() == {"a": 3 * HOUR}
    assert len(told.visits) == 1
    assert told.receipt.status == "stands"


def test_504_505_506_a_self_transition_leaves_and_re_enters():
    told = journey(go("a", "a")).move("go", at=T0 + HOUR).tick(T0 + 3 * HOUR)
    assert [visit.time(told.at) for visit in told.visits] == [HOUR, 2 * HOUR]
    assert told.time_in_stages() == {"a": 3 * HOUR}


def test_every_rule_is_covered_or_declined(shared_data):
    import json
    from pathlib import Path

    rules = json.loads((shared_data / "peer_expectations" / "fsm_rules.json").read_text())["rules"]
    told = Path(__file__).read_text() + (Path(__file__).parents[2] / "docs" / "decisions" / "core.md").read_text()
    for rule in rules:
        first = rule["w3c_test"].split("/")[0]
        assert first in told or first.rstrip("abc") in told, rule


def test_stage_durations_as_another_crm_checks_them(shared_data):
    import json

    case = json.loads((shared_data / "peer_expectations" / "stage_durations.json").read_text())
    names = sorted({step["then_move_to"] for step in case["steps"]} - {None} | {case["start_stage"]})
    rules = tuple(Transition(trigger=f"to {name}", sources="*", target=name, kind="skip") for name in names)
    book = Playbook(id="p", lifecycle=Lifecycle(stages=tuple(Stage(id=n) for n in names), transitions=rules))
    now = datetime.fromisoformat(case["start"]).replace(tzinfo=UTC)
    told = Journey.start("x", book, at=now, stage=case["start_stage"])
    for step in case["steps"]:
        now += timedelta(minutes=step["minutes_pass"])
        told = told.tick(now)
        if step["then_move_to"] is not None:
            told = told.move(f"to {step['then_move_to']}", at=now)
        seconds = {stage: time.total_seconds() for stage, time in told.time_in_stages().items()}
        assert seconds == step["seconds_by_stage"]


@pytest.mark.parametrize("method", ["record", "record_all", "move", "tick", "as_of"])
def test_a_journey_has_no_callbacks(method):
    import inspect

    parameters = inspect.signature(getattr(Journey, method)).parameters
    assert not {"callback", "on_enter", "after"} & set(parameters)
