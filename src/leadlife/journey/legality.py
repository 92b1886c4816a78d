"""Legality: whether a trigger may be fired, and if not, every reason why not.

Verbs, recorded facts, timers, automatic moves and imports all ask here, so no way of moving a lead goes around the
playbook.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from leadlife.criteria import Verdict, verdict_of
from leadlife.errors import GuardError, LeadlifeError, Refusal, RefusalCode, did_you_mean, suggestion
from leadlife.journey.state import Position, State
from leadlife.journey.view import JourneyView
from leadlife.leads import Actor, Source
from leadlife.lifecycle.edges import Edge
from leadlife.lifecycle.stages import EntryStage, StageStatus
from leadlife.lifecycle.table import Candidate
from leadlife.lifecycle.transitions import Transition, TransitionKind
from leadlife.playbook.playbook import Playbook
from leadlife.timing import due

if TYPE_CHECKING:
    from leadlife.playbook.recycling_rules import RecyclingRule

NOT_STARTED = Refusal(
    RefusalCode.NOT_STARTED,
    "the journey has not started",
    "record a Started fact, or use Journey.start",
)


def check_move(
    state: State,
    trigger: str,
    *,
    at: datetime,
    by: Actor,
    reason: str | None = None,
    note: str | None = None,
    target: str | None = None,
    any_role: bool = False,
    asking: bool = False,
    for_rules: bool = False,
) -> Edge | tuple[Refusal, ...]:
    """Return the edge that the trigger takes, or every reason why it takes none.

    Args:
        state: Where the lead stands, folded up to ``at``.
        trigger: What is fired.
        at: When.
        by: Who fires it.
        reason: Why.
        note: Free text that says more.
        target: Narrows the candidates to those that lead there.
        any_role: Whether roles are waived, as for a timer.
        asking: Whether a reason or a note that is missing will be asked for, and so refuses nothing.
        for_rules: Whether the playbook itself asks, not a fact: half-lives are aged as for its rules.
    """
    position = state.position
    if position is None:
        return (NOT_STARTED,)
    candidates = position.table.moves.get((position.stage, trigger))
    if candidates is None:
        return (_no_such_move(position, trigger),)
    if target is not None:
        # A target chooses among transitions, never among the routes of a gate on the way. A reopening leads only to the
        # stage that this lead has left.
        rules = {c.edge.index for c in candidates if c.edge.target == target and c.edge.left in (None, position.left)}
        candidates = tuple(c for c in candidates if c.edge.index in rules)
        if not candidates:
            return (_no_such_move(position, trigger),)
    view = JourneyView(state, at, by.roles, brief=True, for_rules=for_rules)
    chosen, refusals = _choose(candidates, view, target)
    edge = chosen or candidates[0].edge
    rule = edge.rule
    if rule.roles and not any_role:
        refusals += _check_role(rule, by)
    if rule.kind is TransitionKind.REENTRY:
        refusals += check_reentry(position, at, view)
    if reason is not None or rule.needs_reason:
        unfit = _check_reason(position.playbook, rule, reason, note)
        refusals += [one for one in unfit if not (asking and one.code is RefusalCode.REASON_MISSING)]
    return tuple(refusals) if refusals else edge


def _choose(
    candidates: tuple[Candidate, ...], view: JourneyView, target: str | None
) -> tuple[Edge | None, list[Refusal]]:
    """Return the first candidate whose guard is true; a guard that breaks ends the search, as on a stock machine."""
    for candidate in candidates:
        try:
            passes = candidate.test is None or candidate.test(view) is True
        except GuardError as error:
            edge = candidate.edge
            message = f"{error.message}, in the guard of {edge.trigger!r} from {edge.source!r}"
            details = {**error.details, "trigger": edge.trigger, "stage": edge.source}
            hint, cause = f"correct the {error.what}", _first_cause(error)
            return None, [Refusal(RefusalCode.GUARD_FAILED, message, hint, details, cause)]
        if passes:
            edge = candidate.edge
            return edge, [] if target in (None, edge.target) else [_leads_elsewhere(edge, target)]
    return None, [_guards_not_met(candidates, view)]


def _first_cause(error: BaseException) -> BaseException:
    """Return the exception of custom code behind one of ours; the error itself where there is none."""
    while isinstance(error, LeadlifeError) and error.__cause__ is not None:
        error = error.__cause__
    return error


def _leads_elsewhere(edge: Edge, target: str | None) -> Refusal:
    through = f"through {', '.join(edge.via)} " if edge.via else ""
    return Refusal(
        RefusalCode.ILLEGAL_MOVE,
        f"{edge.trigger!r} leads {through}to {edge.target!r} now, not to {target!r}",
        "the routes of a gate decide" if edge.via else "the first declared transition whose guard is true is taken",
        {"trigger": edge.trigger, "target": edge.target},
    )


def _no_such_move(position: Position, trigger: str) -> Refusal:
    table, stage, status = position.table, position.stage, position.status
    if any(_reopens(rule, trigger, stage) for rule in position.playbook.lifecycle.transitions):
        return Refusal(
            RefusalCode.CLOSED_STAGE,
            f"nothing leads into {stage!r}, so there is no stage to which {trigger!r} could return",
            "use a move that names its target",
            {"trigger": trigger, "stage": stage, "allowed": table.from_here(stage)},
        )
    if trigger not in table.known:
        return Refusal(
            RefusalCode.UNKNOWN_TRIGGER,
            f"there is no trigger {trigger!r}",
            did_you_mean(trigger, table.triggers),
            {"trigger": trigger, "known": table.triggers},
        )
    allowed = table.from_here(stage)
    details = {"trigger": trigger, "stage": stage, "allowed": allowed}
    hint = f"allowed from here: {', '.join(allowed)}" if allowed else "no transition leads out of here"
    if status.closed:
        message = f"{stage!r} is closed ({status}); {trigger!r} does not lead out of it"
        return Refusal(RefusalCode.CLOSED_STAGE, message, hint, details)
    return Refusal(RefusalCode.ILLEGAL_MOVE, f"{trigger!r} is not a legal move from {stage!r}", hint, details)


def no_way(position: Position, stage: str) -> Refusal:
    """Return the refusal of an import into a stage to which no declared move leads."""
    allowed = tuple(position.table.reach.get(position.stage, {}))
    return Refusal(
        RefusalCode.CLOSED_STAGE if position.status.closed else RefusalCode.ILLEGAL_MOVE,
        f"no declared move leads from {position.stage!r} to {stage!r}",
        f"reachable from here: {', '.join(allowed) or 'nothing'}",
        {"stage": position.stage, "target": stage, "allowed": allowed},
    )


def _reopens(rule: Transition, trigger: str, stage: str) -> bool:
    return (
        rule.trigger == trigger and rule.kind is TransitionKind.REOPEN and rule.target is None and stage in rule.sources
    )


def _guards_not_met(candidates: tuple[Candidate, ...], view: JourneyView) -> Refusal:
    answers = [(c.edge, _verdicts(c.edge, view)) for c in candidates]
    described = [
        {
            "target": edge.target,
            "criterion": " and ".join(verdict.sentence for verdict in verdicts),
            "verdict": "false" if any(verdict.value is False for verdict in verdicts) else "unknown",
            "missing": tuple(missing for verdict in verdicts for missing in verdict.unmet()),
        }
        for edge, verdicts in answers
    ]
    # Of several transitions, each is a way on: what each of them misses is listed by itself.
    between = ", and " if len(described) > 1 else "; "
    ways = [between.join(text for verdict in verdicts for text in verdict.unmet()) for _, verdicts in answers]
    missing = "; or: ".join(dict.fromkeys(ways))
    first = candidates[0].edge
    return Refusal(
        RefusalCode.GUARD_NOT_MET,
        f"{first.trigger!r} from {first.source!r} is not met: {missing}",
        "unknown means that no fact answers it" if ": unknown" in missing else "",
        {"trigger": first.trigger, "candidates": described},
    )


def _verdicts(edge: Edge, view: JourneyView) -> tuple[Verdict, ...]:
    verdicts = [verdict_of(guard, view) for guard in edge.guards]
    if edge.left is not None:
        verdicts.insert(0, Verdict(f"{edge.left} is the stage that was left", view.left == edge.left))
    return tuple(verdicts)


def _check_role(rule: Transition, by: Actor) -> list[Refusal]:
    if any(role in rule.roles for role in by.roles):
        return []
    return [
        not_permitted(f"{rule.trigger!r} is for {' or '.join(rule.roles)}", rule.roles, by, {"trigger": rule.trigger})
    ]


def may_ever_fire(playbook: Playbook, trigger: str, by: Actor) -> bool:
    """Return whether an actor has the role for a trigger anywhere; else an order of theirs would wait for ever."""
    rules = (rule for rule in playbook.lifecycle.transitions if rule.trigger == trigger)
    return any(not rule.roles or not set(rule.roles).isdisjoint(by.roles) for rule in rules)


def not_permitted(message: str, roles: tuple[str, ...], by: Actor, details: dict[str, Any]) -> Refusal:
    """Return the refusal of an actor who has none of the roles."""
    passed = f"has the role {' and '.join(by.roles)}" if by.roles else "has no role"
    near = next((found for role in by.roles if (found := suggestion(role, roles))), None)
    hint = f"did you mean {near!r}?" if near else f"pass by=Actor(id={by.id!r}, roles=[{roles[0]!r}])"
    details = {**details, "roles": roles, "passed": by.roles}
    return Refusal(RefusalCode.NOT_PERMITTED, f"{message}, and {by.id!r} {passed}", hint, details)


def check_reentry(position: Position, at: datetime, view: JourneyView) -> list[Refusal]:
    """Return why a reentry out of the present stage is refused for now: cool-down, then recycle limit."""
    stage = position.definition
    refusals: list[Refusal] = []
    until, rule = cool_down_end(position), _recycling_rule(position)
    if until is not None and at < until and not _is_woken(rule, view):
        refusals.append(
            Refusal(
                RefusalCode.COOLING_DOWN,
                f"the lead is cooling down in {stage.id!r} until {until.isoformat()}",
                "wait, or use a move of another kind if the need is urgent",
                {"until": until, "stage": stage.id},
            )
        )
    limit, number = stage.reentry_limit, position.reentries()
    if rule is not None and rule.most_returns is not None and position.reentries(rule.reasons) >= rule.most_returns:
        limit, number = rule.most_returns, rule.most_returns
    if limit is not None and number >= limit:
        refusals.append(
            Refusal(
                RefusalCode.RECYCLE_LIMIT,
                f"the lead has returned from {stage.id!r} {limit} times since the last win",
                "only a skip or an exit leads on",
                {"limit": limit, "stage": stage.id},
            )
        )
    return refusals


def _recycling_rule(position: Position) -> RecyclingRule | None:
    """Return the rule of the reason for which the lead was recycled."""
    if position.reason is None or position.status is not StageStatus.RECYCLED:
        return None
    return position.playbook.recycling_by_reason.get(position.reason)


def _is_woken(rule: RecyclingRule | None, view: JourneyView) -> bool:
    """Return whether a lead has given reason to be asked before its cool-down is over."""
    if rule is None or rule.woken_by is None:
        return False
    try:
        return rule.woken_by.predicate(view) is True
    except GuardError:
        return False  # custom code that broke wakes nobody


def cool_down_end(position: Position) -> datetime | None:
    """Return when the present stage's cool-down is over; None where there is none."""
    rule = _recycling_rule(position)
    cool_down = position.definition.cool_down if rule is None or rule.cool_down is None else rule.cool_down
    return None if cool_down is None else due(position.entered, cool_down, position.playbook.zone_info)


def _check_reason(playbook: Playbook, rule: Transition, reason: str | None, note: str | None) -> list[Refusal]:
    lifecycle = playbook.lifecycle
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
        hint = "pass note= with an explanation"
        return [Refusal(RefusalCode.REASON_MISSING, f"reason {reason!r} needs a note", hint, details)]
    return []


def check_entry(
    state: State, playbook: Playbook, stage: str, *, at: datetime, by: Actor, referral: bool, source: Source | None
) -> tuple[Refusal, ...]:
    """Return why a journey may not begin at a stage; empty where it may."""
    view = JourneyView(state, at, by.roles, playbook=playbook, source=source)
    entries = playbook.lifecycle.entries_for(referral=referral)
    if any(entry.stage == stage and _is_open(entry, view) for entry in entries):
        return ()
    guard = next((entry.guard for entry in entries if entry.stage == stage), None)
    if guard is None:
        names = tuple(dict.fromkeys(entry.stage for entry in entries))
        hint = f"it may begin at: {', '.join(names)}"
        return (Refusal(RefusalCode.ILLEGAL_MOVE, f"no journey begins at {stage!r}", hint, {"entries": names}),)
    sentence = guard.sentence()
    message = f"to begin at {stage!r} needs: {sentence}"
    return (Refusal(RefusalCode.GUARD_NOT_MET, message, "", {"criterion": sentence}),)


def best_entry(
    state: State, playbook: Playbook, *, at: datetime, by: Actor, referral: bool, source: Source | None
) -> str:
    """Return the first stage at which the journey may begin."""
    view = JourneyView(state, at, by.roles, playbook=playbook, source=source)
    entries = playbook.lifecycle.entries_for(referral=referral)
    return next((entry.stage for entry in entries if _is_open(entry, view)), playbook.lifecycle.first.stage)


def _is_open(entry: EntryStage, view: JourneyView) -> bool:
    try:
        return entry.guard is None or entry.guard.test(view) is True
    except GuardError:
        return False  # a guard that breaks opens no door
