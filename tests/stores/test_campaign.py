"""The campaign in short; docs/reliability.md has the long one, which ``make soak`` runs."""

import os
import sys
from pathlib import Path

import pytest

from leadlife.stores import SqliteStore, sqlite
from stores import campaign
from stores.worlds import book, call, hours, until_lead

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are killed by a signal of POSIX")


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    root = Path(__file__).parents[2]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(root / "src"), str(root / "tests")]))
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)  # a killed process leaves torn data of coverage


def harm(found):
    return {
        name: number
        for name, number in found.items()
        if number and name in ("lost", "torn", "wrong", "double", "failed")
    }


def test_killed_workers_lose_nothing_that_was_acknowledged():
    found = campaign.kills(6, 1)
    assert not harm(found), found
    assert found["acknowledged"] > 6


class Crash(BaseException):
    """What stops a process in the middle of what it does."""


def crashed_at_every_statement(path, monkeypatch):
    """Crash one save at each of its statements, and count how often the store is torn afterwards."""
    torn = 0
    for number in range(30):
        with SqliteStore(path / f"{number}.db", book(), snapshot_every=3) as store:
            until_lead(store)
            left = iter(range(number))
            with monkeypatch.context() as patched:
                for name in ("select", "run", "insert"):
                    whole = getattr(sqlite.SqliteSession, name)

                    def counted(*arguments, whole=whole, left=left, **values):
                        if next(left, None) is None:
                            raise Crash
                        return whole(*arguments, **values)

                    patched.setattr(sqlite.SqliteSession, name, counted)
                try:
                    store.apply("ada", lambda journey: journey.record(call(hours(9))), key="k")
                except Crash:
                    pass
                else:
                    break
            torn += not store.verify().sound
    assert 5 < number < 29
    return torn


def test_a_crash_at_any_statement_tears_nothing(tmp_path, monkeypatch):
    assert crashed_at_every_statement(tmp_path, monkeypatch) == 0


def test_without_transactions_a_crash_tears_the_store(tmp_path, monkeypatch):
    """The control of the test above, and of the killed workers."""
    monkeypatch.setattr(sqlite.SqliteDatabase, "_session", sqlite.SqliteDatabase._session)
    campaign.without_transactions()
    assert crashed_at_every_statement(tmp_path, monkeypatch) > 0


def test_a_log_that_is_cut_leaves_a_clean_prefix_or_is_refused():
    found = campaign.cuts(40, 1)
    assert not harm(found), found
    assert found["clean"] + found["refused"] == 40


def test_flipped_bits_never_make_a_wrong_state():
    found = campaign.flips(60, 1)
    assert not harm(found), found
    assert found["refused"]


def test_processes_that_write_to_one_lead_lose_nothing():
    found = campaign.writers(24, 1, processes=4)
    assert not harm(found), found


def test_repeated_deliveries_have_one_effect_each():
    found = campaign.duplicates(300, 1)
    assert (found["double"], found["effects"]) == (0, found["expected"])
    assert campaign.duplicates(120, 1, guarded=False)["double"]
