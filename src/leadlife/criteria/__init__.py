"""Criteria: questions about a lead that are true, false or unknown.

A criterion is data: it has a Python form, a JSON form and a sentence in plain words, all with the same meaning. If what
it asks for is not known, it is *unknown* (``None``), which is neither true nor false; ``&``, ``|`` and ``~`` follow
Kleene's strong logic. It reads a lead through a :class:`View` only.

>>> rule = (field("employees") >= 50) & ~evidence("competitor")
>>> print(rule.sentence())
employees is at least 50 and not (evidence of competitor)
"""

from __future__ import annotations

from leadlife.criteria.activities import CountIs, Kinds, SeenIs, SumIs
from leadlife.criteria.builders import (
    at_least,
    band,
    campaign,
    channel,
    consent,
    count,
    cycle,
    days_in_stage,
    evidence,
    field,
    first_seen,
    holds,
    identified,
    in_stage,
    inactive,
    it,
    last_seen,
    latest,
    lead_type,
    readiness,
    recycled_for,
    return_count,
    role,
    score,
    sold,
    total,
)
from leadlife.criteria.comparison import Comparison, Match, Where, matching, where_words
from leadlife.criteria.condition import Criterion, Predicate
from leadlife.criteria.custom import ByRole, CustomGuard
from leadlife.criteria.dates import DateIs, DateRelation
from leadlife.criteria.fields import FieldHas, FieldIs, LatestIs
from leadlife.criteria.lead_state import (
    CycleIs,
    DaysInStage,
    HasEvidence,
    HoldsQualification,
    InStage,
    IsIdentified,
    IsSold,
    Readiness,
    ReadinessIs,
    RecycledFor,
    ReturnsAre,
)
from leadlife.criteria.logic import (
    AllOf,
    AnyCriterion,
    AnyOf,
    AtLeast,
    Guard,
    Not,
    OptionalGuard,
    all_of,
    leaves_of,
    read_criterion,
    verdict_of,
)
from leadlife.criteria.origin import ConsentIs, ConsentState, LeadType, SourceIs, SourcePart
from leadlife.criteria.scores import BandIs, ScoreIs
from leadlife.criteria.view import Observation, Scalar, Scored, Verdict, View

__all__ = [
    "AllOf",
    "AnyCriterion",
    "AnyOf",
    "AtLeast",
    "BandIs",
    "ByRole",
    "Comparison",
    "ConsentIs",
    "ConsentState",
    "CountIs",
    "Criterion",
    "CustomGuard",
    "CycleIs",
    "DateIs",
    "DateRelation",
    "DaysInStage",
    "FieldHas",
    "FieldIs",
    "Guard",
    "HasEvidence",
    "HoldsQualification",
    "InStage",
    "IsIdentified",
    "IsSold",
    "Kinds",
    "LatestIs",
    "LeadType",
    "Match",
    "Not",
    "Observation",
    "OptionalGuard",
    "Predicate",
    "Readiness",
    "ReadinessIs",
    "RecycledFor",
    "ReturnsAre",
    "Scalar",
    "ScoreIs",
    "Scored",
    "SeenIs",
    "SourceIs",
    "SourcePart",
    "SumIs",
    "Verdict",
    "View",
    "Where",
    "all_of",
    "at_least",
    "band",
    "campaign",
    "channel",
    "consent",
    "count",
    "cycle",
    "days_in_stage",
    "evidence",
    "field",
    "first_seen",
    "holds",
    "identified",
    "in_stage",
    "inactive",
    "it",
    "last_seen",
    "latest",
    "lead_type",
    "leaves_of",
    "matching",
    "read_criterion",
    "readiness",
    "recycled_for",
    "return_count",
    "role",
    "score",
    "sold",
    "total",
    "verdict_of",
    "where_words",
]
