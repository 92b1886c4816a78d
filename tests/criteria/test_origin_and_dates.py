"""Criteria about the source of a cycle, consent, dates against the present day, and fields of several values."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlife import (
    ActivityKind,
    ActivityRecorded,
    ConsentChanged,
    FieldChanged,
    FieldSpec,
    Journey,
    Lead,
    Lifecycle,
    Malformed,
    Playbook,
    Sold,
    Source,
    Stage,
    Transition,
    days,
    elapsed,
)
from leadlife.checks import check
from leadlife.checks.subjects import subject_of, words
from leadlife.checks.values import values_of
from leadlife.criteria import (
    ConsentIs,
    DateIs,
    FieldHas,
    campaign,
    channel,
    consent,
    count,
    evidence,
    field,
    identified,
    it,
    latest,
    lead_type,
    read_criterion,
    total,
)
from leadlife.criteria.dates import anniversary
from leadlife.errors import InvalidDefinition, UnknownName
from leadlife.facts import Started
from leadlife.leads import Consent
from leadlife.scoring import ActivityRule, Points
from leadlife.scoring.view import LeadView
from leadlife.timing import Calendar, day_start, local_day, months, zone_named

T = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
STAGES = (Stage(id="new"), Stage(id="warm"), Stage(id="won", status="won"), Stage(id="cold", status="recycled"))
FIELDS = {"renewal": FieldSpec(type="date"), "skills": FieldSpec(), "size": FieldSpec(type="integer")}
KINDS = {
    "form": ActivityKind(attributes={"seats": "integer", "How many employees?": "text", "Budget (EUR)": "number"}),
    "view": ActivityKind(),
}


def book(*moves, zone="Europe/Berlin", **more):
    return Playbook(
        id="p",
        zone=zone,
        purposes={"email": "", "phone": ""},
        lifecycle=Lifecycle(
            stages=STAGES,
            transitions=[
                *moves,
                Transition(trigger="win", sources=["new", "warm"], target="won", on="sold", kind="forward"),
                Transition(trigger="again", sources="won", target="new", kind="repeat"),
            ],
        ),
        fields=FIELDS,
        activity_kinds=KINDS,
        **more,
    )


EVERY = [
    channel("paid_search", "email"),
    lead_type("referral"),
    campaign("spring"),
    consent("email") == "granted",
    consent("email") != "granted",
    field("renewal").within(days(30)),
    field("renewal").past(),
    field("renewal").future(),
    field("renewal").anniversary(),
    field("skills").has("Java"),
    field("skills").has("C++", separator=" / "),
]


def test_sentences_and_json():
    assert [one.sentence() for one in EVERY] == [
        "channel is paid_search or email",
        "lead type is referral",
        "campaign is spring",
        "consent to email is granted",
        "consent to email is not granted",
        "renewal lies within the next 30 days",
        "renewal is in the past",
        "renewal is in the future",
        "renewal has its anniversary today",
        "skills has Java",
        "skills has C++",
    ]
    for one in EVERY:
        assert read_criterion(one.model_dump_json()) == one
        assert not book().faults_in(one)
    assert [next(one.inputs()) for one in EVERY[:6]] == [("cycle", "")] * 3 + [("consent", "email")] * 2 + [
        ("field", "renewal")
    ]


def test_the_source_is_that_of_the_running_cycle():
    ada = Journey.start("ada", book(), at=T, source=Source(channel="paid_search", campaign="spring"))
    asked = (channel("paid_search"), lead_type("interest"), campaign("spring", "autumn"), lead_type("referral"))
    assert [ada.verdict(one, at=T).value for one in asked] == [True, True, True, False]
    again = ada.record(Sold(at=T + DAY)).move("again", at=T + 2 * DAY, source=Source(channel="referral"))
    assert [again.verdict(one, at=T + 2 * DAY).value for one in asked] == [False, False, None, True]
    assert Journey.start("bo", book(), at=T).verdict(channel("email"), at=T).value is None
    assert "it is paid_search" in str(ada.verdict(channel("email"), at=T))


def test_an_entry_asks_about_the_source_that_the_start_brings():
    from leadlife.lifecycle import EntryStage

    plain = book()
    entries = [EntryStage(stage="warm", guard=lead_type("referral")), EntryStage(stage="new")]
    gated = plain.with_lifecycle(plain.lifecycle.replace(entries=entries))
    friend = Journey.start("ada", gated, at=T, source=Source(channel="referral"))
    assert (friend.stage, Journey.start("bo", gated, at=T).stage) == ("warm", "new")
    bare = Journey("cy", gated).record(Started(stage="warm", playbook=gated.ref, at=T, source=Source(channel="email")))
    assert bare.stage is None


def test_consent_is_granted_withdrawn_or_unknown():
    ada = Journey.start("ada", book(), at=T)
    asked = (consent("email") == "granted", consent("email") == "withdrawn", consent("email") != "granted")
    assert [ada.verdict(one, at=T).value for one in asked] == [None] * 3
    yes = ada.record(ConsentChanged(purpose="email", granted=True, at=T))
    assert [yes.verdict(one, at=T).value for one in asked] == [True, False, False]
    no = yes.record(ConsentChanged(purpose="email", granted=False, at=T + DAY))
    assert [no.verdict(one, at=T + DAY).value for one in asked] == [False, True, True]
    lead = Lead(id="a", consents=[Consent(purpose="email", granted=True)])
    assert asked[0].test(LeadView(lead, (), T)) is True
    assert asked[0].test(LeadView(Lead(id="a"), (), T)) is None
    with pytest.raises(InvalidDefinition, match="consent has no order"):
        ConsentIs(name="email", compare=">=", value="granted")


def test_a_move_waits_for_a_consent_that_is_granted_and_another_for_one_withdrawn():
    moves = [
        Transition(
            trigger="opt_in", sources="new", target="warm", on="consent_granted", guard=consent("email") == "granted"
        ),
        Transition(trigger="opt_out", sources=["new", "warm"], target="cold", on="consent_withdrawn", kind="recycle"),
    ]
    ada = Journey.start("ada", book(*moves), at=T)
    other = ada.record(ConsentChanged(purpose="phone", granted=True, at=T))
    assert (other.stage, other.receipt.status) == ("new", "refused")
    warm = ada.record(ConsentChanged(purpose="email", granted=True, at=T))
    assert warm.stage == "warm"
    assert warm.record(ConsentChanged(purpose="email", granted=False, at=T + DAY)).stage == "cold"
    both = book(moves[0], Transition(trigger="heard", sources="new", target="cold", on="consent"))
    assert Journey.start("ada", both, at=T).record(ConsentChanged(purpose="email", granted=True, at=T)).stage == "warm"
    assert Journey.start("ada", both, at=T).record(ConsentChanged(purpose="email", granted=False, at=T)).stage == "cold"


# Nothing stated of a lead is silently without effect.

IDENTIFY = Transition(trigger="identify", sources="new", target="warm", on="identified", guard=identified())


@pytest.mark.parametrize(
    ("move", "lead"),
    [
        (IDENTIFY, Lead(id="ada", identified=True)),
        (
            Transition(trigger="x", sources="new", target="warm", on="attribute", guard=field("size") >= 5),
            Lead(id="ada", fields={"skills": "a", "size": 9}),
        ),
        (
            Transition(trigger="x", sources="new", target="warm", on="consent_granted"),
            Lead(id="ada", consents=[Consent(purpose="email", granted=True)]),
        ),
    ],
)
def test_what_a_lead_states_at_the_start_fires_what_it_would_fire_later(move, lead):
    ada = Journey.start(lead, book(move), at=T, stage="new")
    assert ada.stage == "warm"
    assert Journey.replay(ada.facts, ada.playbook) == ada
    assert not ada.refused
    assert ada.log[-1].status == "stands"
    assert Journey.start("bo", book(move), at=T).stage == "new"


def test_evidence_given_at_the_start_fires_and_a_guard_that_is_not_met_refuses_nothing():
    known = book(
        Transition(trigger="x", sources="new", target="warm", on="evidence", guard=evidence("need")),
        evidence={"need": "", "fit": ""},
    )
    assert Journey.start("ada", known, at=T, evidence=["fit", "need"]).stage == "warm"
    ada = Journey.start("ada", known, at=T, evidence=["fit"])
    assert (ada.stage, ada.refused) == ("new", False)


def test_what_happened_before_the_start_fires_nothing():
    moves = Transition(trigger="seen", sources="new", target="warm", on="activity")
    ada = Journey("ada", book(moves)).record(ActivityRecorded(kind="view", at=T - DAY)).record(Sold(at=T - DAY))
    assert ada.record(Started(stage="new", playbook=book(moves).ref, at=T)).stage == "new"


# Dates.


def at_noon(day, zone):
    return day_start(day, zone_named(zone)) + 12 * timedelta(hours=1)


def asked_on(criterion, day, value, zone="Europe/Berlin"):
    lead = Lead(id="a", fields={} if value is None else {"renewal": value})
    view = LeadView(lead, (), at_noon(day, zone)).in_zone(zone)
    return criterion.test(view), criterion.changes_at(view)


@pytest.mark.parametrize(
    ("criterion", "day", "value", "answer"),
    [
        (field("renewal").past(), date(2026, 3, 2), "2026-03-01", True),
        (field("renewal").past(), date(2026, 3, 2), "2026-03-02", False),
        (field("renewal").future(), date(2026, 3, 2), "2026-03-02", False),
        (field("renewal").future(), date(2026, 3, 2), "2026-03-03", True),
        (field("renewal").within(days(30)), date(2026, 3, 2), "2026-03-02", True),
        (field("renewal").within(days(30)), date(2026, 3, 2), "2026-04-01", True),
        (field("renewal").within(days(30)), date(2026, 3, 2), "2026-04-02", False),
        (field("renewal").within(days(30)), date(2026, 3, 2), "2026-03-01", False),
        (field("renewal").within(timedelta(days=30)), date(2026, 3, 2), "2026-04-01", True),
        (field("renewal").within(months(1)), date(2026, 1, 31), "2026-02-28", True),
        (field("renewal").within(months(1)), date(2026, 1, 28), "2026-02-28", True),
        (field("renewal").within(months(1)), date(2026, 1, 27), "2026-02-28", False),
        (field("renewal").within(months(1)), date(2026, 2, 28), "2026-03-31", False),
        (field("renewal").within(months(1)), date(2026, 3, 1), "2026-03-31", True),
        (field("renewal").within(Calendar(months=1, days=1)), date(2026, 1, 28), "2026-03-01", True),
        (field("renewal").within(Calendar(months=1, days=1)), date(2026, 1, 27), "2026-03-01", False),
        (field("renewal").anniversary(), date(2026, 3, 2), "2020-03-02", True),
        (field("renewal").anniversary(), date(2026, 3, 2), "2026-03-02", False),
        (field("renewal").anniversary(), date(2026, 2, 28), "2024-02-29", True),
        (field("renewal").anniversary(), date(2028, 2, 28), "2024-02-29", False),
        (field("renewal").anniversary(), date(2028, 2, 29), "2024-02-29", True),
        (field("renewal").past(), date(2026, 3, 2), None, None),
        (field("renewal").past(), date(2026, 3, 2), "soon", None),
        (field("renewal").past(), date(2026, 3, 2), 5, None),
    ],
)
def test_a_date_lies_to_the_present_day(criterion, day, value, answer):
    assert asked_on(criterion, day, value)[0] is answer


@given(
    st.sampled_from([*EVERY[5:9], field("renewal").within(months(1)), field("renewal").within(months(13))]),
    st.dates(date(2023, 12, 1), date(2027, 3, 1)),
    st.integers(-800, 800),
    st.sampled_from(["Europe/Berlin", "America/Sao_Paulo", "UTC"]),
)
def test_an_answer_stays_until_it_says_that_it_changes(criterion, day, apart, zone):
    value = (day + apart * DAY).isoformat()
    answer, until = asked_on(criterion, day, value, zone)
    assert until is None or until > at_noon(day, zone)
    assert until is None or until == day_start(local_day(until, zone_named(zone)), zone_named(zone))
    last = day + 900 * DAY if until is None else local_day(until, zone_named(zone)) - DAY
    for later in {day + DAY, day + (last - day) // 2, last}:
        if day < later <= last:
            assert asked_on(criterion, later, value, zone)[0] is answer


def test_a_date_wakes_the_journey_on_the_day():
    move = Transition(
        trigger="remind", sources="new", target="warm", automatic=True, guard=field("renewal").within(days(30))
    )
    ada = Journey.start(Lead(id="ada", fields={"renewal": "2026-06-30"}), book(move), at=T, stage="new")
    assert ada.wake_at.at == day_start(date(2026, 5, 31), zone_named("Europe/Berlin"))
    assert ada.tick(ada.wake_at.at).stage == "warm"
    assert ada.tick(ada.wake_at.at - timedelta(microseconds=1)).stage == "new"


def test_dates_at_the_ends_of_the_calendar():
    for value in ("0001-01-01", "9999-12-31"):
        for criterion in (*EVERY[5:9], field("renewal").within(months(1_200))):
            assert asked_on(criterion, date(2026, 3, 2), value)[0] in (True, False)
    assert anniversary(date(2024, 2, 29), 2026) == date(2026, 2, 28)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda: DateIs(name="renewal", relation="within"), "only 'within' has a window, and it needs one"),
        (lambda: DateIs(name="renewal", relation="past", window=days(2)), "only 'within' has a window"),
        (lambda: field("renewal").within(elapsed(hours=5)), "by days or months, not by hours"),
        (lambda: FieldHas(name="skills", value=""), "value"),
        (lambda: ConsentIs(name="email", compare="==", value="maybe"), "value"),
    ],
)
def test_what_cannot_be_asked_is_refused(broken, message):
    with pytest.raises(InvalidDefinition, match=message):
        broken()


# Several values.


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        ("Java", True),
        ("JavaScript;SQL", False),
        ("SQL; java ", True),
        ("SQL, Java", True),
        ("SQL|Java", True),
        ("SQL\nJava", True),
        ("SQL Java", False),
        ("", False),
        (None, None),
        (5, None),
    ],
)
def test_a_field_of_several_values_has_whole_ones(value, answer):
    lead = Lead(id="a", fields={} if value is None else {"skills": value})
    assert field("skills").has("Java").test(LeadView(lead, (), T)) is answer


def test_one_view_per_page_counts_once():
    rule = ActivityRule(name="pages", kinds="view", points=5, once_per="page")
    policy = Points(name="p", rules=[rule])
    ada = Journey.start("ada", book().with_score(policy), at=T)
    for number, page in enumerate(["/a", "/b", "/a", 1, True, 1.0, None]):
        ada = ada.record(
            ActivityRecorded(kind="view", at=T + number * DAY, attributes={} if page is None else {"page": page})
        )
    score = ada.score("p", at=T + 9 * DAY)
    assert score.value == 25
    assert "once per page" in score.explain()
    capped = policy.replace(rules=[rule.replace(at_most=2)])
    assert ada.under(book().with_score(capped)).score("p", at=T + 9 * DAY).value == 10
    fading = policy.replace(rules=[rule.replace(half_life=elapsed(days=1))])
    under = ada.under(book().with_score(fading))
    full, summary = under.score("p", at=T + 2 * DAY), under.verdict(score_at_least(5), at=T + 2 * DAY)
    assert full.value == pytest.approx(5 + 2.5)
    assert summary.value is True


def score_at_least(points):
    from leadlife.criteria import score

    return score("p") >= points


# Typed attributes of activities.


@pytest.mark.parametrize(
    ("criterion", "message"),
    [
        (
            count("form", seats=it >= "50") >= 1,
            "attribute 'seats' of 'form' is an integer, and the value compared with it is not",
        ),
        (count("form", seat=5) >= 1, "activity 'form' has no attribute 'seat' .did you mean 'seats'"),
        (latest("form", "seats") == "5", "is an integer, and the value"),
        (latest("form", "seets").known(), "no attribute 'seets'"),
        (latest("form", "seats").contains("5"), "only text contains"),
        (total("How many employees?", "form") >= 5, "is text, and a sum needs numbers"),
        (total("budget", "form") >= 5, "no attribute 'budget'"),
    ],
)
def test_a_question_that_no_attribute_answers_is_told_when_declared(criterion, message):
    with pytest.raises(InvalidDefinition, match=message):
        book(Transition(trigger="x", sources="new", target="warm", guard=criterion))
    assert not book().faults_in(count("view", anything=5) >= 1)


def test_a_scoring_rule_is_checked_too():
    policy = Points(name="p", rules=[ActivityRule(name="r", kinds="form", points=1, where={"seats": "many"})])
    with pytest.raises(InvalidDefinition, match=r"scores.0.rules.0.where: attribute 'seats' of 'form' is an integer"):
        book().with_score(policy)


def test_an_activity_with_another_attribute_or_type_is_refused_by_name():
    ada = Journey.start("ada", book(), at=T)
    fine = {"seats": 5.0, "How many employees?": "10-50", "Budget (EUR)": 3}
    assert ada.record(ActivityRecorded(kind="form", at=T, attributes=fine)).log[-1].fact.attributes["seats"] == 5
    with pytest.raises(Malformed, match="attribute 'seats' of activity 'form' must be an integer"):
        ada.record(ActivityRecorded(kind="form", at=T, attributes={"seats": "five"}))
    with pytest.raises(Malformed, match="attribute 'seat' of activity 'form' is not declared .did you mean 'seats'"):
        ada.record(ActivityRecorded(kind="form", at=T, attributes={"seat": 5}))
    assert ada.record(ActivityRecorded(kind="view", at=T, attributes={"E-Mail*": "a@example.org"})).version == 2


@pytest.mark.parametrize("name", ["How many employees?", "Budget (EUR)", "E-Mail*", "Größe", "a b", "$value"])
def test_names_that_forms_have_are_names_of_attributes(name):
    ada = Journey.start("ada", book(), at=T).record(ActivityRecorded(kind="view", at=T, attributes={name: 5}))
    assert ada.verdict(count("view", where={name: it >= 5}) >= 1, at=T).value is True
    assert ada.verdict(latest("view", name) == 5, at=T).value is True
    assert ada.verdict(total(name, "view") == 5, at=T).value is True


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"a": [1, 2], "b": 1}, r"attributes\.a: must be true or false, a number or text"),
        (
            {"a\nb": 1},
            r"attributes: the name 'a\\nb' must be text of at least one character, without control characters",
        ),
        ({"": 1}, r"attributes: the name '' must be text"),
        ({"x" * 301: 1}, r"attributes: the name 'xxx.*x\.\.\.' must have at most 300 characters"),
    ],
)
def test_what_cannot_be_kept_is_one_error_that_names_the_key_and_the_reason(attributes, message):
    with pytest.raises(Malformed, match=message) as caught:
        ActivityRecorded(kind="view", at=T, attributes=attributes)
    assert len(caught.value.faults) == 1


# The checker knows them.


def test_the_checker_decides_about_them():
    def findings(*guards):
        moves = [
            Transition(trigger=f"t{place}", sources="new", target="warm", guard=guard, automatic=True)
            for place, guard in enumerate(guards)
        ]
        return {one.code for one in check(book(*moves))}

    assert "never_true" in findings(channel("email") & channel("fair"))
    assert "never_true" in findings((consent("email") == "granted") & (consent("email") == "withdrawn"))
    assert "never_true" in findings(field("renewal").past() & field("renewal").future())
    assert "never_true" in findings(field("renewal").past() & field("renewal").within(days(30)))
    assert "never_true" not in findings(field("renewal").future() & field("renewal").within(days(30)))
    assert "never_true" not in findings(field("renewal").past() & field("renewal").anniversary())
    assert "never_true" not in findings(
        field("skills").has("Java") & field("skills").has("SQL") & ~field("skills").has("C")
    )
    assert "never_true" not in findings(field("skills").has("Java") & (field("skills") != "Java"))
    assert "never_true" not in findings(~channel("email") & lead_type("interest"))


# Live facts and history.


def test_history_is_told_from_what_is_live():
    from leadlife import Actor

    importer = Actor(id="import", kind="importer")
    move = Transition(trigger="seen", sources="new", target="warm", on="activity")
    rest = Stage(id="warm", limit={"after": "P30D", "trigger": "rest"})
    stages = [rest if stage.id == "warm" else stage for stage in STAGES]
    plain = book(move)
    timed = plain.with_lifecycle(
        plain.lifecycle.replace(
            stages=stages,
            transitions=[*plain.lifecycle.transitions, Transition(trigger="rest", sources="warm", target="cold")],
        )
    )
    empty = Journey("ada", timed)
    ada = empty.record(Started(stage="new", playbook=timed.ref, at=T - 9 * DAY, by=importer))
    ada = ada.record(ActivityRecorded(kind="view", at=T, by=importer))
    assert [fact.imported for fact in ada.facts] == [True, True]
    assert ada.stage == "warm"
    assert len(ada.facts_since(empty)) > 2
    assert ada.facts_since(empty, live_since=T) == ()
    cold = ada.tick(T + 31 * DAY)
    assert [fact.type for fact in cold.facts_since(empty, live_since=T)] == ["moved"]
    live = ada.record(Sold(at=T + DAY))
    assert next(fact.type for fact in live.facts_since(empty, live_since=T)) == "sold"
    assert live.facts_since(empty, live_since=T + 2 * DAY) == ()
    with pytest.raises(Malformed):
        ada.facts_since(empty, live_since="soon")


def test_unknown_names_are_still_told():
    with pytest.raises(UnknownName):
        Journey.start("ada", book(), at=T).record(FieldChanged(name="renewl", value="2026-01-01", at=T))


# What was found by an attack.


def test_the_checker_tells_no_false_error_about_several_values_and_months():
    renewal, skills = field("renewal"), field("skills")
    has = skills.has("Java")
    possible = [
        (has & skills.starts_with("SQL"), {"skills": "SQL;Java"}),
        (has & skills.contains("sq"), {"skills": "SQL;Java"}),
        (has & skills.ends_with("SQL"), {"skills": "Java;SQL"}),
        (has & (skills > "K"), {"skills": "Z;Java"}),
        (has & ~(skills == "Java") & ~(skills == "Java;something else"), {"skills": "Java;x"}),
        (has & skills.has("SQL", separator="/"), {"skills": "Java;/SQL"}),
        (~renewal.within(months(1)) & renewal.within(days(30)), {"renewal": "2026-03-03"}),
        (renewal.within(days(31)) & ~renewal.within(months(1)), {"renewal": "2026-03-03"}),
        (renewal.within(months(1)) & ~renewal.within(days(29)), {"renewal": "2026-03-31"}),
    ]
    for guard, fields in possible:
        at = T - 29 * DAY if fields != {"renewal": "2026-03-31"} else datetime(2026, 3, 1, 12, tzinfo=UTC)
        plain = book(Transition(trigger="x", sources="new", target="warm", guard=guard))
        assert "never_true" not in {one.code for one in check(plain)}, guard.sentence()
        assert guard.test(LeadView(Lead(id="a", fields=fields), (), at)) is True, guard.sentence()


def test_a_witness_says_what_is_not_known():
    asked = field("skills").has("Java")
    subject = subject_of(asked)
    told = [words(subject, value) for value in values_of([asked], None, stage=None)]
    assert told == ["skills unknown", "skills has java", "skills has no java"]


def test_lead_types_are_read_by_their_synonyms_and_typos_are_told():
    assert lead_type("seeds", "nets", "cultivated").names == ("cultivated", "interest")
    ada = Journey.start(Lead(id="a", source=Source(lead_type="seeds")), book(), at=T)
    assert ada.verdict(lead_type("seeds"), at=T).value is True
    with pytest.raises(InvalidDefinition, match="there is no lead type 'referal' .did you mean 'referral'"):
        lead_type("referal")


@pytest.mark.parametrize("value", ["a;b", "  ", ";", "a, b", "a|b"])
def test_a_value_among_several_is_one(value):
    with pytest.raises(InvalidDefinition, match="asks for one at a time"):
        field("skills").has(value)


def test_what_is_said_of_a_time_after_the_start_takes_effect_then():
    move = Transition(trigger="o", sources="new", target="warm", on="consent_granted")
    lead = Lead(id="a", consents=[Consent(purpose="email", granted=True, since=T + 30 * DAY)])
    ada = Journey.start(lead, book(move), at=T)
    assert (ada.at, ada.stage) == (T, "new")
    assert ada.move("win", at=T + DAY).stage == "won"
    assert ada.tick(T + 31 * DAY).stage == "warm"
    assert Journey.start(lead, book(move), at=T, now=T).stage == "new"
    far = Lead(id="a", consents=[Consent(purpose="email", granted=True, since=T + 3_000 * DAY)])
    assert Journey.start(far, book(move), at=T).tick(T + 5 * DAY).stage == "new"


@pytest.mark.parametrize(
    ("zone", "begin"),
    [
        ("America/St_Johns", datetime(2010, 11, 7, 2, 20, tzinfo=UTC)),
        ("Antarctica/Casey", datetime(2010, 3, 4, 12, tzinfo=UTC)),
    ],
)
def test_a_day_that_has_begun_stays_so_where_clocks_fall_back_past_midnight(zone, begin):
    day = local_day(begin, zone_named(zone))
    for criterion in (*EVERY[5:9], field("renewal").within(months(1))):
        for apart in (-1, 0, 1):
            lead = Lead(id="a", fields={"renewal": (day + apart * DAY).isoformat()})
            answers = [
                (criterion.test(view), view.at, criterion.changes_at(view))
                for minute in range(0, 3_000, 7)
                for view in [LeadView(lead, (), begin + minute * timedelta(minutes=1)).in_zone(zone)]
            ]
            for (before, _, until), (after, at, _) in zip(answers, answers[1:], strict=False):
                assert before == after or (until is not None and until <= at)
    move = Transition(trigger="a", sources="new", target="warm", automatic=True, guard=field("renewal").past())
    lead = Lead(id="x", fields={"renewal": "2010-11-06"})
    ada = Journey.start(lead, book(move, zone=zone), at=begin, stage="new").tick(datetime(2010, 11, 12, tzinfo=UTC))
    assert ada.stage == "warm"


def test_a_verdict_about_a_date_or_a_value_names_its_fact():
    ada = Journey.start(Lead(id="a", fields={"renewal": "2026-06-30", "skills": "Java"}), book(), at=T)
    for criterion in (field("renewal").past(), field("skills").has("Java")):
        assert len(ada.verdict(criterion, at=T).facts) == 1
        assert Journey.start("b", book(), at=T).verdict(criterion, at=T).facts == ()


@pytest.mark.parametrize(
    ("criterion", "message"),
    [
        (field("size").has("5"), "field 'size' is an integer; only text holds several values"),
        (field("skills").past(), "field 'skills' is text; only a date lies before or after"),
    ],
)
def test_a_question_that_the_type_of_a_field_rules_out_is_told(criterion, message):
    with pytest.raises(InvalidDefinition, match=message):
        book(Transition(trigger="x", sources="new", target="warm", guard=criterion))
    assert not book().faults_in(field("unknown_here").past() | field("skills").has("x"))[1:]


def test_a_purpose_is_declared_and_a_typo_is_told():
    with pytest.raises(InvalidDefinition, match="consent 'emial' is not declared .did you mean 'email'"):
        book(Transition(trigger="x", sources="new", target="warm", guard=consent("emial") == "granted"))
    with pytest.raises(UnknownName, match="consent 'emial' is not declared .did you mean 'email'"):
        Journey.start("ada", book(), at=T).record(ConsentChanged(purpose="emial", granted=True, at=T))
    free = book().replace(purposes={})
    assert Journey.start("ada", free, at=T).record(ConsentChanged(purpose="any", granted=True, at=T)).version == 2


def test_a_date_object_is_its_text():
    ada = Journey.start(Lead(id="a", fields={"renewal": date(2026, 6, 30)}), book(), at=T)
    assert ada.lead.fields["renewal"] == "2026-06-30"
    assert ada.record(FieldChanged(name="renewal", value=date(2026, 7, 1), at=T)).lead.fields["renewal"] == "2026-07-01"
    assert (field("renewal") >= date(2026, 1, 1)) == (field("renewal") >= "2026-01-01")
