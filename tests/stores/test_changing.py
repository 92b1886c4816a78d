"""A lead is changed through the store: one effect for each key, nothing lost where many write."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from leadlife import Journey, Malformed, MoveRefused
from leadlife.errors import (
    Damaged,
    KeyReused,
    StoreUnavailable,
    UnknownLead,
    UnknownPlaybook,
    Unreadable,
    VersionConflict,
)
from leadlife.presets import eight_stage
from leadlife.stores import MemoryStore, SqliteStore
from leadlife.stores import sqlite as sqlite_module
from stores.worlds import T, book, call, days, hours, until_lead


@pytest.fixture
def store():
    with MemoryStore(book(), snapshot_every=5) as opened:
        yield opened


def test_saving_and_loading_is_the_identity(store):
    saved = until_lead(store)
    loaded = store.load("ada")
    assert loaded == saved.journey
    assert loaded.facts == store.load("ada").facts
    assert loaded.explain() == saved.journey.explain()


def test_what_is_new_is_returned(store):
    saved = until_lead(store)
    assert [fact.type for fact in saved.facts] == ["activity", "moved", "evidence", "evidence", "moved", "moved"]
    assert {fact.type for fact in saved.derived} == {"qualified"}
    assert saved.new == (*saved.facts, *saved.derived)
    assert not saved.withdrawn
    assert not saved.repeated


def test_a_retraction_returns_what_no_longer_holds(store):
    until_lead(store)
    from leadlife import Retracted

    target = next(fact.id for fact in store.load("ada").facts if getattr(fact, "name", "") == "mql")
    saved = store.apply("ada", lambda journey: journey.record(Retracted(target=target, at=hours(6))))
    assert {fact.type for fact in saved.withdrawn} == {"qualified"}
    assert store.state("ada").qualifications == ()


def test_a_refused_move_changes_nothing(store):
    until_lead(store)
    before = store.state("ada")
    with pytest.raises(MoveRefused):
        store.apply("ada", lambda journey: journey.move("win", at=hours(6)), key="k")
    assert store.state("ada") == before
    assert not store.apply("ada", lambda journey: journey.record(call(hours(7))), key="k").repeated


def test_a_key_has_one_effect_whatever_the_clock_says(store):
    until_lead(store)
    for hour in range(6, 60):
        store.apply(
            "ada", lambda journey, hour=hour: journey.record(call(hours(hour)), now=hours(hour)), key="request 1"
        )
    assert [fact.at for fact in store.load("ada").facts if getattr(fact, "kind", "") == "call"] == [hours(6)]
    again = store.apply("ada", lambda journey: journey.record(call(hours(90))), key="request 1")
    assert again.repeated
    assert again.new == ()
    assert again.state == store.state("ada")


def test_a_key_with_other_content_is_refused(store):
    until_lead(store)
    store.apply("ada", lambda journey: journey.record(call(hours(6))), key="k", content="one")
    with pytest.raises(KeyReused) as caught:
        store.apply("ada", lambda journey: journey.record(call(hours(7))), key="k", content=b"two")
    assert caught.value.http_status == 422
    assert store.apply("ada", lambda journey: journey, key="k", content="one").repeated


def test_a_change_of_nothing_writes_nothing(store):
    until_lead(store)
    before = store.state("ada")
    assert store.apply("ada", lambda journey: journey, key="k").state == before
    assert (
        store.apply("ada", lambda journey: journey.record(call(hours(6), key="call 1"))).state.revision
        == before.revision + 1
    )
    store.apply("ada", lambda journey: journey.record(call(hours(7), key="call 1")))
    assert store.state("ada").revision == before.revision + 1
    assert store.apply("ada", lambda journey: journey, key="k").repeated


def test_forgotten_keys_have_their_effect_again(store):
    until_lead(store)
    store.apply("ada", lambda journey: journey.record(call(hours(6))), key="k")
    assert store.forget_keys(before=hours(6)) == 0
    assert store.forget_keys(before=hours(7)) == 1
    assert not store.apply("ada", lambda journey: journey.record(call(hours(8))), key="k").repeated


@pytest.mark.parametrize("key", ["", 7])
def test_a_key_is_text(store, key):
    with pytest.raises(Malformed, match="idempotency key"):
        store.apply("ada", lambda journey: journey, key=key)


def test_starting_twice_is_a_conflict_and_under_one_key_a_repetition(store):
    store.start("ada", at=T, stage="name", key="k")
    assert store.start("ada", at=hours(1), stage="name", key="k").repeated
    with pytest.raises(VersionConflict, match="is there already"):
        store.start("ada", at=T, stage="name")
    with pytest.raises(KeyReused):
        store.start("ada", at=T, stage="awareness", key="k")
    store.start("ada", at=T, stage="name", pipeline="renewals")
    assert store.count() == {("main", "name"): 1, ("renewals", "name"): 1}


def test_an_expected_version_that_is_not_there_is_a_conflict(store):
    until_lead(store)
    version = store.state("ada").version
    store.apply("ada", lambda journey: journey.record(call(hours(6))), expected_version=version)
    with pytest.raises(VersionConflict) as caught:
        store.apply("ada", lambda journey: journey.record(call(hours(7))), expected_version=version)
    assert (caught.value.http_status, caught.value.details["expected"]) == (409, version)


def test_a_journey_that_was_changed_outside_is_saved(store):
    until_lead(store)
    loaded = store.load("ada")
    saved = store.save(loaded.record(call(hours(6))), expected_version=loaded.version)
    assert len(saved.facts) == 1
    # What apply returned goes on as well, though facts before its snapshot are not at hand.
    store.compact()
    tail = store.apply("ada", lambda journey: journey.record(call(hours(7)))).journey
    assert tail.is_tail
    store.save(tail.record(call(hours(8))), expected_version=tail.version)
    assert store.load("ada").version == tail.version + 1


def test_what_does_not_go_on_from_the_stored_one_is_refused(store):
    until_lead(store)
    other = Journey.start("ada", book(), at=T, stage="name")
    for change in (
        lambda _: other,
        lambda journey: journey.as_of(at=hours(2)),
        lambda journey: journey.under(eight_stage()),
    ):
        with pytest.raises(Malformed, match="does not go on"):
            store.apply("ada", change)
    with pytest.raises(Malformed, match="must return a Journey, not NoneType"):
        store.apply("ada", lambda _: None)
    with pytest.raises(Malformed, match="must be a function"):
        store.apply("ada", "move")
    with pytest.raises(Malformed, match="no fact to save"):
        store.apply("bob", lambda journey: journey, create=True)
    with pytest.raises(UnknownLead):
        store.apply("bob", lambda journey: journey.record(call(T)))
    with pytest.raises(Malformed, match="must be a Journey"):
        store.save("ada", expected_version=0)


def test_an_unknown_lead(store):
    for ask in (store.load, store.state, store.export):
        with pytest.raises(UnknownLead) as caught:
            ask("nobody")
        assert caught.value.http_status == 404
    with pytest.raises(UnknownLead):
        store.erase("nobody", at=T)


def test_a_change_that_reaches_back_gets_the_whole_log(store):
    until_lead(store)
    store.compact()
    store.apply("ada", lambda journey: journey.record(call(hours(200)), now=hours(200)))
    saved = store.apply("ada", lambda journey: journey.record(call(hours(1)), now=hours(201)))
    assert [fact.at for fact in saved.facts] == [hours(1)]
    assert store.load("ada").version == saved.state.version
    # Once it has been read whole, a new snapshot spares that.
    assert store.apply("ada", lambda journey: journey.record(call(hours(202)))).journey.is_tail


def test_a_fact_that_reaches_back_within_an_empty_tail_is_an_error_of_the_change():
    from leadlife.errors import NeedsWholeLog

    def ask(journey):
        raise NeedsWholeLog("no", saved=0)

    with MemoryStore(book()) as store, pytest.raises(NeedsWholeLog):
        store.apply("bob", ask, create=True)


def test_many_threads_lose_nothing(tmp_path):
    with SqliteStore(tmp_path / "leads.db", book(), snapshot_every=7) as store:
        until_lead(store)

        def work(worker):
            for number in range(6):
                at = hours(10 + worker * 100 + number)
                key = f"{worker}/{number}"
                for _ in range(2):  # every request is sent twice
                    store.apply("ada", lambda journey, at=at: journey.record(call(at), now=days(60)), key=key)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
        calls = [fact.at for fact in store.load("ada").facts if getattr(fact, "kind", "") == "call"]
        assert len(calls) == len(set(calls)) == 48
        assert store.verify().sound


def test_without_the_guard_of_the_revision_facts_are_lost(tmp_path, monkeypatch):
    """The control of the test above: two writers who read the same state, and no guard."""
    from leadlife.stores import journeys

    whole = journeys.replace
    monkeypatch.setattr(journeys, "replace", lambda session, table, row, *_, **__: whole(session, table, row))
    with SqliteStore(tmp_path / "leads.db", book()) as store:
        until_lead(store)
        both = threading.Barrier(2, timeout=20)

        def change(journey, at):
            both.wait()
            return journey.record(call(at), now=days(60))

        with ThreadPoolExecutor(2) as pool:
            asked = [
                pool.submit(store.apply, "ada", lambda journey, n=n: change(journey, hours(10 + n))) for n in range(2)
            ]
            errors = [one.exception() for one in asked]
    assert any(errors)  # the second fact has a number that is taken


def test_a_second_writer_does_it_again(tmp_path):
    with SqliteStore(tmp_path / "leads.db", book()) as store:
        until_lead(store)
        runs = []

        def slow(journey):
            runs.append(journey.version)
            if len(runs) == 1:
                store.apply("ada", lambda other: other.record(call(hours(6))))
            return journey.record(call(hours(7)))

        saved = store.apply("ada", slow)
    assert runs == [10, 11]
    assert saved.state.version == 12


def test_a_repeated_request_that_comes_while_the_first_is_carried_out(tmp_path):
    with SqliteStore(tmp_path / "leads.db", book()) as store:
        until_lead(store)

        runs = []

        def slow(journey):
            runs.append(journey.version)
            store.apply("ada", lambda other: other.record(call(hours(6))), key="k")
            return journey.record(call(hours(6)))

        assert store.apply("ada", slow, key="k").repeated
        assert (runs, store.state("ada").version) == ([10], 11)


def test_new_facts_are_told_after_they_are_committed(tmp_path):
    told = []
    with SqliteStore(tmp_path / "leads.db", book(), on_new=told.append) as store:
        until_lead(store)
        assert [fact.type for fact in told[-1]][-1] == "qualified"
        store.apply("ada", lambda journey: journey)
        assert len(told) == 2

        def fails(facts):
            raise RuntimeError("mail is down")

    with SqliteStore(tmp_path / "leads.db", book(), on_new=fails) as store:
        with pytest.raises(RuntimeError) as caught:
            store.apply("ada", lambda journey: journey.record(call(hours(6))))
        assert caught.value.__notes__ == ["leadlife: the facts are saved; only on_new failed"]
        assert store.state("ada").version == 11
    with pytest.raises(Malformed, match="on_new must be a function"):
        MemoryStore(book(), on_new="mail")


def test_a_log_names_playbooks_that_the_store_keeps(tmp_path):
    with SqliteStore(tmp_path / "leads.db", book("1")) as store:
        until_lead(store)
    with SqliteStore(tmp_path / "leads.db", book("2")) as store:
        assert [one.version for one in store.playbooks] == ["2", "1"]
        assert store.load("ada").playbook.version == "1"
        store.start("bob", at=T, stage="name")
        assert store.load("bob").playbook.version == "2"
        with SqliteStore(tmp_path / "leads.db", book("3")) as other:
            other.start("cyd", at=T, stage="name")
        assert store.load("cyd").playbook.version == "3"  # stored by another process since this one was opened


def test_a_changed_playbook_needs_a_new_version(tmp_path):
    with SqliteStore(tmp_path / "leads.db", book()) as store:
        until_lead(store)
    changed = book().replace(meaning="other")
    with pytest.raises(Malformed, match="another playbook called eight_stage 1"):
        SqliteStore(tmp_path / "leads.db", changed)
    with SqliteStore(tmp_path / "other.db", changed) as store:
        with sqlite3.connect(tmp_path / "other.db") as connection:
            connection.execute("ATTACH ? AS first", (str(tmp_path / "leads.db"),))
            for table in ("facts", "leads", "playbooks", "settings"):
                connection.execute(f"INSERT OR REPLACE INTO leadlife_{table} SELECT * FROM first.leadlife_{table}")
        connection.close()
        with pytest.raises(UnknownPlaybook):  # two stores that were joined by hand
            store.load("ada")


def test_a_store_needs_a_playbook():
    with pytest.raises(Malformed, match="at least one playbook"):
        MemoryStore([])
    with pytest.raises(Malformed, match="a str is not a playbook"):
        MemoryStore(["eight_stage"])
    with pytest.raises(Malformed, match="snapshot_every"):
        MemoryStore(book(), snapshot_every=0)


def test_a_store_in_memory_is_called_one_call_after_another(store):
    until_lead(store)
    with pytest.raises(Malformed, match="inside of another call"):
        store.deliver_together("mail", lambda *_: store.state("ada"))
    store.vacuum()
    assert store.state("ada").stage == "lead"


def test_a_closed_store_says_so():
    store = MemoryStore(book())
    store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        store.count()


def test_a_file_that_is_no_store(tmp_path):
    (tmp_path / "text.db").write_text("hello, I am no database at all" * 40)
    with pytest.raises(Damaged, match="not a database"):
        SqliteStore(tmp_path / "text.db", book())
    with pytest.raises(Unreadable, match="cannot be opened"):
        SqliteStore(tmp_path / "no folder" / "x.db", book())
    with pytest.raises(Malformed, match="path must be the path"):
        SqliteStore(7, book())


def test_a_store_of_a_later_release(tmp_path):
    with SqliteStore(tmp_path / "leads.db", book()) as store, store._context.database.writing() as session:
        from leadlife.stores.database import put
        from leadlife.stores.tables import SETTINGS, SettingRow

        put(session, SETTINGS, SettingRow("schema", "99"))
    with pytest.raises(Unreadable, match="schema 99"):
        SqliteStore(tmp_path / "leads.db", book())


def test_a_writer_that_waits_too_long_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite_module, "WAIT", 0.05)
    with (
        SqliteStore(tmp_path / "leads.db", book()) as store,
        store._context.database.writing(),
        pytest.raises(StoreUnavailable) as caught,
    ):
        store.start("ada", at=T, stage="name")
    assert caught.value.http_status == 503


def test_a_table_that_is_gone(tmp_path):
    with SqliteStore(tmp_path / "leads.db", book()) as store:
        with store._context.database.writing() as session:
            session.run("DROP TABLE leadlife_leads")
        with pytest.raises(Damaged, match="lacks a table"):
            store.state("ada")
        with pytest.raises(Exception, match="no such table: other"), store._context.database.reading() as session:
            session.run("SELECT * FROM other")


def test_a_forked_process_opens_connections_of_its_own(tmp_path):
    import os

    with SqliteStore(tmp_path / "leads.db", book()) as store:
        until_lead(store)
        store._context.database._process = os.getpid() + 1  # as if this were the child
        assert store.state("ada").stage == "lead"
        assert store._context.database._inherited
        for connection in store._context.database._inherited:
            connection.close()


def test_a_session_in_use_is_closed_when_it_is_handed_back(tmp_path):
    store = SqliteStore(tmp_path / "leads.db", book())
    with store._context.database.reading() as session:
        store.close()
        assert session.select("SELECT 1")
