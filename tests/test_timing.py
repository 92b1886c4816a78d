"""Calendar-true durations, local days, due instants."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlife import Limit, Malformed, days, elapsed
from leadlife.timing import (
    Calendar,
    Elapsed,
    day_start,
    due,
    earliest,
    from_wall,
    instant,
    months,
    parse_duration,
    steps,
    weeks,
    whole_days,
    years,
    zone_named,
)

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
BERLIN = ZoneInfo("Europe/Berlin")


def at(*parts, zone=UTC):
    return datetime(*parts, tzinfo=zone)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("P1M", Calendar(months=1)),
        ("P1Y2M", Calendar(months=14)),
        ("P2W3D", Calendar(days=17)),
        ("P0D", Calendar()),
        ("PT36H", elapsed(hours=36)),
        ("PT1M30.5S", elapsed(seconds=90.5)),
        ("PT0S", Elapsed(microseconds=0)),
    ],
)
def test_iso_durations_are_read_as_what_they_are(text, value):
    assert parse_duration(text) == value
    assert parse_duration(value.model_dump()) == value


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "P1", "1D", "P1DT", "-P1D", "P1DT2H", "P1.5D", "P９D", "P9999Y", "PT99999999H"]
)
def test_other_texts_are_refused(text):
    with pytest.raises(Malformed):
        parse_duration(text)


def test_one_month_is_a_month():
    assert due(at(2026, 1, 31), months(1), ZoneInfo("UTC")) == at(2026, 2, 28)
    assert due(at(2024, 1, 31), months(1), ZoneInfo("UTC")) == at(2024, 2, 29)
    assert due(at(2024, 2, 29), years(1), ZoneInfo("UTC")) == at(2025, 2, 28)


def test_a_calendar_day_keeps_the_wall_clock_and_an_elapsed_one_keeps_the_seconds():
    before = at(2026, 3, 28, 12, zone=BERLIN)
    assert due(before, days(1), BERLIN) == at(2026, 3, 29, 12, zone=BERLIN)
    assert due(before, elapsed(hours=24), BERLIN) == at(2026, 3, 29, 13, zone=BERLIN)


def test_a_skipped_wall_time_stands_for_the_first_instant_after_the_gap():
    # Clocks in Sao Paulo went from 00:00 to 01:00 on 15 October 2017.
    assert day_start(date(2017, 10, 15), SAO_PAULO) == at(2017, 10, 15, 3)
    assert from_wall(datetime(2017, 10, 15, 0, 30, 7, 5), SAO_PAULO) == at(2017, 10, 15, 3)
    assert from_wall(datetime(2026, 3, 29, 2, 30), BERLIN) == at(2026, 3, 29, 1)


def test_a_wall_time_that_occurs_twice_stands_for_the_first():
    assert from_wall(datetime(2026, 10, 25, 2, 30), BERLIN) == at(2026, 10, 25, 0, 30)


def test_whole_days_are_midnights_on_the_wall():
    assert whole_days(at(2018, 1, 1, 1), at(2018, 1, 1, 3), SAO_PAULO) == 1
    assert whole_days(at(2018, 1, 1, 3), at(2018, 1, 2, 1), SAO_PAULO) == 0


@given(st.datetimes(datetime(2015, 1, 1), datetime(2030, 1, 1)), st.integers(0, 40), st.integers(0, 14))
def test_bounds_hold_what_a_duration_can_last(wall, number, several):
    for zone in (SAO_PAULO, BERLIN, ZoneInfo("UTC"), ZoneInfo("Pacific/Apia")):
        start = wall.replace(tzinfo=UTC)
        for duration in (days(number), Calendar(months=several, days=number), elapsed(hours=number)):
            least, most = duration.bounds()
            assert least <= due(start, duration, zone) - start <= most


@given(st.datetimes(datetime(2015, 1, 1), datetime(2030, 1, 1)), st.integers(1, 40))
def test_in_utc_calendar_days_are_elapsed_days(wall, number):
    start = wall.replace(tzinfo=UTC)
    assert due(start, days(number), ZoneInfo("UTC")) == due(start, days(number), ZoneInfo("Etc/UTC"))


def test_durations_say_what_they_are():
    assert [str(d) for d in (days(1), weeks(2), months(1), Calendar(months=2, days=3), Calendar())] == [
        "1 day",
        "14 days",
        "1 month",
        "2 months and 3 days",
        "0 days",
    ]
    assert [str(d) for d in (elapsed(hours=48), elapsed(hours=5), elapsed(minutes=1), elapsed(seconds=1.5))] == [
        "2 days",
        "5 hours",
        "1 minute",
        "1.5 seconds",
    ]


def test_a_limit_reads_text_and_timedelta_and_is_longer_than_nothing():
    assert Limit(after=timedelta(hours=1), trigger="x").after == elapsed(hours=1)
    assert Limit(after="P1M", trigger="x").after == months(1)
    for bad in ("P0D", "PT0S", timedelta(), timedelta(days=-1), 14):
        with pytest.raises(Malformed):
            Limit(after=bad, trigger="x")


def test_instants_are_aware_and_in_range():
    assert instant(datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))) == at(2026, 1, 1)
    for bad in (datetime(2026, 1, 1), at(1677, 1, 1), at(2300, 1, 1), date(2026, 1, 1), 1.5, "2026-01-01"):
        with pytest.raises(Malformed):
            instant(bad)


@pytest.mark.parametrize("name", ["Mars/Olympus", "../../etc/passwd", "/etc/passwd", "", "x" * 90])
def test_unknown_zones_are_refused(name):
    with pytest.raises(Malformed, match="no such time zone"):
        zone_named(name)


def test_steps_past_the_end_of_time_have_no_next():
    start = datetime(2200, 1, 1, tzinfo=UTC)
    assert steps(start, years(100), start, zone_named("UTC")) == (0, None)
    assert steps(start, elapsed(days=36_525), start, zone_named("UTC")) == (0, None)
    assert steps(start, months(1), start, zone_named("UTC")) == (0, datetime(2200, 2, 1, tzinfo=UTC))


def test_the_earliest_of_some_instants():
    start = datetime(2200, 1, 1, tzinfo=UTC)
    assert earliest((None, start, None)) == start
    assert earliest(()) is None


@pytest.mark.parametrize("name", ["localtime", "posixrules", "Factory", "right/Europe/Berlin", "posix/UTC"])
def test_a_zone_that_depends_on_the_machine_is_refused(name):
    with pytest.raises(Malformed, match="depends on the machine"):
        zone_named(name)
