"""Moves that wait: orders that come early, limits that were refused, and custom code that reads the time."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from leadlife import (
    ActivityRecorded,
    Actor,
    EvidenceGiven,
    Identified,
    Journey,
    Lifecycle,
    Limit,
    Moved,
    Playbook,
    QualificationGranted,
    QualificationRule,
    Retracted,
    Sold,
    Stage,
    StageReached,
    Transition,
    days,
    elapsed,
)
from leadlife.criteria import CustomGuard, count, days_in_stage, evidence, holds, in_stage, role, score, sold
from leadlife.errors import InvalidDefinition
from leadlife.facts import load_fact
from leadlife.journey import timers
from leadlife.money import Money
from leadlife.presets import PRESETS, eight_stage
from leadlife.scoring import ActivityRule, CustomPolicy, Points, Score, WeightedSum
from stories import SALES, T0, at

MARKETING = Actor(id="mia", roles="marketing")

SECOND = timedelta(seconds=1)


def book(*transitions, stages=(), limit=None, **more):
    """Return a playbook with the stages work, deal, won, lost and rest."""
    work = Stage(id="work") if limit is None else Stage(id="work", limit=limit)
    return Playbook(
        id="p",
        lifecycle=Lifecycle(
            stages=(
                work,
                Stage(id="deal"),
                *stages,
                Stage(id="won", status="won"),
                Stage(id="lost", status="lost"),
                Stage(id="rest", status="recycled"),
            ),
            transitions=transitions,
        ),
        **more,
    )


OPEN = Transition(trigger="open", sources="work", target="deal")
WIN = Transition(trigger="win", sources="deal", target="won", on="sold", pending=True, guard=sold())
LOSE = Transition(trigger="lose", sources=("work", "deal"), target="lost")
RECYCLE = Transition(trigger="recycle", sources=("work", "deal"), target="rest")
REOPEN = Transition(trigger="reopen", sources=("won", "lost"), kind="reopen")
AGAIN = Transition(trigger="again", sources="won", target="work")
RETURN = Transition(trigger="return", sources="rest", target="work")
DEALS = book(OPEN, WIN, LOSE, RECYCLE, REOPEN, AGAIN, RETURN)


def begun(playbook=DEALS):
    return Journey.start("ada", playbook, at=T0)


class TestOrdersThatComeEarly:
    def test_a_sale_recorded_before_its_move_is_legal_wins_as_soon_as_it_is(self):
        early = begun().record(Sold(at=at(1)))
        assert (early.stage, early.receipt.status) == ("work", "pending")
        assert early.receipt.refusals[0].code == "illegal_move"
        assert [(one.trigger, one.at) for one in early.pending] == [("win", at(1))]
        opened = early.move("open", at=at(1) + 5 * SECOND)
        assert opened.stage == "won"
        assert opened.pending == ()
        assert "win (forward), ordered before it was legal" in str(opened.explain())
        assert [entry.status for entry in opened.log] == ["stands"] * 3
        assert early.tick(at(9)).log[-1].status == "pending"
        assert early.move("lose", at=at(2)).log[1].status == "refused"

    def test_the_eight_stages_never_recycle_a_paying_customer(self):
        lead = Journey.start("ada", eight_stage(), at=T0, stage="name").record(
            StageReached(stage="sales_lead", infer_gaps=True, at=T0)
        )
        assert lead.stage == "sales_lead"
        sold_early = lead.record(Sold(at=at(1)))
        assert sold_early.stage == "sales_lead"
        assert sold_early.tick(at(300)).stage == "sales_lead"
        refused = sold_early.tick(at(300)).derived[-1]
        assert (refused.type, refused.code) == ("timer_refused", "sale_pending")
        qualified = sold_early.grant("sql", at=at(1) + 5 * SECOND, by=SALES)
        opened = qualified.move("open", at=at(1) + 5 * SECOND, by=SALES)
        assert opened.stage == "customer"

    @pytest.mark.parametrize("preset", PRESETS)
    def test_every_preset_lets_a_sale_wait(self, preset):
        rules = PRESETS[preset]().lifecycle.transitions
        assert [rule.pending for rule in rules if rule.on == "sold"] == [True]

    def test_a_closing_ends_the_wait_and_reopening_revives_it(self):
        lost = begun().record(Sold(at=at(1))).move("lose", at=at(2))
        assert lost.pending == ()
        reopened = lost.move("reopen", at=at(3))
        assert [one.trigger for one in reopened.pending] == ["win"]
        assert reopened.move("open", at=at(4)).stage == "won"

    def test_a_win_that_is_reopened_is_not_won_again_by_the_sale_that_won_it(self):
        won = begun().record(Sold(at=at(1))).move("open", at=at(2))
        assert won.move("reopen", at=at(3)).stage == "deal"
        direct = begun().move("open", at=at(1)).record(Sold(at=at(2)))
        assert direct.move("reopen", at=at(3)).stage == "deal"

    def test_a_renewal_never_wins_the_next_deal(self):
        customer = begun().record(Sold(at=at(1))).move("open", at=at(2))
        renewed = customer.record(Sold(at=at(3)))
        assert renewed.pending == ()
        assert renewed.move("again", at=at(4)).move("open", at=at(5)).stage == "deal"

    def test_what_pends_ends_with_its_cycle(self):
        rested = begun().record(Sold(at=at(1))).move("recycle", at=at(2))
        assert rested.pending == ()
        assert rested.move("return", at=at(3)).move("open", at=at(4)).stage == "deal"

    def test_a_fact_in_a_recycled_stage_does_not_wait(self):
        rested = begun().move("recycle", at=at(1)).record(Sold(at=at(2)))
        assert rested.pending == ()
        assert rested.move("return", at=at(3)).move("open", at=at(4)).stage == "deal"

    def test_a_sale_that_is_retracted_waits_no_more(self):
        early = begun().record(Sold(at=at(1)))
        taken_back = early.record(Retracted(target=early.facts[-1].id, at=at(2)))
        assert taken_back.pending == ()
        assert taken_back.move("open", at=at(3)).stage == "deal"

    def test_without_pending_a_refused_fact_is_never_looked_at_again(self):
        strict = book(OPEN, WIN.replace(pending=False), RECYCLE)
        assert begun(strict).record(Sold(at=at(1))).move("open", at=at(2)).stage == "deal"

    def test_an_order_keeps_the_roles_of_who_gave_it(self):
        roles = WIN.replace(roles="sales")
        allowed = book(OPEN, roles, roles=("sales", "marketing"))
        by_marketing = begun(allowed).record(Sold(at=at(1), by=MARKETING))
        assert by_marketing.pending == ()  # it could never fire, so it would hold the lead for ever
        assert by_marketing.move("open", at=at(2)).stage == "deal"
        both = by_marketing.record(Sold(at=at(1.5), by=Actor(id="sam", roles="sales")))
        assert len(both.pending) == 1
        assert both.move("open", at=at(2)).explain()[-1].by == "sam"

    def test_an_order_waits_for_its_guard_and_for_time(self):
        later = book(
            Transition(trigger="open", sources="work", target="deal", on="evidence", pending=True,
                       guard=evidence("fit") & (count("call", within=days(7)) < 1)),
            evidence={"fit": ""}, activity_kinds={"call": {}},
        )  # fmt: skip
        called = begun(later).record(ActivityRecorded(kind="call", at=at(1)))
        waiting = called.record(EvidenceGiven(name="fit", at=at(2)))
        assert waiting.stage == "work"
        assert waiting.wake_at.at == at(8)
        assert waiting.tick(at(8)).stage == "deal"
        assert waiting.tick(at(8)).visits[-1].entered == at(8)

    def test_a_sale_waits_though_it_fires_another_move_at_once(self):
        tag = Transition(trigger="tag", sources="work", on="sold", kind="forward")
        for rules in ((WIN, tag), (tag, WIN)):
            tagged = begun(book(OPEN, *rules, RECYCLE, RETURN, limit=Limit(after=days(5), trigger="recycle")))
            sold_early = tagged.record(Sold(at=at(1)))
            assert [one.trigger for one in sold_early.pending] == ["win"]
            assert sold_early.tick(at(9)).stage == "work"
            assert sold_early.move("open", at=at(9)).stage == "won"

    def test_many_equal_orders_are_kept_once(self):
        lead = begun().record_all(
            Sold(at=at(1) + n * SECOND, amount=Money(amount=n + 1, currency="EUR")) for n in range(50)
        )
        assert len(lead.pending) == 1

    def test_a_person_may_recycle_a_lead_whose_sale_waits(self):
        assert begun().record(Sold(at=at(1))).move("recycle", at=at(2)).stage == "rest"

    def test_an_automatic_move_does_not_recycle_it(self):
        auto = Transition(trigger="drop", sources="work", target="rest", automatic=True, guard=evidence("gone"))
        lead = begun(book(OPEN, WIN, auto, evidence={"gone": ""}))
        assert lead.record(EvidenceGiven(name="gone", at=at(1))).stage == "rest"
        kept = lead.record(Sold(at=at(1))).record(EvidenceGiven(name="gone", at=at(2)))
        assert kept.stage == "work"

    def test_pending_is_for_what_a_fact_fires(self):
        with pytest.raises(InvalidDefinition, match="only what a kind of fact fires can wait"):
            book(OPEN.replace(pending=True))

    def test_what_pends_survives_a_snapshot(self):
        early = begun().record(Sold(at=at(1), by=Actor(id="sam", roles="sales")))
        again = Journey.resume(early.snapshot(), [load_fact(fact.dump()) for fact in early.facts], DEALS)
        assert again == early
        assert again.move("open", at=at(2)).stage == "won"

    def test_what_pends_goes_along_when_a_playbook_is_adopted(self):
        early = begun().record(Sold(at=at(1)))
        newer = Playbook(id="p", version="2", lifecycle=DEALS.lifecycle)
        assert early.adopt(newer, at=at(2)).move("open", at=at(3)).stage == "won"
        without = book(OPEN, WIN.replace(pending=False), RECYCLE).replace(version="3")
        assert early.adopt(without, at=at(2)).move("open", at=at(3)).stage == "deal"


class TestLimitsThatWereRefused:
    def test_it_is_retried_when_time_makes_its_guard_true(self):
        quiet = count("call", within=days(20)) < 1
        lead = begun(book(RECYCLE.replace(guard=quiet), OPEN, RETURN, limit=Limit(after=days(14), trigger="recycle"),
                          activity_kinds={"call": {}}))  # fmt: skip
        called = lead.record(ActivityRecorded(kind="call", at=at(0.5)))
        assert called.tick(at(14)).stage == "work"
        assert called.tick(at(14)).wake_at.at == at(20.5)
        assert called.tick(at(30)).visits[-1].entered == at(20.5)

    def test_it_is_told_once_however_often_somebody_looks(self):
        lead = begun(book(RECYCLE.replace(guard=evidence("gone")), OPEN, limit=Limit(after=days(1), trigger="recycle"),
                          evidence={"gone": "", "other": ""}))  # fmt: skip
        for day in range(2, 9):
            lead = lead.tick(at(day)).record(EvidenceGiven(name="other", at=at(day)))
        assert [fact.type for fact in lead.derived] == ["timer_refused"]
        assert lead.record(EvidenceGiven(name="gone", at=at(10))).stage == "rest"

    def test_an_internal_move_that_was_refused_is_made_once(self):
        note = Transition(trigger="note", sources="work", kind="forward", guard=evidence("gone"))
        lead = begun(book(note, OPEN, limit=Limit(after=days(1), trigger="note"), evidence={"gone": "", "other": ""}))
        noted = lead.tick(at(2)).record(EvidenceGiven(name="gone", at=at(3)))
        assert [fact.type for fact in noted.derived] == ["timer_refused", "moved"]
        assert len(noted.record(EvidenceGiven(name="other", at=at(4))).derived) == 2

    def test_a_limit_that_is_spent_leaves_that_of_an_adopted_playbook_running(self):
        remind = Transition(trigger="remind", sources="work", kind="forward")
        old = book(OPEN, remind, limit=Limit(after=days(5), trigger="remind"))
        expire = Transition(trigger="expire", sources="work", target="rest")
        new = book(OPEN, remind, expire, RETURN, limit=Limit(after=days(14), trigger="expire"), version="2")
        assert begun(old).adopt(new, at=at(10)).tick(at(30)).visits[-1].entered == at(14)
        moving = book(
            OPEN, expire.replace(trigger="remind"), RETURN, limit=Limit(after=days(5), trigger="remind"), version="2"
        )
        assert begun(old).tick(at(10)).adopt(moving, at=at(10)).stage == "rest"
        same = old.replace(version="2")
        assert len(begun(old).adopt(same, at=at(10)).tick(at(30)).derived) == 1

    def test_an_internal_move_that_waited_lets_the_next_one_follow(self):
        note = Transition(trigger="note", sources="work", kind="forward", guard=evidence("go"))
        auto = Transition(trigger="auto", sources="work", target="deal", automatic=True, guard=evidence("go"))
        lead = begun(book(note, auto, limit=Limit(after=days(1), trigger="note"), evidence={"go": ""})).tick(at(2))
        assert lead.record(EvidenceGiven(name="go", at=at(3))).stage == "deal"

    def test_a_circle_of_timers_comes_to_an_end_and_says_so(self, monkeypatch):
        monkeypatch.setattr(timers, "MOST_TIMED_MOVES", 50)
        forth = Transition(trigger="forth", sources="work", target="deal")
        back = Transition(trigger="back", sources="deal", target="work", automatic=True, guard=evidence("yes"))
        playbook = book(forth, back, limit=Limit(after=elapsed(seconds=1), trigger="forth"), evidence={"yes": ""})
        lead = begun(playbook).record(EvidenceGiven(name="yes", at=T0))
        ticked = lead.tick(at(365))
        assert [fact.code for fact in ticked.derived if fact.type == "rule_failed"] == ["endless_moves"]
        assert "time alone has moved the lead 50 times since the last fact" in str(ticked.explain())
        assert ticked.wake_at is None
        assert lead.tick(at(0.5)).tick(at(365)).derived == ticked.derived
        assert Journey.resume(ticked.snapshot(), ticked.facts, playbook).tick(at(365)) == ticked
        again = ticked.record(EvidenceGiven(name="yes", value=False, at=at(366)))
        assert again.tick(at(367)).stage == "deal"

    def test_a_reentry_that_a_cool_down_refused_is_made_at_its_end(self):
        rest = Stage(id="nap", status="recycled", cool_down=days(30), limit=Limit(after=days(10), trigger="wake"))
        lead = begun(
            book(
                Transition(trigger="doze", sources="work", target="nap"),
                Transition(trigger="wake", sources="nap", target="work"),
                stages=(rest,),
            )
        )
        dozing = lead.move("doze", at=at(1))
        assert dozing.tick(at(11)).derived[-1].code == "cooling_down"
        assert dozing.tick(at(40)).visits[-1].entered == at(31)

    def test_an_order_comes_before_the_limit_and_the_limit_before_an_automatic_move(self):
        ready = evidence("ready")
        rules = (
            Transition(trigger="auto", sources="work", target="lost", automatic=True, guard=ready),
            Transition(trigger="late", sources="work", target="rest", guard=ready),
            Transition(trigger="order", sources="work", target="deal", on="identified", pending=True, guard=ready),
        )
        lead = begun(book(*rules, limit=Limit(after=days(1), trigger="late"), evidence={"ready": ""}))
        both = lead.record(Identified(at=at(0.5))).tick(at(2))
        assert both.record(EvidenceGiven(name="ready", at=at(3))).stage == "deal"
        assert lead.record(EvidenceGiven(name="ready", at=at(3))).stage == "rest"
        assert lead.record(EvidenceGiven(name="ready", at=at(0.3))).stage == "lost"


def on_fridays(view):
    return view.at.weekday() == 4


def never_reads_time(view):
    return view.evidence("yes") is not None


class TestCustomCodeThatReadsTheTime:
    def auto(self, guard, **more):
        move = Transition(trigger="go", sources="work", target="deal", automatic=True, guard=guard)
        return begun(book(move, activity_kinds={"page": {}, "call": {}}, evidence={"yes": ""}, **more))

    def test_a_guard_that_reads_the_instant_is_asked_at_every_review(self):
        monday = self.auto(on_fridays)
        assert T0.weekday() == 0
        assert monday.wake_at.at == datetime(T0.year, T0.month, T0.day + 1, tzinfo=UTC)
        friday = datetime(T0.year, T0.month, T0.day + 4, tzinfo=UTC)
        assert monday.tick(at(30)).visits[-1].entered == friday

    def test_a_guard_that_leaves_the_instant_unread_never_wakes_anybody(self):
        assert self.auto(never_reads_time).wake_at is None

    def test_a_guard_may_say_that_it_never_changes(self):
        guard = CustomGuard(name="late", call=lambda view: view.at is None, next_change=lambda view: None)
        assert self.auto(guard).wake_at is None

    def test_a_guard_that_says_when_it_changes_is_asked_then(self):
        due = at(3.3)
        guard = CustomGuard(
            name="late", call=lambda view: view.at >= due, next_change=lambda view: due if view.at < due else None
        )
        lead = self.auto(guard)
        assert lead.wake_at.at == due
        assert lead.tick(at(9)).visits[-1].entered == due
        assert lead.tick(at(9)).wake_at is None

    @pytest.mark.parametrize(
        "reads",
        [
            lambda view: view.reviewed().at,
            lambda view: view.in_zone("Asia/Tokyo").at,
            lambda view: view.aged,
            lambda view: T0 + timedelta(hours=10 - view.score("fading").value),
        ],
        ids=["reviewed", "zone", "aged", "score"],
    )
    def test_the_time_is_read_however_it_is_reached(self, reads):
        def late(view):
            return reads(view) >= T0 + timedelta(hours=1)

        fading = Points(
            name="fading", start=10, rules=(ActivityRule(name="a", kinds="page", points=9, half_life=elapsed(days=1)),)
        )
        lead = self.auto(late, scores=(fading,)).record(ActivityRecorded(kind="page", at=T0))
        assert lead.wake_at is not None

    @pytest.mark.parametrize(
        "answer",
        [datetime.min.replace(tzinfo=timezone(timedelta(hours=5))), T0 - SECOND],
        ids=["the beginning of time", "past"],
    )
    def test_a_next_change_that_has_passed_means_any_moment(self, answer):
        guard = CustomGuard(name="late", call=lambda view: view.at is None, next_change=lambda view: answer)
        assert self.auto(guard).wake_at.at == datetime(T0.year, T0.month, T0.day + 1, tzinfo=UTC)

    @pytest.mark.parametrize("answer", [5, datetime(2026, 1, 1)], ids=["number", "naive"])
    def test_a_next_change_that_is_no_instant_is_an_error(self, answer):
        guard = CustomGuard(name="late", call=lambda view: view.at is None, next_change=lambda view: answer)
        lead = self.auto(guard)
        told = [fact for fact in lead.derived if fact.type == "rule_failed"]
        assert told == []  # the guard itself answered
        with pytest.raises(Exception, match="next_change"):
            lead.verdict(guard, at=at(1))

    def test_a_rule_on_custom_code_is_looked_at_on_the_grid_and_never_by_an_unrelated_timer(self):
        rule = QualificationRule(name="friday", enter=on_fridays)
        hourly = QualificationRule(name="fresh", enter=evidence("yes", within=elapsed(hours=7)))
        lead = begun(book(OPEN, qualifications=(rule,), evidence={"yes": ""}))
        other = begun(book(OPEN, qualifications=(rule, hourly), evidence={"yes": ""}))
        for day in range(12):
            told = EvidenceGiven(name="yes", at=at(day))
            lead, other = lead.record(told), other.record(told)
        both = [[fact.at for fact in one.derived if getattr(fact, "name", "") == "friday"] for one in (lead, other)]
        assert both[0] == both[1] != []

    def test_a_policy_of_ones_own_is_asked_at_every_review_unless_it_is_timeless(self):
        def age(lead, activities, *, at):
            return (at - T0).days

        def seen(lead, activities, *, at):
            return len(activities)

        guard = score("own") >= 5
        by_age = self.auto(guard, scores=(CustomPolicy.of(age, name="own"),))
        assert by_age.wake_at is not None
        assert by_age.tick(at(30)).visits[-1].entered == datetime(T0.year, T0.month, T0.day + 6, tzinfo=UTC)
        timeless = self.auto(guard, scores=(CustomPolicy.of(seen, name="own", timeless=True),))
        assert timeless.wake_at is None

    def test_a_policy_that_says_when_it_changes_is_believed_though_it_says_nothing_afterwards(self):
        def warm(lead, activities, *, at):
            over = max((one.at for one in activities), default=T0 - timedelta(days=9)) + timedelta(hours=55)
            points = {"called": 10 if at < over else 0}
            return Score.of("warm", points, at=at, changes_at=over if at < over else None)

        rule = QualificationRule(name="warm", enter=score("warm") >= 5)
        scores = (CustomPolicy.of(warm, name="warm"),)
        lead = begun(book(OPEN, qualifications=(rule,), scores=scores, activity_kinds={"call": {}}))
        called = lead.record(ActivityRecorded(kind="call", at=at(1)))
        over = at(1) + timedelta(hours=55)
        assert called.wake_at.at == over
        assert "warm" in called.tick(over - SECOND).qualifications
        assert "warm" not in called.tick(over).qualifications

    def test_a_guard_that_breaks_is_told_once_and_tried_again(self):
        broken = [True]

        def fragile(view):
            if broken:
                raise RuntimeError
            return True

        lead = self.auto(fragile)
        looked = lead.tick(at(5)).record(ActivityRecorded(kind="page", at=at(5)))
        assert [fact.type for fact in looked.derived] == ["rule_failed"]
        broken.clear()
        assert looked.tick(at(7)).stage == "deal"


class TestWhatConfirms:
    def test_a_refused_grant_says_nothing(self):
        keen = QualificationRule(name="keen", enter=holds("seen") | evidence("yes"), valid_for=days(10))
        seen = QualificationRule(name="seen", granted_by="sales")
        playbook = book(OPEN, RECYCLE, RETURN, qualifications=(seen, keen), evidence={"yes": ""}, roles="sales")
        told = begun(playbook).record(EvidenceGiven(name="yes", at=at(1)))
        assert told.record(QualificationGranted(name="seen", at=at(5))).qualifications["keen"].expires == at(11)
        by_sales = QualificationGranted(name="seen", at=at(5), by=SALES)
        assert told.record(by_sales).qualifications["keen"].expires == at(15)
        rested = told.move("recycle", at=at(2))
        by_nobody = rested.record(QualificationGranted(name="seen", at=at(3)))
        assert by_nobody.receipt.status == "refused"
        assert "keen" not in by_nobody.qualifications
        assert "keen" in rested.record(QualificationGranted(name="seen", at=at(3), by=SALES)).qualifications

    def test_who_grants_a_rule_on_the_stage_again_allows_it_again(self):
        here = QualificationRule(name="here", enter=in_stage("work", "deal", "won"), granted_by="sales")
        lead = begun(book(OPEN, WIN, qualifications=(here,), roles="sales")).withdraw("here", at=at(1), by=SALES)
        won = lead.move("open", at=at(2)).record(Sold(at=at(3)))
        assert "here" not in won.qualifications
        allowed = lead.grant("here", at=at(1.5), by=SALES).move("open", at=at(2)).record(Sold(at=at(3)))
        assert "here" in allowed.qualifications

    def test_a_guard_that_changes_often_stops_no_limit(self, monkeypatch):
        monkeypatch.setattr(timers, "MOST_TIMED_MOVES", 50)
        busy = CustomGuard(
            name="busy", call=lambda view: False, next_change=lambda view: view.at + timedelta(minutes=5)
        )
        rule = QualificationRule(name="busy", enter=busy)
        lead = begun(book(OPEN, RECYCLE, RETURN, limit=Limit(after=days(9), trigger="recycle"), qualifications=(rule,)))
        assert lead.tick(at(10)).visits[-1].entered == at(9)


class TestPartsThatBreak:
    def test_a_broken_part_hides_no_instant_at_which_another_part_decides(self):
        lead = self.begun((score("broken") >= 1) | (days_in_stage() >= 3))
        assert "keen" in lead.tick(at(9)).qualifications
        assert lead.tick(at(9)).qualifications["keen"].granted == at(3)

    def test_a_policy_that_reads_the_time_is_not_asked_at_the_timer_of_another_rule(self):
        def odd_hour(lead, activities, *, at):
            return 10 if at.hour % 2 else 0

        odd = QualificationRule(name="odd", enter=score("odd") >= 5)
        other = QualificationRule(name="other", enter=evidence("yes", within=elapsed(hours=6)))
        scores = (CustomPolicy.of(odd_hour, name="odd"),)
        told = EvidenceGiven(name="yes", at=T0 + timedelta(hours=1))  # ten o'clock; the window ends at four
        alone = begun(book(OPEN, qualifications=(odd,), scores=scores, evidence={"yes": ""})).record(told)
        beside = begun(book(OPEN, qualifications=(odd, other), scores=scores, evidence={"yes": ""})).record(told)
        named = [
            [(fact.at, fact.type) for fact in one.tick(at(3)).derived if fact.name == "odd"] for one in (alone, beside)
        ]
        assert named[0] == named[1]

    def begun(self, enter):
        broken = CustomPolicy.of(lambda lead, activities, *, at: 1 / 0, name="broken")
        rule = QualificationRule(name="keen", enter=enter)
        return begun(book(OPEN, qualifications=(rule,), scores=(broken,), evidence={"yes": "", "no": ""}))

    @pytest.mark.parametrize("first", [True, False])
    def test_a_broken_part_that_is_not_needed_keeps_nothing_from_being_granted(self, first):
        parts = (evidence("yes"), score("broken") >= 1)
        lead = self.begun(parts[0] | parts[1] if first else parts[1] | parts[0])
        keen = lead.record(EvidenceGiven(name="yes", at=at(1)))
        assert "keen" in keen.qualifications
        assert "not answered" in keen.qualifications["keen"].verdict.tree()

    def test_one_that_is_needed_is_reported_once(self):
        lead = self.begun(evidence("yes") & (score("broken") >= 1)).record(EvidenceGiven(name="yes", at=at(1)))
        again = lead.tick(at(9)).record(EvidenceGiven(name="no", at=at(9)))
        assert [fact.type for fact in again.derived] == ["rule_failed"]

    def test_a_guard_that_is_false_without_the_broken_part_is_not_met(self):
        broken = CustomGuard(name="broken", call=lambda view: 1 / 0)
        guarded = OPEN.replace(guard=evidence("yes") & broken)
        lead = begun(book(guarded, evidence={"yes": ""})).record(EvidenceGiven(name="yes", value=False, at=at(1)))
        refusal = lead.may("open", at=at(2)).refusals[0]
        assert refusal.code == "guard_not_met"


class TestHalfLivesAndOtherTimers:
    FADING = Points(
        name="interest",
        rules=(ActivityRule(name="pages", kinds="page", points=10, half_life=elapsed(days=2)),),
    )

    def life(self, *more):
        hot = QualificationRule(name="hot", enter=score("interest") >= 6)
        kinds = {"page": {}, "call": {}}
        playbook = book(OPEN, scores=(self.FADING,), qualifications=(hot, *more), activity_kinds=kinds)
        lead = begun(playbook)
        for hours in (10, 100, 101, 200, 300):
            lead = lead.record(ActivityRecorded(kind="page", at=T0 + timedelta(hours=hours)))
        return lead.tick(at(20))

    def changes(self, lead):
        return [(fact.type, fact.at) for fact in lead.derived if getattr(fact, "name", "") == "hot"]

    def test_a_rule_that_nothing_reads_changes_nothing_else(self):
        alone = self.changes(self.life())
        assert len(alone) > 2
        for hours in (5, 7, 13, 24, 38):
            other = QualificationRule(name="other", enter=count("page", within=elapsed(hours=hours)) >= 1)
            assert self.changes(self.life(other)) == alone

    def test_a_limit_asks_for_the_value_of_the_last_review(self):
        hot = RECYCLE.replace(guard=score("interest") >= 6)
        limit = Limit(
            after=elapsed(hours=36), trigger="recycle"
        )  # 21:00; the half-life takes the value below 6 at 20:22
        cold = book(OPEN, hot, RETURN, limit=limit, scores=(self.FADING,), activity_kinds={"page": {}})
        lead = begun(cold).record(ActivityRecorded(kind="page", at=T0))
        seen = lead.tick(T0 + timedelta(hours=36))
        assert seen.score("interest", at=seen.at).value < 6
        assert seen.stage == "rest"

    def test_a_timer_on_the_grid_keeps_the_review_of_that_instant(self):
        midnight = datetime(T0.year, T0.month, T0.day + 6, tzinfo=UTC)
        window = midnight - (T0 + timedelta(hours=100))
        other = QualificationRule(
            name="other", enter=count("page", within=elapsed(seconds=int(window.total_seconds()))) >= 2
        )
        assert self.changes(self.life(other)) == self.changes(self.life())


def test_roles_are_asked_of_whoever_ordered(monkeypatch):
    rule = WIN.replace(guard=sold() & role("sales"))
    lead = begun(book(OPEN, rule, roles="sales")).record(Sold(at=at(1), by=SALES))
    assert lead.record(Moved(trigger="open", at=at(2))).stage == "won"


@pytest.mark.parametrize("by_hand", [False, True])
def test_an_expiry_past_the_end_of_the_calendar_never_comes(by_hand):
    rule = QualificationRule(name="fit", enter=evidence("yes"), valid_for=days(36_500), granted_by="sales")
    playbook = book(OPEN, qualifications=(rule,), evidence={"yes": ""}, roles="sales")
    late = datetime(2200, 1, 1, tzinfo=UTC)
    lead = Journey.start("ada", playbook, at=late)
    held = lead.grant("fit", at=late, by=SALES) if by_hand else lead.record(EvidenceGiven(name="yes", at=late))
    assert held.qualifications["fit"].expires is None
    assert [fact.type for fact in held.derived] == ([] if by_hand else ["qualified"])
    assert held.wake_at is None
    again = held.record(EvidenceGiven(name="yes", at=late + timedelta(days=1)))
    assert again.qualifications["fit"].expires is None
    assert Journey.resume(again.snapshot(), again.facts, playbook) == again


def test_a_next_change_past_the_end_of_the_calendar_never_comes():
    guard = CustomGuard(name="late", call=on_fridays, next_change=lambda view: datetime(9000, 1, 1, tzinfo=UTC))
    move = Transition(trigger="go", sources="work", target="deal", automatic=True, guard=guard)
    assert begun(book(move)).wake_at is None


def test_two_functions_of_one_policy_name_are_a_fault_however_deep():
    def one(lead, activities, *, at):
        return 1

    def two(lead, activities, *, at):
        return 2

    same = [CustomPolicy.of(call, name="mine") for call in (one, two)]
    both = WeightedSum(name="sum", of=[{"policy": policy} for policy in same])
    with pytest.raises(InvalidDefinition, match="policy 'mine' is already the name of another function"):
        book(OPEN, scores=(both,))
    book(OPEN, scores=(WeightedSum(name="sum", of=[{"policy": same[0]}, {"policy": same[0], "weight": 2}]),))
