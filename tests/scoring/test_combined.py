"""Policies made of policies, and custom functions and classes."""

import math
import pickle
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from leadlife import Activity, Lead, Malformed, Score, Source, days, elapsed
from leadlife.criteria import count, field
from leadlife.errors import PolicyError, PolicyNotBound
from leadlife.scoring import (
    ActivityRule,
    Answer,
    Capped,
    CustomPolicy,
    Fallback,
    FieldRule,
    Fit,
    Gated,
    Grid,
    Highest,
    LineKind,
    Overridden,
    PerLeadType,
    Points,
    Scale,
    Scaled,
    Weighted,
    WeightedSum,
    read_policy,
)
from leadlife.scoring.reading import as_policy

T = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ADA = Lead(id="ada")


def points(number, name="points", **more):
    return Points(name=name, start=number, **more)


def fading(name="fading"):
    return Points(name=name, rules=(ActivityRule(name="call", kinds="call", points=10, half_life=elapsed(days=1)),))


EXCLUDING = points(5, "excluding", exclude=(field("blocked").known(), ~field("blocked").known()))
CALLS = [Activity(id="c", kind="call", at=T - DAY)]


def silent(_lead, _activities, *, at):
    return None


def broken(_lead, _activities, *, at):
    raise ZeroDivisionError


def chance(_lead, _activities, *, at):
    return 0.25


CHANCE = CustomPolicy.of(chance, scale=Scale.PROBABILITY)


def value(policy, lead=ADA, activities=CALLS, at=T):
    return policy.score(lead, activities, at=at).value


def test_a_weighted_sum_adds_weighted_lines_under_their_own_names():
    policy = WeightedSum(
        name="sum", of=(Weighted(policy=fading()), {"policy": points(8), "weight": -0.25}), bands={"x": 0}
    )
    score = policy.score(ADA, CALLS, at=T)
    assert [(line.rule, line.points) for line in score.lines] == [("fading/call", 5), ("points/start", -2)]
    assert (score.value, score.band, score.fading) == (3, "x", 5_000_000)
    assert policy.limits() == (-2_000_000, None)


def test_a_scaled_policy_turns_its_limits_with_its_sign():
    policy = Scaled(name="less", of=points(0, cap=10, floor=-4), by=-2)
    assert policy.limits() == (0, 0)
    assert Scaled(name="less", of=Overridden(name="o", of=points(0), field="f"), by=-2).limits() == (None, None)
    assert value(Scaled(name="half", of=fading(), by=0.5)) == 2.5
    with pytest.raises(Malformed, match="gives at most"):
        Scaled(name="half", of=points(10), by=0.5, bands={"hot": 6})


def test_the_whole_is_weighed_and_what_rounding_leaves_over_is_a_line():
    third = Scaled(name="third", of=Points(name="p", rules=(rule("a"), rule("b"), rule("c"))), by=0.333333)
    score = third.score(ADA, CALLS, at=T)
    assert [line.micropoints for line in score.lines] == [333333, 333333, 333333]
    half = Scaled(name="half", of=Points(name="p", rules=(rule("a", 0.000001), rule("b", 0.000001))), by=0.5)
    assert [(line.rule, line.micropoints) for line in half.score(ADA, CALLS, at=T).lines] == [
        ("p/a", 1),
        ("p/b", 1),
        ("p/rounding", -1),
    ]


def rule(name, worth=1):
    return ActivityRule(name=name, kinds="call", points=worth)


def test_a_capped_policy_is_held():
    assert value(Capped(name="c", of=points(9), cap=7)) == 7
    assert value(Capped(name="c", of=points(-9), floor=-3)) == -3
    assert Capped(name="c", of=fading(), cap=7).limits() == (0, 7_000_000)
    for broken_one in ({}, {"cap": 1, "floor": 2}):
        with pytest.raises(Malformed):
            Capped(name="c", of=points(9), **broken_one)


@pytest.mark.parametrize("by", [10, 1_000, 1_000_000])
def test_a_weight_widens_what_rounding_may_do(by):
    policy = Scaled(name="s", of=fading(), by=by, bands={"none": 0, "some": 1})
    score = policy.score(ADA, CALLS, at=T)
    for threshold in (0, None):
        until = score.steady_until(threshold)
        if until is not None:
            then = policy.score(ADA, CALLS, at=until - timedelta(microseconds=1))
            assert then.band == score.band if threshold is None else then.value > 0


def test_an_endless_half_life_and_a_vast_weight_are_borne():
    large = Points(name="i", rules=(ActivityRule(name="c", kinds="call", points=1_000_000, half_life=elapsed(days=7)),))
    vast = Scaled(name="s", of=large, by=1_000_000)
    score = vast.score(ADA, CALLS, at=T)
    assert score.steady_until(0) is None or score.steady_until(0) > T
    aeons = Points(name="i", rules=(ActivityRule(name="c", kinds="call", points=1, half_life=elapsed(days=36_525)),))
    assert aeons.score(ADA, CALLS, at=T).steady_until(0.0001) is None
    assert replace(score, half_life=10**30).steady_until(1) is None


def test_a_gate_lets_points_through_only_while_its_criterion_is_true():
    policy = Gated(name="g", of=points(9, bands={"low": 0, "high": 5}), when=field("size") >= 50)
    for size, expected, band, word in ((60, 9, "high", None), (40, 0, "low", "false"), (None, 0, "low", "unknown")):
        lead = ADA if size is None else Lead(id="ada", fields={"size": size})
        score = policy.score(lead, [], at=T)
        assert (score.value, score.band) == (expected, band)
        assert [line.reason for line in score.lines if line.kind is LineKind.GATE] == (
            [] if word is None else [f"{word}: size is at least 50"]
        )
    assert policy.limits() == (0, 9_000_000)
    timed = Gated(name="g", of=points(9), when=count("call", within=days(3)) >= 1)
    assert timed.score(ADA, CALLS, at=T).changes_at == T + 2 * DAY


def test_around_a_grid_the_band_stands_while_the_value_does():
    fit = Fit(name="fit", traits=[{"name": "s", "when": field("size") >= 50, "percent": 100}])
    grid = Grid(name="grid", fit=fit, engagement=points(3, bands={"1": 2, "2": 0}))
    big = Lead(id="ada", fields={"size": 60})
    open_gate = Gated(name="g", of=grid, when=field("size").known()).score(big, [], at=T)
    assert (open_gate.band, len(open_gate.parts)) == ("A1", 2)
    shut = Gated(name="g", of=grid, when=field("size") < 5).score(big, [], at=T)
    assert (shut.value, shut.band, shut.bands[-1]) == (0, None, "A1")
    assert Capped(name="c", of=grid, cap=1).score(big, [], at=T).band == "A1"
    ruled = Lead(id="ada", fields={"size": 60, "by_hand": 1})
    assert Overridden(name="o", of=grid, field="by_hand").score(ruled, [], at=T).band is None


def test_a_grid_needs_two_axes_with_bands_and_a_lead_may_be_in_no_cell():
    with pytest.raises(Malformed, match="an axis of a grid needs bands"):
        Grid(name="grid", fit=points(1), engagement=points(1, bands={"1": 0}))
    grid = Grid(name="grid", fit=points(1, "f", bands={"A": 5}), engagement=points(1, "e", bands={"1": 0}), floor=0)
    assert grid.score(ADA, [], at=T).band is None
    with pytest.raises(Malformed, match="have the same name"):
        Grid(
            name="g",
            fit=points(1, "f", bands={"A": 0, "A1": 10}),
            engagement=points(1, "e", bands={"1": 0, "11": 10}),
        )
    assert grid.limits() == (2_000_000, 2_000_000)


def test_the_highest_wins_and_the_first_of_equals():
    policy = Highest(name="best", of=(points(3, "a"), points(7, "b"), points(7, "c"), silent))
    score = policy.score(ADA, [], at=T)
    assert (score.policy, score.value, score.lines[-1].rule) == ("best", 7, "b")
    assert score.lines[-1].reason == "the highest of a, b, c, silent"
    assert Highest(name="best", of=(silent, broken_never := points(1))).score(ADA, [], at=T).value == 1
    assert broken_never.band_names() == ()
    assert Highest(name="best", of=(silent,)).score(ADA, [], at=T).answer is Answer.UNANSWERED
    assert Highest(name="best", of=(EXCLUDING, points(1))).score(ADA, [], at=T).answer is Answer.EXCLUDED
    with pytest.raises(PolicyError, match="cannot compare points with probabilities"):
        Highest(name="best", of=(CHANCE, points(1))).score(ADA, [], at=T)


def test_until_another_policy_can_overtake_the_highest_keeps_its_bands():
    falling = Points(
        name="falling",
        rules=(ActivityRule(name="call", kinds="call", points=20, half_life=elapsed(days=7)),),
        bands={"hot": 0},
    )
    policy = Highest(name="best", of=(falling, points(5, "steady", bands={"calm": 0})))
    seen = [Activity(id="c", kind="call", at=T)]
    score = policy.score(ADA, seen, at=T)
    until = score.steady_until(None)
    assert (score.band, policy.score(ADA, seen, at=T + 15 * DAY).band) == ("hot", "calm")
    assert T < until <= T + 14 * DAY
    assert policy.score(ADA, seen, at=until - timedelta(microseconds=1)).band == "hot"
    alike = Highest(name="best", of=(falling, points(5, "steady", bands={"hot": 0})))
    assert alike.score(ADA, seen, at=T).steady_until(None) is not None


def test_per_lead_type():
    policy = PerLeadType(
        name="typed", cases={"referral": points(9, "r"), "interest": points(2, "i")}, otherwise=points(4)
    )
    for source, expected in ((Source(lead_type="referral"), 9), (Source(channel="email"), 2), (Source(), 4), (None, 4)):
        assert value(policy, Lead(id="ada", source=source)) == expected
    strict = PerLeadType(name="typed", cases={"referral": points(9)})
    score = strict.score(ADA, [], at=T)
    assert (score.answer, score.why) == (Answer.UNANSWERED, "no policy for leads of type unknown")
    assert ("source", "lead_type") in set(strict.inputs())
    assert (policy.limits(), len(policy.parts()), len(strict.parts())) == ((2_000_000, 9_000_000), 3, 1)
    with pytest.raises(Malformed):
        PerLeadType(name="typed", cases={"cold": points(9)})
    with pytest.raises(Malformed, match="'interest' is given twice"):
        PerLeadType(name="typed", cases={"nets": points(1), "interest": points(2)})
    with pytest.raises(Malformed):
        PerLeadType(name="typed", cases=5)


def test_a_fallback_takes_the_first_answer_and_says_what_failed():
    policy = Fallback(name="either", of=(silent, broken, points(4, "last")))
    score = policy.score(ADA, [], at=T)
    assert (score.value, score.lines[-1].reason) == (
        4,
        "silent has no answer; broken raised ZeroDivisionError; answered by last",
    )
    none = Fallback(name="either", of=(silent, broken)).score(ADA, [], at=T)
    assert (none.answer, none.why) == (Answer.UNANSWERED, "silent has no answer; broken raised ZeroDivisionError")
    assert Fallback(name="either", of=(EXCLUDING, points(4))).score(ADA, [], at=T).answer is Answer.EXCLUDED


def test_a_value_set_by_hand_replaces_the_automatic_one_until_it_is_cleared():
    policy = Overridden(name="engagement", of=fading(), field="by_hand")
    ruled = Lead(id="ada", fields={"by_hand": 42})
    score = policy.score(ruled, CALLS, at=T)
    assert (score.value, score.automatic, score.lines[-1].reason) == (42, 5_000_000, "set by hand")
    assert "set by hand; the automatic value is 5" in score.explain()
    assert policy.score(ruled, CALLS, at=T + 9 * DAY).value == 42
    assert (value(policy), policy.score(ADA, CALLS, at=T).automatic) == (5, None)
    assert ("field", "by_hand") in set(policy.inputs())
    assert Overridden(name="o", of=silent, field="by_hand").score(ruled, [], at=T).value == 42
    assert Overridden(name="o", of=silent, field="by_hand").score(ADA, [], at=T).answer is Answer.UNANSWERED
    assert Overridden(name="o", of=EXCLUDING, field="by_hand").score(ruled, [], at=T).answer is Answer.EXCLUDED
    for wrong in ("lots", True):
        with pytest.raises(PolicyError, match="must be a number"):
            policy.score(Lead(id="ada", fields={"by_hand": wrong}), CALLS, at=T)


def test_a_probability_counts_as_one_line_of_points():
    policy = WeightedSum(name="sum", of=({"policy": CHANCE, "weight": 100}, {"policy": points(1)}))
    first, _ = policy.score(ADA, [], at=T).lines
    assert (first.rule, first.points) == ("chance", 25)
    assert value(Scaled(name="s", of=CHANCE, by=10)) == 2.5


@pytest.mark.parametrize("wrap", [
    lambda inner: WeightedSum(name="w", of=({"policy": inner}, {"policy": points(1)})),
    lambda inner: Scaled(name="w", of=inner, by=2),
    lambda inner: Capped(name="w", of=inner, cap=2),
    lambda inner: Gated(name="w", of=inner, when=field("x").known()),
])  # fmt: skip
def test_a_part_without_an_answer_leaves_the_whole_without_one(wrap):
    assert wrap(EXCLUDING).score(ADA, [], at=T).answer is Answer.EXCLUDED
    assert wrap(silent).score(ADA, [], at=T).answer is Answer.UNANSWERED


class Odd(dict):
    def items(self):
        raise ZeroDivisionError


def test_functions_answer_numbers_reasons_scores_or_nothing():
    def reasons(_lead, activities, *, at):
        return {"calls": 5 * len(activities), "month": at.month}

    score = as_policy(reasons).score(ADA, CALLS, at=T)
    assert [(line.reason, line.points) for line in score.lines] == [("calls", 5), ("month", 3)]
    assert (score.policy, score.version) == ("reasons", "1")
    assert value(CustomPolicy.of(lambda lead, activities, *, at: 3.5, name="plain")) == 3.5
    whole = CustomPolicy.of(
        lambda lead, activities, *, at: Score.of("other", {"a": 1}, at=at), name="whole", bands={"x": 1}
    )
    assert (whole.score(ADA, [], at=T).policy, whole.score(ADA, [], at=T).band) == ("whole", "x")
    assert whole.band_names() == ("x",)
    with pytest.raises(Malformed, match="gives at most"):
        CustomPolicy(name="p", scale="probability", bands={"likely": 60})
    nearly = CustomPolicy(name="p", scale="probability", bands={"no": 0, "likely": 0.6}).score_of(0.5999996, at=T)
    assert nearly.band == "no"


def test_a_class_keeps_its_own_name_and_version_and_sees_only_what_was():
    class Counting:
        name, version = "counting", "7"

        def score(self, _lead, activities, *, at):
            return Score.of(self.name, {"seen": len(activities)}, at=at)

    policy = as_policy(Counting())
    assert (policy.name, policy.version) == ("counting", "7")
    assert value(policy, activities=[*CALLS, Activity(kind="call", at=T + DAY)]) == 1


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (math.nan, "finite"),
        (math.inf, "finite"),
        ("12", "not str"),
        (True, "not bool"),
        ([1], "not list"),
        ({"a": math.nan}, "finite"),
        ({"a": "1"}, "not str"),
        (Score.of("x", {"a": 1}, at=T - DAY), "another instant"),
        (Score("x", "1", T, scale=Scale.PROBABILITY, probability=0.5), "in probability, not in points"),
        (10**400, "million million"),
        (Odd({"a": 1}), "ZeroDivisionError"),
    ],
)
def test_an_invalid_answer_is_an_error_that_names_the_policy(answer, problem):
    with pytest.raises(PolicyError, match=f"policy 'odd' .*{problem}") as error:
        CustomPolicy.of(lambda lead, activities, *, at: answer, name="odd").score(ADA, [], at=T)
    assert error.value.details == {"policy": "odd"}
    assert str(pickle.loads(pickle.dumps(error.value))) == str(error.value)


@pytest.mark.parametrize("answer", [1.5, -0.1, math.nan, "0.5", True])
def test_a_probability_is_one(answer):
    with pytest.raises(PolicyError):
        CustomPolicy.of(lambda lead, activities, *, at: answer, name="p", scale="probability").score(ADA, [], at=T)


def test_what_raises_and_what_is_not_bound_are_errors_of_their_own():
    with pytest.raises(PolicyError, match="raised ZeroDivisionError"):
        CustomPolicy.of(broken).score(ADA, [], at=T)
    with pytest.raises(PolicyNotBound, match="not bound"):
        CustomPolicy(name="later").score(ADA, [], at=T)
    inner = Fallback(name="f", of=(points(1),))
    with pytest.raises(PolicyError, match="policy 'inner'"):
        CustomPolicy.of(lambda lead, seen, *, at: CustomPolicy(name="inner").score(lead, seen, at=at), name="o").score(
            ADA, [], at=T
        )
    assert inner.limits() == (1_000_000, 1_000_000)


def no_instant(lead, activities):
    return 1


class Whole:
    def score(self, _lead, _activities, *, at):
        return Score.of("x", {}, at=at)


@pytest.mark.parametrize("what", [5, "os.system", lambda lead, activities, *, at: 1, object(), None, no_instant, Whole])
def test_other_values_than_policies_are_refused(what):
    with pytest.raises(Malformed):
        as_policy(what)
    with pytest.raises(Malformed):
        CustomPolicy(name="x", call=5)


def test_a_callable_without_a_signature_is_accepted():
    assert CustomPolicy.of(vars, name="vars").call is vars  # it has none to show


def test_a_file_keeps_the_name_of_what_is_bound_and_never_the_code():
    policy = WeightedSum(name="sum", of=({"policy": broken}, {"policy": points(1)}))
    kept = policy.model_dump(mode="json")
    assert kept["of"][0]["policy"] == {
        "name": "broken", "version": "1", "zone": None, "meaning": "", "op": "custom_policy", "scale": "points", "bands": {},
        "timeless": False,
    }  # fmt: skip
    again = read_policy(kept)
    assert again.parts()[0].call is None
    deep = Fallback(name="f", of=(Scaled(name="s", of=policy, by=1), points(3)))
    with pytest.raises(PolicyNotBound, match="'broken' is not bound to a function"):
        read_policy(deep.model_dump_json()).score(ADA, [], at=T)
    bound = read_policy(deep.model_dump_json(), policies={"broken": broken})
    assert bound == deep
    assert bound.score(ADA, [], at=T).value == 3
    assert pickle.loads(pickle.dumps(policy)).name == "sum"


def test_odd_names_and_contexts_bind_nothing():
    from leadlife import Playbook
    from leadlife.presets import eight_stage

    with pytest.raises(Malformed):
        read_policy({"op": "custom_policy", "name": []}, policies={"x": silent})
    with pytest.raises(Malformed):
        CustomPolicy.of(silent, bands=3)
    for kinds in (3, [5]):
        with pytest.raises(Malformed, match="names must be text"):
            points(1).lift(ADA, [], at=T, kinds=kinds)
    data = eight_stage().with_score(CustomPolicy.of(silent)).model_dump(mode="json")
    assert Playbook.model_validate(data, context={"policies": None}).policy("silent").call is None
    assert Playbook.model_validate(data, context={"policies": {"silent": silent}}).policy("silent").call is silent
    deep = {"op": "points", "name": "p"}
    for _ in range(500):
        deep = {"op": "scaled", "name": "s", "by": 1, "of": deep}
    with pytest.raises(Malformed):
        Playbook.model_validate({**data, "scores": [deep]}, context={})


def test_policies_are_nested_only_so_deep():
    policy = points(1)
    for _ in range(39):
        policy = Scaled(name="s", of=policy, by=1)
    assert policy.score(ADA, [], at=T).value == 1
    with pytest.raises(Malformed, match="at most 40 levels deep"):
        Scaled(name="s", of=policy, by=1)
    data = {"op": "points", "name": "p"}
    for _ in range(5_000):
        data = {"op": "scaled", "name": "s", "by": 1, "of": data}
    with pytest.raises(Malformed, match="at most 40 levels deep"):
        read_policy(data)


def test_the_activity_that_lifts_the_band_is_the_nearest_step():
    policy = Points(
        name="engagement",
        rules=(
            ActivityRule(name="demo", kinds="demo", points=50),
            ActivityRule(name="page", kinds="page", where={"page": "/pricing"}, points=12),
            ActivityRule(name="blog", kinds="page", where={"page": "/blog"}, points=1),
            FieldRule(name="calls", when=count("call", phone=("a", "b")) >= 2, points=11),
        ),
        bands={"cold": 0, "warm": 10, "hot": 40},
    )
    lift = policy.lift(ADA, [], at=T)
    assert (lift.activity.kind, lift.activity.attributes, lift.band) == ("page", {"page": "/pricing"}, "warm")
    called = [Activity(kind="call", at=T - DAY, attributes={"phone": "b"})]
    assert policy.lift(ADA, called, at=T).activity.kind == "call"
    assert policy.lift(ADA, [Activity(kind="demo", at=T)], at=T) is None
    assert points(1).lift(ADA, [], at=T) is None
    counting = CustomPolicy.of(lambda lead, seen, *, at: len(seen), name="n", bands={"none": 0, "some": 1})
    assert counting.lift(ADA, [], at=T) is None
    assert counting.lift(ADA, [], at=T, kinds=("call",)).band == "some"
    one, other = (
        points(50, "a", bands={"great": 40}),
        Points(name="b", start=45, rules=policy.rules, bands={"poor": 0, "good": 90}),
    )
    assert Highest(name="h", of=(one, other)).lift(ADA, [], at=T) is None
    assert Scaled(name="s", of=policy, by=2, bands={"x": 20}).lift(ADA, [], at=T).activity.kind == "page"
