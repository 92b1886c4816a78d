"""What an attack on stores found, and what was mended."""

import asyncio
import json
import sqlite3
import uuid

import pytest
import sqlalchemy as sa

from leadlife import (
    ActivityRecorded,
    FieldChanged,
    FieldSpec,
    Journey,
    Lead,
    Malformed,
    Money,
    QualificationRule,
    Retracted,
    Sold,
)
from leadlife.cli import main
from leadlife.criteria.custom import CustomGuard
from leadlife.errors import Damaged, StoreUnavailable, Unreadable
from leadlife.facts import Refunded
from leadlife.stores import AsyncSqlStore, MemoryStore, OutboxPosition, SqliteStore, SqlStore
from stores.worlds import T, book, call, days, hours, until_lead

EURO = Money(amount="5", currency="EUR")


@pytest.fixture
def store(tmp_path):
    with SqliteStore(tmp_path / "leads.db", book(), chained=True) as opened:
        yield opened


@pytest.fixture
def sql_store(tmp_path):
    with SqlStore(f"sqlite:///{tmp_path}/sql.db", book()) as opened:
        yield opened


def test_a_transaction_that_is_rolled_back_loses_no_playbook(tmp_path):
    engine = sa.create_engine(f"sqlite:///{tmp_path}/crm.db")
    store = SqlStore(engine, book())
    with engine.connect() as connection:
        store.within(connection).start("x", at=T, stage="name")
        connection.rollback()
    store.start("y", at=T, stage="name")
    assert SqlStore(engine, book("9")).load("y").stage == "name"
    engine.dispose()


def test_a_conflict_in_between_loses_no_playbook(tmp_path):
    path, runs = tmp_path / "leads.db", []
    with SqliteStore(path, [book("1"), book("2")]) as store:
        until_lead(store)

        def change(journey):
            runs.append(1)
            if len(runs) == 1:
                store.apply("ada", lambda other: other.record(call(days(1))))
            return journey.adopt(book("2"), at=days(2))

        store.apply("ada", change)
    with SqliteStore(path, book("1")) as store:
        assert store.load("ada").playbook.version == "2"


def test_a_retraction_by_a_key_that_looks_like_an_id_outlives_the_erasure(store):
    key = uuid.uuid4().hex
    store.start("ada", at=T, stage="name")
    store.apply("ada", lambda journey: journey.record(FieldChanged(name="size", value=3, at=hours(1), key=key)))
    store.apply("ada", lambda journey: journey.record(Retracted(target=key, at=hours(2))))
    before = [entry.status for entry in store.load("ada").log]
    store.erase("ada", at=days(2))
    assert [entry.status for entry in store.load("ada").log][:-1] == before
    store.vacuum()
    assert key.encode() not in store._context.database.path.read_bytes()


def test_a_key_that_is_the_id_of_another_fact_stays_one(store):
    store.start("ada", at=T, stage="name")
    first = store.apply("ada", lambda journey: journey.record(call(hours(1)))).facts[0].id
    store.apply("ada", lambda journey: journey.record(FieldChanged(name="size", value=3, at=hours(2), key=first)))
    before = [entry.status for entry in store.load("ada").log]
    store.erase("ada", at=days(2))
    assert [entry.status for entry in store.load("ada").log][:-1] == before


def test_a_refund_that_names_its_sale_by_a_key_is_erased_and_still_names_it(store):
    store.start("ada", at=T, stage="name")
    store.apply("ada", lambda journey: journey.record(Sold(at=hours(1), amount=EURO, key="ada@example.org")))
    store.apply("ada", lambda journey: journey.record(Refunded(at=hours(2), amount=EURO, sale="ada@example.org")))
    store.erase("ada", at=days(2))
    sold, refunded = store.load("ada").facts[1:3]
    assert refunded.sale == sold.key
    store.vacuum()
    assert b"ada@example" not in store._context.database.path.read_bytes()


def test_a_field_that_a_later_playbook_flags_is_erased(tmp_path):
    first = book().with_fields(company=FieldSpec())
    second = book("2").with_fields(company=FieldSpec(personal=True))
    with SqliteStore(tmp_path / "leads.db", first, chained=True) as store:
        store.start(Lead(id="ada", fields={"company": "SECRETCO", "size": 3}), at=T, stage="name")
        head = store.head()
        store.adopt(second, at=days(1))
        store.erase("ada", at=days(2))
        assert store.load("ada").fields == {"size": 3}
        assert store.verify(head=head).sound
        store.vacuum()
        assert b"SECRETCO" not in (tmp_path / "leads.db").read_bytes()


def test_attributes_go_with_their_names_and_numbers(store):
    store.start("ada", at=T, stage="name")
    attributes = {"phone of ada": 49301234567}
    store.apply(
        "ada", lambda journey: journey.record(ActivityRecorded(kind="form", at=hours(1), attributes=attributes))
    )
    store.erase("ada", at=days(2))
    store.vacuum()
    content = store._context.database.path.read_bytes()
    assert b"49301234567" not in content
    assert b"phone of ada" not in content


def test_a_personal_block_that_was_blanked_is_seen(store):
    until_lead(store)
    head = store.head()
    with sqlite3.connect(store._context.database.path) as connection:
        connection.execute("UPDATE leadlife_facts SET personal = NULL, salt = NULL")
    connection.close()
    assert "its personal block is gone" in str(store.verify(head=head))
    for ask in (lambda: store.load("ada"), store.facts_since):
        with pytest.raises(Damaged):
            ask()
    store.start("bob", at=T, stage="name")
    store.erase("bob", at=days(1))
    assert store.facts_since(OutboxPosition(0, 11), limit=10)


def test_the_tombstone_of_a_lead_that_lives_elsewhere_erases_it_there(store, tmp_path):
    until_lead(store)
    store.write_lines(tmp_path / "before")
    store.erase("ada", at=days(1))
    store.write_lines(tmp_path / "after")
    with MemoryStore(book()) as other:
        other.read_lines(tmp_path / "before")
        assert other.load("ada").fields["phone"]
        other.read_lines(tmp_path / "after")
        assert other.state("ada").erased_at == days(1)
        assert "phone" not in other.load("ada").fields
        assert [one.lead for one in other.find(qualification="mql", erased=True)] == ["ada"]
    with MemoryStore(book()) as other:
        other.read_lines(tmp_path / "after")
        assert [one.lead for one in other.find(qualification="mql", erased=True)] == ["ada"]
        assert other.verify().sound


def test_keys_travel_with_the_lines(store, tmp_path):
    store.start("bob", at=T, stage="name")
    store.apply("bob", lambda journey: journey.record(Sold(at=hours(1), amount=EURO)), key="pay-1")
    store.write_lines(tmp_path / "leads.jsonl")
    with MemoryStore(book()) as other:
        other.read_lines(tmp_path / "leads.jsonl")
        assert other.apply("bob", lambda journey: journey.record(Sold(at=hours(2), amount=EURO)), key="pay-1").repeated


def test_an_earlier_file_stays_until_the_new_one_is_whole(store, tmp_path):
    until_lead(store)
    store.write_lines(tmp_path / "backup.jsonl")
    whole = (tmp_path / "backup.jsonl").read_bytes()
    with store._context.database.writing() as session:
        session.run("UPDATE leadlife_facts SET body = '{}' WHERE position = 9")
    with pytest.raises(Damaged):
        store.write_lines(tmp_path / "backup.jsonl")
    assert (tmp_path / "backup.jsonl").read_bytes() == whole
    assert not (tmp_path / "backup.jsonl.unfinished").exists()


def test_everybody_is_told_before_the_first_failure_is_raised(tmp_path):
    told = []

    def fails(facts):
        told.append(facts[0].lead)
        raise RuntimeError("mail is down")

    with SqliteStore(tmp_path / "leads.db", book()) as store:
        for lead in ("ada", "bob", "cyd"):
            until_lead(store, lead)
    with SqliteStore(tmp_path / "leads.db", book(), on_new=fails) as store:
        swept = []
        with pytest.raises(RuntimeError):
            swept.extend(store.sweep(days(20)))
    assert told == ["ada", "bob", "cyd"]


def test_a_dry_run_says_what_the_real_one_would(store):
    until_lead(store)
    with pytest.raises(Malformed, match="another playbook called"):
        store.adopt(book().replace(meaning="other"), at=days(1), dry_run=True)
    with pytest.raises(Malformed, match="an actor must be"):
        store.adopt(book("2"), at=days(1), by=5)
    assert "years" in store.adopt(book("2"), at=days(4_000)).needs_person[0].reason


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("DELETE FROM leadlife_held", "disagree on what it holds"),
        ("DELETE FROM leadlife_playbooks", "it is missing, and the fact at position"),
        ("DELETE FROM leadlife_settings WHERE name = 'position'", "position: it is missing"),
        ("DELETE FROM leadlife_snapshots", "the snapshot of where it stood is missing"),
        ("UPDATE leadlife_facts SET body = CAST(body AS BLOB)", "cannot be read"),
        ("UPDATE leadlife_facts SET recorded_at = 'zzz'", "checksum does not fit"),
        ("UPDATE leadlife_leads SET qualifications = 'x'", "checksum does not fit"),
    ],
)
def test_verification_compares_all_tables(store, statement, problem):
    until_lead(store)
    until_lead(store, "bob")
    store.erase("bob", at=days(1))
    assert store.verify().sound
    with sqlite3.connect(store._context.database.path) as connection:
        connection.execute(statement)
    connection.close()
    assert problem in str(store.verify())


def test_a_store_without_its_counter_says_so(store):
    until_lead(store)
    with store._context.database.writing() as session:
        session.run("DELETE FROM leadlife_settings WHERE name = 'position'")
    with pytest.raises(Damaged, match="counter of positions"):
        store.apply("ada", lambda journey: journey.record(call(days(1))))


def test_a_state_that_says_it_was_erased_needs_a_log_that_does(store):
    from leadlife.stores.database import read, replace
    from leadlife.stores.tables import LEADS

    until_lead(store)
    with store._context.database.writing() as session:
        replace(session, LEADS, read(session, LEADS)[0]._replace(erased_at=1))
    assert "disagree on whether it was erased" in str(store.verify())


def joined_log():
    journey = Journey.start("q", book(), at=T, stage="name")
    one, two = journey.record(call(hours(1))), journey.record(call(hours(2)))
    return Journey.replay([*one.facts, two.facts[-1]], book())


def test_logs_that_were_joined_are_refused(store, tmp_path):
    with pytest.raises(Malformed, match="one number"):
        store.save(joined_log(), expected_version=0)
    until_lead(store)
    store.write_lines(tmp_path / "leads.jsonl")
    lines = [
        *(json.dumps(fact.dump()) for fact in joined_log().facts),
        *(tmp_path / "leads.jsonl").read_text().splitlines(),
    ]
    far = Journey.start("far", book(), at=T, stage="name").facts[0].model_copy(update={"seq": 2**63 - 1})
    (tmp_path / "joined.jsonl").write_text("\n".join([*lines, json.dumps(far.dump())]))
    with MemoryStore(book()) as other:
        read = other.read_lines(tmp_path / "joined.jsonl")
        assert {one.lead for one in read.set_aside} == {"q", "far"}
        assert other.load("ada") == store.load("ada")


def test_tombstones_that_do_not_fit_are_set_aside(store, tmp_path):
    until_lead(store)
    until_lead(store, "bob")
    store.erase("ada", at=days(1))
    store.write_lines(tmp_path / "leads.jsonl")
    lines = (tmp_path / "leads.jsonl").read_text().splitlines()
    good = next(json.loads(line)["tombstone"] for line in lines if line.startswith('{"tombstone'))
    others = [json.loads(line) for line in lines if '"lead": "bob"' in line and line.startswith('{"schema')]
    bad = [{**good, "facts": []}, {**good, "facts": others}, {**good, "snapshot": []}, {**good, "snapshot": ["{}"]}]
    for name, value in (
        ("stage", "customer"),
        ("erased_at", None),
        ("status", "x"),
        ("readiness", "x"),
        ("scores", "x"),
        ("version", 10**30),
        ("as_of", "x"),
        ("lead", "\ud800"),
        ("owner", ["sam"]),
        ("version", None),
    ):
        bad.append({**good, "state": {**good["state"], name: value}})
    bad.append({**good, "state": {**good["state"], "more": 1}})
    (tmp_path / "bad.jsonl").write_text("\n".join([lines[0], *(json.dumps({"tombstone": one}) for one in bad)]))
    with MemoryStore(book()) as other:
        read = other.read_lines(tmp_path / "bad.jsonl")
        assert len(read.set_aside) == len(bad)
        assert other.find(erased=True) == ()


def test_requests_of_odd_form_are_set_aside(store, tmp_path):
    (tmp_path / "odd.jsonl").write_text('{"request": 5}\n{"request": {"lead": "x"}}\n{"playbook": 5}\n')
    assert len(store.read_lines(tmp_path / "odd.jsonl").set_aside) == 3
    request = {"lead": "nobody", "pipeline": "main", "key": "k", "content": "", "at": 0}
    (tmp_path / "odd.jsonl").write_text(json.dumps({"request": request}))
    assert store.read_lines(tmp_path / "odd.jsonl").set_aside == ()


def test_a_hosts_transaction_is_read_as_it_is(tmp_path):
    engine = sa.create_engine(f"sqlite:///{tmp_path}/crm.db")
    store = SqlStore(engine, book())
    until_lead(store)
    with engine.begin() as connection:
        inner = store.within(connection)
        inner.start("bob", at=T, stage="name")
        assert inner.verify().sound
        assert inner.write_lines(tmp_path / "leads.jsonl") > 10
    for wrong in (5, engine):
        with pytest.raises(Malformed, match="must be a Connection"):
            store.within(wrong)
    engine.dispose()


def test_databases_that_cannot_be_reached(tmp_path, monkeypatch):
    path = tmp_path / "crm.db"
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": 0.05})
    store = SqlStore(engine, book())
    with store._context.database.writing(), pytest.raises(StoreUnavailable, match="locked"):
        SqlStore(engine, book()).start("ada", at=T, stage="name")
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE leadlife_leads")
    with pytest.raises(Damaged, match="lacks a table"):
        store.count()
    engine.dispose()
    path.write_text("no database " * 900)
    with pytest.raises(Damaged, match="damaged"):
        SqlStore(f"sqlite:///{path}", book())
    with pytest.raises(StoreUnavailable):
        SqlStore("sqlite:////nowhere/at/all.db", book())
    with pytest.raises(StoreUnavailable):
        SqlStore("postgresql+pg8000://x@/x?unix_sock=/nowhere", book())


@pytest.mark.parametrize("url", ["", "x", "mysql+nothing://x", "nodialect://", 5, None, "sqlite+aiosqlite:///x.db"])
def test_what_is_no_url_of_a_database(url):
    with pytest.raises(Malformed):
        SqlStore(url, book())


@pytest.mark.parametrize("url", ["x", 5, None, "sqlite:///x.db", "nodialect://"])
def test_what_is_no_url_for_asyncio(url):
    with pytest.raises(Malformed):
        asyncio.run(AsyncSqlStore.open(url, book()))


def test_verify_changes_no_file(tmp_path, capsys):
    sqlite3.connect(tmp_path / "foreign.db").execute("CREATE TABLE x (y)").connection.close()
    before = (tmp_path / "foreign.db").read_bytes()
    assert main(["verify", str(tmp_path / "foreign.db")]) == 1
    assert (tmp_path / "foreign.db").read_bytes() == before
    assert main(["verify", f"sqlite:///{tmp_path}/none.db"]) == 2
    assert not (tmp_path / "none.db").exists()
    assert main(["verify", "postgresql+pg8000://127.0.0.1:1/x"]) == 2
    assert "Traceback" not in capsys.readouterr().err


HALF = "\ud800"
ODD = [
    lambda store, path: store.apply("ada", lambda journey: journey, key="k", content=5),
    lambda store, path: store.find(after=5),
    lambda store, path: store.find(after=("a",)),
    *(
        lambda store, path, name=name, text=text: store.find(**{name: text})
        for name in ("stage", "owner", "pipeline", "qualification", "playbook")
        for text in (HALF, "\0", "")
    ),
    lambda store, path: store.find(after=(HALF, "main")),
    lambda store, path: store.find(owner=["a"] * 501),
    lambda store, path: store.adopt(book("2"), at=T, pipeline=HALF),
    lambda store, path: store.adopt(book("2"), at=T, stages={1: 2}),
    lambda store, path: store.adopt(book("2"), at=T, stages={"lead": ["x"]}),
    lambda store, path: store.facts_since(OutboxPosition(2**70, 1)),
    lambda store, path: store.facts_since(OutboxPosition("a", 1)),
    lambda store, path: store.facts_since(OutboxPosition(None, 1)),
    lambda store, path: OutboxPosition.parse(5),
    lambda store, path: OutboxPosition.parse(None),
    lambda store, path: OutboxPosition.parse("9" * 5_000 + ":1"),
    lambda store, path: store.deliver("c", 5),
    lambda store, path: store.deliver_together("c", 5),
    *(lambda store, path, odd=odd: store.write_lines(odd) for odd in (5, None, b"x", "\0", HALF)),
    *(lambda store, path, odd=odd: store.read_lines(odd) for odd in (5, None, b"x", "\0", HALF)),
    lambda store, path: store.verify(head=b"1:2"),
    lambda store, path: store.verify(head=("a:",)),
    lambda store, path: store.load(HALF),
    lambda store, path: store.start("ada\n", at=T),
]


@pytest.mark.parametrize("ask", ODD, ids=range(len(ODD)))
def test_odd_arguments_are_named(store, sql_store, tmp_path, ask):
    for one in (store, sql_store):
        with pytest.raises(Malformed):
            ask(one, tmp_path)
        assert one.count() == {}


def test_numbers_beyond_all_bounds_are_as_many_as_there_are(store, sql_store):
    for one in (store, sql_store):
        one.start("ada", at=T, stage="name")
        assert len(one.find(limit=2**63)) == 1
        assert len(one.facts_since(limit=2**70)) == 1
        assert one.deliver("c", lambda _: None, limit=2**63) == 1
        assert list(one.sweep(days(1), batch=2**64)) == []


@pytest.mark.parametrize("path", [":memory:", "file:x?mode=memory", None, 5, "\0", HALF])
def test_what_is_no_file(path):
    with pytest.raises(Malformed, match="path must be the path of a file"):
        SqliteStore(path, book())


def test_a_driver_that_breaks_leaves_no_connection_behind(postgres):
    store = SqlStore(postgres, book())
    until_lead(store)
    with pytest.raises(Malformed, match="driver cannot take"), store._context.database.reading() as session:
        session.select("SELECT :x", x=HALF)
    for _ in range(5):
        assert [one.lead for one in store.find(limit=1)] == ["ada"]
        assert store.count() == {("main", "lead"): 1}


def test_an_export_names_what_code_of_the_host_broke():
    def broken(view):
        raise ZeroDivisionError

    rule = QualificationRule(name="odd", enter=CustomGuard(name="g", call=broken))
    playbook = book().replace(qualifications=(*book().qualifications, rule))
    with MemoryStore(playbook) as store:
        until_lead(store)
        known = store.export("ada")["pipelines"]["main"]
        assert known["qualifications"]["odd"]["error"]["code"] == "guard_error"
        assert known["qualifications"]["mql"]["held"]


def test_an_unreadable_file_of_lines(store, tmp_path):
    with pytest.raises(Unreadable):
        store.read_lines(tmp_path)
