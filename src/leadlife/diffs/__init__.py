"""Comparing playbooks: what is declared differently, what became legal and illegal, and how leads come across."""

from leadlife.diffs.changes import Change, How
from leadlife.diffs.diff import Bump, Diff, diff
from leadlife.diffs.legality import Legality

__all__ = ["Bump", "Change", "Diff", "How", "Legality", "diff"]
