"""A thousand simulated leads walk every preset: nobody is trapped, nothing goes round without end, every rule answers."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from leadlife import ActivityRecorded, Actor, EvidenceGiven, Identified, Journey, Money, Sold
from leadlife.facts import RuleFailed
from leadlife.presets import PRESETS

T = datetime(2026, 3, 2, 9, tzinfo=UTC)
LEADS = 1_000


def walked(playbook, dice):
    life = playbook.lifecycle
    everybody = Actor(id="all", roles=tuple({role for rule in life.transitions for role in rule.roles}))
    journey, at = Journey.start("lead", playbook, stage=life.entries_for(referral=False)[0].stage, at=T), T
    for _ in range(8):
        at += timedelta(hours=dice.choice([1, 30, 24 * 9, 24 * 40]))
        sort = dice.random()
        if sort < 0.4:
            said = EvidenceGiven(name=dice.choice(sorted(playbook.evidence)), value=dice.random() < 0.8, at=at)
            journey = journey.record(said)
        elif sort < 0.6:
            journey = journey.record(ActivityRecorded(kind=dice.choice(sorted(playbook.activity_kinds)), at=at))
        elif sort < 0.7:
            once = Identified(at=at) if dice.random() < 0.7 else Sold(amount=Money(amount="10", currency="EUR"), at=at)
            journey = journey.record(once)
        else:
            trigger = dice.choice(sorted({edge.trigger for edge in life.edges if edge.source == journey.stage}))
            option = journey.may(trigger, at=at, by=everybody, note="n")
            reason = option.reasons[0] if option.needs_reason else None
            if journey.may(trigger, at=at, by=everybody, reason=reason, note="n"):
                journey = journey.move(trigger, at=at, by=everybody, reason=reason, note="n")
    return journey


@pytest.mark.parametrize("name", PRESETS)
def test_a_thousand_leads_walk_without_trap_or_endless_loop(name):
    playbook, dice = PRESETS[name](), Random(7)
    reached = set()
    for _ in range(LEADS):
        journey = walked(playbook, dice)
        reached.update(visit.stage for visit in journey.visits)
        assert not [fact for fact in journey.derived if isinstance(fact, RuleFailed)]
        ways = {edge.target for edge in playbook.lifecycle.edges if edge.source == journey.stage} - {journey.stage}
        assert ways or playbook.lifecycle.by_id[journey.stage].status.closed
    assert len(reached) >= len(playbook.lifecycle.stages) // 2
