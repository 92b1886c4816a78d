"""Who deserves the next hour: deadlines, then worth, then chance; the order of the input is irrelevant."""

from __future__ import annotations

from random import Random

import pytest

from leadlife import Journey, Lead, Sold, Source
from leadlife.economics import Because, referral_value, worklist
from leadlife.errors import CurrencyMismatch, Malformed
from leadlife.facts import EffortSpent, HandoffOffered, OwnerAssigned
from leadlife.money import Money
from leadlife.playbook.handoff_rules import AnswerTime, HandoffRules
from leadlife.playbook.lead_type_profiles import LeadTypeProfile
from leadlife.playbook.reward_rules import RewardRule
from reference.money_leads import BOOK, DAY, SALES, T0, Made, eur

NOW = T0 + 100 * DAY
PROFILES = [
    LeadTypeProfile(lead_type="referral", close_rate=0.5, effort_hours=2, value=eur(400), margin=0.5),
    LeadTypeProfile(lead_type="interest", close_rate=0.1, effort_hours=4, value=eur(400), margin=0.5, assumed=False),
]
HANDED = BOOK.replace(handoff=HandoffRules(answer=[AnswerTime(within="PT4H")]))


def lead(name, kind, *, book=BOOK, day=90):
    made = Made("x", book=book)
    source = None if kind is None else Source(channel="c", lead_type=kind)
    made.journey = Journey.start(Lead(id=name, identified=True, source=source), book, at=T0 + day * DAY, stage="name")
    return made


def test_the_next_hour_goes_where_it_is_worth_most():
    several = [lead("a", "interest"), lead("b", "referral"), lead("c", None)]
    found = worklist([one.journey for one in several], at=NOW, hours=2, profiles=PROFILES)
    assert [(one.lead, one.because, one.hours) for one in found.items] == [
        ("b", Because.WORTH, 1),
        ("a", Because.WORTH, 1),
    ]
    best = found.items[0]
    assert (best.chance, best.margin, best.hours_left, best.per_hour) == (0.5, 100, 2, 50)
    assert best.why == "100 EUR expected for 2 hours of work, 1 of them now; 10 days in name, 50 % of its type are won"
    assert found.left_out == 1
    assert found.assumed == ("referral",)
    assert str(found).splitlines()[-2:] == [
        "1 more open leads get no time in these 2 hours",
        "assumed, not measured: referral",
    ]


def test_hours_that_were_spent_are_not_needed_again():
    spent = lead("a", "interest").add(EffortSpent, 95, hours=3)
    done = lead("b", "interest").add(EffortSpent, 95, hours=30)
    found = worklist([spent.journey, done.journey], at=NOW, hours=5, profiles=PROFILES)
    assert [(one.lead, one.hours_left, one.hours) for one in found.items] == [("b", 0.5, 0.5), ("a", 1, 1)]
    assert "1 hour of work" in found.items[1].why


def test_deadlines_come_first_and_those_of_others_are_left_out():
    due = lead("due", "interest", book=HANDED).add(HandoffOffered, 99.9, to="sam")
    quiet = lead("quiet", "referral", book=HANDED).add(OwnerAssigned, 95, owner="sam")
    other = lead("other", "referral", book=HANDED).add(OwnerAssigned, 95, owner="eve")
    found = worklist([one.journey for one in (due, quiet, other)], at=NOW, hours=8, owner="sam", profiles=PROFILES)
    assert [(one.lead, one.because) for one in found.items] == [("due", Because.DEADLINE), ("quiet", Because.WORTH)]
    assert found.items[0].why.startswith("an answer is due 2026-04-15 10:36 UTC; 20 EUR expected")
    later = worklist([due.journey], at=NOW + DAY / 24, hours=8, profiles=PROFILES)
    assert later.items[0].because is Because.DEADLINE


def test_a_share_of_the_hours_is_drawn_by_chance_by_the_seed():
    several = [lead(f"l{number:02}", "interest").journey for number in range(40)]
    found = worklist(several, at=NOW, hours=20, profiles=PROFILES, explore=0.2)
    assert [place for place, one in enumerate(found.items) if one.because is Because.EXPLORED] == [4, 9, 14, 19]
    assert "drawn by chance" in found.items[4].why
    assert worklist(several, at=NOW, hours=20, profiles=PROFILES, explore=0.2, seed=8) != found
    nothing = worklist(several, at=NOW, hours=20, profiles=PROFILES, explore=0)
    assert {one.because for one in nothing.items} == {Because.WORTH}


def test_the_order_of_leads_is_irrelevant_and_later_facts_are_not_read():
    several = [lead(f"l{number:02}", ("interest", "referral", None)[number % 3]) for number in range(20)]
    journeys = [one.journey for one in several]
    found = worklist(journeys, at=NOW, hours=6, profiles=PROFILES)
    shuffled = Random(3).sample(journeys, len(journeys))
    assert worklist(shuffled, at=NOW, hours=6, profiles=PROFILES) == found
    several[0].won(140)
    assert worklist([one.journey for one in several], at=NOW, hours=6, profiles=PROFILES) == found


def test_stays_teach_where_there_are_enough_and_closed_leads_get_no_time():
    closed = [Made(f"c{number}", day=number).won(number + 20).journey for number in range(35)]
    fresh = lead("fresh", "interest")
    found = worklist([*closed, fresh.journey], at=NOW, hours=3, profiles=PROFILES)
    assert [one.lead for one in found.items] == ["fresh"]
    assert found.items[0].chance > 0.9
    free = worklist([*closed, lead("plain", None).journey], at=NOW, hours=3)
    assert (free.currency, free.items[0].hours_left, free.items[0].margin) == ("EUR", 2, pytest.approx(100, rel=0.1))


def test_without_money_a_win_counts_as_one():
    quick = [
        Made(f"q{number}", day=number).opportunity(number + 5).add(Sold, number + 6, by=SALES) for number in range(31)
    ]
    old, young = lead("old", None).journey, lead("young", None, day=98).journey
    found = worklist([*(one.journey for one in quick), old, young], at=NOW, hours=2)
    assert [(one.lead, round(one.margin)) for one in found.items] == [("young", 1), ("old", 0)]
    assert found.currency is None
    assert "0.97 wins expected" in found.items[0].why
    nobody = worklist([lead("a", None).journey], at=NOW, hours=1)
    assert nobody.items[0].chance == 0


def test_the_playbook_of_each_lead_says_what_is_expected():
    book = BOOK.replace(lead_types=PROFILES[:1])
    found = worklist([lead("a", "referral", book=book).journey], at=NOW, hours=1)
    assert (found.items[0].margin, found.assumed) == (100, ("referral",))
    assert found.to_dict()["items"][0]["because"] == "worth"


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"hours": 0}, Malformed),
        ({"hours": "x"}, Malformed),
        ({"explore": 2}, Malformed),
        ({"profiles": ["x"]}, Malformed),
        ({"at": "now"}, Malformed),
        ({"profiles": [PROFILES[0].replace(value=Money.of(1, "USD")), PROFILES[1]]}, CurrencyMismatch),
    ],
)
def test_bad_input_gets_a_clear_error(more, error):
    with pytest.raises(error):
        worklist([lead("a", "referral").journey], **{"at": NOW, "hours": 1, "profiles": PROFILES, **more})


def person(name, referrer=None, *, amount=None):
    made = Made("x", book=BOOK.replace(rewards=[RewardRule(name="thanks", amount=eur(5))]))
    own = Lead(id=name, identified=True, referred_by=referrer)
    made.journey = Journey.start(own, made.journey.playbook, at=T0, stage="name")
    return made.journey if amount is None else made.won(3, amount).journey


def test_what_a_customer_has_brought_with_all_that_were_referred_less_the_rewards():
    several = [person("ann", amount="100.00"), person("bo", "ann", amount="40.00"), person("cy", "bo", amount="20.00")]
    found = {one.person: one for one in referral_value(several, as_of=NOW, margin="0.5")}
    assert (found["ann"].own, found["ann"].referred, found["ann"].people, found["ann"].rewards) == (50, 30, 2, 5)
    assert found["ann"].total == 75
    assert found["bo"].total == 20 + 10 - 5
    assert found["cy"].total == 10
    unknown = referral_value([person("dee", "stranger", amount="40.00")], as_of=NOW, margin=1)
    assert [(one.person, one.own, one.total) for one in unknown] == [("dee", 40, 40), ("stranger", 0, 35)]
    assert referral_value([], as_of=NOW) == ()


def test_a_circle_of_referrals_brings_nobody_anything():
    several = [person("ann", "bo", amount="100.00"), person("bo", "ann", amount="40.00"), person("cy", "ann")]
    found = {one.person: one for one in referral_value(several, as_of=NOW, margin=1)}
    assert (found["ann"].referred, found["bo"].referred) == (0, 0)
    with pytest.raises(Malformed, match="margin="):
        referral_value(several, as_of=NOW)
    waiting = Journey("w", BOOK)
    assert referral_value([waiting], as_of=NOW) == ()
