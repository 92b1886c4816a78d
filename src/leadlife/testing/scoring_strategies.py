"""Strategies for leads, activities, criteria and policies: everything that scoring reads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from leadlife.criteria import at_least, count, field, first_seen, identified, inactive, it, latest, total
from leadlife.errors import InvalidDefinition
from leadlife.leads import Activity, Lead, LeadType, Source
from leadlife.scoring import (
    MICRO,
    ActivityRule,
    Capped,
    CustomPolicy,
    Fallback,
    FieldRule,
    Fit,
    Gated,
    Grid,
    Highest,
    Overridden,
    PerLeadType,
    Points,
    Policy,
    RuleGroup,
    Scaled,
    StepDecay,
    TierRule,
    Trait,
    Weighted,
    WeightedSum,
)
from leadlife.testing.strategies import ZONES, at_times, made
from leadlife.timing import days, elapsed, months

KINDS = ("call", "page_view", "form")
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "size": st.integers(0, 100),
    "city": st.sampled_from(["Recife", "Porto", "Kyoto"]),
    "by_hand": st.integers(-5, 50),
}
ATTRIBUTES: dict[str, st.SearchStrategy[Any]] = {
    "page": st.sampled_from(["/pricing", "/blog", "/Pricing/plans"]),
    "minutes": st.integers(0, 60),
}


def leads(fields: Mapping[str, st.SearchStrategy[Any]] | None = None) -> st.SearchStrategy[Lead]:
    """Generate leads; some of their fields are missing.

    Args:
        fields: A strategy for the value of each field.
    """
    sources = st.sampled_from([None, *(Source(lead_type=kind) for kind in LeadType)])
    return made(
        Lead,
        id=st.sampled_from(["ada", "bo", "cy"]),
        fields=st.fixed_dictionaries({}, optional=dict(FIELDS if fields is None else fields)),
        source=sources,
        identified=st.booleans(),
    )


@st.composite
def activities(
    draw: st.DrawFn,
    kinds: tuple[str, ...] = KINDS,
    attributes: Mapping[str, st.SearchStrategy[Any]] | None = None,
    *,
    times: st.SearchStrategy[datetime] | None = None,
    most: int = 8,
) -> tuple[Activity, ...]:
    """Generate the activities of one lead in any order, some of them at the same instant.

    Args:
        draw: Passed by hypothesis.
        kinds: The kinds to choose from.
        attributes: A strategy for each attribute; some activities lack some attributes.
        times: A strategy for their instants.
        most: The greatest number of activities.
    """
    one = made(
        Activity,
        kind=st.sampled_from(kinds),
        at=times or at_times(),
        attributes=st.fixed_dictionaries({}, optional=dict(ATTRIBUTES if attributes is None else attributes)),
    )
    return tuple(
        activity.replace(id=f"a{number}") for number, activity in enumerate(draw(st.lists(one, max_size=most)))
    )


def questions() -> st.SearchStrategy[Any]:
    """Generate criteria of every kind that a policy may read."""
    leaves: st.SearchStrategy[Any] = st.sampled_from(
        [
            field("size") >= 50,
            field("size").between(10, 60),
            field("city").one_of("Recife", "Kyoto"),
            field("city").contains("O"),
            field("city").known(),
            identified(),
            latest("call", "minutes") > 20,
            latest("page_view", "page").starts_with("/pricing"),
            count("call") >= 1,
            count("page_view", page=it.contains("pricing"), within=days(5)) >= 2,
            count("call", "form", within=elapsed(hours=100)) < 2,
            count("call", minutes=it >= 10, within=elapsed(hours=60)) == 1,
            count("form", within=elapsed(days=9)) >= 2,
            count(within=months(1)) >= 3,
            total("minutes", "call", within=days(20)) >= 40,
            first_seen("form").within(days(30)),
            inactive(days(14)),
            inactive(elapsed(hours=50), "call", "page_view"),
        ]
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            inner.map(lambda one: ~one),
            st.tuples(inner, inner).map(lambda pair: pair[0] & pair[1]),
            st.tuples(inner, inner).map(lambda pair: pair[0] | pair[1]),
            st.tuples(inner, inner, inner).map(lambda three: at_least(2, *three)),
        ),
        max_leaves=4,
    )


AMOUNTS = st.sampled_from([10, 25, -4, 2.5, 0, 7, -0.000001, 100])


@st.composite
def _activity_rules(draw: st.DrawFn, name: str, group: str | None) -> ActivityRule:
    decay: dict[str, Any] = draw(
        st.sampled_from(
            [
                {},
                {"half_life": elapsed(days=7)},
                {"half_life": elapsed(hours=31)},
                {"decay": StepDecay(percent=25, every=days(9))},
                {"decay": StepDecay(percent=40, every=months(1), shape="geometric")},
                {"decay": StepDecay(percent=100, every=elapsed(hours=77))},
                {"window": days(12)},
                {"window": elapsed(hours=200)},
            ]
        )
    )
    return ActivityRule(
        name=name,
        group=group,
        kinds=draw(st.sampled_from([("call",), ("page_view",), ("call", "form")])),
        where=draw(st.sampled_from([{}, {"page": it == "/pricing"}, {"minutes": it >= 10}])),
        points=draw(AMOUNTS),
        at_most=draw(st.sampled_from([None, None, 1, 2])),
        at_most_per_day=draw(st.sampled_from([None, None, 1])),
        **decay,
    )


@st.composite
def _rules(draw: st.DrawFn, name: str) -> ActivityRule | FieldRule | TierRule:
    group = draw(st.sampled_from([None, "web", "people"]))
    kind = draw(st.sampled_from(["activity", "activity", "field", "tiers"]))
    if kind == "activity":
        return draw(_activity_rules(name, group))
    if kind == "field":
        otherwise = draw(st.sampled_from([0, -3]))
        return FieldRule(name=name, group=group, when=draw(questions()), points=draw(AMOUNTS), otherwise=otherwise)
    tiers = [{"when": draw(questions()), "points": draw(AMOUNTS)} for _ in range(draw(st.integers(1, 3)))]
    return TierRule(name=name, group=group, tiers=tiers, percent=draw(st.sampled_from([100, 30, 15])))


@st.composite
def points_policies(draw: st.DrawFn, name: str = "points") -> Points:
    """Generate points policies with every kind of rule, cap and decay."""
    bounds = st.sampled_from([None, None, 15, 40])
    policy = Points(
        name=name,
        zone=draw(st.sampled_from([None, *ZONES])),
        rules=tuple(draw(_rules(f"rule{number}")) for number in range(draw(st.integers(0, 5)))),
        start=draw(st.sampled_from([0, 0, 2])),
        groups={
            "web": RuleGroup(cap=draw(bounds), floor=draw(st.sampled_from([None, None, 5]))),
            "people": RuleGroup(cap=draw(st.sampled_from([None, 15, -3])), floor=-6),
        },
        cap=draw(bounds),
        floor=draw(st.sampled_from([None, 0])),
        exclude=draw(st.sampled_from([(), (), (field("size") == 0,)])),
    )
    low, high = policy.limits()
    cuts = [0, 8, 20, -5]
    fitting = {f"band{cut}": cut for cut in cuts if high is None or cut * MICRO <= high}
    try:
        return policy.replace(bands=fitting)
    except InvalidDefinition:  # the least possible score is above the lowest band
        return policy.replace(bands={"all": low / MICRO} if low is not None else {})


@st.composite
def _fits(draw: st.DrawFn) -> Fit:
    traits = (
        Trait(name="one", when=draw(questions()), percent=60),
        Trait(name="two", when=draw(questions()), percent=40),
    )
    return Fit(name="fit", traits=traits)


def _busy(_lead: Lead, activities: tuple[Activity, ...], *, at: datetime) -> dict[str, float] | None:
    return {"was active": len(activities) * 2.5, "this year": at.year % 2} if activities else None


def policies() -> st.SearchStrategy[Policy]:
    """Generate policies of every kind: points, fit, grids, functions, and combinations of them."""
    base: st.SearchStrategy[Any] = (
        points_policies() | points_policies() | _fits() | st.just(CustomPolicy.of(_busy, name="busy"))
    )

    def wider(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        pairs = st.lists(inner, min_size=2, max_size=2)
        return st.one_of(
            pairs.map(
                lambda two: WeightedSum(name="sum", of=(Weighted(policy=two[0]), Weighted(policy=two[1], weight=-0.5)))
            ),
            inner.map(lambda one: Scaled(name="scaled", of=one, by=1.25, bands={"any": -1_000_000})),
            inner.map(lambda one: Scaled(name="larger", of=one, by=-1_000)),
            inner.map(lambda one: Capped(name="capped", of=one, cap=12, floor=-3)),
            st.tuples(inner, questions()).map(lambda pair: Gated(name="gated", of=pair[0], when=pair[1])),
            inner.map(lambda one: Overridden(name="overridden", of=one, field="by_hand")),
            pairs.map(lambda two: Highest(name="highest", of=tuple(two))),
            pairs.map(lambda two: Fallback(name="fallback", of=tuple(two))),
            pairs.map(lambda two: PerLeadType(name="typed", cases={LeadType.REFERRAL: two[0]}, otherwise=two[1])),
            st.tuples(_fits(), points_policies("engaged")).map(
                lambda pair: Grid(name="grid", fit=pair[0], engagement=pair[1].replace(bands={"1": -1_000_000}), cap=90)
            ),
        )

    return st.recursive(base, wider, max_leaves=4)
