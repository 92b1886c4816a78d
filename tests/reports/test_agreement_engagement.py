"""What a playbook says about engaging leads stands in the agreement in words, all of it, because both teams sign it."""

from __future__ import annotations

import pytest

from leadlife.criteria import evidence
from leadlife.money import Money
from leadlife.playbook.contact_rules import Cap, Channel, ContactRules, Fatigue
from leadlife.playbook.handoff_rules import AnswerTime, HandoffRules
from leadlife.playbook.lead_type_profiles import LeadTypeProfile
from leadlife.playbook.recycling_rules import RecyclingRule
from leadlife.playbook.reward_rules import RewardRule
from leadlife.presets import eight_stage_nurture
from leadlife.qualification.programmes import Programme, Touch
from leadlife.reports import agreement
from leadlife.timing import BusinessHours
from leadlife.timing.windows import SendWindow

PRESET = eight_stage_nurture()
BOOK = PRESET.replace(lead_types=[PRESET.lead_types[0].replace(follow_up=None)])
FIRST = BOOK.programmes[0]
URGENT = evidence("urgent_need")


def with_touch(**more):
    return BOOK.replace(programmes=[FIRST.replace(touches=[FIRST.touches[0].replace(**more)])])


def with_programme(**more):
    return BOOK.replace(programmes=[FIRST.replace(**more)])


def with_rules(**more):
    return BOOK.replace(contact_rules=BOOK.contact_rules.replace(**more))


def with_fatigue(**more):
    return with_rules(fatigue=BOOK.contact_rules.fatigue.replace(**more))


def with_cap(**more):
    return with_rules(caps=[BOOK.contact_rules.caps[0].replace(**more)])


def with_channel(**more):
    return BOOK.replace(channels={**BOOK.channels, "email": BOOK.channels["email"].replace(**more)})


def with_hours(**more):
    return BOOK.replace(business_hours={"office": BOOK.business_hours["office"].replace(**more)})


def with_answer(**more):
    return BOOK.replace(handoff=BOOK.handoff.replace(answer=[BOOK.handoff.answer[0].replace(**more)]))


def with_handoff(**more):
    return BOOK.replace(handoff=BOOK.handoff.replace(**more))


def with_recycling(**more):
    return BOOK.replace(recycling=[BOOK.recycling[0].replace(**more)])


def with_reward(**more):
    return BOOK.replace(rewards=[BOOK.rewards[0].replace(**more)])


def with_lead_type(**more):
    return BOOK.replace(lead_types=[BOOK.lead_types[0].replace(**more)])


CHANGES = {
    Touch: (
        with_touch,
        {
            "name": "another",
            "channel": "phone",
            "content": "template 7",
            "wait": "P3D",
            "when": URGENT,
            "window": SendWindow(at="16:00"),
            "within": "P9D",
            "operational": True,
            "attempts": 3,
            "retry_after": "PT2H",
        },
    ),
    Programme: (
        with_programme,
        {
            "name": "another",
            "audience": URGENT,
            "touches": FIRST.touches[:1],
            "goal": URGENT,
            "exit": URGENT,
            "lasts": "P100D",
            "reentry": "per_cycle",
            "priority": 7,
            "holdout": 0.1,
            "meaning": "another",
        },
    ),
    Channel: (with_channel, {"purpose": None, "load": 3, "meaning": "another"}),
    ContactRules: (
        with_rules,
        {
            "zone_field": None,
            "quiet": "21:00-09:00",
            "weekdays": ["monday"],
            "minimum_gap": "P3D",
            "caps": [],
            "fatigue": None,
            "repeat_after": None,
            "meaning": "another",
        },
    ),
    Cap: (with_cap, {"at_most": 7, "per": "P11D", "channel": "phone", "readiness": "late", "on_breach": "exit"}),
    Fatigue: (with_fatigue, {"half_life": "PT1H", "rest_at": 9, "tired_at": 2, "lowers_by": 5}),
    BusinessHours: (
        with_hours,
        {"zone": "Asia/Tokyo", "week": {"monday": "09:00-12:00"}, "holidays": ["2026-12-25"]},
    ),
    AnswerTime: (with_answer, {"within": "PT7H", "hours": None, "when": None}),
    HandoffRules: (
        with_handoff,
        {
            "answer": [],
            "on_expiry": "return",
            "escalate_to": "somebody",
            "most_offers": 9,
            "reasons": [],
            "acceptance": None,
            "meaning": "another",
        },
    ),
    RecyclingRule: (
        with_recycling,
        {
            "reasons": ["competition"],
            "cool_down": "P7D",
            "most_returns": 9,
            "scores": "halve",
            "woken_by": None,
            "meaning": "another",
        },
    ),
    RewardRule: (
        with_reward,
        {
            "name": "another",
            "amount": Money.of(7, "EUR"),
            "most_rewards": 3,
            "clawback": False,
            "meaning": "another",
        },
    ),
    LeadTypeProfile: (
        with_lead_type,
        {
            "lead_type": "referral",
            "close_rate": 0.5,
            "cycle_days": 7,
            "effort_hours": "9",
            "cost": Money.of(7, "EUR"),
            "value": None,
            "margin": None,
            "follow_up": "early to mid",
            "assumed": False,
            "meaning": "another",
        },
    ),
}


@pytest.mark.parametrize(
    ("made", "field", "value"),
    [
        pytest.param(made, field, value, id=f"{model.__name__}.{field}")
        for model, (made, values) in CHANGES.items()
        for field, value in values.items()
    ],
)
def test_every_change_of_a_rule_shows_in_the_agreement(made, field, value):
    needed = {"on_expiry": {"escalate_to": None}, "retry_after": {"attempts": 2}}.get(field, {})
    before = made() if field == "on_expiry" else made(**needed)
    assert agreement(made(**{field: value}, **needed)) != agreement(before)


def test_every_field_of_every_rule_is_tried():
    for model, (_, values) in CHANGES.items():
        assert set(values) == set(model.model_fields), model
