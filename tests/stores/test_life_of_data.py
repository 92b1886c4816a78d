"""Playbooks are adopted by all leads, personal data go and figures stay, logs travel, and damage is found."""

import json
import sqlite3

import pytest

from leadlife import ActivityRecorded, Actor, FieldChanged, FieldSpec, Malformed, QualificationRule, Retracted
from leadlife.cli import main
from leadlife.criteria.custom import CustomGuard
from leadlife.errors import Damaged, LeadErased, UnknownPlaybook, Unreadable
from leadlife.io.fact_lines import read_facts
from leadlife.presets import eight_stage, mql_pql_sql
from leadlife.stores import MemoryStore, SqliteStore
from stores.worlds import MARKETING, SALES, T, book, call, days, hours, until_lead

SECRET = "Zanzibar"


@pytest.fixture
def store(tmp_path):
    with SqliteStore(tmp_path / "leads.db", book(), chained=True, snapshot_every=4) as opened:
        yield opened


def tell_secrets(store, lead="ada"):
    """Record everything that may be personal."""
    until_lead(store, lead)

    def told(journey):
        for fact in (
            FieldChanged(name="phone", value=SECRET, at=hours(6)),
            ActivityRecorded(kind="form", attributes={"text": SECRET, "pages": 3}, at=hours(6), key=f"{SECRET}@mail"),
            ActivityRecorded(kind="call", at=hours(6), key=f"{SECRET}-twice"),
            ActivityRecorded(kind="reply", at=hours(6), key=f"{SECRET}-twice"),
            ActivityRecorded(kind="call", at=hours(6), key=f"{SECRET}-out"),
            Retracted(target=f"{SECRET}-out", at=hours(6)),
        ):
            journey = journey.record(fact)
        journey = journey.withdraw("mql", SECRET, at=hours(7), by=MARKETING)
        return journey.move("accept", at=hours(8), by=SALES, note=SECRET)

    return store.apply(lead, told, key=SECRET)


def test_erasure_leaves_no_byte_and_changes_no_figure(store, tmp_path):
    tell_secrets(store)
    tell_secrets(store, "bob")
    before, head, leads = store.load("ada"), store.head(), store.count()
    assert SECRET in json.dumps(store.export("ada"))
    (tombstone,) = store.erase("ada", at=hours(9), by="dpo", reason="requested")
    after = store.load("ada")
    assert tombstone == store.state("ada")
    assert (tombstone.erased_at, tombstone.wake_at, tombstone.stage) == (hours(9), None, "sales_lead")
    assert (after.visits, after.cycles, after.stage) == (before.visits, before.cycles, before.stage)
    assert [one.status for one in after.log][:-1] == [one.status for one in before.log]
    assert after.facts[-1].type == "erased"
    assert "phone" not in after.fields
    assert after.fields["size"] == 5
    assert SECRET not in json.dumps(store.export("ada"))
    assert store.verify(head=head).sound
    assert store.count() == {("main", "sales_lead"): 1}
    assert store.count(erased=True) == leads
    store.erase("bob", at=hours(9))
    store.vacuum()
    for file in tmp_path.iterdir():
        assert SECRET.encode() not in file.read_bytes()


def test_without_erasure_the_secret_is_in_the_file(store, tmp_path):
    """The control of the test above."""
    tell_secrets(store)
    store.vacuum()
    assert SECRET.encode() in (tmp_path / "leads.db").read_bytes()


def test_nothing_is_recorded_of_an_erased_lead(store):
    tell_secrets(store)
    store.erase("ada", at=hours(1))  # something later is known: it is erased then
    assert store.state("ada").erased_at == hours(8)
    assert store.erase("ada", at=hours(20)) == (store.state("ada"),)
    for ask in (
        lambda: store.apply("ada", lambda journey: journey.record(call(hours(30)))),
        lambda: store.apply("ada", lambda journey: journey, key=SECRET),
        lambda: store.start("ada", at=T, stage="name"),
    ):
        with pytest.raises(LeadErased) as caught:
            ask()
        assert caught.value.http_status == 410
    assert store.find() == ()
    assert [one.lead for one in store.find(erased=True)] == ["ada"]
    assert not list(store.sweep(days(400)))
    assert store.compact() == 0


def test_consumers_are_told_of_an_erasure(store):
    told = []
    with SqliteStore(store._context.database.path, book(), on_new=told.append) as other:
        until_lead(other)
        other.erase("ada", at=hours(9))
    assert [fact.type for fact in told[-1]] == ["erased"]
    assert store.facts_since(limit=1_000)[-1].fact.type == "erased"


def test_every_pipeline_is_erased(store):
    until_lead(store)
    until_lead(store, pipeline="renewals")
    assert [one.pipeline for one in store.erase("ada", at=hours(9))] == ["main", "renewals"]
    assert set(store.export("ada")["pipelines"]) == {"main", "renewals"}


def test_a_tombstone_of_another_release_is_not_folded_anew(store):
    tell_secrets(store)
    store.erase("ada", at=hours(9))
    with store._context.database.writing() as session:
        session.run("DELETE FROM leadlife_snapshots")
    with pytest.raises(Damaged, match="made by another release"):
        store.load("ada")
    assert store.state("ada").stage == "sales_lead"


def test_an_erased_block_holds_nothing_but_aliases(store):
    tell_secrets(store)
    store.erase("ada", at=hours(9))
    with store._context.database.writing() as session:
        session.run("""UPDATE leadlife_facts SET personal = '{"value":"forged"}' WHERE body LIKE '%phone%'""")
    with pytest.raises(Damaged, match="cannot be read"):
        store.load("ada")


def test_an_export_explains_every_decision(store):
    until_lead(store)
    known = store.export("ada")["pipelines"]["main"]
    assert known["fields"] == {"phone": "0123-456", "size": 5}
    assert [one["type"] for one in known["decisions"]] == ["qualified"]
    assert known["qualifications"]["mql"]["held"]
    assert known["qualifications"]["mql"]["enter"]
    assert any("mql granted" in line["text"] for line in known["explanation"])
    assert known["scores"]["calls"]["micropoints"] == 0
    json.dumps(known)


def test_an_export_of_a_lead_that_has_not_begun(store):
    store.apply("eve", lambda journey: journey.record(call(T)), create=True)
    known = store.export("eve")["pipelines"]["main"]
    assert (known["stage"], known["scores"], known["qualifications"]) == (None, {}, {})


def test_retention_by_status_and_age(store):
    until_lead(store, "ada")
    until_lead(store, "bob")
    store.start("cyd", at=T, stage="name")
    for lead, day in (("ada", 1), ("bob", 50)):
        store.apply(
            lead, lambda journey, day=day: journey.move("disqualify", at=days(day), reason="poor fit", by=SALES)
        )
    assert store.retain(status="disqualified", recorded_before=days(30), at=days(60), dry_run=True) == (
        ("ada", "main"),
    )
    assert store.state("ada").erased_at is None
    assert store.retain(status="disqualified", recorded_before=days(30), at=days(60)) == (("ada", "main"),)
    assert store.state("ada").erased_at == days(60)
    assert store.retain(status="disqualified", recorded_before=days(30), at=days(60)) == ()
    with pytest.raises(Malformed, match="at least one status"):
        store.retain(status=None, recorded_before=T, at=T)
    with pytest.raises(Malformed, match="after at"):
        store.retain(status="won", recorded_before=days(1), at=T)


def test_retention_pages(store, monkeypatch):
    from leadlife.stores import erasing

    for lead in ("ada", "bob", "cyd"):
        store.start(lead, at=T, stage="name")
    found = [one.lead for one in erasing.outdated(store._context, ("open",), days(1), batch=1)]
    assert found == ["ada", "bob", "cyd"]


def renamed(version="2"):
    return book(version).renamed("sales_lead", "working", version=version)


def test_adoption_renames_stages_under_live_leads(store):
    until_lead(store, "ada")
    tell_secrets(store, "bob")
    store.start("cyd", at=T, stage="name")
    store.start("eve", at=T, stage="name")
    store.erase("eve", at=T)
    tried = store.adopt(renamed(), at=hours(9), stages={"sales_lead": "working"}, dry_run=True)
    assert tried.moved == {("lead", "lead"): 1, ("sales_lead", "working"): 1, ("name", "name"): 1}
    assert (tried.already, tried.needs_person, tried.dry_run) == (0, (), True)
    assert store.state("bob").stage == "sales_lead"
    done = store.adopt(renamed(), at=hours(1), by="ops", stages={"sales_lead": "working"})
    assert done.moved == tried.moved
    assert store.state("bob").stage == "working"
    assert store.load("bob").playbook.version == "2"
    again = store.adopt(renamed(), at=hours(10), stages={"sales_lead": "working"})
    assert (again.moved, again.already) == ({}, 3)
    assert [one.version for one in store.playbooks] == ["2", "1"]
    store.start("new", at=hours(11), stage="name")
    assert store.load("new").playbook.version == "2"


def test_adoption_lists_who_needs_a_person(store):
    tell_secrets(store, "bob")
    store.start("cyd", at=T, stage="name")
    other = mql_pql_sql().with_fields(phone=FieldSpec(personal=True), size=FieldSpec(type="integer"))
    found = store.adopt(other, at=hours(9), stages={"name": "lead"})
    assert found.moved == {("name", "lead"): 1}
    (needing,) = found.needs_person
    assert (needing.lead, needing.stage) == ("bob", "sales_lead")
    assert "sales_lead" in needing.reason
    # Once the mapping is corrected, it goes on where it was.
    again = store.adopt(other, at=hours(9), stages={"name": "lead", "sales_lead": "sql"})
    assert (again.already, again.needs_person) == (1, ())
    assert store.load("bob").playbook.id == "mql_pql_sql"


def test_adoption_that_is_stopped_goes_on(store, monkeypatch):
    from leadlife.stores import adopting

    for lead in ("ada", "bob", "cyd"):
        store.start(lead, at=T, stage="name")
    whole, count = adopting._adopted, iter(range(9))

    def stops(*arguments):
        if next(count) == 1:
            raise KeyboardInterrupt
        return whole(*arguments)

    monkeypatch.setattr(adopting, "_adopted", stops)
    with pytest.raises(KeyboardInterrupt):
        store.adopt(book("2"), at=hours(1))
    monkeypatch.undo()
    assert store.adopt(book("2"), at=hours(2)).moved == {("name", "name"): 2}


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ({"sales_leed": "working"}, "no playbook has a stage 'sales_leed'"),
        ({"sales_lead": "werking"}, "no stage 'werking'"),
        (["a"], "must be a mapping"),
    ],
)
def test_an_adoption_with_a_typo(store, stages, message):
    with pytest.raises(Malformed, match=message):
        store.adopt(renamed(), at=T, stages=stages)
    with pytest.raises(Malformed, match="must be a Playbook"):
        store.adopt("eight_stage", at=T)


def test_a_stage_that_only_other_leads_have_is_ignored_for_a_lead(store):
    until_lead(store, "ada")
    other = eight_stage().renamed("lead", "hot", version="7")
    with SqliteStore(store._context.database.path, other) as second:
        until_lead_of_other(second)
    found = store.adopt(renamed("8"), at=hours(9), stages={"hot": "lead", "sales_lead": "working"})
    assert found.moved == {("lead", "lead"): 1, ("name", "name"): 1}
    assert not found.needs_person


def until_lead_of_other(store):
    store.start("zed", at=T, stage="name")


def test_lines_out_and_in_are_the_same_store(store, tmp_path):
    until_lead(store, "ada")
    tell_secrets(store, "bob")
    until_lead(store, "cyd", pipeline="renewals")
    store.erase("bob", at=hours(9))
    lines = tmp_path / "leads.jsonl"
    count = store.write_lines(lines)
    assert count == len(lines.read_text().splitlines())
    with MemoryStore(book("9")) as other:
        read = other.read_lines(lines)
        assert (read.leads, read.known, read.set_aside) == (3, 0, ())
        for lead, pipeline in (("ada", "main"), ("cyd", "renewals")):
            assert other.load(lead, pipeline=pipeline) == store.load(lead, pipeline=pipeline)
        assert other.load("bob").visits == store.load("bob").visits
        assert other.state("bob").erased_at == store.state("bob").erased_at
        again = other.read_lines(lines)
        assert (again.leads, again.facts, again.known) == (0, 0, read.facts)
        # What the first store goes on to learn continues it, and an older file changes nothing.
        store.apply("ada", lambda journey: journey.record(call(hours(20))))
        store.write_lines(tmp_path / "later.jsonl")
        assert other.read_lines(tmp_path / "later.jsonl").facts == 1
        assert other.read_lines(lines).facts == 0
    facts = read_facts(lines, [book("9"), book()])
    assert {one.lead_id for one in facts.journeys} == {"ada", "cyd"}


def test_a_shuffled_file_is_read_all_the_same(store, tmp_path):
    until_lead(store, "ada")
    until_lead(store, "bob")
    store.write_lines(tmp_path / "leads.jsonl")
    lines = (tmp_path / "leads.jsonl").read_text().splitlines()
    (tmp_path / "shuffled.jsonl").write_text("\n".join([lines[0], *sorted(lines[1:], key=hash), "", "  "]))
    with MemoryStore(book()) as other:
        assert other.read_lines(tmp_path / "shuffled.jsonl").leads == 2
        assert other.load("ada") == store.load("ada")


def test_lines_that_cannot_be_read_are_set_aside(store, tmp_path):
    until_lead(store, "ada")
    store.write_lines(tmp_path / "leads.jsonl")
    lines = (tmp_path / "leads.jsonl").read_text().splitlines()
    bad = [
        "not JSON",
        "[1]",
        '{"type": "activity", "kind": "call", "at": "2026-03-02T09:00:00Z"}',
        '{"tombstone": {"state": {}}}',
        '{"tombstone": 7}',
        '{"playbook": {"id": "x"}}',
    ]
    (tmp_path / "bad.jsonl").write_text("\n".join([*lines, *bad]), encoding="utf-8")
    with MemoryStore(book()) as other:
        read = other.read_lines(tmp_path / "bad.jsonl")
        assert read.leads == 1
        assert [one.line for one in read.set_aside] == [len(lines) + number for number in range(1, 7)]
        # A log that parts ways with the stored one is set aside as a whole.
        other.apply("ada", lambda journey: journey.record(call(hours(20))))
        store.apply("ada", lambda journey: journey.record(call(hours(21))))
        store.write_lines(tmp_path / "leads.jsonl")
        (aside,) = other.read_lines(tmp_path / "leads.jsonl").set_aside
        assert (aside.lead, aside.reason) == ("ada", "the log of the file and the stored one part ways")
        with pytest.raises(Unreadable, match="cannot be read"):
            other.read_lines(tmp_path / "none.jsonl")
        (tmp_path / "latin.jsonl").write_bytes(b"\xff\xfe{")
        with pytest.raises(Unreadable, match="not UTF-8"):
            other.read_lines(tmp_path / "latin.jsonl")
        with pytest.raises(Unreadable, match="cannot be written"):
            other.write_lines(tmp_path / "no folder" / "x")


def test_compaction_makes_every_lead_load_fast(store):
    until_lead(store, "ada")
    store.start("bob", at=T, stage="name")
    store.apply("eve", lambda journey: journey.record(call(T)), create=True)  # not begun: nothing to keep
    assert store.compact() == 1  # the other one has a snapshot of its present version
    assert store.compact() == 0
    with store._context.database.writing() as session:
        from leadlife.stores.database import put, read
        from leadlife.stores.tables import SNAPSHOTS

        row = read(session, SNAPSHOTS, "WHERE lead = 'bob'")[0]
        put(session, SNAPSHOTS, row._replace(body=row.body.replace('"library":"', '"library":"9')))
    assert store.compact() == 1
    assert store.load("bob").stage == "name"


def damage(store, statement):
    with sqlite3.connect(store._context.database.path) as connection:
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        (
            "UPDATE leadlife_facts SET body = body || ' ' WHERE position = 6",
            "its checksum does not fit",
        ),
        ("UPDATE leadlife_facts SET personal = '{}' WHERE position = 2", "personal block was changed"),
        ("DELETE FROM leadlife_facts WHERE position = 6", "the chain parts here"),
        ("DELETE FROM leadlife_facts WHERE position = (SELECT MAX(position) FROM leadlife_facts)", "its tail was cut"),
        ("DELETE FROM leadlife_leads", "its state is missing"),
        ("UPDATE leadlife_leads SET stage = 'customer'", "its checksum does not fit"),
        ("DELETE FROM leadlife_settings WHERE name = 'chain'", "the head of the chain was taken away"),
    ],
)
def test_verification_names_what_was_changed(store, statement, problem):
    until_lead(store)
    assert store.verify().sound
    damage(store, statement)
    found = store.verify()
    assert not found.sound
    assert any(problem in one.problem for one in found.breaks), str(found)


def test_a_log_that_was_written_anew_is_found_by_its_head(store, tmp_path):
    until_lead(store)
    head = store.head()
    with SqliteStore(tmp_path / "other.db", book(), chained=True) as other:
        until_lead(other, "bob")
        until_lead(other, "ada")
        assert other.verify().sound
        assert "cut or rewritten" in str(other.verify(head=head))
        assert other.verify(head="0:").sound
        assert other.verify(head=other.head()).sound
    with MemoryStore(book()) as plain:
        assert plain.head() is None
        assert "it is another one" in str(plain.verify(head=head))
        assert "no tamper evidence" in str(plain.verify())
    with pytest.raises(Malformed, match="a head is"):
        store.verify(head="abc")


def test_a_store_keeps_its_evidence_when_it_is_opened_again(store):
    until_lead(store)
    with SqliteStore(store._context.database.path, book()) as again:
        again.start("bob", at=T, stage="name")
        assert again.head() != "0:"
        assert again.verify().sound


def test_verify_on_the_command_line(store, tmp_path, capsys):
    until_lead(store)
    path, head = str(tmp_path / "leads.db"), store.head()
    assert main(["verify", path, "--head", head]) == 0
    assert "all are as they were written" in capsys.readouterr().out
    assert main(["verify", f"sqlite:///{path}", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["head"] == head
    damage(store, "UPDATE leadlife_leads SET stage = 'customer'")
    assert main(["verify", path]) == 1
    assert "leadlife_leads ada, main: its checksum does not fit" in capsys.readouterr().out
    assert main(["verify", str(tmp_path / "none.db")]) == 2
    assert not (tmp_path / "none.db").exists()
    assert main(["verify", "oracle+nothing://x"]) == 1
    (tmp_path / "text.db").write_text("no database " * 100)
    assert main(["verify", str(tmp_path / "text.db")]) == 1
    sqlite3.connect(tmp_path / "empty.db").execute("CREATE TABLE x (y)").connection.close()
    assert main(["verify", str(tmp_path / "empty.db")]) == 1


def test_every_damaged_row_is_refused_when_it_is_read(store):
    until_lead(store)
    store.compact()
    for statement, ask in (
        ("UPDATE leadlife_leads SET stage = 'customer'", store.find),
        ("UPDATE leadlife_leads SET checksum = ''", lambda: store.state("ada")),
    ):
        damage(store, statement)
        with pytest.raises(Damaged, match="not as it was written"):
            ask()


def test_a_log_that_lacks_a_fact_is_refused(store):
    until_lead(store)
    damage(store, "DELETE FROM leadlife_facts WHERE position = 5")
    with pytest.raises(Damaged, match="the 9 facts are not the log of 10"):
        store.load("ada")


def test_a_log_that_cannot_be_replayed_is_refused(store):
    until_lead(store)
    with store._context.database.writing() as session:
        session.run("DELETE FROM leadlife_facts")
    with pytest.raises(Damaged, match="cannot be replayed"):
        store.load("ada")


def guarded(version):
    """A playbook with a function of the host, which no stored playbook can have."""
    rule = QualificationRule(name="hot", enter=CustomGuard(name="g", call=lambda view: True))
    return book(version).replace(qualifications=(*book(version).qualifications, rule))


def test_a_stored_playbook_without_its_functions_is_of_no_use_until_it_is_passed(tmp_path):
    with SqliteStore(tmp_path / "leads.db", guarded("7")) as store:
        store.start("ada", at=T, stage="name")
        store.write_lines(tmp_path / "leads.jsonl")
    with SqliteStore(tmp_path / "leads.db", book("8")) as store:
        store.start("bob", at=T, stage="name")
        with pytest.raises(UnknownPlaybook, match="is not bound to a function"):
            store.load("ada")
        assert store.find(qualification="lukewarm") == (), "a playbook that cannot be used may declare any name"
        assert store.state("ada").stage == "name"
        assert store.load("bob").stage == "name"
    with SqliteStore(tmp_path / "leads.db", [book("8"), guarded("7")]) as store:
        assert "hot" in store.load("ada").qualifications
    with MemoryStore(guarded("7")) as other:
        assert not other.read_lines(tmp_path / "leads.jsonl").set_aside


def test_actors_and_ids_stay():
    assert Actor(id="dpo").id == "dpo"
