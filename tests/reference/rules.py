"""Readiness and qualifications: every rule is evaluated anew at every step, whatever has changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from leadlife.criteria import Criterion, Observation
from leadlife.facts import Fact, QualificationGranted, QualificationWithdrawn, StageReached
from leadlife.playbook.playbook import Playbook
from leadlife.qualification.rules import Hysteresis, QualificationRule
from leadlife.timing import due
from reference.position import Moment, Position
from reference.reading import Change
from reference.view import ERROR, UTC_ZONE, Known, ReferenceView, ask

STATE = {"stage", "cycle", "readiness", "qualification"}
Inputs = set[tuple[str, str]]


class Held(NamedTuple):
    """That a rule holds: since when and until when, by hand or not, and in which visit it was granted."""

    since: datetime
    expires: datetime | None
    by_hand: bool
    visit: int


@dataclass
class Standing:
    """Where a rule stands.

    Attributes:
        name: The qualification; None for a segment of readiness.
        held: Its present state.
        barred: Facts up to this ordinal grant it no more, because it lapsed or was withdrawn by hand.
        shut_in: For a rule on the state alone: the visit in which that happened, until something lifts it.
        overruled: Whether a person withdrew it, and it has been true ever since.
    """

    name: str | None = None
    held: Held | None = None
    barred: int = 0
    shut_in: int | None = None
    overruled: bool = False


class Rules:
    """What is held, and what is known to judge it by."""

    def __init__(self) -> None:
        self.known = Known()
        self.refused: dict[str, str] = {}
        self.standing: dict[str, Standing] = {}
        self.segments = {"mid": Standing(), "late": Standing()}
        self.readiness: Observation | None = None
        self.changes: list[Change] = []

    def view(
        self,
        playbook: Playbook,
        where: Position | None,
        now: Moment,
        *,
        aged: datetime,
        roles: tuple[str, ...] = (),
    ) -> ReferenceView:
        """Return what criteria see now."""
        if where is None:
            return ReferenceView(self.known, playbook, at=now.at, aged=aged, roles=roles)
        held = {
            name: one.held.expires
            for name, one in self.standing.items()
            if one.held is not None and self.counts(one, playbook, where)
        }
        return ReferenceView(
            self.known,
            playbook,
            at=now.at,
            aged=aged,
            cut=where.cut,
            stage=Observation(where.stage, where.entered, "", 0),
            left=where.left,
            cycle=len(where.cycles),  # Open: a lead that begins in a recycled stage is in cycle 0
            readiness=self.readiness,
            held=held,
            roles=roles,
        )

    def judge(self, playbook: Playbook, where: Position, now: Moment, *, aged: datetime, fresh: Fact | None) -> None:
        """Judge readiness, then each qualification after those that it reads; ``fresh`` is the fact of this step."""
        rule = playbook.readiness
        if rule is None:
            self.readiness, self.segments = None, {"mid": Standing(), "late": Standing()}
        else:
            for name, part in (("mid", rule.mid), ("late", rule.late)):
                view = self.view(playbook, where, now, aged=aged)
                self._weigh(part, self.segments[name], view=view, where=where, now=now, fresh=fresh)
            near = next((name for name in ("late", "mid") if self.segments[name].held is not None), "early")
            if self.readiness is None or self.readiness.value != near:
                self.readiness = Observation(near, now.at, "", now.ordinal)
        for name in in_order(playbook):
            standing = self.standing.setdefault(name, Standing(name))
            view = self.view(playbook, where, now, aged=aged)
            rule = playbook.qualification_by_name[name]
            self._weigh(rule, standing, view=view, where=where, now=now, fresh=fresh)

    def _weigh(
        self,
        rule: Hysteresis,
        standing: Standing,
        *,
        view: ReferenceView,
        where: Position,
        now: Moment,
        fresh: Fact | None,
    ) -> None:
        """Judge one rule: it lapses, is cut off, is left, is renewed, or is granted."""
        reads = inputs_of(rule.enter, view.playbook)
        self._lapse(standing, view.playbook, where, now)
        enter, leave = ask(rule.enter, view), ask(rule.leave, view)
        # After a lapse, a newer entry lifts the bar of a rule that reads the stage. Any other rule, and one that a
        # person withdrew, must have been false.
        elsewhere = reads_stage(reads) and standing.shut_in != where.visit and not standing.overruled
        if enter in (False, None) or (enter is True and elsewhere):
            standing.shut_in, standing.overruled = None, False
        if ERROR in (enter, leave):
            return  # Open: a rule one of whose two criteria fails stays as it is
        held, end = standing.held, None if rule.valid_for is None else due(now.at, rule.valid_for, UTC_ZONE)
        if held is not None:
            # Open: under a rule that only people decide on, what an earlier version granted persists.
            tied = rule.enter is not None and rule.leave is None and not rule.lasting and not held.by_hand
            # Open: a new visit, whatever began it, confirms a rule on the state alone that reads the stage.
            arrived = reads_stage(reads) and by_state(reads) and where.entered_in == now.step
            confirmed = arrived or (fresh is not None and self.is_read(fresh, reads))
            if leave is True or (tied and enter is not True):
                self.release(standing, where, now)
            elif end is not None and confirmed and enter is True:
                # Open: a confirmation never brings an end forward that a person has set.
                standing.held = held._replace(expires=max(end, held.expires or end))
        elif enter is True and leave is not True and self._may_begin(standing, reads, where):
            # Open: where no fact confirms it at this instant, its validity counts from the grant.
            standing.held = Held(now.at, end, by_hand=False, visit=where.visit)
            if standing.name is not None:
                self.changes.append(Change(now.at, standing.name, granted=True))

    def _lapse(self, standing: Standing, playbook: Playbook, where: Position, now: Moment) -> None:
        """Let go of what has expired, and of what a win or a recycling has cut off."""
        if standing.held is not None and standing.held.expires is not None and standing.held.expires <= now.at:
            self.release(standing, where, now, bar=True)
        if standing.held is not None and not self.counts(standing, playbook, where):
            self.release(standing, where, now)

    def _may_begin(self, standing: Standing, reads: Inputs, where: Position) -> bool:
        """Return whether a fact that enter reads is newer than what cut off or barred the rule."""
        if by_state(reads):
            return standing.shut_in is None
        stale = max(standing.barred, 0 if standing.name is None else where.cut)
        return not stale or any(place > stale and self.is_read(fact, reads) for place, fact in self.known.facts)

    def counts(self, standing: Standing, playbook: Playbook, where: Position) -> bool:
        """Return whether what is held was granted in the visit that cut off what is older, or later.

        Readiness is not cut off.
        """
        rule = playbook.qualification_by_name.get(standing.name or "")
        return rule is None or standing.held is None or standing.held.visit >= where.cut_visit

    def release(self, standing: Standing, where: Position, now: Moment, *, bar: bool = False) -> None:
        """Let go of what is held."""
        standing.held = None
        if bar:
            standing.barred, standing.shut_in = now.ordinal, where.visit
        if standing.name is not None:
            self.changes.append(Change(now.at, standing.name, granted=False))

    def grant(self, fact: QualificationGranted, playbook: Playbook, where: Position, now: Moment) -> str | None:
        """Let a person grant a qualification, and return the code of a refusal."""
        rule = playbook.qualification_by_name.get(fact.name)
        if rule is None or not set(rule.granted_by) & set(fact.by.roles):
            return "not_permitted"
        self._give(rule, fact.expires, where, now)
        return None

    def grant_with_stage(self, fact: StageReached, playbook: Playbook, where: Position, now: Moment) -> None:
        """Grant the qualification of a stage's name: an import that says the stage says the qualification."""
        rule = playbook.qualification_by_name.get(fact.stage)
        if rule is not None and self.standing[rule.name].held is None:
            self._give(rule, None, where, now)

    def _give(self, rule: QualificationRule, end: datetime | None, where: Position, now: Moment) -> None:
        standing = self.standing[rule.name]
        if end is None and rule.valid_for is not None:
            end = due(now.at, rule.valid_for, UTC_ZONE)
        # Open: a grant by hand of what is held already is told as a grant, and leaves since when it is held.
        since = now.at if standing.held is None else standing.held.since
        standing.held = Held(since, end, by_hand=True, visit=where.visit)
        standing.shut_in, standing.overruled = None, False  # who grants it allows it again
        self.changes.append(Change(now.at, rule.name, granted=True))

    def withdraw(self, fact: QualificationWithdrawn, playbook: Playbook, where: Position, now: Moment) -> str | None:
        """Let a person withdraw a qualification, and return the code of a refusal."""
        rule = playbook.qualification_by_name.get(fact.name)
        if rule is None or not set(rule.granted_by) & set(fact.by.roles):
            return "not_permitted"
        if self.standing[fact.name].held is not None:  # Open: a redundant withdrawal bars nothing
            self.release(self.standing[fact.name], where, now, bar=True)
            self.standing[fact.name].overruled = True
        return None

    def forget(self, playbook: Playbook, now: Moment) -> None:
        """Let go of what an adopted playbook does not declare."""
        for name in [name for name in self.standing if name not in playbook.qualification_by_name]:
            if self.standing.pop(name).held is not None:
                self.changes.append(Change(now.at, name, granted=False))

    def is_read(self, fact: Fact, reads: Inputs) -> bool:
        """Return whether a fact is one of the inputs; custom code cannot say what it reads, so every fact is.

        A grant or withdrawal by hand that was refused has said nothing.
        """
        silent = isinstance(fact, QualificationGranted | QualificationWithdrawn) and fact.id in self.refused
        said = set() if silent else set(fact.changes())
        return bool(said & reads) or any(topic == "custom_guard" for topic, _ in reads)


def by_state(reads: Inputs) -> bool:
    """Return whether a rule reads the state of the lead alone, so that nothing it reads could be too old."""
    return {topic for topic, _ in reads} <= STATE


def reads_stage(reads: Inputs) -> bool:
    """Return whether a rule reads the stage."""
    return any(topic == "stage" for topic, _ in reads)


def in_order(playbook: Playbook) -> list[str]:
    """Return the qualifications, each after those that it reads."""
    placed: dict[str, None] = {}

    def place(name: str) -> None:
        for _, criterion in playbook.qualification_by_name[name].criteria():
            for topic, other in criterion.inputs():
                if topic == "qualification":
                    place(other)
        placed[name] = None

    for name in playbook.qualification_by_name:
        place(name)
    return list(placed)


def inputs_of(criterion: Criterion | None, playbook: Playbook) -> Inputs:
    """Return the inputs of a criterion, directly or through scores, readiness and the enter of qualifications."""
    found: Inputs = set()
    for topic, name in () if criterion is None else criterion.inputs():
        if topic == "score":
            found |= {*playbook.score_by_name[name].inputs(), ("reported", name)}
            continue
        found.add((topic, name))
        if topic == "readiness" and playbook.readiness is not None:
            found |= inputs_of(playbook.readiness.mid.enter, playbook)
            found |= inputs_of(playbook.readiness.late.enter, playbook)
        if topic == "qualification":
            found |= inputs_of(playbook.qualification_by_name[name].enter, playbook)
    return found
