"""Strategies for what a playbook declares about engaging leads, and for the facts about touches and handing over."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from leadlife.criteria import count, evidence, field, holds, recycled_for, return_count
from leadlife.facts import (
    Fact,
    HandoffAccepted,
    HandoffOffered,
    HandoffPaused,
    HandoffRejected,
    OwnerAssigned,
    Refunded,
    TouchFailed,
    TouchSent,
)
from leadlife.money import Money
from leadlife.playbook.contact_rules import Cap, Channel, ContactRules
from leadlife.playbook.handoff_rules import AnswerTime, HandoffRules
from leadlife.playbook.playbook import Playbook
from leadlife.playbook.recycling_rules import RecyclingRule
from leadlife.qualification.programmes import Programme, Touch
from leadlife.timing import BusinessHours, days

_TOUCHES = (Touch(name="hello", channel="email"), Touch(name="again", channel="email", wait="P2D", attempts=2))


@st.composite
def with_engagement(draw: st.DrawFn, playbook: Playbook) -> Playbook:
    """Generate the same playbook with programmes, contact rules, handoff and recycling rules."""
    criteria: list[Any] = [
        evidence("fit"),
        field("size") >= 3,
        count("call", within=days(3)) >= 1,
        return_count() >= 1,
        *(holds(rule.name) for rule in playbook.qualifications),
    ]
    reasons = tuple(playbook.lifecycle.reason_by_id)
    criteria += [recycled_for(reason) for reason in reasons]
    chosen = st.sampled_from(criteria)
    programmes = [
        Programme(
            name=name,
            audience=draw(chosen),
            goal=draw(st.none() | chosen),
            exit=draw(st.none() | chosen.map(lambda criterion: ~criterion)),
            lasts=draw(st.sampled_from([None, "P5D", "PT50H"])),
            reentry=draw(st.sampled_from(["never", "per_cycle", "P3D", "PT30H"])),
            touches=_TOUCHES,
        )
        for name in draw(st.sampled_from([("letters",), ("letters", "calls")]))
    ]
    on_expiry = draw(st.sampled_from(["return", "reoffer", "escalate"]))
    hours = draw(st.sampled_from([None, "office"]))
    return playbook.replace(
        business_hours={"office": BusinessHours.weekdays("09:00-17:00", zone="America/Sao_Paulo")},
        channels={"email": Channel(purpose="newsletter")},
        programmes=programmes,
        contact_rules=ContactRules(minimum_gap="P1D", caps=[Cap(at_most=2, per="week")]),
        handoff=HandoffRules(
            answer=[
                AnswerTime(within="PT5H", hours=hours, when=evidence("fit")),
                AnswerTime(within=draw(st.sampled_from(["PT2H", "P2D"]))),
            ],
            on_expiry=on_expiry,
            escalate_to="boss" if on_expiry == "escalate" else None,
            most_offers=draw(st.integers(1, 3)),
        ),
        recycling=[
            RecyclingRule(
                reasons=reasons[:1],
                cool_down=draw(st.sampled_from([None, "P1D", "P9D"])),
                most_returns=draw(st.none() | st.integers(0, 2)),
                woken_by=draw(st.none() | chosen),
            )
        ]
        if reasons
        else [],
    )


def engagement_drafts(playbook: Playbook, shared: dict[str, Any]) -> list[st.SearchStrategy[Fact]]:
    """Return strategies for facts about touches and handing over, for a playbook that declares channels or handoff."""
    drafts: list[st.SearchStrategy[Any]] = []

    def made(model: Any, **parts: st.SearchStrategy[Any]) -> None:
        drafts.append(st.fixed_dictionaries({**parts, **shared}).map(lambda given: model(**given)))

    if playbook.channels:
        channel = st.sampled_from(sorted(playbook.channels))
        made(TouchSent, channel=channel, message=st.sampled_from([None, "news"]), operational=st.booleans())
        for programme in playbook.programmes:
            touch = st.sampled_from([one.name for one in programme.touches])
            made(TouchSent, channel=channel, programme=st.just(programme.name), touch=touch)
            failing = {"attempt": st.integers(1, 2), "permanent": st.booleans()}
            made(TouchFailed, channel=channel, programme=st.just(programme.name), touch=touch, **failing)
    if playbook.handoff is not None:
        who = st.sampled_from(["sam", "sue"])
        made(OwnerAssigned, owner=who | st.none())
        made(HandoffOffered, to=who, answer_within=st.sampled_from([None, "PT3H", "P1D"]))
        made(HandoffAccepted)
        made(HandoffRejected, reason=st.sampled_from([*playbook.handoff.reasons, "no budget"]))
        made(HandoffPaused, paused=st.booleans())
        made(Refunded, amount=st.just(Money.of(1, "EUR")))
    return drafts
