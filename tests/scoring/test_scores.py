"""Scores: lines that add up, explanations, and differences in words."""

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from leadlife import Activity, Lead, Malformed, Score, elapsed
from leadlife.criteria import field
from leadlife.scoring import (
    ActivityRule,
    Answer,
    Contribution,
    CustomPolicy,
    FieldRule,
    Fit,
    Grid,
    LineKind,
    Points,
    RuleGroup,
    Scale,
    StepDecay,
    Trait,
    banded,
    micropoints,
)

T = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ADA = Lead(id="ada")


def made(**points):
    return Score.of("p", points, at=T)


def test_a_score_whose_lines_do_not_add_up_is_refused():
    with pytest.raises(Malformed, match="do not add up"):
        Score("p", "1", T, 5, (Contribution("r", LineKind.FIELD, 4, "r"),))
    with pytest.raises(Malformed, match="do not add up"):
        Score.load({**made(a=1).dump(), "micropoints": 3})


@pytest.mark.parametrize("broken", [{"policy": 5}, {"surplus": 1}, {"at": "yesterday"}, {"probability": math.nan}])
def test_invalid_data_are_refused_on_loading(broken):
    with pytest.raises(Malformed):
        Score.load({**made(a=1).dump(), **broken})


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, True, "5", None, 1e13])
def test_points_are_finite_numbers(number):
    with pytest.raises(Malformed):
        micropoints(number)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Score("p", "1", T, 1.0, (Contribution("r", LineKind.FIELD, 1.0, "r"),)),
        lambda: Score("p", "1", T, 10**400, (Contribution("r", LineKind.FIELD, 10**400, "r"),)),
        lambda: Score("p", "1", T, band="hot"),
        lambda: Score("p", "1", datetime(2026, 1, 1)),
        lambda: Score("p", "1", T, changes_at=datetime(2026, 1, 1)),
        lambda: Score.of("p", None, at=T),
        lambda: Score.of(3, {"a": 1}, at=T),
        lambda: Score.of("p", {"a": 1}, at=T, version=3),
        lambda: Score.of("p", {"a": 1}, at=T, bands={"a": 0, "b": 0}),
        lambda: Score.load({**made(a=1).dump(), "value": 99}),
        lambda: Score.of("p", {"a": 1}, at="today"),
        lambda: Score.of("p", {"a": 1}, at=T, bands=[1]),
        lambda: made(a=1).steady_until("x"),
        lambda: made(a=1).steady_until(math.nan),
    ],
)
def test_a_score_that_cannot_be_is_refused(make):
    with pytest.raises(Malformed):
        make()


def test_micropoints_round_half_away_from_zero():
    assert [micropoints(number) for number in (0.0000005, -0.0000005, 2, -1.25)] == [1, -1, 2_000_000, -1_250_000]


def test_a_probability_lies_between_0_and_1_and_is_exempt_from_the_sum():
    chance = Score("nb", "1", T, 300_000, (Contribution("r", LineKind.FIELD, -847_298, "r"),), Scale.PROBABILITY, 0.3)
    assert chance.value == 0.3
    assert Score.load(json.loads(json.dumps(chance.dump()))) == chance
    assert chance.explain().startswith("nb: 0.300")
    with pytest.raises(Malformed, match="between 0 and 1"):
        replace(chance, probability=1.2)
    with pytest.raises(Malformed, match="between 0 and 1"):
        replace(chance, probability=None)


def test_a_band_is_the_highest_that_is_reached_and_below_the_lowest_there_is_none():
    for value, band in ((9.999999, None), (10, "warm"), (39, "warm"), (40, "hot")):
        score = banded(made(a=value), {"hot": 40, "warm": 10})
        assert (score.band, score.bands) == (band, ("warm", "hot"))


ENGAGEMENT = Points(
    name="engagement",
    rules=(
        ActivityRule(name="demo", kinds=("demo",), points=25, meaning="demo request"),
        ActivityRule(name="webinar", kinds=("webinar",), points=24, half_life=elapsed(days=7)),
        ActivityRule(name="visit", kinds=("visit",), points=2, group="web", window=elapsed(days=10)),
        FieldRule(name="size", when=field("size") >= 50, points=5),
    ),
    groups={"web": RuleGroup(cap=3)},
    bands={"cold": 0, "warm": 30, "hot": 60},
)


def did(kind, days_ago, number=0):
    return Activity(id=f"{kind}{number}", kind=kind, at=T - days_ago * DAY)


def test_the_difference_of_two_scores_in_words():
    before = ENGAGEMENT.score(ADA, [did("webinar", 7)], at=T - 7 * DAY)
    after = ENGAGEMENT.score(ADA, [did("webinar", 7), did("demo", 0)], at=T)
    assert str(after.difference(before)) == "plus 25: demo request; minus 12: webinar aged (from band cold to warm)"
    assert str(before.difference(before)) == "no change"
    tiny = made(a=0.000002).difference(made(a=0.000001))
    assert str(tiny) == "plus 0.000001: a counts differently"
    gone = ENGAGEMENT.score(ADA, [did("visit", 3, n) for n in range(3)], at=T)
    later = ENGAGEMENT.score(ADA, [did("visit", 3, n) for n in range(3)], at=T + 8 * DAY)
    words = str(later.difference(gone))
    assert "minus 6: visit no longer counts" in words
    assert "plus 3: cap of group web no longer counts" in words


def test_a_changed_rule_is_reported():
    seen = [did("demo", 1)]
    before = ENGAGEMENT.score(ADA, seen, at=T)
    changed = ENGAGEMENT.with_rules(ENGAGEMENT.rules[0].replace(points=40))
    assert str(changed.score(ADA, seen, at=T).difference(before)).startswith("plus 15: demo request counts differently")


def test_another_half_life_at_the_same_instant_is_no_ageing_and_other_cuts_are_reported():
    seen = [did("webinar", 7)]
    before = ENGAGEMENT.score(ADA, seen, at=T)
    for half_life in (elapsed(days=14), elapsed(days=3)):
        other = ENGAGEMENT.with_rules(ENGAGEMENT.rules[1].replace(half_life=half_life))
        assert "webinar counts differently" in str(other.score(ADA, seen, at=T).difference(before))
    easier = ENGAGEMENT.replace(bands={"cold": 0, "warm": 10})
    words = str(easier.score(ADA, seen, at=T).difference(before))
    assert words == "the bands are cut differently (from band cold to warm)"


def test_a_score_is_printed_as_its_ledger_and_shown_in_short():
    score = ENGAGEMENT.score(ADA, [did("demo", 0)], at=T)
    assert str(score) == score.explain()
    assert repr(score) == "<Score engagement 1: 25, band cold, 2 lines>"
    assert repr(Score("p", "1", T, answer=Answer.EXCLUDED)) == "<Score p 1: excluded>"
    assert Score.load(json.dumps(score.dump())) == score
    assert score.dump()["value"] == 25
    assert score.dump()["lines"][0]["rule"] == "demo"
    lifted = replace(score, lift=ENGAGEMENT.lift(ADA, [did("demo", 0)], at=T))
    assert lifted.lift is not None
    assert Score.load(json.loads(json.dumps(lifted.dump()))) == lifted
    with pytest.raises(Malformed):
        Score.load({"policy": "p"})
    for broken in ("{", 5, [], None, {**score.dump(), "why": {1, 2}}, {**score.dump(), "parts": [7]}):
        with pytest.raises(Malformed):
            Score.load(broken)


def test_the_difference_reports_an_exclusion_and_refuses_two_scales():
    policy = ENGAGEMENT.replace(exclude=(field("competitor") == True,))  # noqa: E712 - a criterion
    before = policy.score(ADA, [did("demo", 1)], at=T)
    out = policy.score(Lead(id="ada", fields={"competitor": True}), [did("demo", 1)], at=T)
    assert "competitor is yes" in str(out.difference(before))
    assert "no longer excluded" in str(before.difference(out))
    chance = Score("nb", "1", T, scale=Scale.PROBABILITY, probability=0.0)
    for compare in (chance.difference, chance.against):
        with pytest.raises(Malformed, match="different scales"):
            compare(before)
        with pytest.raises(Malformed, match="compared with a score only"):
            compare(None)


def test_a_score_without_a_value_gives_no_trend_and_has_no_scale():
    none = Score("m", "1", T - DAY, answer=Answer.UNANSWERED, why="m has no answer")
    chance = Score("m", "1", T, 300_000, scale=Scale.PROBABILITY, probability=0.3)
    for later in (chance, made(a=20)):
        assert later.against(none).trend is None
        assert "no longer unanswered" in str(later.difference(none))
    assert none.against(chance).trend is None
    assert "m has no answer" in str(none.difference(chance))


def test_the_difference_of_two_probabilities_without_lines():
    low, high = (
        Score("m", "1", T, micropoints(value), scale=Scale.PROBABILITY, probability=value) for value in (0.2, 0.9)
    )
    assert str(high.difference(low)) == "plus 0.7: probability"


def test_activities_without_an_id_are_distinguished_by_their_instant():
    first, second = Activity(kind="demo", at=T - DAY), Activity(kind="demo", at=T)
    before, after = ENGAGEMENT.score(ADA, [first], at=T), ENGAGEMENT.score(ADA, [first, second], at=T)
    assert str(after.difference(before)).startswith("plus 25: demo request")


def test_a_score_explains_itself():
    policy = Points(
        name="engagement",
        start=2,
        rules=(
            *ENGAGEMENT.rules,
            ActivityRule(
                name="left", kinds=("bounce",), points=-4, decay=StepDecay(percent=25, every=elapsed(days=30))
            ),
        ),
        groups={"web": RuleGroup(cap=3)},
        cap=100,
        bands={"cold": 0, "warm": 30},
    )
    seen = [did("webinar", 7), did("bounce", 30), did("visit", 1), did("visit", 2, 1)]
    score = policy.score(ADA, seen, at=T).against(policy.score(ADA, seen, at=T - 7 * DAY))
    score = replace(score, lift=policy.lift(ADA, seen, at=T))
    assert score.explain() == (
        "engagement: 14 of at most 100, band cold\n"
        "   +2  starting points\n"
        "  +12  webinar on 2026-02-22, 50% left\n"
        "   +2  visit on 2026-02-27\n"
        "   +2  visit on 2026-02-28\n"
        "    0  unknown: size is at least 50\n"
        "   -3  bounce on 2026-01-30, 75% left\n"
        "   -1  cap of group web\n"
        "  trend: minus 8 since 2026-02-22\n"
        "  one webinar would lift it to band warm"
    )
    assert score.unknown == ("size",)
    assert score.activities == ("webinar0", "visit1", "visit0", "bounce0")
    assert score.points_by_rule()["visit"] == 4
    assert score.lines[1].points == 12


def test_the_bars_are_escaped_and_self_contained():
    score = Score.of("<b>", {"<script>alert(1)</script>": 3, "bad & worse": -1}, at=T)
    page = score._repr_html_()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "bad &amp; worse" in page
    assert "http" not in page
    assert Score.of("empty", {}, at=T)._repr_html_()
    broken = Score.of("p", {"line\nbreak": 1, "x": 2}, at=T)
    assert broken._repr_html_().count("+2") == 1
    assert len(broken.explain().splitlines()) == 3


def test_a_score_without_a_value_says_why():
    none = CustomPolicy.of(lambda lead, activities, *, at: None, name="model").score(ADA, [], at=T)
    assert none.answer is Answer.UNANSWERED
    assert none.explain() == "model: no score, unanswered: model has no answer"
    assert not none.answered


def test_a_grid_lists_its_parts():
    fit = Fit(name="fit", traits=(Trait(name="size", when=field("size") >= 50, percent=100),))
    grid = Grid(name="grid", fit=fit, engagement=ENGAGEMENT)
    score = grid.score(Lead(id="ada", fields={"size": 80}), [did("demo", 0), did("webinar", 0)], at=T)
    assert score.band == "Awarm"
    assert "part: fit: 100 of at most 100, band A" in score.explain()


def test_when_a_half_life_can_cross_a_threshold_is_bounded_from_below():
    score = ENGAGEMENT.score(ADA, [did("webinar", 0)], at=T)
    assert score.steady_until(25) is not None  # a bound does not know that fading only lowers it
    assert score.steady_until(49) is None
    until = score.steady_until(12)
    assert T + 6.9 * DAY < until < T + 7 * DAY
    assert score.steady_until(24) == T + timedelta(microseconds=1)
    assert ENGAGEMENT.score(ADA, [did("demo", 0)], at=T).steady_until(None) is None
    assert made(a=1).steady_until(None) is None


def test_a_score_that_changes_past_the_end_of_the_calendar_never_changes():
    assert Score.of("x", {"a": 1}, at=T, changes_at=datetime(2300, 1, 1, tzinfo=UTC)).changes_at is None
    assert Score.of("x", {"a": 1}, at=T, changes_at=T + timedelta(days=1)).changes_at == T + timedelta(days=1)
