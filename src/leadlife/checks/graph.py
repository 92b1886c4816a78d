"""Findings about the graph of stages: unreachable stages, traps, no path to won, endless loops, missing time limits."""

from __future__ import annotations

from collections.abc import Iterator

from leadlife.checks.finding import Code, Finding
from leadlife.checks.proofs import Goal, Proof
from leadlife.checks.walks import Step, Walks, WalkState, joined, story_of
from leadlife.criteria import Criterion
from leadlife.lifecycle.stages import Stage, StageStatus, StageType
from leadlife.lifecycle.transitions import TransitionKind
from leadlife.lifecycle.validation import circles
from leadlife.playbook.playbook import Playbook

Nearest = dict[str, tuple[WalkState, tuple[Step, ...]]]
_MOST_MOVES_NAMED = 3


def graph_findings(walks: Walks) -> Iterator[Finding]:
    """Yield every finding about the graph, in reading order."""
    nearest = _nearest(walks)
    yield from _unreachable(walks, nearest)
    trapped = set[str]()
    for finding, stage in _traps(walks):
        trapped.add(stage)
        yield finding
    yield from _no_path_to_won(walks, trapped)
    yield from _no_time_limit(walks, nearest)
    yield from _recycling(walks, nearest)
    yield from _unlimited_returns(walks, nearest)
    yield from _limits(walks)
    yield from _avoidable(walks)
    yield from _chases(walks)


def place_of(walks: Walks, stage: str) -> str:
    """Return the path to a stage in the definition, such as ``lifecycle.stages.3``."""
    return f"lifecycle.stages.{list(walks.lifecycle.by_id).index(stage)}"


def _story(state: WalkState, path: tuple[Step, ...]) -> tuple[str, ...]:
    return story_of(path[0].edge.source if path else state.stage, path)


def _nearest(walks: Walks) -> Nearest:
    """Return each stage that leads can reach, with its first state and a shortest path to it."""
    nearest: Nearest = {}
    # The search is breadth first, so the first state of a stage is one that is reached by a shortest path.
    for state, path in walks.paths.items():
        nearest.setdefault(state.stage, (state, path))
    return nearest


def _unreachable(walks: Walks, nearest: Nearest) -> Iterator[Finding]:
    # A gate is never a state of its own: a lead passes it within one move.
    passed = {gate for state in walks.paths for step in walks.next_steps(state) for gate in step.edge.via}
    for stage in walks.lifecycle.stages:
        if stage.id in nearest or stage.id in passed:
            continue
        edges = [edge for edge in walks.lifecycle.edges if edge.target == stage.id or stage.id in edge.via]
        if edges:
            why = " and ".join(
                f"no lead can make {edge.trigger!r} from {edge.source}"
                if edge.source in nearest
                else f"{edge.trigger!r} leads out of {edge.source}, which no lead reaches"
                for edge in edges[:_MOST_MOVES_NAMED]
            )
            hint = "check the guards on the way, or remove the stage"
        else:
            why, hint = "no move leads there", "add a transition that leads to it, or remove the stage"
        yield Finding(Code.UNREACHABLE, place_of(walks, stage.id), f"no lead reaches {stage.id!r}: {why}", (), hint)


def _traps(walks: Walks) -> Iterator[tuple[Finding, str]]:
    seen = set[str]()
    for state, path in walks.paths.items():
        stage = walks.lifecycle.by_id[state.stage]
        if stage.status.closed or stage.id in seen:
            continue
        if any(step.state.stage != state.stage for step in walks.next_steps(state)):
            continue
        seen.add(stage.id)
        story = (*_story(state, path), "and no move is possible")
        returns = sum(state.used)
        when = f" after {returns} return{'s' * (returns != 1)}" if returns else ""
        if returns and walks.shortened:
            # The search followed only the first returns, so their number would be wrong.
            when = " after all returns are used up"
            story = (*story[:-1], "and so on, until no return is left", story[-1])
        message = f"leads cannot leave {stage.id!r}{when}"
        hint = "add a move out that every lead can make, such as disqualify"
        yield Finding(Code.TRAP, place_of(walks, stage.id), message, story, hint), stage.id


def _no_path_to_won(walks: Walks, trapped: set[str]) -> Iterator[Finding]:
    won = {stage.id for stage in walks.lifecycle.stages if stage.status is StageStatus.WON}
    if not won:
        hint = "give one stage the status won"
        message = "no stage has the status won, so there is no funnel to count"
        yield Finding(Code.NO_WON_STAGE, "lifecycle.stages", message, (), hint)
        return
    # A trap has a finding already. And a stage is fine if at least one of its states has a path to won.
    done = trapped | {state.stage for state in _states_before_won(walks, won)}
    for state, path in walks.paths.items():
        stage = walks.lifecycle.by_id[state.stage]
        if stage.status.closed or stage.id in done:
            continue
        done.add(stage.id)
        message = f"no path leads from {stage.id!r} to a won stage"
        story = (*_story(state, path), "and no lead is won from here")
        yield Finding(Code.NO_PATH_TO_WON, place_of(walks, stage.id), message, story, "add a path to a won stage")


def _states_before_won(walks: Walks, won: set[str]) -> set[WalkState]:
    """Return the states from which a lead can reach a won stage."""
    # Search backwards from the won stages: one pass over all moves instead of one search per state.
    before: dict[WalkState, list[WalkState]] = {}
    for state in walks.paths:
        for step in walks.next_steps(state):
            before.setdefault(step.state, []).append(state)
    waiting = [state for state in walks.paths if state.stage in won]
    reached = set(waiting)
    while waiting:
        for state in before.get(waiting.pop(), ()):
            if state not in reached:
                reached.add(state)
                waiting.append(state)
    return reached


def _no_time_limit(walks: Walks, nearest: Nearest) -> Iterator[Finding]:
    for stage in walks.lifecycle.stages:
        if stage.id in nearest and stage.status is StageStatus.OPEN and stage.type is StageType.INVENTORY:
            message = f"a lead may stay in {stage.id!r} forever: the stage has no time limit"
            story = (*_story(*nearest[stage.id]), "and nothing ends the visit")
            hint = "give the stage a limit, or explain in its meaning why leads may stay"
            yield Finding(Code.NO_TIMED_EXIT, place_of(walks, stage.id), message, story, hint)


def _recycling(walks: Walks, nearest: Nearest) -> Iterator[Finding]:
    for stage in walks.lifecycle.stages:
        back = [edge for edge in walks.edges_from(stage.id) if edge.rule.kind is TransitionKind.REENTRY]
        if stage.status is not StageStatus.RECYCLED or stage.id not in nearest or not back:
            continue
        once = (*_story(*nearest[stage.id]), f"{back[0].trigger} to {back[0].target}")
        where = place_of(walks, stage.id)
        if stage.reentry_limit is None:
            message, hint = f"leads may return from {stage.id!r} without limit", "give the stage a reentry_limit"
            yield Finding(Code.ENDLESS_RECYCLING, where, message, (*once, "and again, without limit"), hint)
        if stage.cool_down is None:
            message, hint = f"leads may return from {stage.id!r} at once", "give the stage a cool_down"
            yield Finding(Code.NO_COOL_DOWN, where, message, (*once, "at the same instant"), hint)


def _unlimited_returns(walks: Walks, nearest: Nearest) -> Iterator[Finding]:
    """Yield the returns that no reentry_limit counts: skips out of a recycled stage, and returns out of lost ones.

    A guard on newer evidence, a role or a reason holds them back; reopening corrects a closing and is not a return.
    """
    for stage in walks.lifecycle.stages:
        recycled = stage.status is StageStatus.RECYCLED
        if stage.id not in nearest or not (recycled or stage.status in (StageStatus.LOST, StageStatus.DISQUALIFIED)):
            continue
        kinds = (TransitionKind.SKIP,) if recycled else (TransitionKind.REENTRY, TransitionKind.REPEAT)
        for edge in walks.edges_from(stage.id):
            rule, target = edge.rule, walks.lifecycle.by_id.get(edge.target or "")
            free = not (rule.guard is not None or rule.roles or rule.needs_reason)
            if rule.kind in kinds and free and target is not None and target.status is StageStatus.OPEN:
                message = f"leads may return from {stage.id!r} by {edge.trigger!r} without limit: no reentry is counted"
                story = (*_story(*nearest[stage.id]), f"{edge.trigger} to {edge.target}", "and again, without limit")
                hint = "guard the move, give it roles or a reason, or lead it through a recycled stage"
                yield Finding(Code.ENDLESS_RECYCLING, f"lifecycle.transitions.{edge.index}", message, story, hint)
                break


def _limits(walks: Walks) -> Iterator[Finding]:
    """Yield the limits that may come due and leave the lead where it is."""
    for stage in walks.lifecycle.stages:
        if stage.limit is None:
            continue
        where, trigger = f"{place_of(walks, stage.id)}.limit", stage.limit.trigger
        edges = walks.candidates.get((stage.id, trigger), ())
        if any(edge.target is None for edge in edges):
            message = f"the limit of {stage.id!r} does not end the visit: {trigger!r} may be an internal move"
            yield Finding(Code.LIMIT_MAY_WAIT, where, message, (), "let the limit lead to another stage")
        guards = [joined(edge.guards) for edge in edges if edge.guards and edge.left is None]
        if len(guards) < len(edges):
            continue
        found = walks.together([Goal(guard, False) for guard in guards], stage.id)
        if found.proof is not Proof.IMPOSSIBLE:
            message = f"the limit of {stage.id!r} may come due and wait: the guard of {trigger!r} need not be true then"
            story = (
                f"in {stage.id}",
                *found.witness,
                "the limit comes due",
                "the lead stays until the guard is true",
            )
            hint = "add a move of this trigger without a guard, or let the limit fire another one"
            yield Finding(Code.LIMIT_MAY_WAIT, where, message, story, hint)


def _avoidable(walks: Walks) -> Iterator[Finding]:
    for stage in walks.lifecycle.stages:
        if stage.must_pass:
            yield from _ways_around(walks, stage)


def _ways_around(walks: Walks, stage: Stage) -> Iterator[Finding]:
    """Yield a finding if leads can be won without passing a stage: the search runs on a graph without it."""

    def passes(step: Step) -> bool:
        return stage.id in (step.edge.target, *step.edge.via)

    starts = [state for state in walks.starts() if state.stage != stage.id]
    for state, path in walks.search(starts, avoiding=passes).items():
        if walks.lifecycle.by_id[state.stage].status is StageStatus.WON:
            where, story = place_of(walks, stage.id), _story(state, path)
            if any(_reads_cycle(guard, walks.playbook) for step in path for guard in step.edge.guards):
                # The search looks at one move at a time, and does not know in which cycle a lead is.
                message = f"whether a lead can be won without passing {stage.id!r} depends on the cycle: not checked"
                yield Finding(Code.NOT_DECIDED, where, message, story, "guard the way around it by something else")
                return
            message = f"a lead can be won without passing {stage.id!r}"
            hint = "guard the way around it, or remove that way"
            yield Finding(Code.CAN_BE_AVOIDED, where, message, story, hint)
            return


def _reads_cycle(criterion: Criterion, playbook: Playbook | None) -> bool:
    """Return whether an answer depends on the number of the cycle, directly or through qualifications."""
    rules = {} if playbook is None else playbook.qualification_by_name
    waiting, seen = [criterion], set[str]()
    while waiting:
        for topic, name in waiting.pop().inputs():
            if topic == "cycle":
                return True
            if topic == "qualification" and name in rules and name not in seen:
                seen.add(name)
                waiting += [inner for _, inner in rules[name].criteria()]
    return False


def _chases(walks: Walks) -> Iterator[Finding]:
    """Yield the circles of moves that facts of one kind fire: each such fact moves a lead one step further."""
    kinds = dict.fromkeys(rule.on for rule in walks.lifecycle.transitions if rule.on is not None)
    for kind in kinds:
        targets: dict[str, list[str]] = {}
        first: dict[str, int] = {}
        for stage in walks.lifecycle.by_id:
            for edge in walks.edges_from(stage):
                if edge.rule.on == kind and edge.target not in (None, edge.source):
                    targets.setdefault(edge.source, []).append(edge.target or "")
                    first.setdefault(edge.source, edge.index)
        for circle in circles(targets):
            message = f"facts of kind {kind!r} move a lead in a circle: {' > '.join(circle)}"
            hint = "let another kind of fact fire one of these moves, or guard it"
            yield Finding(Code.CHASE, f"lifecycle.transitions.{first[circle[0]]}", message, circle, hint)
