"""Proving a definition: what is legal to declare and still wrong, each with the shortest story that shows it."""

from leadlife.checks.check import check, report, unbuildable
from leadlife.checks.finding import Code, Finding, Severity
from leadlife.checks.guards import hysteresis

__all__ = ["Code", "Finding", "Severity", "check", "hysteresis", "report", "unbuildable"]
