"""A customer who leaves: the sale stays won, the time as a customer ends, and a win-back is a new cycle."""

from datetime import UTC, datetime, timedelta

import pytest

from leadlife import (
    EvidenceGiven,
    Journey,
    Lifecycle,
    Moved,
    Playbook,
    Retracted,
    Sold,
    Stage,
    StageReached,
    Transition,
)
from leadlife.analytics import funnel
from leadlife.criteria import evidence, field
from leadlife.errors import InvalidDefinition, MoveRefused
from leadlife.lifecycle import EntryStage, Route, StageStatus

T0 = datetime(2026, 1, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
STAGES = (
    Stage(id="mql"),
    Stage(id="customer", status="won"),
    Stage(id="former", status="churned"),
    Stage(id="lost", status="lost"),
    Stage(id="cold", status="recycled"),
)
MOVES = (
    Transition(trigger="win", sources="mql", target="customer", on="sold"),
    Transition(trigger="lose", sources="mql", target="lost"),
    Transition(trigger="undo", sources="customer", kind="reopen"),
    Transition(trigger="rest", sources=("mql", "lost"), target="cold"),
    Transition(trigger="buy", sources="cold", target="customer"),
    Transition(trigger="churn", sources="customer", target="former"),
    Transition(trigger="win_back", sources="former", target="mql", guard=evidence("need")),
    Transition(trigger="renew", sources="former", target="customer", kind="repeat"),
)
BOOK = Playbook(id="p", lifecycle=Lifecycle(stages=STAGES, transitions=MOVES), evidence={"need": "needs it"})


def customer(name="ada"):
    return Journey.start(name, BOOK, at=T0).record(Sold(at=T0 + DAY))


def test_churn_ends_being_a_customer_and_not_the_sale():
    left = customer().move("churn", at=T0 + 9 * DAY)
    assert (left.stage, left.status, left.cycle) == ("former", StageStatus.CHURNED, None)
    assert [(one.outcome, one.ended) for one in left.cycles] == [("won", T0 + DAY)]
    assert left.tick(T0 + 20 * DAY).time_in_stages() == {
        "mql": DAY,
        "customer": 8 * DAY,
        "former": 11 * DAY,
    }
    assert left.time_in_stages(cycle=1) == {"mql": DAY, "customer": 8 * DAY}


def test_churned_customers_are_counted_as_won():
    lives = [customer(name).move("churn", at=T0 + 9 * DAY) for name in "abc"]
    total = funnel(lives, BOOK, as_of=T0 + 30 * DAY).total
    assert (total.won_standing, total.won_ever, total.rate) == (3, 3, 1.0)


def test_a_win_back_is_a_new_cycle_and_needs_newer_evidence():
    old = customer().record(EvidenceGiven(name="need", at=T0 + 2 * DAY)).move("churn", at=T0 + 9 * DAY)
    with pytest.raises(MoveRefused):
        old.move("win_back", at=T0 + 10 * DAY)
    back = old.record(EvidenceGiven(name="need", at=T0 + 11 * DAY)).move("win_back", at=T0 + 11 * DAY)
    assert [one.outcome for one in back.cycles] == ["won", None]
    assert (back.cycle.number, back.stage) == (2, "mql")


def test_a_customer_who_renews_at_once_wins_outside_a_cycle():
    again = customer().move("churn", at=T0 + 9 * DAY).move("renew", at=T0 + 12 * DAY)
    assert (again.stage, again.cycle, len(again.cycles)) == ("customer", None, 1)


def test_a_churn_by_mistake_is_retracted():
    left = customer().record(Moved(trigger="churn", at=T0 + 9 * DAY))
    kept = left.record(Retracted(target=left.facts[-1].id, at=T0 + 10 * DAY))
    assert (kept.stage, kept.cycle.outcome) == ("customer", "won")


def test_a_win_directly_from_recycling_also_churns():
    bought = Journey.start("a", BOOK, at=T0).move("rest", at=T0 + DAY).move("buy", at=T0 + 2 * DAY)
    left = bought.move("churn", at=T0 + 3 * DAY)
    assert [one.outcome for one in left.cycles] == ["recycled"]
    total = funnel([left], BOOK, as_of=T0 + 9 * DAY).total
    assert (total.won_standing, total.won_ever) == (1, 1)


def test_an_import_reaches_a_churned_stage_from_a_won_one_only():
    won = customer().record(StageReached(stage="former", at=T0 + 5 * DAY))
    assert won.stage == "former"
    never = Journey.start("b", BOOK, at=T0).record(StageReached(stage="former", at=T0 + 5 * DAY))
    assert (never.stage, never.receipt.status) == ("mql", "refused")


def test_a_win_that_was_reopened_was_won_once_and_does_not_stand():
    undone = customer().move("undo", at=T0 + 2 * DAY).move("lose", at=T0 + 3 * DAY)
    total = funnel([undone, customer("b")], BOOK, as_of=T0 + 30 * DAY).total
    assert (total.won_standing, total.won_ever, total.rate) == (1, 2, 0.5)
    retracted = customer("c")
    retracted = retracted.record(Retracted(target=retracted.facts[-1].id, at=T0 + 2 * DAY))
    assert funnel([retracted], BOOK, as_of=T0 + 30 * DAY).total.won_ever == 0


@pytest.mark.parametrize(
    ("source", "target", "more", "why"),
    [
        ("mql", "former", {}, "only a customer churns"),
        ("mql", "former", {"kind": "exit"}, "only a customer churns, so kind exit does not lead there"),
        ("mql", "former", {"kind": "churn"}, "leads out of a won stage"),
        ("lost", "former", {"kind": "churn"}, "leads out of a won stage"),
        ("*", "former", {"kind": "churn"}, "out of named stages"),
        ("customer", "lost", {"kind": "churn"}, "kind churn leads to a stage of status churned"),
        ("customer", None, {"kind": "churn"}, "kind churn needs a target"),
        ("former", "mql", {"kind": "reopen"}, "is churned; kind reopen does not lead out of it"),
        ("former", "cold", {}, "is churned; kind recycle does not lead out of it"),
        ("former", "lost", {"kind": "repeat"}, "leads to an open or a won stage"),
        ("former", "customer", {}, 'kind="repeat", the only one that leads out'),
    ],
)
def test_what_a_churned_stage_does_not_allow_is_an_error_with_a_remedy(source, target, more, why):
    rule = Transition(trigger="go", sources=source, target=target, **more)
    with pytest.raises(InvalidDefinition, match=why):
        Lifecycle(stages=STAGES, transitions=(*MOVES, rule))


def test_no_journey_begins_as_churned():
    with pytest.raises(InvalidDefinition, match="no journey begins there"):
        Lifecycle(stages=STAGES, transitions=MOVES, entries=("mql", EntryStage(stage="former")))


def test_only_a_customer_is_relabelled_as_churned():
    book = BOOK.replace(
        version="2",
        lifecycle=Lifecycle(
            stages=[Stage(id="new"), Stage(id="bought", status="won"), Stage(id="gone", status="churned")],
            transitions=[
                Transition(trigger="win", sources="new", target="bought"),
                Transition(trigger="leave", sources="bought", target="gone"),
            ],
        ),
    )
    names = {"mql": "gone", "customer": "gone", "former": "gone"}
    adopted = customer().adopt(book, at=T0 + 5 * DAY, stages=names)
    assert (adopted.status, adopted.cycle, adopted.cycles[0].outcome) == ("churned", None, "won")
    with pytest.raises(MoveRefused, match="not a customer's"):
        Journey.start("b", BOOK, at=T0).adopt(book, at=T0 + 5 * DAY, stages=names)
    left = customer().move("churn", at=T0 + 2 * DAY).adopt(book, at=T0 + 5 * DAY, stages=names)
    assert (left.stage, left.cycle) == ("gone", None)


def test_a_win_back_to_nowhere_is_one_fault():
    with pytest.raises(InvalidDefinition, match="'nowhere' is not declared") as caught:
        Lifecycle(
            stages=STAGES,
            transitions=(*MOVES, Transition(trigger="x", sources="former", target="nowhere", kind="repeat")),
        )
    assert len(caught.value.faults) == 1


def test_a_win_back_through_a_gate_with_an_unknown_route_is_a_fault():
    gate = Stage(id="gate", type="gate", routes=[Route(guard=field("n") > 1, target="nowhere")], default="mql")
    with pytest.raises(InvalidDefinition, match="'nowhere' is not declared"):
        Lifecycle(
            stages=(*STAGES, gate),
            transitions=(*MOVES, Transition(trigger="x", sources="former", target="gate", kind="repeat")),
        )


def test_an_adoption_changes_no_win_of_the_past():
    def under(status, version):
        trial = Stage(id="trial", status=status)
        lost = Stage(id="lost", status="lost")
        moves = [
            Transition(trigger="t", sources="new", target="trial"),
            Transition(trigger="w", sources="new", target="won"),
            Transition(trigger="undo", sources="won", kind="reopen"),
            Transition(trigger="lose", sources=["new", *(["trial"] if status == "open" else [])], target="lost"),
        ]
        stages = [Stage(id="new"), trial, Stage(id="won", status="won"), lost]
        return Playbook(id="p", version=version, lifecycle=Lifecycle(stages=stages, transitions=moves))

    one, two = under("open", "1"), under("won", "2")
    lost = Journey.start("a", one, at=T0).move("t", at=T0 + DAY).move("lose", at=T0 + 2 * DAY)
    undone = Journey.start("b", one, at=T0).move("w", at=T0 + DAY).move("undo", at=T0 + 2 * DAY)
    bare = Playbook(
        id="p",
        version="3",
        lifecycle=Lifecycle(
            stages=[Stage(id="new"), Stage(id="bought", status="won")],
            transitions=[Transition(trigger="w", sources="new", target="bought")],
        ),
    )
    for journey, other, ever in ((lost, two, 0), (undone, bare, 1)):
        for shown, book in ((journey, one), (journey.adopt(other, at=T0 + 3 * DAY), other)):
            assert funnel([shown], book, as_of=T0 + 9 * DAY).total.won_ever == ever
    assert [visit.status for visit in undone.visits] == ["open", "won", "open"]
