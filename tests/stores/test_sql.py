"""The store in PostgreSQL and in SQLite through SQLAlchemy: real concurrency, the host's transactions and tables."""

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from leadlife import Malformed
from leadlife.cli import main
from leadlife.errors import VersionConflict
from leadlife.stores import AsyncSqlStore, SqliteStore, SqlStore
from leadlife.stores.sql import SqlDatabase, tables
from leadlife.stores.tables import tables as layout
from stores.worlds import T, book, call, days, hours, until_lead


@pytest.fixture
def engine(tmp_path):
    made = sa.create_engine(f"sqlite:///{tmp_path}/leads.db")
    yield made
    made.dispose()


def test_eight_writers_on_postgres_lose_nothing(postgres):
    store = SqlStore(postgres, book(), snapshot_every=9)
    until_lead(store)

    def work(worker):
        for number in range(5):
            at = hours(10 + worker * 100 + number)
            for _ in range(2):  # every request is sent twice
                store.apply(
                    "ada", lambda journey, at=at: journey.record(call(at), now=days(60)), key=f"{worker}/{number}"
                )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    calls = [fact.at for fact in store.load("ada").facts if getattr(fact, "kind", "") == "call"]
    assert len(calls) == len(set(calls)) == 40
    assert store.verify().sound


def test_eight_writers_with_tamper_evidence_keep_the_chain_whole(postgres):
    store = SqlStore(postgres, book(), chained=True)

    def work(worker):
        for number in range(4):
            store.start(f"{worker}/{number}", at=T, stage="name")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert store.verify(head=store.head()).sound


def test_a_reader_never_skips_a_slow_committer(postgres):
    """Two transactions write; the one that began first commits last. The control reads by position alone and skips."""
    store = SqlStore(postgres, book())
    for number in range(6):
        store.start(f"lead {number}", at=T, stage="name")
    read, naive = [], []
    position, serial = store.facts_since(limit=1)[0].position, 0
    rounds = 6
    for number in range(rounds):
        with postgres.connect() as slow:
            store.within(slow).apply(f"lead {number}", lambda journey: journey.record(call(hours(1))))
            store.start(f"fast {number}", at=T, stage="name")  # begins later, commits first
            for _ in range(2):
                page = store.facts_since(position, limit=100)
                read += page
                position = page[-1].position if page else position
                with postgres.connect() as plain:
                    found = plain.execute(
                        sa.text("SELECT position, id FROM leadlife_facts WHERE position > :last ORDER BY position"),
                        {"last": serial},
                    ).all()
                naive += [row.id for row in found]
                serial = found[-1].position if found else serial
            slow.commit()
    read += store.facts_since(position, limit=1_000)
    with postgres.connect() as plain:
        every = {row.id for row in plain.execute(sa.text("SELECT id FROM leadlife_facts")).all()}
        later = plain.execute(sa.text("SELECT id FROM leadlife_facts WHERE position > :last"), {"last": serial}).all()
    first = store.facts_since(limit=1)[0].fact.id
    assert {one.fact.id for one in read} == every - {first}
    assert len({one.position for one in read}) == len(read)
    skipped = every - set(naive) - {row.id for row in later}
    assert len(skipped) >= rounds - 1  # the control: what commits late has a position that was passed


def test_the_host_commits_the_lead_with_its_own_rows(engine):
    store = SqlStore(engine, book())
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE orders (lead TEXT)"))
    with engine.connect() as connection:
        connection.execute(sa.text("INSERT INTO orders VALUES ('ada')"))
        store.within(connection).start("ada", at=T, stage="name")
        connection.rollback()  # the order is not paid
    assert store.find() == ()
    with engine.begin() as connection:
        inner = store.within(connection)
        inner.start("ada", at=T, stage="name")
        connection.execute(sa.text("INSERT INTO orders VALUES ('ada')"))
        inner.close()  # closes nothing of the host's
        with pytest.raises(Malformed, match="cannot vacuum"):
            inner.vacuum()
    assert [one.lead for one in store.find()] == ["ada"]


def test_a_host_that_may_take_it_back_notifies_by_itself(engine):
    told = []
    store = SqlStore(engine, book(), on_new=told.append)
    with engine.connect() as connection:
        assert store.within(connection).start("ada", at=T, stage="name").new
        connection.rollback()
    assert told == []
    store.start("ada", at=T, stage="name")
    assert len(told) == 1


def test_the_tables_are_the_same_for_migrations_and_for_sqlite(engine, tmp_path):
    """Two ways lead to the tables: SQLAlchemy's metadata, and the store that needs no SQLAlchemy."""
    SqlStore(engine, book())
    with SqliteStore(tmp_path / "plain.db", book()):
        pass
    plain = sa.create_engine(f"sqlite:///{tmp_path}/plain.db")

    def shape(of):
        found = sa.inspect(of)
        return {
            name: (
                [(one["name"], str(one["type"]), one["nullable"]) for one in found.get_columns(name)],
                found.get_pk_constraint(name)["constrained_columns"],
                sorted((one["name"], tuple(one["column_names"]), one["unique"]) for one in found.get_indexes(name)),
            )
            for name in sorted(found.get_table_names())
        }

    assert shape(engine) == shape(plain)
    plain.dispose()


def test_a_file_is_opened_both_ways(engine, tmp_path):
    with SqliteStore(tmp_path / "leads.db", book()) as store:
        until_lead(store)
        with SqlStore(engine, book()) as other:
            assert other.load("ada") == store.load("ada")
            other.apply("ada", lambda journey: journey.record(call(hours(6))))
        assert store.state("ada").version == 11


def test_a_host_puts_the_tables_into_its_own_metadata(engine):
    metadata = sa.MetaData()
    sa.Table("orders", metadata, sa.Column("id", sa.Integer, primary_key=True))
    assert tables(metadata) is metadata
    assert set(metadata.tables) == {"orders", *(table.name for table in layout())}
    metadata.create_all(engine)
    store = SqlStore(engine, book(), metadata=metadata)
    until_lead(store)
    assert store.state("ada").stage == "lead"


def test_other_databases_are_refused(tmp_path):
    with pytest.raises(Malformed, match="every connection would be to another database"):
        SqlStore("sqlite://", book())
    with pytest.raises(Malformed, match="not on mysql"):
        SqlDatabase(_Pretending("mysql"), tables())


class _Pretending:
    def __init__(self, name):
        self.dialect = type("Dialect", (), {"name": name})


def test_a_transaction_that_lost_is_a_conflict(postgres):
    store = SqlStore(postgres, book())
    store.start("ada", at=T, stage="name")
    database = store._context.database
    both = threading.Barrier(2, timeout=20)

    def lock(first, second):
        with database.writing() as session:
            session.lock(first)
            both.wait()
            session.lock(second)

    with ThreadPoolExecutor(2) as pool:
        errors = [one.exception() for one in (pool.submit(lock, "a", "b"), pool.submit(lock, "b", "a"))]
    assert [type(error) for error in errors if error is not None] == [VersionConflict]
    with pytest.raises(sa.exc.ProgrammingError), database.writing() as session:
        session.run("SELECT nothing")


def test_erasure_and_verification_on_postgres(postgres):
    store = SqlStore(postgres, book(), chained=True)
    until_lead(store)
    head = store.head()
    store.erase("ada", at=hours(9))
    assert store.verify(head=head).sound
    store.vacuum()
    assert store.skip("late") == store.facts_since(limit=1_000)[-1].position
    list(store.sweep(days(40)))
    store.start("bob", at=T, stage="name")
    assert store.adopt(book("2"), at=hours(1)).moved == {("name", "name"): 1}
    with postgres.begin() as connection:
        held = connection.execute(sa.text("SELECT string_agg(CAST(f AS text), ' ') FROM leadlife_facts f")).scalar()
        connection.execute(sa.text("UPDATE leadlife_leads SET stage = 'customer'"))
    assert "0123-456" not in held
    assert len(store.verify().breaks) == 2


def test_a_store_of_sqlalchemy_is_vacuumed(engine):
    store = SqlStore(engine, book())
    until_lead(store)
    store.vacuum()
    assert store.state("ada").stage == "lead"


async def use(engine):
    store = await AsyncSqlStore.open(engine, book(), snapshot_every=5)
    await store.start("ada", at=T, stage="name", key="k")
    assert (await store.start("ada", at=T, stage="name", key="k")).repeated

    async def add(number):
        await store.apply("ada", lambda journey: journey.record(call(hours(number)), now=hours(50)))

    await asyncio.gather(*map(add, range(12)))
    journey = await store.load("ada")
    assert journey.version == 13
    await store.save(journey.record(call(hours(60))), expected_version=13)
    assert (await store.state("ada")).version == 14
    assert [one.lead for one in await store.find(stage="name")] == ["ada"]
    assert len([one async for one in store.sweep(days(60))]) == 1
    assert len(await store.facts_since(limit=100)) > 14
    assert await store.run(lambda inner: inner.count()) == {("main", "name"): 1}
    await store.close()


def test_asyncio_on_sqlite(tmp_path):
    asyncio.run(use(f"sqlite+aiosqlite:///{tmp_path}/leads.db"))


def test_asyncio_on_postgres(postgres, postgres_folder):
    asyncio.run(use(create_async_engine(f"postgresql+asyncpg://postgres@/postgres?host={postgres_folder}")))


def test_verify_takes_a_url(postgres, postgres_folder, capsys):
    until_lead(SqlStore(postgres, book()))
    socket = f"{postgres_folder}/.s.PGSQL.5432"
    assert main(["verify", f"postgresql+pg8000://postgres@/postgres?unix_sock={socket}"]) == 0
    assert "all are as they were written" in capsys.readouterr().out
    assert main(["verify", f"postgresql+asyncpg://postgres@/postgres?host={postgres_folder}"]) == 1
    assert "asyncpg is a driver for asyncio" in capsys.readouterr().err
    assert main(["verify", "postgresql+pg8000://postgres@/postgres?unix_sock=/none"]) == 2
    assert "cannot be reached" in capsys.readouterr().err


def test_without_sqlalchemy_the_extra_is_named():
    code = (
        "import sys; sys.modules['sqlalchemy'] = None\n"
        "from leadlife.errors import MissingExtra\n"
        "import leadlife.stores as stores\n"
        "try:\n    stores.SqlStore\nexcept MissingExtra as error:\n    print(error)\n"
        "print(stores.SqliteStore.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "leadlife[sql]" in done.stdout
    assert "SqliteStore" in done.stdout
