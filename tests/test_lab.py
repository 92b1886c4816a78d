"""The scoring lab: it runs as a script and as a Jupyter notebook, on the simulated table and on the real one."""

import json
import os
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
LAB, NOTEBOOK = EXAMPLES / "scoring_lab.py", EXAMPLES / "scoring_lab.ipynb"


def run(*command, shared):
    environment = {**os.environ, "LEADLIFE_SHARED": str(shared)}
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, env=environment, cwd=EXAMPLES)


def cells(text):
    return [(cell["cell_type"], "".join(cell["source"])) for cell in json.loads(text)["cells"]]


def test_it_runs_as_a_script_on_a_simulated_table():
    done = run(str(LAB), shared="none")
    assert done.returncode == 0, done.stderr
    for text in (
        "a simulated table",
        "leak: contract",
        "leak: tag",
        "smoothing chosen",
        "calibration on held-out leads",
        "one call more",
    ):
        assert text in done.stdout
    assert "the Olist data are not present" in done.stdout


def test_on_the_real_table_it_warns_of_leaks_and_names_weak_and_good_signals(shared_data):
    done = run(str(LAB), shared=shared_data.parent)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert any(line.startswith("leak: Tags") for line in lines)
    asked = " ".join(line for line in lines if line.startswith("ask:"))
    for column in ("Lead Quality", "Lead Profile", "Last Activity", "Last Notable Activity"):
        assert column in asked
    assert "Tags" not in next(line for line in lines if line.startswith("kept:"))
    olist = [line for line in lines if line.startswith("Olist 2018")]
    assert len(olist) == 2
    assert all("the signal is weak" in line for line in olist)
    assert "the signal is excellent" in next(line for line in lines if line.startswith("calibrated   ROC"))


@pytest.mark.parametrize("lab", ["scoring_lab", "threshold_lab"])
def test_the_jupyter_notebook_is_the_export_of_the_marimo_one(tmp_path, lab):
    exported, source = tmp_path / "lab.ipynb", EXAMPLES / f"{lab}.py"
    done = run("-m", "marimo", "export", "ipynb", str(source), "-o", str(exported), "--sort=top-down", shared="none")
    assert done.returncode == 0, done.stderr
    kept = (EXAMPLES / f"{lab}.ipynb").read_text()
    assert cells(exported.read_text()) == cells(kept), "regenerate it as CONTRIBUTING.md says"


def test_the_threshold_lab_tunes_a_threshold_over_a_simulated_year():
    done = run(str(EXAMPLES / "threshold_lab.py"), shared="none")
    assert done.returncode == 0, done.stderr
    assert "a simulated world" in done.stdout
    granted = [
        int(line.split("┆")[1]) for line in done.stdout.splitlines() if line.startswith("│ ") and "exact" in line
    ]
    assert granted == sorted(granted, reverse=True)
    assert len(set(granted)) == 3


def test_the_jupyter_notebook_runs_from_top_to_bottom_without_marimo(monkeypatch):
    monkeypatch.setenv("LEADLIFE_SHARED", "none")
    monkeypatch.setitem(sys.modules, "marimo", None)
    space = {}
    with redirect_stdout(StringIO()) as out:
        for kind, source in cells(NOTEBOOK.read_text()):
            if kind == "code":
                exec(compile(source, "scoring_lab.ipynb", "exec"), space)  # noqa: S102 - our own notebook
    assert "one call more would bring" in out.getvalue()
    assert space["scored"].height == len(space["test"])
