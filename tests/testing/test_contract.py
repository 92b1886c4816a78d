"""The contract check: the policies of leadlife pass, and each law finds the policy that breaks it."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadlife import Activity, Lead, Malformed, Playbook, Score, days
from leadlife.criteria import Criterion, count, field
from leadlife.scoring import (
    ActivityRule,
    Contribution,
    CustomPolicy,
    FieldRule,
    LineKind,
    Overridden,
    Points,
    Policy,
    Scale,
    TierRule,
    account_engagement,
    eloqua,
    hubspot,
    mautic,
)
from leadlife.testing import check_policy, policies

SHIPPED = [
    *mautic(
        actions=[
            ActivityRule(name="a", kinds="call", points=3),
            ActivityRule(name="b", kinds="form", points=9, group="g"),
        ]
    ),
    eloqua(
        profile=[TierRule(name="size", tiers=((field("size") >= 50, 100), (field("size").known(), 20)), percent=80)],
        engagement=[TierRule(name="calls", tiers=((count("call", within=days(7)) >= 2, 100),), percent=60)],
    ),
    hubspot(
        fit=[FieldRule(name="size", when=field("size") >= 50, points=60)],
        engagement=[ActivityRule(name="call", kinds="call", points=30, window=days(30), group="web")],
        high={"fit": 50, "engagement": 50},
        middle={"fit": 20, "engagement": 20},
        group_limits={"web": 70},
    ),
    account_engagement({"size": (field("size") >= 50, 3), "city": (field("city") == "Porto", 2)}),
]


@pytest.mark.parametrize("policy", SHIPPED, ids=lambda policy: policy.name)
def test_our_policies_keep_the_contract(policy):
    check_policy(policy, examples=20)


@settings(suppress_health_check=list(HealthCheck))
@given(policies())
def test_every_generated_policy_keeps_the_contract(policy):
    check_policy(policy, examples=4)


def test_a_function_keeps_it_because_it_is_bound():
    def newest_first(_lead, activities, *, at):
        return {"calls": sum(activity.kind == "call" for activity in activities), "last": len(activities[-1:])}

    check_policy(newest_first, rising=("call",), unrelated=None)


class Breaking:
    """A policy that breaks one law, with the function of the test."""

    name, version = "breaking", "1"

    def __init__(self, scoring):
        self._scoring = scoring

    def score(self, lead, activities, *, at):
        return self._scoring(lead, activities, at)


def forgetful(lead, activities, at):
    return Score.of("x", {"luck": random.random()}, at=at)


def meddling(lead, activities, at):
    vars(lead)["fields"] = {"seen": True}  # past all that freezes a value
    return Score.of("x", {}, at=at)


def ordered(lead, activities, at):
    return Score.of("x", {"first": sum(ord(one.kind[0]) for one in [a for a in activities if a.at <= at][:1])}, at=at)


def foreseeing(lead, activities, at):
    return Score.of("x", {"calls": len(activities)}, at=at)


def distracted(lead, activities, at):
    return Score.of("x", {"calls": sum(one.at <= at for one in activities)}, at=at)


def falling(lead, activities, at):
    return Score.of("x", {"calls": -sum(one.at <= at for one in activities)}, at=at)


def restless(lead, activities, at):
    return replace(Score.of("x", {"seconds": at.timestamp() % 1000}, at=at), changes_at=at + timedelta(days=9))


def misbanded(lead, activities, at):
    return Score(
        "x", "1", at, 5, (Contribution("r", LineKind.FIELD, 5, "r"),), band="low", bands=("low", "high"), cuts=(0, 3)
    )


@pytest.mark.parametrize(
    ("scoring", "law", "more"),
    [
        (forgetful, "the same input gives the same score", {}),
        (meddling, "it does not change its input", {}),
        (ordered, "(the order of the activities has no effect|value is the value of the score)", {}),
        (foreseeing, "an activity after at has no effect", {}),
        (distracted, "unrelated activities have no effect", {"unrelated": "rain"}),
        (falling, "'call' never lowers the score", {"rising": ("call",)}),
        (restless, "it does not change before the instant that it announces", {}),
        (misbanded, "the band is the highest that is reached", {}),
    ],
)
def test_each_law_finds_the_policy_that_breaks_it(scoring, law, more):
    with pytest.raises(AssertionError, match=f"policy 'breaking' breaks the law that {law}"):
        check_policy(Breaking(scoring), examples=200, **more)


class Inexact(Points):
    """A policy with a value that is not the value of its score."""

    def value(self, lead, activities, *, at):
        return super().value(lead, activities, at=at) + 1


def test_a_wrong_value_and_a_wrong_json_are_found():
    with pytest.raises(AssertionError, match="value is the value of the score"):
        check_policy(Inexact(name="inexact"), examples=5)

    class Dressed(Points):
        def _assess(self, view):
            return super()._assess(view)

    with pytest.raises(AssertionError, match="its JSON are the same policy"):
        check_policy(Dressed(name="dressed"), examples=5)


def careless(lead, activities, *, at):
    return lead.fields["employees"]


def nan(lead, activities, *, at):
    return float("nan")


@pytest.mark.parametrize(("policy", "cause"), [(careless, "KeyError: 'employees'"), (nan, "finite")])
def test_a_policy_that_does_not_answer_is_reported_with_its_cause(policy, cause):
    with pytest.raises(AssertionError, match=f"it always answers: .*{cause}"):
        check_policy(policy, examples=10)


def test_code_is_checked_on_the_given_kinds_and_fields():
    def foresees_demos(lead, activities, at):
        return Score.of("x", {"demos": sum(one.kind == "demo" for one in activities)}, at=at)

    with pytest.raises(AssertionError, match="an activity after at has no effect"):
        check_policy(Breaking(foresees_demos), kinds=["demo"])
    check_policy(careless, leads=st.just(Lead(id="x", fields={"employees": 5})), examples=5)
    with pytest.raises(AssertionError, match="it always answers"):
        check_policy(careless, fields={"employees": st.integers(0, 9)})  # it may be missing


def test_rising_may_be_a_list_an_iterator_or_one_name():
    falling_one = Points(name="p", rules=(ActivityRule(name="c", kinds="call", points=-10),))
    for rising in (["call"], (kind for kind in ["call"]), "call"):
        with pytest.raises(AssertionError, match="never lowers"):
            check_policy(falling_one, rising=rising)


def test_a_field_that_overrules_is_drawn_as_a_number():
    check_policy(Overridden(name="o", of=Points(name="i"), field="manual"), examples=20)


def test_only_a_policy_can_be_checked():
    with pytest.raises(Malformed):
        check_policy(5)


def test_a_probability_is_checked_as_well():
    check_policy(
        CustomPolicy.of(lambda lead, seen, *, at: len(seen) / 100, name="p", scale=Scale.PROBABILITY), examples=10
    )


@pytest.mark.parametrize("kind", [Lead, Activity, Criterion, Policy, Playbook])
def test_hypothesis_knows_our_types_by_its_entry_point(kind):
    @settings(max_examples=5)
    @given(st.from_type(kind))
    def some(value):
        assert isinstance(value, kind)

    some()


def test_strategies_may_be_custom():
    at = datetime(2026, 1, 1, tzinfo=UTC)
    seen = st.just((Activity(id="a", kind="call", at=at),))
    check_policy(Points(name="p"), leads=st.just(Lead(id="x")), activities=seen, examples=5)
