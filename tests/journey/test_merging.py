"""Two leads are one person: what each was told unites, and it does not matter who is merged into whom."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlife import (
    ActivityRecorded,
    ConsentChanged,
    EvidenceGiven,
    FieldChanged,
    Identified,
    Journey,
    Lifecycle,
    Malformed,
    Moved,
    Playbook,
    Retracted,
    Sold,
    Source,
    Stage,
    Started,
    Transition,
    load_fact,
)
from leadlife.errors import NeedsWholeLog
from leadlife.facts import Merged, TouchSent
from leadlife.journey.records import FactStatus
from leadlife.presets import eight_stage, ibm
from stores.worlds import MARKETING, SALES, T, book, call, days, hours


def lead(name, stage="name", at=T, **more):
    return Journey.start(name, book(), at=at, stage=stage, **more)


def known():
    """A lead that sales works on."""
    journey = lead("known", at=days(5)).record(ActivityRecorded(kind="reply", at=days(5)))
    journey = journey.move("engage", at=days(5), by=MARKETING)
    for name in ("fit", "mql"):
        journey = journey.record(EvidenceGiven(name=name, at=days(6)))
    return journey.move("fit", at=days(6)).move("qualify", at=days(7)).move("accept", at=days(8), by=SALES)


def anonymous():
    """What a cookie saw before anybody gave a name."""
    journey = lead("cookie 7", "awareness", source=Source(channel="paid_search"))
    for day in range(4):
        journey = journey.record(ActivityRecorded(kind="page_view", at=days(day)))
    return journey


def person(journey):
    """Return what a person comes to, whatever the ids."""
    at = max(journey.at, days(40))
    journey = journey.tick(at)
    return (
        journey.stage,
        [(one.stage, one.entered, one.left, one.cycle) for one in journey.visits],
        [(one.opened, one.outcome, one.source) for one in journey.cycles],
        dict(journey.fields),
        {name: one.value for name, one in journey.evidence.items()},
        sorted(journey.qualifications),
        {one.purpose: one.granted for one in journey.lead.consents},
        journey.score("calls", at=at).value,
        journey.score("research", at=at).value,
        sorted((one.type, one.at) for one in journey.standing if not of_the_merge(one)),
    )


def of_the_merge(fact):
    """Return whether the merge itself made a fact."""
    return fact.type in ("merged", "unmerged") or "stricter" in (getattr(fact, "basis", None) or "")


def test_an_anonymous_lead_becomes_known():
    merged = known().merge(anonymous(), at=days(9), by="web", now=days(9))
    assert merged.stage == "sales_lead"
    assert [(one.stage, one.entered) for one in merged.visits][:2] == [("awareness", T), ("name", days(5))]
    assert merged.source.channel == "paid_search"  # the earlier start stands
    assert sum(fact.type == "activity" for fact in merged.facts) == 5
    assert "where the lead stood that this one was merged with" in str(merged.explain())
    assert person(merged) == person(anonymous().merge(known(), at=days(9), now=days(9)))


def test_the_moves_of_the_record_that_is_less_far_are_kept_and_marked():
    double = lead("double", at=days(1)).move("disqualify", reason="duplicate", at=days(6), by=SALES)
    for merged in (known().merge(double, at=days(9)), double.merge(known(), at=days(9))):
        assert merged.stage == "sales_lead"
        marked = [one for one in merged.log if one.status is FactStatus.MERGED]
        assert [one.fact.trigger for one in marked if isinstance(one.fact, Moved)] == ["disqualify"]


def test_an_adoption_of_both_stands():
    one = known().move("recycle", reason="no decision", at=days(9), by=SALES).adopt(book("2"), at=days(10))
    two = anonymous().adopt(book("2"), at=days(10))
    for merged in (one.merge(two, at=days(11)), two.merge(one, at=days(11))):
        assert (merged.stage, merged.playbook.version) == ("recycled", "2")


def test_a_visitor_who_turns_out_to_be_a_closed_lead_is_closed():
    closed = lead("closed", at=days(1)).move("disqualify", reason="poor fit", at=days(2), by=SALES)
    for merged in (closed.merge(anonymous(), at=days(9)), anonymous().merge(closed, at=days(9))):
        assert merged.stage == "disqualified"


def test_what_both_were_told_counts_once():
    one = lead("one").record(call(hours(1), key="call 1")).record(call(hours(2))).record(call(hours(2)))
    two = lead("two").record(call(hours(9), key="call 1")).record(call(hours(2)))
    merged = one.merge(two, at=days(1))
    calls = [fact.at for fact in merged.standing if fact.type == "activity"]
    assert calls == [hours(1), hours(2), hours(2)]
    # Of two instants under one key, that of the lead stands into which the other was merged; all else is the same.
    assert person(merged)[:7] == person(two.merge(one, at=days(1)))[:7]
    # Another fact under a key of its own lead is another fact.
    three = lead("three").record(FieldChanged(name="size", value=7, at=hours(3), key="call 1"))
    assert one.merge(three, at=days(1)).fields["size"] == 7
    assert not any(entry.status is FactStatus.CONFLICTING for entry in one.merge(three, at=days(1)).log)


def test_a_retraction_by_a_key_means_the_fact_of_its_own_lead():
    one = lead("one").record(call(hours(1), key="k"))
    two = (
        lead("two")
        .record(FieldChanged(name="size", value=7, at=hours(2), key="k"))
        .record(Retracted(target="k", at=hours(3)))
    )
    merged = one.merge(two, at=days(1))
    assert "size" not in merged.fields
    assert sum(fact.type == "activity" for fact in merged.standing) == 1


def test_what_did_nothing_before_the_merge_does_nothing_after_it():
    """A second fact under a key of the loser, and a retraction whose target is not there."""
    one = lead("one").record(call(hours(1), key="k"))
    second = FieldChanged(name="size", value=8, at=hours(3), key="free")
    two = lead("two").record(FieldChanged(name="size", value=7, at=hours(2), key="free")).record(second)
    assert (two.fields["size"], one.merge(two, at=days(1)).fields["size"]) == (7, 7)
    # Both may know the same second fact: it is one, and does nothing.
    also = lead("also").record(FieldChanged(name="size", value=7, at=hours(2), key="free")).record(second)
    both = two.merge(also, at=days(1))
    assert [fact.content() for fact in both.facts].count(second.content()) == 1
    assert Journey.replay(both.facts, book()) == both
    ahead = lead("two").record(Retracted(target="k", at=hours(2)))
    assert sum(fact.type == "activity" for fact in one.merge(ahead, at=days(1)).standing) == 1
    # What it was recorded for in advance is taken out, under whatever key it comes.
    ahead = ahead.record(FieldChanged(name="size", value=7, at=hours(3), key="k"))
    merged = one.merge(ahead, at=days(1))
    assert ("size" in merged.fields, sum(fact.type == "activity" for fact in merged.standing)) == (False, 1)
    # What one lead took back and the other one says is said; whoever is merged into whom.
    back = lead("back").record(call(hours(1), key="k"))
    back = back.record(Retracted(target="k", at=hours(4)))
    for both in (one.merge(back, at=days(1)), back.merge(one, at=days(1))):
        assert sum(fact.type == "activity" for fact in both.standing) == 1
    # Merged again after one more fact, a key means what it meant the first time.
    again = one.merge(two, at=days(1)).merge(two.record(call(hours(5), key="free")), at=days(2))
    assert again.fields["size"] == 7
    assert sum(entry.status is FactStatus.CONFLICTING for entry in again.log) == 2


def test_the_stricter_consent_wins_until_a_later_one():
    one = lead("one").record(ConsentChanged(purpose="marketing", granted=True, at=hours(5)))
    two = lead("two").record(ConsentChanged(purpose="marketing", granted=False, at=hours(1)))
    two = two.record(ConsentChanged(purpose="phone", granted=True, at=hours(1)))

    def consents(journey):
        return {each.purpose: each.granted for each in journey.lead.consents}

    for merged in (one.merge(two, at=days(1)), two.merge(one, at=days(1))):
        assert consents(merged) == {"marketing": False, "phone": True}
    again = one.merge(two, at=days(1)).record(ConsentChanged(purpose="marketing", granted=True, at=days(2)))
    assert consents(again)["marketing"]
    assert consents(one.merge(two, at=days(1)).unmerge("two", at=days(2))) == {"marketing": True}


def test_touches_run_over_the_person():
    touch = TouchSent(channel="email", message="hello", at=hours(1))
    merged = lead("one").record(touch).merge(lead("two").record(touch.replace(at=hours(2))), at=days(1))
    assert len(list(merged.contact_state(at=days(1)).touches())) == 2


def test_a_sale_of_either_record_is_one_of_the_person():
    seller = lead("seller", "awareness").record(Identified(at=hours(1)))
    buyer = known().record(EvidenceGiven(name="sql", at=days(9))).move("open", at=days(9), by=SALES)
    bought = buyer.merge(seller.record(Sold(at=days(10))), at=days(11))
    assert bought.stage == "customer"


def test_it_is_undone_as_a_whole():
    before = known()
    after = before.merge(anonymous(), at=days(9)).unmerge("cookie 7", at=days(10))
    assert person(after) == person(before)
    assert {one.status for one in after.log if one.fact.merged_from} == {FactStatus.UNMERGED}
    again = after.merge(anonymous(), at=days(11))
    assert person(again) == person(before.merge(anonymous(), at=days(9)))
    with pytest.raises(Malformed, match="not merged into"):
        before.unmerge("cookie 7", at=days(10))


def test_what_comes_later_belongs_to_the_person():
    merged = anonymous().merge(known(), at=days(9)).record(EvidenceGiven(name="sql", at=days(10)))
    moved = merged.move("open", at=days(10), by=SALES)
    assert moved.stage == "opportunity"
    # The other record learned more meanwhile; merging again adds just that.
    later = known().record(FieldChanged(name="size", value=9, at=days(12)))
    more = moved.merge(later, at=days(13), now=days(13))
    assert (more.stage, more.fields["size"]) == ("opportunity", 9)
    assert more.version == moved.version + 1
    assert more.merge(later, at=days(14)).version == more.version


def test_what_was_known_before_the_merge_is_still_known_so():
    merged = known().merge(anonymous(), at=days(9), now=days(20))
    before = merged.as_of(at=days(30), recorded_at=days(19))
    assert [one.stage for one in before.visits] == [one.stage for one in known().visits]
    assert merged.as_of(at=days(2)).stage == "awareness"


def test_three_records_come_to_the_same_in_whatever_order():
    third = lead("third", at=days(3)).record(ConsentChanged(purpose="marketing", granted=True, at=days(3)))
    one, two = known(), anonymous()
    left = one.merge(two, at=days(9)).merge(third, at=days(9))
    right = one.merge(two.merge(third, at=days(9)), at=days(9))
    other = third.merge(one.merge(two, at=days(9)), at=days(9))
    assert person(left) == person(right) == person(other)
    assert person(right.unmerge("cookie 7", at=days(10))) == person(one)


def test_a_merged_journey_is_replayed_saved_and_resumed():
    merged = known().merge(anonymous(), at=days(9))
    assert Journey.replay(merged.facts, book()) == merged
    assert Journey.resume(merged.snapshot(), merged.facts, book()) == merged
    tail = Journey.resume_tail(merged.snapshot(tail=True), [], book())
    assert tail.record(call(days(10))).stage == merged.stage
    for ask in (lambda: tail.unmerge("cookie 7", at=days(10)), lambda: known().merge(tail, at=days(10))):
        with pytest.raises(NeedsWholeLog):
            ask()
    unmerged = merged.unmerge("cookie 7", at=days(10))
    with pytest.raises(NeedsWholeLog):
        Journey.resume_tail(merged.snapshot(tail=True), unmerged.facts[len(merged.facts) :], book())


def test_what_cannot_be_merged():
    merged = known().merge(anonymous(), at=days(9))
    for other, message in (
        (known(), "circle"),
        (lead("x", pipeline="renewals"), "one pipeline"),
        (Journey("nobody", book()), "no fact"),
        (lead("y").under(eight_stage()), "under another playbook"),
    ):
        with pytest.raises(Malformed, match=message):
            known().merge(other, at=days(9))
    with pytest.raises(Malformed, match="circle"):
        anonymous().merge(merged, at=days(9))
    with pytest.raises(Malformed, match="circle"):
        merged.merge(lead("z").merge(anonymous(), at=days(9)), at=days(9))
    with pytest.raises(Malformed, match="must be a Journey"):
        merged.merge("z", at=days(9))
    with pytest.raises(Malformed, match="merged as a whole"):
        known().record(Merged(loser="x", moves_of="x", at=days(9)))
    with pytest.raises(Malformed, match="merged as a whole"):
        known().record(merged.facts[-1])


def test_two_records_under_different_playbooks():
    """The one that is further along brings its playbook with it."""
    other = Journey.start("other", ibm(), at=days(1), stage="lead")
    merged = other.merge(known(), at=days(9))
    assert (merged.stage, merged.playbook.id) == ("sales_lead", "eight_stage")
    assert [one.stage for one in merged.visits] == ["lead", "sales_lead"]  # never back from where the person stood


def test_a_record_that_never_began():
    facts = Journey("notes", book()).record(FieldChanged(name="size", value=3, at=hours(1)))
    for merged in (known().merge(facts, at=days(9)), facts.merge(known(), at=days(9))):
        assert (merged.stage, merged.fields["size"]) == ("sales_lead", 3)
    never = Journey("never", book()).record(call(hours(1)))
    assert facts.merge(never, at=days(9)).stage is None


def test_a_start_that_was_refused_is_none():
    """The earlier record never began, because its playbook lets nobody begin there; the other one's start begins it."""
    refused = Journey("refused", book()).record(Started(stage="opportunity", playbook=book().ref, at=T))
    assert refused.stage is None
    for merged in (refused.merge(known(), at=days(9)), known().merge(refused, at=days(9))):
        assert merged.stage == "sales_lead"


def test_a_playbook_with_rules_takes_over_from_one_without():
    stages = [Stage(id="first"), Stage(id="second")]
    moves = [Transition(trigger="go", sources="first", target="second")]
    plain = Playbook(id="plain", version="1", lifecycle=Lifecycle(stages=stages, transitions=moves))
    merged = Journey.start("old", plain, at=T).merge(known(), at=days(9))
    assert (merged.stage, merged.playbook.id) == ("sales_lead", "eight_stage")
    assert merged.qualifications.keys() == known().qualifications.keys()


# ---------------------------------------------------------------- laws

_DRAFTS = st.lists(
    st.tuples(
        st.sampled_from(
            (
                "call",
                "reply",
                "page_view",
                "fit",
                "mql",
                "sql",
                "deny",
                "allow",
                "size",
                "identified",
                "sold",
                "engage",
                "qualify",
                "lost",
                "accept",
                "retract",
            )
        ),
        st.integers(1, 200),
    ),
    max_size=10,
)


def grown(name, start, drafts, *, keys=0):
    """Return a lead to whom so much happened; under keys of its host, if there are to be so many."""
    journey = lead(name, ("awareness", "name")[start % 2], at=hours(start))
    for what, hour in sorted(drafts, key=lambda one: one[1]):
        if what == "retract":
            last = journey.facts[-1]
            if last.type != "started":
                journey = journey.record(Retracted(target=last.id, at=hours(start + hour)))
            continue
        fact = drafted(what, hours(start + hour), hour)
        journey = journey.record(fact.replace(key=f"{hour % keys}") if keys and hour % 2 else fact)
    return journey


def drafted(what, at, hour):
    if what in ("call", "reply", "page_view"):
        return ActivityRecorded(kind=what, at=at)
    if what in ("fit", "mql", "sql"):
        return EvidenceGiven(name=what, at=at, value=hour % 5 > 0)
    if what in ("deny", "allow"):
        return ConsentChanged(purpose="marketing", granted=what == "allow", at=at)
    if what == "size":
        return FieldChanged(name="size", value=hour, at=at)
    if what == "identified":
        return Identified(at=at)
    if what == "sold":
        return Sold(at=at)
    trigger = {"lost": "disqualify"}.get(what, what)
    return Moved(trigger=trigger, at=at, by=SALES, reason="poor fit" if what == "lost" else None)


@given(_DRAFTS, _DRAFTS)
def test_it_does_not_matter_who_is_merged_into_whom(mine, theirs):
    one, two = grown("one", 0, mine), grown("two", 3, theirs)
    at = hours(500)
    assert person(one.merge(two, at=at)) == person(two.merge(one, at=at))


@given(_DRAFTS, _DRAFTS, _DRAFTS)
def test_it_does_not_matter_in_which_order_three_are_merged(first, second, third):
    one, two, three = grown("one", 0, first), grown("two", 3, second), grown("three", 5, third)
    at = hours(500)
    left = one.merge(two, at=at).merge(three, at=at)
    right = one.merge(two.merge(three, at=at), at=at)
    assert person(left) == person(right)


@given(_DRAFTS, _DRAFTS, st.sampled_from((1, 3, 150)))
def test_leads_whose_host_gave_them_the_same_keys(mine, theirs, keys):
    one, two = grown("one" * 100, 0, mine, keys=keys), grown("two" * 100, 3, theirs, keys=keys)
    merged = one.merge(two, at=hours(500))
    assert Journey.replay([load_fact(fact.dump()) for fact in merged.facts], book()) == merged
    assert person(merged.unmerge("two" * 100, at=hours(502))) == person(one)
    # What came second under its key still does nothing.
    second = {entry.fact.id for each in (one, two) for entry in each.log if entry.status is FactStatus.CONFLICTING}
    assert not second & {fact.id for fact in merged.standing}


_ONE_KEY_ONE_EVENT = _DRAFTS.map(lambda drafts: [(what, hour % 12 + 1) for what, hour in drafts])


@given(_ONE_KEY_ONE_EVENT, _ONE_KEY_ONE_EVENT, _ONE_KEY_ONE_EVENT)
def test_it_does_not_matter_how_leads_of_one_host_are_merged(first, second, third):
    """Under one key both say the same of one instant, as two systems do that were fed by one."""

    def fed(name, start, drafts):
        journey = lead(name, "name", at=hours(start))
        for what, hour in sorted(drafts, key=lambda one: one[1]):
            last = journey.facts[-1]
            if what == "retract" and last.type != "started":
                journey = journey.record(Retracted(target=last.key if hour % 2 else last.id, at=hours(10 + hour)))
            elif what != "retract":
                fact = drafted(what, hours(10 + hour), hour)
                journey = journey.record(fact.replace(key=f"{what} {hour}") if hour % 3 else fact)
        return journey

    one, two, three, at = fed("one", 0, first), fed("two", 3, second), fed("three", 5, third), hours(500)
    assert person(one.merge(two, at=at)) == person(two.merge(one, at=at))
    whole = one.merge(two, at=at).merge(three, at=at)
    assert person(whole) == person(one.merge(two.merge(three, at=at), at=at))
    assert Journey.replay([load_fact(fact.dump()) for fact in whole.facts], book()) == whole


@given(_DRAFTS, _DRAFTS)
def test_merging_again_changes_nothing_and_unmerging_undoes_it(mine, theirs):
    one, two = grown("one", 0, mine), grown("two", 3, theirs)
    merged = one.merge(two, at=hours(500))
    assert merged.merge(two, at=hours(501)).version == merged.version
    assert person(merged.unmerge("two", at=hours(502))) == person(one)
    assert Journey.replay(merged.facts, book()) == merged
    assert timedelta(0) <= merged.at - hours(0)
