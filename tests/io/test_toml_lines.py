"""The lines of TOML: every value that the standard parser reads has a line, and it is the one on which it stands."""

import re
import tomllib

import pytest

from leadlife.errors import InvalidDefinition
from leadlife.io.playbook_files import as_playbook, dump_playbook, load_playbook, parse_toml
from leadlife.io.toml_comments import dump_toml
from leadlife.io.toml_lines import toml_lines
from leadlife.presets import PRESETS, preset
from leadlife.scoring import Points
from leadlife.timing import Elapsed, parse_duration

TEXT = '''# a comment with [brackets] and "quotes"
id = "p"  # [not.a.table]
"quoted.key" = 'x = 1'
a.b = 3
text = """
[not] = "a table"
\\""" still text
"""
raw = \'\'\'
[[nor]]
\'\'\'

[lifecycle]
reasons = [
  "one",  # here
  { id = "two", needs_note = true },

  "three",
]
[[lifecycle.stages]]
id = "s0"
[[lifecycle.stages]]
id = "s1"
limit = { after = "P3D", trigger = "x" }
[[lifecycle.stages.routes]]
target = "r0"
[[lifecycle.stages.routes]]
target = "r1"
[fields."a b"]
type = "text"
'''


def places(data, path=()):
    yield path
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from places(value, (*path, str(key)))


def test_every_value_has_the_line_on_which_it_stands():
    lines, rows = toml_lines(TEXT), TEXT.splitlines()
    marked = {
        ("id",): 'id = "p"',
        ("quoted.key",): '"quoted.key"',
        ("a", "b"): "a.b = 3",
        ("text",): 'text = """',
        ("raw",): "raw = '''",
        ("lifecycle", "reasons"): "reasons = [",
        ("lifecycle", "reasons", "0"): '  "one"',
        ("lifecycle", "reasons", "1"): "  { id",
        ("lifecycle", "reasons", "2"): '  "three"',
        ("lifecycle", "stages", "0", "id"): 'id = "s0"',
        ("lifecycle", "stages", "1", "limit"): "limit = {",
        ("lifecycle", "stages", "1", "routes", "1", "target"): 'target = "r1"',
        ("fields", "a b", "type"): 'type = "text"',
    }
    for path, begin in marked.items():
        assert rows[lines[path] - 1].startswith(begin), path
    document = parse_toml(TEXT)
    for path in places(tomllib.loads(TEXT)):
        assert path == () or document.line_of(".".join(path)) is not None or "quoted.key" in path


@pytest.mark.parametrize("name", PRESETS)
def test_the_presets_have_lines_for_all_they_hold(name):
    text = dump_toml(preset(name))
    lines = toml_lines(text)
    for path in places(tomllib.loads(text)):
        # What lies in an inline table has the line of the innermost key that begins one.
        assert path == () or any(path[:length] in lines for length in range(1, len(path) + 1))
    stages = tomllib.loads(text)["lifecycle"]["stages"]
    rows = text.splitlines()
    for place, stage in enumerate(stages):
        assert rows[lines["lifecycle", "stages", str(place), "id"] - 1] == f'id = "{stage["id"]}"'


BASE = 'id = "p"\n[lifecycle]\n[[lifecycle.stages]]\nid = "a"\n[[lifecycle.stages]]\nid = "w"\nstatus = "won"\n[[lifecycle.transitions]]\ntrigger = "t"\nsources = ["a"]\ntarget = "w"\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            BASE + 'rolse = ["x"]\n',
            "lifecycle.transitions.0.rolse (line 12): there is no such key (did you mean 'roles'?)",
        ),
        (
            BASE + "review_days = 2\n",
            "(line 12): there is no such key ('review_days' is a key of the whole: write it before any table)",
        ),
        (
            BASE.replace('id = "w"\n', 'id = "w"\ntarget = "a"\n'),
            "lifecycle.stages.1.target (line 7): there is no such key",
        ),
        (
            BASE.replace('"won"', '"wom"'),
            "lifecycle.stages.1.status (line 7): must be one of: open, recycled, won, lost, disqualified, churned (did you mean 'won'?)",
        ),
        (BASE + 'guard = { op = "feild", name = "x" }\n', "(did you mean 'field'?)"),
        (BASE.replace('["a"]', "[1]"), "lifecycle.transitions.0.sources.0 (line 10): must be text"),
        (
            BASE + '[fields.x]\ntype = "txt"\n',
            "fields.x.type (line 13): must be one of: text, integer, number, boolean, date (did you mean 'text'?)",
        ),
        (
            BASE + '[[qualifications]]\nname = "q"\nenter = { op = "identified" }\nvalid_for = "soon"\n',
            "qualifications.0.valid_for (line 15): must be an ISO 8601 duration",
        ),
    ],
)
def test_a_fault_in_toml_has_its_line_and_a_remedy(text, told):
    with pytest.raises(InvalidDefinition) as caught:
        as_playbook(parse_toml(text, name="p.toml"))
    assert told in str(caught.value)
    assert str(caught.value).count("  - ") == 1
    for raw in ("Input should", "Field required", "literal[", "valid "):
        assert raw not in str(caught.value)


def test_durations_are_written_as_people_do():
    for text in ("P14D", "P1M", "P2M3D", "PT36H", "PT90M", "PT5S", "PT0.500000S", "PT0S"):
        assert parse_duration(text).model_dump(mode="json") == text
    assert parse_duration("PT1209600S").model_dump(mode="json") == "PT336H"
    assert parse_duration("PT3600S").model_dump(mode="json") == "PT1H"
    assert Elapsed(microseconds=90_000_000).model_dump(mode="json") == "PT90S"
    assert not re.findall(r'"PT[0-9]+S"', dump_toml(preset("eight_stage")))


def test_bands_are_written_in_the_order_of_their_limits():
    policy = Points(name="p", rules=[], bands={"hot": 50, "cold": 0, "warm": 20}, floor=0)
    text = dump_toml(preset("ibm").with_score(policy))
    assert "bands = {cold = 0, warm = 20, hot = 50}" in text
    assert policy == Points(name="p", rules=[], bands={"warm": 20, "hot": 50, "cold": 0}, floor=0)
    assert '"bands": {"cold": 0, "warm": 20, "hot": 50}' in " ".join(
        dump_playbook(preset("ibm").with_score(policy)).split()
    ).replace("{ ", "{").replace(" }", "}")


@pytest.mark.parametrize("name", PRESETS)
def test_a_whole_playbook_in_toml_keeps_its_comments(name, tmp_path):
    text = dump_toml(preset(name)).replace(
        "[[lifecycle.stages]]", "# what marketing and sales agreed on\n[[lifecycle.stages]]", 1
    )
    text = text.replace("[[lifecycle.transitions]]", "# a move\n[[lifecycle.transitions]]")
    (tmp_path / "p.toml").write_text(text)
    book = load_playbook(tmp_path / "p.toml")
    assert book == preset(name)
    changed = book.replace(meaning="another")
    again = dump_toml(changed, onto=text)
    assert again.count("# a move") == text.count("# a move")
    assert "# what marketing and sales agreed on" in again
    assert as_playbook(parse_toml(again)) == changed


@pytest.mark.parametrize(
    ("key", "line"),
    [('"utm.source"', 15), ('"Budget (approx. EUR)"', 15), ('"\\u0041x"', 15), ("'a.b'", 15)],
)
def test_keys_with_dots_and_escapes_have_their_own_lines(key, line):
    text = BASE + f'[activity_kinds.form.attributes]\nsource = "text"\n\n{key} = "txet"\n'
    with pytest.raises(InvalidDefinition) as caught:
        as_playbook(parse_toml(text))
    assert f"(line {line})" in str(caught.value)


def test_a_text_without_an_end_of_line_has_its_last_line():
    assert toml_lines("a = 1\n[b]\nc = 2") == {("a",): 1, ("b",): 2, ("b", "c"): 3}
