"""The public Olist funnel against independent counts and the expected figures."""

import csv
import json
from collections import Counter
from pathlib import Path

import pytest

from leadlife.analytics import funnel
from leadlife.cli import main
from leadlife.io import load_mapping, read_export

ROOT = Path(__file__).parents[1]
MAPPING = ROOT / "examples/olist/olist.toml"


@pytest.fixture(scope="module")
def folder(shared_data):
    return shared_data / "olist"


@pytest.fixture(scope="module")
def export(folder):
    return read_export(load_mapping(MAPPING), folder)


@pytest.fixture(scope="module")
def figures(export):
    return funnel(export.journeys, export.playbook, as_of=export.observed_until, by="origin")


def test_every_lead_and_every_sale_is_there(export, figures):
    assert (figures.total.leads, figures.total.won) == (8_000, 842)
    assert [tuple(count)[1:] for count in export.rows] == [(8_000, 8_000, 0, 0), (842, 842, 0, 0)]
    assert str(export.observed_until.date()) == "2018-11-14"


def test_each_origin_has_the_independent_counts(folder, figures):
    with (folder / "olist_marketing_qualified_leads_dataset.csv").open() as lines:
        origins = {row["mql_id"]: row["origin"] or None for row in csv.DictReader(lines)}
    with (folder / "olist_closed_deals_dataset.csv").open() as lines:
        won = Counter(origins[row["mql_id"]] for row in csv.DictReader(lines))
    assert {group.key: (group.leads, group.won) for group in figures.groups} == {
        key: (number, won[key]) for key, number in Counter(origins.values()).items()
    }
    assert Counter(origins.values())[None] == 60
    assert Counter(origins.values())["unknown"] == 1_099


def test_days_and_horizons_are_those_expected(figures):
    days = figures.total.days_to_won
    assert (days.q25, days.q50, days.q75, days.half_by) == (5, 14, 54.75, None)
    rates = [round(100 * risk.rate, 3) for risk in figures.total.rate_by_horizon]
    assert rates == [6.937, 8.650, 9.692, 11.346]


def test_the_cautions_name_the_limits_of_the_data(figures):
    by_code = {}
    for caution in figures.warnings:
        by_code.setdefault(caution.code, []).append(caution.figures)
    truncated = by_code["left_truncation"][0]
    assert (truncated["first_sale"], truncated["first_entry"]) == ("2017-12-05", "2017-06-14")
    assert by_code["right_censoring"][0]["open"] == 7_158
    assert by_code["before_entry"] == [{"facts": 1, "leads": 1, "most_days": 2}]
    hidden = {one["attribute"] for one in by_code["winners_only"]}
    assert {"lead_type", "business_segment", "lead_behaviour_profile", "declared_monthly_revenue"} <= hidden
    assert "origin" not in hidden


def test_no_rate_is_given_by_an_attribute_of_winners_only(export):
    by_type = funnel(export.journeys, export.playbook, as_of=export.observed_until, by="lead_type")
    assert {group.rate for group in by_type.groups} == {None}
    assert by_type.total.rate is not None


def test_the_early_sale_is_dated_before_entry(export):
    early = [fact for journey in export.journeys for fact in journey.facts if fact.before_entry]
    assert [fact.type for fact in early] == ["sold"]


def test_sixty_one_sales_are_local_midnights(folder):
    with (folder / "olist_closed_deals_dataset.csv").open() as lines:
        clocks = Counter(row["won_date"][11:] for row in csv.DictReader(lines))
    assert clocks["02:00:00"] + clocks["03:00:00"] == 61


def test_the_page_shows_what_the_command_prints(folder, capsys):
    assert main(["funnel", str(MAPPING), "--data", str(folder), "--by", "origin"]) == 0
    printed = capsys.readouterr().out
    page = (ROOT / "docs/olist.md").read_text()
    table = page.split("```text\n")[1].split("```")[0].strip()
    assert table in printed
    assert "two days before the first contact" in page


def test_a_second_end_of_observation(folder, capsys):
    main(["funnel", str(MAPPING), "--data", str(folder), "--as-of", "2018-11-14", "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert round(answer["total"]["rate_by_horizon"][3]["rate"], 5) == 0.11346
