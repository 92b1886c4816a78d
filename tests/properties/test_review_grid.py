"""The review grid, in every zone and at every change of its clocks: no instant is computed before the one asked for."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlife import (
    ActivityKind,
    ActivityRecorded,
    ActivityRule,
    Journey,
    Lifecycle,
    Playbook,
    Points,
    QualificationRule,
    Stage,
    Transition,
    elapsed,
)
from leadlife.criteria import score
from leadlife.presets import eight_stage
from leadlife.scoring import Capped, Highest
from leadlife.timing import grid_before, grid_from

ZONES = sorted(name for name in available_timezones() if "/" in name)


@given(st.sampled_from(ZONES), st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)), st.integers(1, 9))
def test_the_next_review_is_never_before_the_instant_and_the_one_after_is_later(zone, wall, every):
    at = wall.replace(tzinfo=UTC)
    review = grid_from(at, ZoneInfo(zone), every)
    assert at <= review <= at + timedelta(days=every + 2)
    assert grid_from(review, ZoneInfo(zone), every) == review
    before = grid_before(review, ZoneInfo(zone), every)
    assert before < review
    assert grid_from(before, ZoneInfo(zone), every) == before
    assert grid_from(before + timedelta(microseconds=1), ZoneInfo(zone), every) == review
    assert grid_before(at, ZoneInfo(zone), every) < at
    assert grid_from(review + timedelta(microseconds=1), ZoneInfo(zone), every) > review


@pytest.mark.parametrize("zone", ["America/St_Johns", "America/Goose_Bay", "America/Moncton"])
@pytest.mark.parametrize("year", [1988, 1995, 2006, 2010])
def test_where_clocks_fall_back_past_midnight_the_grid_goes_on(zone, year):
    at, end = datetime(year, 10, 20, tzinfo=UTC), datetime(year, 11, 20, tzinfo=UTC)
    while at < end:
        assert grid_from(at, ZoneInfo(zone), 1) >= at
        at += timedelta(minutes=10)


def test_time_passes_where_clocks_fall_back_past_midnight():
    fading = Points(name="p", rules=[ActivityRule(name="c", kinds="call", points=9, half_life=elapsed(minutes=10))])
    keen = QualificationRule(name="keen", enter=score("p") >= 5)
    book = eight_stage().with_score(fading).with_qualifications(keen).replace(zone="America/St_Johns")
    at = datetime(2010, 11, 7, 2, 40, tzinfo=UTC)
    ada = Journey.start("ada", book, stage="name", at=at).record(ActivityRecorded(kind="call", at=at))
    assert "keen" in ada.qualifications
    assert "keen" not in ada.tick(at + timedelta(days=3)).qualifications


def test_parts_with_other_bands_that_fade_apart_are_reviewed_on_the_grid():
    """The highest part may change as half-lives pass: that is never an exact instant, or ticks would be microseconds."""
    start = datetime(2026, 1, 5, 9, tzinfo=UTC)

    def part(name, half_life, bands):
        rule = ActivityRule(name="r", kinds=("call",), points=10, half_life=elapsed(days=half_life))
        return Points(name=name, rules=[rule], bands=bands)

    top = Highest(name="top", of=[part("a", 2, {"low": 0, "high": 5}), part("b", 3, {"cold": 0})])
    life = Lifecycle(
        stages=[Stage(id="s"), Stage(id="w", status="won")],
        transitions=[Transition(trigger="go", sources="s", target="w", guard=score("top") >= 50, automatic=True)],
    )
    book = Playbook(id="p", lifecycle=life, activity_kinds={"call": ActivityKind()}, scores=[top])
    for scores in ([top], [Capped(name="top", of=top.replace(name="inner"), cap=100)]):
        begun = Journey.start("ada", book.replace(scores=scores), stage="s", at=start)
        called = begun.record(ActivityRecorded(kind="call", at=start + timedelta(minutes=1)))
        assert called.wake_at is None
        assert called.tick(start + timedelta(days=60)).at == start + timedelta(days=60)
        found = called.score("top", at=called.at)
        assert found.changes_at is None
        assert found.steady_until(None) == found.at + timedelta(microseconds=1)
