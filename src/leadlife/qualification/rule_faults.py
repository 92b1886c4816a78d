"""The faults of rules that do not depend on the rest of a playbook."""

from __future__ import annotations

from collections.abc import Iterator

from leadlife.criteria import ByRole, Criterion, HoldsQualification, ReadinessIs, leaves_of
from leadlife.errors import Fault
from leadlife.lifecycle.validation import circles, unbound_faults
from leadlife.qualification.rule_inputs import needs
from leadlife.qualification.rules import QualificationRule, ReadinessRule


def rule_faults(qualifications: tuple[QualificationRule, ...], readiness: ReadinessRule | None) -> Iterator[Fault]:
    """Yield the faults of rules that do not depend on the rest of the playbook: roles, circles, unbound guards."""
    for path, criterion in criteria_of(qualifications, readiness):
        for leaf in leaves_of(criterion):
            if isinstance(leaf, ByRole):
                yield Fault(path, "a rule cannot read the role: no actor evaluates it", "use granted_by")
            elif isinstance(leaf, HoldsQualification) and path.startswith("readiness"):
                yield Fault(
                    path,
                    "readiness cannot read qualifications, because it is evaluated before them",
                    "use the criteria of the qualification",
                )
            elif isinstance(leaf, ReadinessIs) and path.startswith("readiness"):
                yield Fault(path, "readiness cannot read itself", "take this criterion out")
        yield from unbound_faults(path, criterion)
    for circle in _circles(qualifications):
        circle_text = " > ".join(circle)
        yield Fault("qualifications", f"qualifications read each other in a circle: {circle_text}", "break the circle")


def criteria_of(
    qualifications: tuple[QualificationRule, ...], readiness: ReadinessRule | None
) -> Iterator[tuple[str, Criterion]]:
    """Yield every criterion of the rules, with its path."""
    for place, rule in enumerate(qualifications):
        for name, criterion in rule.criteria():
            yield f"qualifications.{place}.{name}", criterion
    if readiness is not None:
        for segment in ("mid", "late"):
            for name, criterion in getattr(readiness, segment).criteria():
                yield f"readiness.{segment}.{name}", criterion


def _circles(rules: tuple[QualificationRule, ...]) -> Iterator[tuple[str, ...]]:
    names = {rule.name for rule in rules}
    yield from circles({rule.name: sorted(needs(rule) & names) for rule in rules})
