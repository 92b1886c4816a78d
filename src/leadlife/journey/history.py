"""What a history shows: visits, time in stages, derived facts, and why the lead is where it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from leadlife.criteria import Readiness
from leadlife.facts import (
    Fact,
    HandoffExpired,
    Moved,
    ProgrammeEntered,
    ProgrammeLeft,
    QualificationGranted,
    QualificationWithdrawn,
    ReadinessChanged,
    RuleFailed,
    TimerRefused,
    derive_id,
)
from leadlife.journey.memory import oldest_first
from leadlife.journey.records import FactOutcome, FactStatus, RuleChange, RuleChangeKind, Step, StepKind, Withdrawal
from leadlife.journey.state import State
from leadlife.leads import SYSTEM, TIMER
from leadlife.lifecycle.stages import StageStatus
from leadlife.playbook.registry import PlaybookRegistry


class Visit(NamedTuple):
    """One stay in a stage.

    Attributes:
        stage: Where; under the latest names.
        entered: When it began.
        left: When it ended; None while it lasts.
        cycle: The cycle it belongs to; None in a recycled stage.
        kind: The kind of the transition that began it, or ``started``.
        passed: Whether the lead only passed through: automatic moves led in and, at the same instant, on.
        status: The status that the stage had under the playbook in force when the visit began.
        reason: The reason of the move that began it; None where none was given.
    """

    stage: str
    entered: datetime
    left: datetime | None
    cycle: int | None
    kind: str
    passed: bool = False
    status: StageStatus = StageStatus.OPEN
    reason: str | None = None

    def time(self, at: datetime) -> timedelta:
        """Return how long it lasted, or has lasted at an instant."""
        return (self.left or at) - self.entered


class Grant(NamedTuple):
    """One time that a qualification was granted.

    Attributes:
        name: The qualification.
        granted: When.
        ended: When it was withdrawn, lapsed or was granted anew; None while it is held.
        by: Who granted it; ``system`` or ``timer`` for the playbook's own rule.
    """

    name: str
    granted: datetime
    ended: datetime | None
    by: str


def grants_of(state: State) -> tuple[Grant, ...]:
    """Return every grant, in order."""
    grants: list[Grant] = []
    running: dict[str, int] = {}
    for change in oldest_first(state.history):
        if not isinstance(change, RuleChange) or change.kind not in (RuleChangeKind.GRANTED, RuleChangeKind.WITHDRAWN):
            continue
        place = running.pop(change.name, None)
        if place is not None:
            grants[place] = grants[place]._replace(ended=change.at)
        if change.kind is RuleChangeKind.GRANTED:
            running[change.name] = len(grants)
            grants.append(Grant(change.name, change.at, None, change.by))
    return tuple(grants)


def visits_of(state: State, registry: PlaybookRegistry) -> tuple[Visit, ...]:
    """Return every visit, in order."""
    visits: list[Visit] = []
    led_in = False  # whether an automatic move began the latest visit
    for step in oldest_first(state.history):
        if not isinstance(step, Step):
            continue
        if step.kind == StepKind.ADOPTED:
            new = dict(step.relabelled)
            visits = [visit._replace(stage=new.get(visit.stage, visit.stage)) for visit in visits]
        elif step.target is not None:
            if visits:
                last = visits[-1]
                passed = led_in and step.automatic and step.at == last.entered
                visits[-1] = last._replace(left=step.at, passed=passed)
            status = registry.find(step.playbook).lifecycle.by_id[step.target].status
            visits.append(Visit(step.target, step.at, None, step.cycle, step.kind, status=status, reason=step.reason))
            led_in = step.automatic
    return tuple(visits)


def time_in_stages(
    state: State, registry: PlaybookRegistry, at: datetime, *, cycle: int | None = None
) -> dict[str, timedelta]:
    """Return how long the lead has been in each stage that it has entered; several visits are added up."""
    times: dict[str, timedelta] = {}
    for visit in visits_of(state, registry):
        if cycle is None or visit.cycle == cycle:
            times[visit.stage] = times.get(visit.stage, timedelta()) + visit.time(at)
    return times


def derived_facts(
    state: State, recorded: Mapping[str, datetime], lead: str, pipeline: str, *, after: int = 0
) -> tuple[Fact, ...]:
    """Return the playbook's own conclusions as facts, each naming its cause, in the order in which they happened.

    Args:
        state: Where the lead stands.
        recorded: When each observed fact became known, by id.
        lead: Whose facts they are.
        pipeline: In which pipeline.
        after: Leave out what the first so many entries of the history derive.
    """
    derivation, facts = _Derivation(recorded, lead, pipeline), list[Fact]()
    for number, entry in enumerate(oldest_first(state.history)):
        derivation.quiet = number < after
        facts += derivation.of(entry)
    return tuple(facts)


class _Derivation:
    """Makes the derived facts of a history, each caused by the one before it.

    While it is quiet it makes none, and only follows the causes: most of the cost is in making them.
    """

    def __init__(self, recorded: Mapping[str, datetime], lead: str, pipeline: str) -> None:
        self.quiet = False
        self._recorded_at = dict(recorded)
        self._lead, self._pipeline = lead, pipeline
        self._cause = self._previous = ""
        self._number = 0

    def of(self, entry: Step | FactOutcome | RuleChange) -> Iterator[Fact]:
        """Yield what an entry of the history derives."""
        if isinstance(entry, Step):
            return self._of_step(entry)
        return self._of_outcome(entry) if isinstance(entry, FactOutcome) else self._of_change(entry)

    def _follow(self, fact: str | None, *, again: bool = False) -> None:
        """Let an observed fact cause what comes next, if it is another than before."""
        if fact is not None and (again or fact != self._previous):
            self._cause = self._previous = fact

    def _derive(self, kind: type[Fact], rule: str, at: datetime, /, **content: object) -> Iterator[Fact]:
        """Yield a derived fact, which is the cause of the next one."""
        self._number += 1
        # Of the cause, the rule and the instant: each replay gives a derived fact the same id, whoever makes it.
        fact_id = derive_id(self._cause, rule, at.isoformat())
        # A conclusion becomes known with its cause, or where time alone drew it, at its own instant.
        recorded_at = max(self._recorded_at.get(self._cause, at), at)
        self._recorded_at[fact_id] = recorded_at
        cause, self._cause = self._cause, fact_id
        if not self.quiet:
            yield kind.checked({"at": at, "caused_by": cause, **content}).stamped(
                id=fact_id,
                key=fact_id,
                lead=self._lead,
                pipeline=self._pipeline,
                seq=self._number,
                recorded_at=recorded_at,
                fresh=True,
            )

    def _of_step(self, step: Step) -> Iterator[Fact]:
        """Yield the move, if the playbook made it, and the gates on its way."""
        self._follow(step.fact, again=not step.derived)
        if step.derived:
            by, landing = TIMER if step.fact is None else SYSTEM, step.via[0] if step.via else step.target
            rule = f"{step.kind}:{step.trigger}>{landing}"
            yield from self._derive(
                Moved, rule, step.at, trigger=step.trigger, target=landing, reason=step.reason, by=by
            )
        for gate, landing in zip(step.via, (*step.via[1:], step.target), strict=False):
            yield from self._derive(Moved, f"gate:{gate}>{landing}", step.at, trigger=gate, target=landing, by=SYSTEM)

    def _of_outcome(self, outcome: FactOutcome) -> Iterator[Fact]:
        """Yield the refusal of a timer; a refused fact derives nothing."""
        if outcome.fact is None:
            trigger, code = outcome.trigger, str(outcome.refusals[0].code)
            yield from self._derive(TimerRefused, f"timer:{trigger}", outcome.at, trigger=trigger, code=code, by=TIMER)

    def _of_change(self, change: RuleChange) -> Iterator[Fact]:
        """Yield what a rule concluded; what a person granted or withdrew is not a conclusion."""
        self._follow(change.fact)
        if not change.derived:
            return
        by, rule, at, name = (
            TIMER if change.fact is None else SYSTEM,
            f"{change.kind}:{change.name}",
            change.at,
            change.name,
        )
        match change.kind:
            case RuleChangeKind.GRANTED:
                expires, evidence = change.expires, change.evidence
                yield from self._derive(
                    QualificationGranted, rule, at, by=by, name=name, expires=expires, evidence=evidence
                )
            case RuleChangeKind.WITHDRAWN:
                yield from self._derive(QualificationWithdrawn, rule, at, by=by, name=name, reason=change.reason)
            case RuleChangeKind.READINESS:
                yield from self._derive(ReadinessChanged, rule, at, by=by, segment=Readiness(name))
            case RuleChangeKind.ENTERED:
                yield from self._derive(ProgrammeEntered, rule, at, by=by, programme=name)
            case RuleChangeKind.LEFT:
                yield from self._derive(ProgrammeLeft, rule, at, by=by, programme=name, reason=change.reason)
            case RuleChangeKind.EXPIRED:
                yield from self._derive(HandoffExpired, rule, at, by=by, to=name, then=change.reason)
            case _:
                code, message = change.kind.value, change.reason or ""
                yield from self._derive(RuleFailed, rule, at, by=by, rule=name, code=code, message=message)


class Line(NamedTuple):
    """One line of an explanation.

    Attributes:
        at: When.
        text: What happened and why, in words.
        fact: The id of the observed fact behind it; None where time alone did it.
        by: Who.
        criterion: The guard that was true, in words.
        playbook: Which version of which agreement was in force.
    """

    at: datetime
    text: str
    fact: str | None
    by: str
    criterion: str | None
    playbook: str

    def to_dict(self) -> dict[str, Any]:
        """Return the line as plain values, ready for JSON."""
        return {**self._asdict(), "at": self.at.isoformat()}

    def __str__(self) -> str:
        guard = f"; because {self.criterion}" if self.criterion else ""
        return f"{self.at:%Y-%m-%d %H:%M} UTC  {self.text} (by {self.by}{guard}; {self.playbook})"


class Explanation(tuple[Line, ...]):
    """The chain of facts that led a lead to where it is."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\n".join(str(line) for line in self) or "nothing has happened yet"


def explain(state: State, registry: PlaybookRegistry) -> Explanation:
    """Return the history of a state in words, line by line."""
    lines = [_line(entry, registry) for entry in oldest_first(state.history)]
    return Explanation(sorted(lines, key=lambda line: line.at))


def _line(entry: Step | FactOutcome | RuleChange, registry: PlaybookRegistry) -> Line:
    if isinstance(entry, Step):
        criterion = None
        if entry.rule is not None and "guard" not in entry.waived:
            rule = registry.find(entry.playbook).lifecycle.transitions[entry.rule]
            criterion = None if rule.guard is None else rule.guard.sentence()
        return Line(entry.at, _step_words(entry), entry.fact, entry.by, criterion, str(entry.playbook))
    if isinstance(entry, FactOutcome):
        # An outcome knows the id of its fact, and not who recorded it: the log does.
        playbook = "no playbook yet" if entry.playbook is None else str(entry.playbook)
        why = "; ".join(refusal.message for refusal in entry.refusals)
        refused = f"{entry.trigger or 'a fact'} {entry.status}{': ' if why else ''}{why}"
        text = "a fact repeats what was so already" if entry.status is FactStatus.REDUNDANT else refused
        return Line(entry.at, text, entry.fact, "timer" if entry.fact is None else "recorded", None, playbook)
    criterion = None if entry.reason == Withdrawal.NOT_SO else entry.criterion
    return Line(entry.at, _change_words(entry), entry.fact, entry.by, criterion, str(entry.playbook))


def _own_words(step: Step) -> str:
    """Return a step that no transition makes, in words."""
    if step.kind == StepKind.ADOPTED:
        renamed = ", ".join(f"{old} is now {new}" for old, new in step.relabelled)
        return f"playbook adopted{': ' if renamed else ''}{renamed}"
    if step.kind == StepKind.MERGED:
        return f"{step.source} > {step.target}, where the lead stood that this one was merged with"
    return f"started at {step.target}"


def _step_words(step: Step) -> str:
    if step.kind in set(StepKind):
        return _own_words(step)
    parts = [f"{step.source} > {step.target}" if step.target is not None else f"in {step.source}"]
    parts.append(f"by {step.trigger} ({step.kind})")
    if step.via:
        parts.append(f"through {', '.join(step.via)}")
    if step.automatic:
        parts.append("automatic" if step.fact is not None else "automatic, by time alone")
    elif step.ordered_by is not None:
        parts.append("ordered before it was legal")
    elif step.fact is None:
        parts.append("when the stage limit came due")
    elif step.derived:
        parts.append("inferred" if "inferred" in step.waived else "fired by a fact")
    if step.reason is not None:
        parts.append(f"reason: {step.reason}")
    waived = [name for name in step.waived if name != "inferred"]
    if waived:
        parts.append(f"{' and '.join(waived)} waived")
    return ", ".join(parts)


def _change_words(change: RuleChange) -> str:
    name = change.name
    match change.kind:
        case RuleChangeKind.GRANTED:
            until = "" if change.expires is None else f" until {change.expires:%Y-%m-%d %H:%M} UTC"
            return f"{name} granted{until}{f', because {change.reason}' if change.reason else ''}"
        case RuleChangeKind.WITHDRAWN if change.reason == Withdrawal.NOT_SO:
            return f"{name} withdrawn, because this is no longer true: {change.criterion}"
        case RuleChangeKind.WITHDRAWN:
            return f"{name} withdrawn: {change.reason}"
        case RuleChangeKind.READINESS:
            return f"readiness is {name}"
        case RuleChangeKind.ENTERED:
            return f"entered the programme {name}"
        case RuleChangeKind.LEFT if change.reason == Withdrawal.NOT_SO:
            return f"left the programme {name}, because this is no longer true: {change.criterion}"
        case RuleChangeKind.LEFT:
            return f"left the programme {name}: {change.reason}"
        case RuleChangeKind.EXPIRED:
            return f"{name} did not answer in time: {change.reason}"
        case RuleChangeKind.FAILED:
            return f"{name} could not be evaluated: {change.reason}"
        case _:
            return change.reason or ""


def entries_shared(state: State, earlier: State) -> int | None:
    """Return how many entries an earlier history has, if the later one goes on from it; None if it does not."""
    if earlier.history is None:
        return 0
    # Two lists that share their past share its links, so one comparison by identity answers for all entries before.
    here = state.history
    while here is not None and here.size > earlier.history.size:
        here = here.before
    return earlier.history.size if here is earlier.history else None


def new_facts(facts: Iterable[Fact], known: Iterable[Fact]) -> tuple[Fact, ...]:
    """Return the facts that are not among those known; two facts may share an id and differ in content."""
    seen = {(fact.id, fact.content()) for fact in known}
    return tuple(fact for fact in facts if (fact.id, fact.content()) not in seen)


def timeline_html(title: str, state: State, registry: PlaybookRegistry) -> str:
    """Return the visits of a state as a bar each, for a notebook."""
    from leadlife._base.html import Bar, timeline  # noqa: PLC0415 - only a notebook pays for it

    visits, at = visits_of(state, registry), state.at
    if not visits or at is None or state.position is None:
        return timeline(title, ())
    begin = visits[0].entered
    whole = max((at - begin).total_seconds(), 1.0)
    stages = state.position.playbook.lifecycle.by_id
    bars = [
        Bar(
            visit.stage,
            (visit.entered - begin).total_seconds() / whole,
            ((visit.left or at) - begin).total_seconds() / whole,
            stages[visit.stage].status.value if visit.stage in stages else "",
            f"{visit.entered:%Y-%m-%d}, {visit.time(at).total_seconds() / 86_400:.1f} days"
            + (f", cycle {visit.cycle}" if visit.cycle is not None else ""),
        )
        for visit in visits
    ]
    return timeline(title, bars)
