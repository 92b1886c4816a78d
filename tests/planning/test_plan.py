"""The planner on single cases: what other systems get wrong, and every reason for a touch or for none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from leadlife import Consent, ConsentChanged, EvidenceGiven, FieldSpec, Journey, Lead, PlaybookAdopted, days
from leadlife.criteria import CustomGuard, evidence, in_stage
from leadlife.errors import Malformed, UnknownName
from leadlife.facts import TouchFailed, TouchSent
from leadlife.journey.records import FactStatus
from leadlife.planning import Plan, Unplanned, Why, confirm, in_holdout, plan, plan_all
from leadlife.playbook.contact_rules import Cap, Channel, ContactRules, Fatigue
from leadlife.presets import eight_stage
from leadlife.qualification.programmes import Programme, Touch
from leadlife.timing import BusinessHours
from leadlife.timing.waits import in_hours

T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
BASE = eight_stage().replace(purposes={"mail": "newsletters"}).with_fields(tz=FieldSpec())
EMAIL = {"email": Channel(purpose="mail"), "phone": Channel(load=2)}


def touch(name, channel="email", **more):
    return Touch(name=name, channel=channel, **more)


def letters(*touches, name="letters", **more):
    more = {"audience": in_stage("name"), "exit": in_stage("target"), **more}
    return Programme(name=name, touches=touches or (touch("one"), touch("two", wait="P3D")), **more)


def book(*programmes, **rules):
    given = ContactRules(**{"zone_field": "tz", **rules}) if rules else None
    hours = {"office": BusinessHours.weekdays("09:00-17:00", zone="UTC")}
    return BASE.replace(
        channels=EMAIL, programmes=programmes or (letters(),), contact_rules=given, business_hours=hours
    )


def ann(playbook, *, consent=True, name="ann", **fields):
    consents = [] if consent is None else [Consent(purpose="mail", granted=consent)]
    lead = Lead(id=name, identified=True, fields=fields, consents=consents)
    return Journey.start(lead, playbook, at=T0, stage="name")


def times(found):
    return [one.at for one in found.touches]


def reasons(found):
    return [one.why for one in (*found.passed_over, *found.silences)]


# ---------------------------------------------------------------- what other systems get wrong


def test_a_weekday_is_evaluated_by_the_clock_of_the_lead():
    """Sunday evening in UTC is Monday morning in Tokyo."""
    weekdays = {"weekdays": ["monday", "tuesday", "wednesday", "thursday", "friday"]}
    playbook = book(letters(touch("one", wait="P6D", window=weekdays)), zone_field="tz")
    tokyo, berlin = ann(playbook, tz="Asia/Tokyo"), ann(playbook, tz="Europe/Berlin")
    sunday = datetime(2026, 3, 8, 16, tzinfo=UTC)
    assert times(plan(tokyo, at=sunday)) == [sunday]
    assert times(plan(berlin, at=sunday)) == [datetime(2026, 3, 8, 23, tzinfo=UTC)]


def test_new_york_keeps_its_hour_across_march():
    playbook = book(letters(touch("one", wait="P7D", window={"at": "10:00"})), zone_field="tz")
    [found] = plan(ann(playbook, tz="America/New_York"), at=T0).touches
    assert found.local.isoformat() == "2026-03-09T10:00:00-04:00"


def test_an_overnight_window_is_open_at_night():
    playbook = book(letters(touch("one", window={"hours": "22:00-06:00"})), zone_field="tz")
    lead = ann(playbook, tz="UTC")
    assert times(plan(lead, at=T0)) == [datetime(2026, 3, 2, 22, tzinfo=UTC)]
    assert times(plan(lead, at=datetime(2026, 3, 3, 3, tzinfo=UTC))) == [datetime(2026, 3, 3, 3, tzinfo=UTC)]


def test_entering_again_while_taking_part_leaves_one_schedule():
    playbook = book(letters(audience=evidence("fit"), exit=evidence("need"), reentry="PT1H"))
    journey = ann(playbook)
    for number in range(3):
        journey = journey.record(EvidenceGiven(name="fit", at=T0 + number * HOUR))
    assert len(journey.enrolments) == 1
    assert [one.touch for one in plan(journey, at=T0 + 2 * HOUR).touches] == ["one", "two"]


def test_one_bad_lead_does_not_stall_the_batch():
    def broken(view):
        if view.field("tz") is not None:
            raise RuntimeError("out of order")
        return True

    playbook = book(letters(touch("one", when=CustomGuard(name="broken", call=broken))), zone_field="tz")
    leads = [ann(playbook, name="ann"), ann(playbook, name="bob", tz="UTC"), ann(playbook, name="cy")]
    found = list(plan_all(leads, at=T0))
    assert [type(one) for one in found] == [Plan, Unplanned, Plan]
    assert (found[1].lead, found[1].error.code) == ("bob", "guard_error")


def test_a_suppressed_mail_is_not_sent_again_for_ever():
    journey = ann(book(letters(touch("one", attempts=3, retry_after="PT2H"), touch("two"))))
    first = plan(journey, at=T0).due[0]
    journey = journey.record(first.failed(at=T0))
    second = plan(journey, at=T0).touches[0]
    assert (second.touch, second.attempt, second.at) == ("one", 2, T0 + 2 * HOUR)
    assert "attempt 2" in second.why
    journey = journey.record(second.failed(at=second.at, reason="bounced", permanent=True))
    assert [one.touch for one in plan(journey, at=second.at).touches] == ["two"]
    once = ann(book()).record(plan(ann(book()), at=T0).due[0].failed(at=T0))
    assert [one.touch for one in plan(once, at=T0).touches] == ["two"]


# ---------------------------------------------------------------- consent


def test_without_consent_nothing_is_sent_and_a_withdrawal_is_told_from_silence():
    assert reasons(plan(ann(book(), consent=None), at=T0)) == [Why.NO_CONSENT, Why.NO_CONSENT, Why.ALL_SENT]
    assert reasons(plan(ann(book(), consent=False), at=T0))[0] is Why.UNSUBSCRIBED
    journey = ann(book())
    due = plan(journey, at=T0).due[0]
    after = journey.record(ConsentChanged(purpose="mail", granted=False, at=T0))
    assert confirm(due, after, at=T0).reason == "the lead withdrew its consent (mail)"
    phone = ann(book(letters(touch("call", "phone"))), consent=False)
    assert times(plan(phone, at=T0)) == [T0]


def test_operational_touches_are_held_back_by_a_withdrawal_only():
    programme = letters(touch("invoice", operational=True), touch("again", content="letters/invoice", operational=True))
    playbook = book(programme, quiet="00:00-23:00", caps=[Cap(at_most=1, per="P30D")], minimum_gap="P3D")
    assert times(plan(ann(playbook, consent=None), at=T0)) == [T0, T0]
    assert reasons(plan(ann(playbook, consent=False), at=T0))[0] is Why.UNSUBSCRIBED


# ---------------------------------------------------------------- conditions, content, caps


def test_a_condition_is_evaluated_when_it_is_due_whenever_somebody_asks():
    playbook = book(letters(touch("one", when=evidence("fit")), touch("two", wait="P1D")))
    late = ann(playbook).record(EvidenceGiven(name="fit", at=T0 + HOUR))
    found = plan(late, at=T0 + 2 * DAY)
    assert [one.touch for one in found.touches] == ["two"]
    assert (found.passed_over[0].why, found.passed_over[0].detail) == (Why.WHEN, "evidence of fit")
    assert plan(late, at=T0 + 2 * DAY).passed_over == plan(late, at=T0 + HOUR).passed_over
    early = ann(book(letters(touch("one", wait="PT2H", when=evidence("fit")))))
    early = early.record(EvidenceGiven(name="fit", at=T0 + HOUR))
    assert [one.touch for one in plan(early, at=T0 + 2 * DAY).touches] == ["one"]


def test_the_same_content_is_never_sent_twice_or_only_after_a_time():
    programmes = (letters(touch("x", content="guide"), touch("y", wait="P3D", content="guide")),)
    found = plan(ann(book(*programmes)), at=T0)
    assert (len(found.touches), reasons(found)) == (1, [Why.SENT_BEFORE])
    after = plan(ann(book(*programmes, repeat_after="P2D")), at=T0)
    assert len(after.touches) == 2
    outside = ann(book(*programmes)).record(TouchSent(channel="email", message="guide", at=T0))
    assert not plan(outside, at=T0).touches


@pytest.mark.parametrize(
    ("answer", "touches", "why"),
    [("defer", ["one", "two"], []), ("skip", ["one"], [Why.CAP]), ("exit", ["one"], [Why.CAP])],
)
def test_a_breach_is_answered_as_declared(answer, touches, why):
    cap = Cap(at_most=1, per="week", on_breach=answer)
    found = plan(ann(book(caps=[cap])), at=T0)
    assert ([one.touch for one in found.touches], reasons(found)) == (touches, why)
    if answer == "defer":
        assert found.touches[1].deferrals[0].rule == "at most 1 touch per week"
        assert "by at most 1 touch per week" in str(found)


def test_caps_may_differ_by_readiness_and_by_channel():
    early = Cap(at_most=1, per="P30D", readiness="early")
    late = Cap(at_most=1, per="P60D", readiness="late")
    assert times(plan(ann(book(caps=[early, late])), at=T0))[1] == T0 + 30 * DAY
    calls = Cap(at_most=1, per="P60D", channel="phone")
    assert times(plan(ann(book(caps=[calls])), at=T0))[1] == T0 + 3 * DAY
    assert str(early) == "at most 1 touch per 30 days while readiness is early"
    assert str(Cap(at_most=2, per="day", channel="email")) == "at most 2 email touches per day"


def test_a_touch_that_has_no_use_any_more_is_passed_over():
    playbook = book(letters(touch("one"), touch("two", wait="PT1H", within="PT2H"), touch("three")), minimum_gap="P1D")
    found = plan(ann(playbook), at=T0)
    assert [one.touch for one in found.touches] == ["one", "three"]
    assert reasons(found) == [Why.TOO_LATE]


def test_the_content_deadline_decides_between_programmes_of_one_priority():
    slow, fast = letters(touch("x"), name="a"), letters(touch("y", within="P1D"), name="b")
    found = plan(ann(book(slow, fast, minimum_gap="P2D")), at=T0)
    assert [(one.programme, one.at) for one in found.touches] == [("b", T0), ("a", T0 + 2 * DAY)]
    first = plan(ann(book(slow.replace(priority=1), fast, minimum_gap="P2D")), at=T0)
    assert ([one.programme for one in first.touches], reasons(first)) == (["a"], [Why.TOO_LATE, Why.ALL_SENT])


# ---------------------------------------------------------------- fatigue


def test_a_tired_lead_loses_priority_and_then_rests():
    fatigue = Fatigue(half_life="PT168H", rest_at=3, tired_at=1.5, lowers_by=5)
    programme = letters(*(touch(f"t{n}", wait=None if n == 0 else "PT1H") for n in range(4)), priority=7)
    found = plan(ann(book(programme, fatigue=fatigue)), at=T0)
    assert [one.priority for one in found.touches] == [7, 7, 2, 2]
    assert found.touches[2].at < found.touches[3].at
    assert found.touches[3].deferrals[0].rule == "fatigue: the lead rests"
    waiting = found.touches[3].at - found.touches[2].at
    assert DAY < waiting < 7 * DAY


def test_a_touch_that_is_as_heavy_as_the_lead_bears_waits_until_it_is_fresh():
    fatigue = Fatigue(half_life="PT1H", rest_at=2)
    programme = letters(touch("x", "phone"), touch("y", "phone"))
    found = plan(ann(book(programme, fatigue=fatigue)), at=T0)
    assert times(found) == [T0, T0 + 40 * HOUR]
    heavy = plan(ann(book(programme, fatigue=Fatigue(half_life="PT1H", rest_at=1))), at=T0)
    assert reasons(heavy) == [Why.NO_TIME]
    assert "more than the lead bears" in heavy.silences[0].detail


def test_what_is_planned_for_later_is_not_spoilt_by_fatigue():
    important = letters(touch("x", "phone", wait="PT3H"), name="important", priority=1)
    other = letters(touch("y", "phone"), name="other")
    found = plan(ann(book(important, other, fatigue=Fatigue(half_life="PT168H", rest_at=3))), at=T0)
    assert [(one.programme, one.at >= T0 + 3 * HOUR) for one in found.touches] == [("important", True), ("other", True)]


# ---------------------------------------------------------------- silence


def test_a_lead_that_is_sent_nothing_has_a_reason():
    nowhere = Journey("ann", book())
    assert reasons(plan(nowhere, at=T0)) == [Why.NOT_STARTED]
    assert reasons(plan(ann(book(letters(audience=in_stage("customer")))), at=T0)) == [Why.NO_PROGRAMME]
    held = ann(book(letters(holdout=0.999_999)))
    assert reasons(plan(held, at=T0)) == [Why.HOLDOUT]
    done = ann(book(letters(touch("one"))))
    done = done.record(plan(done, at=T0).due[0].sent(at=T0))
    assert reasons(plan(done, at=T0)) == [Why.ALL_SENT]
    never = book(letters(touch("one", window={"hours": "22:00-23:00"})), quiet="21:00-08:00")
    assert reasons(plan(ann(never), at=T0)) == [Why.NO_TIME]
    crowded = book(letters(touch("one"), touch("two")), caps=[Cap(at_most=1, per=days(500))])
    assert reasons(plan(ann(crowded), at=T0)) == [Why.NO_TIME]
    short = plan(ann(book(letters(touch("one", wait="P9D"), lasts="P3D"))), at=T0)
    assert (reasons(short), short.ask_again) == ([Why.ENDS_FIRST], T0 + 3 * DAY)
    assert "ask again 2026-03-05 09:00 UTC" in str(short)


def test_a_holdout_is_the_share_that_was_declared_and_the_same_for_all_who_ask():
    programme = letters(holdout=0.25)
    held = [number for number in range(4_000) if in_holdout(programme, f"lead-{number}")]
    assert 900 < len(held) < 1_100
    assert not in_holdout(letters(), "lead-1")


def test_an_unknown_zone_falls_back_and_is_flagged():
    for zone in ("Mars/Olympus", "", "  "):
        found = plan(ann(book(letters(), quiet="21:00-08:00"), tz=zone), at=T0).touches[0]
        assert (found.zone.key, found.zone_assumed) == ("UTC", True)
        assert "time zone is unknown, so UTC is taken" in found.why
    known = plan(ann(book(letters(), quiet="21:00-08:00"), tz=" Asia/Tokyo "), at=T0).touches[0]
    assert (known.zone.key, known.zone_assumed) == ("Asia/Tokyo", False)


# ---------------------------------------------------------------- a playbook that changes


def test_a_playbook_that_changes_goes_on_at_the_same_touch_or_says_that_it_cannot():
    before = book()
    journey = ann(before)
    journey = journey.record(plan(journey, at=T0).due[0].sent(at=T0))
    longer = before.replace(version="2", programmes=[letters(touch("zero"), touch("one"), touch("more", wait="P1D"))])
    other = before.replace(version="3", programmes=[letters(touch("two", wait="P3D"))])
    none = before.replace(version="4", programmes=[])
    moved = {}
    for playbook in (longer, other, none):
        adopted = Journey.replay(journey.facts, [before, playbook])
        moved[playbook.version] = adopted.record(PlaybookAdopted(playbook=playbook.ref, at=T0))
    assert [one.touch for one in plan(moved["2"], at=T0).touches] == ["more"]
    gone = plan(moved["3"], at=T0)
    assert (reasons(gone), gone.silences[0].detail) == ([Why.GONE], "'one'")
    assert not moved["4"].enrolments
    assert "left the programme letters: not declared any more" in str(moved["4"].explain())
    bare = before.replace(version="5", programmes=[])
    known = Journey.replay(moved["4"].facts, [before, none, bare])
    again = known.record(PlaybookAdopted(playbook=bare.ref, at=T0))  # it took part once, and is not told twice
    assert str(again.explain()).count("left the programme letters") == 1


# ---------------------------------------------------------------- sending


def test_a_confirmation_says_why_a_touch_is_void():
    journey = ann(book())
    first, second = plan(journey, at=T0).touches
    assert confirm(first, journey, at=T0)
    early = confirm(second, journey, at=T0)
    assert (early.ok, early.moved_to, early.reason) == (False, second.at, f"it is due {second.at.isoformat()}")
    sent = journey.record(first.sent(at=T0, by="sam"))
    assert sent.facts[-1].by.id == "sam"
    assert confirm(first, sent, at=T0).reason == "it was sent, or another touch has taken its place"
    left = journey.move("disqualify", at=T0, reason="duplicate")
    quits = ann(book(letters(exit=in_stage("disqualified"))))
    quits = quits.move("disqualify", at=T0, reason="duplicate")
    assert confirm(first, left, at=T0)  # this programme has no exit there
    assert confirm(first, quits, at=T0).reason == "the lead takes no part in letters any more"
    quiet = ann(book(quiet="08:00-21:00"))
    moved = confirm(first._replace(enrolled=T0), quiet, at=T0)
    assert "by quiet hours 08:00-21:00" in moved.reason
    with pytest.raises(Malformed, match="another journey"):
        confirm(first, ann(book(), name="bob"), at=T0)


def test_a_retry_of_a_sending_changes_nothing():
    journey = ann(book())
    first = plan(journey, at=T0).due[0]
    once = journey.record(first.sent(at=T0))
    assert once.record(first.sent(at=T0 + HOUR)).version == once.version


def test_a_wait_may_be_in_business_hours():
    programme = letters(touch("one"), touch("two", wait=in_hours("PT10H", "office")))
    assert times(plan(ann(book(programme)), at=T0))[1] == datetime(2026, 3, 3, 11, tzinfo=UTC)


def test_a_touch_before_the_lead_existed_is_refused_but_counts():
    early = Journey("ann", book()).record(TouchSent(channel="email", programme="letters", touch="one", at=T0))
    assert early.receipt.status is FactStatus.REFUSED
    assert early.receipt.refusals[0].code == "not_started"
    outside = Journey("ann", book()).record(TouchFailed(channel="email", at=T0))
    assert outside.receipt.status is FactStatus.STANDS


def test_bad_input_is_a_clear_error():
    journey = ann(book())
    with pytest.raises(UnknownName, match="channel 'fax'"):
        journey.record(TouchSent(channel="fax", at=T0))
    with pytest.raises(UnknownName, match="did you mean 'letters'"):
        journey.record(TouchSent(channel="email", programme="leters", touch="one", at=T0))
    with pytest.raises(Malformed, match="given together"):
        TouchSent(channel="email", programme="letters", at=T0)
    with pytest.raises(Malformed, match="1 or more"):
        plan(journey, at=T0, limit=0)
    with pytest.raises(Malformed, match="before the journey's present"):
        plan(journey, at=T0 - HOUR)
    with pytest.raises(Malformed, match="must be a Journey"):
        plan("ann", at=T0)
    with pytest.raises(Malformed, match="must be a PlannedTouch"):
        confirm("one", journey, at=T0)
    assert [one.at for one in plan_all([journey.tick(T0 + DAY)], at=T0)] == [T0 + DAY]


def test_the_plan_asks_again_when_a_planned_fact_or_a_timer_changes_something():
    playbook = book(letters(audience=in_stage("engagement")))
    journey = ann(playbook).record(ConsentChanged(purpose="mail", granted=False, at=T0 + 2 * DAY), now=T0, planned=True)
    assert plan(journey, at=T0).ask_again == T0 + 2 * DAY
    assert journey.contact_state(at=T0).consent("mail") is True
    assert journey.contact_state(at=T0 + 3 * DAY).consent("mail") is False
