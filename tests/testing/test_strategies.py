"""The strategies work for any playbook, even one that declares very little."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlife import Lifecycle, Playbook, Stage, Transition, testing
from leadlife.testing import fact_drafts, histories

RULES = (Transition(trigger="win", sources="open", target="won", kind="forward"),)
BARE = Playbook(
    id="bare", lifecycle=Lifecycle(stages=(Stage(id="open"), Stage(id="won", status="won")), transitions=RULES)
)


@given(st.data())
def test_a_bare_playbook_has_facts_and_histories(data):
    draft = data.draw(fact_drafts(BARE))
    assert draft.type not in ("activity", "evidence", "attribute")
    assert data.draw(histories(BARE)).playbook is BARE


def test_without_hypothesis_the_extra_is_named():
    code = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "import leadlife.testing\n"
        "try: leadlife.testing.leads\n"
        "except ImportError as error: print(error)\n"
        "try: leadlife.testing.leeds\n"
        "except AttributeError as error: print(error)\n"
    )
    lines = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    assert lines == [
        "leadlife.testing needs hypothesis (pip install 'leadlife[testing]')",
        "module 'leadlife.testing' has no attribute 'leeds'",
    ]


def test_another_missing_module_is_not_blamed_on_hypothesis(monkeypatch):
    monkeypatch.setitem(testing._HOMES, "leeds", "leadlife.testing.leeds")
    with pytest.raises(ModuleNotFoundError, match=r"leadlife\.testing\.leeds"):
        testing.leeds  # noqa: B018 - the access is the test
