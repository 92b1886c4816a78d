"""What goes on from the last activity instead of adding up all of them: running sums, and bounds that decide."""

import operator
from datetime import UTC, datetime, timedelta
from random import Random
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlife import ActivityRecorded, FieldSpec, Journey, Lead, QualificationRule, elapsed
from leadlife.criteria import band, field, it, score
from leadlife.journey.memory import PersistentList, persistent_list, running
from leadlife.presets import eight_stage
from leadlife.scoring import ActivityRule, FieldRule, Points
from leadlife.scoring.points_engine import PointsEngine
from leadlife.scoring.score import joint_half_life
from leadlife.scoring.view import LeadView

T = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
FADING = Points(
    name="fading",
    rules=[
        ActivityRule(name="views", kinds=["page_view", "click"], points=1, half_life=elapsed(days=30)),
        ActivityRule(
            name="demos", kinds="page_view", points=7, half_life=elapsed(days=3), where={"page": "/demo"}, group="g"
        ),
        ActivityRule(name="leaving", kinds="click", points=-0.5, half_life=elapsed(days=9)),
        FieldRule(name="size", when=field("employees") >= 5, points=3),
    ],
    groups={"g": {"cap": 40}},
    bands={"cold": 0, "warm": 20, "hot": 60},
    floor=0,
)
HOT = QualificationRule(name="hot", enter=score("fading") >= 60, leave=score("fading") < 55)
WARM = QualificationRule(name="warm", enter=band("fading") >= "warm")
BOOK = eight_stage().with_fields(employees=FieldSpec(type="integer")).with_score(FADING).with_qualifications(HOT, WARM)


def life(number, *, seed=1, every=HOUR):
    random = Random(seed)
    for place in range(number):
        attributes = {"page": random.choice(["/demo", "/a"])} if random.random() < 0.5 else {}
        yield ActivityRecorded(
            kind=random.choice(["page_view", "click", "call"]), at=T + place * every, attributes=attributes
        )


def told(facts):
    journey = Journey.start(Lead(id="ada"), BOOK, stage="name", at=T)
    for fact in facts:
        journey = journey.record(fact)
    return journey


def test_the_sum_is_added_up_only_near_a_threshold():
    sums = []
    whole = PointsEngine.tally

    def counted(self, view, *, lines):
        if self.limits == FADING._engine.limits and self._rules == FADING._engine._rules:
            sums.append(1)
        return whole(self, view, lines=lines)

    with patch.object(PointsEngine, "tally", counted):
        short = len(sums), told(life(200)), len(sums)
        long = len(sums), told(life(2_000)), len(sums)
    assert short[2] - short[0] < 40
    assert long[2] - long[0] < 200


@pytest.mark.parametrize("seed", range(4))
def test_qualifications_are_those_of_the_ledger(seed):
    facts = list(life(400, seed=seed, every=3 * HOUR))
    near = told(facts)
    with patch.object(PointsEngine, "nearly", lambda self, view: None):
        exact = told(facts)
    assert near.derived == exact.derived
    assert near.visits == exact.visits
    assert near.qualifications == exact.qualifications
    assert Journey.replay(Random(seed).sample(near.facts, len(near.facts)), BOOK) == near
    moved = near.record(ActivityRecorded(kind="click", at=facts[300].at + HOUR / 2))
    assert Journey.replay(moved.facts, BOOK) == moved


@given(st.lists(st.integers(0, 9), max_size=300), st.integers(0, 300), st.lists(st.integers(0, 9), max_size=80))
def test_what_is_kept_with_a_list_is_what_all_of_it_makes(items, cut, others):
    def step(before, item):
        return (before or 0) * 3 % 1_000_003 + item

    def whole(values):
        made = None
        for value in values:
            made = step(made, value)
        return made

    here = None
    for place, item in enumerate(items):
        here = PersistentList(item, here)
        if place % 7 == 0:
            assert running(here, "k", step) == whole(items[: place + 1])
    branch = persistent_list(items[:cut])
    for item in others:
        branch = PersistentList(item, branch)
        assert running(branch, "k", step) == whole([*items[:cut], *others][: branch.size])
    assert running(here, "k", step) == whole(items)
    older = here
    while older is not None and older.size > cut:
        older = older.before
    assert running(older, "k", step) == whole(items[:cut][: 0 if older is None else older.size])
    assert running(here, "other", lambda before, item: (before or 0) + 1) == (len(items) or None)


RUNNING = [
    ActivityRule(name="r", kinds="page_view", points=2, at_most_per_day=3),
    ActivityRule(name="r", kinds=["page_view", "click"], points=2, at_most_per_day=3),
    ActivityRule(name="r", kinds="page_view", points=2, at_most_per_day=3, where={"page": "/demo"}),
    ActivityRule(name="r", kinds="page_view", points=2, at_most_per_day=2, at_most=5),
    ActivityRule(name="r", kinds="page_view", points=2, at_most_per_day=2, once_per="page"),
    ActivityRule(name="r", kinds=["page_view", "click"], points=-2, where={"page": it.contains("d")}),
    ActivityRule(name="r", kinds="page_view", points=2, at_most_per_day=2, half_life=elapsed(days=2)),
]


def seen_of(journey):
    return [fact.activity for fact in journey.facts if isinstance(fact, ActivityRecorded)]


@pytest.mark.parametrize("rule", RUNNING, ids=lambda rule: str(rule.reason))
@pytest.mark.parametrize("zone", [None, "America/Sao_Paulo"])
def test_counts_go_on_as_the_ledger_counts(rule, zone):
    policy = Points(name="p", rules=[rule], zone=zone)
    book = (
        eight_stage()
        .with_score(policy)
        .with_qualifications(
            QualificationRule(name="q", enter=score("p") >= 9 if rule.points > 0 else score("p") <= -9)
        )
    )
    journey = Journey.start("ada", book, stage="name", at=T)
    for fact in life(60, seed=3, every=5 * HOUR):
        journey = journey.record(fact)
        at = journey.at
        full = journey.score("p", at=at)
        assert policy.value(journey.lead, seen_of(journey), at=at) == full.value
        if not rule.half_life:  # else the rule is evaluated at the last review, and the ledger now
            assert ("q" in journey.qualifications) == (abs(full.value) >= 9)
    view = LeadView(journey.lead, seen_of(journey), journey.at)
    assert (
        policy._engine.tally(policy._own(view), lines=False).total
        == policy._engine.tally(policy._own(view), lines=True).total
    )


def test_an_activity_after_the_instant_is_not_counted_nearly():
    view = LeadView(Lead(id="a"), [], T)
    assert FADING._engine.nearly(view) is not None
    assert Points(name="p", rules=[])._engine.nearly(view) is None


class Earlier(LeadView):
    """A view whose half-lives are aged to an instant before its activities."""

    @property
    def aged(self):
        return T


def test_an_activity_after_the_instant_of_ageing_is_added_up():
    seen = [ActivityRecorded(kind="page_view", at=T + HOUR).activity]
    assert FADING._engine.nearly(Earlier(Lead(id="a"), seen, T + 2 * HOUR)) is None
    assert FADING._engine.nearly(LeadView(Lead(id="a"), seen, T + 2 * HOUR)) is not None


def test_on_the_edge_the_sum_itself_decides():
    seen = [ActivityRecorded(kind="page_view", at=T - 7 * HOUR).activity] * 3
    score = FADING.summary_of(LeadView(Lead(id="a"), seen, T))
    assert score.bounds.low < score.bounds.high
    value = FADING.assess(LeadView(Lead(id="a"), seen, T)).value
    assert score.compares(operator.ge, value)
    assert not score.compares(operator.gt, value)


def near(value, **rules):
    policy = Points(
        name="p",
        rules=[
            ActivityRule(name=kind, kinds=kind, points=points, half_life=half_life)
            for kind, (points, half_life) in rules.items()
        ],
        bands={"low": 0, "mid": 5, "high": 20},
    )
    score = policy.summary_of(LeadView(Lead(id="a"), [ActivityRecorded(kind=kind, at=T).activity for kind in rules], T))
    assert score.value == value
    return score


def test_a_sum_that_only_falls_never_reaches_what_is_above_it():
    day = elapsed(days=1)
    falling = near(12, call=(2, None), click=(10, day))
    assert falling.fades_from(12.1) is None
    assert T < falling.fades_from(7) <= T + 24 * HOUR  # after a day 5 of the 10 are left
    assert falling.fades_from(12) <= T + HOUR
    assert falling.fades_from(None) > T  # it falls out of its band, and never into a higher one
    assert near(3, call=(1, None), click=(2, day)).fades_from(None) is None


def test_a_sum_in_which_something_below_zero_fades_may_rise():
    rising = near(4, call=(14, None), click=(-10, elapsed(days=1)))
    assert T < rising.fades_from(9) <= T + 24 * HOUR
    assert rising.fades_from(15) is None  # there is not so much to fade


def test_a_lead_below_a_threshold_is_not_looked_at_again_and_again():
    rule = QualificationRule(name="keen", enter=score("p") >= 20)
    policy = Points(name="p", rules=[ActivityRule(name="r", kinds="call", points=9, half_life=elapsed(days=1))])
    book = eight_stage().replace(readiness=None).with_score(policy).with_qualifications(rule)
    journey = Journey.start("a", book, at=T, stage="name").record(ActivityRecorded(kind="call", at=T))
    assert journey.wake_at is None
    assert journey.record_all(ActivityRecorded(kind="call", at=T) for _ in range(2)).wake_at is not None


def test_bands_are_told_nearly_and_exactly():
    def of(number, *, bands):
        policy = FADING.replace(bands=bands)
        return policy.summary_of(LeadView(Lead(id="a"), [ActivityRecorded(kind="call", at=T).activity] * number, T))

    assert of(0, bands={"cold": 1}).band is None
    assert of(0, bands={}).fades_from(None) is None
    assert of(0, bands={"cold": 0}).band == "cold"
    # On the very edge only the exact sum tells the band.
    seen = [ActivityRecorded(kind="page_view", at=T - 7 * HOUR).activity] * 3
    edge = FADING.summary_of(LeadView(Lead(id="a"), seen, T)).value
    assert 2 < edge < 3
    for limit, told_band in ((edge, "cold"), (edge + 0.000001, None)):
        assert FADING.replace(bands={"cold": limit}).summary_of(LeadView(Lead(id="a"), seen, T)).band == told_band


@pytest.mark.parametrize("points", [0.000001, -0.000001, 0.000003])
def test_the_bounds_hold_where_every_line_is_rounded(points):
    policy = Points(name="p", rules=[ActivityRule(name="r", kinds="call", points=points, half_life=elapsed(days=1))])
    for number in range(1, 60, 7):
        seen = [ActivityRecorded(kind="call", at=T - place * HOUR * 6).activity for place in range(number)]
        view = LeadView(Lead(id="a"), seen, T)
        bounds, _ = policy._engine.nearly(view)
        assert bounds.low <= policy._engine.tally(view, lines=True).total <= bounds.high


@given(st.lists(st.tuples(st.integers(1, 10**12), st.integers(1, 10**13)), min_size=1, max_size=6), st.floats(0, 1e14))
def test_what_fades_together_fades_no_faster_than_its_joint_half_life_says(sums, wait):
    together = joint_half_life(sums)
    whole = sum(size for size, _ in sums)
    left = sum(size * 2.0 ** (-wait / half_life) for size, half_life in sums)
    assert left >= whole * 2.0 ** (-wait / together) * (1 - 1e-9)
    assert min(half_life for _, half_life in sums) <= together <= max(half_life for _, half_life in sums)


def test_one_half_life_is_its_own_mean_and_none_is_none():
    assert joint_half_life([(5, 7), (9, 7), (3, None)]) == 7
    assert joint_half_life([(3, None)]) is None
    assert joint_half_life([(0, 7), (0, 9)]) == 7
    assert joint_half_life([(10**400, 7), (1, 9)]) == 7
    assert joint_half_life([(10, 5), (10, 50)]) == 9
