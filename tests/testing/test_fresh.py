"""Strategies do not depend on which models were built before them."""

import subprocess
import sys


def test_facts_are_drawn_whether_or_not_their_base_was_built_first():
    code = (
        "from leadlife.facts import Fact\n"
        "Fact.model_rebuild()\n"
        "from hypothesis import given, settings\n"
        "from leadlife.presets import eight_stage\n"
        "from leadlife.testing import fact_drafts\n"
        "settings(max_examples=50, database=None)(given(fact_drafts(eight_stage()))(lambda fact: None))()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2_000:]
