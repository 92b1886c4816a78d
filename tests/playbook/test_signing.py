"""A sign-off is stale once anything changes that the signed rule reads, and only then."""

from datetime import date

import pytest

from leadlife import (
    ActivityRule,
    FieldSpec,
    Lifecycle,
    Limit,
    Playbook,
    Points,
    QualificationRule,
    Stage,
    Transition,
    days,
    elapsed,
)
from leadlife.criteria import band, count, evidence, field, holds, identified, in_stage, readiness, score
from leadlife.lifecycle import EntryStage
from leadlife.lifecycle.stages import Reason
from leadlife.playbook.signing import clauses, sign
from leadlife.qualification.rules import Hysteresis, ReadinessRule

HEAT = Points(
    name="heat",
    rules=(ActivityRule(name="calls", kinds="call", points=5, half_life=elapsed(days=9)),),
    bands={"hot": 9},
)
FIT = QualificationRule(name="fit", enter=field("size") > 5)
KEEN = QualificationRule(name="keen", enter=holds("fit") & (score("heat") >= 5))
PLAIN = QualificationRule(name="plain", enter=evidence("yes") | in_stage("a"))
NEAR = ReadinessRule(mid=Hysteresis(enter=count("call") >= 1), late=Hysteresis(enter=band("heat") >= "hot"))
FIRST = Transition(trigger="go", sources="a", target="b", guard=evidence("yes"))
SECOND = Transition(trigger="go", sources="a", target="won", guard=holds("keen"))
BACK = Transition(trigger="back", sources="rest", target="a", guard=evidence("yes"), needs_reason=True)
NEARLY = Transition(trigger="nearly", sources="b", target="won", guard=readiness() == "late")
STAGES = (
    Stage(id="a"), Stage(id="b"), Stage(id="won", status="won"),
    Stage(id="rest", status="recycled", cool_down=days(9), reentry_limit=3),
)  # fmt: skip
BOOK = Playbook(
    id="p",
    zone="Europe/Vienna",
    lifecycle=Lifecycle(
        stages=STAGES,
        transitions=(FIRST, SECOND, BACK, NEARLY, Transition(trigger="off", sources="b", target="rest")),
        reasons=(Reason(id="time"),),
    ),
    fields={"size": FieldSpec(type="integer")}, evidence={"yes": ""}, activity_kinds={"call": {}},
    scores=(HEAT,), qualifications=(FIT, KEEN, PLAIN), readiness=NEAR,
)  # fmt: skip
SIGNED = sign(BOOK, "sales", on=date(2026, 3, 2))


def stale(playbook):
    return {
        clause.path.rpartition(".")[2] if "trans" in clause.path else clause.name
        for clause in clauses(playbook)
        if clause.stale()
    }


def rule(name, **changes):
    return tuple(one.replace(**changes) if one.name == name else one for one in SIGNED.qualifications)


def life(*, stages=None, **changed):
    moves = tuple(
        move.replace(**changed[f"t{place}"]) if f"t{place}" in changed else move
        for place, move in enumerate(SIGNED.lifecycle.transitions)
    )
    return {"lifecycle": SIGNED.lifecycle.replace(transitions=moves, stages=stages or STAGES)}


def stages(name, **changes):
    return tuple(one.replace(**changes) if one.id == name else one for one in STAGES)


CHANGES = {
    "nothing": ({}, set()),
    "a version": ({"version": "2"}, set()),
    "the zone": ({"zone": "Asia/Tokyo"}, {"keen", "readiness", "1", "3"}),
    "a field's personal flag": ({"fields": {"size": FieldSpec(type="integer", personal=True)}}, set()),
    "the review days": ({"review_days": 7}, {"keen", "readiness", "1", "3"}),
    "a meaning": ({"qualifications": rule("fit", meaning="large enough")}, set()),
    "a label": ({"qualifications": rule("fit", label="Fit")}, set()),
    "the meaning of a field": ({"fields": {"size": FieldSpec(type="integer", meaning="heads")}}, set()),
    "a field's type": ({"fields": {"size": FieldSpec(type="number")}}, {"fit", "keen", "1"}),
    "a held qualification's own rule": ({"qualifications": rule("fit", enter=field("size") > 6)}, {"fit", "keen", "1"}),
    "a score's policy": ({"scores": (HEAT.replace(cap=90),)}, {"keen", "readiness", "1", "3"}),
    "a score's meaning": ({"scores": (HEAT.replace(meaning="how warm"),)}, set()),
    "a cool-down": (life(stages=stages("rest", cool_down=days(10))), {"2"}),
    "a return limit": (life(stages=stages("rest", reentry_limit=4)), {"2"}),
    "a rival candidate": (life(t0={"guard": ~evidence("yes")}), {"0", "1"}),
    "a later candidate": (life(t1={"guard": holds("fit")}), {"1"}),
    "an entry": ({"lifecycle": SIGNED.lifecycle.replace(entries=(EntryStage(stage="b"),))}, set()),
    "the reasons": ({"lifecycle": SIGNED.lifecycle.replace(reasons=(Reason(id="time"), Reason(id="money")))}, {"0", "1", "2", "3", "4"}),
    "readiness": ({"readiness": SIGNED.readiness.replace(mid=Hysteresis(enter=count("call") >= 2))}, {"readiness", "3"}),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_stale_after_a_change_of(change):
    changes, expected = CHANGES[change]
    assert stale(SIGNED.replace(**changes)) == expected


def test_the_order_of_candidates_is_part_of_what_was_signed():
    first, second, *others = SIGNED.lifecycle.transitions
    swapped = SIGNED.replace(lifecycle=SIGNED.lifecycle.replace(transitions=(second, first, *others)))
    assert stale(swapped) == {"0", "1"}


def test_signing_changes_no_digest_of_the_playbook():
    assert SIGNED.digest == BOOK.digest
    assert stale(BOOK) == set()


def test_a_field_or_a_band_may_be_called_like_what_only_explains():
    named = HEAT.replace(bands={"meaning": 3, "label": 5, "signed": 9})
    book = Playbook(
        id="p", lifecycle=BOOK.lifecycle.replace(transitions=()), scores=(named,), activity_kinds={"call": {}},
        qualifications=(QualificationRule(name="hot", enter=band("heat") >= "meaning"),),
    )  # fmt: skip
    signed = sign(book, "sales", on=date(2026, 3, 2))
    changed = signed.replace(scores=(named.replace(bands={"meaning": 4, "label": 5, "signed": 9}),))
    assert stale(changed) == {"hot"}


def test_a_move_without_a_guard_is_signed_too_and_so_is_the_limit_that_fires_it():
    limited = Stage(id="a", limit=Limit(after=days(14), trigger="drop"))
    life = Lifecycle(
        stages=(limited, Stage(id="lost", status="lost")),
        transitions=(Transition(trigger="drop", sources="a", target="lost"),),
    )
    signed = sign(Playbook(id="p", lifecycle=life), "sales", on=date(2026, 3, 2))
    assert stale(signed) == set()
    guarded = signed.lifecycle.transitions[0].replace(guard=identified())
    assert stale(signed.replace(lifecycle=signed.lifecycle.replace(transitions=(guarded,)))) == {"0"}
    longer = (limited.replace(limit=Limit(after=days(30), trigger="drop")), life.stages[1])
    assert stale(signed.replace(lifecycle=signed.lifecycle.replace(stages=longer))) == {"0"}


def test_a_guard_that_is_taken_away_leaves_the_sign_off_stale():
    assert stale(SIGNED.replace(**life(t0={"guard": None}))) >= {"0"}


EXTRA = {
    "days": QualificationRule(name="days", enter=evidence("yes", within=days(3))),
    "hours": QualificationRule(name="hours", enter=evidence("yes", within=elapsed(hours=3))),
    "ever": QualificationRule(name="ever", enter=evidence("yes")),
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"zone": "Asia/Tokyo"}, {"days"}),
        ({"review_days": 7}, set()),
        ({"lifecycle": BOOK.lifecycle.replace(transitions=(), stages=stages("rest", status="lost", cool_down=None,
                                                                          reentry_limit=None))}, {*EXTRA}),
        ({"lifecycle": BOOK.lifecycle.replace(transitions=(), reasons=())}, set()),
    ],
)  # fmt: skip
def test_only_what_a_rule_reads_makes_its_sign_off_stale(changes, expected):
    book = Playbook(
        id="p", zone="Europe/Vienna", lifecycle=BOOK.lifecycle.replace(transitions=()), evidence={"yes": ""},
        qualifications=tuple(EXTRA.values()),
    )  # fmt: skip
    assert stale(sign(book, "sales", on=date(2026, 3, 2)).replace(**changes)) == expected


def moving(*moves):
    return Playbook(
        id="p",
        lifecycle=Lifecycle(stages=STAGES, transitions=moves, reasons=(Reason(id="time"),)),
        evidence={"yes": ""},
    )


def test_the_reasons_that_a_move_may_be_given_are_part_of_what_was_signed():
    free = Transition(trigger="go", sources="a", target="b")
    listed = Transition(trigger="up", sources="a", target="b", reasons="time")
    signed = sign(moving(free, listed), "sales", on=date(2026, 3, 2))
    more = signed.lifecycle.replace(reasons=(Reason(id="time"), Reason(id="money")))
    assert stale(signed.replace(lifecycle=more)) == {"0"}
    noted = signed.lifecycle.replace(reasons=(Reason(id="time", needs_note=True),))
    assert stale(signed.replace(lifecycle=noted)) == {"0", "1"}


def test_what_is_made_before_an_automatic_move_is_part_of_what_was_signed():
    rest = Transition(trigger="rest", sources="a", target="rest", automatic=True, guard=evidence("yes"))
    win = Transition(trigger="win", sources="b", target="won", on="sold")
    rival = Transition(trigger="on", sources="a", target="b", automatic=True, guard=evidence("yes"))
    signed = sign(moving(rest, win), "sales", "rest", on=date(2026, 3, 2))
    kept = signed.lifecycle.transitions
    assert stale(signed) == set()
    assert stale(
        signed.replace(lifecycle=signed.lifecycle.replace(transitions=(kept[0], win.replace(pending=True))))
    ) == {"0"}
    assert stale(signed.replace(lifecycle=signed.lifecycle.replace(transitions=(rival, *kept)))) == {"1"}
    assert stale(signed.replace(lifecycle=signed.lifecycle.replace(transitions=(*kept, rival)))) == set()


def test_what_a_pending_order_or_a_limit_asks_is_part_of_an_automatic_move():
    rest = Transition(trigger="rest", sources="a", target="rest", automatic=True, guard=evidence("yes"))
    win = Transition(trigger="win", sources="a", target="won", on="sold", pending=True, guard=evidence("yes"))
    signed = sign(moving(rest, win), "sales", "rest", on=date(2026, 3, 2))
    kept = signed.lifecycle.transitions
    other = signed.lifecycle.replace(transitions=(kept[0], win.replace(guard=identified())))
    assert stale(signed.replace(lifecycle=other)) == {"0"}
    limited = signed.lifecycle.with_stages(Stage(id="a", limit=Limit(after=days(3), trigger="win")))
    assert stale(signed.replace(lifecycle=limited)) == {"0"}


def test_moves_of_one_trigger_out_of_other_stages_are_no_rivals():
    one, two = Transition(trigger="go", sources="a", target="b"), Transition(trigger="go", sources="b", target="won")
    signed = sign(moving(one, two), "sales", on=date(2026, 3, 2))
    guarded = signed.lifecycle.transitions[1].replace(guard=evidence("yes"))
    assert stale(
        signed.replace(lifecycle=signed.lifecycle.replace(transitions=(signed.lifecycle.transitions[0], guarded)))
    ) == {"1"}
