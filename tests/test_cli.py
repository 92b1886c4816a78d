"""The command line: its commands, its output, and how it fails."""

import gc
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from leadlife import Journey, Lifecycle, Stage, Transition
from leadlife.cli import main
from leadlife.cli.demo import _refused
from leadlife.cli.main import _progress
from leadlife.criteria import evidence
from leadlife.errors import InvalidDefinition
from leadlife.lifecycle import Route
from leadlife.planning.simulation import simulate
from leadlife.planning.world import LABEL
from leadlife.presets import eight_stage
from leadlife.reports import graph, mermaid, text


def run(capsys, *arguments):
    code = main(arguments)
    return code, *capsys.readouterr()


def test_demo_shows_a_journey_and_a_funnel(capsys):
    code, out, err = run(capsys, "demo", "--leads", "40")
    assert (code, err) == (0, "")
    assert LABEL in out
    assert "IllegalMove: 'win' is not a legal move from 'lead' (allowed from here:" in out
    for word in ("recycle", "return", "rebuy", "started at target", "40 simulated leads", "total"):
        assert word in out


def test_demo_as_json(capsys):
    code, out, _ = run(capsys, "demo", "--leads", "10", "--json")
    document = json.loads(out)
    assert code == 0
    assert set(document) == {"label", "refusal", "journey", "friend", "funnel"}
    assert document["refusal"]["code"] == "illegal_move"


def test_the_demo_notices_when_its_illegal_move_becomes_legal(monkeypatch):
    world = simulate(1)
    monkeypatch.setattr(Journey, "move", lambda self, *_args, **_options: self)
    with pytest.raises(AssertionError, match="legal now"):
        _refused(world.journeys[0], world.as_of)


def test_the_same_seed_gives_the_same_world():
    assert simulate(30, seed=1).journeys == simulate(30, seed=1).journeys
    assert simulate(30, seed=1).journeys != simulate(30, seed=2).journeys
    world = simulate(300)
    assert {journey.as_of(at=world.as_of).stage for journey in world.journeys} >= {
        "customer",
        "recycled",
        "lost",
        "disqualified",
    }


@pytest.mark.parametrize("bad", [["--leads", "0"], ["--leads", "many"], ["--seed", "x"]])
def test_wrong_calls_end_with_two(capsys, bad):
    with pytest.raises(SystemExit) as stopped:
        main(["demo", *bad])
    assert stopped.value.code == 2
    capsys.readouterr()


def test_draw_draws_a_preset_or_a_mapping(capsys, tmp_path):
    assert run(capsys, "draw")[1].startswith("> awareness  (open, marketing)")
    code, out, _ = run(capsys, "draw", "eight_stage", "--format", "mermaid", "--success-path", "--json")
    assert json.loads(out)["drawing"] == mermaid(graph(eight_stage().lifecycle, success_path=True))
    path = tmp_path / "m.toml"
    path.write_text(
        'id = "m"\nzone = "UTC"\npreset = "eight_stage"\n[[tables]]\nfile = "x.csv"\nlead = "id"\n'
        '[tables.entry]\ncolumn = "d"\n'
    )
    assert run(capsys, "draw", str(path))[0] == 0
    code, _, err = run(capsys, "draw", "eight_stages")
    assert (code, "did you mean 'eight_stage'" in err) == (2, True)
    code, _, err = run(capsys, "draw", "zzz")
    assert (code, "presets are: eight_stage" in err) == (2, True)


def test_labels_are_escaped_and_gates_are_drawn():
    stages = (
        Stage(id="a", label='"<b>]|{{x}}'),
        Stage(id="gate", type="gate", routes=[Route(guard=evidence("y"), target="w")], default="a"),
        Stage(id="w", status="won"),
    )
    rules = (
        Transition(trigger="go", sources="a", target="gate", kind="forward"),
        Transition(trigger="note", sources="a", kind="forward"),
        Transition(trigger="skip", sources="a", target="w", kind="skip"),
    )
    picture = graph(Lifecycle(stages=stages, transitions=rules))
    drawn = mermaid(picture)
    assert '"<b>' not in drawn
    assert 's0["#34;#60;b#62;#93;#124;#123;#123;x#125;#125;"]' in drawn
    assert 's1{{"gate"}}' in drawn
    assert 's0 -->|"go"| s1' in drawn
    assert 's1 -->|"go"| s2' in drawn
    assert 's0 -->|"note"| s0' in drawn
    assert "go   -> gate  [forward]" in text(picture)
    only = graph(Lifecycle(stages=stages, transitions=rules), success_path=True)
    assert all(arrow.kind == "forward" for arrow in only.arrows)


def test_it_runs_as_a_module_and_survives_a_closed_pipe():
    code = f"{sys.executable} -m leadlife demo --leads 20 | head -n 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", code], capture_output=True, text=True)
    assert LABEL in done.stdout
    assert "Traceback" not in done.stderr
    done = subprocess.run([sys.executable, "-m", "leadlife"], capture_output=True, text=True)
    assert done.returncode == 2


@pytest.mark.parametrize("arguments", ["draw", "funnel nowhere.toml --json", "draw --json"])
def test_a_closed_pipe_is_not_an_error(arguments):
    code = f"{sys.executable} -m leadlife {arguments} | true"
    for _ in range(3):
        done = subprocess.run(["bash", "-c", code], capture_output=True, text=True)
        assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only some systems have a device that is always full")
def test_a_full_disk_is_one_line_of_error():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "leadlife", "draw"], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode != 0
    assert "leadlife: No space left on device" in done.stderr


def test_output_in_ascii_still_gets_the_whole_message(tmp_path):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "leadlife", "draw", "é" * 5_000]
    done = subprocess.run(command, capture_output=True, env=environment)
    assert done.returncode == 2
    assert b"is neither a preset nor a file" in done.stderr


def test_main_handles_errors_of_its_output(monkeypatch):
    class Closed(io.StringIO):
        def __init__(self, error):
            super().__init__()
            self.error = error

        def write(self, _text):
            raise self.error

        def fileno(self):
            return os.open(os.devnull, os.O_WRONLY)

    for error, code in ((BrokenPipeError(), 0), (OSError(28, "No space left"), 2)):
        monkeypatch.setattr(sys, "stdout", Closed(error))
        assert main(["draw"]) == code


def test_garbage_collection_is_left_as_it_was(capsys):
    try:
        gc.disable()
        main(["draw"])
        assert not gc.isenabled()
    finally:
        gc.enable()
    main(["draw"])
    assert gc.isenabled()
    capsys.readouterr()


def test_progress_rewrites_its_line(capsys):
    _progress(500, 1000)
    _progress(1000, 1000)
    assert capsys.readouterr().err == "\r  500 of 1,000 leads\r  1,000 of 1,000 leads\n"


def test_a_faulty_definition_lists_every_fault():
    with pytest.raises(InvalidDefinition, match="2 faults"):
        Stage(id="", colour="red")


def test_check_prints_findings_and_exits_with_one(capsys):
    assert main(["check", "eight_stage", "--json"]) == 1
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert {"code", "severity", "where", "story", "hint"} <= set(findings[0])
    assert {one["severity"] for one in findings} == {"warning", "note"}
    assert main(["check", "--at-least", "error"]) == 0
    assert capsys.readouterr().out == "nothing found\n"
    assert main(["check", "nowhere.toml"]) == 2
    assert "cannot read" in capsys.readouterr().err


def test_diff_prints_changes_and_exits_with_one(tmp_path, capsys):
    assert main(["diff", "eight_stage", "eight_stage"]) == 0
    assert capsys.readouterr().out == "no difference\n"
    texts = {
        "before": 'stages = [{id = "a"}, {id = "won", status = "won"}]\ntransitions = [{trigger = "win", sources = ["a"], target = "won", kind = "forward"}]\n',
        "after": 'stages = [{id = "b", meaning = "new"}, {id = "won", status = "won"}]\ntransitions = [{trigger = "win", sources = ["b"], target = "won", kind = "forward"}]\n',
    }
    files = []
    for name, words in texts.items():
        file = tmp_path / f"{name}.toml"
        file.write_text(
            f'id = "x"\nzone = "UTC"\n[lifecycle]\n{words}[[tables]]\nfile = "x.csv"\nlead = "id"\nentry = {{column = "on"}}\n'
        )
        files.append(str(file))
    assert main(["diff", *files, "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert set(document) >= {"changes", "now_legal", "now_illegal", "version_bump"}
    assert document["stages"] == {"a": None}
    assert document["now_illegal"][0]["trigger"] == "win"
    assert main(["diff", *files, "--rename", "a=b"]) == 1
    assert "stage a renamed" in capsys.readouterr().out
    assert main(["diff", *files, "--rename", "a"]) == 1
    assert "OLD=NEW" in capsys.readouterr().err
    assert main(["diff", "eight_stage", "nowhere.toml"]) == 2
    capsys.readouterr()


def test_check_prints_why_a_definition_cannot_be_built(tmp_path, capsys):
    file = tmp_path / "bad.toml"
    file.write_text(
        'id = "x"\nzone = "UTC"\n[lifecycle]\nstages = [{id = "a"}, {id = "g", type = "gate"}]\n'
        'transitions = [{trigger = "go", sources = ["a"], target = "b", kind = "forward"}]\n'
        '[[tables]]\nfile = "x.csv"\nlead = "id"\n'
    )
    assert main(["check", str(file), "--json"]) == 1
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert {one["code"] for one in findings} == {"unbuildable"}
    assert {one["where"] for one in findings} == {
        "lifecycle.stages.1 (line 4)",
        "lifecycle.transitions.0.target (line 5)",
    }


@pytest.mark.usefixtures("code")
class TestPlaybooksInPython:
    @pytest.fixture
    def code(self, tmp_path, monkeypatch):
        (tmp_path / "mine_book.py").write_text(
            "from leadlife.presets import ibm\n\nBOOK = ibm()\nother = 3\n\n\ndef made():\n    return ibm()\n\n\n"
            "def fails():\n    raise ValueError('no paper')\n\n\ndef faulty():\n    return BOOK.replace(review_days=-1)\n\n\n"
            "def leaves():\n    raise SystemExit(0)\n"
        )
        (tmp_path / "mine_broken.py").write_text("import nowhere_at_all\n")
        (tmp_path / "mine_exit.py").write_text("import sys\nsys.exit(0)\n")
        (tmp_path / "mine_faulty.py").write_text("from leadlife import Lifecycle\nBOOK = Lifecycle(stages=[])\n")
        (tmp_path / "mine_odd.py").write_text("def __getattr__(name):\n    raise RuntimeError(name)\n")
        monkeypatch.chdir(tmp_path)
        yield tmp_path
        for name in ("mine_book", "mine_broken", "mine_odd", "mine_faulty"):
            sys.modules.pop(name, None)

    @pytest.mark.parametrize("name", ["mine_book:BOOK", "mine_book:made"])
    def test_a_playbook_in_code_is_checked_drawn_and_compared(self, name, capsys):
        main(["check", name, "--python", "--json"])
        own = capsys.readouterr().out
        main(["check", "ibm", "--json"])
        assert own == capsys.readouterr().out
        assert main(["draw", name, "--python"]) == 0
        assert main(["diff", name, "mine_book:BOOK", "--python"]) == 0

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("mine_book:BOK", "has no name 'BOK' (did you mean 'BOOK'?)"),
            ("mine_book:other", "is an int, not a playbook"),
            ("mine_book:fails", "raised ValueError: no paper"),
            ("mine_book:faulty", "review_days"),
            ("mine_faulty:BOOK", "stages"),
            ("mine_broken:BOOK", "cannot import 'mine_broken': ModuleNotFoundError"),
            ("mine_nowhere:BOOK", "cannot import 'mine_nowhere'"),
            ("mine_exit:BOOK", "cannot import 'mine_exit': SystemExit"),
            ("mine_book:leaves", "raised SystemExit"),
            ("mine_odd:zzz", "raised RuntimeError"),
            ("mine_book", "write it as package.module:NAME"),
            (":BOOK", "write it as package.module:NAME"),
        ],
    )
    def test_what_is_no_playbook_in_code_is_told(self, name, message, capsys):
        before = list(sys.path)
        assert main(["draw", name, "--python"]) != 0
        shown = capsys.readouterr()
        assert message in shown.err + shown.out
        assert sys.path == before

    def test_without_the_flag_no_code_runs(self, capsys):
        assert main(["check", "mine_broken:BOOK"]) != 0
        assert "add --python" in capsys.readouterr().err
