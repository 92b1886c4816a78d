"""Olist's real leads routed to an invented team, against a plain count of who had a place when."""

import importlib.util
from collections import Counter
from pathlib import Path

import pytest

from leadlife.io import load_mapping, read_export

FOLDER = Path(__file__).parents[2] / "examples" / "olist"


@pytest.fixture(scope="module")
def example():
    found = importlib.util.spec_from_file_location("olist_routing", FOLDER / "routing.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def journeys(shared_data):
    return list(read_export(load_mapping(FOLDER / "olist.toml"), shared_data / "olist").journeys)


def test_eight_thousand_leads_are_routed_and_the_backlog_is_told(example, journeys):
    months, got = example.routed(journeys, example.team(12, 25))
    assert sum(one.came for one in months) == 8_000
    assert [one.month for one in months if one.late] == ["2018-01", "2018-02", "2018-03", "2018-04", "2018-05"]
    assert months[-1].waiting > 3_000
    assert "simulated" in example.LABEL
    taken = sum(got.values())
    assert 7_000 < taken <= 8_000
    assert max(got.values()) - min(got.values()) < 100


def test_with_room_for_all_equal_members_get_equal_shares(example, journeys):
    months, got = example.routed(journeys, example.team(50, 10_000))
    assert max(got.values()) - min(got.values()) <= 1
    assert sum(got.values()) == 8_000
    assert sum(one.late for one in months) == 0
    entered = Counter(f"{journey.visits[0].entered:%Y-%m}" for journey in journeys)
    assert {one.month: one.came for one in months} == dict(entered)
