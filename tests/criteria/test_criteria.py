"""Criteria: data, sentences, and three values."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from leadlife import (
    ActivityRecorded,
    EvidenceGiven,
    FieldChanged,
    FieldSpec,
    Identified,
    Journey,
    Malformed,
    Sold,
    Stage,
    Transition,
    days,
)
from leadlife.criteria import (
    AllOf,
    AnyCriterion,
    AnyOf,
    CustomGuard,
    Not,
    Verdict,
    count,
    evidence,
    field,
    identified,
    leaves_of,
    role,
    sold,
)
from leadlife.errors import GuardError
from leadlife.journey.view import JourneyView
from leadlife.presets import eight_stage
from leadlife.timing import months

T0 = datetime(2026, 1, 31, 9, tzinfo=UTC)
DAY = timedelta(days=1)
ADAPTER = TypeAdapter(AnyCriterion)


@pytest.fixture
def journey():
    book = eight_stage().with_fields(size=FieldSpec(type="integer"), city=FieldSpec())
    return Journey.start("ada", book, at=T0, stage="name")


def view(journey, at=None, roles=()):
    return JourneyView(journey._data.shown, at or journey.at, roles)


TERNARY = st.sampled_from([True, False, None])


def constant(value):
    return CustomGuard(name=f"c{value}", call=lambda _view: value)


@given(TERNARY, TERNARY)
def test_logic_is_kleenes(a, b):
    order = {False: 0, None: 1, True: 2}
    both, either, negated = constant(a) & constant(b), constant(a) | constant(b), ~constant(a)
    assert both.test(None) is min(a, b, key=order.get)
    assert either.test(None) is max(a, b, key=order.get)
    assert negated.test(None) is (None if a is None else not a)
    for whole in (both, either, negated):
        assert whole.verdict(None).value is whole.test(None)
        assert [part.value for part in whole.verdict(None).parts] == ([a] if whole is negated else [a, b])


def test_joining_flattens_and_keeps_order():
    a, b, c = evidence("fit"), identified(), sold()
    assert (a & b & c).of == (a, b, c)
    assert (a | (b | c)).of == (a, b, c)
    assert isinstance((a & b) | c, AnyOf)
    assert [*leaves_of((a & b) | ~c)] == [a, b, c]


def test_criteria_and_verdicts_have_no_truth_value():
    with pytest.raises(TypeError, match="join criteria"):
        bool(evidence("fit"))
    with pytest.raises(TypeError, match="three values"):
        bool(Verdict("x", None))
    with pytest.raises(TypeError):
        1 <= count("call") <= 3  # noqa: B015


@pytest.mark.parametrize(
    "criterion",
    [
        field("size") >= 50,
        field("city") == "Recife",
        field("city") != "Recife",
        field("size") < 2.5,
        count("call", "reply", within=days(7)) >= 2,
        count("call", since_recycling=True) == 0,
        ~(evidence("fit") & identified()) | sold(),
        role("sales", "marketing"),
    ],
)
def test_the_json_form_is_the_same_value(criterion):
    text = criterion.model_dump_json()
    again = ADAPTER.validate_json(text)
    assert again == criterion
    assert again.sentence() == criterion.sentence()


def test_sentences_can_be_signed():
    rule = (field("size") >= 50) & ((count("call", "reply", within=months(1)) >= 2) | ~evidence("fit"))
    assert rule.sentence() == (
        "size is at least 50 and (at least 2 of call or reply within 1 month or not (evidence of fit))"
    )
    assert (count("call", since_recycling=True) < 1).sentence() == "fewer than 1 of call since the recycling or win"
    assert role("sales").sentence() == "asked by sales"
    assert sold().sentence() == "a sale is recorded"


def test_inputs_name_what_an_answer_depends_on():
    whole = (field("size") > 1) & (count("call") > 0) & evidence("fit") & role("x") & constant(True) & sold()
    assert [pair for leaf in leaves_of(whole) for pair in leaf.inputs()] == [
        ("field", "size"),
        ("activity", "call"),
        ("evidence", "fit"),
        ("role", "x"),
        ("custom_guard", "cTrue"),
        ("sold", ""),
    ]


def test_a_field_that_is_missing_cleared_or_of_another_type_is_unknown(journey):
    rule = field("size") >= 50
    assert rule.test(view(journey)) is None
    big = journey.record(FieldChanged(name="size", value=50, at=T0))
    assert rule.test(view(big)) is True
    verdict = rule.verdict(view(big))
    assert verdict.facts == (big.facts[-1].id,)
    assert (verdict.word, str(verdict)) == ("true", "size is at least 50: true")
    cleared = big.record(FieldChanged(name="size", value=None, at=T0 + DAY))
    assert rule.test(view(cleared)) is None
    assert rule.verdict(view(cleared)).facts == ()
    assert (field("size") == "50").test(view(big)) is None
    assert (field("size") == True).test(view(big)) is None  # noqa: E712
    assert (field("size") <= 50.0).test(view(big)) is True


def test_a_window_is_half_open_and_its_verdict_says_when_it_changes(journey):
    called = journey.record(ActivityRecorded(kind="call", at=T0)).record(ActivityRecorded(kind="reply", at=T0 + DAY))
    rule = count("call", "reply", within=months(1)) >= 2
    end = datetime(2026, 2, 28, 9, tzinfo=UTC)
    verdict = rule.verdict(view(called))
    assert verdict.value is True
    assert verdict.changes_at == end
    assert rule.test(view(called, end - timedelta(microseconds=1)))
    assert not rule.test(view(called, end))
    assert len(rule.verdict(view(called, end)).facts) == 1
    assert not rule.test(view(called, end + 400 * DAY))
    assert (rule | evidence("fit")).verdict(view(called)).changes_at == end
    assert (count("call") >= 1).verdict(view(called)).changes_at is None


def test_counts_are_never_unknown(journey):
    assert (count("call", "reply") >= 1).test(view(journey)) is False
    assert (count("call") == 0).test(view(journey)) is True


def test_evidence_identified_sold_and_role(journey):
    known = journey.record(EvidenceGiven(name="fit", at=T0)).record(Identified(at=T0)).record(Sold(at=T0))
    everything = evidence("fit") & identified() & sold() & role("sales")
    assert everything.test(view(known, roles=("sales",))) is True
    assert everything.test(view(known)) is False
    assert evidence("fit").test(view(journey)) is None
    assert identified().test(view(journey)) is False
    assert len(everything.verdict(view(known)).facts) == 3
    assert everything.verdict(view(journey)).facts == ()
    no = known.record(EvidenceGiven(name="fit", value=False, at=T0 + DAY))
    assert evidence("fit").test(view(no)) is False


def test_an_unbound_callable_is_an_error():
    with pytest.raises(GuardError, match="not bound"):
        CustomGuard(name="x").test(None)


@pytest.mark.parametrize(
    "guard",
    [
        "os.system",
        "{{ 1 }}",
        {"op": "eval", "code": "1"},
        {"op": ["and"]},
        {"op": "field", "name": "x", "compare": ">=", "value": float("nan")},
        {"op": "field", "name": "x", "compare": ">=", "value": 10**30},
        {"op": "count", "kinds": ["call"], "compare": "contains", "value": 1},
        {"op": "evidence", "name": "__import__('os')"},
        {"op": "and", "of": []},
        lambda _view: True,
        7,
    ],
)
def test_hostile_guards_are_refused_and_nothing_runs(guard):
    with pytest.raises(Malformed):
        Transition(trigger="go", sources="a", target="b", kind="forward", guard=guard)


def test_a_guard_has_its_limits():
    deep = evidence("fit")
    for _ in range(39):
        deep = Not(of=deep)
    with pytest.raises(Malformed, match="40 levels"):
        deep.__invert__()
    with pytest.raises(Malformed, match="200 nodes"):
        AllOf(of=tuple(evidence("fit") for _ in range(300)))
    cyclic = {"op": "not"}
    cyclic["of"] = cyclic
    with pytest.raises(Malformed):
        Transition(trigger="go", sources="a", target="b", kind="forward", guard=cyclic)


def test_stages_and_texts_are_compared_as_they_are():
    assert Stage(id="Id. Decision Makers").name == "Id. Decision Makers"
    assert Stage(id="x", label="X!").name == "X!"
