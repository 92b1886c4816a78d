"""Qualifications that a person grants or withdraws by hand, and those that an import states by a stage."""

from __future__ import annotations

from datetime import datetime

from leadlife.errors import Refusal, RefusalCode, did_you_mean
from leadlife.facts import Fact, PlaybookRef, QualificationGranted, QualificationWithdrawn, StageReached
from leadlife.journey.legality import NOT_STARTED, not_permitted
from leadlife.journey.records import NEVER_HELD, Due, FactStatus, RuleChange, RuleChangeKind, RuleState
from leadlife.journey.state import Position, RuleStates, State
from leadlife.timing import due, earliest

ByHand = QualificationGranted | QualificationWithdrawn
WITHDRAWN_BY_HAND = "withdrawn by hand"


def check_by_hand(state: State, fact: ByHand) -> tuple[Refusal, ...]:
    """Return why somebody may not grant or withdraw a qualification; empty where they may."""
    if state.position is None:
        return (NOT_STARTED,)
    playbook = state.position.playbook
    rule = playbook.qualification_by_name.get(fact.name)
    if rule is None:
        hint = did_you_mean(fact.name, playbook.qualification_by_name)
        return (Refusal(RefusalCode.NOT_PERMITTED, f"{playbook.ref} has no qualification {fact.name!r}", hint),)
    if any(role in rule.granted_by for role in fact.by.roles):
        return ()
    details = {"qualification": rule.name}
    if rule.granted_by:
        roles = rule.granted_by
        return (not_permitted(f"{rule.name!r} is granted by hand by {' or '.join(roles)}", roles, fact.by, details),)
    message = f"{rule.name!r} cannot be granted by hand: only its criteria decide"
    hint = "record the evidence that the rule asks for"
    return (Refusal(RefusalCode.NOT_PERMITTED, message, hint, {**details, "roles": ()}),)


def grant_or_withdraw(state: State, fact: ByHand) -> tuple[Refusal, ...]:
    """Grant or withdraw a qualification as a person says, or note why not."""
    refusals = check_by_hand(state, fact)
    if refusals or state.position is None:
        state.note(fact.at, fact.id, FactStatus.REFUSED, refusals=refusals)
        return refusals
    if isinstance(fact, QualificationGranted):
        _grant(state, state.position, fact.name, fact, expires=fact.expires, evidence=fact.evidence)
        return ()
    rules = state.rules or RuleStates({})
    known = rules.by_name.get(fact.name, NEVER_HELD)._replace(by_hand=state.ordinal)
    if not known.held:
        _keep(state, rules, fact.name, known)
        state.note(fact.at, fact.id, FactStatus.REDUNDANT)
        return ()
    # The rule grants it again only on a fact that is newer than the withdrawal.
    _keep(state, rules, fact.name, known.barred_from(state.ordinal, None))
    reason = fact.reason or WITHDRAWN_BY_HAND
    state.append(_change(RuleChangeKind.WITHDRAWN, fact.name, fact, state.position.playbook.ref, reason=reason))
    return ()


def grant_with_stage(state: State, position: Position, fact: StageReached, stage: str) -> None:
    """Grant the qualification that a stage stands for, because an import says that the stage was reached.

    A stage stands for the qualification of its name: a lead in a stage called mql is an mql. The import waives the
    guard of the move, and without the qualification the playbook would take the lead out of the stage at once.
    """
    held = state.rules is not None and state.rules.by_name.get(stage, NEVER_HELD).held
    if stage in position.playbook.qualification_by_name and not held:
        _grant(state, position, stage, fact, reason=f"the import says that {stage} was reached")


def _grant(
    state: State,
    position: Position,
    name: str,
    fact: Fact,
    *,
    expires: datetime | None = None,
    evidence: tuple[str, ...] = (),
    reason: str | None = None,
) -> None:
    playbook, rules = position.playbook, state.rules or RuleStates({})
    known = rules.by_name.get(name, NEVER_HELD)
    valid_for = playbook.qualification_by_name[name].valid_for
    if expires is None and valid_for is not None:
        expires = earliest((due(fact.at, valid_for, playbook.zone_info),))
    held = known._replace(
        held=True,
        since=known.since if known.held else fact.at,
        ordinal=state.ordinal,
        moves=position.moves,
        expires=expires,
        by=fact.by.id,
        fact=fact.id,
        evidence=evidence,
        verdict=None,
        playbook=playbook.ref,
        overruled=False,
        by_hand=state.ordinal,
    )
    _keep(state, rules, name, held)
    change = _change(RuleChangeKind.GRANTED, name, fact, playbook.ref, reason=reason)
    state.append(change._replace(expires=expires, evidence=evidence))


def _change(kind: RuleChangeKind, name: str, fact: Fact, playbook: PlaybookRef, *, reason: str | None) -> RuleChange:
    return RuleChange(
        at=fact.at,
        kind=kind,
        name=name,
        fact=fact.id,
        by=fact.by.id,
        derived=False,
        playbook=playbook,
        reason=reason,
    )


def _keep(state: State, rules: RuleStates, name: str, known: RuleState) -> None:
    state.rules = rules._replace(by_name={**rules.by_name, name: known}, due=max(rules.due, Due.MOVED))
