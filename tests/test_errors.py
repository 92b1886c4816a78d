"""Errors: their codes, their words, and no personal values in them."""

import copy
import inspect
import math
import pickle
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from leadlife import Activity, FieldChanged, Journey, Lead, Limit, Malformed, Stage, Transition, errors, load_fact
from leadlife.criteria import count, field, readiness, score, sold, total
from leadlife.errors import FrozenValue, InvalidDefinition, LeadlifeError
from leadlife.io.playbook_files import as_playbook, parse_toml
from leadlife.leads import Actor
from leadlife.presets import eight_stage
from leadlife.scoring import CustomPolicy, Points, StepDecay
from leadlife.timing import days

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


AT = T0.replace(tzinfo=None)
NAME = "is not a valid name (begin with a letter or a digit; use letters, digits, spaces and . : / & + - _)"


@pytest.mark.parametrize(
    ("make", "faults"),
    [
        (Activity, ["kind: must be given", "at: must be given"]),
        (
            lambda: Activity(kind="call", at=AT),
            ["at: needs a time zone (such as 2026-03-02T09:00:00Z, or in Python datetime(..., tzinfo=UTC))"],
        ),
        (lambda: Activity(kind="call", at="soon"), ["at: must be a date and time, such as 2026-03-02T09:00:00Z"]),
        (lambda: Activity(kind="call", at=T0, extra=1), ["extra: there is no such key"]),
        (lambda: Activity(kind="a\nb", at=T0), [f"kind: {NAME}"]),
        (lambda: Activity(kind="x" * 101, at=T0), ["kind: must have at most 100 characters"]),
        (lambda: Lead(id="a\n"), ["id: must be text of at least one character, without control characters"]),
        (lambda: Lead(id=7, identified="yes"), ["id: must be text", "identified: must be true or false"]),
        (lambda: Lead(id="a", fields=7), ["fields: must be a mapping"]),
        (lambda: Lead(id="a", fields={"mail": object()}), ["fields.mail: must be true or false, a number or text"]),
        (lambda: Lead(id="a", fields={"size": 10**30}), ["fields.size: must be less than 9223372036854775808"]),
        (lambda: Actor(id="a", kind="robot"), ["kind: must be one of: person, system, importer, timer"]),
        (lambda: Actor(id="a", roles=7), ["roles: must be a list"]),
        (lambda: StepDecay(percent=1.5, every=days(1)), ["percent: must be a whole number"]),
        (lambda: StepDecay(percent=101, every=days(1)), ["percent: must be at most 100"]),
        (
            lambda: Limit(after=14, trigger="x"),
            ["after: must be a duration (write days(14) or elapsed(hours=36))"],
        ),
        (lambda: count("call") >= -1, ["value: must be at least 0"]),
        (lambda: total("minutes", "call") >= "5", ["value: must be a number"]),
        (lambda: score("x") >= 1e305, ["value: must be at most 1000000000000.0"]),
        (lambda: field("x") >= math.inf, ["value: must be a finite number"]),
        (lambda: field("x").one_of(), ["value: must have at least 1 item"]),
        (lambda: field("x").one_of(1, object()), ["value.1: must be true or false, a number or text"]),
        (lambda: readiness() >= "soon", ["value: must be one of: early, mid, late"]),
        (
            lambda: CustomPolicy(name="x", scale="pts"),
            ["scale: must be one of: points, probability (did you mean 'points'?)"],
        ),
        (
            lambda: Points(name="x", rules=[7]),
            ["rules.0: must be of a known kind, or a mapping whose op names the kind"],
        ),
        (lambda: Points(name="x", rules=[{"op": "x"}]), ["rules.0: op must be one of: activity, field, tiers"]),
        (
            lambda: Points(name="x", groups={"web": 7}),
            ["groups.web: must be a RuleGroup, or a table of its keys"],
        ),
        (lambda: Lead.model_validate_json("{"), ["is not valid JSON: EOF while parsing an object at line 1 column 1"]),
        (
            lambda: Lead.model_validate_json('{"id": "a", "source": 7}'),
            ["source: must be a Source, or a table of its keys"],
        ),
    ],
)
def test_findings_of_pydantic_are_restated_in_our_words(make, faults):
    with pytest.raises(Malformed) as error:
        make()
    assert [str(fault) for fault in error.value.faults] == faults


def test_other_findings_of_pydantic_keep_their_words():
    from leadlife._base.validation import Finding, findings

    [found] = findings([{"type": "multiple_of", "loc": ("x", 1), "msg": "Input should be a multiple of 3"}])
    assert (found.path, found.message, found.hint) == (("x", 1), "must be a multiple of 3", "")
    union = [
        {"type": kind, "loc": ("x", label), "msg": ""}
        for kind, label in (("int_type", "constrained-int"), ("string_type", "str"))
    ]
    assert findings(union) == [Finding(("x",), "must be a whole number or text")]
    [found] = findings([{"type": "string_pattern_mismatch", "loc": (), "msg": "No match", "ctx": {"pattern": "^x"}}])
    assert (found.path, found.message) == ((), "No match")


class TestWhatWasWritten:
    """A path and a suggestion speak of what stands in the definition, and of nothing that pydantic adds."""

    BASE = 'id = "p"\n[lifecycle]\nstages = [{id = "a"}, {id = "w", status = "won"}]\ntransitions = [TRANSITION]\n'

    @pytest.mark.parametrize(
        ("transition", "more", "says"),
        [
            (
                'guard = { op = "count", kindz = "x" }',
                "",
                "lifecycle.transitions.0.guard.kindz: there is no such key (did you mean 'kinds'?)",
            ),
            (
                'guard = { op = "and", of = [{ op = "count", kinds = "x", compare = "=>" }] }',
                "",
                "lifecycle.transitions.0.guard.of.0.compare: must be one of: ==, !=",
            ),
            ("", '[[qualifications]]\nname = "q"\nentr = 1\n', "qualifications.0.entr: there is no such key (did you mean 'enter'?)"),
            (
                "",
                '[[scores]]\nop = "points"\nname = "q"\nrules = [{op = "activity", name = "r", kinds = "x", points = 3, half_life = "P3D"}]\n',
                'scores.0.rules.0.half_life: a half-life must be exact time, not calendar days or months (write "PT72H")',
            ),
            ("", '[fields.size]\nkind = "x"\n', "fields.size.kind: there is no such key"),
        ],
    )  # fmt: skip
    def test_in_a_file(self, transition, more, says):
        text = self.BASE.replace("TRANSITION", '{trigger = "win", sources = "a", target = "w", MORE}')
        text = text.replace(", MORE", f", {transition}" if transition else "") + more
        with pytest.raises(InvalidDefinition) as caught:
            as_playbook(parse_toml(text))
        assert says in re.sub(r" \(line \d+\)", "", str(caught.value))

    @pytest.mark.parametrize(
        ("hint", "toml", "json"),
        [
            ('set type="sla"', 'set type = "sla"', 'set "type": "sla"'),
            ("write days(14)", 'write "P14D"', 'write "P14D"'),
            ("write elapsed(hours=36)", 'write "PT36H"', 'write "PT36H"'),
            ("needs_note=True", "needs_note = true", '"needs_note": true'),
        ],
    )
    def test_a_hint_is_in_the_language_of_the_file(self, hint, toml, json):
        from leadlife.io.playbook_files import _as_written

        assert (_as_written(hint, json=False), _as_written(hint, json=True)) == (toml, json)

    def test_in_python(self):
        with pytest.raises(InvalidDefinition, match="tringger: there is no such key .did you mean 'trigger'"):
            Transition(tringger="x", sources="a", target="b")
        with pytest.raises(InvalidDefinition, match="count v must be compared"):
            Transition(trigger="x", sources="a", target="b", guard=count("v"))
        with pytest.raises(InvalidDefinition, match="sold is a builder of criteria.*call it: sold"):
            Transition(trigger="x", sources="a", target="b", guard=sold)
        with pytest.raises(InvalidDefinition, match='must be one stage, a list of stages, or "\\*" alone'):
            Transition(trigger="x", sources=["*", "b"], target="b")
        assert repr(count("v")) == "<count v, to be compared>"

    def test_a_fact_that_is_read_has_paths_without_tags(self):
        with pytest.raises(Malformed, match="\n  - at: needs a time zone"):
            load_fact({"type": "activity", "kind": "x", "at": "2026-01-01T00:00:00"})

    def test_values_are_immutable_and_their_parameters_are_shown(self):
        stage = Stage(id="a")
        for change in (lambda: setattr(stage, "id", "b"), lambda: delattr(stage, "id")):
            with pytest.raises(FrozenValue, match="a Stage is immutable") as caught:
                change()
            assert pickle.loads(pickle.dumps(caught.value)).attribute == "id"
        assert list(inspect.signature(Transition).parameters)[:4] == ["signed", "trigger", "sources", "target"]


def test_every_error_is_in_the_tables_of_the_docs():
    """Of each class the code is in one page; the status in the other, where it is not that of its base."""
    docs = Path(__file__).parents[1] / "docs"
    codes, statuses = (docs / "errors.md").read_text(), (docs / "server.md").read_text()
    classes = {one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, LeadlifeError)}
    for one in classes - {LeadlifeError, errors.MoveRefused}:
        assert f"| `{one.code}` | `{one.__name__}` |" in codes, one
        base = one.__mro__[1]
        if base is LeadlifeError or base.http_status != one.http_status:
            assert f"`{one.__name__}`" in statuses, one
