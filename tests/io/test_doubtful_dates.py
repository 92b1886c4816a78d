"""Dates that are mistyped, planned, halves of a day or days of another zone: told by file, line and column."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlife.analytics import funnel
from leadlife.cli import main
from leadlife.errors import AmbiguousDates, Malformed, Unreadable
from leadlife.io import load_mapping, read_export
from leadlife.io.dates import check_format, midnights, parser, prove
from leadlife.io.mapping import parse_mapping
from leadlife.io.observation import Dated, ObservationWindow, cautions_of, observed
from leadlife.timing import zone_named

NOW = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)
UTC_ZONE, BERLIN, LONDON = zone_named("UTC"), zone_named("Europe/Berlin"), zone_named("Europe/London")
MAPPING = """
id = "shop"
zone = "UTC"
preset = "eight_stage"
[[tables]]
file = "leads.csv"
lead = "id"
[tables.entry]
column = "created"
format = "iso"
[[tables.stages]]
column = "sold"
stage = "opportunity"
infer_gaps = true
format = "iso"
[[tables.sales]]
column = "sold"
format = "iso"
"""


@pytest.fixture
def shop(tmp_path):
    (tmp_path / "shop.toml").write_text(MAPPING)

    def written(*odd):
        rows = [
            f"{n},2026-{1 + n % 9:02}-{1 + n % 28:02},{f'2026-10-{1 + n % 28:02}' if n % 3 == 0 else ''}"
            for n in range(60)
        ]
        (tmp_path / "leads.csv").write_text("\n".join(["id,created,sold", *rows, *odd]) + "\n")
        return read_export(load_mapping(tmp_path / "shop.toml"), tmp_path, now=NOW)

    written.folder = tmp_path
    return written


def test_a_sale_in_2081_moves_nothing(shop):
    plain, odd = shop(), shop("x,2026-09-01,2081-10-05")
    assert odd.observed_until == plain.observed_until
    assert [(one.line, one.reason) for one in odd.set_aside] == [
        (62, "column 'sold' holds 2081-10-05, more than five years ahead: mistyped?")
    ]
    figures = [funnel(one.journeys, one.playbook, as_of=one.observed_until) for one in (plain, odd)]
    assert figures[0].total == figures[1].total


def test_a_planned_date_is_kept_told_and_extends_nothing(shop):
    plain, odd = shop(), shop("x,2026-09-01,2026-12-24")
    assert odd.observed_until == plain.observed_until
    assert odd.observation.doubtful == (
        ("leads.csv", 62, "column 'sold': 2026-12-24 is after the time of reading (2026-11-01)"),
    )
    x = odd.journeys[-1]
    assert x.stage == "awareness"
    assert x.wake_at.at == datetime(2026, 12, 24, tzinfo=UTC)
    assert x.tick(datetime(2026, 12, 25, tzinfo=UTC)).stage == "customer"
    assert odd.rows[0].used == 61


def test_a_date_far_from_the_rest_extends_nothing_either(shop):
    plain = shop()
    odd = shop("x,2026-09-01,", "y,2022-01-05,")
    assert [one.reason for one in odd.observation.doubtful] == [
        "column 'created': 2022-01-05 is long before the next one (2026-01-01): mistyped?"
    ]
    old = read_export(load_mapping(shop.folder / "shop.toml"), shop.folder, now=NOW + 5 * 365 * DAY)
    assert old.observed_until == plain.observed_until
    shop("x,2026-09-01,2029-10-05")
    late = read_export(load_mapping(shop.folder / "shop.toml"), shop.folder, now=NOW + 5 * 365 * DAY)
    assert late.observed_until == plain.observed_until
    assert [one.reason for one in late.observation.doubtful] == [
        f"column 'sold': 2029-10-05 is long after the one before ({plain.observed_until:%Y-%m-%d}): mistyped?"
    ]


def dated(*days):
    return [Dated(datetime(2026, 1, 1, tzinfo=UTC) + day * DAY, "f", line, "c", "") for line, day in enumerate(days)]


def test_the_rule_for_far_dates():
    year = range(365)
    assert observed(dated(*year, 700), NOW + 999 * DAY).until == dated(364)[0].at
    assert observed(dated(*year, 500), NOW + 999 * DAY).until == dated(500)[0].at, "less than half the span of the rest"
    month = range(30)
    assert observed(dated(*month, 110), NOW).until == dated(110)[0].at, "no more than 90 days"
    assert observed(dated(*month, 140), NOW).until == dated(29)[0].at
    assert observed(dated(*range(18), 400), NOW + 999 * DAY).until == dated(400)[0].at, "too few dates to tell"
    assert observed(dated(*month, 140, 141), NOW).until == dated(29)[0].at
    assert observed(dated(*month, 140, 141, 142), NOW).until == dated(142)[0].at, "three of thirty are no slip"
    assert observed(dated(*([0] * 300), 200, 201, 202), NOW).until == dated(0)[0].at
    assert observed([], NOW) == ObservationWindow(None, ())
    assert observed(dated(900), NOW).until is None


@given(st.lists(st.integers(0, 200), min_size=20, max_size=80))
def test_dates_without_a_gap_are_never_doubtful(days):
    ordered = sorted(days)
    if all(right - left <= 90 for left, right in zip(ordered, ordered[1:], strict=False)):
        assert observed(dated(*days), NOW + 999 * DAY) == (dated(ordered[-1])[0].at, ())


def test_the_command_tells_them_and_an_end_beyond_the_data(shop, capsys):
    export = shop("x,2026-09-01,2027-12-24")
    main(["funnel", str(shop.folder / "shop.toml"), "--as-of", "2027-06-01"])
    shown = capsys.readouterr().out
    assert "doubtful: leads.csv line 62: column 'sold': 2027-12-24 is after the time of reading" in shown
    assert "! 1 date is after the time of reading or far from the rest, and extend" in shown
    assert "days after the latest date of the data (2026-10-28)" in shown
    main(["funnel", str(shop.folder / "shop.toml"), "--as-of", "2026-10-20", "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert [one["line"] for one in answer["doubtful"]] == [62]
    assert "as_of_beyond_data" not in {one["code"] for one in answer["warnings"]}
    assert [one.code for one in cautions_of(export.observation, export.observed_until + DAY)] == ["doubtful_dates"]


# Halves of a day.


@pytest.mark.parametrize("times", [["09:00", "11:30"], ["12:15"], ["1:05", "12:59"]])
def test_a_clock_that_may_have_twelve_hours_is_asked_for(times):
    values = [f"{20 + day}/03/2026 {clock}" for day, clock in enumerate(times)]
    with pytest.raises(AmbiguousDates, match="without AM or PM: morning or afternoon"):
        prove("called", values, UTC_ZONE)


@pytest.mark.parametrize("proof", ["13:00", "00:10", "23:59"])
def test_one_time_of_24_hours_proves_them(proof):
    read = prove("called", ["20/03/2026 09:00", f"21/03/2026 {proof}"], UTC_ZONE)
    assert read("20/03/2026 09:00") == datetime(2026, 3, 20, 9, tzinfo=UTC)


def test_a_column_with_am_and_pm_is_read():
    read = prove("called", ["20/03/2026 09:00 AM", "21/03/2026 12:10 PM", "22/03/2026 3:15 pm"], UTC_ZONE)
    assert [read(text).hour for text in ("20/03/2026 09:00 AM", "21/03/2026 12:10 AM", "22/03/2026 3:15 pm")] == [
        9,
        0,
        15,
    ]
    with pytest.raises(AmbiguousDates, match="no known date format fits"):
        prove("called", ["20/03/2026 09:00 AM", "21/03/2026 3:15"], UTC_ZONE)


def test_year_first_and_days_alone_need_no_proof():
    assert prove("called", ["2026-03-20 09:00"], UTC_ZONE)("2026-03-20 09:00").hour == 9
    assert prove("called", ["20/03/2026"], UTC_ZONE)("20/03/2026").hour == 0


# Days of another zone.

SUMMER_AND_WINTER = [
    "2026-03-26T23:00:00Z",
    "2026-03-27T23:00:00Z",
    "2026-03-28T23:00:00Z",
    "2026-03-29T22:00:00Z",
    "2026-03-30T22:00:00Z",
]


@pytest.mark.parametrize(
    "values",
    [
        SUMMER_AND_WINTER,
        [text.replace("Z", "+00:00") for text in SUMMER_AND_WINTER[:3]]
        + ["2026-04-01T23:00:00Z", "2026-04-02T23:00:00Z"],
        [f"2026-03-{day}T00:00:00+05:30" for day in range(10, 16)],
        [f"2026-03-{day}T00:00:00Z" for day in range(26, 30)] + ["2026-03-29T23:00:00Z", "2026-03-30T23:00:00Z"],
    ],
)
def test_midnights_of_another_zone_are_asked_for(values):
    with pytest.raises(AmbiguousDates, match="are its values midnights of another zone"):
        prove("created", values, UTC_ZONE)


@pytest.mark.parametrize(
    ("values", "zone"),
    [
        (SUMMER_AND_WINTER, BERLIN),
        (SUMMER_AND_WINTER[:4], UTC_ZONE),
        ([*SUMMER_AND_WINTER, "2026-03-30T08:12:00Z"], UTC_ZONE),
        ([f"2026-03-{day}T00:00:00Z" for day in range(10, 20)], UTC_ZONE),
        ([f"2026-03-{day}T09:00:00" for day in range(10, 20)], UTC_ZONE),
        ([f"2026-03-{day}T{day}:00:00Z" for day in range(10, 20)], UTC_ZONE),
    ],
)
def test_what_proves_its_days_is_not_asked_for(values, zone):
    assert prove("created", values, zone)(values[0])


def test_a_zone_that_is_named_gives_the_days():
    read = midnights(parser("iso", UTC_ZONE), BERLIN, UTC_ZONE)
    assert [read(text) for text in SUMMER_AND_WINTER] == [
        datetime(2026, 3, day, tzinfo=UTC) for day in (27, 28, 29, 30, 31)
    ]
    with pytest.raises(ValueError, match="not a midnight"):
        read("2026-03-27T12:00:00Z")


def test_a_mapping_names_the_zone_of_midnights(shop):
    text = MAPPING.replace('column = "created"\nformat = "iso"', 'column = "created"\nmidnights = "Europe/Berlin"', 1)
    rows = [f"{place},{at}," for place, at in enumerate([*SUMMER_AND_WINTER, "2026-04-01T10:00:00Z"])]
    (shop.folder / "leads.csv").write_text("\n".join(["id,created,sold", *rows]) + "\n")
    export = read_export(parse_mapping(text), shop.folder, now=NOW)
    assert [one.visits[0].entered.day for one in export.journeys] == [27, 28, 29, 30, 31]
    assert [one.line for one in export.set_aside] == [7]
    (shop.folder / "leads.csv").write_text("\n".join(["id,created,sold", *rows[:-1]]) + "\n")
    with pytest.raises(AmbiguousDates):
        read_export(parse_mapping(text.replace('midnights = "Europe/Berlin"', "")), shop.folder, now=NOW)
    stated = read_export(
        parse_mapping(text.replace('midnights = "Europe/Berlin"', 'format = "iso"')), shop.folder, now=NOW
    )
    assert [one.visits[0].entered.day for one in stated.journeys][:3] == [26, 27, 28]


# Rows of one key.


def test_the_later_line_of_a_conflict_is_named(shop):
    (shop.folder / "leads.csv").write_text("id,created,sold\na,2026-01-02,\nb,2026-01-03,\n")
    (shop.folder / "deals.csv").write_text(
        "deal,lead,closed,amount\nd1,a,2026-03-01,5\nd2,b,2026-02-01,5\nd1,a,2026-02-03,7\nd1,a,2026-03-01,5.00\n"
    )
    table = '\n[[tables]]\nfile="deals.csv"\nlead="lead"\nkey="deal"\n[[tables.stages]]\ncolumn="closed"\nformat="iso"\nstage="opportunity"\ninfer_gaps=true\n[[tables.sales]]\ncolumn="closed"\nformat="iso"\namount="amount"\ncurrency="EUR"\n'
    export = read_export(parse_mapping(MAPPING + table), shop.folder, now=NOW)
    assert export.refused == (("deals.csv", 4, "its key is that of line 2 of deals.csv, with other content"),)
    assert export.rows[1] == ("deals.csv", 4, 3, 1, 0)
    a = export.journeys[0]
    assert [fact.amount.amount for fact in a.standing if fact.type == "sold"] == [5]
    assert a.stage == "customer"


def test_a_column_that_is_mapped_twice_gives_two_facts(shop):
    text = (
        MAPPING
        + '[tables.attributes]\nsold_on = "sold"\nagain = "sold"\n[tables.identified]\ncolumn = "sold"\nformat = "iso"\n'
    )
    (shop.folder / "leads.csv").write_text("id,created,sold\na,2026-01-02,2026-02-01\n")
    [a] = read_export(parse_mapping(text), shop.folder, now=NOW).journeys
    assert dict(a.lead.fields) == {"sold_on": "2026-02-01", "again": "2026-02-01"}
    assert a.stage == "customer"
    assert a.lead.identified


# What was found by an attack.


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("%m/%d/%Y %H:%M %p", "AM and PM change hours of %I only"),
        ("%Y-%m-%d %H:%M %Z", "the name of a zone is read and ignored"),
    ],
)
def test_a_format_that_would_drop_a_part_is_refused(form, message):
    with pytest.raises(Malformed, match=message):
        check_format(form)


SALES = """
[[tables.stages]]
column = "sold"
stage = "opportunity"
infer_gaps = true
format = "iso"
[[tables.sales]]
column = "sold"
format = "iso"
amount = "fee"
currency = "EUR"
[[tables.sales]]
column = "sold"
format = "iso"
amount = "price"
currency = "EUR"
"""
HEAD = MAPPING[: MAPPING.index("[[tables.stages]]")]


def test_two_sales_of_one_column_are_two(shop):
    (shop.folder / "leads.csv").write_text(
        "id,created,sold,fee,price\na,2026-01-02,2026-02-01,100,100\nb,2026-01-02,2026-02-01,100,200\n"
    )
    export = read_export(parse_mapping(HEAD + SALES), shop.folder, now=NOW)
    assert [[fact.amount.amount for fact in one.facts if fact.type == "sold"] for one in export.journeys] == [
        [100, 100],
        [100, 200],
    ]
    assert not [one for one in export.refused if "its key" in one.reason]


def test_a_key_is_never_the_number_of_a_line(shop):
    (shop.folder / "leads.csv").write_text("id,created\na,2026-01-02\n")
    (shop.folder / "acts.csv").write_text("id,k,at,note\na,3,2026-02-14,first\na,,2026-02-14,second\n")
    acts = '[[tables]]\nfile = "acts.csv"\nlead = "id"\nkey = "k"\n[[tables.activities]]\ncolumn = "at"\nkind = "call"\nformat = "iso"\n'
    [a] = read_export(parse_mapping(HEAD + acts), shop.folder, now=NOW).journeys
    assert sum(fact.type == "activity" for fact in a.standing) == 2


@pytest.mark.parametrize(
    ("text", "decimal", "amount"),
    [
        ("1.234", None, None),
        ("1,234", None, None),
        ("1_000", None, None),
        ("12,50", None, None),
        ("12.50", None, "12.50"),
        ("1234", None, "1234"),
        ("1.234", ",", "1234"),
        ("1.234,50", ",", "1234.50"),
        ("1,234.50", ".", "1234.50"),
        ("1.234", ".", "1.234"),
        # A mark that is out of its place was meant otherwise.
        ("1234.50", ",", None),
        ("1,234.50", ",", None),
        ("1234,50", ".", None),
        ("1.234,50", ".", None),
        ("490,5", ".", None),
        ("12,34,567", ".", None),
        ("1,234,567.5", ".", "1234567.5"),
        ("1234,5", ",", "1234.5"),
    ],
)
def test_thousands_are_never_taken_for_decimals(shop, text, decimal, amount):
    stated = f'decimal = "{decimal}"\n' if decimal else ""
    one = SALES[: SALES.rindex("[[tables.sales]]")] + stated
    (shop.folder / "leads.csv").write_text(f'id,created,sold,fee\na,2026-01-02,2026-02-01,"{text}"\nb,2026-01-02,,\n')
    export = read_export(parse_mapping(HEAD + one), shop.folder, now=NOW)
    sold = [str(fact.amount.amount) for journey in export.journeys for fact in journey.facts if fact.type == "sold"]
    assert sold == ([] if amount is None else [amount])
    assert [row.line for row in export.set_aside] == ([2] if amount is None else [])


@pytest.mark.parametrize(
    ("header", "hint"),
    [
        ("id;created;sold\n", 'state delimiter = ";" for this table'),
        ("id\tcreated\n", 'state delimiter = "\\\\t" for this table'),
        ("sep=;\nid;created\n", "take out the first line, sep="),
        ("sep=,\nid,created\n", "take out the first line, sep="),
        ("\nid,created\n", "does not fit the file"),
        ("id,made\n", "does not fit the file"),
    ],
)
def test_a_header_that_is_not_split_is_explained(shop, header, hint):
    (shop.folder / "leads.csv").write_text(header)
    with pytest.raises(Unreadable, match=hint):
        read_export(parse_mapping(HEAD), shop.folder, now=NOW)


def test_a_cell_without_an_end_invents_no_lead(shop):
    (shop.folder / "leads.csv").write_text('id,created\na,"' + "x" * 140_000 + "\nz,2026-02-10\n")
    with pytest.raises(Unreadable, match="line 2: a cell is too long to be read"):
        read_export(parse_mapping(HEAD), shop.folder, now=NOW)
    (shop.folder / "leads.csv").write_text('id,created\na,2026-02-10\nb,"2026-02-11\nc,2026-02-12\nd,2026-02-13\n')
    export = read_export(parse_mapping(HEAD), shop.folder, now=NOW)
    assert "lines after it belong to it: is a quote not closed" in export.set_aside[0].reason


def test_one_odd_cell_hides_no_midnights():
    values = [*(f"2026-07-{day:02}T00:00:00Z" for day in range(1, 21)), "2026-07-09", "2026-07-21T10:15:00Z"]
    with pytest.raises(AmbiguousDates, match="midnights of another zone"):
        prove("created", values, zone_named("America/New_York"))


def test_many_iso_times_before_noon_are_asked_for():
    values = [f"2026-02-{day:02} {day % 12 + 1:02}:15:00" for day in range(1, 25)]
    with pytest.raises(AmbiguousDates, match="without AM or PM"):
        prove("created", values, UTC_ZONE)
    assert prove("created", [*values, "2026-02-25 13:00:00"], UTC_ZONE)(values[0])
    assert prove("created", [text.replace(" ", "T") + "Z" for text in values], UTC_ZONE)


def test_an_export_of_the_future_says_so(shop):
    (shop.folder / "leads.csv").write_text("id,created\na,2027-01-02\n")
    with pytest.raises(Unreadable, match="every date lies after the time of reading"):
        read_export(parse_mapping(HEAD), shop.folder, now=NOW)


def test_rows_of_one_key_fare_alike(shop):
    (shop.folder / "leads.csv").write_text("id,created\na,2026-01-02\n")
    (shop.folder / "deals.csv").write_text(
        "deal,lead,closed\nd1,a,2026-02-01\nd1,a,2026-02-01\n".replace(
            "d1,a,2026-02-01\nd1,a,2026-02-01", "d1,a,2026-02-01\nd1,a,2026-02-01 "
        )
    )
    table = '[[tables]]\nfile = "deals.csv"\nlead = "lead"\nkey = "deal"\n[[tables.stages]]\ncolumn = "closed"\nformat = "iso"\nstage = "customer"\n'
    export = read_export(parse_mapping(HEAD + table), shop.folder, now=NOW)
    assert export.rows[1][1:] == (2, 0, 2, 0)


def test_an_amount_too_large_for_money_is_set_aside(shop):
    one = SALES[: SALES.rindex("[[tables.sales]]")]
    (shop.folder / "leads.csv").write_text(f"id,created,sold,fee\na,2026-01-02,2026-02-01,{'9' * 60}\nb,2026-01-02,,\n")
    export = read_export(parse_mapping(HEAD + one), shop.folder, now=NOW)
    assert [row.line for row in export.set_aside] == [2]


def test_messages_show_the_day_that_the_file_has(shop):
    berlin = HEAD.replace('zone = "UTC"', 'zone = "Europe/Berlin"').replace('format = "iso"', 'format = "%Y-%m-%d"')
    rows = [f"{number},2026-01-{1 + number % 28:02}" for number in range(60)]
    (shop.folder / "leads.csv").write_text(
        "\n".join(["id,created", *rows, "x,2081-01-05", "y,2012-01-05", "z,2015-01-05"]) + "\n"
    )
    export = read_export(parse_mapping(berlin), shop.folder, now=NOW)
    assert [one.reason for one in (*export.set_aside, *export.observation.doubtful)] == [
        "column 'created' holds 2081-01-05, more than five years ahead: mistyped?",
        "column 'created': 2012-01-05 is long before the next one (2026-01-01): mistyped?",
        "column 'created': 2015-01-05 is long before the next one (2026-01-01): mistyped?",
    ]


def test_a_column_that_no_format_fits_says_which_fits_most():
    with pytest.raises(AmbiguousDates, match="iso fits 3 of 4") as caught:
        prove("created", ["2026-01-01", "2026-02-01", "2026-03-01", "2026-02-31"], UTC_ZONE)
    assert 'format = "iso"' in caught.value.hint
