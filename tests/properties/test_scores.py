"""Laws of scores: differences add up, the lift that is named lifts, and a journey scores as its policy does."""

from datetime import timedelta

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from leadlife import ActivityRecorded, FieldSpec, Journey
from leadlife.playbook.fields import FieldType
from leadlife.scoring import Scale, rank
from leadlife.scoring.decay import StepDecay, steps_of
from leadlife.testing import activities, at_times, leads, points_policies, policies
from leadlife.testing.strategies import EPOCH, ZONES
from leadlife.timing import days, due, elapsed, months, zone_named

SLOW = settings(suppress_health_check=list(HealthCheck))


@SLOW
@given(policies(), leads(), activities(), activities(), at_times())
def test_the_changes_of_a_difference_add_up_to_it(policy, lead, before, after, at):
    earlier, later = policy.score(lead, before, at=at), policy.score(lead, after, at=at + timedelta(days=9))
    difference = later.difference(earlier)
    assert difference.micropoints == later.micropoints - earlier.micropoints
    assert sum(change.micropoints for change in difference.changes) == difference.micropoints
    assert str(later.difference(later)) == "no change"


@SLOW
@given(points_policies(), leads(), activities(), at_times())
def test_the_activity_that_is_named_does_lift_the_band(policy, lead, seen, at):
    lift = policy.lift(lead, seen, at=at)
    assume(lift is not None)
    now, then = policy.score(lead, seen, at=at), policy.score(lead, (*seen, lift.activity), at=at)
    assert rank(then) > rank(now)
    assert then.band == lift.band


@SLOW
@given(points_policies(), leads(), activities(kinds=("call", "page_view", "form"), most=5), at_times())
def test_a_journey_scores_as_its_policy_does(policy, lead, seen, at):
    from leadlife.presets import eight_stage

    book = eight_stage().with_fields(
        size=FieldSpec(type=FieldType.INTEGER), city=FieldSpec(), by_hand=FieldSpec(type=FieldType.INTEGER)
    )
    book = book.with_score(policy)
    journey = Journey.start(lead, book, at=EPOCH, stage="name")
    for one in seen:
        journey = journey.record(ActivityRecorded(kind=one.kind, attributes=one.attributes, at=one.at, key=one.id))
    found = journey.score(policy.name, at=at)
    told = policy.score(lead, seen, at=at)
    assert (found.micropoints, found.band, found.answer) == (told.micropoints, told.band, told.answer)
    assert [line[2:4] for line in found.lines if line.at is None] == [
        line[2:4] for line in told.lines if line.at is None
    ]


@SLOW
@given(policies(), leads(), activities(), at_times())
def test_explanations_are_told_for_any_score(policy, lead, seen, at):
    score = policy.score(lead, seen, at=at)
    assert score.explain().startswith(f"{policy.name}: ")
    assert "<script" not in score._repr_html_()
    if score.scale is Scale.POINTS and score.answered:
        low, high = policy.limits()
        assert low is None or low <= score.micropoints
        assert high is None or score.micropoints <= high


@given(
    st.sampled_from([days(1), days(9), months(1), months(5), elapsed(hours=7), elapsed(days=30)]),
    at_times(),
    st.timedeltas(timedelta(0), timedelta(days=3_000)),
    st.sampled_from(ZONES),
)
def test_steps_are_counted_as_due_says(every, start, wait, zone):
    at, where = start + wait, zone_named(zone)
    left, following = steps_of(StepDecay(percent=1, every=every), where)(start, at)
    done = round((1 - left) * 100)
    if following is not None:
        assert following > at
    times = type(every)
    field = "microseconds" if times is type(elapsed(hours=1)) else None
    size = {field: every.microseconds} if field else {"months": every.months, "days": every.days}
    if 0 < done < 100:
        assert due(start, times(**{name: part * done for name, part in size.items()}), where) <= at
    if done < 99:
        assert due(start, times(**{name: part * (done + 1) for name, part in size.items()}), where) > at
