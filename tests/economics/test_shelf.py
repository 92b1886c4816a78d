"""The shelf life of spend: young spend does not look poor, and what is still to come is told with its interval."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlife import Journey, Lead, Source
from leadlife.economics import Spend, profile_from, shelf_life
from leadlife.errors import Malformed
from leadlife.facts import EffortSpent, Refunded
from leadlife.presets import eight_stage_nurture
from reference.money_leads import BOOK, DAY, T0, Made, eur

NOW = T0 + 180 * DAY
JANUARY = Spend.month("2026-01", eur(240), source="ads")
LATER = Spend(since=(T0 + 90 * DAY).date(), until=(T0 + 120 * DAY).date(), amount=eur(240), source="ads")


def leads():
    """Return twelve leads of January, of which six buy at 65 days, and twelve of April, too young for that."""
    old = [Made(f"old-{number}", day=number) for number in range(12)]
    for number, one in enumerate(old[:6]):
        one.won(number + 65)
    return [one.journey for one in old] + [Made(f"new-{number}", day=125 + number - 30).journey for number in range(12)]


def test_young_spend_has_still_to_earn_what_old_spend_earned_at_that_age():
    found = shelf_life(leads(), [JANUARY, LATER], as_of=T0 + 150 * DAY, margin="0.4")
    (curve,) = found.curves
    assert (curve.leads, curve.spend, curve.seen) == (24, 480, 240)
    assert curve.points[0].earned == 0
    assert curve.earns == pytest.approx(1)  # 240 of margin on 240 of spend that is old enough
    assert curve.to_come == pytest.approx(240)
    assert curve.low < curve.to_come < curve.high
    assert (curve.half_days, curve.ninety_days, curve.payback_days) == (90, 90, 90)
    assert [point.spend for point in curve.points] == [480, 240, 240, 240]
    assert found.warnings[-1].code == "thin_curve"


def test_seeds_decide_on_the_intervals_and_on_nothing_else():
    one, other = (shelf_life(leads(), [JANUARY], as_of=NOW, margin="0.4", seed=seed).curves[0] for seed in (1, 2))
    assert shelf_life(leads()[::-1], [JANUARY], as_of=NOW, margin="0.4", seed=1).curves[0] == one
    assert one.points != other.points
    assert [point.earned for point in one.points] == [point.earned for point in other.points]


def test_leads_without_spend_are_in_no_curve_and_spend_without_leads_is():
    found = shelf_life(leads(), [Spend.month("2026-01", eur(100), source="fair")], as_of=NOW, margin="0.4")
    (curve,) = found.curves
    assert (curve.leads, curve.spend, curve.seen, curve.earns) == (0, 100, 0, 0)
    assert (curve.half_days, curve.payback_days) == (None, None)
    assert shelf_life([], [], as_of=NOW, margin=1, playbook=BOOK).curves == ()


@given(st.integers(0, 400))
def test_facts_after_an_instant_change_nothing(day):
    then = T0 + day * DAY
    every = leads()
    known = [journey.as_of(at=then, recorded_at=then) for journey in every]
    asked = {"as_of": then, "margin": "0.4", "samples": 5, "playbook": BOOK}
    assert shelf_life(every, [JANUARY, LATER], **asked) == shelf_life(known, [JANUARY, LATER], **asked)


def test_by_readiness_at_entry_by_source_and_against_a_holdout():
    early = Made("early", source="ads")
    found = shelf_life([*leads(), early.journey], [JANUARY], as_of=NOW, margin="0.4", by="readiness")
    assert [curve.key for curve in found.curves] == ["early"]
    sources = shelf_life(leads(), [JANUARY], as_of=NOW, margin="0.4", by="source")
    assert [(curve.key, curve.leads) for curve in sources.curves] == [("ads", 12)]
    book = eight_stage_nurture()
    book = book.replace(programmes=[one.replace(holdout=0.5) for one in book.programmes])
    nurtured = [Made(f"n{number}", day=number % 20, book=book).journey for number in range(30)]
    compared = shelf_life(nurtured, [JANUARY], as_of=NOW, margin="0.4", programme="early to mid")
    assert {curve.key for curve in compared.curves} == {"took part", "held out"}
    assert sum(curve.leads for curve in compared.curves) == 30


def test_refunds_lower_the_curve():
    several = leads()
    several[0] = several[0].record(Refunded(amount=eur(100), at=T0 + 70 * DAY))
    found = shelf_life(several, [JANUARY], as_of=NOW, margin="0.4").curves[0]
    assert (found.seen, found.earns) == (200, pytest.approx(200 / 240))


def test_the_table_and_the_plain_values():
    found = shelf_life(leads(), [JANUARY], as_of=NOW, margin="0.4")
    assert str(found).splitlines()[2].split()[:4] == ["all", "12", "240.00", "240.00"]
    assert found.to_dict()["curves"][0]["points"][0]["spend"] == "240.00"
    named = shelf_life(leads(), [JANUARY], as_of=NOW, margin="0.4", by="source")
    assert str(named).splitlines()[2].startswith("ads")


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: shelf_life(leads(), [JANUARY], as_of=NOW), "pass margin="),
        (lambda: shelf_life(leads(), [JANUARY], as_of=NOW, by="source", programme="x"), "not both"),
        (lambda: shelf_life(leads(), [JANUARY], as_of=NOW, step_days=0), "1 or more"),
        (lambda: shelf_life(leads(), [JANUARY], as_of=NOW, samples=1), "2 or more"),
        (lambda: shelf_life(leads(), [1], as_of=NOW), "Spend"),
    ],
)
def test_bad_input_gets_a_clear_error(ask, message):
    with pytest.raises(Malformed, match=message):
        ask()


def test_profiles_are_measured_and_thin_types_are_shrunk_towards_all():

    several = []
    for number in range(60):
        kind = "referral" if number < 5 else "interest"
        lead = Lead(id=f"l{number:02}", identified=True, source=Source(channel="ads", lead_type=kind))
        made = Made(f"x{number}")
        made.journey = Journey.start(lead, BOOK, at=T0, stage="name")
        made.add(EffortSpent, 1, hours=2, rate=eur(10))
        several.append((made.won(20) if number % 2 else made.lost(20)).journey)
    found = {str(one.profile.lead_type): one for one in profile_from(several, [JANUARY], as_of=NOW, margin="0.4")}
    referral, interest = found["referral"], found["interest"]
    assert (referral.leads, referral.won, interest.won) == (5, 2, 28)
    assert referral.profile.close_rate == pytest.approx((2 + 30 * 0.5) / 35)
    assert referral.weight == pytest.approx(5 / 35)
    assert referral.low < referral.profile.close_rate < referral.high
    assert "thin: 86 % of the rate is that of all leads" in str(referral)
    assert "thin" not in str(interest)
    profile = interest.profile
    assert (profile.assumed, profile.cycle_days, profile.effort_hours, profile.margin) == (False, 20, 2, 0.4)
    assert (str(profile.value), str(profile.cost)) == ("100.00 EUR", "24.00 EUR")
    assert BOOK.replace(lead_types=[one.profile for one in found.values()]).lead_types


def test_what_a_profile_cannot_know_is_none_with_the_reason():
    made = Made("a")

    lead = Lead(id="a", identified=True, source=Source(channel="ads", lead_type="referral"))
    made.journey = Journey.start(lead, BOOK, at=T0, stage="name")
    (found,) = profile_from([made.journey], as_of=NOW)
    assert (found.profile.value, found.profile.cost, found.profile.margin) == (None, None, None)
    assert found.unknown["value"] == "nobody is won so far"
    (free,) = profile_from([made.journey], [Spend.month("2026-01", eur(0), source="ads")], as_of=NOW)
    assert free.profile.cost.amount == Decimal(0)
