"""A journey knows what it goes on from, when time alone concludes something, and how to lose what is personal."""

from datetime import timedelta

import pytest

from leadlife import EvidenceGiven, Journey, Malformed
from leadlife.errors import NeedsWholeLog
from leadlife.journey import queries
from leadlife.presets import eight_stage
from stores.worlds import T, book, call, days, hours


def started():
    return Journey.start("ada", book(), at=T, stage="name")


def test_a_later_version_goes_on_from_an_earlier_one():
    first = started()
    second = first.record(call(hours(1)))
    assert second.goes_on_from(first)
    assert second.goes_on_from(second)
    assert not first.goes_on_from(second)
    assert Journey.replay(second.facts, book()).goes_on_from(first)
    assert not first.record(call(hours(2))).record(call(hours(3))).goes_on_from(second)
    assert not Journey.start("bob", book(), at=T, stage="name").goes_on_from(first)
    for other in (second.as_of(at=T), second.under(eight_stage())):
        assert not other.goes_on_from(first)
    with pytest.raises(Malformed, match="must be a Journey"):
        second.goes_on_from("ada")


def test_a_tail_goes_on_from_the_whole_and_back():
    whole = started().record(call(hours(1))).record(EvidenceGiven(name="fit", at=days(5)), now=hours(2))
    tail = Journey.resume_tail(whole.snapshot(tail=True), [], book())
    assert tail.is_tail
    assert not whole.is_tail
    grown = tail.record(call(hours(3)))
    assert tail.goes_on_from(whole)
    assert whole.goes_on_from(tail)
    assert grown.goes_on_from(whole)
    assert [fact.at for fact in grown.facts_since(whole)] == [hours(3)]


def test_time_concludes_when_a_limit_comes_due():
    assert Journey("ada", book()).due_at is None
    journey = started().record(call(hours(1)))
    planned = journey.record(EvidenceGiven(name="mql", at=days(2)), now=hours(2))
    assert planned.due_at.at == days(2)
    assert "planned fact" in str(planned.due_at)


def test_reviews_that_conclude_nothing_are_passed_over(monkeypatch):
    journey = started().record(call(T)).record(call(T))
    due = journey.due_at
    assert journey.tick(due.at).facts_since(journey)
    assert not journey.tick(due.at - timedelta(microseconds=1)).facts_since(journey)
    monkeypatch.setattr(queries, "MOST_REVIEWS", 1)
    assert journey.due_at.at <= due.at


def test_a_redacted_journey_stands_where_it_stood():
    journey = started().record(EvidenceGiven(name="fit", at=hours(1), note="secret"))
    bare = [fact.model_copy(update={"note": None}) if hasattr(fact, "note") else fact for fact in journey.facts]
    redacted = journey.redacted(bare)
    assert redacted.visits == journey.visits
    assert redacted.facts[-1].note is None
    assert Journey.resume(redacted.snapshot(), redacted.facts, book()) == redacted
    with pytest.raises(Malformed, match="not the facts of the journey"):
        journey.redacted(bare[:-1])
    with pytest.raises(Malformed, match="must hold Facts only"):
        journey.redacted(["fact"])
    with pytest.raises(NeedsWholeLog):
        Journey.resume_tail(journey.snapshot(tail=True), [], book()).redacted(bare)


def test_what_is_new_is_the_same_however_it_is_found():
    """A journey that was ticked shares no history with one that was not, so its conclusions are compared one by one."""
    first = started().record(EvidenceGiven(name="mql", at=hours(1)))
    grown = first.record(call(hours(2)))
    apart = Journey.replay(grown.facts, book())
    assert apart.facts_since(first) == grown.facts_since(first)
    assert apart.withdrawn_since(first) == grown.withdrawn_since(first) == ()
    late = grown.record(EvidenceGiven(name="mql", value=False, at=hours(1) + timedelta(minutes=1)))
    assert [fact.type for fact in late.facts_since(grown) if fact.caused_by] == ["unqualified"]


def test_what_is_new_beside_another_branch():
    """Two versions that grew apart: what the other one does not have is new."""
    first = started()
    one, two = first.record(call(hours(1))), first.record(call(hours(2)))
    assert [fact.at for fact in two.facts_since(one)] == [hours(2)]
    tail = Journey.resume_tail(one.snapshot(tail=True), [], book())
    assert [fact.at for fact in two.facts_since(tail)] == [hours(2)]
