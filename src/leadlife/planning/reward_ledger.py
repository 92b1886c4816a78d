"""Rewards for referrals: who has earned what, what was taken back, and what is not paid, exact to the cent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from leadlife._base.arguments import listed, listed_of
from leadlife._base.model import EARLIEST
from leadlife.errors import CurrencyMismatch, Malformed
from leadlife.facts import Fact, Refunded, Sold
from leadlife.journey import Journey
from leadlife.money import Money
from leadlife.playbook.reward_rules import RewardRule
from leadlife.timing import instant


class RewardStatus(StrEnum):
    """What became of a reward."""

    EARNED = "earned"
    TAKEN_BACK = "taken back"
    WAITING = "waiting"
    """The person has not paid yet."""
    CAPPED = "capped"
    """The referrer has earned as many as the rule allows."""
    CIRCLE = "circle"
    """The person is, by referrals, its own referrer."""


class RewardLine(NamedTuple):
    """One line of a reward ledger.

    Attributes:
        rule: The rule.
        referrer: Who referred.
        person: Who was referred.
        at: When it was earned or taken back; None where nothing was paid.
        status: What became of it.
        amount: What is owed: positive when earned, negative when taken back, else nothing.
        why: Why, in words.
    """

    rule: str
    referrer: str
    person: str
    at: datetime | None
    status: RewardStatus
    amount: Money
    why: str

    def __str__(self) -> str:
        return f"{self.referrer}: {self.amount} for {self.person}, {self.status}: {self.why}"


class RewardLedger(NamedTuple):
    """What is owed for referrals.

    Attributes:
        lines: What was earned and taken back, by time; then what is not paid, and why.
        owed: For each referrer, what is owed in all, in each currency.
    """

    lines: tuple[RewardLine, ...]
    owed: Mapping[str, tuple[Money, ...]]

    def total(self, currency: str) -> Money:
        """Return what is owed to all in one currency."""
        amounts = (money.amount for several in self.owed.values() for money in several if money.currency == currency)
        return Money(amount=sum(amounts, Decimal(0)), currency=currency)

    def __str__(self) -> str:
        return "\n".join(map(str, self.lines)) or "nobody was referred"


class _Event(NamedTuple):
    at: datetime
    order: int
    person: str
    back: bool


def rewards(
    journeys: Iterable[Journey], rules: Iterable[RewardRule] | None = None, *, as_of: datetime | None = None
) -> RewardLedger:
    """Return who has earned what for referrals.

    A reward is earned by the first payment of a person who was referred, and once for each person, in however many
    pipelines. It is taken back when this payment is refunded in full. Who referred whom first counts.

    Args:
        journeys: The leads, those referred among them; the order is irrelevant.
        rules: The rules; by default those of each person's own playbook.
        as_of: Only facts up to this instant count; by default all do.

    Raises:
        Malformed: An argument cannot be understood.
        CurrencyMismatch: A refund of a payment is in another currency.
    """
    until = None if as_of is None else instant(as_of)
    given = None if rules is None else listed("rules", rules)
    if given is not None and not all(isinstance(rule, RewardRule) for rule in given):
        raise Malformed("rules must be RewardRules", hint="pass playbook.rewards")
    people: dict[str, list[Journey]] = {}
    for journey in listed_of("journeys", journeys, Journey):
        people.setdefault(journey.lead_id, []).append(journey)
    persons = {person: _Person.of(several, until) for person, several in people.items()}
    named: dict[str, RewardRule] = {}
    for person in sorted(persons):
        for rule in given if given is not None else persons[person].rules:
            if named.setdefault(rule.name, rule) != rule:
                raise Malformed(f"two rewards are called {rule.name!r}", hint="pass rules= to say which one counts")
    lines: list[RewardLine] = []
    circles = _circles(persons)
    for rule in named.values():
        owns = {name for name, one in persons.items() if given is not None or rule in one.rules}
        lines += _lines_of(rule, {name: persons[name] for name in owns}, circles)
    lines.sort(key=lambda line: (line.at is None, line.at or EARLIEST, line.referrer, line.person, line.rule))
    return RewardLedger(tuple(lines), _owed(lines))


class _Person(NamedTuple):
    """What a person's facts say about referral and payment.

    Attributes:
        referrer: Who referred the person.
        paid: When the first payment was made.
        back: When it had been given back in full.
        rules: The reward rules of its playbooks.
    """

    referrer: str | None
    paid: datetime | None
    back: datetime | None
    rules: tuple[RewardRule, ...]

    @classmethod
    def of(cls, journeys: list[Journey], until: datetime | None) -> _Person:
        facts = sorted(
            (
                fact
                for journey in journeys
                for fact in journey.standing
                if isinstance(fact, Sold | Refunded) and (until is None or fact.at <= until)
            ),
            key=lambda fact: (fact.at, fact.recorded_at, fact.pipeline, fact.seq),
        )
        known = [(journey.facts[0].at, journey) for journey in journeys if journey.facts]
        starts = sorted((at, journey.pipeline, journey.lead.referred_by or "") for at, journey in known)
        referrer = next((name for _, _, name in starts if name), None)
        rules = tuple(dict.fromkeys(rule for journey in journeys for rule in journey.playbook.rewards))
        first = next((fact for fact in facts if isinstance(fact, Sold) and _is_paid(fact)), None)
        return cls(referrer, None if first is None else first.at, _given_back(first, facts), rules)


def _is_paid(sale: Sold) -> bool:
    return sale.amount is None or sale.amount.amount > 0


def _given_back(first: Sold | None, facts: Sequence[Fact]) -> datetime | None:
    """Return when a payment had been given back in full; None where it was not."""
    if first is None:
        return None
    back = Decimal(0)
    for fact in facts:
        # A key belongs to one journey, so a refund in another pipeline is that of another sale.
        if not isinstance(fact, Refunded) or fact.pipeline != first.pipeline:
            continue
        if fact.sale not in (None, first.id, first.key):
            continue
        if first.amount is None:
            return fact.at  # how much was paid is not known, so any refund counts as all of it
        if fact.amount.currency != first.amount.currency:
            raise CurrencyMismatch(
                f"a payment in {first.amount.currency} was refunded in {fact.amount.currency}",
                hint="record the refund in the currency of its sale",
            )
        back += fact.amount.amount
        if back >= first.amount.amount:
            return fact.at
    return None


def _lines_of(rule: RewardRule, owning: dict[str, _Person], circles: Mapping[str, tuple[str, ...]]) -> list[RewardLine]:
    """Return the lines of one rule, for the persons whom it is for."""
    nothing = Money(amount=Decimal(0), currency=rule.amount.currency)
    lines: list[RewardLine] = []
    events: list[_Event] = []
    for name in sorted(owning):
        person = owning[name]
        if person.referrer is None:
            continue
        if name in circles:
            words = f"a circle of referrals: {' > '.join(circles[name])}"
            lines.append(RewardLine(rule.name, person.referrer, name, None, RewardStatus.CIRCLE, nothing, words))
        elif person.paid is None:
            words = "has not paid yet"
            lines.append(RewardLine(rule.name, person.referrer, name, None, RewardStatus.WAITING, nothing, words))
        else:
            events.append(_Event(person.paid, 0, name, back=False))
            if person.back is not None and rule.clawback:
                # A refund may be dated before the payment that it gives back.
                events.append(_Event(max(person.back, person.paid), 1, name, back=True))
    standing: dict[str, int] = {}
    earned: set[str] = set()
    for event in sorted(events):
        referrer = owning[event.person].referrer or ""
        number = standing.get(referrer, 0)
        if event.back:
            if event.person in earned:
                standing[referrer] = number - 1
                back = Money(amount=-rule.amount.amount, currency=rule.amount.currency)
                why = "the first payment was refunded in full"
                status = RewardStatus.TAKEN_BACK
                lines.append(RewardLine(rule.name, referrer, event.person, event.at, status, back, why))
        elif rule.most_rewards is not None and number >= rule.most_rewards:
            why = f"{referrer} has earned {number} already, the most there are"
            lines.append(RewardLine(rule.name, referrer, event.person, None, RewardStatus.CAPPED, nothing, why))
        else:
            standing[referrer] = number + 1
            earned.add(event.person)
            why = "has paid for the first time"
            lines.append(RewardLine(rule.name, referrer, event.person, event.at, RewardStatus.EARNED, rule.amount, why))
    return lines


def _circles(persons: Mapping[str, _Person]) -> dict[str, tuple[str, ...]]:
    """Return the circle of referrals of each person who is part of one."""
    circles: dict[str, tuple[str, ...]] = {}
    seen: set[str] = set()
    for start in persons:
        path: dict[str, None] = {}
        here: str | None = start
        while here is not None and here in persons and here not in seen and here not in path:
            path[here] = None
            here = persons[here].referrer
        if here is not None and here in path:  # the path has come back to itself
            members = list(path)[list(path).index(here) :]
            for place, name in enumerate(members):
                circles[name] = (*members[place:], *members[:place], name)
        seen.update(path)
    return circles


def _owed(lines: list[RewardLine]) -> dict[str, tuple[Money, ...]]:
    sums: dict[str, dict[str, Decimal]] = {}
    for line in lines:
        if line.at is not None:
            own = sums.setdefault(line.referrer, {})
            own[line.amount.currency] = own.get(line.amount.currency, Decimal(0)) + line.amount.amount
    return {
        name: tuple(Money(amount=amount, currency=currency) for currency, amount in sorted(own.items()))
        for name, own in sorted(sums.items())
    }
