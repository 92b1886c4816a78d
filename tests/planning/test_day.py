"""A day's work, and the two commands about planning."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from leadlife import ActivityKind, ActivityRecorded, Consent, EvidenceGiven, Journey, Lead
from leadlife.cli import main
from leadlife.criteria import CustomGuard, in_stage
from leadlife.errors import Unreadable
from leadlife.facts import HandoffOffered, OwnerAssigned
from leadlife.io.fact_lines import read_facts
from leadlife.planning.day import day_of
from leadlife.playbook.contact_rules import Channel
from leadlife.presets import eight_stage_nurture
from leadlife.qualification.programmes import Programme, Touch
from leadlife.reports.programme_graph import programme_graph, programme_text

T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
BOOK = eight_stage_nurture()


def lead(name, *, book=BOOK, at=T0):
    consents = [Consent(purpose="marketing", granted=True)]
    return Journey.start(Lead(id=name, identified=True, consents=consents), book, at=at, stage="name")


def in_sales(name, at=T0):
    journey = lead(name, at=at).record(EvidenceGiven(name="urgent_need", at=at)).move("rush_to_sales", at=at)
    return journey.record(OwnerAssigned(owner="sue", at=at)).record(HandoffOffered(to="sam", at=at))


def test_a_day_has_its_touches_its_deadlines_and_its_queues():
    closed = lead("dee").move("disqualify", at=T0, reason="duplicate")
    early = lead("bob", at=T0 - timedelta(days=1, hours=-2))
    day = day_of([lead("ann"), early, in_sales("cy"), closed, Journey("eve", BOOK)], at=T0)
    assert [(one.lead, one.touch) for one in day.touches] == [("bob", "what it is")]
    assert [str(one) for one in day.deadlines] == ["2026-03-02 10:00 UTC  cy  an answer of sam (sam)"]
    assert {owner: [(one.lead, one.offered) for one in leads] for owner, leads in day.queues.items()} == {
        "sam": [("cy", True)],
        "sue": [("cy", False)],
        None: [("bob", False), ("ann", False)],
    }
    text = str(day)
    assert "bob in name since 2026-03-01" in text
    assert "cy in sales_lead since 2026-03-02 (offered)" in text
    assert json.dumps(day.to_dict())


def test_a_limit_that_comes_due_is_a_deadline():
    journey = in_sales("cy")
    found = day_of([journey], at=T0 + 29 * DAY, lasts=2 * DAY)
    assert [one.what for one in found.deadlines] == ["the limit of 'sales_lead', then recycle"]
    missed = day_of([journey], at=T0 + timedelta(minutes=90)).deadlines
    assert [one.missed for one in missed] == [True]
    assert "not the first time" in str(missed[0])


def test_a_lead_that_breaks_stops_no_other():
    def broken(_view):
        raise RuntimeError("out of order")

    programme = Programme(
        name="p",
        audience=in_stage("name"),
        exit=in_stage("customer"),
        touches=[Touch(name="x", channel="email", when=CustomGuard(name="broken", call=broken))],
    )
    book = BOOK.replace(channels={"email": Channel()}, programmes=[programme], contact_rules=None, lead_types=[])
    day = day_of([lead("ann", book=book), in_sales("cy")], at=T0)
    assert [one.lead for one in day.failed] == ["ann"]
    assert "! ann: " in str(day)
    assert day.to_dict()["failed"][0]["error"]["code"] == "guard_error"
    assert "none" in str(day_of([], at=T0))


@pytest.fixture
def files(tmp_path):
    journeys = [lead("ann"), in_sales("cy")]
    lines = [json.dumps(fact.dump()) for journey in journeys for fact in journey.facts]
    raw = [
        {"type": "started", "lead": "bob", "stage": "name", "playbook": BOOK.ref.model_dump(), "at": T0.isoformat()},
        {"type": "touch_sent", "lead": "bob", "channel": "email", "at": T0.isoformat()},
        {"type": "touch_sent", "lead": "eve", "channel": "fax", "at": T0.isoformat()},
        {"type": "touch_sent", "channel": "email", "at": T0.isoformat()},
    ]
    path = tmp_path / "facts.jsonl"
    path.write_text("\n".join([*reversed(lines), "", *map(json.dumps, raw), "{broken"]) + "\n", encoding="utf-8")
    return path


def test_facts_are_read_and_what_cannot_be_read_is_set_aside_with_its_line(files):
    read = read_facts(files, BOOK)
    assert (len(read.journeys), read.read) == (3, 15)
    assert {journey.lead_id for journey in read.journeys} == {"ann", "bob", "cy"}
    assert [one.lead for one in read.set_aside] == ["eve", None, None]
    assert "channel 'fax' is not declared" in str(read.set_aside[0])
    assert read.set_aside[1].reason == "the fact names no lead"
    assert str(read.set_aside[2]).startswith("line 16: ")
    with pytest.raises(Unreadable, match="No such file"):
        read_facts(files.parent / "none.jsonl", BOOK)
    files.write_bytes(b"\xff\xfe")
    with pytest.raises(Unreadable, match="UTF-8"):
        read_facts(files, [BOOK])


def test_the_command_prints_the_day(files, capsys):
    asked = ["plan", "eight_stage_nurture", "--facts", str(files), "--at", "2026-03-02T09:00:00+00:00"]
    assert main(asked) == 1  # some lines were set aside
    shown = capsys.readouterr().out
    assert "15 facts of 3 leads, 3 lines or leads set aside" in shown
    assert "an answer of sam" in shown
    assert main([*asked, "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert (len(document["set_aside"]), document["read"]) == (3, 15)
    assert main([*asked, "--also", "eight_stage"]) == 1
    assert "an answer of sam" in capsys.readouterr().out
    assert main([*asked[:-1], "tomorrow"]) == 2
    assert "must be an instant with its offset" in capsys.readouterr().err
    files.write_text("\n".join(["{broken"] * 12), encoding="utf-8")
    assert main(asked) == 1
    assert "... and 2 more" in capsys.readouterr().out


def test_the_command_simulates_one_playbook_or_two(capsys):
    assert main(["simulate", "--leads", "15", "--days", "90"]) == 0
    shown = capsys.readouterr().out
    assert "simulated" in shown
    assert "15 leads over 90 days under eight_stage_nurture 1" in shown
    assert main(["simulate", "eight_stage", "--leads", "15", "--days", "90", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["touches"] == 0
    two = ["simulate", "eight_stage", "eight_stage_nurture", "--leads", "20", "--worlds", "2", "--days", "60"]
    assert main(two) == 0
    shown = capsys.readouterr().out
    assert "2 worlds of 10 leads" in shown
    assert "b compared with a" in shown
    assert main([*two, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"][0]["figure"] == "sales"
    with pytest.raises(SystemExit):
        main([*two[:-4], "--worlds", "1"])


def test_a_programme_is_drawn(capsys):
    asked = ["draw", "eight_stage_nurture", "--programme", "mid to late", "--format"]
    assert main([*asked, "text"]) == 0
    shown = capsys.readouterr().out
    assert "after 7 days; if at least 1 of reply or form or chat within 30 days -> a call, by phone" in shown
    assert "ends: goal: readiness is late" in shown
    assert main([*asked, "mermaid"]) == 0
    assert capsys.readouterr().out.startswith("flowchart TD")
    assert main([*asked, "dot"]) == 0
    assert "audience -> t1" in capsys.readouterr().out
    assert main(["draw", "eight_stage_nurture", "--programme", "mid to lat"]) == 1
    assert "did you mean 'mid to late'" in capsys.readouterr().err
    alone = Programme(
        name="p",
        audience=in_stage("name"),
        lasts="P9D",
        touches=[Touch(name="x", channel="email", window={"at": "10:00"})],
    )
    assert programme_text(programme_graph(alone)).splitlines()[1:] == [
        "  at once; at 10:00 -> x, by email",
        "  ends: at the latest after 9 days",
    ]
    endless = programme_graph(alone.replace(lasts=None))
    assert endless.ends == ("the audience is no longer true",)


def test_a_terminal_sees_the_progress(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    main(["simulate", "eight_stage", "--leads", "2", "--days", "10"])
    assert "] 10 of 10 days" in capsys.readouterr().err


def test_the_kinds_of_activity_may_be_any():
    book = BOOK.with_activity_kinds(visit=ActivityKind())
    journey = lead("ann", book=book).record(ActivityRecorded(kind="visit", at=T0))
    assert day_of([journey], at=T0).queues[None][0].lead == "ann"
