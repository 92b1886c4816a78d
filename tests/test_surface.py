"""The public surface: listed, lazy, small, and importing nothing it should not."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import leadlife
from leadlife import economics, planning, scoring, stores, testing

ROOT = Path(__file__).parents[1]


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_the_public_names_are_these():
    listed = (Path(__file__).parent / "public_names.txt").read_text().split()
    assert sorted(leadlife.__all__) == listed


def test_the_stub_and_the_table_name_the_same():
    for package, folder in (
        (leadlife, "leadlife"),
        (scoring, "leadlife/scoring"),
        (planning, "leadlife/planning"),
        (economics, "leadlife/economics"),
        (stores, "leadlife/stores"),
        (testing, "leadlife/testing"),
    ):
        tree = ast.parse((ROOT / "src" / folder / "__init__.pyi").read_text())
        stubbed = {
            alias.asname: node.module for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
        }
        assert stubbed == package._HOMES


def test_every_name_is_there_and_has_a_docstring():
    for name in leadlife.__all__:
        assert getattr(leadlife, name).__doc__
    assert set(leadlife.__all__) <= set(dir(leadlife))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Jorney'"):
        _ = leadlife.Jorney


def test_importing_brings_in_nothing_but_the_declared():
    found = run(
        "import sys; before = set(sys.modules); from leadlife import Journey;"
        "from leadlife.presets import eight_stage; eight_stage().lifecycle.table;"
        "import json; print(json.dumps(sorted({n.split('.')[0] for n in set(sys.modules) - before})))"
    )
    outside = {name for name in found if name not in sys.stdlib_module_names and not name.startswith("_")}
    assert outside <= {
        "leadlife", "pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection",
        "transitions", "six", "dateutil",
    }  # fmt: skip


def test_the_root_imports_nothing_of_the_core():
    found = run("import sys, leadlife, json; print(json.dumps([n for n in sys.modules if n.startswith('leadlife.')]))")
    assert found == ["leadlife._base", "leadlife._base.lazy"]


def test_no_model_is_built_by_the_import():
    built = run(
        "import leadlife, json\n"
        "from leadlife import Journey\n"
        "from leadlife._base.model import Model\n"
        "def kinds(k):\n"
        "    yield k\n"
        "    for c in k.__subclasses__(): yield from kinds(c)\n"
        "print(json.dumps([k.__name__ for k in kinds(Model) if k.__pydantic_complete__ and k.model_fields]))"
    )
    assert built == []


def test_no_file_names_a_registry_and_the_makefile_is_short():
    assert len((ROOT / "Makefile").read_text().splitlines()) <= 55
    assert "://" not in (ROOT / "constraints.txt").read_text()
    assert not (ROOT / "uv.lock").exists()


def test_the_readme_is_short_and_its_picture_is_current():
    import re

    from leadlife.presets import eight_stage
    from leadlife.reports import graph, mermaid

    text = (ROOT / "README.md").read_text()
    assert mermaid(graph(eight_stage().lifecycle, success_path=True)) in text
    assert len(re.sub(r"```.*?```", "", text, flags=re.DOTALL).split()) <= 600


def test_the_first_sentence_is_everywhere():
    sentence = "A journey is a lead's facts replayed through a playbook."
    for name in ("README.md", "docs/index.md", "docs/architecture.md", "src/leadlife/__init__.py"):
        assert sentence in (ROOT / name).read_text()


def test_every_error_code_is_in_the_reference():
    from leadlife import errors

    text = (ROOT / "docs/errors.md").read_text()
    for code in errors.RefusalCode:
        assert f"`{code}`" in text
