"""Definitions as files: they load as they were dumped, faults have lines, and hostile files are refused quickly."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadlife import Lifecycle, Playbook, Stage, Transition
from leadlife.criteria import CustomGuard, leaves_of
from leadlife.errors import InvalidDefinition, Unreadable, article
from leadlife.io import load_mapping
from leadlife.io.playbook_files import (
    Document,
    as_playbook,
    dump_playbook,
    load_playbook,
    parse_json,
    parse_toml,
    plain_of,
    playbook_schema,
    read_document,
)
from leadlife.lifecycle import StageStatus, TransitionKind
from leadlife.presets import eight_stage
from leadlife.scoring import CustomPolicy
from leadlife.testing import playbooks, policies
from leadlife.testing.contract import _parts_of

EIGHT = eight_stage()


@settings(max_examples=60)
@given(playbooks(), st.lists(policies(), max_size=2, unique_by=lambda policy: policy.name))
def test_what_is_loaded_is_what_was_dumped(playbook, scores):
    data = tuple(policy for policy in scores if not any(isinstance(one, CustomPolicy) for one in _parts_of(policy)))
    with suppress(InvalidDefinition):  # a policy reads what this playbook lacks
        playbook = playbook.replace(scores=data)
    guards = {
        leaf.name: leaf.call
        for _, guard in playbook.lifecycle.guards()
        for leaf in leaves_of(guard)
        if isinstance(leaf, CustomGuard)
    }
    again = as_playbook(parse_json(dump_playbook(playbook)), guards=guards)
    assert again == playbook
    assert again.digest == playbook.digest
    assert dump_playbook(again) == dump_playbook(playbook)


def test_a_file_has_no_defaults(tmp_path):
    file = tmp_path / "eight.json"
    file.write_text(dump_playbook(EIGHT))
    assert load_playbook(file) == EIGHT
    data = json.loads(file.read_text())
    assert data["lifecycle"]["stages"][0] == {
        "id": "awareness", "team": "marketing", "meaning": "knows the company or offer; anonymous",
    }  # fmt: skip
    assert None not in data["lifecycle"]["transitions"][0].values()


def test_one_change_is_one_line():
    before = dump_playbook(EIGHT).splitlines()
    after = dump_playbook(EIGHT.with_lifecycle(EIGHT.lifecycle, version="2")).splitlines()
    assert [line for line in after if line not in before] == ['  "version": "2",']


def test_toml_is_read_as_well(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(
        'id = "mine"\n[lifecycle]\nstages = [{id = "a"}, {id = "won", status = "won"}]\n'
        'transitions = [{trigger = "win", sources = ["a"], target = "won", kind = "forward"}]\n'
    )
    assert load_playbook(file).lifecycle.stage("won").status is StageStatus.WON
    file.write_text('id = "mine"\nlifecycle = 5\n')
    with pytest.raises(InvalidDefinition, match=r"'mine.toml' has faults"):
        load_playbook(file)


def test_a_mapping_may_be_json(tmp_path):
    table = {"file": "x.csv", "lead": "id", "entry": {"column": "on"}}
    file = tmp_path / "mapping.json"
    file.write_text(json.dumps({"id": "x", "zone": "UTC", "preset": "eight_stage", "tables": [table]}, indent=1))
    assert load_mapping(file).playbook().lifecycle == EIGHT.lifecycle
    file.write_text(json.dumps({"id": "x", "zone": "Mars", "preset": "eight_stage", "tables": [table]}, indent=1))
    with pytest.raises(InvalidDefinition, match=r"zone \(line 3\)"):
        load_mapping(file)


def test_faults_have_lines_and_similar_keys():
    text = dump_playbook(EIGHT).replace('"target": "engagement"', '"targit": "engagement"', 1)
    line = next(number for number, words in enumerate(text.splitlines(), 1) if "targit" in words)
    with pytest.raises(InvalidDefinition) as caught:
        as_playbook(parse_json(text, name="mine.json"))
    [fault] = caught.value.faults
    assert fault.path == f"lifecycle.transitions.1.targit (line {line})"
    assert fault.hint == "did you mean 'target'?"
    deep = dump_playbook(EIGHT).replace('"name": "fit"', '"name": ""', 1)
    with pytest.raises(InvalidDefinition, match=r"\(line \d+\)"):
        as_playbook(parse_json(deep))
    with pytest.raises(InvalidDefinition, match="must be given"):
        as_playbook(parse_json("{}"))


def guard(view):
    return view.at.month != 12


def test_code_is_kept_by_name_and_bound_on_loading():
    def mood(lead, activities, at):
        return 7

    rule = Transition(
        trigger="win",
        sources=("a",),
        target="won",
        kind=TransitionKind.FORWARD,
        guard=CustomGuard(name="open", call=guard),
    )
    stages = (Stage(id="a"), Stage(id="won", status=StageStatus.WON))
    playbook = Playbook(id="x", lifecycle=Lifecycle(stages=stages, transitions=(rule,))).with_score(
        CustomPolicy.of(mood)
    )
    text = dump_playbook(playbook)
    assert json.loads(text)["lifecycle"]["transitions"][0]["guard"] == {"op": "custom_guard", "name": "open"}
    again = as_playbook(parse_json(text), policies={"mood": mood}, guards={"open": guard})
    assert again == playbook
    assert again.lifecycle.transitions[0].guard.call is guard
    assert again.scores[0].call is mood
    with pytest.raises(InvalidDefinition, match="'open' is not bound to a function"):
        as_playbook(parse_json(text), policies={"mood": mood})


def test_the_schema_knows_every_key_that_is_written():
    schema = playbook_schema()
    assert set(json.loads(dump_playbook(EIGHT))) <= set(schema["properties"])
    assert {"Stage", "Transition", "Points", "NaiveBayes"} <= set(schema["$defs"])
    assert schema["$defs"]["Points"]["properties"]["op"] == {"const": "points"}
    assert len(schema["properties"]["scores"]["items"]["oneOf"]) > 10
    published = Path(__file__).parents[2] / "docs" / "playbook.schema.json"
    assert json.loads(published.read_text()) == schema, "regenerate it as CONTRIBUTING.md says"


HOSTILE = {
    "deep": "[" * 10_000,
    "megabyte of brackets": "[" * 900_000,
    "deep and closed": '{"a":' * 200 + "1" + "}" * 200,
    "twice": '{"id": 1,\n "id": 2}',
    "twice, once with an escape": '{"id": 1, "\\u0069d": 2}',
    "twice, deep": '{"x": [{"y": 1}, {"y": 1, "y": 2}]}',
    "not a number": '{"a": NaN}',
    "infinite": '{"a": -Infinity}',
    "huge": '{"a": ' + "9" * 5_000 + "}",
    "huge float": '{"a": 1e999}',
    "a list": "[1, 2]",
    "open": "{",
    "text": '"x',
    "no colon": '{"a" 1}',
    "control": "\x00",
    "wide": "[" + "0," * 600_000 + "0]",
    "many": '{"a": [' + "[]," * 160_000 + "[]]}",
    "comma": ",",
    "closed": "]]]]",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_json_is_refused_by_name(name):
    with pytest.raises(Unreadable, match="'the definition'"):
        parse_json(HOSTILE[name])


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 5_000, "a = " + "[" * 150 + "]" * 150, "a = 1\na = 2", "a = 2026-01-01", "a = nan", "a = 1e999",
        "= 1", "x" * 1_000_001,
    ],
)  # fmt: skip
def test_hostile_toml_is_refused(text):
    with pytest.raises(Unreadable):
        parse_toml(text)


def test_a_repeated_key_is_reported_with_its_line():
    with pytest.raises(Unreadable, match="the key 'id' twice: line 2"):
        parse_json(HOSTILE["twice"])


def test_files_that_cannot_be_read(tmp_path):
    for name, data in {"a.json": b"\xff\xfe", "b.json": b" " * 1_000_001, "c.toml": b"\xff"}.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(Unreadable, match=name):
            read_document(tmp_path / name)
    for path in (tmp_path / "none.json", tmp_path, "\x00"):
        with pytest.raises(Unreadable, match="cannot read"):
            read_document(path)


def test_what_is_no_file_is_named(tmp_path):
    for source in ({}, None, 3):
        with pytest.raises(Unreadable, match=f"not by {article(type(source).__name__)}"):
            load_playbook(source)
    with pytest.raises(Unreadable, match="is a directory"):
        load_playbook(".")
    with pytest.raises(Unreadable, match=r"'none.toml': no such file"):
        load_playbook(tmp_path / "none.toml")


@pytest.mark.parametrize("text", ["os.system", "{0.__class__}", "__import__('os')", "${x}"])
def test_no_text_is_evaluated(text):
    data = json.loads(dump_playbook(EIGHT))
    data["lifecycle"]["transitions"][0]["guard"] = text
    with pytest.raises(InvalidDefinition, match="not text"):
        as_playbook(parse_json(json.dumps(data)))


def test_a_second_of_fuzzing():
    from fuzzing import fuzz

    assert fuzz(1.0, seed=1) > 20


def test_a_guard_without_a_proper_name_is_a_fault():
    plain = plain_of(eight_stage())
    plain["lifecycle"]["transitions"][0]["guard"] = {"op": "custom_guard", "name": ["x"]}
    with pytest.raises(InvalidDefinition, match="name"):
        as_playbook(Document("mine", plain, {}), guards={"x": bool})


@pytest.mark.parametrize("text", ['{"a": "' + '\\"' * 400_000, "[" + '"\\"' * 300_000, "a." * 400_000 + "b = 1"])
def test_endless_tokens_are_refused_quickly(text):
    with pytest.raises(Unreadable):
        (parse_toml if text.startswith("a") else parse_json)(text)


def test_a_file_is_read_up_to_the_limit_only():
    with pytest.raises(Unreadable, match="larger"):
        read_document("/dev/zero")
