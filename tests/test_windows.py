"""Send windows and waits: inside the window, never earlier than asked, whatever the clocks do."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlife.errors import InvalidDefinition, Malformed
from leadlife.timing import BusinessHours, days
from leadlife.timing.waits import BusinessTime, in_hours, waited
from leadlife.timing.windows import WEEKDAYS, SendWindow, first_open, quiet_spans

SENT = Path(__file__).parents[2] / "shared" / "data" / "peer_expectations" / "send_times.json"
HALF_HOUR = timedelta(minutes=30)
ZONES = sorted(available_timezones() - {"localtime", "Factory"})
WINDOWS = (
    SendWindow(hours="09:00-17:00"),
    SendWindow(hours="22:00-06:00"),
    SendWindow(hours="01:30-02:30"),
    SendWindow(hours="02:00-03:00", weekdays=["sunday", "monday"]),
    SendWindow(at="02:30"),
)


def changes(zone: ZoneInfo) -> list[datetime]:
    """Return the instants, to the day, at which the clocks of a zone change between 2024 and 2030."""
    found, day, last = [], datetime(2024, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
    before = day.astimezone(zone).utcoffset()
    while day < last:
        day += timedelta(days=1)
        if (now := day.astimezone(zone).utcoffset()) != before:
            found.append(day - timedelta(days=1))
            before = now
    return found


def is_inside(window: SendWindow, at: datetime, zone: ZoneInfo) -> bool:
    """Say it anew: hours may go past midnight, and belong to the day on which they begin."""
    wall = at.astimezone(zone).replace(tzinfo=None)
    if window.at is not None:
        return f"{wall:%H:%M}" == window.at
    begin, end = window.hours.split("-")
    clock, day = f"{wall:%H:%M}", WEEKDAYS[wall.weekday()]
    allowed = window.weekdays or WEEKDAYS
    if begin < end:
        return begin <= clock < end and day in allowed
    before = WEEKDAYS[wall.weekday() - 1]
    return (clock >= begin and day in allowed) or (clock < end and before in allowed)


def test_every_change_of_every_zone_is_walked_through():
    walked = 0
    by_rules: dict[tuple, None] = {}
    for name in ZONES:
        zone = ZoneInfo(name)
        for change in changes(zone):
            # Zones that are links of one another change alike, and are walked through once.
            offsets = tuple((change + hour * HALF_HOUR).astimezone(zone).utcoffset() for hour in range(0, 60, 2))
            walked += 1
            if (change, offsets) in by_rules:
                continue
            by_rules[change, offsets] = None
            for window in WINDOWS:
                previous = None
                for step in range(48):
                    asked = change + step * HALF_HOUR
                    found = window.first(asked, zone)
                    assert found >= asked
                    assert is_inside(window, found, zone), (name, asked, found)
                    assert previous is None or found >= previous  # a later asking is never answered earlier
                    if found > asked:  # and no minute before it is inside
                        minutes = range(0, min(int((found - asked).total_seconds()), 86_400), 1_800)
                        assert not any(is_inside(window, asked + timedelta(seconds=one), zone) for one in minutes)
                    previous = found
    assert walked > 2_000


@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2030, 12, 31)),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Tokyo", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]),
    st.sampled_from(WINDOWS),
)
def test_the_first_instant_is_the_first_minute_inside(wall, name, window):
    zone = ZoneInfo(name)
    asked = wall.replace(tzinfo=UTC, second=0, microsecond=0)
    here = asked
    while not is_inside(window, here, zone):
        here += timedelta(minutes=1)
    assert window.first(asked, zone) == here


def test_two_windows_are_open_where_both_are():
    zone, evening = ZoneInfo("Europe/Berlin"), SendWindow(hours="18:00-23:00")
    several = (evening.spans, quiet_spans("21:00-08:00"), SendWindow(weekdays=["monday"]).spans)
    tuesday = datetime(2026, 3, 3, 12, tzinfo=UTC)
    assert first_open(several, tuesday, zone).astimezone(zone).isoformat() == "2026-03-09T18:00:00+01:00"


def test_windows_that_are_never_open_together_are_an_error():
    with pytest.raises(Malformed, match="not open together"):
        first_open(
            (SendWindow(hours="22:00-23:00").spans, quiet_spans("21:00-08:00")),
            datetime(2026, 1, 1, tzinfo=UTC),
            ZoneInfo("UTC"),
        )


def test_quiet_hours_within_a_day_leave_both_ends():
    assert quiet_spans("12:00-14:00")[0] == ((0, 720), (840, 1440))
    assert quiet_spans("00:00-08:00")[0] == ((480, 1440),)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"hours": "9-17"}, "two times of day"),
        ({"hours": "09:00-09:00"}, "must not begin when they end"),
        ({"at": "25:00"}, "a time of day"),
        ({"at": "09:00", "hours": "09:00-10:00"}, "cannot be given together"),
        ({}, "needs hours, at or weekdays"),
    ],
)
def test_what_no_clock_shows_is_an_error(given, message):
    with pytest.raises(InvalidDefinition, match=message):
        SendWindow(**given)


def test_windows_say_what_they_are():
    assert str(SendWindow(hours="9:00-17:00", weekdays=["friday", "monday"])) == "09:00-17:00 on monday, friday"
    assert str(SendWindow(at="16:00")) == "at 16:00"
    assert str(SendWindow(weekdays=["sunday"])) == "all day on sunday"
    assert SendWindow(hours="09:00-10:00").is_open(datetime(2026, 1, 1, 9, tzinfo=UTC), ZoneInfo("UTC"))


def test_a_wait_passes_in_exact_time_by_the_calendar_or_in_business_hours():
    zone, office = ZoneInfo("America/New_York"), BusinessHours.weekdays("09:00-17:00", zone="America/New_York")
    friday = datetime(2026, 3, 6, 21, tzinfo=UTC)  # 16:00 in New York; clocks go forward on Sunday
    hours = {"office": office}
    assert waited(friday, None, zone, hours) == friday
    assert waited(friday, days(3), zone, hours).astimezone(zone).hour == 16
    assert waited(friday, in_hours("PT8H", "office").time_open, zone, hours) == friday + timedelta(hours=8)
    in_office = waited(friday, in_hours(timedelta(hours=8), "office"), zone, hours)
    assert in_office.astimezone(zone).isoformat() == "2026-03-09T16:00:00-04:00"
    assert BusinessTime.model_validate_json(in_hours("PT8H", "office").model_dump_json()) == in_hours("PT8H", "office")
    with pytest.raises(InvalidDefinition, match="elapsed time"):
        in_hours("P1D", "office")


@pytest.mark.skipif(not SENT.exists(), reason="the shared data are not here")
def test_send_times_of_another_system_are_reproduced():
    """A window with one side only is ignored there, and is not a window here, so it is left out."""
    cases = json.loads(SENT.read_text())["cases"]
    assert len(cases) == 8
    for case in cases:
        zone = ZoneInfo(case["contact_timezone"])
        due = datetime.strptime(case["due"], "%Y-%m-%d %H:%M").replace(tzinfo=zone)
        weekdays = [WEEKDAYS[number - 1] for number in case["weekdays_0_is_sunday"]]
        both = case["window_start"] is not None and case["window_end"] is not None
        hours = f"{case['window_start']}-{case['window_end']}" if both else None
        found = due
        if hours or case["at_hour"] or weekdays:
            found = SendWindow(hours=hours, at=case["at_hour"], weekdays=weekdays).first(due, zone)
        assert f"{found.astimezone(zone):%Y-%m-%d %H:%M}" == case["expected_local"], case["case"]
