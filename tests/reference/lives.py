"""Random playbooks and random lives, made from a seeded ``random.Random``; every instant and duration is whole hours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any

from leadlife.criteria import (
    Criterion,
    CustomGuard,
    View,
    consent,
    count,
    cycle,
    days_in_stage,
    evidence,
    holds,
    identified,
    in_stage,
    inactive,
    readiness,
    role,
    score,
    sold,
)
from leadlife.criteria import field as value_of
from leadlife.errors import InvalidDefinition
from leadlife.facts import (
    ActivityRecorded,
    ConsentChanged,
    EvidenceGiven,
    Fact,
    FieldChanged,
    Identified,
    Moved,
    PlaybookAdopted,
    QualificationGranted,
    QualificationWithdrawn,
    Referred,
    Retracted,
    ScoreReported,
    Sold,
    StageReached,
    Started,
)
from leadlife.leads import ActivityKind, Actor
from leadlife.lifecycle.lifecycle import Lifecycle
from leadlife.lifecycle.stages import EntryStage, Limit, Route, Stage, StageStatus, StageType
from leadlife.lifecycle.transitions import Transition
from leadlife.playbook.fields import FieldSpec, FieldType
from leadlife.playbook.playbook import Playbook
from leadlife.qualification.rules import Hysteresis, QualificationRule, ReadinessRule
from leadlife.scoring import ActivityRule, CustomPolicy, FieldRule, Points, StepDecay
from leadlife.timing import days, elapsed

EPOCH = datetime(2026, 1, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
ACTORS = (Actor(id="sam", roles=("sales",)), Actor(id="mia", roles=("marketing",)), Actor(id="bob"))
TRIGGERS = ("go", "up", "away", "back", "again", "sell")
KINDS = ("call", "view")
WORDS = ("fit", "sql")
FIRING = (
    "sold",
    "sold",
    "evidence",
    "activity",
    "identified",
    "attribute",
    "consent",
    "consent_granted",
    "consent_withdrawn",
    "score",
    "referred",
)
LEAVING = {
    StageStatus.OPEN: ("on", "on", "on", "close", "close", "rest", "note", "anew"),
    StageStatus.RECYCLED: ("reentry", "reentry", "skip", "close", "rest"),
    StageStatus.WON: ("repeat", "reentry", "reopen", "rest", "churn", "churn"),
    StageStatus.CHURNED: ("repeat", "repeat", "rewin"),
    StageStatus.LOST: ("reentry", "reopen", "return", "rest"),
    StageStatus.DISQUALIFIED: ("reentry", "reopen", "return", "rest"),
}


@dataclass(frozen=True)
class Features:
    """Which of the newer rules of meaning the lives may touch.

    Attributes:
        pending: Transitions with ``pending=True``.
        retried: Limits whose move may be refused.
        fading: Half-lives.
        adopting: Adoptions that change what rules read, and withdrawals by hand of rules on the state alone.
        broken: Custom guards that raise.
        reports: Rules that read a score from outside.
        intruding: Grants and withdrawals by hand of people who may not.
    """

    pending: bool = True
    retried: bool = True
    fading: bool = True
    adopting: bool = True
    broken: bool = True
    reports: bool = True
    intruding: bool = True

    @classmethod
    def only(cls, names: str) -> Features:
        """Return the features of a list such as ``pending,fading``; ``none`` for none, ``all`` for all."""
        chosen = set(cls.__dataclass_fields__) if names == "all" else set(names.split(",")) - {"none"}
        unknown = chosen - set(cls.__dataclass_fields__)
        if unknown:
            raise ValueError(f"no feature {sorted(unknown)}; there are {sorted(cls.__dataclass_fields__)}")
        return cls(**{name: name in chosen for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class Life:
    """The playbooks of a life, and its facts in the order in which they are recorded.

    A fact is a function of the playbooks, so that a playbook may change while a life is made smaller.
    """

    playbooks: tuple[Playbook, ...]
    drafts: tuple[Callable[[tuple[Playbook, ...]], Fact], ...]
    instants: tuple[datetime, ...] = field(default=())

    def facts(self) -> Iterator[Fact]:
        """Yield the facts, not recorded yet."""
        return (draft(self.playbooks) for draft in self.drafts)


def odd_size(view: View) -> bool | None:
    """Answer by a field, as code of a host does."""
    size = view.field("size")
    return None if size is None else bool(size.value % 2)


def broken_at_seven(view: View) -> bool | None:
    """Raise for some leads."""
    size = view.field("size")
    if size is None or size.value >= 5:
        raise ZeroDivisionError
    return bool(size.value % 2)


class Maker:
    """Makes one random life."""

    def __init__(self, seed: int, features: Features) -> None:
        self.random = Random(seed)
        self.features = features
        self.span = self.random.choice((96, 168, 288))

    def chance(self, part: float) -> bool:
        return self.random.random() < part

    def hours(self, most: int = 4) -> Any:
        """Return a duration of whole hours, elapsed or in days."""
        if self.chance(0.5):
            return days(self.random.randint(1, most))
        return elapsed(hours=self.random.choice((1, 5, 12, 24, 30, 36, 48, 70)))

    # ------------------------------------------------------------------ a playbook

    def playbook(self) -> Playbook:
        while True:
            try:
                return self._playbook()
            except InvalidDefinition:  # such as limits in a circle: try again
                continue

    def _playbook(self) -> Playbook:
        self.stages = self.stage_names()
        self.scores = self.policies()
        near = self.readiness()
        self.rules: list[QualificationRule] = []
        for number in range(self.random.randint(0, 4)):
            # A qualification of a stage's name is what that stage stands for.
            name = f"s{number}" if f"s{number}" in self.stages and self.chance(0.25) else f"q{number}"
            self.rules.append(self.qualification(name, near=near is not None))
        self.gated = self.chance(0.25)
        moves = [self.transition(name) for name in self.stages for _ in range(self.random.randint(1, 4))]
        for name in ("close", "rest"):
            if self.chance(0.3) and self.targets(name):
                target = self.random.choice(self.targets(name))
                kind = "recycle" if name == "rest" else "exit"
                if self.stages[target] is StageStatus.WON:
                    kind = "forward"
                moves.append(self.finish({"trigger": "away", "sources": "*", "target": target, "kind": kind}))
        stages = [self.stage(name, moves) for name in self.stages]
        if self.gated:
            routes = [Route(guard=self.guard(), target=self.random.choice(self.unchurned()))]
            stages.append(Stage(id="gate", type="gate", routes=routes, default=self.random.choice(self.opens())))
        entries: dict[str, Criterion | None] = {self.opens()[0]: None}
        if self.chance(0.3):
            entries[self.random.choice(self.unchurned())] = (
                None if self.chance(0.5) else self.leaf(rule=True, near=False)
            )
        rules = list(self.rules)
        self.random.shuffle(rules)
        return Playbook(
            id="random",
            lifecycle=Lifecycle(
                stages=stages,
                transitions=moves,
                entries=[EntryStage(stage=name, guard=guard) for name, guard in entries.items()],
                reasons=["r1", "r2"],
            ),
            fields={"size": FieldSpec(type=FieldType.INTEGER)},
            roles=("sales", "marketing"),
            activity_kinds={kind: ActivityKind() for kind in KINDS},
            evidence=dict.fromkeys(WORDS, ""),
            purposes={"news": ""},
            scores=self.scores,
            qualifications=rules,
            readiness=near,
            review_days=self.random.choice((1, 1, 2, 3)),
        )

    def stage_names(self) -> dict[str, StageStatus]:
        closing = [("won", StageStatus.WON), ("cold", StageStatus.RECYCLED), ("lost", StageStatus.LOST),
                   ("gone", StageStatus.DISQUALIFIED), ("rest", StageStatus.RECYCLED), ("left", StageStatus.CHURNED)]  # fmt: skip
        chosen = closing[:2] + self.random.sample(closing[2:], self.random.randint(0, 3))
        number = self.random.randint(2, 7 - len(chosen))
        return {f"s{place}": StageStatus.OPEN for place in range(number)} | dict(chosen)

    def opens(self) -> list[str]:
        return [name for name, status in self.stages.items() if status is StageStatus.OPEN]

    def unchurned(self) -> list[str]:
        return [name for name, status in self.stages.items() if status is not StageStatus.CHURNED]

    def targets(self, way: str) -> list[str]:
        closed = (StageStatus.WON, StageStatus.LOST, StageStatus.DISQUALIFIED)
        if way == "rest":
            return [name for name, status in self.stages.items() if status is StageStatus.RECYCLED]
        if way == "churn":
            return [name for name, status in self.stages.items() if status is StageStatus.CHURNED]
        if way == "close":
            return [name for name, status in self.stages.items() if status in closed]
        return self.opens()

    def stage(self, name: str, moves: list[Transition]) -> Stage:
        status = self.stages[name]
        recycled = status is StageStatus.RECYCLED
        limit = None
        cool_down = self.hours() if recycled and self.chance(0.6) else None
        reentry_limit = self.random.choice((None, 0, 1, 1, 2)) if recycled else None
        if self.chance(0.4):
            limit = self.limit(name, moves, holding=cool_down is not None or reentry_limit is not None)
        return Stage(
            id=name,
            status=status,
            on_path=status in (StageStatus.OPEN, StageStatus.WON) and (name == "s0" or self.chance(0.9)),
            limit=limit,
            cool_down=cool_down,
            reentry_limit=reentry_limit,
        )

    def limit(self, name: str, moves: list[Transition], *, holding: bool) -> Limit | None:
        everywhere = not self.closed(name)
        leading = [
            rule
            for rule in moves
            if name in rule.sources or (rule.sources == "*" and everywhere and rule.target != name)
        ]
        if not self.features.retried:
            # Only what is never refused: the first candidate has no guard, and nothing holds it back.
            first = {rule.trigger: rule for rule in reversed(leading)}
            leading = [
                rule
                for rule in first.values()
                if rule.guard is None and rule.kind != "reopen" and not (holding and rule.kind == "reentry")
            ]
        if not leading:
            return None
        return Limit(after=self.hours(), trigger=self.random.choice(leading).trigger, reason="r1")

    def closed(self, name: str) -> bool:
        return self.stages[name].closed

    def transition(self, source: str) -> Transition:
        status = self.stages[source]
        ways = [way for way in LEAVING[status] if way not in ("close", "rest", "churn") or self.targets(way)]
        way = self.random.choice(ways)
        more: dict[str, Any] = {"sources": (source,)}
        if way in ("on", "close", "rest"):
            more["target"] = self.random.choice([name for name in self.targets(way) if name != source] or [source])
            target = self.stages[more["target"]]
            more["kind"] = "recycle" if way == "rest" else "exit" if target.closed else "forward"
            if target is StageStatus.WON:
                more["kind"] = "forward"
            if way == "on":
                more["kind"] = self.random.choice(("forward", "forward", "backward", "skip"))
                if self.gated and self.chance(0.4):
                    more["target"] = "gate"
        elif way == "churn":
            more |= {"kind": "churn", "target": self.random.choice(self.targets(way))}
        elif way == "rewin":
            more |= {"kind": "repeat", "target": self.random.choice([*self.opens(), "won"])}
        elif way in ("note", "anew"):
            more |= {"kind": "forward", "target": source if way == "anew" else None}
        elif way == "reopen":
            more |= {"kind": "reopen", "target": None}
        elif way == "return":
            more |= {"kind": "reopen", "target": self.random.choice(self.opens())}
        else:
            more |= {"kind": way, "target": self.random.choice(self.opens())}
        return self.finish(more)

    def finish(self, more: dict[str, Any]) -> Transition:
        """Give a transition its trigger, guard, roles, reason, and what fires it."""
        more.setdefault("trigger", self.random.choice(TRIGGERS))
        guarded = self.chance(0.6)
        if guarded:
            more["guard"] = self.guard()
        elsewhere = more["target"] is not None and more["target"] not in more["sources"] and more["kind"] != "reopen"
        if guarded and elsewhere and self.chance(0.35):
            more["automatic"] = True
            if self.chance(0.3):
                more |= {"needs_reason": True, "reasons": ("r1",)}
            return Transition(**more)
        if self.chance(0.35):
            more["on"] = self.random.choice(FIRING)
            if self.features.pending and "pending" in Transition.model_fields and self.chance(0.6):
                more["pending"] = True
        elif self.chance(0.2):
            more |= {"needs_reason": True, "reasons": self.random.choice(((), ("r1",)))}
        if self.chance(0.25):
            more["roles"] = ("sales",)
        return Transition(**more)

    def policies(self) -> list[Any]:
        fading = self.features.fading
        age = {"half_life": elapsed(hours=self.random.choice((10, 24, 40)))} if fading else {"window": self.hours()}
        more = {"half_life": elapsed(hours=30)} if fading and self.chance(0.5) else {}
        return [
            Points(name="fade", rules=[
                ActivityRule(name="calls", kinds=("call",), points=10, **age),
                ActivityRule(name="views", kinds=("view",), points=4, window=self.hours()),
                ActivityRule(name="last", kinds=("call", "view"), points=6, at_most=1, **more),
            ]),
            Points(name="step", start=1, rules=[
                ActivityRule(name="calls", kinds=("call",), points=10, decay=StepDecay(percent=50, every=self.hours())),
                ActivityRule(name="views", kinds=("view",), points=3, at_most=2, window=self.hours()),
                FieldRule(name="size", when=value_of("size") >= 3, points=5),
            ]),
            CustomPolicy(name="model", version="1"),
        ]  # fmt: skip

    def leaf(self, *, rule: bool, near: bool = True, qualified: bool = True) -> Criterion:
        """Return one question; a rule asks nothing about the actor."""
        some = self.random.choice
        stages = list(self.stages)
        made: list[Callable[[], Criterion]] = [
            lambda: value_of("size") >= some((1, 3, 5)),
            lambda: value_of("size").known(),
            lambda: evidence(some(WORDS)),
            lambda: evidence(some(WORDS), within=self.hours()),
            sold,
            identified,
            lambda: count(*some((("call",), ("view",), KINDS, ()))) >= some((1, 2)),
            lambda: count(some(KINDS)) < some((1, 2)),
            lambda: count(*some((("call",), KINDS)), within=self.hours()) >= some((1, 2)),
            lambda: count(some(KINDS), since_recycling=True) >= 1,
            lambda: inactive(self.hours()),
            lambda: consent("news") == some(("granted", "withdrawn")),
            lambda: days_in_stage() >= some((1, 2)),
            lambda: in_stage(*self.random.sample(stages, some((1, 2)))),
            lambda: cycle() >= 2,
            lambda: score("fade") >= some((4, 6, 9, 12)),
            lambda: score("fade") < some((4, 9)),
            lambda: score("step") >= some((4, 6, 9)),
        ]
        if near:
            made += [lambda: readiness() >= some(("mid", "late"))]
        if qualified and self.rules:
            made += [lambda: holds(some(self.rules).name)] * 3
        if not rule:
            made += [lambda: role("sales"), partial(CustomGuard, name="odd", call=odd_size)]
        if self.features.reports or not rule:
            made += [lambda: score("model") >= 0.5]
        if self.features.broken:
            made += [partial(CustomGuard, name="broken", call=broken_at_seven)]
        return some(made)()

    def criterion(self, **options: bool) -> Criterion:
        found = self.leaf(**options)
        way = self.random.randrange(6)
        if way == 0:
            return ~found
        if way == 1:
            return found & self.leaf(**options)
        if way == 2:
            return found | self.leaf(**options)
        return found

    def guard(self) -> Criterion:
        return self.criterion(rule=False)

    def hysteresis(self, **options: bool) -> dict[str, Any]:
        enter = self.criterion(rule=True, **options)
        leave = self.criterion(rule=True, **options) if self.chance(0.35) else None
        # Under the old rules, a rule on the state alone comes back differently from a lapse.
        return {
            "enter": enter,
            "leave": leave,
            "lasting": leave is None and self.chance(0.25),
            "valid_for": self.hours()
            if self.chance(0.35) and (self.features.adopting or self.facts_in(enter))
            else None,
        }

    def facts_in(self, criterion: Criterion) -> bool:
        """Return whether a criterion surely reads facts."""
        return any(topic not in ("stage", "cycle", "readiness", "qualification") for topic, _ in criterion.inputs())

    def readiness(self) -> ReadinessRule | None:
        self.rules = []
        if self.chance(0.4):
            return None
        mid, late = (Hysteresis(**self.hysteresis(near=False, qualified=False)) for _ in range(2))
        return ReadinessRule(mid=mid, late=late)

    def qualification(self, name: str, *, near: bool) -> QualificationRule:
        if self.chance(0.1):
            return QualificationRule(
                name=name, granted_by="sales", valid_for=self.hours() if self.chance(0.5) else None
            )
        parts = self.hysteresis(near=near)
        by_hand = self.chance(0.5) and (self.features.adopting or self.facts_in(parts["enter"]))
        return QualificationRule(name=name, granted_by=("sales",) if by_hand else (), **parts)

    def second(self, first: Playbook) -> tuple[Playbook, dict[str, str]]:
        """Return another version of a playbook, and the stages that it renames."""
        while True:
            try:
                return self._second(first)
            except InvalidDefinition:
                continue

    def _second(self, first: Playbook) -> tuple[Playbook, dict[str, str]]:
        new = {name: f"{name}x" for name in self.stages if self.chance(0.3)}
        if self.features.adopting and self.chance(0.5):
            self.rules = []
            rules = [self.qualification(f"q{number}", near=first.readiness is not None) for number in range(3)]
            self.rules = list(first.qualifications)
            first = first.replace(qualifications=[rule for rule in rules if self.chance(0.8)] or rules)
        elif self.chance(0.4):
            first = first.replace(qualifications=[self.revised(rule) for rule in first.qualifications])
        elif self.chance(0.4):
            kept = [rule for rule in first.qualifications if not self.is_read(rule.name, first) or self.chance(0.5)]
            with suppress(InvalidDefinition):
                first = first.replace(qualifications=kept)
        lifecycle = first.lifecycle
        transitions = [rule for rule in lifecycle.transitions if self.chance(0.9)] or list(lifecycle.transitions)
        stages = [self.renewed(stage, new, transitions) for stage in lifecycle.stages]
        moves = [
            rule.replace(
                sources=rule.sources if rule.sources == "*" else tuple(new.get(name, name) for name in rule.sources),
                target=None if rule.target is None else new.get(rule.target, rule.target),
            )
            for rule in transitions
        ]
        entries = [one.replace(stage=new.get(one.stage, one.stage)) for one in lifecycle.entries]
        life = Lifecycle(stages=stages, transitions=moves, entries=entries, reasons=["r1", "r2"])
        data = first.replace(lifecycle=life, version="2", review_days=self.random.choice((1, 2)))
        return data, new

    def revised(self, rule: QualificationRule) -> QualificationRule:
        """Return a rule with the same enter that ends in another way."""
        if rule.enter is None or not self.chance(0.6):
            return rule
        parts = self.hysteresis(near=False, qualified=False)
        valid_for = parts["valid_for"] if self.facts_in(rule.enter) else None
        return rule.replace(leave=parts["leave"], lasting=parts["lasting"], valid_for=valid_for)

    def is_read(self, name: str, playbook: Playbook) -> bool:
        return any(("qualification", name) in criterion.inputs() for _, criterion in playbook.criteria())

    def renewed(self, stage: Stage, new: dict[str, str], moves: list[Transition]) -> Stage:
        if stage.type is StageType.GATE:
            routes = [route.replace(target=new.get(route.target, route.target)) for route in stage.routes]
            return stage.replace(routes=routes, default=new.get(stage.default, stage.default))
        holding = stage.cool_down is not None or stage.reentry_limit is not None
        limit = self.limit(stage.id, moves, holding=holding) if self.chance(0.4) else None
        kind = {"limit": limit, "type": "sla" if limit else "inventory"}
        return stage.replace(id=new.get(stage.id, stage.id), **kind)

    # ------------------------------------------------------------------ a life

    def life(self) -> Life:
        first = self.playbook()
        playbooks, stages = (first,), {}
        if self.chance(0.3):
            two, stages = self.second(first)
            playbooks = (first, two)
        adoptions: list[tuple[int, int, dict[str, str]]] = []
        if len(playbooks) > 1:
            adoptions.append((self.random.randint(30, self.span), 1, stages))
            if self.chance(0.3):  # and back again
                back = {new: old for old, new in stages.items()}
                adoptions.append((self.random.randint(adoptions[0][0], self.span + 24), 0, back))
        drafts: list[tuple[int, Callable[..., Fact]]] = []
        start = self.random.choice((0, 0, 0, 30))
        entry = self.random.choice([one.stage for one in first.lifecycle.entries])
        drafts.append((start, partial(_started, at=EPOCH + start * HOUR, stage=entry, key="start")))
        for number in range(self.random.randint(3, 24)):
            at = self.random.choice((self.random.randint(0, self.span), self.random.randint(0, self.span // 24) * 24))
            if drafts and self.chance(0.15):
                at = self.random.choice(drafts)[0]
            in_force = playbooks[next((number for when, number, _ in reversed(adoptions) if at > when), 0)]
            drafts.append((at, self.draft(EPOCH + at * HOUR, number, in_force)))
        drafts.sort(key=lambda pair: pair[0])
        order = self.delayed(drafts)
        for at, number, names in adoptions:
            adopt = partial(_adopted, at=EPOCH + at * HOUR, number=number, stages=names, key=f"adopt {at}")
            place = next((n for n, (when, _) in enumerate(order) if when > at), len(order))
            order.insert(place, (at, adopt))
        instants = sorted({EPOCH + self.random.randint(0, self.span + 60) * HOUR for _ in range(5)})
        return Life(playbooks, tuple(draft for _, draft in order), tuple(instants))

    def delayed(self, drafts: list[tuple[int, Callable[..., Fact]]]) -> list[tuple[int, Callable[..., Fact]]]:
        """Return the drafts in the order of recording: for some lives, many of them come late."""
        if self.chance(0.5):
            return drafts
        late = [(place + self.random.choice((0, 0, 3, 9)), place, one) for place, one in enumerate(drafts)]
        return [one for _, _, one in sorted(late, key=lambda triple: triple[:2])]

    def draft(self, at: datetime, number: int, playbook: Playbook) -> Callable[..., Fact]:
        some = self.random.choice
        names = [stage.id for stage in playbook.lifecycle.stages if stage.type is not StageType.GATE]
        triggers = sorted({rule.trigger for rule in playbook.lifecycle.transitions})
        common: dict[str, Any] = {"at": at, "by": some((ACTORS[0], *ACTORS)), "key": f"k{number}"}
        if self.chance(0.05) and number:
            return _of(Retracted(target=f"k{self.random.randint(0, 24)}", **common))
        if self.chance(0.05) and number:
            common["key"] = f"k{number - 1}"
        kinds: list[Callable[[], Fact]] = [
            lambda: Moved(
                trigger=some((*triggers, *triggers, "nothing")),
                reason=some((None, "r1", "r1", "r1", "r2", "bad")),
                **common,
            ),
            lambda: Moved(trigger=some(triggers), target=some(names), **common),
            lambda: StageReached(stage=some(names), infer_gaps=self.chance(0.5), **common),
            lambda: Sold(**common),
            lambda: Identified(**common),
            lambda: ConsentChanged(purpose="news", granted=self.chance(0.6), **common),
            lambda: Referred(who="eve", **common),
            lambda: Started(stage=some(names), playbook=playbook.ref, **common),
            lambda: ActivityRecorded(kind=some(KINDS), **common),
            lambda: EvidenceGiven(name=some(WORDS), value=self.chance(0.8), **common),
            lambda: FieldChanged(name="size", value=some((None, 1, 2, 3, 4, 5, 7)), **common),
            lambda: ScoreReported(policy="model", version="1", value=some((0.2, 0.9)), **common),
        ]
        weights = [7, 1, 2, 2, 1, 1, 1, 0.3, 5, 4, 3, 1]
        if playbook.qualifications:
            by_hand = [rule for rule in playbook.qualifications if rule.granted_by]
            rule = some(by_hand if by_hand and self.chance(0.8) else playbook.qualifications)
            name = rule.name
            end = at + self.random.choice((5, 24, 40)) * HOUR
            kinds += [
                lambda: QualificationGranted(name=name, expires=some((None, None, end)), **common),
                lambda: QualificationWithdrawn(name=name, **common),
            ]
            weights += [2.5, 2.5] if rule.granted_by else [0.5, 0.5]
            if not self.features.intruding:
                common["by"] = ACTORS[0]
                weights[-2:] = [2.5, 2.5] if rule.granted_by else [0, 0]
        return _of(self.random.choices(kinds, weights)[0]())


def _of(fact: Fact) -> Callable[..., Fact]:
    return partial(_same, fact=fact)


def _same(playbooks: tuple[Playbook, ...], *, fact: Fact) -> Fact:
    return fact


def _started(playbooks: tuple[Playbook, ...], *, at: datetime, stage: str, key: str) -> Fact:
    return Started(stage=stage, playbook=playbooks[0].ref, at=at, key=key)


def _adopted(playbooks: tuple[Playbook, ...], *, at: datetime, number: int, stages: dict[str, str], key: str) -> Fact:
    playbook = playbooks[min(number, len(playbooks) - 1)]
    return PlaybookAdopted(playbook=playbook.ref, stages=stages, at=at, key=key)


def life(seed: int, features: Features) -> Life:
    """Return the random life of a seed."""
    return Maker(seed, features).life()
