"""The points policy: what counts, how it ages, what caps take away, and what cannot be declared."""

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest

from leadlife import Activity, Identified, Lead, Malformed, days, elapsed
from leadlife.criteria import count, evidence, field, latest, score
from leadlife.errors import InvalidDefinition
from leadlife.scoring import (
    ActivityRule,
    FieldRule,
    Fit,
    LineKind,
    Points,
    Policy,
    RuleGroup,
    Score,
    StepDecay,
    TierRule,
    Trait,
    read_policy,
)
from leadlife.scoring.limits import weighted
from leadlife.scoring.view import LeadView
from leadlife.timing import months, years

T = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ADA = Lead(id="ada")


def rule(**more):
    return ActivityRule(**{"name": "rule", "kinds": ("x",), "points": 10, **more})


def policy(*rules, **more):
    return Points(name="points", rules=rules, **more)


def did(*days_ago, kind="x", **attributes):
    return [Activity(kind=kind, at=T - age * DAY, attributes=attributes) for age in days_ago]


def worth(made, *days_ago, at=T, **more):
    seen = did(*days_ago, **more)
    found = made.score(ADA, seen, at=at)
    assert made.value(ADA, seen, at=at) == found.value
    return found.value


@pytest.mark.parametrize(
    ("more", "value"),
    [
        ({}, 40),
        ({"at_most": 1}, 10),
        ({"at_most": 3}, 30),
        ({"at_most_per_day": 1}, 30),
        ({"at_most_per_day": 1, "at_most": 2}, 20),
        ({"half_life": elapsed(days=1)}, 10 + 5 + 5 + 2.5),
        ({"half_life": elapsed(days=1), "at_most": 2}, 15),
        ({"half_life": elapsed(days=1), "at_most_per_day": 1}, 17.5),
        ({"window": days(2)}, 30),
        ({"window": days(1)}, 10),
        ({"decay": StepDecay(percent=25, every=days(1))}, 10 + 7.5 + 7.5 + 5),
        ({"decay": StepDecay(percent=50, every=days(1), shape="geometric")}, 10 + 5 + 5 + 2.5),
        ({"decay": StepDecay(percent=100, every=days(2))}, 30),
        ({"points": -4}, -16),
    ],
)
def test_what_a_rule_counts(more, value):
    assert worth(policy(rule(**more)), 0, 1, 1, 2) == value


def test_a_window_is_half_open():
    made = policy(rule(window=days(2)))
    assert worth(made, 2, at=T - timedelta(microseconds=1)) == 10
    assert worth(made, 2) == 0


def test_a_day_is_the_local_day_of_the_policys_zone():
    seen = [Activity(kind="x", at=datetime(2026, 2, 10, hour, tzinfo=UTC)) for hour in (1, 4)]
    made = policy(rule(at_most_per_day=1))
    assert made.score(ADA, seen, at=T).value == 10
    assert made.replace(zone="America/Sao_Paulo").score(ADA, seen, at=T).value == 20


@pytest.mark.parametrize("order", [1, -1])
def test_of_a_days_activities_those_of_the_largest_aged_value_count(order):
    made = policy(rule(half_life=elapsed(hours=6), at_most_per_day=1))
    assert made.score(ADA, did(0.5, 0.25)[::order], at=T).value == 5  # 2.5 of noon, 5 of the evening


def test_steps_of_months_count_from_the_first_date():
    made = policy(rule(decay=StepDecay(percent=10, every=months(1))))
    seen = [Activity(kind="x", at=datetime(2026, 1, 31, 12, tzinfo=UTC))]
    for at, value in (
        (datetime(2026, 2, 28, 11, tzinfo=UTC), 10),
        (datetime(2026, 2, 28, 12, tzinfo=UTC), 9),
        (datetime(2026, 3, 31, 11, tzinfo=UTC), 9),
        (datetime(2026, 3, 31, 12, tzinfo=UTC), 8),
        (datetime(2036, 2, 1, tzinfo=UTC), 0),
    ):
        assert made.score(ADA, seen, at=at).value == value, at


def test_attributes_choose_what_counts():
    made = policy(rule(where={"page": ("/pricing", "/demo")}))
    assert worth(made, 0, page="/demo") == 10
    assert worth(made, 0, page="/blog") == 0
    assert worth(made, 0) == 0


def test_groups_are_held_then_the_total():
    made = policy(
        rule(name="a", group="g"),
        rule(name="b", kinds=("y",), points=-30, group="h"),
        rule(name="c", kinds=("z",), points=7),
        groups={"g": RuleGroup(cap=15), "h": RuleGroup(floor=-5)},
        cap=16,
        floor=-3,
    )
    seen = [*did(0, 1), *did(0, kind="y"), *did(0, kind="z")]
    found = made.score(ADA, seen, at=T)
    assert [(line.rule, line.points) for line in found.lines if line.kind is LineKind.CAP] == [
        ("g", -5),
        ("h", 25),
        ("total", -1),
    ]
    assert found.value == made.value(ADA, seen, at=T) == 16
    assert made.score(ADA, did(0, kind="y"), at=T).value == -3
    assert (found.low, found.high) == (-3_000_000, 16_000_000)


def test_a_group_that_nothing_moves_is_held_all_the_same():
    for group, value in ((RuleGroup(floor=5), 5), (RuleGroup(cap=-3), -3)):
        for rules in ((rule(group="g", at_most=1),), ()):
            made = policy(*rules, groups={"g": group})
            assert worth(made) == value
            low, high = made.limits()
            assert low <= value * 1_000_000 <= high


def test_the_best_tier_that_is_true_counts_and_weighs():
    made = policy(
        TierRule(
            name="visits",
            tiers=((count("x", within=days(7)) >= 3, 100), (count("x") >= 1, 30), (field("size") > 5, 90)),
            percent=50,
        )
    )
    assert worth(made, 0, 1, 2) == 50
    assert worth(made, 20) == 15
    assert made.score(ADA, [], at=T).unknown == ("visits",)
    known = Lead(id="ada", fields={"size": 3})
    assert made.score(known, [], at=T).lines == ()
    assert made.score(known, did(1, 2, 3), at=T).changes_at == T + 4 * DAY


def test_a_field_rule_gives_one_number_or_the_other_or_none():
    made = policy(FieldRule(name="size", when=field("size") >= 50, points=20, otherwise=-5))
    for size, value in ((50, 20), (49, -5)):
        assert made.score(Lead(id="ada", fields={"size": size}), [], at=T).value == value
    for lead in (ADA, Lead(id="ada", fields={"size": "never seen"})):
        assert (made.score(lead, [], at=T).value, made.score(lead, [], at=T).unknown) == (0, ("size",))


def test_an_empty_history_and_activities_in_the_future():
    made = policy(rule(), start=2)
    assert worth(made) == 2
    assert worth(made, -1, -0.000001) == 2
    assert made.score(ADA, did(-1), at=T).lines == made.score(ADA, [], at=T).lines


def test_a_million_activities_on_one_lead():
    one = Activity(kind="x", at=T - DAY, attributes={})
    made = policy(rule(half_life=elapsed(days=1), at_most=3), rule(name="all", points=1), cap=500_000)
    assert made.value(ADA, [one] * 1_000_000, at=T) == 500_000


@pytest.mark.parametrize("order", [*permutations(range(4))])
def test_sums_are_exact_under_every_permutation(order):
    made = policy(rule(points=0.1, half_life=elapsed(hours=31), at_most=3), rule(name="b", points=-0.3))
    seen = did(0, 1.1, 2.7, 9.3)
    assert made.score(ADA, [seen[place] for place in order], at=T) == made.score(ADA, seen, at=T)


def test_activities_that_are_alike_but_for_their_attributes_are_put_in_one_order():
    made = policy(FieldRule(name="latest", when=latest("x", "m") >= 5, points=1))
    twins = [Activity(id="same", kind="x", at=T, attributes={"m": number}) for number in (1, 9)]
    assert made.score(ADA, twins, at=T) == made.score(ADA, twins[::-1], at=T)


def test_what_lies_past_the_calendar_is_never():
    made = policy(rule(window=years(100)))
    seen = [Activity(kind="x", at=datetime(2170, 1, 1, tzinfo=UTC))]
    found = made.score(ADA, seen, at=datetime(2170, 1, 1, tzinfo=UTC))
    assert found.changes_at is None
    assert Score.load(found.dump()) == found


def test_rounding_is_half_away_from_zero():
    assert [weighted(amount, 1, 2) for amount in (3, -3, 1, -1, 0, 4)] == [2, -2, 1, -1, 0, 2]


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda: rule(half_life=elapsed(days=1), window=days(1)), "must age in one way, not by half_life and window"),
        (lambda: rule(half_life=days(7)), r"write elapsed\(days=7\)"),
        (lambda: rule(half_life=months(1)), r"write elapsed\(days=30\)"),
        (lambda: rule(half_life=7), "needs a unit"),
        (lambda: rule(half_life="P7D"), "exact time"),
        (lambda: rule(half_life=elapsed()), "longer than 0"),
        (lambda: rule(window=elapsed()), "longer than 0"),
        (lambda: rule(window=7), "window"),
        (lambda: rule(points=math.nan), "finite"),
        (lambda: rule(points=math.inf), "finite"),
        (lambda: rule(points=True), "number"),
        (lambda: rule(points="10"), "number"),
        (lambda: rule(points=0.1234567), "at most six decimals"),
        (lambda: rule(points=2_000_000), "must be between"),
        (lambda: rule(kinds=()), "kinds"),
        (lambda: rule(at_most=0), "at_most"),
        (lambda: StepDecay(percent=0, every=days(1)), "percent"),
        (lambda: policy(rule(group="wbe"), groups={"web": RuleGroup()}), "did you mean 'web'"),
        (lambda: policy(rule(), rule()), "declared twice"),
        (lambda: policy(cap=1, floor=2), "is above the cap"),
        (lambda: RuleGroup(cap=1, floor=2), "is above the cap"),
        (lambda: policy(rule(), cap=20, bands={"hot": 21}), "the policy gives at most 20"),
        (lambda: policy(rule(), cap=15, bands={"cold": 0, "hot": 16}), "raise the cap"),
        (lambda: policy(floor=0, bands={"cold": -10, "warm": 0}), "can never be"),
        (lambda: policy(rule(), bands={"a": 1, "b": 1}), "same number of points"),
        (lambda: rule(points=10**400), "million million"),
        (lambda: policy().with_rules("x"), "must be an ActivityRule, FieldRule or TierRule, not str"),
        (lambda: policy().with_rules(rule(), rule(points=2)), "have the same name"),
        (lambda: policy().without_rules(5), "no rule 5"),
        (lambda: Policy(name="x"), "Policy is a base class"),
        (lambda: FieldRule(name="f", when=evidence("fit"), points=1), "not the evidence fit"),
        (lambda: FieldRule(name="f", when=score("x") > 1, points=1), "not the score x"),
        (
            lambda: FieldRule(name="f", when=count("x", since_recycling=True) > 1, points=1),
            "cannot use since_recycling",
        ),
        (lambda: Fit(name="f", traits=(Trait(name="a", when=field("x") == 1, percent=90),)), "add up to 100, not 90"),
        (
            lambda: Fit(name="f", traits=[Trait(name="a", when=field("x") == 1, percent=50)] * 2),
            "'a' is declared twice",
        ),
        (lambda: policy().without_rules("rul"), "no rule 'rul'"),
        (lambda: policy(rule()).without_rules("rul"), "did you mean 'rule'"),
        (lambda: TierRule(name="t", tiers=5), "tiers"),
        (lambda: read_policy({"op": "point"}), "did you mean 'points'"),
        (lambda: read_policy({"op": 7}), "use one of: points"),
        (lambda: read_policy([]), "a policy must be a mapping or JSON text"),
        (lambda: read_policy("{"), "not JSON"),
        (lambda: read_policy("[" * 100_000), "not JSON"),
        (lambda: FieldRule(name="f", when="employees >= 50", points=1), "must be of a known kind"),
        (lambda: policy(groups={"web": 10}), "or a table of its keys"),
        (lambda: read_policy({"name": "x", "op": "points", "cpa": 4}), "no such key"),
    ],
)
def test_what_does_not_hold_is_refused_when_it_is_declared(broken, message):
    with pytest.raises(Malformed, match=message):
        broken()


def test_all_faults_of_a_policy_are_reported_together():
    with pytest.raises(InvalidDefinition) as error:
        policy(rule(group="a"), rule(group="b"))
    assert [fault.path for fault in error.value.faults] == ["rules.1", "rules.0.group", "rules.1.group"]
    with pytest.raises(InvalidDefinition) as error:
        policy(rule(group="a"), cap=20, bands={"a": 50, "b": 60})
    assert [fault.path for fault in error.value.faults] == ["rules.0.group", "bands.a", "bands.b"]


@pytest.mark.parametrize(
    ("lead", "seen", "at"),
    [
        ("ada", [], T),
        (ADA, [{"kind": "x"}], T),
        (ADA, [Identified(at=T)], T),
        (ADA, None, T),
        (ADA, [], datetime(2026, 1, 1)),
        (ADA, [], "today"),
    ],
)
def test_other_values_than_a_lead_activities_and_an_instant_are_refused(lead, seen, at):
    for asked in (policy(rule()).score, policy(rule()).value):
        with pytest.raises(Malformed):
            asked(lead, seen, at=at)


def test_points_are_kept_as_they_are_written():
    assert [rule(points=number).points for number in (10, 10.0, Decimal("2.50"), -0.000001)] == [10, 10, 2.5, -0.000001]
    assert '"points":10,' in rule(points=10.0).model_dump_json()


def test_rules_are_replaced_added_and_taken_away():
    made = policy(rule(), rule(name="b"))
    changed = made.with_rules(rule(points=1), rule(name="c"))
    assert [(one.name, one.points) for one in changed.rules] == [("rule", 1), ("b", 10), ("c", 10)]
    assert [one.name for one in changed.without_rules("b").rules] == ["rule", "c"]


def test_fit_is_graded_lists_unknown_traits_and_excludes():
    fit = Fit(
        name="fit",
        traits=(
            Trait(name="size", when=field("size") >= 50, percent=60, meaning="a company of 50 or more"),
            Trait(name="city", when=field("city") == "Porto", percent=40),
        ),
        exclude=(field("city") == "Atlantis",),
    )
    known = fit.score(Lead(id="ada", fields={"size": 80}), [], at=T)
    assert (known.value, known.band, known.unknown) == (60, "B", ("city",))
    assert known.lines[0].reason == "a company of 50 or more"
    assert fit.score(Lead(id="ada", fields={"city": "Atlantis"}), [], at=T).why == "city is Atlantis"
    assert fit.score(ADA, [], at=T).band == "D"
    assert fit.limits() == (0, 100_000_000)
    assert dict(fit.inputs()) == {"field": "city"}


def test_who_is_excluded_has_no_value_and_may_come_back_with_time():
    made = policy(rule(), exclude=(count("x", within=days(3)) >= 2,), bands={"all": 0})
    seen = did(0, 1)
    assert made.value(ADA, seen, at=T) == 0
    found = made.score(ADA, seen, at=T)
    assert (found.answered, found.band, found.changes_at) == (False, None, T + 2 * DAY)
    assert made.score(ADA, seen, at=T + 2 * DAY).value == 20


def test_a_policy_sees_the_lead_and_its_activities_and_nothing_else():
    view = LeadView(Lead(id="ada", identified=True), did(1), T)
    assert (view.roles, view.stage, view.left, view.cycle, view.readiness, view.sold) == ((), *[None] * 5)
    assert (view.evidence("fit"), view.qualification("mql"), view.score("x")) == (None, None, None)
    assert view.identified.value is True
    assert (view.total("x"), view.total("y"), view.first("y")) == (1, 0, None)
