"""The checker: everything that can be proved of a definition, worst first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from leadlife.checks.finding import Code, Finding, Severity
from leadlife.checks.graph import graph_findings
from leadlife.checks.guards import guard_findings, personal_findings
from leadlife.checks.rules import chase_findings, rule_findings
from leadlife.checks.walks import Walks
from leadlife.errors import Fault, InvalidDefinition, Malformed
from leadlife.lifecycle.lifecycle import Lifecycle
from leadlife.playbook.playbook import Playbook


def check(what: Playbook | Lifecycle) -> tuple[Finding, ...]:
    """Return everything that can be proved of a definition, the worst first.

    Faults that make a definition invalid are raised when it is built; what is found here is legal, and still wrong or
    worth knowing. Guards are judged by their questions, one move at a time; code of one's own is taken to answer
    anything.

    Args:
        what: A playbook, or a lifecycle alone.

    Raises:
        Malformed: It is neither.
    """
    if isinstance(what, Playbook):
        walks = Walks(what.lifecycle, what)
        found = [*_of_lifecycle(walks), *rule_findings(what), *personal_findings(what)]
    elif isinstance(what, Lifecycle):
        walks = Walks(what)
        found = [*_of_lifecycle(walks)]
    else:
        raise Malformed("a playbook or a lifecycle is checked")
    return tuple(sorted(found, key=lambda finding: list(Severity).index(finding.severity)))


def _of_lifecycle(walks: Walks) -> Iterator[Finding]:
    yield from graph_findings(walks)
    yield from guard_findings(walks)
    yield from chase_findings(walks)


def unbuildable(error: InvalidDefinition) -> tuple[Finding, ...]:
    """Return the faults that keep a definition from being built, as findings."""
    faults = error.faults or (Fault("", error.message, error.hint),)
    return tuple(Finding(Code.UNBUILDABLE, one.path or "definition", one.message, (), one.hint) for one in faults)


def report(findings: Iterable[Finding]) -> str:
    """Return findings as text."""
    told = [str(finding) for finding in findings]
    shown = "\n".join(told) if told else "nothing found"
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in shown)
