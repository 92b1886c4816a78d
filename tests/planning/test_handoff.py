"""Handing a lead over: two owners while an offer is open, deadlines in business hours, expiry, escalation, figures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from leadlife import Actor, EvidenceGiven, Journey, Lead, LeadType, Source
from leadlife.criteria import CustomGuard, lead_type
from leadlife.errors import InvalidDefinition, Malformed
from leadlife.facts import (
    HandoffAccepted,
    HandoffOffered,
    HandoffPaused,
    HandoffRejected,
    OwnerAssigned,
)
from leadlife.journey.records import FactStatus
from leadlife.planning.handoff_report import handoffs
from leadlife.playbook.handoff_rules import AnswerTime, HandoffRules
from leadlife.presets import eight_stage
from leadlife.timing import BusinessHours

FRIDAY = datetime(2026, 3, 6, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
OFFICE = BusinessHours.weekdays("09:00-17:00", zone="UTC")
SALES = Actor(id="sam", roles=("sales",))


def book(**rules):
    answer = [
        AnswerTime(within="PT1H", hours="office", when=lead_type("referral")),
        AnswerTime(within="PT8H", hours="office"),
    ]
    return eight_stage().replace(business_hours={"office": OFFICE}, handoff=HandoffRules(answer=answer, **rules))


def started(playbook, name="ann", **source):
    lead = Lead(id=name, identified=True, source=Source(channel="web", **source))
    return Journey.start(lead, playbook, at=FRIDAY, stage="name")


def offered(playbook, **source):
    journey = started(playbook, **source).record(OwnerAssigned(owner="mary", at=FRIDAY))
    return journey.record(HandoffOffered(to="sam", at=FRIDAY, by="mary"))


def test_an_open_offer_has_two_owners_and_a_deadline_in_business_hours():
    journey = offered(book())
    assert (journey.owner, journey.handoff.to, journey.handoff.is_open) == ("mary", "sam", True)
    assert journey.handoff.deadline == datetime(2026, 3, 9, 15, tzinfo=UTC)
    assert journey.wake_at.at == journey.handoff.deadline
    assert "the answer of 'sam' comes due" in journey.wake_at.why
    referral = offered(book(), lead_type=LeadType.REFERRAL)
    assert referral.handoff.deadline == FRIDAY + HOUR


def test_an_accepted_lead_has_a_new_owner():
    journey = offered(book()).record(HandoffAccepted(at=FRIDAY + HOUR, by=SALES))
    assert (journey.owner, journey.handoff.status, journey.handoff.answered) == ("sam", "accepted", FRIDAY + HOUR)
    assert journey.tick(FRIDAY + 1_000 * HOUR).handoff.missed == 0


def test_a_rejected_lead_stays_with_its_owner_for_a_listed_reason():
    listed = book(reasons=["no budget"])
    journey = offered(listed).record(HandoffRejected(reason="no bugdet", at=FRIDAY))
    assert journey.receipt.status is FactStatus.REFUSED
    assert "did you mean 'no budget'" in journey.receipt.refusals[0].hint
    journey = journey.record(HandoffRejected(reason="no budget", at=FRIDAY + HOUR))
    assert (journey.owner, journey.handoff.status, journey.handoff.reason) == ("mary", "rejected", "no budget")


@pytest.mark.parametrize("fact", [HandoffAccepted, HandoffPaused])
def test_an_answer_without_an_offer_is_refused(fact):
    journey = started(book()).record(fact(at=FRIDAY))
    assert journey.receipt.refusals[0].message == "no offer to hand the lead over is open"
    assert journey.handoff is None
    assert (journey.owner, journey.handoffs) == (None, ())


def test_a_lead_that_is_closed_is_not_offered_and_one_that_is_closed_meanwhile_is_not_answered():
    closed = started(book()).move("disqualify", at=FRIDAY, reason="duplicate")
    refused = closed.record(HandoffOffered(to="sam", at=FRIDAY))
    assert "is closed, in 'disqualified'" in refused.receipt.refusals[0].message
    before = Journey("ann", book()).record(HandoffOffered(to="sam", at=FRIDAY))
    assert before.receipt.refusals[0].code == "not_started"
    void = offered(book()).move("disqualify", at=FRIDAY + HOUR, reason="duplicate")
    assert (void.handoff.status, void.tick(FRIDAY + 900 * HOUR).handoff.missed) == ("void", 0)


def test_an_offer_to_another_replaces_the_open_one():
    journey = offered(book()).record(HandoffOffered(to="sue", at=FRIDAY + HOUR, answer_within="PT2H"))
    assert [(one.to, one.status) for one in journey.handoffs] == [("sam", "void"), ("sue", "open")]
    assert journey.handoff.deadline == datetime(2026, 3, 9, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rules", "owners", "last"),
    [
        ({}, ["sam"], "expired"),
        ({"on_expiry": "reoffer", "most_offers": 2}, ["sam", "sam"], "expired"),
        ({"on_expiry": "escalate", "escalate_to": "boss"}, ["sam", "boss"], "expired"),
    ],
)
def test_an_offer_that_nobody_answers_expires_as_declared(rules, owners, last):
    journey = offered(book(**rules)).tick(FRIDAY + timedelta(days=30))
    expired = [one for one in journey.derived if one.type == "handoff_expired"]
    assert [one.to for one in expired] == owners
    assert next(one.at for one in expired) == datetime(2026, 3, 9, 15, tzinfo=UTC)
    assert (journey.handoff.status, journey.handoff.missed, journey.owner) == (last, len(owners), "mary")
    assert "sam did not answer in time" in str(journey.explain())
    again = Journey.replay(reversed(journey.facts), journey.playbook).tick(journey.at)
    assert again == journey
    assert Journey.resume(journey.snapshot(), journey.facts, journey.playbook).tick(journey.at) == journey
    assert (
        Journey.resume_tail(journey.snapshot(tail=True), [], journey.playbook).tick(journey.at).handoff == again.handoff
    )


def test_the_clock_stands_still_while_the_customer_is_to_answer():
    journey = offered(book()).record(HandoffPaused(at=FRIDAY + HOUR))
    assert (journey.handoff.deadline, journey.wake_at) == (None, None)
    monday = datetime(2026, 3, 9, 12, tzinfo=UTC)
    journey = journey.record(HandoffPaused(at=monday)).record(HandoffPaused(paused=False, at=monday))
    assert journey.handoff.deadline == datetime(2026, 3, 10, 11, tzinfo=UTC)  # seven hours of the office are left
    twice = journey.record(HandoffPaused(paused=False, at=monday))
    assert twice.receipt.status is FactStatus.REDUNDANT


def test_without_hours_or_rules_the_clock_runs_on():
    plain = eight_stage()
    journey = started(plain).record(HandoffOffered(to="sam", at=FRIDAY, answer_within="PT8H"))
    assert journey.handoff.deadline == FRIDAY + 8 * HOUR
    paused = journey.record(HandoffPaused(at=FRIDAY + HOUR)).record(HandoffPaused(paused=False, at=FRIDAY + 5 * HOUR))
    assert paused.handoff.deadline == FRIDAY + 12 * HOUR
    assert paused.tick(FRIDAY + 13 * HOUR).handoff.status == "expired"
    assert started(plain).record(HandoffOffered(to="sam", at=FRIDAY)).handoff.deadline is None


def broken(_view):
    raise RuntimeError("out of order")


def test_custom_code_that_breaks_selects_no_deadline():
    rules = HandoffRules(answer=[AnswerTime(within="PT1H", when=CustomGuard(name="broken", call=broken))])
    journey = started(eight_stage().replace(handoff=rules)).record(HandoffOffered(to="sam", at=FRIDAY))
    assert journey.handoff.deadline is None


def test_assigning_the_same_owner_again_says_nothing_new():
    journey = offered(book())
    assert journey.record(OwnerAssigned(owner="mary", at=FRIDAY)).receipt.status is FactStatus.REDUNDANT
    assert journey.record(OwnerAssigned(at=FRIDAY)).owner is None


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"on_expiry": "escalate"}, "escalate_to"),
        ({"escalate_to": "boss"}, "escalate_to"),
        ({"acceptance": (0.9, 0.6)}, "the smaller first"),
    ],
)
def test_rules_that_do_not_fit_are_an_error(rules, message):
    with pytest.raises(InvalidDefinition, match=message):
        HandoffRules(**rules)


def test_the_two_funnels_overlap_while_a_lead_is_handed_over():
    """Stages 5 and 6 belong to both teams: marketing owns the lead until sales has accepted it."""
    journey = started(book()).record(EvidenceGiven(name="mql", at=FRIDAY))
    journey = journey.record(OwnerAssigned(owner="marketing", at=FRIDAY))
    for fact in (EvidenceGiven(name="fit", at=FRIDAY),):
        journey = journey.record(fact)
    journey = journey.record(HandoffOffered(to="sales", at=FRIDAY))
    assert journey.handoff.holds == ("mql",)
    assert {journey.owner, journey.handoff.to} == {"marketing", "sales"}


def test_the_figures_tell_missed_once_from_past_due_now_and_who_disagrees():
    leads = []
    for number in range(24):
        at = FRIDAY + number * HOUR
        journey = started(book(on_expiry="reoffer", acceptance=(0.6, 0.9)), f"lead-{number}", campaign="spring")
        journey = journey.record(EvidenceGiven(name="mql", at=at)).record(HandoffOffered(to="sam", at=at))
        if number < 4:
            journey = journey.record(HandoffAccepted(at=at + HOUR))
        elif number < 16:
            journey = journey.record(HandoffRejected(reason="no budget" if number % 2 else "student", at=at + 2 * HOUR))
        leads.append(journey)
    report = handoffs(leads, as_of=datetime(2026, 3, 10, 16, 30, tzinfo=UTC))
    assert (report.offers, report.accepted, report.rejected, report.expired, report.void) == (24, 4, 12, 0, 0)
    assert (len(report.open), report.ever_missed, report.past_due_now) == (8, 8, 8)
    assert report.response == (timedelta(hours=1, minutes=45), 2 * HOUR, 2 * HOUR)
    assert report.acceptance.rate == 4 / 16
    assert report.by_rule[0][:3] == ("mql", 16, 4)
    assert report.by_rule[0].reasons == (("student", 6), ("no budget", 6))
    assert report.by_source[0].key == "web"
    assert report.warning.startswith("sales accepted 25% of the last 16 answered offers, less than the agreed 60%")
    assert "rule mql: 25% of 16 accepted; rejected for student 6, no budget 6" in str(report)
    later = handoffs(leads, as_of=FRIDAY + timedelta(days=90))
    assert (later.expired, later.past_due_now, later.ever_missed, later.recent.rate) == (8, 0, 8, None)
    assert handoffs(leads, as_of=FRIDAY + 30 * HOUR, band=(0.1, 0.2)).warning.endswith("hold good leads back")
    assert handoffs(leads, as_of=FRIDAY + 30 * HOUR, band=(0.1, 0.9)).warning is None
    nobody = handoffs([], as_of=FRIDAY)
    assert (nobody.acceptance.rate, nobody.response, str(nobody).count("\n")) == (None, None, 1)
    with pytest.raises(Malformed, match="the smaller first"):
        handoffs([], as_of=FRIDAY, band=(0.9, 0.1))
