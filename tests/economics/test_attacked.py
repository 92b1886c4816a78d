"""What an attack found: each was a silent wrong figure, or a raw error, on input that people have."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from random import Random

import pytest

from leadlife import (
    CostIncurred,
    EvidenceGiven,
    Journey,
    Lead,
    Lifecycle,
    Money,
    Moved,
    Playbook,
    Sold,
    Source,
    Stage,
    Transition,
)
from leadlife.analytics.survival import CompetingRisks
from leadlife.economics import (
    BgNbd,
    ChannelPath,
    Cohort,
    Converter,
    ExchangeRate,
    GammaGamma,
    Purchases,
    SemiMarkov,
    Spend,
    attribute,
    back_test,
    bookings,
    bornhuetter_ferguson,
    cape_cod,
    chain_ladder,
    channel_paths,
    fit_bg_nbd,
    forecast,
    holdout_lift,
    indecision,
    levers,
    migration_value,
    profile_from,
    read_spend,
    referral_value,
    removal_effects,
    returns,
    shapley,
    shelf_life,
    stage_model,
    unit_costs,
    worklist,
)
from leadlife.economics.forecasting import forecast_of_stays
from leadlife.economics.stays import LeadStays, Stay
from leadlife.errors import LeadlifeError, Malformed, Unreadable
from leadlife.facts import ActivityRecorded, Refunded
from leadlife.presets import eight_stage_nurture
from reference.money_leads import BOOK, DAY, SALES, T0, Made, eur


def at(day):
    return T0 + day * DAY


def named(won):
    """Return a playbook whose won stage has a name."""
    stages = (Stage(id="lead"), Stage(id="opp"), Stage(id="lost", status="lost"), Stage(id=won, status="won"))
    moves = (
        Transition(trigger="go", sources="lead", target="opp", kind="forward"),
        Transition(trigger="win", sources="opp", target=won, kind="forward"),
        Transition(trigger="lose", sources="opp", target="lost", kind="exit"),
        Transition(trigger="again", sources=won, target="opp", kind="repeat"),
    )
    return Playbook(id=won, lifecycle=Lifecycle(stages=stages, transitions=moves))


def lives(won):
    found = []
    for number in range(24):
        journey = Journey.start(f"l{number:02}", named(won), at=at(number % 5), stage="lead")
        journey = journey.record(Moved(trigger="go", at=at(6 + number % 3)))
        if number % 3:
            journey = journey.record(Moved(trigger="win" if number % 3 == 1 else "lose", at=at(12 + number % 7)))
        if number % 6 == 1:
            journey = journey.record(Moved(trigger="again", at=at(22)))
        found.append(journey)
    return found


def test_a_won_stage_may_be_called_won():
    one, other = lives("customer"), lives("won")
    assert forecast(one, as_of=at(25), samples=4).won == forecast(other, as_of=at(25), samples=4).won
    first, second = (stage_model(several, as_of=at(25)).semi_markov().outlook() for several in (one, other))
    assert first["opp"] == second["opp"]
    assert first["customer"] == second["in won"]
    assert levers(one, as_of=at(25)).rows[0].won == levers(other, as_of=at(25)).rows[0].won
    with pytest.raises(Malformed, match="end of a sale"):
        SemiMarkov.of({"won": {"a": 1}}, [1])


def test_leads_that_have_not_entered_have_no_path():
    several = [Made("a", day=10).journey, Made("b").won(3).journey, Journey("w", BOOK)]
    assert len(channel_paths(several, as_of=at(5)).paths) == 1


@pytest.mark.parametrize("days", [1, 2, 3, 7, 30])
def test_short_forecasts_are_not_too_high(days):
    random, leads, truth = Random(1), [], 0.0
    for number in range(4_000):
        life, age = random.expovariate(0.1), random.uniform(0, 40)
        won = (Stay("opp", life, "won"), Stay("customer", age - life, None))
        leads.append(LeadStays(f"l{number:05}", "m", None, won if life < age else (Stay("opp", age, None),)))
        truth += life >= age
    truth *= 1 - 2.718281828 ** (-days / 10)
    asked = {"as_of": T0, "values": {}, "currency": None, "seed": 7, "samples": 4}
    found = forecast_of_stays(leads, horizon=days, period=days, **asked)
    assert found.won.mean == pytest.approx(truth, rel=0.1)


def test_periods_of_a_day_all_have_their_share():
    found = forecast(lives("customer"), as_of=at(25), horizon_days=90, period_days=1, samples=2)
    means = [one.won.mean for one in found.periods]
    assert len(means) == 90
    assert sum(means) == pytest.approx(found.won.mean)
    assert all(mean >= 0 for mean in means)
    assert not any(means[place] == 0 and means[place - 1] and means[place + 1] for place in range(1, 20))


@pytest.mark.parametrize(
    "triangle",
    [
        [[10, 20, 25, 26], [12, 22, 27], [11, 21], [0]],
        [[10, 20, 25, 26], [12, 22, 27], [11, 0], [4]],
        [[10, 20, 25, 0], [12, 22, 27], [11, 21], [9]],
        [[10, 20, 25, 26], [12, 22, 27], [11, 21], [-4]],
        [[10, 20, 25, -5], [12, 22, 27], [11, 21], [9]],
        [[1e-200, 1e200, 1e200, 1e200], [1e-200, 1e200, 1e200], [1e-200, 1e200], [4]],
        [None, [1]],
    ],
)
def test_a_triangle_without_something_to_grow_from_is_refused(triangle):
    with pytest.raises(Malformed):
        chain_ladder(triangle)


def test_no_more_leads_are_won_than_came():
    assert cape_cod([Cohort(1, 1, 0.5)]).won == 1
    assert bornhuetter_ferguson([Cohort(10, 10, 0.5)], rate=1).won == 10
    several = [Made(f"w{n}").won(40 + n).journey for n in range(15)]
    several += [Made(f"q{n}", day=50, source="seo").won(52).journey for n in range(5)]
    row = returns(several, [Spend.month("2026-02", eur(1000), source="seo")], as_of=at(53)).row("seo")
    assert (row.matured_won, row.cac_matured) == (5, row.cac_now)


def test_a_journey_that_comes_twice_counts_once():
    won, other = Made("a", referred_by="r").won(3, margin=eur(40)).journey, Made("b").opportunity(1).journey
    assert referral_value([won, won], as_of=at(10)) == referral_value([won], as_of=at(10))
    assert channel_paths([won, won], as_of=at(10)) == channel_paths([won], as_of=at(10))
    assert [one.lead for one in worklist([other, other, won], at=at(10), hours=5).items] == ["b"]
    assert forecast([won, won, other], as_of=at(10), samples=2).leads == 2
    assert stage_model([Made("q").journey, Made("q").opportunity(50).journey], as_of=at(50)).stages[0].stays == 1


def test_costs_of_a_lead_that_has_not_entered_are_in_the_total():
    waiting = Journey("w", BOOK).record(CostIncurred(amount=eur(4), at=T0))
    free = [Spend.month("2026-01", eur(0), source="ads")]
    found = returns([waiting, Made("a").add(CostIncurred, 1, amount=eur(6)).journey], free, as_of=at(20))
    assert (found.row("ads").cost, found.unassigned, found.total.cost) == (6, 4, 10)


def test_refunds_give_back_each_sale_once():
    made = Made("k").opportunity(1)
    for day, margin in ((2, 80), (3, 10)):
        made.add(Sold, day, amount=eur(100), margin=eur(margin), by=SALES)
    for day in (4, 5):
        made.add(Refunded, day, amount=eur(100))
    total = returns([made.journey], as_of=at(10)).total
    assert (total.revenue, total.margin) == (0, 0)
    more = returns([made.add(Refunded, 6, amount=eur(10)).journey], as_of=at(10))
    assert more.total.margin is None
    early = Made("k").opportunity(1).add(Refunded, 1, amount=eur(100), sale="s1")
    early.add(Sold, 2, amount=eur(100), margin=eur(30), by=SALES, key="s1")
    assert returns([early.journey], as_of=at(10), margin=0.9).total.margin == 0


def test_parameters_are_not_made_up():
    good = [Purchases(number % 4, (number % 4) * 5.0, 30 + number) for number in range(20)]
    for bad in ([*good, Purchases(3, 50, 40)], [*good, Purchases(3, 50, float("nan"))], [Purchases(1, 0, 0)] * 10):
        with pytest.raises(Malformed):
            fit_bg_nbd(bad)
    pytest.importorskip("scipy")
    with pytest.raises(Malformed, match="rises without end"):
        fit_bg_nbd(good)


def spend(folder, text, **more):
    path = folder / "spend.csv"
    path.write_bytes(text.encode())
    return read_spend(path, currency="EUR", **more)


def test_spend_loses_no_source_and_multiplies_no_amount(tmp_path):
    text = "day,amount,utm_source\n2026-01-01,5,ads\n"
    for columns, error in (
        ({"source": "utm_sorce"}, Unreadable),
        ({"sorce": "utm_source"}, Malformed),
        ({"source": None}, Malformed),
        (["source"], Malformed),
    ):
        with pytest.raises(error):
            spend(tmp_path, text, columns=columns)
    found = spend(tmp_path, "day;amount\n2026-01-01;12.50\n2026-01-01;1.234,50\n", decimal_comma=True)
    assert [str(one.amount.amount) for one in found.rows] == ["1234.50"]
    assert found.set_aside[0].reason == "'12.50' is not an amount with a decimal comma"
    with pytest.raises(Unreadable, match="occurs twice"):
        spend(tmp_path, "day,amount,amount\n2026-01-01,5,7\n")
    both = spend(tmp_path, "day,since,until,amount\n2026-01-01,2026-02-01,2026-02-05,5\n")
    assert both.set_aside[0].reason == "give a day, a month or a period, one of them"
    unclosed = spend(tmp_path, 'day,amount,source\n2026-01-01,5,"ads\n2026-01-02,5,ads\n2026-01-03,5,ads\n')
    assert (unclosed.read, len(unclosed.rows)) == (1, 0)
    assert "lines after it belong to it" in unclosed.set_aside[0].reason
    with pytest.raises(Unreadable, match="header"):
        spend(tmp_path, 'day,amount,"source\n2026-01-01,5,ads\n')
    with pytest.raises(Unreadable):
        read_spend("a\0b")


def test_what_excel_writes_is_read(tmp_path):
    assert spend(tmp_path, "sep=;\r\nday;amount\r\n2026-01-01;5\r\n").rows[0].days == 1
    found = spend(tmp_path, "\n\nday, amount\n2026-01-01, 5\nnever, 5\n")
    assert (len(found.rows), found.set_aside[0].line) == (1, 5)


def test_the_past_is_tested_whatever_leads_paid_in_and_only_where_it_is_over():
    several = [Made(f"l{number}", day=number).won(number + 5).journey for number in range(10)]
    several.append(Made("u").opportunity(1).add(Sold, 2, amount=Money.of(5, "USD"), by=SALES).journey)
    assert back_test(several, cut_offs=[at(8)], horizon_days=5, samples=2)[0].won > 0
    with pytest.raises(Malformed, match="not over by the end of observation"):
        back_test(several, cut_offs=[at(10)], horizon_days=300)
    assert back_test(several, cut_offs=[at(10)], horizon_days=30, until=at(60), samples=2)
    with pytest.raises(Malformed, match="not over"):
        back_test([], cut_offs=[at(10)])


def test_leads_that_only_go_round_in_a_circle_get_a_work_list_too():
    made = Made("a").opportunity(1).recycled(3)
    for day in (40, 80):
        made.opportunity(day).recycled(day + 1)
    made.opportunity(130)
    assert worklist([made.journey], at=at(131), hours=1).items[0].lead == "a"
    assert levers([made.journey], as_of=at(131)).rows
    assert indecision([made.journey], as_of=at(131)).stages


def test_a_sale_at_one_instant_with_two_cycles_is_counted_once():
    made = Made("a").won(4, "1.00")
    for _ in range(2):
        made.add(EvidenceGiven, 6, name="need", by=SALES).add(Moved, 6, trigger="rebuy", by=SALES)
        made.add(EvidenceGiven, 6, name="need", by=SALES).add(Sold, 6, amount=eur(10), by=SALES)
    paths = channel_paths([made.journey], as_of=at(10)).paths
    sold = sum((fact.amount.amount for fact in made.journey.standing if isinstance(fact, Sold)), Decimal(0))
    assert sum(path.value for path in paths) == sold


def test_a_win_straight_out_of_recycling_keeps_its_value():
    life = BOOK.lifecycle.with_transitions(
        Transition(trigger="win_at_once", sources="recycled", target="customer", kind="forward")
    )
    made = Made("w", book=BOOK.with_lifecycle(life)).opportunity(5).recycled(6)
    made.add(Moved, 50, trigger="win_at_once").add(Sold, 50, amount=eur(500))
    assert returns([made.journey], as_of=at(60)).total.recovered == 500
    assert forecast([made.journey], as_of=at(60), samples=2).revenue is not None


def test_where_a_win_counts_as_one_there_is_no_currency():
    several = [Made(f"w{n:02}", day=n).opportunity(n + 2).add(Sold, n + 10, by=SALES).journey for n in range(12)]
    several += [
        Made(f"o{n}", day=n).opportunity(n + 2).add(CostIncurred, n + 2, amount=eur(3)).journey for n in range(12)
    ]
    assert worklist(several, at=at(20), hours=2).currency is None
    assert levers(several, as_of=at(20)).currency is None
    assert forecast(several, as_of=at(20), samples=2).currency is None


def test_the_margin_of_wins_is_no_revenue():
    several = [Made(f"w{n:02}", day=n).won(n + 10, "1000.00", margin=eur(100)).journey for n in range(12)]
    found = worklist([*several, Made("o", day=15).opportunity(17).journey], at=at(18), hours=1)
    assert found.items[0].margin <= 100


def test_the_shelf_life_does_not_depend_on_the_order_of_anything():
    several = [Made(f"a{n}", source=("ads", "seo")[n % 2]).won(30 + n).journey for n in range(14)]
    rows = [Spend.month("2026-01", eur(100), source="ads"), Spend.month("2026-01", eur(50), source="seo")]
    asked = {"as_of": at(90), "margin": 0.5, "samples": 20}
    assert shelf_life(several, rows, **asked) == shelf_life(several[::-1], rows[::-1], **asked)
    two = [Made("x", pipeline="main").journey, Made("x", pipeline="up", day=5).journey]
    for by in ("pipeline", "readiness"):
        one, other = (shelf_life(both, rows, by=by, **asked).curves for both in (two, two[::-1]))
        assert one == other


def test_a_free_source_does_not_pay_for_another():
    paid = [Made(f"a{n}").won(30, margin=eur(50)).journey for n in range(12)]
    free = [Made(f"s{n}", source="seo").won(5, margin=eur(90)).journey for n in range(12)]
    rows = [Spend.month("2026-01", eur(1200), source="ads")]
    alone = shelf_life(paid, rows, as_of=at(90)).curves
    both = shelf_life([*paid, *free], [*rows, Spend.month("2026-01", eur(0), source="seo")], as_of=at(90)).curves
    assert alone == both


@pytest.mark.parametrize(("share", "number"), [(0.4, 8), (0.6, 12), (0.9, 18), (5e-324, 0)])
def test_exploring_takes_the_share_that_it_says(share, number):
    several = [Made(f"l{place:02}").journey for place in range(60)]
    found = worklist(several, at=at(5), hours=20, explore=share)
    assert sum(one.because == "explored" for one in found.items) == number


def test_figures_do_not_change_by_what_comes_later():
    tokyo = BOOK.replace(version="2", zone="Asia/Tokyo")
    lead = Made("a", day=0.3).journey
    adopted = lead.adopt(tokyo, at=at(40))
    spent = [Spend(since=date(2026, 1, 6), until=date(2026, 2, 6), amount=eur(320), source="ads")]
    then = at(10) + timedelta(hours=10)
    assert returns([lead], spent, as_of=then) == returns([adopted], spent, as_of=then)
    late = Made("x", referred_by="a", day=20).journey
    assert [one.person for one in referral_value([lead, late], as_of=at(5))] == ["a"]


def test_a_refund_takes_the_payback_away():
    made = Made("p").add(CostIncurred, 0, amount=eur(50)).won(5, margin=eur(80)).add(Refunded, 8, amount=eur(100))
    total = returns([made.journey], as_of=at(20)).total
    assert (total.margin, total.payback_days) == (0, None)


def test_leads_that_ended_early_do_not_make_the_others_young():
    several = [Made(f"w{n}").won(300).journey for n in range(2)] + [Made(f"x{n}").lost(1).journey for n in range(10)]
    total = returns(several, as_of=at(400)).total
    assert total.matured_rate == pytest.approx(2 / 12)
    assert total.matured_won == pytest.approx(2)


def test_a_holdout_counts_leads_and_knows_its_programmes():
    book = eight_stage_nurture()
    book = book.replace(programmes=[one.replace(holdout=0.999999) for one in book.programmes])
    two = [Made("x", book=book, pipeline=name).journey for name in ("main", "other")]
    assert holdout_lift(two, "early to mid", as_of=at(5)).held == 1
    for programme in ("early to med", None, [1]):
        with pytest.raises(LeadlifeError):
            holdout_lift(two, programme, as_of=at(5))
        with pytest.raises(LeadlifeError):
            shelf_life(two, [], as_of=at(5), programme=programme or "nope")


def test_nothing_is_worth_nothing():
    assert shapley(lambda _: 10, ["a", "b"])["a"].value == 5
    assert shapley(lambda group: max(map(len, group)), ["a", "b"])["a"].value == 0.5


def test_profiles_come_whatever_one_type_is_like():
    lead = Lead(id="old", identified=True, source=Source(channel="c", lead_type="referral"))
    old = Made("x")
    old.journey = Journey.start(lead, BOOK, at=at(-4000), stage="name")
    for day in (-2600, -1200):
        old.add(ActivityRecorded, day, kind="call")
    old.won(0, "100.00", margin=eur(0)).add(CostIncurred, 1, amount=eur(-5))
    (found,) = profile_from([old.journey], as_of=at(5))
    assert (found.profile.cycle_days, found.profile.margin, found.profile.cost) == (None, 0, None)
    assert {"cycle_days", "cost", "effort_hours"} <= set(found.unknown)


def test_what_is_none_has_a_reason_and_what_has_a_reason_is_none():
    found = returns([Made("a").journey], [Spend.month("2026-01", eur(5), source="fair")], as_of=at(5))
    for row in (*found.rows, found.total):
        assert all(getattr(row, name) is None for name in row.unknown)


def test_the_bookings_of_a_lead_are_public():
    converter = Converter.of(["EUR"], currency=None, rates=[])
    assert [one.amount for one in bookings(Made("a").won(3).journey, converter)] == [100]


BIG = Decimal(10) ** 13


@pytest.mark.parametrize(
    "ask",
    [
        lambda: forecast(lives("customer"), as_of=at(25), horizon_days=3 * 10**6, period_days=3 * 10**6),
        lambda: forecast(lives("customer"), as_of=at(25), horizon_days=500, period_days=1),
        lambda: forecast(lives("customer"), as_of=at(25), seed=[1]),
        lambda: worklist([Made("a").journey], at=at(5), hours=1, seed=[1]),
        lambda: worklist([Made("a").journey], at=at(5), hours=1, owner=["x"]),
        lambda: BgNbd("x", 1, 1, 1).alive(Purchases(1, 1, 1)),
        lambda: BgNbd(1, 1, 1, 1).alive(Purchases(None, 1, 1)),
        lambda: GammaGamma("6", 4, 15).expected_amount(purchases=1, mean=1),
        lambda: unit_costs(12000.0, []),
        lambda: unit_costs(Decimal("nan"), []),
        lambda: unit_costs(Decimal(1), None),
        lambda: attribute([ChannelPath(("a",), True, ("x",))], "time_decay"),
        lambda: attribute([ChannelPath(("a",), True, (1.0,))], "time_decay", half_life=None),
        lambda: attribute([ChannelPath(("a",), True, (1.0,))], "time_decay", half_life=timedelta(0)),
        lambda: attribute([ChannelPath("ads", True)], "linear"),
        lambda: attribute([ChannelPath(("a", None), True)], "linear"),
        lambda: removal_effects(None),
        lambda: removal_effects(["x"]),
        lambda: shapley(len, "ads"),
        lambda: shapley(len, None),
        lambda: shapley(None, ["a"]),
        lambda: shapley(len, ["a", None]),
        lambda: shapley(lambda _: float("nan"), ["a"]),
        lambda: migration_value([None], [1], discount=1),
        lambda: migration_value([[1]], None, discount=1),
        lambda: migration_value([[1]], [1], discount=1, periods=2.5),
        lambda: migration_value([[1]], [1], discount=1, periods=-3),
        lambda: migration_value([[0.5, 0.5], [0, 1]], [1, -1], discount=-0.999, periods=2000),
        lambda: SemiMarkov.of(None, [1]),
        lambda: SemiMarkov.of({"a": {"b": 1}}, None),
        lambda: SemiMarkov.of({"a": [1]}, [1]),
        lambda: SemiMarkov.of({"a": {"won": 1}}, [1e200]),
        lambda: SemiMarkov.of({"a": {"won": 1e308, "lost": 1e308}}, [1], normalize=True),
        lambda: cape_cod([Cohort("a", 1, 0.5)]),
        lambda: cape_cod([Cohort(float("inf"), 1, 0.5)]),
        lambda: CompetingRisks([("3", "won")]),
        lambda: CompetingRisks([3, 4]),
        lambda: CompetingRisks([[3, "won"]]),
        lambda: CompetingRisks([(3, 4)]),
        lambda: returns([Made("a").journey], as_of=at(5), by=5),
        lambda: returns([Made("a").journey], as_of=at(5), by=None),
        lambda: returns([Made("a").journey], as_of=at(5), playbook="x"),
        lambda: returns(
            [Made("a").opportunity(1).add(Sold, 2, amount=Money.of(1000, "USD"), by=SALES).journey],
            as_of=at(5),
            currency="EUR",
            rates=[ExchangeRate(currency="USD", to="EUR", since=date(2025, 1, 1), rate="1e30")],
        ),
        lambda: returns(
            [Made("a").journey],
            as_of=at(5),
            currency="EUR",
            rates=[ExchangeRate(currency="USD", to="EUR", since=date(2025, 1, 1), rate=rate) for rate in (1, 2)],
        ),
    ],
)
def test_odd_input_is_an_error_of_ours(ask):
    with pytest.raises(LeadlifeError):
        ask()


def test_a_refund_of_a_sale_of_nearly_nothing_is_no_raw_error():
    made = Made("a").won(3, "0.000001", margin=eur(-BIG)).add(Refunded, 4, amount=eur(BIG))
    assert returns([made.journey], as_of=at(5)).total.margin is None


def test_formulas_hold_at_their_ends():
    model = BgNbd(0.243, 4.414, 0.793, 2.426)
    assert model.alive(Purchases(500, 1, 1000)) == pytest.approx(0, abs=1e-200)
    assert model.expected(Purchases(2, 30, 38), time=1e20) > 0
    huge = unit_costs(Decimal(12000), [Cohort(240, 0, 0.5)], rate=1e-30)
    assert huge.unknown["cac_matured"] == "it is too large to be given exactly"
    week = attribute([ChannelPath(("a", "b"), True, (7.0, 0.0))], "time_decay", half_life=timedelta(days=7))
    assert week.share("a") == pytest.approx(1 / 3, abs=1e-6)
