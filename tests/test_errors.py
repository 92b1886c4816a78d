"""Errors speak to programs and to people, and tell no secrets."""

import copy
import pickle
from datetime import UTC, datetime

import pytest

from leadlife import FieldChanged, Journey, Lead, errors
from leadlife.presets import eight_stage

T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)


def subclasses(kind):
    yield kind
    for child in kind.__subclasses__():
        yield from subclasses(child)


def test_the_drawn_tree_is_the_tree():
    drawn = errors.__doc__
    for kind in subclasses(errors.LeadlifeError):
        assert kind.__name__ in drawn


def test_each_code_is_its_own():
    codes = [kind.code for kind in subclasses(errors.LeadlifeError) if kind is not errors.MoveRefused]
    assert len(set(codes)) == len(codes)


def test_every_refusal_has_its_exception():
    for code in errors.RefusalCode:
        error = errors.Refusal(code, "no").error()
        assert error.code == code
        assert isinstance(error, errors.MoveRefused)


def test_errors_survive_pickling_and_copying():
    refusal = errors.Refusal(errors.RefusalCode.COOLING_DOWN, "no", "wait", {"until": T0})
    error = refusal.error((errors.Refusal(errors.RefusalCode.RECYCLE_LIMIT, "too often"),))
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert (type(again), again.refusal, again.others) == (type(error), error.refusal, error.others)
    plain = errors.Malformed("bad", faults=[errors.Fault("a.b", "wrong", "mend")], hint="h")
    again = pickle.loads(pickle.dumps(plain))
    assert (str(again), again.faults, again.to_dict()) == (str(plain), plain.faults, plain.to_dict())


def test_to_dict_is_ready_for_json():
    import json

    refusal = errors.Refusal(errors.RefusalCode.COOLING_DOWN, "no", "wait", {"until": T0, "n": {"a": (1,)}})
    assert json.loads(json.dumps(refusal.error().to_dict()))["details"]["until"] == T0.isoformat()
    assert str(refusal) == "no (wait)"
    assert str(errors.Refusal(errors.RefusalCode.COOLING_DOWN, "no")) == "no"
    assert str(errors.LeadlifeError("plain")) == "plain"


def test_hints_suggest_or_list():
    assert errors.did_you_mean("wni", ["win", "lose"]) == "did you mean 'win'?"
    assert errors.did_you_mean("zzz", ["win", "lose"]) == "declared are: win, lose"
    assert errors.did_you_mean("zzz", []) == "declared are: none"
    assert errors.did_you_mean("zzz", [f"n{i}" for i in range(20)]).endswith(", ...")


def test_no_value_of_a_field_is_quoted():
    secret = "ada@example.org"
    journey = Journey.start("ada", eight_stage(), at=T0)
    caught = []
    for bad in (
        lambda: FieldChanged(name="mail\n", value=secret, at=T0),
        lambda: journey.record(FieldChanged(name="mail", value=secret, at=T0)),
        lambda: Lead(id=secret + "\n", fields={"mail": object()}),
    ):
        with pytest.raises(errors.Malformed) as error:
            bad()
        caught.append(str(error.value) + repr(error.value.details))
    assert secret not in "".join(caught)
    assert secret not in repr(Journey.start(secret, eight_stage(), at=T0))
    assert secret not in repr(FieldChanged(name="mail", value=secret, at=T0))
    assert secret not in repr(Lead(id="x", fields={"mail": secret}))
