"""Qualification rules, readiness rules, and the index of which rule reads what."""

from leadlife.qualification.rules import Hysteresis, QualificationRule, ReadinessRule

__all__ = ["Hysteresis", "QualificationRule", "ReadinessRule"]
