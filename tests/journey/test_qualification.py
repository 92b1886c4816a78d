"""Qualifications and readiness in a journey: granted, held, lapsed, withdrawn, by rule and by hand."""

import json
from datetime import timedelta

import pytest

from leadlife import (
    ActivityRecorded,
    Actor,
    EvidenceGiven,
    FieldChanged,
    FieldSpec,
    Identified,
    Journey,
    Malformed,
    Playbook,
    QualificationGranted,
    QualificationRule,
    QualificationWithdrawn,
    Retracted,
    ScoreReported,
    Sold,
    Source,
    Started,
    days,
    elapsed,
)
from leadlife.criteria import (
    CustomGuard,
    Readiness,
    count,
    evidence,
    field,
    holds,
    in_stage,
    inactive,
    readiness,
    role,
    score,
)
from leadlife.errors import InvalidDefinition, NotPermitted, UnknownName
from leadlife.facts import RuleFailed
from leadlife.journey import FactStatus, Snapshot
from leadlife.presets import eight_stage, ibm, mql_pql_sql
from leadlife.qualification import Hysteresis, ReadinessRule
from leadlife.scoring import CustomPolicy
from stories import DAY, SALES, T0, at

MIA = Actor(id="mia", roles=("marketing",))
TICK = timedelta(microseconds=1)


def book(*rules, base=None, **changes):
    playbook = (base or mql_pql_sql()).with_qualifications(*rules)
    return playbook.replace(**changes) if changes else playbook


def began(*rules, **changes):
    return Journey.start("ada", book(*rules, **changes), at=T0)


def call(day, kind="call"):
    return ActivityRecorded(kind=kind, at=at(day))


def yes(name, day, *, value=True, **more):
    return EvidenceGiven(name=name, value=value, at=at(day), **more)


def warm(*rules, **changes):
    """Return a lead who meets marketing's test."""
    return began(*rules, **changes).record(call(0.5, "product_page")).record(call(0.6, "product_page"))


def held(journey, name="mine"):
    return name in journey.qualifications


def told(journey, name="mine"):
    return [(fact.type, (fact.at - T0) / DAY) for fact in journey.derived if getattr(fact, "name", None) == name]


class TestGranting:
    def test_it_holds_as_long_as_enter_is_true(self):
        mine = QualificationRule(name="mine", enter=count("call", within=days(7)) >= 2)
        ada = began(mine).record(call(1)).record(call(2))
        assert held(ada)
        assert not held(ada.tick(at(8)))
        assert held(ada.tick(at(8) - TICK))
        assert told(ada.tick(at(30))) == [("qualified", 2), ("unqualified", 8)]

    def test_with_leave_it_stays_in_the_band_between(self):
        mine = QualificationRule(name="mine", enter=count("call") >= 2, leave=count("page_view") >= 1)
        ada = began(mine).record(call(1))
        assert not held(ada)
        ada = ada.record(call(2))
        assert held(ada)
        assert not held(ada.record(call(3, "page_view")))
        assert not held(ada.record(call(3, "page_view")).record(call(4)))  # leave is still true: nobody gets in

    def test_a_lasting_one_stays_until_it_lapses(self):
        mine = QualificationRule(name="mine", enter=count("call", within=days(1)) >= 1, lasting=True, valid_for=days(9))
        ada = began(mine).record(call(1))
        assert held(ada.tick(at(10) - TICK))
        assert not held(ada.tick(at(10)))
        assert told(ada.tick(at(30))) == [("qualified", 1), ("unqualified", 10)]

    def test_a_fact_that_confirms_it_renews_it_and_after_a_lapse_only_a_new_one_grants_again(self):
        mine = QualificationRule(name="mine", enter=count("call") >= 1, valid_for=days(5))
        ada = began(mine).record(call(1)).record(call(3))
        assert ada.qualifications["mine"].expires == at(8)
        assert ada.record(call(4, "page_view")).qualifications["mine"].expires == at(8)
        lapsed = ada.tick(at(20))
        assert told(lapsed) == [("qualified", 1), ("unqualified", 8)]
        assert lapsed.derived[-1].reason == "lapsed"
        assert told(lapsed.record(call(21))) == [("qualified", 1), ("unqualified", 8), ("qualified", 21)]

    def test_unknown_is_not_yes_and_no_is_not_unknown(self):
        ada = warm()
        for name in ("need", "budget", "authority"):
            ada = ada.record(yes(name, 1))
        verdict = ada.verdict(ada.playbook.qualification_by_name["sql"].enter, at=at(1))
        assert verdict.value is None
        assert ada.record(yes("timing", 2)).stage == "sql"
        refused = ada.record(yes("budget", 2, value=False)).record(yes("timing", 2))
        assert refused.stage == "mql"
        assert refused.verdict(ada.playbook.qualification_by_name["sql"].enter.of[0], at=at(2)).value is False

    def test_intent_lapses_at_its_exact_instant_and_the_backward_move_follows(self):
        ada = warm(readiness=None)
        for name in ("need", "budget", "authority", "timing"):
            ada = ada.record(yes(name, 1))
        assert ada.tick(at(31) - TICK).stage == "sql"
        assert ada.wake_at == (at(31), "the criteria of sql may change")
        gone = ada.tick(at(31))
        assert gone.stage == "mql"
        assert [(fact.type, fact.by.id) for fact in gone.derived[-2:]] == [("unqualified", "timer"), ("moved", "timer")]

    def test_pql_does_not_need_mql(self):
        ada = began().record(call(1, "sample_used"))
        assert (ada.stage, list(ada.qualifications)) == ("pql", ["pql"])

    def test_it_keeps_the_agreement_the_evidence_and_the_verdict(self):
        ada = began().record(call(1, "sample_used"))
        found = ada.qualifications["pql"]
        assert (found.playbook, found.by, found.granted) == (ada.playbook.ref, "system", at(1))
        assert found.evidence == (ada.facts[-1].id,)
        assert found.verdict.value is True
        assert found.verdict.recomputed() is True

    def test_evidence_has_a_source_and_an_age(self):
        given = yes("budget", 1, by=SALES, source=Source(channel="referral"))
        seen = began().record(given).evidence["budget"]
        assert (seen.by.id, seen.source.channel, seen.age(at(4))) == ("sam", "referral", 3 * DAY)

    def test_after_a_recycling_only_a_newer_fact_counts(self):
        mine = QualificationRule(name="mine", enter=count("call") >= 1)
        ada = began(mine).record(call(1, "sample_used")).record(call(1))
        gone = ada.recycle("bad timing", at=at(2), by=SALES)
        assert not gone.qualifications
        assert not held(gone.tick(at(90)))
        assert not held(gone.record(call(3, "page_view")))
        assert held(gone.record(call(3)))

    def test_a_customer_stays_warm(self):
        ada = began().record(call(1, "sample_used"))
        for name in ("need", "budget", "authority", "timing"):
            ada = ada.record(yes(name, 1))
        won = ada.record(Sold(at=at(2)))
        assert (won.stage, dict(won.qualifications)) == ("customer", {})
        assert list(won.record(call(3, "sample_used")).qualifications) == ["pql"]

    def test_qualifications_may_read_one_another_and_scores_and_readiness(self):
        one = QualificationRule(name="one", enter=holds("two") & (score("research") >= 10))
        two = QualificationRule(name="two", enter=readiness() >= "mid")
        ada = warm(one, two).record(call(0.7, "download"))
        assert held(ada, "one")
        assert held(ada, "two")
        faded = ada.tick(at(60))
        assert not held(faded, "one")
        assert not held(faded, "two")

    def test_taking_back_a_fact_takes_back_what_rested_on_it_and_no_more(self):
        mine = QualificationRule(name="mine", enter=count("call") >= 1)
        ada = began(mine).record(call(1)).record(call(2, "sample_used"))
        back = ada.record(Retracted(target=ada.facts[-2].id, at=at(3)))
        assert list(back.qualifications) == ["pql"]
        assert next(fact.name for fact in back.withdrawn_since(ada) if fact.type == "qualified") == "mine"

    def test_a_reported_score_grants(self):
        mine = QualificationRule(name="mine", enter=score("model") >= 0.8)
        model = CustomPolicy(name="model", version="3", scale="probability")
        ada = Journey.start("ada", mql_pql_sql().with_score(model).with_qualifications(mine), at=T0)
        assert held(ada.record(ScoreReported(policy="model", version="3", value=0.9, at=at(1))))
        assert not held(ada.record(ScoreReported(policy="model", version="2", value=0.9, at=at(1))))

    def test_what_is_known_before_the_start_counts_at_the_start(self):
        mine = QualificationRule(name="mine", enter=field("size") >= 50)
        sized = mql_pql_sql().with_fields(size=FieldSpec(type="integer")).with_qualifications(mine)
        ada = Journey("ada", sized).record(FieldChanged(name="size", value=80, at=T0))
        started = Journey.start("ada", sized, at=T0)
        assert not held(started)
        assert held(ada.record(Started(stage="lead", playbook=sized.ref, at=at(1))))

    def test_what_is_true_of_everybody_holds_from_the_start(self):
        assert held(began(QualificationRule(name="mine", enter=count("call") < 1)))
        quiet = QualificationRule(name="mine", enter=inactive(days(30)))
        ada = began(quiet).record(call(1))
        assert held(ada.tick(at(31)))
        assert not held(ada.tick(at(31) - TICK))
        stands = QualificationRule(name="mine", enter=in_stage("pql", "sql"))
        assert told(began(stands).record(call(1, "sample_used"))) == [("qualified", 1)]


class TestByHand:
    def grant(self, journey, by=SALES, **more):
        return journey.record(QualificationGranted(name="sql", at=at(1), by=by, **more))

    def test_whose_test_it_is_may_grant_it_and_their_word_stands_against_the_rule(self):
        ada = self.grant(warm())
        assert (ada.stage, ada.qualifications["sql"].by) == ("sql", "sam")
        assert ada.record(call(2)).stage == "sql"

    def test_who_may_not_is_refused_and_the_fact_is_kept(self):
        for by in (MIA, "bob", "system"):
            ada = self.grant(began(), by=by)
            assert (ada.stage, ada.receipt.status) == ("lead", FactStatus.REFUSED)
            assert str(ada.receipt.refusals[0].code) == "not_permitted"
        assert isinstance(ada.receipt.refusals[0].error(), NotPermitted)

    def test_a_name_that_is_not_declared_is_told_with_a_near_one(self):
        with pytest.raises(UnknownName, match="did you mean 'sql'"):
            began().record(QualificationGranted(name="sqll", at=at(1), by=SALES))

    def test_nothing_is_granted_before_the_start(self):
        ada = Journey("ada", mql_pql_sql()).record(QualificationGranted(name="sql", at=at(1), by=SALES))
        assert str(ada.receipt.refusals[0].code) == "not_started"

    def test_a_grant_lapses_when_it_says_or_when_the_rule_does(self):
        assert self.grant(warm(), expires=at(4)).tick(at(4)).stage == "mql"
        mine = QualificationRule(name="mine", granted_by="sales", valid_for=elapsed(days=2))
        ada = began(mine).record(QualificationGranted(name="mine", at=at(1), by=SALES))
        assert ada.qualifications["mine"].expires == at(3)
        assert not held(ada.tick(at(3)))
        with pytest.raises(Malformed, match="expires after it was granted"):
            QualificationGranted(name="mine", at=at(1), expires=at(1))

    def test_what_is_withdrawn_by_hand_comes_back_only_by_a_newer_fact(self):
        ada = began().record(call(1, "sample_used"))
        gone = ada.record(QualificationWithdrawn(name="pql", reason="never opened it", at=at(2), by=SALES))
        assert "pql" not in gone.qualifications
        assert "pql" not in gone.record(call(3)).tick(at(50)).qualifications
        assert "pql" in gone.record(call(3, "sample_used")).qualifications
        assert "pql withdrawn: never opened it" in str(gone.explain())
        again = gone.record(QualificationWithdrawn(name="pql", at=at(4), by=SALES))
        assert again.receipt.status is FactStatus.REDUNDANT

    def test_a_grant_by_hand_takes_over_what_the_rule_granted(self):
        mine = QualificationRule(name="mine", enter=count("call", within=days(1)) >= 1, granted_by="sales")
        ada = began(mine).record(call(1)).record(QualificationGranted(name="mine", at=at(1.5), by=SALES))
        assert ada.qualifications["mine"].granted == at(1)
        assert held(ada.tick(at(9)))


class TestReadiness:
    def test_a_burst_pipe_is_late_within_the_minute_and_early_again_days_after(self):
        ada = began()
        assert ada.readiness is Readiness.EARLY
        burst = ada.record(call(1, "emergency"))
        assert burst.readiness is Readiness.LATE
        assert burst.tick(at(2)).readiness is Readiness.LATE
        assert burst.tick(at(9)).readiness is Readiness.EARLY
        assert [fact.segment for fact in burst.tick(at(9)).derived if fact.type == "readiness"] == [
            "late",
            "mid",
            "early",
        ]

    def test_thresholds_under_half_lives_are_evaluated_on_the_grid_wherever_somebody_looks(self):
        burst = began().record(call(1, "emergency"))
        grid = burst.wake_at
        assert grid.why == "a review may change readiness"
        assert (grid.at.hour, grid.at.minute) == (0, 0)
        looked = burst
        for hour in range(30, 24 * 9, 7):
            looked = looked.tick(T0 + timedelta(hours=hour))
            assert looked.readiness is burst.as_of(at=looked.at).readiness
        slower = began(review_days=7).record(call(1, "emergency"))
        assert slower.wake_at.at >= grid.at
        assert slower.tick(at(14)).readiness is Readiness.EARLY

    def test_it_is_unknown_where_nobody_evaluates_it(self):
        ada = began(readiness=None)
        assert ada.readiness is None
        assert ada.verdict(readiness() >= "mid", at=at(1)).value is None

    def test_an_adopted_rule_is_evaluated_at_once(self):
        ada = Journey.start("ada", book(readiness=None), at=T0).record(call(1, "emergency"))
        adopted = ada.adopt(mql_pql_sql().replace(version="2"), at=at(1.1))
        assert adopted.readiness is Readiness.LATE
        assert adopted.adopt(book(readiness=None, version="3"), at=at(1.2)).readiness is None


class TestAdopting:
    def test_what_is_held_is_evaluated_by_the_new_rules_and_what_is_not_declared_is_let_go(self):
        mine = QualificationRule(name="mine", enter=count("call") >= 1)
        ada = began(mine).record(call(1)).record(call(1, "sample_used"))
        stricter = book(mine.replace(enter=count("call") >= 2), version="2")
        adopted = ada.adopt(stricter, at=at(2))
        assert list(adopted.qualifications) == ["pql"]
        gone = ada.adopt(mql_pql_sql().replace(version="3"), at=at(2))
        assert gone.derived[-1].reason == "not declared any more"

    def test_under_a_playbook_without_rules_nothing_is_held(self):
        ada = Journey.start("ada", eight_stage(), at=T0, stage="name").record(yes("mql", 1))
        life = eight_stage().lifecycle.without("qualify", "return", "open", "rush_to_opportunity")
        plain = Playbook(
            id="plain",
            roles="sales",
            lifecycle=life,
            evidence=eight_stage().evidence,
            activity_kinds=eight_stage().activity_kinds,
        )
        gone = ada.adopt(plain, at=at(2))
        assert (dict(gone.qualifications), gone.readiness) == ({}, None)
        assert gone.derived[-1].reason == "not declared any more"
        assert gone.record(yes("fit", 3)).version == ada.version + 2


class TestWhatBreaks:
    def broken(self, call_, **more):
        shaky = CustomPolicy.of(call_, name="shaky")
        mine = QualificationRule(name="mine", enter=score("shaky") >= 1)
        return Journey.start("ada", mql_pql_sql().with_score(shaky).with_qualifications(mine), at=T0, **more)

    def test_a_policy_that_raises_in_the_middle_loses_no_fact(self):
        def raising(lead, activities, *, at):
            if len(activities) == 1:
                raise ZeroDivisionError
            return len(activities)

        ada = self.broken(raising).record(call(1))
        assert ada.version == 2
        assert ada.receipt.status is FactStatus.STANDS
        [failed] = [fact for fact in ada.derived if isinstance(fact, RuleFailed)]
        assert (failed.rule, failed.code, failed.by.id) == ("mine", "failed", "system")
        assert "raised ZeroDivisionError" in failed.message
        assert "mine could not be evaluated" in str(ada.explain())
        assert held(ada.record(call(2)))

    @pytest.mark.parametrize("answer", [float("nan"), float("inf"), "much", [1]])
    def test_an_answer_that_is_no_score_is_told_once_and_what_was_held_stays(self, answer):
        answers = {0: 0, 1: 5}

        def moody(lead, activities, *, at):
            return answers.get(len(activities), answer)

        ada = self.broken(moody).record(call(1))
        assert held(ada)
        shaken = ada.record(call(2)).record(call(3))
        assert held(shaken)
        assert len([fact for fact in shaken.derived if isinstance(fact, RuleFailed)]) == 1
        again = Journey.replay(shaken.facts, shaken.playbook)
        assert again.derived == shaken.derived

    def test_a_guard_that_breaks_keeps_the_lead_where_it_is(self):
        def broken(view):
            raise ZeroDivisionError

        plan = mql_pql_sql().lifecycle
        rules = tuple(
            rule.replace(guard=CustomGuard(name="broken", call=broken)) if rule.trigger == "qualify" else rule
            for rule in plan.transitions
        )
        ada = Journey.start("ada", mql_pql_sql().with_lifecycle(plan.replace(transitions=rules)), at=T0)
        assert ada.record(call(1)).stage == "lead"
        assert "could not be evaluated" in str(ada.explain())

    def test_automatic_moves_that_chase_each_other_stop_and_say_so(self):
        plan = mql_pql_sql().lifecycle
        rules = tuple(
            rule.replace(guard=count("call") >= 1) if rule.trigger in ("qualify", "sales_qualify", "lapse") else rule
            for rule in plan.transitions
        )
        ada = Journey.start("ada", mql_pql_sql().with_lifecycle(plan.replace(transitions=rules)), at=T0)
        ada = ada.record(call(1))
        [unsettled] = [fact for fact in ada.derived if isinstance(fact, RuleFailed)]
        assert unsettled.code == "endless_moves"
        assert len([fact for fact in ada.derived if fact.type == "moved"]) == len(plan.stages)
        assert "do not come to rest" in str(ada.explain())
        assert ada.record(Identified(at=at(2))).version == 3

    def test_evidence_from_the_future_does_not_count_yet(self):
        assert began().record(yes("budget", 9), now=at(1)).evidence == {}
        later = began().record(yes("timing", 9))
        assert later.as_of(at=at(8)).evidence == {}


class TestDeclaring:
    def test_a_qualification_that_nobody_may_grant_is_a_fault(self):
        with pytest.raises(InvalidDefinition, match="'mine' can never be granted"):
            QualificationRule(name="mine")
        with pytest.raises(InvalidDefinition, match="lasting and leave cannot be given together"):
            QualificationRule(name="mine", enter=holds("a"), leave=holds("b"), lasting=True)
        with pytest.raises(InvalidDefinition, match="late needs a criterion to begin"):
            ReadinessRule(mid=Hysteresis(enter=evidence("x")), late=Hysteresis())

    @pytest.mark.parametrize(
        ("rules", "said"),
        [
            ([QualificationRule(name="a", enter=holds("a"))], "read each other in a circle: a > a"),
            (
                [QualificationRule(name="a", enter=holds("b")), QualificationRule(name="b", enter=~holds("a"))],
                "read each other in a circle: a > b > a",
            ),
            ([QualificationRule(name="a", enter=holds("bb"))], "qualification 'bb' is not declared"),
            ([QualificationRule(name="a", enter=evidence("tming"))], "did you mean 'timing'"),
            ([QualificationRule(name="a", enter=role("sales"))], "a rule cannot read the role"),
            ([QualificationRule(name="a", enter=CustomGuard(name="mine"))], "not bound to a function"),
        ],
    )
    def test_faults_of_rules_are_told_when_declared(self, rules, said):
        with pytest.raises(InvalidDefinition, match=said):
            book(*rules)

    def test_readiness_reads_no_qualification_and_not_itself(self):
        for asked, said in ((holds("mql"), "cannot read qualifications"), (readiness() >= "mid", "cannot read itself")):
            with pytest.raises(InvalidDefinition, match=said):
                book(readiness=ReadinessRule(mid=Hysteresis(enter=asked), late=Hysteresis(enter=evidence("timing"))))

    def test_two_of_one_name_are_a_fault(self):
        mine = QualificationRule(name="mine", granted_by="sales")
        with pytest.raises(InvalidDefinition, match="declared twice"):
            mql_pql_sql().replace(qualifications=(mine, mine))

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"guard": None}, "needs a guard"),
            ({"target": "lead"}, "leads to another stage"),
            ({"on": "sold"}, "fired by its guard"),
            ({"needs_reason": True}, "brings exactly one"),
            ({"needs_reason": True, "reasons": ("other",)}, "needs a note"),
        ],
    )
    def test_an_automatic_move_has_a_guard_and_leads_elsewhere(self, changes, said):
        plan = mql_pql_sql().lifecycle
        rules = [rule.replace(**changes) if rule.trigger == "qualify" else rule for rule in plan.transitions]
        with pytest.raises(InvalidDefinition, match=said):
            plan.replace(transitions=tuple(rules))

    def test_an_automatic_move_brings_its_only_reason(self):
        plan = eight_stage().lifecycle
        rules = [
            rule.replace(automatic=True, guard=evidence("fit"), reasons=("poor fit",), sources=("name",))
            if rule.trigger == "disqualify"
            else rule
            for rule in plan.transitions
        ]
        playbook = eight_stage().with_lifecycle(plan.replace(transitions=tuple(rules)))
        ada = Journey.start("ada", playbook, at=T0, stage="name").record(yes("fit", 1))
        assert (ada.stage, ada.derived[-1].reason) == ("disqualified", "poor fit")

    def test_people_can_be_asked_less(self):
        playbook = eight_stage().automated("engage", "fit", "qualify", version="2")
        ada = Journey.start("ada", playbook, at=T0, stage="name").record(call(1)).record(yes("fit", 2))
        assert ada.stage == "target"
        assert ada.record(yes("mql", 3)).stage == "lead"
        with pytest.raises(InvalidDefinition, match="nothing to automate"):
            eight_stage().automated("qualfy")


def test_a_snapshot_resumes_what_is_held_and_what_is_awaited():
    ada = began().record(call(1, "sample_used")).record(call(2, "emergency")).record(yes("urgent_need", 2))
    saved = Snapshot.load(json.loads(json.dumps(ada.snapshot().dump())))
    again = Journey.resume(saved, ada.facts, ada.playbook)
    assert again == ada
    assert again.qualifications == ada.qualifications
    assert again.wake_at == ada.wake_at
    assert again.tick(at(99)) == ada.tick(at(99))


def test_a_return_from_recycling_waits_for_the_cool_down_and_then_happens_by_itself():
    ada = began(readiness=None).record(call(1, "sample_used")).recycle("bad timing", at=at(2), by=SALES)
    back = ada.record(call(3, "reply"))
    assert back.stage == "recycled"
    assert back.wake_at.at == at(32)
    assert back.tick(at(32)).stage == "lead"


def test_ibm_moves_as_its_tests_are_passed_and_failed():
    ada = Journey.start("ada", ibm(), at=T0).record(Identified(at=T0))
    assert ada.stage == "lead"
    ada = ada.record(call(1, "product_page")).record(call(1.1, "product_page"))
    assert ada.stage == "mql"
    for name in ("need", "budget", "authority", "timing"):
        ada = ada.record(yes(name, 2))
    assert ada.stage == "sql"
    assert ada.record(yes("need", 3, value=False)).stage == "mql"  # the need is met elsewhere
    assert ada.tick(at(32)).stage == "mql"
    assert ada.record(Sold(at=at(4))).stage == "customer"


def test_verbs_grant_and_withdraw_or_raise_and_add_nothing():
    ada = warm()
    won = ada.grant("sql", at=at(1), by=SALES, expires=at(9), evidence=(ada.facts[0].id,))
    assert (won.stage, won.qualifications["sql"].expires) == ("sql", at(9))
    assert won.qualifications["sql"].evidence == (ada.facts[0].id,)
    assert won.withdraw("sql", "changed their mind", at=at(2), by=SALES).stage == "mql"
    with pytest.raises(NotPermitted, match="granted by hand by sales"):
        ada.grant("sql", at=at(1), by=MIA)
    with pytest.raises(NotPermitted, match="'mine' cannot be granted by hand"):
        began(QualificationRule(name="mine", enter=holds("mql"))).grant("mine", at=at(1), by=SALES)
    with pytest.raises(UnknownName):
        ada.withdraw("slq", at=at(1), by=SALES)


def test_a_decision_says_what_holds_on_what_and_what_to_ask_next():
    ada = warm()
    for name in ("need", "budget"):
        ada = ada.record(yes(name, 1))
    open_one = ada.decision("sql", at=at(1))
    assert (bool(open_one), open_one.by, open_one.granted_by) == (False, None, ("sales",))
    assert open_one.missing == (
        "evidence of authority",
        "evidence of timing less than 30 days old",
        "evidence of urgent_need less than 3 days old",
    )
    assert "sql: not held" in str(open_one)
    held_one = ada.decision("mql", at=at(1))
    assert (held_one.held, held_one.by, held_one.expires) == (True, "system", at(90.6))
    assert "mql: held until" in str(held_one)
    assert held_one.to_dict()["enter"]["value"] is True
    assert json.dumps(open_one.to_dict())
    assert "evidence of authority" in open_one._repr_html_()
    banded = began(QualificationRule(name="mine", enter=count("call") >= 1, leave=count("page_view") >= 1))
    assert "leave" in str(banded.decision("mine", at=at(1)))
    assert "leave" in banded.decision("mine", at=at(1))._repr_html_()
    assert banded.decision("mine", at=at(1)).to_dict()["leave"]["value"] is False
    assert Journey("bo", mql_pql_sql()).decision("sql", at=at(1)).since is None
    by_hand = began(QualificationRule(name="mine", granted_by="sales")).decision("mine", at=at(1))
    assert (by_hand.enter, by_hand.missing, by_hand.to_dict()["enter"]) == (None, (), None)
    with pytest.raises(UnknownName, match="did you mean 'mql'"):
        ada.decision("mqll", at=at(1))


def test_wake_at_names_when_a_person_may_do_what_they_may_not_now():
    plan = mql_pql_sql().lifecycle
    rules = tuple(
        rule.replace(guard=inactive(days(20))) if rule.trigger == "recycle" else rule for rule in plan.transitions
    )
    patient = mql_pql_sql().replace(readiness=None).with_lifecycle(plan.replace(transitions=rules))
    ada = Journey.start("ada", patient, at=T0).record(call(1, "sample_used"))
    assert ada.wake_at == (at(21), "whether 'recycle' is allowed may change")
    assert not ada.may("recycle", at=at(21) - TICK, reason="budget")
    assert ada.may("recycle", at=at(21), reason="budget")


def test_an_automatic_move_on_a_fading_score_is_looked_at_on_the_grid():
    plan = mql_pql_sql().lifecycle.without("lapse")
    rules = tuple(
        rule.replace(guard=(score("research") < 5) & (count("download") >= 1)) if rule.trigger == "qualify" else rule
        for rule in plan.transitions
    )
    slow = mql_pql_sql().replace(readiness=None).with_lifecycle(plan.replace(transitions=rules))
    ada = Journey.start("ada", slow, at=T0).record(call(1, "download"))
    assert ada.stage == "lead"
    assert ada._data.shown.rules.timer.why == "a review may change whether a move that waits is possible"
    assert ada.tick(at(20)).stage == "mql"


def test_an_automatic_move_on_a_broken_policy_is_told_and_nobody_moves():
    def broken(lead, activities, *, at):
        raise ZeroDivisionError

    plan = mql_pql_sql().lifecycle
    rules = tuple(
        rule.replace(guard=score("broken") >= 1) if rule.trigger == "qualify" else rule for rule in plan.transitions
    )
    book_ = mql_pql_sql().with_score(CustomPolicy.of(broken)).with_lifecycle(plan.replace(transitions=rules))
    ada = Journey.start("ada", book_, at=T0).record(call(1))
    assert (ada.stage, ada.version) == ("lead", 2)
    assert "could not be evaluated" in str(ada.explain())


def test_a_grant_counts_for_nothing_under_a_playbook_that_does_not_know_it():
    mine = QualificationRule(name="mine", granted_by="sales")
    ada = began(mine).grant("mine", at=at(1), by=SALES)
    other = ada.under(mql_pql_sql())
    assert not held(other)
    assert "has no qualification 'mine'" in str(other.receipt.refusals[0])


def test_a_policy_with_a_zone_of_its_own_is_asked_by_its_own_calendar():
    own = mql_pql_sql().score_by_name["research"].replace(name="own", zone="Asia/Tokyo")
    mine = QualificationRule(name="mine", enter=score("own") >= 10)
    ada = Journey.start("ada", mql_pql_sql().with_score(own).with_qualifications(mine), at=T0)
    assert held(ada.record(call(1, "download")))


def test_a_qualification_holds_from_its_granting_until_its_expiry():
    found = began().record(call(1, "sample_used")).qualifications["pql"]
    assert found.holds(at(1))
    assert not found.holds(at(1) - TICK)
    assert not found.holds(at(181))


def test_an_automatic_move_to_nowhere_is_told_as_such():
    plan = mql_pql_sql().lifecycle
    rules = [rule.replace(target="nowhere") if rule.trigger == "qualify" else rule for rule in plan.transitions]
    with pytest.raises(InvalidDefinition, match="'nowhere' is not declared"):
        plan.replace(transitions=tuple(rules))


def test_a_view_without_scores_waits_for_none():
    from leadlife import Lead
    from leadlife.qualification.rule_index import Horizon, horizon
    from leadlife.scoring.view import LeadView

    assert horizon((score("x") >= 1,), LeadView(Lead(id="x"), (), T0)) == Horizon()
