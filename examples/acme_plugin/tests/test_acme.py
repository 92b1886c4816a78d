"""The plugin is found by name, keeps leadlife's laws, and reads its own export."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import acme_leadlife

from leadlife import ActivityRecorded, Journey
from leadlife.analytics import funnel as honest_funnel
from leadlife.io import read_with
from leadlife.plugins import PluginGroup, find_policy, find_preset, plugins
from leadlife.testing import check_playbook, check_policy

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_what_it_brings_is_found_by_name():
    mine = {(one.group, one.name) for one in plugins() if one.package == "acme-leadlife"}
    assert mine == {
        (PluginGroup.POLICIES, "acme_intent"),
        (PluginGroup.PRESETS, "acme_funnel"),
        (PluginGroup.READERS, "acme_crm"),
    }
    assert find_policy("acme_intent").version == "2"
    assert find_preset("acme_funnel") is acme_leadlife.funnel()


def test_the_policy_keeps_the_contract():
    check_policy(acme_leadlife.intent, kinds=("demo_request", "call", "webinar"), rising=("demo_request",))


def test_the_playbook_keeps_the_laws():
    check_playbook(acme_leadlife.funnel(), examples=30)


def test_acmes_own_score_makes_a_marketing_qualified_lead():
    ada = Journey.start("ada", acme_leadlife.funnel(), at=MONDAY)
    for place, kind in enumerate(("webinar", "demo_request")):
        ada = ada.record(ActivityRecorded(kind=kind, at=MONDAY + timedelta(hours=place)))
    assert ada.stage == "mql"


def test_the_export_is_read_and_nothing_is_lost():
    export = read_with("acme_crm", Path(__file__).parent / "export")
    assert len(export.journeys) == 3
    assert [(one.file, one.line) for one in export.set_aside] == [("leads.csv", 5)]
    told = honest_funnel(export.journeys, export.playbook, as_of=export.observed_until)
    assert told.to_dict()
