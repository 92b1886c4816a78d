"""The checker: find what is legal to declare and still wrong in a playbook, and compare two playbooks."""

from leadlife.checks.changes import Change, ChangeKind
from leadlife.checks.check import check, report, unbuildable
from leadlife.checks.diff import Bump, Diff, diff
from leadlife.checks.finding import Code, Finding, Severity
from leadlife.checks.guards import hysteresis
from leadlife.checks.legality import LegalityChange

__all__ = [
    "Bump",
    "Change",
    "ChangeKind",
    "Code",
    "Diff",
    "Finding",
    "LegalityChange",
    "Severity",
    "check",
    "diff",
    "hysteresis",
    "report",
    "unbuildable",
]
