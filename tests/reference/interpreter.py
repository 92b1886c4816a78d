"""The reference interpreter: it walks hour by hour and evaluates everything from scratch at each step.

It follows the *rules of meaning* and nothing else: no index, no timers computed in advance, no incremental evaluation.
All instants and durations are whole hours, and all zones are UTC. Where the rules leave something open, a comment that
begins with "Open:" states the choice.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from leadlife.facts import (
    Fact,
    Moved,
    PlaybookAdopted,
    QualificationGranted,
    QualificationWithdrawn,
    Retracted,
    StageReached,
    Started,
)
from leadlife.leads import Actor
from leadlife.lifecycle.edges import Edge
from leadlife.lifecycle.stages import Stage, StageStatus
from leadlife.lifecycle.transitions import TransitionKind
from leadlife.playbook.playbook import Playbook
from leadlife.timing import due, grid_from
from reference.position import Moment, Order, Position
from reference.reading import Reading, Step
from reference.rules import Rules
from reference.view import ERROR, UTC_ZONE, Known, ReferenceView, ask, ask_all

HOUR = timedelta(hours=1)


def read(facts: Iterable[Fact], playbooks: Iterable[Playbook], until: datetime) -> Reading:
    """Return where the lead stands at an instant, after the facts of that instant.

    Args:
        facts: The recorded facts of a journey, with their stamps.
        playbooks: Every playbook that they name.
        until: The instant.
    """
    [reading] = read_all(facts, playbooks, [until])
    return reading


def read_all(facts: Iterable[Fact], playbooks: Iterable[Playbook], untils: Iterable[datetime]) -> list[Reading]:
    """Return a reading for each of some instants, in order of time."""
    life, standing = Interpreter(playbooks), settled(facts)
    found: list[Reading] = []
    for until in sorted(untils):
        life.walk(standing, until)
        found.append(life.reading(until))
    return found


def settled(facts: Iterable[Fact]) -> list[Fact]:
    """Return the facts that are folded, in order: of one key the lowest seq wins, and retracted ones are left out."""
    by_key: dict[str, Fact] = {}
    for fact in sorted(facts, key=lambda one: one.seq):
        by_key.setdefault(fact.key, fact)
    gone = {fact.target for fact in by_key.values() if isinstance(fact, Retracted)}
    kept = [fact for fact in by_key.values() if not isinstance(fact, Retracted) and not {fact.id, fact.key} & gone]
    return sorted(kept, key=lambda one: (one.at, one.seq, one.id))


class Interpreter:
    """A life, told hour by hour."""

    def __init__(self, playbooks: Iterable[Playbook]) -> None:
        self.playbooks = {str(one.ref): one for one in playbooks}
        self.playbook = next(iter(self.playbooks.values()))
        self.rules = Rules()
        self.where: Position | None = None
        self.now = Moment(datetime.min.replace(tzinfo=UTC), 0, 0)
        self.aged = self.now.at
        """Up to when half-lives are aged: the later of the last fact and the last review."""
        self.fresh: Fact | None = None
        """The fact of this step."""
        self.moves: list[Step] = []
        self.refused: dict[str, str] = self.rules.refused
        self.limits_refused: list[tuple[datetime, str, str]] = []
        self.blocked = self.chased = False

    # ------------------------------------------------------------------ time

    def walk(self, facts: list[Fact], until: datetime) -> None:
        """Go on hour by hour, up to and including an instant."""
        if not facts:
            return
        at = facts[0].at if self.now.step == 0 else self.now.at + HOUR
        while at <= until:
            self.now = self.now._replace(at=at)
            self.begin_step()
            self.settle()  # expiries and windows
            self.limit()
            if grid_from(at, UTC_ZONE, self.playbook.review_days) == at:
                self.begin_step()
                self.aged = at
                self.settle()
            for fact in facts:
                if fact.at == at:
                    self.fold(fact)
            at += HOUR

    def begin_step(self, fact: Fact | None = None) -> None:
        ordinal = self.now.ordinal + (fact is not None)
        self.now, self.fresh = self.now._replace(step=self.now.step + 1, ordinal=ordinal), fact

    def fold(self, fact: Fact) -> None:
        """Let one fact teach and act, and judge everything."""
        self.begin_step(fact)
        self.rules.known = Known((*self.rules.known.facts, (self.now.ordinal, fact)))
        # Open: every folded fact ages half-lives, a refused one too; it is kept and counts.
        self.aged, self.blocked = fact.at, False
        code = self.act(fact)
        if code is not None:
            self.refused[fact.id] = code
        if isinstance(fact, PlaybookAdopted):
            self.limit()  # Open: a limit that is past under an adopted playbook fires before the rules are evaluated
            self.fresh = fact
        self.settle()

    def limit(self) -> None:
        """Fire the limit of the stage if it is due; if it is refused, that is told once, and it waits."""
        if self.where is None or self.where.limit != "running" or not self.limit_is_due():
            return
        self.begin_step()
        self.where.limit = "waiting"
        edge = self.legal_limit()
        if isinstance(edge, str):
            self.limits_refused.append((self.now.at, self.stage.limit.trigger, edge))
        else:
            self.take(edge)
            self.settle()

    def limit_is_due(self) -> bool:
        limit = self.stage.limit
        return limit is not None and due(self.where.entered, limit.after, UTC_ZONE) <= self.now.at

    # ------------------------------------------------------------------ facts

    def act(self, fact: Fact) -> str | None:
        """Do what a fact does beyond teaching, and return the code of the first refusal."""
        if isinstance(fact, Started):
            return self.start(fact)
        if self.where is None:
            acting = Moved | StageReached | QualificationGranted | QualificationWithdrawn | PlaybookAdopted
            return "not_started" if isinstance(fact, acting) else None  # Open: before the start no fact fires anything
        if isinstance(fact, Moved):
            return self.attempt(fact.trigger, by=fact.by, reason=fact.reason, target=fact.target)
        if isinstance(fact, StageReached):
            return self.reach(fact)
        if isinstance(fact, QualificationGranted):
            return self.rules.grant(fact, self.playbook, self.where, self.now)
        if isinstance(fact, QualificationWithdrawn):
            return self.rules.withdraw(fact, self.playbook, self.where, self.now)
        if isinstance(fact, PlaybookAdopted):
            return self.adopt(fact)
        return self.fire(fact)

    def start(self, fact: Started) -> str | None:
        playbook = self.playbooks[str(fact.playbook)]
        entries = {one.stage: one.guard for one in playbook.lifecycle.entries_for(referral=False)}
        if self.where is not None or fact.stage not in entries:
            return "illegal_move"
        self.playbook = playbook
        guard = entries[fact.stage]
        if guard is not None and ask(guard, self.view()) is not True:
            return "guard_not_met"
        self.where = Position.begun(fact.stage, playbook.lifecycle, self.now)
        self.moves.append(Step(self.now.at, "started", None, fact.stage))
        # What the lead stated before fires now what it would have fired; activities and sales before are history.
        for (topic, _), seen in sorted(self.rules.known.latest.items(), key=lambda item: item[1].ordinal):
            if topic in ("identified", "evidence"):
                self.fire(fact, (topic,))
            elif topic == "field":
                self.fire(fact, ("attribute",))
            elif topic == "consent":
                self.fire(fact, ("consent_granted" if seen.value[0] else "consent_withdrawn", "consent"))
        return None

    def fire(self, fact: Fact, names: tuple[str, ...] = ()) -> str | None:
        """Fire the trigger that declares ``on=`` this kind of fact; if it is refused, the fact may wait for it."""
        if not names:
            answer = {True: ("consent_granted",), False: ("consent_withdrawn",)}
            names = (*answer.get(getattr(fact, "granted", None), ()), fact.type)
        edges = self.playbook.lifecycle.edges
        rules = [edge.rule for name in names for edge in edges if edge.rule.on == name]
        waiting = {(rule.on, rule.trigger) for rule in rules if getattr(rule, "pending", False)}
        # Open: of several triggers the first that is legal fires; if none is, the refusal is that of the first.
        asked = dict.fromkeys((rule.on, rule.trigger) for rule in rules)
        found = {order: self.legal(order[1], by=fact.by) for order in asked}
        early = [order for order, edge in found.items() if isinstance(edge, str) and order in waiting]
        if self.stage.status is StageStatus.OPEN:
            number = len(self.where.cycles)
            permitted = [order for order in early if self.ever_permitted(order[1], fact.by)]
            self.where.orders += [Order(number, name, fact.by, on) for on, name in permitted]
        for edge in found.values():
            if isinstance(edge, Edge):
                self.take(edge)
                return None
        return next(iter(found.values()), None)

    def ever_permitted(self, trigger: str, by: Actor) -> bool:
        """Return whether an actor has the role for a trigger anywhere; else their order would wait for ever."""
        rules = [rule for rule in self.playbook.lifecycle.transitions if rule.trigger == trigger]
        return any(not rule.roles or set(rule.roles) & set(by.roles) for rule in rules)

    def adopt(self, fact: PlaybookAdopted) -> str | None:
        """Put another playbook in force. What gives the present stage another status is not covered here."""
        new = self.playbooks[str(fact.playbook)]
        if fact.stages.get(self.where.stage, self.where.stage) not in new.lifecycle.by_id:
            return "illegal_move"
        limit = self.stage.limit
        self.where.relabel(lambda stage: None if stage is None else fact.stages.get(stage, stage))
        self.playbook = new
        internal = limit is not None and all(edge.target is None for edge in self.edges(limit.trigger))
        if self.where.limit == "waiting" or limit != self.stage.limit or not internal:
            self.where.limit = "running"  # the limit of the new playbook may come due at another instant
        self.rules.forget(new, self.now)
        return None

    def reach(self, fact: StageReached) -> str | None:
        """Take the first declared transition to a stage; guard, role and reason are waived."""
        if fact.stage == self.where.stage:
            return None
        for edge in self.edges():
            # Open: reopening leads only to the stage that was left, whatever is waived.
            if edge.target == fact.stage and edge.left in (None, self.where.left):
                code = self.held_back(edge)
                if code is None:
                    self.take(edge)
                    self.rules.grant_with_stage(fact, self.playbook, self.where, self.now)
                return code
        chain = self.chain(fact.stage) if fact.infer_gaps else []
        for edge in chain:
            self.take(edge)
        if chain:
            self.rules.grant_with_stage(fact, self.playbook, self.where, self.now)
        return None if chain else self.no_way()

    def chain(self, target: str) -> list[Edge]:
        """Return the shortest chain of forward moves along the success path."""
        path = {stage.id for stage in self.playbook.lifecycle.stages if stage.on_path}
        ways: dict[str, list[Edge]] = {self.where.stage: []}
        waiting = [self.where.stage]
        while waiting:
            here = waiting.pop(0)
            for edge in self.playbook.lifecycle.edges:
                forward = edge.rule.kind is TransitionKind.FORWARD and edge.target in path
                if edge.source == here and forward and edge.target not in ways:
                    ways[edge.target] = [*ways[here], edge]
                    waiting.append(edge.target)
        return ways.get(target, [])

    # ------------------------------------------------------------------ the one door

    @property
    def stage(self) -> Stage:
        return self.playbook.lifecycle.by_id[self.where.stage]

    def edges(self, trigger: str | None = None) -> list[Edge]:
        """Return what is declared from the present stage, in order."""
        every = self.playbook.lifecycle.edges
        return [edge for edge in every if edge.source == self.where.stage and trigger in (None, edge.trigger)]

    def attempt(self, trigger: str, *, by: Actor, reason: str | None = None, target: str | None = None) -> str | None:
        """Fire a trigger if that is legal, and return the code of the first refusal."""
        edge = self.legal(trigger, by=by, reason=reason, target=target)
        if isinstance(edge, str):
            return edge
        self.take(edge)
        return None

    def legal(
        self, trigger: str, *, by: Actor | None = None, reason: str | None = None, target: str | None = None
    ) -> Edge | str:
        """Return the candidate that a trigger takes, or the code of the first refusal; ``by`` is None for a timer."""
        closing = [rule for rule in self.playbook.lifecycle.transitions if rule.kind is TransitionKind.REOPEN]
        if not self.edges(trigger) and any(
            (rule.trigger, rule.target) == (trigger, None) and self.where.stage in rule.sources for rule in closing
        ):
            return "closed_stage"  # nothing leads into the stage, so there is none to return to
        if all(edge.trigger != trigger for edge in self.playbook.lifecycle.edges):
            return "unknown_trigger"
        leading = {
            edge.index
            for edge in self.edges(trigger)
            if target is None or (edge.target == target and edge.left in (None, self.where.left))
        }
        if not leading:
            return self.no_way()
        edge = self.choose([edge for edge in self.edges(trigger) if edge.index in leading], by)
        if isinstance(edge, str):
            return edge
        if target not in (None, edge.target):
            return "illegal_move"  # a target chooses among transitions; where a reopening leads is not chosen
        if by is not None and edge.rule.roles and not set(edge.rule.roles) & set(by.roles):
            return "not_permitted"
        return self.held_back(edge) or self.unreasoned(edge, reason) or (by is None and self.sale_pends(edge)) or edge

    def no_way(self) -> str:
        return "closed_stage" if self.stage.status.closed else "illegal_move"

    def choose(self, edges: list[Edge], by: Actor | None) -> Edge | str:
        """Return the first candidate whose guard is true; a guard that raises ends the search."""
        view = self.view(() if by is None else by.roles)
        for edge in edges:
            if edge.left not in (None, self.where.left):
                continue
            answer = ask_all(edge.guards, view)
            if answer == ERROR:
                return "guard_failed"
            if answer is True:
                return edge
        return "guard_not_met"

    def held_back(self, edge: Edge) -> str | None:
        """Return the refusal by the cool-down or by the limit of returns, which hold back reentries only."""
        stage = self.stage
        if edge.rule.kind is not TransitionKind.REENTRY or stage.status is not StageStatus.RECYCLED:
            return None
        if stage.cool_down is not None and self.now.at < due(self.where.entered, stage.cool_down, UTC_ZONE):
            return "cooling_down"
        limit = stage.reentry_limit
        return "recycle_limit" if limit is not None and self.where.returned(stage.id) >= limit else None

    def unreasoned(self, edge: Edge, reason: str | None) -> str | None:
        if reason is None:
            return "reason_missing" if edge.rule.needs_reason else None
        listed = edge.rule.reasons or tuple(self.playbook.lifecycle.reason_by_id)
        return "reason_not_listed" if listed and reason not in listed else None

    def sale_pends(self, edge: Edge) -> str | None:
        """Return the refusal of a derived move into a recycled stage while a sale waits for its own move."""
        into = edge.target is not None and self.playbook.lifecycle.by_id[edge.target].status is StageStatus.RECYCLED
        return "sale_pending" if into and any(order.kind == "sold" for order in self.orders()) else None

    def take(self, edge: Edge) -> None:
        self.moves.append(Step(self.now.at, edge.trigger, edge.source, edge.target))
        self.where.take(edge, self.playbook.lifecycle, self.now)

    # ------------------------------------------------------------------ what follows by itself

    def view(self, roles: tuple[str, ...] = ()) -> ReferenceView:
        return self.rules.view(self.playbook, self.where, self.now, aged=self.aged, roles=roles)

    def settle(self) -> None:
        """Judge readiness and qualifications, make one move, and begin again, at most once for each stage."""
        if self.where is None:
            return
        for _ in self.playbook.lifecycle.stages:
            self.judge()
            edge = None if self.blocked else self.next_move()
            if edge is None:
                return
            self.take(edge)
        self.judge()
        # Open: moves that do not come to rest go on with the next fact only.
        self.blocked = self.next_move() is not None
        self.chased = self.chased or self.blocked

    def judge(self) -> None:
        self.rules.judge(self.playbook, self.where, self.now, aged=self.aged, fresh=self.fresh)

    def next_move(self) -> Edge | None:
        """Return the next move: the oldest order that is legal, else the refused limit, else an automatic one."""
        found = [self.legal(order.trigger, by=order.by) for order in self.orders()]
        if self.where.limit == "waiting" and self.limit_is_due():
            found.append(self.legal_limit())
        found += map(self.automatic, dict.fromkeys(edge.trigger for edge in self.edges() if edge.rule.automatic))
        return next((edge for edge in found if isinstance(edge, Edge)), None)

    def orders(self) -> list[Order]:
        """Return the facts that wait: in an open stage of their own cycle."""
        if self.stage.status is not StageStatus.OPEN:
            return []
        rules = [rule for rule in self.playbook.lifecycle.transitions if rule.pending]
        declared = {(rule.on, rule.trigger) for rule in rules}  # the playbook in force may know no such order
        orders = [order for order in self.where.orders if (order.kind, order.trigger) in declared]
        return [order for order in orders if order.cycle == len(self.where.cycles)]

    def legal_limit(self) -> Edge | str:
        return self.legal(self.stage.limit.trigger, reason=self.stage.limit.reason)

    def automatic(self, trigger: str) -> Edge | str | None:
        """Return the automatic move of a trigger, if it is legal."""
        # Open: a trigger takes the first declared candidate, so one that is not automatic shadows later ones.
        edge = self.choose(self.edges(trigger), None)
        if isinstance(edge, str) or not edge.rule.automatic:
            return None
        return self.held_back(edge) or self.sale_pends(edge) or edge

    # ------------------------------------------------------------------ the reading

    def reading(self, until: datetime) -> Reading:
        """Return where the lead stands."""
        where, near = self.where, self.rules.readiness
        held = {name: one.held for name, one in self.rules.standing.items() if one.held is not None}
        return Reading(
            at=until,
            stage=None if where is None else where.stage,
            left=None if where is None else where.left,
            cycles=() if where is None else tuple(where.cycles),
            high_water=None if where is None else where.high_water,
            held={name: (one.since, one.expires) for name, one in sorted(held.items())},
            readiness=None if near is None else near.value,
            moves=tuple(self.moves),
            changes=tuple(self.rules.changes),
            refused=dict(self.refused),
            limits_refused=tuple(self.limits_refused),
            chased=self.chased,
        )
