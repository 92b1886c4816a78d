"""Write the Python blocks of README and docs as modules, one a page, so that type checkers can read them.

``python tests/typed_docs.py FOLDER`` writes ``FOLDER/<page>.py``. The blocks of a page follow one another, as they do when
they run. ``make types`` then runs mypy strict and pyright over the folder, without any plugin.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
UNTYPED = {"docs/django.md"}  # Django has types by a plugin of mypy only
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def module_of(page):
    """Return the blocks of a page as one module; imports that come later in the page are fine for a type checker."""
    blocks = [found.group(1) for found in BLOCK.finditer(page.read_text())]
    if "```toml" in page.read_text():
        blocks.insert(0, 'toml = ""')  # what conftest.py keeps of the block before
    future = "from __future__ import annotations\n" if any("from __future__" in block for block in blocks) else ""
    return future + "\n".join(block.replace("from __future__ import annotations\n", "") for block in blocks)


def main(folder):
    """Write every page that has Python blocks."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for old in target.glob("*.py"):
        old.unlink()
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    written = 0
    for page in pages:
        text = module_of(page)
        if text.strip() and str(page.relative_to(ROOT)) not in UNTYPED:
            name = "_".join(page.relative_to(ROOT).with_suffix("").parts).replace("-", "_").lower()
            (target / f"{name}.py").write_text(text)
            written += 1
    print(f"{written} pages as modules in {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
