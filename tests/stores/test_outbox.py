"""The outbox hands every fact on, in the order of the commits, to any number of consumers."""

import pytest

from leadlife import Malformed
from leadlife.stores import BEGINNING, MemoryStore, OutboxPosition, SqliteStore
from stores.worlds import T, book, call, days, hours, until_lead


@pytest.fixture
def store():
    with MemoryStore(book()) as opened:
        until_lead(opened)
        yield opened


def test_facts_come_in_order_with_what_was_concluded(store):
    list(store.sweep(days(20)))
    kinds = [(one.kind, one.fact.type) for one in store.facts_since(limit=100)]
    assert kinds[-3:] == [("derived", "qualified"), ("derived", "moved"), ("derived", "unqualified")]
    assert kinds.count(("observed", "moved")) == 3


def test_each_consumer_reads_for_itself(store):
    first, second = [], []
    assert store.deliver("mail", first.append, limit=4) == 4
    assert store.deliver("mail", first.append, limit=100) == len(store.facts_since(limit=100)) - 4
    assert store.deliver("mail", first.append) == 0
    store.deliver("search", second.append)
    assert first == second == list(store.facts_since(limit=100))
    assert store.bookmark("mail") == first[-1].position
    assert store.bookmark("nobody") == BEGINNING


def test_a_fact_whose_handling_fails_comes_again(store):
    seen = []

    def handle(one):
        if len(seen) == 3:
            raise RuntimeError("mail is down")
        seen.append(one)

    with pytest.raises(RuntimeError):
        store.deliver("mail", handle)
    more = []
    store.deliver("mail", more.append)
    assert [*seen, *more] == list(store.facts_since(limit=100))


def test_a_fact_whose_handling_fails_at_once_moves_no_bookmark(store):
    def handle(one):
        raise RuntimeError("mail is down")

    with pytest.raises(RuntimeError):
        store.deliver("mail", handle)
    assert store.bookmark("mail") == BEGINNING


def test_a_slower_worker_of_the_same_name_never_moves_the_bookmark_back(store):
    def handle(one):
        if one.position.number == 1:
            store.deliver("mail", lambda _: None, limit=5)

    store.deliver("mail", handle, limit=2)
    assert store.bookmark("mail").number == 5


def test_a_consumer_in_the_same_database_takes_effect_once(tmp_path):
    with SqliteStore(tmp_path / "leads.db", book()) as store:
        until_lead(store)
        with store._context.database.writing() as session:
            session.run("CREATE TABLE mails (fact TEXT)")
        fails = iter([True, False])

        def handle(one, connection):
            connection.execute("INSERT INTO mails VALUES (?)", (one.fact.id,))
            if one.position.number == 3 and next(fails, False):
                raise RuntimeError("crash")

        with pytest.raises(RuntimeError):
            store.deliver_together("mail", handle)
        assert store.deliver_together("mail", handle, limit=5) == 5
        while store.deliver_together("mail", handle):
            pass
        with store._context.database.reading() as session:
            sent = [row[0] for row in session.select("SELECT fact FROM mails ORDER BY rowid")]
        assert sent == [one.fact.id for one in store.facts_since(limit=100)]


def test_a_new_consumer_may_begin_with_what_comes_next(store):
    assert store.skip("late") == store.facts_since(limit=100)[-1].position
    assert store.deliver("late", print) == 0
    store.apply("ada", lambda journey: journey.record(call(hours(9))))
    assert store.deliver("late", lambda _: None) == 1
    with MemoryStore(book()) as empty:
        assert empty.skip("late") == BEGINNING


def test_positions_can_be_written_down():
    assert OutboxPosition.parse(str(OutboxPosition(7, 12))) == OutboxPosition(7, 12)
    for text in ("", "7", "7:", "a:b", "-1:2", "²:1"):
        with pytest.raises(Malformed, match="two whole numbers"):
            OutboxPosition.parse(text)


def test_what_cannot_be_asked_for(store):
    with pytest.raises(Malformed, match="position must be an OutboxPosition"):
        store.facts_since(7)
    with pytest.raises(Malformed, match="limit"):
        store.facts_since(limit=0)
    with pytest.raises(Malformed, match="id is text"):
        store.deliver("", print)


def test_what_is_taken_back_is_told(store):
    from leadlife import Retracted

    target = next(one.fact.id for one in store.facts_since(limit=100) if getattr(one.fact, "name", "") == "mql")
    store.apply("ada", lambda journey: journey.record(Retracted(target=target, at=hours(9))))
    assert [(one.kind, one.fact.type) for one in store.facts_since(limit=100)][-1] == ("withdrawn", "qualified")


def test_the_log_of_an_empty_store():
    with MemoryStore(book()) as store:
        assert store.facts_since() == ()
        assert store.deliver_together("mail", lambda *_: None) == 0
        store.start("ada", at=T, stage="name")
        assert len(store.facts_since()) == 1
        assert call(T).kind == "call"
