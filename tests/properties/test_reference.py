"""The reference reads the rules of meaning by the letter: leadlife tells random lives as it does."""

from datetime import UTC, datetime, timedelta

import pytest

from leadlife import (
    ActivityKind,
    ActivityRecorded,
    ActivityRule,
    Actor,
    EvidenceGiven,
    Identified,
    Lifecycle,
    Limit,
    Moved,
    Playbook,
    Points,
    QualificationRule,
    QualificationWithdrawn,
    Sold,
    Stage,
    Started,
    Transition,
    elapsed,
)
from leadlife.criteria import CustomGuard, count, evidence, in_stage, score
from leadlife.facts import PlaybookAdopted
from reference.campaign import first, report, shrunk
from reference.interpreter import read
from reference.lives import Features, life

EVERYTHING = Features.only("all")
SALES = Actor(id="sam", roles=("sales",))
T = datetime(2026, 1, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("start", range(130_000, 130_150, 10))
def test_leadlife_tells_random_lives_as_the_reference_reads_them(start):
    for seed in range(start, start + 10):
        one = life(seed, EVERYTHING)
        assert first(one) is None, report(seed, shrunk(one))


def book(*rules, version="1", stages=(), transitions=(), scores=()):
    return Playbook(
        id="p",
        version=version,
        lifecycle=Lifecycle(
            stages=stages or [Stage(id="a"), Stage(id="b"), Stage(id="idle", status="recycled")],
            transitions=transitions or [Transition(trigger="go", sources="a", target="b")],
        ),
        evidence={"fit": ""},
        activity_kinds={"call": ActivityKind()},
        roles=("sales",),
        scores=scores,
        qualifications=rules,
    )


def readings(playbooks, *facts, until):
    """Return what the reference reads so many hours after the start of a life in stage a."""
    begun = Started(stage="a", playbook=playbooks[0].ref, at=T)
    stamped = [
        fact.stamped(id=str(seq), key=str(seq), lead="x", pipeline="main", seq=seq, recorded_at=fact.at)
        for seq, fact in enumerate([begun, *facts])
    ]
    return read(stamped, playbooks, T + until * HOUR)


def stages_of(reading):
    return [(step.target, int((step.at - T) / HOUR)) for step in reading.moves if step.target]


def yes(hours):
    return EvidenceGiven(name="fit", at=T + hours * HOUR)


def call(hours):
    return ActivityRecorded(kind="call", at=T + hours * HOUR)


def test_a_limit_that_was_refused_is_told_once_and_fires_as_soon_as_it_is_legal():
    slow = book(
        stages=[Stage(id="a", limit=Limit(after=elapsed(hours=5), trigger="go")), Stage(id="b")],
        transitions=[Transition(trigger="go", sources="a", target="b", guard=evidence("fit"))],
    )
    found = readings([slow], yes(9), until=12)
    assert [code for _, _, code in found.limits_refused] == ["guard_not_met"]
    assert stages_of(found) == [("a", 0), ("b", 9)]


def test_half_lives_are_aged_to_the_last_fact_or_review_and_windows_to_the_true_instant():
    rules = [
        ActivityRule(name="fades", kinds="call", points=10, half_life=elapsed(hours=4)),
        ActivityRule(name="ends", kinds="call", points=10, window=elapsed(hours=6)),
    ]
    warm = QualificationRule(name="warm", enter=score("p") >= 8)
    scored = book(warm, scores=[Points(name="p", rules=rules)])
    held = [hour for hour in range(1, 30) if "warm" in readings([scored], call(1), until=hour).held]
    assert held == list(range(1, 24))  # the half-life stands at 10 until midnight, although the window has ended
    told = [
        hour
        for hour in range(1, 30)
        if "warm" in readings([scored], call(1), Identified(at=T + 9 * HOUR), until=hour).held
    ]
    assert told == list(range(1, 9))


def test_what_confirms_an_adopted_rule_is_what_the_new_rule_reads():
    old = book(QualificationRule(name="q", enter=count("call") >= 1), transitions=IDLING)
    new = book(
        QualificationRule(name="q", enter=evidence("fit") | (count("call") >= 9)), version="2", transitions=IDLING
    )
    rest = Moved(trigger="rest", at=T + 2 * HOUR)
    adopted = PlaybookAdopted(playbook=new.ref, at=T + 5 * HOUR)
    assert "q" in readings([old, new], call(1), rest, yes(4), adopted, until=5).held
    assert "q" not in readings([old, new], call(1), yes(1), rest, adopted, until=5).held


def test_a_rule_on_the_state_that_a_person_withdrew_comes_back_only_from_where_it_is_not_true():
    here = QualificationRule(name="here", enter=in_stage("b"), granted_by="sales")
    back = Transition(trigger="anew", sources="b", target="b", kind="forward")
    away = Transition(trigger="away", sources="b", target="a")
    staying = book(here, transitions=[Transition(trigger="go", sources="a", target="b"), back, away])
    before = [Moved(trigger="go", at=T + HOUR), QualificationWithdrawn(name="here", by=SALES, at=T + 2 * HOUR)]
    assert "here" not in readings([staying], *before, Moved(trigger="anew", at=T + 3 * HOUR), until=9).held
    elsewhere = (Moved(trigger="away", at=T + 3 * HOUR), Moved(trigger="go", at=T + 4 * HOUR))
    assert "here" in readings([staying], *before, *elsewhere, until=9).held


def test_a_part_that_raises_is_unknown_and_only_an_open_whole_is_an_error():
    def broken(view):
        raise ZeroDivisionError

    raising = CustomGuard(name="broken", call=broken)
    for guard, code in ((evidence("fit") | raising, None), (evidence("fit") & raising, "guard_failed")):
        asked = book(transitions=[Transition(trigger="go", sources="a", target="b", guard=guard)])
        found = readings([asked], yes(1), Moved(trigger="go", at=T + 2 * HOUR), until=2)
        assert list(found.refused.values()) == ([] if code is None else [code])


IDLING = [
    Transition(trigger="go", sources="a", target="b"),
    Transition(trigger="rest", sources=["a", "b"], target="idle"),
]


class TestPending:
    def playbook(self):
        sale = {"trigger": "win", "on": "sold", "pending": True, "kind": "forward"}
        stages = [
            Stage(id="a", limit=Limit(after=elapsed(hours=5), trigger="rest")),
            Stage(id="b"),
            Stage(id="won", status="won"),
            Stage(id="lost", status="lost"),
            Stage(id="idle", status="recycled"),
        ]
        moves = [
            Transition(**sale, sources="b", target="won", roles="sales"),
            Transition(trigger="go", sources="a", target="b", guard=evidence("fit"), automatic=True),
            Transition(trigger="lose", sources="a", target="lost"),
            Transition(trigger="undo", sources="lost", kind="reopen"),
            Transition(trigger="rest", sources="a", target="idle"),
            Transition(trigger="return", sources="idle", target="a"),
        ]
        return book(stages=stages, transitions=moves)

    def sale(self, hours, by=SALES):
        return Sold(at=T + hours * HOUR, by=by)

    def moved(self, trigger, hours):
        return Moved(trigger=trigger, at=T + hours * HOUR)

    def test_a_fact_that_comes_too_early_fires_as_soon_as_its_move_is_legal(self):
        found = readings([self.playbook()], self.sale(1), yes(3), until=4)
        assert stages_of(found) == [("a", 0), ("b", 3), ("won", 3)]

    def test_it_fires_with_the_roles_of_its_own_actor(self):
        found = readings([self.playbook()], self.sale(1, by="bob"), yes(3), until=4)
        assert stages_of(found)[-1] == ("b", 3)

    def test_no_limit_recycles_a_lead_with_a_pending_sale(self):
        found = readings([self.playbook()], self.sale(1), yes(9), until=9)
        assert stages_of(found) == [("a", 0), ("b", 9), ("won", 9)]
        assert len(found.limits_refused) == 1

    def test_a_closing_suspends_it_and_reopening_revives_it(self):
        facts = [self.sale(1), self.moved("lose", 2), yes(3), self.moved("undo", 4)]
        assert stages_of(readings([self.playbook()], *facts, until=3))[-1] == ("lost", 2)
        assert stages_of(readings([self.playbook()], *facts, until=4))[-1] == ("won", 4)

    def test_a_new_cycle_begins_with_none(self):
        facts = [self.sale(1), self.moved("rest", 2), self.moved("return", 3), yes(4)]
        assert stages_of(readings([self.playbook()], *facts, until=4))[-1] == ("b", 4)

    def test_in_a_closed_stage_nothing_pends(self):
        facts = [self.moved("lose", 1), self.sale(2), self.moved("undo", 3), yes(4)]
        assert stages_of(readings([self.playbook()], *facts, until=4))[-1] == ("b", 4)
