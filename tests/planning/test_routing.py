"""Routing: fair turns over any split into batches, capacity, skills, territories, hours, and reasons."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlife import FieldSpec, Journey, Lead
from leadlife.criteria import field
from leadlife.errors import InvalidDefinition, Malformed
from leadlife.facts import HandoffAccepted, HandoffOffered, OwnerAssigned
from leadlife.planning.routing import AssignmentMethod, Member, RoutingRule, RoutingState, Team, assignment_loads, route
from leadlife.presets import eight_stage
from leadlife.timing import BusinessHours

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
BOOK = eight_stage().with_fields(land=FieldSpec(), firm=FieldSpec(), size=FieldSpec(type="integer"))


def lead(name="ann", **fields):
    return Journey.start(Lead(id=name, identified=True, fields=fields), BOOK, at=AT, stage="name")


LEAD = lead()


def members_of(assignments):
    return [one.member for one in assignments.made]


@given(
    st.integers(1, 6),
    st.lists(st.integers(0, 7), max_size=8),
    st.sampled_from(list(AssignmentMethod)),
    st.booleans(),
)
def test_equal_members_differ_by_at_most_one_over_any_split_into_batches(size, batches, method, stored):
    team = Team(members=[Member(id=f"m{place}") for place in range(size)], rules=[RoutingRule(name="r", method=method)])
    state, counts = None, dict.fromkeys((member.id for member in team.members), 0)
    together = route([LEAD] * sum(batches), team, at=AT)
    found = []
    for number in batches:
        made = route([LEAD] * number, team, state, at=AT)
        state = RoutingState.model_validate_json(made.state.model_dump_json()) if stored else made.state
        found += members_of(made)
        for one in members_of(made):
            counts[one] += 1
        assert max(counts.values()) - min(counts.values()) <= 1
    assert found == members_of(together)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=5), st.integers(0, 60))
def test_weights_are_kept_over_any_stretch(weights, number):
    team = Team(
        members=[Member(id=f"m{place}", weight=weight) for place, weight in enumerate(weights)],
        rules=[RoutingRule(name="r", method="weighted")],
    )
    found, total = members_of(route([LEAD] * number, team, at=AT)), sum(weights)
    for place, weight in enumerate(weights):
        # In each prefix, each has its share to within one lead and a fraction.
        for end in range(number + 1):
            assert abs(found[:end].count(f"m{place}") - end * weight / total) < 2
    if number >= total:
        assert [found[:total].count(f"m{place}") for place in range(len(weights))] == weights


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=5),
    st.integers(0, 25),
    st.sampled_from(list(AssignmentMethod)),
)
def test_capacity_is_never_exceeded_and_who_waits_has_a_reason(capacities, number, method):
    team = Team(
        members=[Member(id=f"m{place}", capacity=most) for place, most in enumerate(capacities)],
        rules=[RoutingRule(name="r", method=method, queue="desk")],
    )
    made = route([LEAD] * number, team, at=AT)
    for place, most in enumerate(capacities):
        assert members_of(made).count(f"m{place}") <= most
    assert len(made.waiting) == max(0, number - sum(capacities))
    for one in made.waiting:
        assert (one.queue, one.why) == ("desk", "nobody may take it")
        assert {skipped.member for skipped in one.skipped} == {f"m{place}" for place in range(len(capacities))}


def test_the_first_rule_that_is_true_decides_and_skills_territories_and_hours_count():
    office = BusinessHours.weekdays("09:00-17:00", zone="UTC")
    team = Team(
        members=[
            Member(id="ann", skills="large", territories=["de"]),
            Member(id="bob", skills="large", territories=["fr"], hours=office),
            Member(id="cy"),
        ],
        rules=[RoutingRule(name="large", when=field("size") >= 100, skills="large"), RoutingRule(name="rest")],
        territory_field="land",
    )
    [large] = route([lead(size=500, land="fr")], team, at=AT).made
    assert (large.member, large.rule) == ("bob", "large")
    assert str(large) == "ann to bob: was assigned a lead least recently; not ann: does not cover fr"
    [night] = route([lead(size=500, land="fr")], team, at=AT + timedelta(hours=12)).made
    assert (night.member, night.queue, night.skipped[1].why) == (None, "large", "does not work at this hour")
    [small] = route([lead(size=5, land="es")], team, at=AT).made
    assert (small.member, [one.member for one in small.skipped]) == ("cy", ["ann", "bob"])


def test_the_owner_of_an_account_gets_its_leads_first():
    team = Team(members=[Member(id="ann"), Member(id="bob", capacity=2)], account_field="firm")
    state = RoutingState().by_hand("bob", account="acme")
    made = route([lead(firm="acme"), lead(firm="acme"), lead(firm="other")], team, state, at=AT)
    assert members_of(made) == ["bob", "ann", "ann"]  # then bob has as many as he can
    assert made.made[0].why == "owns the account acme"
    assert dict(made.state.owners) == {"acme": "bob", "other": "ann"}


def test_what_was_assigned_by_hand_counts_as_a_turn():
    team = Team(members=[Member(id="ann"), Member(id="bob")])
    state = RoutingState().by_hand("ann")
    assert members_of(route([LEAD], team, state, at=AT)) == ["bob"]
    assert state.closed("ann").loads["ann"] == 0
    with pytest.raises(Malformed, match="only 0 open leads"):
        state.closed("bob")


def test_a_lead_of_no_rule_waits_with_a_reason():
    team = Team(members=[Member(id="ann")], rules=[RoutingRule(name="large", when=field("size") >= 100)])
    [one] = route([lead(size=5)], team, at=AT).waiting
    assert str(one) == "ann to the queue no rule: no rule is for this lead"
    skilled = Team(members=[Member(id="ann")], rules=[RoutingRule(name="r", skills="x")])
    assert route([LEAD], skilled, at=AT).made[0].why == "nobody has the skills"


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda: Member(id="ann", capacity=-1), "at least 0"),
        (lambda: Member(id="ann", weight=0), "at least 1"),
        (lambda: Team(members=[Member(id="ann"), Member(id="ann")]), "declared twice"),
        (lambda: Team(members=[Member(id="ann")], rules=[RoutingRule(name="r", members="anne")]), "did you mean"),
    ],
)
def test_a_team_that_cannot_be_is_an_error(broken, message):
    with pytest.raises(InvalidDefinition, match=message):
        broken()


def test_a_rule_that_asks_for_what_is_not_declared_is_an_error():
    team = Team(members=[Member(id="ann")], rules=[RoutingRule(name="r", when=field("seize") >= 1)])
    with pytest.raises(InvalidDefinition, match="size"):
        route([LEAD], team, at=AT)


def test_loads_are_counted_from_the_journeys():
    owned = LEAD.record(OwnerAssigned(owner="ann", at=AT))
    given = lead("bob").record(HandoffOffered(to="cy", at=AT)).record(HandoffAccepted(at=AT))
    lost = owned.move("disqualify", at=AT, reason="duplicate")
    assert assignment_loads([owned, given, lost, LEAD]) == {"ann": 1, "cy": 1}
