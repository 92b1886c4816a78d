"""The simulated world: seeded, labelled, through the real fold; and two playbooks in the same luck."""

from __future__ import annotations

import pytest

from leadlife import Journey, days
from leadlife.errors import InvalidDefinition, Malformed
from leadlife.facts import RuleFailed, TouchSent
from leadlife.planning.comparison import compare
from leadlife.planning.market import Luck, Market, MarketSource
from leadlife.planning.planner import plan
from leadlife.planning.simulation import Simulation, simulate
from leadlife.planning.world import LABEL
from leadlife.presets import eight_stage_nurture, ibm

NURTURE = eight_stage_nurture()
WORLD = simulate(60, playbook=NURTURE, seed=3)


def pressing(playbook):
    """Return a playbook that sends everything twice and six times as fast, without contact rules."""

    def faster(touch):
        return touch if touch.wait is None else touch.replace(wait=days(max(touch.wait.days // 6, 1)))

    def eager(programme):
        touches = [faster(touch) for touch in programme.touches]
        again = [touch.replace(name=f"{touch.name} again") for touch in touches]
        return programme.replace(touches=[*touches, *again])

    hurried = [eager(programme) for programme in playbook.programmes]
    return playbook.replace(version="pressing", programmes=hurried, contact_rules=None)


def test_a_seed_gives_the_same_world_and_another_seed_another():
    assert simulate(60, playbook=NURTURE, seed=3) == WORLD
    assert simulate(20, seed=1).journeys != simulate(20, seed=2).journeys
    assert WORLD.label == LABEL
    assert "simulated" in LABEL


def test_every_lead_of_the_world_is_a_real_journey():
    assert {journey.source.lead_type for journey in WORLD.journeys} == {
        "cultivated",
        "interest",
        "targeted",
        "referral",
    }
    assert len({journey.stage for journey in WORLD.journeys}) >= 3
    for journey in WORLD.journeys:
        assert journey.lead_id.startswith("simulated-")
        assert Journey.replay(journey.facts, WORLD.playbook).tick(journey.at) == journey
        assert not any(isinstance(fact, RuleFailed) for fact in journey.derived)
        assert journey.at <= WORLD.as_of


def test_the_totals_are_those_of_the_journeys():
    totals = WORLD.totals
    facts = [fact for journey in WORLD.journeys for fact in journey.facts]
    assert (totals.leads, totals.facts) == (len(WORLD.journeys), len(facts))
    assert totals.won == sum(fact.type == "sold" for fact in facts)
    assert totals.touches == sum(isinstance(fact, TouchSent) for fact in facts) > 0
    assert totals.offers == sum(fact.type == "handoff_offered" for fact in facts) > 0
    assert totals.opt_outs == sum(fact.type == "consent" and not fact.granted for fact in facts)
    assert totals.margin == totals.revenue - totals.cost


def test_what_is_sent_was_planned_then():
    sent = 0
    for journey in WORLD.journeys[:20]:
        for place, fact in enumerate(journey.facts):
            if isinstance(fact, TouchSent):
                before = Journey.replay(journey.facts[:place], WORLD.playbook)
                assert [one.touch for one in plan(before, at=fact.at).due][:1] == [fact.touch]
                sent += 1
    assert sent > 20


def test_leads_leave_the_memory_when_nothing_more_can_happen_to_them():
    run = Simulation(200, market=Market(visits=(0, 0, 0), to_mid=0, to_late=0), seed=1)
    most = 0
    for _ in run.stream():
        most = max(most, len(run._people))
    assert most <= 1
    assert run.totals.leads == 200


def test_customers_recommend_others():
    busy = Market(to_mid=1 / 5, to_late=1 / 5, wins=1.0, refers=1.0, days_to_decide=2, sales_calls_per_day=1_000)
    world = simulate(40, playbook=NURTURE, market=busy, seed=1)
    friends = [journey for journey in world.journeys if "friend" in journey.lead_id]
    assert friends
    for friend in friends:
        assert friend.lead.referred_by in {journey.lead_id for journey in world.journeys}
        assert friend.source.lead_type == "referral"


def test_two_playbooks_meet_the_same_luck_and_the_more_pressing_one_tires_leads():
    found = compare(NURTURE, pressing(NURTURE), leads=40, worlds=4, days=270)
    rows = {row.figure: row for row in found.rows}
    assert rows["touches"].difference > 0
    assert rows["touches"].is_clear
    assert rows["opt-outs"].low > 0
    same = compare(NURTURE, NURTURE.replace(version="2"), leads=15, worlds=2, days=120)
    assert all(row.difference == row.low == row.high == 0 for row in same.rows)
    assert "may be none" in str(same)
    assert str(found).startswith(f"{LABEL}\n4 worlds of 40 leads; a is eight_stage_nurture 1")


def test_touches_that_do_nothing_change_no_sale():
    """Two playbooks meet the same luck, however differently their events are ordered."""
    inert = Market(lift=0, opts_out=0, opts_out_tired=0, bolts=0, to_mid=1 / 20, to_late=1 / 20)
    found = compare(NURTURE.replace(programmes=[], lead_types=[]), NURTURE, leads=60, worlds=2, market=inert, days=200)
    rows = {row.figure: row for row in found.rows}
    assert rows["touches"].a == 0 < rows["touches"].b
    assert rows["sales"].a > 0
    assert (rows["sales"].difference, rows["revenue"].difference, rows["offers to sales"].difference) == (0, 0, 0)


def test_draws_depend_only_on_what_they_are_for():
    luck = Luck(1)
    assert luck.share("ann", "arrives") == Luck(1).share("ann", "arrives") != Luck(2).share("ann", "arrives")
    shares = [luck.share("x", number) for number in range(2_000)]
    assert 0.48 < sum(shares) / len(shares) < 0.52
    assert 0 <= min(shares) < max(shares) < 1
    assert luck.days(0, "x") == float("inf")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: simulate(0), "1 or more"),
        (lambda: simulate(5, days=True), "whole number"),
        (lambda: simulate(5, playbook=ibm()), "needs the stage"),
        (lambda: compare(NURTURE, NURTURE, worlds=1), "2 or more"),
        (lambda: Market(visits=(1, 2)), "three rates"),
        (lambda: Market(sources=[MarketSource(channel="web", lead_type="interest", share=0.5, fits=1)]), "add up to 1"),
    ],
)
def test_what_cannot_be_simulated_is_a_clear_error(call, message):
    with pytest.raises((Malformed, InvalidDefinition), match=message):
        call()
