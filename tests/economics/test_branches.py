"""Less common ways through the figures."""

from __future__ import annotations

from random import Random

import pytest

from leadlife import ActivityRecorded, CostIncurred, Journey, Lead, Money, Sold, Source
from leadlife.analytics import funnel
from leadlife.cli import main
from leadlife.economics import (
    BgNbd,
    Purchases,
    Spend,
    channel_paths,
    fit_bg_nbd,
    migration_value,
    profile_from,
    referral_value,
    shelf_life,
    worklist,
)
from leadlife.errors import Malformed
from leadlife.presets import eight_stage_nurture
from reference.money_leads import BOOK, DAY, SALES, T0, Made, eur

NOW = T0 + 120 * DAY
JANUARY = Spend.month("2026-01", eur(240), source="ads")


def test_parameters_that_made_the_purchases_are_found():
    pytest.importorskip("scipy")
    random, customers = Random(2), []
    for _ in range(1_500):
        rate, leaves = random.gammavariate(1.0, 1 / 5.0), random.betavariate(1.5, 3.0)
        at, last, number = 0.0, 0.0, 0
        while random.random() > leaves or not number:
            at += random.expovariate(rate)
            if at > 40:
                break
            last, number = at, number + 1
        customers.append(Purchases(number, last, 40.0))
    found = fit_bg_nbd(customers)
    assert found.r == pytest.approx(1.0, rel=0.4)
    assert found.alpha == pytest.approx(5.0, rel=0.4)


def test_values_of_a_few_periods_add_up():
    assert migration_value([[1]], [1], discount=1, periods=2) == (1.75,)


def test_far_ahead_a_customer_buys_what_is_left():
    model = BgNbd(r=0.1, alpha=1.0, a=3.0, b=2.0)
    assert model.expected(Purchases(0, 0, 5), time=1e20) == pytest.approx((3 + 2 - 1) / (3 - 1))


def test_a_fact_that_opened_a_cycle_is_not_counted_beside_its_source():
    book = BOOK.automated("return")
    made = Made("a", book=book).opportunity(5).recycled(6)
    made.add(ActivityRecorded, 50, kind="form", source=Source(channel="search"))
    made.won(60, "80.00").add(CostIncurred, 61, amount=eur(1))
    first, second = channel_paths([made.journey], as_of=NOW).paths
    assert (first.channels, first.value) == (("ads",), 0)
    assert (second.channels, second.value) == (("search",), 80)


def test_without_margins_a_profile_has_none():
    made = Made("x")
    lead = Lead(id="a", identified=True, source=Source(channel="ads", lead_type="referral"))
    made.journey = Journey.start(lead, BOOK, at=T0, stage="name")
    (found,) = profile_from([made.won(20).journey], [JANUARY], as_of=NOW)
    assert found.profile.margin is None
    assert "say nothing" in found.unknown["margin"]


def test_costs_are_no_margin():
    made = Made("a", referred_by="r").won(20, margin=eur(40)).add(CostIncurred, 21, amount=eur(7))
    assert referral_value([made.journey], as_of=NOW)[0].own == 40
    assert shelf_life([made.journey], [JANUARY], as_of=NOW, samples=2).curves[0].seen == 40


def test_a_curve_of_enough_leads_is_not_thin_and_others_are_left_out():
    several = [Made(f"l{number:02}", day=number % 20).journey for number in range(31)]
    found = shelf_life(several, [JANUARY], as_of=NOW, margin=1, samples=2)
    assert not [one for one in found.warnings if one.code == "thin_curve"]
    book = eight_stage_nurture()
    wins = [Made("sold", book=book).won(1).journey, Made("new", book=book, day=5).journey]
    found = shelf_life(wins, [JANUARY], as_of=NOW, margin=1, programme="keep warm", samples=2)
    assert [(curve.key, curve.leads) for curve in found.curves] == [("took part", 1)]


def test_a_work_list_without_profiles_assumes_nothing():
    assert "assumed" not in str(worklist([Made("a").journey], at=NOW, hours=1))


def test_a_group_is_named_by_text():
    with pytest.raises(Malformed, match="name of a field"):
        funnel([Made("a").journey], BOOK, as_of=NOW, by=5)


def test_a_margin_is_in_the_currency_of_its_sale():
    with pytest.raises(Malformed, match="same currency"):
        Sold(at=T0, amount=eur(10), margin=Money.of(1, "USD"))
    with pytest.raises(Malformed, match="same currency"):
        Sold(at=T0, margin=Money.of(1, "EUR"), by=SALES)


def test_the_command_reads_a_small_mapping(tmp_path, capsys):
    pytest.importorskip("vl_convert")
    (tmp_path / "leads.csv").write_text("id,day,origin\na,2026-01-05,ads\nb,2026-01-06,\n")
    (tmp_path / "tiny.toml").write_text(
        'id = "tiny"\nzone = "UTC"\n[lifecycle]\nentries = ["new"]\n'
        '[[lifecycle.stages]]\nid = "new"\n[[lifecycle.stages]]\nid = "won"\nstatus = "won"\n'
        '[[lifecycle.transitions]]\ntrigger = "win"\nsources = ["new"]\ntarget = "won"\nkind = "forward"\n'
        '[[tables]]\nfile = "leads.csv"\nlead = "id"\n[tables.entry]\ncolumn = "day"\nformat = "%Y-%m-%d"\n'
        'stage = "new"\n[tables.source]\nchannel = "origin"\n'
    )
    assert main(["report", str(tmp_path / "tiny.toml"), "-o", str(tmp_path / "page.html")]) == 0
    assert "2 leads as of 2026-01-06" in capsys.readouterr().out


def test_a_page_without_leads_says_so():
    pytest.importorskip("vl_convert")
    from leadlife.reports.report import lead_report

    assert "0 leads came, and 0 of them are won so far" in lead_report([], as_of=NOW, playbook=BOOK)
