"""Findings about engaging leads: each has a playbook that shows it, and a nearly equal one that does not."""

import pytest

from leadlife import FieldSpec, Money
from leadlife.checks import Code, check
from leadlife.criteria import CustomGuard, at_least, count, field, in_stage, lead_type, recycled_for, return_count
from leadlife.errors import InvalidDefinition
from leadlife.playbook.contact_rules import Cap, Channel, ContactRules, Fatigue
from leadlife.playbook.handoff_rules import AnswerTime, HandoffRules
from leadlife.playbook.recycling_rules import RecyclingRule
from leadlife.playbook.reward_rules import RewardRule
from leadlife.presets import eight_stage
from leadlife.qualification.programmes import Programme, Touch
from leadlife.timing.waits import in_hours

EIGHT = eight_stage()
THANKS = RewardRule(name="thank you", amount=Money.of(50, "EUR"))
FAST = AnswerTime(within="PT1H", when=lead_type("referral"))


def letters(*touches, rules=None, **given):
    touches = touches or (Touch(name="hello", channel="email"),)
    given = {"audience": in_stage("name"), "goal": in_stage("engagement"), **given}
    programme = Programme(name="letters", touches=touches, **given)
    fields = {f"x{number}": FieldSpec() for number in range(14)}
    return EIGHT.replace(
        fields=fields,
        channels={"email": Channel(), "phone": Channel(load=5)},
        programmes=[programme],
        contact_rules=rules,
    )


LATE = Touch(name="hello", channel="email", window={"hours": "22:00-23:00"})
SHORT = (Touch(name="one", channel="email"), Touch(name="two", channel="email", wait="PT1H", within="P1D"))
TIRED = ContactRules(fatigue=Fatigue(half_life="PT168H", rest_at=4))
PAIRS = {
    Code.NO_PROGRAMME_EXIT: [(letters(goal=None), letters()), (letters(goal=None), letters(goal=None, lasts="P9D"))],
    Code.NEVER_OPEN: [
        (
            letters(LATE, rules=ContactRules(quiet="21:00-08:00")),
            letters(LATE, rules=ContactRules(quiet="23:00-08:00")),
        ),
        (
            letters(
                Touch(name="x", channel="email", window={"weekdays": ["sunday"]}),
                rules=ContactRules(weekdays=["monday"]),
            ),
            letters(LATE.replace(operational=True), rules=ContactRules(quiet="21:00-08:00")),
        ),
    ],
    Code.TOUCH_IMPOSSIBLE: [
        (letters(Touch(name="call", channel="phone"), rules=TIRED), letters(rules=TIRED)),
        (
            letters(*SHORT, rules=ContactRules(minimum_gap="P4D")),
            letters(*SHORT, rules=ContactRules(minimum_gap="PT20H")),
        ),
        (
            letters(*SHORT, rules=ContactRules(minimum_gap="P4D")),
            letters(SHORT[0], SHORT[1].replace(wait=None, within=None), rules=ContactRules(minimum_gap="P4D")),
        ),
    ],
    Code.ENDLESS_REWARD: [(EIGHT.replace(rewards=[THANKS]), EIGHT.replace(rewards=[THANKS.replace(most_rewards=9)]))],
    Code.NO_DEADLINE: [
        (
            EIGHT.replace(handoff=HandoffRules(answer=[FAST])),
            EIGHT.replace(handoff=HandoffRules(answer=[FAST, AnswerTime(within="P1D")])),
        )
    ],
    Code.NEVER_TRUE: [
        (letters(audience=(count("call") >= 3) & ~(count("call") >= 2)), letters()),
        (letters(audience=in_stage("name"), goal=in_stage("name", "engagement")), letters()),
        (letters(audience=recycled_for("budget") & recycled_for("pricing")), letters(audience=recycled_for("budget"))),
        (letters(audience=(return_count() >= 3) & (return_count() < 2)), letters(audience=return_count() >= 3)),
    ],
    Code.NOT_DECIDED: [
        (letters(audience=at_least(7, *(field(f"x{number}") == "a" for number in range(14)))), letters())
    ],
    Code.CUSTOM_GUARD: [(letters(exit=CustomGuard(name="x", call=lambda _view: True)), letters())],
}


def codes(playbook):
    return {finding.code for finding in check(playbook)}


@pytest.mark.parametrize(
    ("code", "bad", "good"), [(code, bad, good) for code, pairs in PAIRS.items() for bad, good in pairs]
)
def test_each_finding_has_a_case_and_a_near_miss(code, bad, good):
    assert code in codes(bad)
    assert code not in codes(good)


def wrong(**given):
    return lambda: EIGHT.replace(**given)


HELLO = Touch(name="hello", channel="email")


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (wrong(programmes=[Programme(name="a", audience=in_stage("nmae"), touches=[HELLO])]), "did you mean 'name'"),
        (wrong(programmes=[Programme(name="a", audience=in_stage("name"), touches=[HELLO])]), "channel 'email'"),
        (wrong(recycling=[RecyclingRule(reasons="bugdet")]), "did you mean 'budget'"),
        (wrong(recycling=[RecyclingRule(reasons="budget"), RecyclingRule(reasons="budget")]), "declared twice"),
        (wrong(rewards=[THANKS, THANKS]), "declared twice"),
        (wrong(contact_rules=ContactRules(zone_field="tz")), "field 'tz'"),
        (wrong(contact_rules=ContactRules(caps=[Cap(at_most=1, per="day", channel="fax")])), "channel 'fax'"),
        (wrong(handoff=HandoffRules(answer=[AnswerTime(within="PT1H", hours="office")])), "business hours 'office'"),
        (lambda: letters(Touch(name="x", channel="email", wait=in_hours("PT8H", "office"))), "business hours 'office'"),
        (lambda: letters(HELLO, HELLO), "two touches of one name"),
        (lambda: Programme(name="a", audience=in_stage("name"), touches=[]), "has no touches"),
        (lambda: letters(reentry="sometimes"), "never, per_cycle"),
        (lambda: letters(holdout=1.0), "less than 1"),
        (lambda: Cap(at_most=0, per="day"), "at least 1"),
        (lambda: Cap(at_most=1, per="month"), "day, week or a duration"),
        (lambda: Cap(at_most=1, per="PT0S"), "longer than 0"),
        (lambda: Fatigue(half_life="P7D", rest_at=4), "elapsed"),
        (lambda: Fatigue(half_life="PT7H", rest_at=4, tired_at=5), "never be reached"),
        (lambda: ContactRules(quiet="00:00-24:00"), "no time"),
        (lambda: RecyclingRule(reasons=[]), "at least one reason"),
        (lambda: RewardRule(name="x", amount=Money.of(0, "EUR")), "more than 0"),
        (wrong(zone="Mars/Olympus"), "no such time zone"),
        (wrong(channels={"email": Channel(purpose="mial")}, purposes={"mail": ""}), "did you mean 'mail'"),
        (wrong(contact_rules={"qiet": "21:00-08:00"}), "quiet"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_an_error_when_it_is_declared(build, message):
    with pytest.raises(InvalidDefinition, match=message):
        build()
