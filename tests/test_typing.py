"""Natural spellings run, and a function without a name is refused."""

import pytest

import typed_spellings as spelled
from leadlife import Transition
from leadlife.errors import InvalidDefinition
from leadlife.lifecycle import TransitionKind


def test_natural_spellings_run():
    kinds = [rule.kind for rule in spelled.playbook().lifecycle.transitions]
    assert kinds == ["forward", "forward", "recycle", "reentry"]
    fact_id, seq, recorded_at, kind, roles = spelled.attributes()
    assert (len(fact_id), seq, recorded_at) == (32, 1, spelled.MONDAY)
    assert kind is TransitionKind.FORWARD
    assert roles == ("sales",)
    assert len(spelled.business_hours().week) == 2
    money, ada, call, changed = spelled.numbers_and_dates()
    assert (str(money), ada.fields, call.attributes["on"], changed.value) == (
        "43.50 EUR",
        {"renewal": "2026-05-01", "size": 80},
        "2026-05-01",
        "2026-05-01",
    )
    assert [one.sentence() for one in spelled.windows()][2] == "country is one of DE, AT"
    assert spelled.is_open.__name__ in spelled.transitions()[0].guard.sentence()


def test_a_lambda_is_refused_when_declared():
    with pytest.raises(InvalidDefinition, match="needs a name"):
        Transition(trigger="t", sources="a", target="b", guard=lambda view: True)


def test_deprecated_names_of_pydantic_are_not_completed():
    transition = spelled.transitions()[0]
    for name in (
        "parse_obj",
        "copy",
        "dict",
        "json",
        "from_orm",
        "construct",
        "checked",
        "malformed",
        "model_construct",
    ):
        assert name not in dir(transition)
        assert name not in dir(Transition)
    assert {"trigger", "kind", "replace", "model_dump"} <= set(dir(transition))
