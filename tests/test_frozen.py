"""Every mapping inside a frozen value is frozen too: it refuses changes, has a hash, pickles and copies."""

import copy
import json
import pickle
from dataclasses import fields, is_dataclass

import pytest
from hypothesis import given

from leadlife import ActivityRecorded, FieldChanged, Identified, Journey, Lead, PlaybookAdopted
from leadlife._base.model import Model
from leadlife._frozen import FrozenDict, frozen
from leadlife.criteria import CustomGuard, count
from leadlife.errors import GuardError, Refusal, RefusalCode
from leadlife.journey import Snapshot
from leadlife.presets import PRESETS, eight_stage
from leadlife.testing import fact_drafts, playbooks
from stories import T0, at

ada = Journey.start(
    Lead(id="ada", fields={}), eight_stage(), at=T0, stage="name"
).record(ActivityRecorded(kind="call", attributes={"minutes": 3}, at=at(1)))  # fmt: skip

CHANGES = [
    lambda one: one.__setitem__("x", 1),
    lambda one: one.__delitem__("a"),
    lambda one: one.update(x=1),
    lambda one: one.setdefault("x", 1),
    lambda one: one.pop("a"),
    lambda one: one.popitem(),
    lambda one: one.clear(),
    lambda one: one.__ior__({"x": 1}),
]


def plain_dicts(value, path=""):
    """Yield the path of every dictionary inside a value that can be changed."""
    if type(value) is dict:
        yield path
    if isinstance(value, dict):
        for key, one in value.items():
            yield from plain_dicts(one, f"{path}[{key!r}]")
    elif isinstance(value, tuple):
        for place, one in enumerate(value):
            yield from plain_dicts(one, f"{path}[{place}]")
    elif isinstance(value, Model):
        for name in type(value).model_fields:
            yield from plain_dicts(getattr(value, name), f"{path}.{name}")
    elif is_dataclass(value):
        for one in fields(value):
            yield from plain_dicts(getattr(value, one.name), f"{path}.{one.name}")


@pytest.mark.parametrize("change", CHANGES)
def test_a_frozen_mapping_refuses_every_change(change):
    one = FrozenDict(a=1)
    with pytest.raises(TypeError, match="cannot be changed"):
        change(one)
    assert one == {"a": 1}


def test_it_is_a_dictionary_with_a_hash_that_pickles_and_copies():
    one = FrozenDict(a=1, b=FrozenDict(c=2))
    assert hash(one) == hash(FrozenDict(b=FrozenDict(c=2), a=1))
    assert json.loads(json.dumps(one)) == one
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(one, protocol))
        assert (again, type(again)) == (one, FrozenDict)
    assert copy.copy(one) is one
    assert copy.deepcopy(one) == one
    assert {**one, "x": 3} == one | {"x": 3}
    assert frozen({"a": [{"b": 1}]}) == {"a": ({"b": 1},)}


@pytest.mark.parametrize("preset", PRESETS)
def test_no_mapping_of_a_preset_can_be_changed(preset):
    playbook = PRESETS[preset]()
    assert list(plain_dicts(playbook)) == []
    assert hash(playbook) == hash(PRESETS[preset]())
    for found in (playbook.lifecycle.by_id, playbook.qualification_by_name, playbook.score_by_name):
        assert type(found) is FrozenDict


@given(playbooks().flatmap(fact_drafts))
def test_no_mapping_of_a_fact_can_be_changed(fact):
    assert list(plain_dicts(fact)) == []
    assert hash(fact) == hash(copy.deepcopy(fact))
    assert pickle.loads(pickle.dumps(fact)) == fact


def test_no_mapping_of_what_a_journey_gives_can_be_changed():
    adopted = PlaybookAdopted(playbook=eight_stage().ref, stages={"a": "b"}, at=T0)
    refusal = ada.may("nonsense", at=at(2)).refusals[0]
    for value in (ada.facts, ada.lead, ada.snapshot(), adopted, FieldChanged(name="x", value=1, at=T0), refusal):
        assert list(plain_dicts(value)) == []
    with pytest.raises(TypeError, match="cannot be changed"):
        ada.facts[-1].attributes["minutes"] = 4
    assert Journey.resume(Snapshot.load(ada.snapshot().dump()), ada.facts, eight_stage()) == ada


def test_the_details_of_a_refusal_are_a_value():
    given_ = {"allowed": ["a"], "until": T0}
    refusal = Refusal(RefusalCode.ILLEGAL_MOVE, "no", "", given_)
    given_["allowed"].append("b")
    assert refusal.details == {"allowed": ("a",), "until": T0.isoformat()}
    assert pickle.loads(pickle.dumps(refusal)) == refusal
    assert refusal.to_dict()["details"]["allowed"] == ["a"]
    assert hash(Identified(at=T0)) == hash(Identified(at=T0))


def test_a_frozen_mapping_cannot_be_filled_again():
    one = FrozenDict(a=1)
    one.__init__({"a": 5, "b": 6})
    assert one == {"a": 1}


def test_custom_code_cannot_take_activities_away():
    def greedy(view):
        view.kinds().clear()
        return True

    with pytest.raises(GuardError, match="raised AttributeError"):
        ada.verdict(CustomGuard(name="greedy", call=greedy), at=at(2))
    assert ada.verdict(count("call") >= 1, at=at(2)).value is True


def test_the_tables_that_decide_what_is_legal_cannot_be_changed():
    table, index = eight_stage().lifecycle.table, eight_stage().rule_index
    tables = (table.moves, table.reach, table.limits, table.firing, table.status, table.rank)
    for one in (*tables, *table.reach.values(), index.places, index.automatic, index.moves, index.evidence):
        assert type(one) is FrozenDict
