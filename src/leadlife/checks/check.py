"""The checker: list everything that it can prove about a definition, the worst first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from leadlife.checks.engagement import engagement_findings
from leadlife.checks.finding import Code, Finding, Severity
from leadlife.checks.graph import graph_findings
from leadlife.checks.guards import guard_findings, personal_findings
from leadlife.checks.rules import chase_findings, rule_findings
from leadlife.checks.walks import Walks
from leadlife.errors import Fault, InvalidDefinition, Malformed
from leadlife.lifecycle.lifecycle import Lifecycle
from leadlife.playbook.playbook import Playbook


def check(what: Playbook | Lifecycle) -> tuple[Finding, ...]:
    """Return every finding about a definition, the worst first.

    A definition that is invalid raises an error when it is built. The checker starts from a valid definition and finds
    what is wrong or worth knowing in it. It analyses guards by the questions that they ask, one move at a time. It
    assumes that custom code may answer anything.

    Args:
        what: A playbook, or a lifecycle alone.

    Raises:
        Malformed: ``what`` is neither a playbook nor a lifecycle.
    """
    if isinstance(what, Playbook):
        walks = Walks(what.lifecycle, what)
        findings = [*_lifecycle_findings(walks), *rule_findings(what), *personal_findings(what)]
        findings += engagement_findings(what)
    elif isinstance(what, Lifecycle):
        walks = Walks(what)
        findings = [*_lifecycle_findings(walks)]
    else:
        raise Malformed(
            f"check() needs a playbook or a lifecycle, got {type(what).__name__}",
            hint="load a file with load_playbook(path), or build a preset with preset(name)",
        )
    # Python's sort is stable: findings of one severity stay in reading order.
    return tuple(sorted(findings, key=lambda finding: list(Severity).index(finding.severity)))


def _lifecycle_findings(walks: Walks) -> Iterator[Finding]:
    yield from graph_findings(walks)
    yield from guard_findings(walks)
    yield from chase_findings(walks)


def unbuildable(error: InvalidDefinition) -> tuple[Finding, ...]:
    """Return the faults that make a definition invalid, as findings."""
    faults = error.faults or (Fault("", error.message, error.hint),)
    return tuple(Finding(Code.UNBUILDABLE, one.path or "definition", one.message, (), one.hint) for one in faults)


def report(findings: Iterable[Finding]) -> str:
    """Return findings as text, one block per finding."""
    text = "\n".join(map(str, findings)) or "nothing found"
    # Names come from files: a control character in one must not send commands to a terminal.
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)
