"""Every code block runs: README, docs and docstrings; and what a block prints is what the page shows next."""

from contextlib import redirect_stdout
from io import StringIO

from sybil import Example, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import CodeBlockParser
from sybil.parsers.rest import DocTestParser

PRINTED = "_printed"


class Printing(PythonEvaluator):
    """Runs a block and keeps what it prints for the text block after it."""

    def __call__(self, example: Example) -> None:
        with redirect_stdout(StringIO()) as out:
            super().__call__(example)
        example.namespace[PRINTED] = out.getvalue()


def shown(example: Example) -> None:
    """Compare a text block with what the Python block before it printed, if it printed anything."""
    printed = example.namespace.pop(PRINTED, "")
    if printed:
        assert example.parsed.strip() == printed.strip()  # noqa: S101 - this is a test


def kept(example: Example) -> None:
    """Keep a block of another language under its name, for the Python blocks after it."""
    example.namespace["toml"] = example.parsed


markdown = Sybil(
    parsers=[
        CodeBlockParser(language="python", evaluator=Printing()),
        CodeBlockParser(language="text", evaluator=shown),
        CodeBlockParser(language="toml", evaluator=kept),
    ],
    patterns=["README.md", "*.md", "**/*.md"],
    excludes=["CHANGELOG.md", "CONTRIBUTING.md"],
)
docstrings = Sybil(parsers=[DocTestParser()], patterns=["*.py", "**/*.py"], path="src")

pytest_collect_file = (markdown + docstrings).pytest()
