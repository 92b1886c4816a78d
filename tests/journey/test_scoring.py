"""Scores of a journey: by the playbook's policies, as of any instant, and as inputs of guards."""

from datetime import UTC, datetime, timedelta

import pytest

from leadlife import (
    ActivityRecorded,
    Actor,
    FieldChanged,
    FieldSpec,
    Identified,
    Journey,
    Lead,
    Malformed,
    MoveRefused,
    Retracted,
    ScoreReported,
    Source,
    Transition,
    days,
    elapsed,
)
from leadlife.criteria import band, count, field, it, latest, role, score
from leadlife.errors import GuardError, InvalidDefinition, PolicyError, UnknownName
from leadlife.journey.view import JourneyView
from leadlife.lifecycle import TransitionKind
from leadlife.presets import eight_stage
from leadlife.scoring import (
    ActivityRule,
    Capped,
    CustomPolicy,
    Fallback,
    FieldRule,
    Overridden,
    PerLeadType,
    Points,
    WeightedSum,
)

T = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)

ENGAGEMENT = Points(
    name="engagement",
    rules=(
        ActivityRule(name="call", kinds="call", points=20, half_life=elapsed(days=10)),
        ActivityRule(name="chat", kinds="chat", points=5, at_most_per_day=1),
    ),
    bands={"cold": 0, "warm": 15},
)


def book(*policies, guard=None):
    made = eight_stage().with_fields(size=FieldSpec(type="integer"), by_hand=FieldSpec(type="number"))
    made = made.with_score(*policies)
    if guard is not None:
        rule = Transition(trigger="rush", sources="name", target="lead", kind=TransitionKind.SKIP, guard=guard)
        made = made.with_lifecycle(made.lifecycle.with_transitions(rule))
    return made


def began(*policies, guard=None, lead="ada"):
    return Journey.start(lead, book(*policies, guard=guard), stage="name", at=T)


def call(days_after=0):
    return ActivityRecorded(kind="call", at=T + days_after * DAY)


def test_a_journey_is_scored_at_any_instant():
    ada = began(ENGAGEMENT).record(call(1)).record(call(5))
    assert ada.score("engagement", at=ada.at).value == pytest.approx(20 + 20 * 2**-0.4)
    assert ada.score("engagement", at=T + DAY).value == 20
    assert ada.score("engagement", at=T).value == 0
    assert (
        ada.as_of(at=T + 2 * DAY).score("engagement", at=T + 2 * DAY).lines
        == ada.score("engagement", at=T + 2 * DAY).lines
    )
    later = ada.score("engagement", at=T + 11 * DAY)
    assert later.activities == tuple(fact.id for fact in ada.facts[-2:])
    assert later.value == ada.tick(T + 11 * DAY).score("engagement", at=T + 11 * DAY).value


def test_a_view_never_sees_the_facts_that_it_hides():
    ada = began(ENGAGEMENT).record(call(1)).record(call(5))
    early = ada.as_of(at=T + 2 * DAY)
    assert len(early.score("engagement", at=T + 9 * DAY).activities) == 1


def test_a_retracted_activity_counts_no_more():
    ada = began(ENGAGEMENT).record(call(1))
    gone = ada.record(Retracted(target=ada.facts[-1].id, at=T + 2 * DAY))
    assert gone.score("engagement", at=gone.at).value == 0


def test_trend_and_lift_are_told_on_request():
    ada = began(ENGAGEMENT).record(call(1))
    told = ada.score("engagement", at=T + 11 * DAY, since=T + DAY, lift=True)
    assert told.trend.micropoints == -10_000_000
    assert (told.band, told.lift.activity.kind, told.lift.band) == ("cold", "chat", "warm")
    lifted = ada.record(ActivityRecorded(kind="chat", at=T + 11 * DAY))
    assert lifted.score("engagement", at=lifted.at).band == "warm"


def test_a_trend_needs_a_lead_then_and_an_earlier_instant():
    ada = began(ENGAGEMENT).record(call(1))
    assert ada.score("engagement", at=T + DAY, since=T - 5 * DAY).trend is None
    with pytest.raises(Malformed, match="since= lies after at="):
        ada.score("engagement", at=T, since=T + DAY)


def test_a_refusal_by_score_says_the_score():
    ada = began(ENGAGEMENT.replace(exclude=(field("size") == 0,)), guard=score("engagement") >= 15)
    with pytest.raises(MoveRefused, match=r"score engagement is at least 15: false \(it is 0, band cold\)"):
        ada.move("rush", at=T)
    out = ada.record(FieldChanged(name="size", value=0, at=T))
    with pytest.raises(MoveRefused, match=r"unknown \(there is no score: size is 0\)"):
        out.move("rush", at=T)
    assert out.verdict(band("engagement") >= "warm", at=T).to_dict() == {
        "sentence": "band of engagement is at least warm",
        "value": None,
        "found": "there is no score: size is 0",
        "failure": "",
        "facts": [],
        "changes_at": None,
        "parts": [],
    }


def test_a_function_is_lifted_by_trying_the_playbooks_kinds():
    def calls(_lead, activities, *, at):
        return sum(activity.kind == "meeting" for activity in activities)

    ada = began(CustomPolicy.of(calls, bands={"no": 0, "yes": 1}))
    assert ada.score("calls", at=ada.at, lift=True).lift.activity.kind == "meeting"


def test_days_are_those_of_the_playbooks_zone_unless_the_policy_names_its_own():
    made = book(ENGAGEMENT, ENGAGEMENT.replace(name="utc", zone="UTC")).replace(zone="America/Sao_Paulo")
    ada = Journey.start("ada", made, stage="name", at=T)
    for hour in (1, 4):  # the evening before and the same day, in Brazil
        ada = ada.record(ActivityRecorded(kind="chat", at=datetime(2026, 3, 4, hour, tzinfo=UTC)))
    assert (ada.score("engagement", at=ada.at).value, ada.score("utc", at=ada.at).value) == (10, 5)
    assert made.policy("engagement").zone == "America/Sao_Paulo"
    assert made.policy("utc").zone == "UTC"


def test_before_the_start_the_playbook_to_come_scores():
    empty = Journey("ada", book(ENGAGEMENT))
    with pytest.raises(Malformed, match="no lead to score yet"):
        empty.score("engagement", at=T)
    assert empty.record(call()).score("engagement", at=T).value == 20


def test_an_unknown_score_is_suggested():
    with pytest.raises(UnknownName, match="did you mean 'engagement'"):
        began(ENGAGEMENT).score("engagment", at=T)


def test_a_guard_may_ask_for_a_score():
    ada = began(ENGAGEMENT, guard=(score("engagement") >= 15) & (band("engagement") == "warm"))
    with pytest.raises(
        MoveRefused,
        match="is not met: score engagement is at least 15: false .it is 0, band cold.; band of engagement is warm: false",
    ):
        ada.move("rush", at=T)
    warm = ada.record(call(1))
    assert warm.move("rush", at=T + DAY).stage == "lead"
    told = warm.may("rush", at=T + 9 * DAY).refusals[0]
    assert told.details["candidates"][0]["verdict"] == "false"


def test_a_verdict_about_a_score_names_its_activities_and_holds_until_it_says():
    ada = began(ENGAGEMENT).record(call(1))
    view = ada_view(ada, T + DAY)
    verdict = (score("engagement") >= 15).verdict(view)
    assert (verdict.value, verdict.facts) == (True, (ada.facts[-1].id,))
    assert (score("engagement") >= 15).test(ada_view(ada, verdict.changes_at - timedelta(microseconds=1)))
    assert not (score("engagement") >= 15).test(ada_view(ada, verdict.changes_at + timedelta(minutes=1)))
    assert (band("engagement") >= "warm").verdict(view).changes_at == verdict.changes_at


def ada_view(journey, at):
    return JourneyView(journey._data.shown, at, ())


def test_an_excluded_lead_and_one_without_a_band_are_unknown():
    out = ENGAGEMENT.replace(exclude=(field("size") == 0,))
    ada = began(out, ENGAGEMENT.replace(name="bandless", bands={"top": 99})).record(
        FieldChanged(name="size", value=0, at=T)
    )
    view = ada_view(ada, T)
    assert (score("engagement") >= 0).test(view) is None
    assert (band("engagement") >= "cold").test(view) is None
    assert (band("bandless") >= "top").test(view) is None
    assert (band("bandless") >= "else").test(view) is None


def test_a_policy_that_breaks_refuses_the_move_and_keeps_the_fact():
    def breaks(_lead, _activities, *, at):
        return float("nan")

    ada = began(breaks, guard=score("breaks") >= 1)
    with pytest.raises(PolicyError, match="finite"):
        ada.score("breaks", at=ada.at)
    assert ada.may("rush", at=T).refusals[0].code == "guard_failed"


def test_an_unbound_policy_is_what_was_reported_for_its_version():
    model = CustomPolicy(name="propensity", version="3", scale="probability", bands={"likely": 0.6})
    ada = began(model, guard=score("propensity") >= 0.6)
    told = ada.score("propensity", at=ada.at)
    assert (told.answered, told.why) == (False, "propensity is not bound and has not been reported")
    assert (score("propensity") >= 0.6).verdict(ada_view(ada, T)).value is None
    old = ada.record(ScoreReported(policy="propensity", version="2", value=0.9, at=T))
    assert not old.may("rush", at=T)
    new = old.record(ScoreReported(policy="propensity", version="3", value=0.7, at=T + DAY))
    assert new.score("propensity", at=new.at, since=T).trend is None
    assert (new.score("propensity", at=new.at).value, new.score("propensity", at=new.at, lift=True).band) == (
        0.7,
        "likely",
    )
    assert new.move("rush", at=T + DAY).stage == "lead"
    assert (score("propensity") >= 0.6).verdict(ada_view(new, T + 9 * DAY)).changes_at is None
    broken = new.record(ScoreReported(policy="propensity", version="3", value=7.0, at=T + 2 * DAY))
    assert broken.may("rush", at=T + 2 * DAY).refusals[0].code == "guard_failed"


def test_a_persons_value_is_a_fact_that_is_cleared_by_a_fact():
    ada = began(Overridden(name="priority", of=ENGAGEMENT, field="by_hand")).record(call(1))
    ruled = ada.record(FieldChanged(name="by_hand", value=80, at=T + 2 * DAY, by="ann"))
    assert (ruled.score("priority", at=ruled.at).value, ruled.score("priority", at=T + DAY).value) == (80, 20)
    cleared = ruled.record(FieldChanged(name="by_hand", value=None, at=T + 3 * DAY))
    assert cleared.score("priority", at=cleared.at).automatic is None


def test_each_cycle_is_scored_by_its_own_source():
    typed = PerLeadType(
        name="typed", cases={"referral": Points(name="r", start=9)}, otherwise=Points(name="o", start=1)
    )
    ada = Journey.start(Lead(id="ada", source=Source(lead_type="referral")), book(typed), stage="name", at=T)
    assert ada.score("typed", at=ada.at).value == 9
    assert began(typed).score("typed", at=T).value == 1
    assert ada.record(Identified(at=T)).score("typed", at=T).value == 9


def test_faults_of_policies_and_of_thresholds_are_told_with_their_paths():
    wrong = Points(
        name="wrong",
        rules=(
            FieldRule(name="f", when=(field("sise") > 1) & (field("size").contains("x")), points=1),
            ActivityRule(name="a", kinds="cal", points=1),
        ),
    )
    nested = WeightedSum(name="nested", of=({"policy": Overridden(name="inner", of=ENGAGEMENT, field="by_hnd")},))
    with pytest.raises(InvalidDefinition) as error:
        book(wrong, nested)
    assert {fault.path: fault.hint for fault in error.value.faults if fault.hint} == {
        "scores.2.rules.0.when": "did you mean 'size'?",
        "scores.2.rules.1.kinds": "did you mean 'call'?",
        "scores.3/inner.field": "did you mean 'by_hand'?",
    }
    assert any("only text contains" in fault.message for fault in error.value.faults)
    with pytest.raises(InvalidDefinition, match="declared twice"):
        book().replace(scores=(ENGAGEMENT, ENGAGEMENT))


@pytest.mark.parametrize(
    ("guard", "told"),
    [
        (score("engagment") >= 1, "did you mean 'engagement'"),
        (score("capped") >= 31, "compared with 31, but is at most 30"),
        (score("capped") < -1, "compared with -1, but is at least 0"),
        (score("capped") > 30, "compared with 30, but is at most 30"),
        (score("capped") < 0, "compared with 0, but is at least 0"),
        (band("engagement") > "warm", "no band above 'warm'"),
        (band("engagement") < "cold", "no band below 'cold'"),
        (band("engagement") == "wram", "did you mean 'warm'"),
        (band("bandless") == "warm", "has no band 'warm'"),
        (field("size").one_of("a", 1), "is an integer, and the value compared"),
        (count("cal", within=days(1)) >= 1, "did you mean 'call'"),
    ],
)
def test_guards_are_checked_against_the_policies(guard, told):
    policies = (ENGAGEMENT, ENGAGEMENT.replace(name="capped", cap=30), ENGAGEMENT.replace(name="bandless", bands={}))
    with pytest.raises(InvalidDefinition, match=told):
        book(*policies, guard=guard)
    assert book(*policies).faults_in(guard)


def test_with_score_replaces_by_name_and_changes_the_digest():
    first = book(ENGAGEMENT)
    second = first.with_score(ENGAGEMENT.replace(cap=20))
    assert [policy.cap for policy in second.scores] == [None, None, 20]
    assert first.digest != second.digest
    assert type(first).model_validate_json(first.model_dump_json()) == first


def test_any_criterion_may_be_asked_of_a_journey():
    ada = began(ENGAGEMENT).record(call(1))
    rule = (score("engagement") >= 15) & (count("call", within=days(3)) >= 1)
    assert ada.verdict(rule, at=T + DAY).value is True
    assert ada.verdict(rule, at=T).value is False
    assert ada.verdict(rule, at=T + 5 * DAY).value is False
    assert ada.verdict(role("sales"), at=T, by=Actor(id="sam", roles=("sales",))).value is True
    assert Journey("bo", book()).record(call()).verdict(count("call", within=days(3)) >= 1, at=T).value is True
    with pytest.raises(InvalidDefinition, match="did you mean 'call'"):
        ada.verdict(count("cal") >= 1, at=T)
    assert Journey("bo", book()).verdict(role("sales"), at=T).value is False
    with pytest.raises(Malformed, match="is not a criterion"):
        ada.verdict("score > 3", at=T)


def test_a_report_is_heard_within_a_combination():
    model = CustomPolicy(name="model", version="3")
    rules = Points(name="rules", start=7)
    both = (Fallback(name="either", of=(model, rules)), Capped(name="capped", of=model, cap=50))
    ada = began(model, *both)
    assert (ada.score("either", at=T).value, ada.score("capped", at=T).answered) == (7, False)
    told = ada.record(ScoreReported(policy="model", version="3", value=72.0, at=T))
    assert (told.score("either", at=T).value, told.score("capped", at=T).value) == (72, 50)
    assert told.score("capped", at=T, lift=True).lift is None


def test_a_score_that_cannot_be_never_keeps_a_fact_from_being_recorded():
    def endless(_lead, _activities, *, at):
        return 10**400

    fired = Transition(
        trigger="rush",
        sources="name",
        target="lead",
        kind=TransitionKind.SKIP,
        guard=(score("priority") >= 5) | (score("endless") >= 1),
        on="activity",
    )
    made = book(Overridden(name="priority", of=ENGAGEMENT, field="by_hand"), endless)
    made = made.with_lifecycle(made.lifecycle.with_transitions(fired))
    ada = Journey.start("ada", made, stage="name", at=T)
    ruled = ada.record(FieldChanged(name="by_hand", value=2e12, at=T)).record(call())
    assert [refusal.code for refusal in ruled.receipt.refusals] == ["guard_failed"]
    with pytest.raises(GuardError, match="at most a million million"):
        ada.verdict(score("endless") >= 1, at=T)
    with pytest.raises(PolicyError, match="at most a million million"):
        ruled.score("priority", at=T)


def test_the_past_is_evaluated_by_the_playbook_of_its_day_and_a_trend_by_one_policy():
    first = book(Points(name="p", start=5))
    second = first.with_score(Points(name="p", version="2", start=50), version="2")
    ada = Journey.start("ada", first, stage="name", at=T).adopt(second, at=T + DAY)
    assert ada.verdict(score("p") >= 1, at=T).value is True
    assert ada.score("p", at=T).value == 5
    assert ada.score("p", at=T + 2 * DAY, since=T).trend.micropoints == 0


def test_a_lead_without_a_fact_has_no_score_in_a_guard():
    guarded = book(ENGAGEMENT, guard=score("engagement") >= 0)
    view = JourneyView(Journey("bo", guarded)._data.shown, T, playbook=guarded)
    with pytest.raises(GuardError, match="has no score: there is no lead to score yet"):
        (score("engagement") >= 0).test(view)


@pytest.mark.parametrize("name", [None, [], 5])
def test_a_name_that_is_none_is_an_unknown_score(name):
    with pytest.raises(UnknownName):
        began(ENGAGEMENT).score(name, at=T)


def test_a_field_that_overrules_holds_a_number():
    with pytest.raises(InvalidDefinition, match="field 'city' is text, but the rule needs a number"):
        eight_stage().with_fields(city=FieldSpec()).with_score(Overridden(name="o", of=ENGAGEMENT, field="city"))
    with pytest.raises(Malformed, match="are called .engagement."):
        book(ENGAGEMENT, ENGAGEMENT.replace(cap=20))


def test_an_unbound_policy_stands_in_any_zone():
    made = book(ENGAGEMENT, CustomPolicy(name="model", version="3")).replace(zone="Europe/Berlin")
    ada = Journey.start("ada", made, stage="name", at=T).record(call())
    told = ada.record(ScoreReported(policy="model", version="3", value=72.0, at=T))
    assert (told.score("engagement", at=T).value, told.score("model", at=T).value) == (20, 72)
    assert CustomPolicy(name="m").replace(version="4").version == "4"
    with pytest.raises(UnknownName):
        made.policy(ENGAGEMENT)


def test_of_two_activities_at_one_instant_guards_and_policies_take_the_later_recorded():
    big = latest("form", "budget") >= 500
    made = book(Points(name="e", rules=(FieldRule(name="big", when=big, points=10),)))
    for number in range(12):
        ada = Journey.start(f"a{number}", made, stage="name", at=T)
        for budget in (600, 100):
            ada = ada.record(ActivityRecorded(kind="form", attributes={"budget": budget}, at=T + DAY))
        assert ada.verdict(big, at=T + DAY).value is False
        assert ada.score("e", at=T + DAY).value == 0


def test_what_a_person_says_stands_over_a_model_that_says_nothing():
    silent = CustomPolicy(name="model", version="3", bands={"low": 0, "high": 50})
    made = book(Overridden(name="o", of=silent, field="by_hand"), guard=band("o") >= "high")
    ada = Journey.start("ada", made, stage="name", at=T).record(FieldChanged(name="by_hand", value=80, at=T))
    told = ada.score("o", at=T)
    assert (told.value, told.band, told.automatic) == (80, "high", None)
    assert ada.move("rush", at=T).stage == "lead"


def test_a_lift_is_found_for_every_sort_of_match_and_past_code_of_ones_own():
    for match in (it > 10, it != 10, it < 10, it.known(), it.between(3, 5), it != "x", it != True):  # noqa: E712 - a criterion
        rule = ActivityRule(name="r", kinds="call", where={"m": match}, points=20)
        ada = began(Points(name="p", rules=(rule,), bands={"no": 0, "yes": 20}))
        assert ada.score("p", at=T, lift=True).lift is not None, match

    def meetings(_lead, activities, *, at):
        return 30 * sum(activity.kind == "meeting" for activity in activities)

    both = WeightedSum(name="both", of=({"policy": ENGAGEMENT}, {"policy": meetings}), bands={"no": 0, "yes": 25})
    assert began(both).score("both", at=T, lift=True).lift.activity.kind == "meeting"


def test_copies_forget_what_was_worked_out():
    capped = ENGAGEMENT.replace(bands={})
    seen = [call().activity] * 5
    assert capped.value(Lead(id="a"), seen, at=T) == 100
    assert capped.model_copy(update={"cap": 20}).value(Lead(id="a"), seen, at=T) == 20
    made = book(ENGAGEMENT)
    assert made.model_copy(update={"version": "9"}).digest != made.digest
