"""The figures of money on real leads: what is assumed is said, and so is what the data cannot bear."""

import runpy
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[1] / "examples" / "olist" / "returns.py"


def test_the_returns_of_olist(shared_data, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [str(EXAMPLE), str(shared_data / "olist")])
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    told = capsys.readouterr().out
    assert "real leads of Olist; spend and margins are assumed" in told
    assert "organic_search      2296  271  11.8 %" in told
    assert told.count("covered") == 3
    assert "early sales are probably missing" in told
