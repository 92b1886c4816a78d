"""Strategies for the rules of generated playbooks: scores, qualifications, readiness and automatic transitions."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from leadlife.criteria import (
    Readiness,
    consent,
    count,
    cycle,
    days_in_stage,
    evidence,
    field,
    holds,
    identified,
    in_stage,
    inactive,
    lead_type,
    readiness,
    score,
)
from leadlife.lifecycle.transitions import Transition
from leadlife.playbook.playbook import Playbook
from leadlife.qualification.rules import Hysteresis, QualificationRule, ReadinessRule
from leadlife.scoring import ActivityRule, Points, StepDecay
from leadlife.timing import days, elapsed

SCORES = (
    Points(
        name="fading",
        rules=(
            ActivityRule(name="calls", kinds=("call",), points=10, half_life=elapsed(days=2)),
            ActivityRule(name="views", kinds=("page_view",), points=4, at_most=2, half_life=elapsed(hours=30)),
        ),
    ),
    Points(
        name="stepping",
        rules=(
            ActivityRule(name="calls", kinds=("call",), points=10, decay=StepDecay(percent=50, every=days(2))),
            ActivityRule(name="views", kinds=("page_view",), points=3, window=days(3)),
        ),
        start=1,
    ),
)
VALIDITIES = st.sampled_from([None, None, days(3), elapsed(hours=50)])


@st.composite
def with_rules(draw: st.DrawFn, playbook: Playbook) -> Playbook:
    """Generate playbooks with rules from a playbook without any; each rule reads only the rules before it."""
    stages = [stage.id for stage in playbook.lifecycle.stages]
    leaves = [
        evidence("fit"),
        evidence("sql", within=days(2)),
        evidence("sql", within=elapsed(hours=40)),
        identified(),
        field("size") >= 3,
        count("call") >= 1,
        count("call") < 2,
        count("call", "page_view", within=days(3)) >= 2,
        count("call", since_recycling=True) >= 1,
        inactive(days(4)),
        days_in_stage() >= 2,
        cycle() >= 2,
        consent("newsletter") == "granted",
        consent("newsletter") != "granted",
        lead_type("interest"),
        in_stage(stages[0]),
        score("fading") >= 9,
        score("fading") < 4,
        score("stepping") >= 8,
        score("stepping") <= 3,
    ]
    readiness_rule = draw(st.none() | st.tuples(_hystereses(leaves), _hystereses(leaves)).map(_readiness))
    if readiness_rule is not None:
        leaves += [readiness() >= Readiness.MID, readiness() == Readiness.LATE]
    rules: list[QualificationRule] = []
    for number in range(draw(st.integers(0, 3))):
        hysteresis = draw(_hystereses(leaves))
        name = f"q{number}"
        parts = {key: getattr(hysteresis, key) for key in Hysteresis.model_fields}
        rules.append(QualificationRule(name=name, granted_by=draw(st.sampled_from([(), ("sales",)])), **parts))
        leaves += [holds(name), ~holds(name)]
    moves = tuple(draw(_perhaps_automatic(rule, leaves)) for rule in playbook.lifecycle.transitions)
    return playbook.replace(
        scores=SCORES,
        readiness=readiness_rule,
        qualifications=tuple(rules),
        lifecycle=playbook.lifecycle.replace(transitions=moves),
        review_days=draw(st.sampled_from([1, 1, 3])),
    )


def _readiness(pair: tuple[Hysteresis, Hysteresis]) -> ReadinessRule:
    return ReadinessRule(mid=pair[0], late=pair[1])


def _criteria(leaves: list[Any]) -> st.SearchStrategy[Any]:
    one = st.sampled_from(leaves)
    pairs = st.tuples(one, one)
    return one | one.map(lambda c: ~c) | pairs.map(lambda p: p[0] & p[1]) | pairs.map(lambda p: p[0] | p[1])


@st.composite
def _hystereses(draw: st.DrawFn, leaves: list[Any]) -> Hysteresis:
    leave = draw(st.none() | _criteria(leaves))
    lasting = leave is None and draw(st.sampled_from([False, False, True]))
    return Hysteresis(enter=draw(_criteria(leaves)), leave=leave, lasting=lasting, valid_for=draw(VALIDITIES))


@st.composite
def _perhaps_automatic(draw: st.DrawFn, rule: Transition, leaves: list[Any]) -> Transition:
    moves_away = rule.target is not None and rule.target not in rule.sources
    if not moves_away or rule.on is not None or rule.needs_reason or draw(st.booleans()):
        return rule
    if rule.target == "gate":
        return rule  # the gate may lead back to the source, and automatic moves must not go in a circle
    return rule.replace(automatic=True, guard=draw(_criteria(leaves)))
