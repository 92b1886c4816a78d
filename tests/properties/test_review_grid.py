"""The review grid, in every zone and at every change of its clocks: no instant is computed before the one asked for."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlife import ActivityRecorded, ActivityRule, Journey, Points, QualificationRule, elapsed
from leadlife.criteria import score
from leadlife.presets import eight_stage
from leadlife.timing import grid_from

ZONES = sorted(name for name in available_timezones() if "/" in name)


@given(st.sampled_from(ZONES), st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)), st.integers(1, 9))
def test_the_next_review_is_never_before_the_instant_and_the_one_after_is_later(zone, wall, every):
    at = wall.replace(tzinfo=UTC)
    review = grid_from(at, ZoneInfo(zone), every)
    assert at <= review <= at + timedelta(days=every + 2)
    assert grid_from(review, ZoneInfo(zone), every) == review
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
