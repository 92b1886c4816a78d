"""What a chain of steps tells: visits, time in stage, derived facts, and why the lead is where it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from leadlife.criteria import Readiness
from leadlife.facts import (
    Fact,
    Moved,
    QualificationGranted,
    QualificationWithdrawn,
    ReadinessChanged,
    RuleFailed,
    TimerRefused,
    derive_id,
)
from leadlife.journey.fold import ADOPTED, Books
from leadlife.journey.latches import NOT_SO, Turn
from leadlife.journey.state import Mark, State, Step, oldest_first
from leadlife.leads import SYSTEM, TIMER


class Visit(NamedTuple):
    """One stay in a stage.

    Attributes:
        stage: Where; under the latest labels.
        entered: When it began.
        left: When it ended; None while it lasts.
        cycle: The cycle it belongs to; None in a recycled stage.
        kind: The kind of the move that began it, or ``started``.
    """

    stage: str
    entered: datetime
    left: datetime | None
    cycle: int | None
    kind: str

    def time(self, at: datetime) -> timedelta:
        """Return how long it lasted, or has lasted at an instant."""
        return (self.left or at) - self.entered


def visits(state: State) -> tuple[Visit, ...]:
    """Return every stay, in order."""
    found: list[Visit] = []
    for step in oldest_first(state.steps):
        if step.kind == ADOPTED:
            new = dict(step.relabelled)
            found = [visit._replace(stage=new.get(visit.stage, visit.stage)) for visit in found]
        elif step.target is not None:
            if found:
                found[-1] = found[-1]._replace(left=step.at)
            found.append(Visit(step.target, step.at, None, step.cycle, step.kind))
    return tuple(found)


def time_in_stages(state: State, at: datetime, *, cycle: int | None = None) -> dict[str, timedelta]:
    """Return how long the lead has stood in each stage it has entered, re-entries added up."""
    times: dict[str, timedelta] = {}
    for visit in visits(state):
        if cycle is None or visit.cycle == cycle:
            times[visit.stage] = times.get(visit.stage, timedelta()) + visit.time(at)
    return times


def derived_facts(state: State, recorded: Mapping[str, Fact], lead: str, pipeline: str) -> tuple[Fact, ...]:
    """Return the playbook's own conclusions as facts, each naming its cause, in the order of the chain."""
    deriving, facts = _Deriving(recorded, lead, pipeline), list[Fact]()
    for link in _links(state):
        if isinstance(link, Step):
            facts += deriving.of_step(link)
        else:
            facts += deriving.of_timer(link) if isinstance(link, Mark) else deriving.of_turn(link)
    return tuple(facts)


def _links(state: State) -> Iterator[Step | Mark | Turn]:
    """Yield every link of the chain in order: steps, what was refused, and what became of rules."""
    marks, turns = list(oldest_first(state.marks)), list(oldest_first(state.turns))
    refused = told = 0
    for place, step in enumerate((None, *oldest_first(state.steps))):
        if step is not None:
            yield step
        while True:
            if told < len(turns) and turns[told].steps == place and turns[told].marks <= refused:
                yield turns[told]
                told += 1
            elif refused < len(marks) and marks[refused].steps == place:
                yield marks[refused]
                refused += 1
            else:
                break


class _Deriving:
    """Makes the facts that a chain derives, each caused by the one before it."""

    def __init__(self, recorded: Mapping[str, Fact], lead: str, pipeline: str) -> None:
        self._known = {fact_id: fact.recorded_at or fact.at for fact_id, fact in recorded.items()}
        self._lead, self._pipeline = lead, pipeline
        self._cause = self._previous = ""
        self._number = 0

    def follow(self, fact: str | None, *, again: bool = False) -> None:
        """Let what comes next be caused by an observed fact, if it is another than before."""
        if fact is not None and (again or fact != self._previous):
            self._cause = self._previous = fact

    def derive(self, kind: type[Fact], named: str, at: datetime, **content: object) -> Fact:
        """Return a derived fact; the next is caused by it."""
        self._number += 1
        fact_id = derive_id(self._cause, named, at.isoformat())
        recorded_at = max(self._known.get(self._cause, at), at)
        self._known[fact_id] = recorded_at
        fact = kind.model_validate({"at": at, "caused_by": self._cause, **content}).stamped(
            id=fact_id,
            key=fact_id,
            lead=self._lead,
            pipeline=self._pipeline,
            seq=self._number,
            recorded_at=recorded_at,
        )
        self._cause = fact_id
        return fact

    def of_step(self, step: Step) -> Iterator[Fact]:
        """Yield what a step derives: itself, if the playbook made it, and the gates that it passed."""
        self.follow(step.fact)
        if step.derived:
            by, landing = TIMER if step.fact is None else SYSTEM, step.via[0] if step.via else step.target
            rule = f"{step.kind}:{step.trigger}>{landing}"
            yield self.derive(Moved, rule, step.at, trigger=step.trigger, target=landing, reason=step.reason, by=by)
        else:
            self.follow(step.fact, again=True)
        for gate, landing in zip(step.via, (*step.via[1:], step.target), strict=False):
            yield self.derive(Moved, f"gate:{gate}>{landing}", step.at, trigger=gate, target=landing, by=SYSTEM)

    def of_timer(self, mark: Mark) -> Iterator[Fact]:
        """Yield what the refusal of a timer derives."""
        if mark.fact is None:
            code = str(mark.refusals[0].code)
            yield self.derive(TimerRefused, f"timer:{mark.trigger}", mark.at, trigger=mark.trigger, code=code, by=TIMER)

    def of_turn(self, turn: Turn) -> Iterator[Fact]:
        """Yield what a rule concluded; what somebody said themselves is no conclusion."""
        self.follow(turn.fact)
        if not turn.derived:
            return
        by, rule = TIMER if turn.fact is None else SYSTEM, f"{turn.sort}:{turn.name}"
        match turn.sort:
            case "granted":
                told = {"name": turn.name, "expires": turn.expires, "evidence": turn.evidence}
                yield self.derive(QualificationGranted, rule, turn.at, by=by, **told)
            case "withdrawn":
                yield self.derive(QualificationWithdrawn, rule, turn.at, by=by, name=turn.name, reason=turn.reason)
            case "readiness":
                yield self.derive(ReadinessChanged, rule, turn.at, by=by, segment=Readiness(turn.name))
            case _:
                message = turn.reason or ""
                yield self.derive(RuleFailed, rule, turn.at, by=by, rule=turn.name, code=turn.sort, message=message)


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
        guard = f"; true was: {self.criterion}" if self.criterion else ""
        return f"{self.at:%Y-%m-%d %H:%M} UTC  {self.text} (by {self.by}{guard}; {self.playbook})"


class Explanation(tuple[Line, ...]):
    """The chain of facts that led a lead to where it stands."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\n".join(str(line) for line in self) or "nothing has happened yet"


def explain(state: State, books: Books) -> Explanation:
    """Return the story of a state, line by line."""
    lines = [
        _step_line(link, books)
        if isinstance(link, Step)
        else _mark_line(link)
        if isinstance(link, Mark)
        else _turn_line(link)
        for link in _links(state)
    ]
    return Explanation(sorted(lines, key=lambda line: line.at))


def _step_line(step: Step, books: Books) -> Line:
    criterion = None
    if step.rule is not None and "guard" not in step.waived:
        rule = books.find(step.playbook).lifecycle.transitions[step.rule]
        criterion = None if rule.guard is None else rule.guard.sentence()
    return Line(step.at, _told(step), step.fact, step.by, criterion, str(step.playbook))


def _told(step: Step) -> str:
    if step.kind == ADOPTED:
        renamed = ", ".join(f"{old} is now {new}" for old, new in step.relabelled)
        return f"playbook adopted{': ' if renamed else ''}{renamed}"
    if step.source is None:
        return f"started at {step.target}"
    parts = [f"{step.source} > {step.target}" if step.target is not None else f"in {step.source}"]
    parts.append(f"by {step.trigger} ({step.kind})")
    if step.via:
        parts.append(f"through {', '.join(step.via)}")
    if step.automatic:
        parts.append("automatic" if step.fact is not None else "automatic, by time alone")
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


def _mark_line(mark: Mark) -> Line:
    playbook = "no playbook yet" if mark.playbook is None else str(mark.playbook)
    what = f"{mark.trigger} " if mark.trigger else "a fact "
    why = "; ".join(refusal.message for refusal in mark.refusals)
    text = f"{what}{mark.sort}{': ' if why else ''}{why}"
    return Line(mark.at, text, mark.fact, "timer" if mark.fact is None else "recorded", None, playbook)


def _turn_line(turn: Turn) -> Line:
    match turn.sort:
        case "granted":
            text = f"{turn.name} granted" + (
                "" if turn.expires is None else f" until {turn.expires:%Y-%m-%d %H:%M} UTC"
            )
        case "withdrawn":
            text = f"{turn.name} withdrawn: {turn.reason}"
            if turn.reason == NOT_SO:
                text = f"{turn.name} withdrawn, for no longer true is: {turn.criterion}"
                return Line(turn.at, text, turn.fact, turn.by, None, str(turn.playbook))
        case "readiness":
            text = f"readiness is {turn.name}"
        case _:
            text = f"{turn.name} could not be judged: {turn.reason}" if turn.sort == "failed" else f"{turn.reason}"
    return Line(turn.at, text, turn.fact, turn.by, turn.criterion, str(turn.playbook))


def new_facts(facts: Iterable[Fact], known: Iterable[Fact]) -> tuple[Fact, ...]:
    """Return the facts that are not among those known; two facts may share an id and say different things."""
    told = {(fact.id, fact.content()) for fact in known}
    return tuple(fact for fact in facts if (fact.id, fact.content()) not in told)
