"""What makes a lifecycle invalid: every fault that its declaration alone proves, each with its path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from leadlife.criteria import Criterion, CustomGuard, leaves_of
from leadlife.errors import Fault, did_you_mean, repeated
from leadlife.lifecycle.edges import expand, expand_sources, landings
from leadlife.lifecycle.stages import EntryStage, Limit, Reason, Stage, StageStatus, StageType
from leadlife.lifecycle.transitions import EVERY_OPEN_STAGE, FIRING, Transition, TransitionKind

MOST_EDGES = 20_000
_NEEDS_TARGET = (
    TransitionKind.EXIT,
    TransitionKind.RECYCLE,
    TransitionKind.REENTRY,
    TransitionKind.REPEAT,
    TransitionKind.CHURN,
)
_LEADS_TO = {
    TransitionKind.RECYCLE: StageStatus.RECYCLED,
    TransitionKind.REENTRY: StageStatus.OPEN,
    TransitionKind.CHURN: StageStatus.CHURNED,
}
"""The status of the stages that some kinds lead to."""


def lifecycle_faults(
    declared: tuple[Stage, ...],
    transitions: tuple[Transition, ...],
    entries: Mapping[str, tuple[EntryStage, ...]],
    reasons: tuple[Reason, ...],
) -> list[Fault]:
    """Return everything wrong with a lifecycle, in reading order."""
    faults = list(repeated("stages", [stage.id for stage in declared]))
    faults += repeated("reasons", [reason.id for reason in reasons])
    faults += _alias_faults(declared)
    stages = {stage.id: stage for stage in declared}
    named = {reason.id: reason for reason in reasons}
    for place, stage in enumerate(declared):
        faults += _stage_faults(f"stages.{place}", stage, stages, transitions, named)
    for place, rule in enumerate(transitions):
        faults += _transition_faults(f"transitions.{place}", rule, stages, named)
    faults += _entry_faults(entries, stages)
    if not faults:
        faults += _gatecircles(stages)
    if not faults and sum(1 for _ in islice(expand(stages, transitions), MOST_EDGES + 1)) > MOST_EDGES:
        faults.append(Fault("transitions", f"more than {MOST_EDGES:,} moves once gates and wildcards are written out"))
    if not faults:
        faults += _timedcircles(transitions, stages)
    return faults


def _alias_faults(declared: tuple[Stage, ...]) -> Iterator[Fault]:
    owners: dict[str, str] = {}
    ids = {stage.id for stage in declared}
    for place, stage in enumerate(declared):
        for number, alias in enumerate(stage.aliases):
            path = f"stages.{place}.aliases.{number}"
            if alias in ids:
                yield Fault(path, f"{alias!r} is the id of a stage, so it cannot be a former one")
            elif owners.setdefault(alias, stage.id) != stage.id:
                yield Fault(path, f"{alias!r} is a former id of {owners[alias]!r} already")


def _known(path: str, name: str, names: Iterable[str]) -> Iterator[Fault]:
    if name not in names:
        yield Fault(path, f"{name!r} is not declared", did_you_mean(name, names))


def _stage_faults(
    path: str,
    stage: Stage,
    stages: Mapping[str, Stage],
    transitions: tuple[Transition, ...],
    reasons: Mapping[str, Reason],
) -> Iterator[Fault]:
    if stage.type is StageType.GATE:
        yield from _gate_faults(path, stage, stages)
    elif stage.routes or stage.default is not None:
        yield Fault(path, "only a gate has routes and a default", 'set type="gate"')
    if stage.type is StageType.SLA and stage.limit is None:
        yield Fault(path, "a stage of type sla needs a limit", 'add limit=Limit(after=days(14), trigger="drop")')
    if stage.limit is not None:
        if stage.type is not StageType.SLA:
            yield Fault(f"{path}.limit", f"a stage of type {stage.type} has no limit", 'set type="sla"')
        leading_out = dict.fromkeys(
            rule.trigger
            for rule in transitions
            if (rule.sources == EVERY_OPEN_STAGE and not stage.status.closed) or stage.id in rule.sources
        )
        if stage.limit.trigger not in leading_out:
            message = f"no transition {stage.limit.trigger!r} leads out of {stage.id!r}"
            yield Fault(f"{path}.limit.trigger", message, did_you_mean(stage.limit.trigger, leading_out))
        if stage.limit.reason is not None:
            yield from _known(f"{path}.limit.reason", stage.limit.reason, reasons)
        yield from _reason_faults(path, stage, stage.limit, transitions, reasons)
    if stage.status is not StageStatus.RECYCLED and (stage.cool_down or stage.reentry_limit is not None):
        yield Fault(
            path, "only a recycled stage has a cool-down or a reentry limit", 'set status="recycled", or take them out'
        )
    if stage.status.off_path and stage.on_path:
        yield Fault(
            f"{path}.on_path", f"a stage of status {stage.status} is not on the success path", "take on_path out"
        )


def _reason_faults(
    path: str, stage: Stage, limit: Limit, transitions: tuple[Transition, ...], reasons: Mapping[str, Reason]
) -> Iterator[Fault]:
    """A timer brings its own reason and no note: what it fires must be content with that."""
    for rule in transitions:
        if rule.trigger != limit.trigger or (rule.sources != EVERY_OPEN_STAGE and stage.id not in rule.sources):
            continue
        listed = rule.reasons or tuple(reasons)
        if rule.needs_reason and limit.reason is None:
            yield Fault(f"{path}.limit", f"{rule.trigger!r} needs a reason, and the limit gives none")
        elif limit.reason is not None and listed and limit.reason not in listed and limit.reason in reasons:
            yield Fault(f"{path}.limit.reason", f"{limit.reason!r} is not a reason for {rule.trigger!r}")
        elif limit.reason is not None and limit.reason in reasons and reasons[limit.reason].needs_note:
            yield Fault(f"{path}.limit.reason", f"{limit.reason!r} needs a note, and a limit gives none")


def _gate_faults(path: str, stage: Stage, stages: Mapping[str, Stage]) -> Iterator[Fault]:
    if stage.default is None:
        yield Fault(
            path, "a gate needs a default: a lead must always be able to go somewhere", "name a stage in default"
        )
    else:
        yield from _known(f"{path}.default", stage.default, stages)
    for place, route in enumerate(stage.routes):
        yield from _known(f"{path}.routes.{place}.target", route.target, stages)
        yield from unbound_faults(f"{path}.routes.{place}.guard", route.guard)
    if stage.status is not StageStatus.OPEN:
        yield Fault(f"{path}.status", "a gate holds nobody, so its status is open")


def _transition_faults(
    path: str, rule: Transition, stages: Mapping[str, Stage], reasons: Mapping[str, Reason]
) -> Iterator[Fault]:
    yield from _target_faults(path, rule, stages)
    if isinstance(rule.sources, tuple):
        for place, source in enumerate(rule.sources):
            yield from _known(f"{path}.sources.{place}", source, stages)
            if source in stages:
                yield from _source_faults(f"{path}.sources.{place}", rule, stages[source], stages)
    elif rule.has_kind and rule.kind.leaves_closed and rule.kind is not TransitionKind.RECYCLE:
        yield Fault(f"{path}.sources", f"a {rule.kind} leads out of named stages, not out of every open one")
    yield from _reasons_faults(path, rule, reasons)
    if rule.on is not None:
        yield from _known(f"{path}.on", rule.on, FIRING)
    elif rule.pending:
        yield Fault(f"{path}.pending", "only what a kind of fact fires can wait", 'give the kind, such as on="sold"')
    if rule.automatic:
        yield from _automatic_faults(path, rule, stages, reasons)
    if rule.guard is not None:
        yield from unbound_faults(f"{path}.guard", rule.guard)


def _reasons_faults(path: str, rule: Transition, reasons: Mapping[str, Reason]) -> Iterator[Fault]:
    for place, reason in enumerate(rule.reasons):
        yield from _known(f"{path}.reasons.{place}", reason, reasons)
    if rule.on is not None and rule.needs_reason:
        yield Fault(f"{path}.on", "a fact brings no reason, so it can never fire what needs one")
    if rule.needs_reason and not reasons:
        yield Fault(f"{path}.needs_reason", "a reason is needed, but none is declared", "add reasons")


def _automatic_faults(
    path: str, rule: Transition, stages: Mapping[str, Stage], reasons: Mapping[str, Reason]
) -> Iterator[Fault]:
    """What moves by itself has a guard to wait for, leads elsewhere, and brings its own reason."""
    if rule.guard is None:
        hint = "give a guard, or make the stage a gate"
        yield Fault(
            f"{path}.automatic", "an automatic move needs a guard: without one, no lead stays in the stage", hint
        )
    if rule.target is None or _returns(rule, stages):
        yield Fault(f"{path}.automatic", "an automatic move leads to another stage", "name another target")
    if rule.on is not None:
        yield Fault(f"{path}.on", "an automatic move is fired by its guard, not by a kind of fact", "take on out")
    if rule.needs_reason:
        if len(rule.reasons) != 1:
            yield Fault(f"{path}.reasons", "an automatic move that needs a reason brings exactly one", "reasons=(...,)")
        elif rule.reasons[0] in reasons and reasons[rule.reasons[0]].needs_note:
            yield Fault(f"{path}.reasons.0", f"{rule.reasons[0]!r} needs a note, and an automatic move gives none")


def _returns(rule: Transition, stages: Mapping[str, Stage]) -> bool:
    """Return whether a move may end where it began, directly or through a gate."""
    if rule.target not in stages or any(route not in stages for route in _routes(stages)):
        return False  # reported elsewhere
    sources = expand_sources(stages, rule) if rule.sources == EVERY_OPEN_STAGE else rule.sources
    return bool(landings(stages, rule.target or "") & set(sources))


def _routes(stages: Mapping[str, Stage]) -> Iterator[str]:
    for stage in stages.values():
        yield from (route.target for route in stage.routes)
        if stage.default is not None:
            yield stage.default


def _target_faults(path: str, rule: Transition, stages: Mapping[str, Stage]) -> Iterator[Fault]:
    if rule.target is None:
        if rule.has_kind and rule.kind in _NEEDS_TARGET:
            yield Fault(f"{path}.target", f"kind {rule.kind} needs a target", "name the stage that it leads to")
        return
    yield from _known(f"{path}.target", rule.target, stages)
    if not rule.has_kind or rule.target not in stages:
        return
    wanted = _LEADS_TO.get(rule.kind)
    ends = {stages[name].status for name in landings(stages, rule.target) if name in stages}
    if wanted is not None and ends - {wanted}:
        hint = "name a stage of that status, or leave the kind out to have it implied"
        yield Fault(f"{path}.target", f"kind {rule.kind} leads to a stage of status {wanted}", hint)
    elif wanted is not StageStatus.CHURNED and StageStatus.CHURNED in ends:
        hint = "let it lead out of won stages, with kind churn; a lead that never bought is lost or disqualified"
        yield Fault(f"{path}.target", f"only a customer churns, so kind {rule.kind} does not lead there", hint)


def _source_faults(path: str, rule: Transition, source: Stage, stages: Mapping[str, Stage]) -> Iterator[Fault]:
    if source.type is StageType.GATE:
        yield Fault(path, "a gate is left by its routes, not by a transition")
    if not rule.has_kind:
        return  # reported with the kinds
    if source.status.closed and not rule.kind.leaves_closed:
        yield Fault(
            path,
            f"{source.id!r} is closed ({source.status}); kind {rule.kind} does not lead out of it",
            "use reentry, repeat, reopen or recycle; out of a won stage also churn",
        )
    elif source.status is StageStatus.CHURNED and rule.kind is not TransitionKind.REPEAT:
        hint = 'write kind="repeat" for a win-back; a churn that was recorded by mistake is retracted'
        yield Fault(path, f"{source.id!r} is churned; kind {rule.kind} does not lead out of it", hint)
    elif source.status is StageStatus.CHURNED and not _wins_back(rule.target, stages):
        yield Fault(path, f"{source.id!r} is churned, so a move out of it leads to an open or a won stage")
    elif rule.kind is TransitionKind.CHURN and source.status is not StageStatus.WON:
        yield Fault(path, "kind churn leads out of a won stage: only a customer churns")
    elif rule.kind is TransitionKind.REOPEN and not source.status.closed:
        yield Fault(path, "kind reopen leads out of a closed stage")


def _wins_back(target: str | None, stages: Mapping[str, Stage]) -> bool:
    if target is None or target not in stages:
        return True  # reported with the target
    ends = {stages[name].status for name in landings(stages, target) if name in stages}
    return ends <= {StageStatus.OPEN, StageStatus.WON}


def unbound_faults(path: str, criterion: Criterion) -> Iterator[Fault]:
    """Yield a fault for each guard that a file names and that is bound to no function."""
    for leaf in leaves_of(criterion):
        if isinstance(leaf, CustomGuard) and leaf.call is None:
            hint = f"load the file with load_playbook(..., guards={{{leaf.name!r}: function}})"
            yield Fault(path, f"guard {leaf.name!r} is not bound to a function", hint)


def _entry_faults(entries: Mapping[str, tuple[EntryStage, ...]], stages: Mapping[str, Stage]) -> Iterator[Fault]:
    for name, several in entries.items():
        for place, entry in enumerate(several):
            yield from _known(f"{name}.{place}", entry.stage, stages)
            if entry.stage in stages and stages[entry.stage].type is StageType.GATE:
                yield Fault(f"{name}.{place}", "a gate holds nobody, so no journey begins there")
            elif entry.stage in stages and stages[entry.stage].status is StageStatus.CHURNED:
                hint = "let the journey begin in a won stage, and churn from there"
                yield Fault(f"{name}.{place}", "only a customer churns, so no journey begins there", hint)
            if entry.guard is not None:
                yield from unbound_faults(f"{name}.{place}.guard", entry.guard)
    if not any(stage.status is StageStatus.OPEN and stage.type is not StageType.GATE for stage in stages.values()):
        yield Fault("stages", "a lifecycle has at least one open stage")


def _gatecircles(stages: Mapping[str, Stage]) -> Iterator[Fault]:
    onward = {
        stage.id: [*(route.target for route in stage.routes), stage.default or ""]
        for stage in stages.values()
        if stage.type is StageType.GATE
    }
    for circle in circles(onward):
        yield Fault("stages", f"gates that lead into each other: {' > '.join(circle)}")


def _timedcircles(transitions: Iterable[Transition], stages: Mapping[str, Stage]) -> Iterator[Fault]:
    onward: dict[str, list[str]] = {}
    for edge in expand(stages, transitions):
        limit = stages[edge.source].limit
        if limit is not None and limit.trigger == edge.trigger and edge.target is not None:
            onward.setdefault(edge.source, []).append(edge.target)
    for circle in circles(onward):
        yield Fault(
            "stages",
            f"time alone would move a lead in a circle: {' > '.join(circle)}",
            "let one of them wait",
        )


def circles(onward: Mapping[str, list[str]]) -> Iterator[tuple[str, ...]]:
    """Yield one circle for each stage that time or gates lead back to, shortest first found."""
    reported: set[frozenset[str]] = set()
    for start in onward:
        paths: dict[str, tuple[str, ...]] = {target: (start, target) for target in onward[start]}
        waiting = list(paths)
        while waiting:
            here = waiting.pop(0)
            if here == start:
                circle = paths[here]
                if frozenset(circle) not in reported:
                    reported.add(frozenset(circle))
                    yield circle
                break
            for target in onward.get(here, ()):
                if target not in paths:
                    paths[target] = (*paths[here], target)
                    waiting.append(target)
