"""What a store costs, against eventsourcing 9.5 on SQLite in the same run. ``--json`` prints one object.

Both keep the same lives on the same disk: 50 happenings in one save, then a load of 50 and of 500. CPU time is
compared, because it is what the library costs; the wall time beside it holds the disk's waiting. A store keeps a
snapshot every 50 facts, so its load to change a lead (``load``) begins there, while the rival replays; ``replay`` is
without one, and ``snapshot`` lets the rival have one too. The rival folds its events into three attributes; a journey
is a playbook's state machine with rules and reasons, and its snapshot remembers every activity.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from leadlife import ActivityRecorded, Fact, Journey
from leadlife.presets import eight_stage
from leadlife.stores import SqliteStore
from leadlife.stores.tables import LEADS

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
KINDS = ("page_view", "product_page", "click", "download", "webinar", "email_open", "social")
BATCH = 50
LONG = 500
PAGE = 50


class RivalLead(Aggregate):
    """A lead as eventsourcing keeps it."""

    @event("Started")
    def __init__(self, stage: str) -> None:
        self.stage = stage
        self.activities = 0
        self.latest: str | None = None

    @event("Seen")
    def see(self, kind: str, at: datetime) -> None:
        """Take in one happening."""
        self.activities += 1
        self.latest = f"{kind} at {at}"


class RivalApp(Application[Any]):
    """The rival's store."""

    is_snapshotting_enabled = True


def life(number: int, begin: int = 0) -> list[Fact]:
    """Return so many happenings of a lead."""
    return [
        ActivityRecorded(kind=KINDS[place % len(KINDS)], at=START + timedelta(minutes=place))
        for place in range(begin, begin + number)
    ]


def rival_lead(number: int) -> RivalLead:
    lead = RivalLead("name")
    for place in range(number - 1):
        lead.see(KINDS[place % len(KINDS)], START + timedelta(minutes=place))
    return lead


def timed(job: Callable[[], Any], times: int) -> tuple[float, float]:
    """Return the CPU and the wall time of one run, in microseconds."""
    gc.collect()
    cpu, wall = process_time(), perf_counter()
    for _ in range(times):
        job()
    return (process_time() - cpu) / times * 1e6, (perf_counter() - wall) / times * 1e6


def rival_app(folder: Path) -> RivalApp:
    environment = {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(folder / "rival.db")}
    return RivalApp({**os.environ, **environment})


def appending(folder: Path, rounds: int) -> dict[str, float]:
    """Compare the save of 50 happenings that were made before."""
    playbook = eight_stage()
    store, app = SqliteStore(folder / "append.db", playbook, snapshot_every=1_000), rival_app(folder)
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    for number in range(rounds):
        journeys = [
            Journey.start(f"{number}/{place}", playbook, at=START, stage="name").record_all(life(BATCH - 1))
            for place in range(20)
        ]
        leads = [rival_lead(BATCH) for _ in range(20)]
        queue, rivals = iter(journeys), iter(leads)
        ours.append(timed(lambda queue=queue: store.save(next(queue), expected_version=0), 20))  # type: ignore[misc]
        theirs.append(timed(lambda rivals=rivals: app.save(next(rivals)), 20))  # type: ignore[misc]
    store.close()
    return {
        "append_cpu_us_per_fact": median(one[0] for one in ours) / BATCH,
        "append_wall_us_per_fact": median(one[1] for one in ours) / BATCH,
        "rival_append_cpu_us_per_fact": median(one[0] for one in theirs) / BATCH,
        "rival_append_wall_us_per_fact": median(one[1] for one in theirs) / BATCH,
        "append_vs_eventsourcing": median(r[0] / o[0] for o, r in zip(ours, theirs, strict=True)),
    }


def loading(folder: Path, rounds: int) -> dict[str, float]:
    """Compare whole loads, and loads from a snapshot."""
    playbook, found = eight_stage(), dict[str, float]()
    store, app = SqliteStore(folder / "load.db", playbook, snapshot_every=10**9), rival_app(folder)
    for number in (BATCH, LONG):
        store.save(
            Journey.start(f"{number}", playbook, at=START, stage="name").record_all(life(number - 1)),
            expected_version=0,
        )
        lead = rival_lead(number)
        app.save(lead)
        cases: dict[str, Callable[[], Any]] = {
            "replay": lambda: store.load(f"{number}"),  # noqa: B023
            "load": lambda: store.load(f"{number}", tail=True),  # noqa: B023
            "whole": lambda: store.load(f"{number}"),  # noqa: B023
        }
        replayed = median(timed(lambda: app.repository.get(lead.id), 20)[0] for _ in range(rounds))  # noqa: B023
        app.take_snapshot(lead.id)
        resumed = median(timed(lambda: app.repository.get(lead.id), 20)[0] for _ in range(rounds))  # noqa: B023
        found |= {f"rival_replay_{number}_cpu_us": replayed, f"rival_snapshot_{number}_cpu_us": resumed}
        for name, job in cases.items():
            if name == "load":
                store.compact()
            found[f"{name}_{number}_cpu_us"] = median(timed(job, 20)[0] for _ in range(rounds))
            found[f"{name}_{number}_vs_eventsourcing"] = replayed / found[f"{name}_{number}_cpu_us"]
        found[f"snapshot_{number}_vs_eventsourcing"] = resumed / found[f"load_{number}_cpu_us"]
    store.close()
    return found


def many_leads(folder: Path, sizes: tuple[int, ...]) -> dict[str, float]:
    """Time a page of 50 and a sweep of 20 that are due, among ever more leads, whose rows are copies of one."""
    playbook, found = eight_stage(), dict[str, float]()
    for size in sizes:
        store = SqliteStore(folder / f"many {size}.db", playbook)
        store.start("model", at=START, stage="name")
        with store._context.database.writing() as session:  # noqa: SLF001 - a hundred thousand saves would take minutes
            from leadlife.stores.database import read  # noqa: PLC0415

            row = read(session, LEADS)[0]
            stages = ("name", "engagement", "target", "lead", "sales_lead", "opportunity", "customer", "recycled")
            session.insert(
                LEADS,
                [
                    row._replace(
                        lead=f"lead {place:07}", stage=stages[place % 8], owner=f"rep {place % 40}", snapshot=0
                    )
                    for place in range(size)
                ],
            )
        for place in range(20):
            store.start(f"due {place}", at=START, stage="name")
            store.apply(f"due {place}", lambda journey: journey.record_all(life(6)))
        cases: dict[str, Callable[[], Any]] = {
            "find_stage": lambda: store.find(stage="lead", limit=PAGE),  # noqa: B023
            "find_owner_and_stage": lambda: store.find(stage="lead", owner="rep 3", limit=PAGE),  # noqa: B023
            "find_any": lambda: store.find(after=("lead 0000500", "main"), limit=PAGE),  # noqa: B023
        }
        for name, job in cases.items():
            found[f"{name}_{size}_ms"] = median(timed(job, 5)[1] for _ in range(5)) / 1_000
        begin = perf_counter()
        list(store.sweep(START + timedelta(days=60)))
        found[f"sweep_20_due_of_{size}_ms"] = (perf_counter() - begin) * 1_000
        store.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        found = {**appending(place, asked.rounds), **loading(place, asked.rounds)}
        found |= many_leads(place, (1_000, 10_000, 100_000))
    if asked.json:
        print(json.dumps(found, indent=2))
    else:
        for name, value in found.items():
            print(f"{name:45} {value:12,.2f}")


if __name__ == "__main__":
    main()
