"""Random playbooks with programmes and contact rules, and leads in them, for the laws of planning."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from leadlife import ActivityKind, ActivityRecorded, Consent, ConsentChanged, EvidenceGiven, FieldSpec, Journey, Lead
from leadlife.criteria import count, evidence, field, in_stage
from leadlife.playbook.contact_rules import Cap, Channel, ContactRules, Fatigue
from leadlife.presets import eight_stage
from leadlife.qualification.programmes import Programme, Touch

T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Tokyo", "Pacific/Apia", "nowhere", "")
BASE = eight_stage().replace(purposes={"mail": "newsletters"})
BASE = BASE.with_fields(tz=FieldSpec(), size=FieldSpec(type="integer")).with_activity_kinds(visit=ActivityKind())
CHANNELS = {"email": Channel(purpose="mail"), "phone": Channel(load=2)}

waits = st.sampled_from([None, "PT1H", "PT30H", "P1D", "P3D", "P7D"])
windows = st.sampled_from(
    [None, {"hours": "09:00-17:00"}, {"hours": "22:00-06:00"}, {"at": "10:00"}, {"weekdays": ["monday", "thursday"]}]
)
whens = st.sampled_from([None, count("visit") >= 1, field("size") >= 5])
AUDIENCES = (in_stage("name", "engagement"), count("visit", within="P10D") >= 1, evidence("fit"), field("size") >= 3)
EXITS = (None, count("visit") >= 3, evidence("fit"), in_stage("target"))


@st.composite
def touch_lists(draw: st.DrawFn, programme: str) -> list[Touch]:
    return [
        Touch(
            name=f"t{number}",
            channel=draw(st.sampled_from(["email", "email", "phone"])),
            content=draw(st.sampled_from([None, None, "guide"])),
            wait=draw(waits),
            window=draw(windows),
            when=draw(st.one_of(st.none(), whens)),
            within=draw(st.sampled_from([None, None, "P2D"])),
            operational=draw(st.integers(0, 9)) == 0,
            attempts=draw(st.integers(1, 2)),
        )
        for number in range(draw(st.integers(1, 3)))
    ]


@st.composite
def programmes(draw: st.DrawFn, name: str) -> Programme:
    return Programme(
        name=name,
        audience=draw(st.sampled_from(AUDIENCES)),
        goal=draw(st.sampled_from(EXITS)),
        exit=draw(st.sampled_from(EXITS)),
        lasts=draw(st.sampled_from([None, None, "P20D"])),
        reentry=draw(st.sampled_from(["never", "per_cycle", "P5D", "PT30H"])),
        priority=draw(st.integers(0, 2)),
        touches=draw(touch_lists(name)),
    )


@st.composite
def caps(draw: st.DrawFn, *, answers: tuple[str, ...] = ("defer",)) -> Cap:
    return Cap(
        at_most=draw(st.integers(1, 3)),
        per=draw(st.sampled_from(["day", "week", "PT36H", "P7D"])),
        channel=draw(st.sampled_from([None, None, "email"])),
        on_breach=draw(st.sampled_from(answers)),
    )


@st.composite
def contact_rules(draw: st.DrawFn, *, answers: tuple[str, ...] = ("defer",)) -> ContactRules:
    return ContactRules(
        zone_field="tz",
        quiet=draw(st.sampled_from([None, "21:00-08:00", "12:00-14:00"])),
        weekdays=draw(st.sampled_from([[], ["monday", "tuesday", "friday"]])),
        minimum_gap=draw(st.sampled_from([None, "PT24H", "P2D"])),
        caps=draw(st.lists(caps(answers=answers), max_size=2)),
        fatigue=draw(st.sampled_from([None, None, Fatigue(half_life="PT72H", rest_at=3, tired_at=1)])),
        repeat_after=draw(st.sampled_from([None, "P10D"])),
    )


@st.composite
def playbooks(draw: st.DrawFn, *, answers: tuple[str, ...] = ("defer",)):
    names = draw(st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True))
    return BASE.replace(
        channels=CHANNELS,
        programmes=[draw(programmes(name)) for name in names],
        contact_rules=draw(st.one_of(st.none(), contact_rules(answers=answers))),
        zone=draw(st.sampled_from(["UTC", "Europe/Berlin"])),
    )


@st.composite
def happenings(draw: st.DrawFn, at: datetime):
    """Return a fact that may let a lead into a programme or out of it."""
    return draw(
        st.sampled_from(
            [
                ActivityRecorded(kind="visit", at=at),
                EvidenceGiven(name="fit", value=draw(st.booleans()), at=at),
                ConsentChanged(purpose="mail", granted=draw(st.booleans()), at=at),
            ]
        )
    )


@st.composite
def leads(draw: st.DrawFn, playbook) -> Journey:
    fields = {"tz": draw(st.sampled_from(ZONES)), "size": draw(st.integers(0, 9))}
    consents = [Consent(purpose="mail", granted=True)] if draw(st.integers(0, 4)) else []
    lead = Lead(id=draw(st.sampled_from(["ann", "bob", "cy"])), identified=True, fields=fields, consents=consents)
    journey, at = Journey.start(lead, playbook, at=T0, stage="name"), T0
    for hours in draw(st.lists(st.integers(0, 200), max_size=5)):
        at += hours * HOUR
        journey = journey.record(draw(happenings(at)))
    return journey
