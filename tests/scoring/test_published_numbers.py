"""Published and recomputed examples: the numbers that other systems expect, to the digit."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from leadlife import Activity, Lead, Malformed, days, elapsed
from leadlife.criteria import count, field
from leadlife.errors import InvalidDefinition
from leadlife.scoring import (
    ActivityRule,
    Answer,
    FieldRule,
    LineKind,
    Points,
    RuleGroup,
    StepDecay,
    TierRule,
    account_engagement,
    eloqua,
    hubspot,
    mautic,
)

T = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def examples(shared_data):
    return json.loads((shared_data / "peer_expectations/worked_examples.json").read_text())


def test_the_points_example_line_by_line(examples):
    example = examples["points"]
    fading, fixed = example["policy"]["rules"]
    policy = Points(
        name="points",
        rules=(
            ActivityRule(
                name="fading",
                kinds=("x",),
                group="g",
                points=fading["points"],
                half_life=elapsed(days=fading["half_life_days"]),
                at_most=fading["at_most"],
            ),
            ActivityRule(
                name="stepping",
                kinds=("y",),
                points=fixed["points"],
                decay=StepDecay(percent=fixed["linear_step_percent"], every=elapsed(days=fixed["step_days"])),
            ),
        ),
        groups={"g": RuleGroup(cap=example["policy"]["group_cap"])},
    )
    seen = [Activity(id=f"x{age}", kind="x", at=T - age * DAY) for age in example["activity_ages_days"]]
    seen.append(Activity(id="y", kind="y", at=T - example["negative_age_days"] * DAY))
    score = policy.score(Lead(id="ada"), seen, at=T)
    newest_first = [
        line.points for line in reversed(score.lines) if line.rule == "fading" and line.kind is LineKind.ACTIVITY
    ]
    assert newest_first == example["lines"]
    assert [line.points for line in score.lines if line.kind is LineKind.CAP] == example["cap_losses"]
    assert score.points_by_rule()["stepping"] == example["negative_line"]
    assert score.value == example["total"] == policy.value(Lead(id="ada"), seen, at=T)


def test_eloquas_weighted_tiers_give_77_and_a(examples):
    example = examples["weighted_tiers"]
    profile = [
        TierRule(
            name=f"criterion {place}",
            tiers=((field(f"f{place}") == "best", points), (field(f"f{place}").known(), 10)),
            percent=round(weight * 100),
        )
        for place, (points, weight) in enumerate(example["profile"])
    ]
    engagement = [
        TierRule(
            name="opens",
            tiers=((count("open", within=days(7)) >= 3, 100), (count("open", within=days(30)) >= 1, 40)),
            percent=100,
        )
    ]
    policy = eloqua(profile=profile, engagement=engagement, cuts=tuple(example["cuts"][letter] for letter in "ABCD"))
    lead = Lead(id="ada", fields={f"f{place}": "best" for place in range(4)})
    opened = [Activity(kind="open", at=T - 20 * DAY)]
    score = policy.score(lead, opened, at=T)
    assert score.parts[0].value == example["axis_percent"]
    assert score.parts[0].band == example["letter"]
    assert score.band == "A3"
    assert policy.score(Lead(id="bo"), [], at=T).band == "D4"
    often = [Activity(kind="open", at=T - n * DAY) for n in range(3)]
    assert policy.score(lead, often, at=T).band == "A1"


def test_letter_grades_go_up_and_down_and_are_clamped(examples):
    grades = examples["letter_grade"]
    for example in grades["examples"]:
        thirds = example["thirds"]
        wanted = "yes" if thirds > 0 else "no"
        sizes = [3] * (abs(thirds) // 3) + ([abs(thirds) % 3] if thirds % 3 else [])
        sizes = [abs(thirds)] if abs(thirds) < 3 else sizes
        policy = account_engagement({f"c{n}": (field("answer") == "yes", size) for n, size in enumerate(sizes)})
        assert policy.band_names() == tuple(grades["scale"])
        score = policy.score(Lead(id="ada", fields={"answer": wanted}), [], at=T)
        assert score.band == example["grade"], example
        assert policy.score(Lead(id="bo"), [], at=T).band == grades["start"]


@pytest.mark.parametrize("thirds", [0, 4, -1])
def test_a_criterion_weighs_one_to_three_thirds(thirds):
    with pytest.raises(Malformed, match="1 to 3 thirds"):
        account_engagement({"c": (field("x") == 1, thirds)})


def hubspots():
    return hubspot(
        fit=[
            FieldRule(name="size", group="company", when=field("employees") >= 50, points=40),
            FieldRule(name="country", group="company", when=field("country").one_of("DE", "AT"), points=30),
            FieldRule(name="student", group="person", when=field("title").contains("student"), points=-90),
            FieldRule(name="senior", group="person", when=field("title").contains("head"), points=25),
        ],
        engagement=[
            ActivityRule(name="visit", group="web", kinds=("visit",), points=15, window=days(30)),
            ActivityRule(
                name="mail",
                group="mail",
                kinds=("click",),
                points=20,
                decay=StepDecay(percent=50, every=elapsed(days=30)),
            ),
        ],
        group_limits={"company": 60, "person": 50, "web": 40},
        high={"fit": 70, "engagement": 50},
        middle={"fit": 30, "engagement": 20},
        exclude=[field("competitor") == True],  # noqa: E712 - a criterion
    )


def test_hubspots_groups_are_held_and_then_the_total():
    # company 40 + 30, held to 60; person 25: fit 85, A. Web 3 x 15, held to 40; mail 20 + 10: engagement 70, 1.
    # 85 + 70 is held to 100.
    lead = Lead(id="ada", fields={"employees": 80, "country": "DE", "title": "Head of IT"})
    seen = [Activity(kind="visit", at=T - n * DAY) for n in range(3)]
    seen += [
        Activity(kind="visit", at=T - 31 * DAY),
        Activity(kind="click", at=T),
        Activity(kind="click", at=T - 45 * DAY),
    ]
    score = hubspots().score(lead, seen, at=T)
    assert [part.value for part in score.parts] == [85, 70]
    assert (score.value, score.band) == (100, "A1")


def test_hubspots_groups_are_held_below_as_well_and_an_excluded_lead_has_no_score():
    # person -90, held to -50; company 40: fit -10, C. Nothing done: 0, 3.
    lead = Lead(id="bo", fields={"employees": 80, "title": "Student"})
    score = hubspots().score(lead, [], at=T)
    assert (score.value, score.band) == (-10, "C3")
    rival = Lead(id="cy", fields={"competitor": True})
    assert hubspots().score(rival, [], at=T).answer is Answer.EXCLUDED
    labels = {f"{letter}{digit}" for letter in "ABC" for digit in "123"}
    assert set(hubspots().band_names()) == labels


def test_a_hubspot_rule_has_a_window_or_a_decay_never_both():
    with pytest.raises(InvalidDefinition, match="must age in one way"):
        ActivityRule(name="x", kinds="x", points=1, window=days(3), decay=StepDecay(percent=10, every=days(1)))


def test_what_the_vendors_do_not_support_is_refused():
    with pytest.raises(InvalidDefinition, match="must not have a half_life"):
        hubspot(
            fit=(),
            engagement=[ActivityRule(name="x", kinds="x", points=1, half_life=elapsed(days=1))],
            high={"fit": 2, "engagement": 2},
            middle={"fit": 1, "engagement": 1},
        )
    with pytest.raises(InvalidDefinition, match="middle must have the keys fit and engagement"):
        hubspot(fit=(), engagement=(), high={"fit": 2, "engagement": 2}, middle={})
    high, middle = {"fit": 2, "engagement": 2}, {"fit": 1, "engagement": 1}
    grouped = [FieldRule(name="x", when=field("a").known(), points=1, group="web")]
    with pytest.raises(InvalidDefinition, match="did you mean 'web'"):
        hubspot(fit=grouped, engagement=(), high=high, middle=middle, group_limits={"wbe": 3})
    for wrong in (
        lambda: hubspot(fit=None, engagement=(), high=high, middle=middle),
        lambda: mautic(actions=[{"name": "x"}]),
        lambda: mautic(actions=(), bands=3),
        lambda: mautic(actions=(), bands={"points": 3}),
        lambda: hubspot(fit=(), engagement=(), high=5, middle=middle),
        lambda: hubspot(fit=(), engagement=(), high=high, middle=middle, exclude=3),
        lambda: hubspot(fit=(), engagement=(), high=high, middle=middle, limit="x"),
        lambda: hubspot(fit=grouped, engagement=(), high=high, middle=middle, group_limits={"web": "x"}),
        lambda: hubspot(fit=(), engagement=(), high=high, middle=middle, group_limits=3),
        lambda: eloqua(profile=(), engagement=(), cuts=5),
        lambda: eloqua(profile=(), engagement=(), cuts=(3, 2, 1)),
        lambda: eloqua(profile=grouped, engagement=()),
        lambda: account_engagement({"a": 5}),
        lambda: account_engagement([1]),
    ):
        with pytest.raises(Malformed):
            wrong()
    with pytest.raises(InvalidDefinition, match="did you mean 'points/edu'"):
        mautic(actions=[ActivityRule(name="x", kinds="x", points=1, group="edu")], bands={"points/eud": {"a": 1}})


def test_mautics_groups_are_apart_from_the_total():
    total, webinars = mautic(
        actions=[
            ActivityRule(name="form", kinds=("form",), points=10, at_most=1),
            ActivityRule(name="page", kinds=("page",), points=1),
            ActivityRule(name="webinar", kinds=("webinar",), points=5, group="webinars"),
        ],
        bands={"points": {"engaged": 12}, "points/webinars": {"keen": 10}},
    )
    seen = [
        Activity(kind=kind, at=T - n * DAY)
        for n, kind in enumerate(["form", "form", "page", "page", "webinar", "webinar"])
    ]
    # The form is not repeatable: 10 + 2; the webinars move only their group; thresholds are inclusive.
    assert (total.score(Lead(id="ada"), seen, at=T).value, total.score(Lead(id="ada"), seen, at=T).band) == (
        12,
        "engaged",
    )
    assert (webinars.name, webinars.score(Lead(id="ada"), seen, at=T).value) == ("points/webinars", 10)
    assert webinars.score(Lead(id="ada"), seen, at=T).band == "keen"
    merged = [*seen, Activity(kind="page", at=T)]
    assert total.value(Lead(id="ada"), merged, at=T) == 13
