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
from leadlife.batch.rows import FactRow, RowReader, moment, reason_of
from leadlife.errors import Fault, LeadlifeError, Malformed
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
        self._reader = RowReader((registry.first if registry.override is None else registry.override).ref)
        self.output: Output = output

    def fold_all(self, batches: Iterable[pa.RecordBatch], begins: Begins | None = None) -> Iterator[None]:
        """Fold batches whose rows are sorted by lead and pipeline; yield after each journey.

        Args:
            batches: The rows.
            begins: Called with the place of each journey before it is folded; it returns why it is not to be.
        """
        # Sorted by lead, so one journey is in memory at a time, however many there are.
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
            LeadlifeError: They are not the facts of one journey.
        """
        recorded, new = [], []
        for row, fact in zip(rows, self._facts(rows), strict=True):
            if row.seq is None or row.id is None:
                new.append((row, fact))
            else:
                recorded.append(fact)
        # Recorded facts keep their stamps and may come in any order; new ones are recorded after them.
        if recorded:
            journey = Journey.replay(recorded, self._registry)
        else:
            journey = Journey(lead, self._registry, pipeline=pipeline)
        return _with(journey, sorted(new, key=_order_of_new)) if new else journey

    def _facts(self, rows: Iterable[FactRow]) -> list[Fact]:
        """Return the facts of rows.

        Raises:
            Malformed: Some hold none; the first of them, each with its place in the journey.
        """
        facts: list[Fact] = []
        faults: list[Fault] = []
        for row in rows:
            try:
                facts.append(self._reader.fact(row))
            except LeadlifeError as error:
                faults.append(Fault(_place(row), reason_of(error)))
        if faults:
            raise Malformed("facts cannot be read:", faults=faults)
        return facts


def _with(journey: Journey, new: Sequence[tuple[FactRow, Fact]]) -> Journey:
    """Return a journey with facts that nobody has recorded yet.

    Raises:
        Malformed: Some cannot be recorded; the first of them, each with its place.
    """
    try:
        return journey.record_all(fact for _, fact in new)
    except LeadlifeError:
        faults: list[Fault] = []
        for row, fact in new:
            try:
                journey = journey.record(fact)
            except LeadlifeError as error:
                faults.append(Fault(_place(row), reason_of(error)))
        raise Malformed("facts cannot be recorded:", faults=faults) from None


def _place(row: FactRow) -> str:
    """Return where a row is to be found: its kind, name and instant, and its id where it has one."""
    try:
        at = moment(row.at).isoformat()
    except LeadlifeError:
        at = str(row.at)
    return " ".join(
        [row.kind, *([] if row.name is None else [repr(row.name)]), at, *([] if row.id is None else [row.id])]
    )


def _order_of_new(one: tuple[FactRow, Fact]) -> tuple[object, ...]:
    """Return the place of a fact that nobody has recorded yet: by time; it does not matter how the rows are sorted."""
    row = one[0]
    return row.at, row.kind != "started", row.kind, row.name or "", row.value or "", row.payload or "", row.key or ""
