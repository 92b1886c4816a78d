"""A lead that was merged goes on as the other one, whoever asks, until it is taken out again."""

import json

import pytest

from leadlife import ActivityRecorded, FieldChanged, Malformed
from leadlife.errors import LeadErased, UnknownLead
from leadlife.stores import MemoryStore, SqliteStore
from stores.worlds import T, book, call, days, hours, until_lead

SECRET = "Zanzibar"


@pytest.fixture
def store(tmp_path):
    with SqliteStore(tmp_path / "leads.db", book(), chained=True, snapshot_every=4) as opened:
        until_lead(opened, "ada")
        opened.start("cookie 7", at=T, stage="awareness")
        opened.apply("cookie 7", lambda journey: journey.record(ActivityRecorded(kind="page_view", at=hours(1))))
        yield opened


def test_every_request_for_the_loser_is_one_for_the_survivor(store):
    saved = store.merge("ada", "cookie 7", at=days(1), by="web")
    assert [fact.type for fact in saved.facts] == ["merged", "started", "activity"]
    assert store.load("cookie 7") == store.load("ada")
    assert store.state("cookie 7") == store.state("ada") == saved.state
    assert store.load("ada").merged == ("cookie 7",)
    store.apply("cookie 7", lambda journey: journey.record(call(days(2))), key="k")
    assert store.state("ada").version == saved.state.version + 1
    assert [one.lead for one in store.find()] == ["ada"]
    assert store.count() == {("main", "lead"): 1}
    assert [one.lead for one in store.sweep(days(60))] == ["ada"]
    assert store.verify().sound
    assert store.export("cookie 7")["pipelines"]["main"]["stage"] == "recycled"


def test_leads_that_are_one_person_stay_so(store):
    store.merge("ada", "cookie 7", at=days(1))
    for survivor, loser in (("ada", "cookie 7"), ("cookie 7", "ada")):
        again = store.merge(survivor, loser, at=days(2))
        assert (again.repeated, again.new) == (True, ())
    with pytest.raises(Malformed, match="circle"):
        store.merge("ada", "ada", at=days(2))
    with pytest.raises(UnknownLead):
        store.merge("ada", "nobody", at=days(2))


def test_chains_of_merges_lead_to_one_person(store):
    until_lead(store, "bob")
    store.merge("ada", "cookie 7", at=days(1))
    store.merge("bob", "cookie 7", at=days(2))  # the cookie is ada by now
    assert store.state("cookie 7").lead == store.state("ada").lead == "bob"
    assert store.load("bob").merged == ("ada",)
    with pytest.raises(Malformed, match="not merged into this lead"):
        store.unmerge("cookie 7", at=days(3))
    taken, own = store.unmerge("ada", at=days(3))
    assert (taken.state.lead, own.state.lead) == ("bob", "ada")
    assert store.state("cookie 7").lead == "ada"
    store.unmerge("cookie 7", at=days(4))
    assert store.state("cookie 7").stage == "awareness"
    assert store.verify().sound


def test_taking_apart_restores_both(store):
    before, cookie = store.load("ada"), store.load("cookie 7")
    store.merge("ada", "cookie 7", at=days(1))
    store.unmerge("cookie 7", at=days(1))
    assert store.load("ada").visits == before.visits
    assert store.load("cookie 7") == cookie
    assert [one.lead for one in store.find()] == ["ada", "cookie 7"]
    assert store.state("ada").wake_at == hours(5 + 14 * 24)
    with pytest.raises(Malformed, match="not merged into another"):
        store.unmerge("cookie 7", at=days(2))


def test_an_etag_of_before_never_fits_afterwards(store):
    seen = {lead: store.state(lead).revision for lead in ("ada", "cookie 7")}
    store.merge("ada", "cookie 7", at=days(1))
    merged = store.state("cookie 7").revision
    assert merged > max(seen.values())
    store.unmerge("cookie 7", at=days(2))
    assert store.state("cookie 7").revision > merged
    assert store.state("ada").revision > merged


def test_the_same_lines_twice_change_nothing(store, tmp_path):
    store.merge("ada", "cookie 7", at=days(1))
    store.write_lines(tmp_path / "leads.jsonl")
    assert store.read_lines(tmp_path / "leads.jsonl").set_aside == ()
    with MemoryStore(book()) as other:
        other.read_lines(tmp_path / "leads.jsonl")
        assert other.read_lines(tmp_path / "leads.jsonl")[:2] == (0, 0)
        # The lead learned more in the first store, where it was taken out again.
        store.unmerge("cookie 7", at=days(2))
        store.apply("cookie 7", lambda journey: journey.record(call(days(3))))
        store.write_lines(tmp_path / "leads.jsonl")
        assert other.read_lines(tmp_path / "leads.jsonl").set_aside == ()
        assert other.load("cookie 7") == store.load("cookie 7")


def test_erasing_a_person_erases_every_record(store, tmp_path):
    store.apply("cookie 7", lambda journey: journey.record(FieldChanged(name="phone", value=SECRET, at=hours(2))))
    head = store.head()
    store.merge("ada", "cookie 7", at=days(1))
    erased = store.erase("cookie 7", at=days(2))
    assert [one.lead for one in erased] == ["ada", "cookie 7"]
    assert store.verify(head=head).sound
    store.vacuum()
    for file in tmp_path.iterdir():
        assert SECRET.encode() not in file.read_bytes()
    for lead in ("ada", "cookie 7"):
        with pytest.raises(LeadErased):
            store.apply(lead, lambda journey: journey.record(call(days(3))))
        assert store.load(lead).stage == "lead"
    store.start("bob", at=T, stage="name")
    with pytest.raises(LeadErased):
        store.merge("bob", "ada", at=days(3))


def test_merged_leads_travel(store, tmp_path):
    store.merge("ada", "cookie 7", at=days(1))
    store.write_lines(tmp_path / "leads.jsonl")
    with MemoryStore(book()) as other:
        assert not other.read_lines(tmp_path / "leads.jsonl").set_aside
        assert other.load("cookie 7") == store.load("ada")
        assert [one.lead for one in other.find()] == ["ada"]
        other.unmerge("cookie 7", at=days(2))
        assert other.state("cookie 7").stage == "awareness"


@pytest.mark.parametrize("survivor", ["bea", "zed"])
def test_leads_that_were_taken_apart_elsewhere_are_apart_here_too(store, tmp_path, survivor):
    for name in (survivor, "lee"):
        store.start(name, at=T, stage="name")
    store.merge(survivor, "lee", at=days(1))
    store.write_lines(tmp_path / "merged.jsonl")
    with MemoryStore(book()) as other:
        other.read_lines(tmp_path / "merged.jsonl")
        store.unmerge("lee", at=days(2))
        store.apply("lee", lambda journey: journey.record(call(days(3))))
        store.write_lines(tmp_path / "apart.jsonl")
        read = other.read_lines(tmp_path / "apart.jsonl")
        assert read.set_aside == ()
        assert (other.load(survivor).merged, other.load("lee").lead_id) == ((), "lee")
        for name in (survivor, "lee"):
            assert other.load(name) == store.load(name)
            assert other.state(name).stage == store.state(name).stage
        assert other.verify().sound
        assert [one.lead for one in other.find()] == [one.lead for one in store.find()]


def test_more_of_a_lead_that_goes_on_as_another_one_is_set_aside(store, tmp_path):
    more = store.apply("cookie 7", lambda journey: journey.record(call(days(3)))).journey
    store.write_lines(tmp_path / "leads.jsonl")
    lines = (tmp_path / "leads.jsonl").read_text().splitlines()
    (tmp_path / "cookie.jsonl").write_text("\n".join(line for line in lines if '"lead": "cookie 7"' in line))
    with MemoryStore(book()) as other:
        other.start("ada", at=T, stage="name")
        first = "\n".join(json.dumps(fact.dump()) for fact in more.facts[:-1])
        (tmp_path / "first.jsonl").write_text(first)
        other.read_lines(tmp_path / "first.jsonl")
        other.merge("ada", "cookie 7", at=days(4))
        [aside] = other.read_lines(tmp_path / "cookie.jsonl").set_aside
        assert (aside.lead, "the file holds more of it" in aside.reason) == ("cookie 7", True)
        other.unmerge("cookie 7", at=days(5))
        assert other.read_lines(tmp_path / "cookie.jsonl").set_aside == ()
        assert other.load("cookie 7") == more
