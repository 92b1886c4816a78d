"""Qualification rules, readiness rules, and the index of what each rule reads."""

from leadlife.qualification.rules import Hysteresis, QualificationRule, ReadinessRule

__all__ = ["Hysteresis", "QualificationRule", "ReadinessRule"]
