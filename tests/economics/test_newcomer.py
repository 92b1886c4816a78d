"""What a newcomer stumbled over."""

from __future__ import annotations

import pytest

from leadlife import CostIncurred, Journey, Lead, Source
from leadlife.economics import (
    HoldoutLift,
    Spend,
    attribute,
    channel_paths,
    compare_orders,
    profile_from,
    read_spend,
    returns,
    shelf_life,
    worklist,
)
from leadlife.economics.call_orders import ByWorth, by_score, first_come
from leadlife.errors import Malformed
from leadlife.facts import Refunded
from leadlife.planning import Market
from leadlife.planning.simulation import Simulation
from leadlife.presets import eight_stage_nurture
from reference.money_leads import BOOK, DAY, T0, Made, eur

NOW = T0 + 100 * DAY
JANUARY = Spend.month("2026-01", eur(240), source="ads")


def test_a_source_whose_leads_had_costs_is_still_unknown_without_its_spend():
    made = Made("a", source="fair").won(10).add(CostIncurred, 11, amount=eur(2))
    row = returns([made.journey, Made("b").journey], [JANUARY], as_of=NOW, margin=1).row("fair")
    assert (row.cost, row.roi, row.cac_now) == (None, None, None)
    mixed = returns([made.journey, Made("b").journey], [JANUARY], as_of=NOW, by="lead_type")
    assert mixed.total.cost is None


def test_refunds_are_positive_and_those_beyond_what_was_paid_are_told():
    with pytest.raises(Malformed, match="more than 0"):
        Refunded(amount=eur(-200), at=T0)
    found = returns([Made("a").won(10).add(Refunded, 20, amount=eur(5000)).journey], as_of=NOW)
    assert "refunded_more" in {one.code for one in found.warnings}
    assert "! 1 leads were given back more than they had paid" in str(found)


def test_a_type_that_gave_back_more_than_it_paid_has_no_value():
    source = Source(channel="c", lead_type="interest")
    journey = Journey.start(Lead(id="x", identified=True, source=source), BOOK, at=T0, stage="name")
    made = Made("x")
    made.journey = journey
    (found,) = profile_from([made.won(10).add(Refunded, 20, amount=eur(5000)).journey], as_of=NOW, margin="0.5")
    assert found.profile.value is None
    assert found.unknown["value"] == "more came back than was paid"


def test_what_one_step_returns_the_next_one_takes(tmp_path):
    several = [Made("a").won(10).journey, Made("b").journey]
    path = tmp_path / "spend.csv"
    path.write_text("Month,Source,Amount,Currency\n2026-01,ads,240,EUR\n")
    read = read_spend(path)
    assert returns(several, read, as_of=NOW) == returns(several, [JANUARY], as_of=NOW)
    assert shelf_life(several, read, as_of=NOW, margin=1).curves
    paths = channel_paths(several, as_of=NOW)
    assert attribute(paths, "first") == attribute(paths.paths, "first")
    assert worklist(several, at=NOW, hours=1, profiles=profile_from(several, read, as_of=NOW))


def test_rows_are_ready_for_a_data_frame():
    found = returns([Made("a").won(10).journey], [JANUARY], as_of=NOW, margin=1)
    first, total = found.records()
    assert (first["source"], first["cost"], first["days_to_won_q50"], total["source"]) == ("ads", 240.0, 10, "total")
    assert all(value is None or isinstance(value, str | int | float) for value in first.values())


def test_spend_that_is_in_no_curve_is_told():
    spend = [JANUARY, Spend.month("2026-02", eur(5), source="ads")]
    found = shelf_life([Made("a").journey], spend, as_of=NOW, margin=1, by="source", samples=2)
    assert found.unassigned == 5
    assert "5.00 of the spend is in no curve" in str(found)


def test_revenue_is_not_called_margin_and_a_usual_margin_reaches_the_work_list():
    several = [Made(f"w{n:02}", day=n).won(n + 10, "1000.00").journey for n in range(40)]
    several.append(Made("o", day=40).opportunity(42).journey)
    revenue = worklist(several, at=T0 + 43 * DAY, hours=1).items[0]
    assert "EUR of revenue expected" in revenue.why
    margin = worklist(several, at=T0 + 43 * DAY, hours=1, margin=0.1).items[0]
    assert margin.margin == pytest.approx(revenue.margin / 10)
    assert "of revenue" not in margin.why
    book = eight_stage_nurture()
    plain = book.replace(lead_types=[one.replace(margin=None) for one in book.lead_types])
    from leadlife import Journey, Lead, Source

    lead = Lead(id="r", identified=True, source=Source(channel="c", lead_type="referral"))
    typed = Journey.start(lead, plain, at=T0, stage="name")
    assert worklist([typed], at=NOW, hours=1, margin=0.5).items[0].margin == pytest.approx(900 * 0.3 * 0.5)


def test_lifts_stand_beside_the_credits():
    lift = HoldoutLift("nurture", 10, 5, 10, 2, 0.3, 0.1, 0.5)
    found = attribute([], "linear", lifts=[lift])
    assert str(found).endswith("what was held out by chance shows: " + str(lift))


def test_orders_of_calls_sort_those_who_wait():
    quick = [Made(f"q{n}", day=n).won(n + 5).journey for n in range(30)]
    old, young = Made("old", day=10).journey, Made("young", day=33).journey
    at = T0 + 36 * DAY
    assert first_come([old, young], [], at) == ["old", "young"]
    order = ByWorth()
    assert order([old, young], [*quick, old, young], at) == ["young", "old"]
    assert order([young, old], [], at + DAY) == ["young", "old"]
    from leadlife import ActivityRecorded

    hot = Made("hot").add(ActivityRecorded, 35, kind="demo_request").journey
    assert by_score([old, hot], [], at) == ["hot", "old"]


def test_a_simulated_team_calls_in_an_order_and_first_come_changes_little():
    market = Market(sales_calls_per_day=20)
    found = compare_orders("first_come", "worth", leads=60, worlds=2, market=market, days=200)
    assert (found.a, found.b) == ("first_come", "worth")
    rows = {row.figure: row for row in found.rows}
    assert rows["offers to sales"].a > 0
    same = compare_orders("score", "score", leads=40, worlds=2, days=120)
    assert all(row.difference == 0 for row in same.rows)
    run = Simulation(40, days=120, market=Market(sales_calls_per_day=1), order=first_come)
    waiting = [journey.lead_id for journey in run.stream()]
    assert len(waiting) == len(set(waiting)) == run.totals.leads


@pytest.mark.parametrize("ask", [lambda: compare_orders("fifo", "worth"), lambda: compare_orders(1, "worth")])
def test_an_order_has_a_name(ask):
    with pytest.raises(Malformed, match="order"):
        ask()


def test_a_lead_without_profiles_is_of_no_type():
    assert "of its type" not in worklist([Made("a", book=BOOK).journey], at=NOW, hours=1).items[0].why


@pytest.mark.parametrize("order", [lambda _w, _e, _a: [], lambda _w, _e, _a: ["zzz"], lambda _w, _e, _a: None])
def test_an_order_of_ones_own_leaves_out_nobody(order):
    with pytest.raises(Malformed, match="all leads that wait|what the order returns"):
        list(Simulation(60, seed=3, days=120, order=order).stream())


def test_odd_orders_and_seeds_are_refused():
    with pytest.raises(Malformed, match="order must be a function"):
        Simulation(60, order="score")
    with pytest.raises(Malformed, match="seed must be a whole number"):
        compare_orders("score", "worth", seed="a")
