"""TOML for people to edit: it loads as the same playbook, and keeps their comments."""

import subprocess
import sys
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadlife import Points
from leadlife.criteria import CustomGuard, leaves_of
from leadlife.errors import InvalidDefinition, Unreadable
from leadlife.io.playbook_files import as_playbook, parse_toml
from leadlife.io.toml_comments import dump_toml
from leadlife.presets import eight_stage
from leadlife.testing import playbooks, points_policies

EIGHT = eight_stage()


def read(text, *playbooks):
    code = [leaf for one in playbooks for _, guard in one.lifecycle.guards() for leaf in leaves_of(guard)]
    return as_playbook(
        parse_toml(text), guards={leaf.name: leaf.call for leaf in code if isinstance(leaf, CustomGuard)}
    )


@settings(max_examples=40)
@given(playbooks(), playbooks(), st.none() | points_policies())
def test_it_loads_as_the_playbook_whatever_text_it_is_written_onto(before, after, policy):
    with suppress(InvalidDefinition):  # it reads what this playbook lacks
        after = after if policy is None else after.with_score(policy)
    first = dump_toml(before)
    assert read(first, before) == before
    assert dump_toml(before, onto=first) == first
    again = read(dump_toml(after, onto=first), after)
    assert again == after
    assert again.digest == after.digest


def test_comments_stay_where_they_were():
    text = dump_toml(EIGHT)
    for wanted, comment in {
        'id = "lead"\n': 'id = "lead"  # agreed with sales on 3 March\n',
        'trigger = "qualify"\n': '# the handover\ntrigger = "qualify"\n',
        'after = "P14D"': 'after = "P14D"',
    }.items():
        assert wanted in text
        text = text.replace(wanted, comment, 1)
    text = f"# our playbook\n{text}"
    stage = EIGHT.lifecycle.stage("lead").replace(meaning="new words")
    changed = EIGHT.with_lifecycle(EIGHT.lifecycle.with_stages(stage).without("rebuy"), version="2")
    after = dump_toml(changed, onto=text)
    assert read(after) == changed
    for comment in ("# our playbook", "# agreed with sales on 3 March", "# the handover"):
        assert comment in after
    gone = [line for line in text.splitlines() if line not in after.splitlines()]
    assert (
        gone == ['meaning = "engaged and meets the agreed criteria"', 'trigger = "rebuy"', 'kind = "repeat"']
        or len(gone) <= 4
    )


def test_a_moved_table_keeps_its_comment():
    text = dump_toml(EIGHT).replace('id = "name"\n', 'id = "name"  # not yet a lead\n', 1)
    first, second, *rest = EIGHT.lifecycle.stages
    reordered = EIGHT.with_lifecycle(EIGHT.lifecycle.replace(stages=(*rest, second, first), entries=()))
    after = dump_toml(reordered, onto=text)
    assert read(after) == reordered
    assert 'id = "name"  # not yet a lead' in after


def test_long_values_are_separate_tables():
    rules = tuple({"op": "field", "name": f"rule {n}", "when": {"op": "identified"}, "points": n} for n in range(1, 9))
    many = EIGHT.with_score(Points.model_validate({"name": "p", "rules": rules}))
    text = dump_toml(many)
    assert "[[scores]]" in text
    assert read(text) == many
    fewer = EIGHT.with_score(Points.model_validate({"name": "p", "rules": rules[:2]}))
    assert read(dump_toml(fewer, onto=text)) == fewer
    assert read(dump_toml(many, onto=dump_toml(fewer))) == many


def test_text_that_is_not_toml_is_refused():
    with pytest.raises(Unreadable, match="not TOML"):
        dump_toml(EIGHT, onto="= 1")


def test_without_the_extra_the_error_names_it():
    code = (
        "import sys; sys.modules['tomlkit'] = None\nfrom leadlife.errors import MissingExtra\n"
        "try:\n    import leadlife.io.toml_comments\nexcept MissingExtra as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "leadlife[toml]" in done.stdout


HANDWRITTEN = """# ours
id = "ours"
version = "1"  # the first
evidence = { yes = "" }

[lifecycle]
[[lifecycle.stages]]
id = "work"  # where all begin

[[lifecycle.stages]]
id = "won"
status = "won"

[[lifecycle.transitions]]
trigger = "win"  # agreed in March
sources = "work"
target = "won"
guard = { op = "evidence", name = "yes" }  # a plain yes
"""


def test_a_text_that_says_the_same_already_is_kept_as_it_is():
    assert dump_toml(as_playbook(parse_toml(HANDWRITTEN)), onto=HANDWRITTEN) == HANDWRITTEN


def test_one_name_without_a_list_keeps_its_comments_though_something_else_changes():
    playbook = as_playbook(parse_toml(HANDWRITTEN)).replace(meaning="new")
    kept = dump_toml(playbook, onto=HANDWRITTEN)
    for comment in ("# ours", "# where all begin", "# agreed in March"):
        assert comment in kept
    assert 'sources = "work"' in kept
    assert as_playbook(parse_toml(kept)) == playbook
