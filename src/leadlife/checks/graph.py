"""What the graph of stages shows: stages nobody reaches, traps, no way to won, and what time does not end."""

from __future__ import annotations

from collections.abc import Iterator

from leadlife.checks.finding import Code, Finding
from leadlife.checks.walks import Spot, Step, Walks, told
from leadlife.lifecycle.stages import Stage, StageStatus, StageType
from leadlife.lifecycle.transitions import TransitionKind
from leadlife.lifecycle.validation import circles


def graph_findings(walks: Walks) -> Iterator[Finding]:
    """Yield everything that the graph shows, in reading order."""
    nearest = _nearest(walks)
    yield from _unreachable(walks, nearest)
    stuck = set[str]()
    for finding, stage in _traps(walks):
        stuck.add(stage)
        yield finding
    yield from _no_way_to_won(walks, stuck)
    yield from _untimed(walks, nearest)
    yield from _recycling(walks, nearest)
    yield from _avoided(walks)
    yield from _chases(walks)


def place_of(walks: Walks, stage: str) -> str:
    """Return the path to a stage."""
    return f"lifecycle.stages.{list(walks.lifecycle.by_id).index(stage)}"


def _story(way: tuple[Step, ...], spot: Spot) -> tuple[str, ...]:
    start = way[0].edge.source if way else spot.stage
    return told(start, way)


def _nearest(walks: Walks) -> dict[str, tuple[Spot, tuple[Step, ...]]]:
    """Return each stage that is reached, with a shortest way there."""
    found: dict[str, tuple[Spot, tuple[Step, ...]]] = {}
    for spot, way in walks.ways.items():
        found.setdefault(spot.stage, (spot, way))
    return found


def _unreachable(walks: Walks, nearest: dict[str, tuple[Spot, tuple[Step, ...]]]) -> Iterator[Finding]:
    passed = {gate for spot in walks.ways for step in walks.onward(spot) for gate in step.edge.via}
    for stage in walks.lifecycle.stages:
        if stage.id in nearest or stage.id in passed:
            continue
        leading = [edge for edge in walks.lifecycle.edges if edge.target == stage.id or stage.id in edge.via]
        if not leading:
            why, hint = "no move leads there", "give it a transition that leads in, or take it out"
        else:
            ways = "; ".join(
                f"{edge.trigger} from {edge.source}: "
                + ("nobody reaches that stage" if edge.source not in nearest else "nobody can make this move")
                for edge in leading[:3]
            )
            why, hint = ways, "look at the guards on the way, or take it out"
        yield Finding(Code.UNREACHABLE, place_of(walks, stage.id), f"nobody reaches {stage.id!r}: {why}", (), hint)


def _traps(walks: Walks) -> Iterator[tuple[Finding, str]]:
    seen = set[str]()
    for spot, way in walks.ways.items():
        stage = walks.lifecycle.by_id[spot.stage]
        if stage.status.closed or stage.id in seen:
            continue
        if any(step.spot.stage != spot.stage for step in walks.onward(spot)):
            continue
        seen.add(stage.id)
        story = (*_story(way, spot), "and now nothing can happen")
        returns = sum(spot.used)
        when = f" after {returns} return{'s' * (returns != 1)}" if returns else ""
        if returns and walks.shortened:
            when = " once all returns are used up"
            story = (*story[:-1], "and so on, until no return is left", story[-1])
        hint = "give it a way out that every lead can take, such as disqualify"
        yield Finding(Code.TRAP, place_of(walks, stage.id), f"{stage.id!r} has no way on{when}", story, hint), stage.id


def _no_way_to_won(walks: Walks, stuck: set[str]) -> Iterator[Finding]:
    won = {stage.id for stage in walks.lifecycle.stages if stage.status is StageStatus.WON}
    if not won:
        hint = 'give one stage status="won"'
        yield Finding(Code.NO_WON_STAGE, "lifecycle.stages", "no stage is won, so no funnel can be told", (), hint)
        return
    told_of = stuck | {spot.stage for spot in _hopeful(walks, won)}
    for spot, way in walks.ways.items():
        stage = walks.lifecycle.by_id[spot.stage]
        if stage.status in (StageStatus.LOST, StageStatus.DISQUALIFIED) or stage.id in told_of:
            continue
        told_of.add(stage.id)
        story = (*_story(way, spot), "and from here nobody is ever won")
        where, hint = place_of(walks, stage.id), "give it a way that leads to a won stage"
        yield Finding(Code.NO_PATH_TO_WON, where, f"from {stage.id!r} no way leads to won", story, hint)


def _hopeful(walks: Walks, won: set[str]) -> set[Spot]:
    """Return the spots from which a won stage can be reached."""
    before: dict[Spot, list[Spot]] = {}
    for spot in walks.ways:
        for step in walks.onward(spot):
            before.setdefault(step.spot, []).append(spot)
    waiting = [spot for spot in walks.ways if spot.stage in won]
    found = set(waiting)
    while waiting:
        for spot in before.get(waiting.pop(), ()):
            if spot not in found:
                found.add(spot)
                waiting.append(spot)
    return found


def _untimed(walks: Walks, nearest: dict[str, tuple[Spot, tuple[Step, ...]]]) -> Iterator[Finding]:
    for stage in walks.lifecycle.stages:
        if stage.id in nearest and stage.status is StageStatus.OPEN and stage.type is StageType.INVENTORY:
            spot, way = nearest[stage.id]
            story = (*_story(way, spot), "and nobody decides")
            says = f"a lead may stay in {stage.id!r} for ever: no time limit ends it"
            hint = "give it limit=Limit(after=..., trigger=...), or say in its meaning why it holds leads"
            yield Finding(Code.NO_TIMED_EXIT, place_of(walks, stage.id), says, story, hint)


def _recycling(walks: Walks, nearest: dict[str, tuple[Spot, tuple[Step, ...]]]) -> Iterator[Finding]:
    for stage in walks.lifecycle.stages:
        back = [edge for edge in walks.edges_from(stage.id) if edge.rule.kind is TransitionKind.REENTRY]
        if stage.status is not StageStatus.RECYCLED or stage.id not in nearest or not back:
            continue
        spot, way = nearest[stage.id]
        once = (*_story(way, spot), f"{back[0].trigger} to {back[0].target}")
        where = place_of(walks, stage.id)
        if stage.reentry_limit is None:
            says, hint = f"leads may return from {stage.id!r} without end", "give it a reentry_limit"
            yield Finding(Code.ENDLESS_RECYCLING, where, says, (*once, "and again, without end"), hint)
        if stage.cool_down is None:
            says, hint = f"leads in {stage.id!r} are not left in peace", "give it a cool_down"
            yield Finding(Code.NO_COOL_DOWN, where, says, (*once, "at the same instant"), hint)


def _avoided(walks: Walks) -> Iterator[Finding]:
    for stage in walks.lifecycle.stages:
        if stage.must_pass:
            yield from _ways_around(walks, stage)


def _ways_around(walks: Walks, stage: Stage) -> Iterator[Finding]:
    def crosses(step: Step) -> bool:
        return stage.id in (step.edge.target, *step.edge.via)

    starts = [spot for spot in walks.starts() if spot.stage != stage.id]
    around = walks.search(starts, avoiding=crosses)
    for spot, way in around.items():
        if walks.lifecycle.by_id[spot.stage].status is StageStatus.WON:
            says = f"a lead can be won without passing {stage.id!r}"
            hint = "guard the way around it, or take it out"
            yield Finding(Code.CAN_BE_AVOIDED, place_of(walks, stage.id), says, _story(way, spot), hint)
            return


def _chases(walks: Walks) -> Iterator[Finding]:
    """Yield circles of moves that facts of one kind fire: the same fact, again and again, sends leads round."""
    kinds = dict.fromkeys(rule.on for rule in walks.lifecycle.transitions if rule.on is not None)
    for kind in kinds:
        onward: dict[str, list[str]] = {}
        first: dict[str, int] = {}
        for stage in walks.lifecycle.by_id:
            for edge in walks.edges_from(stage):
                if edge.rule.on == kind and edge.target not in (None, edge.source):
                    onward.setdefault(edge.source, []).append(edge.target or "")
                    first.setdefault(edge.source, edge.index)
        for circle in circles(onward):
            says = f"facts of kind {kind!r} move a lead in a circle: {' > '.join(circle)}"
            hint = "let one of these moves be fired by something else, or guard it"
            yield Finding(Code.CHASE, f"lifecycle.transitions.{first[circle[0]]}", says, circle, hint)
