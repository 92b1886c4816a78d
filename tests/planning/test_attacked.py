"""What an attack on planning found, each as the smallest case; none of it may come back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from leadlife import (
    ActivityRecorded,
    Actor,
    EvidenceGiven,
    FieldSpec,
    Journey,
    Lead,
    Malformed,
    Money,
    Moved,
    PlaybookAdopted,
    Retracted,
    Sold,
    Source,
)
from leadlife.criteria import CustomGuard, evidence, in_stage
from leadlife.errors import InvalidDefinition, LeadlifeError, NeedsWholeLog, UnknownName
from leadlife.facts import HandoffAccepted, HandoffOffered, HandoffPaused, OwnerAssigned, Refunded, TouchSent
from leadlife.io.fact_lines import read_facts
from leadlife.planning import (
    Market,
    Member,
    RoutingRule,
    RoutingState,
    Team,
    Unplanned,
    Why,
    assignment_loads,
    compare,
    confirm,
    day_of,
    handoffs,
    plan,
    plan_all,
    recycled,
    rewards,
    route,
    simulate,
)
from leadlife.playbook.contact_rules import Channel, ContactRules, Fatigue
from leadlife.playbook.handoff_rules import AnswerTime, HandoffRules
from leadlife.playbook.reward_rules import RewardRule
from leadlife.presets import eight_stage, eight_stage_nurture
from leadlife.qualification.programmes import Programme, Touch
from leadlife.timing import BusinessHours

T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def programme(*touches, name="w", **more):
    return Programme(name=name, audience=in_stage("name"), touches=touches, **more)


def book(*programmes, **more):
    return eight_stage().replace(channels={"email": Channel()}, programmes=programmes, **more)


def started(playbook, name="ann", **more):
    return Journey.start(Lead(id=name, identified=True, **more), playbook, at=T0, stage="name")


def mail(name, **more):
    return Touch(name=name, channel="email", **more)


def due(journey, at):
    return [one.touch for one in plan(journey, at=at).due]


# ---------------------------------------------------------------- nothing is sent again for ever


def test_a_touch_that_was_retracted_is_sent_once_more_and_then_is_sent():
    journey = started(book(programme(mail("one"))))
    journey = journey.record(plan(journey, at=T0).due[0].sent(at=T0))
    journey = journey.record(Retracted(target=journey.facts[-1].id, at=T0 + HOUR))
    again = plan(journey, at=T0 + 2 * HOUR).due[0]
    journey = journey.record(again.sent(at=T0 + 2 * HOUR))
    assert journey.receipt.new
    assert due(journey, T0 + 3 * HOUR) == []
    assert journey.record(again.sent(at=T0 + 4 * HOUR)).version == journey.version


def test_a_bounce_that_comes_late_changes_nothing_of_what_came_after():
    journey = started(book(programme(mail("one", operational=True), mail("two", operational=True, wait="P1D"))))
    first = plan(journey, at=T0).touches[0]
    journey = journey.record(first.sent(at=T0))
    journey = journey.record(plan(journey, at=T0 + DAY).due[0].sent(at=T0 + DAY))
    assert due(journey.record(first.failed(at=T0 + 2 * DAY)), T0 + 4 * DAY) == []


def test_a_touch_sent_by_a_clock_that_is_late_belongs_to_its_enrolment():
    journey = started(book(programme(mail("one", operational=True))))
    touch = plan(journey, at=T0).due[0]
    assert due(journey.record(touch.sent(at=T0 - timedelta(seconds=1))), T0 + DAY) == []


def test_names_that_look_alike_have_keys_and_content_of_their_own():
    for one, other in ((("a b", "x"), ("a_b", "x")), (("p/q", "r"), ("p", "q/r"))):
        journey = started(book(*(programme(mail(touch), name=name) for name, touch in (one, other))))
        found = plan(journey, at=T0).due
        assert len({touch.key for touch in found}) == len({touch.content for touch in found}) == 2
        for touch in found:
            journey = journey.record(touch.sent(at=T0))
        assert due(journey, T0 + DAY) == []


def test_a_message_that_came_back_after_it_was_sent_is_tried_again():
    journey = started(book(programme(mail("one", attempts=2))))
    first = plan(journey, at=T0).due[0]
    journey = journey.record(first.sent(at=T0)).record(first.failed(at=T0 + HOUR))
    assert due(journey, T0 + 2 * HOUR) == ["one"]
    second = plan(journey, at=T0 + 2 * HOUR).due[0]
    assert second.attempt == 2
    assert due(journey.record(second.failed(at=T0 + 2 * HOUR)), T0 + DAY) == []


def test_a_touch_is_of_use_from_its_first_turn_however_often_it_is_tried():
    journey = started(book(programme(mail("one", within="P1D", attempts=3, retry_after="P3D", operational=True))))
    journey = journey.record(plan(journey, at=T0).due[0].failed(at=T0 + HOUR))
    assert [one.why for one in plan(journey, at=T0 + 4 * DAY).passed_over] == [Why.TOO_LATE]


def test_fatigue_with_two_priorities_is_planned_in_a_moment():
    high = programme(*(mail(f"t{n}", wait="P2D") for n in range(2)), name="high", priority=5)
    rules = ContactRules(fatigue=Fatigue(half_life="PT2160H", rest_at=1.9))
    journey = started(book(high, programme(mail("low"), name="low"), contact_rules=rules))
    journey = journey.record(TouchSent(channel="email", at=T0))
    found = plan(journey, at=T0)  # it was looked for second by second
    assert found.touches or found.silences


def test_a_lead_rests_for_so_long_that_nothing_is_planned():
    rules = ContactRules(fatigue=Fatigue(half_life="PT500000H", rest_at=1.5))
    journey = started(book(programme(mail("one"), mail("two")), contact_rules=rules))
    found = plan(journey, at=T0)
    assert [one.touch for one in found.touches] == ["one"]
    assert found.silences[0].detail == "fatigue: the lead rests for more than 400 days"


# ---------------------------------------------------------------- plans


def test_a_plan_of_the_past_knows_nothing_of_what_was_planned_then():
    playbook = book(programme(mail("one", wait="P1D"), mail("two", wait="P1D")))
    touch = plan(started(playbook), at=T0 + DAY).due[0]
    past = started(playbook).record(touch.sent(at=T0 + DAY), now=T0).as_of(at=T0)
    assert plan(past, at=T0 + DAY).touches[0].touch == plan(past.tick(T0 + DAY), at=T0 + DAY).touches[0].touch == "one"


def test_a_tail_says_that_it_needs_the_whole_log():
    playbook = book(programme(mail("one", when=evidence("fit"))))
    journey = started(playbook).record(EvidenceGiven(name="fit", at=T0))
    journey = journey.record(EvidenceGiven(name="need", at=T0 + 3 * DAY))
    assert due(journey, T0 + 4 * DAY) == ["one"]
    with pytest.raises(NeedsWholeLog):
        plan(Journey.resume_tail(journey.snapshot(tail=True), [], playbook), at=T0 + 4 * DAY)


def test_a_day_shows_every_touch_and_a_lead_that_breaks_keeps_its_place():
    journey = started(book(programme(*(mail(f"t{n}") for n in range(14)))))
    assert len(day_of([journey], at=T0).touches) == 14
    last = plan(journey, at=T0, limit=14).due[-1]
    for touch in plan(journey, at=T0, limit=14).due[:-1]:
        journey = journey.record(touch.sent(at=T0))
    assert confirm(last, journey, at=T0)

    def broken(_view):
        raise RuntimeError("out of order")

    lead = started(book(programme(mail("one", when=CustomGuard(name="broken", call=broken)))))
    lead = lead.record(HandoffOffered(to="sam", at=T0, answer_within="PT1H"))
    day = day_of([lead], at=T0)
    assert ([one.lead for one in day.failed], [one.lead for one in day.deadlines]) == (["ann"], ["ann"])
    assert set(day.queues) == {"sam", None}


def test_the_end_of_the_calendar_is_no_error():
    found = plan(started(book(programme(*(mail(f"t{n}", wait="P100Y") for n in range(5))))), at=T0)
    assert ([one.touch for one in found.touches], found.silences[0].why) == (["t0", "t1"], Why.NO_TIME)
    far = plan(
        started(book(programme(mail("one", wait="PT876000H"), *(mail(f"t{n}", wait="P99Y") for n in range(3))))), at=T0
    )
    assert far.silences[0].why is Why.NO_TIME
    office = BusinessHours.weekdays("09:00-17:00", zone="UTC")
    rules = HandoffRules(answer=[AnswerTime(within="PT800000H", hours="office")])
    lead = started(eight_stage().replace(business_hours={"office": office}, handoff=rules))
    lead = lead.record(HandoffOffered(to="sam", at=T0))
    assert lead.handoff.deadline is None
    short = rules.replace(answer=[AnswerTime(within="PT8H", hours="office")])
    late = datetime(2261, 12, 30, 12, tzinfo=UTC)
    lead = started(eight_stage().replace(business_hours={"office": office}, handoff=short))
    lead = lead.record(HandoffOffered(to="sam", at=late), planned=True).tick(late)
    lead = lead.record(HandoffPaused(at=late), now=late).record(HandoffPaused(paused=False, at=late), now=late)
    assert lead.handoff.is_open


# ---------------------------------------------------------------- handoff


def test_times_to_the_answer_are_never_negative():
    leads = [
        started(eight_stage(), f"lead-{hours}")
        .record(HandoffOffered(to="sam", at=T0))
        .record(HandoffAccepted(at=T0 + hours * HOUR))
        for hours in (1, 49)
    ]
    assert handoffs(leads, as_of=T0 + 9 * DAY).response == (13 * HOUR, 25 * HOUR, 37 * HOUR)


def test_a_renewed_offer_keeps_the_time_that_its_fact_gives():
    rules = HandoffRules(on_expiry="reoffer", most_offers=3)
    lead = started(eight_stage().replace(handoff=rules)).record(HandoffOffered(to="sam", at=T0, answer_within="PT1H"))
    assert lead.tick(T0 + timedelta(minutes=90)).handoff.deadline == T0 + 2 * HOUR
    assert (lead.tick(T0 + DAY).handoff.status, lead.tick(T0 + DAY).handoff.number) == ("expired", 3)


def test_whoever_accepts_for_a_team_owns_the_lead():
    lead = started(eight_stage()).record(HandoffOffered(to="sales", at=T0))
    assert lead.record(HandoffAccepted(at=T0, by="tom")).owner == "tom"
    assert lead.record(HandoffAccepted(at=T0)).owner == "sales"
    assert lead.record(HandoffAccepted(at=T0, by=Actor(id="crm", kind="importer"))).owner == "sales"


# ---------------------------------------------------------------- programmes that come and go


def test_a_programme_that_is_declared_again_knows_who_took_part():
    one = book(programme(mail("one")))
    none, again = one.replace(version="2", programmes=[]), one.replace(version="3")
    journey = Journey.replay(started(one).facts, [one, none, again])
    for playbook in (none, again):
        journey = journey.record(PlaybookAdopted(playbook=playbook.ref, at=T0))
        journey = journey.record(EvidenceGiven(name="need", at=T0))
    assert not journey.enrolments


def test_a_programme_that_lapsed_does_not_name_its_audience_as_the_cause():
    lasting = started(book(programme(mail("one"), lasts="P3D", reentry="PT1H"))).tick(T0 + 4 * DAY)
    assert "left the programme w: lapsed (by timer; eight_stage 1)" in str(lasting.explain())


def test_what_comes_back_after_an_adoption_is_recorded_and_a_typo_is_not():
    before = book(programme(mail("one")))
    after = before.replace(version="2", channels={}, programmes=[])
    journey = Journey.replay(started(before).facts, [before, after])
    touch = plan(journey, at=T0).due[0]
    journey = journey.record(PlaybookAdopted(playbook=after.ref, at=T0 + HOUR))
    assert journey.record(touch.failed(at=T0 + 2 * HOUR)).receipt.status == "stands"
    with pytest.raises(UnknownName, match="did you mean 'one'"):
        started(before).record(TouchSent(channel="email", programme="w", touch="oen", at=T0))


# ---------------------------------------------------------------- routing


def test_odd_values_of_fields_lose_no_batch():
    playbook = eight_stage().replace(fields={"firm": FieldSpec(), "land": FieldSpec()})
    team = Team(members=[Member(id="ann", territories="de")], account_field="firm", territory_field="land")
    leads = [started(playbook, fields={"firm": value}) for value in ("Acme", "a\nb", "", "\t", "x" * 400)]
    made = route(leads, team, at=T0)
    assert len(made.made) == 5
    assert RoutingState.model_validate_json(made.state.model_dump_json()) == made.state
    blank = route([started(playbook, fields={"land": " "})], team, at=T0)
    assert blank.made[0].member == "ann"


def test_the_account_of_a_member_who_left_gets_one_new_owner():
    playbook = eight_stage().replace(fields={"firm": FieldSpec()})
    team = Team(members=[Member(id="bob"), Member(id="cy")], account_field="firm")
    state = RoutingState().by_hand("ann", account="Acme")
    made = route([started(playbook, fields={"firm": "Acme"})] * 4, team, state, at=T0)
    assert {one.member for one in made.made} == {"bob"}


def test_a_guard_that_breaks_selects_nothing_and_a_typo_is_an_error():
    def broken(_view):
        raise RuntimeError("out of order")

    rules = [RoutingRule(name="odd", when=CustomGuard(name="broken", call=broken)), RoutingRule(name="rest")]
    assert route([started(eight_stage())], Team(members=[Member(id="ann")], rules=rules), at=T0).made[0].rule == "rest"
    with pytest.raises(InvalidDefinition, match="field 'teritory' is not declared"):
        route([started(eight_stage())], Team(members=[Member(id="ann")], territory_field="teritory"), at=T0)


# ---------------------------------------------------------------- rewards


def rewarded(*facts, name="cy", pipeline="main"):
    playbook = eight_stage().replace(rewards=[RewardRule(name="thanks", amount=Money.of(50, "EUR"))])
    lead = Lead(id=name, identified=True, referred_by="bob")
    journey = Journey.start(lead, playbook, at=T0, stage="name", pipeline=pipeline)
    for fact in facts:
        journey = journey.record(fact)
    return journey


def sold(amount, day, key="S1"):
    return Sold(amount=Money.of(amount, "EUR"), at=T0 + day * DAY, key=key)


def back(amount, day, sale="S1"):
    return Refunded(amount=Money.of(amount, "EUR"), at=T0 + day * DAY, sale=sale)


def statuses(*journeys):
    return [line.status.value for line in rewards(journeys).lines]


def test_rewards_follow_payments_only_and_a_refund_may_be_dated_first():
    assert statuses(rewarded(sold(10, 1), back(10, 0))) == ["earned", "taken back"]
    assert statuses(rewarded(sold(0, 1))) == ["waiting"]
    other = rewarded(sold(10, 2), back(10, 3), pipeline="two")
    assert statuses(rewarded(sold(10, 1)), other) == ["earned"]
    assert statuses(Journey("dee", rewarded().playbook)) == []


def test_a_long_chain_of_referrals_is_no_circle():
    playbook = rewarded().playbook
    chain = [
        Journey.start(Lead(id=f"p{n}", identified=True, referred_by=f"p{n + 1}"), playbook, at=T0, stage="name")
        for n in range(300)
    ]
    assert {line.status.value for line in rewards(chain).lines} == {"waiting"}


# ---------------------------------------------------------------- files and arguments


def test_a_line_without_stamps_spoils_no_log(tmp_path):
    one = eight_stage()
    two = one.replace(version="2")
    journey = Journey.replay(started(one).facts, [one, two]).record(PlaybookAdopted(playbook=two.ref, at=T0 + HOUR))
    raw = {"type": "evidence", "name": "need", "at": (T0 + 3 * HOUR).isoformat(), "lead": "ann"}
    lines = [json.dumps(fact.dump()) for fact in journey.facts]
    path = tmp_path / "facts.jsonl"
    path.write_text("\n".join([json.dumps(raw), *reversed(lines)]))
    read = read_facts(path, [two, one])
    assert read.set_aside == ()
    assert (read.journeys[0].version, read.journeys[0].playbook.version) == (journey.version + 1, "2")


WRONG = [
    lambda: list(plan_all(5, at=T0)),
    lambda: plan_all([], at=T0, limit=0),
    lambda: day_of([1], at=T0),
    lambda: day_of([], at=T0, lasts=1),
    lambda: day_of([], at=T0, lasts=timedelta.max),
    lambda: day_of([], at=T0, lasts=-DAY),
    lambda: route([1], Team(members=[Member(id="a")]), at=T0),
    lambda: route([], "team", at=T0),
    lambda: route([], Team(members=[Member(id="a")]), {"a": 1}, at=T0),
    lambda: RoutingState().by_hand([]),
    lambda: RoutingState().closed("a", "1"),
    lambda: handoffs([1], as_of=T0),
    lambda: handoffs([], as_of=T0, band=(0.6,)),
    lambda: handoffs([], as_of=T0, band=("a", "b")),
    lambda: handoffs([], as_of=T0, band=(0.1, 0.5, 0.9)),
    lambda: handoffs([], as_of=T0, band=0.5),
    lambda: recycled([1], as_of=T0),
    lambda: rewards([1]),
    lambda: assignment_loads([1]),
    lambda: confirm(plan(started(book(programme(mail("x")))), at=T0).due[0], None, at=T0),
    lambda: simulate(5, days=10**9),
    lambda: simulate(5, market="x"),
    lambda: simulate(5, playbook="x"),
    lambda: simulate(5, seed="x"),
    lambda: compare("a", eight_stage()),
    lambda: Market(sales_calls_per_day=1e308),
    lambda: read_facts("x", None),
    lambda: read_facts(5, eight_stage()),
    lambda: simulate(5, playbook=eight_stage_nurture().replace(handoff=HandoffRules(reasons=["x"]))),
]


@pytest.mark.parametrize("call", WRONG)
def test_wrong_arguments_are_clear_errors(call):
    with pytest.raises(LeadlifeError):
        call()


def test_one_bad_item_stops_no_other_plan():
    journey = started(book(programme(mail("one"))))
    first, second = plan_all([1, journey], at=T0)
    assert isinstance(first, Unplanned)
    assert isinstance(first.error, Malformed)
    assert second.due


# ---------------------------------------------------------------- what was taken back may happen again


def test_a_failure_that_was_retracted_can_be_recorded_again():
    journey = started(book(programme(mail("one", operational=True, attempts=3))))
    journey = journey.record(plan(journey, at=T0).due[0].failed(at=T0))
    journey = journey.record(Retracted(target=journey.facts[-1].id, at=T0 + HOUR))
    again = plan(journey, at=T0 + 2 * HOUR).due[0]
    assert again.attempt == 1
    journey = journey.record(again.failed(at=T0 + 2 * HOUR))
    assert journey.receipt.new
    assert plan(journey, at=T0 + 3 * HOUR).due[0].attempt == 2


def test_an_offer_counts_for_the_source_of_the_cycle_in_which_it_was_made():
    sam = Actor(id="sam", roles=("sales", "marketing"))
    journey = started(eight_stage(), source=Source(channel="fair")).record_all(
        [
            ActivityRecorded(kind="form", at=T0),
            EvidenceGiven(name="fit", at=T0, by=sam),
            EvidenceGiven(name="mql", at=T0, by=sam),
            *(Moved(trigger=trigger, at=T0, by=sam) for trigger in ("engage", "fit", "qualify")),
            HandoffOffered(to="sam", at=T0, by=sam),
            HandoffAccepted(at=T0 + HOUR, by=sam),
            Moved(trigger="recycle", reason="bad timing", at=T0 + DAY, by=sam),
            ActivityRecorded(kind="form", at=T0 + 99 * DAY),
            Moved(trigger="return", at=T0 + 100 * DAY, by=sam, source=Source(channel="web")),
        ]
    )
    assert (journey.cycle.number, journey.cycle.source.channel) == (2, "web")
    report = handoffs([journey], as_of=T0 + 101 * DAY)
    assert [row.key for row in report.by_source] == ["fair"]


def test_a_day_of_the_past_is_shown_as_it_was_and_not_as_it_is():
    journey = started(book(programme(mail("one"))))
    journey = journey.record(plan(journey, at=T0).due[0].sent(at=T0)).record(
        OwnerAssigned(owner="sam", at=T0 + 9 * DAY)
    )
    past = day_of([journey], at=T0 - HOUR)
    assert (past.touches, past.queues, past.failed) == ((), {}, ())
    morning = day_of([journey], at=T0 + HOUR)
    assert list(morning.queues) == [None]
    assert list(day_of([journey], at=T0 + 10 * DAY).queues) == ["sam"]


def test_what_was_sent_this_morning_is_not_in_the_work_of_the_day_again():
    journey = started(book(programme(mail("one"))))
    assert [touch.touch for touch in day_of([journey], at=T0).touches] == ["one"]
    journey = journey.record(plan(journey, at=T0).due[0].sent(at=T0 + HOUR))
    assert day_of([journey], at=T0).touches == ()
