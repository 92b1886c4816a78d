"""Moves: the one door, and what it says when it stays shut."""

import copy
import pickle

import pytest

from leadlife import (
    ActivityKind,
    ActivityRecorded,
    Actor,
    EvidenceGiven,
    FieldSpec,
    Identified,
    Journey,
    Lead,
    Lifecycle,
    Malformed,
    MoveRefused,
    Playbook,
    Sold,
    Stage,
    StageReached,
    Transition,
    errors,
)
from leadlife.criteria import CustomGuard, count, evidence, field, identified, score
from leadlife.lifecycle import Reason
from leadlife.presets import eight_stage
from stories import SALES, T0, at


@pytest.fixture
def name():
    return Journey.start("ada", eight_stage(), at=T0, stage="name")


@pytest.fixture
def lead(name):
    journey = name.record(ActivityRecorded(kind="call", at=at(1))).move("engage", at=at(1))
    journey = journey.record(EvidenceGiven(name="fit", at=at(2))).move("fit", at=at(2))
    return journey.record(EvidenceGiven(name="mql", at=at(3))).move("qualify", at=at(3))


@pytest.fixture
def opportunity(lead):
    journey = lead.move("accept", at=at(4), by=SALES)
    return journey.record(EvidenceGiven(name="sql", at=at(5))).move("open", at=at(5))


def refused(journey, trigger, days=10, **options):
    with pytest.raises(MoveRefused) as caught:
        journey.move(trigger, at=at(days), **options)
    option = journey.may(trigger, at=at(days), **options)
    assert not option
    assert option.refusals == (caught.value.refusal, *caught.value.others)
    return caught.value


def test_the_success_path_leads_from_name_to_customer(opportunity):
    won = opportunity.record(Sold(at=at(9)))
    assert won.stage == "customer"
    assert [visit.stage for visit in won.visits] == [
        "name",
        "engagement",
        "target",
        "lead",
        "sales_lead",
        "opportunity",
        "customer",
    ]
    assert won.high_water == "customer"


def test_an_unknown_trigger_is_refused_with_a_near_miss(name):
    error = refused(name, "engagee")
    assert isinstance(error, errors.UnknownTrigger)
    assert isinstance(error, LookupError)
    assert "did you mean 'engage'?" in str(error)
    assert error.details["known"][0] == "identify"


def test_an_illegal_move_names_what_is_allowed(name):
    error = refused(name, "win")
    assert isinstance(error, errors.IllegalMove)
    assert error.details["allowed"] == ["engage", "disqualify", "rush_to_sales", "rush_to_opportunity"]
    assert "allowed from here: engage" in error.hint


def test_a_guard_that_is_false_is_told_from_one_that_is_unknown(name):
    unknown = refused(name, "rush_to_sales")
    assert isinstance(unknown, errors.GuardNotMet)
    known = name.record(Identified(at=at(1)))
    verdicts = [refused(j, "rush_to_sales").details["candidates"][0]["verdict"] for j in (name, known)]
    assert verdicts == ["false", "unknown"]
    no = known.record(EvidenceGiven(name="urgent_need", value=False, at=at(2)))
    assert refused(no, "rush_to_sales").details["candidates"][0]["verdict"] == "false"
    assert refused(no, "rush_to_sales").message.endswith("is not met: evidence of urgent_need: false")


def test_a_missing_reason_lists_the_reasons(lead):
    error = refused(lead, "recycle")
    assert isinstance(error, errors.ReasonMissing)
    assert "no decision" in error.details["reasons"]


def test_a_reason_that_is_not_listed_is_refused_with_a_suggestion(lead):
    error = refused(lead, "recycle", reason="price")
    assert isinstance(error, errors.ReasonNotListed)
    assert "pricing" in error.hint


def test_the_reason_other_needs_a_note(lead):
    assert isinstance(refused(lead, "recycle", reason="other", note="  "), errors.ReasonMissing)
    assert lead.recycle("other", note="moved abroad", at=at(10)).stage == "recycled"


def test_an_actor_without_the_role_is_not_permitted(lead):
    error = refused(lead, "accept", by=Actor(id="mia", roles=("marketing",)))
    assert isinstance(error, PermissionError)
    assert error.details["roles"] == ["sales"]


def test_a_closed_stage_is_left_only_by_declared_moves(opportunity):
    won = opportunity.record(Sold(at=at(9)))
    error = refused(won, "lose")
    assert isinstance(error, errors.ClosedStage)
    assert error.details["allowed"] == ["rebuy", "rush_to_sales", "rush_to_opportunity"]


def test_a_cool_down_says_until_when_and_stops_only_reentry(lead):
    cold = lead.recycle("bad timing", at=at(4)).record(EvidenceGiven(name="mql", at=at(8)))
    error = refused(cold, "return")
    assert isinstance(error, errors.CoolingDown)
    assert error.until == at(34)
    assert cold.move("disqualify", reason="poor fit", at=at(10)).stage == "disqualified"
    assert cold.move("return", at=at(34)).stage == "lead"


def test_an_instant_before_the_last_fact_is_out_of_order(lead):
    error = refused(lead, "disqualify", days=2, reason="poor fit")
    assert isinstance(error, errors.OutOfOrder)
    assert error.details["last"] == at(3).isoformat()


def test_late_means_the_move_was_made_then(lead):
    late = lead.move("disqualify", at=at(1.5), reason="poor fit", late=True)
    assert late.stage == "disqualified"
    assert [entry.status for entry in late.log].count("refused") == 2
    with pytest.raises(errors.IllegalMove):
        lead.move("accept", at=at(1.5), by=SALES, late=True)


def test_nothing_moves_before_the_start():
    journey = Journey("ada", eight_stage())
    error = refused(journey, "engage")
    assert isinstance(error, errors.NotStarted)
    assert journey.status is None
    assert journey.explain() == ()


def test_several_refusals_are_reported_in_their_fixed_order(lead):
    error = refused(lead, "recycle", days=1)
    assert [error.code, *(other.code for other in error.others)] == ["out_of_order", "reason_missing"]
    cold = lead.recycle("budget", at=at(4))
    error = refused(cold, "return", days=5)
    assert [error.code, *(other.code for other in error.others)] == ["guard_not_met", "cooling_down"]
    data = error.to_dict()
    assert data["code"] == "guard_not_met"
    assert data["others"][0]["code"] == "cooling_down"


def test_not_started_comes_before_out_of_order():
    journey = Journey("ada", eight_stage()).record(Identified(at=at(5)))
    option = journey.may("engage", at=at(1))
    assert [refusal.code for refusal in option.refusals] == ["not_started", "out_of_order"]


def test_a_refused_move_adds_nothing(lead):
    with pytest.raises(MoveRefused):
        lead.move("win", at=at(5))
    assert lead.version == len(lead.facts)
    assert lead.move("accept", at=at(4), by=SALES).facts[:-1] == lead.facts


def test_the_same_move_under_its_key_changes_nothing(lead):
    once = lead.move("recycle", reason="budget", at=at(4), key="r1")
    twice = once.move("recycle", reason="budget", at=at(4), key="r1")
    assert twice == once
    assert not twice.receipt.new
    with pytest.raises(Malformed, match="another fact is already recorded under this key"):
        once.move("recycle", reason="pricing", at=at(4), key="r1")


def test_a_move_that_was_retracted_in_advance_is_kept_and_does_nothing(lead):
    from leadlife import Retracted

    key = "r9"
    done = lead.move("recycle", reason="budget", at=at(4), key=key)
    early = lead.record(Retracted(target=done.facts[-1].id, at=at(4)))
    again = early.move("recycle", reason="budget", at=at(4), key=key)
    assert again.stage == "lead"
    assert again.receipt.status == "retracted"


def test_a_target_narrows_the_candidates(lead):
    cold = lead.recycle("budget", at=at(4))
    warm = cold.record(EvidenceGiven(name="mql", at=at(40))).record(EvidenceGiven(name="fit", at=at(40)))
    assert warm.move("return", at=at(41)).stage == "lead"
    assert warm.move("return", at=at(41), target="target").stage == "target"
    assert isinstance(refused(warm, "return", days=41, target="customer"), errors.IllegalMove)


def test_a_recorded_illegal_move_is_kept_with_its_refusal(name):
    from leadlife import Moved

    journey = name.record(Moved(trigger="win", at=at(1)))
    assert journey.stage == "name"
    assert journey.receipt.status == "refused"
    assert journey.receipt.refusals[0].code == "illegal_move"
    assert journey.log[-1].refusals == journey.receipt.refusals


def test_options_are_the_buttons_a_crm_shows(lead):
    table = lead.playbook.lifecycle.table
    options = {option.trigger: option for option in lead.options(at=at(4), by=SALES)}
    assert tuple(options) == table.from_here(lead.stage)
    assert [name for name, option in options.items() if option] == ["accept", "recycle", "disqualify"]
    assert (options["accept"].needs, options["recycle"].needs) == ((), ("reason",))
    assert options["recycle"].target == "recycled"
    assert "budget" in options["recycle"].reasons
    assert options["recycle"].to_dict()["needs"] == ("reason",)
    with_reason = {option.trigger: option for option in lead.options(at=at(4), by=SALES, reason="budget")}
    assert with_reason["recycle"].needs == ()
    odd = {option.trigger: option for option in lead.options(at=at(4), by=SALES, reason="weather")}
    assert [refusal.code for refusal in odd["recycle"].refusals] == ["reason_not_listed"]
    every = lead.options(at=at(4), by=SALES, every=True)
    assert tuple(option.trigger for option in every) == table.triggers
    assert Journey("nobody", lead.playbook).options(at=at(4)) == ()
    # What is asked about one trigger is what a move would raise.
    assert lead.may("recycle", at=at(4), by=SALES).refusals[0].code == "reason_missing"


def test_a_reason_that_needs_a_note_is_a_need_of_the_button():
    plain = Playbook(
        id="p",
        roles=["sales"],
        lifecycle=Lifecycle(
            stages=[Stage(id="a"), Stage(id="lost", status="lost")],
            transitions=[Transition(trigger="lose", sources="a", target="lost", needs_reason=True)],
            reasons=[Reason(id="other", needs_note=True)],
        ),
    )
    ada = Journey.start("ada", plain, at=at(0))
    [button] = ada.options(at=at(1), reason="other")
    assert (button.allowed, button.needs) == (True, ("note",))
    [button] = ada.options(at=at(1))
    assert (button.allowed, button.needs) == (True, ("reason",))


def test_a_refused_role_shows_the_roles_that_were_passed(lead):
    with pytest.raises(errors.NotPermitted, match="'accept' is for sales, and 'mo' has the role marketing"):
        lead.move("accept", at=at(4), by=Actor(id="mo", roles=("marketing",)))
    with pytest.raises(errors.NotPermitted, match="and 'mo' has no role") as caught:
        lead.move("accept", at=at(4), by="mo")
    assert caught.value.details["passed"] == []
    assert "Actor(id='mo', roles=['sales'])" in caught.value.hint


SEATS = (field("seats") >= 10) & evidence("need") & ((count("call") >= 2) | identified())


def seated(**fields):
    lifecycle = Lifecycle(
        stages=[Stage(id="a"), Stage(id="b"), Stage(id="w", status="won")],
        transitions=[
            Transition(trigger="go", sources="a", target="b", guard=SEATS),
            Transition(trigger="win", sources="b", target="w", kind="forward"),
        ],
    )
    specs = {"seats": FieldSpec(type="integer"), "mail": FieldSpec(personal=True)}
    plain = Playbook(
        id="p", lifecycle=lifecycle, fields=specs, evidence={"need": ""}, activity_kinds={"call": ActivityKind()}
    )
    return Journey.start(Lead(id="ada", fields=fields), plain, at=at(0))


def test_a_refusal_names_the_parts_that_failed_and_what_was_found():
    told = refused(seated(seats=5), "go")
    assert told.message == (
        "'go' from 'a' is not met: seats is 5, needs at least 10; evidence of need: unknown; "
        "at least 2 of call or identified: false (at least 2 of call: false (there are 0); identified: false)"
    )
    assert told.details["candidates"][0]["missing"] == list(
        told.message.removeprefix("'go' from 'a' is not met: ").split("; ", 2)
    )
    assert "seats is at least 10: unknown" in refused(seated(), "go").message
    enough = seated(seats=12).record(Identified(at=at(1)))
    assert refused(enough, "go").message == "'go' from 'a' is not met: evidence of need: unknown"


def test_a_value_that_may_be_personal_is_never_shown():
    ada = seated(seats=5, mail="ada@example.org")
    lifecycle = ada.playbook.lifecycle
    by_mail = Transition(trigger="go", sources="a", target="b", guard=field("mail") == "x")
    asked = lifecycle.replace(transitions=[by_mail, lifecycle.transitions[1]])
    told = refused(ada.under(ada.playbook.with_lifecycle(asked)), "go")
    assert told.message == "'go' from 'a' is not met: mail is x: false"


def test_of_several_ways_on_each_says_what_it_misses():
    ada = seated(seats=5)
    other = Transition(trigger="go", sources="a", target="w", guard=evidence("need") & identified(), kind="forward")
    lifecycle = ada.playbook.lifecycle
    two = ada.playbook.with_lifecycle(lifecycle.replace(transitions=[*lifecycle.transitions, other]))
    assert refused(ada.under(two), "go").message.endswith("; or: evidence of need: unknown, and identified: false")


class TestWhatBroke:
    """The exception behind a broken guard or policy is at hand, and the message says what broke and where."""

    def broken(self, **more):
        def boom(view):
            raise ValueError("out of paper")

        lifecycle = Lifecycle(
            stages=[Stage(id="a"), Stage(id="w", status="won")],
            transitions=[
                Transition(trigger="go", sources="a", target="w", **{"guard": boom, "kind": "forward", **more})
            ],
        )
        return Playbook(id="p", lifecycle=lifecycle)

    def test_a_guard(self):
        ada = Journey.start("ada", self.broken(), at=at(0))
        with pytest.raises(
            errors.GuardFailed, match="guard 'boom' raised ValueError, in the guard of 'go' from 'a'"
        ) as caught:
            ada.move("go", at=at(1))
        assert (type(caught.value.__cause__), str(caught.value.__cause__)) == (ValueError, "out of paper")
        assert caught.value.details == {"guard": "boom", "trigger": "go", "stage": "a"}

    def test_a_policy_that_a_guard_reads(self):
        def score_it(lead, activities, *, at):
            raise KeyError("size")

        plain = self.broken(guard=None)
        scored = plain.with_score(score_it)
        name = scored.scores[0].name
        asking = scored.with_lifecycle(
            scored.lifecycle.replace(
                transitions=[Transition(trigger="go", sources="a", target="w", kind="forward", guard=score(name) >= 1)]
            )
        )
        ada = Journey.start("ada", asking, at=at(0))
        with pytest.raises(
            errors.GuardFailed, match="policy 'score_it' raised KeyError, in the guard of 'go' from 'a'"
        ) as caught:
            ada.move("go", at=at(1))
        assert isinstance(caught.value.__cause__, KeyError)
        with pytest.raises(errors.PolicyError) as direct:
            ada.score(name, at=at(1))
        assert isinstance(direct.value.__cause__, KeyError)

    def test_what_is_kept_holds_no_exception(self):
        ada = Journey.start("ada", self.broken(on="identified"), at=at(0)).record(Identified(at=at(1)))
        [refusal] = ada.receipt.refusals
        assert (refusal.code, refusal.cause) == ("guard_failed", None)
        refusal = ada.may("go", at=at(1)).refusals[0]
        assert isinstance(refusal.cause, ValueError)
        assert pickle.loads(pickle.dumps(refusal)).cause is None
        assert copy.deepcopy(refusal) == refusal
        assert "cause" not in refusal.to_dict()
        assert Journey.resume(ada.snapshot(), ada.facts, ada.playbook) == ada


class TestStageReached:
    def test_guard_role_and_reason_are_waived_and_marked(self, name):
        journey = name.record(StageReached(stage="engagement", at=at(1)))
        assert journey.stage == "engagement"
        assert "guard waived" in str(journey.explain())

    def test_a_gap_is_refused_unless_it_may_be_inferred(self, name):
        gap = name.record(StageReached(stage="sales_lead", at=at(1)))
        # There is a declared skip from name to sales_lead, so that one is direct.
        assert gap.stage == "sales_lead"
        refused = name.record(StageReached(stage="customer", at=at(1)))
        assert refused.stage == "name"
        assert refused.receipt.refusals[0].code == "illegal_move"
        inferred = name.record(StageReached(stage="customer", infer_gaps=True, at=at(1)))
        assert inferred.stage == "customer"
        assert [fact.trigger for fact in inferred.derived] == ["engage", "fit", "qualify", "accept", "open"]
        assert inferred.derived[0].caused_by == inferred.facts[-1].id
        assert inferred.derived[1].caused_by == inferred.derived[0].id
        assert "inferred" in str(inferred.explain())

    def test_the_stage_it_stands_in_is_redundant(self, name):
        journey = name.record(StageReached(stage="name", at=at(1)))
        assert journey.receipt.status == "redundant"
        assert len(journey.visits) == 1

    def test_a_cool_down_is_not_waived(self, lead):
        cold = lead.recycle("budget", at=at(4)).record(StageReached(stage="lead", at=at(5)))
        assert cold.stage == "recycled"
        assert cold.receipt.refusals[0].code == "cooling_down"

    def test_nothing_is_reached_before_the_start(self):
        journey = Journey("x", eight_stage()).record(StageReached(stage="name", at=T0))
        assert journey.receipt.refusals[0].code == "not_started"

    def test_reopening_leads_only_to_the_stage_that_was_left(self, opportunity):
        lost = opportunity.move("lose", reason="pricing", at=at(6))
        wrong = lost.record(StageReached(stage="sales_lead", at=at(7)))
        assert wrong.receipt.refusals[0].code == "closed_stage"
        assert lost.record(StageReached(stage="opportunity", at=at(7))).stage == "opportunity"


class TestOpaqueGuards:
    def journey(self, call):
        rules = (
            Transition(trigger="go", sources=("a",), target="b", kind="forward", guard=call),
            Transition(trigger="go", sources=("a",), target="c", kind="forward", guard=evidence("yes")),
        )
        stages = (Stage(id="a"), Stage(id="b"), Stage(id="c"))
        book = Playbook(id="p", lifecycle=Lifecycle(stages=stages, transitions=rules), evidence={"yes": ""})
        return Journey.start("x", book, at=T0)

    def test_a_named_callable_is_a_guard(self):
        def is_open(view):
            return view.at > T0

        journey = self.journey(is_open)
        assert journey.move("go", at=at(1)).stage == "b"
        with pytest.raises(errors.GuardNotMet, match="is_open"):
            journey.move("go", at=T0)

    @pytest.mark.parametrize("answer", [1, "yes", [0]])
    def test_a_truthy_answer_is_an_error_never_a_yes(self, answer):
        def sloppy(view):
            return answer

        journey = self.journey(sloppy)
        with pytest.raises(errors.GuardFailed, match="not True, False or None"):
            journey.move("go", at=at(1))

    def test_a_guard_that_raises_is_a_kept_refusal_when_recorded(self):
        from leadlife import Moved

        def broken(view):
            raise ZeroDivisionError

        journey = self.journey(broken)
        kept = journey.record(Moved(trigger="go", at=at(1)))
        assert [r.code for r in kept.receipt.refusals] == ["guard_failed"]
        assert "ZeroDivisionError" in kept.receipt.refusals[0].message
        # A guard that breaks ends the search, as on a stock machine: a later candidate is not taken instead.
        yes = journey.record(EvidenceGiven(name="yes", at=at(1)))
        with pytest.raises(errors.GuardFailed):
            yes.move("go", at=at(2))

    def test_an_opaque_guard_may_carry_a_version(self):
        guard = CustomGuard(name="house rule", version="2", call=lambda _view: True)
        assert self.journey(guard).move("go", at=at(1)).stage == "b"
        assert guard.sentence() == "house rule (version 2)"


class TestDrive:
    class Deal:
        stage = "lead"

    def test_a_host_object_is_set_to_the_new_stage(self, lead):
        deal = self.Deal()
        moved = lead.drive(deal, "accept", at=at(4), by=SALES, expected_stage="lead")
        assert deal.stage == moved.stage == "sales_lead"

    def test_an_object_that_stands_elsewhere_is_a_conflict(self, lead):
        deal = self.Deal()
        deal.stage = "name"
        with pytest.raises(errors.StageConflict):
            lead.drive(deal, "accept", at=at(4), by=SALES)
        with pytest.raises(errors.StageConflict):
            lead.drive(self.Deal(), "accept", at=at(4), by=SALES, expected_stage="target")
        # A limit that has come due since moves the journey, and the object does not know.
        with pytest.raises(errors.StageConflict):
            lead.drive(self.Deal(), "accept", at=at(40), by=SALES)

    def test_a_refused_move_leaves_the_object_alone(self, lead):
        deal = self.Deal()
        with pytest.raises(MoveRefused):
            lead.drive(deal, "win", at=at(4))
        with pytest.raises(errors.OutOfOrder):
            lead.drive(deal, "accept", at=at(1), by=SALES)
        assert deal.stage == "lead"


def test_a_button_says_where_it_leads_and_whether_it_is_one():
    lifecycle = Lifecycle(
        stages=[Stage(id="a"), Stage(id="b"), Stage(id="w", status="won")],
        transitions=[
            Transition(trigger="go", sources="a", target="b", guard=evidence("need")),
            Transition(trigger="pay", sources=["a", "b"], target="w", on="sold", kind="forward"),
            Transition(trigger="slide", sources="a", target="b", automatic=True, guard=identified()),
        ],
    )
    plain = Playbook(id="p", lifecycle=lifecycle, evidence={"need": ""}, roles=["sales"])
    options = {one.trigger: one for one in Journey.start("ada", plain, at=at(0)).options(at=at(1))}
    assert {name: (one.target, one.on, one.automatic) for name, one in options.items()} == {
        "go": ("b", None, False), "pay": ("w", "sold", False), "slide": ("b", None, True),
    }  # fmt: skip


def test_a_mistyped_role_is_suggested(lead):
    with pytest.raises(errors.NotPermitted) as caught:
        lead.move("accept", at=at(4), by=Actor(id="mo", roles=("saels",)))
    assert caught.value.hint == "did you mean 'sales'?"
