"""Agreements and logs for the tests of batches: many leads at once, in any order, with what goes wrong in logs."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st

from leadlife import (
    ActivityKind,
    ActivityRecorded,
    EvidenceGiven,
    FieldChanged,
    FieldSpec,
    Identified,
    Journey,
    Moved,
    Retracted,
)
from leadlife.criteria import at_least, count, field, identified, it
from leadlife.errors import InvalidDefinition
from leadlife.presets import eight_stage
from leadlife.scoring import (
    ActivityRule,
    Capped,
    Fallback,
    FieldRule,
    Fit,
    Gated,
    Grid,
    Highest,
    Points,
    RuleGroup,
    Scaled,
    TierRule,
    Trait,
    Weighted,
    WeightedSum,
)
from leadlife.testing.scoring_strategies import AMOUNTS, ATTRIBUTES, KINDS
from leadlife.testing.strategies import EPOCH, ZONES, at_times
from leadlife.timing import elapsed


def book(*policies, zone="UTC"):
    kinds = {**{kind: ActivityKind() for kind in KINDS}, **eight_stage().activity_kinds}
    fields = {
        "size": FieldSpec(type="integer"),
        "city": FieldSpec(type="text"),
        "by_hand": FieldSpec(type="integer"),
    }
    plain = eight_stage().replace(activity_kinds=kinds, zone=zone, version="batch").with_fields(**fields)
    for policy in policies:
        plain = plain.with_score(policy)
    return plain


def drafts():
    at = at_times()
    attributes = st.fixed_dictionaries({}, optional=ATTRIBUTES)
    activity = st.builds(ActivityRecorded, kind=st.sampled_from(KINDS), at=at, attributes=attributes)
    return st.one_of(
        *[activity] * 5,  # most of what is known of a lead
        st.builds(ActivityRecorded, kind=st.sampled_from(["call", "download", "product_page"]), at=at),
        st.builds(FieldChanged, name=st.just("size"), value=st.none() | st.integers(0, 100), at=at),
        st.builds(FieldChanged, name=st.just("city"), value=st.sampled_from(["Recife", "Porto", "", None]), at=at),
        st.builds(Identified, at=at),
        st.builds(EvidenceGiven, name=st.sampled_from(["fit", "mql", "sql"]), value=st.booleans(), at=at),
        st.builds(Moved, trigger=st.sampled_from(["engage", "fit", "qualify", "recycle"]), at=at, by=st.just("sam")),
    )


@st.composite
def logs(draw, playbook, *, most=4):
    """Generate the facts of some leads: started or not, some retracted, some under one key, some late."""
    facts = []
    for number in range(draw(st.integers(1, most))):
        journey = Journey(f"lead{number}", playbook, pipeline=draw(st.sampled_from(["main", "trade"])))
        if draw(st.booleans()):
            journey = Journey.start(f"lead{number}", playbook, at=EPOCH, stage="name", pipeline=journey.pipeline)
        for draft in draw(st.lists(drafts(), min_size=3, max_size=12)):
            key = draw(st.sampled_from([None, None, None, "k1", "k2"]))
            journey = journey.record(draft if key is None else draft.replace(key=key))
        if journey.facts and draw(st.booleans()):
            target = draw(st.sampled_from(journey.facts))
            name = draw(st.sampled_from([target.id, target.key]))
            journey = journey.record(Retracted(target=name, at=draw(at_times())))
        facts += journey.facts
    return draw(st.permutations(facts))


def questions():
    """Generate criteria that SQL can ask."""
    leaves = st.sampled_from(
        [
            field("size") >= 50,
            field("size").between(10, 60),
            field("city").one_of("Recife", "Kyoto"),
            field("city").known(),
            identified(),
            count("call") >= 1,
            count("call", "form", within=elapsed(hours=100)) < 2,
            count("call", minutes=it >= 10, within=elapsed(days=20)) == 1,
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


@st.composite
def _points(draw, name):
    rules = []
    for number in range(draw(st.integers(1, 4))):
        shared = {"name": f"r{number}", "group": draw(st.sampled_from([None, "web"]))}
        kind = draw(st.sampled_from(["activity", "activity", "activity", "field", "tiers"]))
        if kind == "activity":
            half_life, window = {"half_life": elapsed(hours=310)}, {"window": elapsed(hours=400)}
            ages = st.sampled_from([{}, half_life, half_life, window])
            rule = ActivityRule(
                kinds=draw(st.sampled_from([("call",), ("page_view",), ("call", "form", "download")])),
                where=draw(st.sampled_from([{}, {}, {"page": it == "/pricing"}, {"minutes": it >= 10}])),
                points=draw(AMOUNTS),
                at_most=draw(st.sampled_from([None, 1, 3])),
                **draw(ages),
                **shared,
            )
        elif kind == "field":
            points, otherwise = draw(AMOUNTS), draw(st.sampled_from([0, -3]))
            rule = FieldRule(when=draw(questions()), points=points, otherwise=otherwise, **shared)
        else:
            tiers = [{"when": draw(questions()), "points": draw(AMOUNTS)} for _ in range(2)]
            rule = TierRule(tiers=tiers, percent=draw(st.sampled_from([100, 15])), **shared)
        rules.append(rule)
    return Points(
        name=name,
        rules=rules,
        start=draw(st.sampled_from([0, 2])),
        groups={"web": RuleGroup(cap=draw(st.sampled_from([None, 15])), floor=draw(st.sampled_from([None, -5])))},
        cap=draw(st.sampled_from([None, None, 40])),
        floor=draw(st.sampled_from([None, -8])),
        exclude=draw(st.sampled_from([(), (), (field("size") == 0,), (count("form") >= 2,)])),
    )


@st.composite
def _banded(draw, name):
    policy = draw(_points(name))
    try:
        return policy.replace(bands={"low": 0, "mid": 5, "it's high": 12})
    except InvalidDefinition:
        return policy


@st.composite
def closed_policies(draw):
    """Generate policies that have a closed form."""
    one, other = draw(_banded("one")), draw(_banded("other"))
    fit = Fit(
        name="fit",
        traits=[
            Trait(name="a", when=draw(questions()), percent=60),
            Trait(name="b", when=draw(questions()), percent=40),
        ],
    )
    made = [
        one,
        fit,
        WeightedSum(name="sum", of=[Weighted(policy=one, weight=-0.333333), Weighted(policy=fit)], bands={"any": -9}),
        Scaled(name="scaled", of=one, by=draw(st.sampled_from([1.25, -1000, 0.000001]))),
        Capped(name="capped", of=one, cap=11, floor=draw(st.sampled_from([None, 4]))),
        Gated(name="gated", of=fit, when=draw(questions())),
        Highest(name="highest", of=[one, other]),
        Fallback(name="fallback", of=[one, other]),
    ]
    if one.bands and other.bands:
        grid = Grid(name="grid", fit=fit, engagement=one, cap=draw(st.sampled_from([None, 90])))
        made += [grid, Capped(name="around", of=grid, cap=50), Gated(name="shut", of=grid, when=draw(questions()))]
    return draw(st.sampled_from(made))


def instants():
    return at_times(within_days=70).map(lambda at: at + timedelta(microseconds=1))


zones = st.sampled_from(ZONES)
