"""Rewards for referrals: at most one for each person, after the first payment, capped, taken back, exact to the cent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlife import Journey, Lead, Money, Sold
from leadlife.errors import CurrencyMismatch, Malformed
from leadlife.facts import Refunded
from leadlife.planning.reward_ledger import RewardStatus, rewards
from leadlife.playbook.reward_rules import RewardRule
from leadlife.presets import eight_stage

T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
CENTS = RewardRule(name="thank you", amount=Money.of("0.10", "EUR"), most_rewards=2)
BOOK = eight_stage().replace(rewards=[CENTS])


def person(name, referrer=None, *, book=BOOK, pipeline="main"):
    lead = Lead(id=name, identified=True, referred_by=referrer)
    return Journey.start(lead, book, at=T0, stage="name", pipeline=pipeline)


def paid(journey, day, amount="49.90", **more):
    return journey.record(Sold(amount=Money.of(amount, "EUR"), at=T0 + day * DAY, **more))


def refunded(journey, day, amount="49.90", **more):
    return journey.record(Refunded(amount=Money.of(amount, "EUR"), at=T0 + day * DAY, **more))


def statuses(ledger):
    return [(line.person, str(line.status)) for line in ledger.lines]


def test_a_reward_is_earned_by_the_first_payment_and_only_once():
    once = paid(paid(person("bob", "ann"), 1), 2)
    again = paid(person("bob", "ann", pipeline="second"), 3)
    ledger = rewards([again, person("ann"), once, paid(person("zoe"), 1)])
    assert statuses(ledger) == [("bob", "earned")]
    assert ledger.lines[0].at == T0 + DAY
    assert ledger.owed == {"ann": (Money.of("0.10", "EUR"),)}
    assert str(ledger) == "ann: 0.10 EUR for bob, earned: has paid for the first time"


def test_who_has_not_paid_waits_and_a_cap_is_kept_by_time():
    people = [paid(person(name, "ann"), day) for name, day in (("cy", 3), ("bob", 1), ("dee", 2))]
    ledger = rewards([*people, person("eve", "ann")])
    assert statuses(ledger) == [("bob", "earned"), ("dee", "earned"), ("cy", "capped"), ("eve", "waiting")]
    assert ledger.total("EUR") == Money.of("0.20", "EUR")
    assert ledger.total("USD") == Money.of(0, "USD")
    assert statuses(rewards(people, as_of=T0 + DAY)) == [("bob", "earned"), ("cy", "waiting"), ("dee", "waiting")]


def test_a_refund_in_full_takes_the_reward_back_and_frees_a_place():
    bob = refunded(refunded(paid(person("bob", "ann"), 1), 2, "40"), 3, "9.90")
    people = [bob, paid(person("cy", "ann"), 2), paid(person("dee", "ann"), 4)]
    ledger = rewards(people)
    assert statuses(ledger) == [("bob", "earned"), ("cy", "earned"), ("bob", "taken back"), ("dee", "earned")]
    assert ledger.owed["ann"] == (Money.of("0.20", "EUR"),)
    kept = rewards(people, [CENTS.replace(clawback=False)])
    assert statuses(kept)[:2] == [("bob", "earned"), ("cy", "earned")]
    partly = refunded(paid(person("bob", "ann"), 1), 2, "40")
    assert statuses(rewards([partly])) == [("bob", "earned")]


def test_a_refund_of_another_sale_takes_nothing_back():
    bob = paid(paid(person("bob", "ann"), 1, key="one"), 2, key="two")
    assert statuses(rewards([refunded(bob, 3, sale="two")])) == [("bob", "earned")]
    assert statuses(rewards([refunded(bob, 3, sale="one")])) == [("bob", "earned"), ("bob", "taken back")]
    unknown = person("bob", "ann").record(Sold(at=T0 + DAY))
    assert statuses(rewards([refunded(unknown, 2, "1")])) == [("bob", "earned"), ("bob", "taken back")]
    dollars = bob.record(Refunded(amount=Money.of(1, "USD"), at=T0 + 5 * DAY))
    with pytest.raises(CurrencyMismatch):
        rewards([dollars])


def test_a_circle_of_referrals_earns_nothing_and_is_named():
    people = [paid(person(name, by), 1) for name, by in (("ann", "cy"), ("bob", "ann"), ("cy", "bob"), ("me", "me"))]
    ledger = rewards([*people, paid(person("dee", "ann"), 1)])
    assert statuses(ledger)[0] == ("dee", "earned")
    assert {status for _, status in statuses(ledger)[1:]} == {"circle"}
    assert "bob > ann > cy > bob" in ledger.lines[1].why
    assert any(line.why.endswith("me > me") for line in ledger.lines)


def test_two_rules_of_one_name_are_an_error_and_so_is_what_is_no_rule():
    other = BOOK.replace(rewards=[CENTS.replace(most_rewards=3)])
    with pytest.raises(Malformed, match="two rewards are called"):
        rewards([person("bob", "ann"), person("cy", "ann", book=other)])
    with pytest.raises(Malformed, match="RewardRules"):
        rewards([], ["thank you"])
    assert str(rewards([])) == "nobody was referred"


@given(st.data())
def test_a_reward_is_paid_at_most_once_and_the_lines_add_up(data):
    names = ["a", "b", "c", "d", "e"]
    people = []
    for name in names:
        journey = person(name, data.draw(st.sampled_from([None, *names])))
        for kind in data.draw(st.lists(st.sampled_from(["pay", "refund", "part"]), max_size=4)):
            day = data.draw(st.integers(0, 9))
            journey = (
                paid(journey, day) if kind == "pay" else refunded(journey, day, "49.90" if kind == "refund" else "9")
            )
        people.append(journey)
    shuffled = data.draw(st.permutations(people))
    ledger = rewards(people)
    assert rewards(shuffled) == ledger
    for name in names:
        mine = [line for line in ledger.lines if line.person == name]
        assert sum(line.status is RewardStatus.EARNED for line in mine) <= 1
        assert sum(line.status is RewardStatus.TAKEN_BACK for line in mine) <= 1
        assert sum((line.amount.amount for line in mine), Decimal(0)) >= 0
        standing = [line for line in ledger.lines if line.referrer == name]
        total = sum((line.amount.amount for line in standing), Decimal(0))
        assert total <= CENTS.amount.amount * 2
        owed = ledger.owed.get(name, ())
        assert total == sum((money.amount for money in owed), Decimal(0))
