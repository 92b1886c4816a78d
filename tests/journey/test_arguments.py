"""Arguments of the wrong type: each is named in an error of ours, and nothing is recorded."""

from datetime import UTC, datetime

import pytest

from leadlife import FieldSpec, Journey, Malformed, Stage, errors
from leadlife.presets import eight_stage

T = datetime(2026, 3, 2, 9, tzinfo=UTC)
BOOK = eight_stage()
ADA = Journey.start("ada", BOOK, stage="name", at=T)

WRONG = {
    "record": lambda: ADA.record(None),
    "record_all": lambda: ADA.record_all(None),
    "record_all, one fact": lambda: ADA.record_all(ADA.facts[0]),
    "replay": lambda: Journey.replay(3, BOOK),
    "resume": lambda: Journey.resume({}, ADA.facts, BOOK),
    "resume, facts": lambda: Journey.resume(ADA.snapshot(), None, BOOK),
    "start": lambda: Journey.start(3, BOOK, at=T),
    "start, evidence": lambda: Journey.start("bo", BOOK, at=T, evidence=3),
    "start, evidence as text": lambda: Journey.start("bo", BOOK, at=T, evidence="fit"),
    "grant, evidence as text": lambda: ADA.grant("mql", at=T, evidence=ADA.facts[0].id),
    "adopt": lambda: ADA.adopt(None, at=T),
    "adopt, stages": lambda: ADA.adopt(BOOK.replace(version="9"), at=T, stages=3),
    "refer": lambda: ADA.refer(None, at=T),
    "refer, evidence": lambda: ADA.refer("bo", at=T, evidence="fit"),
    "may, trigger": lambda: ADA.may(3, at=T),
    "may, reason": lambda: ADA.may("disqualify", at=T, reason=3),
    "may, note": lambda: ADA.may("disqualify", at=T, note=3),
    "decision": lambda: ADA.decision([], at=T),
    "score": lambda: ADA.score([], at=T),
    "verdict": lambda: ADA.verdict(3, at=T),
    "facts_since": lambda: ADA.facts_since(None),
    "withdrawn_since": lambda: ADA.withdrawn_since(ADA.facts),
    "drive": lambda: ADA.drive(object(), "identify", at=T),
    "drive, attribute": lambda: ADA.drive(object(), "identify", at=T, attribute=3),
}


@pytest.mark.parametrize("call", WRONG.values(), ids=WRONG)
def test_an_argument_of_the_wrong_type_is_named(call):
    with pytest.raises((Malformed, errors.UnknownName)) as refused:
        call()
    assert refused.value.message
    assert ADA.version == 1


@pytest.mark.parametrize(("model", "written"), [(Stage, "Stage(id=...)"), (FieldSpec, "FieldSpec(type=...)")])
def test_values_are_given_by_name(model, written):
    with pytest.raises(errors.InvalidDefinition) as refused:
        model("offer")
    assert refused.value.hint == f"write {written}"


def test_what_may_refuses_is_what_move_refuses():
    for trigger in ("", "no\nname", 3):
        for ask in (ADA.may, ADA.move):
            with pytest.raises(Malformed, match="trigger"):
                ask(trigger, at=T)


def test_a_refusal_as_plain_values_is_a_copy():
    refusal = Journey("bo", BOOK).may("identify", at=T).refusals[0]
    refusal.to_dict()["details"]["note"] = "mine"
    assert refusal.to_dict()["details"] == {}
