"""Holding: granting a qualification and withdrawing it, by rule or by hand."""

from __future__ import annotations

from datetime import datetime

from leadlife.errors import Refusal, RefusalCode, did_you_mean
from leadlife.facts import QualificationGranted, QualificationWithdrawn
from leadlife.journey.latches import NEVER_HELD, Latch
from leadlife.journey.ruling import NOT_STARTED
from leadlife.journey.state import MOVED, State
from leadlife.timing import due

Decision = QualificationGranted | QualificationWithdrawn
OVERRULED = "withdrawn by hand"


def judge_by_hand(state: State, fact: Decision) -> tuple[Refusal, ...]:
    """Return why somebody may not grant or withdraw a qualification; empty where they may."""
    playbook = state.playbook
    if playbook is None or state.stage is None:
        return (NOT_STARTED,)
    rule = playbook.qualification_by_name.get(fact.name)
    if rule is None:
        hint = did_you_mean(fact.name, playbook.qualification_by_name)
        return (Refusal(RefusalCode.NOT_PERMITTED, f"{playbook.ref} has no qualification {fact.name!r}", hint),)
    if any(role in rule.granted_by for role in fact.by.roles):
        return ()
    who = " or ".join(rule.granted_by) or "nobody: only its criteria decide"
    details = {"qualification": rule.name, "roles": rule.granted_by}
    hint = "pass by=Actor(id=..., roles=(...,))" if rule.granted_by else "record the evidence that it asks for"
    return (Refusal(RefusalCode.NOT_PERMITTED, f"{rule.name!r} is granted by hand by {who}", hint, details),)


def decide(state: State, fact: Decision) -> None:
    """Grant or withdraw a qualification as somebody says, or mark why not."""
    refusals = judge_by_hand(state, fact)
    if refusals:
        state.mark(fact.id, "refused", None, refusals)
        return
    assert state.playbook is not None  # noqa: S101 - a decision is refused before the start
    state.unjudged = max(state.unjudged, MOVED)
    latch = state.latches.get(fact.name, NEVER_HELD)
    if isinstance(fact, QualificationWithdrawn):
        if not latch.held:
            state.mark(fact.id, "redundant", None, ())
            return
        release(state, fact.name, latch, barred=state.ordinal)
        reason = fact.reason or OVERRULED
        state.turn("withdrawn", fact.name, fact=fact.id, by=fact.by.id, reason=reason, derived=False)
        return
    valid_for = state.playbook.qualification_by_name[fact.name].valid_for
    expires = fact.expires
    if expires is None and valid_for is not None:
        expires = due(fact.at, valid_for, state.playbook.zone_info)
    keep(
        state,
        fact.name,
        latch._replace(
            held=True,
            since=latch.since if latch.held else fact.at,
            ordinal=state.ordinal,
            expires=expires,
            by=fact.by.id,
            fact=fact.id,
            evidence=fact.evidence,
            verdict=None,
            playbook=state.playbook.ref,
        ),
    )
    state.turn(
        "granted",
        fact.name,
        fact=fact.id,
        by=fact.by.id,
        expires=expires,
        evidence=fact.evidence,
        derived=False,
    )


def keep(state: State, name: str, latch: Latch) -> None:
    """Keep what is held of a rule from now on."""
    state.latches = {**state.latches, name: latch}


def release(state: State, name: str, latch: Latch, *, barred: int) -> Latch:
    """Let go of what was held, and return what is left of it."""
    left = latch.released(barred=barred)
    keep(state, name, left)
    return left


def is_over(latch: Latch, at: datetime) -> bool:
    """Return whether what is held has lapsed at an instant."""
    return latch.expires is not None and latch.expires <= at
