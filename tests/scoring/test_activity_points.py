"""The sum alone and the ledger are one number, whatever form a rule has."""

from datetime import UTC, datetime, timedelta
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from leadlife import Activity, Lead, elapsed
from leadlife.scoring import ActivityRule, Points
from leadlife.scoring.view import LeadView

T = datetime(2026, 3, 2, 9, tzinfo=UTC)
KINDS = ("call", "form", "page_view")
ADA = Lead(id="ada")

RULES = [
    ActivityRule(
        name="rule",
        kinds=kinds,
        points=points,
        half_life=half_life,
        at_most=at_most,
        at_most_per_day=per_day,
        once_per=once_per,
        where=where,
    )
    for kinds, points, half_life, at_most, per_day, once_per, where in product(
        (["call"], ["form", "page_view"], list(KINDS)),
        (-2.5, 10),
        (None, elapsed(hours=6), elapsed(days=9)),
        (None, 1, 3),
        (None, 1),
        (None, "page"),
        ({}, {"page": "/a"}),
    )
]
"""Every form that a rule without steps and windows can have."""

lives = st.lists(
    st.builds(
        Activity,
        kind=st.sampled_from(KINDS),
        at=st.integers(0, 30 * 24).map(lambda hours: T - timedelta(hours=hours)),
        attributes=st.sampled_from([{}, {"page": "/a"}, {"page": "/b"}]),
    ),
    max_size=12,
)


def both(rule, life):
    policy = Points(name="one", rules=[rule])
    return [policy._engine.tally(LeadView(ADA, life, T), lines=lines) for lines in (False, True)]


@given(lives)
def test_the_sum_alone_is_the_sum_of_the_ledger(life):
    for rule in RULES:
        alone, ledger = both(rule, life)
        assert alone.total == ledger.total == sum(line.micropoints for line in ledger.lines)


@given(lives)
def test_what_fades_is_the_same_with_and_without_lines_unless_a_cap_stops_the_walk(life):
    for rule in RULES:
        alone, ledger = both(rule, life)
        assert alone.half_life == ledger.half_life
        if rule.at_most is None or len(life) <= rule.at_most:
            assert (alone.fading, alone.rounding) == (ledger.fading, ledger.rounding)
        else:
            assert abs(alone.total) <= alone.fading <= ledger.fading or not rule.half_life
            assert alone.rounding <= ledger.rounding


def test_a_cap_over_several_kinds_keeps_the_newest_of_all():
    rule = ActivityRule(name="two", kinds=["call", "form"], points=8, half_life=elapsed(days=1), at_most=2)
    life = [Activity(kind=kind, at=T - timedelta(days=age)) for kind, age in (("call", 0), ("form", 1), ("call", 2))]
    alone, ledger = both(rule, life)
    assert alone.total == ledger.total == 12_000_000
    assert alone.rounding == 3  # two of one kind and one of the other were looked at
