"""The one door: whether a trigger may be fired, and if not, every reason why not."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from leadlife.criteria import Verdict
from leadlife.errors import GuardError, Refusal, RefusalCode, did_you_mean
from leadlife.journey.sight import StateView
from leadlife.journey.state import State
from leadlife.leads import Actor
from leadlife.lifecycle.edges import Edge
from leadlife.lifecycle.stages import EntryStage, Stage, StageStatus
from leadlife.lifecycle.table import Candidate
from leadlife.lifecycle.transitions import Transition, TransitionKind
from leadlife.timing import due

NOT_STARTED = Refusal(
    RefusalCode.NOT_STARTED,
    "the journey has not started",
    "record a Started fact, or use Journey.start",
)


def verdict(
    state: State,
    trigger: str,
    *,
    at: datetime,
    by: Actor,
    reason: str | None = None,
    note: str | None = None,
    target: str | None = None,
    any_role: bool = False,
) -> Edge | tuple[Refusal, ...]:
    """Return the transition that the trigger takes, or every reason why it takes none.

    Args:
        state: Where the lead stands, folded up to ``at``.
        trigger: What is fired.
        at: When.
        by: Who fires it.
        reason: Why.
        note: Free text that says more.
        target: Narrows the candidates to those that lead there.
        any_role: Roles are waived, as for a timer.
    """
    plan, stage = state.table, state.stage
    if plan is None or stage is None:
        return (NOT_STARTED,)
    candidates = plan.moves.get((stage, trigger))
    if candidates is None:
        return (_no_such_move(state, trigger),)
    if target is not None:
        # A target chooses among transitions, never among the routes of a gate on the way.
        rules = {c.edge.index for c in candidates if c.edge.target == target}
        candidates = tuple(c for c in candidates if c.edge.index in rules)
        if not candidates:
            return (_no_such_move(state, trigger),)
    chosen, refusals = _choose(candidates, StateView(state, at, by.roles, brief=True), target)
    edge = chosen or candidates[0].edge
    if edge.rule.roles and not any_role:
        refusals += _role(edge.rule, by)
    if edge.rule.kind is TransitionKind.REENTRY:
        refusals += resting(state, at)
    if reason is not None or edge.rule.needs_reason:
        refusals += _reason(state, edge.rule, reason, note)
    return tuple(refusals) if refusals else edge


def _choose(
    candidates: tuple[Candidate, ...], view: StateView, target: str | None
) -> tuple[Edge | None, list[Refusal]]:
    """Return the first candidate that is true; a guard that breaks ends the search, as on a stock machine."""
    for candidate in candidates:
        try:
            passes = candidate.test is None or candidate.test(view) is True
        except GuardError as error:
            details = {"guard": error.guard}
            return None, [Refusal(RefusalCode.GUARD_FAILED, error.message, "mend the guard", details)]
        if passes:
            edge = candidate.edge
            return edge, [] if target in (None, edge.target) else [_leads_elsewhere(edge, target)]
    return None, [_guards_not_met(candidates, view)]


def _leads_elsewhere(edge: Edge, target: str | None) -> Refusal:
    through = f"through {', '.join(edge.via)} " if edge.via else ""
    return Refusal(
        RefusalCode.ILLEGAL_MOVE,
        f"{edge.trigger!r} leads {through}to {edge.target!r} now, not to {target!r}",
        "the routes of a gate decide" if edge.via else "the first declared whose guard is true is taken",
        {"trigger": edge.trigger, "target": edge.target},
    )


def _no_such_move(state: State, trigger: str) -> Refusal:
    plan, stage = state.table, state.stage
    assert plan is not None and stage is not None  # noqa: S101, PT018 - the caller has looked
    if trigger not in plan.known:
        return Refusal(
            RefusalCode.UNKNOWN_TRIGGER,
            f"there is no trigger {trigger!r}",
            did_you_mean(trigger, plan.triggers),
            {"trigger": trigger, "known": plan.triggers},
        )
    allowed = plan.from_here(stage)
    status = state.status
    details = {"trigger": trigger, "stage": stage, "allowed": allowed}
    hint = f"allowed from here: {', '.join(allowed)}" if allowed else "nothing leads on from here"
    if status is not None and status.closed:
        return Refusal(
            RefusalCode.CLOSED_STAGE,
            f"{stage!r} is closed ({status}); {trigger!r} does not lead out of it",
            hint,
            details,
        )
    return Refusal(RefusalCode.ILLEGAL_MOVE, f"{trigger!r} is not a legal move from {stage!r}", hint, details)


def _guards_not_met(candidates: tuple[Candidate, ...], view: StateView) -> Refusal:
    answers = [(c.edge, _answers(c.edge, view)) for c in candidates]
    told = [
        {
            "target": edge.target,
            "criterion": " and ".join(verdict.sentence for verdict in verdicts),
            "verdict": _worst(verdicts),
            "missing": tuple(str(verdict) for verdict in verdicts if verdict.value is not True),
            "found": "; ".join(verdict.found for verdict in verdicts if verdict.found and verdict.value is not True),
        }
        for edge, verdicts in answers
    ]
    sentences = "; ".join(_said(one) for one in told)
    return Refusal(
        RefusalCode.GUARD_NOT_MET,
        f"{candidates[0].edge.trigger!r} from {candidates[0].edge.source!r} needs: {sentences}",
        "unknown means that nothing on record answers it" if "unknown" in sentences else "",
        {"trigger": candidates[0].edge.trigger, "candidates": told},
    )


def _said(one: dict[str, Any]) -> str:
    found = f" ({one['found']})" if one["found"] else ""
    return f"{one['criterion']}: {one['verdict']}{found}"


def _answers(edge: Edge, view: StateView) -> tuple[Verdict, ...]:
    verdicts = [guard.verdict(view) for guard in edge.guards]
    if edge.left is not None:
        verdicts.insert(0, Verdict(f"{edge.left} is the stage that was left", view.left == edge.left))
    return tuple(verdicts)


def _worst(verdicts: tuple[Verdict, ...]) -> str:
    values = {verdict.value for verdict in verdicts}
    return "false" if False in values else "unknown"


def _role(rule: Transition, by: Actor) -> list[Refusal]:
    if any(role in rule.roles for role in by.roles):
        return []
    return [
        Refusal(
            RefusalCode.NOT_PERMITTED,
            f"{rule.trigger!r} is for {' or '.join(rule.roles)}",
            "pass by=Actor(id=..., roles=(...,))",
            {"trigger": rule.trigger, "roles": rule.roles},
        )
    ]


def resting(state: State, at: datetime) -> list[Refusal]:
    """Return why a reentry out of the present stage is refused for now: cool-down, then recycle limit."""
    stage = present(state)
    refusals: list[Refusal] = []
    until = cool_until(state)
    if until is not None and at < until:
        refusals.append(
            Refusal(
                RefusalCode.COOLING_DOWN,
                f"the lead is left in peace in {stage.id!r} until {until.isoformat()}",
                "wait, or use a move of another kind if the need is urgent",
                {"until": until, "stage": stage.id},
            )
        )
    if stage.reentry_limit is not None and state.reentries_from(stage.id) >= stage.reentry_limit:
        refusals.append(
            Refusal(
                RefusalCode.RECYCLE_LIMIT,
                f"the lead has returned from {stage.id!r} {stage.reentry_limit} times since the last win",
                "only a skip or an exit leads on",
                {"limit": stage.reentry_limit, "stage": stage.id},
            )
        )
    return refusals


def cool_until(state: State) -> datetime | None:
    """Return when the present stage's cool-down is over; None where there is none."""
    if state.stage is None or state.playbook is None or state.entered is None:
        return None
    stage = present(state)
    return None if stage.cool_down is None else due(state.entered, stage.cool_down, state.playbook.zone_info)


def present(state: State) -> Stage:
    """Return the present stage of a started journey."""
    assert state.playbook is not None and state.stage is not None  # noqa: S101, PT018 - started
    return state.playbook.lifecycle.by_id[state.stage]


def _reason(state: State, rule: Transition, reason: str | None, note: str | None) -> list[Refusal]:
    assert state.playbook is not None  # noqa: S101 - started
    lifecycle = state.playbook.lifecycle
    listed = rule.reasons or tuple(lifecycle.reason_by_id)
    details = {"trigger": rule.trigger, "reasons": listed}
    if reason is None:
        hint = f"one of: {', '.join(listed)}"
        return [Refusal(RefusalCode.REASON_MISSING, f"{rule.trigger!r} needs a reason", hint, details)]
    if listed and reason not in listed:
        hint = did_you_mean(reason, listed)
        return [Refusal(RefusalCode.REASON_NOT_LISTED, f"{reason!r} is not a listed reason", hint, details)]
    known = lifecycle.reason_by_id.get(reason)
    if known is not None and known.needs_note and not (note or "").strip():
        hint = "say more in note="
        return [Refusal(RefusalCode.REASON_MISSING, f"reason {reason!r} needs a note", hint, details)]
    return []


def judge_entry(state: State, stage: str, *, at: datetime, by: Actor, referral: bool) -> tuple[Refusal, ...]:
    """Return why a journey may not begin at a stage; empty where it may."""
    assert state.playbook is not None  # noqa: S101 - a start names its playbook
    entries = state.playbook.lifecycle.entries_for(referral=referral)
    for entry in entries:
        if entry.stage == stage and (entry.guard is None or _open(entry, StateView(state, at, by.roles))):
            return ()
    guarded = next((entry for entry in entries if entry.stage == stage), None)
    if guarded is None or guarded.guard is None:
        names = tuple(dict.fromkeys(entry.stage for entry in entries))
        hint = f"it may begin at: {', '.join(names)}"
        return (Refusal(RefusalCode.ILLEGAL_MOVE, f"no journey begins at {stage!r}", hint, {"entries": names}),)
    sentence = guarded.guard.sentence()
    return (
        Refusal(RefusalCode.GUARD_NOT_MET, f"to begin at {stage!r} needs: {sentence}", "", {"criterion": sentence}),
    )


def _open(entry: EntryStage, view: StateView) -> bool:
    try:
        return entry.guard is None or entry.guard.test(view) is True
    except GuardError:
        return False


def best_entry(state: State, *, at: datetime, by: Actor, referral: bool) -> str:
    """Return the first stage at which the journey may begin."""
    assert state.playbook is not None  # noqa: S101 - asked with a playbook at hand
    lifecycle = state.playbook.lifecycle
    view = StateView(state, at, by.roles)
    open_ones = (e.stage for e in lifecycle.entries_for(referral=referral) if _open(e, view))
    return next(open_ones, lifecycle.first.stage)


def closes(status: StageStatus) -> bool:
    """Return whether entering a stage of this status cuts off older evidence."""
    return status in (StageStatus.WON, StageStatus.RECYCLED)
