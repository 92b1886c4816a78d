"""The campaign against a store: what happens to it is far worse than a day in a data centre, and nothing may be lost.

``PYTHONPATH=src:tests python -m stores.campaign kills --count 300 --seed 1``; also ``cuts``, ``flips``, ``writers`` and
``duplicates``. Each prints what it found and what its control found, in which one guard is taken away; it exits with 1
if a guard failed or a control found nothing. docs/reliability.md has the figures.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

from leadlife.errors import LeadlifeError
from leadlife.stores import SqliteStore, sqlite, tables
from stores.worlds import T, book, call, days, hours, until_lead

LEADS = [f"lead {number}" for number in range(12)]


# ---------------------------------------------------------------- a worker that is killed at random points


def without_transactions():
    """Take the guard away: each statement is committed by itself."""

    @contextmanager
    def session(self, begin):
        with self._guard:
            connection = self._idle.pop() if self._idle else None
        connection = connection or self._connect()
        try:
            yield sqlite.SqliteSession(connection)
        finally:
            self._hand_back(connection)

    sqlite.SqliteDatabase._session = session


def dies_after(statements):
    """Let the process kill itself in the middle of what it does, after so many statements."""
    left = iter(range(statements))

    def counted(method):
        def run(*arguments, **values):
            if next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            return method(*arguments, **values)

        return run

    for name in ("select", "run", "insert"):
        setattr(sqlite.SqliteSession, name, counted(getattr(sqlite.SqliteSession, name)))


def work(path, seed, guarded):
    """Append, sweep, erase and adopt for ever, and say what was acknowledged."""
    if not guarded:
        without_transactions()
    if seed % 2:  # the others are killed from outside, at any instant
        dies_after(random.Random(seed).randrange(20, 400))
    dice, hour = random.Random(seed), 0
    with SqliteStore(path, [book(), book("2"), book("3")], snapshot_every=5) as store:
        say("ready")
        while True:
            hour += 1
            try:
                act(store, dice, seed, hour)
            except LeadlifeError as error:
                if guarded:
                    say(json.dumps({"failed": repr(error)}))


def act(store, dice, seed, hour):
    """Do one thing, and acknowledge it once it is done."""
    lead, what, later = dice.choice(LEADS), dice.random(), days(seed % 10_000 + 1)
    if what < 0.75:
        at = days(seed % 10_000) + (hours(hour) - T)
        saved = store.apply(lead, lambda journey: added(journey, at), key=f"{seed}/{hour}", create=True)
        say(json.dumps({"lead": lead, "ids": [fact.id for fact in saved.facts]}))
    elif what < 0.9:
        list(store.sweep(later))
    elif what < 0.93:
        store.adopt(book(str(dice.choice((2, 3)))), at=later)
    elif what < 0.95:
        store.compact()
    elif what < 0.975:
        double = f"{lead}, double {seed}/{hour}"
        begun = store.apply(lead, lambda journey: added(journey, days(seed % 10_000)), create=True)
        say(json.dumps({"lead": lead, "ids": [fact.id for fact in begun.facts]}))
        store.start(double, at=days(seed % 10_000), stage="awareness")
        store.apply(double, lambda journey: journey.record(call(later)))
        kept = store.merge(lead, double, at=later, now=later)
        say(json.dumps({"lead": lead, "ids": [fact.id for fact in kept.facts], "loser": double}))
    else:
        extra = f"{lead}, erased {seed}/{hour}"
        until_lead(store, extra)
        store.erase(extra, at=days(1))
        say(json.dumps({"lead": extra, "ids": [], "erased": True}))


def say(text):
    print(text, flush=True)


def added(journey, at):
    if not journey.version:
        from leadlife import Started

        return journey.record(Started(stage="name", playbook=journey.playbook.ref, at=at))
    return journey.record_all([call(at), call(at)], now=at)


def kills(count, seed, *, guarded=True):
    """Kill a worker at random points, and look at what is left each time."""
    dice, found = random.Random(seed), Counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "leads.db"
        known, erased, losers = {lead: [] for lead in LEADS}, set(), {}
        for number in range(count):
            if number % 100 == 99:  # a new store, so that looking at it costs the same all the time
                path = Path(folder) / f"leads {number}.db"
                known, erased, losers = {lead: [] for lead in LEADS}, set(), {}
            command = [sys.executable, "-m", "stores.campaign", "work", str(path), "--seed", str(seed * 1_000 + number)]
            worker = subprocess.Popen(
                [*command, *([] if guarded else ["--unguarded"])], stdout=subprocess.PIPE, text=True
            )
            worker.stdout.readline()
            if (seed * 1_000 + number) % 2 == 0:
                time.sleep(dice.random() * 0.3)
                worker.send_signal(signal.SIGKILL)
            for line in worker.stdout.read().splitlines():
                try:
                    told = json.loads(line)
                except ValueError:
                    continue  # the last line may be torn, and was not acknowledged then
                if "failed" in told:
                    found["failed"] += 1
                    found[told["failed"][:80]] += 1
                    continue
                found["acknowledged"] += 1
                if told.get("erased"):
                    erased.add(told["lead"])
                if told.get("loser"):
                    losers[told["loser"]] = told["lead"]
                known.setdefault(told["lead"], []).extend(told["ids"])
            worker.wait()
            worker.stdout.close()
            look(path, known, erased, losers, found)
            found["kills"] += 1
    return found


def look(path, known, erased, losers, found):
    """Count what was lost or torn."""
    with SqliteStore(path, [book(), book("2"), book("3")]) as store:
        verified = store.verify()
        found["torn"] += len(verified.breaks)
        found["lost"] += sum(store.state(loser).lead != store.state(lead).lead for loser, lead in losers.items())
        for lead, ids in known.items():
            if not ids and lead not in erased:
                continue
            try:
                journey = store.load(lead)
                have = {fact.id for fact in journey.facts}
                found["lost"] += sum(one not in have for one in ids)
                found["facts"] = max(found["facts"], len(have))
                if lead in erased:
                    found["lost"] += store.state(lead).erased_at is None
                    continue
                log = [one for one in store.facts_since(limit=10**6) if one.fact.lead == lead]
                net = Counter(one.fact.id for one in log if one.kind == "derived")
                net.subtract(one.fact.id for one in log if one.kind == "withdrawn")
                found["torn"] += +net != Counter(fact.id for fact in journey.derived)
            except LeadlifeError:
                found["torn"] += 1


# ---------------------------------------------------------------- files that are cut and flipped


def filled(folder):
    """Return the files of a store whose last writes are in the write-ahead log only, and what is true of its leads."""
    path, truth = folder / "leads.db", {}
    store = SqliteStore(path, book(), snapshot_every=6, chained=True)
    for lead in LEADS[:4]:
        until_lead(store, lead)
    with store._context.database.writing() as session:
        session.select("SELECT 1")
    store._context.database._idle[0].execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for hour in range(6, 16):
        for lead in LEADS[:4]:
            remember(truth, store, lead)
            store.apply(lead, lambda journey, hour=hour: journey.record(call(hours(hour)), now=hours(hour)))
            remember(truth, store, lead)
    kept = {name: (folder / name).read_bytes() for name in ("leads.db", "leads.db-wal")}
    store.close()
    return kept, truth


def remember(truth, store, lead):
    journey = store.load(lead)
    truth[lead, journey.version] = (journey.stage, [fact.dump() for fact in journey.facts], store.state(lead))


def evaluated(folder, files, truth, found):
    """Open damaged files, and count what is a clean prefix, what is refused, and what is wrong."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    outcome = "clean"
    try:
        with SqliteStore(folder / "leads.db", book()) as store:
            for lead in LEADS[:4]:
                try:
                    journey, state = store.load(lead), store.state(lead)
                    said = (journey.stage, [fact.dump() for fact in journey.facts], state)
                    if truth.get((lead, journey.version)) != said:
                        outcome = "wrong"
                    store.find(stage="lead")
                except LeadlifeError:
                    outcome = "refused" if outcome == "clean" else outcome
    except LeadlifeError:
        outcome = "refused" if outcome == "clean" else outcome
    found[outcome] += 1


def cuts(count, seed):
    """Cut the write-ahead log at random places, as a crash of the machine may."""
    dice, found = random.Random(seed), Counter()
    with tempfile.TemporaryDirectory() as folder:
        files, truth = filled(Path(folder))
        for _ in range(count):
            wal = files["leads.db-wal"]
            evaluated(Path(folder) / "cut", {**files, "leads.db-wal": wal[: dice.randrange(len(wal))]}, truth, found)
    return found


def flips(count, seed, *, guarded=True):
    """Flip one bit of the files at a random place."""
    dice, found, whole = random.Random(seed), Counter(), tables.Table.read
    if not guarded:
        tables.Table.read = lambda self, row: self.row._make(row[:-1])
    try:
        with tempfile.TemporaryDirectory() as folder:
            files, truth = filled(Path(folder))
            # What SQLite's own log protects is moved into the file, so that the flip is not simply rolled back.
            for _ in range(count):
                name = dice.choice(("leads.db", "leads.db", "leads.db-wal"))
                content = bytearray(files[name])
                places = [one.start() for one in re.finditer(rb"(?<=T)\d\d:|(?<=kind..)lead|mia|call", files[name])]
                # Half of them where it hurts: in an instant, a kind or a name, which is as readable afterwards.
                place = dice.choice(places) if dice.random() < 0.5 else dice.randrange(len(content))
                content[place] ^= 1 << dice.randrange(8 if dice.random() < 0.5 else 3)
                evaluated(Path(folder) / "flip", {**files, name: bytes(content)}, truth, found)
    finally:
        tables.Table.read = whole
    return found


# ---------------------------------------------------------------- many writers, and requests that come again


def write(path, worker, count, guarded):
    if not guarded:
        from leadlife.stores import journeys

        guard = journeys.replace
        journeys.replace = lambda session, table, row, *_, **__: guard(session, table, row)
        journeys.find_row = lambda *_: None  # the second look before a first save
    with SqliteStore(path, book(), snapshot_every=50) as store:
        for number in range(count):
            at = hours(worker * 10_000 + number)
            try:
                store.apply(
                    "ada", lambda journey, at=at: journey.record(call(at), now=days(9_000)), key=f"{worker}/{number}"
                )
            except Exception as error:
                if guarded:
                    raise
                print(type(error).__name__, flush=True)


def writers(count, seed, *, guarded=True, processes=16):
    """Let 16 processes write to one lead."""
    found = Counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "leads.db"
        with SqliteStore(path, book()) as store:
            store.start("ada", at=T, stage="name")
        each = max(1, count // processes)
        command = [sys.executable, "-m", "stores.campaign", "write", str(path), "--count", str(each)]
        flags = [] if guarded else ["--unguarded"]
        running = [
            subprocess.Popen([*command, *flags, "--seed", str(worker)], stdout=subprocess.PIPE, text=True)
            for worker in range(processes)
        ]
        for one in running:
            found["failed"] += len(one.communicate()[0].split()) + (one.returncode != 0)
        with SqliteStore(path, book()) as store:
            found["written"] = each * processes
            try:
                ats = [fact.at for fact in store.load("ada").facts if fact.type == "activity"]
                found["lost"] = each * processes - len(set(ats))
                found["double"] = len(ats) - len(set(ats))
                found["torn"] = len(store.verify().breaks)
            except LeadlifeError:
                found["torn"] += 1
    return found


def duplicates(count, seed, *, guarded=True):
    """Deliver requests again and again, out of order and with other clocks."""
    dice, found = random.Random(seed), Counter()
    with tempfile.TemporaryDirectory() as folder, SqliteStore(Path(folder) / "leads.db", book()) as store:
        for lead in LEADS:
            store.start(lead, at=T, stage="name")
        requests = [(lead, number) for lead in LEADS for number in range(max(1, count // (10 * len(LEADS))))]
        deliveries = requests * 10
        dice.shuffle(deliveries)
        for clock, (lead, number) in enumerate(deliveries):
            at = T + (hours(1) - T) * clock / 100
            key = f"{lead}/{number}" if guarded else None
            store.apply(lead, lambda journey, at=at: journey.record(call(at), now=at), key=key)
        found["deliveries"] = len(deliveries)
        effects = sum(store.state(lead).version - 1 for lead in LEADS)
        found["effects"], found["expected"] = effects, len(requests)
        found["double"] = effects - len(requests)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["kills", "cuts", "flips", "writers", "duplicates", "work", "write"])
    parser.add_argument("path", nargs="?")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--unguarded", action="store_true")
    asked = parser.parse_args()
    os.environ.setdefault("PYTHONPATH", "src:tests")
    if asked.what == "work":
        return work(asked.path, asked.seed, not asked.unguarded)
    if asked.what == "write":
        return write(asked.path, asked.seed, asked.count, not asked.unguarded)
    job = globals()[asked.what]
    found = job(asked.count, asked.seed)
    print(asked.what, f"seed {asked.seed}:", dict(found))
    bad = found["lost"] + found["torn"] + found["wrong"] + found["double"] + found["failed"]
    if asked.what == "cuts":
        return int(bool(bad))
    control = job(max(20, asked.count // 10), asked.seed, guarded=False)
    print("  control without its guard:", dict(control))
    harm = control["lost"] + control["torn"] + control["wrong"] + control["double"] + control["failed"]
    return int(bool(bad) or not harm)


if __name__ == "__main__":
    sys.exit(main())
