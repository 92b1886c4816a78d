"""The commands ``leadlife replay`` and ``leadlife what-if``."""

import json
import subprocess
import sys

import pytest

from batch.test_counterfactual import leads, playbook
from batch.worlds import book
from leadlife.batch import Progress, write_facts
from leadlife.cli import main
from leadlife.cli.batching import _progress
from leadlife.io.playbook_files import dump_playbook


@pytest.fixture
def files(tmp_path):
    write_facts(list(leads()), tmp_path / "facts.parquet")
    lines = [json.dumps(fact.dump()) for lead in leads() for fact in lead.facts]
    for name in ("facts.jsonl", "facts.JSONL"):
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
    for name, least in (("a", 3), ("b", 2)):
        (tmp_path / f"{name}.json").write_text(dump_playbook(playbook(least, name)), encoding="utf-8")
    (tmp_path / "book.json").write_text(dump_playbook(book()), encoding="utf-8")
    return tmp_path


def run(capsys, *arguments):
    code = main([str(one) for one in arguments])
    return code, *capsys.readouterr()


def test_replay_prints_stages_and_writes_tables(files, capsys):
    asked = ("replay", files / "book.json", "--facts", files / "facts.parquet", "--out", files / "out")
    code, out, err = run(capsys, *asked, "--score", "research")
    assert (code, err) == (0, "")
    assert "4 leads" in out
    assert "customer" in out
    assert f"the tables are in {files / 'out'}" in out
    assert (files / "out" / "scores").is_dir()


@pytest.mark.parametrize("facts", ["facts.parquet", "facts.jsonl", "facts.JSONL"])
def test_replay_as_json_from_columns_and_from_lines(files, capsys, facts):
    code, out, _ = run(
        capsys, "replay", files / "book.json", "--facts", files / facts, "--as-of", "2026-04-01", "--json"
    )
    document = json.loads(out)
    assert (code, document["leads"], document["problems"], document["out"]) == (0, 4, [], None)
    assert [one["stage"] for one in document["stages"]] == ["name"]


def test_what_cannot_be_read_is_printed_and_makes_the_code_1(files, capsys):
    with (files / "facts.jsonl").open("a", encoding="utf-8") as lines:
        lines.write("\n{}" * 12)
    code, out, _ = run(capsys, "replay", files / "book.json", "--facts", files / "facts.jsonl")
    assert code == 1
    assert "set aside: " in out
    assert "... and 2 more; --json lists them all" in out
    code, out, err = run(capsys, "replay", files / "book.json", "--facts", files / "nowhere.parquet")
    assert (code, out) == (2, "")
    assert "there is no file" in err
    assert "nowhere.parquet" in err


def test_what_if_prints_the_difference_and_draws_it(files, capsys):
    asked = ("what-if", files / "a.json", files / "b.json", "--facts", files / "facts.parquet")
    code, out, err = run(capsys, *asked, "--chart", files / "weeks.svg")
    assert (code, err) == (0, "")
    assert "warm" in out
    assert (files / "weeks.svg").read_text(encoding="utf-8").startswith("<svg")
    code, out, _ = run(capsys, *asked, "--json")
    assert (code, json.loads(out)["differing"]) == (0, 3)
    for picture, says in (("x.gif", "cannot write .gif"), ("no/x.png", "there is no folder")):
        code, out, err = run(capsys, *asked, "--chart", files / picture)
        assert (code, out) == (1, "")
        assert says in err


def test_replay_under_another_playbook_and_scores_only_with_a_folder(files, capsys):
    asked = ("replay", files / "book.json", "--facts", files / "facts.parquet")
    code, out, _ = run(capsys, *asked, "--under", files / "a.json")
    assert code == 0
    assert "4 leads" in out
    code, _, err = run(capsys, *asked, "--score", "research")
    assert code == 1
    assert "--score needs --out" in err


def test_progress_is_shown_on_a_terminal(files, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    code, _, err = run(capsys, "replay", files / "book.json", "--facts", files / "facts.parquet")
    assert code == 0
    assert "1 of 1 parts, 4 leads" in err
    code, _, err = run(capsys, "what-if", files / "a.json", files / "b.json", "--facts", files / "facts.parquet")
    assert "a: 1 of 1 parts" in err
    assert "b: 1 of 1 parts" in err
    _progress("")(Progress(1, 2, 3, 4, 0))
    assert not capsys.readouterr().err.endswith("\n")


def test_without_the_extra_the_command_names_it():
    code = (
        "import sys; sys.modules['duckdb'] = None\n"
        "from leadlife.cli import main\n"
        "sys.exit(main(['replay', 'eight_stage', '--facts', 'x.parquet']))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert told.returncode == 1
    assert "pip install 'leadlife[batch]'" in told.stderr


def test_another_missing_module_is_not_taken_for_the_extra():
    code = "import sys; sys.modules['tempfile'] = None\nimport leadlife.batch"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "MissingExtra" not in told.stderr
    assert told.returncode == 1


def test_several_workers_need_loky(files):
    code = (
        "import sys; sys.modules['loky'] = None\n"
        "from leadlife.batch import replay\n"
        "from leadlife.presets import eight_stage\n"
        f"replay({str(files / 'facts.parquet')!r}, eight_stage(), workers=2)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "several workers need loky" in told.stderr
