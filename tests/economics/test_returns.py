"""What groups of leads cost and earned: exact sums, honest unknowns, and the same counts as the funnel."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlife import CostIncurred, Journey, Money, Sold
from leadlife.analytics import funnel
from leadlife.economics import BookingKind, Cohort, ExchangeRate, Spend, bookings, returns, unit_costs
from leadlife.economics.currency import Converter
from leadlife.errors import CurrencyMismatch, Malformed, UnknownName
from leadlife.facts import EffortSpent, Refunded
from reference.money_leads import BOOK, DAY, SALES, T0, Made, eur

NOW = T0 + 200 * DAY
JANUARY = Spend.month("2026-01", eur("90.01"), source="ads")


@st.composite
def a_lead(draw, number):
    made = Made(
        f"lead-{number}",
        source=draw(st.sampled_from(["ads", "search", None])),
        day=draw(st.integers(0, 40)),
        fields={"region": draw(st.sampled_from(["north", "south"]))},
        pipeline=draw(st.sampled_from(["main", "other"])),
    )
    day = 50
    end = draw(st.sampled_from(["", "won", "lost"]))
    if end:
        getattr(made, end)(day)
    for _ in range(draw(st.integers(0, 3))):
        day += draw(st.integers(0, 20))
        amount = eur(Decimal(draw(st.integers(1, 99_999))).scaleb(-2))
        kind = draw(st.sampled_from([CostIncurred, Refunded, EffortSpent]))
        more = {"hours": "1.5", "rate": amount} if kind is EffortSpent else {"amount": amount}
        made.add(kind, day, **more)
    return made.journey


leads = st.integers(0, 6).flatmap(lambda number: st.tuples(*map(a_lead, range(number))))
spends = st.lists(
    st.builds(
        lambda day, length, cents, source: Spend(
            since=date(2026, 1, 5) + timedelta(days=day),
            until=date(2026, 1, 5) + timedelta(days=day + length),
            amount=eur(Decimal(cents).scaleb(-2)),
            source=source,
        ),
        st.integers(-20, 300),
        st.integers(0, 60),
        st.integers(0, 99_999),
        st.sampled_from(["ads", "search", "fair", None]),
    ),
    max_size=5,
)
groupings = st.sampled_from(["source", "lead_type", "pipeline", "region"])


@given(leads, spends, groupings)
def test_money_adds_up_over_any_grouping(several, spent, by):
    found = returns(several, spent, as_of=NOW, by=by, playbook=BOOK, margin="0.3", currency="EUR")
    whole = returns(several, spent, as_of=NOW, by="source", playbook=BOOK, margin="0.3", currency="EUR").total
    for name in ("revenue", "recovered", "margin", "hours", "own_costs"):
        assert sum((getattr(row, name) for row in found.rows), Decimal(0)) == getattr(whole, name)
    assert sum((row.spend for row in found.rows), found.unassigned) == whole.spend
    last = date(2026, 7, 24)
    everything = sum((part for one in spent for _, part in one.by_day(one.amount.amount, last=last)), Decimal(0))
    assert found.total.spend == everything
    assert found.total.leads == len({journey.lead_id for journey in several})


@given(leads, spends, groupings)
def test_the_funnel_counts_the_same(several, spent, by):
    found = returns(several, spent, as_of=NOW, by=by, playbook=BOOK, currency="EUR")
    counted = funnel(several, BOOK, as_of=NOW, by=by)
    mine = {row.key: (row.leads, row.cycles, row.won, row.rate) for row in found.rows if row.leads}
    assert mine == {group.key: (group.leads, group.cycles, group.won, group.rate) for group in counted.groups}


@given(leads, spends, groupings, st.integers(0, 100))
def test_what_comes_later_and_the_order_of_leads_change_nothing(several, spent, by, day):
    then = T0 + day * DAY
    before = [journey.as_of(at=then, recorded_at=then) for journey in several]
    now = returns(several[::-1], spent[::-1], as_of=then, by=by, playbook=BOOK, margin="0.3", currency="EUR")
    assert now == returns(before, spent, as_of=then, by=by, playbook=BOOK, margin="0.3", currency="EUR")


def test_the_worked_case():
    found = unit_costs(Decimal(12_000), [Cohort(leads=240, won=6, developed=0.5)], rate=0.05)
    assert (found.cost_per_lead, found.matured_won, found.cac_now, found.cac_matured) == (50, 12, 2_000, 1_000)
    assert found.unknown == {}


def test_a_source_with_spend_and_no_lead_is_kept_and_one_without_spend_is_unknown_not_free():
    several = [Made("a").won(10).journey, Made("b", source="search").journey]
    found = returns(several, [JANUARY, Spend.month("2026-01", eur(70), source="fair")], as_of=NOW, margin=0.5)
    ads, fair, search = found.row("ads"), found.row("fair"), found.row("search")
    assert (ads.cost, ads.cac_now, ads.margin, ads.roi) == (
        Decimal("90.01"),
        Decimal("90.01"),
        50,
        pytest.approx(-40.01 / 90.01),
    )
    assert (fair.leads, fair.cost, fair.cost_per_lead, fair.rate) == (0, 70, None, None)
    assert fair.unknown["cost_per_lead"] == "no lead came"
    assert (search.cost, search.roi) == (None, None)
    assert "one of 0 says that it cost nothing" in search.unknown["cost"]
    assert found.total.cost is None
    free = returns(several, [JANUARY, Spend.month("2026-01", eur(0), source="search")], as_of=NOW)
    assert (free.row("search").cost, free.row("search").cost_per_lead, free.row("search").roi) == (0, 0, None)
    assert free.total.cost == Decimal("90.01")
    with pytest.raises(KeyError):
        found.row("nothing")


def test_spend_is_divided_among_the_leads_of_its_source_and_period_in_cents():
    several = [Made(f"l{number}", fields={"region": region}).journey for number, region in enumerate("nns")]
    found = returns([*several, Made("late", day=60).journey], [JANUARY], as_of=NOW, by="region")
    assert {row.key: row.spend for row in found.rows} == {"n": Decimal("60.01"), "s": Decimal("30.00"), None: 0}
    nobody = returns(several, [Spend.month("2026-03", eur(5), source="ads")], as_of=NOW, by="region")
    assert nobody.unassigned == 5


def test_of_a_period_that_goes_on_the_days_until_then_count():
    found = returns([Made("a").journey], [JANUARY], as_of=T0 + 5 * DAY)
    assert found.row("ads").spend == Decimal("29.10")  # the first ten of 31 days
    assert returns([Made("a").journey], [Spend.month("2026-02", eur(9))], as_of=T0).unassigned == 0


def test_margins_are_those_of_the_sales_else_the_usual_one_else_unknown():
    told = Made("a").won(10, "100.00", margin=eur(30)).add(Refunded, 20, amount=eur(50))
    found = returns([told.journey], as_of=NOW).total
    assert (found.revenue, found.margin) == (50, 15)
    silent = Made("b").won(10)
    assert returns([silent.journey], as_of=NOW).total.margin is None
    assert "1 sales or refunds say nothing" in returns([silent.journey], as_of=NOW).total.unknown["margin"]
    assert returns([silent.journey], as_of=NOW, margin="0.25").total.margin == 25
    blank = Made("c").opportunity(9).add(Sold, 9, by=SALES)
    assert returns([blank.journey], as_of=NOW).total.unknown["margin"]
    back = Made("d").add(Refunded, 20, amount=eur(50))
    assert returns([back.journey], as_of=NOW, margin="0.5").total.margin == -25


def test_cost_follows_a_lead_through_recycling_and_recovered_revenue_is_shown():
    lead = Made("a").add(CostIncurred, 1, amount=eur(7)).opportunity(5).recycled(6).won(90, "80.00").journey
    row = returns([lead], [JANUARY], as_of=NOW, margin=1).row("ads")
    assert (row.cycles, row.revenue, row.recovered, row.own_costs) == (2, 80, 80, 7)
    assert row.cost == Decimal("97.01")
    assert row.payback_days is None
    assert row.unknown["payback_days"] == "the margin has not paid back the cost so far"
    cheap = returns([lead], [Spend.month("2026-01", eur(3), source="ads")], as_of=NOW, margin=1).row("ads")
    assert cheap.payback_days == 90


def test_hours_without_a_rate_leave_the_cost_unknown():
    lead = Made("a").add(EffortSpent, 2, hours=1.5, who="sam").add(EffortSpent, 3, hours=2, rate=eur("10.10")).journey
    row = returns([lead], [JANUARY], as_of=NOW).row("ads")
    assert (row.hours, row.own_costs, row.cost) == (Decimal("3.5"), Decimal("20.20"), None)
    assert row.unknown["cost"] == "1.5 hours have no rate"


def test_money_of_a_lead_that_has_not_entered_is_in_no_group():
    waiting = Journey("w", BOOK).record(CostIncurred(amount=eur(4), at=T0))
    found = returns([waiting, Made("a").journey], as_of=NOW)
    assert found.unassigned == 4
    assert [one.code for one in found.warnings if one.code == "not_entered"] == ["not_entered"]


def test_two_currencies_are_an_error_that_names_them_or_are_converted_by_day():
    lead = Made("a").won(10).add(CostIncurred, 12, amount=Money.of(10, "USD")).journey
    with pytest.raises(CurrencyMismatch, match="EUR, USD"):
        returns([lead], as_of=NOW)
    rates = [
        ExchangeRate(currency="USD", to="EUR", since=date(2026, 1, 17), rate="0.9"),
        ExchangeRate(currency="USD", to="EUR", since=date(2026, 1, 1), rate="0.8"),
        ExchangeRate(currency="GBP", to="USD", since=date(2026, 1, 1), rate="1.3"),
    ]
    assert returns([lead], as_of=NOW, currency="EUR", rates=rates).total.own_costs == 9
    with pytest.raises(CurrencyMismatch, match="no rate from USD to EUR for 2026-01-17"):
        returns([lead], as_of=NOW, currency="EUR")
    with pytest.raises(Malformed):
        returns([lead], as_of=NOW, currency="euro")


def test_an_invoice_after_the_end_belongs_to_the_cycle_that_ended():
    lead = Made("a").won(10).add(Sold, 40, amount=eur(5)).journey
    kinds = [(one.cycle, one.kind, one.amount) for one in bookings(lead, Converter("EUR", ()))]
    assert kinds == [(1, BookingKind.SALE, 100), (1, BookingKind.SALE, 5)]


def test_matured_rates_are_higher_while_leads_are_young_and_have_their_interval():
    several = [Made(f"w{n}", day=n).won(n + 20).journey for n in range(30)]
    several += [Made(f"l{n}", day=n).lost(n + 40).journey for n in range(30)]
    several += [Made(f"o{n}", day=n).journey for n in range(40)]
    row = returns(several, [JANUARY], as_of=T0 + 35 * DAY).row("ads")
    assert (row.leads, row.won) == (96, 16)
    assert row.matured_rate > 0.3
    assert row.matured_low < row.matured_rate < row.matured_high
    assert row.matured_won > row.won
    assert row.cac_matured < row.cac_now
    assert row.days_to_won == (20, 20, 20)


def test_the_table_and_the_plain_values():
    found = returns([Made("a").won(10).journey], [JANUARY], as_of=NOW, margin="0.5")
    lines = str(found).splitlines()
    assert lines[0] == "in EUR, as of 2026-07-24"
    assert lines[3].split() == [
        "ads",
        "1",
        "1",
        "100.0",
        "%",
        "100.0",
        "%",
        "90.01",
        "90.01",
        "90.01",
        "90.01",
        "100.00",
        "50.00",
        "-44.5",
        "%",
    ]
    plain = found.to_dict()
    assert (plain["rows"][0]["cost"], plain["currency"], plain["rows"][0]["unknown"]["payback_days"][:10]) == (
        "90.01", "EUR", "the margin",
    )  # fmt: skip
    odd = Made("b", fields={"region": "\x1b[2J"}).journey
    lonely = returns([odd], [Spend.month("2026-01", eur(5))], as_of=NOW, by="region")
    assert "\x1b" not in str(lonely)
    assert "5.00 of the cost belongs to no group" in str(lonely)
    assert str(returns([Made("b").journey], as_of=NOW)).startswith("no money")


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda: returns([], as_of=NOW), Malformed, "pass playbook="),
        (lambda: returns([Made("a").journey], as_of=NOW, by="regoin"), UnknownName, "region"),
        (lambda: returns([Made("a").journey], as_of=NOW, margin=2), Malformed, "share from 0 to 1"),
        (lambda: returns([Made("a").journey], as_of=NOW, margin="x"), Malformed, "decimal"),
        (lambda: returns([Made("a").journey], as_of=NOW, margin=[1]), Malformed, "share"),
        (lambda: returns([Made("a").journey], ["90"], as_of=NOW), Malformed, "Spend"),
        (lambda: returns(["a"], as_of=NOW), Malformed, "Journey"),
        (lambda: returns([Made("a").journey], as_of=NOW, rates=[1]), Malformed, "ExchangeRate"),
        (lambda: ExchangeRate(currency="USD", to="EUR", since=date(2026, 1, 1), rate=0), Malformed, "more than 0"),
    ],
)
def test_bad_input_gets_a_clear_error(ask, error, message):
    with pytest.raises(error, match=message):
        ask()


def test_no_leads_and_spend_are_a_table_too():
    found = returns([], [JANUARY], as_of=NOW, playbook=BOOK)
    assert (found.row("ads").spend, found.total.leads, found.total.matured_rate) == (Decimal("90.01"), 0, None)
