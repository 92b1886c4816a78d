"""The sweep ticks exactly those that are due, each once, however many sweep; and lists show where leads stand."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from leadlife import ActivityRecorded, Actor, EvidenceGiven, Malformed, Stage
from leadlife.errors import UnknownName
from leadlife.facts import HandoffOffered, OwnerAssigned
from leadlife.presets import eight_stage
from leadlife.scoring import ActivityRule, CustomPolicy, Points
from leadlife.stores import MemoryStore, SqliteStore
from leadlife.stores import journeys as journeys_module
from leadlife.stores.lead_state import MOST_LOOKS
from leadlife.timing import elapsed
from stores.worlds import MARKETING, T, book, call, days, hours, until_lead


@pytest.fixture
def store():
    with MemoryStore(book()) as opened:
        yield opened


def test_a_limit_that_comes_due_wakes_the_lead(store):
    until_lead(store)
    store.start("bob", at=T, stage="name")
    state = store.state("ada")
    assert state.wake_at == hours(5 + 14 * 24)
    assert store.state("bob").wake_at is None
    assert [one.lead for one in store.find(due_by=state.wake_at)] == ["ada"]
    assert not list(store.sweep(hours(5 + 14 * 24 - 1)))
    (swept,) = store.sweep(state.wake_at)
    assert (swept.lead, swept.saved.state.stage, swept.error) == ("ada", "recycled", None)
    assert [fact.type for fact in swept.saved.derived] == ["moved", "unqualified"]
    assert store.load("ada").stage == "recycled"
    assert store.state("ada").revision == state.revision + 1
    assert store.state("ada").version == state.version
    assert not list(store.sweep(days(300)))


def test_a_score_that_fades_within_its_band_wakes_nobody():
    with MemoryStore(book().replace(readiness=None)) as store:
        fades_within_its_band(store)


def fades_within_its_band(store):
    store.start("ada", at=T, stage="name")
    store.apply("ada", lambda journey: journey.record(call(T)).record(call(T)))
    state = store.state("ada")
    assert state.scores["calls"].band == "warm"
    # 20 points with a half-life of 5 days fall under 8 after 6.6 days; the review is at the next midnight.
    assert state.wake_at == days(7).replace(hour=0)
    assert not list(store.sweep(days(6)))
    assert store.state("ada") == state
    assert not list(store.sweep(days(7)))  # a band is shown, and concludes nothing
    woken = store.state("ada")
    assert (woken.scores["calls"].band, woken.wake_at, woken.as_of) == ("cold", None, days(7))
    assert woken.revision == state.revision + 1


def test_a_value_that_has_faded_is_marked_with_its_instant(store):
    store.start("ada", at=T, stage="name")
    store.apply("ada", lambda journey: journey.record(call(T)))
    state = store.state("ada")
    assert state.as_of == T
    assert state.scores["calls"].value == 10


def test_only_the_bands_that_can_be_worked_out_are_shown():
    def broken(lead, activities, at):
        raise ZeroDivisionError

    playbook = book("2").with_score(CustomPolicy.of(broken, bands={"low": 0}))
    with MemoryStore(playbook) as store:
        store.start("ada", at=T, stage="name")
        assert set(store.state("ada").scores) == {"calls"}


def test_a_planned_fact_wakes_the_lead(store):
    store.start("ada", at=T, stage="name")
    store.apply("ada", lambda journey: journey.record(EvidenceGiven(name="mql", at=days(3)), now=T))
    assert store.state("ada").wake_at == days(3)
    assert store.state("ada").qualifications == ()
    (swept,) = store.sweep(days(4))
    assert swept.saved.state.qualifications == ("mql",)
    assert store.find(qualification="mql")[0].lead == "ada"


def test_a_name_that_no_playbook_declares_is_an_error(store):
    store.start("ada", at=T, stage="name")
    for wanted in (
        {"stage": "nmae"},
        {"stage": ["name", "nmae"]},
        {"qualification": "mlq"},
        {"playbook": "eight_stag"},
    ):
        with pytest.raises(UnknownName, match=r"did you mean '(name|mql|eight_stage)'\?"):
            store.find(**wanted)
    with pytest.raises(UnknownName, match="mql"):
        store.count(qualification="mlq")
    assert store.find(stage=iter(["name"]))[0].lead == "ada"


def test_the_names_of_a_playbook_that_only_the_store_knows_are_known(tmp_path):
    lifecycle = book().lifecycle.with_stages(Stage(id="former"))
    with SqliteStore(tmp_path / "leads.db", book().with_lifecycle(lifecycle, version="0")) as store:
        store.start("ada", at=T, stage="name")
    with SqliteStore(tmp_path / "leads.db", book()) as store:
        assert store.find(stage="former") == ()
        with pytest.raises(UnknownName, match="former"):
            store.find(stage="formre")


def test_owner_and_answer_time_are_shown(store):
    until_lead(store)
    store.apply("ada", lambda journey: journey.record(OwnerAssigned(owner="sam", at=hours(6))))
    assert [one.lead for one in store.find(owner="sam")] == ["ada"]
    assert store.find(owner=["kim", "lee"]) == ()
    store.apply("ada", lambda journey: journey.record(HandoffOffered(to="kim", at=hours(7), answer_within="PT4H")))
    assert store.state("ada").wake_at == hours(11)


def test_many_workers_conclude_once(tmp_path):
    with SqliteStore(tmp_path / "leads.db", book()) as store:
        for number in range(12):
            until_lead(store, f"lead {number:02}")
        with ThreadPoolExecutor(4) as pool:
            swept = [one for many in pool.map(lambda _: list(store.sweep(days(20), batch=3)), range(4)) for one in many]
        concluded = [fact.fact.id for fact in store.facts_since(limit=10_000) if fact.kind == "derived"]
        assert sorted(one.lead for one in swept) == [f"lead {number:02}" for number in range(12)]
        assert len(concluded) == len(set(concluded)) == 12 * 3
        assert store.count() == {("main", "recycled"): 12}


def test_a_lead_that_somebody_saves_meanwhile_is_left_alone(tmp_path, monkeypatch):
    with SqliteStore(tmp_path / "leads.db", book()) as store:
        until_lead(store)
        from leadlife.stores import sweeping

        whole = sweeping._looked_at

        def looked(session, context, row, now):
            found = whole(session, context, row, now)
            store.apply("ada", lambda journey: journey.record(call(hours(9))))
            return found

        monkeypatch.setattr(sweeping, "_looked_at", looked)
        assert not list(store.sweep(days(20)))
        assert store.state("ada").stage == "lead"
        monkeypatch.undo()
        assert len(list(store.sweep(days(20)))) == 1


def test_one_bad_lead_never_stops_the_others(store):
    for lead in ("ada", "bob", "cyd"):
        until_lead(store, lead)
    with store._context.database.writing() as session:
        session.run("UPDATE leadlife_facts SET body = '{}' WHERE lead = 'ada'")
        session.run("UPDATE leadlife_leads SET owner = 'x' WHERE lead = 'bob'")
    swept = list(store.sweep(days(20), batch=1))
    assert [(one.lead, one.error and one.error.code) for one in swept] == [
        ("ada", "damaged"),
        ("bob", "damaged"),
        ("cyd", None),
    ]
    assert [one.lead for one in store.sweep(days(20))] == ["ada", "bob"]  # they stay due


def test_a_transaction_that_gave_way_is_tried_lead_by_lead(store, monkeypatch):
    from leadlife.errors import VersionConflict
    from leadlife.stores import sweeping

    for lead in ("ada", "bob"):
        until_lead(store, lead)
    whole, tries = sweeping._in_one, []

    def gives_way(context, looked):
        tries.append(len(looked))
        if len(looked) > 1:
            raise VersionConflict("the database gave way")
        return whole(context, looked)

    monkeypatch.setattr(sweeping, "_in_one", gives_way)
    assert [one.lead for one in store.sweep(days(20))] == ["ada", "bob"]
    assert tries == [2, 1, 1]


def test_a_search_that_finds_no_change_ends(monkeypatch):
    """Two half-lives, so that the bound is too early: the lead is woken to look again, and nothing is concluded."""
    from leadlife.stores import lead_state

    rules = [
        ActivityRule(name=kind, kinds=kind, points=10, half_life=elapsed(days=long))
        for kind, long in (("call", 5), ("reply", 50))
    ]
    slow = Points(name="slow", rules=rules, bands={"cold": 0, "warm": 8})
    with MemoryStore(eight_stage().replace(readiness=None).with_score(slow)) as store:
        store.start("ada", at=T, stage="name")
        store.apply("ada", lambda journey: journey.record(call(T)))
        monkeypatch.setattr(lead_state, "MOST_LOOKS", 1)
        store.apply("ada", lambda journey: journey.record(ActivityRecorded(kind="reply", at=T)))
        looks = []
        while (wake := store.state("ada").wake_at) is not None:
            looks.append(wake)
            assert not list(store.sweep(wake))
        assert store.state("ada").scores["slow"].band == "cold"
        assert len(looks) > MOST_LOOKS > 1


def test_pages_go_on_in_the_order_of_keys(store):
    for number in range(7):
        store.start(f"lead {number}", at=T, stage="name")
        store.start(f"lead {number}", at=T, stage="name", pipeline="renewals")
    keys = [one.key for one in store.find(limit=100)]
    assert keys == sorted(keys)
    assert len(keys) == 14
    page = store.find(limit=5)
    assert [one.key for one in (*page, *store.find(after=page[-1], limit=50))] == keys
    assert [one.key for one in store.find(after=("lead 6", "main"))] == [("lead 6", "renewals")]
    assert [
        one.key for one in store.find(pipeline="main", stage="name", status="open", playbook="eight_stage")
    ] == keys[::2]
    assert store.find(stage=[]) == ()
    assert store.count(status=["won", "lost"]) == {}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"status": "opened"}, "'opened' is not a status"),
        ({"stage": 7}, "stage must be a list"),
        ({"stage": [7]}, "stage must be text"),
        ({"qualification": 7}, "qualification must be text"),
        ({"due_by": "today"}, "aware datetime"),
        ({"limit": 0}, "limit must be a whole number"),
        ({"after": (1, "main")}, "after must be text"),
    ],
)
def test_what_cannot_be_asked_for(store, asked, message):
    with pytest.raises(Malformed, match=message):
        store.find(**asked)


def test_a_sweep_needs_a_clock(store):
    with pytest.raises(Malformed, match="aware datetime"):
        store.sweep("now")


def test_a_clock_that_is_behind_concludes_nothing_twice(store):
    until_lead(store)
    wake = store.state("ada").wake_at
    list(store.sweep(wake))
    # Another server, whose clock is a minute behind, moves the lead before its limit came due.
    before = wake.replace(minute=59, hour=wake.hour - 1)
    accept = Actor(id="sam", roles=["sales"])
    saved = store.apply("ada", lambda journey: journey.move("accept", at=before, by=accept, now=before))
    assert saved.state.stage == "sales_lead"
    assert [fact.type for fact in saved.withdrawn] == ["moved", "unqualified"]
    assert saved.state.as_of == wake
    assert MARKETING.roles == ("marketing",)


def test_the_state_is_written_with_the_facts_or_not_at_all(store, monkeypatch):
    until_lead(store)
    before, log = store.state("ada"), store.facts_since(limit=1_000)

    def fails(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(journeys_module, "append", fails)
    with pytest.raises(OSError, match="full"):
        store.apply("ada", lambda journey: journey.record(call(hours(9))))
    assert (store.state("ada"), store.facts_since(limit=1_000)) == (before, log)
