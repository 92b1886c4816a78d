"""A playbook, instants and leads that the tests of stores share."""

from datetime import UTC, datetime, timedelta

from leadlife import ActivityRecorded, Actor, EvidenceGiven, FieldSpec, Identified, Lead
from leadlife.presets import eight_stage
from leadlife.scoring import ActivityRule, Points
from leadlife.timing import elapsed

T = datetime(2026, 3, 2, 9, tzinfo=UTC)
MARKETING = Actor(id="mia", roles=["marketing"])
SALES = Actor(id="sam", roles=["sales"])


def hours(number):
    return T + timedelta(hours=number)


def days(number):
    return T + timedelta(days=number)


CALLS = Points(
    name="calls",
    rules=[ActivityRule(name="calls", kinds="call", points=10, half_life=elapsed(days=5))],
    bands={"cold": 0, "warm": 8},
)


def book(version="1"):
    return (
        eight_stage()
        .with_fields(phone=FieldSpec(personal=True), size=FieldSpec(type="integer"))
        .with_score(CALLS)
        .replace(version=version)
    )


def call(at, **more):
    return ActivityRecorded(kind="call", at=at, **more)


def until_lead(store, lead="ada", *, at=T, pipeline="main"):
    """Bring a lead to the stage whose limit of 14 days comes due."""
    begin = Lead(id=lead, fields={"phone": "0123-456", "size": 5}, identified=True)
    store.start(begin, at=at, stage="name", pipeline=pipeline)

    def moves(journey):
        journey = journey.record(ActivityRecorded(kind="reply", at=at + timedelta(hours=1)))
        journey = journey.move("engage", at=at + timedelta(hours=2), by=MARKETING)
        for name in ("fit", "mql"):
            journey = journey.record(EvidenceGiven(name=name, at=at + timedelta(hours=3), note="she said so"))
        return journey.move("fit", at=at + timedelta(hours=4)).move("qualify", at=at + timedelta(hours=5))

    return store.apply(lead, moves, pipeline=pipeline)


def identified(at):
    return Identified(at=at)
