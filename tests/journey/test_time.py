"""Timers, waking, late facts, views of the past, other playbooks, snapshots, explanations."""

import copy
import pickle
from datetime import UTC, datetime, timedelta

import pytest

from leadlife import (
    ActivityRecorded,
    EvidenceGiven,
    Identified,
    Journey,
    Lifecycle,
    Limit,
    Malformed,
    Moved,
    MoveRefused,
    Playbook,
    PlaybookAdopted,
    Retracted,
    Sold,
    Stage,
    Transition,
    __version__,
    days,
    elapsed,
    errors,
)
from leadlife.criteria import CustomGuard, evidence
from leadlife.journey import Snapshot
from leadlife.lifecycle import Route
from leadlife.lifecycle.stages import StageStatus
from leadlife.presets import eight_stage
from leadlife.timing import months
from stories import SALES, T0, at

DEEP = {}
for _ in range(600):
    DEEP = {"deeper": DEEP}


@pytest.fixture
def lead():
    journey = Journey.start("ada", eight_stage(), at=T0, stage="name").record(Identified(at=T0))
    journey = journey.record(ActivityRecorded(kind="call", at=at(1))).move("engage", at=at(1))
    journey = journey.record(EvidenceGiven(name="fit", at=at(2))).move("fit", at=at(2))
    return journey.record(EvidenceGiven(name="mql", at=at(3))).move("qualify", at=at(3))


class TestTimers:
    def test_a_limit_fires_at_its_exact_instant(self, lead):
        assert lead.wake_at.at == at(17)
        assert lead.tick(at(17) - timedelta(microseconds=1)).stage == "lead"
        cold = lead.tick(at(17))
        assert cold.stage == "recycled"
        assert cold.derived[-2].reason == "no decision"
        assert cold.derived[-1].by.kind == "timer"
        assert cold.version == lead.version
        assert cold.wake_at == (at(47), "the cool-down of 'recycled' is over")
        assert cold.tick(at(47)).wake_at is None

    def test_a_timer_due_at_an_instant_fires_before_facts_at_it(self, lead):
        both = lead.record(Moved(trigger="accept", at=at(17), by=SALES))
        assert both.stage == "recycled"
        assert both.receipt.status == "refused"

    def test_time_only_passes_forward(self, lead):
        with pytest.raises(Malformed, match="forward"):
            lead.tick(at(1))
        with pytest.raises(Malformed):
            lead.tick("2026-03-30")

    def test_a_timer_that_is_refused_fires_as_soon_as_its_guard_is_true(self):
        rules = (
            Transition(trigger="up", sources="a", target="b", kind="forward", guard=evidence("yes")),
            Transition(trigger="again", sources="a", target="a", kind="forward"),
        )
        a = Stage(id="a", type="sla", limit=Limit(after=days(2), trigger="up"))
        book = Playbook(id="p", lifecycle=Lifecycle(stages=(a, Stage(id="b")), transitions=rules), evidence={"yes": ""})
        journey = Journey.start("x", book, at=T0)
        refused = journey.tick(at(3))
        assert refused.stage == "a"
        assert (refused.derived[0].type, refused.derived[0].code) == ("timer_refused", "guard_not_met")
        assert refused.wake_at is None  # only a fact can make the guard true
        assert len(refused.tick(at(300)).derived) == 1  # it is told once
        later = journey.record(EvidenceGiven(name="yes", at=at(3)))
        assert (later.stage, later.visits[-1].entered) == ("b", at(3))
        assert (later.derived[-1].trigger, later.explain()[-1].by) == ("up", "timer")
        assert journey.move("again", at=at(2.5)).tick(at(4)).stage == "a"  # a new visit, whose limit is timed anew
        assert "timer" in str(refused.explain())

    def test_an_internal_timed_move_is_spent_too(self):
        rules = (Transition(trigger="note", sources="a", kind="forward"),)
        a = Stage(id="a", type="sla", limit=Limit(after=elapsed(hours=1), trigger="note"))
        journey = Journey.start("x", Playbook(id="p", lifecycle=Lifecycle(stages=(a,), transitions=rules)), at=T0)
        told = journey.tick(at(2))
        assert len(told.derived) == 1
        assert len(told.visits) == 1
        assert "in a, by note" in str(told.explain())

    def test_a_month_is_a_month_and_follows_the_zone(self):
        a = Stage(id="a", type="sla", limit=Limit(after=months(1), trigger="up"))
        rules = (Transition(trigger="up", sources="a", target="b", kind="forward"),)
        book = Playbook(id="p", zone="Europe/Berlin", lifecycle=Lifecycle(stages=(a, Stage(id="b")), transitions=rules))
        journey = Journey.start("x", book, at=datetime(2026, 2, 28, 9, tzinfo=UTC))
        assert journey.wake_at.at == datetime(2026, 3, 28, 9, tzinfo=UTC)
        journey = Journey.start("x", book, at=datetime(2026, 3, 28, 12, tzinfo=UTC))
        assert journey.wake_at.at == datetime(2026, 4, 28, 11, tzinfo=UTC)

    def test_an_empty_journey_never_wakes(self):
        assert Journey("x", eight_stage()).wake_at is None
        assert Journey("x", eight_stage()).time_in_stages() == {}


class TestGates:
    def book(self, *, guard=None):
        gate = Stage(
            id="gate",
            type="gate",
            routes=(Route(guard=evidence("yes") if guard is None else guard, target="b"),),
            default="c",
        )
        second = Stage(id="second", type="gate", default="gate")
        lost = Stage(id="lost", status="lost", on_path=False)
        rules = (
            Transition(trigger="go", sources="a", target="second", kind="forward"),
            Transition(trigger="lose", sources=("a", "b", "c"), target="out", kind="exit"),
            Transition(trigger="undo", sources="lost", kind="reopen"),
        )
        out = Stage(id="out", type="gate", default="lost")
        stages = (Stage(id="a"), Stage(id="b"), Stage(id="c"), lost, gate, second, out)
        return Playbook(id="p", lifecycle=Lifecycle(stages=stages, transitions=rules), evidence={"yes": ""})

    def test_a_gate_routes_at_once_and_holds_nobody(self):
        journey = Journey.start("x", self.book(), at=T0)
        yes = journey.record(EvidenceGiven(name="yes", at=T0)).move("go", at=at(1))
        no = journey.move("go", at=at(1))
        assert (yes.stage, no.stage) == ("b", "c")
        assert [visit.stage for visit in no.visits] == ["a", "c"]
        assert [(fact.trigger, fact.target) for fact in no.derived] == [("second", "gate"), ("gate", "c")]
        assert no.derived[1].caused_by == no.derived[0].id
        assert "through second, gate" in str(no.explain())
        assert no.high_water == "c"

    def test_a_target_does_not_choose_among_a_gates_routes(self):
        journey = Journey.start("x", self.book(), at=T0).record(EvidenceGiven(name="yes", at=T0))
        with pytest.raises(errors.IllegalMove, match="routes of a gate decide"):
            journey.move("go", at=at(1), target="c")
        assert journey.move("go", at=at(1), target="b").stage == "b"

    def test_a_gate_is_never_the_stage_that_was_left(self):
        journey = Journey.start("x", self.book(), at=T0).move("go", at=at(1)).move("lose", at=at(2))
        assert journey.move("undo", at=at(3)).stage == "c"

    def test_a_broken_route_stops_the_move(self):
        def broken(view):
            raise OSError

        journey = Journey.start("x", self.book(guard=CustomGuard(name="broken", call=broken)), at=T0)
        with pytest.raises(errors.GuardFailed):
            journey.move("go", at=at(1))


class TestViewsOfThePast:
    def test_what_was_and_what_was_known(self, lead):
        late = lead.record(EvidenceGiven(name="sql", at=at(2.5)), now=at(9))
        assert "sql" in late.as_of(at=at(2.5)).evidence
        assert "sql" not in late.as_of(recorded_at=at(8)).evidence
        assert late.as_of() is late
        assert late.as_of(at=at(1), recorded_at=at(8)).stage == "engagement"

    def test_a_view_shows_only_its_own_facts(self, lead):
        then = lead.as_of(at=at(1))
        assert then.version == len(then.facts) < lead.version
        assert then.at == at(1)
        assert then.receipt.fact == then.facts[-1]
        assert [entry.fact for entry in then.log] == list(then.facts)
        assert lead.as_of(at=at(-1)).stage is None
        with pytest.raises(Malformed, match="nothing has been recorded"):
            _ = lead.as_of(at=at(-1)).receipt

    def test_recording_on_a_view_begins_another_life(self, lead):
        other = lead.as_of(at=at(1)).move("disqualify", reason="poor fit", at=at(2))
        assert other.stage == "disqualified"
        assert lead.stage == "lead"
        assert other.facts[:-1] == lead.as_of(at=at(1)).facts

    def test_a_retraction_counts_in_a_view_whatever_its_own_instant(self, lead):
        engage = next(fact for fact in lead.facts if getattr(fact, "trigger", "") == "engage")
        undone = lead.record(Retracted(target=engage.id, at=at(9)))
        then = undone.as_of(at=at(1.5))
        assert then.stage == "name"
        assert then.facts[-1].type == "retracted"
        assert Journey.replay(then.facts, eight_stage()).as_of(at=at(1.5)).stage == "name"
        assert Journey.resume(then.snapshot(), then.facts, eight_stage()).stage == "name"
        assert then.record(Sold(at=at(2))).stage == "name"

    def test_a_fact_that_lost_its_key_to_a_hidden_one_does_not_come_alive(self, lead):
        journey = lead.record(EvidenceGiven(name="sql", at=at(9), key="k"))
        journey = journey.record(EvidenceGiven(name="sql", value=False, at=at(4), key="k"))
        view = journey.as_of(at=at(5))
        assert "sql" not in view.evidence
        assert "sql" not in view.record(Sold(at=at(5))).evidence

    def test_views_of_views(self, lead):
        assert lead.as_of(at=at(2)).as_of(at=at(1)).stage == "engagement"
        assert lead.as_of(at=at(2)).as_of(at=at(2)) == lead.as_of(at=at(2))


class TestLateFacts:
    def test_a_long_life_folds_anew_from_a_saved_state(self):
        book = eight_stage()
        calls = [ActivityRecorded(kind="call", at=T0 + timedelta(minutes=n)) for n in range(300)]
        journey = Journey.start("x", book, at=T0, stage="name").record_all(calls)
        for minute in (0.5, 63.5, 64.5, 128.5, 250.5, 299.5):
            journey = journey.record(EvidenceGiven(name="fit", at=T0 + timedelta(minutes=minute), key=str(minute)))
            assert journey == Journey.replay(journey.facts, book)
        gone = journey.record(Retracted(target=journey.facts[70].id, at=at(1)))
        assert gone == Journey.replay(gone.facts, book)

    def test_withdrawn_facts_are_listed_for_hosts_that_acted_on_them(self, lead):
        cold = lead.tick(at(20))
        rescued = lead.record(Moved(trigger="accept", at=at(10), by=SALES), now=at(21)).tick(at(22))
        assert [fact.type for fact in rescued.withdrawn_since(cold)] == ["moved", "unqualified"]
        assert rescued.withdrawn_since(cold)[0].trigger == "recycle"
        assert rescued.stage == "sales_lead"
        assert lead.withdrawn_since(lead.tick(at(20))) == ()
        assert [fact.type for fact in rescued.facts_since(lead)] == ["moved", "qualified"]


class TestPlaybooks:
    def second(self, **changes):
        book = eight_stage()
        lifecycle = book.lifecycle
        renamed = {
            "lead": "prospect",
        }

        def new(name):
            return renamed.get(name, name)

        stages = tuple(stage.replace(id=new(stage.id), **changes.get(stage.id, {})) for stage in lifecycle.stages)
        rules = tuple(
            rule.replace(
                sources=tuple(new(name) for name in rule.sources),
                target=None if rule.target is None else new(rule.target),
            )
            for rule in lifecycle.transitions
        )
        return book.with_lifecycle(lifecycle.replace(stages=stages, transitions=rules), version="2")

    def test_adopting_relabels_without_a_visit(self, lead):
        two = self.second()
        moved = lead.adopt(two, at=at(5), by="ann", stages={"lead": "prospect"})
        assert moved.stage == "prospect"
        assert moved.high_water == "prospect"
        assert moved.cycle.high_water == "prospect"
        assert [visit.stage for visit in moved.visits][-1] == "prospect"
        assert len(moved.visits) == len(lead.visits)
        assert moved.playbook is two
        assert moved.move("accept", at=at(6), by=SALES).stage == "sales_lead"
        assert "lead is now prospect" in str(moved.explain())
        assert Journey.replay(moved.facts, [eight_stage(), two]) == moved
        assert Journey.resume(moved.snapshot(), moved.facts, [two, eight_stage()]) == moved
        assert moved.wake_at.at == at(17)

    def test_a_limit_already_past_fires_at_the_adoption(self, lead):
        short = {"lead": {"limit": Limit(after=days(1), trigger="recycle", reason="no decision")}}
        moved = lead.adopt(self.second(**short), at=at(8), stages={"lead": "prospect"})
        assert moved.stage == "recycled"
        assert moved.visits[-1].entered == at(8)

    def test_every_playbook_must_be_at_hand(self, lead):
        moved = lead.adopt(self.second(), at=at(5), stages={"lead": "prospect"})
        with pytest.raises(errors.UnknownPlaybook, match="eight_stage 2 is not at hand"):
            Journey.replay(moved.facts, eight_stage())
        with pytest.raises(errors.UnknownPlaybook):
            Journey.resume(moved.snapshot(), moved.facts, self.second())
        changed = eight_stage().replace(meaning="changed")
        with pytest.raises(errors.UnknownPlaybook, match="content of playbook .* has changed"):
            Journey.replay(lead.facts, changed)
        with pytest.raises(Malformed, match="two different playbooks"):
            lead.adopt(changed, at=at(5))
        with pytest.raises(Malformed, match="at least one"):
            Journey.replay(lead.facts, [])
        with pytest.raises(Malformed, match="not a playbook"):
            Journey.replay(lead.facts, [None])

    def test_a_stage_without_a_place_refuses_the_adoption(self, lead):
        with pytest.raises(MoveRefused, match="has no stage 'lead'"):
            lead.adopt(self.second(), at=at(5))
        kept = Journey.replay(lead.facts, (lead.playbook, self.second()))
        kept = kept.record(PlaybookAdopted(playbook=self.second().ref, at=at(5)))
        assert kept.stage == "lead"
        assert kept.playbook.version == "1"

    @pytest.mark.parametrize(
        ("stages", "said"),
        [
            ({"laed": "prospect"}, "the playbook in force has no such stage"),
            ({"lead": "prospct"}, "the new playbook has no stage"),
            ({"name": "target", "lead": "prospect"}, "so it keeps its name"),
        ],
    )
    def test_a_relabelling_that_does_not_fit_is_refused(self, lead, stages, said):
        with pytest.raises(Malformed, match=said):
            lead.adopt(self.second(), at=at(5), stages=stages)

    def test_a_playbook_is_never_adopted_late_or_before_the_start(self, lead):
        with pytest.raises(Malformed, match="never adopted late"):
            lead.adopt(self.second(), at=at(1), stages={"lead": "prospect"})
        with pytest.raises(errors.NotStarted):
            Journey("x", eight_stage()).adopt(eight_stage().replace(version="3"), at=T0)

    def test_a_late_fact_falls_under_the_playbook_of_its_time(self, lead):
        words = {name: meaning for name, meaning in eight_stage().evidence.items() if name != "urgent_need"}
        two = self.second()
        two = two.replace(lifecycle=two.lifecycle.without("rush_to_sales"), evidence=words, version="2b")
        moved = lead.adopt(two, at=at(5), stages={"lead": "prospect"})
        assert moved.record(EvidenceGiven(name="urgent_need", at=at(4))).evidence["urgent_need"].value
        with pytest.raises(Malformed):
            moved.record(EvidenceGiven(name="urgent_need", at=at(6)))
        with pytest.raises(Malformed):
            moved.record(EvidenceGiven(name="urgent_neeed", at=at(4)))

    def test_another_playbook_tells_what_would_have_been(self, lead):
        short = {"lead": {"limit": Limit(after=days(1), trigger="recycle", reason="no decision")}}
        book = eight_stage()
        stage = book.lifecycle.stage("lead").replace(**short["lead"])
        other = book.with_lifecycle(book.lifecycle.with_stages(stage), version="short")
        assert lead.under(other).tick(at(5)).stage == "recycled"
        with pytest.raises(Malformed, match="not saved"):
            lead.under(other).snapshot()

    def test_a_status_that_changes_settles_the_cycle(self):
        def book(version, **statuses):
            stages = tuple(
                Stage(id=name, status=statuses.get(name, "open"), on_path=statuses.get(name, "open") in ("open", "won"))
                for name in ("a", "b")
            )
            rules = [
                Transition(trigger="go", sources="a", target="b", kind="forward"),
                Transition(trigger="on", sources=("a", "b"), target="a", kind="reentry"),
            ]
            if version != "1":
                rules = [Transition(trigger="on", sources=("a", "b"), target="a", kind="reentry")]
            if statuses.get("a", "open") != "open":
                rules = []
            return Playbook(id="p", version=version, lifecycle=Lifecycle(stages=stages, transitions=tuple(rules)))

        open_ = Journey.start("x", book("1"), at=T0)
        won = open_.move("go", at=at(1)).adopt(book("w", b="won"), at=at(2))
        assert (won.cycle.outcome, won.cycle.ended) == (StageStatus.WON, at(2))
        back = won.adopt(book("o"), at=at(3))
        assert back.cycle is None
        assert back.cycles[0].outcome is StageStatus.WON
        lost = open_.move("go", at=at(1)).adopt(book("l", b="lost"), at=at(2)).adopt(book("o"), at=at(3))
        assert lost.cycle.outcome is None
        cold = open_.move("go", at=at(1)).adopt(book("r", b="recycled"), at=at(2))
        assert cold.cycle is None
        assert cold.adopt(book("o"), at=at(3)).move("on", at=at(4)).cycle.number == 2

    def test_a_high_water_mark_that_is_gone_falls_back_on_the_path(self):
        def book(version, *names):
            rules = tuple(Transition(trigger=f"to_{name}", sources="*", target=name, kind="skip") for name in names)
            lifecycle = Lifecycle(stages=tuple(Stage(id=name) for name in names), transitions=rules)
            return Playbook(id="p", version=version, lifecycle=lifecycle)

        journey = Journey.start("x", book("1", "a", "b", "c", "d"), at=T0).move("to_c", at=at(1)).move("to_a", at=at(2))
        assert journey.adopt(book("2", "a", "b", "d"), at=at(3)).high_water == "b"
        assert journey.adopt(book("3", "a", "d"), at=at(3)).move("to_d", at=at(4)).high_water == "d"


class TestSnapshots:
    def test_a_snapshot_that_does_not_fit_is_dropped(self, lead):
        snapshot = lead.snapshot()
        for broken in (
            snapshot.replace(log="x"),
            snapshot.replace(state={**snapshot.state, "stage": "customer"}),
            snapshot.replace(state={}).replace(seal=snapshot.replace(state={}).sealed()),
            snapshot.replace(format=99),
            snapshot.replace(lead="bob"),
        ):
            assert Journey.resume(broken, lead.facts, eight_stage()) == lead
        with pytest.raises(Malformed):
            Snapshot.load({"lead": "ada"})

    @pytest.mark.parametrize(("place", "value"), [(1, "nowhere"), (2, "2026-03-02T09:00:00")])
    def test_a_snapshot_that_no_journey_can_have_is_dropped_even_under_a_seal_of_its_own(self, lead, place, value):
        saved = lead.snapshot()
        position = list(saved.state["position"])
        position[place] = value
        broken = saved.replace(state={**saved.state, "position": position})
        assert Journey.resume(broken.replace(seal=broken.sealed()), lead.facts, eight_stage()) == lead

    @pytest.mark.parametrize(
        "foreign",
        [
            {"format": 3}, {"format": 99, "new_key": 1}, {"library": "9.9.9"}, {"format": "five"}, {"format": True},
            {"format": 99, "lead": None, "state": [1]}, {"library": None}, {"format": 2, "seal": 7},
            {"format": 4.0}, {"format": 9, "lead": "x" * 999}, {"format": 9, "lead": "a\x00b"}, {"state": DEEP},
        ],
    )  # fmt: skip
    def test_a_snapshot_of_another_version_is_dropped_and_says_whose_it_is(self, lead, foreign):
        kept = Snapshot.load({**lead.snapshot().dump(), **foreign})
        assert kept.is_foreign
        assert Journey.resume(kept, lead.facts, eight_stage()) == lead
        own = Snapshot.load(lead.snapshot().dump())
        assert (own.is_foreign, own.library) == (False, __version__)
        nameless = {name: value for name, value in lead.snapshot().dump().items() if name != "library"}
        assert Snapshot.load(nameless).library == "before 0.1"

    def test_a_log_that_does_not_begin_with_that_of_the_snapshot_is_an_error(self, lead):
        more = lead.record(EvidenceGiven(name="sql", at=at(9)))
        for tail in (more.facts[1:], lead.facts[:-1], more.facts[-1:]):
            with pytest.raises(errors.NeedsWholeLog, match="or its continuation") as caught:
                Journey.resume(lead.snapshot(), tail, eight_stage())
            assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)

    def test_a_snapshot_that_cannot_be_sealed_is_dropped(self, lead):
        huge = lead.snapshot().replace(state={"number": 10**5_000})
        assert not huge.is_sound
        assert Journey.resume(huge, lead.facts, eight_stage()) == lead
        with pytest.raises(Malformed):
            Snapshot.model_validate("a snapshot")

    def test_a_log_that_was_joined_with_that_of_another_writer_is_folded_anew(self, lead):
        one = lead.record(EvidenceGiven(name="sql", at=at(9), key="a"))
        two = lead.record(EvidenceGiven(name="fit", at=at(8), key="b"))
        log = [*one.facts, *two.facts[len(lead.facts) :]]
        assert Journey.resume(one.snapshot(), log, eight_stage()) == Journey.replay(log, eight_stage())
        planned = lead.record(EvidenceGiven(name="sql", at=at(50)), now=at(5)).record(
            EvidenceGiven(name="fit", at=at(6))
        )
        view = planned.as_of(at=at(20)).snapshot()
        assert Journey.resume(view, planned.facts, eight_stage()) == planned

    def test_a_log_that_goes_on_is_folded_on_from_the_snapshot(self, lead):
        saved = lead.snapshot()
        more = lead.record(EvidenceGiven(name="sql", at=at(9))).move("accept", at=at(9), by=SALES)
        assert Journey.resume(saved, more.facts, eight_stage()) == more
        late = lead.record(EvidenceGiven(name="sql", at=at(0.5)))
        assert Journey.resume(saved, late.facts, eight_stage()) == late
        gone = lead.record(Retracted(target=lead.facts[0].id, at=at(9)))
        assert Journey.resume(saved, gone.facts, eight_stage()) == gone

    def test_an_empty_log_cannot_be_resumed(self, lead):
        snapshot = lead.snapshot()
        with pytest.raises(Malformed):
            Journey.resume(snapshot, [], eight_stage())

    def test_a_journey_that_has_not_started_can_be_saved(self):
        journey = Journey("x", eight_stage()).record(Identified(at=T0))
        assert Journey.resume(journey.snapshot(), journey.facts, eight_stage()) == journey

    def test_a_resumed_journey_goes_on(self, lead):
        again = Journey.resume(Snapshot.load(lead.snapshot().dump()), lead.facts, eight_stage())
        assert again.move("accept", at=at(4), by=SALES) == lead.move("accept", at=at(4), by=SALES)
        assert again.log == lead.log


class TestValues:
    def test_journeys_compare_by_what_they_tell(self, lead):
        assert lead == Journey.replay(lead.facts, eight_stage())
        assert lead != lead.tick(at(4))
        assert lead != "ada"
        assert hash(lead) == hash(Journey.replay(lead.facts, eight_stage()))
        assert repr(lead) == "<Journey at 'lead', cycle 1, 8 facts>"
        assert repr(Journey("x", eight_stage())) == "<Journey at None, 0 facts>"
        assert lead.definition.team == "marketing"
        assert Journey("x", eight_stage()).definition is None

    def test_long_lives_can_be_pickled_and_copied(self):
        calls = [ActivityRecorded(kind="call", at=T0 + timedelta(minutes=n)) for n in range(2_000)]
        journey = Journey.start("x", eight_stage(), at=T0, stage="name").record_all(calls)
        assert pickle.loads(pickle.dumps(journey)) == journey
        assert copy.deepcopy(journey) == journey

    @pytest.mark.parametrize(
        "bad",
        [
            lambda j: Journey.start(None, eight_stage(), at=T0),
            lambda j: Journey.start("x", None, at=T0),
            lambda j: Journey.start("x", eight_stage(), at=T0, by=[]),
            lambda j: Journey.start("x", eight_stage(), at=T0, stage="nmae"),
            lambda j: j.may([], at=at(4)),
            lambda j: j.may("accept", at=at(4), by=7),
            lambda j: j.move(7, at=at(4)),
            lambda j: j.under(None),
        ],
    )
    def test_wrong_arguments_are_our_own_errors(self, lead, bad):
        with pytest.raises(Malformed):
            bad(lead)

    def test_starting_is_refused_where_no_journey_begins(self):
        with pytest.raises(errors.IllegalMove, match="no journey begins at 'lead'"):
            Journey.start("x", eight_stage(), at=T0, stage="lead")

        def broken(view):
            raise OSError

        stages = (Stage(id="a"), Stage(id="b"))
        book = Playbook(
            id="p",
            lifecycle=Lifecycle(
                stages=stages,
                transitions=(),
                entries=[{"stage": "a", "guard": CustomGuard(name="x", call=broken)}, "b"],
            ),
        )
        assert Journey.start("x", book, at=T0).stage == "b"
        with pytest.raises(errors.GuardNotMet):
            Journey.start("x", book, at=T0, stage="a")

    def test_a_second_start_is_refused(self, lead):
        from leadlife import Started

        again = lead.record(Started(stage="name", playbook=eight_stage().ref, at=at(4)))
        assert again.receipt.refusals[0].message == "the journey has already started"

    def test_a_wins_outside_any_cycle_resets_the_recycle_limit(self):
        stages = (
            Stage(id="a"),
            Stage(id="won", status="won"),
            Stage(id="r", status="recycled", on_path=False, reentry_limit=1),
        )
        rules = (
            Transition(trigger="rest", sources=("a", "won"), target="r", kind="recycle"),
            Transition(trigger="back", sources="r", target="a", kind="reentry"),
            Transition(trigger="buy", sources="r", target="won", kind="skip"),
            Transition(trigger="undo", sources="won", kind="reopen"),
        )
        book = Playbook(id="p", lifecycle=Lifecycle(stages=stages, transitions=rules))
        journey = Journey.start("x", book, at=T0)
        for n, trigger in enumerate(("rest", "back", "rest", "buy"), start=1):
            journey = journey.move(trigger, at=at(n))
        assert journey.move("rest", at=at(5)).may("back", at=at(6))
        assert not journey.move("undo", at=at(5)).may("back", at=at(6))

    def test_recycling_takes_the_trigger_of_the_stage_that_time_has_led_to(self):
        stages = (
            Stage(id="a", type="sla", limit=Limit(after=days(1), trigger="on")),
            Stage(id="b"),
            Stage(id="r", status="recycled", on_path=False),
        )
        rules = (
            Transition(trigger="on", sources="a", target="b", kind="forward"),
            Transition(trigger="ra", sources="a", target="r", kind="recycle"),
            Transition(trigger="rb", sources="b", target="r", kind="recycle"),
        )
        book = Playbook(id="p", lifecycle=Lifecycle(stages=stages, transitions=rules))
        journey = Journey.start("x", book, at=T0)
        assert journey.recycle("any", at=at(3)).stage == "r"
        with pytest.raises(errors.NotStarted):
            Journey("x", book).recycle("any", at=T0)
