"""The reference preset is the table of the domain, and nobody is ever stuck in it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlife import Actor, EvidenceGiven, Identified, Journey, Sold, StageReached
from leadlife.errors import RefusalCode, UnknownName
from leadlife.lifecycle.stages import StageStatus
from leadlife.lifecycle.transitions import TransitionKind
from leadlife.presets import eight_stage, preset
from leadlife.testing import histories

PATH = ["awareness", "name", "engagement", "target", "lead", "sales_lead", "opportunity", "customer"]
TABLE = {
    ("identify", "awareness", "name", "forward"),
    ("engage", "name", "engagement", "forward"),
    ("fit", "engagement", "target", "forward"),
    ("qualify", "target", "lead", "forward"),
    ("accept", "lead", "sales_lead", "forward"),
    ("open", "sales_lead", "opportunity", "forward"),
    ("win", "opportunity", "customer", "forward"),
    ("lose", "opportunity", "lost", "exit"),
    *(("recycle", s, "recycled", "recycle") for s in ("lead", "sales_lead", "opportunity", "lost")),
    *(("return", "recycled", t, "reentry") for t in ("lead", "target", "engagement")),
    *(("disqualify", s, "disqualified", "exit") for s in (*PATH[1:6], "recycled")),
    *(("reopen", "disqualified", s, "reopen") for s in (*PATH[1:6], "recycled")),
    ("reopen", "lost", "opportunity", "reopen"),
    ("rebuy", "customer", "opportunity", "repeat"),
    *(("rush_to_sales", s, "sales_lead", "skip") for s in (*PATH[:4], "recycled")),
    ("rush_to_sales", "customer", "sales_lead", "repeat"),
    *(("rush_to_opportunity", s, "opportunity", "skip") for s in (*PATH[1:5], "recycled")),
    ("rush_to_opportunity", "customer", "opportunity", "repeat"),
}


def test_the_edges_are_those_of_the_table():
    edges = eight_stage().lifecycle.edges
    assert {(e.trigger, e.source, e.target, e.rule.kind.value) for e in edges} == TABLE


def test_stages_limits_and_starting_points():
    book = eight_stage()
    stages = book.lifecycle.by_id
    assert list(book.lifecycle.table.rank) == PATH
    assert {n: str(s.limit.after) for n, s in stages.items() if s.limit} == {
        "lead": "14 days",
        "sales_lead": "30 days",
        "opportunity": "90 days",
    }
    assert {s.limit.reason for s in stages.values() if s.limit} == {"no decision"}
    assert (str(stages["recycled"].cool_down), stages["recycled"].reentry_limit) == ("30 days", 3)
    assert [e.stage for e in book.lifecycle.entries] == ["awareness", "name"]
    assert [e.stage for e in book.lifecycle.referral_entries] == ["target", "name"]
    assert [s.team for s in stages.values()][:8] == ["marketing"] * 5 + ["sales"] * 2 + ["customer care"]
    assert {kind for kind, spec in book.activity_kinds.items() if spec.two_way} == {
        "reply",
        "call",
        "meeting",
        "form",
        "chat",
    }
    needs = {rule.trigger for rule in book.lifecycle.transitions if rule.needs_reason}
    assert needs == {"lose", "recycle", "disqualify", "reopen"}
    assert len(book.lifecycle.reasons) == 13


def test_presets_are_found_by_name():
    assert preset("eight_stage") is eight_stage()
    with pytest.raises(UnknownName, match="did you mean 'eight_stage'"):
        preset("eight_stages")


def test_digest_is_stable_and_says_what_changes():
    book = eight_stage()
    assert re.fullmatch("[0-9a-f]{32}", book.digest)
    assert type(book).model_validate_json(book.model_dump_json()).digest == book.digest
    assert book.replace(version="2").digest != book.digest


@given(st.data())
def test_no_open_stage_is_ever_left_with_nothing_possible(data):
    journey = data.draw(histories(eight_stage(), most=20))
    if journey.status not in (StageStatus.OPEN, StageStatus.RECYCLED):
        return
    later = journey.at + timedelta(days=200)
    by = Actor(id="boss", roles=("sales", "marketing"))
    there = journey
    if there.tick(later).stage != journey.stage:
        return
    for fact in (Identified(at=later), *(EvidenceGiven(name=n, at=later) for n in eight_stage().evidence)):
        there = there.record(fact, now=later)
    moved = there.stage != journey.stage
    assert moved or any(there.options(at=later, by=by, reason="budget"))


@given(st.data())
def test_the_recycle_limit_holds_whatever_happens(data):
    journey = data.draw(histories(eight_stage(), most=25))
    returns = 0
    for cycle in journey.cycles:
        returns += cycle.reentry_from is not None
        assert returns <= 3
        if cycle.outcome is StageStatus.WON:
            returns = 0


@given(st.data())
def test_nobody_is_a_customer_without_a_sale_unless_an_import_says_so(data):
    journey = data.draw(histories(eight_stage(), most=25))
    imported = any(isinstance(fact, StageReached) for fact in journey.facts)
    sold = any(isinstance(entry.fact, Sold) and entry.status != "retracted" for entry in journey.log)
    if any(visit.stage == "customer" for visit in journey.visits):
        assert imported or sold


def test_a_burst_pipe_is_a_customer_within_the_hour_and_again_a_month_later():
    t0 = datetime(2026, 3, 2, 9, tzinfo=UTC)
    hour = timedelta(hours=1)
    caller = Journey.start("pat", eight_stage(), at=t0, stage="name")
    caller = caller.record(Identified(at=t0)).record(EvidenceGiven(name="sql", at=t0))
    caller = caller.move("rush_to_opportunity", at=t0).record(Sold(at=t0 + hour))
    month = t0 + timedelta(days=30)
    again = caller.record(EvidenceGiven(name="sql", at=month)).move("rush_to_opportunity", at=month)
    assert again.record(Sold(at=month + hour)).cycle.number == 2
    assert {step.kind for step in eight_stage().lifecycle.transitions} >= {TransitionKind.SKIP, TransitionKind.REPEAT}
    assert RefusalCode.RECYCLE_LIMIT == "recycle_limit"
