"""Corners of engaging leads that no other test reaches, each with what it is for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from leadlife import Consent, EvidenceGiven, FieldRule, FieldSpec, Journey, Lead, PlaybookAdopted, Points
from leadlife.criteria import CustomGuard, ReturnsAre, count, evidence, field, first_seen, in_stage, role
from leadlife.errors import InvalidDefinition, Malformed
from leadlife.facts import TouchSent
from leadlife.journey.view import JourneyView
from leadlife.planning import Market, Member, RoutingRule, Team, Why, compare, confirm, plan, route, simulate
from leadlife.playbook import Playbook
from leadlife.playbook.contact_rules import Cap, Channel, ContactRules, Fatigue
from leadlife.playbook.handoff_rules import AnswerTime, HandoffRules
from leadlife.playbook.recycling_rules import RecyclingRule
from leadlife.presets import eight_stage, eight_stage_nurture
from leadlife.qualification.programmes import Programme, Touch
from leadlife.reports import agreement
from leadlife.timing import days
from leadlife.timing.waits import in_hours
from leadlife.timing.windows import SendWindow

T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def programme(*touches, **more):
    return Programme(**{"name": "w", "audience": in_stage("name"), "touches": touches, **more})


def mail(name, **more):
    return Touch(name=name, channel="email", **more)


def book(*programmes, **more):
    return eight_stage().replace(**{"channels": {"email": Channel()}, "programmes": programmes, **more})


def started(playbook, **more):
    return Journey.start(Lead(id="ann", identified=True, **more), playbook, at=T0, stage="name")


def test_a_programme_without_an_end_ends_with_its_audience_and_says_so():
    journey = started(book(programme(mail("one"), audience=~evidence("fit") & in_stage("name"))))
    assert not journey.enrolments  # whether it fits is unknown
    journey = journey.record(EvidenceGiven(name="fit", value=False, at=T0))
    assert set(journey.enrolments) == {"w"}
    journey = journey.record(EvidenceGiven(name="fit", value=True, at=T0 + DAY))
    assert "left the programme w, because this is no longer true: not (evidence of fit)" in str(journey.explain())


def test_a_score_that_starts_afresh_counts_first_and_sums_afresh():
    early = Points(name="early", rules=(FieldRule(name="x", when=first_seen("call").within(days(30)), points=5),))
    often = Points(name="often", rules=(FieldRule(name="x", when=count("call", long=True) >= 2, points=5),))
    rule = RecyclingRule(reasons=["pricing"], scores="afresh", cool_down=days(1))
    playbook = eight_stage().with_score(early, often).replace(recycling=[rule])
    from leadlife import ActivityRecorded
    from leadlife.facts import StageReached

    journey = started(playbook)
    for hours in (0, 1):
        long = ActivityRecorded(kind="call", attributes={"long": True}, at=T0 + timedelta(hours=hours))
        journey = journey.record(long)
    at = T0 + DAY
    for stage in ("engagement", "target", "lead"):
        journey = journey.record(StageReached(stage=stage, at=at))
    journey = journey.move("recycle", at=at, reason="pricing")
    assert [journey.score(name, at=at).value for name in ("early", "often")] == [0, 0]
    later = at + DAY
    journey = journey.record(ActivityRecorded(kind="call", at=later))
    assert [journey.score(name, at=later).value for name in ("early", "often")] == [5, 0]
    view = JourneyView(journey._data.shown, later)
    seen = [one._afresh(after).running("call", "n", lambda n, _: (n or 0) + 1) for one in (view,) for after in (0, 5)]
    assert seen[0] == 3
    assert seen[1] == sum(one.ordinal > 5 for one in view.activities("call"))


def test_a_touch_is_void_where_its_programme_sends_nothing_more():
    journey = started(book(programme(mail("one"))))
    touch = plan(journey, at=T0).due[0]
    gone = started(book(programme(mail("other"))))
    journey = Journey.replay(journey.facts, [journey.playbook, gone.playbook.replace(version="2")])
    journey = journey.record(touch.sent(at=T0))
    journey = journey.record(PlaybookAdopted(playbook=gone.playbook.replace(version="2").ref, at=T0))
    assert confirm(touch, journey, at=T0).reason == "the touch that was sent last is no longer in the programme ('one')"


def test_a_programme_that_ends_between_two_touches_sends_the_first_only():
    found = plan(started(book(programme(mail("one"), mail("two", wait="P5D"), lasts="P3D"))), at=T0)
    assert ([one.touch for one in found.touches], found.silences) == (["one"], ())


def test_only_what_caps_may_count_is_looked_at():
    caps = ContactRules(caps=[Cap(at_most=1, per="day")])
    journey = started(book(programme(mail("one", wait="P100D")), contact_rules=caps))
    journey = journey.record_all(TouchSent(channel="email", at=T0 + day * DAY) for day in range(90))
    assert [one.at for one in plan(journey, at=journey.at).touches] == [T0 + 100 * DAY]


def test_a_touch_that_would_fill_the_cap_of_a_later_turn_waits_for_it():
    """What is planned after a touch must not make a cap skip it that was open when it was planned."""
    cap = Cap(at_most=1, per="P3D", on_breach="skip")
    high = programme(mail("late", wait="P2D", window={"at": "12:00"}), name="high", priority=1)
    low = programme(mail("early"), name="low")
    journey = started(book(high, low, contact_rules=ContactRules(caps=[cap])))
    found = plan(journey, at=T0)
    after = plan(journey.record(found.touches[0].sent(at=found.touches[0].at)), at=found.touches[0].at)
    assert found.touches[0].programme == "high"
    assert {one.programme for one in found.touches} == {one.programme for one in after.touches} | {"high"}


def test_a_wait_in_business_hours_may_never_end():
    from leadlife.timing import BusinessHours

    hours = {"office": BusinessHours.weekdays("09:00-17:00", zone="UTC")}
    found = plan(
        started(book(programme(mail("one", wait=in_hours("PT800000H", "office"))), business_hours=hours)), at=T0
    )
    assert (found.silences[0].why, found.touches) == (Why.NO_TIME, ())


def test_a_tail_remembers_what_was_sent():
    journey = started(book(programme(mail("one"), mail("two", wait="P1D"))))
    journey = journey.record(plan(journey, at=T0).due[0].sent(at=T0))
    journey = journey.record(TouchSent(channel="email", message="news", at=T0))
    tail = Journey.resume_tail(journey.snapshot(tail=True), [], journey.playbook)
    assert plan(tail, at=T0) == plan(journey, at=T0)
    assert tail._data.shown.content() == journey._data.shown.content()


def test_time_alone_lets_a_lead_enter_again():
    journey = started(book(programme(mail("a"), lasts="P3D", reentry="PT30H")))
    assert not journey.tick(T0 + 4 * DAY).enrolments
    again = journey.tick(T0 + 5 * DAY).enrolments["w"]
    assert again.since == T0 + 3 * DAY + timedelta(hours=30)
    assert journey.tick(T0 + 4 * DAY).wake_at.at == again.since


def test_a_programme_lasts_from_when_it_was_entered():
    journey = started(book(programme(mail("a"), audience=evidence("fit"), lasts="P3D")))
    for day in (0, 2):
        journey = journey.record(EvidenceGiven(name="fit", at=T0 + day * DAY))
    assert journey.enrolments["w"].expires == T0 + 3 * DAY
    assert not journey.tick(T0 + 3 * DAY).enrolments


def test_a_cap_of_two_is_free_again_when_the_first_of_them_is_a_period_old():
    caps = ContactRules(caps=[Cap(at_most=2, per="P7D")])
    found = plan(started(book(programme(mail("a"), mail("b", wait="P2D"), mail("c")), contact_rules=caps)), at=T0)
    assert [one.at for one in found.touches] == [T0, T0 + 2 * DAY, T0 + 7 * DAY]


def test_operational_and_failed_touches_count_for_no_cap():
    caps = ContactRules(caps=[Cap(at_most=1, per="P7D")])
    journey = started(book(programme(mail("a", wait="P1D")), contact_rules=caps))
    journey = journey.record(TouchSent(channel="email", operational=True, at=T0))
    assert [one.at for one in plan(journey, at=T0).touches] == [T0 + DAY]


def test_a_touch_at_the_very_end_of_an_enrolment_is_not_sent():
    found = plan(started(book(programme(mail("a", wait="P3D"), lasts="P3D"))), at=T0)
    assert found.silences[0].why is Why.ENDS_FIRST


def test_a_touch_belongs_to_one_lead_and_its_failure_is_told():
    playbook = book(programme(mail("a"), mail("b")))
    ann = started(playbook)
    bob = Journey.start(Lead(id="bob", identified=True), playbook, at=T0, stage="name")
    touch, other = plan(ann, at=T0).due[0], plan(bob, at=T0).due[0]
    assert touch.key != other.key
    with pytest.raises(Malformed, match="another journey"):
        bob.record(touch.sent(at=T0))
    found = plan(ann.record(touch.failed(at=T0, reason="mailbox full")), at=T0)
    assert [(one.why, one.detail) for one in found.passed_over] == [(Why.FAILED, "attempt 1 of 1")]
    never = plan(ann.record(touch.failed(at=T0, permanent=True)), at=T0)
    assert never.passed_over[0].detail == "it would fail again"


def test_offers_that_nobody_answers_raise_an_warning():
    from leadlife.facts import HandoffOffered
    from leadlife.planning import handoffs

    playbook = eight_stage().replace(handoff=HandoffRules(answer=[AnswerTime(within="PT1H")], acceptance=(0.6, 0.9)))
    leads = [
        Journey.start(Lead(id=f"lead-{n}", identified=True), playbook, at=T0, stage="name").record(
            HandoffOffered(to="sam", at=T0)
        )
        for n in range(12)
    ]
    report = handoffs(leads, as_of=T0 + DAY)
    assert report.warning == "12 of the last 12 offers went back without an answer, and only 0 were accepted"
    assert handoffs(leads, as_of=T0).warning is None


def test_a_due_instant_that_a_cap_reads_is_kept_free():
    cap = Cap(at_most=1, per="PT4H", on_breach="skip")
    high = programme(mail("late", wait="PT1H", window={"at": "18:00"}), name="high", priority=1)
    low = programme(mail("early"), name="low")
    found = plan(started(book(high, low, contact_rules=ContactRules(caps=[cap]))), at=T0)
    assert [(one.programme, one.at.hour) for one in found.touches] == [("low", 10), ("high", 18)]
    after = plan(
        started(book(high, low, contact_rules=ContactRules(caps=[cap]))).record(
            found.touches[0].sent(at=found.touches[0].at)
        ),
        at=found.touches[0].at,
    )
    assert [one.programme for one in after.touches] == ["high"]


def test_a_touch_keeps_what_is_planned_after_it_within_what_the_lead_bears():
    rules = ContactRules(fatigue=Fatigue(half_life="PT240H", rest_at=1.9))
    high = programme(mail("late", wait="P1D"), name="high", priority=1)
    found = plan(started(book(high, programme(mail("early"), name="low"), contact_rules=rules)), at=T0)
    assert [one.programme for one in found.touches] == ["high", "low"]
    assert found.touches[1].deferrals[0].rule == "fatigue: the lead rests"


def test_a_wait_in_business_hours_proves_nothing_about_the_gap():
    from leadlife.checks import check
    from leadlife.timing import BusinessHours

    hours = {"office": BusinessHours.weekdays("09:00-17:00", zone="UTC")}
    touches = (mail("one"), mail("two", wait=in_hours("PT1H", "office"), within="PT1H"))
    playbook = book(
        programme(*touches, exit=in_stage("target")),
        business_hours=hours,
        contact_rules=ContactRules(minimum_gap="P9D"),
    )
    assert "touch_impossible" not in {finding.code for finding in check(playbook)}


def test_windows_near_the_end_of_the_calendar_are_open():
    from zoneinfo import ZoneInfo

    last = datetime(2261, 12, 30, 23, tzinfo=UTC)
    assert SendWindow(hours="00:00-24:00").is_open(last, ZoneInfo("UTC"))


def test_a_team_may_name_its_members():
    rules = [RoutingRule(name="r", members=["cy", "ann"])]
    team = Team(members=[Member(id="ann"), Member(id="bob"), Member(id="cy")], rules=rules)
    lead = started(eight_stage())
    made = route([lead] * 3, team, at=T0)
    assert [one.member for one in made.made] == ["ann", "cy", "ann"]
    assert str(made).count("\n") == 2


def test_sales_gives_some_leads_back_that_are_not_ready():
    hasty = Market(visits=(1, 1, 1), to_mid=1, to_late=1 / 3, patience=2, sales_calls_per_day=20)
    world = simulate(40, market=hasty, days=120, seed=2)
    after = [one.stage for journey in world.journeys for one in journey.visits if one.reason == "bad timing"]
    accepted = [
        journey for journey in world.journeys if {"sales_lead", "recycled"} <= {v.stage for v in journey.visits}
    ]
    assert after
    assert accepted


def test_a_rejection_without_an_offer_is_refused():
    from leadlife.facts import HandoffRejected

    lead = started(eight_stage()).record(HandoffRejected(reason="no budget", at=T0))
    assert lead.receipt.refusals[0].message == "no offer to hand the lead over is open"


def test_a_reward_that_a_cap_withheld_is_not_taken_back():
    from leadlife import Money, Sold
    from leadlife.facts import Refunded
    from leadlife.planning import rewards
    from leadlife.playbook.reward_rules import RewardRule

    rule = RewardRule(name="thanks", amount=Money.of(50, "EUR"), most_rewards=1)
    playbook, people = eight_stage().replace(rewards=[rule]), []
    for number, name in enumerate(("cy", "dee")):
        lead = Lead(id=name, identified=True, referred_by="bob")
        journey = Journey.start(lead, playbook, at=T0, stage="name")
        journey = journey.record(Sold(amount=Money.of(10, "EUR"), at=T0 + number * DAY))
        people.append(journey)
    people[1] = people[1].record(Refunded(amount=Money.of(10, "EUR"), at=T0 + 9 * DAY))
    assert [line.status.value for line in rewards(people).lines] == ["earned", "capped"]


def test_progress_is_told():
    days_seen, worlds_seen = [], []
    simulate(3, days=20, progress=lambda done, whole: days_seen.append((done, whole)))
    assert days_seen[-1] == (20, 20)
    compare(eight_stage(), eight_stage(), leads=2, worlds=2, days=5, progress=lambda *seen: worlds_seen.append(seen))
    assert worlds_seen == [(1, 2), (2, 2)]


def test_a_rule_about_leads_reads_no_role_and_no_unbound_code():
    with pytest.raises(InvalidDefinition, match="no actor evaluates it"):
        book(programme(mail("one"), exit=role("sales")), roles=("sales", "marketing"))
    with pytest.raises(InvalidDefinition, match="not bound to a function"):
        book(programme(mail("one"), exit=CustomGuard(name="x")))


def test_the_agreement_says_everything_that_is_declared():
    full = eight_stage_nurture()
    text = agreement(full)
    assert "scores start afresh" not in text
    touches = (
        mail("one", operational=True, attempts=3, within="P1D", window={"hours": "09:00-10:00"}),
        mail("two", wait="P1D", when=evidence("fit")),
    )
    plain = book(
        programme(*touches, goal=evidence("fit"), lasts="P9D", holdout=0.1, meaning="to greet"),
        contact_rules=ContactRules(),
        handoff=HandoffRules(answer=[AnswerTime(within="PT1H")], on_expiry="reoffer"),
        recycling=[
            RecyclingRule(reasons=["pricing"], scores="afresh"),
            RecyclingRule(reasons=["budget"], scores="halve"),
            RecyclingRule(reasons=["other"]),
        ],
    )
    words = agreement(plain)
    for said in (
        "to greet",
        "it lasts at most 9 days",
        "10% of the leads are held out",
        "of use for 1 day, operational, tried 3 times at most",
        "within 09:00-10:00",
        "if evidence of fit",
        "never sent again",
        "it is offered again; at most 3 offers",
        "scores start afresh",
        "scores from before count half",
        "for other: as for any reason",
    ):
        assert said in words, said
    assert "Handoff" not in agreement(eight_stage())
    assert "## Programme w\n\n- for leads" in agreement(book(programme(mail("one"))))
    assert "it goes back" in agreement(eight_stage().replace(handoff=HandoffRules()))
    closed = full.business_hours["office"].replace(holidays=["2026-12-25"])
    assert "closed on 2026-12-25" in agreement(full.replace(business_hours={"office": closed}))


def test_holdouts_touches_and_consents_are_read_from_a_file(tmp_path):
    from leadlife.io import load_playbook
    from leadlife.io.toml_comments import dump_toml

    path = tmp_path / "p.toml"
    path.write_text(dump_toml(eight_stage_nurture()))
    assert load_playbook(path) == eight_stage_nurture()
    assert isinstance(load_playbook(path), Playbook)


def test_returns_are_compared_with_whole_numbers():
    assert ReturnsAre(compare=">=", value=2).sentence() == "the number of returns since the last win is at least 2"
    lead = started(eight_stage(), consents=[Consent(purpose="x", granted=True)], fields={})
    assert lead.contact_state(at=T0).consent("y") is None
    fields = eight_stage().replace(fields={"n": FieldSpec(type="integer")})
    assert started(fields).verdict(field("n") >= 1, at=T0).value is None
    assert Why.CAP.value == "a cap was reached"
