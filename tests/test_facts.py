"""Facts: stamped, hashed, dumped, loaded."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from leadlife import (
    ActivityRecorded,
    Actor,
    CostIncurred,
    EvidenceGiven,
    FieldChanged,
    Journey,
    Malformed,
    Money,
    Moved,
    QualificationGranted,
    QualificationWithdrawn,
    Retracted,
    ScoreReported,
    Sold,
    Source,
    Started,
    load_fact,
)
from leadlife.leads import Consent, Lead, LeadType
from leadlife.presets import eight_stage
from stories import SALES

T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def journey():
    return Journey.start("ada", eight_stage(), at=T0, stage="name")


def test_a_plain_text_names_a_person_without_roles():
    fact = Moved(trigger="engage", at=T0, by="mia")
    assert (fact.by.id, fact.by.kind, fact.by.roles) == ("mia", "person", ())
    assert Moved(trigger="engage", at=T0).by.kind == "system"
    assert Moved(trigger="engage", at=T0, by=Actor(id="x", roles="sales")).by.roles == ("sales",)


def test_the_id_is_a_hash_of_whose_it_is_and_what_it_says(journey):
    fact = EvidenceGiven(name="fit", at=T0 + DAY)
    here = journey.record(fact).facts[-1]
    late = journey.record(fact, now=T0 + 5 * DAY).facts[-1]
    keyed = journey.record(fact.replace(key="k")).facts[-1]
    other = Journey.start("bob", eight_stage(), at=T0, stage="name").record(fact).facts[-1]
    assert here.id == late.id == here.key
    assert keyed.id == here.id != other.id
    assert keyed.key == "k"
    in_another_zone = fact.replace(at=(T0 + DAY).astimezone())
    assert journey.record(in_another_zone).facts[-1].id == here.id


def test_every_type_dumps_and_loads(journey):
    facts = [
        *journey.facts,
        CostIncurred(amount=Money.of("1.50", "EUR"), category="ads", at=T0),
        ScoreReported(policy="model", version="1", value=0.25, at=T0),
        QualificationGranted(name="mql", expires=T0 + DAY, evidence=["x"], at=T0),
        QualificationWithdrawn(name="mql", reason="stale", at=T0),
        Sold(amount=Money.of(1, "BRL"), at=T0, source=Source(channel="email")),
        ActivityRecorded(kind="call", attributes={"minutes": 5, "ok": True, "note": "x", "share": 0.5}, at=T0),
    ]
    for fact in facts:
        assert load_fact(fact.dump()) == fact
        assert load_fact(json.dumps(fact.dump())) == fact
        assert fact.dump()["schema"] == 1


def test_personal_and_sale_facts_hold_no_floats_of_money():
    with pytest.raises(Malformed):
        load_fact({"type": "sold", "at": T0.isoformat(), "amount": {"amount": 1.5, "currency": "EUR"}})


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"type": "unheard"},
        {"type": "moved", "at": "2026-03-02T09:00:00"},
        {"type": "moved", "at": 1},
        {"type": "moved", "at": "2026-03-02T09:00:00Z", "trigger": "x", "extra": 1},
        {"type": "moved", "at": "2026-03-02T09:00:00Z", "trigger": "x", "schema": 2},
        {"type": "score", "at": "2026-03-02T09:00:00Z", "policy": "p", "version": "1", "value": "NaN"},
        {"type": "sold", "at": "2026-03-02T09:00:00Z", "seq": 2**70},
        {"type": "sold", "at": "0001-01-01T00:00:00Z"},
        {"type": "sold", "at": "9999-12-31T23:59:59Z"},
        {"type": "sold", "at": "2026-03-02T09:00:00Z", "id": "a\x00b"},
        {"type": "sold", "at": object()},
        {"type": "score", "value": float("nan")},
        "not json",
        b"\xff\xfe",
        "[" * 5000,
        "[]",
        '{"type": "sold", "at": "2026-03-02T09:00:00Z", "source": {"channel": "\ud800"}}',
    ],
)
def test_what_is_no_fact_is_refused(bad):
    with pytest.raises(Malformed):
        load_fact(bad)


@pytest.mark.parametrize(
    "bad",
    [
        lambda: Moved(trigger="x", at=datetime(2026, 1, 1)),
        lambda: Moved(trigger="x", at="2026-01-01T00:00:00Z"),
        lambda: Moved(trigger="", at=T0),
        lambda: ScoreReported(policy="p", version="1", value=float("inf"), at=T0),
        lambda: ScoreReported(policy="p", version="1", value=True, at=T0),
        lambda: FieldChanged(name="x", value=10**30, at=T0),
        lambda: FieldChanged(name="x", value=[1], at=T0),
        lambda: EvidenceGiven(name="fit", value=1, at=T0),
        lambda: Sold(at=T0, unheard=1),
    ],
)
def test_a_malformed_fact_cannot_be_made(bad):
    with pytest.raises(Malformed):
        bad()


def test_only_sound_facts_can_be_recorded(journey):
    derived = journey.tick(T0 + DAY).record(EvidenceGiven(name="fit", at=T0 + DAY))
    with pytest.raises(Malformed, match="is not a fact"):
        journey.record({"type": "sold"})
    with pytest.raises(Malformed, match="derived"):
        journey.record(Moved(trigger="x", at=T0, caused_by="f"))
    with pytest.raises(Malformed, match="another journey"):
        journey.record(derived.facts[-1].replace(lead="bob"))
    with pytest.raises(Malformed, match="more than five years after"):
        journey.record(Sold(at=T0 + 2000 * DAY))
    with pytest.raises(Malformed, match="already has this id"):
        journey.record(Sold(at=T0, id="one")).record(Sold(at=T0, id="one", key="two"))
    with pytest.raises(Malformed, match="already has this id"):
        journey.record(Sold(at=T0, id="one", key="two")).record(Sold(at=T0 + DAY, id="one"))


class TestKeys:
    def test_the_same_key_and_content_is_not_appended(self, journey):
        once = journey.record(Sold(at=T0 + DAY, key="s"))
        assert once.record(Sold(at=T0 + DAY, key="s")).version == once.version

    def test_the_same_key_with_other_content_is_kept_as_conflicting(self, journey):
        once = journey.record(EvidenceGiven(name="fit", at=T0 + DAY, key="e"))
        both = once.record(EvidenceGiven(name="fit", value=False, at=T0 + DAY, key="e"))
        assert both.receipt.status == "conflicting"
        assert both.evidence["fit"].value is True
        # The winner's retraction does not bring the other to life.
        gone = both.record(Retracted(target=once.facts[-1].id, at=T0 + 2 * DAY))
        assert gone.evidence == {}
        again = gone.record(EvidenceGiven(name="fit", value=False, at=T0 + DAY, key="e2"))
        assert again.evidence["fit"].value is False

    def test_a_retraction_may_arrive_first_and_cannot_be_retracted(self, journey):
        fact_id = journey.record(Sold(at=T0 + DAY)).facts[-1].id
        early = journey.record(Retracted(target=fact_id, at=T0 + 9 * DAY))
        came = early.record(Sold(at=T0 + DAY))
        assert came.receipt.status == "retracted"
        undone = came.record(Retracted(target=early.facts[-1].id, at=T0 + 9 * DAY))
        assert [entry.status for entry in undone.log] == ["stands", "stands", "retracted", "unmatched"]

    def test_retracting_the_start_leaves_nothing_started(self, journey):
        gone = journey.record(Retracted(target=journey.facts[0].id, at=T0 + DAY))
        assert gone.stage is None
        assert gone.record(Started(stage="name", playbook=eight_stage().ref, at=T0, key="anew")).stage == "name"


def test_two_lives_from_one_value_do_not_disturb_each_other(journey):
    one = journey.record(EvidenceGiven(name="fit", at=T0 + DAY))
    two = journey.record(EvidenceGiven(name="sql", at=T0 + DAY))
    three = journey.record(EvidenceGiven(name="mql", at=T0 + DAY)).record(Sold(at=T0 + 2 * DAY))
    assert [f.seq for f in one.facts] == [f.seq for f in two.facts] == [0, 1]
    assert (list(one.evidence), list(two.evidence), list(three.evidence)) == (["fit"], ["sql"], ["mql"])
    assert journey.version == 1


class TestRecordingMany:
    def drafts(self):
        return [
            EvidenceGiven(name="fit", at=T0 + 3 * DAY),
            ActivityRecorded(kind="call", at=T0 + DAY),
            Moved(trigger="engage", at=T0 + 2 * DAY),
            EvidenceGiven(name="fit", at=T0 + 3 * DAY),
            EvidenceGiven(name="fit", value=False, at=T0 + 3 * DAY, key="k"),
            EvidenceGiven(name="fit", at=T0 + 3 * DAY, key="k"),
            Moved(trigger="fit", at=T0 + 4 * DAY),
        ]

    def test_is_the_same_as_one_after_another(self, journey):
        one = journey
        for draft in self.drafts():
            one = one.record(draft)
        many = journey.record_all(self.drafts())
        assert many == one
        assert many.log == one.log
        assert journey.version == 1
        extended = many.record(Sold(at=T0 + 9 * DAY))
        assert extended == one.record(Sold(at=T0 + 9 * DAY))

    def test_takes_all_or_none(self, journey):
        with pytest.raises(Malformed):
            journey.record_all([*self.drafts(), EvidenceGiven(name="fti", at=T0)])
        assert journey.version == 1

    def test_respects_a_retraction_that_came_first(self, journey):
        sale = Sold(at=T0 + DAY)
        target = journey.record(sale).facts[-1].id
        many = journey.record_all([Retracted(target=target, at=T0), sale])
        assert [entry.status for entry in many.log][1:] == ["stands", "retracted"]


class TestReplay:
    def test_needs_recorded_facts_of_one_journey(self, journey):
        other = Journey.start("bob", eight_stage(), at=T0)
        with pytest.raises(Malformed, match="no fact to replay"):
            Journey.replay([], eight_stage())
        with pytest.raises(Malformed, match="has no id, key, lead"):
            Journey.replay([Sold(at=T0)], eight_stage())
        with pytest.raises(Malformed, match="another journey"):
            Journey.replay([*journey.facts, *other.facts], eight_stage())
        with pytest.raises(Malformed, match="not a fact"):
            Journey.replay([{"type": "sold"}], eight_stage())
        twins = [fact.replace(id="i", key=key) for key, fact in zip("ab", journey.facts * 2, strict=True)]
        with pytest.raises(Malformed, match="different keys"):
            Journey.replay(twins, eight_stage())

    def test_joined_logs_keep_their_seq(self, journey):
        one = journey.record(EvidenceGiven(name="fit", at=T0 + DAY))
        two = journey.record(ActivityRecorded(kind="call", at=T0 + DAY))
        joined = Journey.replay({f.id: f for f in (*one.facts, *two.facts)}.values(), eight_stage())
        assert sorted(f.seq for f in joined.facts) == [0, 1, 1]
        assert joined.record(Sold(at=T0 + 2 * DAY)).facts[-1].seq == 2

    def test_a_duplicate_from_another_copy_is_dropped(self, journey):
        late = journey.facts[0].replace(recorded_at=T0 + DAY, seq=7)
        assert Journey.replay([late, *journey.facts], eight_stage()).facts == journey.facts


class TestWhoTheLeadIs:
    def test_a_lead_brings_its_own_facts(self):
        book = eight_stage()
        lead = Lead(
            id="ada",
            identified=True,
            consents=(Consent(purpose="newsletter", granted=True, since=T0 - DAY, basis="form"),),
            source=Source(channel="social"),
        )
        journey = Journey.start(lead, book, at=T0)
        assert journey.lead == lead
        assert journey.stage == "name"

    def test_a_field_is_known_typed_and_cleared(self, journey):
        from leadlife import FieldSpec

        book = eight_stage().with_fields(
            size=FieldSpec(type="integer"), since=FieldSpec(type="date"), tier=FieldSpec(choices=["a", "b"])
        )
        journey = Journey.start(Lead(id="x", fields={"size": 5, "since": "2026-01-31", "tier": "a"}), book, at=T0)
        assert journey.lead.fields == {"size": 5, "since": "2026-01-31", "tier": "a"}
        cleared = journey.record(FieldChanged(name="size", at=T0 + DAY))
        assert "size" not in cleared.lead.fields
        for name, value in (
            ("size", "5"),
            ("size", True),
            ("since", "31.1.2026"),
            ("since", "2026-1-1"),
            ("tier", "c"),
        ):
            with pytest.raises(Malformed, match=f"field {name!r} must be"):
                journey.record(FieldChanged(name=name, value=value, at=T0 + DAY))

    def test_lead_types_have_their_synonyms_and_channels(self):
        assert LeadType("seeds") is LeadType.CULTIVATED
        assert LeadType("spears") is LeadType.TARGETED
        with pytest.raises(ValueError, match="nonsense"):
            LeadType("nonsense")
        assert Source(channel="paid_search").lead_type is LeadType.INTEREST
        assert Source(channel="paid_search", lead_type="targeted").lead_type is LeadType.TARGETED
        assert Source(channel="unheard").lead_type is None

    def test_qualifications_are_held_until_they_expire_or_are_withdrawn(self, journey):
        held = journey.record(QualificationGranted(name="sql", expires=T0 + 30 * DAY, at=T0 + DAY, by=SALES))
        assert held.qualifications["sql"].playbook == eight_stage().ref
        assert held.qualifications["sql"].by == "sam"
        assert held.tick(T0 + 30 * DAY - timedelta(microseconds=1)).qualifications
        assert not held.tick(T0 + 30 * DAY).qualifications
        assert not held.record(QualificationWithdrawn(name="sql", at=T0 + 2 * DAY, by=SALES)).qualifications

    def test_an_activity_is_read_as_a_value(self):
        fact = ActivityRecorded(kind="call", attributes={"minutes": 5}, at=T0)
        assert fact.activity.kind == "call"
        assert fact.activity.attributes == {"minutes": 5}

    def test_ids_are_plain_text(self):
        for bad in ("", "a\x00b", "x" * 301, 7):
            with pytest.raises(Malformed):
                Journey(bad, eight_stage())
        assert Journey("ü ñ \u00a0", eight_stage()).lead_id


def test_a_stored_actor_is_read_once_and_a_bad_one_is_named():
    stored = Moved(trigger="engage", at=T0, by=Actor(id="mia", roles=("sales",))).dump()
    one, other = load_fact(stored), load_fact(stored)
    assert one.by is other.by
    assert one.by == Actor(id="mia", roles=("sales",))
    for wrong in ({"id": "", "kind": "person", "roles": []}, {"id": "mia", "kind": "person", "roles": [7]}):
        with pytest.raises(Malformed, match="by"):
            load_fact({**stored, "by": wrong})
