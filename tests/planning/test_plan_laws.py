"""Laws of the planner, over random playbooks, leads and histories."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from leadlife import Journey
from leadlife.errors import NeedsWholeLog
from leadlife.facts import TouchSent
from leadlife.planning import Why, confirm, plan
from leadlife.timing import due, local_day, zone_named
from planning.worlds import CHANNELS, HOUR, T0, happenings, leads, playbooks

ANSWERS = ("defer", "skip", "exit")
books = playbooks(answers=ANSWERS)


def names(touches):
    return [(one.programme, one.touch, one.at) for one in touches]


@given(st.data())
def test_a_plan_is_pure_and_the_order_of_what_is_declared_and_recorded_is_irrelevant(data):
    playbook = data.draw(books)
    journey = data.draw(leads(playbook))
    at = journey.at + data.draw(st.integers(0, 300)) * HOUR
    found = plan(journey, at=at)
    assert plan(journey, at=at) == found
    turned = playbook.replace(programmes=tuple(reversed(playbook.programmes)))
    assert plan(journey.under(turned), at=at).touches == found.touches
    shuffled = data.draw(st.permutations(journey.facts))
    assert plan(Journey.replay(shuffled, playbook), at=at) == found
    assert plan(Journey.resume(journey.snapshot(), journey.facts, playbook), at=at) == found
    with suppress(
        NeedsWholeLog
    ):  # a condition of a touch that was due before later facts is evaluated by the whole log
        assert plan(Journey.resume_tail(journey.snapshot(tail=True), (), playbook), at=at) == found


@given(st.data())
def test_a_lead_without_a_touch_has_a_reason(data):
    journey = data.draw(leads(data.draw(books)))
    found = plan(journey, at=journey.at)
    assert found.touches or found.silences
    asked = {one.programme for one in (*found.touches, *found.silences)}
    assert set(journey.enrolments) <= asked | {one.programme for one in found.passed_over}
    for silence in found.silences:
        assert str(silence)
    assert str(found)


def breaks_a_cap(playbook, sent, zone, readiness=None):
    """Say anew whether what was sent breaks a cap or the gap: count in every period that begins with a touch."""
    rules = playbook.contact_rules
    if rules is None:
        return None
    if rules.minimum_gap is not None:
        for one, other in pairwise(sorted(at for at, _ in sent)):
            if due(one, rules.minimum_gap, zone) > other:
                return "gap"
    for cap in rules.caps:
        times = sorted(at for at, channel in sent if cap.channel in (None, channel))
        for begin in times:
            if cap.per in ("day", "week"):
                first = local_day(begin, zone)
                first -= timedelta(days=first.weekday() if cap.per == "week" else 0)
                last = first + timedelta(days=6 if cap.per == "week" else 0)
                number = sum(first <= local_day(one, zone) <= last for one in times)
            else:
                number = sum(begin <= one < due(begin, cap.per, zone) for one in times)
            if number > cap.at_most:
                return cap
    return None


def zone_of(journey):
    try:
        return zone_named(journey.fields.get("tz") or "")
    except ValueError:
        return journey.playbook.zone_info


def marketing(journey):
    return [(fact.at, fact.channel) for fact in journey.facts if isinstance(fact, TouchSent) and not fact.operational]


@settings(max_examples=150)
@given(st.data())
def test_caps_hold_for_any_history_and_whatever_is_planned(data):
    playbook = data.draw(books)
    journey = data.draw(leads(playbook))
    zone, at = zone_of(journey), journey.at
    for hours in data.draw(st.lists(st.integers(0, 60), max_size=12)):
        at += hours * HOUR
        if data.draw(st.integers(0, 5)) == 0:
            journey = journey.record(data.draw(happenings(at)))
        found = plan(journey, at=at)
        planned = [(one.at, one.channel) for one in found.touches if not one.operational]
        assert breaks_a_cap(playbook, [*marketing(journey), *planned], zone) is None
        for touch in found.due:
            if confirm(touch, journey, at=at):
                failing = data.draw(st.integers(0, 4)) == 0
                journey = journey.record(touch.failed(at=at) if failing else touch.sent(at=at))
    assert breaks_a_cap(playbook, marketing(journey), zone) is None


@given(st.data())
def test_after_the_first_touch_was_sent_at_its_time_the_plan_is_the_tail_of_the_old_one(data):
    journey = data.draw(leads(data.draw(books)))
    before = plan(journey, at=journey.at, limit=6).touches
    if before:
        first = before[0]
        after = plan(journey.record(first.sent(at=first.at)), at=first.at, limit=6).touches
        # What time alone changes of the programmes is not foreseen, so only touches of the same enrolments compare.
        known = {(one.programme, one.enrolled) for one in before}
        if known == {(one.programme, one.enrolled) for one in after} | {(first.programme, first.enrolled)}:
            assert names(after)[: len(before) - 1] == names(before)[1:]


@given(st.data())
def test_asking_again_before_anything_is_due_changes_nothing(data):
    journey = data.draw(leads(data.draw(books)))
    first = plan(journey, at=journey.at)
    last = min((touch.at for touch in first.touches), default=journey.at)
    late = data.draw(st.datetimes(journey.at.replace(tzinfo=None), last.replace(tzinfo=None))).replace(tzinfo=UTC)
    ends = [one.expires for one in journey.enrolments.values() if one.expires is not None]
    if first.touches and journey.tick(late).enrolments == journey.enrolments and late not in ends:
        assert names(plan(journey, at=late).touches) == names(first.touches)


@given(st.data())
def test_a_later_question_never_yields_an_earlier_touch(data):
    """A touch that has ceased to be of use meanwhile presses nobody, so then others may come earlier."""
    playbook = data.draw(books)
    playbook = playbook.replace(programmes=playbook.programmes[:1])
    journey = data.draw(leads(playbook))
    early = journey.at + data.draw(st.integers(0, 100)) * HOUR
    late = early + data.draw(st.integers(0, 100)) * HOUR
    first, second = plan(journey, at=early), plan(journey, at=late)
    one = {(touch.touch, touch.enrolled): touch.at for touch in first.touches}
    too_late = [one for one in second.passed_over if one.why is Why.TOO_LATE and one not in first.passed_over]
    for touch in second.touches:
        assert touch.at >= late
        assert too_late or touch.at >= one.get((touch.touch, touch.enrolled), T0)


@given(st.data())
def test_leaving_and_withdrawing_consent_dominate(data):
    journey = data.draw(leads(data.draw(books)))
    at = journey.at + data.draw(st.integers(0, 100)) * HOUR
    ticked = journey.tick(at)
    for touch in plan(journey, at=at, limit=30).touches:
        assert touch.programme in ticked.enrolments
        purpose = CHANNELS[touch.channel].purpose
        if purpose is not None:
            consent = journey.lead.consents
            assert any(one.purpose == purpose and one.granted for one in consent) or (
                touch.operational and not any(one.purpose == purpose for one in consent)
            )


@given(st.data())
def test_a_programme_of_lower_priority_moves_no_touch_of_a_higher_one(data):
    playbook = data.draw(books)
    journey = data.draw(leads(playbook))
    at = journey.at
    whole = plan(journey, at=at, limit=50)
    top = max(one.priority for one in playbook.programmes)
    # The content of the programmes below is theirs alone here, as far as they are not sent before.
    only = playbook.replace(programmes=[one for one in playbook.programmes if one.priority == top])
    alone = plan(journey.under(only), at=at, limit=50)
    kept = {one.name for one in only.programmes}
    assert names(alone.touches) == [one for one in names(whole.touches) if one[0] in kept]


@given(st.data())
def test_a_touch_is_confirmed_when_it_is_due_and_void_once_it_was_sent(data):
    journey = data.draw(leads(data.draw(books)))
    found = plan(journey, at=journey.at)
    for touch in found.due[:1]:
        assert confirm(touch, journey, at=found.at)
        after = journey.record(touch.sent(at=found.at))
        assert not confirm(touch, after, at=found.at)
        assert after.record(touch.sent(at=found.at + HOUR)).version == after.version
    for touch in found.touches[len(found.due) :]:
        answer = confirm(touch, journey, at=found.at)
        assert not answer
        assert answer.reason


class Judge:
    """Who takes part in what, evaluated anew by every criterion at one instant after another."""

    def __init__(self, playbook):
        self.playbook = playbook
        self.held, self.ended, self.cycle, self.entered = {}, {}, {}, []

    def judge(self, now, at):
        for programme in self.playbook.programmes:
            leaves = [one for one in (programme.goal, programme.exit) if one is not None]
            leave = any(now.verdict(one, at=at).value is True for one in leaves)
            enter = now.verdict(programme.audience, at=at).value is True
            name = programme.name
            if name in self.held and (self.is_over(programme, at) or leave or (not leaves and not enter)):
                del self.held[name]
                self.ended[name] = at
            if name not in self.held and enter and not leave and self.may_enter(programme, now, at):
                self.held[name], self.cycle[name] = at, len(now.cycles)
                self.entered.append((name, at))

    def is_over(self, programme, at):
        lasts = programme.lasts
        return lasts is not None and due(self.held[programme.name], lasts, self.playbook.zone_info) <= at

    def may_enter(self, programme, now, at):
        name, again = programme.name, programme.reentry
        if name not in self.cycle:
            return True
        if isinstance(again, str):
            return again == "per_cycle" and len(now.cycles) > self.cycle[name]
        return due(self.ended[name], again, self.playbook.zone_info) <= at


@given(st.data())
def test_taking_part_equals_a_full_evaluation_after_every_fact(data):
    """Walk through all facts, and all instants at which time changes something."""
    playbook = data.draw(playbooks())
    journey = data.draw(leads(playbook))
    facts, oracle = list(journey.facts), Judge(playbook)
    end = facts[-1].at + timedelta(days=40)
    for place, (fact, until) in enumerate(zip(facts, [*(one.at for one in facts[1:]), end], strict=True)):
        here = Journey.replay(facts[: place + 1], playbook)
        if here.stage is None:
            continue
        oracle.judge(here, fact.at)
        while here.wake_at is not None and here.wake_at.at <= until:
            here = here.tick(here.wake_at.at)
            oracle.judge(here, here.at)
    final = journey.tick(end)
    assert {one.programme: one.since for one in final.enrolments.values()} == oracle.held
    entered = [(one.programme, one.at) for one in final.derived if one.type == "programme_entered"]
    assert sorted(entered) == sorted(oracle.entered)


def test_the_reasons_are_words():
    assert all(reason.value == str(reason) for reason in Why)
