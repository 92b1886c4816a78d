"""Check a playbook for what is legal to declare and still wrong, and compare two playbooks."""

from leadlife.checks.changes import Change, How
from leadlife.checks.check import check, report, unbuildable
from leadlife.checks.diff import Bump, Diff, diff
from leadlife.checks.finding import Code, Finding, Severity
from leadlife.checks.guards import hysteresis
from leadlife.checks.legality import LegalityChange

__all__ = [
    "Bump",
    "Change",
    "Code",
    "Diff",
    "Finding",
    "How",
    "LegalityChange",
    "Severity",
    "check",
    "diff",
    "hysteresis",
    "report",
    "unbuildable",
]
