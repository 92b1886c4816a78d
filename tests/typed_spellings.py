"""What users naturally write: it runs, and mypy strict and pyright accept it without a plugin.

``make types`` checks this file. A line that must be refused carries an ignore comment, and an unneeded ignore is an error,
so both halves are tested. ``test_typing.py`` runs the spellings.
"""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from leadlife import (
    ActivityRecorded,
    ActivityRule,
    Actor,
    FieldChanged,
    FieldSpec,
    Journey,
    Lead,
    Lifecycle,
    Limit,
    Money,
    Playbook,
    Points,
    QualificationRule,
    Stage,
    Transition,
)
from leadlife.criteria import Criterion, View, count, field
from leadlife.lifecycle import Reason, StageStatus, TransitionKind
from leadlife.presets import eight_stage
from leadlife.timing import BusinessHours

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


def is_open(view: View) -> bool | None:
    """Guard a move by code."""
    return view.at.month != 12


def stages() -> list[Stage]:
    """Stages in natural spellings."""
    return [
        Stage(id="visitor", limit=Limit(after=timedelta(days=3), trigger="drop", reason="budget")),
        Stage(id="trial", type="inventory", cool_down=None),
        Stage(id="won", status="won"),
        Stage(id="resting", status=StageStatus.RECYCLED, cool_down="P30D"),
    ]


def transitions() -> list[Transition]:
    """Transitions in natural spellings."""
    return [
        Transition(trigger="try_it", sources="visitor", target="trial", kind="forward", guard=is_open),
        Transition(trigger="win", sources=["visitor", "trial"], target="won", roles="sales", guard=count("login") >= 1),
        Transition(trigger="drop", sources="*", target="resting", needs_reason=True, reasons=["budget"]),
        Transition(trigger="again", sources=("resting",), target="trial", kind=TransitionKind.REENTRY),
    ]


def playbook() -> Playbook:
    """A playbook in natural spellings."""
    return Playbook(
        id="natural",
        roles="sales",
        lifecycle=Lifecycle(stages=stages(), transitions=transitions(), reasons=["budget", Reason(id="silence")]),
        fields={"seats": FieldSpec(type="integer"), "plan": FieldSpec(choices=["free", "pro"])},
        activity_kinds={"login": eight_stage().activity_kinds["call"]},
        qualifications=[QualificationRule(name="mql", enter=count("login", within=timedelta(days=3)) >= 2)],
        scores=[
            Points(
                name="use",
                rules=[ActivityRule(name="login", kinds="login", points=5, where={"page": "/x"}, half_life="PT36H")],
            )
        ],
    )


def journey() -> Journey:
    """A journey in natural spellings."""
    ada = Journey.start("ada", playbook(), at=MONDAY, by="sam")
    return ada.record(ActivityRecorded(kind="login", at=MONDAY, by="sam"))


def numbers_and_dates() -> tuple[Money, Lead, ActivityRecorded, FieldChanged]:
    """Values in the types that a host has them in."""
    size, day = Decimal(80), date(2026, 5, 1)
    amount = Money(amount="12.50", currency="EUR") + Money.of(2, "EUR")
    assert isinstance(amount.amount, Decimal)
    ada = Lead(id="ada", fields={"renewal": day, "size": size})
    call = ActivityRecorded(kind="call", at=MONDAY, attributes={"on": day, "minutes": 5})
    return sum([amount, amount], amount), ada, call, FieldChanged(name="renewal", value=day, at=MONDAY)


def windows() -> list[Criterion]:
    """Windows in natural spellings."""
    return [
        count("login", within="P7D") >= 1,
        count("login", within=timedelta(days=7)) >= 1,
        field("country").one_of(["DE", "AT"]),
    ]


def attributes() -> tuple[str, int, datetime, TransitionKind, tuple[str, ...]]:
    """Attributes that are always there after recording, and after building, are not optional."""
    last, rule = journey().facts[-1], playbook().lifecycle.transitions[1]
    return last.id, last.seq, last.recorded_at, rule.kind, rule.roles


def business_hours() -> BusinessHours:
    """Hours in natural spellings."""
    week = {"monday": ["09:00-12:00", "13:00-17:00"], "tuesday": ["09:00-12:00"]}
    mixed = BusinessHours(
        zone="UTC", week={"monday": "09:00-17:00", "friday": ["09:00-12:00"]}, holidays=[date(2026, 1, 1)]
    )
    assert mixed.week["friday"] == ("09:00-12:00",)
    return BusinessHours(zone="Europe/Berlin", week=week, holidays=["2026-12-25"])


def refused() -> None:
    """Spellings that are wrong; never run."""
    Transition(trigger="t", sources="a", target="b", guard=count("login"))  # type: ignore[arg-type]
    Transition(trigger="t", sources=3, target="b")  # type: ignore[arg-type]
    Stage(id="a", status=1)  # type: ignore[arg-type]
    Stage(id="a", limit=Limit(after=3, trigger="t"))  # type: ignore[arg-type]
    BusinessHours(zone="UTC", week={"monday": 9})  # type: ignore[dict-item]
    Money(amount=1.5, currency="EUR")  # type: ignore[arg-type]
    FieldSpec(type=5)  # type: ignore[arg-type]
    ActivityRecorded(kind="login", at=MONDAY, by=7)  # type: ignore[arg-type]
    Actor(id="sam", roles=5)  # type: ignore[arg-type]
