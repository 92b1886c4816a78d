"""The forecast covers what comes as often as it says, and knows nothing of what came later."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadlife import CostIncurred, Lead, Money, Source
from leadlife.analytics.survival import CompetingRisks
from leadlife.economics import back_test, forecast, indecision, levers, stage_model
from leadlife.economics.forecasting import forecast_of_stays
from leadlife.economics.leverage import chance_at
from leadlife.economics.stays import StageModel
from leadlife.errors import CurrencyMismatch, Malformed
from leadlife.presets import eight_stage
from reference.money_leads import BOOK, DAY, T0, Made, eur
from reference.semi_markov_world import MOVES, coverage, semi_markov_world

NOW = T0 + 120 * DAY


def leads():
    """Return leads of which half are won ten days after they became opportunities, some of them in the future."""
    found = []
    for number in range(40):
        made = Made(f"lead-{number:02}", day=number * 3)
        found.append((made.won(number * 3 + 12) if number % 2 else made.lost(number * 3 + 12)).journey)
    return found


def waiting():
    return [*leads(), *(Made(f"open-{number}", day=118 - 20 * number).journey for number in range(3))]


def test_the_intervals_cover_what_comes_as_often_as_they_say():
    # make soak asks 200 worlds; a few must do here, so the bounds are those of luck.
    worlds = 200 if int(os.environ.get("LEADLIFE_EXAMPLES", "0")) >= 1_000 else 40
    low, high = (0.85, 0.95) if worlds == 200 else (0.78, 1)
    assert low <= coverage(worlds) <= high


def test_a_forecast_adds_up_and_names_its_errors():
    found = forecast(waiting(), as_of=NOW, horizon_days=60, period_days=25)
    assert [(one.since - NOW).days for one in found.periods] == [0, 25, 50]
    assert found.periods[-1].until == found.until
    assert sum(one.won.mean for one in found.periods) == pytest.approx(found.won.mean)
    assert sum(one.revenue.mean for one in found.periods) == pytest.approx(found.revenue.mean)
    assert found.revenue.mean == pytest.approx(100 * found.won.mean)
    assert found.process_error > 0
    assert found.parameter_error > 0
    assert found.won.low <= found.won.median <= found.won.high
    assert found.leads == 43
    assert forecast(waiting()[::-1], as_of=NOW, horizon_days=60, period_days=25) == found
    assert forecast(waiting(), as_of=NOW, horizon_days=60, period_days=25, seed=8) != found


@settings(max_examples=10)
@given(st.integers(40, 160))
def test_facts_after_an_instant_change_nothing(day):
    then = T0 + day * DAY
    known = [journey.as_of(at=then, recorded_at=then) for journey in waiting()]
    assert forecast(waiting(), as_of=then, samples=2) == forecast(known, as_of=then, samples=2)


def test_a_lead_that_has_stayed_longer_than_any_is_told():
    old = Made("old", day=-300).journey
    found = forecast([*leads(), old], as_of=NOW, samples=2)
    assert found.beyond == 1
    assert "1 leads have stayed longer than any stay shows" in str(found)


def test_values_are_those_of_the_type_where_there_are_enough():
    from leadlife.journey import Journey

    several = []
    for number in range(70):
        kind = "referral" if number < 35 else "interest"
        made = Made(f"x{number}")
        lead = Lead(id=f"l{number:02}", identified=True, source=Source(channel="c", lead_type=kind))
        made.journey = Journey.start(lead, BOOK, at=T0, stage="name")
        several.append(made.won(10, "10.00" if kind == "referral" else "90.00").journey)
    lead = Lead(id="new", identified=True, source=Source(channel="c", lead_type="referral"))
    several.append(Journey.start(lead, BOOK, at=T0 + 119 * DAY, stage="name"))
    found = forecast(several, as_of=NOW, samples=5)
    assert found.revenue.mean == pytest.approx(10 * found.won.mean)


def test_without_amounts_there_are_wins_and_no_revenue():
    stays, _ = semi_markov_world(1, leads=60)
    found = forecast_of_stays(
        stays, as_of=NOW, horizon=400, period=400, values={}, currency=None, seed=1, samples=2
    )  # fmt: skip
    assert found.revenue is None
    assert "-" in str(found)
    assert found.to_dict()["periods"][0]["revenue"] is None


def test_the_past_is_forecast_and_compared_with_what_came():
    found = back_test(leads(), cut_offs=[T0 + 60 * DAY, T0 + 90 * DAY], horizon_days=30, samples=10)
    assert len(found) == 2
    assert [one.won for one in found] == [2, 2]
    assert all(one.forecast.leads < 40 for one in found)
    assert str(found[0]).startswith("2026-03-06 to 2026-04-05: forecast ")
    assert {one.covered for one in found} <= {True, False}


def test_the_table_and_the_plain_values():
    found = forecast(waiting(), as_of=NOW, samples=2)
    assert "43 leads known on 2026-05-05" in str(found)
    assert found.to_dict()["won"]["mean"] == found.won.mean


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda: forecast([], as_of=NOW), Malformed, "no lead has been won"),
        (lambda: forecast([Made("a").journey], as_of=NOW), Malformed, "no lead has been won"),
        (lambda: forecast(leads(), as_of=NOW, horizon_days=0), Malformed, "1 or more"),
        (lambda: forecast(leads(), as_of=NOW, samples=1), Malformed, "2 or more"),
        (lambda: forecast(leads(), as_of="now"), Malformed, "datetime"),
        (lambda: back_test(leads(), cut_offs=["now"]), Malformed, "datetime"),
        (lambda: levers([Made("a").journey], as_of=NOW), Malformed, "nobody has left a stage"),
        (
            lambda: forecast([*leads(), Made("z").add(CostIncurred, 1, amount=Money.of(1, "USD")).journey], as_of=NOW),
            CurrencyMismatch,
            "EUR, USD",
        ),
    ],
)
def test_bad_input_gets_a_clear_error(ask, error, message):
    with pytest.raises(error, match=message):
        ask()


def test_the_model_of_stages_finds_the_truth_of_a_world():
    stays, _ = semi_markov_world(0, leads=4_000)
    model = {one.stage: one for one in StageModel.of(stays).stages}
    for stage, moves in MOVES.items():
        for following, share in moves:
            assert model[stage].moves[following] == pytest.approx(share, abs=0.05)
    assert model["new"].mean_days == pytest.approx(20, rel=0.05)
    assert model["lost"].moves == {}
    assert model["lost"].unresolved == 1
    outlook = StageModel.of(stays).semi_markov().outlook()
    assert outlook["offer"].won == pytest.approx(0.45, abs=0.03)


def test_stays_of_leads_are_read_with_their_ends():
    model = {one.stage: one for one in stage_model(waiting(), as_of=NOW).stages}
    assert (model["name"].stays, model["name"].running) == (43, 6)
    assert model["opportunity"].moves == pytest.approx({"lost": 0.5, "won": 0.5}, abs=0.02)


def test_the_move_that_pays_most_is_named_first():
    found = levers(waiting(), as_of=NOW)
    best = found.rows[0]
    assert (best.stage, best.following) == ("opportunity", "won")
    assert best.revenue == pytest.approx(100 * best.won)
    assert best.won == pytest.approx(6 * 0.01, rel=0.1)  # six leads are on their way there
    assert found.rows[-1].won < 0
    assert str(found).splitlines()[2].split()[:2] == ["opportunity", "won"]


def test_a_day_of_dwell_costs_what_the_chance_falls():
    several = [Made(f"quick-{number}", day=number).won(number + 5).journey for number in range(30)]
    several += [Made(f"slow-{number}", day=number).journey for number in range(30)]
    for number in range(30):
        slow = Made(f"late-{number}", day=number).opportunity(number + 40)
        several.append(slow.lost(number + 41).journey if number % 2 else slow.journey)
    found = indecision(several, as_of=T0 + 60 * DAY, most_leads=3)
    stages = {one.stage: one for one in found.stages}
    assert found.currency == "EUR"
    assert stages["name"].chance > stages["name"].chance_now
    assert len(found.leads) <= 3
    assert [one.per_day for one in found.leads] == sorted((one.per_day for one in found.leads), reverse=True)
    assert "EUR a day" in str(found)
    assert indecision(several[::-1], as_of=T0 + 60 * DAY, most_leads=3) == found


def test_the_chance_after_all_stays_are_over_is_that_at_the_longest():

    risks = CompetingRisks([(3, "won"), (5, "lost"), (9, "won")])
    assert chance_at(risks, {}, 0) == pytest.approx(2 / 3)
    assert chance_at(risks, {}, 4) == pytest.approx(1 / 2)
    assert chance_at(risks, {}, 100) == 1
    assert chance_at(CompetingRisks([(0, "won")]), {}, 4) == 0


def test_the_preset_can_be_forecast():
    assert eight_stage().lifecycle is not None
    assert forecast(leads(), as_of=NOW, samples=2).currency == eur(1).currency
