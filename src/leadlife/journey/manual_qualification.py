"""Qualifications that a person grants or withdraws by hand."""

from __future__ import annotations

from leadlife.errors import Refusal, RefusalCode, did_you_mean
from leadlife.facts import QualificationGranted, QualificationWithdrawn
from leadlife.journey.legality import NOT_STARTED, not_permitted
from leadlife.journey.records import NEVER_HELD, Due, FactStatus, RuleChange, RuleChangeKind, RuleState
from leadlife.journey.state import RuleStates, State
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
        return (not_permitted(f"{rule.name!r} is granted by hand by {' or '.join(roles)}", roles, details),)
    message = f"{rule.name!r} cannot be granted by hand: only its criteria decide"
    hint = "record the evidence that the rule asks for"
    return (Refusal(RefusalCode.NOT_PERMITTED, message, hint, {**details, "roles": ()}),)


def grant_or_withdraw(state: State, fact: ByHand) -> tuple[Refusal, ...]:
    """Grant or withdraw a qualification as a person says, or note why not."""
    refusals = check_by_hand(state, fact)
    if refusals or state.position is None:
        state.note(fact.at, fact.id, FactStatus.REFUSED, refusals=refusals)
        return refusals
    playbook, rules = state.position.playbook, state.rules or RuleStates({})
    known = rules.by_name.get(fact.name, NEVER_HELD)._replace(by_hand=state.ordinal)
    if isinstance(fact, QualificationWithdrawn):
        if not known.held:
            _keep(state, rules, fact.name, known)
            state.note(fact.at, fact.id, FactStatus.REDUNDANT)
            return ()
        # The rule grants it again only on a fact that is newer than the withdrawal.
        _keep(state, rules, fact.name, known.barred_from(state.ordinal, None))
        kind, reason, expires = RuleChangeKind.WITHDRAWN, fact.reason or WITHDRAWN_BY_HAND, None
        evidence: tuple[str, ...] = ()
    else:
        valid_for = playbook.qualification_by_name[fact.name].valid_for
        kind, reason, expires, evidence = RuleChangeKind.GRANTED, None, fact.expires, fact.evidence
        if expires is None and valid_for is not None:
            expires = earliest((due(fact.at, valid_for, playbook.zone_info),))
        held = known._replace(
            held=True,
            since=known.since if known.held else fact.at,
            ordinal=state.ordinal,
            moves=state.position.moves,
            expires=expires,
            by=fact.by.id,
            fact=fact.id,
            evidence=evidence,
            verdict=None,
            playbook=playbook.ref,
            overruled=False,
        )
        _keep(state, rules, fact.name, held)
    state.append(
        RuleChange(
            at=fact.at,
            kind=kind,
            name=fact.name,
            fact=fact.id,
            by=fact.by.id,
            derived=False,
            playbook=playbook.ref,
            reason=reason,
            expires=expires,
            evidence=evidence,
        )
    )
    return ()


def _keep(state: State, rules: RuleStates, name: str, known: RuleState) -> None:
    state.rules = rules._replace(by_name={**rules.by_name, name: known}, due=max(rules.due, Due.MOVED))
