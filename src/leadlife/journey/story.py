"""What a chain of steps tells: visits, time in stage, derived facts, and why the lead is where it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from leadlife.facts import Fact, Moved, TimerRefused, derive_id
from leadlife.journey.fold import ADOPTED, Books
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
    return tuple(fact for _, facts in _chain(state, recorded, lead, pipeline) for fact in facts)


def _chain(
    state: State, recorded: Mapping[str, Fact], lead: str, pipeline: str
) -> Iterator[tuple[Step | Mark, tuple[Fact, ...]]]:
    """Yield each step and refused timer with the facts that it derives."""
    timers = [mark for mark in oldest_first(state.marks) if mark.fact is None]
    known = {fact_id: fact.recorded_at or fact.at for fact_id, fact in recorded.items()}
    cause, previous_fact, number = "", "", 0

    def derive(rule: str, at: datetime, **content: object) -> Fact:
        nonlocal cause, number
        number += 1
        fact_id = derive_id(cause, rule, at.isoformat())
        recorded_at = max(known.get(cause, at), at)
        known[fact_id] = recorded_at
        kind = TimerRefused if "code" in content else Moved
        fact = kind.model_validate({"at": at, "caused_by": cause, **content}).stamped(
            id=fact_id, key=fact_id, lead=lead, pipeline=pipeline, seq=number, recorded_at=recorded_at
        )
        cause = fact_id
        return fact

    for place, step in enumerate(oldest_first(state.steps), start=1):
        facts: list[Fact] = []
        if step.fact is not None and step.fact != previous_fact:
            cause = previous_fact = step.fact
        by = TIMER if step.fact is None else SYSTEM
        if step.derived:
            landing = step.via[0] if step.via else step.target
            rule = f"{step.kind}:{step.trigger}>{landing}"
            facts.append(derive(rule, step.at, trigger=step.trigger, target=landing, reason=step.reason, by=by))
        else:
            cause = step.fact or cause
        for gate, landing in zip(step.via, (*step.via[1:], step.target), strict=False):
            facts.append(derive(f"gate:{gate}>{landing}", step.at, trigger=gate, target=landing, by=SYSTEM))
        yield step, tuple(facts)
        while timers and timers[0].steps == place:
            mark = timers.pop(0)
            refused = derive(
                f"timer:{mark.trigger}",
                mark.at,
                trigger=mark.trigger,
                code=str(mark.refusals[0].code),
                by=TIMER,
            )
            yield mark, (refused,)


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
    lines = [_step_line(step, books) for step in oldest_first(state.steps)]
    lines += [_mark_line(mark) for mark in oldest_first(state.marks)]
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
    if step.fact is None:
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


def new_facts(facts: Iterable[Fact], known: Iterable[Fact]) -> tuple[Fact, ...]:
    """Return the facts that are not among those known; two facts may share an id and say different things."""
    told = {(fact.id, fact.content()) for fact in known}
    return tuple(fact for fact in facts if (fact.id, fact.content()) not in told)
