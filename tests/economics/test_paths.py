"""The channels of each cycle, its own source, and the lift over a holdout."""

from __future__ import annotations

from decimal import Decimal

import pytest

from leadlife import ActivityRecorded, EvidenceGiven, Moved, Sold, Source
from leadlife.economics import ChannelPath, attribute, channel_paths, holdout_lift
from leadlife.errors import CurrencyMismatch, Malformed
from leadlife.facts import Refunded, TouchSent
from leadlife.money import Money
from leadlife.planning import in_holdout
from leadlife.playbook.contact_rules import Channel
from leadlife.presets import eight_stage, eight_stage_nurture
from reference.money_leads import DAY, SALES, T0, Made, eur

NOW = T0 + 400 * DAY
NURTURED = eight_stage_nurture()
BOOK = eight_stage().replace(channels={"email": Channel(), "phone": Channel()})


def nurtured(name="a", **more):
    return Made(name, book=BOOK, **more)


def paths_of(*made, **more):
    return channel_paths([one.journey for one in made], as_of=NOW, **more)


def test_the_path_of_a_cycle_is_its_source_its_touches_and_its_activities():
    lead = nurtured(source="ads").add(TouchSent, 2, channel="email")
    lead.add(ActivityRecorded, 3, kind="webinar").add(ActivityRecorded, 4, kind="form", source=Source(channel="search"))
    lead.add(TouchSent, 5, channel="phone", operational=True)
    lead.won(10, "80.00").add(TouchSent, 10, channel="email").add(Refunded, 20, amount=eur(30))
    path = ChannelPath(("ads", "email", "search"), True, (10.0, 8.0, 6.0), Decimal(50))
    assert paths_of(lead) == ((path,), 0, "EUR")
    with_kinds = paths_of(lead, kinds={"webinar": "events"})
    assert with_kinds.paths[0].channels == ("ads", "email", "events", "search")


def test_touches_between_two_cycles_belong_to_the_second_and_each_sale_counts_by_its_own_source():
    lead = nurtured(source="ads").won(10, "80.00").add(TouchSent, 40, channel="email")
    lead.add(EvidenceGiven, 60, name="need", by=SALES)
    lead.add(Moved, 60, trigger="rebuy", by=SALES, source=Source(channel="referral"))
    lead.add(Sold, 61, amount=eur(20), by=SALES)
    first, second = paths_of(lead).paths
    assert (first.channels, first.value) == (("ads",), 80)
    assert (second.channels, second.won, second.value) == (("email", "referral"), True, 20)
    assert attribute([first, second], "last").share("referral") == 0.5


def test_recycled_and_lost_cycles_are_not_won_and_running_ones_count_neither_way():
    recycled = nurtured("a").opportunity(5).recycled(6)
    lost, running = nurtured("b", source=None).lost(8), nurtured("c")
    found = paths_of(recycled, lost, running)
    assert [(path.channels, path.won) for path in found.paths] == [(("ads",), False), ((), False)]
    assert found.running == 1


def test_money_after_a_new_cycle_began_belongs_to_that_one():
    lead = nurtured().won(10, "80.00").add(EvidenceGiven, 60, name="need", by=SALES)
    lead.add(Moved, 60, trigger="rebuy", by=SALES).add(Refunded, 70, amount=eur(30))
    found = channel_paths([lead.journey], as_of=T0 + 71 * DAY)
    assert ([path.value for path in found.paths], found.running) == ([80], 1)


def test_a_win_straight_from_recycling_has_a_path_of_its_own():
    import leadlife

    life = BOOK.lifecycle.with_transitions(
        leadlife.Transition(trigger="win_at_once", sources="recycled", target="customer", kind="forward")
    )
    lead = Made("a", book=BOOK.with_lifecycle(life)).opportunity(5).recycled(6).add(TouchSent, 20, channel="email")
    lead.add(Moved, 50, trigger="win_at_once").add(Sold, 50, amount=eur(9))
    assert [(path.channels, path.won, path.value) for path in paths_of(lead).paths] == [
        (("ads",), False, 0),
        (("email",), True, 9),
    ]


def test_what_comes_later_changes_nothing():
    lead = nurtured().won(10, "80.00").add(Refunded, 20, amount=eur(30))
    assert channel_paths([lead.journey], as_of=T0 + 15 * DAY).paths[0].value == 80


def test_the_lift_compares_with_those_who_were_held_out_by_chance():
    (programme, *others) = NURTURED.programmes
    book = NURTURED.replace(programmes=[programme.replace(holdout=0.5), *others])
    several = [Made(f"lead-{number}", book=book) for number in range(40)]
    held = [one for one in several if in_holdout(book.programmes[0], one.journey.lead_id)]
    for one in several:
        if one not in held:
            one.won(20)
    held[0].won(20)
    found = holdout_lift([one.journey for one in several], "early to mid", as_of=NOW)
    assert (found.held, found.held_won) == (len(held), 1)
    assert (found.treated, found.treated_won) == (40 - len(held),) * 2
    assert found.difference == 1 - 1 / len(held)
    assert 0 < found.low < found.difference < found.high <= 1
    assert str(found).startswith(
        f"{found.treated} of {found.treated} won with early to mid, 1 of {found.held} held out: +"
    )
    nobody = holdout_lift([one.journey for one in several], "keep warm", as_of=T0)
    assert str(nobody) == "0 of 0 won with keep warm, 0 of 0 held out: nothing to compare"


@pytest.mark.parametrize(
    ("ask", "error"),
    [
        (lambda: channel_paths(["a"], as_of=NOW), Malformed),
        (lambda: channel_paths([], as_of=NOW, kinds=["a"]), Malformed),
        (lambda: channel_paths([], as_of="now"), Malformed),
        (lambda: holdout_lift(["a"], "x", as_of=NOW), Malformed),
        (
            lambda: paths_of(nurtured("a").won(1), nurtured("b").add(Sold, 2, amount=Money.of(1, "USD"))),
            CurrencyMismatch,
        ),
    ],
)
def test_bad_input_gets_a_clear_error(ask, error):
    with pytest.raises(error):
        ask()
