"""The eight stages with everything around them: streams of touches, contact rules, handoff, recycling and a reward.

Every number here is a starting point, to be edited before both teams sign.
"""

from __future__ import annotations

from decimal import Decimal

from leadlife.criteria import count, days_in_stage, evidence, in_stage, lead_type, readiness, recycled_for, sold
from leadlife.money import Money
from leadlife.playbook.contact_rules import Cap, Channel, ContactRules, Fatigue
from leadlife.playbook.fields import FieldSpec
from leadlife.playbook.handoff_rules import AnswerTime, HandoffRules
from leadlife.playbook.lead_type_profiles import LeadTypeProfile
from leadlife.playbook.playbook import Playbook
from leadlife.playbook.recycling_rules import RecyclingRule
from leadlife.playbook.reward_rules import RewardRule
from leadlife.presets.eight_stage import eight_stage
from leadlife.qualification.programmes import Programme, Touch
from leadlife.timing import BusinessHours, days

_MARKETINGS = in_stage("name", "engagement", "target", "recycled")
_SALES_OR_OVER = in_stage("lead", "sales_lead", "opportunity", "customer", "lost", "disqualified")
_ANSWERED = count("reply", "form", "chat", within=days(30)) >= 1
_START = "a starting point, to be edited"


def eight_stage_nurture() -> Playbook:
    """Return ``eight_stage`` with programmes from early to mid to late and after the sale, and the rules around them.

    >>> [programme.name for programme in eight_stage_nurture().programmes]
    ['early to mid', 'mid to late', 'price', 'keep warm', 'ask for a referral']
    """
    base = eight_stage()
    return base.replace(
        id="eight_stage_nurture",
        fields={**base.fields, "time_zone": FieldSpec(meaning="the lead's own, such as Europe/Berlin")},
        purposes={"marketing": "to be sent what is not needed for a contract"},
        business_hours={"office": BusinessHours.weekdays("09:00-17:00", zone="UTC")},
        channels={"email": Channel(purpose="marketing"), "phone": Channel(load=2)},
        programmes=(_early_to_mid(), _mid_to_late(), _price(), _keep_warm(), _referral()),
        contact_rules=_contact_rules(),
        handoff=_handoff(),
        recycling=(
            RecyclingRule(
                reasons=["pricing", "budget"], cool_down=days(90), woken_by=evidence("urgent_need"), meaning=_START
            ),
            RecyclingRule(
                reasons=["bad timing", "no decision"],
                cool_down=days(45),
                most_returns=3,
                woken_by=evidence("urgent_need"),
                meaning=_START,
            ),
        ),
        rewards=(RewardRule(name="thank you", amount=Money.of(50, "EUR"), most_rewards=10, meaning=_START),),
        lead_types=_lead_types(),
        meaning="The reference funnel with nurture, handoff, recycling by reason, and rewards for referrals.",
    )


def _early_to_mid() -> Programme:
    """Return what teaches a lead that only learns about the category."""
    return Programme(
        name="early to mid",
        audience=_MARKETINGS & (readiness() == "early") & ~recycled_for("pricing", "budget"),
        goal=readiness() >= "mid",
        exit=_SALES_OR_OVER,
        reentry=days(180),
        touches=(
            Touch(name="what it is", channel="email", wait="P1D"),
            Touch(name="how others see it", channel="email", wait="P14D"),
            Touch(name="what it costs to wait", channel="email", wait="P21D"),
            Touch(name="a guide", channel="email", wait="P30D"),
        ),
        meaning=_START,
    )


def _mid_to_late() -> Programme:
    """Return what helps a lead that compares options."""
    return Programme(
        name="mid to late",
        audience=_MARKETINGS & (readiness() == "mid") & ~recycled_for("pricing", "budget"),
        goal=readiness() == "late",
        exit=_SALES_OR_OVER | (readiness() == "early"),
        reentry=days(120),
        priority=1,
        touches=(
            Touch(name="how to choose", channel="email", wait="P1D"),
            Touch(name="a story of a customer", channel="email", wait="P7D"),
            Touch(name="an invitation", channel="email", wait="P10D"),
            Touch(name="a call", channel="phone", wait="P7D", when=_ANSWERED),
        ),
        meaning=_START,
    )


def _price() -> Programme:
    """Return what a lead is sent that was recycled because of the price."""
    return Programme(
        name="price",
        audience=in_stage("recycled") & recycled_for("pricing", "budget"),
        exit=~in_stage("recycled"),
        reentry="per_cycle",
        touches=(
            Touch(name="what it saves", channel="email", wait="P60D"),
            Touch(name="a smaller offer", channel="email", wait="P60D"),
        ),
        meaning=_START,
    )


def _keep_warm() -> Programme:
    """Return what keeps a customer warm, for the next purchase."""
    return Programme(
        name="keep warm",
        audience=in_stage("customer"),
        exit=~in_stage("customer"),
        reentry="per_cycle",
        touches=(
            Touch(name="welcome", channel="email", operational=True),
            Touch(name="how is it going", channel="phone", wait="P30D"),
            Touch(name="news", channel="email", wait="P60D"),
            Touch(name="what is next", channel="email", wait="P90D"),
        ),
        meaning=_START,
    )


def _referral() -> Programme:
    """Return what asks a customer who has stayed for a recommendation."""
    return Programme(
        name="ask for a referral",
        audience=in_stage("customer") & (days_in_stage() >= 60),
        exit=~in_stage("customer"),
        priority=1,
        touches=(Touch(name="who else", channel="email"),),
        meaning=_START,
    )


def _contact_rules() -> ContactRules:
    return ContactRules(
        zone_field="time_zone",
        quiet="20:00-08:00",
        weekdays=["monday", "tuesday", "wednesday", "thursday", "friday"],
        minimum_gap=days(2),
        caps=(
            Cap(at_most=1, per="day"),
            Cap(at_most=2, per="week"),
            Cap(at_most=4, per="P30D", readiness="early"),
            Cap(at_most=6, per="P30D"),
        ),
        fatigue=Fatigue(half_life="PT336H", rest_at=4, tired_at=3),
        repeat_after="P1Y",
        meaning=_START,
    )


def _handoff() -> HandoffRules:
    return HandoffRules(
        answer=(
            AnswerTime(within="PT1H", hours="office", when=lead_type("referral") | evidence("urgent_need") | sold()),
            AnswerTime(within="PT8H", hours="office"),
        ),
        on_expiry="escalate",
        escalate_to="head of sales",
        most_offers=2,
        reasons=["no need", "no budget", "no authority", "not reachable", "duplicate", "other"],
        acceptance=(0.6, 0.9),
        meaning=_START,
    )


def _lead_types() -> tuple[LeadTypeProfile, ...]:
    """Return what is typical of each type of lead; only the order of the numbers is known, the numbers are assumed."""
    typical = (
        ("cultivated", 0.15, 120, 4, 20, 900, 0.5, "early to mid", "slow to start, among the highest close rates"),
        ("interest", 0.02, 60, 1, 15, 700, 0.4, "early to mid", "many are unqualified and compare prices"),
        ("targeted", 0.12, 150, 12, 150, 5_000, 0.5, "mid to late", "expensive, with a high price"),
        ("referral", 0.3, 30, 2, 10, 900, 0.5, "mid to late", "arrives warm, may be qualified at once"),
    )
    return tuple(
        LeadTypeProfile(
            lead_type=lead_type,
            close_rate=rate,
            cycle_days=days_,
            effort_hours=Decimal(hours),
            cost=Money.of(cost, "EUR"),
            value=Money.of(value, "EUR"),
            margin=margin,
            follow_up=programme,
            meaning=f"{_START}: {words}",
        )
        for lead_type, rate, days_, hours, cost, value, margin, programme, words in typical
    )
