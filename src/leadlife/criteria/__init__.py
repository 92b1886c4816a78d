"""Criteria: closed, typed, three-valued questions about a lead.

A criterion is data: it has a JSON form, a Python spelling, a plain sentence, and one meaning. Over missing evidence it
is *unknown* (``None``), which is neither true nor false; ``&``, ``|`` and ``~`` follow Kleene's strong logic. It reads
a lead through a :class:`View` and nothing else.

>>> rule = (field("employees") >= 50) & ~evidence("competitor")
>>> print(rule.sentence())
employees is at least 50 and not (evidence of competitor)
"""

from __future__ import annotations

from leadlife.criteria.condition import Comparison, Condition
from leadlife.criteria.leaves import ByRole, CountIs, FieldIs, HasEvidence, IsIdentified, IsSold, Opaque
from leadlife.criteria.logic import AllOf, AnyOf, Criterion, Guard, Not, leaves_of
from leadlife.criteria.spelling import count, evidence, field, identified, role, sold
from leadlife.criteria.view import Observation, Scalar, Verdict, View

__all__ = [
    "AllOf",
    "AnyOf",
    "ByRole",
    "Comparison",
    "Condition",
    "CountIs",
    "Criterion",
    "FieldIs",
    "Guard",
    "HasEvidence",
    "IsIdentified",
    "IsSold",
    "Not",
    "Observation",
    "Opaque",
    "Scalar",
    "Verdict",
    "View",
    "count",
    "evidence",
    "field",
    "identified",
    "leaves_of",
    "role",
    "sold",
]
