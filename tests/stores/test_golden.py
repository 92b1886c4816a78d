"""Later releases read what an earlier one wrote: golden files, and upcasters for facts of another schema."""

import json
import sqlite3
from pathlib import Path

import pytest

from golden.write import outcome
from leadlife.errors import Damaged
from leadlife.stores import MemoryStore, SqliteStore, upcasting
from stores.worlds import T, book, hours, until_lead

GOLDEN = Path(__file__).parents[1] / "golden"
EXPECTED = json.loads((GOLDEN / "store-1.json").read_text())


@pytest.fixture
def path(tmp_path):
    connection = sqlite3.connect(tmp_path / "leads.db")
    connection.executescript((GOLDEN / "store-1.sql").read_text())
    connection.close()
    return tmp_path / "leads.db"


def test_a_golden_store_comes_to_the_same(path):
    with SqliteStore(path, book()) as store:
        assert store.verify().sound
        assert outcome(store) == EXPECTED
        assert store.apply("ada", lambda journey: journey, key="k3").repeated


def test_golden_lines_come_to_the_same():
    with MemoryStore(book()) as store:
        read = store.read_lines(GOLDEN / "store-1.jsonl")
        assert not read.set_aside
        # What time concluded is not in a log: it is concluded again.
        list(store.sweep(hours(20 * 24)))
        assert outcome(store)["visits"] == EXPECTED["visits"]


def test_facts_of_an_earlier_schema_are_upcast_to_the_same_state(path, monkeypatch):
    """An earlier schema is played: there a call was an activity ``what``, and the kind had another name."""

    def named_kind(content):
        return {**{name: value for name, value in content.items() if name != "what"}, "kind": content["what"].lower()}

    def first(content):
        return {"what": content.pop("event"), **content}

    with SqliteStore(path, book()) as store:
        whole = store.load("ada")
        with store._context.database.writing() as session:
            from leadlife.stores.database import read, replace
            from leadlife.stores.tables import FACTS

            for row in read(session, FACTS, "WHERE lead = 'ada' AND body LIKE '%\"activity\"%'"):
                body = json.loads(row.body)
                body["event" if row.seq % 2 else "what"] = body.pop("kind").upper()
                body["schema"] = -1 if row.seq % 2 else 0
                replace(session, FACTS, row._replace(body=json.dumps(body), schema=body["schema"]))
            session.run("DELETE FROM leadlife_snapshots")
        with pytest.raises(Damaged, match="read it with the version of leadlife that wrote it"):
            store.load("ada")
        monkeypatch.setattr(upcasting, "UPCASTERS", {("activity", -1): first, ("activity", 0): named_kind})
        assert store.load("ada").visits == whole.visits
        assert [fact.dump() for fact in store.load("ada").facts] == [fact.dump() for fact in whole.facts]


def test_every_type_is_at_its_first_schema():
    assert upcasting.UPCASTERS == {}
    with MemoryStore(book()) as store:
        until_lead(store)
        with store._context.database.reading() as session:
            assert [row[0] for row in session.select("SELECT DISTINCT schema FROM leadlife_facts")] == [1]
    assert T.year == 2026
