"""Business hours: sums of openings, against a walk minute by minute, and what clocks, nights and holidays do to them."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlife import Malformed, elapsed
from leadlife.errors import InvalidDefinition
from leadlife.timing import BusinessHours, days
from leadlife.timing.business_hours import WEEKDAYS

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
OFFICE = BusinessHours.weekdays("09:00-12:00", "13:00-17:00", zone="Europe/Berlin", holidays=["2026-12-25"])
ALWAYS = BusinessHours(zone="Europe/Berlin", week=dict.fromkeys(WEEKDAYS, "00:00-24:00"))
BERLIN = ZoneInfo("Europe/Berlin")


def berlin(*parts, fold=0):
    return datetime(*parts, tzinfo=BERLIN, fold=fold).astimezone(UTC)


@st.composite
def hours(draw):
    """Openings by day in zones whose clocks change at night, and nights in zones whose clocks never change."""
    nights = draw(st.booleans())
    zones = ["Asia/Kolkata", "UTC"] if nights else ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]
    week = {}
    for day in draw(st.lists(st.sampled_from(WEEKDAYS), min_size=1, unique=True)):
        marks = sorted(draw(st.lists(st.integers(7 * 4, 21 * 4), min_size=2, max_size=4, unique=True)))
        texts = [f"{mark // 4:02d}:{mark % 4 * 15:02d}" for mark in marks]
        week[day] = [f"{begin}-{end}" for begin, end in zip(texts[::2], texts[1::2], strict=False)]
        if nights:
            week[day].append(draw(st.sampled_from(["22:00-06:00", "21:30-00:00", "23:45-07:00"])))
    holidays = draw(st.lists(st.dates(date(2026, 3, 20), date(2026, 4, 10)), max_size=5))
    return BusinessHours(zone=draw(st.sampled_from(zones)), week=week, holidays=holidays)


INSTANTS = st.integers(0, 14 * 1_440).map(lambda minutes: datetime(2026, 3, 23, tzinfo=UTC) + minutes * MINUTE)


def works(team, at):
    """Return whether a team works, as a person would tell from a clock on the wall."""
    wall = at.astimezone(ZoneInfo(team.zone)).replace(tzinfo=None)
    for back in (0, 1):
        day = wall.date() - back * DAY
        for opening in () if day in team.holidays else team.week.get(WEEKDAYS[day.weekday()], ()):
            begin, end = (datetime.combine(day, time(int(text[:2]) % 24, int(text[3:]))) for text in opening.split("-"))
            if begin <= wall < (end if end > begin else end + DAY):
                return True
    return False


@given(hours(), INSTANTS, st.integers(0, 3 * 1_440))
def test_time_in_business_hours_is_what_a_walk_through_the_minutes_counts(team, start, minutes):
    walked = [start + place * MINUTE for place in range(minutes)]
    worked = sum(works(team, at) for at in walked)
    assert team.between(start, start + minutes * MINUTE) == worked * MINUTE
    assert team.between(start + minutes * MINUTE, start) == -worked * MINUTE
    assert team.is_open(start) is works(team, start)
    if worked:
        opens = team.opens(start)
        assert opens == next(at for at in walked if works(team, at))
        last = [at for at in walked if works(team, at)][-1]
        assert team.add(start, worked * MINUTE) == last + MINUTE


@given(hours(), INSTANTS, *[st.timedeltas(timedelta(microseconds=1), 9 * DAY)] * 2)
def test_what_is_added_is_what_lies_between(team, start, first, then):
    middle = team.add(start, first)
    assert team.between(start, middle) == first
    assert team.between(start, middle - timedelta(microseconds=1)) < first
    assert team.add(middle, then) == team.add(start, first + then)
    end = team.add(middle, then)
    assert team.between(start, middle) + team.between(middle, end) == team.between(start, end)


@pytest.mark.parametrize(
    ("start", "worked", "end"),
    [
        (berlin(2026, 3, 6, 16), 1 * HOUR, berlin(2026, 3, 6, 17)),  # just met: the end of the day, not the next begin
        (berlin(2026, 3, 6, 16), 4 * HOUR, berlin(2026, 3, 9, 12)),
        (berlin(2026, 3, 6, 16), timedelta(), berlin(2026, 3, 6, 16)),
        (berlin(2026, 3, 6, 17), timedelta(), berlin(2026, 3, 9, 9)),
        (berlin(2026, 3, 7, 12), timedelta(), berlin(2026, 3, 9, 9)),
        (berlin(2026, 3, 6, 12, 30), 1 * HOUR, berlin(2026, 3, 6, 14)),
        (berlin(2026, 3, 27, 16), 2 * HOUR, berlin(2026, 3, 30, 10)),  # the clocks change on the Sunday between
        (berlin(2026, 12, 24, 16), 2 * HOUR, berlin(2026, 12, 28, 10)),
        (berlin(2026, 3, 6, 16), "PT1H30M", berlin(2026, 3, 9, 9, 30)),
        (berlin(2026, 3, 6, 16), elapsed(minutes=30), berlin(2026, 3, 6, 16, 30)),
    ],
)
def test_deadlines_of_an_office(start, worked, end):
    assert OFFICE.add(start, worked) == end


@pytest.mark.parametrize(
    ("day", "opening", "open_for"),
    [
        ((2026, 3, 29), "00:00-24:00", 23 * HOUR),
        ((2026, 10, 25), "00:00-24:00", 25 * HOUR),
        ((2026, 3, 29), "02:00-03:00", 0 * HOUR),  # the clocks skip it
        ((2026, 3, 29), "02:30-04:00", 1 * HOUR),
        ((2026, 10, 25), "02:00-02:30", HOUR / 2),  # it occurs twice; the first counts
        ((2026, 10, 25), "01:00-03:00", 3 * HOUR),
        ((2026, 3, 28), "22:00-06:00", 7 * HOUR),
        ((2026, 10, 24), "22:00-06:00", 9 * HOUR),
    ],
)
def test_openings_at_night_when_clocks_change(day, opening, open_for):
    team = BusinessHours(zone="Europe/Berlin", week={WEEKDAYS[date(*day).weekday()]: opening})
    noon = berlin(*day, 12) - DAY / 2
    assert team.between(noon - DAY / 2, noon + 2 * DAY) == open_for


def test_an_opening_that_clocks_skip_never_opens():
    team = BusinessHours(zone="Europe/Berlin", week={"sunday": "02:00-03:00"})
    assert team.opens(berlin(2026, 3, 29, 1)) == berlin(2026, 4, 5, 2)


def test_a_day_that_a_zone_skipped_has_no_hours():
    apia = BusinessHours(zone="Pacific/Apia", week=dict.fromkeys(WEEKDAYS, "09:00-17:00"))
    start = datetime(2011, 12, 29, tzinfo=ZoneInfo("Pacific/Apia"))
    assert apia.between(start, start.astimezone(UTC) + 3 * DAY) == 3 * 8 * HOUR
    assert apia.add(start, 9 * HOUR) == datetime(2011, 12, 31, 10, tzinfo=ZoneInfo("Pacific/Apia"))


def test_an_overnight_opening_belongs_to_the_day_on_which_it_begins():
    night = BusinessHours(zone="UTC", week={"thursday": "22:00-06:00"}, holidays=[date(2026, 3, 6), date(2026, 3, 12)])
    assert night.is_open(datetime(2026, 3, 6, 5, tzinfo=UTC))
    assert not night.is_open(datetime(2026, 3, 13, 5, tzinfo=UTC))


def test_hours_are_data():
    assert BusinessHours.model_validate_json(OFFICE.model_dump_json()) == OFFICE
    mixed = {"tuesday": ["13:00-17:00", " 9:00 - 12:00"], "monday": "09:00-17:00", "sunday": []}
    team = BusinessHours(zone="UTC", week=mixed, holidays={date(2026, 1, 6): "Epiphany", date(2026, 1, 1): "New Year"})
    assert team.week == {"monday": ("09:00-17:00",), "tuesday": ("09:00-12:00", "13:00-17:00")}
    assert team.holidays == (date(2026, 1, 1), date(2026, 1, 6))
    assert hash(team) == hash(BusinessHours(zone="UTC", week=dict(team.week), holidays=[*team.holidays] * 2))


def test_the_holidays_of_a_country_come_from_a_package():
    # No development dependency: its latest release asks for python-dateutil below 3.
    holidays = pytest.importorskip("holidays")
    team = BusinessHours.weekdays(
        "09:00-17:00", zone="Europe/Berlin", holidays=holidays.country_holidays("DE", years=2026)
    )
    assert not team.is_open(berlin(2026, 12, 25, 10))
    assert team.add(berlin(2026, 4, 2, 16), 2 * HOUR) == berlin(2026, 4, 7, 10)  # over Easter


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"zone": "Europe/Berln"}, "zone: there is no such time zone"),
        ({"week": {}}, "no weekday has an opening"),
        ({"week": {"monday": []}}, "no weekday has an opening"),
        ({"week": {"mo": "09:00-17:00"}}, "'mo' must be one of: monday"),
        ({"week": {"monday": "9-17"}}, "week.monday.0: an opening is two times of day"),
        ({"week": {"monday": "09:00-24:30"}}, "an opening is two times of day"),
        ({"week": {"monday": ["09:00-12:00", 5]}}, "week.monday.1: an opening is two times of day"),
        ({"week": {"monday": ["11:00-17:00", "09:00-12:00"]}}, "the opening of monday at 11:00 begins before"),
        ({"week": {"sunday": "22:00-06:00", "monday": "05:00-07:00"}}, "the opening of monday at 05:00 begins before"),
        ({"holidays": "2026-12-25"}, "holidays must be a list of dates"),
        ({"holidays": 5}, "holidays: must be a list"),
        ({"holidays": ["25.12.2026"]}, "holidays.0: a holiday is a date"),
        ({"holidays": [berlin(2026, 12, 25)]}, "holidays.0: a holiday is a date without a time"),
    ],
)
def test_hours_that_cannot_be_are_refused(broken, message):
    with pytest.raises(InvalidDefinition, match=message):
        BusinessHours(**{"zone": "UTC", "week": {"monday": "09:00-17:00"}, **broken})


@pytest.mark.parametrize(
    ("worked", "message"),
    [
        (-HOUR, "must not be negative"),
        (days(1), "counted in elapsed time"),
        ("P1D", "counted in elapsed time"),
        (8, "must be a duration"),
    ],
)
def test_what_cannot_be_added_is_refused(worked, message):
    with pytest.raises(Malformed, match=message):
        OFFICE.add(berlin(2026, 3, 6, 16), worked)


def test_the_end_of_the_calendar_and_naive_instants():
    with pytest.raises(Malformed, match="before the year 2262"):
        OFFICE.add(datetime(2261, 12, 30, tzinfo=UTC), 99 * HOUR)
    with pytest.raises(Malformed, match="aware"):
        OFFICE.is_open(datetime(2026, 3, 6, 16))
    late = datetime(2261, 12, 31, 23, tzinfo=UTC)
    assert not OFFICE.is_open(late)
    assert OFFICE.between(late, late + MINUTE) == timedelta()
    assert ALWAYS.between(datetime(2026, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)) == 3_652 * DAY
