"""What seldom happens to a store."""

import pytest

from leadlife import ActivityRecorded
from leadlife.errors import Damaged, StoreUnavailable, VersionConflict
from leadlife.scoring import CustomPolicy
from leadlife.stores import MemoryStore, SqliteStore, applying, verifying
from leadlife.stores import sqlite as sqlite_module
from stores.worlds import T, book, call, hours, until_lead


@pytest.fixture
def store(tmp_path):
    with SqliteStore(tmp_path / "leads.db", book(), snapshot_every=4) as opened:
        yield opened


def test_a_request_that_is_done_while_its_repetition_waits_for_the_lead(store, monkeypatch):
    until_lead(store)
    whole = applying._at_once

    def loses(context, asked):
        monkeypatch.setattr(applying, "_at_once", whole)
        store.apply("ada", lambda journey: journey.record(call(hours(6))), key="k")
        raise VersionConflict("somebody was faster")

    monkeypatch.setattr(applying, "_at_once", loses)
    assert store.apply("ada", lambda journey: journey.record(call(hours(6))), key="k").repeated


def test_a_conflict_and_a_change_that_reaches_back(store, monkeypatch):
    until_lead(store)
    store.apply("ada", lambda journey: journey.record(call(hours(100)), now=hours(100)))
    whole = applying._at_once

    def loses(context, asked):
        raise VersionConflict("somebody was faster")

    monkeypatch.setattr(applying, "_at_once", loses)
    saved = store.apply("ada", lambda journey: journey.record(call(hours(1)), now=hours(101)))
    assert [fact.at for fact in saved.facts] == [hours(1)]
    assert whole is not loses


def test_two_writers_that_start_one_lead(store, monkeypatch):
    """The second one finds a state where it saw none."""
    from leadlife import Journey
    from leadlife.stores import journeys

    new = Journey.start("ada", book(), at=T, stage="name")
    context = store._context
    empty = journeys.Loaded(Journey("ada", book()), None)
    with context.database.writing() as session:
        journeys.save(session, context, empty, new)
    with pytest.raises(VersionConflict, match="somebody else"), context.database.writing() as session:
        journeys.save(session, context, empty, new)
    assert store.state("ada").version == 1


def test_a_request_without_its_lead_is_damage(store):
    until_lead(store)
    store.apply("ada", lambda journey: journey.record(call(hours(6))), key="k")
    with store._context.database.writing() as session:
        session.run("DELETE FROM leadlife_leads")
    with pytest.raises(Damaged, match="does not know"):
        store.apply("ada", lambda journey: journey, key="k")


def test_a_state_that_counts_otherwise_is_damage(store):
    from leadlife.stores.database import read, replace
    from leadlife.stores.tables import LEADS

    store.start("ada", at=T, stage="name")
    with store._context.database.writing() as session:
        replace(session, LEADS, read(session, LEADS)[0]._replace(version=7))
    with pytest.raises(Damaged, match="holds 1 facts, and its state says 7"):
        store.load("ada")


def test_a_score_that_is_not_answered_has_no_band():
    model = CustomPolicy(name="propensity", version="1", bands={"likely": 60})
    with MemoryStore(book("3").with_score(model)) as store:
        store.start("ada", at=T, stage="name")
        assert set(store.state("ada").scores) == {"calls"}


def test_erasing_one_pipeline_leaves_the_other(store):
    from leadlife.facts import Erased
    from leadlife.stores import erasing

    until_lead(store)
    until_lead(store, pipeline="renewals")
    erasing.erase(store._context, "ada", Erased(at=hours(9)), pipeline="renewals")
    assert store.state("ada").erased_at is None
    assert store.state("ada", pipeline="renewals").erased_at == hours(9)


def test_verification_reads_in_batches(store, monkeypatch):
    monkeypatch.setattr(verifying, "_BATCH", 2)
    until_lead(store)
    until_lead(store, "bob")
    found = store.verify()
    assert found.sound
    assert found.rows > 20
    with store._context.database.writing() as session:
        session.run("UPDATE leadlife_leads SET stage = 'customer' WHERE lead = 'bob'")
    assert [one.key for one in store.verify().breaks] == ["bob, main"]


def test_a_file_that_others_use_is_not_vacuumed(store, monkeypatch):
    monkeypatch.setattr(sqlite_module, "WAIT", 0.05)
    with store._context.database.writing(), pytest.raises(StoreUnavailable):
        store.vacuum()


def test_only_what_may_be_personal_has_a_block(store):
    from leadlife.stores.database import read
    from leadlife.stores.tables import FACTS

    store.start("ada", at=T, stage="name")
    store.apply("ada", lambda journey: journey.record(ActivityRecorded(kind="form", attributes={"pages": 3}, at=T)))
    store.apply("ada", lambda journey: journey.record(call(hours(1))))
    with store._context.database.reading() as session:
        assert [row.personal for row in read(session, FACTS)] == [None, '{"attributes":{"pages":3}}', None]


def test_the_contract_notices_a_lead_that_was_never_saved():
    from leadlife.testing import check_store

    class KnowsAnybody(MemoryStore):
        def load(self, lead, *, pipeline="main"):
            from leadlife import Journey

            try:
                return super().load(lead, pipeline=pipeline)
            except LookupError:
                return Journey.start(lead, book(), at=T, stage="name", pipeline=pipeline)

    with pytest.raises(AssertionError, match="was never saved"):
        check_store(KnowsAnybody, examples=5)


def test_a_playbook_that_another_session_writes_meanwhile(store, monkeypatch):
    from leadlife.stores.agreements import Agreements

    answers = iter([False, True])
    monkeypatch.setattr(Agreements, "check", lambda *_: next(answers, True))
    store.start("ada", at=T, stage="name")
    with store._context.database.reading() as session:
        assert session.select("SELECT COUNT(*) FROM leadlife_playbooks")[0][0] == 0


def test_an_export_names_a_score_that_broke():
    def odd(lead, activities, at):
        raise ZeroDivisionError

    with MemoryStore(book("3").with_score(CustomPolicy.of(odd))) as store:
        store.start("ada", at=T, stage="name")
        assert store.export("ada")["pipelines"]["main"]["scores"]["odd"]["error"]["code"] == "policy_error"
