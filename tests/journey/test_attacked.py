"""What attackers found: equal instants after a merge, tails of merged leads, borrowed ids, clocks of other libraries."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import localcontext
from enum import StrEnum
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlife import (
    ActivityRecorded,
    Actor,
    ConsentChanged,
    EvidenceGiven,
    FieldChanged,
    FieldSpec,
    Identified,
    Journey,
    Lifecycle,
    Malformed,
    Money,
    Moved,
    MoveRefused,
    Playbook,
    Retracted,
    Sold,
    Stage,
    StageReached,
    Transition,
    load_fact,
)
from leadlife.criteria import channel, evidence
from leadlife.errors import GuardNotMet, NeedsWholeLog, NotPermitted
from leadlife.facts import PlaybookAdopted, Refunded
from leadlife.io import load_playbook
from leadlife.lifecycle import EntryStage
from leadlife.presets import eight_stage
from stores.worlds import T, days, hours

BOOK = eight_stage()


def lead(name, at=T):
    return Journey.start(name, BOOK, stage="name", at=at)


def reply(at, **more):
    return ActivityRecorded(kind="reply", at=at, **more)


def reread(journey):
    return Journey.replay([load_fact(fact.dump()) for fact in journey.facts], BOOK)


# ---------------------------------------------------------------- merges


@pytest.mark.parametrize("name", ["ada", "zed"])
def test_a_verb_at_the_instant_of_a_merged_fact_is_evaluated_where_it_is_folded(name):
    """The leads of a merged person take turns at one instant, so a verb of the one may come before a fact of the other."""
    merged = lead(name).merge(lead("cookie").record(reply(days(2))), at=days(2))
    allowed = bool(merged.may("engage", at=days(2)))
    assert allowed is (name == "zed")
    if allowed:
        assert reread(merged.move("engage", at=days(2))).stage == "engagement"
    else:
        with pytest.raises(GuardNotMet):
            merged.move("engage", at=days(2))
        assert merged.move("engage", at=days(2) + timedelta(microseconds=1)).stage == "engagement"


@pytest.mark.parametrize("name", ["ada", "zed"])
def test_facts_at_the_instant_of_a_merged_fact_are_folded_as_in_a_replay(name):
    cookie = lead("cookie").record(EvidenceGiven(name="fit", value=False, at=days(2)))
    merged = lead(name).merge(cookie, at=days(2))
    fact = EvidenceGiven(name="fit", at=days(2))
    for grown in (merged.record(fact), merged.record_all([fact]), merged.record(fact).record(Identified(at=days(2)))):
        assert grown.evidence["fit"].value is (name == "zed")
        assert reread(grown) == grown
        assert reread(grown).evidence["fit"].value is (name == "zed")
        snapshot = grown.snapshot(tail=True)
        tail = Journey.resume_tail(snapshot, [], BOOK)
        assert tail.verdict(evidence("fit"), at=days(2)).value is (name == "zed")


def test_a_tail_knows_who_was_merged_and_asks_for_the_whole_log_where_it_must():
    one = lead("one").record(reply(days(1))).move("engage", at=days(1))
    merged = one.merge(lead("two"), at=days(2))
    snapshot = merged.snapshot(tail=True)
    tail = Journey.resume_tail(snapshot, [], BOOK)
    assert (tail.merged, tail.stage) == (("two",), "engagement")
    grown = tail.record(reply(days(3)))
    assert grown.stage == merged.record(reply(days(3))).stage
    more = (
        lead("two").record(reply(days(3))).move("engage", at=days(3)).move("disqualify", reason="poor fit", at=days(4))
    )
    again = merged.merge(more, at=days(5))
    assert again.stage == "engagement"
    with pytest.raises(NeedsWholeLog, match="merged lead"):
        Journey.resume_tail(snapshot, again.facts[merged.version :], BOOK)
    # At the last instant, a fact of a lead that takes its turn before is not a continuation.
    late = lead("ada").merge(lead("bo").record(reply(days(2))), at=days(2))
    with pytest.raises(NeedsWholeLog):
        Journey.resume_tail(late.snapshot(tail=True), [], BOOK).record(EvidenceGiven(name="fit", at=days(2)))


def test_an_event_that_two_losers_told_of_stays_when_one_is_taken_out():
    a, b = lead("a").record(reply(days(1))), lead("b").record(reply(days(1)))
    both = lead("w").merge(a, at=days(3)).merge(b, at=days(4))
    for order in ("ab", "ba"):
        left, counts = both, []
        for place, name in enumerate(order):
            left = left.unmerge(name, at=days(5 + place))
            counts.append(sum(fact.type == "activity" for fact in left.standing))
            assert reread(left) == left
        assert counts == [1, 0]
    assert sum(fact.type == "activity" for fact in both.standing) == 1
    assert [entry.status for entry in both.log if entry.fact.type == "activity"] == ["stands", "duplicate"]
    # Merged again, it is the same event again; also through a third lead, and with keys of the host.
    assert sum(one.type == "activity" for one in both.unmerge("a", at=days(5)).merge(a, at=days(6)).standing) == 1
    assert sum(one.type == "activity" for one in lead("z").merge(both, at=days(6)).standing) == 1
    a, b = lead("a").record(reply(days(1), key="r")), lead("b").record(reply(hours(30), key="r"))
    keyed = lead("w").merge(a, at=days(3)).merge(b, at=days(4))
    assert [fact.at for fact in keyed.standing if fact.type == "activity"] == [days(1)]
    assert [fact.at for fact in keyed.unmerge("a", at=days(5)).standing if fact.type == "activity"] == [hours(30)]


@pytest.mark.parametrize("name", ["a", "z"])
def test_whoever_retracts_a_fact_of_an_event_retracts_the_event(name):
    merged = lead("m").record(reply(days(1))).merge(lead(name).record(reply(days(1))), at=days(2))
    told = [entry for entry in merged.log if entry.fact.type == "activity"]
    assert sorted(entry.status for entry in told) == ["duplicate", "stands"]
    for entry in told:
        taken = merged.record(Retracted(target=entry.fact.id, at=days(3)))
        assert not any(fact.type == "activity" for fact in taken.standing)
        assert reread(taken) == taken
    # A log that says nonsense is read all the same.
    odd = [fact.model_copy(update={"same_as": fact.id}) if fact.type == "activity" else fact for fact in merged.facts]
    assert Journey.replay(odd, BOOK).stage == merged.stage


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3), st.sampled_from([None, "K", "L"])), max_size=9))
def test_whoever_is_taken_out_takes_no_event_of_another_lead_along(drafts):
    leads = [lead(name) for name in "wabc"]
    for who, hour, key in drafts:
        leads[who] = leads[who].record(reply(hours(hour), key=key))
    w, a, b, c = leads

    def events(journey):
        return sorted(fact.at for fact in journey.standing if fact.type == "activity")

    both = w.merge(a, at=days(1)).merge(b, at=days(2))
    assert events(both.unmerge("a", at=days(3))) == events(w.merge(b, at=days(1)))
    assert events(both.unmerge("b", at=days(3))) == events(w.merge(a, at=days(1)))
    assert events(both.unmerge("a", at=days(3)).unmerge("b", at=days(3))) == events(w)
    later = both.unmerge("a", at=days(3)).merge(c, at=days(4))
    assert events(later) == events(w.merge(b, at=days(1)).merge(c, at=days(2)))
    assert reread(both) == both
    assert reread(later) == later


def test_facts_whose_host_gave_both_leads_one_id_are_two_facts():
    a = lead("a").record(EvidenceGiven(name="fit", at=days(1), id="row-1"))
    b = lead("b").record(Sold(amount=Money.of(9, "EUR"), at=days(1), id="row-1"))
    b = b.record(Refunded(amount=Money.of(4, "EUR"), sale="row-1", at=days(2)))
    merged = a.merge(b, at=days(3))
    [sale] = [fact for fact in merged.facts if fact.type == "sold"]
    [refund] = [fact for fact in merged.facts if fact.type == "refunded"]
    assert (refund.sale, sale.id != "row-1") == (sale.id, True)
    assert reread(merged) == merged
    assert merged.merge(b, at=days(4)).version == merged.version
    back = b.record(Retracted(target="row-1", at=days(4)))
    again = merged.merge(back, at=days(5))
    assert [fact.type for fact in again.standing if fact.type in ("evidence", "sold")] == ["evidence"]


def test_the_clock_of_a_merge_is_that_of_a_verb():
    one, two = lead("one"), lead("two").record(reply(days(1)))
    berlin = datetime(2026, 3, 6, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    merged = one.merge(two, at=days(2), now=berlin)
    assert {fact.recorded_at.tzinfo for fact in merged.facts} == {UTC}
    assert merged.facts[-1].recorded_at == berlin
    more = two.record(reply(days(3)))
    for now in (datetime(2026, 4, 1), "2026-04-01"):
        with pytest.raises(Malformed, match="instant"):
            merged.merge(more, at=days(5), now=now)
    with pytest.raises(Malformed, match="a verb happens now"):
        merged.merge(more, at=days(900), now=days(10))
    with pytest.raises(Malformed, match="no fact to merge"):
        Journey("empty", BOOK).merge(two, at=days(3))


# ---------------------------------------------------------------- names and places


def test_a_key_is_not_the_id_of_another_fact():
    sold = lead("ada").record(Sold(at=days(1), key="order 1"))
    refund = Refunded(amount=Money.of(5, "EUR"), sale=sold.receipt.fact.id, key=sold.receipt.fact.id, at=days(2))
    with pytest.raises(Malformed, match="the key is the id of another fact"):
        sold.record(refund)
    with pytest.raises(Malformed, match="already has this id"):
        sold.record(Identified(at=days(2), id="order 1"))
    # A fact that is recorded again with its own stamps is known.
    assert sold.record(sold.receipt.fact).version == sold.version


def test_what_came_second_under_a_key_is_hidden_with_what_came_first():
    ada = lead("ada").record(reply(days(9), key="k")).record(EvidenceGiven(name="fit", at=days(1), key="k"))
    then = ada.as_of(at=days(2))
    assert [fact.type for fact in then.facts] == ["started"]
    grown = then.record(Identified(at=days(2)))
    assert (grown.version, [fact.type for fact in grown.facts]) == (2, ["started", "identified"])
    assert Journey.replay(then.facts, BOOK).evidence == then.evidence == {}


def test_many_facts_after_an_adoption_are_read_as_one_after_another():
    """Names of a late fact are looked up in earlier playbooks; what did nothing makes no fact late."""
    known = BOOK.with_fields(x=FieldSpec()).replace(version="1x")
    plain = eight_stage()
    begun = Journey.start("ada", [known][0], stage="name", at=T)
    begun = Journey.replay(begun.facts, [known, plain]).record(EvidenceGiven(name="fit", at=days(1), key="k"))
    adopted = begun.record(PlaybookAdopted(playbook=plain.ref, at=days(2)))
    field = FieldChanged(name="x", value="1", at=days(5))
    conflicting = EvidenceGiven(name="fit", value=False, at=days(9), key="k")
    in_advance = adopted.record(Retracted(target="later", at=days(2)))
    retracted = EvidenceGiven(name="fit", at=days(9), key="later")
    for journey, first in ((adopted, conflicting), (in_advance, retracted)):
        with pytest.raises(Malformed, match="'x'"):
            journey.record(first).record(field)
        with pytest.raises(Malformed, match="'x'"):
            journey.record_all([first, field])
    planned = adopted.record(EvidenceGiven(name="fit", at=days(6)), now=days(2))
    facts = [EvidenceGiven(name="fit", value=False, at=days(3)), field]
    one_by_one = planned.record(facts[0], now=days(10)).record(facts[1], now=days(10))
    assert planned.record_all(facts, now=days(10)) == one_by_one


def test_a_recycling_takes_the_first_trigger_that_may_be_fired():
    stages = (Stage(id="a"), Stage(id="rest", status="recycled"))
    moves = (
        Transition(trigger="fit_rest", sources="a", target="rest", guard=evidence("fit")),
        Transition(trigger="boss_rest", sources="a", target="rest", roles="boss"),
        Transition(trigger="rest", sources="a", target="rest"),
    )
    book = Playbook(
        id="two",
        roles="boss",
        evidence={"fit": "fits"},
        lifecycle=Lifecycle(stages=stages, transitions=moves, reasons=["why"]),
    )
    ada = Journey.start("ada", book, at=T)
    rested = ada.recycle("why", at=days(1), by="sam", key="r")
    assert (rested.stage, rested.receipt.fact.trigger) == ("rest", "rest")
    # Sent again under its key, it is the same request, wherever the lead stands now.
    assert rested.recycle("why", at=days(2), by="sam", key="r") == rested
    only = book.with_lifecycle(Lifecycle(stages=stages, transitions=moves[1:2], reasons=["why"]), version="2")
    with pytest.raises(NotPermitted):
        Journey.start("ada", only, at=T).recycle("why", at=days(1), by="sam")


def test_a_redaction_changes_nothing_but_words():
    ada = lead("ada").record(Sold(at=days(1), key="k"))
    start, sale = ada.facts
    for other in (
        sale.replace(at=days(2)),
        sale.replace(recorded_at=days(3)),
        EvidenceGiven(**{**EvidenceGiven(name="fit", at=sale.at).dump(), "at": sale.at}).stamped(
            id=sale.id, key="k", lead="ada", pipeline="main", seq=1, recorded_at=sale.recorded_at
        ),
    ):
        with pytest.raises(Malformed, match="not the facts of the journey"):
            ada.redacted([start, other])
    with pytest.raises(Malformed, match="not the facts of the journey"):
        ada.redacted([fact.replace(lead="zz") for fact in ada.facts])


# ---------------------------------------------------------------- values


class Broken(tzinfo):
    def utcoffset(self, _at):
        raise ValueError("no offset")


class Name(StrEnum):
    ADA = "ada"


def test_instants_of_other_libraries_are_kept_as_a_log_keeps_them():
    first, second = (pd.Timestamp(f"2026-03-02T10:00:00.000000{ns}", tz="UTC") for ns in (900, 500))
    ada = (
        lead("ada")
        .record(EvidenceGiven(name="fit", value=False, at=first))
        .record(EvidenceGiven(name="fit", at=second))
    )
    assert {type(fact.at) for fact in ada.facts} == {datetime}
    assert ada.evidence["fit"].value is reread(ada).evidence["fit"].value is True
    odd = datetime(2026, 3, 2, tzinfo=timezone(timedelta(hours=5, minutes=7)))
    assert lead("bo", at=pd.Timestamp(odd)).at == odd
    for tick in (
        lambda: ada.tick(datetime(2026, 4, 1, tzinfo=Broken())),
        lambda: reply(datetime(2026, 4, 1, tzinfo=Broken())),
    ):
        with pytest.raises(Malformed, match="offset"):
            tick()


def test_a_lead_named_by_a_member_of_an_enumeration_is_named_by_its_text():
    ada = lead(Name.ADA)
    assert (type(ada.lead_id), f"{ada.lead_id}") == (str, "ada")


def test_arguments_of_the_wrong_type_are_named(tmp_path):
    entries = (EntryStage(stage="a", guard=channel("email")), EntryStage(stage="b"))
    stages = (Stage(id="a"), Stage(id="b"))
    book = Playbook(id="two", lifecycle=Lifecycle(stages=stages, transitions=(), entries=entries))
    for source in ("email", {"channel": "email"}):
        with pytest.raises(Malformed, match="source must be a Source"):
            Journey.start("ada", book, at=T, source=source)
    with pytest.raises(Malformed, match="playbook must be a Playbook, not a list"):
        Journey.start("ada", [book], at=T)
    with pytest.raises(Malformed, match="cannot refer itself"):
        lead("ada").refer("ada", at=days(1))
    (tmp_path / "own.toml").write_text('id = "x"\nlifecycle = {stages = [{id = "a"}], transitions = []}\n')
    with pytest.raises(Malformed, match="guards must be a Mapping, not a list"):
        load_playbook(tmp_path / "own.toml", guards=["q"])


# ---------------------------------------------------------------- who goes on, and what is known


def reached(stage, day, *, gaps=False):
    return StageReached(stage=stage, at=days(day), infer_gaps=gaps)


def at_stage(name, *facts, stage="awareness", day=0):
    return Journey.start(name, BOOK, stage=stage, at=days(day)).record_all(facts)


def test_what_a_person_did_since_a_merge_counts_at_the_next_one():
    person = at_stage("d").merge(at_stage("l", reached("sales_lead", 1, gaps=True)), at=days(3))
    person = person.record(reached("opportunity", 4)).record(reached("customer", 5))
    other = at_stage("m", reached("opportunity", 1, gaps=True))
    for merged in (person.merge(other, at=days(6)), other.merge(person, at=days(6))):
        assert (merged.stage, merged.status) == ("customer", "won")


def test_a_record_is_ranked_by_all_that_it_knows():
    b = at_stage("b", Identified(at=days(1)))
    a = at_stage("a", Identified(at=days(1)), reached("opportunity", 2))
    c = at_stage("c", stage="name", day=2)
    orders = (b.merge(a, at=days(5)).merge(c, at=days(5)), b.merge(c, at=days(5)).merge(a, at=days(5)))
    assert {one.stage for one in (*orders, a.merge(b, at=days(5)).merge(c, at=days(5)))} == {"opportunity"}


def test_a_record_is_ranked_as_it_stands_at_the_merge():
    deal = at_stage("d", reached("sales_lead", 1, gaps=True))
    planned = Journey.start("l", BOOK, stage="name", at=T).record(reached("customer", 400, gaps=True), now=days(1))
    assert deal.merge(planned, at=days(2), now=days(2)).stage == "sales_lead"
    expired = at_stage("z", reached("sales_lead", 1, gaps=True))
    fresh = at_stage("l", reached("sales_lead", 33, gaps=True), stage="name", day=20)
    assert expired.tick(days(35)).stage == "recycled"
    for merged in (expired.merge(fresh, at=days(35), now=days(35)), fresh.merge(expired, at=days(35), now=days(35))):
        assert merged.stage == "sales_lead"


@pytest.mark.parametrize(("at", "now"), [(2, None), (1, 5), (3, None)])
def test_a_denied_consent_is_denied_whoever_is_merged_into_whom(at, now):
    def consent(name, granted, day):
        return lead(name).record(ConsentChanged(purpose="email", granted=granted, at=days(day)))

    one, two = consent("z", True, 2), consent("a", False, 1)
    for merged in (
        one.merge(two, at=days(at), now=now and days(now)),
        two.merge(one, at=days(at), now=now and days(now)),
    ):
        merged = merged.tick(days(9))  # noqa: PLW2901 - the same person later
        assert [consent.granted for consent in merged.lead.consents] == [False]
        later = merged.record(ConsentChanged(purpose="email", granted=True, at=days(10)))
        assert [consent.granted for consent in later.lead.consents] == [True]
    # What the loser says after the merge is compared as well, once it comes in.
    again = one.merge(lead("a"), at=days(3)).merge(consent("a", False, 1), at=days(4)).tick(days(9))
    assert [consent.granted for consent in again.lead.consents] == [False]


def test_a_key_of_a_lead_that_was_taken_out_is_free():
    loser = Journey.start("l", BOOK, stage="awareness", at=T).record(Identified(at=days(1), key="signup"))
    apart = Journey.start("d", BOOK, stage="awareness", at=T).merge(loser, at=days(2)).unmerge("l", at=days(3))
    own = apart.record(Identified(at=days(4), key="signup"))
    assert (own.lead.identified, own.receipt.status, own.receipt.new) == (True, "stands", True)
    assert own.record(Identified(at=days(5), key="signup")).version == own.version
    assert reread(own) == own
    lost = lead("l").move("disqualify", at=days(1), key="m1", reason="budget")
    apart = lead("d").merge(lost, at=days(2)).unmerge("l", at=days(3))
    assert apart.move("disqualify", at=days(4), key="m1", reason="budget").stage == "disqualified"


def test_a_verb_under_the_key_of_a_move_that_did_nothing_says_so():
    sales = Actor(id="s", roles=("sales",))
    refused = (
        lead("a").record(Moved(trigger="accept", at=days(1), key="k", by=sales)).record(reached("lead", 2, gaps=True))
    )
    with pytest.raises(MoveRefused):
        refused.move("accept", at=days(3), key="k", by=sales)
    moved = lead("b").record(reply(days(1))).move("engage", at=days(1), key="e")
    further = at_stage("f", reached("opportunity", 1, gaps=True))
    with pytest.raises(Malformed, match="moves of the lead that it was merged with stand"):
        further.merge(moved, at=days(2)).move("engage", at=days(3), key="e")
    closed = lead("c").move("disqualify", at=days(1), reason="budget", key="q")
    with pytest.raises(Malformed, match="another fact is already recorded under this key"):
        closed.reopen("budget", at=days(2), key="q")


def test_what_nobody_has_recorded_yet_is_not_what_the_loser_calls_so():
    waiting = lead("d").record(Retracted(target="order-1", at=days(1)))
    waiting = waiting.record(Refunded(amount=Money.of(1, "EUR"), sale="order-2", at=days(1)))
    told = lead("l").record(Sold(at=days(2), key="order-1")).record(Sold(at=days(2), key="order-2"))
    for merged in (waiting.merge(told, at=days(3)), told.merge(waiting, at=days(3))):
        sales = [entry for entry in merged.log if entry.fact.type == "sold"]
        assert "retracted" not in {entry.status for entry in sales}
        [refund] = [fact for fact in merged.facts if fact.type == "refunded"]
        assert refund.sale not in {name for entry in sales for name in (entry.fact.id, entry.fact.key)}


def test_a_merge_is_undone_by_an_unmerge_only():
    merged = lead("d").merge(lead("l"), at=days(1))
    [merge] = [fact for fact in merged.facts if fact.type == "merged"]
    with pytest.raises(Malformed, match="use unmerge"):
        merged.record(Retracted(target=merge.id, at=days(2)))
    called = merged.record(reply(days(2)))
    assert called.record(Retracted(target=called.facts[-1].id, at=days(3))).receipt.status == "stands"


def test_a_tail_of_a_merged_lead_answers_at_its_last_instant_as_the_whole_or_not_at_all():
    whole = lead("a").merge(lead("b").record(reached("sales_lead", 2, gaps=True)), at=days(1), now=days(2))
    tail = Journey.resume_tail(whole.snapshot(tail=True), [], BOOK)
    assert not whole.may("recycle", at=days(2), reason="budget")
    with pytest.raises(NeedsWholeLog):
        tail.may("recycle", at=days(2), reason="budget")
    assert {option.trigger for option in whole.options(at=days(2))} >= {"engage"}
    with pytest.raises(NeedsWholeLog):
        assert tail.record(whole.facts[0]).receipt


def test_many_facts_leave_the_receipt_of_the_last():
    ada = lead("ada").record(reply(days(1), key="k"))
    facts = [reply(days(2), key="new"), reply(days(3), key="k")]
    many, one_by_one = ada.record_all(facts), ada.record(facts[0]).record(facts[1])
    assert (many.receipt, many) == (one_by_one.receipt, one_by_one)
    assert many.receipt.new is False


def test_what_is_no_instant_is_an_error_of_ours_whatever_raises_it():
    class Vague(tzinfo):
        pass

    class Strict(tzinfo):
        def utcoffset(self, _at):
            raise RuntimeError("not now")

    for at in (pd.NaT, datetime(2026, 3, 2, tzinfo=Vague()), datetime(2026, 3, 2, tzinfo=Strict())):
        with pytest.raises(Malformed):
            lead("ada", at=at)


def test_what_a_fact_says_does_not_hang_on_the_decimals_of_its_host():
    sale = Sold(amount=Money.of("1234567.5", "EUR"), at=T)
    said = sale.content()
    with localcontext(prec=4):
        assert Sold(amount=Money.of("1234567.50", "EUR"), at=T).content() == said
        assert str(Money.of("1234567.5", "EUR") + Money.of("0.25", "EUR")) == "1234567.75 EUR"
        assert str(Money.of("1234567.5", "EUR") - Money.of("0.25", "EUR")) == "1234567.25 EUR"
