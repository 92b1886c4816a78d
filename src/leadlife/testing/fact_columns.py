"""Simulated facts as columns, as many as you like, with the truth about every lead: for tests of batches.

Nothing of it is measured anywhere. Each lead begins as a name under ``eight_stage``, is active for a year, and reaches
some stages of the success path, one after another. So it is known beforehand where each lead stands, and how many
activities of each kind it has.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from leadlife.batch.columns import FACT_SCHEMA
from leadlife.batch.rows import FactRow, micros, row_of
from leadlife.facts import ActivityRecorded, StageReached, Started
from leadlife.presets import eight_stage

BEGINS = micros(datetime(2025, 1, 1, tzinfo=UTC))
YEAR = 365 * 86_400 * 1_000_000
KINDS = ("page_view", "product_page", "click", "email_open", "download", "social", "webinar", "call", "demo_request")
CHANCES = (0.34, 0.14, 0.12, 0.2, 0.06, 0.07, 0.02, 0.04, 0.01)
PATH = ("engagement", "target", "lead", "sales_lead", "opportunity", "customer")
DEPTHS = (0, 1, 2, len(PATH))
"""How many stages a lead reaches: the others have limits, at which it would be recycled."""
SHARES = (0.5, 0.3, 0.15, 0.05)
LEADS_A_BATCH = 20_000


class Truth(NamedTuple):
    """What is known of the leads of a batch.

    Attributes:
        lead: Their ids.
        stage: Where each stands in the end.
        activities: How many activities of each kind it has, a column a kind, in the order of ``KINDS``.
    """

    lead: pa.Array
    stage: pa.Array
    activities: np.ndarray


def generated_facts(leads: int, *, activities: int = 20, seed: int = 1) -> Iterator[tuple[pa.RecordBatch, Truth]]:
    """Yield simulated facts, and what is known of their leads, in batches of some thousand leads.

    The same arguments give the same facts. They are sorted by lead, and within a lead by time.

    Args:
        leads: How many leads.
        activities: How many activities a lead has on average.
        seed: Of the random numbers.
    """
    for first in range(0, leads, LEADS_A_BATCH):
        number = min(LEADS_A_BATCH, leads - first)
        yield _batch(first, number, activities, np.random.default_rng((seed, first)))


def _batch(first: int, number: int, activities: int, random: np.random.Generator) -> tuple[pa.RecordBatch, Truth]:
    started, active, reached = _templates()
    many = random.geometric(1 / activities, number)
    whose = np.repeat(np.arange(number), many)
    kind = random.choice(len(KINDS), size=len(whose), p=CHANCES)
    at = BEGINS + 1 + random.integers(0, YEAR, len(whose))
    depth = random.choice(DEPTHS, size=number, p=SHARES)
    climber = np.repeat(np.arange(number), depth)
    step = np.arange(len(climber)) - np.repeat(np.cumsum(depth) - depth, depth)
    when = (BEGINS + random.integers(1, YEAR, number))[climber] + step * 60_000_000
    lead = np.concatenate([np.arange(number), whose, climber])
    instant = np.concatenate([np.full(number, BEGINS), at, when])
    what = np.concatenate([np.zeros(number, np.int64), 1 + kind, 1 + len(KINDS) + step])
    order = np.lexsort((what, instant, lead))
    lead, instant, what = lead[order], instant[order], what[order]
    begins = np.searchsorted(lead, np.arange(number))
    seq = np.arange(len(lead)) - begins[lead]
    kinds = pa.array([row.kind for row in (started, *active, *reached)]).take(pa.array(what))
    names = pa.array([row.name for row in (started, *active, *reached)]).take(pa.array(what))
    payloads = pa.array([row.payload for row in (started, *active, *reached)], pa.string()).take(pa.array(what))
    ids = _named(first + lead)
    columns = {
        "lead": pa.array(ids),
        "pipeline": pa.array(["main"]).take(pa.array(np.zeros(len(lead), np.int64))),
        "kind": kinds,
        "at": pa.array(instant),
        "recorded_at": pa.array(instant),
        "seq": pa.array(seq),
        "id": pa.array(np.char.add(np.char.add(ids, "-"), seq.astype(str))),
        "key": pa.nulls(len(lead), pa.string()),
        "name": names,
        "value": pa.nulls(len(lead), pa.string()),
        "payload": payloads,
    }
    counted = np.zeros((number, len(KINDS)), np.int64)
    np.add.at(counted, (whose, kind), 1)
    stages = pa.array(["name", *PATH]).take(pa.array(depth))
    truth = Truth(pa.array(_named(first + np.arange(number))), stages, counted)
    return pa.RecordBatch.from_arrays([columns[name] for name in FACT_SCHEMA.names], schema=FACT_SCHEMA), truth


def _named(numbers: np.ndarray) -> np.ndarray:
    return np.char.add("lead", np.char.zfill(numbers.astype(str), 9))


def _templates() -> tuple[FactRow, list[FactRow], list[FactRow]]:
    at = datetime(2025, 1, 1, tzinfo=UTC)
    started = Started(stage="name", playbook=eight_stage().ref, at=at)
    active = [ActivityRecorded(kind=kind, at=at) for kind in KINDS]
    reached = [StageReached(stage=stage, at=at) for stage in PATH]
    one, *rest = (row_of(fact, lead="x") for fact in (started, *active, *reached))
    return one, rest[: len(KINDS)], rest[len(KINDS) :]
