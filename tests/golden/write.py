"""Writes the golden files of a release: a store as SQL and as JSON lines, and what its leads come to.

Run it once for each schema of the store, and never again: later releases must read what this one wrote.
``PYTHONPATH=src:tests .venv/bin/python tests/golden/write.py 1``
"""

import json
import sqlite3
import sys
import tempfile
from pathlib import Path

from leadlife.stores import SqliteStore
from stores.worlds import T, book, call, days, hours, until_lead

HERE = Path(__file__).parent


def fill(store):
    """Bring a few leads into a store."""
    until_lead(store, "ada")
    until_lead(store, "bob")
    until_lead(store, "cyd", pipeline="renewals")
    store.start("eve", at=T, stage="name", key="request 1")
    for number in range(12):
        store.apply(
            "ada", lambda journey, n=number: journey.record(call(hours(20 + n), key=f"call {n}")), key=f"k{number}"
        )
    store.start("cookie", at=T, stage="awareness")
    store.merge("ada", "cookie", at=days(2))
    store.deliver("mail", lambda _: None, limit=7)
    list(store.sweep(days(20)))
    store.adopt(book("2"), at=days(21), pipeline="renewals")
    store.erase("bob", at=days(22), reason="requested")


def outcome(store):
    """Return what the leads of a store come to, as plain values."""
    states = [one._asdict() for one in store.find(erased=True, limit=100)]
    journeys = {
        f"{one.lead} in {one.pipeline}": [
            [*map(str, visit)] for visit in store.load(one.lead, pipeline=one.pipeline).visits
        ]
        for one in store.find(erased=True, limit=100)
    }
    return json.loads(
        json.dumps({"states": states, "visits": journeys, "mail": str(store.bookmark("mail"))}, default=str)
    )


if __name__ == "__main__":
    name = f"store-{sys.argv[1]}"
    with tempfile.TemporaryDirectory() as folder:
        with SqliteStore(Path(folder) / "leads.db", book(), chained=True, snapshot_every=5) as store:
            fill(store)
            store.write_lines(HERE / f"{name}.jsonl")
            (HERE / f"{name}.json").write_text(json.dumps(outcome(store), indent=1) + "\n")
        connection = sqlite3.connect(Path(folder) / "leads.db")
        (HERE / f"{name}.sql").write_text("\n".join(connection.iterdump()) + "\n")
        connection.close()
