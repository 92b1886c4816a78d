"""Every store passes the contract, and the contract finds the store that breaks it."""

import pytest

from leadlife.stores import MemoryStore, Saved, SqliteStore, SqlStore, Swept
from leadlife.testing import check_store
from stores.databases import empty


def test_a_store_in_memory_passes():
    check_store(lambda playbook: MemoryStore(playbook, snapshot_every=4), examples=60)


def test_a_store_in_a_file_passes(tmp_path):
    number = iter(range(10_000))
    check_store(
        lambda playbook: SqliteStore(tmp_path / f"{next(number)}.db", playbook, snapshot_every=4, chained=True),
        examples=10,
    )


def test_sqlite_through_sqlalchemy_passes(tmp_path):
    number = iter(range(10_000))
    check_store(
        lambda playbook: SqlStore(f"sqlite:///{tmp_path}/{next(number)}.db", playbook, snapshot_every=4), examples=10
    )


def test_postgres_passes(postgres):
    def open_store(playbook):
        empty(postgres)
        return SqlStore(postgres, playbook, snapshot_every=4)

    check_store(open_store, examples=10)


class ForgetsTheLast(MemoryStore):
    def load(self, lead, *, pipeline="main"):
        journey = super().load(lead, pipeline=pipeline)
        return journey.as_of(
            at=journey.facts[-1].at, recorded_at=journey.facts[max(0, len(journey.facts) - 2)].recorded_at
        )


class IgnoresTheVersion(MemoryStore):
    def save(self, journey, *, expected_version):
        try:
            version = self.state(journey.lead_id, pipeline=journey.pipeline).version
        except LookupError:
            version = 0
        return super().save(journey, expected_version=version)


class MixesPipelines(MemoryStore):
    def load(self, lead, *, pipeline="main"):
        found = next((one for one in self.find(limit=100) if one.lead == lead), None)
        return super().load(lead, pipeline=pipeline if found is None else found.pipeline)


class ReadsInclusively(MemoryStore):
    def facts_since(self, position=(0, 0), *, limit=500):
        every = super().facts_since(limit=10_000)
        return tuple(one for one in every if one.position >= position)[:limit]


class ReadsBackwards(MemoryStore):
    def facts_since(self, position=(0, 0), *, limit=500):
        return super().facts_since(position, limit=limit)[::-1]


class HidesConclusions(MemoryStore):
    def facts_since(self, position=(0, 0), *, limit=500):
        return tuple(one for one in super().facts_since(position, limit=limit) if one.kind == "observed")


class PagesFromTheStart(MemoryStore):
    def find(self, *, after=None, **wanted):
        return super().find(**wanted)


class FindsAnybody(MemoryStore):
    def find(self, *, qualification=None, **wanted):
        return super().find(**wanted)


class SweepsNothing(MemoryStore):
    def sweep(self, now, *, batch=100):
        return iter(())


class SweepsWithoutSaving(MemoryStore):
    def sweep(self, now, *, batch=100):
        for one in self.find(limit=1_000):
            journey = self.load(one.lead, pipeline=one.pipeline)
            if journey.at is not None and now > journey.at:
                new = journey.tick(now).facts_since(journey)
                if new:
                    yield Swept(one.lead, one.pipeline, Saved(journey, (), new, (), one))


class SaysNothingIsNew(MemoryStore):
    def save(self, journey, *, expected_version):
        return super().save(journey, expected_version=expected_version)._replace(facts=())


@pytest.mark.parametrize(
    ("store", "law"),
    [
        (ForgetsTheLast, "law of"),
        (IgnoresTheVersion, "law of versions"),
        (MixesPipelines, "law of"),
        (ReadsInclusively, "law of the log"),
        (ReadsBackwards, "law of the log"),
        (HidesConclusions, "law of the log"),
        (PagesFromTheStart, "law of finding"),
        (FindsAnybody, "law of finding"),
        (SweepsNothing, "law of sweeping"),
        (SweepsWithoutSaving, "law of sweeping"),
        (SaysNothingIsNew, "law of saving"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_contract_finds_a_planted_fault(store, law):
    with pytest.raises((AssertionError, ExceptionGroup)) as caught:
        check_store(store, examples=150)
    first = caught.value.exceptions[0] if isinstance(caught.value, ExceptionGroup) else caught.value
    assert law in str(first)
