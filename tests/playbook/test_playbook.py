"""A playbook checks its own words, and admits only facts that use them."""

from datetime import UTC, datetime, timedelta

import pytest

from leadlife import (
    ActivityKind,
    ActivityRecorded,
    Actor,
    EvidenceGiven,
    FieldChanged,
    FieldSpec,
    Journey,
    Lifecycle,
    Malformed,
    Playbook,
    QualificationRule,
    Retracted,
    Sold,
    Stage,
    Transition,
    elapsed,
    errors,
    load_fact,
)
from leadlife.criteria import CustomGuard, count, evidence, field, role
from leadlife.errors import InvalidDefinition
from leadlife.lifecycle import EntryStage, Route
from leadlife.playbook import FieldType
from leadlife.presets import eight_stage
from leadlife.timing import parse_duration

T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def book(guard=None, **options):
    stages = (
        Stage(id="a"),
        Stage(id="b"),
        Stage(
            id="gate",
            type="gate",
            routes=[Route(guard=options.pop("route", evidence("fit")), target="b")],
            default="a",
        ),
    )
    rules = (Transition(trigger="go", sources="a", target="gate", kind="forward", guard=guard),)
    entries = [EntryStage(stage="a", guard=options.pop("entry", None))]
    options = {"evidence": {"fit": ""}, **options}
    return Playbook(id="p", lifecycle=Lifecycle(stages=stages, transitions=rules, entries=entries), **options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"guard": field("sise") > 1, "fields": {"size": FieldSpec()}}, "transitions.0.guard: field 'sise'"),
        ({"guard": count("cal") > 1, "activity_kinds": {"call": ActivityKind()}}, "did you mean 'call'"),
        ({"guard": evidence("fti")}, "did you mean 'fit'"),
        ({"route": evidence("x")}, "stages.2.routes.0.guard: evidence 'x'"),
        ({"entry": evidence("x")}, "entries.0.guard: evidence 'x'"),
        (
            {"guard": field("size") > "x", "fields": {"size": FieldSpec(type="integer")}},
            "is an integer, and the value compared with it is not",
        ),
        (
            {"guard": field("tier") == "c", "fields": {"tier": FieldSpec(choices=["a"])}},
            "never has this value (its choices are: a)",
        ),
    ],
)
def test_a_guard_that_asks_for_what_is_not_declared_is_a_fault(options, said):
    with pytest.raises(InvalidDefinition) as caught:
        book(**options)
    assert said in str(caught.value)


def test_field_types_accept_what_they_hold():
    accepted = {
        FieldType.TEXT: ["x"],
        FieldType.INTEGER: [1],
        FieldType.NUMBER: [1, 1.5],
        FieldType.BOOLEAN: [True],
        FieldType.DATE: ["2026-01-31"],
    }
    for kind, values in accepted.items():
        for value in ("x", 1, 1.5, True, "2026-01-31", "2026-02-30"):
            expected = any(value == v and type(value) is type(v) for v in values)
            expected = expected or (kind is FieldType.TEXT and isinstance(value, str))
            assert kind.accepts(value) is expected


def test_words_can_be_added():
    made = (
        eight_stage().with_fields(size=FieldSpec(type="integer")).with_activity_kinds(visit=ActivityKind(two_way=True))
    )
    journey = Journey.start("x", made, at=T0)
    journey = journey.record(FieldChanged(name="size", value=5, at=T0))
    journey = journey.record(ActivityRecorded(kind="visit", at=T0))
    with pytest.raises(Malformed, match="did you mean 'visit'"):
        journey.record(ActivityRecorded(kind="visti", at=T0))
    assert made.digest != eight_stage().digest


def test_order_and_sets_do_not_change_what_is_said():
    fields = {"a": FieldSpec(), "b": FieldSpec()}
    other = dict(reversed(fields.items()))
    assert book(fields=fields).digest == book(fields=other).digest
    assert Actor(id="x", roles={"c", "a", "b"}).roles == ("a", "b", "c")
    start = Journey.start("x", eight_stage(), at=T0)
    one = start.record(ActivityRecorded(kind="call", attributes={"a": 1, "b": 2.0}, at=T0))
    assert (
        start.record(ActivityRecorded(kind="call", attributes={"b": 2, "a": 1}, at=T0)).facts[-1].id == one.facts[-1].id
    )
    assert (count("call", "call") >= 2).kinds == ("call",)


def test_buttons_and_lines_are_ready_for_json():
    import json

    journey = Journey.start("x", eight_stage(), at=T0)
    buttons = json.loads(json.dumps([option.to_dict() for option in journey.options(at=T0)]))
    assert buttons[0]["refusals"][0]["code"] == "guard_not_met"
    lines = json.loads(json.dumps([line.to_dict() for line in journey.explain()]))
    assert lines[0]["text"] == "started at awareness"


def test_a_move_that_was_retracted_is_not_silently_swallowed():
    journey = Journey.start("x", eight_stage(), at=T0, stage="name").record(ActivityRecorded(kind="call", at=T0))
    moved = journey.move("engage", at=T0 + DAY)
    undone = moved.record(Retracted(target=moved.facts[-1].id, at=T0 + 2 * DAY))
    assert undone.move("engage", at=T0 + DAY).stage == "engagement"
    keyed = journey.move("engage", at=T0 + DAY, key="request 7")
    undone = keyed.record(Retracted(target="request 7", at=T0 + 2 * DAY))
    assert undone.stage == "name"
    with pytest.raises(Malformed, match="this move was recorded and retracted"):
        undone.move("engage", at=T0 + DAY, key="request 7")
    assert undone.move("engage", at=T0 + DAY, key="request 8").stage == "engagement"


def test_a_conflicting_retraction_retracts_nothing():
    journey = Journey.start("x", eight_stage(), at=T0)
    journey = journey.record(EvidenceGiven(name="fit", at=T0, id="A")).record(EvidenceGiven(name="mql", at=T0, id="B"))
    journey = journey.record(Retracted(target="A", at=T0, key="k")).record(Retracted(target="B", at=T0, key="k"))
    assert list(journey.evidence) == ["mql"]
    assert Journey.replay(journey.facts, eight_stage()) == journey


def test_a_conflicting_fact_is_kept_once_and_reported():
    journey = Journey.start("x", eight_stage(), at=T0).record(EvidenceGiven(name="fit", at=T0, id="A"))
    both = journey.record(EvidenceGiven(name="mql", at=T0, id="A"))
    assert both.record(EvidenceGiven(name="mql", at=T0, id="A")).version == both.version
    assert len(both.facts_since(journey)) == 1
    assert Journey.replay([*both.facts, *both.facts], eight_stage()) == both


def test_stamps_that_a_host_sets_are_not_what_a_fact_says():
    journey = Journey.start("ada", eight_stage(), at=T0)
    once = journey.record(Sold(at=T0))
    claim = {"claimed_recorded_at": T0 - DAY}
    for stamps in ({"lead": "ada"}, {"pipeline": "main"}, {"recorded_at": T0 + DAY}, {"seq": 9}, claim):
        assert journey.record(Sold(at=T0, **stamps)).facts[-1].id == once.facts[-1].id


def test_only_the_closed_set_of_facts_is_recorded():
    from leadlife import Fact

    class Mine(EvidenceGiven):
        extra: int = 1

    journey = Journey.start("ada", eight_stage(), at=T0)
    for odd in (Fact(type="sold", at=T0), Mine(name="fit", at=T0)):
        with pytest.raises(Malformed, match="is not a fact"):
            journey.record(odd)


@pytest.mark.parametrize(
    "bad",
    [
        lambda: CustomGuard(name="x", call="os.system"),
        lambda: elapsed(hours=float("nan")),
        lambda: elapsed(hours=float("inf")),
        lambda: elapsed(ages=3),
        lambda: elapsed(days=40_000),
        lambda: parse_duration("P14D\n"),
        lambda: parse_duration(5),
        lambda: eight_stage().lifecycle.stage([]),
        lambda: load_fact({"type": "ann@example.com"}),
    ],
)
def test_odd_arguments_are_our_own_errors(bad):
    with pytest.raises(Malformed) as caught:
        bad()
    assert "ann@example.com" not in str(caught.value)


def test_a_machine_of_the_hosts_own_lets_guard_errors_through():
    import pickle

    error = errors.GuardError("mine", "raised OSError")
    assert isinstance(error, errors.LeadlifeError)
    again = pickle.loads(pickle.dumps(error))
    assert (again.guard, again.problem, str(again)) == ("mine", "raised OSError", "guard 'mine' raised OSError")


class TestRoles:
    def test_a_role_that_is_not_declared_is_a_fault_with_a_suggestion(self):
        book = eight_stage()
        accept = next(rule for rule in book.lifecycle.transitions if rule.trigger == "accept")
        mistyped = book.lifecycle.with_transitions(accept.replace(roles="slaes"))
        with pytest.raises(InvalidDefinition, match="role 'slaes' is not declared .did you mean 'sales'"):
            book.with_lifecycle(mistyped)
        with pytest.raises(InvalidDefinition, match="qualifications.*granted_by.0: role 'sals' is not declared"):
            book.with_qualifications(QualificationRule(name="vip", granted_by="sals"))
        with pytest.raises(InvalidDefinition, match="role 'boss' is not declared"):
            book.with_lifecycle(book.lifecycle.with_transitions(accept.replace(guard=role("boss"))))

    def test_roles_are_added_once(self):
        book = eight_stage().with_roles("boss", "sales")
        assert book.roles == ("marketing", "sales", "boss")
        assert book.with_qualifications(QualificationRule(name="vip", granted_by="boss")).roles == book.roles


def test_two_functions_never_share_a_name():
    def guard(answer, version="1"):
        return CustomGuard(name="fits", version=version, call=lambda _view: answer)

    def book(*guards):
        moves = [Transition(trigger=f"go{n}", sources="a", target="b", guard=one) for n, one in enumerate(guards)]
        return Playbook(id="p", lifecycle=Lifecycle(stages=[Stage(id="a"), Stage(id="b")], transitions=moves))

    one, other = guard(True), guard(False)
    with pytest.raises(InvalidDefinition, match="already the name of another function"):
        book(one, one & ~other)
    assert book(one, ~one, guard(False, "2"))


def test_a_role_is_declared_once():
    with pytest.raises(InvalidDefinition, match="'sales' is declared twice"):
        Playbook(id="p", lifecycle=Lifecycle(stages=[Stage(id="a")], transitions=[]), roles=("sales", "sales"))
