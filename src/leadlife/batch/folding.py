"""Rows folded journey by journey: the same fold that a single journey takes, over many of them, one after another."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter

import pyarrow as pa

from leadlife.batch.columns import rows_of
from leadlife.batch.outputs import Output
from leadlife.batch.rows import FactRow, RowReader, reason_of
from leadlife.errors import LeadlifeError
from leadlife.facts import Fact
from leadlife.journey import Journey
from leadlife.playbook.registry import PlaybookRegistry

_WHO = itemgetter(0, 1)
Begins = Callable[[int], str | None]


@contextmanager
def without_collector() -> Iterator[None]:
    """Fold without the collector of cycles: a fold makes none, and it would look at every fact again and again."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


class Folder:
    """Folds the rows of journeys under some playbooks, and adds what comes of it to an output.

    A journey that cannot be read or folded is set aside with the reason, and the others go on.
    """

    def __init__(self, registry: PlaybookRegistry, output: Output) -> None:
        self._registry = registry
        self._reader = RowReader()
        self.output: Output = output

    def fold_all(self, batches: Iterable[pa.RecordBatch], begins: Begins | None = None) -> Iterator[None]:
        """Fold batches whose rows are sorted by lead and pipeline; yield after each journey.

        Args:
            batches: The rows.
            begins: Is told the place of each journey before it is folded, and returns why it is not to be.
        """
        rows = (row for batch in batches for row in rows_of(batch))
        for place, ((lead, pipeline), some) in enumerate(groupby(rows, key=_WHO)):
            why = None if begins is None else begins(place)
            if why is None:
                self.fold(lead, pipeline, list(some))
            else:
                self.output.set_aside(lead, pipeline, sum(1 for _ in some), why)
            yield

    def fold(self, lead: str, pipeline: str, rows: Sequence[FactRow]) -> None:
        """Fold the rows of one journey, in any order."""
        try:
            journey = self.journey(lead, pipeline, rows)
            until = self.output.asked.as_of
            if until is not None:
                journey = journey.as_of(at=until)
                if not journey.facts:
                    self.output.later += 1
                    return
            self.output.add(journey, len(rows))
        except LeadlifeError as error:
            self.output.set_aside(lead, pipeline, len(rows), reason_of(error))
        except Exception as error:  # noqa: BLE001 - one bad journey must not stop a million others
            self.output.set_aside(lead, pipeline, len(rows), f"unexpected {type(error).__name__}")

    def journey(self, lead: str, pipeline: str, rows: Sequence[FactRow]) -> Journey:
        """Return the journey of some rows; those that no journey has recorded yet are recorded in order of time.

        Raises:
            LeadlifeError: They are no facts of one journey.
        """
        recorded = [row for row in rows if row.seq is not None and row.id is not None]
        new = sorted((row for row in rows if row.seq is None or row.id is None), key=_order_of_new)
        if recorded:
            journey = Journey.replay(self._facts(recorded), self._registry)
        else:
            journey = Journey(lead, self._registry, pipeline=pipeline)
        return journey.record_all(self._facts(new)) if new else journey

    def _facts(self, rows: Iterable[FactRow]) -> list[Fact]:
        return self._reader.facts(rows)


def _order_of_new(row: FactRow) -> tuple[object, ...]:
    """Return the place of a fact that nobody has recorded yet: by time; it does not matter how the rows are sorted."""
    return row.at, row.kind != "started", row.kind, row.name or "", row.value or "", row.payload or "", row.key or ""
